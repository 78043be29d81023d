"""The resources of a dossier as rules want them for a prescription of SPICE, and what rules cannot put there.

Source: profiles/pfmg (a ServiceRequest a person, an edge a FamilyMemberHistory); mappings/platforms/seqoia/spice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from fhir_gateway.exchange import unknown_keys
from fhir_gateway.exchange.people import People, Person, Resource, codes, identifier
from fhir_gateway.exchange.seqoia import complaints, fields, links
from fhir_gateway.exchange.seqoia.formats import keys_of
from fhir_gateway.exchange.seqoia.keys import ANALYSIS, CASE, FORMAT, OBJECT, RUN
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.terminology.kinship import ROLE_CODE
from fhir_gateway.transform.fhir_source import FhirPaths, FhirSegment, FhirSource

_SYSTEMS: Final = f"{CANONICAL_BASE}/CodeSystem"
_NATURE: Final = f"{_SYSTEMS}/pfmg-nature"
_ORIGIN: Final = f"{CANONICAL_BASE}/StructureDefinition/origine"
_STEPS: Final = {
    "rcp-amont": "Rcp", "recueil-consentement": "Consented", "sequencage": "Sequenced", "analyse-bioinfo": "Analysed",
    "interpretation": "Interpreted", "restitution": "Restituted",
}  # fmt: skip
_PLACES: Final = {"adn": "Dna", "adn_secondaire": "Dna2", "arn": "Rna"}
_BIOMARKERS: Final = {"C120465": "Hrd", "81695-9": "Msi", "94076-7": "Tmb"}
_CHANGES: Final = frozenset({"SO:0001743", "SO:0001742"})
_CELLULARITY: Final = "371510003"
_HISTOLOGY: Final = "31205-8"
_FILIERE: Final = "http://www.genomecad.fr/CodeSystem/PFMG/Filiere"
_PREINDICATION: Final = "http://www.seqoia.fr/CodeSystem/preindication"
_PRESENT: Final = "LA9633-4"
# In which list of the file an item of each name stands; "*" is the entry of the person.
_GLEAVES: Final = "*/resultat_compte_rendu_gleaves"
_LISTS: Final = {
    "Sign": "/hpos", "Disease": "/orphas", "Document": "/donneesMed", "Result": "/resultats",
    "Transfer": "/prescripteurs_old", "Qualification": "*/dossiersQualif", "Variant": f"{_GLEAVES}/variants",
    "Cnv": f"{_GLEAVES}/cnvs",
}  # fmt: skip
# Documents that are no medical data: they stand elsewhere in the file, or are announced by other means.
_NOT_MEDICAL: Final = frozenset({"consentement", "donnees"})


class Arranged:
    """The resources of one dossier in the order that groups are told by. `issues`: what is told of them."""

    def __init__(self, people: People, paths: FhirPaths, free_text: bool) -> None:
        self.people = people
        self.persons = _once(people.people)
        self.probands = [each for each in self.persons if each.proband]
        self.issues: list[Issue] = []
        self.entries: list[tuple[str, Resource | None]] = []  # of each entry: whose, the sample where it is one
        self._paths = paths
        self._free = free_text
        self._segments: list[FhirSegment] = []
        self._counts: dict[str, int] = {}
        self._silent: dict[str, int] = {}
        self._whole: dict[int, Resource] = {}  # the prescription without its notes
        self.shown: set[int] = set()  # resources of which a part stands in a segment of its own
        self._moved: dict[str, str] = {}  # where an item stood in the file that was read: where it stands in this one
        self._items: dict[str, int] = {}  # of each list: how many items it has

    def source(self) -> FhirSource:
        proband = self.probands[0] if self.probands else None
        if proband is not None:
            self._case(proband)
        samples = []
        for person in self.persons:
            samples += self._person(person, proband.key if proband is not None else "")
        for person, sample in samples:
            self._add("Sample", sample)
            self._add("Owner", person.patient)
            self.entries.append((person.key, sample))
        for where, count in self._silent.items():
            self.issues.append(complaints.TEXT_STAYS.at(where, where=where, count=count))
        return FhirSource(self._segments, b"")

    def _add(self, name: str, resource: Any) -> None:
        if resource is not None:
            self._counts[name] = self._counts.get(name, 0) + 1
            self._segments.append(self._paths.segment(name, self._counts[name], resource))
            if name in _LISTS:
                self._place(_LISTS[name].replace("*", f"/patients/{len(self.entries) - 1}"), resource)

    def _place(self, listed: str, resource: Any) -> None:
        """Note where an item of a list stands: what was kept of it follows it."""
        number = self._items[listed] = self._items.get(listed, -1) + 1
        where = _object_of(resource)
        if where is not None:
            self._moved[where] = f"{listed}/{number}"

    def _part(self, name: str, resource: Resource, **elements: Any) -> None:
        """Add a part of a resource as a segment of its own."""
        self.shown.add(id(resource))
        self._add(name, {"resourceType": resource["resourceType"], **elements})

    def silence(self, where: str) -> None:
        """Count a free text that stays here."""
        self._silent[where] = self._silent.get(where, 0) + 1

    # --- the dossier

    def _case(self, proband: Person) -> None:
        people, own = self.people, proband.key
        notes = proband.request.get("note", ())
        case = {key: each for key, each in proband.request.items() if key != "note"}
        self.shown.add(id(proband.request))
        self._whole[id(proband.request)] = case
        self._add("Case", case)
        self._add("Prescriber", people.held(case.get("requester")))
        self._decided(proband)
        for sign in people.signs(own):
            self._add("Sign", sign)
        for each in people.of("Condition"):
            if people.key(each.get("subject")) == own and codes(each.get("code"), "http://www.orpha.net"):
                self._add("Disease", each)
        for note in notes:
            if self._free:
                self._part("Comment", proband.request, note=[note])
            else:
                self.silence("/commentaires")
        self._documents(own)
        for each in people.of("Provenance"):
            if "prescripteurs_old" in codes(each.get("activity"), fields.SYSTEM):
                self._add("Transfer", each)
        studies = (each for each in people.of("Procedure") if identifier(each, ANALYSIS) is not None)
        self._add("Study", next(studies, None))

    def _decided(self, proband: Person) -> None:
        """Add the step of each kind that is last: of the dossier, or of the person who was last."""
        last: dict[str, Resource] = {}
        for each in self.people.of("Task"):
            for code in codes(each.get("code"), f"{_SYSTEMS}/pfmg-tache"):
                name = _STEPS.get(code)
                if name is not None and (name not in last or _when(each) > _when(last[name])):
                    last[name] = each
        for name, each in last.items():
            self._add(name, each)
        rcp = last.get("Rcp")
        for each in self.people.of("Provenance"):
            if rcp is not None and any(self.people.held(one) is rcp for one in each.get("target", ())):
                self._add("Decision", each)
        found = self.people.of("DiagnosticReport")
        reports = (each for each in found if self.people.key(each.get("subject")) == proband.key)
        report = max(reports, key=lambda each: str(each.get("issued", "")), default=None)
        if report is None:
            return
        shown = dict(report)
        if "conclusion" in shown and not self._free:
            del shown["conclusion"]
            self.silence("/patients/resultat_compte_rendu_gleaves/conclusion")
        self.shown.add(id(report))
        self._add("Report", shown)
        for each in report.get("resultsInterpreter", ()):
            kinds = codes({"coding": each.get("identifier", {}).get("type", {}).get("coding", ())}, fields.SYSTEM)
            if "membreLMG" not in kinds:
                self._part("Signer", report, resultsInterpreter=[each])
        if not any(_list_of(each) == "resultats" for each in self.people.of("DocumentReference")):
            for each in report.get("presentedForm", ()):
                self._part("Form", report, presentedForm=[each])

    def _documents(self, own: str) -> None:
        names = {"donneesMed": "Document", "resultats": "Result"}
        for each in self.people.of("DocumentReference"):
            kinds = codes(each.get("category"), f"{_SYSTEMS}/pfmg-document")
            kind = _list_of(each) or ("" if _NOT_MEDICAL & set(kinds) else "donneesMed")
            if kind in names and self.people.key(each.get("subject")) == own:
                self._add(names[kind], each)

    # --- a person

    def _person(self, person: Person, proband: str) -> list[tuple[Person, Resource]]:
        people, key = self.people, person.key
        self._add("Request", self._whole.get(id(person.request), person.request))
        self.entries.append((key, None))
        self._add("Patient", person.patient)
        if person.patient is not None and person.patient.get("gender") not in (None, "male", "female"):
            where = f"/patients/{len(self.entries) - 1}/patient/sexe"
            self.issues.append(complaints.SEX_UNSAID.at("Patient.gender", where=where, sex=person.patient["gender"]))
        if not person.proband:
            self._link(people.link(proband, key) or self._by_way(proband, key))
        self._add("Affected", people.affected(key))
        self._consent(key)
        own = [each for each in people.of("Specimen") if people.key(each.get("subject")) == key]
        samples = [each for each in own if "lien" in codes(each.get("type"), fields.SYSTEM)]
        tubes = [each for each in own if each not in samples and not each.get("parent")]
        tumour = _last(each for each in tubes if _is_tumour(each))
        tube = _last(each for each in tubes if not _is_tumour(each) and _place_of(each) is None)
        if tube is not None and any(path.startswith("no_conformity_data") for path, _ in self._fields("patients", key)):
            self.shown.add(id(tube))
            tube = {name: each for name, each in tube.items() if name != "condition"}
        self._add("Tube", tube)
        self._add("Conformity", self._conformity(key))
        self._add("Tumour", tumour)
        self._measured(key, tumour)
        for each in own:
            place = _place_of(each)
            if place is not None:
                self._add(_PLACES[place], each)
        for each in people.of("DocumentReference"):
            if _list_of(each) == "dossiersQualif" and people.key(each.get("subject")) == key:
                self._add("Qualification", each)
        self._results(key)
        return [(person, each) for each in samples]

    def _link(self, edge: Resource | None) -> None:
        where = f"/patients/{len(self.entries) - 1}/lien"
        if edge is None:
            self.issues.append(complaints.LINK_ABSENT.at("FamilyMemberHistory", where=where))
            return
        relationship = dict(edge.get("relationship", {}))
        text = relationship.get("text")
        if text == "autre":
            del relationship["text"]
            text = None
        if text is not None and not self._free and not links.is_listed(str(text)):
            del relationship["text"]
            self.silence(f"{where}/name")
        if "text" not in relationship and not relationship.get("coding"):
            self.issues.append(complaints.LINK_ABSENT.at("FamilyMemberHistory.relationship", where=where))
        self.shown.add(id(edge))
        self._add("Link", {**edge, "relationship": relationship})

    def _by_way(self, proband: str, key: str) -> Resource | None:
        """Return a link that is told by other links only."""
        code = links.derived(self.people, proband, key)
        if code is None:
            return None
        return {
            "resourceType": "FamilyMemberHistory",
            "relationship": {"coding": [{"system": ROLE_CODE, "code": code}]},
        }

    def _consent(self, key: str) -> None:
        own = [
            each
            for each in self.people.of("Consent")
            if self.people.key(each.get("patient")) == key
            and "research" in codes(each.get("scope"), "http://terminology.hl7.org/CodeSystem/consentscope")
            and each.get("status") != "rejected"
        ]
        consent = max(own, key=lambda each: str(each.get("dateTime", "")), default=None)
        if consent is None:
            return
        self._add("Consent", consent)
        said = [each.get("type") for each in consent.get("provision", {}).get("provision", ())
                if "recherche-donnees" in codes(each.get("code"), f"{_SYSTEMS}/pfmg-choix")]  # fmt: skip
        if "permit" in said and consent.get("status") != "active":
            where = f"/patients/{len(self.entries) - 1}/is_data_reusable_for_research"
            self.issues.append(complaints.CONSENT_NOT_SIGNED.at("Consent.status", where=where))
        self._add("ConsentForm", self.people.held(consent.get("sourceReference")))

    def _conformity(self, key: str) -> Resource | None:
        own = (
            each
            for each in self.people.of("Task")
            if "reception-prelevement" in codes(each.get("code"), f"{_SYSTEMS}/pfmg-tache")
            and self.people.key(each.get("for")) == key
            and ("statusReason" in each or "executionPeriod" in each)
        )
        return next(own, None)

    def _measured(self, key: str, tumour: Resource | None) -> None:
        names = {_CELLULARITY: "Cellularity", _HISTOLOGY: "Histology", **_BIOMARKERS}
        last: dict[str, Resource] = {}
        for each in self.people.observations(key):
            code = next((str(one.get("code")) for one in each["code"].get("coding", ())), "")
            name = names.get(code)
            of_tumour = name not in ("Cellularity", "Histology") or self.people.held(each.get("specimen")) in (
                None,
                tumour,
            )
            if name is not None and of_tumour and (name not in last or _at(each) >= _at(last[name])):
                last[name] = each
        for name, each in last.items():
            self._add(name, each)
            if name in _BIOMARKERS.values() and "valueQuantity" not in each:
                where = f"/patients/{len(self.entries) - 1}/resultat_compte_rendu_gleaves/qc_infos/{name.lower()}"
                self.issues.append(complaints.NUMBER_ONLY.at("Observation.value", where=where))

    def _results(self, key: str) -> None:
        implications: dict[int, Resource] = {}
        variants = []
        for each in self.people.observations(key):
            coded = [str(one.get("code")) for one in each["code"].get("coding", ())]
            if "diagnostic-implication" in coded:
                for one in each.get("derivedFrom", ()):
                    implications[id(self.people.held(one))] = each
            elif "69548-6" in coded and _PRESENT in codes(each.get("valueCodeableConcept"), "http://loinc.org"):
                variants.append(each)
        for each in variants:
            if _is_copy_number(each):
                self._add("Cnv", each)
            else:
                self._add("Variant", each)
                self._add("Implication", implications.get(id(each)))

    # --- what rules cannot put

    def _fields(self, group: str, key: str, sample: Resource | None = None) -> Iterator[tuple[str, Any]]:
        for each in self.people.observations(key):
            of = self.people.held(each["specimen"]) if "specimen" in each else None
            if group in codes(each.get("code"), fields.SYSTEM) and of is sample:
                self.shown.add(id(each))
                yield from fields.told(each)

    def complete(self, tree: dict[str, Any]) -> None:
        """Put fields, runs and numbers of chromosomes into a tree that rules made."""
        people = self.people
        if len(tree.get("patients", ())) != len(self.entries):
            return  # told by lacking: nothing is put where it might not belong
        own = self.probands[0].key if self.probands else ""
        self._restore(tree, "", self._fields("prescription", own))
        self._restore(tree.setdefault("dossier_cloture", {}), "/dossier_cloture", self._fields("dossier_cloture", own))
        for number, each in enumerate(self._of_diseases(own)):
            if number < len(tree.get("orphas", ())):
                self._restore(tree["orphas"][number], f"/orphas/{number}", each)
        for number, (key, sample) in enumerate(self.entries):
            entry, where = tree["patients"][number], f"/patients/{number}"
            self._restore(entry, where, self._fields("patients", key, sample))
            if sample is None:
                gleaves = entry.setdefault("resultat_compte_rendu_gleaves", {})
                where = f"{where}/resultat_compte_rendu_gleaves"
                self._restore(gleaves, where, self._fields("resultat_compte_rendu_gleaves", key))
                for cnv in gleaves.get("cnvs", ()):
                    cnv["contig"] = [int(each) if each.isdecimal() else each for each in cnv.get("contig", ())]
        runs = {
            str(each["code"]["text"]): run
            for each in people.of("Procedure")
            if (run := identifier(each, RUN)) is not None and "text" in each.get("code", {})
        }
        if runs:
            tree.setdefault("analysis_info", {})["run_id"] = runs

    def _of_diseases(self, own: str) -> list[list[tuple[str, Any]]]:
        """Return the fields of each disease, in the order of the diseases."""
        found = []
        for each in self.people.of("Condition"):
            if self.people.key(each.get("subject")) == own and codes(each.get("code"), "http://www.orpha.net"):
                name = next((one["value"] for one in each.get("identifier", ())), None)
                told: list[tuple[str, Any]] = []
                for other in self.people.observations(own):
                    same = any(one["value"] == f"{name}#orphas" for one in other.get("identifier", ()))
                    if "orphas" in codes(other.get("code"), fields.SYSTEM) and same:
                        self.shown.add(id(other))
                        told += fields.told(other)
                found.append(told)
        return found

    def _restore(self, into: dict[str, Any], where: str, pairs: Iterable[tuple[str, Any]]) -> None:
        kept = []
        for path, value in pairs:
            if (fields.free(path) or path == "lien/name") and not self._free:
                at = f"{where}/{path}"
                self.issues.append(complaints.TEXT_STAYS.at(at, where=at, count=1))
            else:
                kept.append((path, value))
        fields.restored(into, kept)

    def put_back(self, tree: dict[str, Any], asker: str) -> set[str]:
        """Put the keys back that nobody knew and that the asker sent, and return their pointers; what cannot be put
        back is told.
        """
        found: list[tuple[str, Any]] = []
        silent = 0
        for each in self.people.of("Observation"):
            if not unknown_keys.is_kept(each, FORMAT):
                continue
            self.shown.add(id(each))
            entry = self._entry(each)
            may_go = self._free or (asker != "" and unknown_keys.is_of(each, asker))
            for where, value in unknown_keys.told(each):
                there = self._now(where, entry)
                if not may_go:
                    silent += 1
                elif there is None:
                    self.issues.append(unknown_keys.HOMELESS.at(where, where=where))
                else:
                    found.append((there, value))
        if silent:
            self.issues.append(complaints.TEXT_STAYS.at("", where="/", count=silent))
        # Whole items last: before them the places of the others are those that were noted.
        found.sort(key=lambda each: each[0].rpartition("/")[2].isdecimal())
        for where, value in found:
            if not unknown_keys.put_back(tree, where, value):
                self.issues.append(unknown_keys.HOMELESS.at(where, where=where))
        return {where for where, _ in found}

    def _entry(self, observation: Resource) -> int | None:
        """Return which entry an Observation speaks of: of a sample, else of the person."""
        of = self.people.held(observation["specimen"]) if "specimen" in observation else None
        key = self.people.key(observation.get("subject"))
        own = (place for place, (whose, sample) in enumerate(self.entries) if whose == key and sample is of)
        return next(own, None)

    def _now(self, where: str, entry: int | None) -> str | None:
        """Return where a pointer of the file that was read points in this one; None where that is not there."""
        steps = where.split("/")
        for length in range(len(steps) - 1, 1, -1):
            held = "/".join(steps[:length])
            if held in self._moved:
                return f"{self._moved[held]}{where[len(held) :]}"
        if steps[1] != "patients":
            gone = len(steps) > 3 and f"/{steps[1]}" in _LISTS.values()
            return None if gone else where
        own = "/".join(steps[3:])
        gone = any(own.startswith(f"{each[2:]}/") for each in _LISTS.values() if each.startswith("*"))
        return None if entry is None or gone else f"/patients/{entry}/{own}"

    def lacking(self, tree: Mapping[str, Any]) -> None:
        """Say what a prescription cannot do without, and who is to give it."""
        if len(self.probands) != 1:
            self.issues.append(complaints.PROBANDS.at("ServiceRequest.category", found=len(self.probands)))
            return
        if len(tree.get("patients", ())) != len(self.entries):
            self.issues.append(complaints.NOBODY_HELD.at("Patient", where="/patients"))
        case = self.probands[0].request
        if "_id" not in tree:
            self.issues.append(complaints.CASE_ABSENT.at("ServiceRequest.identifier", where="/_id", system=CASE))
        if "key" not in tree.get("preindication", {}):
            told = codes(case.get("reasonCode"), _FILIERE)
            known = ", ".join(key for each in told for key in keys_of(each)) or "-"
            where = "/preindication/key"
            self.issues.append(
                complaints.PREINDICATION_UNMAPPED.at(
                    "ServiceRequest.reasonCode", where=where, preindication=", ".join(told) or "-", found=known
                )
            )


def _once(persons: Iterable[Person]) -> list[Person]:
    """Return each person once: by the prescription that was not revoked, where there is one."""
    found: dict[str, Person] = {}
    for each in persons:
        first = found.setdefault(each.key, each)
        if first.request.get("status") == "revoked" and each.request.get("status") != "revoked":
            found[each.key] = each
    return sorted(found.values(), key=lambda each: not each.proband)


def without_nothing(value: Any) -> Any:
    """Return a tree without objects and lists that say nothing, nor null, nor ""."""
    if isinstance(value, dict):
        made = {key: without_nothing(each) for key, each in value.items()}
        return {key: each for key, each in made.items() if each not in (None, "", {}, [])}
    if isinstance(value, list):
        return [made for each in value if (made := without_nothing(each)) not in (None, "", {}, [])]
    return value


def _object_of(resource: Resource) -> str | None:
    """Return where the object of a file stood that a resource was made of."""
    name = identifier(resource, OBJECT)
    return f"/{name.partition('/')[2]}" if name is not None else None


def _list_of(document: Resource) -> str | None:
    return next(iter(codes(document.get("category"), fields.SYSTEM)), None)


def _place_of(specimen: Resource) -> str | None:
    steps = (each.get("procedure") for each in specimen.get("processing", ()))
    return next((code for step in steps for code in codes(step, fields.SYSTEM) if code in _PLACES), None)


def _is_tumour(specimen: Resource) -> bool:
    """Tell whether a specimen is of a tumour: by its nature, its origin, or what SPICE said of it."""
    own = str(specimen.get("type", {}).get("text", ""))
    if own.startswith("tumeur") or any(each.startswith("tumeur") for each in codes(specimen.get("type"), _NATURE)):
        return True
    for each in specimen.get("extension", ()):
        if each["url"] == _ORIGIN:
            origin = each.get("valueCodeableConcept", {})
            told = codes(origin, f"{_SYSTEMS}/pfmg-origine")
            return told[0].startswith("tumoral") if told else "text" in origin
    return str(identifier(specimen, OBJECT)).endswith("#tumour")


def _is_copy_number(variant: Resource) -> bool:
    for each in variant.get("component", ()):
        coded = {str(one.get("code")) for one in each["code"].get("coding", ())}
        if "82155-3" in coded or _CHANGES & set(
            codes(each.get("valueCodeableConcept"), "http://www.sequenceontology.org")
        ):
            return True
    # A change without alleles that has a size is one of copy number.
    coded = {str(one.get("code")) for each in variant.get("component", ()) for one in each["code"].get("coding", ())}
    return {"genotype", "length"} & coded != set()


def _last(specimens: Iterator[Resource]) -> Resource | None:
    """Return the specimen that counts: conform before others, of those the one collected last."""

    def rank(each: Resource) -> tuple[bool, str]:
        return each.get("status") == "available", str(each.get("collection", {}).get("collectedDateTime", ""))

    return max(specimens, key=rank, default=None)


def _when(task: Resource) -> str:
    return str(task.get("executionPeriod", {}).get("end", task.get("lastModified", "")))


def _at(observation: Resource) -> str:
    return str(observation.get("effectiveDateTime", ""))

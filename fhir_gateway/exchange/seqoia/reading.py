"""A prescription of SPICE as rules want it: who is meant by each entry, what belongs to whom, keys without a place.

Source: GIP-CAD, ser_client-api, SPICE schema and examples; mappings/platforms/seqoia/spice/read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fhir_gateway.exchange.seqoia import complaints, fields, links, results
from fhir_gateway.exchange.seqoia.keys import ANALYSIS, CASE, ID_ANON, LABORATORY, OBJECT, RCP, Key, reference, user
from fhir_gateway.exchange.seqoia.moments import moment_of
from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.transform.schema import pointer
from fhir_gateway.transform.tree_source import TreePaths, TreeSegment, TreeSource

Tree = Mapping[str, Any]
# The steps that dates tell: code, stage, when it began, when it ended.
STEPS: Final = (
    ("rcp-amont", "attente-rcp", "date_status_wait_rcp", "date_debut_wait_consent"),
    ("recueil-consentement", "attente-consentement", "date_debut_wait_consent", "dateValidationDossier"),
    ("analyse-bioinfo", "attente-analyse", "date_debut_wait_analyse", "date_debut_wait_lmg"),
    ("interpretation", "attente-interpretation", "date_debut_wait_lmg", "date_resultats"),
    ("restitution", "rendu", "date_resultats", "date_cloture"),
)
# The extracts of a tumour: place, number, nature, received, collected, sequencing.
ACIDS: Final = (
    ("adn", "numero_adn", "adn", "date_reception_adn_tumoral", "", "type_seq_adn"),
    ("adn_secondaire", "numero_adn_secondaire", "adn", "date_reception_adn_tumoral_secondaire", "",
     "type_seq_adn_secondaire"),
    ("arn", "numero_arn", "arn", "date_reception_arn_tumoral", "date_prelevement_arn", ""),
)  # fmt: skip
TUMOUR: Final = ("type_de_prelevement_tumoral", "reference_prelevement_tumoral", "organe_du_prelevement",
                 "etat_tumoral", "cellularite_tumoral_ou_baste", "type_histologique",
                 "date_reception_du_prelevement_tumoral", "date_prelevement_adn")  # fmt: skip
_TUBE: Final = ("date_prelevement", "type_prelevement_primaire", "date_reception", "date_reception_constit",
                "nombre_de_tube_sang", "prelevement_is_no_conform")  # fmt: skip
# Keys of an entry that is a sample which its Specimen says.
_OF_SAMPLE: Final = frozenset({"patient", "lien", "id_anon", "date_prelevement", "date_reception"})
_WHO: Final = ("nom_naissance", "nom", "prenom", "date_naissance")


@dataclass(frozen=True, slots=True)
class Entry:
    """An item of patients[]: where it stands, who is meant; `sample`: the nature of a further sample of that person
    ("" unsaid), None where the entry is a person.
    """

    where: str
    value: Tree
    who: Key
    sample: str | None = None


class Arranged:
    """The objects of one file in the order that groups are told by. `issues`: what is told of them."""

    def __init__(self, tree: Tree, keys: TreePaths, ipp: str, assembly: str) -> None:
        self.tree = tree
        self.issues: list[Issue] = []
        self.kept: list[str] = []  # pointers to what no resource can hold
        self._keys = keys
        self._ipp = ipp
        self._assembly = assembly
        self._segments: list[TreeSegment] = []
        self._counts: dict[str, int] = {}
        self._reported = False
        self._entries = tuple(self._read_entries())
        self._index = next(each for each in self._entries if each.value["lien"]["key"] == "patient")
        self._dossier: Key = {"type": "ServiceRequest", "system": CASE, "value": str(tree["_id"])}

    def source(self, seed: bytes) -> TreeSource:
        self._case()
        for each in self._entries:
            self._person(each)
        member = () if self._reported else ("membreLMG",)
        self._fields("prescription", self._index.who, "", self.tree, (*fields.OF_CASE, *member))
        closure = self.tree.get("dossier_cloture", {})
        own = [key for key in closure if key not in fields.NOT_OF_CLOSURE]
        self._fields("dossier_cloture", self._index.who, "/dossier_cloture", closure, own)
        for number, each in enumerate(self.tree.get("orphas", ())):
            self._fields("orphas", self._index.who, f"/orphas/{number}", each, ("hpos",))
        for entry in self._entries:
            self._fields_of(entry)
        return TreeSource(self._segments, seed)

    def owner(self, where: str) -> dict[str, Any]:
        """Return of whom a key speaks, by its pointer: the person or sample of its entry, else the index case."""
        entry = next((each for each in self._entries if f"{where}/".startswith(f"{each.where}/")), self._index)
        made = {"subject": reference(entry.who)}
        if entry.sample is not None:
            made["specimen"] = reference(self._object(entry.where, "Specimen"))
        return made

    # --- segments

    def _add(self, name: str, value: Tree, where: str, **more: Any) -> None:
        self._counts[name] = self._counts.get(name, 0) + 1
        made = {**value, "object": f"{self.tree['_id']}{where}", "dossier": self._dossier, **more}
        self._segments.append(self._keys.segment(name, self._counts[name], made, where))

    def _object(self, where: str, kind: str) -> Key:
        return {"type": kind, "system": OBJECT, "value": f"{self.tree['_id']}{where}"}

    def _fields(
        self, group: str, who: Key, where: str, value: Tree, paths: Sequence[str], sample: bool = False
    ) -> None:
        found = [pair for path in paths for pair in fields.leaves(fields.at(value, path), path)]
        if found:
            of = self._object(where, "Specimen") if sample else None
            own = f"{self.tree['_id']}{where}#{group}"
            self._add("Fields", {}, where, group=group, who=who, object=own, specimen=of)
            for path, each in found:
                self._add("Field", fields.field(path, each), f"{where}/{path}")

    def _fields_of(self, entry: Entry) -> None:
        """Add the keys of an entry that have no place, or say what their place cannot."""
        value, who = entry.value, entry.who
        if entry.sample is not None:
            own = [key for key in value if key not in _OF_SAMPLE]
            self._fields("patients", who, entry.where, value, own, sample=True)
            return
        index = entry is self._index
        both = ("date_reception", "date_reception_constit")
        paths = [*fields.OF_PERSON]
        paths += ["lien/name"] if index and value["lien"].get("name", "Patient") != "Patient" else []
        paths += [key for key in ("sample_is_excluded", "prelevement_is_no_conform") if value.get(key) is False]
        paths += both if all(key in value for key in both) else ()
        self._fields("patients", who, entry.where, value, paths)
        gleaves = value.get("resultat_compte_rendu_gleaves", {})
        paths = [*fields.OF_GLEAVES]
        paths += [] if index else ["conclusion"]
        paths += [] if isinstance(fields.at(gleaves, "qc_infos/hrd"), Mapping) else ["qc_infos/hrd"]
        where = f"{entry.where}/resultat_compte_rendu_gleaves"
        self._fields("resultat_compte_rendu_gleaves", who, where, gleaves, paths)

    # --- who is who

    def _read_entries(self) -> Iterator[Entry]:
        known: list[Entry] = []
        listed = self.tree["patients"]
        index = next(number for number, each in enumerate(listed) if each["lien"]["key"] == "patient")
        order = [index, *(number for number in range(len(listed)) if number != index)]
        found: dict[int, Entry] = {}
        for number in order:
            value = listed[number]
            where = f"/patients/{number}"
            nature = links.sample(value["lien"]["key"], value["lien"].get("name", ""))
            same = next((each for each in known if _same(each.value["patient"], value["patient"])), None)
            if nature is not None and same is None and not any(map(bool, value["patient"].values())):
                same = found[index]
            if nature is not None and same is not None:
                found[number] = Entry(where, value, same.who, nature)
                self.issues.append(complaints.SAMPLE.at(f"{where}/lien/name", where=f"{where}/lien/name"))
                continue
            if nature is not None:
                at = f"{where}/lien/name"
                self.issues.append(complaints.SAMPLE_OF_NOBODY.at(at, where=at))
            found[number] = Entry(where, value, self._who(value, where))
            known.append(found[number])
        return iter([found[number] for number in range(len(listed))])

    def _who(self, value: Tree, where: str) -> Key:
        own = value["patient"].get("id", {})
        if value.get("id_anon"):
            return {"type": "Patient", "system": ID_ANON, "value": value["id_anon"]}
        if own.get("value") and own.get("type") == "IPP":
            return {"type": "Patient", "system": self._ipp, "value": own["value"]}
        return self._object(where, "Patient")

    # --- the dossier

    def _case(self) -> None:
        tree, who = self.tree, self._index.who
        prescriber = user(tree.get("prescripteur"))
        self._add("Case", tree, "", prescriber=prescriber, laboratory=LABORATORY)
        for name, key in (("Sign", "hpos"), ("Orpha", "orphas")):
            for number, each in enumerate(tree.get(key, ())):
                self._add(name, each, f"/{key}/{number}", who=who)
        for number, each in enumerate(tree.get("commentaires", ())):
            author = user(each.get("from", {}).get("login"), each.get("from", {}).get("name"), resource="Practitioner")
            self._add("Comment", each, f"/commentaires/{number}", author=author)
        self._documents()
        self._steps()
        for number, each in enumerate(tree.get("prescripteurs_old", ())):
            self._transfer(each, f"/prescripteurs_old/{number}")
        self._analysis()
        made = results.report(self._entries, self._index, tree)
        self._reported = made is not None
        if made is not None:
            linked = [self._object(where, "Observation") for where in results.found(self._entries)]
            self._add("Report", made, "/resultats", who=who, laboratory=LABORATORY, results=linked)

    def _documents(self) -> None:
        who = self._index.who
        for number, each in enumerate(self.tree.get("donneesMed", ())):
            self._add("Document", results.typed(each), f"/donneesMed/{number}", who=who, list="donneesMed")
        for number, each in enumerate(self.tree.get("resultats", ())):
            authors = [
                found for kind in ("MembreLMG", "AccueilLMG") if (found := user(each.get(kind), kind=kind)) is not None
            ]
            where = f"/resultats/{number}"
            date = each.get("date_resultats")
            self._add("Document", results.typed(each), where, who=who, list="resultats", authors=authors, date=date)
        for entry in self._entries:
            consent = {key: entry.value[key] for key in ("file_oid", "filename", "filetype") if key in entry.value}
            if consent:
                where = f"{entry.where}/file_oid"
                self._add(
                    "Document",
                    {**results.typed(consent), "type": "consentement"},
                    where,
                    who=entry.who,
                    list="consentement",
                )
            for number, each in enumerate(entry.value.get("dossiersQualif", ())):
                value = {
                    "type": each.get("type"), "lib": each.get("lib"), "filename": each.get("dqt_filename"),
                    "filetype": each.get("dqt_filetype"), "file_oid": each.get("fileDQT_oid"),
                    "date": each.get("dateDossier_DQT"),
                }  # fmt: skip
                where = f"{entry.where}/dossiersQualif/{number}"
                self._add("Document", results.typed(value), where, who=entry.who, list="dossiersQualif")

    def _steps(self) -> None:
        tree, rcp = self.tree, self.tree["preindication"]
        for code, stage, start, end in STEPS:
            value = {"code": code, "stage": stage, "start": tree.get(start), "end": tree.get(end), "owner": LABORATORY}
            said = value["start"] is not None or value["end"] is not None
            if code == "rcp-amont":
                named = {
                    "type": "Organization",
                    "system": RCP,
                    "value": rcp.get("rcp_id"),
                    "display": rcp.get("rcp_nom"),
                }
                value["owner"] = {key: each for key, each in named.items() if each is not None}
                value["member"] = user(tree.get("membreRCP"))
                said = said or rcp.get("rcp_id") is not None or value["member"] is not None
            elif code == "recueil-consentement":
                value["owner"] = None
            if said:
                self._add("Step", value, f"#{code}", who=self._index.who)

    def _transfer(self, each: Tree, where: str) -> None:
        if "date_transfert" not in each:
            self.kept.append(where)
            self.issues.append(complaints.LOST_IN_TRANSFER.at(where, where=where))
            return
        ends = {
            name: user(each.get(key), kind=key)
            for name, key in (("to", "prescripteur_destination"), ("from", "prescripteur_from"))
        }
        self._add("Transfer", each, where, **ends)

    def _analysis(self) -> None:
        value = self.tree.get("analysis_info", {})
        who = self._index.who
        if "analysis_ID" in value or "date_fin_analyse" in value:
            ended = value.get("date_fin_analyse", "")
            ended = f"{ended[4:]}-{ended[2:4]}-{ended[:2]}" if ended else None
            self._add("Analysis", value, "/analysis_info", who=who, laboratory=LABORATORY, ended=ended)
        study: Key = {"type": "Procedure", "system": ANALYSIS, "value": str(value.get("analysis_ID"))}
        for kind, number in value.get("run_id", {}).items():
            run = {"kind": kind, "number": number, "study": study if "analysis_ID" in value else None}
            self._add("Run", run, pointer("/analysis_info/run_id", kind), who=who)

    # --- an entry

    def _person(self, entry: Entry) -> None:
        value, where, who = entry.value, entry.where, entry.who
        received = value.get("date_reception", value.get("date_reception_constit"))
        if entry.sample is not None:
            self._add("Sample", value, where, who=who, nature=entry.sample or None, received=received)
            return
        patient = value["patient"]
        usual = patient.get("nom") if patient.get("nom") != patient.get("nom_naissance") else None
        index = entry is self._index
        self._add(
            "Person", value, where, who=who, index=self._index.who, ipp_system=self._ipp, usual=usual,
            role="proband" if index else "relative", complete="true" if _complete(patient) else "false",
            link=None if index else self._link(entry), affected=f"{self.tree['_id']}{where}#atteint",
        )  # fmt: skip
        self._consent(entry)
        tumour = any(key in value for key in TUMOUR)
        unfit = fields.at(value, "no_conformity_data/no_conformity/list_of_no_conformities") or ()
        reasons = [each["conformity_info"]["nc_name"] for each in unfit if fields.at(each, "conformity_info/nc_name")]
        if any(key in value for key in _TUBE):
            paired = "true" if tumour else None
            self._add("Tube", value, f"{where}#tube", who=who, received=received, paired=paired, reasons=reasons)
        if any(key in value for key in ("date_when_conformity_is_indicate", "date_when_no_conformity_is_indicate")):
            self._add("Conformity", value, f"{where}#conformity", who=who)
        self._tumour(entry, tumour)
        for name, at, each in results.of_person(value, where, who, self._assembly):
            self._add(name, each, at, who=who, key=self._object(at, "Observation"))

    def _link(self, entry: Entry) -> dict[str, Any]:
        lien, where = entry.value["lien"], f"{entry.where}/lien/name"
        found = links.link(lien["key"], lien.get("name", ""))
        if found.code is None:
            self.issues.append(complaints.LINK_UNREAD.at(where, where=where, reason=found.reason))
        elif not found.exact:
            self.issues.append(complaints.LINK_WIDER.at(where, where=where, code=found.code))
        made = {"code": found.code, "text": found.text, "confidence": found.confidence,
                "object": f"{self.tree['_id']}{entry.where}/lien"}  # fmt: skip
        # A link of which nothing is told is one all the same: somebody belongs to the dossier.
        return made if found.code or found.text else {**made, "text": lien["key"]}

    def _consent(self, entry: Entry) -> None:
        value, where = entry.value, entry.where
        answer = value.get("is_data_reusable_for_research")
        said = None if answer is None else "permit" if answer else "deny"
        if said is None and "dateConsent" not in value:
            return
        form = None
        if any(key in value for key in ("file_oid", "filename", "filetype")):
            form = self._object(f"{where}/file_oid", "DocumentReference")
        if said == "permit" and "dateConsent" not in value:
            at = f"{where}/is_data_reusable_for_research"
            self.issues.append(complaints.CONSENT_UNDATED.at(at, where=at))
        own = {"said": said, "dateConsent": value.get("dateConsent"), "form": form}
        self._add("Consent", own, f"{where}/is_data_reusable_for_research", who=entry.who)

    def _tumour(self, entry: Entry, tumour: bool) -> None:
        value, where, who = entry.value, entry.where, entry.who
        key = self._object(f"{where}#tumour", "Specimen")
        if tumour:
            said = value.get("cellularite_tumoral_ou_baste", "")
            percent = said if said.replace(".", "", 1).isdecimal() else None
            self._add("Tumour", value, f"{where}#tumour", who=who, key=key, percent=percent)
        for place, number, nature, received, collected, sequencing in ACIDS:
            own = {"number": value.get(number), "received": value.get(received), "collected": value.get(collected),
                   "sequencing": value.get(sequencing)}  # fmt: skip
            if any(each is not None for each in own.values()):
                parent = key if tumour else None
                more = {"nature": nature, "place": place, "tumour": parent}
                self._add("Acid", {**own, **more}, f"{where}#{place}", who=who)


def _same(one: Tree, other: Tree) -> bool:
    """Tell whether two identities are of one person: the same number, or the same name and birth."""
    numbers = [(each.get("id", {}).get("type"), each.get("id", {}).get("value")) for each in (one, other)]
    if all(number for _, number in numbers):
        return numbers[0] == numbers[1]
    names = [tuple(each.get(key) for key in _WHO) for each in (one, other)]
    return names[0] == names[1] and all(names[0][2:])


def _complete(patient: Tree) -> bool:
    """Tell whether an identity has all that pfmg-patient demands."""
    own = patient.get("id", {})
    said = all(patient.get(key) for key in ("nom_naissance", "prenom", "date_naissance"))
    return said and own.get("type") == "IPP" and bool(own.get("value")) and patient.get("sexe") in ("F", "M")


def faults(tree: Tree) -> Iterator[Issue]:
    """Yield what no schema can say: one index case, no id_anon twice, days that exist."""
    listed = tree["patients"]
    index = [number for number, each in enumerate(listed) if each["lien"]["key"] == "patient"]
    if len(index) != 1:
        found = ", ".join(f"/patients/{number}" for number in index) or "-"
        yield complaints.NO_INDEX.at("/patients", where="/patients", found=found)
    seen: set[str] = set()
    for number, each in enumerate(listed):
        own = each.get("id_anon")
        where = f"/patients/{number}"
        if own and own in seen:
            yield complaints.TWICE.at(f"{where}/id_anon", where=f"{where}/id_anon", id=own)
        seen.add(own)
        born = each["patient"].get("date_naissance")
        if born is not None and not _is_day(born):
            at = f"{where}/patient/date_naissance"
            yield complaints.NO_DATE.at(at, where=at)
    ended = tree.get("analysis_info", {}).get("date_fin_analyse")
    if ended is not None and not _is_day(f"{ended[4:]}-{ended[2:4]}-{ended[:2]}"):
        yield complaints.NO_DATE.at("/analysis_info/date_fin_analyse", where="/analysis_info/date_fin_analyse")


def _is_day(text: str) -> bool:

    return moment_of(text) is not None

"""A platform's result laid beside the dossier that is held: who its people are, what is new, what differs.

What is held stays as it is: an import adds results and never overwrites an identity, a prescription or a sign; where
the file says otherwise is told. Nothing here writes: what is to be written is a list of entries of one transaction.

Source: `fhir_gateway/exchange/results.py`; FHIR R4, References, "Logical references"; RESTful API.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.dossier import Dossier, Held, Person
from fhir_gateway.exchange.files import ANONYMOUS
from fhir_gateway.exchange.results import CASE, LIBRARY, Made, Opened
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.fhir.json import encode
from fhir_gateway.fhir.outcome import Issue, Unprocessable
from fhir_gateway.interactions import result_complaints as complaints

Resource = dict[str, Any]
Pair = tuple[str, str]
PART: Final = f"{CANONICAL_BASE}/identifier/resultat-importe"  # of what a file tells without a number of its own
# What a result is made of. All else in a file is of the prescription: compared, never written.
WRITTEN: Final = frozenset(
    {
        "Specimen", "Observation", "Procedure", "DiagnosticReport", "RiskAssessment", "DetectedIssue",
        "MolecularSequence", "Media",
    }
)  # fmt: skip
# In which order what is made is written down.
_PARENTS: Final = {"FTH": "FTH", "NFTH": "FTH", "MTH": "MTH", "NMTH": "MTH"}
_TUBE: Final = f"{CANONICAL_BASE}/identifier/auragen-prelevement"
_IPP: Final = f"{CANONICAL_BASE}/identifier/ipp"
_V2_0203: Final = "http://terminology.hl7.org/CodeSystem/v2-0203"
_NORMAL: Final = frozenset({"constitutionnel", "normal-apparie"})
_BASED: Final = frozenset({"Observation", "Procedure", "DiagnosticReport"})
# Elements of results that hold no reference, in whatever they hold.
_PLAIN: Final = frozenset({"category", "code", "component", "identifier", "meta", "resourceType", "status", "usedCode"})
_FINDING: Final = "http://terminology.hl7.org/CodeSystem/v2-0074"


# --- who is who


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of names beyond the dossier. `said`: whom the sender says; `recorded`: whom the table of
    pseudonyms says; `elsewhere`: names, of people and of cases, that something of another dossier has."""

    said: Mapping[Pair, str] = field(default_factory=dict)
    recorded: Mapping[Pair, str] = field(default_factory=dict)
    elsewhere: frozenset[Pair] = frozenset()


def case_issues(dossier: Dossier, opened: Opened, elsewhere: Collection[Pair] = ()) -> list[Issue]:
    """Return what is wrong with the case numbers of a file for a dossier: another one, or that of another dossier."""
    held: dict[str, str] = {}
    for request in dossier.requests:
        for token in codes.tokens(request.resource):
            system, _, value = token.rpartition("|")
            held.setdefault(system, value)
            if (system, value) in opened.cases:
                held[system] = value
    found = []
    for system, value in opened.cases:
        where = opened.pointer(value)
        if system in held and held[system] != value:
            found.append(complaints.CASE_OTHER.at(where, sent=value, held=held[system]))
        elif (system, value) in elsewhere:
            found.append(complaints.CASE_ELSEWHERE.at(where, sent=value))
    return found


def new_cases(dossier: Dossier, opened: Opened) -> list[Pair]:
    """Return the case numbers of a file of whose system the dossier has none yet."""
    held = {token.rpartition("|")[0] for each in dossier.requests for token in codes.tokens(each.resource)}
    return [pair for pair in opened.cases if pair[0] not in held]


def people(
    dossier: Dossier, opened: Opened, known: Known, made: Sequence[Made], issues: list[Issue], is_asked: bool = False
) -> dict[Pair, Person]:
    """Return whom each name of a file stands for, and append what is to be said of it.

    A name is known by a Specimen or Patient of the dossier, by the sender, by the table of pseudonyms; where the case
    number agrees, or the request itself is asked, also by the role that the file gives it: proband, father, mother.
    Raises: Unprocessable with every name that stands for nobody, for two, or for somebody of another dossier.
    """
    found: dict[Pair, Person] = {}
    wrong: list[Issue] = []
    numbered = is_asked or any(_holds(dossier, each) for each in opened.cases)
    roles = dict(_roles(dossier, made)) if numbered else {}
    together = _together(made)
    for pair in opened.names:
        names = together.get(pair, (pair,))
        keys = {key for one in names for key in _held_keys(dossier, one)}
        keys |= {one[each] for each in names for one in (known.said, known.recorded) if each in one}
        mine = {key: person for key in keys if (person := dossier.person(key)) is not None}
        where = opened.pointer(pair[1])
        if len(mine) == 1 and len(keys) == 1 and pair not in known.elsewhere:
            found[pair] = next(iter(mine.values()))
        elif len(mine) > 1:
            wrong.append(complaints.PERSON_TWO.at(where, name=pair[1]))
        elif keys or pair in known.elsewhere:
            wrong.append(complaints.PERSON_ELSEWHERE.at(where, name=pair[1]))
        elif (person := next((roles[one] for one in names if one in roles), None)) is not None:
            found[pair] = person
            told = {"person_en": person.english, "person_fr": person.french}
            issues.append(complaints.PERSON_BY_ROLE.at(where, name=pair[1], **told))
        else:
            wrong.append(complaints.PERSON_UNKNOWN.at(where, name=pair[1]))
    if wrong:
        raise Unprocessable(*wrong)
    return found


def _together(made: Sequence[Made]) -> dict[Pair, tuple[Pair, ...]]:
    """Return, by name, all names that one Patient of a file has: whoever is known by one of them is known."""
    found: dict[Pair, tuple[Pair, ...]] = {}
    for each in made:
        if each.resource["resourceType"] == "Patient":
            pairs = _pairs(each.resource)
            found |= dict.fromkeys(pairs, pairs)
    return found


def _pairs(resource: Resource) -> tuple[Pair, ...]:
    listed = resource.get("identifier", ())
    return tuple((str(one.get("system", "")), str(one["value"])) for one in listed if "value" in one)


def _holds(dossier: Dossier, case: Pair) -> bool:
    token = f"{case[0]}|{case[1]}"
    return any(token in codes.tokens(each.resource) for each in dossier.requests)


def _held_keys(dossier: Dossier, pair: Pair) -> Iterator[str]:
    for held in (*dossier.of_type("Patient"), *dossier.of_type("Specimen")):
        listed = held.resource.get("identifier", ())
        if pair[0] == "" and held.type == "Patient":
            listed = [each for each in listed if each.get("system") in ANONYMOUS]
        if any(_means(each, pair) for each in listed):
            yield held.key if held.type == "Patient" else dossier.key(held.resource.get("subject"))


def _means(identifier: Mapping[str, Any], pair: Pair) -> bool:
    if identifier.get("value") != pair[1]:
        return False
    if pair[0] in ("", identifier.get("system")):
        return True
    # SPICE gives the hospital's number without saying which hospital's: within one dossier it is one person's.
    return pair[0] == _IPP and "PI" in codes.codes(identifier.get("type"), _V2_0203)


def _roles(dossier: Dossier, made: Sequence[Made]) -> Iterator[tuple[Pair, Person]]:
    proband = dossier.proband
    if proband is None or len(dossier.probands) > 1:
        return
    index: Pair | None = None
    for each in made:
        resource = each.resource
        if resource["resourceType"] == "ServiceRequest" and "proband" in codes.codes(
            resource.get("category"), codes.ROLE
        ):
            index = _pair(resource.get("subject"))
            if index is not None:
                yield index, proband
    parents: dict[str, list[Person]] = {}
    for edge in dossier.edges():
        if dossier.key(edge.resource.get("patient")) == proband.key:
            for role in codes.codes(edge.resource.get("relationship"), codes.ROLE_CODE):
                other = codes.extension(edge.resource, codes.PATIENT_RECORD) or {}
                person = dossier.person(dossier.key(other.get("valueReference")))
                if role in _PARENTS and person is not None:
                    parents.setdefault(_PARENTS[role], []).append(person)
    for each in made:
        resource = each.resource
        if resource["resourceType"] == "FamilyMemberHistory" and _pair(resource.get("patient")) == index:
            relative = _pair((codes.extension(resource, codes.PATIENT_RECORD) or {}).get("valueReference"))
            for role in codes.codes(resource.get("relationship"), codes.ROLE_CODE):
                there = parents.get(_PARENTS.get(role, ""), [])
                if relative is not None and len(there) == 1:
                    yield relative, there[0]


def _pair(reference: Any) -> Pair | None:
    one = reference.get("identifier") if isinstance(reference, Mapping) else None
    if not isinstance(one, Mapping) or "value" not in one:
        return None
    return str(one.get("system", "")), str(one["value"])


# --- what is written


@dataclass(slots=True)
class Merged:
    """What a result comes to. `entries`: of a transaction; `issues`: all that is to be said of it; `steps`: codes of
    Tasks (pfmg-tache) that the file tells to be done, each with whom it is about ("" for all)."""

    entries: list[Resource] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    written: list[str] = field(default_factory=list)  # urls of what is new
    results: list[str] = field(default_factory=list)  # of the findings among it, and those that are held
    specimens: list[str] = field(default_factory=list)  # whose results these are
    steps: list[tuple[str, str]] = field(default_factory=list)


class Merging:
    """Lays the resources of a file beside those of a dossier. `named`: whom the file's names stand for."""

    def __init__(
        self, dossier: Dossier, opened: Opened, made: Sequence[Made], named: Mapping[Pair, Person], organisation: str
    ) -> None:
        self.dossier = dossier
        self.opened = opened
        self.made = made
        self.named = named
        self.performer = (
            {"type": "Organization", "identifier": codes.identifier(organisation)} if organisation else None
        )
        self.merged = Merged()
        self._targets: dict[str, str] = {}
        self._by_pair: dict[tuple[str, Pair], str] = {}

    def merge(self) -> Merged:
        """Return what is to be written, but for the report, the Tasks and the trace."""
        new: list[tuple[Made, Resource]] = []
        left: Counter[str] = Counter()
        for each in self.made:
            kind = str(each.resource["resourceType"])
            if kind == "Patient":
                self._compare_person(each)
            elif kind == "ServiceRequest":
                person = self._person(each.resource.get("subject"))
                if person is not None:
                    self._targets[each.url] = person.request.key
            elif kind in WRITTEN and not (kind == "Observation" and self._is_clinical(each.resource)):
                if (resource := self._new(each)) is not None:
                    new.append((each, resource))
            elif kind == "Observation":
                self._compare_clinical(each.resource)
            elif kind == "Task":
                self._note_step(each.resource)
            else:
                left[kind] += 1
                if kind == "FamilyMemberHistory":
                    self._compare_link(each.resource)
        for kind, count in sorted(left.items()):
            self.merged.issues.append(complaints.NOT_WRITTEN.at(None, type=kind, count=count))
        for each, resource in new:
            self._write(each, resource)
        return self.merged

    def _note_step(self, task: Resource) -> None:
        if task.get("status") == "completed":
            person = self._person(task.get("for"))
            for code in codes.codes(task.get("code"), codes.TACHE):
                self.merged.steps.append((code, "" if person is None or person.is_proband else person.key))

    # --- what is held

    def _person(self, reference: Any) -> Person | None:
        pair = _pair(reference)
        if pair is None:
            return self.dossier.person(self._targets.get(str((reference or {}).get("reference", "")), ""))
        if pair[0] == CASE:
            return self.dossier.proband
        return self.named.get(pair)

    def _new(self, each: Made) -> Resource | None:
        """Return the resource where it is new, with what it is known by; None where it is held."""
        resource = each.resource
        kind = resource["resourceType"]
        pairs = _pairs(resource)
        if not pairs:
            text = f"{self.dossier.number} {kind} ".encode() + encode(resource)
            pairs = ((PART, blake2b(text, digest_size=16).hexdigest()),)
            resource = {**resource, "identifier": [{"system": PART, "value": pairs[0][1]}]}
        held = next((one for pair in pairs if (one := self._held(kind, pair)) is not None), None)
        if held is None and kind == "Specimen":
            held = self._tube(resource, pairs)
        target = each.url if held is None else held.key
        self._targets[each.url] = target
        for pair in pairs:
            self._by_pair[kind, pair] = target
        if kind == "Specimen":
            self.merged.specimens.append(target)
        elif kind == "Observation" and _is_finding(resource):
            self.merged.results.append(target)
        if held is None:
            return resource
        if kind == "Specimen":
            self._compare_specimen(resource, held)
        return None

    def _held(self, kind: str, pair: Pair) -> Held | None:
        listed = self.dossier.of_type(kind)
        return next((each for each in listed for one in each.resource.get("identifier", ()) if _means(one, pair)), None)

    def _tube(self, resource: Resource, pairs: Sequence[Pair]) -> Held | None:
        """Return the one tube of a person that a file tells of without the number that the hospital gave it."""
        of_tumour = any(system == _TUBE or value.endswith("#tumour") for system, value in pairs)
        if not of_tumour and not any(value.endswith("#tube") for _, value in pairs):
            return None
        person = self._person(resource.get("subject"))
        found = [
            each
            for each in (() if person is None else self.dossier.specimens(person.key))
            if "parent" not in each.resource and _is_of_tumour(each.resource) == of_tumour
        ]
        return found[0] if len(found) == 1 else None

    # --- what differs

    def _differs(self, element: str, sent: object, held: object, text: str) -> None:
        where = self.opened.pointer(text)
        self.merged.issues.append(complaints.DIFFERS.at(where, element=element, sent=sent, held=held))

    def _compare_person(self, each: Made) -> None:
        resource = each.resource
        pairs = _pairs(resource)
        person = next((one for pair in pairs if (one := self._person_of(pair)) is not None), None)
        if person is None:
            return
        self._targets[each.url] = person.key
        if person.patient is None:
            return
        held = person.patient.resource
        name = pairs[0][1] if pairs else ""
        if "gender" in resource and "gender" in held and resource["gender"] != held["gender"]:
            self._differs(f"Patient.gender ({name})", resource["gender"], held["gender"], name)
        sent, birth = str(resource.get("birthDate", "")), str(held.get("birthDate", ""))
        if sent and birth and not (birth.startswith(sent) or sent.startswith(birth)):
            # The day is not repeated: the file may be read by others than those who know it.
            self._differs(f"Patient.birthDate ({name})", sent, birth[: len(sent)], name)

    def _person_of(self, pair: Pair) -> Person | None:
        return self.dossier.proband if pair[0] == CASE else self.named.get(pair)

    def _compare_specimen(self, resource: Resource, held: Held) -> None:
        name = str(resource["identifier"][0]["value"])
        sent = set(codes.codes(resource.get("type"), codes.NATURE))
        there = set(codes.codes(held.resource.get("type"), codes.NATURE))
        if sent and there and not sent & there:
            self._differs(f"Specimen.type ({name})", ", ".join(sorted(sent)), ", ".join(sorted(there)), name)
        person = self._person(resource.get("subject"))
        if person is not None and self.dossier.key(held.resource.get("subject")) != person.key:
            self._differs(f"Specimen.subject ({name})", person.english, held.key, name)

    def _is_clinical(self, resource: Resource) -> bool:
        """Tell whether an Observation is a sign or says who is affected: what the prescriber tells."""
        code = resource.get("code")
        return bool(codes.codes(code, codes.HPO)) or codes.AFFECTED in codes.codes(code, codes.SNOMED)

    def _compare_clinical(self, resource: Resource) -> None:
        person = self._person(resource.get("subject"))
        if person is None:
            return
        held = [each.resource for each in self.dossier.observations(person.key)]
        for term in codes.codes(resource.get("code"), codes.HPO):
            if not any(term in codes.codes(each.get("code"), codes.HPO) for each in held):
                self.merged.issues.append(complaints.SIGN_NOT_HELD.at(self.opened.pointer(term), code=term))
        if codes.AFFECTED in codes.codes(resource.get("code"), codes.SNOMED):
            told = [each for each in held if codes.AFFECTED in codes.codes(each.get("code"), codes.SNOMED)]
            last = max(told, key=lambda each: str(each.get("effectiveDateTime", "")), default={})
            sent, there = resource.get("valueBoolean"), last.get("valueBoolean")
            if sent is not None and there is not None and sent != there:
                self._differs(f"Observation (affected, {person.english})", sent, there, "")

    def _compare_link(self, resource: Resource) -> None:
        one = self._person(resource.get("patient"))
        other = self._person((codes.extension(resource, codes.PATIENT_RECORD) or {}).get("valueReference"))
        sent = set(codes.codes(resource.get("relationship"), codes.ROLE_CODE))
        if one is None or other is None or not sent:
            return
        there = {
            role
            for edge in self.dossier.edges()
            if self.dossier.key(edge.resource.get("patient")) == one.key
            and self.dossier.key((codes.extension(edge.resource, codes.PATIENT_RECORD) or {}).get("valueReference"))
            == other.key
            for role in codes.codes(edge.resource.get("relationship"), codes.ROLE_CODE)
        }
        if there and not {_PARENTS.get(each, each) for each in sent} & {_PARENTS.get(each, each) for each in there}:
            element = f"FamilyMemberHistory.relationship ({other.english})"
            self._differs(element, ", ".join(sorted(sent)), ", ".join(sorted(there)), "")

    # --- what is new

    def _write(self, each: Made, resource: Resource) -> None:
        within = str(resource["resourceType"])
        made: Resource = {
            key: value if key in _PLAIN else self._rewritten(value, within) for key, value in resource.items()
        }
        kind = made["resourceType"]
        person = self.dossier.person(str(made.get("subject", {}).get("reference", "")))
        own = [] if person is None else [{"reference": person.request.key}]
        if kind in _BASED and own:
            made.setdefault("basedOn", own)
        if kind == "Specimen" and own:
            made["request"] = own
            made.setdefault("status", "available")
        if kind in ("Observation", "DiagnosticReport") and self.performer is not None:
            made.setdefault("performer", [self.performer])
        if kind == "Observation" and person is not None and "specimen" not in made and _is_finding(made):
            tubes = [one.key for one in self.dossier.specimens(person.key)]
            if len(tubes) == 1:
                made["specimen"] = {"reference": tubes[0]}
        self.add(each.url, made)

    def add(self, url: str, made: Resource) -> None:
        """Have a resource written that has an identifier, once."""
        first = made["identifier"][0] if isinstance(made["identifier"], list) else made["identifier"]
        request = {"method": "POST", "url": made["resourceType"], "ifNoneExist": _criteria(first)}
        self.merged.entries.append({"fullUrl": url, "resource": made, "request": request})
        self.merged.written.append(url)

    def _rewritten(self, value: Any, within: str) -> Any:
        if isinstance(value, list):
            return [self._rewritten(each, within) for each in value]
        if not isinstance(value, dict):
            return value
        if isinstance(value.get("reference"), str) and value["reference"] in self._targets:
            return {"reference": self._targets[value["reference"]]}
        pair = _pair(value) if "reference" not in value and ("type" in value or "system" not in value) else None
        if pair is not None and not {"value", "use", "period"} & value.keys():
            return self._reference(value, pair, within)
        return {key: self._rewritten(each, within) for key, each in value.items()}

    def _reference(self, value: Resource, pair: Pair, within: str) -> Resource:
        kind = str(value.get("type", ""))
        if kind == "Patient" and (person := self._person_of(pair)) is not None:
            return {"reference": person.key}
        if (kind, pair) in self._by_pair:
            return {"reference": self._by_pair[kind, pair]}
        if kind == "ServiceRequest" and pair in self.opened.cases and self.dossier.proband is not None:
            return {"reference": self.dossier.proband.request.key}
        held = self.dossier.resolve(value)
        if held is not None and held.names:
            return {"reference": held.key}
        if kind in WRITTEN:
            self.merged.issues.append(complaints.UNRESOLVED.at(self.opened.pointer(pair[1]), type=within, name=pair[1]))
        return value


def _criteria(identifier: Mapping[str, Any]) -> str:
    value = str(identifier["value"]).replace("\\", "\\\\").replace(",", "\\,").replace("|", "\\|").replace("$", "\\$")
    return f"identifier={identifier.get('system', '')}|{value.replace('&', '%26').replace('+', '%2B')}"


def _is_of_tumour(specimen: Mapping[str, Any]) -> bool:
    said = codes.extension(specimen, codes.ORIGINE_EXTENSION)
    origins = set(codes.codes((said or {}).get("valueCodeableConcept"), codes.ORIGINE))
    return bool(origins) and not origins & _NORMAL


def _is_finding(observation: Resource) -> bool:
    """Tell whether an Observation is a genomic finding: a variant, what it means, a biomarker."""
    return "GE" in codes.codes(observation.get("category"), _FINDING)


def tokens(pairs: Iterable[Pair]) -> str:
    """Return names as people read them."""
    return ", ".join(value for _, value in pairs) or "-"


__all__ = ["CASE", "LIBRARY", "PART", "Known", "Merged", "Merging", "case_issues", "new_cases", "people", "tokens"]

"""A Phenopacket or a Family into resources: each object by its table, the rest kept beside it.

A Composition is the envelope: its sections name the individuals, the files of the family, and in a Binary what was
kept, each piece with a reference to the resource that it belongs to (references survive a transaction, ids do not).

Source: GA4GH Phenopacket Schema 2.0; HL7/phenomics-exchange-ig (Composition as the phenopacket); FHIR R4, Composition.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from fhir_gateway.exchange.pedigree import kin
from fhir_gateway.exchange.pedigree import pedigree as pedigrees
from fhir_gateway.exchange.pedigree.kin import Made, url_of
from fhir_gateway.exchange.pedigree.pedigree import Individual, Pedigree
from fhir_gateway.exchange.phenopacket import complaints, interpretations
from fhir_gateway.exchange.phenopacket.check import packets, pointer, tidied
from fhir_gateway.exchange.phenopacket.formats import version as version
from fhir_gateway.exchange.phenopacket.objects import leaves, pruned, resources_of
from fhir_gateway.exchange.phenopacket.ontologies import Codes
from fhir_gateway.fhir.json import decode, encode
from fhir_gateway.fhir.outcome import Issue, Unprocessable

FAMILY, PHENOPACKET = "Family", "Phenopacket"
INDIVIDUALS, FILES, KEPT = "Individuals", "Files", "Kept"
AFFECTED: Final = {"AFFECTED": True, "UNAFFECTED": False}
# The lists of a Phenopacket whose objects become resources of their own.
LISTS: Final[Mapping[str, str]] = {
    "phenotypicFeatures": "PhenotypicFeature",
    "diseases": "Disease",
    "biosamples": "Biosample",
    "files": "File",
}
SEXES: Final = {"MALE": "male", "FEMALE": "female", "OTHER_SEX": "other", "UNKNOWN_SEX": "unknown"}


@dataclass(frozen=True, slots=True)
class Read:
    """What was read. `entries`: resources that name each other by url. `proband`: the individual.

    `kept`: what found no place, by JSON pointer. `unknown`: the pointers of keys that the schema has not.
    """

    entries: tuple[Made, ...]
    proband: str
    kept: Mapping[str, Any]
    unknown: tuple[str, ...]
    issues: tuple[Issue, ...]

    def bundle(self) -> dict[str, Any]:
        """Return the resources as a collection Bundle."""
        entries = [{"fullUrl": each.url, "resource": each.resource} for each in self.entries]
        return {"resourceType": "Bundle", "type": "collection", "entry": entries}


@dataclass(slots=True)
class _Draft:
    """What has been made so far. `kept`: target url, message, pointer, value.

    `at`, `by`: when and by whom what has no metaData of its own was made: as what holds it.
    """

    family: str
    at: str
    by: str
    system: str | None
    codes: Codes
    known: Mapping[str, str] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    samples: dict[str, str] = field(default_factory=dict)
    made: list[Made] = field(default_factory=list)
    kept: list[tuple[str, str, str, dict[str, Any]]] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)

    def url(self, individual: str) -> str:
        known = self.known.get(individual) or url_of(self.family, "Patient", individual)
        return self.urls.setdefault(individual, known)

    def add(self, place: str, resource: dict[str, Any]) -> str:
        url = url_of(self.family, place)
        self.made.append(Made(url, resource))
        return url

    def keep(self, url: str, message: str, place: str, rest: dict[str, Any]) -> None:
        if rest:
            self.kept.append((url, message, place, rest))


def read(data: bytes, at: str, system: str | None = None, patients: Mapping[str, str] | None = None) -> Read:
    """Return the resources of a Phenopacket or a Family.

    `at`: the dateTime of the reading, for packets that do not say when they were made. `system`: of the identifiers of
    Patients. `patients`: references of Patients that are known, by individual; of them nothing is made.
    Raises: InvalidRequest for what is not JSON; Unprocessable with all that keeps it from being read: no subject, wrong
    types, missing ids, a pedigree with cycles.
    """
    found = tidied(data)
    people = _people(found.value) if found.message == FAMILY and not _refusing(found.issues) else ()
    issues = [*found.issues, *(pedigrees.check(people) if people else ())]
    if _refusing(issues):
        raise Unprocessable(*issues)
    codes = Codes(_declared(found.value))
    first = next(packets(found))[1]
    meta = found.value.get("metaData", {})
    envelope = (str(found.value.get("id", first["subject"]["id"])), meta.get("created", at), meta.get("createdBy", "-"))
    draft = _Draft(*envelope, system, codes, dict(patients or {}))
    for place, packet in packets(found):
        _packet(packet, place, draft, found.message == FAMILY)
    if found.message == FAMILY:
        _family(found.value, people, draft)
    _keep(draft)
    kept = {name: leaf for _, _, place, rest in draft.kept for name, leaf in leaves(rest, place).items()}
    unknown = frozenset(found.unknown)
    told = [complaints.KEPT.at(name, pointer=name) for name in kept if name not in unknown]
    everything = (*issues, *draft.issues, *codes.issues, *told)
    return Read(tuple(draft.made), first["subject"]["id"], kept, tuple(found.unknown), everything)


def _refusing(issues: list[Issue]) -> bool:
    return any(issue.severity == "error" for issue in issues)


def _declared(value: dict[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the resources that any metaData declares, by prefix."""
    holders = [value, value.get("proband", {}), *value.get("relatives", ())]
    listed = [each for holder in holders for each in holder.get("metaData", {}).get("resources", ())]
    return {each["namespacePrefix"]: each for each in listed if "namespacePrefix" in each}


# --- one packet


def _packet(packet: dict[str, Any], place: str, draft: _Draft, in_family: bool) -> None:
    subject = packet["subject"]
    id = subject["id"]
    if id in draft.urls:
        draft.issues.append(complaints.INDIVIDUAL_TWICE.at(place, pointer=place, individual=id))
    person = draft.url(id)
    _individual(subject, pointer(place, "subject"), person, draft)
    for name, message in LISTS.items():
        for number, each in enumerate(packet.get(name, ())):
            url = _object(message, each, pointer(place, name, number), person, draft)
            if message == "Biosample":
                draft.samples[each["id"]] = url
    rest = {name: each for name, each in packet.items() if name not in LISTS and name != "subject"}
    if "interpretations" in packet:
        rest["interpretations"] = [
            each
            for number, each in enumerate(packet["interpretations"])
            if not _interpretation(each, pointer(place, "interpretations", number), person, draft)
        ]
    envelope = _envelope(PHENOPACKET, rest, place, person, draft)
    if not in_family:
        envelope["section"] = [_section(INDIVIDUALS, [person])]


def _individual(subject: dict[str, Any], place: str, url: str, draft: _Draft) -> None:
    (patient, *others), rest = resources_of("Individual", subject, url, draft.codes)
    id = rest.pop("id")
    patient["identifier"] = [{"value": id} if draft.system is None else {"system": draft.system, "value": id}]
    for each in others:
        draft.add(f"{place}/{'age' if 'valueQuantity' in each else 'karyotype'}", each)
    draft.keep(url, "Individual", place, rest)
    if id not in draft.known:
        draft.made.append(Made(url, patient))


def _object(message: str, value: dict[str, Any], place: str, person: str, draft: _Draft) -> str:
    if message == "Biosample" and value.get("individualId") in draft.urls:
        person = draft.urls[value["individualId"]]
        value = {name: each for name, each in value.items() if name != "individualId"}
    (made,), rest = resources_of(message, value, person, draft.codes)
    url = draft.add(place, made)
    draft.keep(url, message, place, rest)
    return url


def _interpretation(value: dict[str, Any], place: str, person: str, draft: _Draft) -> bool:
    """Add the variants of an Interpretation with their implications; tell whether there are any."""
    found = interpretations.of_variants(value)
    if not found:
        return False
    diagnosis = value["diagnosis"]
    places = {number for number, _ in found}
    others = [each for number, each in enumerate(diagnosis["genomicInterpretations"]) if number not in places]
    rest = {**value, "diagnosis": {**diagnosis, "genomicInterpretations": others}}
    if interpretations.said_of_disease(value, draft.codes):
        del rest["diagnosis"]["disease"]
    for number, each in found:
        at = pointer(place, "diagnosis", "genomicInterpretations", number)
        of = each.get("subjectOrBiosampleId", "")
        made = interpretations.interpreted(each, diagnosis.get("disease"), draft.urls.get(of, person), draft.codes)
        specimen = {"specimen": {"reference": draft.samples[of]}} if of in draft.samples else {}
        variant = draft.add(f"{at}/variant", {**made.variant, **specimen})
        derived = [{"reference": variant}]
        url = draft.add(at, {**made.implication, **specimen, "derivedFrom": derived})
        draft.keep(url, interpretations.MESSAGE, at, made.rest)
        # By its id implications of one Interpretation find each other again.
        draft.keep(url, "Interpretation", place, pruned(rest) if number == found[0][0] else {"id": value["id"]})
    return True


def _envelope(kind: str, rest: dict[str, Any], place: str, person: str, draft: _Draft) -> dict[str, Any]:
    """Add the Composition of a packet or family: its id, when and by whom it was made; keep what else it says."""
    rest = {**rest, "metaData": dict(rest.get("metaData", {}))}
    made: dict[str, Any] = {"resourceType": "Composition"}
    if "id" in rest:
        made["identifier"] = {"value": rest.pop("id")}
    made |= {"status": "final", "type": {"text": kind}, "subject": {"reference": person}}
    made["date"] = rest["metaData"].pop("created", draft.at)
    made["author"] = [{"display": rest["metaData"].pop("createdBy", draft.by)}]
    made["title"] = kind
    url = draft.add(f"{place}/{kind}", made)
    draft.keep(url, kind, place, pruned(rest))
    return made


def _section(title: str, urls: list[str]) -> dict[str, Any]:
    return {"title": title, "entry": [{"reference": each} for each in urls]}


# --- a family


def _people(family: dict[str, Any]) -> tuple[Individual, ...]:
    return tuple(
        Individual(
            each["individualId"],
            _parent(each, "paternalId"),
            _parent(each, "maternalId"),
            None,
            AFFECTED.get(each.get("affectedStatus", "")),
            pointer("/pedigree/persons", place),
        )
        for place, each in enumerate(family.get("pedigree", {}).get("persons", ()))
    )


def _parent(person: dict[str, Any], name: str) -> str | None:
    # Exomiser's families write "0" for no parent, as in PED (exomiser/Exomiser#529).
    held = person.get(name)
    return str(held) if held not in (None, "", "0") else None


def _family(family: dict[str, Any], people: tuple[Individual, ...], draft: _Draft) -> None:
    subjects = list(draft.urls)
    proband = subjects[0]
    sexes = {each.url: each.resource for each in draft.made}
    if people and proband not in {each.id for each in people}:
        place = "/proband/subject"
        draft.issues.append(complaints.PROBAND_NOT_IN_PEDIGREE.at(place, pointer=place, individual=proband))
    for number, each in enumerate(family.get("pedigree", {}).get("persons", ())):
        _person(each, pointer("/pedigree/persons", number), sexes, draft)
    draft.made += kin.relations(Pedigree(draft.family, people), draft.urls)
    at_family = [
        _object("File", each, pointer("/files", number), draft.urls[proband], draft)
        for number, each in enumerate(family.get("files", ()))
    ]
    rest = {name: each for name, each in family.items() if name not in ("proband", "relatives", "files", "pedigree")}
    rest["pedigree"] = {name: each for name, each in family.get("pedigree", {}).items() if name != "persons"}
    envelope = _envelope(FAMILY, rest, "", draft.urls[proband], draft)
    envelope["section"] = [_section(INDIVIDUALS, list(draft.urls.values()))]
    if at_family:
        envelope["section"].append(_section(FILES, at_family))


def _person(person: dict[str, Any], place: str, patients: Mapping[str, dict[str, Any]], draft: _Draft) -> None:
    """Make the Patient of somebody who has no packet; take the sex that only the pedigree tells."""
    id, sex = person["individualId"], SEXES.get(person.get("sex", ""))
    known = {"individualId", "paternalId", "maternalId", "sex", "affectedStatus"}
    rest = {name: each for name, each in person.items() if name not in known}
    if rest.get("familyId") == draft.family:
        del rest["familyId"]
    is_new = id not in draft.urls and id not in draft.known
    url = draft.url(id)
    if is_new:
        identifier = {"value": id} if draft.system is None else {"system": draft.system, "value": id}
        made: dict[str, Any] = {"resourceType": "Patient", "identifier": [identifier]}
        draft.made.append(Made(url, made if sex is None else {**made, "gender": sex}))
    elif url in patients and sex not in (None, "unknown"):
        said = patients[url].setdefault("gender", sex)
        if said != sex:
            place = f"{place}/sex"
            draft.issues.append(complaints.SEX_DIFFERS.at(place, pointer=place, individual=id))
    draft.keep(url, "Person", place, rest)


# --- what is kept


def _keep(draft: _Draft) -> None:
    """Put what found no place into a Binary; the sections of the last Composition say what each piece belongs to."""
    if not draft.kept:
        return
    pieces = [{"message": message, "pointer": place, "value": value} for _, message, place, value in draft.kept]
    data = base64.b64encode(encode(pieces)).decode()
    url = draft.add("kept", {"resourceType": "Binary", "contentType": "application/json", "data": data})
    envelope = next(each.resource for each in reversed(draft.made) if each.resource["resourceType"] == "Composition")
    below = [_section(place or "/", [target]) for target, _, place, _ in draft.kept]
    envelope.setdefault("section", []).append({**_section(KEPT, [url]), "section": below})


def kept_of(binary: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the message and the value of each piece that a Binary keeps, in the order of the sections."""
    for each in decode(base64.b64decode(binary["data"])):
        yield each["message"], each["value"]

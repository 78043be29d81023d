"""The resources of a dossier as a Phenopacket or a Family: each resource by its table, with what was kept of it.

Source: GA4GH Phenopacket Schema 2.0; HL7/phenomics-exchange-ig.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from fhir_gateway.exchange.pedigree import kin
from fhir_gateway.exchange.pedigree.gathered import Family, Gathered, Member, family
from fhir_gateway.exchange.pedigree.pedigree import Pedigree
from fhir_gateway.exchange.phenopacket import complaints, interpretations
from fhir_gateway.exchange.phenopacket.formats import AGE, HPO, KARYOTYPE, LOINC
from fhir_gateway.exchange.phenopacket.objects import merged, object_of
from fhir_gateway.exchange.phenopacket.ontologies import BY_PREFIX, Codes, prefixes
from fhir_gateway.exchange.phenopacket.reading import FAMILY, FILES, KEPT, PHENOPACKET, kept_of
from fhir_gateway.exchange.phenopacket.values import lettered
from fhir_gateway.fhir.json import encode
from fhir_gateway.fhir.outcome import Issue, Unprocessable

VERSION: Final = "2.0"
SEXES: Final = {"male": "MALE", "female": "FEMALE", "other": "OTHER_SEX", None: "UNKNOWN_SEX"}
STATUSES: Final = {True: "AFFECTED", False: "UNAFFECTED", None: "MISSING"}
Shape = Literal["phenopacket", "family"]


@dataclass(frozen=True, slots=True)
class Options:
    """How a phenopacket is written. `created`: a dateTime with zone; `created_by`: the software or person.

    `identifier`: the system of the Patient.identifier that people are called by; None: the id of the Patient.
    `versions`: of code systems, by url, as the terminology has them. `birth`: whether dates of birth are written.
    `shape`: None: a Family where there are relatives.
    """

    created: str
    created_by: str
    identifier: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    birth: bool = False
    shape: Shape | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: `value`, and the same as JSON (`data`); and what found no place."""

    data: bytes
    value: dict[str, Any]
    issues: tuple[Issue, ...]


@dataclass(slots=True)
class _Draft:
    gathered: Gathered
    family: Family
    options: Options
    codes: Codes
    kept: Mapping[tuple[str, str], dict[str, Any]]
    at_family: frozenset[str]

    @property
    def is_alone(self) -> bool:
        """Whether one Phenopacket is written, not a Family."""
        return (self.options.shape or _shape(self)) == "phenopacket"

    def with_kept(self, value: dict[str, Any], key: str, message: str) -> dict[str, Any]:
        return merged(value, self.kept.get((key, message), {}))


def write(gathered: Gathered, options: Options) -> Written:
    """Return the dossier as a Phenopacket or a Family.

    Raises: Unprocessable when nothing says who belongs to it, people have no identifier of the system asked for, or
    there are several probands.
    """
    people = family(gathered, options.identifier)
    probands = [each for each in people.members if each.is_proband]
    if len(probands) > 1:
        raise Unprocessable(complaints.SEVERAL_PROBANDS.at(count=len(probands)))
    draft = _Draft(gathered, people, options, Codes(), dict(_kept(gathered)), frozenset(_files(gathered)))
    if draft.is_alone and kin.is_affected(gathered, people.members[0].key) is not None:
        draft.codes.issues.append(complaints.NOT_WRITTEN.at(people.members[0].key, what="affected status"))
    value, issues = (_packet(people.members[0], draft), ()) if draft.is_alone else _family(draft)
    return Written(encode(value), value, (*issues, *draft.codes.issues))


def _shape(draft: _Draft) -> Shape:
    kinds = [each.get("type", {}).get("text") for _, each in draft.gathered.of_type("Composition")]
    if FAMILY in kinds or PHENOPACKET in kinds:
        return "family" if FAMILY in kinds else "phenopacket"
    return "family" if len(draft.family.members) > 1 else "phenopacket"


def _kept(gathered: Gathered) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    for section in _sections(gathered, KEPT):
        binary = gathered.key(section["entry"][0])
        if binary is None or binary not in gathered:
            continue
        targets = [gathered.key(each["entry"][0]) for each in section["section"]]
        for target, (message, value) in zip(targets, kept_of(gathered[binary]), strict=True):
            yield (str(target), message), value


def _files(gathered: Gathered) -> Iterator[str]:
    for section in _sections(gathered, FILES):
        yield from (str(gathered.key(each)) for each in section["entry"])


def _sections(gathered: Gathered, title: str) -> Iterator[Mapping[str, Any]]:
    for _, each in gathered.of_type("Composition"):
        yield from (section for section in each.get("section", ()) if section.get("title") == title)


# --- a family


def _family(draft: _Draft) -> tuple[dict[str, Any], tuple[Issue, ...]]:
    members = draft.family.members
    found, issues = kin.pedigree(draft.gathered, draft.family)
    packets = [_packet(each, draft) for each in members if each.is_proband or _takes_part(each, draft)]
    made: dict[str, Any] = {"id": draft.family.number, "proband": packets[0]}
    if len(packets) > 1:
        made["relatives"] = packets[1:]
    made["pedigree"] = _pedigree(found, draft)
    files = [
        _object("File", key, resource, draft)
        for key, resource in draft.gathered.of_type("DocumentReference")
        if key in draft.at_family
    ]
    if files:
        made["files"] = files
    return _finished(made, FAMILY, members[0], draft), issues


def _takes_part(member: Member, draft: _Draft) -> bool:
    gathered = draft.gathered
    envelopes = list(gathered.of_type("Composition"))
    if any(each.get("type", {}).get("text") == PHENOPACKET for _, each in envelopes):
        return _envelope(PHENOPACKET, member, draft) is not None
    return any(True for _ in gathered.about("ServiceRequest", "subject", member.key))


def _pedigree(found: Pedigree, draft: _Draft) -> dict[str, Any]:
    persons = []
    for person, member in zip(found.people, draft.family.members, strict=True):
        made: dict[str, Any] = {"familyId": found.family, "individualId": person.id}
        # An absent parent is left out, never "0" (exomiser/Exomiser#529).
        made |= {"paternalId" if role == "father" else "maternalId": parent for role, parent in person.parents}
        made |= {"sex": SEXES[person.sex], "affectedStatus": STATUSES[person.is_affected]}
        persons.append({**draft.with_kept(made, member.key, "Person"), **_family_id(member, draft)})
    return {"persons": persons}


def _family_id(member: Member, draft: _Draft) -> dict[str, Any]:
    kept = draft.kept.get((member.key, "Person"), {})
    return {"familyId": kept["familyId"]} if "familyId" in kept else {}


# --- one packet


def _packet(member: Member, draft: _Draft) -> dict[str, Any]:
    made: dict[str, Any] = {"subject": _subject(member, draft)}
    features = [
        _object("PhenotypicFeature", key, each, draft)
        for key, each in draft.gathered.about("Observation", "subject", member.key)
        if _is_feature(each, draft, key)
    ]
    diseases = [
        _object("Disease", key, each, draft)
        for key, each in draft.gathered.about("Condition", "subject", member.key)
        if _has_code(each, key, draft)
    ]
    samples = [
        _object("Biosample", key, each, draft, individualId=member.id)
        for key, each in draft.gathered.about("Specimen", "subject", member.key)
    ]
    files = [
        _object("File", key, each, draft, individualToFileIdentifiers={member.id: member.id})
        for key, each in draft.gathered.about("DocumentReference", "subject", member.key)
        if key not in draft.at_family and _is_data_file(each, key, draft)
    ]
    listed = {"phenotypicFeatures": features, "biosamples": samples, "interpretations": _interpretations(member, draft),
              "diseases": diseases, "files": files}  # fmt: skip
    made |= {name: each for name, each in listed.items() if each}
    return _finished(made, PHENOPACKET, member, draft)


def _object(message: str, key: str, resource: Mapping[str, Any], draft: _Draft, **more: Any) -> dict[str, Any]:
    made = object_of(message, [(message, resource)], draft.codes, key)
    onset = made.get("onset", {})
    if len(onset) > 1:
        # A TimeElement says one thing (oneof): the age is the more exact.
        for name in list(onset)[1:]:
            del onset[name]
            draft.codes.issues.append(complaints.NOT_WRITTEN.at(key, what=f"onset.{name}"))
    kept = draft.kept.get((key, message), {})
    # What a file said itself holds: which name of the file is whose.
    return merged({**made, **{name: each for name, each in more.items() if name not in kept}}, kept)


def _is_feature(observation: Mapping[str, Any], draft: _Draft, key: str) -> bool:
    value = observation.get("valueCodeableConcept", {}).get("coding", ())
    if any(each.get("code") in ("LA9633-4", "LA9634-2") for each in value) and not _is_variant(observation):
        return _has_code(observation, key, draft)
    codings = observation.get("code", {}).get("coding", ())
    if any(each.get("system") == HPO for each in codings):
        draft.codes.issues.append(complaints.NOT_WRITTEN.at(key, what="Observation.dataAbsentReason"))
    return False


def _is_variant(observation: Mapping[str, Any]) -> bool:
    """Whether an Observation that is present or absent is a result of the laboratory, no sign."""
    said = [each.get("code") for one in observation.get("category", ()) for each in one.get("coding", ())]
    is_coded = any(each.get("system") == LOINC for each in observation.get("code", {}).get("coding", ()))
    return is_coded and "exam" not in said


def _has_code(resource: Mapping[str, Any], key: str, draft: _Draft) -> bool:
    """Whether a resource has a code that can be written; told otherwise. What was kept of a type counts."""
    if resource["resourceType"] == "Condition" and _is_ended(resource):
        return False
    message = "Disease" if resource["resourceType"] == "Condition" else "PhenotypicFeature"
    if draft.kept.get((key, message), {}).keys() & {"type", "term"}:
        return True
    quiet = Codes()
    if quiet.ontology_class(resource.get("code", {}), key) is not None:
        return True
    draft.codes.issues += quiet.issues or [complaints.NOT_WRITTEN.at(key, what=f"{resource['resourceType']}.code")]
    return False


def _is_ended(condition: Mapping[str, Any]) -> bool:
    codings = condition.get("verificationStatus", {}).get("coding", ())
    return any(each.get("code") == "entered-in-error" for each in codings)


def _is_data_file(document: Mapping[str, Any], key: str, draft: _Draft) -> bool:
    """Whether a document is announced by an address. What holds its content (a PDF) is no file of a phenopacket."""
    is_addressed = any("url" in each.get("attachment", {}) for each in document.get("content", ()))
    return is_addressed or "uri" in draft.kept.get((key, "File"), {})


def _subject(member: Member, draft: _Draft) -> dict[str, Any]:
    patient = dict(member.patient)
    if not draft.options.birth:
        patient = {name: each for name, each in patient.items() if name not in ("birthDate", "_birthDate")}
    named: list[tuple[str, Mapping[str, Any]]] = [("Individual", patient)]
    for _, each in draft.gathered.about("Observation", "subject", member.key):
        codes = {coding.get("code") for coding in each.get("code", {}).get("coding", ())}
        if AGE in codes and "valueQuantity" in each and lettered(each["valueQuantity"]) is not None:
            named.append(("Age", each))
        elif KARYOTYPE in codes and "text" in each.get("valueCodeableConcept", {}):
            named.append(("Karyotype", each))
    made = {"id": member.id, **object_of("Individual", named, draft.codes, member.key)}
    if "karyotypicSex" not in made and any(name == "Karyotype" for name, _ in named):
        draft.codes.issues.append(complaints.NOT_WRITTEN.at(member.key, what="Observation: karyotypicSex"))
    return draft.with_kept(made, member.key, "Individual")


def _interpretations(member: Member, draft: _Draft) -> list[dict[str, Any]]:
    """Return the interpretations of a person: implications of one Interpretation, else of one disease, together."""
    held = list(draft.gathered.about("Observation", "subject", member.key))
    is_read = _envelope(PHENOPACKET, member, draft) is not None
    made: dict[str, dict[str, Any]] = {}
    for key, variant, own, implication in interpretations.variants_of(held, draft.gathered.key):
        kept = draft.kept.get((own, "Interpretation"), {})
        disease = interpretations.disease_of(implication, draft.codes, own)
        of = str(kept.get("id", (disease or {}).get("id", "")))
        if of not in made:
            id = kept.get("id", f"{member.id}-interpretation-{len(made) + 1}")
            said = {} if disease is None else {"disease": disease}
            made[of] = {"id": id, "diagnosis": {**said, "genomicInterpretations": []}}
        listed = made[of]["diagnosis"]["genomicInterpretations"]
        left = draft.kept.get((own, interpretations.MESSAGE), {})
        one = interpretations.written(variant, implication, left, draft.codes, key)
        one = {"subjectOrBiosampleId": member.id, **one}
        if not is_read:
            one["variantInterpretation"]["variationDescriptor"]["id"] = f"{made[of]['id']}-{len(listed) + 1}"
        listed.append(one)
        others = kept.get("diagnosis", {}).get("genomicInterpretations", ())
        made[of] = merged(made[of], kept)
        made[of]["diagnosis"]["genomicInterpretations"] += copy.deepcopy(list(others))
    return list(made.values())


# --- the envelope


def _envelope(kind: str, member: Member, draft: _Draft) -> tuple[str, Mapping[str, Any]] | None:
    for key, each in draft.gathered.about("Composition", "subject", member.key):
        if each.get("type", {}).get("text") == kind:
            return key, each
    return None


def _finished(made: dict[str, Any], kind: str, member: Member, draft: _Draft) -> dict[str, Any]:
    """Return a packet or family with its id, what was kept of it, and metaData that names every ontology in it."""
    held = _envelope(kind, member, draft)
    own = held[1] if held is not None else {}
    default = draft.family.number if kind == FAMILY or draft.is_alone else f"{draft.family.number}-{member.id}"
    kept = copy.deepcopy(draft.kept.get((held[0], kind), {})) if held is not None else {}
    value = {"id": own.get("identifier", {}).get("value", default), **{k: v for k, v in made.items() if k != "id"}}
    value = merged(value, {name: each for name, each in kept.items() if name != "metaData"})
    if "interpretations" in made and "interpretations" in kept:
        value["interpretations"] = [*made["interpretations"], *kept["interpretations"]]
    author = own.get("author", [{}])[0].get("display", "-")
    meta: dict[str, Any] = {
        "created": own.get("date", draft.options.created),
        "createdBy": draft.options.created_by if author == "-" else author,
        "phenopacketSchemaVersion": VERSION,
        **kept.get("metaData", {}),
    }
    if str(meta["phenopacketSchemaVersion"]).startswith("1"):
        meta["phenopacketSchemaVersion"] = VERSION
    listed = list(meta.get("resources", []))
    named = {each.get("namespacePrefix") for each in listed}
    meta["resources"] = [*listed, *_resources([value, meta], named, draft)]
    return {**value, "metaData": meta}


def _resources(value: Any, named: set[Any], draft: _Draft) -> Iterator[dict[str, Any]]:
    for prefix in prefixes(value):
        known = BY_PREFIX.get(prefix)
        if prefix in named:
            continue
        if known is None:
            yield {"id": prefix.lower(), "name": prefix, "namespacePrefix": prefix}
            version = None
        else:
            version = draft.options.versions.get(known.system, draft.codes.versions.get(prefix))
            made = {"id": prefix.lower(), "name": known.name, "url": known.url, "namespacePrefix": prefix}
            made["iriPrefix"] = known.iri
            yield made if version is None else {**made, "version": version}
        if version is None:
            told = complaints.NO_VERSION.at(f"metaData.resources.where(namespacePrefix = '{prefix}')", prefix=prefix)
            if told not in draft.codes.issues:
                draft.codes.issues.append(told)

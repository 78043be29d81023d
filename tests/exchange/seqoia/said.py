"""What a dossier says of what a prescription of SPICE carries, read off without any code of the room.

Source: profiles/pfmg; README.md of fhir_gateway/exchange/seqoia, which says what does not come back as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from fhir_gateway.fhir.canonical_base import CANONICAL_BASE

Resource = Mapping[str, Any]
Who = Callable[[Any], str]
_ANON = f"{CANONICAL_BASE}/identifier/seqoia-id-anon"
_PATHWAY = f"{CANONICAL_BASE}/CodeSystem/pfmg-"
_RECORD = "http://hl7.org/fhir/StructureDefinition/familymemberhistory-patient-record"
_LOINC = "http://loinc.org"
_HPO = "http://human-phenotype-ontology.org"
_FILIERE = "http://www.genomecad.fr/CodeSystem/PFMG/Filiere"
_SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
_ROLES = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
_V2 = "http://terminology.hl7.org/CodeSystem/v2-0203"
_NUMBERS = ((_LOINC, "94076-7"), ("http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl", "C120465"))


def said(resources: list[Any]) -> dict[str, Any]:
    """Return it by what it is about; persons are their id_anon, times are of UTC."""
    by_type: dict[str, list[Any]] = {}
    for each in resources:
        if each.get("status") != "entered-in-error":
            by_type.setdefault(each["resourceType"], []).append(each)
    people = {f"Patient/{each.get('id')}": _anon(each) for each in by_type["Patient"]}

    def who(reference: Any) -> str:
        own = reference.get("identifier", {}).get("value")
        return str(people.get(reference.get("reference", ""), own))

    requests = {who(each["subject"]): each for each in by_type["ServiceRequest"]}
    index = next(key for key, each in requests.items() if "proband" in _codes(each["category"], f"{_PATHWAY}role"))
    observations = by_type.get("Observation", [])
    specimens = by_type.get("Specimen", [])
    return {
        **_case(requests[index]),
        "people": {_anon(each): _identity(each) for each in by_type["Patient"] if _anon(each) in requests},
        "index": index,
        "excluded": {key for key, each in requests.items() if each["status"] == "revoked"},
        "links": set(_links(by_type.get("FamilyMemberHistory", []), index, who)),
        "affected": dict(_affected(observations, who)),
        "research": dict(_research(by_type.get("Consent", []), who)),
        "signs": set(_signs(observations, index, who)),
        "documents": sorted(_documents(by_type.get("DocumentReference", []), index, who)),
        "tubes": {each: _last(specimens, each, False, who) for each in requests},
        "tumours": {each: _last(specimens, each, True, who) for each in requests},
        "variants": sorted(_variants(observations, who)),
        "numbers": sorted(_numbers(observations)),
        "report": _report(by_type.get("DiagnosticReport", [])),
        "ended": _ended(by_type.get("Task", [])),
    }


def _codes(element: Any, system: str) -> list[str]:
    concepts = element if isinstance(element, list) else [element or {}]
    return [one["code"] for each in concepts for one in each.get("coding", ()) if one.get("system") == system]


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _case(case: Resource) -> dict[str, Any]:
    return {
        "parcours": _codes(case["category"], f"{_PATHWAY}parcours"),
        "filiere": _codes(case["reasonCode"], _FILIERE),
        "urgent": case.get("priority") in ("urgent", "asap", "stat"),
        "completed": case["status"] == "completed",
        "authored": _time(case["authoredOn"]),
    }


def _anon(patient: Resource) -> str:
    return next((str(each["value"]) for each in patient["identifier"] if each.get("system") == _ANON), "")


def _identity(patient: Resource) -> tuple[Any, ...]:
    official = next(each for each in patient["name"] if each["use"] == "official")
    usual = [each["family"] for each in patient["name"] if each["use"] == "usual"]
    usual = [each for each in usual if each != official["family"]]
    numbers = [each["value"] for each in patient["identifier"] if "PI" in _codes(each.get("type"), _V2)]
    sex = patient.get("gender") if patient.get("gender") in ("male", "female") else None
    return official["family"], official["given"], usual, sex, patient["birthDate"], numbers


def _links(edges: list[Any], index: str, who: Who) -> Iterator[tuple[str, str]]:
    for each in edges:
        if who(each["patient"]) == index:
            record = next(one["valueReference"] for one in each["extension"] if one["url"] == _RECORD)
            yield _codes(each["relationship"], _ROLES)[0], who(record)


def _affected(observations: list[Any], who: Who) -> Iterator[tuple[str, bool]]:
    for each in observations:
        if "103309006" in _codes(each["code"], "http://snomed.info/sct"):
            yield who(each["subject"]), each["valueBoolean"]


def _research(consents: list[Any], who: Who) -> Iterator[tuple[str, Any]]:
    own = [each for each in consents if "research" in _codes(each["scope"], _SCOPE)]
    for each in sorted(own, key=lambda one: str(one.get("dateTime", ""))):
        boxes = each["provision"]["provision"]
        answers = [box["type"] for box in boxes if "recherche-donnees" in _codes(box["code"], f"{_PATHWAY}choix")]
        denied = each["status"] == "inactive" or answers == ["deny"]
        yield who(each["patient"]), ("no" if denied else answers, _time(each.get("dateTime")))


def _signs(observations: list[Any], index: str, who: Who) -> Iterator[tuple[str, str]]:
    for each in observations:
        present = "LA9633-4" in _codes(each.get("valueCodeableConcept"), _LOINC)
        if present and who(each["subject"]) == index:
            yield from ((code, each["code"]["text"]) for code in _codes(each["code"], _HPO))


def _documents(documents: list[Any], index: str, who: Who) -> Iterator[tuple[str, str, str]]:
    for each in documents:
        kind = _codes(each["category"], f"{_PATHWAY}document")[0]
        file = each["content"][0]["attachment"]
        if who(each["subject"]) == index and kind not in ("consentement", "donnees", "compte-rendu-biologique"):
            yield kind, file["title"], file["contentType"]


def _last(specimens: list[Any], person: str, tumour: bool, who: Who) -> Any:
    """Return the specimen that counts: conform before others, of those the last."""
    found = []
    for each in specimens:
        if who(each["subject"]) == person and "parent" not in each and _of_tumour(each) is tumour:
            fit, taken = each["status"] == "available", each["collection"]["collectedDateTime"]
            found.append((fit, taken, _codes(each["type"], f"{_PATHWAY}nature"), _time(each.get("receivedTime"))))
    return max(found, key=lambda each: each[:2], default=None)


def _of_tumour(specimen: Resource) -> bool:
    origins = [each["valueCodeableConcept"] for each in specimen.get("extension", ())]
    ours = any(str(each["value"]).endswith("#tumour") for each in specimen["identifier"])
    return ours or any(each.startswith("tumoral") for each in _codes(origins, f"{_PATHWAY}origine"))


def _component(observation: Resource, code: str) -> Any:
    for each in observation.get("component", ()):
        if code in [one["code"] for one in each["code"].get("coding", ())]:
            return each
    return {}


def _variants(observations: list[Any], who: Who) -> Iterator[tuple[Any, ...]]:
    classes: dict[str, str] = {}
    for each in observations:
        for one in each.get("derivedFrom", ()):
            of = one.get("reference") or one["identifier"]["value"]
            classes[of] = _component(each, "53037-8")["valueCodeableConcept"]["coding"][0]["code"]
    for each in observations:
        present = "LA9633-4" in _codes(each.get("valueCodeableConcept"), _LOINC)
        if present and "69548-6" in _codes(each["code"], _LOINC):
            of = f"Observation/{each['id']}" if "id" in each else each["identifier"][0]["value"]
            coding = _component(each, "48004-6")["valueCodeableConcept"]["coding"][0]["code"]
            named = _component(each, "48005-3").get("valueCodeableConcept", {"coding": [{"code": ""}]})
            protein = named["coding"][0]["code"].rpartition(":")[2]
            protein = protein or _component(each, "HGVS_p").get("valueString", "")
            gene = _component(each, "48018-6")["valueCodeableConcept"]["text"]
            yield who(each["subject"]), gene, coding, protein, classes[of]


def _numbers(observations: list[Any]) -> Iterator[tuple[str, float]]:
    for each in observations:
        for system, code in _NUMBERS:
            if code in _codes(each["code"], system):
                yield code, float(each["valueQuantity"]["value"])


def _report(reports: list[Any]) -> Any:
    for each in reports:
        code = _codes(each.get("conclusionCode"), _LOINC)
        signers = [one["display"] for one in each.get("resultsInterpreter", ())]
        return _time(each.get("issued")), code, signers, [one["title"] for one in each.get("presentedForm", ())]
    return None


def _ended(tasks: list[Any]) -> dict[str, Any]:
    kinds = ("rcp-amont", "recueil-consentement", "analyse-bioinfo", "restitution")
    found: dict[str, Any] = {}
    for each in tasks:
        kind = _codes(each["code"], f"{_PATHWAY}tache")[0]
        if kind in kinds and each["status"] == "completed":
            end: Any = _time(each.get("executionPeriod", {}).get("end", each.get("lastModified")))
            found[kind] = end if kind not in found else max(end, found[kind])
    return found

"""meta_clinic_kc: a case of cancer, written of a dossier and read into resources.

Source: GIP-CAD, ser_client-api, meta_clinic_kc; mappings/platforms/auragen/clinic_kc.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

from fhir_gateway.exchange.auragen import clinic_mr, complaints
from fhir_gateway.exchange.auragen.formats import Format
from fhir_gateway.exchange.auragen.people import KARYOTYPE, LIBRARY, People, Person, codes, identifier
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.transform.fhir_source import FhirSegment, FhirSource
from fhir_gateway.transform.tree_source import TreeSegment, TreeSource

_SEQUENCING: Final = f"{CANONICAL_BASE}/CodeSystem/auragen-sequencage"
_STATE: Final = f"{CANONICAL_BASE}/CodeSystem/auragen-etat"
_NATURE: Final = f"{CANONICAL_BASE}/CodeSystem/pfmg-nature"
_ORIGIN: Final = f"{CANONICAL_BASE}/StructureDefinition/origine"
_ORIGINS: Final = f"{CANONICAL_BASE}/CodeSystem/pfmg-origine"
_ICD_O: Final = "http://terminology.hl7.org/CodeSystem/icd-o-3"
_CELLULARITY: Final = "371510003"
_HISTOLOGY: Final = "31205-8"
# Which library of the file is of which sequencing and state, and the name of its segment.
PLACES: Final = {
    ("wgs", "tumour"): "WgsTumour",
    ("wgs", "normal"): "WgsNormal",
    ("wes", "tumour"): "WesTumour",
    ("rnaseq", "tumour"): "RnaseqTumour",
}
_WHOLE: Final = frozenset({30, 50, 80, 100})


# --- written


def source(people: People, format: Format, issues: list[Issue]) -> FhirSource:
    """Return the resources of a dossier as rules want them; what keeps them from being a case is said."""
    segments: list[FhirSegment] = []

    def add(name: str, resource: Any) -> None:
        if resource is not None:
            segments.append(format.paths.segment(name, 1, resource))

    for person in people.probands[:1]:
        tumour = _tumour(people, person)
        cellularity = _told(people, person, _CELLULARITY, tumour)
        add("Case", person.request)
        add("Patient", person.patient)
        add("Karyotype", people.told(person.key, KARYOTYPE))
        add("Tumour", tumour)
        add("Cellularity", cellularity)
        add("Histology", _told(people, person, _HISTOLOGY, tumour))
        add("Primary", _primary(people, person))
        for name, library in _libraries(people, person, issues).items():
            add(name, library)
        issues += _lost(cellularity)
    return FhirSource(segments, b"")


def is_tumour(specimen: Mapping[str, Any]) -> bool:
    """Tell whether a specimen is of a tumour: by its nature, its state or its origin."""
    if codes(specimen.get("type"), _STATE) == ["tumour"]:
        return True
    if any(each.startswith("tumeur") for each in codes(specimen.get("type"), _NATURE)):
        return True
    origins = (each.get("valueCodeableConcept") for each in specimen.get("extension", ()) if each["url"] == _ORIGIN)
    return any(each.startswith("tumoral") for one in origins for each in codes(one, _ORIGINS))


def _tumour(people: People, person: Person) -> Any:
    own = [each for each in people.of("Specimen") if people.key(each.get("subject")) == person.key]
    tubes = [people.tube(each) for each in people.libraries(person.key) if is_tumour(people.tube(each))]
    tubes = [each for each in tubes if identifier(each, LIBRARY) is None]
    tubes += (each for each in own if is_tumour(each) and identifier(each, LIBRARY) is None)
    return next(iter(tubes), None)


def _told(people: People, person: Person, code: str, tumour: Any) -> Any:
    """Return what an Observation of a code says last: of the tumour's tube, or of no specimen."""
    found = [
        each
        for each in people.observations(person.key)
        if any(coding.get("code") == code for coding in each.get("code", {}).get("coding", ()))
        and ("specimen" not in each or people.held(each["specimen"]) is tumour)
    ]
    return max(found, key=lambda each: str(each.get("effectiveDateTime", "")), default=None)


def _primary(people: People, person: Person) -> Any:
    own = (each for each in people.of("Condition") if people.key(each.get("subject")) == person.key)
    return next((each for each in own if codes(each.get("code"), _ICD_O) or codes(each.get("bodySite"), _ICD_O)), None)


def _libraries(people: People, person: Person, issues: list[Issue]) -> dict[str, Any]:
    """Return the libraries by the names of their segments; one of unsaid sequencing is of a whole genome."""
    found: dict[str, Any] = {}
    for each in people.libraries(person.key):
        told = [one for step in each.get("processing", ()) for one in codes(step.get("procedure"), _SEQUENCING)]
        state = "tumour" if is_tumour(each) or is_tumour(people.tube(each)) else "normal"
        name = PLACES.get((told[0] if told else "wgs", state))
        number = identifier(each, LIBRARY)
        if name is None or name in found:
            issues.append(complaints.LIBRARIES_SEVERAL.at("Specimen.identifier", where="Specimen", library=number))
        else:
            found[name] = each
    return found


def _lost(cellularity: Any) -> Iterator[Issue]:
    value = (cellularity or {}).get("valueQuantity", {}).get("value")
    if value is not None and value >= min(_WHOLE) and value not in _WHOLE:
        below = max(each for each in _WHOLE if each <= value) if value <= max(_WHOLE) else max(_WHOLE)
        where = "Observation.value"
        yield complaints.CELLULARITY_CLASS.at(where, where="/cellularity", value=value, below=below)


def lacking(people: People, tree: Mapping[str, Any], issues: list[Issue]) -> None:
    """Say what a case cannot do without, and who is to give it."""
    clinic_mr.lacking(people, tree, issues)


# --- read


def tree_source(tree: Mapping[str, Any], format: Format, seed: bytes) -> TreeSource:
    """Return the objects of a file as rules want them: the case with its date and range read, each library."""
    keys = format.keys
    case = {**tree, "tumour": tree["case_id"], "sampled": _day(tree["sampling_date"]), **_range(tree["cellularity"])}
    segments: list[TreeSegment] = [keys.segment("Case", 1, case, "")]
    for (seq_type, state), _ in PLACES.items():
        lib_id = tree["libraries"][seq_type].get(state)
        if lib_id is not None:
            value = {"lib_id": lib_id, "seq_type": seq_type, "state": state}
            value |= {"tumour": tree["case_id"]} if state == "tumour" else {}
            where = f"/libraries/{seq_type}/{state}"
            segments.append(keys.segment("Library", len(segments), value, where))
    return TreeSource(segments, seed)


def _day(text: str) -> str | None:
    day, month, year = text.split("/")
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return None


def _range(cellularity: str | None) -> dict[str, str]:
    if cellularity is None:
        return {}
    low, dash, high = cellularity.partition("-")
    return {"low": low, "high": high} if dash else {"percent": cellularity.removeprefix("<")}


def faults(tree: Mapping[str, Any]) -> Iterator[Issue]:
    """Yield what no schema can say: a date that is none, a library twice."""
    if _day(tree["sampling_date"]) is None:
        yield complaints.NO_DATE.at("/sampling_date", where="/sampling_date")
    seen = set()
    for seq_type, state in PLACES:
        library = tree["libraries"][seq_type].get(state)
        if library is not None and library in seen:
            where = f"/libraries/{seq_type}/{state}"
            yield complaints.TWICE.at(where, where=where, library=library)
        seen.add(library)

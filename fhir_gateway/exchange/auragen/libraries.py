"""meta_libraries: how the libraries of a case were prepared, written of a dossier and read into resources.

Source: GIP-CAD, ser_client-api, meta_libraries; mappings/platforms/auragen/libraries.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fhir_gateway.exchange.auragen import complaints
from fhir_gateway.exchange.auragen.formats import Format
from fhir_gateway.exchange.auragen.people import CASE, LIBRARY, People, codes, identifier
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.transform.fhir_source import FhirSegment, FhirSource
from fhir_gateway.transform.schema import pointer
from fhir_gateway.transform.tree_source import TreeSegment, TreeSource

STEPS: Final = ("extraction", "qualification", "quantification", "preplib")
MEASURES: Final[Mapping[str, str]] = {
    "din": "qualification", "rin": "qualification", "gqn": "qualification", "rqn": "qualification",
    "concentration": "quantification",
}  # fmt: skip
_STEP: Final = f"{CANONICAL_BASE}/CodeSystem/auragen-etape-librairie"
_MEASURE: Final = f"{CANONICAL_BASE}/CodeSystem/auragen-mesure"
OF_SPECIMEN: Final = "http://hl7.org/fhir/uv/genomics-reporting/StructureDefinition/genomic-study-analysis-specimen"


# --- written


def source(people: People, format: Format, issues: list[Issue]) -> FhirSource:
    """Return the resources of a dossier as rules want them: each library with its steps and measures."""
    segments: list[FhirSegment] = []
    counts: dict[str, int] = {}

    def add(name: str, resource: Any) -> None:
        counts[name] = counts.get(name, 0) + 1
        segments.append(format.paths.segment(name, counts[name], resource))

    found = [each for each in people.of("Specimen") if identifier(each, LIBRARY) is not None]
    found.sort(key=lambda each: str(identifier(each, LIBRARY)))
    for person in people.probands[:1]:
        add("Case", person.request)
    for library in found[:1]:
        add("First", library)
    for library in found:
        add("Library", library)
        add("Tube", people.tube(library))
        for name, resource in _told(people, library):
            add(name, resource)
    return FhirSource(segments, str(len(found)).encode())


def _told(people: People, library: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield what was done to a library and measured on it, each under its name."""
    for each in people.of("Procedure"):
        of = (
            people.held(extension.get("valueReference"))
            for extension in each.get("extension", ())
            if extension.get("url") == OF_SPECIMEN
        )
        if any(one is library for one in of):
            yield from ((code.capitalize(), each) for code in codes(each.get("code"), _STEP) if code in STEPS)
    for each in people.of("Observation"):
        if people.held(each.get("specimen")) is library:
            yield from ((code.capitalize(), each) for code in codes(each.get("code"), _MEASURE) if code in MEASURES)


def lacking(people: People, tree: Mapping[str, Any], issues: list[Issue]) -> None:
    """Say what a file cannot do without, and who is to give it."""
    if "case_id" not in tree:
        issues.append(complaints.CASE_ABSENT.at("ServiceRequest.identifier", where="/case_id", system=CASE))
    if not tree.get("libraries"):
        issues.append(complaints.LIBRARY_ABSENT.at("Specimen.identifier", where="/libraries", system=LIBRARY))


# --- read


def tree_source(tree: Mapping[str, Any], format: Format, seed: bytes) -> TreeSource:
    """Return the objects of a file as rules want them: each library, its steps, what was measured."""
    keys = format.keys
    case = {**tree, "parcours": str(tree["case_id"]).partition("-")[0]}
    segments: list[TreeSegment] = [keys.segment("Case", 1, case, "")]
    counts = {"Step": 0, "Measure": 0}

    def add(name: str, value: Mapping[str, Any], where: str) -> None:
        counts[name] += 1
        segments.append(keys.segment(name, counts[name], value, where))

    for number, library in enumerate(tree["libraries"]):
        where = f"/libraries/{number}"
        segments.append(keys.segment("Library", number + 1, library, where))
        lib_id = library["lib_id"]
        for step in STEPS:
            add("Step", {**library[step], "step": step, "library": lib_id}, pointer(where, step))
        for name, step in MEASURES.items():
            value = library[step].get(name)
            if value is not None:
                at = pointer(pointer(where, step), name)
                add("Measure", {"name": name, "value": value, "library": lib_id}, at)
    return TreeSource(segments, seed)


def faults(tree: Mapping[str, Any]) -> Iterator[Issue]:
    """Yield what no schema can say: no library twice."""
    seen = set()
    for number, each in enumerate(tree["libraries"]):
        library = each["lib_id"]
        if library in seen:
            where = f"/libraries/{number}/lib_id"
            yield complaints.TWICE.at(where, where=where, library=library)
        seen.add(library)

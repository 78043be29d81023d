"""meta_software: which software treated a case, written of a dossier and read into resources.

Source: GIP-CAD, ser_client-api, meta_software; mappings/platforms/auragen/software.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from fhir_gateway.exchange.auragen import complaints
from fhir_gateway.exchange.auragen.formats import Format
from fhir_gateway.exchange.auragen.libraries import OF_SPECIMEN
from fhir_gateway.exchange.auragen.libraries import faults as faults
from fhir_gateway.exchange.auragen.people import CASE, LIBRARY, People, codes, identifier
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.transform.fhir_source import FhirSegment, FhirSource
from fhir_gateway.transform.tree_source import TreeSegment, TreeSource

_MODE: Final = f"{CANONICAL_BASE}/CodeSystem/auragen-mode"
_KEY: Final = f"{CANONICAL_BASE}/identifier/auragen-traitement"


# --- written


def source(people: People, format: Format, issues: list[Issue]) -> FhirSource:
    """Return the resources of a dossier as rules want them: workflows with their components, by library and of all."""
    segments: list[FhirSegment] = []
    counts: dict[str, int] = {}

    def add(name: str, resource: Any) -> None:
        counts[name] = counts.get(name, 0) + 1
        segments.append(format.paths.segment(name, counts[name], resource))

    procedures = sorted(people.of("Procedure"), key=lambda each: identifier(each, _KEY) or "")
    runs = [each for each in procedures if "run" in codes(each.get("code"), _MODE)]
    whole = [each for each in procedures if "patient" in codes(each.get("code"), _MODE)]

    def components(name: str, workflow: Any) -> None:
        for each in procedures:
            if any(people.held(one) is workflow for one in each.get("partOf", ())):
                add(name, each)

    found = [each for each in people.of("Specimen") if identifier(each, LIBRARY) is not None]
    found.sort(key=lambda each: str(identifier(each, LIBRARY)))
    for person in people.probands[:1]:
        add("Case", person.request)
    for library in found[:1]:
        add("First", library)
    for workflow in whole[:1]:
        add("Any", workflow)
    for library in found:
        add("Library", library)
        for run in runs:
            if any(people.held(one) is library for one in _specimens(run)):
                add("Run", run)
                components("RunComponent", run)
    for workflow in whole:
        add("Workflow", workflow)
        components("Component", workflow)
    return FhirSource(segments, str(len(procedures)).encode())


def _specimens(run: Mapping[str, Any]) -> Iterator[Any]:
    yield from (each.get("valueReference") for each in run.get("extension", ()) if each.get("url") == OF_SPECIMEN)


def lacking(people: People, tree: Mapping[str, Any], issues: list[Issue]) -> None:
    """Say what a file cannot do without, and who is to give it."""
    if "case_id" not in tree:
        issues.append(complaints.CASE_ABSENT.at("ServiceRequest.identifier", where="/case_id", system=CASE))


# --- read


def tree_source(tree: Mapping[str, Any], format: Format, seed: bytes) -> TreeSource:
    """Return the objects of a file as rules want them: each workflow and component with a key of its own.

    A key is case, library, mode and places: KC-0001234/LIB20240001/run/01/03.
    """
    keys, case = format.keys, str(tree["case_id"])
    segments: list[TreeSegment] = [keys.segment("Case", 1, tree, "")]
    counts = {"Workflow": 0, "Component": 0}

    def add(name: str, value: Mapping[str, Any], where: str) -> None:
        counts[name] += 1
        segments.append(keys.segment(name, counts[name], value, where))

    def workflows(listed: Sequence[Any], mode: str, library: str | None, where: str) -> None:
        for number, each in enumerate(listed):
            key = "/".join(filter(None, (case, library, mode, f"{number + 1:02}")))
            add("Workflow", {**each, "key": key, "mode": mode, "library": library}, f"{where}/{number}")
            for place, one in enumerate(each["components"]):
                value = {**one, "key": f"{key}/{place + 1:02}", "workflow": key, "library": library}
                add("Component", value, f"{where}/{number}/components/{place}")

    for number, library in enumerate(tree["libraries"]):
        where = f"/libraries/{number}"
        segments.append(keys.segment("Library", number + 1, library, where))
        workflows(library["run_workflows"], "run", library["lib_id"], f"{where}/run_workflows")
    workflows(tree["patient_workflows"], "patient", None, "/patient_workflows")
    return TreeSource(segments, seed)

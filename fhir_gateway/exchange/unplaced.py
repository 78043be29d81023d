"""A file that rules have written of a dossier, what of the dossier it has no place for, and where what rules say of it
belongs.

Source: FHIR R4, Resource; mappings/README.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.transform.fhir_source import FhirPaths, FhirSegment
from fhir_gateway.transform.mapping import Result
from fhir_gateway.transform.run import Fired


@dataclass(frozen=True, slots=True)
class Written:
    """A file. `data`: None where it lacks something that its format demands; `issues`: what lacks, and what is lost;
    `unplaced`: elements of the dossier that the file has no place for, each with how often it occurs.
    """

    data: bytes | None
    issues: tuple[Issue, ...]
    unplaced: Mapping[str, int]
    trace: tuple[Fired, ...] = ()


def lost(
    resources: Iterable[Mapping[str, Any]],
    segments: Sequence[FhirSegment],
    result: Result,
    paths: FhirPaths,
    arranged: frozenset[str],
    told: frozenset[str],
) -> dict[str, int]:
    """Return the elements ("Patient.name") and the resources as a whole ("Consent") that no rule read, each with how
    often. `arranged`: elements that are read where a dossier is arranged; `told`: paths that were read there.
    """
    left: dict[str, set[str]] = {}
    for each in result.unplaced:
        name, number, element = paths.element_at(each.where)
        left.setdefault(f"{name}^{number}", set()).add(element)
    found: dict[int, tuple[str, set[str]]] = {}
    for segment in segments:
        own = left.get(f"{segment.name}^{segment.number}", set()) - arranged
        kind, known = found.get(id(segment.resource), (str(segment.resource["resourceType"]), own))
        found[id(segment.resource)] = kind, known & own
    names = [f"{kind}.{element}" for kind, elements in found.values() for element in elements]
    names = [each for each in names if each not in told]
    names += [str(each["resourceType"]) for each in resources if id(each) not in found]
    counts: dict[str, int] = {}
    for name in sorted(names):
        counts[name] = counts.get(name, 0) + 1
    return counts


def placed(issue: Issue) -> Issue:
    """Return an issue of a group, which has no segment of its own, at the key that it is about."""
    if issue.values.get("where") != "MSH^1":
        return issue
    return Issue(issue.complaint, issue.expression, {**issue.values, "where": f"/{issue.values.get('path', '')}"})

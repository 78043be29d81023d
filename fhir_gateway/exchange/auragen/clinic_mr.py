"""meta_clinic_mr: a case of rare disease or oncogenetics, written of a dossier and read into resources.

Source: GIP-CAD, ser_client-api, meta_clinic_mr; mappings/platforms/auragen/clinic_mr.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fhir_gateway.exchange.auragen import complaints
from fhir_gateway.exchange.auragen.formats import Format
from fhir_gateway.exchange.auragen.people import (
    CASE,
    INDICATION,
    KARYOTYPE,
    LIBRARY,
    PREINDICATION,
    People,
    codes,
    identifier,
)
from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.transform.fhir_source import FhirSegment, FhirSource
from fhir_gateway.transform.schema import pointer
from fhir_gateway.transform.tree_source import TreeSegment, TreeSource

_PARCOURS = {"MR-": "MR", "OC-": "OC"}


# --- written


def source(people: People, format: Format, issues: list[Issue]) -> FhirSource:
    """Return the resources of a dossier as rules want them; what keeps them from being a case is said."""
    segments: list[FhirSegment] = []
    counts: dict[str, int] = {}

    def add(name: str, resource: Any) -> None:
        if resource is not None:
            counts[name] = counts.get(name, 0) + 1
            segments.append(format.paths.segment(name, counts[name], resource))

    libraries = {each.key: _library(people, each.key, issues) for each in people.people}
    for person in people.probands[:1]:
        add("Case", person.request)
        add("Index", libraries[person.key])
        for sign in people.signs(person.key):
            add("Sign", sign)
    proband = people.probands[0].key if people.probands else ""
    for person in people.people:
        library = libraries[person.key]
        add("Request", person.request)
        add("Patient", person.patient)
        add("Karyotype", people.told(person.key, KARYOTYPE))
        add("Library", library)
        add("Tube", people.tube(library) if library is not None else None)
        add("Affected", people.affected(person.key))
        add("Link", people.link(proband, person.key) if not person.proband else None)
        father, mother = people.parents(person.key)
        add("Father", libraries.get(father))
        add("Mother", libraries.get(mother))
    return FhirSource(segments, proband.encode())


def _library(people: People, key: str, issues: list[Issue]) -> Any:
    found = people.libraries(key)
    if not found:
        return None
    if len(found) > 1:
        number = identifier(found[0], LIBRARY)
        issues.append(complaints.LIBRARIES_SEVERAL.at("Specimen.identifier", where="Specimen", library=number))
    return found[0]


def lacking(people: People, tree: Mapping[str, Any], issues: list[Issue]) -> None:
    """Say what a case cannot do without, and who is to give it."""
    if len(people.probands) != 1:
        issues.append(complaints.PROBANDS.at("ServiceRequest.category", found=len(people.probands)))
        return
    case = people.probands[0].request
    if identifier(case, CASE) is None:
        issues.append(complaints.CASE_ABSENT.at("ServiceRequest.identifier", where="/case_id", system=CASE))
    if "indication_code" not in tree and not codes(case.get("reasonCode"), INDICATION):
        told = ", ".join(codes(case.get("reasonCode"), PREINDICATION)) or "(none)"
        issues.append(
            complaints.INDICATION_ABSENT.at("ServiceRequest.reasonCode", where="/indication_code", preindication=told)
        )
    for number, each in enumerate(tree.get("individuals", ())):
        if "lib_id" not in each:
            where = f"/individuals/{number}/lib_id"
            issues.append(complaints.LIBRARY_ABSENT.at("Specimen.identifier", where=where, system=LIBRARY))


# --- read


def tree_source(tree: Mapping[str, Any], format: Format, seed: bytes) -> TreeSource:
    """Return the objects of a file as rules want them: edges to parents that the links do not tell among them."""
    keys = format.keys
    case_id = str(tree.get("case_id", ""))
    segments: list[TreeSegment] = [keys.segment("Case", 1, {**tree, "parcours": _PARCOURS.get(case_id[:3])}, "")]
    for number, term in enumerate(_list(tree, "hpo_terms")):
        segments.append(keys.segment("Sign", number + 1, {"code": term}, f"/hpo_terms/{number}"))
    edges = 0
    for number, each in enumerate(_list(tree, "individuals")):
        where = f"/individuals/{number}"
        segments.append(keys.segment("Individual", number + 1, each, where))
        for edge in _edges(tree, each):
            edges += 1
            segments.append(keys.segment("Parent", edges, edge, pointer(where, edge["key"])))
    return TreeSource(segments, seed)


def _list(tree: Mapping[str, Any], key: str) -> Sequence[Any]:
    found = tree.get(key)
    return found if isinstance(found, list) else ()


def _edges(tree: Mapping[str, Any], child: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    by_library = {str(each.get("lib_id")): each for each in _list(tree, "individuals")}
    for key in ("parent1", "parent2"):
        parent = by_library.get(str(child.get(key)))
        if parent is None:
            continue
        link = parent.get("family", {}).get("link")
        if child.get("lib_id") == tree.get("index_case") and link == "parent":
            continue  # the link says it
        role = {"male": "FTH", "female": "MTH"}.get(str(parent.get("sex")), "PRN")
        yield {"child": str(child["lib_id"]), "parent": str(parent["lib_id"]), "role": role, "key": key}


def faults(tree: Mapping[str, Any]) -> Iterator[Issue]:
    """Yield what no schema can say: one index case, no library twice, parents that are in the file."""
    individuals = _list(tree, "individuals")
    sexes: dict[str, Any] = {}
    for number, each in enumerate(individuals):
        library = str(each.get("lib_id"))
        if library in sexes:
            where = f"/individuals/{number}/lib_id"
            yield complaints.TWICE.at(where, where=where, library=library)
        sexes[library] = each.get("sex")
    index = [each for each in individuals if each.get("family", {}).get("link") == "index-case"]
    if [str(each.get("lib_id")) for each in index] != [str(tree.get("index_case"))]:
        found = ", ".join(str(each.get("lib_id")) for each in index) or "-"
        yield complaints.NO_INDEX.at("/index_case", where="/index_case", found=found)
    for number, each in enumerate(individuals):
        yield from _parent_faults(each, f"/individuals/{number}", sexes)


def _parent_faults(each: Mapping[str, Any], where: str, sexes: Mapping[str, Any]) -> Iterator[Issue]:
    known = []
    for key in ("parent1", "parent2"):
        library = each.get(key)
        if library is None:
            continue
        at = pointer(where, key)
        if library not in sexes:
            yield complaints.PARENT_UNKNOWN.at(at, where=at, library=library)
        elif sexes[library] is None:
            yield complaints.PARENT_WITHOUT_SEX.at(at, where=at, library=library)
        else:
            known.append(sexes[library])
    if len(known) == 2 and known[0] == known[1]:
        yield complaints.SAME_SEX_PARENTS.at(where, where=where, sex=known[0])

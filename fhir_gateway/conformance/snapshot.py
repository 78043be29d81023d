"""Snapshots: what a StructureDefinition says in full, made from its differential and its base.

Source: FHIR R4, StructureDefinition, "snapshot", "differential", "derivation"; Profiling FHIR.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fhir_gateway.conformance import snapshot_complaints as complaints
from fhir_gateway.conformance.element_rules import Constraint, Definition
from fhir_gateway.conformance.element_types import type_url
from fhir_gateway.conformance.lookup import Lookup, Resource, split
from fhir_gateway.conformance.snapshot_differential import Step, steps_of
from fhir_gateway.conformance.snapshot_shape import fault
from fhir_gateway.conformance.snapshot_specialization import specialize
from fhir_gateway.conformance.snapshot_tree import Tree
from fhir_gateway.conformance.snapshot_walk import Place, Walk
from fhir_gateway.fhir.outcome import Issue, Language, Unprocessable

_LANGUAGES: tuple[Language, Language] = ("en", "fr")
_DEEPEST = 25  # snapshots in the making at once; published profiles need five
# What names the profile it is about.
_NAMING = (
    complaints.MALFORMED, complaints.OTHER_REFUSED, complaints.BASE_ABSENT, complaints.BASE_CIRCULAR,
    complaints.BASE_OF_OTHER_TYPE,
    complaints.TOO_DEEP,
)  # fmt: skip


class SnapshotError(Unprocessable):
    """A StructureDefinition from which no snapshot can be made; `issues`: everything that is wrong with it."""


class Snapshots:
    """The StructureDefinitions of a lookup, each with a snapshot: its own, or one generated when it is first asked for.

    What was generated or opened is kept. Not for several threads at once.

    `lenient`: what is wrong with a differential is told in `flaws`, and the element is taken as far as it can be, so
    that resources can be held to the rest of a profile; only one without a base is refused.
    """

    def __init__(self, lookup: Lookup, *, lenient: bool = False) -> None:
        self._lookup = lookup
        self._lenient = lenient
        self._trees: dict[str, Tree | None] = {}
        self._types: dict[str, bool] = {}
        self._making: list[str] = []
        self._own: dict[str, Resource] = {}
        self._made: dict[str, Resource] = {}
        self.warnings: list[Issue] = []
        self.flaws: dict[str, list[Issue]] = {}  # by the url of the definition

    def add(self, structure: Resource) -> None:
        """Let a StructureDefinition be found by its url, before those of the lookup."""
        url = structure["url"]
        self._own[url] = structure
        for known in (self._trees, self._made):
            for canonical in [each for each in known if split(each)[0] == url]:
                del known[canonical]

    def structure(self, url: str) -> Resource | None:
        """Return a StructureDefinition as it was given, None when it is not known."""
        name, version = split(url)
        own = self._own.get(name)
        if own is not None and version in (None, own.get("version")):
            return own
        return self._lookup.structure(url) or own

    def with_snapshot(self, url: str) -> Resource | None:
        """Return a StructureDefinition with its snapshot, None when it is not known. Raises: SnapshotError."""
        if url in self._made:
            return self._made[url]
        structure = self.structure(url)
        if structure is None:
            return None
        if "snapshot" in structure:
            check_shape(structure)
            return structure
        made = self._made[url] = self.generate(structure)
        return made

    def is_type(self, name: str) -> bool:
        """Tell whether a name is that of a FHIR type."""
        known = self._types.get(name)
        if known is None:
            structure = self.structure(type_url(name))
            known = self._types[name] = structure is not None and structure.get("derivation") != "constraint"
        return known

    def tree(self, url: str) -> Tree | None:
        """Return the snapshot of a profile or a type (by url or name) as a tree; None when it is not known.

        A profile within itself stands for its base there: else it would never end.
        """
        url = type_url(url)
        if url not in self._trees:
            if url in self._making:
                structure = self.structure(url)
                return None if structure is None else self.tree(structure["type"])
            try:
                found = self.with_snapshot(url)
            except SnapshotError as error:
                raise _about(url, error) from error
            self._trees[url] = None if found is None else Tree(found)
        return self._trees[url]

    def generate(self, structure: Resource) -> Resource:
        """Return a copy of a StructureDefinition with the snapshot that its differential makes of its base.

        Raises: SnapshotError with everything that is wrong, each at its place.
        """
        check_shape(structure)
        url = structure.get("url", "")
        if url in self._making:
            raise SnapshotError(complaints.BASE_CIRCULAR.at(profile=url, base=self._making[-1]))
        if len(self._making) >= _DEEPEST:
            raise SnapshotError(complaints.TOO_DEEP.at(profile=url, limit=_DEEPEST))
        self._making.append(url)
        try:
            return {**structure, "snapshot": {"element": self._elements(structure)}}
        finally:
            self._making.pop()

    def _elements(self, structure: Resource) -> list[Definition]:
        url, base_url = structure.get("url", ""), structure.get("baseDefinition", "")
        if not structure.get("type"):
            raise SnapshotError(complaints.TYPE_ABSENT.at("StructureDefinition.type", profile=url))
        if base_url in self._making:
            raise SnapshotError(complaints.BASE_CIRCULAR.at(profile=url, base=base_url))
        base = self.tree(base_url) if base_url else None
        derivation = structure.get("derivation", "constraint" if base_url else "specialization")
        issues: list[Issue] = []
        constraint = Constraint(url, base_url, self, issues)
        if base is None and (base_url or derivation == "constraint"):
            at = "StructureDefinition.baseDefinition"
            raise SnapshotError(complaints.BASE_ABSENT.at(at, profile=url, base=base_url or "?"))
        if base is None or derivation == "specialization":
            elements = specialize(structure, base, self, constraint)
        else:
            elements = self._constrained(structure, base, constraint)
        issues += _duplicates(elements)
        errors = [issue for issue in issues if issue.severity == "error"]
        if errors and not (self._lenient and elements):
            raise SnapshotError(*issues)
        if errors:
            self.flaws[url] = errors
        self.warnings += [issue for issue in issues if issue.severity != "error"]
        return elements

    def _constrained(self, structure: Resource, base: Tree, constraint: Constraint) -> list[Definition]:
        if structure["type"] != base.type:
            constraint.issues.append(
                complaints.BASE_OF_OTHER_TYPE.at(
                    "StructureDefinition.type", profile=constraint.profile, type=structure["type"], base=base.url,
                    base_type=base.type,
                )
            )  # fmt: skip
            return []
        steps = steps_of(structure, constraint.issues)
        walk = Walk(self, constraint)
        root = base.root.path
        walk.place(base.root, steps, Place(root, root, root))
        constraint.issues += unmatched(steps, base.url)
        return walk.elements


def check_shape(structure: Resource) -> None:
    """Raises: SnapshotError for what is not built as a StructureDefinition is."""
    found = fault(structure)
    if found is not None:
        place, reason = found
        raise SnapshotError(
            complaints.MALFORMED.at(place, profile=structure.get("url", "?"), place=place, reason=reason)
        )


def _about(url: str, error: SnapshotError) -> SnapshotError:
    """Return a refusal that names the profile it is about: it is another than the one asked for."""
    if all(issue.complaint in _NAMING for issue in error.issues):
        return error
    reasons, reasons_fr = ("; ".join(issue.text(language) for issue in error.issues) for language in _LANGUAGES)
    return SnapshotError(complaints.OTHER_REFUSED.at(profile=url, reasons=reasons, reasons_fr=reasons_fr))


def generate(structure: Resource, lookup: Lookup) -> Resource:
    """Return a copy of a StructureDefinition with the snapshot that its differential makes of its base.

    `lookup` gives the base, and what types and profiles the differential names; those without a snapshot get one.
    Raises: SnapshotError with everything that is wrong, each with the id and the place of its element.
    """
    return Snapshots(lookup).generate(structure)


def unmatched(steps: Iterable[Step], base: str) -> list[Issue]:
    """Return an issue for each step that found no place."""
    return [
        complaints.UNMATCHED.at(f"StructureDefinition.differential.element[{step.index}]", id=step.id, base=base)
        for step in steps
        if not step.used
    ]


def _duplicates(elements: Iterable[dict[str, Any]]) -> list[Issue]:
    seen: set[str] = set()
    told: list[Issue] = []
    for element in elements:
        id = element["id"]
        if id in seen:
            told.append(complaints.DUPLICATE.at("StructureDefinition.differential", id=id))
        seen.add(id)
    return told

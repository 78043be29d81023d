"""The elements of a differential put into the order of its base.

Source: FHIR R4, StructureDefinition, "differential": elements "SHALL be in the same order" as in the base's snapshot.
"""

from __future__ import annotations

from collections.abc import Sequence

from fhir_gateway.conformance import snapshot_complaints as complaints
from fhir_gateway.conformance.element_rules import Constraint
from fhir_gateway.conformance.lookup import Lookup, Resource
from fhir_gateway.conformance.snapshot import SnapshotError, Snapshots, check_shape
from fhir_gateway.conformance.snapshot_choices import Choices
from fhir_gateway.conformance.snapshot_differential import Match, Step, matches_of, steps_of
from fhir_gateway.conformance.snapshot_opening import opened_by
from fhir_gateway.conformance.snapshot_tree import Node
from fhir_gateway.conformance.snapshot_walk import Place, Walk
from fhir_gateway.fhir.outcome import Issue


def sort_differential(structure: Resource, lookup: Lookup | Snapshots) -> Resource:
    """Return a copy of a StructureDefinition whose differential is in the order of its base.

    Slices stay in the order they are in. Raises: SnapshotError with every element that the base does not have.
    """
    snapshots = lookup if isinstance(lookup, Snapshots) else Snapshots(lookup)
    check_shape(structure)
    url, base_url = structure.get("url", ""), structure.get("baseDefinition", "")
    base = snapshots.tree(base_url)
    if base is None:
        at = "StructureDefinition.baseDefinition"
        raise SnapshotError(complaints.BASE_ABSENT.at(at, profile=url, base=base_url))
    issues: list[Issue] = []
    steps = steps_of(structure, issues)
    sorting = _Sorting(snapshots, Constraint(url, base_url, snapshots, issues))
    root = base.root.path
    ordered = sorting.element(base.root, steps, Place(root, root, root))
    left = {id(step) for step in steps} - {id(step) for step in ordered}
    issues += [
        complaints.UNMATCHED.at(f"StructureDefinition.differential.element[{step.index}]", id=step.id, base=base_url)
        for step in steps
        if id(step) in left
    ]
    if any(issue.severity == "error" for issue in issues):
        raise SnapshotError(*issues)
    return {**structure, "differential": {"element": [step.element for step in ordered]}}


class _Sorting:
    def __init__(self, snapshots: Snapshots, constraint: Constraint) -> None:
        self._snapshots = snapshots
        self._choices = Choices(Walk(snapshots, constraint))

    def element(self, node: Node, steps: Sequence[Step], at: Place) -> list[Step]:
        """Return the steps about an element and what is inside it in order: first those that are of no slice."""
        if node.is_choice:
            for step in steps:
                self._choices.spell(step, at)
        matches, leading = matches_of(steps, at.source)
        if leading:
            whole = next((match for match in matches if match.step.slice_name is None), None)
            if whole is None:
                first = self._inside(node, None, leading, at)
                return first + [step for match in matches for step in self._match(node, match, at)]
            matches[matches.index(whole)] = Match(whole.step, [*leading, *whole.inner])
        matches.sort(key=lambda match: match.step.slice_name is not None or match.step.type is not None)
        return [step for match in matches for step in self._match(node, match, at)]

    def _match(self, node: Node, match: Match, at: Place) -> list[Step]:
        slice = next((each for each in node.slices if each.slice_name == match.step.slice_name), node)
        return [match.step, *self._inside(slice, match.step, match.inner, at)]

    def _inside(self, node: Node, step: Step | None, steps: Sequence[Step], at: Place) -> list[Step]:
        if not steps:
            return []
        said = {} if step is None else {name: step.element[name] for name in ("type",) if name in step.element}
        if step is not None and step.type is not None and "type" not in said:
            said["type"] = [{"code": step.type}]
        opened = node if node.children else opened_by(node, {**node.element, **said}, self._snapshots)
        ordered: list[Step] = []
        for child in () if opened is None else opened.children:
            place = at.child(child.name)
            about = [each for each in steps if self._choices.is_about(each, child, place)]
            ordered += self.element(child, about, place)
        return ordered

"""A differential laid over the tree of its base: the elements of the snapshot, in order.

Each element of the base takes the steps of the differential that are about it. Where those go deeper than the base's
snapshot does, the definition of the element's type (or profile, or the element it refers to) is opened there.

Source: FHIR R4, StructureDefinition, "snapshot", "differential"; Profiling FHIR, "Slicing", "Discriminator";
ElementDefinition, "path", "base".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fhir_gateway.conformance import snapshot_complaints as complaints
from fhir_gateway.conformance.element_rules import Constraint, Definition, documented
from fhir_gateway.conformance.element_types import code_of, is_kind, profiles_of
from fhir_gateway.conformance.snapshot_choices import Choices
from fhir_gateway.conformance.snapshot_differential import Match, Step, matches_of
from fhir_gateway.conformance.snapshot_opening import Library, opened_by
from fhir_gateway.conformance.snapshot_tree import Node, Tree
from fhir_gateway.fhir.outcome import Complaint, Unprocessable

BY_URL = {"discriminator": [{"type": "value", "path": "url"}], "ordered": False, "rules": "open"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where an element stands: its path in the differential, its path and its id in the snapshot.

    `in_slice`: it is part of a slice, as its base's snapshot has it.
    """

    source: str
    target: str
    id: str
    in_slice: bool = False

    def child(self, name: str) -> Place:
        return replace(self, source=f"{self.source}.{name}", target=f"{self.target}.{name}", id=f"{self.id}.{name}")

    def slice(self, name: str) -> Place:
        return replace(self, id=f"{self.id}:{name}", in_slice=True)

    def opened(self) -> Place:
        """The same place, what is inside it being that of its type."""
        return replace(self, in_slice=False)


class Walk:
    """One snapshot in the making; `elements` is what there is of it."""

    def __init__(self, library: Library, constraint: Constraint) -> None:
        self.library = library
        self.constraint = constraint
        self.elements: list[Definition] = []
        self._choices = Choices(self)
        self._unusable: set[str] = set()

    # --- a library: one that tells what is wrong with a profile once, and goes on without it

    def structure(self, url: str) -> Mapping[str, Any] | None:
        return self.library.structure(url)

    def is_type(self, name: str) -> bool:
        return self.library.is_type(name)

    def tree(self, url: str) -> Tree | None:
        if url in self._unusable:
            return None
        try:
            return self.library.tree(url)
        except Unprocessable as error:
            self._unusable.add(url)
            self.constraint.issues += error.issues
            return None

    def complain(self, complaint: Complaint, step: Step, **values: object) -> None:
        self.constraint.complain(complaint, step.index, step.id, **values)

    # --- what every element comes to

    def children(self, nodes: Sequence[Node], steps: Sequence[Step], at: Place) -> None:
        """Add elements that stand side by side, each with the steps about it.

        Steps are in the order of the base; one that comes too late or is about no element stays unused.
        """
        rest = steps
        for node in nodes:
            place = at.child(node.name)
            about = [index for index, step in enumerate(rest) if self._choices.is_about(step, node, place)]
            if about:
                self.place(node, [rest[index] for index in about], place)
                rest = rest[about[-1] + 1 :]
            else:
                self.copy(node, place)

    def place(self, node: Node, steps: Sequence[Step], at: Place) -> None:
        """Add an element of the base, and what is inside it, with the steps of the differential about them."""
        if node.is_choice:
            steps = self._choices.spelled(node, steps, at)
        matches, leading = matches_of(steps, at.source)
        if node.is_sliced and node.is_choice and matches:
            self._choices.add(node, matches, at)
        elif node.is_sliced:
            self._sliced(node, matches, leading, at)
        elif not matches:
            self.inside(node, self.emit(node, node.element, at), leading, at)
        elif node.is_choice and self._choices.concern(node, matches, at):
            self._choices.place(node, matches, at)
        elif len(matches) == 1 and (node.is_choice or not self._begins_slicing(node, matches[0].step, at)):
            # A slice that nothing is told apart from is the element itself.
            name = matches[0].step.slice_name
            self.one(node, matches[0], at if name is None else at.slice(name), keeps_min=node.is_choice)
        else:
            self._repeated(node, matches, at)

    @staticmethod
    def _begins_slicing(node: Node, step: Step, at: Place) -> bool:
        if step.slice_name is not None and _is_extension(node):
            return True
        return "slicing" in step.element and not at.in_slice

    def emit(self, node: Node, element: Definition, at: Place, **changes: Any) -> Definition:
        """Add an element made of one of the base; return it, to be changed until the snapshot is ready."""
        made: Definition = {"id": at.id, "path": at.target}
        made |= {name: value for name, value in element.items() if name not in made}
        base = node.element
        made["base"] = base.get("base") or {name: base[name] for name in ("path", "min", "max") if name in base}
        reference = made.get("contentReference", "")
        if reference.startswith("#") and node.tree.structure.get("derivation") != "constraint":
            # What a profile says of an element does not hold again for those that only have its content.
            made["contentReference"] = f"{node.tree.url}{reference}"
        made |= changes
        self.elements.append(made)
        return made

    def copy(self, node: Node, at: Place) -> None:
        """Add an element of the base, what is inside it and its slices, as they are."""
        self.emit(node, node.element, at)
        self._copy_children(node, at)
        self._copy_slices(node, at)

    def _copy_children(self, node: Node, at: Place) -> None:
        for child in node.children:
            self.copy(child, at.child(child.name))

    def _copy_slices(self, node: Node, at: Place) -> None:
        for slice in node.slices:
            self.copy(slice, at.slice(slice.slice_name or ""))

    # --- one element

    def one(self, node: Node, match: Match, at: Place, *, slice: bool = False, keeps_min: bool = False) -> Definition:
        """Add an element with the one step about it, and what is inside it. Return it.

        `slice`: it is a slice, new or of the base. `keeps_min`: also a new slice must be there if its element must.
        """
        step = match.step
        step.used = True
        template = self._template(node, step)
        if slice:
            template.pop("slicing", None)
        if step.slice_name is not None:
            template["sliceName"] = step.slice_name
            if "min" not in step.element and node.slice_name is None and not keeps_min:
                template["min"] = 0
        made = self.constraint.apply(template, step.element, step.index, step.id)
        if "slicing" in step.element:
            made["slicing"] = step.element["slicing"]
        placed = self.emit(node, made, at)
        self.inside(node, placed, match.inner, at)
        return placed

    def _template(self, node: Node, step: Step) -> Definition:
        """Return what a step constrains: the base's element, or the first of the profile that the step names."""
        base = node.element
        types = step.element.get("type", ())
        profiles = profiles_of(types[0]) if len(types) == 1 else ()
        if not profiles or code_of(types[0]) == "Reference":
            return dict(base)
        tree = self._profile(step, code_of(types[0]), profiles[0])
        if tree is None:
            return dict(base)
        made = {name: value for name, value in tree.root.element.items() if name != "sliceName"}
        if code_of(types[0]) != "Extension":
            made |= {"min": base["min"], "max": base["max"]}
        made["type"] = base.get("type", ())  # what the step's own type is judged by
        made["constraint"] = _with(made.get("constraint", []), base.get("constraint", []))
        return made

    def _profile(self, step: Step, code: str, url: str) -> Tree | None:
        """Return the snapshot of the profile that a step says its element is of; None when there is none to use."""
        tree = self.tree(url)
        if tree is None and url not in self._unusable:
            self.complain(complaints.PROFILE_UNKNOWN, step, profile=url)
        elif tree is None:
            return None
        elif tree.type != code and not is_kind(tree.type, code, self.library):
            self.complain(complaints.PROFILE_OF_OTHER_TYPE, step, type=code, profile=url, other=tree.type)
        else:
            return tree
        return None

    def inside(self, node: Node, made: Definition, steps: Sequence[Step], at: Place) -> None:
        """Add what is inside an element: of the base, or, where steps go deeper, of its type."""
        if node.children or not steps:
            if steps:
                self.children(node.children, steps, at)
            else:
                self._copy_children(node, at)
            return
        opened = opened_by(node, made, self)
        if opened is None:
            return
        if "contentReference" in made:
            # What stands here now is said in full, and no longer elsewhere.
            del made["contentReference"]
            made["type"] = opened.element.get("type", [])
        self.children(opened.children, steps, at.opened())

    # --- slices

    def _repeated(self, node: Node, matches: Sequence[Match], at: Place) -> None:
        """Add an element that the differential slices."""
        first, *others = matches
        if node.element.get("max") == "1" and first.step.element.get("max") != "1":
            self.complain(complaints.SINGLE_SLICED, first.step)
            _use(matches)
            return
        if "slicing" not in first.step.element and not _is_extension(node):
            self.complain(complaints.SLICING_ABSENT, first.step)
            _use(matches)
            return
        if first.step.slice_name is None:
            head = self.one(node, first, at)
        else:
            head = self.emit(node, node.element, at)
            self._copy_children(node, at)
            others = list(matches)
        head["slicing"] = first.step.element.get("slicing", BY_URL)
        keeps_min = len(others) == 1 and head["slicing"].get("rules") == "closed"
        for match in others:
            self.slice(node, match, at, keeps_min=keeps_min)

    def slice(self, node: Node, match: Match, at: Place, *, keeps_min: bool = False) -> Definition:
        """Add a new slice of an element."""
        name = match.step.slice_name
        return self.one(node, match, at if name is None else at.slice(name), slice=True, keeps_min=keeps_min)

    def _sliced(self, node: Node, matches: list[Match], leading: Sequence[Step], at: Place) -> None:
        """Add an element that has slices in the base: those come first and in their order, new ones after them."""
        head: Match | None = None
        if matches and (matches[0].step.slice_name is None or "slicing" in matches[0].step.element):
            if matches[0].step.slice_name is None:
                head, *matches = matches
            else:
                self._check_slicing(node, matches[0].step)
        if head is not None:
            self._check_slicing(node, head.step)
            slicing = head.step.element.get("slicing", node.element.get("slicing"))
            made = self.one(node, head, at)
            if slicing is not None:
                made["slicing"] = slicing
        else:
            made = self.emit(node, node.element, at)
            self.inside(node, made, leading if not matches else (), at)
        closed = node.element.get("slicing", {}).get("rules") == "closed"
        for slice in node.slices:
            place = at.slice(slice.slice_name or "")
            if matches and matches[0].step.slice_name == slice.slice_name:
                self.one(slice, matches.pop(0), place, slice=True)
            else:
                self.copy(slice, place)
        known = {slice.slice_name for slice in node.slices}
        for match in matches:
            if match.step.slice_name in known:
                self.complain(complaints.SLICE_ORDER, match.step)
                _use([match])
            elif closed and not node.is_choice:
                self.complain(complaints.SLICING_CLOSED, match.step)
                _use([match])
            else:
                self._new_slice(node, match, at)

    def _new_slice(self, node: Node, match: Match, at: Place) -> None:
        """Add a slice to those that the base has. What it is a slice of decides how often it may be there."""
        step = match.step
        step.used = True
        base = {name: value for name, value in node.element.items() if name != "slicing"} | {"min": 0}
        types = step.element.get("type", ())
        profiles = profiles_of(types[0]) if len(types) == 1 else ()
        if profiles and code_of(types[0]) != "Reference":
            tree = self._profile(step, code_of(types[0]), profiles[0])
            if tree is not None:
                base = documented(base, tree.root.element)
        if step.slice_name is not None:
            base["sliceName"] = step.slice_name
        made = self.constraint.apply(base, step.element, step.index, step.id)
        place = at if step.slice_name is None else at.slice(step.slice_name)
        self.inside(node, self.emit(node, made, place), match.inner, place)

    def _check_slicing(self, node: Node, step: Step) -> None:
        """Complain where a differential says otherwise than its base what tells slices apart."""
        old, new = node.element.get("slicing"), step.element.get("slicing")
        if old is None or new is None:
            return
        if new.get("ordered", old.get("ordered", False)) is False and old.get("ordered") is True:
            self.complain(complaints.SLICING_CHANGED, step, what="ordered", old="true", new="false")
        theirs, ours = (_discriminators(each) for each in (old, new))
        if ours[: len(theirs)] != theirs:
            self.complain(complaints.SLICING_CHANGED, step, what="discriminator", old=theirs, new=ours)
        rules = (old.get("rules"), new.get("rules"))
        if not node.is_choice and None not in rules and rules[0] != rules[1] and rules[0] != "open":
            self.complain(complaints.SLICING_CHANGED, step, what="rules", old=rules[0], new=rules[1])


def _use(matches: Iterable[Match]) -> None:
    """Let steps that have been complained about not be told again as unmatched."""
    for match in matches:
        for step in (match.step, *match.inner):
            step.used = True


def _is_extension(node: Node) -> bool:
    return node.name in ("extension", "modifierExtension")


def _with(constraints: list[Any], others: list[Any]) -> list[Any]:
    """Return constraints, and the others whose keys are not among theirs."""
    keys = {each.get("key") for each in constraints}
    return [*constraints, *(each for each in others if each.get("key") not in keys)]


def _discriminators(slicing: Any) -> list[str]:
    return [f"{each.get('type')}:{each.get('path')}" for each in slicing.get("discriminator", ())]

"""How the element of a differential changes the element that it constrains, and what it may not change.

Source: FHIR R4, ElementDefinition, "Interpretation of the fields in the ElementDefinition"; Profiling FHIR,
"Limitations of Use"; StructureDefinition, "differential".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fhir_gateway.conformance import snapshot_complaints as complaints
from fhir_gateway.conformance.element_types import (
    Structures,
    Type,
    allows,
    allows_target,
    code_of,
    codes_of,
    is_system,
    targets_of,
)
from fhir_gateway.fhir.outcome import Complaint, Issue

Definition = dict[str, Any]

# Prose that a differential replaces, or adds to where it begins with "...".
_TEXTS = ("definition", "comment", "requirements")
_LISTS = ("alias", "mapping", "example", "condition", "code")
_REPLACED = (
    "representation", "sliceIsConstraining", "label", "short", "maxLength", "meaningWhenMissing", "orderMeaning",
    "isModifier", "isModifierReason",
)  # fmt: skip
_CHOICES = ("defaultValue", "minValue", "maxValue", "fixed", "pattern")
_BINDABLE = frozenset(("code", "string", "uri", "Coding", "CodeableConcept", "CodeableReference", "Quantity"))
_DOCUMENTED = ("short", "definition", "comment", "requirements", "alias", "mapping")


class Constraint:
    """One profile's say over elements. `base`: what to call what it constrains; `issues` get all that is wrong."""

    def __init__(self, profile: str, base: str, structures: Structures, issues: list[Issue]) -> None:
        self.profile = profile
        self.base = base
        self.structures = structures
        self.issues = issues

    def complain(self, complaint: Complaint, index: int, id: str, **values: object) -> None:
        expression = f"StructureDefinition.differential.element[{index}]"
        self.issues.append(complaint.at(expression, id=id, base=self.base, **values))

    def apply(self, base: Definition, by: Mapping[str, Any], index: int, id: str) -> Definition:
        """Return `base` as constrained by an element of the differential. Neither is changed.

        `index`: where that stands in the differential; `id`: what to call it.
        """
        made = dict(base)
        self._cardinality(made, by, index, id)
        self._types(made, by, index, id)
        self._binding(made, by, index, id)
        self._flags(made, by, index, id)
        for name in _REPLACED:
            if name in by:
                made[name] = by[name]
        for name in _TEXTS:
            if name in by:
                made[name] = _text(made.get(name), by[name])
        for name in (*_REPLACED, *_TEXTS):
            _beside(made, by, name)
        for name in _LISTS:
            if name in by:
                made[name] = _joined(made.get(name, []), by[name])
        for name in _CHOICES:
            _choose(made, by, name)
        if "extension" in by:
            urls = {each.get("url") for each in by["extension"]}
            kept = [each for each in made.get("extension", ()) if each.get("url") not in urls]
            made["extension"] = kept + by["extension"]
        self._constraints(made, by)
        self._values(made, by, index, id)
        return made

    def _cardinality(self, made: Definition, by: Mapping[str, Any], index: int, id: str) -> None:
        if "min" in by:
            # A slice may be absent where what it is a slice of must be there.
            if by["min"] < made.get("min", 0) and "sliceName" not in by:
                self.complain(complaints.MIN_LOWERED, index, id, new=by["min"], old=made["min"])
            made["min"] = by["min"]
        if "max" in by:
            if _number(by["max"]) > _number(made.get("max", "*")):
                self.complain(complaints.MAX_RAISED, index, id, new=by["max"], old=made["max"])
            made["max"] = by["max"]

    def _types(self, made: Definition, by: Mapping[str, Any], index: int, id: str) -> None:
        if "type" not in by:
            return
        old: list[Type] = made.get("type", [])
        for type in by["type"] if old else ():
            code = code_of(type)
            if not (is_system(type) and any(is_system(each) for each in old)) and not allows(
                old, code, self.structures
            ):
                self.complain(complaints.TYPE_NOT_ALLOWED, index, id, type=code, allowed=", ".join(codes_of(old)))
            targets = targets_of(old, code)
            for target in type.get("targetProfile", ()) if targets else ():
                fits = allows_target(targets, target, self.structures)
                if fits is False:
                    self.complain(complaints.TARGET_NOT_ALLOWED, index, id, target=target, allowed=", ".join(targets))
                elif fits is None:
                    self.complain(complaints.TARGET_UNKNOWN, index, id, profile=target)
        made["type"] = by["type"]

    def _binding(self, made: Definition, by: Mapping[str, Any], index: int, id: str) -> None:
        types = codes_of(made.get("type", ()))
        if types and not _BINDABLE.intersection(types):
            made.pop("binding", None)  # a binding of what has no code says nothing
            return
        if "binding" not in by:
            return
        old, new = made.get("binding", {}), by["binding"]
        if old.get("strength") == "required" and new.get("strength", "required") != "required":
            self.complain(complaints.BINDING_LOOSENED, index, id, new=new["strength"])
        made["binding"] = {**old, **new}
        if "extension" in old and "extension" in new:
            urls = {each.get("url") for each in new["extension"]}
            kept = [each for each in old["extension"] if each.get("url") not in urls]
            made["binding"]["extension"] = kept + new["extension"]

    def _flags(self, made: Definition, by: Mapping[str, Any], index: int, id: str) -> None:
        if "mustSupport" in by:
            if made.get("mustSupport") and not by["mustSupport"]:
                self.complain(complaints.MUST_SUPPORT_REVOKED, index, id)
            made["mustSupport"] = made.get("mustSupport", False) or by["mustSupport"]
        if "isSummary" in by:
            if "isSummary" in made and made["isSummary"] != by["isSummary"]:
                old, new = str(made["isSummary"]).lower(), str(by["isSummary"]).lower()
                self.complain(complaints.SUMMARY_CHANGED, index, id, new=new, old=old)
            made["isSummary"] = by["isSummary"]

    def _constraints(self, made: Definition, by: Mapping[str, Any]) -> None:
        """Add the constraints of the differential: "constraints are cumulative", none replaces one of the base."""
        if "constraint" not in by:
            return
        keys = {each.get("key") for each in made.get("constraint", ())}
        new = [
            each if "source" in each else {**each, "source": self.profile}
            for each in by["constraint"]
            if each.get("key") not in keys
        ]
        made["constraint"] = [*made.get("constraint", ()), *new]

    def _values(self, made: Definition, by: Mapping[str, Any], index: int, id: str) -> None:
        """Check that a fixed value or pattern is of one of the types that the element has now."""
        types = codes_of(made.get("type", ()))
        for name in by:
            for kind in ("fixed", "pattern"):
                if name.startswith(kind) and types and not _is_of(name.removeprefix(kind), types):
                    self.complain(complaints.VALUE_OF_OTHER_TYPE, index, id, name=name, types=", ".join(types))


def documented(base: Definition, by: Mapping[str, Any]) -> Definition:
    """Return `base` with what the first element of a type's profile says of it in prose."""
    made = {name: value for name, value in base.items() if name not in ("alias", "mapping")}
    for name in _DOCUMENTED:
        if name in by:
            made[name] = by[name]
        _beside(made, by, name)
    return made


def _beside(made: Definition, by: Mapping[str, Any], name: str) -> None:
    """Take over what stands beside a text that is replaced, such as its translations: the old ones are of the old."""
    beside = f"_{name}"
    if beside in by:
        made[beside] = by[beside]
    elif name in by:
        made.pop(beside, None)


def _number(max: str) -> float:
    return float("inf") if max == "*" else int(max)


def _text(old: Any, new: Any) -> Any:
    if not isinstance(new, str) or not new.startswith("..."):
        return new
    added = new.removeprefix("...")
    return added if old is None else f"{old}\r\n{added}"


def _joined(old: list[Any], new: list[Any]) -> list[Any]:
    return [*old, *(each for each in new if each not in old)]


def _choose(made: Definition, by: Mapping[str, Any], stem: str) -> None:
    """Let a value of an open choice replace another: fixedUri, or its extension _fixedUri."""
    given = [name for name in by if name.removeprefix("_").startswith(stem) and name not in ("fixed", "pattern")]
    if not given:
        return
    for name in [each for each in made if each.removeprefix("_").startswith(stem)]:
        del made[name]
    for name in given:
        made[name] = by[name]


def _is_of(suffix: str, types: list[str]) -> bool:
    """Tell whether the type that a name ends with is one of `types`: Uri is uri."""
    return any(suffix == code[:1].upper() + code[1:] for code in types)

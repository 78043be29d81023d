"""Bindings: whether coded values are what their code systems say, and in the value sets that profiles ask for.

What codes mean is terminology's affair; here is only when to ask, and what its answer means for the strength.

Source: FHIR R4, Terminologies, "Binding Strengths"; ElementDefinition.binding; Coding; Quantity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from fhir_gateway.conformance.validation import binding_complaints as complaints
from fhir_gateway.conformance.validation.findings import found
from fhir_gateway.conformance.validation.schema import Binding, Rule, Schema
from fhir_gateway.fhir.fhirpath import Node
from fhir_gateway.fhir.outcome import Complaint

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.walk import Walk

UCUM = "http://unitsofmeasure.org"
QUANTITIES = frozenset({"Quantity", "Age", "Count", "Distance", "Duration", "MoneyQuantity", "SimpleQuantity"})
CODED = frozenset({"Coding", *QUANTITIES})  # what names a code and its system itself
BOUND = frozenset({"code", "Coding", "CodeableConcept"})


class Coding(NamedTuple):
    """`system` None: a code whose system the value set tells."""

    system: str | None
    code: str
    display: str | None = None
    version: str | None = None

    def __str__(self) -> str:
        return f"{self.system}#{self.code}" if self.system else self.code


class Verdict(Protocol):
    """What a code system says of a code; see `terminology`."""

    @property
    def state(self) -> str: ...
    @property
    def version(self) -> str | None: ...
    @property
    def displays(self) -> tuple[str, ...]: ...
    @property
    def right_display(self) -> bool | None: ...
    @property
    def inactive(self) -> bool: ...
    @property
    def by_language(self) -> bool: ...


class Terminology(Protocol):
    """What a validation asks of terminology."""

    def contains(self, value_set: str, system: str | None, code: str) -> bool | None:
        """Return whether a value set has a code; None when that cannot be told (an unknown system, no content)."""

    def contains_in(self, value_set: Mapping[str, Any], system: str | None, code: str) -> bool | None:
        """Return the same for a value set that is at hand itself, such as a contained one."""

    def name(self, value_set: str) -> str | None:
        """Return the title of a value set, None when it is not known."""

    def unknown(self, value_set: str, system: str | None) -> str | None:
        """Return the canonical of what would have to be known to tell about the codes of a system."""

    def verdict(
        self, system: str, version: str | None, code: str, display: str | None = None, language: str | None = None
    ) -> Verdict:
        """Return what a code system says of a code and of the display it is given with."""
        ...

    def subsumes(self, system: str, above: str, below: str) -> bool | None:
        """Return whether a code is another of its system or stands above it; None when that cannot be told."""


class Bindings:
    """Asks terminology about coded values; without one nothing is known of any."""

    def __init__(self, terminology: Terminology | None = None) -> None:
        self._terminology = terminology

    def knows(self, value_set: str) -> bool:
        return self._terminology is not None and self._terminology.name(value_set) is not None

    def holds(self, value_set: str | Mapping[str, Any], system: str | None, code: str) -> bool | None:
        """Return whether a value set, named or at hand itself, has a code; None when that cannot be told."""
        if self._terminology is None:
            return None
        if isinstance(value_set, str):
            return self._terminology.contains(value_set, system, code)
        return self._terminology.contains_in(value_set, system, code)

    def verdict(self, system: str, code: str, display: str | None = None, version: str | None = None) -> Verdict | None:
        """Return what a code system says of a code; None without terminology."""
        return None if self._terminology is None else self._terminology.verdict(system, version, code, display)

    def member_of(self, item: Node | str, value_set: str) -> bool | None:
        codings = _codings(item) if isinstance(item, Node) else [Coding(None, item)]
        return self._any(codings, value_set)

    def subsumes(self, one: Node, other: Node) -> bool | None:
        """Return whether one coded element says the same as another, or something that contains it."""
        if self._terminology is None:
            return None
        answers = [
            self._terminology.subsumes(above.system, above.code, below.code) if above.system == below.system else False
            for above in _codings(one)
            for below in _codings(other)
            if above.system is not None
        ]
        return True if True in answers else None if None in answers else False

    def is_in(self, node: Node, value_set: str) -> bool:
        return bool(self._any(_codings(node), value_set))

    def _any(self, codings: Sequence[Coding], value_set: str) -> bool | None:
        if self._terminology is None:
            return None
        answers = [self._terminology.contains(value_set, each.system, each.code) for each in codings]
        if True in answers:
            return True
        return None if None in answers else False

    # --- against the value sets of a profile

    def check(self, walk: Walk, node: Node, rule: Rule, schema: Schema) -> None:
        """Report a value whose codes are not those that its binding asks for."""
        binding, terminology = rule.binding, self._terminology
        if binding is None or terminology is None or (binding.strength == "example" and not binding.additional):
            return
        codings = _codings(node)
        if not codings:
            self._without_code(walk, node, binding, schema)
            return
        for value_set, strength in ((binding.value_set, binding.strength), *binding.additional):
            if value_set is not None and strength != "example":
                self._against(walk, node, codings, value_set, strength, schema)
        if binding.max_value_set is not None and binding.strength != "required":
            self._against(walk, node, codings, binding.max_value_set, "maximum", schema)

    def _against(
        self, walk: Walk, node: Node, codings: Sequence[Coding], value_set: str, strength: str, schema: Schema
    ) -> None:
        held = self._any(codings, value_set)
        terminology = self._terminology
        if held:
            if strength != "required" or node.type != "CodeableConcept" or not self._misnamed(walk, node, codings):
                return
            held = False  # what is required is the code under one of its names
        name = None if terminology is None else terminology.name(value_set)
        if terminology is None or name is None:
            walk.report(found(complaints.VALUE_SET_UNKNOWN, node, schema.canonical, value_set=value_set))
            return
        shown = ", ".join(map(str, codings))
        if held is None:
            self._undecided(walk, node, codings, value_set, schema)
            return
        texts = {"name": name, "value_set": value_set, "code": shown}
        if strength == "required" and isinstance(node.value, str):
            walk.report(found(complaints.CODE_SYSTEM_UNDETERMINED, node, schema.canonical, **texts))
        complaint = _complaint(node, strength)
        if complaint is not None:
            walk.report(found(complaint, node, schema.canonical, **texts))

    def _misnamed(self, walk: Walk, node: Node, codings: Sequence[Coding]) -> bool:
        """Tell whether a code has a display that its system does not give it, where that is an error."""
        if walk.wishes.wrong_displays != "error" or self._terminology is None:
            return False
        named = [each for each in codings if each.display is not None and each.system]
        language = _language(walk, node) if named else None
        return any(
            self._terminology.verdict(str(each.system), each.version, each.code, each.display, language).right_display
            is False
            for each in named
        )

    def _undecided(self, walk: Walk, node: Node, codings: Sequence[Coding], value_set: str, schema: Schema) -> None:
        """Say that nothing can be said, unless the code's own system is unknown: that is said at the code."""
        assert self._terminology is not None
        for coding in codings:
            missing = self._terminology.unknown(value_set, coding.system)
            if missing is not None and missing.partition("|")[0] != coding.system:
                texts = {"value_set": value_set, "missing": missing, "code": str(coding)}
                walk.report(found(complaints.VALUE_SET_UNDECIDED, node, schema.canonical, **texts))
                return

    def _without_code(self, walk: Walk, node: Node, binding: Binding, schema: Schema) -> None:
        assert self._terminology is not None
        if binding.value_set is None or node.type in QUANTITIES or node.type not in BOUND:
            return
        complaint = {"required": complaints.CODE_MISSING, "extensible": complaints.CODE_MISSING_WARNING}.get(
            binding.strength
        )
        name = self._terminology.name(binding.value_set)
        if binding.max_value_set is not None and binding.strength == "extensible" and name is not None:
            texts = {"max": binding.max_value_set, "value_set": binding.value_set}
            walk.report(found(complaints.CODE_MISSING_MAXIMUM, node, schema.canonical, **texts))
        elif complaint is not None and name is not None:
            walk.report(found(complaint, node, schema.canonical, name=name, value_set=binding.value_set))

    # --- against their own code systems

    def coding(self, walk: Walk, node: Node) -> None:
        """Report a Coding, or the unit of a Quantity, that its own code system does not know as it stands."""
        terminology, value = self._terminology, node.value
        if terminology is None or not isinstance(value, dict):
            return
        code, system = value.get("code"), value.get("system")
        if not isinstance(code, str) or not code:
            return
        quantity = node.type in QUANTITIES
        if not isinstance(system, str) or not system:
            if walk.is_first(node, "coding"):
                walk.report(found(complaints.SYSTEM_MISSING, node))
            return
        if quantity and system != UCUM:
            return
        display = None if quantity else value.get("display")
        version = value.get("version")
        language = None if display is None else _language(walk, node)
        verdict = terminology.verdict(
            system,
            version if isinstance(version, str) else None,
            code,
            display if isinstance(display, str) else None,
            language,
        )
        if verdict.state == "known" and verdict.right_display is not False and not verdict.inactive:
            return
        if walk.is_first(node, "coding"):
            self._report(walk, node, Coding(system, code, display, version), verdict)

    def _report(self, walk: Walk, node: Node, coding: Coding, verdict: Verdict) -> None:
        system, state = coding.system or "", verdict.state
        if state in ("unknown-system", "no-content"):
            # Of most codes nothing more can be said: it is to cost little.
            known = ":" in system
            complaint = complaints.SYSTEM_UNKNOWN if known else complaints.SYSTEM_RELATIVE
            walk.report(found(complaint, _child(node, "system") if known else node, None, system=system))
            return
        texts: dict[str, object] = {"system": system, "code": coding.code, "version": verdict.version or "-"}
        at_code, at_system = _child(node, "code"), _child(node, "system")
        if verdict.inactive:
            walk.report(found(complaints.CODE_INACTIVE, node, None, **texts))
        if state == "unknown-code":
            walk.report(found(complaints.CODE_UNKNOWN, at_code, None, **texts))
        elif state == "not-in-fragment":
            walk.report(found(complaints.CODE_NOT_IN_FRAGMENT, at_code, None, **texts))
        elif state == "supplement":
            walk.report(found(complaints.SYSTEM_IS_SUPPLEMENT, at_system, None, **texts))
        elif state == "value-set":
            walk.report(found(complaints.SYSTEM_IS_VALUE_SET, node, None, **texts))
        elif state == "unknown-version":
            texts |= {"version": str(coding.version), "known": verdict.version or "-"}
            walk.report(found(complaints.SYSTEM_VERSION_UNKNOWN, at_system, None, **texts))
        elif verdict.right_display is False:
            strict = walk.wishes.wrong_displays == "error"
            complaint = complaints.DISPLAY_WRONG if strict else complaints.DISPLAY_WRONG_WARNING
            valid = " or ".join(f"'{each}'" for each in verdict.displays)
            texts |= {"display": str(coding.display), "valid": valid, "language": _language(walk, node) or "--"}
            walk.report(found(complaint, _child(node, "display"), None, **texts))


def _complaint(node: Node, strength: str) -> Complaint | None:
    if strength == "maximum":
        return complaints.CODE_MAXIMUM
    if node.type == "CodeableConcept":
        return {
            "required": complaints.CODINGS_REQUIRED,
            "extensible": complaints.CODINGS_EXTENSIBLE,
            "preferred": complaints.CODINGS_PREFERRED,
        }.get(strength)
    if node.type in QUANTITIES and strength == "required":
        return complaints.QUANTITY_CODE
    return {
        "required": complaints.CODE_REQUIRED,
        "extensible": complaints.CODE_EXTENSIBLE,
        "preferred": complaints.CODE_PREFERRED,
    }.get(strength)


def _language(walk: Walk, node: Node) -> str | None:
    """Return the language that displays should be in: that of the nearest resource that names one, else the wish."""
    at: Node | None = node
    while at is not None:
        if isinstance(at.value, dict) and "resourceType" in at.value and isinstance(at.value.get("language"), str):
            return str(at.value["language"])
        at = at.parent
    return walk.wishes.language


def _child(node: Node, key: str) -> Node:
    return Node(node.value.get(key), "uri" if key == "system" else "string", None, node, key)


def _codings(node: Node) -> list[Coding]:
    return codings_of(node.value, node.type)


def codings_of(value: Any, type: str) -> list[Coding]:
    """Return the codes of a value of a type."""
    if isinstance(value, str):
        return [Coding(None, value)] if value else []
    if not isinstance(value, dict):
        return []
    if type == "CodeableConcept":
        given = value.get("coding")
        each = [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []
    else:
        each = [value]
    # A code without a system means nothing: it is in no value set, where a plain code gets its system from there.
    none = None if type in QUANTITIES else ""
    return [
        Coding(one.get("system", none), one["code"], one.get("display"), one.get("version"))
        for one in each
        if isinstance(one.get("code"), str)
    ]

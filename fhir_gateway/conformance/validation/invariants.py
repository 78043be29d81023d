"""Invariants: FHIRPath rules of elements, compiled once; the commonest are checked natively.

Source: FHIR R4, ElementDefinition.constraint; Conformance Rules, "Constraints".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fhir_gateway.conformance.validation import complaints
from fhir_gateway.conformance.validation.findings import found
from fhir_gateway.conformance.validation.schema import BASE, EVERYWHERE, Constraint, Rule, Schema
from fhir_gateway.fhir.fhirpath import Engine, Expression, FhirPathError, Node
from fhir_gateway.fhir.fhirpath.nodes import truth
from fhir_gateway.fhir.outcome import Complaint

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.walk import Walk

# Held by structure, or checked by `_domain` in one pass.
_NATIVE = EVERYWHERE | {"dom-2", "dom-3", "dom-4", "dom-5", "dom-6", "txt-1", "txt-2"}

Check = tuple[Constraint, Expression | None, str]  # the rule, compiled; why it could not be


class Invariants:
    """The invariants of rules, compiled for the type at hand when they are first needed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._checks: dict[tuple[int, str], list[Check]] = {}
        self._kept: list[Rule] = []

    def of(self, rule: Rule, type: str, base: Schema | None) -> list[Check]:
        """Return the invariants that hold for an element of a type under a rule, each key once."""
        key = (id(rule), type)
        known = self._checks.get(key)
        if known is None:
            known = self._checks[key] = list(self._compiled(rule, type, base))
            self._kept.append(rule)
        return known

    def _compiled(self, rule: Rule, type: str, base: Schema | None) -> Iterator[Check]:
        constraints = [*rule.constraints, *(base.root.constraints if base is not None else ())]
        seen: set[tuple[str, str]] = set()
        for constraint in constraints:
            if constraint.key in _NATIVE or (constraint.key, constraint.expression) in seen:
                continue
            seen.add((constraint.key, constraint.expression))
            try:
                yield constraint, self._engine.compile(constraint.expression, type), ""
            except FhirPathError as error:
                yield constraint, None, str(error)

    def check(self, walk: Walk, node: Node, rule: Rule, schema: Schema) -> None:
        """Report each invariant that an element breaks."""
        base = None if rule is schema.root else walk.schemas.of_type(node.type)
        env = walk.environment
        for constraint, expression, reason in self.of(rule, node.type, base):
            if constraint.best_practice and not walk.wishes.best_practice:
                continue
            if expression is None:
                self._unreadable(walk, node, constraint, schema, reason)
                continue
            outer, env.context = env.context, [node]
            try:
                holds = truth(expression.closure(env, [node]), constraint.key)
            except FhirPathError as error:
                self._unreadable(walk, node, constraint, schema, str(error))
                continue
            finally:
                env.context = outer
            if not holds:
                walk.report(found(_complaint(constraint), node, schema.canonical, **_texts(constraint)))
        if node.type in walk.engine.model.resources:
            _domain(walk, node, schema)

    @staticmethod
    def _unreadable(walk: Walk, node: Node, constraint: Constraint, schema: Schema, reason: str) -> None:
        walk.report(
            found(
                complaints.INVARIANT_UNREADABLE, node, schema.canonical, key=constraint.key, source=constraint.source,
                reason=reason,
            )
        )  # fmt: skip


def _complaint(constraint: Constraint) -> Complaint:
    return complaints.INVARIANT if constraint.severity == "error" else complaints.INVARIANT_WARNING


def _texts(constraint: Constraint) -> dict[str, str]:
    return {"key": constraint.key, "human": constraint.human, "source": constraint.source}


_DOMAIN = f"{BASE}DomainResource"


def _domain(walk: Walk, node: Node, schema: Schema) -> None:
    """Check dom-2 to dom-5: what contained resources may be."""
    contained = node.value.get("contained")
    if not isinstance(contained, list) or schema.url != BASE + node.type:
        return
    broken: dict[str, str] = {}
    references = set(_references(node.value))
    for each in contained:
        if not isinstance(each, dict):
            continue
        if "contained" in each:
            broken["dom-2"] = "If the resource is contained in another resource, it SHALL NOT contain nested Resources"
        meta = each.get("meta") or {}
        if "versionId" in meta or "lastUpdated" in meta:
            broken["dom-4"] = (
                "If a resource is contained in another resource, it SHALL NOT have a meta.versionId or a "
                "meta.lastUpdated"
            )
        if "security" in meta:
            broken["dom-5"] = "If a resource is contained in another resource, it SHALL NOT have a security label"
        id = each.get("id")
        if f"#{id}" not in references and "#" not in set(_references(each)):
            broken["dom-3"] = (
                "If the resource is contained in another resource, it SHALL be referred to from elsewhere in the "
                "resource or SHALL refer to the containing resource"
            )
    for key in sorted(broken):
        walk.report(found(complaints.INVARIANT, node, schema.canonical, key=key, human=broken[key], source=_DOMAIN))


def _references(value: Any) -> Iterator[str]:
    """Yield every string in a tree that names something inside the resource: references, canonicals, uris."""
    if isinstance(value, dict):
        for key, below in value.items():
            if key != "div":
                yield from _references(below)
    elif isinstance(value, list):
        for below in value:
            yield from _references(below)
    elif isinstance(value, str) and value.startswith("#"):
        yield value

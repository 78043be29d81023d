"""Invariants: FHIRPath rules of elements, compiled once; the commonest are checked natively.

Source: FHIR R4, ElementDefinition.constraint; Conformance Rules, "Constraints".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from fhir_gateway.conformance.validation import complaints
from fhir_gateway.conformance.validation.certainty import Test, certainly, never
from fhir_gateway.conformance.validation.findings import found
from fhir_gateway.conformance.validation.schema import BASE, EVERYWHERE, Constraint, Rule, Schema
from fhir_gateway.fhir.fhirpath import Engine, Expression, FhirPathError, Node
from fhir_gateway.fhir.fhirpath.nodes import truth
from fhir_gateway.fhir.outcome import Complaint

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.walk import Walk

# Held by structure, or checked by `domain` in one pass.
NATIVE = EVERYWHERE | {"dom-2", "dom-3", "dom-4", "dom-5", "dom-6", "txt-1", "txt-2", "ref-1"}
# Rules whose published expression does not say what their text says.
_CORRECTED = {
    ("que-12", "enableWhen.count() > 2 implies enableBehavior.exists()"): (
        "enableWhen.count() > 1 implies enableBehavior.exists()"
    ),
    ("bdl-8", "fullUrl.contains('/_history/').not()"): "fullUrl.exists() implies fullUrl.contains('/_history/').not()",
    ("ras-2", "probability is decimal implies (probability as decimal) <= 100"): (
        "probability.empty() or (probability is decimal implies (probability as decimal) <= 100)"
    ),
    ("que-7", "operator = 'exists' implies (answer is Boolean)"): "operator = 'exists' implies (answer is boolean)",
}

# The rule, compiled; why it could not be; what tells of most elements that they keep it.
Check = tuple[Constraint, Expression | None, str, Test]


class Invariants:
    """The invariants of rules, compiled for the type at hand when they are first needed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._checks: dict[tuple[int, str, bool], list[Check]] = {}
        self._kept: list[Rule] = []

    def of(self, rule: Rule, type: str, base: Schema | None) -> list[Check]:
        """Return the invariants that hold for an element of a type under a rule, each key once."""
        key = (id(rule), type, base is not None)
        known = self._checks.get(key)
        if known is None:
            constraints = [*rule.constraints, *(base.root.constraints if base is not None else ())]
            known = self._checks[key] = self.compiled(constraints, type)
            self._kept.append(rule)
        return known

    def compiled(self, constraints: Iterable[Constraint], type: str) -> list[Check]:
        """Return invariants ready to be asked of elements of a type; those that are checked natively are left out."""
        return list(self._compiled(constraints, type))

    def _compiled(self, constraints: Iterable[Constraint], type: str) -> Iterator[Check]:
        seen: set[tuple[str, str]] = set()
        for constraint in constraints:
            if constraint.key in NATIVE or (constraint.key, constraint.expression) in seen:
                continue
            seen.add((constraint.key, constraint.expression))
            expression = _CORRECTED.get((constraint.key, constraint.expression), constraint.expression)
            try:
                keeps = certainly(self._engine.model, type, expression)
                yield constraint, self._engine.compile(expression, type), "", keeps
            except FhirPathError:
                # What a type does not have can be asked for all the same: the answer is empty.
                try:
                    yield constraint, self._engine.compile(expression), "", never
                except FhirPathError as error:
                    yield constraint, None, str(error), never

    def check(self, walk: Walk, node: Node, checks: list[Check], schema: Schema) -> None:
        """Report each of some invariants that an element breaks."""
        env = walk.environment
        plain = isinstance(node.value, dict)
        for constraint, expression, reason, keeps in checks:
            if plain and keeps(node.value):
                continue
            if constraint.best_practice and not walk.wishes.best_practice:
                continue
            if expression is None:
                self._unreadable(walk, node, constraint, schema, reason)
                continue
            outer, env.context = env.context, [node]
            try:
                items = expression.closure(env, [node])
                # More than one item is more than none.
                holds = len(items) > 1 or truth(items, constraint.key)
            except FhirPathError as error:
                self._undecided(walk, node, constraint, schema, str(error))
                continue
            finally:
                env.context = outer
            if not holds:
                walk.report(found(_complaint(constraint), node, schema.canonical, **_texts(constraint)))

    @staticmethod
    def _undecided(walk: Walk, node: Node, constraint: Constraint, schema: Schema, reason: str) -> None:
        """Report an invariant whose answer is an error: it does not hold."""
        error = constraint.severity == "error"
        complaint = complaints.INVARIANT_UNDECIDED if error else complaints.INVARIANT_UNDECIDED_WARNING
        walk.report(found(complaint, node, schema.canonical, reason=reason, **_texts(constraint)))

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
    texts = {"human": constraint.human, "human_fr": constraint.human_fr}
    return {"key": constraint.key, "source": constraint.source, **texts}


_DOMAIN = f"{BASE}DomainResource"


def domain(walk: Walk, node: Node, schema: Schema) -> None:
    """Check dom-2 to dom-5: what contained resources may be."""
    contained = node.value.get("contained")
    if not isinstance(contained, list) or schema.url != BASE + node.type:
        return
    broken: dict[str, str] = {}
    references = set(_references(node.value))
    for index, each in enumerate(contained):
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
        if f"#{each.get('id')}" not in references and "#" not in set(_references(each)):
            place = Node(each, each.get("resourceType", "Resource"), None, node, "contained", index)
            walk.report(found(complaints.CONTAINED_UNUSED, place, schema.canonical, id=each.get("id")))
    for key in sorted(broken):
        texts = {"key": key, "human": broken[key], "human_fr": broken[key], "source": _DOMAIN}
        walk.report(found(complaints.INVARIANT, node, schema.canonical, **texts))


_IN_NARRATIVE = re.compile(r"""\b(?:href|src)\s*=\s*["'](#[^"']*)["']""")


def _references(value: Any) -> Iterator[str]:
    """Yield every string in a tree that names something inside the resource: references, canonicals, uris, and the
    links and images of its narrative.
    """
    if isinstance(value, dict):
        for key, below in value.items():
            if key == "div" and isinstance(below, str):
                yield from _IN_NARRATIVE.findall(below)
            else:
                yield from _references(below)
    elif isinstance(value, list):
        for below in value:
            yield from _references(below)
    elif isinstance(value, str) and value.startswith("#"):
        yield value

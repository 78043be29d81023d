"""Search parameters whose expressions go beyond the shapes of R4's own: evaluated by the FHIRPath engine.

What a resource is searched by is what its expression gives, each item by its type; of an extension its value. A
reference leads nowhere while a resource is indexed: `resolve()` gives what is contained, and of others what the
reference says of them, which is their type and their id.

Source: FHIR R4, SearchParameter.expression; Search, "Parameters"; FHIRPath 2.0.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

from fhir_gateway.conformance.branches import NAMED, SEARCHABLE
from fhir_gateway.conformance.search_parameter import Branch
from fhir_gateway.fhir.fhirpath import Engine, Expression, FhirPathError, Hooks, Model, Node
from fhir_gateway.fhir.fhirpath.values import Quantity, Temporal
from fhir_gateway.fhir.references import parse
from fhir_gateway.fhir.types import Types

logger = logging.getLogger(__name__)

_UCUM = "http://unitsofmeasure.org"
_SYSTEM = "System."
_FHIR_OF = {
    "String": "string", "Boolean": "boolean", "Integer": "integer", "Decimal": "decimal", "Date": "date",
    "DateTime": "dateTime", "Time": "time", "Quantity": "Quantity",
}  # fmt: skip


class Evaluation:
    """Makes branches of expressions that no plan can be made of. Shared by all threads."""

    def __init__(self, types: Types) -> None:
        model = Model(types)
        self._engine = Engine(model)
        self._hooks = Hooks(resolve=_resolved)

    def branches(self, text: str, type: str, search_type: str) -> tuple[Branch, ...]:
        """Return a branch for each type of value that an expression gives of a resource or element of a type.

        There are none where it is no FHIRPath, asks for elements that are not there, or gives nothing that a parameter
        of this type can search.
        """
        expression = self._compiled(text, type)
        if expression is None:
            return ()
        types = expression.types
        if types is not None and "Extension" in types:
            expression = self._engine.compile(f"({text}).select(iif($this is Extension, value, $this))", type)
            types = (types - {"Extension"}) | SEARCHABLE.get(search_type, frozenset())
        return tuple(
            Branch("", self._select(expression, type, each), each) for each in sorted(_usable(types, search_type))
        )

    def starts(self, text: str, type: str) -> tuple[Branch, ...]:
        """Return a branch for each type of element that the components of a composite start from; none if unknown."""
        expression = self._compiled(text, type)
        if expression is None:
            return ()
        return tuple(Branch("", self._select(expression, type, each), each) for each in sorted(expression.types or ()))

    def _compiled(self, text: str, type: str) -> Expression | None:
        try:
            return self._engine.compile(text, type, True)
        except FhirPathError:
            return None

    def _select(self, expression: Expression, type: str, wanted: str) -> Callable[[Any], list[Any]]:
        def select(value: Any) -> list[Any]:
            try:
                items = expression.items(Node(value, type), hooks=self._hooks)
            except FhirPathError:
                # The expression alone is told: what is in the resource is nobody's business.
                logger.warning("the expression of a search parameter fails on a resource: %s", expression.text)
                return []
            return [found for item in items if (found := _value(item, wanted)) is not None]

        return select


def _usable(types: Iterable[str] | None, search_type: str) -> set[str]:
    searchable = SEARCHABLE.get(search_type, frozenset())
    if types is None:
        return set(searchable)
    found = {_FHIR_OF.get(each.removeprefix(_SYSTEM), each) if each.startswith(_SYSTEM) else each for each in types}
    named = NAMED.get(search_type, frozenset()) - {"Resource"}
    return found & searchable or found & named


def _value(item: Any, wanted: str) -> Any:
    """Return an item as JSON has it, None where it is of another type than wanted."""
    if isinstance(item, Node):
        return item.value if item.type == wanted else None
    if isinstance(item, bool):
        return item if wanted == "boolean" else None
    if isinstance(item, str):
        return item if wanted == "string" else None
    if isinstance(item, Temporal):
        return str(item) if _FHIR_OF[item.kind] == wanted else None
    if isinstance(item, Quantity):
        return _as_json(item) if wanted == "Quantity" else None
    return item if wanted == ("integer" if isinstance(item, int) else "decimal") else None


def _as_json(quantity: Quantity) -> dict[str, Any]:
    if quantity.calendar:
        return {"value": quantity.value, "unit": quantity.unit}
    return {"value": quantity.value, "unit": quantity.unit, "system": _UCUM, "code": quantity.unit}


def _resolved(reference: str, holder: Node) -> Node | None:
    root = holder
    while root.parent is not None:
        root = root.parent
    if reference.startswith("#"):
        inside = root.value.get("contained", ()) if isinstance(root.value, dict) else ()
        found = next((each for each in inside if each.get("id") == reference[1:]), None)
        return None if found is None else Node(found, found.get("resourceType", "Resource"), None, root, "contained")
    named = parse(reference, "")
    if named.type is None or named.id is None:
        return None
    return Node({"resourceType": named.type, "id": named.id}, named.type)

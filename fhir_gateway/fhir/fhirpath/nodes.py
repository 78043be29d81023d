"""The items of a collection: FHIR elements with their type, or values of FHIRPath's own types; and how they compare.

An item is a `Node` (FHIR) or a plain value: str, bool, int, Decimal, Temporal, Quantity.

Source: FHIRPath 2.0 (N1), "Equality", "Equivalence", "Comparison"; FHIR R4, FHIRPath, "Using FHIR types".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from fhir_gateway.fhir import ucum
from fhir_gateway.fhir.fhirpath.faults import failed
from fhir_gateway.fhir.fhirpath.model import SYSTEM_OF, Model
from fhir_gateway.fhir.fhirpath.values import UCUM_OF_CALENDAR, Quantity, Temporal
from fhir_gateway.fhir.number import Number

UCUM = "http://unitsofmeasure.org"


class Node:
    """An element: its JSON value (None where a primitive has extensions only), its FHIR type, its `_name` twin.

    `parent`: the element it was reached from, None for a root; `key` and `place`: where it stands there, the place
    counted from 0 in a list, None where it is no list. `expression`: kept here by who writes it, None until then.
    """

    __slots__ = ("expression", "key", "parent", "place", "twin", "type", "value")

    def __init__(
        self,
        value: Any,
        type: str,
        twin: dict[str, Any] | None = None,
        parent: Node | None = None,
        key: str = "",
        place: int | None = None,
    ) -> None:
        self.value = value
        self.type = type
        self.twin = twin
        self.parent = parent
        self.key = key
        self.place = place
        self.expression: str | None = None

    def __repr__(self) -> str:
        return f"Node({self.type}, {self.value!r})"


Item = Any
Items = list[Item]


def root_node(resource: dict[str, Any], type: str | None = None) -> Node:
    """Return the node of a resource, or of an element of the type given."""
    return Node(resource, type or resource.get("resourceType", "Element"))


def member(model: Model, node: Node, name: str) -> Items:
    """Return the members of this name; none where the type has no such member."""
    steps = model.members(node.type).get(name)
    if steps is not None:
        found: Items = []
        for key, type, many, primitive in steps:
            _reach(node, key, type, many, primitive, found)
        return found
    if name == "value" and node.type in SYSTEM_OF:
        return [] if node.value is None else [system(node)]
    return []


def children(model: Model, node: Node) -> Items:
    found: Items = []
    for key, type, many, primitive in model.children(node.type):
        _reach(node, key, type, many, primitive, found)
    return found


def _reach(node: Node, key: str, type: str, many: bool, primitive: bool, found: Items) -> None:
    holder = node.value
    if not isinstance(holder, dict):
        holder = node.twin  # id and extension of a primitive
        if holder is None:
            return
    value = holder.get(key)
    if primitive:
        twin = holder.get(f"_{key}")
        if value is None and twin is None:
            return
        if many or isinstance(value, list):
            values = value if isinstance(value, list) else []
            twins = twin if isinstance(twin, list) else []
            for place in range(max(len(values), len(twins))):
                one = values[place] if place < len(values) else None
                other = twins[place] if place < len(twins) else None
                if one is not None or other is not None:
                    found.append(Node(one, type, other, node, key, place))
        else:
            found.append(Node(value, type, twin, node, key))
        return
    if value is None:
        return
    if isinstance(value, list):
        for place, one in enumerate(value):
            if one is not None:
                found.append(Node(one, _dynamic(one, type), None, node, key, place))
    else:
        found.append(Node(value, _dynamic(value, type), None, node, key))


def _dynamic(value: Any, type: str) -> str:
    if type == "Resource" and isinstance(value, dict):
        named = value.get("resourceType", type)
        return named if isinstance(named, str) else type
    return type


def descendants(model: Model, items: Sequence[Item]) -> Items:
    found: Items = []
    pending = [item for item in items if isinstance(item, Node)]
    while pending:
        below: list[Node] = []
        for node in pending:
            below += children(model, node)
        found += below
        pending = below
    return found


# --- to values of FHIRPath's own types


def system(item: Item) -> Item:
    """Return the system value of a primitive or a quantity, the item itself where it has none."""
    if not isinstance(item, Node):
        return item
    kind = SYSTEM_OF.get(item.type)
    value = item.value
    if kind is None:
        if isinstance(value, dict) and item.type in _QUANTITIES:
            return _quantity(value) or item
        return item
    if value is None:
        return item
    if kind in ("Date", "DateTime", "Time") and isinstance(value, str):
        read = Temporal.read("DateTime" if "T" in value and kind == "Date" else kind, value)
        return item if read is None else read
    if kind == "Integer" and isinstance(value, Decimal):
        # What no integer can be stays as it is: 1e999999 in full would take a million digits.
        return int(value) if value.adjusted() < _LONG and value == value.to_integral_value() else value
    if kind == "Decimal" and isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, Number):
        return Decimal(value)
    return value


_LONG = 20  # digits
_QUANTITIES = frozenset({"Quantity", "SimpleQuantity", "Age", "Count", "Distance", "Duration", "MoneyQuantity"})
_CALENDAR_CODES = {"a": "year", "mo": "month", "wk": "week", "d": "day"}


def _quantity(value: dict[str, Any]) -> Quantity | None:
    given = value.get("value")
    if not isinstance(given, (int, Decimal)) or isinstance(given, bool) or "comparator" in value:
        return None
    number = Decimal(given)
    if value.get("system") == UCUM and "code" in value:
        return Quantity(number, value["code"])
    return Quantity(number, value.get("code") or value.get("unit") or "1")


def kind_of(value: Item) -> str:
    """Return the name of a system value's type."""
    if isinstance(value, bool):
        return "Boolean"
    if isinstance(value, str):
        return "String"
    if isinstance(value, int):
        return "Integer"
    if isinstance(value, Decimal):
        return "Decimal"
    if isinstance(value, Temporal):
        return value.kind
    return "Quantity" if isinstance(value, Quantity) else "Any"


# --- equality


def equal(left: Sequence[Item], right: Sequence[Item]) -> bool | None:
    """Return whether two collections are equal; None when it cannot be told."""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    unsure = False
    for one, other in zip(left, right, strict=True):
        same = equal_items(one, other)
        if same is False:
            return False
        unsure = unsure or same is None
    return None if unsure else True


def equal_items(one: Item, other: Item) -> bool | None:
    one, other = system(one), system(other)
    if isinstance(one, Node) or isinstance(other, Node):
        return isinstance(one, Node) and isinstance(other, Node) and _same_json(one.value, other.value)
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, Temporal) and isinstance(other, Temporal):
        compared = compared_temporals(one, other)
        return None if compared is None else compared == 0
    if isinstance(one, Temporal) or isinstance(other, Temporal):
        return False
    if isinstance(one, Quantity) or isinstance(other, Quantity):
        left, right = _as_quantity(one), _as_quantity(other)
        if left is None or right is None:
            return False
        compared_values = compared_quantities(left, right)
        return None if compared_values is None else compared_values == 0
    if isinstance(one, str) != isinstance(other, str):
        return False
    return bool(one == other)


def _as_quantity(value: Item) -> Quantity | None:
    if isinstance(value, Quantity):
        return value
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Quantity(Decimal(value), "1")
    return None


def _same_json(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        keys = one.keys() - {"id"}
        return keys == other.keys() - {"id"} and all(_same_json(one[key], other[key]) for key in keys)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same_json, one, other))
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def compared_temporals(one: Temporal, other: Temporal) -> int | None:
    """Return -1, 0 or 1; None where their precision, or the zone of one alone, leaves it open."""
    if (one.kind == "Time") != (other.kind == "Time"):
        return None
    if one.kind != "Time" and len(one.parts) > 3 and len(other.parts) > 3:
        if (one.offset is None) != (other.offset is None):
            return _compared_without_zone(one, other)
        one, other = one.in_utc(), other.in_utc()
    for left, right in zip(one.parts, other.parts, strict=False):
        if left != right:
            return -1 if left < right else 1
    return 0 if len(one.parts) == len(other.parts) else None


def _compared_without_zone(one: Temporal, other: Temporal) -> int | None:
    """Compare where only one names a zone: told only if it holds for every zone that the other may be in."""
    zoned, bare, sign = (one, other, 1) if one.offset is not None else (other, one, -1)
    earliest = compared_temporals(zoned, Temporal(bare.kind, bare.parts, 14 * 60))
    latest = compared_temporals(zoned, Temporal(bare.kind, bare.parts, -12 * 60))
    return None if earliest is None or earliest != latest else earliest * sign


def compared_quantities(one: Quantity, other: Quantity) -> int | None:
    """Return -1, 0 or 1; None where their units do not compare."""
    if one.unit == other.unit and one.calendar == other.calendar:
        left, right = one.value, other.value
    else:
        units = [_unit_of(one), _unit_of(other)]
        if None in units:
            return None
        converted = ucum.converted(one.value, str(units[0]), str(units[1]))
        if converted is None:
            return None
        left, right = converted, other.value
    return (left > right) - (left < right)


def _unit_of(quantity: Quantity) -> str | None:
    if not quantity.calendar:
        return quantity.unit
    # "1 year" is no definite duration, 'a' is one: they are equivalent at most.
    return None if quantity.unit in ("year", "month") else UCUM_OF_CALENDAR[quantity.unit]


# --- equivalence

_SPACES = re.compile(r"\s+")


def equivalent(left: Sequence[Item], right: Sequence[Item]) -> bool:
    """Return whether two collections are equivalent, whatever their order."""
    if len(left) != len(right):
        return False
    rest = list(right)
    for one in left:
        for place, other in enumerate(rest):
            if equivalent_items(one, other):
                del rest[place]
                break
        else:
            return False
    return True


def equivalent_items(one: Item, other: Item) -> bool:
    one, other = system(one), system(other)
    if isinstance(one, Node) or isinstance(other, Node):
        return isinstance(one, Node) and isinstance(other, Node) and _equivalent_json(one.value, other.value)
    if isinstance(one, str) and isinstance(other, str):
        return _plain(one) == _plain(other)
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, Temporal) and isinstance(other, Temporal):
        return compared_temporals(one, other) == 0
    if isinstance(one, Quantity) or isinstance(other, Quantity):
        return _equivalent_quantities(_as_quantity(one), _as_quantity(other))
    if isinstance(one, int | Decimal) and isinstance(other, int | Decimal):
        return _equivalent_numbers(Decimal(one), Decimal(other))
    return False


def _plain(text: str) -> str:
    return _SPACES.sub(" ", text).casefold()


def _places(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _equivalent_numbers(one: Decimal, other: Decimal) -> bool:
    places = min(_places(one), _places(other))
    return round(one, places) == round(other, places)


def _equivalent_quantities(one: Quantity | None, other: Quantity | None) -> bool:
    if one is None or other is None:
        return False
    left = UCUM_OF_CALENDAR[one.unit] if one.calendar else one.unit
    right = UCUM_OF_CALENDAR[other.unit] if other.calendar else other.unit
    converted = one.value if left == right else ucum.converted(one.value, left, right)
    return converted is not None and _equivalent_numbers(converted, other.value)


def _equivalent_json(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        keys = one.keys() - {"id"}
        return keys == other.keys() - {"id"} and all(_equivalent_json(one[key], other[key]) for key in keys)
    if isinstance(one, list) and isinstance(other, list):
        rest = list(other)
        for each in one:
            found = next((place for place, value in enumerate(rest) if _equivalent_json(each, value)), None)
            if found is None:
                return False
            del rest[found]
        return not rest
    if isinstance(one, str) and isinstance(other, str):
        return _plain(one) == _plain(other)
    return bool(one == other)


# --- order


def compared(one: Item, other: Item) -> int | None:
    """Return -1, 0 or 1; None where it cannot be told.

    Raises: FhirPathError (execution) for values that have no order, or are of different types.
    """
    one, other = system(one), system(other)
    if isinstance(one, str) and isinstance(other, str):
        return (one > other) - (one < other)
    if is_number(one) and is_number(other):
        return int(one > other) - int(one < other)
    if isinstance(one, Temporal) and isinstance(other, Temporal):
        if (one.kind == "Time") == (other.kind == "Time"):
            return compared_temporals(one, other)
    elif isinstance(one, Quantity) or isinstance(other, Quantity):
        left, right = _as_quantity(one), _as_quantity(other)
        if left is not None and right is not None:
            return compared_quantities(left, right)
    raise failed(f"{_shown(one)} and {_shown(other)} have no order")


def is_number(value: Item) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _shown(value: Item) -> str:
    return f"a {value.type if isinstance(value, Node) else kind_of(value)}"


# --- single values


def single(items: Sequence[Item], what: str) -> Item | None:
    """Return the one item, None when there is none.

    Raises: FhirPathError (execution) when there are several.
    Source: FHIRPath 2.0, "Singleton evaluation of collections".
    """
    if not items:
        return None
    if len(items) > 1:
        raise failed(f"{what} takes one item, there are {len(items)}")
    return items[0]


def truth(items: Sequence[Item], what: str) -> bool | None:
    """Return the boolean that a collection stands for: its one boolean, true for any other single item."""
    item = system(single(items, what)) if items else None
    if item is None:
        return None
    return item if isinstance(item, bool) else True


def boolean(value: bool | None) -> Items:
    return [] if value is None else [value]


def distinct(items: Sequence[Item]) -> Items:
    """Return the items, each once; equality decides."""
    found: Items = []
    seen: set[Any] = set()
    for item in items:
        value = system(item)
        if isinstance(value, str | int | Decimal | bool):
            key = (isinstance(value, bool), isinstance(value, str), value)
            if key not in seen:
                seen.add(key)
                found.append(item)
        elif not any(equal_items(item, other) for other in found):
            found.append(item)
    return found


def is_in(item: Item, items: Sequence[Item]) -> bool:
    return any(equal_items(item, other) for other in items)


def iterate_nodes(items: Sequence[Item]) -> Iterator[Node]:
    return (item for item in items if isinstance(item, Node))

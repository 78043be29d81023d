"""What is known of a collection before an expression runs: the types its items may have.

Source: FHIRPath 2.0 (N1), "Type safety and strict evaluation".
"""

from __future__ import annotations

from dataclasses import dataclass

from fhir_gateway.fhir.fhirpath.model import SYSTEM, SYSTEM_OF, Model


@dataclass(frozen=True, slots=True)
class Static:
    """`types`: names of FHIR types, or "System.Boolean" …; None: anything. `many`: there may be several items.

    `ordered`: their order means something.
    """

    types: frozenset[str] | None = None
    many: bool = True
    ordered: bool = True

    def one(self) -> Static:
        return Static(self.types, False, self.ordered)


ANYTHING = Static()


def of_system(kind: str, many: bool = False) -> Static:
    return Static(frozenset({f"System.{kind}"}), many)


def joined(one: Static, other: Static, many: bool = True) -> Static:
    """Return what is known of items of either."""
    types = None if one.types is None or other.types is None else one.types | other.types
    return Static(types, many, one.ordered and other.ordered)


def converts(static: Static, kind: str) -> bool:
    """Tell whether items may convert to a system type; what is not known may."""
    if static.types is None or not static.types:
        return True
    return any(_converts(type, kind) for type in static.types)


def _converts(type: str, kind: str) -> bool:
    own = type.removeprefix("System.") if type.startswith("System.") else SYSTEM_OF.get(type)
    if own is None:
        # Only elements are known to be none; Resource and Element may be anything below them.
        return type in ("Resource", "DomainResource", "Element", "Any") or (kind == "Number" and type == "Quantity")
    if kind == "Number":
        return own in ("Integer", "Decimal", "Long", "Quantity", "Any")
    return own in (kind, "Any")


def type_named(model: Model, name: str, foreign: bool = False) -> tuple[str | None, str] | None:
    """Return namespace and name of a type specifier; None when there is no such type.

    `foreign`: a qualified name may be of a type that is not there.
    """
    namespace, dot, rest = name.partition(".")
    if dot and namespace in ("FHIR", "System"):
        known = rest in SYSTEM if namespace == "System" else model.knows(rest)
        return (namespace, rest) if known or foreign else None
    if model.knows(name) or name in SYSTEM:
        return None if not name else (None, name)
    return None

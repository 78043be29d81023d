"""Where the definition of an element goes on, when a snapshot has nothing inside it: in that of its type.

Source: FHIR R4, ElementDefinition, "type", "contentReference"; Profiling FHIR, "Profiling data types".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from fhir_gateway.conformance.element_types import codes_of, profiles_of
from fhir_gateway.conformance.snapshot_tree import Node, Tree


class Library(Protocol):
    """What gives the trees of the definitions that a snapshot is made of."""

    def structure(self, url: str) -> Mapping[str, Any] | None: ...

    def tree(self, url: str) -> Tree | None:
        """Return the snapshot of a profile, or of a type by its name, as a tree; None when it is not known."""
        ...

    def is_type(self, name: str) -> bool: ...


def opened_by(node: Node, element: Mapping[str, Any], library: Library) -> Node | None:
    """Return the element whose children an element has: the one it refers to, or the first of its type's definition.

    `element` is what is said of `node` now: its type may have become a profile. One of several types has what all
    types have, and None is returned where the definition is not known.
    """
    if "contentReference" in element:
        return node.tree.at(element["contentReference"].partition("#")[2])
    types = element.get("type", ())
    codes = codes_of(types)
    if len(codes) != 1:
        tree = library.tree("Element")
    else:
        profiles = profiles_of(types[0]) if len(types) == 1 else ()
        tree = (library.tree(profiles[0]) if profiles else None) or library.tree(codes[0])
    return None if tree is None else tree.root

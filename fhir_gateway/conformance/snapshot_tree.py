"""Snapshots as trees: each element with its children, and with its slices.

Source: FHIR R4, ElementDefinition, "Use in StructureDefinition"; Profiling FHIR, "Slicing".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Resource = Mapping[str, Any]
Definition = dict[str, Any]  # an ElementDefinition; never changed once it stands in a tree


@dataclass(slots=True, eq=False)
class Node:
    """An element of a snapshot. `slices`: the elements after it with the same path, each with children of its own."""

    element: Definition
    tree: Tree
    children: list[Node] = field(default_factory=list)
    slices: list[Node] = field(default_factory=list)

    @property
    def path(self) -> str:
        path: str = self.element["path"]
        return path

    @property
    def name(self) -> str:
        """The last step of its path: "value[x]"."""
        return self.path.rpartition(".")[2]

    @property
    def is_choice(self) -> bool:
        return self.path.endswith("[x]")

    @property
    def slice_name(self) -> str | None:
        name: str | None = self.element.get("sliceName")
        return name

    @property
    def is_sliced(self) -> bool:
        return "slicing" in self.element or bool(self.slices)


class Tree:
    """The snapshot of a StructureDefinition."""

    def __init__(self, structure: Resource) -> None:
        self.structure = structure
        self.url: str = structure.get("url", "")
        self.type: str = structure.get("type", "")
        self._first: dict[str, Node] = {}
        self.root = self._built(structure["snapshot"]["element"])

    def _built(self, elements: list[Definition]) -> Node:
        root = Node(elements[0], self)
        self._first[root.path] = root
        open: list[Node] = [root]  # from the root to the latest element
        for element in elements[1:]:
            node = Node(element, self)
            path = node.path
            self._first.setdefault(path, node)
            while len(open) > 1 and not path.startswith(open[-1].path + "."):
                open.pop()
            siblings = open[-1].children
            if siblings and siblings[-1].path == path:
                siblings[-1].slices.append(node)
            else:
                siblings.append(node)
            open.append(node)
        return root

    def at(self, path: str) -> Node | None:
        """Return the first element with a path: the one that is no slice."""
        return self._first.get(path)

    def nodes(self) -> Iterator[Node]:
        """Yield every element, in the order of the snapshot."""
        yield from _all(self.root)


def _all(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _all(child)
    for slice in node.slices:
        yield from _all(slice)

"""What the languages of paths into objects have in common, whether these are resources or trees of JSON.

Source: this project's own, `source.Language`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from fhir_gateway.transform.primitives_of_texts import CONVERTERS
from fhir_gateway.transform.source import Convert, Expression, Home


class ObjectPaths(ABC):
    """A language in which a path that ends in [*] gives each item, and nothing asks that anything be deleted."""

    deletion = ""

    @abstractmethod
    def nodes(self, path: str, home: Home, known: int = -1) -> Expression:
        """Return what gives the nodes of a path. Raises: ValueError."""

    def first(self, home: Home) -> Sequence[tuple[str, str]]:
        return ()

    def count(self, path: str, home: Home) -> Expression:
        return Expression(f"len({self.nodes(path, home).source})")

    def valued(self, path: str, home: Home) -> Expression:
        return Expression(f"bool({self.nodes(path, home).source})")

    def present(self, number: int, home: Home) -> str:
        return f"segment.fields[{number}]"

    def deletes(self, node: str) -> str:
        return "False"

    def key(self, name: str) -> str:
        return ""

    def repeats(self, path: str) -> bool:
        return path.endswith("[*]")

    def converter(self, type_name: str) -> Convert | None:
        return CONVERTERS.get(type_name)

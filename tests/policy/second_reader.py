"""The policy file read a second time, for the tests: another way to the same rights, with nothing of the gateway's.

A question is answered by looking through the file's rights in order, not by a table. Source: the head of
`politique.yaml`, which says what a right means.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).resolve().parents[2] / "fhir_gateway" / "policy" / "politique.yaml"
CHANGING = {"create", "update", "patch"}
TAKING = {"update", "patch", "delete"}


@dataclass(frozen=True)
class Allowed:
    """What the file allows: scope, the elements that may change, the statuses before and after; None: any.

    Of `identifier` under `adressé` the numbers of type FILL only; `vers` is asked of a status that the act changes.
    """

    scope: str
    elements: frozenset[str] | None = None
    before: frozenset[str] | None = None
    after: frozenset[str] | None = None


class SecondReader:
    """The file's answers. `every_type`: what `tous-les-types` stands for."""

    def __init__(self, every_type: tuple[str, ...], file: Path = FILE) -> None:
        self.said: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
        self.every_type = every_type
        # The same questions are asked for many places; the answers are remembered.
        self.allowed = cache(self._allowed)
        self.allowed_operation = cache(self._allowed_operation)
        self.public = self._public()

    @property
    def roles(self) -> list[str]:
        return list(self.said["rôles"])

    def _public(self) -> set[str]:
        """The types that the rights of every role open to all."""
        rights = self.said["tous"]
        return {type for right in rights if "interactions" in right for type in self.names("types", right["types"])}

    def _allowed(self, role: str, act: str, type: str) -> Allowed | None:
        """Return what a role may do by an interaction on a type."""
        for right in self.rights(role):
            if act not in set(self.names("interactions", right.get("interactions", []))):
                continue
            if type not in set(self.names("types", right["types"])):
                continue
            elements = set(self.names("éléments", right["champs"])) if "champs" in right else None
            return Allowed(
                right["portée"],
                frozenset(elements) if elements is not None and act in CHANGING else None,
                frozenset(right["depuis"]) if "depuis" in right and act in TAKING else None,
                frozenset(right["vers"]) if "vers" in right and act in CHANGING else None,
            )
        return None

    def _allowed_operation(self, role: str, operation: str, type: str | None) -> Allowed | None:
        """Return what a role may do by an operation ("$meta") on a type; None: at system level."""
        for right in self.rights(role):
            if operation not in set(self.names("opérations", right.get("opérations", []))):
                continue
            if "types" not in right or (type is not None and type in set(self.names("types", right["types"]))):
                return Allowed(right["portée"])
        return None

    def rights(self, role: str) -> list[dict[str, Any]]:
        return [*self.said["rôles"][role]["droits"], *self.said["tous"]]

    def names(self, kind: str, words: Any) -> Iterator[str]:
        """Yield what is named, in lists of lists and groups of groups."""
        if isinstance(words, list):
            for word in words:
                yield from self.names(kind, word)
        elif words == "tous-les-types":
            yield from self.every_type
        elif words in self.said.get(kind, {}):
            yield from self.names(kind, self.said[kind][words])
        else:
            yield words

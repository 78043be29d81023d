"""What rules read: a source that can be asked for paths, in whatever language its paths are written.

HL7 v2 is one (`exchange/hl7v2/paths.py`: PID-3.4.2), FHIRPath over resources is meant to be another. The rules know
nothing of either: a language turns the paths of rules into expressions of Python, which stand in the functions that
rules are compiled to.

Source: mappings/README.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol


class Segment(Protocol):
    """What a rule set is applied to. `number`: which of its name; `fields`: false where empty."""

    name: str
    number: int

    @property
    def fields(self) -> Sequence[Any]: ...


@dataclass(slots=True)
class Scope:
    """A group of segments as it occurs. `segments`: those it has, by name; `children`: the groups within it; `own`: the
    names of segments that belong to it, which are never those of a group around it.
    """

    name: str
    parent: Scope | None = None
    own: frozenset[str] = frozenset()
    segments: dict[str, list[Any]] = field(default_factory=dict)
    children: list[Scope] = field(default_factory=list)
    instances: dict[str, list[Any]] = field(default_factory=dict)

    def find(self, name: str) -> Any | None:
        """Return the first segment of a name here or in a group around; None where there is none."""
        scope: Scope | None = self
        while scope is not None:
            found = scope.segments.get(name)
            if found:
                return found[0]
            if name in scope.own:
                return None
            scope = scope.parent
        return None

    def part(self) -> None:
        """Forget what knows this group: its instances, and the groups within, which keep what is around them."""
        for each in self.children:
            each.part()
        self.children.clear()
        self.instances.clear()


Convert = Callable[[str], Any]  # None: the text is none of the type


@dataclass(frozen=True, slots=True)
class Home:
    """What the paths of a rule are relative to. `repeated`: the field whose repetitions a rule goes through, so that
    conditions speak of the repetition at hand.
    """

    name: str  # PID, CX; "" for rules of an instance, whose paths name their segments
    kind: Literal["segment", "datatype", "instance"]
    repeated: str = ""


class Expression(NamedTuple):
    """An expression of Python. `finds`: the segment that it reads by a local of its name, "" for none; `fixed`: it
    says the same wherever it stands in its function.
    """

    source: str
    finds: str = ""
    fixed: bool = False


NOTHING = Expression("''")
NONE_OF = Expression("()")

_NOWHERE = -1


class Language(Protocol):
    """A language of paths. All that take a path raise ValueError, with the reason, for what is none.

    Where an expression stands there are `scope` and `segment` (None in rules of instances made for a group); in a data
    type `node`, the value it is applied to, and in a loop over repetitions `node`, the repetition. `names`: of all else
    that its expressions use. `deletion`: the text that asks that what is known be deleted, "" for none.
    """

    @property
    def names(self) -> Mapping[str, Any]: ...

    @property
    def deletion(self) -> str: ...

    def first(self, home: Home) -> Sequence[tuple[str, str]]:
        """Return the locals that expressions need, each with the line that makes it, in order."""
        ...

    def text(self, path: str, home: Home, known: int = _NOWHERE) -> Expression:
        """Return the text at a path, '' for none, as it stands where it asks for deletion. `known`: the part of which
        it is certain that it is not empty, where the expression stands.
        """
        ...

    def nodes(self, path: str, home: Home, known: int = _NOWHERE) -> Expression:
        """Return the nodes at a path: all repetitions for [*], one or none otherwise."""
        ...

    def count(self, path: str, home: Home) -> Expression:
        """Return the number of repetitions at a path."""
        ...

    def valued(self, path: str, home: Home) -> Expression:
        """Return whether a path says something, and not that it be deleted."""
        ...

    def present(self, number: int, home: Home) -> str:
        """Return whether a part (as `part` numbers it) of what rules are applied to is there."""
        ...

    def text_of(self, node: str) -> str:
        """Return the text of a node that a local stands for."""
        ...

    def deletes(self, node: str) -> str:
        """Return whether a node that a local stands for asks for deletion."""
        ...

    def place_of(self, node: Any) -> str:
        """Return where a node stands in the source, as people and ERR-2 are told."""
        ...

    def part(self, path: str, home: Home) -> tuple[str, int] | None:
        """Return the segment or data type a path begins at, and which of its `fields` it reads: where that is empty a
        rule is not asked. None: it always is.
        """
        ...

    def key(self, name: str) -> str:
        """Return, for a data type whose values recur (codes, authorities, places), so that it pays to remember them, an
        expression of all that decides what `node` becomes, False for a value that is not to be kept; "" for others.
        """
        ...

    def repeats(self, path: str) -> bool:
        """Tell whether a path goes through repetitions."""
        ...

    def converter(self, type_name: str) -> Convert | None:
        """Return what makes a primitive of FHIR of a text; None for a type that is none."""
        ...

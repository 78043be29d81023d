"""What rules read: a source that can be asked for paths, in whatever language its paths are written.

HL7 v2 is one (`exchange/hl7v2/paths.py`: PID-3.4.2); FHIRPath over resources is meant to be another. The rules know
nothing of either: a language compiles the paths of rules to functions, once.

Source: mappings/README.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol


class Node(Protocol):
    """One value in the source: a repetition of a field, a component. `fields`: its parts, false where empty."""

    fields: Sequence[Any]

    @property
    def text(self) -> str:
        """Its text, of the first leaf where it has parts; "" for none."""
        ...

    @property
    def place(self) -> str:
        """Where it stands, as ERR-2 tells it."""
        ...


class Segment(Protocol):
    """What a rule set is applied to. `number`: which of its name; `fields`: false where empty."""

    name: str
    number: int

    @property
    def fields(self) -> Sequence[Any]: ...


@dataclass(slots=True)
class Scope:
    """A group of segments as it occurs. `segments`: its own, by name; `children`: the groups within it."""

    name: str
    parent: Scope | None = None
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
            scope = scope.parent
        return None


# All are asked with the node, the segment and the scope that a rule is applied to; a node only within data types and
# for rules that go through repetitions.
Texts = Callable[[Any, Any, Scope], str]
Nodes = Callable[[Any, Any, Scope], Sequence[Any]]
Count = Callable[[Any, Any, Scope], int]
Convert = Callable[[str], Any]  # None: the text is none of the type


@dataclass(frozen=True, slots=True)
class Home:
    """What the paths of a rule are relative to. `repeated`: the field whose repetitions a rule goes through, so that
    conditions speak of the repetition at hand.
    """

    name: str  # PID, CX; "" for rules of an instance, whose paths name their segments
    kind: Literal["segment", "datatype", "instance"]
    repeated: str = ""


class Language(Protocol):
    """A language of paths. All raise ValueError, with the reason, for what is no path."""

    def text(self, path: str, home: Home) -> Texts:
        """Return what gives the text at a path, "" for none, as it stands where it asks for deletion."""
        ...

    def nodes(self, path: str, home: Home) -> Nodes:
        """Return what gives the nodes at a path: all repetitions for [*], one or none otherwise."""
        ...

    def count(self, path: str, home: Home) -> Count:
        """Return what counts the repetitions at a path."""
        ...

    def part(self, path: str, home: Home) -> tuple[str, int] | None:
        """Return the segment or data type a path begins at, and which of its `fields` it reads: where that is empty a
        rule is not asked. None: it always is.
        """
        ...

    def recurs(self, name: str) -> bool:
        """Tell whether values of a data type recur (codes, authorities, places), so that it pays to remember them;
        their nodes then have a `key` that says all that decides what they become.
        """
        ...

    def repeats(self, path: str) -> bool:
        """Tell whether a path goes through repetitions."""
        ...

    def converter(self, type_name: str) -> Convert | None:
        """Return what makes a primitive of FHIR of a text; None for a type that is none."""
        ...

    def is_deletion(self, text: str) -> bool:
        """Tell whether a text asks that what is known be deleted."""
        ...

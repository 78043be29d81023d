"""The parts of a FHIRPath expression, as the parser finds them.

Source: FHIRPath 2.0 (N1), "Grammar".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Literal_:
    """A value written in the expression: str, bool, int, Decimal, Temporal, Quantity."""

    value: Any
    position: int


@dataclass(frozen=True, slots=True)
class Empty:
    position: int


@dataclass(frozen=True, slots=True)
class This:
    """`$this`, `$index` or `$total`."""

    name: Literal["$this", "$index", "$total"]
    position: int


@dataclass(frozen=True, slots=True)
class Variable:
    """`%name`."""

    name: str
    position: int


@dataclass(frozen=True, slots=True)
class Member:
    """A name; of `of`, or at the beginning of a path where that is None."""

    of: Expression | None
    name: str
    position: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function; of `of`, or at the beginning of a path where that is None."""

    of: Expression | None
    name: str
    arguments: tuple[Expression, ...]
    position: int


@dataclass(frozen=True, slots=True)
class Index:
    of: Expression
    index: Expression
    position: int


@dataclass(frozen=True, slots=True)
class Sign:
    sign: Literal["+", "-"]
    of: Expression
    position: int


@dataclass(frozen=True, slots=True)
class Binary:
    operator: str
    left: Expression
    right: Expression
    position: int


@dataclass(frozen=True, slots=True)
class TypeTest:
    """`is` and `as` as operators."""

    operator: Literal["is", "as"]
    of: Expression
    type: str
    position: int


Expression = Literal_ | Empty | This | Variable | Member | Call | Index | Sign | Binary | TypeTest

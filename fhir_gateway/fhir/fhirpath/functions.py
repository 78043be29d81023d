"""What a function is to the compiler, and the table of all plain ones.

A plain function takes its input and the values of its arguments. Those that evaluate an argument for each item
(`where`, `select` …) are in `criteria.py`.

Source: FHIRPath 2.0 (N1), "Functions"; FHIR R4, FHIRPath, "Additional functions".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from fhir_gateway.fhir.fhirpath.environment import Environment
from fhir_gateway.fhir.fhirpath.model import Model
from fhir_gateway.fhir.fhirpath.nodes import Items

Act = Callable[[Model, Environment, Items, list[Items]], Items]


@dataclass(frozen=True, slots=True)
class Function:
    """`result`: the system type of what it gives ("same": its input's; None: not known before it runs).

    `of`: the type its input must be convertible to, where it is fixed. `one`: whether it takes a single item.
    `ordered`: whether it depends on the order of its input.
    """

    name: str
    act: Act
    least: int = 0
    most: int = 0
    result: str | None = None
    of: Literal["String", "Number", "Boolean"] | None = None
    ordered: bool = False
    many: bool = False  # its result may have several items


class Table(dict[str, Function]):
    """Functions by name; `add` declares one."""

    def add(
        self,
        name: str,
        least: int = 0,
        most: int | None = None,
        result: str | None = None,
        of: Literal["String", "Number", "Boolean"] | None = None,
        ordered: bool = False,
        many: bool = False,
    ) -> Callable[[Act], Act]:
        def declare(act: Act) -> Act:
            self[name] = Function(name, act, least, least if most is None else most, result, of, ordered, many)
            return act

        return declare


def merged(*tables: Mapping[str, Function]) -> Mapping[str, Function]:
    return {name: function for table in tables for name, function in table.items()}

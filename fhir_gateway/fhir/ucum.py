"""Units of measure: which codes there are, and amounts converted between those of one dimension.

The case-sensitive notation: products, quotients, powers, metric prefixes, annotations, arbitrary units. Units with an
offset or a logarithm (Cel, [degF], [pH]) are known, and never converted.

Source: The Unified Code for Units of Measure (UCUM), version 2.1, "Grammar of Units and Unit Terms".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache

from fhir_gateway.fhir.ucum_units import (
    ARBITRARY,
    ARBITRARY_METRIC,
    BASE,
    METRIC,
    OTHERS,
    PREFIXES,
    SPECIAL,
    SPECIAL_METRIC,
)

SYSTEM = "http://unitsofmeasure.org"

Dimension = tuple[tuple[str, int], ...]  # base units with their powers
Unit = tuple[Decimal, dict[str, int]]

_LONGEST = 256  # characters of a code; beyond it nobody means a unit
_HIGHEST = 999  # power
_COMPONENT = re.compile(
    r"(?P<mark>[()./])|(?P<annotation>\{[ -z|~]*\})"
    r"|(?P<term>(?:\[[!-Z\\^-z|~]*\]|[!#-'*+,:;<>?@A-Z\\^_`a-z|~0-9-])+)"
)
_POWER = re.compile(r"(?P<atom>.*?[^+\-\d]|10[*^])(?P<power>[+-]?\d+)?")


class _Unknown(LookupError):
    """A code that is none of UCUM's."""


class _NotConverted(LookupError):
    """A code of UCUM's that has no factor."""


def converted(value: Decimal, from_unit: str, to_unit: str) -> Decimal | None:
    """Return an amount in another unit; None when a code is not known here, or they do not measure the same."""
    if from_unit == to_unit:
        return value
    one, other = _canonical(from_unit), _canonical(to_unit)
    if one is None or other is None or one[1] != other[1]:
        return None
    return value * one[0] / other[0]


def canonical(value: Decimal, unit: str) -> tuple[Decimal, Dimension] | None:
    """Return an amount in base units and its dimension; None when the code has no factor or is none of UCUM's."""
    found = _canonical(unit)
    return None if found is None else (value * found[0], found[1])


@lru_cache(4096)
def is_unit(code: str) -> bool:
    """Tell whether a code follows UCUM's grammar and names units that there are."""
    try:
        _Reader(code).read()
    except _NotConverted:
        return True
    except (LookupError, ArithmeticError):
        return False
    return True


def product(one: str, other: str) -> str:
    """Return the code of the product of two units."""
    return other if one in ("1", "") else one if other in ("1", "") else f"{one}.{other}"


@lru_cache(4096)
def _canonical(code: str) -> tuple[Decimal, Dimension] | None:
    try:
        factor, powers = _Reader(code).read()
    except (LookupError, ArithmeticError):
        return None
    return factor, tuple(sorted((unit, power) for unit, power in powers.items() if power))


class _Reader:
    """Reads one code. Raises: _Unknown; _NotConverted when all is read and a unit in it has no factor."""

    def __init__(self, code: str) -> None:
        if not code or len(code) > _LONGEST:
            raise _Unknown(code)
        self.parts: list[re.Match[str]] = []
        self.special = False
        place = 0
        while place < len(code):
            match = _COMPONENT.match(code, place)
            if match is None:
                raise _Unknown(code)
            self.parts.append(match)
            place = match.end()
        self.place = 0

    def read(self) -> Unit:
        found = self._term()
        if self.place != len(self.parts):
            raise _Unknown
        if self.special:
            raise _NotConverted
        return found

    def _term(self) -> Unit:
        factor, powers = Decimal(1), dict[str, int]()
        sign = -1 if self._mark("/") else 1
        while True:
            one, its = self._component()
            factor = factor * one if sign > 0 else factor / one
            for unit, power in its.items():
                powers[unit] = powers.get(unit, 0) + sign * power
            if self._mark("."):
                sign = 1
            elif self._mark("/"):
                sign = -1
            else:
                return factor, powers

    def _next(self, kind: str) -> str | None:
        if self.place < len(self.parts) and self.parts[self.place].lastgroup == kind:
            self.place += 1
            return self.parts[self.place - 1].group()
        return None

    def _mark(self, mark: str) -> bool:
        if self.place < len(self.parts) and self.parts[self.place]["mark"] == mark:
            self.place += 1
            return True
        return False

    def _component(self) -> Unit:
        if self._mark("("):
            inner = self._term()
            if not self._mark(")"):
                raise _Unknown
            self._next("annotation")
            return inner
        if self._next("annotation") is not None:
            return Decimal(1), {}
        term = self._next("term")
        if term is None:
            raise _Unknown
        found = (Decimal(term), dict[str, int]()) if term.isdigit() else self._unit(term)
        if not found[0]:
            raise _Unknown(term)
        self._next("annotation")
        return found

    def _unit(self, term: str) -> Unit:
        match = _POWER.fullmatch(term)
        if match is None:
            raise _Unknown(term)
        power = int(match["power"] or 1)
        if abs(power) > _HIGHEST:
            raise _Unknown(term)
        factor, powers, special = _of_atom(match["atom"])
        self.special |= special
        return factor**power, {unit: its * power for unit, its in powers.items()}


@lru_cache(2048)
def _of_atom(atom: str) -> tuple[Decimal, dict[str, int], bool]:
    """Return what a unit with or without prefix is in base units, and whether it has no factor."""
    found = _plain(atom, OTHERS, ARBITRARY, SPECIAL) or _metric(atom)
    if found is not None:
        return found
    for length in (2, 1):
        scale = PREFIXES.get(atom[:length])
        metric = _metric(atom[length:]) if scale is not None else None
        if scale is not None and metric is not None:
            return metric[0] * scale, metric[1], metric[2]
    raise _Unknown(atom)


def _metric(atom: str) -> tuple[Decimal, dict[str, int], bool] | None:
    if atom in BASE:
        return Decimal(1), {atom: 1}, False
    return _plain("[iU]" if atom == "[IU]" else atom, METRIC, ARBITRARY_METRIC, SPECIAL_METRIC)


def _plain(
    atom: str, table: Mapping[str, tuple[str, str]], arbitrary: frozenset[str], special: frozenset[str]
) -> tuple[Decimal, dict[str, int], bool] | None:
    if atom in table:
        amount, unit = table[atom]
        factor, powers = _Reader(unit).read()
        return Decimal(amount) * factor, powers, False
    if atom in arbitrary:
        return Decimal(1), {atom: 1}, False
    return (Decimal(1), {}, True) if atom in special else None

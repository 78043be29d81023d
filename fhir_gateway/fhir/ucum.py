"""Units of measure: amounts converted between UCUM codes of one dimension.

Multiplicative units in the case-sensitive notation, products, quotients, powers, metric prefixes, annotations; not
those with an offset or a logarithm (Cel, [degF], [pH]).

Source: The Unified Code for Units of Measure (UCUM), version 2.1.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

Dimension = tuple[tuple[str, int], ...]  # base units with their powers
Unit = tuple[Decimal, dict[str, int]]

_PREFIXES = {
    "Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "da": 1, "d": -1, "c": -2, "m": -3,
    "u": -6, "n": -9, "p": -12, "f": -15, "a": -18, "z": -21, "y": -24,
}  # fmt: skip
_PI = Decimal("3.1415926535897932384626433832795028841971693993751058209749445923")
# Code: how many of which other units it is; the base units are themselves.
_METRIC = {
    "m": ("1", ""), "s": ("1", ""), "g": ("1", ""), "rad": ("1", ""), "K": ("1", ""), "C": ("1", ""), "cd": ("1", ""),
    "mol": ("6.0221367", "10*23"), "sr": ("1", "rad2"), "Hz": ("1", "s-1"), "N": ("1", "kg.m/s2"),
    "Pa": ("1", "N/m2"), "J": ("1", "N.m"), "W": ("1", "J/s"), "A": ("1", "C/s"), "V": ("1", "J/C"),
    "F": ("1", "C/V"), "Ohm": ("1", "V/A"), "S": ("1", "Ohm-1"), "Wb": ("1", "V.s"), "T": ("1", "Wb/m2"),
    "H": ("1", "Wb/A"), "lm": ("1", "cd.sr"), "lx": ("1", "lm/m2"), "Bq": ("1", "s-1"), "Gy": ("1", "J/kg"),
    "Sv": ("1", "J/kg"), "l": ("1", "dm3"), "L": ("1", "l"), "ar": ("100", "m2"), "t": ("1000", "kg"),
    "bar": ("100000", "Pa"), "u": ("1.6605402", "10*-24.g"), "eV": ("1.60217733", "10*-19.J"), "cal": ("4.184", "J"),
    "eq": ("1", "mol"), "osm": ("1", "mol"), "kat": ("1", "mol/s"), "U": ("1", "umol/min"),
    "[iU]": ("1", ""), "[IU]": ("1", "[iU]"), "Ci": ("37000000000", "Bq"), "st": ("1", "m3"),
    "m[Hg]": ("133.322", "kPa"), "m[H2O]": ("9.80665", "kPa"), "B": ("1", ""), "bit": ("1", ""),
    "By": ("8", "bit"), "tex": ("1", "g/km"),
}  # fmt: skip
_PLAIN = {
    "10*": ("10", ""), "10^": ("10", ""), "%": ("0.01", ""), "[ppth]": ("0.001", ""), "[ppm]": ("0.000001", ""),
    "[ppb]": ("0.000000001", ""), "[pi]": (str(_PI), ""), "deg": ("2", "[pi].rad/360"), "min": ("60", "s"),
    "h": ("60", "min"), "d": ("24", "h"), "wk": ("7", "d"), "a": ("365.25", "d"), "a_j": ("365.25", "d"),
    "a_g": ("365.2425", "d"), "mo": ("30.4375", "d"), "[in_i]": ("2.54", "cm"), "[ft_i]": ("12", "[in_i]"),
    "[yd_i]": ("3", "[ft_i]"), "[mi_i]": ("5280", "[ft_i]"), "[mi_us]": ("1609.347218694438", "m"),
    "[nmi_i]": ("1852", "m"), "[gr]": ("64.79891", "mg"), "[lb_av]": ("7000", "[gr]"), "[oz_av]": ("437.5", "[gr]"),
    "[stone_av]": ("14", "[lb_av]"), "[gal_us]": ("231", "[in_i]3"), "[qt_us]": ("0.25", "[gal_us]"),
    "[pt_us]": ("0.5", "[qt_us]"), "[foz_us]": ("0.0625", "[pt_us]"), "[cup_us]": ("16", "[tbs_us]"),
    "[tbs_us]": ("0.5", "[foz_us]"), "[tsp_us]": ("0.3333333333333333333333333333", "[tbs_us]"),
    "[drp]": ("0.05", "ml"), "[in_i'Hg]": ("25.4", "mm[Hg]"), "atm": ("101325", "Pa"), "dyn": ("0.00001", "N"),
    "erg": ("0.0000001", "J"), "[Cal]": ("1", "kcal"), "[cin_i]": ("1", "[in_i]3"), "[sin_i]": ("1", "[in_i]2"),
    "[arb'U]": ("1", "[arb'U]"), "[bp]": ("1", "[bp]"), "{cells}": ("1", ""),
}  # fmt: skip
# Units with an offset or a logarithm: known, and never converted.
SPECIAL = frozenset(
    {"Cel", "mCel", "[degF]", "[degRe]", "[pH]", "[p'diop]", "Np", "B", "B[SPL]", "B[V]", "B[W]", "dB", "bit_s",
     "[hp'_X]", "[hp'_C]", "[m/s2/Hz^0.5]"}
)  # fmt: skip
_BASE = frozenset({"m", "s", "g", "rad", "K", "C", "cd", "[iU]", "B", "bit", "[arb'U]", "[bp]"})
_COMPONENT = re.compile(r"(\(|\)|\.|/)|((?:\[[^\]]*\]|[A-Za-z%_^*'\"]|10\*|10\^)+)([+-]?\d+)?|(\d+)|(\{[^}]*\})")


def converted(value: Decimal, from_unit: str, to_unit: str) -> Decimal | None:
    """Return an amount in another unit; None when a code is not known here, or they do not measure the same."""
    if from_unit == to_unit:
        return value
    one, other = _canonical(from_unit), _canonical(to_unit)
    if one is None or other is None or one[1] != other[1]:
        return None
    return value * one[0] / other[0]


def canonical(value: Decimal, unit: str) -> tuple[Decimal, Dimension] | None:
    """Return an amount in base units and its dimension; None when the code is not known here."""
    found = _canonical(unit)
    return None if found is None else (value * found[0], found[1])


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
    """Reads one code. LookupError: it is not understood."""

    def __init__(self, code: str) -> None:
        self.parts: list[re.Match[str]] = []
        place = 0
        while place < len(code):
            match = _COMPONENT.match(code, place)
            if match is None:
                raise LookupError(code)
            self.parts.append(match)
            place = match.end()
        self.place = 0

    def read(self) -> Unit:
        found = self._term()
        if self.place != len(self.parts):
            raise LookupError
        return found

    def _term(self) -> Unit:
        factor, powers = Decimal(1), dict[str, int]()
        sign = 1
        if self._mark("/"):
            sign = -1
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

    def _mark(self, mark: str) -> bool:
        if self.place < len(self.parts) and self.parts[self.place][1] == mark:
            self.place += 1
            return True
        return False

    def _component(self) -> Unit:
        if self._mark("("):
            inner = self._term()
            if not self._mark(")"):
                raise LookupError
            return inner
        if self.place >= len(self.parts):
            raise LookupError
        match = self.parts[self.place]
        self.place += 1
        if match[5] is not None:
            return Decimal(1), {}
        if match[4] is not None:
            return Decimal(match[4]), {}
        if match[2] is None:
            raise LookupError
        found = _of_atom(match[2])
        power = int(match[3]) if match[3] else 1
        if self.place < len(self.parts) and self.parts[self.place][5] is not None:
            self.place += 1
        return found[0] ** power, {unit: its * power for unit, its in found[1].items()}


@lru_cache(1024)
def _of_atom(atom: str) -> Unit:
    if atom in _BASE:
        return Decimal(1), {atom: 1}
    definition = _PLAIN.get(atom) or _METRIC.get(atom)
    if definition is not None:
        return _defined(*definition)
    for length in (2, 1):
        prefix, rest = atom[:length], atom[length:]
        if prefix in _PREFIXES and rest in _METRIC:
            scale = Decimal(10) ** _PREFIXES[prefix]
            factor, powers = _of_atom(rest)
            return factor * scale, powers
    raise LookupError(atom)


def _defined(amount: str, unit: str) -> Unit:
    factor, powers = _Reader(unit).read() if unit else (Decimal(1), {})
    return Decimal(amount) * factor, powers

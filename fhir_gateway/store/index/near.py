"""Positions: which locations lie within a distance of a place.

Row (pid, h, lo, hi, h2) in i_comp: the position as a vector from the centre of a sphere of radius 1. h is 0, lo is its
z (the sine of the latitude), hi its x, h2 its y times 10^15. Two places lie within a distance when the straight line
between them is no longer than that of the distance; so the poles and the date line are places like any other, and the
database only adds and multiplies. The rows of a band of latitudes are looked at.

The Earth is taken as a sphere of its mean radius, which errs by half a percent at most.

Source: FHIR R4, Location, "near": [latitude]|[longitude]|[distance]|[units]; "If the units are omitted, then kms should
be assumed. If the distance is omitted, then the server can use its own discretion". UCUM, units of length.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import cos, inf, pi, radians, sin
from typing import Any

from fhir_gateway.conformance.search_parameter import SearchParameter
from fhir_gateway.fhir.outcome import InvalidRequest
from fhir_gateway.store.index import complaints
from fhir_gateway.store.index.condition import Answered, Asked, Condition, Scan, for_each, refuse_modifier
from fhir_gateway.store.index.rows import Rows, Take
from fhir_gateway.store.index.syntax import split, unescape

EARTH_RADIUS = 6_371_008.8  # m, the mean radius of IUGG
NEAR = 50_000.0  # m, where a query names no distance
METRES = {
    "km": 1000.0,
    "m": 1.0,
    "cm": 0.01,
    "[mi_i]": 1609.344,
    "[mi_us]": 1609.347218694,
    "[nmi_i]": 1852.0,
    "[ft_i]": 0.3048,
    "[yd_i]": 0.9144,
}
_SCALE = 1e15  # of h2: a double of up to 1 has no digit beyond
_UNSCALE = 1e-15
_SLACK = 1e-12  # of the band, which rounding must not narrow; the exact test follows
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")

_CLOSE = "({lo} - ?) * ({lo} - ?) + ({hi} - ?) * ({hi} - ?) + ({h2} * ? - ?) * ({h2} * ? - ?) <= ?"  # squared chord

Vector = tuple[float, float, int]  # z, x and scaled y


def indexed(parameter: SearchParameter) -> bool:
    """Tell whether a special parameter is this one."""
    return parameter.code == "near" and parameter.base == "Location"


def vector(latitude: float, longitude: float) -> Vector:
    """Return a position, in degrees, as its row has it."""
    north, east = radians(latitude), radians(longitude)
    return sin(north), cos(north) * cos(east), round(cos(north) * sin(east) * _SCALE)


def take(pid: int) -> Take:
    """Return what appends the rows of positions; those that lie nowhere on Earth have none."""

    def append(values: list[Any], rows: Rows) -> None:
        for position in values:
            place = _place(position)
            if place is not None:
                z, x, y = vector(*place)
                rows.comp.append((pid, 0, z, x, y))

    return append


def _place(position: Mapping[str, Any]) -> tuple[float, float] | None:
    if "latitude" not in position or "longitude" not in position:
        return None
    return _on_earth(float(position["latitude"]), float(position["longitude"]))


def _on_earth(latitude: float, longitude: float) -> tuple[float, float] | None:
    return (latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None


def ask(asked: Asked) -> Answered:
    """Return the conditions of `near`: latitude|longitude[|distance[|units]], 50 km where no distance is named.

    Raises: InvalidRequest for a value that is no position, a negative distance, or a unit that is not known.
    """
    refuse_modifier(asked, "special")
    return Answered("i_comp", tuple(for_each(asked.values, lambda value: _condition(asked, value))))


def _condition(asked: Asked, value: str) -> Condition:
    parts = [unescape(part) for part in split(value, "|")]
    issue = complaints.POSITION_MALFORMED.at(name=asked.name, value=value, units=", ".join(METRES))
    latitude, longitude, distance, unit = (*parts, *[""] * (4 - len(parts))) if 2 <= len(parts) <= 4 else [""] * 4
    if not all(map(_NUMBER.fullmatch, (latitude, longitude, distance or "0"))) or (unit or "km") not in METRES:
        raise InvalidRequest(issue)
    place = _on_earth(float(latitude), float(longitude))
    metres = float(distance) * METRES[unit or "km"] if distance else NEAR
    if place is None or metres < 0:
        raise InvalidRequest(issue)
    return within(*place, metres)


def within(latitude: float, longitude: float, metres: float) -> Condition:
    """Return the condition that a position lies within a distance of a place."""
    z, x, scaled_y = vector(latitude, longitude)
    y = scaled_y * _UNSCALE
    angle = metres / EARTH_RADIUS
    # Half around the Earth and more is everywhere.
    chord = 4 * sin(angle / 2) ** 2 if angle < pi else inf
    north, south = radians(latitude) + angle, radians(latitude) - angle
    lowest = sin(south) - _SLACK if south > -pi / 2 else -1.0
    highest = sin(north) + _SLACK if north < pi / 2 else 1.0
    values = (z, z, x, x, _UNSCALE, y, _UNSCALE, y, chord)
    band = Scan(f"{{h}} = 0 AND {{lo}} >= ? AND {{lo}} <= ? AND {_CLOSE}", (lowest, highest, *values))
    return Condition(_CLOSE, values, (band,))

"""Positions as vectors, and the test whether one lies within a distance of a place.

Source: FHIR R4, Location, "near".
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fhir_gateway.fhir.outcome import InvalidRequest
from fhir_gateway.store.index import near
from fhir_gateway.store.index.condition import Asked
from fhir_gateway.store.index.rows import Rows
from tests.store.search.rows import holds

LATITUDES = st.floats(-90, 90)
LONGITUDES = st.floats(-180, 180)


def metres(here: tuple[float, float], there: tuple[float, float]) -> float:
    """Return the distance of two positions on the sphere, by the haversine formula."""
    (south, west), (north, east) = (tuple(map(math.radians, each)) for each in (here, there))
    half = math.sin((north - south) / 2) ** 2
    half += math.cos(south) * math.cos(north) * math.sin((east - west) / 2) ** 2
    return 2 * near.EARTH_RADIUS * math.asin(min(1.0, math.sqrt(half)))


def row(place: tuple[float, float]) -> dict[str, float]:
    z, x, y = near.vector(*place)
    return {"h": 0, "lo": z, "hi": x, "h2": y}


def is_within(place: tuple[float, float], of: tuple[float, float], distance: float) -> bool:
    """Tell whether a place is found, by the test and by the one range of the key, which must agree."""
    asked = near.within(*of, distance)
    (scan,) = asked.scans
    found = holds(asked.where, asked.values, row(place))
    assert holds(scan.where, scan.values, row(place)) is found
    return found


@given(LATITUDES, LONGITUDES, LATITUDES, LONGITUDES, st.floats(0, 25_000_000))
def test_a_place_is_found_when_it_lies_within_the_distance(
    latitude: float, longitude: float, north: float, east: float, distance: float
) -> None:
    apart = metres((latitude, longitude), (north, east))
    # Near the far side of the Earth the straight line hardly grows any more.
    assume(abs(apart - distance) > (1.0 if apart < 19_000_000 else 2_000.0))
    assert is_within((latitude, longitude), (north, east), distance) is (apart < distance)


@given(LATITUDES, LONGITUDES, st.floats(0.001, 1000), st.floats(0, 2 * math.pi))
def test_places_a_few_metres_apart_are_told_apart(
    latitude: float, longitude: float, distance: float, direction: float
) -> None:
    assume(abs(latitude) < 89)
    north = latitude + math.degrees(distance / near.EARTH_RADIUS) * math.cos(direction)
    east = longitude + math.degrees(distance / near.EARTH_RADIUS) * math.sin(direction) / math.cos(
        math.radians(latitude)
    )
    apart = metres((latitude, longitude), (north, east))
    assert is_within((north, east), (latitude, longitude), apart * 1.001 + 1e-6)
    assert not is_within((north, east), (latitude, longitude), apart * 0.999 - 1e-6)


@given(LATITUDES, LONGITUDES)
def test_a_place_lies_at_no_distance_from_itself(latitude: float, longitude: float) -> None:
    assert is_within((latitude, longitude), (latitude, longitude), 0)


@pytest.mark.parametrize(
    ("place", "of", "distance", "found"),
    [
        ((10, 179.9), (10, -179.9), 22_000, True),  # across the date line: 21.9 km
        ((10, 179.9), (10, -179.9), 21_800, False),
        ((89.9, 0), (89.9, 180), 22_300, True),  # across the pole: 22.2 km
        ((89.9, 0), (89.9, 180), 22_200, False),
        ((-90, 12), (-90, -77), 0.001, True),  # one pole has all longitudes
        ((90, 0), (-90, 0), 20_016_000, True),  # the other side of the Earth
        ((90, 0), (-90, 0), 20_010_000, False),
        ((48.8566, 2.3522), (45.764, 4.8357), 393_000, True),  # Paris and Lyon: 391.5 km
        ((48.8566, 2.3522), (45.764, 4.8357), 390_000, False),
    ],
)
def test_poles_and_the_date_line_are_places_like_any_other(
    place: tuple[float, float], of: tuple[float, float], distance: float, found: bool
) -> None:
    assert is_within(place, of, distance) is found


def rows_of(*positions: dict[str, Any]) -> list[tuple[Any, ...]]:
    rows = Rows()
    near.take(9)(list(positions), rows)
    return rows.comp


def test_a_position_has_one_row_and_what_lies_nowhere_on_earth_has_none() -> None:
    paris = {"latitude": Decimal("48.8566"), "longitude": Decimal("2.3522"), "altitude": Decimal(35)}
    assert rows_of(paris) == [(9, 0, *near.vector(48.8566, 2.3522))]
    assert rows_of({"latitude": Decimal(91), "longitude": Decimal(0)}, {"latitude": Decimal(1)}) == []
    assert rows_of({"latitude": Decimal("1e400"), "longitude": Decimal("-1e400")}) == []


@pytest.mark.parametrize(
    ("value", "distance"),
    [
        ("48.85|2.35", 50_000),  # "the server can use its own discretion": 50 km
        ("48.85|2.35|", 50_000),
        ("48.85|2.35||km", 50_000),
        ("48.85|2.35|3", 3_000),  # "If the units are omitted, then kms should be assumed"
        ("48.85|2.35|3|", 3_000),
        ("48.85|2.35|3|km", 3_000),
        ("48.85|2.35|3|m", 3),
        ("48.85|2.35|1.5e1|[mi_us]", 24_140.208280410),
    ],
)
def test_a_distance_may_be_left_out_and_is_in_kilometres_unless_said(value: str, distance: float) -> None:
    (answered,) = near.ask(Asked("near", (value,))).conditions
    assert answered.values == pytest.approx(near.within(48.85, 2.35, distance).values)


def test_several_places_are_alternatives() -> None:
    asked = near.ask(Asked("near", ("48.85|2.35", "45.76|4.83|10")))
    assert asked.table == "i_comp"
    assert len(asked.conditions) == 2


@pytest.mark.parametrize(
    "value",
    ["48.85", "48.85|", "x|2", "91|0", "0|181", "0|0|-1", "0|0|1|furlong", "0|0|1|km|x", "nan|0", "0|inf", "", "|||"],
)
def test_what_is_no_position_is_refused(value: str) -> None:
    with pytest.raises(InvalidRequest, match="search-position-malformed"):
        near.ask(Asked("near", (value,)))


def test_a_position_has_no_modifier() -> None:
    with pytest.raises(InvalidRequest, match="search-modifier-unsupported"):
        near.ask(Asked("near", ("0|0",), "exact"))

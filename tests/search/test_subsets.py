"""`_summary` and `_elements` leave what the definitions say, mark it as a part, and change nothing in it.

Source: FHIR R4, Search, "Summary" and "Elements"; Resource, "meta.tag" (SUBSETTED).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from fhir_gateway.fhir.json import decode
from tests.search.conftest import each_engine
from tests.search.definitions import elements
from tests.search.filled import Filled

SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
ALWAYS = {"resourceType", "id", "meta"}
SAMPLES = (
    "Patient/index", "Observation/bp2", "ServiceRequest/order", "DiagnosticReport/report", "Encounter/consult",
    "Condition/onset-age", "List/cohort", "ValueSet/vs8", "Group/family", "DocumentReference/consent-scan",
)  # fmt: skip
both = pytest.mark.parametrize("house", each_engine(), indirect=True)


@cache
def top(type: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the elements of a resource type by name, a choice without its [x]."""
    found = {path: each for path, each in elements().items() if path.startswith(f"{type}.") and path.count(".") == 1}
    return {path.partition(".")[2].removesuffix("[x]"): each for path, each in found.items()}


def definition(type: str, property: str) -> Mapping[str, Any]:
    """Return the element that a JSON property belongs to."""
    name = property.removeprefix("_")
    known = top(type)
    return known[name] if name in known else next(known[each] for each in known if name.startswith(each))


def stored(house: Filled, name: str) -> Any:
    return house.reference.stored[tuple(name.split("/"))]  # type: ignore[index]


def searched(house: Filled, name: str, wish: str) -> Any:
    """Return a resource as a search with a wish shows it."""
    type, id = name.split("/")
    body = house.desk.ask("GET", f"{type}?_id={id}&{wish}").body
    (entry,) = decode(body or b"")["entry"]
    return entry["resource"]


def is_part(shown: Any, whole: Any) -> bool:
    """Tell whether a tree is another one with elements left out."""
    if isinstance(whole, Mapping):
        return isinstance(shown, Mapping) and all(name in whole and is_part(shown[name], whole[name]) for name in shown)
    if isinstance(whole, list):
        return isinstance(shown, list) and len(shown) == len(whole) and all(map(is_part, shown, whole))
    return str(shown) == str(whole)


def checked(house: Filled, name: str, wish: str) -> set[str]:
    """Return the properties that are shown, once it is seen that they are a part of what is stored, and marked so."""
    shown, whole = searched(house, name, wish), stored(house, name)
    assert SUBSETTED in shown["meta"]["tag"]
    rest = {**shown, "meta": {**shown["meta"], "tag": [tag for tag in shown["meta"]["tag"] if tag != SUBSETTED]}}
    if "tag" not in whole["meta"]:
        del rest["meta"]["tag"]
    assert is_part(rest, whole)
    return set(shown)


@both
@pytest.mark.parametrize("name", SAMPLES)
def test_a_summary_has_the_elements_marked_as_summary(house: Filled, name: str) -> None:
    type, whole = name.split("/")[0], stored(house, name)
    expected = {each for each in whole if each in ALWAYS or definition(type, each).get("isSummary")}
    assert checked(house, name, "_summary=true") == expected


@both
@pytest.mark.parametrize("name", SAMPLES)
def test_a_text_summary_has_the_text_and_what_is_mandatory(house: Filled, name: str) -> None:
    type, whole = name.split("/")[0], stored(house, name)
    expected = {each for each in whole if each in ALWAYS | {"text"} or definition(type, each)["min"] > 0}
    assert checked(house, name, "_summary=text") == expected


@both
@pytest.mark.parametrize("name", SAMPLES)
def test_a_data_summary_has_all_but_the_text(house: Filled, name: str) -> None:
    assert checked(house, name, "_summary=data") == set(stored(house, name)) - {"text"}


@both
@pytest.mark.parametrize("name", SAMPLES)
def test_a_false_summary_has_everything_and_no_mark(house: Filled, name: str) -> None:
    shown = searched(house, name, "_summary=false")
    assert set(shown) == set(stored(house, name))
    assert SUBSETTED not in shown["meta"].get("tag", ())


@both
@pytest.mark.parametrize(
    ("name", "wish"),
    [
        ("Patient/index", "birthDate,name"),
        ("Patient/index", "gender"),
        ("Observation/bp2", "subject"),
        ("Observation/kg70", "effective,value"),
        ("ServiceRequest/order", "code,subject"),
        ("Group/family", "name"),
    ],
)
def test_elements_asked_for_come_with_those_that_are_mandatory_or_modify(house: Filled, name: str, wish: str) -> None:
    type, whole = name.split("/")[0], stored(house, name)
    names = set(wish.split(","))
    expected = set()
    for each in whole:
        element = definition(type, each) if each not in ALWAYS else {}
        own = element.get("path", "").partition(".")[2].removesuffix("[x]")
        if each in ALWAYS or own in names or element.get("min", 0) > 0 or element.get("isModifier"):
            expected.add(each)
    assert checked(house, name, f"_elements={wish}") == expected

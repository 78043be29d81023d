"""What tokens are found by beside their codes: their texts, and strings without case.

Source: FHIR R4, Search, "token" and "Modifiers".
"""

from __future__ import annotations

from typing import Any

import pytest

from fhir_gateway.fhir.outcome import InvalidRequest
from fhir_gateway.store.index import token
from fhir_gateway.store.index.condition import Asked, Keys
from fhir_gateway.store.index.hashing import h64
from fhir_gateway.store.index.rows import Rows

GLUCOSE = {
    "coding": [
        {"system": "http://loinc.org", "code": "15074-8", "display": "Glucose [Moles/volume] in Blood"},
        {"system": "urn:local", "code": "gluc", "display": "Glycémie"},
    ],
    "text": "Glycémie",
}


def rows_of(type: str, *values: Any) -> Rows:
    rows, take = Rows(), token.take(3, type)
    assert take is not None
    take(list(values), rows)
    return rows


def texts(type: str, *values: Any) -> list[str]:
    index, _ = rows_of(type, *values).sealed()
    rows = index.get("i_str", ())
    assert all((pid, x) == (3, 0) for pid, _, x in rows)
    return [v for _, v, _ in rows]


def test_a_concept_is_searched_by_its_text_and_the_displays_of_its_codings_each_once() -> None:
    assert texts("CodeableConcept", GLUCOSE) == ["glucose moles volume in blood", "glycemie"]
    assert texts("CodeableConcept", {"text": "Glycémie"}, {"text": "GLYCEMIE"}) == ["glycemie"]


def test_a_coding_is_searched_by_its_display() -> None:
    assert texts("Coding", {"code": "a", "display": "Été"}, {"code": "b"}) == ["ete"]


def test_an_identifier_is_searched_by_the_text_of_its_type() -> None:
    identifier = {"value": "1", "type": {"text": "NIR", "coding": [{"code": "NI", "display": "National identifier"}]}}
    assert texts("Identifier", identifier, {"value": "2"}) == ["national identifier", "nir"]


@pytest.mark.parametrize("type", ["code", "boolean", "string", "ContactPoint", "id"])
def test_what_has_no_text_has_no_row_for_one(type: str) -> None:
    value: Any = {"value": "x"} if type == "ContactPoint" else True if type == "boolean" else "x"
    assert texts(type, value) == []
    with pytest.raises(InvalidRequest, match="search-modifier-unsupported"):
        token.ask(Asked("code:text", ("x",), "text"), {type})


def test_a_text_is_compared_from_its_beginning_as_a_string_is() -> None:
    answered = token.ask(Asked("code:text", ("Glyc", "Été"), "text"), {"CodeableConcept"})
    assert answered.table == "i_str"
    assert [condition.values[0] for condition in answered.conditions] == ["glyc", "ete"]


def keys_asked(value: str, *types: str) -> set[int]:
    (condition,) = token.ask(Asked("code", (value,)), types).conditions
    (values,) = condition.values
    return set(values) if isinstance(values, Keys) else {values}  # type: ignore[arg-type]


def found(value: str, *types: str, rows: Rows) -> bool:
    return bool(keys_asked(value, *types) & {h for _, h, _ in rows.token})


# "If the underlying data type is string then the search is not case sensitive."
def test_a_string_is_found_without_case_and_a_code_with_it() -> None:
    version = rows_of("string", "1.0-Beta")
    assert found("1.0-beta", "string", rows=version)
    assert found("1.0-BETA", "string", rows=version)
    assert not found("1.0", "string", rows=version)
    code = rows_of("code", "Beta")
    assert found("Beta", "code", "string", rows=code)
    assert not found("beta", "code", "string", rows=code)


def test_a_value_without_system_cannot_be_asked_with_one() -> None:
    for type in ("ContactPoint", "uri", "boolean"):
        with pytest.raises(InvalidRequest, match=r"search-(token-without-system|boolean-malformed)"):
            token.ask(Asked("phone", ("phone|555",)), {type})
    assert keys_asked(r"a\|b", "ContactPoint") == {h64("a\\|b")}
    assert len(keys_asked("urn:s|a", "uri", "Coding")) == 1

"""Number and quantity parameters.

Source: FHIR R4, Search, "number", "quantity", "Prefixes".
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.fhir.number import Number
from fhir_gateway.store.index import number
from fhir_gateway.store.index.condition import Asked
from fhir_gateway.store.index.syntax import PREFIXES, Prefix
from tests.store.search.library import Library, refusals
from tests.store.search.rows import holds

UCUM = "http://unitsofmeasure.org"
PROBABILITIES = {"p100": "100", "p99.6": "99.6", "p100.4": "100.4", "p100.5": "100.5", "p60": "60", "p5": "5.40"}


def quantity(value: str, unit: str | None = None, **properties: str) -> dict[str, object]:
    coded = {} if unit is None else {"unit": unit, "system": UCUM, "code": unit}
    return {"value": Number(value), **coded, **properties}


QUANTITIES = {
    "five-mg": quantity("5.4", "mg"),
    "five-g": quantity("5.4", "g"),
    "human": {"value": Number("5.40"), "unit": "mg"},
    "unitless": quantity("7"),
    "below": quantity("5", "mg", comparator="<"),
    "above": quantity("90", "mg", comparator=">="),
}


@pytest.fixture(scope="module", autouse=True)
def _filled(library: Library) -> None:
    library.put(
        *(
            {"resourceType": "RiskAssessment", "id": id, "prediction": [{"probabilityDecimal": Number(text)}]}
            for id, text in PROBABILITIES.items()
        ),
        {
            "resourceType": "RiskAssessment",
            "id": "none",
            "prediction": [{"qualitativeRisk": {"text": "low"}}],
        },
        *({"resourceType": "Observation", "id": id, "valueQuantity": value} for id, value in QUANTITIES.items()),
        {
            "resourceType": "Condition",
            "id": "range",
            "subject": {"display": "x"},
            "onsetRange": {"low": quantity("10", "a"), "high": quantity("20", "a")},
        },
        {"resourceType": "Condition", "id": "age", "subject": {"display": "x"}, "onsetAge": quantity("15", "a")},
        {
            "resourceType": "Condition",
            "id": "open",
            "subject": {"display": "x"},
            "onsetRange": {"low": quantity("30", "a")},
        },
        {"resourceType": "Invoice", "id": "invoice", "totalNet": {"value": Number("12.50"), "currency": "EUR"}},
    )


@pytest.mark.parametrize(
    ("query", "found"),
    [
        # "Values that equal 100, to 3 significant figures precision: … [99.5 ... 100.5)"
        ("100", {"p100", "p99.6", "p100.4"}),
        # "to 5 significant figures precision: … [99.995 ... 100.005)"
        ("100.00", {"p100"}),
        # "to 1 significant figures precision: … [95 ... 105)"
        ("1e2", {"p100", "p99.6", "p100.4", "p100.5"}),
        ("1.0e2", {"p100", "p99.6", "p100.4", "p100.5"}),
        # "100 and 1.00e2 both have the same number of significant digits"
        ("1.00e2", {"p100", "p99.6", "p100.4"}),
        ("ne100", {"p100.5", "p60", "p5"}),
        # "the implicit precision of the number is ignored"
        ("gt100", {"p100.4", "p100.5"}),
        ("ge100", {"p100", "p100.4", "p100.5"}),
        ("lt100", {"p99.6", "p60", "p5"}),
        ("le100", {"p100", "p99.6", "p60", "p5"}),
        ("sa100", {"p100.4", "p100.5"}),
        ("eb100", {"p99.6", "p60", "p5"}),
        ("ap100", {"p100", "p99.6", "p100.4", "p100.5"}),
        ("5.4", {"p5"}),
        ("5.400000000000000000000001", {"p5"}),
        ("60,5.4", {"p60", "p5"}),
        ("%2B60", {"p60"}),
        ("-60", set()),
    ],
)
def test_a_number_asked_for_is_as_precise_as_it_is_written(library: Library, query: str, found: set[str]) -> None:
    assert set(library.ids("RiskAssessment", f"probability={query}")) == found


def test_a_number_may_be_missing(library: Library) -> None:
    assert library.ids("RiskAssessment", "probability:missing=true") == ["none"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (f"5.4|{UCUM}|mg", {"five-mg"}),
        # "the search may … be done by canonical units": what is measured decides, in whatever unit it was written.
        (f"0.0054|{UCUM}|g", {"five-mg"}),
        (f"5400|{UCUM}|ug", {"five-mg"}),
        (f"5400|{UCUM}|mg", {"five-g"}),
        (f"gt0.006|{UCUM}|g", {"five-g", "above"}),
        (f"lt0.001|{UCUM}|g", {"below"}),
        (f"5.4|{UCUM}|mL", set()),
        ("0.0054||g", set()),
        ("5.4||mg", {"five-mg", "human"}),
        ("5.4", {"five-mg", "five-g", "human"}),
        ("5.40|http://other.example.org|mg", set()),
        ("gt5||mg", {"five-mg", "human", "above"}),
        ("lt5||mg", {"below"}),
        ("lt5.1||mg", {"below"}),
        ("ge100||mg", {"above"}),
        ("gt1000000", {"above"}),
        ("eb5||mg", {"below"}),
        ("eb4||mg", set()),
        ("sa80||mg", {"above"}),
        ("7", {"unitless"}),
        ("ap5||mg", {"five-mg", "human", "below"}),
        ("ne5.4||mg", {"below", "above"}),
        ("le5.4||g,7", {"five-g", "unitless"}),
    ],
)
def test_a_quantity_is_found_by_value_and_unit(library: Library, query: str, found: set[str]) -> None:
    assert set(library.ids("Observation", f"value-quantity={query}")) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("gt16", {"range", "open"}),
        ("gt15", {"range", "open"}),
        ("ge15", {"range", "age", "open"}),
        ("lt12", {"range"}),
        ("sa25", {"open"}),
        ("eb25", {"range", "age"}),
        ("15", {"age"}),
        ("ap15", {"range", "age"}),
    ],
)
def test_a_range_is_compared_by_its_bounds(library: Library, query: str, found: set[str]) -> None:
    assert set(library.ids("Condition", f"onset-age={query}")) == found


def test_money_is_a_quantity_in_its_currency(library: Library) -> None:
    assert library.ids("Invoice", "totalnet=12.5|urn:iso:std:iso:4217|EUR") == ["invoice"]
    assert library.ids("Invoice", "totalnet=12.5||EUR") == ["invoice"]
    assert library.ids("Invoice", "totalnet=12.5||USD") == []


@pytest.mark.parametrize("value", ["five", "5,4,", "5..4", "gt", "0x10", "5|mg", "5|a|b|c", "5|a|", "1e9999"])
def test_what_is_no_quantity_is_refused(value: str) -> None:
    assert set(refusals("Observation", f"value-quantity={value}")) <= {
        "search-quantity-malformed",
        "search-value-empty",
    }
    assert refusals("Observation", f"value-quantity={value}") != []


def test_what_is_no_number_is_refused() -> None:
    assert refusals("RiskAssessment", "probability=half,5|x,gt") == 3 * ["search-number-malformed"]


ENDS = st.tuples(st.integers(-9, 9), st.integers(-9, 9)).map(lambda ends: (float(min(ends)), float(max(ends))))


def relation(prefix: Prefix, row: tuple[float, float], asked: int) -> bool:
    """The prefixes in R4's own words, of a whole number's interval for `eq` and `ne`, of the number for the others."""
    contained = asked - 0.5 <= row[0] and row[1] < asked + 0.5
    margin = abs(asked) / 10
    return {
        "eq": contained,
        "ne": not contained,
        "gt": row[1] > asked,
        "lt": row[0] < asked,
        "ge": row[1] >= asked,
        "le": row[0] <= asked,
        "sa": row[0] > asked,
        "eb": row[1] < asked,
        "ap": row[0] <= asked + margin and row[1] >= asked - margin,
    }[prefix]


@given(st.sampled_from(PREFIXES), ENDS, st.integers(-10, 10))
def test_the_test_of_a_row_and_its_scans_say_what_the_prefix_means(
    prefix: Prefix, row: tuple[float, float], asked: int
) -> None:
    (condition,) = number.ask(Asked("probability", (f"{prefix}{asked}",))).conditions
    columns = {"lo": row[0], "hi": row[1]}
    expected = relation(prefix, row, asked)
    assert holds(condition.where, condition.values, columns) == expected
    assert any(holds(scan.where, scan.values, columns) for scan in condition.scans) == expected

"""Units of measure: which codes there are, what they are in other units.

Source: The Unified Code for Units of Measure (UCUM), version 2.1.
"""

from __future__ import annotations

import json
import tarfile
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.fhir import ucum
from fhir_gateway.fhir.ucum_units import ARBITRARY, BASE, METRIC, OTHERS, PREFIXES, SPECIAL, SPECIAL_METRIC
from tests.shared_data import shared


@pytest.mark.parametrize("code", sorted({*BASE, *METRIC, *OTHERS, *ARBITRARY, *SPECIAL, *SPECIAL_METRIC}))
def test_every_unit_of_the_table_is_a_unit(code):
    assert ucum.is_unit(code)
    factor = ucum.canonical(Decimal(1), code)
    assert (factor is None) == (code in SPECIAL | SPECIAL_METRIC)


@pytest.mark.parametrize("code", sorted({*METRIC, *BASE, *SPECIAL_METRIC, "[iU]"}))
def test_only_metric_units_take_a_prefix(code):
    assert ucum.is_unit(f"m{code}")


def test_other_units_take_none():
    taken = {*METRIC, *BASE, *OTHERS}
    assert [code for code in OTHERS if f"k{code}" not in taken and ucum.is_unit(f"k{code}")] == []


@pytest.mark.parametrize("package", ["hl7.fhir.r4.examples-4.0.1.tgz", "hl7.terminology.r4-7.0.1.tgz"])
def test_every_unit_in_the_value_sets_of_hl7_is_a_unit(package):
    codes = set()
    with tarfile.open(shared("packages", package)) as archive:
        for member in archive:
            if "ValueSet" in member.name and member.name.endswith(".json"):
                for include in json.load(archive.extractfile(member)).get("compose", {}).get("include", ()):
                    if include.get("system") == "http://unitsofmeasure.org":
                        codes |= {each["code"] for each in include.get("concept", ())}
    assert len(codes) > 500
    assert sorted(code for code in codes if not ucum.is_unit(code)) == []


@pytest.mark.parametrize(
    ("value", "one", "other", "expected"),
    [
        ("1", "kg", "g", "1000"),
        ("37.5", "mg/dL", "g/L", "0.375"),
        ("120", "mm[Hg]", "Pa", "15998.64"),
        ("1", "[in_i]", "cm", "2.54"),
        ("1", "h", "min", "60"),
        ("3", "10*3/uL", "10*9/L", "3"),
        ("1", "m3", "L", "1000"),
        ("1", "Mibit", "bit", "1048576"),
        ("2", "kcal_th", "J", "8368"),
        ("1", "U/L", "U/mL", "0.001"),
        ("5", "mg{creat}", "mg", "5"),
        ("1", "kg.m/s2", "N", "1"),
        ("1", "ug/(100.g)", "ng/g", "10"),
    ],
)
def test_amounts_convert_between_units_of_one_dimension(value, one, other, expected):
    converted = ucum.converted(Decimal(value), one, other)
    assert converted is not None
    assert abs(converted - Decimal(expected)) < Decimal("1e-9") * Decimal(expected)


@pytest.mark.parametrize(
    ("one", "other"), [("kg", "m"), ("Cel", "K"), ("[iU]", "g"), ("[iU]", "[arb'U]"), ("mg", "mcg"), ("[degF]", "Cel")]
)
def test_others_do_not(one, other):
    assert ucum.converted(Decimal(1), one, other) is None


@pytest.mark.parametrize(
    "code",
    ["", "foo", "kg/", "(kg", "kg)", "m m", "{a", "a}", "[foo]", "mmHg", "mcg", "0", "kg..m", "Kg", "m2m", "%%", "é"],
)
def test_what_is_no_unit_is_told(code):
    assert not ucum.is_unit(code)


@given(st.text(alphabet="kgmsLd[]{}()./*^0123456789-+%'U ", max_size=40))
def test_any_text_is_a_unit_or_not_and_never_a_failure(text):
    assert ucum.is_unit(text) in (True, False)
    assert ucum.canonical(Decimal(1), text) is None or ucum.is_unit(text)


@given(st.sampled_from(sorted(PREFIXES)), st.sampled_from(["g", "m", "L", "mol"]))
def test_a_prefix_scales_its_unit(prefix, unit):
    assert ucum.converted(Decimal(1), prefix + unit, unit) == PREFIXES[prefix] or prefix + unit in OTHERS

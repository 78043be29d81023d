"""Conditions of rules, in the guide's own grammar.

Source: HL7 v2-to-FHIR, "Mapping Guidelines", column "Computable ANTLR".
"""

from __future__ import annotations

import pytest

from fhir_gateway.transform.condition import ConditionError, condition

VALUES = {
    "PID-8": "F",
    "PID-11.7": "BDL",
    "PID-25": "",
    "PID-7": "19790328",
    "ORC-1": "NW",
    "OBR-3": "NW",
    "PID-29": '""',
}


class Paths:
    """Paths whose texts are given; PID-11 repeats twice."""

    def text(self, path: str) -> str:
        if path not in VALUES:
            raise ValueError("unknown")
        return f"VALUES[{path!r}]"

    def count(self, path: str) -> str:
        return f"(2 if {self.text(path)} else 0)"

    def valued(self, path: str) -> str:
        return f"({self.text(path)} not in ('', '\"\"'))"


def holds(text: str) -> bool:
    return bool(eval(condition(text, Paths()), {"VALUES": VALUES}))


@pytest.mark.parametrize(
    "text",
    [
        'PID-8 EQUALS "F"', 'PID-8 = "F"', 'PID-8 IS "F"', 'IF PID-8 EQUALS "F"', "PID-8 VALUED", "PID-8 IS VALUED",
        "PID-25 NOT VALUED", "PID-25 IS NOT VALUED", "PID-29 NOT VALUED", 'PID-8 NOT EQUALS "M"', 'PID-8 IS NOT "M"',
        'PID-11.7 IN ("H", "BDL")', 'PID-11.7 NOT IN ("H","O")', "PID-7 LENGTH EQUALS 8", "PID-7 LENGTH GREATER THAN 7",
        "PID-11.7 LST.COUNT GREATER THAN 1", "PID-11.7 LST.COUNT LESS THAN OR EQUALS 2", "ORC-1 EQUALS OBR-3",
        'PID-8 VALUED AND (PID-25 VALUED OR PID-11.7 EQUALS "BDL")', 'NOT PID-8 EQUALS "M" AND PID-7 VALUED',
        'PID-25 VALUED AND PID-25 VALUED OR PID-8 VALUED', '{PID-8} EQUALS "F"',
    ],
)  # fmt: skip
def test_a_condition_that_is_true_holds_and_its_negation_does_not(text: str) -> None:
    assert holds(text)
    assert not holds(f"NOT ({text.removeprefix('IF ')})")


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("", "the end"), ("PID-8", "the end"), ("PID-8 EQUALS", "the end"), ("PID-8 IN (", "the end"),
        ('PID-8 EQUALS "F" PID-7', "PID-7"), ("PID-99 VALUED", "PID-99"), ("PID-7 LENGTH EQUALS x", "x"),
        ('(PID-8 EQUALS "F"', "the end"), ("PID-8 LIKE F", "LIKE F"), ("__import__('os')", "__import__('os')"),
    ],
)  # fmt: skip
def test_what_is_no_condition_is_told_with_its_place(text: str, at: str) -> None:
    with pytest.raises(ConditionError) as refusal:
        condition(text, Paths())
    assert refusal.value.at == at

"""Groups of segments, told by the order they come in.

Source: HL7 v2.5.1, chapter 2, 2.12; chapter 7, ORU_R01.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from fhir_gateway.transform.grouping import Grouping
from fhir_gateway.transform.rules import Group
from fhir_gateway.transform.source import Scope

OBSERVATION = Group("OBSERVATION", ("OBX",), ("NTE",))
SPECIMEN = Group("SPECIMEN", ("SPM",), ())
ORDER = Group("ORDER", ("ORC", "OBR"), ("NTE",), (OBSERVATION, SPECIMEN))
ROOT = Group("MESSAGE", ("MSH",), (), (Group("PATIENT", ("PID",), ("NTE", "PV1", "NK1"), (ORDER,)),))


@dataclass
class Named:
    name: str
    number: int = 1
    fields: Any = ()


def shape(scope: Scope) -> str:
    own = [each for name, found in scope.segments.items() for each in [name] * len(found)]
    return " ".join((*own, *(f"({shape(each)})" for each in scope.children)))


@pytest.mark.parametrize(
    ("segments", "expected"),
    [
        ("MSH PID PV1 ORC OBR OBX OBX", "MSH (PID PV1 (ORC OBR (OBX) (OBX)))"),
        ("MSH PID OBR OBX OBR OBX", "MSH (PID (OBR (OBX)) (OBR (OBX)))"),
        ("MSH PID ORC ORC OBR", "MSH (PID (ORC) (ORC OBR))"),
        ("MSH PID ORC OBR ORC OBR", "MSH (PID (ORC OBR) (ORC OBR))"),
        ("MSH PID NTE ORC OBR NTE OBX NTE NTE SPM", "MSH (PID NTE (ORC OBR NTE (OBX NTE NTE) (SPM)))"),
        ("MSH PID OBR OBX PID OBR OBX", "MSH (PID (OBR (OBX))) (PID (OBR (OBX)))"),
        ("MSH PID OBR OBX PV1 NK1", "MSH (PID PV1 NK1 (OBR (OBX)))"),
        ("MSH PID ZZZ OBR OBX ZZZ", "MSH (PID ZZZ (OBR (OBX ZZZ)))"),
        ("MSH OBX PID", "MSH OBX (PID)"),
    ],
)
def test_a_segment_goes_to_the_innermost_group_that_has_a_place_for_it(segments: str, expected: str) -> None:
    scope = Grouping(ROOT).scopes([Named(each) for each in segments.split()])
    assert shape(scope) == expected

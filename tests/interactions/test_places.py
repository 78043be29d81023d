"""Lines and columns of issues: of what was sent only, and only where finding them takes no time that matters.

Source: FHIR R4, OperationOutcome.issue.expression; the extensions operationoutcome-issue-line and -col.
"""

from __future__ import annotations

import pytest

from fhir_gateway.fhir.outcome import Complaint, Detailed, Issue
from fhir_gateway.interactions import places
from fhir_gateway.interactions.interaction import Sent

WRONG = Complaint("test-wrong", "value", "{line}", "{line}")
JSON = Sent(b'{"resourceType":"Patient",\n "gender":"x"}', "json")
XML = Sent(b'<Patient xmlns="http://hl7.org/fhir">\n <gender value="x"/>\n</Patient>', "xml")


def position(issue: Issue, sent: Sent) -> tuple[int, int] | None:
    (placed,) = places.placed([issue], sent)
    return placed.position if isinstance(placed, Detailed) else None


@pytest.mark.parametrize(("sent", "column"), [(JSON, 11), (XML, 2)])
def test_an_expression_leads_into_the_text(sent: Sent, column: int) -> None:
    assert position(Issue(WRONG, "Patient.gender"), sent) == (2, column)


@pytest.mark.parametrize("expression", [None, "Observation.code", "?name"])
def test_what_is_not_about_the_text_has_no_place(expression: str | None) -> None:
    assert position(Issue(WRONG, expression), JSON) is None


def test_a_place_that_is_known_already_stays() -> None:
    assert position(Detailed(WRONG, "Patient.gender", position=(7, 8)), JSON) == (7, 8)


def test_a_complaint_about_the_text_itself_has_the_place_it_names() -> None:
    assert position(Issue(WRONG, None, {"line": "3", "column": "4"}), JSON) == (3, 4)


def test_the_places_of_a_very_long_text_are_not_looked_for() -> None:
    long = Sent(JSON.body + b" " * 9_000_000, "json")
    assert position(Issue(WRONG, "Patient.gender"), long) is None


def test_profile_and_reasons_stay_with_an_issue_that_is_placed() -> None:
    (placed,) = places.placed([Detailed(WRONG, "Patient.gender", {"line": "1"}, "http://x", (("a", "b"),))], JSON)
    assert placed.as_fhir("en")["diagnostics"] == "1\nProfile: http://x\n- a"
    assert placed.as_fhir("fr")["diagnostics"] == "1\nProfil : http://x\n- b"
    assert placed.as_fhir("en")["details"]["text"] == "1"

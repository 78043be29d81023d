"""read, vread and the conditional read.

Source: FHIR R4, RESTful API, "read", "vread", "conditional read".
"""

from __future__ import annotations

import pytest

from fhir_gateway.fhir.outcome import Gone, NotFound
from fhir_gateway.interactions.interaction import Answer, Conditions
from fhir_gateway.interactions.perform import perform_read_now
from tests.interactions.desk import Desk, Refused, patient


def test_a_read_answers_with_the_bytes_stored_and_their_version(desk: Desk) -> None:
    desk.put(patient("a", active=True))
    stored = desk.gateway.store.current("Patient", "a")
    assert stored is not None
    assert desk.ask("GET", "Patient/a") == Answer(200, stored.body, 1, stored.last_updated)


def test_a_read_of_what_never_was_is_404(desk: Desk) -> None:
    assert desk.refused("GET", "Patient/a") == Refused(404, (("resource-not-found", None),))


def test_a_read_of_what_was_deleted_is_410_with_the_version_of_the_deletion(desk: Desk) -> None:
    desk.put(patient("a"))
    desk.ask("DELETE", "Patient/a")
    assert desk.refused("GET", "Patient/a") == Refused(410, (("resource-deleted", None),))
    with pytest.raises(Gone) as gone:
        desk.ask("GET", "Patient/a")
    assert gone.value.version == 2


def test_a_read_of_the_version_the_sender_has_is_304_without_a_body(desk: Desk) -> None:
    desk.put(patient("a"))
    now = desk.ask("GET", "Patient/a")
    assert desk.ask("GET", "Patient/a", if_none_match='W/"1"') == Answer(304, None, 1, now.last_updated)
    assert desk.ask("GET", "Patient/a", if_none_match='W/"2"') == now
    assert desk.ask("GET", "Patient/a", if_modified_since="Tue, 01 Jan 2019 00:00:00 GMT") == now
    later = "Fri, 01 Jan 2100 00:00:00 GMT"
    assert desk.ask("GET", "Patient/a", if_modified_since=later) == Answer(304, None, 1, now.last_updated)


def test_a_vread_answers_with_the_version_named(desk: Desk) -> None:
    first = desk.put(patient("a", active=True))
    second = desk.put(patient("a", active=False))
    assert desk.get("Patient/a/_history/1") == first
    assert desk.get("Patient/a/_history/2") == second
    assert desk.ask("GET", "Patient/a/_history/1").version == 1


@pytest.mark.parametrize("version", ["3", "0", "01", "x", "99999999999999999999"])
def test_a_vread_of_a_version_that_never_was_is_404(desk: Desk, version: str) -> None:
    desk.put(patient("a"))
    expected = Refused(404, (("version-not-found", None),))
    assert desk.refused("GET", f"Patient/a/_history/{version}") == expected


def test_a_vread_of_a_resource_that_never_was_is_404(desk: Desk) -> None:
    assert desk.refused("GET", "Patient/a/_history/1") == Refused(404, (("resource-not-found", None),))


def test_a_vread_of_a_deletion_is_410_and_of_a_version_before_it_is_not(desk: Desk) -> None:
    first = desk.put(patient("a"))
    desk.ask("DELETE", "Patient/a")
    assert desk.refused("GET", "Patient/a/_history/2") == Refused(410, (("resource-deleted", None),))
    assert desk.get("Patient/a/_history/1") == first


def test_the_short_way_to_read_says_what_the_gate_says(desk: Desk) -> None:
    desk.put(patient("a"))
    desk.put(patient("b"))
    desk.ask("DELETE", "Patient/b")
    assert perform_read_now(desk.gateway, "Patient", "a") == desk.ask("GET", "Patient/a")
    same = Conditions(if_none_match='W/"1"')
    assert perform_read_now(desk.gateway, "Patient", "a", same).status == 304
    with pytest.raises(Gone):
        perform_read_now(desk.gateway, "Patient", "b")
    with pytest.raises(NotFound):
        perform_read_now(desk.gateway, "Patient", "c")

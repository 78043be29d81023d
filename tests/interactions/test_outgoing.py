"""What goes out because of a write: a report of a dossier, to the hospital that asked for it, in that very commit.

Source: `fhir_gateway/interactions/outgoing.py`; HL7 v2.5.1, chapters 7 (ORU) and 9 (MDM).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.codes import concept
from fhir_gateway.policy.destinations import Destination, Destinations, Kind
from fhir_gateway.store import outbox
from fhir_gateway.store.outbox import Entry, Filter, Tried, Written
from tests.dossier import family
from tests.interactions.desk import Desk
from tests.interactions.dossier_people import Pathway, Resource

BOTH: tuple[Kind, ...] = ("ORU", "MDM")


def going_to(desk: Desk, *destinations: Destination) -> Desk:
    """Return the same desk for a gateway with destinations."""
    return Desk(replace(desk.gateway, destinations=Destinations(destinations)), desk.actor)


def hospital(name: str = "chu", organisation: str = family.HOSPITAL, **more: Any) -> Destination:
    return Destination(name, organisation, "127.0.0.1", 2575, tls=False, **more)


@pytest.fixture
def pathway(desk: Desk) -> Pathway:
    """A dossier of a hospital that gets reports by ORU and by MDM; another hospital does too."""
    made = Pathway(going_to(desk, hospital(kinds=BOTH), hospital("other", family.OTHER_HOSPITAL)))
    made.submit()
    return made


def report(pathway: Pathway, status: str = "final", **more: Any) -> Resource:
    made = {
        "resourceType": "DiagnosticReport",
        "identifier": [{"system": "https://example.org/reports", "value": "R1"}],
        "status": status,
        "code": concept(codes.LOINC, "51969-4"),
        "subject": pathway.request()["subject"],
        "basedOn": [{"reference": f"ServiceRequest/{each}"} for each in pathway.requests],
    }
    return {**made, **more}


def written(pathway: Pathway, status: str = "final") -> Resource:
    stored: Resource = pathway.desk.get(f"DiagnosticReport/{pathway.desk.post(report(pathway, status))}")
    return stored


def become(pathway: Pathway, stored: Resource, status: str) -> Resource:
    pathway.desk.put({**stored, "status": status})
    found: Resource = pathway.desk.get(f"DiagnosticReport/{stored['id']}")
    return found


def entries(desk: Desk) -> list[Entry]:
    """Return what is to go out, the oldest first."""
    with desk.gateway.store.read() as view:
        return outbox.found(view, Filter())[::-1]


def events(desk: Desk) -> list[tuple[str, str]]:
    return [(each.destination, each.event) for each in entries(desk)]


def test_a_final_report_goes_to_the_hospital_that_asked_for_it_once_for_each_kind(pathway: Pathway) -> None:
    stored = written(pathway)
    assert events(pathway.desk) == [("chu", "ORU^R01"), ("chu", "MDM^T02")]
    first = entries(pathway.desk)[0]
    assert (first.subject, first.vid, first.why) == (f"DiagnosticReport/{stored['id']}", 1, "final")
    assert (first.document, first.replaces) == ("R1-1", "")


def test_a_report_that_is_not_final_yet_goes_nowhere_until_it_is(pathway: Pathway) -> None:
    stored = written(pathway, "preliminary")
    assert entries(pathway.desk) == []
    become(pathway, stored, "final")
    assert events(pathway.desk) == [("chu", "ORU^R01"), ("chu", "MDM^T02")]


def test_amended_it_replaces_what_was_sent_and_withdrawn_it_takes_it_back(pathway: Pathway) -> None:
    stored = become(pathway, written(pathway), "amended")
    become(pathway, stored, "entered-in-error")
    documents = [each for each in entries(pathway.desk) if each.event.startswith("MDM")]
    assert [(each.event, each.document, each.replaces) for each in documents] == [
        ("MDM^T02", "R1-1", ""),
        ("MDM^T10", "R1-2", "R1-1"),
        ("MDM^T04", "R1-2", "R1-2"),
    ]


def test_withdrawn_before_it_was_sent_it_says_nothing(pathway: Pathway) -> None:
    become(pathway, written(pathway, "preliminary"), "entered-in-error")
    assert entries(pathway.desk) == []


def test_what_was_refused_over_there_was_not_sent(pathway: Pathway) -> None:
    stored = written(pathway)
    store = pathway.desk.gateway.store
    for _ in range(2):
        with store.read() as view:
            head = outbox.head(view, "chu")
        assert head is not None
        claimed = outbox.claim(store, head, "me", 60, Written(b"x"))
        assert claimed is not None
        outbox.settle(store, claimed, "me", Tried("rejected", "AE"))
    become(pathway, stored, "amended")
    assert events(pathway.desk)[2:] == [("chu", "ORU^R01"), ("chu", "MDM^T02")]


def test_a_write_that_is_refused_leaves_nothing_to_be_sent(pathway: Pathway) -> None:
    refused = pathway.desk.refused("POST", "DiagnosticReport", report(pathway, subject={"reference": "Patient/nobody"}))
    assert refused.status == 422
    assert entries(pathway.desk) == []


def test_a_report_of_no_dossier_goes_nowhere(desk: Desk) -> None:
    own = going_to(desk, hospital())
    patient = own.post({"resourceType": "Patient"})
    request = {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "subject": {"reference": f"Patient/{patient}"},
        "requester": {"identifier": codes.identifier(family.HOSPITAL)},
    }
    based = [{"reference": f"ServiceRequest/{own.post(request)}"}]
    code = concept(codes.LOINC, "51969-4")
    made = {"resourceType": "DiagnosticReport", "status": "final", "code": code, "basedOn": based}
    own.post(made)
    assert entries(own) == []


def test_where_no_destination_is_configured_nothing_is_noted(desk: Desk) -> None:
    pathway = Pathway(desk)
    pathway.submit()
    written(pathway)
    assert entries(desk) == []

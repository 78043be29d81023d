"""Whatever is written, in whatever order, who has access is what follows from the resources as they are.

Source: fhir_gateway/store/README.md, "Who sees what"; tests/store/reckoning.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.store import open_store
from fhir_gateway.store.access import party_of
from fhir_gateway.store.contract import Command, Delete, IndexRows, Key, Put, Write
from fhir_gateway.store.reindexing import Seen, redrafted
from fhir_gateway.store.writer import Writer
from tests.store.organisations import Organisations, finess, identified, to
from tests.store.reckoning import Reckoning, stored_rows

ORGANISATIONS = ("h", "p", "q")
Act = Literal["put", "delete", "purge", "restage"]


class Step(NamedTuple):
    act: Act
    resource: dict[str, Any]


@pytest.fixture(scope="module")
def organisations(database: str) -> Iterator[Organisations]:
    store = open_store(database, definitions().types.resources)
    yield Organisations(store)
    store.close()


ids = st.sampled_from(("1", "2"))
references = st.one_of(
    st.sampled_from(("Organization/1", "Organization/2", "PractitionerRole/1", "PractitionerRole/2")).map(to),
    st.sampled_from(ORGANISATIONS).map(identified),
)
patients = st.sampled_from(("Patient/1", "Patient/2", "Patient/1/_history/1")).map(to)


def made(type: str, **elements: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"resourceType": st.just(type), "id": ids}, optional=elements)


def requested(type: str, statuses: tuple[str, ...], **elements: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    required = {"resourceType": st.just(type), "id": ids, "status": st.sampled_from(statuses)}
    return st.fixed_dictionaries(required, optional=elements)


resources = st.one_of(
    made(
        "Organization",
        identifier=st.lists(
            st.sampled_from(ORGANISATIONS).map(lambda name: identified(name)["identifier"]), max_size=2, unique_by=repr
        ),
    ),
    made("PractitionerRole", organization=references.filter(lambda each: "PractitionerRole" not in repr(each))),
    made("Patient", managingOrganization=references),
    made("Observation", subject=patients, performer=st.lists(st.one_of(references, patients), max_size=2)),
    made("Encounter", subject=patients, serviceProvider=references),
    requested(
        "ServiceRequest",
        ("draft", "active", "revoked", "entered-in-error"),
        subject=patients,
        requester=references,
        performer=st.lists(references, max_size=2),
    ),
    requested("Task", ("draft", "requested", "completed"), owner=references, requester=references, **{"for": patients}),
)
steps = st.builds(Step, st.sampled_from(("put", "put", "put", "put", "delete", "purge", "restage")), resources)
transactions = st.tuples(
    st.sampled_from((*ORGANISATIONS, None)),
    st.lists(steps, min_size=1, max_size=4, unique_by=lambda step: _key(step)),
)


def _key(step: Step) -> Key:
    return step.resource["resourceType"], step.resource["id"]


class Model:
    """The resources as they should be, and who made them."""

    def __init__(self) -> None:
        self.resources: dict[Key, dict[str, Any]] = {}
        self.owners: dict[Key, int] = {}

    def note(self, step: Step, owner: int) -> None:
        key = _key(step)
        if step.act in ("put", "restage"):
            self.resources[key] = step.resource
            self.owners.setdefault(key, owner)  # what was deleted and comes back keeps its owner
        else:
            self.resources.pop(key, None)
            if step.act == "purge":
                self.owners.pop(key, None)


def carry_out(organisations: Organisations, tx: Write, steps: list[Step]) -> None:
    commands: list[Command] = []
    for step in steps:
        if step.act == "put":
            commands.append(Put(organisations.draft(step.resource)))
        elif step.act == "restage":
            # Written first with something else in it, as before conditional references are known.
            commands.append(Put(organisations.draft({**step.resource, **_OTHERWISE.get(_key(step)[0], {})})))
        elif step.act == "delete":
            commands.append(Delete(*_key(step)))
    tx.stage(commands)
    tx.restage([organisations.draft(step.resource) for step in steps if step.act == "restage"])
    purged = [_key(step) for step in steps if step.act == "purge"]
    tx.purge([version.rid for version in tx.current_of(purged).values()])


_OTHERWISE: dict[str, dict[str, Any]] = {
    "ServiceRequest": {"status": "active", "subject": to("Patient/2"), "performer": [identified("q")]},
    "Observation": {"subject": to("Patient/2")},
    "PractitionerRole": {"organization": identified("q")},
}


def check(organisations: Organisations, model: Model) -> None:
    reckoned = Reckoning(model.resources, model.owners).rows()
    with organisations.store.read() as view:
        assert stored_rows(view, organisations.names) == reckoned


H_ASKS_P = {
    "resourceType": "ServiceRequest",
    "id": "1",
    "status": "active",
    "subject": to("Patient/1"),
    "performer": [to("PractitionerRole/1")],
}
ROLE_OF_1 = {"resourceType": "PractitionerRole", "id": "1", "organization": to("Organization/1")}
ROLE_OF_2 = {**ROLE_OF_1, "organization": to("Organization/2")}
IS_P = {"resourceType": "Organization", "id": "1", "identifier": [identified("p")["identifier"]]}
PATIENT_2 = {"resourceType": "Patient", "id": "2"}
TASK_OF_ROLE = {
    "resourceType": "Task",
    "id": "1",
    "status": "requested",
    "for": to("Patient/2"),
    "owner": to("PractitionerRole/1"),
}
ABOUT_1 = {"resourceType": "Observation", "id": "1", "subject": to("Patient/1")}


@given(st.lists(transactions, min_size=1, max_size=6))
@example([("h", [Step("put", ABOUT_1), Step("put", H_ASKS_P)]), (None, [Step("put", ROLE_OF_1), Step("put", IS_P)])])
@example(
    [
        ("h", [Step("put", ROLE_OF_1), Step("put", H_ASKS_P)]),
        ("p", [Step("put", ABOUT_1)]),
        (None, [Step("put", IS_P)]),
        (None, [Step("put", ROLE_OF_2)]),
        (None, [Step("put", {**IS_P, "id": "2"})]),
        (None, [Step("purge", {**IS_P, "id": "2"})]),
    ]
)
@example(
    [
        ("p", [Step("put", TASK_OF_ROLE)]),
        ("h", [Step("put", {**ROLE_OF_1, "organization": identified("h")}), Step("put", PATIENT_2)]),
    ]
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
def test_access_is_what_follows_from_the_resources_after_any_writes(
    organisations: Organisations, history: list[tuple[str | None, list[Step]]]
) -> None:
    organisations.clear()
    model = Model()
    for by, steps in history:
        organisations.write(lambda tx, steps=steps: carry_out(organisations, tx, steps), by)  # type: ignore[misc]
        for step in sorted(steps, key=lambda step: step.act == "purge"):
            model.note(step, 0 if by is None else party_of(finess(by)))
        check(organisations, model)


@given(st.lists(st.tuples(st.sampled_from((*ORGANISATIONS, None)), resources), min_size=1, max_size=8))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_reindex_gives_access_where_resources_were_written_without_knowing_whom_they_name(
    organisations: Organisations, written: list[tuple[str | None, dict[str, Any]]]
) -> None:
    organisations.clear()
    model = Model()
    for by, resource in written:
        draft = organisations.draft(resource)
        index: IndexRows = {table: rows for table, rows in draft.index.items() if table != "i_access"}
        command = Put(replace(draft, index=index, index_hash=1))
        organisations.write(lambda tx, command=command: tx.stage([command]), by)  # type: ignore[misc]
        model.note(Step("put", resource), 0 if by is None else party_of(finess(by)))

    def reindex(tx: Write) -> None:
        assert isinstance(tx, Writer)
        clause = "SELECT rtype, fhir_id, rid, vid, last_updated, deleted, body, idx_hash FROM resource ORDER BY rid"
        seen = [Seen(organisations.types.version(row[:7]), row[7]) for row in tx.rows(clause)]
        for first in range(0, len(seen), 2):
            some = [(each, organisations.draft(model.resources[each.version.key])) for each in seen[first : first + 2]]
            tx.reindex(redrafted(tx, some))

    organisations.write(reindex)
    check(organisations, model)

"""What is shared, and what is about the patient, written at the same time: neither misses the other.

Source: fhir_gateway/store/sharing.py; PostgreSQL, "Transaction Isolation", "Read Committed".
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.store import open_store
from fhir_gateway.store.access import party_of
from fhir_gateway.store.contract import Command, Create, Delete, Key, Put, Write
from fhir_gateway.store.index.hashing import rk_of
from tests.store.organisations import Organisations, finess, identified, to
from tests.store.reckoning import Reckoning, stored_rows

HELD_SECONDS = 0.05  # how long the first of two writes keeps the second waiting, where they concern each other

ROLE = {"resourceType": "PractitionerRole", "id": "r", "organization": identified("p")}
PLATFORM = {"resourceType": "Organization", "id": "p"}
PATIENT = {"resourceType": "Patient", "id": "1"}
OTHER = {"resourceType": "Patient", "id": "2"}
NOTE = {"resourceType": "Observation", "id": "note", "subject": to("Patient/1")}
STANDING = {
    "resourceType": "ServiceRequest",
    "id": "standing",
    "status": "active",
    "subject": to("Patient/1"),
    "performer": [to("PractitionerRole/r"), to("Organization/p")],
}
ROLE_THERE = {**ROLE, "id": "there", "organization": to("Organization/p")}
BEFORE: list[dict[str, Any]] = [ROLE, ROLE_THERE, PLATFORM, PATIENT, OTHER, NOTE, STANDING]

Write_ = tuple[str, dict[str, Any] | str]
WRITES: dict[str, Write_] = {
    "a note is made": ("h", {**NOTE, "id": "new"}),
    "a result is made": ("p", {**NOTE, "id": "result"}),
    "a note is about another": ("h", {**NOTE, "subject": to("Patient/2")}),
    "a note is deleted": ("h", "Observation/note"),
    "an order is made": ("h", {**STANDING, "id": "new", "performer": [identified("q")]}),
    "an order by role is made": ("h", {**STANDING, "id": "by-role", "performer": [to("PractitionerRole/r")]}),
    "an order by role there is made": ("h", {**STANDING, "id": "there", "performer": [to("PractitionerRole/there")]}),
    "an order to an organization is made": ("h", {**STANDING, "id": "to-p", "performer": [to("Organization/p")]}),
    "an order is withdrawn": ("h", {**STANDING, "status": "entered-in-error"}),
    "an order is deleted": ("h", "ServiceRequest/standing"),
    "a role changes": ("q", {**ROLE, "organization": identified("q")}),
    "a role comes there": ("q", {**ROLE, "organization": to("Organization/p")}),
    "an organization gets a number": ("q", {**PLATFORM, "identifier": [identified("p")["identifier"]]}),
    "a patient changes": ("h", {**PATIENT, "managingOrganization": identified("q")}),
}


@pytest.fixture(scope="module")
def site(postgres_module_database: str) -> Iterator[Organisations]:
    store = open_store(postgres_module_database, definitions().types.resources)
    yield Organisations(store)
    store.close()


@pytest.fixture(scope="module")
def postgres_module_database(postgres: Any) -> Iterator[str]:
    dsn = postgres.create()
    yield dsn
    postgres.drop(dsn)


def command_of(site: Organisations, written: dict[str, Any] | str) -> Command:
    if isinstance(written, str):
        type, _, id = written.partition("/")
        return Delete(type, id)
    return Put(site.draft(written))


def together(site: Organisations, first: Write_, second: Write_) -> None:
    """Write the first, and before it is committed begin to write the second."""
    staged = threading.Event()
    one, other = command_of(site, first[1]), command_of(site, second[1])
    failures: list[BaseException] = []

    def hold(tx: Write) -> None:
        tx.stage([one])
        staged.set()
        time.sleep(HELD_SECONDS)

    def write_first() -> None:
        try:
            site.write(hold, first[0])
        except BaseException as error:  # noqa: BLE001 - told by the test's own thread
            failures.append(error)
            staged.set()

    thread = threading.Thread(target=write_first)
    thread.start()
    staged.wait()
    site.write(lambda tx: tx.stage([other]), second[0])
    thread.join()
    assert failures == []


PAIRS = [pair for pair in itertools.permutations(WRITES, 2) if WRITES[pair[0]][1] != WRITES[pair[1]][1]]


def key_of(written: dict[str, Any] | str) -> str:
    return written if isinstance(written, str) else f"{written['resourceType']}/{written['id']}"


@pytest.mark.parametrize(
    ("first", "second"), [pair for pair in PAIRS if key_of(WRITES[pair[0]][1]) != key_of(WRITES[pair[1]][1])]
)
def test_two_writes_at_once_leave_the_access_that_follows_from_both(
    site: Organisations, first: str, second: str
) -> None:
    site.clear()
    site.put(*BEFORE, by="h")
    resources: dict[Key, Any] = {(each["resourceType"], each["id"]): each for each in BEFORE}
    owners = dict.fromkeys(resources, party_of(finess("h")))
    together(site, WRITES[first], WRITES[second])
    for name in (first, second):
        by, written = WRITES[name]
        type, _, id = key_of(written).partition("/")
        if isinstance(written, str):
            del resources[type, id]
        else:
            resources[type, id] = written
            owners.setdefault((type, id), party_of(finess(by)))
    with site.store.read() as view:
        assert stored_rows(view, site.names) == Reckoning(resources, owners).rows()


def test_many_who_order_and_write_about_one_patient_at_once_wait_for_no_deadlock(site: Organisations) -> None:
    site.clear()
    site.put(*BEFORE, by="h")
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(4):
                id = f"{number}-{turn}"
                order, note = {**STANDING, "id": id}, {**NOTE, "id": id}
                commands: list[Command] = [Create(site.draft(order)), Create(site.draft(note))]
                site.write(lambda tx, commands=commands: tx.stage(commands), "h")  # type: ignore[misc]
                site.put({**order, "status": "entered-in-error"}, by="h")
        except BaseException as error:  # noqa: BLE001 - told by the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    # PostgreSQL looks for deadlocks after a second.
    assert time.monotonic() - began < 10
    with site.store.read() as view:
        rows = stored_rows(view, site.names)
    sharing = {party_of(finess("p")), rk_of("Organization", "p")}
    assert all(sharing <= set(rows["Observation", f"{n}-{t}"]) for n in range(4) for t in range(4))

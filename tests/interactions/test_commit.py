"""What happens when somebody writes between the plan and the lock, and when the database repeats a transaction.

Source: FHIR R4, RESTful API, "Conditional create", "Managing Resource Contention", "Transaction Processing Rules".
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Literal, TypeVar

import pytest

from fhir_gateway.store.contract import Locks, Narrowing, Read, Store, Version, Write
from tests.interactions.desk import Desk, Refused, by, entry, observation, patient, statuses

T = TypeVar("T")
ONE = "urn:uuid:00000000-0000-0000-0000-000000000001"
ADD_ACTIVE = [{"op": "add", "path": "/active", "value": True}]


class Between:
    """A store before whose writes something else happens: `acts` in turn, then nothing more."""

    dialect: Literal["sqlite", "postgresql"]

    def __init__(self, store: Store, *acts: Callable[[], Any]) -> None:
        self.store = store
        self.dialect = store.dialect
        self.acts = list(acts)
        self.locks: list[Locks] = []

    def current(self, type: str, id: str, narrowing: Narrowing | None = None) -> Version | None:
        return self.store.current(type, id, narrowing)

    def parties(self, identifier: str | None) -> tuple[int, ...]:
        return self.store.parties(identifier)

    def read(
        self, seconds: float | None = None, feed: bool = True, narrowing: Narrowing | None = None
    ) -> AbstractContextManager[Read]:
        return self.store.read(seconds, feed, narrowing)

    def write(
        self,
        work: Callable[[Write], T],
        locks: Locks = Locks(),  # noqa: B008 - frozen
        narrowing: Narrowing | None = None,
        owner: int = 0,
    ) -> T:
        if self.acts:
            self.acts.pop(0)()
        self.locks.append(locks)
        return self.store.write(work, locks, narrowing, owner)

    def close(self) -> None:
        self.store.close()


class Repeating(Between):
    """A store that repeats each transaction once, as PostgreSQL does after a deadlock."""

    def write(
        self,
        work: Callable[[Write], T],
        locks: Locks = Locks(),  # noqa: B008 - frozen
        narrowing: Narrowing | None = None,
        owner: int = 0,
    ) -> T:
        def undone(tx: Write) -> None:
            work(tx)
            raise KeyError("undone")

        with pytest.raises(KeyError, match="undone"):
            self.store.write(undone, locks, narrowing, owner)
        return self.store.write(work, locks, narrowing, owner)


def disturbed(desk: Desk, *acts: Callable[[], Any]) -> tuple[Desk, Between]:
    store = Between(desk.gateway.store, *acts)
    return Desk(replace(desk.gateway, store=store)), store


def test_a_conditional_create_finds_what_was_created_meanwhile(desk: Desk) -> None:
    late, store = disturbed(desk, lambda: desk.put(patient("first", "1")))
    answer = late.ask("POST", "Patient", patient(value="1"), if_none_exist=by("1"))
    assert (answer.status, answer.location) == (200, "Patient/first/_history/1")
    assert desk.get(f"Patient?{by('1')}")["total"] == 1
    # What had to be decided was named to the store; the repetition found it and had nothing to write.
    assert store.locks == [Locks(frozenset({f"Patient?{by('1')}"}))]


def test_references_follow_an_identity_that_changed_meanwhile(desk: Desk) -> None:
    late, _ = disturbed(desk, lambda: desk.put(patient("first", "1")))
    response = late.transact(
        entry("POST", "Patient", patient(value="1"), ONE, ifNoneExist=by("1")),
        entry("PUT", "Observation/o", observation(ONE, "o", focus=[{"reference": f"Patient?{by('1')}"}])),
    )
    assert statuses(response) == ["200 OK", "201 Created"]
    stored = desk.get("Observation/o")
    assert stored["subject"] == {"reference": "Patient/first"}
    assert stored["focus"] == [{"reference": "Patient/first"}]


def test_of_two_updates_from_one_version_the_second_is_refused_with_412(desk: Desk) -> None:
    desk.put(patient("a"))
    late, _ = disturbed(desk, lambda: desk.ask("PUT", "Patient/a", patient("a", active=True), if_match='W/"1"'))
    refused = late.refused("PUT", "Patient/a", patient("a", active=False), if_match='W/"1"')
    assert refused == Refused(412, (("if-match-stale", None),))
    assert desk.versions("Patient", "a") == ["1", "2"]


def test_a_patch_is_applied_to_the_version_that_was_written_meanwhile(desk: Desk) -> None:
    desk.put(patient("a"))
    late, _ = disturbed(desk, lambda: desk.put(patient("a", gender="other")))
    assert late.ask("PATCH", "Patient/a", patch=ADD_ACTIVE).version == 3
    stored = desk.get("Patient/a")
    assert (stored["gender"], stored["active"]) == ("other", True)


def test_a_patch_that_is_overtaken_again_and_again_comes_through(desk: Desk) -> None:
    desk.put(patient("a"))
    genders = iter(["male", "female", "other", "unknown", "male"])
    late, store = disturbed(desk, *[lambda: desk.put(patient("a", gender=next(genders)))] * 5)
    assert late.ask("PATCH", "Patient/a", patch=ADD_ACTIVE).version == 7
    assert desk.get("Patient/a")["gender"] == "male"
    assert desk.get("Patient/a")["active"] is True
    assert store.acts == []


def test_a_patch_obeys_if_match_against_what_was_written_meanwhile(desk: Desk) -> None:
    desk.put(patient("a"))
    late, _ = disturbed(desk, lambda: desk.put(patient("a", gender="other")))
    assert late.refused("PATCH", "Patient/a", patch=ADD_ACTIVE, if_match='W/"1"').status == 412


def test_a_conditional_update_whose_match_was_deleted_meanwhile_creates(desk: Desk) -> None:
    desk.put(patient("a", "1"))
    late, _ = disturbed(desk, lambda: desk.ask("DELETE", "Patient/a"))
    answer = late.ask("PUT", f"Patient?{by('1')}", patient(value="1"))
    assert (answer.status, answer.location) == (201, "Patient/id-1/_history/1")


def test_a_conditional_delete_takes_what_was_created_meanwhile_too(desk: Desk) -> None:
    desk.put(patient("a", "1"))
    late, _ = disturbed(desk, lambda: desk.put(patient("b", "1")))
    late.ask("DELETE", f"Patient?{by('1')}")
    assert desk.get(f"Patient?{by('1')}")["total"] == 0


def test_a_target_deleted_meanwhile_is_missed(desk: Desk) -> None:
    desk.put(patient("a"))
    late, _ = disturbed(desk, lambda: desk.ask("DELETE", "Patient/a"))
    assert late.refused("PUT", "Observation/o", observation("Patient/a", "o")).status == 422


def test_a_reference_made_meanwhile_keeps_its_target(desk: Desk) -> None:
    desk.put(patient("a"))
    late, _ = disturbed(desk, lambda: desk.put(observation("Patient/a", "o")))
    assert late.refused("DELETE", "Patient/a") == Refused(409, (("still-referenced", None),))


@pytest.mark.parametrize("deleted", [False, True])
def test_a_conditional_reference_whose_match_changed_meanwhile_names_the_new_one(desk: Desk, deleted: bool) -> None:
    desk.put(patient("a", "1"))

    def replace_match() -> None:
        desk.ask("DELETE", "Patient/a") if deleted else desk.put(patient("a", "2"))
        desk.put(patient("b", "1"))

    late, _ = disturbed(desk, replace_match)
    late.transact(entry("PUT", "Observation/o", observation(f"Patient?{by('1')}", "o")))
    assert desk.get("Observation/o")["subject"] == {"reference": "Patient/b"}
    assert desk.versions("Observation", "o") == ["1"]


def test_a_condition_that_never_settles_is_given_up_with_409(desk: Desk) -> None:
    def flip() -> None:
        found = desk.get(f"Patient?{by('1')}").get("entry", [])
        for each in found:
            desk.put(patient(each["resource"]["id"], "2"))
        desk.put(patient(f"p{len(late_store.locks)}", "1"))

    late, late_store = disturbed(desk, *[flip] * 20)
    refused = late.refused("PUT", f"Patient?{by('1')}", patient(value="1", active=True))
    assert refused == Refused(409, (("identities-unsettled", None),))
    assert len(late_store.acts) == 12


def test_the_locks_name_conditions_and_resources(desk: Desk) -> None:
    desk.put(patient("found", "1"))
    late, store = disturbed(desk)
    late.transact(
        entry("POST", "Patient", patient()),
        entry("PUT", "Patient/put", patient("put")),
        entry("DELETE", "Patient/deleted"),
        entry("PUT", f"Patient?{by('1')}", patient(value="1")),
        entry("POST", "Patient", patient(), ifNoneExist="active=true&" + by("2")),
    )
    assert store.locks == [
        Locks(
            frozenset({f"Patient?{by('1')}", f"Patient?active=true&{by('2')}"}),
            frozenset({("Patient", "put"), ("Patient", "deleted"), ("Patient", "found")}),
        )
    ]


def test_a_transaction_that_the_database_repeats_is_the_same_transaction(desk: Desk) -> None:
    desk.put(patient("there", "1"))
    again = Desk(replace(desk.gateway, store=Repeating(desk.gateway.store)))
    links = [f"Patient?{by('1')}", f"Patient?{by('new')}", ONE, f"{ONE}/_history/4"]
    sent = patient(link=[{"other": {"reference": each}, "type": "refer"} for each in links])
    again.transact(entry("POST", "Patient", sent), entry("POST", "Patient", patient(value="new"), ONE))
    stored = [link["other"]["reference"] for link in desk.get("Patient/id-1")["link"]]
    assert stored == ["Patient/there", "Patient/id-2", "Patient/id-2", "Patient/id-2/_history/1"]
    assert desk.versions("Patient", "id-1") == ["1"]

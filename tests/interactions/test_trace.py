"""The trace: who asked what, which patients it touched and what became of it; of writes in the commit, of reads soon.

Source: `fhir_gateway/interactions/trace.py`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fhir_gateway.fhir.outcome import FhirError, Unavailable
from fhir_gateway.interactions import perform as gate
from fhir_gateway.interactions.interaction import Actor, Interaction
from fhir_gateway.interactions.perform import perform, perform_read_now
from fhir_gateway.interactions.trace import _PAUSE, TraceLog
from fhir_gateway.store import trace
from fhir_gateway.store.complaints import STORE_UNAVAILABLE
from fhir_gateway.store.contract import Store
from tests.interactions.desk import BASE, SYSTEM, Desk, bundle, by, entry, observation, patient

Told = list[dict[str, Any]]


def traced(desk: Desk, **more: Any) -> Desk:
    """Return the same desk with a trace, which nobody writes by himself."""
    return Desk(replace(desk.gateway, trace=TraceLog(desk.gateway.store, 1_000_000, 365, **more)))


@pytest.fixture
def watched(desk: Desk) -> Desk:
    return traced(desk)


def log_of(desk: Desk) -> TraceLog:
    assert desk.gateway.trace is not None
    return desk.gateway.trace


def table(desk: Desk) -> Told:
    with desk.gateway.store.read() as view:
        return trace.records(view)


def told(desk: Desk) -> Told:
    """Return the records, those that wait written first, each without when it was and how long it took."""
    log_of(desk).flush()
    found = table(desk)
    for each in found:
        assert 0 < each.pop("ms") < 60_000
        assert each.pop("time").startswith("20")
    return found


def last(desk: Desk) -> dict[str, Any]:
    return told(desk)[-1]


def patients(desk: Desk, *asked: Any, **more: Any) -> list[str]:
    """Ask, and return the patients that the record of it names."""
    desk.ask(*asked, **more)
    found: list[str] = last(desk).get("patients", [])
    return found


def record(status: int, interaction: str, **more: Any) -> dict[str, Any]:
    return {"status": status, "actor": {"role": "anonyme", "kind": "anonyme"}, "interaction": interaction, **more}


def test_every_act_leaves_a_record_with_the_status_it_was_answered_with(watched: Desk) -> None:
    watched.put(patient("a"))
    watched.ask("GET", "Patient/a")
    watched.refused("GET", "Patient/b")
    watched.ask("POST", "", bundle(entry("GET", "Patient/b"), entry("GET", "Patient?_id=a"), type="batch"))
    a = {"type": "Patient", "id": "a"}
    b = {"type": "Patient", "id": "b"}
    assert told(watched) == [
        record(201, "update", **a, patients=["a"]),
        record(200, "read", **a, resources=1, patients=["a"]),
        record(404, "read", **b, issues=["resource-not-found"]),
        record(404, "read", **b, issues=["resource-not-found"]),
        record(200, "search-type", type="Patient", query="_id=a", resources=1, patients=["a"]),
        record(200, "batch", entries={"GET Patient": 2}, queries=["GET Patient?_id=a"]),
    ]


def test_without_a_trace_nothing_is_recorded(desk: Desk) -> None:
    desk.put(patient("a"))
    desk.ask("GET", "Patient/a")
    assert table(desk) == []


def test_the_record_of_a_write_is_there_with_what_it_wrote(watched: Desk) -> None:
    watched.put(patient("a"))
    watched.ask("PATCH", "Patient/a", patch=[{"op": "add", "path": "/active", "value": True}])
    watched.ask("POST", "Observation", observation("Patient/a"))
    watched.transact(entry("POST", "Patient", patient()), entry("DELETE", "Observation/none"))
    watched.ask(
        "POST", "Patient/a/$meta-add",
        {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"tag": [{"code": "t"}]}}]},
    )  # fmt: skip
    watched.ask("DELETE", "Observation/id-1")
    watched.ask("POST", "Patient/a/$purge", {"resourceType": "Parameters"})
    assert [(each["interaction"], each["status"]) for each in table(watched)] == [
        ("update", 201), ("patch", 200), ("create", 201), ("transaction", 200), ("operation", 200), ("delete", 204),
        ("operation", 200),
    ]  # fmt: skip
    assert log_of(watched).flush() == 0


def test_a_reindex_that_is_asked_for_is_recorded_in_its_commit(watched: Desk) -> None:
    watched.ask("POST", "$reindex", {"resourceType": "Parameters"})
    assert [(each["interaction"], each["operation"]) for each in table(watched)] == [("operation", "reindex")]


def test_a_write_that_is_refused_is_recorded_as_reads_are(watched: Desk) -> None:
    watched.refused("POST", "Observation", observation("Patient/none"))
    watched.refused("PATCH", "Patient/none", patch=[{"op": "add", "path": "/active", "value": True}])
    assert table(watched) == []
    assert [(each["status"], each["issues"]) for each in told(watched)] == [
        (422, ["reference-absent"]),
        (404, ["resource-not-found"]),
    ]


def test_what_a_defect_ends_is_recorded_as_500(watched: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise LookupError

    monkeypatch.setattr(gate, "_act", broken)
    with pytest.raises(LookupError):
        watched.ask("GET", "Patient/a")
    assert last(watched) == record(500, "read", type="Patient", id="a")


def test_a_record_names_the_patients_that_what_is_shown_refers_to(watched: Desk) -> None:
    for id in ("a", "b", "c"):
        watched.put(patient(id))
    watched.put(observation("Patient/a", "1"))
    watched.put(observation("Patient/b", "2", focus=[{"reference": "Patient/c"}]))
    watched.put({"resourceType": "Practitioner", "id": "p"})
    for url, expected in (
        ("Observation/1", ["a"]),
        ("Observation/1/_history/1", ["a"]),
        ("Observation/2/_history", ["b", "c"]),
        ("Observation", ["a", "b", "c"]),
        ("Observation?_count=1&_sort=_id", ["a"]),
        ("Observation?_count=0", []),
        ("Observation?_summary=count", []),
        ("Observation?subject=Patient/a&_include=Observation:subject", ["a"]),
        ("Patient?_id=c&_revinclude=Observation:focus", ["b", "c"]),
        ("Patient/b/$everything", ["b", "c"]),
        ("Patient/c/$everything", ["c"]),
        ("Patient/a/Observation", ["a"]),
        ("Patient/c/Observation?code=nothing", ["c"]),
        ("Patient/c/$meta", ["c"]),
        ("Observation/1/$meta", ["a"]),
        ("Practitioner/p", []),
        ("Practitioner", []),
        ("metadata", []),
    ):
        assert patients(watched, "GET", url) == expected, url


def test_a_record_of_a_write_names_the_patients_it_touches(watched: Desk) -> None:
    for id in ("a", "b", "c"):
        watched.put(patient(id, id))
    assert patients(watched, "POST", "Observation", observation("Patient/a")) == ["a"]
    assert patients(watched, "PUT", "Observation/1", observation("Patient/b", "1")) == ["b"]
    assert patients(watched, "PUT", "Observation/1", observation("Patient/c", "1")) == ["c"]
    assert patients(watched, "DELETE", "Observation/1") == ["c"]
    assert patients(watched, "DELETE", "Observation/1") == []
    assert patients(watched, "POST", "Patient", patient(), if_none_exist=by("a")) == ["a"]
    sent = bundle(
        entry("POST", "Observation", observation("urn:uuid:1")),
        entry("POST", "Patient", patient(value="a"), full_url="urn:uuid:1", ifNoneExist=by("a")),
        entry("POST", "Observation", observation(f"Patient?{by('b')}")),
        entry("GET", "Patient/c"),
    )
    assert patients(watched, "POST", "", sent) == ["a", "b", "c"]
    assert last(watched)["entries"] == {"POST Observation": 2, "POST Patient": 1, "GET Patient": 1}
    assert last(watched)["queries"] == [f"POST Patient if none exist {by('a')}"]
    watched.put(observation("Patient/b", "of-b"))
    assert patients(watched, "POST", "Observation/of-b/$purge", {"resourceType": "Parameters"}) == ["b"]


def test_a_record_has_the_query_as_it_was_sent(watched: Desk) -> None:
    watched.ask("GET", "Patient?family=Le%20Goff&family:exact=%C3%89&_sort=-birthdate&identifier=urn:x|1,urn:x|2")
    assert last(watched)["query"] == ("family=Le+Goff&family:exact=%C3%89&_sort=-birthdate&identifier=urn:x|1,urn:x|2")
    watched.ask("POST", "Patient", patient(), if_none_exist=by("none"))
    assert last(watched)["if_none_exist"] == by("none")
    half = "\ud800"  # of a character: JSON can escape it
    watched.ask("POST", "Patient", patient(), if_none_exist=f"identifier=x|{half}")
    assert last(watched)["if_none_exist"] == "identifier=x|?"
    watched.refused("GET", "Patient?colour=blue")
    assert (last(watched)["query"], last(watched)["issues"]) == ("colour=blue", ["search-parameter-unknown"])


def test_a_record_names_the_actor_as_the_token_does(watched: Desk) -> None:
    actor = Actor("administrateur", "person", "8-1", "https://issuer.example", "dossier", f"{SYSTEM}|750", "8100")
    with pytest.raises(FhirError):
        perform(watched.gateway, Interaction("read", "Patient", "none", base=BASE), actor)
    assert last(watched)["actor"] == {
        "role": "administrateur",
        "kind": "person",
        "subject": "8-1",
        "issuer": "https://issuer.example",
        "client": "dossier",
        "organisation": f"{SYSTEM}|750",
        "rpps": "8100",
    }


def test_no_body_is_in_a_record(watched: Desk) -> None:
    marker = "Xyzzy-Plugh"
    sent = patient("a", name=[{"family": marker}])
    watched.put(sent)
    watched.ask("POST", "", bundle(entry("POST", "Patient", sent)))
    watched.ask("POST", "", bundle(entry("POST", "Patient", sent), type="batch"))
    watched.ask("PATCH", "Patient/a", patch=[{"op": "add", "path": "/gender", "value": "unknown"}])
    watched.ask("POST", "Patient/$validate", sent)
    watched.ask("GET", "Patient/a")
    assert len(told(watched)) == 7
    assert marker not in repr(table(watched))


def test_a_read_at_once_leaves_the_record_of_a_read(watched: Desk) -> None:
    watched.put(patient("a"))
    watched.put(observation("Patient/a", "1"))
    assert perform_read_now(watched.gateway, "Observation", "1").status == 200
    assert last(watched) == record(200, "read", type="Observation", id="1", resources=1, patients=["a"])
    watched.ask("DELETE", "Observation/1")
    for id, status, issue in (("none", 404, "resource-not-found"), ("1", 410, "resource-deleted")):
        with pytest.raises(FhirError):
            perform_read_now(watched.gateway, "Observation", id)
        assert last(watched) == record(status, "read", type="Observation", id=id, issues=[issue])


def test_records_wait_half_a_second_at_most(desk: Desk) -> None:
    assert _PAUSE <= 0.5
    watched = traced(desk)
    log_of(watched).start()
    try:
        watched.ask("GET", "Patient")
        began = time.monotonic()
        while not table(watched):
            assert time.monotonic() - began < 5  # what a busy machine adds is its own affair
            time.sleep(0.01)
    finally:
        log_of(watched).stop()


def test_what_waits_is_written_at_the_end(desk: Desk) -> None:
    watched = traced(desk, pause=60.0)
    log_of(watched).start()
    watched.ask("GET", "Patient")
    log_of(watched).stop()
    assert [each["interaction"] for each in table(watched)] == ["search-type"]


def test_a_reader_who_finds_no_room_writes_what_waits(desk: Desk) -> None:
    watched = traced(desk, bound=10)
    for _ in range(9):
        watched.ask("GET", "Patient")
    assert table(watched) == []
    watched.ask("GET", "Patient")
    assert len(table(watched)) == 10
    assert log_of(watched).lost == 0


def test_what_a_record_shows_takes_room_too(desk: Desk) -> None:
    for number in range(9):
        desk.put(patient(f"p{number}"))
    watched = traced(desk, bound=10)
    watched.ask("GET", "Patient")
    assert len(table(watched)) == 1


class Away:
    """A store that writes nothing for a while."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.away = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def write(self, *work: Any, **more: Any) -> Any:
        if self.away:
            raise Unavailable(STORE_UNAVAILABLE.at(reason="away"))
        return self._store.write(*work, **more)


@pytest.fixture
def away(desk: Desk) -> tuple[Desk, Away]:
    store: Any = Away(desk.gateway.store)
    return traced(Desk(replace(desk.gateway, store=store)), bound=10), store


def test_records_that_cannot_be_written_go_on_waiting(away: tuple[Desk, Away]) -> None:
    watched, store = away
    watched.ask("GET", "Patient")
    store.away = True
    with pytest.raises(Unavailable):
        log_of(watched).flush()
    watched.ask("GET", "Observation")
    store.away = False
    assert [each["type"] for each in told(watched)] == ["Patient", "Observation"]
    assert log_of(watched).lost == 0


def test_records_are_given_up_only_without_room_and_then_counted(
    away: tuple[Desk, Away], caplog: pytest.LogCaptureFixture
) -> None:
    watched, store = away
    store.away = True
    with caplog.at_level(logging.CRITICAL):
        for _ in range(12):
            watched.ask("GET", "Patient")
    assert log_of(watched).lost == 10
    assert log_of(watched).gauges()["trace_lost"][1] == 10
    assert log_of(watched).gauges()["trace_waiting"][1] == 2
    assert [each.message for each in caplog.records] == ["traces lost"]
    store.away = False
    assert len(told(watched)) == 2


def test_the_thread_goes_on_after_the_store_was_away(desk: Desk) -> None:
    store: Any = Away(desk.gateway.store)
    watched = traced(Desk(replace(desk.gateway, store=store)), pause=0.01)
    store.away = True
    log_of(watched).start()
    watched.ask("GET", "Patient")
    time.sleep(0.1)
    store.away = False
    until(lambda: len(table(watched)) == 1)
    log_of(watched).stop()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_many_who_ask_at_once_leave_a_record_each(desk: Desk) -> None:
    watched = traced(desk, bound=50, pause=0.01)
    watched.put(patient("a"))
    log_of(watched).start()

    def ask(number: int) -> None:
        for turn in range(25):
            watched.ask("GET", f"Patient?_id=a&_tag={number}-{turn}")
            watched.ask("PUT", f"Patient/w{number}-{turn}", patient(f"w{number}-{turn}"))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    log_of(watched).stop()
    found = table(watched)
    assert sum(each["interaction"] == "search-type" for each in found) == 100
    assert len({each["query"] for each in found if "query" in each}) == 100
    assert {each["id"] for each in found if each["interaction"] == "update"} == {
        "a", *(f"w{number}-{turn}" for number in range(4) for turn in range(25)),
    }  # fmt: skip
    assert log_of(watched).lost == 0


def test_old_records_go_when_new_ones_are_written(desk: Desk) -> None:
    watched = Desk(replace(desk.gateway, trace=TraceLog(desk.gateway.store, 5, 365, pause=0.01)))
    for _ in range(8):
        watched.ask("GET", "Patient")
    log_of(watched).start()
    until(lambda: len(table(watched)) == 5)
    log_of(watched).stop()

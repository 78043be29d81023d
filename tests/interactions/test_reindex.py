"""$reindex: what is here already is indexed again, in small steps, while others read and write.

Source: `fhir_gateway/interactions/reindex.py`. The complaints of other servers' users, each a test here: it sticks, it
says "completed" without having worked, it blocks others, it deadlocks, it does needless work (microsoft/fhir-server
2200, 3684, 4020; LinuxForHealth/FHIR 2155, 2654).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.outcome import Unavailable
from fhir_gateway.interactions import reindex
from fhir_gateway.interactions.draft import draft
from fhir_gateway.interactions.search_state import keep_up
from fhir_gateway.store import jobs
from fhir_gateway.store.complaints import STORE_UNAVAILABLE
from fhir_gateway.store.contract import Write
from fhir_gateway.store.index.indexer import INDEX_FORMAT
from fhir_gateway.store.layout import INDEX_COLUMNS
from fhir_gateway.store.registry import index_format
from tests.interactions.desk import Desk, observation, patient
from tests.interactions.test_search_parameters_at_run_time import eyes, found, parameter, settle


def forget_rows(desk: Desk) -> None:
    """Take all index rows away, as if the resources had been written by something that knew less."""

    def work(tx: Write) -> None:
        for table in INDEX_COLUMNS:
            tx.rows(f"DELETE FROM {table} RETURNING rid")
        tx.rows("UPDATE resource SET idx_hash = 0 RETURNING rid")

    desk.gateway.store.write(work)


def told(desk: Desk, url: str = "$reindex") -> list[dict[str, Any]]:
    """Return the jobs that an answer names, each as names to values."""
    return [parts(parameter) for parameter in desk.get(url).get("parameter", ())]


def parts(parameter: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in parameter["part"]:
        value = next(part[key] for key in part if key.startswith("value"))
        found[part["name"]] = [*found.get(part["name"], []), value] if part["name"] in ("type", "url") else value
    return found


def start(desk: Desk, url: str = "$reindex") -> int:
    answer = desk.ask("POST", url)
    assert answer.status == 202
    assert answer.body is not None
    (parameter,) = decode(answer.body)["parameter"]
    id = parts(parameter)["id"]
    assert answer.content_location == f"$reindex?job={id}"
    assert isinstance(id, int)
    return id


def test_it_makes_the_rows_that_are_missing_and_no_version(desk: Desk) -> None:
    stored = desk.put(patient("p1", "1", name=[{"family": "Dupont"}]))
    desk.put(observation("Patient/p1", "o1"))
    forget_rows(desk)
    assert found(desk, "Patient?name=dupont") == []
    job = start(desk)
    settle(desk)
    assert found(desk, "Patient?name=dupont") == ["p1"]
    assert found(desk, "Observation?subject:Patient.name=dupont") == ["o1"]
    assert desk.get("Patient/p1") == stored
    assert desk.versions("Patient", "p1") == ["1"]
    (told_of,) = told(desk, f"$reindex?job={job}")
    assert (told_of["state"], told_of["total"], told_of["done"], told_of["written"]) == ("done", 2, 2, 2)
    assert told_of["created"] <= told_of["started"] <= told_of["ended"]


def test_it_writes_nothing_where_nothing_differs(desk: Desk) -> None:
    desk.put(patient("p1", "1", name=[{"family": "Dupont"}], managingOrganization={"display": "x"}))
    desk.put(observation("Patient/p1", "o1"))
    desk.transact(
        {
            "resource": observation("Patient?identifier=urn:oid:1.2.3|1"),
            "request": {"method": "POST", "url": "Observation"},
        }
    )
    start(desk)
    settle(desk)
    (job,) = told(desk)
    assert (job["state"], job["done"], job["written"]) == ("done", 3, 0)


def test_only_the_types_that_are_named_are_indexed_again(desk: Desk) -> None:
    desk.put(patient("p1", "1"))
    desk.put(observation("Patient/p1", "o1"))
    forget_rows(desk)
    start(desk, "$reindex?type=Observation")
    settle(desk)
    assert found(desk, "Observation?status=final") == ["o1"]
    assert found(desk, "Patient?identifier=1") == []
    (job,) = told(desk)
    assert (job["type"], job["done"]) == (["Observation"], 1)


def test_the_types_of_a_search_parameter_are_indexed_again(desk: Desk) -> None:
    desk.put(patient("p1", "1", name=[{"family": "Dupont"}]))
    forget_rows(desk)
    start(desk, "$reindex?url=http://hl7.org/fhir/SearchParameter/individual-family")
    settle(desk)
    assert told(desk)[0]["type"] == ["Patient", "Practitioner"]
    assert found(desk, "Patient?family=dupont") == ["p1"]


def test_deleted_resources_stay_without_rows(desk: Desk) -> None:
    desk.put(patient("p1", "1"))
    desk.ask("DELETE", "Patient/p1")
    start(desk)
    settle(desk)
    assert told(desk)[0]["done"] == 0
    assert found(desk, "Patient?identifier=1") == []


def test_what_is_wrong_with_a_request_is_said_at_once(desk: Desk) -> None:
    refused = desk.refused("POST", "$reindex?type=Malade&type=Patient&url=urn:none")
    assert refused.status == 400
    assert [detail for detail, _ in refused.issues] == ["reindex-type-unknown", "reindex-parameter-unknown"]
    assert desk.refused("GET", "$reindex?job=7").status == 404
    assert desk.refused("POST", "$reindex?cancel=true").issues[0][0] == "operation-input-missing"
    assert desk.refused("GET", "$reindex?type=Patient").issues[0][0] == "reindex-named-with-job"
    assert told(desk) == []


def test_a_job_goes_on_where_it_was_when_its_process_is_gone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reindex, "BATCH", 3)
    for number in range(10):
        desk.put(patient(f"p{number}", str(number)))
    forget_rows(desk)
    start(desk, "$reindex?type=Patient")
    for _ in range(4):  # begin, measure, two batches
        reindex.step(desk.gateway)
    assert told(desk)[0]["done"] == 6
    monkeypatch.setattr(reindex, "_HOLDER", "another process")
    if desk.gateway.store.dialect == "postgresql":
        # The one that is gone may be slow only; the other waits until it has said nothing for a while.
        assert reindex.step(desk.gateway) > 0
        assert told(desk)[0]["done"] == 6
        desk.gateway.store.write(lambda tx: tx.rows("UPDATE job SET held_until = 0 RETURNING id"))
    settle(desk)
    (job,) = told(desk)
    assert (job["state"], job["done"], job["written"]) == ("done", 10, 10)
    assert len(found(desk, "Patient?identifier=urn:oid:1.2.3|")) == 10


def test_a_version_written_meanwhile_keeps_its_own_rows(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.put(patient("p1", "old"))
    forget_rows(desk)
    start(desk, "$reindex?type=Patient")
    for _ in range(2):
        reindex.step(desk.gateway)
    make = reindex._made

    def made_then_updated(*of: Any) -> Any:
        made = make(*of)
        desk.put(patient("p1", "new"))
        return made

    monkeypatch.setattr(reindex, "_made", made_then_updated)
    reindex.step(desk.gateway)
    monkeypatch.setattr(reindex, "_made", make)
    settle(desk)
    assert found(desk, "Patient?identifier=new") == ["p1"]
    assert found(desk, "Patient?identifier=old") == []
    assert desk.versions("Patient", "p1") == ["1", "2"]


def test_two_processes_at_one_job_do_it_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The slow one, taken for gone, comes back with a batch that is done already."""
    monkeypatch.setattr(reindex, "BATCH", 2)
    for number in range(6):
        desk.put(patient(f"p{number}", str(number)))
    forget_rows(desk)
    start(desk, "$reindex?type=Patient")
    for _ in range(2):
        reindex.step(desk.gateway)
    make = reindex._made

    def overtaken(*of: Any) -> Any:
        monkeypatch.setattr(reindex, "_made", make)
        made = make(*of)
        reindex.step(desk.gateway)
        return made

    monkeypatch.setattr(reindex, "_made", overtaken)
    assert reindex.step(desk.gateway) == 0.0
    assert told(desk)[0]["done"] == 2
    settle(desk)
    assert (told(desk)[0]["done"], told(desk)[0]["written"]) == (6, 6)


def test_what_another_is_writing_is_neither_waited_for_nor_forgotten(desk: Desk) -> None:
    if desk.gateway.store.dialect == "sqlite":
        pytest.skip("SQLite has one writer")
    for number in range(3):
        desk.put(patient(f"p{number}", str(number)))
    forget_rows(desk)
    start(desk, "$reindex?type=Patient")
    for _ in range(2):
        reindex.step(desk.gateway)

    class Undone(Exception):
        pass

    def work(tx: Write) -> None:
        tx.rows("SELECT rid FROM resource WHERE fhir_id = 'p1' FOR UPDATE")
        for _ in range(2):
            reindex.step(desk.gateway)  # another connection: it must not wait for this one
        assert told(desk)[0]["done"] == 1
        raise Undone  # so nobody else has indexed it

    with pytest.raises(Undone):
        desk.gateway.store.write(work)
    settle(desk)
    assert (told(desk)[0]["state"], told(desk)[0]["done"]) == ("done", 3)
    assert len(found(desk, "Patient?identifier=urn:oid:1.2.3|")) == 3


def test_a_resource_that_cannot_be_indexed_holds_up_nothing_and_the_job_says_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        desk.put(eyes(f"p{number}", "Brun"))
    desk.put(parameter(id="eyes"))

    def broken(indexer: Any, resource: Any, type: str, id: str, links: Any) -> Any:
        if id == "p1":
            raise ZeroDivisionError
        return draft(indexer, resource, type, id, links)

    monkeypatch.setattr(reindex, "draft", broken)
    settle(desk)
    (job,) = told(desk)
    assert (job["state"], job["done"], job["failed"], job["last-error"]) == ("failed", 3, 1, "not indexed: Patient/p1")
    # Not "completed": a search by it would miss that one.
    monkeypatch.setattr(reindex, "draft", draft)
    keep_up(desk.gateway)
    assert desk.refused("GET", "Patient?eye-colour=brun").issues[0][0] == "search-parameter-not-indexed"
    start(desk, "$reindex?type=Patient")
    assert desk.refused("GET", "Patient?eye-colour=brun").issues[0][0] == "search-parameter-being-indexed"
    settle(desk)
    assert found(desk, "Patient?eye-colour=brun") == ["p0", "p1", "p2"]


def test_a_job_that_is_cancelled_ends_and_stays_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reindex, "BATCH", 1)
    for number in range(3):
        desk.put(patient(f"p{number}", str(number)))
    job = start(desk)
    for _ in range(3):
        reindex.step(desk.gateway)
    answer = desk.ask("POST", f"$reindex?job={job}&cancel=true")
    assert answer.status == 200
    settle(desk)
    assert (told(desk)[0]["state"], told(desk)[0]["done"]) == ("cancelled", 1)
    desk.ask("POST", f"$reindex?job={job}&cancel=true")
    assert told(desk)[0]["state"] == "cancelled"
    assert desk.refused("GET", f"$reindex?job={job}&cancel=true").status == 405


def test_what_stood_in_the_way_is_told_and_tried_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.put(patient("p1", "1"))
    forget_rows(desk)
    start(desk)
    reindex.step(desk.gateway)
    reindex.step(desk.gateway)
    advance = jobs.advance

    def unavailable(*_: Any) -> Any:
        raise Unavailable(STORE_UNAVAILABLE.at(reason="test"))

    monkeypatch.setattr(jobs, "advance", unavailable)
    with pytest.raises(Unavailable):
        reindex.step(desk.gateway)
    assert told(desk)[0]["last-error"] == STORE_UNAVAILABLE.detail
    monkeypatch.setattr(jobs, "advance", advance)
    settle(desk)
    assert told(desk)[0]["state"] == "done"
    assert found(desk, "Patient?identifier=1") == ["p1"]


def test_a_database_of_an_older_index_format_is_indexed_anew_by_itself(desk: Desk) -> None:
    desk.put(patient("p1", "1"))
    forget_rows(desk)
    desk.gateway.store.write(
        lambda tx: tx.rows("DELETE FROM gateway_setting WHERE name = 'index-format' RETURNING name")
    )
    begun = reindex.bring_up_to_date(desk.gateway)
    assert begun is not None
    assert reindex.bring_up_to_date(desk.gateway) is None  # another process that starts
    settle(desk)
    assert found(desk, "Patient?identifier=1") == ["p1"]
    with desk.gateway.store.read() as view:
        assert index_format(view) == INDEX_FORMAT
    assert reindex.bring_up_to_date(desk.gateway) is None
    assert [job["reason"] for job in told(desk)] == ["format"]


def test_an_empty_database_is_of_the_format_of_today(desk: Desk) -> None:
    desk.gateway.store.write(
        lambda tx: tx.rows("DELETE FROM gateway_setting WHERE name = 'index-format' RETURNING name")
    )
    assert reindex.bring_up_to_date(desk.gateway) is None
    with desk.gateway.store.read() as view:
        assert index_format(view) == INDEX_FORMAT
    assert told(desk) == []


def test_other_limits_share_the_search_state(desk: Desk) -> None:
    other = Desk(replace(desk.gateway, limits=replace(desk.gateway.limits, entries=3)))
    desk.put(parameter(id="eyes"))
    settle(desk)
    assert found(other, "Patient?eye-colour=brun") == []

"""Jobs: what they remember, who may change one, and what is indexed again under whose eyes.

Source: `fhir_gateway/store/jobs.py`, `reindexing.py`.
"""

from __future__ import annotations

import threading

from fhir_gateway.store import jobs
from fhir_gateway.store.contract import Create, Locks, Store, Write
from fhir_gateway.store.jobs import Job
from fhir_gateway.store.registry import (
    PARAMETERS_LOCK,
    generation_of,
    number_parameters,
    numbered,
    raise_generation,
)
from fhir_gateway.store.resource_types import ResourceTypes
from tests.store.conftest import TYPES
from tests.store.drafts import draft

LOCKED = Locks(criteria=frozenset({PARAMETERS_LOCK}))


def begun(store: Store, *types: str) -> Job:
    detail = {"types": list(types), "parameters": ["urn:p"], "reason": "request"}
    return store.write(lambda tx: jobs.begin(tx, "reindex", detail), LOCKED)


def now(store: Store, id: int) -> Job:
    with store.read() as view:
        found = jobs.job(view, id)
    assert found is not None
    return found


def test_a_job_is_remembered_as_it_was_begun(store: Store) -> None:
    first = begun(store, "Patient")
    second = begun(store, "Group", "Patient")
    assert (first.id, second.id, now(store, 2)) == (1, 2, second)
    assert now(store, 1).types == ["Patient"]
    with store.read() as view:
        assert [each.id for each in jobs.jobs(view)] == [2, 1]
        assert [each.id for each in jobs.jobs_at_work(view)] == [1, 2]
        assert jobs.job(view, 3) is None


def test_progress_is_saved_and_an_end_is_an_end(store: Store) -> None:
    job = begun(store, "Patient")
    job = store.write(lambda tx: jobs.save(tx, job, state="running", done=3, position=7))
    assert (now(store, 1).state, now(store, 1).done, now(store, 1).position) == ("running", 3, 7)
    store.write(lambda tx: jobs.end(tx, job, "done"))
    ended = now(store, 1)
    assert (ended.state, ended.at_work, ended.done) == ("done", False, 3)
    assert ended.ended > ended.created


def test_only_who_knows_a_job_as_it_stands_may_change_it(store: Store) -> None:
    job = begun(store, "Patient")
    assert store.write(lambda tx: jobs.locked(tx, job))
    store.write(lambda tx: jobs.save(tx, job, position=5))
    assert not store.write(lambda tx: jobs.locked(tx, job))
    before = now(store, 1)
    store.write(lambda tx: jobs.end(tx, before, "cancelled"))
    assert not store.write(lambda tx: jobs.locked(tx, before))


def test_of_two_transactions_one_is_alone(store: Store) -> None:
    if store.dialect == "sqlite":
        assert store.write(lambda tx: tx.alone("text"))  # there is never another
        return
    holds, done = threading.Event(), threading.Event()

    def hold(tx: Write) -> bool:
        mine = tx.alone("text")
        holds.set()
        assert done.wait(10)
        return mine

    results: list[bool] = []
    thread = threading.Thread(target=lambda: results.append(store.write(hold)))
    thread.start()
    assert holds.wait(10)
    assert not store.write(lambda tx: tx.alone("text"))
    assert store.write(lambda tx: tx.alone("another name"))
    done.set()
    thread.join(10)
    assert results == [True]
    assert store.write(lambda tx: tx.alone("text"))


def test_a_job_of_the_same_reason_that_has_not_begun_takes_more_work(store: Store) -> None:
    def begin(tx: Write, type: str, url: str) -> Job:
        return jobs.begin_or_join(tx, "reindex", [type], [url], "parameters")

    first = store.write(lambda tx: begin(tx, "Patient", "urn:a"), LOCKED)
    assert store.write(lambda tx: begin(tx, "Group", "urn:b"), LOCKED).id == first.id
    joined = now(store, first.id)
    assert (joined.types, joined.detail["parameters"]) == (["Group", "Patient"], ["urn:a", "urn:b"])
    store.write(lambda tx: jobs.save(tx, joined, barrier=1))
    assert store.write(lambda tx: begin(tx, "Group", "urn:c"), LOCKED).id == 2


def test_ended_jobs_are_forgotten_one_day_and_those_at_work_never(store: Store) -> None:
    stays = begun(store, "Patient")
    for _ in range(jobs.KEPT + 3):
        job = begun(store, "Group")
        store.write(lambda tx, job=job: jobs.end(tx, job, "done"))  # type: ignore[misc]
    with store.read() as view:
        ids = [each.id for each in jobs.jobs(view)]
    assert ids[-1] == stays.id
    assert len(ids) <= jobs.KEPT + 2


def test_the_generation_is_known_to_who_writes_after_it_was_raised(store: Store) -> None:
    assert store.write(lambda tx: tx.generation) == 0
    store.write(raise_generation)
    assert store.write(lambda tx: tx.generation) == 1
    with store.read() as view:
        assert generation_of(view) == 1


def test_parameters_wait_for_their_job_and_are_released_when_it_is_done(store: Store) -> None:
    job = begun(store, "Patient")
    store.write(lambda tx: number_parameters(tx, {("Patient", "ward"): "urn:w"}, job.id), LOCKED)
    with store.read() as view:
        waiting = numbered(view)
    assert waiting.jobs == {("Patient", "ward"): job.id}
    store.write(lambda tx: jobs.end(tx, job, "failed"))
    with store.read() as view:
        assert numbered(view).jobs == waiting.jobs
    other = begun(store, "Group")
    assert not store.write(lambda tx: jobs.take_over(tx, other), LOCKED)
    third = begun(store, "Patient")
    assert store.write(lambda tx: jobs.take_over(tx, third), LOCKED)
    store.write(lambda tx: jobs.end(tx, third, "done"))
    with store.read() as view:
        released = numbered(view)
    assert (released.jobs, released.pids) == ({}, waiting.pids)


def test_versions_come_type_by_type_by_rid_up_to_the_end(store: Store) -> None:
    types = ResourceTypes(TYPES)
    for number in range(3):
        store.write(lambda tx, n=number: tx.stage([Create(draft("Patient", f"p{n}"))]))  # type: ignore[misc]
    store.write(lambda tx: tx.stage([Create(draft("Group", "g"))]))
    with store.read() as view:
        up_to = jobs.newest_rid(view)
        assert jobs.count_of(view, types, ["Patient", "Group"]) == 4
    store.write(lambda tx: tx.stage([Create(draft("Patient", "later"))]))
    job = begun(store, "Patient", "Observation", "Group")
    job = store.write(lambda tx: jobs.save(tx, job, up_to=up_to))
    seen = []
    while True:
        with store.read() as view:
            stage, versions = jobs.next_versions(view, types, job, 2)
        if not versions:
            break
        seen.append((stage, [each.version.id for each in versions]))
        last = versions[-1].version.rid
        job = store.write(lambda tx, s=stage, r=last, j=job: jobs.save(tx, j, stage=s, position=r))  # type: ignore[misc]
    assert seen == [(0, ["p0", "p1"]), (0, ["p2"]), (2, ["g"])]

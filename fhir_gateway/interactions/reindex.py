"""Reindexing: index rows of resources that are here already, made again in the background; no version is made.

A job goes through the resources in small batches: bodies are read and rows made outside any lock, and written in a
short transaction where they differ and the version is still the same; a newer version brought its own. One process
carries a job out at a time, and any other goes on with it when that one is gone. See `store.jobs`.
"""

from __future__ import annotations

import logging
import os
import secrets
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from fhir_gateway.fhir import structure
from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.outcome import FhirError
from fhir_gateway.interactions.draft import draft
from fhir_gateway.interactions.gateway import Gateway, SearchState
from fhir_gateway.interactions.search_state import REINDEX, renew
from fhir_gateway.interactions.trace import recorded
from fhir_gateway.store import jobs
from fhir_gateway.store.contract import Draft, Locks, Read, Write
from fhir_gateway.store.index.indexer import INDEX_FORMAT
from fhir_gateway.store.jobs import Job
from fhir_gateway.store.registry import PARAMETERS_LOCK, index_format, raise_generation, set_index_format
from fhir_gateway.store.reindexing import Redrafted, Seen, redrafted
from fhir_gateway.store.resource_types import ResourceTypes

logger = logging.getLogger(__name__)

BATCH = 50  # resources of one transaction: a few ms, which another writer may have to wait
IDLE_SECONDS = 2.0  # between looks for jobs that another process has begun
HELD_SECONDS = 10.0  # after which another process goes on with a job whose own says nothing any more
_UNSETTLED_SECONDS = 0.02  # between looks whether the transactions have ended that a job must wait for
_LEFT_SECONDS = 0.05  # between attempts at resources that others are writing
_REST = 1.0  # how long to rest after a batch, in proportion to what the batch took
_HOLDER: Final = secrets.token_hex(8)  # this process, or what it was forked from

_LOCKED = Locks(criteria=frozenset({PARAMETERS_LOCK}))


class _Moved(Exception):
    """The job, or what resources are indexed by, is not any more what the step began with."""


def request(gateway: Gateway, types: Sequence[str], parameters: Sequence[str]) -> Job:
    """Begin a job that indexes all resources of these types again (none named: of all types) and return it.

    `parameters`: urls of the search parameters it is done for. Parameters that wait for a job which was cancelled, or
    failed, wait for this one where it has all of their type.
    """
    wanted = list(types) or sorted(gateway.resource_types)

    def work(tx: Write) -> Job:
        job = jobs.begin(tx, REINDEX, {"types": wanted, "parameters": list(parameters), "reason": "request"})
        if jobs.take_over(tx, job):
            raise_generation(tx)
        return job

    job = gateway.store.write(recorded(work), _LOCKED)
    renew(gateway)
    gateway.bell.set()
    return job


def cancel(gateway: Gateway, id: int) -> Job | None:
    """End a job before its time; one that has ended stays as it is. Return it; None when there is none of this id."""

    def work(tx: Write) -> Job | None:
        job = jobs.claimed(tx, id)
        return jobs.end(tx, job, "cancelled") if job is not None and job.at_work else job

    cancelled = gateway.store.write(recorded(work), _LOCKED)
    gateway.bell.set()
    return cancelled


def bring_up_to_date(gateway: Gateway) -> Job | None:
    """Begin a job for everything when the index rows here are of an older format than this software makes.

    Returns it; None when there is nothing to do, or another process has begun it.
    """
    with gateway.store.read(feed=False) as view:
        if index_format(view) >= INDEX_FORMAT:
            return None

    def work(tx: Write) -> Job | None:
        if index_format(tx) >= INDEX_FORMAT:
            return None
        if jobs.newest_rid(tx) == 0:
            set_index_format(tx)
            return None
        if any(job.detail.get("format") == INDEX_FORMAT for job in jobs.jobs_at_work(tx)):
            return None
        types = sorted(gateway.resource_types)
        return jobs.begin(tx, REINDEX, {"types": types, "parameters": [], "reason": "format", "format": INDEX_FORMAT})

    job = gateway.store.write(work, _LOCKED)
    if job is not None:
        fields = {"job": job.id, "format": INDEX_FORMAT}
        logger.warning("the index is of an older format and is made anew in the background", extra={"fields": fields})
    return job


# --- carrying jobs out


def step(gateway: Gateway) -> float:
    """Do a little of the oldest job that has not ended: a background step."""
    with gateway.store.read(feed=False) as view:
        at_work = jobs.jobs_at_work(view)
    if not at_work:
        return IDLE_SECONDS
    job = at_work[0]
    if gateway.store.dialect == "postgresql":  # a SQLite file is held by one process
        others = (job.held_until - _now()) / 1e6 if job.holder not in ("", _holder()) else 0.0
        if others > 0:
            return min(others, IDLE_SECONDS)
    try:
        return _advanced(gateway, job)
    except _Moved:
        renew(gateway)
        return 0.0
    except Exception as error:
        _note(gateway, job, error)
        raise


def _advanced(gateway: Gateway, job: Job) -> float:
    if job.barrier == 0:
        return _begin(gateway, job)
    if job.up_to == 0:
        return _measure(gateway, job)
    return _batch(gateway, job)


def _begin(gateway: Gateway, job: Job) -> float:
    """Take the job, and the instant that all writers at work must have passed before it can begin."""

    def work(tx: Write) -> None:
        if jobs.locked(tx, job):
            jobs.save(tx, job, barrier=tx.instant, started=tx.instant, **_held())

    gateway.store.write(work, _LOCKED)
    return 0.0


def _measure(gateway: Gateway, job: Job) -> float:
    """Find out up to which rid there is something to do, once all that writes without knowing of it has ended."""
    types = _types(gateway)
    with gateway.store.read() as view:
        if not _settled(view, job):
            return _UNSETTLED_SECONDS
        # 1 is the rid of nothing.
        up_to, total = jobs.newest_rid(view) or 1, jobs.count_of(view, types, job.types)

    def work(tx: Write) -> None:
        if jobs.locked(tx, job):
            jobs.save(tx, job, state="running", up_to=up_to, total=total, **_held())

    gateway.store.write(work)
    logger.info("reindex begun", extra={"fields": {"job": job.id, "total": total}})
    return 0.0


def _settled(view: Read, job: Job) -> bool:
    # SQLite has one writer: what began before has ended.
    return view.dialect == "sqlite" or view.certain[0] > job.barrier


def _batch(gateway: Gateway, job: Job) -> float:
    begun = time.monotonic()
    state = gateway.searching.state
    made = _made(gateway, state, job)
    if made is None:
        return _finish(gateway, job)

    def work(tx: Write) -> Job:
        if tx.generation != state.generation or not jobs.locked(tx, job):
            raise _Moved
        held = jobs.save(tx, job, **_held())
        return jobs.advance(tx, held, made.stage, made.drafts, made.failed, made.last)

    after = gateway.store.write(work)
    if after.position != made.last:
        return _LEFT_SECONDS
    return (time.monotonic() - begun) * _REST


class _Batch(NamedTuple):
    stage: int
    drafts: list[Redrafted]
    failed: list[Seen]
    last: int  # rid


def _made(gateway: Gateway, state: SearchState, job: Job) -> _Batch | None:
    """Return the next batch of a job, ready to be written; None when there is nothing left to do."""
    with gateway.store.read(feed=False) as view:
        stage, versions = jobs.next_versions(view, _types(gateway), job, BATCH)
        if not versions:
            return None
        drafts, failed = _drafts(state, versions)
        return _Batch(stage, redrafted(view, drafts), failed, versions[-1].version.rid)


def _drafts(state: SearchState, versions: Sequence[Seen]) -> tuple[list[tuple[Seen, Draft]], list[Seen]]:
    """Return the versions with drafts that have their index rows, and those that none could be made of."""
    drafts: list[tuple[Seen, Draft]] = []
    failed: list[Seen] = []
    for seen in versions:
        type, id = seen.version.key
        try:
            resource = decode(seen.version.body)
            links = structure.links(resource, state.definitions.types, False)
            drafts.append((seen, draft(state.indexer, resource, type, id, links)))
        except Exception as error:  # one resource does not hold up the others: told, and counted
            failed.append(seen)
            logger.error("resource not indexed", exc_info=error, extra={"fields": {"type": type, "id": id}})
    return drafts, failed


def _finish(gateway: Gateway, job: Job) -> float:
    def work(tx: Write) -> Job:
        if not jobs.locked(tx, job):
            raise _Moved
        if job.failed:
            return jobs.end(tx, job, "failed")
        if "format" in job.detail:
            set_index_format(tx, job.detail["format"])
        raise_generation(tx)
        return jobs.end(tx, job, "done")

    after = gateway.store.write(work, _LOCKED)
    renew(gateway)
    seconds = round((after.ended - after.started) / 1e6, 3)
    fields = {"job": job.id, "state": after.state, "done": after.done, "written": after.written, "seconds": seconds}
    logger.info("reindex ended", extra={"fields": fields})
    return 0.0


def _holder() -> str:
    return f"{_HOLDER}-{os.getpid()}"


def _held() -> dict[str, object]:
    return {"holder": _holder(), "held_until": _now() + int(HELD_SECONDS * 1e6)}


def _note(gateway: Gateway, job: Job, error: Exception) -> None:
    """Note with the job what stood in its way, for who asks how far it is; the background tries again."""
    if isinstance(error, FhirError):
        what = ", ".join(issue.complaint.detail for issue in error.issues)
    else:
        what = type(error).__name__

    def work(tx: Write) -> None:
        now = jobs.claimed(tx, job.id)
        if now is not None and now.at_work:
            jobs.save(tx, now, error=what)

    try:
        gateway.store.write(work)
    except FhirError as second:
        codes = [issue.complaint.detail for issue in second.issues]
        logger.warning("job not noted", extra={"fields": {"job": job.id, "refusal": codes}})


def _types(gateway: Gateway) -> ResourceTypes:
    return ResourceTypes(gateway.definitions.types.resources)


def _now() -> int:
    return time.time_ns() // 1000

"""Long work that outlives a request: jobs, how far they are, and which process carries one out.

What a job is about is its `detail`. It goes through `detail["types"]` one by one (`stage` is the place in that list),
in each by ascending rid (`position` is the last one done) up to `up_to`; what came later came with rows of its own.
Progress is written in the commit of the work it tells of, so a job goes on where it was, whatever ended its process.

A job changes what resources are searched by only once no transaction is at work that began before it did: `barrier` is
an instant given out after the job was committed, and who has a greater one knows the new generation
(`Write.generation`); the job waits until all smaller ones have ended (`Read.certain`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import msgspec

from fhir_gateway.store.contract import Read, Write
from fhir_gateway.store.registry import release_parameters
from fhir_gateway.store.reindexing import Redrafted, Seen
from fhir_gateway.store.resource_types import ResourceTypes
from fhir_gateway.store.writer import Writer

State = Literal["waiting", "running", "done", "failed", "cancelled"]
AT_WORK = ("waiting", "running")
KEPT = 100  # jobs that have ended and are remembered


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands; counts are of resources, instants in µs (0: not yet)."""

    id: int
    kind: str
    state: State
    detail: Mapping[str, Any]
    error: str = ""  # the last one
    total: int = 0
    done: int = 0
    written: int = 0
    failed: int = 0
    stage: int = 0
    position: int = 0
    up_to: int = 0
    barrier: int = 0
    created: int = 0
    started: int = 0
    ended: int = 0
    holder: str = ""
    held_until: int = 0

    @property
    def at_work(self) -> bool:
        return self.state in AT_WORK

    @property
    def types(self) -> list[str]:
        """The resource types it goes through."""
        return list(self.detail["types"])


_COLUMNS = tuple(field.name for field in fields(Job))
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM job"
_CHANGING = ("state", "error", "total", "done", "written", "failed", "stage", "position", "up_to", "barrier",
             "started", "ended", "holder", "held_until")  # fmt: skip
_UPDATE = f"UPDATE job SET {', '.join(f'{name} = ?' for name in _CHANGING)} WHERE id = ? RETURNING id"


def jobs(view: Read) -> list[Job]:
    """Return all jobs that are remembered, the newest first."""
    return [_job(row) for row in view.rows(f"{_SELECT} ORDER BY id DESC")]


def jobs_at_work(view: Read) -> list[Job]:
    """Return the jobs that have not ended, the oldest first."""
    return [_job(row) for row in view.rows(f"{_SELECT} WHERE state IN ('waiting', 'running') ORDER BY id")]


def job(view: Read, id: int) -> Job | None:
    """Return a job; None when there is none of this number."""
    found = view.rows(f"{_SELECT} WHERE id = ?", (id,))
    return _job(found[0]) if found else None


def _job(row: Sequence[Any]) -> Job:
    values = dict(zip(_COLUMNS, row, strict=True))
    return Job(**{**values, "detail": msgspec.json.decode(bytes(values["detail"]))})


def begin(tx: Write, kind: str, detail: Mapping[str, Any]) -> Job:
    """Make a job that waits to be carried out. The transaction holds `registry.PARAMETERS_LOCK`."""
    newest = tx.rows("SELECT max(id) FROM job")[0][0] or 0
    made = Job(newest + 1, kind, "waiting", detail, created=tx.instant)
    row = [msgspec.json.encode(detail) if name == "detail" else getattr(made, name) for name in _COLUMNS]
    assert isinstance(tx, Writer)
    tx.insert("job", _COLUMNS, [tuple(row)])
    tx.rows("DELETE FROM job WHERE id <= ? AND state NOT IN ('waiting', 'running') RETURNING id", (newest - KEPT,))
    return made


def begin_or_join(tx: Write, kind: str, types: Sequence[str], parameters: Sequence[str], reason: str) -> Job:
    """Make a job, or let one of the same reason that has not begun yet do its work too. Locked as for `begin`."""
    for waiting in jobs_at_work(tx):
        if waiting.kind == kind and waiting.detail["reason"] == reason and waiting.barrier == 0:
            both = {
                "types": sorted({*waiting.types, *types}),
                "parameters": sorted({*waiting.detail["parameters"], *parameters}),
                "reason": reason,
            }
            tx.rows("UPDATE job SET detail = ? WHERE id = ? RETURNING id", (msgspec.json.encode(both), waiting.id))
            return replace(waiting, detail=both)
    return begin(tx, kind, {"types": list(types), "parameters": list(parameters), "reason": reason})


def save(tx: Write, job: Job, **changes: Any) -> Job:
    """Write what changed about a job, and return it as it is then."""
    changed = replace(job, **changes)
    tx.rows(_UPDATE, (*(getattr(changed, name) for name in _CHANGING), job.id))
    return changed


def end(tx: Write, job: Job, state: State, **changes: Any) -> Job:
    """Note that a job has ended; when it is done, what waited for it can be searched by."""
    if state == "done":
        release_parameters(tx, job.id)
    return save(tx, job, state=state, ended=tx.instant, holder="", held_until=0, **changes)


def locked(tx: Write, job: Job) -> bool:
    """Tell whether this transaction alone may change the job, and it still stands as `job` says."""
    if not tx.alone(f"job {job.id}"):
        return False
    now = claimed(tx, job.id)
    if now is None:
        return False
    mine = (job.state, job.stage, job.position, job.barrier, job.up_to)
    return (now.state, now.stage, now.position, now.barrier, now.up_to) == mine


def claimed(tx: Write, id: int) -> Job | None:
    """Return a job as it stands, which nobody else changes before this transaction ends."""
    assert isinstance(tx, Writer)
    found = tx.rows(f"{_SELECT} WHERE id = ?{tx.claimed}", (id,))
    return _job(found[0]) if found else None


def advance(tx: Write, job: Job, stage: int, drafts: Sequence[Redrafted], failed: Sequence[Seen], last: int) -> Job:
    """Write index rows of versions, up to the rid `last`, and how far the job is with them.

    `failed`: versions that no rows could be made of. What another transaction is writing at this moment is left for
    the next time.
    """
    assert isinstance(tx, Writer)
    outcome = tx.reindex(drafts)
    position = min(outcome.left) - 1 if outcome.left else last
    missed = [seen.version for seen in failed if seen.version.rid <= position]
    named = ", ".join(f"{version.type}/{version.id}" for version in missed[:10])
    return save(
        tx,
        job,
        stage=stage,
        position=position,
        done=job.done + sum(each.seen.version.rid <= position for each in drafts) + len(missed),
        written=job.written + outcome.written,
        failed=job.failed + len(missed),
        error=f"not indexed: {named}" if missed else job.error,
    )


def next_versions(view: Read, types: ResourceTypes, job: Job, limit: int) -> tuple[int, list[Seen]]:
    """Return the stage where there is still something to do, and there the next current versions by rid."""
    position = job.position
    for stage in range(job.stage, len(job.types)):
        found = view.rows(
            "SELECT rtype, fhir_id, rid, vid, last_updated, deleted, body, idx_hash FROM resource"
            " WHERE rtype = ? AND deleted = 0 AND rid > ? AND rid <= ? ORDER BY rid LIMIT ?",
            (types.number(job.types[stage]), position, job.up_to, limit),
        )
        if found:
            return stage, [Seen(types.version(row[:7]), row[7]) for row in found]
        position = 0
    return len(job.types), []


def newest_rid(view: Read) -> int:
    """Return the greatest rid that this view sees; 0 when there is nothing."""
    rid: int | None = view.rows("SELECT max(rid) FROM resource")[0][0]
    return rid or 0


def count_of(view: Read, types: ResourceTypes, names: Sequence[str]) -> int:
    """Return how many current resources there are of these types."""
    counts = view.rows("SELECT rtype, count(*) FROM resource WHERE deleted = 0 GROUP BY rtype")
    wanted = {types.number(name) for name in names}
    return sum(count for rtype, count in counts if rtype in wanted)


def take_over(tx: Write, job: Job) -> bool:
    """Let parameters wait for this job that wait for one which ended without being done; return whether there are any.

    Only those of types that this job goes through. Locked as for `begin`.
    """
    waiting = tx.rows("SELECT pid, type, job FROM search_parameter WHERE job <> 0")
    at_work = {each.id for each in jobs_at_work(tx)}
    types = frozenset(job.types)
    taken = [pid for pid, type, other in waiting if type in types and other not in at_work]
    for pid in taken:
        tx.rows("UPDATE search_parameter SET job = ? WHERE pid = ? RETURNING pid", (job.id, pid))
    return bool(taken)

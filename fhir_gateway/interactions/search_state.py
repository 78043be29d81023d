"""What resources are indexed and searched by, replaced at run time: SearchParameters that come, change and go.

A SearchParameter resource is compiled when it is written, all that is wrong with it refused before the commit. In that
very commit its parameters get their numbers, a job that indexes the resources that are here (`reindex`), and the
store's generation is raised. Each process reads the new state when it sees that: the writer after its commit, others
within a second, and each write before it commits, so that no resource is written without rows of a parameter that it
does not know yet.

Source: FHIR R4, SearchParameter; Search, "Introduction" (servers may support further parameters).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fhir_gateway.conformance.custom_parameters import CustomParameter, CustomParameters, custom_parameters
from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.outcome import Issue, Unavailable, Unprocessable
from fhir_gateway.interactions import complaints
from fhir_gateway.interactions.gateway import Gateway, SearchState
from fhir_gateway.interactions.refusals import Refusals
from fhir_gateway.store import jobs
from fhir_gateway.store.contract import Delete, Read, Write
from fhir_gateway.store.index.indexer import Indexer, indexed
from fhir_gateway.store.registry import (
    Numbered,
    Parameter,
    generation_of,
    number_parameters,
    numbered,
    raise_generation,
)
from fhir_gateway.store.search.registry import Pending

if TYPE_CHECKING:
    from fhir_gateway.interactions.plan import Plan

logger = logging.getLogger(__name__)

TYPE = "SearchParameter"
POLL_SECONDS = 1.0
REINDEX = "reindex"  # the kind of job
_LOOK_SECONDS = 0.005

Resource = Mapping[str, Any]


# --- the state of the moment


def keep_up(gateway: Gateway) -> float:
    """Read the search state again when another process has changed it, and how far jobs are: a background step."""
    renew(gateway)
    _progress(gateway)
    return POLL_SECONDS


def renew(gateway: Gateway) -> bool:
    """Put the search state that the store holds now in place of an older one; return whether there was one."""
    searching = gateway.searching
    with searching.lock:
        with gateway.everything.store.read(feed=False) as view:
            if generation_of(view) == searching.state.generation:
                return False
            known = numbered(view)
            resources = stored_parameters(view, gateway)
            at_work = {job.id: job for job in jobs.jobs(view)}
        searching.state = _state(searching.state, known, resources, at_work)
    return True


def stored_parameters(view: Read, gateway: Gateway) -> dict[str, Resource]:
    """Return the SearchParameters that are stored here, by id, the eldest first."""
    rows = view.rows(
        "SELECT fhir_id, body FROM resource WHERE rtype = ? AND deleted = 0 ORDER BY rid",
        (gateway.registry.rtypes[TYPE],),
    )
    return {id: decode(bytes(body)) for id, body in rows}


def _state(
    before: SearchState, known: Numbered, resources: Mapping[str, Resource], at_work: Mapping[int, jobs.Job]
) -> SearchState:
    together = beside(resources, before.offered)
    custom, refused = custom_parameters(before.definitions, together, indexed, before.custom)
    for id, issues in refused.items():
        if id in before.offered:
            continue  # told when the packages were taken in
        # Written before this server knew why not, or by an earlier version of it.
        fields = {"search_parameter": id, "refusal": [issue.complaint.detail for issue in issues]}
        logger.error("a stored SearchParameter has no effect", extra={"fields": fields})
    definitions = before.definitions.with_parameters(custom.by_type())
    effective = {key for key, _ in custom}
    pending = {key: _pending(job, at_work) for key, job in known.jobs.items() if key in effective}
    parameters = definitions.search_parameters
    indexer = before.indexer
    if not _selects_the_same(custom, before.custom):
        indexer = Indexer(parameters, known.pids, before.registry.base)
    registry = before.registry.with_parameters(parameters, known.pids, pending)
    return SearchState(definitions, indexer, registry, known.generation, custom, before.offered)


def beside(stored: Mapping[str, Resource], offered: Mapping[str, Resource]) -> dict[str, Resource]:
    """Return stored SearchParameters, and those of packages whose urls no stored one has."""
    urls = {each.get("url") for each in stored.values()}
    return {**stored, **{name: each for name, each in offered.items() if each.get("url") not in urls}}


def _pending(id: int, at_work: Mapping[int, jobs.Job]) -> Pending:
    job = at_work.get(id)
    return Pending(id, state="cancelled") if job is None else Pending(id, job.done, job.total, job.state)


def _selects_the_same(now: CustomParameters, before: CustomParameters) -> bool:
    old = dict(before)
    return dict(now).keys() == old.keys() and all(custom.selects_like(old[key]) for key, custom in now)


def _progress(gateway: Gateway) -> None:
    """Note how far the jobs are that searches wait for, to be told to who asks meanwhile."""
    pending = gateway.registry.pending
    if not pending:
        return
    with gateway.store.read(feed=False) as view:
        at_work = {job.id: job for job in jobs.jobs(view)}
    for each in {waits.job: waits for waits in pending.values()}.values():
        job = at_work.get(each.job)
        for waits in pending.values():
            if job is not None and waits.job == each.job:
                waits.done, waits.total, waits.state = job.done, job.total, job.state


# --- a write of SearchParameters


@dataclass(frozen=True, slots=True)
class Change:
    """What a write does to the search parameters: those it adds or changes, and what must be indexed for them."""

    generation: int  # of the state it rests on
    changed: Mapping[Parameter, str]  # urls of those that are new or select something else
    effective: bool  # whether anything at all differs

    @property
    def types(self) -> list[str]:
        """The resource types to be indexed again."""
        return sorted({type for type, _ in self.changed})


def plan_change(gateway: Gateway, planned: Plan) -> Change | None:
    """Return what a planned write does to the search parameters; None when it has none.

    Raises: Unprocessable with all that is wrong with the SearchParameters it would store, or that are left with
    components that are gone.
    """
    entries = {key[1]: index for index in planned.resources if (key := planned.identities[index].keys[0])[0] == TYPE}
    gone = {
        command.id: index for command, index in planned.commands if isinstance(command, Delete) and command.type == TYPE
    }
    if not entries and not gone:
        return None
    state = gateway.searching.state
    stored = {id: custom.resource for id, custom in state.custom.by_id.items() if id not in state.offered}
    others = {id: resource for id, resource in stored.items() if id not in entries and id not in gone}
    written = {id: planned.resources[index] for id, index in entries.items()}
    taken = beside({**others, **written}, state.offered)
    # Who comes last finds its code taken.
    after = {**{id: each for id, each in taken.items() if id not in written}, **written}
    custom, refused = custom_parameters(state.definitions, after, indexed, state.custom)
    refusals = Refusals()
    for id, issues in refused.items():
        if id in entries:
            entry = planned.entries[entries[id]]
            refusals.add(Unprocessable, *map(entry.moved, issues))
        elif id in state.custom.by_id:
            index = next(iter({**gone, **entries}.values()))
            refusals.add(Unprocessable, planned.entries[index].placed(_needed(state.custom.by_id[id])))
    refusals.raise_any()
    return _difference(state, custom)


def _needed(other: CustomParameter) -> Issue:
    return complaints.SEARCH_PARAMETER_NEEDED.at(url=other.definition.url, id=other.id)


def _difference(state: SearchState, custom: CustomParameters) -> Change:
    before = dict(state.custom)
    changed = {key: each.definition.url for key, each in custom if not each.selects_like(before.get(key))}
    says = {id: each.definition for id, each in custom.by_id.items()}
    said = {id: each.definition for id, each in state.custom.by_id.items()}
    return Change(state.generation, changed, says != said)


def write_change(tx: Write, change: Change) -> None:
    """Number the parameters that are new, begin the job that indexes by them, and raise the generation."""
    if not change.effective:
        return
    if change.changed:
        job = jobs.begin_or_join(tx, REINDEX, change.types, sorted(set(change.changed.values())), "parameters")
        number_parameters(tx, change.changed, job.id)
    raise_generation(tx)


def take_effect(gateway: Gateway) -> None:
    """Put a change that was committed into effect here, and wait a moment for the reindex that it began.

    Where there is little to index, the parameters can be searched by when their write is answered.
    """
    try:
        renew(gateway)
    except Unavailable as refusal:
        # It is committed, whatever became of the database since; `keep_up` reads it when that is back.
        codes = [issue.complaint.detail for issue in refusal.issues]
        logger.warning("search parameters not read yet", extra={"fields": {"refusal": codes}})
    wait_for_index(gateway)


def wait_for_index(gateway: Gateway) -> None:
    """Wait a moment for what the background indexes: where little is stored, it can be searched by at once."""
    gateway.bell.set()
    deadline = time.monotonic() + gateway.limits.reindex_seconds
    while gateway.registry.pending and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)

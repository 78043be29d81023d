"""The SearchParameters of installed packages, taken in at start: they serve beside those that are stored here.

What resources are indexed by is noted in the database. Where a package brings a parameter that is not noted so, because
the package is new, is another version, or was away meanwhile, a job indexes the resources that are here, if there are
any. A stored SearchParameter of the same url stands for the package's; one of the same code and type keeps it out.

Source: FHIR R4, SearchParameter; FHIR NPM Packages specification.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fhir_gateway.conformance.custom_parameters import CustomParameter, CustomParameters, custom_parameters
from fhir_gateway.fhir.json import encode
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.search_state import REINDEX, beside, renew, stored_parameters
from fhir_gateway.store import jobs
from fhir_gateway.store.contract import Locks, Write
from fhir_gateway.store.index.indexer import indexed
from fhir_gateway.store.registry import (
    PARAMETERS_LOCK,
    Parameter,
    number_parameters,
    offered_parameters,
    raise_generation,
    set_offered_parameters,
)

logger = logging.getLogger(__name__)

_LOCKED = Locks(criteria=frozenset({PARAMETERS_LOCK}))


def take_in(gateway: Gateway) -> None:
    """Let the SearchParameters that packages offer take effect, and begin the job that indexes by those that are new.

    What forbids one is logged. Raises: Unavailable when the database does not answer.
    """
    offered = gateway.offers.search_parameters
    state = gateway.searching.state
    with gateway.store.read(feed=False) as view:
        stored = stored_parameters(view, gateway)
        before = offered_parameters(view)
    if not offered and not before:
        return
    custom, refused = custom_parameters(state.definitions, beside(stored, offered), indexed, state.custom)
    for name in refused.keys() & offered.keys():
        fields = {"search_parameter": offered[name]["url"], "refusal": [each.text() for each in refused[name]]}
        logger.warning("a SearchParameter of a package has no effect", extra={"fields": fields})
    taken = _of(custom, offered)
    now = {_name(key): _fingerprint(each) for key, each in taken.items()}
    if now != before:
        gateway.store.write(lambda tx: _note(tx, taken, now), _LOCKED)
    with gateway.searching.lock:
        # Whatever generation it was, it is read again with what the packages offer.
        gateway.searching.state = replace(gateway.searching.state, offered=offered, generation=-1)
    renew(gateway)


def _of(custom: CustomParameters, offered: Mapping[str, Any]) -> dict[Parameter, CustomParameter]:
    return {key: each for key, each in custom if each.id in offered}


def _note(tx: Write, taken: Mapping[Parameter, CustomParameter], now: Mapping[str, str]) -> None:
    before = offered_parameters(tx)  # another process may have done it meanwhile
    new = {key: each.definition.url for key, each in taken.items() if before.get(_name(key)) != now[_name(key)]}
    if new and jobs.newest_rid(tx) == 0:
        number_parameters(tx, new)  # nothing is here that would have to be indexed
    elif new:
        types = sorted({type for type, _ in new})
        job = jobs.begin_or_join(tx, REINDEX, types, sorted(set(new.values())), "parameters")
        number_parameters(tx, new, job.id)
        logger.info("resources are indexed by the parameters of packages", extra={"fields": {"parameters": len(new)}})
    if before != now:
        set_offered_parameters(tx, now)
        raise_generation(tx)


def _name(key: Parameter) -> str:
    return ":".join(key)


def _fingerprint(custom: CustomParameter) -> str:
    """Return what changes when a parameter selects something else."""
    said = {name: custom.resource.get(name) for name in ("url", "type", "expression", "component")}
    return hashlib.sha256(encode(said)).hexdigest()[:16]

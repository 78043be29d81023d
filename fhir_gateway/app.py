"""The gateway put together: definitions, store, acts, door."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
import sys
import time
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import date
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

from fhir_gateway.conformance.definitions import Definitions, definitions
from fhir_gateway.conformance.known_packages import packages_of
from fhir_gateway.conformance.package_folder import users_folder
from fhir_gateway.conformance.package_offers import offers_of
from fhir_gateway.delivery.mllp_client import BadCertificates
from fhir_gateway.feeds import opened_feeds
from fhir_gateway.fhir import structure
from fhir_gateway.fhir.outcome import FhirError, InvalidRequest
from fhir_gateway.interactions import dossier_summaries, full_text
from fhir_gateway.interactions.access import Rights
from fhir_gateway.interactions.background import Background, Step, Task
from fhir_gateway.interactions.deposits import collectors_from, opened_deposits
from fhir_gateway.interactions.gateway import Gateway, Limits, Searching, SearchState
from fhir_gateway.interactions.interaction import ANONYME, Actor, Answer, Conditions
from fhir_gateway.interactions.package_parameters import take_in
from fhir_gateway.interactions.perform import perform, perform_read_now
from fhir_gateway.interactions.platform_files import BadPlatformFiles, PlatformFiles
from fhir_gateway.interactions.read import answer_with
from fhir_gateway.interactions.reindex import bring_up_to_date
from fhir_gateway.interactions.reindex import step as reindex
from fhir_gateway.interactions.retention import Retention
from fhir_gateway.interactions.search_codes import SearchedCodes
from fhir_gateway.interactions.search_state import keep_up, renew, wait_for_index
from fhir_gateway.interactions.terminology import Terminology
from fhir_gateway.interactions.trace import TraceLog
from fhir_gateway.interactions.urls import interaction_from
from fhir_gateway.interactions.validation import Validation
from fhir_gateway.mllp.tls import BadCertificate
from fhir_gateway.policy.clients import BadClients
from fhir_gateway.policy.collectors import BadCollectors, collectors_of
from fhir_gateway.policy.destinations import NOWHERE
from fhir_gateway.policy.partners import BadPartners, partners_of
from fhir_gateway.policy.policy import BadPolicy, load
from fhir_gateway.rest import log
from fhir_gateway.rest.answer import Acts, NotAtHand
from fhir_gateway.rest.dispatch import App, Door
from fhir_gateway.rest.identity import Identity
from fhir_gateway.rest.metrics import Metrics
from fhir_gateway.rest.oauth import Oauth, metadata_url
from fhir_gateway.rest.representations import Representations
from fhir_gateway.rest.site import Site
from fhir_gateway.rest.version import VERSION
from fhir_gateway.settings import Settings
from fhir_gateway.store import open_store
from fhir_gateway.store.contract import Store
from fhir_gateway.store.index.indexer import Indexer, indexed
from fhir_gateway.store.postgres_lane import PostgresLane
from fhir_gateway.store.registry import page_key, parameter_ids
from fhir_gateway.store.resource_types import ResourceTypes
from fhir_gateway.store.search.complaints import NOT_A_SEARCH
from fhir_gateway.store.search.explain import Explained, explain
from fhir_gateway.store.search.query import parse
from fhir_gateway.store.search.registry import Limits as SearchLimits
from fhir_gateway.store.search.registry import Registry
from fhir_gateway.store.terminology.systems import LoadedSystems
from fhir_gateway.terminology.at_hand import LiveLibrary
from fhir_gateway.terminology.shipped import shipped
from fhir_gateway.transform.complaints import MappingError
from fhir_gateway.trust import NoTrust, Trust, trust_of

if TYPE_CHECKING:
    from fhir_gateway.conformance.packages import Packages
    from fhir_gateway.conformance.validation.validator import Validator
    from fhir_gateway.terminology.catalog import Catalog

logger = logging.getLogger(__name__)

# A thread that parses a large bundle holds the interpreter; the event loop asks for it back after so many seconds.
_SWITCH_SECONDS = 0.001
# Most objects of a request die with it by their count; looking for cycles as often as Python does finds few.
GC_THRESHOLDS = (50_000, 20, 100)


_SOON_SECONDS = 0.05


def _warming(after: float) -> Step:
    """Return the step that compiles rules; before an instant (monotonic) what searches wait for goes first."""

    def step(gateway: Gateway) -> float:
        if gateway.registry.pending and time.monotonic() < after:
            return _SOON_SECONDS
        return gateway.validation.warm(gateway)

    return step


# What is done beside the requests, in small steps.
_TASKS: tuple[Task, ...] = (
    ("search-parameters", keep_up),
    ("reindex", reindex),
    ("full-text", full_text.step),
    ("dossier-summaries", dossier_summaries.step),
)


# The GNU C library's heap keeps blocks of up to 32 MB once one was freed, each where it lay: those of a megabyte and
# more are to be taken from the system one by one, so that what a large document took goes back (mallopt).
_MMAP_THRESHOLD, _MMAP_BYTES = -3, 1024 * 1024


def _return_large_blocks() -> None:
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # other C libraries return them anyway
        mallopt(_MMAP_THRESHOLD, _MMAP_BYTES)


def served(settings: Settings) -> App:
    """Return the application of a server process, with the process set up for it: logs, garbage collection."""
    log.configure(settings.log_level)
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.set_threshold(*GC_THRESHOLDS)
    _return_large_blocks()
    return create_app(settings)


def create_app(settings: Settings) -> App:
    """Return the ASGI application; its lifespan opens the database and closes it."""
    begun = time.perf_counter()
    metrics = Metrics(settings.metrics_folder)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            trust = trust_of(settings)
            oauth = Oauth(settings, trust.builtin) if trust is not None else None
            collectors = collectors_from(settings.collectors)
            gateway = open_gateway(settings, None if oauth is None else oauth.security())
        except Exception as error:
            logger.error("cannot open", extra={"fields": {"reason": _reason(error)}})
            raise
        metrics.gauges = partial(gauges, gateway)
        site.resource_types = gateway.definitions.types.resources
        site.check = partial(check, gateway)
        site.oauth = oauth
        lane = _lane(settings, gateway)
        identity = _identity(settings, trust)
        door.open(_acts(gateway, lane, identity))
        site.messages.identity = identity
        warm = _warming(time.monotonic() + gateway.limits.reindex_seconds)
        retention = Retention(settings.message_days, settings.outgoing_days)
        background = Background(gateway, (*_TASKS, ("retention", retention), ("validation", warm)))
        background.start()
        if gateway.trace is not None:
            gateway.trace.start()
        wait_for_index(gateway)
        feeds = await opened_feeds(settings, gateway, site.messages)
        site.refused = lambda: feeds.refused
        deposits = opened_deposits(gateway, collectors)
        metrics.gauges = lambda: gauges(gateway) | feeds.gauges()
        # What was made so far stays: no collection need look at it again.
        gc.collect()
        gc.freeze()
        seconds = round(time.perf_counter() - begun, 3)
        logger.info("open", extra={"fields": {"seconds": seconds, "database": gateway.store.dialect}})
        try:
            yield
        finally:
            await feeds.close(settings.stop_timeout)
            if deposits is not None:
                await asyncio.to_thread(deposits.stop, settings.stop_timeout)
            site.check = None
            site.refused = None
            site.oauth = None
            if oauth is not None:
                oauth.close()
            door.close()
            background.stop()
            if lane is not None:
                await lane.close()
            if gateway.trace is not None:
                gateway.trace.stop()
            gateway.store.close()
            gc.unfreeze()
            logger.info("closed")

    site = Site(settings, metrics, lifespan)
    door = Door(settings, site.app, metrics, site.beside_fhir)
    return door


def open_gateway(settings: Settings, security: Mapping[str, Any] | None = None) -> Gateway:
    """Return the gateway these settings describe, its database open and up to date.

    `security`: what its CapabilityStatement tells of tokens, if any are asked for.
    Raises: FhirError when the database does not answer; FileHeld when another process has the SQLite file.
    """
    shipped(tuple(map(Path, settings.terminology_folders)))  # a file that is wrong is told before anything is opened
    known = definitions(settings.cache)
    types = known.types.resources
    # A package that cannot be used keeps the gateway from starting.
    packages = _packages(settings)
    store = _store(settings, known)
    try:
        parameters = (parameter for type_ in types for parameter in known.search_parameters.of(type_).values())
        pids = parameter_ids(store, ((each.base, each.code, each.url) for each in parameters if indexed(each)))
        base = base_url(settings)
        indexer = Indexer(known.search_parameters, pids, base)
        # Some 30 ms now, which the first requests would otherwise wait for one by one.
        indexer.prepare(types)
        structure.prepare(known.types)
        codes = SearchedCodes()
        registry = Registry(
            known.search_parameters,
            pids,
            ResourceTypes(types).numbers,
            base,
            search_limits_of(settings),
            compartments=known.compartments,
            subsets=known.subsets,
            code_sets=codes,
        )
        library = LiveLibrary()
        gateway = Gateway(
            store=store,
            searching=Searching(SearchState(known, indexer, registry)),
            signing_key=page_key(store),
            software_version=VERSION,
            started=date.today().isoformat(),
            limits=limits_of(settings),
            validation=Validation(
                partial(_validator, settings, packages, library),
                settings.validation,
                settings.unknown_profiles,
                settings.unknown_extensions,
                library,
            ),
            offers=offers_of(packages),
            terminology=Terminology(partial(_terminology, settings, packages), LoadedSystems),
            security=security,
            rights=_rights(settings, known),
            destinations=partners_of(settings.partners).destinations if settings.partners is not None else NOWHERE,
            files=platform_files(settings),
            trace=TraceLog(store, settings.trace_rows, settings.trace_days) if settings.traces else None,
        )
        codes.gateway = gateway
        renew(gateway)
        take_in(gateway)
        bring_up_to_date(gateway)
        return gateway
    except BaseException:
        store.close()
        raise


def platform_files(settings: Settings) -> PlatformFiles:
    """Return what the platforms' files need, by these settings. Raises: BadPlatformFiles."""
    keys = None
    if settings.pseudonym_keys is not None:
        from fhir_gateway.store.pseudonyms import Keyring, UnfitKeys  # a start waits for it only where there are keys

        try:
            keys = Keyring.read(settings.pseudonym_keys)
        except (UnfitKeys, OSError, UnicodeDecodeError) as error:
            raise BadPlatformFiles(f"{settings.pseudonym_keys}: {error}") from error
    try:
        collectors = () if settings.collectors is None else collectors_of(settings.collectors)
    except BadCollectors as error:
        raise BadPlatformFiles(str(error)) from error
    return PlatformFiles(_tables(settings.platform_tables), keys, settings.file_hosts, collectors)


def _tables(path: Path | None) -> dict[str, dict[str, str]]:
    if path is None:
        return {}
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadPlatformFiles(f"{path}: {error}") from error
    for name, table in found.items():
        if not isinstance(table, dict) or not all(isinstance(each, str) for each in table.values()):
            raise BadPlatformFiles(f'{path}: [{name}] is no table of codes ("F-49" = "IMR0123")')
    return found


def _rights(settings: Settings, known: Definitions) -> Rights:
    """Return what roles may do; where somebody is asked it is read now, not by the first request. Raises: BadPolicy."""
    if not settings.knows_who_asks:
        return Rights()
    held = load(settings.policy_file, known)
    return Rights(lambda: held)


def opened_store(settings: Settings) -> Store:
    """Return the database of these settings, for work beside the acts; close it.

    Raises: FhirError when it does not answer; FileHeld when another process has the SQLite file.
    """
    return _store(settings, definitions(settings.cache))


def _store(settings: Settings, known: Definitions) -> Store:
    if settings.database is None:
        settings.data_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return open_store(
        settings.database_url,
        known.types.resources,
        synchronous=settings.synchronous,
        connections=settings.connections,
        patient_compartment=known.compartments["Patient"],
    )


def _packages(settings: Settings) -> Packages:
    content = shipped(tuple(map(Path, settings.terminology_folders)))
    return packages_of(settings.packages, settings.package_folder or users_folder(), settings.cache, content)


def _validator(settings: Settings, packages: Packages, library: LiveLibrary) -> Validator:
    from fhir_gateway.conformance.validators import validator_with  # a start does not wait for it

    return validator_with(packages, settings.cache, library)


def _terminology(settings: Settings, packages: Packages) -> Catalog:
    from fhir_gateway.conformance.terminology_layers import layers  # a start does not wait for its modules

    return layers(packages, settings.cache, tuple(settings.terminology_folders))


def explained(settings: Settings, url: str) -> Explained:
    """Return how a search, its URL relative to the base, is run on the database of these settings.

    Raises: FhirError that refuses the search, or when the database does not answer; FileHeld as `open_gateway`.
    """
    gateway = open_gateway(settings)
    try:
        asked = interaction_from("GET", url, gateway.definitions.types.resources)
        if not asked.code.startswith("search"):
            raise InvalidRequest(NOT_A_SEARCH.at(url=url))
        query = parse(asked.type, asked.parameters, gateway.registry, strict=True, compartment=asked.compartment)
        with gateway.store.read(gateway.limits.search_seconds) as view:
            return explain(view, query)
    finally:
        gateway.store.close()


def base_url(settings: Settings) -> str:
    """Return the FHIR base URL under which references are to this server's own resources."""
    return settings.base_url


def limits_of(settings: Settings) -> Limits:
    """Return what one request may ask for."""
    return Limits(
        entries=settings.max_entries,
        deletes=settings.max_deletes,
        search_seconds=settings.search_timeout,
        integrity_on_write=settings.integrity_on_write,
        integrity_on_delete=settings.integrity_on_delete,
    )


def search_limits_of(settings: Settings) -> SearchLimits:
    """Return what one search may ask for."""
    return SearchLimits(
        default_count=settings.default_page,
        max_count=settings.max_page,
        max_included=settings.max_included,
        full_text=settings.full_text,
    )


def check(gateway: Gateway) -> None:
    """Ask the database something; raises Unavailable when it does not answer."""
    with gateway.store.read() as view:
        view.rows("SELECT 1")


def gauges(gateway: Gateway) -> dict[str, tuple[str, float]]:
    """Return what is told of the store at each scrape."""
    told = {} if gateway.trace is None else gateway.trace.gauges()
    told["store_up"] = ("Whether the database answers.", 0.0)
    try:
        check(gateway)
    except Exception:  # noqa: BLE001 - whatever the reason: that is what this gauge tells
        return told
    told["store_up"] = ("Whether the database answers.", 1.0)
    return told


def _reason(error: Exception) -> str:
    """Return why the gateway cannot open, in words: no request is there yet whose data they could quote."""
    if isinstance(error, FhirError | MappingError):
        return "; ".join(issue.text() for issue in error.issues)
    told = NoTrust | BadClients | BadPolicy | BadPartners | BadCollectors | BadCertificate | BadCertificates
    if isinstance(error, told | BadPlatformFiles):
        return str(error)
    return f"{type(error).__name__}: {error}"


def _lane(settings: Settings, gateway: Gateway) -> PostgresLane | None:
    if gateway.store.dialect != "postgresql":
        return None
    return PostgresLane(settings.database_url, ResourceTypes(gateway.definitions.types.resources))


def _identity(settings: Settings, trust: Trust | None) -> Identity | None:
    if trust is None:
        return None
    return Identity(trust.verifier.verified, settings.base_url, metadata_url(settings.base_url))


def _acts(gateway: Gateway, lane: PostgresLane | None, identity: Identity | None = None) -> Acts:
    representations = Representations(gateway.definitions.types)
    whole = partial(perform, gateway)
    if lane is None:
        return Acts(whole, representations, read_now=partial(perform_read_now, gateway), identity=identity)
    return Acts(whole, representations, read_soon=_read_soon(gateway, lane), identity=identity)


def _read_soon(gateway: Gateway, lane: PostgresLane) -> Callable[[str, str, Conditions, Actor], Awaitable[Answer]]:
    async def read_soon(type_: str, id_: str, conditions: Conditions, actor: Actor) -> Answer:
        access = None
        if actor is not ANONYME:
            access = gateway.rights.at_hand(actor)
            if access is None:
                raise NotAtHand
        began = perf_counter()
        try:
            if access is not None:
                access.require_read(type_)
            version = await lane.current(type_, id_, None if access is None else access.reading)
            answer = answer_with(version, type_, id_, conditions)
        except Exception as refusal:
            if gateway.trace is not None:
                gateway.trace.add_read(type_, id_, actor, began, refusal)
            raise
        if gateway.trace is not None:
            gateway.trace.add_read(type_, id_, actor, began, answer)
        return answer

    return read_soon

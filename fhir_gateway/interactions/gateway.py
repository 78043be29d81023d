"""The gateway: everything the acts need, put together at start; what is searched by may be replaced at run time."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from fhir_gateway.conformance.custom_parameters import NO_CUSTOM_PARAMETERS, CustomParameters
from fhir_gateway.conformance.definitions import Definitions
from fhir_gateway.conformance.package_offers import NOTHING, Offers
from fhir_gateway.interactions.access import Access, Rights
from fhir_gateway.interactions.narrowed_store import NarrowedStore
from fhir_gateway.interactions.platform_files import PlatformFiles
from fhir_gateway.interactions.terminology import Terminology
from fhir_gateway.interactions.trace import TraceLog
from fhir_gateway.interactions.validation import Validation
from fhir_gateway.policy.destinations import NOWHERE, Destinations
from fhir_gateway.store.contract import Store
from fhir_gateway.store.index.indexer import Indexer
from fhir_gateway.store.search.registry import Registry

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.validator import Validator
    from fhir_gateway.terminology.catalog import Catalog

NewId = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of what one request may ask for; those of a search are the registry's."""

    entries: int = 5_000  # of a batch or transaction
    deletes: int = 100  # resources that one conditional delete may take away; 1: several matches are refused
    search_seconds: float = 10.0
    integrity_on_write: bool = True  # references to resources here must find them
    integrity_on_delete: bool = True  # what is referred to cannot be deleted
    reindex_seconds: float = 0.5  # what a write of SearchParameters waits for the reindex that it began


def random_id() -> str:
    """Return a new id: a random UUID (RFC 9562, version 4), made without the class, which costs twice as much."""
    digits = os.urandom(16).hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{_VARIANT[digits[16]]}{digits[17:20]}-{digits[20:]}"


_VARIANT = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))


def _r4_validator() -> Validator:
    from fhir_gateway.conformance.validators import r4_validator  # only where something is validated

    return r4_validator()


def _r4_terminology() -> Catalog:
    from fhir_gateway.conformance.terminology_layers import layers  # only where terminology is asked about

    return layers()


@dataclass(frozen=True, slots=True)
class SearchState:
    """What resources are indexed and searched by, at one moment: immutable but for `statements`, which it remembers.

    `generation`: the number the store gave it. `custom`: what `definitions` hold beside R4's own, made of the
    SearchParameters that are stored, and of those `offered` by packages.
    """

    definitions: Definitions
    indexer: Indexer
    registry: Registry  # what searches are read against
    generation: int = 0
    custom: CustomParameters = NO_CUSTOM_PARAMETERS
    offered: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    statements: dict[tuple[str, str], bytes] = field(default_factory=dict)  # by base URL and language


class Searching:
    """Where the search state of the moment is found; it is replaced as a whole (`interactions.search_state`)."""

    __slots__ = ("lock", "state")

    def __init__(self, state: SearchState) -> None:
        self.state = state
        self.lock = threading.Lock()  # of whoever replaces it


@dataclass(frozen=True, slots=True)
class Gateway:
    """What the acts work with. The clock is the store's: it gives every commit its instant.

    An actor's acts are given a gateway of the actor's own (`seen_by`), whose store shows what the actor may see; what
    the server does of itself, whoever asked for it, goes by `everything`.
    """

    store: Store
    searching: Searching
    signing_key: bytes  # for page tokens; the same in all processes that share a store
    software_version: str = ""
    started: str = ""  # when this server's capabilities became what they are, a FHIR dateTime
    limits: Limits = field(default_factory=Limits)
    new_id: NewId = random_id
    trace: TraceLog | None = None  # None: no records are kept of what is asked
    validation: Validation = field(default_factory=lambda: Validation(_r4_validator, "structure"))
    offers: Offers = NOTHING  # of the packages that are installed
    terminology: Terminology = field(default_factory=lambda: Terminology(_r4_terminology))
    security: Mapping[str, Any] | None = None  # CapabilityStatement.rest.security, where somebody must say who he is
    bell: threading.Event = field(default_factory=threading.Event)  # wakes the background
    rights: Rights = field(default_factory=Rights)
    destinations: Destinations = NOWHERE  # where messages go because of what is written
    files: PlatformFiles = field(default_factory=PlatformFiles)  # of the platforms, written and read
    access: Access | None = None  # of the actor it is for; None: nobody in particular, who may do and see everything
    from_whole: Gateway | None = None
    resource_types: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        whole = self.from_whole
        types = frozenset(self.definitions.types.resources) if whole is None else whole.resource_types
        object.__setattr__(self, "resource_types", types)

    @property
    def everything(self) -> Gateway:
        """The gateway from which nothing is hidden."""
        return self if self.from_whole is None else self.from_whole

    def seen_by(self, access: Access) -> Gateway:
        """Return the gateway for one actor: narrowed."""
        whole = self.everything
        store = NarrowedStore(whole.store, access)
        return replace(whole, store=store, access=access, from_whole=whole)

    @property
    def definitions(self) -> Definitions:
        """The definitions of the moment: R4's, and the search parameters that were added."""
        return self.searching.state.definitions

    @property
    def indexer(self) -> Indexer:
        return self.searching.state.indexer

    @property
    def registry(self) -> Registry:
        return self.searching.state.registry

    @property
    def statements(self) -> dict[tuple[str, str], bytes]:
        """The CapabilityStatements made from the definitions of the moment."""
        return self.searching.state.statements

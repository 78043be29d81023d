"""What is asked and what is answered, in FHIR's words: no HTTP, no SQL.

Source: FHIR R4, RESTful API.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from fhir_gateway.fhir.outcome import Issue, Language
from fhir_gateway.fhir.structure import Links
from fhir_gateway.policy.actor import ANONYME, Actor

if TYPE_CHECKING:
    from fhir_gateway.interactions.message_act import MessageAct

__all__ = [
    "ANONYME",
    "Actor",
    "Answer",
    "Code",
    "Conditions",
    "Container",
    "Interaction",
    "Parameters",
    "Preferences",
    "Sent",
]

Code = Literal[
    "read", "vread", "update", "patch", "delete", "history-instance", "history-type", "history-system",
    "create", "search-type", "search-system", "search-compartment", "capabilities", "batch", "transaction",
    "operation", "message",
]  # fmt: skip
Container = Literal["ndjson", "zip"]
Parameters = list[tuple[str, str]]  # decoded name and value, in the order of the request; names may repeat


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the Prefer header asks for. `return_` None: the server's default (representation)."""

    return_: Literal["minimal", "representation", "OperationOutcome"] | None = None
    handling: Literal["strict", "lenient"] | None = None


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditional headers of a request or `Bundle.entry.request`, as sent."""

    if_match: str | None = None  # W/"3"
    if_none_match: str | None = None  # W/"3" or *
    if_modified_since: str | None = None  # an HTTP date, or an instant inside a Bundle entry
    if_none_exist: str | None = None  # identifier=system|value, without the question mark


@dataclass(frozen=True, slots=True)
class Sent:
    """A body as it was sent, inflated."""

    body: bytes
    kind: Literal["json", "xml"]


@dataclass(slots=True)
class Interaction:
    """One act asked of the gateway, decoded by a door and checked for structure.

    `parameters` are the criteria of a search or of a conditional update, patch or delete, and the options of a
    history. `resource` is the body of create, update, batch, transaction and operation; `patch` the operations of
    a JSON Patch, or the Parameters of a FHIRPath Patch. `issues`: what is wrong with the structure of `resource`, for
    an operation that judges it, and for a create or an update, which is refused with all else that is wrong; every
    other resource is sound. `sent`: the text it was read from, where a door has one. `base` is the service base URL
    without trailing slash.
    `compartment`: of a search-compartment, the type and id that the path begins with; `type` is then what is
    searched, None for "*". `presentation`: `_format` and `_pretty` where the URL says them, so that the links of an
    answer lead to the same representation. `languages`: the Accept-Language header as sent.
    """

    code: Code
    type: str | None = None
    id: str | None = None
    version: str | None = None
    operation: str | None = None
    parameters: Parameters = field(default_factory=list)
    resource: dict[str, Any] | None = None
    links: Links | None = None  # where `resource` holds references, from the structure check
    issues: Sequence[Issue] = ()
    sent: Sent | None = None
    patch: list[dict[str, Any]] | dict[str, Any] | None = None
    conditions: Conditions = Conditions()
    prefer: Preferences = Preferences()
    base: str = ""
    language: Language = "en"
    languages: str | None = None
    compartment: tuple[str, str] | None = None
    presentation: Parameters = field(default_factory=list)
    message: MessageAct | None = None  # of a hospital's feed, already read
    safe: bool = False  # an operation asked for with GET: it must not change anything
    container: Container | None = None  # how files are asked for that an operation gives; None: in a resource


@dataclass(slots=True)
class Answer:
    """What the gateway answers, for a door to render. `body` is finished JSON (None: nothing to send).

    `media_type`: of a body that is no resource: it goes out as it is. `next`: the URL of the page that follows, where
    the body has no place for it.
    `shown`: numbers (rid) of the resources that are in it, or that it tells of, for the trace.
    """

    status: int
    body: bytes | None = None
    version: int | None = None  # → ETag W/"version"
    last_updated: int | None = None  # µs since the epoch, UTC → Last-Modified
    location: str | None = None  # relative: "Patient/1/_history/1" → Location, under the base
    content_location: str | None = None
    media_type: str | None = None
    next: str | None = None
    shown: Sequence[int] = field(default=(), compare=False)

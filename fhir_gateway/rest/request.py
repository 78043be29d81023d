"""A request's head, decoded: path, query, conditions, preferences.

Source: FHIR R4, RESTful API, "HTTP Headers", "Conditional interactions"; RFC 3986 (escapes), RFC 7240 (Prefer).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal
from urllib.parse import unquote_to_bytes

from fhir_gateway.fhir.outcome import InvalidRequest, Issue, Language
from fhir_gateway.interactions.interaction import (
    ANONYME,
    Actor,
    Code,
    Conditions,
    Container,
    Parameters,
    Preferences,
)
from fhir_gateway.interactions.read import UNCONDITIONAL
from fhir_gateway.rest.complaints import MALFORMED_ESCAPE, NUL_CHARACTER
from fhir_gateway.rest.negotiate import JSON, Format, ranges_of

# The door's own parameters: they say how to write the answer, not what is asked.
OWN_PARAMETERS = ("_format", "_pretty")

_RETURN: Mapping[str, Literal["minimal", "representation", "OperationOutcome"]] = {
    "minimal": "minimal",
    "representation": "representation",
    "operationoutcome": "OperationOutcome",
}
_HANDLING: Mapping[str, Literal["strict", "lenient"]] = {"strict": "strict", "lenient": "lenient"}

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=\-]{1,128}\Z")


@dataclass(slots=True)
class Request:
    """What is known of a request: its head, filled in as it is understood, and what came of its body."""

    method: str
    place: str  # the path as sent
    headers: Mapping[bytes, bytes]  # names in lower case, repeated ones joined by commas
    request_id: bytes
    language: Language = "en"
    format: Format = JSON
    container: Container | None = None  # files instead of a resource
    base: str = ""
    parameters: Parameters = field(default_factory=list)  # of the query, without those of the door
    own: dict[str, str] = field(default_factory=dict)  # the door's parameters
    code: Code | None = None
    type: str | None = None
    actor: Actor = ANONYME
    received: int = 0  # bytes of the body
    unread: bool = False  # a part of the body was left on the wire

    def header(self, name: bytes) -> str | None:
        """Return a header's text; UTF-8 where it is that, for criteria in If-None-Exist, else Latin-1."""
        value = self.headers.get(name)
        if value is None:
            return None
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value.decode("latin-1")


def joined_headers(headers: list[tuple[bytes, bytes]]) -> Mapping[bytes, bytes]:
    """Return headers by name; fields that came several times are one list (RFC 9110, 5.3)."""
    by_name = dict(headers)
    if len(by_name) != len(headers):
        by_name.clear()
        for name, value in headers:
            by_name[name] = by_name[name] + b", " + value if name in by_name else value
    return by_name


def segments_of(raw_path: str) -> list[str]:
    """Return the decoded segments of a path; an escaped slash does not separate.

    Raises: InvalidRequest when an escape is malformed, is no UTF-8 or hides U+0000.
    """
    return [_decoded(segment, segment) for segment in raw_path.split("/")]


def parameters_of(form: str) -> Parameters:
    """Return the names and values of a query or form, in order; a piece without `=` has an empty value.

    Raises: InvalidRequest with every malformed piece.
    Source: FHIR R4, Search; WHATWG URL, "application/x-www-form-urlencoded parsing" (but for malformed escapes).
    """
    found: Parameters = []
    issues: list[Issue] = []
    for piece in form.split("&"):
        if piece:
            name, _, value = piece.replace("+", " ").partition("=")
            try:
                found.append((_decoded(name, name), _decoded(value, name)))
            except InvalidRequest as refusal:
                issues += refusal.issues
    if issues:
        raise InvalidRequest(*issues)
    return found


def _decoded(text: str, place: str) -> str:
    if "%" in text or not text.isascii():
        if _BAD_ESCAPE.search(text):
            raise InvalidRequest(MALFORMED_ESCAPE.at(place=place))
        try:
            text = unquote_to_bytes(text).decode()
        except UnicodeDecodeError:
            raise InvalidRequest(MALFORMED_ESCAPE.at(place=place)) from None
    if "\0" in text:
        raise InvalidRequest(NUL_CHARACTER.at(place=place.replace("\0", "")))
    return text


def without_own(parameters: Parameters) -> tuple[Parameters, dict[str, str]]:
    """Return the parameters of the interaction, and those of the door (the last of each counts)."""
    own = {name: value for name, value in parameters if name in OWN_PARAMETERS}
    return ([pair for pair in parameters if pair[0] not in OWN_PARAMETERS] if own else parameters), own


def conditions_of(request: Request) -> Conditions:
    """Return the conditional headers, as sent."""
    headers = request.headers
    if not (
        b"if-match" in headers
        or b"if-none-match" in headers
        or b"if-modified-since" in headers
        or b"if-none-exist" in headers
    ):
        return UNCONDITIONAL
    none_exist = request.header(b"if-none-exist")
    return Conditions(
        if_match=request.header(b"if-match"),
        if_none_match=request.header(b"if-none-match"),
        if_modified_since=request.header(b"if-modified-since"),
        if_none_exist=none_exist.removeprefix("?") if none_exist is not None else None,
    )


@lru_cache(maxsize=256)
def preferences_of(prefer: str | None) -> Preferences:
    """Return what a Prefer header asks for. Preferences unknown here are ignored, as RFC 7240 has it."""
    asked: dict[str, str] = {}
    for range_ in ranges_of(prefer.replace(";", ",") if prefer else ""):
        name, _, value = range_.value.partition("=")
        asked.setdefault(name.strip(), value.strip().strip('"'))
    return Preferences(_RETURN.get(asked.get("return", "")), _HANDLING.get(asked.get("handling", "")))


def echoed_id(headers: Mapping[bytes, bytes]) -> bytes | None:
    """Return the X-Request-ID a client sent, when it is fit for a header and a log line.

    Source: FHIR R4, RESTful API, "Custom Headers" (X-Request-Id is echoed as X-Request-Id or X-Correlation-Id).
    """
    sent = headers.get(b"x-request-id")
    return sent if sent is not None and _REQUEST_ID.match(sent) else None

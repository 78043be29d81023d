"""Negotiation: which representation, language and encoding a request asks for, and which one its body is in.

Source: FHIR R4, RESTful API, "Content Types and encodings", "_format"; RFC 9110, 12 (content negotiation).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from fhir_gateway.fhir.outcome import (
    InvalidRequest,
    Issue,
    Language,
    NotAcceptable,
    UnsupportedMediaType,
)
from fhir_gateway.interactions.interaction import Container
from fhir_gateway.interactions.patch import FORMATS as PATCH_FORMATS
from fhir_gateway.interactions.patch import JSON_PATCH
from fhir_gateway.rest.complaints import (
    CHARSET_NOT_TAKEN,
    FHIR_VERSION_NOT_SERVED,
    MEDIA_TYPE_NOT_TAKEN,
    NOT_A_BOOLEAN,
    NOT_ACCEPTABLE,
    PATCH_TYPE_NOT_TAKEN,
    UNKNOWN_FORMAT,
)

Kind = Literal["json", "xml"]

FORM = "application/x-www-form-urlencoded"
# In the order of preference where a client leaves the choice to us.
KINDS: dict[str, Kind] = {
    "application/fhir+json": "json",
    "application/fhir+xml": "xml",
    "application/json": "json",
    "application/xml": "xml",
    "text/json": "json",
    "text/xml": "xml",
}
SHORT_FORMS = {"json": "application/fhir+json", "xml": "application/fhir+xml", "html": "text/html"}
FHIR_VERSIONS = ("4.0", "4.0.1")
# A browser: it shows application/json and offers application/fhir+json as a download.
PAGES = ("text/html", "application/xhtml+xml")

# One element of a list header or one of its parameters; commas and semicolons inside quotes do not separate.
_ELEMENT = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+')
_PARAMETER = re.compile(r'(?:[^;"]|"(?:[^"\\]|\\.)*"?)+')
_Q = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?|\.\d{1,3})\Z")


@dataclass(frozen=True, slots=True)
class Format:
    """How to write the answer: the representation, the whole Content-Type header, and whether to indent."""

    kind: Kind
    content_type: bytes
    pretty: bool = False


@dataclass(frozen=True, slots=True)
class Range:
    """One element of an Accept-like header: its value in lower case, its parameters, its weight 0..1."""

    value: str
    parameters: dict[str, str]
    q: float


JSON = Format("json", b"application/fhir+json;charset=utf-8")


def ranges_of(header: str) -> list[Range]:
    """Return the elements of an Accept, Accept-Language or Accept-Encoding header; a malformed q counts as 1."""
    found = []
    for element in _ELEMENT.findall(header):
        value, parameters = media_type_of(element)
        q = parameters.pop("q", "1")
        if value:
            found.append(Range(value, parameters, float(q) if _Q.match(q) else 1.0))
    return found


def media_type_of(header: str) -> tuple[str, dict[str, str]]:
    """Return a media type in lower case and its parameters, names in lower case, values without quotes."""
    value, *rest = _PARAMETER.findall(header) or [""]
    parameters = {}
    for parameter in rest:
        name, _, text = parameter.partition("=")
        text = text.strip()
        if text.startswith('"'):
            text = re.sub(r"\\(.)", r"\1", text.strip('"'))
        parameters[name.strip().lower()] = text
    return value.strip().lower(), parameters


@lru_cache(maxsize=1024)
def format_of(accept: str | None, format_: str | None = None, pretty: str | None = None) -> Format:
    """Return the representation that `_format` asks for, else the Accept header, else JSON.

    Raises: NotAcceptable when nothing asked for is served; InvalidRequest when `_pretty` is no boolean.
    Source: FHIR R4, RESTful API, "Content Types and encodings", "_pretty".
    """
    if pretty not in (None, "true", "false"):
        raise InvalidRequest(NOT_A_BOOLEAN.at(name="_pretty", value=pretty))
    chosen = _by_format(format_) if format_ is not None else _by_accept(accept)
    return chosen if pretty is None else Format(chosen.kind, chosen.content_type, pretty == "true")


# Files that some operations give instead of a resource.
CONTAINERS: dict[str, Container] = {
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "application/fhir+ndjson": "ndjson",
    "application/zip": "zip",
}


@lru_cache(maxsize=1024)
def container_of(accept: str | None, format_: str | None = None) -> Container | None:
    """Return the files that `_format` asks for, else the first range of the Accept header of the greatest weight."""
    if format_ is not None:
        asked = media_type_of(re.sub(r"/fhir ndjson", "/fhir+ndjson", format_.strip().lower()))[0]
        return CONTAINERS.get(asked) or next((each for each in ("ndjson", "zip") if each == asked), None)
    ranges = [each for each in ranges_of(accept or "") if each.q > 0]
    best = max(ranges, key=lambda each: each.q, default=None)
    return None if best is None else CONTAINERS.get(best.value)


def _by_format(format_: str) -> Format:
    # The + of application/fhir+json is a space to whoever decodes the query; senders rarely escape it.
    asked, parameters = media_type_of(re.sub(r"/fhir (json|xml)", r"/fhir+\1", format_.strip().lower()))
    asked = SHORT_FORMS.get(asked, asked)
    issues = _version_issues(parameters)
    if asked not in KINDS and asked not in PAGES:
        issues.append(UNKNOWN_FORMAT.at(format=format_))
    if issues:
        raise NotAcceptable(*issues)
    return _written(asked, parameters)


def _by_accept(accept: str | None) -> Format:
    asked = ranges_of(accept or "*/*")
    issues = [issue for range_ in asked for issue in _version_issues(range_.parameters)]
    asked = [range_ for range_ in asked if not _version_issues(range_.parameters)]
    best: tuple[float, bool, int, int] | None = None
    chosen: tuple[str, dict[str, str]] | None = None
    for preference, offer in enumerate((*KINDS, PAGES[0])):
        place, range_ = _match(offer, asked)
        if range_ is None or range_.q == 0 or (offer in PAGES and "*" in range_.value):
            continue
        rank = (range_.q, "*" not in range_.value, -place, -preference)
        # Browsers list text/html first and XML among the rest; whoever names HTML at full weight is one.
        if best is None or rank > best:
            best, chosen = rank, (offer, range_.parameters)
    if chosen is None:
        raise NotAcceptable(*(issues or [NOT_ACCEPTABLE.at(asked=accept or "")]))
    return _written(*chosen)


def _match(offer: str, asked: list[Range]) -> tuple[int, Range | None]:
    """Return place and range of the most specific range that covers a media type."""
    patterns = PAGES if offer in PAGES else (offer, offer.partition("/")[0] + "/*", "*/*", "*")
    for pattern in patterns:
        for place, range_ in enumerate(asked):
            if range_.value == pattern:
                return place, range_
    return 0, None


def _version_issues(parameters: dict[str, str]) -> list[Issue]:
    version = parameters.get("fhirversion", "4.0")
    return [] if version in FHIR_VERSIONS else [FHIR_VERSION_NOT_SERVED.at(version=version)]


def _written(media_type: str, parameters: dict[str, str]) -> Format:
    if media_type in PAGES:
        return Format("json", b"application/json;charset=utf-8", pretty=True)
    version = ";fhirVersion=4.0" if "fhirversion" in parameters and "fhir+" in media_type else ""
    return Format(KINDS[media_type], f"{media_type}{version};charset=utf-8".encode())


@lru_cache(maxsize=1024)
def language_of(accept_language: str | None, default: Language) -> Language:
    """Return the language for texts: the one of English and French with the greater weight, else the default."""
    weights: dict[Language, float] = {}
    for range_ in ranges_of(accept_language or ""):
        primary = range_.value.partition("-")[0]
        language: Language | None = "fr" if primary == "fr" else "en" if primary == "en" else None
        if primary == "*":
            language = default
        if language is not None and range_.q > weights.get(language, 0):
            weights[language] = range_.q
    return max(weights, key=weights.__getitem__) if weights else default


@lru_cache(maxsize=1024)
def takes_gzip(accept_encoding: str) -> bool:
    """Return whether an Accept-Encoding header allows gzip."""
    weights = {range_.value: range_.q for range_ in ranges_of(accept_encoding)}
    return next((weights[name] > 0 for name in ("gzip", "x-gzip", "*") if name in weights), False)


@lru_cache(maxsize=256)
def body_kind(content_type: str | None) -> Kind:
    """Return the representation a body's Content-Type declares.

    Raises: UnsupportedMediaType for another type, another charset than UTF-8, another FHIR version than 4.0.
    """
    media_type, parameters = media_type_of(content_type or "")
    issues = _charset_issues(parameters) + _version_issues(parameters)
    if media_type not in KINDS:
        issues.insert(0, MEDIA_TYPE_NOT_TAKEN.at(media_type=media_type or "(none)", taken=", ".join(KINDS)))
    if issues:
        raise UnsupportedMediaType(*issues)
    return KINDS[media_type]


@lru_cache(maxsize=256)
def patch_kind(content_type: str | None) -> Kind | None:
    """Return the representation of the FHIRPath Patch that a PATCH body is declared as; None for a JSON Patch.

    Raises: UnsupportedMediaType for another type, charset or FHIR version. `application/json` is refused: it may be
    an array of operations as well as a resource, and whoever sends it may have meant a PUT.
    """
    media_type, parameters = media_type_of(content_type or "")
    issues = _charset_issues(parameters) + _version_issues(parameters)
    if media_type not in PATCH_FORMATS:
        texts = {"json_patch": JSON_PATCH, "fhirpath_patch": ", ".join(PATCH_FORMATS[1:])}
        issues.insert(0, PATCH_TYPE_NOT_TAKEN.at(media_type=media_type or "(none)", **texts))
    if issues:
        raise UnsupportedMediaType(*issues)
    return None if media_type == JSON_PATCH else KINDS[media_type]


def check_form_type(content_type: str | None) -> None:
    """Raise UnsupportedMediaType unless a _search body is declared as a form."""
    media_type, parameters = media_type_of(content_type or "")
    issues = _charset_issues(parameters)
    if media_type != FORM:
        issues.insert(0, MEDIA_TYPE_NOT_TAKEN.at(media_type=media_type or "(none)", taken=FORM))
    if issues:
        raise UnsupportedMediaType(*issues)


def _charset_issues(parameters: dict[str, str]) -> list[Issue]:
    charset = parameters.get("charset", "utf-8")
    return [] if charset.lower() in ("utf-8", "utf8") else [CHARSET_NOT_TAKEN.at(charset=charset)]

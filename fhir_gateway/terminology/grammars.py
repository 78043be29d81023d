"""Code systems whose codes follow a grammar, or a list that the standard does not ship.

Source: UCUM; BCP 47 (RFC 5646); BCP 13 (RFC 6838); ISO 3166-1; ISO 4217; IANA time zones; FHIR R4, "Using Codes".
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache

from fhir_gateway.fhir import ucum
from fhir_gateway.terminology.iso_codes import COUNTRIES, CURRENCIES, LANGUAGES

UCUM = "http://unitsofmeasure.org"
BCP_47 = "urn:ietf:bcp:47"
BCP_13 = "urn:ietf:bcp:13"
ISO_3166 = "urn:iso:std:iso:3166"
ISO_4217 = "urn:iso:std:iso:4217"
TIME_ZONES = "https://www.iana.org/time-zones"

_LANGUAGE = re.compile(
    # Of the primary languages that RFC 5646 leaves room for, those of two and three letters exist.
    r"(?P<language>[A-Za-z]{2,3})(?:-[A-Za-z]{3}){0,3}"
    r"(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|[0-9]{3}))?"
    r"(?:-(?:[A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*"
    r"(?:-[0-9A-WY-Za-wy-z](?:-[A-Za-z0-9]{2,8})+)*(?:-x(?:-[A-Za-z0-9]{1,8})+)?"
    r"|x(?:-[A-Za-z0-9]{1,8})+"
    r"|i-(?:ami|bnn|default|enochian|hak|klingon|lux|mingo|navajo|pwn|tao|tay|tsu)"
)
_NAME = r"[A-Za-z0-9!#$&^_.+\-]{1,127}"
# FHIR's own short forms ("xml", "json", "ttl") stand in its examples; parameters may have blanks ("DICOM WADO-RS").
_MIME = re.compile(rf"(?:{_NAME}/{_NAME}|\*/\*|{_NAME}/\*)(?:\s*;\s*[^;=\s]+=(?:\"[^\"]*\"|[^;\"]*))*;?\s*")
_SHORT = frozenset({"xml", "json", "ttl"})


def is_language(code: str) -> bool:
    """Tell whether a code is a language tag of a language that there is."""
    match = _LANGUAGE.fullmatch(code) if len(code) <= 128 else None
    if match is None:
        return False
    primary = (match["language"] or "").casefold()
    # Two letters are ISO 639-1, a closed list; of the thousands with three letters the form is checked.
    return len(primary) != 2 or primary in LANGUAGES


def is_mime_type(code: str) -> bool:
    return code in _SHORT or (len(code) <= 512 and _MIME.fullmatch(code) is not None)


def is_country(code: str) -> bool:
    return code in COUNTRIES


def is_currency(code: str) -> bool:
    return code in CURRENCIES


@cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def is_time_zone(code: str) -> bool:
    return code in _zones()


GRAMMARS: Mapping[str, Callable[[str], bool]] = {
    BCP_47: is_language,
    BCP_13: is_mime_type,
    UCUM: ucum.is_unit,
    ISO_3166: is_country,
    ISO_4217: is_currency,
    TIME_ZONES: is_time_zone,
}


def passes(system: str, code: str, name: str, operator: str, value: str) -> bool | None:
    """Return whether a code of an algorithmic system passes a filter; None for a filter that cannot be told.

    UCUM: `canonical`, the units that measure the same. BCP-47: the parts of a tag.
    """
    if operator == "regex" and name == "code":
        pattern = bounded(value)
        return None if pattern is None else pattern.fullmatch(code) is not None
    if system == UCUM and name in ("canonical", "property") and operator == "=":
        one, other = ucum.canonical(Decimal(1), code), ucum.canonical(Decimal(1), value)
        return None if one is None or other is None else one[1] == other[1]
    if system == BCP_47 and operator == "exists" and name in _PARTS:
        return _PARTS[name](code) == (value == "true")
    if name in ("code", "concept") and operator in ("=", "in"):
        return code in {each.strip() for each in value.split(",")}
    return None


_PARTS: Mapping[str, Callable[[str], bool]] = {
    "language": lambda code: not code.casefold().startswith("x-"),
    "script": lambda code: re.search(r"-[A-Za-z]{4}(?:-|$)", code) is not None,
    "region": lambda code: re.search(r"-(?:[A-Za-z]{2}|[0-9]{3})(?:-|$)", code) is not None,
    "private-use": lambda code: re.search(r"(?:^|-)x-", code, re.IGNORECASE) is not None,
}

# A quantifier upon a group that has one itself may take exponential time; such a pattern is not run.
_NESTED = re.compile(r"\((?:[^()\\]|\\.)*[*+}](?:[^()\\]|\\.)*\)[*+{]")


@cache
def bounded(pattern: str) -> re.Pattern[str] | None:
    """Return a compiled regular expression; None for one that is wrong, very long, or might run for ages."""
    if len(pattern) > 1000 or _NESTED.search(pattern):
        return None
    try:
        return re.compile(pattern)
    except re.error:
        return None

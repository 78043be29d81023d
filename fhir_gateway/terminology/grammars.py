"""Code systems whose codes follow a grammar, or a list that the standard does not ship.

Source: UCUM; BCP 47 (RFC 5646); BCP 13 (RFC 6838); ISO 3166-1 and -2; ISO 4217; HGVS; IANA time zones; FHIR R4, "Using
Codes".
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache

from fhir_gateway.fhir import ucum
from fhir_gateway.terminology import regular_expressions
from fhir_gateway.terminology.hgvs import is_hgvs
from fhir_gateway.terminology.iso_codes import CURRENCIES, country_codes
from fhir_gateway.terminology.language_tags import is_language

UCUM = "http://unitsofmeasure.org"
BCP_47 = "urn:ietf:bcp:47"
BCP_13 = "urn:ietf:bcp:13"
ISO_3166 = "urn:iso:std:iso:3166"
ISO_3166_2 = "urn:iso:std:iso:3166:-2"
ISO_4217 = "urn:iso:std:iso:4217"
HGVS = "http://varnomen.hgvs.org"
TIME_ZONES = "https://www.iana.org/time-zones"

_NAME = r"[A-Za-z0-9!#$&^_.+\-]{1,127}"
# FHIR's own short forms ("xml", "json", "ttl") stand in its examples; parameters may have blanks ("DICOM WADO-RS").
_MIME = re.compile(rf"(?:{_NAME}/{_NAME}|\*/\*|{_NAME}/\*)(?:\s*;\s*[^;=\s]+=(?:\"[^\"]*\"|[^;\"]*))*;?\s*")
_SUBDIVISION = re.compile(r"([A-Z]{2})-[A-Z0-9]{1,3}")
_SHORT = frozenset({"xml", "json", "ttl"})


def is_mime_type(code: str) -> bool:
    return code in _SHORT or (len(code) <= 512 and _MIME.fullmatch(code) is not None)


def is_country(code: str) -> bool:
    return code in country_codes()


def is_subdivision(code: str) -> bool:
    """Tell whether a code has the form of ISO 3166-2 after the two letters of a country (FR-75C); its parts change."""
    match = _SUBDIVISION.fullmatch(code)
    return match is not None and match[1] in country_codes()


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
    ISO_3166_2: is_subdivision,
    ISO_4217: is_currency,
    TIME_ZONES: is_time_zone,
    HGVS: is_hgvs,
}


def passes(system: str, code: str, name: str, operator: str, value: str) -> bool | None:
    """Return whether a code of an algorithmic system passes a filter; None for a filter that cannot be told.

    UCUM: `canonical`, the units that measure the same. BCP-47: the parts of a tag.
    """
    if operator == "regex" and name == "code":
        matches = regular_expressions.whole(value)
        return None if matches is None else matches(code)
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

"""Code systems whose codes follow a grammar rather than a list.

Source: UCUM; BCP 47 (RFC 5646); BCP 13 (RFC 6838); ISO 3166-1; ISO 4217; FHIR R4, Using Codes in resources.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal

from fhir_gateway.fhir import ucum

_LANGUAGE = re.compile(
    r"(?:[A-Za-z]{2,3}(?:-[A-Za-z]{3}){0,3}|[A-Za-z]{4}|[A-Za-z]{5,8})"
    r"(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|[0-9]{3}))?"
    r"(?:-(?:[A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*"
    r"(?:-[0-9A-WY-Za-wy-z](?:-[A-Za-z0-9]{2,8})+)*(?:-x(?:-[A-Za-z0-9]{1,8})+)?"
    r"|x(?:-[A-Za-z0-9]{1,8})+"
)
_MIME = re.compile(r"[A-Za-z0-9!#$&^_.+\-]+/[A-Za-z0-9!#$&^_.+\-]+(?:\s*;\s*[^;=\s]+=(?:\"[^\"]*\"|[^;\s]*))*")


def is_language(code: str) -> bool:
    return _LANGUAGE.fullmatch(code) is not None


def is_mime_type(code: str) -> bool:
    return _MIME.fullmatch(code) is not None


def is_unit(code: str) -> bool:
    return ucum.canonical(Decimal(1), code) is not None or code in ucum.SPECIAL


GRAMMARS: Mapping[str, Callable[[str], bool]] = {
    "urn:ietf:bcp:47": is_language,
    "urn:ietf:bcp:13": is_mime_type,
    "http://unitsofmeasure.org": is_unit,
}

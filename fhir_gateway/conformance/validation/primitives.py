"""The values of primitives, to the letter: what is wrong with one that the scan could not pass at a glance.

Source: FHIR R4, Datatypes, "Primitive Types". What is a warning and what an error follows HL7's validator.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from fhir_gateway.conformance.validation import security
from fhir_gateway.conformance.validation import value_complaints as complaints
from fhir_gateway.conformance.validation.narrative import Said
from fhir_gateway.conformance.validation.shape import text_of
from fhir_gateway.fhir.outcome import Complaint
from fhir_gateway.fhir.primitives import INTEGER_RANGES, MAX_STRING, PATTERNS, TEXT_RULES

_SPACE = re.compile(r"\s")
_SHOWN: Final = 100  # characters of a wrong value that a complaint repeats
_OLDEST_YEAR: Final = 1800
_YEARS_AHEAD: Final = 80


def faults(value: Any, type: str, strict: bool) -> Iterator[Said]:
    """Yield what is wrong with a value of a primitive type, whatever its JSON type is.

    `strict`: whether what looks like HTML is an error, rather than worth a hint.
    """
    text = text_of(value)
    if text == "":
        yield complaints.EMPTY, {}
        yield complaints.ELE_1, {}
        return
    if text.isspace():
        yield complaints.ALL_SPACE, {}
        if type in ("string", "markdown", "xhtml"):
            return
    yield from security.character_faults(text)
    if type != "xhtml" and (strict or type != "markdown"):
        yield from security.html_faults(text, strict)
    check = _CHECKS.get(type)
    if check is not None:
        yield from check(text)


def shown(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


# --- text


def _string(text: str) -> Iterator[Said]:
    if text != text.strip():
        yield complaints.SPACE_AROUND, {"value": _visible(shown(text))}
    yield from _length(text)


def _length(text: str) -> Iterator[Said]:
    if len(text) > MAX_STRING:
        yield complaints.TOO_LONG, {}


def _visible(text: str) -> str:
    return text.encode("unicode_escape").decode("ascii") if not text.isprintable() else text


def _markdown(text: str) -> Iterator[Said]:
    start = security.html_in_markdown(text)
    if start is not None:
        yield complaints.MARKDOWN_HTML, {"start": start}
    yield from _length(text)


def _code(text: str) -> Iterator[Said]:
    if PATTERNS["code"].fullmatch(text) is None or "  " in text or any(each in text for each in "\t\r\n"):
        yield complaints.CODE, {"value": shown(text)}


def _id(text: str) -> Iterator[Said]:
    if PATTERNS["id"].fullmatch(text) is None:
        yield complaints.ID, {"value": shown(text)}


# --- references to things

_OID = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]*))+")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")


def _uri(text: str) -> Iterator[Said]:
    if text.startswith("oid:"):
        yield complaints.URI_OID, {}
    if text.startswith("uuid:"):
        yield complaints.URI_UUID, {}
    if _SPACE.search(text) is not None:
        yield complaints.URI_SPACE, {"value": shown(text)}
    if text.startswith("urn:uuid:"):
        uuid = text[9:].partition("#")[0].partition("|")[0]
        if _UUID.fullmatch(uuid) is None:
            yield complaints.UUID, {"value": shown(uuid)}
    if text.startswith("urn:oid:"):
        oid = text[8:].partition("|")[0]
        # Roots shorter than that name no one's space, but for 1.3.
        if _OID.fullmatch(oid) is None or (oid.rfind(".") < 4 and not oid.startswith("1.3")):
            yield complaints.OID, {"value": shown(oid)}


def _oid(text: str) -> Iterator[Said]:
    if not text.startswith("urn:oid:"):
        yield complaints.OID_START, {}
    yield from _uri(text)


def _uuid(text: str) -> Iterator[Said]:
    if not text.startswith("urn:uuid:"):
        yield complaints.UUID_START, {}
    yield from _uri(text)


def _canonical(text: str) -> Iterator[Said]:
    if not text.startswith("#") and ABSOLUTE.fullmatch(text) is None:
        yield complaints.CANONICAL, {"value": shown(text)}
    yield from _uri(text)


# --- dates and times

_CLOCK = r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_ZONE = re.compile(r"Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00)")
_WITHOUT_ZONE = re.compile(rf"(?!0000)[0-9]{{4}}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01]){_CLOCK}")


def _date(text: str) -> Iterator[Said]:
    yield from _day(text, "date", complaints.DATE)


def _date_time(text: str) -> Iterator[Said]:
    if _WITHOUT_ZONE.fullmatch(text) is not None:
        yield complaints.TIME_ZONE, {}
        return
    yield from _day(text, "dateTime", complaints.DATE_TIME)


def _instant(text: str) -> Iterator[Said]:
    yield from _day(text, "instant", complaints.INSTANT)


def _day(text: str, type: str, complaint: Complaint) -> Iterator[Said]:
    if PATTERNS[type].fullmatch(text) is None:
        yield complaint, {"value": shown(text)}
        return
    if len(text) >= 10:
        try:
            date(int(text[:4]), int(text[5:7]), int(text[8:10]))
        except ValueError:
            yield complaints.DATE, {"value": shown(text)}
            return
    if not _OLDEST_YEAR <= int(text[:4]) <= datetime.now(UTC).year + _YEARS_AHEAD:
        yield complaints.YEAR, {"value": text}


_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?")


def _time(text: str) -> Iterator[Said]:
    if _TIME.fullmatch(text) is None:
        yield complaints.TIME, {"value": shown(text)}


# --- numbers


def _boolean(text: str) -> Iterator[Said]:
    if text not in ("true", "false"):
        yield complaints.BOOLEAN, {}


_WHOLE = re.compile(r"-?[0-9]+")


def _integer(text: str) -> Iterator[Said]:
    yield from _whole(text, "integer")


def _unsigned(text: str) -> Iterator[Said]:
    yield from _whole(text, "unsignedInt")


def _positive(text: str) -> Iterator[Said]:
    yield from _whole(text, "positiveInt")


def _whole(text: str, type: str) -> Iterator[Said]:
    low, high = INTEGER_RANGES["integer"]
    if len(text) > 20 or _WHOLE.fullmatch(text) is None or not low <= int(text) <= high:
        yield complaints.INTEGER, {"value": shown(text)}
    elif type == "unsignedInt" and int(text) < 0:
        yield complaints.NOT_NEGATIVE, {}
    elif type == "positiveInt" and int(text) < 1:
        yield complaints.POSITIVE, {}
    elif PATTERNS[type].fullmatch(text) is None:
        yield complaints.REGEX, {"value": text, "type": type, "regex": PATTERNS[type].pattern}


_DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?")
_MANY_DIGITS: Final = 18
_LONG_EXPONENT: Final = 4


def _decimal(text: str) -> Iterator[Said]:
    if PATTERNS["decimal"].fullmatch(text) is None:
        yield complaints.DECIMAL, {"value": shown(text)}
        return
    digits, _, exponent = text.replace("E", "e").partition("e")
    if len(digits.lstrip("-").replace(".", "")) > _MANY_DIGITS or len(exponent.lstrip("+-")) > _LONG_EXPONENT:
        yield complaints.DECIMAL_RANGE, {"value": shown(text)}


# --- bytes


def _base64(text: str) -> Iterator[Said]:
    if not TEXT_RULES["base64Binary"](text):
        yield complaints.BASE64, {"value": text if len(text) < _SHOWN else "(snip)"}
    elif _SPACE.search(text) is not None:
        yield complaints.BASE64_SPACE, {}


_CHECKS: Final[Mapping[str, Callable[[str], Iterator[Said]]]] = {
    "string": _string,
    "markdown": _markdown,
    "code": _code,
    "id": _id,
    "uri": _uri,
    "url": _uri,
    "canonical": _canonical,
    "oid": _oid,
    "uuid": _uuid,
    "date": _date,
    "dateTime": _date_time,
    "instant": _instant,
    "time": _time,
    "boolean": _boolean,
    "integer": _integer,
    "unsignedInt": _unsigned,
    "positiveInt": _positive,
    "decimal": _decimal,
    "base64Binary": _base64,
}

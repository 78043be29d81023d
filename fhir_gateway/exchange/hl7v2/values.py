"""Texts of HL7 v2 as primitives of FHIR: dates of any precision, times with the offset of where they were written.

A time without offset is of the sender's zone (Europe/Paris unless a partner says otherwise). A date has the precision
its author gave it: 197903 and 19790300 are March 1979. What is none of the type gives None.

Source: HL7 v2.5.1, chapter 2A, DT, DTM, TM, NM; FHIR R4, Data Types, "date", "dateTime", "instant", "decimal".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

from fhir_gateway.fhir.number import Number
from fhir_gateway.transform.source import Convert

Zone = ZoneInfo
PARIS = "Europe/Paris"

_DTM = re.compile(
    r"(?P<year>\d{4})(?:(?P<month>\d{2})(?:(?P<day>\d{2})(?:(?P<hour>\d{2})(?:(?P<minute>\d{2})"
    r"(?:(?P<second>\d{2})(?P<fraction>\.\d{1,9})?)?)?)?)?)?(?P<offset>[+-]\d{4})?"
)
_TM = re.compile(r"(\d{2})(\d{2})?(\d{2})?(\.\d{1,9})?(?:[+-]\d{4})?")
_NM = re.compile(r"([+-]?)0*(\d+)(\.\d+)?|([+-]?)(\.\d+)")
_UNFIT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_CONTROL = re.compile(r"[\x7f-\x9f]")
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_CHUNK = 1 << 16
_OID = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")
_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_TRUE = frozenset({"Y", "y", "1", "true", "TRUE", "O", "OUI"})
_FALSE = frozenset({"N", "n", "0", "false", "FALSE", "NON"})


def converters(zone: Zone) -> dict[str, Convert]:
    """Return what makes each primitive type of FHIR of a text."""
    return {
        "string": text_of,
        "markdown": text_of,
        "code": code_of,
        "id": _matching(r"[A-Za-z0-9\-.]{1,64}"),
        "uri": uri_of,
        "url": url_of,
        "canonical": uri_of,
        "oid": _matching(r"urn:oid:[0-2](\.(0|[1-9][0-9]*))+"),
        "uuid": _matching(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
        "boolean": boolean_of,
        "integer": integer_of,
        "unsignedInt": lambda text: _at_least(0, text),
        "positiveInt": lambda text: _at_least(1, text),
        "decimal": decimal_of,
        "date": date_of,
        "dateTime": _cached(lambda text: date_time_of(text, zone)),
        "instant": _cached(lambda text: instant_of(text, zone)),
        "time": time_of,
        "base64Binary": base64_of,
    }


def _cached(convert: Callable[[str], str | None]) -> Callable[[str], str | None]:
    """Return what remembers what it made of a text; no time is longer than 40 characters."""
    cached = lru_cache(4096)(convert)
    return lambda text: cached(text) if len(text) <= 40 else None


def text_of(text: str) -> str | None:
    """Return a string of FHIR: some sign, no control character; trailing blanks go."""
    if text.isprintable():
        found = text.rstrip()
        return found or None
    found = _UNFIT.sub("", text).rstrip()
    return found if found.strip() else None


def code_of(text: str) -> str | None:
    """Return a code: its words with single blanks between them, without any control character."""
    if text.isalnum():
        return text
    return " ".join(_CONTROL.sub("", _UNFIT.sub("", text)).split()) or None


def uri_of(text: str) -> str | None:
    """Return an absolute uri, blanks escaped; None for urn:oid: and urn:uuid: of what is neither."""
    found = url_of(text)
    if found is None or ":" not in found:
        return None
    if found.startswith("urn:oid:"):
        # Roots shorter than that name no one's space, but for 1.3.
        short = found.rfind(".") < 12 and not found.startswith("urn:oid:1.3")
        return found if _OID.fullmatch(found, 8) and not short else None
    if found.startswith("urn:uuid:"):
        return found.lower() if _UUID.fullmatch(found, 9) else None
    return found


def url_of(text: str) -> str | None:
    """Return a url, blanks escaped."""
    return "%20".join(_UNFIT.sub("", text).split()) or None


def boolean_of(text: str) -> bool | None:
    """Return what table 0136 says."""
    return True if text in _TRUE else False if text in _FALSE else None


def integer_of(text: str) -> int | None:
    found = text.strip()
    return int(found) if re.fullmatch(r"[+-]?\d{1,9}", found) else None


def _at_least(least: int, text: str) -> int | None:
    found = integer_of(text)
    return found if found is not None and found >= least else None


def decimal_of(text: str) -> Number | None:
    """Return a number with the digits its author wrote; a plus sign and leading zeros are no JSON."""
    found = _NM.fullmatch(text.strip())
    if found is None:
        return None
    sign = "-" if "-" in (found[1], found[4]) else ""
    return Number(f"{sign}{found[2] or '0'}{found[3] or found[5] or ''}")


def date_of(text: str) -> str | None:
    """Return a date as precise as it was written; the time of a DTM is left out."""
    return _date_of(text) if len(text) <= 40 else None


@lru_cache(4096)
def _date_of(text: str) -> str | None:
    found = _DTM.fullmatch(text.strip())
    return _date(found) if found is not None else None


def _date(found: re.Match[str]) -> str | None:
    """Return the part of a date that is one: a month or day of 00 says that it is not known; months above 12 are those
    that INSEE gives where the month of birth is unknown (lunar dates stand in ZFD-1).
    """
    year, month, day = found["year"], found["month"], found["day"]
    if year == "0000":
        return None
    if month is None or not 1 <= int(month) <= 12:
        return year
    if day is None or day == "00":
        return f"{year}-{month}"
    try:
        date(int(year), int(month), int(day))
    except ValueError:
        return None
    return f"{year}-{month}-{day}"


def date_time_of(text: str, zone: Zone) -> str | None:
    """Return a dateTime; a time of day gets its offset, and seconds, which FHIR demands, are 00 where untold."""
    found = _DTM.fullmatch(text.strip())
    if found is None:
        return None
    day = _date(found)
    if day is None or len(day) < 10 or found["hour"] is None:
        return day
    return _moment(found, zone)


def instant_of(text: str, zone: Zone) -> str | None:
    """Return an instant; None for a date without time, which is none."""
    found = _DTM.fullmatch(text.strip())
    if found is None or found["hour"] is None or len(_date(found) or "") < 10:
        return None
    return _moment(found, zone)


def _moment(found: re.Match[str], zone: Zone) -> str | None:
    hour, minute, second = int(found["hour"]), int(found["minute"] or 0), int(found["second"] or 0)
    offset = found["offset"]
    try:
        if offset is None:
            place: timezone | Zone = zone
        else:
            ahead = timedelta(hours=int(offset[1:3]), minutes=int(offset[3:]))
            place = timezone(ahead if offset[0] == "+" else -ahead)
        at = datetime(int(found["year"]), int(found["month"]), int(found["day"]), hour, minute, second, tzinfo=place)
        return f"{at:%Y-%m-%dT%H:%M:%S}{found['fraction'] or ''}{_offset(at)}"
    except ValueError:
        return None


def _offset(at: datetime) -> str:
    ahead = at.utcoffset() or timedelta()
    minutes = int(ahead.total_seconds()) // 60
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def time_of(text: str) -> str | None:
    """Return a time of day; an offset, which FHIR's time has not, is left out."""
    found = _TM.fullmatch(text.strip())
    if found is None or int(found[1]) > 23 or int(found[2] or 0) > 59 or int(found[3] or 0) > 59:
        return None
    return f"{found[1]}:{found[2] or '00'}:{found[3] or '00'}{found[4] or ''}"


def base64_of(text: str) -> str | None:
    """Return base64 without the blanks and with the padding that senders forget; None where it is broken.

    What is whole stays the very text; it is looked through in pieces.
    """
    if not text.isascii():
        return None
    if _strangers(text):
        text = "".join("".join(text[at : at + _CHUNK].split()) for at in range(0, len(text), _CHUNK))
    padding = len(text) - len(text.rstrip("="))
    bare = len(text) - padding
    if _strangers(text, bare) or bare % 4 == 1 or padding > 2:
        return None
    missing = -len(text) % 4 if padding == 0 else -bare % 4 - padding
    if missing < 0:
        return text[: bare + -bare % 4]
    return text + "=" * missing if missing else text


def _strangers(text: str, end: int = -1) -> bool:
    """Tell whether a text, up to a place, holds anything but the letters of base64."""
    letters = _BASE64 if end >= 0 else _BASE64 + b"="
    end = len(text) if end < 0 else end
    chunks = (text[at : min(at + _CHUNK, end)].encode() for at in range(0, end, _CHUNK))
    return any(chunk.translate(None, letters) for chunk in chunks)


def _matching(pattern: str) -> Convert:
    form = re.compile(pattern)
    return lambda text: text if form.fullmatch(text) else None

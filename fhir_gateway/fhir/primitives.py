"""The primitive types: which texts they allow, and which instants a date may mean.

Source: FHIR R4, Datatypes, "Primitive Types" and its regular expressions; Search, "date"; RFC 9110, 5.6.7 (HTTP-date).
"""

from __future__ import annotations

import binascii
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from email.utils import parsedate_tz
from functools import lru_cache
from typing import Any, Final

from fhir_gateway.fhir.outcome import Complaint, InvalidRequest

SECOND: Final = 1_000_000  # µs
DAY: Final = 86_400 * SECOND
MAX_STRING: Final = 1_048_576  # "strings SHALL NOT exceed 1MB (1024*1024 characters) in size"
# An index keeps decimals as double precision numbers; beyond these exponents a double is infinite or zero.
MAX_EXPONENT: Final = 308

INVALID_DATE = Complaint(
    "not-a-date",
    "value",
    "'{text}' is no date: write YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm[:ss[.sss]][Z|±hh:mm], a day that exists.",
    "« {text} » n'est pas une date : écrire AAAA, AAAA-MM, AAAA-MM-JJ ou AAAA-MM-JJThh:mm[:ss[.sss]][Z|±hh:mm], "
    "un jour qui existe.",
)

_YEAR = r"(?!0000)[0-9]{4}"
_MONTH = r"(?:0[1-9]|1[0-2])"
_DAY = r"(?:0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_ZONE = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_TEXT = r"[^\x00-\x08\x0b\x0c\x0e-\x1f]"

# "Strings SHOULD not contain Unicode character points below 32, except for u0009, u000D and u000A": refused here,
# since XML 1.0 cannot carry them. The other patterns are those of the type definitions.
PATTERNS: Final[Mapping[str, re.Pattern[str]]] = {
    name: re.compile(pattern)
    for name, pattern in {
        "string": rf"{_TEXT}{{1,{MAX_STRING}}}",
        "markdown": rf"{_TEXT}{{1,{MAX_STRING}}}",
        "xhtml": rf"{_TEXT}+",
        "code": r"[^\x00-\x20]+(?:[ \t\n\r][^\x00-\x20]+)*",
        "id": r"[A-Za-z0-9\-.]{1,64}",
        "oid": r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+",
        "uuid": r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "uri": r"[^\x00-\x20]+",
        "url": r"[^\x00-\x20]+",
        "canonical": r"[^\x00-\x20]+",
        "date": rf"{_YEAR}(?:-{_MONTH}(?:-{_DAY})?)?",
        "dateTime": rf"{_YEAR}(?:-{_MONTH}(?:-{_DAY}(?:T{_CLOCK}{_ZONE})?)?)?",
        "instant": rf"{_YEAR}-{_MONTH}-{_DAY}T{_CLOCK}{_ZONE}",
        "time": _CLOCK,
        "decimal": r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?",
        "integer": r"-?(?:0|[1-9][0-9]*)",
        "unsignedInt": r"0|[1-9][0-9]*",
        "positiveInt": r"[1-9][0-9]*",
        "boolean": r"true|false",
    }.items()
}
INTEGER_RANGES: Final[Mapping[str, tuple[int, int]]] = {
    "integer": (-(2**31), 2**31 - 1),
    "unsignedInt": (0, 2**31 - 1),
    "positiveInt": (1, 2**31 - 1),
}


def _is_base64(text: str) -> bool:
    try:
        binascii.a2b_base64(text, strict_mode=True)
    except ValueError:  # "whitespace is always allowed", but the strict reader refuses it
        try:
            return binascii.a2b_base64("".join(text.split()), strict_mode=True) != b""
        except ValueError:
            return False
    return text != ""


def _is_dated(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    def allows(text: str) -> bool:
        if pattern.fullmatch(text) is None:
            return False
        # A regular expression takes 2023-02-30.
        return len(text) < 10 or _is_day(int(text[:4]), int(text[5:7]), int(text[8:10]))

    return allows


def _is_day(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _matcher(name: str) -> Callable[[str], bool]:
    fullmatch = PATTERNS[name].fullmatch
    return lambda text: fullmatch(text) is not None


# Whether a text is a value of a primitive type that JSON writes as a string.
TEXT_RULES: Final[Mapping[str, Callable[[str], bool]]] = {
    **{name: _matcher(name) for name in ("string", "markdown", "xhtml", "code", "id", "oid", "uuid", "time")},
    **{name: _matcher(name) for name in ("uri", "url", "canonical")},
    **{name: _is_dated(PATTERNS[name]) for name in ("date", "dateTime", "instant")},
    "base64Binary": _is_base64,
}


def decimal_in_range(number: Decimal) -> bool:
    """Return whether a decimal's magnitude is one that a double precision number can have (zero included)."""
    return not number or -MAX_EXPONENT <= number.adjusted() <= MAX_EXPONENT


@dataclass(frozen=True, slots=True)
class Interval:
    """The instants t that a date may mean: low <= t < high, in µs since 1970-01-01T00:00:00Z."""

    low: int
    high: int


_DATE = re.compile(rf"({_YEAR})(?:-({_MONTH})(?:-({_DAY}))?)?")
# The day and the clock are read in one piece by datetime, whose own syntax is wider than FHIR's.
_DATE_TIME = re.compile(
    rf"({_YEAR}-{_MONTH}-{_DAY}T(?:[01][0-9]|2[0-3]):[0-5][0-9])"
    rf"(?::([0-5][0-9]|60)(?:\.([0-9]+))?)?({_ZONE})?"
)
_LOCAL_EPOCH = datetime(1970, 1, 1)  # on a clock whose zone is not known yet
_EPOCH_DAY = _LOCAL_EPOCH.toordinal()
_END_OF_TIME = date.max.toordinal() + 1  # the first of January 10000, which `date` does not have


def ends_before_start(period: Mapping[str, Any]) -> bool:
    """Tell whether a Period breaks per-1: its end lies before its start, or cannot be told to follow it.

    Two instants of different offsets are compared as such: a clock that is put back shows an hour twice.
    Source: FHIR R4, Data Types, "Period", per-1.
    """
    start, end = period.get("start", ""), period.get("end")
    if type(start) is not str or type(end) is not str:
        return False
    if "T" in start and "T" in end and start[-6:] != end[-6:]:
        return interval_of(start).low > interval_of(end).low
    return start > end


@lru_cache(maxsize=16_384)
def interval_of(date_text: str, zone: tzinfo = UTC) -> Interval:
    """Return the instants that `date_text` may mean, as precise as its author was: low <= t < high.

    "2024-02" means every instant of February 2024, "2024-02-03T10:11" a minute, "…:12" a second, "…:12.5" a tenth
    of one. The last instant meant is `high - 1` µs. Digits after the sixth of a fraction are cut. A leap second
    (":60") means the first second after it, as POSIX time has it.

    Units: µs since 1970-01-01T00:00:00Z. A value without zone is read in `zone`.
    Raises: InvalidRequest("not-a-date") when the text is no date, dateTime or instant of the years 0001 to 9999;
    minutes without seconds and a time without zone, which Search allows, are taken.
    Source: FHIR R4, Search, "date"; Datatypes, "dateTime", "instant".
    """
    match = _DATE_TIME.fullmatch(date_text)
    if match is None:
        return _interval_of_days(date_text, zone)
    to_the_minute, second, fraction, offset = match.groups()
    try:
        since = datetime.fromisoformat(to_the_minute) - _LOCAL_EPOCH
    except ValueError:
        raise InvalidRequest(INVALID_DATE.at(text=date_text)) from None
    low = since.days * DAY + since.seconds * SECOND
    width = 60 * SECOND
    if second is not None:
        low += int(second) * SECOND
        width = SECOND
    if fraction is not None:
        low += int(fraction[:6].ljust(6, "0"))
        width = 10 ** max(0, 6 - len(fraction))
    low -= _offset_of(offset) if offset is not None else _offset_at(low, zone)
    return Interval(low, low + width)


def _interval_of_days(text: str, zone: tzinfo) -> Interval:
    match = _DATE.fullmatch(text)
    if match is None:
        raise InvalidRequest(INVALID_DATE.at(text=text))
    year, month, day = int(match[1]), match[2], match[3]
    if month is None:
        low, high = _midnight(year, 1, 1), _midnight(year + 1, 1, 1)
    elif day is None:
        low = _midnight(year, int(month), 1)
        high = _midnight(year + 1, 1, 1) if month == "12" else _midnight(year, int(month) + 1, 1)
    elif not _is_day(year, int(month), int(day)):
        raise InvalidRequest(INVALID_DATE.at(text=text))
    else:
        low = _midnight(year, int(month), int(day))
        high = low + DAY
    if zone is UTC:
        return Interval(low, high)
    return Interval(low - _offset_at(low, zone), high - _offset_at(high, zone))


def _midnight(year: int, month: int, day: int) -> int:
    days = date(year, month, day).toordinal() if year < 10_000 else _END_OF_TIME
    return (days - _EPOCH_DAY) * DAY


def _offset_of(text: str) -> int:
    """µs that a zone such as "+01:00" or "Z" is ahead of UTC."""
    if text == "Z":
        return 0
    offset = (int(text[1:3]) * 3600 + int(text[4:6]) * 60) * SECOND
    return -offset if text[0] == "-" else offset


def _offset_at(local: int, zone: tzinfo) -> int:
    """µs that `zone` is ahead of UTC when its own clock shows `local`."""
    if zone is UTC:
        return 0
    # Zones are asked about the years a datetime can hold; the hour 10000-01-01T00 is asked as the last of 9999.
    shown = _LOCAL_EPOCH + timedelta(microseconds=min(local, _LAST))
    ahead = zone.utcoffset(shown.replace(tzinfo=zone))
    return 0 if ahead is None else ahead // timedelta(microseconds=1)


_LAST = (_END_OF_TIME - _EPOCH_DAY) * DAY - 1


@lru_cache(maxsize=1024)
def instant_text(instant: int) -> str:
    """Return an instant (µs since the epoch, UTC) as FHIR writes it, always with six digits and Z.

    Raises: OverflowError outside the years 0001 to 9999.
    Source: FHIR R4, Datatypes, "instant".
    """
    shown = (_LOCAL_EPOCH + timedelta(microseconds=instant)).isoformat("T", "microseconds")
    return f"{shown}Z"


def instant_of(text: str) -> int:
    """Return the first instant that a date, dateTime or instant means, in µs since the epoch, UTC.

    Raises: InvalidRequest("not-a-date").
    """
    return interval_of(text).low


_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def http_date(instant: int) -> str:
    """Return an instant (µs since the epoch, UTC) as an IMF-fixdate, cut to the second.

    "Sun, 06 Nov 1994 08:49:37 GMT". Source: RFC 9110, 5.6.7.
    """
    year, month, day, hour, minute, second, weekday, _, _ = time.gmtime(instant // SECOND)
    clock = f"{hour:02}:{minute:02}:{second:02}"
    return f"{_WEEKDAYS[weekday]}, {day:02} {_MONTHS[month - 1]} {year:04} {clock} GMT"


def instant_of_http_date(text: str) -> int | None:
    """Return the instant of an HTTP-date in any of its three forms, in µs since the epoch; None when it is none.

    None, not a refusal: "A recipient MUST ignore the If-Modified-Since header field if … the field value is not a
    valid HTTP-date" (RFC 9110, 13.1.3).
    """
    parts = parsedate_tz(text)
    if parts is None:
        return None
    year, month, day, hour, minute, second, _, _, _, offset = parts
    if not (1 <= year <= 9999 and 1 <= month <= 12 and _is_day(year, month, day)):
        return None
    if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second <= 60):
        return None
    return _midnight(year, month, day) + (hour * 3600 + minute * 60 + second - (offset or 0)) * SECOND

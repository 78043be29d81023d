"""The values of FHIRPath's own type system: partial dates and times, quantities.

Source: FHIRPath 2.0 (N1), "Literals", "Date/Time arithmetic", "Quantity"; FHIR R4, FHIRPath.
"""

from __future__ import annotations

import calendar
import datetime
import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Literal, cast

TemporalKind = Literal["Date", "DateTime", "Time"]

# Calendar durations, singular; those from the week down are also definite durations of UCUM.
CALENDAR = {
    name: singular
    for singular in ("year", "month", "week", "day", "hour", "minute", "second", "millisecond")
    for name in (singular, f"{singular}s")
}
UCUM_OF_CALENDAR = {
    "year": "a", "month": "mo", "week": "wk", "day": "d", "hour": "h", "minute": "min", "second": "s",
    "millisecond": "ms",
}  # fmt: skip
_CALENDAR_OF_UCUM = {ucum: name for name, ucum in UCUM_OF_CALENDAR.items() if ucum not in ("a", "mo")}

_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")
_TIME = re.compile(r"(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?")
_ZONE = re.compile(r"(.*?)(Z|[+-]\d\d:\d\d)?", re.DOTALL)

Part = int | Decimal


@dataclass(frozen=True, slots=True, eq=False)
class Temporal:
    """A date, a dateTime or a time, as precise as it was written.

    `parts`: year, month, day, hour, minute, second (of a Time: hour, minute, second), as many as are known; seconds
    are a Decimal. `offset`: minutes east of UTC, None where no zone is given.
    """

    kind: TemporalKind
    parts: tuple[Part, ...]
    offset: int | None = None

    @staticmethod
    def read(kind: str, text: str) -> Temporal | None:
        """Return what a text without `@` means; None when it is no such value."""
        return _read(kind, text)

    @property
    def full(self) -> int:
        return {"Date": 3, "DateTime": 6, "Time": 3}[self.kind]

    def __str__(self) -> str:
        if self.kind == "Time":
            return _time_text(self.parts)
        date = "-".join(f"{part:0{width}d}" for part, width in zip(self.parts[:3], (4, 2, 2), strict=False))
        if self.kind == "Date":
            return date
        if len(self.parts) <= 3:
            return date
        return f"{date}T{_time_text(self.parts[3:])}{offset_text(self.offset)}"

    def in_utc(self) -> Temporal:
        """Return the same instant in UTC, where hours and zone are known; else itself."""
        if not self.offset or len(self.parts) < 4 or self.kind != "DateTime":
            return self
        minutes = int(self.parts[4]) if len(self.parts) > 4 else 0
        moved = _moved_minutes(self.parts, -self.offset, minutes)
        return Temporal("DateTime", moved, 0)

    def plus(self, amount: int, unit: str) -> Temporal:
        """Return this moved by an amount of calendar units.

        Raises: ValueError where the result is no date of years 1 to 9999, or the unit does not fit.
        """
        return _plus(self, amount, unit)


def offset_text(offset: int | None) -> str:
    if offset is None:
        return ""
    if offset == 0:
        return "Z"
    sign, minutes = ("+", offset) if offset > 0 else ("-", -offset)
    return f"{sign}{minutes // 60:02d}:{minutes % 60:02d}"


def _time_text(parts: tuple[Part, ...]) -> str:
    texts = [f"{part:02d}" for part in parts[:2]]
    if len(parts) > 2:
        whole, dot, fraction = str(parts[2]).partition(".")
        texts.append(f"{int(whole):02d}{dot}{fraction}")
    return ":".join(texts)


@lru_cache(8192)
def _read(kind: str, text: str) -> Temporal | None:
    if kind == "Time":
        match = _TIME.fullmatch(text.removeprefix("T"))
        parts = None if match is None else _time_parts(match.groups())
        return None if parts is None else Temporal("Time", parts)
    date, t, rest = text.partition("T")
    match = _DATE.fullmatch(date)
    days = None if match is None else _date_parts(match.groups())
    if days is None or (kind == "Date" and t):
        return None
    if kind == "Date" or not rest:
        return Temporal(cast(TemporalKind, kind), days)
    zoned = _ZONE.fullmatch(rest)
    assert zoned is not None
    offset = _offset(zoned[2])
    if not zoned[1]:
        return Temporal("DateTime", days, offset)
    match = _TIME.fullmatch(zoned[1])
    times = None if match is None or len(days) < 3 else _time_parts(match.groups())
    return None if times is None else Temporal("DateTime", (*days, *times), offset)


def _offset(zone: str | None) -> int | None:
    if zone is None:
        return None
    if zone == "Z":
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[4:6])
    return -minutes if zone[0] == "-" else minutes


def _date_parts(groups: tuple[str | None, ...]) -> tuple[Part, ...] | None:
    parts = tuple(int(group) for group in groups if group is not None)
    if not parts[0] >= 1 or (len(parts) > 1 and not 1 <= parts[1] <= 12):
        return None
    if len(parts) > 2 and not 1 <= parts[2] <= calendar.monthrange(parts[0], parts[1])[1]:
        return None
    return parts


def _time_parts(groups: tuple[str | None, ...]) -> tuple[Part, ...] | None:
    parts = tuple(Decimal(group) if place == 2 else int(group) for place, group in enumerate(groups) if group)
    limits = (23, 59, 60)
    return (
        parts
        if all(part < limit + (place < 2) for place, (part, limit) in enumerate(zip(parts, limits, strict=False)))
        else None
    )


_UNITS: tuple[str, ...] = ("year", "month", "day", "hour", "minute", "second")
_MINUTES = {"minute": 1, "hour": 60, "day": 1440, "week": 10080}


def _plus(moment: Temporal, amount: int, unit: str) -> Temporal:
    if moment.kind == "Time":
        return _time_plus(moment, amount, unit)
    parts = moment.parts
    # An amount finer than the value's precision counts in whole units of that precision.
    if unit == "week":
        amount, unit = amount * 7, "day"
    precision = len(parts)
    if unit in ("year", "month"):
        months = amount * (12 if unit == "year" else 1)
        if precision == 1:
            return Temporal(moment.kind, (_year(int(parts[0]) + _toward_zero(months, 12)),), moment.offset)
        total = int(parts[0]) * 12 + int(parts[1]) - 1 + months
        year, month = _year(total // 12), total % 12 + 1
        day = () if precision < 3 else (min(int(parts[2]), calendar.monthrange(year, month)[1]),)
        return Temporal(moment.kind, (year, month, *day, *parts[3:]), moment.offset)
    if precision < 3 or (unit not in ("day",) and precision < 4):
        days = amount if unit == "day" else _toward_zero(amount * _seconds(unit), 86_400_000)
        if precision == 1:
            return _plus(moment, _toward_zero(days, 365), "year")
        if precision == 2:
            return _plus(moment, _toward_zero(days, 30), "month")
        return Temporal(moment.kind, _moved_minutes(parts, days * 1440, 0), moment.offset)
    if unit in ("second", "millisecond"):
        return _plus_seconds(moment, Decimal(amount) * Decimal(_seconds(unit)) / 1000)
    minute = int(parts[4]) if precision > 4 else 0
    return Temporal(moment.kind, _moved_minutes(parts, amount * _MINUTES[unit], minute), moment.offset)


def _plus_seconds(moment: Temporal, seconds: Decimal) -> Temporal:
    parts = moment.parts
    if len(parts) < 6:
        minutes = _toward_zero(int(seconds), 60)
        if len(parts) == 4:
            minutes = _toward_zero(minutes, 60) * 60
        minute = int(parts[4]) if len(parts) > 4 else 0
        return Temporal(moment.kind, _moved_minutes(parts, minutes, minute), moment.offset)
    total = Decimal(parts[5]) + seconds
    carried, rest = divmod(total, 60)
    if rest < 0:
        carried, rest = carried - 1, rest + 60
    moved = _moved_minutes(parts[:5], int(carried), int(parts[4]))
    return Temporal(moment.kind, (*moved, rest), moment.offset)


def _seconds(unit: str) -> int:
    """Return milliseconds of a unit."""
    return {"day": 86_400_000, "hour": 3_600_000, "minute": 60_000, "second": 1000, "millisecond": 1}[unit]


def _toward_zero(amount: int, by: int) -> int:
    return amount // by if amount >= 0 else -(-amount // by)


def _year(year: int) -> int:
    if not 1 <= year <= 9999:
        raise ValueError("the year is out of range")
    return year


def _moved_minutes(parts: tuple[Part, ...], by: int, minute: int) -> tuple[Part, ...]:
    """Return date parts moved by minutes, with as many parts as before."""
    hour = int(parts[3]) if len(parts) > 3 else 0
    try:
        moved = datetime.datetime(int(parts[0]), int(parts[1]), int(parts[2]), hour, minute) + datetime.timedelta(
            minutes=by
        )
    except OverflowError as error:
        raise ValueError("the year is out of range") from error
    whole: tuple[Part, ...] = (moved.year, moved.month, moved.day, moved.hour, moved.minute, *parts[5:])
    return whole[: len(parts)]


def _time_plus(moment: Temporal, amount: int, unit: str) -> Temporal:
    if unit not in ("hour", "minute", "second", "millisecond"):
        raise ValueError(f"a time cannot be moved by a {unit}")
    hour, minute, second = (*moment.parts, 0, 0)[:3]
    total = (int(hour) * 60 + int(minute)) * 60 + Decimal(second) + Decimal(amount) * _seconds(unit) / 1000
    total %= 86_400
    if total < 0:
        total += 86_400
    whole = (int(total // 3600), int(total % 3600 // 60), total % 60)
    return Temporal("Time", whole[: len(moment.parts)])


def calendar_unit(unit: str, calendar_word: bool) -> str | None:
    """Return the calendar unit that dates can be moved by: a calendar word, or UCUM's from the week down; else None."""
    return unit if calendar_word else _CALENDAR_OF_UCUM.get(unit)


@dataclass(frozen=True, slots=True, eq=False)
class Quantity:
    """A number with a unit: a UCUM code, or (`calendar`) a calendar duration in the singular."""

    value: Decimal
    unit: str
    calendar: bool = False

    def __str__(self) -> str:
        number = format(self.value, "f")
        if self.calendar:
            return f"{number} {self.unit}{'' if self.value == 1 else 's'}"
        return f"{number} '{self.unit}'"

"""Date parameters: the instants that a date, a period or a timing may mean.

Row (pid, lo, hi, long). lo and hi are the first and the last instant in µs, UTC; a Period without a start or an end
goes to the end of time there; a Timing is its outer limits. long = 1 when the span is over a day: such rows are few,
and have an index by hi; of the others lo tells hi but for a day, so that "after x" begins its range a day before x.

Source: FHIR R4, Search, "date" and "Prefixes".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fhir_gateway.fhir.outcome import InvalidRequest
from fhir_gateway.fhir.primitives import DAY, interval_of
from fhir_gateway.store.index import complaints
from fhir_gateway.store.index.condition import (
    Answered,
    Asked,
    Condition,
    Scan,
    condition,
    for_each,
    refuse_modifier,
)
from fhir_gateway.store.index.rows import Rows, Take
from fhir_gateway.store.index.syntax import PREFIXES, Prefix, prefixed, unescape

EVER_SINCE = -(1 << 62)
FOR_EVER = 1 << 62

Span = tuple[int, int]  # first and last instant, µs


def span_of(text: str) -> Span:
    """Return the first and the last instant that a date, dateTime or instant may mean."""
    interval = interval_of(text)
    return interval.low, interval.high - 1


def _dates(values: list[Any]) -> Iterator[Span]:
    return map(span_of, values)


def _instants(values: list[Any]) -> Iterator[Span]:
    # "An instant is considered a fixed point in time with … an effective width of 0"
    for value in values:
        low = interval_of(value).low
        yield low, low


def _periods(values: list[Any]) -> Iterator[Span]:
    for period in values:
        low = interval_of(period["start"]).low if "start" in period else EVER_SINCE
        high = interval_of(period["end"]).high - 1 if "end" in period else FOR_EVER
        if "start" in period or "end" in period:
            yield low, high


def _timings(values: list[Any]) -> Iterator[Span]:
    for timing in values:
        spans = [span_of(event) for event in timing.get("event", ()) if event is not None]
        bounds = timing.get("repeat", {}).get("boundsPeriod")
        if bounds is not None:
            spans.extend(_periods([bounds]))
        if spans:
            # "the specified scheduling details are ignored and only the outer limits matter"
            yield min(low for low, _ in spans), max(high for _, high in spans)


_SPANS: Mapping[str, Callable[[list[Any]], Iterator[Span]]] = {
    "date": _dates,
    "dateTime": _dates,
    "instant": _instants,
    "Period": _periods,
    "Timing": _timings,
}


def spans_by(type: str) -> Callable[[list[Any]], Iterator[Span]] | None:
    """Return what gives the spans of values of a FHIR type; None when such a value is no date."""
    return _SPANS.get(type)


def take(pid: int, type: str) -> Take | None:
    """Return what appends the rows of values of a FHIR type; None when such a value is no date."""
    spans = spans_by(type)
    if spans is None:
        return None

    def append(values: list[Any], rows: Rows) -> None:
        for low, high in spans(values):
            rows.date.append((pid, low, high, 1 if high - low >= DAY else 0))

    return append


def ask(asked: Asked) -> Answered:
    """Return the conditions of a date parameter.

    Raises: InvalidRequest for a value that is no date.
    """
    refuse_modifier(asked, "date")
    return Answered("i_date", tuple(for_each(asked.values, lambda value: condition_of(*span_asked(asked, value)))))


def span_asked(asked: Asked, value: str) -> tuple[Prefix, Span]:
    """Return the prefix and the span of a value; "about" is widened by a tenth of its distance from now."""
    prefix, text = prefixed(unescape(value))
    try:
        low, high = span_of(text)
    except InvalidRequest:
        known = ", ".join(PREFIXES)
        raise InvalidRequest(complaints.DATE_MALFORMED.at(name=asked.name, value=value, prefixes=known)) from None
    if prefix == "ap":
        # "A recommended value for the approximation is 10% of the … gap between now and the date."
        margin = max(abs(asked.now - low), abs(asked.now - high)) // 10
        low, high = low - margin, high + margin
    return prefix, (low, high)


def condition_of(prefix: Prefix, span: Span) -> Condition:
    """Return the condition that a row's span [lo, hi] stands in the relation `prefix` to `span`."""
    low, high = span
    if prefix == "eq":
        # The value asked for contains the row's. Its end bounds lo as well.
        return condition("{lo} >= ? AND {lo} <= ? AND {hi} <= ?", low, high, high)
    if prefix == "ne":
        before, beyond = Scan("{lo} < ?", (low,)), _ends_after(high)
        return Condition("({lo} < ? OR {hi} > ?)", (low, high), (before, *beyond))
    if prefix == "gt":
        return Condition("{hi} > ?", (high,), _ends_after(high))
    if prefix == "lt":
        return condition("{lo} < ?", low)
    if prefix == "ge":
        # After, or contained: contained and not after is to begin within.
        return Condition("({hi} > ? OR {lo} >= ?)", (high, low), (Scan("{lo} >= ?", (low,)), *_ends_after(high)))
    if prefix == "le":
        within = Scan("{lo} >= ? AND {lo} <= ? AND {hi} <= ?", (low, high, high))
        return Condition("({lo} < ? OR {hi} <= ?)", (low, high), (Scan("{lo} < ?", (low,)), within))
    if prefix == "sa":
        return condition("{lo} > ?", high)
    if prefix == "eb":
        return condition("{lo} < ? AND {hi} < ?", low, low)
    # "ap": they overlap. A row that begins before `low` ends at or after it.
    begun = tuple(Scan(f"{scan.where} AND {{lo}} <= ?", (*scan.values, high)) for scan in _ends_after(low - 1))
    return Condition("{lo} <= ? AND {hi} >= ?", (high, low), begun)


def _ends_after(instant: int) -> tuple[Scan, Scan]:
    short = Scan("{long} = 0 AND {lo} > ? AND {hi} > ?", (instant - DAY, instant))
    return short, Scan("{long} = 1 AND {hi} > ?", (instant,))

"""Functions over dates and times: now, and the parts of a value.

Source: FHIRPath 2.0 (N1), "Current date and time"; FHIRPath, "Date/Time functions".
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from fhir_gateway.fhir.fhirpath.environment import Environment
from fhir_gateway.fhir.fhirpath.functions import Table
from fhir_gateway.fhir.fhirpath.model import Model
from fhir_gateway.fhir.fhirpath.nodes import Item, Items, single, system
from fhir_gateway.fhir.fhirpath.values import Temporal

TABLE = Table()


@TABLE.add("now", result="DateTime")
def _now(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    now = env.instant()
    seconds = Decimal(now.second) + Decimal(now.microsecond // 1000) / 1000
    parts = (now.year, now.month, now.day, now.hour, now.minute, seconds.quantize(Decimal("0.001")))
    return [Temporal("DateTime", parts, 0)]


@TABLE.add("today", result="Date")
def _today(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    now = env.instant()
    return [Temporal("Date", (now.year, now.month, now.day))]


@TABLE.add("timeOfDay", result="Time")
def _time_of_day(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    now = env.instant()
    seconds = (Decimal(now.second) + Decimal(now.microsecond // 1000) / 1000).quantize(Decimal("0.001"))
    return [Temporal("Time", (now.hour, now.minute, seconds))]


def _part(name: str, result: str, take: Callable[[Temporal], Item | None]) -> None:
    def act(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
        value = system(single(items, f"{name}()")) if items else None
        found = take(value) if isinstance(value, Temporal) else None
        return [] if found is None else [found]

    TABLE.add(name, result=result)(act)


def _at(place: int) -> Callable[[Temporal], Item | None]:
    """Return what takes a part by its place in a DateTime."""

    def take(value: Temporal) -> Item | None:
        own = place - 3 if value.kind == "Time" else place
        return int(value.parts[own]) if 0 <= own < len(value.parts) else None

    return take


def _milliseconds(value: Temporal) -> Item | None:
    own = 2 if value.kind == "Time" else 5
    if len(value.parts) <= own or value.kind == "Date":
        return None
    return int(Decimal(value.parts[own]) % 1 * 1000)


def _offset(value: Temporal) -> Item | None:
    return None if value.offset is None else Decimal(value.offset) / 60


def _date(value: Temporal) -> Item | None:
    return None if value.kind == "Time" else Temporal("Date", value.parts[:3])


def _time(value: Temporal) -> Item | None:
    return Temporal("Time", value.parts[3:]) if value.kind == "DateTime" and len(value.parts) > 3 else None


for _place, _name in enumerate(("year", "month", "day", "hour", "minute", "second")):
    _part(f"{_name}Of", "Integer", _at(_place))
_part("millisecondOf", "Integer", _milliseconds)
_part("timezoneOffsetOf", "Decimal", _offset)
_part("dateOf", "Date", _date)
_part("timeOf", "Time", _time)

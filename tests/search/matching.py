r"""What it means that a value meets what a search parameter asks, value by value, slowly and by the standard's words.

Where R4 leaves a choice, the gateway's documented one is taken: strings are compared without case, accents and extra
spaces, punctuation as a space; tokens with case; quantities by canonical unit where UCUM and its unit are named; a
reference without a version means every version.

Source: FHIR R4, Search, "Search Parameter Types", "Modifiers", "Prefixes", "Escaping Search Parameters".
"""

from __future__ import annotations

import calendar
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from fhir_gateway.fhir import ucum
from tests.search.definitions import Value

UCUM = "http://unitsofmeasure.org"
PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Span = tuple[float, float]  # first and last instant in µs, or bounds of a number; both included


class Impossible(Exception):
    """What is asked cannot be: the search must be refused."""


# --- how values are written


def split(text: str, mark: str) -> list[str]:
    r"""Return what stands between marks that have no `\` before them, still escaped."""
    parts, part, escaped = [], "", False
    for character in text:
        if character == mark and not escaped:
            parts.append(part)
            part = ""
        else:
            part += character
        escaped = character == "\\" and not escaped
    return [*parts, part]


def unescape(text: str) -> str:
    r"""Return the text that is meant: `\$`, `\,`, `\|` and `\\` are the character after the `\`."""
    plain, at = "", 0
    while at < len(text):
        if text[at] == "\\" and text[at + 1 : at + 2] in ("$", ",", "|", "\\"):
            at += 1
        plain += text[at]
        at += 1
    return plain


def prefixed(text: str) -> tuple[str, str]:
    return (text[:2], text[2:]) if text[:2] in PREFIXES else ("eq", text)


# --- string


def fold(text: str) -> str:
    """Return a text without case, accents and extra spaces, punctuation as a space."""
    bare = "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each)).casefold()
    for letter, plain in (("œ", "oe"), ("æ", "ae"), ("ø", "o"), ("ł", "l"), ("đ", "d"), ("ı", "i")):
        bare = bare.replace(letter, plain)
    spaced = "".join(" " if unicodedata.category(each).startswith("P") else each for each in bare)
    return " ".join(spaced.split())


def texts(value: Value) -> list[str]:
    """Return the texts a value is searched by: "server defined … SHOULD … any of the string fields"."""
    if value.type == "HumanName":
        parts = [value.data.get(part) for part in ("family", "text")]
        return [
            *filter(None, parts),
            *(each for part in ("given", "prefix", "suffix") for each in value.data.get(part, ())),
        ]
    if value.type == "Address":
        parts = [value.data.get(part) for part in ("text", "city", "district", "state", "postalCode", "country")]
        return [*filter(None, parts), *value.data.get("line", ())]
    return [value.data] if isinstance(value.data, str) else []


def string_matches(text: str, modifier: str | None, asked: str) -> bool:
    if modifier == "exact":
        return text == asked
    if modifier == "contains":
        return fold(asked) in fold(text)
    return fold(text).startswith(fold(asked))


# --- token


@dataclass(frozen=True)
class Token:
    """A token by its parts: the namespace (None: it has none), the code, and the texts that `:text` looks at."""

    system: str | None
    code: str | None
    texts: tuple[str, ...] = ()
    types: tuple[tuple[str | None, str | None], ...] = ()  # of an identifier, for `:of-type`
    text: bool = False  # an element of type string: compared without case
    named: bool = True  # False: what `system` says is no namespace (ContactPoint)


def tokens(value: Value) -> list[Token]:
    data = value.data
    if value.type == "Coding":
        return [_coding(data)]
    if value.type == "CodeableConcept":
        text = tuple(filter(None, (data.get("text"),)))
        return [*map(_coding, data.get("coding", ())), *([Token(None, None, text)] if text else [])]
    if value.type == "Identifier":
        type = data.get("type", {})
        types = tuple((each.get("system"), each.get("code")) for each in type.get("coding", ()))
        text = tuple(filter(None, (type.get("text"),)))
        return [Token(data.get("system"), data.get("value"), text, types)]
    if value.type == "ContactPoint":
        return [Token(None, data.get("value"), named=False)]
    if isinstance(data, bool):
        return [Token(None, "true" if data else "false", named=False)]
    return [Token(value.system, str(data), text=value.type == "string")] if not isinstance(data, Mapping) else []


def _coding(coding: Mapping[str, Any]) -> Token:
    return Token(coding.get("system"), coding.get("code"), tuple(filter(None, (coding.get("display"),))))


def token_matches(token: Token, modifier: str | None, asked: str) -> bool:
    if modifier == "text":
        return any(string_matches(text, None, unescape(asked)) for text in token.texts)
    parts = [unescape(part) for part in split(asked, "|")]
    if modifier == "of-type":
        if len(parts) != 3 or "" in parts:
            raise Impossible(asked)
        return token.code == parts[2] and (parts[0], parts[1]) in token.types
    if len(parts) == 1:  # "irrespective of the value of the system property"
        if token.text and token.code is not None:
            return token.code.casefold() == parts[0].casefold()
        return token.code == parts[0]
    if len(parts) != 2 or parts == ["", ""]:
        raise Impossible(asked)
    system, code = parts
    if system == "":  # "the Coding/Identifier has no system property"
        return token.named and token.system is None and token.code == code
    # "any element where the value of [system] matches the system property"
    return token.system == system and (code == "" or token.code == code)


# --- date

DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?)?)?)?")


def instants(text: str) -> Span:
    """Return the first and the last instant that a date may mean; one without a zone is read as UTC."""
    match = DATE.fullmatch(text)
    if match is None:
        raise Impossible(text)
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        start = datetime(
            int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), min(int(second or 0), 59)
        )
    except ValueError:
        raise Impossible(text) from None
    if month is None:
        length = timedelta(days=366 if calendar.isleap(start.year) else 365)
    elif day is None:
        length = timedelta(days=calendar.monthrange(start.year, start.month)[1])
    elif hour is None:
        length = timedelta(days=1)
    elif second is None:
        length = timedelta(minutes=1)
    else:
        length = timedelta(seconds=1)
    first = (start - EPOCH.replace(tzinfo=None)) // timedelta(microseconds=1)
    microseconds = length // timedelta(microseconds=1)
    if fraction is not None:
        digits = fraction[:6]
        first += int(digits.ljust(6, "0"))
        microseconds = 10 ** (6 - len(digits))
    if zone not in (None, "Z"):
        sign = 1 if zone[0] == "+" else -1
        first -= sign * (int(zone[1:3]) * 60 + int(zone[4:6])) * 60_000_000
    return first, first + microseconds - 1


def spans(value: Value) -> list[Span]:
    """Return the time that a value covers; "a period without start or end is open there"."""
    if value.type == "Period":
        return _period(value.data)
    if value.type == "Timing":
        found = [instants(event) for event in value.data.get("event", ())]
        found += _period(value.data.get("repeat", {}).get("boundsPeriod", {}))
        # "the specified scheduling details are ignored and only the outer limits matter"
        return [(min(low for low, _ in found), max(high for _, high in found))] if found else []
    return [instants(value.data)] if isinstance(value.data, str) else []


def _period(period: Mapping[str, Any]) -> list[Span]:
    if "start" not in period and "end" not in period:
        return []
    low = instants(period["start"])[0] if "start" in period else -math.inf
    high = instants(period["end"])[1] if "end" in period else math.inf
    return [(low, high)]


def date_matches(span: Span, asked: str, now: float) -> bool:
    prefix, text = prefixed(unescape(asked))
    low, high = instants(text)
    if prefix == "ap":
        margin = max(abs(now - low), abs(now - high)) // 10
        low, high = low - margin, high + margin
    return stands(span, prefix, low, high)


def stands(span: Span, prefix: str, low: float, high: float) -> bool:
    """Tell whether a value's range stands in the relation of a prefix to the range asked for; both include their ends.

    Source: FHIR R4, Search, "Prefixes".
    """
    first, last = span
    contained = low <= first and last <= high
    match prefix:
        case "eq":  # "the range of the search value fully contains the range of the target value"
            return contained
        case "ne":
            return not contained
        case "gt":  # "the range above the search value intersects … with the range of the target value"
            return last > high
        case "lt":
            return first < low
        case "ge":
            return last > high or contained
        case "le":
            return first < low or contained
        case "sa":  # "the range above the search value contains the range of the target value"
            return first > high
        case "eb":
            return last < low
    return first <= high and last >= low  # ap: they overlap


# --- number and quantity


@dataclass(frozen=True)
class Measure:
    """Bounds of a number (`open` where the bound itself is not meant), and of a quantity its unit."""

    low: Decimal | float
    high: Decimal | float
    low_open: bool = False
    high_open: bool = False
    system: str | None = None
    code: str | None = None
    unit: str | None = None


def measures(value: Value) -> list[Measure]:
    data = value.data
    if value.type == "Range":
        low, high = data.get("low", {}), data.get("high", {})
        if "value" not in low and "value" not in high:
            return []
        unit = low or high
        ends = (
            _decimal(low["value"]) if "value" in low else -math.inf,
            _decimal(high["value"]) if "value" in high else math.inf,
        )
        return [Measure(*ends, system=unit.get("system"), code=unit.get("code"), unit=unit.get("unit"))]
    if value.type == "Money":
        if "value" not in data:
            return []
        amount = _decimal(data["value"])
        return [Measure(amount, amount, system="urn:iso:std:iso:4217", code=data.get("currency"))]
    if isinstance(data, Mapping):
        if "value" not in data or value.type == "SampledData":
            return []
        number, unit = _decimal(data["value"]), (data.get("system"), data.get("code"), data.get("unit"))
        match data.get("comparator"):
            case "<":
                return [Measure(-math.inf, number, False, True, *unit)]
            case "<=":
                return [Measure(-math.inf, number, False, False, *unit)]
            case ">":
                return [Measure(number, math.inf, True, False, *unit)]
            case ">=":
                return [Measure(number, math.inf, False, False, *unit)]
        return [Measure(number, number, False, False, *unit)]
    number = _decimal(data)
    return [Measure(number, number)]


def _decimal(number: Any) -> Decimal:
    return Decimal(getattr(number, "text", None) or str(number))


_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


def number_matches(measure: Measure, text: str, factor: Decimal = Decimal(1)) -> bool:
    """Tell whether a number meets what is asked: a prefix and a number with its implicit precision.

    "100: [99.5, 100.5); 100.00: [99.995, 100.005); 1e2: [95, 105)"; of a number with a prefix of comparison "the
    implicit precision is ignored".
    """
    prefix, digits = prefixed(text)
    if _NUMBER.fullmatch(digits) is None:
        raise Impossible(text)
    number = _base(Decimal(digits), factor)
    low, high = measure.low, measure.high
    match prefix:
        case "gt":
            return high > number
        case "lt":
            return low < number
        case "ge":
            return high > number or (high == number and not measure.high_open)
        case "le":
            return low < number or (low == number and not measure.low_open)
        case "sa":
            return low > number or (low == number and measure.low_open)
        case "eb":
            return high < number or (high == number and measure.high_open)
        case "ap":
            margin = abs(number) / 10
            return low <= number + margin and high >= number - margin
    margin = precision(digits)
    above, below = _base(Decimal(digits) - margin, factor), _base(Decimal(digits) + margin, factor)
    contained = low >= above and (high < below or (high == below and measure.high_open))
    return contained if prefix == "eq" else not contained


def _base(number: Decimal, factor: Decimal) -> Decimal:
    """Return a number in base units, to the digits that a conversion by thirds and sixtieths has for certain."""
    return number if factor == 1 else Decimal(f"{number * factor:.15g}")


def precision(digits: str) -> Decimal:
    """Return half of the last digit's worth. A significand without fraction has one more digit: 1e2 is 1.0e2."""
    number = Decimal(digits)
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    whole = "e" in digits.lower() and "." not in digits
    return Decimal(5).scaleb(exponent - (2 if whole else 1))


def quantity_matches(measure: Measure, asked: str) -> bool:
    number, *unit = (unescape(part) for part in split(asked, "|"))
    if unit and (len(unit) != 2 or unit[1] == ""):
        raise Impossible(asked)
    if unit:
        system, code = unit
        if system == "" and code not in (measure.code, measure.unit):
            return False
        asked_in = ucum.canonical(Decimal(1), code) if system == UCUM else None
        stored_in = ucum.canonical(Decimal(1), measure.code or "") if measure.system == UCUM else None
        if asked_in is not None and stored_in is not None:
            low, high = (
                each if isinstance(each, float) else _base(each, stored_in[0]) for each in (measure.low, measure.high)
            )
            in_base = replace(measure, low=low, high=high)
            return asked_in[1] == stored_in[1] and number_matches(in_base, number, asked_in[0])
        if system != "" and (measure.system, measure.code) != (system, code):
            return False
    return number_matches(measure, number)


# --- reference and uri

_LITERAL = re.compile(r"([A-Z]\w+)/([A-Za-z0-9\-.]{1,64})(?:/_history/([A-Za-z0-9\-.]{1,64}))?")


def relative(reference: str, base: str) -> str:
    return reference.removeprefix(f"{base}/") if reference.startswith(f"{base}/") else reference


def reference_matches(value: Value, modifier: str | None, asked: str, targets: tuple[str, ...], base: str) -> bool:
    if modifier == "identifier":
        identifier = value.data.get("identifier") if isinstance(value.data, Mapping) else None
        return identifier is not None and any(
            token_matches(each, None, asked) for each in tokens(Value("Identifier", identifier))
        )
    wanted = relative(unescape(asked), base)
    literal = _LITERAL.fullmatch(wanted)
    if value.type in ("canonical", "uri", "url"):
        url = str(value.data).partition("#")[0]
        return unescape(asked) in (url, url.partition("|")[0])
    text = relative(literal_of(value) or "", base)
    own = _LITERAL.fullmatch(text)
    if re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", wanted):
        types = targets if modifier is None else (modifier,)
        return own is not None and own[1] in types and own[2] == wanted
    if literal is not None and literal[3] is None:
        return own is not None and (own[1], own[2]) == (literal[1], literal[2])
    return text == wanted or (text != "" and text.partition("/_history/")[0] == wanted)


def literal_of(value: Value) -> str | None:
    """Return the literal reference a value holds, None when it has none that leads out of its resource."""
    if isinstance(value.data, str):
        return value.data
    if value.type not in ("Reference", None) and "resourceType" in value.data:
        return f"{value.data['resourceType']}/{value.data['id']}" if "id" in value.data else None
    text = value.data.get("reference")
    return None if text is None or text.startswith("#") else str(text)


def uri_matches(uri: str, modifier: str | None, asked: str) -> bool:
    """`:below`, `:above`: "either the search term left-matches the value, or vice-versa"; "not URNs"."""
    if modifier is not None and "://" not in asked:
        raise Impossible(asked)
    if modifier == "below":
        return uri.startswith(asked)
    return asked.startswith(uri) if modifier == "above" else uri == asked


def uris(value: Value) -> Iterator[str]:
    yield value.data
    if value.type == "canonical" and "|" in value.data:
        yield value.data.partition("|")[0]


# --- near


def kilometres(here: tuple[float, float], there: tuple[float, float]) -> float:
    """Return the distance of two positions (degrees) on a sphere of the Earth's mean radius."""
    (first, second), (third, fourth) = (tuple(map(math.radians, each)) for each in (here, there))
    chord = (
        math.sin((third - first) / 2) ** 2 + math.cos(first) * math.cos(third) * math.sin((fourth - second) / 2) ** 2
    )
    return 2 * 6371.0088 * math.asin(math.sqrt(chord))

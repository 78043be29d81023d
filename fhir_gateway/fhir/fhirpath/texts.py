"""Functions over strings.

Source: FHIRPath 2.0 (N1), "String manipulation", "Additional string functions".
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Callable
from functools import lru_cache

from fhir_gateway.fhir.fhirpath.collections import integer
from fhir_gateway.fhir.fhirpath.conversions import to_string
from fhir_gateway.fhir.fhirpath.environment import Environment
from fhir_gateway.fhir.fhirpath.faults import failed
from fhir_gateway.fhir.fhirpath.functions import Table
from fhir_gateway.fhir.fhirpath.model import Model
from fhir_gateway.fhir.fhirpath.nodes import Items, single, system

TABLE = Table()


def text(items: Items, what: str) -> str | None:
    """Return the one string of a collection.

    Raises: FhirPathError for several items, or another type.
    """
    value = system(single(items, what)) if items else None
    if value is not None and not isinstance(value, str):
        raise failed(f"{what} takes a string")
    return value


def _of_text(name: str, result: str, *kinds: str) -> Callable[[Callable[..., object]], Callable[..., object]]:
    """Declare a function of a string and of arguments that are strings ("text") or integers ("int").

    It is not called, and gives nothing, when its input or an argument is empty. A trailing "?" makes one optional.
    """
    least = sum(not kind.endswith("?") for kind in kinds)

    def declare(function: Callable[..., object]) -> Callable[..., object]:
        def act(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
            own = text(items, f"{name}()")
            values: list[object] = []
            for items_given, kind in zip(given, kinds, strict=False):
                read = text if kind.startswith("text") else integer
                value = read(items_given, f"{name}()")
                if value is None:
                    return []
                values.append(value)
            if own is None:
                return []
            found = function(own, *values)
            return [] if found is None else found if isinstance(found, list) else [found]

        TABLE.add(name, least, len(kinds), result, "String", many=result == "Strings")(act)
        return function

    return declare


@lru_cache(1024)
def pattern(expression: str, flags: int = 0) -> re.Pattern[str]:
    """Return a compiled regular expression.

    Raises: FhirPathError when it is none.
    """
    try:
        return re.compile(_python_form(expression), re.DOTALL | flags)
    except re.error as error:
        raise failed(f"the regular expression is not understood: {error}") from error


def _python_form(expression: str) -> str:
    # Classes of Unicode properties that Python's re does not have, as near as it gets.
    return expression.replace(r"\p{L}", r"[^\W\d_]").replace(r"\p{N}", r"\d").replace(r"\p{Lu}", "[A-Z]")


@_of_text("startsWith", "Boolean", "text")
def _starts_with(own: str, prefix: str) -> bool:
    return own.startswith(prefix)


@_of_text("endsWith", "Boolean", "text")
def _ends_with(own: str, suffix: str) -> bool:
    return own.endswith(suffix)


@_of_text("contains", "Boolean", "text")
def _contains(own: str, part: str) -> bool:
    return part in own


@_of_text("indexOf", "Integer", "text")
def _index_of(own: str, part: str) -> int:
    return own.find(part)


@_of_text("lastIndexOf", "Integer", "text")
def _last_index_of(own: str, part: str) -> int:
    return own.rfind(part)


@_of_text("substring", "String", "int", "int?")
def _substring(own: str, start: int, length: int | None = None) -> str | None:
    if not 0 <= start < len(own):
        return None
    return own[start:] if length is None else own[start : start + max(0, length)]


@_of_text("upper", "String")
def _upper(own: str) -> str:
    return own.upper()


@_of_text("lower", "String")
def _lower(own: str) -> str:
    return own.lower()


@_of_text("length", "Integer")
def _length(own: str) -> int:
    return len(own)


@_of_text("trim", "String")
def _trim(own: str) -> str:
    return own.strip()


@_of_text("toChars", "Strings")
def _to_chars(own: str) -> list[str]:
    return list(own)


@_of_text("split", "Strings", "text")
def _split(own: str, separator: str) -> list[str]:
    return own.split(separator) if separator else list(own)


@_of_text("replace", "String", "text", "text")
def _replace(own: str, part: str, by: str) -> str:
    return own.replace(part, by)


@_of_text("matches", "Boolean", "text", "text?")
def _matches(own: str, expression: str, flags: str = "") -> bool:
    return pattern(expression, _flags(flags)).search(own) is not None


@_of_text("matchesFull", "Boolean", "text", "text?")
def _matches_full(own: str, expression: str, flags: str = "") -> bool:
    return pattern(expression, _flags(flags)).fullmatch(own) is not None


@_of_text("replaceMatches", "String", "text", "text", "text?")
def _replace_matches(own: str, expression: str, by: str, flags: str = "") -> str:
    if not expression:
        return own
    template = re.sub(r"\\(?!\$|\\)", r"\\\\", by)
    template = re.sub(r"\$\{(\w+)\}", r"\\g<\1>", re.sub(r"(?<!\\)\$(\d+)", r"\\g<\1>", template))
    try:
        return pattern(expression, _flags(flags)).sub(template.replace(r"\$", "$"), own)
    except (re.error, IndexError) as error:
        raise failed(f"the substitution is not understood: {error}") from error


def _flags(text: str) -> int:
    return sum({"i": re.IGNORECASE, "m": re.MULTILINE}.get(flag, 0) for flag in text)


@_of_text("encode", "String", "text")
def _encode(own: str, form: str) -> str | None:
    raw = own.encode()
    if form == "hex":
        return raw.hex()
    if form == "base64":
        return base64.b64encode(raw).decode()
    return base64.urlsafe_b64encode(raw).decode() if form == "urlbase64" else None


@_of_text("decode", "String", "text")
def _decode(own: str, form: str) -> str | None:
    try:
        if form == "hex":
            return bytes.fromhex(own).decode()
        if form in ("base64", "urlbase64"):
            return base64.b64decode(own, altchars=b"-_" if form == "urlbase64" else None, validate=True).decode()
    except (ValueError, binascii.Error) as error:
        raise failed(f"the text is no {form}") from error
    return None


_JSON_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f", "\b": "\\b"}
_JSON_UNESCAPES = {**{escaped[1]: plain for plain, escaped in _JSON_ESCAPES.items()}, "/": "/"}


@_of_text("escape", "String", "text")
def _escape(own: str, target: str) -> str | None:
    if target == "html":
        return html.escape(own, quote=True).replace("&#x27;", "&#39;")
    return "".join(_JSON_ESCAPES.get(each, each) for each in own) if target == "json" else None


@_of_text("unescape", "String", "text")
def _unescape(own: str, target: str) -> str | None:
    if target == "html":
        return html.unescape(own)
    if target != "json":
        return None
    return re.sub(
        r"\\(u[0-9A-Fa-f]{4}|.)",
        lambda match: chr(int(match[1][1:], 16)) if len(match[1]) == 5 else _JSON_UNESCAPES.get(match[1], match[1]),
        own,
    )


def _join(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    separator = text(given[0], "join()") if given else ""
    found = [to_string(item) for item in items]
    if None in found:
        raise failed("join() takes strings")
    return [(separator or "").join(each for each in found if each is not None)] if items else []


TABLE.add("join", 0, 1, "String")(_join)

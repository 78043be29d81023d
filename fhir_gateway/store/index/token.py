r"""Token parameters: codes, codings, identifiers, booleans.

Row (pid, h, s). A token has a row for each way a query may name it: "code", "system|code", or "|code" where it has no
system, and "system|"; an identifier with a type also "type system|type code|value" for `:of-type`. A "|" or "\" inside
a part is written with a "\" before it, so that different tokens never make the same text. s is the beginning of the
code as it is written, by which resources are ordered; only the row for "code" has it, so that it follows from h.

Codes and identifiers are compared as they are, case included; "if the underlying data type is string then the search
is not case sensitive", so that a string has the key of its folded text for its own.

Row (pid, v, x) in i_str, for `:text`: the folded beginning of a concept's text, of a coding's display, of the text and
displays of an identifier's type; x is 0. Nothing else asks i_str for the number of a token parameter.

Source: FHIR R4, Search, "token" and "Modifiers".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from fhir_gateway.fhir.outcome import InvalidRequest
from fhir_gateway.store.contract import Row
from fhir_gateway.store.index import complaints
from fhir_gateway.store.index.condition import Answered, Asked, for_each, of_keys, refuse_modifier
from fhir_gateway.store.index.hashing import h64, joined_key, order_text, part
from fhir_gateway.store.index.rows import Rows, Take
from fhir_gateway.store.index.string import KEPT, begins_with, compared
from fhir_gateway.store.index.syntax import split, unescape

Key = tuple[int, str | None]  # h and s

# A value that has neither code nor system: nothing finds it, but it is not missing.
NAMELESS = 0
_NAMELESS: tuple[Key, ...] = ((NAMELESS, None),)

_CODED = 16_384  # codings recur from resource to resource; identifiers do not and are not remembered


def keys_of(system: str | None, code: str | None) -> tuple[Key, ...]:
    """Return the keys of a token: one for each way to ask for it."""
    if code is None:
        return ((h64(f"{part(system)}|"), None),) if system is not None else _NAMELESS
    name = part(code)
    bare = h64(name), order_text(code)
    if system is None:
        return bare, (h64(f"|{name}"), None)
    namespace = part(system)
    return bare, (h64(f"{namespace}|{name}"), None), (h64(f"{namespace}|"), None)


def of_type_key(system: str, code: str, value: str) -> int:
    """Return the key of an identifier's type and value, for `:of-type`."""
    return joined_key(system, code, value)


def identifier_keys(identifier: Mapping[str, Any]) -> tuple[Key, ...]:
    value = identifier.get("value")
    keys = keys_of(identifier.get("system"), value)
    if value is None or "type" not in identifier:
        return keys
    types = identifier["type"].get("coding", ())
    typed = ((of_type_key(each.get("system", ""), each["code"], value), None) for each in types if "code" in each)
    return (*keys, *typed)


def _contact_point_keys(contact: Mapping[str, Any]) -> tuple[Key, ...]:
    # ContactPoint.system ("phone") is no namespace: the token is the value alone.
    value = contact.get("value")
    return _NAMELESS if value is None else ((h64(part(value)), order_text(value)),)


def _boolean_keys(value: bool) -> tuple[Key, ...]:
    return _TRUE if value else _FALSE


_TRUE, _FALSE = ((h64("true"), "true"),), ((h64("false"), "false"),)


@lru_cache(_CODED)
def _coded(pid: int, system: str | None, code: str | None) -> tuple[Row, ...]:
    """Return the rows of a coding under a parameter."""
    return tuple((pid, h, s) for h, s in keys_of(system, code))


@lru_cache(_CODED)
def _text(pid: int, text: str) -> Row:
    return pid, compared(text)[:KEPT], 0


def _take_codings(pid: int) -> Take:
    def append(values: list[Any], rows: Rows) -> None:
        for coding in values:
            rows.token.extend(_coded(pid, coding.get("system"), coding.get("code")))
            if "display" in coding:
                rows.str.append(_text(pid, coding["display"]))

    return append


def _take_concepts(pid: int) -> Take:
    def append(values: list[Any], rows: Rows) -> None:
        for concept in values:
            codings = concept.get("coding", ())
            if not codings:
                rows.token.append((pid, NAMELESS, None))
            for coding in codings:
                rows.token.extend(_coded(pid, coding.get("system"), coding.get("code")))
            _append_texts(pid, concept, rows)

    return append


def _append_texts(pid: int, concept: Mapping[str, Any], rows: Rows) -> None:
    text = concept.get("text")
    if text is not None:
        rows.str.append(_text(pid, text))
    for coding in concept.get("coding", ()):
        display = coding.get("display")
        if display is not None and display != text:
            rows.str.append(_text(pid, display))


def _take_identifiers(pid: int) -> Take:
    def append(values: list[Any], rows: Rows) -> None:
        for identifier in values:
            rows.token.extend([(pid, h, s) for h, s in identifier_keys(identifier)])
            if "type" in identifier:
                _append_texts(pid, identifier["type"], rows)

    return append


def _string_keys(text: str) -> tuple[Key, ...]:
    return (_folded_key(text), order_text(text)), (h64(f"|{part(text)}"), None)


def _folded_key(text: str) -> int:
    # U+001F stands in no text of FHIR: the key is never that of a code.
    return h64("\x1f" + text.casefold())


def _take_codes(pid: int, system: str | None) -> Take:
    def append(values: list[Any], rows: Rows) -> None:
        for code in values:
            rows.token.extend(_coded(pid, system, code))

    return append


def _take_numbers(pid: int) -> Take:
    def append(values: list[Any], rows: Rows) -> None:
        for value in values:
            rows.token.extend(_coded(pid, None, str(getattr(value, "text", value))))

    return append


def _take_keys(pid: int, keys: Callable[[Any], tuple[Key, ...]]) -> Take:
    def append(values: list[Any], rows: Rows) -> None:
        for value in values:
            rows.token.extend([(pid, h, s) for h, s in keys(value)])

    return append


_TAKES: Mapping[str, Callable[[int], Take]] = {
    "Coding": _take_codings,
    "CodeableConcept": _take_concepts,
    "Identifier": _take_identifiers,
    "string": lambda pid: _take_keys(pid, _string_keys),
    "ContactPoint": lambda pid: _take_keys(pid, _contact_point_keys),
    "boolean": lambda pid: _take_keys(pid, _boolean_keys),
    # A token without a system.
    **dict.fromkeys(("code", "id", "uri", "url", "canonical", "oid", "uuid"), lambda pid: _take_codes(pid, None)),
    **dict.fromkeys(("date", "dateTime", "instant", "time", "markdown"), lambda pid: _take_codes(pid, None)),
    **dict.fromkeys(("integer", "positiveInt", "unsignedInt", "decimal"), _take_numbers),
}


def take(pid: int, type: str, system: str | None = None) -> Take | None:
    """Return what appends the rows of values of a FHIR type; None when such a value is no token.

    `system`: the code system that a `code` element's binding implies.
    """
    if system is not None and type == "code":
        return _take_codes(pid, system)
    return _TAKES[type](pid) if type in _TAKES else None


def ask(asked: Asked, types: Iterable[str] = ()) -> Answered:
    """Return the conditions of a token parameter. `types`: the FHIR types of its values.

    `:not` is the query's affair: it asks that no row passes.
    Raises: InvalidRequest for a value that is no token, or a modifier that is not supported.
    """
    known = frozenset(types)
    refuse_modifier(asked, "token", "not", *(("text",) if not known or known & _WITH_TEXT else ()), "of-type")
    if asked.modifier == "text":
        return Answered("i_str", tuple(for_each(asked.values, lambda value: begins_with(asked, value))))
    if asked.modifier == "of-type":
        keys = for_each(asked.values, lambda value: _of_type_asked(asked, value))
    elif known == {"boolean"}:
        keys = for_each(asked.values, lambda value: _boolean_asked(asked, value))
    else:
        several = for_each(asked.values, lambda value: _keys_asked(asked, value, known))
        keys = [key for each in several for key in each]
    return Answered("i_token", (of_keys("{h}", keys),))


_WITH_TEXT = frozenset({"Coding", "CodeableConcept", "Identifier"})
_WITHOUT_SYSTEM = frozenset({"ContactPoint", "uri", "url", "oid", "uuid", "boolean"})


def _keys_asked(asked: Asked, value: str, types: frozenset[str]) -> tuple[int, ...]:
    if types and types <= _WITHOUT_SYSTEM and len(split(value, "|")) > 1:
        # "For token parameters on elements of type ContactPoint, uri, or boolean, the presence of the pipe symbol SHALL
        # NOT be used."
        raise InvalidRequest(complaints.TOKEN_WITHOUT_SYSTEM.at(name=asked.name, value=value))
    key = key_asked(asked, value)
    if "string" in types and "|" not in value:
        return key, _folded_key(unescape(value))
    return (key,)


def parts_asked(asked: Asked, value: str) -> tuple[str | None, str | None]:
    """Return the system and the code that a value names; "" is "without a system", None is "whichever"."""
    parts = [unescape(part) for part in split(value, "|")]
    if len(parts) == 1:
        return None, parts[0]
    if len(parts) > 2 or parts == ["", ""]:
        raise InvalidRequest(complaints.TOKEN_MALFORMED.at(name=asked.name, value=value))
    return parts[0], parts[1] or None


def key_asked(asked: Asked, value: str) -> int:
    """Return the key that a value of a token parameter looks for."""
    system, code = parts_asked(asked, value)
    if system is None:
        return h64(part(code or ""))
    return joined_key(system, code or "")


def _of_type_asked(asked: Asked, value: str) -> int:
    parts = [unescape(part) for part in split(value, "|")]
    # "The format when using :of-type is [system]|[code]|[value] … all three parts must be present."
    if len(parts) != 3 or "" in parts:
        raise InvalidRequest(complaints.OF_TYPE_MALFORMED.at(name=asked.name, value=value))
    return of_type_key(*parts)


def _boolean_asked(asked: Asked, value: str) -> int:
    if value not in ("true", "false"):
        raise InvalidRequest(complaints.BOOLEAN_MALFORMED.at(name=asked.name, value=value))
    return h64(value)

r"""Token parameters: codes, codings, identifiers, booleans.

Row (pid, h). A token has a row for each way a query may name it: "code", "system|code", or "|code" where it has no
system, and "system|"; an identifier with a type also "type system|type code|value" for `:of-type`. A "|" or "\" inside
a part is written with a "\" before it, so that different tokens never make the same text.

Codes and identifiers are compared as they are, case included.

Source: FHIR R4, Search, "token".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from fhir_gateway.fhir.outcome import InvalidRequest
from fhir_gateway.store.index import complaints
from fhir_gateway.store.index.condition import Answered, Asked, for_each, of_keys, refuse_modifier
from fhir_gateway.store.index.hashing import h64, joined_key, part
from fhir_gateway.store.index.rows import Rows, Take
from fhir_gateway.store.index.syntax import split, unescape

# A value that has neither code nor system: nothing finds it, but it is not missing.
NAMELESS = 0

_CODED = 16_384  # codings recur from resource to resource; identifiers do not and are not remembered


def keys_of(system: str | None, code: str | None) -> tuple[int, ...]:
    """Return the keys of a token: one for each way to ask for it."""
    if code is None:
        return (h64(f"{part(system)}|"),) if system is not None else (NAMELESS,)
    name = part(code)
    if system is None:
        return (h64(name), h64(f"|{name}"))
    namespace = part(system)
    return (h64(name), h64(f"{namespace}|{name}"), h64(f"{namespace}|"))


_keys_of_coding = lru_cache(_CODED)(keys_of)


def of_type_key(system: str, code: str, value: str) -> int:
    """Return the key of an identifier's type and value, for `:of-type`."""
    return joined_key(system, code, value)


def coding_keys(coding: Mapping[str, Any]) -> tuple[int, ...]:
    return _keys_of_coding(coding.get("system"), coding.get("code"))


def concept_keys(concept: Mapping[str, Any]) -> tuple[int, ...]:
    codings = concept.get("coding")
    if not codings:
        return (NAMELESS,)
    if len(codings) == 1:
        return coding_keys(codings[0])
    return tuple(key for coding in codings for key in coding_keys(coding))


def identifier_keys(identifier: Mapping[str, Any]) -> tuple[int, ...]:
    value = identifier.get("value")
    keys = keys_of(identifier.get("system"), value)
    if value is None or "type" not in identifier:
        return keys
    types = identifier["type"].get("coding", ())
    typed = (of_type_key(each.get("system", ""), each["code"], value) for each in types if "code" in each)
    return (*keys, *typed)


def contact_point_keys(contact: Mapping[str, Any]) -> tuple[int, ...]:
    # ContactPoint.system ("phone") is no namespace: the token is the value alone.
    value = contact.get("value")
    return (NAMELESS,) if value is None else (h64(part(value)),)


def boolean_keys(value: bool) -> tuple[int, ...]:
    return _TRUE if value else _FALSE


_TRUE, _FALSE = (h64("true"),), (h64("false"),)


@lru_cache(_CODED)
def text_keys(value: str) -> tuple[int, ...]:
    """Return the keys of a code, string or uri: a token without a system."""
    return keys_of(None, value)


def number_keys(value: Any) -> tuple[int, ...]:
    return text_keys(str(getattr(value, "text", value)))


_KEYS: Mapping[str, Callable[[Any], tuple[int, ...]]] = {
    "Coding": coding_keys,
    "CodeableConcept": concept_keys,
    "Identifier": identifier_keys,
    "ContactPoint": contact_point_keys,
    "boolean": boolean_keys,
    **dict.fromkeys(("code", "string", "id", "uri", "url", "canonical", "oid", "uuid"), text_keys),
    **dict.fromkeys(("date", "dateTime", "instant", "time", "markdown"), text_keys),
    **dict.fromkeys(("integer", "positiveInt", "unsignedInt", "decimal"), number_keys),
}


def keys_by(type: str, system: str | None = None) -> Callable[[Any], tuple[int, ...]] | None:
    """Return what gives the keys of a value of a FHIR type; None when such a value is no token.

    `system`: the code system that a `code` element's binding implies.
    """
    if system is not None and type == "code":
        return lambda code: _keys_of_coding(system, code)
    return _KEYS.get(type)


def take(pid: int, type: str, system: str | None = None) -> Take | None:
    """Return what appends the rows of values of a FHIR type; None when such a value is no token."""
    keys = keys_by(type, system)
    if keys is None:
        return None

    def append(values: list[Any], rows: Rows) -> None:
        token = rows.token
        for value in values:
            for key in keys(value):
                token.append((pid, key))

    return append


def ask(asked: Asked, types: Iterable[str] = ()) -> Answered:
    """Return the conditions of a token parameter. `types`: the FHIR types of its values.

    `:not` is the query's affair: it asks that no row passes.
    Raises: InvalidRequest for a value that is no token, or a modifier that is not supported.
    """
    refuse_modifier(asked, "token", "not", "of-type")
    if asked.modifier == "of-type":
        keys = for_each(asked.values, lambda value: _of_type_asked(asked, value))
    elif set(types) == {"boolean"}:
        keys = for_each(asked.values, lambda value: _boolean_asked(asked, value))
    else:
        keys = for_each(asked.values, lambda value: key_asked(asked, value))
    return Answered("i_token", (of_keys("{h}", keys),))


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

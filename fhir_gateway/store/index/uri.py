"""Uri parameters: a URI compared as it is written, whole, or from its beginning with `:below` and `:above`.

Rows (pid, h, s) in i_token: the key of the URI; of a canonical with a version both "url|version" and "url"; of the
`url` of a resource that has a version "url|version" too. s is not used: URIs are ordered by i_str.
Rows (pid, v, x) in i_str: the first 255 characters as they are written, of a canonical those of its url, and the key of
the whole; for `:below`, and for order.

"`:below`, `:above` indicate that instead of an exact match, either the search term left-matches the value, or
vice-versa": any leading part, which need not end where a path segment does; "only apply to URLs, and not URNs".

Source: FHIR R4, Search, "uri": "matches are precise (e.g. case, accent, and escape) sensitive, and the entire URI must
match"; "servers SHOULD support automatically detecting a |[version] portion"; "Modifiers".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from fhir_gateway.fhir.outcome import InvalidRequest
from fhir_gateway.store.index import complaints
from fhir_gateway.store.index.condition import Answered, Asked, Condition, condition, for_each, of_keys, refuse_modifier
from fhir_gateway.store.index.hashing import h64
from fhir_gateway.store.index.reference import canonical_texts
from fhir_gateway.store.index.rows import Rows, Take
from fhir_gateway.store.index.string import LAST
from fhir_gateway.store.index.syntax import unescape

KEPT = 255  # characters of v

_URIS = frozenset({"uri", "url", "oid", "uuid", "string", "canonical"})
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://.*", re.DOTALL)


def take(pid: int, type: str) -> Take | None:
    """Return what appends the rows of values of a FHIR type; None when such a value is no URI."""
    if type not in _URIS:
        return None
    canonical = type == "canonical"

    def append(values: list[Any], rows: Rows) -> None:
        for uri in values:
            texts = canonical_texts(uri) if canonical else (uri,)
            rows.token.extend([(pid, h64(text), None) for text in texts])
            rows.str.append((pid, _storable(texts[0][:KEPT]), h64(uri)))

    return append


def take_versioned(pid: int) -> Callable[[Mapping[str, Any], Rows], None]:
    """Return what appends the row of "url|version" of a resource that has both: a canonical may name it so."""

    def append(resource: Mapping[str, Any], rows: Rows) -> None:
        if "url" in resource and "version" in resource:
            rows.token.append((pid, h64(f"{resource['url']}|{resource['version']}"), None))

    return append


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\x00", "")


def ask(asked: Asked) -> Answered:
    """Return the conditions of a uri parameter.

    Raises: InvalidRequest for a modifier that is not supported, and with `:above` or `:below` for what is no URL or too
    long to be compared from its beginning.
    """
    refuse_modifier(asked, "uri", "above", "below")
    if asked.modifier == "below":
        return Answered("i_str", tuple(for_each(asked.values, lambda value: _below(asked, value))))
    if asked.modifier == "above":
        parts = for_each(asked.values, lambda value: _leading_parts(asked, value))
        return Answered("i_token", (of_keys("{h}", [key for keys in parts for key in keys]),))
    return Answered("i_token", (of_keys("{h}", [h64(unescape(value)) for value in asked.values]),))


def _below(asked: Asked, value: str) -> Condition:
    url = _url(asked, value)
    return condition("{v} >= ? AND {v} <= ?", url, url + LAST)


def _leading_parts(asked: Asked, value: str) -> list[int]:
    """Return the keys of all URLs that a URL begins with, from its host on: what one of them is, is above it."""
    url = _url(asked, value)
    first = url.index("://") + len("://") + 1
    return [h64(url[:length]) for length in range(min(first, len(url)), len(url) + 1)]


def _url(asked: Asked, value: str) -> str:
    url = unescape(value)
    if _URL.fullmatch(url) is None:
        raise InvalidRequest(complaints.URI_NO_URL.at(name=asked.name, value=value))
    if len(url) > KEPT:
        raise InvalidRequest(complaints.URI_TOO_LONG.at(name=asked.name, limit=KEPT))
    return _storable(url)

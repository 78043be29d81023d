"""Uri parameters: a URI compared whole and as it is written.

Rows (pid, h) in i_token: the key of the URI; of a canonical with a version both "url|version" and "url".
Rows (pid, v, x) in i_str: the first 64 characters as they are written, for matching URIs by their beginning.

Source: FHIR R4, Search, "uri": "The match is precise (e.g. case, accent, and escape) sensitive, and the entire URI must
match."
"""

from __future__ import annotations

from typing import Any

from fhir_gateway.store.index.condition import Answered, Asked, of_keys, refuse_modifier
from fhir_gateway.store.index.hashing import h64
from fhir_gateway.store.index.reference import canonical_keys
from fhir_gateway.store.index.rows import Rows, Take
from fhir_gateway.store.index.string import KEPT
from fhir_gateway.store.index.syntax import unescape

_URIS = frozenset({"uri", "url", "oid", "uuid", "string", "canonical"})


def take(pid: int, type: str) -> Take | None:
    """Return what appends the rows of values of a FHIR type; None when such a value is no URI."""
    if type not in _URIS:
        return None
    canonical = type == "canonical"

    def append(values: list[Any], rows: Rows) -> None:
        for uri in values:
            keys = canonical_keys(uri) if canonical else (h64(uri),)
            rows.token.extend([(pid, key) for key in keys])
            rows.str.append((pid, _storable(uri[:KEPT]), h64(uri)))

    return append


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\x00", "")


def ask(asked: Asked) -> Answered:
    """Return the conditions of a uri parameter."""
    refuse_modifier(asked, "uri")
    return Answered("i_token", (of_keys("{h}", [h64(unescape(value)) for value in asked.values]),))

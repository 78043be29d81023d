"""Links between pages: a page is named by a signed token, and the server keeps nothing.

A token is base64url of the position and the search it belongs to, with the first 128 bits of its HMAC-SHA256.

Source: FHIR R4, RESTful API, "Paging"; RFC 2104 (HMAC); RFC 4648, 5 (base64url).
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import replace
from typing import Literal

import msgspec

from fhir_gateway.fhir.outcome import InvalidRequest
from fhir_gateway.store.search import complaints
from fhir_gateway.store.search.narrowing import bound_to
from fhir_gateway.store.search.order import Places
from fhir_gateway.store.search.query import PAGE, Parameter, Position, SearchQuery
from fhir_gateway.store.search.select import Page

Relation = Literal["self", "first", "previous", "next"]

_MAC = 16  # bytes

_Content = tuple[int, bool, int, Places, Places]
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Content).decode


def sign(position: Position, query: SearchQuery, key: bytes) -> str:
    """Return the token of a page of this search, for those who may see the same."""
    content = _encode(
        (bound_to(query.narrowing, query.key), position.backward, position.before, position.key, position.first)
    )
    return _text(_mac(content, key) + content)


def verify(token: str, query: SearchQuery, key: bytes) -> Position:
    """Return the position that a token of this search names.

    Raises: InvalidRequest when it is of another search, of another narrowing, of another server, or was tampered with.
    """
    invalid = InvalidRequest(complaints.PAGE_INVALID.at(name=PAGE))
    try:
        signed = urlsafe_b64decode(token.encode() + b"=" * (-len(token) % 4))
    except (NotBase64, ValueError):
        raise invalid from None
    mac, content = signed[:_MAC], signed[_MAC:]
    # One page, one token: base64 can be written in ways that mean the same bytes.
    if _text(signed) != token or not hmac.compare_digest(mac, _mac(content, key)):
        raise invalid
    search, backward, before, last, first = _decode(content)
    if search != bound_to(query.narrowing, query.key) or len(last) != len(query.order):
        raise invalid
    return Position(last, first, backward, before)


def _text(signed: bytes) -> str:
    return urlsafe_b64encode(signed).decode().rstrip("=")


def _mac(content: bytes, key: bytes) -> bytes:
    return hmac.digest(key, content, "sha256")[:_MAC]


def resume(query: SearchQuery, key: bytes) -> SearchQuery:
    """Return the search at the page its token names, the search itself where it has none.

    Raises: InvalidRequest, see `verify`.
    """
    if query.page is None:
        return query
    return replace(query, after=verify(query.page, query, key))


def links(query: SearchQuery, page: Page, key: bytes) -> dict[Relation, list[Parameter]]:
    """Return the parameters of each link of a page: self, first, and previous and next where there are such pages.

    The self link says what was done: parameters that were passed over are not in it.
    """
    applied = list(query.applied)
    found: dict[Relation, list[Parameter]] = {
        "self": applied if query.page is None else [*applied, (PAGE, query.page)],
        "first": applied,
    }
    if page.previous is not None:
        found["previous"] = [*applied, (PAGE, sign(page.previous, query, key))]
    if page.next is not None:
        found["next"] = [*applied, (PAGE, sign(page.next, query, key))]
    return found

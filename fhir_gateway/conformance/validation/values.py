"""The doubts of a scan, one by one: what is wrong with each value, and with the ids and languages of resources.

Source: FHIR R4, Datatypes; Resource, "id"; Attachment; Identifier; Narrative.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from fhir_gateway.conformance.validation import narrative, primitives
from fhir_gateway.conformance.validation import value_complaints as complaints
from fhir_gateway.conformance.validation.narrative import Said
from fhir_gateway.conformance.validation.scan import Doubt, Scan, expression
from fhir_gateway.conformance.validation.shape import text_of
from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.fhir.structure import Path

_URIS: Final = frozenset({"uri", "url", "canonical"})
_SPECIAL_TYPES: Final[Mapping[str, str]] = {
    "Attachment.data": "base64Binary",
    "Identifier.system": "uri",
    "Extension.url": "uri",
    "Canonical.url": "uri",
}


_EXAMPLES: Final = re.compile(r"^[a-z][a-z+.-]*://(?:[^/]*\.)?(?:example\.(?:org|com|net)|acme\.com)(?:[/:?#]|$)")


def issues_of(scan: Scan, strict: bool, example_urls: bool = True) -> Iterator[Issue]:
    """Yield an issue for all that is wrong with the values that a scan was in doubt about.

    `strict`: whether what looks like HTML in a string is an error. `example_urls`: whether the hosts that are kept for
    examples (RFC 2606) may be named.
    """
    if not scan.resources:
        return
    targets = narrative.Targets(scan.resources[0][0])
    ids: set[tuple[int, bool, str]] = set()
    for doubt in scan.doubts:
        kind = doubt.element.type
        if kind == "xhtml":
            yield from _narrative(doubt, targets, strict)
        elif kind == "Resource.id":
            yield from _at(doubt.path, _resource_id(text_of(doubt.value)))
        elif kind == "Element.id":
            yield from _at(doubt.path, primitives.faults(doubt.value, "string", strict))
            yield from _at(doubt.path[0], _element_id(doubt, ids))
        else:
            special = _SPECIAL.get(kind)
            if special is not None:
                parent = doubt.path[0]
                yield from _at(parent, special(doubt.holder))
                kind = _SPECIAL_TYPES[kind]
                if special is _attachment and _alien_character(text_of(doubt.value)):
                    continue
            yield from _at(doubt.path, primitives.faults(doubt.value, kind, strict))
            if doubt.element.type == "Canonical.url" and primitives.ABSOLUTE.fullmatch(text_of(doubt.value)) is None:
                yield from _at(doubt.path, [(complaints.CANONICAL, {"value": primitives.shown(text_of(doubt.value))})])
            if not example_urls and kind in _URIS and _EXAMPLES.match(text_of(doubt.value)) is not None:
                yield from _at(doubt.path, [(complaints.EXAMPLE_URL, {"value": text_of(doubt.value)})])
    for path in scan.broken:
        yield complaints.EXT_1.at(expression(path))
    inner: set[tuple[int, str]] = set()
    for resource, path, contained in scan.resources:
        yield from _of_resource(resource, path, contained)
        if contained:
            yield from _at(path, _contained_id(resource, path, inner))


def _at(path: Path, said: Iterable[Said]) -> Iterator[Issue]:
    place = ""
    for complaint, values in said:
        place = place or expression(path)
        yield complaint.at(place, **values)


def _narrative(doubt: Doubt, targets: narrative.Targets, strict: bool) -> Iterator[Issue]:
    text = text_of(doubt.value)
    if text == "":
        yield from _at(doubt.path, primitives.faults(text, "xhtml", strict))
    told: list[Said] = []  # a text may hold the same fault twice; it has one place all the same
    for each in narrative.faults(text, doubt.resource, targets):
        if each not in told:
            told.append(each)
            yield from _at(doubt.path, [each])


# --- resources

_ID_LENGTH: Final = 64
_ID = re.compile(r"[A-Za-z0-9\-.]+")


def _resource_id(text: str) -> Iterator[Said]:
    if len(text) > _ID_LENGTH:
        yield complaints.RESOURCE_ID_LENGTH, {"count": len(text)}
    elif _ID.fullmatch(text) is None:
        yield complaints.RESOURCE_ID, {"value": text}
        if text == "":
            yield complaints.EMPTY, {}
            yield complaints.ELE_1, {}


def _element_id(doubt: Doubt, ids: set[tuple[int, bool, str]]) -> Iterator[Said]:
    """Report an id that another element of the same resource has; those of a snapshot are counted apart."""
    key = (id(doubt.resource), _is_in_snapshot(doubt.path), text_of(doubt.value))
    if key in ids:
        yield complaints.ELEMENT_ID_TWICE, {"value": key[2]}
    ids.add(key)


def _is_in_snapshot(path: Path) -> bool:
    """Tell whether a path leads into StructureDefinition.snapshot, whose elements repeat those of the differential."""
    step: Path | None = path
    while step is not None:
        if step[1] == "snapshot":
            return True
        step = step[0]
    return False


def _contained_id(resource: dict[str, Any], path: Path, inner: set[tuple[int, str]]) -> Iterator[Said]:
    """Report an id that another resource contained in the same one has."""
    place = path[0]
    key = (id(place[0]) if place is not None else 0, str(resource.get("id")))
    if "id" in resource and key in inner:
        yield complaints.CONTAINED_ID_TWICE, {"value": key[1]}
    inner.add(key)


def _of_resource(resource: dict[str, Any], path: Path, contained: bool) -> Iterator[Issue]:
    if contained and "id" not in resource:
        yield from _at(path, [(complaints.RESOURCE_ID_MISSING, {})])
    twin = resource.get("_id")
    if isinstance(twin, dict) and isinstance(twin.get("extension"), list):
        urls = ", ".join(str(each.get("url")) for each in twin["extension"] if isinstance(each, dict))
        yield from _at((path, "id", None), [(complaints.RESOURCE_ID_EXTENSION, {"urls": urls})])
    if "language" in resource and "text" in resource:
        yield from _at(path, narrative.language_faults(resource))


# --- datatypes


def _identifier(holder: Mapping[str, Any]) -> Iterator[Said]:
    system, value = holder.get("system"), holder.get("value")
    if not isinstance(system, str):
        return
    if re.match(r"https?:|urn:", system) is None:
        yield complaints.IDENTIFIER_SYSTEM, {}
    if system == "urn:ietf:rfc:3986" and isinstance(value, str) and primitives.ABSOLUTE.fullmatch(value) is None:
        yield complaints.IDENTIFIER_URI, {"value": value}


_ALIEN = re.compile(r"[^A-Za-z0-9+/=]")


def _alien_character(data: str) -> str | None:
    """The first character that base64 has not, white space included: RFC 4648, 3.3."""
    found = _ALIEN.search(data)
    return None if found is None else found[0]


def _attachment(holder: Mapping[str, Any]) -> Iterator[Said]:
    """What is wrong with an attachment that has data: characters, size, hash."""
    data = text_of(holder.get("data"))
    size, stated = holder.get("size"), holder.get("hash")
    alien = _alien_character(data)
    if alien is not None:
        yield complaints.ATTACHMENT_BASE64, {"name": "data", "point": f"{ord(alien):x}"}
    if isinstance(size, int) and size < 0:
        yield complaints.ATTACHMENT_SIZE_INVALID, {"size": size}
    try:
        content = binascii.a2b_base64(data, strict_mode=True)
    except ValueError:
        return
    if isinstance(size, int) and 0 <= size != len(content):
        yield complaints.ATTACHMENT_SIZE, {"size": size, "actual": len(content)}
    if isinstance(stated, str):
        # "The hash is calculated using SHA-1": it tells damage, it protects nothing.
        actual = binascii.b2a_base64(hashlib.sha1(content, usedforsecurity=False).digest(), newline=False).decode()
        if stated != actual:
            yield complaints.ATTACHMENT_HASH, {"stated": stated, "actual": actual}


def _nothing(holder: Mapping[str, Any]) -> Iterator[Said]:
    return iter(())


_SPECIAL: Final[Mapping[str, Callable[[Mapping[str, Any]], Iterator[Said]]]] = {
    "Attachment.data": _attachment,
    "Identifier.system": _identifier,
    "Extension.url": _nothing,
    "Canonical.url": _nothing,
}

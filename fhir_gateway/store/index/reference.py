"""Reference parameters: which resource, or which canonical url, a resource points to.

Row (trk, pid, s). trk is the key of "Type/id" for a reference into this server, relative or absolute, of the whole URL
for any other; a canonical has rows for "url" and "url|version", a versioned reference for itself and for its resource.
A reference without a target here (contained, by identifier alone, by display alone) has the row `TARGETLESS`, so that
it is not missing. Its identifier has the rows of a token, for `:identifier`.

s is the beginning of the reference as it is written, relative to the service base, or of a canonical's url: resources
are ordered by it. Only one row of each reference has it, that of what it names exactly.

Source: FHIR R4, Search, "reference"; References, "Logical references", "Literal references".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from fhir_gateway.fhir.outcome import InvalidRequest
from fhir_gateway.store.index import complaints, token
from fhir_gateway.store.index.condition import Answered, Asked, for_each, of_keys, refuse_modifier
from fhir_gateway.store.index.hashing import h64, order_text
from fhir_gateway.store.index.rows import Rows, Take
from fhir_gateway.store.index.syntax import unescape

TARGETLESS = 0
_TARGETLESS: tuple[tuple[int, str | None], ...] = ((TARGETLESS, None),)
UNSEARCHED = 0  # stands for the parameter in rows of references that no parameter searches; numbers begin at 1

_LOCAL = re.compile(r"([A-Z][A-Za-z]*)/([A-Za-z0-9\-.]{1,64})(/_history/[A-Za-z0-9\-.]{1,64})?")
_REMOTE_TYPE = re.compile(r".*/([A-Z][A-Za-z]*)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?")
_VERSIONED = re.compile(r"(.*)/_history/[^/]+")
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:.+")
_REMEMBERED = 16_384

Key = tuple[int, str | None]  # trk and s
Targets = Callable[
    [str], tuple[str | None, tuple[Key, ...]]
]  # type and keys; the first is of what it names without a version


def relative(reference: str, base: str | None) -> str:
    """Return a reference relative to the service base where it lies under it, else as it is."""
    if base is not None and reference.startswith(base) and reference[len(base) : len(base) + 1] == "/":
        return reference[len(base) + 1 :]
    return reference


def local(reference: str, base: str | None) -> tuple[str, str] | None:
    """Return the type and id of the resource here that a literal reference is to; None when it is to none here."""
    found = _LOCAL.fullmatch(relative(reference, base))
    return None if found is None else (found[1], found[2])


def targets_at(base: str | None) -> Targets:
    """Return what gives a reference's target type (None: it cannot be told) and its keys, at a service base URL."""

    @lru_cache(_REMEMBERED)
    def targets(reference: str) -> tuple[str | None, tuple[Key, ...]]:
        if reference.startswith("#"):
            return None, ()
        local = _LOCAL.fullmatch(relative(reference, base))
        if local is not None:
            type, id, version = local.groups()
            name = f"{type}/{id}"
            return type, (_named(name),) if version is None else ((h64(name), None), _named(local[0]))
        remote = _REMOTE_TYPE.fullmatch(reference)
        versioned = _VERSIONED.fullmatch(reference)
        if versioned is not None and _LOCAL.fullmatch(relative(versioned[1], base)) is not None:
            versioned = None  # what has no version's id behind it names nothing, least of all a resource here
        keys = (_named(reference),) if versioned is None else ((h64(versioned[1]), None), _named(reference))
        return (None if remote is None else remote[1]), keys

    return targets


def _named(text: str) -> Key:
    return h64(text), order_text(text)


def canonical_texts(canonical: str) -> tuple[str, ...]:
    """Return what a canonical is found by: its url and, where it names a version, "url|version"; no fragment."""
    whole = canonical.partition("#")[0]
    url, bar, _ = whole.partition("|")
    return (url, whole) if bar else (url,)


@lru_cache(_REMEMBERED)
def _canonical_keys(canonical: str) -> tuple[Key, ...]:
    url, *whole = canonical_texts(canonical)
    text = order_text(url)
    return ((h64(url), None), (h64(whole[0]), text)) if whole else ((h64(url), text),)


def take(pid: int, type: str, target: str | None, targets: Targets) -> Take | None:
    """Return what appends the rows of values of a FHIR type; None when such a value is no reference.

    `target`: only references to this resource type are meant (`where(resolve() is Patient)`).
    """
    if type == "Reference":
        return _take_references(pid, target, targets)
    if type == "canonical":
        return _take_keys(pid, _canonical_keys)
    if type == "Resource":
        # Bundle.entry[0].resource: the value is the resource itself, not a reference to it.
        return _take_keys(pid, _resource_keys)
    if type in ("uri", "url", "oid", "uuid"):
        return _take_keys(pid, lambda uri: (_named(uri),))
    return None


def _resource_keys(resource: Mapping[str, Any]) -> tuple[Key, ...]:
    return (_named(f"{resource['resourceType']}/{resource['id']}") if "id" in resource else (TARGETLESS, None),)


def _take_keys(pid: int, keys: Callable[[Any], tuple[Key, ...]]) -> Take:
    def append(values: list[Any], rows: Rows) -> None:
        for value in values:
            rows.ref.extend([(trk, pid, s) for trk, s in keys(value)])

    return append


def _take_references(pid: int, target: str | None, targets: Targets) -> Take:
    def append(values: list[Any], rows: Rows) -> None:
        for value in values:
            named, keys = targets(value["reference"]) if "reference" in value else (None, ())
            if target is not None and target != (named or value.get("type")):
                continue
            for trk, s in keys or _TARGETLESS:
                rows.ref.append((trk, pid, s))
            if "identifier" in value:
                rows.token.extend([(pid, h, None) for h, _ in token.identifier_keys(value["identifier"])])

    return append


def take_unsearched(references: Iterable[str], targets: Targets, base: str | None, rows: Rows) -> None:
    """Append a row for each reference to a resource here that has none yet.

    R4 has no parameter for many elements (ServiceRequest.supportingInfo, Specimen.request), and what they refer to
    must not be deleted either.
    """
    found = {row[0] for row in rows.ref}
    for text in references:
        named, keys = targets(text)
        # A remote reference may name a type too, but is no key of a resource.
        if named is not None and keys[0][0] not in found and _LOCAL.match(relative(text, base)):
            rows.ref.append((keys[0][0], UNSEARCHED, None))


def ask(asked: Asked) -> Answered:
    """Return the conditions of a reference parameter: `id`, `Type/id`, a URL, `:Type` or `:identifier`.

    Raises: InvalidRequest for a value that is no reference, or a type the parameter cannot refer to.
    """
    if asked.modifier == "identifier":
        keys = for_each(asked.values, lambda value: token.key_asked(asked, value))
        return Answered("i_token", (of_keys("{h}", keys),))
    types = _types_asked(asked)
    found = for_each(asked.values, lambda value: keys_asked(asked, types, value))
    return Answered("i_ref", (of_keys("{trk}", [key for keys in found for key in keys]),))


def _types_asked(asked: Asked) -> tuple[str, ...]:
    if asked.modifier is None:
        return asked.types
    if not asked.modifier[:1].isupper():
        refuse_modifier(asked, "reference", "identifier", "[type]")
    if asked.modifier not in asked.types:
        targets = ", ".join(asked.types)
        raise InvalidRequest(complaints.REFERENCE_TYPE.at(name=asked.name, type=asked.modifier, targets=targets))
    return (asked.modifier,)


def keys_asked(asked: Asked, types: tuple[str, ...], value: str) -> list[int]:
    """Return the keys that a value looks for: several where an id alone may mean resources of several types.

    A reference that names a version means that version; one that does not means the resource, whatever the version.
    """
    reference = unescape(value)
    near = relative(reference, asked.base)
    if _ID.fullmatch(near):
        return [h64(f"{type}/{near}") for type in types]
    local = _LOCAL.fullmatch(near)
    if local is not None:
        if asked.modifier is not None and local[1] != asked.modifier:
            raise InvalidRequest(complaints.REFERENCE_TYPE.at(name=asked.name, type=local[1], targets=asked.modifier))
        # The absolute form too: a canonical may be written so.
        return [h64(near)] if near == reference else [h64(near), h64(reference)]
    if _ABSOLUTE.fullmatch(reference) is None:
        raise InvalidRequest(complaints.REFERENCE_MALFORMED.at(name=asked.name, value=value))
    return [h64(reference)]

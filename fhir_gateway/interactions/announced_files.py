"""Files that an import announces and does not carry: whose they are, by the name that stands in theirs; never guessed.

A file is of whom its name or address names by a library, a sample number or a pseudonym, standing between dots,
underscores, slashes or blanks; one that names several people is of all of them. One that names nobody is told of.

Source: FHIR R4, DocumentReference; reference: CAD message, layout ("{id_anon}/… per individual").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.dossier import Dossier, Person
from fhir_gateway.dossier.imports import FILE
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.fhir.outcome import InvalidRequest, Issue
from fhir_gateway.interactions import result_complaints as told
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.store.contract import Read

if TYPE_CHECKING:
    from fhir_gateway.interactions.result_merging import Merged

Resource = dict[str, Any]
Pair = tuple[str, str]
_DIGEST: Final = f"{CANONICAL_BASE}/StructureDefinition/empreinte-sha256"
_SIZE: Final = f"{CANONICAL_BASE}/StructureDefinition/taille-octets"
_SHORTEST: Final = 4  # characters of a name: shorter ones stand in names of files by chance


def given(gateway: Gateway, announced: list[Resource]) -> list[Resource]:
    """Return the attachments of files that are announced, none of them carried. Raises: InvalidRequest."""
    wrong: list[Issue] = []
    for number, each in enumerate(announced):
        if "data" in each or any(codes.extension(each, url) is None for url in (_DIGEST, _SIZE)):
            wrong.append(told.ANNOUNCED_WITHOUT.at(_place(number)))
        host = urlsplit(each["url"]).hostname if "url" in each else None
        if "url" in each and (host is None or host not in gateway.files.hosts):
            wrong.append(told.ANNOUNCED_HOST.at(_place(number), host=host or "-"))
    if wrong:
        raise InvalidRequest(*wrong)
    return announced


def pseudonyms_of(gateway: Gateway, view: Read, dossier: Dossier | None) -> dict[Pair, str]:
    """Return what the table of pseudonyms calls the people of a dossier; nothing where there is no key."""
    keys = gateway.files.keys
    if keys is None or dossier is None:
        return {}
    from fhir_gateway.store import pseudonyms

    known = pseudonyms.of_people(view, keys, {each.key for each in dossier.people})
    return {(each.system, each.value): each.person for each in known}


def add(dossier: Dossier, merged: Merged, announced: Sequence[Resource], called: Mapping[Pair, str], now: str) -> None:
    """Add a DocumentReference for each file that is announced: its address, digest and size, whose it is.

    `called`: whom ("Patient/1") names stand for that the dossier itself does not say.
    """
    names = _names(dossier, called) if announced else {}
    for number, each in enumerate(announced):
        digest = str((codes.extension(each, _DIGEST) or {}).get("valueString", ""))
        if any(f"{FILE}|{digest}" in codes.tokens(one.resource) for one in dossier.documents()):
            continue
        people = _people(dossier, each, names)
        if not people:
            file = str(each.get("title") or each.get("url") or digest)
            merged.issues.append(told.ANNOUNCED_NOBODY.at(_place(number), file=file))
            continue
        url = f"urn:uuid:{_uuid(digest, str(number))}"
        # Another dossier may have the same file: it is looked for in this one only.
        request = {"method": "POST", "url": "DocumentReference"}
        merged.entries.append({"fullUrl": url, "resource": _document(each, digest, people, now), "request": request})
        merged.written.append(url)


def _document(attachment: Resource, digest: str, people: Sequence[Person], now: str) -> Resource:
    return {
        "resourceType": "DocumentReference",
        **({"meta": {"profile": [f"{codes.PROFILE}document-reference"]}} if "url" in attachment else {}),
        "identifier": [{"system": FILE, "value": digest}],
        "status": "current",
        "type": codes.concept(codes.LOINC, "51969-4"),
        "category": [codes.concept(codes.DOCUMENT, "donnees")],
        "subject": {"reference": people[0].key},
        "date": now,
        "content": [{"attachment": {"contentType": "application/octet-stream", **attachment}}],
        "context": {"related": [{"reference": each.request.key} for each in people]},
    }


# --- whose they are


def _names(dossier: Dossier, called: Mapping[Pair, str]) -> dict[str, set[str]]:
    """Return whom names stand for, the longest first."""
    from fhir_gateway.exchange.files import ANONYMOUS

    found: dict[str, set[str]] = {}
    for value, key in (*_held(dossier, ANONYMOUS), *((pair[1], key) for pair, key in called.items())):
        if len(value) >= _SHORTEST:
            found.setdefault(value, set()).add(key)
    return {value: found[value] for value in sorted(found, key=lambda each: (-len(each), each))}


def _held(dossier: Dossier, anonymous: Sequence[str]) -> Iterator[tuple[str, str]]:
    for held in dossier.of_type("Specimen"):
        for each in held.resource.get("identifier", ()):
            yield str(each.get("value", "")), dossier.key(held.resource.get("subject"))
    for held in dossier.of_type("Patient"):
        for each in held.resource.get("identifier", ()):
            if each.get("system") in anonymous:
                yield str(each.get("value", "")), held.key


def _people(dossier: Dossier, attachment: Resource, names: Mapping[str, set[str]]) -> list[Person]:
    """Return who is named, in the order of the dossier; nobody where a name stands for two."""
    text = f"{attachment.get('title', '')}/{unquote(urlsplit(str(attachment.get('url', ''))).path)}"
    keys: set[str] = set()
    for name, meant in names.items():
        # A hyphen is part of a name: "P-1" is not meant by "P-1-2".
        text, count = re.subn(rf"(?<![A-Za-z0-9-]){re.escape(name)}(?![A-Za-z0-9-])", "/", text)
        if count and len(meant) > 1:
            return []
        keys |= meant if count else set()
    return [each for each in dossier.people if each.key in keys]


def _place(number: int) -> str:
    return f"Parameters.parameter.where(name = 'annonce')[{number}]"


def _uuid(*parts: str) -> str:
    digits = sha256(" ".join(parts).encode()).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:32]}"

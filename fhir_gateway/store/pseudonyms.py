"""Pseudonyms: which person stands behind a library's number or an anonymous id, sealed with a key from outside.

A row holds one correspondence, encrypted (AES-256-GCM); it is found by keyed hashes of the pseudonym and of the person.
Who has the database has neither: the keys stand in a file that the database never sees.

Source: issue of platform formats, "Pseudonyms"; NIST SP 800-38D (GCM); RFC 7693 (keyed BLAKE2); GDPR, article 4(5).
"""

from __future__ import annotations

import os
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fhir_gateway.fhir.outcome import Complaint, Conflict, Unavailable
from fhir_gateway.store.contract import Read, Row, Write

_NONCE: Final = 12
_BATCH: Final = 500  # rows that one statement asks for, or one step of a rotation seals anew
_SELECT: Final = "SELECT name, person, kid, sealed, recorded FROM pseudonym"
# Of two who record the same pseudonym at once the first stays; whose it is, is looked at afterwards.
_INSERT: Final = (
    "INSERT INTO pseudonym (name, person, kid, sealed, recorded) VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING"
    " RETURNING name"
)

TAKEN = Complaint(
    "pseudonym-taken",
    "conflict",
    en="{value} stands for another person already; nothing is changed. Correct the file, or ask who recorded it.",
    fr="{value} désigne déjà une autre personne ; rien n'est changé. Corrigez le fichier, ou voyez qui l'a inscrit.",
)
KEY_LOST = Complaint(
    "pseudonym-key-lost",
    "no-store",
    en="The correspondence was sealed with the key {kid}, which the key file does not have, or has with other bytes. "
    "Put it back.",
    fr="La correspondance est scellée par la clé {kid}, que le fichier de clés n'a pas, ou avec d'autres octets. "
    "Remettez-la.",
)


class UnfitKeys(ValueError):
    """A key file that cannot be used; the text says which line and why."""


@dataclass(frozen=True, slots=True)
class Pseudonym:
    """What somebody is called. `system`: of the identifier; `person`: "Patient/1"."""

    system: str
    value: str
    person: str


class _Key:
    def __init__(self, kid: str, secret: bytes) -> None:
        self.kid = kid
        # Of one secret two keys, so that what is hashed tells nothing of what is sealed.
        self._naming = blake2b(secret, digest_size=32, person=b"pfmg-naming").digest()
        self._sealing = AESGCM(blake2b(secret, digest_size=32, person=b"pfmg-sealing").digest())

    def hash(self, *parts: str) -> int:
        text = "\0".join(parts).encode("utf-8", "surrogatepass")
        return int.from_bytes(blake2b(text, digest_size=8, key=self._naming).digest(), "big", signed=True)

    def derived(self, *parts: str) -> str:
        """Return a name made of others that nobody without the key can make, 80 bits in 16 letters and digits."""
        text = "\0".join(parts).encode("utf-8", "surrogatepass")
        number = int.from_bytes(blake2b(text, digest_size=10, key=self._naming, person=b"pfmg-made").digest(), "big")
        return "".join(_LETTERS[number >> 5 * place & 31] for place in range(16))

    def seal(self, name: int, held: Pseudonym) -> bytes:
        nonce = os.urandom(_NONCE)
        text = msgspec.json.encode([held.system, held.value, held.person])
        return nonce + self._sealing.encrypt(nonce, text, str(name).encode())

    def open(self, name: int, sealed: bytes) -> Pseudonym:
        try:
            text = self._sealing.decrypt(sealed[:_NONCE], sealed[_NONCE:], str(name).encode())
        except InvalidTag:
            raise Unavailable(KEY_LOST.at(kid=self.kid)) from None
        return Pseudonym(*msgspec.json.decode(text, type=tuple[str, str, str]))


_LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: none that looks like another


class Keyring:
    """The keys of a file: a name and 32 bytes in base64 on each line, the first one seals, all of them open."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        if not keys:
            raise UnfitKeys("there is no key")
        self._keys = {kid: _Key(kid, secret) for kid, secret in keys.items()}
        self.current = next(iter(self._keys.values()))

    @classmethod
    def read(cls, path: Path) -> Keyring:
        """Return the keys of a file. Raises: UnfitKeys, naming the line; OSError."""
        keys: dict[str, bytes] = {}
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            kid, _, text = line.strip().partition(" ")
            try:
                secret = b64decode(text.strip(), validate=True)
            except NotBase64:
                raise UnfitKeys(f"line {number}: not base64 after the name of the key") from None
            if len(secret) != 32 or kid in keys:
                raise UnfitKeys(f"line {number}: a name used once, a blank, 32 bytes in base64 (openssl rand)")
            keys[kid] = secret
        return cls(keys)

    def hashes(self, *parts: str) -> list[int]:
        """Return the hashes that rows may have, by each key."""
        return [key.hash(*parts) for key in self._keys.values()]

    def opened(self, row: Row) -> Pseudonym:
        """Return what a row says. Raises: Unavailable where its key is not here."""
        name, _, kid, sealed = row[:4]
        if kid not in self._keys:
            raise Unavailable(KEY_LOST.at(kid=kid))
        return self._keys[kid].open(name, bytes(sealed))


# --- asked


def named(view: Read, keys: Keyring, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return which person ("Patient/1") each pseudonym (system, value) stands for; the unknown are missing."""
    asked = set(wanted)
    names = [name for each in asked for name in keys.hashes("name", *each)]
    found = (keys.opened(row) for row in _rows(view, "name", names))
    return {pair: each.person for each in found if (pair := (each.system, each.value)) in asked}


def of_people(view: Read, keys: Keyring, people: Iterable[str]) -> list[Pseudonym]:
    """Return what people are called, in the order in which it was recorded."""
    asked = set(people)
    hashes = [name for each in asked for name in keys.hashes("person", each)]
    rows = sorted(_rows(view, "person", hashes), key=lambda row: (row[4], row[0]))
    return [each for each in map(keys.opened, rows) if each.person in asked]


def made(keys: Keyring, system: str, person: str) -> Pseudonym:
    """Return the pseudonym that a person gets who has none of a system: the same each time, until keys change."""
    return Pseudonym(system, keys.current.derived(system, person), person)


def _rows(view: Read, column: str, hashes: list[int]) -> list[Row]:
    found: list[Row] = []
    for start in range(0, len(hashes), _BATCH):
        some = hashes[start : start + _BATCH]
        found += view.rows(f"{_SELECT} WHERE {column} IN ({_marks(some)})", some)
    return found


def _marks(values: Sequence[int]) -> str:
    return ", ".join("?" * len(values))


# --- written


def record(tx: Write, keys: Keyring, pseudonyms: Iterable[Pseudonym]) -> int:
    """Write correspondences; return how many were not known. Raises: Conflict where one stands for somebody else."""
    wanted = {(each.system, each.value): each for each in pseudonyms}
    known = named(tx, keys, wanted)
    taken = [TAKEN.at(value=pair[1]) for pair, person in known.items() if wanted[pair].person != person]
    if taken:
        raise Conflict(*taken)
    return sum(_insert(tx, keys, each) for pair, each in wanted.items() if pair not in known)


def _insert(tx: Write, keys: Keyring, each: Pseudonym) -> bool:
    key = keys.current
    name = key.hash("name", each.system, each.value)
    row = (name, key.hash("person", each.person), key.kid, key.seal(name, each), tx.instant)
    if tx.rows(_INSERT, row):
        return True
    if named(tx, keys, [(each.system, each.value)]).get((each.system, each.value)) != each.person:
        raise Conflict(TAKEN.at(value=each.value))
    return False


def forget(tx: Write, keys: Keyring, people: Iterable[str]) -> int:
    """Delete all that tells what people are called; return how many rows."""
    names = [name for each in set(people) for name in keys.hashes("person", each)]
    count = 0
    for start in range(0, len(names), _BATCH):
        some = names[start : start + _BATCH]
        count += len(tx.rows(f"DELETE FROM pseudonym WHERE person IN ({_marks(some)}) RETURNING name", some))
    return count


def rotate(tx: Write, keys: Keyring) -> int:
    """Seal anew, by the first key, some rows that another sealed; return how many. 0: the other keys can go."""
    rows = tx.rows(f"{_SELECT} WHERE kid <> ? ORDER BY name LIMIT ?", (keys.current.kid, _BATCH))
    key = keys.current
    for row in rows:
        each = keys.opened(row)
        tx.rows("DELETE FROM pseudonym WHERE name = ? RETURNING name", (row[0],))
        name = key.hash("name", each.system, each.value)
        tx.rows(_INSERT, (name, key.hash("person", each.person), key.kid, key.seal(name, each), row[4]))
    return len(rows)

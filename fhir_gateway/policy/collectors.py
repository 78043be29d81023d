"""Collectors: where the deposits of laboratories go, by a file: the address, who the laboratory is, how it is named.

Source: GenomeCAD/ser_client-ftps (implicit FTPS, port 990, certificates on both sides); reference: CAD message, MSH.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fhir_gateway.policy import scopes
from fhir_gateway.policy.actor import Actor
from fhir_gateway.policy.destinations import PROCESSING

Named = tuple[str, str]  # a structure's name and FINESS number, nine digits or ten
_ALL = scopes.read("system/*.cruds", levels=("system",))


class BadCollectors(Exception):
    """A file of collectors that cannot be used; the text says why, every problem in a line."""


@dataclass(frozen=True, slots=True)
class DepositAddress:
    """A table of the file. `actor`: the laboratory, as whom its Tasks are done; `base`: the folder of the account in
    which deposits lie; `numbers`: systems of identifiers that people are called by, none: as they ship; `seconds`: from
    one look at what is to be deposited or was answered to the next.
    """

    name: str
    actor: Actor
    host: str
    user: str
    password_file: Path
    certificate: Path
    key: Path
    authority: Path
    laboratory: Named
    facility: Named
    legal: Named
    application: Named
    collector: Named
    port: int = 990
    certificate_name: str = ""
    base: str = ""
    numbers: tuple[str, ...] = ()
    processing: Literal["P", "T", "D"] = "P"
    claim_seconds: float = 600.0
    seconds: float = 60.0


_TEXTS = ("host", "user")
_PATHS = ("password_file", "certificate", "key", "authority")
_STRUCTURES = ("laboratory", "facility", "legal", "application", "collector")
_OPTIONAL = ("certificate_name", "base")
_OTHERS = ("organisation", "port", "numbers", "processing", "claim_seconds", "seconds")
_KEYS = {*_OTHERS, *_TEXTS, *_PATHS, *_STRUCTURES, *_OPTIONAL}


def collectors_of(path: Path) -> tuple[DepositAddress, ...]:
    """Return the tables of a TOML file. Raises: BadCollectors with all that is wrong."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadCollectors(f"{path}: {error}") from None
    found: list[DepositAddress] = []
    problems: list[str] = []
    for name, table in tables.items():
        try:
            found.append(_address(name, table))
        except ValueError as error:
            problems += [f"{path}: [{name}] {problem}" for problem in error.args]
    if problems:
        raise BadCollectors("\n".join(problems))
    return tuple(found)


def _address(name: str, table: Any) -> DepositAddress:
    """Return a table. Raises: ValueError with each problem as an argument."""
    if not isinstance(table, dict):
        raise ValueError("is no table")
    problems = [f"has {key}, which means nothing" for key in sorted(table.keys() - _KEYS)]
    problems += [
        f"needs {key}, a text" for key in (*_TEXTS, *_PATHS) if not isinstance(table.get(key), str) or not table[key]
    ]
    problems += [f"{key} is no text" for key in _OPTIONAL if not isinstance(table.get(key, ""), str)]
    problems += [
        f'needs {key}: name and FINESS number, as "Laboratoire|990000200"'
        for key in _STRUCTURES
        if _structure(table.get(key)) is None
    ]
    organisation = table.get("organisation")
    if not isinstance(organisation, str) or not all(organisation.partition("|")[::2]):
        problems.append("needs organisation: the identifier of the laboratory, system|value")
    port = table.get("port", 990)
    if not isinstance(port, int) or isinstance(port, bool) or not 0 < port < 65536:
        problems.append("port is none from 1 to 65535")
    numbers = table.get("numbers", [])
    if not isinstance(numbers, list) or not all(isinstance(each, str) and ":" in each for each in numbers):
        problems.append("numbers is no list of systems of identifiers (uris)")
    if table.get("processing", "P") not in PROCESSING:
        problems.append(f"processing is none of {', '.join(PROCESSING)}")
    claim = table.get("claim_seconds", 600.0)
    if isinstance(claim, bool) or not isinstance(claim, int | float) or not 0 <= claim <= 86_400:
        problems.append("claim_seconds is no number from 0 to 86400")
    seconds = table.get("seconds", 60.0)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0.1 <= seconds <= 86_400:
        problems.append("seconds is no number from 0.1 to 86400")
    if problems:
        raise ValueError(*problems)
    return DepositAddress(
        name, Actor("plateforme", "system", name, client="fhir-gateway", organisation=organisation, scopes=_ALL),
        port=int(str(port)), numbers=tuple(numbers), processing=table.get("processing", "P"),
        claim_seconds=float(claim), seconds=float(seconds), **_texts(table), **_paths(table), **_structures(table),
    )  # fmt: skip


def _texts(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: table[key] for key in (*_TEXTS, *_OPTIONAL) if key in table}


def _paths(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: Path(table[key]) for key in _PATHS}


def _structures(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _structure(table[key]) for key in _STRUCTURES}


def _structure(value: Any) -> Named | None:
    """Return a name and a number; None for anything else."""
    if not isinstance(value, str):
        return None
    name, _, finess = value.rpartition("|")
    return (name, finess) if name and finess.isascii() and finess.isalnum() and len(finess) in (9, 10) else None


COLLECTORS = """
## Collectors

Where the deposits of a laboratory with the national collector go, a table each. Its Tasks `depot-cad` are done as the
laboratory itself: the message and its sidecars are laid down; the data files are the laboratory's to lay down, in the
same folder of the same account, and nothing is marked as complete before they are there.

```toml
[seqoia]
organisation = "https://finess.esante.gouv.fr|750059800"
host = "depot.cad.example.org"
user = "seqoia"
password_file = "cad.secret"                   # its first line
certificate = "seqoia.pem"
key = "seqoia.key"
authority = "cad-autorite.pem"
laboratory = "Laboratoire|990000200"           # MSH-3, and whose numbers are sent
facility = "Groupement|990000201"              # MSH-4
legal = "Groupement|990000202"                 # SFT-1: the legal entity
application = "CAD|990000119"                  # MSH-5
collector = "CAD|990000119"                    # MSH-6
```

- `port`: 990; TLS 1.3 begins with the connection. `certificate_name`: the name in theirs, if it is not `host`.
- `base`: the folder of the account in which the folders of deposits lie.
- `numbers`: systems of identifiers that people are called by, the first that they have; left out: SeqOIA's anonymous
  number, then the IPP.
- `processing`: `P`, `T` or `D` (MSH-11).
- `claim_seconds`: for how long an accepted Task is left to whoever accepted it (600): what could not be laid down is
  tried again after that.
- `seconds`: from one look at what is to be deposited, or was answered, to the next (60, from 0.1 to 86400). Of several
  processes on one database one looks.
"""

"""The folder of a deposit: what is laid down in it, in which order, and what must lie there beside.

    {dossier}/{person}/{file}.sha256   beside each data file, which its producer lays down
    {dossier}/{dossier}.hl7            the message, and {dossier}.hl7.sha256
    {dossier}/{dossier}.hl7.ok         empty, last: the collector begins when it sees it

Source: reference: CAD message, layout; GNU coreutils, sha256sum (form of the sidecars).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from fhir_gateway.exchange.cad.files import DataFile

SIDECAR = ".sha256"
ACKNOWLEDGED = ".ack"  # how the names end that the collector gives its answers


@dataclass(frozen=True, slots=True)
class Laid:
    """A file that is laid down: its path below the folder, its bytes."""

    path: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Folder:
    """A deposit. `laid`: in this order; `done`: the file that says that all is there, after everything else.

    `expected`: files that others lay down, which must lie there before `done` does, each with its size where known.
    """

    name: str
    laid: tuple[Laid, ...]
    done: str
    expected: tuple[tuple[str, int | None], ...]

    @property
    def message(self) -> str:
        return f"{self.name}.hl7"


def folder(name: str, message: bytes, files: Sequence[DataFile]) -> Folder:
    """Return the folder of a deposit."""
    path = f"{name}.hl7"
    expected = tuple((each.path, each.size) for each in files if each.data is None)
    laid = (*_of_files(files), Laid(path, message), Laid(path + SIDECAR, sidecar(path, sha256(message).hexdigest())))
    return Folder(name, laid, f"{path}.ok", expected)


def _of_files(files: Sequence[DataFile]) -> Iterator[Laid]:
    for each in files:
        if each.data is not None:
            yield Laid(each.path, each.data)
        yield Laid(each.path + SIDECAR, sidecar(each.path, each.sha256))


def sidecar(path: str, digest: str) -> bytes:
    """Return a sidecar, as `sha256sum --check` reads it in the folder of the file."""
    return f"{digest}  {path.rpartition('/')[2]}\n".encode()

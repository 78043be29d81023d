"""A file of FHIR definitions: one zip with a member of NDJSON for each kind, and a manifest that says what it is.

Source: FHIR R4, "Resource Formats", NDJSON; FHIR NPM Packages specification, "name", "version", "canonical".
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any, cast

from fhir_gateway.fhir.data_folder import data_folder
from fhir_gateway.fhir.number import Number

__all__ = ["MANIFEST", "R4", "SUFFIX", "Package", "data_folder", "decoded"]

R4 = Path("r4", "hl7.fhir.r4.core-4.0.1.zip")  # below the folder `profiles`
MANIFEST = "manifest.json"
SUFFIX = ".ndjson"


class Package:
    """A file of definitions, read a member at a time; nothing is held but the list of members.

    A member is named `<resource type>[.<part>].ndjson` ("ValueSet.ndjson", "StructureDefinition.type.ndjson");
    `member` and `members` speak of it without the suffix. Every resource stands on a line of its own, without
    narrative.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with zipfile.ZipFile(path) as file:
            self._members = {info.filename: (info.CRC, info.file_size) for info in file.infolist()}

    @property
    def fingerprint(self) -> str:
        """A hash of what the members hold (from their checksums), equal for equal content, found without reading it."""
        return blake2b(repr(sorted(self._members.items())).encode(), digest_size=16).hexdigest()

    def manifest(self) -> dict[str, Any]:
        """Return the manifest: name, version, source, licence, and for each member its count and hash."""
        with zipfile.ZipFile(self.path) as file:
            return cast("dict[str, Any]", json.loads(file.read(MANIFEST)))

    def members(self, kind: str | None = None) -> list[str]:
        """Return the names of the members that hold resources of a type, or of all members."""
        names = sorted(name.removesuffix(SUFFIX) for name in self._members if name.endswith(SUFFIX))
        return names if kind is None else [name for name in names if name.partition(".")[0] == kind]

    def lines(self, member: str) -> Iterator[bytes]:
        """Yield the resources of a member as JSON, one a line. Raises: KeyError when there is no such member."""
        with zipfile.ZipFile(self.path) as file, file.open(member + SUFFIX) as lines:
            yield from lines

    def resources(self, kind: str) -> Iterator[dict[str, Any]]:
        """Yield the resources of a type, decoded, decimals with their text."""
        for member in self.members(kind):
            for line in self.lines(member):
                yield decoded(line)


def decoded(line: bytes) -> dict[str, Any]:
    """Return one resource of a definitions file as a plain dict, decimals with their text."""
    return cast("dict[str, Any]", json.loads(line, parse_float=Number))

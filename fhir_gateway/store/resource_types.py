"""Numbers for resource types, as the rows hold them.

R4 is frozen, so the place of a type in the alphabetical list of R4's 148 resource types is its number for good.
"""

from __future__ import annotations

from collections.abc import Sequence

from fhir_gateway.store.contract import Row, Version


class ResourceTypes:
    """Names to numbers (from 1) and back."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = ("", *names)
        self._numbers = {name: number for number, name in enumerate(self._names)}

    def number(self, type: str) -> int:
        return self._numbers[type]

    def name(self, number: int) -> str:
        return self._names[number]

    @property
    def numbers(self) -> dict[str, int]:
        return self._numbers

    def version(self, row: Row) -> Version:
        """Return the version that a row (rtype, fhir_id, rid, vid, last_updated, deleted, body) holds."""
        rtype, id, rid, vid, last_updated, deleted, body = row
        return Version(self._names[rtype], id, rid, vid, last_updated, deleted == 1, bytes(body))

"""JSON numbers that keep their text: `1.10` stays `1.10`.

Source: FHIR R4, Datatypes, "decimal": the precision of the decimal value has significance.
"""

from __future__ import annotations

from decimal import Decimal


class Number(Decimal):
    """A decimal that remembers how its author wrote it (`text`): "1E2" and "100" are equal, not the same."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Number:
        number = super().__new__(cls, text)
        number.text = text
        return number

"""Where in a JSON text a value stands: the line of what is wrong with a file that people write.

Source: RFC 8259, "The JavaScript Object Notation (JSON) Data Interchange Format".
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

_SPACE = re.compile(r"[ \t\n\r]*")
_decoder = json.JSONDecoder()


def line_of(text: str, path: Sequence[str | int]) -> int:
    """Return the line, from 1, where the value at a path begins; of a path that leads nowhere, where it gets lost.

    `text` is JSON that has been decoded before. Of a property given twice the last is meant, as the decoder does.
    """
    place = _after_space(text, 0)
    for step in path:
        found = _member(text, place, step)
        if found is None:
            break
        place = found
    return text.count("\n", 0, place) + 1


def _after_space(text: str, place: int) -> int:
    match = _SPACE.match(text, place)
    return place if match is None else match.end()


def _member(text: str, place: int, step: str | int) -> int | None:
    """Return where the value of a property, or an item of an array, begins."""
    opening = text[place]
    if opening not in "{[":
        return None
    found: int | None = None
    place = _after_space(text, place + 1)
    number = 0
    while text[place] not in "}]":
        name: str | int = number
        if opening == "{":
            name, place = _decoder.raw_decode(text, place)
            place = _after_space(text, _after_space(text, place) + 1)  # over the colon
        if name == step:
            found = place
        _, place = _decoder.raw_decode(text, place)
        place = _after_space(text, place)
        if text[place] == ",":
            place = _after_space(text, place + 1)
        number += 1
    return found

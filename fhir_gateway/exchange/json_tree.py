"""Bytes as a JSON object, whoever sent them: no depth that a reader could fall from.

Source: RFC 8259, 9 ("An implementation may set limits on the maximum depth of nesting").
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

DEEPEST: Final = 64  # files of this field have ten levels


def json_object(data: bytes, decoder: msgspec.json.Decoder[Any]) -> dict[str, Any]:
    """Return the JSON object that bytes are. Raises: ValueError, saying what they are instead."""
    try:
        tree = decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from None
    except RecursionError:
        raise ValueError(f"nested deeper than {DEEPEST} levels") from None
    if not isinstance(tree, dict):
        raise ValueError(type(tree).__name__)
    level: list[Any] = [tree]
    for _ in range(DEEPEST):
        level = [each for one in level for each in (one.values() if isinstance(one, dict) else one)]
        level = [each for each in level if isinstance(each, dict | list)]
        if not level:
            return tree
    raise ValueError(f"nested deeper than {DEEPEST} levels")

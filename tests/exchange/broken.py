"""Files as strangers break them: values missing, null, of another type, huge, deep; bytes cut, in another encoding.

Source: RFC 8259; GA4GH Phenopacket Schema, GIP-CAD's schemas (the files that are broken).
"""

from __future__ import annotations

import copy
import json
import random
from typing import Any, Final

VALUES: Final = (
    None, "", " ", "0", "é", "1.5", 0, -1, 10**30, 1e308, 0.1, True, [], {}, [[]], [None], {"": None},
    [[[[{"a": [1]}]]]],    "x" * 5000, "\x00", "2026-02-30", "²", {"id": 1}, ["a", 1],
)  # fmt: skip


def broken(tree: dict[str, Any], draw: random.Random) -> dict[str, Any]:
    """Return a tree in which up to three values are gone, doubled, or others."""
    made = copy.deepcopy(tree)
    for _ in range(draw.randint(1, 3)):
        holders = list(_holders(made))
        holder, key = draw.choice(holders)
        act = draw.random()
        if act < 0.2:
            del holder[key]
        elif act < 0.3 and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        elif act < 0.35 and isinstance(holder, dict):
            holder[f"{key}_x"] = copy.deepcopy(draw.choice(VALUES))
        else:
            holder[key] = copy.deepcopy(draw.choice(VALUES))
    return made


def _holders(value: Any) -> list[tuple[Any, Any]]:
    """Return all places of a tree: what holds each value, and its key."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    found = [(value, key) for key in keys]
    for key in keys:
        found += _holders(value[key])
    return found or [({"a": 1}, "a")]


def bytes_of(tree: dict[str, Any], draw: random.Random) -> bytes:
    """Return a tree as JSON, now and then cut, with a byte order mark, or in another encoding."""
    text = json.dumps(tree, ensure_ascii=draw.random() < 0.5)
    act = draw.random()
    if act < 0.04:
        return text.encode()[: draw.randint(0, len(text))]
    if act < 0.08:
        return b"\xef\xbb\xbf" + text.encode()
    if act < 0.12:
        return text.encode("latin-1", "replace")
    return text.encode("utf-16") if act < 0.14 else text.encode("utf-8", "replace")

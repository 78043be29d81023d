"""All that stands inside a resource, however deep."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def holders(node: Any) -> Iterator[dict[str, Any]]:
    """Yield a resource and all objects in it."""
    if isinstance(node, dict):
        yield node
        for each in node.values():
            yield from holders(each)
    elif isinstance(node, list):
        for each in node:
            yield from holders(each)

"""The Synthea transaction Bundles as they are, and copies of them in which nothing is the same person or thing.

Source: `SOURCES.md` beside them. Hospitals and practitioners come first: the others may refer to them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from xxhash import xxh3_64_intdigest

SYNTHEA = Path(__file__).resolve().parents[3] / "shared" / "data" / "synthea"
_UUID = re.compile(rb"[0-9a-f]{8}(?=-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})")
_ENTRY = re.compile(rb'"request"\s*:\s*\{')


def files(folder: Path = SYNTHEA) -> list[Path]:
    """Return the files in the order of their import; raises FileNotFoundError when there are none."""
    found = sorted(folder.glob("*.json"), key=lambda path: ("Information" not in path.name, path.name))
    if not found:
        raise FileNotFoundError("no Synthea bundles in shared/data/synthea beside the checkout")
    return found


def bundles(copies: int = 1) -> Iterator[bytes]:
    """Yield the Bundles: as they are first, then copies with every UUID (ids, fullUrls, identifiers) another one."""
    texts = [path.read_bytes() for path in files()]
    yield from texts
    for number in range(1, copies):
        mask = xxh3_64_intdigest(f"copy {number}".encode()) & 0xFFFFFFFF
        for text in texts:
            yield _UUID.sub(lambda match, mask=mask: b"%08x" % (int(match[0], 16) ^ mask), text)  # type: ignore[misc]


def entries_in(bundle: bytes) -> int:
    """Return how many entries a Bundle's text has."""
    return len(_ENTRY.findall(bundle))

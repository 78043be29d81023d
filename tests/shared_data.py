"""Where the test and specification input of other projects lies: beside the checkout, never inside it."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def shared(*parts: str) -> Path:
    """Return a path below the shared data; skip the asking test, by name, where that is absent."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"needs shared data {'/'.join(parts)}, which is absent here")
    return path

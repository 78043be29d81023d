"""Compiled tables kept on disk, so that a second start need not compile: plain data under a name made of its content.

The cache is never needed: what is absent, damaged, foreign or unwritable is made anew in memory, and said in the log.
"""

from __future__ import annotations

import logging
import marshal
import os
import stat
import sys
import tempfile
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any

CACHE_VARIABLE = "FHIR_GATEWAY_CACHE"
DIGEST_BYTES = 16
_FORMAT = f"{sys.implementation.cache_tag}.{marshal.version}"  # marshal's format belongs to one Python version

log = logging.getLogger(__name__)


def default_folder() -> Path:
    """Return where this user's caches lie: FHIR_GATEWAY_CACHE, else the platform's place for them."""
    if CACHE_VARIABLE in os.environ:
        return Path(os.environ[CACHE_VARIABLE])
    if sys.platform == "win32":
        root = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        root = Path.home() / "Library" / "Caches"
    else:
        # "All paths set in these environment variables must be absolute": XDG Base Directory Specification.
        set_by_user = os.environ.get("XDG_CACHE_HOME", "")
        root = Path(set_by_user) if os.path.isabs(set_by_user) else Path.home() / ".cache"
    return root / "fhir-gateway"


def key_of(*parts: str, sources: tuple[Path, ...]) -> str:
    """Return a name for what the `sources` compile from inputs named by `parts`: it changes when any of them does."""
    digest = blake2b(repr((_FORMAT, parts)).encode(), digest_size=DIGEST_BYTES)
    for source in sources:
        digest.update(source.read_bytes())
    return digest.hexdigest()


def digest(content: bytes) -> str:
    """Return a name for content: equal for equal content."""
    return blake2b(content, digest_size=DIGEST_BYTES).hexdigest()


def cached(folder: Path, name: str, key: str, make: Callable[[], Any]) -> Any:
    """Return the plain data kept under `name` and `key`, or what `make` gives, which is then kept."""
    path = folder / f"{name}-{key}.cache"
    payload = _read(path)
    if payload is not None:
        return marshal.loads(payload)
    data = make()
    _write(path, marshal.dumps(data))
    return data


def _read(path: Path) -> bytes | None:
    """Return what was written to `path`, None when it is absent, damaged, or could have been written by others."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            content = file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        log.warning("cache not readable: %s", error.strerror)
        return None
    # marshal trusts what it reads, so that only a file of our own, closed to the writing of others, is read.
    if hasattr(os, "geteuid") and (status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)):
        log.warning("cache ignored: it belongs to another user or others may write it")
        return None
    digest, payload = content[:DIGEST_BYTES], content[DIGEST_BYTES:]
    if blake2b(payload, digest_size=DIGEST_BYTES).digest() != digest:
        log.warning("cache damaged: made anew")
        return None
    return payload


def _write(path: Path, payload: bytes) -> None:
    """Write a file whole or not at all, for its owner only; a folder that cannot be written is no error."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.stem)  # mode 0600
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(blake2b(payload, digest_size=DIGEST_BYTES).digest())
                file.write(payload)
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        log.warning("cache not written, each start will compile again: %s", error.strerror)

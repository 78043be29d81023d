"""One process at a time holds a database file."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class FileHeld(Exception):
    """Another process holds the file."""


class FileLock:
    """An advisory lock on a file of its own, released by `release` or by the end of the process.

    Raises: FileHeld when another process has it.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._descriptor)
            raise FileHeld(f"{path.with_suffix('')} is held by another gateway process") from error

    def release(self) -> None:
        os.close(self._descriptor)

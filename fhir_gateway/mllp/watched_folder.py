"""A folder that is looked at: files that a sign beside them says to be whole are taken in, by a thread of its own.

Source: this project's own; the national collector's folder layout (the sign `.ok` comes last).
"""

from __future__ import annotations

import logging
import os
import threading
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

PAUSE: Final = 1.0  # seconds between looks


class WatchedFolder(ABC):
    """One folder. `signs`: what signs are called, as a pattern below it; `name`: of the thread."""

    signs: str
    name: str

    def __init__(self, folder: Path, pause: float = PAUSE) -> None:
        self._folder = folder
        self._pause = pause
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the file at work."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._pause):
            try:
                self.look()
            except Exception as error:  # told, and looked at again
                log.error("folder not read", exc_info=error, extra={"fields": {"folder": self.name}})

    def look(self) -> int:
        """Take in all files that are whole, in the order of their names; return how many. Raises: OSError."""
        ready = sorted(self._folder.glob(self.signs))
        return sum(self.take(sign) for sign in ready if not self._stopping.is_set())

    @abstractmethod
    def take(self, sign: Path) -> bool:
        """Take in the file that a sign stands for; return whether it was, or is left for later."""


def write_whole(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    beside = path.with_name(f"{path.name}.part")
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)

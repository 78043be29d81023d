"""Drop folders: a file of messages is taken in once it is said to be whole, and its answers are written beside it.

`name.hl7` is whole when `name.ok` lies beside it. It is read, each message in it taken in, `name.ack` written with all
answers, then `name.hl7` renamed to `name.done` (or `name.failed`, where one was refused) and `name.ok` removed. Ended
at any moment, all of it is done again, and what was taken in already is answered as before.

Source: IHE ITI TF-2x, C.2 (what is in the files); CI-SIS, dépôt de fichiers.
"""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

from fhir_gateway.interactions.message import Intake

log = logging.getLogger(__name__)

_PAUSE = 1.0  # seconds between looks
_READY, _MESSAGES, _ANSWERS, _DONE, _FAILED = ".ok", ".hl7", ".ack", ".done", ".failed"


class DropFolder:
    """One folder, looked at by a thread of its own."""

    def __init__(self, folder: Path, intake: Intake, pause: float = _PAUSE) -> None:
        self._folder = folder
        self._intake = intake
        self._pause = pause
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="drop-folder", daemon=True)
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
            except Exception as error:
                log.error("drop folder", exc_info=error)

    def look(self) -> int:
        """Take in all files that are whole, in the order of their names; return how many. Raises: OSError."""
        ready = sorted(self._folder.glob(f"*{_READY}"))
        return sum(self._take(sign) for sign in ready if not self._stopping.is_set())

    def _take(self, sign: Path) -> bool:
        file = sign.with_suffix(_MESSAGES)
        try:
            data = file.read_bytes()
        except FileNotFoundError:
            # Renamed before the process ended, or a sign without a file.
            if sign.with_suffix(_DONE).exists() or sign.with_suffix(_FAILED).exists():
                sign.unlink(missing_ok=True)
            return False
        receipt = self._intake.receive_all(data, "folder")
        if receipt.state == "failed-transient" and not receipt.mid:
            return False  # the database is away: the file waits
        answers = sign.with_suffix(_ANSWERS)
        write_whole(answers, b"".join(receipt.answers))
        failed = receipt.state.startswith("failed")
        os.replace(file, sign.with_suffix(_FAILED if failed else _DONE))
        sign.unlink(missing_ok=True)
        log.info("file taken in", extra={"fields": {"state": receipt.state}})
        return True


def write_whole(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    beside = path.with_name(f"{path.name}.part")
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)

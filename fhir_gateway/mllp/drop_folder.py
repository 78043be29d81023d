"""Drop folders: a file of messages is taken in once it is said to be whole, and its answers are written beside it.

`name.hl7` is whole when `name.ok` lies beside it. It is read, each message in it taken in, `name.ack` written with all
answers, then `name.hl7` renamed to `name.done` (or `name.failed`, where one was refused) and `name.ok` removed. Ended
at any moment, all of it is done again, and what was taken in already is answered as before.

Source: IHE ITI TF-2x, C.2 (what is in the files); CI-SIS, dépôt de fichiers.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from fhir_gateway.interactions.message import Intake
from fhir_gateway.mllp.watched_folder import WatchedFolder, write_whole

log = logging.getLogger(__name__)

_MESSAGES, _ANSWERS, _DONE, _FAILED = ".hl7", ".ack", ".done", ".failed"


class DropFolder(WatchedFolder):
    """A folder of messages."""

    signs, name = "*.ok", "drop-folder"

    def __init__(self, folder: Path, intake: Intake) -> None:
        super().__init__(folder)
        self._intake = intake

    def take(self, sign: Path) -> bool:
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

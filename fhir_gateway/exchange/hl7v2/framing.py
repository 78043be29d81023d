"""Framing: where messages begin and end in a stream of bytes, however it is chopped. No sockets.

A block is `0x0B` data `0x1C 0x0D`. What senders do beside that is understood: blanks between blocks, an end without its
`0x0D`, a block begun anew within a block (the first is dropped and counted), data without a beginning.

Source: HL7, Transport Specification: MLLP, Release 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

START, END, RETURN = 0x0B, 0x1C, 0x0D
KEPT = 4096  # bytes of a block beyond the limit that are kept, so that its sender can be told

_START, _END = bytes((START,)), bytes((END,))
_LAST = bytes((END, RETURN))
_BLANKED = bytes(0x20 if each in (START, END) else each for each in range(256))
_BLANK = b"\r\n\x00 \t\x1c"


@dataclass(frozen=True, slots=True)
class Block:
    """The data of a block. `whole`: False where it was longer than the limit, and these are its first bytes."""

    data: bytes
    whole: bool = True


class Framer:
    """Takes the bytes of one connection in the order they come, and gives the blocks they complete.

    `limit`: bytes of a block. `dropped`: blocks that another began within. Each byte is looked at once.
    """

    __slots__ = ("_chunks", "_inside", "_limit", "_overrun", "_size", "dropped")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._chunks: list[bytes] = []
        self._size = 0
        self._inside = False  # a beginning was seen
        self._overrun = False
        self.dropped = 0

    @property
    def is_within(self) -> bool:
        """Whether a block has begun and not ended."""
        return self._inside or self._size > 0

    @property
    def held(self) -> int:
        """Bytes that are kept of a block that has not ended."""
        return KEPT if self._overrun else self._size

    def receive(self, data: bytes) -> list[Block]:
        """Return the blocks that end within these bytes, in order."""
        found: list[Block] = []
        at, length = 0, len(data)
        while at < length:
            end = data.find(_END, at)
            piece = data[at : end if end >= 0 else length] if at or end >= 0 else data
            begun = piece.rfind(_START)
            if begun >= 0:
                self._begin(piece[:begun])
                piece = piece[begun + 1 :]
            elif not self._inside and not self._size:
                piece = piece.lstrip(_BLANK)
            self._keep(piece)
            if end < 0:
                break
            at = end + 1
            if self._inside or self._size:
                found.append(self._block())
        return found

    def _begin(self, before: bytes) -> None:
        """Begin a block; what stood before it since the last one is dropped, and counted where it said something."""
        if self._inside or self._size or before.strip(_BLANK):
            self.dropped += 1
        self._clear()
        self._inside = True

    def _keep(self, piece: bytes) -> None:
        if not piece:
            return
        self._size += len(piece)
        if self._overrun:
            return
        self._chunks.append(piece)
        if self._size > self._limit:
            self._overrun = True
            self._chunks = [b"".join(self._chunks)[:KEPT]]

    def _block(self) -> Block:
        chunks = self._chunks
        made = Block(chunks[0] if len(chunks) == 1 else b"".join(chunks), not self._overrun)
        self._clear()
        return made

    def _clear(self) -> None:
        self._chunks = []
        self._size = 0
        self._inside = False
        self._overrun = False


def framed(data: bytes) -> bytes:
    """Return data as a block. What frames blocks cannot stand within one: it becomes a blank."""
    return b"".join(pieces(data, max(len(data), 1)))


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    """Yield the same block piece by piece, each of so many bytes of the data at most: it is never there twice.

    What frames it goes with the first and the last piece: there are receivers that look for it in what they read first.
    """
    for at in range(0, max(len(data), 1), size):
        piece = data[at : at + size]
        if START in piece or END in piece:
            piece = piece.translate(_BLANKED)
        yield b"%b%b%b" % (_START if at == 0 else b"", piece, _LAST if at + size >= len(data) else b"")

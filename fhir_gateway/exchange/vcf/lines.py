"""The lines of a VCF, plain or compressed (gzip, bgzip), one at a time.

Source: VCF 4.4, 1.2 ("UTF-8", line ends LF or CR LF); SAM 1, 4.1 (BGZF: gzip members, an empty one marks the end).
"""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from fhir_gateway.exchange.vcf.complaints import LINE_TOO_LONG, TRUNCATED
from fhir_gateway.fhir.outcome import InvalidRequest

Source = bytes | BinaryIO
LONGEST: Final = 16 * 1024 * 1024  # bytes of a line
_GZIP: Final = b"\x1f\x8b"
_BGZF_EXTRA: Final = b"BC\x02\x00"
BGZF_END: Final = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")


def lines(source: Source) -> Iterator[tuple[int, bytes]]:
    """Yield number (from 1) and bytes of each line, without its end.

    Raises: InvalidRequest(vcf-truncated) where the compression breaks off, InvalidRequest(vcf-line-too-long).
    """
    stream: Any = io.BytesIO(source) if isinstance(source, bytes) else source
    is_ours = not isinstance(stream, io.BufferedReader)
    buffered: io.BufferedReader = io.BufferedReader(stream, 1 << 16) if is_ours else stream
    outermost = buffered
    head = buffered.peek(18)[:18]
    number = 0
    try:
        if head[:2] == _GZIP:
            if head[12:16] == _BGZF_EXTRA and not _ends(buffered):
                raise InvalidRequest(TRUNCATED.at(line=0))
            unpacked: Any = gzip.GzipFile(fileobj=buffered)
            buffered = io.BufferedReader(unpacked, 1 << 16)
        read = buffered.readline
        while line := read(LONGEST + 1):
            number += 1
            if len(line) > LONGEST:
                raise InvalidRequest(LINE_TOO_LONG.at(f"line {number}", line=number, most=LONGEST))
            yield number, line.rstrip(b"\r\n")
    except (gzip.BadGzipFile, EOFError, zlib.error) as broken:
        raise InvalidRequest(TRUNCATED.at(line=number)) from broken
    finally:
        if is_ours:
            outermost.detach()  # a reader that is thrown away would close what the caller opened


def _ends(stream: io.BufferedReader) -> bool:
    """Tell whether a bgzip file ends with the empty block that marks its end; true where nothing can be sought."""
    if not stream.seekable():
        return True
    here = stream.tell()
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(here, size - len(BGZF_END)))
    tail = stream.read()
    stream.seek(here)
    return tail == BGZF_END

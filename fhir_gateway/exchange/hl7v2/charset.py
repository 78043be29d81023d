"""Character sets: which codec the bytes of a message are in, as MSH-18 tells before they are decoded.

Source: HL7 v2.5.1, chapter 2, 2.15.9.18 (MSH-18) and table 0211. Where it is silent: an absent MSH-18 is taken for
UTF-8, and failing that for windows-1252, with a warning, since French hospitals send both; so they send, in the name of
ISO 8859-1, the letters that only windows-1252 has (WHATWG, Encoding, "Names and labels").
"""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from typing import Literal

from fhir_gateway.exchange.hl7v2 import complaints
from fhir_gateway.exchange.hl7v2.complaints import Unreadable
from fhir_gateway.fhir.outcome import Issue

Trust = Literal["declared", "auto"]  # auto: UTF-8 bytes are read as such whatever MSH-18 says

# HL7 table 0211 and what is written instead of its codes, upper case, letters and digits alone.
_CODECS = {
    "ASCII": "ascii",
    "": "utf-8",
    **{f"{iso}8859{part}": f"iso8859-{part}" for iso in ("", "ISO") for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)},
    "UNICODEUTF8": "utf-8",
    "UTF8": "utf-8",
    "UNICODEUTF16": "utf-16",
    "UNICODE": "utf-16",
    **{f"{name}1252": "cp1252" for name in ("WINDOWS", "CP", "WIN", "ANSI")},
    **dict.fromkeys(("LATIN1", "ISOLATIN1", "ISOIR100"), "iso8859-1"),
    **dict.fromkeys(("LATIN9", "ISOLATIN9", "ISOIR203"), "iso8859-15"),
    **dict.fromkeys(("USASCII", "ISOIR6", "7BITASCII"), "ascii"),
}
KNOWN = ("ASCII", "8859/1 to 8859/9", "8859/15", "UNICODE UTF-8", "UNICODE UTF-16", "UNICODE")
_LOCATION = "MSH^1^18"
_CHUNK = 1 << 16
_C1 = re.compile(rb"[\x80-\x9f]")


def codec_of(declared: str, wide: bool) -> str:
    """Return the codec that a repetition of MSH-18 names.

    wide: the bytes are those of UTF-16; many say UNICODE alone and send UTF-8. Raises: Unreadable.
    """
    folded = "".join(filter(str.isalnum, declared.upper()))
    codec = _CODECS.get(folded)
    if codec is None:
        issue = complaints.CHARSET_UNKNOWN.at(None, charset=declared[:40], known=", ".join(KNOWN))
        raise Unreadable(issue, "102", _LOCATION)
    if codec == "utf-16":
        return codec if wide else "utf-8"
    return codec


def checked(data: bytes, declared: str, codec: str, trust: Trust) -> tuple[str, list[Issue]]:
    """Return the codec that all bytes are in, and what is to be warned of.

    Raises: Unreadable where bytes are not of the character set declared, or would be read as other letters than were
    meant.
    """
    if data.isascii():
        return "ascii", []
    utf_8 = _unfit(data, "utf-8") is None
    if codec == "utf-8" and utf_8:
        return codec, []
    if utf_8:
        if trust == "auto":
            return "utf-8", []
        if codec != "ascii":
            raise Unreadable(complaints.LOOKS_LIKE_UTF_8.at(None, charset=declared), "102", _LOCATION)
    unfit = _unfit(data, codec)
    if unfit is None and codec == "iso8859-1" and _C1.search(data) and _unfit(data, "cp1252") is None:
        # ISO 8859-1 has no letters there: œ, Œ and € of who declares it are those of windows-1252, as on the web.
        return "cp1252", [complaints.WINDOWS_1252.at(None, charset=declared)]
    if unfit is None:
        return codec, []
    if not declared.strip():
        # windows-1252 leaves five bytes without a letter; ISO 8859-1 none.
        guessed = "cp1252" if _unfit(data, "cp1252") is None else "iso8859-1"
        return guessed, [complaints.CHARSET_GUESSED.at(None, guessed=guessed)]
    raise Unreadable(complaints.NOT_OF_CHARSET.at(None, offset=unfit + 1, charset=declared), "102", _LOCATION)


def _unfit(data: bytes, codec: str) -> int | None:
    """Return the place of the first byte that is not of a codec; None where all are. Long messages are not decoded as a
    whole.
    """
    if len(data) <= _CHUNK:
        try:
            data.decode(codec)
        except UnicodeDecodeError as error:
            return error.start
        return None
    decoder = getincrementaldecoder(codec)()
    for at in range(0, len(data), _CHUNK):
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(data[at : at + _CHUNK], final=at + _CHUNK >= len(data))
        except UnicodeDecodeError as error:
            return at - pending + error.start
    return None

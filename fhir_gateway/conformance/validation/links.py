"""URLs in XHTML: which texts are none, and why.

Source: RFC 3986, 2; RFC 2397 (data: URLs).
"""

from __future__ import annotations

import binascii
import re

_OTHER = frozenset(";?:@&=+$.,/%-_~#[]!'()*|")
_MIME_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(?:\s*;.*)?")


def url_fault(url: str) -> str | None:
    """Return in words why a text is no URL; None when it is one."""
    if not url:
        return "URL is empty"
    if url.startswith("data:"):
        return _data_fault(url)
    alien = sorted({f"'{each}'" for each in url if not (each.isalnum() or each in _OTHER)})
    if not alien:
        return None
    noun = "Invalid Character" if len(alien) == 1 else "Invalid Characters"
    return f"URL contains {noun}: {','.join(alien)}"


def _data_fault(url: str) -> str | None:
    head, comma, data = url[5:].partition(",")
    if not comma or not data:
        return "No data found in data: URL"
    if "," in data:
        return f"Comma found in data portion of data URL: {url}"
    type = head.strip()
    if type.endswith(";base64"):
        type = type.removesuffix(";base64")
        try:
            binascii.a2b_base64("".join(data.split()).encode("ascii"), strict_mode=True)
        except ValueError:
            return f"The data should be valid base64 content for a data: URL: {url}"
    if type and _MIME_TYPE.fullmatch(type) is None:
        return f"The mimetype portion of the data: URL is not valid in URL: {url}"
    return None


def is_plain(url: str) -> bool:
    """Return whether a text is an ordinary URL, or a relative reference, that names nothing in the same document."""
    return _PLAIN.fullmatch(url) is not None


_PLAIN = re.compile(
    r"(?:https?:|mailto:|tel:|(?![A-Za-z0-9+.-]*:))[A-Za-z0-9;?@&=+$.,/%_~\[\]!'()*|:-][^\s\"<>\\^`{}]*"
)

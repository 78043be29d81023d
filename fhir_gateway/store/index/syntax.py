r"""How values are written in a query: alternatives, parts, escapes and prefixes.

Source: FHIR R4, Search, "Escaping Search Parameters", "Prefixes": "$", "," and "|" that belong to a value are written
"\$", "\," and "\|"; "\" itself is "\\".
"""

from __future__ import annotations

import re
from typing import Literal, cast

Prefix = Literal["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]
PREFIXES: tuple[Prefix, ...] = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")

_ESCAPED = re.compile(r"\\([\\,|$])")
_SEPARATORS = {
    mark: re.compile(rf"((?:[^\\{re.escape(mark)}]|\\.|\\$)*)(?:{re.escape(mark)}|$)", re.DOTALL) for mark in ",|$"
}


def split(text: str, mark: Literal[",", "|", "$"]) -> list[str]:
    """Return the parts of a text between unescaped marks, each still escaped; always at least one."""
    if mark not in text:
        return [text]
    if "\\" not in text:
        return text.split(mark)
    parts, position, matcher = [], 0, _SEPARATORS[mark]
    while True:
        match = matcher.match(text, position)
        assert match is not None
        parts.append(match[1])
        position = match.end()
        if match.end(1) == position:  # the end of the text, not a mark
            return parts


def unescape(text: str) -> str:
    r"""Return a part as its author means it: `\,`, `\|`, `\$` and `\\` become the character alone."""
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text


def escape(text: str) -> str:
    """Return a text as it must be written inside a value of a query."""
    return re.sub(r"([\\,|$])", r"\\\1", text)


def prefixed(text: str) -> tuple[Prefix, str]:
    """Return the prefix of a date, number or quantity ("eq" when there is none) and what follows it."""
    if text[:2] in PREFIXES:
        return cast(Prefix, text[:2]), text[2:]
    return "eq", text

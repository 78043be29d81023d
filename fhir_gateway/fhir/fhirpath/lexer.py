"""The text of an expression cut into tokens.

Source: FHIRPath 2.0 (N1), "Lexical elements"; Grammar.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from fhir_gateway.fhir.fhirpath.faults import FhirPathError

Kind = Literal["name", "quoted", "string", "number", "long", "date", "time", "special", "variable", "sign", "end"]


class Token(NamedTuple):
    """`text`: what it stands for: escapes resolved, without quotes, @, $ stays, % away."""

    kind: Kind
    text: str
    position: int


_TOKEN = re.compile(
    r"""
    (?P<space>\s+|//[^\r\n]*|/\*.*?\*/)
  | (?P<time>@T\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?(?![\d:]))
  | (?P<date>@\d{4}(?:-\d\d(?:-\d\d)?)?(?:T(?:\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?)?(?:Z|[+-]\d\d:\d\d)?)?)
  | (?P<long>\d+L\b)
  | (?P<number>\d+(?:\.\d+)?)
  | (?P<string>'(?:[^'\\]|\\.)*')
  | (?P<quoted>`(?:[^`\\]|\\.)*`)
  | (?P<variable>%(?:[A-Za-z_][A-Za-z0-9_\-]*|`(?:[^`\\]|\\.)*`|'(?:[^'\\]|\\.)*'))
  | (?P<special>\$(?:this|index|total)\b)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<sign><=|>=|!=|!~|[.\[\](){}|+\-*/&<>=~,])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_ESCAPED = {"'": "'", '"': '"', "`": "`", "r": "\r", "n": "\n", "t": "\t", "f": "\f", "\\": "\\", "/": "/"}


def tokens(text: str) -> list[Token]:
    """Return the tokens of an expression, the last of kind "end".

    Raises: FhirPathError (syntax) at the first character that begins no token.
    """
    found: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            shown = text[position : position + 12]
            raise FhirPathError("syntax", f"'{shown}' is not understood here", position, text)
        kind = match.lastgroup
        assert kind is not None
        if kind != "space":
            found.append(Token(kind, _meant(kind, match[0], text, position), position))  # type: ignore[arg-type]
        position = match.end()
    found.append(Token("end", "", len(text)))
    return found


def _meant(kind: str, text: str, whole: str, position: int) -> str:
    if kind in ("string", "quoted"):
        return _unescaped(text[1:-1], whole, position)
    if kind == "variable":
        return _unescaped(text[2:-1], whole, position) if text[1] in "`'" else text[1:]
    if kind in ("date", "time"):
        return text[1:]
    return text[:-1] if kind == "long" else text


def _unescaped(text: str, whole: str, position: int) -> str:
    if "\\" not in text:
        return text

    def one(match: re.Match[str]) -> str:
        mark = match[1]
        if len(mark) == 5:
            return chr(int(mark[1:], 16))
        if mark not in _ESCAPED:
            raise FhirPathError("syntax", f"\\{mark} is no escape sequence", position, whole)
        return _ESCAPED[mark]

    return _ESCAPE.sub(one, text)

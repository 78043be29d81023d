"""A reader of JSON that goes on where others stop: every place has its position, every fault its complaint.

Slow, and asked only where the quick reader refuses a text, where a property is given twice, and for positions.

Source: RFC 8259; FHIR R4, JSON Representation of Resources.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import InvalidOperation
from typing import Any, Final, NoReturn

from fhir_gateway.conformance.validation import format_complaints as complaints
from fhir_gateway.fhir.number import Number
from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.fhir.primitives import PATTERNS

MAX_DEPTH: Final = 250  # arrays count too


class Malformed(str):
    """The text of a JSON number that cannot be read as one: "01.0", "-", too long a number."""

    __slots__ = ()


class Object(dict[str, Any]):
    """An object with all its properties in order, those given twice too. As a dict it has the first of them."""

    __slots__ = ("pairs",)
    pairs: list[tuple[str, Any]]


@dataclass(slots=True)
class Place:
    """Where a value begins in the text, and the places of what is in it."""

    start: int
    within: dict[str, Place] | list[Place] | None = None

    def below(self, step: str | int) -> Place | None:
        if isinstance(self.within, dict):
            return self.within.get(str(step))
        if isinstance(self.within, list) and isinstance(step, int) and step < len(self.within):
            return self.within[step]
        return None


@dataclass(slots=True)
class Reading:
    """What was read. `fatal`: what stopped the reading; then there is no value."""

    value: Any = None
    place: Place | None = None
    issues: list[Issue] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)  # of each issue, its position
    fatal: Issue | None = None
    fatal_start: int = 0


def read(text: str) -> Reading:
    """Return the value of a JSON text and the place of each part of it. Nothing is raised."""
    reader = _Reader(text)
    try:
        reader.whole()
    except _Stop as stop:
        reader.reading.fatal, reader.reading.fatal_start = stop.issue, stop.start
        reader.reading.value = reader.reading.place = None
    return reader.reading


class _Stop(Exception):
    def __init__(self, issue: Issue, start: int) -> None:
        super().__init__(issue.complaint.detail)
        self.issue = issue
        self.start = start


_BETWEEN: Final = " \t\r\n/"
_SPACE = re.compile(r"[ \t\r\n]*")
_COMMENT = re.compile(r"//[^\r\n]*")
_PLAIN = re.compile(r'"([^"\\\x00-\x1f]*)"')
_CHUNK = re.compile(r'[^"\\\x00-\x1f]*')
_NUMBER = re.compile(r"[-0-9][-+0-9.eE]*")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_HEX = re.compile(r"[0-9A-Fa-f]{4}")
_ESCAPES: Final = {'"': '"', "'": "'", "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_CONSTANTS: Final = {"true": True, "false": False, "null": None}


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 1 if text.startswith("\ufeff") else 0
        self.reading = Reading()
        self.path: list[str] = []

    def whole(self) -> None:
        reading = self.reading
        self._skip()
        if self.at >= len(self.text):
            self._stop("there is nothing in it", "le contenu est vide")
        if self.text[self.at] != "{":
            self._unexpected("at start of JSON", "au début du JSON")
        reading.value, reading.place = self._value(MAX_DEPTH)
        self._skip()
        if self.at < len(self.text):
            self._unexpected("at end of JSON", "à la fin du JSON")

    # --- complaints

    def _say(self, complaint: Any, start: int, **values: object) -> None:
        self.reading.issues.append(complaint.at("".join(self.path).lstrip(".") or None, **values))
        self.reading.starts.append(start)

    def _stop(self, reason: str, french: str) -> NoReturn:
        line = self.text.count("\n", 0, self.at) + 1
        raise _Stop(complaints.NOT_JSON.at(None, reason=reason, reason_fr=french, line=line), self.at)

    def _unexpected(self, where: str, french: str) -> NoReturn:
        if self.at >= len(self.text):
            self._stop("unexpected end of the content", "fin de contenu inattendue")
        found = self.text[self.at]
        self._stop(f"Unexpected content '{found}' {where}", f"contenu inattendu « {found} » {french}")

    # --- the grammar

    def _skip(self) -> None:
        text = self.text
        here = text[self.at : self.at + 1]
        while here in _BETWEEN and here:
            if here == "/":
                comment = _COMMENT.match(text, self.at)
                if comment is None:
                    return
                self._say(complaints.COMMENT, self.at)
                self.at = comment.end()
            else:
                space = _SPACE.match(text, self.at)
                self.at = space.end() if space is not None else self.at
            here = text[self.at : self.at + 1]

    def _value(self, depth: int) -> tuple[Any, Place]:
        text, start = self.text, self.at
        if depth == 0:
            raise _Stop(complaints.TOO_DEEP.at(None, limit=MAX_DEPTH), start)
        first = text[start : start + 1]
        if first == '"':
            return self._string(), Place(start)
        if first == "{":
            return self._object(depth, start)
        if first == "[":
            return self._array(depth, start)
        number = _NUMBER.match(text, start)
        if number is not None:
            self.at = number.end()
            return _number(number[0]), Place(start)
        word = _WORD.match(text, start)
        if word is None:
            self._unexpected("in json format", "dans le JSON")
        self.at = word.end()
        if word[0] in _CONSTANTS:
            return _CONSTANTS[word[0]], Place(start)
        name = self.path[-1].lstrip(".") if self.path else "item"
        self._say(complaints.VALUE_WITHOUT_QUOTES, start, name=name, value=word[0][:64])
        return word[0], Place(start)

    def _object(self, depth: int, start: int) -> tuple[Object, Place]:
        value = Object()
        places: dict[str, Place] = {}
        value.pairs = []
        self.at += 1
        self._skip()
        while self.text[self.at : self.at + 1] != "}":
            name = self._name()
            self._skip()
            if self.text[self.at : self.at + 1] != ":":
                self._unexpected(f"after the name '{name[:64]}'", f"après le nom « {name[:64]} »")
            self.at += 1
            self._skip()
            self.path.append(f".{name}" if self.path or name != "resourceType" else "")
            item, place = self._value(depth - 1)
            self.path.pop()
            value.pairs.append((name, item))
            if name not in value:
                value[name] = item
                places[name] = place
            if not self.path and name == "resourceType" and isinstance(item, str):
                self.path.append(item[:64])
            self._comma("}", "Object", "objet")
        self.at += 1
        if depth == MAX_DEPTH:
            self.path.clear()
        return value, Place(start, places)

    def _array(self, depth: int, start: int) -> tuple[list[Any], Place]:
        items: list[Any] = []
        places: list[Place] = []
        self.at += 1
        self._skip()
        while self.text[self.at : self.at + 1] != "]":
            self.path.append(f"[{len(items)}]")
            item, place = self._value(depth - 1)
            self.path.pop()
            items.append(item)
            places.append(place)
            self._comma("]", "Array", "tableau")
        self.at += 1
        return items, Place(start, places)

    def _comma(self, end: str, what: str, french: str) -> None:
        """Pass over what stands between two items, or before the end."""
        self._skip()
        here = self.text[self.at : self.at + 1]
        if here == ",":
            start = self.at
            self.at += 1
            self._skip()
            if self.text[self.at : self.at + 1] == end:
                self._say(complaints.COMMA_EXTRA, start, what=what)
        elif here in ("}", "]") and here != end:
            self._stop(f"Unexpected close marker '{here}'. Expected '{end}'", f"« {here} » trouvé, « {end} » attendu")
        elif here == "":
            self._stop("unexpected end of the content", "fin de contenu inattendue")
        elif here != end:
            if here != '"' and here not in "{[" and _WORD.match(self.text, self.at) is None:
                self._unexpected("in json format", "dans le JSON")
            self._say(complaints.COMMA_MISSING, self.at)

    def _name(self) -> str:
        if self.text[self.at : self.at + 1] == '"':
            return self._string()
        word = _WORD.match(self.text, self.at)
        if word is None:
            self._unexpected("where the name of a property is expected", "à la place d'un nom de propriété")
        self._say(complaints.NAME_WITHOUT_QUOTES, self.at, name=word[0][:64])
        self.at = word.end()
        return word[0]

    def _string(self) -> str:
        plain = _PLAIN.match(self.text, self.at)
        if plain is not None:
            self.at = plain.end()
            return plain[1]
        return self._escaped()

    def _escaped(self) -> str:
        text, pieces = self.text, []
        start = self.at
        self.at += 1
        said = False
        while True:
            chunk = _CHUNK.match(text, self.at)
            if chunk is not None:
                pieces.append(chunk[0])
                self.at = chunk.end()
            here = text[self.at : self.at + 1]
            if here == '"':
                self.at += 1
                return self._whole("".join(pieces), start)
            if here == "":
                self._stop("unclosed string", "chaîne non fermée")
            elif here == "\\":
                pieces.append(self._escape())
            else:
                if not said:
                    self._say(complaints.CHARACTER, start, character=f"U+{ord(here):04X}")
                said = True
                pieces.append(here)
                self.at += 1

    def _whole(self, text: str, start: int) -> str:
        """Text whose surrogates are in pairs; U+FFFD for those that have no other half."""
        try:
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self._say(complaints.SURROGATE, start)
            return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def _escape(self) -> str:
        code = self.text[self.at + 1 : self.at + 2]
        if code == "u":
            digits = _HEX.match(self.text, self.at + 2)
            if digits is not None:
                self.at += 6
                return chr(int(digits[0], 16))
        elif code in _ESCAPES:
            self.at += 2
            return _ESCAPES[code]
        self._stop(f"unknown escape sequence: \\{code}", f"séquence d'échappement inconnue : \\{code}")


def _number(text: str) -> Any:
    if len(text) <= 4000 and PATTERNS["decimal"].fullmatch(text) is not None:
        if PATTERNS["integer"].fullmatch(text) is not None:
            return int(text)
        try:
            return Number(text)
        except InvalidOperation:
            pass
    return Malformed(text)

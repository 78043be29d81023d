"""Lines and columns: where in the text that was validated an expression leads.

Nothing is computed before somebody asks.

Source: FHIR R4, OperationOutcome.issue.expression; RFC 8259; XML 1.0.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any, Final, Protocol

from fhir_gateway.conformance.validation import json_text
from fhir_gateway.conformance.validation.json_text import Place

Position = tuple[int, int]  # line and column, both from 1


class Source(Protocol):
    """A text that was validated."""

    @property
    def type(self) -> str | None:
        """The type of the resource that the text is."""
        ...

    def position(self, expression: str | None, spot: Any = None) -> Position | None:
        """Return where an element begins; `spot` is what the reader of the text remembers of it, where it does."""
        ...


_STRING = re.compile(r'"([A-Za-z]+)"')
_COMMENT = re.compile(r"/\*.*?\*/|\[url='.*?'\]")
_STEP = re.compile(r"([^.\[\]()]+)(?:\[(\d+)\])?")
_OF_TYPE = re.compile(r"\.ofType\((\w+)\)")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an expression: the names that JSON and XML may have for it, and the place in a list."""

    names: tuple[str, ...]
    index: int | None


def steps_of(expression: str) -> list[Step]:
    """Return the steps of an expression that validation writes, after the resource type it begins with."""
    plain = _COMMENT.sub("", expression).replace("[x]", "")
    # "value.ofType(Quantity)[0]" is one step, which JSON calls valueQuantity.
    merged = _OF_TYPE.sub(lambda found: f"~{found[1][:1].upper()}{found[1][1:]}", plain)
    steps = []
    for name, index in _STEP.findall(merged.partition(".")[2]):
        base, tilde, type = name.partition("~")
        names = (f"{base}{type}", base) if tilde else (base, f"_{base}")
        steps.append(Step(names, int(index) if index else None))
    return steps


class _Lines:
    """Line and column of each character of a text."""

    def __init__(self, text: str) -> None:
        self._starts: Final = [0, *(match.end() for match in re.finditer("\n", text))]

    def position(self, start: int) -> Position:
        line = bisect_right(self._starts, start)
        return line, start - self._starts[line - 1] + 1


class JsonSource:
    """A JSON text; `first_line`: of a text that is one line of a longer one."""

    def __init__(self, body: bytes, first_line: int = 1) -> None:
        self._body = body
        self._offset = first_line - 1
        self._lines: _Lines | None = None
        self._root: Place | None = None
        self._read = False

    @property
    def type(self) -> str | None:
        name = self._place()
        found = name.below("resourceType") if name is not None else None
        match = _STRING.match(self._body.decode(errors="replace"), found.start) if found is not None else None
        return match[1] if match is not None else None

    def known(self, root: Place | None) -> None:
        """Take over the places of a text that has been read already."""
        self._root, self._read = root, True

    def position(self, expression: str | None, spot: Any = None) -> Position | None:
        start = spot if isinstance(spot, int) else self._start(expression)
        if start is None:
            return None
        if self._lines is None:
            self._lines = _Lines(self._body.decode(errors="replace"))
        line, column = self._lines.position(start)
        return line + self._offset, column

    def start_of(self, expression: str | None, name: str) -> int | None:
        """Return where the value of a property begins, of the element that an expression leads to."""
        place = self._place()
        for step in steps_of(expression or ""):
            place = _below(place, step) if place is not None else None
        found = place.below(name) if place is not None else None
        return found.start if found is not None else None

    def _start(self, expression: str | None) -> int | None:
        place = self._place()
        if place is None or not expression:
            return None if place is None else place.start
        for step in steps_of(expression):
            below = _below(place, step)
            if below is None:
                break  # the nearest that there is
            place = below
        return place.start

    def _place(self) -> Place | None:
        if not self._read:
            self._root = json_text.read(self._body.decode(errors="replace")).place
            self._read = True
        return self._root


def _below(place: Place, step: Step) -> Place | None:
    found = next((each for each in (place.below(name) for name in step.names) if each is not None), None)
    if found is None and isinstance(place.within, dict):  # a choice named without its type
        name = step.names[-1].removeprefix("_")
        found = next((each for key, each in place.within.items() if _is_choice(key, name)), None)
    if found is None or step.index is None:
        return found
    return found.below(step.index) or found


def _is_choice(key: str, name: str) -> bool:
    return key.startswith(name) and key[len(name) : len(name) + 1].isupper()


# In well-formed XML these are exactly the comments, CDATA sections, instructions and start tags.
_TAGS = re.compile(r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>|<([^\s<>/!?][^\s<>/]*)", re.DOTALL)


class XmlSource:
    """An XML text and the tree that was read of it."""

    def __init__(self, text: str, root: Any) -> None:
        self._text = text
        self._root = root
        self._lines: _Lines | None = None
        self._starts: dict[Any, int] = {}

    @property
    def type(self) -> str | None:
        return None if self._root is None else str(self._root.tag).rpartition("}")[2]

    def position(self, expression: str | None, spot: Any = None) -> Position | None:
        if isinstance(spot, tuple):
            return spot[0], spot[1]
        if self._root is None:
            return None
        if self._lines is None:
            self._lines = _Lines(self._text)
            starts = (found.start() for found in _TAGS.finditer(self._text) if found[1] is not None)
            self._starts = dict(zip(self._root.iter("*"), starts, strict=False))
        element = spot if spot is not None else self._element(expression)
        start = self._starts.get(element)
        return None if start is None else self._lines.position(start)

    def _element(self, expression: str | None) -> Any:
        element = self._root
        if expression is None or expression.startswith(("/", "(")):
            return element
        for step in steps_of(expression):
            children = [child for child in element if _is_named(child, step)]
            if not children:
                return element  # an attribute, or the nearest that there is
            element = children[step.index or 0] if (step.index or 0) < len(children) else children[0]
            if step.names[0] in ("contained", "resource", "outcome") and len(element) == 1:
                element = element[0]
        return element


def _is_named(child: Any, step: Step) -> bool:
    name = str(child.tag).rpartition("}")[2]
    return name in step.names or _is_choice(name, step.names[-1].removeprefix("_"))

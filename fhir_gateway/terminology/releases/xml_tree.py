"""XML of a release, read element by element with their lines; no entity but XML's own is known.

lxml is FHIR's reader; these files are no FHIR, and of some hundred megabytes: expat gives events and lines.

Source: XML 1.0 (5th edition).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from fhir_gateway.fhir.outcome import Unprocessable
from fhir_gateway.terminology.releases.files import File, malformed, truncated

_CHUNK = 1 << 16


@dataclass(slots=True)
class Element:
    """An element: name, attributes, children, the text directly in it, and where it begins."""

    name: str
    attributes: dict[str, str]
    line: int
    children: list[Element] = field(default_factory=list)
    text: str = ""

    def all(self, *path: str) -> Iterator[Element]:
        """Yield the elements at a path of names below this one."""
        if not path:
            yield self
            return
        for child in self.children:
            if child.name == path[0]:
                yield from child.all(*path[1:])

    def first(self, *path: str) -> Element | None:
        return next(self.all(*path), None)

    def text_at(self, *path: str) -> str:
        """Return the text at a path; "" when nothing is there."""
        found = self.first(*path)
        return found.text.strip() if found is not None else ""

    def whole_text(self) -> str:
        """Return all text in it, that of its children included, with single spaces."""
        parts = [self.text, *(child.whole_text() for child in self.children)]
        return " ".join(" ".join(parts).split())


def elements(file: File, *names: str) -> Iterator[Element]:
    """Yield the outermost elements of these names, whole, and the root as soon as it begins (without children).

    Raises: Unprocessable for what is not well-formed, with its line.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True
    done: list[Element] = []
    open_: list[Element] = []  # from the wanted element inwards
    seen = False

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal seen
        element = Element(name, attributes, parser.CurrentLineNumber)
        if not seen:
            seen = True
            done.append(element)
        elif open_:
            open_[-1].children.append(element)
            open_.append(element)
        elif name in names:
            open_.append(element)

    def end(name: str) -> None:
        if open_:
            element = open_.pop()
            if not open_:
                done.append(element)

    def text(data: str) -> None:
        if open_:
            open_[-1].text += data

    def entity(*declaration: object) -> None:
        reason = "it declares entities of its own", "il déclare ses propres entités"
        raise Unprocessable(malformed(file, parser.CurrentLineNumber, *reason))

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.EntityDeclHandler = entity
    with file.open() as opened:
        try:
            while chunk := opened.read(_CHUNK):
                parser.Parse(chunk, False)
                yield from done
                done.clear()
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise truncated(file, error.lineno, expat.ErrorString(error.code)) from error
    yield from done

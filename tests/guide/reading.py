"""A page as a reader's program sees it: its links, its ids, its text, what would be run or fetched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from typing import Any

from fhir_gateway.guide.guide import Guide, contents
from fhir_gateway.guide.said import Language


@dataclass
class Read(HTMLParser):
    """What was read. `tags`: every element with its attributes; `text`: all that is shown."""

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    text: str = ""
    open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "br", "hr", "wbr"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data

    def links(self) -> Iterator[str]:
        """Yield where the page leads or what it names elsewhere."""
        for _, attributes in self.tags:
            yield from (str(attributes[name]) for name in ("href", "src", "action") if name in attributes)

    def ids(self) -> list[str]:
        return [str(attributes["id"]) for _, attributes in self.tags if "id" in attributes]

    def of(self, tag: str) -> list[dict[str, Any]]:
        return [attributes for name, attributes in self.tags if name == tag]


def read(page: str) -> Read:
    found = Read()
    found.feed(page)
    found.close()
    assert found.open == []
    return found


@cache
def guide() -> Guide:
    return Guide(contents())


@cache
def text(name: str, language: Language) -> str:
    found = guide().page(name, language)
    assert found is not None, name
    return found


@cache
def page(name: str, language: Language) -> Read:
    return read(text(name, language))

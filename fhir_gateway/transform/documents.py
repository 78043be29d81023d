"""Files of rules as they stand: mappings, lists and texts, each with the line it begins at.

The doorkeeper of YAML. Every scalar is text: `N`, `no` and `0123` mean what they say, and a rule's target decides what
a text is.

Source: YAML 1.2, the failsafe schema.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import yaml

from fhir_gateway.fhir.canonical_base import CANONICAL_BASE, PLACEHOLDER
from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.transform import complaints

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Text(str):
    """A text; `place`: "base/segments/PID.yaml:12"."""

    __slots__ = ("place",)
    place: str

    @classmethod
    def at(cls, text: str, place: str) -> Text:
        made = cls(text)
        made.place = place
        return made


class Mapping(dict[str, "Value"]):
    """Keys and their values; `place`: where it begins."""

    def __init__(self, place: str) -> None:
        super().__init__()
        self.place = place


class Items(list["Value"]):
    """A list; `place`: where it begins."""

    def __init__(self, place: str) -> None:
        super().__init__()
        self.place = place


Value = Text | Mapping | Items


class Document:
    """One file. `content`: None where it cannot be read or is empty; `issues`: what is wrong with it."""

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        self.issues: list[Issue] = []
        self.content: Value | None = None
        try:
            node = yaml.compose(path.read_text(encoding="utf-8").replace(PLACEHOLDER, CANONICAL_BASE), Loader=_Loader)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark is not None else 1
            self.issues.append(complaints.UNREADABLE.at(place=f"{name}:{line}", reason=error.problem or "syntax"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            self.issues.append(complaints.UNREADABLE.at(place=f"{name}:1", reason=type(error).__name__))
        else:
            self.content = None if node is None else self._value(node)

    def _value(self, node: yaml.Node) -> Value:
        place = f"{self.name}:{node.start_mark.line + 1}"
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            items = Items(place)
            items += (self._value(each) for each in node.value)
            return items
        return Text.at(str(node.value), place)

    def _mapping(self, node: yaml.MappingNode, place: str) -> Mapping:
        made = Mapping(place)
        for key, value in node.value:
            name = str(key.value)
            if name in made:
                at = f"{self.name}:{key.start_mark.line + 1}"
                self.issues.append(complaints.KEY_TWICE.at(place=at, key=name))
            made[name] = self._value(value)
        return made


# What lies beside rules in a folder of mappings and is no layer of it.
NO_RULES = frozenset({"sites", "golden", "out"})


def files_of(folder: Path) -> list[Path]:
    """Return the files of rules of a layer, in the order of their names."""
    found = (each for each in folder.rglob("*.yaml") if each.relative_to(folder).parts[0] not in NO_RULES)
    return sorted(found)


def documents(folder: Path, name: str) -> Iterator[tuple[str, Document]]:
    """Yield the files of a layer with their stems, in the order of their names."""
    for path in files_of(folder):
        about = path.stat()
        yield (
            path.stem,
            _document(path, f"{name}/{path.relative_to(folder).as_posix()}", about.st_mtime_ns, about.st_size),
        )


@lru_cache(1024)
def _document(path: Path, name: str, _changed: int, _size: int) -> Document:
    """Return a file's content: layers are read for several combinations of them."""
    return Document(path, name)

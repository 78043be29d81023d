"""The policy file as it is written: its entries with their lines, and what is wrong with their shape.

Nothing is looked up here, and nothing else of the gateway reads YAML. Source: YAML 1.1; `politique.yaml`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import yaml

from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.policy import policy_complaints as complaints

Kind = Literal["interactions", "types", "opérations", "éléments"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C reads the file in a tenth of the time
_ROLE = ("libellé", "raison", "source", "droits")
_RIGHT = ("interactions", "opérations", "types", "portée", "champs", "depuis", "vers")
_DEEPEST = 3  # lists in lists: a list may be written over several lines, no more is needed


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the file and where it stands, "politique.yaml:12"."""

    text: str
    at: str


@dataclass(frozen=True, slots=True)
class RightEntry:
    """One right. Absent keys are None, so that an empty list is not taken for one."""

    at: str
    interactions: tuple[Word, ...] | None = None
    operations: tuple[Word, ...] | None = None
    types: tuple[Word, ...] | None = None
    scope: Word | None = None
    fields: tuple[Word, ...] | None = None
    before: tuple[Word, ...] | None = None
    after: tuple[Word, ...] | None = None


@dataclass(frozen=True, slots=True)
class RoleEntry:
    at: str
    label: Mapping[str, str]
    reason: Mapping[str, str]
    source: str
    rights: tuple[RightEntry, ...]


@dataclass(slots=True)
class Sheet:
    """A file, or several laid one over the other. `everyone`: the rights of every role; None where none are given."""

    groups: dict[Kind, dict[str, tuple[Word, tuple[Word, ...]]]] = field(
        default_factory=lambda: {kind: {} for kind in KINDS}
    )
    everyone: tuple[RightEntry, ...] | None = None
    roles: dict[str, RoleEntry] = field(default_factory=dict)

    def lay(self, over: Sheet) -> None:
        """Lay another sheet over this one: its groups, its roles and its rights of everyone replace whole ones."""
        for kind in KINDS:
            self.groups[kind].update(over.groups[kind])
        self.roles.update(over.roles)
        if over.everyone is not None:
            self.everyone = over.everyone


def read(path: Path) -> tuple[Sheet, list[Issue]]:
    """Return what a file says as far as it can be understood, and everything that is wrong with its shape."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return Sheet(), [complaints.FILE_UNREADABLE.at(file=path, reason=error)]
    try:
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        line = 1 if error.problem_mark is None else error.problem_mark.line + 1
        return Sheet(), [complaints.NOT_YAML.at(at=f"{path.name}:{line}", reason=error.problem)]
    except yaml.YAMLError as error:
        return Sheet(), [complaints.NOT_YAML.at(at=f"{path.name}:1", reason=" ".join(str(error).split()))]
    reading = _Reading(path.name)
    return reading.sheet(root), reading.issues


class _Reading:
    def __init__(self, file: str) -> None:
        self.file = file
        self.issues: list[Issue] = []

    def at(self, node: yaml.Node | None) -> str:
        return f"{self.file}:{1 if node is None else node.start_mark.line + 1}"

    def sheet(self, root: yaml.Node | None) -> Sheet:
        sheet = Sheet()
        for key, node in self.keys(root, (*KINDS, "tous", "rôles")):
            if key.text in KINDS:
                for name, members in self.keys(node):
                    sheet.groups[key.text][name.text] = (name, self.words(members))
            elif key.text == "tous":
                sheet.everyone = self.rights(node)
            else:
                sheet.roles = {name.text: self.role(name, role) for name, role in self.keys(node)}
        return sheet

    def role(self, name: Word, node: yaml.Node) -> RoleEntry:
        parts = {key.text: value for key, value in self.keys(node, _ROLE)}
        self.missing(parts, _ROLE, name.at)
        return RoleEntry(
            name.at,
            self.languages(parts.get("libellé")),
            self.languages(parts.get("raison")),
            self.text(parts["source"]) if "source" in parts else "",
            self.rights(parts["droits"]) if "droits" in parts else (),
        )

    def rights(self, node: yaml.Node) -> tuple[RightEntry, ...]:
        return tuple(self.right(each) for each in self.items(node))

    def right(self, node: yaml.Node) -> RightEntry:
        at = self.at(node)
        parts = {key.text: value for key, value in self.keys(node, _RIGHT)}
        needed = ("portée", "types") if "opérations" not in parts else ("portée",)
        self.missing(parts, needed, at)
        if ("interactions" in parts) == ("opérations" in parts):
            self.shape(node, "either 'interactions' or 'opérations'", "soit « interactions », soit « opérations »")
        lists = {key: self.words(value) for key, value in parts.items() if key != "portée"}
        scope = Word(self.text(parts["portée"]), self.at(parts["portée"])) if "portée" in parts else None
        return RightEntry(
            at,
            lists.get("interactions"),
            lists.get("opérations"),
            lists.get("types"),
            scope,
            lists.get("champs"),
            lists.get("depuis"),
            lists.get("vers"),
        )

    def languages(self, node: yaml.Node | None) -> dict[str, str]:
        if node is None:
            return {}
        parts = {key.text: value for key, value in self.keys(node, ("fr", "en"))}
        self.missing(parts, ("fr", "en"), self.at(node))
        return {language: self.text(value) for language, value in parts.items()}

    def missing(self, parts: Mapping[str, object], needed: tuple[str, ...], at: str) -> None:
        self.issues += [complaints.MISSING_KEY.at(at=at, key=key) for key in needed if key not in parts]

    def keys(self, node: yaml.Node | None, known: tuple[str, ...] | None = None) -> Iterator[tuple[Word, yaml.Node]]:
        """Yield the keys of a mapping, each once, with their values; `known`: those that there are, None: any."""
        if not isinstance(node, yaml.MappingNode):
            self.shape(node, "a mapping (key: value)", "une table (clé : valeur)")
            return
        seen: set[str] = set()
        for key_node, value in node.value:
            key = Word(self.text(key_node), self.at(key_node))
            if key.text in seen:
                self.issues.append(complaints.REPEATED_KEY.at(at=key.at, key=key.text))
            elif known is not None and key.text not in known:
                self.issues.append(complaints.UNKNOWN_KEY.at(at=key.at, key=key.text, known=", ".join(known)))
            else:
                seen.add(key.text)
                yield key, value

    def items(self, node: yaml.Node) -> list[yaml.Node]:
        if isinstance(node, yaml.SequenceNode):
            return list(node.value)
        self.shape(node, "a list", "une liste")
        return []

    def words(self, node: yaml.Node, depth: int = 0) -> tuple[Word, ...]:
        """Return the words of a list, which may be written as lists of a list."""
        found: list[Word] = []
        for item in self.items(node):
            if isinstance(item, yaml.SequenceNode) and depth < _DEEPEST:
                found += self.words(item, depth + 1)
            else:
                found.append(Word(self.text(item), self.at(item)))
        return tuple(word for word in found if word.text)

    def text(self, node: yaml.Node) -> str:
        if isinstance(node, yaml.ScalarNode) and node.value:
            return str(node.value)
        self.shape(node, "a word or a text", "un mot ou un texte")
        return ""

    def shape(self, node: yaml.Node | None, expected: str, expected_fr: str) -> None:
        self.issues.append(complaints.WRONG_SHAPE.at(at=self.at(node), expected=expected, expected_fr=expected_fr))

"""Files of code systems, value sets, maps and naming systems, read and judged so far as a start can afford.

Source: FHIR R4, CodeSystem, csd-1; ValueSet, vsd-1; ConceptMap; JSON Representation of Resources.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fhir_gateway.fhir.canonical_base import PLACEHOLDER
from fhir_gateway.fhir.number import Number
from fhir_gateway.fhir.outcome import Complaint, Issue, Unprocessable
from fhir_gateway.terminology import content_complaints as complaints
from fhir_gateway.terminology.json_lines import line_of

KINDS = ("CodeSystem", "ValueSet", "ConceptMap", "NamingSystem")
UNMATCHED = "unmatched"
EQUIVALENCES = frozenset((
    "relatedto", "equivalent", "equal", "wider", "subsumes", "narrower", "specializes", "inexact", "disjoint",
    UNMATCHED,
))  # fmt: skip

Resource = dict[str, Any]
Path_ = tuple[str | int, ...]


class ContentError(Unprocessable):
    """Files that cannot be used; `issues`: everything that is wrong with any of them, with file and line."""


class File:
    """One file, decoded, with `base` in the place of the placeholder. `issues`: what is wrong with it."""

    def __init__(self, path: Path, name: str, base: str) -> None:
        self.name = name
        self.issues: list[Issue] = []
        self._text = ""
        self.resources: list[tuple[Path_, Resource]] = []
        try:
            self._text = path.read_text(encoding="utf-8-sig").replace(PLACEHOLDER, base)
            tree = json.loads(self._text, parse_float=Number, object_pairs_hook=_object)
        except json.JSONDecodeError as error:
            self.issues.append(complaints.NOT_JSON.at(file=name, line=error.lineno, reason=error.msg))
            return
        except _Repeated as error:
            line = _line_of_second(self._text)
            self.issues.append(complaints.REPEATED_PROPERTY.at(file=name, line=line, name=error.name))
            return
        except (UnicodeDecodeError, RecursionError) as error:
            self.issues.append(complaints.NOT_JSON.at(file=name, line=1, reason=type(error).__name__))
            return
        self._take(tree)

    def _take(self, tree: Any) -> None:
        found: list[tuple[Path_, Any]] = [((), tree)]
        if isinstance(tree, dict) and tree.get("resourceType") == "Bundle":
            entries = _list(tree, "entry")
            found = [
                (("entry", index, "resource"), each.get("resource") if isinstance(each, dict) else None)
                for index, each in enumerate(entries)
            ]
        for path, each in found:
            if isinstance(each, dict) and each.get("resourceType") in KINDS:
                self.resources.append((path, each))
                for at, complaint, values in _faults(each):
                    self.complain(complaint, (*path, *at), **values)
            else:
                self.complain(complaints.NOT_A_RESOURCE, path)

    def complain(self, complaint: Complaint, path: Path_, **values: str) -> None:
        self.issues.append(complaint.at(file=self.name, line=line_of(self._text, path), **values))


class _Repeated(ValueError):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        raise _Repeated(next(name for name in names if names.count(name) > 1))
    return made


_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"(\s*:)?|[{}]')


def _line_of_second(text: str) -> int:
    """Return the line of the first property that its object has been given before; the text is JSON."""
    open_objects: list[set[str]] = []
    for token in _TOKEN.finditer(text):
        match token.group()[0]:
            case "{":
                open_objects.append(set())
            case "}":
                open_objects.pop()
            case _ if token[1] is not None:
                name = token.group().removesuffix(token[1])
                if name in open_objects[-1]:
                    return text.count("\n", 0, token.start()) + 1
                open_objects[-1].add(name)
    return 1


Fault = tuple[Path_, Complaint, dict[str, str]]


def _faults(resource: Mapping[str, Any]) -> Iterator[Fault]:
    kind = resource["resourceType"]
    url = resource.get("url")
    if kind == "NamingSystem":
        if not isinstance(resource.get("name"), str):
            yield (), complaints.NO_URL, {"kind": kind}
        return
    if not isinstance(url, str) or ":" not in url:
        yield (), complaints.NO_URL, {"kind": kind}
    match kind:
        case "CodeSystem":
            yield from _faults_of_concepts(resource)
        case "ValueSet":
            yield from _faults_of_composition(resource)
        case _:
            yield from _faults_of_map(resource)


def _faults_of_concepts(system: Mapping[str, Any]) -> Iterator[Fault]:
    declared = {each.get("code") for each in _list(system, "property") if isinstance(each, dict)}
    seen: set[str] = set()
    pending: list[tuple[Path_, Any]] = []
    pending.extend((("concept", index), each) for index, each in reversed(list(_numbered(system, "concept"))))
    while pending:
        path, concept = pending.pop()
        code = concept.get("code") if isinstance(concept, dict) else None
        if not _is_code(code):
            yield path, complaints.CODE_ABSENT, {}
            continue
        if code in seen:
            yield (*path, "code"), complaints.CODE_TWICE, {"code": str(code)}
        seen.add(str(code))
        for index, each in _numbered(concept, "property"):
            name = each.get("code") if isinstance(each, dict) else None
            # A supplement may use what the system it adds to has declared.
            if name not in declared and "supplements" not in system:
                yield (*path, "property", index), complaints.PROPERTY_UNDECLARED, {"code": str(name)}
        below = reversed(list(_numbered(concept, "concept")))
        pending.extend(((*path, "concept", index), each) for index, each in below)


def _faults_of_composition(value_set: Mapping[str, Any]) -> Iterator[Fault]:
    compose = value_set.get("compose")
    includes = _list(compose, "include") if isinstance(compose, dict) else []
    if not includes and not isinstance(value_set.get("expansion"), dict):
        yield (), complaints.NOTHING_INCLUDED, {}
    for index, include in enumerate(includes):
        path: Path_ = ("compose", "include", index)
        if not isinstance(include, dict) or not ({"system", "valueSet"} & include.keys()):
            yield path, complaints.NOTHING_INCLUDED, {}
            continue
        seen: set[str] = set()
        for number, each in _numbered(include, "concept"):
            code = each.get("code") if isinstance(each, dict) else None
            if not _is_code(code):
                yield (*path, "concept", number), complaints.CODE_ABSENT, {}
            elif code in seen:
                yield (*path, "concept", number), complaints.CODE_TWICE, {"code": str(code)}
            seen.add(str(code))


def _faults_of_map(concept_map: Mapping[str, Any]) -> Iterator[Fault]:
    for number, group in _numbered(concept_map, "group"):
        seen: set[str] = set()
        for index, element in _numbered(group, "element"):
            path: Path_ = ("group", number, "element", index)
            code = element.get("code") if isinstance(element, dict) else None
            if not _is_code(code):
                yield path, complaints.CODE_ABSENT, {}
                continue
            if code in seen:
                yield path, complaints.CODE_TWICE, {"code": str(code)}
            seen.add(str(code))
            for place, target in _numbered(element, "target"):
                equivalence = target.get("equivalence") if isinstance(target, dict) else None
                if equivalence not in EQUIVALENCES or (equivalence != UNMATCHED and not _is_code(target.get("code"))):
                    yield (*path, "target", place), complaints.EQUIVALENCE, {}


def _is_code(code: Any) -> bool:
    return isinstance(code, str) and code != "" and code == code.strip()


def _list(holder: Any, name: str) -> list[Any]:
    value = holder.get(name) if isinstance(holder, dict) else None
    return value if isinstance(value, list) else []


def _numbered(holder: Any, name: str) -> Iterator[tuple[int, Any]]:
    return enumerate(_list(holder, name))

"""Translation of codes by concept maps, forwards and backwards.

Source: FHIR R4, ConceptMap; "$translate"; ConceptMap.group.unmapped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

# What an equivalence is when it is read from the other end: "narrower: the target is narrower than the source".
_REVERSED = {
    "wider": "narrower", "narrower": "wider", "subsumes": "specializes", "specializes": "subsumes",
}  # fmt: skip
_NO_MATCH = frozenset({"unmatched", "disjoint"})
_DEEPEST = 5  # maps that stand in for what a map does not have

Map = Mapping[str, Any]
Find = Callable[[str], Map | None]


@dataclass(frozen=True, slots=True)
class Match:
    """One translation. `source`: the other end, told where R5 was spoken. `products`: property, and Coding elements."""

    equivalence: str
    system: str | None
    version: str | None
    code: str | None
    display: str | None
    origin: str
    source: tuple[str | None, str] | None = None
    products: tuple[Mapping[str, Any], ...] = ()
    comment: str | None = None

    @property
    def counts(self) -> bool:
        """Whether it is a translation at all."""
        return self.equivalence not in _NO_MATCH


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be translated. `backwards`: the code is one that maps lead to. None: whatever it is."""

    code: str
    system: str | None = None
    version: str | None = None
    backwards: bool = False
    source_set: str | None = None
    target_set: str | None = None
    other_system: str | None = None  # the system at the other end
    as_r5: bool = False  # the answer names both ends as they stand in the map
    dependencies: tuple[tuple[str, str], ...] = ()


def translate(maps: Iterable[Map], question: Question, find: Find | None = None) -> list[Match]:
    """Return all that maps have for a code, none twice. `find`: gives a map by canonical, for those that stand in."""
    found: dict[tuple[Any, ...], Match] = {}
    for each in maps:
        if not _is_meant(each, question):
            continue
        for match in _of_map(each, question, find, 0):
            found.setdefault((match.system, match.code, match.equivalence, match.source, match.origin), match)
    return list(found.values())


def _canonical(resource: Map) -> str:
    url, version = resource.get("url", ""), resource.get("version")
    return f"{url}|{version}" if version else str(url)


def _is_meant(resource: Map, question: Question) -> bool:
    """Tell whether a map is between the value sets that are asked for."""
    if resource.get("status") == "retired":
        return False
    ends = (
        (question.source_set, resource.get("sourceUri") or resource.get("sourceCanonical")),
        (question.target_set, resource.get("targetUri") or resource.get("targetCanonical")),
    )
    return all(wanted is None or (isinstance(there, str) and _same(wanted, there)) for wanted, there in ends)


def _same(wanted: str, there: str) -> bool:
    return wanted == there or wanted == there.partition("|")[0] or wanted.partition("|")[0] == there


def _of_map(resource: Map, question: Question, find: Find | None, depth: int) -> Iterator[Match]:
    origin = _canonical(resource)
    for group in resource.get("group", ()):
        if question.backwards:
            yield from _backwards(group, question, origin)
        elif _fits(group, question):
            yield from _forwards(group, question, origin, find, depth)


def _fits(group: Map, question: Question) -> bool:
    wanted = ((question.system, group.get("source")), (question.other_system, group.get("target")))
    if any(one is not None and there is not None and not _same(one, there) for one, there in wanted):
        return False
    stated = group.get("sourceVersion")
    return question.version is None or stated is None or stated == question.version


def _forwards(group: Map, question: Question, origin: str, find: Find | None, depth: int) -> Iterator[Match]:
    is_there = False
    for element in group.get("element", ()):
        if element.get("code") == question.code:
            is_there = True
            for target in element.get("target", ()):
                if _depends(target, question):
                    yield _match(group, target, origin)
    if not is_there:
        yield from _unmapped(group, question, origin, find, depth)


def _depends(target: Map, question: Question) -> bool:
    """Tell whether the dependencies of a target are met by what the question brings."""
    return all(
        (str(each.get("property")), str(each.get("value"))) in question.dependencies
        for each in target.get("dependsOn", ())
    )


def _match(group: Map, target: Map, origin: str) -> Match:
    return Match(
        target.get("equivalence", "relatedto"),
        group.get("target"),
        group.get("targetVersion"),
        target.get("code"),
        target.get("display"),
        origin,
        None,
        tuple(target.get("product", ())),
        target.get("comment"),
    )


def _unmapped(group: Map, question: Question, origin: str, find: Find | None, depth: int) -> Iterator[Match]:
    """Yield what a map says of codes that it does not have. Source: ConceptMap.group.unmapped."""
    unmapped = group.get("unmapped")
    if not isinstance(unmapped, dict):
        return
    match unmapped.get("mode"):
        case "provided":
            yield Match("equal", group.get("target"), group.get("targetVersion"), question.code, None, origin)
        case "fixed":
            code, display = unmapped.get("code"), unmapped.get("display")
            yield Match("relatedto", group.get("target"), group.get("targetVersion"), code, display, origin)
        case "other-map" if find is not None and depth < _DEEPEST:
            other = find(str(unmapped.get("url")))
            if other is not None:
                yield from _of_map(other, question, find, depth + 1)


def _backwards(group: Map, question: Question, origin: str) -> Iterator[Match]:
    ends = ((question.system, group.get("target")), (question.other_system, group.get("source")))
    if any(one is not None and there is not None and not _same(one, there) for one, there in ends):
        return
    for element in group.get("element", ()):
        for target in element.get("target", ()):
            if target.get("code") == question.code:
                equivalence = target.get("equivalence", "relatedto")
                if question.as_r5:
                    source = (group.get("source"), str(element.get("code")))
                    yield replace(_match(group, target, origin), source=source)
                    continue
                yield Match(
                    _REVERSED.get(equivalence, equivalence),
                    group.get("source"),
                    group.get("sourceVersion"),
                    element.get("code"),
                    element.get("display"),
                    origin,
                    comment=target.get("comment"),
                )

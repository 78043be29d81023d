"""Parts of resources: what `_summary` and `_elements` leave of them.

Source: FHIR R4, Search, "Summary", "Elements"; ElementDefinition, isSummary, isModifier, min.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, Union, cast

import msgspec

from fhir_gateway.conformance.type_tables import Marks
from fhir_gateway.fhir.json import decode, encode, properties
from fhir_gateway.fhir.outcome import Complaint, InvalidRequest, Issue
from fhir_gateway.fhir.types import Element, Types

SUMMARY_INVALID = Complaint(
    "summary-invalid",
    "value",
    en="_summary = {value} is not possible; possible: true, text, data, count, false.",
    fr="_summary = {value} n'est pas possible ; valeurs possibles : true, text, data, count, false.",
)
ELEMENT_UNKNOWN = Complaint(
    "element-unknown",
    "value",
    en="_elements: {name} is no element of {type}. Correct it, leave it out, or send Prefer: handling=lenient to have "
    "it passed over.",
    fr="_elements : {name} n'est pas un élément de {type}. Corrigez-le, retirez-le, ou envoyez "
    "Prefer: handling=lenient pour qu'il soit ignoré.",
)
SUMMARY_WITH_ELEMENTS = Complaint(
    "summary-with-elements",
    "invalid",
    en="_summary = {summary} and _elements ask for two different parts of the same resources. Send one of them.",
    fr="_summary = {summary} et _elements demandent deux parties différentes des mêmes ressources. N'envoyez que l'un "
    "des deux.",
)
ELEMENTS_TOO_MANY = Complaint(
    "elements-too-many",
    "too-costly",
    en="_elements names {number} elements; this server takes {limit}. Name whole elements instead of their parts.",
    fr="_elements nomme {number} éléments ; ce serveur en accepte {limit}. Nommez des éléments entiers plutôt que "
    "leurs parties.",
)

Summary = Literal["true", "text", "data"]
# What is kept of an object, by JSON name: a value whole (None), or the parts of it that its own table names.
Kept = dict[str, Union["Kept", None]]

SYSTEM = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
CODE = "SUBSETTED"
_TAG = {"system": SYSTEM, "code": CODE}

# "resourceType" is no element; without id and meta nobody could tell which resource it is a part of, or that it is one.
_HEAD: tuple[str, ...] = ("resourceType", "id", "meta")
# What a datatype keeps although R4 marks no `Element.id` and no extension as summary: there they belong to the value
# (data-absent-reason, a precision), while those of backbone elements and resources stand beside other elements.
_OF_VALUES = frozenset(("id", "extension"))
_PATH = 4  # names in a path; types contain each other, so that a longer one could lead through any number of them
_NAMES = 1000  # in one `_elements`
_SHOWN = 5  # types that a complaint names
_TABLES = 1024  # of types and wishes; _elements comes from requests, so their number is bounded


@dataclass(frozen=True, slots=True)
class Subset:
    """Which part of each resource is asked for: a summary, or elements.

    `elements`: "name", "name.family", "Patient.name". Names without a type mean the matches of a search, names with a
    type every resource of that type.
    """

    summary: Summary | None = None
    elements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What `_summary` and `_elements` say together.

    `subset` None: whole resources. `count`: no resource at all, only how many there are. `elements`: the value of
    `_elements` that was understood, None when nothing of it was; `unknown`: an issue for each name that was not.
    """

    subset: Subset | None = None
    count: bool = False
    elements: str | None = None
    unknown: tuple[Issue, ...] = ()


def is_subset(resource: dict[str, Any]) -> bool:
    """Tell whether a resource says of itself that it is a part of one."""
    tags = resource.get("meta", {}).get("tag", ())
    return any(tag.get("code") == CODE and tag.get("system") == SYSTEM for tag in tags)


class Subsets:
    """The subsets of one FHIR version's types; immutable and shared by all threads.

    Each (type, subset) is compiled once, to a table of the properties that stay. Types are few and summaries four, so
    that those are always at hand; tables for `_elements` give way to newer ones.
    """

    def __init__(self, types: Types, marks: Marks) -> None:
        self._types = types.types
        self._resources = frozenset(types.resources)
        self._marks = marks
        self._table = lru_cache(_TABLES)(self._compiled)
        self._known = lru_cache(_TABLES)(self._exists)  # all types have extensions, and so the same paths below them
        self._names: dict[str, dict[str, list[Element]]] = {}

    def asked(self, summary: str | None, elements: str | None, types: Collection[str]) -> Asked:
        """Return what the values of the two parameters ask for, of resources of these types.

        R4 does not say what both together mean; `_summary` = true, text or data beside `_elements` is refused.
        Raises: InvalidRequest for that, for another value of `_summary`, and for more names than are taken.
        """
        if summary is not None and summary not in ("true", "text", "data", "count", "false"):
            raise InvalidRequest(SUMMARY_INVALID.at(value=summary))
        partial = summary in ("true", "text", "data")
        if partial and elements is not None:
            raise InvalidRequest(SUMMARY_WITH_ELEMENTS.at(summary=summary))
        if elements is not None and (number := elements.count(",") + 1) > _NAMES:
            raise InvalidRequest(ELEMENTS_TOO_MANY.at(number=number, limit=_NAMES))
        known, unknown = self._split(elements, types)
        subset = Subset(elements=tuple(known)) if known else None
        if partial:
            subset = Subset(cast("Summary", summary))
        return Asked(subset, summary == "count", ",".join(known) or None, tuple(unknown))

    def _split(self, elements: str | None, types: Collection[str]) -> tuple[list[str], list[Issue]]:
        """Return the names that are elements of a type, and an issue for each of the others."""
        known: list[str] = []
        unknown: list[Issue] = []
        for name in dict.fromkeys(() if elements is None else elements.split(",")):
            type, path = self._typed(name)
            among = types if type is None else (type,)
            if len(path) <= _PATH and any(self._known(each, path) for each in among):
                known.append(name)
            else:
                of = ", ".join(list(among)[:_SHOWN]) + (" …" if len(among) > _SHOWN else "")
                unknown.append(ELEMENT_UNKNOWN.at(name=name or "''", type=of))
        return known, unknown

    def cut(self, body: bytes, type: str, subset: Subset, *, included: bool = False) -> bytes:
        """Return the JSON of a resource with what stays of it, tagged SUBSETTED.

        `included`: it comes with a search's matches; "the list of elements does not apply to resources returned as a
        result of _include/_revinclude", but elements named with its type do. What no wish is about stays as it is.
        """
        table = self._table(type, subset, included)
        if table is None:
            return body
        kept: dict[str, Any] = {}
        for name, text in properties(body).items():
            if name in table:
                below = table[name]
                kept[name] = text if below is None else _cut(decode(bytes(text)), below)
        kept["meta"] = _tagged(kept.get("meta"))
        return encode(kept)

    # --- tables

    def _compiled(self, type: str, subset: Subset, included: bool) -> Kept | None:
        elements = self._types[type].elements
        match subset.summary:
            case "true":
                return self._head() | self._summary(type, {})
            case "text":
                mandatory = [element for element in elements.values() if element.min]
                return self._head() | _whole(mandatory) | _whole(self._named(type, "text"))
            case "data":
                return self._head() | _whole(element for element in elements.values() if element.name != "text")
        typed = [self._typed(name) for name in subset.elements]
        paths = [path for of, path in typed if of == type or (of is None and not included)]
        return self._head() | self._listed(type, paths) if paths else None

    @staticmethod
    def _head() -> Kept:
        return dict.fromkeys(_HEAD)

    def _summary(self, type: str, made: dict[str, Kept]) -> Kept:
        """Return the table of what the definition of a type marks as summary.

        "This subset SHOULD consist solely of all supported elements that are marked as "summary" in the base
        definition": those, and, so that what stays is still a resource and cannot be misread, those that must be
        there and those that modify the meaning. The same inside what stays.
        """
        if type in made:
            return made[type]
        kept = made[type] = {}  # before it is filled: Parameters.parameter.part is of the same type again
        for element in self._marked(type):
            kept |= _whole([element])
            if self._loses(element.type, set()):
                kept[element.name] = self._summary(element.type, made)
        return kept

    def _marked(self, type: str) -> list[Element]:
        """Return the elements of a type that stay in its summary."""
        summary, modifiers = self._marks[type]
        # "Timing.repeat" is a part of a datatype, "Patient.contact" of a resource.
        of_value = _OF_VALUES if self._types[type.partition(".")[0]].kind == "complex" else ()
        names = {*summary, *modifiers, *of_value}
        return [each for each in self._types[type].elements.values() if each.name in names or each.min]

    def _loses(self, type: str, seen: set[str]) -> bool:
        """Tell whether a type has anything, however deep, that its summary leaves out: Attachment has its data."""
        own = self._types[type]
        if own.kind in ("primitive", "resource") or type in seen or type in ("Extension", "Narrative"):
            return False
        seen.add(type)
        marked = self._marked(type)
        return len(marked) < len(own.elements) or any(self._loses(each.type, seen) for each in marked)

    def _listed(self, type: str, paths: Sequence[tuple[str, ...]]) -> Kept:
        """Return the table of elements asked for by name, with those that must be there and those that modify.

        "Servers SHOULD always return mandatory elements whether they are requested or not."
        """
        _, modifiers = self._marks[type]
        elements = self._types[type].elements.values()
        kept = _whole(each for each in elements if each.min or each.name in modifiers)
        inside: dict[str, list[tuple[str, ...]]] = {}
        whole: list[Element] = []
        for first, *rest in paths:
            for element in self._named(type, first):
                if not rest:
                    whole.append(element)
                elif self._known(element.type, tuple(rest)):
                    inside.setdefault(element.name, []).append(tuple(rest))
        for name, further in inside.items():
            kept[name] = self._listed(self._types[type].elements[name].type, further)
        return kept | _whole(whole)

    # --- names

    def _typed(self, name: str) -> tuple[str | None, tuple[str, ...]]:
        """Return the resource type that a name begins with (None: none), and its path below that."""
        first, *rest = name.split(".")
        return (first, tuple(rest)) if rest and first in self._resources else (None, (first, *rest))

    def _named(self, type: str, name: str) -> list[Element]:
        """Return the elements of a type with this name: one, or for the base name of a choice one of each type."""
        names = self._names.get(type)
        if names is None:
            names = {}
            for element in self._types[type].elements.values():
                choice = element.definition
                for each in dict.fromkeys((element.name, choice, choice.removesuffix("[x]"))):
                    names.setdefault(each, []).append(element)
            self._names[type] = names
        return names.get(name, [])

    def _exists(self, type: str, path: tuple[str, ...]) -> bool:
        """Tell whether a type has this path; none leads into another resource or a primitive."""
        first, *rest = path
        if not rest:
            return bool(self._named(type, first)) or (first == _HEAD[0] and type in self._resources)
        return any(
            self._types[element.type].kind in ("complex", "backbone") and self._known(element.type, tuple(rest))
            for element in self._named(type, first)
        )


def _whole(elements: Iterable[Element]) -> Kept:
    """Return the table that keeps elements whole; a primitive's extensions stand beside it and go with it."""
    kept: Kept = {}
    for element in elements:
        kept[element.name] = None
        if element.primitive:
            kept["_" + element.name] = None
    return kept


def _cut(value: Any, table: Kept) -> Any:
    """Return what stays of a value. Of an object that nothing but an id would be left of all stays: R4 has no empty
    objects ("ele-1: All FHIR elements must have a @value or children")."""
    if isinstance(value, list):
        return [_cut(each, table) for each in value]
    if not isinstance(value, dict):
        return value
    kept = {
        name: each if (below := table[name]) is None else _cut(each, below)
        for name, each in value.items()
        if name in table
    }
    return kept if kept.keys() - {"id"} else value


def _tagged(meta: msgspec.Raw | None) -> Any:
    """Return the text or value of a meta with the tag SUBSETTED once."""
    found = {} if meta is None else decode(bytes(meta))
    if is_subset({"meta": found}):
        return meta
    return {**found, "tag": [*found.get("tag", ()), _TAG]}

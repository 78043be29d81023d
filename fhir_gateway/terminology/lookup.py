"""What there is to know of one code: its name, what it means, how it is called, where it stands.

Source: FHIR R4, CodeSystem, "$lookup", "$subsumes".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fhir_gateway.terminology.code_system import CodeSystem, Concept
from fhir_gateway.terminology.designations import Designation, preferred
from fhir_gateway.terminology.edition import Edition
from fhir_gateway.terminology.languages import Languages, tag_or_none

# "The properties that the client wishes to be returned … If no properties are specified, the server chooses what to
# return. The following properties are defined for all code systems: url, name, version …, code, display, definition,
# designation, parent, child, and lang.X".
_OWN = frozenset({"system", "name", "version", "display", "definition", "designation", "abstract"})

Outcome = Literal["equivalent", "subsumes", "subsumed-by", "not-subsumed"]


@dataclass(frozen=True, slots=True)
class Looked:
    """A concept looked up. `properties`: code, the value as an element (valueX), and the display of a coded value."""

    edition: Edition
    concept: Concept
    display: str | None
    definition: str | None
    abstract: bool
    designations: Sequence[Designation]
    properties: Sequence[tuple[str, Mapping[str, Any], str | None]]


def look_up(edition: Edition, concept: Concept, wanted: Sequence[str], languages: Languages | None) -> Looked:
    """Return what there is to know of a concept. `wanted`: names of properties; empty or "*" for all."""
    named = edition.designations(concept)
    chosen = preferred(named, languages) or preferred(named, None)
    is_all = not wanted or "*" in wanted
    spoken = [name.removeprefix("lang.") for name in wanted if name.startswith("lang.")]
    designations = named if is_all or "designation" in wanted else [each for each in named if _speaks(each, spoken)]
    return Looked(
        edition,
        concept,
        None if chosen is None else chosen.value,
        concept.definition if is_all or "definition" in wanted else None,
        edition.is_abstract(concept),
        designations,
        list(_properties(edition, concept, None if is_all else frozenset(wanted) - _OWN, languages)),
    )


def _speaks(each: Designation, spoken: Sequence[str]) -> bool:
    tag = each.tag
    wanted = [tag_or_none(text) for text in spoken]
    return tag is not None and any(one is not None and one.suits(tag, "language") for one in wanted)


def _properties(
    edition: Edition, concept: Concept, wanted: frozenset[str] | None, languages: Languages | None
) -> Iterator[tuple[str, Mapping[str, Any], str | None]]:
    stated: set[tuple[str, str]] = set()
    if (wanted is None or "inactive" in wanted) and not any(
        each.get("code") == "inactive" for each in edition.properties(concept)
    ):
        yield "inactive", {"valueBoolean": edition.is_inactive(concept)}, None
    for each in edition.properties(concept):
        code = str(each.get("code"))
        value = {key: one for key, one in each.items() if key.startswith("value")}
        if value and (wanted is None or code in wanted):
            plain = CodeSystem.value_of(each)
            if isinstance(plain, str):
                stated.add((code, plain))
            yield code, value, _called(edition, plain, languages) if "valueCode" in value else None
    for name, codes in (("parent", concept.parents), ("child", concept.children)):
        if wanted is None or name in wanted:
            for code in codes:
                if (name, code) not in stated:
                    yield name, {"valueCode": code}, _called(edition, code, languages)


def _called(edition: Edition, code: object, languages: Languages | None) -> str | None:
    concept = edition.concept(code) if isinstance(code, str) else None
    if concept is None:
        return None
    named = edition.designations(concept)
    chosen = preferred(named, languages) or preferred(named, None)
    return None if chosen is None else chosen.value


def subsumption(edition: Edition, one: str, other: str) -> Outcome | None:
    """Return how two codes of a system stand to each other; None where one of them is not known."""
    first, second = edition.concept(one), edition.concept(other)
    if first is None or second is None:
        return None
    if first.code == second.code:
        return "equivalent"
    if edition.system.subsumes(first.code, second.code):
        return "subsumes"
    return "subsumed-by" if edition.system.subsumes(second.code, first.code) else "not-subsumed"

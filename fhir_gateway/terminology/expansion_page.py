"""What an expansion comes to, and how its codes are laid out: as pages of a list or as a tree.

Source: FHIR R4, ValueSet.expansion; ValueSet, "$expand" (offset, count, excludeNested).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fhir_gateway.terminology.code_system import Concept
from fhir_gateway.terminology.composition import Composition, Listed
from fhir_gateway.terminology.edition import Edition
from fhir_gateway.terminology.wishes import Wishes


@dataclass(slots=True)
class Entry:
    """A code of an expansion. `listed`: what the value set says of it; `within`: the value set that lists it."""

    edition: Edition
    code: str
    listed: Listed | None = None
    within: Composition | None = None
    is_filtered: bool = False  # it came by a filter: in a tree it stands below its own parent only

    @property
    def concept(self) -> Concept:
        return self.edition.concept(self.code) or Concept(self.code, None, None)


@dataclass(slots=True)
class Expansion:
    """What an expansion comes to. `page`: the entries that are answered with, `children` of those in a tree."""

    composition: Composition
    wishes: Wishes
    page: list[Entry] = field(default_factory=list)
    children: dict[int, list[Entry]] = field(default_factory=dict)  # by identity of the entry above
    total: int = 0
    parameters: dict[tuple[str, Any], None] = field(default_factory=dict)
    with_versions: bool = False
    unclosed: list[str] = field(default_factory=list)  # reasons why it cannot be complete

    def tell(self, name: str, value: Any) -> None:
        self.parameters[name, value] = None


def choose_page(result: Expansion, found: list[Entry], is_page: bool, can_be_tree: bool) -> None:
    """Set the page of an expansion from all entries found. `is_page`: they are the page already."""
    count, offset = result.wishes.count, result.wishes.offset or 0
    if is_page:
        result.page = found
    elif can_be_tree and (count is None or count > len(found)) and not result.unclosed:
        result.page = _tree(result, found)
    else:
        result.page = found[offset : None if count is None else offset + count]


def _tree(result: Expansion, found: list[Entry]) -> list[Entry]:
    """Return the entries that stand below no other, and note those that do; all of them where one stands below two."""
    by_code = {(entry.edition.canonical, entry.code): entry for entry in found}
    above: list[Entry | None] = []
    for entry in found:
        parents = _above(entry, by_code)
        if len(parents) > 1:
            result.children.clear()
            return found
        above.append(parents[0] if parents else None)
    roots: list[Entry] = []
    for entry, parent in zip(found, above, strict=True):
        if parent is None:
            roots.append(entry)
        else:
            result.children.setdefault(id(parent), []).append(entry)
    return roots


def _above(entry: Entry, by_code: dict[tuple[str, str], Entry]) -> list[Entry]:
    """Return the entries that one stands directly below; those that are left out are passed over."""
    found: list[Entry] = []
    pending, seen = list(entry.concept.parents), {entry.code}
    while pending:
        code = pending.pop()
        if code in seen:
            continue
        seen.add(code)
        parent = by_code.get((entry.edition.canonical, code))
        if parent is not None:
            found.append(parent)
        elif not entry.is_filtered:
            concept = entry.edition.concept(code)
            pending += concept.parents if concept is not None else ()
    return found

"""Expansion: the codes of a value set, in order, as pages of a list or as a tree.

Codes are gathered first, as few as will do; what is told of each (displays, designations, properties) is looked up for
those that are on the page alone.

Source: FHIR R4, ValueSet, "Value Set Expansion", "$expand"; HL7, FHIR Terminology Ecosystem, "Requirements".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from fhir_gateway.fhir.outcome import NotFound, Unprocessable
from fhir_gateway.terminology import messages
from fhir_gateway.terminology.catalog import Catalog
from fhir_gateway.terminology.code_system import Concept
from fhir_gateway.terminology.composition import Composition, Listed, Part
from fhir_gateway.terminology.edition import Edition
from fhir_gateway.terminology.expansion_page import Entry, Expansion, choose_page
from fhir_gateway.terminology.matching import Matcher
from fhir_gateway.terminology.parts import check_filters, filter_unknown, in_order, of_composition
from fhir_gateway.terminology.resolution import Resolution
from fhir_gateway.terminology.statuses import warning
from fhir_gateway.terminology.system import Unsupported
from fhir_gateway.terminology.versions import matches
from fhir_gateway.terminology.wishes import Wishes

MOST = 1_000  # codes that are listed when no page is asked for
_MOST_FOUND = 1_000  # codes that a text may find
_DEEPEST = 20
_KEPT = 8_192  # answers of a catalog

Key = tuple[str, str | None, str]


def expand(catalog: Catalog, composition: Composition, wishes: Wishes) -> Expansion:
    """Return the expansion of a value set.

    Raises: FhirError: NotFound for what it builds on and is not here, Unprocessable for what cannot be listed or is
    too much, InvalidRequest for a filter or a version that makes no sense.
    """
    wishes = of_composition(composition, wishes, open=True)
    result = Expansion(composition, wishes)
    gathered = _gathered(catalog, composition, wishes)
    for name, value in wishes.told.items():
        for each in value if isinstance(value, tuple) else (value,):
            result.tell(name, each)
    result.parameters |= gathered.parameters
    result.with_versions, result.unclosed = gathered.with_versions, gathered.unclosed
    result.total = len(gathered.entries) if gathered.counted is None else gathered.counted
    choose_page(result, gathered.entries, gathered.counted is not None, gathered.can_be_tree and not wishes.offset)
    return result


@dataclass(frozen=True, slots=True)
class _Gathered:
    """All codes of a value set, and what is told of how they were found."""

    entries: list[Entry]
    counted: int | None
    can_be_tree: bool
    parameters: dict[tuple[str, Any], None]
    with_versions: bool
    unclosed: list[str]


def _gathered(catalog: Catalog, composition: Composition, wishes: Wishes) -> _Gathered:
    """Return the codes of a value set; those of a large one are kept for its next page."""
    is_kept = wishes.count is not None and catalog.keeps(composition)
    alike = replace(
        wishes, offset=None, count=None, include_designations=False, include_definition=False, designations=(),
        properties=(), exclude_nested=False,
    ) if is_kept else None  # fmt: skip
    known: _Gathered | None = catalog.answers.get((composition, alike)) if is_kept else None
    if known is None:
        known = _gather(catalog, composition, wishes)
        if is_kept and known.counted is None and len(known.entries) > MOST:
            catalog.keep((composition, alike), known, _KEPT)
    return replace(known, can_be_tree=known.can_be_tree and not wishes.exclude_nested)


def _gather(catalog: Catalog, composition: Composition, wishes: Wishes) -> _Gathered:
    supplements = wishes.supplements | frozenset(composition.supplements)
    resolution = Resolution(catalog, wishes.rules, supplements)
    result = Expansion(composition, wishes)
    gathering = _Gathering(resolution, composition, wishes, result)
    found = gathering.gathered()
    resolution.require_supplements()
    for each in resolution.used_supplements:
        result.tell("used-supplement", each)
    for rule in resolution.used_rules:
        name, value = rule.told
        if value != composition.canonical and rule.url != composition.url:
            result.tell(name, value)
    return _Gathered(
        list(found.values()),
        gathering.counted,
        gathering.can_be_tree,
        result.parameters,
        result.with_versions,
        result.unclosed,
    )


class _Gathering:
    """The walk through the parts of one value set. `counted`: how many codes there are, where not all were listed."""

    def __init__(
        self,
        resolution: Resolution,
        composition: Composition,
        wishes: Wishes,
        result: Expansion,
        path: tuple[str, ...] = (),
    ) -> None:
        self.resolution = resolution
        self.composition = composition
        self.wishes = wishes
        self.result = result
        self.path = (*path, composition.canonical)
        self.can_be_tree = True
        self.counted: int | None = None
        self.matcher = Matcher(wishes.text) if wishes.text else None
        self._entries: dict[Key, Entry] = {}
        self._excluded: set[Key] = set()
        self._excluded_systems: set[tuple[str, str | None]] = set()
        self._by_version = False
        self._excludes_all = True

    def gathered(self) -> dict[Key, Entry]:
        composition = self.composition
        warning(self.result.tell, composition.standing, self.result.composition.standing)
        if composition.is_locked:
            raise Unprocessable(messages.LOCKED_DATE.at(value_set=composition.canonical))
        if not composition.is_composed:
            return self._listed_expansion()
        self._compare_versions()
        for part in composition.excludes:
            self._exclude(part)
        for part in in_order(composition.includes):
            self._include(part)
        return self._entries

    # --- versions

    def _compare_versions(self) -> None:
        """Find out whether codes of several versions of a system are told apart."""
        stated: dict[str, str | None] = {}
        for part in (*self.composition.includes, *self.composition.excludes):
            if part.system is not None and stated.setdefault(part.system, part.version) != part.version:
                self._by_version = self.result.with_versions = True
        includes, excludes = self.composition.includes, self.composition.excludes
        if not includes or not excludes or "versionsMatch" in self.wishes.told:
            return
        # To exclude another version of the system than is included would mean nothing: its codes are meant.
        systems = {each.system for each in (*includes, *excludes)}
        all_stated = all(each.version is not None for each in (*includes, *excludes))
        if len(systems) == 1 and all_stated and not {e.version for e in includes} & {e.version for e in excludes}:
            self.wishes = replace(self.wishes, versions_match=True)
            self.result.tell("versionsMatch", True)
            self._excludes_all = False

    def _key(self, url: str, version: str | None, code: str) -> Key:
        return (url, version if self._by_version and not self.wishes.versions_match else None, code)

    # --- excludes

    def _exclude(self, part: Part) -> None:
        imported = self._imports(part)
        if part.system is None:
            self._excluded |= {(url, None, code) for url, code in _intersection(imported)}
            return
        edition = self._edition(part)
        if part.is_whole and not imported and self._excludes_all:
            self._excluded_systems.add((edition.url, part.version if self._by_version else None))
            return
        for entry in self._codes(part, edition):
            if all((edition.url, entry.code) in each for each in imported):
                self._excluded.add(self._key(edition.url, edition.version, entry.code))

    def _is_excluded(self, edition: Edition, code: str) -> bool:
        if not self._excluded and not self._excluded_systems and not self.wishes.exclude_systems:
            return False
        url, version = edition.url, edition.version
        if self._key(url, version, code) in self._excluded or (url, None, code) in self._excluded:
            return True
        if (url, None) in self._excluded_systems or (url, version) in self._excluded_systems:
            return True
        return any(_names(each, url, version) for each in self.wishes.exclude_systems)

    # --- includes

    def _include(self, part: Part) -> None:
        imported = self._imports(part)
        if imported or part.listed is not None or len(part.filters) > 1:
            self.can_be_tree = False
        if part.system is None:
            if imported:
                first = next(iter(imported))
                for (url, code), entry in first.items():
                    if all((url, code) in each for each in imported):
                        self._add(entry)
            return
        edition = self._edition(part)
        is_alone = not imported and part.listed is None and len(self.composition.includes) == 1
        if is_alone and self._needs_few(part, edition):
            return
        for entry in self._codes(part, edition):
            if all((edition.url, entry.code) in each for each in imported):
                self._add(entry)

    def _needs_few(self, part: Part, edition: Edition) -> bool:
        """List no more than the page, where codes need not be looked at to be counted; tell whether that was done."""
        wishes = self.wishes
        if wishes.text or wishes.active_only or wishes.exclude_not_for_ui or wishes.exclude_systems:
            return False
        if self.composition.is_active_only or self.composition.excludes or wishes.count is None or len(self.path) > 1:
            return False
        first = wishes.offset or 0
        end = first + wishes.count
        found = self._countable(part, edition)
        if found is None or found[0] < end:
            return False  # all of it, as a tree perhaps
        self.counted, codes = found
        page = codes[first:end] if isinstance(codes, Sequence) else islice(codes, first, end)
        for code in page:
            self._entries[(edition.url, None, code)] = Entry(edition, code, is_filtered=bool(part.filters))
        self.can_be_tree = False
        return True

    def _countable(self, part: Part, edition: Edition) -> tuple[int, Iterable[str]] | None:
        """Return the codes of a part and their number; None where that would take a walk through them."""
        if part.is_whole:
            try:
                return edition.system.count(), edition.system.codes()
            except Unsupported:
                raise Unprocessable(messages.NOT_ENUMERABLE.at(system=edition.url)) from None
        check_filters(part, edition)
        try:
            codes = edition.system.matching(part.filters)
        except Unsupported:
            raise filter_unknown(part) from None
        return (len(codes), codes) if isinstance(codes, Sequence) else None

    def _add(self, entry: Entry) -> None:
        edition = entry.edition
        if self._is_excluded(edition, entry.code):
            return
        if (self.composition.is_active_only or self.wishes.active_only) and edition.is_inactive(entry.concept):
            return
        key = self._key(edition.url, edition.version, entry.code)
        if key in self._entries:
            self.can_be_tree = False
            return
        self._entries[key] = entry
        if len(self._entries) > MOST and self.wishes.count is None and len(self.path) == 1:
            raise Unprocessable(messages.TOO_MANY_CODES.at(value_set=self.composition.canonical, limit=MOST))

    def _edition(self, part: Part) -> Edition:
        assert part.system is not None
        edition = self.resolution.system_to_expand(part.system, part.version)
        self.result.tell("used-codesystem", edition.canonical)
        warning(self.result.tell, edition.standing, self.result.composition.standing)
        if edition.content == "fragment":
            self.result.tell("used-fragment", edition.canonical)
        if not edition.complete:
            self.result.unclosed.append(f"This extension is based on a fragment of the code system {edition.url}")
        return edition

    def _codes(self, part: Part, edition: Edition) -> Iterator[Entry]:
        """Yield the codes of a part, those of imported value sets left aside."""
        if part.listed is not None:
            for listed in part.listed.values():
                concept = edition.concept(listed.code)
                if concept is not None and self._matches(edition, concept, listed):
                    yield Entry(edition, listed.code, listed, self.composition)
            return
        if part.filters:
            yield from self._filtered(part, edition)
            return
        if self.wishes.text:
            self.can_be_tree = False  # what fits best comes first
        try:
            codes = self._searched(edition) if self.wishes.text else edition.system.codes()
        except Unsupported:
            raise Unprocessable(messages.NOT_ENUMERABLE.at(system=edition.url)) from None
        for code in codes:
            if self.wishes.exclude_not_for_ui and edition.is_abstract(Entry(edition, code).concept):
                continue
            yield Entry(edition, code)

    def _searched(self, edition: Edition) -> Iterator[str]:
        wanted = self.wishes.wanted
        named = None if wanted is None or wanted.wanted[0].tag is None else wanted.wanted[0].tag.language
        return (each.code for each in edition.search(self.wishes.text or "", named, _MOST_FOUND))

    def _filtered(self, part: Part, edition: Edition) -> Iterator[Entry]:
        check_filters(part, edition)
        try:
            if self.matcher is None:
                yield from (Entry(edition, code, is_filtered=True) for code in edition.system.matching(part.filters))
            else:
                for code in self._searched(edition):
                    if edition.system.holds(code, part.filters):
                        yield Entry(edition, code, is_filtered=True)
        except Unsupported:
            raise filter_unknown(part) from None

    def _matches(self, edition: Edition, concept: Concept, listed: Listed) -> bool:
        if self.matcher is None:
            return True
        named = [each.value for each in edition.designations(concept)]
        return self.matcher.finds(concept.code, *named, *((listed.display,) if listed.display else ()))

    # --- imports

    def _imports(self, part: Part) -> list[dict[tuple[str, str], Entry]]:
        return [self._imported(each) for each in part.sets]

    def _imported(self, canonical: str) -> dict[tuple[str, str], Entry]:
        url, version = self.resolution.pinned(canonical)
        found = self.resolution.value_set(url, version, self.composition)
        if found is None:
            if version is None:
                raise NotFound(messages.IMPORT_UNKNOWN.at(value_set=url))
            raise NotFound(messages.IMPORT_UNKNOWN_PINNED.at(value_set=url, version=version))
        if found.canonical in self.path or len(self.path) > _DEEPEST:
            raise Unprocessable(messages.CIRCULAR.at(value_set=found.canonical, pathway=", ".join(self.path)))
        if canonical not in self.composition.contained:
            self.result.tell("used-valueset", found.canonical)
        inner = replace(self.wishes, offset=None, count=None)
        walk = _Gathering(self.resolution, found, inner, self.result, self.path)
        entries = walk.gathered()
        return {(entry.edition.url, entry.code): entry for entry in entries.values()}

    def _listed_expansion(self) -> dict[Key, Entry]:
        """Return the codes of a value set that comes as an expansion only."""
        pending = list(reversed((self.composition.expansion or {}).get("contains", ())))
        while pending:
            each = pending.pop()
            if "code" in each and "system" in each and each.get("abstract") is not True:
                edition = self.resolution.system_to_expand(each["system"], each.get("version"))
                self._add(Entry(edition, each["code"]))
            pending += reversed(each.get("contains", ()))
        return self._entries


def _intersection(imported: Sequence[dict[tuple[str, str], Entry]]) -> set[tuple[str, str]]:
    return set.intersection(*(set(each) for each in imported)) if imported else set()


def _names(canonical: str, url: str, version: str | None) -> bool:
    own, _, wanted = canonical.partition("|")
    return own == url and (not wanted or (version is not None and matches(wanted, version)))

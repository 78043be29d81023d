"""Where code systems, value sets and maps are found: layers, the nearest first, then the systems that are loaded.

A layer that has anything of a url decides: what came with a request hides what is stored, and that what is shipped. Of
several versions in it the latest is taken, unless one is asked for.

Source: FHIR R4, "Using Codes", "Identifying Value Sets and Code Systems"; HL7, FHIR Terminology Ecosystem.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol

from fhir_gateway.terminology.algorithmic import algorithmic
from fhir_gateway.terminology.code_system import CodeSystem
from fhir_gateway.terminology.composition import Composition
from fhir_gateway.terminology.edition import Edition
from fhir_gateway.terminology.grammars import GRAMMARS
from fhir_gateway.terminology.system import Systems
from fhir_gateway.terminology.versions import chosen, order

Kind = Literal["CodeSystem", "ValueSet", "ConceptMap"]
Resource = Mapping[str, Any]

# A definition of these contents has no codes of its own: what is loaded, or lies in a farther layer, comes before it.
_EMPTY = frozenset({"not-present", "supplement"})
_SNOMED = "http://snomed.info/sct"
_LOINC_SETS = "http://loinc.org/vs"


class Shelf(Protocol):
    """One layer. `extends`: its supplements are laid over systems without being asked for."""

    extends: bool

    def all(self, kind: Kind, url: str) -> Sequence[Resource]:
        """Return every version of a resource."""
        ...

    def every(self, kind: Kind) -> Iterator[Resource]:
        """Yield all resources of a kind."""
        ...

    def heads(self) -> Iterator[Resource]:
        """Yield all code systems, with or without their concepts: url, version, content, supplements, valueSet."""
        ...


class Given:
    """A layer of the resources that it is given."""

    def __init__(self, resources: Iterable[Resource] = (), extends: bool = False) -> None:
        self.extends = extends
        self._by_url: dict[tuple[str, str], list[Resource]] = {}
        for each in resources:
            self._by_url.setdefault((each["resourceType"], each.get("url", "")), []).append(each)

    def all(self, kind: Kind, url: str) -> Sequence[Resource]:
        return self._by_url.get((kind, url), ())

    def every(self, kind: Kind) -> Iterator[Resource]:
        for (of, _), found in self._by_url.items():
            if of == kind:
                yield from found

    def heads(self) -> Iterator[Resource]:
        return self.every("CodeSystem")


class Catalog:
    """A layer over those below it; what it is asked for is made ready once. Safe for any number of threads."""

    def __init__(self, shelf: Shelf, below: Catalog | None = None, systems: Systems | None = None) -> None:
        self.shelf = shelf
        self.below = below
        self._loaded = systems
        self._systems: dict[str, tuple[CodeSystem, ...]] = {}
        self._sets: dict[str, tuple[Composition, ...]] = {}
        self._editions: dict[tuple[str, str | None, frozenset[str]], Edition | None] = {}
        self._supplementing: dict[str, list[CodeSystem]] | None = None
        self._set_of: dict[str, tuple[str, str | None]] | None = None
        self.is_lasting = True
        self.answers: dict[object, Any] = {}  # what was worked out about value sets that are here themselves

    def above(self, systems: Systems) -> Catalog:
        """Return the same layers with systems that are loaded below them."""
        below = None if self.below is None else self.below.above(systems)
        return Catalog(self.shelf, below, systems if below is None else self._loaded)

    def over(self, resources: Sequence[Resource]) -> Catalog:
        """Return the same with resources that a request brings; itself where it brings none."""
        if not resources:
            return self
        made = Catalog(Given(resources), self)
        made.is_lasting = False
        return made

    def keeps(self, composition: Composition) -> bool:
        """Tell whether answers about a value set may be kept: it and all it builds on stay as long as this does."""
        return self.is_lasting and bool(composition.url) and self._known(composition)

    def _known(self, composition: Composition) -> bool:
        at: Catalog | None = self
        while at is not None:
            found = at._sets.get(composition.url)
            if found:
                return any(each is composition for each in found)
            at = at.below
        return False

    def keep(self, key: object, answer: Any, most: int) -> None:
        """Keep an answer, and let go of all when there are `most`."""
        if len(self.answers) >= most:
            self.answers.clear()
        self.answers[key] = answer

    # --- code systems

    def own_systems(self, url: str) -> tuple[CodeSystem, ...]:
        """Return the versions of a code system that this layer itself has."""
        found = self._systems.get(url)
        if found is None:
            found = self._systems[url] = tuple(CodeSystem(each) for each in self.shelf.all("CodeSystem", url))
        return found

    def versions(self, url: str) -> list[str]:
        """Return the versions of a code system that there are, in order, whatever their content."""
        found: set[str] = set()
        at: Catalog | None = self
        while at is not None:
            found |= {each.version for each in at.own_systems(url) if each.version is not None}
            if at._loaded is not None:
                versions = (each.partition("|") for each in at._loaded.canonicals())
                found |= {version for own, _, version in versions if own == url and version}
            at = at.below
        return sorted(found, key=order)

    def system(self, url: str, version: str | None = None, kinds: frozenset[str] | None = None) -> Edition | None:
        """Return a code system without further supplements. `kinds`: the contents it may have, None for any."""
        return self.edition(url, version, frozenset(), kinds)

    def edition(
        self, url: str, version: str | None, supplements: frozenset[str], kinds: frozenset[str] | None = None
    ) -> Edition | None:
        """Return a code system with the supplements that are asked for (as far as they are here), and those shipped.

        `version` may leave parts open. None: there is none, or none of these contents.
        """
        key = (url, version, supplements)
        if key not in self._editions:
            self._editions[key] = self._made(url, version, supplements)
        found = self._editions[key]
        return found if found is None or kinds is None or found.content in kinds else None

    def _made(self, url: str, version: str | None, supplements: frozenset[str]) -> Edition | None:
        own = self.own_systems(url)
        versions = chosen(version, {one.version for one in own})
        found = [next(one for one in own if one.version == each) for each in versions]
        for each in found:
            if each.content not in _EMPTY:
                return Edition(each, self._supplements_of(url, each.version, supplements))
        loaded = None if self._loaded is None else self._loaded.system(url if version is None else f"{url}|{version}")
        if loaded is not None:
            return Edition(loaded, self._supplements_of(url, loaded.version, supplements))
        if self.below is not None:
            lower = self.below.edition(url, version, supplements)
            if lower is not None and (lower.content not in _EMPTY or not found):
                extra = self._own_supplements(url, lower.version, supplements)
                return Edition(lower.system, (*lower.supplements, *extra)) if extra else lower
        elif url in GRAMMARS and not version:
            return Edition(algorithmic(url))
        return Edition(found[0]) if found else None

    def _supplements_of(self, url: str, version: str | None, asked: frozenset[str]) -> list[CodeSystem]:
        found: list[CodeSystem] = []
        at: Catalog | None = self
        while at is not None:
            found += at._own_supplements(url, version, asked)
            at = at.below
        return found

    def _own_supplements(self, url: str, version: str | None, asked: frozenset[str]) -> list[CodeSystem]:
        if self._supplementing is None:
            made: dict[str, list[CodeSystem]] = {}
            for each in self.shelf.heads():
                if isinstance(each.get("supplements"), str):
                    found = [one for one in self.own_systems(each["url"]) if one.version == each.get("version")]
                    made.setdefault(each["supplements"].partition("|")[0], []).extend(found)
            self._supplementing = made
        return [
            each
            for each in self._supplementing.get(url, ())
            if (self.shelf.extends or each.url in asked or each.canonical in asked) and _is_for(each, version)
        ]

    def supplement(self, canonical: str) -> CodeSystem | None:
        """Return a supplement by url or "url|version"."""
        url, _, version = canonical.partition("|")
        at: Catalog | None = self
        while at is not None:
            for each in at.own_systems(url):
                if each.supplements is not None and version in ("", each.version):
                    return each
            at = at.below
        return None

    def is_algorithmic(self, url: str) -> bool:
        """Tell whether the codes of a system follow a grammar."""
        return url in GRAMMARS

    # --- value sets

    def own_sets(self, url: str) -> tuple[Composition, ...]:
        found = self._sets.get(url)
        if found is None:
            found = self._sets[url] = tuple(Composition(each) for each in self.shelf.all("ValueSet", url))
        return found

    def value_set(self, url: str, version: str | None = None) -> Composition | None:
        """Return a value set, or the one of all codes of a system that its url stands for."""
        at: Catalog | None = self
        while at is not None:
            own = at.own_sets(url)
            for each in chosen(version, {one.version for one in own}):
                return next(one for one in own if one.version == each)
            at = at.below
        return self._implicit(url, version)

    def _implicit(self, url: str, version: str | None) -> Composition | None:
        """Return the value set of all codes of a system, where a system has this url for it.

        Source: FHIR R4, CodeSystem.valueSet; "Using Codes", "Implicit Code Systems and Value Sets"; "Using SNOMED CT
        with FHIR", "Implicit Value Sets".
        """
        of = self._system_of(url)
        if of is None:
            base, mark, query = url.partition("?")
            if mark and query == "vs" and (self.system(base) is not None or base in GRAMMARS):
                of = (base, None)
            elif mark and base.startswith(_SNOMED) and query.startswith("fhir_vs"):
                return _of_snomed(url, base, query)
            elif url == _LOINC_SETS and self.system("http://loinc.org") is not None:
                of = ("http://loinc.org", None)
        if of is None or (version is not None and version != of[1]):
            return None
        include = {"system": of[0], **({"version": of[1]} if of[1] else {})}
        stated = {"version": of[1]} if of[1] else {}
        return Composition({"url": url, **stated, "status": "active", "compose": {"include": [include]}})

    def _system_of(self, url: str) -> tuple[str, str | None] | None:
        """Return the system whose set of all codes has this url."""
        if self._set_of is None:
            found: dict[str, tuple[str, str | None]] = {}
            for each in self.shelf.heads():
                if isinstance(each.get("valueSet"), str) and "supplements" not in each:
                    found[each["valueSet"].partition("|")[0]] = (each.get("url", ""), each.get("version"))
            for canonical in self._loaded.canonicals() if self._loaded is not None else ():
                loaded = self._loaded.system(canonical) if self._loaded is not None else None
                if loaded is not None and loaded.value_set is not None:
                    found[loaded.value_set.partition("|")[0]] = (loaded.url, None)
            self._set_of = found
        own = self._set_of.get(url)
        return own if own is not None or self.below is None else self.below._system_of(url)

    # --- maps

    def maps(self) -> Iterator[Resource]:
        """Yield all concept maps, the nearest first; of one url those of the nearest layer only."""
        seen: set[str] = set()
        at: Catalog | None = self
        while at is not None:
            here: set[str] = set()
            for each in at.shelf.every("ConceptMap"):
                url = each.get("url", "")
                if not url or url not in seen:
                    here.add(url)
                    yield each
            seen |= here
            at = at.below

    def concept_map(self, url: str, version: str | None = None) -> Resource | None:
        at: Catalog | None = self
        while at is not None:
            own = at.shelf.all("ConceptMap", url)
            for each in chosen(version, {one.get("version") for one in own}):
                return next(one for one in own if one.get("version") == each)
            at = at.below
        return None

    def every_system(self) -> Iterator[tuple[str, str | None]]:
        """Yield url and version of every code system that is here, in order; none twice."""
        found: set[tuple[str, str | None]] = set()
        at: Catalog | None = self
        while at is not None:
            for each in at.shelf.heads():
                if each.get("url") and "supplements" not in each and each.get("content") != "supplement":
                    found.add((each["url"], each.get("version")))
            for canonical in at._loaded.canonicals() if at._loaded is not None else ():
                url, _, version = canonical.partition("|")
                found.add((url, version or None))
            at = at.below
        yield from sorted(found, key=lambda each: (each[0], order(each[1])))


def _is_for(supplement: CodeSystem, version: str | None) -> bool:
    """Tell whether a supplement is for this version of its system."""
    wanted = (supplement.supplements or "").partition("|")[2]
    return not wanted or version is None or wanted == version


def _of_snomed(url: str, base: str, query: str) -> Composition | None:
    """Return the implicit value set of SNOMED CT: all codes, or those below one (fhir_vs=isa/…)."""
    _, _, kind = query.partition("=")
    edition = {"version": base} if base != _SNOMED else {}
    include: dict[str, Any] = {"system": _SNOMED, **edition}
    if kind.startswith("isa/"):
        include["filter"] = [{"property": "concept", "op": "is-a", "value": kind.removeprefix("isa/")}]
    elif kind.startswith("refset/"):
        include["filter"] = [{"property": "concept", "op": "in", "value": kind.removeprefix("refset/")}]
    elif kind:
        return None
    return Composition({"url": url, "status": "active", "compose": {"include": [include]}})

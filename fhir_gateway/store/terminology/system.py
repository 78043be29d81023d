"""A code system whose concepts lie in tables, read when they are asked for; the last ones are remembered.

Supplements are laid over: their displays, names and properties are among those of the concept.

Source: FHIR R4, CodeSystem; "Code System Supplements"; ValueSet.compose.include.filter.
"""

from __future__ import annotations

import threading
from array import array
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, overload

import msgspec

from fhir_gateway.store.contract import Read, Store
from fhir_gateway.store.terminology.loaded import Loaded, first_id
from fhir_gateway.terminology import regular_expressions
from fhir_gateway.terminology.code_system import CodeSystem, Concept
from fhir_gateway.terminology.spans import Spans, all_of
from fhir_gateway.terminology.system import Filter, Found, Unsupported
from fhir_gateway.terminology.words.index import Named
from fhir_gateway.terminology.words.search import search

REMEMBERED = 8_192  # concepts, and spans, of one system
_RANGES = 3  # spans read one by one
_AT_ONCE = 400  # codes, and values of one statement
_MOST_VALUES = 50_000  # different values of a property that a regular expression is tested with

_SNOMED = "http://snomed.info/sct"
_USES = {
    "synonym": ("900000000000013009", "Synonym"),
    "short": ("900000000000013009", "Synonym"),
    "fully-specified": ("900000000000003001", "Fully specified name"),
    "definition": ("900000000000550004", "Definition"),
}
_VALUES = {
    "code": "valueCode",
    "string": "valueString",
    "boolean": "valueBoolean",
    "integer": "valueInteger",
    "decimal": "valueDecimal",
    "dateTime": "valueDateTime",
    "Coding": "valueCoding",
}
_CONCEPTS = "SELECT cid, code, last, detail, children FROM term_concept WHERE system = ?"
_CODE = f"{_CONCEPTS} AND code_key = ?"


class _Row:
    """A concept as its row tells it."""

    __slots__ = ("concept", "last", "number")

    def __init__(self, number: int, last: int, concept: Concept) -> None:
        self.number = number
        self.last = last
        self.concept = concept


class Codes(Sequence[str]):
    """Codes by number, read as they are gone through, or one page of them."""

    def __init__(self, system: LoadedSystem, spans: Spans) -> None:
        self._system = system
        self.spans = spans
        self._next: Iterator[str] | None = None

    def __len__(self) -> int:
        return len(self.spans)

    def __iter__(self) -> Iterator[str]:
        return self._system.codes_of(self.spans)

    def __next__(self) -> str:
        if self._next is None:
            self._next = iter(self)
        return next(self._next)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> list[str]: ...
    def __getitem__(self, at: int | slice) -> str | list[str]:
        size = len(self)
        if isinstance(at, int):
            if not -size <= at < size:
                raise IndexError(at)
            return next(self._system.codes_of(self.spans.sliced(at % size, 1)))
        first, end, step = at.indices(size)
        page = self._system.codes_of(self.spans.sliced(first, max(0, end - first)))
        return list(page)[::step] if step > 0 else list(self)[at]


class LoadedSystem(CodeSystem):
    """One version of a loaded code system; safe for any number of threads. `concepts` is empty here: ask `concept`."""

    def __init__(
        self, store: Store, loaded: Loaded, head: Mapping[str, Any], supplements: Sequence[LoadedSystem] = ()
    ) -> None:
        described = {key: value for key, value in head.items() if value is not None}
        described.pop("copyright", None)
        supplement = {"supplements": loaded.supplements} if loaded.supplements else {}
        super().__init__({"url": loaded.url, "version": loaded.version, "status": "active", **described, **supplement})
        self.copyright: str | None = head.get("copyright")
        self.system = loaded.system
        self._count = loaded.concepts
        self._store = store
        self._over = tuple(supplements)
        self.index = TableIndex(store, loaded.system, loaded.names)
        self._rows: OrderedDict[str, _Row | None] = OrderedDict()
        self._spans: OrderedDict[int, Spans] = OrderedDict()
        self._answers: dict[tuple[Filter, ...], Spans] = {}
        self._changing = threading.Lock()

    @property
    def supplements_applied(self) -> tuple[str, ...]:
        """The canonicals of the supplements that are laid over."""
        return tuple(each.canonical for each in self._over)

    # --- concepts

    def count(self) -> int:
        return self._count

    def concept(self, code: str) -> Concept | None:
        """Return the concept of a code, with what supplements add to it."""
        row = self._row(code)
        return None if row is None else row.concept

    def _key(self, code: str) -> str:
        return code if self.case_sensitive else code.casefold()

    def _row(self, code: str) -> _Row | None:
        key = self._key(code)
        rows = self._rows
        if key in rows:
            return rows[key]
        if "\x00" in key:
            return None
        with self._store.read(feed=False) as view:
            found = view.rows(_CODE, (self.system, key))
            made = self._made(view, found)
        row = made.get(key)
        self._remember(rows, key, row)
        return row

    def _remember(self, memory: OrderedDict[Any, Any], key: Any, value: Any) -> None:
        with self._changing:
            memory[key] = value
            while len(memory) > REMEMBERED:
                memory.popitem(last=False)

    def rows_of(self, codes: Iterable[str]) -> dict[str, Concept]:
        """Return the concepts of many codes, those that there are, with a statement for some hundred."""
        keys = list(dict.fromkeys(map(self._key, codes)))
        found = {key: row.concept for key in keys if (row := self._rows.get(key)) is not None}
        wanted = [key for key in keys if key not in self._rows]
        for first in range(0, len(wanted), _AT_ONCE):
            part = wanted[first : first + _AT_ONCE]
            marks = ", ".join("?" * len(part))
            with self._store.read(feed=False) as view:
                made = self._made(view, view.rows(f"{_CONCEPTS} AND code_key IN ({marks})", (self.system, *part)))
            for key, row in made.items():
                self._remember(self._rows, key, row)
                found[key] = row.concept
        return found

    def _made(self, view: Read, rows: Sequence[tuple[Any, ...]]) -> dict[str, _Row]:
        made: dict[str, _Row] = {}
        base = first_id(self.system)
        for cid, code, last, detail, children in rows:
            concept = _concept(code, bytes(detail), bytes(children))
            made[self._key(code)] = _Row(cid - base, last, concept)
        for supplement in self._over:
            for key, row in made.items():
                added = view.rows(_CODE, (supplement.system, supplement._key(key)))
                if added:
                    extra = _concept(key, bytes(added[0][3]), b"")
                    _lay_over(row.concept, extra, supplement.language)
        return made

    def codes(self) -> Codes:
        """Return all codes, in the order of the hierarchy."""
        return Codes(self, all_of(self._count))

    def codes_of(self, spans: Spans) -> Iterator[str]:
        """Yield the codes of numbers."""
        for part in spans.parts(_AT_ONCE):
            pairs = list(part.pairs)
            if len(pairs) > _RANGES:
                # Many short spans: one look-up list costs less than as many statements.
                codes = self.codes_by_number(part)
                yield from (codes[number] for number in part if number in codes)
                continue
            for first, last in pairs:
                yield from self._codes_between(first, last)

    def _codes_between(self, first: int, last: int) -> list[str]:
        base = first_id(self.system)
        statement = "SELECT code FROM term_concept WHERE cid >= ? AND cid <= ? ORDER BY cid"
        with self._store.read(feed=False) as view:
            return [code for (code,) in view.rows(statement, (base + first, base + last))]

    # --- hierarchy

    def roots(self) -> Iterator[str]:
        """Yield the codes that stand below no other."""
        at = 0
        base = first_id(self.system)
        while at < self._count:
            with self._store.read(feed=False) as view:
                # Subtrees follow each other: after the last of one the next one begins.
                rows = view.rows("SELECT code, last FROM term_concept WHERE cid = ?", (base + at,))
            if not rows:
                return
            yield rows[0][0]
            at = rows[0][1] + 1

    def below(self, code: str) -> Spans | None:
        """Return the numbers of a concept and of all below it; None where it is not known."""
        row = self._row(code)
        if row is None:
            return None
        known = self._spans.get(row.number)
        if known is None:
            known = Spans.of([(row.number, row.last)])
            if row.concept.children:
                with self._store.read(feed=False) as view:
                    statement = "SELECT more FROM term_concept WHERE cid = ?"
                    more = bytes(view.rows(statement, (first_id(self.system) + row.number,))[0][0])
                if more:
                    known = Spans.unpacked(more)
            self._remember(self._spans, row.number, known)
        return known

    def _above(self, code: str) -> dict[str, _Row]:
        """Return a concept and all above it, by key."""
        start = self._row(code)
        found: dict[str, _Row] = {} if start is None else {self._key(code): start}
        pending = [] if start is None else list(start.concept.parents)
        while pending:
            wanted = [each for each in dict.fromkeys(pending) if self._key(each) not in found]
            self.rows_of(wanted)
            pending = []
            for each in wanted:
                row = self._row(each)
                if row is not None:
                    found[self._key(each)] = row
                    pending += row.concept.parents
        return found

    def descendants(self, code: str) -> Codes:
        """Return the codes below a code, each once."""
        spans = self.below(code)
        row = self._row(code)
        if spans is None or row is None:
            return Codes(self, Spans.of(()))
        return Codes(self, spans - Spans.of([(row.number, row.number)]))

    def ancestors(self, code: str) -> Iterator[str]:
        """Yield the codes above a code, each once, the nearest first."""
        rows = iter(self._above(code).values())
        next(rows, None)
        return (row.concept.code for row in rows)

    def subsumes(self, above: str, below: str) -> bool | None:
        """Return whether a code is another or stands above it; None where one of them is not known."""
        spans, row = self.below(above), self._row(below)
        return None if spans is None or row is None else row.number in spans

    # --- filters

    def matching(self, filters: Sequence[Filter]) -> Codes:
        """Return the codes that pass all filters, in the order of the hierarchy. Raises: Unsupported."""
        return Codes(self, self.passing(filters))

    def holds(self, code: str, filters: Sequence[Filter]) -> bool:
        """Tell whether one code passes all filters. Raises: Unsupported."""
        row = self._row(code)
        return row is not None and row.number in self.passing(filters)

    def passing(self, filters: Sequence[Filter]) -> Spans:
        """Return the numbers of the concepts that pass all filters. Raises: Unsupported."""
        key = tuple(filters)
        known = self._answers.get(key)
        if known is None:
            known = self._passing(key[0]) if key else all_of(self._count)
            for each in key[1:]:
                known = known & self._passing(each)
            with self._changing:
                if len(self._answers) >= 256:
                    self._answers.clear()
                self._answers[key] = known
        return known

    def _passing(self, filter: Filter) -> Spans:
        name, value = filter.property, filter.value
        match filter.op:
            case "is-a":
                return self.below(value) or _NONE
            case "descendent-of":
                return (self.below(value) or _NONE) - self._only(value)
            case "is-not-a":
                return all_of(self._count) - (self.below(value) or _NONE)
            case "generalizes":
                return Spans.numbers(row.number for row in self._above(value).values())
            case "child-of":
                return self._children(value)
            case "descendent-leaf":
                return self._leaves(value)
            case "=":
                return self._having(name, [value])
            case "in":
                return self._having(name, _listed(value))
            case "not-in":
                return all_of(self._count) - self._having(name, _listed(value))
            case "exists":
                some = self._with(name, lambda content: True)
                return some if value == "true" else all_of(self._count) - some
            case "regex":
                matches = regular_expressions.whole(value)
                if matches is None:
                    raise Unsupported(value)
                if name in ("code", "concept"):
                    return self._by_code(matches)
                return self._with(name, matches)
        raise Unsupported(filter.op)

    def _only(self, code: str) -> Spans:
        row = self._row(code)
        return _NONE if row is None else Spans.of([(row.number, row.number)])

    def _children(self, code: str) -> Spans:
        row = self._row(code)
        if row is None:
            return _NONE
        self.rows_of(row.concept.children)
        below = [self._row(each) for each in row.concept.children]
        return Spans.numbers(each.number for each in below if each is not None)

    def _leaves(self, code: str) -> Spans:
        spans = (self.below(code) or _NONE) - self._only(code)
        base = first_id(self.system)
        found: list[int] = []
        with self._store.read(feed=False) as view:
            for first, last in spans.pairs:
                statement = "SELECT cid FROM term_concept WHERE cid >= ? AND cid <= ? AND length(children) = 0"
                found += [row[0] - base for row in view.rows(statement, (base + first, base + last))]
        return Spans.numbers(found)

    def _having(self, name: str, contents: Sequence[str]) -> Spans:
        """Return the concepts whose property has one of these values."""
        if name in ("code", "concept"):
            rows = [self._row(each) for each in contents]
            return Spans.numbers(row.number for row in rows if row is not None)
        if name == "parent":
            return _union(self._children(each) for each in contents)
        if name == "child":
            above = (self.concept(each) for each in contents)
            return Spans.numbers(
                row.number
                for each in above
                if each is not None
                for parent in each.parents
                if (row := self._row(parent)) is not None
            )
        if name == "display":
            raise Unsupported(name)
        code = self._property(name)
        if code == "inactive" and "false" in contents:
            rest = all_of(self._count) - self._having(name, ["true"])
            return rest if "true" not in contents else all_of(self._count)
        return _union(self._content(code, content) for content in contents)

    def _property(self, name: str) -> str:
        """Return the code of a property that is named by its code or uri."""
        return next((code for code, uri in self._uris.items() if uri == name), name)

    def _content(self, code: str, content: str) -> Spans:
        if "\x00" in code or "\x00" in content:
            return _NONE
        with self._store.read(feed=False) as view:
            statement = "SELECT concepts FROM term_property WHERE system = ? AND property = ? AND content = ?"
            rows = view.rows(statement, (self.system, code, content))
        return Spans.unpacked(bytes(rows[0][0])) if rows else _NONE

    def _with(self, name: str, passes: Any) -> Spans:
        """Return the concepts that have a value of a property that passes a test."""
        if name in ("code", "concept"):
            return all_of(self._count)
        if name in ("display", "child", "parent"):
            raise Unsupported(name)
        with self._store.read(feed=False) as view:
            statement = "SELECT content, concepts FROM term_property WHERE system = ? AND property = ? LIMIT ?"
            rows = view.rows(statement, (self.system, self._property(name), _MOST_VALUES + 1))
        if len(rows) > _MOST_VALUES:
            raise Unsupported(name)
        return _union(Spans.unpacked(bytes(concepts)) for content, concepts in rows if passes(content))

    def _by_code(self, matches: Any) -> Spans:
        return Spans.numbers(number for number, code in enumerate(self.codes()) if matches(code))

    # --- words

    def search(self, text: str, language: str | None, limit: int) -> list[Found]:
        """Return up to `limit` concepts that are called by these words, or have this code, best first."""
        layers = (self, *self._over)
        # A name in a language of a supplement and one in the system's own may be of the same concept.
        hits = search([layer.index for layer in layers], text, language, limit * (2 if self._over else 1))
        found: dict[str, int] = {}
        exact = self.concept(text.strip()) if " " not in text.strip() else None
        if exact is not None:
            found[exact.code] = 0
        codes = {
            (number, concept): code
            for number, layer in enumerate(layers)
            for concept, code in layer.codes_by_number({hit.concept for hit in hits if hit.layer == number}).items()
        }
        there = self.rows_of({codes[hit.layer, hit.concept] for hit in hits if hit.layer}) if self._over else {}
        for hit in hits:
            code = codes[hit.layer, hit.concept]
            if hit.layer and self._key(code) not in there:
                continue  # a supplement may know more than this version
            if code not in found:
                found[code] = hit.rank
        return [Found(code, rank) for code, rank in list(found.items())[:limit]]

    def codes_by_number(self, numbers: Iterable[int]) -> dict[int, str]:
        """Return the codes of these numbers."""
        base = first_id(self.system)
        wanted = sorted(numbers)
        found: dict[int, str] = {}
        for first in range(0, len(wanted), _AT_ONCE):
            part = [base + number for number in wanted[first : first + _AT_ONCE]]
            marks = ", ".join("?" * len(part))
            with self._store.read(feed=False) as view:
                for cid, code in view.rows(f"SELECT cid, code FROM term_concept WHERE cid IN ({marks})", part):
                    found[cid - base] = code
        return found


class TableIndex:
    """The words of one system in tables."""

    def __init__(self, store: Store, system: int, count: int) -> None:
        self._store = store
        self._system = system
        self.count = count
        self._vocabulary: str | None = None

    def beginning(self, start: str) -> list[str]:
        """See WordIndex."""
        with self._store.read(feed=False) as view:
            statement = "SELECT word FROM term_word WHERE system = ? AND word >= ? AND word < ? ORDER BY word"
            return [word for (word,) in view.rows(statement, (self._system, start, start + "\U0010ffff"))]

    def having(self, found: Sequence[str]) -> list[array[int]]:
        """See WordIndex."""
        numbers: list[array[int]] = []
        for first in range(0, len(found), _AT_ONCE):
            part = found[first : first + _AT_ONCE]
            marks = ", ".join("?" * len(part))
            with self._store.read(feed=False) as view:
                statement = f"SELECT names FROM term_word WHERE system = ? AND word IN ({marks})"
                numbers += [array("I", bytes(names)) for (names,) in view.rows(statement, (self._system, *part))]
        return numbers

    def names(self, numbers: Sequence[int]) -> list[Named]:
        """See WordIndex."""
        base = first_id(self._system)
        found: list[Named] = []
        for first in range(0, len(numbers), _AT_ONCE):
            part = [base + number for number in numbers[first : first + _AT_ONCE]]
            marks = ", ".join("?" * len(part))
            with self._store.read(feed=False) as view:
                statement = f"SELECT concept, words, language, flags FROM term_name WHERE nid IN ({marks})"
                found += [
                    Named(concept, words, language, bool(flags & 1), bool(flags & 2))
                    for concept, words, language, flags in view.rows(statement, part)
                ]
        return found

    def vocabulary(self) -> str:
        """See WordIndex."""
        if self._vocabulary is None:
            with self._store.read(feed=False) as view:
                rows = view.rows("SELECT vocabulary FROM term_system WHERE system = ?", (self._system,))
            self._vocabulary = bytes(rows[0][0]).decode() if rows else "\n"
        return self._vocabulary


_NONE = Spans.of(())


def _union(parts: Iterable[Spans]) -> Spans:
    return Spans.of(pair for part in parts for pair in part.pairs)


def _listed(value: str) -> list[str]:
    return [each.strip() for each in value.split(",")]


_DECODER = msgspec.json.Decoder()


def _concept(code: str, detail: bytes, children: bytes) -> Concept:
    display, definition, names, properties, parents, inactive = _DECODER.decode(detail)
    told = [{"code": name, _VALUES[type_]: value} for name, type_, value in properties]
    if inactive:
        told.append({"code": "inactive", "valueBoolean": True})
    return Concept(
        code,
        display,
        definition,
        tuple(_designation(*name) for name in names),
        tuple(told),
        parents,
        _DECODER.decode(children) if children else [],
    )


def _designation(language: str, kind: str, text: str) -> dict[str, Any]:
    use = _USES.get(kind)
    if use is None:
        return {"language": language, "value": text}
    code, display = use
    return {"language": language, "use": {"system": _SNOMED, "code": code, "display": display}, "value": text}


def _lay_over(concept: Concept, extra: Concept, language: str | None) -> None:
    tag = {"language": language} if language else {}
    shown = () if extra.display is None else ({**tag, "value": extra.display},)
    concept.designations = (*concept.designations, *shown, *extra.designations)
    concept.properties = (*concept.properties, *extra.properties)

"""A release made ready to be laid down: checked whole, numbered, its words gathered; nothing is written before that.

What is told of each concept waits in a temporary file, so that a release of half a million concepts needs no more
memory than its codes, its hierarchy and its words.

Source: FHIR R4, CodeSystem.concept ("code": unique), CodeSystem.hierarchyMeaning.
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from fhir_gateway.fhir.outcome import Unprocessable
from fhir_gateway.terminology.releases import complaints
from fhir_gateway.terminology.releases.hierarchy import Hierarchy, circle, numbered
from fhir_gateway.terminology.releases.release import Faults, Release, Released
from fhir_gateway.terminology.spans import Spans
from fhir_gateway.terminology.words.index import Gathered

LONGEST_CONTENT = 200  # characters of a property's value that filters can ask for
PREFERRED, INACTIVE = 1, 2  # flags of a name

Progress = Callable[[str, int, int], None]  # what is done, how much of it, of how much (0: not known)


class ConceptRow(NamedTuple):
    number: int
    key: str
    code: str
    last: int
    detail: bytes
    children: bytes
    more: bytes


class NameRow(NamedTuple):
    number: int
    concept: int
    language: str
    flags: int
    words: str


class _Spool:
    """Pieces of bytes in a temporary file, by number."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        self._ends = array("Q", [0])

    def add(self, piece: bytes) -> None:
        self._file.write(piece)
        self._ends.append(self._ends[-1] + len(piece))

    def __getitem__(self, number: int) -> bytes:
        begin, end = self._ends[number], self._ends[number + 1]
        self._file.seek(begin)
        return self._file.read(end - begin)

    def close(self) -> None:
        self._file.close()


class Prepared:
    """A release that was read to its end and is sound. Close it when it is laid down.

    Raises: Unprocessable with file, line and reason.
    """

    def __init__(self, release: Release, progress: Progress = lambda what, done, total: None) -> None:
        self.release = release
        self._progress = progress
        self._codes: list[str] = []
        self._entries: dict[str, int] = {}
        self._lines = array("I")
        self._files: list[str] = []
        self._file_of = array("H")
        self._details = _Spool()
        self._words = _Spool()
        self._gathered = Gathered()
        self._of_name = array("I")  # entry of each name
        self._flags = bytearray()
        self._languages: list[str] = []
        self._language_of = bytearray()
        self._contents: dict[tuple[str, str], array[int]] = {}
        try:
            parents = self._read()
            self._hierarchy = self._numbered(parents)
            progress("words", 0, 0)
            self._order = self._gathered.ordered()
        except BaseException:
            self.close()
            raise

    @property
    def concept_count(self) -> int:
        return len(self._codes)

    @property
    def name_count(self) -> int:
        return len(self._of_name)

    @property
    def word_count(self) -> int:
        return len(self._gathered.having)

    def close(self) -> None:
        self._details.close()
        self._words.close()

    # --- reading

    def _key(self, code: str) -> str:
        return code if self.release.case_sensitive else code.casefold()

    def _read(self) -> list[tuple[str, ...]]:
        faults = Faults()
        parents: list[tuple[str, ...]] = []
        for each in self.release.concepts:
            entry = len(self._codes)
            known = self._entries.setdefault(self._key(each.code), entry)
            if known != entry:
                file, line = each.place
                faults.add(complaints.DUPLICATE.at(file=file, line=line, code=each.code, first=self._lines[known]))
                continue
            self._codes.append(each.code)
            self._note_place(each)
            above = tuple(dict.fromkeys(each.parents))
            parents.append(above)
            self._details.add(_ENCODER.encode((each.display, each.definition, each.names, each.properties, above,
                                               each.inactive)))  # fmt: skip
            self._take_names(entry, each)
            self._take_contents(entry, each)
            if entry % 10_000 == 0:
                self._progress("read", entry, 0)
        faults.settle()
        if not self._codes:
            raise Unprocessable(complaints.NO_CONCEPTS.at(file=self.release.title))
        return parents

    def _note_place(self, each: Released) -> None:
        if not self._files or self._files[-1] != each.place.file:
            self._files.append(each.place.file)
        self._file_of.append(len(self._files) - 1)
        self._lines.append(each.place.line)

    def _take_names(self, entry: int, each: Released) -> None:
        inactive = INACTIVE if each.inactive else 0
        taken: set[tuple[str, str]] = set()
        shown = [] if each.display is None else [(self.release.language, "display", each.display)]
        for language, kind, text in (*shown, *each.names):
            if kind == "definition":
                continue
            flags = inactive | (PREFERRED if kind == "display" else 0)
            if (language, text) in taken:
                continue
            taken.add((language, text))
            self._words.add(self._gathered.add(text).encode())
            self._of_name.append(entry)
            self._flags.append(flags)
            if language not in self._languages:
                self._languages.append(language)
            self._language_of.append(self._languages.index(language))

    def _take_contents(self, entry: int, each: Released) -> None:
        for name, _, value in each.properties:
            text = ("true" if value else "false") if isinstance(value, bool) else str(value)
            if len(text) <= LONGEST_CONTENT:
                self._content(name, text, entry)
        if each.inactive:
            self._content("inactive", "true", entry)

    def _content(self, name: str, text: str, entry: int) -> None:
        entries = self._contents.get((name, text))
        if entries is None:
            entries = self._contents[name, text] = array("I")
        entries.append(entry)

    def _numbered(self, parents: list[tuple[str, ...]]) -> Hierarchy:
        self._progress("hierarchy", 0, len(parents))
        faults = Faults()
        resolved: list[Sequence[int]] = []
        for entry, above in enumerate(parents):
            found = [self._entries.get(self._key(code), -1) for code in above]
            if -1 in found:
                file, line = self._place(entry)
                parent = above[found.index(-1)]
                faults.add(complaints.PARENT_UNKNOWN.at(file=file, line=line, code=self._codes[entry], parent=parent))
            resolved.append(found)
        faults.settle()
        around = circle(resolved)
        if around is not None:
            file, line = self._place(around[0])
            shown = " → ".join(self._codes[entry] for entry in around[:12])
            code = self._codes[around[0]]
            raise Unprocessable(complaints.CYCLE.at(file=file, line=line, code=code, circle=shown))
        return numbered(resolved)

    def _place(self, entry: int) -> tuple[str, int]:
        return self._files[self._file_of[entry]], self._lines[entry]

    # --- giving

    def concepts(self) -> Iterator[ConceptRow]:
        """Yield the concepts by number."""
        hierarchy = self._hierarchy
        for number, entry in enumerate(hierarchy.entries):
            code = self._codes[entry]
            below = hierarchy.children.get(entry)
            children = b"" if below is None else _ENCODER.encode([self._codes[each] for each in below])
            yield ConceptRow(
                number, self._key(code), code, hierarchy.lasts[number], self._details[entry], children,
                hierarchy.more.get(number, b""),
            )  # fmt: skip

    def names(self) -> Iterator[NameRow]:
        """Yield the names by number, the best first."""
        numbers = self._hierarchy.numbers
        for number, name in enumerate(self._order):
            language = self._languages[self._language_of[name]]
            concept = numbers[self._of_name[name]]
            yield NameRow(number, concept, language, self._flags[name], self._words[name].decode())

    def words(self) -> Iterator[tuple[str, bytes]]:
        """Yield the words in order, each with the numbers of the names that have it."""
        places = self._gathered.renumbered(self._order)
        for word in sorted(self._gathered.having):
            numbers = array("I", sorted([places[name] for name in self._gathered.having[word]]))
            yield word, numbers.tobytes()

    def vocabulary(self) -> bytes:
        """Return all words, each between two line ends."""
        return "\n".join(["", *sorted(self._gathered.having), ""]).encode()

    def contents(self) -> Iterator[tuple[str, str, bytes]]:
        """Yield the values of properties in order, each with the concepts that have it."""
        numbers = self._hierarchy.numbers
        for name, text in sorted(self._contents):
            yield name, text, Spans.numbers(numbers[entry] for entry in self._contents[name, text]).packed()

    @property
    def content_count(self) -> int:
        return len(self._contents)

    def head(self) -> dict[str, Any]:
        """Return what else is told of the system."""
        release = self.release
        return {
            "title": release.title,
            "language": release.language,
            "caseSensitive": release.case_sensitive,
            "valueSet": release.value_set,
            "copyright": release.copyright,
            "property": list(release.declarations),
        }


_ENCODER = msgspec.json.Encoder()

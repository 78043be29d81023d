"""Words: what a text is made of, stored or asked alike, and how they are laid down for each engine.

A word is a run of letters and digits, without case, accents and ligatures (`store.index.string.fold`). Both engines get
words made here and never split or fold anything themselves, so that they find the same.

Limits, the same on both engines (they are those of PostgreSQL's tsvector): a word counts with its first 255 characters;
beyond position 16,382 of a resource, and beyond its 255th place, a word is found alone but no longer in phrases; what
comes after a million bytes of different words is not found.

Source: FHIR R4, Search, "_text, _content"; PostgreSQL, "Text Search Limitations"; SQLite, "FTS5", "ASCII Tokenizer".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain

from fhir_gateway.store.index.string import fold

LONGEST_WORD = 255  # characters
FILLER = "_"  # stands between texts, so that no phrase reaches from one into the next; no word has it
_LAST_PLACE = 16_382
_PLACES = 255  # of one word
_BYTES = 1_000_000
_REMEMBERED = 120  # characters: displays, codes and units come again and again, narratives do not

_WORD = re.compile(r"[^\W_]+")
_DATE_TIME = re.compile(r"(\d{4}-\d\d-\d\d)t(\d\d)")

Words = tuple[str, ...]


def words(text: str) -> Words:
    """Return the words of a text in order: "L'Œuvre n° 12-B" is l, oeuvre, n, 12, b."""
    return _remembered(text) if len(text) <= _REMEMBERED else _words(text)


def _words(text: str) -> Words:
    folded = fold(text)
    if "t" in folded:
        # The T of a dateTime is no letter of a word: its date is found as a date is.
        folded = _DATE_TIME.sub(r"\1 \2", folded)
    return tuple([word[:LONGEST_WORD] for word in _WORD.findall(folded)])


_remembered = lru_cache(65_536)(_words)


def type_word(rtype: int) -> str:
    """Return what stands among the words of every resource of a type; no text has such a word."""
    return f"{FILLER}{rtype}"


@dataclass(frozen=True, slots=True)
class Laid:
    """Words of a resource as they are written down: those of each text in order, and words without a place."""

    texts: Sequence[Words]
    alone: Sequence[str] = ()

    def as_line(self) -> str:
        """Return all of it as one text, its words separated by one space each, for SQLite."""
        return f" {FILLER} ".join(chain(map(" ".join, self.texts), self.alone))


def lay(narrative: Iterable[str], rest: Iterable[str]) -> tuple[Laid, Laid]:
    """Return the words of the texts of the narrative and of those of the rest, each text once, within the limits."""
    first = [each for each in dict.fromkeys(map(words, narrative)) if each]
    second = [each for each in dict.fromkeys(map(words, rest)) if each]
    if sum(map(len, first)) + sum(map(len, second)) <= _PLACES:
        return Laid(first), Laid(second)
    limits = _Limits()
    return limits.laid(first), limits.laid(second)


@dataclass(slots=True)
class _Limits:
    """How much of one resource is laid down so far."""

    place: int = 0
    size: int = 0
    places: dict[str, int] = field(default_factory=dict)

    def laid(self, texts: Iterable[Words]) -> Laid:
        placed: list[Words] = []
        alone: list[str] = []
        for text in texts:
            run: list[str] = []
            for word in text:
                if self._takes_place(word):
                    run.append(word)
                    continue
                if run:
                    placed.append(tuple(run))
                    run = []
                    self.place += 1
                if word not in self.places and self._fits(word):
                    self.places[word] = 0
                    alone.append(word)
            if run:
                placed.append(tuple(run))
                self.place += 1
        return Laid(placed, alone)

    def _takes_place(self, word: str) -> bool:
        taken = self.places.get(word)
        if self.place >= _LAST_PLACE or taken == _PLACES or taken == 0 or not self._fits(word):
            return False
        self.place += 1
        self.places[word] = (taken or 0) + 1
        return True

    def _fits(self, word: str) -> bool:
        """Count a word's bytes as a tsvector holds them, if they still fit."""
        size = 2 if word in self.places else len(word.encode()) + 6
        if self.size + size > _BYTES:
            return False
        self.size += size
        return True


def vector(marks: Iterable[str], *laid: Laid) -> str:
    """Return words as the text of a PostgreSQL tsvector. `marks`: words beside them, without a place."""
    places: dict[str, list[str]] = {mark: [] for mark in marks}
    place = 0
    for each in laid:
        for text in each.texts:
            for word in text:
                place += 1
                places.setdefault(word, []).append(str(place))
            place += 1
        for word in each.alone:
            places.setdefault(word, [])
    return " ".join([f"{word}:{','.join(found)}" if found else word for word, found in places.items()])

"""Concepts by words as a person types them, best first.

All words must be in one name, each as a whole, as a form of the same stem, or as a beginning. Where nothing is found
that says just this, a wrong letter in a word is forgiven and a word of the same family taken; where little is found
still, a word that no name has is left out. What is found is weighed by how well the words fit, how much the words say
that do not, and what else the name says.

Source: FHIR R4, ValueSet, "$expand", "filter".
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from operator import is_not
from typing import NamedTuple

from fhir_gateway.terminology.words.abbreviations import joined, spelt_out
from fhir_gateway.terminology.words.folding import STOP_WORDS, common_beginning, likely, related_beginning, stem, words
from fhir_gateway.terminology.words.index import Named, WordIndex

WEIGHED = 400  # names looked at closely
LOOSE = 250  # of those that have them but for a letter or a word
MOST = 1_000  # names looked at of those that have all words, when so many are asked for
_CLOSE = 9  # rank up to which a name says just what was asked
_FEW = 5  # concepts found as typed that suffice
_INACTIVE = 1000  # what a concept that should not be used any more comes behind
_LONGEST = 12  # words of a query that count
_LETTERS = 4  # a shorter word has no wrong letter
_HEAD = 8  # numbers of each array looked at first
_HALVES = 6  # from so many letters the first half may have the wrong one

# Costs of a word, in tenths of a word that is too much.
_STEM, _LONGER, _FAMILY, _WRONG, _ABSENT, _COMMON, _WIDER = 2, 4, 16, 20, 70, 60, 12


class Hit(NamedTuple):
    """A concept found: in which of the indexes, its number there, and how well it fits (0: it has this very name)."""

    layer: int
    concept: int
    rank: int


class _Query(NamedTuple):
    """What is asked: all words, those that tell something, and what it costs a name to lack each of these."""

    words: Sequence[str]
    telling: Sequence[str]
    absent: Sequence[int]
    language: str | None
    known: Sequence[dict[str, int]]  # how far words are from each of these, as far as it was asked


_Best = dict[tuple[int, int], tuple[int, int, str]]  # index and concept: rank, length, name


def search(indexes: Sequence[WordIndex], text: str, language: str | None, limit: int) -> list[Hit]:
    """Return up to `limit` concepts that have a name with these words, best first, each once in each index.

    `language`: names in it are put before others that fit as well. Of very many that have all words, as of a single
    letter, the thousand shortest names are looked at.
    """
    asked = words(text)[:_LONGEST]
    if not asked or limit <= 0:
        return []
    best: _Best = {}
    for each in (asked, spelt_out(asked), joined(asked)):
        if each is not None:
            _search(indexes, each, language, limit, best)
    ordered = sorted((entry, key) for key, entry in best.items())
    return [Hit(number, concept, entry[0]) for entry, (number, concept) in ordered[:limit]]


def _search(indexes: Sequence[WordIndex], asked: Sequence[str], language: str | None, limit: int, best: _Best) -> None:
    telling = list(dict.fromkeys(word for word in asked if word not in STOP_WORDS)) or list(dict.fromkeys(asked))
    lookups = [_Lookup(index, telling) for index in indexes]
    query = _Query(asked, telling, _absent(lookups, len(telling)), language, [{} for _ in telling])
    weighed = min(max(WEIGHED, 2 * limit), MOST)
    for step in (_Lookup.exact, _Lookup.forgiving, _Lookup.missing):
        for number, lookup in enumerate(lookups):
            found = step(lookup, weighed if step is _Lookup.exact else LOOSE)
            for named in lookup.index.names(found) if found else ():
                rank = _rank(query, named)
                key = (number, named.concept)
                entry = (rank, len(named.words), named.words)
                if key not in best or entry < best[key]:
                    best[key] = entry
        enough = len(best) >= min(_FEW, limit) or step is not _Lookup.exact
        if best and enough and min(best.values())[0] % _INACTIVE <= _CLOSE:
            return


def _absent(lookups: Sequence[_Lookup], count: int) -> list[int]:
    """Return what it costs to lack each of the words: the fewer names have it, the more it tells."""
    having = [sum(sum(map(len, lookup.lists[word])) for lookup in lookups) for word in range(count)]
    total = math.log(max(sum(lookup.index.count for lookup in lookups), 2))
    return [_ABSENT - int(_COMMON * math.log(max(number, 1)) / total) for number in having]


# --- which names


class _Lookup:
    """One index asked for the words of one query. `lists`: for each word the names of each of its forms."""

    def __init__(self, index: WordIndex, asked: Sequence[str]) -> None:
        self.index = index
        self._asked = asked
        self._forms = [_forms(index, word) for word in asked]
        self.lists = [index.having(forms) for forms in self._forms]
        self._wide: list[Sequence[array[int]]] | None = None

    def exact(self, weighed: int) -> Sequence[int]:
        return _in_all(self.lists, weighed)

    def _widened(self) -> list[Sequence[array[int]]]:
        if self._wide is None:
            others = [_others(self.index, *each) for each in zip(self._asked, self._forms, strict=True)]
            self._wide = [
                [*mine, *self.index.having(more)] if more else mine
                for mine, more in zip(self.lists, others, strict=True)
            ]
        return self._wide

    def forgiving(self, weighed: int) -> Sequence[int]:
        wide = self._widened()
        return _in_all(wide, weighed) if any(map(is_not, wide, self.lists)) else ()

    def missing(self, weighed: int) -> Sequence[int]:
        """Return names that lack one word, or of four words and more two."""
        if len(self._asked) < 2:
            return ()
        needed = len(self._asked) - (2 if len(self._asked) >= 4 else 1)
        if needed == 1:
            # Names with one of two words may be many: of each word the first ones.
            return sorted(set().union(*(_first(arrays, weighed) for arrays in self._widened())))
        counted: Counter[int] = Counter()
        for arrays in self._widened():
            counted.update(set().union(*arrays))
        return sorted(number for number, times in counted.items() if times >= needed)[:weighed]


def _forms(index: WordIndex, word: str) -> list[str]:
    """Return the words of the vocabulary that begin with a word, or have its stem."""
    stemmed = stem(word)
    return [each for each in index.beginning(common_beginning(word)) if each.startswith(word) or stem(each) == stemmed]


def _others(index: WordIndex, word: str, forms: Sequence[str]) -> list[str]:
    """Return words that begin as a word does but for one letter, or are of its family."""
    if len(word) < _LETTERS:
        return []
    half = len(word) // 2
    found = [each for each in index.beginning(word[:half]) if likely(word, each)]
    if len(word) >= _HALVES:
        found += [each for each in _with_end(index.vocabulary(), word, half) if likely(word, each)]
        found += index.beginning(related_beginning(word))
    known = set(forms)
    return [each for each in dict.fromkeys(found) if each not in known]


def _with_end(vocabulary: str, word: str, half: int) -> Iterator[str]:
    """Yield the words that have the second half of a word about where the word has it."""
    end = word[half:]
    at = vocabulary.find(end)
    while at >= 0:
        begin = vocabulary.rfind("\n", 0, at) + 1
        if abs(at - begin - half) <= 1:
            yield vocabulary[begin : vocabulary.index("\n", at)]
        at = vocabulary.find(end, at + 1)


def _in_all(lists: Sequence[Sequence[array[int]]], weighed: int) -> Sequence[int]:
    """Return the first names that are in some array of each list."""
    if not all(lists):
        return ()
    if len(lists) == 1:
        return _first(lists[0], weighed)
    by_size = sorted(lists, key=lambda arrays: sum(map(len, arrays)))
    found: set[int] = set().union(*by_size[0])
    for arrays in by_size[1:]:
        found = _common(found, arrays)
    return sorted(found)[:weighed]


def _first(arrays: Sequence[array[int]], weighed: int) -> Sequence[int]:
    """Return the first numbers of all arrays together."""
    heads = sorted(number for numbers in arrays for number in numbers[:_HEAD])
    if len(heads) >= weighed:
        # Among them there are so many up to here: what lies beyond is not needed.
        last = heads[weighed - 1]
        arrays = [numbers[: bisect_right(numbers, last)] for numbers in arrays]
    return sorted({number for numbers in arrays for number in numbers})[:weighed]


def _common(found: set[int], arrays: Iterable[array[int]]) -> set[int]:
    kept: set[int] = set()
    for numbers in arrays:
        kept.update(found.intersection(numbers))
    return kept


# --- how well they fit


def _rank(query: _Query, named: Named) -> int:
    """Return how far a name is from what was asked, in tenths of a word."""
    have = named.words.split()
    rank = _INACTIVE if named.inactive else 0
    if have == query.words:
        return rank
    left = list(have)
    for word, absent, known in zip(query.telling, query.absent, query.known, strict=True):
        nearest, place = absent, -1
        for at, each in enumerate(left):
            cost = known.get(each)
            if cost is None:
                cost = known[each] = _distance(word, each)
            if cost < nearest:
                nearest, place = cost, at
        rank += nearest
        if place >= 0:
            del left[place]
    over = [each for each in left if each not in STOP_WORDS]
    rank += 12 * len(over) + len(left) - len(over)
    if not over and rank % _INACTIVE >= _WIDER:
        rank -= _WIDER  # it says part of what was asked and nothing else: a wider term
    if have and not have[0].startswith(query.telling[0][:4]):
        rank += 4
    if not named.preferred:
        rank += 2
    language = query.language
    if language is not None and named.language.partition("-")[0] != language.partition("-")[0]:
        rank += 5
    return rank + 1


def _distance(word: str, other: str) -> int:
    if word == other:
        return 0
    if stem(word) == stem(other):
        return _STEM
    further = min(abs(len(other) - len(word)), 10)
    if other.startswith(word):
        return _LONGER + further // 2
    if len(word) < _LETTERS:
        return _ABSENT
    if likely(word, other):
        return _WRONG + further
    if len(word) >= _HALVES and other.startswith(related_beginning(word)):
        return _FAMILY + further
    return _ABSENT

"""What a search by words asks of an index, wherever it lies.

Names are numbered by how good they are on their own, the shortest first: of many that match, the first are looked at.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from fhir_gateway.terminology.words.folding import words


class Named(NamedTuple):
    """A name of a concept as a search weighs it."""

    concept: int
    words: str  # folded, with a space between
    language: str
    preferred: bool  # the one that is shown
    inactive: bool


class WordIndex(Protocol):
    """Names by their words."""

    @property
    def count(self) -> int:
        """Return how many names there are."""
        ...

    def beginning(self, start: str) -> Sequence[str]:
        """Return the words of the vocabulary that begin so, in order."""
        ...

    def having(self, found: Sequence[str]) -> Sequence[array[int]]:
        """Return for each of these words the numbers of the names that have it, ascending."""
        ...

    def names(self, numbers: Sequence[int]) -> Sequence[Named]:
        """Return names by their numbers, in any order."""
        ...

    def vocabulary(self) -> str:
        """Return all words, each between two line ends."""
        ...


@dataclass(slots=True)
class Gathered:
    """An index while it is made: what each name is, and which names each word has."""

    quality: array[int] = field(default_factory=lambda: array("I"))
    having: dict[str, array[int]] = field(default_factory=dict)

    def add(self, text: str) -> str:
        """Take a name, the next by number; return its folded words."""
        found = words(text)
        number = len(self.quality)
        for word in set(found):
            numbers = self.having.get(word)
            if numbers is None:
                numbers = self.having[word] = array("I")
            numbers.append(number)
        self.quality.append(min(len(found), 255) << 12 | min(len(text), 4095))
        return " ".join(found)

    def ordered(self) -> array[int]:
        """Return the numbers of the names as they were taken, the best first."""
        return array("I", sorted(range(len(self.quality)), key=self.quality.__getitem__))

    def renumbered(self, order: array[int]) -> array[int]:
        """Return for each name as it was taken its place in an order."""
        places = array("I", bytes(4 * len(order)))
        for place, number in enumerate(order):
            places[number] = place
        return places


class MemoryIndex:
    """An index in memory, for a code system that was read from a resource. `names`: none of them may be empty."""

    def __init__(self, names: Iterable[tuple[int, str, str, bool, bool]]) -> None:
        """Take (concept, text, language, preferred, inactive) of all names."""
        gathered = Gathered()
        made = [
            Named(concept, gathered.add(text), language, preferred, inactive)
            for concept, text, language, preferred, inactive in names
        ]
        order = gathered.ordered()
        places = gathered.renumbered(order)
        self._names = [made[number] for number in order]
        self._having = {
            word: array("I", sorted(places[number] for number in numbers)) for word, numbers in gathered.having.items()
        }
        self._words = sorted(self._having)
        self._vocabulary = "\n".join(["", *self._words, ""])

    @property
    def count(self) -> int:
        return len(self._names)

    def beginning(self, start: str) -> Sequence[str]:
        first = bisect_left(self._words, start)
        return self._words[first : bisect_left(self._words, start + "\U0010ffff", first)]

    def having(self, found: Sequence[str]) -> Sequence[array[int]]:
        return [self._having[word] for word in found]

    def names(self, numbers: Sequence[int]) -> Sequence[Named]:
        return [self._names[number] for number in numbers]

    def vocabulary(self) -> str:
        return self._vocabulary

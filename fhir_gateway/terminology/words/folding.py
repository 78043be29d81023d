"""Words of a text as they are compared: without case, accents and ligatures, and their stems.

A stem is what the forms of a French or English word have in common ("convulsive", "convulsifs"; "seizures"), cut by
rule, not by dictionary: it serves to find, and need not be a word.

Source: FHIR R4, ValueSet, "$expand", "filter": "might be entered by a user … the server decides how to interpret it".
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_PLAIN = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ı": "i", "ß": "ss"})
_WORD = re.compile(r"[^\W_]+")
# Words that say little: a query without them means the same. Single letters are elisions ("d'", "l'").
STOP_WORDS = frozenset(
    (
        "a",
        "an",
        "and",
        "at",
        "au",
        "aux",
        "avec",
        "by",
        "ce",
        "ces",
        "chez",
        "d",
        "dans",
        "de",
        "des",
        "du",
        "en",
        "et",
        "for",
        "from",
        "in",
        "is",
        "l",
        "la",
        "le",
        "les",
        "of",
        "on",
        "or",
        "ou",
        "par",
        "pour",
        "qu",
        "s",
        "sans",
        "sur",
        "the",
        "to",
        "un",
        "une",
        "with",
    )
)


def fold(text: str) -> str:
    """Return a text without case, accents and ligatures."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in decomposed if not unicodedata.combining(each)).translate(_PLAIN)


def words(text: str) -> list[str]:
    """Return the words of a text in order: "Crise d'Épilepsie (HP:1)" is crise, d, epilepsie, hp, 1."""
    return _WORD.findall(fold(text))


@lru_cache(65_536)
def stem(word: str) -> str:
    """Return what the forms of a folded word have in common."""
    if len(word) < 4 or not word.isalpha():
        return word
    if word.endswith("aux"):
        return word[:-2] + "l"
    cut = word[:-1] if word[-1] in "sx" else word
    cut = cut.rstrip("e") if len(cut) > 4 else cut
    if cut.endswith("eus"):
        cut = cut[:-1]
    elif cut.endswith("iv"):
        cut = cut[:-1] + "f"
    elif cut.endswith("y"):
        cut = cut[:-1] + "i"
    if len(cut) > 4 and cut[-1] == cut[-2]:
        cut = cut[:-1]
    return cut


def common_beginning(word: str) -> str:
    """Return how all words begin that have the stem of this one, or begin with it."""
    stemmed = stem(word)
    if len(stemmed) < 4:
        return stemmed if word.startswith(stemmed) else word[:3]
    # The rules above change the last letter of a stem at most.
    changed = stemmed[-1] in "flui"
    return stemmed[:-1] if changed else stemmed


def related_beginning(word: str) -> str:
    """Return how words of the family of a word begin: those of "absence" as "absent" does."""
    return word[: max(4, len(word) * 3 // 5)]


def likely(one: str, other: str) -> bool:
    """Tell whether a word is another, or the beginning of it, but for one letter: wrong, missing, added or swapped.

    one: as typed, at least four letters; other: of the vocabulary, perhaps longer.
    """
    length = len(one)
    at = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        at += 1
    if at >= length - 1:
        return True
    rest = one[at + 1 :]
    if other.startswith(rest, at + 1) or other.startswith(rest, at) or other.startswith(one[at:], at + 1):
        return True
    swapped = one[at + 1] + one[at] + one[at + 2 :]
    return other.startswith(swapped, at)

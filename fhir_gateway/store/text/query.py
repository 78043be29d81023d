"""What `_text` and `_content` ask: words, "phrases", begin*, AND, OR, NOT and parentheses, read into a tree.

    _text=(bone OR liver) and metastases
    _content="sclérose en plaques" NOT pédiatr*

Words beside each other are joined by AND, which binds more closely than OR; a comma is OR between whole alternatives.
AND, OR and NOT are understood in any case. A word that holds other signs than letters and digits ("C50.9") is the
phrase of its parts.

Source: FHIR R4, Search, "_text, _content" ("_text=(bone OR liver) and metastases"), "Escaping Search Parameters".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from fhir_gateway.fhir.outcome import InvalidRequest, Issue
from fhir_gateway.store.index.syntax import unescape
from fhir_gateway.store.text import complaints
from fhir_gateway.store.text.words import FILLER, Words, words

LEAST_PREFIX = 2  # characters before a star: every word begins with one letter or another
DEEPEST = 20
MOST_WORDS = 250


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words one after the other; one word is a phrase too. `open`: the last is the beginning of a word."""

    words: Words
    open: bool = False


@dataclass(frozen=True, slots=True)
class All:
    parts: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Some:
    parts: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class No:
    part: Tree


@dataclass(frozen=True, slots=True)
class But:
    """What meets `part` and not `other`: how a tree that an index can look up denies (`found`)."""

    part: Tree
    other: Tree


Tree = Phrase | All | Some | No | But


def parse(name: str, value: str) -> Tree:
    """Return the tree of a value, still escaped. `name`: of the parameter, for complaints.

    Raises: InvalidRequest with the position (from 1) of what is wrong in each alternative.
    """
    tokens, issues = _tokens(name, value)
    number = sum(isinstance(token.meaning, Phrase) and len(token.meaning.words) for token in tokens)
    if number > MOST_WORDS:
        issues.append(complaints.TOO_MANY_WORDS.at(name=name, number=number, limit=MOST_WORDS))
    if issues:
        raise InvalidRequest(*issues)
    alternatives: list[Tree] = []
    for each in _alternatives(tokens):
        try:
            alternatives.append(_Parser(name, each).whole())
        except InvalidRequest as refusal:
            issues.extend(refusal.issues)
    if issues:
        raise InvalidRequest(*issues)
    return _joined(Some, alternatives)


def number_of_words(tree: Tree) -> int:
    """Return how many words a tree asks for."""
    match tree:
        case Phrase(words):
            return len(words)
        case All(parts) | Some(parts):
            return sum(map(number_of_words, parts))
        case No(part):
            return number_of_words(part)
    return number_of_words(tree.part) + number_of_words(tree.other)


# --- tokens

_TOKEN = re.compile(
    r'(?P<sign>[(),])|"(?P<phrase>(?:[^"\\,]|\\.)*)(?P<close>"?)|(?P<word>(?:[^\s(),"\\]|\\.|\\\Z)+)', re.DOTALL
)
_OPERATORS = frozenset({"and", "or", "not"})
_END = "end"
Sign = Literal["(", ")", ",", "and", "or", "not", "end"]


@dataclass(frozen=True, slots=True)
class _Token:
    meaning: Phrase | str  # a string: a Sign
    position: int  # from 1
    text: str


def _tokens(name: str, value: str) -> tuple[list[_Token], list[Issue]]:
    """Return what a value is made of, with a last token for its end, and the issues of what is nothing."""
    tokens: list[_Token] = []
    issues: list[Issue] = []
    for match in _TOKEN.finditer(value):
        position, text = match.start() + 1, match[0]
        if match["sign"]:
            tokens.append(_Token(text, position, text))
        elif match["phrase"] is not None:
            found = words(unescape(match["phrase"]))
            if not match["close"]:
                issues.append(complaints.QUOTE_UNCLOSED.at(name=name, position=position))
            elif not found:
                issues.append(complaints.WORDLESS.at(name=name, position=position))
            tokens.append(_Token(Phrase(found), position, text))
        elif text.lower() in _OPERATORS:
            tokens.append(_Token(text.lower(), position, text))
        else:
            tokens.append(_Token(_phrase(name, text, position, issues), position, text))
    tokens.append(_Token(_END, len(value) + 1, ""))
    return tokens, issues


def _phrase(name: str, text: str, position: int, issues: list[Issue]) -> Phrase:
    """Return what a word without quotation marks asks for."""
    begins = text.endswith("*")
    found = words(unescape(text[:-1] if begins else text))
    star = text.find("*")
    if not found:
        issues.append(complaints.WORDLESS.at(name=name, position=position))
    elif star >= 0 and (star < len(text) - 1 or not text[-2].isalnum() or len(found[-1]) < LEAST_PREFIX):
        issues.append(complaints.STAR_MISPLACED.at(name=name, position=position + star, least=LEAST_PREFIX))
    return Phrase(found, begins)


def _alternatives(tokens: Sequence[_Token]) -> list[list[_Token]]:
    """Return the tokens of each alternative, the comma or the end that follows it as its last."""
    alternatives: list[list[_Token]] = [[]]
    for token in tokens:
        alternatives[-1].append(token)
        if token.meaning == ",":
            alternatives.append([])
    return alternatives


# --- from tokens to a tree


class _Parser:
    """One alternative while it is read.

    or := and (OR and)*; and := not (AND? not)*; not := NOT not | word | "phrase" | ( or )
    """

    def __init__(self, name: str, tokens: Sequence[_Token]) -> None:
        self.name = name
        self.tokens = tokens
        self.next = 0
        self.depth = 0

    def whole(self) -> Tree:
        tree = self._or()
        token = self._token
        if token.meaning == ")":
            raise InvalidRequest(complaints.PARENTHESIS_UNOPENED.at(name=self.name, position=token.position))
        return tree

    @property
    def _token(self) -> _Token:
        return self.tokens[self.next]

    def _took(self, sign: Sign) -> bool:
        if self._token.meaning == sign:
            self.next += 1
            return True
        return False

    def _or(self) -> Tree:
        parts = [self._and()]
        while self._took("or"):
            parts.append(self._and())
        return _joined(Some, parts)

    def _and(self) -> Tree:
        parts = [self._not()]
        while self._took("and") or self._token.meaning in ("(", "not") or isinstance(self._token.meaning, Phrase):
            parts.append(self._not())
        return _joined(All, parts)

    def _not(self) -> Tree:
        token = self._token
        if isinstance(token.meaning, Phrase):
            self.next += 1
            return token.meaning
        if token.meaning not in ("not", "("):
            found = f"'{token.text}'" if token.text else "the end"
            raise InvalidRequest(complaints.OPERAND_MISSING.at(name=self.name, position=token.position, found=found))
        self.depth += 1
        if self.depth > DEEPEST:
            raise InvalidRequest(complaints.TOO_DEEP.at(name=self.name, position=token.position, limit=DEEPEST))
        self.next += 1
        tree = No(self._not()) if token.meaning == "not" else self._or()
        if token.meaning == "(" and not self._took(")"):
            raise InvalidRequest(complaints.PARENTHESIS_UNCLOSED.at(name=self.name, position=token.position))
        self.depth -= 1
        return tree


def _joined(kind: Callable[[tuple[Tree, ...]], Tree], parts: Sequence[Tree]) -> Tree:
    return parts[0] if len(parts) == 1 else kind(tuple(parts))


# --- what is found, and what is not


def found(tree: Tree) -> tuple[Tree, bool]:
    """Return a tree as an index can look it up, without No, and whether that is what must not be found.

    What denies nothing, or denies some of what it finds, is found; "NOT liver" and "bone OR NOT liver" are what is left
    when something is taken away from all.
    """
    match tree:
        case No(part):
            inner, denied = found(part)
            return inner, not denied
        case All(parts) | Some(parts):
            each = [found(part) for part in parts]
        case _:
            return tree, False
    wanted = [part for part, denied in each if not denied]
    unwanted = [part for part, denied in each if denied]
    if isinstance(tree, All):
        return (_but(_joined(All, wanted), unwanted), False) if wanted else (_joined(Some, unwanted), True)
    return (_but(_joined(All, unwanted), wanted), True) if unwanted else (_joined(Some, wanted), False)


def _but(part: Tree, others: Sequence[Tree]) -> Tree:
    return But(part, _joined(Some, others)) if others else part


# --- as each engine writes it


def fts5(tree: Tree) -> str:
    """Return what is found as a query of SQLite's FTS5."""
    match tree:
        case Phrase(words, open):
            return f'"{" ".join(words)}"{" *" if open else ""}'
        case All(parts):
            return f"({' AND '.join(map(fts5, parts))})"
        case Some(parts):
            return f"({' OR '.join(map(fts5, parts))})"
        case But(part, other):
            return f"({fts5(part)} NOT {fts5(other)})"
    raise TypeError(tree)


def tsquery(tree: Tree) -> str:
    """Return what is found as the text of a PostgreSQL tsquery."""
    match tree:
        case Phrase(words, open):
            quoted = " <-> ".join(f"'{word}'" for word in words)
            return f"({quoted}{':*' if open else ''})"
        case All(parts):
            return f"({' & '.join(map(tsquery, parts))})"
        case Some(parts):
            return f"({' | '.join(map(tsquery, parts))})"
        case But(part, other):
            return f"({tsquery(part)} & !{tsquery(other)})"
    raise TypeError(tree)


def _quoted(word: str) -> str:
    return f"'{word}'"


def line_test(tree: Tree) -> str:
    """Return what is found as `passes` takes it."""
    return json.dumps(_plain(tree), ensure_ascii=False)


def _plain(tree: Tree) -> Any:
    match tree:
        case Phrase(words, open):
            return f" {' '.join(words)}{'' if open else ' '}"
        case All(parts):
            return ["all", *map(_plain, parts)]
        case Some(parts):
            return ["some", *map(_plain, parts)]
        case But(part, other):
            return ["but", _plain(part), _plain(other)]
    raise TypeError(tree)


def passes(test: str, narrative: str, rest: str) -> bool:
    """Tell whether words laid down as lines (`Laid.as_line`) meet a test.

    SQLite asks this of a given resource: FTS5 would look up all of the query's words anew for each one.
    """
    return _compiled(test)(f" {narrative} {FILLER} {rest} ")


Test = Callable[[str], bool]


@lru_cache(1024)
def _compiled(test: str) -> Test:
    return _test(json.loads(test))


def _test(plain: Any) -> Test:
    if isinstance(plain, str):
        return lambda line: plain in line
    kind, *parts = plain
    tests = [_test(part) for part in parts]
    if kind == "all":
        return lambda line: all(test(line) for test in tests)
    if kind == "some":
        return lambda line: any(test(line) for test in tests)
    part, other = tests
    return lambda line: part(line) and not other(line)

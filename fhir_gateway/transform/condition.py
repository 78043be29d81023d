"""Conditions of rules: the guide's own grammar, closed and without side effects, compiled to expressions of Python.

    PID-11.7 EQUALS "BDL"                 PV1-2 NOT IN ("N", "P")        PID-25 VALUED
    PID-7 LENGTH GREATER THAN 8           PID-11 LST.COUNT EQUALS 1      ORC-2 NOT VALUED AND (A OR NOT B)

Source: HL7 v2-to-FHIR, "Mapping Guidelines", column "Computable ANTLR", with the spellings its tables use (IS VALUED,
IS NOT, =, a leading IF).
"""

from __future__ import annotations

import re
from typing import Protocol


class Paths(Protocol):
    """What makes an expression of a path that stands in a condition. Raises: ValueError with the reason."""

    def text(self, path: str) -> str: ...

    def count(self, path: str) -> str: ...

    def valued(self, path: str) -> str: ...


class ConditionError(ValueError):
    """A condition that cannot be read. `at`: the words from where it cannot."""

    def __init__(self, at: str, reason: str) -> None:
        super().__init__(reason)
        self.at = at
        self.reason = reason


_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"[^"]*")|(?P<sign>[(),]|=)|(?P<braced>\{[^{}]+\})|(?P<word>[A-Za-z][A-Za-z0-9_.\-]*(?:\[[0-9*]+\][A-Za-z0-9.\-]*)?)"""
    r"""|(?P<number>[0-9]+)|(?P<wrong>\S))"""
)
_WORDS = frozenset({"AND", "OR", "NOT", "IS", "IN", "IF", "VALUED", "EQUALS", "LENGTH", "LST.COUNT", "GREATER", "LESS",
                    "THAN", "EQUAL", "TO"})  # fmt: skip


def condition(text: str, paths: Paths) -> str:
    """Return the expression that a condition is. Raises: ConditionError."""
    parser = _Parser(text, paths)
    test = parser.any_of()
    parser.end()
    return test


class _Parser:
    def __init__(self, text: str, paths: Paths) -> None:
        self._paths = paths
        self._tokens: list[tuple[str, str, int]] = []
        self._text = text
        for found in _TOKEN.finditer(text.rstrip()):
            kind = str(found.lastgroup)
            word, at = found[kind], found.start(kind)
            if kind == "word" and word.upper() in _WORDS:
                kind, word = "key", word.upper()
            elif kind == "braced":
                kind, word = "word", word[1:-1]
            self._tokens.append((kind, word, at))
        self._at = 0

    # --- words

    def _peek(self, ahead: int = 0) -> tuple[str, str]:
        at = self._at + ahead
        return self._tokens[at][:2] if at < len(self._tokens) else ("end", "")

    def _take(self, *words: str) -> bool:
        """Take words that come next, all or none."""
        if all(self._peek(at) in (("key", word), ("sign", word)) for at, word in enumerate(words)):
            self._at += len(words)
            return True
        return False

    def _wrong(self, expected: str) -> ConditionError:
        at = self._tokens[self._at][2] if self._at < len(self._tokens) else len(self._text)
        return ConditionError(self._text[at:] or "the end", f"expected {expected}")

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise self._wrong("AND, OR or the end")

    # --- grammar

    def any_of(self) -> str:
        tests = [self._all_of()]
        while self._take("OR"):
            tests.append(self._all_of())
        return tests[0] if len(tests) == 1 else f"({' or '.join(tests)})"

    def _all_of(self) -> str:
        tests = [self._one()]
        while self._take("AND"):
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else f"({' and '.join(tests)})"

    def _one(self) -> str:
        self._take("IF")
        if self._take("NOT"):
            return f"(not {self._one()})"
        if self._take("("):
            test = self.any_of()
            if not self._take(")"):
                raise self._wrong(")")
            return test
        return self._comparison()

    def _comparison(self) -> str:
        kind, path = self._peek()
        if kind != "word":
            raise self._wrong("a path")
        try:
            text = self._paths.text(path)
            self._at += 1
            if self._take("LST.COUNT"):
                return f"({self._paths.count(path)} {self._number()})"
            if self._take("LENGTH"):
                return f"(len({text}) {self._number()})"
            self._take("IS")
            negated = self._take("NOT")
            test = self._paths.valued(path) if self._take("VALUED") else self._of_text(text)
        except ConditionError:
            raise
        except ValueError as error:
            raise ConditionError(path, str(error)) from None
        return f"(not {test})" if negated else test

    def _of_text(self, text: str) -> str:
        if self._take("IN"):
            return f"({text} in {{{', '.join(map(repr, self._values()))}}})"
        if not (self._take("EQUALS") or self._take("=")) and self._peek()[0] != "text":
            raise self._wrong("VALUED, EQUALS, IN, LENGTH or LST.COUNT")
        kind, word = self._peek()
        self._at += 1
        if kind == "text":
            return f"({text} == {word[1:-1]!r})"
        if kind == "word":
            try:
                return f"({text} == {self._paths.text(word)})"
            except ValueError as error:
                raise ConditionError(word, str(error)) from None
        self._at -= 1
        raise self._wrong('a text in "quotes" or a path')

    def _values(self) -> list[str]:
        if not self._take("("):
            raise self._wrong("(")
        values = []
        while True:
            kind, word = self._peek()
            if kind != "text":
                raise self._wrong('a text in "quotes"')
            values.append(word[1:-1])
            self._at += 1
            if self._take(")"):
                return values
            if not self._take(","):
                raise self._wrong(", or )")

    def _number(self) -> str:
        for words, sign in _COMPARED:
            if self._take(*words):
                kind, word = self._peek()
                if kind != "number":
                    raise self._wrong("a number")
                self._at += 1
                return f"{sign} {int(word)}"
        raise self._wrong("EQUALS, GREATER THAN or LESS THAN")


_COMPARED = (
    (("GREATER", "THAN", "OR", "EQUALS"), ">="),
    (("LESS", "THAN", "OR", "EQUALS"), "<="),
    (("GREATER", "THAN"), ">"),
    (("LESS", "THAN"), "<"),
    (("EQUALS",), "=="),
    (("=",), "=="),
)

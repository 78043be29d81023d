"""Conditions of rules: the guide's own grammar, closed and without side effects, compiled to closures.

    PID-11.7 EQUALS "BDL"                 PV1-2 NOT IN ("N", "P")        PID-25 VALUED
    PID-7 LENGTH GREATER THAN 8           PID-11 LST.COUNT EQUALS 1      ORC-2 NOT VALUED AND (A OR NOT B)

Source: HL7 v2-to-FHIR, "Mapping Guidelines", column "Computable ANTLR", with the spellings its tables use (IS VALUED,
IS NOT, =, a leading IF).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Protocol

Test = Callable[[Any, Any, Any], bool]
Texts = Callable[[Any, Any, Any], str]
Count = Callable[[Any, Any, Any], int]


class Paths(Protocol):
    """What compiles a path that stands in a condition. Raises: ValueError with the reason."""

    def text(self, path: str) -> Texts: ...

    def count(self, path: str) -> Count: ...


class ConditionError(ValueError):
    """A condition that cannot be read. `at`: the words from where it cannot."""

    def __init__(self, at: str, reason: str) -> None:
        super().__init__(reason)
        self.at = at
        self.reason = reason


_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"[^"]*")|(?P<sign>[(),]|=)|(?P<word>[A-Za-z][A-Za-z0-9_.\-]*(?:\[[0-9*]+\][A-Za-z0-9.\-]*)?)"""
    r"""|(?P<number>[0-9]+)|(?P<wrong>\S))"""
)
_WORDS = frozenset({"AND", "OR", "NOT", "IS", "IN", "IF", "VALUED", "EQUALS", "LENGTH", "LST.COUNT", "GREATER", "LESS",
                    "THAN", "EQUAL", "TO"})  # fmt: skip


def condition(text: str, paths: Paths) -> Test:
    """Return what tests a condition. Raises: ConditionError."""
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

    def any_of(self) -> Test:
        tests = [self._all_of()]
        while self._take("OR"):
            tests.append(self._all_of())
        if len(tests) == 1:
            return tests[0]
        if len(tests) == 2:
            one, other = tests
            return lambda node, segment, scope: one(node, segment, scope) or other(node, segment, scope)
        return lambda node, segment, scope: any(test(node, segment, scope) for test in tests)

    def _all_of(self) -> Test:
        tests = [self._one()]
        while self._take("AND"):
            tests.append(self._one())
        if len(tests) == 1:
            return tests[0]
        if len(tests) == 2:
            one, other = tests
            return lambda node, segment, scope: one(node, segment, scope) and other(node, segment, scope)
        return lambda node, segment, scope: all(test(node, segment, scope) for test in tests)

    def _one(self) -> Test:
        self._take("IF")
        if self._take("NOT"):
            return _not(self._one())
        if self._take("("):
            test = self.any_of()
            if not self._take(")"):
                raise self._wrong(")")
            return test
        return self._comparison()

    def _comparison(self) -> Test:
        kind, path = self._peek()
        if kind != "word":
            raise self._wrong("a path")
        try:
            text = self._paths.text(path)
            count = self._paths.count(path) if self._peek(1) == ("key", "LST.COUNT") else None
        except ValueError as error:
            raise ConditionError(path, str(error)) from None
        self._at += 1
        if count is not None:
            self._at += 1
            number_test = self._number()
            return lambda node, segment, scope: number_test(count(node, segment, scope))
        if self._take("LENGTH"):
            length_test = self._number()
            return lambda node, segment, scope: length_test(len(text(node, segment, scope)))
        self._take("IS")
        negated = self._take("NOT")
        if self._peek() == ("key", "VALUED") and "-" in path and "." not in path:
            # A field is valued whatever part of it says something: its first component may be empty.
            self._at += 1
            repetitions = self._paths.count(path)
            test: Test = lambda node, segment, scope: (  # noqa: E731
                repetitions(node, segment, scope) > 0 and text(node, segment, scope) != '""'
            )
        else:
            test = self._of_text(text)
        return _not(test) if negated else test

    def _of_text(self, text: Texts) -> Test:
        if self._take("VALUED"):
            return lambda node, segment, scope: text(node, segment, scope) not in ("", '""')
        if self._take("IN"):
            values = frozenset(self._values())
            return lambda node, segment, scope: text(node, segment, scope) in values
        if not (self._take("EQUALS") or self._take("=")) and self._peek()[0] != "text":
            raise self._wrong("VALUED, EQUALS, IN, LENGTH or LST.COUNT")
        kind, word = self._peek()
        self._at += 1
        if kind == "text":
            value = word[1:-1]
            return lambda node, segment, scope: text(node, segment, scope) == value
        if kind == "word":
            try:
                other = self._paths.text(word)
            except ValueError as error:
                raise ConditionError(word, str(error)) from None
            return lambda node, segment, scope: text(node, segment, scope) == other(node, segment, scope)
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

    def _number(self) -> Callable[[int], bool]:
        if self._take("GREATER", "THAN", "OR", "EQUALS"):
            return self._compared(lambda one, other: one >= other)
        if self._take("LESS", "THAN", "OR", "EQUALS"):
            return self._compared(lambda one, other: one <= other)
        if self._take("GREATER", "THAN"):
            return self._compared(lambda one, other: one > other)
        if self._take("LESS", "THAN"):
            return self._compared(lambda one, other: one < other)
        if self._take("EQUALS") or self._take("="):
            return self._compared(lambda one, other: one == other)
        raise self._wrong("EQUALS, GREATER THAN or LESS THAN")

    def _compared(self, compare: Callable[[int, int], bool]) -> Callable[[int], bool]:
        kind, word = self._peek()
        if kind != "number":
            raise self._wrong("a number")
        self._at += 1
        number = int(word)
        return lambda value: compare(value, number)


def _not(test: Test) -> Test:
    return lambda node, segment, scope: not test(node, segment, scope)

"""Regular expressions of definitions that come from outside, matched in a time that grows with the text alone.

Python's engine tries one way after another and may run for ages on a quantifier upon a group that has one itself
(`(a+)+`), or several in a row. Such a pattern is walked here in all ways at once, as an automaton; the others are left
to Python.

Source: FHIR R4, ValueSet.compose.include.filter.op, "regex"; Thompson, "Regular Expression Search Algorithm" (1968).
"""

from __future__ import annotations

import re
import re._constants as sre  # type: ignore[import-not-found,import-untyped,unused-ignore]
import re._parser as parser  # type: ignore[import-not-found,import-untyped,unused-ignore]
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

Test = Callable[[str], bool]  # of a whole text

_LONGEST = 1000
_MOST_STATES = 5_000  # counted repetitions are written out
_MOST_OPEN = 2  # quantifiers without an end that Python may try against each other


@cache
def whole(pattern: str) -> Test | None:
    """Return a test of whole texts against a pattern; None for one that is wrong, very long, or looks back or ahead."""
    if len(pattern) > _LONGEST:
        return None
    try:
        parsed = parser.parse(pattern)
        if not _is_nested(list(parsed), False) and _open(list(parsed)) <= _MOST_OPEN:
            compiled = re.compile(pattern)
            return lambda text: compiled.fullmatch(text) is not None
        return _Automaton(parsed).matches
    except (re.error, _NotRegular, OverflowError, RecursionError):
        return None


def _below(op: Any, argument: Any) -> list[list[tuple[Any, Any]]]:
    """Return what stands inside a part of a pattern."""
    if op is sre.BRANCH:
        return [list(each) for each in argument[1]]
    if op is sre.SUBPATTERN:
        return [list(argument[-1])]
    if op in (sre.MAX_REPEAT, sre.MIN_REPEAT):
        return [list(argument[2])]
    return []


def _is_nested(parts: Sequence[tuple[Any, Any]], repeated: bool) -> bool:
    """Tell whether a quantifier stands upon another, or upon a choice."""
    for op, argument in parts:
        repeats = op in (sre.MAX_REPEAT, sre.MIN_REPEAT)
        if repeated and (repeats or op is sre.BRANCH):
            return True
        if any(_is_nested(each, repeated or repeats) for each in _below(op, argument)):
            return True
    return False


def _open(parts: Sequence[tuple[Any, Any]]) -> int:
    """Return how many quantifiers have no end."""
    return sum(
        (op in (sre.MAX_REPEAT, sre.MIN_REPEAT) and argument[1] is sre.MAXREPEAT)
        + sum(_open(each) for each in _below(op, argument))
        for op, argument in parts
    )


class _NotRegular(Exception):
    """A part of a pattern that no automaton can walk."""


class _Automaton:
    """States from one character to the next. `_steps`: test and next state; `_free`: states reached without one."""

    def __init__(self, parsed: Any) -> None:
        self._steps: list[tuple[Test, int] | None] = []
        self._free: list[list[int]] = []
        self._end = self._state()
        self._start = self._sequence(list(parsed), self._end)

    def matches(self, text: str) -> bool:
        at = self._closed([self._start])
        for character in text:
            reached = [step[1] for state in at if (step := self._steps[state]) is not None and step[0](character)]
            if not reached:
                return False
            at = self._closed(reached)
        return self._end in at

    def _closed(self, states: Iterable[int]) -> set[int]:
        found: set[int] = set()
        pending = list(states)
        while pending:
            state = pending.pop()
            if state not in found:
                found.add(state)
                pending += self._free[state]
        return found

    def _state(self, step: tuple[Test, int] | None = None, free: Sequence[int] = ()) -> int:
        if len(self._steps) >= _MOST_STATES:
            raise _NotRegular
        self._steps.append(step)
        self._free.append(list(free))
        return len(self._steps) - 1

    def _sequence(self, parts: Sequence[tuple[Any, Any]], then: int) -> int:
        for op, argument in reversed(parts):
            then = self._part(op, argument, then)
        return then

    def _part(self, op: Any, argument: Any, then: int) -> int:
        if op is sre.BRANCH:
            return self._state(free=[self._sequence(list(each), then) for each in argument[1]])
        if op is sre.SUBPATTERN:
            return self._sequence(list(argument[-1]), then)
        if op in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            return self._repeat(argument[0], argument[1], list(argument[2]), then)
        if op is sre.AT and argument in (sre.AT_BEGINNING, sre.AT_BEGINNING_STRING, sre.AT_END, sre.AT_END_STRING):
            return then  # whole texts are tested
        return self._state((_character(op, argument), then))

    def _repeat(self, least: int, most: Any, parts: Sequence[tuple[Any, Any]], then: int) -> int:
        if most is sre.MAXREPEAT:
            again = self._state(free=[then])
            self._free[again].append(self._sequence(parts, again))
            then = again
        else:
            for _ in range(int(most) - least):
                then = self._state(free=[then, self._sequence(parts, then)])
        for _ in range(least):
            then = self._sequence(parts, then)
        return then


_CATEGORIES: dict[Any, str] = {
    sre.CATEGORY_DIGIT: r"\d", sre.CATEGORY_NOT_DIGIT: r"\D", sre.CATEGORY_SPACE: r"\s",
    sre.CATEGORY_NOT_SPACE: r"\S", sre.CATEGORY_WORD: r"\w", sre.CATEGORY_NOT_WORD: r"\W",
}  # fmt: skip


def _character(op: Any, argument: Any) -> Test:
    """Return the test of one character."""
    if op is sre.LITERAL:
        return chr(argument).__eq__
    if op is sre.NOT_LITERAL:
        return chr(argument).__ne__
    if op is sre.ANY:
        return "\n".__ne__
    if op is sre.RANGE:
        low, high = argument
        return lambda character: low <= ord(character) <= high
    if op is sre.CATEGORY:
        compiled = re.compile(_CATEGORIES[argument])
        return lambda character: compiled.match(character) is not None
    if op is sre.IN:
        negated = argument[0][0] is sre.NEGATE
        tests = [_character(*each) for each in argument[negated:]]
        return lambda character: any(test(character) for test in tests) != negated
    raise _NotRegular

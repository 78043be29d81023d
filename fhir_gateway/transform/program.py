"""Functions written from rules: their lines, what their names stand for, compiled by Python once.

A rule becomes a few lines under a comment that says its file and line; `Program.text` is the whole, to be read. Texts
of rules enter it as literals (`repr`) or by a name that is bound to them, never as code.

Source: mappings/README.md.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fhir_gateway.transform.source import Expression

_MARK = re.compile("\x01(\\d+)\x02")
_NAME = re.compile(r"[A-Za-z_]\w*")
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""")


Lines = Callable[[], Iterable[str]]


def _text(head: str, lines: Lines) -> str:
    return "\n".join((head, *lines(), ""))


class Program:
    """Functions that know each other by name."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self._names: dict[str, Any] = dict(names)
        self._bound: dict[int, str] = {}
        self._stems: Counter[str] = Counter()
        self._functions: dict[str, tuple[str, Lines]] = {}
        self._made: dict[str, Callable[[Mapping[str, Any]], Any]] = {}

    def bind(self, stem: str, value: Any) -> str:
        """Return a name that stands for a value; for the same object the same."""
        known = self._bound.get(id(value))
        if known is None:
            known = self._bound[id(value)] = self.name(stem)
            self._names[known] = value  # kept, so that its id stays its own
        return known

    def name(self, stem: str) -> str:
        """Return a name that nothing else has."""
        clean = re.sub(r"\W+", "_", stem, flags=re.ASCII).strip("_")
        clean = clean if clean[:1].isalpha() else f"of_{clean}"
        while True:
            self._stems[clean] += 1
            count = self._stems[clean]
            made = f"{clean}_{count}"
            if made not in self._names:
                return made

    def add(self, name: str, parameters: str, lines: Lines) -> None:
        """Add a function; its lines are asked for when it is compiled."""
        self._functions[name] = (f"def {name}({parameters}):", lines)

    def afterwards(self, name: str, make: Callable[[Mapping[str, Any]], Any]) -> None:
        """Let a name stand for what is made once all other names stand for something."""
        self._made[name] = make

    @property
    def text(self) -> str:
        """The functions, as Python."""
        return "\n\n".join(_text(*each) for each in self._functions.values())

    def functions(self) -> Functions:
        """Return the functions, ready to be called."""
        return Functions(self._names, self._functions, self._made)


class Functions:
    """Functions by name, each compiled when it is first asked for or called by another."""

    def __init__(
        self, names: Mapping[str, Any], texts: Mapping[str, tuple[str, Lines]],
        made: Mapping[str, Callable[[Mapping[str, Any]], Any]],
    ) -> None:  # fmt: skip
        self._texts = texts
        self._globals: dict[str, Any] = dict(names)
        self._compiled: set[str] = set()
        for name in texts:
            self._globals[name] = self._stub(name)
        for name, make in made.items():
            self._globals[name] = make(self._globals)

    def __getitem__(self, name: str) -> Any:
        if name not in self._compiled:
            exec(compile(_text(*self._texts[name]), f"<mappings: {name}>", "exec"), self._globals)
            self._compiled.add(name)
        return self._globals[name]

    def _stub(self, name: str) -> Callable[..., Any]:
        """Return what stands for a function until its first call, which puts the function itself in its place."""
        return lambda *arguments: self[name](*arguments)


class Body:
    """The lines of one function being written.

    `first`: lines that make locals of the names they are told with, written where one of the names is used.
    """

    def __init__(self, first: Iterable[tuple[str, str]]) -> None:
        self._first = tuple(first)
        self._lines: list[tuple[tuple[int, ...], str]] = []  # each with the blocks that it stands in
        self._blocks: tuple[int, ...] = ()
        self._loops: set[int] = set()
        self._count = 0
        self._finds: dict[str, str] = {}
        self._shared: list[str] = []

    def add(self, *lines: str) -> None:
        self._lines += ((self._blocks, line) for line in lines)

    def remark(self, text: str) -> None:
        """Write a comment; it stays one whatever the text is."""
        self.add(f"# {' '.join(text.split())}")

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Write what is added within under a head ("if …:"); no head, no block."""
        if not head:
            yield
            return
        self.add(head)
        around, before = self._blocks, len(self._lines)
        self._count += 1
        self._blocks = (*around, self._count)
        if head.startswith("for "):
            self._loops.add(self._count)
        yield
        if len(self._lines) == before:
            self.add("pass")
        self._blocks = around

    def use(self, expression: Expression) -> str:
        """Return an expression as it may stand in a line: what is asked for more than once is made a local first."""
        if expression.finds:
            self._finds[expression.finds] = f"{expression.finds} = scope.find({expression.finds!r})"
        if not expression.fixed:
            return expression.source
        if expression.source not in self._shared:
            self._shared.append(expression.source)
        return f"\x01{self._shared.index(expression.source)}\x02"

    def lines(self) -> list[str]:
        """Return the function's lines."""
        uses = Counter(int(found[1]) for _, line in self._lines for found in _MARK.finditer(line))

        def replaced(found: re.Match[str]) -> str:
            at = int(found[1])
            return f"text_{at}" if uses[at] > 1 else self._shared[at]

        made: dict[tuple[int, ...], list[str]] = {}  # the locals at the beginning of each block
        for at, count in sorted(uses.items()):
            if count > 1:
                made.setdefault(self._around_all(at), []).append(f"text_{at} = {self._shared[at]}")
        at_top = made.pop((), [])
        whole: list[str] = []
        for blocks, line in self._lines:
            indent = "    " * (len(blocks) + 1)
            whole += (f"{indent}{each}" for each in made.pop(blocks, ()))
            whole.append(indent + _MARK.sub(replaced, line))
        used = set[str]()
        for line in (*whole, *at_top):
            if not line.lstrip().startswith("#"):
                used.update(_NAME.findall(_QUOTED.sub("", line)))
        first: list[str] = []
        for names, line in reversed((*self._first, *self._finds.items())):
            if not used.isdisjoint(names.split()):
                first.insert(0, line)
                used.update(_NAME.findall(line))
        return [*(f"    {line}" for line in (*first, *at_top)), *(whole or ["    pass"])]

    def _around_all(self, at: int) -> tuple[int, ...]:
        """Return the innermost block around all uses of what is shared, and around the loops that they stand in."""
        places = [blocks for blocks, line in self._lines if f"\x01{at}\x02" in line]
        common: list[int] = []
        for each in zip(*places, strict=False):
            if len(set(each)) > 1 or each[0] in self._loops:
                break
            common.append(each[0])
        return tuple(common)

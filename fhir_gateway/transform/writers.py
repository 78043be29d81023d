"""Rules in the other direction: what stands in resources, asked by FHIRPath, put at the places of another format.

A message is lines (`makes` of `out/messages`), each written by rule sets once for each item of a path (`per`); a rule
puts what its path finds (`from`), or a template (`value`), at a place (`to`), as a data type mapping (`type`) or code
map (`map`) says. The first rule that has a value fills a place. What a place is, and what an element is as a text, is
the format's own business (`Target`).

Source: mappings/README.md; FHIRPath 2.0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from fhir_gateway.fhir.fhirpath import Engine, Expression, FhirPathError, Hooks, Node
from fhir_gateway.fhir.outcome import Complaint, Issue
from fhir_gateway.transform import complaints
from fhir_gateway.transform.applied import UNMATCHED
from fhir_gateway.transform.codes import CodeMap, CodeMaps
from fhir_gateway.transform.complaints import MappingError
from fhir_gateway.transform.condition import ConditionError, condition
from fhir_gateway.transform.mapping import version_of
from fhir_gateway.transform.rules import Making, Message, Rule, Rules, RuleSet, read_layers
from fhir_gateway.transform.writing import PLACEHOLDER

Place = Any  # where something goes, as a format has compiled it
_SHOWN = 40  # characters of a path in the trace
_NOT_HERE = ("instance", "also", "warn", "group")  # what a rule may say in the other direction only


class Spot(Protocol):
    """A place in what is being written: a line, a part of it, a part of that."""

    def within(self, place: Place) -> Spot: ...

    def filled(self) -> bool:
        """Return whether something stands there; never for a new repetition."""
        ...

    def put(self, text: str) -> None:
        """Put a text there, unless something stands there."""
        ...

    def put_encoded(self, data: str | bytes) -> None:
        """Put what is base64, or bytes that are to become it, however much."""
        ...

    def where(self) -> str:
        """Return the place below its line, as people are told: 3[2].4.1; "" for none."""
        ...


class Target(Protocol):
    """A format that is written. All that take a path raise ValueError, with the reason, for what is none."""

    def place(self, path: str, home: str) -> Place:
        """Return a place below a line or data type, such as PID-3[+].1 below PID."""
        ...

    def many(self, place: Place) -> bool:
        """Return whether each value takes a new place there."""
        ...

    def text(self, item: Any) -> str:
        """Return the text of an item of FHIRPath; "" for what is none."""
        ...

    def encoded(self, item: Any) -> str | bytes | None:
        """Return what is put as it is, however long (base64); None for all else."""
        ...


class Lines(Protocol):
    """What is being written: lines in their order."""

    def line(self, name: str) -> Spot: ...

    def drop(self) -> None:
        """Take the last line away: no rule had anything for it."""
        ...


class Wrote(NamedTuple):
    """A rule that wrote something. `place`: its file and line; `source`: the element, or the template, that it wrote;
    `where`: what it wrote to, as PID-1-3[2].4.1 (the first PID).
    """

    rule: str
    place: str
    source: str
    where: str


@dataclass(slots=True)
class Writing:
    """One message being written. `wrote`: whether a rule put something since it was last looked at; `line`: the one at
    hand; `trace`: what was written, if asked for.
    """

    variables: dict[str, Any]
    hooks: Hooks
    issues: list[Issue] = field(default_factory=list)
    wrote: bool = False
    line: str = ""
    trace: list[Wrote] | None = None

    def note(self, rule: Rule, at: At, spot: Spot) -> None:
        """Note that a rule wrote something."""
        self.wrote = True
        if self.trace is not None and (where := spot.where()):
            self.trace.append(Wrote(rule.id, rule.place, _source(rule, at), f"{self.line}-{where}"))


@dataclass(frozen=True, slots=True)
class At:
    """What rules read: an item, and the resource it is of."""

    item: Any
    resource: Node | None
    writing: Writing

    def items(self, expression: Expression) -> Sequence[Any]:
        if isinstance(self.item, Node):
            node = self.item
        else:
            node = Node(self.item, "string")
        return expression.items(node, self.writing.variables, self.writing.hooks, self.resource, self.resource)


Test = Callable[[At], bool]
Apply = Callable[[At, Spot], None]
Text = Callable[[At], str]


def resource_of(item: Any) -> Node | None:
    """Return the resource that an item is part of; None for a value of its own."""
    node = item if isinstance(item, Node) else None
    while node is not None and node.parent is not None:
        if isinstance(node.value, dict) and "resourceType" in node.value:
            break
        node = node.parent
    return node


def place_of(item: Any) -> str:
    """Return where an item stands, as Patient/1.name[0].family; "" for a value that was computed."""
    steps: list[str] = []
    node = item if isinstance(item, Node) else None
    while node is not None:
        value = node.value
        if isinstance(value, dict) and "resourceType" in value:
            own = f"{value['resourceType']}/{value['id']}" if "id" in value else value["resourceType"]
            return ".".join((own, *reversed(steps)))
        steps.append(node.key if node.place is None else f"{node.key}[{node.place}]")
        node = node.parent
    return ""


class Writers:
    """Writers of all kinds of messages, compiled; immutable, shared by all threads.

    `version`: a hash of the files of rules and of the code maps.
    """

    def __init__(self, messages: Mapping[str, MessageWriter], version: str) -> None:
        self._messages = messages
        self.version = version

    @property
    def events(self) -> frozenset[str]:
        return frozenset(self._messages)

    def of(self, event: str) -> MessageWriter | None:
        """Return the writer of an event ("ORU^R01"); None where it has none."""
        return self._messages.get(event)


@dataclass(frozen=True, slots=True)
class _Line:
    """A kind of line. `per`: the items it is written for, once for each; `sets`: each a line by its name."""

    id: str
    place: str
    per: Expression
    test: Test | None
    sets: tuple[tuple[str, Apply], ...]
    needs: tuple[tuple[str, Place | Text], ...]  # of the first set: what it means nothing without


@dataclass(frozen=True, slots=True)
class MessageWriter:
    """Writes one kind of message."""

    name: str
    lines: tuple[_Line, ...]

    def write(
        self, about: dict[str, Any], into: Lines, variables: Mapping[str, Any], hooks: Hooks,
        trace: list[Wrote] | None = None,
    ) -> list[Issue]:  # fmt: skip
        """Write what is said of a resource; return what is wrong, and what was told on the way.

        `variables`: what rules may ask by name, as %name. %number is the number of a line among those of its name,
        %group that of the item among those that the line is written for. `trace`: what is written is added to it.
        """
        root = Node(about, about["resourceType"])
        writing = Writing(dict(variables), hooks, trace=trace)
        numbers: dict[str, int] = {}
        start = At(root, root, writing)
        for line in self.lines:
            if line.test is None or line.test(start):
                self._write(line, start, into, numbers)
        return writing.issues

    def _write(self, line: _Line, start: At, into: Lines, numbers: dict[str, int]) -> None:
        writing = start.writing
        groups: dict[int, int] = {}
        for item in start.items(line.per):
            resource = resource_of(item)
            group = groups.setdefault(id(resource.value) if resource is not None else -1, len(groups) + 1)
            at = At(item, resource, writing)
            for name, apply in line.sets:
                number = numbers.get(name, 0) + 1
                writing.variables |= {"number": number, "group": group}
                writing.wrote, writing.line = False, f"{name}-{number}"
                spot = into.line(name)
                apply(at, spot)
                if not writing.wrote:
                    into.drop()
                    continue
                numbers[name] = number
                if name == line.sets[0][0]:
                    writing.issues += (
                        complaints.NOT_WRITTEN.at(None, where=f"{name}^{number}", path=path, rule=line.id)
                        for path, need in line.needs
                        if not (need(at) if callable(need) else spot.within(need).filled())
                    )


def _source(rule: Rule, at: At) -> str:
    """Return what a rule wrote: its template, the element that it read, else its path in the resource at hand."""
    if rule.value:
        return f'"{rule.value}"'
    path = rule.path if len(rule.path) <= _SHOWN else f"{rule.path[:_SHOWN]}…"
    return place_of(at.item) or f"{place_of(at.resource)} {path}".strip()


class _Paths:
    """Paths of a condition: each a function of what is read, by its number."""

    def __init__(self, compiler: _Compiler, type_name: str | None) -> None:
        self._compiler = compiler
        self._type = type_name
        self.found: list[Callable[[At], Any]] = []

    def _named(self, function: Callable[[At], Any]) -> str:
        self.found.append(function)
        return f"paths[{len(self.found) - 1}](at)"

    def text(self, path: str) -> str:
        return self._named(self._compiler.text(path, self._type))

    def count(self, path: str) -> str:
        expression = self._compiler.expression(path, self._type)
        return self._named(lambda at: len(at.items(expression)))

    def valued(self, path: str) -> str:
        return f"({self.text(path)} != '')"


class _Compiler:
    """Compiles rule sets to functions, each once. `issues`: all that is wrong."""

    def __init__(self, rules: Rules, engine: Engine, maps: CodeMaps, target: Target) -> None:
        self.issues: list[Issue] = []
        self._rules = rules
        self._engine = engine
        self._maps = maps
        self._target = target
        self._sets: dict[str, Apply] = {}

    def complain(self, complaint: Complaint, place: str, **values: object) -> None:
        issue = complaint.at(None, place=place, **values)
        if issue not in self.issues:
            self.issues.append(issue)

    # --- what is read

    def expression(self, path: str, type_name: str | None) -> Expression:
        """Return a path compiled. Raises: ValueError with the reason."""
        try:
            return self._engine.compile(path, type_name)
        except FhirPathError as error:
            raise ValueError(str(error)) from None

    def text(self, path: str, type_name: str | None) -> Text:
        """Return what gives the text of the first item of a path. Raises: ValueError."""
        expression, text = self.expression(path, type_name), self._target.text

        def first(at: At) -> str:
            found = at.items(expression)
            return text(found[0]) if found else ""

        return first

    def test(self, text: str, type_name: str | None, place: str) -> Test | None:
        """Return what a condition tells; None where there is none."""
        if not text:
            return None
        paths = _Paths(self, type_name)
        try:
            source = condition(text, paths)
        except ConditionError as error:
            self.complain(complaints.WHEN_WRONG, place, at=error.at, reason=error.reason)
            return None
        made: Test = eval(f"lambda at: {source}", {"paths": tuple(paths.found), "__builtins__": {"len": len}})
        return made

    # --- sets

    def segment(self, name: str, place: str) -> tuple[str, Apply] | None:
        rules = self._rules.segments.get(name)
        if rules is None:
            self.complain(complaints.NAME_UNKNOWN, place, kind="segment mapping", name=name)
            return None
        return rules.home, self._set(f"segment {name}", rules, rules.target, rules.home)

    def datatype(self, name: str, place: str) -> Apply | None:
        """Return a mapping from a type of FHIR (Identifier[CX]: of an Identifier, to a CX)."""
        rules = self._rules.datatypes.get(name)
        if rules is None:
            self.complain(complaints.NAME_UNKNOWN, place, kind="data type mapping", name=name)
            return None
        return self._set(f"datatype {name}", rules, rules.home, rules.target)

    def _set(self, key: str, rules: RuleSet, type_name: str, home: str) -> Apply:
        if key not in self._sets:
            made: list[Apply] = []

            def apply(at: At, spot: Spot) -> None:
                for each in made:
                    each(at, spot)

            self._sets[key] = apply
            made += (each for each in (self._rule(rule, type_name, home) for rule in rules.rules) if each is not None)
        return self._sets[key]

    def _rule(self, rule: Rule, type_name: str, home: str) -> Apply | None:
        for key in _NOT_HERE:
            if getattr(rule, key):
                known = "id, from, when, to, type, map, unmatched, value, source"
                self.complain(complaints.KEY_UNKNOWN, rule.place, key="with" if key == "also" else key, known=known)
        try:
            place = self._target.place(rule.to, home)
        except ValueError as error:
            self.complain(complaints.ELEMENT_FORM, rule.place, path=rule.to, reason=error)
            return None
        test = self.test(rule.when, type_name, rule.place)
        try:
            put = self._template(rule, type_name) if rule.value else self._read(rule, type_name, place)
        except ValueError as error:
            self.complain(complaints.PATH_WRONG, rule.place, path=rule.path or rule.value, reason=error)
            return None
        if put is None:
            return None

        def apply(at: At, spot: Spot) -> None:
            if test is not None and not test(at):
                return
            there = spot.within(place)
            if not there.filled():
                put(at, spot, there)

        return apply

    def _template(self, rule: Rule, type_name: str) -> Callable[[At, Spot, Spot], None]:
        paths = [self.text(path, type_name) for path in PLACEHOLDER.findall(rule.value)]
        words = PLACEHOLDER.split(rule.value)[::2]

        def put(at: At, _spot: Spot, there: Spot) -> None:
            texts = [path(at) for path in paths]
            if all(texts):
                there.put(words[0] + "".join(text + word for text, word in zip(texts, words[1:], strict=True)))
                at.writing.note(rule, at, there)

        return put

    def _read(self, rule: Rule, type_name: str, place: Place) -> Callable[[At, Spot, Spot], None] | None:
        expression = self.expression(rule.path, type_name)
        each_one = self._value(rule)
        if each_one is None:
            return None
        many = self._target.many(place)

        def put(at: At, spot: Spot, there: Spot) -> None:
            found = at.items(expression)
            for item in found if many else found[:1]:
                each_one(At(item, resource_of(item) or at.resource, at.writing), spot.within(place) if many else there)

        return put

    def _value(self, rule: Rule) -> Apply | None:
        """Return what puts one item at its place."""
        if rule.type:
            return self.datatype(rule.type, rule.place)
        maps = self._map(rule)
        text_of, encoded_of = self._target.text, self._target.encoded

        def put(at: At, there: Spot) -> None:
            data = encoded_of(at.item)
            if data is not None:
                there.put_encoded(data)
                at.writing.note(rule, at, there)
                return
            text = text_of(at.item)
            if text and maps is not None:
                text = maps(text, at.writing)
            if text:
                there.put(text)
                at.writing.note(rule, at, there)

        return put

    def _map(self, rule: Rule) -> Callable[[str, Writing], str] | None:
        if not rule.map:
            return None
        found: CodeMap | None = self._maps.named(rule.map)
        if found is None:
            self.complain(complaints.NAME_UNKNOWN, rule.place, kind="ConceptMap", name=rule.map)
            return None
        maps, policy = found, rule.unmatched or "drop"
        complaint = UNMATCHED.get(policy, complaints.CODE_REPLACED)

        def translate(code: str, writing: Writing) -> str:
            made = maps.of(code)
            if made is not None:
                return made.code
            writing.issues.append(
                complaint.at(None, where=rule.id, code=code, map=maps.name, fixed=policy, path=rule.to)
            )
            if policy == "keep":
                return code
            return "" if policy in UNMATCHED else policy

        return translate

    # --- messages

    def message(self, message: Message) -> MessageWriter:
        lines = []
        for making in message.makings:
            line = self._line(making)
            if line is not None:
                lines.append(line)
        return MessageWriter(message.name, tuple(lines))

    def _line(self, making: Making) -> _Line | None:
        sets = [each for each in (self.segment(name, making.place) for name in making.segments) if each is not None]
        if not sets:
            self.complain(complaints.KEY_ABSENT, making.place, what=making.id, key="segments")
            return None
        try:
            per = self.expression(making.per or "$this", None)
        except ValueError as error:
            self.complain(complaints.PATH_WRONG, making.place, path=making.per, reason=error)
            return None
        needs: list[tuple[str, Place | Text]] = []
        for path in making.needs:
            found = PLACEHOLDER.fullmatch(path)
            try:
                needs.append((path, self.text(found[1], None) if found else self._target.place(path, sets[0][0])))
            except ValueError as error:
                self.complain(complaints.ELEMENT_FORM, making.place, path=path, reason=error)
        test = self.test(making.when, None, making.place)
        return _Line(making.id, making.place, per, test, tuple(sets), tuple(needs))


def load(layers: Iterable[tuple[str, Path]], engine: Engine, maps: CodeMaps, target: Target) -> Writers:
    """Return the writers of folders of rules, the last over those before it, compiled.

    Raises: MappingError with all that is wrong in any file, each with its line.
    """
    layers = tuple(layers)
    rules = read_layers(layers)
    compiler = _Compiler(rules, engine, maps, target)
    messages: dict[str, MessageWriter] = {}
    for message in rules.messages.values():
        made = compiler.message(message)
        for event in message.events:
            messages[event] = made
    for name, rules_of in rules.segments.items():
        compiler.segment(name, rules_of.place)  # so that what is wrong in it is said, used or not
    for name, rules_of in rules.datatypes.items():
        compiler.datatype(name, rules_of.place)
    issues = [*rules.issues, *compiler.issues]
    if issues:
        raise MappingError(issues)
    return Writers(messages, version_of(layers, maps))

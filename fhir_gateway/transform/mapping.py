"""Mappings ready to be applied: of one kind of message, and of all kinds that some layers of rules speak of.

Source: mappings/README.md; FHIR R4, Bundle, "Transaction".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import compress
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.fhir.primitives import ends_before_start
from fhir_gateway.transform import complaints
from fhir_gateway.transform.codes import CodeMaps
from fhir_gateway.transform.compile import Compiler
from fhir_gateway.transform.complaints import MappingError
from fhir_gateway.transform.documents import files_of
from fhir_gateway.transform.grouping import Grouping, Misplaced
from fhir_gateway.transform.program import Functions, Program
from fhir_gateway.transform.rules import Making, Message, Rules, read_layers
from fhir_gateway.transform.run import Filling, Fired, Instance, Run, criteria
from fhir_gateway.transform.source import Home, Language, Scope, Segment
from fhir_gateway.transform.target import Targets

_NUMBERS = range(1 << 20)  # of fields
_Fill = Callable[[Any, Scope, dict[str, Any], Filling], None]


class Source(Protocol):
    """What a mapping is applied to: its segments in order. `seed`: bytes that tell it from all others."""

    @property
    def segments(self) -> Sequence[Segment]: ...

    @property
    def seed(self) -> bytes: ...


class Unplaced(NamedTuple):
    """A field with content that no rule read. `where`: segment, its number, field, as ERR-2 tells it."""

    where: str


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a source. `instances` in the order they were made; `unplaced`: what found no place; `trace`:
    which rule made which element, where it was asked for.
    """

    instances: tuple[Instance, ...]
    issues: tuple[Issue, ...]
    unplaced: tuple[Unplaced, ...]
    trace: tuple[Fired, ...] = ()

    def bundle(self) -> dict[str, Any]:
        """Return a transaction Bundle: what is to be updated by its search, what is to be created if absent.

        Source: FHIR R4, RESTful API, "Conditional update", "Conditional create".
        """
        return {"resourceType": "Bundle", "type": "transaction", "entry": [_entry(each) for each in self.instances]}


def _entry(instance: Instance) -> dict[str, Any]:
    kind = instance.resource["resourceType"]
    request: dict[str, Any] = {"method": "POST", "url": kind}
    if instance.criteria and instance.request == "update":
        request = {"method": "PUT", "url": f"{kind}?{instance.criteria}"}
    elif instance.criteria and instance.request == "create":
        request["ifNoneExist"] = instance.criteria
    return {"fullUrl": instance.full_url, "resource": instance.resource, "request": request}


class _Maker:
    """Makes the instances of one making in a scope."""

    __slots__ = ("_names", "_plain", "around", "making", "own", "per_segment", "prefer", "request", "required",
                 "segments", "test")  # fmt: skip

    def __init__(self, making: Making, compiler: Compiler, rules: Rules, targets: Targets, per_segment: bool) -> None:
        self.making = making
        self.request = making.request or "create"
        self.per_segment = making.per if per_segment else ""
        home = Home(self.per_segment, "instance")
        segments, around = (
            tuple((_home_of(rules, name), compiler.segment(name, making.place)) for name in names)
            for names in (making.segments, making.around)
        )
        test = compiler.test(making.id, making.when, home, making.place)
        own = compiler.instance(making.id, making.rules, making.resource, self.per_segment) if making.rules else ""
        self._names = (test, own, segments, around)
        self.required = _required(targets, making.resource)
        self._plain = frozenset(name for name, _ in self.required)  # a resource that has them lacks none
        self.prefer = making.prefer

    def ready(self, functions: Functions) -> None:
        """Take the functions that the rules were compiled to."""
        test, own, segments, around = self._names
        self.test: Callable[[Any, Scope], bool] | None = functions[test] if test else None
        self.own: _Fill | None = functions[own] if own else None
        self.segments: tuple[tuple[str, _Fill], ...] = tuple((name, functions[fill]) for name, fill in segments)
        self.around: tuple[tuple[str, _Fill], ...] = tuple((name, functions[fill]) for name, fill in around)

    def begin(self, scope: Scope, run: Run) -> None:
        """Make the instances there are in a scope, still empty, so that others may refer to them."""
        segments = scope.segments.get(self.per_segment, ()) if self.per_segment else (None,)
        making = self.making
        for segment in segments:
            if self.test is None or self.test(segment, scope):
                made = run.instance(making.id, making.resource, self.request)
                made.scope, made.segment = scope, segment
                scope.instances.setdefault(making.id, []).append(made)

    def fill(self, instance: Instance, run: Run) -> None:
        """Apply the rules: the instance's own first, then those of its segments, then those of segments around."""
        scope, resource = instance.scope, instance.resource
        assert scope is not None
        filling = Filling(run, instance, resource)
        if self.own is not None:
            self.own(instance.segment, scope, resource, filling)
        per, there = self.per_segment, scope.segments
        for name, fill in self.segments:
            if name == per:
                found: Sequence[Any] = (instance.segment,)
            elif name in there:
                found = there[name]
            else:
                found = () if scope.parent is None else self._around(name, scope)
            for segment in found:
                filling.labels = {}
                fill(segment, scope, resource, filling)
        if self.around:
            filled = instance.filled
            around = (scope.parent if self.per_segment else None) or scope
            for name, fill in self.around:
                for where, segment in _all_within(around, name):
                    filling.labels = {}
                    fill(segment, where, resource, filling)
            instance.filled = filled

    def _around(self, name: str, scope: Scope) -> Sequence[Any]:
        """Return the segments of a name that a scope has, or one around it from which it may have them."""
        here: Scope | None = scope
        while here is not None:
            found = here.segments.get(name)
            if found:
                return found
            if name in here.own:
                return ()
            here = here.parent
        return ()

    def lacks(self, instance: Instance) -> str:
        """Return an element that is required and absent; "" where there is none."""
        resource = instance.resource
        if resource.keys() >= self._plain:
            return ""
        return next((name for name, names in self.required if names.isdisjoint(resource)), "")

    def find(self, instance: Instance, run: Run) -> None:
        """Say what an instance is found by: the identifier of the type most preferred that names an authority."""
        identifiers = _identifiers(instance.resource.get(self.making.found_by))
        usable = [each for each in identifiers if "system" in each and "value" in each and each.get("use") != "old"]
        if usable:
            instance.criteria = criteria(usable[0] if len(usable) == 1 else min(usable, key=self._rank))
        elif self.making.required:
            where, kind = self.making.required, self.making.resource
            run.issues.append(complaints.NOT_FOUND_BY.at(None, where=where, type=kind))

    def _rank(self, identifier: Mapping[str, Any]) -> int:
        codes = [each.get("code") for each in identifier.get("type", {}).get("coding", ())]
        return next((at for at, each in enumerate(self.prefer) if each in codes), len(self.prefer))


def _home_of(rules: Rules, name: str) -> str:
    return rules.segments[name].home if name in rules.segments else ""


def _required(targets: Targets, type_name: str) -> tuple[tuple[str, frozenset[str]], ...]:
    """Return the elements that a resource must have (a choice by its definition), each with the names it may go by."""
    return tuple(targets.required(type_name).items()) if targets.known(type_name) else ()


def _all_within(scope: Scope, name: str) -> Iterator[tuple[Scope, Any]]:
    """Yield all segments of a name in a group and the groups within it, each with its group."""
    for each in scope.segments.get(name, ()):
        yield scope, each
    for child in scope.children:
        yield from _all_within(child, name)


def _identifiers(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        return [value]
    return value if isinstance(value, list) else []


class MessageMapping:
    """The mapping of one kind of message."""

    def __init__(self, message: Message, makings: Sequence[Making], mappings: _Building) -> None:
        self.name = message.name
        assert message.group is not None
        self._grouping = Grouping(message.group)
        self._expects = frozenset(message.expects)
        groups = self._grouping.names()
        self._makers: dict[str, _Maker] = {}
        self._per_group: dict[str, list[_Maker]] = {}
        self._per_segment: list[_Maker] = []
        for making in makings:
            maker = mappings.maker(making, making.per not in groups)
            self._makers[making.id] = maker
            if maker.per_segment:
                self._per_segment.append(maker)
            else:
                self._per_group.setdefault(making.per, []).append(maker)
        self._ignored: dict[str, int] = {}
        self._holders = mappings.compiler.holders
        self._functions: Functions | None = None  # until the first message comes

    def take(self, functions: Functions, read: Iterable[tuple[str, int]]) -> None:
        """Take the functions that the rules are compiled to, and the fields that are ignored on purpose."""
        self._functions = functions
        for name, number in read:
            self._ignored[name] = self._ignored.get(name, 0) | 1 << number

    def _ready(self, functions: Functions) -> None:
        for maker in self._makers.values():
            maker.ready(functions)
        self._functions = None

    def apply(self, source: Source, traced: bool = False) -> Result:
        """Return what becomes of a source: every resource that its rules make, and what they say of it."""
        if self._functions is not None:
            self._ready(self._functions)
        segments = source.segments
        run = Run(source.seed, traced, self._holders)
        misplaced: list[Misplaced] = []
        root = self._grouping.scopes(segments, misplaced)
        if misplaced or self._expects:
            self._judge_order(segments, misplaced, run)
        self._begin(root, run)
        begun = tuple(run.instances)
        for each in begun:
            self._makers[each.id].fill(each, run)
        run.instances = [each for each in run.instances if each.filled]
        gone = [each for each in begun if not each.filled]
        for each in gone:
            _forget(each)
            if self._makers[each.id].making.required:
                self._makers[each.id].find(each, run)
        for refer, *where in run.later:
            refer(*where)
        self._complete(run)
        unplaced = self._unplaced(segments, run)
        # What knows each other would stay until somebody collects it: dearer than all of the mapping.
        run.later.clear()
        run.grouped.clear()
        root.part()
        return Result(tuple(run.instances), tuple(run.issues), unplaced, _placed(run))

    def _judge_order(self, segments: Iterable[Segment], misplaced: Sequence[Misplaced], run: Run) -> None:
        """Say which segments are missing, and which stand where no group has a place for them."""
        for segment, heads in misplaced:
            where = f"{segment.name}^{segment.number}"
            complaint = complaints.OF_NO_GROUP if heads else complaints.MISPLACED
            run.issues.append(complaint.at(None, where=where, name=segment.name))
        for name in self._expects.difference(each.name for each in segments) if self._expects else ():
            run.issues.append(complaints.MISSING.at(None, where=f"{name}^1", name=name))

    def _begin(self, scope: Scope, run: Run) -> None:
        for maker in self._per_group.get(scope.name, ()):
            maker.begin(scope, run)
        for maker in self._per_segment:
            if maker.per_segment in scope.segments:
                maker.begin(scope, run)
        for child in scope.children:
            self._begin(child, run)

    def _complete(self, run: Run) -> None:
        """Leave out what lacks a required element; say what each is found by."""
        kept, lost = [], set()
        for each in run.instances:
            resource = each.resource
            maker = self._makers.get(each.id) if each.scope is not None else None
            if maker is not None:
                complaint, lacking = complaints.INCOMPLETE, maker.lacks(each)
                if not lacking and maker.making.needs:
                    complaint = complaints.NEEDED
                    lacking = next((name for name in maker.making.needs if name not in resource), "")
                if lacking:
                    kind = resource["resourceType"]
                    where, path = _where(each), f"{kind}.{lacking}"
                    if not _dropped(lacking, each, run):
                        run.issues.append(complaint.at(None, where=where, type=kind, path=path))
                    lost.add(each.full_url)
                    continue
                if maker.making.found_by:
                    maker.find(each, run)
            if "period" in resource:
                self._end_after_start(each, run)
            kept.append(each)
        if lost:
            for each in kept:
                _without_references(each.resource, lost)
        run.instances = kept

    def _end_after_start(self, instance: Instance, run: Run) -> None:
        """Take the end from a period that would end before it starts (invariant per-1): the stay had no such time."""
        period = instance.resource["period"]
        if isinstance(period, dict) and ends_before_start(period):
            del period["end"]
            path = f"{instance.id}.period"
            run.issues.append(complaints.ENDS_BEFORE.at(None, where=_where(instance), path=path))

    def _unplaced(self, segments: Iterable[Segment], run: Run) -> tuple[Unplaced, ...]:
        ignored, placed = self._ignored, run.placed
        found = []
        for segment in segments:
            name = segment.name
            known = placed.get(segment, 0) | ignored.get(name, 0) | 1
            fields = segment.fields
            unknown = _not_in(known, len(fields))
            if any(compress(fields, unknown)):
                for number in compress(compress(_NUMBERS, unknown), compress(fields, unknown)):
                    found.append(Unplaced(f"{name}^{segment.number}^{number}"))
        return tuple(found)


@lru_cache(4096)
def _not_in(known: int, count: int) -> tuple[bool, ...]:
    """Return for so many numbers whether a mask lacks them."""
    return tuple(not known >> number & 1 for number in range(count))


def _placed(run: Run) -> tuple[Fired, ...]:
    """Return what rules made that found a place: a data type's value may find that taken."""
    return tuple(each for each in run.trace or () if each.of)


def _where(instance: Instance) -> str:
    segment = instance.segment
    return f"{segment.name}^{segment.number}" if segment is not None else "MSH^1"


def _dropped(element: str, instance: Instance, run: Run) -> bool:
    """Tell whether a required element is absent since its code is in no table, and say that it cannot be."""
    for at, issue in enumerate(run.issues):
        if issue.complaint is not complaints.CODE_DROPPED or issue.values["path"].split(".")[0] != element:
            continue
        segment = instance.segment
        if segment is None or issue.values["where"].split("^")[:2] == [segment.name, str(segment.number)]:
            run.issues[at] = complaints.CODE_REQUIRED.at(None, **issue.values)
            return True
    return False


def _forget(instance: Instance) -> None:
    assert instance.scope is not None
    instance.scope.instances[instance.id].remove(instance)


def _without_references(value: Any, lost: set[str]) -> bool:
    """Take references to what was left out from a tree, with the items of lists that spoke of nothing else; tell
    whether the value itself is to go.
    """
    if isinstance(value, dict):
        if value.get("reference") in lost:
            return True
        gone = [key for key, each in value.items() if _without_references(each, lost)]
        for key in gone:
            del value[key]
        return bool(gone) and "resourceType" not in value
    if isinstance(value, list):
        value[:] = [each for each in value if not _without_references(each, lost)]
        return not value
    return False


class _Building:
    """Mappings being compiled from rules."""

    def __init__(self, rules: Rules, targets: Targets, maps: CodeMaps, language: Language) -> None:
        self.compiler = Compiler(rules, targets, maps, language)
        self._rules = rules
        self._targets = targets

    def maker(self, making: Making, per_segment: bool) -> _Maker:
        if self._targets.known(making.resource):
            self._check_required(making)
        return _Maker(making, self.compiler, self._rules, self._targets, per_segment)

    def _check_required(self, making: Making) -> None:
        """Complain of elements that a resource must have and that no rule could ever fill."""
        sets = [self._rules.segments[name].rules for name in making.segments if name in self._rules.segments]
        filled = {re.split(r"[.\[]", rule.to)[0].removeprefix("_") for rules in (making.rules, *sets) for rule in rules}
        for name in self._targets.required(making.resource):
            if not any(each.startswith(name.removesuffix("[x]")) for each in filled):
                place, path = making.place, f"{making.resource}.{name}"
                self.compiler.complain(complaints.REQUIRED_ABSENT, place, path=path, type=making.resource)

    def message(self, message: Message) -> MessageMapping:
        own = {each.id: each for each in message.makings}
        makings = []
        for name in message.uses:
            shared = self._rules.instances.get(name)
            if shared is None:
                self.compiler.complain(complaints.NAME_UNKNOWN, message.place, kind="instance", name=name)
                continue
            makings.append(_over(own.pop(name), shared) if name in own else shared)
        return MessageMapping(message, (*makings, *own.values()), self)


def _over(own: Making, shared: Making) -> Making:
    """Return an instance as a message changes it: its own rules come first, what it says stands."""
    return Making(
        own.id, own.place, shared.resource, own.per or shared.per, own.when or shared.when,
        (*shared.segments, *own.segments), (*shared.around, *own.around), own.request or shared.request,
        own.found_by or shared.found_by, own.prefer or shared.prefer, own.required or shared.required,
        own.needs or shared.needs,
        (*own.rules, *shared.rules),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mappings:
    """All mappings of some layers, immutable. `version`: a hash of their files and of the code maps; `layers`: their
    names; `accepted`: events that are taken and stored, and become nothing.
    """

    version: str
    layers: tuple[str, ...]
    messages: Mapping[str, MessageMapping]
    accepted: frozenset[str]
    rules: Rules  # as they were read, for who shows them
    program: Program  # what they were compiled to

    def of(self, event: str) -> MessageMapping | None:
        """Return the mapping of an event ("ADT^A01"); None where it has none."""
        return self.messages.get(event)


def load(layers: Sequence[tuple[str, Path]], targets: Targets, maps: CodeMaps, language: Language) -> Mappings:
    """Return the mappings of folders, the last over those before it, compiled.

    Raises: MappingError with all that is wrong in any file, each with its line.
    """
    rules = read_layers(layers)
    building = _Building(rules, targets, maps, language)
    messages: dict[str, MessageMapping] = {}
    accepted: set[str] = set()
    for message in rules.messages.values():
        accepted.update(message.accepted)
        if message.group is None:
            if message.events:
                building.compiler.complain(complaints.KEY_ABSENT, message.place, what=message.name, key="groups")
            continue
        made = building.message(message)
        for event in message.events:
            messages[event] = made
    unused = (each for each in rules.segments if each not in building.compiler.compiled)
    for name in unused:
        building.compiler.segment(name, rules.segments[name].place)  # so that what is wrong in it is said
    issues = [*rules.issues, *building.compiler.issues]
    if issues:
        raise MappingError(issues)
    functions = building.compiler.functions()
    for each in {id(each): each for each in messages.values()}.values():
        each.take(functions, building.compiler.read)
    names = tuple(name for name, _ in layers)
    return Mappings(version_of(layers, maps), names, messages, frozenset(accepted), rules, building.compiler.program)


def version_of(layers: Iterable[tuple[str, Path]], maps: CodeMaps) -> str:
    """Return a hash of all files of rules and of the code maps."""
    found = blake2b(maps.digest, digest_size=8)
    for name, folder in layers:
        for path in files_of(folder):
            found.update(f"{name}/{path.relative_to(folder).as_posix()}".encode() + b"\0" + path.read_bytes())
    return found.hexdigest()

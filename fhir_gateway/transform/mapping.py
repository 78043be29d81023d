"""Mappings ready to be applied: of one kind of message, and of all kinds that some layers of rules speak of.

Source: mappings/README.md; FHIR R4, Bundle, "Transaction".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.transform import complaints
from fhir_gateway.transform.codes import CodeMaps
from fhir_gateway.transform.compile import Compiler, Steps
from fhir_gateway.transform.complaints import MappingError
from fhir_gateway.transform.condition import Test
from fhir_gateway.transform.grouping import Grouping
from fhir_gateway.transform.rules import Making, Message, Rules, read_layers
from fhir_gateway.transform.run import Filling, Fired, Instance, Run, criteria
from fhir_gateway.transform.source import Home, Language, Scope, Segment
from fhir_gateway.transform.target import Targets


class Source(Protocol):
    """What a mapping is applied to: its segments in order. `seed`: bytes that tell it from all others."""

    @property
    def segments(self) -> Sequence[Segment]: ...

    @property
    def seed(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Unplaced:
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

    __slots__ = ("found_by", "making", "own", "per_segment", "prefer", "required", "segments", "test")

    def __init__(self, making: Making, compiler: Compiler, rules: Rules, targets: Targets, per_segment: bool) -> None:
        self.making = making
        self.per_segment = making.per if per_segment else ""
        self.test: Test | None = compiler.test(making.when, Home(self.per_segment, "instance"), making.place)
        self.own: Steps = compiler.instance(making.rules, making.resource)
        self.segments = tuple(
            (rules.segments[name].home if name in rules.segments else "", compiler.segment(name, making.place))
            for name in making.segments
        )
        required = targets.required(making.resource) if targets.known(making.resource) else ()
        self.required = tuple((each, each.removesuffix("[x]") if each.endswith("[x]") else "") for each in required)
        self.found_by = making.found_by
        self.prefer = making.prefer

    def begin(self, scope: Scope, run: Run) -> None:
        """Make the instances there are in a scope, still empty, so that others may refer to them."""
        segments = scope.segments.get(self.per_segment, ()) if self.per_segment else (None,)
        for segment in segments:
            if self.test is None or self.test(None, segment, scope):
                made = run.instance(self.making.id, self.making.resource, self.making.request)
                made.scope, made.segment = scope, segment
                scope.instances.setdefault(self.making.id, []).append(made)

    def fill(self, instance: Instance, run: Run) -> None:
        """Apply the rules: the instance's own first, then those of its segments."""
        scope, resource = instance.scope, instance.resource
        assert scope is not None
        filling = Filling(run, instance, resource)
        self.own.apply((), None, instance.segment, scope, resource, filling)
        for name, steps in self.segments:
            for segment in self._segments(name, instance, scope):
                filling = Filling(run, instance, resource)
                steps.apply(segment.fields, None, segment, scope, resource, filling)

    def _segments(self, name: str, instance: Instance, scope: Scope) -> Sequence[Any]:
        if name == self.per_segment:
            return (instance.segment,)
        here: Scope | None = scope
        while here is not None:
            found = here.segments.get(name)
            if found:
                return found
            here = here.parent
        return ()

    def lacks(self, instance: Instance) -> str:
        """Return an element that is required and absent; "" where there is none."""
        resource = instance.resource
        for name, choice in self.required:
            if name in resource or f"_{name}" in resource:
                continue
            if not choice or not any(each.startswith(choice) for each in resource):
                return name
        return ""

    def find(self, instance: Instance, run: Run) -> None:
        """Say what an instance is found by: the identifier of the type most preferred that names an authority."""
        usable = [
            each
            for each in _identifiers(instance.resource.get(self.found_by))
            if "system" in each and "value" in each and each.get("use") != "old"
        ]
        if usable:
            instance.criteria = criteria(min(usable, key=self._rank))
        elif self.making.required:
            where, kind = self.making.required, self.making.resource
            run.issues.append(complaints.NOT_FOUND_BY.at(None, where=where, type=kind))

    def _rank(self, identifier: Mapping[str, Any]) -> int:
        codes = {each.get("code") for each in identifier.get("type", {}).get("coding", ())}
        return next((at for at, each in enumerate(self.prefer) if each in codes), len(self.prefer))


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
        self._read = mappings.compiler.read

    def apply(self, source: Source, traced: bool = False) -> Result:
        """Return what becomes of a source: every resource that its rules make, and what they say of it."""
        segments = source.segments
        run = Run(source.seed, traced)
        root = self._grouping.scopes(segments)
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
        for later in run.later:
            later()
        self._complete(run)
        return Result(tuple(run.instances), tuple(run.issues), self._unplaced(segments, run), tuple(run.trace or ()))

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
            maker = self._makers.get(each.id) if each.scope is not None else None
            lacking = maker.lacks(each) if maker is not None else ""
            if maker is not None and lacking:
                kind = each.resource["resourceType"]
                path = f"{kind}.{lacking}"
                run.issues.append(complaints.INCOMPLETE.at(None, where=_where(each), type=kind, path=path))
                lost.add(each.full_url)
                continue
            period = each.resource.get("period")
            if isinstance(period, dict) and period.get("start", "") > period.get("end", "9") and "end" in period:
                # Invariant per-1 of FHIR; a discharge before its admission is no time that the stay had.
                del period["end"]
                run.issues.append(complaints.ENDS_BEFORE.at(None, where=_where(each), path=f"{each.id}.period"))
            if maker is not None and maker.found_by:
                maker.find(each, run)
            kept.append(each)
        if lost:
            for each in kept:
                _without_references(each.resource, lost)
        run.instances = kept

    def _unplaced(self, segments: Iterable[Segment], run: Run) -> tuple[Unplaced, ...]:
        read, placed = self._read, run.placed
        found = []
        for segment in segments:
            name = segment.name
            for number, content in enumerate(segment.fields):
                if number and content and (segment, number) not in placed and (name, number) not in read:
                    found.append(Unplaced(f"{name}^{segment.number}^{number}"))
        return tuple(found)


def _where(instance: Instance) -> str:
    segment = instance.segment
    return f"{segment.name}^{segment.number}" if segment is not None else "MSH^1"


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
        (*shared.segments, *own.segments), shared.request if own.request == "create" else own.request,
        own.found_by or shared.found_by, own.prefer or shared.prefer, own.required or shared.required,
        (*own.rules, *shared.rules),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mappings:
    """All mappings of some layers, immutable. `version`: a hash of all they were made of; `accepted`: events that are
    taken and stored, and become nothing.
    """

    version: str
    messages: Mapping[str, MessageMapping]
    accepted: frozenset[str]

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
    return Mappings(_version(layers), messages, frozenset(accepted))


def _version(layers: Iterable[tuple[str, Path]]) -> str:
    """Return a hash of all files of rules."""
    found = blake2b(digest_size=8)
    for name, folder in layers:
        for path in sorted(folder.rglob("*.yaml")):
            found.update(f"{name}/{path.relative_to(folder).as_posix()}".encode() + b"\0" + path.read_bytes())
    return found.hexdigest()

"""Rules as they are written: rows of a mapping table, in sets for a segment, a data type or an instance, in layers.

A layer lies over those before it: its rules come first (the first rule that has a value for a single element fills it),
one with the id of a rule below takes its place, `drop` removes.

Source: mappings/README.md, which says the form; the columns of HL7 v2-to-FHIR's tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args

from fhir_gateway.fhir.outcome import Complaint, Issue
from fhir_gateway.transform import complaints
from fhir_gateway.transform.documents import Document, Items, Mapping, Text, Value, documents

Request = Literal["update", "create", "always", "part"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. Empty texts are what it does not say; `place`: file and line."""

    id: str
    place: str
    to: str
    path: str = ""  # from
    when: str = ""
    type: str = ""
    map: str = ""
    unmatched: str = ""
    value: str = ""
    instance: str = ""
    also: tuple[tuple[str, str], ...] = ()  # with
    source: str = ""
    warn: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules for a segment or a data type. `home`: which ("PID", "CX"); `target`: what they fill."""

    name: str
    place: str
    home: str
    target: str
    rules: tuple[Rule, ...] = ()
    ignored: tuple[str, ...] = ()  # fields that are read by others, or say nothing that an element could hold


@dataclass(frozen=True, slots=True)
class Making:
    """A resource that is made, once for each group or segment `per`.

    `segments`: names of rule sets that fill it; `around`: of such as are applied to every segment of the group around
    its own, and of the groups within that. `request`: update: it is written over what is found; create: written
    where nothing is found; always: a new one. `found_by`: the element that it is found by, `prefer`: types of
    identifiers in order; `required`: where the source is told to lack it. `needs`: elements without which it is
    an error that it is not made.
    """

    id: str
    place: str
    resource: str
    per: str = ""
    when: str = ""
    segments: tuple[str, ...] = ()
    around: tuple[str, ...] = ()
    request: Request | Literal[""] = ""  # not said: create
    found_by: str = ""
    prefer: tuple[str, ...] = ()
    required: str = ""
    needs: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """A group of segments: `head` opens it (in this order), `body` belongs to it, `groups` are within it."""

    name: str
    head: tuple[str, ...]
    body: tuple[str, ...]
    groups: tuple[Group, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """A kind of message: which `events` are of it, its groups, what is made of it. `expects`: segments that it is told
    to lack where they are missing.
    """

    name: str
    place: str
    events: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()
    expects: tuple[str, ...] = ()
    group: Group | None = None
    uses: tuple[str, ...] = ()
    makings: tuple[Making, ...] = ()


@dataclass(slots=True)
class Rules:
    """All rules of some layers. `issues`: everything that is wrong with how they are written."""

    segments: dict[str, RuleSet] = field(default_factory=dict)
    datatypes: dict[str, RuleSet] = field(default_factory=dict)
    instances: dict[str, Making] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)


def read_layers(layers: Iterable[tuple[str, Path]]) -> Rules:
    """Return the rules of folders, each with its name, the last over those before it."""
    rules = Rules()
    for name, folder in layers:
        for stem, document in documents(folder, name):
            _Reader(rules, document).take(stem, document.name.removeprefix(f"{name}/").split("/")[0])
    return rules


_RULE_KEYS = ("id", "from", "when", "to", "type", "map", "unmatched", "value", "instance", "with", "source",
              "warn", "group")  # fmt: skip
_MAKING_KEYS = ("id", "resource", "per", "when", "segments", "around", "request", "found_by", "prefer", "required",
                "needs", "rules", "drop")  # fmt: skip
_MESSAGE_KEYS = ("message", "events", "accepted", "expects", "groups", "uses", "makes", "drop")
_GROUP_KEYS = ("group", "head", "body", "groups")
_SET_KEYS = ("segment", "resource", "ignored", "rules", "drop")


class _Reader:
    """Reads one document into the rules of the layers below it."""

    def __init__(self, rules: Rules, document: Document) -> None:
        self._rules = rules
        self._document = document
        self._issues = rules.issues
        rules.issues += document.issues

    def take(self, stem: str, folder: str) -> None:
        content = self._document.content
        readers = {
            "segments": self._segment,
            "datatypes": self._datatypes,
            "instances": self._instances,
            "messages": self._message,
        }
        if content is None:
            return
        if folder not in readers:
            place = f"{self._document.name}:1"
            self._say(complaints.SHAPE, place, what=folder, expected=" / ".join(readers))
        elif not isinstance(content, Mapping):
            self._say(complaints.SHAPE, content.place, what=stem, expected="a mapping")
        else:
            readers[folder](stem, content)

    # --- the four kinds of files

    def _segment(self, stem: str, content: Mapping) -> None:
        self._known(content, _SET_KEYS)
        below = self._rules.segments.get(stem)
        home = self._text(content, "segment", "" if below is None else below.home)
        target = self._text(content, "resource", "" if below is None else below.target)
        for key, value in (("segment", home), ("resource", target)):
            if not value:
                self._say(complaints.KEY_ABSENT, content.place, what=stem, key=key)
        rules = self._layered(content, () if below is None else below.rules)
        ignored = (*(() if below is None else below.ignored), *self._texts(content, "ignored"))
        self._rules.segments[stem] = RuleSet(stem, content.place, home, target, rules, ignored)

    def _datatypes(self, _stem: str, content: Mapping) -> None:
        for name, value in content.items():
            home, bracket, rest = name.partition("[")
            if not bracket or not rest.endswith("]"):
                self._say(complaints.SHAPE, value.place, what=name, expected="CX[Identifier]")
                continue
            below = self._rules.datatypes.get(name)
            if isinstance(value, Items):
                written = Mapping(value.place)
                written["rules"] = value
            elif isinstance(value, Mapping):
                self._known(value, ("rules", "drop"))
                written = value
            else:
                self._say(complaints.SHAPE, value.place, what=name, expected="a list of rules")
                continue
            rules = self._layered(written, () if below is None else below.rules)
            target = rest[:-1].split("-")[0]
            self._rules.datatypes[name] = RuleSet(name, value.place, home, target, rules)

    def _instances(self, _stem: str, content: Mapping) -> None:
        for name, value in content.items():
            if isinstance(value, Mapping):
                self._rules.instances[name] = self._making(name, value, self._rules.instances.get(name))
            else:
                self._say(complaints.SHAPE, value.place, what=name, expected="a mapping")

    def _message(self, stem: str, content: Mapping) -> None:
        self._known(content, _MESSAGE_KEYS)
        below = self._rules.messages.get(stem, Message(stem, content.place))
        groups = self._groups(content.get("groups"))
        makings = {each.id: each for each in below.makings}
        for value in self._list(content, "makes"):
            if isinstance(value, Mapping) and "id" in value:
                name = str(value["id"])
                makings[name] = self._making(name, value, makings.get(name))
            else:
                self._say(complaints.KEY_ABSENT, value.place, what="makes", key="id")
        for name in self._texts(content, "drop"):
            if makings.pop(name, None) is None:
                self._say(complaints.DROP_NOTHING, content.place, id=name)
        self._rules.messages[stem] = replace(
            below,
            events=(*below.events, *self._texts(content, "events")),
            accepted=(*below.accepted, *self._texts(content, "accepted")),
            expects=(*below.expects, *self._texts(content, "expects")),
            group=Group("MESSAGE", ("MSH",), (), groups) if groups else below.group,
            uses=(*below.uses, *self._texts(content, "uses")),
            makings=tuple(makings.values()),
        )

    # --- their parts

    def _making(self, name: str, content: Mapping, below: Making | None) -> Making:
        self._known(content, _MAKING_KEYS)
        made = below or Making(name, content.place, "")
        request = self._text(content, "request", made.request)
        if request and request not in get_args(Request):
            self._say(complaints.SHAPE, content.place, what="request", expected=" / ".join(get_args(Request)))
        segments = tuple(each for each in self._texts(content, "segments") if each not in made.segments)
        around = tuple(each for each in self._texts(content, "around") if each not in made.around)
        return Making(
            name,
            content.place,
            self._text(content, "resource", made.resource),
            self._text(content, "per", made.per),
            self._text(content, "when", made.when),
            (*made.segments, *segments),
            (*made.around, *around),
            request,  # type: ignore[arg-type]  # judged above
            self._text(content, "found_by", made.found_by),
            tuple(self._texts(content, "prefer")) or made.prefer,
            self._text(content, "required", made.required),
            tuple(self._texts(content, "needs")) or made.needs,
            self._layered(content, made.rules),
        )

    def _groups(self, value: Value | None) -> tuple[Group, ...]:
        found = []
        for each in value if isinstance(value, Items) else ():
            if not isinstance(each, Mapping):
                self._say(complaints.SHAPE, each.place, what="groups", expected="mappings")
                continue
            self._known(each, _GROUP_KEYS)
            head, body = tuple(self._texts(each, "head")), tuple(self._texts(each, "body"))
            if not head:
                self._say(complaints.KEY_ABSENT, each.place, what="a group", key="head")
            name = self._text(each, "group", head[0] if head else "")
            found.append(Group(name, head, body, self._groups(each.get("groups"))))
        return tuple(found)

    def _layered(self, content: Mapping, below: tuple[Rule, ...]) -> tuple[Rule, ...]:
        """Return a layer's rules over those below it."""
        own: dict[str, Rule] = {}
        for value in self._list(content, "rules"):
            rule = self._rule(value)
            if rule is None:
                continue
            if rule.id in own:
                self._say(complaints.ID_TWICE, rule.place, id=rule.id, other=own[rule.id].place)
            own[rule.id] = rule
        dropped = set(self._texts(content, "drop"))
        known = {each.id for each in below}
        for name in sorted(dropped - known):
            self._say(complaints.DROP_NOTHING, content.place, id=name)
        kept = tuple(own.pop(each.id, each) for each in below if each.id not in dropped)
        return (*own.values(), *kept)

    def _rule(self, value: Value) -> Rule | None:
        if not isinstance(value, Mapping):
            self._say(complaints.SHAPE, value.place, what="a rule", expected="a mapping")
            return None
        self._known(value, _RULE_KEYS)
        for key in ("id", "to"):
            if key not in value:
                self._say(complaints.KEY_ABSENT, value.place, what="a rule", key=key)
        if not any(key in value for key in ("from", "value", "instance")):
            self._say(complaints.KEY_ABSENT, value.place, what="a rule", key="from / value / instance")
        also = value.get("with", Mapping(value.place))
        if not isinstance(also, Mapping):
            self._say(complaints.SHAPE, also.place, what="with", expected="a mapping")
            also = Mapping(value.place)
        texts = {key: self._text(value, key) for key in _RULE_KEYS if key != "with"}
        return Rule(
            texts["id"], value.place, texts["to"], texts["from"], texts["when"], texts["type"], texts["map"],
            texts["unmatched"], texts["value"], texts["instance"],
            tuple((key, str(each)) for key, each in also.items()), texts["source"],
            texts["warn"],
            texts["group"],
        )  # fmt: skip

    # --- reading what stands in a document

    def _say(self, complaint: Complaint, place: str, **values: object) -> None:
        self._issues.append(complaint.at(None, place=place, **values))

    def _known(self, content: Mapping, keys: Sequence[str]) -> None:
        for key, value in content.items():
            if key not in keys:
                self._say(complaints.KEY_UNKNOWN, value.place, key=key, known=", ".join(keys))

    def _text(self, content: Mapping, key: str, default: str = "") -> str:
        value = content.get(key)
        if value is None:
            return default
        if isinstance(value, Text):
            return str(value)
        self._say(complaints.SHAPE, value.place, what=key, expected="a text")
        return default

    def _list(self, content: Mapping, key: str) -> Items:
        value = content.get(key)
        if isinstance(value, Items):
            return value
        if value is not None:
            self._say(complaints.SHAPE, value.place, what=key, expected="a list")
        return Items(content.place)

    def _texts(self, content: Mapping, key: str) -> list[str]:
        found = []
        for each in self._list(content, key):
            if isinstance(each, Text):
                found.append(str(each))
            else:
                self._say(complaints.SHAPE, each.place, what=key, expected="texts")
        return found

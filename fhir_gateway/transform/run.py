"""What is made while a mapping is applied: instances, what they contain, what was read and what could not be.

Source: FHIR R4, Bundle, "Transaction"; References, "Contained Resources"; RESTful API, "Conditional update".
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple
from urllib.parse import quote

from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.transform.source import Scope

_NONE: Mapping[str, tuple[str, ...]] = {}
_NUMBERS = tuple(f"{number:012x}" for number in range(256))  # as urls end in them


class Fired(NamedTuple):
    """A rule that made something. `element`: where, as the rule says; `of`: id of the instance (while a data
    type is being made ""), `where`: its source.
    """

    rule: str
    place: str
    where: str
    of: str
    element: str


class Instance:
    """A resource in the making. `criteria`: the search it is found by, "" for none; `deleted`: elements whose deletion
    the sender asks for; `filled`: whether a rule with a source made something of it.
    """

    # Said once here: most instances keep most of it.
    criteria = ""
    filled = False
    scope: Scope | None = None
    segment: Any = None

    def __init__(self, name: str, resource: dict[str, Any], full_url: str, request: str) -> None:
        self.id = name
        self.resource = resource
        self.full_url = full_url
        self.request = request
        self.deleted: list[str] = []


class Filling:
    """Rules being applied to one object: `owner` holds what it contains, `labels` the items of lists named so far."""

    __slots__ = ("instance", "labels", "owner", "run")

    def __init__(self, run: Run, instance: Instance, owner: dict[str, Any]) -> None:
        self.run = run
        self.instance = instance
        self.owner = owner
        self.labels: dict[tuple[int, str, str], Any] = {}


class Run:
    """One application of a mapping. `placed`: the fields that a rule read, a bit each, by segment; `trace`: what fired,
    if asked for; `later`: references, made when all instances are; `grouped`: instances of groups, by a text of their
    segments. `holders`: the elements of types of resources whose references hold the resource they are to until that
    has its place.
    """

    __slots__ = ("_count", "_holders", "_seed", "_shared", "_unique", "grouped", "instances", "issues", "later",
                 "placed", "trace")  # fmt: skip

    def __init__(self, seed: bytes, traced: bool = False, holders: Mapping[str, tuple[str, ...]] = _NONE) -> None:
        self._seed = seed
        self._holders = holders
        self._unique = ""
        self._count = 0
        self._shared: dict[tuple[str, str, str], Instance] = {}
        self.instances: list[Instance] = []
        self.issues: list[Issue] = []
        self.later: list[tuple[Any, ...]] = []
        self.grouped: dict[Any, Any] = {}
        self.placed: dict[Any, int] = {}
        self.trace: list[Fired] | None = [] if traced else None

    def place(self, segment: Any, number: int) -> None:
        """Note that a field of another segment found its place."""
        self.placed[segment] = self.placed.get(segment, 0) | 1 << number

    def full_url(self, number: int) -> str:
        """Return a urn:uuid that is the same whenever the same message is mapped."""
        if not self._unique:
            made = blake2b(self._seed, digest_size=9).hexdigest()
            self._unique = f"urn:uuid:{made[:8]}-{made[8:12]}-4{made[12:15]}-8{made[15:18]}-"
        return self._unique + (_NUMBERS[number] if number < len(_NUMBERS) else f"{number:012x}")

    def instance(self, name: str, type_name: str, request: str) -> Instance:
        """Return a new instance, the last of this run."""
        instances = self.instances
        made = Instance(name, {"resourceType": type_name}, self.full_url(len(instances) + 1), request)
        instances.append(made)
        return made

    def reference(self, resource: dict[str, Any], filling: Filling) -> dict[str, Any]:
        """Return a reference to a resource that a data type became: an entry of its own where it has an identifier to
        be found by (once, however often it is named), else contained where it is named.

        What the resource itself refers to stands in it as a whole until now.
        """
        return {"reference": self._settled(resource, filling.owner)}

    def _settled(self, resource: dict[str, Any], owner: dict[str, Any]) -> str:
        kind = str(resource["resourceType"])
        for name in self._holders.get(kind, ()):
            if name in resource:
                value = resource[name]
                for each in value if type(value) is list else (value,):
                    if type(each.get("reference")) is dict:
                        each["reference"] = self._settled(each["reference"], resource)
        for each in resource.get("identifier", ()):
            if "system" in each and "value" in each:
                return self._named(kind, each, resource).full_url
        return f"#{self._contained(resource, owner)}"

    def withdraw(self, reference: dict[str, Any], filling: Filling) -> None:
        """Take back what was contained for a place that was taken, and what it alone referred to."""
        owner, waiting = filling.owner, [str(reference.get("reference", ""))]
        while waiting:
            name = waiting.pop()
            if not name.startswith("#") or _refers(owner, name):
                continue
            for gone in [each for each in owner.get("contained", ()) if each["id"] == name[1:]]:
                owner["contained"].remove(gone)
                waiting += _references(gone)
        if "contained" in owner and not owner["contained"]:
            del owner["contained"]

    def _named(self, kind: str, identifier: dict[str, Any], resource: dict[str, Any]) -> Instance:
        key = (kind, identifier["system"], identifier["value"])
        found = self._shared.get(key)
        if found is None:
            found = self._shared[key] = self.instance(kind, kind, "create")
            found.resource = resource
            found.criteria = criteria(identifier)
            found.filled = True
        else:
            for name, value in resource.items():
                found.resource.setdefault(name, value)
        return found

    def _contained(self, resource: dict[str, Any], owner: dict[str, Any]) -> str:
        """Put a resource into another; what it contains itself goes there too, since nothing nests."""
        contained: list[dict[str, Any]] = owner.setdefault("contained", [])
        if "contained" in resource:
            contained += resource.pop("contained")
        kind, size = resource["resourceType"], len(resource) + 1
        for each in contained:
            if each["resourceType"] == kind and len(each) == size:
                name = each["id"]
                resource["id"] = name
                if each == resource:
                    return str(name)
                del resource["id"]
        self._count += 1
        name = f"c{self._count}"  # unique in the whole run: what is moved to another owner keeps its name
        resource["id"] = name
        contained.append(resource)
        return name


def _refers(value: Any, name: str) -> bool:
    if isinstance(value, dict):
        return value.get("reference") == name or any(_refers(each, name) for each in value.values())
    return isinstance(value, list) and any(_refers(each, name) for each in value)


def _references(value: Any) -> list[str]:
    """Return all references in a tree."""
    if isinstance(value, list):
        return [found for each in value for found in _references(each)]
    if not isinstance(value, dict):
        return []
    own = [str(value["reference"])] if isinstance(value.get("reference"), str) else []
    return [*own, *(found for each in value.values() for found in _references(each))]


def criteria(identifier: dict[str, Any]) -> str:
    """Return the search for an identifier with system and value.

    Source: FHIR R4, Search, "token": system|value; a comma, dollar or bar within is escaped by a backslash.
    """
    return f"identifier={_token(identifier['system'])}|{_token(identifier['value'])}"


def _token(text: str) -> str:
    if text.isalnum() and text.isascii():
        return text
    return _quoted(text) if len(text) < 200 else _quoted.__wrapped__(text)


@lru_cache(4096)
def _quoted(text: str) -> str:
    for sign in "\\,$|":
        text = text.replace(sign, f"\\{sign}")
    return quote(text, safe=":/.-_~\\")

"""The policy: what each role may do, compiled from the file in which it is written.

Source: `politique.yaml`; FHIR R4, TypeRestfulInteraction; OperationDefinition.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fhir_gateway.fhir.outcome import Issue, Language

if TYPE_CHECKING:
    from fhir_gateway.conformance.definitions import Definitions

Scope = Literal["tout", "organisation", "adressé", "aucune"]
Key = tuple[str, str, str]  # role, interaction or operation, type
ANYWHERE = "*"  # in place of the type: an operation on every type and at system level
SHIPPED = Path(__file__).with_name("politique.yaml")
_IDENTIFIER_TYPE = "http://terminology.hl7.org/CodeSystem/v2-0203"
_BY_VERSION = ("versionId", "lastUpdated")  # of meta: what the server gives each version


class BadPolicy(Exception):
    """A policy that cannot be used. `issues`: everything that is wrong with its files."""

    def __init__(self, issues: Sequence[Issue]) -> None:
        super().__init__("\n".join(issue.text() for issue in issues))
        self.issues = tuple(issues)

    def text(self, language: Language = "en") -> str:
        """Return every problem in a line, with file and line."""
        return "\n".join(issue.text(language) for issue in self.issues)


@dataclass(frozen=True, slots=True)
class Right:
    """What a role may do by one act on one type.

    `scope`: "tout": nothing is hidden; "organisation" and "adressé": what the actor's organisation may see, and by
    update, patch and delete under "organisation" only what is its own; "aucune": only what everybody may see.
    `fields`: the elements the act may change, None: all; of `identifier` under "adressé" only what whoever fills an
    order calls it (type FILL). `before`, `after`: the statuses that the resource may have before the act, and that the
    act may bring it into, None: any.
    """

    scope: Scope
    fields: frozenset[str] | None = None
    before: frozenset[str] | None = None
    after: frozenset[str] | None = None
    json_names: frozenset[str] = field(default=frozenset(), repr=False)  # of `fields`: "valueString" for "value"

    def refused(self, stored: Mapping[str, Any] | None, sent: Mapping[str, Any] | None) -> tuple[str, ...]:
        """Return the elements by which an act exceeds this right, by their JSON names in alphabetical order.

        `stored`: the resource before the act, None for a create; `sent`: after it, None for a delete. `status` is
        among them where the resource has a status that the right does not take. `id` and what the server gives each
        version are not looked at.
        """
        if self.fields is None and self.before is None and self.after is None:
            return ()
        wrong: set[str] = set()
        if self.before is not None and stored is not None and stored.get("status") not in self.before:
            wrong.add("status")
        moves = sent is not None and (stored is None or stored.get("status") != sent.get("status"))
        if self.after is not None and moves and sent is not None and sent.get("status") not in self.after:
            wrong.add("status")
        if self.fields is not None and sent is not None:
            wrong |= changed(stored or {}, sent) - self.json_names
            own_numbers = self.scope == "adressé" and "identifier" in self.fields
            if own_numbers and _numbers_of_others(stored or {}) != _numbers_of_others(sent):
                wrong.add("identifier")
        return tuple(sorted(wrong))


def changed(stored: Mapping[str, Any], sent: Mapping[str, Any]) -> set[str]:
    """Return the JSON names of the elements that differ between two states of a resource; `_birthDate`: birthDate."""
    names = (stored.keys() | sent.keys()) - {"id", "meta", "resourceType"}
    differing = {name.removeprefix("_") for name in names if stored.get(name) != sent.get(name)}
    return differing | ({"meta"} if _said(stored) != _said(sent) else set())


def _numbers_of_others(resource: Mapping[str, Any]) -> list[Any]:
    """Return the identifiers that are not those of whoever fills an order (HL7 v2-0203, FILL)."""
    return [
        each
        for each in resource.get("identifier", ())
        if not any(
            coding.get("system") == _IDENTIFIER_TYPE and coding.get("code") == "FILL"
            for coding in each.get("type", {}).get("coding", ())
        )
    ]


def _said(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a sender says in meta."""
    return {name: value for name, value in resource.get("meta", {}).items() if name not in _BY_VERSION}


@dataclass(frozen=True, slots=True)
class Written:
    """A right as the file says it, by the names of its groups."""

    acts: tuple[str, ...]  # interactions or operations
    types: tuple[str, ...]  # none: of an operation, everywhere
    scope: str
    fields: tuple[str, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """What the file says of a role in the two languages, and its rights as they are written."""

    label: Mapping[str, str]  # by language
    reason: Mapping[str, str]
    source: str
    rights: tuple[Written, ...]


class Policy:
    """What each role may do; immutable and shared by all threads. A question costs one or two look-ups."""

    def __init__(
        self,
        acts: Mapping[Key, Right],
        operations: Mapping[Key, Right],
        resources: Sequence[str],
        words: Mapping[str, Words],
        everyone: Sequence[Written],
        groups: Mapping[str, Mapping[str, tuple[str, ...]]],
    ) -> None:
        self._acts = dict(acts)
        self._operations = dict(operations)
        self.resources = tuple(resources)
        self.words = words
        self.everyone = tuple(everyone)  # the rights of every role, as written
        self.groups = groups  # kind of thing → group → what is in it
        by_act: dict[tuple[str, str], set[str]] = {}
        for role, code, type in acts:
            by_act.setdefault((role, code), set()).add(type)
        every = frozenset(resources)
        self._types = {act: None if types == every else frozenset(types) for act, types in by_act.items()}
        self._unnarrowed = {
            role
            for role in words
            if all((right := acts.get((role, "read", type))) and right.scope == "tout" for type in resources)
        }

    def right(self, role: str, code: str, type: str | None, operation: str | None = None) -> Right | None:
        """Return the right of a role to an interaction on a type, or to an operation there; None: it has none.

        `code`: one of R4's interactions with a type, or "operation". `type` None: at system level, for operations.
        """
        if operation is None:
            return self._acts.get((role, code, type))  # type: ignore[arg-type]  # None is no key
        found = self._operations.get((role, operation, type))  # type: ignore[arg-type]
        return found if found is not None else self._operations.get((role, operation, ANYWHERE))

    def types(self, role: str, code: str) -> frozenset[str] | None:
        """Return the types on which a role has a right to an interaction; None: all."""
        return self._types.get((role, code), _NO_TYPES)

    def unnarrowed(self, role: str) -> bool:
        """Tell whether nothing at all is hidden from a role: its right to read is `tout` on every type."""
        return role in self._unnarrowed

    def label(self, role: str, language: Language = "en") -> str:
        """Return how people call a role; the role itself where there is none."""
        words = self.words.get(role)
        return role if words is None else words.label[language]


_NO_TYPES: frozenset[str] = frozenset()


def load(over: Path | None, definitions: Definitions) -> Policy:
    """Return the policy that ships, with a site's own file laid over it: its groups and roles replace whole ones.

    Raises: BadPolicy with everything that is wrong with either.
    """
    from fhir_gateway.policy.policy_compiler import compiled  # only where a policy is read

    if over is None:
        return compiled([SHIPPED], definitions, statuses=False)  # a test checks those
    return compiled([SHIPPED, over], definitions, statuses=True)


@cache
def shipped() -> Policy:
    """Return the policy that ships, the same object throughout a process."""
    from fhir_gateway.conformance.definitions import definitions

    return load(None, definitions())

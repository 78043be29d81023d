"""One act of a write: an entry of a transaction, or an act alone, which is a transaction of one.

Source: FHIR R4, Bundle, `entry`; RESTful API, "Transaction Processing Rules".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.fhir.structure import Link, path_of
from fhir_gateway.interactions.interaction import Interaction, Parameters
from fhir_gateway.interactions.references import Rewriting
from fhir_gateway.store.contract import Key, Read, Version
from fhir_gateway.store.search.tokens import Token

WRITES = frozenset({"create", "update", "patch", "delete"})
_ORDER = {"delete": 0, "create": 1, "update": 2, "patch": 2}
_INSTANCE = frozenset({"read", "vread", "update", "patch"})


class Onto(Protocol):
    """How a conditional act finds what it is about, and what an update leaves of what is there."""

    def chosen(self, view: Read, found: list[Key]) -> list[Key]:
        """Return which of the resources that the condition names are meant."""

    def laid(self, view: Read | None, key: Key, stored: dict[str, Any] | None) -> dict[str, Any]:
        """Return the resource to be stored; `stored` itself where it stays as it is, None: nothing is there yet."""


@dataclass(slots=True)
class Entry:
    """An act with its place in the request: number 3 at "Bundle.entry[3]", or "" for an act alone.

    `made_id` is the id the server will give, should it create; made once, so that a repeated attempt gives the same.
    `criteria` is the condition of a conditional act, normalised; `parameters` the same as the search takes it.
    """

    act: Interaction
    number: int = 0
    place: str = ""
    full_url: str | None = None
    head: bool = False  # asked by HEAD: the answer has no resource
    made_id: str = ""
    criteria: str | None = None
    parameters: Parameters | None = None
    links: list[Link] | None = None  # of the resource, from the structure check
    links_from_root: bool = False  # their expressions begin at the Bundle
    rewriting: Rewriting | None = None  # what the last plan did to the resource
    judged: Sequence[Issue] | None = None  # what is wrong with the resource, known of others that are like it
    notes: Sequence[Issue] = ()  # what validation found that does not forbid it
    gaps: Sequence[Issue] = ()  # what the dossier still lacks, where the resource is a request of one
    onto: Onto | None = None  # of a message, which tells what it knows and no more
    token: tuple[object, Token | None] | None = None  # the criteria as one identifier, by the registry it was read for
    made_number: str = ""  # the number of the dossier that the request begins, made once as the id is

    @property
    def asks_nothing(self) -> bool:
        """Whether the entry can be planned without a look at the store."""
        return self.act.code == "create" and self.criteria is None

    @property
    def order(self) -> int:
        """When it is processed: DELETE, POST, PUT and PATCH, then what reads."""
        return _ORDER.get(self.act.code, 3)

    @property
    def instance(self) -> str | None:
        """The URL of the resource that an answer to it has as body, where the request names it."""
        act = self.act
        return f"{act.base}/{act.type}/{act.id}" if act.code in _INSTANCE and act.id is not None else None

    def undo(self) -> None:
        """Put the resource back as it was sent."""
        if self.rewriting is not None:
            self.rewriting.undo()
            self.rewriting = None

    def at(self, name: str) -> str | None:
        """Return the expression of something in the entry's request: `url`, `ifMatch`."""
        return f"{self.place}.request.{name}" if self.place else None

    def expression(self, link: Link) -> str:
        """Return the expression of the element that a link of the resource is: "Observation.subject"."""
        path = path_of(link.path)
        if self.place and not self.links_from_root:
            path = f"{self.place}.resource.{path.partition('.')[2]}"
        return path.removesuffix(".reference") if link.kind == "reference" else path

    def moved(self, issue: Issue) -> Issue:
        """Return an issue of this entry's resource, told from the root of what was sent."""
        if not self.place or (issue.expression or "").startswith(self.place):
            return issue
        return issue.moved(f"{self.place}.resource") if issue.expression else self.placed(issue)

    def placed(self, issue: Issue) -> Issue:
        """Return an issue about the entry as a whole, unless it has a place already."""
        if not self.place or issue.expression:
            return issue
        return Issue(issue.complaint, self.place, issue.values)


@dataclass(frozen=True, slots=True)
class Identity:
    """Which resources an entry is about.

    new: to be created under an id of the server's; claimed: to be created under the id the resource brings, which
    must be free; named: by the URL; found: by a condition (no keys: it matched nothing, and nothing is to be done).
    """

    keys: tuple[Key, ...]
    state: Literal["new", "claimed", "named", "found"]


@dataclass(frozen=True, slots=True)
class Done:
    """What became of an entry. `version` is the version now current; several when a condition deleted many."""

    outcome: Literal["created", "updated", "unchanged", "deleted", "absent", "found"]
    version: Version | None
    count: int = 1

"""What people and platforms do to a dossier, one act after the other: who, when, what; the server does the rest.

A driver plays acts through HTTP with a token of each actor: a Write is a transaction, a Move is an update of the Task
that the server made, found by what it is about. `standing.py` tells what a gateway holds after them.

Source: genomics design, "Workflow"; FHIR R4, RESTful API, "transaction"; Task.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fhir_gateway.demo_dossiers.resources import Resource
from fhir_gateway.demo_dossiers.submission import transaction
from fhir_gateway.dossier.actor import Acting


@dataclass(frozen=True, slots=True)
class Write:
    """Resources created, and new versions of others, in one transaction; `what` says it in a word.

    References are "Type/id" with the ids of the example; `bundle` makes them what a server can follow.
    """

    what: str
    created: tuple[Resource, ...] = ()
    replaced: tuple[Resource, ...] = ()

    def bundle(self, stored: Mapping[str, Resource]) -> Resource:
        """Return the transaction; `stored`: what earlier acts wrote, by "Type/id" (`Standing.resources`)."""
        return transaction(self.created, self.replaced, stored, profile=self.what == "submission")


@dataclass(frozen=True, slots=True)
class Move:
    """A Task to another status: that of a code (pfmg-tache), a request and a tube (ids; None: of the whole person).

    `reason`: of pfmg-motif; `output`: "Type/id" of what was made. Who accepts or rejects it becomes its owner; `owner`:
    the structure ("system|value") that it is addressed to.
    """

    code: str
    request: str
    status: str
    tube: str | None = None
    reason: str | None = None
    output: str | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """`at`: an instant, UTC, as FHIR writes it."""

    at: str
    actor: Acting
    deed: Write | Move

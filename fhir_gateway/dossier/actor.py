"""Who acts on a dossier, as far as its rules ask: a role, an organisation, a person; and the server itself.

Source: `terminology/pfmg/CodeSystem-pfmg-fonction.json` for the functions that roles stand for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Actor(Protocol):
    """`role`: of the gateway; `organisation`: the structure acted for, "system|value"; `rpps`: of a person."""

    @property
    def role(self) -> str: ...
    @property
    def organisation(self) -> str | None: ...
    @property
    def rpps(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Acting:
    """An actor by these three alone, where no token stands behind: the server, tests, tools."""

    role: str
    organisation: str | None = None
    rpps: str | None = None


SERVER = Acting("serveur")
PRESCRIBERS = frozenset({"prescripteur", "conseiller-genetique"})
ASSISTANTS = frozenset({"assistant-prescription"})
RCP_MEMBERS = frozenset({"coordonnateur-rcp", "membre-rcp"})
LABORATORY = frozenset({"plateforme", "biologiste-lbm"})

"""Who acts in the demonstration, and a token for each: of the built-in issuer, or of a folder that they are kept in.

A file of the folder is named after a role and a structure, `prescripteur-990000010`, and after the role alone for the
structure that most of the demonstration is about. It holds the header that curl sends with `-H @file`.

Source: RFC 6750; `profiles/examples/pfmg/people.json`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fhir_gateway.demo.driver import TokenOf
from fhir_gateway.demo_dossiers.invented import professionals, structures
from fhir_gateway.dossier.actor import Acting
from fhir_gateway.policy import scopes
from fhir_gateway.policy.actor import ROLES
from fhir_gateway.policy.builtin_issuer import BuiltinIssuer

# Whose dossiers the story and the README are about; every other structure is somebody else.
HOME: Final = ("valmont", "auragen", "rcp", "qualifiant", "cad")
TOKENS: Final = "tokens"  # the folder of the demonstration's tokens, in the data folder
# Systems, by the kind of structure they belong to (pfmg-type-structure).
SYSTEMS: Final = {"etablissement-prescripteur": "flux-hospitalier", "lbm-fmg": "plateforme", "cad": "collecteur"}


class NoToken(Exception):
    """There is no token for an actor; the text says where it was looked for."""


def actors() -> list[Acting]:
    """Return everybody who acts in the demonstration: of each role, the one of the home structures first."""
    found = [
        *(each.acting for each in professionals().values()),
        *(Acting(SYSTEMS[each.kind], each.token) for each in structures().values() if each.kind in SYSTEMS),
        *(Acting(role) for role in ("integrateur", "auditeur", "administrateur")),
    ]
    home = {structures()[key].token for key in HOME}
    order = {role: place for place, role in enumerate(ROLES)}
    return sorted(found, key=lambda each: (order[each.role], each.organisation not in home))


def names() -> Iterator[tuple[str, Acting]]:
    """Yield the names of the files and whom each is for; a role alone is the first of its actors."""
    seen: set[str] = set()
    for each in actors():
        if each.role not in seen:
            yield each.role, each
            seen.add(each.role)
        if each.organisation is not None:
            yield name_of(each), each


def name_of(actor: Acting) -> str:
    return actor.role if actor.organisation is None else f"{actor.role}-{actor.organisation.rpartition('|')[2]}"


def made(issuer: BuiltinIssuer, actor: Acting, life: int) -> str:
    """Return a token of the built-in issuer that may do all that the actor's role may, for `life` seconds."""
    level = "system" if actor.rpps is None else "user"
    granted = scopes.read(f"{level}/*.cruds", levels=("user", "system"))
    subject = f"{actor.role}-{actor.rpps or 'system'}"
    return issuer.token(subject, actor.role, actor.organisation, granted, rpps=actor.rpps, life=life)


def minted(issuer: BuiltinIssuer, life: int) -> TokenOf:
    """Return tokens made as they are asked for."""
    return lambda actor: made(issuer, actor, life)


def kept(folder: Path) -> TokenOf:
    """Return the tokens of a folder. They raise NoToken where a file is missing, unreadable or empty."""

    def read(actor: Acting) -> str:
        path = folder / name_of(actor)
        try:
            return path.read_text(encoding="utf-8").split()[-1]
        except (OSError, IndexError) as error:
            raise NoToken(f"{path}: {getattr(error, 'strerror', None) or 'is empty'}") from None

    return read

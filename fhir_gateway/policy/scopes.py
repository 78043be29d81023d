"""SMART scopes: which interactions a client was granted on which types.

Source: SMART App Launch 2.2.0, "Scopes and Launch Context": `(patient|user|system)/(Type|*).(c|r|u|d|s in this
order)`; version 1's `.read`, `.write` and `.*` mean `.rs`, `.cud` and `.cruds`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_VERSION_1 = {"read": "rs", "write": "cud", "*": "cruds"}
_RESOURCE = re.compile(
    r"(?P<level>patient|user|system)/(?P<type>\*|[A-Z][A-Za-z]{1,63})\.(?P<may>read|write|\*|c?r?u?d?s?)(?P<query>\?.*)?"
)
# What no resource is touched by.
_OTHERS = frozenset({"openid", "fhirUser", "profile", "offline_access", "online_access", "launch"})


@dataclass(frozen=True, slots=True)
class Scopes:
    """What was granted. `may`: by resource type ("*": every type) the letters of c, r, u, d, s.

    `unknown`: what was asked for and means nothing here, or narrows by a query, which is not granted rather than
    granted in full.
    """

    may: dict[str, frozenset[str]] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    text: str = ""

    def allow(self, type: str | None, letter: str) -> bool:
        """Tell whether an act of a letter is granted on a type; None: on all of them."""
        if letter in self.may.get("*", ()):
            return True
        return type is not None and letter in self.may.get(type, ())

    def within(self, others: Scopes) -> bool:
        """Tell whether all of this is granted by others too: a token must not widen what its client may ask for."""
        return all(others.allow(None if type == "*" else type, each) for type, may in self.may.items() for each in may)


NO_SCOPES = Scopes()


def read(text: str, levels: Iterable[str] = ("user", "system", "patient")) -> Scopes:
    """Return the scopes of a space-separated list, in whichever version they are written."""
    accepted = frozenset(levels)
    may: dict[str, frozenset[str]] = {}
    others: list[str] = []
    unknown: list[str] = []
    for scope in dict.fromkeys(text.split()):
        found = _RESOURCE.fullmatch(scope)
        if scope in _OTHERS or scope.startswith("launch/"):
            others.append(scope)
        elif found is None or not found["may"] or found["query"] or found["level"] not in accepted:
            unknown.append(scope)
        else:
            letters = _VERSION_1.get(found["may"], found["may"])
            may[found["type"]] = may.get(found["type"], frozenset()) | frozenset(letters)
    return Scopes(may, tuple(others), tuple(unknown), " ".join(text.split()))


# The letter that an interaction needs. An operation says for itself what it does.
LETTER_OF = {
    "create": "c", "read": "r", "vread": "r", "history-instance": "r", "update": "u", "patch": "u", "delete": "d",
    "search-type": "s", "search-system": "s", "search-compartment": "s", "history-type": "s", "history-system": "s",
}  # fmt: skip

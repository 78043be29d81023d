"""Tokens by what their codes mean: `:in` and `:not-in` a value set, `:above` and `:below` a code.

What the codes are the terminology says, which is given from above (`CodeSets`); here they become keys of rows.

Source: FHIR R4, Search, "Modifiers": "in", "not-in", "above", "below".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from fhir_gateway.fhir.outcome import FhirError, InvalidRequest, TooCostly
from fhir_gateway.store.index import complaints as values
from fhir_gateway.store.index.condition import Answered, Asked, of_keys
from fhir_gateway.store.index.hashing import h64, joined_key, part
from fhir_gateway.store.index.syntax import unescape
from fhir_gateway.store.index.token import parts_asked
from fhir_gateway.store.search import complaints

MODIFIERS = frozenset({"in", "not-in", "above", "below"})
MOST = 10_000  # codes that one value may come to

_CODED = frozenset({"Coding", "CodeableConcept", "code"})


class CodeSets(Protocol):
    """What codes belong together. Each gives at most `limit` codes, one more when there are more."""

    def of_value_set(self, canonical: str, limit: int) -> Sequence[tuple[str, str]] | None:
        """Return (system, code) of a value set, by url, "url|version" or "ValueSet/id"; None when it is not known.

        Raises: FhirError when it cannot be expanded.
        """
        ...

    def below(self, system: str, code: str, limit: int) -> Sequence[str] | None:
        """Return a code and all below it; None when the system or the code is not known."""
        ...

    def above(self, system: str, code: str, limit: int) -> Sequence[str] | None:
        """Return a code and all above it; None when the system or the code is not known."""
        ...


def ask(asked: Asked, sets: CodeSets | None, types: Iterable[str]) -> Answered:
    """Return the condition of one of these modifiers. `types`: the FHIR types of the parameter's values.

    Raises: InvalidRequest for a value set, system or code that is not known, and for elements that have no system;
    TooCostly for more than 10,000 codes; what the terminology raises.
    """
    known = frozenset(types)
    if sets is None or (known and not known & _CODED):
        raise InvalidRequest(
            values.MODIFIER_UNSUPPORTED.at(name=asked.name, type="token", allowed=":not, :text, :of-type, :missing")
        )
    keys: list[int] = []
    refused: list[FhirError] = []
    for value in asked.values:
        try:
            keys += _keys(asked, sets, value, bare=known == {"code"})
        except InvalidRequest as refusal:
            refused.append(refusal)
    if refused:
        raise InvalidRequest(*(issue for refusal in refused for issue in refusal.issues))
    return Answered("i_token", (of_keys("{h}", keys or [_NOTHING]),))


_NOTHING = h64("\x1fnothing")  # no row has this key: what is asked for is an empty set


def _keys(asked: Asked, sets: CodeSets, value: str, bare: bool) -> list[int]:
    codes = _of_set(asked, sets, value) if asked.modifier in ("in", "not-in") else _of_code(asked, sets, value)
    if len(codes) > MOST:
        raise TooCostly(complaints.SET_TOO_LARGE.at(name=asked.name, value=unescape(value), limit=MOST))
    if bare:
        # The value of a `code` element has no system of its own: its rows have the one that the binding implies, and
        # the bare code.
        return [h64(part(code)) for _, code in codes]
    return [joined_key(system, code) for system, code in codes]


def _of_set(asked: Asked, sets: CodeSets, value: str) -> Sequence[tuple[str, str]]:
    found = sets.of_value_set(unescape(value), MOST)
    if found is None:
        raise InvalidRequest(complaints.VALUE_SET_UNKNOWN.at(name=asked.name, value=unescape(value)))
    return found


def _of_code(asked: Asked, sets: CodeSets, value: str) -> Sequence[tuple[str, str]]:
    system, code = parts_asked(asked, value)
    if not system or not code:
        raise InvalidRequest(complaints.CODE_WITHOUT_SYSTEM.at(name=asked.name, value=unescape(value)))
    found = (sets.below if asked.modifier == "below" else sets.above)(system, code, MOST)
    if found is None:
        raise InvalidRequest(complaints.CODE_UNKNOWN.at(name=asked.name, system=system, code=code))
    return [(system, each) for each in found]

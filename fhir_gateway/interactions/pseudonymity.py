"""What people are called in files without identity: known pseudonyms, and new ones where a format needs them.

Source: issue of platform formats, "Pseudonyms"; `fhir_gateway/store/pseudonyms.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from fhir_gateway.fhir.outcome import Complaint, Unprocessable
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.store.contract import Key, Write

if TYPE_CHECKING:
    from fhir_gateway.exchange.files import FileFormat

NO_KEYS = Complaint(
    "pseudonym-no-keys",
    "not-supported",
    en="{format} calls people by pseudonyms, and this gateway has no key for them. The operator sets pseudonym_keys.",
    fr="{format} désigne les personnes par des pseudonymes, et cette passerelle n'a pas de clé pour eux. L'exploitant "
    "règle pseudonym_keys.",
)


def called(gateway: Gateway, people: Collection[str], format: FileFormat) -> dict[str, dict[str, str]]:
    """Return what people ("Patient/1") are called, by system and person.

    Where the format is pseudonymous who has no pseudonym gets one, and that is recorded: the same file written again
    names the same people. Of several names of one system the latest counts.
    Raises: Unprocessable where it is and there is no key; Unavailable where a key was lost.
    """
    keys = gateway.files.keys
    if keys is None:
        if format.pseudonymous:
            raise Unprocessable(NO_KEYS.at(format=format.name))
        return {}
    from fhir_gateway.exchange.files import PSEUDONYM
    from fhir_gateway.store import pseudonyms

    store = gateway.everything.store
    with store.read(feed=False) as view:
        known = pseudonyms.of_people(view, keys, people)
    found: dict[str, dict[str, str]] = {}
    for each in known:
        found.setdefault(each.system, {})[each.person] = each.value
    if format.pseudonymous:
        own = found.setdefault(PSEUDONYM, {})
        new = [pseudonyms.made(keys, PSEUDONYM, each) for each in sorted(people) if each not in own]
        if new:
            store.write(lambda tx: pseudonyms.record(tx, keys, new))
        own |= {each.person: each.value for each in new}
    return found


def forget(gateway: Gateway, tx: Write, keys: Iterable[Key]) -> None:
    """Delete what people who are erased were called; without the keys nobody can read it anyhow, nor find it."""
    people = ["/".join(each) for each in keys if each[0] == "Patient"]
    if gateway.files.keys is not None and people:
        from fhir_gateway.store import pseudonyms

        pseudonyms.forget(tx, gateway.files.keys, people)

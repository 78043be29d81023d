"""The resources of a dossier, from the store: its requests, what they name, what speaks of their people.

All of it, whoever asks: what one actor may not see counts as well when the rules are judged. Six statements at most.

Source: FHIR R4, ServiceRequest, "requisition"; `fhir_gateway/dossier/README.md`, "For doors".
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.dossier import Dossier
from fhir_gateway.dossier.membership import is_member
from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.references import parse
from fhir_gateway.interactions import conditions
from fhir_gateway.interactions.access import seeing
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.store.contract import Key, Read, Version
from fhir_gateway.store.search.select import match

Resource = dict[str, Any]

PEOPLE: Final = 200  # requests of one dossier that are looked at
# What speaks of a person, or of a request.
ABOUT: Final = frozenset(
    {
        "Consent", "Specimen", "FamilyMemberHistory", "Observation", "DocumentReference", "DiagnosticReport", "Task",
        "Provenance",
    }
)  # fmt: skip
# A patient may have thousands of Observations; those that the rules read say one of these.
_TELLING: Final = tuple(code.encode() for code in (codes.HPO, codes.AFFECTED, "371510003"))
# Whom the resources of a dossier name, and the rules ask about.
_NAMED: Final = frozenset({"Patient", "RelatedPerson", "Practitioner", "PractitionerRole", "Organization", "Specimen"})


def dossier_of(gateway: Gateway, view: Read, number: str, about: Collection[str] = ABOUT) -> Dossier:
    """Return the dossier of a number ("system|value") as `view` has it; without requests when there is none.

    `about`: of what speaks of people and requests, these types only.
    """
    return dossiers_numbered(gateway, view, [number], about).get(number) or Dossier((), number)


def dossiers_numbered(
    gateway: Gateway,
    view: Read,
    numbers: Collection[str],
    about: Collection[str] = ABOUT,
    *,
    shown: bool = False,
) -> dict[str, Dossier]:
    """Return the dossiers of numbers, all gathered together; those without requests are missing.

    `shown`: to be shown to whom `view` is for: what it does not show is left out, and of a patient's Observations all
    are taken, not only those that the rules read.
    """
    if not numbers:
        return {}
    narrowing = view.narrowing if shown else None
    with seeing(view, narrowing):
        criteria = [("requisition", ",".join(map(_escaped, numbers)))]
        query = conditions.query_of(gateway, "ServiceRequest", criteria, narrowing)
        found = match(view, query, PEOPLE * len(numbers))
        # In the order in which they came, so that of several that differ the same one speaks each time.
        there = sorted(view.current_of(found).values(), key=lambda each: each.rid)
        return dossiers_of(gateway, view, map(_resource, there), about, shown=shown)


def dossiers_of(
    gateway: Gateway,
    view: Read,
    requests: Iterable[Resource],
    about: Collection[str] = ABOUT,
    *,
    shown: bool = False,
) -> dict[str, Dossier]:
    """Return the dossiers of requests, by number, in the order of these; all are gathered together.

    `requests`: all those of each dossier. `about`: as for `dossier_of`; `shown`: as for `dossiers_numbered`.
    """
    found: dict[str, dict[Key, Resource]] = {}
    anchors: dict[Key, set[str]] = {}
    for each in requests:
        number = codes.token(each.get("requisition"))
        if number is None or not is_member(each):
            continue
        found.setdefault(number, {})[_key(each)] = each
        for key in (_key(each), key_of(gateway, each.get("subject"))):
            if key is not None:
                anchors.setdefault(key, set()).add(number)
    if not found:
        return {}
    with seeing(view, view.narrowing if shown else None):
        speaking = view.referring_to(anchors, about)
        _assign(found, anchors, ((version, keys) for version, keys in speaking if shown or _tells(version)))
        _add_named(view, found, None)
        _add_named(view, found, "PractitionerRole")
        if "Provenance" in about:
            traced = _holders(found, ("Task", "Consent"))
            _assign(found, traced, view.referring_to(traced, {"Provenance"}))
    return {number: Dossier((), number).with_(*resources.values()) for number, resources in found.items()}


def numbers_of_people(gateway: Gateway, view: Read, people: Iterable[Key]) -> set[str]:
    """Return the numbers of the dossiers that patients take part in."""
    keys = set(people)
    if not keys:
        return set()
    with seeing(view, None):
        requests = map(_resource, view.referring(keys, {"ServiceRequest"}))
        return {
            number
            for each in requests
            if is_member(each)
            and key_of(gateway, each.get("subject")) in keys
            and (number := codes.token(each.get("requisition"))) is not None
        }


def numbers_of_requests(view: Read, keys: Iterable[Key]) -> set[str]:
    """Return the numbers of the dossiers of requests."""
    wanted = [key for key in keys if key[0] == "ServiceRequest"]
    if not wanted:
        return set()
    with seeing(view, None):
        found = view.current_of(wanted).values()
        numbers = (codes.token(_resource(each).get("requisition")) for each in found if not each.deleted)
        return {number for number in numbers if number is not None}


def key_of(gateway: Gateway, reference: Any) -> Key | None:
    """Return which resource here a Reference names literally; None where it names none."""
    text = reference.get("reference") if isinstance(reference, dict) else None
    if not isinstance(text, str):
        return None
    parsed = parse(text, gateway.registry.base or "")
    return (parsed.type, parsed.id) if parsed.form == "local" and parsed.type and parsed.id else None


def _assign(
    found: dict[str, dict[Key, Resource]],
    anchors: Mapping[Key, set[str]],
    speaking: Iterable[tuple[Version, list[Key]]],
) -> None:
    """Add resources to the dossiers whose people, requests or tasks (`anchors`) they refer to."""
    for version, keys in speaking:
        resource = _resource(version)
        for number in {number for key in keys for number in anchors[key]}:
            found[number][version.key] = resource


def _add_named(view: Read, found: dict[str, dict[Key, Resource]], of_type: str | None) -> None:
    """Add to each dossier whom its resources (of one type) name."""
    holders = _holders(found, None if of_type is None else (of_type,))
    for version, keys in view.named_by(holders, _NAMED) if holders else ():
        resource = _resource(version)
        for number in {number for key in keys for number in holders[key]}:
            found[number].setdefault(version.key, resource)


def _holders(found: Mapping[str, Mapping[Key, Resource]], types: Collection[str] | None) -> dict[Key, set[str]]:
    """Return the resources (of some types) that dossiers have, with the numbers of these."""
    holders: dict[Key, set[str]] = {}
    for number, resources in found.items():
        for key in resources:
            if types is None or key[0] in types:
                holders.setdefault(key, set()).add(number)
    return holders


def _tells(version: Version) -> bool:
    return version.type != "Observation" or any(code in version.body for code in _TELLING)


def references(gateway: Gateway, resources: Iterable[Resource]) -> Iterator[Key]:
    """Yield what resources here other resources name, wherever they name it."""
    left: list[Any] = list(resources)
    while left:
        each = left.pop()
        if isinstance(each, list):
            left += each
        elif isinstance(each, dict):
            key = key_of(gateway, each) if "reference" in each else None
            if key is not None:
                yield key
            left += each.values()


def _escaped(number: str) -> str:
    """Return a number as a token search takes it: the first bar of it parts system and value."""
    system, _, value = number.rpartition("|")
    quoted = (part.replace("\\", "\\\\").replace(",", "\\,").replace("$", "\\$") for part in (system, value))
    return "|".join(quoted)


def _resource(version: Version) -> Resource:
    resource: Resource = decode(version.body)
    return resource


def _key(resource: Resource) -> Key:
    return (resource["resourceType"], resource["id"])

"""The partners of hospitals' feeds: a file of those that may send messages, each an actor under the policy.

A partner is known by what its messages say (MSH-3 and MSH-4) and, where a listener asks for certificates, by the name
in its own. It acts for an organisation in a role, as whoever brings a token does.

Source: IHE ITI TF-2x, C.2.2 (MSH-3 to 6); IHE ITI ATNA (ITI-19), node authentication.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from fhir_gateway.policy import scopes
from fhir_gateway.policy.actor import ANONYME, ROLES, Actor
from fhir_gateway.policy.destinations import DESTINATIONS, Destination, Destinations, destination

_ALL = scopes.read("system/*.cruds", levels=("system",))
ANY = "*"
Name = tuple[str, str]  # application and facility


class BadPartners(Exception):
    """A file of partners that cannot be used; the text says why, every problem in a line."""


@dataclass(frozen=True, slots=True)
class Partner:
    """A partner and how it is spoken to.

    `sending`: MSH-3 and MSH-4 of its messages; `receiving`: MSH-5 and MSH-6 that mean this gateway, none: any.
    `certificates`: names (subject or DNS) in its certificate. `sites`: mappings laid over those that ship.
    `namespaces`: systems of identifiers by what CX.4.1 says. `transient`: how it is told to send again later.
    `unknown`: what becomes of events that nothing here knows.
    """

    name: str
    actor: Actor = ANONYME
    sending: tuple[Name, ...] = ()
    receiving: tuple[Name, ...] = ()
    certificates: frozenset[str] = frozenset()
    mode: Literal["production", "test"] = "production"
    sites: tuple[str, ...] = ()
    namespaces: Mapping[str, str] = field(default_factory=dict)
    charset: Literal["declared", "auto"] = "declared"
    acknowledgement: Literal["original", "enhanced"] = "original"
    transient: Literal["AR", "AE"] = "AR"
    unknown: Literal["reject", "ignore"] = "reject"
    warnings: bool = False
    destination: Destination | None = None  # where what is sent to it goes

    def sends_as(self, application: str, facility: str) -> bool:
        return _matches(self.sending, application, facility)

    def is_addressed(self, application: str, facility: str) -> bool:
        """Tell whether MSH-5 and MSH-6 mean this gateway."""
        return not self.receiving or _matches(self.receiving, application, facility)


def _matches(names: Iterable[Name], application: str, facility: str) -> bool:
    return any(each[0] in (ANY, application) and each[1] in (ANY, facility) for each in names)


class Partners:
    """All partners; the first in the file whose names fit is meant."""

    def __init__(self, partners: Iterable[Partner] = ()) -> None:
        self.all = tuple(partners)
        self._known: dict[tuple[str, str, frozenset[str] | None], Partner | None] = {}

    def __bool__(self) -> bool:
        return bool(self.all)

    @property
    def destinations(self) -> Destinations:
        """Where messages go."""
        return Destinations(each.destination for each in self.all if each.destination is not None)

    def of(self, application: str, facility: str, certificate: frozenset[str] | None = None) -> Partner | None:
        """Return who sends a message: by MSH-3 and MSH-4, and by the names of its certificate where there is one.

        A partner with `certificates` is nobody who comes without.
        """
        key = (application, facility, certificate)
        if key in self._known:
            return self._known[key]
        found = next((each for each in self.all if _is(each, application, facility, certificate)), None)
        if len(self._known) > 4096:
            self._known.clear()
        self._known[key] = found
        return found


def _is(partner: Partner, application: str, facility: str, certificate: frozenset[str] | None) -> bool:
    if partner.certificates and not (certificate and certificate & partner.certificates):
        return False
    return partner.sends_as(application, facility)


def partners_of(path: Path) -> Partners:
    """Return the partners of a TOML file, a table each. Raises: BadPartners with all that is wrong."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadPartners(f"{path}: {error}") from None
    found: list[Partner] = []
    problems: list[str] = []
    for name, table in tables.items():
        try:
            found.append(_partner(name, table))
        except ValueError as error:
            problems += [f"{path}: [{name}] {problem}" for problem in error.args]
    if problems:
        raise BadPartners("\n".join(problems))
    return Partners(found)


_CHOICES = {
    "mode": ("production", "test"),
    "charset": ("declared", "auto"),
    "acknowledgement": ("original", "enhanced"),
    "transient": ("AR", "AE"),
    "unknown": ("reject", "ignore"),
}
_LISTS = ("sending", "receiving", "certificates", "sites")
_KEYS = {*_CHOICES, *_LISTS, "organisation", "role", "namespaces", "warnings", "destination"}


def _partner(name: str, table: Any) -> Partner:
    """Return a partner. Raises: ValueError with each problem as an argument."""
    if not isinstance(table, dict):
        raise ValueError("is no table")
    problems = [f"has {key}, which means nothing" for key in sorted(table.keys() - _KEYS)]
    for key, choices in _CHOICES.items():
        if table.get(key, choices[0]) not in choices:
            problems.append(f"{key} is none of {', '.join(choices)}")
    for key in _LISTS:
        if not _is_list(table.get(key, [])):
            problems.append(f"{key} is no list of texts")
    if not isinstance(table.get("warnings", False), bool):
        problems.append("warnings is neither true nor false")
    names = {key: _names(table.get(key, []), key, problems) for key in ("sending", "receiving")}
    if not names["sending"] and "destination" not in table:
        problems.append('needs sending: what MSH-3 and MSH-4 of its messages say, as ["GAM|HOPITAL"]')
    role = table.get("role", "flux-hospitalier")
    if role not in ROLES:
        problems.append(f"role is none of {', '.join(ROLES)}")
    organisation = table.get("organisation")
    if not isinstance(organisation, str) or not all(organisation.partition("|")[::2]):
        problems.append("needs organisation: the identifier of the structure it acts for, system|value")
    namespaces = table.get("namespaces", {})
    if not isinstance(namespaces, dict) or not all(
        isinstance(each, str) and ":" in each for each in namespaces.values()
    ):
        problems.append("namespaces is no table of systems (uris) by CX.4.1")
    goes_to = None
    if "destination" in table:
        try:
            goes_to = destination(name, str(organisation), table["destination"], _texts(table.get("sites")))
        except ValueError as error:
            problems += error.args
    if problems:
        raise ValueError(*problems)
    actor = Actor(role, "hl7v2", name, organisation=organisation, scopes=_ALL)
    chosen = {key: table[key] for key in (*_CHOICES, "warnings") if key in table}
    return Partner(
        name, actor, names["sending"], names["receiving"], frozenset(table.get("certificates", ())),
        sites=tuple(table.get("sites", ())), namespaces=dict(namespaces), destination=goes_to, **chosen,
    )  # fmt: skip


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) and each for each in value)


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(value) if _is_list(value) else ()


def _names(value: Any, key: str, problems: list[str]) -> tuple[Name, ...]:
    if not _is_list(value):
        return ()
    problems += [f"{key}: {each} is no MSH-3|MSH-4 or MSH-5|MSH-6" for each in value if each.count("|") != 1]
    return tuple((each.partition("|")[0] or ANY, each.partition("|")[2] or ANY) for each in value)


PARTNERS = """
## Partners

Who may send messages of HL7 v2, a table each; the first whose names fit is meant.

```toml
[chu-exemple]
sending = ["GAM|HOPITAL-EXEMPLE", "DPI|*"]     # MSH-3|MSH-4
organisation = "https://finess.esante.gouv.fr|990000015"
certificates = ["gam.chu.example.org"]
receiving = ["PASSERELLE|PFMG"]                # MSH-5|MSH-6
sites = ["990000015"]
[chu-exemple.namespaces]
HOPITAL-EXEMPLE = "urn:oid:1.2.250.1.999.1"
```

- `sending`: what MSH-3 and MSH-4 of its messages say (first components); `*`: whatever.
- `organisation`: the structure it acts for, `system|value`; `role`: in which role; left out: `flux-hospitalier`.
- `certificates`: names (common name or DNS) in its certificate; with them it is nobody without TLS.
- `receiving`: what MSH-5 and MSH-6 must say; left out: whatever. Another gets AR.
- `mode`: `production` (messages with T or D in MSH-11 get AR 202) or `test`.
- `sites`: mappings of `mappings/hl7v2/sites` laid over those that ship.
- `namespaces`: the systems of identifiers by what CX.4.1 says.
- `charset`: `declared`, as MSH-18 says, or `auto`, UTF-8 where the bytes are.
- `acknowledgement`: `original`, or `enhanced` where MSH-15 and MSH-16 are to be heeded (IHE forbids them).
- `transient`: `AR`, or `AE` for senders that stop at AR.
- `unknown`: events nothing here knows: `reject` them (AR), or `ignore` them (AA).
- `warnings`: true for ERR segments of warnings beside AA.
"""
PARTNERS += DESTINATIONS

"""Messages of HL7 v2 made into FHIR: what reads a message, finds its mapping and applies it.

Source: mappings/README.md; HL7 v2-to-FHIR; PAM France 2.11.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.conformance.known_packages import OverR4, carried_over
from fhir_gateway.conformance.lookup import Lookup
from fhir_gateway.exchange.hl7v2 import complaints
from fhir_gateway.exchange.hl7v2.charset import Trust
from fhir_gateway.exchange.hl7v2.complaints import Unreadable
from fhir_gateway.exchange.hl7v2.er7 import Message, read_all
from fhir_gateway.exchange.hl7v2.invariants import keep
from fhir_gateway.exchange.hl7v2.messages import Er7Source, event_of
from fhir_gateway.exchange.hl7v2.paths import Er7Paths
from fhir_gateway.exchange.hl7v2.tables import names_systems, settle
from fhir_gateway.exchange.hl7v2.values import PARIS
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.fhir.data_folder import data_folder
from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.terminology.shipped import shipped
from fhir_gateway.transform.codes import CodeMaps
from fhir_gateway.transform.complaints import NAME_UNKNOWN as UNKNOWN
from fhir_gateway.transform.complaints import MappingError
from fhir_gateway.transform.mapping import Mappings, Result, load
from fhir_gateway.transform.target import Targets

Layer = tuple[str, Path]  # its name, its folder
_FRANCE = frozenset({"FRA", "FR", "250"})


@dataclass(frozen=True, slots=True)
class Conversion:
    """What became of a message. `result`: None where its event makes nothing; `accepted`: whether the event is one
    that is taken all the same (with an answer to a message of ours, for which nothing is made).
    """

    message: Message
    event: str
    result: Result | None
    accepted: bool
    issues: tuple[Issue, ...]


class Pair(NamedTuple):
    """Mappings for messages of France, and for those whose MSH-17 names another country."""

    french: Mappings
    elsewhere: Mappings


class Converter:
    """Converts messages by the mappings it was made with; shared by all threads.

    `elsewhere`: for messages whose MSH-17 names a country other than France, to which the French rules do not apply.
    `sites`: mappings of hospitals, by the name of their folder: MSH-3 and MSH-4 of a message with + between, or a
    component of one of them.
    """

    def __init__(
        self,
        mappings: Mappings,
        elsewhere: Mappings | None = None,
        trust: Trust = "declared",
        sites: Mapping[str, Pair] | None = None,
    ) -> None:
        self.mappings = mappings
        self.elsewhere = elsewhere or mappings
        self.sites = sites or {}
        self._trust = trust

    def mappings_for(self, message: Message) -> Mappings:
        """Return the mappings that apply to a message."""
        fields = message.segments[0].fields
        raw = fields[17] if len(fields) > 17 else ""
        french = not raw or raw in _FRANCE or message.get("MSH-17") in _FRANCE
        if self.sites:
            site = site_of(message, self.sites)
            if site:
                return self.sites[site].french if french else self.sites[site].elsewhere
        return self.mappings if french else self.elsewhere

    def convert(self, message: Message, traced: bool = False) -> Conversion:
        """Return what becomes of a message. `traced`: also which rule made what."""
        event = event_of(message)
        mappings = self.mappings_for(message)
        mapping = mappings.of(event)
        warnings = tuple(message.warnings)
        if mapping is not None:
            result = mapping.apply(Er7Source(message), traced)
            told = [issue for each in result.instances for issue in keep(each.resource)]
            if names_systems(message.data, message.segments[0].end):
                told += [issue for each in result.instances for issue in settle(each.resource)]
            if told:
                result = replace(result, issues=(*result.issues, *told))
            return Conversion(message, event, result, True, (*warnings, *result.issues))
        if event in mappings.accepted or message.first("MSA") is not None:
            return Conversion(message, event, None, True, warnings)
        issue = complaints.EVENT_UNKNOWN.at(None, event=event or "(none)")
        return Conversion(message, event, None, False, (*warnings, issue))

    def convert_all(self, data: bytes, traced: bool = False) -> Iterator[Conversion | Unreadable]:
        """Yield what becomes of the messages of a file, or why one cannot be read."""
        for each in read_all(data, self._trust):
            yield each if isinstance(each, Unreadable) else self.convert(each, traced)


def site_of(message: Message, sites: Container[str]) -> str:
    """Return the site whose rules a message is read by, "" for none: that of its application at its facility, else of
    its facility, else of its application.
    """
    applications, facilities = (
        [found for part in (1, 2) if (found := message.get(f"MSH-{field}.{part}"))] for field in (3, 4)
    )
    return site_named(applications, facilities, sites)


def site_named(applications: Sequence[str], facilities: Sequence[str], sites: Container[str]) -> str:
    """Return the site that an application at a facility is, each by its names; "" for none."""
    both = (f"{application}+{facility}" for application in applications for facility in facilities)
    return next((each for each in (*both, *reversed(facilities), *reversed(applications)) if each in sites), "")


# --- layers


def shipped_mappings() -> Path:
    """Return the folder of the mappings that ship."""
    return data_folder("mappings") / "hl7v2"


def known_sites(folder: Path | None = None) -> list[str]:
    """Return the names of the sites that have rules of their own, shipped or in an operator's folder."""
    places = [each / "sites" for each in (shipped_mappings(), folder) if each is not None]
    return sorted({site.name for place in places if place.is_dir() for site in place.iterdir() if site.is_dir()})


def layers_of(sites: Sequence[str] = (), folder: Path | None = None, french: bool = True) -> list[Layer]:
    """Return the layers of rules with their names: base, fr, an operator's own, those of sites.

    folder: an operator's: `segments`, `datatypes`, `instances` and `messages` in it are laid over all that ships,
    `sites/<name>` over that for the messages of one site. Raises: MappingError for a site that has no folder.
    """
    own = shipped_mappings()
    layers = [("base", own / "base"), *([("fr", own / "fr")] if french else [])]
    if folder is not None:
        layers.append((folder.name, folder))
    for site in sites:
        places = [(place.name, place / "sites" / site) for place in (own, folder) if place is not None]
        found = [(f"{name}/sites/{site}" if name != own.name else f"sites/{site}", path) for name, path in places]
        there = [each for each in found if each[1].is_dir()]
        if not there:
            where = " / ".join(str(place.name) for place in (own, folder) if place is not None)
            raise MappingError([UNKNOWN.at(None, place=f"{where}/sites", kind="site", name=site)])
        layers += there
    return layers


def converter(
    sites: Sequence[str] = (), folder: Path | None = None, zone: str = PARIS, lookup: Lookup | None = None,
    trust: Trust = "declared",
) -> Converter:  # fmt: skip
    """Return what converts messages by the shipped mappings, with those of an operator's folder laid over.

    `sites`: whose rules apply to all messages; none: to those of each site its own. `zone`: of times without offset.
    `lookup`: knows extensions; None: what R4 and the packages that ship define. Raises: MappingError with all that is
    wrong in any file.
    """
    load = partial(load_mappings, zone=zone, lookup=lookup)
    problems: list[Issue] = []

    def pair(names: Sequence[str]) -> Pair | None:
        made = []
        for french in (True, False):
            try:
                made.append(load(layers_of(names, folder, french)))
            except MappingError as error:
                problems.extend(each for each in error.issues if each not in problems)
        return Pair(*made) if len(made) == 2 else None

    every = pair(sites)
    each_site = {} if sites else {name: pair((name,)) for name in known_sites(folder)}
    if problems or every is None:
        raise MappingError(problems)
    return Converter(*every, trust, {name: each for name, each in each_site.items() if each is not None})


def load_mappings(layers: Sequence[Layer], zone: str = PARIS, lookup: Lookup | None = None) -> Mappings:
    """Return the mappings of layers. Raises: MappingError with all that is wrong in any file."""
    places = targets() if lookup is None else Targets(definitions().types, lookup, (CANONICAL_BASE,))
    return load(layers, places, _maps(), Er7Paths(ZoneInfo(zone)))


@lru_cache(1)
def targets() -> Targets:
    """Return the places that rules may fill: of R4, with the extensions of the packages that ship."""
    known = carried_over(OverR4(shipped(), definitions(), any_version=True))
    return Targets(definitions().types, known, (CANONICAL_BASE,))


@lru_cache(1)
def _maps() -> CodeMaps:
    return CodeMaps(shipped().resources("ConceptMap"))

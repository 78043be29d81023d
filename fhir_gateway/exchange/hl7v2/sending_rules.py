"""The rules of what is sent: those that ship, an operator's over them, those of the receiver's site over both.

A site is known as that of a sender is: what its rules say lies in `sites/<name>/out`.

Source: mappings/README.md; HL7 v2.5.1, chapter 2, MSH-5, MSH-6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.exchange.hl7v2.convert import Layer, known_sites, shipped_mappings, site_named
from fhir_gateway.exchange.hl7v2.places import Er7Target
from fhir_gateway.fhir.fhirpath import Engine, Model
from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.terminology.shipped import shipped
from fhir_gateway.transform.codes import CodeMaps
from fhir_gateway.transform.complaints import NAME_UNKNOWN, MappingError
from fhir_gateway.transform.writers import Writers, load


class SendingRules:
    """The writers of all that is sent. `sites`: those of hospitals that have rules of their own, by name."""

    def __init__(self, every: Writers, sites: Mapping[str, Writers] | None = None) -> None:
        self.every = every
        self.sites = sites or {}

    def to(self, application: str, facility: str) -> Writers:
        """Return the writers for a receiver that MSH names so, components and all ("HOP^990000015^N")."""
        if not self.sites:
            return self.every
        applications, facilities = ([part for part in each.split("^")[:2] if part] for each in (application, facility))
        return self.sites.get(site_named(applications, facilities, self.sites), self.every)


def layers_out(folder: Path | None = None, sites: Sequence[str] = ()) -> list[Layer]:
    """Return the layers of rules for what is sent, with their names. `folder`: an operator's.

    Raises: MappingError for a site that has no folder; one without `out` in it has no rules of its own for this.
    """
    own = shipped_mappings()
    places = [("", own), *([(f"{folder.name}/", folder)] if folder is not None else [])]
    layers = [(f"{name}out", place / "out") for name, place in places]
    for site in sites:
        if not any((place / "sites" / site).is_dir() for _, place in places):
            where = " / ".join(place.name for _, place in places)
            raise MappingError([NAME_UNKNOWN.at(None, place=f"{where}/sites", kind="site", name=site)])
        layers += [(f"{name}sites/{site}/out", place / "sites" / site / "out") for name, place in places]
    return [each for each in layers if each[1].is_dir()]


def sites_out(folder: Path | None = None) -> list[str]:
    """Return the names of the sites that have rules of their own for what is sent."""
    places = [each for each in (shipped_mappings(), folder) if each is not None]
    return [site for site in known_sites(folder) if any((place / "sites" / site / "out").is_dir() for place in places)]


def sending_rules(sites: Sequence[str] = (), folder: Path | None = None) -> SendingRules:
    """Return the rules for what is sent, as the files are now. `sites`: whose rules apply to all of it; none: those of
    each site to what it is sent.

    Raises: MappingError with all that is wrong in any file.
    """
    problems: list[Issue] = []

    def made(names: Sequence[str]) -> Writers | None:
        try:
            return load_writers(layers_out(folder, names))
        except MappingError as error:
            problems.extend(each for each in error.issues if each not in problems)
            return None

    every = made(sites)
    each_site = {} if sites else {name: made((name,)) for name in sites_out(folder)}
    if problems or every is None:
        raise MappingError(problems)
    return SendingRules(every, {name: each for name, each in each_site.items() if each is not None})


def load_writers(layers: Sequence[Layer]) -> Writers:
    """Return the writers of layers. Raises: MappingError with all that is wrong in any file."""
    maps = CodeMaps(shipped().resources("ConceptMap"))
    return load(layers, Engine(Model(definitions().types)), maps, Er7Target())


@lru_cache(1)
def shipped_writers() -> Writers:
    """Return the writers of the rules that ship. Raises: MappingError."""
    return load_writers(layers_out())

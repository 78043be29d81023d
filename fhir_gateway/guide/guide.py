"""The guide: its pages by name, and all of them as files.

Source: FHIR R4, ImplementationGuide; issue "genomic dossier", "/guide".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from fhir_gateway.conformance.carried import carried
from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.conformance.known_packages import OverR4, carried_over
from fhir_gateway.conformance.packages import Packages
from fhir_gateway.conformance.terminology_layers import layers
from fhir_gateway.fhir.data_folder import data_folder
from fhir_gateway.guide.codes import code_system_page, value_set_page
from fhir_gateway.guide.contents import Contents, Resource
from fhir_gateway.guide.definitions import graph_page, naming_page, operation_page, parameter_page, statement_page
from fhir_gateway.guide.examples import example_page, proof_page
from fhir_gateway.guide.index import RULES, STATES, index_page
from fhir_gateway.guide.page import INDEX, SUFFIX, Page, doors, framed
from fhir_gateway.guide.rules import rules_page
from fhir_gateway.guide.said import LANGUAGES, Language
from fhir_gateway.guide.states import states_page
from fhir_gateway.guide.structure import structure_page
from fhir_gateway.terminology.shipped import shipped

_KEPT: Final = 64  # pages that are kept once they were made
_OF_KIND: Final[Mapping[str, Callable[[Contents, Resource, Language], Page]]] = {
    "StructureDefinition": structure_page,
    "ValueSet": value_set_page,
    "CodeSystem": code_system_page,
    "SearchParameter": parameter_page,
    "OperationDefinition": operation_page,
    "CapabilityStatement": statement_page,
    "GraphDefinition": graph_page,
    "NamingSystem": naming_page,
}


class Guide:
    """The pages of some contents; shared by all threads. `home`: where the server's first page is, None for files."""

    def __init__(self, contents: Contents, home: str | None = None) -> None:
        self.contents = contents
        self._home = home
        self.names: tuple[str, ...] = (
            INDEX, STATES, RULES, *contents.pages, *contents.proofs, *contents.examples,
        )  # fmt: skip
        self._there = frozenset(self.names)
        self._kept = lru_cache(_KEPT)(self._made)

    def page(self, name: str, language: Language) -> str | None:
        """Return a page by name, as HTML; None when there is none of this name."""
        return self._kept(name, language) if name in self._there else None

    def written(self, folder: Path) -> int:
        """Write all pages in both languages below a folder, which is made; return how many files there are.

        Raises: OSError when the folder cannot be written to.
        """
        for language in LANGUAGES:
            place = folder / language
            place.mkdir(parents=True, exist_ok=True)
            for name in self.names:
                (place / f"{name}{SUFFIX}").write_text(self._made(name, language), encoding="utf-8")
        (folder / f"{INDEX}{SUFFIX}").write_text(doors(), encoding="utf-8")
        return len(LANGUAGES) * len(self.names) + 1

    def _made(self, name: str, language: Language) -> str:
        return framed(self._shown(name, language), name, language, self._home)

    def _shown(self, name: str, language: Language) -> Page:
        contents = self.contents
        if name == INDEX:
            return index_page(contents, language)
        if name == STATES:
            return states_page(language)
        if name == RULES:
            return rules_page(language)
        if name in contents.proofs:
            return proof_page(contents, contents.proofs[name], language)
        if name in contents.examples:
            return example_page(contents, contents.examples[name], language)
        resource = contents.pages[name]
        return _OF_KIND[str(resource["resourceType"])](contents, resource, language)


@cache
def contents() -> Contents:
    """Return what the guide of the gateway's own package is about; the same object throughout a process.

    Raises: FileNotFoundError when a data file of the project is not there.
    """
    profiles = data_folder("profiles")
    terminology = shipped()
    known = carried_over(OverR4(terminology, definitions(), any_version=True))
    kinds = ("ValueSet", "CodeSystem", "NamingSystem")
    return Contents(
        carried()[0],
        [each for kind in kinds for each in terminology.resources(kind)],
        known.resource,
        layers(Packages(carried())),
        profiles / "examples" / "pfmg",
        profiles / "pfmg" / "invariants",
    )


@cache
def served(home: str) -> Guide:
    """Return the guide with a way back to a server's first page."""
    return Guide(contents(), home)


def written(folder: Path) -> int:
    """Write the guide below a folder as files that need no server; return how many. Raises: OSError."""
    return Guide(contents()).written(folder)

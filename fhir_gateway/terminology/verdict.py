"""What is asked of a validation, and what comes of it.

Source: FHIR R4, ValueSet, "$validate-code"; HL7, FHIR Terminology Ecosystem, "Requirements".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from fhir_gateway.fhir.outcome import Issue, Language
from fhir_gateway.terminology import messages
from fhir_gateway.terminology.catalog import Catalog
from fhir_gateway.terminology.versions import listed

Mode = Literal["code", "coding", "codeableConcept"]


@dataclass(frozen=True, slots=True)
class Coding:
    """A coding that is asked about; `system` None: it is to be found out."""

    system: str | None
    code: str
    version: str | None = None
    display: str | None = None

    def named(self, system: str | None) -> str:
        """Return it as messages name it."""
        version = f"|{self.version}" if self.version else ""
        display = f" ('{self.display}')" if self.display else ""
        return f"'{system or ''}{version}#{self.code}{display}'"


@dataclass(slots=True)
class Verdict:
    """What came of a validation; None and False where there is nothing to tell."""

    result: bool
    issues: list[Issue] = field(default_factory=list)
    system: str | None = None
    code: str | None = None
    version: str | None = None
    display: str | None = None
    inactive: bool = False
    status: str | None = None
    normalized: str | None = None
    unknown: tuple[str, ...] = ()  # canonicals of systems that are not here
    is_caused_by_unknown: bool = True
    said: list[Issue] = field(default_factory=list)  # what the message is made of

    def message(self, language: Language) -> str | None:
        """Return all that is to be said in one text; None when there is nothing."""
        told = {issue.text(language) for issue in self.said}
        told |= {issue.text(language) for issue in self.issues if issue.severity == "error"}
        return "; ".join(sorted(told)) or None


def unknown_system(catalog: Catalog, system: str, version: str | None, place: str | None) -> tuple[Issue, str | None]:
    """Return what is to be said of a system that is not here, and its canonical; None for what is no system at all."""
    if catalog.value_set(system) is not None:
        return messages.SYSTEM_IS_VALUE_SET.at(place, system=system), None
    supplement = catalog.supplement(system)
    if supplement is not None:
        return messages.SYSTEM_IS_SUPPLEMENT.at(place, system=supplement.canonical), None
    if version is None:
        return messages.SYSTEM_UNKNOWN.at(place, system=system), system
    known = catalog.versions(system)
    if not known:
        return messages.VERSION_UNKNOWN_AS_ALL.at(place, system=system, version=version), system
    issue = messages.VERSION_UNKNOWN.at(place, system=system, version=version, known=listed(known))
    return issue, f"{system}|{version}"

"""What a request to the terminology service wishes for, beside the code or the value set it is about.

Source: FHIR R4, ValueSet, "$expand", "$validate-code"; FHIR R5 and HL7, FHIR Terminology Ecosystem, for what R4 lacks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fhir_gateway.terminology.languages import Languages
from fhir_gateway.terminology.versions import NO_RULES, Rules


@dataclass(frozen=True, slots=True)
class Wishes:
    """The wishes of one request; `told`: those that an expansion repeats, by name, as they were given.

    `header`: languages of the HTTP header; `languages`: of the parameter displayLanguage.
    """

    rules: Rules = NO_RULES
    languages: Languages | None = None
    header: Languages | None = None
    supplements: frozenset[str] = frozenset()
    told: Mapping[str, Any] = field(default_factory=dict, compare=False)
    # of an expansion
    text: str | None = None
    offset: int | None = None
    count: int | None = None
    active_only: bool = False
    exclude_nested: bool = False
    exclude_not_for_ui: bool = False
    include_designations: bool = False
    include_definition: bool = False
    designations: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()
    exclude_systems: tuple[str, ...] = ()
    versions_match: bool = False
    # of a validation
    allows_abstract: bool = True
    infers_system: bool = False
    lenient_displays: bool = False
    membership_only: bool = False

    @property
    def wanted(self) -> Languages | None:
        """The languages of displays: those asked for, else those of the header."""
        return self.languages if self.languages is not None else self.header

    @property
    def named_languages(self) -> str:
        wanted = self.wanted
        return "--" if wanted is None else wanted.named


NO_WISHES = Wishes()

"""What a release is, whatever its files: the code system it brings, and its concepts as a stream.

Source: FHIR R4, CodeSystem; "Code System Supplements".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from fhir_gateway.fhir.outcome import Issue, Unprocessable

# What a name is to its concept. "display": the one that is shown in its language.
Kind = Literal["display", "synonym", "fully-specified", "definition", "short"]
# (language, kind, text)
Name = tuple[str, Kind, str]
# (code, type of value as in CodeSystem.property.type, value)
Property = tuple[str, str, Any]
Declaration = Mapping[str, str]  # CodeSystem.property

AT_ONCE = 20  # faults that are told together


class Place(NamedTuple):
    """Where something stands in a release."""

    file: str
    line: int


class Released(NamedTuple):
    """One concept as its release has it. `display` is in the language of the release, names in any other way."""

    code: str
    display: str | None
    definition: str | None
    names: Sequence[Name]
    properties: Sequence[Property]
    parents: Sequence[str]
    inactive: bool
    place: Place


@dataclass(frozen=True, slots=True)
class Release:
    """One version of a code system, or of a supplement, from its files. `concepts` can be gone through once.

    Raises while it is gone through: Unprocessable with file, line and reason.
    """

    url: str
    version: str
    title: str
    language: str
    concepts: Iterable[Released]
    supplements: str | None = None  # url of the system that it adds to
    declarations: Sequence[Declaration] = ()
    case_sensitive: bool = True
    value_set: str | None = None
    copyright: str | None = None

    @property
    def canonical(self) -> str:
        return f"{self.url}|{self.version}"


@dataclass(slots=True)
class Faults:
    """What is wrong so far; told together, some at once."""

    issues: list[Issue] = field(default_factory=list)

    def add(self, issue: Issue) -> None:
        """Note a fault. Raises: Unprocessable once there are many."""
        self.issues.append(issue)
        if len(self.issues) >= AT_ONCE:
            self.settle()

    def settle(self) -> None:
        """Raises: Unprocessable when there is any fault."""
        if self.issues:
            raise Unprocessable(*self.issues)

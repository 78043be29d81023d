"""What a rule is: what it finds, how grave that is in each state of a dossier, and what it says in both languages.

Source: FHIR R4, OperationOutcome; IssueType code system.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from fhir_gateway.dossier.dossier import Dossier
from fhir_gateway.dossier.finding import Finding
from fhir_gateway.fhir.outcome import Complaint, Issue, IssueCode

# The states that a dossier is judged for: as a draft that is stored, when it is finalised, while it runs.
State = Literal["draft", "finalise", "active"]
Gravity = Literal["none", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table. `id`: kebab-case, unique in the gateway, never reworded; `code`: of IssueType.

    `find` is given the dossier and the date asked about. `fr` and `en` are format strings over the values of a finding:
    `person_fr` is for the French text, `person_en` for the English one. Both say what is wrong, then what to do.
    """

    id: str
    code: IssueCode
    draft: Gravity
    finalise: Gravity
    active: Gravity
    find: Callable[[Dossier, str], Iterator[Finding]]
    fr: str
    en: str

    def gravity(self, state: State) -> Gravity:
        return {"draft": self.draft, "finalise": self.finalise, "active": self.active}[state]


@dataclass(frozen=True, slots=True)
class Gap:
    """What a rule found in a dossier, and how grave it is in the state asked for."""

    rule: Rule
    finding: Finding
    gravity: Literal["warning", "error"]

    @property
    def id(self) -> str:
        return self.rule.id

    @property
    def expression(self) -> str:
        return self.finding.expression

    def issue(self) -> Issue:
        """Return the gap as every door tells it: the same code and text in `$validate`, a POST and `$completude`."""
        return complaint_of(self.rule, self.gravity).at(self.finding.expression, **self.finding.values)


@cache
def complaint_of(rule: Rule, gravity: Literal["warning", "error"]) -> Complaint:
    return Complaint(rule.id, rule.code, rule.en, rule.fr, severity=gravity)

"""Complaints, issues, refusals and the OperationOutcome that tells them.

Source: FHIR R4, OperationOutcome; RESTful API, "Status codes"; IssueType code system.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from fhir_gateway.fhir.canonical_base import CANONICAL_BASE

Language = Literal["en", "fr"]
Severity = Literal["fatal", "error", "warning", "information"]
IssueCode = Literal[
    "invalid", "structure", "required", "value", "invariant", "security", "login", "unknown", "expired",
    "forbidden", "suppressed", "processing", "not-supported", "duplicate", "multiple-matches", "not-found",
    "deleted", "too-long", "code-invalid", "extension", "too-costly", "business-rule", "conflict", "transient",
    "lock-error", "no-store", "exception", "timeout", "incomplete", "throttled", "informational",
]  # fmt: skip

DETAIL_SYSTEM = f"{CANONICAL_BASE}/CodeSystem/complaint"
# What a terminology service tells its clients by (HL7, FHIR Terminology Ecosystem): they act on these, not on texts.
TX_ISSUE_TYPE = "http://hl7.org/fhir/tools/CodeSystem/tx-issue-type"
_MESSAGE_ID = "http://hl7.org/fhir/StructureDefinition/operationoutcome-message-id"


_UNFIT = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def fit(text: str) -> str:
    """Replace what a FHIR string and XML cannot hold: texts and expressions quote what was sent."""
    return text if text.isprintable() else _UNFIT.sub("\ufffd", text)


@dataclass(frozen=True, slots=True)
class Complaint:
    """One kind of complaint: its stable detail code, IssueType code, severity and text in both languages.

    `en` and `fr` are format strings over the values given to `at`. The room that knows a rule declares its
    complaints as constants; `detail` is kebab-case, unique in the whole gateway and never reworded.

    `of_terminology`: it is told in the form that clients of terminology services read: with a code of tx-issue-type
    (`issue_type`) in place of the detail code, and HL7's own id of the message (`message_id`).
    """

    detail: str
    code: IssueCode
    en: str
    fr: str
    severity: Severity = "error"
    of_terminology: bool = False
    issue_type: str = ""
    message_id: str = ""

    def at(self, expression: str | None = None, **values: object) -> Issue:
        """Return the issue that this complaint makes at a FHIRPath expression (None: the request itself)."""
        return Issue(self, expression, {name: str(value) for name, value in values.items()})


@dataclass(frozen=True, slots=True)
class Issue:
    """A complaint at a place, with what it needs to name the thing, the rule and the remedy."""

    complaint: Complaint
    expression: str | None = None
    values: dict[str, str] = field(default_factory=dict)

    @property
    def severity(self) -> Severity:
        return self.complaint.severity

    def text(self, language: Language = "en") -> str:
        template = self.complaint.fr if language == "fr" else self.complaint.en
        return fit(template.format_map(self.values))

    def as_fhir(self, language: Language = "en") -> dict[str, Any]:
        """Return this issue as an element of OperationOutcome.issue."""
        if self.complaint.of_terminology:
            return self._of_terminology(language)
        text = self.text(language)
        coding = {"system": DETAIL_SYSTEM, "code": self.complaint.detail}
        issue: dict[str, Any] = {
            "severity": self.severity,
            "code": self.complaint.code,
            "details": {"coding": [coding], "text": text},
            # Many clients show only `diagnostics`; it says the same.
            "diagnostics": text,
        }
        if self.expression:
            issue["expression"] = [fit(self.expression)]
        return issue

    def _of_terminology(self, language: Language) -> dict[str, Any]:
        complaint = self.complaint
        details: dict[str, Any] = {"text": self.text(language)}
        if complaint.issue_type:
            details = {"coding": [{"system": TX_ISSUE_TYPE, "code": complaint.issue_type}], **details}
        issue: dict[str, Any] = {"severity": complaint.severity, "code": complaint.code, "details": details}
        if complaint.message_id:
            issue["extension"] = [{"url": _MESSAGE_ID, "valueString": complaint.message_id}]
        if self.expression:
            # `location` is what older clients of terminology services read.
            issue |= {"location": [fit(self.expression)], "expression": [fit(self.expression)]}
        return issue

    def moved(self, prefix: str) -> Issue:
        """Return the same issue with its expression below `prefix`, as for a resource inside a Bundle entry.

        The expression's first step (the resource type) is replaced by the prefix.
        """
        tail = self.expression.partition(".")[2] if self.expression else ""
        return self.moved_to(f"{prefix}.{tail}" if tail else prefix)

    def moved_to(self, expression: str | None) -> Issue:
        """Return the same issue at another expression."""
        return Issue(self.complaint, expression, self.values)


_EXTENSION = "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-"


@dataclass(frozen=True, slots=True)
class Detailed(Issue):
    """An issue of which more is known: the profile that asks for it, why (in English and French), line and column.

    Line and column count from 1, in the text that was sent.
    """

    profile: str | None = None
    why: tuple[tuple[str, str], ...] = ()
    position: tuple[int, int] | None = None

    def as_fhir(self, language: Language = "en") -> dict[str, Any]:
        issue = Issue.as_fhir(self, language)
        lines = [issue["diagnostics"]]
        if self.profile and self.profile not in lines[0]:
            lines.append(f"{'Profil' if language == 'fr' else 'Profile'}{' ' * (language == 'fr')}: {self.profile}")
        lines += [f"- {fit(each[language == 'fr'])}" for each in self.why]
        issue["diagnostics"] = "\n".join(lines)
        if self.position is None:
            return issue
        line, column = self.position
        places = [
            {"url": f"{_EXTENSION}line", "valueInteger": line},
            {"url": f"{_EXTENSION}col", "valueInteger": column},
        ]
        return {"extension": places, **issue}

    def moved_to(self, expression: str | None) -> Issue:
        return Detailed(self.complaint, expression, self.values, self.profile, self.why)


def operation_outcome(issues: Iterable[Issue], language: Language = "en") -> dict[str, Any]:
    """Return an OperationOutcome resource with all issues, in the language asked for."""
    return {"resourceType": "OperationOutcome", "issue": [issue.as_fhir(language) for issue in issues]}


class FhirError(Exception):
    """A refusal: one or more issues and the HTTP status that tells their family.

    Raise where the reason is known; catch only at a door or at a batch entry.
    """

    status: ClassVar[int] = 500

    def __init__(self, *issues: Issue) -> None:
        super().__init__("; ".join(issue.complaint.detail for issue in issues))
        self.issues = issues


class InvalidRequest(FhirError):
    """Malformed body or bad parameter."""

    status = 400


class Unauthenticated(FhirError):
    status = 401


class Forbidden(FhirError):
    status = 403


class TooCostly(FhirError):
    status = 403


class NotFound(FhirError):
    status = 404


class NotAllowed(FhirError):
    """The interaction is not supported at this URL. `allowed`: the methods that are, for an Allow header."""

    status = 405
    allowed: tuple[str, ...] = ()


class NotAcceptable(FhirError):
    status = 406


class Conflict(FhirError):
    status = 409


class Gone(FhirError):
    """The resource was deleted. `version` is the tombstone's, for an ETag."""

    status = 410
    version: int | None = None


class PreconditionFailed(FhirError):
    status = 412


class TooLarge(FhirError):
    status = 413


class UnsupportedMediaType(FhirError):
    status = 415


class Unprocessable(FhirError):
    status = 422


class TooManyRequests(FhirError):
    status = 429


class Unavailable(FhirError):
    """The store cannot answer now (lost database, full disk, overload); the request may be resent later."""

    status = 503

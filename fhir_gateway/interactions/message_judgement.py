"""Which answer a message gets: what each problem is in the terms of an acknowledgement.

An error of content gets AE: it must not be sent again as it is. A circumstance gets AR: it may be sent again. What was
wrong and could be read all the same is kept as a warning.

Source: HL7 v2.5.1, chapter 2, 2.9.2, tables 0008 and 0357; CI-SIS, volet transmission (AE and AR).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from fhir_gateway.exchange.hl7v2.acknowledgement import Problem
from fhir_gateway.exchange.hl7v2.complaints import EVENT_UNKNOWN, Unreadable
from fhir_gateway.fhir.outcome import (
    Conflict,
    FhirError,
    Gone,
    InvalidRequest,
    Issue,
    Language,
    NotFound,
    PreconditionFailed,
    Unprocessable,
)
from fhir_gateway.interactions import message_complaints as complaints
from fhir_gateway.interactions.validation import NotValid

if TYPE_CHECKING:
    from fhir_gateway.transform.run import Instance

Answer = Literal["AA", "AE", "AR"]

# What mappings complain of, by detail code: the condition of table 0357.
_OF_MAPPING = {
    "mapping-no-identifier": "101",
    "mapping-incomplete": "101",
    "mapping-of-no-group": "100",
    "mapping-misplaced": "100",
    "mapping-segment-missing": "100",
    "mapping-needed": "102",
    "mapping-code-required": "103",
    "mapping-code-kept": "103",
    "mapping-code-dropped": "103",
    "mapping-code-replaced": "103",
    "mapping-value-unfit": "102",
    "mapping-ends-before-start": "102",
    "hl7v2-charset-guessed": "102",
}
_OF_OURS = {
    complaints.TOO_LARGE: "207",
    complaints.PARTNER_UNKNOWN: "207",
    complaints.NOT_ADDRESSED: "207",
    complaints.PROCESSING_ID: "202",
    complaints.VERSION_UNKNOWN: "203",
    complaints.TYPE_UNKNOWN: "200",
    EVENT_UNKNOWN: "201",
    complaints.NO_CONTROL_ID: "101",
    complaints.NO_PATIENT: "100",
    complaints.BASE64_BROKEN: "102",
    complaints.SAME_NAME: "205",
    complaints.OLDER: "207",
    complaints.NOT_FINAL: "207",
    complaints.ORDER_UNKNOWN: "204",
    complaints.SURVIVOR: "204",
    complaints.MERGE_ITSELF: "205",
    complaints.MERGE_CIRCULAR: "205",
    complaints.MERGE_ELSEWHERE: "205",
    complaints.MERGE_TWO_INS: "205",
    complaints.SETTLED: "205",
    complaints.DEFECT: "207",
    complaints.MADE_INVALID: "207",
}
_WHERE = {
    complaints.NOT_ADDRESSED: "MSH^1^5",
    complaints.PARTNER_UNKNOWN: "MSH^1^3",
    complaints.PROCESSING_ID: "MSH^1^11",
    complaints.VERSION_UNKNOWN: "MSH^1^12",
    complaints.TYPE_UNKNOWN: "MSH^1^9",
    EVENT_UNKNOWN: "MSH^1^9",
    complaints.NO_CONTROL_ID: "MSH^1^10",
    complaints.NO_PATIENT: "PID^1",
    complaints.ORDER_UNKNOWN: "ORC^1^2",
    complaints.SAME_NAME: "MSH^1^10",
    complaints.MERGE_ITSELF: "MRG^1^1",
    complaints.MERGE_CIRCULAR: "MRG^1^1",
    complaints.MERGE_ELSEWHERE: "MRG^1^1",
    complaints.MERGE_TWO_INS: "MRG^1^1",
}
# Refusals of the acts that the content of a message is to blame for; all others are circumstances. What is invalid
# once it is mapped is our fault, but sending it again would not help.
_OF_CONTENT: tuple[tuple[type[FhirError], str], ...] = (
    (NotFound, "204"),
    (Gone, "204"),
    (Conflict, "205"),
    (PreconditionFailed, "207"),
    (InvalidRequest, "207"),
    (Unprocessable, "207"),
)
_ENTRY = re.compile(r"Bundle\.entry\[(\d+)\]")
_UNREADABLE = {"hl7v2-no-message": "207", "hl7v2-hprim": "200", "hl7v2-xml-encoding": "200"}  # a circumstance: AR


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a message is answered, and why."""

    code: Answer
    problems: tuple[Problem, ...] = ()

    @property
    def is_error(self) -> bool:
        return self.code != "AA"

    def told(self) -> list[dict[str, Any]]:
        """Return the problems as the log keeps them: in both languages, since who asks for them may speak either."""
        return [
            {"severity": each.severity, "code": each.detail, "condition": each.condition, "where": each.where,
             "text": {"fr": each.text, "en": each.english or each.text}}
            for each in self.problems
        ]  # fmt: skip


def in_language(detail: Mapping[str, Any], language: Language) -> dict[str, Any]:
    """Return what the log keeps of a message, its problems in one language."""
    told = {**detail}
    if "issues" in told:
        told["issues"] = [{**each, "text": _in(each["text"], language)} for each in told["issues"]]
    if "messages" in told:
        told["messages"] = [in_language(each, language) for each in told["messages"]]
    return told


def _in(text: str | Mapping[str, str], language: Language) -> str:
    return text if isinstance(text, str) else text[language]  # a log may be older than its second language


def problem(issue: Issue) -> Problem:
    """Return an issue as an acknowledgement tells it."""
    complaint = issue.complaint
    condition = _OF_OURS.get(complaint) or _OF_MAPPING.get(complaint.detail, "207")
    where = issue.values.get("where", "") or _WHERE.get(complaint, "")
    severity: Literal["E", "W", "I"] = "E" if issue.severity in ("error", "fatal") else "W"
    return Problem(condition, where, complaint.detail, issue.text("fr"), severity, issue.text("en"))


def rejected(*issues: Issue) -> Judgement:
    """Return the judgement of a message that a circumstance keeps from being taken."""
    return Judgement("AR", tuple(map(problem, issues)))


def unreadable(refusal: Unreadable) -> Judgement:
    """Return the judgement of bytes that are no message, or cannot be read as one."""
    told = problem(refusal.issues[0])
    condition = _UNREADABLE.get(told.detail)
    if condition is not None:
        return Judgement("AR", (replace(told, condition=condition, where="", severity="E"),))
    return Judgement("AE", (replace(told, condition=refusal.condition, where=refusal.location, severity="E"),))


def of_issues(issues: Sequence[Issue]) -> Judgement:
    """Return the judgement of a message that was mapped: an error in it is one of content."""
    problems = tuple(sorted(map(problem, issues), key=lambda each: each.severity != "E"))
    return Judgement("AE" if any(each.severity == "E" for each in problems) else "AA", problems)


def of_refusal(refusal: FhirError, instances: Sequence[Instance]) -> Judgement:
    """Return the judgement of a message whose act was refused; places are told as segments of the message."""
    condition = next((each for kind, each in _OF_CONTENT if isinstance(refusal, kind)), "")
    code: Answer = "AE" if condition else "AR"
    return Judgement(code, tuple(_problem_of_act(issue, condition or "207", instances) for issue in refusal.issues))


def _problem_of_act(issue: Issue, condition: str, instances: Sequence[Instance]) -> Problem:
    told = problem(issue)
    found = _ENTRY.match(issue.expression or "")
    where = told.where
    if not where and found is not None and int(found[1]) < len(instances):
        segment = instances[int(found[1])].segment
        where = f"{segment.name}^{segment.number}" if segment is not None else ""
    known = issue.complaint in _OF_OURS
    return replace(told, condition=told.condition if known else condition, where=where)


def is_our_fault(refusal: FhirError) -> bool:
    """Tell whether what was mapped is invalid: the rules are to be mended, not the message."""
    return isinstance(refusal, NotValid | InvalidRequest)

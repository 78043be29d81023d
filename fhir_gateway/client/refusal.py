"""What the gateway refused, as an exception that tells why; and silence.

Source: FHIR R4, RESTful API, "Status codes"; OperationOutcome.
"""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """An answer outside 2xx (and outside 304): its `status`, and the `outcome` (OperationOutcome) where one came.

    `reason` is every issue's text, and `str()` names the request and the status too; `details` holds the stable codes
    to program against.
    """

    def __init__(self, request: str, status: int, outcome: dict[str, Any] | None, text: str) -> None:
        self.request = request
        self.status = status
        self.outcome = outcome
        self.reason = "; ".join(_texts(outcome)) or text
        super().__init__(f"{request} was refused with {status}: {self.reason}")

    @property
    def details(self) -> list[str]:
        """The detail codes of the issues, in order: `["if-match-stale"]`."""
        issues = self.outcome.get("issue", []) if self.outcome else []
        codings = [coding for issue in issues for coding in issue.get("details", {}).get("coding", [])]
        return [coding["code"] for coding in codings if "code" in coding]


class Unreachable(Exception):
    """No answer came: nobody listens there, the connection broke, or time ran out. A write may have happened."""


def _texts(outcome: dict[str, Any] | None) -> list[str]:
    issues = outcome.get("issue", []) if outcome else []
    return [
        issue.get("details", {}).get("text") or issue.get("diagnostics") or str(issue.get("code", ""))
        for issue in issues
    ]

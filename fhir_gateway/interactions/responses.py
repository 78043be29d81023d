"""Response entries: what became of each entry of a batch or transaction.

Source: FHIR R4, RESTful API, "Batch/Transaction Response"; Bundle, `entry.response`.
"""

from __future__ import annotations

from functools import lru_cache
from http import HTTPStatus

from fhir_gateway.fhir.bundle import ResponseEntry
from fhir_gateway.fhir.json import encode
from fhir_gateway.fhir.outcome import FhirError, Issue, Language, operation_outcome
from fhir_gateway.interactions.interaction import Answer


@lru_cache(maxsize=64)
def status_line(status: int) -> str:
    """Return "201 Created": "The status SHALL start with a 3 digit HTTP code"."""
    return f"{status} {_PHRASES.get(status) or HTTPStatus(status).phrase}"


# As FHIR R4 writes them; RFC 9110 renamed both, and the newer Pythons follow it.
_PHRASES = {413: "Request Entity Too Large", 422: "Unprocessable Entity"}


def of_answer(answer: Answer, full_url: str | None = None, outcome: bytes | None = None) -> ResponseEntry:
    """Return the entry for an answer; its body, if it has one, becomes the resource, with its `full_url`."""
    return ResponseEntry(
        status_line(answer.status),
        answer.location,
        answer.version,
        answer.last_updated,
        answer.body,
        outcome,
        full_url if answer.body is not None else None,
    )


def of_refusal(refusal: FhirError, issues: list[Issue], language: Language) -> ResponseEntry:
    """Return the entry for an act of a batch that was refused."""
    return ResponseEntry(status_line(refusal.status), outcome=encode(operation_outcome(issues, language)))

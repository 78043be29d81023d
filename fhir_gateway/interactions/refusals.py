"""All problems at once: refusals gathered from many entries become one.

Source: FHIR R4, RESTful API, "Batch/Transaction Response": a failed transaction is a single OperationOutcome.
"""

from __future__ import annotations

from collections.abc import Iterable

from fhir_gateway.fhir.outcome import FhirError, Issue


class Refusals:
    """Issues and the family each belongs to. The whole is refused with the status of the first."""

    __slots__ = ("_error", "_issues")

    def __init__(self) -> None:
        self._error: type[FhirError] | None = None
        self._issues: list[Issue] = []

    def add(self, error: type[FhirError], *issues: Issue) -> None:
        if issues and self._error is None:
            self._error = error
        self._issues += issues

    def take(self, refusal: FhirError, issues: Iterable[Issue]) -> None:
        """Add another refusal, its issues told with the expressions they have here."""
        self.add(type(refusal), *issues)

    def __bool__(self) -> bool:
        return self._error is not None

    def raise_any(self) -> None:
        """Raise what was gathered, if anything was."""
        if self._error is not None:
            raise self._error(*self._issues)

"""What is wrong with a FHIRPath expression, and where.

Source: FHIRPath 2.0 (N1), "Type safety and strict evaluation", "Formal specifications".
"""

from __future__ import annotations

from typing import Literal

Stage = Literal["syntax", "semantic", "execution"]


class FhirPathError(Exception):
    """An expression that cannot be read (syntax), cannot mean anything (semantic), or failed (execution).

    `position`: the place in the expression's text, counted from 0; None where it has none.
    """

    def __init__(self, stage: Stage, message: str, position: int | None = None, expression: str | None = None) -> None:
        super().__init__(message)
        self.stage = stage
        self.message = message
        self.position = position
        self.expression = expression

    def __str__(self) -> str:
        if self.position is None or self.expression is None:
            return self.message
        before = self.expression[: self.position]
        line, column = before.count("\n") + 1, self.position - (before.rfind("\n") + 1) + 1
        return f"{self.message} (line {line}, column {column})"


def failed(message: str) -> FhirPathError:
    """Return the failure of an evaluation; the compiler adds the place."""
    return FhirPathError("execution", message)

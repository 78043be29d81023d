"""An expression's tokens read into a tree, by precedence climbing.

Source: FHIRPath 2.0 (N1), "Grammar", "Operator precedence".
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import NoReturn

from fhir_gateway.fhir.fhirpath.faults import FhirPathError
from fhir_gateway.fhir.fhirpath.lexer import Token, tokens
from fhir_gateway.fhir.fhirpath.syntax import (
    Binary,
    Call,
    Empty,
    Expression,
    Index,
    Literal_,
    Member,
    Sign,
    This,
    TypeTest,
    Variable,
)
from fhir_gateway.fhir.fhirpath.values import CALENDAR, Quantity, Temporal

# The higher, the closer an operator binds.
_BINDS = {
    "implies": 1,
    "or": 2, "xor": 2,
    "and": 3,
    "in": 4, "contains": 4,
    "=": 5, "~": 5, "!=": 5, "!~": 5,
    "<": 6, ">": 6, "<=": 6, ">=": 6,
    "|": 7,
    "is": 8, "as": 8,
    "+": 9, "-": 9, "&": 9,
    "*": 10, "/": 10, "div": 10, "mod": 10,
}  # fmt: skip
_SIGNED = 11
_MAX_DIGITS = 1000
_DEEPEST = 200  # nested parts; an expression beyond is refused rather than the stack overrun


@lru_cache(4096)
def parse(text: str) -> Expression:
    """Return the tree of an expression.

    Raises: FhirPathError (syntax) with the place where it stops making sense.
    """
    parser = _Parser(text)
    tree = parser.expression(0)
    parser.expect_end()
    return tree


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens(text)
        self.place = 0
        self.depth = 0

    @property
    def next(self) -> Token:
        return self.tokens[self.place]

    def take(self) -> Token:
        token = self.tokens[self.place]
        self.place += 1
        return token

    def fail(self, message: str, token: Token | None = None) -> NoReturn:
        raise FhirPathError("syntax", message, (token or self.next).position, self.text)

    def is_sign(self, *signs: str) -> bool:
        return self.next.kind == "sign" and self.next.text in signs

    def expect(self, sign: str) -> Token:
        if not self.is_sign(sign):
            self.fail(f"'{sign}' expected" + (f", not '{self.next.text}'" if self.next.text else ""))
        return self.take()

    def expect_end(self) -> None:
        if self.next.kind != "end":
            self.fail(f"'{self.next.text}' does not belong here")

    def expression(self, binding: int) -> Expression:
        self.depth += 1
        if self.depth > _DEEPEST:
            self.fail("the expression is nested too deeply")
        left = self.signed()
        while True:
            operator = self.next.text if self.next.kind in ("sign", "name") else ""
            bound = _BINDS.get(operator, 0)
            if bound <= binding:
                self.depth -= 1
                return left
            position = self.take().position
            if operator in ("is", "as"):
                left = TypeTest(operator, left, self.type_name(), position)  # type: ignore[arg-type]
            else:
                left = Binary(operator, left, self.expression(bound), position)

    def signed(self) -> Expression:
        if self.is_sign("+", "-"):
            token = self.take()
            self.depth += 1
            if self.depth > _DEEPEST:
                self.fail("the expression is nested too deeply")
            of = self.signed()
            self.depth -= 1
            return Sign(token.text, of, token.position)  # type: ignore[arg-type]
        return self.path()

    def path(self) -> Expression:
        left = self.term()
        while True:
            if self.is_sign("."):
                self.take()
                left = self.invocation(left)
            elif self.is_sign("["):
                position = self.take().position
                index = self.expression(0)
                self.expect("]")
                left = Index(left, index, position)
            else:
                return left

    def term(self) -> Expression:
        token = self.next
        match token.kind:
            case "string":
                self.take()
                return Literal_(token.text, token.position)
            case "number" | "long":
                return self.number()
            case "date":
                self.take()
                kind = "DateTime" if "T" in token.text else "Date"
                return self.temporal(kind, token)
            case "time":
                self.take()
                return self.temporal("Time", token)
            case "variable":
                self.take()
                return Variable(token.text, token.position)
            case "special":
                self.take()
                return This(token.text, token.position)  # type: ignore[arg-type]
            case "name" if token.text in ("true", "false"):
                self.take()
                return Literal_(token.text == "true", token.position)
            case "name" | "quoted":
                return self.invocation(None)
            case "sign" if token.text == "(":
                self.take()
                inner = self.expression(0)
                self.expect(")")
                return inner
            case "sign" if token.text == "{":
                self.take()
                self.expect("}")
                return Empty(token.position)
        self.fail(f"a value or a name expected, not '{token.text}'" if token.text else "the expression ends too early")

    def temporal(self, kind: str, token: Token) -> Expression:
        value = Temporal.read(kind, token.text)
        if value is None:
            self.fail(f"'{token.text}' is no {kind}", token)
        return Literal_(value, token.position)

    def number(self) -> Expression:
        token = self.take()
        if len(token.text) > _MAX_DIGITS:
            self.fail(f"a number of more than {_MAX_DIGITS} digits", token)
        value = Decimal(token.text) if "." in token.text else int(token.text)
        if self.next.kind == "string" and token.kind == "number":
            return Literal_(Quantity(Decimal(token.text), self.take().text), token.position)
        if self.next.kind == "name" and self.next.text in CALENDAR and token.kind == "number":
            # A keyword only where a quantity can be: `1 day`, not `1.day`.
            return Literal_(Quantity(Decimal(token.text), CALENDAR[self.take().text], calendar=True), token.position)
        return Literal_(value, token.position)

    def invocation(self, of: Expression | None) -> Expression:
        token = self.take()
        if token.kind == "special":
            if of is not None:
                self.fail(f"{token.text} cannot follow a dot", token)
            return This(token.text, token.position)  # type: ignore[arg-type]
        if token.kind not in ("name", "quoted"):
            self.fail("a name expected" + (f", not '{token.text}'" if token.text else ""), token)
        if not self.is_sign("("):
            return Member(of, token.text, token.position)
        self.take()
        arguments: list[Expression] = []
        if not self.is_sign(")"):
            arguments.append(self.argument(token.text, len(arguments)))
            while self.is_sign(","):
                self.take()
                arguments.append(self.argument(token.text, len(arguments)))
        self.expect(")")
        return Call(of, token.text, tuple(arguments), token.position)

    def argument(self, function: str, number: int) -> Expression:
        found = self.expression(0)
        if function == "sort" and self.next.kind == "name" and self.next.text in ("asc", "desc"):
            token = self.take()
            if token.text == "desc":
                return Sign("-", found, token.position)
        return found

    def type_name(self) -> str:
        first = self.take()
        if first.kind not in ("name", "quoted"):
            self.fail("the name of a type expected", first)
        name = first.text
        while self.is_sign("."):
            ahead = self.tokens[self.place + 1]
            after = self.tokens[self.place + 2] if self.place + 2 < len(self.tokens) else ahead
            if ahead.kind not in ("name", "quoted") or (after.kind == "sign" and after.text == "("):
                break
            self.take()
            name += f".{self.take().text}"
        return name

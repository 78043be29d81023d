"""Reads the FHIRPath of search parameters: tokens and syntax tree of the shapes that R4's own parameters use.

Source: FHIRPath, "Expressions", "Operator Precedence"; FHIR R4, SearchParameter.expression.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import count

from fhir_gateway.fhir.outcome import Complaint, Unprocessable

UNREADABLE = Complaint(
    "search-expression-unreadable",
    "invalid",
    en="The search parameter's expression cannot be read at character {position}: {found} is not expected there. "
    "Correct the FHIRPath expression: {text}",
    fr="L'expression du paramètre de recherche est illisible au caractère {position} : {found} n'y est pas attendu. "
    "Corrigez l'expression FHIRPath : {text}",
)
UNSUPPORTED = Complaint(
    "search-expression-unsupported",
    "not-supported",
    en="The search parameter's expression uses {found} at character {position}, which this server cannot index. Use "
    "paths, as, ofType, where, extension, hasExtension, resolve() is, exists, indexes and unions only: {text}",
    fr="L'expression du paramètre de recherche emploie {found} au caractère {position}, que ce serveur ne sait pas "
    "indexer. N'employez que chemins, as, ofType, where, extension, hasExtension, resolve() is, exists, indices et "
    "unions : {text}",
)
UNKNOWN_ELEMENT = Complaint(
    "search-expression-element-unknown",
    "not-found",
    en="The search parameter's expression names {found} at character {position}, but {type} has no such element. "
    "Correct the path: {text}",
    fr="L'expression du paramètre de recherche nomme {found} au caractère {position}, mais {type} n'a pas cet "
    "élément. Corrigez le chemin : {text}",
)
NO_VALUE = Complaint(
    "search-expression-without-value",
    "value",
    en="The search parameter's expression gives nothing of {type} that a parameter of type {found} can search. "
    "Correct its expression, base or type: {text}",
    fr="L'expression du paramètre de recherche ne donne rien de {type} qu'un paramètre de type {found} puisse "
    "chercher. Corrigez son expression, sa base ou son type : {text}",
)


class UnsupportedExpression(Unprocessable):
    """An expression that cannot be compiled: `position` is the character, from 0, where `reason` becomes true."""

    def __init__(self, complaint: Complaint, text: str, position: int, found: str, type: str = "") -> None:
        issue = complaint.at("SearchParameter.expression", position=position, found=found, text=text, type=type)
        super().__init__(issue)
        self.position = position
        self.reason = issue.text()


@dataclass(frozen=True, slots=True)
class Variable:
    """`%resource`, `$this`, and `%context`: a value that is there before any path."""

    name: str
    position: int


@dataclass(frozen=True, slots=True)
class Literal:
    value: str | bool | int
    position: int


@dataclass(frozen=True, slots=True)
class Member:
    """`of.name`; without `of` the path begins here, with an element or with a type."""

    of: Expression | None
    name: str
    position: int


@dataclass(frozen=True, slots=True)
class Call:
    """`of.name(arguments)`; without `of` the function is applied to what the criterion is asked about."""

    of: Expression | None
    name: str
    arguments: tuple[Expression, ...]
    position: int


@dataclass(frozen=True, slots=True)
class Index:
    of: Expression
    index: int
    position: int


@dataclass(frozen=True, slots=True)
class TypeTest:
    """`of as type` and `of is type`; `of.as(type)`, `of.ofType(type)` and `of.is(type)` mean the same."""

    of: Expression
    operator: str
    type: str
    position: int


@dataclass(frozen=True, slots=True)
class Operation:
    """`left operator right`, of `|`, `=`, `!=`, `and`, `or`."""

    operator: str
    left: Expression
    right: Expression
    position: int


Expression = Variable | Literal | Member | Call | Index | TypeTest | Operation

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*|`(?:[^`\\]|\\.)*`)
    |(?P<variable>[%$][A-Za-z_][A-Za-z0-9_-]*)
    |(?P<string>'(?:[^'\\]|\\.)*')
    |(?P<number>[0-9]+)
    |(?P<symbol>!=|[.()\[\]|,=])
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}
# From loosest to tightest; FHIRPath puts `as` and `is` above `|`, `|` above `=`, `=` above `and`, `and` above `or`.
_LEVELS: tuple[tuple[str, ...], ...] = (("or",), ("and",), ("=", "!="), ("|",))
_OTHER_OPERATORS = frozenset({"xor", "implies", "in", "contains", "div", "mod"})
_TYPE_FUNCTIONS = {"as": "as", "ofType": "as", "is": "is"}
# What an expression may nest: R4's own stay below 10 in both; beyond it a hostile one would exhaust the stack.
MAX_STEPS = 100
MAX_DEPTH = 20


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int


def parse(text: str) -> Expression:
    """Return the syntax tree of an expression. Raises: UnsupportedExpression, with the place and the reason."""
    return _Parser(text).whole()


def _unescaped(text: str) -> str:
    def character(match: re.Match[str]) -> str:
        return chr(int(match[1], 16)) if match[1] else _ESCAPED.get(match[2], match[2])

    return _ESCAPE.sub(character, text[1:-1])


class _Parser:
    """A recursive descent over the tokens of one expression."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = [
            _Token(match.lastgroup or "", match[0], match.start())
            for match in _TOKEN.finditer(text)
            if match.lastgroup != "space"
        ]
        self.tokens.append(_Token("end", "''", len(text)))
        self.at = 0
        self.depth = 0

    @property
    def token(self) -> _Token:
        return self.tokens[self.at]

    def take(self, text: str) -> bool:
        """Step over a symbol or word if it comes next."""
        if self.token.text != text or self.token.kind == "string":
            return False
        self.at += 1
        return True

    def expect(self, text: str) -> None:
        if not self.take(text):
            raise self.unexpected()

    def next(self) -> _Token:
        self.at += 1
        return self.tokens[self.at - 1]

    def unexpected(self) -> UnsupportedExpression:
        """Return the refusal of the next token: an operator FHIRPath has is unsupported, all else unreadable."""
        token = self.token
        operator = token.text in _OTHER_OPERATORS or (token.kind == "other" and token.text in "<>~+-*/&")
        return UnsupportedExpression(UNSUPPORTED if operator else UNREADABLE, self.text, token.position, token.text)

    def whole(self) -> Expression:
        expression = self.level(0)
        if self.token.kind != "end":
            raise self.unexpected()
        return expression

    def nested(self) -> Expression:
        """Read an expression inside another: in parentheses, or as an argument."""
        self.depth += 1
        self.limit(self.depth, MAX_DEPTH)
        expression = self.level(0)
        self.depth -= 1
        return expression

    def limit(self, number: int, most: int) -> None:
        if number > most:
            raise UnsupportedExpression(UNSUPPORTED, self.text, self.token.position, f"> {most} × {self.token.text}")

    def level(self, level: int) -> Expression:
        if level == len(_LEVELS):
            return self.typed()
        left = self.level(level + 1)
        steps = 0
        while self.token.text in _LEVELS[level] and self.token.kind in ("symbol", "name"):
            token = self.next()
            left = Operation(token.text, left, self.level(level + 1), token.position)
            if token.text != "|":  # the alternatives of a union are walked, not descended
                steps += 1
                self.limit(steps, MAX_STEPS)
        return left

    def typed(self) -> Expression:
        expression = self.path()
        for steps in count(1):
            if self.token.kind != "name" or self.token.text not in ("as", "is"):
                break
            self.limit(steps, MAX_STEPS)
            token = self.next()
            expression = TypeTest(expression, token.text, self.type_name(), token.position)
        return expression

    def type_name(self) -> str:
        """Read a type: `Quantity`, or `FHIR.Quantity`."""
        name = self.name()
        return self.name() if name == "FHIR" and self.take(".") else name

    def name(self) -> str:
        if self.token.kind != "name":
            raise self.unexpected()
        text = self.next().text
        return _unescaped(text) if text.startswith("`") else text

    def path(self) -> Expression:
        expression = self.term()
        for steps in count(1):
            self.limit(steps, MAX_STEPS)
            position = self.token.position
            if self.take("."):
                expression = self.step(expression)
            elif self.take("["):
                if self.token.kind != "number":
                    raise self.unexpected()
                expression = Index(expression, int(self.next().text), position)
                self.expect("]")
            else:
                break
        return expression

    def term(self) -> Expression:
        token = self.token
        if self.take("("):
            expression = self.nested()
            self.expect(")")
            return expression
        if token.kind == "string":
            return Literal(_unescaped(self.next().text), token.position)
        if token.kind == "number":
            return Literal(int(self.next().text), token.position)
        if token.kind == "variable":
            return Variable(self.next().text, token.position)
        if token.text in ("true", "false"):
            return Literal(self.next().text == "true", token.position)
        return self.step(None)

    def step(self, of: Expression | None) -> Expression:
        """Read what follows a dot, or begins a path: an element or a function."""
        position = self.token.position
        name = self.name()
        if not self.take("("):
            return Member(of, name, position)
        if of is not None and name in _TYPE_FUNCTIONS:
            test = TypeTest(of, _TYPE_FUNCTIONS[name], self.type_name(), position)
            self.expect(")")
            return test
        arguments: list[Expression] = []
        if not self.take(")"):
            arguments.append(self.nested())
            while self.take(","):
                arguments.append(self.nested())
            self.expect(")")
        return Call(of, name, tuple(arguments), position)

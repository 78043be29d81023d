"""A search as it was asked: parameters read into criteria and wishes about the result.

Source: FHIR R4, Search; RESTful API, "search".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from fhir_gateway.fhir.outcome import InvalidRequest, Issue
from fhir_gateway.store.index import complaints as values
from fhir_gateway.store.index.hashing import h64
from fhir_gateway.store.index.syntax import split
from fhir_gateway.store.search import complaints
from fhir_gateway.store.search.criteria import Reader, UnknownParameter
from fhir_gateway.store.search.criterion import Criterion
from fhir_gateway.store.search.include import Include, include_of
from fhir_gateway.store.search.registry import Registry
from fhir_gateway.store.search.statement import Order

PAGE = "_page"  # names the page that a link leads to; R4 leaves the parameters of such links to the server
_PRESENTATION = frozenset({"_format", "_pretty"})
_WISHES = frozenset(
    {"_sort", "_count", "_total", "_summary", "_elements", "_include", "_revinclude", "_contained", "_containedType"}
)
_REPEATABLE = frozenset({"_include", "_revinclude"})
_SORTS = {"_id": "fhir_id", "_lastUpdated": "last_updated"}

_NO_CRITERIA = _WISHES | _PRESENTATION | {PAGE}

# The newest first. What is created during a walk comes before its first page, so that no later page can shift.
BY_RID: Order = (("rid", True),)

Parameter = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page begins: after `key`, going back where `backward`, never beyond `first`, the walk's first key.

    Keys are values of the columns that the search is ordered by. `before`: in a search by `_lastUpdated`, the instant
    (µs) below which the first page saw everything; no later page shows what came since, or whoever goes on from the
    latest instant seen would miss what came meanwhile on a page already turned.
    """

    key: tuple[int | str, ...]
    first: tuple[int | str, ...]
    backward: bool = False
    before: int = 0


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A search ready to be run.

    `types`: the resource types searched, empty for all. `criteria` must all hold. `count`: resources on a page; with
    `count_only` nothing but the total is wanted. `applied`: the parameters that were understood, as they were sent,
    without those about pages and formats. `unknown`: issues of those that were passed over. `page`: the token of the
    page asked for, not verified yet; `after`: where that page begins, once it is (`paging.resume`).
    """

    registry: Registry = field(repr=False, compare=False)
    types: tuple[str, ...]
    criteria: tuple[Criterion, ...] = ()
    order: Order = BY_RID
    count: int = 50
    count_only: bool = False
    total: Literal["none", "estimate", "accurate"] = "none"
    includes: tuple[Include, ...] = ()
    applied: tuple[Parameter, ...] = ()
    unknown: tuple[Issue, ...] = ()
    page: str | None = None
    after: Position | None = None
    key: int = 0  # of the question: types, criteria and order, whatever the order they were given in

    @property
    def by_update(self) -> bool:
        """Whether it filters or sorts by `_lastUpdated`, so that it must only see what is certainly committed."""
        sorts = any(column == "last_updated" for column, _ in self.order)
        return sorts or any(criterion.name.startswith("_lastUpdated") for criterion in self.criteria)


def parse(
    type: str | None, parameters: Sequence[Parameter], registry: Registry, *, strict: bool = False
) -> SearchQuery:
    """Return the search that parameters ask for, of one type or (None) of those that `_type` names, or of all.

    Parameters that are unknown or not supported are passed over and named in `unknown`; with `strict` they are refused
    together with all else that is wrong.
    Raises: InvalidRequest with an issue for each modifier or value that is not possible.
    Source: FHIR R4, Search, "Handling Errors".
    """
    return _Parsing(type, parameters, registry).query(strict)


def criteria_key(type: str, parameters: Sequence[Parameter]) -> str:
    """Return the text that equal conditions have in common, whatever the order of parameters and alternatives.

    "Patient?identifier=system|value": parameters that choose nothing are left out.
    """
    conditions = sorted(
        f"{name}={','.join(sorted(set(split(value, ','))))}"
        for name, value in parameters
        if _code(name) not in _NO_CRITERIA
    )
    return f"{type}?{'&'.join(conditions)}"


def _code(name: str) -> str:
    """Return the name of a parameter without its modifier."""
    return name.partition(":")[0]


class _Parsing:
    """One search while it is read: what it is, and what is wrong with it."""

    def __init__(self, type: str | None, parameters: Sequence[Parameter], registry: Registry) -> None:
        self.registry = registry
        self.parameters = parameters
        self.reader = Reader(registry)
        self.issues: list[Issue] = []
        self.unknown: list[Issue] = []
        self.applied: list[Parameter] = []
        self.criteria: list[Criterion] = []
        self.includes: list[Include] = []
        self.order = BY_RID
        self.count = registry.limits.default_count
        self.count_only = False
        self.total: Literal["none", "estimate", "accurate"] = "none"
        self.page: str | None = None
        self.types = (type,) if type is not None else self._types()
        self.system = type is None

    def query(self, strict: bool) -> SearchQuery:
        self._refuse_repeated()
        for name, value in self.parameters:
            try:
                self._read(name, value)
            except InvalidRequest as refusal:
                self.issues.extend(refusal.issues)
            except UnknownParameter as unknown:
                self.unknown.append(unknown.issue)
        limit = self.registry.limits.max_conditions
        number = self.reader.count + len(self.includes)
        if number > limit:
            self.issues.append(complaints.TOO_MANY.at(number=number, limit=limit))
        if self.issues or (strict and self.unknown):
            raise InvalidRequest(*self.issues, *(self.unknown if strict else ()))
        return SearchQuery(
            self.registry,
            self.types,
            tuple(self.criteria),
            self.order,
            self.count,
            self.count_only,
            self.total,
            tuple(self.includes),
            tuple(self.applied),
            tuple(self.unknown),
            self.page,
            key=self._key(),
        )

    def _types(self) -> tuple[str, ...]:
        """Return what `_type` names; it is repeated in no search that passes."""
        named = [value for name, value in self.parameters if name == "_type"]
        types = [type for value in named for type in split(value, ",")]
        wrong = [type for type in types if type not in self.registry.rtypes]
        self.issues.extend(complaints.TYPE_UNKNOWN.at(name="_type", value=type) for type in wrong)
        return tuple(dict.fromkeys(type for type in types if type in self.registry.rtypes))

    def _refuse_repeated(self) -> None:
        once = (_WISHES - _REPEATABLE) | {"_type", PAGE}
        for name, times in Counter(name for name, _ in self.parameters).items():
            if times > 1 and name in once:
                self.issues.append(complaints.GIVEN_TWICE.at(name=name, times=times))

    def _read(self, name: str, value: str) -> None:
        if name in _PRESENTATION:
            return
        if value == "":
            raise InvalidRequest(values.VALUE_EMPTY.at(name=name))
        if name == PAGE:
            self.page = value
            return
        if name == "_type" and self.system:
            self.applied.append((name, value))
            return
        if _code(name) in _WISHES:
            self._wish(name, value)
        else:
            searched = self.types or self.registry.types
            self.criteria.append(self.reader.criterion(searched, name, value))
        self.applied.append((name, value))

    def _wish(self, name: str, value: str) -> None:
        match name:
            case "_sort":
                self.order = _order_of(value)
            case "_count":
                self._count(value)
            case "_total":
                self._total(value)
            case "_summary":
                self._summary(value)
            case "_include" | "_revinclude" | "_include:iterate" | "_revinclude:iterate":
                self.includes.append(include_of(name, value, self.registry))
            case "_contained" if value == "false":
                pass  # its default
            case "_contained" | "_containedType" | "_elements":
                raise UnknownParameter(complaints.PARAMETER_UNSUPPORTED.at(name=name))
            case _:
                code, _, modifier = name.partition(":")
                allowed = "iterate" if code in _REPEATABLE else "-"
                raise InvalidRequest(complaints.VALUE_INVALID.at(name=code, value=f":{modifier}", possible=allowed))

    def _count(self, value: str) -> None:
        if not (value.isascii() and value.isdigit() and len(value) < 10):
            raise InvalidRequest(complaints.VALUE_INVALID.at(name="_count", value=value, possible="0, 1, 2, …"))
        # "If _count has the value 0, this shall be treated the same as _summary=count."
        self.count_only = self.count_only or int(value) == 0
        self.count = min(int(value), self.registry.limits.max_count)

    def _total(self, value: str) -> None:
        match value:
            case "none" | "estimate" | "accurate":
                self.total = value
            case _:
                possible = "none, estimate, accurate"
                raise InvalidRequest(complaints.VALUE_INVALID.at(name="_total", value=value, possible=possible))

    def _summary(self, value: str) -> None:
        if value in ("true", "text", "data"):
            supported = "count, false"
            raise UnknownParameter(complaints.VALUE_UNSUPPORTED.at(name="_summary", value=value, supported=supported))
        if value not in ("count", "false"):
            possible = "true, text, data, count, false"
            raise InvalidRequest(complaints.VALUE_INVALID.at(name="_summary", value=value, possible=possible))
        self.count_only = self.count_only or value == "count"

    def _key(self) -> int:
        chosen = [f"{name}={value}" for name, value in self.applied if name == "_sort" or _code(name) not in _WISHES]
        return h64("&".join([*self.types, "?", *sorted(chosen)]))


def _order_of(value: str) -> Order:
    """Return the order that `_sort` asks for; rid decides between equals.

    Raises: UnknownParameter for a parameter that is not sorted by yet.
    """
    order: list[tuple[str, bool]] = []
    for each in split(value, ","):
        column = _SORTS.get(each.removeprefix("-"))
        if column is None:
            supported = ", ".join(f"{name}, -{name}" for name in _SORTS)
            raise UnknownParameter(complaints.VALUE_UNSUPPORTED.at(name="_sort", value=each, supported=supported))
        if column not in (name for name, _ in order):
            order.append((column, each.startswith("-")))
    return (*order, ("rid", order[-1][1]))

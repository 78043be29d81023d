"""A search as it was asked: parameters read into criteria and wishes about the result.

Source: FHIR R4, Search; RESTful API, "search".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from fhir_gateway.conformance.subset import Subset
from fhir_gateway.fhir.outcome import InvalidRequest, Issue
from fhir_gateway.store.contract import Narrowing
from fhir_gateway.store.index import complaints as values
from fhir_gateway.store.index.hashing import h64
from fhir_gateway.store.index.syntax import split
from fhir_gateway.store.search import complaints
from fhir_gateway.store.search.compartment import Compartment, in_compartment, types_in
from fhir_gateway.store.search.criteria import Reader
from fhir_gateway.store.search.criterion import Criterion
from fhir_gateway.store.search.include import Include, include_of
from fhir_gateway.store.search.narrowing import NAME as ACCESS
from fhir_gateway.store.search.narrowing import access, types_seen
from fhir_gateway.store.search.order import BY_RID, Order, Places
from fhir_gateway.store.search.registry import Registry, UnknownParameter
from fhir_gateway.store.search.sort import order_of

PAGE = "_page"  # names the page that a link leads to; R4 leaves the parameters of such links to the server
_PRESENTATION = frozenset({"_format", "_pretty"})
_WISHES = frozenset(
    {"_sort", "_count", "_total", "_summary", "_elements", "_include", "_revinclude", "_contained", "_containedType"}
)
_REPEATABLE = frozenset({"_include", "_revinclude"})

# Criteria about other resources, or about what only a resource of its own has.
_NOT_OF_CONTAINED = frozenset({"_has", "_list", "_text", "_content"})
_NOT_WITH_CONTAINED = frozenset({"_sort", "_include", "_revinclude"})
_CONTAINED = {"false": None, "true": False, "both": True}
_CONTAINED_TYPES = {"container": False, "contained": True}

_NO_CRITERIA = _WISHES | _PRESENTATION | {PAGE}

Parameter = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page begins: after `key`, going back where `backward`, never beyond `first`, the walk's first key.

    Keys are places in the order of the search. `before`: in a search by `_lastUpdated`, the instant
    (µs) below which the first page saw everything; no later page shows what came since, or whoever goes on from the
    latest instant seen would miss what came meanwhile on a page already turned.
    """

    key: Places
    first: Places
    backward: bool = False
    before: int = 0


@dataclass(frozen=True, slots=True)
class Contained:
    """That contained resources are asked for. `both`: after all others; `alone`: they, not what contains them."""

    both: bool
    alone: bool


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A search ready to be run.

    `types`: the resource types searched, those that are hidden left out, empty for all. `criteria` must all hold.
    `count`: resources on a page; with `count_only` nothing but the total is wanted. `applied`: what was understood of
    the parameters, as it was sent but for a `_count` above the maximum, without those about pages and formats.
    `unknown`: issues of those that were passed over. `subset`: which part of the resources found is wanted, None for
    whole ones. `page`: the token of the page asked for, not verified yet; `after`: where that page begins, once it is
    (`paging.resume`). `narrowing`: what may be seen; its own criterion is the last one, unless all that is searched may
    be seen.
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
    subset: Subset | None = None
    page: str | None = None
    after: Position | None = None
    contained: Contained | None = None
    key: int = 0  # of the question: types, criteria and order, whatever the order they were given in
    narrowing: Narrowing | None = None

    @property
    def asked(self) -> tuple[Criterion, ...]:
        """The criteria without that of the narrowing."""
        last = self.criteria[-1:]
        return self.criteria[:-1] if last and last[0].name == ACCESS else self.criteria

    @property
    def by_update(self) -> bool:
        """Whether it filters or sorts by `_lastUpdated`, so that it must only see what is certainly committed."""
        sorts = any(key.column == "last_updated" for key in self.order)
        return sorts or any(criterion.name.startswith("_lastUpdated") for criterion in self.criteria)


def parse(
    type: str | None,
    parameters: Sequence[Parameter],
    registry: Registry,
    *,
    strict: bool = False,
    compartment: Compartment | None = None,
    narrowing: Narrowing | None = None,
) -> SearchQuery:
    """Return the search that parameters ask for, of one type or (None) of those that `_type` names, or of all.

    In a compartment ("Patient", "1") only what belongs to it is found, and all types are all that may be in it.
    narrowing: that of the view it will be asked of (`Read.narrowing`); `find` and its like refuse any other.

    Parameters that are unknown or not supported are passed over and named in `unknown`; with `strict` they are refused
    together with all else that is wrong.
    Raises: InvalidRequest with an issue for each modifier or value that is not possible; NotFound for a compartment
    there is not, or one that the type is never in.
    Source: FHIR R4, Search, "Handling Errors".
    """
    return _Parsing(type, parameters, registry, compartment, narrowing).query(strict)


def criteria_key(type: str, parameters: Sequence[Parameter]) -> str:
    """Return the text that equal conditions have in common, whatever the order of parameters and alternatives.

    "Patient?identifier=system|value": parameters that choose nothing are left out.
    """
    if len(parameters) == 1 and "," not in parameters[0][1] and _code(parameters[0][0]) not in _NO_CRITERIA:
        return f"{type}?{parameters[0][0]}={parameters[0][1]}"
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

    def __init__(
        self,
        type: str | None,
        parameters: Sequence[Parameter],
        registry: Registry,
        compartment: Compartment | None,
        narrowing: Narrowing | None,
    ) -> None:
        self.registry = registry
        self.narrowing = narrowing
        self.compartment = compartment
        self.parameters = parameters
        self.reader = Reader(registry, narrowing)
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
        possible = registry.types if compartment is None else types_in(registry, compartment, type)
        self.types = (type,) if type is not None else self._types(possible)
        self.system = type is None
        if compartment is not None:
            self.types = self.types or possible
            self.criteria.append(in_compartment(registry, compartment, self.types))

    def query(self, strict: bool) -> SearchQuery:
        self._refuse_repeated()
        for name, value in self.parameters:
            try:
                self._read(name, value)
            except InvalidRequest as refusal:
                self.issues.extend(refusal.issues)
            except UnknownParameter as unknown:
                self.unknown.append(unknown.issue)
        subset, contained = self._subset(), self._contained()
        if self.count == self.registry.limits.max_count:
            self._tell("_count", str(self.count))
        limit = self.registry.limits.max_conditions
        number = self.reader.count + len(self.includes)
        if number > limit:
            self.issues.append(complaints.TOO_MANY.at(number=number, limit=limit))
        if self.issues or (strict and self.unknown):
            raise InvalidRequest(*self.issues, *(self.unknown if strict else ()))
        seen = access(self.registry, self.narrowing, self.types)
        types = types_seen(self.registry, self.narrowing, self.types)
        if types != self.types and len(self.order) > 1:
            self.order = order_of(dict(self.applied)["_sort"], types or self.registry.types, self.registry)
        return SearchQuery(
            self.registry,
            types,
            (*self.criteria, *([] if seen is None else [seen])),
            self.order,
            self.count,
            self.count_only,
            self.total,
            tuple(self.includes),
            tuple(self.applied),
            tuple(self.unknown),
            subset,
            self.page,
            contained=contained,
            key=self._key(),
            narrowing=self.narrowing,
        )

    def _types(self, possible: tuple[str, ...]) -> tuple[str, ...]:
        """Return what `_type` names; it is repeated in no search that passes."""
        named = [value for name, value in self.parameters if name == "_type" and value]
        types = [type for value in named for type in split(value, ",")]
        for type in types:
            if type not in self.registry.rtypes:
                self.issues.append(complaints.TYPE_UNKNOWN.at(name="_type", value=type))
            elif type not in possible and self.compartment is not None:
                shown = ", ".join(possible)
                self.issues.append(
                    complaints.NOT_IN_COMPARTMENT.at(type=type, compartment=self.compartment[0], known=shown)
                )
        return tuple(dict.fromkeys(type for type in types if type in possible))

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
                self.order = order_of(value, self.types or self.registry.types, self.registry)
            case "_count":
                self._count(value)
            case "_total":
                self._total(value)
            case "_summary" | "_elements":
                pass  # they are understood together: `_subset`
            case "_include" | "_revinclude" | "_include:iterate" | "_revinclude:iterate":
                self.includes.append(include_of(name, value, self.registry))
            case "_contained" | "_containedType":
                possible = _CONTAINED if name == "_contained" else _CONTAINED_TYPES
                if value not in possible:
                    shown = ", ".join(possible)
                    raise InvalidRequest(complaints.VALUE_INVALID.at(name=name, value=value, possible=shown))
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

    def _subset(self) -> Subset | None:
        """Return which part of resources `_summary` and `_elements` ask for, None for whole ones."""
        given = {name: value for name, value in self.applied if name in ("_summary", "_elements")}
        if not given:
            return None
        types = self.types or self.registry.types
        try:
            asked = self.registry.subsets.asked(given.get("_summary"), given.get("_elements"), types)
        except InvalidRequest as refusal:
            self.issues += refusal.issues
            return None
        self.count_only = self.count_only or asked.count
        self.unknown += asked.unknown
        if "_elements" in given:
            self._tell("_elements", asked.elements)
        if asked.subset is not None and asked.subset.summary == "text" and self.includes:
            # "The _include and _revinclude parameters cannot be mixed with _summary=text."
            self.issues.append(complaints.TEXT_WITH_INCLUDES.at())
        return asked.subset

    def _contained(self) -> Contained | None:
        """Return what `_contained` and `_containedType` ask for; contained resources are no part of some searches."""
        given = dict(self.applied)
        both = _CONTAINED[given.get("_contained", "false")]
        if both is None:
            return None
        for name, _ in self.applied:
            code = _code(name)
            if code in _NOT_OF_CONTAINED | _NOT_WITH_CONTAINED or "." in name:
                self.issues.append(complaints.CONTAINED_WITH.at(name=name))
        if self.compartment is not None:
            self.issues.append(complaints.CONTAINED_WITH.at(name="/".join(self.compartment)))
        return Contained(both, _CONTAINED_TYPES[given.get("_containedType", "container")])

    def _tell(self, name: str, value: str | None) -> None:
        """Say in `applied` what was done instead of what was asked; None: nothing."""
        told = ((each, value if each == name else sent) for each, sent in self.applied)
        self.applied = [(each, sent) for each, sent in told if sent is not None]

    def _key(self) -> int:
        ordering = ("_sort", "_contained", "_containedType")
        chosen = [f"{name}={value}" for name, value in self.applied if name in ordering or _code(name) not in _WISHES]
        return h64("&".join([*(self.compartment or ()), *self.types, "?", *sorted(chosen)]))

"""Parameters of a search made into criteria: names, modifiers, chains and values.

Source: FHIR R4, Search, "Modifiers", "Chained parameters", "Parameters for all resources".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from fhir_gateway.conformance.search_parameter import SearchParameter
from fhir_gateway.fhir.outcome import InvalidRequest, Issue
from fhir_gateway.store.contract import IndexTable
from fhir_gateway.store.index import complaints as values
from fhir_gateway.store.index import composite, date, number, quantity, reference, string, token, uri
from fhir_gateway.store.index.condition import (
    Answered,
    Asked,
    Condition,
    Keys,
    Scan,
    condition,
    for_each,
    refuse_modifier,
)
from fhir_gateway.store.index.hashing import rk_of
from fhir_gateway.store.index.indexer import COLUMNS, indexed
from fhir_gateway.store.index.syntax import split, unescape
from fhir_gateway.store.search import complaints
from fhir_gateway.store.search.criterion import Criterion, Shape, any_row, on_columns, on_rows
from fhir_gateway.store.search.registry import Registry
from fhir_gateway.store.search.statement import probe_text, set_text

_TABLES: dict[str, IndexTable] = {
    "token": "i_token",
    "reference": "i_ref",
    "date": "i_date",
    "number": "i_num",
    "quantity": "i_qty",
    "string": "i_str",
    "uri": "i_token",
    "composite": "i_comp",
}
# Parameters for all resources that R4 gives no SearchParameter.
_UNSUPPORTED = frozenset({"_has", "_list"})
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


class UnknownParameter(Exception):
    """A parameter that the types searched do not have, or that this server does not support: passed over if wanted."""

    def __init__(self, issue: Issue) -> None:
        super().__init__(issue.complaint.detail)
        self.issue = issue


class Reader:
    """Reads the criteria of one search; `count` is how many criteria and values it has read."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.count = 0

    def criterion(self, types: tuple[str, ...], name: str, value: str) -> Criterion:
        """Return the criterion of a parameter.

        Raises: UnknownParameter; InvalidRequest for a modifier or a value that is not possible.
        """
        self.count += 1
        return self._criterion(types, name, value, name, 0)

    def _criterion(self, types: tuple[str, ...], name: str, value: str, whole: str, depth: int) -> Criterion:
        step, dot, rest = name.partition(".")
        code, _, modifier = step.partition(":")
        parameters = self._parameters(types, code, whole)
        if dot:
            return self._chain(types, parameters, modifier or None, rest, value, whole, depth)
        if code in COLUMNS:
            return self._of_columns(types, code, modifier or None, self._alternatives(value, whole), whole)
        parameter = parameters[0]
        pids = [self.registry.pids[type, code] for type in types]
        if modifier == "missing":
            return any_row(whole, _TABLES[parameter.type], pids, _boolean(value, whole))
        targets = tuple(dict.fromkeys(target for each in parameters for target in each.targets))
        asked = Asked(
            whole,
            self._alternatives(value, whole),
            modifier or None,
            targets or self.registry.types,
            self.registry.base,
            self.registry.now(),
        )
        answered = self._answered(parameters, asked)
        return on_rows(whole, answered.table, pids, answered.conditions, negated=modifier == "not")

    def _parameters(self, types: tuple[str, ...], code: str, whole: str) -> list[SearchParameter]:
        """Return the parameter of each type; they are of one kind."""
        if code in _UNSUPPORTED:
            raise UnknownParameter(complaints.PARAMETER_UNSUPPORTED.at(name=whole))
        found = [self.registry.parameter(type, code) for type in types]
        parameters = [parameter for parameter in found if parameter is not None]
        if len(parameters) < len(types) or len({parameter.type for parameter in parameters}) > 1:
            shown = types[0] if len(types) == 1 else "all types searched"
            raise UnknownParameter(complaints.PARAMETER_UNKNOWN.at(name=whole, type=shown))
        if not all(parameter.code in COLUMNS or indexed(parameter) for parameter in parameters):
            raise UnknownParameter(complaints.PARAMETER_UNSUPPORTED.at(name=whole))
        return parameters

    def _alternatives(self, value: str, whole: str) -> tuple[str, ...]:
        parts = split(value, ",")
        if "" in parts:
            raise InvalidRequest(values.VALUE_EMPTY.at(name=whole))
        self.count += len(parts)
        return tuple(parts)

    def _answered(self, parameters: Sequence[SearchParameter], asked: Asked) -> Answered:
        parameter = parameters[0]
        match parameter.type:
            case "token":
                return token.ask(asked, {branch.type for each in parameters for branch in each.branches})
            case "reference":
                return reference.ask(asked)
            case "date":
                return date.ask(asked)
            case "number":
                return number.ask(asked)
            case "quantity":
                return quantity.ask(asked)
            case "string":
                return string.ask(asked)
            case "composite":
                return self._composite(parameter, asked)
        return uri.ask(asked)

    def _composite(self, parameter: SearchParameter, asked: Asked) -> Answered:
        second = parameter.components[1]
        own = self.registry.parameter(parameter.base, second.code)
        targets = own.targets if own is not None and own.targets else self.registry.types
        pid = self.registry.pids.get((parameter.base, second.code))
        return composite.ask(
            Asked(asked.name, asked.values, asked.modifier, targets, asked.base, asked.now), parameter, pid
        )

    # --- columns of `resource`

    def _of_columns(
        self, types: tuple[str, ...], code: str, modifier: str | None, alternatives: tuple[str, ...], whole: str
    ) -> Criterion:
        asked = Asked(whole, alternatives, modifier, now=self.registry.now())
        if code == "_lastUpdated":
            refuse_modifier(asked, "date")
            spans = for_each(alternatives, lambda value: date.span_asked(asked, value))
            rtypes = [self.registry.rtypes[type] for type in types]
            return on_columns(whole, [_updated(rtypes, prefix, span) for prefix, span in spans])
        refuse_modifier(asked, "token", "not")
        ids = for_each(alternatives, lambda value: _id(asked, value))
        keys = sorted(rk_of(type, id) for type in types for id in ids)
        return on_columns(whole, [condition("{rk} {any}", Keys(keys))], modifier == "not", few=len(ids))

    # --- chains

    def _chain(
        self,
        types: tuple[str, ...],
        parameters: Sequence[SearchParameter],
        modifier: str | None,
        rest: str,
        value: str,
        whole: str,
        depth: int,
    ) -> Criterion:
        parameter = parameters[0]
        if parameter.type != "reference":
            issue = complaints.CHAIN_IMPOSSIBLE.at(name=whole, step=parameter.code, type=", ".join(types))
            raise InvalidRequest(issue)
        if depth + 1 > self.registry.limits.max_chain:
            raise InvalidRequest(complaints.CHAIN_TOO_LONG.at(name=whole, limit=self.registry.limits.max_chain))
        targets = tuple(dict.fromkeys(target for each in parameters for target in each.targets)) or self.registry.types
        if modifier is not None:
            if modifier not in targets:
                shown = ", ".join(targets)
                raise InvalidRequest(values.REFERENCE_TYPE.at(name=whole, type=modifier, targets=shown))
            targets = (modifier,)
        inner = self._inner(targets, parameter.code, rest, value, whole, depth + 1)
        pids = [self.registry.pids[type, parameter.code] for type in types]
        return on_rows(whole, "i_ref", pids, [self._referring(inner, targets)])

    def _inner(self, targets: tuple[str, ...], code: str, rest: str, value: str, whole: str, depth: int) -> Criterion:
        """Return the criterion of the resources referred to, of those target types that have the parameter."""
        step = re.split(r"[:.]", rest, maxsplit=1)[0]
        having = tuple(target for target in targets if self.registry.parameter(target, step) is not None)
        example = f"{code}:{targets[0]}.{rest}"
        issue = complaints.CHAIN_TARGET.at(name=whole, step=step, targets=", ".join(targets), example=example)
        if not having:
            raise InvalidRequest(issue)
        try:
            return self._criterion(having, rest, value, whole, depth)
        except UnknownParameter as unknown:
            if unknown.issue.complaint is complaints.PARAMETER_UNKNOWN:
                raise InvalidRequest(issue) from None
            raise

    def _referring(self, inner: Criterion, targets: tuple[str, ...]) -> Condition:
        """Return the condition that a reference leads to a resource that meets `inner`."""
        rtypes = Keys(self.registry.rtypes[target] for target in targets)
        where, found = _referring_to_tested(inner.shape), (rtypes, *inner.test_values)
        scans = (Scan(_referring_to_set(inner.shape), inner.scan_values),) if inner.drives else ()
        return Condition(where, found, scans)


@lru_cache(4096)
def _referring_to_set(shape: Shape) -> str:
    return f"{{trk}} IN (SELECT t.rk FROM resource t WHERE t.rid IN ({set_text(shape)}))"


@lru_cache(4096)
def _referring_to_tested(shape: Shape) -> str:
    """From the reference to its one resource, and a probe there: the same cost whatever the number of resources."""
    tested = probe_text(shape, "t.rid", "t", ranged=False)
    found = f"SELECT 1 FROM resource t WHERE t.rk = {{trk}} AND t.rtype {{any}} AND t.deleted = 0 AND {tested}"
    return f"{{some}}{found}{{/some}}"


def _boolean(value: str, whole: str) -> bool:
    if value not in ("true", "false"):
        raise InvalidRequest(values.BOOLEAN_MALFORMED.at(name=whole, value=value))
    return value == "true"


def _id(asked: Asked, value: str) -> str:
    id = unescape(value)
    if _ID.fullmatch(id) is None:
        raise InvalidRequest(complaints.ID_MALFORMED.at(name=asked.name, value=value))
    return id


# A version's instant is a point: what an interval may be, it is.
_UPDATED = {
    "eq": ("{last_updated} >= ? AND {last_updated} <= ?", (0, 1)),
    "ap": ("{last_updated} >= ? AND {last_updated} <= ?", (0, 1)),
    "ne": ("({last_updated} < ? OR {last_updated} > ?)", (0, 1)),
    "gt": ("{last_updated} > ?", (1,)),
    "sa": ("{last_updated} > ?", (1,)),
    "ge": ("{last_updated} >= ?", (0,)),
    "lt": ("{last_updated} < ?", (0,)),
    "eb": ("{last_updated} < ?", (0,)),
    "le": ("{last_updated} <= ?", (1,)),
}


def _updated(rtypes: list[int], prefix: str, span: date.Span) -> Condition:
    where, ends = _UPDATED[prefix]
    found = tuple(span[end] for end in ends)
    if len(rtypes) == 1:
        return Condition(where, found, (Scan(f"{{rtype}} = ? AND {where}", (rtypes[0], *found)),))
    return Condition(where, found, (Scan(f"{{rtype}} {{any}} AND {where}", (Keys(rtypes), *found)),))

"""Parameters of a search made into criteria: names, modifiers, chains and values.

Source: FHIR R4, Search, "Modifiers", "Chained parameters", "Reverse Chaining", "Parameters for all resources", "List".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from fhir_gateway.conformance.search_parameter import SearchParameter
from fhir_gateway.fhir.outcome import InvalidRequest
from fhir_gateway.store.contract import IndexTable, Narrowing
from fhir_gateway.store.index import complaints as values
from fhir_gateway.store.index import composite, date, near, number, quantity, reference, string, token, uri
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
from fhir_gateway.store.search import chain, code_sets, complaints
from fhir_gateway.store.search.criterion import Criterion, any_row, on_columns, on_rows
from fhir_gateway.store.search.narrowing import sight_of
from fhir_gateway.store.search.registry import Registry, UnknownParameter
from fhir_gateway.store.text import criterion as text

_TABLES: dict[str, IndexTable] = {
    "token": "i_token",
    "reference": "i_ref",
    "date": "i_date",
    "number": "i_num",
    "quantity": "i_qty",
    "string": "i_str",
    "uri": "i_token",
    "composite": "i_comp",
    "special": "i_comp",
}
# Parameters for all resources that R4 gives no SearchParameter: some that are not supported, some that are.
_UNSUPPORTED = frozenset({"_filter"})
_OF_ANY = frozenset({"_has", "_list"})
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


class Reader:
    """Reads the criteria of one search; `count` is how many criteria and values it has read.

    What a criterion is about may be hidden from the search as a whole (`narrowing.access`); the resources that it
    leads through on the way are narrowed here.
    """

    def __init__(self, registry: Registry, narrowing: Narrowing | None = None) -> None:
        self.registry = registry
        self.narrowing = narrowing
        self.count = 0

    def criterion(self, types: tuple[str, ...], name: str, value: str) -> Criterion:
        """Return the criterion of a parameter.

        Raises: UnknownParameter; InvalidRequest for a name, a modifier or a value that is not possible.
        """
        self.count += 1
        return self._criterion(types, name, value, name, 0)

    def _criterion(self, types: tuple[str, ...], name: str, value: str, whole: str, depth: int) -> Criterion:
        if name.partition(":")[0] == "_has":
            return self._has(types, name, value, whole, depth)
        step, dot, rest = name.partition(".")
        code, _, modifier = step.partition(":")
        if "" in re.split("[.:]", name):
            raise InvalidRequest(complaints.NAME_MALFORMED.at(name=whole))
        if name == "_list":
            return self._listed(types, value, whole, depth)
        if code in text.NAMES and not dot:
            return self._words(types, code, modifier or None, value, whole)
        parameters = self._parameters(types, code, whole)
        if dot:
            return self._chain(types, parameters, modifier or None, rest, value, whole, depth)
        if code in COLUMNS:
            # To look at the resource's own row is one look-up more; `subject._id=1` is `subject=1` in other words.
            self._refuse_long(whole, depth, 1 if depth else 0)
            return self._of_columns(types, code, modifier or None, value, whole)
        parameter = parameters[0]
        pids = [self.registry.pids[type, code] for type in types]
        if modifier == "missing":
            return any_row(whole, _TABLES[parameter.type], pids, _boolean(value, whole))
        asked = Asked(
            whole,
            self._alternatives(value, whole),
            modifier or None,
            _targets(parameters) or self.registry.types,
            self.registry.base,
            self.registry.now(),
        )
        answered = self._answered(parameters, asked)
        return on_rows(whole, answered.table, pids, answered.conditions, negated=modifier in ("not", "not-in"))

    def _words(self, types: tuple[str, ...], code: str, modifier: str | None, value: str, whole: str) -> Criterion:
        """Return the criterion of `_text` or `_content`, of those types that have it."""
        if not self.registry.limits.full_text:
            raise UnknownParameter(complaints.PARAMETER_UNSUPPORTED.at(name=whole))
        having = [type for type in types if self.registry.parameter(type, code) is not None]
        if not having:
            raise UnknownParameter(complaints.PARAMETER_UNKNOWN.at(name=whole, type=", ".join(types)))
        tree = text.parse(whole, modifier, value)
        self.count += text.number_of_words(tree)
        of_all = len(having) == len(self.registry.types)
        return text.on_words(whole, code, tree, None if of_all else [self.registry.rtypes[type] for type in having])

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
                types = {branch.type for each in parameters for branch in each.branches}
                if asked.modifier in code_sets.MODIFIERS:
                    return code_sets.ask(asked, self.registry.code_sets, types)
                return token.ask(asked, types)
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
            case "special":
                return near.ask(asked)
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

    def _of_columns(self, types: tuple[str, ...], code: str, modifier: str | None, value: str, whole: str) -> Criterion:
        if modifier == "missing":
            # Every resource has an id and an instant; nothing is found by that.
            missing = _boolean(value, whole)
            return on_columns(whole, [condition("1 = 0") if missing else Condition("1 = 1", (), ())])
        alternatives = self._alternatives(value, whole)
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
        code = parameters[0].code
        if parameters[0].type != "reference":
            raise InvalidRequest(complaints.CHAIN_IMPOSSIBLE.at(name=whole, step=code, type=", ".join(types)))
        by = chain.means(parameters)
        self._refuse_long(whole, depth, by.steps)
        targets = _targets(parameters) or self.registry.types
        if modifier is not None:
            if modifier not in targets:
                shown = ", ".join(targets)
                raise InvalidRequest(values.REFERENCE_TYPE.at(name=whole, type=modifier, targets=shown))
            targets = (modifier,)
        found = self._inner(targets, code, rest, value, whole, depth + by.steps)
        conditions = [
            condition
            for having, inner in found
            for condition in chain.referring(
                self.registry, inner, having, by, depth, sight_of(self.registry, self.narrowing, having)
            )
        ]
        if not conditions:
            raise InvalidRequest(complaints.CHAIN_CANONICAL.at(name=whole, step=code, targets=", ".join(targets)))
        pids = [self.registry.pids[type, code] for type in types]
        inners = [inner for _, inner in found]
        outside = self._within(on_rows(whole, "i_ref", pids, conditions, inner=inners))
        step = _step(rest)
        if not by.literal or step in _OF_ANY or step in COLUMNS or step in text.NAMES:
            return outside
        # "A chained condition will be evaluated inside contained resources."
        asked = (
            chain.inside(inner, pids, [self.registry.pids[type, step] for type in having], having)
            for having, inner in found
            if inner.of is not None
        )
        insides = [each for each in asked if each is not None]
        return self._within(chain.either(whole, outside, insides, inners, depth)) if insides else outside

    def _within(self, criterion: Criterion) -> Criterion:
        """Return a criterion that leads through other resources, marked as narrowed if it is."""
        if self.narrowing is None:
            return criterion
        return replace(criterion, shape=replace(criterion.shape, narrowed=True))

    def _inner(
        self, targets: tuple[str, ...], code: str, rest: str, value: str, whole: str, depth: int
    ) -> list[tuple[tuple[str, ...], Criterion]]:
        """Return the criteria of the resources referred to: of those target types that have the parameter, one for
        all in which it is of one kind.
        """
        step = _step(rest)
        if step in _OF_ANY:
            return [(targets, self._criterion(targets, rest, value, whole, depth))]
        kinds: dict[str, list[str]] = {}
        for target in targets:
            parameter = self.registry.parameter(target, step)
            if parameter is not None:
                kinds.setdefault(parameter.type, []).append(target)
        if not kinds:
            example = f"{code}:{targets[0]}.{rest}"
            shown = ", ".join(targets)
            raise InvalidRequest(complaints.CHAIN_TARGET.at(name=whole, step=step, targets=shown, example=example))
        groups = [tuple(having) for having in kinds.values()]
        found = for_each(groups, lambda having: self._criterion(having, rest, value, whole, depth))
        return list(zip(groups, found, strict=True))

    def _refuse_long(self, whole: str, depth: int, steps: int) -> None:
        if depth + steps > self.registry.limits.max_chain:
            raise InvalidRequest(complaints.CHAIN_TOO_LONG.at(name=whole, limit=self.registry.limits.max_chain))

    # --- reverse chains

    def _has(self, types: tuple[str, ...], name: str, value: str, whole: str, depth: int) -> Criterion:
        """Return the criterion of `_has:Type:reference:parameter`: some Type that meets it refers here."""
        parts = name.split(":", 3)
        if len(parts) < 4 or "" in parts:
            raise InvalidRequest(complaints.HAS_MALFORMED.at(name=whole))
        _, source, code, rest = parts
        if source not in self.registry.rtypes:
            raise InvalidRequest(complaints.TYPE_UNKNOWN.at(name=whole, value=source))
        referring = self._referring(source, types)
        issues = []
        if code not in referring:
            shown, possible = self._shown(types), ", ".join(referring) or "-"
            issues.append(
                complaints.HAS_REFERENCE.at(name=whole, step=code, type=source, targets=shown, possible=possible)
            )
        step = _step(rest)
        if step not in _OF_ANY and self.registry.parameter(source, step) is None:
            issues.append(complaints.HAS_PARAMETER.at(name=whole, step=step, type=source))
        if issues:
            raise InvalidRequest(*issues)
        parameter, reached = referring[code]
        by = chain.means([parameter])
        self._refuse_long(whole, depth, by.steps)
        inner = self._criterion((source,), rest, value, whole, depth + by.steps)
        sight = sight_of(self.registry, self.narrowing, (source,))
        pid = self.registry.pids[source, code]
        return self._within(chain.referred(self.registry, whole, inner, pid, reached, by, depth, sight))

    def _referring(self, source: str, types: tuple[str, ...]) -> dict[str, tuple[SearchParameter, tuple[str, ...]]]:
        """Return the reference parameters of a type that can lead to one of `types`, and to which of them."""
        found = {}
        for code, parameter in self.registry.parameters(source).items():
            if parameter.type == "reference" and (source, code) in self.registry.pids:
                reached = tuple(type for type in types if not parameter.targets or type in parameter.targets)
                if reached:
                    found[code] = (parameter, reached)
        return found

    def _listed(self, types: tuple[str, ...], value: str, whole: str, depth: int) -> Criterion:
        """Return the criterion of `_list`: an entry of the List names the resource."""
        functional = [each for each in split(value, ",") if each.startswith("$")]
        if functional:
            raise UnknownParameter(complaints.LIST_FUNCTIONAL.at(name=whole, value=functional[0]))
        return self._has(types, "_has:List:item:_id", value, whole, depth)

    def _shown(self, types: tuple[str, ...]) -> str:
        return "all types searched" if len(types) == len(self.registry.types) else ", ".join(types)


def _step(rest: str) -> str:
    """Return the parameter that the rest of a chain begins with."""
    return re.split("[:.]", rest, maxsplit=1)[0]


def _targets(parameters: Sequence[SearchParameter]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(target for each in parameters for target in each.targets))


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

"""Search done slowly: each parameter evaluated resource by resource from its definition, sets of resources combined.

It stands beside the gateway, not on it: the only thing they share is the file of R4's definitions. Where the two
disagree the standard decides.

Source: FHIR R4, Search.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from tests.search import matching
from tests.search.definitions import (
    Parameter,
    Resource,
    Value,
    compartment,
    nodes,
    parameters_of,
    resource_types,
    select,
)
from tests.search.matching import Impossible, fold, relative, split, unescape

Key = tuple[str, str]  # resource type and id

WISHES = frozenset(
    [
        "_sort",
        "_count",
        "_total",
        "_summary",
        "_elements",
        "_include",
        "_revinclude",
        "_contained",
        "_containedType",
        "_format",
        "_pretty",
    ]
)
DEFAULT_COUNT, MAX_COUNT = 50, 1000


class Unknown(Exception):
    """A parameter that the types searched do not have."""


@dataclass(frozen=True)
class Expected:
    """What a search must answer: all its matches in order, those of the first page, and what comes with these."""

    matches: list[Key]
    page: list[Key]
    included: set[Key]

    @property
    def total(self) -> int:
        return len(self.matches)


@dataclass(frozen=True)
class Asked:
    """A search by its parts. `types`: those searched."""

    types: tuple[str, ...]
    parameters: tuple[tuple[str, str], ...]
    compartment: Key | None = None


class Reference:
    """Resources in the order they were created in, as they are stored (with `meta`), and the answers about them.

    `base`: the service base URL. `now`: µs, what dates "approximately" are measured from.
    """

    def __init__(self, resources: Iterable[Resource], base: str, now: float) -> None:
        self.base, self.now = base, now
        self.stored: dict[Key, Resource] = {(each["resourceType"], each["id"]): each for each in resources}
        self.rid = {key: number for number, key in enumerate(self.stored)}
        self.by_type: dict[str, list[Key]] = {}
        for key in self.stored:
            self.by_type.setdefault(key[0], []).append(key)
        self.by_canonical: dict[str, set[Key]] = {}
        for key, resource in self.stored.items():
            if isinstance(resource.get("url"), str):
                versions = [
                    resource["url"],
                    *([f"{resource['url']}|{resource['version']}"] if "version" in resource else []),
                ]
                for canonical in versions:
                    self.by_canonical.setdefault(canonical, set()).add(key)
        # "A chained condition will be evaluated inside contained resources": their keys are ("Patient", "Group/1#p").
        self.inside: dict[Key, Resource] = {
            (each["resourceType"], f"{type}/{id}#{each['id']}"): each
            for (type, id), resource in self.stored.items()
            for each in resource.get("contained", ())
        }
        self.all_by_type: dict[str, list[Key]] = {}
        for key in (*self.stored, *self.inside):
            self.all_by_type.setdefault(key[0], []).append(key)
        self._values: dict[tuple[Key, str], list[Value]] = {}
        self._found: dict[tuple[str, str, str], frozenset[Key]] = {}

    def answer(self, url: str) -> Expected:
        """Return what a search by GET of `url`, relative to the base, must find.

        Raises: Unknown, Impossible when it must be refused.
        """
        asked = asked_by(url)
        matches = self.matches(asked)
        wishes = dict(asked.parameters)
        ordered = self._ordered(matches, asked.types, wishes.get("_sort"))
        count = min(int(wishes.get("_count", DEFAULT_COUNT)), MAX_COUNT)
        page = [] if wishes.get("_summary") == "count" else ordered[:count]
        return Expected(ordered, page, self._included(page, asked.parameters))

    def matches(self, asked: Asked) -> set[Key]:
        found = {key for type in asked.types for key in self.by_type.get(type, ())}
        if asked.compartment is not None:
            found &= self._in_compartment(asked.compartment, asked.types)
        for name, value in asked.parameters:
            if name.partition(":")[0] not in WISHES and name != "_type":
                self._kind(asked.types, name)
                found &= {key for type in asked.types for key in self.found(type, name, value)}
        return found

    def _kind(self, types: Sequence[str], name: str) -> None:
        """Refuse what not all of the types searched have, or have as something else."""
        code = re.split(r"[:.]", name)[0]
        if code not in ("_has", "_list", "_text", "_content"):
            parameters = [self.parameter(type, code) for type in types]
            if len({parameter.type for parameter in parameters}) > 1:
                raise Unknown(name)

    def parameter(self, type: str, code: str) -> Parameter:
        found = parameters_of(type).get(code)
        if found is None or code in ("_query", "_filter"):
            raise Unknown(code)
        return found

    # --- one criterion

    def found(self, type: str, name: str, value: str) -> frozenset[Key]:
        """Return the resources of a type that meet one parameter, each of whose values is an alternative."""
        asked = (type, name, value)
        if asked not in self._found:
            self._found[asked] = frozenset(self._find(type, name, value))
        return self._found[asked]

    def _find(self, type: str, name: str, value: str) -> Iterable[Key]:
        if name.startswith("_has:"):
            return self._having(type, name, value)
        step, dot, rest = name.partition(".")
        code, _, modifier = step.partition(":")
        if code == "_list":
            return self._listed(type, value)
        if code in ("_text", "_content"):
            return self._worded(type, code, value)
        parameter = self.parameter(type, code)
        if dot:
            return self._chained(type, parameter, modifier or None, rest, value)
        keys = self.all_by_type.get(type, ())
        if modifier == "missing":
            if value not in ("true", "false"):
                raise Impossible(value)
            return [key for key in keys if self._has_value(key, parameter) == (value == "false")]
        alternatives = split(value, ",")
        meets = {
            key for key in keys if any(self._meets(key, parameter, modifier or None, each) for each in alternatives)
        }
        return set(keys) - meets if modifier == "not" else meets

    def resource(self, key: Key) -> Resource:
        return self.inside[key] if key in self.inside else self.stored[key]

    def values(self, key: Key, parameter: Parameter) -> list[Value]:
        """Return what a parameter selects from a resource, as its own definition says."""
        asked = (key, parameter.code)
        if asked not in self._values:
            resource = self.resource(key)
            found = [value for each in parameter.alternatives for value in select(each, resource, resource)]
            self._values[asked] = [value for value in found if _searchable(value, parameter.type)]
        return self._values[asked]

    def _meets(self, key: Key, parameter: Parameter, modifier: str | None, asked: str) -> bool:
        if asked == "":
            raise Impossible("an empty value")
        if parameter.type == "composite":
            return self._composite(key, parameter, asked)
        return any(
            self._value_meets(value, parameter.type, modifier, asked, parameter.targets)
            for value in self.values(key, parameter)
        )

    def _value_meets(self, value: Value, type: str, modifier: str | None, asked: str, targets: tuple[str, ...]) -> bool:
        match type:
            case "string":
                return any(matching.string_matches(text, modifier, unescape(asked)) for text in matching.texts(value))
            case "token":
                plain = None if modifier == "not" else modifier
                return any(matching.token_matches(token, plain, asked) for token in matching.tokens(value))
            case "date":
                return any(matching.date_matches(span, asked, self.now) for span in matching.spans(value))
            case "number":
                text = unescape(asked)
                return any(matching.number_matches(measure, text) for measure in matching.measures(value))
            case "quantity":
                return any(matching.quantity_matches(measure, asked) for measure in matching.measures(value))
            case "reference":
                return matching.reference_matches(value, modifier, asked, targets or resource_types(), self.base)
            case "uri":
                return any(matching.uri_matches(uri, modifier, unescape(asked)) for uri in matching.uris(value))
            case "special":
                return _near(value, asked)
        raise Unknown(type)

    def _has_value(self, key: Key, parameter: Parameter) -> bool:
        if parameter.type != "composite":
            return bool(self.values(key, parameter))
        return any(all(found) and any(map(_is_named, found[0])) for found in self._combinations(key, parameter))

    def _combinations(self, key: Key, parameter: Parameter) -> Iterator[list[list[Value]]]:
        """Yield for each element a composite starts from the values of each of its components there."""
        resource = self.resource(key)
        for alternative in parameter.alternatives:
            for node in nodes(alternative, resource):
                yield [
                    [
                        value
                        for expression in component.expression.split(" | ")
                        for value in select(expression, node, resource)
                        if _searchable(value, component.type)
                    ]
                    for component in parameter.components
                ]

    def _composite(self, key: Key, parameter: Parameter, asked: str) -> bool:
        """Tell whether one element has all the parts: "the values … belong together"."""
        parts = split(asked, "$")
        if len(parts) != len(parameter.components):
            raise Impossible(asked)
        return any(
            all(
                any(self._value_meets(value, each.type, None, part, each.targets) for value in values)
                for each, part, values in zip(parameter.components, parts, found, strict=True)
            )
            for found in self._combinations(key, parameter)
        )

    # --- references followed

    def targets(self, value: Value) -> set[Key]:
        """Return the resources here that a value leads to."""
        text = matching.literal_of(value)
        if text is None:
            return set()
        if value.type in ("canonical", "uri"):
            return self.by_canonical.get(text.partition("#")[0], set())
        literal = re.fullmatch(r"([A-Z]\w+)/([^/]+)(?:/_history/[^/]+)?", relative(text, self.base))
        key = (literal[1], literal[2]) if literal else None
        return {key} if key in self.stored and key is not None else set()

    def referring(self, key: Key, parameter: Parameter) -> set[Key]:
        """Return the resources that one refers to by a parameter, those inside it too."""
        values = self.values(key, parameter)
        owner = key[1].partition("#")[0] if key in self.inside else f"{key[0]}/{key[1]}"
        inside = {f"{owner}{value.data['reference']}" for value in values if _is_contained(value)}
        return {target for value in values for target in self.targets(value)} | {
            each for each in self.inside if each[1] in inside
        }

    def _chained(self, type: str, parameter: Parameter, modifier: str | None, rest: str, value: str) -> set[Key]:
        if parameter.type != "reference":
            raise Impossible(parameter.code)
        types = parameter.targets or resource_types()
        if modifier is not None and modifier not in types:
            raise Impossible(modifier)
        step = re.split(r"[:.]", rest)[0]
        chosen = types if modifier is None else (modifier,)
        having = [each for each in chosen if step in ("_has", "_list") or step in parameters_of(each)]
        if not having:
            raise Impossible(rest)
        inner = {key for each in having for key in self.found(each, rest, value)}
        return {key for key in self.all_by_type.get(type, ()) if self.referring(key, parameter) & inner}

    def _having(self, type: str, name: str, value: str) -> set[Key]:
        _, source, code, rest = name.split(":", 3)
        parameter = self.parameter(source, code)
        if parameter.type != "reference":
            raise Impossible(name)
        sources = self.found(source, rest, value) - set(self.inside)
        referred = {target for key in sources for target in self.referring(key, parameter)}
        return {key for key in referred if key[0] == type}

    def _in_compartment(self, owner: Key, types: Sequence[str]) -> set[Key]:
        members = compartment(owner[0])
        found = {owner}
        for type in types:
            for code in members.get(type, ()):
                if code != "{def}":
                    parameter = self.parameter(type, code)
                    found |= {key for key in self.by_type.get(type, ()) if owner in self.referring(key, parameter)}
        return found

    def _listed(self, type: str, value: str) -> set[Key]:
        found: set[Key] = set()
        for id in split(value, ","):
            for entry in self.stored.get(("List", id), {}).get("entry", ()):
                found |= self.targets(Value("Reference", entry["item"]))
        return {key for key in found if key[0] == type}

    def _worded(self, type: str, code: str, value: str) -> list[Key]:
        words = fold(unescape(value)).split()
        return [key for key in self.by_type.get(type, ()) if set(words) <= _words(self.stored[key], code)]

    # --- the result

    def _ordered(self, matches: set[Key], types: tuple[str, ...], sort: str | None) -> list[Key]:
        directions: dict[str, bool] = {}
        for each in filter(None, (sort or "").split(",")):
            directions.setdefault(each.removeprefix("-"), each.startswith("-"))
        keys = list(directions.items())
        newest_first = keys[-1][1] if keys else True
        ordered = sorted(matches, key=self.rid.__getitem__, reverse=newest_first)
        for code, descending in reversed(keys):
            ranked = {key: self._rank(key, code, descending) for key in ordered}
            having = [key for key in ordered if ranked[key] is not None]
            without = [key for key in ordered if ranked[key] is None]
            having.sort(key=lambda key: ranked[key], reverse=descending)
            ordered = having + without
        return ordered

    def _rank(self, key: Key, code: str, descending: bool) -> Any:
        """Return the value of a resource that comes first in the order asked for, None when it has none."""
        parameter = self.parameter(key[0], code)
        if parameter.type in ("composite", "special"):
            raise Unknown(code)
        ranks = [rank for value in self.values(key, parameter) for rank in self._ranks(value, parameter.type)]
        return None if not ranks else max(ranks) if descending else min(ranks)

    def _ranks(self, value: Value, type: str) -> Iterator[Any]:
        match type:
            case "string":
                yield from (fold(text) for text in matching.texts(value))
            case "token":
                yield from (token.code for token in matching.tokens(value) if token.code is not None)
            case "date":
                yield from (low for low, _ in matching.spans(value))
            case "number" | "quantity":
                yield from ((measure.low, measure.low_open) for measure in matching.measures(value))
            case "reference":
                text = matching.literal_of(value)
                if text is not None:
                    yield text.partition("|")[0] if value.type == "canonical" else relative(text, self.base)
            case "uri":
                yield value.data.partition("|")[0] if value.type == "canonical" else value.data

    def _included(self, page: list[Key], parameters: Iterable[tuple[str, str]]) -> set[Key]:
        asked = [each for each in parameters if each[0].partition(":")[0] in ("_include", "_revinclude")]
        seen, fresh = set(page), set(page)
        while fresh and asked:
            found = {key for name, value in asked for key in self._included_by(name, value, fresh)}
            fresh = found - seen
            seen |= found
            asked = [each for each in asked if each[0].endswith(":iterate")]
        return seen - set(page)

    def _included_by(self, name: str, value: str, start: set[Key]) -> set[Key]:
        source, code, target = [*value.split(":"), "*", "*"][:3]
        if name.startswith("_include"):
            pairs = [(key, each) for key in start for each in self._followed(key, source, code)]
            return {each for _, each in pairs if target in ("*", each[0])}
        sources = self.stored if source == "*" else self.by_type.get(source, ())
        wanted = {key for key in start if target in ("*", key[0])}
        return {key for key in sources if wanted & set(self._followed(key, source, code))}

    def _followed(self, key: Key, source: str, code: str) -> set[Key]:
        if source not in ("*", key[0]):
            return set()
        references = [each for each in parameters_of(key[0]).values() if each.type == "reference"]
        chosen = [each for each in references if code in ("*", each.code)]
        found = {target for parameter in chosen for target in self.referring(key, parameter)}
        return found & set(self.stored)


def asked_by(url: str) -> Asked:
    """Return the search that a URL relative to the base asks for."""
    path, _, query = url.partition("?")
    segments = [unquote(each) for each in path.split("/") if each not in ("", "_search")]
    parameters = tuple(parse_qsl(query, keep_blank_values=True))
    named = next((tuple(value.split(",")) for name, value in parameters if name == "_type"), None)
    match segments:
        case []:
            return Asked(named or resource_types(), parameters)
        case [type]:
            return Asked((type,), parameters)
        case [owner, id, "*"]:
            return Asked(named or tuple(compartment(owner)), parameters, (owner, id))
        case [owner, id, type]:
            return Asked((type,), parameters, (owner, id))
    raise Impossible(url)


def _is_contained(value: Value) -> bool:
    return isinstance(value.data, Mapping) and str(value.data.get("reference", "")).startswith("#")


def _is_named(value: Value) -> bool:
    """Tell whether the first part of a composite has a code; by its text alone no combination is found."""
    return any(token.code is not None or token.system is not None for token in matching.tokens(value))


def _searchable(value: Value, type: str) -> bool:
    """Tell whether a value is one that a parameter of a type can be asked of."""
    match type:
        case "string":
            return bool(matching.texts(value))
        case "date":
            return bool(matching.spans(value))
        case "number" | "quantity":
            return value.type != "SampledData" and bool(matching.measures(value))
        case "reference":
            return value.type in ("Reference", "canonical", "uri", "url") or "resourceType" in value.data
    return True


_TAG = re.compile(r"<[^>]*>")
_WORD = re.compile(r"\w+")


def _words(resource: Resource, code: str) -> set[str]:
    """Return the folded words of the narrative (`_text`) or of everything (`_content`)."""
    div = resource.get("text", {}).get("div", "")
    found = _TAG.sub(" ", div)
    if code == "_content":
        found = " ".join([found, *_strings(resource)])
    return set(_WORD.findall(fold(found)))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, each in value.items():
            if name != "div":
                yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)


def _near(value: Value, asked: str) -> bool:
    """`near=latitude|longitude|distance|units`; kilometres where no units are said, 50 km where no distance is."""
    parts = [unescape(part) for part in split(asked, "|")]
    latitude, longitude = float(parts[0]), float(parts[1])
    distance = float(parts[2]) if len(parts) > 2 and parts[2] else 50.0
    unit = {"km": 1.0, "m": 0.001, "[mi_us]": 1.609347218694, "[mi_i]": 1.609344}[parts[3] if len(parts) > 3 else "km"]
    position = (float(value.data["latitude"]), float(value.data["longitude"]))
    return matching.kilometres(position, (latitude, longitude)) <= distance * unit

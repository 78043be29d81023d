"""Searches nobody thought of: criteria made of what the data holds and of what lies just beside it.

Source: FHIR R4, Search.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from tests.search import matching
from tests.search.definitions import Parameter, Value, parameters_of, resource_types, select
from tests.search.reference import Key, Reference

Draw = Callable[[st.SearchStrategy[Any]], Any]
Criterion = tuple[str, str]  # name with modifiers or chain, and value

PREFIXES = st.sampled_from(["", *matching.PREFIXES])
SORTABLE = ("string", "token", "reference", "date", "number", "quantity", "uri")
_ESCAPED = re.compile(r"([\\,|$])")
_LONGEST = 30  # characters of a text asked for: far below what the gateway compares
_DATES = [
    "1850",
    "1969-12-31",
    "1999-01-07",
    "2000-02-29",
    "2016",
    "2020-05",
    "2020-05-17T08:00:00Z",
    "2024-02-02",
    "2100",
]
_NUMBERS = ["0", "1", "-3.5", "5", "70", "70.4", "70.50", "1e2", "100", "6.02e23", "0.0054", "5e-3"]
_WORDS = ["a", "du", "martin", "Anne", "é", "œ", "le goff", "x,y", "zz"]


class Pool:
    """What the resources hold, by type and parameter, to make searches of."""

    def __init__(self, reference: Reference) -> None:
        self.reference = reference
        self.values: dict[tuple[str, str], list[Value]] = {}
        self.parameters: dict[str, list[Parameter]] = {}
        for type, keys in sorted(reference.by_type.items()):
            for code, parameter in sorted(parameters_of(type).items()):
                if (
                    not parameter.alternatives
                    or parameter.type == "special"
                    or code in ("_query", "_text", "_content", "_filter", "_lastUpdated")
                ):
                    continue
                found = {repr(value): value for key in keys for value in reference.values(key, parameter)}
                if found or parameter.type in ("token", "reference"):
                    self.parameters.setdefault(type, []).append(parameter)
                    self.values[type, code] = list(found.values())
        self.types = sorted(self.parameters)
        self.referring = [
            (type, parameter)
            for type, parameters in self.parameters.items()
            for parameter in parameters
            if parameter.type == "reference" and self.values[type, parameter.code]
        ]

    def url(self, draw: Draw) -> str:
        """Return a search: one to three criteria, up to two keys of sorting, perhaps a total."""
        type = draw(st.sampled_from(self.types))
        one = draw(st.sampled_from(self.reference.by_type[type]))  # most criteria are about this one resource
        criteria = [self.criterion(draw, type, one) for _ in range(draw(st.sampled_from([1, 1, 2, 2, 3])))]
        keys = [each.code for each in self.parameters[type] if each.type in SORTABLE]
        sort = [draw(st.sampled_from(["", "-"])) + draw(st.sampled_from(keys)) for _ in range(draw(st.integers(0, 2)))]
        wishes = [("_sort", ",".join(sort))] if sort else []
        wishes += [("_total", "accurate")] if draw(st.booleans()) else []
        return f"{type}?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in [*criteria, *wishes])

    def criterion(self, draw: Draw, type: str, one: Key | None, depth: int = 0) -> Criterion:
        """Return a criterion of a type, chained or reversed where that is possible and not too deep yet.

        `one`: a resource that it should be about, for searches that find nothing tell little.
        """
        way = draw(st.sampled_from(["plain"] * 5 + ["chain", "has"] * (depth < 2)))
        chained = [each for each in self.parameters[type] if each.type == "reference" and self._targets(type, each)]
        if way == "chain" and chained:
            led = [each for each in chained if one is not None and self._led_to(one, each)]
            parameter = draw(st.sampled_from(led or chained))
            others = sorted(self._led_to(one, parameter)) if one is not None else []
            target, other = draw(st.sampled_from(others or [(each, "") for each in self._targets(type, parameter)]))
            name, value = self.criterion(draw, target, (target, other) if other else None, depth + 1)
            return f"{parameter.code}:{target}.{name}", value
        sources = [(source, each) for source, each in self.referring if type in (each.targets or resource_types())]
        if way == "has" and sources:
            source, parameter = draw(st.sampled_from(sources))
            referring = [
                key for key in self.reference.by_type[source] if one in self.reference.referring(key, parameter)
            ]
            other = draw(st.sampled_from(referring)) if referring else None
            name, value = self.criterion(draw, source, other, depth + 1)
            return f"_has:{source}:{parameter.code}:{name}", value
        return self._plain(draw, type, one)

    def _led_to(self, one: Key, parameter: Parameter) -> set[Key]:
        types = parameter.targets or resource_types()
        return {key for key in self.reference.referring(one, parameter) if key[0] in types}

    def _targets(self, type: str, parameter: Parameter) -> list[str]:
        """Return the types that a parameter may lead to and that there is something of."""
        known = [each for each in parameter.targets or resource_types() if each in self.parameters]
        if any(value.type == "Reference" for value in self.values[type, parameter.code]):
            return known
        # A canonical leads to what has a url.
        return [each for each in known if "url" in parameters_of(each)] if self.values[type, parameter.code] else []

    def _plain(self, draw: Draw, type: str, one: Key | None) -> Criterion:
        own = {each.code: self.reference.values(one, each) for each in self.parameters[type]} if one is not None else {}
        having = [each for each in self.parameters[type] if own.get(each.code)]
        parameter = draw(st.sampled_from(having if having and draw(st.integers(0, 4)) else self.parameters[type]))
        values = self.values[type, parameter.code]
        if not values or draw(st.integers(0, 9)) == 0:
            return f"{parameter.code}:missing", draw(st.sampled_from(["true", "false"]))
        way = _WAYS[parameter.type]
        modifier, written = way(
            draw, self.reference, parameter, draw(st.sampled_from(own.get(parameter.code) or values))
        )
        others = [
            way(draw, self.reference, parameter, draw(st.sampled_from(values))) for _ in range(draw(st.integers(0, 1)))
        ]
        alternatives = [written, *(other for its, other in others if its == modifier)]
        return f"{parameter.code}{modifier}", ",".join(alternatives)


def escape(text: str) -> str:
    return _ESCAPED.sub(r"\\\1", text)


# --- a value written as a criterion: its modifier with the colon, and the text

Written = tuple[str, str]


def _string(draw: Draw, reference: Reference, parameter: Parameter, value: Value) -> Written:
    text = draw(st.sampled_from([*matching.texts(value), *_WORDS]))
    modifier = draw(st.sampled_from(["", "", ":exact", ":contains"]))
    if modifier == ":exact":
        return modifier, escape(text)
    start = draw(st.integers(0, max(len(text) - 1, 0))) if modifier == ":contains" else 0
    part = text[start : start + draw(st.integers(1, _LONGEST))]
    part = draw(st.sampled_from([part, part.upper(), part.lower()]))
    return modifier, escape(part if matching.fold(part) else "a")


def _token(draw: Draw, reference: Reference, parameter: Parameter, value: Value) -> Written:
    tokens = matching.tokens(value)
    if not tokens:
        return "", "nothing"
    token = draw(st.sampled_from(tokens))
    if token.texts and draw(st.booleans()):
        return ":text", escape(token.texts[0][: draw(st.integers(1, _LONGEST))])
    if token.types and None not in token.types[0] and draw(st.booleans()):
        return ":of-type", "|".join(escape(each or "") for each in (*token.types[0], token.code))
    modifier = draw(st.sampled_from(["", "", ":not"]))
    system, code = escape(token.system or ""), escape(token.code or "nothing")
    if value.type == "boolean" or isinstance(value.data, bool):
        return modifier, draw(st.sampled_from(["true", "false"]))
    if parameter.code == "_id":  # an id has no system that could be said
        return modifier, code
    if value.type in ("ContactPoint", "uri", "url", "oid", "uuid"):  # "the pipe symbol SHALL NOT be used"
        return modifier, code
    forms = [code, f"{system}|{code}", f"|{code}", *([f"{system}|"] if system else [])]
    return modifier, draw(st.sampled_from(forms))


def _date(draw: Draw, reference: Reference, parameter: Parameter, value: Value) -> Written:
    texts = [each for each in _strings(value.data) if matching.DATE.fullmatch(each)]
    text = draw(st.sampled_from([*texts, *_DATES]))
    if "." in text or len(text) > 10:
        text = draw(st.sampled_from([text, text[:10], text[:7], text[:4]]))
    else:
        text = text[: draw(st.sampled_from([4, 7, 10]))]
    return "", draw(PREFIXES) + text


def _strings(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping):
        for each in data.values():
            yield from _strings(each)
    elif isinstance(data, list):
        for each in data:
            yield from _strings(each)


def _number(draw: Draw, reference: Reference, parameter: Parameter, value: Value) -> Written:
    return "", draw(PREFIXES) + _digits(draw, value)


def _digits(draw: Draw, value: Value) -> str:
    """Return a number beside those that a value has, written with its digits or fewer."""
    ends = [end for each in matching.measures(value) for end in (each.low, each.high) if isinstance(end, Decimal)]
    if not ends:
        return str(draw(st.sampled_from(_NUMBERS)))
    exact = draw(st.sampled_from(ends))
    forms = [str(exact), f"{float(exact):.3g}", f"{float(exact):.1f}", *_NUMBERS]
    return str(draw(st.sampled_from(forms))).replace("e+", "e")


# Other units of the same dimension: how many of them one is.
_OTHER_UNITS = {
    "mg": (Decimal("0.001"), "g"), "g": (Decimal(1000), "mg"), "kg": (Decimal(1000), "g"), "cm": (Decimal("0.01"), "m"),
    "m": (Decimal(100), "cm"), "mm[Hg]": (Decimal("0.1"), "cm[Hg]"), "mmol/L": (Decimal(1000), "umol/L"),
    "g/dL": (Decimal(10), "g/L"), "/min": (Decimal(60), "/h"), "%": (Decimal("0.01"), "1"),
}  # fmt: skip


def _quantity(draw: Draw, reference: Reference, parameter: Parameter, value: Value) -> Written:
    number = draw(PREFIXES) + _digits(draw, value)
    measures = matching.measures(value)
    forms = [number]
    for measure in measures:
        if measure.code is not None:
            forms += [
                f"{number}||{escape(measure.code)}",
                f"{number}|{escape(measure.system or '')}|{escape(measure.code)}",
            ]
        if measure.unit is not None:
            forms.append(f"{number}||{escape(measure.unit)}")
        if measure.system == matching.UCUM and measure.code in _OTHER_UNITS:
            factor, other = _OTHER_UNITS[measure.code]
            prefix, digits = matching.prefixed(number)
            forms.append(f"{prefix}{Decimal(digits) * factor:f}|{matching.UCUM}|{other}")
    return "", draw(st.sampled_from(forms))


def _reference(draw: Draw, reference: Reference, parameter: Parameter, value: Value) -> Written:
    identifier = value.data.get("identifier") if isinstance(value.data, Mapping) else None
    if identifier is not None and "value" in identifier:
        return ":identifier", escape(f"{identifier['value']}")
    text = matching.literal_of(value)
    if text is None:
        return "", "Patient/nobody"
    near = matching.relative(text, reference.base)
    literal = re.fullmatch(r"([A-Z]\w+)/([^/]+)", near)
    if literal is None:
        return "", escape(text)
    typed = literal[1] in (parameter.targets or resource_types())
    forms = [
        ("", near),
        ("", literal[2]),
        ("", f"{reference.base}/{near}"),
        *([(f":{literal[1]}", literal[2])] if typed else []),
    ]
    written: Written = draw(st.sampled_from(forms))
    return written


def _uri(draw: Draw, reference: Reference, parameter: Parameter, value: Value) -> Written:
    uri = value.data
    if "://" not in uri or not draw(st.booleans()):
        return "", escape(uri)
    cut = escape(uri[: draw(st.integers(uri.index("://") + 3, len(uri)))])
    written: Written = draw(st.sampled_from([(":below", cut), (":above", escape(uri + "/more")), (":above", cut)]))
    return written


def _composite(draw: Draw, reference: Reference, parameter: Parameter, value: Value) -> Written:
    parts = []
    for component in parameter.components:
        found = []
        for expression in component.expression.split(" | "):
            try:
                found += select(expression, value.data, value.data)
            except (TypeError, AttributeError):
                continue  # a base value taken out of its resource: `%resource` leads nowhere
        way = _WAYS[component.type]
        _, written = way(draw, reference, parameter, draw(st.sampled_from(found))) if found else ("", "2020")
        parts.append(written)
    return "", "$".join(parts)


_WAYS: Mapping[str, Callable[[Draw, Reference, Parameter, Value], Written]] = {
    "string": _string,
    "token": _token,
    "date": _date,
    "number": _number,
    "quantity": _quantity,
    "reference": _reference,
    "uri": _uri,
    "composite": _composite,
}

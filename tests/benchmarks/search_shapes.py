"""The 24 searches that are measured: a name, and a URL in whose braces stand values drawn from the data itself.

What stands in the braces of one shape is drawn from one resource, so that what belongs together is asked together.
VALUES says for each kind of value which type it is drawn from, and how. All ask for 20 rows.

Source: FHIR R4, Search; the search workload of the comparison of servers: each parameter type, AND, chain, `_has`,
includes, order, totals, what finds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any
from urllib.parse import quote

Draw = Callable[[Mapping[str, Any]], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Shape:
    """A search by its URL below the base; values in braces are escaped when they are put in.

    `counts`: it must count all matches, so that its cost may grow with them.
    """

    name: str
    url: str
    counts: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Return the kinds of values in its braces."""
        return tuple(name for _, name, _, _ in Formatter().parse(self.url) if name is not None)


SHAPES = (
    Shape("string", "Patient?family={family}&_count=20"),
    Shape("string, contains", "Patient?name:contains={part}&_count=20"),
    Shape("token", "Observation?code={code}&_count=20"),
    Shape("reference", "Observation?subject={subject}&_count=20"),
    Shape("date", "Observation?date=ge{day}&_count=20"),
    Shape("number", "RiskAssessment?probability=gt{probability}&_count=20"),
    Shape("quantity", "Observation?value-quantity=ge{quantity}&_count=20"),
    Shape("uri", "ServiceRequest?instantiates-uri={uri}&_count=20"),
    Shape("composite", "Observation?code-value-quantity={code_value}&_count=20"),
    Shape("two parameters", "Observation?subject={subject}&code={code}&_count=20"),
    Shape("chain", "Observation?patient:Patient.family={family}&_count=20"),
    Shape("_has", "Patient?_has:Observation:patient:code={code}&_count=20"),
    Shape("_include", "Observation?code={code}&_include=Observation:subject&_count=20"),
    Shape("_revinclude", "Patient?address-state={state}&_revinclude=Condition:subject&_count=20"),
    Shape("sorted by date", "Observation?_sort=-date&_count=20"),
    Shape("token, sorted by date", "Observation?code={code}&_sort=-date&_count=20"),
    Shape("sorted by two keys", "Observation?_sort=code,-date&_count=20"),
    Shape("total", "Observation?code={code}&_total=accurate&_count=20", counts=True),
    Shape("count alone", "Observation?code={code}&_summary=count", counts=True),
    Shape("nothing found", "Observation?code={code}&date=gt2090&subject={subject}&_count=20"),
    Shape("not", "Encounter?class:not={class_}&_count=20"),
    Shape("missing", "Observation?value-quantity:missing=true&date=ge{day}&_count=20"),
    Shape("system, _lastUpdated", "?_lastUpdated=ge{instant}&_count=20"),
    Shape("compartment", "{subject_path}/Observation?code={code}&_count=20"),
)


def _family(resource: Mapping[str, Any]) -> Iterator[str]:
    for name in resource.get("name", ()):
        yield name["family"][:4]


def _state(resource: Mapping[str, Any]) -> Iterator[str]:
    for address in resource.get("address", ()):
        yield address["state"]


def _part(resource: Mapping[str, Any]) -> Iterator[str]:
    for name in resource.get("name", ()):
        yield name["given"][0][1:5]


def _subject(resource: Mapping[str, Any]) -> Iterator[str]:
    yield resource["subject"]["reference"]


def _code(resource: Mapping[str, Any]) -> Iterator[str]:
    for coding in resource["code"].get("coding", ()):
        yield f"{coding['system']}|{coding['code']}"


def _quantity(resource: Mapping[str, Any]) -> Iterator[str]:
    if "valueQuantity" in resource and "code" in resource["valueQuantity"]:
        value = resource["valueQuantity"]
        yield f"{value['value']}|{value['system']}|{value['code']}"


def _code_value(resource: Mapping[str, Any]) -> Iterator[str]:
    for code in _code(resource):
        for quantity in _quantity(resource):
            yield f"{code}$ge{quantity}"


def _day(resource: Mapping[str, Any]) -> Iterator[str]:
    if "effectiveDateTime" in resource:
        yield resource["effectiveDateTime"][:10]


def _instant(resource: Mapping[str, Any]) -> Iterator[str]:
    yield resource["meta"]["lastUpdated"]


def _class(resource: Mapping[str, Any]) -> Iterator[str]:
    yield resource["class"]["code"]


def _probability(resource: Mapping[str, Any]) -> Iterator[str]:
    for prediction in resource["prediction"]:
        yield str(prediction["probabilityDecimal"])


def _uri(resource: Mapping[str, Any]) -> Iterator[str]:
    yield from resource["instantiatesUri"]


VALUES: Mapping[str, tuple[str, Draw]] = {
    "family": ("Patient", _family),
    "part": ("Patient", _part),
    "state": ("Patient", _state),
    "subject": ("Observation", _subject),
    "subject_path": ("Observation", _subject),
    "code": ("Observation", _code),
    "quantity": ("Observation", _quantity),
    "code_value": ("Observation", _code_value),
    "day": ("Observation", _day),
    "instant": ("Observation", _instant),
    "class_": ("Encounter", _class),
    "probability": ("RiskAssessment", _probability),
    "uri": ("ServiceRequest", _uri),
}


def url_of(shape: Shape, values: Mapping[str, str]) -> str:
    """Return the URL of a shape with values in its braces; those in its path keep their slash."""
    safe = {name: "/" if name.endswith("_path") else "" for name in values}
    return shape.url.format_map({name: quote(value, safe=safe[name]) for name, value in values.items()})


def values_in(resource: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, str] | None:
    """Return one value of each kind from a resource; None when it lacks one of them."""
    found = {name: next(VALUES[name][1](resource), None) for name in names}
    return {name: value for name, value in found.items() if value is not None} if None not in found.values() else None

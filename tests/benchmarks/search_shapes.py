"""The searches that are measured: a name, and a URL in whose braces stand values drawn from the data itself.

A new shape is a new line. VALUES says for each kind of value which resources it is drawn from, and how.

Source: FHIR R4, Search.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

Draw = Callable[[Mapping[str, Any]], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Shape:
    """A search by its URL below the base; values in braces are escaped when they are put in."""

    name: str
    url: str


SHAPES = (
    Shape("by _id", "Patient?_id={patient}"),
    Shape("token, one match", "Patient?identifier={identifier}"),
    Shape("token, many matches", "Observation?code={code}&_count=20"),
    Shape("token without system", "Observation?code={bare_code}&_count=20"),
    Shape("token of few values", "Encounter?status=finished&_count=20"),
    Shape("reference", "Observation?subject={subject}&_count=20"),
    Shape("reference and token", "Observation?subject={subject}&code={code}&_count=20"),
    Shape("string, prefix", "Patient?family={family}&_count=20"),
    Shape("string, two parameters", "Patient?family={family}&given={given}&_count=20"),
    Shape("date, a day", "Patient?birthdate={birth_date}"),
    Shape("date, from one on", "Observation?date=ge{day}&_count=20"),
    Shape("reference, token and date", "Observation?subject={subject}&code={code}&date=ge{day}&_count=20"),
    Shape("_lastUpdated", "Observation?_lastUpdated=ge{instant}&_count=20"),
    Shape("reference, newest 50", "Condition?subject={subject}&_count=50"),
    Shape("_include", "Observation?code={code}&_include=Observation:subject&_count=20"),
    Shape("type, first page", "Observation?_count=50"),
)


def _patient(resource: Mapping[str, Any]) -> Iterator[str]:
    yield resource["id"]


def _identifier(resource: Mapping[str, Any]) -> Iterator[str]:
    for identifier in resource.get("identifier", ()):
        if "system" in identifier:
            yield f"{identifier['system']}|{identifier['value']}"


def _subject(resource: Mapping[str, Any]) -> Iterator[str]:
    yield f"Patient/{resource['id']}"


def _code(resource: Mapping[str, Any]) -> Iterator[str]:
    for coding in resource["code"].get("coding", ()):
        yield f"{coding['system']}|{coding['code']}"


def _bare_code(resource: Mapping[str, Any]) -> Iterator[str]:
    for coding in resource["code"].get("coding", ()):
        yield coding["code"]


def _family(resource: Mapping[str, Any]) -> Iterator[str]:
    for name in resource.get("name", ()):
        yield name["family"][:4]


def _given(resource: Mapping[str, Any]) -> Iterator[str]:
    for name in resource.get("name", ()):
        yield name["given"][0]


def _birth_date(resource: Mapping[str, Any]) -> Iterator[str]:
    yield resource["birthDate"]


def _day(resource: Mapping[str, Any]) -> Iterator[str]:
    if "effectiveDateTime" in resource:
        yield resource["effectiveDateTime"][:10]


def _instant(resource: Mapping[str, Any]) -> Iterator[str]:
    yield resource["meta"]["lastUpdated"]


VALUES: Mapping[str, tuple[str, Draw]] = {
    "patient": ("Patient", _patient),
    "identifier": ("Patient", _identifier),
    "subject": ("Patient", _subject),
    "family": ("Patient", _family),
    "given": ("Patient", _given),
    "birth_date": ("Patient", _birth_date),
    "code": ("Observation", _code),
    "bare_code": ("Observation", _bare_code),
    "day": ("Observation", _day),
    "instant": ("Observation", _instant),
}


def url_of(shape: Shape, values: Mapping[str, str]) -> str:
    """Return the URL of a shape with values in its braces."""
    return shape.url.format_map({name: quote(value, safe="") for name, value in values.items()})

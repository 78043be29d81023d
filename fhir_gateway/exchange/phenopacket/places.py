"""Where in a resource a value stands, and how values of a phenopacket and of FHIR become each other.

Source: GA4GH Phenopacket Schema 2.0; FHIR R4, Datatypes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from fhir_gateway.exchange.phenopacket.ontologies import Codes
from fhir_gateway.fhir.number import Number

Resource = MutableMapping[str, Any]


class Place(Protocol):
    def get(self, resource: Mapping[str, Any]) -> list[Any]:
        """Return the values that stand there."""

    def put(self, resource: Resource, value: Any) -> None:
        """Put one value there (one more, where several may stand)."""


@dataclass(frozen=True, slots=True)
class At:
    """An element by its path; a number is a place in a list, "*" any place: "content.0.attachment.url"."""

    path: str

    def get(self, resource: Mapping[str, Any]) -> list[Any]:
        found: list[Any] = [resource]
        for step in self.path.split("."):
            if step == "*":
                found = [each for listed in found for each in listed]
            elif step.isdigit():
                found = [each[int(step)] for each in found if len(each) > int(step)]
            else:
                found = [each[step] for each in found if step in each]
        return found

    def put(self, resource: Resource, value: Any) -> None:
        steps = self.path.split(".")
        held: Any = resource
        for step, following in zip(steps, [*steps[1:], None], strict=True):
            new: Any = value if following is None else [] if following in ("0", "*") else {}
            if isinstance(held, list):
                if step == "*" or not held:
                    held.append(new)
                held = held[-1]
            else:
                held = held.setdefault(step, new)


@dataclass(frozen=True, slots=True)
class Component:
    """Observation.component of a code: its value."""

    system: str
    code: str
    value: str

    def get(self, resource: Mapping[str, Any]) -> list[Any]:
        listed = [each for each in resource.get("component", ()) if self._has(each)]
        return [each[self.value] for each in listed if self.value in each]

    def _has(self, component: Mapping[str, Any]) -> bool:
        codings = component.get("code", {}).get("coding", ())
        return any(each.get("system") == self.system and each.get("code") == self.code for each in codings)

    def put(self, resource: Resource, value: Any) -> None:
        code = {"coding": [{"system": self.system, "code": self.code}]}
        resource.setdefault("component", []).append({"code": code, self.value: value})


@dataclass(frozen=True, slots=True)
class Extension:
    """An extension of an element: its value."""

    element: str
    url: str
    value: str

    def get(self, resource: Mapping[str, Any]) -> list[Any]:
        holders = At(self.element).get(resource) if self.element else [resource]
        listed = [each for holder in holders for each in holder.get("extension", ()) if each.get("url") == self.url]
        return [each[self.value] for each in listed if self.value in each]

    def put(self, resource: Resource, value: Any) -> None:
        element = f"{self.element}.extension.*" if self.element else "extension.*"
        At(element).put(resource, {"url": self.url, self.value: value})


@dataclass(frozen=True, slots=True)
class Kind:
    """How a value becomes the other's. Each way gives None for what it cannot say; that is kept, or told."""

    to_fhir: Callable[[Any, Codes], Any]
    to_format: Callable[[Any, Codes, str], Any]


_DURATION: Final = re.compile(r"P(\d+(?:\.\d+)?)([YMWD])")
_UCUM: Final = {"Y": ("a", "ans"), "M": ("mo", "mois"), "W": ("wk", "semaines"), "D": ("d", "jours")}
_ISO: Final = {ucum: letter for letter, (ucum, _) in _UCUM.items()}


def quantity(duration: Any) -> dict[str, Any] | None:
    """Return an ISO 8601 duration of one unit as a UCUM quantity: "P8M" is 8 mo; None for one of several units."""
    match = _DURATION.fullmatch(duration) if isinstance(duration, str) else None
    if match is None:
        return None
    code, unit = _UCUM[match[2]]
    value = Number(match[1]) if "." in match[1] else int(match[1])
    return {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": code}


def duration(held: Mapping[str, Any]) -> str | None:
    """Return a quantity in years, months, weeks or days of UCUM as an ISO 8601 duration; None for another unit."""
    letter = _ISO.get(str(held.get("code")))
    if letter is None or "value" not in held or "comparator" in held:
        return None
    value = held["value"]
    text = f"P{value.text if isinstance(value, Number) else value}{letter}"
    return text if _DURATION.fullmatch(text) else None


def day_or_instant(timestamp: Any) -> str | None:
    """Return a Timestamp as a dateTime: midnight UTC stands for the day alone, which a Timestamp cannot say."""
    if not isinstance(timestamp, str):
        return None
    day, _, time = timestamp.partition("T")
    return day if time == "00:00:00Z" else timestamp


def timestamp(held: str) -> str | None:
    """Return a dateTime as a Timestamp: a day as its midnight in UTC; None for a year or a month alone."""
    if "T" in held:
        return held
    return f"{held}T00:00:00Z" if len(held) == len("2000-01-01") else None


def _translated(pairs: Mapping[Any, Any], back: Mapping[Any, Any] | None = None) -> Kind:
    reverse = {there: here for here, there in pairs.items()} | dict(back or {})
    return Kind(lambda value, codes: pairs.get(value), lambda value, codes, place: reverse.get(value))


def _coded(value: Any, system: str, pairs: Mapping[bool, str]) -> dict[str, Any] | None:
    return {"coding": [{"system": system, "code": pairs[value]}]} if isinstance(value, bool) else None


def _code_of(concept: Mapping[str, Any], system: str, pairs: Mapping[bool, str]) -> bool | None:
    codes = [each.get("code") for each in concept.get("coding", ()) if each.get("system") == system]
    return next((here for here, there in pairs.items() if there in codes), None)


def _flag(system: str, pairs: Mapping[bool, str]) -> Kind:
    return Kind(
        lambda value, codes: _coded(value, system, pairs),
        lambda concept, codes, place: _code_of(concept, system, pairs),
    )


_VERIFICATION: Final = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
EDAM: Final = {"vcf": "format_3016", "bam": "format_2572", "bai": "format_3327", "cram": "format_3462",
               "tar": "format_3981", "fastq": "format_1930", "bed": "format_3003"}  # fmt: skip
_FORMATS: Final = {code: name for name, code in EDAM.items()}


def _edam(value: Any, codes: Codes) -> dict[str, Any] | None:
    return {"system": "http://edamontology.org", "code": EDAM[value]} if value in EDAM else None


def _whole_number(value: Any, codes: Codes) -> int | None:
    return int(value) if re.fullmatch(r"[1-9]\d{0,17}|0", value) else None


CONCEPT: Final = Kind(lambda value, codes: codes.concept(value), lambda held, codes, at: codes.ontology_class(held, at))
# The extension origine binds its codes: only those of PFMG may stand there.
ORIGIN: Final = Kind(
    lambda value, codes: codes.concept(value) if str(value.get("id")).startswith("PFMG-ORIGINE:") else None,
    CONCEPT.to_format,
)
TEXT: Final = Kind(
    lambda value, codes: value if isinstance(value, str) and value.strip() == value and value else None,
    lambda value, codes, place: value,
)
INSTANT: Final = Kind(lambda value, codes: day_or_instant(value), lambda held, codes, place: timestamp(held))
DURATION: Final = Kind(lambda value, codes: quantity(value), lambda held, codes, place: duration(held))
SEX: Final = _translated({"MALE": "male", "FEMALE": "female", "OTHER_SEX": "other", "UNKNOWN_SEX": "unknown"})
VITAL: Final = _translated({"DECEASED": True, "ALIVE": False})
EXCLUDED: Final = _flag("http://loinc.org", {False: "LA9633-4", True: "LA9634-2"})
REFUTED: Final = _flag(_VERIFICATION, {False: "confirmed", True: "refuted"})
FILE_FORMAT: Final = Kind(_edam, lambda held, codes, place: _FORMATS.get(held.get("code")))
SIZE: Final = Kind(_whole_number, lambda value, codes, place: str(value))

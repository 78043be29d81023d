"""Every example of the specification can be stored, and comes back as it was sent, in JSON and in XML.

Source: FHIR R4 4.0.1, the 738 examples of HL7's package hl7.fhir.r4.examples; RESTful API, "update", "read".
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.floors import drawn, hold
from tests.served import Served, serve
from tests.shared_data import shared

pytestmark = pytest.mark.conformance
SUITE = "official-examples-over-http"
JSON = "application/fhir+json"
XML = "application/fhir+xml"
DEFINITIONS = (
    "StructureDefinition-",
    "SearchParameter-",
    "ValueSet-",
    "CodeSystem-",
    "ConceptMap-",
    "OperationDefinition-",
    "CompartmentDefinition-",
    "NamingSystem-",
)


# Not all examples are sound by the definitions that they illustrate; what is tested is that they are kept.
LENIENT = {"FHIR_GATEWAY_INTEGRITY_ON_WRITE": "false", "FHIR_GATEWAY_VALIDATION": "structure"}


@pytest.fixture(scope="module")
def examples() -> dict[str, bytes]:
    """The examples by file name: what the package holds beside the definitions."""
    with tarfile.open(shared("packages", "hl7.fhir.r4.examples-4.0.1.tgz")) as package:
        return dict(sorted(_examples(package)))


def _examples(package: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    for member in package:
        name = member.name.rsplit("/", 1)[-1]
        file = package.extractfile(member) if name.endswith(".json") else None
        if file is not None and "-" in name and not name.startswith(DEFINITIONS):
            yield name, file.read()


@pytest.fixture(scope="module")
def lenient(database: str) -> Iterator[Served]:
    """A gateway that takes references to what it does not hold: examples refer to each other."""
    with serve(database, environment=LENIENT) as served:
        yield served


def test_every_official_example_is_stored_and_comes_back_as_sent(
    examples: dict[str, bytes], lenient: Served, record_property: Callable[[str, object], None]
) -> None:
    failures = {}
    chosen = drawn(list(examples))
    with requests.Session() as session:
        for name in chosen:
            if why := _round_trip(session, lenient.base, examples[name]):
                failures[name] = why
    hold(SUITE, len(examples), failures, chosen, record_property)


def _round_trip(session: requests.Session, base: str, content: bytes) -> str | None:
    """Return what went wrong, None when nothing did."""
    sent = json.loads(content, parse_float=str)
    url = f"{base}/{sent['resourceType']}/{sent['id']}"
    stored = session.put(url, data=content, headers={"Content-Type": JSON, "Accept": JSON}, timeout=60)
    if stored.status_code not in (200, 201):
        return f"PUT: {stored.status_code} {stored.text[:500]}"
    in_json = session.get(url, headers={"Accept": JSON}, timeout=60)
    if _without_meta(json.loads(in_json.content, parse_float=str)) != _without_meta(sent):
        return "differs in JSON"
    in_xml = session.get(url, headers={"Accept": XML}, timeout=60)
    again = session.put(url, data=in_xml.content, headers={"Content-Type": XML, "Accept": JSON}, timeout=60)
    if again.status_code != 200:
        return f"PUT of its own XML: {again.status_code} {again.text[:500]}"
    if again.headers["ETag"] != stored.headers["ETag"]:
        return "differs in XML: another version was made"
    return None


def _without_meta(resource: dict[str, Any]) -> dict[str, Any]:
    """The resource without what a server sets in meta."""
    meta = {name: value for name, value in resource.get("meta", {}).items() if name not in ("versionId", "lastUpdated")}
    rest = {name: value for name, value in resource.items() if name != "meta"}
    return {**rest, "meta": meta} if meta else rest

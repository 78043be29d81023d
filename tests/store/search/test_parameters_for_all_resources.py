"""Parameters that every resource has, and searches over several types.

Source: FHIR R4, Search, "Parameters for all resources", "_type"; RESTful API, "search".
"""

from __future__ import annotations

from typing import Any

import pytest

from fhir_gateway.fhir.primitives import instant_text
from tests.store.search.library import Library, refusals

META = {
    "profile": ["http://p.example.org/lab|1.0"],
    "tag": [{"system": "urn:t", "code": "blue"}],
    "security": [{"system": "urn:s", "code": "R"}],
    "source": "http://source.example.org#7",
}


@pytest.fixture(scope="module", autouse=True)
def _filled(library: Library) -> None:
    library.put({"resourceType": "Patient", "id": "a", "meta": META}, {"resourceType": "Observation", "id": "a"})
    library.put({"resourceType": "Patient", "id": "b", "name": [{"family": "Bé"}]})
    library.put({"resourceType": "Organization", "id": "c", "name": "BE", "meta": {"tag": META["tag"]}})
    library.put({"resourceType": "Patient", "id": "gone"})
    library.delete("Patient", "gone")


@pytest.mark.parametrize(
    ("type", "query", "found"),
    [
        ("Patient", "", ["b", "a"]),
        ("Patient", "_id=a", ["a"]),
        ("Patient", "_id=a,b,x", ["b", "a"]),
        ("Patient", "_id=gone", []),
        ("Patient", "_id:not=a", ["b"]),
        ("Patient", "_id=a&_id=b", []),
        ("Patient", "_tag=urn:t|blue", ["a"]),
        ("Patient", "_tag:not=blue", ["b"]),
        ("Patient", "_security=R", ["a"]),
        ("Patient", "_profile=http://p.example.org/lab", ["a"]),
        ("Patient", "_profile=http://p.example.org/lab|1.0", ["a"]),
        ("Patient", "_profile=http://p.example.org/lab|2.0", []),
        ("Patient", "_source=http://source.example.org%237", ["a"]),
        ("Patient", "_tag:missing=true", ["b"]),
        ("Patient", "_profile:missing=false", ["a"]),
        ("Patient", "_security:missing=true", ["b"]),
        ("Patient", "_source:missing=false", ["a"]),
        ("Patient", "_tag:not=blue&_tag:missing=false", []),
        ("Patient", "_tag:not=red&_tag:missing=false", ["a"]),
        ("Patient", "_id:missing=true", []),
        ("Patient", "_id:missing=false", ["b", "a"]),
        ("Patient", "_lastUpdated:missing=true", []),
        ("Patient", "_lastUpdated:missing=false&_tag=blue", ["a"]),
        (None, "_id:missing=false", ["c", "b", "a", "a"]),
        (None, "_profile:missing=false", ["a"]),
        (None, "_source=http://source.example.org%237", ["a"]),
        (None, "_security=R&_profile=http://p.example.org/lab", ["a"]),
        (None, "_type=Patient,Observation&_tag:missing=true", ["b", "a"]),
        ("Patient", "_lastUpdated=gt2000-01-01", ["b", "a"]),
        ("Patient", "_lastUpdated=lt2000-01-01,gt2001", ["b", "a"]),
        ("Patient", "_lastUpdated=lt2000-01-01", []),
        (None, "", ["c", "b", "a", "a"]),
        (None, "_tag=blue", ["c", "a"]),
        (None, "_id=a", ["a", "a"]),
        (None, "_type=Patient,Organization", ["c", "b", "a"]),
        (None, "_type=Patient,Organization&name=be", ["c", "b"]),
        (None, "_type=Observation&_id=a", ["a"]),
        (None, "_lastUpdated=gt2000&_type=Observation", ["a"]),
    ],
)
def test_every_resource_can_be_found_by_id_and_meta(
    library: Library, type: str | None, query: str, found: list[str]
) -> None:
    assert library.ids(type, query) == found


@pytest.mark.parametrize(
    ("prefix", "found"),
    [
        ("eq", {"b"}),
        ("ne", {"a"}),
        ("gt", set()),
        ("ge", {"b"}),
        ("lt", {"a"}),
        ("le", {"a", "b"}),
        ("sa", set()),
        ("eb", {"a"}),
    ],
)
def test_the_instant_of_a_version_is_compared_exactly(library: Library, prefix: str, found: set[str]) -> None:
    newest: Any = library.read(lambda tx: tx.current("Patient", "b"))
    query = f"_lastUpdated={prefix}{instant_text(newest.last_updated)}"
    assert set(library.ids("Patient", query)) == found


@pytest.mark.parametrize(
    ("type", "query", "issues"),
    [
        ("Patient", "_id=a/b", ["search-id-malformed"]),
        ("Patient", "_id:exact=a", ["search-modifier-unsupported"]),
        ("Patient", "_lastUpdated=yesterday", ["search-date-malformed"]),
        ("Patient", "_lastUpdated:not=2000", ["search-modifier-unsupported"]),
        ("Patient", "_id:missing=perhaps", ["search-boolean-malformed"]),
        ("Patient", "_type=Patient", ["search-parameter-unknown"]),
        (None, "_type=Patient,Robot", ["search-type-unknown"]),
        (None, "_type=Patient,Observation&name=x", ["search-parameter-unknown"]),
        (None, "name=x", ["search-parameter-unknown"]),
    ],
)
def test_what_cannot_be_asked_of_all_resources_is_refused(type: str | None, query: str, issues: list[str]) -> None:
    assert refusals(type, query) == issues

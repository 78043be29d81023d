"""Positions, texts of codes, and URLs by their beginning, asked of a store.

Source: FHIR R4, Location, "near"; Search, "Modifiers", "token", "uri".
"""

from __future__ import annotations

import pytest

from tests.store.search.library import Library, refusals

PLACES = {
    "paris": ("48.8566", "2.3522"),
    "versailles": ("48.8049", "2.1204"),
    "lyon": ("45.7640", "4.8357"),
    "fiji": ("-17.8", "179.95"),
    "taveuni": ("-17.8", "-179.95"),
    "pole": ("90", "0"),
}


@pytest.fixture(scope="module", autouse=True)
def _filled(library: Library) -> None:
    for id, (latitude, longitude) in PLACES.items():
        position = {"latitude": float(latitude), "longitude": float(longitude)}
        library.put({"resourceType": "Location", "id": id, "position": position})
    library.put({"resourceType": "Location", "id": "nowhere"})
    library.put(
        {
            "resourceType": "Observation",
            "id": "o1",
            "code": {"coding": [{"code": "a", "display": "Glucose in Blood"}], "text": "Glycémie à jeun"},
            "method": {"text": "Glucose meter"},
        },
        {"resourceType": "Observation", "id": "o2", "code": {"coding": [{"code": "a"}]}},
        {"resourceType": "Observation", "id": "o3", "code": {"text": "Blood glucose"}},
    )
    library.put(
        {"resourceType": "ValueSet", "id": "root", "url": "http://acme.org/fhir", "version": "2"},
        {"resourceType": "ValueSet", "id": "v1", "url": "http://acme.org/fhir/ValueSet/1"},
        {"resourceType": "ValueSet", "id": "v12", "url": "http://acme.org/fhir/ValueSet/12"},
        {"resourceType": "ValueSet", "id": "oid", "url": "urn:oid:1.2.3"},
        {"resourceType": "Patient", "id": "p", "meta": {"profile": ["http://acme.org/fhir/P|1.0"]}},
    )


@pytest.mark.parametrize(
    ("type", "query", "found"),
    [
        ("Location", "near=48.85|2.35", {"paris", "versailles"}),
        ("Location", "near=48.8566|2.3522|10", {"paris"}),
        ("Location", "near=48.8566|2.3522|20000|m", {"paris", "versailles"}),
        ("Location", "near=48.8566|2.3522|400|km", {"paris", "versailles", "lyon"}),
        ("Location", "near=45.764|4.8357|0", {"lyon"}),
        ("Location", "near=-17.8|-179.99|20", {"fiji", "taveuni"}),
        ("Location", "near=89.9|120|12|km", {"pole"}),
        ("Location", "near=0|0|21000", set(PLACES)),
        ("Location", "near=45.76|4.83,90|45|1", {"lyon", "pole"}),
        ("Location", "near=0|0", set()),
        ("Location", "near:missing=true", {"nowhere"}),
        ("Location", "near=48.85|2.35&_id=paris,lyon", {"paris"}),
        ("Observation", "code:text=gly", {"o1"}),
        ("Observation", "code:text=glucose", {"o1"}),
        ("Observation", "code:text=GLYCEMIE A", {"o1"}),
        ("Observation", "code:text=blood,glucose", {"o1", "o3"}),
        ("Observation", "code:text=a", set()),
        ("Observation", "method:text=glucose m&code=a", {"o1"}),
        ("ValueSet", "url:below=http://acme.org/fhir/", {"v1", "v12"}),
        ("ValueSet", "url:below=http://acme.org/fhir/ValueSet/1", {"v1", "v12"}),
        ("ValueSet", "url:below=http://acme.org/fhir/V,http://acme.org/fhir/ValueSet/12", {"v1", "v12"}),
        ("ValueSet", "url:above=http://acme.org/fhir/ValueSet/12/_history/5", {"root", "v1", "v12"}),
        ("ValueSet", "url=http://acme.org/fhir|2", {"root"}),
        ("ValueSet", "url=http://acme.org/fhir|1", set()),
        ("ValueSet", "url=urn:oid:1.2.3", {"oid"}),
        ("Patient", "_profile=http://acme.org/fhir/P", {"p"}),
        ("Patient", "_profile:below=http://acme.org/", {"p"}),
        ("Patient", "_profile:above=http://acme.org/fhir/P/x", {"p"}),
    ],
)
def test_what_is_asked_for_is_found(library: Library, type: str, query: str, found: set[str]) -> None:
    assert set(library.ids(type, query)) == found


@pytest.mark.parametrize(
    ("type", "query", "issue"),
    [
        ("Location", "near=48.85", "search-position-malformed"),
        ("Location", "near:exact=48.85|2.35", "search-modifier-unsupported"),
        # Of references R4 has no `:text`.
        ("Observation", "subject:text=x", "search-modifier-unsupported"),
    ],
)
def test_what_cannot_be_asked_is_refused(type: str, query: str, issue: str) -> None:
    assert refusals(type, query) == [issue]

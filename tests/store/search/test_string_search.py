"""String parameters, and uri parameters beside them.

Source: FHIR R4, Search, "string", "uri".
"""

from __future__ import annotations

import pytest

from tests.store.search.library import Library, refusals

LONG = "a description of which the word genomics comes far behind the first sixty-four characters"


@pytest.fixture(scope="module", autouse=True)
def _filled(library: Library) -> None:
    address = {"line": ["3 rue de l'Été"], "city": "Besançon", "postalCode": "25000", "country": "FR"}
    library.put(
        {
            "resourceType": "Patient",
            "id": "eve",
            "name": [{"family": "Van der Berg", "given": ["Ève", "Marie"], "prefix": ["Dr"]}],
            "address": [address],
        },
        {"resourceType": "Patient", "id": "severine", "name": [{"text": "Séverine  BERGER"}]},
        {"resourceType": "Patient", "id": "none"},
        {
            "resourceType": "ValueSet",
            "id": "long",
            "description": LONG,
            "url": "http://v.example.org/a",
            "version": "1",
        },
        {"resourceType": "ValueSet", "id": "other", "url": "http://v.example.org/A"},
        {"resourceType": "PlanDefinition", "id": "plan", "library": ["http://l.example.org/l|2.0"]},
    )


@pytest.mark.parametrize(
    ("type", "query", "found"),
    [
        ("Patient", "name=eve", ["eve"]),
        ("Patient", "name=EVE", ["eve"]),
        ("Patient", "name=ève", ["eve"]),
        ("Patient", "name=berg", []),
        ("Patient", "name=van der", ["eve"]),
        ("Patient", "name=dr", ["eve"]),
        ("Patient", "family=eve", []),
        ("Patient", "given=mar,nobody", ["eve"]),
        ("Patient", "name=sev", ["severine"]),
        ("Patient", "name=severine berger", ["severine"]),
        ("Patient", "name=eve,sev", ["severine", "eve"]),
        ("Patient", "given=eve&given=mar", ["eve"]),
        ("Patient", "name:exact=Ève", ["eve"]),
        ("Patient", "name:exact=eve", []),
        ("Patient", "name:exact=Séverine  BERGER", ["severine"]),
        ("Patient", "name:exact=Séverine BERGER", []),
        ("Patient", "name:contains=BERG", ["severine", "eve"]),
        ("Patient", "name:contains=ever", ["severine"]),
        ("Patient", "address=besancon", ["eve"]),
        ("Patient", "address-city=Besançon", ["eve"]),
        ("Patient", "address=3 rue de l'ete", ["eve"]),
        ("Patient", "address-postalcode=25", ["eve"]),
        ("ValueSet", "description:contains=genomics", ["long"]),
        ("ValueSet", "description:contains=four characters", ["long"]),
        ("ValueSet", "description=genomics", []),
        ("ValueSet", f"description:exact={LONG}", ["long"]),
        ("ValueSet", f"description={LONG[:60]}", ["long"]),
        ("ValueSet", "url=http://v.example.org/a", ["long"]),
        ("ValueSet", "url=http://v.example.org/", []),
        ("ValueSet", "url=http://v.example.org/a,http://v.example.org/A", ["other", "long"]),
    ],
)
def test_a_string_is_found_by_its_beginning_whole_or_in_part(
    library: Library, type: str, query: str, found: list[str]
) -> None:
    assert library.ids(type, query) == found


@pytest.mark.parametrize(
    ("query", "issue"),
    [
        ("description=" + "x" * 129, "search-string-too-long"),
        ("description:contains=" + "x" * 65, "search-string-too-long"),
        ("description=--", "search-value-empty"),
        ("description=%CC%81", "search-value-empty"),
        ("description:below=x", "search-modifier-unsupported"),
        # ":above and :below modifiers only apply to URLs, and not URNs such as OIDs"
        ("url:below=urn:oid:1.2", "search-uri-no-url"),
        ("url:above=v.example.org/a", "search-uri-no-url"),
        ("url:below=http://" + "x" * 249, "search-uri-too-long"),
        ("url:contains=http://v.example.org", "search-modifier-unsupported"),
    ],
)
def test_a_string_that_cannot_be_compared_is_refused(query: str, issue: str) -> None:
    assert refusals("ValueSet", query) == [issue]

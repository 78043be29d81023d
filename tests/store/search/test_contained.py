"""Resources that are contained in others, as matches of a search.

Source: FHIR R4, Search, "Contained resources": `_contained` = true, false, both; `_containedType` = container,
contained.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.outcome import TooCostly
from fhir_gateway.store.contract import Version
from fhir_gateway.store.search import contained, plan
from fhir_gateway.store.search.paging import resume, sign
from fhir_gateway.store.search.query import PAGE, SearchQuery
from fhir_gateway.store.search.registry import Limits
from fhir_gateway.store.search.select import Page
from tests.store.search.library import Library, refusals

KEY = b"key of the page tokens"


def _medication(id: str, code: str, **properties: object) -> dict[str, Any]:
    return {
        "resourceType": "Medication",
        "id": id,
        "code": {"coding": [{"system": "urn:m", "code": code}]},
        **properties,
    }


def _request(id: str, *inside: dict[str, Any], status: str = "active") -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "id": id,
        "status": status,
        "contained": list(inside),
        "medicationReference": {"reference": f"#{inside[0]['id']}"},
    }


def _practitioner(id: str, family: str) -> dict[str, Any]:
    return {"resourceType": "Practitioner", "id": id, "name": [{"family": family}], "gender": "female"}


@pytest.fixture(scope="module", autouse=True)
def _filled(library: Library) -> None:
    library.put(
        _medication("own", "abc"),
        _request("r1", _medication("m1", "abc", status="active"), _practitioner("p", "Martin")),
        _request(
            "r2", _medication("m1", "xyz"), _medication("m2", "abc", manufacturer={"reference": "Organization/1"})
        ),
        _request("r3", _practitioner("p", "Durand"), status="draft"),
        # A Medication that contains one of its own type.
        {**_medication("kit", "abc"), "contained": [_medication("part", "abc")]},
        _request("gone", _medication("m1", "abc")),
    )
    library.delete("MedicationRequest", "gone")


def _page(library: Library, query: SearchQuery) -> Page:
    page: Page = library.read(lambda tx: contained.find_contained(tx, query))
    return page


def _named(page: Page) -> list[str]:
    containers = page.containers or (None,) * len(page.matches)

    def name(version: Version, container: tuple[str, str] | None) -> str:
        return "/".join(version.key) if container is None else f"{'/'.join(container)}#{version.id}"

    return [name(version, container) for version, container in zip(page.matches, containers, strict=True)]


@pytest.mark.parametrize(
    ("type", "query", "found"),
    [
        # "return the container resource", the default.
        ("Medication", "code=abc&_contained=true", ["Medication/kit", "MedicationRequest/r2", "MedicationRequest/r1"]),
        (
            "Medication",
            "code=abc&_contained=true&_containedType=container",
            ["Medication/kit", "MedicationRequest/r2", "MedicationRequest/r1"],
        ),
        (
            "Medication",
            "code=abc&_contained=true&_containedType=contained",
            ["Medication/kit#part", "MedicationRequest/r2#m2", "MedicationRequest/r1#m1"],
        ),
        ("Medication", "code=urn:m|xyz&_contained=true&_containedType=contained", ["MedicationRequest/r2#m1"]),
        ("Medication", "_contained=true&_containedType=contained&_id=m2", ["MedicationRequest/r2#m2"]),
        ("Medication", "_contained=true&_containedType=contained&_id=own", []),
        ("Medication", "_contained=true&_containedType=contained&status=active", ["MedicationRequest/r1#m1"]),
        (
            "Medication",
            "_contained=true&_containedType=contained&status:missing=true",
            ["Medication/kit#part", "MedicationRequest/r2#m1", "MedicationRequest/r2#m2"],
        ),
        (
            "Medication",
            "_contained=true&_containedType=contained&code:not=abc",
            ["MedicationRequest/r2#m1"],
        ),
        (
            "Medication",
            "_contained=true&_containedType=contained&manufacturer=Organization/1",
            ["MedicationRequest/r2#m2"],
        ),
        ("Medication", "code=abc&_lastUpdated=gt2000&_contained=true&status=active", ["MedicationRequest/r1"]),
        ("Medication", "code=abc&_lastUpdated=lt2000&_contained=true", []),
        ("Practitioner", "name=mart&_contained=true", ["MedicationRequest/r1"]),
        ("Practitioner", "name:exact=Durand&_contained=both&_containedType=contained", ["MedicationRequest/r3#p"]),
        ("Practitioner", "_contained=true", ["MedicationRequest/r3", "MedicationRequest/r1"]),
        ("Organization", "_contained=true", []),
        (
            None,
            "_contained=true&_containedType=contained&_type=Medication,Practitioner&_id=p,m1",
            ["MedicationRequest/r3#p", "MedicationRequest/r2#m1", "MedicationRequest/r1#m1", "MedicationRequest/r1#p"],
        ),
        (None, "_contained=true&_id=part", ["Medication/kit"]),
        # "both contained and non-contained": the others first; a container that matches by itself comes once.
        (
            "Medication",
            "code=abc&_contained=both",
            ["Medication/kit", "Medication/own", "MedicationRequest/r2", "MedicationRequest/r1"],
        ),
        (
            "Medication",
            "code=abc&_contained=both&_containedType=contained",
            [
                "Medication/kit",
                "Medication/own",
                "Medication/kit#part",
                "MedicationRequest/r2#m2",
                "MedicationRequest/r1#m1",
            ],
        ),
    ],
)
@pytest.mark.parametrize("batch", [1, 200])
def test_what_contained_resources_match(
    library: Library, monkeypatch: pytest.MonkeyPatch, type: str | None, query: str, found: list[str], batch: int
) -> None:
    monkeypatch.setattr(contained, "_BATCH", batch)
    assert _named(_page(library, library.query(type, query))) == found
    assert _page(library, library.query(type, f"{query}&_summary=count")).total == len(found)
    assert _page(library, library.query(type, f"{query}&_count=1&_total=accurate")).total == len(found)
    # Page by page, one match a page: each once, in the same order.
    walked, page = [], _page(library, library.query(type, f"{query}&_count=1"))
    walked += _named(page)
    while page.next is not None:
        asked = library.query(type, f"{query}&_count=1")
        again = library.query(type, f"{query}&_count=1&{PAGE}={sign(page.next, asked, KEY)}")
        page = _page(library, resume(again, KEY))
        walked += _named(page)
    assert walked == found


def test_a_contained_resource_is_returned_as_it_stands_in_its_container(library: Library) -> None:
    query = library.query("Medication", "code=xyz&_contained=true&_containedType=contained")
    [version] = _page(library, query).matches
    assert decode(version.body) == _medication("m1", "xyz")
    assert version.key == ("Medication", "m1")


def test_without_contained_only_resources_of_their_own_are_found(library: Library) -> None:
    assert library.ids("Medication", "code=abc") == ["kit", "own"]
    assert library.query("Medication", "code=abc&_contained=false&_containedType=contained").contained is None


def test_a_page_looks_into_so_many_containers_and_goes_on_there(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contained, "_BATCH", 1)
    limits = Limits(max_containers=1)
    query = library.query("Medication", "status=active&_contained=true", limits)
    pages = [_page(library, query)]
    while pages[-1].next is not None:
        pages.append(_page(library, replace(query, after=pages[-1].next)))
    assert [_named(page) for page in pages] == [[], [], ["MedicationRequest/r1"], []]
    with pytest.raises(TooCostly) as refusal:
        _page(library, library.query("Medication", "status=active&_contained=true&_summary=count", limits))
    assert [issue.complaint.detail for issue in refusal.value.issues] == ["search-too-many-containers"]


@pytest.mark.parametrize(
    ("query", "issues"),
    [
        ("_contained=some", ["search-value-invalid"]),
        ("_contained=true&_containedType=inside", ["search-value-invalid"]),
        ("_contained=true&_contained=both", ["search-parameter-repeated"]),
        ("_contained=true&manufacturer.name=x", ["search-contained-with"]),
        (
            "_contained=both&_has:MedicationRequest:medication:_id=1&_list=1&_sort=code&_include=*",
            ["search-contained-with"] * 4,
        ),
    ],
)
def test_what_contained_resources_cannot_be_asked_is_refused(query: str, issues: list[str]) -> None:
    assert refusals("Medication", query) == issues


@pytest.mark.parametrize("few", [0, 1000])
@pytest.mark.parametrize(
    ("type", "query", "found"),
    [
        ("MedicationRequest", "medication.code=abc", {"r1"}),  # r2 refers to another of those it contains
        ("MedicationRequest", "medication.code=xyz,abc", {"r1", "r2"}),
        ("MedicationRequest", "medication:Medication.code=urn:m|xyz", {"r2"}),
        ("MedicationRequest", "medication.code=nothing", set()),
        ("MedicationRequest", "medication.code=abc&status=draft", set()),
        ("MedicationRequest", "medication.status=active", {"r1"}),
        ("MedicationRequest", "medication.status:missing=true", {"r2"}),
        ("MedicationRequest", "medication.status:missing=false", {"r1"}),
        ("MedicationRequest", "medication.code:not=abc", {"r2"}),
        # From the contained resource outside.
        ("MedicationRequest", "medication.manufacturer.name=maker", {"o"}),
        ("MedicationRequest", "medication.manufacturer=Organization/maker", {"o"}),
        ("Patient", "_has:MedicationRequest:subject:medication.code=out", {"pat"}),
    ],
)
def test_a_chained_condition_is_evaluated_inside_contained_resources(
    library: Library, monkeypatch: pytest.MonkeyPatch, type: str, query: str, found: set[str], few: int
) -> None:
    monkeypatch.setattr(plan, "FEW", few)
    inside = _medication("m", "out", status="inactive", manufacturer={"reference": "Organization/maker"})
    library.put(
        {"resourceType": "Organization", "id": "maker", "name": "Maker"},
        {"resourceType": "Patient", "id": "pat"},
        {**_request("o", inside), "subject": {"reference": "Patient/pat"}},
    )
    expected = found | ({"o"} if query.endswith((":not=abc", "status:missing=false")) else set())
    assert set(library.ids(type, query)) == expected
    library.delete("MedicationRequest", "o")

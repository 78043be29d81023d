"""`_summary` and `_elements` through the acts: search, read, vread, history, alone and inside Bundles.

Source: FHIR R4, Search, "Summary", "Elements"; RESTful API, the general parameters. What stays of a resource is
conformance's to know.
"""

from __future__ import annotations

from typing import Any

import pytest

from fhir_gateway.conformance.subset import CODE, SYSTEM
from fhir_gateway.fhir.json import decode
from tests.interactions.desk import BASE, Desk, Refused, bundle, by, entry, observation, patient, statuses

TAG = {"system": SYSTEM, "code": CODE}
WHOLE: dict[str, Any] = {"birthDate": "1990-01-02", "gender": "other", "contact": [{"name": {"family": "B"}}]}


def urls(page: Any) -> dict[str, str]:
    return {link["relation"]: link["url"] for link in page["link"]}


def resources(page: Any) -> list[Any]:
    return [each["resource"] for each in page["entry"]]


def names(resource: Any) -> set[str]:
    """The names of a resource's own elements; whether it is tagged as a part goes with them."""
    found = set(resource) - {"resourceType", "id", "meta"}
    return found | {CODE} if TAG in resource["meta"].get("tag", ()) else found


# --- search


def test_a_search_gives_the_part_asked_for_of_every_match(desk: Desk) -> None:
    stored = desk.put(patient("a", "1", **WHOLE))
    for query, left in (
        ("_summary=true", {"identifier", "birthDate", "gender", CODE}),
        ("_summary=data", {"identifier", "birthDate", "gender", "contact", CODE}),
        ("_summary=text", {CODE}),
        ("_elements=contact,gender", {"contact", "gender", CODE}),
        ("_elements=contact.name", {"contact", CODE}),
    ):
        page = desk.get(f"Patient?{by('1')}&{query}")
        (found,) = resources(page)
        assert names(found) == left, query
        assert found["meta"] == {**stored["meta"], "tag": [TAG]}
        assert page["total"] == 1
        assert urls(page)["self"].endswith(f"&{query}")


def test_a_whole_resource_is_the_one_that_is_stored(desk: Desk) -> None:
    stored = desk.ask("PUT", "Patient/a", patient("a", "1", **WHOLE)).body
    assert stored is not None
    assert stored in (desk.ask("GET", "Patient?_summary=false").body or b"")
    assert desk.ask("GET", "Patient/a?_summary=false").body == stored


def test_a_summary_of_the_count_has_no_resources(desk: Desk) -> None:
    desk.put(patient("a", "1"))
    page = desk.get("Patient?_summary=count&_elements=name")
    assert (page["total"], "entry" in page) == (1, False)


def test_a_summary_is_of_included_resources_too_and_elements_are_not(desk: Desk) -> None:
    desk.put(patient("a", **WHOLE))
    desk.put(observation("Patient/a", "o", issued="2026-01-01T00:00:00Z"))
    asked = "Observation?_include=Observation:subject"
    for query, match, included in (
        ("_summary=true", {"status", "code", "subject", "issued", CODE}, {"birthDate", "gender", CODE}),
        ("_elements=issued", {"status", "code", "issued", CODE}, set(WHOLE)),
        ("_elements=issued,Patient.gender", {"status", "code", "issued", CODE}, {"gender", CODE}),
        ("_elements=Patient.gender", {"status", "code", "subject", "issued"}, {"gender", CODE}),
    ):
        found = resources(desk.get(f"{asked}&{query}"))
        assert [names(each) for each in found] == [match, included], query


def test_a_text_summary_with_includes_is_refused(desk: Desk) -> None:
    # "Note that the _include and _revinclude parameters cannot be mixed with _summary=text."
    refused = desk.refused("GET", "Observation?_summary=text&_include=Observation:subject")
    assert refused == Refused(400, (("search-text-with-includes", None),))


def test_a_summary_with_elements_is_refused(desk: Desk) -> None:
    assert desk.refused("GET", "Patient?_summary=true&_elements=name") == Refused(
        400, (("summary-with-elements", None),)
    )
    assert desk.refused("GET", "Patient?_summary=some&_count=x") == Refused(
        400, (("search-value-invalid", None), ("summary-invalid", None))
    )


def test_names_that_are_no_elements_are_refused_or_passed_over_and_told(desk: Desk) -> None:
    desk.put(patient("a", **WHOLE))
    asked = "Patient?_elements=colour,gender,size"
    refused = desk.refused("GET", asked)
    assert refused == Refused(400, (("element-unknown", None), ("element-unknown", None)))
    assert "colour is no element of Patient" in refused.texts[0]
    page = decode(desk.ask("GET", asked, lenient=True).body or b"")
    match, outcome = page["entry"]
    assert names(match["resource"]) == {"gender", CODE}
    assert outcome["search"] == {"mode": "outcome"}
    assert [issue["severity"] for issue in outcome["resource"]["issue"]] == ["warning", "warning"]
    assert urls(page)["self"] == f"{BASE}/Patient?_elements=gender"
    page = decode(desk.ask("GET", "Patient?_elements=colour", lenient=True).body or b"")
    assert names(page["entry"][0]["resource"]) == set(WHOLE)
    assert urls(page)["self"] == f"{BASE}/Patient"


def test_every_page_of_a_walk_has_the_same_part(desk: Desk) -> None:
    for id in "abc":
        desk.put(patient(id, **WHOLE))
    link, seen = "Patient?_elements=gender&_count=1", []
    while link:
        page = desk.get(link)
        seen += [names(each) for each in resources(page)]
        link = urls(page).get("next", "").removeprefix(f"{BASE}/")
    assert seen == [{"gender", CODE}] * 3


def test_a_search_of_all_types_takes_elements_of_any(desk: Desk) -> None:
    desk.put(patient("a", **WHOLE))
    desk.put(observation("Patient/a", "a"))
    page = desk.get("?_id=a&_type=Patient,Observation&_elements=gender,subject")
    assert {each["resourceType"]: names(each) for each in resources(page)} == {
        "Patient": {"gender", CODE}, "Observation": {"status", "code", "subject", CODE},
    }  # fmt: skip


# --- read, vread, history


def test_a_read_gives_the_part_asked_for_under_the_tag_of_its_version(desk: Desk) -> None:
    desk.put(patient("a", **WHOLE))
    whole = desk.ask("GET", "Patient/a")
    for url in ("Patient/a", "Patient/a/_history/1"):
        answer = desk.ask("GET", f"{url}?_elements=gender")
        assert names(decode(answer.body or b"")) == {"gender", CODE}
        assert (answer.status, answer.version, answer.last_updated) == (200, whole.version, whole.last_updated)
        assert names(decode(desk.ask("GET", f"{url}?_summary=text").body or b"")) == {CODE}
        assert desk.ask("GET", f"{url}?_summary=text", if_none_match='W/"1"').status == 304
        assert desk.ask("GET", f"{url}?_elements=colour", lenient=True).body == whole.body


@pytest.mark.parametrize(
    ("query", "details"),
    [
        ("_summary=count", ["summary-count-not-searched"]),
        ("_summary=some", ["summary-invalid"]),
        ("_elements=colour,size", ["element-unknown", "element-unknown"]),
        ("_summary=true&_elements=name", ["summary-with-elements"]),
        ("_summary=true&_summary=text", ["parameter-twice"]),
    ],
)
@pytest.mark.parametrize("url", ["Patient/a", "Patient/a/_history/1", "Patient/a/_history"])
def test_what_cannot_be_left_of_one_resource_is_refused(desk: Desk, url: str, query: str, details: list[str]) -> None:
    desk.put(patient("a"))
    assert desk.refused("GET", f"{url}?{query}") == Refused(400, tuple((detail, None) for detail in details))


def test_a_history_gives_the_part_asked_for_of_every_version(desk: Desk) -> None:
    desk.put(patient("a", **WHOLE))
    desk.put(patient("a", **WHOLE, active=True))
    desk.ask("DELETE", "Patient/a")
    for place in ("Patient/a/_history", "Patient/_history", "_history"):
        page = desk.get(f"{place}?_elements=gender")
        assert "resource" not in page["entry"][0]
        assert [names(each["resource"]) for each in page["entry"][1:]] == [{"active", "gender", CODE}, {"gender", CODE}]
        assert urls(page)["self"] == f"{BASE}/{place}?_elements=gender"
    first = desk.get("_history?_summary=text&_count=2")
    (second,) = desk.get(urls(first)["next"].removeprefix(f"{BASE}/"))["entry"]
    assert names(second["resource"]) == {CODE}
    told = decode(desk.ask("GET", "_history?_elements=colour,gender&_count=9999&size=1", lenient=True).body or b"")
    assert urls(told)["self"] == f"{BASE}/_history?_elements=gender&_count=1000"


# --- Bundles


@pytest.mark.parametrize("type", ["batch", "transaction"])
def test_entries_of_a_bundle_are_answered_with_the_same_parts(desk: Desk, type: str) -> None:
    desk.put(patient("a", **WHOLE))
    asked = ["Patient/a?_elements=gender", "Patient?_summary=true", "Patient/a/_history?_summary=text"]
    asked.append("Patient/a/_history/1?_elements=gender")
    answer = decode(desk.ask("POST", "", bundle(*(entry("GET", url) for url in asked), type=type)).body or b"")
    assert statuses(answer) == ["200 OK"] * 4
    for url, each in zip(asked, answer["entry"], strict=True):
        alone = desk.get(url)
        if alone["resourceType"] == "Bundle":
            assert resources(each["resource"]) == resources(alone)
            assert each["resource"]["link"] == alone["link"]
        else:
            assert each["resource"] == alone


# --- a part never takes the place of the whole


def test_an_update_with_a_part_is_refused(desk: Desk) -> None:
    desk.put(patient("a", "1", **WHOLE))
    part = desk.get("Patient/a?_elements=gender")
    refused = Refused(422, (("subset-would-overwrite", "Patient.meta.tag.where(code='SUBSETTED')"),))
    assert desk.refused("PUT", "Patient/a", part) == refused
    assert desk.refused("PUT", f"Patient?{by('1')}", part) == refused
    assert names(desk.get("Patient/a")) == {"identifier", *WHOLE}
    del part["meta"]["tag"]  # its sender says that this is the whole
    desk.put(part)
    assert names(desk.get("Patient/a")) == {"gender"}


def test_a_transaction_with_a_part_is_refused_at_its_place(desk: Desk) -> None:
    desk.put(patient("a", **WHOLE))
    part = desk.get("Patient/a?_summary=true")
    refused = desk.transaction_refused(entry("POST", "Patient", patient()), entry("PUT", "Patient/a", part))
    place = "Bundle.entry[1].resource.meta.tag.where(code='SUBSETTED')"
    assert refused == Refused(422, (("subset-would-overwrite", place),))


def test_a_part_may_be_stored_as_a_new_resource_and_patched(desk: Desk) -> None:
    part = {**patient(gender="other"), "meta": {"tag": [TAG]}}
    created = decode(desk.ask("POST", "Patient", part).body or b"")
    assert names(created) == {"gender", CODE}
    url = f"Patient/{created['id']}"
    assert desk.ask("PATCH", url, patch=[{"op": "remove", "path": "/gender"}]).status == 200
    assert names(desk.get(f"{url}?_summary=true")) == {CODE}

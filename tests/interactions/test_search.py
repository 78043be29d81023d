"""search as an interaction: links, modes, unknown parameters. What matches is the store's to know.

Source: FHIR R4, RESTful API, "search", "Paging"; Search, "Handling Errors".
"""

from __future__ import annotations

from typing import Any

from fhir_gateway.fhir.json import decode
from tests.interactions.desk import BASE, SYSTEM, Desk, Refused, by, observation, patient


def urls(page: Any) -> dict[str, str]:
    return {link["relation"]: link["url"] for link in page["link"]}


def test_a_search_answers_with_a_searchset(desk: Desk) -> None:
    stored = desk.put(patient("a", "1"))
    desk.put(patient("b", "2"))
    own = f"{BASE}/Patient?identifier={SYSTEM}%7C1"
    assert desk.get(f"Patient?{by('1')}") == {
        "resourceType": "Bundle",
        "id": "id-1",
        "meta": {"lastUpdated": "2027-01-15T08:00:00.000000Z"},
        "type": "searchset",
        "total": 1,
        "link": [{"relation": "self", "url": own}, {"relation": "first", "url": own}],
        "entry": [{"fullUrl": f"{BASE}/Patient/a", "resource": stored, "search": {"mode": "match"}}],
    }


def test_included_resources_come_after_the_matches_under_their_own_mode(desk: Desk) -> None:
    desk.put(patient("a"))
    desk.put(observation("Patient/a", "o"))
    page = desk.get("Observation?_include=Observation:subject")
    told = [(each["fullUrl"], each["search"]["mode"]) for each in page["entry"]]
    assert told == [(f"{BASE}/Observation/o", "match"), (f"{BASE}/Patient/a", "include")]


def test_pages_lead_to_the_next_and_back(desk: Desk) -> None:
    for id in "abcde":
        desk.put(patient(id, active=True))
    first = desk.get("Patient?active=true&_count=2")
    second = desk.get(urls(first)["next"].removeprefix(BASE))
    third = desk.get(urls(second)["next"].removeprefix(BASE))
    found = [[each["resource"]["id"] for each in page["entry"]] for page in (first, second, third)]
    assert found == [["e", "d"], ["c", "b"], ["a"]]
    assert set(urls(first)) == {"self", "first", "next"}
    assert set(urls(second)) == {"self", "first", "previous", "next"}
    assert "next" not in urls(third)
    assert urls(third)["first"] == urls(first)["self"] == f"{BASE}/Patient?active=true&_count=2"
    back = desk.get(urls(third)["previous"].removeprefix(BASE))
    assert [each["resource"]["id"] for each in back["entry"]] == ["c", "b"]


def test_a_count_of_zero_gives_the_total_alone(desk: Desk) -> None:
    desk.put(patient("a", active=True))
    page = desk.get("Patient?active=true&_count=0")
    assert (page["total"], "entry" in page) == (1, False)


def test_a_total_is_counted_when_asked_for(desk: Desk) -> None:
    for id in "abc":
        desk.put(patient(id, active=True))
    assert desk.get("Patient?active=true&_count=1&_total=accurate")["total"] == 3
    assert "total" not in desk.get("Patient?active=true&_count=1")


def test_every_unknown_parameter_is_refused_by_name(desk: Desk) -> None:
    refused = desk.refused("GET", "Patient?colour=blue&active=true&size=3&birthdate=x")
    assert refused.status == 400
    assert sorted(detail for detail, _ in refused.issues) == [
        "search-date-malformed", "search-parameter-unknown", "search-parameter-unknown",
    ]  # fmt: skip
    texts = " ".join(refused.texts)
    assert "colour" in texts
    assert "size" in texts
    assert "/metadata" in texts


def test_unknown_parameters_are_passed_over_when_lenient_and_told_in_an_outcome(desk: Desk) -> None:
    desk.put(patient("a", active=True))
    answer = desk.ask("GET", "Patient?colour=blue&active=true", lenient=True, language="fr")
    page = decode(answer.body or b"")
    assert urls(page)["self"] == f"{BASE}/Patient?active=true"
    match, outcome = page["entry"]
    assert match["resource"]["id"] == "a"
    assert outcome["search"] == {"mode": "outcome"}
    assert "fullUrl" not in outcome
    (issue,) = outcome["resource"]["issue"]
    assert (issue["severity"], issue["details"]["coding"][0]["code"]) == ("warning", "search-parameter-unknown")
    assert issue["diagnostics"].startswith("colour n'est pas")


def test_a_wrong_value_is_refused_even_when_lenient(desk: Desk) -> None:
    refused = desk.refused("GET", "Patient?birthdate=x", lenient=True)
    assert refused == Refused(400, (("search-date-malformed", None),))


def test_a_search_by_form_is_the_same_search(desk: Desk) -> None:
    desk.put(patient("a", "1"))
    by_get = desk.get(f"Patient?{by('1')}")
    by_post = decode(desk.ask("POST", f"Patient/_search?{by('1')}").body or b"")
    assert by_post["link"] == by_get["link"]
    assert by_post["entry"] == by_get["entry"]


def test_a_search_of_all_types(desk: Desk) -> None:
    desk.put(patient("a"))
    desk.put(observation("Patient/a", "a"))
    page = desk.get("?_id=a&_type=Patient,Observation")
    assert {each["fullUrl"] for each in page["entry"]} == {f"{BASE}/Patient/a", f"{BASE}/Observation/a"}
    assert urls(page)["self"] == f"{BASE}?_id=a&_type=Patient,Observation"


def test_a_deleted_resource_is_not_found(desk: Desk) -> None:
    desk.put(patient("a", "1"))
    desk.ask("DELETE", "Patient/a")
    assert desk.get(f"Patient?{by('1')}")["total"] == 0


def test_a_walk_by_last_updated_shows_on_no_page_what_came_after_its_first(desk: Desk) -> None:
    for id in "abc":
        desk.put(patient(id))
    first = desk.get("Patient?_lastUpdated=ge2020&_count=1")
    assert urls(first)["next"]
    desk.put(patient("c", active=True))  # on the page already turned
    desk.put(patient("a", active=True))  # on a page to come
    seen, link = [entry["resource"] for entry in first["entry"]], urls(first)["next"]
    while link:
        page = desk.get(link.removeprefix(f"{BASE}/"))
        seen += [entry["resource"] for entry in page.get("entry", [])]
        link = urls(page).get("next", "")
    assert [(each["id"], each["meta"]["versionId"]) for each in seen] == [("c", "1"), ("b", "1")]

    newest = max(each["meta"]["lastUpdated"] for each in seen)
    missed = desk.get(f"Patient?_lastUpdated=gt{newest}")["entry"]
    assert [(each["resource"]["id"], each["resource"]["meta"]["versionId"]) for each in missed] == [
        ("c", "2"), ("a", "2"),
    ]  # fmt: skip


def test_a_contained_resource_is_named_by_its_container_and_its_place_there(desk: Desk) -> None:
    # FHIR R4, Search, "Contained resources".
    inside = {"resourceType": "Organization", "id": "lab", "name": "Laboratory"}
    stored = desk.put(patient("a", contained=[inside], managingOrganization={"reference": "#lab"}))
    alone = desk.get("Organization?name=lab&_contained=true&_containedType=contained")
    assert alone["entry"] == [
        {"fullUrl": f"{BASE}/Patient/a#lab", "resource": inside, "search": {"mode": "match"}},
    ]
    container = desk.get("Organization?name=lab&_contained=true")
    assert container["entry"] == [
        {"fullUrl": f"{BASE}/Patient/a", "resource": stored, "search": {"mode": "match"}},
    ]
    assert container["total"] == alone["total"] == 1
    assert "entry" not in desk.get("Organization?name=lab")

"""Searches by words as they are asked at the door: up to date at once, inside transactions, refused when off.

Source: FHIR R4, Search, "_text, _content"; RESTful API, "Transaction Processing Rules".
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fhir_gateway.interactions import full_text
from fhir_gateway.interactions.gateway import Gateway, Searching
from fhir_gateway.store.text import index
from tests.interactions.desk import Desk, Refused, bundle, entry, patient, statuses


def noted(id: str, text: str) -> dict[str, Any]:
    return {"resourceType": "Basic", "id": id, "code": {"text": text}}


def ids(body: Any) -> list[str]:
    return [each["resource"]["id"] for each in body.get("entry", ())]


def test_a_resource_is_found_at_once_after_its_post_and_no_longer_after_its_update_or_delete(desk: Desk) -> None:
    location = desk.ask("POST", "Basic", {"resourceType": "Basic", "code": {"text": "métastase"}}).location
    assert location is not None
    id = location.split("/")[1]
    assert ids(desk.get("Basic?_content=metastase")) == [id]
    desk.put(noted(id, "liver"))
    assert ids(desk.get("Basic?_content=metastase")) == []
    assert ids(desk.get("Basic?_content=liver")) == [id]
    desk.ask("DELETE", f"Basic/{id}")
    assert ids(desk.get("Basic?_content=liver")) == []


def test_a_transaction_reads_the_words_it_has_written(desk: Desk) -> None:
    desk.put(noted("old", "bone"))
    response = desk.transact(
        entry("PUT", "Basic/new", noted("new", "bone")),
        entry("PUT", "Basic/old", noted("old", "liver")),
        entry("GET", "Basic?_content=bone"),
    )
    assert ids(response["entry"][2]["resource"]) == ["new"]
    assert ids(desk.get("Basic?_content=bone")) == ["new"]


def test_a_transaction_that_only_reads_sees_what_was_committed_before(desk: Desk) -> None:
    desk.put(noted("a", "bone"))
    response = desk.transact(entry("GET", "Basic?_content=bone"))
    assert ids(response["entry"][0]["resource"]) == ["a"]


def test_a_batch_reads_what_its_writes_left(desk: Desk) -> None:
    answer = desk.ask(
        "POST",
        "",
        bundle(entry("GET", "Basic?_content=bone"), entry("PUT", "Basic/a", noted("a", "bone")), type="batch"),
    )
    assert answer.body is not None
    assert b'"id":"a"' in answer.body


def test_a_condition_may_ask_for_words(desk: Desk) -> None:
    desk.put(noted("a", "bone"))
    unchanged = desk.ask(
        "POST", "Basic", {"resourceType": "Basic", "code": {"text": "x"}}, if_none_exist="_content=bone"
    )
    assert unchanged.status == 200
    created = desk.ask(
        "POST", "Basic", {"resourceType": "Basic", "code": {"text": "x"}}, if_none_exist="_content=liver"
    )
    assert created.status == 201


def test_two_entries_of_a_transaction_may_name_each_other_by_words(desk: Desk) -> None:
    response = desk.transact(
        entry("POST", "Patient", patient(name=[{"family": "Unique"}])),
        entry(
            "POST",
            "Basic",
            {"resourceType": "Basic", "code": {"text": "x"}, "subject": {"reference": "Patient?_content=unique"}},
        ),
    )
    assert statuses(response) == ["201 Created", "201 Created"]


def test_the_self_link_says_what_was_asked(desk: Desk) -> None:
    [self] = [
        link["url"] for link in desk.get("Basic?_content=bone%20OR%20liver")["link"] if link["relation"] == "self"
    ]
    assert self.endswith("Basic?_content=bone+OR+liver")


def test_what_cannot_be_read_is_refused_with_400(desk: Desk) -> None:
    assert desk.refused("GET", "Basic?_content=(bone") == Refused(400, (("text-parenthesis-unclosed", None),))


def test_too_far_behind_is_refused_with_403_and_does_not_say_how_many_there_are(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        desk.put(noted(f"a{number}", "bone"))

    def short(store: Any, name: str) -> None:
        real(store, name, bound=0)

    real = index.be_current
    monkeypatch.setattr(index, "be_current", short)
    refused = desk.refused("GET", "Basic?_content=bone")
    assert refused == Refused(403, (("text-index-behind", None),))
    assert "3" not in refused.texts[0]  # how many there are of others is nobody's business
    monkeypatch.undo()
    assert len(ids(desk.get("Basic?_content=bone"))) == 3


def test_the_background_keeps_the_index_near(desk: Desk) -> None:
    desk.put(noted("a", "bone"))
    assert full_text.step(desk.gateway) > 0
    assert index.number_behind(desk.gateway.store) == 0


def off(gateway: Gateway) -> Gateway:
    """Return the same gateway with full text switched off."""
    state = gateway.searching.state
    limits = replace(state.registry.limits, full_text=False)
    registry = state.registry.with_parameters(state.definitions.search_parameters, state.registry.pids, {})
    registry.limits = limits
    return replace(gateway, searching=Searching(replace(state, registry=registry)))


def test_switched_off_words_are_refused_by_name_and_nothing_is_indexed(desk: Desk) -> None:
    desk.put(noted("a", "bone"))
    without = Desk(off(desk.gateway))
    refused = without.refused("GET", "Basic?_content=bone")
    assert refused == Refused(400, (("search-parameter-unsupported", None),))
    assert "_content" in refused.texts[0]
    body = without.ask("GET", "Basic?_content=bone", lenient=True).body
    assert body is not None
    assert b"_content" in body
    assert full_text.step(without.gateway) > 60
    assert index.number_behind(desk.gateway.store) == 1


@pytest.mark.parametrize(
    ("name", "asks"),
    [
        ("_text", True), ("_content", True), ("subject:Patient._text", True), ("_has:Basic:subject:_content", True),
        ("_text:exact", True), ("code:text", False), ("my_text", False), ("context", False),
    ],
)  # fmt: skip
def test_only_searches_by_words_need_the_index(name: str, asks: bool) -> None:
    assert full_text.asked([("code", "x"), (name, "bone")]) == (name if asks else None)

"""$everything: a patient's record, whole, page by page, by care date and by change.

Source: FHIR R4, Patient, "$everything".
"""

from __future__ import annotations

import threading
from typing import Any

import pytest

from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.outcome import FhirError
from fhir_gateway.interactions.draft import draft
from fhir_gateway.interactions.interaction import Actor, Interaction
from fhir_gateway.interactions.perform import perform
from fhir_gateway.store.contract import Put, Write
from tests.interactions.desk import BASE, Desk, Refused, bundle, entry, observation, patient


@pytest.fixture
def record(desk: Desk) -> Desk:
    """Two patients: what belongs to each, what both refer to, and what belongs to neither."""
    desk.put({"resourceType": "Organization", "id": "o", "name": "Clinique"})
    desk.put({"resourceType": "Practitioner", "id": "d", "active": True})
    desk.put({"resourceType": "Practitioner", "id": "unrelated", "active": True})
    desk.put(patient("a", managingOrganization={"reference": "Organization/o"}))
    desk.put(patient("b"))
    performer = [{"reference": "Practitioner/d"}]
    desk.put(observation("Patient/a", "a1", performer=performer, effectiveDateTime="2020-03-01"))
    desk.put(observation("Patient/a", "a2", effectivePeriod={"start": "2021-01-01", "end": "2021-12-31"}))
    desk.put(observation("Patient/a", "undated"))
    desk.put(observation("Patient/b", "b1", performer=performer))
    desk.put({
        "resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/a"},
        "onsetDateTime": "2015", "abatementDateTime": "2025",
    })  # fmt: skip
    return desk


def urls(answer: Any) -> list[str]:
    return [each["fullUrl"].removeprefix(f"{BASE}/") for each in answer.get("entry", [])]


def link(answer: Any, relation: str) -> str | None:
    found = [each["url"] for each in answer["link"] if each["relation"] == relation]
    return found[0].removeprefix(f"{BASE}/") if found else None


WHOLE = [
    "Patient/a", "Observation/a1", "Observation/a2", "Observation/undated", "Condition/c", "Organization/o",
    "Practitioner/d",
]  # fmt: skip


def test_a_record_is_the_patient_first_its_compartment_and_what_they_refer_to(record: Desk) -> None:
    answer = record.get("Patient/a/$everything")
    assert (answer["type"], answer["total"]) == ("searchset", 5)
    assert urls(answer) == WHOLE
    assert [each["search"]["mode"] for each in answer["entry"]] == ["match"] * 5 + ["include"] * 2
    assert link(answer, "self") == "Patient/a/$everything"
    assert link(answer, "next") is None
    assert answer["entry"][1]["resource"] == record.get("Observation/a1")


@pytest.mark.parametrize("count", [1, 2, 3, 6, 7])
def test_pages_hold_each_resource_once_in_the_order_of_the_whole(record: Desk, count: int) -> None:
    found: list[str] = []
    url: str | None = f"Patient/a/$everything?_count={count}"
    instants = set()
    while url is not None:
        answer = record.get(url)
        assert 1 <= len(answer["entry"]) <= count
        found += urls(answer)
        instants.add(answer["meta"]["lastUpdated"])
        url = link(answer, "next")
    assert found == WHOLE
    assert len(instants) == 1  # what to give as _since next time is the same on all pages


def test_what_is_created_updated_and_deleted_between_pages_neither_repeats_nor_loses_the_rest(record: Desk) -> None:
    first = record.get("Patient/a/$everything?_count=2")
    record.put({**record.get("Observation/a2"), "status": "amended"})
    record.put(patient("a", active=True, managingOrganization={"reference": "Organization/o"}))
    record.put(observation("Patient/a", "new"))
    record.ask("DELETE", "Observation/undated")
    second = record.get(link(first, "next") or "")
    third = record.get(link(second, "next") or "")
    assert urls(first) == WHOLE[:2]
    assert urls(second) + urls(third) == [
        "Observation/a2", "Condition/c", "Observation/new", "Organization/o",
    ]  # fmt: skip
    assert urls(record.get(link(third, "next") or "")) == ["Practitioner/d"]


def test_a_token_is_of_one_record_asked_in_one_way(record: Desk) -> None:
    following = link(record.get("Patient/a/$everything?_count=2"), "next") or ""
    token = following.partition("_page=")[2]
    expected = Refused(400, (("search-page-invalid", None),))
    assert record.refused("GET", f"Patient/b/$everything?_count=2&_page={token}") == expected
    assert record.refused("GET", f"Patient/a/$everything?_count=2&_type=Patient&_page={token}") == expected
    assert record.refused("GET", f"Patient/a/$everything?_count=2&_page={token}x") == expected


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("_type=Observation", ["Observation/a1", "Observation/a2", "Observation/undated"]),
        ("_type=Observation,Patient&_type=Practitioner", [*WHOLE[:4], "Practitioner/d"]),
        ("start=2021-06-01", ["Patient/a", "Observation/a2", "Observation/undated", "Condition/c", "Organization/o"]),
        ("end=2019", ["Patient/a", "Observation/undated", "Condition/c", "Organization/o"]),
        ("start=2020-03-01&end=2020-03-01", [each for each in WHOLE if each != "Observation/a2"]),
        ("start=2020-03-02&end=2020-12-31&_type=Observation", ["Observation/undated"]),
    ],
)
def test_types_and_dates_of_care_narrow_a_record(record: Desk, parameters: str, expected: list[str]) -> None:
    assert urls(record.get(f"Patient/a/$everything?{parameters}")) == expected


def test_since_tells_what_was_changed_and_what_the_changed_resources_refer_to(record: Desk) -> None:
    since = record.get("Patient/a/$everything")["meta"]["lastUpdated"]
    assert urls(record.get(f"Patient/a/$everything?_since={since}")) == []
    record.put(observation("Patient/a", "new", performer=[{"reference": "Practitioner/d"}]))
    record.put({"resourceType": "Organization", "id": "o", "name": "Clinique du Nord"})
    record.put(observation("Patient/b", "b2"))
    answer = record.get(f"Patient/a/$everything?_since={since}")
    assert urls(answer) == ["Observation/new", "Organization/o", "Practitioner/d"]
    assert answer["total"] == 1
    again = record.get(f"Patient/a/$everything?_since={answer['meta']['lastUpdated']}")
    assert urls(again) == []


def test_a_poller_misses_no_commit_that_comes_late(record: Desk) -> None:
    store = record.gateway.store
    if store.dialect != "postgresql":
        pytest.skip("SQLite has one writer: a second write waits for the first")
    since = record.get("Patient/a/$everything")["meta"]["lastUpdated"]
    slow = observation("Patient/a", "slow")
    begun, finish = threading.Event(), threading.Event()

    def work(tx: Write) -> None:
        tx.stage([Put(draft(record.gateway.indexer, slow, "Observation", "slow", ()))])
        begun.set()
        finish.wait(20)

    thread = threading.Thread(target=lambda: store.write(work))
    thread.start()
    assert begun.wait(20)
    record.put(observation("Patient/a", "quick"))
    answer = record.get(f"Patient/a/$everything?_since={since}")
    assert urls(answer) == []  # older changes may still come
    assert "Observation/quick" in urls(record.get("Patient/a/$everything"))
    finish.set()
    thread.join()
    again = record.get(f"Patient/a/$everything?_since={answer['meta']['lastUpdated']}")
    assert urls(again) == ["Observation/slow", "Observation/quick"]


def test_a_linked_patient_belongs_to_the_record(record: Desk) -> None:
    record.put(patient("twin", link=[{"other": {"reference": "Patient/a"}, "type": "seealso"}]))
    assert urls(record.get("Patient/a/$everything?_type=Patient")) == ["Patient/a", "Patient/twin"]


def test_a_patient_that_is_not_there_has_no_record(record: Desk) -> None:
    assert record.refused("GET", "Patient/x/$everything").status == 404
    record.ask("DELETE", "Observation/b1")
    record.ask("DELETE", "Patient/b")
    assert record.refused("GET", "Patient/b/$everything").status == 410


def test_the_records_of_all_patients_are_refused_with_what_to_ask_instead(record: Desk) -> None:
    refusal = record.refused("GET", "Patient/$everything")
    assert refusal == Refused(403, (("everything-of-all-patients", None),))
    assert "Patient/[id]/$everything" in refusal.texts[0]


def test_all_that_is_wrong_with_the_inputs_is_told_at_once(record: Desk) -> None:
    refusal = record.refused("GET", "Patient/a/$everything?start=x&_count=x&_since=2020&y=1&end=2020&end=2021")
    assert refusal == Refused(
        400,
        (
            ("operation-input-value", None), ("operation-input-value", None), ("operation-input-value", None),
            ("operation-input-unknown", None), ("operation-input-twice", None),
        ),
    )  # fmt: skip
    refusal = record.refused("GET", "Patient/a/$everything?start=2021&end=2020&_type=Patients&_count=0")
    assert [detail for detail, _ in refusal.issues] == [
        "care-ends-before-it-starts", "record-type-unknown", "record-count",
    ]  # fmt: skip


def test_it_can_be_asked_with_parameters_in_a_resource(record: Desk) -> None:
    sent = {"resourceType": "Parameters", "parameter": [
        {"name": "_type", "valueString": "Patient"}, {"name": "_count", "valueInteger": 1},
        {"name": "start", "valueDate": "1990"},
    ]}  # fmt: skip
    answer = decode(record.ask("POST", "Patient/a/$everything", sent).body or b"")
    assert urls(answer) == ["Patient/a"]
    assert link(answer, "self") == "Patient/a/$everything?_type=Patient&_count=1&start=1990"


@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_inside_a_bundle_it_answers_as_outside(record: Desk, kind: str) -> None:
    new = observation("Patient/a", "new")
    sent = bundle(entry("GET", "Patient/a/$everything"), entry("PUT", "Observation/new", new), type=kind)
    first, second = decode(record.ask("POST", "", sent).body or b"")["entry"]
    assert (first["response"]["status"], second["response"]["status"]) == ("200 OK", "201 Created")
    assert sorted(urls(first["resource"])) == sorted([*WHOLE, "Observation/new"])


def test_a_transaction_s_own_writes_are_changes_too(record: Desk) -> None:
    since = record.get("Patient/a/$everything")["meta"]["lastUpdated"]
    new = observation("Patient/a", "new")
    sent = bundle(entry("PUT", "Observation/new", new), entry("GET", f"Patient/a/$everything?_since={since}"))
    response = decode(record.ask("POST", "", sent).body or b"")
    assert urls(response["entry"][1]["resource"]) == ["Observation/new"]


def test_a_record_beyond_the_bound_is_refused(record: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fhir_gateway.interactions.operations.everything.LARGEST", 3)
    assert record.refused("GET", "Patient/a/$everything") == Refused(403, (("record-too-large", None),))
    monkeypatch.setattr("fhir_gateway.interactions.operations.everything.LARGEST", 5)
    assert len(urls(record.get("Patient/a/$everything"))) == 7


def test_without_a_count_pages_begin_beyond_what_one_bundle_holds(
    record: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fhir_gateway.interactions.operations.everything.WHOLE", 4)
    first = record.get("Patient/a/$everything")
    assert urls(first) == WHOLE[:4]
    assert urls(record.get(link(first, "next") or "")) == WHOLE[4:]


def test_a_role_that_is_not_known_is_refused(record: Desk) -> None:
    stranger = Actor("stranger")  # type: ignore[arg-type]  # no token names such a role
    with pytest.raises(FhirError) as refusal:
        perform(record.gateway, Interaction("operation", "Patient", "a", operation="everything"), stranger)
    assert refusal.value.status == 403

"""$purge: gone for good, from every table, and nothing of anybody else.

Source: `profiles/operations/OperationDefinition-purge.json`; FHIR R4, Compartments.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

import pytest

from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.outcome import FhirError
from fhir_gateway.interactions.draft import draft
from fhir_gateway.store.contract import Put, Read, Write
from fhir_gateway.store.layout import INDEX_COLUMNS
from tests.interactions.desk import BASE, Desk, Refused, bundle, entry, observation, patient

TABLES = ("resource", "history", *INDEX_COLUMNS)


def counts(view: Read) -> dict[str, int]:
    return {table: view.rows(f"SELECT count(*) FROM {table}")[0][0] for table in TABLES}


def rows(desk: Desk) -> dict[str, int]:
    with desk.gateway.store.read() as view:
        return counts(view)


def purged(desk: Desk, url: str, **parameters: bool) -> dict[str, list[Any]]:
    """Purge and return the answer: values by name, of parts "type resources"."""
    query = "&".join(f"{name}={'true' if value else 'false'}" for name, value in parameters.items())
    answer = decode(desk.ask("POST", f"{url}/$purge?{query}").body or b"")
    found: dict[str, list[Any]] = {}
    for each in answer["parameter"]:
        value = each.get("valueInteger", each.get("valueUri"))
        if value is None:
            value = f"{each['part'][0]['valueCode']} {each['part'][1]['valueInteger']}"
        found.setdefault(each["name"], []).append(value)
    return found


def fill(desk: Desk, id: str) -> None:
    desk.put(patient(id, value=f"nir-{id}", name=[{"family": "Martin"}]))
    desk.put(patient(id, value=f"nir-{id}", name=[{"family": "Petit"}]))
    desk.put(observation(f"Patient/{id}", f"{id}-1", effectiveDateTime="2020", note=[{"text": "secret"}]))
    desk.put(observation(f"{BASE}/Patient/{id}", f"{id}-2"))
    desk.put(observation(f"Patient/{id}", f"{id}-2", status="amended"))
    desk.put(observation(f"Patient/{id}", f"{id}-gone"))
    desk.ask("DELETE", f"Observation/{id}-gone")


def test_a_patient_goes_with_its_compartment_its_history_and_what_was_deleted_of_it(desk: Desk) -> None:
    fill(desk, "b")
    before = rows(desk)
    fill(desk, "a")
    answer = purged(desk, "Patient/a")
    # Two versions of the patient, 1 + 2 of the observations, 2 of the deleted one.
    assert answer == {"erased": ["Observation 3", "Patient 1"], "versions": [7]}
    assert rows(desk) == before
    for url in ("Patient/a", "Observation/a-1", "Observation/a-2", "Observation/a-gone"):
        assert desk.refused("GET", url).status == 404, url
        assert desk.refused("GET", f"{url}/_history").status == 404, url
    assert desk.get("Patient/b/$everything")["total"] == 3
    assert "entry" not in desk.get("Patient?identifier=nir-a")


def test_after_it_the_id_is_free_and_begins_at_version_1(desk: Desk) -> None:
    fill(desk, "a")
    purged(desk, "Patient/a")
    assert desk.put(patient("a"))["meta"]["versionId"] == "1"
    assert desk.versions("Patient", "a") == ["1"]


def test_what_belongs_to_another_patient_too_is_kept_and_named(desk: Desk) -> None:
    fill(desk, "a")
    desk.put(patient("b", link=[{"other": {"reference": "Patient/a"}, "type": "seealso"}]))
    desk.put(observation("Patient/a", "shared", performer=[{"reference": "Patient/b"}]))
    refusal = desk.refused("POST", "Patient/a/$purge")
    assert refusal == Refused(409, (("purge-referred", None), ("purge-referred", None)))
    assert "Patient/b refers" in refusal.texts[0]
    answer = purged(desk, "Patient/a", force=True)
    assert answer["kept"] == ["Patient/b", "Observation/shared"]
    assert answer["referring"] == ["Patient/b", "Observation/shared"]
    assert desk.get("Observation/shared")["performer"] == [{"reference": "Patient/b"}]
    assert desk.refused("GET", "Patient/a").status == 404


def test_what_refers_to_it_from_outside_is_named_and_stops_it_unless_forced(desk: Desk) -> None:
    fill(desk, "a")
    desk.put({
        "resourceType": "Provenance", "id": "p", "target": [{"reference": "Observation/a-1"}],
        "recorded": "2020-01-01T00:00:00Z", "agent": [{"who": {"display": "x"}}],
    })  # fmt: skip
    before = rows(desk)
    assert desk.refused("POST", "Patient/a/$purge") == Refused(409, (("purge-referred", None),))
    assert rows(desk) == before
    assert purged(desk, "Patient/a", force=True)["referring"] == ["Provenance/p"]
    assert desk.get("Provenance/p")["target"] == [{"reference": "Observation/a-1"}]


def test_a_resource_of_another_type_goes_alone(desk: Desk) -> None:
    fill(desk, "a")
    desk.put({"resourceType": "Practitioner", "id": "d"})
    desk.put(observation("Patient/a", "by-d", performer=[{"reference": "Practitioner/d"}]))
    assert desk.refused("POST", "Practitioner/d/$purge").status == 409
    assert purged(desk, "Observation/by-d") == {"erased": ["Observation 1"], "versions": [1]}
    assert purged(desk, "Practitioner/d") == {"erased": ["Practitioner 1"], "versions": [1]}
    assert desk.get("Patient/a/$everything")["total"] == 3


def test_a_deleted_resource_can_be_purged(desk: Desk) -> None:
    fill(desk, "a")
    assert purged(desk, "Observation/a-gone") == {"erased": ["Observation 1"], "versions": [2]}
    assert desk.refused("GET", "Observation/a-gone").status == 404
    for id in ("a-1", "a-2"):
        desk.ask("DELETE", f"Observation/{id}")
    desk.ask("DELETE", "Patient/a")
    purged(desk, "Patient/a")
    assert set(rows(desk).values()) == {0}


def test_a_deleted_resource_of_two_patients_is_kept(desk: Desk) -> None:
    desk.put(patient("b"))
    desk.put(patient("a"))
    desk.put(observation("Patient/a", "both", performer=[{"reference": "Patient/b"}]))
    desk.put(observation("Patient/a", "brought-back"))
    for id in ("both", "brought-back"):
        desk.ask("DELETE", f"Observation/{id}")
    desk.put(observation("Patient/b", "brought-back"))
    assert purged(desk, "Patient/a") == {"erased": ["Patient 1"], "versions": [1]}
    assert desk.versions("Observation", "both") == ["1", "2 deleted"]
    assert desk.versions("Observation", "brought-back") == ["1", "2 deleted", "3"]


def test_only_what_was_superseded_goes_when_that_is_asked(desk: Desk) -> None:
    fill(desk, "a")
    assert purged(desk, "Observation/a-2", history=True) == {"looked-through": ["Observation 1"], "versions": [1]}
    assert desk.get("Observation/a-2")["meta"]["versionId"] == "2"
    assert desk.refused("GET", "Observation/a-2/_history/1").status == 404
    assert desk.get("Observation/a-2/_history")["total"] == 1
    answer = purged(desk, "Patient/a", history=True)
    assert answer == {"looked-through": ["Observation 3", "Patient 1"], "versions": [2]}
    assert rows(desk)["history"] == 0
    assert desk.refused("GET", "Observation/a-gone").status == 410
    assert desk.get("Patient/a/$everything")["total"] == 3


def test_it_is_refused_beyond_its_bound_and_nothing_is_done(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(desk, "a")
    before = rows(desk)
    monkeypatch.setattr("fhir_gateway.interactions.operations.purge.LIMIT", 3)
    assert desk.refused("POST", "Patient/a/$purge") == Refused(403, (("purge-too-large", None),))
    assert rows(desk) == before


def test_it_is_asked_with_post_and_not_in_a_transaction(desk: Desk) -> None:
    desk.put(patient("a"))
    assert desk.refused("GET", "Patient/a/$purge").status == 405
    assert desk.refused("POST", "Patient/$purge").status == 404
    assert desk.refused("POST", "Patient/x/$purge").status == 404
    assert desk.transaction_refused(entry("POST", "Patient/a/$purge")).status == 405
    answer = desk.ask("POST", "", bundle(entry("POST", "Patient/a/$purge"), type="batch"))
    assert decode(answer.body or b"")["entry"][0]["response"]["status"] == "200 OK"
    assert desk.refused("GET", "Patient/a").status == 404


def test_who_purged_what_is_logged_without_what_it_said(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    fill(desk, "a")
    with caplog.at_level(logging.INFO):
        purged(desk, "Patient/a")
    (line,) = (record for record in caplog.records if record.getMessage() == "purged")
    assert line.__dict__["fields"] == {
        "type": "Patient", "id": "a", "role": "anonyme", "history": False, "force": False,
    }  # fmt: skip
    assert "Petit" not in caplog.text


def test_who_begins_to_refer_to_it_meanwhile_waits_and_is_refused_or_goes_with_it(desk: Desk) -> None:
    fill(desk, "a")
    statuses: list[int] = []
    begun = threading.Event()

    def refer(thread: int) -> None:
        for number in range(15):
            try:
                sent = observation("Patient/a", f"o-{thread}-{number}")
                statuses.append(desk.ask("PUT", f"Observation/o-{thread}-{number}", sent).status)
            except FhirError as refusal:
                statuses.append(refusal.status)
            if number == 4:
                begun.set()

    threads = [threading.Thread(target=refer, args=(thread,)) for thread in range(3)]
    for each in threads:
        each.start()
    begun.wait()
    purged(desk, "Patient/a")
    for each in threads:
        each.join()
    assert set(statuses) == {201, 422}
    assert set(rows(desk).values()) == {0}


def test_its_words_go_with_it(desk: Desk) -> None:
    desk.put(patient("a", name=[{"family": "Unmistakable"}]))
    assert urls_of(desk, "Patient?_content=unmistakable") == [f"{BASE}/Patient/a"]
    purged(desk, "Patient/a")
    desk.put(patient("a"))
    assert urls_of(desk, "Patient?_content=unmistakable") == []


def urls_of(desk: Desk, url: str) -> list[str]:
    return [each["fullUrl"] for each in desk.get(url).get("entry", [])]


def test_a_search_parameter_that_is_purged_has_no_effect_any_more(desk: Desk) -> None:
    desk.put(
        {
            "resourceType": "SearchParameter", "id": "p", "url": "http://example.org/p", "name": "P",
            "status": "active", "description": "p", "code": "nickname", "base": ["Patient"], "type": "string",
            "expression": "Patient.name.where(use = 'nickname').given",
        }
    )  # fmt: skip
    assert "nickname" in desk.gateway.definitions.search_parameters.of("Patient")
    purged(desk, "SearchParameter/p")
    assert "nickname" not in desk.gateway.definitions.search_parameters.of("Patient")
    assert desk.refused("GET", "Patient?nickname=x").status == 400


def test_nothing_of_it_is_left_in_the_file(desk: Desk, tmp_path: Any) -> None:
    if desk.gateway.store.dialect != "sqlite":
        pytest.skip("PostgreSQL writes over dead rows after its next vacuum")
    desk.put(patient("b"))
    desk.put(patient("a", name=[{"family": "Unmistakable"}]))

    def files() -> bytes:
        return b"".join(path.read_bytes() for path in tmp_path.iterdir()).lower()

    assert b"unmistakable" in files()
    with desk.gateway.store.read() as view:
        assert view.current("Patient", "b") is not None
        purged(desk, "Patient/a")
        assert b"unmistakable" in files()  # a reader stands in the log: it cannot begin anew
    until = time.monotonic() + 20
    while b"unmistakable" in files():
        assert time.monotonic() < until, "still there"
        time.sleep(0.05)


def test_what_becomes_another_patient_s_before_it_is_held_is_kept(desk: Desk) -> None:
    if desk.gateway.store.dialect != "postgresql":
        pytest.skip("SQLite has one writer: nothing is changed meanwhile")
    fill(desk, "a")
    desk.put(patient("b"))
    begun, finish = threading.Event(), threading.Event()
    moved = observation("Patient/b", "a-1")

    def move(tx: Write) -> None:
        tx.stage([Put(draft(desk.gateway.indexer, moved, "Observation", "a-1", ()))])
        begun.set()
        finish.wait(20)

    moving = threading.Thread(target=lambda: desk.gateway.store.write(move))
    moving.start()
    assert begun.wait(20)
    done: list[dict[str, list[Any]]] = []
    purging = threading.Thread(target=lambda: done.append(purged(desk, "Patient/a")))
    purging.start()
    purging.join(0.5)
    assert not done  # it waits for who is writing one of them
    finish.set()
    moving.join()
    purging.join(20)
    assert done == [{"erased": ["Observation 2", "Patient 1"], "versions": [6]}]
    assert desk.get("Observation/a-1")["subject"]["reference"] == "Patient/b"

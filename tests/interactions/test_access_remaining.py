"""What can still be learnt of what is hidden: each channel that remains, as narrow as it is said to be.

That a deletion is hindered by a hidden resource is in `test_access_channels.py`.

Source: `fhir_gateway/policy/README.md`, "Channels".
"""

from __future__ import annotations

import threading
import time
from typing import Any

from fhir_gateway.store.contract import Locks, Write
from fhir_gateway.store.search.query import criteria_key
from tests.interactions.desk import SYSTEM, Desk, by, patient
from tests.interactions.people import FOREIGNER, HOSPITAL, PRESCRIBER, order, organisation


def changed(desk: Desk, id: str) -> Any:
    """Return what a record's Bundle says to ask for changes since."""
    return desk.of(PRESCRIBER).get(f"Patient/{id}/$everything")["meta"]["lastUpdated"]


def test_a_record_tells_when_anybody_wrote_last_and_nothing_else_of_it(desk: Desk) -> None:
    """`_since` must leave no gap for its owner, so it follows the clock of all commits."""
    id = desk.of(PRESCRIBER).post(patient())
    before = changed(desk, id)
    assert changed(desk, id) == before
    desk.of(FOREIGNER).post(patient())
    assert changed(desk, id) > before
    found = desk.of(PRESCRIBER).get(f"Patient/{id}/$everything")
    assert (found["total"], len(found["entry"])) == (1, 1)


def test_what_is_seen_names_what_it_refers_to_though_that_is_hidden(desk: Desk) -> None:
    """Whoever is given a document is told whose it is; the id leads nowhere."""
    id = desk.of(FOREIGNER).post(patient())
    document = desk.of(FOREIGNER).post(
        {
            "resourceType": "DocumentReference", "status": "current", "custodian": organisation(HOSPITAL),
            "subject": {"reference": f"Patient/{id}"}, "content": [{"attachment": {"title": "x"}}],
        }
    )  # fmt: skip
    seen = desk.of(PRESCRIBER).get(f"DocumentReference/{document}")
    assert seen["subject"] == {"reference": f"Patient/{id}"}
    assert desk.of(PRESCRIBER).refused("GET", f"Patient/{id}").status == 404
    assert len(desk.of(PRESCRIBER).get("DocumentReference?_include=*")["entry"]) == 1
    assert desk.of(PRESCRIBER).get("DocumentReference?subject:Patient.gender:missing=true")["total"] == 0


def test_a_condition_that_another_decides_is_waited_for_and_decided_alone(desk: Desk) -> None:
    """The lock is named by the condition, whoever asks: a wait tells that somebody asks the same just now."""
    begun, go_on = threading.Event(), threading.Event()

    def slow(tx: Write) -> None:
        begun.set()
        assert go_on.wait(10)

    locks = Locks(criteria=frozenset({criteria_key("Patient", [("identifier", f"{SYSTEM}|x")])}))
    other = threading.Thread(target=desk.gateway.store.write, args=(slow, locks))
    other.start()
    assert begun.wait(10)
    done: list[int] = []
    mine = threading.Thread(
        target=lambda: done.append(desk.of(PRESCRIBER).ask("POST", "Patient", patient(), if_none_exist=by("x")).status)
    )
    mine.start()
    time.sleep(0.3)
    assert done == []
    go_on.set()
    for each in (other, mine):
        each.join(10)
    assert done == [201]


def test_limits_count_what_is_seen(desk: Desk) -> None:
    """How long something takes may tell how much there is; what is refused for its number does not."""
    limited = desk.limited(deletes=1)
    id = desk.of(PRESCRIBER).post(patient())
    desk.of(PRESCRIBER).post(order(id, status="draft"))
    for _ in range(3):
        desk.of(FOREIGNER).post(order(desk.of(FOREIGNER).post(patient()), status="draft"))
    assert limited.of(PRESCRIBER).ask("DELETE", "ServiceRequest?status=draft").status == 204
    assert limited.of(FOREIGNER).refused("DELETE", "ServiceRequest?status=draft").status == 412

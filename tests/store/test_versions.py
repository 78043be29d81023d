"""Versions, history and tombstones, on both engines.

Source: FHIR R4, RESTful API, "update", "delete", "history", "vread"; Resource, "meta.versionId".
"""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from fhir_gateway.fhir.outcome import TooCostly
from fhir_gateway.fhir.primitives import instant_text
from fhir_gateway.store.contract import Create, Delete, HistoryQuery, Locks, Put, Store, Write
from fhir_gateway.store.layout import pack
from tests.store.drafts import draft


def test_a_created_resource_is_read_back_as_finished_json(store: Store) -> None:
    [staged] = store.write(lambda tx: tx.stage([Create(draft("Patient", "a", active=True))]))

    assert staged.outcome == "created"
    with store.read() as tx:
        version = tx.current("Patient", "a")
    assert version == staged.version
    assert version is not None
    assert json.loads(version.body) == {
        "resourceType": "Patient",
        "id": "a",
        "meta": {"versionId": "1", "lastUpdated": instant_text(version.last_updated)},
        "active": True,
    }


def test_a_changed_resource_gets_the_next_version_and_the_old_one_stays_readable(store: Store) -> None:
    store.write(lambda tx: tx.stage([Put(draft("Patient", "a", active=True))]))
    store.write(lambda tx: tx.stage([Put(draft("Patient", "a", active=False))]))

    with store.read() as tx:
        old, new = tx.version("Patient", "a", 1), tx.version("Patient", "a", 2)
    assert old is not None
    assert new is not None
    assert (json.loads(old.body)["active"], json.loads(new.body)["active"]) == (True, False)
    assert old.rid == new.rid
    assert old.last_updated < new.last_updated


def test_an_update_that_changes_nothing_makes_no_version(store: Store) -> None:
    store.write(lambda tx: tx.stage([Put(draft("Patient", "a", active=True, gender="male"))]))
    [same] = store.write(lambda tx: tx.stage([Put(draft("Patient", "a", active=True, gender="male"))]))
    [reordered] = store.write(lambda tx: tx.stage([Put(draft("Patient", "a", gender="male", active=True))]))

    assert (same.outcome, reordered.outcome) == ("unchanged", "unchanged")
    assert reordered.version is not None
    assert reordered.version.vid == 1


def test_a_deletion_leaves_a_tombstone_and_a_later_put_goes_on_counting(store: Store) -> None:
    store.write(lambda tx: tx.stage([Put(draft("Patient", "a"))]))
    [deleted] = store.write(lambda tx: tx.stage([Delete("Patient", "a")]))
    [again] = store.write(lambda tx: tx.stage([Delete("Patient", "a")]))
    [back] = store.write(lambda tx: tx.stage([Put(draft("Patient", "a"))]))

    assert (deleted.outcome, again.outcome, back.outcome) == ("deleted", "absent", "created")
    assert back.version is not None
    assert back.version.vid == 3
    with store.read() as tx:
        page = tx.history(HistoryQuery("Patient", "a"))
    assert [(version.vid, version.deleted) for version in page.versions] == [(3, False), (2, True), (1, False)]
    assert page.total == 3


def test_a_body_packed_before_the_lock_is_kept_as_the_superseded_version(store: Store) -> None:
    [first] = store.write(lambda tx: tx.stage([Put(draft("Patient", "a", active=True))]))
    assert first.version is not None
    packed = (1, pack(first.version.body))
    store.write(lambda tx: tx.stage([Put(draft("Patient", "a", active=False), superseded=packed)]))

    with store.read() as tx:
        assert tx.version("Patient", "a", 1) == first.version


def test_history_of_a_type_pages_newest_first_and_loses_nothing(store: Store) -> None:
    for round_ in range(3):
        for id in "abc":
            store.write(lambda tx, i=id, n=round_: tx.stage([Put(draft("Patient", i, multipleBirthInteger=n))]))
    store.write(lambda tx: tx.stage([Put(draft("Group", "g"))]))

    seen, after = [], None
    with store.read() as tx:
        while True:
            page = tx.history(HistoryQuery("Patient", count=4, after=after))
            seen += [(version.id, version.vid) for version in page.versions]
            if (after := page.next) is None:
                break
        everything = tx.history(HistoryQuery(count=100))
    assert seen == [(id, vid) for vid in (3, 2, 1) for id in "cba"]
    assert len(everything.versions) == 10


def test_history_since_and_at_tell_what_was_current(store: Store) -> None:
    instants = []
    for number in range(3):
        [staged] = store.write(lambda tx, n=number: tx.stage([Put(draft("Patient", "a", multipleBirthInteger=n))]))
        assert staged.version is not None
        instants.append(staged.version.last_updated)

    with store.read() as tx:
        since = tx.history(HistoryQuery("Patient", since=instants[1]))
        at = tx.history(HistoryQuery("Patient", "a", at_low=instants[1], at_high=instants[1] + 1))
    assert [version.vid for version in since.versions] == [3, 2]
    assert [version.vid for version in at.versions] == [2]


def test_work_that_raises_leaves_nothing_behind(store: Store) -> None:
    def fail(tx: Write) -> None:
        tx.stage([Put(draft("Patient", "a"))])
        raise LookupError("changed its mind")

    with pytest.raises(LookupError, match="changed its mind"):
        store.write(fail)
    with store.read() as tx:
        assert tx.current("Patient", "a") is None
        assert tx.history(HistoryQuery()).versions == []


def test_one_transaction_has_one_instant_and_later_ones_have_later_instants(store: Store) -> None:
    def pair(tx: Write) -> set[int]:
        staged = tx.stage([Put(draft("Patient", "a", language=str(tx.instant))), Put(draft("Group", "g"))])
        return {each.version.last_updated for each in staged if each.version and each.outcome != "unchanged"}

    first, second = store.write(pair), store.write(pair)
    assert len(first) == 1
    assert max(first) < min(second)


def test_restaged_drafts_replace_body_and_index_of_the_same_version(store: Store) -> None:
    def work(tx: Write) -> None:
        tx.stage([Create(draft("Patient", "a", index={"i_token": [(1, 10, None)]}, active=True))])
        tx.restage([draft("Patient", "a", index={"i_token": [(1, 20, None)]}, active=False)])

    store.write(work)
    with store.read() as tx:
        version = tx.current("Patient", "a")
        assert version is not None
        assert (version.vid, json.loads(version.body)["active"]) == (1, False)
        assert tx.rows("SELECT h FROM i_token WHERE rid = ?", (version.rid,)) == [(20,)]


def test_index_rows_follow_the_resource_and_go_with_it(store: Store) -> None:
    rows = {
        "i_token": [(1, 10, None), (1, 11, "é")], "i_ref": [(77, 2, "Patient/b")], "i_date": [(3, 1, 2, 0)],
        "i_num": [(4, 1.5, 2.5)], "i_qty": [(5, 0, 1.0, 2.0)], "i_str": [(6, "été", 9)],
        "i_comp": [(7, 1, 0.0, 0.0, 2)],
    }  # fmt: skip
    store.write(lambda tx: tx.stage([Put(draft("Patient", "a", index=rows))]))
    with store.read() as tx:
        assert all(len(tx.rows(f"SELECT * FROM {table}")) == len(rows[table]) for table in rows)
        assert tx.rows("SELECT h, s FROM i_token ORDER BY h") == [(10, None), (11, "é")]
    store.write(lambda tx: tx.stage([Delete("Patient", "a")]))
    with store.read() as tx:
        assert all(tx.rows(f"SELECT * FROM {table}") == [] for table in rows)


def test_many_rows_at_once_are_the_same_as_few(store: Store) -> None:
    wide = {
        "i_token": [(1, n, f"{n}" if n % 3 else None) for n in range(500)],
        "i_num": [(4, float(n), n + 0.5) for n in range(500)],
        "i_comp": [(7, n, 0.0, 1.0, -n) for n in range(500)], "i_date": [(3, n, n, 0) for n in range(500)],
        "i_str": [(6, f"{n}", n) for n in range(500)], "i_ref": [(n, 2, f"{n}") for n in range(500)],
        "i_qty": [(5, n, 1.0, 2.0) for n in range(500)],
    }  # fmt: skip
    store.write(lambda tx: tx.stage([Put(draft("Patient", "a", index=wide))]))
    with store.read() as tx:
        assert {len(tx.rows(f"SELECT * FROM {table}")) for table in wide} == {500}


def test_absent_names_what_is_not_there_or_was_deleted(store: Store) -> None:
    store.write(lambda tx: tx.stage([Put(draft("Patient", "a")), Put(draft("Patient", "b"))]))
    store.write(lambda tx: tx.stage([Delete("Patient", "b")]))

    asked = {("Patient", "a"), ("Patient", "b"), ("Patient", "c")}
    assert store.write(lambda tx: tx.absent(asked)) == {("Patient", "b"), ("Patient", "c")}


def test_sixteen_writers_number_the_versions_of_one_resource_without_gaps(store: Store) -> None:
    start = threading.Barrier(16)

    def put(number: int) -> int:
        start.wait()
        locks = Locks(keys=frozenset({("Patient", "a")}))
        [staged] = store.write(lambda tx: tx.stage([Put(draft("Patient", "a", multipleBirthInteger=number))]), locks)
        assert staged.version is not None
        return staged.version.vid

    with ThreadPoolExecutor(16) as pool:
        assert sorted(pool.map(put, range(16))) == list(range(1, 17))
    with store.read() as tx:
        versions = tx.history(HistoryQuery("Patient", "a")).versions
    assert [version.vid for version in versions] == list(range(16, 0, -1))
    instants = [version.last_updated for version in versions]
    assert instants == sorted(set(instants), reverse=True)


def test_a_costly_question_inside_a_write_ends_and_leaves_nothing_behind(store: Store) -> None:
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"

    def work(tx: Write) -> None:
        tx.stage([Put(draft("Patient", "a"))])
        with tx.limited(0.05):
            tx.rows(endless)

    with pytest.raises(TooCostly, match="search-too-costly"):
        store.write(work)
    assert store.current("Patient", "a") is None
    store.write(lambda tx: tx.stage([Put(draft("Patient", "b"))]))
    assert store.current("Patient", "b") is not None


def test_a_write_sees_its_own_versions_in_the_history_of_a_type(store: Store) -> None:
    def work(tx: Write) -> list[str]:
        tx.stage([Put(draft("Patient", "a"))])
        with tx.limited(5):
            return [version.id for version in tx.history(HistoryQuery("Patient")).versions]

    assert store.write(work) == ["a"]

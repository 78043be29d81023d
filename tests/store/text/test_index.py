"""The index of words: up to date before it is asked, whatever goes on meanwhile.

Source: fhir_gateway/store/text/README.md.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from fhir_gateway.fhir.outcome import TooCostly, Unavailable
from fhir_gateway.store import open_store
from fhir_gateway.store.contract import Draft, Put, Read, Write
from fhir_gateway.store.text import index, words
from tests.store.conftest import TYPES
from tests.store.drafts import draft
from tests.store.text.conftest import Reading


def basic(id: str, text: str) -> dict[str, Any]:
    return {"resourceType": "Basic", "id": id, "code": {"text": text}}


def words_of(library: Reading) -> list[int]:
    """Return the rids that have words."""
    key = "rowid" if library.store.dialect == "sqlite" else "rid"
    return [rid for (rid,) in library.read(lambda tx: tx.rows(f"SELECT {key} FROM full_text ORDER BY 1"))]


def _put(draft: Draft, tx: Write) -> None:
    tx.stage([Put(draft)])


def test_a_write_writes_no_words(library: Reading) -> None:
    library.put(basic("a", "bone"))
    assert words_of(library) == []
    assert index.number_behind(library.store) == 1


def test_catching_up_takes_the_earliest_first_and_ends(library: Reading) -> None:
    for number in range(5):
        library.put(basic(f"a{number}", "bone"))
    assert index.catch_up(library.store, 2) == 2
    assert index.number_behind(library.store) == 3
    assert index.catch_up(library.store, 2) == 2
    assert index.catch_up(library.store, 2) == 1
    assert index.catch_up(library.store, 2) == 0
    assert index.number_behind(library.store) == 0
    assert len(words_of(library)) == 5


def test_many_resources_of_one_commit_are_caught_up_with_in_batches(library: Reading) -> None:
    library.put(*(basic(f"a{number}", "bone") for number in range(7)))
    assert [index.catch_up(library.store, 3) for _ in range(4)] == [3, 3, 1, 0]
    assert len(words_of(library)) == 7


def test_an_update_has_its_new_words_and_lost_the_old(library: Reading) -> None:
    library.put(basic("a", "bone"))
    assert library.ids("Basic", "_content=bone") == ["a"]
    library.put(basic("a", "liver"))
    assert library.ids("Basic", "_content=bone") == []
    assert library.ids("Basic", "_content=liver") == ["a"]


def test_a_deleted_resource_loses_its_words_and_gets_them_again_when_it_comes_back(library: Reading) -> None:
    library.put(basic("a", "bone"))
    assert library.ids("Basic", "_content=bone") == ["a"]
    library.delete("Basic", "a")
    assert library.ids("Basic", "_content=bone") == []
    assert library.ids("Basic", "_content=NOT liver") == []
    assert words_of(library) == []
    library.put(basic("a", "bone"))
    assert library.ids("Basic", "_content=bone") == ["a"]


def test_what_was_deleted_since_the_index_was_written_is_not_found(library: Reading) -> None:
    library.put(basic("a", "bone"))
    index.be_current(library.store)
    library.delete("Basic", "a")
    assert library.page("Basic", "_content=bone&_total=accurate").matches == []


def test_a_transaction_finds_what_it_has_written_and_nothing_of_it_stays_when_it_fails(library: Reading) -> None:
    library.put(basic("old", "bone"))
    found: list[list[str]] = []

    def work(tx: Write) -> None:
        tx.stage([Put(library.draft(basic("own", "bone"))), Put(library.draft(basic("old", "liver")))])
        index.be_current_within(tx)
        found.append(library.found_in(tx, "Basic", "_content=bone"))
        index.be_current_within(tx)
        found.append(library.found_in(tx, "Basic", "_content=liver"))
        raise RuntimeError("undo")

    with pytest.raises(RuntimeError, match="undo"):
        library.store.write(work)
    assert found == [["own"], ["old"]]
    assert library.ids("Basic", "_content=bone") == ["old"]


def test_a_transaction_that_succeeds_leaves_a_true_index(library: Reading) -> None:
    def work(tx: Write) -> None:
        tx.stage([Put(library.draft(basic("own", "bone")))])
        index.be_current_within(tx)

    library.store.write(work)
    assert library.ids("Basic", "_content=bone") == ["own"]
    library.put(basic("own", "liver"))
    assert library.ids("Basic", "_content=bone") == []


def test_a_crash_in_the_middle_leaves_the_rest_to_be_caught_up_with(
    library: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.put(*(basic(f"a{number}", "bone") for number in range(6)))
    assert index.catch_up(library.store, 2) == 2
    real = index._set_mark

    def crash(*arguments: Any) -> None:
        real(*arguments)
        raise RuntimeError("power lost")

    monkeypatch.setattr(index, "_set_mark", crash)
    with pytest.raises(RuntimeError, match="power lost"):
        index.catch_up(library.store, 2)
    monkeypatch.undo()
    assert len(words_of(library)) == 2
    assert sorted(library.ids("Basic", "_content=bone")) == [f"a{number}" for number in range(6)]


def test_too_far_behind_is_refused_and_gets_nearer_with_each_attempt(library: Reading) -> None:
    library.put(*(basic(f"a{number}", "bone") for number in range(30)))
    with pytest.raises(TooCostly) as refusal:
        index.be_current(library.store, "_text", bound=10, seconds=0.0)
    issue = refusal.value.issues[0]
    assert (issue.complaint.detail, issue.complaint.code) == ("text-index-behind", "too-costly")
    # Not with how far: resources are counted that the sender may not see.
    assert "30" not in issue.text("en")
    assert "_text" in issue.text("fr")
    index.be_current(library.store, "_text", bound=10, seconds=5.0)
    assert index.number_behind(library.store) == 0


def test_a_transaction_too_far_behind_is_refused_too(library: Reading) -> None:
    library.put(*(basic(f"a{number}", "bone") for number in range(12)))
    with pytest.raises(TooCostly, match="text-index-behind"):
        library.store.write(lambda tx: index.be_current_within(tx, bound=10))
    library.store.write(lambda tx: index.be_current_within(tx, bound=12))


def test_what_is_purged_loses_its_words(library: Reading) -> None:
    library.put(basic("a", "bone"), basic("b", "bone"))
    index.be_current(library.store)
    first, second = words_of(library)
    library.store.write(lambda tx: index.erase(tx, [first]))
    assert words_of(library) == [second]


def test_what_is_purged_leaves_the_file_too(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    store = open_store(f"sqlite:///{path}", TYPES)
    for number in range(4):
        made = draft("Group", f"g{number}", name="secretword" if number == 1 else "bone")
        store.write(partial(_put, made))
        index.be_current(store)
    with store.read() as view:
        [rid] = [rid for rid, rest in view.rows("SELECT rowid, rest FROM full_text") if "secret" in rest]
    store.write(lambda tx: index.erase(tx, [rid]))

    def terms() -> str:
        with store.read() as view:
            return str([bytes(block) for (block,) in view.rows("SELECT block FROM full_text_data")])

    assert "secretword" in terms()
    while index.forget(store):
        pass
    assert "secretword" not in terms()
    assert index.forget(store) is False
    with store.read() as view:
        assert view.rows("SELECT count(*) FROM full_text WHERE full_text MATCH 'bone'") == [(3,)]
    store.close()


def test_a_large_resource_does_not_keep_the_others_waiting_in_memory(
    library: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "_BATCH_BYTES", 100)
    library.put(*(basic(f"a{number}", "bone " * 30) for number in range(3)))
    assert [index.catch_up(library.store, 5) for _ in range(4)] == [1, 1, 1, 0]


def test_nothing_acknowledged_before_a_search_is_missing_from_it_while_others_write(library: Reading) -> None:
    """Two threads write, update and delete; a third searches for what had been committed before."""
    stop = threading.Event()
    failures: list[str] = []
    searches = 0
    current: dict[str, tuple[str, int]] = {}  # id -> its word, as acknowledged, and when; absent while it is changed
    guard = threading.Lock()

    def write(name: str) -> None:
        number = 0
        while not stop.is_set():
            id, word = f"{name}{number % 20}", f"word{name}{number % 3}"
            with guard:
                current.pop(id, None)
            if number % 7 == 6:
                library.delete("Basic", id)
            else:
                library.put(basic(id, word))
                with guard:
                    current[id] = (word, number)
            number += 1

    def search() -> None:
        nonlocal searches
        while not stop.is_set():
            with guard:
                before = dict(current)
            if not before:
                continue
            word = sorted(before.values())[0][0]
            found = set(library.ids("Basic", f"_content={word}"))
            with guard:
                unchanged = {id: has for id, (has, when) in before.items() if current.get(id) == (has, when)}
            failures.extend(f"{id} is missing" for id, has in unchanged.items() if has == word and id not in found)
            failures.extend(f"{id} is stale" for id, has in unchanged.items() if has != word and id in found)
            searches += 1

    threads = [threading.Thread(target=write, args=(name,)) for name in "ab"] + [threading.Thread(target=search)]
    for thread in threads:
        thread.start()
    time.sleep(1.5)
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert searches > 5
    for word in {has for has, _ in current.values()}:
        assert set(library.ids("Basic", f"_content={word}")) == {id for id, (has, _) in current.items() if has == word}


def test_words_of_an_older_version_never_come_after_those_of_a_newer_one(
    library: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Words are made of version 1; before they are written, version 2 comes and is indexed by somebody else."""
    library.put(basic("a", "bone"))
    real, once = words.lay, threading.Event()

    def meanwhile(*texts: Any) -> Any:
        laid = real(*texts)
        if not once.is_set():
            once.set()
            library.delete("Basic", "a")
            index.be_current(library.store)
        return laid

    monkeypatch.setattr(index, "lay", meanwhile)
    index.be_current(library.store)
    assert once.is_set()
    assert words_of(library) == []
    assert index.number_behind(library.store) == 0


# --- PostgreSQL: several processes, and commits that end in another order than their instants


def test_a_commit_of_an_earlier_instant_that_ends_late_is_indexed(postgres_database: str) -> None:
    store = open_store(postgres_database, TYPES)
    begun, go = threading.Event(), threading.Event()

    def slow(tx: Write) -> None:
        tx.stage([Put(draft("Patient", "late", name=[{"family": "bone"}]))])
        begun.set()
        assert go.wait(10)

    thread = threading.Thread(target=store.write, args=(slow,))
    thread.start()
    assert begun.wait(10)
    store.write(lambda tx: tx.stage([Put(draft("Patient", "early", name=[{"family": "bone"}]))]))
    index.be_current(store)
    assert indexed(store) == 1
    index.be_current(store)  # what lies above the line is not indexed again and again
    assert index.catch_up(store) == 0
    go.set()
    thread.join()
    index.be_current(store)
    assert indexed(store) == 2
    store.close()


def indexed(store: Any) -> int:
    def count(tx: Read) -> int:
        number: int = tx.rows("SELECT count(*) FROM full_text")[0][0]
        return number

    with store.read() as tx:
        return count(tx)


@pytest.fixture
def held(postgres_database: str) -> Any:
    """A store whose index of words another transaction holds until `let_go` is called."""
    store, other = open_store(postgres_database, TYPES), open_store(postgres_database, TYPES)
    begun, go = threading.Event(), threading.Event()

    def hold(tx: Write) -> None:
        assert tx.alone("full-text")
        begun.set()
        assert go.wait(20)

    thread = threading.Thread(target=other.write, args=(hold,))
    thread.start()
    assert begun.wait(10)

    def let_go() -> None:
        go.set()
        thread.join()

    yield store, let_go
    let_go()
    other.close()
    store.close()


def test_a_search_waits_for_whoever_writes_the_index(held: tuple[Any, Callable[[], None]]) -> None:
    store, let_go = held
    store.write(lambda tx: tx.stage([Put(draft("Patient", "a", name=[{"family": "bone"}]))]))
    assert index.catch_up(store) == 0
    with pytest.raises(TooCostly, match="text-index-behind"):
        index.be_current(store, seconds=0.05)
    timer = threading.Timer(0.1, let_go)
    timer.start()
    index.be_current(store)
    timer.join()
    assert indexed(store) == 1


def test_a_transaction_and_a_purge_wait_too_but_not_for_ever(
    held: tuple[Any, Callable[[], None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, _ = held
    monkeypatch.setattr(index, "SECONDS", 0.05)
    for work in (lambda tx: index.be_current_within(tx, seconds=0.05), lambda tx: index.erase(tx, [1])):
        with pytest.raises(Unavailable, match="text-index-busy"):
            store.write(work)


def test_no_search_reads_through_a_list_of_words_not_sorted_in_yet(postgres_database: str) -> None:
    open_store(postgres_database, TYPES).close()
    with psycopg.connect(postgres_database) as connection:
        found = connection.execute(
            "SELECT reloptions FROM pg_class WHERE relname IN ('full_text_narrative', 'full_text_content')"
        ).fetchall()
    assert found == [(["fastupdate=off"],)] * 2

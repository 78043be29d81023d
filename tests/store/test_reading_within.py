"""A read within another read of the same thread is the same snapshot.

Source: fhir_gateway/store/contract.py, `Store.read`.
"""

from __future__ import annotations

import threading

from fhir_gateway.store.contract import Put, Read, Store, Write
from tests.store.drafts import draft


def count(view: Read) -> int:
    number: int = view.rows("SELECT count(*) FROM resource")[0][0]
    return number


def put(store: Store, id: str) -> None:
    store.write(lambda tx: tx.stage([Put(draft("Patient", id))]))


def test_a_read_within_a_read_sees_the_same(store: Store) -> None:
    put(store, "a")
    with store.read() as outer:
        assert count(outer) == 1
        writing = threading.Thread(target=put, args=(store, "b"))
        writing.start()
        writing.join()
        with store.read(feed=False) as inner:
            assert count(inner) == 1
        assert count(outer) == 1
    with store.read() as after:
        assert count(after) == 2


def test_a_read_within_a_read_that_failed_leaves_nothing_open(store: Store) -> None:
    for _ in range(20):
        try:
            with store.read(), store.read(feed=False):
                raise KeyError
        except KeyError:
            pass
    put(store, "a")
    with store.read() as view:
        assert count(view) == 1


def test_a_read_within_a_write_needs_no_second_connection(store: Store) -> None:
    put(store, "a")

    def work(tx: Write) -> int:
        with store.read(feed=False) as view:
            return count(view)

    for _ in range(20):
        assert store.write(work) == 1


def test_many_threads_that_read_within_reads_do_not_wait_for_each_other(store: Store) -> None:
    put(store, "a")
    together = threading.Barrier(8)  # as many as a store has connections
    seen: list[int] = []

    def read() -> None:
        with store.read(feed=False):
            together.wait(timeout=20)
            with store.read(feed=False) as inner:
                seen.append(count(inner))

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [1] * 8

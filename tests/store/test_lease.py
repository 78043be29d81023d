"""A piece of work that one process of several does: who has it, for how long, who takes over.

Source: `fhir_gateway/store/lease.py`.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from fhir_gateway.store import open_store
from fhir_gateway.store.contract import Store
from fhir_gateway.store.lease import Lease
from tests.store.conftest import TYPES


@pytest.fixture
def shared(postgres_database: str) -> Store:
    return open_store(postgres_database, TYPES)


def test_of_several_processes_one_has_it_and_keeps_it(shared: Store) -> None:
    leases = [Lease(shared, "work", 60) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        first = list(threads.map(Lease.held, leases))
    assert sum(first) == 1
    for _ in range(3):
        assert [each.held() for each in leases] == first
    assert Lease(shared, "other work").held()
    shared.close()


def test_who_ends_leaves_it_at_once_and_who_goes_away_when_it_lapses(shared: Store) -> None:
    one, other = Lease(shared, "work", 0.6), Lease(shared, "work", 0.6)
    assert (one.held(), other.held()) == (True, False)
    other.let_go()  # not its own: nothing changes
    assert not other.held()
    one.let_go()
    assert other.held()
    time.sleep(0.7)
    assert one.held()
    assert not other.held()
    shared.close()


def test_it_is_renewed_while_it_is_asked_for(shared: Store) -> None:
    one, other = Lease(shared, "work", 0.8), Lease(shared, "work", 0.8)
    until, stopped = time.monotonic() + 2.0, threading.Event()
    assert one.held()
    taken: list[bool] = []
    watching = threading.Thread(target=lambda: [taken.append(other.held()) for _ in iter(stopped.is_set, True)])
    watching.start()
    while time.monotonic() < until:
        assert one.held()
        time.sleep(0.05)
    stopped.set()
    watching.join()
    assert taken
    assert not any(taken)
    shared.close()


def test_a_database_that_one_process_has_needs_no_asking(store: Store) -> None:
    one, other = Lease(store, "work"), Lease(store, "work")
    assert one.held()
    assert other.held() == (store.dialect == "sqlite")
    one.let_go()

"""Polling by `_lastUpdated`: what is not certainly committed is not shown, so that nothing older can come after it.

Source: FHIR R4, Search, "_lastUpdated"; architecture of this project, law 6, "A feed has no gaps".
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from fhir_gateway.store.contract import Put, Write
from fhir_gateway.store.search.select import find, match
from tests.store.search.library import Library, named


@contextmanager
def unfinished_write(library: Library) -> Iterator[None]:
    """A write that has its number and instant, and is not committed before the block ends."""
    begun, finish = threading.Event(), threading.Event()
    (slow,) = named("Patient", ["slow"], active=True)

    def work(tx: Write) -> None:
        tx.stage([Put(library.draft(slow))])
        begun.set()
        finish.wait(20)

    thread = threading.Thread(target=lambda: library.store.write(work))
    thread.start()
    try:
        assert begun.wait(20)
        yield
    finally:
        finish.set()
        thread.join()


def test_a_poller_sees_nothing_newer_than_what_may_still_come(library: Library) -> None:
    if library.store.dialect != "postgresql":
        pytest.skip("SQLite has one writer: a second write waits for the first")
    library.put(*named("Patient", ["before"], active=True))
    with unfinished_write(library):
        library.put(*named("Patient", ["quick"], active=True))
        for poll in ("_lastUpdated=gt2000", "_sort=_lastUpdated", "_lastUpdated=gt2000&active=true"):
            assert library.ids("Patient", poll) == ["before"]
            assert library.page("Patient", f"{poll}&_summary=count").total == 1
        # Who does not ask in the order of instants sees what is committed.
        assert library.ids("Patient", "active=true") == ["quick", "before"]
        # A condition is decided about all that is committed.
        query = library.query("Patient", "_lastUpdated=gt2000&active=true")
        assert len(library.read(lambda tx: match(tx, query))) == 2
    assert library.ids("Patient", "_sort=_lastUpdated") == ["before", "slow", "quick"]


def test_a_transaction_finds_what_it_has_written(library: Library) -> None:
    (patient,) = named("Patient", ["mine"], gender="other")

    def work(tx: Write) -> Any:
        tx.stage([Put(library.draft(patient))])
        query = library.query("Patient", "_lastUpdated=gt2000&gender=other")
        return [version.id for version in find(tx, query).matches], match(tx, query)

    assert library.store.write(work) == (["mine"], [("Patient", "mine")])

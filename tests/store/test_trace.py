"""The table of the trace: rows in order, which patients resources touch, no more rows than are kept, and a look at it.

Source: `fhir_gateway/store/trace.py`, `fhir_gateway/store/touched.py`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fhir_gateway.store import open_store, trace
from fhir_gateway.store.contract import Delete, Put, Store, Write
from fhir_gateway.store.index.hashing import h64
from fhir_gateway.store.touched import Touched, patients_of
from fhir_gateway.store.view import View
from fhir_gateway.store.writer import Writer
from tests.store.conftest import TYPES
from tests.store.drafts import draft

DAY = 86_400_000_000
LONG = "p" * 64  # the longest id FHIR allows


def leave(store: Store, *instants: int, **more: Any) -> None:
    rows = [(instant, 1500, 200, trace.packed({"n": instant, **more})) for instant in instants]
    store.write(lambda tx: trace.write(tx, rows))


def numbers(store: Store) -> list[int]:
    with store.read() as view:
        return [record["n"] for record in trace.records(view)]


def referring(id: str, *targets: str, pid: int = 5) -> Put:
    rows = [(h64(target), pid, target[:64]) for target in targets]
    return Put(draft("Observation", id, {"i_ref": rows}))


def test_rows_are_told_in_the_order_they_were_written(store: Store) -> None:
    leave(store, 3_000_000, 1_000_000, actor={"role": "plateforme"})
    leave(store, 2_000_000)
    with store.read() as view:
        found = trace.records(view)
    assert [record["n"] for record in found] == [3_000_000, 1_000_000, 2_000_000]
    assert found[0] == {
        "time": "1970-01-01T00:00:03.000000Z",
        "ms": 1.5,
        "status": 200,
        "n": 3_000_000,
        "actor": {"role": "plateforme"},
    }


def test_a_transaction_that_is_undone_leaves_no_row(store: Store) -> None:
    def work(tx: Write) -> None:
        trace.write(tx, [(1, 1, 200, trace.packed({"n": 1}))])
        raise LookupError

    with pytest.raises(LookupError):
        store.write(work)
    assert numbers(store) == []


def test_no_more_rows_are_kept_than_asked_and_the_oldest_go(store: Store) -> None:
    now = time.time_ns() // 1000
    leave(store, *(now + n for n in range(3_000)))
    assert trace.trim(store, 3_000, 1) == 0
    assert trace.trim(store, 10, 1) == 2_990  # in steps of 2,000
    assert numbers(store) == [now + n for n in range(2_990, 3_000)]
    leave(store, now + 3_000)
    assert trace.trim(store, 10, 1) == 1
    assert numbers(store) == [now + n for n in range(2_991, 3_001)]


def test_what_is_older_than_so_many_days_goes(store: Store) -> None:
    now = time.time_ns() // 1000
    leave(store, *(now - 3 * DAY + n for n in range(2_500)), now - DAY, now)
    assert trace.trim(store, 1_000_000, 2) == 2_500
    assert numbers(store) == [now - DAY, now]
    assert trace.trim(store, 1_000_000, 2) == 0


def test_an_empty_trace_is_trimmed_to_nothing(store: Store) -> None:
    assert trace.trim(store, 10, 1) == 0


def test_a_resource_touches_the_patients_it_refers_to_and_itself(store: Store) -> None:
    drafts = [
        Put(draft("Patient", "a")),
        Put(draft("Patient", LONG)),
        Put(draft("Group", "g")),
        referring("two", "Patient/a", f"Patient/{LONG}", "Group/g"),
        referring("none", "Group/g"),
        referring("unsearched", "Patient/a", pid=0),
        referring("gone", "Patient/a"),
    ]
    staged = store.write(lambda tx: tx.stage(drafts))
    store.write(lambda tx: tx.stage([Delete("Observation", "gone")]))
    rids = {each.version.id: each.version.rid for each in staged if each.version is not None}
    with store.read() as view:
        assert isinstance(view, View)
        found = patients_of(view, rids.values())
    assert found == {rids["a"]: ["a"], rids[LONG]: [LONG], rids["two"]: ["a", LONG]}


def test_a_transaction_notes_the_patients_it_touches(store: Store) -> None:
    def touched(*commands: Any, purged: tuple[str, str] | None = None) -> list[str]:
        def work(tx: Write) -> list[str]:
            assert isinstance(tx, Writer)
            tx.touched = Touched()
            tx.stage(commands)
            if purged is not None:
                version = tx.current(*purged)
                assert version is not None
                tx.purge([version.rid])
            return tx.touched.ids(tx)

        return store.write(work)

    assert touched(Put(draft("Patient", "a")), Put(draft("Patient", LONG))) == ["a", LONG]
    assert touched(referring("o", "Patient/a", "Patient/b/_history/3", "Group/g")) == ["a", "b"]
    assert touched(referring("o", f"Patient/{LONG}")) == [LONG]
    assert touched(referring("o", "https://example.org/Patient/a", "Patient/z")) == ["z"]
    assert touched(referring("o", "Patient/a", pid=0), referring("p", "Patient/a")) == ["a"]
    assert touched(Delete("Observation", "p")) == ["a"]
    assert touched(Delete("Observation", "p")) == []
    assert touched(referring("q", "Patient/a")) == ["a"]
    assert touched(purged=("Observation", "q")) == ["a"]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/store.sqlite"
    else:
        yield request.getfixturevalue("postgres_database")


def test_the_trace_is_looked_at_beside_a_gateway_at_work(url: str) -> None:
    store = open_store(url, TYPES)
    try:
        leave(store, 1, 2, patients=["a"])
        leave(store, 3, 4, patients=["b", "c"])
        leave(store, 5)
        told = [msgspec.json.decode(line)["n"] for line in trace.lines(url)]
        assert told == [1, 2, 3, 4, 5]
        assert told == numbers(store)
        for asked, expected in (
            ({"last": 2}, [4, 5]),
            ({"last": 1, "patient": "a"}, [2]),
            ({"patient": "c"}, [3, 4]),
            ({"patient": "nobody"}, []),
            ({"since": 4}, [4, 5]),
        ):
            assert [msgspec.json.decode(line)["n"] for line in trace.lines(url, **asked)] == expected, asked
    finally:
        store.close()


def test_a_trace_that_cannot_be_read_is_told_without_a_password(tmp_path: Path) -> None:
    folder = tmp_path / "odd # name"
    folder.mkdir()
    url = f"sqlite:///{folder}/store.sqlite"
    with pytest.raises(trace.Untold, match="unable to open database file"):
        list(trace.lines(url))
    store = open_store(url, TYPES)
    leave(store, 1)
    assert len(list(trace.lines(url))) == 1
    store.close()
    assert len(list(trace.lines(url))) == 1
    with pytest.raises(trace.Untold) as untold:
        list(trace.lines("postgresql://user:secret@127.0.0.1:1/nothing"))
    assert "secret" not in str(untold.value)

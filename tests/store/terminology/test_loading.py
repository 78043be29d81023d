"""Loading code systems: all at once or not at all, replaced, removed, begun again after a stop; on both engines.

Source: fhir_gateway/store/terminology/README.md.
"""

from __future__ import annotations

import pytest

from fhir_gateway.fhir.outcome import Conflict, NotFound, Unprocessable
from fhir_gateway.store.contract import Store
from fhir_gateway.store.terminology import loading
from fhir_gateway.store.terminology.loaded import listed
from fhir_gateway.store.terminology.loading import load, remove
from fhir_gateway.store.terminology.systems import LoadedSystems
from fhir_gateway.terminology.releases.prepared import Prepared
from tests.store.terminology.made_up import COLOURS, URL, concept, french, laid, release


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No other process reads here."""
    monkeypatch.setattr(loading, "LET_GO", 0.0)


TABLES = ("term_system", "term_concept", "term_property", "term_name", "term_word")


def rows(store: Store) -> dict[str, int]:
    with store.read() as view:
        return {table: view.rows(f"SELECT count(*) FROM {table}")[0][0] for table in TABLES}


def test_what_is_loaded_is_listed_with_its_counts(store: Store) -> None:
    loaded = laid(store, release())
    assert listed(store) == [loaded]
    assert (loaded.canonical, loaded.concepts, loaded.names) == (f"{URL}|1", 6, 7)


def test_a_system_is_seen_at_once_when_all_of_it_is_there(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    systems = LoadedSystems(store, seconds=0)
    monkeypatch.setattr(loading, "BATCH", 1)
    seen: set[bool] = set()
    prepared = Prepared(release([concept(f"c{number}") for number in range(300)]))
    load(store, prepared, lambda what, done, total: seen.add(systems.system(URL) is not None))
    prepared.close()
    assert seen == {False}
    system = systems.system(URL)
    assert system is not None
    assert len(system.codes()) == 300


def test_a_load_that_fails_leaves_nothing(store: Store) -> None:
    before = rows(store)
    prepared = Prepared(release())

    def stop(what: str, done: int, total: int) -> None:
        if what == "name":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(store, prepared, stop)
    prepared.close()
    assert rows(store) == before


def test_what_a_killed_load_left_is_swept_up_and_it_begins_anew(store: Store) -> None:
    prepared = Prepared(release())
    system = store.write(lambda tx: loading._begin(tx, prepared))
    loading._fill(store, prepared, system, lambda what, done, total: None)
    prepared.close()
    assert listed(store) == []
    # The process is gone; on PostgreSQL its time must have run out.
    store.write(lambda tx: tx.rows("UPDATE term_system SET held_until = 0 WHERE system = ? RETURNING 1", (system,)))
    laid(store, release())
    assert rows(store) == {"term_system": 1, "term_concept": 6, "term_property": 3, "term_name": 7, "term_word": 8}


def test_the_same_version_cannot_be_loaded_twice_at_a_time(postgres_database: str) -> None:
    from fhir_gateway.store import open_store
    from tests.store.conftest import TYPES

    first, second = open_store(postgres_database, TYPES), open_store(postgres_database, TYPES)
    prepared = Prepared(release())
    first.write(lambda tx: loading._begin(tx, prepared))
    with pytest.raises(Conflict, match="terminology-load-at-work"):
        laid(second, release())
    prepared.close()
    first.close()
    second.close()


def test_a_load_that_was_overtaken_stops(store: Store) -> None:
    prepared = Prepared(release())

    def overtake(what: str, done: int, total: int) -> None:
        store.write(lambda tx: tx.rows("UPDATE term_system SET state = 'removed' RETURNING 1"))

    with pytest.raises(Conflict, match="terminology-load-overtaken"):
        load(store, prepared, overtake)
    prepared.close()
    assert listed(store) == []


def test_loading_a_version_again_replaces_it(store: Store) -> None:
    systems = LoadedSystems(store, seconds=0)
    laid(store, release())
    laid(store, release([*COLOURS, concept("mauve", "Mauve", ["colour"])]))
    system = systems.system(URL)
    assert system is not None
    assert system.concept("mauve") is not None
    assert rows(store)["term_system"] == 1
    assert rows(store)["term_concept"] == 7


def test_versions_stand_side_by_side_and_the_newest_is_meant(store: Store) -> None:
    systems = LoadedSystems(store, seconds=0)
    laid(store, release(version="10"))
    laid(store, release(version="9"))
    newest, older = systems.system(URL), systems.system(f"{URL}|9")
    assert newest is not None
    assert older is not None
    assert (newest.version, older.version) == ("10", "9")
    assert sorted(systems.canonicals()) == [f"{URL}|10", f"{URL}|9"]
    assert systems.system(f"{URL}|8") is None


def test_removing_takes_one_version_or_all(store: Store) -> None:
    systems = LoadedSystems(store, seconds=0)
    for version in ("1", "2", "3"):
        laid(store, release(version=version))
    assert [each.version for each in remove(store, f"{URL}|2")] == ["2"]
    assert systems.system(f"{URL}|2") is None
    assert len(remove(store, URL)) == 2
    assert set(rows(store).values()) == {0}


def test_removing_what_is_not_loaded_names_what_is(store: Store) -> None:
    laid(store, release())
    with pytest.raises(NotFound) as refusal:
        remove(store, "https://example.org/smells")
    assert refusal.value.issues[0].values["loaded"] == f"{URL}|1"


def test_the_generation_grows_with_what_is_loaded_and_removed(store: Store) -> None:
    systems = LoadedSystems(store, seconds=0)
    numbers = [systems.generation()]
    laid(store, release())
    numbers.append(systems.generation())
    laid(store, french())
    numbers.append(systems.generation())
    remove(store, f"{URL}/fr")
    numbers.append(systems.generation())
    assert numbers == sorted(set(numbers))


def test_what_is_loaded_is_looked_up_once_a_second_at_most(store: Store) -> None:
    systems = LoadedSystems(store, seconds=60)
    assert systems.system(URL) is None
    laid(store, release())
    assert systems.system(URL) is None
    assert LoadedSystems(store).system(URL) is not None


@pytest.mark.parametrize(
    ("concepts", "detail"),
    [
        ([concept("a"), concept("a")], "release-code-duplicate"),
        ([concept("a", parents=["b"]), concept("b", parents=["a"])], "release-cycle"),
        ([concept("a", parents=["a"])], "release-cycle"),
        ([concept("a", parents=["z"])], "release-parent-unknown"),
        ([], "release-empty"),
    ],
)
def test_a_bad_release_is_refused_before_anything_is_written(concepts: list[object], detail: str) -> None:
    with pytest.raises(Unprocessable) as refusal:
        Prepared(release(concepts))  # type: ignore[arg-type]
    assert refusal.value.issues[0].complaint.detail == detail


def test_codes_that_differ_in_case_alone_are_the_same_where_the_system_does_not_mind_case() -> None:
    both = [concept("a"), concept("A")]
    Prepared(release(both)).close()
    with pytest.raises(Unprocessable, match="release-code-duplicate"):
        Prepared(release(both, case_sensitive=False))

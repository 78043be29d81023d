"""The correspondence of persons and pseudonyms: sealed, found by keyed hashes, sealed anew where keys change.

Source: issue of platform formats, "Pseudonyms"; NIST SP 800-38D.
"""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest

from fhir_gateway.fhir.outcome import Conflict, Unavailable
from fhir_gateway.store import pseudonyms
from fhir_gateway.store.contract import Store
from fhir_gateway.store.pseudonyms import Keyring, Pseudonym, UnfitKeys

OLD, NEW = b"o" * 32, b"n" * 32
LIBRARY = "https://pfmg.test/identifier/library"
ADA = Pseudonym(LIBRARY, "LIB20260001", "Patient/ada")
BOB = Pseudonym(LIBRARY, "LIB20260002", "Patient/bob")


def record(store: Store, keys: Keyring, *held: Pseudonym) -> int:
    return store.write(lambda tx: pseudonyms.record(tx, keys, held))


def person(store: Store, keys: Keyring, each: Pseudonym) -> str | None:
    with store.read() as view:
        return pseudonyms.named(view, keys, [(each.system, each.value)]).get((each.system, each.value))


def test_who_is_recorded_is_found_by_the_name_and_by_the_person(store: Store) -> None:
    keys = Keyring({"a": OLD})
    assert record(store, keys, ADA, BOB) == 2
    assert person(store, keys, ADA) == "Patient/ada"
    with store.read() as view:
        assert pseudonyms.of_people(view, keys, ["Patient/bob"]) == [BOB]
        assert pseudonyms.named(view, keys, [("https://other.test", ADA.value)]) == {}


def test_the_database_holds_neither_names_nor_people(store: Store) -> None:
    record(store, Keyring({"a": OLD}), ADA)
    with store.read() as view:
        (row,) = view.rows("SELECT name, person, kid, sealed FROM pseudonym")
    text = repr(row).encode() + bytes(row[3])
    for secret in (b"LIB20260001", b"ada", b"library"):
        assert secret not in text


def test_the_same_again_changes_nothing_and_another_person_is_refused(store: Store) -> None:
    keys = Keyring({"a": OLD})
    record(store, keys, ADA)
    assert record(store, keys, ADA) == 0
    with pytest.raises(Conflict):
        record(store, keys, BOB, Pseudonym(ADA.system, ADA.value, "Patient/bob"))
    assert person(store, keys, BOB) is None


def test_the_same_secret_text_is_sealed_differently_each_time(store: Store) -> None:
    keys = Keyring({"a": OLD})
    sealed = {keys.current.seal(1, ADA) for _ in range(5)}
    assert len(sealed) == 5


def test_what_is_sealed_cannot_be_moved_to_another_row(store: Store) -> None:
    keys = Keyring({"a": OLD})
    record(store, keys, ADA, BOB)
    with store.read() as view:
        (first, second) = view.rows("SELECT name, sealed FROM pseudonym ORDER BY name")

    def swap(tx: object) -> None:
        tx.rows("UPDATE pseudonym SET sealed = ? WHERE name = ? RETURNING name", (second[1], first[0]))  # type: ignore[attr-defined]

    store.write(swap)
    with pytest.raises(Unavailable), store.read() as view:
        pseudonyms.of_people(view, keys, ["Patient/ada", "Patient/bob"])


def test_a_rotation_seals_everything_by_the_new_key_and_the_old_one_can_go(store: Store) -> None:
    record(store, Keyring({"old": OLD}), ADA, BOB)
    both, new = Keyring({"new": NEW, "old": OLD}), Keyring({"new": NEW})
    assert person(store, both, ADA) == "Patient/ada"
    assert person(store, new, ADA) is None
    assert store.write(lambda tx: pseudonyms.rotate(tx, both)) == 2
    assert store.write(lambda tx: pseudonyms.rotate(tx, both)) == 0
    assert person(store, new, ADA) == "Patient/ada"
    assert record(store, new, BOB) == 0


def test_a_key_that_is_lost_is_told_by_its_name(store: Store) -> None:
    record(store, Keyring({"old": OLD}), ADA)
    with pytest.raises(Unavailable) as lost:
        store.write(lambda tx: pseudonyms.rotate(tx, Keyring({"new": NEW})))
    assert "old" in lost.value.issues[0].text()
    with pytest.raises(Unavailable):
        person(store, Keyring({"old": NEW, "right": OLD}), ADA)


def test_who_is_forgotten_is_gone(store: Store) -> None:
    keys = Keyring({"a": OLD})
    record(store, keys, ADA, BOB)
    assert store.write(lambda tx: pseudonyms.forget(tx, keys, ["Patient/ada"])) == 1
    assert (person(store, keys, ADA), person(store, keys, BOB)) == (None, "Patient/bob")


def test_a_made_pseudonym_is_the_same_each_time_and_tells_nothing(store: Store) -> None:
    keys = Keyring({"a": OLD})
    one = pseudonyms.made(keys, LIBRARY, "Patient/ada")
    assert one == pseudonyms.made(keys, LIBRARY, "Patient/ada")
    assert one.value != pseudonyms.made(keys, "https://other.test", "Patient/ada").value
    assert one.value != pseudonyms.made(Keyring({"a": NEW}), LIBRARY, "Patient/ada").value
    assert len(one.value) == 16


def test_a_key_file_is_read_and_what_is_wrong_is_told_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f"# keys\n2027 {b64encode(NEW).decode()}\n2026 {b64encode(OLD).decode()}\n")
    assert Keyring.read(path).current.kid == "2027"
    for text, line in (("a b", 1), (f"a {b64encode(b'short').decode()}", 1), (f"a {b64encode(OLD).decode()}\n" * 2, 2)):
        path.write_text(text)
        with pytest.raises(UnfitKeys, match=f"line {line}"):
            Keyring.read(path)
    path.write_text("# none\n")
    with pytest.raises(UnfitKeys):
        Keyring.read(path)

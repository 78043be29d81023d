"""What is kept of each dossier for statistics: its summary, of which resources that was made, what concerns it since.

A write pays nothing for it, and none can be missed: what was written is found by its instant, as the index of words
does it. A mark says up to which instant it is known which summaries the resources written concern; those are due to be
made again. A resource concerns a summary that was made of it (`dossier_member`, by key: also what was named and not
there), and one with a request or a person that it refers to. What is erased for good leaves its keys behind.

Whoever notes or makes something does it as of one snapshot and writes it only where nobody has changed summaries since
(`State`), so that a summary never passes over something noted meanwhile.

A dossier's key `dk` is that of its number, which is not kept: nothing here tells of which person or dossier it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from fhir_gateway.store.contract import Read, Row, Version, Write
from fhir_gateway.store.dossier_erased import COUNTING, ERASED, SPEAKING
from fhir_gateway.store.index.hashing import h64
from fhir_gateway.store.view import VERSION, View
from fhir_gateway.store.writer import Writer

# The part that a resource has in a summary: only made of; what refers to it counts too; a request of the dossier.
MEMBER, PERSON, ASKING = 0, 1, 2
NEVER = 2**63 - 1  # µs

_LOCK = _STATE = "dossier-summaries"


class State(NamedTuple):
    """How far summaries are. Instants in µs.

    `mark`: of all written before it is known what it concerns; `stamp`: of the last change of any summary; `made_by`:
    what made them, "" where there are none.
    """

    mark: int
    stamp: int
    made_by: str


class Written(NamedTuple):
    """A resource written since the mark."""

    instant: int
    rid: int
    rk: int
    type: str
    deleted: bool


class Made(NamedTuple):
    """A summary. `due`: the instant (µs) from which on it must be made again; `facts`: empty for nothing to count.

    `members`: the keys of what it was made of, with their parts; without request among them there is no dossier.
    """

    dk: int
    due: int
    facts: bytes
    members: Mapping[int, int]


def key_of_number(number: str) -> int:
    """Return the key of a dossier's number ("system|value")."""
    return h64(number)


# --- what is known


def state(view: Read) -> State:
    """Return how far summaries are, as a view sees it."""
    found = view.rows("SELECT value FROM gateway_setting WHERE name = ?", (_STATE,))
    if not found:
        return State(0, 0, "")
    mark, stamp, made_by = bytes(found[0][0]).decode().split(" ", 2)
    return State(int(mark), int(stamp), made_by)


def written(view: Read, since: int, before: int = NEVER, limit: int | None = None) -> tuple[list[Written], int]:
    """Return what was written from an instant on and may concern a summary, the earliest first, and up to where.

    `before`: of earlier instants only. `limit`: about how many at most; what was written at one instant stays together.
    """
    found = _written(view, since, before, limit)
    if limit is None or len(found) <= limit:
        return found, before
    end = found[limit].instant  # what was written then is left for the next time
    if end == found[0].instant:
        return _written(view, end, end + 1, None), end + 1
    return [each for each in found if each.instant < end], end


def _written(view: Read, since: int, before: int, limit: int | None) -> list[Written]:
    assert isinstance(view, View)
    numbers = view.types.numbers
    kinds = [numbers[type] for type in sorted(COUNTING) if type in numbers]
    bounded = "" if limit is None else f" ORDER BY last_updated, rid LIMIT {limit + 1}"
    # A type each, so that it is read from its index; types that are many and say nothing here are not walked.
    each_type = (
        "SELECT * FROM (SELECT last_updated, rid, rk, rtype, deleted FROM resource"
        f" WHERE rtype = ? AND last_updated >= ? AND last_updated < ?{bounded}) t"
    )
    values = [value for kind in kinds for value in (kind, since, before)]
    rows = sorted(view.rows(" UNION ALL ".join([each_type] * len(kinds)), values)) if kinds else []
    return [
        Written(instant, rid, rk, view.types.name(rtype), deleted == 1) for instant, rid, rk, rtype, deleted in rows
    ]


def erased(view: Read) -> list[Row]:
    """Return what was erased and not noted yet."""
    return view.rows("SELECT rk, instant FROM dossier_erased")


def versions(view: Read, rids: Sequence[int]) -> list[Version]:
    """Return current versions by number, in the order of the numbers; none of what is deleted."""
    assert isinstance(view, View)
    clause, value = view.among("rid", rids)
    found = view.rows(f"SELECT {VERSION} FROM resource WHERE {clause} AND deleted = 0 ORDER BY rid", (value,))
    return list(map(view.types.version, found))


def concerned(view: Read, changed: Sequence[Written], gone: Sequence[Row]) -> set[int]:
    """Return the keys of the dossiers whose summaries were made of what was written or erased, or that it speaks of."""
    assert isinstance(view, View)
    own = {each.rk for each in changed} | {rk for rk, _ in gone}
    speaking = [each.rid for each in changed if each.type in SPEAKING]
    found: list[Row] = []
    if own:
        clause, value = view.among("rk", list(own))
        found += view.rows(f"SELECT DISTINCT dk FROM dossier_member WHERE {clause}", (value,))
    if speaking:
        clause, value = view.among("i.rid", speaking)
        found += view.rows(
            "SELECT DISTINCT m.dk FROM i_ref i JOIN dossier_member m ON m.rk = i.trk"
            f" WHERE {clause} AND m.part <> {MEMBER}",
            (value,),
        )
    return {dk for (dk,) in found}


def requests(view: Read, dks: Iterable[int]) -> list[tuple[int, Version]]:
    """Return the requests of dossiers as far as they are noted, each with its dossier's key, in the order of rids."""
    assert isinstance(view, View)
    clause, value = view.among("m.dk", list(dks))
    columns = ", ".join(f"r.{name}" for name in VERSION.split(", "))
    found = view.rows(
        f"SELECT m.dk, {columns} FROM dossier_member m JOIN resource r ON r.rk = m.rk"
        f" WHERE {clause} AND m.part = {ASKING} AND r.deleted = 0 ORDER BY r.rid",
        (value,),
    )
    return [(row[0], view.types.version(row[1:])) for row in found]


def due(view: Read, now: int, limit: int | None = None) -> list[int]:
    """Return the keys of dossiers (at most `limit`) whose summaries are to be made again at an instant (µs)."""
    bounded = "" if limit is None else f" LIMIT {limit}"
    return [dk for (dk,) in view.rows(f"SELECT dk FROM dossier_summary WHERE due <= ? ORDER BY due{bounded}", (now,))]


def facts(view: Read, now: int) -> list[tuple[int, bytes]]:
    """Return key and facts of all dossiers whose summaries hold at an instant (µs)."""
    rows = view.rows("SELECT dk, facts FROM dossier_summary WHERE due > ?", (now,))
    return [(dk, bytes(each)) for dk, each in rows]


# --- what is written


def note(
    tx: Write, seen: State, mark: int, dks: Iterable[int], asking: Iterable[tuple[int, int]], gone: Sequence[Row]
) -> bool:
    """Let the summaries of dossiers be due, and move the mark, as found out at the state `seen`.

    `asking`: requests (rk) with the dossier (dk) that each belongs to; `gone`: of `erased`, what was taken note of.
    Return whether it was done: not where summaries were changed since, or somebody else is at it.
    """
    assert isinstance(tx, Writer)
    if not _alone(tx, seen, State(mark, tx.instant, seen.made_by)):
        return False
    pairs = sorted(set(asking))
    wanted = sorted({*dks, *(dk for _, dk in pairs)})
    if wanted:
        clause, value = tx.among("dk", wanted)
        known = {dk for (dk,) in tx.rows(f"SELECT dk FROM dossier_summary WHERE {clause}", (value,))}
        tx.change(f"UPDATE dossier_summary SET due = 0 WHERE {clause} AND due <> 0", (value,))
        if new := [(dk, 0, b"") for dk in wanted if dk not in known]:
            tx.insert("dossier_summary", ("dk", "due", "facts"), new)
    if pairs:
        tx.remove("dossier_member", ("rk", "dk"), pairs)
        tx.insert("dossier_member", ("rk", "dk", "part"), [(*pair, ASKING) for pair in pairs])
    if gone:
        tx.remove("dossier_erased", ERASED, gone)
    return True


def begin_anew(tx: Write, seen: State, made_by: str) -> bool:
    """Let all summaries be due, since something else makes them from now on. Return as `note` does."""
    assert isinstance(tx, Writer)
    if not _alone(tx, seen, State(seen.mark, tx.instant, made_by)):
        return False
    tx.change("UPDATE dossier_summary SET due = 0 WHERE due <> 0", ())
    return True


def keep(tx: Write, seen: State, made: Sequence[Made]) -> bool:
    """Write summaries made of a snapshot at the state `seen`. Return as `note` does."""
    assert isinstance(tx, Writer)
    if not _alone(tx, seen, State(seen.mark, tx.instant, seen.made_by)):
        return False
    clause, value = tx.among("dk", [each.dk for each in made])
    before = {tuple(row) for row in tx.rows(f"SELECT rk, dk, part FROM dossier_member WHERE {clause}", (value,))}
    standing = [each for each in made if ASKING in each.members.values()]
    after = {(rk, each.dk, part) for each in standing for rk, part in each.members.items()}
    if lost := [(rk, dk) for rk, dk, _ in sorted(before - after)]:
        tx.remove("dossier_member", ("rk", "dk"), lost)
    if come := sorted(after - before):
        tx.insert("dossier_member", ("rk", "dk", "part"), come)
    tx.change(f"DELETE FROM dossier_summary WHERE {clause}", (value,))
    if standing:
        rows = [(each.dk, each.due, each.facts) for each in standing]
        tx.insert("dossier_summary", ("dk", "due", "facts"), rows)
    return True


def _alone(tx: Writer, seen: State, after: State) -> bool:
    """Tell whether this transaction is the one that brings summaries from one state to the next, and let it do so."""
    tx.beside = True
    if not tx.alone(_LOCK) or state(tx) != seen:
        return False
    value = f"{after.mark} {after.stamp} {after.made_by}".encode()
    if not tx.rows("UPDATE gateway_setting SET value = ? WHERE name = ? RETURNING name", (value, _STATE)):
        tx.insert("gateway_setting", ("name", "value"), [(_STATE, value)])
    return True

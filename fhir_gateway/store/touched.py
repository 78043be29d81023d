"""Which Patients a resource touches: those that its references name which a search parameter finds, and itself if it is
a Patient.

Of what is written they are those of the new version; of what is deleted or erased, those of the last.

Source: FHIR R4, References; AuditEvent, `entity`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fhir_gateway.store.contract import Draft
from fhir_gateway.store.view import View

PATIENT = "Patient"
_REFERENCE = f"{PATIENT}/"
_ID = len(_REFERENCE)  # where the id begins
_BEHIND = f"{PATIENT}0"  # the first text behind those that begin so
_WHOLE = 64  # characters: a text of so many may have lost its end (`hashing.order_text`)


def patients_of(view: View, rids: Iterable[int]) -> dict[int, list[str]]:
    """Return the ids of the Patients that resources, given by number, touch as they are now; none for the deleted."""
    patients = referred_from(view, rids)
    clause, value = view.among("rid", sorted(rids))
    number = view.types.number(PATIENT)
    for rid, id in view.rows(f"SELECT rid, fhir_id FROM resource WHERE {clause} AND rtype = ?", (value, number)):
        patients.setdefault(rid, []).append(id)
    return patients


def referred_from(view: View, rids: Iterable[int]) -> dict[int, list[str]]:
    """Return the same without the resources themselves, where they are Patients."""
    clause, value = view.among("i.rid", sorted(rids))
    # By the texts, in their order: few rows begin with them, where each row's target would have to be looked up.
    texts = view.rows(
        f"SELECT i.rid, i.s FROM i_ref i WHERE {clause} AND i.pid <> 0 AND i.s >= ? AND i.s < ?",
        (value, _REFERENCE, _BEHIND),
    )
    patients: dict[int, list[str]] = {}
    clipped: set[int] = set()
    for rid, text in texts:
        if len(text) >= _WHOLE:
            clipped.add(rid)
            continue
        id = text[_ID:] if text.find("/", _ID) < 0 else text[_ID:].partition("/")[0]
        found = patients.get(rid)
        if found is None:
            patients[rid] = [id]
        elif id not in found:
            found.append(id)
    if clipped:
        clause, value = view.among("i.rid", sorted(clipped))
        rows = view.rows(f"SELECT DISTINCT i.rid, i.trk FROM i_ref i WHERE {clause} AND i.pid <> 0", (value,))
        ids = _patients(view, {trk for _, trk in rows})
        for rid, trk in rows:
            if trk in ids and ids[trk] not in (found := patients.setdefault(rid, [])):
                found.append(ids[trk])
    return patients


def _patients(view: View, keys: Iterable[int]) -> dict[int, str]:
    """Return the ids of those keys that are of Patients here."""
    clause, value = view.among("rk", sorted(keys))
    number = view.types.number(PATIENT)
    return dict(view.rows(f"SELECT rk, fhir_id FROM resource WHERE {clause} AND rtype = ?", (value, number)))


class Touched:
    """The Patients that a transaction touches, while it stages and erases."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._keys: set[int] = set()  # of references whose text is not whole

    def add_draft(self, draft: Draft) -> None:
        if draft.type == PATIENT:
            self._ids.add(draft.id)
        for key, pid, text in draft.index.get("i_ref", ()):
            if text is None or not pid or not text.startswith(_REFERENCE):
                continue
            if len(text) < _WHOLE:
                self._ids.add(text[len(_REFERENCE) :].partition("/")[0])
            else:
                self._keys.add(key)

    def add_stored(self, view: View, rids: Sequence[int]) -> None:
        """Add those of resources as they are stored, which will be gone."""
        if rids:
            self._ids.update(id for ids in patients_of(view, rids).values() for id in ids)

    def ids(self, view: View) -> list[str]:
        """Return the ids, in order."""
        if self._keys:
            self._ids.update(_patients(view, self._keys).values())
        return sorted(self._ids)

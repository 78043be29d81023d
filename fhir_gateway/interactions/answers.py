"""What a write answers: status, headers, and the body that the sender prefers.

Source: FHIR R4, RESTful API, "Managing Return Content" (Prefer), "create", "update", "delete".
"""

from __future__ import annotations

from fhir_gateway.fhir.json import encode
from fhir_gateway.fhir.outcome import operation_outcome
from fhir_gateway.interactions import complaints
from fhir_gateway.interactions.entry import Done, Entry
from fhir_gateway.interactions.interaction import Answer

_STATUS = {"created": 201, "updated": 200, "unchanged": 200, "found": 200, "deleted": 204, "absent": 204}


def status_of(done: Done) -> int:
    """Return the HTTP status of what was done, where no body says more."""
    return _STATUS[done.outcome]


def location_of(done: Done) -> str | None:
    """Return the URL, relative to the base, of the version that is now current; None for what is deleted."""
    version = done.version
    if version is None or version.deleted:
        return None
    return f"{version.type}/{version.id}/_history/{version.vid}"


def outcome_of(entry: Entry, done: Done) -> bytes:
    """Return an OperationOutcome that tells what was done, and what is to be said about the resource that came."""
    if done.version is not None:
        what = f"{done.version.type}/{done.version.id} (version {done.version.vid})"
    else:
        what = f"{done.count} {entry.act.type}"
    issues = [complaints.DONE[done.outcome].at(what=what), *entry.notes, *entry.gaps]
    return encode(operation_outcome(issues, entry.act.language))


def answer(entry: Entry, done: Done) -> Answer:
    """Return the answer to an act alone.

    return=minimal: no body; representation, and where nothing is asked: the resource; OperationOutcome: what was done.
    """
    act, version = entry.act, done.version
    status, body = status_of(done), None
    if act.prefer.return_ == "OperationOutcome":
        body = outcome_of(entry, done)
        status = 200 if status == 204 else status
    elif act.prefer.return_ != "minimal" and version is not None and not version.deleted:
        body = version.body
    return Answer(
        status,
        body,
        version=None if version is None else version.vid,
        last_updated=None if version is None else version.last_updated,
        location=location_of(done) if done.outcome in ("created", "found") else None,
        shown=() if version is None else (version.rid,),
    )

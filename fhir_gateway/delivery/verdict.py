"""What an answer means for what was sent: taken, refused for its content, or to be sent again later.

Source: HL7 v2.5.1, chapter 2, 2.9.2; table 0008; ANS, CI-SIS, volume transmission ("AE", "AR").
"""

from __future__ import annotations

from dataclasses import replace

from fhir_gateway.delivery import complaints
from fhir_gateway.delivery.complaints import told
from fhir_gateway.exchange.hl7v2.answer import Answered
from fhir_gateway.store.outbox import Entry, Tried

_SECOND = 1_000_000  # µs
_TAKEN, _CONTENT = frozenset({"AA", "CA"}), frozenset({"AE", "CE"})


def verdict(said: Answered, data: bytes, enhanced: bool) -> Tried:
    """Return what an answer makes of an entry; where that is to be sent again, when is not said yet.

    `enhanced`: CA says only that it arrived.
    """
    detail = {"code": said.code[:20], **({"conditions": list(said.conditions)} if said.conditions else {})}
    if said.code == "CA" and enhanced:
        return Tried("sent", said.code, answer=data, detail=detail)
    if said.code in _TAKEN:
        return Tried("acknowledged", said.code, answer=data, detail=detail)
    if said.code in _CONTENT:
        return Tried("rejected", said.code, answer=data, detail=detail)
    came = said.code if said.code in ("AR", "CR") else "answer not understood"
    return Tried("queued", came, answer=data, detail=detail)


def with_wait(tried: Tried, entry: Entry, now: int, first: float, longest: float, give_up: float) -> Tried:
    """Return what comes of a try that is to be repeated: with the wait until then, doubled each time, or given up.

    `first`, `longest`, `give_up`: seconds, the last 0 for never; `now`: µs.
    """
    if tried.state != "queued":
        return tried
    if give_up and now - entry.recorded > give_up * _SECOND:
        issues = told(complaints.TOO_OLD.at(hours=f"{give_up / 3600:g}"))["issues"]
        return replace(
            tried, state="dead", detail={**tried.detail, "issues": [*tried.detail.get("issues", ()), *issues]}
        )
    seconds = min(first * 2.0 ** min(max(entry.attempts - 1, 0), 30), longest)
    return replace(tried, wait=int(seconds * _SECOND))

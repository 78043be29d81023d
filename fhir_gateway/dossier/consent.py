"""What a person's consents permit at a date: the answer to one question of the form, and the provision that decides.

A statement is one provision of one version of a Consent, from the instant it holds from. The latest statement on a
question decides; of two from the same instant the refusal does. A root provision of R4 has no type: it permits nothing.

Source: FHIR R4, Consent, "provision"; code civil, article 16-10 ("révocable en tout ou partie, sans forme et à tout
moment"); `terminology/pfmg/CodeSystem-pfmg-choix.json`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.codes import Element, Resource
from fhir_gateway.fhir.primitives import interval_of

Answer = Literal["permit", "deny", "unknown"]
# What was never signed, or was never so, states nothing.
STATING = frozenset({"active", "inactive"})


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer, the Consent version that gives it, where in it, since when and until when (µs since 1970, UTC).

    `expression`: a FHIRPath expression in that Consent; for a whole withdrawal its status. `until`: the first instant
    of which another answer is known already; None: none is. Of "unknown" only that and `until` are told.
    """

    answer: Answer
    consent: Resource | None = None
    expression: str | None = None
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class _Statement:
    answer: Literal["permit", "deny"]
    start: int
    end: int | None
    consent: Resource
    expression: str


def decision(consents: Iterable[Resource], patient: Iterable[str], code: str, at: str) -> Decision:
    """Return what the consents of a patient say of a question (a code of pfmg-choix) at a date or instant.

    `consents`: current versions, with earlier ones where the past is asked about. `patient`: all names that a
    reference may give the patient ("Patient/1", a urn, "system|value"). A date means its first instant.
    Raises: InvalidRequest("not-a-date") when `at` is no date.
    """
    instant = interval_of(at).low
    named = frozenset(patient)
    mine = [each for each in consents if _names(each.get("patient", {})) & named]
    statements = list(_statements(mine, code))
    last = _deciding(statements, instant)
    changes = sorted(
        {each for one in statements for each in (one.start, one.end) if each is not None and each > instant}
    )
    answers = ((change, _answer(_deciding(statements, change))) for change in changes)
    until = next((change for change, answer in answers if answer != _answer(last)), None)
    if last is None:
        return Decision("unknown", until=until)
    return Decision(last.answer, last.consent, last.expression, last.start, until)


def _deciding(statements: list[_Statement], instant: int) -> _Statement | None:
    held = [each for each in statements if each.start <= instant and (each.end is None or instant < each.end)]
    return max(held, key=lambda each: (each.start, each.answer == "deny"), default=None)


def _answer(statement: _Statement | None) -> Answer:
    return "unknown" if statement is None else statement.answer


def _names(reference: Element) -> frozenset[str]:
    logical = codes.token(reference.get("identifier"))
    names = {str(reference["reference"]).partition("/_history/")[0]} if "reference" in reference else set()
    return frozenset(names | ({logical} if logical is not None else set()))


def _statements(consents: list[Resource], code: str) -> Iterator[_Statement]:
    versions: dict[object, list[Resource]] = {}
    for number, consent in enumerate(consents):
        versions.setdefault(consent.get("id", number), []).append(consent)
    for each in versions.values():
        each.sort(key=_written)
        # "This record was never so": its earlier versions were not either.
        if each[-1].get("status") == "entered-in-error":
            continue
        earlier: dict[int, str] = {}
        for position, consent in enumerate(each):
            if consent.get("status") in STATING:
                yield from _of_version(consent, code, is_later=position > 0, earlier=earlier)


def _written(consent: Resource) -> int:
    updated = consent.get("meta", {}).get("lastUpdated")
    return interval_of(updated).low if isinstance(updated, str) else -(2**63)


def _signed(consent: Resource) -> int | None:
    return interval_of(consent["dateTime"]).low if "dateTime" in consent else None


def _of_version(consent: Resource, code: str, is_later: bool, earlier: dict[int, str]) -> Iterator[_Statement]:
    root = consent.get("provision", {})
    signed = _signed(consent)
    written = _written(consent)
    base = signed if signed is not None else max(written, 0)
    withdrawn = withdrawn_at(consent)
    for number, provision in enumerate(root.get("provision", ())):
        answer = provision.get("type")
        if code not in codes.codes(provision.get("code"), codes.CHOIX) or answer not in ("permit", "deny"):
            continue
        # A changed answer of a later version holds from when it was written, not from the old signature.
        start = max(base, written) if is_later and earlier.get(number, answer) != answer else base
        earlier[number] = answer
        period = _period(provision)
        if period[0] is not None:
            start = period[0]
        ends = [each for each in (period[1], _period(root)[1]) if each is not None]
        expression = f"Consent.provision.provision[{number}]"
        yield _Statement(answer, start, min(ends, default=None), consent, expression)
        if withdrawn is not None:
            yield _Statement("deny", max(withdrawn, start), None, consent, "Consent.status")


def _period(provision: Element) -> tuple[int | None, int | None]:
    period = provision.get("period", {})
    start = interval_of(period["start"]).low if "start" in period else None
    # "If the end of the period is inclusive": 2024-02-10 holds through that day.
    end = interval_of(period["end"]).high if "end" in period else None
    return start, end


def withdrawn_at(consent: Resource) -> int | None:
    """Return the instant from which a Consent is withdrawn as a whole (status inactive), or None: it is not.

    The end of its root provision's period says when; else when this version was written; else its own date.
    """
    if consent.get("status") != "inactive":
        return None
    end = consent.get("provision", {}).get("period", {}).get("end")
    if isinstance(end, str):
        return interval_of(end).low
    written = _written(consent)
    return written if written > -(2**63) else _signed(consent) or 0


def is_held(consent: Resource) -> bool:
    """Tell whether a complete signed form is held, whatever it says: status active."""
    return consent.get("status") == "active"

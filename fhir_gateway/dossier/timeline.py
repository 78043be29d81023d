"""Where a dossier stands: dated milestones, the days between them, and what it waits for and on whom (`$suivi`).

Source: dated steps of the SeqOIA export (`terminology/pfmg/CodeSystem-pfmg-etape.json`, "spice"); FHIR R4, Task.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from fhir_gateway.dossier import codes, deposit
from fhir_gateway.dossier.codes import Element
from fhir_gateway.dossier.consents_held import care_consents, exam_decision
from fhir_gateway.dossier.dossier import Dossier, Held, task_code
from fhir_gateway.dossier.guards import AFTER_COMPLETION, FINAL, NON_CONFORMITIES
from fhir_gateway.dossier.prescription import is_root, rcp_decision
from fhir_gateway.fhir.primitives import DAY, interval_of

OPEN: Final = frozenset({"requested", "received", "accepted", "in-progress", "on-hold"})
LOST: Final = frozenset({"failed", "cancelled", "rejected"})

# The milestones in their order, in both languages.
MILESTONES: Final[Mapping[str, tuple[str, str]]] = {
    "creation": ("Création", "Created"),
    "rcp": ("Validation en RCP d'amont", "Validated by the upstream RCP"),
    "consentement": ("Consentements recueillis", "Consents obtained"),
    "prelevement": ("Prélèvements faits", "Specimens collected"),
    "reception": ("Prélèvements reçus et conformes", "Specimens received and conform"),
    "sequencage": ("Séquençage", "Sequencing"),
    "interpretation": ("Interprétation", "Interpretation"),
    "compte-rendu": ("Compte rendu signé", "Report signed"),
    "restitution": ("Restitution", "Restitution"),
    "depot-demande": ("Dépôt au collecteur demandé", "Deposit with the collector asked for"),
    "depot": ("Dépôt au collecteur fait", "Laid down at the collector"),
    "depot-accuse": ("Dépôt acquitté par le collecteur", "Acknowledged by the collector"),
}
# On whom a Task waits while nobody owns it.
WHOM: Final[Mapping[str, tuple[str, str]]] = {
    "rcp-amont": ("la RCP d'amont", "the upstream RCP"),
    "recueil-consentement": ("l'établissement prescripteur", "the prescribing hospital"),
    "interpretation": ("un biologiste habilité", "an authorised biologist"),
    "rcp-aval": ("la RCP d'aval", "the downstream RCP"),
}
_PLATFORM: Final = ("la plateforme", "the platform")
_PRESCRIBER: Final = ("le prescripteur", "the prescriber")


@dataclass(frozen=True, slots=True)
class Evidence:
    """A date, and the name of the resource that has it ("Task/1")."""

    date: str
    source: str


@dataclass(frozen=True, slots=True)
class Milestone:
    """`date`: as the resource that evidences it has it, None: not reached. Days are whole days since the creation, and
    since the milestone reached before; None where there is none. `source`: the name of the resource that says so."""

    code: str
    french: str
    english: str
    date: str | None
    days: int | None
    days_since_previous: int | None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Setback:
    """Something that did not go as planned: a Task rejected, failed or on hold, with its reason (pfmg-motif).

    `task`: its code (pfmg-tache); `source`: its name ("Task/1").
    """

    task: str
    status: str
    reason: str | None
    date: str
    source: str


@dataclass(frozen=True, slots=True)
class Wait:
    """What a dossier waits for (a code of pfmg-tache, or "finalisation", "decision", "lecture") and on whom.

    `owner`: the structure's "system|value" where one owns it; `since`: a date; `days`: until now.
    """

    what: str
    whom_fr: str
    whom_en: str
    owner: str | None
    since: str
    days: int
    status: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """`etape`: where it stands (pfmg-etape); `days`: from creation to restitution, or to now while there is none."""

    number: str | None
    etape: str
    milestones: tuple[Milestone, ...]
    setbacks: tuple[Setback, ...]
    waits: tuple[Wait, ...]
    days: int

    def date(self, code: str) -> str | None:
        return next((each.date for each in self.milestones if each.code == code), None)


def timeline(dossier: Dossier, now: str) -> Timeline:
    """Return the timeline of a dossier as seen at an instant.

    Raises: InvalidRequest("not-a-date") when a date is none.
    """
    dates = _dates(dossier, now)
    milestones = tuple(_milestones(dates))
    start = dates["creation"]
    end = dates["restitution"]
    return Timeline(
        number=dossier.number,
        etape=etape(dossier, now),
        milestones=milestones,
        setbacks=tuple(sorted(_setbacks(dossier), key=lambda each: _instant(each.date))),
        waits=tuple(_waits(dossier, dates, now)),
        days=_days(start.date, end.date if end is not None else now) if start is not None else 0,
    )


def _milestones(dates: Mapping[str, Evidence | None]) -> Iterator[Milestone]:
    start = dates["creation"]
    previous: Evidence | None = None
    for code, (french, english) in MILESTONES.items():
        told = dates[code]
        days = _days(start.date, told.date) if start is not None and told is not None else None
        since = _days(previous.date, told.date) if previous is not None and told is not None else None
        date, source = (told.date, told.source) if told is not None else (None, None)
        yield Milestone(code, french, english, date, days, since, source)
        previous = told or previous


def _dates(dossier: Dossier, now: str) -> dict[str, Evidence | None]:
    rcp = rcp_decision(dossier)
    final = [each for each in dossier.reports() if each.resource.get("status") in FINAL]
    return {
        "creation": _first(_evidence(each, each.resource.get("authoredOn")) for each in dossier.requests),
        "rcp": _done(rcp) if rcp is not None else None,
        "consentement": _consents(dossier, now),
        "prelevement": _collected(dossier),
        "reception": _all_done(dossier, "reception-prelevement") or _received(dossier),
        "sequencage": _all_done(dossier, "sequencage"),
        "interpretation": _all_done(dossier, "interpretation"),
        "compte-rendu": _first(_evidence(each, each.resource.get("issued")) for each in final),
        "restitution": _all_done(dossier, "restitution"),
        **_deposit(dossier),
    }


def _deposit(dossier: Dossier) -> dict[str, Evidence | None]:
    """Return when the deposit was asked for, laid down, acknowledged; of several that stand, all of them."""
    tasks = deposit.standing(dossier)
    laid = [_evidence(each, deposit.laid_down(each.resource)) for each in tasks]
    return {
        "depot-demande": _last(_evidence(each, deposit.asked_for(dossier, each.resource)) for each in tasks),
        "depot": _last(laid) if all(laid) else None,
        "depot-accuse": _all_done(dossier, deposit.CODE),
    }


def _consents(dossier: Dossier, now: str) -> Evidence | None:
    """Return the last of the first signatures of each person; None as long as somebody does not consent."""
    signed = []
    for person in dossier.people:
        first = _first(_evidence(each, each.resource.get("dateTime")) for each in care_consents(dossier, person))
        if first is None or exam_decision(dossier, person, now).answer != "permit":
            return None
        signed.append(first)
    return _last(signed)


def _collected(dossier: Dossier) -> Evidence | None:
    taken = []
    for person in dossier.people:
        first = _first(_evidence(each, _collection(each)) for each in dossier.specimens(person.key))
        if first is None:
            return None
        taken.append(first)
    return _last(taken)


def _collection(specimen: Held) -> str | None:
    collection = specimen.resource.get("collection", {})
    period = collection.get("collectedPeriod", {})
    dates = (collection.get("collectedDateTime"), period.get("end"), period.get("start"))
    return next((str(each) for each in dates if each is not None), None)


def _received(dossier: Dossier) -> Evidence | None:
    """Return when all tubes were received, from the specimens; None where one is missing, or Tasks tell."""
    if dossier.tasks("reception-prelevement"):
        return None
    received = []
    for person in dossier.people:
        tubes = [each for each in dossier.specimens(person.key) if is_root(each.resource)]
        if not tubes or any("receivedTime" not in each.resource for each in tubes):
            return None
        received += [_evidence(each, each.resource["receivedTime"]) for each in tubes]
    return _last(received)


def _all_done(dossier: Dossier, code: str) -> Evidence | None:
    """Return when the last Task of a code was completed; None while one is not. What was lost does not count."""
    tasks = [each for each in dossier.tasks(code) if each.resource.get("status") not in LOST]
    if not tasks or any(each.resource.get("status") != "completed" for each in tasks):
        return None
    return _last(_done(each) for each in tasks)


def _done(task: Held) -> Evidence | None:
    return _evidence(task, task.resource.get("executionPeriod", {}).get("end") or task.resource.get("lastModified"))


def _evidence(held: Held, date: str | None) -> Evidence | None:
    return Evidence(date, held.key) if date is not None else None


# --- where it stands


def etape(dossier: Dossier, now: str) -> str:
    """Return where a dossier stands, as a code of pfmg-etape."""
    statuses = {each.resource.get("status") for each in dossier.requests}
    if statuses <= {"completed", "revoked"}:
        return "clos"
    if _all_done(dossier, "restitution") is not None:
        return "rendu"
    if _is_asked(dossier, "interpretation") or _is_asked(dossier, "restitution"):
        return "attente-interpretation"
    if _is_asked(dossier, "analyse-bioinfo"):
        return "attente-analyse"
    if dossier.is_draft:
        if rcp_decision(dossier) is None:
            return "attente-rcp"
        return "rcp-valide" if _consents(dossier, now) is not None else "attente-consentement"
    if _is_non_conform(dossier):
        return "non-conforme"
    return "prelevement-recu" if _all_done(dossier, "reception-prelevement") is not None else "dossier-valide"


def _is_asked(dossier: Dossier, code: str) -> bool:
    return any(each.resource.get("status") in OPEN | {"completed"} for each in dossier.tasks(code))


def _is_non_conform(dossier: Dossier) -> bool:
    answered = {dossier.key(each.resource.get("reasonReference")) for each in dossier.tasks() if _is_over(each)}
    return any(
        each.resource.get("status") in ("on-hold", "failed", "rejected")
        and codes.code(each.resource.get("statusReason"), codes.MOTIF) in NON_CONFORMITIES
        and each.key not in answered
        for each in dossier.tasks()
    )


def _is_over(task: Held) -> bool:
    return task.resource.get("status") == "completed"


# --- what stands in the way


def _setbacks(dossier: Dossier) -> Iterator[Setback]:
    for task in dossier.tasks():
        status = str(task.resource.get("status"))
        if status in ("rejected", "failed", "on-hold"):
            reason = codes.code(task.resource.get("statusReason"), codes.MOTIF)
            date = str(task.resource.get("lastModified", task.resource.get("authoredOn", "")))
            if date:
                yield Setback(task_code(task.resource) or "", status, reason, date, task.key)


def _waits(dossier: Dossier, dates: Mapping[str, Evidence | None], now: str) -> Iterator[Wait]:
    statuses = {each.request.resource.get("status") for each in dossier.people}
    tasks = [each for each in dossier.tasks() if each.resource.get("status") in OPEN]
    if statuses <= {"completed", "revoked"}:
        # What follows the prescriber's reading is still somebody's to do, a deposit with the collector among it.
        yield from (_wait_for(dossier, each, now) for each in tasks if task_code(each.resource) in AFTER_COMPLETION)
        return
    for task in tasks:
        yield _wait_for(dossier, task, now)
    if "on-hold" in statuses:
        yield _wait_for_prescriber("decision", _held_since(dossier), "on-hold", now)
    elif dossier.is_draft and not tasks:
        ready = _last((dates["rcp"], dates["consentement"])) or dates["creation"]
        yield _wait_for_prescriber("finalisation", ready, "draft", now)
    elif dates["restitution"] is not None:
        yield _wait_for_prescriber("lecture", dates["restitution"], "active", now)


def _wait_for_prescriber(what: str, since: Evidence | None, status: str, now: str) -> Wait:
    date = since.date if since is not None else now
    return Wait(what, *_PRESCRIBER, None, date, _days(date, now), status, None)


def _held_since(dossier: Dossier) -> Evidence | None:
    held = [each for each in dossier.requests if each.resource.get("status") == "on-hold"]
    told = (each for request in held for each in dossier.provenances(request))
    return _last(_evidence(each, each.resource.get("recorded")) for each in told)


def _wait_for(dossier: Dossier, task: Held, now: str) -> Wait:
    code = task_code(task.resource) or ""
    owner: Element = task.resource.get("owner", {})
    numbers = sorted(dossier.organisations(owner))
    french, english = WHOM.get(code, _PLATFORM)
    held = dossier.resolve(owner)
    name = owner.get("display") or (held.resource.get("name") if held is not None else None)
    since = str(task.resource.get("lastModified", task.resource.get("authoredOn", now)))
    reason = codes.code(task.resource.get("statusReason"), codes.MOTIF)
    status = str(task.resource.get("status"))
    token = codes.token(owner.get("identifier")) or (numbers[0] if numbers else None)
    return Wait(code, name or french, name or english, token, since, _days(since, now), status, reason)


# --- dates


def _instant(date: str) -> int:
    return interval_of(date).low


def _days(start: str, end: str) -> int:
    """Return the whole days between two dates, each as its first instant; negative when the first is later."""
    return (_instant(end) - _instant(start)) // DAY


def _first(told: Iterable[Evidence | None]) -> Evidence | None:
    return min((each for each in told if each is not None), key=lambda each: _instant(each.date), default=None)


def _last(told: Iterable[Evidence | None]) -> Evidence | None:
    return max((each for each in told if each is not None), key=lambda each: _instant(each.date), default=None)

"""The Tasks that the server makes and moves on: what a dossier owes at its state, as one pure function.

`owed` is idempotent: given a dossier in which its answer was written, it owes nothing more. So a door asks after each
write, and a step that was missed is caught up by the next one.

A person's specimen goes through reception, preparation, sequencing; the dossier through analysis, interpretation,
report, RCP d'aval, deposit. A Task is `requested` once its predecessors are completed. Sequencing that is cancelled, of
one member, is a waiver: the analysis goes on without. To collect a consent is completed once one is held by which
nothing is left to collect, whoever brought it. A report that is amended after its deposit is deposited again.

Source: genomics design, "Tasks: code, scope, owner"; genomic order management of NHS England (Tasks requested in turn);
`terminology/pfmg/CodeSystem-pfmg-tache.json`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from fhir_gateway.dossier import codes, deposit
from fhir_gateway.dossier.changes import SERVER_AGENT, Changes, custodian, provenance, reference_to, with_status
from fhir_gateway.dossier.codes import Resource
from fhir_gateway.dossier.consents_held import collected
from fhir_gateway.dossier.dossier import Dossier, Held, Person, task_code
from fhir_gateway.dossier.participants import participants
from fhir_gateway.dossier.prescription import is_root
from fhir_gateway.dossier.timeline import etape

Scope = Literal["dossier", "person", "specimen"]
OVER: Final = frozenset({"completed", "cancelled", "failed", "rejected", "entered-in-error"})
# A Task that asks for a consent and is not over.
COLLECTING: Final = frozenset({"requested", "received", "accepted", "in-progress", "on-hold"})
SPECIMEN_REASONS: Final = frozenset({"prelevement-manquant", "prelevement-non-conforme"})


@dataclass(frozen=True, slots=True)
class Step:
    """A kind of Task. `from_draft`: made while the request is a draft, at once requested; else at activation.

    `after`: its predecessor. `owner`: who is asked; None: whoever may claims it. `etape`: where the dossier stands
    while it is asked for (pfmg-etape).
    """

    code: str
    scope: Scope
    from_draft: bool
    after: str | None
    owner: Literal["platform", "requester"] | None
    etape: str


STEPS: Final[tuple[Step, ...]] = (
    Step("rcp-amont", "dossier", True, None, None, "attente-rcp"),
    Step("recueil-consentement", "person", True, None, "requester", "attente-consentement"),
    Step("reception-prelevement", "specimen", False, None, "platform", "dossier-valide"),
    Step("preparation", "specimen", False, "reception-prelevement", "platform", "prelevement-recu"),
    Step("sequencage", "specimen", False, "preparation", "platform", "prelevement-recu"),
    Step("analyse-bioinfo", "dossier", False, "sequencage", "platform", "attente-analyse"),
    Step("interpretation", "dossier", False, "analyse-bioinfo", None, "attente-interpretation"),
    Step("restitution", "dossier", False, "interpretation", "platform", "attente-interpretation"),
    Step("rcp-aval", "dossier", False, "restitution", None, "rendu"),
    Step("depot-cad", "dossier", False, "restitution", "platform", "rendu"),
)
BY_CODE: Final = {step.code: step for step in STEPS}
# A reanalysis has data and needs no tube; a reinterpretation has variants and needs no analysis.
SKIPPED: Final = {
    "reanalyse": frozenset({"reception-prelevement", "preparation", "sequencage"}),
    "reinterpretation": frozenset({"reception-prelevement", "preparation", "sequencage", "analyse-bioinfo"}),
}
BENCH: Final = ("reception-prelevement", "preparation", "sequencage")


def owed(dossier: Dossier, at: str) -> Changes:
    """Return the Tasks that a dossier lacks, those that are due, and those to be cancelled. `at`: now, an instant.

    A dossier without number owes nothing: its Tasks could not name it.
    """
    if dossier.number is None:
        return Changes()
    cascade = _cascade(dossier, at)
    # One thing at a time: what is revoked has no next step, and the next call sees the dossier as it is then.
    if cascade:
        return cascade
    missing = Changes(created=tuple(_missing(dossier, at)))
    if missing:
        return missing
    return (
        _attached(dossier, at)
        or _replaced(dossier, at)
        or _deposited_again(dossier, at)
        or Changes(updated=tuple(_collected(dossier, at)))
        or Changes(updated=tuple(_due(dossier, at)))
    )


def settled(dossier: Dossier, at: str, new_id: Iterator[str]) -> tuple[Dossier, Changes]:
    """Return a dossier that owes nothing, and what has to be written for it; `new_id` gives ids to new resources."""
    total = Changes()
    # Each round makes, moves on or ends something; a dossier has fewer states than this.
    for _ in range(64):
        changes = owed(dossier, at)
        if not changes:
            return dossier, total
        created = tuple({**each, "id": next(new_id)} for each in changes.created)
        dossier = dossier.with_(*created, *changes.updated)
        # What was made here and moved on here is written once.
        made = {(each["resourceType"], each["id"]): each for each in (*total.created, *created)}
        moved = {(each["resourceType"], each["id"]): each for each in changes.updated}
        again = {key: moved.pop(key) for key in list(moved) if key in made}
        total = Changes(
            tuple({**made, **again}.values()), (Changes((), total.updated) + Changes((), tuple(moved.values()))).updated
        )
    raise AssertionError("a dossier owes something new for ever")


# --- what is missing


def _missing(dossier: Dossier, at: str) -> Iterator[dict[str, Any]]:
    proband = dossier.proband
    if proband is None:
        return
    for step in STEPS:
        if step.scope == "dossier":
            if _is_wanted(step, proband) and not dossier.tasks(step.code):
                yield new_task(dossier, step, proband, at, _first_status(step, proband))
            continue
        for person in dossier.people:
            if not _is_wanted(step, person):
                continue
            if step.scope == "person":
                if not _of(dossier, step.code, person):
                    yield new_task(dossier, step, person, at, "requested")
            else:
                yield from _missing_at_the_bench(dossier, step, person, at)


def _is_wanted(step: Step, person: Person) -> bool:
    status = person.request.resource.get("status")
    if status not in ("draft", "active") or (status == "draft" and not step.from_draft):
        return False
    if "subject" not in person.request.resource:
        return False
    examen = codes.code(person.request.resource.get("code"), codes.EXAMEN)
    return step.code not in SKIPPED.get(examen or "", frozenset())


def _first_status(step: Step, person: Person) -> str:
    return "requested" if step.from_draft else "draft"


def _missing_at_the_bench(dossier: Dossier, step: Step, person: Person, at: str) -> Iterator[dict[str, Any]]:
    """Yield a Task for each tube of a person; one without tube where none is known yet."""
    tasks = _of(dossier, step.code, person)
    status = "requested" if step.after is None else "draft"
    roots = _roots(dossier, person)
    if not tasks:
        for root in roots or (None,):
            yield new_task(dossier, step, person, at, status, root)
        return
    named = {_stream(dossier, task) for task in tasks}
    waiting = [task for task in tasks if _stream(dossier, task) is None and task.resource.get("status") not in OVER]
    # Tubes beyond those that wait for one: a second tumour, found later.
    new = [root for root in roots if root.key not in named][len(waiting) :]
    for root in new:
        yield new_task(dossier, step, person, at, status, root)


def _roots(dossier: Dossier, person: Person) -> tuple[Held, ...]:
    """Return the tubes of a person for this dossier: no extracts, none of another request, none that was lost."""
    lost = {
        _stream(dossier, task)
        for code in BENCH
        for task in _of(dossier, code, person)
        if task.resource.get("status") == "failed" and _wants_tube(BY_CODE[code], task)
    }
    return tuple(
        each
        for each in dossier.specimens(person.key)
        if is_root(each.resource) and each.key not in lost and _is_for(dossier, each, person)
    )


def _is_for(dossier: Dossier, specimen: Held, person: Person) -> bool:
    """Tell whether a tube serves the request of a person: taken for it, named by it, or for none in particular."""
    wanted = specimen.resource.get("request", ())
    named = (dossier.key(each) for each in person.request.resource.get("specimen", ()))
    return not wanted or any(dossier.key(each) == person.request.key for each in wanted) or specimen.key in named


def _of(dossier: Dossier, code: str, person: Person) -> tuple[Held, ...]:
    return tuple(each for each in dossier.tasks(code) if dossier.key(each.resource.get("focus")) == person.request.key)


def _stream(dossier: Dossier, task: Held) -> str | None:
    """Return the key of the tube that a Task is about, from an extract to what it was made of; None: no tube."""
    for each in task.resource.get("input", ()):
        reference = each.get("valueReference")
        held = dossier.resolve(reference)
        if held is None and "prelevement" in codes.codes(each.get("type"), codes.PIECE):
            return dossier.key(reference) or None
        if held is None or held.type != "Specimen":
            continue
        seen = {held.key}
        while held.resource.get("parent"):
            above = dossier.resolve(held.resource["parent"][0])
            if above is None or above.key in seen:
                break
            held = above
            seen.add(held.key)
        return held.key
    return None


def new_task(
    dossier: Dossier,
    step: Step,
    person: Person,
    at: str,
    status: str,
    specimen: Held | None = None,
    because: Held | None = None,
) -> dict[str, Any]:
    request = person.request.resource
    system, _, value = (dossier.number or "|").rpartition("|")
    made: dict[str, Any] = {
        "resourceType": "Task",
        "meta": {"profile": [f"{codes.PROFILE}task"]},
        "groupIdentifier": {"system": system, "value": value},
        "status": status,
        "businessStatus": codes.concept(codes.ETAPE, step.etape),
        "intent": "order",
        "priority": request.get("priority", "routine"),
        "code": codes.concept(codes.TACHE, step.code),
        "focus": reference_to(person.request),
        "for": request["subject"],
        "authoredOn": at,
        "lastModified": at,
    }
    requester = request.get("requester")
    if requester is not None:
        # What the request contains is no reference that a Task could have.
        number = dossier.requester_rpps(request) if str(requester.get("reference", "")).startswith("#") else None
        made["requester"] = requester if number is None else {"identifier": codes.identifier(f"{codes.RPPS}|{number}")}
    owner = _owner(dossier, step, request)
    if owner is not None:
        made["owner"] = owner
    if because is not None:
        made["reasonReference"] = reference_to(because)
    if specimen is not None:
        made["input"] = [_input(specimen)]
    return made


def _input(specimen: Held) -> dict[str, Any]:
    return {"type": codes.concept(codes.PIECE, "prelevement"), "valueReference": reference_to(specimen)}


def _owner(dossier: Dossier, step: Step, request: Resource) -> dict[str, Any] | None:
    """Return a reference to who is asked, with an identifier: a platform finds its work by it."""
    if step.owner == "platform":
        named = request.get("performer", [{}])[0] if request.get("performer") else {}
    elif step.owner == "requester":
        held = dossier.resolve(request.get("requester"), request)
        named = held.resource.get("organization", {}) if held is not None and held.type == "PractitionerRole" else {}
    else:
        return None
    numbers = sorted(
        dossier.organisations(named, request), key=lambda each: (not each.startswith(f"{codes.FINESS}|"), each)
    )
    if not numbers:
        return None
    number = named.get("identifier", codes.identifier(numbers[0]))
    inside = str(named.get("reference", "")).startswith("#")
    return {"identifier": number} if inside else {**named, "identifier": number}


# --- what is due


def _due(dossier: Dossier, at: str) -> Iterator[dict[str, Any]]:
    for task in dossier.tasks():
        step = BY_CODE.get(task_code(task.resource) or "")
        if step is None or task.resource.get("status") != "draft" or not _runs(dossier, task):
            continue
        if _is_due(dossier, step, task):
            changed = with_status(task.resource, "requested", at)
            changed["businessStatus"] = codes.concept(codes.ETAPE, step.etape)
            yield changed


def _runs(dossier: Dossier, task: Held) -> bool:
    held = dossier.resolve(task.resource.get("focus"))
    return held is not None and held.resource.get("status") in ("active", "completed")


def _is_due(dossier: Dossier, step: Step, task: Held) -> bool:
    before = _predecessor(step, task, dossier)
    if before is None:
        return True
    if step.code == "analyse-bioinfo" and before == "sequencage":
        return _is_sequenced(dossier)
    if step.scope == "specimen":
        return _bench_done(dossier, before, task)
    done = [
        each for each in dossier.tasks(before) if each.resource.get("status") not in ("failed", "cancelled", "rejected")
    ]
    return bool(done) and all(each.resource.get("status") == "completed" for each in done)


def _predecessor(step: Step, task: Held, dossier: Dossier) -> str | None:
    skipped = SKIPPED.get(dossier.examen or "", frozenset())
    before = step.after
    while before is not None and before in skipped:
        before = BY_CODE[before].after
    return before


def _bench_done(dossier: Dossier, before: str, task: Held) -> bool:
    """Tell whether the step before is done for the same tube; for a Task without tube, for all without one."""
    stream = _stream(dossier, task)
    same = [
        each
        for each in dossier.tasks(before)
        if dossier.key(each.resource.get("focus")) == dossier.key(task.resource.get("focus"))
        and _stream(dossier, each) == stream
        and each.resource.get("status") not in ("failed", "cancelled", "rejected")
    ]
    return bool(same) and all(each.resource.get("status") == "completed" for each in same)


def _is_sequenced(dossier: Dossier) -> bool:
    """Tell whether everybody awaited is sequenced or waived, and the proband is sequenced."""
    awaited = max((participants(each.request.resource) or 1 for each in dossier.probands), default=1)
    if len(dossier.requests) < awaited:
        return False
    for person in dossier.people:
        tasks = [
            each
            for each in _of(dossier, "sequencage", person)
            if each.resource.get("status") not in ("failed", "rejected")
        ]
        states = {each.resource.get("status") for each in tasks}
        if not tasks or not states <= {"completed", "cancelled"}:
            return False
        if person.is_proband and "completed" not in states:
            return False
    return True


# --- what was to be collected, and is there


def _collected(dossier: Dossier, at: str) -> Iterator[dict[str, Any]]:
    """Yield the Tasks to collect a consent that is held by now, completed, with the consent as their output."""
    for task in dossier.tasks("recueil-consentement"):
        person = _person(dossier, task)
        if person is None or task.resource.get("status") not in COLLECTING or not _may_run(person):
            continue
        owner = task.resource.get("owner") or _owner(dossier, BY_CODE["recueil-consentement"], person.request.resource)
        held = collected(dossier, person, at)
        # What is completed has an owner with an identifier (pfmg-tsk-2): where nobody is known it waits for somebody.
        if held is None or owner is None or "identifier" not in owner:
            continue
        output = {"type": codes.concept(codes.PIECE, "consentement"), "valueReference": reference_to(held)}
        yield {
            **with_status(task.resource, "completed", at),
            "businessStatus": codes.concept(codes.ETAPE, etape(dossier, at)),
            "owner": owner,
            "output": [*task.resource.get("output", ()), output],
        }


def _may_run(person: Person) -> bool:
    return person.request.resource.get("status") in ("draft", "active")


# --- what takes the place of what failed


def _replaced(dossier: Dossier, at: str) -> Changes:
    """Return what a failed Task asks for: the same again, or a new tube and all steps up to the failed one."""
    answered = {dossier.key(each.resource.get("reasonReference")) for each in dossier.tasks()}
    for task in dossier.tasks():
        step = BY_CODE.get(task_code(task.resource) or "")
        person = _person(dossier, task)
        if step is None or person is None or task.resource.get("status") != "failed" or task.key in answered:
            continue
        if not _is_wanted(step, person) or step.from_draft:
            continue
        if step.scope == "specimen" and _wants_tube(step, task):
            return _new_tube(dossier, step, task, person, at)
        specimen = next((dossier.resolve(each.get("valueReference")) for each in task.resource.get("input", ())), None)
        again = new_task(dossier, step, person, at, "requested", specimen if step.scope == "specimen" else None, task)
        return Changes(created=(again,))
    return Changes()


def _deposited_again(dossier: Dossier, at: str) -> Changes:
    """Return the deposit of a report that was issued or amended since the last one, for which it is asked by name."""
    report, proband = deposit.outdated(dossier), dossier.proband
    if report is None or proband is None or proband.request.resource.get("status") not in ("active", "completed"):
        return Changes()
    return Changes(created=(new_task(dossier, BY_CODE[deposit.CODE], proband, at, "requested", because=report),))


def _wants_tube(step: Step, task: Held) -> bool:
    reason = codes.code(task.resource.get("statusReason"), codes.MOTIF)
    return step.code == BENCH[0] or reason in SPECIMEN_REASONS


def _new_tube(dossier: Dossier, step: Step, task: Held, person: Person, at: str) -> Changes:
    stream = _stream(dossier, task)
    done, ahead = BENCH[: BENCH.index(step.code) + 1], BENCH[BENCH.index(step.code) + 1 :]
    created = tuple(
        new_task(dossier, BY_CODE[code], person, at, "requested" if code == BENCH[0] else "draft", None, task)
        for code in done
    )
    # The steps ahead no longer concern the tube that failed; they wait for the next one.
    freed = tuple(
        {**{name: value for name, value in each.resource.items() if name != "input"}, "lastModified": at}
        for code in ahead
        for each in _of(dossier, code, person)
        if each.resource.get("status") == "draft" and _stream(dossier, each) == stream and stream is not None
    )
    return Changes(created, freed)


def _attached(dossier: Dossier, at: str) -> Changes:
    """Return Tasks that waited for a tube, with the tube that came: the first that waits takes the first that came."""
    changed: list[dict[str, Any]] = []
    for person in dossier.people:
        for code in BENCH:
            tasks = _of(dossier, code, person)
            named = {_stream(dossier, each) for each in tasks}
            waiting = [
                each for each in tasks if _stream(dossier, each) is None and each.resource.get("status") not in OVER
            ]
            free = [root for root in _roots(dossier, person) if root.key not in named]
            for task, root in zip(waiting, free, strict=False):
                changed.append(
                    {**task.resource, "input": [*task.resource.get("input", ()), _input(root)], "lastModified": at}
                )
    return Changes(updated=tuple(changed))


def _person(dossier: Dossier, task: Held) -> Person | None:
    focus = dossier.key(task.resource.get("focus"))
    return next((each for each in dossier.people if each.request.key == focus), None)


# --- what ends with a request


def _cascade(dossier: Dossier, at: str) -> Changes:
    """Return what a revoked request takes with it: its open Tasks, and the whole dossier when it is the proband's.

    What is in progress stays: only who works on it may stop it.
    """
    ended = [each for each in dossier.requests if each.resource.get("status") == "revoked"]
    proband_gone = any("proband" in codes.codes(each.resource.get("category"), codes.ROLE) for each in ended)
    reason = _reason(dossier, ended)
    gone = {each.key for each in (dossier.requests if proband_gone else ended)}
    tasks = tuple(
        with_status(task.resource, "cancelled", at, reason)
        for task in dossier.tasks()
        if dossier.key(task.resource.get("focus")) in gone
        and task.resource.get("status") in ("draft", "requested", "received", "accepted", "on-hold")
    )
    relatives = [
        each
        for each in dossier.requests
        if proband_gone and each.resource.get("status") in ("active", "on-hold") and not _is_proband(each)
    ]
    requests = tuple(with_status(each.resource, "revoked", at) for each in relatives)
    told: tuple[dict[str, Any], ...] = ()
    if relatives:
        first = ended[0].resource
        agents = [SERVER_AGENT, *custodian(dossier.organisations(first.get("requester"), first))]
        told = (provenance([reference_to(each) for each in relatives], at, reason, agents, reference_to(ended[0])),)
    return Changes(told, (*requests, *tasks))


def _is_proband(held: Held) -> bool:
    return "proband" in codes.codes(held.resource.get("category"), codes.ROLE)


def _reason(dossier: Dossier, ended: list[Held]) -> str:
    told = (
        codes.code(each.resource.get("reason"), codes.MOTIF)
        for held in ended
        for each in reversed(dossier.provenances(held))
    )
    return next((each for each in told if each is not None), "plus-necessaire")

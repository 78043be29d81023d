"""What must hold for a move of a ServiceRequest or a Task, beside who makes it.

Each guard yields the issues that stand against a change: none when it holds.

Source: genomics design, "Workflow"; PFMG, FAQ of the RCP d'amont; code civil, article 16-10; code pénal, 226-25.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.change import Change
from fhir_gateway.dossier.consents_held import collected, exam_decision
from fhir_gateway.dossier.dossier import Person
from fhir_gateway.dossier.prescription import prescribers
from fhir_gateway.dossier.rules import gaps, refusing
from fhir_gateway.fhir.outcome import Complaint, Issue

BEFORE_ACTIVATION: Final = frozenset({"rcp-amont", "recueil-consentement"})
AFTER_COMPLETION: Final = frozenset({"rcp-aval", "depot-cad"})
OF_A_PERSON: Final = frozenset({"recueil-consentement", "reception-prelevement", "preparation", "sequencage"})
FINAL: Final = frozenset({"final", "amended", "corrected", "appended"})
OPEN: Final = frozenset({"draft", "requested", "received", "accepted", "in-progress", "on-hold"})
NON_CONFORMITIES: Final = frozenset(
    {
        "prelevement-non-conforme",
        "prelevement-manquant",
        "donnee-demographique",
        "consentement-manquant",
        "piece-manquante",
    }
)

REASON_MISSING = Complaint(
    "task-reason-missing",
    "required",
    "A task that becomes {status} says why. Put a code of pfmg-motif into statusReason.",
    "Une tâche qui devient {status} dit pourquoi. Mettez un code de pfmg-motif dans statusReason.",
)
PROVENANCE_MISSING = Complaint(
    "request-provenance-missing",
    "required",
    "A request that becomes {status} needs a Provenance with the reason in the same transaction (target, reason, "
    "agent).",
    "Une prescription qui devient {status} demande, dans la même transaction, une Provenance qui dit pourquoi (target, "
    "reason, agent).",
)
NO_NON_CONFORMITY = Complaint(
    "request-no-non-conformity",
    "business-rule",
    "A platform revokes a request only after a blocking non-conformity: a task of it rejected, failed or on hold for "
    "one, or an unsatisfactory specimen. Record that first.",
    "Une plateforme ne révoque une prescription qu'après une non-conformité bloquante : une de ses tâches refusée, "
    "en échec ou suspendue pour ce motif, ou un prélèvement non conforme. Notez-la d'abord.",
)
NOT_RESTITUTED = Complaint(
    "request-not-restituted",
    "business-rule",
    "The request is completed once the final report was read: its task restitution must be completed first.",
    "La prescription s'achève quand le compte rendu final est lu : sa tâche restitution doit d'abord être achevée.",
)
IN_PROGRESS = Complaint(
    "request-in-progress",
    "business-rule",
    "A task of this request ({task}) is in progress at the laboratory. Have it completed or cancelled first.",
    "Une tâche de cette prescription ({task}) est en cours au laboratoire. Faites-la d'abord achever ou annuler.",
)
PLATFORM_SILENT = Complaint(
    "request-platform-agreement-missing",
    "business-rule",
    "Past draft, a request is marked as entered in error with the platform's agreement only. Ask the platform to write "
    "a Provenance of this request itself, with itself as agent.",
    "Passé le brouillon, une prescription n'est dite saisie par erreur qu'avec l'accord de la plateforme. Demandez-lui "
    "d'écrire elle-même une Provenance de cette prescription, dont elle est l'agent.",
)
NOT_TAKEN = Complaint(
    "task-owner-not-taken",
    "required",
    "Who accepts or rejects a task owns it: set owner.identifier to your structure, {organisation}.",
    "Qui accepte ou refuse une tâche la porte : mettez votre structure, {organisation}, dans owner.identifier.",
)
CONSENT_LACKING = Complaint(
    "task-consent-lacking",
    "business-rule",
    "The consents do not permit the examination of {person_en} ({answer}): nothing may start or go on. Obtain the "
    "consent, or revoke that request.",
    "Les consentements ne permettent pas l'examen pour {person_fr} ({answer}) : rien ne peut commencer ni continuer. "
    "Recueillez le consentement, ou révoquez sa prescription.",
)
REQUEST_STANDS = Complaint(
    "task-request-stands",
    "business-rule",
    "The request of this task is {status}; the task moves on once it is {wanted}.",
    "La prescription de cette tâche est à l'état {status} ; la tâche avance quand elle est à l'état {wanted}.",
)
NOT_COORDINATOR = Complaint(
    "rcp-not-coordinator",
    "business-rule",
    "Only a coordinator of the RCP (coordonnateur-rcp) validates a request.",
    "Seul un coordonnateur de la RCP (coordonnateur-rcp) valide une demande.",
)
OWN_REQUEST = Complaint(
    "rcp-own-request",
    "business-rule",
    "Nobody validates an own request: you prescribe in this dossier. Have another coordinator validate it.",
    "Nul ne valide sa propre demande : vous prescrivez dans ce dossier. Faites-la valider par un autre coordonnateur.",
)
FOUR_EYES_UNSURE = Complaint(
    "rcp-person-unknown",
    "business-rule",
    "The RPPS of {whom_en} is not known, so nobody can tell that another person validates. Give it.",
    "Le RPPS {whom_fr} n'est pas connu : on ne peut savoir si c'est une autre personne qui valide. Donnez-le.",
)
REPORT_MISSING = Complaint(
    "task-report-missing",
    "required",
    "A restitution is completed with its report: output must refer to a DiagnosticReport that is final.",
    "Une restitution s'achève avec son compte rendu : output doit désigner un DiagnosticReport final.",
)
SPECIMEN_MISSING = Complaint(
    "task-specimen-missing",
    "required",
    "A reception is completed with the specimen received: name it in input or output.",
    "Une réception s'achève avec le prélèvement reçu : désignez-le dans input ou output.",
)
SPECIMEN_UNSATISFACTORY = Complaint(
    "task-specimen-unsatisfactory",
    "business-rule",
    "The specimen is not conform (unsatisfactory). Put the task on hold, or set it to failed: a new specimen is then "
    "asked for.",
    "Le prélèvement n'est pas conforme (unsatisfactory). Suspendez la tâche, ou mettez-la en échec : un nouveau "
    "prélèvement est alors demandé.",
)
FORM_MISSING = Complaint(
    "task-consent-missing",
    "required",
    "A task recueil-consentement is completed once a signed consent answers for the examination. Attach it.",
    "Une tâche recueil-consentement s'achève quand un consentement signé répond pour l'examen. Joignez-le.",
)
STILL_OPEN = Complaint(
    "task-still-open",
    "duplicate",
    "You may ask again only once the earlier task {task} was rejected, failed or cancelled, while the request is a "
    "draft.",
    "Une nouvelle demande n'est possible qu'une fois la tâche {task} précédente refusée, en échec ou annulée, tant "
    "que la prescription est un brouillon.",
)
OWNER_THE_SAME = Complaint(
    "task-owner-the-same",
    "value",
    "A task that stays requested is sent to another owner: name one in owner.identifier.",
    "Une tâche qui reste demandée est envoyée à une autre structure : désignez-la dans owner.identifier.",
)
NOT_FOR_A_RCP = Complaint(
    "task-not-for-a-rcp",
    "business-rule",
    "The hospital addresses only the tasks of a RCP (rcp-amont, rcp-aval), and only while nobody owns them.",
    "L'établissement n'adresse que les tâches d'une RCP (rcp-amont, rcp-aval), et tant que personne ne les porte.",
)


def is_complete(change: Change) -> Iterator[Issue]:
    """Nothing that blocks at finalise is missing; all that is."""
    yield from refusing(gaps(change.dossier, "finalise", change.at))


def has_provenance(change: Change) -> Iterator[Issue]:
    held = change.request
    told = change.dossier.provenances(held) if held is not None else ()
    if not any(codes.codes(each.resource.get("reason"), codes.MOTIF) for each in told):
        yield PROVENANCE_MISSING.at(f"{change.type}.status", status=change.end)


def has_non_conformity(change: Change) -> Iterator[Issue]:
    held = change.request
    stopped = any(
        change.dossier.resolve(task.resource.get("focus")) is held
        and task.resource.get("status") in ("rejected", "failed", "on-hold")
        and codes.code(task.resource.get("statusReason"), codes.MOTIF) in NON_CONFORMITIES
        for task in change.dossier.tasks()
    )
    key = change.dossier.key(change.after.get("subject"))
    if not stopped and not any(
        each.resource.get("status") == "unsatisfactory" for each in change.dossier.specimens(key)
    ):
        yield NO_NON_CONFORMITY.at(f"{change.type}.status")


def is_restituted(change: Change) -> Iterator[Issue]:
    if not any(each.resource.get("status") == "completed" for each in change.dossier.tasks("restitution")):
        yield NOT_RESTITUTED.at(f"{change.type}.status")


def nothing_in_progress(change: Change) -> Iterator[Issue]:
    for task in change.dossier.of_type("Task"):
        if (
            change.dossier.key(task.resource.get("focus")) == f"ServiceRequest/{change.after.get('id')}"
            and task.resource.get("status") == "in-progress"
        ):
            yield IN_PROGRESS.at(f"{change.type}.status", task=str(codes.code(task.resource.get("code"), codes.TACHE)))


def platform_agrees(change: Change) -> Iterator[Issue]:
    platform = change.dossier.performers(change.standing)
    agents = (
        agent
        for each in change.dossier.of_type("Provenance")
        if any(
            change.dossier.key(target) == f"ServiceRequest/{change.after.get('id')}"
            for target in each.resource.get("target", ())
        )
        for agent in each.resource.get("agent", ())
    )
    agreed = any(
        platform
        & (change.dossier.organisations(agent.get("who")) | change.dossier.organisations(agent.get("onBehalfOf")))
        for agent in agents
    )
    if platform and not agreed:
        yield PLATFORM_SILENT.at(f"{change.type}.status")


def has_reason(change: Change) -> Iterator[Issue]:
    if not change.after.get("statusReason"):
        yield REASON_MISSING.at("Task.statusReason", status=change.end)


def takes_it(change: Change) -> Iterator[Issue]:
    owner = change.after.get("owner")
    if change.actor.organisation not in change.dossier.organisations(owner) or "identifier" not in (owner or {}):
        yield NOT_TAKEN.at("Task.owner", organisation=str(change.actor.organisation))


def permitted(change: Change) -> Iterator[Issue]:
    """The consents permit the examination of everybody whom the Task is for."""
    if change.code in BEFORE_ACTIVATION:
        return
    for person in _people(change):
        answer = exam_decision(change.dossier, person, change.at).answer
        if answer != "permit":
            values = {"person_fr": person.french, "person_en": person.english, "answer": answer}
            yield CONSENT_LACKING.at("Task.for", **values)


def _people(change: Change) -> tuple[Person, ...]:
    if change.code not in OF_A_PERSON:
        return change.dossier.people
    return (change.person,) if change.person is not None else ()


def request_runs(change: Change) -> Iterator[Issue]:
    held = change.request
    status = str(held.resource.get("status")) if held is not None else "-"
    wanted = {"active"}
    if change.code in BEFORE_ACTIVATION:
        wanted |= {"draft"}
    if change.code in AFTER_COMPLETION:
        wanted |= {"completed"}
    if status not in wanted:
        yield REQUEST_STANDS.at("Task.focus", status=status, wanted=" | ".join(sorted(wanted)))


def four_eyes(change: Change) -> Iterator[Issue]:
    """The RCP d'amont: a coordinator validates, and is nobody who prescribes in the dossier (by RPPS, not by role)."""
    if change.code != "rcp-amont":
        return
    if change.actor.role != "coordonnateur-rcp":
        yield NOT_COORDINATOR.at("Task.status")
    unknown = [each for each in change.dossier.requests if change.dossier.requester_rpps(each.resource) is None]
    if unknown or not change.dossier.requests:
        yield FOUR_EYES_UNSURE.at("Task.focus", whom_fr="du prescripteur", whom_en="the prescriber")
    if change.actor.rpps is None:
        yield FOUR_EYES_UNSURE.at("Task.status", whom_fr="de qui valide", whom_en="who validates")
    elif change.actor.rpps in prescribers(change.dossier):
        yield OWN_REQUEST.at("Task.status")


def has_output(change: Change) -> Iterator[Issue]:
    """A Task is completed with what it was for."""
    if change.code == "restitution":
        reports = [each for each in _named(change, "output") if each[0] == "DiagnosticReport"]
        if not any(status is None or status in FINAL for _, status in reports):
            yield REPORT_MISSING.at("Task.output")
    elif change.code == "reception-prelevement":
        specimens = [each for name in ("input", "output") for each in _named(change, name) if each[0] == "Specimen"]
        if not specimens:
            yield SPECIMEN_MISSING.at("Task.input")
        elif any(status == "unsatisfactory" for _, status in specimens):
            yield SPECIMEN_UNSATISFACTORY.at("Task.status")
    elif change.code == "recueil-consentement":
        person = change.person
        if person is None or exam_decision(change.dossier, person, change.at).answer == "unknown":
            yield FORM_MISSING.at("Task.status")


def is_collected(change: Change) -> Iterator[Issue]:
    """The consent is held by which nothing is left to collect."""
    if change.person is None or collected(change.dossier, change.person, change.at) is None:
        yield FORM_MISSING.at("Task.status")


def _named(change: Change, element: str) -> Iterator[tuple[str, str | None]]:
    """Yield the type and the status (None: not gathered) of what inputs or outputs of the Task refer to."""
    for each in change.after.get(element, ()):
        reference = each.get("valueReference")
        held = change.dossier.resolve(reference)
        if held is not None:
            yield held.type, held.resource.get("status")
        elif reference:
            kind = reference.get("type") or str(reference.get("reference", "")).rpartition("/")[0].rpartition("/")[2]
            yield str(kind), None


def asks_again(change: Change) -> Iterator[Issue]:
    """A prescriber makes a Task only for the RCP or a consent, while draft, when none of the kind is open or done."""
    code = codes.code(change.after.get("code"), codes.TACHE)
    focus = change.dossier.key(change.after.get("focus"))
    own = change.dossier.resolve({"reference": f"Task/{change.after.get('id')}"})
    earlier = [
        each
        for each in change.dossier.tasks(code)
        if each is not own
        and each.resource is not change.after
        and change.dossier.key(each.resource.get("focus")) == focus
    ]
    standing = [each for each in earlier if each.resource.get("status") in OPEN | {"completed"}]
    request = change.dossier.resolve(change.after.get("focus"))
    is_draft = request is not None and request.resource.get("status") == "draft"
    if code not in BEFORE_ACTIVATION or not earlier or standing or not is_draft:
        yield STILL_OPEN.at("Task.code", task=str(code))


def is_for_a_rcp(change: Change) -> Iterator[Issue]:
    """The hospital says which RCP is asked: of a Task that nobody owns yet."""
    if change.code not in ("rcp-amont", "rcp-aval") or change.standing.get("owner"):
        yield NOT_FOR_A_RCP.at("Task.owner")


def changes_owner(change: Change) -> Iterator[Issue]:
    before = change.dossier.organisations(change.standing.get("owner"))
    after = change.dossier.organisations(change.after.get("owner"))
    if not after or after & before or "identifier" not in change.after.get("owner", {}):
        yield OWNER_THE_SAME.at("Task.owner")

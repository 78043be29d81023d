"""What a withdrawn consent stops at once, and what it leaves to people.

The examination: the person's request goes on hold (all of the dossier's when it is the proband), what the laboratory
has accepted or works on goes on hold, and nothing may start any more (guard `permitted`). A draft has nothing to stop:
it cannot be finalised. Whether to revoke is for the prescriber to say.

Research: the notice goes to the national collector with the deposit; where the deposit was made, a new Task carries it.
Storage, results, relatives: they stop nothing that runs; they are read when the question comes up.

Source: code civil, article 16-10 ("révocable en tout ou partie, sans forme et à tout moment"); CSP, L1131-1-1; PFMG
page on data protection (reuse for research: information and objection).
"""

from __future__ import annotations

from typing import Any, Final

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.changes import Changes, provenance, reference_to, with_status
from fhir_gateway.dossier.codes import Resource
from fhir_gateway.dossier.consents_held import exam_decision, person_decision
from fhir_gateway.dossier.dossier import Dossier, Held, Person, task_code
from fhir_gateway.dossier.guards import BEFORE_ACTIVATION, OF_A_PERSON
from fhir_gateway.dossier.tasks import BY_CODE, new_task

WITHDRAWN: Final = "consentement-retire"
RESEARCH: Final = ("recherche-echantillons", "recherche-donnees")
STOPPED: Final = frozenset({"accepted", "in-progress"})


def withdrawal(dossier: Dossier, consent: Held, agent: Resource, at: str) -> Changes:
    """Return what has to be written, in the same commit, with a Consent that now refuses.

    `dossier`: with the new version of the consent. `agent`: the Provenance.agent of who recorded it. Nothing where
    nothing of that person's consents refuses, or where all is stopped already.
    """
    person = dossier.person(dossier.key(consent.resource.get("patient")))
    if person is None:
        return Changes()
    return _of_examination(dossier, person, consent, agent, at) + _of_research(dossier, person, consent, agent, at)


def _of_examination(dossier: Dossier, person: Person, consent: Held, agent: Resource, at: str) -> Changes:
    if exam_decision(dossier, person, at).answer != "deny":
        return Changes()
    concerned = dossier.people if person.is_proband else (person,)
    requests = [each.request for each in concerned if each.request.resource.get("status") == "active"]
    tasks = [each for each in dossier.tasks() if _stops(dossier, each, person)]
    if not requests and not tasks:
        return Changes()
    updated = (
        *(with_status(each.resource, "on-hold", at) for each in requests),
        *(with_status(each.resource, "on-hold", at, WITHDRAWN) for each in tasks),
    )
    targets = [reference_to(each) for each in (*requests, *tasks)]
    return Changes((provenance(targets, at, WITHDRAWN, [agent], reference_to(consent)),), updated)


def _stops(dossier: Dossier, task: Held, person: Person) -> bool:
    """Tell whether a Task works on the person: on tubes of that person, or on the data of the whole dossier."""
    code = task_code(task.resource)
    if task.resource.get("status") not in STOPPED or code in BEFORE_ACTIVATION:
        return False
    if code in OF_A_PERSON and not person.is_proband:
        return dossier.key(task.resource.get("focus")) == person.request.key
    return True


def _of_research(dossier: Dossier, person: Person, consent: Held, agent: Resource, at: str) -> Changes:
    refused = any(person_decision(dossier, person, code, at).answer == "deny" for code in RESEARCH)
    deposits = dossier.tasks("depot-cad")
    made = [each for each in deposits if each.resource.get("status") in ("in-progress", "completed")]
    proband = dossier.proband
    if not refused or not made or proband is None or not _says_research(consent):
        return Changes()
    if any(dossier.key(each.resource.get("reasonReference")) == consent.key for each in deposits):
        return Changes()
    notice: dict[str, Any] = new_task(dossier, BY_CODE["depot-cad"], proband, at, "requested", because=consent)
    notice["input"] = [{"type": codes.concept(codes.PIECE, "consentement"), "valueReference": reference_to(consent)}]
    told = provenance([reference_to(each) for each in made], at, WITHDRAWN, [agent], reference_to(consent))
    return Changes((notice, told))


def _says_research(consent: Held) -> bool:
    answers = consent.resource.get("provision", {}).get("provision", ())
    return any(code in RESEARCH for each in answers for code in codes.codes(each.get("code"), codes.CHOIX))

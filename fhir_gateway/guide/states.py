"""The page of the state machine, made from the very table that the gateway applies.

Source: fhir_gateway/dossier/states.py; FHIR R4, ServiceRequest, "status"; Task, "State Machine".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fhir_gateway.dossier import guards
from fhir_gateway.dossier.change import ABSENT
from fhir_gateway.dossier.states import SEND_AWAY, TABLES, Guard, Move
from fhir_gateway.guide.markup import Html, between, code, element, joined, row, table
from fhir_gateway.guide.page import Page, Section
from fhir_gateway.guide.picture import Box, picture
from fhir_gateway.guide.said import Language
from fhir_gateway.guide.words import word

# What each guard demands; the refusal of a guard says what is missing in the case at hand.
GUARDS: Final[Mapping[Guard, tuple[str, str]]] = {
    guards.is_complete: (
        "rien de ce qui bloque à la finalisation ne manque (voir les règles du dossier)",
        "nothing that blocks at finalise is missing (see the rules of the dossier)",
    ),
    guards.has_provenance: (
        "une Provenance dit pourquoi, dans la même transaction",
        "a Provenance says why, in the same transaction",
    ),
    guards.has_non_conformity: (
        "une non-conformité bloquante est notée",
        "a blocking non-conformity is recorded",
    ),
    guards.is_restituted: ("la tâche restitution est achevée", "the task restitution is completed"),
    guards.nothing_in_progress: (
        "aucune de ses tâches n'est en cours au laboratoire",
        "none of its tasks is in progress at the laboratory",
    ),
    guards.platform_agrees: (
        "une Provenance dit l'accord de la plateforme",
        "a Provenance tells the platform's agreement",
    ),
    guards.asks_again: (
        "RCP d'amont ou consentement seulement, la précédente étant refusée, en échec ou annulée, la prescription "
        "étant un brouillon",
        "upstream RCP or consent only, the earlier one being rejected, failed or cancelled, the request a draft",
    ),
    guards.takes_it: ("la structure se met comme porteur (owner)", "the structure sets itself as owner"),
    guards.request_runs: (
        "la prescription est active (ou brouillon avant l'activation, achevée après la clôture)",
        "the request is active (or a draft before activation, completed after closure)",
    ),
    guards.permitted: (
        "les consentements permettent l'examen de chacun, à cette date",
        "the consents permit the examination of everybody, at this date",
    ),
    guards.has_reason: ("un motif est dit (statusReason)", "a reason is told (statusReason)"),
    guards.four_eyes: (
        "pour la RCP d'amont : un coordonnateur valide, qui n'est prescripteur de personne dans le dossier",
        "for the upstream RCP: a coordinator validates, who prescribes for nobody in the dossier",
    ),
    guards.has_output: ("ce que la tâche devait produire est là", "what the task was for is there"),
    guards.changes_owner: ("un autre porteur est désigné", "another owner is named"),
    guards.is_for_a_rcp: (
        "la tâche est d'une RCP, et personne ne la porte",
        "the task is a RCP's, and nobody owns it",
    ),
    guards.is_collected: (
        "un consentement signé ne laisse rien à recueillir",
        "a signed consent leaves nothing to collect",
    ),
}


def states_page(language: Language) -> Page:
    """Return the page of all states: a picture and a table for each type."""
    title = word("states", language)
    sections = tuple(
        Section(
            f"states-{kind}",
            word("states_of", language).format(type=kind),
            joined(_picture(kind, moves, language), _table(kind, moves, language)),
        )
        for kind, moves in _tables().items()
    )
    return Page(title, title, "ServiceRequest, Task", element("p", word("states_note", language)), sections)


def _tables() -> dict[str, tuple[Move, ...]]:
    return {kind: (*moves, *SEND_AWAY) if kind == "Task" else moves for kind, moves in TABLES.items()}


def _picture(kind: str, moves: tuple[Move, ...], language: Language) -> Html:
    arrows = [(before, after) for move in moves for before in move.before for after in move.after]
    starts = {before for before, _ in arrows}
    names = dict.fromkeys(name for arrow in arrows for name in arrow)
    boxes = {
        name: Box(
            (_state(name, language),),
            class_="first" if name == ABSENT else "" if name in starts else "last",
        )
        for name in names
    }
    return picture(boxes, arrows, word("states_of", language).format(type=kind), f"picture-{kind}", width=1000)


def _table(kind: str, moves: tuple[Move, ...], language: Language) -> Html:
    heads = [word(name, language) for name in ("from", "to", "who", "guards")]
    rows = [
        row(
            joined(_states(move.before, language), _of(move)),
            _states(move.after, language),
            between(_separator(language), (each.french if language == "fr" else each.english for each in move.who)),
            between(_separator(language), (_guard(each, language) for each in move.guards)) or "–",
        )
        for move in moves
    ]
    starts = {before for move in moves for before in move.before}
    ends = dict.fromkeys(after for move in moves for after in move.after if after not in starts)
    rows += [row(code(each), "–", "–", word("final", language)) for each in ends]
    return table(word("states_of", language).format(type=kind), heads, rows, class_="states")


def _of(move: Move) -> Html:
    """Return the codes of the Tasks that a move is for, where it is not for all."""
    return Html("") if not move.of else joined(Html(" ("), between(", ", (code(each) for each in move.of)), Html(")"))


def _separator(language: Language) -> str:
    return "; " if language == "en" else "\u00a0; "


def _guard(guard: Guard, language: Language) -> str:
    french, english = GUARDS[guard]
    return french if language == "fr" else english


def _states(names: tuple[str, ...], language: Language) -> Html:
    return between(", ", (code(_state(name, language)) for name in names))


def _state(name: str, language: Language) -> str:
    return word("absent", language) if name == ABSENT else name

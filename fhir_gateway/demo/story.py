"""The pathway of a trio told step by step to a gateway that runs, each step checked by what the gateway answers.

Source: PFMG care pathway; genomics design, "Workflow"; FHIR R4, Workflow.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import typer

from fhir_gateway.client import Gateway, Refused
from fhir_gateway.demo.driver import ADMINISTRATOR, Connections, Player, TokenOf
from fhir_gateway.demo.shown import planned
from fhir_gateway.demo_dossiers import results
from fhir_gateway.demo_dossiers.acts import Act, Move, Write
from fhir_gateway.demo_dossiers.course import acts
from fhir_gateway.demo_dossiers.invented import professionals, structures
from fhir_gateway.demo_dossiers.resources import identifier_system
from fhir_gateway.demo_dossiers.submission import directory, transaction
from fhir_gateway.dossier import codes
from fhir_gateway.dossier.actor import Acting

Resource = dict[str, Any]
Says = Callable[[Act], bool]
SHOWN_REQUESTS: Final = 3  # of a step; what comes after them is counted


class Untrue(Exception):
    """A step did not do what it says."""


def moved(code: str, status: str) -> Says:
    """Return what tells the act that moves a Task of a code to a status."""
    return lambda act: isinstance(act.deed, Move) and (act.deed.code, act.deed.status) == (code, status)


def wrote(what: str) -> Says:
    return lambda act: isinstance(act.deed, Write) and act.deed.what == what


@dataclass(slots=True)
class Telling:
    """What is said, in one of two languages, and the requests below each step."""

    language: str
    url: str
    requests: int = 0

    def words(self, en: str, fr: str) -> str:
        return fr if self.language == "fr" else en

    def say(self, en: str, fr: str) -> None:
        typer.echo(self.words(en, fr))

    def step(self, en: str, fr: str) -> None:
        self.requests = 0
        self.say(en, fr)

    def witness(self, method: str, url: str, status: int) -> None:
        """Show a request: the first of a step."""
        self.requests += 1
        if self.requests <= SHOWN_REQUESTS:
            # The address was said once; without it a line wraps less.
            typer.echo(f"     {method} {url.removeprefix(self.url) or '/'} → {status}")

    def require(self, truth: bool, en: str, fr: str) -> None:
        """Say what came of a step. Raises: Untrue when it is not what the step announced."""
        if not truth:
            raise Untrue(self.words(en, fr))
        if self.requests > SHOWN_REQUESTS:
            more = self.requests - SHOWN_REQUESTS
            if more == 1:
                self.say("     … and one request more", "     … et une requête de plus")
            else:
                self.say(f"     … and {more} requests more", f"     … et {more} requêtes de plus")
            self.requests = 0
        self.say(f"   ✓ {en}", f"   ✓ {fr}")


@dataclass(slots=True)
class Story:
    """The story, on a dossier with a number and people of its own."""

    telling: Telling
    held: Connections
    player: Player
    acts: Iterator[Act]
    prescriber: Acting
    platform: Acting

    @classmethod
    def of(cls, url: str, tokens: TokenOf, language: str) -> Story:
        """Return the story as it will be told to a gateway."""
        telling = Telling(language, url)
        held = Connections(url, tokens, language, telling.witness)
        serial = time.time_ns() // 10**6 % 140_000
        number = f"MR-{time.strftime('%Y%m%d')}-{serial:06}"
        plan = planned(
            number, serial, date.today(), "F-49", "wgs-trio", "prescripteur", refused=True, bad_tube=1,
            conclusion="positive", change=results.GERMLINE[1],
        )  # fmt: skip
        platform = Acting("plateforme", structures()["auragen"].token)
        prescriber = professionals()["prescripteur"].acting
        return cls(telling, held, Player(held, number), acts(plan), prescriber, platform)

    def tell(self) -> None:
        """Tell it all. Raises: Untrue; Refused, Unreachable, Differs where a step fails."""
        self.introduce()
        self.submit()
        self.finalise_too_early()
        self.decide()
        self.finalise()
        self.find_work()
        self.claim()
        self.replace_a_tube()
        self.sequence()
        self.report()
        self.follow()
        self.close()
        self.telling.say("\nEvery step did what it says.", "\nChaque étape a fait ce qu'elle annonce.")

    # --- the hospital and the RCP

    def introduce(self) -> None:
        self.telling.step(
            "1. An administrator makes hospitals, platforms and professionals known, if they are not yet.",
            "1. Un administrateur déclare établissements, plateformes et professionnels, s'ils ne le sont pas encore.",
        )
        answer = self.held.of(ADMINISTRATOR).transaction(transaction(directory()))
        number = len(answer["entry"])
        self.telling.require(number == len(directory()), f"{number} entries", f"{number} entrées")

    def submit(self) -> None:
        self.telling.step(
            f"2. The prescriber submits a trio with $submit: dossier {self.player.number}, still a draft.",
            f"2. Le prescripteur dépose un trio par $submit : dossier {self.player.number}, encore un brouillon.",
        )
        self.play(wrote("submission"))
        told = self.player.answer.get("parameter", [])
        tasks = [each["valueReference"]["display"] for each in told if each["name"] == "tache"]
        (outcome,) = (each["resource"] for each in told if each["name"] == "outcome")
        self.telling.require(
            "rcp-amont" in tasks and len(tasks) == 4,
            f"the server made {len(tasks)} tasks ({', '.join(dict.fromkeys(tasks))}), and tells what is missing:",
            f"le serveur a créé {len(tasks)} tâches ({', '.join(dict.fromkeys(tasks))}), et dit ce qui manque :",
        )
        self.show(outcome)

    def finalise_too_early(self) -> None:
        self.telling.step(
            "3. The prescriber finalises at once. It is refused, with all that blocks.",
            "3. Le prescripteur finalise aussitôt. C'est refusé, avec tout ce qui bloque.",
        )
        gateway, id = self.held.of(self.prescriber), self.proband
        active = [{"op": "replace", "path": "/status", "value": "active"}]
        refusal = self.refused(lambda: gateway.patch("ServiceRequest", id, active))
        told = set() if refusal is None else set(refusal.details)
        what = ", ".join(sorted(told))
        self.telling.require(
            refusal is not None and refusal.status == 422 and "dossier-rcp-missing" in told,
            f"422: {what}",
            f"422 : {what}",
        )

    def decide(self) -> None:
        self.telling.step(
            "4. The hospital addresses the RCP. Its coordinator sends the dossier back; asked again, validates it.",
            "4. L'hôpital saisit la RCP. Le coordonnateur renvoie le dossier ; saisi de nouveau, il le valide.",
        )
        self.play(moved("rcp-amont", "rejected"))
        self.play(moved("rcp-amont", "completed"))
        statuses = self.task_states("rcp-amont")
        told = " → ".join(statuses)
        self.telling.require(statuses == ["rejected", "completed"], f"the RCP: {told}", f"la RCP : {told}")

    def finalise(self) -> None:
        self.telling.step(
            "5. Consents are signed, tubes are taken, the prescriber finalises.",
            "5. Les consentements sont signés, les tubes prélevés, le prescripteur finalise.",
        )
        self.play(wrote("finalise"))
        states = [each["status"] for each in self.orders(self.prescriber)]
        made = len(self.tasks(self.prescriber))
        self.telling.require(
            states == ["active"] * 3,
            f"three prescriptions active; {made} tasks by now, made by the server",
            f"trois prescriptions actives ; {made} tâches maintenant, créées par le serveur",
        )

    # --- the platform

    def find_work(self) -> None:
        self.telling.step(
            "6. The platform finds its work in one search: tasks asked for, their prescriptions, the people.",
            "6. La plateforme trouve son travail en une recherche : tâches demandées, prescriptions, personnes.",
        )
        found = list(
            self.held.of(self.platform).search(
                "Task",
                {
                    "owner:identifier": str(self.platform.organisation),
                    "code": f"{codes.TACHE}|reception-prelevement",
                    "status": "requested",
                    "_include": "Task:focus",
                    "_include:iterate": "ServiceRequest:subject",
                },
            )
        )
        here = {f"{each['resourceType']}/{each['id']}" for each in found}
        mine = [each for each in found if each["resourceType"] == "Task" and self.is_mine(each)]
        self.telling.require(
            len(mine) == 3 and all({each["focus"]["reference"], each["for"]["reference"]} <= here for each in mine),
            "three tubes of this dossier to receive, each with its prescription and its person",
            "trois tubes de ce dossier à recevoir, chacun avec sa prescription et sa personne",
        )

    def claim(self) -> None:
        self.telling.step(
            "7. It accepts a task with If-Match. Who saw the version before and comes a moment later is refused.",
            "7. Elle accepte une tâche avec If-Match. Qui avait vu la version d'avant et vient après est refusé.",
        )
        self.play(moved("reception-prelevement", "accepted"))
        task = self.player.answer
        seen = str(int(task["meta"]["versionId"]) - 1)
        gateway = self.held.of(self.platform)
        refusal = self.refused(lambda: gateway.update({**task, "status": "in-progress"}, if_match=seen))
        told = "-" if refusal is None else f"{refusal.status}: {refusal.reason}"
        self.telling.require(refusal is not None and refusal.status == 412, told, told)

    def replace_a_tube(self) -> None:
        self.telling.step(
            "8. A tube is not conform. The platform says so; the server asks for another, the hospital sends it.",
            "8. Un tube n'est pas conforme. La plateforme le dit ; le serveur en demande un autre, l'hôpital l'envoie.",
        )
        self.play(moved("reception-prelevement", "failed"))
        self.play(wrote("specimens"))
        self.play_while(lambda act: isinstance(act.deed, Write) or act.deed.code == "reception-prelevement")
        statuses = sorted(self.task_states("reception-prelevement"))
        told = ", ".join(statuses)
        self.telling.require(statuses == ["completed"] * 3 + ["failed"], f"receptions: {told}", f"réceptions : {told}")

    def sequence(self) -> None:
        self.telling.step(
            "9. It prepares, sequences and analyses; each step asks for the next one.",
            "9. Elle prépare, séquence et analyse ; chaque étape appelle la suivante.",
        )
        self.play(moved("analyse-bioinfo", "completed"))
        (state,) = self.task_states("interpretation")
        self.telling.require(state == "requested", f"interpretation: {state}", f"interprétation : {state}")

    def report(self) -> None:
        self.telling.step(
            "10. The biologist interprets, signs the report and gives it back.",
            "10. Le biologiste interprète, signe le compte rendu et le rend.",
        )
        self.play(moved("restitution", "completed"))
        reports = list(
            self.held.of(self.prescriber).search("DiagnosticReport", {"based-on": f"ServiceRequest/{self.proband}"})
        )
        said = " / ".join(str(each.get("conclusion", each["status"])) for each in reports)
        self.telling.require(len(reports) == 1, f"the hospital reads: {said}", f"l'hôpital lit : {said}")

    # --- what the hospital sees

    def follow(self) -> None:
        self.telling.step(
            "11. The hospital asks where the dossier stands: $suivi.",
            "11. L'hôpital demande où en est le dossier : $suivi.",
        )
        answer = self.held.of(self.prescriber).operation("suivi", "ServiceRequest", self.proband)
        milestones = []
        for each in answer["parameter"]:
            if each["name"] == "etape":
                parts = {part["name"]: part for part in each["part"]}
                days = parts.get("jours", {}).get("valueInteger", 0)
                milestones.append(
                    f"     {parts['date']['valueDateTime'][:10]}  {parts['code']['valueCoding']['display']} (+{days})"
                )
        self.telling.require(len(milestones) == 10, "every milestone has its day:", "chaque jalon a son jour :")
        typer.echo("\n".join(milestones))

    def close(self) -> None:
        self.telling.step(
            "12. The RCP discusses the result, the data are deposited, the prescriber closes the dossier.",
            "12. La RCP discute le résultat, les données sont déposées, le prescripteur clôt le dossier.",
        )
        self.play_while(lambda act: True)
        self.player.compare()
        states = [each["status"] for each in self.orders(self.prescriber)]
        self.telling.require(states == ["completed"] * 3, ", ".join(states), ", ".join(states))

    # --- words

    @property
    def proband(self) -> str:
        request = next(name for name in self.player.places if name.startswith("ServiceRequest/") and "-index" in name)
        return self.player.places[request].partition("/")[2]

    def play(self, last: Says) -> None:
        """Play acts up to one, that included. Raises: Untrue when it never comes."""
        for act in self.acts:
            self.player.do(act)
            if last(act):
                return
        raise Untrue(self.telling.words("the story ends too early", "l'histoire finit trop tôt"))

    def play_while(self, goes_on: Says) -> None:
        for act in self.acts:
            if not goes_on(act):
                self.acts = _before(act, self.acts)
                return
            self.player.do(act)

    def refused(self, ask: Callable[[], object]) -> Refused | None:
        try:
            ask()
        except Refused as refusal:
            return refusal
        return None

    def is_mine(self, task: Resource) -> bool:
        return bool(task["groupIdentifier"]["value"] == self.player.number)

    def orders(self, who: Acting) -> list[Resource]:
        number = f"{identifier_system('dossier')}|{self.player.number}"
        return list(self.held.of(who).search("ServiceRequest", {"requisition": number}))

    def tasks(self, who: Acting, **more: str) -> list[Resource]:
        number = f"{identifier_system('dossier')}|{self.player.number}"
        return list(self.held.of(who).search("Task", {"group-identifier": number, **more, "_sort": "_lastUpdated"}))

    def task_states(self, code: str) -> list[str]:
        return [str(each["status"]) for each in self.tasks(self.prescriber, code=f"{codes.TACHE}|{code}")]

    def show(self, outcome: Resource) -> None:
        """Show the texts of an OperationOutcome, each once."""
        texts = [each["details"]["text"] for each in outcome["issue"] if "details" in each]
        for text in dict.fromkeys(texts):
            typer.echo(f"     - {text}")


def _before(act: Act, rest: Iterator[Act]) -> Iterator[Act]:
    yield act
    yield from rest


def reachable(url: str, seconds: float) -> bool:
    """Tell whether a gateway answers, within some seconds."""
    from fhir_gateway.client import Unreachable

    deadline = time.monotonic() + seconds
    while True:
        try:
            Gateway(url, timeout=5).capabilities()
            return True
        except Unreachable:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)

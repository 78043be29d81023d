"""The trio told step by step against a running gateway: a hospital prescribes, a platform works, the hospital sees it.

Source: FHIR R4, Workflow, "Fulfillment/execution"; RESTful API; the data under `profiles/examples/demo`.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from fhir_gateway.client import Gateway, Refused, Unreachable
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.fhir.data_folder import data_folder

FINESS = "https://finess.esante.gouv.fr"
PLATFORM = f"{FINESS}|990000023"
DOSSIER_SYSTEM = f"{CANONICAL_BASE}/identifier/dossier"
STORED_DOSSIER = "DOSSIER-0001"
START_SECONDS = 30

Resource = dict[str, Any]


class Language(StrEnum):
    en = "en"
    fr = "fr"


class Untrue(Exception):
    """A step did not do what it says."""


def example(name: str, dossier: str = STORED_DOSSIER) -> Resource:
    """Return a file of the demo's data, of the dossier numbered `dossier`."""
    text = (data_folder("profiles") / "examples" / "demo" / f"{name}.json").read_text(encoding="utf-8")
    resource: Resource = json.loads(text.replace(STORED_DOSSIER, dossier), parse_float=Decimal)
    return resource


def program() -> str:
    """Return how this program is called from here: with its path when that leads below the working folder."""
    path = Path(sys.argv[0]).absolute()
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else path.name


def demo(
    url: Annotated[str, typer.Option(help="Base address of the FHIR service.")] = "http://127.0.0.1:8080/fhir",
    language: Annotated[Language, typer.Option(help="Language of the telling.")] = Language.en,
    load: Annotated[bool, typer.Option("--load", help="Only load the data, once, and say what to try.")] = False,
    tokens: Annotated[
        Path | None,
        typer.Option(help="The folder of the tokens that `fhir-gateway token --demo` made, where they are asked for."),
    ] = None,
) -> None:
    """Tell the story of a trio against a running gateway; the exit code says whether every step did what it says."""
    story = Story(url, language, tokens)
    try:
        story.await_gateway()
        if load:
            story.load()
        else:
            story.tell()
    except (Untrue, Refused, Unreachable) as failure:
        typer.echo(f"\n  ✗ {failure}", err=True)
        raise typer.Exit(1) from failure


@dataclass(slots=True)
class Story:
    """What the hospital and the platform know while the story goes on, each from the gateway's answers alone."""

    url: str
    language: Language
    tokens: Path | None = None
    dossier: str = field(default_factory=lambda: f"DOSSIER-{time.strftime('%Y%m%d')}-{time.time_ns() % 10**9:09d}")
    watermark: str = ""
    tasks: list[Resource] = field(default_factory=list)
    orders: list[Resource] = field(default_factory=list)

    def await_gateway(self) -> None:
        """Return when the gateway answers. Raises: Untrue after 30 seconds without an answer."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                Gateway(self.url, timeout=5).capabilities()
                return
            except Unreachable:
                if time.monotonic() > deadline:
                    raise Untrue(
                        self.in_words(
                            f"nobody answers at {self.url}; start the gateway with `fhir-gateway serve`",
                            f"personne ne répond à {self.url} ; démarrez la passerelle avec `fhir-gateway serve`",
                        )
                    ) from None
                time.sleep(0.1)

    def load(self) -> None:
        """Store the demo's resources where they are not stored yet, and say what to open and what to try."""
        for role, name in (("administrateur", "organisations"), ("prescripteur", "trio")):
            Gateway(self.url, language=self.language, token=self.token(role)).transaction(example(name))
        task = f"{self.url}/Task?owner:identifier={PLATFORM}&status=requested"
        work = f"{task}&_include=Task:focus&_include:iterate=ServiceRequest:subject&_pretty=true"
        hospital, platform = self.curl("prescripteur"), self.curl("plateforme")
        told = f"{program()} demo --url {self.url}{'' if self.tokens is None else f' --tokens {self.tokens}'}"
        self.say(
            f"""The demo is loaded: an invented child and both parents, three ServiceRequests of one dossier. Try

  the orders        {hospital} '{self.url}/ServiceRequest?_pretty=true'
  a platform's work {platform} -g '{work}'
  the whole story   {told}
""",
            f"""La démonstration est chargée : un enfant et ses parents, inventés, et trois prescriptions. Essayez

  les prescriptions  {hospital} '{self.url}/ServiceRequest?_pretty=true'
  le travail d'une
  plateforme         {platform} -g '{work}'
  toute l'histoire   {told} --language fr
""",
        )

    def tell(self) -> None:
        """Tell the whole story, on a dossier with a number of its own."""
        hospital, platform = self.witnessed("prescripteur"), self.witnessed("plateforme")
        self.introduce(self.witnessed("administrateur"))
        self.prescribe(hospital)
        self.find_work(platform)
        self.claim(platform)
        self.pull(platform)
        self.report(platform)
        self.notice(hospital)
        self.say("\nEvery step did what it says.", "\nChaque étape a fait ce qu'elle annonce.")

    def introduce(self, directory: Gateway) -> None:
        self.say(
            "1. The hospital, the platform and the prescriber are made known, if they are not yet.",
            "1. L'hôpital, la plateforme et le prescripteur sont déclarés, s'ils ne le sont pas encore.",
        )
        answer = directory.transaction(example("organisations"))
        self.require(len(answer["entry"]) == 3, "three resources answer", "trois ressources répondent")

    def prescribe(self, hospital: Gateway) -> None:
        self.say(
            f"2. The hospital's record prescribes for a trio, as one transaction: dossier {self.dossier}.",
            f"2. Le dossier patient de l'hôpital prescrit pour un trio, en une transaction : {self.dossier}.",
        )
        bundle = example("trio", self.dossier)
        answers = [entry["response"] for entry in hospital.transaction(bundle)["entry"]]
        sent = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
        new = [type for type, answer in zip(sent, answers, strict=True) if answer["status"].startswith("201")]
        self.watermark = max(
            answer["lastModified"] for answer, type in zip(answers, sent, strict=True) if type == "Task"
        )
        self.require(
            all(new.count(type) == 3 for type in ("ServiceRequest", "Specimen", "Task")),
            f"{len(sent)} resources, {len(new)} of them new: {_counted(new)}",
            f"{len(sent)} ressources, dont {len(new)} nouvelles : {_counted(new)}",
        )

    def find_work(self, platform: Gateway) -> None:
        self.say(
            "3. The platform finds its work in one search: its open tasks, their prescriptions, the people.",
            "3. La plateforme trouve son travail en une recherche : ses tâches, les prescriptions, les personnes.",
        )
        found = list(
            platform.search(
                "Task",
                {
                    "owner:identifier": PLATFORM,
                    "status": "requested",
                    "_include": "Task:focus",
                    "_include:iterate": "ServiceRequest:subject",
                },
            )
        )
        self.tasks = [
            resource
            for resource in found
            if resource["resourceType"] == "Task" and resource["groupIdentifier"]["value"] == self.dossier
        ]
        here = {f"{resource['resourceType']}/{resource['id']}" for resource in found}
        orders = [resource for resource in found if resource["resourceType"] == "ServiceRequest"]
        self.require(
            len(self.tasks) == 3
            and all(task["focus"]["reference"] in here for task in self.tasks)
            and all(order["subject"]["reference"] in here for order in orders),
            "3 tasks of this dossier, each with its prescription and its person",
            "3 tâches de ce dossier, chacune avec sa prescription et sa personne",
        )

    def claim(self, platform: Gateway) -> None:
        self.say(
            "4. It claims each task with If-Match. A second claimant, a moment later, is refused.",
            "4. Elle prend chaque tâche avec If-Match. Un second preneur, l'instant d'après, est refusé.",
        )
        seen = self.tasks
        self.tasks = [
            platform.update({**task, "status": "accepted"}, if_match=task["meta"]["versionId"]) for task in seen
        ]
        accept = [{"op": "replace", "path": "/status", "value": "accepted"}]
        try:
            platform.patch("Task", seen[0]["id"], accept, if_match=seen[0]["meta"]["versionId"])
        except Refused as refusal:
            self.require(refusal.status == 412, f"412: {refusal.reason}", f"412 : {refusal.reason}")
        else:
            raise Untrue(self.in_words("both claimants were let in", "les deux preneurs ont été admis"))

    def pull(self, platform: Gateway) -> None:
        self.say(
            "5. It pulls the prescriptions of the dossier.",
            "5. Elle tire les prescriptions du dossier.",
        )
        self.orders = list(platform.search("ServiceRequest", {"requisition": f"{DOSSIER_SYSTEM}|{self.dossier}"}))
        people = sorted(order["subject"]["display"] for order in self.orders)
        self.require(len(self.orders) == 3, ", ".join(people), ", ".join(people))

    def report(self, platform: Gateway) -> None:
        self.say(
            "6. It returns the report and completes the three tasks, as one transaction.",
            "6. Elle rend le compte rendu et termine les trois tâches, en une transaction.",
        )
        full_url = "urn:uuid:7d1e0000-0000-4000-8000-000000000099"
        entries: list[Resource] = [
            {
                "fullUrl": full_url,
                "resource": example("report", self.dossier),
                "request": {"method": "POST", "url": "DiagnosticReport"},
            }
        ]
        for task in self.tasks:
            output = {"type": {"text": "Compte rendu"}, "valueReference": {"reference": full_url}}
            entries.append(
                {
                    "resource": {**task, "status": "completed", "output": [output]},
                    "request": {
                        "method": "PUT",
                        "url": f"Task/{task['id']}",
                        "ifMatch": f'W/"{task["meta"]["versionId"]}"',
                    },
                }
            )
        statuses = [entry["response"]["status"][:3] for entry in platform.transaction(entries)["entry"]]
        self.require(statuses == ["201", "200", "200", "200"], ", ".join(statuses), ", ".join(statuses))

    def notice(self, hospital: Gateway) -> None:
        self.say(
            f"7. The hospital asks what is new since {self.watermark}.",
            f"7. L'hôpital demande ce qui est nouveau depuis {self.watermark}.",
        )
        since = {"_lastUpdated": f"ge{self.watermark}"}
        reports = list(hospital.search("DiagnosticReport", since))
        mine = {f"ServiceRequest/{order['id']}" for order in self.orders}
        report = next(
            (found for found in reports if mine == {based_on["reference"] for based_on in found["basedOn"]}), None
        )
        if report is None:
            raise Untrue(
                self.in_words("the report is not among the new", "le compte rendu n'est pas parmi les nouveaux")
            )
        history = [entry["resource"] for entry in hospital.history("Task", parameters={"_since": self.watermark})]
        first = self.tasks[0]["id"]
        states = [task["status"] for task in history if task["id"] == first]
        self.require(
            states == ["completed", "accepted", "requested"],
            f"a report: “{report['conclusion']}”; a task went {' ← '.join(states)}",
            f"un compte rendu : « {report['conclusion']} » ; une tâche est passée par {' ← '.join(states)}",
        )

    def witnessed(self, role: str) -> Gateway:
        """Return a client in a role whose requests are shown as they are made."""

        def show(method: str, url: str, status: int) -> None:
            # The address was said once; without it a line wraps less.
            typer.echo(f"     {method} {url.removeprefix(self.url) or '/'} → {status}")

        return Gateway(self.url, language=self.language, witness=show, token=self.token(role))

    def token(self, role: str) -> str | None:
        """Return the token of a role; None where the gateway does not ask who one is. Raises: Untrue."""
        if self.tokens is None:
            return None
        try:
            return (self.tokens / role).read_text(encoding="utf-8").split()[-1]  # it is kept as a header
        except (OSError, IndexError) as error:
            raise Untrue(f"{self.tokens / role}: {getattr(error, 'strerror', None) or 'is empty'}") from None

    def curl(self, role: str) -> str:
        """Return how curl is called in a role."""
        return "curl" if self.tokens is None else f"curl -H @{self.tokens}/{role}"

    def in_words(self, en: str, fr: str) -> str:
        return fr if self.language is Language.fr else en

    def say(self, en: str, fr: str) -> None:
        typer.echo(self.in_words(en, fr))

    def require(self, truth: bool, en: str, fr: str) -> None:
        """Say what came of a step. Raises: Untrue when it is not what the step announced."""
        if not truth:
            raise Untrue(self.in_words(en, fr))
        self.say(f"   ✓ {en}", f"   ✓ {fr}")


def _counted(types: list[str]) -> str:
    return ", ".join(f"{types.count(type)} {type}" for type in dict.fromkeys(types))

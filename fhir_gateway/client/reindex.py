"""The command `fhir-gateway reindex`: begin a reindex at a running gateway, or follow those there are, to the end.

It asks over HTTP, as a gateway holds its SQLite file alone.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from fhir_gateway.client import Gateway, Refused, Unreachable

_AT_WORK = ("waiting", "running")


def reindex(
    url: Annotated[str, typer.Option(help="Base address of the FHIR service.")] = "http://127.0.0.1:8080/fhir",
    type: Annotated[list[str] | None, typer.Option(help="A resource type; may be repeated. Default: all.")] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Begin nothing; follow the jobs there are.")] = False,
    token_file: Annotated[
        Path | None, typer.Option(help="A file with an access token of an administrateur, where one is asked for.")
    ] = None,
    wait: Annotated[bool, typer.Option(help="Stay until they have ended.")] = True,
    seconds: Annotated[float, typer.Option(help="How often to look.", min=0.05)] = 1.0,
) -> None:
    """Index what a running gateway holds again, in its background; the exit code says whether all of it was done."""
    try:
        token = None if token_file is None else token_file.read_text(encoding="utf-8").strip().rpartition(" ")[2]
    except OSError as error:
        typer.echo(f"{token_file}: {error.strerror or error}", err=True)
        raise typer.Exit(1) from None
    gateway = Gateway(url, token=token)
    try:
        if follow:
            wanted = [job["id"] for job in _jobs(gateway) if job["state"] in _AT_WORK]
        else:
            answer = gateway.operation("reindex", parameters={"type": type or []}, post=True)
            wanted = [job["id"] for job in _read(answer)]
        ended = [_follow(gateway, id, wait, seconds) for id in wanted]
    except (Refused, Unreachable) as failure:
        typer.echo(str(failure), err=True)
        raise typer.Exit(1) from failure
    if not wanted:
        typer.echo("nothing is being indexed")
    if not all(ended):
        raise typer.Exit(1)


def _follow(gateway: Gateway, id: int, wait: bool, seconds: float) -> bool:
    """Tell how far a job is until it ends (or once); return False when it ended without being done."""
    told = ""
    while True:
        (job,) = _read(gateway.operation("reindex", parameters={"job": str(id)}))
        line = f"job {id}: {job['state']}, {job['done']} of {job['total']} resources, {job['written']} changed"
        if "last-error" in job:
            line += f"; {job['last-error']}"
        if line != told:
            typer.echo(line)
            told = line
        if job["state"] not in _AT_WORK or not wait:
            return job["state"] in ("done", *_AT_WORK)
        time.sleep(seconds)


def _jobs(gateway: Gateway) -> list[dict[str, Any]]:
    return _read(gateway.operation("reindex"))


def _read(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the jobs that an answer names, each as names to values."""
    return [
        {part["name"]: next(part[key] for key in part if key.startswith("value")) for part in parameter["part"]}
        for parameter in answer.get("parameter", ())
    ]

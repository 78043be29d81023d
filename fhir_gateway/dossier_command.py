"""The command `fhir-gateway dossier`: dossiers as files of a platform, results imported, keys of pseudonyms changed."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from fhir_gateway.cli import chosen_settings, give_up, in_french

if TYPE_CHECKING:
    from fhir_gateway.interactions.gateway import Gateway
    from fhir_gateway.interactions.interaction import Actor

_PAGE = 200


def dossier(
    action: Annotated[Literal["export", "import", "rotate"], typer.Argument(help="What to do.")],
    files: Annotated[list[Path] | None, typer.Argument(metavar="[FILE]...", help="import: which files.")] = None,
    format: Annotated[str, typer.Option(help="Which format; export needs it: auragen-mr, phenopacket …")] = "",
    request: Annotated[str, typer.Option(help="Of this request (its id).")] = "",
    search: Annotated[str, typer.Option(help="export: of the requests found: 'status=active'.")] = "",
    to: Annotated[Path, typer.Option(help="export: into this folder.")] = Path(),
    organisation: Annotated[str, typer.Option(help="Acting for this structure (FINESS); import needs it.")] = "",
    database: Annotated[str | None, typer.Option(help="The database, if not the configured one.")] = None,
) -> None:
    """Write dossiers as files, import result files of a platform, or seal all pseudonyms by the newest key.

    A line of JSON for each file says what became of it; the exit status is 1 where one was refused. What a file lacks
    is written beside, in outcome.ndjson.

    \b
    Examples:
    fhir-gateway dossier export --format auragen-mr --search 'status=active' --to out
    fhir-gateway dossier export --format phenopacket --request 4711
    fhir-gateway dossier import result.vcf.gz --organisation 690043534
    fhir-gateway dossier rotate

    A SQLite file that a gateway holds open is asked of that gateway: ServiceRequest/$dossier, $import-result.
    """
    if action == "export" and not format:
        give_up("export: --format" if not in_french() else "export : --format", 2)
    if action == "import" and not (files and organisation):
        give_up(
            "import: files, and --organisation" if not in_french() else "import : des fichiers, et --organisation", 2
        )
    from fhir_gateway.app import open_gateway
    from fhir_gateway.fhir.outcome import FhirError
    from fhir_gateway.interactions.platform_files import BadPlatformFiles
    from fhir_gateway.store.file_lock import FileHeld

    language: Literal["en", "fr"] = "fr" if in_french() else "en"
    chosen = chosen_settings({} if database is None else {"database": database})
    try:
        gateway = open_gateway(chosen)
    except FileHeld:
        give_up("a running gateway holds this database; ask it: ServiceRequest/$dossier, $import-result")
    except BadPlatformFiles as error:
        give_up(str(error))
    except FhirError as refusal:
        give_up("\n".join(issue.text(language) for issue in refusal.issues))
    refused = False
    try:
        acted = {
            "export": lambda: _exported(gateway, _actor(organisation), format, request, search, to),
            "import": lambda: _imported(gateway, _actor(organisation), files or [], format, request),
            "rotate": lambda: _rotated(gateway),
        }[action]()
        for line in acted:
            refused |= "refused" in line
            typer.echo(json.dumps(line, ensure_ascii=False))
    except FhirError as refusal:
        give_up("\n".join(issue.text(language) for issue in refusal.issues))
    finally:
        gateway.store.close()
    if refused:
        raise typer.Exit(1)


def _actor(number: str) -> Actor:
    from fhir_gateway.interactions.interaction import ANONYME
    from fhir_gateway.mllp.result_folder import platform_of

    return platform_of(number) if number else ANONYME


def _exported(
    gateway: Gateway, actor: Actor, format: str, request: str, search: str, to: Path
) -> Iterator[dict[str, Any]]:
    """Write the files of all pages, and yield what became of each dossier."""
    from urllib.parse import parse_qsl, urlsplit

    from fhir_gateway.fhir.json import decode
    from fhir_gateway.interactions.interaction import Interaction
    from fhir_gateway.interactions.perform import perform

    to.mkdir(parents=True, exist_ok=True)
    parameters = [("format", format), *(parse_qsl(search, keep_blank_values=True) if not request else [])]
    if not request:
        parameters.append(("_count", str(_PAGE)))
    with (to / "outcome.ndjson").open("w", encoding="utf-8") as outcomes:
        while True:
            act = Interaction(
                "operation", "ServiceRequest", request or None, operation="dossier", parameters=parameters, safe=True
            )
            answer = perform(gateway, act, actor)
            for each in decode(answer.body or b"").get("parameter", ()):
                if each["name"] != "dossier":
                    continue
                parts = {part["name"]: part for part in each["part"]}
                outcome = parts["outcome"]["resource"]
                outcomes.write(json.dumps(outcome, ensure_ascii=False, default=str) + "\n")
                yield _kept(to, parts, outcome)
            if answer.next is None:
                return
            parameters = parse_qsl(urlsplit(answer.next).query, keep_blank_values=True)


def _kept(to: Path, parts: dict[str, Any], outcome: dict[str, Any]) -> dict[str, Any]:
    told = {"dossier": parts["numero"]["valueIdentifier"]["value"]}
    if "fichier" not in parts:
        errors = [each["details"]["text"] for each in outcome["issue"] if each["severity"] == "error"]
        return {**told, "refused": errors}
    name = parts["nom"]["valueString"]
    (to / name).write_bytes(b64decode(parts["fichier"]["resource"]["data"]))
    return {**told, "file": name, "sha256": parts["empreinte"]["valueString"]}


def _imported(gateway: Gateway, actor: Actor, files: list[Path], format: str, request: str) -> Iterator[dict[str, Any]]:
    """Import files one by one, and yield what became of each."""
    from fhir_gateway.fhir.json import decode
    from fhir_gateway.fhir.outcome import FhirError
    from fhir_gateway.interactions.perform import perform
    from fhir_gateway.mllp.result_folder import asked

    language: Literal["en", "fr"] = "fr" if in_french() else "en"
    more = [{"name": "format", "valueCode": format}] if format else []
    for path in files:
        act = asked("", path.name, path.read_bytes(), more, request or None)
        act.language = language
        try:
            parameters = decode(perform(gateway, act, actor).body or b"")["parameter"]
        except FhirError as refusal:
            told = [f"{each.expression or '-'}: {each.text(language)}" for each in refusal.issues]
            yield {"file": path.name, "refused": told}
            continue
        (outcome,) = (each["resource"] for each in parameters if each["name"] == "outcome")
        yield {
            "file": path.name,
            "dossier": next(each["valueIdentifier"]["value"] for each in parameters if each["name"] == "dossier"),
            "written": [each["valueReference"]["reference"] for each in parameters if each["name"] == "ressource"],
            "told": [each["details"]["text"] for each in outcome["issue"]],
        }


def _rotated(gateway: Gateway) -> Iterator[dict[str, Any]]:
    """Seal by the first key what others sealed, and yield how many rows that were."""
    keys = gateway.files.keys
    if keys is None:
        give_up("rotate: pseudonym_keys" if not in_french() else "rotate : pseudonym_keys", 2)
    from fhir_gateway.store import pseudonyms

    count = 0
    while some := gateway.store.write(lambda tx: pseudonyms.rotate(tx, keys)):
        count += some
    yield {"sealed": count, "key": keys.current.kid}

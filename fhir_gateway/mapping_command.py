"""The command `fhir-gateway mapping`: convert messages, say which rule made what, test and show the rules.

Source: mappings/README.md.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fhir_gateway.cli import chosen_settings, give_up, in_french

if TYPE_CHECKING:
    from fhir_gateway.exchange.hl7v2.convert import Conversion, Converter
    from fhir_gateway.exchange.hl7v2.golden import Judged
    from fhir_gateway.fhir.outcome import Issue

Language = Literal["en", "fr"]
_HEADS = {"en": ("Rule", "Where it stands", "Source", "Element"), "fr": ("Règle", "Où elle est", "Source", "Élément")}
_SHOWN = 10  # differences of a pair


def mapping(
    action: Annotated[
        Literal["convert", "explain", "check", "test", "export"], typer.Argument(help="What to do, see below.")
    ],
    files: Annotated[
        list[str] | None, typer.Argument(help="Files of messages, or - for standard input; for test: names of pairs.")
    ] = None,
    mappings: Annotated[
        Path | None, typer.Option(help="A folder of rules laid over those that ship, if not that of mappings_folder.")
    ] = None,
    site: Annotated[
        list[str] | None, typer.Option(help="Read all messages by the rules of this site; repeatable.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="export: the folder that the tables are written to.")] = None,
    conceptmap: Annotated[bool, typer.Option("--conceptmap", help="export: ConceptMaps (JSON), not tables.")] = False,
    ndjson: Annotated[bool, typer.Option("--ndjson", help="convert: a line for each message, also for one.")] = False,
    write: Annotated[bool, typer.Option("--write", help="test: write what is made as what is expected.")] = False,
    language: Annotated[str, typer.Option(help="Of the texts: en or fr.")] = "",
) -> None:
    """Work with the rules that turn messages of HL7 v2 into FHIR. They are files of YAML: mappings/README.md says what
    a rule may say, and a folder of one's own (--mappings) is laid over those that ship.

    \b
    convert FILE…   the transaction Bundle that a message becomes, as JSON; of several messages a line each
    explain FILE…   which rule, in which file and line, made which element of which field, and what found no place
    check           whether all rules are sound: every problem with file and line
    test [NAME…]    whether each golden pair (golden/NAME.hl7, NAME.expected.json) becomes what it says
    export --out F  the rules as the spreadsheets of HL7's guide (CSV), or as ConceptMaps

    \b
    Exit status:
    0   all is well
    1   a message could not be converted, a pair differs, a rule is wrong
    2   a file could not be read, or the command was wrong

    \b
    Examples:
    fhir-gateway mapping convert admission.hl7 | fhir-gateway validate -
    fhir-gateway mapping explain admission.hl7 --language fr
    fhir-gateway mapping check --mappings /etc/gateway/mappings
    fhir-gateway mapping test --mappings /etc/gateway/mappings
    fhir-gateway mapping export --out tables
    """
    spoken: Language = "fr" if (language or ("fr" if in_french() else "en")) == "fr" else "en"
    if language not in ("", "en", "fr"):
        give_up(f"--language {language}: en, fr", 2)
    from fhir_gateway.transform.complaints import MappingError

    folder = mappings if mappings is not None else chosen_settings({}).mappings_folder
    if folder is not None and not folder.is_dir():
        give_up(f"{folder}: {_say(spoken, 'is no folder', 'n’est pas un dossier')}", 2)
    try:
        if action == "test":
            _test(files or [], folder, write, spoken)
        elif action == "export":
            _export(folder, site or [], out, conceptmap, spoken)
        else:
            _read(action, files or [], folder, site or [], ndjson, spoken)
    except MappingError as refusal:
        for issue in refusal.issues:
            typer.echo(issue.text(spoken), err=True)
        raise typer.Exit(1) from None


def _say(language: Language, english: str, french: str) -> str:
    return french if language == "fr" else english


# --- messages


def _read(
    action: str, files: Sequence[str], folder: Path | None, sites: Sequence[str], ndjson: bool, language: Language
) -> None:
    from fhir_gateway.exchange.hl7v2.convert import converter, known_sites

    convert = converter(sites, folder)
    if action == "check":
        names = ", ".join(known_sites(folder)) or _say(language, "none", "aucun")
        layers = ", ".join(convert.mappings.layers)
        typer.echo(
            _say(
                language,
                f"The rules are sound. Layers: {layers}; sites: {names}; version {convert.mappings.version}.",
                f"Les règles sont saines. Couches : {layers} ; sites : {names} ; version {convert.mappings.version}.",
            )
        )
        return
    if not files:
        give_up(_say(language, f"{action} which file?", f"{action} : quel fichier ?"), 2)
    failed = 0
    conversions = list(_conversions(convert, files, action == "explain", language))
    if action == "explain":
        for name, conversion in conversions:
            failed += _explain(name, conversion, language)
    else:
        failed = _bundles(conversions, ndjson or len(conversions) > 1, language)
    if failed:
        raise typer.Exit(1)


def _conversions(
    convert: Converter, files: Sequence[str], traced: bool, language: Language
) -> Iterator[tuple[str, Conversion | list[Issue]]]:
    """Yield the messages of files with a name to call each by, and what became of it or why it cannot be read."""
    from fhir_gateway.exchange.hl7v2.complaints import Unreadable

    for name in files:
        try:
            data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        except OSError as error:
            give_up(f"{name}: {error.strerror or error}", 2)
        found = list(convert.convert_all(data, traced))
        if not found:
            give_up(f"{name}: {_say(language, 'there is no message in it', 'il ne contient aucun message')}", 2)
        for number, each in enumerate(found, 1):
            called = name if len(found) == 1 else f"{name} #{number}"
            yield called, list(each.issues) if isinstance(each, Unreadable) else each


def _bundles(conversions: Iterable[tuple[str, Conversion | list[Issue]]], lines: bool, language: Language) -> int:
    """Print bundles; return how many messages became none that may be written."""
    from fhir_gateway.fhir.json import encode, pretty

    failed = 0
    for name, each in conversions:
        issues = each if isinstance(each, list) else each.issues
        for issue in issues:
            typer.echo(f"{name}: {issue.severity}: {issue.text(language)}", err=True)
        wrong = isinstance(each, list) or any(issue.severity == "error" for issue in issues)
        failed += wrong
        if isinstance(each, list) or each.result is None:
            if not wrong:
                nothing = _say(language, "is taken and makes nothing", "est reçu et ne crée rien")
                typer.echo(f"{name}: {each.event} {nothing}", err=True)  # type: ignore[union-attr]
            continue
        body = encode(each.result.bundle())
        typer.echo((body if lines else pretty(body)).decode())
    return failed


def _explain(name: str, found: Conversion | list[Issue], language: Language) -> int:
    """Print which rule made what of a message; return 1 where it could not be read."""
    if isinstance(found, list):
        for issue in found:
            typer.echo(f"{name}: {issue.text(language)}", err=True)
        return 1
    typer.echo(f"{name}: {found.event}")
    result = found.result
    if result is None:
        typer.echo(_say(language, "  taken, and makes nothing", "  reçu, et ne crée rien"))
    else:
        kinds = {each.id: each.resource["resourceType"] for each in result.instances}
        rows = [
            (
                each.rule,
                each.place,
                each.where.replace("^", "-", 2),
                f"{kinds.get(each.of, '?')} {each.of}.{each.element}",
            )
            for each in result.trace
        ]
        typer.echo(_table(_HEADS[language], rows), nl=False)
        unplaced = ", ".join(each.where for each in result.unplaced)
        typer.echo(_say(language, "Found no place: ", "N’ont pas trouvé de place : ") + (unplaced or "—"))
    for issue in found.issues:
        typer.echo(f"{issue.severity}: {issue.text(language)}")
    return int(any(each.severity == "error" for each in found.issues))


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (head, tuple("-" * width for width in widths), *rows)
    )
    return "\n".join(lines) + "\n"


# --- golden pairs


def _test(names: Sequence[str], folder: Path | None, write: bool, language: Language) -> None:
    from fhir_gateway.exchange.hl7v2.golden import judged, pairs

    chosen = [each for each in pairs(folder) if not names or each.name in names or each.message.stem in names]
    unknown = [each for each in names if each not in {one for pair in chosen for one in (pair.name, pair.message.stem)}]
    if unknown or not chosen:
        give_up(f"{', '.join(unknown) or folder}: {_say(language, 'no such pair', 'pas de telle paire')}", 2)
    passed = 0
    for each in judged(folder, chosen):
        if not each.passed and write:
            _write(each, folder)
            typer.echo(f"{_say(language, 'written', 'écrit')}  {each.pair.expected}")
            continue
        passed += each.passed
        typer.echo(f"{_say(language, 'same', 'conforme') if each.passed else _say(language, 'DIFFERS', 'DIFFÈRE')}  "
                   f"{each.pair.name}")  # fmt: skip
        for line in _differences(each, language):
            typer.echo(line)
    typer.echo(f"{passed}/{len(chosen)}")
    if passed < len(chosen) and not write:
        raise typer.Exit(1)


def _differences(found: Judged, language: Language) -> Iterator[str]:
    if found.problem:
        yield f"    {found.problem}"
    expected, made = _say(language, "expected", "attendu"), _say(language, "made", "produit")
    for each in found.differences[:_SHOWN]:
        yield f"    {each.path}\n        {expected}: {each.expected}\n        {made}: {each.made}"
    if len(found.differences) > _SHOWN:
        yield f"    … {len(found.differences) - _SHOWN} {_say(language, 'more', 'de plus')}"


def _write(found: Judged, folder: Path | None) -> None:
    from fhir_gateway.exchange.hl7v2.convert import converter
    from fhir_gateway.exchange.hl7v2.golden import bundle_of
    from fhir_gateway.fhir.json import encode, pretty

    pair = found.pair
    made = bundle_of(converter((pair.site,) if pair.site else (), folder), pair)
    if isinstance(made, str):
        give_up(f"{pair.message}: {made}")
    if made is None:
        pair.expected.unlink(missing_ok=True)
    else:
        pair.expected.write_bytes(pretty(encode(made)) + b"\n")


# --- tables


def _export(folder: Path | None, sites: Sequence[str], out: Path | None, conceptmap: bool, language: Language) -> None:
    from fhir_gateway.exchange.hl7v2.convert import converter, targets
    from fhir_gateway.fhir.json import encode, pretty
    from fhir_gateway.transform import export

    if out is None:
        give_up(_say(language, "export needs --out, the folder to write to", "export demande --out, le dossier"), 2)
    rules = converter(sites, folder).mappings.rules
    if conceptmap:
        written = [
            (f"ConceptMap-{each['id']}.json", pretty(encode(each)) + b"\n") for each in export.concept_maps(rules)
        ]
    else:
        written = [(name, text.encode()) for name, text in export.tables(rules, targets())]
    try:
        for name, content in written:
            path = out / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as error:
        give_up(f"{error.filename or out}: {error.strerror or error}")
    typer.echo(f"{len(written)} {_say(language, 'files in', 'fichiers dans')} {out}")

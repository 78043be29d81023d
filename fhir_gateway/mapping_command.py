"""The command `fhir-gateway mapping`: convert messages, say which rule made what, test and show the rules; the same of
what is sent.

Source: mappings/README.md.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from fhir_gateway.cli import chosen_settings, give_up, in_french

if TYPE_CHECKING:
    from fhir_gateway.exchange.hl7v2.convert import Conversion, Converter
    from fhir_gateway.exchange.hl7v2.golden import Judged, OutPair, Pair
    from fhir_gateway.exchange.hl7v2.golden_out import Asked, AskedAnswer
    from fhir_gateway.exchange.hl7v2.sending import Recipient
    from fhir_gateway.exchange.hl7v2.sending_rules import SendingRules
    from fhir_gateway.fhir.outcome import Issue
    from fhir_gateway.transform.writers import Wrote

Language = Literal["en", "fr"]
_HEADS = {"en": ("Rule", "Where it stands", "Source", "Element"), "fr": ("Règle", "Où elle est", "Source", "Élément")}
_HEADS_OUT = {
    "en": ("Rule", "Where it stands", "Element", "Field"),
    "fr": ("Règle", "Où elle est", "Élément", "Champ"),
}
_SHOWN = 10  # differences of a pair


def mapping(
    action: Annotated[
        Literal["convert", "explain", "check", "test", "export"], typer.Argument(help="What to do, see below.")
    ],
    files: Annotated[
        list[str] | None,
        typer.Argument(
            help="Files of messages (with --outgoing: of Bundles), or - for standard input; for test: names of pairs."
        ),
    ] = None,
    mappings: Annotated[
        Path | None, typer.Option(help="A folder of rules laid over those that ship, if not that of mappings_folder.")
    ] = None,
    site: Annotated[
        list[str] | None, typer.Option(help="Read or write all messages by the rules of this site; repeatable.")
    ] = None,
    outgoing: Annotated[
        bool, typer.Option("--outgoing", help="convert, explain: what a Bundle with a report would be sent as.")
    ] = False,
    event: Annotated[str, typer.Option(help="With --outgoing: as this event, such as ORU^R01, MDM^T02.")] = "",
    destination: Annotated[str, typer.Option(help="With --outgoing: to this destination of the partners file.")] = "",
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
    check           whether all rules are sound, of what comes in and of what is sent: every problem with file and line
    test [NAME…]    whether each golden pair becomes what it says: golden/NAME.hl7 NAME.expected.json; of what is sent
                    golden/out/NAME.json becomes golden/out/NAME.hl7, and is called out/NAME
    export --out F  the rules as the spreadsheets of HL7's guide (CSV), or as ConceptMaps; those of what is sent in out/

    With --outgoing convert and explain take a Bundle of a report (DiagnosticReport) and what it leads to, or the .json
    of a pair, and tell the message that would be sent, or which rule wrote which of its fields.

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
    fhir-gateway mapping explain --outgoing report.json --event ORU^R01 --destination chu-exemple
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
        elif action == "check":
            _check(folder, site or [], spoken)
        elif outgoing:
            _send(action, files or [], folder, site or [], event, destination, spoken)
        else:
            _read(action, files or [], folder, site or [], ndjson, spoken)
    except MappingError as refusal:
        for issue in refusal.issues:
            typer.echo(issue.text(spoken), err=True)
        raise typer.Exit(1) from None


def _say(language: Language, english: str, french: str) -> str:
    return french if language == "fr" else english


def _check(folder: Path | None, sites: Sequence[str], language: Language) -> None:
    """Say that all rules are sound. Raises: MappingError with all that is wrong in any file."""
    from fhir_gateway.exchange.hl7v2.convert import converter, known_sites
    from fhir_gateway.exchange.hl7v2.sending_rules import layers_out, sending_rules
    from fhir_gateway.exchange.platform_rules import compiled
    from fhir_gateway.transform.complaints import MappingError

    problems: list[Issue] = []
    made: list[Any] = []
    for load in (lambda: converter(sites, folder), lambda: sending_rules(sites, folder), compiled):
        try:
            made.append(load())
        except MappingError as error:
            problems += (each for each in error.issues if each not in problems)
    if problems:
        raise MappingError(problems)
    read, sent, _ = made
    names = ", ".join(known_sites(folder)) or _say(language, "none", "aucun")
    layers = ", ".join(read.mappings.layers)
    out = ", ".join(name for name, _ in layers_out(folder, sites))
    version, version_out = read.mappings.version, sent.every.version
    typer.echo(
        _say(
            language,
            f"The rules are sound. Layers: {layers}; sites: {names}; version {version}.\n"
            f"Of what is sent: {out}; version {version_out}.",
            f"Les règles sont saines. Couches : {layers} ; sites : {names} ; version {version}.\n"
            f"De ce qui est envoyé : {out} ; version {version_out}.",
        )
    )


# --- messages


def _read(
    action: str, files: Sequence[str], folder: Path | None, sites: Sequence[str], ndjson: bool, language: Language
) -> None:
    from fhir_gateway.exchange.hl7v2.convert import converter

    convert = converter(sites, folder)
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
        data = _content(name)
        found = list(convert.convert_all(data, traced))
        if not found:
            give_up(f"{name}: {_say(language, 'there is no message in it', 'il ne contient aucun message')}", 2)
        for number, each in enumerate(found, 1):
            called = name if len(found) == 1 else f"{name} #{number}"
            yield called, list(each.issues) if isinstance(each, Unreadable) else each


def _content(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        give_up(f"{name}: {error.strerror or error}", 2)


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


# --- what is sent


def _send(
    action: str, files: Sequence[str], folder: Path | None, sites: Sequence[str], event: str, destination: str,
    language: Language,
) -> None:  # fmt: skip
    from fhir_gateway.exchange.hl7v2.sending_rules import sending_rules

    if not files:
        give_up(_say(language, f"{action} which Bundle?", f"{action} : quel Bundle ?"), 2)
    recipient, own = _recipient(destination, language)
    rules = sending_rules(sites or own, folder)
    failed = 0
    for name in files:
        wanted = _asked(name, event, recipient, language)
        failed += sum(not _sent(action, name, each, rules, language) for each in wanted)
    if failed:
        raise typer.Exit(1)


def _recipient(destination: str, language: Language) -> tuple[Recipient | None, Sequence[str]]:
    """Return who a destination of the partners file is, and its sites; None where none is named."""
    if not destination:
        return None, ()
    from fhir_gateway.interactions.outgoing_gathering import recipient_of
    from fhir_gateway.policy.partners import BadPartners, partners_of

    file = chosen_settings({}).partners
    try:
        known = partners_of(file).destinations.by_name if file is not None else {}
    except BadPartners as refusal:
        give_up(str(refusal), 2)
    if destination not in known:
        words = _say(language, "no such destination; there are", "pas de telle destination ; il y a")
        give_up(f"{destination}: {words}: {', '.join(sorted(known)) or '—'}", 2)
    return recipient_of(known[destination]), known[destination].sites


def _asked(name: str, event: str, recipient: Recipient | None, language: Language) -> Sequence[Asked | AskedAnswer]:
    from fhir_gateway.exchange.hl7v2.golden_out import asked, asked_of
    from fhir_gateway.fhir.json import decode
    from fhir_gateway.fhir.outcome import FhirError

    data = _content(name)
    try:
        said = decode(data)
        if isinstance(said, dict) and ("recipient" in said or "answers" in said):
            return [asked(data)]
        if not isinstance(said, dict) or said.get("resourceType") != "Bundle":
            give_up(f"{name}: {_say(language, 'is no Bundle', 'n’est pas un Bundle')}", 2)
        found = asked_of(said, event, recipient)
    except FhirError as refusal:
        give_up(f"{name}: {'; '.join(each.text(language) for each in refusal.issues)}", 2)
    except ValueError as error:
        give_up(f"{name}: {error}", 2)
    if not found:
        words = _say(language, "has no report to be sent", "n’a pas de compte rendu à envoyer")
        give_up(f"{name}: {words}", 2)
    return found


def _sent(action: str, name: str, wanted: Asked | AskedAnswer, rules: SendingRules, language: Language) -> bool:
    """Print the message that is asked for, or which rule wrote what of it; return whether it can be sent."""
    from fhir_gateway.fhir.outcome import FhirError

    trace: list[Wrote] = []
    issues: Sequence[Issue] = ()
    data = b""
    try:
        data, issues = wanted.written(rules.to(*wanted.receiving), trace)
    except FhirError as refusal:
        issues = refusal.issues
    except ValueError as error:
        give_up(f"{name}: {error}", 2)
    if action == "explain":
        report = wanted.about
        typer.echo(
            f"{name}: {wanted.event}, {report['resourceType']}/{report.get('id', '')} {report.get('status', '')}"
        )
        typer.echo(_table(_HEADS_OUT[language], [(each.rule, each.place, each.source, each.where) for each in trace]),
                   nl=False)  # fmt: skip
        untold = ", ".join(_untold(wanted.resources, trace))
        typer.echo(_say(language, "Not told: ", "N’est pas dit : ") + (untold or "—"))
    elif data:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    for issue in issues:
        typer.echo(f"{name}: {issue.severity}: {issue.text(language)}", err=True)
    return bool(data)


def _untold(resources: Iterable[Mapping[str, Any]], trace: Sequence[Wrote]) -> Iterator[str]:
    """Yield the elements of resources that something is told of which no rule read."""
    told = {each.source.partition("[")[0].split(" ")[0] for each in trace}
    names = {".".join(each.split(".")[:2]) for each in told}
    for each in resources:
        name = f"{each['resourceType']}/{each['id']}" if "id" in each else str(each["resourceType"])
        if any(one.startswith(f"{name}.") for one in names):
            elements = (f"{name}.{key}" for key in each if key not in ("resourceType", "id", "meta", "text"))
            yield from (element for element in elements if element not in names)


# --- golden pairs


def _test(names: Sequence[str], folder: Path | None, write: bool, language: Language) -> None:
    from fhir_gateway.exchange.hl7v2.golden import judged, pairs
    from fhir_gateway.exchange.hl7v2.golden_out import judged_out, out_pairs

    chosen = [each for each in pairs(folder) if not names or each.name in names or each.message.stem in names]
    sent = [each for each in out_pairs(folder) if not names or each.name in names or each.ask.stem in names]
    every: list[Pair | OutPair] = [*chosen, *sent]
    known = {one for pair in every for one in (pair.name, pair.name.rpartition("/")[2])}
    unknown = [each for each in names if each not in known]
    if unknown or not known:
        give_up(f"{', '.join(unknown) or folder}: {_say(language, 'no such pair', 'pas de telle paire')}", 2)
    passed = 0
    for each in (*judged(folder, chosen), *judged_out(folder, sent)):
        if not each.passed and write:
            _write(each.pair, folder)
            typer.echo(f"{_say(language, 'written', 'écrit')}  {each.pair.expected}")
            continue
        passed += each.passed
        typer.echo(f"{_say(language, 'same', 'conforme') if each.passed else _say(language, 'DIFFERS', 'DIFFÈRE')}  "
                   f"{each.pair.name}")  # fmt: skip
        for line in _differences(each, language):
            typer.echo(line)
    number = len(chosen) + len(sent)
    typer.echo(f"{passed}/{number}")
    if passed < number and not write:
        raise typer.Exit(1)


def _differences(found: Judged, language: Language) -> Iterator[str]:
    if found.problem:
        yield f"    {found.problem}"
    expected, made = _say(language, "expected", "attendu"), _say(language, "made", "produit")
    for each in found.differences[:_SHOWN]:
        yield f"    {each.path}\n        {expected}: {each.expected}\n        {made}: {each.made}"
    if len(found.differences) > _SHOWN:
        yield f"    … {len(found.differences) - _SHOWN} {_say(language, 'more', 'de plus')}"


def _write(pair: Pair | OutPair, folder: Path | None) -> None:
    from fhir_gateway.exchange.hl7v2.convert import converter
    from fhir_gateway.exchange.hl7v2.golden import OutPair, bundle_of
    from fhir_gateway.exchange.hl7v2.golden_out import message_of
    from fhir_gateway.exchange.hl7v2.sending_rules import sending_rules
    from fhir_gateway.fhir.json import encode, pretty

    sites = (pair.site,) if pair.site else ()
    if isinstance(pair, OutPair):
        written = message_of(sending_rules(sites, folder), pair)
        if isinstance(written, str):
            give_up(f"{pair.ask}: {written}")
        pair.expected.write_bytes(written)
        return
    made = bundle_of(converter(sites, folder), pair)
    if isinstance(made, str):
        give_up(f"{pair.message}: {made}")
    if made is None:
        pair.expected.unlink(missing_ok=True)
    else:
        pair.expected.write_bytes(pretty(encode(made)) + b"\n")


# --- tables


def _export(folder: Path | None, sites: Sequence[str], out: Path | None, conceptmap: bool, language: Language) -> None:
    from fhir_gateway.exchange.hl7v2.convert import converter, targets
    from fhir_gateway.exchange.hl7v2.sending_rules import layers_out, sending_rules
    from fhir_gateway.fhir.json import encode, pretty
    from fhir_gateway.transform import export
    from fhir_gateway.transform.rules import read_layers

    if out is None:
        give_up(_say(language, "export needs --out, the folder to write to", "export demande --out, le dossier"), 2)
    rules = converter(sites, folder).mappings.rules
    sending_rules(sites, folder)  # what is wrong is told first
    sent = read_layers(layers_out(folder, sites))
    if conceptmap:
        maps = (*export.concept_maps(rules), *export.concept_maps(sent, out=True))
        written = [(f"ConceptMap-{each['id']}.json", pretty(encode(each)) + b"\n") for each in maps]
    else:
        written = [(name, text.encode()) for name, text in export.tables(rules, targets())]
        written += [(f"out/{name}", text.encode()) for name, text in export.tables_out(sent)]
    try:
        for name, content in written:
            path = out / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as error:
        give_up(f"{error.filename or out}: {error.strerror or error}")
    typer.echo(f"{len(written)} {_say(language, 'files in', 'fichiers dans')} {out}")

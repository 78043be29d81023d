"""Verdicts as text for a terminal, JSON, SARIF 2.1.0 and JUnit XML.

Source: OASIS, Static Analysis Results Interchange Format (SARIF) 2.1.0; the JUnit XML that build servers read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

import msgspec

from fhir_gateway.conformance.reports.judging import Message, Verdict, totals
from fhir_gateway.fhir.outcome import Language

WORDS: Mapping[Language, Mapping[str, str]] = {
    "en": {"fatal": "fatal", "error": "error", "warning": "warning", "information": "information"},
    "fr": {"fatal": "fatal", "error": "erreur", "warning": "avertissement", "information": "information"},
}
_LEVEL = {"fatal": "error", "error": "error", "warning": "warning", "information": "note"}
# What XML 1.0 cannot hold becomes a replacement character: texts quote what was in the file.
_UNFIT = dict.fromkeys((*range(9), 11, 12, *range(14, 32), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF), "\ufffd")


def summary(verdicts: Sequence[Verdict], language: Language) -> str:
    """Return one line: how many files, how many with errors, how many errors and warnings."""
    files, wrong, errors, warnings = totals(verdicts)
    others = sum(each.is_other for each in verdicts)
    if language == "fr":
        passed = f", {others} sans ressource" if others else ""
        told = f"{wrong} en erreur, {_many(errors, 'erreur', language)}, {_many(warnings, 'avertissement', language)}"
        return f"{_many(files, 'fichier', language)}{passed} : {told}"
    passed = f", {others} without a resource" if others else ""
    told = f"{wrong} with errors, {_many(errors, 'error')}, {_many(warnings, 'warning')}"
    return f"{_many(files, 'file')}{passed}: {told}"


def _many(count: int, word: str, language: Language = "en") -> str:
    is_one = count == 1 or (count == 0 and language == "fr")
    return f"{count} {word}{'' if is_one else 's'}"


def text(verdicts: Sequence[Verdict], language: Language) -> str:
    """Return the findings grouped by file, each with its place, and the summary."""
    lines = []
    for verdict in verdicts:
        if verdict.unreadable is not None:
            lines += [verdict.file, f"  {WORDS[language]['fatal']}: {verdict.unreadable}", ""]
        elif verdict.messages:
            lines.append(verdict.file)
            lines += [_line(message, language) for message in verdict.messages]
            lines.append("")
    return "\n".join([*lines, summary(verdicts, language), ""])


def _line(message: Message, language: Language) -> str:
    place = f"{message.line}:{message.column}" if message.line is not None else "-"
    expression = f" {message.expression}" if message.expression else ""
    lines = [
        f"  {place:>9}  {WORDS[language][message.severity]}{expression}",
        f"{'':11}  {message.text} [{message.code}]",
        *(f"{'':13}- {each}" for each in message.why),
    ]
    return "\n".join(lines)


def as_json(verdicts: Sequence[Verdict], language: Language) -> str:
    """Return an object with a list of files, each with its issues."""
    files, wrong, errors, warnings = totals(verdicts)
    told = {
        "files": [
            {"file": each.file}
            | ({"unreadable": each.unreadable} if each.unreadable is not None else {})
            | {
                "valid": each.unreadable is None and each.errors == 0,
                "issues": [_issue(message) for message in each.messages],
            }
            for each in verdicts
            if not each.is_other
        ],
        "summary": {"files": files, "filesWithErrors": wrong, "errors": errors, "warnings": warnings},
    }
    return msgspec.json.format(msgspec.json.encode(told), indent=2).decode() + "\n"


def _issue(message: Message) -> dict[str, Any]:
    named = ("severity", "code", "kind", "text", "expression", "line", "column", "profile")
    return {name: getattr(message, name) for name in named} | ({"why": message.why} if message.why else {})


def sarif(verdicts: Sequence[Verdict], language: Language) -> str:
    """Return a SARIF log of one run, a rule for each detail code."""
    rules: dict[str, Message] = {}
    results = []
    for verdict in verdicts:
        for message in verdict.messages:
            rules.setdefault(message.code, message)
            results.append(_result(verdict, message))
    driver = {
        "name": "fhir-gateway validate",
        "version": version("fhir-gateway"),
        "rules": [
            {"id": code, "shortDescription": {"text": each.rule}, "properties": {"issueType": each.kind}}
            for code, each in sorted(rules.items())
        ],
    }
    notes = [
        {"level": "error", "message": {"text": f"{each.file}: {each.unreadable}"}}
        for each in verdicts
        if each.unreadable is not None
    ]
    invocation = {"executionSuccessful": not notes, "toolExecutionNotifications": notes}
    log = {
        "version": "2.1.0",
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "runs": [
            {
                "tool": {"driver": driver},
                "invocations": [invocation],
                "language": language,
                "columnKind": "unicodeCodePoints",
                "results": results,
            }
        ],
    }
    return msgspec.json.format(msgspec.json.encode(log), indent=2).decode() + "\n"


def _result(verdict: Verdict, message: Message) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": uri_of(verdict.file)}}
    if message.line is not None:
        place["region"] = {"startLine": message.line, "startColumn": message.column}
    location: dict[str, Any] = {"physicalLocation": place}
    if message.expression:
        location["logicalLocations"] = [{"fullyQualifiedName": message.expression}]
    result = {
        "ruleId": message.code,
        "level": _LEVEL[message.severity],
        "message": {"text": "\n".join([message.text, *(f"- {each}" for each in message.why)])},
        "locations": [location],
    }
    return result | ({"properties": {"profile": message.profile}} if message.profile else {})


def uri_of(file: str) -> str:
    """Return the name of a file as a URI: relative to where the command was given, unless the name is absolute."""
    path = Path(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())


def junit(verdicts: Sequence[Verdict], language: Language) -> str:
    """Return JUnit XML: a test case for each file, a failure with its errors, the rest as its output."""
    files, wrong, _, _ = totals(verdicts)
    unreadable = sum(each.unreadable is not None for each in verdicts)
    counts = f'tests="{files}" failures="{wrong - unreadable}" errors="{unreadable}"'
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<testsuites {counts}>",
        f'<testsuite name="fhir-gateway validate" {counts}>',
    ]
    for verdict in verdicts:
        if verdict.is_other:
            continue
        lines.append(f"<testcase classname={_attribute('fhir')} name={_attribute(verdict.file)}>")
        if verdict.unreadable is not None:
            lines.append(f"<error message={_attribute(verdict.unreadable)}/>")
        wrong_ones = [each for each in verdict.messages if each.severity in ("fatal", "error")]
        others = [each for each in verdict.messages if each not in wrong_ones]
        if wrong_ones:
            told = "\n".join(_line(each, language) for each in wrong_ones)
            lines.append(f"<failure message={_attribute(wrong_ones[0].text)}>{_content(told)}</failure>")
        if others:
            told = "\n".join(_line(each, language) for each in others)
            lines.append(f"<system-out>{_content(told)}</system-out>")
        lines.append("</testcase>")
    return "\n".join([*lines, "</testsuite>", "</testsuites>", ""])


def _attribute(value: str) -> str:
    return quoteattr(value.translate(_UNFIT))


def _content(value: str) -> str:
    return escape(value.translate(_UNFIT))

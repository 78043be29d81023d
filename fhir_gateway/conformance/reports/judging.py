"""Files to verdicts: found, read and judged, by as many processes as the machine has processors.

Source: FHIR R4, Validating Resources; Resource Formats; Bulk Data, NDJSON.
"""

from __future__ import annotations

import gc
import glob
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal

from fhir_gateway.conformance.validation.findings import Finding
from fhir_gateway.conformance.validation.location import JsonSource
from fhir_gateway.conformance.validation.validator import USUAL, Validator, format_of
from fhir_gateway.conformance.validation.walk import Wishes
from fhir_gateway.fhir import json
from fhir_gateway.fhir.outcome import Complaint, FhirError, Issue, Language, Severity

STANDARD_INPUT = "-"
STANDARD_INPUT_SHOWN = "standard input"
SEVERITIES: tuple[Severity, ...] = ("fatal", "error", "warning", "information")
_SUFFIXES = (".json", ".xml", ".ndjson")
_AROUND = 40  # characters of a line that are shown before a place, half as many as after it
_FEW = 16  # files that one process judges before others would have started

_NO_FILE: dict[Language, str] = {"en": "there is no such file", "fr": "ce fichier n'existe pas"}

Format = Literal["json", "xml", "ndjson"]
Make = Callable[[], Validator]


@dataclass(frozen=True, slots=True)
class Message:
    """One issue, in words. `code`: its stable detail code; `kind`: the IssueType; line and column count from 1.

    `why`: of a slice that is missing, why elements that are there do not belong to it; `rule`: the text of all issues
    of this code, with an ellipsis where they differ; `excerpt`: what stands there, before and from the column on.
    """

    severity: Severity
    code: str
    kind: str
    text: str
    expression: str | None
    line: int | None
    column: int | None
    profile: str | None
    why: tuple[str, ...] = ()
    rule: str = ""
    excerpt: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found in one file. `unreadable`: why there is no verdict; `is_other`: it holds no FHIR resource."""

    file: str
    messages: tuple[Message, ...] = ()
    unreadable: str | None = None
    is_other: bool = False

    def count(self, *severities: Severity) -> int:
        return sum(each.severity in severities for each in self.messages)

    @property
    def errors(self) -> int:
        return self.count("fatal", "error")

    @property
    def warnings(self) -> int:
        return self.count("warning")


@dataclass(frozen=True, slots=True)
class Task:
    """How files are judged and told. `least`: the least severity that is told; `excerpts`: with the text there.

    `beside`: what else is to be said of a file's bytes in a format, told from the root of its resource.
    """

    profiles: tuple[str, ...] = ()
    language: Language = "en"
    least: Severity = "information"
    wishes: Wishes = USUAL
    excerpts: bool = False
    beside: Callable[[bytes, Format], Sequence[Issue]] | None = None


def files_of(names: Sequence[str]) -> tuple[list[str], set[str]]:
    """Return the files that names mean, in order, and those of them that were found in a folder.

    A folder means all `.json`, `.xml` and `.ndjson` files below it, a pattern what it matches, "-" standard input.
    """
    files: dict[str, None] = {}
    below: set[str] = set()
    for name in names:
        if name == STANDARD_INPUT or os.path.isfile(name):
            files.setdefault(name)
        elif os.path.isdir(name):
            inside = [
                str(path) for path in sorted(Path(name).rglob("*")) if path.suffix in _SUFFIXES and path.is_file()
            ]
            below.update(set(inside) - files.keys())
            files.update(dict.fromkeys(inside))
        else:
            matched = [path for path in sorted(glob.glob(name, recursive=True)) if os.path.isfile(path)]
            files.update(dict.fromkeys(matched or [name]))
    return list(files), below


def judged(
    files: Sequence[str], below: set[str], make: Make, task: Task, processes: int | None = None
) -> Iterator[Verdict]:
    """Yield the verdict of each file, in order. `below`: those that may hold something else than a resource."""
    wanted = min(processes or os.cpu_count() or 1, 1 + len(files) // _FEW)
    if wanted == 1:
        judge = _Judge(make(), task)
        _settle()
        yield from (judge(file, file in below) for file in files)
        return
    # A fork has the definitions that are read already; elsewhere each process reads them itself.
    method = "fork" if sys.platform == "linux" else "spawn"
    prepared = make() if method == "fork" else None
    arguments = (prepared, None if prepared is not None else make, task)
    with ProcessPoolExecutor(wanted, multiprocessing.get_context(method), _begin, arguments) as pool:
        yield from pool.map(_work, files, [file in below for file in files], chunksize=4)


class _Judge:
    def __init__(self, validator: Validator, task: Task) -> None:
        self._validator = validator
        self._task = task
        self._told = SEVERITIES[: SEVERITIES.index(task.least) + 1]

    def __call__(self, file: str, may_be_other: bool) -> Verdict:
        shown = STANDARD_INPUT_SHOWN if file == STANDARD_INPUT else file
        try:
            body = sys.stdin.buffer.read() if file == STANDARD_INPUT else Path(file).read_bytes()
        except FileNotFoundError:
            return Verdict(shown, unreadable=_NO_FILE[self._task.language])
        except OSError as error:
            return Verdict(shown, unreadable=error.strerror or str(error))
        format = format_of(file, body)
        if may_be_other and _is_other(body, format):
            return Verdict(shown, is_other=True)
        task = self._task
        findings = self._validator.validate_bytes(body, format, task.profiles, task.wishes)
        if task.beside is not None and (more := task.beside(body, format)):
            source = next((each.source for each in findings if each.source is not None), None) or JsonSource(body)
            findings += (Finding(each, source=source) for each in more)
        told = [_message(each, task.language) for each in findings if each.issue.severity in self._told]
        if task.excerpts:
            lines = body.decode(errors="replace").split("\n")
            told = [replace(each, excerpt=_excerpt(lines, each)) for each in told]
        return Verdict(shown, tuple(sorted(told, key=_place)))


_judge: _Judge | None = None


def _begin(prepared: Validator | None, make: Make | None, task: Task) -> None:
    global _judge
    if prepared is None:
        assert make is not None
        prepared = make()
    _judge = _Judge(prepared, task)
    _settle()


def _settle() -> None:
    """Look for cycles seldom, and not among the definitions: most of what a verdict makes dies by its count."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _work(file: str, may_be_other: bool) -> Verdict:
    assert _judge is not None
    return _judge(file, may_be_other)


def _is_other(body: bytes, format: Format) -> bool:
    """Tell whether a file is sound, and no resource: a folder has those too, such as a package.json."""
    if format == "xml":
        return b"http://hl7.org/fhir" not in body
    if format == "ndjson":
        return False
    try:
        value = json.decode(body)
    except FhirError:
        return False
    return not isinstance(value, dict) or "resourceType" not in value


def _message(finding: Finding, language: Language) -> Message:
    issue = finding.issue
    line, column = finding.position or (None, None)
    return Message(
        issue.severity,
        issue.complaint.detail,
        issue.complaint.code,
        issue.text(language),
        issue.expression,
        line,
        column,
        finding.profile,
        tuple(each[language == "fr"] for each in finding.why),
        _rule(issue.complaint, language),
    )


def _excerpt(lines: list[str], message: Message) -> tuple[str, str] | None:
    if message.line is None or message.column is None or message.line > len(lines):
        return None
    line, start = lines[message.line - 1].rstrip("\r"), message.column - 1
    before = line[max(0, start - _AROUND) : start].lstrip()
    return before, line[start : start + 2 * _AROUND]


@cache
def _rule(complaint: Complaint, language: Language) -> str:
    template = complaint.fr if language == "fr" else complaint.en
    return template.format_map(_Ellipses())


class _Ellipses(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "…"


def _place(message: Message) -> tuple[int, int, int]:
    return message.line or 0, message.column or 0, SEVERITIES.index(message.severity)


def totals(verdicts: Iterable[Verdict]) -> tuple[int, int, int, int]:
    """Return how many files were judged, how many of them have errors, how many errors and warnings there are."""
    seen = [each for each in verdicts if not each.is_other]
    wrong = sum(each.errors > 0 or each.unreadable is not None for each in seen)
    return len(seen), wrong, sum(each.errors for each in seen), sum(each.warnings for each in seen)

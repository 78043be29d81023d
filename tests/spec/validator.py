"""The official validator suite: `python -m tests.spec.validator --suite DIR [--packages DIR] [--json OUT]`.

Each run of the index is judged by three measures, from weak to strong: `verdict` (errors or none, as the reference
says), `count` (as many errors), `where` (each error at the same element). Whatever is skipped or crashes has failed.

Source: FHIR/fhir-test-cases, "validator"; the README beside the extracted suite says the settings of the reference run.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.conformance.validation.findings import Finding
from fhir_gateway.conformance.validation.validator import DefinitionLookup, Validator
from fhir_gateway.conformance.validation.walk import Wishes
from fhir_gateway.fhir import json as fhir_json
from fhir_gateway.fhir.outcome import FhirError
from fhir_gateway.fhir.xml import read
from fhir_gateway.terminology.library import Library

_DEFINITIONS = frozenset({"StructureDefinition", "ValueSet", "CodeSystem", "Questionnaire", "ConceptMap", "Measure"})


@dataclass(frozen=True, slots=True)
class Judged:
    """One run: what the reference found, what was found here, and where (severity and first expression)."""

    id: str
    verdict: bool
    count: bool
    where: bool
    missed: bool  # invalid by the reference, nothing found here
    false_errors: int
    found: list[str]
    wanted: list[str]


def run(suite: Path, packages: Path | None = None, only: str = "") -> list[Judged]:
    """Return the judgement of every run of the index."""
    index = json.loads((suite / "validator-index.json").read_text())
    return [_judged(suite, packages, each) for each in index["runs"] if only in each["id"]]


def _judged(suite: Path, packages: Path | None, each: Mapping[str, Any]) -> Judged:
    expected = each["expected"]
    wanted = [
        _place((issue.get("expression") or [issue.get("location") or ""])[0])
        for issue in expected["issues"]
        if issue["severity"] in ("error", "fatal")
    ]
    try:
        found = list(_found(suite, packages, each))
    except Exception as error:  # noqa: BLE001 — a defect fails the run, and the others go on
        crash = f"crashed: {type(error).__name__}: {error}"
        return Judged(each["id"], False, False, False, not expected["valid"], 0, [crash], wanted)
    places = [_place(place) for place, _ in found]
    return Judged(
        each["id"],
        (not found) == expected["valid"],
        len(found) == expected["errors"],
        Counter(places) == Counter(wanted),
        not found and not expected["valid"],
        len(found) if expected["valid"] else 0,
        [f"{place}: {text}" for place, text in found],
        [
            f"{(issue.get('expression') or [''])[0]}: {issue['text']}"
            for issue in expected["issues"]
            if issue["severity"] in ("error", "fatal")
        ],
    )


_ONE = re.compile(r"\[0\]")
_OF_TYPE = re.compile(r"\.ofType\(\w+\)|\[x\]")
_INSIDE = re.compile(r"/\*.*?\*/")
_THIS = re.compile(r"\.\$this")


def _place(expression: str) -> str:
    """Return an expression in the form that is compared: `[x]`, ofType(), $this, comments and `[0]` set aside."""
    return _ONE.sub("", _THIS.sub("", _OF_TYPE.sub("", _INSIDE.sub("", expression))))


def _found(suite: Path, packages: Path | None, each: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield place and text of each error found in a run."""
    supporting = {}
    for name in each.get("supporting", ()):
        for resource in _definitions(suite / name):
            supporting[resource.get("url", name)] = resource
    options = each.get("options") or {}
    profiles = []
    if each.get("profile"):
        for resource in _definitions(suite / each["profile"]):
            supporting[resource["url"]] = resource
            profiles.append(resource["url"])
    validator = _validator(suite, tuple(sorted(supporting)), json.dumps(supporting, default=str, sort_keys=True))
    wishes = Wishes(example_urls=options.get("examples") is not False)
    bodies = [(suite / each["file"]).read_bytes()]
    if each["format"] == "ndjson":
        bodies = [line for line in bodies[0].splitlines() if line.strip()]
    for body in bodies:
        yield from _errors_of(body, each["format"], validator, profiles, wishes)


def _errors_of(
    body: bytes, format: str, validator: Validator, profiles: list[str], wishes: Wishes
) -> Iterator[tuple[str, str]]:
    try:
        if format == "xml":
            resource, issues = read(body, definitions().types)
        else:
            resource, issues = fhir_json.decode(body), []
    except FhirError as refusal:
        yield from ((issue.expression or "", issue.text()) for issue in refusal.issues)
        return
    findings = [*map(Finding, issues), *validator.validate(resource, profiles, wishes)]
    yield from ((each.issue.expression or "", each.issue.text()) for each in findings if each.is_error)


@lru_cache(256)
def _definitions(path: Path) -> tuple[dict[str, Any], ...]:
    body = path.read_bytes()
    if path.suffix == ".tgz":
        return ()
    resource = read(body, definitions().types)[0] if path.suffix == ".xml" else fhir_json.decode(body)
    if resource.get("resourceType") == "Bundle":
        return tuple(entry["resource"] for entry in resource.get("entry", ()) if "resource" in entry)
    return (resource,)


@lru_cache(64)
def _validator(suite: Path, names: tuple[str, ...], texts: str) -> Validator:
    others = fhir_json.decode(texts.encode()) if names else {}
    lookup = DefinitionLookup(definitions(), others)
    return Validator(definitions().types, lookup, Library(lookup))


def summary(judged: list[Judged]) -> dict[str, Any]:
    """Return the figures of a run of the suite."""
    return {
        "total": len(judged),
        "passed": {
            "verdict": sum(each.verdict for each in judged),
            "count": sum(each.count for each in judged),
            "where": sum(each.where for each in judged),
            "missed": sum(each.missed for each in judged),
            "false_errors": sum(each.false_errors for each in judged),
        },
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", type=Path, required=True, help="folder that holds validator-index.json")
    parser.add_argument("--packages", type=Path, help="folder of FHIR packages (.tgz)")
    parser.add_argument("--json", type=Path, help="write total, passed and cases here")
    parser.add_argument("--only", default="", help="only runs whose id has this text")
    parser.add_argument("--show", choices=("verdict", "count", "where"), help="show the runs that fail this measure")
    arguments = parser.parse_args()
    judged = run(arguments.suite, arguments.packages, arguments.only)
    for each in judged:
        if arguments.show and not getattr(each, arguments.show):
            sys.stdout.write(f"{each.id}\n")
            sys.stdout.writelines(f"    wanted {text}\n" for text in each.wanted)
            sys.stdout.writelines(f"    found  {text}\n" for text in each.found)
    figures = summary(judged)
    total = max(1, figures["total"])
    for name, passed in figures["passed"].items():
        share = f" ({passed / total:.1%})" if name in ("verdict", "count", "where") else ""
        sys.stdout.write(f"{name}: {passed} of {total}{share}\n")
    if arguments.json:
        cases = [
            {"id": each.id, "verdict": each.verdict, "count": each.count, "where": each.where, "found": each.found}
            for each in judged
        ]
        arguments.json.write_text(json.dumps({**figures, "cases": cases}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

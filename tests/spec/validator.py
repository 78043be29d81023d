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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.conformance.fhir_package import FhirPackage, open_package
from fhir_gateway.conformance.lookup import Resource, split
from fhir_gateway.conformance.packages import Packages
from fhir_gateway.conformance.validation.references import EntryProfile, ReferencePolicy
from fhir_gateway.conformance.validation.validator import Validator
from fhir_gateway.conformance.validation.walk import Wishes
from fhir_gateway.conformance.validators import validator_with
from fhir_gateway.fhir import json as fhir_json
from fhir_gateway.fhir.xml import read
from tests.spec.outcomes import packages_folder

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
    options = each.get("options") or {}
    named = [suite / name for name in (*each.get("packages_local", ()), *each.get("supporting", ()))]
    # What packages depend on, and definitions of R5.
    more = (*options.get("package-map", {}).values(), *options.get("supporting5", ()))
    named += [suite / "validator" / name for name in more]
    profiles: list[str] = []
    if "://" in (each.get("profile") or ""):
        profiles = [each["profile"]]
    elif each.get("profile"):
        profiles = [resource["url"] for resource in _definitions(suite / each["profile"])]
        named.append(suite / each["profile"])
    validator = _validator(packages, tuple(named))
    wishes = _wishes(suite, options)
    findings = validator.validate_bytes((suite / each["file"]).read_bytes(), each["format"], profiles, wishes)
    yield from ((one.issue.expression or "", one.issue.text()) for one in findings if one.is_error)


# The resources that the reference run fetched for CHECK_VALID are no part of the suite: what is not found there says
# nothing, and what is found is checked whole.
_POLICIES = {
    "CHECK_EXISTS": ReferencePolicy.EXISTS,
    "CHECK_EXISTS_AND_TYPE": ReferencePolicy.EXISTS_AND_TYPE,
    "CHECK_VALID": ReferencePolicy.VALID_IF_EXISTS,
    "CHECK_TYPE_IF_EXISTS": ReferencePolicy.TYPE_IF_EXISTS,
}


def _wishes(suite: Path, options: Mapping[str, Any]) -> Wishes:
    """Return the settings of a run. Without an option nothing is demanded of references that lead outside."""
    usual = ReferencePolicy.TYPE_IF_EXISTS if options.get("fetcher") == "standalone" else ReferencePolicy.IGNORE
    entry = options.get("bundle-param")
    return Wishes(
        example_urls=options.get("examples") is not False,
        resolve=lambda reference: _fetched(suite, reference),
        references=_POLICIES.get(options.get("validateReference", ""), usual),
        assume_rest=options.get("assumeValidRestReferences") is True,
        security=options.get("security-checks") is True,
        publication=options.get("for-publication") in (True, "true"),
        wrong_displays="warning" if options.get("wrong-displays") == "warning" else "error",
        entry_profiles=(EntryProfile(entry["rule"], entry["profile"]),) if entry else (),
    )


def _fetched(suite: Path, reference: str) -> dict[str, Any] | None:
    """Return the resource that the reference run finds for a reference: a file named by its type and id, or its id."""
    for name in (reference.replace("/", "-"), reference.partition("/")[2].replace("/", "-")):
        for suffix in (".json", ".xml"):
            path = suite / "validator" / f"{name.lower()}{suffix}"
            if name and re.fullmatch(r"[\w.\-]+", name) and path.is_file():
                return _definitions(path)[0]
    return None


@lru_cache(256)
def _definitions(path: Path) -> tuple[Resource, ...]:
    body = path.read_bytes()
    resource = read(body, definitions().types)[0] if path.suffix == ".xml" else fhir_json.decode(body)
    if resource.get("resourceType") == "Bundle":
        return tuple(entry["resource"] for entry in resource.get("entry", ()) if "resource" in entry)
    return (resource,)


@lru_cache(1)
def _installed(folder: Path | None) -> tuple[FhirPackage, ...]:
    return () if folder is None else Packages.of(folder).packages


@lru_cache(64)
def _validator(folder: Path | None, named: tuple[Path, ...]) -> Validator:
    """Return a validator that knows R4, the packages of a folder, and over them what a run names."""
    local = [open_package(path) for path in named if path.suffix == ".tgz"]
    given = [resource for path in named if path.suffix != ".tgz" for resource in _definitions(path)]
    lookup = _Given(given, Packages([*local, *_installed(folder)], definitions()))
    return validator_with(lookup)


class _Given:
    """A lookup: resources that are given, the last first, over others."""

    def __init__(self, given: Sequence[Resource], others: Packages) -> None:
        self._given = [*reversed(given)]
        self._others = others

    def structure(self, url: str) -> Resource | None:
        return self.resource("StructureDefinition", url)

    def resource(self, kind: str, url: str) -> Resource | None:
        name, version = split(url)
        found = [each for each in self._given if each["resourceType"] == kind and each.get("url") == name]
        exact = [each for each in found if version is None or each.get("version") == version]
        return (exact or found or [self._others.resource(kind, url)])[0]

    def resources(self, kind: str) -> Iterator[Resource]:
        yield from (each for each in self._given if each["resourceType"] == kind)
        yield from self._others.resources(kind)


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
    parser.add_argument("--packages", type=Path, help="folder of FHIR packages (default: the shared ones, else yours)")
    parser.add_argument("--json", type=Path, help="write total, passed and cases here")
    parser.add_argument("--only", default="", help="only runs whose id has this text")
    parser.add_argument("--show", choices=("verdict", "count", "where"), help="show the runs that fail this measure")
    arguments = parser.parse_args()
    packages = arguments.packages if arguments.packages is not None else packages_folder()
    judged = run(arguments.suite, packages, arguments.only)
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

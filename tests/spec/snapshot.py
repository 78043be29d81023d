"""The official snapshot cases: `python -m tests.spec.snapshot --suite DIR [--packages DIR] [--json OUT]`.

A case passes when its FHIRPath rules hold, or else when the ids, order, cardinalities, types, bindings, fixed values,
patterns, slicings and constraints of its elements equal those expected; where it must fail, when it is refused.

Source: FHIR/fhir-test-cases, "snapshot-generation".
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.conformance.lookup import Resource, split
from fhir_gateway.conformance.packages import Packages
from fhir_gateway.conformance.snapshot import SnapshotError, Snapshots
from fhir_gateway.conformance.snapshot_sort import sort_differential
from fhir_gateway.fhir import json as fhir_json
from fhir_gateway.fhir.fhirpath import Engine, FhirPathError, Model, Node
from fhir_gateway.fhir.fhirpath.nodes import root_node, truth
from fhir_gateway.fhir.outcome import FhirError
from fhir_gateway.fhir.xml import read
from tests.spec.outcomes import Outcome, packages_folder, report
from tests.spec.r4b import R4B

Case = Mapping[str, Any]
_VERSION = re.compile(r"\|(4\.0\.1|4\.3\.0)$")
_FIXTURE = re.compile(r"fixture\('([^']+)'\)")
# It only says what is missing, where what follows fails anyway, of nothing.
_CHECK = re.compile(r"\.check\(exists\(\), '[^']*'\)")


@lru_cache(512)
def _input(path: Path) -> Resource:
    body = path.read_bytes()
    if body.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        return read(body, definitions().types)[0]
    found: Resource = fhir_json.decode(body)
    return found


class Suite:
    """The cases of a folder and what has become of them."""

    def __init__(self, folder: Path, packages: Path | None) -> None:
        self.folder = folder
        self.cases: list[Case] = json.loads((folder / "snapshot-generation-index.json").read_text())["tests"]
        self.by_id = {case["id"]: case for case in self.cases}
        self.r4b = R4B(definitions())
        self.packages = Packages.of(packages) if packages is not None else Packages()
        self.engine = Engine(Model(definitions().types))
        self.outputs: dict[str, Resource] = {}

    @cached_property
    def profiles(self) -> dict[str, Resource]:
        """The inputs of all cases that need not be refused, and what cases register: some are the base of others."""
        known: dict[str, Resource] = {}
        for case in self.cases:
            if not case.get("fail"):
                for each in (*self.named(case), self.source(case)):
                    known.setdefault(each["url"], self.renewed(each))
        return known

    def source(self, case: Case) -> Resource:
        return _input(self.folder / case["input_file"])

    def named(self, case: Case) -> Iterator[Resource]:
        """Yield the resources that a case names to be registered first."""
        folder = (self.folder / case["input_file"]).parent
        names = [name for key in ("register", "include") for name in case.get(key, "").split(",") if name]
        for name in names:
            places = [folder / f"{name}{part}{suffix}" for part in ("", "-input") for suffix in (".xml", ".json")]
            yield _input(next(place for place in places if place.exists()))

    def renewed(self, structure: Resource) -> Resource:
        """Return a profile without the snapshot that lies there, if one can be made: other definitions made that."""
        if self.r4b.structure(structure.get("baseDefinition", "")) is None:
            return structure
        return {name: value for name, value in structure.items() if name != "snapshot"}

    def structure(self, url: str) -> Resource | None:
        return self.profiles.get(split(url)[0]) or self.r4b.structure(url)

    def snapshots(self, case: Case) -> Snapshots:
        """Return what a case is generated from: R4B, what it registers, the suite's inputs; else an installed base."""
        snapshots = Snapshots(self)  # type: ignore[arg-type]  # StructureDefinitions are all that is asked for
        for registered in self.named(case):
            snapshots.add(self.renewed(registered))
        base = self.source(case).get("baseDefinition", "")
        if snapshots.structure(base) is None:
            installed = self.packages.structure(base) or self.stand_in(case)
            if installed is not None:
                snapshots.add({**installed, "url": base})
        return snapshots

    def stand_in(self, case: Case) -> Resource | None:
        """Return what stands for the base of a case that no package here has: a profile of its type it registers."""
        type = self.source(case)["type"]
        alike = [each for each in self.named(case) if each["type"] == type and "snapshot" in each]
        return alike[0] if len(alike) == 1 else None

    def output(self, case: Case) -> Resource:
        """Return what a case gives. Raises: SnapshotError."""
        if case["id"] not in self.outputs:
            snapshots = self.snapshots(case)
            made = self.source(case)
            if case.get("sort") == "true":
                made = sort_differential(made, snapshots)
            if case.get("gen") == "true":
                made = snapshots.generate(made)
            self.outputs[case["id"]] = made
        return self.outputs[case["id"]]

    def fixture(self, name: str, case: Case) -> Resource:
        """Return what a rule calls by this name: a case's input or output, what it includes, or a type."""
        if name.endswith("-output"):
            return self.output(self.by_id[name.removesuffix("-output")])
        if name.endswith("-include"):
            found = next(self.named(case), None)
            made = None if found is None else self.snapshots(case).with_snapshot(found["url"])
            if made is not None:
                return made
        if name in self.by_id:
            return self.source(self.by_id[name])
        for type in definitions().types.resources:
            if type.lower() == name:
                found = self.r4b.structure(f"http://hl7.org/fhir/StructureDefinition/{type}")
                if found is not None:
                    return found
        raise KeyError(f"no fixture {name}")

    def rules(self, case: Case) -> str:
        """Return the first rule that does not hold, empty where all do."""
        for rule in case["rules"]:
            names = dict.fromkeys(_FIXTURE.findall(rule["fhirpath"]))
            expression = _CHECK.sub("", _FIXTURE.sub(r"%'\1'", rule["fhirpath"]))
            variables: dict[str, Node] = {name: root_node(self.fixture(name, case)) for name in names}
            try:
                items = self.engine.compile(expression).items(self.output(case), variables)
            except FhirPathError as error:
                return f"{rule['text']}: {error}"
            if not truth(items, "rule"):
                return str(rule["text"])
        return ""

    def outcome(self, case: Case) -> Outcome:
        id = case["id"]
        must_fail = case.get("fail") == "true"
        try:
            output = self.output(case)
            if must_fail:
                return Outcome(id, False, "must be refused")
            broken = self.rules(case) if case["rules"] else "there are no rules"
            if not broken or "expected_file" not in case:
                return Outcome(id, not broken, broken)
            difference = different(_input(self.folder / case["expected_file"]), output)
        except SnapshotError as refusal:
            return Outcome(id, must_fail, "" if must_fail else f"refused: {refusal.issues[0].text()}")
        except FhirError as error:
            return Outcome(id, False, f"not read: {error}")
        except Exception as error:  # noqa: BLE001 — a defect fails the case, and the run goes on
            return Outcome(id, False, f"crashed: {type(error).__name__}: {error}")
        return Outcome(id, not difference, difference and f"{difference} ({broken})")


def run(folder: Path, packages: Path | None = None) -> list[Outcome]:
    """Return the outcome of every case of the index, whatever happened to it."""
    suite = Suite(folder, packages)
    return [suite.outcome(case) for case in suite.cases]


def different(expected: Resource, output: Resource) -> str:
    """Return the first difference between two snapshots in what a case is judged by; empty where there is none."""
    wanted, made = (each.get("snapshot", {}).get("element", []) for each in (expected, output))
    for one, other in zip(wanted, made, strict=False):
        if one.get("id") != other.get("id"):
            return f"{other.get('id')} instead of {one.get('id')}"
        ours = view(other)
        for name, value in view(one).items():
            if value != ours[name]:
                return f"{one['id']}: {name} {ours[name]} instead of {value}"
    if len(wanted) != len(made):
        return f"{len(made)} elements instead of {len(wanted)}"
    return ""


def view(element: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a case is judged by of an element. A version of R4 or R4B that a url is pinned to is left out."""
    slicing, binding = element.get("slicing"), element.get("binding")
    return {
        "min": element.get("min"),
        "max": element.get("max"),
        "type": [
            (
                type.get("code"),
                sorted(map(_unpinned, type.get("profile", ()))),
                sorted(map(_unpinned, type.get("targetProfile", ()))),
                sorted(type.get("aggregation", ())),
            )
            for type in element.get("type", ())
        ],
        "binding": binding and (binding.get("strength"), _unpinned(binding.get("valueSet", ""))),
        "value": {
            name: fhir_json.canonical(value) for name, value in element.items() if name.startswith(("fixed", "pattern"))
        },
        "slicing": slicing
        and (
            [(each.get("type"), each.get("path")) for each in slicing.get("discriminator", ())],
            slicing.get("ordered", False),
            slicing.get("rules"),
        ),
        "constraint": sorted(each["key"] for each in element.get("constraint", ())),
    }


def _unpinned(url: str) -> str:
    return _VERSION.sub("", url)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", type=Path, required=True, help="folder that holds snapshot-generation-index.json")
    parser.add_argument("--packages", type=Path, help="folder of FHIR packages (default: the shared ones, else yours)")
    parser.add_argument("--json", type=Path, help="write total, passed and cases here")
    arguments = parser.parse_args()
    packages = arguments.packages if arguments.packages is not None else packages_folder()
    return report("Snapshots", run(arguments.suite, packages), arguments.json)


if __name__ == "__main__":
    sys.exit(main())

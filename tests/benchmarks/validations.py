"""What a verdict costs, from bytes to findings, as CPU time and in turns of a fixed loop measured beside it.

Processors differ: the loop, plain Python over a dict, says how fast this one is. Examples come from HL7's packages
beside the checkout; a figure whose package is absent is left out, and that is said.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from fhir_gateway.app import GC_THRESHOLDS
from fhir_gateway.conformance.validation.validator import Validator
from fhir_gateway.conformance.validators import validator_of
from tests.benchmarks.figures import Figures
from tests.shared_data import SHARED

PACKAGES = SHARED / "packages"
EXAMPLES = "hl7.fhir.r4.examples-4.0.1.tgz"
GENOMICS = "hl7.fhir.uv.genomics-reporting"
_FRENCH_EXAMPLES = SHARED / "fr-core/package/example"
LARGEST = 200_000  # bytes of an official example that is one; beyond are Bundles of definitions
# Definitions are no instances: HL7's package has them all.
_DEFINITIONS = frozenset(
    {
        "CapabilityStatement", "CodeSystem", "CompartmentDefinition", "ConceptMap", "ImplementationGuide",
        "NamingSystem", "OperationDefinition", "SearchParameter", "StructureDefinition", "StructureMap", "ValueSet",
    }
)  # fmt: skip
_FIRST = """
import json, sys, time
from pathlib import Path
import fhir_gateway.conformance.validators as room
body = Path(sys.argv[1]).read_bytes()
begun = time.perf_counter(), time.process_time()
found = room.r4_validator().validate_bytes(body)
print(json.dumps([time.perf_counter() - begun[0], time.process_time() - begun[1]]))
"""
_MEMORY = """
import json, sys
from pathlib import Path
from fhir_gateway.conformance.validators import validator_of
validator = validator_of(sys.argv[2].split(","), Path(sys.argv[1]))
for folder in sys.argv[3:]:
    for path in sorted(Path(folder).glob("*.json")):
        validator.validate_bytes(path.read_bytes())
with open("/proc/self/statm") as file:
    print(int(file.read().split()[1]) * 4096 / 1e6)
"""


def measure(rounds: int, folder: Path, figures: Figures) -> None:
    """Measure validation; the figures are `validation.…`, those in turns of the loop `validation.….turns`."""
    before = gc.get_threshold()
    gc.set_threshold(*GC_THRESHOLDS)  # as in the server: what a verdict makes dies with it
    try:
        _measure(rounds, folder, figures)
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _settled() -> None:
    """Take what is compiled out of the collector's sight, as the server does."""
    gc.collect()
    gc.freeze()


def _measure(rounds: int, folder: Path, figures: Figures) -> None:
    if not (PACKAGES / EXAMPLES).is_file():
        print("validation: HL7's packages are absent here, nothing is measured", file=sys.stderr)
        return
    turn = median(_turn() for _ in range(20))
    figures.add("validation.turn", turn * 1000, "ms")
    examples = dict(_examples(PACKAGES / EXAMPLES, "package"))
    validator = validator_of(())
    _examples_of_r4(validator, examples, rounds, turn, figures)
    _bundles(validator, rounds, figures)
    patient = folder / "patient.json"
    patient.write_bytes(examples["Patient-example.json"])
    for _ in range(rounds):
        wall, cpu = _first(patient)
        figures.add("validation.first", wall, "s")
        figures.add("validation.first_cpu", cpu, "s")
    genomics = next(iter(PACKAGES.glob(f"{GENOMICS}-*.tgz")), None)
    if genomics is None:
        print(f"validation: {GENOMICS} is absent here, its examples are left out", file=sys.stderr)
        return
    reports = dict(_examples(genomics, "package/example"))
    _genomics(validator_of((GENOMICS,), PACKAGES), reports, rounds, turn, figures)
    some = folder / "reports"
    some.mkdir()
    for name, body in reports.items():
        (some / name).write_bytes(body)
    run = subprocess.run(
        [sys.executable, "-c", _MEMORY, str(PACKAGES), ",".join(_together()), str(some), str(_FRENCH_EXAMPLES)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    figures.add("validation.memory", float(run.stdout), "MB")


def _together() -> list[str]:
    """Return the packages that are loaded together where memory is measured, as far as they are here."""
    names = ("hl7.terminology.r4", "hl7.fhir.uv.extensions.r4", GENOMICS)
    there = [name for name in names if any(PACKAGES.glob(f"{name}-*.tgz"))]
    french = SHARED / "fr-core"
    if not (french / "package").is_dir():
        print("validation: the French core is absent here, memory is measured without it", file=sys.stderr)
        return there
    return [*there, str(french)]


def _examples_of_r4(
    validator: Validator, examples: dict[str, bytes], rounds: int, turn: float, figures: Figures
) -> None:
    chosen = {
        name: body
        for name, body in examples.items()
        if name.partition("-")[0] not in _DEFINITIONS and len(body) < LARGEST
    }
    for body in chosen.values():
        validator.validate_bytes(body)  # what is compiled at first use is compiled
    _settled()
    for _ in range(rounds):
        took = {name: _cpu(validator, body) for name, body in chosen.items()}
        patients = [seconds for name, seconds in took.items() if name.startswith("Patient-")]
        _add(figures, "validation.example", median(took.values()), turn)
        _add(figures, "validation.patient", median(patients), turn)
    figures.add("validation.examples", len(chosen), "examples")


def _bundles(validator: Validator, rounds: int, figures: Figures) -> None:
    small, large = _bundle(1_000), _bundle(10_000)
    for body in (small, small, large):
        validator.validate_bytes(body)
    for _ in range(rounds):
        of_small = min(_cpu(validator, small) for _ in range(3)) / 1_000
        of_large = _cpu(validator, large) / 10_000
        figures.add("validation.entry_of_1000", of_small * 1000, "ms")
        figures.add("validation.entry_of_10000", of_large * 1000, "ms")
        figures.add("validation.growth", of_large / of_small, "times")


def _bundle(entries: int) -> bytes:
    """Return a Bundle in which each observation refers to a patient of it."""

    def entry(number: int) -> dict[str, object]:
        id = f"{number:08x}-0000-4000-8000-000000000000"
        resource: dict[str, object] = {"resourceType": "Patient", "id": id, "gender": "female"}
        if number % 10:
            patient = f"{number // 10 * 10:08x}-0000-4000-8000-000000000000"
            resource = {
                "resourceType": "Observation", "id": id, "status": "final", "code": {"text": "x"},
                "subject": {"reference": f"urn:uuid:{patient}"},
            }  # fmt: skip
        return {"fullUrl": f"urn:uuid:{id}", "resource": resource}

    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [entry(number) for number in range(entries)]}
    return json.dumps(bundle).encode()


def _genomics(validator: Validator, reports: dict[str, bytes], rounds: int, turn: float, figures: Figures) -> None:
    alone = max((body for name, body in reports.items() if not name.startswith("Bundle-")), key=len)
    bundle = max((body for name, body in reports.items() if name.startswith("Bundle-")), key=len)
    for body in (alone, bundle):
        for _ in range(2):
            validator.validate_bytes(body)
    _settled()
    for _ in range(rounds):
        _add(figures, "validation.genomics", min(_cpu(validator, alone) for _ in range(5)), turn)
        _add(figures, "validation.genomics_bundle", min(_cpu(validator, bundle) for _ in range(3)), turn)


def _add(figures: Figures, name: str, seconds: float, turn: float) -> None:
    figures.add(name, seconds * 1000, "ms")
    figures.add(f"{name}.turns", seconds / turn, "turns")


def _cpu(validator: Validator, body: bytes) -> float:
    begun = time.process_time()
    validator.validate_bytes(body)
    return time.process_time() - begun


def _turn() -> float:
    """Return the CPU seconds of the fixed loop: 1,000 look-ups and additions."""
    table = {str(number): number for number in range(100)}
    keys = list(table) * 10
    begun = time.process_time()
    total = 0
    for key in keys:
        total += table[key]
    return time.process_time() - begun


def _first(patient: Path) -> tuple[float, float]:
    """Return wall and CPU seconds of the first verdict of a new process, its modules imported."""
    run = subprocess.run([sys.executable, "-c", _FIRST, str(patient)], check=True, capture_output=True, text=True)
    wall, cpu = json.loads(run.stdout)
    return wall, cpu


def _examples(package: Path, inside: str) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(package) as archive:
        for member in archive:
            folder, _, name = member.name.rpartition("/")
            if folder == inside and name.endswith(".json") and name[0] != "." and name != "package.json":
                file = archive.extractfile(member)
                assert file is not None
                yield name, file.read()

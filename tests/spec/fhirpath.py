"""The official FHIRPath test suite, run case by case: `python -m tests.spec.fhirpath --suite DIR [--json OUT]`.

A case passes when its result has the items that the suite lists, or, where it must fail, when it does. DIR has the form
of the extracted suite: `fhirpath-r4/index.json` with the inputs beside it.

Source: FHIR/fhir-test-cases, "tests-fhir-r4".
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.fhir import json as fhir_json
from fhir_gateway.fhir.fhirpath import Engine, FhirPathError, Model, Node
from fhir_gateway.fhir.fhirpath.conversions import to_string
from fhir_gateway.fhir.fhirpath.nodes import Items, compared, kind_of, system, truth
from fhir_gateway.fhir.fhirpath.values import Temporal
from fhir_gateway.fhir.xml import read
from tests.spec.outcomes import Outcome, report


@lru_cache(1)
def engine() -> Engine:
    return Engine(Model(definitions().types))


@lru_cache(64)
def _input(path: Path) -> dict[str, Any]:
    body = path.read_bytes()
    if path.suffix == ".xml":
        return read(body, definitions().types)[0]  # some inputs have their elements in another order
    found: dict[str, Any] = fhir_json.decode(body)
    return found


def run(folder: Path) -> list[Outcome]:
    """Return the outcome of every case of the index, whatever happened to it."""
    index = json.loads((folder / "index.json").read_text())
    return [_outcome(folder, case) for case in index["tests"]]


def _outcome(folder: Path, case: Mapping[str, Any]) -> Outcome:
    try:
        items = _evaluated(folder, case)
    except FhirPathError as error:
        passed = bool(case["invalid"])
        return Outcome(case["id"], passed, "" if passed else f"failed: {error}")
    except Exception as error:  # noqa: BLE001 — a defect fails the case, and the run goes on
        return Outcome(case["id"], False, f"crashed: {type(error).__name__}: {error}")
    if case["invalid"]:
        return Outcome(case["id"], False, f"must fail ({case['invalid']}), gave {items}")
    if case["predicate"] == "true":
        items = [bool(truth(items, "predicate"))] if items else [False]
    wanted = case["outputs"]
    if len(items) != len(wanted):
        return Outcome(case["id"], False, f"{len(items)} items, not {len(wanted)}: {items}")
    rest = list(items)
    for output in wanted:
        found = next((item for item in rest if _is(item, output)), None)
        if found is None:
            return Outcome(case["id"], False, f"no {output} in {items}")
        rest = [item for item in rest if item is not found]
    return Outcome(case["id"], True, "")


def _evaluated(folder: Path, case: Mapping[str, Any]) -> Items:
    file = case["inputfile"]
    resource = _input(folder / "inputs" / file) if file else {"resourceType": "Basic"}
    compiled = engine().compile(case["expression"], resource["resourceType"], case["mode"] == "strict")
    return compiled.items(resource)


def _is(item: Any, output: Mapping[str, Any]) -> bool:
    type, text = output["type"], output["value"]
    value = system(item)
    own = item.type if isinstance(item, Node) else kind_of(item)
    if type is not None and own.lower() != type.lower() and kind_of(value).lower() != type.lower():
        return False
    shown = to_string(item)
    wanted = (text or "").removeprefix("@").removeprefix("T") if isinstance(value, Temporal) else text
    if shown is not None and shown == wanted:
        return True
    if type in ("decimal", "integer") and shown is not None and wanted is not None:
        return float(shown) == float(wanted)
    if type == "Quantity" and shown is not None:
        other = engine().compile(str(text)).items({"resourceType": "Basic"})
        return bool(other) and compared(item, other[0]) == 0
    return False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", type=Path, required=True, help="folder that holds fhirpath-r4/")
    parser.add_argument("--json", type=Path, help="write total, passed and cases here")
    arguments = parser.parse_args()
    return report("FHIRPath", run(arguments.suite / "fhirpath-r4"), arguments.json)


if __name__ == "__main__":
    sys.exit(main())

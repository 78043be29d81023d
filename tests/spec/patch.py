"""The official FHIRPath Patch cases: `python -m tests.spec.patch --suite DIR [--json OUT]`.

A case passes when the patch turns its input into its output, or, where it must fail, is refused.

Source: FHIR/fhir-test-cases, "fhir-patch-tests".
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

from lxml import etree

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.fhir.fhirpath import Engine, Model
from fhir_gateway.fhir.json import canonical
from fhir_gateway.fhir.outcome import FhirError
from fhir_gateway.fhir.xml import read
from fhir_gateway.interactions.fhirpath_patch import apply
from tests.spec.outcomes import Outcome, report

_FHIR = "{http://hl7.org/fhir}"


def run(suite: Path) -> list[Outcome]:
    """Return the outcome of every case of the index."""
    index = json.loads((suite / "patch-index.json").read_text())["tests"]
    tree = etree.parse(suite / "patch-r4" / "fhir-patch-tests.xml")
    cases = list(tree.getroot().iter(f"{_FHIR}case"))
    by_name = {str(case.get("name")): case for case in cases}
    engine = Engine(Model(definitions().types))
    return [_outcome(each["id"], by_name, engine) for each in index]


def _outcome(id: str, by_name: dict[str, Any], engine: Engine) -> Outcome:
    name = re.sub(r"^.*?/\d+ ", "", id)
    case = by_name.get(name)
    if case is None:
        return Outcome(id, False, "the suite's file has no such case")
    input, patch, output = (_resource(case.find(f"{_FHIR}{part}")) for part in ("input", "diff", "output"))
    must_fail = output is None
    if input is None or patch is None:
        return Outcome(id, False, "the case has no input or no patch")
    try:
        patched = apply(input, patch, engine)
    except FhirError as refusal:
        return Outcome(id, must_fail, "" if must_fail else f"refused: {refusal}")
    except Exception as error:  # noqa: BLE001 — a defect fails the case, and the run goes on
        return Outcome(id, False, f"crashed: {type(error).__name__}: {error}")
    if output is None:
        return Outcome(id, False, "must be refused")
    same = canonical(patched) == canonical(output)
    return Outcome(id, same, "" if same else f"gave {canonical(patched)!r}")


def _resource(part: Any) -> dict[str, Any] | None:
    if part is None or len(part) == 0:
        return None
    return read(etree.tostring(part[0]), definitions().types)[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", type=Path, required=True, help="folder that holds patch-index.json")
    parser.add_argument("--json", type=Path, help="write total, passed and cases here")
    arguments = parser.parse_args()
    return report("FHIRPath Patch", run(arguments.suite), arguments.json)


if __name__ == "__main__":
    sys.exit(main())

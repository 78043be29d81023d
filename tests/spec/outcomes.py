"""What became of the cases of an official suite, and how a run of them is reported."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from fhir_gateway.conformance.package_folder import users_folder
from tests.shared_data import SHARED


@dataclass(frozen=True, slots=True)
class Outcome:
    """One case. `why`: what went wrong, empty where nothing did."""

    id: str
    passed: bool
    why: str = ""


def report(suite: str, outcomes: Sequence[Outcome], file: Path | None) -> int:
    """Say which cases failed and how many passed, and write it as JSON where a file is given. Returns 0."""
    passed = sum(each.passed for each in outcomes)
    for each in outcomes:
        if not each.passed:
            sys.stdout.write(f"{each.id}: {each.why}\n")
    sys.stdout.write(f"{suite}: {passed} of {len(outcomes)} passed ({passed / max(1, len(outcomes)):.1%})\n")
    if file is not None:
        cases = [asdict(each) for each in outcomes]
        file.write_text(json.dumps({"total": len(outcomes), "passed": passed, "cases": cases}, indent=1) + "\n")
    return 0


def packages_folder() -> Path | None:
    """Return where packages lie unless a run is told: those shared beside the checkout, else the user's; None: none."""
    places = (SHARED / "packages", users_folder())
    return next((place for place in places if place.is_dir()), None)

"""Floors of the official and seeded suites: no score falls unseen, and none rises unnoticed.

How much of a large suite runs is said by FHIR_GATEWAY_SUITES: `sample` (the default), `tenth` or `full`.
"""

from __future__ import annotations

import os
import random
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

Case = TypeVar("Case")
FLOORS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
SHARES = {"sample": 0.02, "tenth": 0.1, "full": 1.0}
SHARE = SHARES[os.environ.get("FHIR_GATEWAY_SUITES", "sample")]
SEED = 20261122


def drawn(cases: Sequence[Case], share: float = SHARE) -> list[Case]:
    """Return the share of a suite that runs now, drawn with a fixed seed, in the suite's order; at least one case."""
    number = max(1, round(len(cases) * share))
    chosen = sorted(random.Random(SEED).sample(range(len(cases)), number))
    return [cases[index] for index in chosen]


def leave_to_conformance(engine: str, why: str) -> None:
    """Skip the asking test on PostgreSQL where only samples run; `why`: who tells of such things there meanwhile."""
    if engine == "postgresql" and "FHIR_GATEWAY_SUITES" not in os.environ:
        pytest.skip(f"make conformance does it on PostgreSQL; {why}")


def hold(
    suite: str,
    total: int,
    failures: Mapping[str, str],
    ran: Sequence[str],
    record: Callable[[str, object], None],
) -> None:
    """Compare a suite's outcome with its floor. `failures`: case → why; `ran`: the cases that were run.

    The score is recorded as pytest's property "score" (`record_property`), which the summary of the run shows.

    Raises: AssertionError when a case fails that passed before, when one passes that was not expected to, or when
    the suite has another size than the floor knows.
    """
    floor = FLOORS[suite]
    not_yet = floor.get("not_yet", {})
    passed = len(ran) - len(failures)
    record("score", f"{suite}: {passed} of {len(ran)} ({total} in the suite, {len(not_yet)} not yet)")
    assert total == floor["total"], f"{suite} has {total} cases; tests/floors.toml knows {floor['total']}"
    fallen = {case: why for case, why in failures.items() if case not in not_yet}
    assert fallen == {}, f"{suite}: {len(fallen)} cases that passed before fail"
    risen = [case for case in ran if case in not_yet and case not in failures]
    assert risen == [], f"{suite}: these pass now; take them off the list in tests/floors.toml"

"""What the policy file says holds at the one gate: for each role, interaction, type and dossier, on both engines.

Source: `tests/policy/matrix.py`; the issue "Identity and policy". Some hundreds of cases an engine with a fixed seed;
in `make conformance` thousands, with FULL=1 ten times as many.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fhir_gateway.conformance.definitions import definitions
from tests.conftest import Engine
from tests.floors import SEED
from tests.policy.matrix import Matrix
from tests.policy.matrix_world import World
from tests.policy.second_reader import FILE, SecondReader

pytestmark = pytest.mark.conformance
CASES = {"sample": 400, "tenth": 4_000, "full": 40_000}[os.environ.get("FHIR_GATEWAY_SUITES", "sample")]
MATRIX = Matrix(SecondReader(definitions().types.resources))


@pytest.fixture(scope="module")
def world(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(database, Path(tmp_path_factory.mktemp("matrix")), MATRIX)
    yield world
    world.close()


def test_the_matrix_is_of_many_thousand_cases_of_every_outcome() -> None:
    cases = list(MATRIX.cases())
    assert len({case.name for case in cases}) == len(cases) > 40_000
    outcomes = Counter(MATRIX.expected(case).detail for case in cases)
    assert outcomes.keys() == {
        None, "right-missing", "resource-not-found", "id-not-chosen", "not-own", "element-not-changeable",
        "element-not-changeable, not-own",
    }  # fmt: skip
    assert min(outcomes.values()) > 30


def test_what_comes_of_an_act_is_what_the_policy_says(
    engine: Engine, world: World, record_property: Callable[[str, object], None]
) -> None:
    cases = MATRIX.drawn(CASES, SEED)
    outcomes = Counter(MATRIX.expected(case).status for case in cases)
    wrong = [found for number, case in enumerate(cases) if (found := world.wrong(case, in_batch=number % 3 == 0))]
    told = ", ".join(f"{number} {status}" for status, number in sorted(outcomes.items()))
    record_property("score", f"policy matrix: {len(cases) - len(wrong)} of {len(cases)} ({told})")
    assert wrong == [], "\n".join(wrong)


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("lire: [read, ", "lire: [vread, "),
        ("{interactions: [lire], types: [annuaire, définitions], portée: tout}", "{opérations: [$meta], portée: tout}"),
        ("{interactions: [modifier], types: [compte-rendu], portée: organisation}",
         "{interactions: [modifier], types: [compte-rendu], portée: adressé}"),
        ("types: [traces], portée: tout", "types: [AuditEvent], portée: tout"),
        ("opérations: [$validate], portée: aucune", "opérations: [$meta], portée: aucune"),
    ],
    ids=["reading", "everyone", "owning", "tracing", "validating"],
)  # fmt: skip
def test_another_policy_than_the_one_that_holds_would_be_noticed(
    world: World, tmp_path: Path, word: str, other: str
) -> None:
    text = FILE.read_text(encoding="utf-8")
    assert word in text
    changed = tmp_path / "politique.yaml"
    changed.write_text(text.replace(word, other), encoding="utf-8")
    supposed = Matrix(SecondReader(definitions().types.resources, changed))
    differing = [case for case in MATRIX.cases() if supposed.expected(case) != MATRIX.expected(case)]
    case = random.Random(SEED).choice(differing)
    assert world.wrong(case, in_batch=False) is None
    world.matrix = supposed
    try:
        assert world.wrong(case, in_batch=False) is not None
    finally:
        world.matrix = MATRIX

"""Nothing that an actor asks tells of what is hidden from it: 5,000 questions to a store of several organisations.

The same is asked of a store that holds only what the actor sees, and the answers are the same but for what servers
make: ids (which are given alike here), versions and instants. Every eighth question goes through the front door, with
all headers. What remains to be learnt is listed in `fhir_gateway/policy/README.md`, "Channels", with its tests.

Source: issue 6. 200 questions an engine; in `make conformance` 500, with FULL=1 5,000.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from random import Random

import pytest
from hypothesis.internal.conjecture.data import ConjectureData

from fhir_gateway.policy import scopes
from tests.conftest import Engine
from tests.floors import SEED
from tests.spec.dossiers import World
from tests.spec.questions import Questions
from tests.spec.sides import GRANTED, Question, Sides, actor

pytestmark = pytest.mark.conformance
SUITE = os.environ.get("FHIR_GATEWAY_SUITES", "sample")
QUESTIONS = {"sample": 200, "tenth": 500, "full": 5_000}[SUITE]
_BY_HTTP = 8  # one question of so many
_SHOWN = 10  # leaks that a failure tells


@dataclass(frozen=True)
class Asker:
    """Who asks, and how much of all questions (percent)."""

    role: str
    structure: str
    share: int
    scopes: scopes.Scopes = GRANTED


ASKERS = {
    "prescriber": Asker("prescripteur", "m", 50),
    "platform": Asker("plateforme", "l", 30),
    "board": Asker("coordonnateur-rcp", "a", 10),
    "few-scopes": Asker("conseiller-genetique", "b", 5, scopes.read("user/Patient.rs user/Observation.cruds")),
    "nobody": Asker("membre-rcp", "", 5),
}
SOME = ("prescriber", "platform") if SUITE == "sample" else tuple(ASKERS)


@cache
def world() -> World:
    return World()


@dataclass(frozen=True)
class Place:
    """Who asks, and what is asked."""

    asker: Asker
    sides: Sides
    questions: Questions

    def drawn(self, number: int) -> tuple[str, Question]:
        """Return a question with its kind. Each has a seed of its own, so that it can be asked without those before."""
        return self.questions.draw(ConjectureData(random=Random(f"{SEED}-{self.asker.role}-{number}")).draw)


@pytest.fixture(scope="module")
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Both gateways, filled once for an asker on an engine; the tests that only read come first."""
    name, engine = request.param
    folder = tmp_path_factory.mktemp("sides")
    postgres = request.getfixturevalue("postgres") if engine == "postgresql" else None
    files = (f"sqlite:///{folder}/{side}.sqlite" for side in ("whole", "without"))
    databases = [file if postgres is None else postgres.create() for file in files]
    sides = Sides(world(), ASKERS[name].structure, (databases[0], databases[1]), folder)
    yield Place(ASKERS[name], sides, Questions(world(), sides.seen))
    sides.close()
    if postgres is not None:
        for each in databases:
            postgres.drop(each)


def places(*names: str) -> pytest.MarkDecorator:
    engines: tuple[Engine, ...] = ("sqlite", "postgresql")
    each = [
        pytest.param((name, engine), id=f"{name}-{engine}", marks=pytest.mark.xdist_group(f"sides-{name}-{engine}"))
        for name in names
        for engine in engines
    ]
    return pytest.mark.parametrize("place", each, indirect=True)


@places(*SOME)
def test_each_sees_what_is_reckoned_here_and_nothing_else(place: Place) -> None:
    asker = place.asker
    asking = actor(asker.role, asker.structure, asker.scopes)
    for item in world().items:
        said = place.sides.whole.ask(asking, 0, Question("GET", "/".join(item.key)))
        granted = asker.scopes.allow(item.key[0], "r")
        expected = (410 if item.deleted else 200) if world().sees(asker.structure, item) else 404
        assert said.status == (expected if granted else 403), (item.key, item.owner, said.text)


@places("prescriber")
def test_the_questions_bring_out_what_is_not_hidden(place: Place) -> None:
    """Asked by somebody from whom nothing is hidden, the same questions tell one side from the other."""
    everything = actor("administrateur", place.asker.structure)
    told: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for number in range(1, 201):
        kind, question = place.drawn(number)
        if question.method in ("GET", "HEAD"):
            asked[kind] += 1
            told[kind] += place.sides.leak(everything, number, question) is not None
    assert sum(told.values()) > sum(asked.values()) / 4, (told, asked)
    assert all(told[kind] for kind in ("search", "wishes", "compartment", "system", "read", "history")), told


@places(*SOME)
def test_no_answer_tells_of_what_is_hidden(place: Place, record_property: Callable[[str, object], None]) -> None:
    asker, sides = place.asker, place.sides
    asking = actor(asker.role, asker.structure, asker.scopes)
    share = sum(ASKERS[name].share for name in SOME)
    leaks = []
    kinds: Counter[str] = Counter()
    sides.statuses.clear()
    for number in range(1, QUESTIONS * asker.share // share + 1):
        kind, question = place.drawn(number)
        kinds[kind] += 1
        if leak := sides.leak(asking, number, question, by_http=number % _BY_HTTP == 0):
            leaks.append(f"{number} {kind} {question}\n    {leak}")
    assert not leaks, f"{len(leaks)} answers tell of what is hidden:\n" + "\n".join(leaks[:_SHOWN])
    # Refusals and empty answers alone would prove little.
    assert sides.statuses[2] > sum(sides.statuses.values()) / 8
    told = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
    record_property("score", f"non-interference, {asker.role}: {sum(kinds.values())} questions ({told})")

"""Whatever is searched, a narrowed search finds what it would find if there were nothing else: the same resources in
the same order, page by page, with the same included and the same totals.

Source: this project's own; `contract.Narrowing`. 60 searches an engine with a fixed seed; in `make conformance` 400,
with FULL=1 2,500.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import hypothesis
import pytest
from hypothesis import strategies as st

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.store import open_store
from fhir_gateway.store.search import plan
from tests.conftest import Engine
from tests.postgres import Database
from tests.search import edge_cases
from tests.search.generated import Pool
from tests.search.reference import Reference
from tests.seeded import seeded
from tests.store.search.library import Library
from tests.store.search.two_houses import Answered, Houses, Question, houses, narrowing

SEARCHES = {"sample": 60, "tenth": 400, "full": 2_500}[os.environ.get("FHIR_GATEWAY_SUITES", "sample")]
COMPARTMENTS = ("Patient", "Encounter", "Practitioner", "Device", "RelatedPerson")
WORDS = ("test", "a", "status", "final", "patient", "observation", "du", "martin")
INCLUDES = (
    "_include=*", "_revinclude=*", "_include:iterate=*", "_revinclude:iterate=*", "_include=Observation:subject",
    "_include=Observation:subject:Patient", "_revinclude=Observation:subject", "_revinclude=Provenance:target",
    "_include=*&_include:iterate=*&_revinclude=*",
)  # fmt: skip
LATER_PLANS = {"FEW": 3, "NEAR": 2, "REACH": 8, "MANY": 10, "MERGED": 40}


@pytest.fixture(scope="module")
def pair(engine: Engine, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Houses]:
    types = definitions().types.resources
    postgres: Database | None = request.getfixturevalue("postgres") if engine == "postgresql" else None
    folder = tmp_path_factory.mktemp("narrowing")
    urls = [f"sqlite:///{folder}/{name}.sqlite" if postgres is None else postgres.create() for name in ("both", "ours")]
    stores = [open_store(url, types) for url in urls]
    yield houses(Library(stores[0]), Library(stores[1]), RESOURCES, narrowing("hospital"))
    for store in stores:
        store.close()
    for url in urls if postgres is not None else ():
        assert postgres is not None
        postgres.drop(url)


RESOURCES = edge_cases.resources()
META = {"versionId": "1", "lastUpdated": "2026-01-01T00:00:00.000Z"}


@pytest.fixture(scope="module")
def pool() -> Pool:
    exact = json.loads(json.dumps(RESOURCES, default=str), parse_float=Decimal)
    known = [{**each, "meta": {**each.get("meta", {}), **META}} for each in exact]
    return Pool(Reference(known, edge_cases.BASE, 1.8e15))


def _question(draw: Callable[[Any], Any], pool: Pool) -> Question:
    way = draw(st.sampled_from(["plain"] * 5 + ["include"] * 2 + ["compartment", "system", "words", "contained"]))
    type, _, text = pool.url(draw).partition("?")
    match way:
        case "include":
            return type, f"{text}&{draw(st.sampled_from(INCLUDES))}", None
        case "compartment":
            owners = [key for key in pool.reference.stored if key[0] in COMPARTMENTS]
            return draw(st.sampled_from([type, type, None])), "", draw(st.sampled_from(owners))
        case "system":
            ids = [id for _, id in pool.reference.stored]
            some = st.lists(st.sampled_from(pool.types), min_size=1, max_size=4)
            named = [f"_type={','.join(draw(some))}"] if draw(st.booleans()) else []
            wishes = ["_sort=-_lastUpdated", "_sort=_id", f"_id={draw(st.sampled_from(ids))}", "_lastUpdated=gt2020"]
            return None, "&".join([*named, *draw(st.lists(st.sampled_from(wishes), max_size=2, unique=True))]), None
        case "words":
            return type, f"_content={quote(draw(st.sampled_from(WORDS)))}", None
        case "contained":
            of = draw(st.sampled_from(["Patient", "Medication", "Organization", "Specimen", "Practitioner"]))
            return of, f"_contained={draw(st.sampled_from(['true', 'both']))}", None
    return type, text, None


@pytest.mark.parametrize("plans", [{}, LATER_PLANS], ids=["plans as they are", "plans of large stores"])
def test_a_narrowed_search_finds_what_it_would_find_if_there_were_nothing_else(
    pair: Houses,
    pool: Pool,
    plans: dict[str, int],
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    for name, value in plans.items():
        monkeypatch.setattr(plan, name, value)
    kinds: Counter[str] = Counter()

    @seeded(SEARCHES)
    @hypothesis.given(data=st.data())
    def ask(data: Any) -> None:
        question = _question(data.draw, pool)
        count = data.draw(st.integers(1, 20))
        hypothesis.note(f"{question} by {count}")
        narrowed, expected = pair.answers(question, count)
        kinds["refused" if not isinstance(expected, Answered) else "some" if expected.matches else "none"] += 1
        assert narrowed == expected

    ask()
    record_property("score", f"narrowed searches that are alike: {SEARCHES} ({dict(kinds)})")
    assert kinds["some"] > SEARCHES // 5


def test_half_of_the_resources_are_hidden_so_that_there_is_something_to_find(pair: Houses) -> None:
    assert len(RESOURCES) // 4 < len(pair.keys) < len(RESOURCES) * 3 // 4

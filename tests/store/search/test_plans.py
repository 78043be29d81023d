"""Every plan gives the same answer, no statement is built twice, and a probe costs one look-up.

Source: architecture of this project, law 4, "Compile once".
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from fhir_gateway.store.search import explain, plan, select, statement
from fhir_gateway.store.search.query import SearchQuery
from tests.store.search.library import Library

GENDERS = {"x": "female", "y": "male", "z": None}


def _observations() -> list[dict[str, Any]]:
    choose = random.Random(7)
    return [
        {
            "resourceType": "Observation",
            "id": f"o{number}",
            "status": choose.choice(["final", "preliminary"]),
            "code": {"coding": [{"system": "urn:c", "code": choose.choice("abc")}]},
            "effectiveDateTime": f"2020-01-{choose.randint(1, 28):02}",
            "subject": {"reference": f"Patient/{choose.choice('xyz')}"},
            **({"valueQuantity": {"value": choose.randrange(100), "unit": "mg"}} if number % 3 else {}),
        }
        for number in range(120)
    ]


OBSERVATIONS = _observations()
Predicate = Callable[[str, int, str, str, int | None], bool]  # of code, day of January, subject, status and value

QUERIES: dict[str, Predicate] = {
    "code=a": lambda code, day, subject, status, value: code == "a",
    "code=a,b": lambda code, day, subject, status, value: code in "ab",
    "code=a&status=final": lambda code, day, subject, status, value: code == "a" and status == "final",
    "date=ge2020-01-15": lambda code, day, subject, status, value: day >= 15,
    "date=2020-01-03,2020-01-04,gt2020-01-27": lambda code, day, subject, status, value: day in (3, 4, 28),
    "code=b&date=lt2020-01-10&subject=Patient/x": (
        lambda code, day, subject, status, value: code == "b" and day < 10 and subject == "x"
    ),
    "subject=Patient/x,Patient/y&code:not=a": (
        lambda code, day, subject, status, value: code != "a" and subject in "xy"
    ),
    "value-quantity=gt50&date=ge2020-01-10": (
        lambda code, day, subject, status, value: value is not None and value > 50 and day >= 10
    ),
    "value-quantity:missing=true&code=c": lambda code, day, subject, status, value: value is None and code == "c",
    "subject:Patient.gender=female&date=le2020-01-20": (
        lambda code, day, subject, status, value: GENDERS[subject] == "female" and day <= 20
    ),
    "subject:Patient.gender:not=female&code=a": (
        lambda code, day, subject, status, value: GENDERS[subject] != "female" and code == "a"
    ),
    "subject.gender=female,male": lambda code, day, subject, status, value: subject in "xy",
    "code=a&status=amended": lambda code, day, subject, status, value: False,
    "code:not=a&status:not=final": lambda code, day, subject, status, value: code != "a" and status != "final",
    "code-value-quantity=a$gt50": (
        lambda code, day, subject, status, value: code == "a" and value is not None and value > 50
    ),
    "_lastUpdated=gt2000&code=a": lambda code, day, subject, status, value: code == "a",
}


def expected(text: str) -> list[str]:
    """Return the ids that a query must find, the newest first, by looking at every resource."""
    found = []
    for each in reversed(OBSERVATIONS):
        code = each["code"]["coding"][0]["code"]
        day, subject = int(each["effectiveDateTime"][-2:]), each["subject"]["reference"][-1]
        value = each["valueQuantity"]["value"] if "valueQuantity" in each else None
        if QUERIES[text](code, day, subject, each["status"], value):
            found.append(each["id"])
    return found


@pytest.fixture(scope="module", autouse=True)
def _filled(library: Library) -> None:
    for id, gender in GENDERS.items():
        library.put({"resourceType": "Patient", "id": id, **({} if gender is None else {"gender": gender})})
    for each in OBSERVATIONS:
        library.put(each)


@pytest.fixture(params=[0, 20, 1000])
def few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """The number of rows up to which a criterion is gathered: none, some, or all there are."""
    monkeypatch.setattr(plan, "FEW", request.param)
    bound: int = request.param
    return bound


@pytest.mark.parametrize("text", QUERIES)
def test_every_plan_finds_what_looking_at_every_resource_finds(library: Library, text: str, few: int) -> None:
    found = expected(text)
    query = library.query("Observation", f"{text}&_count=1000")
    assert library.ids("Observation", text) == found
    assert library.ids("Observation", f"{text}&_sort=_lastUpdated") == found[::-1]
    assert library.ids("Observation", f"{text}&_sort=-_id") == sorted(found, reverse=True)
    assert library.page("Observation", f"{text}&_count=1&_total=accurate").total == len(found)
    matched = library.read(lambda tx: select.match(tx, query, limit=1000))
    assert {id for _, id in matched} == set(found)


@pytest.mark.parametrize(
    ("text", "plan", "driver"),
    [
        ("code=a", "stream", "code"),
        ("date=2020-01-03", "set", "date"),
        ("code=a&date=2020-01-03", "set", "date"),
        ("status=final&date=ge2020-01-02&code=a", "stream", "code"),
        ("code:not=a", "walk", None),
        ("", "walk", None),
        ("_id=o1&status=final", "set", "_id"),
    ],
)
def test_the_criterion_with_the_fewest_rows_leads(library: Library, text: str, plan: str, driver: str | None) -> None:
    planned = library.read(lambda tx: select.plan(tx, library.query("Observation", text)))
    assert (planned.plan, planned.driver and planned.driver.name) == (plan, driver)


def test_a_criterion_without_rows_ends_the_search(library: Library) -> None:
    assert library.read(lambda tx: select.plan(tx, library.query("Observation", "code=none&status=final"))) is None


def test_no_statement_is_built_that_was_built_before(library: Library) -> None:
    for text in QUERIES:
        library.ids("Observation", text)
    built = [each.cache_info().misses for each in (statement.text_of, statement.counts_text, statement.probe_text)]
    for text in QUERIES:
        library.ids("Observation", text.replace("=a", "=b").replace("2020-01-1", "2020-01-2"))
    again = [each.cache_info().misses for each in (statement.text_of, statement.counts_text, statement.probe_text)]
    assert again == built


def test_probes_use_keys_that_begin_with_the_resource_or_end_in_it(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    if library.store.dialect != "sqlite":
        pytest.skip("SQLite says in words which index it takes")
    query: SearchQuery = library.query("Observation", "code:not=a&date=ge2020-01-15&value-quantity=gt5")

    monkeypatch.setattr(plan, "FEW", 0)
    monkeypatch.setattr(plan, "MANY", 0)
    explained = library.read(lambda tx: explain.explain(tx, query))
    walks = [each for each in explained.statements if "FROM resource r WHERE r.rtype = ?" in each.text]
    steps = walks[0].engine
    steps = steps[: steps.index("SCAN k")]  # what follows brings the page's bodies
    assert any("SEARCH r USING INDEX resource_type (rtype=?)" in step for step in steps)
    assert any("SEARCH p USING PRIMARY KEY (pid=? AND h=? AND rid=?)" in step for step in steps)
    assert any("i_date_rid (rid=? AND pid=?)" in step for step in steps)
    assert any("i_qty_rid (rid=? AND pid=? AND u=?)" in step for step in steps)
    assert not any("TEMP B-TREE" in step or step.startswith("SCAN") for step in steps)

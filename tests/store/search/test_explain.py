"""`explain`: the plan of a search, the parameter that leads it, expected and true numbers, the statements.

Source: this project's own; its plans: `store/search/plan.py`.
"""

from __future__ import annotations

import pytest

from fhir_gateway.store.search import plan
from fhir_gateway.store.search.explain import Explained, Weighed, explain, report
from tests.store.search.library import Library


@pytest.fixture(scope="module", autouse=True)
def _filled(library: Library) -> None:
    library.put(
        *(
            {
                "resourceType": "Encounter",
                "id": f"e{number}",
                "status": "finished" if number % 4 else "planned",
                "class": {"code": "AMB"},
                "period": {"start": f"20{10 + number % 10}-01-01"},
            }
            for number in range(40)
        )
    )


def explained(library: Library, text: str) -> Explained:
    query = library.query("Encounter", text)
    found: Explained = library.read(lambda tx: explain(tx, query))
    return found


def test_it_names_the_plan_the_leader_and_the_numbers(library: Library) -> None:
    found = explained(library, "status=planned&class:not=EMER&_sort=-date&_count=3&_total=accurate")
    assert (found.plan, found.driver, found.order) == ("set", "status", "-date")
    assert found.criteria == (
        Weighed("status", "leads", 10, 1000, 10),
        Weighed("class:not", "tests", None, 1000, None),
    )
    assert (found.matches, found.total) == (3, 10)
    assert found.seconds > 0


def test_an_expected_number_ends_at_its_bound_and_the_true_one_does_not(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "FEW", 5)
    found = explained(library, "status=planned&class=AMB&_sort=-date&_count=3")
    assert (found.plan, found.driver) == ("walk", None)
    assert [(each.part, each.estimated, each.true) for each in found.criteria] == [("tests", 6, 10), ("tests", 6, 40)]
    assert "> 5" in report(found)


def test_a_parameter_without_rows_is_the_whole_plan(library: Library) -> None:
    found = explained(library, "status=cancelled&class=AMB")
    assert (found.plan, found.driver, found.matches, found.total) == ("none", None, 0, 0)


def test_each_statement_comes_with_the_engines_own_words(library: Library) -> None:
    found = explained(library, "status=planned&_sort=date")
    assert [each.rows for each in found.statements] == [1, 10, 10]
    assert all("SELECT" in each.text and each.engine and each.seconds > 0 for each in found.statements)
    text = report(found)
    assert text.startswith("plan      set, led by status\norder     date\n")
    assert all(each.text in text for each in found.statements)
    assert "SELECT" not in report(found, statements=False)

"""Versions: which one is meant, which is the latest, and the rules of a request.

Source: FHIR R4, ValueSet, "$expand" (system-version, check-system-version, force-system-version).
"""

from __future__ import annotations

import pytest

from fhir_gateway.terminology.versions import Rule, Rules, chosen, listed, matches, order

URL = "http://codes.test/animals"


@pytest.mark.parametrize(
    ("wanted", "there", "is_meant"),
    [
        ("1.0.0", "1.0.0", True),
        ("1", "1.0.0", False),
        ("1.0", "1.0.0", False),
        ("1.x.x", "1.2.0", True),
        ("1.x", "1.2.0", True),
        ("1.0.x", "1.2.0", False),
        ("1.*", "1.2.0", True),
        ("1.0?", "1.0.7", True),
        ("2024-01", "2024-01-02", False),
        ("1.x.x.x", "1.2.0", False),
    ],
)
def test_open_parts_stand_for_any_and_the_rest_as_it_is(wanted: str, there: str, is_meant: bool) -> None:
    assert matches(wanted, there) is is_meant


def test_versions_are_ordered_by_their_numbers_and_a_release_comes_after_its_drafts() -> None:
    sorted_ = sorted(["1.10.0", "1.9.0", "1.9.0-draft", None, "2024-02", "2023-11"], key=order)
    assert sorted_ == [None, "1.9.0-draft", "1.9.0", "1.10.0", "2023-11", "2024-02"]


def test_the_latest_that_is_meant_comes_first() -> None:
    assert chosen("1.x.x", ["1.0.0", "1.10.0", "2.0.0", None]) == ["1.10.0", "1.0.0"]
    assert chosen(None, ["1", None]) == ["1", None]


def test_force_overrides_and_default_and_check_stand_in() -> None:
    force, default = Rule(URL, "3", "force", "force-system-version"), Rule(URL, "2", "default", "system-version")
    check = Rule(URL, "1.x", "check", "check-system-version")
    assert Rules((default, force)).version(URL, "1") == ("3", force)
    assert Rules((default, check)).version(URL, "1") == ("1", None)
    assert Rules((check, default)).version(URL, None) == ("2", default)
    assert Rules((check,)).version(URL, None) == ("1.x", check)
    assert Rules((check,)).version("http://other.test", None) == (None, None)


def test_a_check_refuses_what_does_not_pass_it() -> None:
    check = Rule(URL, "1.x", "check", "check-system-version")
    assert Rules((check,)).refused(URL, "1.2.0") == []
    assert Rules((check,)).refused(URL, "2.0.0") == [check]


def test_rules_at_odds_are_told() -> None:
    rules = Rules((Rule(URL, "1", "force", "force-system-version"), Rule(URL, "2", "force", "force-system-version")))
    assert rules.conflicting(URL, "force") == ("1", "2")
    assert rules.conflicting(URL, "default") is None


def test_versions_are_listed_in_words() -> None:
    assert [listed(["1"]), listed(["1", "2"]), listed(["1", "2", "3"])] == ["1", "1 or 2", "1, 2 and 3"]

"""Languages: lists with weights, and what a concept is called for a reader of them.

Source: RFC 9110, 12.5.4; BCP 47; HL7, FHIR Terminology Ecosystem, "Multi-Language Support".
"""

from __future__ import annotations

import pytest

from fhir_gateway.terminology.designations import Designation, called, of_display, preferred, presented, shown
from fhir_gateway.terminology.languages import NoLanguage, languages, languages_or_none

EN, FR = of_display("Dog", "en"), Designation("Chien", "fr")
CA = Designation("Toutou", "fr-CA")
NAMED = [EN, FR, CA, Designation("Hound", "en", {"code": "synonym"})]


def test_weights_order_a_list_and_a_star_is_any() -> None:
    wanted = languages("en;q=0.2, fr-CA, *;q=0.1")
    assert [each.tag.text if each.tag else "*" for each in wanted.wanted] == ["fr-CA", "en", "*"]


@pytest.mark.parametrize("text", ["-", "", "qq", "not a tag", "en,,"])
def test_what_is_no_list_of_languages_is_refused_and_passed_over_in_a_header(text: str) -> None:
    with pytest.raises(NoLanguage):
        languages(text)
    assert languages_or_none(text) is None


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (None, "Dog"),
        ("fr", "Chien"),
        ("fr-CA", "Toutou"),
        ("fr-CH", "Chien"),
        ("de, fr;q=0.5", "Chien"),
        ("de", None),
        ("de, *", "Dog"),
    ],
)
def test_the_region_comes_first_and_then_the_language(wanted: str | None, expected: str | None) -> None:
    chosen = preferred(NAMED, None if wanted is None else languages(wanted))
    assert (None if chosen is None else chosen.value) == expected


def test_in_an_open_list_another_language_is_better_than_none_unless_it_says_so() -> None:
    def name(text: str) -> str | None:
        chosen = preferred(NAMED, languages(text, open=True))
        return None if chosen is None else chosen.value

    assert (name("de"), name("de, *; q=0")) == ("Dog", None)


def test_displays_are_compared_without_case_but_with_spaces() -> None:
    assert called(NAMED, "dog", None) == ("same", True)
    assert called([of_display("Big dog", "en")], "Big  dog", None) == ("spaces", False)
    assert called(NAMED, "Chien", languages("en")) == ("none", False)
    assert called([Designation("Old", status="withdrawn")], "old", None) == ("same", False)


def test_only_displays_are_shown_and_listed() -> None:
    assert [each.value for each in shown(NAMED, languages("en"))] == ["Dog"]
    assert presented(NAMED, languages("fr")) == "'Chien' (fr) or 'Toutou' (fr-CA)"
    assert presented(NAMED, languages("de")) == "'Dog' (en), 'Chien' (fr) or 'Toutou' (fr-CA)"

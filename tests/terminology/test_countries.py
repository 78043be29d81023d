"""Countries are named as ISO names them: in French and in English, by each of their three codes.

Source: ISO 3166-1; FHIR R4, "Using Codes in resources"; Coding.display; CodeSystem, "$lookup"; ValueSet,
"$validate-code".
"""

from __future__ import annotations

import hashlib

import pytest

from fhir_gateway.terminology.catalog import Catalog, Given
from fhir_gateway.terminology.countries import countries_system
from fhir_gateway.terminology.display_validation import display_issue
from fhir_gateway.terminology.iso_codes import countries, country_codes
from fhir_gateway.terminology.languages import languages
from fhir_gateway.terminology.lookup import look_up
from fhir_gateway.terminology.wishes import Wishes
from tests.terminology.sources import library

COUNTRY = "urn:iso:std:iso:3166"


def looked(code: str, language: str | None = None):
    edition = Catalog(Given()).system(COUNTRY)
    assert edition is not None
    concept = edition.concept(code)
    assert concept is not None
    return look_up(edition, concept, (), None if language is None else languages(language))


def right(code: str, display: str, language: str | None) -> bool | None:
    return library().verdict(COUNTRY, None, code, display, language).right_display


def test_there_are_249_countries_each_with_three_codes_and_two_names_of_its_own():
    assert len(countries()) == 249
    assert len(country_codes()) == 747
    for place in range(5):
        assert len({each[place] for each in countries()}) == 249
    assert all(each.strip() == each and each for country in countries() for each in country)
    assert [each.alpha_2 for each in countries()] == sorted(each.alpha_2 for each in countries())


def test_the_codes_have_not_changed():
    codes = " ".join(sorted(country_codes()))
    known = "4be29872983353e80a8095cd74ea7a9a256c2651e276ef08a956f041c3df5cd1"
    assert hashlib.sha256(codes.encode()).hexdigest() == known


@pytest.mark.parametrize(
    ("code", "french", "english"),
    [
        ("FR", "France (la)", "France"),
        ("BEL", "Belgique (la)", "Belgium"),
        ("840", "États-Unis d'Amérique (les)", "United States of America (the)"),
        ("RE", "Réunion (La)", "Réunion"),
        ("MC", "Monaco", "Monaco"),
        ("MK", "Macédoine du Nord (la)", "North Macedonia"),
    ],
)
def test_a_country_looked_up_has_its_names_in_the_language_asked_for(code: str, french: str, english: str):
    assert looked(code).display == french
    assert looked(code, "fr-FR").display == french
    assert looked(code, "en").display == english


def test_all_names_of_a_country_are_its_designations():
    named = {(each.language, each.value) for each in looked("US").designations}
    assert named == {
        ("fr", "États-Unis d'Amérique (les)"),
        ("en", "United States of America (the)"),
        ("en", "United States of America"),
    }


@pytest.mark.parametrize(
    ("code", "plain"),
    [
        ("FK", "Falkland Islands [Malvinas]"),
        ("KR", "Korea (Republic of)"),
        ("CD", "Congo (Democratic Republic of the)"),
        ("NL", None),  # Netherlands (Kingdom of the)
        ("TZ", None),  # Tanzania, the United Republic of
    ],
)
def test_an_english_name_is_known_without_its_article_too(code: str, plain: str | None):
    synonyms = [each.value for each in looked(code).designations if each.language == "en" and not each.is_display]
    assert synonyms == ([] if plain is None else [plain])


def test_in_french_only_the_french_name_is_right():
    assert right("FR", "France (la)", "fr-FR") is True
    assert right("FR", "france (LA)", "fr") is True
    assert right("FR", "France", "fr-FR") is False
    assert right("DE", "Germany", "fr") is False
    assert library().verdict(COUNTRY, None, "FR", "France", "fr-FR").displays == ("France (la)",)


@pytest.mark.parametrize("language", [None, "en", "de", "en-US"])
def test_without_a_language_or_in_another_one_every_name_is_right_and_none_is_wrong(language: str | None):
    for display in ("United States of America", "United States of America (the)", "États-Unis d'Amérique (les)"):
        assert right("US", display, language) is True
    assert right("US", "Vereinigte Staaten", language) is None


def test_a_verdict_says_that_another_language_would_change_it():
    assert library().verdict(COUNTRY, None, "FR", "France").by_language
    assert not library().verdict(COUNTRY, None, "MC", "Monaco").by_language
    assert not library().verdict(COUNTRY, None, "FR").by_language
    assert not library().verdict(COUNTRY, None, "FR", "France", "en").by_language


def test_a_version_of_the_list_makes_no_difference():
    assert library().verdict(COUNTRY, "2020", "FR").state == "known"
    assert library().verdict(COUNTRY, "2020", "XX").state == "unknown-code"


def test_the_service_tells_a_wrong_display_of_a_country_in_the_language_asked_for():
    named = looked("FR").designations
    french, english = Wishes(languages=languages("fr-FR")), Wishes(languages=languages("en"))
    assert display_issue(named, "France (la)", COUNTRY, "FR", french) is None
    assert display_issue(named, "France", COUNTRY, "FR", english) is None
    assert display_issue(named, "France", COUNTRY, "FR", Wishes()) is None
    found = display_issue(named, "France", COUNTRY, "FR", french)
    assert found is not None
    assert found[0].text() == (
        "Wrong Display Name 'France' for urn:iso:std:iso:3166#FR. "
        "Valid display is 'France (la)' (fr) (for the language(s) 'fr-FR')"
    )


def test_countries_can_be_enumerated_and_found_by_their_names():
    assert countries_system().count() == 747
    assert [each.code for each in countries_system().search("belgi", "fr", 3)] == ["BE", "BEL", "056"]

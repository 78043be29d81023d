"""Codes of systems that follow a grammar: media types, languages, countries, currencies, units, time zones.

Source: RFC 6838; RFC 5646; ISO 3166-1; ISO 4217; UCUM; FHIR R4, "Using Codes in resources".
"""

from __future__ import annotations

import pytest

from tests.terminology.sources import library, value_set

MIME, LANGUAGE, COUNTRY = "urn:ietf:bcp:13", "urn:ietf:bcp:47", "urn:iso:std:iso:3166"
CURRENCY, UCUM, ZONE = "urn:iso:std:iso:4217", "http://unitsofmeasure.org", "https://www.iana.org/time-zones"


@pytest.mark.parametrize(
    ("system", "codes"),
    [
        (
            MIME,
            ["text/plain", "application/fhir+json; charset=UTF-8", "application/dicom; variant=DICOM WADO-RS", "xml"],
        ),
        (MIME, ['text/plain;charset="utf-8"', "image/*", "json"]),
        (LANGUAGE, ["fr", "fr-FR", "zh-Hant-HK", "sl-rozaj-biske", "x-mine", "de-CH-1996", "gsw"]),
        (COUNTRY, ["FR", "FRA", "250"]),
        (CURRENCY, ["EUR", "XPF"]),
        (UCUM, ["mm[Hg]", "10*3/uL", "{score}"]),
        (ZONE, ["Europe/Paris", "UTC"]),
    ],
)
def test_a_code_of_the_grammar_is_known(system, codes):
    assert [code for code in codes if library().verdict(system, None, code).state != "known"] == []


@pytest.mark.parametrize(
    ("system", "codes"),
    [
        (MIME, ["text", "text/", "[%format%]", "a b/c", ""]),
        (LANGUAGE, ["francais-de-france", "qq", "fr_FR", "f", "fr-"]),
        (COUNTRY, ["FRX", "fr", "XX", "999"]),
        (CURRENCY, ["eur", "ECU"]),
        (UCUM, ["mmHg", "mcg", "kg/", ""]),
        (ZONE, ["Europe/Atlantis"]),
    ],
)
def test_a_code_outside_the_grammar_is_not(system, codes):
    assert [code for code in codes if library().verdict(system, None, code).state == "known"] == []


def test_a_value_set_may_filter_a_grammar():
    alpha_3 = {"system": COUNTRY, "filter": [{"property": "code", "op": "regex", "value": "[A-Z]{3}"}]}
    times = {"system": UCUM, "filter": [{"property": "canonical", "op": "=", "value": "a"}]}
    at_hand = library(value_set(alpha_3, url="http://sets.test/a"), value_set(times, url="http://sets.test/b"))
    assert [at_hand.contains("http://sets.test/a", COUNTRY, code) for code in ("FRA", "FR")] == [True, False]
    assert [at_hand.contains("http://sets.test/b", UCUM, code) for code in ("min", "kg")] == [True, False]

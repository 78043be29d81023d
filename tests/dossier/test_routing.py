"""The platform proposed from where the prescriber works, as the table of territories has it.

Source: `terminology/pfmg/CodeSystem-pfmg-territoire.json`; INSEE, code officiel géographique.
"""

from __future__ import annotations

import pytest

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.routing import of_finess, of_organisation, of_postal_code, proposed, territories
from fhir_gateway.terminology.french_identifiers import is_finess
from tests.dossier.family import changed, dossier_of, trio, without


@pytest.mark.parametrize(
    ("postal_code", "platform", "certainty"),
    [("75014", "seqoia", "sourced"), ("59000", "seqoia", "inferred"), ("69003", "auragen", "sourced"),
     ("21000", "auragen", "sourced"), ("97400", "auragen", "sourced"), ("20090", "auragen", "sourced"),
     ("98800", "auragen", "sourced")],
)  # fmt: skip
def test_a_postal_code_proposes_a_platform_with_its_certainty(postal_code: str, platform: str, certainty: str):
    told = of_postal_code(postal_code)
    assert told is not None
    assert (told.platform, told.certainty) == (platform, certainty)


def test_where_no_source_says_which_nothing_is_proposed():
    assert of_postal_code("86000") is None
    assert of_postal_code("33000") is None
    assert of_postal_code("") is None


def test_a_finess_number_begins_with_the_department():
    told = [of_finess(f"{codes.FINESS}|{number}") for number in ("750712184", "690781810", "970408589", "2A0000014")]
    assert [each and each.platform for each in told] == ["seqoia", "auragen", "auragen", "auragen"]
    assert of_finess("urn:other|750712184") is None


def test_the_address_goes_before_the_number():
    organisation = {
        "address": [{"postalCode": "69003"}],
        "identifier": [{"system": codes.FINESS, "value": "750712184"}],
    }
    told = of_organisation(organisation)
    assert told is not None
    assert told.platform == "auragen"


def test_every_department_is_in_one_territory_and_the_numbers_of_platforms_have_their_key():
    metropolitan = {f"{n:02}" for n in range(1, 96) if n != 20} | {"2A", "2B"}
    unknown = {"16", "17", "19", "23", "24", "33", "40", "47", "64", "79", "86", "87"}
    assert metropolitan - territories().keys() == unknown
    numbers = {token.rpartition("|")[2] for each in territories().values() for token in each.identifiers}
    assert len(numbers) == 4
    assert all(is_finess(number) for number in numbers)


def test_the_prescriber_of_the_proband_decides():
    family = changed(trio(), "hospital", address=[{"postalCode": "35000"}])
    told = proposed(dossier_of(family))
    assert told is not None
    assert (told.platform, told.territory) == ("seqoia", "Bretagne")
    assert proposed(dossier_of(without(family, "role"))) is None

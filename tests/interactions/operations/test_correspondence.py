"""Who stands behind a pseudonym: told to the roles that the policy names, of dossiers they see, and written by files.

Source: `fhir_gateway/policy/politique.yaml` ($correspondance); `fhir_gateway/store/pseudonyms.py`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, get_args

import pytest

from fhir_gateway.exchange.auragen.people import LIBRARY
from fhir_gateway.exchange.files import SEQOIA_ID
from fhir_gateway.fhir.outcome import FhirError
from fhir_gateway.policy.actor import Role
from fhir_gateway.store import pseudonyms
from tests.dossier import family
from tests.interactions.desk import Desk
from tests.interactions.dossier_people import PLATFORM, STRANGER, Pathway, actor
from tests.interactions.operations.files_of_platforms import KEYS, LIBRARIES, asked, parameters, running, with_files
from tests.interactions.operations.test_dossier_export import file_of

MAY = {"prescripteur", "conseiller-genetique", "biologiste-lbm", "administrateur"}
LABORATORY = {"biologiste-lbm", "plateforme", "pathologiste-referent", "collecteur"}


@pytest.fixture
def house(desk: Desk) -> Desk:
    return with_files(desk)


@pytest.fixture
def pathway(house: Desk) -> Pathway:
    pathway = running(house, LIBRARIES[:2])
    people = [pathway.request(person)["subject"]["reference"] for person in range(3)]
    held = [
        pseudonyms.Pseudonym(LIBRARY, LIBRARIES[2], people[2]),
        *(pseudonyms.Pseudonym(SEQOIA_ID, f"ANON-{number}", each) for number, each in enumerate(people)),
    ]
    house.gateway.store.write(lambda tx: pseudonyms.record(tx, KEYS, held))
    return pathway


def acting(role: Role) -> Any:
    organisation = family.PLATFORM if role in LABORATORY else family.RCP if "rcp" in role else family.HOSPITAL
    made = actor(role, organisation)
    return replace(made, organisation=None) if role == "administrateur" else made


@pytest.mark.parametrize("role", get_args(Role))
def test_a_correspondence_is_read_by_the_roles_that_the_policy_names_and_no_other(
    house: Desk, pathway: Pathway, role: Role
) -> None:
    url = f"ServiceRequest/{pathway.requests[0]}/$correspondance"
    if role in MAY:
        assert len(parameters(asked(house, acting(role), url))) == 4
        return
    with pytest.raises(FhirError) as refusal:
        asked(house, acting(role), url)
    assert refusal.value.status in (403, 404)
    assert not any("ANON" in each.text() for each in refusal.value.issues)


def test_who_does_not_see_the_dossier_is_told_there_is_none(house: Desk, pathway: Pathway) -> None:
    with pytest.raises(FhirError) as refusal:
        asked(house, STRANGER, f"ServiceRequest/{pathway.requests[0]}/$correspondance")
    assert refusal.value.status == 404


def test_nothing_of_it_can_be_read_in_the_database_without_the_key(house: Desk, pathway: Pathway) -> None:
    with house.gateway.store.read() as view:
        rows = view.rows("SELECT * FROM pseudonym")
    assert len(rows) == 4
    assert not any(text in str(rows) for text in ("ANON-0", LIBRARIES[2], pathway.request(2)["subject"]["reference"]))


def test_a_library_that_only_the_table_knows_stands_in_the_file(house: Desk, pathway: Pathway) -> None:
    tree = json.loads(file_of(asked(house, PLATFORM, f"ServiceRequest/{pathway.requests[0]}/$dossier?format=auragen")))
    assert {each["lib_id"] for each in tree["individuals"]} == set(LIBRARIES)
    without = with_files(house, keys=None)
    with pytest.raises(FhirError) as refusal:
        asked(without, PLATFORM, f"ServiceRequest/{pathway.requests[0]}/$dossier?format=auragen")
    assert [each.complaint.detail for each in refusal.value.issues] == ["auragen-library-absent"]

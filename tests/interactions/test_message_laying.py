"""What a message says laid over what is stored.

Source: HL7 v2.5.1, chapter 2, 2.7.1; fhir_gateway/interactions/message_laying.py.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.interactions.message_laying import laid

OLD = {"use": "old", "system": "s", "value": "1"}
NEW = {"use": "usual", "system": "s", "value": "1"}


def patient(**elements: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": "p", **elements}


def named(name: str, text: str) -> dict[str, Any]:
    return {"resourceType": "Organization", "id": name, "name": text}


def test_what_is_spoken_of_is_replaced_and_the_rest_stays() -> None:
    stored = patient(gender="female", name=[{"family": "A"}], telecom=[{"value": "1"}])
    assert laid(stored, {"resourceType": "Patient", "name": [{"family": "B"}]}) == {**stored, "name": [{"family": "B"}]}


def test_identifiers_are_added_each_once_and_one_that_was_retired_stays_so() -> None:
    stored = patient(identifier=[OLD, {"system": "s", "value": "2"}])
    made = {"resourceType": "Patient", "identifier": [NEW, {"system": "t", "value": "1"}]}
    assert laid(stored, made)["identifier"] == [OLD, {"system": "s", "value": "2"}, {"system": "t", "value": "1"}]


def test_extensions_take_the_place_of_those_of_the_same_url() -> None:
    stored = patient(extension=[{"url": "a", "valueString": "1"}, {"url": "b", "valueString": "2"}])
    made = {"resourceType": "Patient", "extension": [{"url": "a", "valueString": "3"}]}
    assert laid(stored, made)["extension"] == [{"url": "b", "valueString": "2"}, {"url": "a", "valueString": "3"}]


def test_an_element_has_one_type_at_a_time() -> None:
    stored = patient(deceasedBoolean=False, birthDate="1990", _birthDate={"extension": []})
    made = {"resourceType": "Patient", "deceasedDateTime": "2026-01-01", "birthDate": "1991"}
    assert laid(stored, made) == patient(birthDate="1991", deceasedDateTime="2026-01-01")


def test_what_is_to_be_deleted_goes_unless_the_message_says_it_otherwise() -> None:
    stored = patient(
        telecom=[{"value": "1"}],
        gender="male",
        extension=[{"url": "http://x/patient-birthPlace", "valueAddress": {}}, {"url": "http://x/other"}],
        identifier=[OLD],
    )
    made = {"resourceType": "Patient", "gender": "female"}
    deleted = ["telecom[+]", "gender", "extension[patient-birthPlace].valueAddress", "identifier[+]"]
    assert laid(stored, made, deleted) == patient(
        gender="female", extension=[{"url": "http://x/other"}], identifier=[OLD]
    )


def test_a_stay_that_is_reopened_has_no_end_and_keeps_its_beginning() -> None:
    stored = {"resourceType": "Encounter", "id": "e", "status": "finished", "period": {"start": "1", "end": "2"}}
    made = {"resourceType": "Encounter", "status": "in-progress"}
    assert laid(stored, made) == {**stored, "status": "in-progress", "period": {"start": "1"}}
    ended = {"resourceType": "Encounter", "status": "finished", "period": {"end": "3"}}
    assert laid(stored, ended)["period"] == {"start": "1", "end": "3"}


def test_what_is_contained_goes_with_what_names_it_and_two_of_one_name_are_told_apart() -> None:
    stored = patient(
        contained=[named("c1", "Kept"), named("c2", "Gone")],
        managingOrganization={"reference": "#c1"},
        generalPractitioner=[{"reference": "#c2"}],
    )
    made = {
        "resourceType": "Patient",
        "contained": [named("c1", "New")],
        "generalPractitioner": [{"reference": "#c1"}],
    }
    assert laid(stored, made) == patient(
        contained=[named("k1", "Kept"), named("c1", "New")],
        managingOrganization={"reference": "#k1"},
        generalPractitioner=[{"reference": "#c1"}],
    )


IDENTIFIERS = st.lists(
    st.sampled_from([OLD, {"system": "s", "value": "2"}, {"system": "t", "value": "1"}]), unique_by=repr
)
ELEMENTS = st.fixed_dictionaries(
    {},
    optional={
        "gender": st.sampled_from(["male", "female"]),
        "birthDate": st.sampled_from(["1990", "1991"]),
        "telecom": st.sampled_from([[{"value": "1"}], [{"value": "2"}]]),
        "identifier": IDENTIFIERS,
        "link": st.sampled_from([[{"type": "seealso"}], [{"type": "refer"}]]),
    },
)


@given(ELEMENTS, ELEMENTS)
def test_neither_is_changed_and_to_say_it_again_changes_nothing(stored: dict[str, Any], made: dict[str, Any]) -> None:
    stored, made = patient(**stored), {"resourceType": "Patient", **made}
    before = deepcopy((stored, made))
    once = laid(stored, made)
    assert (stored, made) == before
    assert laid(once, made) == once

"""Token parameters.

Source: FHIR R4, Search, "token", "Modifiers".
"""

from __future__ import annotations

import pytest

from tests.store.search.library import Library, refusals

LOINC = "http://loinc.org"
MALE = "http://hl7.org/fhir/administrative-gender|male"


def observation(id: str, *codings: dict[str, str], **properties: object) -> dict[str, object]:
    return {"resourceType": "Observation", "id": id, "code": {"coding": list(codings)}, **properties}


@pytest.fixture(scope="module", autouse=True)
def _filled(library: Library) -> None:
    v2 = "http://terminology.hl7.org/CodeSystem/v2-0203"
    library.put(
        observation("height", {"system": LOINC, "code": "8302-2"}, {"system": "urn:local", "code": "HT"}),
        observation("bare", {"code": "8302-2"}),
        observation("named", {"system": LOINC}),
        {"resourceType": "Observation", "id": "said", "code": {"text": "height"}},
        {
            "resourceType": "Patient",
            "id": "ada",
            "active": True,
            "gender": "female",
            "identifier": [
                {"system": "urn:mrn", "value": "1,2|3", "type": {"coding": [{"system": v2, "code": "MR"}]}},
                {"value": "urn:mrn|9"},
            ],
            "telecom": [{"system": "phone", "value": "+33 1 23"}, {"system": "email", "value": "ada@example.org"}],
        },
        {"resourceType": "Patient", "id": "bob", "active": False, "gender": "male", "deceasedBoolean": True},
        {"resourceType": "Patient", "id": "cy", "identifier": [{"system": "urn:mrn", "value": "9"}]},
    )


@pytest.mark.parametrize(
    ("type", "query", "found"),
    [
        ("Observation", "code=8302-2", ["bare", "height"]),
        ("Observation", f"code={LOINC}|8302-2", ["height"]),
        ("Observation", "code=|8302-2", ["bare"]),
        ("Observation", f"code={LOINC}|", ["named", "height"]),
        ("Observation", "code=urn:other|8302-2", []),
        ("Observation", f"code=HT,{LOINC}|", ["named", "height"]),
        ("Observation", "code=HT&code=8302-2", ["height"]),
        ("Observation", "code=8302", []),
        ("Observation", "code=ht", []),
        ("Observation", "code:not=8302-2", ["said", "named"]),
        ("Observation", "code:not=HT,8302-2", ["said", "named"]),
        ("Observation", "code:not=HT&code=8302-2", ["bare"]),
        ("Observation", "value-concept:not=x", ["said", "named", "bare", "height"]),
        ("Patient", "active=true", ["ada"]),
        ("Patient", "active=false", ["bob"]),
        ("Patient", "gender=male", ["bob"]),
        ("Patient", f"gender={MALE}", ["bob"]),
        ("Patient", "gender=|male", []),
        ("Patient", "deceased=true", ["bob"]),
        ("Patient", "deceased=false", ["cy", "ada"]),
        # "|" and "," that belong to the value.
        ("Patient", r"identifier=urn:mrn|1\,2\|3", ["ada"]),
        ("Patient", r"identifier=1\,2\|3", ["ada"]),
        ("Patient", r"identifier=urn:mrn\|9", ["ada"]),
        ("Patient", "identifier=urn:mrn|9", ["cy"]),
        ("Patient", "telecom=ada@example.org", ["ada"]),
        ("Patient", "email=ada@example.org", ["ada"]),
        ("Patient", "phone=ada@example.org", []),
        ("Patient", "phone=%2B33 1 23", ["ada"]),
        (
            "Patient",
            r"identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|MR|1\,2\|3",
            ["ada"],
        ),
        ("Patient", "identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|SS|9", []),
    ],
)
def test_a_token_is_found_by_code_and_system(library: Library, type: str, query: str, found: list[str]) -> None:
    assert library.ids(type, query) == found


@pytest.mark.parametrize(
    ("query", "issues"),
    [
        ("identifier=a|b|c", ["search-token-malformed"]),
        ("identifier=|", ["search-token-malformed"]),
        ("identifier=", ["search-value-empty"]),
        ("identifier=a,,b", ["search-value-empty"]),
        ("active=yes", ["search-boolean-malformed"]),
        ("active=yes,no", ["search-boolean-malformed", "search-boolean-malformed"]),
        ("identifier:of-type=a|b", ["search-of-type-malformed"]),
        ("active:text=a", ["search-modifier-unsupported"]),
        ("gender:text=a", ["search-modifier-unsupported"]),
        ("identifier:text=%CC%81", ["search-value-empty"]),
        # "on elements of type ContactPoint, uri, or boolean, the presence of the pipe symbol SHALL NOT be used"
        ("phone=phone|555", ["search-token-without-system"]),
        ("active=|true", ["search-boolean-malformed"]),
        ("identifier:exact=a", ["search-modifier-unsupported"]),
        (
            "active=yes&identifier=|&gender:above=a",
            ["search-boolean-malformed", "search-token-malformed", "search-modifier-unsupported"],
        ),
    ],
)
def test_what_is_no_token_is_refused_with_all_that_is_wrong(query: str, issues: list[str]) -> None:
    assert refusals("Patient", query) == issues

"""The rows of whole resources.

Source: FHIR R4, Search, "Search Parameter Types".
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.conformance.search_parameter import SearchParameters
from fhir_gateway.fhir.json import decode
from fhir_gateway.store.contract import EVERYONE, IndexRows
from fhir_gateway.store.index.access import NAMED
from fhir_gateway.store.index.contained import contained_key
from fhir_gateway.store.index.hashing import h64
from fhir_gateway.store.index.indexer import Indexer
from fhir_gateway.store.index.reference import TARGETLESS, UNSEARCHED
from fhir_gateway.store.index.token import NAMELESS
from tests.shared_data import shared
from tests.store.search.library import BASE, numbers


@pytest.fixture(scope="module")
def indexer() -> Indexer:
    return Indexer(definitions().search_parameters, numbers(), BASE)


def rows_of(indexer: Indexer, table: str, code: str, resource: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return the rows of one parameter, without its number."""
    pid = numbers()[resource["resourceType"], code]
    at = 1 if table == "i_ref" else 0
    rows: IndexRows = indexer.index(resource)[0]
    found = rows.get(table, ())  # type: ignore[call-overload]
    return [row[:at] + row[at + 1 :] for row in found if row[at] == pid]


def test_a_token_has_a_row_for_each_way_to_ask_for_it(indexer: Indexer) -> None:
    patient = {"resourceType": "Patient", "identifier": [{"system": "urn:s", "value": "1"}, {"value": "2"}]}
    assert rows_of(indexer, "i_token", "identifier", patient) == sorted(
        (h64(text), text if text in "12" else None) for text in ("1", "urn:s|1", "urn:s|", "2", "|2")
    )


def test_a_code_has_the_system_of_its_binding(indexer: Indexer) -> None:
    patient = {"resourceType": "Patient", "gender": "female"}
    system = "http://hl7.org/fhir/administrative-gender"
    assert rows_of(indexer, "i_token", "gender", patient) == sorted(
        (h64(text), "female" if text == "female" else None) for text in ("female", f"{system}|female", f"{system}|")
    )


def test_a_concept_of_text_alone_is_not_missing(indexer: Indexer) -> None:
    observation = {"resourceType": "Observation", "code": {"text": "size"}}
    assert rows_of(indexer, "i_token", "code", observation) == [(NAMELESS, None)]


@pytest.mark.parametrize(
    ("reference", "keys"),
    [
        ("Patient/1", ["Patient/1"]),
        (f"{BASE}/Patient/1", ["Patient/1"]),
        ("Patient/1/_history/2", ["Patient/1", "Patient/1/_history/2"]),
        ("http://other.example.org/Patient/1", ["http://other.example.org/Patient/1"]),
        (f"{BASE}s/Patient/1", [f"{BASE}s/Patient/1"]),
        ("urn:uuid:7f1c7a43-9c3d-4a4d-8a1e-1d6d3a0a1b2c", ["urn:uuid:7f1c7a43-9c3d-4a4d-8a1e-1d6d3a0a1b2c"]),
    ],
)
def test_a_reference_has_the_key_of_its_resource_here_or_of_its_url(
    indexer: Indexer, reference: str, keys: list[str]
) -> None:
    observation = {"resourceType": "Observation", "subject": {"reference": reference}}
    assert rows_of(indexer, "i_ref", "subject", observation) == sorted(
        (h64(key), key if key == keys[-1] else None) for key in keys
    )


def test_a_reference_without_target_is_not_missing(indexer: Indexer) -> None:
    for subject in ({"reference": "#p"}, {"display": "somebody"}, {"identifier": {"value": "1"}}):
        observation = {"resourceType": "Observation", "subject": subject}
        assert rows_of(indexer, "i_ref", "subject", observation) == [(TARGETLESS, None)]


def test_a_parameter_for_one_target_type_takes_references_to_that_type_only(indexer: Indexer) -> None:
    for subject, found in (
        ({"reference": "Patient/1"}, 1),
        ({"reference": "Group/1"}, 0),
        ({"reference": "http://other.example.org/Patient/1"}, 1),
        ({"reference": "urn:oid:1.2", "type": "Patient"}, 1),
        ({"reference": "urn:oid:1.2"}, 0),
        ({"type": "Patient", "identifier": {"value": "1"}}, 1),
        ({"identifier": {"value": "1"}}, 0),
    ):
        observation = {"resourceType": "Observation", "subject": subject}
        assert len(rows_of(indexer, "i_ref", "patient", observation)) == found


def test_a_resource_held_by_a_bundle_is_referred_to_by_its_id(indexer: Indexer) -> None:
    message = {"resourceType": "MessageHeader", "id": "m"}
    bundle = {"resourceType": "Bundle", "entry": [{"resource": message}]}
    assert rows_of(indexer, "i_ref", "message", bundle) == [(h64("MessageHeader/m"), "MessageHeader/m")]


def test_a_canonical_is_found_with_and_without_its_version(indexer: Indexer) -> None:
    patient = {"resourceType": "Patient", "meta": {"profile": ["http://p.example.org/a|1.0"]}}
    assert rows_of(indexer, "i_token", "_profile", patient) == sorted(
        (h64(text), None) for text in ("http://p.example.org/a|1.0", "http://p.example.org/a")
    )


def test_names_have_a_row_for_each_of_their_parts(indexer: Indexer) -> None:
    name = {"family": "Lœuvre", "given": ["Ève", None, "Zoé"], "_given": [None, {"id": "x"}, None], "use": "official"}
    patient = {"resourceType": "Patient", "name": [name]}
    assert [v for v, _ in rows_of(indexer, "i_str", "name", patient)] == ["eve", "loeuvre", "zoe"]


def test_a_resource_has_no_row_twice_and_its_key_depends_on_its_values_alone(indexer: Indexer) -> None:
    identifier = {"system": "urn:s", "value": "1"}
    once = {"resourceType": "Patient", "active": True, "identifier": [identifier]}
    twice = {"resourceType": "Patient", "identifier": [identifier, identifier], "active": True, "id": "p"}
    assert indexer.index(once) == indexer.index(twice)
    assert indexer.index(once)[1] != indexer.index({"resourceType": "Patient", "active": True})[1]


def test_rows_are_numbers_and_texts_in_the_order_of_the_key(indexer: Indexer) -> None:
    rows, key = indexer.index({"resourceType": "Patient", "birthDate": "1970", "active": False})
    assert -(2**63) <= key < 2**63
    assert all(list(table) == sorted(table) for table in rows.values())


def test_a_resource_that_contains_others_is_found_by_their_types_alone(indexer: Indexer) -> None:
    contained = [
        {"resourceType": "Patient", "id": "p", "identifier": [{"value": "1"}]},
        {"resourceType": "Patient", "id": "q"},
        {"resourceType": "Organization", "id": "o"},
    ]
    rows, _ = indexer.index({"resourceType": "Observation", "contained": contained})
    # "" stands for a type, whichever it is.
    assert rows == {
        "i_token": sorted((UNSEARCHED, contained_key(type), None) for type in ("", "Organization", "Patient"))
    }


def test_another_set_of_parameters_makes_another_indexer_and_leaves_the_first(indexer: Indexer) -> None:
    location = {"resourceType": "Location", "position": {"latitude": 1, "longitude": 2}, "name": "here"}
    before = indexer.index(location)
    other = Indexer(SearchParameters({"Location": {}}), {}, BASE)
    assert other.index(location)[0] == {"i_access": [(EVERYONE, NAMED)]}
    assert indexer.index(location) == before
    assert set(before[0]) == {"i_access", "i_comp", "i_str"}


def test_all_official_examples_can_be_indexed(indexer: Indexer) -> None:
    import tarfile

    package = shared("packages", "hl7.fhir.r4.examples-4.0.1.tgz")
    indexed = set()
    with tarfile.open(package) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.name.endswith(".json") else None
            # A tenth of the package, chosen by name, keeps the test short.
            if file is None or h64(member.name) % 10:
                continue
            body = file.read()
            if b'"resourceType"' not in body:
                continue
            resource = decode(body)
            if resource["resourceType"] in definitions().types.resources:
                rows, _ = indexer.index(resource)
                json.dumps(rows)
                indexed.add(resource["resourceType"])
    assert len(indexed) > 10

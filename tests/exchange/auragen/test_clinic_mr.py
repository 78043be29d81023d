"""meta_clinic_mr: the published sample there and back, generated dossiers there and back, what is refused and why.

Source: GIP-CAD, ser_client-api, meta_clinic_mr and its sample.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from fhir_gateway.conformance.validators import r4_validator
from fhir_gateway.exchange.auragen.auragen import Auragen
from fhir_gateway.exchange.auragen.complaints import Unreadable
from fhir_gateway.exchange.unknown_keys import told
from fhir_gateway.fhir.json import encode
from tests.exchange.auragen.dossiers_at_auragen import TABLES, at_auragen
from tests.exchange.auragen.said import said
from tests.shared_data import shared

AURAGEN = Auragen(TABLES)


def case(**changes: Any) -> dict[str, Any]:
    """Return a duo of mother and child, changed."""
    child = {
        "lib_id": "LIB20260001", "sex": "male", "status": "affected", "sample_type": "blood",
        "family": {"link": "index-case"}, "birth_year": 2019, "parent1": None, "parent2": "LIB20260002",
    }  # fmt: skip
    mother = {
        "lib_id": "LIB20260002", "sex": "female", "status": None, "sample_type": "dna",
        "family": {"link": "parent", "branch": "maternal"}, "birth_year": None, "parent1": None, "parent2": None,
    }  # fmt: skip
    return {
        "description": "PFMG, dossier clinique MR/OC", "version": "1.0", "case_id": "MR-0000789",
        "indication_code": "IMR0049", "hpo_terms": ["HP:0001249"], "index_case": "LIB20260001",
        "individuals": [child, mother], **changes,
    }  # fmt: skip


def data(tree: Any) -> bytes:
    return json.dumps(tree).encode()


def details(error: Unreadable) -> list[tuple[str, str | None]]:
    return [(each.complaint.detail, each.expression) for each in error.issues]


def test_the_published_sample_comes_back_but_for_its_description():
    sent = shared("platforms", "clinic_mr_sample_01.json").read_bytes()
    read = AURAGEN.read(sent)
    assert (read.issues, read.unknown, read.unplaced) == ((), {}, ())
    written = AURAGEN.write("clinic_mr", read.resources)
    assert written.issues == ()
    assert written.data is not None
    back, sample = json.loads(written.data), json.loads(sent)
    assert back.pop("description") == "PFMG, dossier clinique MR/OC"
    del sample["description"]
    assert back == sample


def test_a_case_without_father_keeps_what_is_null():
    written = AURAGEN.write("clinic_mr", AURAGEN.read(data(case())).resources)
    assert written.data is not None
    assert json.loads(written.data) == case()


def test_what_is_read_is_valid():
    found = [
        each.issue.text()
        for resource in AURAGEN.read(data(case())).resources
        for each in r4_validator().validate_bytes(encode(resource))
        if each.is_error
    ]
    assert found == []


@pytest.mark.parametrize("resources", list(at_auragen(20, 5)))
def test_a_generated_dossier_is_what_its_file_says(resources: list[dict[str, Any]]):
    written = AURAGEN.write("clinic_mr", resources)
    assert [each.text() for each in written.issues if each.severity == "error"] == []
    assert written.data is not None
    assert AURAGEN.check(written.data) == []
    read = AURAGEN.read(written.data)
    assert said(list(read.resources)) == said(resources)
    again = AURAGEN.write("clinic_mr", read.resources)
    assert again.data == written.data


def test_an_indication_that_no_table_has_is_not_guessed():
    resources = next(iter(at_auragen(20, 5)))
    written = Auragen().write("clinic_mr", resources)
    assert written.data is None
    found = [each for each in written.issues if each.severity == "error"]
    assert [each.complaint.detail for each in found] == ["auragen-indication-unmapped"]
    assert "auragen-indications" in found[0].text("fr")


def test_what_the_platform_gives_and_is_not_there_is_named():
    resources = [each for each in next(iter(at_auragen(20, 5))) if not str(each.get("id")).startswith("lib-")]
    found = AURAGEN.write("clinic_mr", resources)
    assert found.data is None
    assert "auragen-library-absent" in {each.complaint.detail for each in found.issues}


def test_a_sex_that_the_file_does_not_know_is_null_and_told():
    resources = next(iter(at_auragen(20, 5)))
    changed = [{**each, "gender": "other"} if each["resourceType"] == "Patient" else each for each in resources]
    written = AURAGEN.write("clinic_mr", changed)
    assert written.data is not None
    individuals = json.loads(written.data)["individuals"]
    assert [each["sex"] for each in individuals] == [None] * len(individuals)
    assert [each.text().partition(":")[0] for each in written.issues] == ["/sex"] * len(individuals)


@pytest.mark.parametrize(
    ("karyotype", "sex"), [("XX", "female"), ("46,XY", "male"), ("XXY", None), ("UNKNOWN_KARYOTYPE", "male")]
)
def test_the_genetic_sex_goes_before_that_of_the_identity(karyotype: str, sex: str | None):
    resources = AURAGEN.read(data(case())).resources
    told = {
        "resourceType": "Observation", "status": "final", "code": {"coding": [{"code": "29770-5"}]},
        "subject": next(each["subject"] for each in resources if each["resourceType"] == "ServiceRequest"),
        "valueCodeableConcept": {"text": karyotype},
    }  # fmt: skip
    written = AURAGEN.write("clinic_mr", (*resources, told))
    assert written.data is not None
    assert json.loads(written.data)["individuals"][0]["sex"] == sex
    assert len(written.issues) == (sex is None)


def test_what_has_no_place_in_the_file_is_counted():
    written = AURAGEN.write("clinic_mr", next(iter(at_auragen(20, 5))))
    assert written.unplaced["Patient.name"] == written.unplaced["ServiceRequest.requester"]
    assert "Consent" in written.unplaced
    assert "Patient.gender" not in written.unplaced


def test_unknown_keys_are_kept_and_listed():
    tree = case(note="x")
    tree["individuals"][1]["family"]["degree"] = 1
    read = AURAGEN.read(data(tree))
    assert read.unknown == {"/note": "x", "/individuals/1/family/degree": 1}
    (*others, ours, theirs) = read.resources
    assert len(others) == len(AURAGEN.read(data(case())).resources)
    whose = {each["subject"]["identifier"]["value"]: list(told(each)) for each in (ours, theirs)}
    assert whose == {
        tree["index_case"]: [("/note", "x")],
        tree["individuals"][1]["lib_id"]: [("/individuals/1/family/degree", 1)],
    }
    written = AURAGEN.write("clinic_mr", read.resources)
    # The published schema allows no other key: they stay in the dossier.
    assert written.data == AURAGEN.write("clinic_mr", others).data
    assert "file-unknown-key-stays" in [each.complaint.detail for each in written.issues]
    assert [each.expression for each in AURAGEN.check(data(tree))] == ["/individuals/1/family/degree", "/note"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"index_case": "LIB20260002"}, ("auragen-no-index-case", "/index_case")),
        ({"case_id": "MR-12"}, ("tree-form", "/case_id")),
        ({"hpo_terms": ["HP:1"]}, ("tree-form", "/hpo_terms/0")),
        ({"individuals": None}, ("tree-type", "/individuals")),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(changes: dict[str, Any], expected: tuple[str, str]):
    with pytest.raises(Unreadable) as caught:
        AURAGEN.read(data(case(**changes)))
    assert expected in details(caught.value)


def test_a_list_that_is_absent_is_refused_and_a_null_that_is_absent_is_told():
    tree = case()
    del tree["individuals"][1]["sample_type"]
    read = AURAGEN.read(data(tree))
    assert [(each.complaint.detail, each.expression) for each in read.issues] == [
        ("auragen-read-as-null", "/individuals/1/sample_type")
    ]
    del tree["individuals"]
    with pytest.raises(Unreadable) as caught:
        AURAGEN.read(data(tree))
    assert details(caught.value) == [("tree-required", "/individuals")]


def test_two_index_cases_are_refused():
    tree = case()
    tree["individuals"][1]["family"] = {"link": "index-case"}
    with pytest.raises(Unreadable) as caught:
        AURAGEN.read(data(tree))
    assert details(caught.value) == [("auragen-no-index-case", "/index_case")]


def test_a_parent_outside_the_file_is_refused():
    tree = case()
    tree["individuals"][0]["parent1"] = "LIB20269999"
    with pytest.raises(Unreadable) as caught:
        AURAGEN.read(data(tree))
    assert details(caught.value) == [("auragen-parent-unknown", "/individuals/0/parent1")]


@pytest.mark.parametrize(
    "sent",
    [data(case())[:-20], b'{"a":' * 100_000, b'{"a":' * 99 + b"1" + b"}" * 99],
    ids=["truncated", "deeper", "deep"],
)
def test_a_file_that_is_truncated_or_too_deep_is_refused(sent: bytes):
    with pytest.raises(Unreadable) as caught:
        AURAGEN.read(sent)
    assert [each.complaint.detail for each in caught.value.issues] == ["auragen-unreadable"]


def test_a_comment_on_a_relative_leaves_towards_those_who_wrote_it_only():
    tree = case()
    tree["individuals"][1]["family"]["comment"] = "a remark"
    resources = AURAGEN.read(data(tree)).resources
    ours = AURAGEN.write("clinic_mr", resources, free_text=True)
    assert ours.data is not None
    assert json.loads(ours.data)["individuals"][1]["family"]["comment"] == "a remark"
    theirs = AURAGEN.write("clinic_mr", resources)
    assert theirs.data is not None
    assert json.loads(theirs.data)["individuals"][1]["family"].get("comment") is None
    assert [each.complaint.detail for each in theirs.issues] == ["auragen-text-stays"]

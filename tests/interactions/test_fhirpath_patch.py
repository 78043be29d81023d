"""FHIRPath Patch through the gate: alone, conditional, in batch and transaction.

Source: FHIR R4, FHIRPath Patch; RESTful API, "patch".
"""

from __future__ import annotations

from typing import Any

import pytest

from fhir_gateway.fhir.json import decode
from tests.interactions.desk import Desk, Refused, bundle, by, entry, observation, patient, statuses


def operation(type: str, **parts: Any) -> dict[str, Any]:
    """Return one operation: `path="Patient.name"` is a string, `value=("valueDate", "2000")` says its type."""
    part: list[dict[str, Any]] = [{"name": "type", "valueCode": type}]
    for name, value in parts.items():
        if isinstance(value, tuple):
            key, content = value
            part.append({"name": name, key: content})
        elif isinstance(value, int):
            part.append({"name": name, "valueInteger": value})
        else:
            part.append({"name": name, "valueString": value})
    return {"name": "operation", "part": part}


def patch(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": list(operations)}


BORN = operation("add", path="Patient", name="birthDate", value=("valueDate", "1930-01-01"))


def test_a_fhirpath_patch_makes_the_next_version(desk: Desk) -> None:
    desk.put(patient("a", name=[{"family": "Ada", "given": ["Maud", "Ida"]}]))
    operations = (
        BORN,
        operation("replace", path="Patient.name[0].family", value=("valueString", "Byron")),
        operation("delete", path="Patient.name[0].given[0]"),
        operation("insert", path="Patient.name[0].given", index=1, value=("valueString", "Eva")),
        operation("move", path="Patient.name[0].given", source=1, destination=0),
    )
    answer = desk.ask("PATCH", "Patient/a", patch=patch(*operations))
    assert (answer.status, answer.version) == (200, 2)
    stored = decode(answer.body or b"")
    assert stored["name"] == [{"family": "Byron", "given": ["Eva", "Ida"]}]
    assert stored["birthDate"] == "1930-01-01"


def test_values_put_together_from_parts_are_added(desk: Desk) -> None:
    desk.put(patient("a"))
    parts = [{"name": "name", "part": [{"name": "text", "valueString": "a friend"}]},
             {"name": "gender", "valueCode": "female"}]  # fmt: skip
    added = operation("add", path="Patient", name="contact", value=("part", parts))
    desk.ask("PATCH", "Patient/a", patch=patch(added))
    assert desk.get("Patient/a")["contact"] == [{"name": {"text": "a friend"}, "gender": "female"}]


def test_a_fhirpath_patch_that_changes_nothing_makes_no_version(desk: Desk) -> None:
    desk.put(patient("a", birthDate="1930-01-01"))
    before = desk.ask("GET", "Patient/a")
    same = operation("replace", path="Patient.birthDate", value=("valueDate", "1930-01-01"))
    assert desk.ask("PATCH", "Patient/a", patch=patch(same)) == before
    assert desk.ask("PATCH", "Patient/a", patch={"resourceType": "Parameters"}) == before
    assert desk.ask("PATCH", "Patient/a", patch=patch(operation("delete", path="Patient.gender"))) == before


@pytest.mark.parametrize(
    ("sent", "status", "issues"),
    [
        (patch(operation("erase", path="Patient"), operation("add", path="Patient")), 400,
         [("patch-malformed", None)] * 3),
        (patch({"name": "other"}, {"name": "operation"}), 400, [("patch-malformed", None)] * 2),
        (patch(operation("replace", path="Patient.gender", value=("valueCode", "male"))), 422,
         [("fhirpath-patch-impossible", None)]),
        (patch(operation("delete", path="Patient.name")), 422, [("fhirpath-patch-impossible", None)]),
        (patch(operation("delete", path="Patient.name.(")), 422, [("fhirpath-patch-impossible", None)]),
        (patch(operation("delete", path="1 + 1")), 422, [("fhirpath-patch-impossible", None)]),
        (patch(operation("add", path="Patient", name="colour", value=("valueString", "blue"))), 422,
         [("fhirpath-patch-impossible", None)]),
        (patch(operation("replace", path="Patient.id", value=("valueId", "b"))), 422,
         [("patch-changes-identity", "Patient.id")]),
        (patch(operation("delete", path="Patient")), 422, [("fhirpath-patch-impossible", None)]),
        (patch(operation("replace", path="Patient.active", value=("valueString", "yes"))), 422,
         [("boolean-expected", "Patient.active")]),
        (patch(operation("add", path="Patient", name="generalPractitioner",
                         value=("valueReference", {"reference": "Practitioner/none"}))), 422,
         [("reference-absent", "Patient.generalPractitioner[0]")]),
        ({"resourceType": "Patient", "active": False}, 400, [("patch-not-parameters", "Patient")]),
    ],
)  # fmt: skip
def test_a_fhirpath_patch_is_refused(desk: Desk, sent: Any, status: int, issues: list[tuple[str, str | None]]) -> None:
    before = desk.put(patient("a", active=True, name=[{"family": "x"}, {"family": "y"}]))
    assert desk.refused("PATCH", "Patient/a", patch=sent) == Refused(status, tuple(issues))
    assert desk.get("Patient/a") == before


def test_a_fhirpath_patch_obeys_if_match(desk: Desk) -> None:
    desk.put(patient("a"))
    refused = desk.refused("PATCH", "Patient/a", patch=patch(BORN), if_match='W/"2"')
    assert refused == Refused(412, (("if-match-stale", None),))
    assert desk.ask("PATCH", "Patient/a", patch=patch(BORN), if_match='W/"1"').version == 2


def test_a_conditional_fhirpath_patch_patches_its_one_match(desk: Desk) -> None:
    desk.put(patient("a", "1"))
    assert desk.ask("PATCH", f"Patient?{by('1')}", patch=patch(BORN)).version == 2
    assert desk.refused("PATCH", f"Patient?{by('2')}", patch=patch(BORN)) == Refused(404, (("no-match", None),))


def test_in_a_transaction_a_fhirpath_patch_may_point_at_what_is_created_there(desk: Desk) -> None:
    desk.put(patient("a"))
    desk.put(observation("Patient/a", "o"))
    urn = "urn:uuid:6a1c3e1e-4c43-4a87-a2a9-1b8e0a6a3c11"
    repoint = patch(operation("replace", path="Observation.subject.reference", value=("valueString", urn)))
    done = desk.transact(entry("POST", "Patient", patient(), urn), entry("PATCH", "Observation/o", repoint))
    assert statuses(done) == ["201 Created", "200 OK"]
    assert desk.get("Observation/o")["subject"]["reference"] == "Patient/id-1"


def test_in_a_transaction_all_that_is_wrong_with_patches_is_told_with_its_place(desk: Desk) -> None:
    desk.put(patient("a"))
    wrong = patch(operation("erase", path="Patient"))
    refused = desk.transaction_refused(entry("PATCH", "Patient/a", wrong), entry("PATCH", "Patient/a", patient()))
    assert refused.status == 400
    assert {detail for detail, _ in refused.issues} == {"patch-malformed", "patch-format-unsupported"}
    assert all(place is not None and place.startswith("Bundle.entry[") for _, place in refused.issues)


def test_in_a_batch_each_fhirpath_patch_is_for_itself(desk: Desk) -> None:
    desk.put(patient("a"))
    impossible = patch(operation("replace", path="Patient.gender", value=("valueCode", "male")))
    sent = bundle(entry("PATCH", "Patient/a", impossible), entry("PATCH", "Patient/a", patch(BORN)), type="batch")
    body = desk.ask("POST", "", sent).body
    assert statuses(decode(body or b"")) == ["422 Unprocessable Entity", "200 OK"]


def test_a_list_emptied_by_deletions_is_gone(desk: Desk) -> None:
    desk.put(patient("a", name=[{"given": ["x"]}]))
    desk.ask("PATCH", "Patient/a", patch=patch(operation("delete", path="Patient.name[0].given[0]")))
    assert "name" not in desk.get("Patient/a")


@pytest.mark.parametrize(
    "part",
    [
        {"name": "value", "part": [{"valueString": "x"}]},
        {"name": "value"},
        {"name": "value", "resource": {"resourceType": "Patient"}},
        {"name": "path", "valueInteger": 3},
        {"name": "name", "valueInteger": 3},
        {"name": "name"},
        {"name": "path", "valueString": "Patient.identifier"},
        {"name": "path", "valueString": "Patient.birthDate.extension"},
        {"name": "path", "valueString": "Patient.repeat($this)"},
    ],
)
@pytest.mark.parametrize("type", ["add", "insert", "delete", "replace", "move"])
def test_whatever_an_operation_says_is_done_or_refused(desk: Desk, type: str, part: dict[str, Any]) -> None:
    desk.put(patient("a", "1", _birthDate={"extension": [{"url": "urn:x", "valueCode": "y"}]}))
    whole = operation(type, path="Patient.identifier[0].value", name="value", value=("valueString", "2"), index=0,
                      source=0, destination=0)  # fmt: skip
    whole["part"] = [each for each in whole["part"] if each["name"] != part["name"]] + [part]
    try:
        assert desk.ask("PATCH", "Patient/a", patch=patch(whole)).status == 200
    except Exception as refusal:
        if getattr(refusal, "status", 500) not in (400, 422):
            raise

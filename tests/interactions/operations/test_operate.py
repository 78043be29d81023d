"""Looking up an operation and reading what it was given.

Source: FHIR R4, Operations, "Executing an Operation Synchronously".
"""

from __future__ import annotations

from typing import Any

import pytest

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.conformance.package import data_folder
from fhir_gateway.fhir import structure
from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.outcome import FhirError
from fhir_gateway.interactions.interaction import Interaction, Preferences
from fhir_gateway.interactions.operations.inputs import inputs_of
from fhir_gateway.interactions.operations.operate import operation_of
from fhir_gateway.interactions.operations.operation import OWN, Input, Operation
from fhir_gateway.interactions.operations.table import OPERATIONS
from tests.conformance.pfmg.definitions import PFMG
from tests.interactions.desk import Desk, Refused, entry

OPERATION = Operation(
    name="try",
    definition="urn:try",
    levels=("system",),
    inputs=(
        Input("code", "code", required=True),
        Input("date", "date"),
        Input("count", "positiveInt"),
        Input("deep", "boolean"),
        Input("url", "uri", many=True),
        Input("coding", "Coding"),
        Input("resource", "ValueSet", resource=True),
    ),
)
VALUE_SET = {"resourceType": "ValueSet", "status": "active"}
Pairs = list[tuple[str, str]]


def parameters(*given: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": list(given)}


def read(url: Pairs = [], body: dict[str, Any] | None = None, lenient: bool = False) -> dict[str, Any]:  # noqa: B006
    prefer = Preferences(handling="lenient") if lenient else Preferences()
    asked = Interaction("operation", operation="try", parameters=url, resource=body, prefer=prefer)
    return dict(inputs_of(OPERATION, asked).values)


def refused(url: Pairs = [], body: dict[str, Any] | None = None) -> list[tuple[str, str | None]]:  # noqa: B006
    with pytest.raises(FhirError) as refusal:
        read(url, body)
    assert refusal.value.status == 400
    return [(issue.complaint.detail, issue.expression) for issue in refusal.value.issues]


def test_inputs_of_simple_types_come_from_the_url() -> None:
    given = [("code", "a b"), ("count", "3"), ("deep", "true"), ("url", "urn:1"), ("url", "urn:2"), ("date", "2020-02")]
    assert read(given) == {
        "code": ["a b"], "count": [3], "deep": [True], "url": ["urn:1", "urn:2"], "date": ["2020-02"],
    }  # fmt: skip


def test_inputs_come_from_a_parameters_resource_with_the_type_of_their_definition_or_as_text() -> None:
    body = parameters(
        {"name": "code", "valueString": "a"}, {"name": "count", "valueInteger": 3},
        {"name": "deep", "valueBoolean": True}, {"name": "url", "valueUri": "urn:1"},
        {"name": "coding", "valueCoding": {"code": "x"}}, {"name": "resource", "resource": VALUE_SET},
    )  # fmt: skip
    assert read(body=body) == {
        "code": ["a"], "count": [3], "deep": [True], "url": ["urn:1"], "coding": [{"code": "x"}],
        "resource": [VALUE_SET],
    }  # fmt: skip


def test_the_one_resource_may_be_the_body_beside_parameters_in_the_url() -> None:
    assert read([("code", "a")], VALUE_SET) == {"code": ["a"], "resource": [VALUE_SET]}


def test_all_that_is_wrong_in_a_url_is_told_at_once() -> None:
    given = [
        ("date", "2020-02-30"), ("count", "0"), ("deep", "yes"), ("url", "a b"), ("coding", "x"), ("other", "1"),
        ("resource", "x"), ("date", "2020"),
    ]  # fmt: skip
    assert [detail for detail, _ in refused(given)] == [
        *["operation-input-value"] * 4, "operation-input-in-url", "operation-input-unknown", "operation-input-in-url",
        "operation-input-missing", "operation-input-twice",
    ]  # fmt: skip


def test_all_that_is_wrong_in_a_body_is_told_at_once_with_its_place() -> None:
    body = parameters(
        {"name": "code", "valueInteger": 1}, {"name": "count", "valueInteger": 0},
        {"name": "coding", "valueString": "x"}, {"name": "resource", "resource": {"resourceType": "Patient"}},
        {"name": "resource", "valueString": "x"},
        {"name": "other", "valueString": "x"}, {"name": "deep", "part": [{"name": "x", "valueString": "x"}]},
    )  # fmt: skip
    assert refused(body=body) == [
        *(("operation-input-value", f"Parameters.parameter[{number}]") for number in range(5)),
        ("operation-input-unknown", "Parameters.parameter[5]"), ("operation-input-value", "Parameters.parameter[6]"),
        ("operation-input-twice", None),
    ]  # fmt: skip


def test_a_body_of_another_type_is_refused_with_those_that_are_taken() -> None:
    assert refused([("code", "a")], {"resourceType": "Patient"}) == [("operation-body-type", "Patient")]


def test_what_is_unknown_is_passed_over_when_the_sender_prefers_that() -> None:
    assert read([("code", "a"), ("other", "1")], lenient=True) == {"code": ["a"]}


# The operations of dossiers come with the profiles of PFMG.
OF_DOSSIERS = {each.id: PFMG.read(each) for each in PFMG.of_kind("OperationDefinition")}


def definition_of(operation: Operation) -> dict[str, Any]:
    """Return the OperationDefinition of an operation: HL7's, or this project's own."""
    if operation.definition.startswith(OWN):
        path = data_folder("profiles") / "operations" / f"OperationDefinition-{operation.name}.json"
        own: dict[str, Any] = decode(path.read_bytes()) if path.exists() else OF_DOSSIERS[operation.name]
        assert own["url"] == operation.definition
        return own
    found = definitions().resource("OperationDefinition", operation.definition)
    assert found is not None
    return found


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=lambda operation: operation.name)
def test_the_definition_of_an_operation_says_what_the_table_says(operation: Operation) -> None:
    definition = definition_of(operation)
    assert structure.check(definition, definitions().types).issues == []
    assert definition["code"] == operation.name
    levels = {level for level in ("system", "type", "instance") if definition[level]}
    assert set(operation.levels) - {"version"} <= levels
    types = {*operation.types} - operation.definitions.keys()
    assert types <= {*definition["resource"]} or definition["resource"] == ["Resource"]
    sent = {each["name"]: each for each in definition.get("parameter", ()) if each["use"] == "in"}
    ours = {each.name: each for each in operation.inputs if each.name != "_page"}
    if operation.open and not operation.definition.startswith(OWN):
        # The terminology operations take what R5 has added as well; a dependency is read from its parts.
        assert sent.keys() - {"dependency"} <= ours.keys()
        ours = {name: each for name, each in ours.items() if name in sent}
    else:
        assert ours.keys() == sent.keys()
    for name, each in ours.items():
        assert (each.required, each.many) == (sent[name]["min"] > 0, sent[name]["max"] == "*"), name
        # A list of codes, separated by commas, is no code.
        assert each.type == sent[name]["type"] or (name, each.type) == ("_type", "string"), name


def test_every_definition_of_our_own_is_of_an_operation_there_is() -> None:
    files = (data_folder("profiles") / "operations").glob("OperationDefinition-*.json")
    assert {*OF_DOSSIERS, *(path.stem.partition("-")[2] for path in files)} == {
        operation.name for operation in OPERATIONS.values() if operation.definition.startswith(OWN)
    }


def test_an_operation_that_is_not_there_is_404_with_those_that_are(desk: Desk) -> None:
    refusal = desk.refused("GET", "Patient/$nothing")
    assert refusal == Refused(404, (("operation-unknown", None),))
    assert refusal.texts[0].startswith("There is no operation $nothing at Patient; there are: $")
    assert "$everything" in desk.refused("GET", "Patient/a/$nothing").texts[0]
    assert "$everything" not in desk.refused("GET", "Observation/a/$nothing").texts[0]
    assert "$purge" not in desk.refused("GET", "$nothing").texts[0]
    assert desk.refused("GET", "Patient/a/_history/1/$everything").status == 404


@pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS.values() if each.affects_state], ids=lambda o: o.name
)
def test_what_affects_the_state_is_not_asked_for_with_get(operation: Operation) -> None:
    level, type = operation.levels[-1], next(iter(operation.types), "Patient")
    at = {"system": (None, None), "type": (type, None), "instance": (type, "1")}[level]
    asked = Interaction("operation", *at, operation=operation.name, safe=True)
    with pytest.raises(FhirError) as refusal:
        operation_of(asked)
    assert refusal.value.status == 405
    asked.safe = False
    assert operation_of(asked) is operation


def test_a_transaction_refuses_the_inputs_of_an_operation_before_it_writes(desk: Desk) -> None:
    sent = parameters({"name": "_count", "valueString": "x"})
    refusal = desk.transaction_refused(
        entry("GET", "Patient/a/$everything?start=x"), entry("POST", "Patient/a/$everything", sent)
    )
    assert refusal == Refused(
        400,
        (
            ("operation-input-value", "Bundle.entry[0].request.url"),
            ("operation-input-value", "Bundle.entry[1].resource.parameter[0]"),
        ),
    )

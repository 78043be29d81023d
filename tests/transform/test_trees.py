"""Trees as target, resources as source by FHIRPath, schemas: what rules may say, and what is told of them.

Source: mappings/README.md; JSON Schema 2020-12; FHIRPath 2.0 (N1).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.fhir.fhirpath.engine import Engine
from fhir_gateway.fhir.fhirpath.model import Model
from fhir_gateway.transform.codes import CodeMaps
from fhir_gateway.transform.complaints import MappingError
from fhir_gateway.transform.fhir_source import FhirPaths, FhirSource
from fhir_gateway.transform.mapping import Mappings, Result, load
from fhir_gateway.transform.schema import Schema
from fhir_gateway.transform.tree_target import TreeTargets

SCHEMA = Schema.read(
    {
        "type": "object",
        "properties": {
            "title": {"type": "string", "pattern": "[A-Z].*"},
            "count": {"type": ["integer", "null"]},
            "people": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"name": {"$ref": "#/$defs/name"}, "sex": {"enum": ["male", "female", None]}},
                    "required": ["name", "sex"],
                    "additionalProperties": False,
                },
            },
        },
        "required": ["title", "count", "people"],
        "additionalProperties": False,
        "$defs": {"name": {"type": "string"}},
    }
)
HEAD = """
events: [list]
groups: [{group: PERSON, head: [Patient], body: [Observation]}]
makes:
  - {id: list, resource: list, per: MESSAGE, rules: [{id: title, from: Case.code.text, to: title}]}
  - id: person
    resource: list/people
    per: PERSON
    rules:
      - {id: name, from: "Patient.name.where(use = 'official').family", to: name}
"""


def mappings(folder: Path, rules: str = "") -> Mappings:
    (folder / "messages").mkdir()
    (folder / "messages" / "list.yaml").write_text(HEAD + rules, encoding="utf-8")
    return load([("test", folder)], TreeTargets({"list": SCHEMA}), CodeMaps(()), paths())


def paths() -> FhirPaths:
    aliases = {"Case": "ServiceRequest", "Patient": "Patient", "Observation": "Observation"}
    return FhirPaths(aliases, definitions().types, Engine(Model(definitions().types)))


def patient(family: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "name": [{"use": "official", "family": family}], **more}


def applied(folder: Path, rules: str = "") -> tuple[dict[str, Any], Result]:
    own = mappings(folder, rules)
    language = paths()
    segments = [
        language.segment("Case", 1, {"resourceType": "ServiceRequest", "code": {"text": "Exome"}}),
        language.segment("Patient", 1, patient("Un", gender="male", birthDate="2001-02-03")),
        language.segment("Observation", 1, {"resourceType": "Observation", "valueBoolean": True}),
        language.segment("Patient", 2, patient("Deux", gender="other")),
    ]
    result = own.messages["list"].apply(FhirSource(segments, b"1"), traced=True)
    return TreeTargets({"list": SCHEMA}).assembled(result.instances)["list"], result


def test_items_stand_in_their_list_in_the_order_of_their_groups(tmp_path: Path):
    tree, _ = applied(tmp_path)
    assert tree == {"title": "Exome", "people": [{"name": "Un"}, {"name": "Deux"}]}


def test_a_condition_holds_a_path_in_braces_and_speaks_of_its_own_group(tmp_path: Path):
    rule = (
        """      - {id: sex, when: '{Observation.value.toString()} EQUALS "true"', from: Patient.gender, to: sex}\n"""
    )
    tree, _ = applied(tmp_path, rule)
    assert tree["people"] == [{"name": "Un", "sex": "male"}, {"name": "Deux"}]


def test_elements_that_no_rule_reads_are_told(tmp_path: Path):
    _, result = applied(tmp_path)
    told = {paths().element_at(each.where) for each in result.unplaced}
    assert told == {
        ("Patient", 1, "gender"),
        ("Patient", 1, "birthDate"),
        ("Patient", 2, "gender"),
        ("Observation", 1, "value"),
    }


def test_each_rule_that_made_something_is_traced(tmp_path: Path):
    _, result = applied(tmp_path)
    assert [(each.rule, each.of, each.element) for each in result.trace] == [
        ("title", "list", "title"),
        ("name", "person", "name"),
        ("name", "person", "name"),
    ]


@pytest.mark.parametrize(
    ("rule", "detail"),
    [
        ("{id: x, from: Patient.gendre, to: sex}", "mapping-path-wrong"),
        ("{id: x, from: Nobody.gender, to: sex}", "mapping-path-wrong"),
        ("{id: x, from: Patient.gender, to: age}", "mapping-element-unknown"),
        ("{id: x, from: Patient.gender, to: 'sex[+]'}", "mapping-element-form"),
    ],
)
def test_a_wrong_rule_is_told_when_it_is_read(tmp_path: Path, rule: str, detail: str):
    with pytest.raises(MappingError) as caught:
        mappings(tmp_path, f"      - {rule}\n")
    assert {each.complaint.detail for each in caught.value.issues} == {detail}
    assert all("list.yaml:" in each.values["place"] for each in caught.value.issues)


def test_what_is_required_and_absent_becomes_null_where_it_may():
    completed = SCHEMA.completed({"title": "A", "people": [{"name": "B"}]})
    assert completed == {"title": "A", "count": None, "people": [{"name": "B", "sex": None}]}
    assert SCHEMA.check(completed) == []


@pytest.mark.parametrize(
    ("value", "detail", "where"),
    [
        ({"title": "a", "count": 1, "people": []}, "tree-form", "/title"),
        ({"title": "A", "count": True, "people": []}, "tree-type", "/count"),
        ({"title": "A", "count": 1.5, "people": []}, "tree-type", "/count"),
        ({"title": "A", "count": 1}, "tree-required", "/people"),
        ({"title": "A", "count": 1, "people": [{"name": "B", "sex": "x"}]}, "tree-not-of-list", "/people/0/sex"),
        ({"title": "A", "count": 1, "people": [], "a/b": 1}, "tree-key-unknown", "/a~1b"),
        ([], "tree-type", ""),
    ],
)
def test_what_is_wrong_with_a_value_is_told_with_its_pointer(value: Any, detail: str, where: str):
    assert [(each.complaint.detail, each.expression) for each in SCHEMA.check(value)] == [(detail, where)]


@pytest.mark.parametrize("written", [{"oneOf": []}, {"type": "text"}, {"items": {"$ref": "#/$defs/none"}}])
def test_a_schema_that_cannot_be_judged_by_is_refused(written: dict[str, Any]):
    with pytest.raises(ValueError, match=r"not known|leads nowhere"):
        Schema.read(written)

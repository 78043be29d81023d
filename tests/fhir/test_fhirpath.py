"""FHIRPath: what expressions mean, what is wrong with them and where, and that evaluations do not meet.

Source: FHIRPath 2.0 (N1); FHIR R4, FHIRPath.
"""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.fhir import ucum
from fhir_gateway.fhir.fhirpath import Engine, FhirPathError, Hooks, Model, Node
from fhir_gateway.fhir.fhirpath.nodes import system
from fhir_gateway.fhir.fhirpath.values import Temporal
from fhir_gateway.fhir.json import decode

ENGINE = Engine(Model(definitions().types))

PATIENT: dict[str, Any] = decode(
    b"""{
      "resourceType": "Patient", "id": "p", "active": true, "birthDate": "1996-05",
      "_birthDate": {"extension": [{"url": "https://example.org/precision", "valueCode": "month"}]},
      "name": [
        {"use": "official", "family": "ESSAI-LILAS", "given": ["Ada", "B\xc3\xa9a"],
         "_given": [null, {"extension": [{"url": "https://example.org/spoken", "valueBoolean": true}]}]},
        {"use": "usual", "given": ["Adi"]}
      ],
      "contained": [{"resourceType": "Organization", "id": "o", "name": "Maison"}],
      "managingOrganization": {"reference": "#o"},
      "multipleBirthInteger": 2,
      "extension": [{"url": "https://example.org/weight", "valueQuantity":
        {"value": 3.20, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"}}]
    }"""
)


def values(expression: str, resource: dict[str, Any] = PATIENT, **how: Any) -> list[Any]:
    compiled = ENGINE.compile(expression, resource["resourceType"])
    return [str(each) if isinstance(each, Temporal) else each for each in map(system, compiled.items(resource, **how))]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("name.given", ["Ada", "Béa", "Adi"]),
        ("Patient.name.where(use = 'official').given.first()", ["Ada"]),
        ("name[1].given", ["Adi"]),
        ("name.given[7]", []),
        ("multipleBirth", [2]),
        ("multipleBirth is integer", [True]),
        ("birthDate.extension('https://example.org/precision').value", ["month"]),
        ("name.given.where(extension.exists())", ["Béa"]),
        ("managingOrganization.resolve().name", ["Maison"]),
        ("contained.ofType(Organization).name", ["Maison"]),
        ("extension.value.ofType(Quantity) > 3000 'g'", [True]),
        ("extension.value = 3.2 'kg'", [True]),
        ("birthDate < @1997", [True]),
        ("birthDate = @1996-05-04", []),
        ("birthDate + 1 year", ["1997-05"]),
        ("name.given.aggregate($total + $this.length(), 0)", [9]),
        ("name.select(given.count())", [2, 1]),
        ("name.given.select($index)", [0, 1, 2]),
        ("name.family.exists() and name.family.startsWith('ESSAI')", [True]),
        ("{} and false", [False]),
        ("{} or true", [True]),
        ("{} implies true", [True]),
        ("{} and true", []),
        ("iif(active, 'oui', 'non')", ["oui"]),
        ("1.10 + 2.2", [Decimal("3.30")]),
        ("7 div 2", [3]),
        ("1 / 0", []),
        ("'a' & {}", ["a"]),
        ("descendants().where($this is Organization).id", ["o"]),
        ("%resource.id", ["p"]),
        ("name.use.distinct().count()", [2]),
        ("name.given | name.given", ["Ada", "Béa", "Adi"]),
        ("name.given.defineVariable('g').where($this in %g)", ["Ada", "Béa", "Adi"]),
    ],
)
def test_an_expression_gives_what_it_means(expression: str, expected: list[Any]) -> None:
    assert values(expression) == expected


@pytest.mark.parametrize(
    ("expression", "stage", "position"),
    [
        ("name.given.where(", "syntax", 17),
        ("name..given", "syntax", 5),
        ("name.given = 'a", "syntax", 13),
        ("@2024-13-01", "syntax", 0),
        ("name.nickname", "semantic", 5),
        ("name.giben.exists()", "semantic", 5),
        ("name.given.frist()", "semantic", 11),
        ("name.given.substring()", "semantic", 11),
        ("name.startsWith('x')", "semantic", 5),
        ("active is Boolaen", "semantic", 7),
        ("%unheard-of", "execution", 0),
        ("name.given.single()", "execution", 11),
        ("'a' - 'b'", "execution", 4),
        ("name.given > 3", "execution", 11),
    ],
)
def test_what_is_wrong_with_an_expression_is_told_with_its_stage_and_place(
    expression: str, stage: str, position: int
) -> None:
    with pytest.raises(FhirPathError) as refusal:
        ENGINE.compile(expression, "Patient").items(PATIENT)
    assert (refusal.value.stage, refusal.value.position) == (stage, position)
    assert f"column {position + 1}" in str(refusal.value)


def test_an_expression_nested_beyond_reason_is_refused_rather_than_the_stack_overrun() -> None:
    with pytest.raises(FhirPathError) as refusal:
        ENGINE.compile("(" * 5000 + "1" + ")" * 5000)
    assert refusal.value.stage == "syntax"


def test_a_resource_is_not_changed_by_an_evaluation() -> None:
    before = decode(b'{"resourceType": "Patient", "name": [{"given": ["Ada"]}]}')
    after = decode(b'{"resourceType": "Patient", "name": [{"given": ["Ada"]}]}')
    ENGINE.compile("name.given.combine('x').sort().repeat($this).first()").items(after)
    assert before == after


def test_many_threads_evaluate_one_expression_and_do_not_meet() -> None:
    expression = ENGINE.compile("name.given.defineVariable('g').select(%g & $index.toString()).where($index = 1)")
    wrong: list[list[Any]] = []

    def evaluate(number: int) -> None:
        resource = {"resourceType": "Patient", "name": [{"given": [f"a{number}"]}]}
        for _ in range(200):
            if ENGINE.compile("name.given", "Patient").items(resource)[0].value != f"a{number}":
                wrong.append([number])
        assert expression is ENGINE.compile(expression.text)

    threads = [threading.Thread(target=evaluate, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_what_others_know_is_asked_of_the_hooks() -> None:
    hooks = Hooks(
        resolve=lambda reference, node: Node({"resourceType": "Patient", "id": reference[-1:]}, "Patient"),
        member_of=lambda item, value_set: value_set.endswith("known"),
    )
    observation = {"resourceType": "Observation", "status": "final", "subject": {"reference": "Patient/7"}}
    assert values("subject.resolve().id", observation, hooks=hooks) == ["7"]
    assert values("status.memberOf('https://example.org/known')", observation, hooks=hooks) == [True]
    assert values("status.memberOf('https://example.org/known')", observation) == []


def test_every_search_parameter_of_r4_compiles() -> None:
    failed = []
    for parameter in definitions().resources("SearchParameter"):
        if "expression" in parameter:
            try:
                ENGINE.compile(parameter["expression"])
            except FhirPathError as error:
                failed.append((parameter["url"], str(error)))
    assert failed == []


@given(st.decimals(min_value=-(10**6), max_value=10**6, places=4), st.sampled_from(["g", "kg", "mg", "ug", "[lb_av]"]))
def test_an_amount_converted_there_and_back_is_the_same(value: Decimal, unit: str) -> None:
    there = ucum.converted(value, unit, "kg")
    assert there is not None
    back = ucum.converted(there, "kg", unit)
    assert back is not None
    assert abs(back - value) < Decimal("1e-15")


@given(st.dates(), st.integers(min_value=-500, max_value=500))
def test_months_added_and_taken_away_lead_back_but_for_the_end_of_the_month(day: Any, months: int) -> None:
    if not 50 < day.year < 9900:
        return
    there, here = ("+", "-") if months >= 0 else ("-", "+")
    moved = values(f"@{day.isoformat()} {there} {abs(months)} months")
    back = values(f"@{moved[0]} {here} {abs(months)} months")
    assert back[0][:7] == day.isoformat()[:7]
    assert int(back[0][8:]) <= day.day


@given(st.text(alphabet="abc.()[]'$%@0123456789 +-*/|&=<>!~{},wheristx_`\\\"", max_size=40))
def test_no_text_makes_the_parser_fail_but_by_telling_where(text: str) -> None:
    place: int | None = None
    try:
        ENGINE.compile(text)
    except FhirPathError as error:
        place = error.position
    assert place is None or 0 <= place <= len(text)

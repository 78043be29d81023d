"""A questionnaire's conditions lead to earlier items of it, and what is derived keeps what it must.

Source: FHIR R4, Questionnaire: "enableWhen", "Questionnaire.derivedFrom", "initial", "answerOption".
"""

from __future__ import annotations

import pytest

from tests.conformance.validation.judging import errors, judged, told

URL = "http://example.org/Questionnaire/q"


def questionnaire(*items, **more):
    return {"resourceType": "Questionnaire", "url": URL, "status": "draft", "item": [*items], **more}


def item(link_id, type="string", **more):
    return {"linkId": link_id, "type": type, **more}


def when(question, operator="exists", **answer):
    return [{"question": question, "operator": operator, **(answer or {"answerBoolean": True})}]


def test_a_condition_on_an_earlier_item_is_sound():
    assert errors(questionnaire(item("a"), item("b", enableWhen=when("a")))) == []


@pytest.mark.parametrize(
    ("items", "detail"),
    [
        ([item("a", enableWhen=when("z"))], "enable-when-unknown"),
        ([item("a", enableWhen=when("a"))], "enable-when-self"),
        ([item("a", "group", item=[item("b")], enableWhen=when("b"))], "enable-when-inner"),
    ],
)
def test_a_condition_on_no_item_on_itself_or_on_an_inner_one_is_an_error(items, detail):
    assert (detail, "Questionnaire.item[0]") in errors(questionnaire(*items))


def test_a_condition_on_a_later_item_is_a_warning():
    findings = judged(questionnaire(item("a", enableWhen=when("b")), item("b")))
    assert ("enable-when-after", "Questionnaire.item[0]") in told(findings, "warning")
    assert told(findings) == []


def test_two_conditions_need_an_enable_behavior():
    two = [*when("a"), *when("b")]
    found = errors(questionnaire(item("a"), item("b"), item("c", enableWhen=two)))
    assert found == [("invariant", "Questionnaire.item[2]")]
    assert errors(questionnaire(item("a"), item("b"), item("c", enableWhen=two, enableBehavior="all"))) == []


def test_a_condition_whose_answer_can_never_be_given_is_a_warning():
    findings = judged(questionnaire(item("a", "integer"), item("b", enableWhen=when("a", "=", answerString="x"))))
    assert ("enable-when-type", "Questionnaire.item[1].enableWhen[0]") in told(findings, "warning")


def test_an_initial_value_of_another_type_is_a_warning():
    findings = judged(questionnaire(item("a", "date", initial=[{"valueInteger": 3}])))
    assert ("answer-option-type", "Questionnaire.item[0].initial[0].value.ofType(integer)") in told(findings, "warning")


# --- derivedFrom

BASE = {
    **questionnaire(
        item("a", required=True, maxLength=10),
        item("b", "choice", answerOption=[{"valueCoding": {"code": "x"}}, {"valueCoding": {"code": "y"}}]),
    ),
    "url": "http://example.org/Questionnaire/base",
}


def derived(code, *items):
    kind = {"system": "http://hl7.org/fhir/questionnaire-derivationType", "code": code}
    extension = {"url": "http://hl7.org/fhir/StructureDefinition/questionnaire-derivationType", "valueCoding": kind}
    return questionnaire(*items, derivedFrom=[BASE["url"]], _derivedFrom=[{"extension": [extension]}])


def of_derivation(found):
    return [each for each in found if each[0].startswith("deriv")]


def test_a_compliant_questionnaire_has_no_items_of_its_own():
    added = item("c")
    assert of_derivation(errors(derived("compliesWith", added), BASE)) == [("derived-item", "Questionnaire.item[0]")]
    assert of_derivation(errors(derived("extends", added), BASE)) == []


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        (item("a", "integer", required=True, maxLength=10), "Questionnaire.item[0].type"),
        (item("a", repeats=True, maxLength=5), "Questionnaire.item[0].repeats"),
        (item("a", required=False, maxLength=5), "Questionnaire.item[0].required"),
        (item("a", maxLength=11), "Questionnaire.item[0].maxLength"),
        (item("a"), "Questionnaire.item[0]"),
    ],
)
def test_a_derived_item_may_only_be_stricter(changed, place):
    assert of_derivation(errors(derived("extends", changed), BASE)) == [("derived-change", place)]


def test_a_derived_item_has_no_new_options():
    fewer = item("b", "choice", answerOption=[{"valueCoding": {"code": "x", "display": "X"}}])
    other = item("b", "choice", answerOption=[{"valueCoding": {"code": "z"}}])
    assert of_derivation(errors(derived("extends", fewer), BASE)) == []
    place = "Questionnaire.item[0].answerOption[0]"
    assert of_derivation(errors(derived("extends", other), BASE)) == [("derived-option", place)]


def test_an_unknown_original_is_said():
    findings = judged(derived("extends", item("a")))
    assert ("derivation-unknown", "Questionnaire.derivedFrom[0]") in told(findings, "warning")

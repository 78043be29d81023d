"""A response has the items of its questionnaire, answers of the right type within their limits, and none that is
disabled.

Source: FHIR R4, QuestionnaireResponse; Questionnaire; Structured Data Capture.
"""

from __future__ import annotations

import pytest

from fhir_gateway.conformance.validation.walk import Wishes
from fhir_gateway.fhir.number import Number
from tests.conformance.validation.judging import judged, told

URL = "http://forms.test/Questionnaire/q"
HL7 = "http://hl7.org/fhir/StructureDefinition/"
SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/"


def item(link_id, type="string", **more):
    return {"linkId": link_id, "type": type, **more}


def limited(link_id, type, *extensions, **more):
    return item(link_id, type, extension=[*extensions], **more)


def questionnaire(*items, **more):
    return {"resourceType": "Questionnaire", "url": URL, "status": "active", "item": [*items], **more}


def given(link_id, *answers, **more):
    return {"linkId": link_id, **({"answer": [*answers]} if answers else {}), **more}


def response(*items, status="completed", **more):
    base = {"resourceType": "QuestionnaireResponse", "questionnaire": URL, "status": status}
    return {**base, **({"item": [*items]} if items else {}), **more}


def errors(answered, asked, wishes=None):
    return told(judged(answered, asked, wishes=wishes))


def one(definition, *answers, wishes=None):
    """Return the detail codes of the errors of answers to a single question."""
    found = errors(response(given("q", *answers)), questionnaire({"repeats": True, **definition}), wishes)
    return [detail for detail, _ in found]


# --- the questionnaire


def test_a_response_without_a_questionnaire_is_not_an_error():
    answered = {"resourceType": "QuestionnaireResponse", "status": "completed"}
    assert ("response-questionnaire", "QuestionnaireResponse") in told(judged(answered), "information")


def test_an_unknown_questionnaire_is_a_warning():
    findings = judged(response(given("q")))
    assert told(findings) == []
    assert ("response-questionnaire-unknown", "QuestionnaireResponse") in told(findings, "warning")


def test_a_contained_questionnaire_is_used():
    contained = {"resourceType": "Questionnaire", "id": "own", "status": "active", "item": [item("a")]}
    answered = response(given("z"), questionnaire="#own", contained=[contained])
    assert told(judged(answered)) == [("response-item-unknown", "QuestionnaireResponse")]


def test_a_response_after_the_end_of_the_questionnaire_is_a_warning():
    asked = questionnaire(item("q"), effectivePeriod={"end": "2020-12-31"})
    answered = response(given("q", {"valueString": "x"}), authored="2021-01-01")
    found = told(judged(answered, asked), "warning")
    assert ("response-authored-after", "QuestionnaireResponse.authored") in found


# --- items


def test_items_are_those_of_the_questionnaire():
    asked = questionnaire(item("g", "group", item=[item("a")]))
    answered = response(given("g", item=[given("b", {"valueString": "x"})]))
    assert errors(answered, asked) == [("response-item-unknown", "QuestionnaireResponse.item[0]")]


def test_items_stand_where_the_questionnaire_has_them():
    asked = questionnaire(item("g", "group", item=[item("a")]), item("b"))
    answered = response(given("a", {"valueString": "x"}))
    assert errors(answered, asked) == [("response-item-place", "QuestionnaireResponse")]


def test_items_are_in_the_order_of_the_questionnaire():
    asked = questionnaire(item("a"), item("b"))
    answered = response(given("b", {"valueString": "x"}), given("a", {"valueString": "x"}))
    assert errors(answered, asked) == [("response-item-order", "QuestionnaireResponse")]


def test_an_item_and_an_answer_repeat_only_where_the_item_does():
    twice = [{"valueString": "x"}, {"valueString": "y"}]
    asked = questionnaire(item("q"))
    assert errors(response(given("q", *twice)), asked) == [("response-answer-repeats", "QuestionnaireResponse.item[0]")]
    answered = response(given("q", twice[0]), given("q", twice[1]))
    assert errors(answered, asked) == [("response-item-repeats", "QuestionnaireResponse")]
    assert errors(response(given("q", *twice)), questionnaire(item("q", repeats=True))) == []


def test_a_text_is_that_of_the_questionnaire():
    asked = questionnaire(item("q", text="Age?"))
    answered = response(given("q", {"valueString": "x"}, text="Name?"))
    assert errors(answered, asked) == [("response-item-text", "QuestionnaireResponse.item[0]")]


def test_a_required_answer_is_missed_only_once_the_response_is_complete():
    asked = questionnaire(item("q", required=True))
    for answered, place in (
        (response(), "QuestionnaireResponse"),
        (response(given("q")), "QuestionnaireResponse.item[0]"),
    ):
        assert errors(answered, asked) == [("response-answer-missing", place)]
    findings = judged(response(status="in-progress"), asked)
    assert told(findings) == []
    assert ("response-answer-missing-yet", "QuestionnaireResponse") in told(findings, "warning")


def test_groups_and_displays_are_not_answered():
    asked = questionnaire(item("g", "group", item=[item("a")]), item("d", "display"))
    answered = response(given("g", {"valueString": "x"}), given("d", {"valueString": "x"}))
    places = [f"QuestionnaireResponse.item[{place}]" for place in (0, 1)]
    assert errors(answered, asked) == [("response-no-answer", place) for place in places]


def test_items_below_a_question_stand_beneath_its_answer():
    asked = questionnaire(item("q", item=[item("a", "integer")]))
    sound = response(given("q", {"valueString": "x", "item": [given("a", {"valueInteger": 1})]}))
    assert errors(sound, asked) == []
    wrong = response(given("q", {"valueString": "x", "item": [given("a", {"valueBoolean": True})]}))
    place = "QuestionnaireResponse.item[0].answer[0].item[0].answer[0].value.ofType(boolean)"
    assert errors(wrong, asked) == [("response-answer-type", place)]
    misplaced = response(given("q", item=[given("a", {"valueInteger": 1})]))
    assert errors(misplaced, asked) == [("response-no-items", "QuestionnaireResponse.item[0]")]


# --- enableWhen


def conditional(operator, **answer):
    condition = [{"question": "a", "operator": operator, **answer}]
    return questionnaire(item("a", "integer"), item("b", enableWhen=condition))


@pytest.mark.parametrize(
    ("operator", "wanted", "value", "enabled"),
    [
        ("=", 3, 3, True),
        ("=", 3, 4, False),
        ("!=", 3, 4, True),
        (">", 3, 4, True),
        (">", 3, 3, False),
        (">=", 3, 3, True),
        ("<", 3, 2, True),
        ("<=", 3, 4, False),
    ],
)
def test_an_item_is_enabled_by_the_comparison_with_an_earlier_answer(operator, wanted, value, enabled):
    asked = conditional(operator, answerInteger=wanted)
    answered = response(given("a", {"valueInteger": value}), given("b", {"valueString": "x"}))
    wrong = [("response-item-enabled", "QuestionnaireResponse.item[1]")]
    assert errors(answered, asked) == ([] if enabled else wrong)


def test_an_item_is_enabled_by_there_being_an_answer_or_none():
    for exists, answers in ((True, [{"valueInteger": 1}]), (False, [])):
        asked = conditional("exists", answerBoolean=exists)
        assert errors(response(given("a", *answers), given("b", {"valueString": "x"})), asked) == []
    asked = conditional("exists", answerBoolean=True)
    assert errors(response(given("a"), given("b", {"valueString": "x"})), asked) != []


def test_any_and_all_join_conditions():
    conditions = [{"question": each, "operator": "exists", "answerBoolean": True} for each in ("a", "b")]
    for behavior, enabled in (("any", True), ("all", False)):
        last = item("c", enableWhen=conditions, enableBehavior=behavior)
        asked = questionnaire(item("a"), item("b"), last)
        answered = response(given("a", {"valueString": "x"}), given("c", {"valueString": "x"}))
        assert (errors(answered, asked) == []) is enabled


def test_a_disabled_item_is_not_required():
    condition = [{"question": "a", "operator": "=", "answerBoolean": True}]
    asked = questionnaire(item("a", "boolean"), item("b", required=True, enableWhen=condition))
    assert errors(response(given("a", {"valueBoolean": False})), asked) == []
    found = errors(response(given("a", {"valueBoolean": True})), asked)
    assert found == [("response-answer-missing", "QuestionnaireResponse")]


def test_codes_are_compared_with_their_system():
    coding = {"system": "http://c.test", "code": "x"}
    condition = [{"question": "a", "operator": "=", "answerCoding": coding}]
    option = [{"valueCoding": coding}, {"valueCoding": {"system": "http://other.test", "code": "x"}}]
    asked = questionnaire(item("a", "choice", answerOption=option), item("b", enableWhen=condition))
    for each, enabled in ((option[0], True), (option[1], False)):
        answered = response(given("a", each), given("b", {"valueString": "x"}))
        assert (errors(answered, asked) == []) is enabled


def test_in_a_repeating_group_only_the_answers_of_the_same_group_count():
    condition = [{"question": "a", "operator": "=", "answerBoolean": True}]
    group = item("g", "group", repeats=True, item=[item("a", "boolean"), item("b", enableWhen=condition)])

    def once(value):
        return given("g", item=[given("a", {"valueBoolean": value}), given("b", {"valueString": "x"})])

    found = errors(response(once(True), once(False)), questionnaire(group))
    assert found == [("response-item-enabled", "QuestionnaireResponse.item[1].item[1]")]


def test_an_expression_enables_an_item():
    expression = {"language": "text/fhirpath", "expression": "item.where(linkId='a').answer.value > 3"}
    extension = {"url": f"{SDC}sdc-questionnaire-enableWhenExpression", "valueExpression": expression}
    asked = questionnaire(item("a", "integer"), limited("b", "string", extension))
    for value, enabled in ((4, True), (3, False)):
        answered = response(given("a", {"valueInteger": value}), given("b", {"valueString": "x"}))
        assert (errors(answered, asked) == []) is enabled


def test_an_expression_that_cannot_be_read_is_said_and_enables():
    expression = {"language": "text/fhirpath", "expression": "item.where("}
    extension = {"url": f"{SDC}sdc-questionnaire-enableWhenExpression", "valueExpression": expression}
    findings = judged(response(given("b", {"valueString": "x"})), questionnaire(limited("b", "string", extension)))
    assert told(findings) == []
    assert ("response-enable-expression", "QuestionnaireResponse") in told(findings, "warning")


# --- answers


@pytest.mark.parametrize(
    ("type", "right", "wrong"),
    [
        ("boolean", {"valueBoolean": True}, {"valueString": "true"}),
        ("decimal", {"valueDecimal": Number("1.5")}, {"valueInteger": 1}),
        ("integer", {"valueInteger": 1}, {"valueDecimal": Number("1.0")}),
        ("date", {"valueDate": "2020-01"}, {"valueDateTime": "2020-01"}),
        ("dateTime", {"valueDateTime": "2020-01"}, {"valueDate": "2020-01"}),
        ("time", {"valueTime": "10:00:00"}, {"valueString": "10:00"}),
        ("text", {"valueString": "x"}, {"valueInteger": 1}),
        ("url", {"valueUri": "http://a.test"}, {"valueString": "http://a.test"}),
        ("attachment", {"valueAttachment": {"title": "x"}}, {"valueString": "x"}),
        ("reference", {"valueReference": {"display": "x"}}, {"valueString": "x"}),
        ("quantity", {"valueQuantity": {"value": Number("1")}}, {"valueInteger": 1}),
    ],
)
def test_an_answer_has_the_type_of_its_question(type, right, wrong):
    assert one(item("q", type), right) == []
    assert one(item("q", type), wrong) == ["response-answer-type"]


def test_numbers_keep_their_limits():
    limits = [{"url": f"{HL7}minValue", "valueInteger": 2}, {"url": f"{HL7}maxValue", "valueInteger": 4}]
    definition = limited("q", "integer", *limits)
    answers = [{"valueInteger": each} for each in (1, 2, 4, 5)]
    assert one(definition, *answers) == ["response-value-min", "response-value-max"]


def test_dates_keep_their_limits_by_the_begin_of_both():
    limits = [{"url": f"{HL7}minValue", "valueDate": "2020"}, {"url": f"{HL7}maxValue", "valueDate": "2022-06"}]
    definition = limited("q", "date", *limits)
    answers = [{"valueDate": each} for each in ("2019-12-31", "2020-01-01", "2022-06", "2022-06-02")]
    assert one(definition, *answers) == ["response-value-min", "response-value-max"]


def test_decimals_have_no_more_places_than_allowed():
    definition = limited("q", "decimal", {"url": f"{HL7}maxDecimalPlaces", "valueInteger": 2})
    assert one(definition, {"valueDecimal": Number("1.25")}) == []
    assert one(definition, {"valueDecimal": Number("1.250")}) == ["response-decimal-places"]


def quantity(value, unit):
    return {"value": Number(value), "system": "http://unitsofmeasure.org", "code": unit}


def test_quantities_are_compared_across_units():
    limits = [
        {"url": f"{SDC}sdc-questionnaire-minQuantity", "valueQuantity": quantity("1", "km")},
        {"url": f"{SDC}sdc-questionnaire-maxQuantity", "valueQuantity": quantity("2", "km")},
    ]
    definition = limited("q", "quantity", *limits)
    assert one(definition, {"valueQuantity": quantity("1500", "m")}) == []
    assert one(definition, {"valueQuantity": quantity("900", "m")}) == ["response-value-min"]
    assert one(definition, {"valueQuantity": quantity("3", "km")}) == ["response-value-max"]
    assert one(definition, {"valueQuantity": quantity("1", "kg")}) == ["response-quantity", "response-quantity"]


def test_a_quantity_has_one_of_the_units_allowed():
    option = {"system": "http://unitsofmeasure.org", "code": "kg"}
    definition = limited("q", "quantity", {"url": f"{HL7}questionnaire-unitOption", "valueCoding": option})
    assert one(definition, {"valueQuantity": quantity("1", "kg")}) == []
    assert one(definition, {"valueQuantity": quantity("1", "g")}) == ["response-unit"]


def test_texts_keep_their_length_and_form():
    extensions = [{"url": f"{HL7}minLength", "valueInteger": 2}, {"url": f"{HL7}regex", "valueString": "[a-z]+"}]
    definition = limited("q", "string", *extensions, maxLength=3)
    assert one(definition, {"valueString": "abc"}) == []
    assert one(definition, {"valueString": "a"}) == ["response-text-min"]
    assert one(definition, {"valueString": "abcd"}) == ["response-text-max"]
    assert one(definition, {"valueString": "a1"}) == ["response-text-regex"]


def test_a_number_of_answers_is_kept():
    extensions = [
        {"url": f"{HL7}questionnaire-minOccurs", "valueInteger": 2},
        {"url": f"{HL7}questionnaire-maxOccurs", "valueInteger": 3},
    ]
    definition = limited("q", "integer", *extensions)
    for count, found in ((1, ["response-answers-min"]), (2, []), (3, []), (4, ["response-answers-max"])):
        assert one(definition, *({"valueInteger": each} for each in range(count))) == found


def test_an_attachment_has_a_type_and_a_size_allowed():
    extensions = [{"url": f"{HL7}mimeType", "valueCode": "image/gif"}, {"url": f"{HL7}maxSize", "valueDecimal": 2}]
    definition = limited("q", "attachment", *extensions)
    sound = {"contentType": "image/gif", "data": "YWI="}
    assert one(definition, {"valueAttachment": sound}) == []
    assert one(definition, {"valueAttachment": {**sound, "contentType": "text/plain"}}) == ["response-mime-type"]
    assert one(definition, {"valueAttachment": {"title": "x"}}) == ["response-mime-type-missing"]
    assert one(definition, {"valueAttachment": {**sound, "data": "YWJj"}}) == ["response-attachment-size"]


def test_a_reference_leads_to_a_type_allowed():
    definition = limited("q", "reference", {"url": f"{HL7}questionnaire-referenceResource", "valueCode": "Patient"})
    wishes = Wishes(assume_rest=True)
    assert one(definition, {"valueReference": {"reference": "Patient/1"}}, wishes=wishes) == []
    found = one(definition, {"valueReference": {"reference": "Group/1"}}, wishes=wishes)
    assert found == ["response-reference"]


# --- options

CODES = [{"valueCoding": {"system": "http://c.test", "code": code}} for code in ("x", "y")]


def test_a_choice_is_one_of_the_options():
    definition = item("q", "choice", answerOption=CODES)
    assert one(definition, CODES[1]) == []
    other = {"valueCoding": {"system": "http://c.test", "code": "z"}}
    assert one(definition, other) == ["response-option"]
    assert one(item("q", "choice", answerOption=[{"valueString": "a"}]), {"valueString": "b"}) == ["response-option"]


def test_an_open_choice_may_be_free_text():
    definition = item("q", "open-choice", answerOption=CODES)
    assert one(definition, {"valueString": "something else"}) == []
    findings = judged(response(given("q", {"valueString": "X"})), questionnaire(definition))
    assert ("response-option-string", "QuestionnaireResponse.item[0].answer[0]") in told(findings, "warning")


def test_an_exclusive_option_stands_alone():
    exclusive = {"url": f"{HL7}questionnaire-optionExclusive", "valueBoolean": True}
    options = [CODES[0], {**CODES[1], "extension": [exclusive]}]
    definition = item("q", "choice", answerOption=options)
    assert one(definition, CODES[1]) == []
    assert one(definition, *CODES) == ["response-option-exclusive"]


def test_a_choice_is_in_the_value_set():
    definition = item("q", "choice", answerValueSet="http://hl7.org/fhir/ValueSet/administrative-gender")
    system = "http://hl7.org/fhir/administrative-gender"
    assert one(definition, {"valueCoding": {"system": system, "code": "female"}}) == []
    other = {"valueCoding": {"system": "http://hl7.org/fhir/publication-status", "code": "draft"}}
    assert one(definition, other) == ["response-code"]


def test_a_choice_is_in_the_contained_value_set():
    include = {"system": "http://c.test", "concept": [{"code": "x"}]}
    value_set = {"resourceType": "ValueSet", "id": "v", "status": "active", "compose": {"include": [include]}}
    asked = questionnaire(item("q", "choice", answerValueSet="#v"), contained=[value_set])
    assert errors(response(given("q", CODES[0])), asked) == []
    assert errors(response(given("q", CODES[1])), asked) == [
        ("response-code", "QuestionnaireResponse.item[0].answer[0]")
    ]


def test_an_unknown_value_set_is_a_warning():
    asked = questionnaire(item("q", "choice", answerValueSet="http://unknown.test/ValueSet/v"))
    findings = judged(response(given("q", CODES[0])), asked)
    assert told(findings) == []
    assert ("response-value-set-unknown", "QuestionnaireResponse.item[0].answer[0]") in told(findings, "warning")


def test_the_questionnaires_own_constraint_is_a_warning():
    parts = [
        {"url": "key", "valueId": "c-1"},
        {"url": "expression", "valueString": "answer.value > 3"},
        {"url": "human", "valueString": "More than three"},
    ]
    constraint = {"url": f"{HL7}questionnaire-constraint", "extension": parts}
    asked = questionnaire(limited("q", "integer", constraint))
    for value, broken in ((4, False), (3, True)):
        findings = judged(response(given("q", {"valueInteger": value})), asked)
        assert (("response-constraint", "QuestionnaireResponse.item[0]") in told(findings, "warning")) is broken


def test_a_response_is_not_held_to_another_version_of_its_questionnaire():
    asked = questionnaire(item("q"), version="1")
    assert errors(response(given("z"), questionnaire=f"{URL}|2"), asked) == []
    assert errors(response(given("z"), questionnaire=f"{URL}|1"), asked) != []


def test_what_a_response_contains_as_its_questionnaire_is_one():
    found = errors(response(questionnaire="#p", contained=[{"resourceType": "Patient", "id": "p"}]), questionnaire())
    assert ("response-contained-type", "QuestionnaireResponse") in found


def test_a_coding_without_code_or_system_is_no_option():
    choice = item("q", "open-choice", answerValueSet="http://hl7.org/fhir/ValueSet/administrative-gender")
    assert one(choice, {"valueCoding": {"display": "anything"}}) == ["response-code"]
    assert one(choice, {"valueCoding": {"code": "female"}}) == ["response-code"]
    listed = item("q", "open-choice", answerOption=[{"valueString": "a"}])
    assert one(listed, {"valueCoding": {"system": "http://c.test", "code": "a"}}) == ["response-option-type"]


def test_a_string_may_be_bound_to_a_value_set():
    bound = item("q", "string", answerValueSet="http://hl7.org/fhir/ValueSet/administrative-gender")
    assert one(bound, {"valueString": "female"}) == []
    assert one(bound, {"valueString": "feminine"}) == ["response-text-value-set"]
    unknown = item("q", "string", answerValueSet="http://unknown.test/ValueSet/v")
    assert one(unknown, {"valueString": "feminine"}) == []


def test_a_limit_of_another_type_is_said():
    low = {"url": f"{HL7}minValue", "valueDate": "2020"}
    assert one(limited("q", "integer", low), {"valueInteger": 1}) == ["response-limit-type"]


def test_dates_and_integers_are_options_of_moments_and_decimals():
    assert one(item("q", "dateTime", answerOption=[{"valueDate": "2020-01-01"}]), {"valueDateTime": "2020-01-01"}) == []
    assert one(item("q", "decimal", answerOption=[{"valueInteger": 1}]), {"valueDecimal": Number("1")}) == []


def test_a_quantity_without_a_value_is_said_once():
    limits = [
        {"url": f"{SDC}sdc-questionnaire-{side}Quantity", "valueQuantity": {"value": 1, "code": "kg", "system": "s"}}
        for side in ("min", "max")
    ]
    found = one(limited("q", "quantity", *limits), {"valueQuantity": {"code": "kg", "system": "s"}})
    assert len(found) == 1

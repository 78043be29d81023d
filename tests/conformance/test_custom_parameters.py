"""SearchParameter resources beside R4's own: which take effect, and what forbids it.

Source: FHIR R4, SearchParameter.
"""

from __future__ import annotations

from typing import Any

from fhir_gateway.conformance.custom_parameters import NO_CUSTOM_PARAMETERS, CustomParameters, custom_parameters
from fhir_gateway.conformance.definitions import definitions

R4 = definitions()
URL = "https://gateway.test/SearchParameter/"


def parameter(code: str = "ward", **more: Any) -> dict[str, Any]:
    made = {"status": "active", "url": URL + code, "code": code, "base": ["Patient"], "type": "string"}
    return {"resourceType": "SearchParameter", **made, "expression": "Patient.name.text", **more}


def made(
    *resources: dict[str, Any], known: CustomParameters = NO_CUSTOM_PARAMETERS
) -> tuple[CustomParameters, dict[str, list[str]]]:
    by_id = {f"s{number}": resource for number, resource in enumerate(resources)}
    custom, refused = custom_parameters(R4, by_id, lambda each: each.type != "special", known)
    return custom, {id: [issue.complaint.detail for issue in issues] for id, issues in refused.items()}


def test_what_is_active_takes_effect_and_the_rest_does_not():
    custom, refused = made(parameter(), parameter("b", status="draft"), parameter("c", status="retired"))
    assert refused == {}
    assert [(key, each.id) for key, each in custom] == [(("Patient", "ward"), "s0")]
    assert set(custom.by_type()) == {"Patient"}


def test_definitions_with_them_have_them_beside_r4s_own_which_stay_as_they_were():
    custom, _ = made(parameter())
    extended = R4.with_parameters(custom.by_type())
    assert extended.search_parameters.of("Patient")["ward"].url == URL + "ward"
    assert extended.search_parameters.of("Patient")["name"] is R4.search_parameters.of("Patient")["name"]
    assert extended.search_parameters.of("Group") is R4.search_parameters.of("Group")
    assert "ward" not in R4.search_parameters.of("Patient")
    assert extended.with_parameters({}).search_parameters is R4.search_parameters


def test_of_two_with_one_code_for_one_type_the_first_takes_effect():
    custom, refused = made(parameter(), parameter(url=URL + "other"), parameter(url=URL + "third", base=["Person"]))
    assert refused == {"s1": ["search-parameter-code-taken"], "s2": ["search-expression-without-value"]}
    assert {key for key, _ in custom} == {("Patient", "ward")}


def test_r4s_own_taken_as_they_are_have_no_effect_and_changed_ones_are_refused():
    active = "http://hl7.org/fhir/SearchParameter/Patient-active"
    own = parameter("active", url=active, type="token", expression="Patient.active")
    changed = parameter("active", url=active, type="token", expression="Patient.deceased.exists()")
    another = parameter("alive", url=active, type="token", expression="Patient.active")
    custom, refused = made(own, changed, another)
    assert custom.by_id == {}
    assert refused == {"s1": ["search-parameter-standard"], "s2": ["search-parameter-standard"]}


def test_what_is_the_same_is_not_compiled_again():
    first, _ = made(parameter())
    second, _ = made(parameter(description="more words"), known=first)
    assert second.by_id["s0"].compiled is first.by_id["s0"].compiled
    changed, _ = made(parameter(expression="Patient.name.family"), known=first)
    assert changed.by_id["s0"].compiled is not first.by_id["s0"].compiled


def test_a_parameter_selects_like_another_when_type_expression_and_components_agree():
    (first,) = made(parameter())[0].by_id.values()
    (renamed,) = made(parameter(description="x", url=URL + "else"))[0].by_id.values()
    (other,) = made(parameter(expression="Patient.name.family"))[0].by_id.values()
    assert first.selects_like(renamed)
    assert not first.selects_like(other)
    assert not first.selects_like(None)


def test_a_composite_may_name_a_custom_component_wherever_it_stands():
    components = [
        {"definition": URL + "use", "expression": "use"},
        {"definition": URL + "since", "expression": "period"},
    ]
    composite = parameter("both", type="composite", expression="Patient.name", component=components)
    use = parameter("use", type="token", expression="Patient.name.use")
    since = parameter("since", type="date", expression="Patient.name.period")
    custom, refused = made(composite, use, since)
    assert refused == {}
    assert len(custom.by_id) == 3
    assert made(composite, use)[1] == {"s0": ["search-parameter-component-unknown"]}


def test_every_fault_is_told_at_once():
    _, refused = made({"resourceType": "SearchParameter", "status": "active", "type": "text", "component": [{}]})
    assert refused["s0"] == [
        *["search-parameter-element-missing"] * 4,
        "search-parameter-type-unknown",
        *["search-parameter-element-missing"] * 2,
    ]

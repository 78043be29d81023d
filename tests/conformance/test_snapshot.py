"""Snapshots made from differentials.

Source: FHIR R4, StructureDefinition, "snapshot", "differential"; Profiling FHIR, "Slicing", "Limitations of Use";
ElementDefinition.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.conformance.lookup import split
from fhir_gateway.conformance.packages import Packages
from fhir_gateway.conformance.snapshot import SnapshotError, Snapshots, generate
from fhir_gateway.conformance.snapshot_sort import sort_differential
from tests.shared_data import shared
from tests.spec.snapshot import different, view

BASE = "http://hl7.org/fhir/StructureDefinition/"
BY_SYSTEM = {"discriminator": [{"type": "value", "path": "system"}], "rules": "open"}

Element = dict[str, Any]


class Known:
    """R4's definitions and some profiles."""

    def __init__(self, *profiles: dict[str, Any]) -> None:
        self._profiles = {profile["url"]: profile for profile in profiles}

    def structure(self, url: str) -> dict[str, Any] | None:
        return self._profiles.get(url) or definitions().structure(url)

    def resource(self, kind: str, url: str) -> dict[str, Any] | None:
        return self.structure(url) if kind == "StructureDefinition" else definitions().resource(kind, url)

    def resources(self, kind: str) -> Iterator[dict[str, Any]]:
        yield from definitions().resources(kind)


def profile(
    *elements: Element, of: str = "Patient", type: str | None = None, url: str = "http://example.org/p", **more: Any
) -> dict[str, Any]:
    return {
        "resourceType": "StructureDefinition",
        "url": url,
        "name": "P",
        "status": "draft",
        "kind": "resource",
        "abstract": False,
        "type": type or of,
        "baseDefinition": of if ":" in of else BASE + of,
        "derivation": "constraint",
        "differential": {"element": list(elements)},
    } | more


def element(path: str, slice: str | None = None, /, **facets: Any) -> Element:
    return {"path": path, **({} if slice is None else {"sliceName": slice}), **facets}


def snapshot(structure: dict[str, Any], *others: dict[str, Any]) -> dict[str, Element]:
    """Return the elements of the snapshot that is made, by id."""
    made = generate(structure, Known(*others))
    return {each["id"]: each for each in made["snapshot"]["element"]}


def refused(structure: dict[str, Any], *others: dict[str, Any]) -> list[str]:
    """Return the details of all that a structure is refused for."""
    with pytest.raises(SnapshotError) as refusal:
        generate(structure, Known(*others))
    return [issue.complaint.detail for issue in refusal.value.issues]


def type_of(element: Element) -> list[str]:
    return [each["code"] for each in element["type"]]


# --- what a profile says of an element


def test_what_a_differential_does_not_speak_of_stays_as_the_base_has_it():
    made = snapshot(profile(element("Patient.gender", min=1)))
    base = definitions().structure(BASE + "Patient")
    assert base is not None
    expected = {each["id"]: each for each in base["snapshot"]["element"]}
    assert list(made) == list(expected)
    assert made["Patient.gender"]["min"] == 1
    assert {id for id in made if view(made[id]) != view(expected[id])} == {"Patient.gender"}


def test_every_element_says_what_it_was_in_the_base():
    made = snapshot(profile(element("Patient.name", min=1), element("Patient.name.given", max="2")))
    assert made["Patient.name"]["base"] == {"path": "Patient.name", "min": 0, "max": "*"}
    assert made["Patient.name.given"]["base"] == {"path": "HumanName.given", "min": 0, "max": "*"}
    assert made["Patient.extension"]["base"]["path"] == "DomainResource.extension"


def test_nothing_given_is_changed():
    structure = profile(
        element("Patient.identifier", slicing=BY_SYSTEM),
        element("Patient.identifier", "a", max="1"),
        element("Patient.deceasedBoolean", min=1),
    )
    before, base = copy.deepcopy(structure), definitions().structure(BASE + "Patient")
    known = Known({**(base or {}), "url": BASE + "Patient"})
    kept = copy.deepcopy(known.structure(BASE + "Patient"))
    generate(structure, known)
    assert structure == before
    assert known.structure(BASE + "Patient") == kept


def test_prose_is_replaced_or_added_to_where_it_begins_with_dots():
    base = definitions().structure(BASE + "Patient")
    gender = next(each for each in (base or {})["snapshot"]["element"] if each["path"] == "Patient.gender")
    made = snapshot(profile(element("Patient.gender", short="Sex", definition="...and more", comment="Other.")))
    assert made["Patient.gender"]["short"] == "Sex"
    assert made["Patient.gender"]["definition"] == gender["definition"] + "\r\nand more"
    assert made["Patient.gender"]["comment"] == "Other."


def test_what_stands_beside_a_text_comes_with_it_and_goes_with_it():
    def beside(text: str) -> Element:
        return {"extension": [{"url": "http://example.org/translation", "valueString": text}]}

    first = profile(element("Patient.gender", short="Sexe", _short=beside("Sex")), url="http://example.org/first")
    whole = generate(first, Known())
    assert snapshot(first)["Patient.gender"]["_short"] == beside("Sex")
    second = profile(element("Patient.gender", min=1), of="http://example.org/first", type="Patient")
    assert snapshot(second, whole)["Patient.gender"]["_short"] == beside("Sex")
    third = profile(element("Patient.gender", short="Genre"), of="http://example.org/first", type="Patient")
    assert snapshot(third, whole)["Patient.gender"]["short"] == "Genre"
    assert "_short" not in snapshot(third, whole)["Patient.gender"]


def test_constraints_add_up_and_say_where_they_come_from():
    rule = {"key": "p-1", "severity": "error", "human": "A name.", "expression": "name.exists()"}
    again = {"key": "dom-2", "severity": "error", "human": "Another.", "expression": "true"}
    made = snapshot(profile(element("Patient", constraint=[rule, again])))
    found = {each["key"]: each for each in made["Patient"]["constraint"]}
    assert found["p-1"]["source"] == "http://example.org/p"
    assert found["dom-2"]["human"] != "Another."


def test_mappings_and_aliases_are_added_to_those_of_the_base():
    made = snapshot(profile(element("Patient.gender", alias=["sex"], mapping=[{"identity": "m", "map": "x"}])))
    assert "sex" in made["Patient.gender"]["alias"]
    assert len(made["Patient.gender"]["mapping"]) > 1


def test_a_binding_keeps_what_the_profile_does_not_say_of_it():
    made = snapshot(profile(element("Patient.maritalStatus", binding={"strength": "required"})))
    assert made["Patient.maritalStatus"]["binding"]["strength"] == "required"
    assert made["Patient.maritalStatus"]["binding"]["valueSet"] == "http://hl7.org/fhir/ValueSet/marital-status"


def test_a_binding_of_what_has_no_code_is_left_out():
    bound = {"strength": "required", "valueSet": "http://example.org/vs"}
    made = snapshot(profile(element("Patient.birthDate", binding=bound)))
    assert "binding" not in made["Patient.birthDate"]


def test_a_fixed_value_takes_the_place_of_the_one_the_base_has():
    first = profile(element("Patient.gender", patternCode="male"), url="http://example.org/base")
    made = snapshot(
        profile(element("Patient.gender", patternCode="female"), of="http://example.org/base", type="Patient"), first
    )
    assert made["Patient.gender"]["patternCode"] == "female"


@pytest.mark.parametrize(
    ("given", "detail"),
    [
        (element("Patient.link.other", min=0), "element-min-lowered"),
        (element("Patient.gender", max="2"), "element-max-raised"),
        (element("Patient.gender", max="*"), "element-max-raised"),
        (element("Patient.gender", binding={"strength": "preferred"}), "element-binding-loosened"),
        (element("Patient.gender", isSummary=False), "element-summary-changed"),
        (element("Patient.gender", type=[{"code": "string"}]), "element-type-not-allowed"),
        (element("Patient.gender", fixedString="male"), "element-value-of-other-type"),
        (element("Patient.name", patternCoding={"code": "a"}), "element-value-of-other-type"),
        (
            element("Patient.managingOrganization", type=[{"code": "Reference", "targetProfile": [BASE + "Patient"]}]),
            "element-target-not-allowed",
        ),
        (
            element("Patient.name", type=[{"code": "HumanName", "profile": [BASE + "patient-birthTime"]}]),
            "element-profile-of-other-type",
        ),
        (element("Patient.nickname", min=1), "differential-element-unmatched"),
        (element("Patient.gender.value.deep", min=1), "differential-element-unmatched"),
        (element("Observation.code", min=1), "differential-path-invalid"),
        (element("Patient..name", min=1), "differential-path-invalid"),
        (element("Patient.na me", min=1), "differential-path-invalid"),
        (element("Patient." + "a" * 65, min=1), "differential-path-invalid"),
        (element("Patient", type=[{"code": "Patient"}]), "differential-root-typed"),
    ],
)
def test_what_a_profile_may_not_do_is_refused(given: Element, detail: str):
    assert refused(profile(given)) == [detail]


def test_support_that_the_base_demands_cannot_be_taken_back():
    first = profile(element("Patient.gender", mustSupport=True), url="http://example.org/base")
    second = profile(element("Patient.gender", mustSupport=False), of="http://example.org/base", type="Patient")
    assert refused(second, first) == ["element-must-support-revoked"]


def test_everything_that_is_wrong_is_told_with_its_place():
    structure = profile(element("Patient.gender", max="2"), element("Patient.foo"), element("Patient.photo", max="*"))
    with pytest.raises(SnapshotError) as refusal:
        generate(structure, Known())
    told = {issue.expression: issue.text() for issue in refusal.value.issues}
    assert list(told) == ["StructureDefinition.differential.element[0]", "StructureDefinition.differential.element[1]"]
    assert "Patient.foo" in told["StructureDefinition.differential.element[1]"]
    assert all(issue.text("fr") for issue in refusal.value.issues)


def test_a_differential_out_of_order_is_refused():
    structure = profile(element("Patient.gender", min=1), element("Patient.name", min=1))
    assert refused(structure) == ["differential-element-unmatched"]


# --- into types, profiles and references


def test_where_a_profile_goes_into_a_type_its_elements_are_there_all():
    made = snapshot(profile(element("Patient.name.given", min=1)))
    inside = [id for id in made if id.startswith("Patient.name.")]
    assert inside[:2] == ["Patient.name.id", "Patient.name.extension"]
    assert inside[-1] == "Patient.name.period"
    assert made["Patient.name.given"]["min"] == 1


def test_where_an_element_is_of_a_profile_that_is_opened():
    short = profile(
        element("HumanName.family", min=1), of="HumanName", url="http://example.org/name", kind="complex-type"
    )
    named = element("Patient.name", type=[{"code": "HumanName", "profile": ["http://example.org/name"]}])
    made = snapshot(profile(named, element("Patient.name.given", min=1)), short)
    assert (made["Patient.name.family"]["min"], made["Patient.name.given"]["min"]) == (1, 1)


def test_an_element_that_refers_to_another_is_opened_as_that_and_refers_no_more():
    made = snapshot(profile(element("Observation.component.referenceRange.low", min=1), of="Observation"))
    opened = made["Observation.component.referenceRange"]
    assert "contentReference" not in opened
    assert type_of(opened) == ["BackboneElement"]
    assert made["Observation.component.referenceRange.low"]["min"] == 1
    assert made["Observation.referenceRange.low"]["min"] == 0


def test_an_element_may_be_opened_within_itself():
    made = snapshot(profile(element("Questionnaire.item.item.item.text", min=1), of="Questionnaire"))
    assert made["Questionnaire.item.item.item.text"]["min"] == 1
    assert "Questionnaire.item.item.item.item" in made


def test_a_choice_of_several_types_has_inside_what_all_types_have():
    made = snapshot(profile(element("Observation.value[x].extension", min=1), of="Observation"))
    inside = [id for id in made if id.startswith("Observation.value[x].")]
    assert inside == ["Observation.value[x].id", "Observation.value[x].extension"]
    assert refused(profile(element("Observation.value[x].unit", min=1), of="Observation")) == [
        "differential-element-unmatched"
    ]


def test_a_resource_in_a_resource_is_opened_by_the_type_named():
    made = snapshot(
        profile(
            element("Bundle.entry.resource", type=[{"code": "Patient"}]),
            element("Bundle.entry.resource.name.family", min=1),
            of="Bundle",
        )
    )
    assert made["Bundle.entry.resource.name.family"]["base"]["path"] == "HumanName.family"


# --- slices


def test_slices_follow_their_element_and_may_be_absent():
    made = snapshot(
        profile(
            element("Patient.identifier", slicing=BY_SYSTEM, min=2),
            element("Patient.identifier", "a", max="1"),
            element("Patient.identifier.system", fixedUri="urn:a"),
            element("Patient.identifier", "b", min=1),
        )
    )
    ids = [id for id in made if id.startswith("Patient.identifier")]
    assert ids[0:2] == ["Patient.identifier", "Patient.identifier:a"]
    assert ids[-1] == "Patient.identifier:b"
    assert "Patient.identifier:a.assigner" in ids
    assert made["Patient.identifier"]["slicing"] == BY_SYSTEM
    assert (made["Patient.identifier"]["min"], made["Patient.identifier:a"]["min"]) == (2, 0)
    assert made["Patient.identifier:b"]["min"] == 1
    assert made["Patient.identifier:a.system"]["fixedUri"] == "urn:a"
    assert "slicing" not in made["Patient.identifier:a"]


def test_each_slice_has_what_is_inside_its_element_in_the_base():
    made = snapshot(
        profile(
            element("Patient.contact", slicing=BY_SYSTEM),
            element("Patient.contact", "a"),
            element("Patient.contact.gender", min=1),
        )
    )
    assert made["Patient.contact:a.gender"]["min"] == 1
    assert made["Patient.contact.gender"]["min"] == 0
    assert "Patient.contact:a.period" in made


def test_a_slice_of_a_slice_is_named_after_it():
    made = snapshot(
        profile(
            element("Patient.identifier", slicing=BY_SYSTEM),
            element("Patient.identifier", "a"),
            element("Patient.identifier", "a/b", max="1"),
        )
    )
    assert [id for id in made if ":" in id] == ["Patient.identifier:a", "Patient.identifier:a/b"]


def test_extensions_are_sliced_by_url_without_saying_so_and_are_as_their_profile_has_them():
    named = {"code": "Extension", "profile": [BASE + "patient-birthTime"]}
    made = snapshot(profile(element("Patient.extension", "time", type=[named])))
    assert made["Patient.extension"]["slicing"]["discriminator"] == [{"type": "value", "path": "url"}]
    found = made["Patient.extension:time"]
    assert (found["min"], found["max"], found["type"]) == (0, "1", [named])
    assert found["short"] != made["Patient.extension"]["short"]


def test_an_extension_is_opened_by_its_profile():
    named = {"code": "Extension", "profile": [BASE + "patient-birthTime"]}
    made = snapshot(
        profile(element("Patient.extension", "time", type=[named]), element("Patient.extension.value[x]", min=1))
    )
    assert type_of(made["Patient.extension:time.value[x]"]) == ["dateTime"]
    assert made["Patient.extension:time.url"]["fixedUri"] == BASE + "patient-birthTime"


def test_an_extension_that_is_not_known_is_told_and_holds_nobody_up():
    named = {"code": "Extension", "profile": ["http://example.org/absent"]}
    snapshots = Snapshots(Known())
    snapshots.generate(profile(element("Patient.extension", "x", type=[named])))
    assert [issue.complaint.detail for issue in snapshots.warnings] == ["snapshot-profile-unknown"]


def test_an_extension_within_itself_ends():
    within = {"code": "Extension", "profile": ["http://example.org/e"]}
    made = snapshot(
        profile(
            element("Extension.extension", "again", type=[within]),
            element("Extension.extension.extension", max="0"),
            of="Extension",
            url="http://example.org/e",
            kind="complex-type",
        )
    )
    assert made["Extension.extension:again.extension"]["max"] == "0"


SLICED = profile(
    element("Patient.identifier", slicing=BY_SYSTEM),
    element("Patient.identifier", "a"),
    element("Patient.identifier", "b"),
    url="http://example.org/sliced",
)
CLOSED = profile(
    element("Patient.identifier", slicing=BY_SYSTEM | {"rules": "closed"}),
    element("Patient.identifier", "a"),
    url="http://example.org/closed",
)


def derived(*elements: Element, of: str = "http://example.org/sliced") -> dict[str, Any]:
    return profile(*elements, of=of, type="Patient")


def test_new_slices_come_after_those_of_the_base():
    made = snapshot(
        derived(element("Patient.identifier", "b", max="1"), element("Patient.identifier", "c", max="1")), SLICED
    )
    assert [id for id in made if ":" in id] == [f"Patient.identifier:{name}" for name in "abc"]
    assert made["Patient.identifier:b"]["max"] == "1"


@pytest.mark.parametrize(
    ("given", "of", "detail"),
    [
        ([element("Patient.identifier", "b"), element("Patient.identifier", "a")], "sliced", "slices-out-of-order"),
        ([element("Patient.identifier", "c"), element("Patient.identifier", "a")], "sliced", "slices-out-of-order"),
        ([element("Patient.identifier", "c")], "closed", "slicing-closed"),
        ([element("Patient.identifier", slicing=BY_SYSTEM)], "closed", "slicing-changed"),
        (
            [element("Patient.identifier", slicing={"discriminator": [{"type": "value", "path": "use"}]})],
            "sliced",
            "slicing-changed",
        ),
    ],
)
def test_slicing_of_the_base_is_kept(given: list[Element], of: str, detail: str):
    assert refused(derived(*given, of=f"http://example.org/{of}"), SLICED, CLOSED) == [detail]


@pytest.mark.parametrize(
    ("given", "detail"),
    [
        ([element("Patient.name", "a"), element("Patient.name", "b")], "slicing-absent"),
        ([element("Patient.gender", slicing=BY_SYSTEM), element("Patient.gender", "a")], "slicing-of-single-element"),
        (
            [
                element("Patient.name", slicing=BY_SYSTEM),
                element("Patient.name", "a"),
                element("Patient.name", "a"),
            ],
            "differential-element-duplicate",
        ),
    ],
)
def test_slices_need_a_way_to_be_told_apart(given: list[Element], detail: str):
    assert refused(profile(*given)) == [detail]


# --- choices of types


def observation(*elements: Element) -> dict[str, Element]:
    return snapshot(profile(*elements, of="Observation"))


def test_the_short_form_of_a_choice_is_a_slice_by_type():
    made = observation(element("Observation.valueQuantity", short="How much"))
    assert made["Observation.value[x]"]["slicing"] == {
        "discriminator": [{"type": "type", "path": "$this"}],
        "ordered": False,
        "rules": "open",
    }
    slice = made["Observation.value[x]:valueQuantity"]
    assert (slice["sliceName"], type_of(slice), slice["short"]) == ("valueQuantity", ["Quantity"], "How much")
    assert len(made["Observation.value[x]"]["type"]) == 11


def test_slices_of_all_types_leave_no_other():
    made = observation(
        element("Observation.value[x]", type=[{"code": "Quantity"}, {"code": "string"}]),
        element("Observation.value[x]", "valueQuantity", type=[{"code": "Quantity"}]),
        element("Observation.value[x]", "valueString", type=[{"code": "string"}]),
    )
    assert made["Observation.value[x]"]["slicing"]["rules"] == "closed"


def test_a_type_that_must_be_there_is_the_only_one():
    made = observation(element("Observation.valueQuantity", min=1))
    head = made["Observation.value[x]"]
    assert (head["min"], type_of(head), head["slicing"]["rules"]) == (1, ["Quantity"], "closed")


def test_an_extension_has_only_values_of_the_types_its_definition_names():
    made = snapshot(profile(element("Extension.valueCode", min=1), of="Extension", kind="complex-type"))
    assert type_of(made["Extension.value[x]"]) == ["code"]


def test_the_inside_of_the_only_type_may_be_spelled_in_the_short_form():
    made = observation(
        element("Observation.value[x]", type=[{"code": "Quantity"}]), element("Observation.valueQuantity.unit", min=1)
    )
    assert made["Observation.value[x].unit"]["min"] == 1


def test_a_slice_by_type_that_narrows_needs_no_more_to_be_set_up():
    made = observation(element("Observation.value[x]", "valueString", type=[{"code": "string"}]))
    assert len(made["Observation.value[x]"]["type"]) == 11
    assert type_of(made["Observation.value[x]:valueString"]) == ["string"]


@pytest.mark.parametrize(
    ("given", "detail"),
    [
        ([element("Observation.valueAddress")], "element-type-not-allowed"),
        ([element("Observation.valueNothing")], "differential-element-unmatched"),
        ([element("Observation.valueQuantity", "quantity")], "slicing-by-type-invalid"),
        (
            [element("Observation.value[x]", slicing=BY_SYSTEM), element("Observation.valueQuantity")],
            "slicing-by-type-invalid",
        ),
        (
            [element("Observation.valueQuantity", min=1), element("Observation.valueString")],
            "slicing-by-type-impossible",
        ),
    ],
)
def test_a_choice_is_sliced_by_its_own_types_only(given: list[Element], detail: str):
    assert set(refused(profile(*given, of="Observation"))) == {detail}


# --- bases


def test_a_base_without_a_snapshot_gets_one():
    first = profile(element("Patient.gender", min=1), url="http://example.org/first")
    second = profile(element("Patient.birthDate", min=1), of=first["url"], type="Patient", url="http://example.org/2")
    made = snapshot(profile(element("Patient.name", min=1), of=second["url"], type="Patient"), first, second)
    assert [made[f"Patient.{name}"]["min"] for name in ("gender", "birthDate", "name")] == [1, 1, 1]


def test_versions_of_a_base_are_kept_apart():
    url = "http://example.org/base"
    old = profile(element("Patient.gender", min=1), url=url, version="1.0")
    new = profile(element("Patient.name", min=1), url=url, version="2.0")

    class Both(Known):
        def structure(self, url: str) -> dict[str, Any] | None:
            if split(url)[0] == old["url"]:
                return old if split(url)[1] == "1.0" else new
            return super().structure(url)

    snapshots = Snapshots(Both())
    found = []
    for pin in ("|1.0", "", "|1.0", "|2.0"):
        made = snapshots.generate(profile(of=url + pin, type="Patient"))["snapshot"]["element"]
        found.append([each["id"] for each in made if each["min"]])
    assert [["Patient.gender" in each, "Patient.name" in each] for each in found] == [
        [True, False], [False, True], [True, False], [False, True],
    ]  # fmt: skip


def test_a_base_that_is_absent_or_comes_round_again_or_is_of_another_type_is_refused():
    assert refused(profile(of="http://example.org/absent", type="Patient")) == ["snapshot-base-absent"]
    round = profile(of="http://example.org/b", type="Patient", url="http://example.org/a")
    again = profile(of="http://example.org/a", type="Patient", url="http://example.org/b")
    assert refused(round, round, again) == ["snapshot-base-circular"]
    assert refused(profile(of="Observation", type="Patient")) == ["snapshot-base-of-other-type"]


def test_what_is_wrong_with_another_profile_is_told_with_its_name_beside_what_is_wrong_here():
    wrong = profile(
        element("HumanName.family", max="*"), of="HumanName", url="http://example.org/n", kind="complex-type"
    )
    named = element("Patient.name", type=[{"code": "HumanName", "profile": [wrong["url"]]}])
    structure = profile(named, element("Patient.name.given", min=1), element("Patient.gender", max="*"))
    assert refused(structure, wrong) == ["snapshot-other-refused", "element-max-raised"]
    with pytest.raises(SnapshotError) as refusal:
        generate(profile(of=wrong["url"], type="HumanName"), Known(wrong))
    assert "http://example.org/n has no snapshot" in refusal.value.issues[0].text()
    assert "HumanName.family a max *" in refusal.value.issues[0].text("fr")


@pytest.mark.parametrize(
    ("broken", "place"),
    [
        ({"type": 1}, "StructureDefinition.type"),
        ({"baseDefinition": []}, "StructureDefinition.baseDefinition"),
        ({"differential": {"element": ["Patient"]}}, "StructureDefinition.differential.element[0]"),
        (
            {"differential": {"element": [{"path": "Patient", "min": -1}]}},
            "StructureDefinition.differential.element[0].min",
        ),
        (
            {"differential": {"element": [{"path": "Patient"}, {"path": "Patient.name", "max": "many"}]}},
            "StructureDefinition.differential.element[1].max",
        ),
    ],
)
def test_what_is_not_built_as_a_structure_definition_is_refused_with_its_place(broken: dict[str, Any], place: str):
    for make in (generate, sort_differential):
        with pytest.raises(SnapshotError) as refusal:
            make(profile() | broken, Known())
        assert [issue.expression for issue in refusal.value.issues] == [place]


def test_what_goes_too_deep_is_refused():
    path = "Questionnaire" + ".item" * 40
    assert refused(profile(element(path, min=1), of="Questionnaire")) == ["differential-path-invalid"]
    chain = [profile(url="http://example.org/0")]
    chain += [
        profile(of=f"http://example.org/{index}", type="Patient", url=f"http://example.org/{index + 1}")
        for index in range(40)
    ]
    assert refused(chain[-1], *chain) == ["snapshot-too-deep"]
    nested = [
        profile(
            element(
                "Extension.extension", "x", type=[{"code": "Extension", "profile": [f"http://example.org/{n + 1}"]}]
            ),
            element("Extension.extension.value[x]", max="0"),
            of="Extension",
            url=f"http://example.org/{n}",
            kind="complex-type",
        )
        for n in range(40)
    ]
    assert refused(nested[0], *nested) == ["snapshot-too-deep"]


def test_a_specialization_has_what_it_inherits_and_then_its_own():
    model = profile(
        element("Sample", min=0, max="*"),
        element("Sample.code", min=1, max="1", type=[{"code": "CodeableConcept"}]),
        element("Sample.part", min=0, max="*", type=[{"code": "BackboneElement"}]),
        element("Sample.part.volume", min=0, max="1", type=[{"code": "Quantity"}]),
        of="Element",
        type="Sample",
        url="http://example.org/Sample",
        kind="logical",
        derivation="specialization",
    )
    assert list(snapshot(model)) == [
        "Sample", "Sample.id", "Sample.extension", "Sample.code", "Sample.part", "Sample.part.id",
        "Sample.part.extension", "Sample.part.modifierExtension", "Sample.part.volume",
    ]  # fmt: skip
    tube = profile(
        element("Tube.part.colour", min=0, max="1", type=[{"code": "code"}]),
        of="http://example.org/Sample",
        type="Tube",
        kind="logical",
        derivation="specialization",
    )
    made = snapshot(tube, model)
    assert list(made)[-2:] == ["Tube.part.volume", "Tube.part.colour"]
    assert made["Tube.code"]["base"]["path"] == "Sample.code"


def test_a_model_of_its_own_needs_no_base():
    model = profile(element("M", min=0, max="*"), element("M.a", min=0, max="1", type=[{"code": "string"}]), type="M")
    del model["baseDefinition"], model["derivation"]
    assert list(snapshot(model)) == ["M", "M.a"]


# --- witnesses: what others have published


# Published by HL7 with a tool of 2019, which narrowed a choice to the type that the short form names.
NARROWED = {
    "bmi", "bodyheight", "bodytemp", "bodyweight", "bp", "cholesterol", "hdlcholesterol", "headcircum", "heartrate",
    "ldlcholesterol", "oxygensat", "resprate", "triglyceride", "devicemetricobservation",
}  # fmt: skip
# The maximum of an extension's own definition left out; extensions opened though nothing is said of their inside.
OTHERWISE = {"clinicaldocument", "elementdefinition-de"}


def test_the_snapshots_of_r4s_extensions_and_profiles_come_out_as_published():
    known, other, count = definitions(), set(), 0
    snapshots = Snapshots(known)
    for structure in known.resources("StructureDefinition"):
        if structure.get("derivation") == "constraint" and "snapshot" in structure:
            count += 1
            if different(structure, snapshots.generate(structure)):
                other.add(structure["id"])
    assert count > 430
    assert other == NARROWED | OTHERWISE


def test_the_snapshots_of_the_genomics_guide_come_out_as_published():
    packages = Packages.named(shared("packages"), ["hl7.fhir.uv.genomics-reporting"], definitions())
    snapshots = Snapshots(packages)
    profiles = [packages.packages[0].read(each) for each in packages.packages[0].of_kind("StructureDefinition")]
    wrong = {each["id"]: different(each, snapshots.generate(each)) for each in profiles}
    assert {id: why for id, why in wrong.items() if why} == {}
    assert len(wrong) == 42


def test_versions_in_canonicals_are_understood():
    assert split("http://example.org/a|1.0#b") == ("http://example.org/a", "1.0")
    assert split("http://example.org/a") == ("http://example.org/a", None)

"""Slices: which one an element belongs to, how many there are, in which order.

Source: FHIR R4, Profiling, "Slicing", "Discriminator"; ElementDefinition.slicing.
"""

from __future__ import annotations

from typing import Any

from tests.conformance.validation.profiling import BASE, OWN, broken, part_of, profile, slice_of, sliced

IDENTIFIER = "Patient.identifier"
A, B, OTHER = {"system": "urn:a", "value": "1"}, {"system": "urn:b", "value": "2"}, {"system": "urn:c", "value": "3"}


def patient(*identifiers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "identifier": [*identifiers], **more} if identifiers else {
        "resourceType": "Patient", **more
    }  # fmt: skip


def observation(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, **more}


def by_system(rules: str = "open", ordered: bool = False) -> dict[str, Any]:
    """A profile with slice a (one of it) and slice b (one at most)."""
    return profile(
        f"ids-{rules}",
        "Patient",
        sliced(IDENTIFIER, "value", "system", rules, ordered),
        slice_of(IDENTIFIER, "a", min=1, max="1"),
        part_of(IDENTIFIER, "a", "system", min=1, fixedUri="urn:a"),
        slice_of(IDENTIFIER, "b", max="1"),
        part_of(IDENTIFIER, "b", "system", min=1, fixedUri="urn:b"),
        part_of(IDENTIFIER, "b", "value", min=1),
    )


def test_each_slice_is_counted_by_itself() -> None:
    asked = by_system()
    assert broken(patient(A, B, OTHER), asked) == []
    assert broken(patient(B), asked) == [("slice-missing", "Patient")]
    assert broken(patient(A, A), asked) == [("max", "Patient")]
    assert broken(patient(), asked) == [("slice-missing", "Patient")]
    assert broken(patient(A, {"system": "urn:b"}), asked) == [("min", "Patient.identifier[1]")]


def test_closed_slicing_allows_slices_only() -> None:
    assert broken(patient(A, OTHER), by_system("closed")) == [("slice-closed", "Patient.identifier[1]")]


def test_ordered_slices_keep_their_order_until_another_element_stands_between() -> None:
    asked = by_system(ordered=True)
    assert broken(patient(B, A), asked) == [("slice-order", "Patient.identifier[1]")]
    assert broken(patient(B, OTHER, A), asked) == []


def test_other_elements_come_at_the_end_where_the_profile_says_so() -> None:
    assert broken(patient(OTHER, A), by_system("openAtEnd")) == [("slice-at-end", "Patient.identifier[1]")]
    assert broken(patient(A, OTHER), by_system("openAtEnd")) == []


def test_an_element_of_two_slices_is_told() -> None:
    asked = profile(
        "overlap",
        "Patient",
        sliced(IDENTIFIER, "value", "system"),
        slice_of(IDENTIFIER, "a"),
        part_of(IDENTIFIER, "a", "system", fixedUri="urn:a"),
        slice_of(IDENTIFIER, "again"),
        part_of(IDENTIFIER, "again", "system", fixedUri="urn:a"),
    )
    assert broken(patient(A), asked) == [("slices-overlap", "Patient.identifier[0]")]
    assert broken(patient(B), asked) == []


def test_a_slice_that_nothing_tells_apart_cannot_be_evaluated() -> None:
    asked = profile(
        "untold",
        "Patient",
        sliced(IDENTIFIER, "value", "system", "closed"),
        slice_of(IDENTIFIER, "a", min=1),
        part_of(IDENTIFIER, "a", "value", min=1),
    )
    assert broken(patient(A), asked) == [("slicing-undecided", "Patient.identifier[0]")]


def test_slices_by_existence() -> None:
    asked = profile(
        "existence",
        "Patient",
        sliced(IDENTIFIER, "exists", "period", "closed"),
        slice_of(IDENTIFIER, "with", max="1"),
        part_of(IDENTIFIER, "with", "system", min=1),
        part_of(IDENTIFIER, "with", "period", min=1),
        slice_of(IDENTIFIER, "without"),
        part_of(IDENTIFIER, "without", "value", min=1),
        part_of(IDENTIFIER, "without", "period", max="0"),
    )
    period = {"period": {"start": "2020"}}
    assert broken(patient({**A, **period}, B), asked) == []
    assert broken(patient({**A, **period}, {**B, **period}), asked) == [("max", "Patient")]
    assert broken(patient({"value": "1", **period}), asked) == [("min", "Patient.identifier[0]")]
    assert broken(patient({"system": "urn:a"}), asked) == [("min", "Patient.identifier[0]")]


def test_slices_by_place() -> None:
    asked = profile(
        "places",
        "Patient",
        sliced("Patient.name", "position", "$this", "closed"),
        slice_of("Patient.name", "first", min=1, max="1"),
        part_of("Patient.name", "first", "family", min=1),
        slice_of("Patient.name", "rest", max="1"),
        part_of("Patient.name", "rest", "given", min=1),
    )
    family, given = {"family": "F"}, {"given": ["G"]}
    assert broken(patient(name=[family, given]), asked) == []
    assert broken(patient(name=[given, family]), asked) == [("min", "Patient.name[0]"), ("min", "Patient.name[1]")]
    assert broken(patient(name=[family, given, given]), asked) == [("slice-closed", "Patient.name[2]")]


def test_slices_by_the_type_of_what_a_reference_leads_to() -> None:
    path = "Observation.focus"
    asked = profile(
        "focus",
        "Observation",
        sliced(path, "type", "resolve()"),
        slice_of(path, "who", min=1, max="1", type=[{"code": "Reference", "targetProfile": [f"{BASE}Patient"]}]),
    )
    contained = [{"resourceType": "Patient", "id": "p"}, {"resourceType": "Patient", "id": "q"}]
    references = [{"reference": "#p"}, {"reference": "#q"}]
    assert broken(observation(contained=contained[:1], focus=references[:1]), asked) == []
    assert broken(observation(contained=contained, focus=references), asked) == [("max", "Observation")]
    assert broken(observation(focus=[{"display": "x"}]), asked) == [("slice-missing", "Observation")]


def test_a_slice_of_entries_by_the_profile_of_their_resource() -> None:
    male = profile("male", "Patient", {"path": "Patient.gender", "min": 1, "fixedCode": "male"})
    asked = profile(
        "bundle",
        "Bundle",
        sliced("Bundle.entry", "profile", "resource"),
        slice_of("Bundle.entry", "m", min=1, max="1"),
        part_of("Bundle.entry", "m", "resource", min=1, type=[{"code": "Patient", "profile": [OWN + "male"]}]),
    )
    urls = [f"urn:uuid:00000000-0000-4000-8000-00000000000{number}" for number in range(2)]

    def bundle(*genders: str) -> dict[str, Any]:
        entries = [
            {"fullUrl": url, "resource": {"resourceType": "Patient", "gender": gender}}
            for url, gender in zip(urls, genders, strict=False)
        ]
        return {"resourceType": "Bundle", "type": "collection", "entry": entries}

    assert broken(bundle("male", "female"), asked, male) == []
    assert broken(bundle("female"), asked, male) == [("slice-missing", "Bundle")]
    assert broken(bundle("male", "male"), asked, male) == [("max", "Bundle")]


def test_the_rules_of_the_sliced_element_hold_in_its_slices() -> None:
    asked = profile(
        "head",
        "Patient",
        sliced(IDENTIFIER, "value", "system"),
        {"path": f"{IDENTIFIER}.use", "min": 1},
        slice_of(IDENTIFIER, "a"),
        part_of(IDENTIFIER, "a", "system", min=1, fixedUri="urn:a"),
        part_of(IDENTIFIER, "a", "value", min=1),
    )
    assert broken(patient({"system": "urn:a"}), asked) == [
        ("min", "Patient.identifier[0]"),
        ("min", "Patient.identifier[0]"),
    ]


def test_a_type_that_may_not_be_there() -> None:
    path = "Observation.value[x]"
    asked = profile(
        "no-text",
        "Observation",
        sliced(path, "type", "$this"),
        slice_of(path, "valueString", type=[{"code": "string"}], max="0"),
    )
    assert broken(observation(valueString="x"), asked) == [("max", "Observation")]
    assert broken(observation(valueBoolean=True), asked) == []


def test_extensions_that_a_primitive_has_to_have() -> None:
    extension = profile(
        "known",
        "Extension",
        {"path": "Extension.url", "fixedUri": OWN + "known"},
        {"path": "Extension.value[x]", "type": [{"code": "string"}], "min": 1},
        context=[{"type": "element", "expression": "Element"}],
    )
    path = "Patient.birthDate.extension"
    asked = profile(
        "dated",
        "Patient",
        sliced(path, "value", "url"),
        slice_of(path, "known", min=1, type=[{"code": "Extension", "profile": [OWN + "known"]}]),
    )
    twin = {"extension": [{"url": OWN + "known", "valueString": "x"}]}
    assert broken(patient(birthDate="2000"), asked, extension) == [("slice-missing", "Patient.birthDate")]
    assert broken(patient(birthDate="2000", _birthDate=twin), asked, extension) == []
    assert broken(patient(), asked, extension) == []

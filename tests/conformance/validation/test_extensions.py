"""Extensions are known, stand where their definition lets them, and hold what it says.

Source: FHIR R4, Extensibility; Defining Extensions, "Extension Context"; StructureDefinition.context.
"""

from __future__ import annotations

from typing import Any

import pytest

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.conformance.snapshot import Snapshots
from fhir_gateway.conformance.validation.validator import Validator
from fhir_gateway.conformance.validation.walk import Wishes
from tests.conformance.validation.definition_lookup import DefinitionLookup
from tests.conformance.validation.judging import told

BASE = "http://hl7.org/fhir/StructureDefinition/"
URL = "http://hospital.test/StructureDefinition/mark"
DONOR = f"{BASE}patient-cadavericDonor"
USE = f"{BASE}version-specific-use"
MARK = {"url": URL, "valueString": "x"}


def defined(*contexts: Any, elements: tuple[dict[str, Any], ...] = (), **more: Any) -> dict[str, Any]:
    """Return an extension with a string; `contexts`: (type, expression)."""
    value = {"id": "Extension.value[x]", "path": "Extension.value[x]", "min": 1, "type": [{"code": "string"}]}
    said = [{"type": type, "expression": expression} for type, expression in contexts or [("element", "Element")]]
    root = {"id": "Extension", "path": "Extension"}
    url = {"id": "Extension.url", "path": "Extension.url", "fixedUri": URL}
    return {
        "resourceType": "StructureDefinition", "url": URL, "version": "1.0", "name": "Mark", "status": "active",
        "kind": "complex-type", "abstract": False, "type": "Extension", "baseDefinition": f"{BASE}Extension",
        "derivation": "constraint", "context": said,
        "differential": {"element": [*(elements or (root, url, value))]}, **more,
    }  # fmt: skip


def errors(resource: dict[str, Any], definition: dict[str, Any], wishes: Wishes | None = None) -> list[tuple[str, str]]:
    lookup = DefinitionLookup(definitions(), {definition["url"]: definition, DONOR: DONOR_DEFINITION})
    validator = Validator(definitions().types, lookup, None, Snapshots(lookup).generate)  # type: ignore[arg-type]
    return told(validator.validate(resource, (), wishes or Wishes()))


DONOR_DEFINITION = defined(("element", "Patient")) | {"url": DONOR, "version": "4.0.1"}
DONOR_DEFINITION["differential"] = {
    "element": [
        {"id": "Extension", "path": "Extension"},
        {"id": "Extension.url", "path": "Extension.url", "fixedUri": DONOR},
        {"id": "Extension.value[x]", "path": "Extension.value[x]", "type": [{"code": "boolean"}]},
    ]
}


def patient(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": "p", **more}


PLACES = {
    "Patient": patient(extension=[MARK]),
    "Patient.name[0]": patient(name=[{"family": "F", "extension": [MARK]}]),
    "Patient.name[0].given[1]": patient(name=[{"given": ["G", "H"], "_given": [None, {"extension": [MARK]}]}]),
    "Patient.contact[0].name": patient(contact=[{"name": {"family": "F", "extension": [MARK]}}]),
    "Patient.contact[0]": patient(contact=[{"name": {"family": "F"}, "extension": [MARK]}]),
    "Patient.deceased.ofType(boolean)": patient(deceasedBoolean=False, _deceasedBoolean={"extension": [MARK]}),
    "Patient.text": patient(
        text={"status": "empty", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>', "extension": [MARK]}
    ),
    "Patient.extension[0].value.ofType(boolean)": patient(
        extension=[{"url": DONOR, "valueBoolean": True, "_valueBoolean": {"extension": [MARK]}}]
    ),
}


@pytest.mark.parametrize(
    ("context", "allowed"),
    [
        (("element", "Element"), set(PLACES)),
        (("element", "Patient"), {"Patient"}),
        (("element", "DomainResource"), {"Patient"}),
        (("element", "Resource"), {"Patient"}),
        (("element", "CanonicalResource"), set()),
        (("element", "DomainResource.text"), {"Patient.text"}),
        (("element", "BackboneElement"), {"Patient.contact[0]"}),
        (("element", "HumanName"), {"Patient.name[0]", "Patient.contact[0].name"}),
        (("element", "Patient.name"), {"Patient.name[0]"}),
        (("element", "Patient.name.given"), {"Patient.name[0].given[1]"}),
        (("element", "HumanName.given"), {"Patient.name[0].given[1]"}),
        (("element", "string"), {"Patient.name[0].given[1]"}),
        (("element", "Patient.deceased[x]"), {"Patient.deceased.ofType(boolean)"}),
        (("element", f"{BASE}Patient#Patient.name"), {"Patient.name[0]"}),
        (("extension", DONOR), {"Patient.extension[0].value.ofType(boolean)"}),
        (("fhirpath", "Patient.name | contact"), {"Patient.name[0]", "Patient.contact[0]"}),
        (("fhirpath", "Patient.name.given[1]"), {"Patient.name[0].given[1]"}),
        (("fhirpath", "Patient.deceased"), {"Patient.deceased.ofType(boolean)"}),
    ],
)
def test_an_extension_stands_where_one_of_its_contexts_is(context: tuple[str, str], allowed: set[str]):
    definition = defined(context)
    found = {place: errors(resource, definition) for place, resource in PLACES.items()}
    # The element that holds it is named: the extension itself may be sound.
    assert found == {place: [] if place in allowed else [("extension-context", place)] for place in PLACES}


def test_a_context_invariant_is_asked_of_the_element_that_holds_the_extension():
    definition = defined(contextInvariant=["family = 'F'"])
    assert errors(PLACES["Patient.name[0]"], definition) == []
    other = patient(name=[{"family": "G", "extension": [MARK]}])
    assert errors(other, definition) == [("extension-context-invariant", "Patient.name[0]")]


@pytest.mark.parametrize(
    ("start", "end", "codes"),
    [
        ("4.0", "5.0", []),
        ("4.0", "4.0", []),
        ("5.0", None, ["extension-version-earliest"]),
        (None, "3.0", ["extension-version-latest"]),
    ],
)
def test_an_extension_may_be_for_some_versions_of_fhir(start: str | None, end: str | None, codes: list[str]):
    limits = [("startFhirVersion", start), ("endFhirVersion", end)]
    use = {"url": USE, "extension": [{"url": url, "valueCode": code} for url, code in limits if code is not None]}
    definition = defined(("element", "Patient"))
    assert errors(PLACES["Patient"], definition | {"extension": [use]}) == [(code, "Patient") for code in codes]
    context = {"type": "element", "expression": "Patient", "extension": [use]}
    found = errors(PLACES["Patient"], definition | {"context": [context]})
    assert found == ([("extension-context", "Patient")] if codes else [])


def test_a_modifier_extension_is_one_and_others_are_none():
    modifier = defined()
    modifier["differential"]["element"][0] |= {"isModifier": True, "isModifierReason": "it negates"}
    place = f"Patient.extension[0][url='{URL}']"
    assert errors(PLACES["Patient"], modifier) == [("extension-modifier", place)]
    assert errors(patient(modifierExtension=[MARK]), modifier) == []
    assert errors(patient(modifierExtension=[MARK]), defined()) == [
        ("extension-not-modifier", place.replace("extension", "modifierExtension"))
    ]


@pytest.mark.parametrize(
    ("extension", "codes"),
    [
        ({"url": URL}, {"extension-value-absent", "value-ext-1", "min"}),
        ({"url": URL, "valueInteger": 1}, {"extension-value-type"}),
        (
            {"url": URL, "extension": [{"url": "http://example.org/x", "valueString": "x"}]},
            {"extension-value-not-extensions", "min"},
        ),
        ({"url": URL, "_valueString": {"extension": [{"url": "http://example.org/x", "valueString": "x"}]}}, set()),
    ],
)
def test_the_value_is_of_a_type_that_the_definition_names(extension: dict[str, Any], codes: set[str]):
    assert codes <= {code for code, _ in errors(patient(extension=[extension]), defined())}
    assert bool(codes) == bool(errors(patient(extension=[extension]), defined()))


def test_a_complex_extension_has_the_parts_that_are_defined():
    part = "Extension.extension:part"
    whole = defined(
        elements=(
            {"id": "Extension", "path": "Extension"},
            {"id": "Extension.extension", "path": "Extension.extension",
             "slicing": {"discriminator": [{"type": "value", "path": "url"}], "rules": "open"}},
            {"id": part, "path": "Extension.extension", "sliceName": "part", "max": "1"},
            {"id": f"{part}.url", "path": "Extension.extension.url", "fixedUri": "part"},
            {"id": f"{part}.value[x]", "path": "Extension.extension.value[x]", "type": [{"code": "string"}]},
            {"id": "Extension.url", "path": "Extension.url", "fixedUri": URL},
            {"id": "Extension.value[x]", "path": "Extension.value[x]", "max": "0"},
        )
    )  # fmt: skip
    known = {"url": URL, "extension": [{"url": "part", "valueString": "x"}]}
    assert errors(patient(extension=[known]), whole) == []
    other = {"url": URL, "extension": [{"url": "part", "valueString": "x"}, {"url": "other", "valueString": "x"}]}
    assert errors(patient(extension=[other]), whole) == [
        ("extension-part-unknown", "Patient.extension[0].extension[1][url='other']")
    ]


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://nowhere.test/x", "extension-unknown"),
        ("http://example.org/x", None),
        ("http://dicom.nema.org/x", None),
        (f"{BASE}structuredefinition-fmm-support", None),
        ("mark", "extension-url-relative"),
        (f"{URL}|1.0", "extension-url-version"),
        (f"{URL}|2.0", "extension-url-version"),
        ("http://nowhere.test/x|1.0", "extension-unknown"),
    ],
)
def test_an_extension_is_known_by_its_absolute_url_without_a_version(url: str, code: str | None):
    found = {each for each, _ in errors(patient(extension=[{"url": url, "valueString": "x"}]), defined())}
    assert found - {"fixed"} == ({code} if code else set())


def test_extensions_of_what_a_definition_fixes_may_stand_anywhere():
    fixed = {
        "resourceType": "StructureDefinition", "id": "s", "url": "http://hospital.test/StructureDefinition/s",
        "version": "1", "name": "S", "status": "draft", "kind": "resource", "abstract": False, "type": "Patient",
        "baseDefinition": f"{BASE}Patient", "derivation": "constraint",
        "differential": {"element": [
            {"id": "Patient", "path": "Patient"},
            {"id": "Patient.maritalStatus", "path": "Patient.maritalStatus",
             "patternCodeableConcept": {"text": "x", "extension": [MARK]}},
        ]},
    }  # fmt: skip
    assert errors(fixed, defined(("element", "Patient"))) == []


R5 = "http://hl7.org/fhir/5.0/StructureDefinition/extension-"


def device_request(**more: Any) -> dict[str, Any]:
    coded = {"codeCodeableConcept": {"text": "x"}, "subject": {"display": "x"}, "intent": "order"}
    return {"resourceType": "DeviceRequest", "id": "d", **coded, **more}


def test_an_element_of_another_version_is_an_extension_by_rule():
    mark = {"url": f"{R5}DeviceRequest.doNotPerform", "valueBoolean": True}
    assert errors(device_request(modifierExtension=[mark]), defined()) == []
    place = f"DeviceRequest.extension[0][url='{mark['url']}']"
    assert errors(device_request(extension=[mark]), defined()) == [("extension-modifier", place)]
    wrong = device_request(modifierExtension=[{"url": mark["url"], "valueString": "x"}])
    assert ("extension-value-type", "DeviceRequest.modifierExtension[0]") in errors(wrong, defined())


def test_an_element_of_another_version_that_has_parts_is_an_extension_with_parts():
    url = f"{R5}Encounter.admission"
    parts = [{"url": "preAdmissionIdentifier", "valueIdentifier": {"value": "1"}}]
    encounter = {"resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": "AMB"}}
    assert errors(encounter | {"extension": [{"url": url, "extension": parts}]}, defined()) == []
    other = [{"url": "nothing", "valueString": "x"}]
    assert errors(encounter | {"extension": [{"url": url, "extension": other}]}, defined()) == [
        ("extension-part-unknown", "Encounter.extension[0].extension[0][url='nothing']")
    ]


@pytest.mark.parametrize(
    ("url", "code"),
    [
        (f"{R5}Patient.nothing", "extension-other-version-element"),
        (f"{R5}Patient.birthDate", "extension-other-version-unchanged"),
        ("http://hl7.org/fhir/9.0/StructureDefinition/extension-Patient.birthDate", "extension-unknown"),
    ],
)
def test_other_versions_have_extensions_only_for_what_r4_has_not(url: str, code: str):
    found = errors(patient(extension=[{"url": url, "valueDate": "2000"}]), defined())
    assert [each for each, _ in found] == [code]


def test_an_extension_of_another_version_that_is_misplaced_is_warned_of():
    mark = {"url": f"{R5}DeviceRequest.asNeeded", "valueBoolean": True}
    assert errors(patient(extension=[mark]), defined()) == []

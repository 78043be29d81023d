"""Each invariant of the profiles has a resource that keeps it and one that breaks it, and nothing else.

Source: profiles/pfmg/input/fsh; FHIR R4, ElementDefinition.constraint.
"""

from __future__ import annotations

import re

import pytest

from fhir_gateway.conformance.validation.findings import Finding
from fhir_gateway.conformance.validators import r4_validator, validator_of
from tests.conformance.pfmg.definitions import INVARIANTS, Resource, constraints, read, translation
from tests.shared_data import shared

KEYS = sorted(constraints())
FR_CORE = "https://hl7.fr/ig/fhir/core/StructureDefinition/"
GOOD = sorted(INVARIANTS.glob("*/good.json"))


def broken(finding: Finding) -> str | None:
    """Return the key of the invariant that a finding is about."""
    return finding.issue.values.get("key")


def told(resource: Resource) -> set[tuple[str, str]]:
    """Return all errors, and the invariants of PFMG that warn: the severity, and the key or what else is wrong."""
    found = [(each, broken(each)) for each in r4_validator().validate(resource)]
    return {
        (each.issue.severity, key or each.issue.text())
        for each, key in found
        if each.is_error or (key is not None and key.startswith("pfmg-"))
    }


def test_each_invariant_has_its_two_resources_and_there_are_no_others():
    assert sorted(path.name for path in INVARIANTS.iterdir()) == KEYS
    assert {path.name for path in INVARIANTS.glob("*/*")} == {"good.json", "bad.json"}
    assert len(KEYS) >= 40


@pytest.mark.parametrize("key", KEYS)
def test_the_good_resource_is_clean(key: str):
    assert told(read(INVARIANTS / key / "good.json")) == set()


@pytest.mark.parametrize("key", KEYS)
def test_the_bad_resource_fails_on_exactly_this_invariant(key: str):
    assert told(read(INVARIANTS / key / "bad.json")) == {(constraints()[key]["severity"], key)}


@pytest.mark.parametrize("key", KEYS)
def test_an_invariant_says_in_french_and_english_what_it_demands(key: str):
    constraint = constraints()[key]
    english = translation(constraint["_human"])
    assert re.fullmatch(r"[A-ZÉÀ].*\.", constraint["human"])
    assert re.fullmatch(r"[A-Z].*\.", english)
    assert english != constraint["human"]


def test_a_refusal_tells_the_invariant_in_the_language_asked_for():
    refusal = next(each.issue for each in r4_validator().validate(read(INVARIANTS / "pfmg-sr-4" / "bad.json")))
    assert "exactly one platform" in refusal.text("en")
    assert "une seule plateforme" in refusal.text("fr")


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.parent.name)
def test_the_good_persons_and_structures_also_follow_french_core(path: str):
    shared("fr-core", "package")
    resource = read(path)  # type: ignore[arg-type]
    of_type = {
        "Patient": "fr-core-patient", "Practitioner": "fr-core-practitioner", "Organization": "fr-core-organization",
        "PractitionerRole": "fr-core-practitioner-role", "RelatedPerson": "fr-core-related-person",
    }  # fmt: skip
    name = of_type.get(resource["resourceType"])
    if name is None:
        return
    qualified = "VALI" in str(resource)
    profile = FR_CORE + (f"{name}-ins" if qualified else name)
    validator = validator_of([str(shared("fr-core"))])
    assert validator.knows(profile)
    assert [each.issue.text() for each in validator.validate(resource, [profile]) if each.is_error] == []

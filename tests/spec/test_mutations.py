"""Resources broken in one place are told so at that place, and the same resources unbroken are not complained of.

Source: `mutations.py`, of the official examples.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from functools import cache

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.conformance.validation.findings import Finding
from fhir_gateway.conformance.validation.validator import Validator
from fhir_gateway.conformance.validators import r4_validator
from fhir_gateway.fhir import json
from fhir_gateway.terminology.library import Library
from tests.conformance.validation.definition_lookup import DefinitionLookup
from tests.fhir.examples import official_examples
from tests.spec.mutations import KINDS, PROFILE, Case, Resource, corpus
from tests.spec.validator import _place as place

EACH = {"sample": 10, "tenth": 30, "full": 300}[os.environ.get("FHIR_GATEWAY_SUITES", "sample")]
LARGEST = 30_000  # bytes of an example that is broken
# Definitions have rules of their own, and are large.
NOT_BROKEN = (
    "StructureDefinition-", "CodeSystem-", "ValueSet-", "SearchParameter-", "ConceptMap-", "OperationDefinition-",
    "CapabilityStatement-", "CompartmentDefinition-", "ImplementationGuide-", "NamingSystem-",
)  # fmt: skip


@cache
def whole() -> dict[str, Resource]:
    """Return the examples that are broken: those without an error."""
    chosen = {
        name: json.decode(body)
        for name, body in official_examples()
        if len(body) < LARGEST and not name.startswith(NOT_BROKEN)
    }
    return {name: each for name, each in chosen.items() if not errors(each)}


def errors(resource: Resource, profile: Resource | None = None) -> list[Finding]:
    validator = r4_validator() if profile is None else _with(profile)
    profiles = () if profile is None else (PROFILE,)
    return [each for each in validator.validate_bytes(json.encode(resource), "json", profiles) if each.is_error]


def _with(profile: Resource) -> Validator:
    lookup = DefinitionLookup(definitions(), {PROFILE: profile})
    return Validator(definitions().types, lookup, Library(lookup))


@cache
def cases() -> tuple[Case, ...]:
    return tuple(corpus(whole(), EACH))


def test_nearly_every_example_can_be_broken() -> None:
    assert len(whole()) > 500


def test_every_kind_of_fault_is_made_as_often_as_it_is_to_be() -> None:
    assert set(Counter(case.kind for case in cases()).values()) == {EACH}
    assert len({case.kind for case in cases()}) == len(KINDS) == 12


def test_a_fault_is_told_at_its_place(record_property: Callable[[str, object], None]) -> None:
    missed = []
    for case in cases():
        wanted = {place(each) for each in case.places}
        found = {place(each.issue.expression or "") for each in errors(case.resource, case.profile)}
        if not wanted & found:
            missed.append(f"{case.kind}: {case.example} at {case.places[0]}, told at {sorted(found)[:4]}")
    passed = len(cases()) - len(missed)
    record_property("score", f"mutations told at their place: {passed} of {len(cases())}")
    assert passed >= 0.99 * len(cases()), "\n".join(missed)


def test_what_a_made_profile_demands_the_unbroken_example_has() -> None:
    made = [case for case in cases() if case.profile is not None and case.whole is not None]
    wrong = [case.example for case in made if errors(case.whole or {}, case.profile)]
    assert wrong == []


def test_the_corpus_is_the_same_for_the_same_seed() -> None:
    few = dict(list(whole().items())[:40])
    assert list(corpus(few, 2)) == list(corpus(few, 2))
    assert list(corpus(few, 2)) != list(corpus(few, 2, seed=1))


def test_no_case_is_the_example_itself() -> None:
    assert all(case.resource != whole()[case.example] for case in cases())

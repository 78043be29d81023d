"""Codings are alike where terminology answers the same about them and no rule can tell them apart.

Source: FHIR R4, Terminologies, "Coding"; Genomics Reporting 3.0.0, Variant.
"""

from __future__ import annotations

import copy
import random
from functools import cache
from typing import Any

import pytest

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.conformance.snapshot import Snapshots
from fhir_gateway.conformance.validation.coded import is_wild
from fhir_gateway.conformance.validation.schema import compiled
from fhir_gateway.conformance.validation.validator import Validator
from fhir_gateway.conformance.validation.verdicts import Verdicts
from fhir_gateway.conformance.validation.walk import Wishes
from fhir_gateway.conformance.validators import r4_validator
from fhir_gateway.fhir.json import decode
from fhir_gateway.terminology.library import Library
from tests.benchmarks.platform_results import VARIANTS, cases
from tests.conformance.validation.profiling import OWN, _Known, profile, sliced
from tests.conformance.validation.test_alike import SEED, Comparing, Resource, leaves, told, varied
from tests.floors import SHARE

LOINC = "http://loinc.org"
UNKNOWN = "http://codes.test/unknown"
_TEXTS = (
    "LA6705-3", "LA21254-0", "NM_000001.1:c.1A>T", "c.1A>T", "48004-6", "81254-5", "LA9633-4", "x y", "#c1", "",
    LOINC, UNKNOWN, "http://varnomen.hgvs.org", "SO:0001483", "http://www.genenames.org", "Homozygous", "final", "FR",
)  # fmt: skip


@cache
def reported() -> tuple[tuple[Resource, dict[str, Resource]], ...]:
    """Return the variants, reports, signs and requests of dossiers, each with what it may refer to."""
    found = []
    for case in cases(3):
        within = {f"{each['resourceType']}/{each['id']}": each for each in case.resources}
        entries = decode(case.file("fhir"))["entry"]
        within |= {each["fullUrl"]: each["resource"] for each in entries}
        held = [
            each for each in case.resources if each["resourceType"] in ("Observation", "Specimen", "Consent", "Task")
        ]
        found += [(each, within) for each in (*(one["resource"] for one in entries), *held) if "text" not in each]
    return tuple(found)


def test_thirty_variants_that_differ_in_all_their_codes_are_judged_once():
    comparing = Comparing()
    variants = [each for each in reported() if "69548-6" in str(each[0].get("code"))][:VARIANTS]
    assert [why for each, within in variants if (why := comparing.differs(each, within.get)) is not None] == []
    assert len({str(each["component"]) for each, _ in variants}) == VARIANTS
    assert comparing.remembered >= VARIANTS - 4


@pytest.mark.parametrize("only", [(), ("code", "display", "system")])
def test_findings_with_other_values_are_judged_as_without_a_memory(only: tuple[str, ...]):
    draw, comparing = random.Random(SEED), Comparing()
    texts = [*_TEXTS, *dict.fromkeys(c[k] for each, _ in reported()[::7] for c, k in leaves(each) if type(c[k]) is str)]
    for _ in range(round(60_000 * SHARE)):
        each, within = draw.choice(reported())
        made = _recoded(each, draw, only) if only else varied(each, draw, texts)
        assert comparing.differs(made, within.get) is None
    assert comparing.remembered > comparing.compared / 40


def _recoded(resource: Resource, draw: random.Random, keys: tuple[str, ...]) -> Resource:
    """Return a resource in which parts of codings are others of its own or of a list."""
    made = copy.deepcopy(resource)
    places = [(holder, key) for holder, key in leaves(made) if key in keys and isinstance(holder, dict)]
    for _ in range(draw.randint(1, 3)):
        holder, key = draw.choice(places)
        other, at = draw.choice(places)
        holder[key] = draw.choice((other[at], draw.choice(_TEXTS), f"NM_{draw.randint(1, 10**6)}.1:c.1A>T"))
    return made


class Held:
    """A validator of one profile of Observation, with a memory."""

    def __init__(self, *elements: Resource) -> None:
        made = profile("Coded", "Observation", *elements)
        lookup = _Known({made["url"]: made})
        snapshots = Snapshots(lookup)
        self.validator = Validator(definitions().types, lookup, Library(lookup), snapshots.generate)
        self.schema = compiled(snapshots.generate(made))
        self.verdicts = Verdicts()

    def differ(self, *resources: Resource) -> list[bool]:
        """Return of each resource whether it was known by one before; asserts that it is judged as without."""
        known = []
        for each in resources:
            known.append(self.validator.known(each, None, self.verdicts) is not None)
            found = told(self.validator.validate(each, (), Wishes(), self.verdicts))
            assert found == told(self.validator.validate(each, (), Wishes()))
        return known


def observation(*codes: str, system: str = UNKNOWN, **more: Any) -> Resource:
    """Return an Observation with a component for each code."""
    return {
        "resourceType": "Observation",
        "meta": {"profile": [f"{OWN}Coded"]},
        "status": "final",
        "code": {"text": "x"},
        "component": [
            {"code": {"text": "y"}, "valueCodeableConcept": {"coding": [{"system": system, "code": code}]}}
            for code in codes
        ],
        **more,
    }


def rule(expression: str, path: str = "Observation") -> Resource:
    constraint = {"key": "own-1", "severity": "error", "human": "x", "expression": expression}
    return {"path": path, "constraint": [constraint]}


def test_codes_that_nothing_names_are_alike():
    assert Held(rule("status.exists()")).differ(observation("a"), observation("b")) == [False, True]


def test_a_code_that_a_rule_names_is_told_from_others():
    held = Held(rule("component.value.coding.where(code = 'b').empty()"))
    assert held.differ(*map(observation, "acbdb")) == [False, True, False, True, True]


def test_a_code_that_a_pattern_names_is_told_from_others():
    by = sliced("Observation.component", "pattern", "value", rules="closed")
    wanted = {"coding": [{"system": UNKNOWN, "code": "b"}]}
    slice = {"id": "Observation.component:b", "path": "Observation.component", "sliceName": "b", "max": "1"}
    value = {
        "id": "Observation.component:b.value[x]", "path": "Observation.component.value[x]", "min": 1,
        "type": [{"code": "CodeableConcept"}], "patternCodeableConcept": wanted,
    }  # fmt: skip
    held = Held(by, slice, value)
    held.differ(observation("a"), observation("b"), observation("b", "b"), observation("a", "b"), observation("c"))


def test_whether_codes_are_equal_counts_where_a_rule_compares_them():
    held = Held(rule("component.value.coding.code.isDistinct()"))
    pairs = (("a", "b"), ("c", "d"), ("e", "e"), ("f", "f"), ("g", "h"))
    assert held.differ(*(observation(*each) for each in pairs)) == [False, True, False, True, True]


def test_a_code_that_equals_another_text_of_the_resource_is_told_from_others():
    held = Held(rule("component.where(value.coding.code = code.text).empty()"))
    assert held.differ(*(observation(each) for each in ("a", "b", "y", "c"))) == [False, True, False, True]


def test_a_test_that_a_rule_puts_codes_to_tells_them_apart():
    held = Held(rule("component.value.coding.code.all($this.matches('^N'))"))
    assert held.differ(*(observation(each) for each in ("N1", "N2", "M1", "M2"))) == [False, True, False, True]


@pytest.mark.parametrize(
    "expression",
    [
        "component.value.coding.code.all($this.length() < 3)",
        "component.value.coding.code.all(substring(0, 1) = 'a')",
        "component.value.coding.all(code ~ 'A')",
        "component.value.coding.code.all($this < 'b')",
        "component.value.coding.code.all(matches('^A', 'i'))",
        "component.value.coding.all(memberOf('http://codes.test/vs').not())",
    ],
)
def test_codes_with_which_a_rule_does_more_are_kept_as_they_are(expression: str):
    held = Held(rule(expression))
    assert is_wild(held.schema)
    assert held.differ(*map(observation, ("a", "b", "abc", "A"))) == [False] * 4


@pytest.mark.parametrize(
    "expression",
    [
        "component.value.coding.where(system = 'x' and code = 'y').exists()",
        "component.value.coding.code.count() <= 3",
        "component.value.coding.code.all(matches('^N') or startsWith('M') or $this in ('a' | 'b'))",
        "component.code.coding.intersect(%resource.code.coding).empty()",
        "value.toString().length() < 3",
    ],
)
def test_an_invariant_that_only_compares_codes_is_not_wild(expression: str):
    assert not is_wild(Held(rule(expression)).schema)


def test_what_terminology_answers_counts():
    male, female, other = (
        observation(code, system="http://hl7.org/fhir/administrative-gender") for code in ("male", "female", "other")
    )
    wrong = observation("none", system="http://hl7.org/fhir/administrative-gender")
    assert Held(rule("status.exists()")).differ(male, female, wrong, other) == [False, True, False, True]


def test_the_language_of_a_resource_leaves_codings_as_they_are():
    held = Held(rule("status.exists()"))
    french = [observation(each, language="fr") for each in ("a", "b")]
    assert held.differ(*french) == [False, False]


def test_a_coding_with_more_than_its_usual_parts_is_kept_as_it_is():
    held = Held(rule("status.exists()"))
    made = [observation(each) for each in ("a", "b")]
    for each in made:
        each["component"][0]["valueCodeableConcept"]["coding"][0]["version"] = "1"
    assert held.differ(*made) == [False, False]


def test_likenesses_made_before_a_rule_was_known_are_none_after():
    """The same validator learns of a profile that names a code, which was left out until then."""
    validator, verdicts = r4_validator(), Verdicts()
    codes = validator._alike.codes
    before = codes.current()
    validator.validate(observation("zz-1"), (), Wishes(), verdicts)
    assert "zz-1" not in codes.named
    codes.named.add("zz-1")
    try:
        assert validator.known(observation("zz-1"), None, verdicts) is None
        assert validator.known(observation("zz-2"), None, verdicts) is not None
    finally:
        codes.named.discard("zz-1")
    assert codes.current() >= before

"""What is remembered of resources that are alike is what would be found: whatever is sent, in whatever order.

Source: FHIR R4, Validating Resources; messages of other projects, the official examples, seeded mangled inputs.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import pytest

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.conformance.validation.asked import questions_of
from fhir_gateway.conformance.validation.certainty import never
from fhir_gateway.conformance.validation.findings import Finding
from fhir_gateway.conformance.validation.scan import strict_plans_of
from fhir_gateway.conformance.validation.verdicts import Verdict, Verdicts
from fhir_gateway.conformance.validation.walk import Wishes
from fhir_gateway.conformance.validators import r4_validator
from fhir_gateway.exchange.hl7v2.convert import Conversion, converter
from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.outcome import FhirError
from fhir_gateway.fhir.structure import check, links_at, places_of
from tests.conformance.validation.mangling import mangled
from tests.fhir.examples import official_examples
from tests.floors import SHARE, drawn
from tests.shared_data import shared

Resource = dict[str, Any]
Resolve = Callable[[str], Resource | None]

LARGEST = 20_000
SEED = 20261122
_TEXTS = (
    "", " ", "x ", "#", "#c1", "Patient/1", "urn:uuid:00000000-0000-0000-0000-000000000000", "1850-13-41", "2024-02-30",
    "2031-01-01", "2024-05-06T07:08:09Z", "<b>x</b>", "a\u202eb", "male", "final", "entered-in-error", "kg", "85354-9",
    "http://loinc.org", "http://example.org/unknown", "https://hl7.org/fhir/sid/us-ssn", "A", "a\nb", "é" * 40,
)  # fmt: skip
_NUMBERS = (0, -1, 3, 10**6)


def told(findings: Sequence[Finding]) -> list[tuple[str, str | None, str, str | None, str]]:
    return [
        (each.issue.complaint.detail, each.issue.expression, each.issue.text(), each.profile, each.issue.text("fr"))
        for each in findings
    ]


class Comparing:
    """One memory for all that is compared: what is alike and should not be shows."""

    def __init__(self) -> None:
        self.verdicts = Verdicts()
        self.compared = self.remembered = 0

    def differs(self, resource: Resource, resolve: Resolve | None = None) -> str | None:
        validator, wishes = r4_validator(), Wishes(any_extensions=True, resolve=resolve, wrong_displays="warning")
        wanted = told(validator.validate(copy.deepcopy(resource), (), wishes))
        self.compared += 1
        self.remembered += validator.known(resource, resolve, self.verdicts) is not None
        for _ in range(2):
            found = told(validator.validate(resource, (), wishes, self.verdicts))
            if found != wanted:
                return f"{json.dumps(resource, default=str)[:1500]}\n{set(found) ^ set(wanted)}"
        return None


@cache
def of_messages() -> tuple[tuple[Resource, dict[str, Resource]], ...]:
    """Return what the messages of other projects become, each with what was made with it."""
    convert, made = converter(), []
    for path in sorted(shared("hl7v2").rglob("*.hl7")):
        for found in convert.convert_all(path.read_bytes()):
            if isinstance(found, Conversion) and found.result is not None:
                within = {each.full_url: each.resource for each in found.result.instances}
                made += [(each, within) for each in within.values()]
    return tuple(made)


def leaves(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the container and the key of every primitive."""
    below = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in below:
        if isinstance(item, dict | list):
            yield from leaves(item)
        else:
            yield value, key


def varied(resource: Resource, draw: random.Random, texts: Sequence[str]) -> Resource:
    """Return a resource with a few of its values, or of what holds them, changed."""
    made = copy.deepcopy(resource)
    for _ in range(draw.randint(1, 3)):
        places = list(leaves(made))
        container, key = draw.choice(places)
        was = container[key]
        if key == "resourceType":
            continue
        way = draw.random()
        if way < 0.12 and isinstance(container, dict) and len(container) > 1:
            del container[key]
        elif way < 0.2:
            other, at = draw.choice(places)
            container[key], other[at] = other[at], was
        elif isinstance(was, str):
            container[key] = draw.choice(texts)
        elif isinstance(was, bool):
            container[key] = not was
        else:
            container[key] = draw.choice(_NUMBERS)
    return made


def test_what_all_messages_become_is_judged_as_without_a_memory():
    comparing = Comparing()
    different = [why for each, within in of_messages() if (why := comparing.differs(each, within.get)) is not None]
    assert different == []
    assert comparing.compared > 1500
    assert comparing.remembered > comparing.compared / 3


def test_what_messages_become_with_other_values_is_judged_as_without_a_memory():
    draw, comparing = random.Random(SEED), Comparing()
    made = of_messages()
    texts = [*_TEXTS, *dict.fromkeys(c[k] for each, _ in made[::7] for c, k in leaves(each) if isinstance(c[k], str))]
    for _ in range(round(100_000 * SHARE)):
        each, within = draw.choice(made)
        assert comparing.differs(varied(each, draw, texts), within.get) is None
    assert comparing.remembered > comparing.compared / 10


def test_examples_with_other_values_are_judged_as_without_a_memory():
    draw, comparing = random.Random(SEED), Comparing()
    for _, body in drawn([each for each in official_examples() if len(each[1]) < LARGEST], min(1, SHARE * 5)):
        example = decode(body)
        assert comparing.differs(example) is None
        for _ in range(5):
            assert comparing.differs(varied(example, draw, _TEXTS)) is None


def test_mangled_inputs_are_judged_as_without_a_memory():
    comparing = Comparing()
    for number in range(300):
        format, body = mangled(number)
        try:
            resource = decode(body) if format == "json" else None
        except FhirError:
            continue
        if isinstance(resource, dict):
            assert comparing.differs(resource) is None, number


PATIENT: Resource = {
    "resourceType": "Patient",
    "identifier": [{"system": "https://hospital.invalid/ipp", "value": "1", "period": {"start": "2020-01-01"}}],
    "name": [{"family": "ESSAI", "given": ["ZOE"]}],
    "birthDate": "1990-01-01",
    "managingOrganization": {"reference": "urn:uuid:00000000-0000-0000-0000-000000000001"},
}


def likeness(resource: Resource, **targets: str) -> object:
    return r4_validator()._alike.likeness(resource, lambda _: {"resourceType": targets["type"]} if targets else None)


def test_resources_that_differ_in_names_numbers_and_dates_are_alike():
    other = copy.deepcopy(PATIENT)
    other["name"] = [{"family": "AUTRE", "given": ["ALIX"]}]
    other["birthDate"], other["identifier"][0]["value"] = "2001-12-31", "2"
    other["managingOrganization"]["reference"] = "urn:uuid:00000000-0000-0000-0000-000000000002"
    assert likeness(PATIENT) == likeness(other) is not None
    assert likeness({**PATIENT, "id": "1"}) == likeness({**other, "id": "2"}) != likeness(PATIENT)


@pytest.mark.parametrize("more", [{"text": {"status": "generated", "div": "<div/>"}}, {"id": "a b"}, {"id": 1}])
def test_a_narrative_or_an_id_that_is_none_is_like_no_other(more: Resource):
    assert likeness({**PATIENT, **more}) is None


def test_an_identifier_that_is_a_uri_is_looked_at_as_one():
    def named(value: str) -> Resource:
        return {"resourceType": "Patient", "identifier": [{"system": "urn:ietf:rfc:3986", "value": value}]}

    assert likeness(named("urn:oid:1.2.3")) != likeness(named("1.2.3")) is not None


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("gender",), "female"),
        (("name", 0, "use"), "official"),
        (("name", 0, "given"), ["ZOE", "ANNE"]),
        (("identifier", 0, "system"), "https://elsewhere.invalid/ipp"),
        (("identifier", 0, "period", "end"), "2021-01-01"),
        (("birthDate",), None),
        (("managingOrganization", "reference"), "#x"),
    ],
)
def test_resources_that_differ_in_what_is_asked_are_not_alike(path, value):
    other = copy.deepcopy(PATIENT)
    holder: Any = other
    for step in path[:-1]:
        holder = holder[step]
    if value is None:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    assert likeness(PATIENT) != likeness(other) is not None


def test_the_type_of_what_a_reference_leads_to_counts():
    assert likeness(PATIENT, type="Organization") != likeness(PATIENT, type="Patient")


@pytest.mark.parametrize("text", ["", " ", "1990-13-01", "1990-1-1", "x\u202e"])
def test_a_value_that_something_could_be_said_of_is_like_no_other(text: str):
    other = copy.deepcopy(PATIENT)
    other["birthDate"] = text
    assert likeness(other) is None


def test_an_invariant_that_compares_what_is_left_out_is_asked_each_time():
    memory, found = Verdicts(), []
    for end in ("2021-01-01", "2022-01-01", "2019-01-01"):
        resource = copy.deepcopy(PATIENT)
        resource["identifier"][0]["period"]["end"] = end
        told = r4_validator().validate(resource, (), Wishes(), memory)
        found.append(["per-1"] * any(each.issue.values.get("key") == "per-1" for each in told))
    assert found == [[], [], ["per-1"]]


def test_an_error_is_found_again():
    memory = Verdicts()
    for family in ("ESSAI", "AUTRE"):
        resource = {"resourceType": "Patient", "gender": "none", "name": [{"family": family}]}
        told = r4_validator().validate(resource, (), Wishes(), memory)
        assert told
        assert all(each.is_error for each in told)


def test_a_finding_that_tells_of_what_is_left_out_is_not_remembered():
    memory, model = Verdicts(), r4_validator()
    likeness = ("Patient", "name")
    resource = {"resourceType": "Patient", "name": [{"family": "ESSAI"}]}
    found = model.validate({"resourceType": "Patient", "gender": "ESSAI"}, (), Wishes())
    memory.keep(likeness, resource, Verdict(tuple(found)))
    assert memory.of(likeness) is None


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("name.exists() or telecom.exists()", set()),
        ("start.hasValue().not() or end.hasValue().not() or (start <= end)", {"start", "end"}),
        ("value.empty() or code!=component.code", {"code"}),
        ("telecom.where(system='phone').exists()", {"system"}),
        ("coding.where(system='x').code = 'y'", {"system", "code"}),
        ("identifier.isDistinct()", {"identifier"}),
        ("category.select($this='problem-list-item').empty()", {"category"}),
        ("low.empty() or ((low.code = '%') and (low.system = %ucum))", {"code", "system"}),
    ],
)
def test_what_an_invariant_asks_the_value_of_is_read_from_it(expression: str, names: set[str]):
    found = questions_of(expression, never)
    assert found is not None
    assert found.deep == names


@pytest.mark.parametrize(
    "expression",
    [
        "subject.resolve() is Patient",
        "%resource.name.family = 'X'",
        "descendants().count() > 3",
        "date > today()",
        "a =",
    ],
)
def test_an_invariant_that_may_ask_anything_leaves_nothing_out(expression: str):
    assert questions_of(expression, never) is None


def test_links_stand_at_the_same_places_in_resources_that_are_alike():
    other = copy.deepcopy(PATIENT)
    other["managingOrganization"]["reference"] = "urn:uuid:00000000-0000-0000-0000-000000000002"
    types = definitions().types
    places = places_of(PATIENT, check(PATIENT, types).links[id(PATIENT)])
    wanted = check(other, types).links[id(other)]
    found = links_at(other, places)
    assert [(each.key, each.kind, each.path) for each in found] == [(each.key, each.kind, each.path) for each in wanted]
    assert [each.container is right.container for each, right in zip(found, wanted, strict=True)] == [True]


def test_all_types_but_those_with_rules_of_their_own_have_likenesses():
    validator = r4_validator()
    without = [
        each
        for each in validator.engine.model.resources
        if strict_plans_of(definitions().types).of_resource(each) is not None
        and likeness({"resourceType": each, "id": "1"}) is None
    ]
    assert sorted(without) == [
        "Bundle", "CapabilityStatement", "CareTeam", "CodeSystem", "ConceptMap", "ImplementationGuide", "Measure",
        "MeasureReport", "OperationDefinition", "Questionnaire", "QuestionnaireResponse", "SearchParameter",
        "StructureDefinition", "ValueSet",
    ]  # fmt: skip

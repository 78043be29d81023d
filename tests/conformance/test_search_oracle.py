"""What the compiled search parameters select is what an independent FHIRPath engine selects, on the official examples.

fhirpathpy is the witness. Three things are said to it in its own words: it knows no `Resource.` of another type, its
`as` takes one value only, and it resolves no references (so that `where(resolve() is …)` is left out on both sides).
A sample runs here; FHIR_GATEWAY_SUITES=full runs all.

Source: FHIRPath; FHIR R4, SearchParameter.expression.
"""

from __future__ import annotations

import json
import os
import re
import tarfile
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import fhirpathpy
import pytest
from fhirpathpy.models import models

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.conformance.search_parameter import SearchParameter
from tests.shared_data import shared

DEFINITIONS = definitions()
STEP = 1 if os.environ.get("FHIR_GATEWAY_SUITES") == "full" else 10
RESOLVE = re.compile(r"\.where\(resolve\(\) is \w+\)")
CAST = re.compile(r"\(?([\w.]+) as (\w+)\)?")
UNKNOWN_TO_THE_WITNESS = "hasExtension"


def examples() -> Iterator[dict[str, Any]]:
    """Every STEP-th resource of HL7's example package, of each type at least the first."""
    seen: set[str] = set()
    with tarfile.open(shared("packages", "hl7.fhir.r4.examples-4.0.1.tgz"), "r:gz") as file:
        for number, member in enumerate(file):
            kind = member.name.removeprefix("package/").partition("-")[0]
            if kind in DEFINITIONS.types.resources and (number % STEP == 0 or kind not in seen):
                seen.add(kind)
                content = file.extractfile(member)
                assert content is not None
                resource = json.load(content)
                if resource["resourceType"] == kind:
                    yield resource


@cache
def witness(expression: str) -> Callable[[dict[str, Any]], list[Any]]:
    evaluate: Callable[[dict[str, Any]], list[Any]] = fhirpathpy.compile(expression, models["r4"])
    return evaluate


def witnessed(expression: str, resource: dict[str, Any]) -> list[Any]:
    ours = RESOLVE.sub("", expression).replace("Resource.", f"{resource['resourceType']}.")
    try:
        return witness(ours)(resource)
    except ValueError:  # "Expected singleton on left side of 'as'"
        return witness(CAST.sub(r"\1.ofType(\2)", ours))(resource)


def selected(parameter: SearchParameter, resource: dict[str, Any]) -> list[Any]:
    return [
        value
        for branch in parameter.branches
        if branch.first == "" or branch.first in resource
        for value in branch.select(resource[branch.first] if branch.first else resource)
    ]


def distinct(values: list[Any]) -> set[str]:
    """A union has each value once, in no order. The witness makes Decimals of numbers."""
    return {json.dumps(value, sort_keys=True, default=float) for value in values}


@cache
def unfiltered(type: str, code: str) -> SearchParameter | None:
    """The parameter with all that its expression selects, whether or not a parameter of its type searches it."""
    parameter = DEFINITIONS.search_parameters.of(type)[code]
    if not parameter.expression or UNKNOWN_TO_THE_WITNESS in parameter.expression:
        return None
    special = {"url": parameter.url, "code": code, "type": "special", "base": [type]}
    return DEFINITIONS.compile(special | {"expression": parameter.expression})[type]


@pytest.fixture(scope="module")
def sample() -> list[dict[str, Any]]:
    return list(examples())


def test_every_parameter_selects_what_an_independent_engine_selects(sample: list[dict[str, Any]]):
    compared = found = 0
    for resource in sample:
        type = resource["resourceType"]
        for code in DEFINITIONS.search_parameters.of(type):
            parameter = unfiltered(type, code)
            if parameter is None:
                continue
            expected = distinct(witnessed(parameter.expression, resource))
            assert distinct(selected(parameter, resource)) == expected, (type, resource.get("id"), code)
            compared += 1
            found += bool(expected)
    assert compared > 5_000
    assert found > 2_000


def test_a_parameter_selects_nothing_that_its_expression_does_not(sample: list[dict[str, Any]]):
    for resource in sample:
        type = resource["resourceType"]
        for code, parameter in DEFINITIONS.search_parameters.of(type).items():
            whole = unfiltered(type, code)
            if whole is None or ".extension(" in parameter.expression:
                continue  # of an extension its value is searched, which the expression does not select
            assert distinct(selected(parameter, resource)) <= distinct(selected(whole, resource))

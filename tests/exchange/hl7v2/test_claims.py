"""What messages become is what it claims to be: of the PFMG profiles, and of French core, the whole of it installed.

The gateway carries of French core what the PFMG profiles rest on; here its package lies over that.

Source: shared data fr-core (hl7.fhir.fr.core 2.2.0) and hl7v2; mappings/hl7v2/golden (synthetic people).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from fhir_gateway.conformance.validation.validator import Validator
from fhir_gateway.conformance.validators import validator_of
from fhir_gateway.exchange.hl7v2.convert import Conversion, Converter, converter
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.fhir.data_folder import data_folder
from tests.shared_data import shared
from tests.spec.hl7v2_expectations import EXPECTED

GOLDEN = sorted((data_folder("mappings") / "hl7v2" / "golden").glob("*.hl7"))
FRENCH = sorted(EXPECTED)
PFMG = f"{CANONICAL_BASE}/StructureDefinition/"
CLAIMS = {"pfmg-service-request", "pfmg-specimen", "pfmg-phenotype", "pfmg-family-member-history"}
NOT_KNOWN = {
    "validation-profile-unknown", "validation-profile-not-found", "validation-extension-unknown",
    "validation-extension-not-known",
}  # fmt: skip


@cache
def judge() -> Validator:
    """R4, what the gateway carries, and French core as its publisher made it."""
    return validator_of([str(shared("fr-core"))])


@pytest.fixture(scope="module")
def convert() -> Converter:
    return converter()


def resources(convert: Converter, path: Path) -> Iterator[dict[str, Any]]:
    for found in convert.convert_all(path.read_bytes()):
        if isinstance(found, Conversion) and found.result is not None:
            yield from (each.resource for each in found.result.instances)


def claimed(resource: dict[str, Any]) -> list[str]:
    return [each.removeprefix(PFMG) for each in resource.get("meta", {}).get("profile", ())]


def judged(resource: dict[str, Any]) -> list[str]:
    """Return what is wrong with a resource, and what of it nobody knows."""
    return [
        each.issue.text()
        for each in judge().validate(resource)
        if each.is_error or each.issue.complaint.detail in NOT_KNOWN
    ]


def test_french_core_is_there_whole() -> None:
    profile = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-schedule"
    found = judge().validate({"resourceType": "Schedule", "actor": [{"display": "x"}]}, [profile])
    assert NOT_KNOWN.isdisjoint({each.issue.complaint.detail for each in found})


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_what_a_golden_message_becomes_is_what_it_claims_to_be(convert: Converter, path: Path) -> None:
    for each in resources(convert, path):
        assert judged(each) == [], (each["resourceType"], claimed(each))


@pytest.mark.parametrize("name", FRENCH, ids=lambda name: name.rpartition("/")[2])
def test_what_a_french_message_becomes_is_what_it_claims_to_be(convert: Converter, name: str) -> None:
    for each in resources(convert, shared("hl7v2") / f"{name}.hl7"):
        assert judged(each) == [], (each["resourceType"], claimed(each))


def test_orders_of_genomes_claim_the_profiles_of_pfmg(convert: Converter) -> None:
    found = [claim for path in GOLDEN for each in resources(convert, path) for claim in claimed(each)]
    assert set(found) == CLAIMS


@pytest.mark.parametrize("claim", sorted(CLAIMS))
def test_a_claim_that_is_false_is_found_out(convert: Converter, claim: str) -> None:
    (path,) = (each for each in GOLDEN if each.stem == "oml_o21_trio")
    one = next(each for each in resources(convert, path) if claim in claimed(each))
    for element in ("subject", "patient", "relationship", "code", "type", "requisition"):
        one.pop(element, None)
    assert judged(one) != []

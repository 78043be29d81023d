"""Differentials put into the order of their base.

Source: FHIR R4, StructureDefinition, "differential"; ElementDefinition.
"""

from __future__ import annotations

import pytest

from fhir_gateway.conformance.snapshot import SnapshotError
from fhir_gateway.conformance.snapshot_sort import sort_differential
from tests.conformance.test_snapshot import BY_SYSTEM, Known, element, profile, snapshot


def test_a_differential_is_put_into_the_order_of_its_base():
    structure = profile(
        element("Patient.name.given", min=1),
        element("Patient.gender", min=1),
        element("Patient.identifier.value", min=1),
        element("Patient.name.family", min=1),
        element("Patient.name", min=1),
        element("Patient"),
    )
    ordered = sort_differential(structure, Known())
    assert [each["path"] for each in ordered["differential"]["element"]] == [
        "Patient", "Patient.identifier.value", "Patient.name", "Patient.name.family", "Patient.name.given",
        "Patient.gender",
    ]  # fmt: skip
    assert snapshot(ordered)["Patient.name.family"]["min"] == 1


def test_slices_keep_their_order_and_what_is_inside_them():
    structure = profile(
        element("Patient.gender", min=1),
        element("Patient.identifier", slicing=BY_SYSTEM),
        element("Patient.identifier", "b"),
        element("Patient.identifier.value", min=1),
        element("Patient.identifier.system", min=1),
        element("Patient.identifier", "a"),
    )
    ordered = sort_differential(structure, Known())["differential"]["element"]
    assert [(each["path"].rpartition(".")[2], each.get("sliceName")) for each in ordered] == [
        ("identifier", None), ("identifier", "b"), ("system", None), ("value", None), ("identifier", "a"),
        ("gender", None),
    ]  # fmt: skip


def test_what_the_base_does_not_have_cannot_be_put_into_order():
    with pytest.raises(SnapshotError) as refusal:
        sort_differential(profile(element("Patient.foo"), element("Patient.name.bar")), Known())
    assert [issue.values["id"] for issue in refusal.value.issues] == ["Patient.foo", "Patient.name.bar"]

"""meta_clinic_kc: there and back, what a number of the pathologist becomes, what is refused.

Source: GIP-CAD, ser_client-api, meta_clinic_kc.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from fhir_gateway.conformance.validators import r4_validator
from fhir_gateway.exchange.auragen.auragen import Auragen
from fhir_gateway.exchange.auragen.complaints import Unreadable
from fhir_gateway.fhir.json import encode
from tests.exchange.auragen.dossiers_at_auragen import KC_TABLES, TABLES, cancers_at_auragen
from tests.exchange.auragen.said import said_of_tumour

AURAGEN = Auragen(TABLES)


def case(**changes: Any) -> dict[str, Any]:
    libraries = {
        "wgs": {"tumour": "LIB20260001", "normal": "LIB20260002"},
        "wes": {"tumour": "LIB20260003"},
        "rnaseq": {"tumour": None},
    }
    cimo = {
        "primary": {"topography": "C50.9", "morphology": "8500/3"},
        "sample": {"topography": "C77.3", "morphology": None},
    }
    return {
        "description": "PFMG, dossier clinique KC", "version": "1.0", "case_id": "KC-0000789",
        "indication_code": "IKC0082", "sex": "female", "birth_year": 1961, "cimo": cimo,
        "sampling_date": "07/04/2026", "cellularity": "30", "conservation": "ffpe", "libraries": libraries, **changes,
    }  # fmt: skip


def there_and_back(tree: dict[str, Any]) -> dict[str, Any]:
    read = AURAGEN.read(json.dumps(tree).encode())
    assert (read.issues, read.unknown, read.unplaced) == ((), {}, ())
    found = (each for one in read.resources for each in r4_validator().validate_bytes(encode(one)))
    assert [each.issue.text() for each in found if each.is_error] == []
    written = AURAGEN.write("clinic_kc", read.resources)
    assert [each.text() for each in written.issues] == []
    assert written.data is not None
    assert AURAGEN.check(written.data) == []
    back: dict[str, Any] = json.loads(written.data)
    return back


@pytest.mark.parametrize("cellularity", ["<1", "1-9", "10-19", "20-29", "30", "50", "80", "100", None])
def test_a_case_comes_back_with_each_class_of_cellularity(cellularity: str | None):
    assert there_and_back(case(cellularity=cellularity)) == case(cellularity=cellularity)


@pytest.mark.parametrize("conservation", ["frozen", "ffpe", None])
def test_a_case_comes_back_however_it_was_kept(conservation: str | None):
    assert there_and_back(case(conservation=conservation)) == case(conservation=conservation)


@pytest.mark.parametrize(
    ("percent", "expected", "warned"),
    [(0, "<1", False), (5, "1-9", False), (29, "20-29", False), (40, "30", True), (50, "50", False), (99, "80", True)],
)
def test_a_measured_share_becomes_the_class_below_with_a_warning(percent: int, expected: str, warned: bool):
    resources = AURAGEN.read(json.dumps(case()).encode()).resources
    told = next(each for each in resources if each.get("valueQuantity"))
    told["valueQuantity"]["value"] = percent
    written = AURAGEN.write("clinic_kc", resources)
    assert written.data is not None
    assert json.loads(written.data)["cellularity"] == expected
    assert [each.complaint.detail for each in written.issues] == ["auragen-cellularity-class"] * warned


def test_a_day_that_is_none_is_refused():
    with pytest.raises(Unreadable) as caught:
        AURAGEN.read(json.dumps(case(sampling_date="31/02/2026")).encode())
    assert [each.expression for each in caught.value.issues] == ["/sampling_date"]


@pytest.mark.parametrize("resources", list(cancers_at_auragen(40, 5)))
def test_a_generated_dossier_of_cancer_is_what_its_file_says(resources: list[dict[str, Any]]):
    auragen = Auragen(KC_TABLES)
    written = auragen.write("clinic_kc", resources)
    assert [each.text() for each in written.issues if each.severity == "error"] == []
    assert written.data is not None
    read = auragen.read(written.data)
    assert said_of_tumour(list(read.resources)) == said_of_tumour(resources)
    assert auragen.write("clinic_kc", read.resources).data == written.data

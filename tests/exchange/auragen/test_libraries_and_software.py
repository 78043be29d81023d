"""meta_libraries and meta_software: there and back, and valid on the way.

Source: GIP-CAD, ser_client-api, meta_libraries with its sample, meta_software.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from fhir_gateway.conformance.validators import r4_validator
from fhir_gateway.exchange.auragen.auragen import Auragen
from fhir_gateway.exchange.auragen.complaints import Unreadable
from fhir_gateway.fhir.json import encode
from tests.shared_data import shared

AURAGEN = Auragen()


def workflow(name: str) -> dict[str, Any]:
    component = {"category": "mapper", "name": "bwa", "version": "0.7.17", "status": "success"}
    failed = {"category": "caller", "name": "gatk", "version": "4.2", "status": "failure"}
    return {"name": name, "version": "1.2.0", "components": [component, failed]}


def software() -> dict[str, Any]:
    libraries = [
        {"lib_id": "LIB20260001", "run_workflows": [workflow("run-a"), workflow("run-b")]},
        {"lib_id": "LIB20260002", "run_workflows": []},
    ]
    return {
        "description": "PFMG, logiciels", "version": "1.0", "case_id": "KC-0000789", "libraries": libraries,
        "patient_workflows": [workflow("patient-a")],
    }  # fmt: skip


def invalid(resources: tuple[dict[str, Any], ...]) -> list[str]:
    found = (each for one in resources for each in r4_validator().validate_bytes(encode(one)))
    return [each.issue.text() for each in found if each.is_error]


def test_the_published_libraries_come_back_but_for_their_description():
    sent = shared("platforms", "librairies_sample_01.json").read_bytes()
    read = AURAGEN.read(sent)
    assert (read.issues, read.unknown, read.unplaced) == ((), {}, ())
    written = AURAGEN.write("libraries", read.resources)
    assert written.issues == ()
    assert written.data is not None
    back, sample = json.loads(written.data), json.loads(sent)
    assert back.pop("description") == "PFMG, librairies"
    del sample["description"]
    assert back == sample


@pytest.mark.parametrize("storage", ["frozen", "ffpe", None])
@pytest.mark.parametrize("tissue", ["blood", "organ", "cell_dry_pellet", None])
@pytest.mark.parametrize("state", ["tumour", "normal", None])
def test_whatever_a_library_was_made_of_comes_back(storage: str | None, tissue: str | None, state: str | None):
    tree = json.loads(shared("platforms", "librairies_sample_01.json").read_bytes())
    tree["libraries"][0] |= {"sample_storage": storage, "sample_tissue": tissue, "sample_type": state}
    read = AURAGEN.read(json.dumps(tree).encode())
    assert invalid(read.resources) == []
    written = AURAGEN.write("libraries", read.resources)
    assert written.data is not None
    assert json.loads(written.data)["libraries"] == tree["libraries"]


def test_software_comes_back_with_its_order_and_failures():
    read = AURAGEN.read(json.dumps(software()).encode())
    assert (read.issues, read.unplaced, invalid(read.resources)) == ((), (), [])
    written = AURAGEN.write("software", read.resources[::-1])
    assert written.data is not None
    assert json.loads(written.data) == software()


def test_a_library_twice_is_refused():
    tree = software()
    tree["libraries"][1]["lib_id"] = "LIB20260001"
    with pytest.raises(Unreadable) as caught:
        AURAGEN.read(json.dumps(tree).encode())
    assert [each.expression for each in caught.value.issues] == ["/libraries/1/lib_id"]

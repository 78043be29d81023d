"""An installed package serves validation, search, terminology and the CapabilityStatement at once, and after restarts.

Source: FHIR NPM Packages specification; FHIR R4, SearchParameter; CapabilityStatement.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import requests

from fhir_gateway.fhir.canonical_base import CANONICAL_BASE, PLACEHOLDER
from fhir_gateway.fhir.data_folder import data_folder
from tests.served import Served, serve

CANONICAL = "https://guide.test"
WARD = f"{CANONICAL}/StructureDefinition/ward"
PROFILE = f"{CANONICAL}/StructureDefinition/inpatient"
CODES = f"{CANONICAL}/CodeSystem/wards"
FHIR = {"Content-Type": "application/fhir+json"}


def definition(of: str, id: str, **more: Any) -> dict[str, Any]:
    url = f"{CANONICAL}/{of}/{id}"
    return {
        "resourceType": of,
        "id": id,
        "url": url,
        "version": "1.0.0",
        "name": id.title(),
        "status": "active",
    } | more


def parameter(expression: str, id: str = "ward", **more: Any) -> dict[str, Any]:
    said = {"code": id, "base": ["Patient"], "type": "token", "expression": expression, "description": "Wards"}
    return definition("SearchParameter", id, **said) | more


def structure(id: str, type: str, *elements: dict[str, Any], **more: Any) -> dict[str, Any]:
    base = f"http://hl7.org/fhir/StructureDefinition/{type}"
    kind = "resource" if type == "Patient" else "complex-type"
    said = {"kind": kind, "type": type, "baseDefinition": base, "abstract": False, "derivation": "constraint"}
    return definition("StructureDefinition", id, **said, differential={"element": [*elements]}) | more


def element(id: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "path": id.partition(":")[0]} | more


def put_package(folder: Path, *parameters: dict[str, Any], name: str = "test.guide") -> None:
    codes = [{"code": "north", "display": "North"}, {"code": "south", "display": "South"}]
    coded = {"strength": "required", "valueSet": f"{CANONICAL}/ValueSet/wards"}
    resources = [
        definition("CodeSystem", "wards", content="complete", concept=codes),
        definition("ValueSet", "wards", compose={"include": [{"system": CODES}]}),
        structure(
            "ward", "Extension", element("Extension.url", fixedUri=WARD),
            element("Extension.value[x]", min=1, type=[{"code": "Coding"}], binding=coded),
            context=[{"type": "element", "expression": "Patient"}],
        ),
        structure("inpatient", "Patient", element("Patient.extension", slicing={"discriminator": [
            {"type": "value", "path": "url"}], "rules": "open"}),
            {"id": "Patient.extension:ward", "path": "Patient.extension", "sliceName": "ward", "min": 1, "max": "1",
             "type": [{"code": "Extension", "profile": [WARD]}]}),
        definition("ImplementationGuide", "guide", packageId=name, fhirVersion=["4.0.1"]),
        *parameters,
    ]  # fmt: skip
    folder.mkdir(exist_ok=True)
    manifest = {"name": name, "version": "1.0.0", "canonical": CANONICAL, "fhirVersions": ["4.0.1"]}
    (folder / "package.json").write_text(json.dumps(manifest))
    for each in resources:
        (folder / f"{each['resourceType']}-{each['id']}.json").write_text(json.dumps(each))


def in_ward(ward: str, **more: Any) -> dict[str, Any]:
    extension = {"url": WARD, "valueCoding": {"system": CODES, "code": ward}}
    return {"resourceType": "Patient", "extension": [extension]} | more


def create(served: Served, resource: dict[str, Any]) -> requests.Response:
    return requests.post(f"{served.base}/{resource['resourceType']}", json=resource, headers=FHIR, timeout=30)


def total(served: Served, query: str) -> int:
    """Return how many patients are found; a busy machine may still be indexing the few there are."""
    deadline = time.monotonic() + 30
    answer = requests.get(f"{served.base}/Patient?{query}&_summary=count", timeout=30)
    while "search-parameter-being-indexed" in answer.text and time.monotonic() < deadline:
        time.sleep(0.1)
        answer = requests.get(f"{served.base}/Patient?{query}&_summary=count", timeout=30)
    assert answer.status_code == 200, answer.text
    number: int = answer.json()["total"]
    return number


def codes(answer: requests.Response) -> set[str]:
    return {each["details"]["coding"][0]["code"] for each in answer.json()["issue"]}


def test_an_installed_package_serves_at_once_and_when_it_comes_back(clean_database: str, tmp_path: Path) -> None:
    put_package(tmp_path / "guide", parameter(f"Patient.extension('{WARD}').value as Coding"))
    installed = {"FHIR_GATEWAY_PACKAGES": str(tmp_path / "guide"), "FHIR_GATEWAY_PACKAGE_FOLDER": str(tmp_path / "no")}
    with serve(clean_database) as plain:
        assert create(plain, in_ward("north")).status_code == 201
        assert requests.get(f"{plain.base}/Patient?ward=north", timeout=30).status_code == 400
        plain.stop()
    with serve(clean_database, environment=installed) as served:
        # What was stored before is found, and what comes now.
        assert total(served, "ward=north") == 1
        assert create(served, in_ward("north", meta={"profile": [PROFILE]})).status_code == 201
        assert total(served, f"ward={CODES}|north") == 2
        # Validation knows its profile, its extension and its codes.
        bare = {"resourceType": "Patient", "meta": {"profile": [PROFILE]}}
        assert create(served, bare).status_code == 422
        assert create(served, in_ward("west")).status_code == 422
        # The CapabilityStatement says so.
        statement = requests.get(f"{served.base}/metadata", timeout=30).json()
        assert statement["implementationGuide"][0] == f"{CANONICAL}/ImplementationGuide/guide|1.0.0"
        patient = next(each for each in statement["rest"][0]["resource"] if each["type"] == "Patient")
        assert patient["supportedProfile"] == [
            f"{PROFILE}|1.0.0",
            f"{CANONICAL_BASE}/StructureDefinition/pfmg-patient|1.0.0",
        ]
        assert {"name": "ward", "definition": f"{CANONICAL}/SearchParameter/ward", "type": "token"} in patient[
            "searchParam"
        ]
        # Its code is taken; a resource of its url stands for it.
        other = parameter("Patient.maritalStatus") | {"url": "https://other.test/SearchParameter/ward"}
        assert codes(create(served, other)) == {"search-parameter-code-taken"}
        served.stop()
    with serve(clean_database) as plain:
        assert requests.get(f"{plain.base}/Patient?ward=north", timeout=30).status_code == 400
        assert create(plain, in_ward("north")).status_code == 201
        plain.stop()
    with serve(clean_database, environment=installed) as served:
        assert total(served, "ward=north") == 3


def test_a_new_version_of_a_package_indexes_anew_and_a_stored_parameter_stands_for_its_own(
    clean_database: str, tmp_path: Path
) -> None:
    installed = {"FHIR_GATEWAY_PACKAGES": str(tmp_path / "guide"), "FHIR_GATEWAY_PACKAGE_FOLDER": str(tmp_path / "no")}
    put_package(tmp_path / "guide", parameter("Patient.maritalStatus"))
    with serve(clean_database, environment=installed) as served:
        married = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "code": "M"}]}
        assert create(served, in_ward("south", maritalStatus=married)).status_code == 201
        assert (total(served, "ward=M"), total(served, "ward=south")) == (1, 0)
        served.stop()
    put_package(tmp_path / "guide", parameter(f"Patient.extension('{WARD}').value as Coding"))
    with serve(clean_database, environment=installed) as served:
        assert (total(served, "ward=M"), total(served, "ward=south")) == (0, 1)
        stored = create(served, parameter("Patient.maritalStatus"))
        assert stored.status_code == 201, stored.text
        assert (total(served, "ward=M"), total(served, "ward=south")) == (1, 0)
        gone = requests.delete(f"{served.base}/SearchParameter/{stored.json()['id']}", timeout=30)
        assert gone.status_code in (200, 204)
        assert (total(served, "ward=M"), total(served, "ward=south")) == (0, 1)


def test_a_parameter_of_a_package_that_cannot_take_effect_is_told_and_the_others_serve(
    clean_database: str, tmp_path: Path
) -> None:
    wrong = parameter("Patient.nowhere", "nowhere")
    put_package(tmp_path / "guide", parameter("Patient.maritalStatus"), wrong)
    environment = {"FHIR_GATEWAY_PACKAGES": str(tmp_path / "guide")}
    with serve(clean_database, environment=environment) as served:
        assert total(served, "ward=M") == 0
        assert requests.get(f"{served.base}/Patient?nowhere=x", timeout=30).status_code == 400
        served.stop()
        assert "a SearchParameter of a package has no effect" in served.log.read_text()


def test_a_fresh_gateway_has_the_packages_that_come_with_it(clean_database: str) -> None:
    folder = data_folder("profiles") / "pfmg" / "invariants"

    def sent(path: str) -> dict[str, Any]:
        text = (folder / path).read_text(encoding="utf-8").replace(PLACEHOLDER, CANONICAL_BASE)
        found: dict[str, Any] = json.loads(text)
        return found

    with serve(clean_database) as served:
        assert requests.get(f"{served.base}/$reindex", timeout=30).json().get("parameter", []) == []
        refused = create(served, sent("pfmg-sr-3/bad.json"))
        assert refused.status_code == 422
        assert "pfmg-sr-3" in refused.text
        statement = requests.get(f"{served.base}/metadata", timeout=30).json()
        guides = ["ImplementationGuide/pfmg.fhir|1.0.0", "ImplementationGuide/hl7.fhir.uv.genomics-reporting|3.0.0"]
        assert [each.partition("/ImplementationGuide/")[2] for each in statement["implementationGuide"]] == [
            each.partition("/")[2] for each in guides
        ]
        expanded = requests.get(
            f"{served.base}/ValueSet/$expand?url={CANONICAL_BASE}/ValueSet/pfmg-intention", timeout=30
        )
        assert {each["code"] for each in expanded.json()["expansion"]["contains"]} == {"order", "reflex-order"}
        found = requests.get(f"{served.base}/ServiceRequest?reason-code=F-49&_summary=count", timeout=30)
        assert found.json()["total"] == 0

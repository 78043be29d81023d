"""The graph `pfmg-dossier` leads from any prescription of a dossier to the whole of it.

Source: FHIR R4, GraphDefinition; Resource Operations, "graph"; profiles/pfmg/input/fsh/graphe.fsh.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fhir_gateway.app import open_gateway
from fhir_gateway.settings import Settings
from tests.conformance.pfmg.definitions import INVARIANTS, PFMG, Resource, read
from tests.interactions.desk import Desk

GRAPH = PFMG.read(PFMG.of_kind("GraphDefinition")[0])


def good(key: str, id: str, **more: Any) -> Resource:
    return read(INVARIANTS / key / "good.json") | {"id": id} | more


def reference(to: str) -> dict[str, str]:
    return {"reference": to}


@pytest.fixture(scope="module")
def duo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A fresh gateway that holds a child and its mother, each with a prescription, and what belongs to them."""
    folder = tmp_path_factory.mktemp("duo")
    gateway = open_gateway(Settings(data_folder=Path(folder), integrity_on_write=False))
    desk = Desk(gateway)
    child, mother = reference("Patient/enfant"), reference("Patient/mere")
    first, second = reference("ServiceRequest/index"), reference("ServiceRequest/mere")
    for resource in (
        good("pfmg-pat-1", "enfant"),
        good("pfmg-pat-1", "mere"),
        good("pfmg-org-1", "plateforme"),
        good("pfmg-prr-1", "prescripteur"),
        good("pfmg-sr-3", "index", subject=child),
        good("pfmg-sr-3", "mere", subject=mother),
        good("pfmg-fmh-1", "lien", patient=child),
        good("pfmg-phe-1", "signe", subject=child),
        good("pfmg-spm-1", "sang-enfant", subject=child, request=[first]),
        good("pfmg-spm-1", "sang-mere", subject=mother, request=[second]),
        good("pfmg-tsk-2", "etape", focus=first, **{"for": child}),
        good("pfmg-doc-1", "piece", subject=child, context={"related": [first]}),
        good("pfmg-var-1", "variant", subject=child),
        good("pfmg-dr-1", "rendu", basedOn=[first, second], subject=child, result=[reference("Observation/variant")]),
    ):  # fmt: skip
        desk.seed(resource)
    consent = good("pfmg-con-1", "accord-mere", patient=mother)
    consent["provision"]["data"] = [{"meaning": "instance", "reference": second}]
    desk.seed(consent)
    desk.seed(good("pfmg-pat-1", "etranger"))
    desk.seed(good("pfmg-sr-3", "ailleurs", subject=reference("Patient/etranger")))
    yield desk
    gateway.store.close()


@pytest.mark.parametrize("start", ["index", "mere"])
def test_a_dossier_is_whole_from_each_of_its_prescriptions(duo: Desk, start: str):
    answer = duo.get(f"ServiceRequest/{start}/$graph?graph={GRAPH['url']}")
    found = {f"{each['resource']['resourceType']}/{each['resource'].get('id')}" for each in answer["entry"]}
    assert found - {"OperationOutcome/None"} == {
        "Patient/enfant", "Patient/mere", "Organization/plateforme", "PractitionerRole/prescripteur",
        "ServiceRequest/index", "ServiceRequest/mere", "FamilyMemberHistory/lien", "Observation/signe",
        "Specimen/sang-enfant", "Specimen/sang-mere", "Task/etape", "DocumentReference/piece", "Observation/variant",
        "DiagnosticReport/rendu", "Consent/accord-mere",
    }  # fmt: skip

"""What the acts write, a gateway takes over HTTP: transactions with urn:uuid, conditional references and updates.

The Tasks are the server's own, and moved where the doors of the dossier are tested; here they are left out.

Source: FHIR R4, RESTful API, "transaction"; fhir_gateway/demo_dossiers/README.md, "Through HTTP".
"""

from __future__ import annotations

from typing import Any

from fhir_gateway.client import Gateway
from fhir_gateway.demo_dossiers.acts import Write
from fhir_gateway.demo_dossiers.cases import cases, complete
from fhir_gateway.demo_dossiers.dossiers import dossiers
from fhir_gateway.demo_dossiers.examples import submission
from fhir_gateway.demo_dossiers.standing import Standing
from fhir_gateway.demo_dossiers.submission import directory, token_of, transaction
from tests.served import Served


def one(gateway: Gateway, kind: str, token: str) -> dict[str, Any]:
    (found,) = gateway.search(kind, {"identifier": token})
    return found


def test_a_gateway_takes_every_transaction_of_a_dossier(served: Served):
    gateway = served.gateway()
    gateway.transaction(transaction(directory()))
    for dossier in dossiers(6, 31):
        standing = Standing()
        for act in dossier.acts:
            if isinstance(act.deed, Write):
                gateway.transaction(act.deed.bundle(standing.resources))
            standing.do(act)
        for each in standing.resources.values():
            token = token_of(each)
            if token is None or each["resourceType"] in ("Task", "Patient"):
                continue
            stored = one(gateway, each["resourceType"], token)
            # What the server itself changes (a revocation of relatives, a withdrawal) is not played here.
            if dossier.plan.ending is None:
                assert stored.get("status") == each.get("status"), each["id"]


def test_a_gateway_takes_the_examples(served: Served):
    gateway = served.gateway()
    gateway.transaction(transaction(directory()))
    for name, prescription in cases().items():
        gateway.transaction(submission(complete(prescription)))
        found = list(gateway.search("ServiceRequest", {"requisition": prescription.number}))
        assert len(found) == len(prescription.members), name

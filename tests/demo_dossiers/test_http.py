"""What the acts say, a gateway does over HTTP: each act with a token of its actor, and the Tasks that the server makes.

Source: FHIR R4, RESTful API, "transaction"; fhir_gateway/demo_dossiers/README.md, "Through HTTP".
"""

from __future__ import annotations

import pytest

from fhir_gateway.demo.driver import ADMINISTRATOR, Player
from fhir_gateway.demo_dossiers.cases import cases, complete
from fhir_gateway.demo_dossiers.dossiers import dossiers
from fhir_gateway.demo_dossiers.examples import submission
from fhir_gateway.demo_dossiers.resources import Resource, identifier_system
from tests.demo_dossiers.player import summary
from tests.issued import Issued


@pytest.fixture
def gateway(pathway_gateway: Issued) -> Issued:
    return pathway_gateway


def stored_tasks(gateway: Issued, player: Player) -> list[tuple[str, ...]]:
    """Return what the gateway's Tasks of a dossier say, in the names of the acts."""
    names = {place: name for name, place in player.places.items()}
    number = f"{identifier_system('dossier')}|{player.number}"

    def named(task: Resource) -> Resource:
        inputs = [
            {**each, "valueReference": {"reference": names[each["valueReference"]["reference"]]}}
            for each in task.get("input", ())
        ]
        return {**task, "focus": {"reference": names[task["focus"]["reference"]]}, "input": inputs}

    return summary([named(each) for each in gateway.of(ADMINISTRATOR).search("Task", {"group-identifier": number})])


def test_a_gateway_takes_every_act_of_a_dossier_and_makes_its_tasks(gateway: Issued):
    chosen = [each for each in dossiers(40, 20) if each.plan.ending or each.plan.bad_tube is not None][:2]
    for dossier in [*dossiers(2, 31), *chosen]:
        player = Player(gateway.connections(), dossier.number)
        for act in dossier.acts:
            player.do(act)
        player.compare()
        held = player.standing.resources.values()
        assert stored_tasks(gateway, player) == summary([each for each in held if each["resourceType"] == "Task"])


def test_a_gateway_takes_the_examples(gateway: Issued):
    for name, prescription in cases().items():
        prescriber = gateway.of(prescription.prescriber.acting)
        prescriber.transaction(submission(complete(prescription)))
        found = list(prescriber.search("ServiceRequest", {"requisition": prescription.number}))
        assert len(found) == len(prescription.members), name

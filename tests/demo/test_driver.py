"""The driver tells what it was refused, and notices a gateway that says otherwise than what was done to it.

Source: fhir_gateway/demo/README.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from fhir_gateway.demo.credentials import NoToken, actors, kept, name_of, names
from fhir_gateway.demo.driver import Differs, Outcome, Player, drive
from fhir_gateway.demo.shown import SHOWN, planned
from fhir_gateway.demo_dossiers.acts import Act, Move
from fhir_gateway.demo_dossiers.course import acts
from fhir_gateway.demo_dossiers.stages import STAGES
from fhir_gateway.dossier.actor import Acting
from fhir_gateway.policy.actor import ROLES
from tests.demo_dossiers.player import Player as Judge
from tests.issued import Issued, issued

TODAY = date(2026, 11, 20)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issued]:
    folder = tmp_path_factory.mktemp("driver")
    with issued(f"sqlite:///{folder}/gateway.sqlite", folder) as gateway:
        yield gateway


def solo(number: int, last: str) -> tuple[str, list[Act]]:
    name = f"MR-DRIVER-{number:02}"
    return name, list(acts(planned(name, number + 500, TODAY, "F-02", "wgs-solo", "prescripteur"), last))


def is_validation(act: Act) -> bool:
    return isinstance(act.deed, Move) and (act.deed.code, act.deed.status) == ("rcp-amont", "completed")


def test_a_refusal_is_told_and_the_others_go_on(gateway: Issued) -> None:
    first, told = solo(1, "finalised")
    unvalidated = [act for act in told if not is_validation(act)]
    heard: list[int] = []

    def progress(outcome: Outcome) -> None:
        heard.append(outcome.dossiers)

    played = [(first, unvalidated), solo(2, "finalised"), solo(3, "rcp")]
    outcome = drive(gateway.served.base, gateway.token, played, connections=2, progress=progress)
    assert heard == [1, 2, 3]
    (refusal,) = outcome.refusals
    assert refusal.startswith(f"{first}: prescripteur finalise: ")
    assert "RCP" in refusal
    assert sum(outcome.etapes.values()) == outcome.dossiers == 3
    assert outcome.etapes["dossier-valide"] == 1
    assert outcome.acts == len(unvalidated) - 1 + len(played[1][1]) + len(played[2][1])
    assert outcome.requests["submission"] == 3
    assert outcome.milliseconds("submission") > 0


def test_a_dossier_that_stands_elsewhere_is_told(gateway: Issued) -> None:
    number, told = solo(4, "rcp")
    player = Player(gateway.connections(), number)
    for act in told[:-1]:
        player.do(act)
    player.compare()
    player.standing.do(told[-1])  # said, and not done
    with pytest.raises(Differs, match="attente"):
        player.compare()


def test_a_task_that_is_not_there_is_told(gateway: Issued) -> None:
    number, told = solo(5, "submission")
    player = Player(gateway.connections(), number)
    for act in told:
        player.do(act)
    early = Move("sequencage", f"{number.lower()}-index", "accepted")
    with pytest.raises(Differs, match="no open task sequencage"):
        player.do(Act(told[-1].at, Acting("plateforme", "https://finess.esante.gouv.fr|690043534"), early))


def test_every_actor_of_every_act_has_a_token_of_its_own_name() -> None:
    acting = {act.actor for stage in STAGES.values() for act in stage.acts()}
    assert acting <= set(actors())
    known = [name for name, _ in names()]
    assert len(known) == len(set(known))
    assert set(ROLES) <= set(known)
    assert {name_of(actor) for actor in acting} <= set(known)


def test_a_folder_without_the_token_is_told_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "auditeur").write_text("Authorization: Bearer abc\n")
    (tmp_path / "integrateur").write_text("\n")
    tokens = kept(tmp_path)
    assert tokens(Acting("auditeur")) == "abc"
    for role in ("administrateur", "integrateur"):
        with pytest.raises(NoToken, match=role):
            tokens(Acting(role))


@pytest.mark.parametrize("number", [each.number for each in SHOWN])
def test_what_is_shown_is_what_the_rules_allow(number: str) -> None:
    (chosen,) = (each for each in SHOWN if each.number == number)
    told = chosen.acts(TODAY)
    Judge().play(told)
    assert told[-1].at[:10] <= TODAY.isoformat()

"""Every pair of states that no table has is refused at the door, with the states that may follow.

The tables are read once more here, from the design and by hand: what this gateway's own say is not asked. A pair is put
to the door by whoever is nearest to moving it, as an update, a patch or an entry of a transaction. States to which no
door leads (unknown, ready, a Task entered in error) are no beginnings here; `tests/dossier/test_states.py` has them.

Source: genomics design, "ServiceRequest.status", "Task.status"; FHIR R4, RequestStatus, TaskStatus.
"""

from __future__ import annotations

import itertools
import os
import random
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import pytest

from fhir_gateway.client import Refused
from fhir_gateway.demo.driver import ADMINISTRATOR, Player
from fhir_gateway.demo.shown import planned
from fhir_gateway.demo.story import Says, moved, wrote
from fhir_gateway.demo_dossiers.course import acts
from fhir_gateway.demo_dossiers.invented import professionals, structures
from fhir_gateway.dossier import codes
from fhir_gateway.dossier.actor import Acting
from fhir_gateway.dossier.codes import concept
from tests.floors import SEED
from tests.issued import Issued

Resource = dict[str, Any]
PAIRS: Final = {"sample": 24, "tenth": 150, "full": 10_000}[os.environ.get("FHIR_GATEWAY_SUITES", "sample")]
TODAY: Final = date(2026, 11, 20)
PRESCRIBER: Final = professionals()["prescripteur"].acting
COORDINATOR: Final = professionals()["coordonnatrice"].acting
PLATFORM: Final = Acting("plateforme", structures()["auragen"].token)
SOLO: Final = ("F-02", "wgs-solo", "prescripteur")

# "A platform never writes ServiceRequest.status except revoked"; "completed: none"; "any but draft → entered-in-error".
REQUEST: Final[Mapping[str, set[str]]] = {
    "draft": {"active", "entered-in-error"},
    "active": {"on-hold", "revoked", "completed", "entered-in-error"},
    "on-hold": {"active", "revoked", "entered-in-error"},
    "revoked": {"entered-in-error"},
    "completed": set(),
    "entered-in-error": set(),
}
TASK: Final[Mapping[str, set[str]]] = {
    "draft": {"requested", "cancelled"},
    # A consent that came completes its task: that alone goes from requested to completed, and by the server.
    "requested": {"received", "accepted", "rejected", "cancelled"},
    "received": {"accepted", "rejected", "cancelled"},
    "accepted": {"in-progress", "on-hold", "cancelled"},
    "in-progress": {"on-hold", "completed", "failed", "cancelled"},
    "on-hold": {"accepted", "in-progress", "cancelled"},
    "rejected": set(),
    "cancelled": set(),
    "failed": set(),
    "completed": set(),
}
STATES: Final = {
    "ServiceRequest": {"draft", "active", "on-hold", "revoked", "completed", "entered-in-error", "unknown"},
    "Task": {
        "draft", "requested", "received", "accepted", "rejected", "ready", "cancelled", "in-progress", "on-hold",
        "failed", "completed", "entered-in-error",
    },
}  # fmt: skip
TABLES: Final = {"ServiceRequest": REQUEST, "Task": TASK}
DOORS: Final = ("update", "patch", "transaction")
REFUSED: Final = [
    (type, before, after)
    for type, table in TABLES.items()
    for before in table
    for after in sorted(STATES[type] - table[before] - {before})
]
REASON: Final = concept(codes.MOTIF, "autre")


@dataclass(slots=True)
class Stand:
    """A resource in a state, and who is nearest to moving it (None: nobody but an administrator sees it)."""

    resource: Resource
    nearest: Acting | None


_SERIALS: Final = itertools.count(time.time_ns() // 10**6 % 130_000)  # of INS numbers, others in each process


def played(gateway: Issued, last: Says | None, **plan: Any) -> Player:
    """Play a dossier with a person of its own up to an act, that included; None: all of it."""
    serial = next(_SERIALS)
    number = f"MR-STATES-{serial}"
    player = Player(gateway.connections(), number)
    for act in acts(planned(number, serial, TODAY, *SOLO, **plan)):
        player.do(act)
        if last is not None and last(act):
            break
    return player


def request_of(player: Player, gateway: Issued) -> Resource:
    (name,) = (name for name in player.places if name.startswith("ServiceRequest/"))
    return gateway.of(ADMINISTRATOR).read(*player.places[name].split("/"))


def task_of(player: Player, gateway: Issued, code: str, status: str) -> Resource:
    number = f"{codes.token(request_of(player, gateway)['requisition'])}"
    asked = {"group-identifier": number, "code": f"{codes.TACHE}|{code}", "status": status}
    (found,) = gateway.of(ADMINISTRATOR).search("Task", asked)
    return found


class Stands:
    """One resource for each state, brought there through the doors; each dossier has people of its own."""

    def __init__(self, gateway: Issued) -> None:
        self.gateway = gateway
        self.held: dict[tuple[str, str], Stand] = {}
        self._requests()
        self._tasks()

    def _keep(self, resource: Resource, nearest: Acting | None) -> None:
        self.held[resource["resourceType"], resource["status"]] = Stand(resource, nearest)

    def _requests(self) -> None:
        for last, plan in (
            (wrote("submission"), {}),
            (wrote("finalise"), {}),
            (wrote("withdrawal"), {"ending": "withdrawn", "ends_after": "finalised"}),
            (wrote("revocation"), {"ending": "cancelled", "ends_after": "finalised"}),
            (None, {}),
        ):
            self._keep(request_of(played(self.gateway, last, **plan), self.gateway), PRESCRIBER)
        mistaken = request_of(played(self.gateway, wrote("submission")), self.gateway)
        self._keep(self.gateway.of(PRESCRIBER).update({**mistaken, "status": "entered-in-error"}), PRESCRIBER)

    def _tasks(self) -> None:
        waiting = played(self.gateway, wrote("finalise"))
        self._keep(task_of(waiting, self.gateway, "sequencage", "draft"), None)
        self._keep(task_of(waiting, self.gateway, "reception-prelevement", "requested"), PLATFORM)
        for status in ("received", "accepted", "in-progress", "on-hold", "cancelled"):
            self._keep(self._brought_to(status), PLATFORM)
        failed = played(self.gateway, moved("reception-prelevement", "failed"), bad_tube=0)
        self._keep(task_of(failed, self.gateway, "reception-prelevement", "failed"), PLATFORM)
        done = played(self.gateway, moved("reception-prelevement", "completed"))
        self._keep(task_of(done, self.gateway, "reception-prelevement", "completed"), PLATFORM)
        rejected = played(self.gateway, moved("rcp-amont", "rejected"), refused=True)
        self._keep(task_of(rejected, self.gateway, "rcp-amont", "rejected"), COORDINATOR)

    def _brought_to(self, status: str) -> Resource:
        task = task_of(played(self.gateway, wrote("finalise")), self.gateway, "reception-prelevement", "requested")
        ways = {"in-progress": ("accepted", "in-progress"), "on-hold": ("accepted", "on-hold")}
        for state in ways.get(status, (status,)):
            reason = {"statusReason": REASON} if state in ("on-hold", "cancelled") else {}
            task = self.gateway.of(PLATFORM).update({**task, "status": state, **reason})
        return task


def put(gateway: Issued, who: Acting, resource: Resource, after: str, door: str) -> None:
    """Ask for another status, with all that the profiles want of a resource that has it."""
    client, type, id = gateway.of(who), resource["resourceType"], resource["id"]
    more: Resource = {}
    if type == "Task":
        more["statusReason"] = REASON
        if "owner" not in resource:
            more["owner"] = {"identifier": codes.identifier(str(PLATFORM.organisation))}
    version = resource["meta"]["versionId"]
    changed = {**resource, "status": after, **more}
    if door == "update":
        client.update(changed, if_match=version)
    elif door == "patch":
        added = [{"op": "add", "path": f"/{name}", "value": value} for name, value in more.items()]
        client.patch(type, id, [{"op": "replace", "path": "/status", "value": after}, *added], if_match=version)
    else:
        request = {"method": "PUT", "url": f"{type}/{id}", "ifMatch": f'W/"{version}"'}
        client.transaction([{"resource": changed, "request": request}])


def told(refusal: Refused) -> tuple[int, list[str], set[str]]:
    """Return status, codes and the states that the refusal says may follow."""
    named = re.search(r"it may go to: ([a-z, -]+)\.$", refusal.reason)
    states = set(named[1].split(", ")) - {"-"} if named else {"nothing said"}
    return refusal.status, refusal.details, states


def cases() -> list[tuple[str, str, str, str, bool]]:
    """Return pairs, each with a door and whether an administrator asks; every pair once before any is asked twice."""
    chance = random.Random(SEED)
    every = [(*pair, door, alone) for pair in REFUSED for door in DOORS for alone in (False, True)]
    chance.shuffle(every)
    seen: dict[tuple[str, str, str], int] = {}
    for each in every:
        seen[each[:3]] = seen.get(each[:3], 0)
    ranked = []
    for each in every:
        ranked.append((seen[each[:3]], each))
        seen[each[:3]] += 1
    return [each for _, each in sorted(ranked, key=lambda pair: pair[0])][:PAIRS]


def test_the_pairs_are_all_that_no_table_has() -> None:
    moves = sum(len(after) for table in TABLES.values() for after in table.values())
    assert len(REFUSED) == 6 * 6 + 10 * 11 - moves
    assert len({each[:3] for each in cases()}) == min(PAIRS, len(REFUSED))


@pytest.mark.conformance
def test_a_pair_that_no_table_has_is_refused_with_the_states_that_may_follow_and_nothing_is_written(
    pathway_gateway: Issued, record_property: Any
) -> None:
    stands, wrong = Stands(pathway_gateway), {}
    for case in cases():
        type, before, after, door, alone = case
        stand = stands.held[type, before]
        who = ADMINISTRATOR if alone or stand.nearest is None else stand.nearest
        try:
            put(pathway_gateway, who, stand.resource, after, door)
        except Refused as refusal:
            if told(refusal) != (422, ["dossier-state-not-allowed"], TABLES[type][before]):
                wrong[case] = str(refusal)
        else:
            wrong[case] = "it was done"
    record_property("score", f"pairs of states refused: {len(cases()) - len(wrong)} of {len(cases())}")
    assert wrong == {}
    administrator = pathway_gateway.of(ADMINISTRATOR)
    for (type, status), stand in stands.held.items():
        now = administrator.read(type, stand.resource["id"])
        assert (now["status"], now["meta"]["versionId"]) == (status, stand.resource["meta"]["versionId"])


@pytest.mark.conformance
def test_a_resource_of_a_dossier_begins_in_no_other_state_than_the_first(pathway_gateway: Issued) -> None:
    administrator = pathway_gateway.of(ADMINISTRATOR)
    player = played(pathway_gateway, wrote("submission"))
    draft, task = request_of(player, pathway_gateway), task_of(player, pathway_gateway, "rcp-amont", "requested")
    for resource, first in ((draft, {"draft"}), (task, {"draft", "requested"})):
        type = resource["resourceType"]
        sent = {name: value for name, value in resource.items() if name not in ("id", "meta")}
        sent["meta"] = {"profile": resource["meta"]["profile"]}
        for state in sorted(STATES[type] - first):
            new = {**sent, "status": state}
            if type == "Task":
                owner = {"identifier": codes.identifier(str(COORDINATOR.organisation))}
                new |= {"statusReason": REASON, "owner": owner}
            else:
                new["identifier"] = [{**each, "value": f"NEW-{state}"} for each in resource["identifier"]]
                new["requisition"] = {**resource["requisition"], "value": f"MR-STATES-NEW-{state}"}
            with pytest.raises(Refused) as refusal:
                administrator.create(new)
            assert told(refusal.value) == (422, ["dossier-state-not-allowed"], first), state

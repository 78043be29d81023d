"""Plays invented dossiers against a served gateway: each act in its turn, with a token of whoever acts.

A submission goes by `$submit` where a prescriber sends it and as a plain transaction where an assistant does, who may
not submit; a Task is found by dossier and code and moved with If-Match. When a dossier has been told, the gateway's
`$suivi` must say what the acts say.

Source: FHIR R4, RESTful API; genomics design, "Workflow"; `fhir_gateway/demo_dossiers/README.md`, "Through HTTP".
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from fhir_gateway.client import Gateway, Refused, Unreachable
from fhir_gateway.demo_dossiers.acts import Act, Move, Write
from fhir_gateway.demo_dossiers.resources import Resource, identifier_system
from fhir_gateway.demo_dossiers.standing import Standing
from fhir_gateway.demo_dossiers.submission import directory, name_of, transaction
from fhir_gateway.dossier import codes
from fhir_gateway.dossier.actor import Acting
from fhir_gateway.dossier.codes import concept
from fhir_gateway.dossier.dossier import Dossier, gathered
from fhir_gateway.dossier.timeline import timeline

TokenOf = Callable[[Acting], str]
ADMINISTRATOR: Final = Acting("administrateur")
OPEN: Final = "requested,received,accepted,in-progress,on-hold"


class Differs(Exception):
    """What the gateway tells of a dossier is not what was done to it."""


@dataclass(frozen=True, slots=True)
class Played:
    """One dossier: how many acts were done, where it stands (pfmg-etape), and what stopped it, if anything did.

    `took`: for each request its kind ("submission", "Task", "$suivi" …) and its seconds.
    """

    number: str
    acts: int
    etape: str
    took: tuple[tuple[str, float], ...]
    refusal: str | None = None


@dataclass(slots=True)
class Outcome:
    """What came of many dossiers. `seconds`: from the first act to the last, whatever ran at once."""

    dossiers: int = 0
    acts: int = 0
    seconds: float = 0.0
    etapes: Counter[str] = field(default_factory=Counter)
    refusals: list[str] = field(default_factory=list)
    requests: Counter[str] = field(default_factory=Counter)
    waited: Counter[str] = field(default_factory=Counter)

    def add(self, played: Played) -> None:
        self.dossiers += 1
        self.acts += played.acts
        self.etapes[played.etape] += 1
        if played.refusal is not None:
            self.refusals.append(f"{played.number}: {played.refusal}")
        for kind, seconds in played.took:
            self.requests[kind] += 1
            self.waited[kind] += seconds  # type: ignore[assignment]

    def milliseconds(self, kind: str) -> float:
        """Return how long a request of a kind took on average, as its sender waited for it."""
        return self.waited[kind] / self.requests[kind] * 1000


class Connections:
    """Clients for actors: one for each thread and actor. `tokens`: the token of whoever acts; `witness`: of Gateway."""

    def __init__(
        self, url: str, tokens: TokenOf, language: str = "en", witness: Callable[[str, str, int], None] | None = None
    ) -> None:
        self._url, self._tokens, self._language, self._witness = url, tokens, language, witness
        self._own = threading.local()

    def of(self, actor: Acting) -> Gateway:
        """Return the client of an actor in this thread; what `tokens` raises where there is no token."""
        held: dict[Acting, Gateway] = self._own.__dict__.setdefault("held", {})
        if actor not in held:
            session = next(iter(held.values())).session if held else None
            held[actor] = Gateway(
                self._url, session=session, token=self._tokens(actor), language=self._language, witness=self._witness
            )
        return held[actor]


def drive(
    url: str,
    tokens: TokenOf,
    told: Iterable[tuple[str, Sequence[Act]]],
    *,
    connections: int = 4,
    language: str = "en",
    progress: Callable[[Outcome], None] | None = None,
) -> Outcome:
    """Play dossiers, each its number and its acts, several at once, and return what came of it.

    The directory is written first. A dossier ends at its first refusal, and the others go on; `progress` hears of each
    that has ended. Raises: Refused, Unreachable for the directory.
    """
    held = Connections(url, tokens, language)
    held.of(ADMINISTRATOR).transaction(transaction(directory()))
    outcome, start = Outcome(), time.perf_counter()
    with ThreadPoolExecutor(connections) as pool:
        for played in _windowed(pool, held, told, 4 * connections):
            outcome.add(played)
            outcome.seconds = time.perf_counter() - start
            if progress is not None:
                progress(outcome)
    return outcome


def _windowed(
    pool: ThreadPoolExecutor, held: Connections, told: Iterable[tuple[str, Sequence[Act]]], window: int
) -> Iterator[Played]:
    """Yield what was played, in order, with no more dossiers made beforehand than a few."""
    waiting: deque[Future[Played]] = deque()
    for number, acts in told:
        waiting.append(pool.submit(play, held, number, acts))
        if len(waiting) >= window:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def play(held: Connections, number: str, acts: Sequence[Act]) -> Played:
    """Play one dossier to its end, or to the first refusal."""
    player = Player(held, number)
    refusal, what = None, "-"
    try:
        for act in acts:
            what = said(act)
            player.do(act)
        what = "$suivi"
        player.compare()
    except (Refused, Unreachable, Differs) as failure:
        refusal = f"{what}: {failure}"
    return Played(number, player.done, player.etape(), tuple(player.took), refusal)


def said(act: Act) -> str:
    """Return an act in a few words."""
    deed = act.deed
    return f"{act.actor.role} {deed.what if isinstance(deed, Write) else f'{deed.code} → {deed.status}'}"


class Player:
    """One dossier as its actors make it go on.

    `places`: where what was written is, by its name in the acts; `answer`: what the gateway answered to the last act.
    """

    def __init__(self, held: Connections, number: str) -> None:
        self.held = held
        self.number = number
        self.done = 0
        self.standing = Standing()
        self.places: dict[str, str] = {}
        self.answer: Resource = {}
        self.took: list[tuple[str, float]] = []
        self._last: Act | None = None
        self._prescriber: Acting | None = None
        self._tasks: dict[tuple[str, str, str | None], Resource] = {}

    def do(self, act: Act) -> None:
        """Do one act. Raises: Refused, Unreachable; Differs when there is no Task to move."""
        gateway = self.held.of(act.actor)
        start = time.perf_counter()
        if isinstance(act.deed, Write):
            self._write(gateway, act.actor, act.deed)
            kind = act.deed.what
        else:
            self._move(gateway, act, act.deed)
            kind = "Task"
        self.took.append((kind, time.perf_counter() - start))
        self.standing.do(act)
        self.done += 1
        self._last = act
        if act.actor.role in ("prescripteur", "assistant-prescription"):
            self._prescriber = act.actor

    # --- writes

    def _write(self, gateway: Gateway, actor: Acting, write: Write) -> None:
        bundle = write.bundle(self.standing.resources)
        is_submission = write.what == "submission"
        if is_submission and actor.role == "prescripteur":
            self.answer = gateway.operation("submit", "ServiceRequest", content=bundle)
        else:
            self.answer = gateway.transaction(bundle)
            for each, entry in zip((*write.created, *write.replaced), self.answer["entry"], strict=True):
                self.places[name_of(each)] = "/".join(entry["response"]["location"].split("/")[:2])
        if is_submission:
            self._find_requests(gateway, write)

    def _find_requests(self, gateway: Gateway, write: Write) -> None:
        stored = gateway.search("ServiceRequest", {"requisition": self._token})
        by_number = {number: name_of(each) for each in stored for number in codes.tokens(each)}
        for each in write.created:
            if each["resourceType"] == "ServiceRequest":
                (number,) = codes.tokens(each)
                self.places[name_of(each)] = by_number[number]

    @property
    def _token(self) -> str:
        return f"{identifier_system('dossier')}|{self.number}"

    # --- moves

    def _move(self, gateway: Gateway, act: Act, move: Move) -> None:
        key = (move.code, move.request, move.tube)
        task = self._tasks.get(key) or self._find(gateway, move)
        self.answer = gateway.update(self.moved(task, act, move), if_match=task["meta"]["versionId"])
        self._tasks[key] = self.answer
        if move.status in ("completed", "failed", "rejected") or move.owner is not None:
            del self._tasks[key]

    def _find(self, gateway: Gateway, move: Move) -> Resource:
        asked = {"group-identifier": self._token, "code": f"{codes.TACHE}|{move.code}", "status": OPEN}
        focus = self.places[f"ServiceRequest/{move.request}"]
        tube = None if move.tube is None else self.places[f"Specimen/{move.tube}"]
        for task in gateway.search("Task", asked):
            inputs = [each.get("valueReference", {}).get("reference") for each in task.get("input", ())]
            if task["focus"]["reference"] == focus and (tube is None or tube in inputs):
                return task
        raise Differs(f"there is no open task {move.code} of {focus}{'' if tube is None else f' for {tube}'}")

    def moved(self, task: Resource, act: Act, move: Move) -> Resource:
        """Return a Task as the act makes it; its period is when the act is said to happen."""
        changed: Resource = {**task, "status": move.status}
        changed.pop("statusReason", None)
        if move.status in ("accepted", "rejected"):
            changed["owner"] = {**task.get("owner", {}), "identifier": codes.identifier(str(act.actor.organisation))}
        if move.owner is not None:
            changed["owner"] = {"identifier": codes.identifier(move.owner)}
        if move.reason is not None:
            changed["statusReason"] = concept(codes.MOTIF, move.reason)
        if move.output is not None:
            reported = {"reference": self.places[move.output]}
            changed["output"] = [{"type": concept(codes.PIECE, "compte-rendu"), "valueReference": reported}]
        if move.status == "in-progress":
            changed["executionPeriod"] = {"start": act.at}
        elif move.status in ("completed", "failed"):
            changed["executionPeriod"] = {**task.get("executionPeriod", {}), "end": act.at}
        return changed

    # --- what came of it

    def _dossier(self) -> Dossier | None:
        return next(iter(gathered(self.standing.resources.values())), None)

    def etape(self) -> str:
        """Return where the acts done have brought the dossier (pfmg-etape); "-" before its submission."""
        dossier = self._dossier()
        return "-" if dossier is None or self._last is None else timeline(dossier, self._last.at).etape

    def compare(self) -> None:
        """Ask the gateway where the dossier stands. Raises: Refused, Unreachable; Differs."""
        dossier = self._dossier()
        if dossier is None or dossier.proband is None or self._prescriber is None or self._last is None:
            return
        own = timeline(dossier, self._last.at)
        expected = {
            "statut": [str(dossier.proband.request.resource["status"])],
            "etape": [f"{each.code} {each.date}" for each in own.milestones if each.date is not None],
            "attente": sorted(each.what for each in own.waits),
            "recul": sorted(f"{each.task} {each.status} {each.reason}" for each in own.setbacks),
        }
        id = self.places[dossier.proband.request.key].partition("/")[2]
        start = time.perf_counter()
        told = follow_up(self.held.of(self._prescriber).operation("suivi", "ServiceRequest", id))
        self.took.append(("$suivi", time.perf_counter() - start))
        if told != expected:
            raise Differs(
                "; ".join(
                    f"{name}: {told[name]}, not {expected[name]}" for name in told if told[name] != expected[name]
                )
            )


def follow_up(parameters: Resource) -> dict[str, list[str]]:
    """Return what a `$suivi` tells, in words that can be compared: state, milestones, waits, setbacks."""
    found: dict[str, list[str]] = {"statut": [], "etape": [], "attente": [], "recul": []}
    for each in parameters["parameter"]:
        parts: dict[str, Any] = {
            part["name"]: next(value for name, value in part.items() if name != "name") for part in each.get("part", ())
        }
        reason = codes.code(parts.get("motif"), codes.MOTIF)
        if each["name"] == "statut":
            found["statut"].append(each["valueCode"])
        elif each["name"] == "etape":
            found["etape"].append(f"{parts['code']['code']} {parts['date']}")
        elif each["name"] == "attente":
            found["attente"].append(parts["code"]["coding"][0]["code"])
        elif each["name"] == "recul":
            found["recul"].append(f"{parts['tache']['display']} {parts['statut']} {reason}")
    return {name: values if name == "etape" else sorted(values) for name, values in found.items()}

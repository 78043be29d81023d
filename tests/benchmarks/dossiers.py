"""Dossiers: what hospitals, platforms and auditors ask about them, over HTTP with their tokens, in a full store.

Most dossiers are laid down as they stand in the end; the last ones, the driver of the demonstration plays act by act,
each with the token of who acts (`--driven N`: so many of them; 4 s of CPU a dossier).

Source: `profiles/pfmg/input/fsh/operations.fsh`; FHIR R4, Search, "Including other resources in result".
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import quote

from fhir_gateway.app import open_gateway
from fhir_gateway.demo.credentials import minted
from fhir_gateway.demo.driver import drive
from fhir_gateway.demo_dossiers.dossiers import DemoDossier, dossiers
from fhir_gateway.demo_dossiers.invented import structures
from fhir_gateway.demo_dossiers.submission import directory
from fhir_gateway.dossier import codes
from fhir_gateway.fhir import structure
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.fhir.json import decode, encode
from fhir_gateway.interactions.draft import draft
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.settings import Settings
from fhir_gateway.store.access import party_of
from fhir_gateway.store.contract import Put
from fhir_gateway.store.text import index
from tests.benchmarks.engines import Engine
from tests.benchmarks.figures import Figures
from tests.benchmarks.identity import Clocks
from tests.benchmarks.searches import Refused, Searcher
from tests.benchmarks.tokens import identified, issuer, token

NUMBER, FULL = 300, 5_000
DRIVEN, FULL_DRIVEN = 10, 100
REQUESTS, OF_STATISTICS = 200, 20
_WARM_UP = 10
_SEED = 7
_TOGETHER = 1_500  # resources laid down in one commit
_LIFE = 86_400  # seconds
_OPEN = "requested,received,accepted,in-progress,on-hold"
_INCLUDED = "_include=Task:focus&_include:iterate=ServiceRequest:subject&_count=50"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, by whom: `role` for the structure of a key; `urls`: to be asked in turn."""

    name: str
    role: str
    structure: str | None
    urls: Sequence[str]
    requests: int = REQUESTS


def fill(engine: Engine, url: str, number: int, driven: int, folder: Path, figures: Figures) -> None:
    """Fill an empty database with so many dossiers, the last `driven` of them played through HTTP."""
    told = dossiers(number, _SEED)
    _lay_down(url, islice(told, number - driven), folder)
    with identified(url, folder) as served:
        acts = ((each.number, each.acts) for each in told)
        outcome = drive(served.base, minted(issuer(served, folder), _LIFE), acts)
        served.stop()
    if outcome.refusals:
        raise RuntimeError(f"{len(outcome.refusals)} dossiers were refused: {outcome.refusals[:3]}")
    figures.add(f"dossiers.{engine.name}.number", number, "dossiers")
    if outcome.acts:
        figures.add(f"dossiers.{engine.name}.act", outcome.seconds / outcome.acts * 1000, "ms")
    engine.settle(url)


def _lay_down(url: str, told: Iterator[DemoDossier], folder: Path) -> None:
    """Write what dossiers hold in the end, each as its hospital's, past the rules that its acts would have to pass."""
    given: dict[str, Any] = {"database": url, "data_folder": folder}
    gateway = open_gateway(Settings(**given))
    try:
        shared = directory()
        names = {(each["resourceType"], each["id"]) for each in shared}
        waiting: dict[int, list[Put]] = {0: [_put(gateway, each) for each in shared]}
        _write(gateway, waiting, 0)
        for each in told:
            owner = party_of(each.plan.prescription.hospital.token)
            held = waiting.setdefault(owner, [])
            held += [_put(gateway, one) for one in each.resources() if (one["resourceType"], one["id"]) not in names]
            if len(held) > _TOGETHER:
                _write(gateway, waiting, owner)
        for owner in list(waiting):
            _write(gateway, waiting, owner)
        # What a gateway does beside its requests once it runs; the summaries of dossiers are left for it to make.
        while index.catch_up(gateway.store):
            pass
    finally:
        gateway.store.close()


def _put(gateway: Gateway, resource: dict[str, Any]) -> Put:
    read = decode(encode(resource))
    links = structure.links(read, gateway.definitions.types, False)
    return Put(draft(gateway.indexer, read, read["resourceType"], read["id"], links))


def _write(gateway: Gateway, waiting: dict[int, list[Put]], owner: int) -> None:
    commands = waiting.pop(owner)
    gateway.store.write(lambda tx: tx.stage(commands), owner=owner)


def measure(engine: Engine, url: str, folder: Path, figures: Figures) -> None:
    """Measure all questions on a filled database; the first statistics of a store whose summaries nobody made yet."""
    with identified(url, folder) as served:
        auditor = Searcher(served.base, token(served, folder, "auditeur"))
        begun = perf_counter()
        while not _answered(auditor, "ServiceRequest/$statistiques"):
            pass  # what is made is kept, and it says so
        figures.add(f"dossiers.{engine.name}.statistics.first", perf_counter() - begun, "s")
        for question in _questions(auditor_of_all=Searcher(served.base, token(served, folder, "administrateur"))):
            organisation = None if question.structure is None else structures()[question.structure].token
            searcher = Searcher(served.base, token(served, folder, question.role, organisation))
            _measure(engine, served.process.pid, question, searcher, figures)
            searcher.close()
        auditor.close()


def _questions(auditor_of_all: Searcher) -> list[Question]:
    """Return what is asked, with values drawn from the store."""
    chance = random.Random(_SEED)
    hospital, platform = "valmont", "auragen"
    mine = quote(structures()[hospital].token)
    found = f"ServiceRequest?category={codes.ROLE}|proband&requester.organization.identifier={mine}&_elements=id"
    probands = list(_ids(auditor_of_all, found))
    auditor_of_all.close()
    chance.shuffle(probands)
    graph = quote(f"{CANONICAL_BASE}/GraphDefinition/pfmg-dossier")
    owned = f"owner:identifier={quote(structures()[platform].token)}"

    def of_each(operation: str) -> list[str]:
        return [f"ServiceRequest/{id}/{operation}" for id in probands[:REQUESTS]]

    return [
        Question("suivi", "prescripteur", hospital, of_each("$suivi")),
        Question("completude", "prescripteur", hospital, of_each("$completude")),
        Question("graph", "prescripteur", hospital, of_each(f"$graph?graph={graph}")),
        Question("to_complete", "assistant-prescription", hospital, ["ServiceRequest/$a-completer?_count=50"], 50),
        Question("worklist", "plateforme", platform, [f"Task?{owned}&status=requested&{_INCLUDED}"]),
        Question("worklist_open", "plateforme", platform, [f"Task?status={_OPEN}&{_INCLUDED}"]),
        Question("worklist_oldest", "plateforme", platform, [f"Task?status={_OPEN}&_sort=authored-on&{_INCLUDED}"]),
        Question("statistics", "auditeur", None, ["ServiceRequest/$statistiques"], OF_STATISTICS),
    ]


def _answered(searcher: Searcher, url: str) -> bool:
    try:
        searcher.get(url)
    except Refused as refusal:
        if "dossier-summaries-behind" not in str(refusal):
            raise
        return False
    return True


def _ids(searcher: Searcher, url: str) -> Iterator[str]:
    following: str | None = f"{url}&_count=1000"
    while following is not None:
        bundle: dict[str, Any] = json.loads(searcher.get(following))
        yield from (entry["resource"]["id"] for entry in bundle.get("entry", ()))
        following = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), None)


def _measure(engine: Engine, pid: int, question: Question, searcher: Searcher, figures: Figures) -> None:
    wall: list[float] = []
    sizes: list[int] = []
    for number in range(_WARM_UP):
        searcher.get(question.urls[number % len(question.urls)])
    clocks = Clocks(engine, pid)
    before = clocks.now()
    for number in range(question.requests):
        begun = perf_counter()
        sizes.append(len(searcher.get(question.urls[number % len(question.urls)])))
        wall.append((perf_counter() - begun) * 1000)
    spent = (clocks.now() - before) / 1e6
    wall.sort()
    prefix = f"dossiers.{engine.name}.{question.name}"
    figures.add(f"{prefix}.cpu", spent / question.requests, "ms")
    figures.add(f"{prefix}.p50", wall[len(wall) // 2], "ms")
    figures.add(f"{prefix}.p95", wall[len(wall) * 95 // 100], "ms")
    figures.add(f"{prefix}.kilobytes", sum(sizes) / len(sizes) / 1000, "kB")

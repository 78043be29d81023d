"""A walk along the next links meets each resource that was there throughout exactly once, whatever is written.

10,000 resources; with FULL=1 in `make conformance` 100,000.

Source: FHIR R4, RESTful API, "Paging"; Search, "Sorting".
"""

from __future__ import annotations

import os
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from fhir_gateway.app import open_gateway
from fhir_gateway.interactions.draft import draft
from fhir_gateway.settings import Settings
from fhir_gateway.store.contract import Command, Create, Write
from tests.conftest import Engine
from tests.floors import SEED
from tests.interactions.desk import Desk
from tests.search.conftest import ENGINES
from tests.search.edge_cases import BASE
from tests.search.filled import found_by

pytestmark = pytest.mark.conformance
RESOURCES = 100_000 if os.environ.get("FHIR_GATEWAY_SUITES") == "full" else 10_000
PAGE = RESOURCES // 100
CHUNK = 2_000
WRITERS = 2
EACH = 20  # of so many resources one is updated while the walk goes on, and one deleted


def observation(number: int, status: str = "final") -> dict[str, Any]:
    """Return a small resource; many share a date."""
    day = f"{2000 + number % 24}-{1 + number % 12:02}-{1 + number % 28:02}"
    return {
        "resourceType": "Observation",
        "id": f"o{number}",
        "status": status,
        "code": {"text": "x"},
        "effectiveDateTime": day,
    }


@pytest.fixture(
    scope="module", params=[pytest.param(each, marks=pytest.mark.xdist_group(f"walk-{each}")) for each in ENGINES]
)
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A gateway with many small resources."""
    engine: Engine = request.param
    folder: Path = tmp_path_factory.mktemp("walk")
    postgres = request.getfixturevalue("postgres") if engine == "postgresql" else None
    database = postgres.create() if postgres else f"sqlite:///{folder}/gateway.sqlite"
    settings: dict[str, Any] = {
        "database": database,
        "public_url": BASE,
        "data_folder": folder,
        "synchronous": "NORMAL",
        "validation": "structure",
    }
    gateway = open_gateway(Settings(**settings))
    for first in range(0, RESOURCES, CHUNK):
        made = [observation(number) for number in range(first, min(first + CHUNK, RESOURCES))]
        commands: list[Command] = [Create(draft(gateway.indexer, each, "Observation", each["id"], ())) for each in made]
        gateway.store.write(partial(stage, commands))
    yield Desk(gateway)
    gateway.store.close()
    if postgres:
        postgres.drop(database)


def stage(commands: list[Command], tx: Write) -> None:
    tx.stage(commands)


@dataclass
class Writers:
    """Threads that insert, update and delete until they are told to stop. What they touch they say."""

    desk: Desk
    walk: int
    updated: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    inserted: set[str] = field(default_factory=set)
    failures: list[BaseException] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Writers:
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(WRITERS)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        """Write at random places, one kind after the other; a walk deletes what no other walk does."""
        chance = random.Random(SEED + 10 * self.walk + number)
        kinds = cycle(("delete", "insert", "update"))
        try:
            while not self.stopped.wait(0.002):
                self._write(chance, number, next(kinds))
        except BaseException as failure:  # noqa: BLE001 - it is raised by the test
            self.failures.append(failure)

    def _write(self, chance: random.Random, number: int, what: str) -> None:
        place = chance.randrange(RESOURCES // EACH) * EACH
        if what == "insert":
            answer = self.desk.ask("POST", "Observation", {**observation(place), "id": "given-by-the-server"})
            assert answer.location is not None
            self.inserted.add(answer.location.split("/")[1])
        elif what == "update":
            self.updated.add(f"o{place}")
            status = chance.choice(("amended", "corrected", "preliminary"))
            self.desk.ask("PUT", f"Observation/o{place}", observation(place, status))
        else:
            shares = 3 * WRITERS  # of the places, one for each writer of each walk
            share = chance.randrange(RESOURCES // EACH // shares) * shares + self.walk * WRITERS + number
            self.deleted.add(f"o{share * EACH + 1}")
            self.desk.ask("DELETE", f"Observation/o{share * EACH + 1}")


def walked(desk: Desk, url: str) -> Iterator[str]:
    """Yield the ids of all pages of a search, by their next links."""
    page = found_by(desk, url)
    yield from (id for _, id in page.matches)
    while page.next is not None:
        page = found_by(desk, page.next.removeprefix(BASE))
        yield from (id for _, id in page.matches)


@pytest.mark.parametrize(
    ("walk", "url"),
    [
        (0, f"Observation?_count={PAGE}"),
        (1, f"Observation?_count={PAGE}&_sort=-date"),
        (2, f"Observation?_count={PAGE}&_sort=_lastUpdated"),
    ],
    ids=("newest first", "by date", "by instant"),
)
def test_each_resource_that_existed_throughout_comes_exactly_once(
    desk: Desk, walk: int, url: str, record_property: Callable[[str, object], None]
) -> None:
    before = set(walked(desk, "Observation?_count=1000"))
    assert len(before) > RESOURCES * 9 // 10
    with Writers(desk, walk) as writers:
        found = Counter(walked(desk, url))
    assert writers.failures == []
    written = {name: len(getattr(writers, name)) for name in ("inserted", "updated", "deleted")}
    assert min(written.values()) > 0, written
    twice = [id for id, times in found.items() if times > 1]
    assert twice == []
    # By instant an updated resource leaves its place for one beyond the line that the first page drew.
    moved = writers.updated if "_lastUpdated" in url else set()
    missed = before - writers.deleted - moved - set(found)
    assert missed == set()
    assert set(found) <= before | writers.inserted
    told = ", ".join(f"{number} {what}" for what, number in written.items())
    record_property("score", f"page walk, {url.partition('&')[2] or 'newest first'}: {len(found):,} resources ({told})")

"""Searches by those who do not see everything, against the same by one who does: every shape, in turn.

One hospital owns all there is, and shares a tenth and a hundredth of it with two others by Tasks addressed to them, a
Task a patient. Who is narrowed asks about values drawn from what he sees himself; the administrateur, who sees all,
asks the same of the same gateway. Nothing is recorded: it costs both the same.

Source: FHIR R4, Search; `fhir_gateway/policy/README.md`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from tests.benchmarks import identity, synthea
from tests.benchmarks.engines import Engine
from tests.benchmarks.figures import Figures
from tests.benchmarks.filled import kept
from tests.benchmarks.search_shapes import SHAPES, Shape, url_of
from tests.benchmarks.searches import Rows, Searcher, draw, supplement
from tests.benchmarks.tokens import HOSPITAL, HUNDREDTH, TENTH, identified, token

REQUESTS = 100
_WARM_UP = 10
SIGHTS: Mapping[str, str] = {"all": HOSPITAL, "tenth": TENTH, "hundredth": HUNDREDTH}
_PARTS: Mapping[str, float] = {TENTH: 0.1, HUNDREDTH: 0.01}
# What `make bench` asks: one by an index of its own, one in an order, one through others, one that counts.
HANDFUL = frozenset({"token", "token, sorted by date", "chain", "_revinclude", "total"})


def store(engine: Engine, copies: int, folder: Path, reuse: bool) -> tuple[str, float]:
    """Return the URL of such a database, and the seconds that filling it took now; see `filled.kept`."""

    def fill(name: str, _: Figures) -> None:
        _filled(engine, copies, folder, name)

    return kept(engine, f"shared_{copies}", fill, Figures(), reuse)


def _filled(engine: Engine, copies: int, folder: Path, name: str) -> None:
    """Fill a database with so many copies of the Bundles, shared as the module says."""
    url = engine.create(name)
    identity.fill(url, folder, synthea.bundles(copies))
    with identified(url, folder, trace=False) as served:
        owner = Searcher(served.base, token(served, folder, "administrateur", HOSPITAL))
        supplement(owner)
        _share(owner)
        owner.close()
        served.stop()
    engine.settle(url)


def measure(engine: Engine, url: str, folder: Path, figures: Figures, whole: bool) -> None:
    """Measure on a database of `store`: all shapes where it is `whole`, else a handful."""
    shapes = [shape for shape in SHAPES if whole or shape.name in HANDFUL]
    with identified(url, folder, trace=False) as served:
        everyone = Searcher(served.base, token(served, folder, "administrateur"))
        for sight, organisation in SIGHTS.items():
            narrowed = Searcher(served.base, token(served, folder, "prescripteur", organisation))
            figures.add(f"narrowing.{engine.name}.{sight}.seen", _part(narrowed, everyone), "of all Observations")
            rows = draw(narrowed)
            for shape in shapes:
                prefix = f"narrowing.{engine.name}.{shape.name}.{sight}"
                times = _measure(engine, served.process.pid, shape, rows, (narrowed, everyone), prefix, figures)
                figures.add(f"{prefix}.times", times, "times unnarrowed")
            narrowed.close()
        everyone.close()
    worst = max(figures[name].median for name in figures if _is_times(name, engine))
    figures.add(f"narrowing.{engine.name}.worst", worst, "times unnarrowed")


def _is_times(name: str, engine: Engine) -> bool:
    return name.startswith(f"narrowing.{engine.name}.") and name.endswith(".times")


def _measure(
    engine: Engine,
    pid: int,
    shape: Shape,
    rows: Rows,
    sides: tuple[Searcher, Searcher],
    prefix: str,
    figures: Figures,
) -> float:
    """Measure a shape as both ask it; return the median CPU of the narrowed in times of the other's."""
    found = rows[shape.name]
    cpu: tuple[list[float], list[float]] = ([], [])
    wall: tuple[list[float], list[float]] = ([], [])
    clocks = identity.Clocks(engine, pid)
    for number in range(_WARM_UP + REQUESTS):
        url = url_of(shape, found[number * len(found) // (_WARM_UP + REQUESTS)])
        # Who asks first finds less in the caches.
        for place in (0, 1) if number % 2 else (1, 0):
            try:
                before, begun = clocks.now(), perf_counter()
                sides[place].get(url)
                took, spent = perf_counter() - begun, clocks.now() - before
            except ProcessLookupError:  # the database has ended one of its own, as it does when it has vacuumed
                clocks = identity.Clocks(engine, pid)
                continue
            if number >= _WARM_UP:
                cpu[place].append(spent / 1e6)
                wall[place].append(took * 1000)
    for place, who in enumerate(("", ".unnarrowed")):
        figures.add(f"{prefix}{who}.cpu", median(cpu[place]), "ms")
        figures.add(f"{prefix}{who}.wall", median(wall[place]), "ms")
    return median(cpu[0]) / median(cpu[1])


# --- who sees how much


def _share(owner: Searcher) -> None:
    """Share the dossiers of so many patients that together they are about as many resources as a part is to have."""
    sizes = _sizes(owner)
    for organisation, part in _PARTS.items():
        system, _, value = organisation.partition("|")
        wanted = part * sum(sizes.values())
        for patient in _chosen(sizes, wanted):
            task = {
                "resourceType": "Task", "status": "requested", "intent": "order",
                "for": {"reference": patient}, "owner": {"identifier": {"system": system, "value": value}},
            }  # fmt: skip
            owner.post({
                "resourceType": "Bundle", "type": "transaction",
                "entry": [{"resource": task, "request": {"method": "POST", "url": "Task"}}],
            })  # fmt: skip


def _chosen(sizes: Mapping[str, int], wanted: float) -> Iterator[str]:
    """Yield patients whose sizes come to what is wanted, or the smallest of them, from the middle of all sizes on."""
    order = sorted(sizes, key=sizes.__getitem__)
    middle = order[len(order) // 2 :] + order[: len(order) // 2]
    chosen, left = [], wanted
    for patient in middle:
        if sizes[patient] <= left:
            chosen.append(patient)
            left -= sizes[patient]
    yield from chosen or order[:1]


def _sizes(owner: Searcher) -> dict[str, int]:
    """Return how many Observations there are about each patient."""
    found: dict[str, int] = {}
    for patient in _patients(owner):
        counted = json.loads(owner.get(f"Observation?subject={patient}&_summary=count"))
        found[patient] = counted["total"]
    return found


def _patients(owner: Searcher) -> Iterator[str]:
    url: str | None = "Patient?_count=1000&_elements=id"
    while url is not None:
        bundle: dict[str, Any] = json.loads(owner.get(url))
        yield from (f"Patient/{entry['resource']['id']}" for entry in bundle.get("entry", ()))
        url = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), None)


def _part(narrowed: Searcher, everyone: Searcher) -> float:
    seen, there = (json.loads(each.get("Observation?_summary=count"))["total"] for each in (narrowed, everyone))
    return float(seen / there)

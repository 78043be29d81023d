"""Loaded terminology measured: a made-up release of SNOMED's size, and HPO with its French names.

    python -m tests.benchmarks.terminology [--database URL] [--concepts 400000] [--descriptions 1200000]

The load runs in a process of its own, so that its memory is its own. Times are CPU time of that process.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from fhir_gateway.fhir.outcome import NotFound
from fhir_gateway.store import open_store
from fhir_gateway.store.contract import Store
from fhir_gateway.store.terminology.loading import load, remove
from fhir_gateway.store.terminology.system import LoadedSystem
from fhir_gateway.store.terminology.systems import LoadedSystems
from fhir_gateway.terminology.releases import hpo, snomed
from fhir_gateway.terminology.releases.kinds import read
from fhir_gateway.terminology.releases.prepared import Prepared
from fhir_gateway.terminology.system import Filter
from tests.shared_data import SHARED
from tests.terminology.releases.made_up_rf2 import code_of, write

_QUERIES = Path(__file__).parents[1] / "terminology" / "words" / "hpo_queries.tsv"


def resident() -> float:
    """Return how much memory this process has had at most, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def resident_now() -> float:
    """Return how much memory this process has now, MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def loaded(url: str, kind: str, paths: list[str], version: str | None) -> None:
    """Load a release and print what that took."""
    store = open_store(url, ["Patient"])
    begun = time.process_time()
    prepared = Prepared(read(kind, [Path(path) for path in paths], version))
    read_in = time.process_time() - begun
    load(store, prepared)
    prepared.close()
    store.close()
    took = time.process_time() - begun
    print(f"load {kind}: {took:.1f} s of CPU ({read_in:.1f} s reading), {resident():.0f} MB at most")


def timed(name: str, count: int, act: Callable[[int], object]) -> None:
    taken = []
    for number in range(count):
        begun = time.process_time()
        act(number)
        taken.append((time.process_time() - begun) * 1000)
    taken.sort()
    print(
        f"  {name}: median {taken[count // 2]:.3f} ms, 95th {taken[int(count * 0.95)]:.3f} ms, most {taken[-1]:.3f} ms"
    )


def of_snomed(system: LoadedSystem, concepts: int) -> None:
    chance = random.Random(1)
    pairs = [(code_of(chance.randrange(concepts)), code_of(chance.randrange(concepts))) for _ in range(1000)]
    near_root = [code_of(number) for number in range(1, 200)]

    def is_a(number: int) -> list[Filter]:
        return [Filter("concept", "is-a", near_root[number % len(near_root)])]

    timed("subsumes, cold", 1000, lambda number: system.subsumes(*pairs[number]))
    timed("subsumes, warm", 1000, lambda number: system.subsumes(*pairs[number]))
    timed("how many are below, cold", 199, lambda number: len(system.matching(is_a(number))))
    timed("a page of 100 below", 199, lambda number: system.matching(is_a(number))[:100])
    timed("a code is below", 1000, lambda number: system.holds(pairs[number][0], is_a(number)))
    timed("concept, cold and warm", 2000, lambda number: system.concept(pairs[number % 1000][1]))


def of_hpo(system: LoadedSystem) -> None:
    queries = [line.split("\t") for line in _QUERIES.read_text("utf-8").splitlines()]
    found = sum(wanted in [each.code for each in system.search(query, "fr", 5)] for query, wanted, _ in queries)
    print(f"  wanted term among the first five: {found} of {len(queries)}")
    timed("a query", len(queries), lambda number: system.search(queries[number][0], "fr", 20))


def begun(url: str, name: str) -> tuple[Store, LoadedSystem]:
    before = resident_now()
    started = time.process_time()
    store = open_store(url, ["Patient"])
    system = LoadedSystems(store).system(name)
    assert system is not None
    took = (time.process_time() - started) * 1000
    print(f"  open: {took:.0f} ms of CPU; memory before {before:.0f} MB, after {resident_now():.0f} MB")
    return store, system


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--database", default="")
    arguments.add_argument("--concepts", type=int, default=400_000)
    arguments.add_argument("--descriptions", type=int, default=1_200_000)
    arguments.add_argument("--load", nargs="*", default=[], help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    if chosen.load:
        kind, version, *paths = chosen.load
        loaded(chosen.database, kind, paths, version or None)
        return
    with tempfile.TemporaryDirectory() as folder:
        url = chosen.database or f"sqlite:///{folder}/gateway.sqlite"
        release = Path(folder, "rf2")
        release.mkdir()
        write(release, chosen.concepts, chosen.descriptions)
        french = sorted(map(str, (SHARED / "hpo-fr").glob("*.tsv")))
        for kind, version, paths in (("snomed", "", [str(release)]), ("hpo", "", []), ("hpo", "2026-06-22", french)):
            command = [sys.executable, "-m", "tests.benchmarks.terminology", "--database", url, "--load"]
            subprocess.run([*command, kind, version, *paths], check=True)
        for name, ask in ((hpo.URL, of_hpo), (snomed.URL, lambda system: of_snomed(system, chosen.concepts))):
            print(name)
            store, system = begun(url, name)
            ask(system)
            print(f"  memory then {resident_now():.0f} MB")
            store.close()
        clear(url)


def clear(url: str) -> None:
    store = open_store(url, ["Patient"])
    for name in (hpo.URL, f"{hpo.URL}/fr", snomed.URL):
        try:
            remove(store, name)
        except NotFound:
            print(f"{name} was not loaded")
    store.close()


if __name__ == "__main__":
    main()

"""Where a search spends its time behind the HTTP server, and that it builds nothing twice and nothing for each row.

All shapes are asked in this process. Shown: what caches of statements had to build once every shape had been asked,
calls of Python functions a search and a further row, and the functions that take most.
"""

from __future__ import annotations

import cProfile
import gc
import pstats
from functools import _lru_cache_wrapper
from time import process_time
from typing import Any

from fhir_gateway.app import open_gateway
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Preferences
from fhir_gateway.interactions.perform import perform
from fhir_gateway.interactions.urls import interaction_from
from fhir_gateway.settings import Settings
from tests.benchmarks import imports, searches, synthea
from tests.benchmarks.engines import Engine, serving
from tests.benchmarks.profile_import import functions
from tests.benchmarks.search_shapes import SHAPES, url_of

ROUNDS = 50
FEW, MANY = 20, 120  # rows of the two searches whose difference is a row's
BASE = "http://127.0.0.1:8080/fhir"


def text(engine: Engine, url: str) -> str:
    """Return the profile of searches in the database at `url`, which one import fills first."""
    imports.through_http(engine, url, synthea.bundles())
    with serving(url) as served:
        searcher = searches.Searcher(served.base)
        searches.supplement(searcher)
        rows = searches.draw(searcher)
        searcher.close()
    settings: dict[str, Any] = {"database": url, "public_url": BASE}
    gateway = open_gateway(Settings(**settings))
    urls = [
        url_of(shape, found[number * len(found) // ROUNDS])
        for number in range(ROUNDS)
        for shape, found in ((shape, rows[shape.name]) for shape in SHAPES)
    ]
    try:
        return _text(engine, gateway, urls)
    finally:
        gateway.store.close()


def _text(engine: Engine, gateway: Gateway, urls: list[str]) -> str:
    _ask(gateway, urls[: len(urls) // 2])  # every shape with half of its values
    built = _built()
    begun = process_time()
    _ask(gateway, urls)
    took = process_time() - begun
    after = _built()
    more = {name: _less(after[name], built.get(name, (0, 0))) for name in after}
    profile = cProfile.Profile()
    profile.enable()
    _ask(gateway, urls)
    profile.disable()
    lines = [
        f"\nSearch on {engine.name}, without HTTP: {took / len(urls) * 1e6:.0f} µs of CPU a search of this process",
        f"Statements and parts of them built in {len(urls)} searches of known shapes: for a plan not met before "
        f"{_shown({name: new for name, (_, new) in more.items()})}; once more what had been built "
        f"{_shown({name: runs - new for name, (runs, new) in more.items()})}",
        f"Calls of Python functions: {_calls(profile) / len(urls):.0f} a search, "
        f"{_calls_a_row(gateway):.1f} for each further row of a page",
    ]
    return "\n".join(lines) + "\n" + functions(profile, "tottime")


def _ask(gateway: Gateway, urls: list[str]) -> None:
    for url in urls:
        interaction = interaction_from("GET", url, gateway.resource_types, BASE)
        interaction.base, interaction.prefer = BASE, Preferences()
        perform(gateway, interaction)


def _built() -> dict[str, tuple[int, int]]:
    """Return how often each remembered function of the search was run, and how much it remembers."""
    wrappers = [each for each in gc.get_objects() if isinstance(each, _lru_cache_wrapper)]
    infos = {each: each.cache_info() for each in wrappers if each.__module__.startswith("fhir_gateway.store.search")}
    return {
        f"{each.__module__.rpartition('.')[2]}.{each.__qualname__}": (info.misses, info.currsize)
        for each, info in infos.items()
    }


def _less(now: tuple[int, int], before: tuple[int, int]) -> tuple[int, int]:
    return now[0] - before[0], now[1] - before[1]


def _shown(times: dict[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(times.items()) if number) or "nothing"


def _calls(profile: cProfile.Profile) -> int:
    return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]


def _calls_a_row(gateway: Gateway) -> float:
    """Return how many calls a page of MANY rows has more than one of FEW, a row."""
    calls = []
    for count in (FEW, MANY):
        url = f"Observation?status=final&_count={count}"
        _ask(gateway, [url])
        profile = cProfile.Profile()
        profile.enable()
        _ask(gateway, [url] * ROUNDS)
        profile.disable()
        calls.append(_calls(profile) / ROUNDS)
    return (calls[1] - calls[0]) / (MANY - FEW)

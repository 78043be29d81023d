"""Where an import spends its time: by stage, and by function under cProfile, in this process and one thread."""

from __future__ import annotations

import cProfile
import gc
import io
import pstats
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from time import process_time
from typing import Any, TypeVar
from unittest.mock import patch

from fhir_gateway.app import open_gateway, served
from fhir_gateway.fhir import json as fhir_json
from fhir_gateway.fhir import resource as fhir_resource
from fhir_gateway.interactions import draft as drafting
from fhir_gateway.interactions import late, plan, transaction
from fhir_gateway.interactions import perform as performing
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Interaction
from fhir_gateway.rest.representations import Representations
from fhir_gateway.settings import Settings
from fhir_gateway.store import postgres, sqlite
from fhir_gateway.store.contract import Locks, Narrowing, Write
from fhir_gateway.store.index.indexer import Indexer
from fhir_gateway.store.writer import Writer
from tests.benchmarks import synthea
from tests.benchmarks.engines import Engine
from tests.benchmarks.figures import table
from tests.benchmarks.stages import Stages

BASE = "http://127.0.0.1:8080/fhir"
LINES = 40
T = TypeVar("T")
WATCHED: tuple[tuple[str, Any, str], ...] = (
    ("decode JSON", fhir_json, "decode"),
    ("check the structure", fhir_resource, "check"),
    ("look for duplicate keys", fhir_resource, "duplicate_keys"),
    ("entries to acts", transaction, "_entries"),
    ("identities", plan, "_identities"),
    ("rewrite references", plan, "_rewrite"),
    ("index rows", Indexer, "index"),
    ("finished bytes", drafting, "tail"),
    ("drafts and commands", plan, "_commands"),
    ("versions and rows", Writer, "stage"),
    ("SQL", sqlite.SqliteWriter, "write_rows"),
    ("SQL", postgres.PostgresWriter, "write_rows"),
    ("begin, commit", sqlite.SqliteStore, "_commit_together"),
    ("begin, commit", postgres.PostgresStore, "_write"),
    ("late references", late, "settle"),
    ("answer", transaction, "_written"),
    ("answer", transaction, "response"),
    ("the rest of the act", performing, "transact"),
)


def text(engine: Engine, url: str) -> str:
    """Return the profile of an import into the empty database at `url`, and of a second one into what it holds then."""
    given: dict[str, Any] = {"database": url}
    settings = Settings(**given)
    served(settings)  # for what it does to the process: garbage collection as in the server
    gateway = open_gateway(settings)
    gc.collect()
    gc.freeze()
    bundles = list(synthea.bundles(3))
    third = len(bundles) // 3
    resources = sum(map(synthea.entries_in, bundles[:third]))
    try:
        with in_this_thread():
            first = _stages(gateway, bundles[:third])
            second = _stages(gateway, bundles[third : 2 * third])
            profile = cProfile.Profile()
            profile.enable()
            _import(gateway, bundles[2 * third :])
            profile.disable()
    finally:
        gateway.store.close()
    head = (f"Import on {engine.name}, without HTTP: CPU µs a resource", "first import", "second", "share", "calls")
    whole = sum(second.seconds.values())
    rows: list[tuple[str, ...]] = [
        (
            name,
            f"{first.seconds[name] / resources * 1e6:.1f}",
            f"{seconds / resources * 1e6:.1f}",
            f"{seconds / whole:.0%}",
            str(second.calls.get(name, "")),
        )
        for name, seconds in sorted(second.seconds.items(), key=lambda each: -each[1])
    ]
    sums = [f"{sum(stages.seconds.values()) / resources * 1e6:.1f}" for stages in (first, second)]
    rows.append(("all", *sums, "", ""))
    return "\n".join(("", table(head, rows), *(functions(profile, by) for by in ("tottime", "cumulative"))))


def _stages(gateway: Gateway, bundles: list[bytes]) -> Stages:
    """Import and return where the time went, with what no stage took as "elsewhere"."""
    stages = Stages()
    with stages.watching(*WATCHED):
        seconds = _import(gateway, bundles)
    stages.seconds["elsewhere"] = seconds - sum(stages.seconds.values())
    return stages


def _import(gateway: Gateway, bundles: list[bytes]) -> float:
    """Import, and return the CPU seconds it took."""
    representations = Representations(gateway.definitions.types)
    begun = process_time()
    for bundle in bundles:
        parsed = representations.read(bundle, "json")
        interaction = Interaction("transaction", resource=parsed.resource, links=parsed.links, base=BASE)
        performing.perform(gateway, interaction)
    return process_time() - begun


@contextmanager
def in_this_thread() -> Iterator[None]:
    """Let SQLite's writes run in the thread that asks for them: a profiler sees one thread."""

    def write(
        self: sqlite.SqliteStore,
        work: Callable[[Write], T],
        locks: Locks = Locks(),  # noqa: B008 - frozen and empty
        narrowing: Narrowing | None = None,
        owner: int = 0,
    ) -> T:
        job = sqlite._Job(work, Future(), narrowing, owner)
        self._commit_together([job])
        return job.answer.result()

    with patch.object(sqlite.SqliteStore, "write", write):
        yield


def functions(profile: cProfile.Profile, by: str) -> str:
    """Return the functions that took most, by their own time or with what they call."""
    out = io.StringIO()
    pstats.Stats(profile, stream=out).strip_dirs().sort_stats(by).print_stats(LINES)
    return out.getvalue()

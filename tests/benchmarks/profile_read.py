"""Where a read by id spends its time behind the HTTP server: the ASGI application asked in this process."""

from __future__ import annotations

import asyncio
import cProfile
from time import process_time
from typing import Any

from fhir_gateway.app import create_app
from fhir_gateway.rest.dispatch import App
from fhir_gateway.settings import Settings
from tests.benchmarks import imports, synthea
from tests.benchmarks.engines import Engine
from tests.benchmarks.import_floor import names_in
from tests.benchmarks.profile_import import functions

READS = 20_000
NAMES = 1_000


def text(engine: Engine, url: str) -> str:
    """Return the profile of reads of resources in the database at `url`, which one import fills first."""
    imports.through_http(engine, url, synthea.bundles())
    names = names_in(url, NAMES)
    settings: dict[str, Any] = {"database": url}
    profile = cProfile.Profile()
    plain = asyncio.run(_with_lifespan(create_app(Settings(**settings)), names, profile))
    return (
        f"\nRead by id on {engine.name}, without the HTTP server: {plain / READS * 1e6:.1f} µs of CPU a read\n"
        + functions(profile, "tottime")
    )


async def _with_lifespan(app: App, names: list[str], profile: cProfile.Profile) -> float:
    """Ask within the application's lifespan; return the CPU seconds of the reads that were not profiled."""
    events: asyncio.Queue[Any] = asyncio.Queue()
    told: asyncio.Queue[Any] = asyncio.Queue()
    life = asyncio.ensure_future(app({"type": "lifespan", "state": {}}, events.get, told.put))
    await events.put({"type": "lifespan.startup"})
    if (await told.get())["type"] != "lifespan.startup.complete":
        raise RuntimeError("the application did not start")
    await _ask(app, names, NAMES)
    begun = process_time()
    await _ask(app, names, READS)
    took = process_time() - begun
    profile.enable()
    await _ask(app, names, READS)
    profile.disable()
    await events.put({"type": "lifespan.shutdown"})
    await life
    return took


async def _ask(app: App, names: list[str], reads: int) -> None:
    async def send(message: Any) -> None:
        if message.get("status", 200) != 200:
            raise RuntimeError(f"answered with {message['status']}")

    async def receive() -> Any:
        raise RuntimeError("a read has no body")

    for number in range(reads):
        path = f"/fhir/{names[number % len(names)]}"
        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "scheme": "http",
            "server": ("127.0.0.1", 8080),
            "headers": [(b"host", b"127.0.0.1:8080"), (b"accept", b"application/fhir+json"), (b"user-agent", b"bench")],
        }
        await app(scope, receive, send)

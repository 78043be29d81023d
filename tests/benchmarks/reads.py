"""Read by id: the gateway against the floor, turn by turn, over the same kept-alive connections.

Source: FHIR R4, RESTful API, "read".
"""

from __future__ import annotations

from collections.abc import Sequence
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from tests.benchmarks import load, read_floor
from tests.benchmarks.engines import Engine, serving
from tests.benchmarks.figures import Figures
from tests.benchmarks.import_floor import names_in
from tests.benchmarks.processes import cpu_seconds, resident_mb
from tests.served import Served

CONNECTIONS = 8
REQUESTS = 20_000
PATHS = 1_000
WARM_UP = 2_000


def measure(engine: Engine, url: str, rounds: int, folder: Path, figures: Figures, requests: int = REQUESTS) -> None:
    """Measure reads of resources of the database at `url`, and the memory of the worker at rest."""
    names = names_in(url, PATHS)
    with serving(url) as served:
        figures.add(f"memory.{engine.name}.start", resident_mb(served.process.pid), "MB")
        base = urlsplit(served.base).path
        expected = answers(served, [f"{base}/{name}" for name in names])
        paths = folder / "paths"
        paths.write_text("\n".join(expected), encoding="ascii")
        with read_floor.served(expected, folder) as floor:
            pids = {"gateway": (served.process.pid, served.port), "floor": (floor.pid, read_floor.port_of(floor))}
            for _, port in pids.values():
                load.ask(port, CONNECTIONS, WARM_UP, paths)
            figures.add(f"memory.{engine.name}.rest", resident_mb(served.process.pid), "MB")
            for _ in range(rounds):
                _alternate(engine, pids, requests, paths, figures)
        figures.add(f"memory.{engine.name}.after_reads", resident_mb(served.process.pid), "MB")


def _alternate(engine: Engine, pids: dict[str, tuple[int, int]], requests: int, paths: Path, figures: Figures) -> None:
    wall, cpu = {}, {}
    for name, (pid, port) in pids.items():
        own, others = cpu_seconds(pid), engine.cpu_seconds()
        seen = load.ask(port, CONNECTIONS, requests, paths)
        own, others = cpu_seconds(pid) - own, engine.cpu_seconds() - others
        wall[name], cpu[name] = seen.seconds, own if name == "floor" else own + others
        prefix = f"read.{engine.name}.{name}"
        figures.add(f"{prefix}.rate", requests / seen.seconds, "requests/s")
        figures.add(f"{prefix}.cpu", own / requests * 1e6, "µs")
        if name == "gateway":
            figures.add(f"{prefix}.database_cpu", others / requests * 1e6, "µs")
        figures.add(f"{prefix}.p50", seen.p50, "ms")
        figures.add(f"{prefix}.p99", seen.p99, "ms")
    figures.add(f"read.{engine.name}.of_floor.cpu", cpu["floor"] / cpu["gateway"], "of the floor")
    figures.add(f"read.{engine.name}.of_floor.wall", wall["floor"] / wall["gateway"], "of the floor")


def answers(served: Served, paths: Sequence[str]) -> read_floor.Answers:
    """Return what the gateway answers to each path, but for Date, which the HTTP server adds."""
    connection = HTTPConnection("127.0.0.1", served.port)
    expected = {}
    for path in paths:
        connection.request("GET", path, headers={"accept": "application/fhir+json"})
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise RuntimeError(f"GET {path} was answered with {response.status}: {body[:500]!r}")
        headers = [(name.encode(), value.encode()) for name, value in response.getheaders() if name != "date"]
        expected[path] = (headers, body)
    connection.close()
    return expected

"""Import: transaction Bundles posted as they are over one connection into an empty store, against the floor.

Source: FHIR R4, RESTful API, "batch/transaction".
"""

from __future__ import annotations

from collections.abc import Iterable
from http.client import HTTPConnection
from pathlib import Path
from time import perf_counter
from urllib.parse import urlsplit

from tests.benchmarks import import_floor, synthea
from tests.benchmarks.engines import Engine, serving
from tests.benchmarks.figures import Figures
from tests.benchmarks.import_floor import Cost
from tests.benchmarks.processes import cpu_seconds, peak_mb, resident_mb
from tests.served import Served

CREATED = b'"status":"201 Created"'


def measure(engine: Engine, copies: int, rounds: int, folder: Path, figures: Figures, kept: str | None = None) -> str:
    """Import into a store and into the floor's, `rounds` times in turn. Return the URL of the last store filled.

    `kept`: the name the store gets, to be found again.
    """
    rows = folder / f"rows-{engine.name}"
    url = ""
    for _ in range(rounds):
        if url:
            engine.drop(url)
        url = engine.create(kept)
        ours = through_http(engine, url, synthea.bundles(copies), figures)
        if not rows.exists():
            import_floor.keep_rows(url, rows)
        _note(engine, "gateway", ours, figures)
        target = engine.create()
        floor = import_floor.measure(rows, target, engine.postmaster)
        engine.drop(target)
        _note(engine, "floor", floor, figures)
        prefix = f"import.{engine.name}"
        ratio = (floor.cpu + floor.database_cpu) / (ours.cpu + ours.database_cpu)
        figures.add(f"{prefix}.of_floor.cpu", ratio, "of the floor")
        figures.add(f"{prefix}.of_floor.own_cpu", floor.cpu / ours.cpu, "of the floor")
        figures.add(f"{prefix}.of_floor.wall", floor.wall / ours.wall, "of the floor")
        figures.add(f"{prefix}.rows", floor.rows / floor.resources, "rows/resource")
    rows.unlink()
    return url


def _note(engine: Engine, who: str, cost: Cost, figures: Figures) -> None:
    prefix = f"import.{engine.name}.{who}"
    figures.add(f"{prefix}.resources", cost.resources, "resources")
    figures.add(f"{prefix}.cpu", cost.cpu / cost.resources * 1000, "ms/resource")
    figures.add(f"{prefix}.database_cpu", cost.database_cpu / cost.resources * 1000, "ms/resource")
    figures.add(f"{prefix}.wall", cost.wall / cost.resources * 1000, "ms/resource")


def through_http(engine: Engine, url: str, bundles: Iterable[bytes], figures: Figures | None = None) -> Cost:
    """Post the Bundles to a gateway of its own on the database at `url`; every entry must create its resource."""
    with serving(url) as served:
        pid = served.process.pid
        own, theirs = cpu_seconds(pid), engine.cpu_seconds()
        wall, resources = 0.0, 0
        connection = HTTPConnection("127.0.0.1", served.port)
        for bundle in bundles:
            begun = perf_counter()
            created = post(connection, served, bundle).count(CREATED)
            wall += perf_counter() - begun
            if created != (sent := synthea.entries_in(bundle)):
                raise RuntimeError(f"of {sent} entries {created} were created")
            resources += created
        connection.close()
        cost = Cost(resources, 0, cpu_seconds(pid) - own, engine.cpu_seconds() - theirs, wall)
        if figures is not None:
            figures.add(f"memory.{engine.name}.after_import", resident_mb(pid), "MB")
            figures.add(f"memory.{engine.name}.peak_of_import", peak_mb(pid), "MB")
        served.stop()
    return cost


def post(connection: HTTPConnection, served: Served, bundle: bytes, token: str = "") -> bytes:
    """Post a Bundle and return the response Bundle; raises RuntimeError when it is refused."""
    headers = {"content-type": "application/fhir+json", "accept": "application/fhir+json"}
    headers |= {"authorization": f"Bearer {token}"} if token else {}
    connection.request("POST", urlsplit(served.base).path, bundle, headers)
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        raise RuntimeError(f"a transaction was answered with {response.status}: {body[:1000]!r}")
    return body

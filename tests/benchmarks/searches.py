"""Searches of every shape in `search_shapes.py`, over HTTP and one connection, with values drawn from the store.

Synthea has neither numbers nor URIs that R4 searches: `supplement` adds risks and orders to each of its people.

Source: FHIR R4, Search; RESTful API, "search".
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection, RemoteDisconnected
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

from tests.benchmarks.engines import Engine, EngineName, serving
from tests.benchmarks.figures import Figures
from tests.benchmarks.search_shapes import SHAPES, VALUES, Shape, url_of, values_in

REQUESTS = 200
WARM_UP = 10
RISKS, ORDERS = 10, 5  # added for each patient
SMALL = "small"  # the size that growth is measured from: one copy of the Bundles
Rows = dict[str, list[dict[str, str]]]  # by shape, the values of each question
_PAGES, _PAGE = 5, 1000
_SEED = 4


class Refused(Exception):
    """The gateway does not do this search."""


class Searcher:
    """A client with one connection; `token` is sent with each request."""

    def __init__(self, base: str, token: str = "") -> None:
        parts = urlsplit(base)
        self._base = parts.path
        self._connection = HTTPConnection(parts.hostname or "", parts.port)
        self._headers = {"accept": "application/fhir+json", **({"authorization": f"Bearer {token}"} if token else {})}

    def get(self, url: str) -> bytes:
        """Return the Bundle at a URL below the base, or at a whole one. Raises: Refused."""
        path = urlsplit(url)._replace(scheme="", netloc="").geturl() if url.startswith("http") else self._below(url)
        return self._ask("GET", path)

    def post(self, bundle: Mapping[str, Any]) -> bytes:
        """Send a batch or a transaction and return the answer. Raises: Refused."""
        return self._ask("POST", self._base, json.dumps(bundle).encode())

    def sample(self, type: str) -> Iterator[Mapping[str, Any]]:
        """Yield resources of a type from its first pages."""
        url: str | None = f"{type}?_count={_PAGE}"
        for _ in range(_PAGES):
            if url is None:
                return
            bundle = json.loads(self.get(url))
            yield from (entry["resource"] for entry in bundle.get("entry", ()))
            url = next((link["url"] for link in bundle.get("link", ()) if link["relation"] == "next"), None)

    def close(self) -> None:
        self._connection.close()

    def _below(self, url: str) -> str:
        return f"{self._base}{url}" if url.startswith("?") else f"{self._base}/{url}"

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        headers = self._headers | ({"content-type": "application/fhir+json"} if body else {})
        try:
            self._connection.request(method, path, body, headers)
            response = self._connection.getresponse()
        except (RemoteDisconnected, BrokenPipeError):  # it was idle for too long
            self._connection.close()
            self._connection.request(method, path, body, headers)
            response = self._connection.getresponse()
        answered = response.read()
        if response.status != 200:
            raise Refused(f"{method} {path} was answered with {response.status}: {answered[:500].decode()}")
        return answered


def measure(engine: Engine, url: str, figures: Figures, small: str | None = None) -> None:
    """Measure all shapes on the database at `url`, and on the `small` one, from which growth is told.

    Both are asked request by request in turn, so that what else the machine does falls on both. A shape that is refused
    is noted as refused. Only with a small one goals are judged: they are about the large store.
    """
    with ExitStack() as stack:
        asked = [("", stack.enter_context(_searching(url)))]
        if small is not None:
            asked.append((f"{SMALL}_", stack.enter_context(_searching(small))))
        questions = [(prefix, searcher, draw(searcher)) for prefix, searcher in asked]
        every: list[float] = []
        for shape in SHAPES:
            name = f"search.{engine.name}.{shape.name}."
            try:
                took = _measure(shape, questions, name, figures)
            except Refused as refusal:
                figures.add(f"{name}refused", 1, str(refusal))
            else:
                every += took
    if small is not None:
        _judge(engine.name, every, figures)


@contextmanager
def _searching(url: str) -> Iterator[Searcher]:
    """Give a client of a gateway on the database at `url`, which has all that is searched."""
    with serving(url) as served:
        searcher = Searcher(served.base)
        supplement(searcher)
        yield searcher
        searcher.close()


def _measure(shape: Shape, questions: Sequence[tuple[str, Searcher, Rows]], name: str, figures: Figures) -> list[float]:
    """Measure a shape on each store in turn; return the ms of all requests to the first of them."""
    took: list[list[float]] = [[] for _ in questions]
    matches = [0 for _ in questions]
    for number in range(WARM_UP + REQUESTS):
        for place, (_, searcher, rows) in enumerate(questions):
            # From the first row to the last, so that as many as there are take part.
            found = rows[shape.name]
            url = url_of(shape, found[number * len(found) // (WARM_UP + REQUESTS)])
            begun = perf_counter()
            bundle = searcher.get(url)
            if number >= WARM_UP:
                took[place].append((perf_counter() - begun) * 1000)
                matches[place] += bundle.count(b'"mode":"match"')
    for place, (prefix, _, _) in enumerate(questions):
        took[place].sort()
        figures.add(f"{name}{prefix}p50", took[place][REQUESTS // 2], "ms")
        figures.add(f"{name}{prefix}p95", took[place][REQUESTS * 95 // 100], "ms")
        figures.add(f"{name}{prefix}matches", matches[place] / REQUESTS, "matches a page")
    return took[0]


def _judge(engine: EngineName, took: list[float], figures: Figures) -> None:
    """Note what the shapes come to together: the goals of search."""
    took.sort()
    figures.add(f"searches.{engine}.p50", took[len(took) // 2], "ms")
    figures.add(f"searches.{engine}.p95", took[len(took) * 95 // 100], "ms")
    worst = 0.0
    for shape in SHAPES:
        prefix = f"search.{engine}.{shape.name}"
        if f"{prefix}.p50" in figures and f"{prefix}.{SMALL}_p50" in figures:
            growth = figures[f"{prefix}.p50"].median / figures[f"{prefix}.{SMALL}_p50"].median
            figures.add(f"{prefix}.growth", growth, "of its own at one copy")
            worst = worst if shape.counts else max(worst, growth)
    figures.add(f"searches.{engine}.growth", worst, "of its own at one copy")
    figures.add(f"searches.{engine}.slowest", max(figures[name].median for _, name in slowest(engine, figures)), "ms")
    refused = sum(1 for shape in SHAPES if f"search.{engine}.{shape.name}.refused" in figures)
    figures.add(f"searches.{engine}.refused", refused, "shapes")


def slowest(engine: str, figures: Figures, by: str = "p95") -> list[tuple[str, str]]:
    """Return the shapes that were measured, each with the name of its figure, the slowest first."""
    named = [(shape.name, f"search.{engine}.{shape.name}.{by}") for shape in SHAPES]
    measured = [(shape, name) for shape, name in named if name in figures]
    return sorted(measured, key=lambda each: -figures[each[1]].median)


def draw(searcher: Searcher) -> Rows:
    """Return for each shape the values it is asked with, in an order drawn by a fixed seed; one row a resource."""
    by_type: dict[str, list[Mapping[str, Any]]] = {}
    drawn: Rows = {}
    for shape in SHAPES:
        if not shape.names:
            drawn[shape.name] = [{}]
            continue
        (type,) = {VALUES[name][0] for name in shape.names}
        if type not in by_type:
            by_type[type] = list(searcher.sample(type))
        found = [row for each in by_type[type] if (row := values_in(each, shape.names)) is not None]
        distinct = list({tuple(sorted(row.items())): row for row in found}.values())
        random.Random(_SEED).shuffle(distinct)
        drawn[shape.name] = distinct
    return drawn


def supplement(searcher: Searcher) -> None:
    """Add to each patient what has numbers and URIs, once a store."""
    if b'"total":0' not in searcher.get("RiskAssessment?_summary=count"):
        return
    chance = random.Random(_SEED)
    url: str | None = "Patient?_count=100"
    while url is not None:
        bundle = json.loads(searcher.get(url))
        entries = []
        for entry in bundle.get("entry", ()):
            entries += _supplement(f"Patient/{entry['resource']['id']}", chance)
        searcher.post({"resourceType": "Bundle", "type": "transaction", "entry": entries})
        url = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), None)


def _supplement(patient: str, chance: random.Random) -> list[dict[str, Any]]:
    subject = {"subject": {"reference": patient}}
    risks = [
        {"resourceType": "RiskAssessment", "status": "final", **subject}
        | {"prediction": [{"probabilityDecimal": chance.randrange(10_000) / 10_000}]}
        for _ in range(RISKS)
    ]
    orders = [
        {"resourceType": "ServiceRequest", "status": "active", "intent": "order", **subject}
        | {"instantiatesUri": [f"http://genomics.example/preindications/{chance.randrange(40)}"]}
        for _ in range(ORDERS)
    ]
    return [{"resource": each, "request": {"method": "POST", "url": each["resourceType"]}} for each in risks + orders]

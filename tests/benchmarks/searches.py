"""Searches of every shape in `search_shapes.py`, over HTTP and one connection, with values drawn from the store.

Source: FHIR R4, Search; RESTful API, "search".
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection
from string import Formatter
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

from tests.benchmarks.engines import Engine, serving
from tests.benchmarks.figures import Figures
from tests.benchmarks.search_shapes import SHAPES, VALUES, Shape, url_of

REQUESTS = 200
WARM_UP = 10
_PAGES, _PAGE = 5, 1000
_SEED = 4


class Refused(Exception):
    """The gateway does not do this search."""


class Searcher:
    """A client with one connection."""

    def __init__(self, base: str) -> None:
        parts = urlsplit(base)
        self._base = parts.path
        self._connection = HTTPConnection(parts.hostname or "", parts.port)

    def get(self, url: str) -> bytes:
        """Return the Bundle at a URL below the base, or at a whole one. Raises: Refused."""
        path = (
            urlsplit(url)._replace(scheme="", netloc="").geturl() if url.startswith("http") else f"{self._base}/{url}"
        )
        self._connection.request("GET", path, headers={"accept": "application/fhir+json"})
        response = self._connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise Refused(f"GET {path} was answered with {response.status}: {body[:500].decode()}")
        return body

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


def measure(engine: Engine, url: str, figures: Figures) -> None:
    """Measure all shapes on the database at `url`; a shape that is refused is noted as refused."""
    with serving(url) as served:
        searcher = Searcher(served.base)
        values = draw(searcher)
        for shape in SHAPES:
            prefix = f"search.{engine.name}.{shape.name}"
            try:
                _measure(searcher, shape, values, prefix, figures)
            except Refused as refusal:
                figures.add(f"{prefix}.refused", 1, str(refusal))
        searcher.close()


def _measure(searcher: Searcher, shape: Shape, values: Mapping[str, list[str]], prefix: str, figures: Figures) -> None:
    names = [name for _, name, _, _ in Formatter().parse(shape.url) if name is not None]
    # From the first value of each kind to its last, so that as many as there are take part.
    urls = [
        url_of(shape, {name: values[name][number * len(values[name]) // (REQUESTS + WARM_UP)] for name in names})
        for number in range(REQUESTS + WARM_UP)
    ]
    for asked in urls[:WARM_UP]:
        searcher.get(asked)
    took, matches = [], 0
    for asked in urls[WARM_UP:]:
        begun = perf_counter()
        bundle = searcher.get(asked)
        took.append(perf_counter() - begun)
        matches += bundle.count(b'"mode":"match"')
    took.sort()
    figures.add(f"{prefix}.p50", took[REQUESTS // 2] * 1000, "ms")
    figures.add(f"{prefix}.p95", took[REQUESTS * 95 // 100] * 1000, "ms")
    figures.add(f"{prefix}.matches", matches / REQUESTS, "matches a page")


def draw(searcher: Searcher) -> dict[str, list[str]]:
    """Return values of each kind in an order drawn by a fixed seed, none of them more than once."""
    drawn: dict[str, list[str]] = {}
    order = random.Random(_SEED)
    by_type: dict[str, list[Mapping[str, Any]]] = {}
    for name, (type, values) in VALUES.items():
        if type not in by_type:
            by_type[type] = list(searcher.sample(type))
        found = list(dict.fromkeys(itertools.chain.from_iterable(map(values, by_type[type]))))
        order.shuffle(found)
        drawn[name] = found
    return drawn

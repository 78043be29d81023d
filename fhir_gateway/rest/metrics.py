"""Metrics: what the door counts, and the page that Prometheus reads.

Each worker counts in a table of its own, touched by its event loop only; with several workers the tables are files
in one folder, and whichever worker is asked adds them all up.

Source: Prometheus, "Exposition formats", "Metric and label naming".
"""

from __future__ import annotations

import mmap
import os
import struct
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, MutableSequence, Sequence
from pathlib import Path
from typing import get_args

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector

from fhir_gateway.interactions.interaction import Code

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
# "none": refused before it was clear which interaction was meant.
CODES: tuple[str, ...] = (*get_args(Code), "none")
CLASSES = ("2xx", "3xx", "4xx", "5xx")
SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
BYTES = (1e3, 4e3, 16e3, 64e3, 256e3, 1e6, 4e6, 16e6, 64e6)
DIRECTIONS = ("received", "sent")

# The table: for each interaction the status classes, the buckets of duration and their sum; then for each direction
# the buckets of body sizes and their sum; then how many are in flight.
_BUCKETS = len(SECONDS) + 1
_ROW = len(CLASSES) + _BUCKETS + 1
_SIZES = len(CODES) * _ROW
_SIZE_ROW = len(BYTES) + 2
_IN_FLIGHT = _SIZES + len(DIRECTIONS) * _SIZE_ROW
_SLOTS = _IN_FLIGHT + 1

ROW_OF: Mapping[str, int] = {code: index * _ROW for index, code in enumerate(CODES)}
READ = ROW_OF["read"]

Gauges = Callable[[], Mapping[str, tuple[str, float]]]  # name → help and value


class Metrics:
    """Counts of one worker. `gauges`: what else to tell at each scrape, such as the size of the store."""

    def __init__(self, folder: Path | None = None, gauges: Gauges | None = None) -> None:
        self._folder = folder
        self._slots: MutableSequence[float] = [0.0] * _SLOTS if folder is None else _shared_table(folder)
        self.gauges = gauges
        self._registry = CollectorRegistry()
        self._registry.register(self)
        if folder is None:
            ProcessCollector(registry=self._registry)

    def observe(self, row: int, status: int, seconds: float, received: int, sent: int) -> None:
        """Count an answered request: `row` from ROW_OF, sizes of the bodies in bytes (0: none)."""
        slots = self._slots
        slots[row + status // 100 - 2] += 1
        slots[row + 4 + bisect_left(SECONDS, seconds)] += 1
        slots[row + 4 + _BUCKETS] += seconds
        if sent:
            slots[_SIZES + _SIZE_ROW + bisect_left(BYTES, sent)] += 1
            slots[_SIZES + 2 * _SIZE_ROW - 1] += sent
        if received:
            slots[_SIZES + bisect_left(BYTES, received)] += 1
            slots[_SIZES + _SIZE_ROW - 1] += received

    def in_flight(self, change: int) -> None:
        self._slots[_IN_FLIGHT] += change

    def page(self) -> bytes:
        """Return the text page for a scrape."""
        return generate_latest(self._registry)

    def collect(self) -> Iterable[Metric]:
        """Yield what prometheus_client writes out."""
        slots = self._slots if self._folder is None else _sum_of_tables(self._folder)
        yield from _families(slots)
        if self.gauges is not None:
            for name, (text, value) in self.gauges().items():
                yield GaugeMetricFamily(f"fhir_gateway_{name}", text, value)


def _families(slots: Sequence[float]) -> Iterable[Metric]:
    requests = CounterMetricFamily(
        "fhir_gateway_requests", "Requests answered, by interaction and status class.", labels=["interaction", "status"]
    )
    durations = HistogramMetricFamily(
        "fhir_gateway_request_duration_seconds", "From the head of a request to its answer.", labels=["interaction"]
    )
    for code, row in ROW_OF.items():
        counts = slots[row : row + len(CLASSES)]
        if not any(counts):
            continue
        for status, count in zip(CLASSES, counts, strict=True):
            requests.add_metric([code, status], count)
        first = row + len(CLASSES)
        buckets = slots[first : first + _BUCKETS]
        durations.add_metric([code], _cumulative(SECONDS, buckets), sum_value=slots[first + _BUCKETS])
    sizes = HistogramMetricFamily("fhir_gateway_body_bytes", "Sizes of bodies on the wire.", labels=["direction"])
    for index, direction in enumerate(DIRECTIONS):
        row = _SIZES + index * _SIZE_ROW
        buckets = slots[row : row + _SIZE_ROW - 1]
        sizes.add_metric([direction], _cumulative(BYTES, buckets), sum_value=slots[row + _SIZE_ROW - 1])
    yield requests
    yield durations
    yield sizes
    yield GaugeMetricFamily(
        "fhir_gateway_requests_in_flight", "Requests that wait or are at work now.", slots[_IN_FLIGHT]
    )


def _cumulative(bounds: Sequence[float], counts: Sequence[float]) -> list[tuple[str, float]]:
    """Return buckets as Prometheus wants them: each holds those below it too."""
    total = 0.0
    buckets = []
    for bound, count in zip((*map(str, bounds), "+Inf"), counts, strict=True):
        total += count
        buckets.append((bound, total))
    return buckets


def _shared_table(folder: Path) -> MutableSequence[float]:
    """Return this process's table as a file in `folder`; counts of workers that have died stay there."""
    path = folder / f"{os.getpid()}.table"
    path.write_bytes(bytes(8 * _SLOTS))
    with path.open("r+b") as file:
        return memoryview(mmap.mmap(file.fileno(), 8 * _SLOTS)).cast("d")  # type: ignore[return-value]


def _sum_of_tables(folder: Path) -> Sequence[float]:
    total = [0.0] * _SLOTS
    for path in folder.glob("*.table"):
        table = struct.unpack(f"{_SLOTS}d", path.read_bytes())
        alive = _alive(int(path.stem))
        for index, value in enumerate(table):
            if index != _IN_FLIGHT or alive:
                total[index] += value
    return total


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True

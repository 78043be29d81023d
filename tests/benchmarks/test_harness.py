"""The benchmarks measure what they say: their own parts, tested without a gateway."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from time import process_time
from types import SimpleNamespace

import pytest

from tests.benchmarks import filled, load, read_floor, report, synthea
from tests.benchmarks.engines import Sqlite
from tests.benchmarks.figures import GOALS, Figures, Goal, goal_rows
from tests.benchmarks.processes import cpu_seconds, family_cpu_seconds, peak_mb, resident_mb
from tests.benchmarks.search_shapes import SHAPES, VALUES, Shape, url_of
from tests.benchmarks.stages import Stages
from tests.shared_data import shared

UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@pytest.mark.parametrize(
    ("bound", "value", "reached"),
    [("at least", 2, True), ("at most", 2, True), ("under", 2, False), ("at least", 3, False)],
)
def test_a_goal_is_judged_by_the_median(bound: str, value: float, reached: bool) -> None:
    figures = Figures()
    for measured in (1, 2, 9):
        figures.add("a", measured, "s")
    goal = Goal("a", bound, value, "")  # type: ignore[arg-type]
    assert goal.reached(figures) is reached


def test_what_was_not_measured_is_neither_reached_nor_missed() -> None:
    assert goal_rows(Figures()) == []
    assert GOALS[0].reached(Figures()) is None


def test_every_goal_is_a_figure_that_the_report_shows() -> None:
    figures = Figures()
    for goal in GOALS:
        figures.add(goal.figure, 12_345.0, "")
    tables = report.text(figures).partition("Reach")[0]
    assert tables.count("12,345") == len(GOALS)


def test_a_copy_of_the_bundles_shares_no_uuid_with_them() -> None:
    shared("synthea")
    bundles = list(synthea.bundles(2))
    half = len(bundles) // 2
    first, second = (set(UUID.findall(b"".join(part))) for part in (bundles[:half], bundles[half:]))
    assert len(first) == len(second)
    assert not first & second
    assert sum(map(synthea.entries_in, bundles[:half])) == 5531


def test_cpu_time_of_a_process_and_of_its_children_is_counted() -> None:
    burn = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ninput()"
    with subprocess.Popen([sys.executable, "-c", burn], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        own = cpu_seconds(os.getpid())
        assert 0.25 < cpu_seconds(child.pid) < 3
        assert family_cpu_seconds(os.getpid()) - own > 0.25
        assert 1 < resident_mb(child.pid) <= peak_mb(child.pid) < 500
        child.communicate(b"\n")


def test_a_stage_is_told_without_the_stages_it_calls() -> None:
    def burn(seconds: float) -> None:
        end = process_time() + seconds
        while process_time() < end:
            pass

    def outer() -> None:
        burn(0.02)
        rooms.inner()

    rooms = SimpleNamespace(outer=outer, inner=lambda: burn(0.06))
    stages = Stages()
    with stages.watching(("outer", rooms, "outer"), ("inner", rooms, "inner")):
        rooms.outer()
    assert stages.calls == {"outer": 1, "inner": 1}
    assert stages.seconds["outer"] < 0.05 < stages.seconds["inner"]


def test_the_floor_answers_with_the_bytes_it_was_given(tmp_path: Path) -> None:
    body = b'{"resourceType":"Patient"}'
    headers = [(b"content-type", b"application/fhir+json"), (b"content-length", b"%d" % len(body))]
    paths = tmp_path / "paths"
    paths.write_text("/fhir/Patient/1\n/fhir/Patient/2", encoding="ascii")
    answers = dict.fromkeys(("/fhir/Patient/1", "/fhir/Patient/2"), (headers, body))
    with read_floor.served(answers, tmp_path) as floor:
        seen = load.ask(read_floor.port_of(floor), 3, 50, paths)
        assert seen.requests == 50
        assert 0 < seen.p50 <= seen.p99 < seen.seconds * 1000
        paths.write_text("/fhir/Patient/unknown", encoding="ascii")
        with pytest.raises(subprocess.CalledProcessError):
            load.ask(read_floor.port_of(floor), 1, 1, paths)


def test_a_large_store_is_filled_once_for_the_same_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filled, "FOLDER", tmp_path)
    engine, times = Sqlite(tmp_path), []

    def fill(name: str, of_filling: Figures) -> None:
        Path(engine.create(name).removeprefix("sqlite:///")).touch()
        times.append(name)
        of_filling.add("filled", len(times), "times")

    def ask(reuse: bool = False) -> float:
        figures = Figures()
        url, _ = filled.kept(engine, "large", fill, figures, reuse)
        assert url == engine.url("large")
        return figures["filled"].median

    assert [ask(), ask()] == [1, 1]
    monkeypatch.setattr(filled, "_code", lambda: "other")
    assert [ask(reuse=True), ask(), ask()] == [1, 2, 2]


@pytest.mark.parametrize("shape", SHAPES, ids=[shape.name for shape in SHAPES])
def test_every_value_of_a_search_shape_can_be_drawn(shape: Shape) -> None:
    url = url_of(shape, dict.fromkeys(VALUES, "http://a|b"))
    assert "{" not in url
    assert "|" not in url

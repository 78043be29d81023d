"""Work in the background: steps of several tasks on one thread, errors told and tried again, an end within seconds.

Source: `fhir_gateway/interactions/background.py`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from fhir_gateway.fhir.outcome import Unavailable
from fhir_gateway.interactions import background
from fhir_gateway.interactions.background import Background
from fhir_gateway.store.complaints import STORE_UNAVAILABLE


class Bell:
    """As much of a gateway as the background knows."""

    def __init__(self) -> None:
        self.bell = threading.Event()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def run(*tasks: Any) -> tuple[Background, Any]:
    gateway: Any = Bell()
    made = Background(gateway, tasks)
    made.start()
    return made, gateway


def test_every_task_has_its_turn() -> None:
    counts = {"a": 0, "b": 0}

    def counting(name: str) -> Callable[[Any], float]:
        def step(_: Any) -> float:
            counts[name] += 1
            return 0.001

        return step

    made, _ = run(("a", counting("a")), ("b", counting("b")))
    until(lambda: min(counts.values()) > 3)
    assert made.stop()


def test_the_bell_wakes_what_sleeps() -> None:
    calls: list[float] = []

    def step(_: Any) -> float:
        calls.append(time.monotonic())
        return 60.0

    made, gateway = run(("sleeper", step))
    until(lambda: len(calls) == 1)
    gateway.bell.set()
    until(lambda: len(calls) == 2)
    assert made.stop()


def test_an_error_is_told_without_its_message_and_tried_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "_FIRST_RETRY", 0.01)
    attempts: list[int] = []
    others: list[int] = []

    def failing(_: Any) -> float:
        attempts.append(1)
        if len(attempts) == 1:
            raise ValueError("Dupont, Jean")
        if len(attempts) == 2:
            raise Unavailable(STORE_UNAVAILABLE.at(reason="test"))
        return 60.0

    def other(_: Any) -> float:
        others.append(1)
        return 60.0

    with caplog.at_level(logging.WARNING):
        gateway: Any = Bell()
        made = Background(gateway, [("failing", failing), ("other", other)])
        for turn in made._turns:
            turn.retry = 0.01
        made.start()
        until(lambda: len(attempts) == 3 and len(others) == 1)
        assert made.stop()
    defect, refusal = caplog.records
    assert (defect.levelname, defect.getMessage()) == ("ERROR", "background step failed")
    assert "Dupont" not in defect.getMessage()
    assert refusal.__dict__["fields"]["refusal"] == [STORE_UNAVAILABLE.detail]


def test_each_failure_waits_longer_than_the_one_before() -> None:
    gateway: Any = Bell()

    def failing(_: Any) -> float:
        raise ValueError

    made = Background(gateway, [("failing", failing)])
    (turn,) = made._turns
    waits = []
    for _ in range(8):
        begun = time.monotonic()
        made._take(turn)
        waits.append(round(turn.due - begun))
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]


def test_stopping_waits_for_the_step_at_work_and_begins_no_other() -> None:
    begun, ended = threading.Event(), threading.Event()

    def slow(_: Any) -> float:
        begun.set()
        time.sleep(0.05)
        ended.set()
        return 0.0

    made, _ = run(("slow", slow))
    assert begun.wait(5)
    assert made.stop()
    assert ended.is_set()


def test_a_step_that_does_not_end_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    made, _ = run(("stuck", lambda _: float(release.wait(30))))
    begun = time.monotonic()
    assert not made.stop(0.05)
    assert time.monotonic() - begun < 1
    release.set()

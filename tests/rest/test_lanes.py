"""Work that takes time is bounded: how much at once, how long, and for whom.

Source: FHIR R4, RESTful API, "Status codes"; RFC 9110, 15.6.4.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from fhir_gateway.fhir.outcome import Unavailable
from fhir_gateway.rest.complaints import Overloaded
from fhir_gateway.rest.lanes import ClientGone, Lanes

SECONDS = 5.0


async def waiting() -> Any:
    """A client that stays."""
    await asyncio.Event().wait()


def run(threads: int, at_once: int, limit: float, scenario: Callable[[Lanes], Any]) -> Any:
    lanes = Lanes(threads, at_once, 1000, limit)
    try:
        return asyncio.run(scenario(lanes))
    finally:
        lanes.close()
        assert lanes.busy == 0


def test_work_is_done_in_another_thread_and_its_result_returned():
    async def scenario(lanes: Lanes) -> tuple[int, int]:
        return threading.get_ident(), await lanes.run(threading.get_ident, waiting)

    mine, other = run(1, 1, SECONDS, scenario)
    assert mine != other


def test_what_work_raises_is_raised():
    async def scenario(lanes: Lanes) -> None:
        await lanes.run(lambda: 1 // 0, waiting)

    with pytest.raises(ZeroDivisionError):
        run(1, 1, SECONDS, scenario)


def test_more_at_once_than_allowed_is_refused_and_then_taken_again():
    async def scenario(lanes: Lanes) -> list[Any]:
        free = threading.Event()
        held = [asyncio.ensure_future(lanes.run(free.wait, waiting)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await lanes.run(free.wait, waiting)
        free.set()
        return [*await asyncio.gather(*held), await lanes.run(lambda: "again", waiting)]

    assert run(1, 2, SECONDS, scenario) == [True, True, "again"]


def test_work_beyond_the_time_limit_is_no_longer_waited_for_but_keeps_its_place():
    async def scenario(lanes: Lanes) -> None:
        free = threading.Event()
        with pytest.raises(Unavailable) as refusal:
            await lanes.run(free.wait, waiting)
        assert refusal.value.issues[0].complaint.detail == "time-limit"
        with pytest.raises(Overloaded):
            await lanes.run(free.wait, waiting)
        free.set()
        while lanes.busy:
            await asyncio.sleep(0.01)
        assert await lanes.run(lambda: "again", waiting) == "again"

    run(1, 1, 0.1, scenario)


def test_work_that_no_thread_began_within_the_limit_is_never_begun():
    begun: list[int] = []

    async def scenario(lanes: Lanes) -> None:
        free = threading.Event()
        results = await asyncio.gather(
            lanes.run(free.wait, waiting), lanes.run(lambda: begun.append(1), waiting), return_exceptions=True
        )
        assert [type(result) for result in results] == [Unavailable, Unavailable]
        free.set()

    run(1, 2, 0.1, scenario)
    assert begun == []


def test_work_of_a_client_that_left_while_it_waited_is_never_begun():
    begun: list[int] = []

    async def scenario(lanes: Lanes) -> None:
        free = threading.Event()
        first = asyncio.ensure_future(lanes.run(free.wait, waiting))
        await asyncio.sleep(0)

        async def leaves() -> Any:
            return {"type": "http.disconnect"}

        with pytest.raises(ClientGone):
            await lanes.run(lambda: begun.append(1), leaves)
        free.set()
        await first

    run(1, 2, SECONDS, scenario)
    assert begun == []


def test_work_that_has_begun_goes_on_when_the_client_leaves():
    done: list[int] = []

    async def scenario(lanes: Lanes) -> None:
        begun = threading.Event()

        def work() -> None:
            begun.set()
            time.sleep(0.05)
            done.append(1)

        async def leaves() -> Any:
            while not begun.is_set():
                await asyncio.sleep(0.001)
            return {"type": "http.disconnect"}

        await lanes.run(work, leaves)

    run(1, 1, SECONDS, scenario)
    assert done == [1]


def test_what_else_arrives_is_no_departure():
    async def scenario(lanes: Lanes) -> Any:
        arriving = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> Any:
            if arriving:
                return arriving.pop()
            return await waiting()

        def work() -> str:
            time.sleep(0.05)
            return "done"

        return await lanes.run(work, receive)

    assert run(1, 1, SECONDS, scenario) == "done"

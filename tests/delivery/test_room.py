"""Room for long messages: never more than there is, whoever comes first first, and nothing lost by being called off.

Source: `fhir_gateway/delivery/room.py`.
"""

from __future__ import annotations

import asyncio
import random

import pytest

from fhir_gateway.delivery.room import SHORT, Room

MIB = 1024 * 1024


class Held:
    """How much is held at once, and the most that ever was."""

    def __init__(self) -> None:
        self.now = self.most = 0

    async def hold(self, room: Room, size: int, seconds: float) -> None:
        async with room.of(size):
            self.now += size
            self.most = max(self.most, self.now)
            try:
                await asyncio.sleep(seconds)
            finally:
                self.now -= size


@pytest.mark.parametrize("seed", range(20))
def test_never_is_more_held_than_there_is_room_whoever_is_called_off(seed: int) -> None:
    chance = random.Random(seed)

    async def run() -> None:
        room, held = Room(8 * MIB), Held()
        tasks = [
            asyncio.create_task(held.hold(room, chance.randrange(SHORT + 1, 6 * MIB), chance.random() / 500))
            for _ in range(60)
        ]
        for task in chance.sample(tasks, 20):
            await asyncio.sleep(chance.random() / 2000)
            task.cancel()
        await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 20)
        assert 0 < held.most <= 8 * MIB
        assert held.now == 0
        await asyncio.wait_for(held.hold(room, 8 * MIB, 0), 1)  # all of it is free again

    asyncio.run(run())


def test_what_is_longer_than_all_the_room_goes_alone_and_the_short_pass() -> None:
    async def run() -> None:
        room, held = Room(4 * MIB), Held()
        first = asyncio.create_task(held.hold(room, 20 * MIB, 0.05))
        await asyncio.sleep(0)
        second = asyncio.create_task(held.hold(room, 2 * MIB, 0))
        await asyncio.wait_for(held.hold(room, SHORT, 0), 0.04)
        await asyncio.gather(first, second)
        assert held.most == 20 * MIB + SHORT

    asyncio.run(run())


def test_who_comes_first_is_not_passed_by_who_needs_less() -> None:
    order: list[str] = []

    async def run() -> None:
        room = Room(4 * MIB)

        async def one(name: str, size: int, seconds: float = 0.0) -> None:
            async with room.of(size):
                order.append(name)
                await asyncio.sleep(seconds)

        tasks = []
        for name, size in (("a", 3 * MIB), ("b", 4 * MIB), ("c", SHORT + 1)):
            tasks.append(asyncio.create_task(one(name, size, 0.01)))
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)

    asyncio.run(run())
    assert order == ["a", "b", "c"]


def test_closed_it_calls_off_those_who_wait() -> None:
    async def run() -> None:
        room, held = Room(2 * MIB), Held()
        inside = asyncio.create_task(held.hold(room, 2 * MIB, 0.01))
        await asyncio.sleep(0)
        waiting = asyncio.create_task(held.hold(room, 2 * MIB, 10))
        await asyncio.sleep(0)
        room.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await inside

    asyncio.run(run())

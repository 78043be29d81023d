"""Order: what concerns one patient of one sender is done in the order it came; what does not goes side by side.

A place is taken when a message comes, for all its patients at once; it is its turn when nobody who came before it still
holds one of them. Whoever takes a place gives it back, whatever becomes of the message.

Source: IHE ITI TF-2x, C.2 (messages are processed in the order they come).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable


class Place:
    """A place in the queues of some patients. Use it as a context: inside it is one's turn."""

    __slots__ = ("_order", "_then", "_turn", "_wanted", "keys")

    def __init__(self, order: Order, keys: tuple[int, ...]) -> None:
        self._order = order
        self._turn = threading.Event()
        self._then: Callable[[], None] | None = None
        self._wanted = 0
        self.keys = keys

    def then(self, call: Callable[[], None]) -> None:
        """Have something called when it is one's turn: at once where it is, else by whoever leaves."""
        with self._order.lock:
            if not self._turn.is_set():
                self._then = call
                return
        call()

    def come(self) -> Callable[[], None] | None:
        """Say that it is its turn; return what is to be called then, without the lock. For the order alone."""
        self._turn.set()
        return self._then

    def __enter__(self) -> None:
        self._turn.wait()

    def __exit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Give the place back, also one whose turn never came."""
        self._order.leave(self)


class Order:
    """The queues of all patients. Safe for any number of threads."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._queues: dict[int, deque[Place]] = {}

    def place(self, keys: Iterable[int]) -> Place:
        """Take a place, behind all who have one for any of these keys."""
        made = Place(self, tuple(set(keys)))
        with self.lock:
            for key in made.keys:
                queue = self._queues.setdefault(key, deque())
                made._wanted += bool(queue)
                queue.append(made)
            if not made._wanted:
                made.come()
        return made

    def leave(self, place: Place) -> None:
        calls: list[Callable[[], None]] = []
        with self.lock:
            for key in place.keys:
                queue = self._queues[key]
                was_first = queue[0] is place
                queue.remove(place)
                if not queue:
                    del self._queues[key]
                elif was_first:
                    following = queue[0]
                    following._wanted -= 1
                    if not following._wanted and (call := following.come()) is not None:
                        calls.append(call)
            place.keys = ()
        for call in calls:
            call()

    def __len__(self) -> int:
        """How many patients somebody is at work on."""
        return len(self._queues)

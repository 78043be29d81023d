"""Time by stage: CPU time spent in functions, what they call among each other taken off.

For work that runs in one thread. The clock costs a third of a µs a call, so that stages called per resource cost
little to watch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from time import process_time_ns
from typing import Any
from unittest.mock import patch


class Stages:
    """CPU seconds and calls by name of stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.calls: dict[str, int] = {}
        self._inner = [0]  # nanoseconds of watched functions called by the one at work, by depth

    @contextmanager
    def watching(self, *watched: tuple[str, Any, str]) -> Iterator[None]:
        """Watch functions, each (stage, owner, name), while the block runs."""
        with ExitStack() as stack:
            for stage, owner, name in watched:
                if not hasattr(owner, name):
                    raise LookupError(f"stage {stage!r}: {owner.__name__} has no {name} any more; say what it is now")
                stack.enter_context(patch.object(owner, name, self._watched(stage, getattr(owner, name))))
            yield

    def _watched(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        self.seconds.setdefault(stage, 0.0)
        self.calls.setdefault(stage, 0)

        @wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            self._inner.append(0)
            begun = process_time_ns()
            try:
                return function(*args, **kwargs)
            finally:
                took = process_time_ns() - begun
                self.seconds[stage] += (took - self._inner.pop()) / 1e9
                self.calls[stage] += 1
                self._inner[-1] += took

        return timed

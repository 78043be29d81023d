"""How generated examples are drawn where a whole suite walks through them: seeded, each run the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase

from tests.floors import SEED


def seeded(examples: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that draws `examples` examples by the suite's seed, remembering none between runs."""
    settings: Any = hypothesis.settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    return lambda test: hypothesis.seed(SEED)(settings(test))

"""Counts that may be published: small ones are masked, and others with them so that no sum gives a small one away.

A breakdown divides a total that is published. A cell of 1 to `threshold` - 1 is masked. Whoever subtracts the visible
cells from the total knows the sum of the masked ones; so further cells, the smallest visible first and equal ones
together, are masked until there are at least two, their sum is no small number itself, and they are neither all 1 nor
all the largest small number. Where that cannot be had, the whole breakdown is withheld, without the names of its cells.

Why that is enough, even for somebody who knows this method: what is masked depends on sizes alone, so that the masked
cells might as well have exchanged their sizes; and where all have the same size, two of them might differ by one from
it. Each masked cell thus has at least two values that give the very same publication.

Source: Hundepool et al., Statistical Disclosure Control, "secondary cell suppression"; the rule of the French health
data system that no cell under 11 is published.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

THRESHOLD: Final = 11


def masked(counts: Mapping[str, int], threshold: int = THRESHOLD) -> Mapping[str, int | None] | None:
    """Return the counts, None for each masked cell; None altogether when the breakdown is withheld.

    `counts`: of all cells that divide the total; empty cells are left out of the answer. The total is taken as known.
    """
    held = {key: count for key, count in counts.items() if count > 0}
    hidden = {key for key, count in held.items() if count < threshold}
    if not hidden:
        return held
    for size in sorted({held[key] for key in held.keys() - hidden}):
        if _is_safe([held[key] for key in hidden], threshold):
            break
        # Equal cells go together: to choose one of them by its name would tell which one it is.
        hidden |= {key for key, count in held.items() if count == size}
    if not _is_safe([held[key] for key in hidden], threshold):
        return None
    return {key: None if key in hidden else count for key, count in held.items()}


def _is_safe(hidden: list[int], threshold: int) -> bool:
    return len(hidden) >= 2 and sum(hidden) >= threshold and set(hidden) not in ({1}, {threshold - 1})

"""What terminology costs in process: a code validated, a page of a large value set, as CPU time.

Source: the figures that `fhir_gateway/terminology/README.md` promises.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

from fhir_gateway.fhir.json import encode
from fhir_gateway.interactions.operations.terminology_expand import resource_of
from fhir_gateway.terminology.catalog import Catalog, Given
from fhir_gateway.terminology.code_validation import validate
from fhir_gateway.terminology.composition import Composition
from fhir_gateway.terminology.expansion import expand
from fhir_gateway.terminology.verdict import Coding
from fhir_gateway.terminology.wishes import Wishes
from tests.benchmarks.figures import Figures

SYSTEM = "http://codes.test/many"
CODES = 20_000
PAGE = 100
_ROUNDS = 2_000


def _system() -> dict[str, Any]:
    concepts = [
        {
            "code": f"c{number}",
            "display": f"Term number {number}",
            "designation": [{"language": "fr", "value": f"Terme numéro {number}"}],
        }
        for number in range(CODES)
    ]
    return {
        "resourceType": "CodeSystem", "url": SYSTEM, "version": "1", "status": "active", "language": "en",
        "content": "complete", "concept": concepts,
    }  # fmt: skip


def _sets() -> list[dict[str, Any]]:
    without = [{"system": SYSTEM, "concept": [{"code": "c5"}]}]
    composed: dict[str, dict[str, Any]] = {
        "whole": {"include": [{"system": SYSTEM}]},
        "excluding": {"include": [{"system": SYSTEM}], "exclude": without},
    }
    return [
        {"resourceType": "ValueSet", "url": f"http://sets.test/{name}", "status": "active", "compose": compose}
        for name, compose in composed.items()
    ]


def measure(figures: Figures) -> None:
    """Measure; the figures are `terminology.…`."""
    catalog = Catalog(Given([_system(), *_sets()]))
    whole, excluding = (_found(catalog, name) for name in ("whole", "excluding"))
    codings = [Coding(SYSTEM, f"c{number}", None, f"Term number {number}") for number in range(_ROUNDS)]
    plain = Wishes()
    # The first answers make ready what the later ones find ready.
    for coding in codings[-50:]:
        validate(catalog, whole, [coding], "coding", plain)
    first = _median(lambda number: validate(catalog, whole, [codings[number]], "coding", plain), _ROUNDS - 50)
    again = _median(lambda number: validate(catalog, whole, [codings[number]], "coding", plain), _ROUNDS - 50)
    figures.add("terminology.validate_first", first * 1e6, "µs")
    figures.add("terminology.validate", again * 1e6, "µs")
    figures.add("terminology.page", _page(catalog, whole, 10_000) * 1000, "ms")
    figures.add("terminology.page_excluding", _page(catalog, excluding, 10_000) * 1000, "ms")


def _found(catalog: Catalog, name: str) -> Composition:
    found = catalog.value_set(f"http://sets.test/{name}")
    assert found is not None
    return found


def _page(catalog: Catalog, composition: Composition, offset: int) -> float:
    wishes = Wishes(count=PAGE, offset=offset, include_designations=True)
    return _median(lambda _: encode(resource_of(expand(catalog, composition, wishes))), 30)


def _median(act: Callable[[int], object], times: int) -> float:
    taken = []
    for number in range(times):
        begun = time.process_time_ns()
        act(number)
        taken.append(time.process_time_ns() - begun)
    return median(taken) / 1e9

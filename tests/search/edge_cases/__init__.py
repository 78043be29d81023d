"""Resources made by hand for what Synthea's do not have: open periods, odd numbers, every kind of reference, escapes.

Source: FHIR R4, Search; Data Types; the resources' own pages.
"""

from __future__ import annotations

from tests.search.edge_cases.conditions import conditions
from tests.search.edge_cases.definitions import definitions
from tests.search.edge_cases.elements import BASE, Resource
from tests.search.edge_cases.genomics import genomics
from tests.search.edge_cases.observations import observations
from tests.search.edge_cases.people import patients
from tests.search.edge_cases.places import organizations

__all__ = ["BASE", "resources"]


def resources() -> list[Resource]:
    """Return all of them in the order they are created in."""
    parts = (organizations, patients, conditions, observations, genomics, definitions)
    return [resource for part in parts for resource in part()]

"""What a plan rests on was changed by somebody else before it was carried out: it is made anew.

Source: FHIR R4, RESTful API, "Managing Resource Contention".
"""

from __future__ import annotations


class IdentitiesChanged(Exception):
    """Between the plan and the lock somebody wrote what the plan rests on."""


class GenerationChanged(IdentitiesChanged):
    """Between the plan and the lock somebody changed what resources are indexed by."""

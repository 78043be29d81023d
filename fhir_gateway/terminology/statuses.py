"""What is said of a definition that should not be relied on: deprecated, withdrawn, retired, experimental, a draft.

Source: FHIR R4, PublicationStatus; HL7, standards status; FHIR Terminology Ecosystem (warning-… parameters,
status-check issues).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.terminology import messages
from fhir_gateway.terminology.standing import Standing


def remark(used: Standing, by: Standing) -> str | None:
    """Return what is to be said of a definition that another uses; None when nothing is.

    That it is experimental or a draft says nothing where the one that uses it is so too.
    """
    if used.standards_status in ("deprecated", "withdrawn"):
        return used.standards_status
    if used.status == "retired":
        return "retired"
    if used.experimental:
        return None if by.experimental else "experimental"
    return "draft" if used.is_draft and not by.is_draft else None


def warning(tell: Callable[[str, Any], None], used: Standing, by: Standing) -> None:
    """Tell an expansion what is to be said of a definition."""
    said = remark(used, by)
    if said is not None:
        tell(f"warning-{said}", used.canonical)


def issue(used: Standing, by: Standing) -> Issue | None:
    """Return the issue of a validation that says it."""
    if used is by and used.standards_status is None and used.status == "active":
        return None
    said = remark(used, by)
    return None if said is None else messages.STATUS[said].at(kind=used.kind, canonical=used.canonical)

"""What the dossiers of a submission Bundle lack, as a POST of it, `$validate` and the command line tell alike.

Source: FHIR R4, Bundle, transaction; `fhir_gateway/dossier/rules.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.dossier.codes import Resource
from fhir_gateway.dossier.dossier import submitted
from fhir_gateway.dossier.rules import gaps, state_of
from fhir_gateway.fhir.outcome import InvalidRequest, Issue
from fhir_gateway.fhir.resource import examined

# What a text must contain to be a submission: its type, and the profiles or codes of PFMG.
_TELLING = (b"transaction", b"pfmg-")


def lacking(bundle: Resource, at: str, known: Iterable[Resource] = ()) -> list[Issue]:
    """Return the gaps of each dossier of a Bundle, for the state that it is in; none for what is no submission.

    `at`: the instant at which ages and consents are judged; `known`: resources of the store that the entries refer to.
    """
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") != "transaction":
        return []
    dossiers = [each for each in submitted(bundle, known) if each.people]
    return [gap.issue() for dossier in dossiers for gap in gaps(dossier, state_of(dossier), at)]


def lacking_in(body: bytes, format: Literal["json", "xml", "ndjson"], at: str) -> list[Issue]:
    """Return the gaps of a submission as a file has it, without what a store may know; none where it is not sound."""
    if format == "ndjson" or not all(each in body for each in _TELLING):
        return []
    try:
        read = examined(body, definitions().types, "Bundle", format)
    except InvalidRequest:
        return []  # the validator tells why it cannot be read
    return [] if read.issues else lacking(read.resource, at)

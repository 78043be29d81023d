"""read and vread: a version as stored, its bytes untouched unless a part is asked for; and the conditional read.

Source: FHIR R4, RESTful API, "read", "vread", "conditional read".
"""

from __future__ import annotations

from fhir_gateway.fhir.outcome import Gone, NotFound
from fhir_gateway.interactions import complaints
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Answer, Conditions, Interaction
from fhir_gateway.interactions.preconditions import unmodified
from fhir_gateway.interactions.subset import cut, subset_of
from fhir_gateway.store.contract import Read, Version

UNCONDITIONAL = Conditions()


def read(gateway: Gateway, view: Read, interaction: Interaction) -> Answer:
    """Answer with the current version: 200, or 304 when the sender has it; raises NotFound and Gone.

    Raises: InvalidRequest when `_summary` or `_elements` ask for what there is not.
    """
    type, id = interaction.type, interaction.id
    assert type is not None
    assert id is not None
    subset = subset_of(gateway, interaction)
    return cut(gateway, answer_with(view.current(type, id), type, id, interaction.conditions), type, subset)


def vread(gateway: Gateway, view: Read, interaction: Interaction) -> Answer:
    """Answer with the version named; raises NotFound, Gone when that version is a deletion, InvalidRequest as `read`
    does."""
    type, id, named = interaction.type, interaction.id, interaction.version
    assert type is not None
    assert id is not None
    assert named is not None
    subset = subset_of(gateway, interaction)
    # Versions are numbered from 1; another text, though a FHIR id, names none. "01" is not "1".
    number = int(named) if named.isascii() and named.isdigit() and len(named) < 10 and named[0] != "0" else None
    version = view.version(type, id, number) if number is not None else None
    if version is None:
        if view.current(type, id) is None:
            raise NotFound(complaints.NOT_FOUND.at(type=type, id=id))
        raise NotFound(complaints.VERSION_NOT_FOUND.at(type=type, id=id, version=named))
    return cut(gateway, answer_with(version, type, id, interaction.conditions), type, subset)


def answer_with(version: Version | None, type: str, id: str, conditions: Conditions = UNCONDITIONAL) -> Answer:
    """Return the answer to a read that found this version (a tombstone, None: nothing)."""
    if version is None:
        raise NotFound(complaints.NOT_FOUND.at(type=type, id=id))
    if version.deleted:
        gone = Gone(complaints.DELETED.at(type=type, id=id, version=version.vid))
        # "Servers MAY include an ETag on the error response when reading a deleted record."
        gone.version = version.vid
        raise gone
    if conditions is not UNCONDITIONAL and unmodified(conditions, version):
        return Answer(304, None, version.vid, version.last_updated, shown=(version.rid,))
    return Answer(200, version.body, version.vid, version.last_updated, shown=(version.rid,))

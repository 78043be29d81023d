"""Parts of resources where one is read and where versions are listed: `_summary` and `_elements` outside a search.

Source: FHIR R4, RESTful API, "read", "vread", "history", the general parameters; Search, "Summary", "Elements".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from fhir_gateway.conformance.subset import Asked, Subset
from fhir_gateway.fhir.outcome import InvalidRequest, Issue
from fhir_gateway.interactions import complaints
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Answer, Interaction

PARAMETERS = ("_summary", "_elements")


def asked(gateway: Gateway, interaction: Interaction, types: Collection[str]) -> Asked:
    """Return which part of resources of these types is asked for.

    Raises: InvalidRequest with all that is wrong; names that are no elements are passed over with handling=lenient.
    """
    given = dict(interaction.parameters)
    issues: list[Issue] = [
        complaints.PARAMETER_TWICE.at(name=name)
        for name, times in Counter(name for name, _ in interaction.parameters).items()
        if name in PARAMETERS and times > 1
    ]
    found = Asked()
    try:
        found = gateway.definitions.subsets.asked(given.get("_summary"), given.get("_elements"), types)
    except InvalidRequest as refusal:
        issues += refusal.issues
    if found.count:
        issues.append(complaints.SUMMARY_COUNT.at())
    if interaction.prefer.handling != "lenient":
        issues += found.unknown
    if issues:
        raise InvalidRequest(*issues)
    return found


def subset_of(gateway: Gateway, interaction: Interaction) -> Subset | None:
    """Return which part of the resource a read asks for, None for the whole; raises InvalidRequest, see `asked`."""
    if not interaction.parameters or interaction.type is None:
        return None
    return asked(gateway, interaction, (interaction.type,)).subset


def cut(gateway: Gateway, answer: Answer, type: str, subset: Subset | None) -> Answer:
    """Return an answer with a part of its resource. Version and instant stay those of the version it is a part of."""
    if subset is not None and answer.body is not None:
        answer.body = gateway.definitions.subsets.cut(answer.body, type, subset)
    return answer

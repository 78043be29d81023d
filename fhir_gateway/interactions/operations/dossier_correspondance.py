"""$correspondance: who stands behind the pseudonyms and library numbers of a dossier, for the roles the policy names.

Source: `profiles/pfmg/input/fsh/operations.fsh`; `fhir_gateway/store/pseudonyms.py`.
"""

from __future__ import annotations

from fhir_gateway.fhir.outcome import Unprocessable
from fhir_gateway.interactions import pseudonymity
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Answer
from fhir_gateway.interactions.operations.dossier_parameters import answered, dossier_asked, group, part
from fhir_gateway.interactions.operations.operation import Call
from fhir_gateway.store.contract import Read


def correspondance(gateway: Gateway, view: Read, call: Call) -> Answer:
    """Answer with what each person of the dossier of a request is called, in the order in which it was recorded.

    Raises: NotFound, Gone; Unprocessable for a request of no dossier, or where there is no key; Unavailable where a key
    was lost.
    """
    keys = gateway.files.keys
    if keys is None:
        raise Unprocessable(pseudonymity.NO_KEYS.at(format="$correspondance"))
    from fhir_gateway.store import pseudonyms

    dossier, shown = dossier_asked(gateway, view, call, frozenset())
    found = pseudonyms.of_people(view, keys, (each.key for each in dossier.people))
    return answered(
        (
            group(
                "correspondance",
                part("personne", "Reference", {"reference": each.person}),
                part("nom", "Identifier", {"system": each.system, "value": each.value}),
            )
            for each in found
        ),
        (shown,),
    )

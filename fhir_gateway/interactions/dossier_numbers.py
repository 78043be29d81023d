"""Numbers that platforms give dossiers (type FILL): each is that of one dossier, whoever writes it.

Judged among what the writer sees, as all conditions are; of drafts nothing is asked, since no platform has them yet.

Source: HL7 v2-0203, FILL; `profiles/pfmg/input/fsh/prescription.fsh`, identifier[filler].
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.membership import is_member
from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.outcome import Complaint, Issue
from fhir_gateway.interactions import conditions
from fhir_gateway.interactions.access import seeing
from fhir_gateway.store.contract import Read
from fhir_gateway.store.search.select import match

if TYPE_CHECKING:
    from fhir_gateway.interactions.gateway import Gateway
    from fhir_gateway.interactions.plan import Plan

Resource = Mapping[str, Any]
Pair = tuple[str, str]
IDENTIFIER_TYPE: Final = "http://terminology.hl7.org/CodeSystem/v2-0203"
FILLER: Final = {"coding": [{"system": IDENTIFIER_TYPE, "code": "FILL"}]}
_MOST: Final = 20  # requests that have one number, which are looked at
_UNTOLD: Final = frozenset({"draft", "entered-in-error"})

FILLER_OF_OTHER = Complaint(
    "dossier-filler-of-other",
    "business-rule",
    "Another dossier has the platform's number {number} already. Correct it; where the other is wrong, correct that "
    "first.",
    "Un autre dossier porte déjà le numéro de plateforme {number}. Corrigez-le ; si c'est l'autre qui est faux, "
    "corrigez d'abord celui-là.",
)


def fillers(request: Resource) -> Iterator[tuple[int, Pair]]:
    """Yield the numbers that platforms give a request, each with its place among the identifiers."""
    for place, each in enumerate(request.get("identifier", ())):
        if "system" in each and "value" in each and "FILL" in codes.codes(each.get("type"), IDENTIFIER_TYPE):
            yield place, (str(each["system"]), str(each["value"]))


def locks(planned: Plan) -> frozenset[str]:
    """Return the names of the locks under which it is decided whose a platform's number is."""
    written = (planned.resources.get(index) for index in planned.members)
    return frozenset(
        f"filler {system}|{value}"
        for each in written
        if each is not None and each["resourceType"] == "ServiceRequest"
        for _, (system, value) in fillers(each)
    )


def taken(gateway: Gateway, view: Read, before: Resource | None, after: Resource) -> Iterator[Issue]:
    """Yield a complaint for each number that a write gives a request and that another dossier has."""
    if after.get("status") in _UNTOLD:
        return
    had = {pair for _, pair in fillers(before)} if before is not None and before.get("status") not in _UNTOLD else set()
    own = codes.token(after.get("requisition"))
    for place, pair in fillers(after):
        if pair not in had and dossiers_of(gateway, view, [pair], {str(after.get("id"))}) - {own}:
            yield FILLER_OF_OTHER.at(f"ServiceRequest.identifier[{place}].value", number=pair[1])


def dossiers_of(gateway: Gateway, view: Read, pairs: Iterable[Pair], left_out: Collection[str] = ()) -> set[str | None]:
    """Return the numbers of the dossiers whose requests have one of a platform's numbers, as far as the actor sees
    them. `left_out`: ids of requests that do not count.
    """
    wanted = ",".join(f"{_escaped(system)}|{_escaped(value)}" for system, value in pairs)
    access = gateway.access
    narrowing = access.writing if access is not None else None
    with seeing(view, narrowing):
        query = conditions.query_of(gateway, "ServiceRequest", [("identifier", wanted)], narrowing)
        found = view.current_of(match(view, query, _MOST))
    requests = (decode(each.body) for each in found.values() if not each.deleted and each.id not in left_out)
    return {
        codes.token(each.get("requisition"))
        for each in requests
        if is_member(each) and each.get("status") != "entered-in-error"
    }


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(",", "\\,").replace("|", "\\|").replace("$", "\\$")

"""The platform that a prescriber's place proposes: from region and department, as configured.

A proposal is never more than that: who prescribes may choose the other platform, and is told so. Where no source says
which platform a region belongs to (New Aquitaine), none is proposed.

Source: `terminology/pfmg/CodeSystem-pfmg-territoire.json`, which names the source of each line; another file with the
same url laid over it replaces the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.dossier import Dossier
from fhir_gateway.dossier.preindications import Certainty
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.terminology.shipped import Shipped, shipped


@dataclass(frozen=True, slots=True)
class Proposal:
    """A platform (code of pfmg-plateforme, name, FINESS numbers as "system|value") for a territory, and how sure."""

    platform: str
    display: str
    identifiers: frozenset[str]
    territory: str
    certainty: Certainty


@cache
def territories(content: Shipped | None = None) -> Mapping[str, Proposal]:
    """Return the proposal for each department that has one; the keys begin a postal code and a FINESS number."""
    held = content or shipped()
    system = held.resource("CodeSystem", f"{CANONICAL_BASE}/CodeSystem/pfmg-territoire") or {}
    named = held.resource("CodeSystem", f"{CANONICAL_BASE}/CodeSystem/pfmg-plateforme") or {}
    platforms = {each["code"]: each for each in named.get("concept", ())}
    return {
        department: proposal
        for territory in system.get("concept", ())
        if (proposal := _proposal(territory, platforms)) is not None
        for department in _values(territory, "departement")
    }


def _proposal(territory: Mapping[str, Any], platforms: Mapping[str, Mapping[str, Any]]) -> Proposal | None:
    code = next(_values(territory, "plateforme"), None)
    if code is None or code not in platforms:
        return None
    platform = platforms[code]
    numbers = (*_values(platform, "finess"), *_values(platform, "finess-juridique"))
    certainty: Any = next(_values(territory, "plateforme-certitude"), "unknown")
    identifiers = frozenset(f"{codes.FINESS}|{number}" for number in numbers)
    return Proposal(code, platform["display"], identifiers, territory["display"], certainty)


def _values(concept: Mapping[str, Any], name: str) -> Iterator[str]:
    for each in concept.get("property", ()):
        if each["code"] == name:
            value = next(value for key, value in each.items() if key.startswith("value"))
            yield value["code"] if isinstance(value, Mapping) else value


def proposed(dossier: Dossier) -> Proposal | None:
    """Return the platform proposed for a dossier from where the proband's prescriber works; None: nothing tells."""
    proband = dossier.proband
    if proband is None:
        return None
    request = proband.request.resource
    role = dossier.resolve(request.get("requester"), request)
    reference = role.resource.get("organization") if role is not None and role.type == "PractitionerRole" else None
    organisation = dossier.resolve(reference, request)
    if organisation is None:
        numbers = dossier.organisations(reference, request)
        return next((found for each in sorted(numbers) if (found := of_finess(each)) is not None), None)
    return of_organisation(organisation.resource)


def of_organisation(organisation: codes.Resource) -> Proposal | None:
    """Return the proposal for a structure: by the postal code of its addresses, else by its FINESS number."""
    for address in organisation.get("address", ()):
        if (found := of_postal_code(str(address.get("postalCode", "")))) is not None:
            return found
    numbers = sorted(codes.tokens(organisation))
    return next((found for each in numbers if (found := of_finess(each)) is not None), None)


def of_postal_code(postal_code: str) -> Proposal | None:
    """Return the proposal for a French postal code: its first three characters overseas, else its first two."""
    known = territories()
    return known.get(postal_code[:3]) or known.get(postal_code[:2])


def of_finess(token: str) -> Proposal | None:
    """Return the proposal for a FINESS number, "system|value"; the number begins with the department."""
    system, _, value = token.rpartition("|")
    if system != codes.FINESS or len(value) != 9:
        return None
    # Overseas a number begins with 97 and the number of the department in two digits: 9704 is La Réunion, 974.
    department = f"97{value[3]}" if value.startswith("970") else value[:2]
    return territories().get(department)

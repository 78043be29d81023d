"""The libraries of a dossier, as AURAGEN numbers them.

Source: GIP-CAD, ser_client-api, AURAGEN schemas; profiles/pfmg (one ServiceRequest a person).
"""

from __future__ import annotations

from typing import Final

from fhir_gateway.exchange import people
from fhir_gateway.exchange.people import Person as Person
from fhir_gateway.exchange.people import Resource
from fhir_gateway.exchange.people import codes as codes
from fhir_gateway.exchange.people import identifier as identifier
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE

LIBRARY: Final = f"{CANONICAL_BASE}/identifier/auragen-librairie"
CASE: Final = f"{CANONICAL_BASE}/identifier/auragen-dossier"
INDICATION: Final = f"{CANONICAL_BASE}/CodeSystem/auragen-indication"
PREINDICATION: Final = "http://www.genomecad.fr/CodeSystem/PFMG/Filiere"
KARYOTYPE: Final = "29770-5"  # LOINC; what AURAGEN calls sex is the genetic one


class People(people.People):
    """Who and what is in the resources of one dossier, with their libraries."""

    def libraries(self, key: str) -> list[Resource]:
        """Return the libraries of a person in the order of their numbers."""
        own = (each for each in self.of("Specimen") if self.key(each.get("subject")) == key)
        found = [(number, each) for each in own if (number := identifier(each, LIBRARY)) is not None]
        return [each for _, each in sorted(found, key=lambda pair: pair[0])]

"""The codes that a dossier is made of: the project's systems, those of others, and how to read them off an element.

Source: `terminology/pfmg`; GIP-CAD, PFMG/Filiere 1.0.0; FHIR R4, Datatypes, "CodeableConcept", "Identifier".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from fhir_gateway.fhir.canonical_base import CANONICAL_BASE

Resource = Mapping[str, Any]
Element = Mapping[str, Any]


def _own(name: str) -> str:
    return f"{CANONICAL_BASE}/CodeSystem/pfmg-{name}"


PARCOURS: Final = _own("parcours")
ROLE: Final = _own("role")
EXAMEN: Final = _own("examen")
TACHE: Final = _own("tache")
ETAPE: Final = _own("etape")
JALON: Final = _own("jalon")
MOTIF: Final = _own("motif")
FORMULAIRE: Final = _own("formulaire")
CHOIX: Final = _own("choix")
NATURE: Final = _own("nature")
ORIGINE: Final = _own("origine")
PIECE: Final = _own("piece")
DOCUMENT: Final = _own("document")
STATUT_IDENTITE: Final = _own("statut-identite")
PREINDICATION: Final = "http://www.genomecad.fr/CodeSystem/PFMG/Filiere"

HPO: Final = "http://human-phenotype-ontology.org"
LOINC: Final = "http://loinc.org"
SNOMED: Final = "http://snomed.info/sct"
ROLE_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"

FINESS: Final = "https://finess.esante.gouv.fr"
RPPS: Final = "https://rpps.esante.gouv.fr"
# The number of the INS (NIR), and the ones for tests and demonstrations.
INS: Final = frozenset(f"urn:oid:1.2.250.1.213.1.4.{last}" for last in (8, 10, 11))

PROFILE: Final = f"{CANONICAL_BASE}/StructureDefinition/pfmg-"
PARTICIPANTS: Final = f"{CANONICAL_BASE}/StructureDefinition/nombre-participants"
MOTIF_STRATEGIE: Final = f"{CANONICAL_BASE}/StructureDefinition/motif-strategie"
FOETUS: Final = f"{CANONICAL_BASE}/StructureDefinition/foetus"
ORIGINE_EXTENSION: Final = f"{CANONICAL_BASE}/StructureDefinition/origine"
PATIENT_RECORD: Final = "http://hl7.org/fhir/StructureDefinition/familymemberhistory-patient-record"

RESULT_FILE: Final = f"{CANONICAL_BASE}/identifier/fichier-sha256"  # of a file, by its digest

PRESENT: Final = "LA9633-4"
AFFECTED: Final = "103309006"


def concepts(element: Any) -> Iterator[Element]:
    """Yield the CodeableConcepts of an element that is one, a list of them, or absent."""
    if isinstance(element, list | tuple):
        yield from element
    elif element is not None:
        yield element


def codes(element: Any, system: str) -> tuple[str, ...]:
    """Return the codes of a system in a CodeableConcept, or in a list of them, in their order."""
    return tuple(
        coding["code"]
        for concept in concepts(element)
        for coding in concept.get("coding", ())
        if coding.get("system") == system and "code" in coding
    )


def code(element: Any, system: str) -> str | None:
    """Return the first code of a system in a CodeableConcept or a list of them; None when there is none."""
    return next(iter(codes(element, system)), None)


def concept(system: str, value: str, text: str | None = None) -> dict[str, Any]:
    """Return a CodeableConcept of one code."""
    made: dict[str, Any] = {"coding": [{"system": system, "code": value}]}
    return made if text is None else {**made, "text": text}


def extension(element: Element, url: str) -> Element | None:
    """Return the first extension of a url, or None."""
    return next((each for each in element.get("extension", ()) if each.get("url") == url), None)


def token(identifier: Any) -> str | None:
    """Return an Identifier as "system|value" ("|value" without system); None where it has no value."""
    if not isinstance(identifier, Mapping) or "value" not in identifier:
        return None
    return f"{identifier.get('system', '')}|{identifier['value']}"


def tokens(resource: Resource) -> frozenset[str]:
    """Return the identifiers of a resource as tokens."""
    held = resource.get("identifier", ())
    listed: Iterable[Any] = (held,) if isinstance(held, Mapping) else held
    return frozenset(made for made in map(token, listed) if made is not None)


def identifier(text: str) -> dict[str, str]:
    """Return the Identifier that a token "system|value" stands for."""
    system, _, value = text.rpartition("|")
    return {"system": system, "value": value} if system else {"value": value}

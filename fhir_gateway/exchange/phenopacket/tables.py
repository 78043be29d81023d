"""What each field of a phenopacket is in FHIR: one table for both ways.

A line says a path of the format, the place in the resource, how values become each other. What no line takes is kept.

Source: HL7/phenomics-exchange-ig 1.0.0-ballot; profiles/pfmg (pfmg-phenotype, pfmg-document-reference, pfmg-specimen).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fhir_gateway.exchange.phenopacket import places
from fhir_gateway.exchange.phenopacket.places import At, Component, Extension, Kind, Place
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE

HPO: Final = "http://human-phenotype-ontology.org"
SNOMED: Final = "http://snomed.info/sct"
LOINC: Final = "http://loinc.org"
DEFINED: Final = f"{CANONICAL_BASE}/StructureDefinition"
# "{pfmg}" of profiles/pfmg: age at onset; HPO's own classes of onset, severity and modifiers.
ONSET_AGE: Final = Component(SNOMED, "424850005", "valueQuantity")
ONSET_CLASS: Final = Component(HPO, "HP:0003674", "valueCodeableConcept")
SEVERITY: Final = Component(HPO, "HP:0012824", "valueCodeableConcept")
MODIFIER: Final = Component(HPO, "HP:0012823", "valueCodeableConcept")
AGE: Final = "30525-0"
KARYOTYPE: Final = "29770-5"


@dataclass(frozen=True, slots=True)
class Line:
    """`path`: of the format, "onset.age.iso8601duration"; `many`: a list of values. `otherwise`: what absence says.

    `otherwise` is left out when it is written.
    """

    path: str
    place: Place
    kind: Kind
    many: bool = False
    otherwise: Any = None


@dataclass(frozen=True, slots=True)
class Table:
    """How a message becomes a resource. `fixed`: what the resource always says; `subject`: its person's element."""

    message: str
    type: str
    lines: tuple[Line, ...]
    fixed: Mapping[str, Any]
    subject: str = "subject"


_EXAM: Final = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "exam"}]}

INDIVIDUAL: Final = Table(
    "Individual",
    "Patient",
    (
        Line("sex", At("gender"), places.SEX),
        Line("vitalStatus.status", At("deceasedBoolean"), places.VITAL),
    ),
    {},
    subject="",
)
FEATURE: Final = Table(
    "PhenotypicFeature",
    "Observation",
    (
        Line("type", At("code"), places.CONCEPT),
        Line("excluded", At("valueCodeableConcept"), places.EXCLUDED, otherwise=False),
        Line("severity", SEVERITY, places.CONCEPT),
        Line("modifiers", MODIFIER, places.CONCEPT, many=True),
        Line("onset.age.iso8601duration", ONSET_AGE, places.DURATION),
        Line("onset.ontologyClass", ONSET_CLASS, places.CONCEPT),
        Line("description", At("note.0.text"), places.TEXT),
    ),
    {"status": "final", "category": [_EXAM]},
)
DISEASE: Final = Table(
    "Disease",
    "Condition",
    (
        Line("term", At("code"), places.CONCEPT),
        Line("excluded", At("verificationStatus"), places.REFUTED, otherwise=False),
        Line("onset.age.iso8601duration", At("onsetAge"), places.DURATION),
        Line("onset.timestamp", At("onsetDateTime"), places.INSTANT),
        Line("diseaseStage", At("stage.*.summary"), places.CONCEPT, many=True),
        Line("primarySite", At("bodySite.0"), places.CONCEPT),
    ),
    {},
)
BIOSAMPLE: Final = Table(
    "Biosample",
    "Specimen",
    (
        Line("id", At("identifier.0.value"), places.TEXT),
        Line("sampleType", At("type"), places.CONCEPT),
        Line("sampledTissue", At("collection.bodySite"), places.CONCEPT),
        Line("materialSample", Extension("", f"{DEFINED}/origine", "valueCodeableConcept"), places.ORIGIN),
        Line("timeOfCollection.timestamp", At("collection.collectedDateTime"), places.INSTANT),
        Line("description", At("note.0.text"), places.TEXT),
    ),
    {},
)
_ATTACHMENT: Final = "content.0.attachment"
FILE: Final = Table(
    "File",
    "DocumentReference",
    (
        Line("uri", At(f"{_ATTACHMENT}.url"), places.TEXT),
        Line("fileAttributes.fileFormat", At("content.0.format"), places.FILE_FORMAT),
        Line("fileAttributes.description", At("description"), places.TEXT),
        Line("fileAttributes.title", At(f"{_ATTACHMENT}.title"), places.TEXT),
        Line(
            "fileAttributes.contentType",
            At(f"{_ATTACHMENT}.contentType"),
            places.TEXT,
            otherwise="application/octet-stream",
        ),
        Line(
            "fileAttributes.sha256", Extension(_ATTACHMENT, f"{DEFINED}/empreinte-sha256", "valueString"), places.TEXT
        ),
        Line("fileAttributes.size", Extension(_ATTACHMENT, f"{DEFINED}/taille-octets", "valueDecimal"), places.SIZE),
    ),
    {
        "status": "current",
        "type": {"coding": [{"system": LOINC, "code": "51969-4"}]},
        "category": [{"coding": [{"system": f"{CANONICAL_BASE}/CodeSystem/pfmg-document", "code": "donnees"}]}],
    },
)

"""What a Phenopacket and a Family are made of: the fields of each message, and of what type.

"string", "bool", "number", "integer", "timestamp", "map" (of strings), "any" (VRSATILE, kept as it is), "enum A B", or
the name of another message; "*" behind it: a list.

Source: GA4GH Phenopacket Schema 2.0.2 (ISO 4454:2022), phenopackets.proto, base.proto and those they import.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SCHEMA: Final[Mapping[str, Mapping[str, str]]] = {
    "Family": {
        "id": "string",
        "proband": "Phenopacket",
        "relatives": "Phenopacket*",
        "consanguinousParents": "bool",
        "pedigree": "Pedigree",
        "files": "File*",
        "metaData": "MetaData",
    },
    "Phenopacket": {
        "id": "string",
        "subject": "Individual",
        "phenotypicFeatures": "PhenotypicFeature*",
        "measurements": "Measurement*",
        "biosamples": "Biosample*",
        "interpretations": "Interpretation*",
        "diseases": "Disease*",
        "medicalActions": "MedicalAction*",
        "files": "File*",
        "metaData": "MetaData",
    },
    "Individual": {
        "id": "string",
        "alternateIds": "string*",
        "dateOfBirth": "timestamp",
        "timeAtLastEncounter": "TimeElement",
        "vitalStatus": "VitalStatus",
        "sex": "enum UNKNOWN_SEX FEMALE MALE OTHER_SEX",
        "karyotypicSex": "enum UNKNOWN_KARYOTYPE XX XY XO XXY XXX XXYY XXXY XXXX XYY OTHER_KARYOTYPE",
        "gender": "OntologyClass",
        "taxonomy": "OntologyClass",
    },
    "TimeElement": {
        "gestationalAge": "GestationalAge",
        "age": "Age",
        "ageRange": "AgeRange",
        "ontologyClass": "OntologyClass",
        "timestamp": "timestamp",
        "interval": "TimeInterval",
    },
    "GestationalAge": {
        "weeks": "integer",
        "days": "integer",
    },
    "Age": {
        "iso8601duration": "string",
    },
    "AgeRange": {
        "start": "Age",
        "end": "Age",
    },
    "OntologyClass": {
        "id": "string",
        "label": "string",
    },
    "TimeInterval": {
        "start": "timestamp",
        "end": "timestamp",
    },
    "VitalStatus": {
        "status": "enum UNKNOWN_STATUS ALIVE DECEASED",
        "timeOfDeath": "TimeElement",
        "causeOfDeath": "OntologyClass",
        "survivalTimeInDays": "integer",
    },
    "PhenotypicFeature": {
        "description": "string",
        "type": "OntologyClass",
        "excluded": "bool",
        "severity": "OntologyClass",
        "modifiers": "OntologyClass*",
        "onset": "TimeElement",
        "resolution": "TimeElement",
        "evidence": "Evidence*",
    },
    "Evidence": {
        "evidenceCode": "OntologyClass",
        "reference": "ExternalReference",
    },
    "ExternalReference": {
        "id": "string",
        "reference": "string",
        "description": "string",
    },
    "Measurement": {
        "description": "string",
        "assay": "OntologyClass",
        "value": "Value",
        "complexValue": "ComplexValue",
        "timeObserved": "TimeElement",
        "procedure": "Procedure",
    },
    "Value": {
        "quantity": "Quantity",
        "ontologyClass": "OntologyClass",
    },
    "Quantity": {
        "unit": "OntologyClass",
        "value": "number",
        "referenceRange": "ReferenceRange",
    },
    "ReferenceRange": {
        "unit": "OntologyClass",
        "low": "number",
        "high": "number",
    },
    "ComplexValue": {
        "typedQuantities": "TypedQuantity*",
    },
    "TypedQuantity": {
        "type": "OntologyClass",
        "quantity": "Quantity",
    },
    "Procedure": {
        "code": "OntologyClass",
        "bodySite": "OntologyClass",
        "performed": "TimeElement",
    },
    "Biosample": {
        "id": "string",
        "individualId": "string",
        "derivedFromId": "string",
        "description": "string",
        "sampledTissue": "OntologyClass",
        "sampleType": "OntologyClass",
        "phenotypicFeatures": "PhenotypicFeature*",
        "measurements": "Measurement*",
        "taxonomy": "OntologyClass",
        "timeOfCollection": "TimeElement",
        "histologicalDiagnosis": "OntologyClass",
        "tumorProgression": "OntologyClass",
        "tumorGrade": "OntologyClass",
        "pathologicalStage": "OntologyClass",
        "pathologicalTnmFinding": "OntologyClass*",
        "diagnosticMarkers": "OntologyClass*",
        "procedure": "Procedure",
        "files": "File*",
        "materialSample": "OntologyClass",
        "sampleProcessing": "OntologyClass",
        "sampleStorage": "OntologyClass",
    },
    "File": {
        "uri": "string",
        "individualToFileIdentifiers": "map",
        "fileAttributes": "map",
    },
    "Interpretation": {
        "id": "string",
        "progressStatus": "enum UNKNOWN_PROGRESS IN_PROGRESS COMPLETED SOLVED UNSOLVED",
        "diagnosis": "Diagnosis",
        "summary": "string",
    },
    "Diagnosis": {
        "disease": "OntologyClass",
        "genomicInterpretations": "GenomicInterpretation*",
    },
    "GenomicInterpretation": {
        "subjectOrBiosampleId": "string",
        "interpretationStatus": "enum UNKNOWN_STATUS REJECTED CANDIDATE CONTRIBUTORY CAUSATIVE",
        "gene": "any",
        "variantInterpretation": "VariantInterpretation",
    },
    "VariantInterpretation": {
        "acmgPathogenicityClassification": (
            "enum NOT_PROVIDED BENIGN LIKELY_BENIGN UNCERTAIN_SIGNIFICANCE LIKELY_PATHOGENIC PATHOGENIC"
        ),
        "therapeuticActionability": "enum UNKNOWN_ACTIONABILITY NOT_ACTIONABLE ACTIONABLE",
        "variationDescriptor": "any",
    },
    "Disease": {
        "term": "OntologyClass",
        "excluded": "bool",
        "onset": "TimeElement",
        "resolution": "TimeElement",
        "diseaseStage": "OntologyClass*",
        "clinicalTnmFinding": "OntologyClass*",
        "primarySite": "OntologyClass",
        "laterality": "OntologyClass",
    },
    "MedicalAction": {
        "procedure": "Procedure",
        "treatment": "Treatment",
        "radiationTherapy": "RadiationTherapy",
        "therapeuticRegimen": "TherapeuticRegimen",
        "treatmentTarget": "OntologyClass",
        "treatmentIntent": "OntologyClass",
        "responseToTreatment": "OntologyClass",
        "adverseEvents": "OntologyClass*",
        "treatmentTerminationReason": "OntologyClass",
    },
    "Treatment": {
        "agent": "OntologyClass",
        "routeOfAdministration": "OntologyClass",
        "doseIntervals": "DoseInterval*",
        "drugType": "enum UNKNOWN_DRUG_TYPE PRESCRIPTION EHR_MEDICATION_LIST ADMINISTRATION_RELATED_TO_PROCEDURE",
        "cumulativeDose": "Quantity",
    },
    "DoseInterval": {
        "quantity": "Quantity",
        "scheduleFrequency": "OntologyClass",
        "interval": "TimeInterval",
    },
    "RadiationTherapy": {
        "modality": "OntologyClass",
        "bodySite": "OntologyClass",
        "dosage": "integer",
        "fractions": "integer",
    },
    "TherapeuticRegimen": {
        "externalReference": "ExternalReference",
        "ontologyClass": "OntologyClass",
        "startTime": "TimeElement",
        "endTime": "TimeElement",
        "regimenStatus": "enum UNKNOWN_STATUS STARTED COMPLETED DISCONTINUED",
    },
    "MetaData": {
        "created": "timestamp",
        "createdBy": "string",
        "submittedBy": "string",
        "resources": "Resource*",
        "updates": "Update*",
        "phenopacketSchemaVersion": "string",
        "externalReferences": "ExternalReference*",
    },
    "Resource": {
        "id": "string",
        "name": "string",
        "url": "string",
        "version": "string",
        "namespacePrefix": "string",
        "iriPrefix": "string",
    },
    "Update": {
        "timestamp": "timestamp",
        "updatedBy": "string",
        "comment": "string",
    },
    "Pedigree": {
        "persons": "Person*",
    },
    "Person": {
        "familyId": "string",
        "individualId": "string",
        "paternalId": "string",
        "maternalId": "string",
        "sex": "enum UNKNOWN_SEX FEMALE MALE OTHER_SEX",
        "affectedStatus": "enum MISSING UNAFFECTED AFFECTED",
    },
}

"""A trio's genome as French genomic care orders and reports it, and the lists and groups around it.

Source: FHIR R4, ServiceRequest, Specimen, DiagnosticReport, MolecularSequence, Group, List.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.search.edge_cases.elements import (
    HGNC,
    HPO,
    LOINC,
    PRESCRIPTION,
    SCT,
    V2_0203,
    Resource,
    concept,
    make,
    narrative,
    quantity,
    reference,
)


def genomics() -> Iterator[Resource]:
    placer = {
        "system": "http://chu.example/demandes",
        "value": "G-2024-0001",
        "type": concept(V2_0203, "PLAC", "Numéro de prescription"),
    }
    yield make(
        "ServiceRequest",
        "order",
        status="active",
        intent="order",
        priority="urgent",
        subject=reference("Patient/index"),
        identifier=[placer],
        requisition={"system": "http://chu.example/dossiers", "value": "D-1"},
        authoredOn="2024-02-01T09:30:00+01:00",
        code=concept(LOINC, "86206-0", "Génome en trio", "Whole genome sequencing"),
        requester=reference("PractitionerRole/role1"),
        performer=[reference("Organization/lab")],
        specimen=[reference("Specimen/blood")],
        supportingInfo=[reference("Observation/concept")],
        category=[concept(SCT, "108252007")],
        occurrencePeriod={"start": "2024-02-02"},
        reasonReference=[reference("Condition/onset-age")],
        encounter=reference("Encounter/consult"),
        meta={
            "profile": [f"{PRESCRIPTION}|1.0.0"],
            "tag": [{"system": "http://tags", "code": "trio"}],
            "source": "http://chu.example/sih",
        },
        instantiatesCanonical=["http://fr.example/PlanDefinition/preindication|2024"],
        text=narrative("Prescription de <i>génome</i> pour cardiomyopathie"),
    )
    yield make(
        "ServiceRequest",
        "order-mother",
        status="draft",
        intent="order",
        subject=reference("Patient/mother"),
        basedOn=[reference("ServiceRequest/order")],
        requester=reference("Practitioner/d1"),
        authoredOn="2024-02-01",
        code=concept(LOINC, "86206-0"),
        instantiatesCanonical=["http://fr.example/PlanDefinition/preindication"],
        meta={"profile": [PRESCRIPTION]},
    )
    yield make(
        "ServiceRequest",
        "order-father",
        status="revoked",
        intent="proposal",
        subject=reference("Patient/father"),
        basedOn=[reference("ServiceRequest/order")],
        replaces=[reference("ServiceRequest/order-mother")],
        authoredOn="2024",
        code=concept(text="génome"),
        meta={"profile": [f"{PRESCRIPTION}|2.0.0"]},
    )
    yield make(
        "Specimen",
        "blood",
        status="available",
        subject=reference("Patient/index"),
        type=concept("http://terminology.hl7.org/CodeSystem/v2-0487", "BLD", "Sang EDTA"),
        accessionIdentifier={"system": "http://lab.example", "value": "24/000123"},
        collection={"collectedDateTime": "2024-02-02T08:15:00+01:00", "collector": reference("Practitioner/d3")},
        request=[reference("ServiceRequest/order")],
    )
    yield make(
        "Specimen",
        "dna",
        subject=reference("Patient/index"),
        type=concept("http://terminology.hl7.org/CodeSystem/v2-0487", "DNA", "ADN"),
        parent=[reference("Specimen/blood")],
        collection={"collectedPeriod": {"start": "2024-02-03"}},
        container=[{"identifier": [{"value": "tube-1"}], "type": concept(None, None, "tube sec")}],
    )
    yield make(
        "DiagnosticReport",
        "report",
        status="final",
        code=concept(LOINC, "51969-4", "Compte rendu de génétique"),
        subject=reference("Patient/index"),
        basedOn=[reference("ServiceRequest/order")],
        specimen=[reference("Specimen/dna")],
        result=[reference("Observation/variant")],
        resultsInterpreter=[reference("Practitioner/d3")],
        issued="2024-06-01T12:00:00.000Z",
        effectiveDateTime="2024-05-30",
        category=[concept("http://terminology.hl7.org/CodeSystem/v2-0074", "GE")],
        conclusion="Variant pathogène de MYH7",
        performer=[reference("Organization/lab")],
    )
    yield make(
        "DiagnosticReport",
        "preliminary",
        status="preliminary",
        code=concept(LOINC, "51969-4"),
        subject=reference("Patient/mother"),
        issued="2024-06-02T12:00:00+02:00",
    )
    yield make(
        "Observation",
        "variant",
        status="final",
        code=concept(LOINC, "69548-6", "Variant génétique"),
        subject=reference("Patient/index"),
        specimen=reference("Specimen/dna"),
        valueCodeableConcept=concept(LOINC, "LA9633-4", None, "Present"),
        derivedFrom=[reference("MolecularSequence/seq")],
        component=[
            {
                "code": concept(LOINC, "48018-6", "Gène"),
                "valueCodeableConcept": concept(HGNC, "HGNC:7577", "MYH7", "MYH7"),
            },
            {
                "code": concept(LOINC, "48004-6", "c.HGVS"),
                "valueCodeableConcept": concept("http://varnomen.hgvs.org", "NM_000257.4:c.1208G>A"),
            },
            {"code": concept(LOINC, "81258-6", "Fréquence allélique"), "valueQuantity": quantity(0.5, "1")},
        ],
    )
    yield make(
        "MolecularSequence",
        "seq",
        coordinateSystem=0,
        type="dna",
        patient=reference("Patient/index"),
        referenceSeq={
            "chromosome": concept("http://terminology.hl7.org/CodeSystem/chromosome-human", "14"),
            "referenceSeqId": concept("http://ncbi", "NC_000014.9"),
            "windowStart": 23412740,
            "windowEnd": 23435677,
        },
        variant=[
            {"start": 23426833, "end": 23426834, "observedAllele": "T", "referenceAllele": "C"},
            {"start": 500, "end": 600},
        ],
    )
    yield make(
        "FamilyMemberHistory",
        "maternal",
        status="completed",
        patient=reference("Patient/index"),
        relationship=concept("http://terminology.hl7.org/CodeSystem/v3-RoleCode", "MTH", "mère"),
        condition=[{"code": concept(HPO, "HP:0001639")}],
        date="2024-01",
    )
    yield make(
        "Consent",
        "consent",
        status="active",
        scope=concept("http://terminology.hl7.org/CodeSystem/consentscope", "research"),
        category=[concept(LOINC, "59284-0")],
        patient=reference("Patient/index"),
        dateTime="2024-01-15",
        policyRule=concept(None, None, "AR"),
        provision={"period": {"start": "2024-01-15", "end": "2034-01-15"}},
        organization=[reference("Organization/hospital")],
    )
    yield make(
        "Group",
        "family",
        type="person",
        actual=True,
        name="Famille Dupont",
        member=[{"entity": reference(f"Patient/{id}")} for id in ("index", "mother", "father")],
        characteristic=[
            {"code": concept("http://g", "consanguinity"), "valueBoolean": True, "exclude": False},
            {
                "code": concept("http://g", "age"),
                "valueRange": {"low": quantity(1, "a"), "high": quantity(60, "a")},
                "exclude": False,
            },
        ],
    )
    yield make(
        "List",
        "cohort",
        status="current",
        mode="working",
        title="Réunion pluridisciplinaire",
        entry=[
            {"item": reference("Patient/index")},
            {"item": reference("Patient/father")},
            {"item": reference("Observation/variant")},
        ],
    )
    yield make("List", "empty", status="retired", mode="snapshot", code=concept("http://lists", "worklist"))
    yield make(
        "Task",
        "analysis",
        status="requested",
        intent="order",
        focus=reference("ServiceRequest/order"),
        **{"for": reference("Patient/index")},
        owner=reference("Organization/lab"),
        executionPeriod={"start": "2024-02-05"},
        basedOn=[reference("ServiceRequest/order")],
    )
    yield make(
        "Provenance",
        "prov",
        target=[reference("ServiceRequest/order"), reference("Patient/index")],
        recorded="2024-02-01T09:31:00Z",
        agent=[{"who": reference("Practitioner/d1")}],
    )
    yield make(
        "DocumentReference",
        "consent-scan",
        status="current",
        content=[{"attachment": {"contentType": "application/pdf", "url": "http://docs.example/a?b=c,d|e$f"}}],
        subject=reference("Patient/index"),
        relatesTo=[
            {"code": "replaces", "target": reference("DocumentReference/consent-old")},
            {"code": "appends", "target": reference("DocumentReference/other")},
        ],
    )
    yield make(
        "DocumentReference",
        "consent-old",
        status="superseded",
        content=[{"attachment": {"title": "ancien"}}],
        subject=reference("Patient/index"),
        relatesTo=[{"code": "appends", "target": reference("DocumentReference/other")}],
    )
    yield make(
        "DocumentReference",
        "other",
        status="current",
        content=[{"attachment": {"title": "autre"}}],
        date="2024-01-15T10:00:00.500Z",
    )

"""What a platform returns: report with PDF, variants and what they mean, biomarkers of a tumour, genomic study.

The findings are of no person: well-known variants of public databases, given to invented people.

Source: HL7 Genomics Reporting 3.0.0; `profiles/pfmg/input/fsh/resultats.fsh`; LOINC codes as that guide names them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fhir_gateway.demo_dossiers import resources as make
from fhir_gateway.demo_dossiers.invented import Professional
from fhir_gateway.demo_dossiers.prescription import Member, Prescription
from fhir_gateway.demo_dossiers.resources import Resource, ref
from fhir_gateway.dossier import codes
from fhir_gateway.dossier.codes import concept
from fhir_gateway.fhir.number import Number

GENETICS: Final = concept("http://terminology.hl7.org/CodeSystem/v2-0074", "GE")
GUIDE: Final = "http://hl7.org/fhir/uv/genomics-reporting"
TBD: Final = f"{GUIDE}/CodeSystem/tbd-codes-cs"
HGNC: Final = "http://www.genenames.org"
HGVS: Final = "http://varnomen.hgvs.org"
MONDO: Final = "http://purl.obolibrary.org/obo/mondo.owl"
NCIT: Final = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"
UCUM: Final = "http://unitsofmeasure.org"
ACMG: Final[Mapping[int, str]] = {5: "LA6668-3", 4: "LA26332-9", 3: "LA26333-7", 2: "LA26334-5", 1: "LA6675-8"}
CONCLUSIONS: Final[Mapping[str, tuple[str, str]]] = {
    "positive": ("LA6576-8", "Variant causal identifié."),
    "uncertain": ("LA9663-1", "Variant de signification incertaine ; étude familiale proposée."),
    "negative": ("LA6577-6", "Aucun variant causal identifié dans l'état des connaissances."),
}


@dataclass(frozen=True, slots=True)
class Change:
    """A variant: gene (HGNC id, symbol), HGVS c. with its transcript, HGVS p., ACMG class, what it causes (French)."""

    gene: tuple[str, str]
    coding: str
    protein: str
    acmg: int
    disease: str
    state: str = "LA6706-1"
    source: str = "LA6683-2"
    frequency: str | None = None


GERMLINE: Final = (
    Change(("HGNC:3603", "FBN1"), "NM_000138.5:c.1129T>C", "NP_000129.3:p.(Cys377Arg)", 4, "Syndrome de Marfan"),
    Change(("HGNC:10585", "SCN1A"), "NM_001165963.4:c.2134C>T", "NP_001159435.1:p.(Arg712Ter)", 5,
           "Encéphalopathie développementale et épileptique de type SCN1A"),
    Change(("HGNC:7577", "MYH7"), "NM_000257.4:c.1208G>A", "NP_000248.2:p.(Arg403Gln)", 5,
           "Cardiomyopathie hypertrophique"),
    Change(("HGNC:1101", "BRCA2"), "NM_000059.4:c.68-7T>A", "NP_000050.3:p.?", 3,
           "Prédisposition héréditaire au cancer du sein et de l'ovaire"),
)  # fmt: skip
SOMATIC: Final = (
    Change(("HGNC:11998", "TP53"), "NM_000546.6:c.524G>A", "NP_000537.3:p.(Arg175His)", 5, "Tumeur solide",
           source="LA6684-0", frequency="0.42"),
    Change(("HGNC:6407", "KRAS"), "NM_004985.5:c.35G>A", "NP_004976.2:p.(Gly12Asp)", 5, "Tumeur solide",
           source="LA6684-0", frequency="0.31"),
)  # fmt: skip


def _component(loinc: str, **value: Any) -> Resource:
    return {"code": concept(codes.LOINC, loinc), **value}


def _observation(prescription: Prescription, member: Member, what: str, profile: str, at: str) -> Resource:
    own = prescription.id(member, what)
    return {
        **make.profiled("Observation", own, profile),
        "identifier": [{"system": make.identifier_system("resultat"), "value": f"{prescription.number}-{own}"}],
        "status": "final",
        "category": [concept(make.CATEGORY, "laboratory"), GENETICS],
        "subject": ref(f"Patient/{member.patient_id}"),
        "effectiveDateTime": at[:10],
        "performer": [make.to_structure(prescription.platform)],
    }


def variant(prescription: Prescription, member: Member, change: Change, at: str, tube: str, what: str = "variant",
            secondary: bool = False) -> Resource:  # fmt: skip
    """Return a variant that is present; `tube`: id of the Specimen; `secondary`: an incidental finding."""
    components = [
        _component("48018-6", valueCodeableConcept=concept(HGNC, *change.gene)),
        _component("48004-6", valueCodeableConcept=concept(HGVS, change.coding)),
        _component("48005-3", valueCodeableConcept=concept(HGVS, change.protein)),
        _component("62374-4", valueCodeableConcept=concept(codes.LOINC, "LA26806-2")),
        _component("53034-5", valueCodeableConcept=concept(codes.LOINC, change.state)),
        _component("48002-0", valueCodeableConcept=concept(codes.LOINC, change.source)),
    ]
    if change.frequency is not None:
        value = {"value": Number(change.frequency), "unit": "1", "system": UCUM, "code": "1"}
        components.append(_component("81258-6", valueQuantity=value))
    made = {
        **_observation(prescription, member, what, "variant", at),
        "code": concept(codes.LOINC, "69548-6"),
        "valueCodeableConcept": concept(codes.LOINC, codes.PRESENT),
        "method": concept(codes.LOINC, "LA26398-0"),
        "specimen": ref(f"Specimen/{tube}"),
        "component": components,
    }
    return _marked(made) if secondary else made


def _marked(finding: Resource) -> Resource:
    url = "http://hl7.org/fhir/StructureDefinition/observation-secondaryFinding"
    marked = concept("http://hl7.org/fhir/secondary-finding", "acmg-version2")
    return {**finding, "extension": [{"url": url, "valueCodeableConcept": marked}]}


def implication(prescription: Prescription, member: Member, change: Change, at: str, variant_id: str,
                what: str = "implication", secondary: bool = False) -> Resource:  # fmt: skip
    """Return what a variant means for a person: its ACMG class and the disease."""
    made = {
        **_observation(prescription, member, what, "diagnostic-implication", at),
        "code": concept(TBD, "diagnostic-implication"),
        "derivedFrom": [ref(f"Observation/{variant_id}")],
        "component": [
            _component("53037-8", valueCodeableConcept=concept(codes.LOINC, ACMG[change.acmg])),
            _component("81259-4", valueCodeableConcept={"text": change.disease}),
        ],
    }
    return _marked(made) if secondary else made


def biomarker(prescription: Prescription, member: Member, kind: str, at: str, tube: str, value: Resource) -> Resource:
    """Return TMB, MSI or HRD (`kind` in lower case) of a tumour; `value`: the element value[x]."""
    system, code = {"tmb": (codes.LOINC, "94076-7"), "msi": (codes.LOINC, "81695-9"), "hrd": (NCIT, "C120465")}[kind]
    made = _observation(prescription, member, kind, kind, at)
    made["category"] = [made["category"][0], concept(TBD, "biomarker-category"), GENETICS]
    return {**made, "code": concept(system, code), "specimen": ref(f"Specimen/{tube}"), **value}


def tmb(value: str) -> Resource:
    quantity = {"value": Number(value), "unit": "mutations/Mb", "system": UCUM, "code": "1/1000000{Base}"}
    return {"valueQuantity": quantity}


def msi(is_high: bool) -> Resource:
    return {"valueCodeableConcept": concept(codes.LOINC, "LA26203-2" if is_high else "LA14122-8")}


def hrd(score: int) -> Resource:
    return {"valueQuantity": {"value": score, "unit": "1", "system": UCUM, "code": "1"}}


def study(prescription: Prescription, at: str, tubes: Iterable[str]) -> list[Resource]:
    """Return the genomic study of a dossier, and the one analysis that it is made of."""
    analysis = {
        **_procedure(prescription, "analyse", at),
        "meta": {"profile": [f"{GUIDE}/StructureDefinition/genomic-study-analysis"]},
        "extension": [
            {
                "url": f"{GUIDE}/StructureDefinition/genomic-study-analysis-genome-build",
                "valueCodeableConcept": concept(codes.LOINC, "LA26806-2"),
            },
            *(
                {"url": f"{GUIDE}/StructureDefinition/genomic-study-analysis-specimen", "valueReference": ref(name)}
                for name in (f"Specimen/{each}" for each in tubes)
            ),
        ],
    }
    made = {
        **_procedure(prescription, "etude", at),
        "extension": [
            {
                "url": f"{GUIDE}/StructureDefinition/genomic-study-analysis-ext",
                "valueReference": ref(f"Procedure/{analysis['id']}"),
            }
        ],
        "basedOn": [ref(f"ServiceRequest/{prescription.id(each)}") for each in prescription.members],
        "code": concept(codes.LOINC, "86206-0", "Séquençage du génome entier"),
    }
    return [analysis, made]


def _procedure(prescription: Prescription, what: str, at: str) -> Resource:
    own = prescription.id(prescription.proband, what)
    return {
        **make.profiled("Procedure", own, "genomic-study"),
        "identifier": [{"system": make.identifier_system("etude"), "value": f"{prescription.number}-{what}"}],
        "status": "completed",
        "category": concept(make.CATEGORY, "laboratory"),
        "subject": ref(f"Patient/{prescription.proband.patient_id}"),
        "performedDateTime": at[:10],
        "performer": [{"actor": make.to_structure(prescription.platform)}],
    }


def report(prescription: Prescription, signer: Professional, conclusion: str, at: str, tubes: Iterable[str],
           results: Iterable[Resource] = (), status: str = "final") -> Resource:  # fmt: skip
    """Return the report of a dossier: one, of the proband, on all its requests. `conclusion`: of CONCLUSIONS."""
    own = prescription.id(prescription.proband, "compte-rendu")
    code, text = CONCLUSIONS[conclusion]
    listed = list(results)
    made: Resource = {
        **make.profiled("DiagnosticReport", own, "diagnostic-report"),
        "identifier": [{"system": make.identifier_system("compte-rendu"), "value": prescription.number}],
        "basedOn": [ref(f"ServiceRequest/{prescription.id(each)}") for each in prescription.members],
        "status": status,
        "category": [GENETICS],
        "code": concept(codes.LOINC, "51969-4"),
        "subject": ref(f"Patient/{prescription.proband.patient_id}"),
        "effectiveDateTime": at[:10],
        "performer": [make.to_structure(prescription.platform)],
        "specimen": [ref(f"Specimen/{each}") for each in tubes],
        "conclusion": text,
        "conclusionCode": [concept(codes.LOINC, code)],
    }
    studies = [each for each in listed if f"{codes.PROFILE}genomic-study" in each["meta"]["profile"]]
    if studies:
        url = f"{GUIDE}/StructureDefinition/genomic-study-reference"
        made["extension"] = [{"url": url, "valueReference": ref(f"Procedure/{each['id']}")} for each in studies]
    named = [ref(f"Observation/{each['id']}") for each in listed if each["resourceType"] == "Observation"]
    if named:
        made["result"] = named
    if status != "preliminary":
        title = f"Compte rendu {prescription.number}"
        made |= {
            "issued": at,
            "resultsInterpreter": [make.to_professional(signer)],
            "presentedForm": [{"contentType": "application/pdf", "data": make.PDF, "title": title}],
        }
    return made

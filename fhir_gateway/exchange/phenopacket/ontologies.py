"""Ontologies: the prefixes of their compact identifiers (CURIE), and the code systems that FHIR knows them by.

Source: GA4GH Phenopacket Schema 2.0, "Resource", "Recommended ontologies"; HL7 Terminology, external code systems;
identifiers.org, registry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from fhir_gateway.exchange.phenopacket import complaints
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.fhir.outcome import Issue


@dataclass(frozen=True, slots=True)
class Ontology:
    """An ontology. `whole`: whether a code of the system has the prefix in it ("HP:0001250" but "558" of Orphanet)."""

    prefix: str
    system: str
    whole: bool
    name: str
    url: str
    iri: str


def _obo(prefix: str, name: str) -> Ontology:
    url = f"http://purl.obolibrary.org/obo/{prefix.lower()}.owl"
    return Ontology(prefix, url, True, name, url, f"http://purl.obolibrary.org/obo/{prefix}_")


def _pfmg(name: str, title: str) -> Ontology:
    system = f"{CANONICAL_BASE}/CodeSystem/pfmg-{name}"
    return Ontology(f"PFMG-{name.upper()}", system, False, title, system, f"{system}#")


_HP: Final = "http://purl.obolibrary.org/obo/hp.owl"
ONTOLOGIES: Final = (
    Ontology("HP", "http://human-phenotype-ontology.org", True, "human phenotype ontology", _HP,
             "http://purl.obolibrary.org/obo/HP_"),
    _obo("MONDO", "Mondo Disease Ontology"),
    _obo("UBERON", "Uber-anatomy ontology"),
    _obo("GENO", "Genotype Ontology"),
    _obo("ECO", "Evidence and Conclusion Ontology"),
    _obo("SO", "Sequence types and features ontology"),
    Ontology("NCBITaxon", "http://purl.obolibrary.org/obo/ncbitaxon.owl", True, "NCBI organismal classification",
             "http://purl.obolibrary.org/obo/ncbitaxon.owl", "http://purl.obolibrary.org/obo/NCBITaxon_"),
    Ontology("EFO", "http://www.ebi.ac.uk/efo/efo.owl", True, "Experimental Factor Ontology",
             "http://www.ebi.ac.uk/efo/efo.owl", "http://www.ebi.ac.uk/efo/EFO_"),
    Ontology("NCIT", "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl", False, "NCI Thesaurus",
             "http://purl.obolibrary.org/obo/ncit.owl", "http://purl.obolibrary.org/obo/NCIT_"),
    Ontology("OMIM", "http://www.omim.org", False, "Online Mendelian Inheritance in Man", "https://www.omim.org",
             "https://www.omim.org/entry/"),
    Ontology("ORPHA", "http://www.orpha.net", False, "Orphanet", "http://www.orpha.net",
             "http://www.orpha.net/ORDO/Orphanet_"),
    Ontology("LOINC", "http://loinc.org", False, "LOINC", "https://loinc.org", "https://loinc.org/"),
    Ontology("SNOMED", "http://snomed.info/sct", False, "SNOMED CT", "http://snomed.info/sct",
             "http://snomed.info/id/"),
    Ontology("ICD10", "http://hl7.org/fhir/sid/icd-10", False, "ICD-10", "https://icd.who.int/browse10",
             "https://icd.who.int/browse10/2019/en#/"),
    Ontology("HGNC", "http://www.genenames.org/geneId", True, "HUGO Gene Nomenclature Committee",
             "https://www.genenames.org", "https://identifiers.org/hgnc:"),
    Ontology("PMID", "https://pubmed.ncbi.nlm.nih.gov", False, "PubMed", "https://pubmed.ncbi.nlm.nih.gov",
             "https://www.ncbi.nlm.nih.gov/pubmed/"),
    _pfmg("nature", "PFMG, nature of the specimen"),
    _pfmg("origine", "PFMG, origin of the specimen"),
)  # fmt: skip
BY_PREFIX: Final[Mapping[str, Ontology]] = {each.prefix: each for each in ONTOLOGIES}
BY_SYSTEM: Final[Mapping[str, Ontology]] = {each.system: each for each in ONTOLOGIES}


@dataclass(slots=True)
class Codes:
    """Turns ontology classes into CodeableConcepts and back; tells what has no prefix.

    `declared`: the resources of a metaData by prefix, for ontologies that are not of the table.
    """

    declared: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)

    def concept(self, ontology_class: Any) -> dict[str, Any] | None:
        """Return the CodeableConcept of an OntologyClass; None for what says more than id and label."""
        coding = self.coding(ontology_class)
        if coding is None:
            return None
        text = ontology_class.get("label")
        return {"coding": [coding]} if text is None else {"coding": [coding], "text": text}

    def coding(self, ontology_class: Any) -> dict[str, Any] | None:
        if not isinstance(ontology_class, dict) or not ontology_class.keys() <= {"id", "label"}:
            return None
        curie, label = ontology_class.get("id", ""), ontology_class.get("label", "-")
        prefix, colon, local = curie.partition(":")
        if not (prefix and colon and local and label) or curie.split() != [curie]:
            return None
        known = BY_PREFIX.get(prefix)
        if known is not None:
            return {"system": known.system, "code": curie if known.whole else local}
        url = self.declared.get(prefix, {}).get("url")
        return {"code": curie} if not isinstance(url, str) or url.split() != [url] else {"system": url, "code": curie}

    def ontology_class(self, concept: Mapping[str, Any], place: str) -> dict[str, Any] | None:
        """Return the OntologyClass of a CodeableConcept: of its first coding that has a prefix; None without one."""
        codings = [each for each in concept.get("coding", ()) if "code" in each]
        for coding in codings:
            curie = _curie(coding)
            if curie is None:
                continue
            if "version" in coding:
                self.versions.setdefault(curie.partition(":")[0], str(coding["version"]))
            label = coding.get("display", concept.get("text"))
            return {"id": curie} if label is None else {"id": curie, "label": label}
        for coding in codings:
            self.issues.append(complaints.NO_PREFIX.at(place, system=coding.get("system", "-")))
        return None


def _curie(coding: Mapping[str, Any]) -> str | None:
    known, code = BY_SYSTEM.get(coding.get("system", "")), str(coding["code"])
    if known is not None and not known.whole:
        return f"{known.prefix}:{code}"
    return code if ":" in code else None


def prefixes(value: Any) -> dict[str, None]:
    """Return the prefixes of all compact identifiers below a value, in the order that they stand there.

    Compact identifiers stand where `id` is of an OntologyClass (it has a label or is alone), and of a reference.
    """
    found: dict[str, None] = {}
    _collect(value, found)
    return found


def _collect(value: Any, found: dict[str, None]) -> None:
    if isinstance(value, list):
        for each in value:
            _collect(each, found)
    elif isinstance(value, dict):
        if value.keys() <= {"id", "label", "description", "reference"} and isinstance(value.get("id"), str):
            prefix, colon, _ = value["id"].partition(":")
            if colon:
                found[prefix] = None
        for each in value.values():
            _collect(each, found)

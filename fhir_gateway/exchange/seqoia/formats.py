"""SPICE's prescription: its schema, the names that its rules know objects and resources by, its code maps.

Source: GIP-CAD, ser_client-api, SPICE schema and examples (facts), written anew; mappings/platforms/seqoia.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.conformance.known_packages import OverR4, carried_over
from fhir_gateway.exchange.seqoia import links
from fhir_gateway.exchange.seqoia.moments import KINDS
from fhir_gateway.exchange.vcf.contigs import CHROMOSOME_ANSWERS
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE, PLACEHOLDER
from fhir_gateway.fhir.data_folder import data_folder
from fhir_gateway.fhir.fhirpath.engine import Engine
from fhir_gateway.fhir.fhirpath.model import Model
from fhir_gateway.terminology.shipped import shipped
from fhir_gateway.transform.codes import CodeMaps
from fhir_gateway.transform.fhir_source import FhirPaths
from fhir_gateway.transform.mapping import load
from fhir_gateway.transform.schema import Schema
from fhir_gateway.transform.target import Targets
from fhir_gateway.transform.tree_source import TreePaths
from fhir_gateway.transform.tree_target import TreeTargets

Tables = Mapping[str, Mapping[str, str]]

# What a resource of each name is, where a dossier is written.
ALIASES: Final[Mapping[str, str]] = {
    "Case": "ServiceRequest", "Sign": "Observation", "Disease": "Condition", "Comment": "ServiceRequest",
    "Document": "DocumentReference", "Result": "DocumentReference", "Form": "DiagnosticReport",
    "Report": "DiagnosticReport", "Signer": "DiagnosticReport", "Transfer": "Provenance", "Study": "Procedure",
    "Request": "ServiceRequest", "Patient": "Patient", "Affected": "Observation", "Consent": "Consent",
    "ConsentForm": "DocumentReference", "Tube": "Specimen", "Conformity": "Task", "Tumour": "Specimen",
    "Cellularity": "Observation", "Histology": "Observation", "Dna": "Specimen", "Dna2": "Specimen",
    "Rna": "Specimen", "Qualification": "DocumentReference", "Hrd": "Observation", "Msi": "Observation",
    "Tmb": "Observation", "Variant": "Observation", "Implication": "Observation", "Cnv": "Observation",
    "Link": "FamilyMemberHistory", "Sample": "Specimen", "Owner": "Patient",
    "Prescriber": "PractitionerRole", "Decision": "Provenance", "Sequenced": "Task",
    "Rcp": "Task", "Consented": "Task", "Analysed": "Task", "Interpreted": "Task", "Restituted": "Task",
}  # fmt: skip
# What an object of each name may say, where a file is read.
OBJECTS: Final[Mapping[str, tuple[str, ...]]] = {
    "Case": ("_id", "pid", "pid_crc", "status", "preindication", "is_priority", "exam_key", "date_creation",
             "prescriber", "laboratory"),
    "Person": ("role", "complete", "patient", "ipp_system", "id_anon", "object", "usual", "sample_is_excluded", "who",
               "link", "index", "atteint", "affected"),
    "Consent": ("object", "said", "dateConsent", "who", "form"),
    "Document": ("file_oid", "object", "type", "list", "who", "date", "authors", "lib", "filename", "filetype",
                 "filekind", "dossier"),
    "Comment": ("commentaire", "date", "author"),
    "Tube": ("object", "id_anon", "prelevement_is_no_conform", "received", "type_prelevement_primaire", "paired",
             "who", "dossier", "date_prelevement", "nombre_de_tube_sang", "no_conformity_data", "reasons"),
    "Sample": ("object", "id_anon", "prelevement_is_no_conform", "received", "nature", "lien", "who", "dossier",
               "date_prelevement"),
    "Tumour": ("object", "reference_prelevement_tumoral", "date_reception_du_prelevement_tumoral",
               "type_de_prelevement_tumoral", "etat_tumoral", "who", "dossier", "date_prelevement_adn",
               "organe_du_prelevement", "type_histologique", "key", "cellularite_tumoral_ou_baste", "percent"),
    "Acid": ("object", "number", "received", "nature", "who", "tumour", "dossier", "collected", "sequencing", "place"),
    "Conformity": ("object", "date_when_conformity_is_indicate", "no_conformity_data",
                   "date_when_no_conformity_is_indicate", "dossier", "who"),
    "Sign": ("object", "code", "lib", "who"),
    "Orpha": ("object", "code", "lib", "who"),
    "Step": ("object", "end", "stage", "code", "dossier", "who", "start", "owner", "member"),
    "Transfer": ("dossier", "date_transfert", "to", "from"),
    "Analysis": ("analysis_ID", "who", "dossier", "ended", "laboratory"),
    "Run": ("number", "study", "kind", "who"),
    "Report": ("object", "dossier", "amended", "issued", "forms", "who", "laboratory", "interpreters", "conclusion",
               "closure", "results"),
    "Variant": ("named", "object", "who", "Gene_Name", "coding", "transcript", "features", "HGVS_c", "HGVS_p", "contig",
                "placed", "assembly", "pos", "vaf", "alt_reads", "depth", "rna_vaf", "rna_ad", "census", "status_cnv",
                "class", "key"),
    "Cnv": ("placed", "object", "who", "genes", "contig", "assembly", "start", "end", "type", "nbcopy", "length",
            "genotype", "facet_purity", "facet_infered_ploidy", "_id", "census", "caller"),
    "Hrd": ("object", "who", "sum", "loh", "lst", "tai"),
    "Msi": ("object", "who", "value"),
    "Tmb": ("object", "who", "value", "unit"),
    "Fields": ("object", "group", "who", "specimen"),
    "Field": ("path", "boolean", "number", "text"),
}  # fmt: skip
# Tables that no one publishes: an operator fills them.
PREINDICATIONS: Final = "seqoia-preindications"
EXAMS: Final = "seqoia-examens"
_PARCOURS: Final[Mapping[str, str]] = {"p1": "MR", "p2": "KC", "p3": "OC"}
_FILIERE: Final = "http://www.genomecad.fr/CodeSystem/PFMG/Filiere"
_KEYS: Final = "http://www.seqoia.fr/CodeSystem/preindication"


@cache
def written_schema() -> dict[str, Any]:
    """Return the project's own schema of a prescription, as it is written."""
    text = files(__package__).joinpath("schemas", "spice.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


@cache
def schema() -> Schema:
    return Schema.read(written_schema())


@cache
def _schema_of_texts() -> Schema:
    """Return the schema in which times are texts, as rules write them."""
    made = copy.deepcopy(written_schema())
    for kind in KINDS:
        made["$defs"][kind] = {"type": "string"}
    return Schema.read(made)


def folder() -> Path:
    """Return the folder of the mappings of this format."""
    return data_folder("mappings") / "platforms" / "seqoia"


def filieres() -> Iterator[tuple[str, str, str]]:
    """Yield the published pairs of SeqOIA's key and national code, the first of a key first, each with how equal."""
    found = shipped().resource("ConceptMap", f"{CANONICAL_BASE}/ConceptMap/seqoia-preindication") or {}
    for group in found.get("group", ()):
        for element in group["element"]:
            for target in element["target"]:
                yield element["code"], target["code"], target["equivalence"]


def keys_of(filiere: str) -> list[str]:
    """Return SeqOIA's keys that are published for a national code."""
    return [key for key, code, equal in filieres() if code == filiere and equal == "equivalent"]


def _table(name: str, rows: Iterable[tuple[str, str]], system: str = "") -> dict[str, Any]:
    elements = [{"code": code, "target": [{"code": to, "equivalence": "equivalent"}]} for code, to in rows]
    return {"resourceType": "ConceptMap", "url": f"{CANONICAL_BASE}/ConceptMap/{name}", "name": name,
            "group": [{"target": system, "element": elements}]}  # fmt: skip


def _displays(url: str) -> dict[str, str]:
    found = shipped().resource("CodeSystem", url) or {}
    return {str(each["code"]): str(each["display"]) for each in found.get("concept", ())}


def maps(tables: Tables) -> CodeMaps:
    """Return the code maps that ship, those made of what ships, and an operator's private tables."""
    text = (each.read_text(encoding="utf-8") for each in sorted((folder() / "maps").glob("*.json")))
    own = [json.loads(each.replace(PLACEHOLDER, CANONICAL_BASE)) for each in text]
    exams = list(tables.get(EXAMS, {}).items())
    first: dict[str, str] = {}
    for key, code, equal in filieres():
        if equal != "relatedto":
            first.setdefault(key, code)
    single = {code: found[0] for _, code, _ in filieres() if len(found := keys_of(code)) == 1}
    read = [(str(row["code"]), row["target"][0]["code"]) for row in next(
        each for each in own if each["name"] == "seqoia-examen")["group"][0]["element"]]  # fmt: skip
    keys = {**single, **tables.get(PREINDICATIONS, {})}
    names, filieres_named = _displays(_KEYS), _displays(_FILIERE)
    categories = _displays(f"{CANONICAL_BASE}/CodeSystem/seqoia-categorie")
    private = {key: code for code, key in tables.get(PREINDICATIONS, {}).items()}
    national = {code: names.get(key, filieres_named.get(code, "")) for code, key in keys.items()}
    made = [
        _table(
            "seqoia-examen", [*read, *((to, code) for code, to in exams)], f"{CANONICAL_BASE}/CodeSystem/pfmg-examen"
        ),
        _table("seqoia-key-of-examen", [*exams, *((code, key) for key, code in read)]),
        _table("seqoia-filiere", {**first, **private}.items(), _FILIERE),
        _table("seqoia-key-of-filiere", keys.items(), _KEYS),
        _table("seqoia-name-of-key", names.items()),
        _table("seqoia-name-of-filiere", national.items()),
        _table("seqoia-catname-of-parcours", ((parcours, categories[key]) for key, parcours in _PARCOURS.items())),
        _table("seqoia-name-of-role", ((code, name) for code, name in links.names().items())),
        _table("seqoia-chromosome", CHROMOSOME_ANSWERS.items(), "http://loinc.org"),
        _table("seqoia-contig", ((code, name) for name, code in CHROMOSOME_ANSWERS.items())),
    ]
    return CodeMaps((*made, *own, *shipped().resources("ConceptMap")))


class Format:
    """SPICE's prescription, its rules compiled. `tables`: an operator's private tables by name."""

    def __init__(self, tables: Tables) -> None:
        model = definitions()
        self.schema = schema()
        self.targets = TreeTargets({"spice": _schema_of_texts()})
        self.paths = FhirPaths(ALIASES, model.types, Engine(Model(model.types)))
        self.keys = TreePaths(OBJECTS)
        codes = maps(tables)
        own = folder() / "spice"
        known = carried_over(OverR4(shipped(), model, any_version=True))
        resources = Targets(model.types, known, (CANONICAL_BASE,))
        self.reading = load([("seqoia/read", own / "read")], resources, codes, self.keys).messages["spice"]
        self.writing = load([("seqoia/write", own / "write")], self.targets, codes, self.paths).messages["spice"]

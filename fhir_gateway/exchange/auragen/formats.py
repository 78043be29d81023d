"""The four files of AURAGEN: their schemas, the mappings that read and write them.

Source: GIP-CAD, ser_client-api, AURAGEN schemas (facts of meta_clinic_mr, meta_clinic_kc, meta_libraries,
meta_software), written anew; mappings/platforms/auragen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Literal, get_args

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.conformance.known_packages import OverR4, carried_over
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE, PLACEHOLDER
from fhir_gateway.fhir.data_folder import data_folder
from fhir_gateway.fhir.fhirpath.engine import Engine
from fhir_gateway.fhir.fhirpath.model import Model
from fhir_gateway.terminology.shipped import shipped
from fhir_gateway.transform.codes import CodeMaps
from fhir_gateway.transform.fhir_source import FhirPaths
from fhir_gateway.transform.mapping import MessageMapping, load
from fhir_gateway.transform.schema import Schema
from fhir_gateway.transform.target import Targets
from fhir_gateway.transform.tree_source import TreePaths
from fhir_gateway.transform.tree_target import TreeTargets

Kind = Literal["clinic_mr", "clinic_kc", "libraries", "software"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

# What a segment of each name is, where a dossier is written.
ALIASES: Final[Mapping[Kind, Mapping[str, str]]] = {
    "clinic_mr": {
        "Case": "ServiceRequest", "Index": "Specimen", "Sign": "Observation", "Request": "ServiceRequest",
        "Patient": "Patient", "Karyotype": "Observation", "Library": "Specimen", "Tube": "Specimen",
        "Affected": "Observation", "Link": "FamilyMemberHistory", "Father": "Specimen", "Mother": "Specimen",
    },
    "libraries": {
        "Case": "ServiceRequest", "First": "Specimen", "Library": "Specimen", "Tube": "Specimen",
        "Extraction": "Procedure", "Qualification": "Procedure", "Quantification": "Procedure",
        "Preplib": "Procedure", "Din": "Observation", "Rin": "Observation", "Gqn": "Observation",
        "Rqn": "Observation", "Concentration": "Observation",
    },
    "clinic_kc": {
        "Case": "ServiceRequest", "Patient": "Patient", "Karyotype": "Observation", "Tumour": "Specimen",
        "Cellularity": "Observation", "Histology": "Observation", "Primary": "Condition", "WgsTumour": "Specimen",
        "WgsNormal": "Specimen", "WesTumour": "Specimen", "RnaseqTumour": "Specimen",
    },
    "software": {
        "Case": "ServiceRequest", "First": "Specimen", "Any": "Procedure", "Library": "Specimen", "Run": "Procedure",
        "RunComponent": "Procedure", "Workflow": "Procedure", "Component": "Procedure",
    },
}  # fmt: skip
# What an object of each name may say, where a file is read.
OBJECTS: Final[Mapping[Kind, Mapping[str, tuple[str, ...]]]] = {
    "clinic_mr": {
        "Case": ("description", "version", "case_id", "indication_code", "hpo_terms", "index_case", "individuals",
                 "parcours"),
        "Sign": ("code",),
        "Individual": ("lib_id", "sex", "status", "sample_type", "family", "birth_year", "parent1", "parent2"),
        "Parent": ("child", "parent", "role"),
    },
    "libraries": {
        "Case": ("description", "version", "case_id", "libraries", "parcours"),
        "Library": ("lib_id", "seq_type", "sample_type", "sample_tissue", "sample_storage", "extraction",
                    "qualification", "quantification", "preplib"),
        "Step": ("step", "instrument", "kit", "library"),
        "Measure": ("name", "value", "library"),
    },
    "clinic_kc": {
        "Case": ("description", "version", "case_id", "indication_code", "sex", "birth_year", "cimo", "sampling_date",
                 "cellularity", "conservation", "libraries", "tumour", "sampled", "low", "high", "percent"),
        "Library": ("lib_id", "seq_type", "state", "tumour"),
    },
    "software": {
        "Case": ("description", "version", "case_id", "libraries", "patient_workflows"),
        "Library": ("lib_id", "run_workflows"),
        "Workflow": ("key", "mode", "library", "name", "version", "components"),
        "Component": ("key", "workflow", "library", "category", "name", "version", "status"),
    },
}  # fmt: skip


@cache
def schema(kind: Kind) -> Schema:
    """Return the project's own schema of a file."""
    text = files(__package__).joinpath("schemas", f"{kind}.json").read_text(encoding="utf-8")
    return Schema.read(json.loads(text))


@cache
def engine() -> Engine:
    return Engine(Model(definitions().types))


@cache
def fhir_targets() -> Targets:
    """Return the places that rules may fill: of R4, with the extensions of the packages that ship."""
    known = carried_over(OverR4(shipped(), definitions(), any_version=True))
    return Targets(definitions().types, known, (CANONICAL_BASE,))


def folder() -> Path:
    """Return the folder of the mappings of this format."""
    return data_folder("mappings") / "platforms" / "auragen"


def maps(tables: Mapping[str, Mapping[str, str]]) -> CodeMaps:
    """Return the code maps that ship, and an operator's private tables: by name, code to code, empty by default."""
    own = (json.loads(_written(each)) for each in sorted((folder() / "maps").glob("*.json")))
    private = (_table(name, tables.get(name, {})) for name in PRIVATE)
    return CodeMaps((*private, *own, *shipped().resources("ConceptMap")))


# Tables that no one publishes: an operator fills them.
PRIVATE: Final = ("auragen-indications",)


def _written(path: Path) -> str:
    return path.read_text(encoding="utf-8").replace(PLACEHOLDER, CANONICAL_BASE)


def _table(name: str, rows: Mapping[str, str]) -> dict[str, Any]:
    elements = [{"code": code, "target": [{"code": to, "equivalence": "equivalent"}]} for code, to in rows.items()]
    return {"resourceType": "ConceptMap", "url": f"{CANONICAL_BASE}/ConceptMap/{name}", "name": name,
            "group": [{"element": elements}]}  # fmt: skip


class Format:
    """One file of AURAGEN, its rules compiled. `tables`: an operator's private tables by name."""

    def __init__(self, kind: Kind, tables: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self.kind = kind
        self.schema = schema(kind)
        self.targets = TreeTargets({kind: self.schema})
        self.paths = FhirPaths(ALIASES[kind], definitions().types, engine())
        self.keys = TreePaths(OBJECTS[kind])
        codes = maps(tables or {})
        own = folder() / kind
        name = f"auragen/{kind}"
        self.writing: MessageMapping = load(
            [(f"{name}/write", own / "write")], self.targets, codes, self.paths
        ).messages[kind]
        self.reading: MessageMapping = load(
            [(f"{name}/read", own / "read")], fhir_targets(), codes, self.keys
        ).messages[kind]

"""The rules of phenopackets, compiled: an object of the format under the name of its message, a resource likewise.

Source: mappings/platforms/phenopacket; GA4GH Phenopacket Schema 2.0; HL7/phenomics-exchange-ig 1.0.0-ballot.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.conformance.known_packages import OverR4, carried_over
from fhir_gateway.exchange.phenopacket.schema import SCHEMA
from fhir_gateway.exchange.vcf.contigs import CHROMOSOME_ANSWERS
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE, PLACEHOLDER
from fhir_gateway.fhir.data_folder import data_folder
from fhir_gateway.fhir.fhirpath.engine import Engine
from fhir_gateway.fhir.fhirpath.model import Model
from fhir_gateway.terminology.shipped import shipped
from fhir_gateway.transform.codes import CodeMaps
from fhir_gateway.transform.fhir_source import FhirPaths
from fhir_gateway.transform.mapping import MessageMapping, load, version_of
from fhir_gateway.transform.schema import Schema
from fhir_gateway.transform.target import Targets
from fhir_gateway.transform.tree_source import TreePaths
from fhir_gateway.transform.tree_target import TreeTargets

HPO: Final = "http://human-phenotype-ontology.org"
LOINC: Final = "http://loinc.org"
AGE: Final = "30525-0"
KARYOTYPE: Final = "29770-5"
VARIANT: Final = "69548-6"
IMPLICATION: Final = "diagnostic-implication"
DISEASE_OF: Final = "81259-4"  # GR: the phenotype that an implication is of
# The messages that become resources, and what each is, with the segments that tell it besides.
ALIASES: Final[Mapping[str, str]] = {
    "Individual": "Patient", "Age": "Observation", "Karyotype": "Observation", "PhenotypicFeature": "Observation",
    "Disease": "Condition", "Biosample": "Specimen", "File": "DocumentReference", "Variant": "Observation",
    "Implication": "Observation",
}  # fmt: skip
MESSAGES: Final = ("Individual", "PhenotypicFeature", "Disease", "Biosample", "File", "GenomicInterpretation")
# What an object says besides: the status of what it becomes, of whom it is (a reference).
STATUS, OF = "status", "of"
# What a GenomicInterpretation is arranged as, where it is read.
_INTERPRETED: Final = ("descriptor", "hgvs", "record", "named", "class", "disease", STATUS, OF)
# Keys of maps that rules may fill: the schema leaves them open.
_ATTRIBUTES: Final = ("fileFormat", "description", "title", "contentType", "sha256", "size")


class Rules(NamedTuple):
    """The rules of all messages, both ways, with the languages of their paths."""

    read: Mapping[str, MessageMapping]
    written: Mapping[str, MessageMapping]
    keys: TreePaths
    paths: FhirPaths
    targets: TreeTargets


def folder() -> Path:
    """Return the folder of the mappings of this format."""
    return data_folder("mappings") / "platforms" / "phenopacket"


def schema_of(message: str) -> dict[str, Any]:
    """Return a message as a schema of trees."""
    return {"type": "object", "properties": {name: _of_kind(kind) for name, kind in SCHEMA[message].items()}}


def _of_kind(kind: str) -> dict[str, Any]:
    if kind.endswith("*"):
        return {"type": "array", "items": _of_kind(kind[:-1])}
    if kind in SCHEMA:
        return schema_of(kind)
    if kind == "map":
        return {"type": "object", "properties": {name: {"type": "string"} for name in _ATTRIBUTES}}
    return {"type": kind if kind in ("number",) else "boolean" if kind == "bool" else "string"}


def _maps() -> CodeMaps:
    text = (each.read_text(encoding="utf-8") for each in sorted((folder() / "maps").glob("*.json")))
    own = [json.loads(each.replace(PLACEHOLDER, CANONICAL_BASE)) for each in text]
    answers = CHROMOSOME_ANSWERS.items()
    own += [_table("phenopacket-chromosome", answers, LOINC)]
    own += [_table("phenopacket-contig", [(code, f"chr{name}") for name, code in answers])]
    return CodeMaps((*own, *shipped().resources("ConceptMap")))


def _table(name: str, rows: Any, system: str = "") -> dict[str, Any]:
    elements = [{"code": code, "target": [{"code": to, "equivalence": "equivalent"}]} for code, to in rows]
    return {"resourceType": "ConceptMap", "url": f"{CANONICAL_BASE}/ConceptMap/{name}", "name": name,
            "group": [{"target": system, "element": elements}]}  # fmt: skip


@cache
def rules() -> Rules:
    """Return the rules. Raises: what `load` raises, with all that is wrong, each with file and line."""
    model, codes = definitions(), _maps()
    keys = TreePaths(
        {**{each: (*SCHEMA[each], STATUS, OF) for each in MESSAGES}, "GenomicInterpretation": _INTERPRETED}
    )
    paths = FhirPaths(ALIASES, model.types, Engine(Model(model.types)))
    resources = Targets(model.types, carried_over(OverR4(shipped(), model, any_version=True)), (CANONICAL_BASE,))
    targets = TreeTargets({each: Schema.read(schema_of(each)) for each in MESSAGES})
    read = load([("phenopacket/read", folder() / "read")], resources, codes, keys).messages
    written = load([("phenopacket/write", folder() / "write")], targets, codes, paths).messages
    return Rules(read, written, keys, paths, targets)


@cache
def version() -> str:
    """Return the version of the rules that read."""
    return version_of([("phenopacket/read", folder() / "read")], _maps())

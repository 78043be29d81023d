"""Phenopackets of any content: each field of the official classes, filled at random with what its type allows.

Source: GA4GH Phenopacket Schema 2.0, the classes of PyPI `phenopackets`; ProtoJSON.
"""

from __future__ import annotations

import random
from typing import Any, Final

import phenopackets
from google.protobuf.descriptor import Descriptor, FieldDescriptor

_TEXTS: Final = ("a", "Été 2026", " blank around ", "x/y~z", "0", "<b>", "𝔸", "ligne\nnouvelle")
_CLASSES: Final = (
    "HP:0001250",
    "OMIM:101600",
    "UBERON:0000178",
    "LOINC:1234-5",
    "ORPHA:558",
    "ZZZ:1",
    "no prefix",
    "HP:",
)
_AGES: Final = ("P1Y", "P8M", "P3.5W", "P1Y2M", "PT5H", "", "P10D")
_TIMES: Final = ("2026-01-02T00:00:00Z", "2026-01-02T03:04:05Z", "2022-10-03T16:39:04.000123456Z")
# Of texts that mean something by their form.
_FORMS: Final[dict[str, tuple[str, ...]]] = {
    "iso8601duration": _AGES,
    "value": ("NM_000138.5:c.1129T>C", "NC_000007.14:g.140753336A>T", "NP_000129.3:p.(Cys377=)", "c.1A>G", "chr1:5"),
    "syntax": ("hgvs", "hgvs.c", "hgvs.g", "spdi"),
    "genomeAssembly": ("GRCh38", "GRCh37.p13", "hg19", "T2T-CHM13v2.0"),
    "chrom": ("1", "chr7", "X", "MT", "GL000192.1"),
    "ref": ("A", "AT", "N", "", "<"),
    "alt": ("G", "A", "<DEL>", "*", "."),
    "phenopacketSchemaVersion": ("2.0", "2.0.0", "1.0.0"),
}
_SCALARS: Final = {
    FieldDescriptor.TYPE_BOOL: lambda draw: draw.random() < 0.5,
    FieldDescriptor.TYPE_DOUBLE: lambda draw: draw.choice([0.5, -1.25, 3.0]),
    FieldDescriptor.TYPE_UINT64: lambda draw: draw.choice(["12345", 77, "0"]),
}


def packet(draw: random.Random, message: str = "Phenopacket") -> dict[str, Any]:
    """Return a Phenopacket or Family in JSON, whose subject has an id."""
    made = _message(getattr(phenopackets, message).DESCRIPTOR, draw, 0)
    if message == "Family":
        made |= {"id": "F", "proband": packet(draw), "relatives": [], "pedigree": {"persons": []}}
        return made
    made["subject"] = {**made.get("subject", {}), "id": f"person {draw.randint(0, 9)}"}
    return made


def _message(descriptor: Descriptor, draw: random.Random, depth: int) -> dict[str, Any]:
    name = descriptor.name
    if name == "OntologyClass":
        made: dict[str, Any] = {"id": draw.choice(_CLASSES)}
        return {**made, "label": draw.choice(_TEXTS)} if draw.random() < 0.8 else made
    made, chosen = {}, {each.name: draw.choice(each.fields).name for each in descriptor.oneofs}
    for field in descriptor.fields:
        one_of = field.containing_oneof
        if draw.random() > (0.7 if depth < 3 else 0.4) or (one_of is not None and chosen[one_of.name] != field.name):
            continue
        if field.message_type is not None and field.message_type.full_name.startswith("org.ga4gh.vrs."):
            continue
        made[field.json_name] = _field(field, draw, depth)
    for needed in _NEEDED.get(name, ()):
        if needed not in made:
            made[needed] = _field(descriptor.fields_by_camelcase_name[needed], draw, depth)
    return made


_NEEDED: Final[dict[str, tuple[str, ...]]] = {
    "Biosample": ("id",), "File": ("uri",), "Interpretation": ("id",), "PhenotypicFeature": ("type",),
    "Disease": ("term",), "Individual": ("id",), "Person": ("individualId",),
}  # fmt: skip


def _field(field: FieldDescriptor, draw: random.Random, depth: int) -> Any:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return {key: draw.choice(_TEXTS) for key in draw.sample(["fileFormat", "size", "title", "genomeAssembly"], 2)}
    if field.is_repeated:
        return [_one(field, draw, depth + 1) for _ in range(draw.randint(1, 2))]
    return _one(field, draw, depth + 1)


def _one(field: FieldDescriptor, draw: random.Random, depth: int) -> Any:
    if field.message_type is not None:
        if field.message_type.full_name == "google.protobuf.Timestamp":
            return draw.choice(_TIMES)
        return _message(field.message_type, draw, depth)
    if field.enum_type is not None:
        return draw.choice(field.enum_type.values).name
    scalar = _SCALARS.get(field.type)
    if scalar is not None:
        return scalar(draw)
    if field.type == FieldDescriptor.TYPE_STRING:
        return draw.choice(_FORMS.get(field.json_name, _TEXTS))
    return draw.randint(0, 9)

"""What is accepted, upgraded, kept and refused when a phenopacket is read; the schema against the official classes.

Source: GA4GH Phenopacket Schema 2.0 and 1.0; ProtoJSON.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import phenopackets
import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from phenopackets.schema.v2.core import interpretation_pb2

from fhir_gateway.conformance.validators import r4_validator
from fhir_gateway.exchange.pedigree.gathered import of_bundle
from fhir_gateway.exchange.phenopacket.reading import read
from fhir_gateway.exchange.phenopacket.schema import SCHEMA
from fhir_gateway.exchange.phenopacket.writing import Options, write
from fhir_gateway.fhir.json import encode
from fhir_gateway.fhir.outcome import InvalidRequest, Unprocessable
from tests.exchange.phenopacket.random_packets import packet
from tests.shared_data import shared

AT = "2026-11-22T09:00:00Z"


def again(value: dict[str, Any]) -> dict[str, Any]:
    held = read(json.dumps(value).encode(), AT)
    written: dict[str, Any] = write(of_bundle(held.bundle()), Options(AT, "x", birth=True)).value
    return written


def refused(value: Any) -> list[tuple[str, str | None]]:
    with pytest.raises(Unprocessable) as caught:
        read(json.dumps(value).encode(), AT)
    return [(each.complaint.detail, each.expression) for each in caught.value.issues if each.severity == "error"]


def test_a_phenopacket_without_subject_is_refused_with_its_reason():
    sent = json.loads(shared("genomics", "phenopacket", "marfan.no-subject.json").read_bytes())
    assert refused(sent) == [("phenopacket-no-subject", "/subject")]


def test_snake_case_and_files_of_version_1_are_read_as_version_2():
    file = {"uri": "file://a.vcf", "htsFormat": "VCF", "genomeAssembly": "GRCh38",
            "individualToSampleIdentifiers": {"a": "S1"}}  # fmt: skip
    sign = {"type": {"id": "HP:0001250", "label": "Seizure"}, "negated": True}
    sent = {"id": "p", "subject": {"id": "a"}, "phenotypic_features": [sign], "htsFiles": [file]}
    written = again(sent)
    assert written["phenotypicFeatures"] == [{"type": sign["type"], "excluded": True}]
    assert written["files"] == [
        {
            "uri": "file://a.vcf",
            "individualToFileIdentifiers": {"a": "S1"},
            "fileAttributes": {"fileFormat": "vcf", "genomeAssembly": "GRCh38"},
        }
    ]


def test_unknown_keys_are_kept_listed_and_written_back():
    sent = {"id": "p", "subject": {"id": "a", "shoe/size": 42}, "mood": {"x": [1]}}
    held = read(json.dumps(sent).encode(), AT)
    assert held.unknown == ("/subject/shoe~1size", "/mood")
    written = again(sent)
    assert (written["subject"], written["mood"]) == (sent["subject"], sent["mood"])


def test_all_wrong_types_are_told_at_once():
    assert refused({"id": 1, "subject": {"id": "a", "sex": "MAN"}, "files": {}}) == [
        ("phenopacket-type", "/id"), ("phenopacket-type", "/subject/sex"), ("phenopacket-type", "/files"),
    ]  # fmt: skip


def test_a_family_whose_pedigree_has_a_cycle_is_refused():
    persons = [{"individualId": "a", "paternalId": "b"}, {"individualId": "b", "paternalId": "a"}]
    sent = {"id": "f", "proband": {"subject": {"id": "a"}}, "pedigree": {"persons": persons}}
    assert refused(sent) == [("pedigree-cycle", "/pedigree/persons/0")]


def test_the_schema_has_the_fields_of_the_official_classes():
    for message in ("Family", "Phenopacket", "Individual", "PhenotypicFeature", "Disease", "Biosample", "File",
                    "MetaData", "Resource", "Interpretation", "TimeElement", "Pedigree",
                    "Measurement", "MedicalAction"):  # fmt: skip
        fields = getattr(phenopackets, message).DESCRIPTOR.fields
        assert list(SCHEMA[message]) == [each.json_name for each in fields]
    described = interpretation_pb2.VariantInterpretation.DESCRIPTOR.fields_by_name["variation_descriptor"].message_type
    assert list(SCHEMA["VariationDescriptor"]) == [each.json_name for each in described.fields]
    for name, field in (("GeneDescriptor", "gene_context"), ("VcfRecord", "vcf_record"), ("Expression", "expressions")):
        fields = described.fields_by_name[field].message_type.fields
        assert list(SCHEMA[name]) == [each.json_name for each in fields]


def told(value: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Yield what an object says, wherever in a list: empty objects say nothing."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from told(each, f"{at}/{name}")
    elif isinstance(value, list):
        for each in value:
            yield from told(each, at)
    else:
        yield at, repr(value)


@pytest.mark.parametrize("seed", range(40))
def test_nothing_that_a_packet_says_is_lost_whatever_it_says(seed: int):
    sent = packet(random.Random(seed))
    whole = MessageToDict(ParseDict(sent, phenopackets.Phenopacket()))
    back = MessageToDict(ParseDict(json.loads(json.dumps(again(sent), default=str)), phenopackets.Phenopacket()))
    for each in (whole, back):
        each.get("metaData", {}).pop("phenopacketSchemaVersion", None)
    lost = Counter(told(whole)) - Counter(told(back))
    assert lost == Counter()


@pytest.mark.parametrize("seed", range(10))
def test_what_is_read_of_any_packet_is_valid(seed: int):
    found = read(json.dumps(packet(random.Random(seed))).encode(), AT)
    assert [
        f"{each.issue.complaint.detail} {each.issue.expression}"
        for each in r4_validator().validate_bytes(encode(found.bundle()))
        if each.is_error
    ] == []


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b'{"id": "a", "id": "b", "subject": {"id": "x"}}', "/id stands twice"),
        (b'{"subject": {"id": "x"}, "x": ' + b"[" * 90 + b"]" * 90 + b"}", "deeper than 64"),
    ],
    ids=["twice", "deep"],
)
def test_what_hides_something_is_refused(sent: bytes, reason: str):
    with pytest.raises(InvalidRequest) as caught:
        read(sent, AT)
    assert [reason in each.text() for each in caught.value.issues] == [True]

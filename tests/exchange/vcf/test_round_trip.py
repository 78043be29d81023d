"""Variant → VCF → variant and variant → Observation → variant give the same; what is written is read by others.

Source: VCF 4.3; pysam (htslib) as witness.
"""

from __future__ import annotations

import gzip
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_gateway.exchange.vcf.annotations import substitution
from fhir_gateway.exchange.vcf.contigs import ASSEMBLIES, NAMES, ORDER, length
from fhir_gateway.exchange.vcf.observation import About, observation, variant_of
from fhir_gateway.exchange.vcf.reading import read
from fhir_gateway.exchange.vcf.variant import AllelicState, Annotation, Variant
from fhir_gateway.exchange.vcf.writing import compressed, write, write_variants
from fhir_gateway.fhir.number import Number
from tests.exchange.vcf.files import read_rows
from tests.exchange.vcf.random_files import vcf

ABOUT = About({"reference": "Patient/p"}, {"reference": "Specimen/s"}, effective="2026-11-22")
CODING = "NM_000138.5:c.1129T>C"
bases = st.text("ACGT", min_size=1, max_size=8)
filters = st.sampled_from([(), ("PASS",), ("q10", "s50")])


@st.composite
def small(draw: st.DrawFn) -> Variant:
    """A small variant, as a reader makes it."""
    ref, alt = draw(bases), draw(bases)
    place = draw(st.integers(1, 16000))
    states: list[tuple[str, AllelicState | None]] = [("0/1", "heterozygous"), ("1|1", "homozygous"), ("1/.", None)]
    genotype, state = draw(st.sampled_from(states))
    depth = draw(st.none() | st.integers(0, 5000))
    frequency = draw(st.none() | st.sampled_from(["0.5", "0.42", "1", "0.0010"]))
    annotation = draw(
        st.sampled_from(
            [
                Annotation(),
                Annotation(None, CODING, "NP_000129.3:p.(Cys377=)", "NM_000138.5", ("HGNC:3603", "FBN1")),
                Annotation(gene=("", "FBN1")),
            ]
        )
    )
    return Variant(
        assembly=draw(st.sampled_from(ASSEMBLIES)),
        chromosome=draw(st.sampled_from(NAMES[:-1])),
        start=place,
        end=place + len(ref) - 1,
        ref=ref,
        alt=alt,
        state=state,
        depth=depth,
        frequency=frequency,
        annotation=annotation,
        identifier=draw(st.sampled_from([None, "rs6025", "a;b"])),
        filters=draw(filters),
        genotype=genotype,
        phase_set=draw(st.sampled_from([None, "500"])),
    )


@st.composite
def structural(draw: st.DrawFn) -> Variant:
    """A deletion, duplication, inversion, insertion, copy number change or breakend, its ends sure or not."""
    start = draw(st.integers(2000, 9000))
    alt = draw(st.sampled_from(["<DEL>", "<DUP:TANDEM>", "<INV>", "<CNV>", "<INS:ME:ALU>", "<CN0>", "G]chr17:198982]"]))
    end = start + (0 if alt[0] == "G" or alt[:4] == "<INS" else draw(st.integers(0, 5000)))
    around = draw(st.integers(0, 300))
    outer = inner = None
    if around:
        outer = (start - around, end + around)
        inner = (start + around, end - around) if start + around <= end - around else None
    return Variant(
        assembly="GRCh38",
        chromosome=draw(st.sampled_from(("1", "X", "Y"))),
        start=start,
        end=end,
        ref="G",
        alt=alt,
        state="heterozygous",
        copies=draw(st.sampled_from([None, "0", "1", "3", "2.5"])),
        outer=outer,
        inner=inner,
        filters=draw(filters),
        genotype="0/1",
        info=draw(st.sampled_from([(), (("SVTYPE", "BND"), ("IMPRECISE", ""), ("MATEID", "bnd_1"))])),
    )


def as_read(variant: Variant) -> Variant:
    """The variant as a reader names it: with HGVS g. where that is plain."""
    return replace(variant, annotation=replace(variant.annotation, genomic=substitution(variant)))


@settings(max_examples=80, deadline=None)
@given(st.one_of(small(), structural()))
def test_a_variant_comes_back_from_a_vcf_as_it_was(variant: Variant) -> None:
    data = write_variants([variant], "LIB00000001", variant.assembly)
    found = read(data, "LIB00000001")
    assert found.variants == (as_read(variant),)
    assert {issue.complaint.detail for issue in found.listed} <= {"vcf-half-call"}


@settings(max_examples=80, deadline=None)
@given(st.one_of(small(), structural()), st.sampled_from([None, "germline", "somatic"]))
def test_a_variant_comes_back_from_an_observation_as_it_was(variant: Variant, source: Any) -> None:
    of = replace(as_read(variant), source=source)
    assert variant_of(observation(of, ABOUT)) == (of, [])


@settings(max_examples=20, deadline=None)
@given(st.lists(structural(), max_size=8))
def test_rows_stand_in_the_order_of_contigs_and_positions(variants: list[Variant]) -> None:
    found = read(write_variants(variants, "S", "GRCh38"), "S")
    places = [(ORDER[each.chromosome], each.start) for each in found.variants]
    assert places == sorted(places)
    assert len(places) == len(variants)


@given(st.binary(max_size=200_000))
@settings(max_examples=20, deadline=None)
def test_what_is_compressed_is_gzip_too(data: bytes) -> None:
    assert gzip.decompress(compressed(data)) == data


def test_a_breakend_names_its_mate_as_the_file_names_contigs() -> None:
    variant = Variant("GRCh37", "Y", 23153841, 23153841, "A", "]chrX:49167215]A", genotype="0/1", state="heterozygous")
    data = write_variants([variant], "S", "GRCh37")
    assert b"\nY\t23153841\t.\tA\t]X:49167215]A\t" in data


def test_an_observation_by_hgvs_of_one_base_has_a_row() -> None:
    coded: dict[str, Any] = observation(
        Variant("GRCh38", "7", 140753336, 140753336, "A", "T", annotation=Annotation("NC_000007.14:g.140753336A>T")),
        ABOUT,
    )
    coded["component"] = [
        each for each in coded["component"] if each["code"].get("coding", [{}])[0].get("code") == "81290-9"
    ]
    written = write([coded], "S")
    assert written.listed == ()
    assert b"\nchr7\t140753336\t.\tA\tT\t" in written.data


def test_what_has_no_place_in_a_vcf_is_listed_by_its_path() -> None:
    absent = {
        "resourceType": "Observation",
        "code": {"coding": [{"system": "http://loinc.org", "code": "69548-6"}]},
        "valueCodeableConcept": {"coding": [{"system": "http://loinc.org", "code": "LA9634-2"}]},
    }
    bare = {**absent, "valueCodeableConcept": {"coding": [{"system": "http://loinc.org", "code": "LA9633-4"}]}}
    other = observation(Variant("GRCh37", "1", 5, 5, "A", "C"), ABOUT)
    written = write([absent, bare, other], "S")
    assert [(issue.complaint.detail, issue.expression) for issue in written.listed] == [
        ("vcf-not-a-variant", "Observation[0]"),
        ("vcf-no-position", "Observation[1]"),
        ("vcf-other-assembly", "Observation[2]"),
    ]


EVERY = [
    Variant("GRCh38", "M", 3243, 3243, "A", "G", "heteroplasmic", depth=40, frequency="0.4", genotype="0/1"),
    Variant("GRCh38", "X", 50, 50, "A", "G", "hemizygous", source="somatic", filters=("PASS",), genotype="1"),
    Variant("GRCh38", "2", 100, 900, "T", "<DEL>", "heterozygous", copies="1", outer=(90, 920), inner=(110, 880)),
    Variant("GRCh38", "2", 70, 70, "T", "TA", "homozygous", annotation=Annotation(None, CODING), filters=("low,q",)),
]


@pytest.mark.parametrize("bgzip", [False, True])
def test_pysam_reads_what_is_written(tmp_path: Path, bgzip: bool) -> None:
    pysam = pytest.importorskip("pysam")
    file = tmp_path / ("reported.vcf.gz" if bgzip else "reported.vcf")
    file.write_bytes(write([observation(each, ABOUT) for each in EVERY], "LIB00000001", bgzip=bgzip).data)
    with pysam.VariantFile(str(file)) as opened:
        assert list(opened.header.samples) == ["LIB00000001"]
        rows = [(row.chrom, row.pos, row.ref, row.alts, row.stop, row.samples[0]["GT"]) for row in opened]
        assert opened.header.contigs["chr2"].length == length("GRCh38", "2")
    assert rows == [
        ("chr2", 70, "T", ("TA",), 70, (1, 1)),
        ("chr2", 100, "T", ("<DEL>",), 900, (0, 1)),
        ("chrX", 50, "A", ("G",), 50, (1,)),
        ("chrM", 3243, "A", ("G",), 3243, (0, 1)),
    ]
    if bgzip:
        pysam.tabix_index(str(file), preset="vcf")
        with pysam.VariantFile(str(file)) as opened:
            assert [row.pos for row in opened.fetch("chr2", 80, 200)] == [100]


def test_bcftools_reads_what_is_written_and_has_nothing_to_sort(tmp_path: Path) -> None:
    bcftools = pytest.importorskip("pysam.bcftools")
    file = tmp_path / "reported.vcf.gz"
    file.write_bytes(write([observation(each, ABOUT) for each in EVERY], "LIB00000001", bgzip=True).data)
    asked = ("-f", r"%CHROM\t%POS\t%REF\t%ALT\t%FILTER[\t%SAMPLE\t%GT\t%AD\t%CN]\n", str(file))
    assert bcftools.query(*asked).splitlines() == [
        "chr2\t70\tT\tTA\tlow_q\tLIB00000001\t1/1\t.\t.",
        "chr2\t100\tT\t<DEL>\t.\tLIB00000001\t0/1\t.\t1",
        "chrX\t50\tA\tG\tPASS\tLIB00000001\t1\t.\t.",
        "chrM\t3243\tA\tG\t.\tLIB00000001\t0/1\t.,40\t.",
    ]
    plain = bcftools.view("-H", str(file))
    assert bcftools.view("-H", "-i", "POS>0", str(file)) == plain
    assert bcftools.sort(str(file)).splitlines()[-4:] == plain.splitlines()


SEEDS = range(60)


def called(file: Path, chromosomes: dict[str, str]) -> Counter[tuple[str, int, str, str]]:
    """Return the ALTs that the sample S has, as htslib reads them; not those that name no allele."""
    pysam = pytest.importorskip("pysam")
    found: Counter[tuple[str, int, str, str]] = Counter()
    with pysam.VariantFile(str(file)) as opened:
        for row in opened:
            genotype = row.samples["S"].get("GT") if "GT" in row.format else None
            for alt in (row.alts[number - 1] for number in {each for each in genotype or () if each}):
                if alt not in ("*", "<*>", "<NON_REF>") and row.chrom in chromosomes:
                    found[chromosomes[row.chrom].replace("MT", "M"), row.pos, row.ref, alt] += 1
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_a_caller_writes_the_called_alleles_are_those_that_htslib_reads(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    data, chromosomes = vcf(draw)
    file = tmp_path / "called.vcf"
    file.write_bytes(data)
    found = read(compressed(data) if draw.random() < 0.3 else data, "S")
    assert "vcf-row-value" not in found.counts
    assert Counter((each.chromosome, each.start, each.ref, each.alt) for each in found.variants) == called(
        file, chromosomes
    )
    assert [variant_of(observation(each, ABOUT))[0] for each in found.variants] == list(found.variants)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_called_comes_back_from_the_file_that_is_written_of_it(seed: int) -> None:
    data, _ = vcf(random.Random(seed))
    found = read(data, "S")
    again = read(write_variants(found.variants, "S", found.assembly), "S")
    assert sorted(map(repr, map(kept, again.variants))) == sorted(map(repr, map(kept, found.variants)))


def kept(variant: Variant) -> Variant:
    """Return what rows of one ALT each say: whether the other allele of a genotype is REF they do not, nor all reads of
    the mitochondrion; a breakend names its mate as the contigs of its own file are called."""
    is_unsaid = variant.genotype in ("./1", "1/.", ".|1", "1|.") or variant.chromosome == "M"
    return replace(variant, alt=variant.alt.replace("chr", ""), state=None if is_unsaid else variant.state)


def test_percent_encoded_values_stay_as_they_are() -> None:
    row = "1 9 . A G . . EVENT=a%3Bb%25 GT 0/1"
    found = read_rows(row)
    written = write_variants(found.variants, "S", "GRCh38")
    assert b"\tEVENT=a%3Bb%25;" in written
    assert [variant_of(observation(each, ABOUT))[0] for each in found.variants] == list(found.variants)


def loinc(part: dict[str, Any]) -> str | None:
    return next((str(each["code"]) for each in part["code"].get("coding", ())), None)


def component(code: str, **value: Any) -> dict[str, Any]:
    return {"code": {"coding": [{"system": "http://loinc.org", "code": code}]}, **value}


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        (component("69547-8", valueString="A\tC"), "vcf-allele-unfit"),
        (component("69551-0", valueString="-"), "vcf-allele-unfit"),
        (component("81254-5", valueRange={"low": {"value": 0}, "high": {"value": 0}}), "vcf-off-contig"),
        (component("81254-5", valueRange={"low": {"value": Number("5.5")}}), "vcf-no-position"),
        (component("92822-6", valueCodeableConcept={"text": "autre"}), "vcf-no-position"),
    ],
)
def test_what_would_break_a_row_is_listed_not_written(change: dict[str, Any], detail: str) -> None:
    made = observation(Variant("GRCh38", "1", 500, 500, "AT", "A"), ABOUT)
    code = change["code"]["coding"][0]["code"]
    made["component"] = [
        change if each["code"].get("coding", [{}])[0].get("code") == code else each for each in made["component"]
    ]
    written = write([made], "S")
    assert [issue.complaint.detail for issue in written.listed] == [detail]
    assert written.data.endswith(b"FORMAT\tS\n")


@pytest.mark.parametrize(
    ("system", "low", "high"), [("LA30102-0", 500, 501), ("LA30100-4", 499, 501), ("LA30101-2", 499, 500)]
)
def test_positions_counted_otherwise_are_counted_from_one_in_a_row(system: str, low: int, high: int) -> None:
    made = observation(Variant("GRCh38", "1", 500, 501, "AT", "A"), ABOUT)
    made["component"] = [
        each
        for each in made["component"]
        if each["code"].get("coding", [{}])[0].get("code") not in ("92822-6", "81254-5")
    ]
    made["component"] += [
        component("92822-6", valueCodeableConcept={"coding": [{"system": "http://loinc.org", "code": system}]}),
        component("81254-5", valueRange={"low": {"value": low}, "high": {"value": high}}),
    ]
    found, issues = variant_of(made)
    assert found is not None
    assert (found.start, found.end, issues) == (500, 501, [])


def test_texts_of_an_observation_cannot_add_columns_or_rows() -> None:
    variant = Variant(
        "GRCh38",
        "1",
        5,
        5,
        "A",
        "C",
        identifier="a\tb\nc",
        filters=("x y",),
        genotype="0/1\n",
        phase_set="1\t2",
        info=(("EVENT", "e\t;f"),),
    )
    (row,) = write_variants([variant], "S", "GRCh38").decode().split("S\n", 1)[1].splitlines()
    assert row.split("\t") == ["chr1", "5", "a_b_c", "A", "C", ".", "x_y", "EVENT=e%09%3Bf", "GT", "./1"]

"""Which rows make variants, what these say, what is listed with its line.

Source: VCF 4.0 to 4.5; issues 37, 63, 96 and 112 of vcf2fhir (sample by name, source class, one variant for each ALT).
"""

from __future__ import annotations

import io
import time

import pytest

from fhir_gateway.exchange.vcf.observation import About, observation, variant_of
from fhir_gateway.exchange.vcf.reading import Reported, check, read
from fhir_gateway.exchange.vcf.writing import compressed
from fhir_gateway.fhir.outcome import InvalidRequest, TooCostly
from tests.exchange.vcf.files import HEAD, details, read_rows, vcf

CSQ = (
    '##INFO=<ID=CSQ,Number=.,Type=String,Description="Consequence annotations from Ensembl VEP. '
    'Format: Allele|SYMBOL|HGNC_ID|Feature|HGVSc|HGVSp|HGVSg|MANE_SELECT">'
)
ANN = (
    "##INFO=<ID=ANN,Number=.,Type=String,Description=\"Functional annotations: 'Allele | Annotation | Gene_Name | "
    "Feature_ID | HGVS.c | HGVS.p'\">"
)


def refusal(data: bytes, sample: str = "TUMEUR") -> str:
    with pytest.raises(InvalidRequest) as caught:
        read(data, sample, assembly="GRCh38")
    return caught.value.issues[0].complaint.detail


# --- samples


def test_a_sample_is_taken_by_its_name_wherever_its_column_stands() -> None:
    data = vcf("1 100 . A G . . . GT 0/0 1/1", samples="NORMAL TUMEUR")
    assert [each.state for each in read(data, "TUMEUR", assembly="GRCh38").variants] == ["homozygous"]
    assert read(data, "NORMAL", assembly="GRCh38").variants == ()


def test_a_sample_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(InvalidRequest) as caught:
        read(vcf(samples="A B"), "C", assembly="GRCh38")
    assert "A, B" in caught.value.issues[0].text()


def test_a_sample_named_twice_is_refused() -> None:
    assert refusal(vcf(samples="TUMEUR TUMEUR")) == "vcf-sample-twice"


def test_a_variant_of_a_pair_that_the_normal_sample_has_too_gets_no_source_class() -> None:
    data = vcf(
        "1 100 . A G . . . GT 0/1 0/1", "1 200 . A G . . . GT 0/0 0/1", "1 300 . A G . . . GT 0/1 0/0",
        samples="NORMAL TUMEUR",
    )  # fmt: skip
    found = read(data, "TUMEUR", assembly="GRCh38", origin="somatic", normal="NORMAL")
    assert [(each.start, each.source) for each in found.variants] == [(100, None), (200, "somatic")]
    assert details(found) == ["vcf-also-in-normal", "vcf-reference-call"]


def test_the_source_class_is_never_guessed() -> None:
    (variant,) = read_rows("1 100 . A G . PASS SOMATIC GT 0/1").variants
    assert variant.source is None


# --- assembly


def test_the_assembly_is_what_the_contigs_show() -> None:
    data = vcf("chr1 100 . A G . . . GT 0/1", meta=("##contig=<ID=chr1,length=248956422>",))
    assert read(data, "TUMEUR").assembly == "GRCh38"


def test_without_assembly_and_contigs_nothing_is_read() -> None:
    with pytest.raises(InvalidRequest) as caught:
        read(vcf("1 100 . A G . . . GT 0/1"), "TUMEUR")
    assert caught.value.issues[0].complaint.detail == "vcf-assembly-unknown"


def test_contigs_of_another_assembly_are_refused() -> None:
    assert refusal(vcf(meta=("##contig=<ID=1,length=249250621>",))) == "vcf-assembly-differs"


@pytest.mark.parametrize("bases", [248387328, 247249719], ids=["T2T-CHM13", "NCBI36"])
def test_contigs_of_an_assembly_that_is_not_known_are_refused_though_one_is_stated(bases: int) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_rows("chr1 100 . A G . . . GT 0/1", meta=(f"##contig=<ID=chr1,length={bases}>",))
    assert [each.complaint.detail for each in caught.value.issues] == ["vcf-contig-length"]


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("1 9 . A <DEL> . . END=999999999999 GT 0/1", "END"),
        ("1 9 . A <DEL> . . SVLEN=-999999999 GT 0/1", "SVLEN"),
        ("1 9 . A G . . . GT:PS 0|1:abc", "PS"),
    ],
)
def test_what_lies_beyond_the_contig_or_is_no_number_is_left_out_and_listed(row: str, field: str) -> None:
    found = read_rows(row)
    assert [issue.values["field"] for issue in found.listed] == [field]
    assert [(each.start, each.end, each.phase_set) for each in found.variants] == [(9, 9, None)]
    assert [variant_of(observation(each, About({"reference": "Patient/p"})))[0] for each in found.variants] == list(
        found.variants
    )


def test_the_mitochondrion_of_hg19_has_no_reference_sequence_here() -> None:
    found = read_rows("chrM 100 . A G . . . GT 1", meta=("##contig=<ID=chrM,length=16571>",))
    assert details(found) == ["vcf-contig-unknown"]


# --- alleles


def test_each_called_alt_of_a_row_is_a_variant_with_its_own_reads() -> None:
    found = read_rows("1 100 rs1 A G,T,C . . . GT:AD 1|2:0,12,8,3")
    assert [(each.alt, each.depth, each.frequency, each.genotype) for each in found.variants] == [
        ("G", 12, "0.5217", "1|."),
        ("T", 8, "0.3478", ".|1"),
    ]
    assert {each.state for each in found.variants} == {"heterozygous"}


@pytest.mark.parametrize(
    ("row", "detail"),
    [
        ("1 100 . A G . . . GT 0/0", "vcf-reference-call"),
        ("1 100 . A . . . . GT 0/0", "vcf-reference-call"),
        ("1 100 . A G . . . GT 0", "vcf-reference-call"),
        ("1 100 . A G . . . GT ./.", "vcf-no-call"),
        ("1 100 . A G . . . GT ./0", "vcf-no-call"),
        ("1 100 . A <CNV> . . END=900 GT:CN ./.:5", "vcf-no-call"),
        ("1 100 . A G . . . DP 12", "vcf-no-genotype"),
        ("1 100 . A * . . . GT 0/1", "vcf-no-allele"),
        ("1 100 . A <NON_REF> . . . GT 0/1", "vcf-no-allele"),
        ("1 100 . A G . . . GT 0/2", "vcf-row-value"),
        ("1 100 . A G . . . GT het", "vcf-row-value"),
        ("1 0 . A G . . . GT 0/1", "vcf-row-value"),
        ("1 x . A G . . . GT 0/1", "vcf-row-value"),
        ("1 100 . A,T G . . . GT 0/1", "vcf-row-value"),
        ("1 100 . . G . . . GT 0/1", "vcf-row-value"),
        ("1 100 . A G, . . . GT 0/1", "vcf-row-value"),
        ("1 100 . A G! . . . GT 0/1", "vcf-row-value"),
        ("1 100 . A G . . . GT", "vcf-row-columns"),
        ("1 248956423 . A G . . . GT 0/1", "vcf-beyond-contig"),
        ("chrUn_KI270302v1 100 . A G . . . GT 0/1", "vcf-contig-unknown"),
        ("NC_000001.10 100 . A G . . . GT 0/1", "vcf-contig-unknown"),
    ],
)
def test_a_row_without_a_called_allele_makes_none_and_is_listed_with_its_line(row: str, detail: str) -> None:
    found = read_rows("2 5 . C T . . . GT 0/1", row)
    assert [each.start for each in found.variants] == [5]
    assert [(each.complaint.detail, each.values["line"]) for each in found.listed] == [(detail, "4")]
    assert found.counts == {"rows": 2, "selected": found.counts["selected"], "variants": 1, detail: 1}


def test_a_row_that_is_not_utf_8_is_listed_and_the_next_is_read() -> None:
    data = vcf("1 100 . A G . . . GT 0/1").replace(b"\tGT\t", b"\tGT\xff\t") + b"1\t200\t.\tA\tG\t.\t.\t.\tGT\t0/1\n"
    found = read(data, "TUMEUR", assembly="GRCh38")
    assert (details(found), [each.start for each in found.variants]) == (["vcf-row-not-text"], [200])


@pytest.mark.parametrize(
    ("contig", "genotype", "state", "detail"),
    [
        ("1", "0/1", "heterozygous", None),
        ("1", "0/0/1", "heterozygous", None),
        ("1", "1|1", "homozygous", None),
        ("1", "/1/1", "homozygous", None),
        ("X", "1", "hemizygous", None),
        ("chrY", "1", "hemizygous", None),
        ("X", "1/1", "homozygous", None),
        ("1", "1", None, "vcf-haploid-autosome"),
        ("1", "./1", None, "vcf-half-call"),
    ],
)
def test_the_allelic_state_is_of_ploidy_and_contig(
    contig: str, genotype: str, state: str | None, detail: str | None
) -> None:
    found = read_rows(f"{contig} 100 . A G . . . GT {genotype}")
    assert [each.state for each in found.variants] == [state]
    assert details(found) == ([] if detail is None else [detail])


@pytest.mark.parametrize(
    ("format_", "sample", "state"),
    [
        ("GT:AD:DP", "1:0,995:1000", "homoplasmic"),
        ("GT:AD:DP", "1:600,400:1000", "heteroplasmic"),
        ("GT:AD", "0/1:90,10", "heteroplasmic"),
        ("GT:AF", "0/1:0.03", "heteroplasmic"),
        ("GT", "1/1", None),
    ],
)
def test_the_state_in_the_mitochondrion_is_of_the_reads(format_: str, sample: str, state: str | None) -> None:
    (variant,) = read_rows(f"chrM 3243 . A G . . . {format_} {sample}").variants
    assert variant.state == state
    assert variant.annotation.genomic == "NC_012920.1:m.3243A>G"


def test_a_stated_share_comes_before_one_that_is_reckoned() -> None:
    (variant,) = read_rows("1 100 . A G . . . GT:AD:AF 0/1:50,50:0.42").variants
    assert (variant.depth, variant.frequency) == (50, "0.42")


def test_ao_and_ro_are_reads_too() -> None:
    (variant,) = read_rows("1 100 . A G . . . GT:RO:AO 0/1:30:10").variants
    assert (variant.depth, variant.frequency) == (10, "0.2500")


def test_numbers_that_are_none_are_left_out_and_listed() -> None:
    found = read_rows("1 100 . A <DEL> . . END=x;SVLEN=-50;CIPOS=5 GT:AD:CN 0/1:3:two")
    (variant,) = found.variants
    assert (variant.end, variant.depth, variant.copies, variant.outer) == (150, None, None, None)
    assert {issue.values["field"] for issue in found.listed} == {"END", "AD", "CN", "CIPOS"}


def test_rows_without_genotype_are_calls_where_that_is_asked_for() -> None:
    row = "1 100 . A ]X:4916]A . PASS SVTYPE=BND;MATEID=m1 PR 45,0"
    assert read_rows(row).variants == ()
    (variant,) = read_rows(row, ungenotyped=True).variants
    assert (variant.alt, variant.state, variant.genotype) == ("]X:4916]A", None, None)
    assert variant.info == (("SVTYPE", "BND"), ("MATEID", "m1"))


def test_a_filter_of_the_sample_stands_with_those_of_the_row() -> None:
    (variant,) = read_rows("1 100 . A G . PASS . GT:FT 0/1:LowQual").variants
    assert variant.filters == ("LowQual",)


# --- HGVS


def test_hgvs_of_the_one_mane_transcript_is_taken() -> None:
    entries = (
        "G|FBN1|3603|NM_000138.5|NM_000138.5:c.1129T>C|NP_000129.3:p.Cys377%3D||ENST1",
        "G|FBN1|3603|NM_999999.1|NM_999999.1:c.9T>C|||",
    )
    (variant,) = read_rows(f"15 100 . A G . . CSQ={','.join(entries)} GT 0/1", meta=(CSQ,)).variants
    said = variant.annotation
    assert (said.coding, said.protein) == ("NM_000138.5:c.1129T>C", "NP_000129.3:p.Cys377=")
    assert (said.transcript, said.gene) == ("NM_000138.5", ("HGNC:3603", "FBN1"))


def test_of_several_transcripts_none_is_taken_at_random() -> None:
    entries = "G|A||NM_000001.1|NM_000001.1:c.1A>G|||,G|A||NM_000002.1|NM_000002.1:c.2A>G|||"
    found = read_rows(f"15 100 . A G . . CSQ={entries} GT 0/1", meta=(CSQ,))
    assert (found.variants[0].annotation.coding, details(found)) == (None, ["vcf-transcripts-several"])


def test_each_alt_has_its_own_annotation() -> None:
    entries = "G|missense|TP53|NM_000546.6|c.524G>A|,T|missense|TP53|NM_000546.6|c.524G>T|"
    found = read_rows(f"17 100 . C G,T . . ANN={entries} GT 1/2", meta=(ANN,))
    assert [each.annotation.coding for each in found.variants] == ["NM_000546.6:c.524G>A", "NM_000546.6:c.524G>T"]


@pytest.mark.parametrize("text", ["NC_000001.10:25:A:G", "c.5A>G", "NM_000546.6:c.524", "rien"])
def test_what_is_no_hgvs_is_left_out_and_listed(text: str) -> None:
    found = read_rows(f"17 100 . C CA . . CSQ=A|||x|{text}||| GT 0/1", meta=(CSQ,))
    assert found.variants[0].annotation.coding is None
    assert details(found) == ["vcf-not-hgvs"]


def test_hgvs_g_is_made_of_one_base_only() -> None:
    found = read_rows("1 100 . A G . . . GT 0/1", "1 100 . AT A . . . GT 0/1", "1 100 . A N . . . GT 0/1")
    assert [each.annotation.genomic for each in found.variants] == ["NC_000001.11:g.100A>G", None, None]


# --- the reported ones


def test_a_reported_variant_is_found_however_its_alleles_are_padded() -> None:
    rows = ("chr1 100 . CTA CT,CTAA . . . GT 1/2", "chr1 200 . A G . . . GT 0/1")
    found = read_rows(*rows, reported=Reported(keys=frozenset({("1", 101, "TA", "T")})))
    assert [(each.start, each.ref, each.alt) for each in found.variants] == [(100, "CTA", "CT")]
    assert found.counts["rows"] == 2


def test_a_reported_symbol_is_found_by_its_place_whatever_its_reference_base() -> None:
    rows = ("chr1 100 . C <DEL> . . END=900 GT 0/1", "chr1 100 . C T . . . GT 0/1")
    found = read_rows(*rows, reported=Reported(keys=frozenset({("NC_000001.11", 100, "N", "<DEL>")})))
    assert [each.alt for each in found.variants] == ["<DEL>"]
    assert found.listed == ()


def test_a_reported_variant_that_the_sample_has_not_is_listed() -> None:
    keys = frozenset({("chr1", 100, "A", "G"), ("2", 5, "A", "T")})
    found = read_rows("1 100 . A G . . . GT 0/0", reported=Reported(keys=keys))
    assert details(found) == ["vcf-reference-call", "vcf-reported-not-found", "vcf-reported-not-found"]


def test_rows_are_reported_by_filter_or_flag() -> None:
    rows = (
        "1 1 . A G . PASS . GT 0/1", "1 2 . A G . rapporte;q10 . GT 0/1", "1 3 . A G . . RAPPORTE;X=1 GT 0/1",
        "1 4 . A G . . NRAPPORTE GT 0/1",
    )  # fmt: skip
    reported = Reported(filters=frozenset({"rapporte"}), flags=frozenset({"RAPPORTE"}))
    assert [each.start for each in read_rows(*rows, reported=reported).variants] == [2, 3]


def test_a_row_that_cannot_be_judged_is_listed_though_none_asked_for_it() -> None:
    found = read_rows("1 x . A G . . . GT 0/1", "mangled", reported=Reported(keys=frozenset({("1", 1, "A", "G")})))
    assert details(found)[:2] == ["vcf-row-value", "vcf-row-columns"]


def test_more_variants_than_any_report_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fhir_gateway.exchange.vcf.reading.MOST", 1)
    with pytest.raises(TooCostly):
        read_rows("1 1 . A G . . . GT 0/1", "1 2 . A G . . . GT 0/1")


def test_a_hundred_thousand_records_are_reduced_to_the_reported_within_two_seconds() -> None:
    rows = [
        f"chr{1 + at % 22} {1000 + at} . {'AT' if at % 9 == 0 else 'A'} G 50 PASS AC=1;AN=2 GT:AD:DP 0/1:9,9:18"
        for at in range(100_000)
    ]
    data = compressed(vcf(*rows))
    keys = frozenset((f"{1 + at % 22}", 1000 + at, "A", "G") for at in range(1, 100_000, 3400) if at % 9)
    began = time.process_time()
    found = read(data, "TUMEUR", assembly="GRCh38", reported=Reported(keys=keys))
    spent = time.process_time() - began
    assert (len(found.variants), found.listed) == (len(keys), ())
    assert spent < 2


# --- files


@pytest.mark.parametrize("version", ["4.0", "4.1", "4.2", "4.3", "4.4", "4.5"])
def test_versions_4_0_to_4_5_are_read(version: str) -> None:
    found = read(vcf("1 100 . A G . . . GT 0/1", version=version), "TUMEUR", assembly="GRCh38")
    assert (len(found.variants), found.listed) == (1, ())


def test_a_byte_order_mark_is_passed_over() -> None:
    data = b"\xef\xbb\xbf" + vcf("1 100 . A G . . . GT 0/1")
    assert len(read(data, "TUMEUR", assembly="GRCh38").variants) == 1


def test_a_newer_version_is_read_with_a_warning() -> None:
    found = read(vcf("1 100 . A G . . . GT 0/1", version="4.6"), "TUMEUR", assembly="GRCh38")
    assert (len(found.variants), details(found)) == (1, ["vcf-version-newer"])


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (b"", "vcf-not-vcf"),
        (b"BCF\x02\x02", "vcf-not-vcf"),
        (b"##fileformat=VCFv3.3\n", "vcf-not-vcf"),
        (b"##fileformat=VCFv4.2\n", "vcf-no-header"),
        (b"##fileformat=VCFv4.2\n1\t1\t.\tA\tG\t.\t.\t.\tGT\t0/1\n", "vcf-no-header"),
        (f"##fileformat=VCFv4.2\n{HEAD}\tTUMEUR\n".replace("\t", " ").encode(), "vcf-no-header"),
    ],
)
def test_what_is_no_vcf_is_refused(data: bytes, detail: str) -> None:
    assert refusal(data) == detail


def test_a_bgzip_file_is_read_as_the_plain_one_by_stream_and_by_bytes() -> None:
    plain = vcf(*(f"1 {at} . A G . . . GT 0/1" for at in range(1, 6000)))
    expected = read(plain, "TUMEUR", assembly="GRCh38")
    assert read(compressed(plain), "TUMEUR", assembly="GRCh38") == expected
    assert read(io.BytesIO(compressed(plain)), "TUMEUR", assembly="GRCh38") == expected


@pytest.mark.parametrize("cut", [1, 28, 60, 400])
def test_a_bgzip_file_that_is_cut_short_is_refused_whole(cut: int) -> None:
    packed = compressed(vcf(*(f"1 {at} . A G . . . GT 0/1" for at in range(1, 6000))))
    assert refusal(packed[:-cut]) == "vcf-truncated"


def test_a_bgzip_file_that_is_damaged_is_refused() -> None:
    packed = bytearray(compressed(vcf(*(f"1 {at} . A G . . . GT 0/1" for at in range(1, 6000)))))
    packed[2000] ^= 0xFF
    assert refusal(bytes(packed)) == "vcf-truncated"


def test_lines_may_end_with_cr_lf_and_the_last_without_end() -> None:
    data = vcf("1 100 . A G . . . GT 0/1", "1 200 . A G . . . GT 0/1").replace(b"\n", b"\r\n").rstrip()
    assert [each.start for each in read(data, "TUMEUR", assembly="GRCh38").variants] == [100, 200]


def test_a_check_lists_every_row_that_cannot_be_read() -> None:
    data = vcf("1 x . A G . . . GT 0/1", "1 5 . A G . . . GT 0/0", "1 5 . A,C G . . . GT 0/1", "kaputt")
    assert [(each.complaint.detail, each.values["line"]) for each in check(data)] == [
        ("vcf-row-value", "3"),
        ("vcf-row-value", "5"),
        ("vcf-row-columns", "6"),
    ]
    assert [each.complaint.detail for each in check(b"kaputt")] == ["vcf-not-vcf"]

"""The two sample files, against a table written by hand from reading them.

Source: `genomics/vcf` beside the checkout (vcf2fhir). Its expected_example1_wo_patient.json is no oracle: it reports
no-calls, shifts positions and calls "NC_000001.10:25:A:G" HGVS.
"""

from __future__ import annotations

from typing import Final

from fhir_gateway.exchange.vcf.reading import read
from fhir_gateway.exchange.vcf.variant import Variant
from fhir_gateway.fhir.outcome import Issue
from tests.shared_data import shared

Row = tuple[str, int, int, str, str, str]

# Contig 1 throughout: sequence, start, end, REF, ALT, allelic state.
EXAMPLE: Final[list[Row]] = [
    ("1", 17, 17, "A", "G", "heterozygous"),
    ("1", 18, 18, "A", "G", "heterozygous"),
    ("1", 28, 28, "A", "<CGA_CNVWIN>", "heterozygous"),
    ("1", 301, 301, "A", "G", "heterozygous"),
    ("1", 400, 400, "A", "G", "homozygous"),
    ("1", 500, 500, "A", "G", "heterozygous"),
    ("1", 600, 600, "A", "G", "heterozygous"),
    ("1", 700, 700, "A", "G", "heterozygous"),
]
# Line: why it makes none.
EXAMPLE_LISTED: Final = [
    (4, "vcf-row-value"),  # REF .
    (5, "vcf-row-value"),  # REF A,T
    (7, "vcf-svtype-differs"),  # a change of one base that says INV: made, and noted
    (8, "vcf-row-value"),  # REF empty
    (9, "vcf-no-genotype"),
    (10, "vcf-no-call"),
    (11, "vcf-no-call"),
]
STRUCTURAL: Final[list[Row]] = [
    ("1", 31163, 31163, "T", "<INS>", "heterozygous"),
    ("1", 756295, 756329, "N", "<DEL>", "heterozygous"),
    ("1", 808162, 808578, "N", "<DUP>", "heterozygous"),
    ("1", 10477130, 10477585, "C", "<DEL>", "heterozygous"),
    ("1", 10511064, 10511392, "G", "<DEL>", "heterozygous"),
    ("1", 12855840, 13198807, "A", "<DUP>", "heterozygous"),
    ("1", 12855952, 13448205, "C", "<INV>", "heterozygous"),
    ("1", 12898651, 13414157, "A", "<INV>", "heterozygous"),
    ("1", 12907780, 13183572, "A", "<DUP>", "heterozygous"),
    ("1", 15518745, 15518745, "T", "TAGCGTAAGTACACGGGTGG", "heterozygous"),
    ("1", 2827694, 2827708, "CGTGGATGCGGGGAC", "C", "homozygous"),
    ("1", 67, 67, "T", "TTGTAGTCTGACCTGTGGTCTGAC", "homozygous"),
    ("1", 70302428, 70302752, "TTAAAAGAAAATAGT…", "T", "heterozygous"),
    ("1", 916, 916, "C", "<INS:ME:L1>", "heterozygous"),
    ("1", 957967, 957967, "T", "TTGTAGTCTGACCTGTGGTCTGAC", "homozygous"),
    ("2", 14477084, 14477381, "C", "<DEL:ME:ALU>", "heterozygous"),
    ("2", 321682, 321887, "T", "<DEL>", "heterozygous"),
    ("19", 41449094, 41517150, "A", "<CN0>", "heterozygous"),
    ("22", 42523951, 42533891, "T", "<CN2>", "heterozygous"),
]
STRUCTURAL_LISTED: Final = [
    (518, "vcf-no-call"),
    (519, "vcf-no-call"),
    (520, "vcf-no-call"),
    (523, "vcf-no-call"),  # <DUP:TANDEM>, CN 5 beside ./.
    (529, "vcf-no-call"),  # <CNV>
    (538, "vcf-no-call"),  # four copy numbers, CN 3 beside ./.
    (540, "vcf-no-genotype"),  # BND of a somatic caller, no GT
]
# Position: copy number of the sample.
COPIES: Final = {
    10477130: "5", 10511064: "1", 12855840: "3", 12855952: "3", 12898651: "2", 12907780: "2", 15518745: "2", 67: "2",
    70302428: "1", 957967: "2", 42523951: "3",
}  # fmt: skip


def told(variant: Variant) -> Row:
    ref = variant.ref if len(variant.ref) < 20 else f"{variant.ref[:15]}…"
    return variant.chromosome, variant.start, variant.end, ref, variant.alt, variant.state or ""


def listed(issues: tuple[Issue, ...]) -> list[tuple[int, str]]:
    return [(int(issue.values["line"]), issue.complaint.detail) for issue in issues]


def test_each_called_alt_of_the_small_file_is_one_variant_and_the_rest_is_listed() -> None:
    found = read(shared("genomics", "vcf", "vcf_example1.vcf").read_bytes(), "TEST001", assembly="GRCh37")
    assert [told(each) for each in found.variants] == EXAMPLE
    assert listed(found.listed) == EXAMPLE_LISTED
    assert [each.annotation.genomic for each in found.variants][:3] == [
        "NC_000001.10:g.17A>G",
        "NC_000001.10:g.18A>G",
        None,
    ]
    assert [(each.genotype, each.phase_set, each.filters) for each in found.variants][5:] == [
        ("0|1", "500", ("PASS",)),
        ("1|0", "500", ()),
        ("0|1", "700", ()),
    ]


def test_each_called_alt_of_the_structural_file_is_one_variant_and_the_rest_is_listed() -> None:
    with shared("genomics", "vcf", "vcf_structural_variants.vcf").open("rb") as file:
        found = read(file, "NA12877_S1")
    assert found.assembly == "GRCh38"
    assert [told(each) for each in found.variants] == STRUCTURAL
    assert listed(found.listed) == STRUCTURAL_LISTED
    assert {each.start: each.copies for each in found.variants if each.copies is not None} == COPIES
    (insertion,) = [each for each in found.variants if each.start == 31163]
    assert (insertion.depth, insertion.frequency) == (1, "0.5000")
    uncertain = {each.start: (each.outer, each.inner) for each in found.variants if each.outer is not None}
    assert uncertain[321682] == ((321626, 321949), (321702, 321877))
    assert uncertain[916] == ((900, 938), None)

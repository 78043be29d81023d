"""Descriptions of variants are judged by the grammar of HGVS: reference, kind of coordinates, change.

Source: HGVS Nomenclature: "DNA", "RNA", "Protein", "Reference Sequences", "Uncertain", "Alleles".
"""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.terminology.hgvs import is_hgvs

GENOMIC = """
    NC_000023.11:g.33038255C>A NC_000001.11:g.1234_2345inv NC_000023.10:g.33038277_33038278insT NC_000014.8:g.123CAG[23]
    NC_000023.11:g.(31060227_31100351)_(33274278_33417151)dup NC_000023.11:g.(?_31120496)_(33339477_?)dup
    NC_000012.11:g.112036755_112036823CTG[9]TTG[1]CTG[13] NC_000023.10:g.33344590_33344592=/dup NC_012920.1:m.3243A>G
    NC_000011.10:g.1999904_1999946|gom NC_000002.12:g.pter_8247756del NG_012232.1:g.954966C>T LRG_199:g.954966C>T
    NC_000002.11:g.47643464_47643465insNC_000022.10:g.35788169_35788352 NC_000004.11:g.55593599_55593601delinsT[5]
    NC_000006.11:g.[8897754_8897757delinsGAAG]
"""
CODING = """
    NM_004006.3:c.4375C>T LRG_199t1:c.11T>G NM_004006.2:c.4375_4379del NM_004006.2:c.-14A>C NM_004006.2:c.*37dup
    NM_004006.2:c.93+1G>T NC_000023.11(NM_004006.2):c.357+1G>A NG_012232.1(NM_004006.2):c.93+1G>T
    NM_004006.2:c.79_80delinsTT NM_023035.3:c.6955_6993CAG[26]CAA[1]CAG[1] NM_004006.2:c.[2376G>C;3103del]
    NM_004006.2:c.[2376G>C];[3103del] NM_004006.2:c.2376G>C(;)3103del NM_004006.2:c.[2376G>C];[=]
    NM_004006.2:c.[2376G>C];[?] NM_004006.3:c.= NM_004006.3(DMD):c.4375C>T ENST00000357033.8:c.100A>G
    NM_004006.2:c.849_850ins858_895 NM_002024.5:c.-128_-126[79] NM_000492.4:c.1521_1523delCTT
    NM_004006.2:c.20_21ins(10) NR_002196.1:n.601G>T NM_004006.3:c.85=/T>C NM_004006.2:c.419_420ins[T;450_470;AGGG]
"""
RNA = """
    NM_004006.3:r.123c>u NM_004006.3:r.(spl?) NM_004006.3:r.spl NM_004006.3:r.0 NM_004006.3:r.? NM_004006.3:r.76_78del
    NM_004006.3:r.(222_226)insg
"""
PROTEIN = """
    LRG_199p1:p.Trp24Cys LRG_199p1:p.(Trp24Cys) NP_003997.1:p.Trp24Ter NP_003997.1:p.W24* NP_003997.1:p.(Trp24*)
    NP_003997.1:p.Cys188= LRG_199p1:p.0 LRG_199p1:p.Met1? NP_003997.1:p.Lys23_Val25del NP_003997.2:p.His4_Gln5insAla
    NP_003997.2:p.Lys2_Gly3insGlnSerLys NP_004371.2:p.Asn47delinsSerSerTrp NP_0123456.1:p.Arg97ProfsTer23
    NP_0123456.1:p.(Arg97fs) NP_0123456.1:p.Met1ext-5 NP_003997.2:p.Ter110GlnextTer17 NP_003997.2:p.*110Glnext*17
    NP_0123456.1:p.Ala2[10] NP_003997.1:p.[Ser68Arg;Asn594del] NP_003997.1:p.[(Ser68Arg;Asn594del)]
    NP_003997.1:p.[Ser68Arg];[Ser68Arg] ENSP00000354923.4:p.Arg10Gly NP_003997.1:p.(Gly56Ala^Ser^Cys)
"""
WRONG = [
    "c.4375C>T",  # no reference
    "DMD:c.4375C>T",  # a gene is no reference
    "NM_004006:c.4375C>T",  # no version
    "NM_004006.3:c.4375C>",
    "NM_004006.3:c.4375",
    "NM_004006.3:c.",
    "NM_004006.3:c.0A>G",  # there is no nucleotide 0
    "NM_004006.3:c.100a>g",
    "NM_004006.3:r.100A>G",
    "NM_004006.3:x.100A>G",
    "NM_004006.3:c.[100A>G",
    "NM_004006.3:c.100A>G]",
    "NM_004006.3:c.[100A>G][200del]",
    "NM_004006.3:c.[100A>G;]",
    "NM_004006.3:c.100A>G; ",
    "NP_003997.1:c.4375C>T",  # coordinates of another kind of sequence
    "NC_000023.11:c.100A>G",
    "NM_004006.3:g.100A>G",
    "NM_004006.3:p.Trp24Cys",
    "NP_003997.1:p.Trp24Foo",
    "NP_003997.1:p.24Cys",
    "NP_003997.1:p.Trp24C",  # three letters and one
    "NC_000001.10:499:A:G",  # another notation
    "NM_000106.5(CYP2D6):c.886C>T (p.Arg296Cys)",  # two in one
    "",
]


@pytest.mark.parametrize("code", f"{GENOMIC}{CODING}{RNA}{PROTEIN}".split())
def test_the_forms_of_the_nomenclature_are_taken(code: str):
    assert is_hgvs(code)


@pytest.mark.parametrize("code", WRONG)
def test_what_is_no_description_is_refused(code: str):
    assert not is_hgvs(code)


def test_a_description_may_not_be_endless():
    assert is_hgvs("NC_000023.11:g.1_2ins" + "A" * 1900)
    assert not is_hgvs("NC_000023.11:g.1_2ins" + "A" * 2000)


@pytest.mark.parametrize(
    "text",
    [
        "NM_004006.3:c." + "1_" * 900,
        "NM_004006.3:c.[" + "1A>G;" * 300,
        "NC_000023.11:g.1_2ins" + "A" * 1900 + "!",
        "NP_003997.1:p.(" + "Ala" * 600,
        "NM_004006.3:c." + "(1_2)_" * 300,
        "NM_004006.3:c.1" + "A[1]" * 450 + "x",
        "NC_000023.11:g.1ins[" + "A;" * 900,
        "NC_000023.11:g.1ins[" + "A[2];" * 350,
        "NC_000023.11:g.1_2del" + "1" * 1500 + "x",
        "NM_004006.3:c." + "[" * 1900,
        "NM_004006.3:c." + "/" * 1900,
        "NM_004006.3:c." + "(;)" * 600,
    ],
)
def test_no_text_takes_long(text: str):
    is_hgvs("NM_004006.3:c.1A>G"), is_hgvs("NC_000023.11:g.1A>G"), is_hgvs("NP_003997.1:p.Ala1Gly")
    begun = time.process_time()
    assert not is_hgvs(text)
    assert time.process_time() - begun < 0.2


@given(st.text("NMCP_0123456789.:cgp[]();=?>ACGTdelinsup*+-", max_size=60))
def test_any_text_gets_an_answer(text: str):
    assert is_hgvs(f"NM_004006.3:c.{text}") in (True, False)
    assert is_hgvs(text) in (True, False)


@given(st.integers(1, 10**6), st.sampled_from("ACGT"), st.sampled_from("ACGT"))
def test_every_substitution_is_a_description(place: int, old: str, new: str):
    assert is_hgvs(f"NM_004006.3:c.{place}{old}>{new}")
    assert is_hgvs(f"NM_004006.3:c.[{place}{old}>{new}];[{place + 1}del]")

"""PED files: read, refused, written, and dossiers through them and back.

Source: PLINK 1.9, "PED/FAM"; the table of normalisations in fhir_gateway/exchange/pedigree/README.md.
"""

from __future__ import annotations

import pytest

from fhir_gateway.demo_dossiers.dossiers import dossiers
from fhir_gateway.exchange.pedigree import kin, ped
from fhir_gateway.exchange.pedigree.gathered import Gathered, family, of_resources
from fhir_gateway.exchange.pedigree.pedigree import Individual, Pedigree
from fhir_gateway.fhir.outcome import Unprocessable

IPP = "https://pfmg.example.org/fhir/identifier/ipp"


def refused(text: str) -> list[str]:
    with pytest.raises(Unprocessable) as caught:
        ped.read(text.encode())
    return [issue.complaint.detail for issue in caught.value.issues]


def alike(pedigree: Pedigree) -> set[tuple[object, ...]]:
    return {(each.id, each.father, each.mother, each.sex, each.is_affected) for each in pedigree.people}


def test_tabs_blanks_comments_and_unknowns_are_read():
    read = ped.read(b"#family id\nF1\tkid\tdad\t-9\t1\t2\tA A\n\nF1 dad 0 0 1 -9\n  # said\nF1 x 0 0 other 1\n")
    assert alike(read.pedigree) == {
        ("kid", "dad", None, "male", True),
        ("dad", None, None, "male", None),
        ("x", None, None, "other", False),
    }
    assert read.extra == {"kid": ("A A",)}


def test_a_cycle_is_refused_once_and_an_own_parent_by_name():
    assert refused("F a b 0 1 1\nF b a 0 1 1\n") == ["pedigree-cycle"]
    assert refused("F a a 0 1 1\n") == ["pedigree-own-parent"]


def test_all_that_is_wrong_is_told_at_once():
    assert refused("F a 0 0 1\nF 0 0 0 1 1\nG b 0 0 1 7\n") == [
        "pedigree-columns", "pedigree-individual-missing", "pedigree-phenotype", "pedigree-families",
    ]  # fmt: skip


def test_an_identifier_with_blanks_is_not_written():
    with pytest.raises(Unprocessable) as caught:
        ped.write(Pedigree("F", (Individual("14 year-old boy"),)))
    assert [issue.complaint.detail for issue in caught.value.issues] == ["pedigree-identifier-unfit"]


@pytest.mark.parametrize("system", [None, IPP])
def test_generated_dossiers_go_to_ped_and_back_as_they_are(system: str | None):
    for each in dossiers(10, 4):
        gathered = of_resources(each.resources())
        told, _ = kin.pedigree(gathered, family(gathered, system))
        written = ped.write(told)
        assert b"ESSAI" not in written
        made = kin.resources(ped.read(written).pedigree, "2026-11-22", system)
        back = Gathered((one.url, one.resource) for one in made)
        again, _ = kin.pedigree(back, family(back, system))
        assert (again.family, alike(again)) == (told.family, alike(told)), each.number

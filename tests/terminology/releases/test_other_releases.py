"""HGNC, Orphanet, LOINC, CIM-10 FR: small made-up releases in the form of the official ones, sound and bad.

Source: the descriptions that each module of `terminology/releases` names.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from fhir_gateway.fhir.outcome import Unprocessable
from fhir_gateway.terminology.releases.kinds import read
from fhir_gateway.terminology.releases.release import Release, Released

HGNC = (
    "hgnc_id\tsymbol\tname\tlocus_group\tstatus\tlocation\talias_symbol\tprev_symbol\tdate_modified\n"
    'HGNC:900001\tZYX9\tzyxin nine\tprotein-coding gene\tApproved\t1q42\t"ZZ1|ZZ2"\tOLD9\t2031-01-05\n'
    "HGNC:900002\tZYX8~withdrawn\tzyxin eight\t\tEntry Withdrawn\t\t\t\t2030-01-05\n"
)
ORPHANET = """<?xml version="1.0" encoding="UTF-8"?>
<JDBOR date="2031-07-01 10:00:00" version="1">
 <DisorderList count="2">
  <Disorder id="1"><OrphaCode>900001</OrphaCode><Name lang="fr">Maladie imaginaire</Name>
   <SynonymList count="1"><Synonym lang="fr">Mal d'Argan</Synonym></SynonymList>
   <Totalstatus>Active</Totalstatus>
   <DisorderType id="2"><Name lang="fr">Maladie</Name></DisorderType></Disorder>
  <Disorder id="2"><OrphaCode>900002</OrphaCode><Name lang="fr">Maladie abandonn&#233;e</Name>
   <Totalstatus>Inactive: Obsolete</Totalstatus>
   <DisorderDisorderAssociationList count="1"><DisorderDisorderAssociation>
    <TargetDisorder id="1"><OrphaCode>900001</OrphaCode></TargetDisorder>
   </DisorderDisorderAssociation></DisorderDisorderAssociationList></Disorder>
 </DisorderList>
</JDBOR>
"""
ENGLISH = """<JDBOR date="2031-07-01"><DisorderList><Disorder id="1"><OrphaCode>900001</OrphaCode>
<Name lang="en">Imaginary disease</Name></Disorder></DisorderList></JDBOR>
"""
CLASSIFICATION = """<JDBOR date="2031-07-01"><ClassificationList><Classification id="1"><ClassificationNodeRootList>
<ClassificationNode><Disorder id="1"><OrphaCode>900001</OrphaCode></Disorder><ClassificationNodeChildList>
<ClassificationNode><Disorder id="2"><OrphaCode>900002</OrphaCode></Disorder></ClassificationNode>
</ClassificationNodeChildList></ClassificationNode></ClassificationNodeRootList></Classification></ClassificationList></JDBOR>
"""
ORPHANET_JSON = {
    "JDBOR": [
        {
            "date": "2031-07-01",
            "DisorderList": [
                {
                    "Disorder": [
                        {
                            "OrphaCode": "900001",
                            "Name": [{"lang": "fr", "label": "Maladie imaginaire"}],
                            "SynonymList": [{"Synonym": [{"lang": "fr", "label": "Mal d'Argan"}]}],
                        }
                    ]
                }
            ],
        }
    ]
}
LOINC = (
    '"LOINC_NUM","COMPONENT","PROPERTY","SYSTEM","SCALE_TYP","CLASS","VersionLastChanged","STATUS","SHORTNAME",'
    '"LONG_COMMON_NAME"\n'
    '"900001-1","Moon dust","Pn","^Patient","Doc","MOON","2.81","ACTIVE","Moon dust doc","Moon dust, ""fine"""\n'
    '"900002-2","Sun dust","Pn","^Patient","Doc","SUN","2.9","DEPRECATED","","Sun dust"\n'
)
VARIANT = (
    '"LOINC_NUM","COMPONENT","PROPERTY","SYSTEM","SCALE_TYP","LONG_COMMON_NAME","LinguisticVariantDisplayName"\n'
    '"900001-1","Poussière lunaire","Pn","Patient","Doc","Poussière de lune",""\n'
)
HIERARCHY = (
    "PATH_TO_ROOT,SEQUENCE,IMMEDIATE_PARENT,CODE,CODE_TEXT\n,1,,LP900-1,Dust\nLP900-1,1,LP900-1,900001-1,Moon dust\n"
)
CIM10 = (
    "A990|0|ONNO|0|Fièvre d'essai|Fièvre d'essai, sans précision\n"
    "A99|3|ONNO|3|Fièvres d'essai|Fièvres d'essai\n"
    "A9901|0|ONNO|0|Fièvre d'essai matinale|Fièvre d'essai matinale\n"
)
CLAML = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE ClaML SYSTEM "ClaML.dtd">
<ClaML version="2.0.0"><Title name="CIM-10-FR" version="2031">CIM-10 FR</Title>
<Modifier code="S1"/>
<ModifierClass modifier="S1" code=".0"><SuperClass code="S1"/>
<Rubric kind="preferred"><Label xml:lang="fr">avec coma</Label></Rubric></ModifierClass>
<Class kind="chapter" code="I"><SubClass code="A99"/>
<Rubric kind="preferred"><Label xml:lang="fr">Maladies d'essai</Label></Rubric></Class>
<Class kind="category" code="A99"><SuperClass code="I"/><ModifiedBy code="S1"/>
<Rubric kind="preferred"><Label xml:lang="fr">Fièvre <Term>d'essai</Term></Label></Rubric>
<Rubric kind="inclusion"><Label xml:lang="fr">Fièvre de banc</Label></Rubric></Class></ClaML>
"""


def release(folder: Path, kind: str, files: dict[str, str | bytes], version: str | None = None) -> Release:
    for name, text in files.items():
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(kind, [folder / name for name in files], version)


def concepts(folder: Path, kind: str, files: dict[str, str | bytes], version: str | None = None) -> dict[str, Released]:
    return {each.code: each for each in release(folder, kind, files, version).concepts}


def refused(folder: Path, kind: str, files: dict[str, str | bytes]) -> tuple[str, str | None]:
    with pytest.raises(Unprocessable) as refusal:
        concepts(folder, kind, files)
    issue = refusal.value.issues[0]
    return issue.complaint.detail, issue.values.get("line")


# --- HGNC


def test_a_gene_is_shown_by_its_symbol_and_found_by_aliases_and_earlier_symbols(tmp_path: Path) -> None:
    found = concepts(tmp_path, "hgnc", {"hgnc_complete_set.txt": HGNC})
    gene = found["HGNC:900001"]
    assert gene.display == "ZYX9"
    assert [name[1:] for name in gene.names] == [
        ("fully-specified", "zyxin nine"),
        ("synonym", "ZZ1"),
        ("synonym", "ZZ2"),
        ("synonym", "OLD9"),
    ]
    assert ("location", "string", "1q42") in gene.properties
    assert found["HGNC:900002"].inactive
    assert not gene.inactive


def test_the_version_of_hgnc_is_the_date_of_its_latest_change(tmp_path: Path) -> None:
    assert release(tmp_path, "hgnc", {"hgnc_complete_set.txt": HGNC}).version == "2031-01-05"


def test_the_json_form_of_hgnc_says_the_same(tmp_path: Path) -> None:
    gene = {
        "hgnc_id": "HGNC:900001", "symbol": "ZYX9", "name": "zyxin nine", "locus_group": "protein-coding gene",
        "status": "Approved", "location": "1q42", "alias_symbol": ["ZZ1", "ZZ2"], "prev_symbol": ["OLD9"],
        "date_modified": "2031-01-05",
    }  # fmt: skip
    body = json.dumps({"response": {"docs": [gene]}})
    (told,) = concepts(tmp_path, "hgnc", {"hgnc_complete_set.json": body}).values()
    same = concepts(tmp_path, "hgnc", {"hgnc_complete_set.txt": HGNC})["HGNC:900001"]
    assert (told.names, told.properties) == (same.names, same.properties)


def test_a_gene_without_a_symbol_is_refused_with_the_line(tmp_path: Path) -> None:
    assert refused(tmp_path, "hgnc", {"h.txt": HGNC.replace("ZYX9", "")}) == ("release-malformed", "2")


# --- Orphanet


def test_a_disorder_brings_names_status_and_what_replaces_it(tmp_path: Path) -> None:
    found = concepts(tmp_path, "orphanet", {"nomenclature_fr.xml": ORPHANET})
    assert found["900001"].display == "Maladie imaginaire"
    assert found["900001"].names == [("fr", "synonym", "Mal d'Argan")]
    assert ("disorderType", "string", "Maladie") in found["900001"].properties
    assert found["900002"].inactive
    assert ("replacedBy", "code", "900001") in found["900002"].properties


def test_files_of_other_languages_and_of_classifications_are_laid_together(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"fr.xml": ORPHANET, "en.xml": ENGLISH, "z.xml": CLASSIFICATION}
    made = release(tmp_path, "orphanet", files)
    found = {each.code: each for each in made.concepts}
    assert (made.language, made.version) == ("fr", "2031-07-01")
    assert ("en", "display", "Imaginary disease") in found["900001"].names
    assert found["900002"].parents == ["900001"]


def test_the_json_form_of_orphanet_is_read_too(tmp_path: Path) -> None:
    (told,) = concepts(tmp_path, "orphanet", {"fr.json": json.dumps(ORPHANET_JSON)}).values()
    assert (told.code, told.display) == ("900001", "Maladie imaginaire")
    assert told.names == [("fr", "synonym", "Mal d'Argan")]


def test_a_disorder_that_is_there_twice_is_refused_with_the_line(tmp_path: Path) -> None:
    twice = ORPHANET.replace("900002", "900001", 1)
    assert refused(tmp_path, "orphanet", {"fr.xml": twice}) == ("release-code-duplicate", "8")


def test_xml_that_ends_in_the_middle_is_refused_with_the_line(tmp_path: Path) -> None:
    assert refused(tmp_path, "orphanet", {"fr.xml": ORPHANET[:400]}) == ("release-truncated", "7")


def test_xml_that_declares_entities_is_refused(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE JDBOR [<!ENTITY a "aaaa">]><JDBOR>&a;</JDBOR>'
    assert refused(tmp_path, "orphanet", {"fr.xml": bomb}) == ("release-malformed", "1")


# --- LOINC


def test_a_loinc_term_brings_its_names_and_parts(tmp_path: Path) -> None:
    made = release(tmp_path, "loinc", {"Loinc.csv": LOINC})
    found = {each.code: each for each in made.concepts}
    assert made.version == "2.81"  # of 2.81 and 2.9 the later release
    assert found["900001-1"].display == 'Moon dust, "fine"'
    assert found["900001-1"].names == [("en", "short", "Moon dust doc")]
    assert ("CLASS", "string", "MOON") in found["900001-1"].properties
    assert found["900002-2"].inactive


def test_linguistic_variants_and_hierarchy_are_laid_into_the_release(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "Loinc.csv": LOINC,
        "frFR18LinguisticVariant.csv": VARIANT,
        "ComponentHierarchyBySystem.csv": HIERARCHY,
    }
    found = concepts(tmp_path, "loinc", files)
    assert ("fr-FR", "display", "Poussière de lune") in found["900001-1"].names
    assert found["900001-1"].parents == ["LP900-1"]


def test_a_linguistic_variant_alone_is_a_supplement(tmp_path: Path) -> None:
    made = release(tmp_path, "loinc", {"frFR18LinguisticVariant.csv": VARIANT}, "2.81")
    assert (made.supplements, made.language) == ("http://loinc.org", "fr-FR")
    (told,) = made.concepts
    assert told.display == "Poussière de lune"


def test_a_quoted_value_without_an_end_is_refused_with_the_line(tmp_path: Path) -> None:
    assert refused(tmp_path, "loinc", {"Loinc.csv": LOINC[:-4]}) == ("release-truncated", "3")


# --- CIM-10 FR


def test_codes_of_the_text_get_their_point_and_stand_below_the_longest_beginning(tmp_path: Path) -> None:
    found = concepts(tmp_path, "cim10", {"LIBCIM10MULTI.TXT": CIM10}, "2031")
    assert found["A99.0"].parents == ["A99"]
    assert found["A99.01"].parents == ["A99.0"]
    assert found["A99.0"].display == "Fièvre d'essai, sans précision"
    assert ("typeMCO", "code", "3") in found["A99"].properties


def test_the_text_may_be_in_windows_1252(tmp_path: Path) -> None:
    found = concepts(tmp_path, "cim10", {"LIBCIM10MULTI.TXT": CIM10.encode("cp1252")}, "2031")
    assert found["A99"].display == "Fièvres d'essai"


def test_a_text_in_utf_16_is_refused_with_the_line(tmp_path: Path) -> None:
    assert refused(tmp_path, "cim10", {"2031.txt": CIM10.encode("utf-16")})[0] in (
        "release-encoding",
        "release-truncated",
        "release-control-character",
    )


def test_a_table_with_a_header_is_read_by_it(tmp_path: Path) -> None:
    found = concepts(tmp_path, "cim10", {"cim_2031.csv": "code;libelle\nA99;Fièvres\nA99.0;Fièvre, matinale\n"})
    assert found["A99.0"].display == "Fièvre, matinale"


def test_claml_brings_chapters_and_what_modifiers_make(tmp_path: Path) -> None:
    made = release(tmp_path, "cim10", {"cim.xml": CLAML})
    found = {each.code: each for each in made.concepts}
    assert made.version == "2031"
    assert found["A99"].display == "Fièvre d'essai"
    assert found["A99"].names == [("fr", "synonym", "Fièvre de banc")]
    assert found["A99.0"].display == "Fièvre d'essai, avec coma"
    assert found["A99.0"].parents == ["A99"]


# --- files


def test_an_archive_is_read_as_it_was_downloaded(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "loinc.zip", "w") as archive:
        archive.writestr("LoincTable/Loinc.csv", LOINC)
    assert [each.code for each in read("loinc", [tmp_path / "loinc.zip"]).concepts] == ["900001-1", "900002-2"]


def test_an_archive_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "loinc.zip", "w") as archive:
        archive.writestr("LoincTable/Loinc.csv", LOINC)
    whole = (tmp_path / "loinc.zip").read_bytes()
    (tmp_path / "loinc.zip").write_bytes(whole[:-30])
    with pytest.raises(Unprocessable) as refusal:
        read("loinc", [tmp_path / "loinc.zip"])
    assert refusal.value.issues[0].complaint.detail == "release-file-unreadable"


@pytest.mark.parametrize("kind", ["hgnc", "orphanet", "loinc", "snomed", "cim10"])
def test_a_release_of_which_no_file_is_given_says_what_it_needs(kind: str, tmp_path: Path) -> None:
    assert refused(tmp_path, kind, {"readme.md": "nothing"})[0] in ("release-file-absent", "release-empty")

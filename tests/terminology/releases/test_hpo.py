"""HPO: hp.obo and hp.json say the same; the French translation is a supplement.

Source: OBO Flat File Format 1.4; OBO Graphs; Babelon. Terms are made up.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from fhir_gateway.fhir.outcome import Unprocessable
from fhir_gateway.terminology.releases import hpo
from fhir_gateway.terminology.releases.files import files_of
from fhir_gateway.terminology.releases.release import Released

OBO = """format-version: 1.2
data-version: hp/releases/2031-02-03

[Term]
id: HP:9000001
name: All

[Term]
id: HP:9000002
name: Green ears
alt_id: HP:9000009
def: "Ears that are \\"green\\"." [MADE:up]
synonym: "Verdant ears" EXACT layperson []
xref: UMLS:C1
is_a: HP:9000001 ! All

[Term]
id: HP:9000003
name: obsolete Blue ears
is_obsolete: true
replaced_by: HP:9000002

[Typedef]
id: part_of
name: part of
"""
GRAPH = {
    "graphs": [
        {
            "meta": {"version": "http://purl.obolibrary.org/obo/hp/releases/2031-02-03/hp.json"},
            "nodes": [
                {"id": "http://purl.obolibrary.org/obo/HP_9000001", "lbl": "All", "type": "CLASS"},
                {
                    "id": "http://purl.obolibrary.org/obo/HP_9000002",
                    "lbl": "Green ears",
                    "type": "CLASS",
                    "meta": {
                        "definition": {"val": 'Ears that are "green".'},
                        "synonyms": [{"pred": "hasExactSynonym", "val": "Verdant ears"}],
                        "xrefs": [{"val": "UMLS:C1"}],
                        "basicPropertyValues": [
                            {
                                "pred": "http://www.geneontology.org/formats/oboInOwl#hasAlternativeId",
                                "val": "HP:9000009",
                            }
                        ],
                    },
                },
                {
                    "id": "http://purl.obolibrary.org/obo/HP_9000003",
                    "lbl": "obsolete Blue ears",
                    "type": "CLASS",
                    "meta": {
                        "deprecated": True,
                        "basicPropertyValues": [
                            {
                                "pred": "http://purl.obolibrary.org/obo/IAO_0100001",
                                "val": "http://purl.obolibrary.org/obo/HP_9000002",
                            }
                        ],
                    },
                },
            ],
            "edges": [
                {
                    "sub": "http://purl.obolibrary.org/obo/HP_9000002",
                    "pred": "is_a",
                    "obj": "http://purl.obolibrary.org/obo/HP_9000001",
                }
            ],
        }
    ]
}
BABELON = (
    "subject_id\tsource_language\ttranslation_language\tpredicate_id\tsource_value\ttranslation_status\t"
    "translation_value\n"
)
SYNONYMS = "subject_id\ttranslation_value\tcomment\tStatus\tLine number\nID\tAL oboInOwl:hasExactSynonym@fr\t\t\t\n"


def read(folder: Path, name: str, text: str, version: str | None = None) -> list[Released]:
    (folder / name).write_text(text, encoding="utf-8")
    return list(hpo.read(files_of([folder / name]), version).concepts)


def complaint(refusal: pytest.ExceptionInfo[Unprocessable]) -> tuple[str, str | None]:
    issue = refusal.value.issues[0]
    return issue.complaint.detail, issue.values.get("line")


def test_a_term_brings_label_synonyms_definition_parents_and_properties(tmp_path: Path) -> None:
    root, ears, old = read(tmp_path, "hp.obo", OBO)
    assert (root.code, root.display, root.parents) == ("HP:9000001", "All", [])
    assert ears.display == "Green ears"
    assert ears.definition == 'Ears that are "green".'
    assert ears.names == [("en", "synonym", "Verdant ears")]
    assert ears.parents == ["HP:9000001"]
    assert ears.properties == [("alternate", "code", "HP:9000009"), ("xref", "string", "UMLS:C1")]
    assert old.inactive
    assert old.properties == [("replacedBy", "code", "HP:9000002")]


def test_the_json_form_says_the_same_as_the_obo_form(tmp_path: Path) -> None:
    def told(concepts: Sequence[Released]) -> list[tuple[object, ...]]:
        return [
            (*each[:3], list(each.names), sorted(each.properties), list(each.parents), each.inactive)
            for each in concepts
        ]

    assert told(read(tmp_path, "hp.json", json.dumps(GRAPH))) == told(read(tmp_path, "hp.obo", OBO))


def test_the_version_is_the_date_of_the_release(tmp_path: Path) -> None:
    for name, text in (("hp.obo", OBO), ("hp.json", json.dumps(GRAPH))):
        (tmp_path / name).write_text(text)
        assert hpo.read(files_of([tmp_path / name]), None).version == "2031-02-03"


def test_the_french_translation_is_a_supplement_of_its_own_version(tmp_path: Path) -> None:
    labels = "HP:9000002\ten\tfr\trdfs:label\tGreen ears\tOFFICIAL\tOreilles vertes\n"
    (tmp_path / "hp-fr.babelon.tsv").write_text(BABELON + labels, encoding="utf-8")
    rows = (
        "HP:9000002\tOreilles verdoyantes|Oreilles d'émeraude\t\tCANDIDATE\t1\n"
        "HP:9000002\tGreen ears\t\tNOT_TRANSLATED\t2\n"
    )
    (tmp_path / "hp-fr.synonyms.tsv").write_text(SYNONYMS + rows, encoding="utf-8")
    release = hpo.read(files_of([tmp_path]), "2031-05")
    assert (release.supplements, release.version, release.language) == (hpo.URL, "2031-05", "fr")
    (ears,) = release.concepts
    assert ears.display == "Oreilles vertes"
    assert ears.names == [("fr", "synonym", "Oreilles verdoyantes"), ("fr", "synonym", "Oreilles d'émeraude")]


def test_a_translation_without_a_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unprocessable) as refusal:
        read(tmp_path, "hp-fr.babelon.tsv", BABELON)
    assert complaint(refusal)[0] == "release-version-absent"


def test_a_file_that_ends_in_the_middle_is_refused_with_the_line(tmp_path: Path) -> None:
    with pytest.raises(Unprocessable) as refusal:
        read(tmp_path, "hp.obo", OBO[: OBO.index("[MADE")])
    assert complaint(refusal) == ("release-truncated", "12")
    with pytest.raises(Unprocessable) as refusal:
        read(tmp_path, "hp.json", json.dumps(GRAPH)[:-5])
    assert complaint(refusal) == ("release-truncated", "1")


def test_a_file_in_another_encoding_is_refused_with_the_line(tmp_path: Path) -> None:
    (tmp_path / "hp.obo").write_bytes(OBO.replace("Green ears", "Gr\u00fcne ears").encode("latin-1"))
    with pytest.raises(Unprocessable) as refusal:
        list(hpo.read(files_of([tmp_path]), None).concepts)
    assert complaint(refusal) == ("release-encoding", "10")


def test_a_term_without_a_name_is_refused_with_the_line(tmp_path: Path) -> None:
    with pytest.raises(Unprocessable) as refusal:
        read(tmp_path, "hp.obo", OBO.replace("name: Green ears\n", ""))
    assert complaint(refusal) == ("release-malformed", "8")


def test_a_row_with_a_column_too_few_is_refused_with_the_line(tmp_path: Path) -> None:
    with pytest.raises(Unprocessable) as refusal:
        read(tmp_path, "hp-fr.babelon.tsv", BABELON + "HP:9000002\ten\tfr\trdfs:label\tGreen ears\tOFFICIAL\n", "1")
    assert complaint(refusal) == ("release-columns", "2")

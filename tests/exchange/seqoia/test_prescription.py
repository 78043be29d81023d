"""SPICE's prescription: the published demonstration there and back, one in which every key speaks, what is refused.

Source: GIP-CAD, ser_client-api, SPICE schema and demonstration; README.md of fhir_gateway/exchange/seqoia.
"""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonschema
import pytest

from fhir_gateway.conformance.validators import r4_validator
from fhir_gateway.exchange.seqoia import links
from fhir_gateway.exchange.seqoia.complaints import Unreadable
from fhir_gateway.exchange.seqoia.formats import written_schema
from fhir_gateway.exchange.seqoia.seqoia import Options, Seqoia
from fhir_gateway.exchange.unknown_keys import HOMELESS
from fhir_gateway.fhir.json import encode
from tests.exchange.seqoia.files import INDEX, NOON, data, identity, person, prescription, relative, variant
from tests.shared_data import shared

SEQOIA = Seqoia()
DEEP = b'{"_id":' * 100 + b"1" + b"}" * 100
DEEPER = b'{"_id":' * 100_000 + b"1" + b"}" * 100_000
OURS = Options(free_text=True)
FATHER = identity("2", "M", "ESSAI-PERVENCHE", "Ambroise", "1941-01-02")


def back(tree: Any, options: Options = OURS) -> Any:
    """Return a file once it was FHIR."""
    written = SEQOIA.write(SEQOIA.read(data(tree)).resources, options)
    assert written.data is not None, [each.text() for each in written.issues]
    return json.loads(written.data)


def published() -> Any:
    path = shared("platforms", "prescriptions_schema_completed_v2.json")
    return json.loads(path.read_text(encoding="utf-8"))


def found(kind: str, tree: Any) -> list[dict[str, Any]]:
    return [each for each in SEQOIA.read(data(tree)).resources if each["resourceType"] == kind]


def family(*others: dict[str, Any]) -> Any:
    """Return a prescription of a proband and others."""
    index = relative("patient", "Patient", INDEX, "77AAA1")
    return prescription(patients=[index, *others], dossier_cloture={}, resultats=[])


def details(error: Unreadable) -> list[tuple[str, str | None]]:
    return [(each.complaint.detail, each.expression) for each in error.issues]


# --- there and back


def test_the_published_demonstration_comes_back_but_for_what_says_nothing():
    sent = shared("platforms", "seqoia_demo_trio_prescription.json").read_bytes()
    read = SEQOIA.read(sent)
    assert (read.issues, read.unknown, read.unplaced) == ((), {}, ())
    written = SEQOIA.write(read.resources)
    assert written.issues == ()
    assert written.data is not None
    tree = json.loads(sent)
    assert tree["patients"][0].pop("resultat_compte_rendu_gleaves") == {}
    assert json.loads(written.data) == tree


def test_a_prescription_in_which_every_key_speaks_comes_back_as_it_was():
    read = SEQOIA.read(data(prescription()))
    assert (read.issues, read.unknown, read.unplaced) == ((), {}, ())
    assert back(prescription()) == prescription()


def test_every_key_of_the_schema_speaks_in_it():
    def silent(schema: Any, value: Any, where: str) -> list[str]:
        name = schema.get("$ref", "").rpartition("/")[2]
        schema = written_schema()["$defs"][name] if name else schema
        if "properties" in schema:
            lacks = [f"{where}/{key}" for key in schema["properties"] if key not in value]
            return lacks + [
                each
                for key, member in schema["properties"].items()
                if key in value
                for each in silent(member, value[key], f"{where}/{key}")
            ]
        if schema.get("type") == "array" and "items" in schema:
            return silent(schema["items"], value[0], f"{where}/*") if value else [f"{where}/*"]
        return []

    assert silent(written_schema(), prescription(), "") == []


def test_our_schema_has_every_key_of_the_published_one():
    def absent(other: Any, own: Any, where: str) -> list[str]:
        name = own.get("$ref", "").rpartition("/")[2]
        own = written_schema()["$defs"][name] if name else own
        lacks = []
        for key, each in other.get("properties", {}).items():
            mine = own.get("properties", {}).get(key)
            lacks += [f"{where}/{key}"] if mine is None else absent(each, mine, f"{where}/{key}")
        return lacks + (absent(other["items"], own.get("items", {}), f"{where}/*") if other.get("items") else [])

    assert absent(published(), written_schema(), "") == []


@pytest.mark.parametrize("tree", [prescription(), family(relative("père", "Père", FATHER, "77AAA2"))])
def test_what_is_written_is_valid_by_the_published_schema(tree: Any):
    jsonschema.Draft202012Validator(published()).validate(back(tree))


@pytest.mark.parametrize(
    "tree",
    [
        prescription(),
        family(
            relative("père", "Père", FATHER, "77AAA2"),
            relative("autre", "Donneuse ovocyte", {**FATHER, "id": {"type": "IPP", "value": "9"}}, "77AAA3"),
            relative("autre", "ADN jugal", INDEX, "77AAA4"),
        ),
    ],
)
def test_what_is_read_is_valid_by_r4_and_by_the_profiles_it_claims(tree: Any):
    resources = SEQOIA.read(data(tree)).resources
    wrong = [
        each.issue.text()
        for resource in resources
        for each in r4_validator().validate_bytes(encode(resource))
        if each.is_error
    ]
    assert wrong == []
    claimed = {each for resource in resources for each in resource.get("meta", {}).get("profile", ())}
    assert {each.rpartition("/")[2] for each in claimed} >= {"pfmg-patient", "pfmg-phenotype"}


# --- what it says in FHIR


def test_a_variant_has_its_transcript_its_place_and_its_class_in_an_implication():
    tree = prescription()
    read = found("Observation", tree)
    named = next(each for each in read if each["code"]["coding"][0]["code"] == "69548-6")
    told = {each["code"]["coding"][0]["code"]: each for each in named["component"]}
    assert told["48004-6"]["valueCodeableConcept"]["coding"][0]["code"] == "ENST00000269305.8:c.827C>G"
    assert told["81254-5"]["valueRange"]["low"]["value"] == 7673793
    assert str(told["82121-5"]["valueQuantity"]["value"]) == "86"
    implied = next(each for each in read if each["code"]["coding"][0]["code"] == "diagnostic-implication")
    assert implied["derivedFrom"][0]["identifier"]["value"] == named["identifier"][0]["value"]
    assert implied["component"][0]["valueCodeableConcept"]["coding"][0]["code"] == "LA26333-7"


def test_hgvs_is_named_by_a_transcript_only_where_there_is_exactly_one():
    tree = prescription(patients=[person()])
    tree["patients"][0]["resultat_compte_rendu_gleaves"] = {"variants": [variant(Feature_ID=["ENST1.1", "ENST2.1"])]}
    named = next(each for each in found("Observation", tree) if each["code"]["coding"][0]["code"] == "69548-6")
    codes = [each["code"]["coding"][0]["code"] for each in named["component"]]
    assert "48004-6" not in codes
    assert codes.count("Feature_ID") == 2


def test_na_is_nothing():
    tree = prescription()
    tree["patients"][0]["resultat_compte_rendu_gleaves"]["variants"] = [variant(**{"ARN-Tum-VAF": "NA"})]
    variants = back(tree)["patients"][0]["resultat_compte_rendu_gleaves"]["variants"]
    assert "ARN-Tum-VAF" not in variants[0]
    assert variants[0]["ADN-Tum-VAF"] == "0.45"


@pytest.mark.parametrize(
    "change",
    [{"contig": ["GL000192.1"]}, {"start": 300_000_000}, {"contig": [1], "start": -5}, {"start": 900, "end": 800}],
)
def test_a_change_without_a_place_keeps_what_it_says_and_claims_no_profile(change: dict[str, Any]):
    tree = prescription()
    tree["patients"][0]["resultat_compte_rendu_gleaves"]["cnvs"][0] |= change
    assert back(tree) == tree
    wrong = [
        each.issue.text()
        for one in found("Observation", tree)
        for each in r4_validator().validate_bytes(encode(one))
        if each.is_error
    ]
    assert wrong == []


def test_a_file_whose_kind_is_no_media_type_comes_back_and_claims_none():
    tree = prescription()
    for each in (tree["donneesMed"][0], tree["resultats"][0], tree["patients"][0]):
        each["filetype"] = "pdf"
    assert back(tree) == tree
    kinds = {each["content"][0]["attachment"].get("contentType") for each in found("DocumentReference", tree)}
    assert "pdf" not in kinds


def test_dates_become_steps_with_their_begin_and_end():
    steps = {each["code"]["coding"][0]["code"]: each for each in found("Task", prescription())}
    assert steps["analyse-bioinfo"]["executionPeriod"] == {
        "start": "2026-02-21T12:00:00.351Z",
        "end": "2026-03-13T12:00:00.351Z",
    }
    assert steps["rcp-amont"]["owner"]["display"] == "ESSAI-TUMEURS"
    assert steps["restitution"]["status"] == "completed"


def test_a_member_whose_sample_is_excluded_has_a_revoked_prescription():
    father = {**relative("père", "Père", FATHER, "77AAA2"), "sample_is_excluded": True}
    requests = found("ServiceRequest", family(father))
    assert [each["status"] for each in requests] == ["completed", "revoked"]
    assert back(family(father))["patients"][1]["sample_is_excluded"] is True


def test_a_key_comes_back_whichever_others_are_absent():
    tree = prescription()
    for key in list(tree):
        if key not in ("_id", "preindication", "patients"):
            assert back({other: each for other, each in tree.items() if other != key}) == {
                other: each for other, each in tree.items() if other != key
            }
    for key in list(tree["patients"][0]):
        # A yes needs its date; what is received of a person with a tumour is the constitutional tube.
        if key not in ("patient", "lien", "dateConsent", "date_reception_constit"):
            one = prescription()
            del one["patients"][0][key]
            assert back(one)["patients"][0] == one["patients"][0], key


# --- family links


@pytest.mark.parametrize(
    ("label", "code"),
    [("Frère", "BRO"), ("Grand-mère maternelle", "MGRMTH"), ("Géniteur", "NFTH"), ("Grand-oncle maternel", "EXT")],
)
def test_a_label_of_the_reviewed_list_is_a_code_and_keeps_its_text(label: str, code: str):
    tree = family(relative("autre", label, FATHER, "77AAA2"))
    (link,) = found("FamilyMemberHistory", tree)
    assert link["relationship"]["coding"][0]["code"] == code
    assert back(tree, Options())["patients"][1]["lien"] == {"key": "autre", "name": label}


@pytest.mark.parametrize("name", ["Père", "PERE", "Papa de Camille"])
def test_what_a_key_tells_is_sure_whatever_its_name_and_the_name_is_kept(name: str):
    tree = family(relative("père", name, FATHER, "77AAA2"))
    (link,) = found("FamilyMemberHistory", tree)
    assert link["relationship"]["coding"][0]["code"] == "FTH"
    assert back(tree)["patients"][1]["lien"] == {"key": "père", "name": name}
    assert "Camille" not in json.dumps(back(tree, Options()))


def test_an_entry_of_which_nothing_is_told_is_a_relative_of_unsaid_link():
    tree = family({**relative("autre", "", FATHER, "77AAA2"), "lien": {"key": "autre"}})
    (link,) = found("FamilyMemberHistory", tree)
    assert "coding" not in link["relationship"]
    assert back(tree)["patients"] == tree["patients"]
    assert back(tree)["membreLMG"] == tree["membreLMG"]


@pytest.mark.parametrize(
    "label", ["Donneuse ovocyte", "Beau-père", "Foetus 1", "2nd cas index", "mère de Camille", "Père biologique ?"]
)
def test_what_has_two_readings_or_none_stays_a_text_and_is_flagged(label: str):
    tree = family(relative("autre", label, FATHER, "77AAA2"))
    read = SEQOIA.read(data(tree))
    assert [(each.complaint.detail, each.expression) for each in read.issues] == [
        ("seqoia-link-unread", "/patients/1/lien/name")
    ]
    (link,) = [each for each in read.resources if each["resourceType"] == "FamilyMemberHistory"]
    assert link["relationship"] == {"text": label}
    assert "meta" not in link


def test_a_text_does_not_leave_towards_another_organisation():
    tree = family(relative("autre", "mère de Camille", FATHER, "77AAA2"))
    resources = SEQOIA.read(data(tree)).resources
    written = SEQOIA.write(resources)
    assert written.data is not None
    assert "Camille" not in written.data.decode()
    assert json.loads(written.data)["patients"][1]["lien"] == {"key": "autre"}
    told = {(each.complaint.detail, each.values.get("where")) for each in written.issues}
    assert ("seqoia-text-stays", "/patients/1/lien/name") in told
    assert ("seqoia-text-stays", "/commentaires") in told
    assert back(tree)["patients"][1]["lien"]["name"] == "mère de Camille"


def test_no_free_text_of_any_key_leaves():
    words = ("Une remarque", "Une conclusion", "Étiquette reprise", "Un mot", "Un autre", "À revoir")
    ours = json.dumps(back(prescription()), ensure_ascii=False)
    theirs = json.dumps(back(prescription(), Options()), ensure_ascii=False)
    assert [each for each in words if each not in ours] == []
    assert [each for each in words if each in theirs] == []


@pytest.mark.parametrize(("label", "nature"), [("ADN jugal", "adn"), ("Fibroblastes", "fibroblaste")])
def test_a_label_that_names_another_sample_of_the_same_person_becomes_a_specimen(label: str, nature: str):
    entry = {**relative("autre", label, INDEX, "77AAA4"), "date_prelevement": NOON, "atteint": True}
    tree = family(entry)
    read = SEQOIA.read(data(tree))
    assert [each.complaint.detail for each in read.issues] == ["seqoia-sample-entry"]
    kinds = [each["resourceType"] for each in read.resources]
    assert kinds.count("Patient") == kinds.count("ServiceRequest") == 1
    (specimen,) = [each for each in read.resources if each["resourceType"] == "Specimen"]
    assert [each["code"] for each in specimen["type"]["coding"]] == [nature, "lien"]
    assert specimen["type"]["text"] == label
    assert specimen["subject"]["identifier"]["value"] == "77AAA1"
    assert back(tree)["patients"] == tree["patients"]


def test_a_sample_of_somebody_unknown_stays_a_person_and_is_flagged():
    read = SEQOIA.read(data(family(relative("autre", "ADN jugal", FATHER, "77AAA4"))))
    assert [each.complaint.detail for each in read.issues] == ["seqoia-sample-of-nobody", "seqoia-link-unread"]
    assert sum(each["resourceType"] == "Patient" for each in read.resources) == 2


# --- consents


def test_a_yes_without_the_date_of_a_form_is_never_written_again_as_a_yes():
    tree = prescription()
    del tree["patients"][0]["dateConsent"]
    read = SEQOIA.read(data(tree))
    assert [each.complaint.detail for each in read.issues] == ["seqoia-consent-undated"]
    written = SEQOIA.write(read.resources)
    assert written.data is not None
    assert "is_data_reusable_for_research" not in json.loads(written.data)["patients"][0]
    assert "seqoia-consent-not-signed" in {each.complaint.detail for each in written.issues}


def test_a_consent_that_was_withdrawn_is_a_no():
    resources = [
        {**each, "status": "inactive"} if each["resourceType"] == "Consent" else each
        for each in SEQOIA.read(data(prescription())).resources
    ]
    written = SEQOIA.write(resources)
    assert written.data is not None
    assert json.loads(written.data)["patients"][0]["is_data_reusable_for_research"] is False


# --- what is unknown, what is refused


def test_unknown_keys_are_kept_listed_and_put_back():
    tree = prescription(pipeline_info={"owner": "x"})
    tree["patients"][0]["resultat_compte_rendu_gleaves"]["variants"][0]["SIFT"] = "0.02"
    read = SEQOIA.read(data(tree))
    where = "/patients/0/resultat_compte_rendu_gleaves/variants/0/SIFT"
    assert read.unknown == {"/pipeline_info": {"owner": "x"}, where: "0.02"}
    assert {each.expression for each in SEQOIA.check(data(tree))} == {"/pipeline_info", where}
    assert back(tree) == tree


def test_unknown_keys_do_not_leave_towards_another_organisation():
    tree = prescription(pipeline_info={"owner": "somebody"})
    read = SEQOIA.read(data(tree))
    written = SEQOIA.write(read.resources, Options())
    assert written.data is not None
    assert "somebody" not in written.data.decode()
    assert ("seqoia-text-stays", "/") in {(each.complaint.detail, each.values["where"]) for each in written.issues}


def test_unknown_keys_of_whatever_is_carried_as_fields_are_kept_apart():
    tree = prescription(patients=[person(), {**relative("autre", "ADN jugal", INDEX, "77AAA4"), "colour": "red"}])
    tree["dossier_cloture"]["is_new"] = True
    tree["patients"][0]["no_conformity_data"]["rank"] = 1
    read = SEQOIA.read(data(tree))
    assert set(read.unknown) == {"/dossier_cloture/is_new", "/patients/0/no_conformity_data/rank", "/patients/1/colour"}
    assert back(tree) == tree


ODD: dict[str, Any] = {"null": None, "none": [], "text": "", "deep": [{"x": {}}, 1.50, True], "a/b~c": {"0": "zéro"}}


def test_an_unknown_key_comes_back_as_it_was_whatever_it_says():
    tree = family({**relative("père", "Père", FATHER, "77AAA2"), "odd": ODD})
    del tree["dossier_cloture"], tree["resultats"]
    tree |= {"odd": ODD, "analysis_info": {"analysis_ID": "1", "x": {"y": None}}}
    assert set(SEQOIA.read(data(tree)).unknown) == {"/odd", "/patients/1/odd", "/analysis_info/x"}
    assert back(tree) == tree
    kept = [each for each in found("Observation", tree) if "cle-inconnue" in str(each["code"])]
    assert {each["subject"]["identifier"]["value"] for each in kept} == {"77AAA1", "77AAA2"}
    wrong = [each.issue.text() for one in kept for each in r4_validator().validate_bytes(encode(one)) if each.is_error]
    assert wrong == []


def test_an_unknown_key_follows_what_it_stood_in():
    signs = [{"code": "HP:0001250", "rank": 1}, {"code": "HP:0000252", "rank": 2}]
    father = {**relative("père", "Père", FATHER, "77AAA2"), "rank": 3}
    tree = family(father)
    tree |= {"hpos": signs, "patients": tree["patients"][::-1]}
    again = back(tree)
    assert again["hpos"] == signs[::-1]  # in the order of the terms
    assert [each.get("rank") for each in again["patients"]] == [None, 3]  # the index case first


def test_an_unknown_key_goes_back_to_who_sent_it_and_to_nobody_else():
    tree = prescription(pipeline_info={"owner": "somebody"}, commentaires=[{"commentaire": "Un mot"}])
    sender = {"type": "Organization", "identifier": {"system": "s", "value": "1"}}
    resources = [
        {**each, "performer": [sender]} if each["resourceType"] == "Observation" else each
        for each in SEQOIA.read(data(tree)).resources
    ]
    theirs = json.loads(SEQOIA.write(resources, Options(asker="s|1")).data or b"")
    assert theirs["pipeline_info"] == {"owner": "somebody"}
    assert "commentaires" not in theirs
    for other in ("s|2", ""):
        assert "pipeline_info" not in json.loads(SEQOIA.write(resources, Options(asker=other)).data or b"")


def test_an_unknown_key_of_what_is_no_longer_there_is_told_and_not_written():
    tree = prescription()
    tree["patients"][0]["resultat_compte_rendu_gleaves"]["variants"][0]["SIFT"] = "0.02"
    resources = [each for each in SEQOIA.read(data(tree)).resources if "69548-6" not in str(each.get("code"))]
    written = SEQOIA.write(resources, OURS)
    where = "/patients/0/resultat_compte_rendu_gleaves/variants/0/SIFT"
    assert where in [each.expression for each in written.issues if each.complaint is HOMELESS]
    assert written.data is not None
    assert "SIFT" not in written.data.decode()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"patients": []}, ("seqoia-no-index-case", "/patients")),
        ({"patients": [person(), person()]}, ("seqoia-no-index-case", "/patients")),
        ({"patients": [person(), relative("père", "", FATHER, "77AAA1")]},
         ("seqoia-id-anon-twice", "/patients/1/id_anon")),
        ({"_id": None}, ("tree-type", "/_id")),
        ({"status": "OPEN"}, ("tree-not-of-list", "/status")),
        ({"preindication": {"key": "60"}}, ("tree-form", "/preindication/key")),
        ({"hpos": [{"code": "HP:1"}]}, ("tree-form", "/hpos/0/code")),
        ({"date_cloture": "2026-01-01"}, ("tree-type", "/date_cloture")),
        ({"analysis_info": {"date_fin_analyse": "31022026"}}, ("seqoia-no-date", "/analysis_info/date_fin_analyse")),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_with_its_place(change: dict[str, Any], expected: tuple[str, str]):
    with pytest.raises(Unreadable) as caught:
        SEQOIA.read(data(prescription(**change)))
    assert expected in details(caught.value)
    assert expected in [(each.complaint.detail, each.expression) for each in SEQOIA.check(data(prescription(**change)))]


def test_all_that_is_wrong_is_told_at_once():
    tree = prescription(_id=1, hpos=[{"code": "x"}])
    with pytest.raises(Unreadable) as caught:
        SEQOIA.read(data(tree))
    assert {each.expression for each in caught.value.issues} == {"/_id", "/hpos/0/code"}


@pytest.mark.parametrize(
    "sent",
    [data(prescription())[:-30], b"[]", b"", b"\xff", DEEP, DEEPER],
    ids=["truncated", "list", "nothing", "no text", "deep", "deeper"],
)
def test_what_is_truncated_or_no_object_is_refused(sent: bytes):
    with pytest.raises(Unreadable) as caught:
        SEQOIA.read(sent)
    assert [each.complaint.detail for each in caught.value.issues] == ["seqoia-unreadable"]
    assert [each.complaint.detail for each in SEQOIA.check(sent)] == ["seqoia-unreadable"]


def test_a_transfer_without_a_date_is_kept_and_told():
    tree = prescription(prescripteurs_old=[{"prescripteur_from": "402"}])
    read = SEQOIA.read(data(tree))
    assert read.unknown == {"/prescripteurs_old/0": {"prescripteur_from": "402"}}
    assert [each.complaint.detail for each in read.issues] == ["seqoia-transfer-undated"]
    assert back(tree) == tree


def test_a_dossier_without_the_number_of_the_platform_is_not_written():
    resources = copy.deepcopy(SEQOIA.read(data(prescription())).resources)
    for each in resources:
        if each["resourceType"] == "ServiceRequest":
            each["identifier"] = each["identifier"][1:]
    written = SEQOIA.write(resources)
    assert written.data is None
    assert "seqoia-case-absent" in {each.complaint.detail for each in written.issues}


def test_a_preindication_of_several_keys_is_not_guessed():
    resources = copy.deepcopy(SEQOIA.read(data(prescription())).resources)
    for each in resources:
        if each["resourceType"] == "ServiceRequest":
            each["reasonCode"] = [
                {"coding": [{"system": "http://www.genomecad.fr/CodeSystem/PFMG/Filiere", "code": "F-51"}]}
            ]
    written = SEQOIA.write(resources)
    assert written.data is None
    (told,) = [each for each in written.issues if each.severity == "error"]
    assert told.complaint.detail == "seqoia-preindication-unmapped"
    assert "p1-sp11, p1-sp12" in told.text("fr")
    filled = Seqoia({"seqoia-preindications": {"F-51": "p1-sp11"}}).write(resources)
    assert filled.data is not None
    assert json.loads(filled.data)["preindication"]["key"] == "p1-sp11"


def test_what_the_published_map_calls_a_family_member_is_a_sample_or_a_text():
    path = shared("platforms", "seqoia-to-v3-relationship.json")
    elements = json.loads(path.read_text(encoding="utf-8"))["group"][0]["element"]
    members = [each["code"] for each in elements if each["target"][0]["code"] == "FAMMEMB"]
    samples = [label for label in members if links.sample("autre", label) is not None]
    assert len(samples) == len(members) - 1
    assert [label for label in members if label not in samples] == ["2nd cas index"]
    assert [label for label in members if links.link("autre", label).code is not None] == []


def test_nobody_is_a_parent_in_law_or_a_mother_by_a_label_with_two_readings():
    for label in ("Donneuse ovocyte", "donneur, pas d'autorité parentale cf commentaires", "Beau-père", "Foetus 2016"):
        assert links.link("autre", label).code is None

"""A dossier as the national collector takes it: judged by its published profile, read back by our own reader.

Source: GIP-CAD, ser_client-api (message profile LAB-36, layout); HL7 v2.5, chapters 3, 6, 7; profiles/pfmg.
"""

from __future__ import annotations

import re
import time
from base64 import b64decode, b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from fhir_gateway.exchange.cad.cad import Written
from fhir_gateway.exchange.cad.files import DIGEST
from fhir_gateway.exchange.cad.links import SURE
from fhir_gateway.exchange.hl7v2.er7 import Message, Segment, read
from tests.exchange.cad.deposits import (
    LABORATORY,
    Resource,
    compiled,
    data_file,
    example,
    examples,
    of,
    reported,
    trio,
    with_files,
    written,
)
from tests.shared_data import shared

RELIABILITY = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-identity-reliability"


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return compiled(shared("platforms", "oru_r01_lab36.xml"), tmp_path_factory.mktemp("cad"))


def message_of(deposit: Written) -> Message:
    assert deposit.data is not None, [each.text() for each in deposit.issues]
    return read(deposit.data)


def groups(message: Message) -> list[list[Segment]]:
    """Return the PATIENT_RESULT groups of a message."""
    found: list[list[Segment]] = []
    for each in message.segments:
        if each.name == "PID":
            found.append([])
        if found:
            found[-1].append(each)
    return found


def named(group: list[Segment], name: str) -> list[Segment]:
    return [each for each in group if each.name == name]


def value(segment: Segment, number: int, component: int = 1, subcomponent: int = 1) -> str:
    node = segment.node(number)
    part = None if node is None else node.part(component)
    leaf = None if part is None else part.part(subcomponent)
    return "" if leaf is None else leaf.text


def details(deposit: Written, severity: str = "") -> list[str]:
    return [each.complaint.detail for each in deposit.issues if severity in ("", each.severity)]


def proband_of(resources: list[Resource]) -> Resource:
    key = of(resources, "ServiceRequest")[0]["subject"]["reference"]
    return next(each for each in of(resources, "Patient") if f"Patient/{each['id']}" == key)


# --- the oracle


# The groups that a segment stands in, outermost first.
PATIENT = ("PATIENT_RESULT", "PATIENT")
ORDER = ("PATIENT_RESULT", "ORDER_OBSERVATION")
PLACES = {
    "MSH": (), "SFT": (), "PID": PATIENT, "CON": PATIENT, "NK1": PATIENT, "PV1": (*PATIENT, "VISIT"),
    "OBR": ORDER, "OBX": (*ORDER, "OBSERVATION"), "PRT": (*ORDER, "OBSERVATION"),
}  # fmt: skip
OPENING = {"PID": 1, "OBX": 3}  # which of its groups a segment opens anew


def judged(profile: Any, data: bytes) -> None:
    """Judge a message by the published profile, strictly. Raises what hl7apy finds.

    Segments are put into their groups here: hl7apy's reader takes a second PID for a second PATIENT of the first
    PATIENT_RESULT.
    """
    core, parser = pytest.importorskip("hl7apy.core"), pytest.importorskip("hl7apy.parser")
    strict = pytest.importorskip("hl7apy.consts").VALIDATION_LEVEL.STRICT
    message = core.Message("ORU_R01", reference=profile, validation_level=strict)
    message.children.remove(message.children[0])
    groups: list[Any] = [message]
    opened: tuple[str, ...] = ()
    for line in data.decode().split("\r")[:-1]:
        name = line[:3]
        shared = 0
        while shared < min(len(opened), len(PLACES[name])) and opened[shared] == PLACES[name][shared]:
            shared += 1
        shared = min(shared, OPENING.get(name, 9) - 1)
        groups = groups[: shared + 1]
        for group in PLACES[name][shared:]:
            groups.append(groups[-1].add_group(f"ORU_R01_{group}"))
        opened = PLACES[name]
        reference = groups[-1].structure_by_name[name]["ref"]
        groups[-1].add(parser.parse_segment(line, "2.5", None, strict, reference))
    assert message.validate()
    assert message.to_er7().rstrip("\r") == data.decode().rstrip("\r")


def test_a_trio_is_valid_by_the_published_profile(profile: Any) -> None:
    deposit = written(trio())
    assert deposit.data is not None
    judged(profile, deposit.data)


def test_generated_dossiers_are_valid_by_the_published_profile(profile: Any) -> None:
    judged_so_far = 0
    for held in reported(24, 11):
        deposit = written(with_files(held))
        assert details(deposit, "error") == []
        assert deposit.data is not None
        judged(profile, deposit.data)
        judged_so_far += 1
    assert judged_so_far >= 8


def test_the_examples_are_valid_by_the_published_profile(profile: Any) -> None:
    for path in examples():
        deposit = written(example(path))
        assert deposit.data is not None, path.stem
        judged(profile, deposit.data)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (rb"\rPID[^\r]*", b""),
        (rb"(\rPID\|1\|[^|]*\|)[^|]*", rb"\1"),
        (rb"(\|fhir-gateway)\r", b"\r"),
        (rb"(\rOBR\|1\|)[^|]*", rb"\1"),
        (rb"(\rCON\|[^\r]*)\|7\r", rb"\1\r"),
        (rb"(\rOBX\|)1\|", rb"\1|"),
    ],
)
def test_the_profile_refuses_a_message_that_lacks_something(profile: Any, right: bytes, wrong: bytes) -> None:
    """The oracle does refuse."""
    deposit = written(trio())
    assert deposit.data is not None
    spoiled = re.sub(right, wrong, deposit.data, count=1)
    assert spoiled != deposit.data
    exceptions = pytest.importorskip("hl7apy.exceptions")
    with pytest.raises((exceptions.HL7apyException, AssertionError)):
        judged(profile, spoiled)


# --- who


def test_each_person_has_a_group_and_the_index_the_first() -> None:
    resources = trio()
    found = groups(message_of(written(resources)))
    people = [each["subject"]["reference"].partition("/")[2] for each in of(resources, "ServiceRequest")]
    patients = {each["id"]: each for each in of(resources, "Patient")}
    told = [(value(group[0], 5), value(group[0], 5, 2), value(group[0], 7), value(group[0], 8)) for group in found]
    sexes = {"male": "M", "female": "F"}
    assert told == [
        (
            patients[each]["name"][0]["family"],
            patients[each]["name"][0]["given"][0],
            patients[each]["birthDate"].replace("-", ""),
            sexes[patients[each]["gender"]],
        )
        for each in people
    ]
    assert [value(group[0], 1) for group in found] == ["1", "2", "3"]


def test_birth_death_and_reliability_are_empty_where_nobody_said() -> None:
    resources = trio()
    patient = proband_of(resources)
    patient["extension"] = [each for each in patient["extension"] if each["url"] != RELIABILITY]
    pid = groups(message_of(written(resources)))[0][0]
    assert [value(pid, number) for number in (24, 25, 29, 30, 32)] == ["", "", "", "", ""]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"multipleBirthBoolean": False}, ["N", "", "", "", "VALI"]),
        ({"multipleBirthBoolean": True}, ["Y", "", "", "", "VALI"]),
        ({"multipleBirthInteger": 3}, ["Y", "3", "", "", "VALI"]),
        ({"deceasedBoolean": False}, ["", "", "", "N", "VALI"]),
        ({"deceasedBoolean": True}, ["", "", "", "Y", "VALI"]),
        ({"deceasedDateTime": "2026-02-03"}, ["", "", "20260203", "Y", "VALI"]),
    ],
)
def test_birth_death_and_reliability_are_as_the_person_is(told: Resource, expected: list[str]) -> None:
    resources = trio()
    proband_of(resources).update(told)
    pid = groups(message_of(written(resources)))[0][0]
    assert [value(pid, number) for number in (24, 25, 29, 30, 32)] == expected


def test_the_number_of_the_laboratory_goes_before_that_of_the_hospital() -> None:
    resources = trio()
    proband_of(resources)["identifier"].append(
        {"system": "https://pfmg.example.org/fhir/identifier/seqoia-id-anon", "value": "ANON-0001"}
    )
    deposit = written(resources)
    pid = groups(message_of(deposit))[0][0]
    assert [value(pid, 3), value(pid, 3, 4, 1), value(pid, 3, 4, 2), value(pid, 3, 5)] == [
        "ANON-0001", LABORATORY.name, "1990000200", "PI",
    ]  # fmt: skip
    assert deposit.folder is not None
    assert any(each.path.startswith("ANON-0001/") for each in deposit.folder.laid)


def test_who_assigned_a_number_is_named_where_it_is_known() -> None:
    resources = trio()
    (ipp,) = (each for each in proband_of(resources)["identifier"] if each["system"].endswith("/ipp"))
    ipp["assigner"] = {
        "display": "CHU fictif",
        "identifier": {"system": "https://finess.esante.gouv.fr", "value": "990000010"},
    }
    pid = groups(message_of(written(resources)))[0][0]
    assert [value(pid, 3, 4, 1), value(pid, 3, 4, 2)] == ["CHU fictif", "1990000010"]


def test_neither_the_ins_nor_any_free_text_goes_out() -> None:
    resources = trio()
    numbers = [
        one["value"]
        for each in of(resources, "Patient")
        for one in each["identifier"]
        if "1.2.250.1.213" in one["system"]
    ]
    of(resources, "DiagnosticReport")[0]["conclusion"] = "TEXTE-LIBRE"
    of(resources, "ServiceRequest")[0]["note"] = [{"text": "TEXTE-LIBRE"}]
    data = written(resources).data
    assert numbers
    assert data is not None
    assert not any(each.encode() in data for each in (*numbers, "TEXTE-LIBRE"))


# --- links


def test_a_link_is_told_in_the_group_of_either() -> None:
    index, *relatives = groups(message_of(written(trio())))
    told = {value(each, 3): value(each, 2) for each in named(index, "NK1")}
    assert set(told) == {"FTH", "MTH"}
    for group in relatives:
        (back,) = named(group, "NK1")
        assert value(back, 3) in ("SON", "DAU")
        assert value(back, 2) == value(index[0], 5)
        assert (value(back, 15), value(back, 16)) == (value(index[0], 8), value(index[0], 7))
        assert [value(back, 3, each) for each in (4, 5, 6)] == [
            "1.0", "match-confidence", "http://www.genomecad.fr/CodeSystem/MatchConfidence",
        ]  # fmt: skip


def test_a_link_that_is_not_sure_says_so_and_is_not_turned_round() -> None:
    resources = trio()
    link = of(resources, "FamilyMemberHistory")[0]
    link["relationship"]["extension"] = [{"url": SURE, "valueDecimal": 0.8}]
    link["relationship"]["text"] = "la maman, je crois"
    deposit = written(resources)
    index, *relatives = groups(message_of(deposit))
    assert "0.8" in [value(each, 3, 4) for each in named(index, "NK1")]
    assert sorted(len(named(group, "NK1")) for group in relatives) == [0, 1]
    assert "cad-link-not-exact" in details(deposit, "warning")
    assert b"la maman" not in (deposit.data or b"")


def test_a_link_read_from_free_text_claims_no_confidence() -> None:
    resources = trio()
    link = of(resources, "FamilyMemberHistory")[0]
    link["relationship"].pop("extension", None)
    link["relationship"]["text"] = "le papa"
    index = groups(message_of(written(resources)))[0]
    assert sorted(value(each, 3, 4) for each in named(index, "NK1")) == ["", "1.0"]


def test_parents_of_one_child_are_not_said_to_be_a_couple() -> None:
    assert "SPS" not in [value(each, 3) for each in message_of(written(trio())).all("NK1")]


# --- consent


def research_of(resources: list[Resource], patient: Resource) -> Resource:
    return next(
        each
        for each in of(resources, "Consent")
        if each["patient"]["reference"] == f"Patient/{patient['id']}"
        and each["scope"]["coding"][0]["code"] == "research"
    )


def test_who_permits_research_has_a_con_with_form_dates_and_signer() -> None:
    resources = trio()
    consent = research_of(resources, proband_of(resources))
    (con,) = named(groups(message_of(written(resources)))[0], "CON")
    day = consent["dateTime"].replace("-", "")
    assert [value(con, number) for number in (2, 10, 11, 13, 14, 16)] == ["1", "W", "A", day, day, "Y"]
    assert [value(con, 24), value(con, 25)] == [proband_of(resources)["name"][0]["family"], "7"]


def test_for_a_minor_the_parents_sign() -> None:
    resources = trio()
    patient = proband_of(resources)
    consent = research_of(resources, patient)
    consent["category"][1]["coding"][0]["code"] = "mr-mineur"
    consent["performer"] = [{"reference": f"RelatedPerson/{each}"} for each in ("m", "p")]
    for id, role, name in (("m", "MTH", "ESSAI-MIMOSA"), ("p", "FTH", "ESSAI-LILAS")):
        coding = {"system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode", "code": role}
        resources.append(
            {
                "resourceType": "RelatedPerson",
                "id": id,
                "patient": consent["patient"],
                "relationship": [{"coding": [coding]}],
                "name": [{"use": "official", "family": name, "given": ["Violette"]}],
            }
        )
    (con,) = named(groups(message_of(written(resources)))[0], "CON")
    assert [each.text for each in con.nodes(24)] == ["ESSAI-MIMOSA", "ESSAI-LILAS"]
    assert [each.text for each in con.nodes(25)] == ["2", "2"]
    assert value(con, 16) == "N"


@pytest.mark.parametrize("how", ["denied", "withdrawn"])
def test_who_does_not_permit_research_has_no_con_and_it_is_told(how: str) -> None:
    resources = trio()
    consent = research_of(resources, proband_of(resources))
    if how == "denied":
        for each in consent["provision"]["provision"]:
            each["type"] = "deny"
    else:
        consent["status"] = "inactive"
    deposit = written(resources)
    assert named(groups(message_of(deposit))[0], "CON") == []
    assert details(deposit, "information") == ["cad-research-not-permitted"]


def test_a_later_refusal_counts_not_the_earlier_consent() -> None:
    resources = trio()
    consent = research_of(resources, proband_of(resources))
    later = {**consent, "id": "later", "status": "inactive", "dateTime": "2027-01-01"}
    deposit = written([*resources, later])
    assert named(groups(message_of(deposit))[0], "CON") == []


def test_where_nobody_asked_about_research_it_is_warned_of() -> None:
    resources = trio()
    resources.remove(research_of(resources, proband_of(resources)))
    deposit = written(resources)
    assert named(groups(message_of(deposit))[0], "CON") == []
    assert "cad-research-not-said" in details(deposit, "warning")


# --- examination


def test_the_preindication_stands_in_every_group() -> None:
    resources = trio()
    code = of(resources, "ServiceRequest")[0]["reasonCode"][0]["coding"][0]["code"]
    del of(resources, "ServiceRequest")[1]["reasonCode"]
    for group in groups(message_of(written(resources))):
        (visit,) = named(group, "PV1")
        assert [value(visit, 14), value(visit, 14, 3)] == [code, "http://www.genomecad.fr/CodeSystem/PFMG/Filiere"]
        assert value(visit, 14, 2)


def test_each_person_has_the_day_of_their_own_sample() -> None:
    resources = trio()
    tubes = {each["subject"]["reference"]: each for each in of(resources, "Specimen")}
    days = ["2026-02-08", "2026-02-09", "2026-02-10"]
    for request, day in zip(of(resources, "ServiceRequest"), days, strict=True):
        tubes[request["subject"]["reference"]]["collection"] = {"collectedDateTime": day}
    visits = [named(group, "PV1")[0] for group in groups(message_of(written(resources)))]
    assert [value(each, 44) for each in visits] == ["20260208", "20260209", "20260210"]


# --- files


def test_each_file_is_a_triplet_and_its_digest_can_be_read_back() -> None:
    resources = trio()
    deposit = written(resources)
    requests = [each["id"] for each in of(resources, "ServiceRequest")]
    for at, group in enumerate(groups(message_of(deposit))):
        lines = named(group, "OBX")
        assert [value(each, 1) for each in lines] == [str(number) for number in range(1, len(lines) + 1)]
        triplets = [lines[start : start + 3] for start in range(0, len(lines), 3)]
        names = [value(first, 5).rpartition("/")[2] for first, _, _ in triplets]
        own = [f"{requests[at]}.cram", f"{requests[at]}.cram.crai"]
        assert sorted(names) == sorted([*own, "famille.vcf"] if at == 0 else own)
        for (file, sidecar, digest), name in zip(triplets, names, strict=True):
            assert [value(each, 2) for each in (file, sidecar, digest)] == ["RP", "RP", "ED"]
            assert value(sidecar, 5) == f"{value(file, 5)}.sha256"
            assert [value(digest, 5, each) for each in (2, 3, 4)] == ["TXT", "SHA256", "Base64"]
            assert b64decode(value(digest, 5, 5)).decode() == sha256(name.encode()).hexdigest()
            assert {value(each, 11) for each in (file, sidecar, digest)} == {"F"}


def test_formats_have_the_codes_of_edam_and_ncit() -> None:
    lines = [each for each in message_of(written(trio())).all("OBX") if value(each, 2) == "RP"]
    codes = {value(each, 5).rpartition(".")[2]: (value(each, 3), value(each, 3, 3)) for each in lines}
    edam, ncit = "http://edamontology.org", "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"
    assert codes == {
        "cram": ("format_3462", edam),
        "crai": ("C192224", ncit),
        "vcf": ("format_3016", edam),
        "sha256": ("C48049", ncit),
    }


def test_the_folder_has_sidecars_then_the_message_and_the_mark_last() -> None:
    deposit = written(trio())
    folder = deposit.folder
    assert folder is not None
    assert deposit.data is not None
    laid = {each.path: each.data for each in folder.laid}
    assert folder.done == f"{folder.name}.hl7.ok"
    assert [each.path for each in folder.laid][-2:] == [folder.message, f"{folder.message}.sha256"]
    assert laid[f"{folder.message}.sha256"] == f"{sha256(deposit.data).hexdigest()}  {folder.message}\n".encode()
    assert len(folder.expected) == 7
    for path, size in folder.expected:
        name = path.rpartition("/")[2]
        assert laid[f"{path}.sha256"] == f"{sha256(name.encode()).hexdigest()}  {name}\n".encode()
        assert path not in laid
        assert size is not None
    assert [path for path, _ in folder.expected if "/" not in path] == ["famille.vcf"]


def test_a_file_whose_content_the_dossier_holds_is_carried() -> None:
    resources = trio()
    file = resources[-1]
    content = b"##fileformat=VCFv4.2\n"
    file["content"][0]["attachment"]["data"] = b64encode(content).decode()
    file["content"][0]["attachment"]["extension"] = []
    folder = written(resources).folder
    assert folder is not None
    laid = {each.path: each.data for each in folder.laid}
    assert laid["famille.vcf"] == content
    assert laid["famille.vcf.sha256"].startswith(sha256(content).hexdigest().encode())
    assert "famille.vcf" not in dict(folder.expected)


def test_content_that_is_not_what_its_digest_says_is_refused() -> None:
    resources = trio()
    resources[-1]["content"][0]["attachment"]["data"] = b64encode(b"other").decode()
    deposit = written(resources)
    assert (deposit.data, deposit.folder) == (None, None)
    assert details(deposit, "error") == ["cad-digest-differs"]


@pytest.mark.parametrize("name", ["../other.vcf", "a/b.vcf", "a b.vcf", ".vcf", "a\r\nDELE b.vcf", ""])
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    resources = trio()
    attachment = resources[-1]["content"][0]["attachment"]
    attachment["title"] = name
    attachment["url"] = "https://donnees.example.org/"
    deposit = written(resources)
    assert deposit.data is None
    assert details(deposit, "error") == ["cad-name-unfit"]


def test_a_number_of_a_person_that_cannot_name_a_folder_is_refused() -> None:
    resources = trio()
    for each in proband_of(resources)["identifier"]:
        each["value"] = "../" + each["value"]
    deposit = written(resources)
    assert deposit.data is None
    assert details(deposit, "error") == ["cad-name-unfit"]


def test_a_file_without_digest_is_refused_and_one_of_no_known_format_is_left_out() -> None:
    resources = trio()
    attachment = resources[-1]["content"][0]["attachment"]
    attachment["extension"] = [each for each in attachment["extension"] if each["url"] != DIGEST]
    assert details(written(resources), "error") == ["cad-no-digest"]
    resources = trio()
    resources[-1]["content"][0]["attachment"]["title"] = "famille.parquet"
    deposit = written(resources)
    assert "cad-format-unknown" in details(deposit, "warning")
    assert b"parquet" not in (deposit.data or b"")


def test_two_files_at_one_place_are_refused() -> None:
    resources = trio()
    proband = of(resources, "ServiceRequest")[0]
    twice = [data_file(proband["subject"]["reference"], "x.bam", [proband["id"]], 1) for _ in range(2)]
    twice[1]["id"] = "another"
    assert details(written([*resources, *twice]), "error") == ["cad-path-twice"]


def test_the_meeting_the_prescriber_and_the_dates_stand_after_the_files_of_the_index() -> None:
    resources = trio()
    index, *relatives = groups(message_of(written(resources)))
    assert [each.name for each in index][-2:] == ["OBX", "PRT"]
    assert [named(group, "PRT") for group in relatives] == [[], []]
    (meeting,) = named(index, "PRT")
    request, report = of(resources, "ServiceRequest")[0], of(resources, "DiagnosticReport")[0]
    assert [value(meeting, 2), value(meeting, 4)] == ["AD", "MDIR"]
    assert value(meeting, 8) == LABORATORY.name
    assert value(meeting, 11) == request["authoredOn"].replace("-", "")
    assert value(meeting, 12)[:8] == report["issued"][:10].replace("-", "")


def test_what_is_of_another_dossier_of_the_same_people_stays_out() -> None:
    resources = trio()
    before = written(resources).data
    patient = proband_of(resources)
    key = f"Patient/{patient['id']}"
    elsewhere = [{"reference": "ServiceRequest/elsewhere"}]
    tube = next(each for each in of(resources, "Specimen") if each["subject"]["reference"] == key)
    consent = research_of(resources, patient)
    data = [{"meaning": "related", "reference": elsewhere[0]}]
    others = [
        data_file(key, "other.vcf", ["elsewhere"], 1),
        {**tube, "id": "other", "request": elsewhere, "collection": {"collectedDateTime": "2001-01-01"}},
        {**consent, "id": "other", "status": "inactive", "dateTime": "2027-01-01", "provision": {"data": data}},
        {**of(resources, "Task")[0], "id": "other", "focus": elsewhere[0]},
    ]
    assert written([*others, *resources]).data == before


# --- what is refused


def test_a_dossier_without_report_is_not_deposited() -> None:
    resources = trio()
    of(resources, "DiagnosticReport")[0]["status"] = "preliminary"
    deposit = written(resources)
    assert deposit.data is None
    assert details(deposit, "error") == ["cad-no-report"]


def test_two_index_cases_are_refused() -> None:
    resources = trio()
    for each in of(resources, "ServiceRequest"):
        each["category"] = of(resources, "ServiceRequest")[0]["category"]
    deposit = written(resources)
    assert deposit.data is None
    assert details(deposit, "error") == ["cad-no-index"]


def test_two_people_of_one_number_are_refused() -> None:
    resources = trio()
    first, second, _ = of(resources, "Patient")
    second["identifier"] = first["identifier"]
    assert details(written(resources), "error") == ["cad-number-shared"]


def test_a_dossier_without_data_files_is_deposited_and_told() -> None:
    resources = [each for each in trio() if "category" not in each or "donnees" not in str(each["category"])]
    deposit = written(resources)
    assert deposit.data is not None
    assert message_of(deposit).all("OBX") == []
    assert "cad-no-file" in details(deposit, "warning")


def test_what_the_message_has_no_place_for_is_counted() -> None:
    resources = trio()
    unplaced = written(resources).unplaced
    assert unplaced["Observation"] == len(of(resources, "Observation"))
    assert unplaced["Provenance"] == len(of(resources, "Provenance"))
    assert "Patient" not in unplaced


def test_a_deposit_is_written_in_few_milliseconds() -> None:
    resources = trio()
    written(resources)
    start = time.process_time()
    for _ in range(10):
        written(resources)
    assert (time.process_time() - start) / 10 < 0.05


def test_the_shipped_rules_are_read_with_the_package() -> None:
    from fhir_gateway.exchange.cad.cad import mappings

    assert Path(mappings(), "messages", "ORU_R01.yaml").exists()

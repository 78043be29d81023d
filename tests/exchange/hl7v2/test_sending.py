"""What goes home: reports as ORU^R01 and MDM, answers to orders, to each hospital with its own identifiers.

Source: HL7 v2.5.1, chapters 4, 7 and 9; PAM France 2.11; mappings/hl7v2/out and golden/out (synthetic people only).
"""

from __future__ import annotations

import copy
import tracemalloc
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fhir_gateway.exchange.hl7v2 import golden_out
from fhir_gateway.exchange.hl7v2.convert import Conversion, Converter, converter
from fhir_gateway.exchange.hl7v2.er7 import Message, read
from fhir_gateway.exchange.hl7v2.sending import (
    CannotBeWritten,
    composed,
    document_number,
    events_for,
)
from fhir_gateway.exchange.hl7v2.sending_rules import sending_rules, shipped_writers, sites_out
from fhir_gateway.transform.complaints import MappingError
from tests.exchange.hl7v2.outgoing_golden import ALL, PAIRS, asked, made, recipient_of, report_of

BY_NAME = {path.stem: path for path in PAIRS}
PDF = "JVBERi0xLjQKJcOkw7zDtsOfCg=="
RELIABILITY = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-identity-reliability"


@pytest.fixture(scope="module")
def convert() -> Converter:
    return converter()


@pytest.fixture
def ask() -> dict[str, Any]:
    return copy.deepcopy(asked(BY_NAME["oru_r01_final"]))


def of(ask: dict[str, Any], kind: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in ask["resources"] if each["resourceType"] == kind)
    return found


def read_back(convert: Converter, data: bytes) -> dict[str, list[dict[str, Any]]]:
    """Return what our own reader and mappings make of a message, by type."""
    (conversion,) = convert.convert_all(data)
    assert isinstance(conversion, Conversion)
    assert conversion.result is not None
    assert [each.text() for each in conversion.issues if each.severity == "error"] == []
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in conversion.result.bundle()["entry"]:
        found.setdefault(entry["resource"]["resourceType"], []).append(entry["resource"])
    return found


@pytest.mark.parametrize("path", PAIRS, ids=lambda path: path.stem)
def test_what_a_golden_pair_asks_for_becomes_the_message_beside_it(path: Path) -> None:
    assert made(asked(path)).split(b"\r") == path.with_suffix(".hl7").read_bytes().split(b"\r")


def test_every_event_that_goes_out_has_a_golden_pair() -> None:
    events = {golden_out.asked(path.read_bytes()).event for path in ALL}
    assert events == {"ORU^R01", "MDM^T02", "MDM^T10", "MDM^T04", "ORL^O22", "ORR^O02"}
    assert events == shipped_writers().events


# --- to whom


def test_a_hospital_gets_its_own_identifiers_and_no_other_s(ask: dict[str, Any]) -> None:
    message = read(made(ask))
    assert [message.get(f"PID-3[{at}].1") for at in (1, 2, 3)] == ["1001", "199999999999901", ""]
    assert message.get("PID-18.1") == message.get("PV1-19.1") == "24000001"
    assert b"7770001" not in made(ask)


@pytest.mark.parametrize("status", ["PROV", None])
def test_the_ins_goes_out_only_where_the_identity_is_qualified(ask: dict[str, Any], status: str | None) -> None:
    patient = of(ask, "Patient")
    (reliability,) = (each for each in patient["extension"] if each["url"] == RELIABILITY)
    if status is None:
        patient["extension"].remove(reliability)
    else:
        reliability["extension"][0]["valueCoding"]["code"] = status
    data = made(ask)
    assert b"199999999999901" not in data
    assert read(data).get("PID-32") == ""


def test_a_patient_whose_number_there_is_not_known_is_refused_though_the_ins_is(ask: dict[str, Any]) -> None:
    patient = of(ask, "Patient")
    patient["identifier"] = [each for each in patient["identifier"] if each["value"] != "1001"]
    with pytest.raises(CannotBeWritten) as refused:
        made(ask)
    assert [(each.complaint.detail, each.values["where"]) for each in refused.value.issues] == [
        ("mapping-not-written", "PID^1")
    ]


def test_a_report_without_its_pdf_is_refused(ask: dict[str, Any]) -> None:
    del report_of(ask)["presentedForm"][0]["data"]
    with pytest.raises(CannotBeWritten) as refused:
        made(ask)
    assert [each.values["path"] for each in refused.value.issues] == ["OBX-5"]


def test_a_document_message_without_a_document_is_refused() -> None:
    ask = copy.deepcopy(asked(BY_NAME["mdm_t02_first"]))
    del report_of(ask)["presentedForm"]
    with pytest.raises(CannotBeWritten) as refused:
        made(ask)
    assert [each.values["where"] for each in refused.value.issues] == ["TXA^1"]


def test_the_order_is_that_of_the_person_whom_the_report_is_about(ask: dict[str, Any]) -> None:
    assert read(made(ask)).get("OBR-2.1") == "PRE-1"


def test_a_visit_that_is_not_known_is_none(ask: dict[str, Any]) -> None:
    ask["resources"] = [each for each in ask["resources"] if each["resourceType"] != "Encounter"]
    assert read(made(ask)).get("PV1-2") == "N"


# --- round trip


@pytest.mark.parametrize(("name", "status"), [("oru_r01_final", "final"), ("oru_r01_corrected", "corrected")])
def test_what_is_written_our_own_mappings_read_back(convert: Converter, name: str, status: str) -> None:
    ask = asked(BY_NAME[name])
    found = read_back(convert, made(ask))
    (patient,), (report,), (binary,) = found["Patient"], found["DiagnosticReport"], found["Binary"]
    sent = of(ask, "Patient")
    assert report["status"] == status
    assert b64decode(binary["data"]) == b64decode(PDF)
    assert {(each["system"], each["value"]) for each in patient["identifier"]} == {
        (each["system"], each["value"]) for each in sent["identifier"] if each["value"] != "7770001"
    }
    assert [(each["use"], each["family"], each["given"]) for each in patient["name"]] == [
        (each["use"], each["family"], each["given"]) for each in sent["name"]
    ]
    assert (patient["birthDate"], patient["gender"]) == (sent["birthDate"], sent["gender"])
    assert {each["value"] for each in report["identifier"]} == {"PRE-1", "LBM-1"}
    concluded = {"51968-6", "55110-1"} if name == "oru_r01_final" else set()
    assert {each["code"]["coding"][0]["code"] for each in found["Observation"]} == {
        "69548-6", "48018-6", "48004-6", "94076-7", *concluded,
    }  # fmt: skip


def test_a_conclusion_goes_out_in_words_and_as_a_code_and_its_lines_stay_lines(
    convert: Converter, ask: dict[str, Any]
) -> None:
    report_of(ask)["conclusion"] = "Variant causal identifié.\nÀ confirmer chez les parents | à revoir."
    found = {each["code"]["coding"][0]["code"]: each for each in read_back(convert, made(ask))["Observation"]}
    assert found["55110-1"]["valueString"] == report_of(ask)["conclusion"]
    (coding,) = found["51968-6"]["valueCodeableConcept"]["coding"]
    assert (coding["system"], coding["code"]) == ("http://loinc.org", "LA6576-8")
    del report_of(ask)["conclusion"], report_of(ask)["conclusionCode"]
    assert [each for each in (b"51968-6", b"55110-1") if each in made(ask)] == []


@pytest.mark.parametrize(
    ("name", "status", "replaced"),
    [
        ("mdm_t02_first", "current", None),
        ("mdm_t10_replaces", "current", "CR-1-1"),
        ("mdm_t04_withdrawn", "entered-in-error", None),
    ],
)
def test_a_document_is_read_back_with_what_it_replaces(
    convert: Converter, name: str, status: str, replaced: str | None
) -> None:
    ask = asked(BY_NAME[name])
    found = read_back(convert, made(ask))
    (document,) = (each for each in found["DocumentReference"] if "masterIdentifier" in each)
    assert document["status"] == status
    assert document["masterIdentifier"]["value"] == (ask.get("document") or document_number(report_of(ask)))
    related = [each["target"]["identifier"]["value"] for each in document.get("relatesTo", ())]
    assert related == ([replaced] if replaced else [])
    assert b64decode(found["Binary"][0]["data"]) == b64decode(PDF)


def test_the_text_of_a_receiver_s_character_set_is_read_back(ask: dict[str, Any]) -> None:
    of(ask, "Patient")["name"][0]["family"] = "ÉPREUVE-L'ŒUVRE"
    message = read(made(ask, charset="8859/15"))
    assert message.get("PID-5.1") == "ÉPREUVE-L'ŒUVRE"
    assert message.get("MSH-18") == "8859/15"


# --- peers


@pytest.mark.parametrize("path", PAIRS, ids=lambda path: path.stem)
def test_python_hl7_reads_what_is_written_as_we_do(path: Path) -> None:
    hl7 = pytest.importorskip("hl7")
    data = path.with_suffix(".hl7").read_bytes()
    theirs, ours = hl7.parse(data.decode()), read(data)
    assert [str(each[0]) for each in theirs] == [each.name for each in ours.segments]
    for place in ("PID-3", "PID-5", "OBR-4", "OBX-5"):
        name, number = place.split("-")
        assert _raw(ours, name, int(number)) == str(theirs.segment(name)[int(number)])


def _raw(message: Message, name: str, number: int) -> str:
    segment = message.first(name)
    assert segment is not None
    return str(segment.fields[number])


@pytest.mark.parametrize("path", PAIRS, ids=lambda path: path.stem)
def test_hl7apy_reads_what_is_written_strictly(path: Path) -> None:
    parser = pytest.importorskip("hl7apy.parser")
    text = path.with_suffix(".hl7").read_bytes().decode()
    message = parser.parse_message(text, find_groups=True)
    message.validate()
    assert message.to_er7().rstrip("\r") == text.rstrip("\r")


# --- documents


def test_bytes_of_a_document_become_base64(ask: dict[str, Any]) -> None:
    report_of(ask)["presentedForm"][0]["data"] = b64decode(PDF)
    assert read(made(ask)).get("OBX-5.5") == PDF


def test_a_document_that_a_binary_holds_is_sent(ask: dict[str, Any]) -> None:
    form = report_of(ask)["presentedForm"][0]
    del form["data"]
    form["url"] = "Binary/pdf"
    ask["resources"].append({"resourceType": "Binary", "id": "pdf", "contentType": "application/pdf", "data": PDF})
    assert read(made(ask)).get("OBX-5.5") == PDF


@pytest.mark.parametrize("encoded", [True, False])
def test_a_document_of_20_mb_is_written_piece_by_piece(ask: dict[str, Any], encoded: bool) -> None:
    document = bytes(range(256)) * (20 * 4096)
    report_of(ask)["presentedForm"][0]["data"] = b64encode(document).decode() if encoded else document
    message, _ = composed(
        ask["event"], report_of(ask), ask["resources"], recipient_of(ask), control="1", at=datetime.now(UTC)
    )
    tracemalloc.start()
    length = sum(map(len, message.chunks()))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert length > len(document) * 4 // 3
    assert peak < 4 << 20


# --- which event


@pytest.mark.parametrize(
    ("status", "sent", "events"),
    [
        ("final", None, ("ORU^R01", "MDM^T02")),
        ("corrected", "final", ("ORU^R01", "MDM^T10")),
        ("appended", "corrected", ("ORU^R01", "MDM^T10")),
        ("amended", None, ("ORU^R01", "MDM^T02")),
        ("entered-in-error", "final", ("ORU^R01", "MDM^T04")),
        ("cancelled", "amended", ("ORU^R01", "MDM^T04")),
        ("cancelled", None, ()),
        ("entered-in-error", "entered-in-error", ()),
        ("final", "entered-in-error", ("ORU^R01", "MDM^T02")),
        ("preliminary", None, ()),
        ("preliminary", "final", ()),
    ],
)
def test_what_becomes_of_a_report_tells_which_messages_go_out(
    status: str, sent: str | None, events: tuple[str, ...]
) -> None:
    assert events_for(status, sent) == events


def test_a_recipient_of_documents_alone_gets_no_results() -> None:
    assert events_for("final", None, kinds=("MDM",)) == ("MDM^T02",)


# --- rules


def test_all_that_is_wrong_in_rules_is_told_with_its_line(tmp_path: Path) -> None:
    folder = tmp_path / "out" / "segments"
    folder.mkdir(parents=True)
    rules = [
        "segment: PID",
        "resource: Patient",
        "rules:",
        "  - {id: a, from: nothingSuch, to: PID-30, }",
        "  - {id: b, from: birthDate, to: OBX-3}",
        "  - {id: c, from: gender, to: PID-31, map: no-such-map}",
        "  - {id: d, from: birthDate, when: birthDate MAYBE, to: PID-31}",
        '  - {id: e, from: identifier, to: "PID-3[+]", type: "Identifier[NONE]"}',
    ]
    (folder / "PID.yaml").write_text("\n".join(rules), encoding="utf-8")
    with pytest.raises(MappingError) as refused:
        sending_rules((), tmp_path)
    told = {each.complaint.detail: each.values["place"].rpartition(":")[2] for each in refused.value.issues}
    assert told == {
        "mapping-path-wrong": "4",
        "mapping-element-form": "5",
        "mapping-name-unknown": "8",
        "mapping-when-wrong": "7",
    }


# --- sites


SITE = """drop: [no-visit]
rules:
  - {id: class, value: R, to: PV1-2}
"""


def own_rules(folder: Path, name: str, text: str = SITE) -> Path:
    path = folder / name / "out" / "segments" / "PV1.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("site", "receiving", "visit"),
    [
        ("990000015", ("DPI", "HOP EPREUVE^990000015^N"), "R"),
        ("HOP EPREUVE", ("DPI", "HOP EPREUVE^990000015^N"), "R"),
        ("DPI", ("DPI", "AUTRE"), "R"),
        ("DPI+AUTRE", ("DPI", "AUTRE^990000099"), "R"),
        ("990000015", ("DPI", "AUTRE^990000099"), "O"),
    ],
)
def test_a_receiver_is_written_to_by_the_rules_of_its_site(
    ask: dict[str, Any], tmp_path: Path, site: str, receiving: tuple[str, str], visit: str
) -> None:
    rules = sending_rules((), own_rules(tmp_path, f"sites/{site}"))
    ask["recipient"]["receiving"] = receiving
    assert read(made(ask, rules=rules.to(*receiving))).get("PV1-2") == visit


def test_a_site_that_is_named_applies_to_all_and_lies_over_an_operator_s_own(
    ask: dict[str, Any], tmp_path: Path
) -> None:
    own_rules(tmp_path, ".", SITE.replace("value: R", "value: E"))
    own_rules(tmp_path, "sites/a", SITE.partition("\n")[2])
    receiver = ("DPI", "HOP EPREUVE^990000015^N")
    assert sites_out(tmp_path) == ["a"]
    for sites, visit in (((), "E"), (("a",), "R")):
        assert read(made(ask, rules=sending_rules(sites, tmp_path).to(*receiver))).get("PV1-2") == visit


def test_a_site_without_rules_for_what_is_sent_is_written_to_by_those_of_all(tmp_path: Path) -> None:
    (tmp_path / "sites" / "b" / "segments").mkdir(parents=True)
    assert sending_rules(("b",), tmp_path).every.version == sending_rules((), tmp_path).every.version
    with pytest.raises(MappingError) as refused:
        sending_rules(("none",), tmp_path)
    assert [each.complaint.detail for each in refused.value.issues] == ["mapping-name-unknown"]


def test_what_is_wrong_in_any_site_is_told_at_once(tmp_path: Path) -> None:
    for name in ("sites/a", "sites/b"):
        own_rules(tmp_path, name, "rules:\n  - {id: x, from: nothingSuch, to: PV1-2}\n")
    with pytest.raises(MappingError) as refused:
        sending_rules((), tmp_path)
    places = [each.values["place"] for each in refused.value.issues]
    assert [place.split("/")[-4] for place in places] == ["a", "b"]

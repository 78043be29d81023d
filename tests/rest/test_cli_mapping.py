"""`fhir-gateway mapping`: what it prints and with which status it ends.

Source: mappings/README.md; HL7 v2-to-FHIR, its spreadsheets.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from fhir_gateway.cli import app
from fhir_gateway.conformance.validators import r4_validator
from fhir_gateway.exchange.hl7v2.convert import shipped_mappings

GOLDEN = shipped_mappings() / "golden"
MESSAGE = GOLDEN / "identite_ins_creee.hl7"
SITE = "drop: [pid-8]\nrules:\n  - {id: own, value: other, to: gender}\n"


def run(*arguments: object, given: bytes | None = None) -> Result:
    return CliRunner().invoke(app, ["mapping", *map(str, arguments)], input=given)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of rules with a site and a pair of its own."""
    path = tmp_path / "own" / "sites" / "990000017" / "segments" / "PID.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(SITE, encoding="utf-8")
    golden = path.parents[1] / "golden"
    golden.mkdir()
    (golden / "femme.hl7").write_bytes(MESSAGE.read_bytes())
    return tmp_path / "own"


def test_a_message_becomes_a_bundle_and_several_a_line_each() -> None:
    one = run("convert", MESSAGE)
    assert one.exit_code == 0
    assert json.loads(one.stdout) == json.loads(MESSAGE.with_suffix(".expected.json").read_bytes())
    several = run("convert", MESSAGE, MESSAGE)
    assert [json.loads(line)["type"] for line in several.stdout.splitlines()] == ["transaction"] * 2


def test_a_message_may_come_from_standard_input() -> None:
    found = run("convert", "-", "--ndjson", given=MESSAGE.read_bytes())
    assert found.exit_code == 0
    assert len(found.stdout.splitlines()) == 1


def test_what_cannot_be_read_is_told_with_status_1_a_file_that_is_not_there_with_2(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.hl7"
    wrong.write_bytes(b"MSH|^~\\&|A|B|||2024||ADT^A28|1|P|2.5||||||KLINGON\rPID|1")
    found = run("convert", wrong)
    assert found.exit_code == 1
    assert "KLINGON" in found.stderr
    assert run("convert", tmp_path / "none.hl7").exit_code == 2
    assert run("convert").exit_code == 2
    wrong.write_bytes(b"nothing")
    assert run("explain", wrong).exit_code == 2


def test_explain_tells_rule_file_line_field_and_element() -> None:
    found = run("explain", MESSAGE, "--language", "en")
    assert found.exit_code == 0
    rows = [line.split() for line in found.stdout.splitlines()]
    assert rows[1] == ["Rule", "Where", "it", "stands", "Source", "Element"]
    (birth,) = [row for row in rows if row[0] == "pid-7"]
    assert birth[2:] == ["PID-1-7", "Patient", "patient.birthDate"]
    name, _, line = birth[1].rpartition(":")
    assert (name, int(line) > 1) == ("base/segments/PID.yaml", True)
    assert any(row[-1] == "patient.identifier[+].system" for row in rows)


def test_explain_tells_what_found_no_place_in_either_language(tmp_path: Path) -> None:
    message = tmp_path / "strange.hl7"
    message.write_bytes(MESSAGE.read_bytes().rstrip() + b"\rZZZ|1|what")
    english, french = run("explain", message, "--language", "en"), run("explain", message, "--language", "fr")
    assert "Found no place: " in english.stdout
    assert "ZZZ^1^2" in english.stdout
    assert "N’ont pas trouvé de place : " in french.stdout
    assert french.stdout.splitlines()[1].split()[0] == "Règle"


def test_explain_tells_no_rule_whose_value_found_its_place_taken() -> None:
    found = run("explain", MESSAGE)
    elements = [line.split()[-1] for line in found.stdout.splitlines() if "provenance.recorded" in line]
    assert elements == ["provenance.recorded"]


def test_check_says_that_rules_are_sound_or_what_is_wrong_in_which_line(folder: Path) -> None:
    sound = run("check", "--mappings", folder)
    assert sound.exit_code == 0
    assert "990000017" in sound.stdout
    path = folder / "sites" / "990000017" / "segments" / "PID.yaml"
    path.write_text("rules:\n  - {id: a, from: PID-8, to: sex}\n", encoding="utf-8")
    wrong = run("check", "--mappings", folder, "--language", "fr")
    assert wrong.exit_code == 1
    assert "segments/PID.yaml:2 : Patient n'a pas d'élément sex" in wrong.stderr
    assert run("check", "--mappings", folder / "none").exit_code == 2


def test_every_golden_pair_that_ships_is_the_same() -> None:
    found = run("test", "--language", "en")
    assert found.exit_code == 0, found.stdout
    number = len(list(GOLDEN.glob("*.hl7"))) + len(list((GOLDEN / "out").glob("*.hl7")))
    assert found.stdout.splitlines()[-1] == f"{number}/{number}"


def test_a_pair_of_a_site_is_read_by_its_rules_written_and_then_the_same(folder: Path) -> None:
    wrong = run("test", "femme", "--mappings", folder, "--language", "en")
    assert wrong.exit_code == 1
    assert "DIFFERS" in wrong.stdout
    assert run("test", "femme", "--mappings", folder, "--write").exit_code == 0
    expected = json.loads((folder / "sites" / "990000017" / "golden" / "femme.expected.json").read_bytes())
    patients = [each["resource"] for each in expected["entry"] if each["resource"]["resourceType"] == "Patient"]
    assert [each["gender"] for each in patients] == ["other"]
    assert run("test", "990000017/femme", "--mappings", folder).exit_code == 0


def test_a_pair_that_differs_shows_where(folder: Path) -> None:
    assert run("test", "femme", "--mappings", folder, "--write").exit_code == 0
    path = folder / "sites" / "990000017" / "segments" / "PID.yaml"
    path.write_text(SITE.replace("other", "unknown"), encoding="utf-8")
    found = run("test", "femme", "--mappings", folder, "--language", "en")
    assert found.exit_code == 1
    assert "/gender\n        expected: other\n        made: unknown" in found.stdout


def test_the_rules_are_written_as_the_guide_s_tables(tmp_path: Path) -> None:
    assert run("export", "--out", tmp_path).exit_code == 0
    with (tmp_path / "segments" / "PID[Patient].csv").open(encoding="utf-8", newline="") as file:
        _, heads, *rows = csv.reader(file)
    assert (heads[1], heads[9]) == ("Identifier", "FHIR Attribute")
    (gender,) = [row for row in rows if row[1] == "PID-8"]
    assert gender[9:16] == ["gender", "", "code", "", "1", "", "v2-0001-gender"]
    assert {len(row) for row in rows} == {19}
    assert (tmp_path / "messages" / "ADT_A01.csv").is_file()
    assert run("export").exit_code == 2


def test_the_rules_are_written_as_concept_maps_that_are_valid(tmp_path: Path) -> None:
    assert run("export", "--out", tmp_path, "--conceptmap").exit_code == 0
    files = sorted(tmp_path.glob("ConceptMap-*.json"))
    assert len(files) > 40
    urls = []
    for path in files:
        found = json.loads(path.read_bytes())
        urls.append(found["url"])
        errors = [each.issue.text() for each in r4_validator().validate_bytes(path.read_bytes()) if each.is_error]
        assert errors == [], path.name
    assert len(set(urls)) == len(urls)


# --- what is sent


OUT = GOLDEN / "out"
REPORT = OUT / "oru_r01_final.json"


def sent_by(folder: Path, text: str) -> Path:
    """Return a folder of rules for what is sent to a site."""
    path = folder / "sites" / "990000015" / "out" / "segments" / "PV1.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return folder


def bundle(tmp_path: Path, **report: object) -> Path:
    """Return a Bundle of a report and what it leads to, referred to by the URLs of entries."""
    from fhir_gateway.exchange.hl7v2.golden_out import asked

    text = json.dumps([dict(each) for each in asked(REPORT.read_bytes()).resources], default=str)
    resources = json.loads(text)
    entries = []
    for each in resources:
        name = f"{each['resourceType']}/{each.pop('id')}"
        text = text.replace(f'"{name}"', f'"urn:uuid:{name.replace("/", "-")}"')
        entries.append(name)
    found = json.loads(text)
    for each in found:
        del each["id"]
        if each["resourceType"] == "DiagnosticReport":
            each |= report
    made = [
        {"fullUrl": f"urn:uuid:{name.replace('/', '-')}", "resource": each}
        for each, name in zip(found, entries, strict=True)
    ]
    path = tmp_path / "bundle.json"
    path.write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": made}), encoding="utf-8")
    return path


def test_the_message_that_a_pair_asks_for_is_written() -> None:
    found = run("convert", "--outgoing", REPORT)
    assert found.exit_code == 0
    assert found.stdout_bytes == REPORT.with_suffix(".hl7").read_bytes()


def test_a_bundle_is_sent_as_all_that_tells_of_its_report_or_as_the_event_that_is_named(tmp_path: Path) -> None:
    both = run("convert", "--outgoing", bundle(tmp_path)).stdout_bytes.split(b"MSH|")
    assert [each.split(b"|")[7] for each in both[1:]] == [b"ORU^R01^ORU_R01", b"MDM^T02^MDM_T02"]
    one = run("convert", "--outgoing", bundle(tmp_path), "--event", "MDM^T10").stdout_bytes
    assert b"|MDM^T10^MDM_T02|" in one
    withdrawn = run("convert", "--outgoing", bundle(tmp_path, status="cancelled")).stdout_bytes
    assert b"|MDM^T04^MDM_T02|" in withdrawn
    assert b"EPREUVE^ZELIE" in withdrawn


def test_explain_tells_which_rule_wrote_which_field_of_what_element(tmp_path: Path) -> None:
    found = run("explain", "--outgoing", bundle(tmp_path), "--event", "ORU^R01", "--language", "en")
    assert found.exit_code == 0
    rows = [line.split() for line in found.stdout.splitlines()]
    assert rows[1] == ["Rule", "Where", "it", "stands", "Element", "Field"]
    (birth,) = [row for row in rows if row[-1] == "PID-1-7"]
    name, _, line = birth[1].rpartition(":")
    assert (birth[0], name, int(line) > 1) == ("birth", "out/segments/PID.yaml", True)
    assert birth[2].startswith("Patient/")
    assert birth[2].endswith(".birthDate")
    fields = {row[-1]: row for row in rows[3:]}
    assert fields["PID-1-3.1"][2].endswith(".identifier[0].value")
    assert fields["PID-1-3[2].1"][2].endswith(".identifier[1].value") or "identifier" in fields["PID-1-3[2].1"][2]
    assert fields["OBX-1-5.5"][0] == "data"
    assert fields["ORC-1-1"][2] == '"RE"'
    (untold,) = [line for line in found.stdout.splitlines() if line.startswith("Not told: ")]
    assert ".basedOn" in untold
    assert ".conclusion," not in untold
    english = run("explain", "--outgoing", REPORT, "--language", "fr")
    assert english.stdout.splitlines()[1].split()[0] == "Règle"


def test_explain_tells_of_an_answer_to_an_order_too() -> None:
    found = run("explain", "--outgoing", OUT / "orl_o22_trio.json", "--language", "en")
    assert found.exit_code == 0
    assert "orl_o22_trio.json: ORL^O22, ServiceRequest/demande-1 draft" in found.stdout
    (own, *_) = [line.split() for line in found.stdout.splitlines() if line.endswith(" ORC-1-3.1")]
    assert own[2] == "ServiceRequest/demande-1.id"


def test_what_cannot_be_sent_is_told_with_status_1_and_what_is_no_bundle_with_2(tmp_path: Path) -> None:
    lacking = run("convert", "--outgoing", bundle(tmp_path, presentedForm=[]), "--event", "MDM^T02", "--language", "en")
    assert (lacking.exit_code, lacking.stdout_bytes) == (1, b"")
    unsigned = bundle(tmp_path, presentedForm=[{"contentType": "application/pdf"}])
    refused = run("explain", "--outgoing", unsigned, "--event", "ORU^R01", "--language", "en")
    assert (refused.exit_code, "OBX-5" in refused.stderr) == (1, True)
    other = tmp_path / "other.json"
    for text in ('{"resourceType": "Patient"}', "{", '{"resourceType": "Bundle"}', '{"recipient": {}}'):
        other.write_text(text, encoding="utf-8")
        assert run("convert", "--outgoing", other).exit_code == 2, text
    assert run("convert", "--outgoing").exit_code == 2
    assert run("convert", "--outgoing", REPORT, "--destination", "nowhere").exit_code == 2


def test_a_destination_of_the_partners_file_says_to_whom_and_by_whose_rules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = sent_by(tmp_path / "own", "rules:\n  - {id: class, value: R, to: PV1-2}\n")
    partners = tmp_path / "partners.toml"
    partners.write_text(
        '[chu]\norganisation = "https://finess.esante.gouv.fr|990000015"\n[chu.destination]\nhost = "127.0.0.1"\n'
        'port = 2575\nreceiving = "DPI|HOPITAL"\nsite = "990000015"\n'
        'systems = ["https://pfmg.example.org/fhir/hl7v2/finess/990000015"]\n',
        encoding="utf-8",
    )
    monkeypatch.setenv("FHIR_GATEWAY_PARTNERS", str(partners))
    found = run(
        "convert", "--outgoing", bundle(tmp_path), "--destination", "chu", "--mappings", rules, "--event", "ORU^R01"
    )
    assert found.exit_code == 0
    assert b"|DPI|HOPITAL|" in found.stdout_bytes
    assert b"\rPV1|1|R|" in found.stdout_bytes


def test_check_judges_rules_of_what_is_sent_and_of_what_comes_in_at_once(folder: Path) -> None:
    sound = run(
        "check", "--mappings", sent_by(folder, "rules:\n  - {id: class, value: R, to: PV1-2}\n"), "--language", "en"
    )
    assert sound.exit_code == 0
    assert "Of what is sent: out; version" in sound.stdout
    (folder / "sites" / "990000015" / "out" / "segments" / "PV1.yaml").write_text(
        "rules:\n  - {id: class, from: classe, to: PV1-2}\n", encoding="utf-8"
    )
    (folder / "sites" / "990000017" / "segments" / "PID.yaml").write_text(
        "rules:\n  - {id: a, from: PID-8, to: sex}\n", encoding="utf-8"
    )
    wrong = run("check", "--mappings", folder, "--language", "en")
    assert wrong.exit_code == 1
    assert "sites/990000015/out/segments/PV1.yaml:2" in wrong.stderr
    assert "sites/990000017/segments/PID.yaml:2" in wrong.stderr


def test_pairs_of_what_is_sent_go_by_name_are_written_and_show_where_they_differ(folder: Path) -> None:
    sent_by(folder, "rules:\n  - {id: class, value: R, to: PV1-2}\n")
    golden = folder / "sites" / "990000015" / "golden" / "out"
    golden.mkdir(parents=True)
    (golden / "rapport.json").write_bytes(REPORT.read_bytes())
    (golden / "rapport.hl7").write_bytes(REPORT.with_suffix(".hl7").read_bytes())
    wrong = run("test", "rapport", "--mappings", folder, "--language", "en")
    assert wrong.exit_code == 1
    assert "#3 PV1-2\n        expected: O\n        made: R" in wrong.stdout
    assert run("test", "990000015/out/rapport", "--mappings", folder, "--write").exit_code == 0
    assert b"\rPV1|1|R|" in (golden / "rapport.hl7").read_bytes()
    assert run("test", "out/rapport", "--mappings", folder).exit_code == 2
    assert run("test", "out/oru_r01_final").stdout.splitlines()[-1] == "1/1"
    (golden / "rapport.hl7").unlink()
    assert "rapport.hl7 is not there" in run("test", "rapport", "--mappings", folder).stdout


def test_rules_of_what_is_sent_are_written_as_tables_too(tmp_path: Path) -> None:
    assert run("export", "--out", tmp_path).exit_code == 0
    with (tmp_path / "out" / "segments" / "PID[Patient].csv").open(encoding="utf-8", newline="") as file:
        _, heads, *rows = csv.reader(file)
    assert (heads[1], heads[4]) == ("FHIRPath", "Identifier")
    (gender,) = [row for row in rows if row[4] == "PID-8"]
    assert (gender[1], gender[7]) == ("gender", "gender-v2-0001")
    with (tmp_path / "out" / "messages" / "ORU_R01.csv").open(encoding="utf-8", newline="") as file:
        _, _, *lines = csv.reader(file)
    assert lines[0][1:3] == ["patient", "PID"]


def test_its_help_tells_what_it_does_with_examples() -> None:
    found = run("--help")
    for words in ("convert FILE", "explain FILE", "Exit status", "mapping test --mappings"):
        assert words in found.stdout

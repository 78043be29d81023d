"""A hospital's own rules, laid over those that ship: which messages they apply to, and what they may change.

Source: mappings/README.md; HL7 v2.5.1, chapter 2, MSH-3, MSH-4.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fhir_gateway.exchange.hl7v2.convert import Conversion, Converter, converter, known_sites
from fhir_gateway.transform.complaints import MappingError

# One rule changed, one dropped, one added for a Z-segment that nothing else reads.
PID = """drop: [pid-16]
rules:
  - {id: pid-8, from: PID-8, to: gender, value: other, when: PID-8 VALUED}
"""
ZZZ = """segment: ZZZ
resource: Patient
rules:
  - {id: zzz-1, from: ZZZ-1, to: "extension[patient-mothersMaidenName].valueString"}
"""
INSTANCES = "patient:\n  segments: [ZZZ]\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("mappings")
    site = made / "sites" / "990000017"
    for name, text in (("segments/PID", PID), ("segments/ZZZ", ZZZ), ("instances/own", INSTANCES)):
        path = site / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def convert(folder: Path) -> Converter:
    return converter((), folder)


def message(application: str, facility: str, country: str = "FRA") -> bytes:
    head = f"MSH|^~\\&|{application}|{facility}|DPI|HOP|2024||ADT^A28^ADT_A05|1|P|2.5|||||{country}|UNICODE UTF-8"
    pid = "PID|||1^^^H&990000017&N^PI||ÉPREUVE^ZOÉ||19900112|F||||||||M"
    return "\r".join((head, "EVN||20240306111154", pid, "PV1|1|N", "ZZZ|DUFICTIF")).encode()


def patient(convert: Converter, data: bytes) -> dict[str, Any]:
    (found,) = convert.convert_all(data)
    assert isinstance(found, Conversion)
    assert found.result is not None
    (one,) = [each.resource for each in found.result.instances if each.id == "patient"]
    return one


@pytest.mark.parametrize(
    ("application", "facility"), [("GAM", "HOP^990000017^N"), ("GAM", "990000017"), ("990000017", "HOP")]
)
def test_the_rules_of_a_site_apply_to_what_it_sends(convert: Converter, application: str, facility: str) -> None:
    found = patient(convert, message(application, facility))
    assert found["gender"] == "other"
    assert "maritalStatus" not in found
    assert found["extension"][0]["valueString"] == "DUFICTIF"


def test_they_do_not_apply_to_what_others_send(convert: Converter) -> None:
    found = patient(convert, message("GAM", "HOP^990000099^N"))
    assert found["gender"] == "female"
    assert "maritalStatus" in found
    assert all("valueString" not in each for each in found.get("extension", ()))


def test_an_application_at_a_facility_comes_before_the_facility(folder: Path, tmp_path: Path) -> None:
    site = tmp_path / "sites" / "GAM+990000017" / "segments"
    site.mkdir(parents=True)
    (site / "PID.yaml").write_text("rules:\n  - {id: a, value: unknown, to: gender}\ndrop: [pid-8]\n", encoding="utf-8")
    other = tmp_path / "sites" / "990000017" / "segments"
    other.mkdir(parents=True)
    (other / "PID.yaml").write_text(PID, encoding="utf-8")
    convert = converter((), tmp_path)
    assert patient(convert, message("GAM", "HOP^990000017^N"))["gender"] == "unknown"
    assert patient(convert, message("AUTRE", "HOP^990000017^N"))["gender"] == "other"


def test_they_lie_over_what_applies_elsewhere_too(convert: Converter) -> None:
    assert patient(convert, message("GAM", "990000017", "BEL"))["gender"] == "other"


def test_sites_named_apply_to_all_messages(folder: Path) -> None:
    convert = converter(("990000017",), folder)
    assert patient(convert, message("AUTRE", "AUTRE"))["gender"] == "other"
    assert convert.mappings.layers[-1].endswith("sites/990000017")


def test_a_folder_of_one_s_own_applies_to_all_senders(tmp_path: Path) -> None:
    path = tmp_path / "segments" / "PID.yaml"
    path.parent.mkdir()
    path.write_text(PID, encoding="utf-8")
    assert patient(converter((), tmp_path), message("AUTRE", "AUTRE"))["gender"] == "other"


def test_sites_are_known_by_their_folders(folder: Path) -> None:
    assert "990000017" in known_sites(folder)


def test_a_site_without_a_folder_is_told(folder: Path) -> None:
    with pytest.raises(MappingError) as refusal:
        converter(("000000000",), folder)
    assert [each.complaint.detail for each in refusal.value.issues] == ["mapping-name-unknown"]


def test_what_is_wrong_in_any_site_is_told_at_once(tmp_path: Path) -> None:
    for name, rule in (("a", "{id: x, from: PID-7, to: birthDay}"), ("b", "{id: x, from: PID-8, to: sex}")):
        path = tmp_path / "sites" / name / "segments" / "PID.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(f"rules:\n  - {rule}\n", encoding="utf-8")
    with pytest.raises(MappingError) as refusal:
        converter((), tmp_path)
    places = [dict(each.values)["place"] for each in refusal.value.issues]
    assert [place.split("/")[-3] for place in places] == ["a", "b"]

"""Files of rules: their layers, and all that is wrong in them, told at once with file and line.

Source: mappings/README.md.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from fhir_gateway.exchange.hl7v2.convert import load_mappings
from fhir_gateway.exchange.hl7v2.er7 import read
from fhir_gateway.exchange.hl7v2.messages import Er7Source
from fhir_gateway.transform.complaints import MappingError
from fhir_gateway.transform.mapping import Mappings

MESSAGE = """events: [ADT^A28]
groups:
  - {group: PATIENT, head: [PID], body: [PV1]}
uses: [patient]
"""
INSTANCE = "patient:\n  resource: Patient\n  per: PATIENT\n  segments: [PID]\n"
PID = "segment: PID\nresource: Patient\nrules:\n"
ADT = b"MSH|^~\\&|A|B|C|D|2024||ADT^A28|1|P|2.5\rPID|||1||TEST^ANN||19790328|F"


def layer(folder: Path, name: str, **files: str) -> tuple[str, Path]:
    """Write files (`segments_PID`) of a layer."""
    for key, text in files.items():
        kind, _, stem = key.partition("_")
        path = folder / name / kind / f"{stem}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return name, folder / name


def base(folder: Path, rules: str) -> tuple[str, Path]:
    return layer(folder, "base", messages_ADT_A05=MESSAGE, instances_patient=INSTANCE, segments_PID=PID + rules)


def wrong(*layers: tuple[str, Path]) -> list[tuple[str, str]]:
    """Return detail code and place of all that is wrong."""
    with pytest.raises(MappingError) as refusal:
        load_mappings(layers)
    return [(each.complaint.detail, dict(each.values)["place"]) for each in refusal.value.issues]


def patient(mappings: Mappings) -> dict[str, object]:
    mapping = mappings.of("ADT^A28")
    assert mapping is not None
    (one,) = mapping.apply(Er7Source(read(ADT))).instances
    return one.resource


def test_the_first_rule_that_has_a_value_fills_a_single_element(tmp_path: Path) -> None:
    rules = "  - {id: a, from: PID-2, to: gender}\n  - {id: b, value: male, to: gender}\n"
    assert patient(load_mappings([base(tmp_path, rules + "  - {id: c, from: PID-7, to: birthDate}\n")])) == {
        "resourceType": "Patient", "gender": "male", "birthDate": "1979-03-28",
    }  # fmt: skip


def test_a_layer_replaces_by_id_drops_and_comes_first(tmp_path: Path) -> None:
    rules = (
        "  - {id: sex, from: PID-8, to: gender, map: v2-0001-gender}\n"
        "  - {id: birth, from: PID-7, to: birthDate}\n"
        "  - {id: given, from: PID-5.2, to: name.given}\n"
    )
    over = (
        "drop: [birth]\nrules:\n  - {id: given, from: PID-5.1, to: name.family}\n"
        "  - {id: x, when: PID-8 VALUED, value: other, to: gender}\n"
    )
    found = patient(load_mappings([base(tmp_path, rules), layer(tmp_path, "site", segments_PID=over)]))
    assert found == {"resourceType": "Patient", "gender": "other", "name": [{"family": "TEST"}]}


@pytest.mark.parametrize(
    ("rule", "detail"),
    [
        ("{id: a, from: PID-7, to: birthDay}", "mapping-element-unknown"),
        ("{id: a, from: PID-7, to: birthDate.start}", "mapping-element-unknown"),
        ('{id: a, from: PID-7, to: "birthDate[+]"}', "mapping-element-form"),
        ("{id: a, from: PID-5, to: name}", "mapping-type-needed"),
        ('{id: a, from: PID-5, to: "name[+]", type: "XPN[HumanName]"}', "mapping-name-unknown"),
        ("{id: a, from: PID-8, to: gender, map: no-such-map}", "mapping-name-unknown"),
        ("{id: a, from: PID.8, to: gender}", "mapping-path-wrong"),
        ("{id: a, from: PID-8, when: PID-8 LIKE, to: gender}", "mapping-when-wrong"),
        ('{id: a, from: PID-8, to: "extension[no-such].valueCode"}', "mapping-extension-unknown"),
        ("{id: a, value: soon, to: birthDate}", "mapping-type-unfit"),
        ("{id: a, from: PID-8, to: gender, colour: red}", "mapping-key-unknown"),
        ("{id: a, to: gender}", "mapping-key-absent"),
        ("{id: a, from: PID-8, to: gender, with: {code: x}}", "mapping-element-form"),
        ("{id: a, from: PID-8, to: gender, to: gender}", "mapping-key-twice"),
        ("{id: a, from: PID-8", "mapping-unreadable"),
    ],
)
def test_a_wrong_rule_is_told_with_file_and_line(tmp_path: Path, rule: str, detail: str) -> None:
    assert (detail, "base/segments/PID.yaml:4") in [
        (each, place.replace("PID.yaml:5", "PID.yaml:4")) for each, place in wrong(base(tmp_path, f"  - {rule}\n"))
    ]


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    rules = "  - {id: a, from: PID-7, to: birthDay}\n  - {id: a, from: PID-8, to: sex}\n"
    assert wrong(base(tmp_path, rules)) == [
        ("mapping-id-twice", "base/segments/PID.yaml:5"),
        ("mapping-element-unknown", "base/segments/PID.yaml:5"),
    ]


def test_a_rule_after_a_constant_for_the_same_element_is_shadowed(tmp_path: Path) -> None:
    rules = "  - {id: a, value: male, to: gender}\n  - {id: b, value: female, to: gender}\n"
    assert wrong(base(tmp_path, rules)) == [("mapping-rule-shadowed", "base/segments/PID.yaml:5")]


def test_dropping_what_no_layer_has_is_told(tmp_path: Path) -> None:
    lower = base(tmp_path, "  - {id: a, from: PID-7, to: birthDate}\n")
    upper = layer(tmp_path, "site", segments_PID="drop: [pid-99]\n")
    assert wrong(lower, upper) == [("mapping-drop-nothing", "site/segments/PID.yaml:1")]


def test_an_element_that_is_required_and_never_filled_is_told(tmp_path: Path) -> None:
    lower = base(tmp_path, "  - {id: a, from: PID-7, to: birthDate}\n")
    visit = "stay:\n  resource: Encounter\n  per: PV1\n  rules:\n    - {id: a, value: planned, to: status}\n"
    upper = layer(tmp_path, "site", instances_visit=visit, messages_ADT_A05="uses: [stay]\n")
    assert wrong(lower, upper) == [("mapping-required-absent", "site/instances/visit.yaml:2")]


def test_every_text_of_yaml_is_text(tmp_path: Path) -> None:
    rules = "  - {id: a, when: PID-8 VALUED, value: no, to: name.family}\n  - {id: b, value: 007, to: name.text}\n"
    rules += "  - {id: c, from: PID-7, to: birthDate}\n"
    assert patient(load_mappings([base(tmp_path, rules)]))["name"] == [{"family": "no", "text": "007"}]


def test_the_version_changes_with_any_rule(tmp_path: Path) -> None:
    one = load_mappings([base(tmp_path / "a", "  - {id: a, from: PID-7, to: birthDate}\n")])
    same = load_mappings([base(tmp_path / "b", "  - {id: a, from: PID-7, to: birthDate}\n")])
    other = load_mappings([base(tmp_path / "c", "  - {id: b, from: PID-7, to: birthDate}\n")])
    assert one.version == same.version != other.version

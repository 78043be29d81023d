"""A policy file is checked at start: all that is wrong is told at once, each with its line and its remedy.

Source: the head of `politique.yaml`; FHIR R4, TypeRestfulInteraction, ResourceType, the definitions of the types.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.policy.actor import ROLES
from fhir_gateway.policy.policy import SHIPPED, BadPolicy, Policy, load, shipped
from fhir_gateway.policy.statuses import statuses_of

HEAD = """rôles:
  collecteur:
    libellé: {fr: Collecteur, en: Collector}
    raison: {fr: "Il lit.", en: "Reads."}
    source: essai
    droits:
"""
RIGHT_LINE = 7  # of the first right after HEAD


def laid(folder: Path, text: str) -> Policy:
    path = folder / "site.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path, definitions())


def complaints(folder: Path, text: str) -> list[tuple[str, str]]:
    """Return detail code and place of everything that is wrong with a file."""
    with pytest.raises(BadPolicy) as refused:
        laid(folder, text)
    return [
        (issue.complaint.detail, issue.values.get("at", "").removeprefix("site.yaml:"))
        for issue in refused.value.issues
    ]


@pytest.mark.parametrize(
    ("right", "detail"),
    [
        ("{interactions: [reed], types: [Patient], portée: adressé}", "policy-unknown-name"),
        ("{interactions: [search-system], types: [Patient], portée: adressé}", "policy-unknown-name"),
        ("{interactions: [read], types: [Pacient], portée: adressé}", "policy-unknown-name"),
        ("{opérations: [$tout], portée: adressé}", "policy-unknown-name"),
        ("{opérations: [$meta], types: [Pacient], portée: adressé}", "policy-unknown-name"),
        ("{interactions: [update], types: [Task], portée: adressé, champs: [statut]}", "policy-unknown-name"),
        ("{interactions: [update], types: [Task], portée: adressé, champs: [birthDate]}", "policy-absent-element"),
        ("{interactions: [delete], types: [Patient], portée: adressé, depuis: [draft]}", "policy-absent-element"),
        ("{interactions: [delete], types: [Task], portée: adressé, depuis: [brouillon]}", "policy-unknown-status"),
        ("{interactions: [update], types: [Task], portée: adressé, vers: [revoked]}", "policy-unknown-status"),
        ("{interactions: [read], types: [Patient], portée: adressée}", "policy-unknown-key"),
        ("{interactions: [read], types: [Patient], portée: adressé, champ: [name]}", "policy-unknown-key"),
        ("{interactions: [read], types: [Patient], portée: adressé, champs: [name]}", "policy-needless-key"),
        ("{interactions: [create], types: [Task], portée: adressé, depuis: [draft]}", "policy-needless-key"),
        ("{interactions: [delete], types: [Task], portée: adressé, vers: [draft]}", "policy-needless-key"),
        ("{opérations: [$meta], portée: adressé, champs: [status]}", "policy-needless-key"),
        ("{interactions: [read], types: [Patient]}", "policy-missing-key"),
        ("{interactions: [read], portée: adressé}", "policy-missing-key"),
        ("{types: [Patient], portée: adressé}", "policy-wrong-shape"),
        ("{interactions: [read], opérations: [$meta], types: [Patient], portée: adressé}", "policy-wrong-shape"),
        ("{interactions: read, types: [Patient], portée: adressé}", "policy-wrong-shape"),
        ("{interactions: [read], types: [{a: b}], portée: adressé}", "policy-wrong-shape"),
        ("{interactions: [read], types: [Patient], portée: [adressé]}", "policy-wrong-shape"),
        ("lire", "policy-wrong-shape"),
        ("{interactions: [read], types: [Patient], types: [Task], portée: adressé}", "policy-repeated-key"),
        ("{interactions: [create], types: [Patient], portée: aucune}", "policy-scope-meaningless"),
    ],
)
def test_a_wrong_right_is_told_at_its_line(tmp_path: Path, right: str, detail: str) -> None:
    assert (detail, str(RIGHT_LINE)) in complaints(tmp_path, f"{HEAD}      - {right}\n")


def test_everything_that_is_wrong_is_told_at_once_in_either_language(tmp_path: Path) -> None:
    text = f"""types:
  Patient: [Task]
  rond: [carré]
  carré: [rond]
éléments: {{tous-les-types: [status]}}
{HEAD}      - {{interactions: [reed], types: [Pacient], portée: adressé}}
      - {{opérations: [$meta], portée: partout}}
  roi: {{libellé: {{fr: Roi}}, droits: []}}
"""
    found = complaints(tmp_path, text)
    assert {
        ("policy-group-name-taken", "2"),
        ("policy-group-circle", "3"),
        ("policy-group-circle", "4"),
        ("policy-group-name-taken", "5"),
        ("policy-unknown-name", "12"),
        ("policy-unknown-key", "13"),
        ("policy-unknown-role", "14"),
        ("policy-missing-key", "14"),
    } <= set(found)
    with pytest.raises(BadPolicy) as refused:
        laid(tmp_path, text)
    assert "site.yaml:12: 'Pacient' is neither a resource type of R4" in str(refused.value)
    assert "is Patient meant?" in refused.value.text("en")
    assert "est-ce Patient ?" in refused.value.text("fr")
    assert len(refused.value.text("fr").splitlines()) == len(found) == len(set(refused.value.text("en").splitlines()))


def test_rights_that_contradict_are_refused_and_those_that_say_the_same_are_not(tmp_path: Path) -> None:
    one = "      - {interactions: [lire], types: [Patient], portée: adressé}\n"
    other = "      - {interactions: [read], types: [identité], portée: organisation}\n"
    assert complaints(tmp_path, HEAD + one + other) == [("policy-contradiction", "8")]
    public = "      - {interactions: [read], types: [Organization], portée: adressé}\n"
    assert complaints(tmp_path, HEAD + public) == [("policy-contradiction", "7")]
    operations = "      - {opérations: [$meta], portée: tout}\n      - {opérations: [$meta], portée: adressé}\n"
    assert complaints(tmp_path, HEAD + operations) == [("policy-contradiction", "8")]
    somewhere = "      - {opérations: [$meta], types: [Patient], portée: adressé}\n"
    everywhere = "      - {opérations: [$meta], portée: tout}\n"
    assert complaints(tmp_path, HEAD + somewhere + everywhere) == [("policy-contradiction", "8")]
    assert complaints(tmp_path, HEAD + everywhere + somewhere) == [("policy-contradiction", "8")]
    assert laid(tmp_path, HEAD + one + one).right("collecteur", "read", "Patient")


def test_a_role_cannot_see_all_of_one_type_and_its_organisations_part_of_another(tmp_path: Path) -> None:
    narrowed = "      - {interactions: [read], types: [Patient], portée: adressé}\n"
    whole = "      - {interactions: [read], types: [AuditEvent], portée: tout}\n"
    assert complaints(tmp_path, HEAD + narrowed + whole) == [("policy-scope-meaningless", "8")]
    assert laid(tmp_path, HEAD + whole).right("collecteur", "read", "AuditEvent")
    everyone = "tous:\n  - {interactions: [read], types: [annuaire, Basic], portée: tout}\n"
    assert set(complaints(tmp_path, everyone)) == {("policy-scope-meaningless", "2")}


def test_a_sites_file_replaces_whole_roles_and_groups_and_leaves_the_others(tmp_path: Path) -> None:
    right = "      - {interactions: [read], types: [Patient], portée: adressé}\n"
    policy = laid(tmp_path, f"types:\n  consentement: [Consent, Contract]\n{HEAD}{right}")
    assert policy.label("collecteur", "en") == "Collector"
    assert policy.right("collecteur", "read", "Patient") is not None
    assert policy.right("collecteur", "read", "ServiceRequest") is None
    assert policy.right("collecteur", "read", "Organization") is not None  # that of every role
    assert policy.right("prescripteur", "create", "Contract") is not None
    assert shipped().right("prescripteur", "create", "Contract") is None
    assert policy.right("plateforme", "update", "ServiceRequest") == shipped().right(
        "plateforme", "update", "ServiceRequest"
    )


def test_a_sites_file_may_take_the_rights_of_every_role_away(tmp_path: Path) -> None:
    policy = laid(tmp_path, "tous: []\n")
    assert policy.right("integrateur", "read", "Organization") is None
    assert policy.right("administrateur", "read", "Organization") is not None


def test_a_file_that_is_no_yaml_or_cannot_be_read_is_told(tmp_path: Path) -> None:
    assert complaints(tmp_path, "rôles: [\n") == [("policy-not-yaml", "2")]
    assert complaints(tmp_path, "a: \x07\n")[0][0] == "policy-not-yaml"
    assert complaints(tmp_path, "- a\n") == [("policy-wrong-shape", "1")]
    (tmp_path / "latin.yaml").write_bytes("rôles: {}".encode("latin-1"))
    for path in (tmp_path / "absent.yaml", tmp_path / "latin.yaml"):
        with pytest.raises(BadPolicy, match="cannot be read"):
            load(path, definitions())


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    policy = laid(tmp_path, "{}\n")
    for role in ROLES:
        assert policy.types(role, "read") == shipped().types(role, "read")


def test_a_file_without_one_of_the_roles_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    without = re.sub(r"  auditeur:\n(?:    .*\n)+\n", "", text)
    assert without != text
    base = tmp_path / "politique.yaml"
    base.write_text(without, encoding="utf-8")
    monkeypatch.setattr("fhir_gateway.policy.policy.SHIPPED", base)
    with pytest.raises(BadPolicy) as refused:
        load(None, definitions())
    assert [issue.values["role"] for issue in refused.value.issues] == ["auditeur"]


def test_lists_that_contain_themselves_are_no_endless_work(tmp_path: Path) -> None:
    found = complaints(tmp_path, "types:\n  a: &a [Patient, *a]\n")
    assert ("policy-wrong-shape", "2") in found


def test_statuses_of_a_type_are_those_of_its_binding() -> None:
    found = statuses_of(definitions(), "ServiceRequest")
    wanted = {"draft", "active", "on-hold", "revoked", "completed", "entered-in-error", "unknown"}
    assert found == frozenset(wanted)
    assert statuses_of(definitions(), "Patient") is None
    assert "in-progress" in (statuses_of(definitions(), "Encounter") or ())

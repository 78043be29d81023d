"""The examples of the profiles: good ones are clean, bad ones give exactly the issues that stand beside them.

Judged by the validator, by the rules of the dossier, by the command line, with the packages of France and HL7
installed, and read by an independent witness (fhir.resources, R4B: the types used here are R4's).

Source: profiles/examples/pfmg/README.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from fhir.resources.R4B import get_fhir_model_class
from typer.testing import CliRunner

from fhir_gateway.cli import app
from fhir_gateway.conformance.carried import carried
from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.conformance.validation.findings import Finding
from fhir_gateway.conformance.validators import r4_validator, validator_of
from fhir_gateway.demo_dossiers.examples import files, folder, text
from fhir_gateway.demo_dossiers.invented import people, professionals, structures
from fhir_gateway.demo_dossiers.resources import DOCUMENTS
from fhir_gateway.dossier.dossier import submitted
from fhir_gateway.dossier.rules import RULES, gaps, state_of
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.fhir.json import decode
from fhir_gateway.terminology.french_identifiers import is_finess, is_ins, is_rpps
from tests.shared_data import shared

Resource = dict[str, Any]
# After the last step of any example; `at` in what is expected says another day.
LATER: Final = "2026-12-01"
ALL: Final = sorted(path for path in folder().glob("*/*.json") if not path.name.endswith(".expected.json"))
BAD: Final = [path for path in ALL if path.name.startswith("bad-")]
GOOD: Final = [path for path in ALL if path not in BAD]

# The warnings that a good example may give: the issue, where, and why it is right to send it so all the same.
REVIEWED: Final[Sequence[tuple[str, str, str]]] = (
    ("validation-code-system-unknown", r".*", "HPO, LOINC, SNOMED CT, HGNC, NCIt, EDAM, INSEE: loaded, not carried"),
    ("validation-value-set-unknown", r".*", "answer lists of LOINC come with LOINC"),
    ("validation-codings-extensible", r".*\.identifier\[\d\]\.type", "R4's list lacks INS and FINESS"),
    ("validation-codings-extensible", r".*Consent.*\.category\[1\]", "the form is no category of R4's list"),
    ("validation-codings-extensible", r".*Consent.*\.policyRule", "R4's list lacks the OPTIN of its own ActCode"),
    ("validation-codings-extensible", r".*Specimen.*\.condition\[0\]", "the non-conformities of PFMG are finer"),
    ("validation-codings-extensible", r".*Provenance.*\.reason\[0\]", "a motive of PFMG is no purpose of use"),
)  # fmt: skip


def name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def read(path: Path) -> Resource:
    found: Resource = decode(path.read_bytes())
    return found


def expected(path: Path) -> Resource:
    beside = path.with_name(f"{path.stem}.expected.json")
    return read(beside) if beside.exists() else {}


def is_known(code: str, expression: str) -> bool:
    return any(code == detail and re.fullmatch(place, expression) for detail, place, _ in REVIEWED)


def is_reviewed(finding: Finding) -> bool:
    return is_known(finding.issue.complaint.detail, finding.issue.expression)


def told(findings: Sequence[Finding]) -> list[Resource]:
    """Errors, and warnings that nobody has reviewed, as they stand in what is expected."""
    return [
        {
            "severity": "error" if each.is_error else "warning",
            "code": each.issue.complaint.detail,
            "expression": each.issue.expression,
            **({"invariant": each.issue.values["key"]} if "key" in each.issue.values else {}),
        }
        for each in findings
        if each.is_error or (each.issue.severity == "warning" and not is_reviewed(each))
    ]


def found_gaps(bundle: Resource, state: str | None, at: str) -> list[Resource]:
    found = [
        {"severity": gap.gravity, "code": gap.id, "expression": gap.expression}
        for dossier in submitted(bundle)
        for gap in gaps(dossier, state or state_of(dossier), at)  # type: ignore[arg-type]
    ]
    return in_order(found)


def in_order(issues: Sequence[Resource]) -> list[Resource]:
    return sorted(issues, key=str)


def test_there_are_enough_examples_of_each_kind():
    assert len(GOOD) >= 60
    assert len(BAD) >= 40
    profiles = {entry.url for entry in carried()[0].of_kind("StructureDefinition") if entry.id.startswith("pfmg-")}
    claimed = {
        profile
        for path in GOOD
        for each in [read(path), *(entry["resource"] for entry in read(path).get("entry", ()))]
        for profile in each.get("meta", {}).get("profile", ())
    }
    assert profiles <= claimed


# Rules without a bad twin: the profiles refuse such a resource, or no file can show it.
UNTOLD: Final = {
    "dossier-requester-unknown": "a PractitionerRole without RPPS is refused by its profile",
    "dossier-patient-missing": "a reference that leads nowhere is no transaction",
    "dossier-edge-parents-several": "three people's links at once: tests/dossier/test_rules.py",
    "dossier-edge-sex-differs": "sex beside a Patient is refused by the profile (pfmg-fmh-1)",
    "dossier-consent-of-age": "asked years later: tests/dossier/test_rules.py",
}


def test_every_rule_has_a_bad_twin_but_those_named():
    shown = {gap["code"] for path in BAD for found in expected(path).get("gaps", {}).values() for gap in found}
    assert {rule.id for rule in RULES} - shown == set(UNTOLD)


def test_the_readme_names_every_example():
    said = (folder() / "README.md").read_text(encoding="utf-8")
    missing = [path.stem for path in ALL if f"`{path.stem}`" not in said and f"`{name(path)}`" not in said]
    assert [each for each in missing if f"{each}.json" not in said] == []


def test_the_files_are_what_the_module_makes():
    made = {path: text(resource) for path, resource in files()}
    there = {str(path.relative_to(folder())): path.read_text(encoding="utf-8") for path in folder().glob("*/*.json")}
    assert made == there, "run `python -m fhir_gateway.demo_dossiers.examples`"


@pytest.mark.parametrize("path", GOOD, ids=name)
def test_a_good_example_is_clean(path: Path):
    assert told(r4_validator().validate_bytes(path.read_bytes())) == []


@pytest.mark.parametrize("path", BAD, ids=name)
def test_a_bad_twin_gives_exactly_what_stands_beside_it(path: Path):
    beside = expected(path)
    assert (path.parent / beside["twin"]).exists()
    assert in_order(told(r4_validator().validate_bytes(path.read_bytes()))) == in_order(beside["validate"])
    for state, wanted in beside.get("gaps", {}).items():
        assert found_gaps(read(path), state, beside.get("at", LATER)) == in_order(wanted), state
    assert beside["validate"] or any(beside["gaps"].values())


@pytest.mark.parametrize("path", [each for each in GOOD if each.parent.name == "states"], ids=name)
def test_a_dossier_on_its_way_lacks_what_is_said_and_no_more(path: Path):
    wanted = [issue for issues in expected(path).get("gaps", {}).values() for issue in issues]
    assert found_gaps(read(path), None, LATER) == in_order(wanted)


@pytest.mark.parametrize(
    "path", [each for each in GOOD if each.parent.name == "submissions" and each.stem != "directory"], ids=name
)
def test_a_good_submission_lacks_nothing_but_the_decision_of_the_rcp(path: Path):
    bundle = read(path)
    assert found_gaps(bundle, "draft", "2026-05-04") == []
    assert [each["code"] for each in found_gaps(bundle, "finalise", "2026-05-04")] == ["dossier-rcp-missing"]


def present_gaps(path: Path) -> list[Resource]:
    """Return the gaps that stand beside a submission for the state that it is in."""
    found = expected(path).get("gaps", {}) if path.parent.name == "submissions" else {}
    return found.get("active", found.get("draft", []))  # type: ignore[no-any-return]


def test_the_command_line_says_the_same():
    run = CliRunner().invoke(app, ["validate", *map(str, ALL), "--format", "json", "--level", "warning"])
    assert run.exit_code == 1, run.output
    answers = {Path(each["file"]): each["issues"] for each in json.loads(run.stdout)["files"]}
    assert set(answers) == set(ALL)
    for path, issues in answers.items():
        left = [
            (issue["severity"], issue["code"], issue["expression"])
            for issue in issues
            if issue["severity"] == "error" or not is_known(issue["code"], issue["expression"])
        ]
        wanted = [*expected(path).get("validate", []), *present_gaps(path)]
        assert sorted(left) == sorted((each["severity"], each["code"], each["expression"]) for each in wanted), path


def test_the_command_line_finds_nothing_wrong_with_the_good_ones():
    run = CliRunner().invoke(app, ["validate", *map(str, GOOD), "--level", "error"])
    assert run.exit_code == 0, run.output


@cache
def with_packages() -> Any:
    return validator_of([str(shared("fr-core")), str(shared("packages", "hl7.fhir.uv.genomics-reporting-3.0.0.tgz"))])


FR_CORE: Final = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-"
OF_FRANCE: Final = {
    "Patient": "patient", "Practitioner": "practitioner", "Organization": "organization",
    "PractitionerRole": "practitioner-role", "RelatedPerson": "related-person",
}  # fmt: skip


@pytest.mark.parametrize("path", GOOD, ids=name)
def test_with_the_packages_of_france_and_of_genomics_there_is_no_further_error(path: Path):
    resource = read(path)
    found = with_packages().validate(resource)
    assert [each.issue.text() for each in found if each.is_error] == []
    kind = OF_FRANCE.get(resource["resourceType"])
    if kind is not None:
        qualified = "-ins" if kind == "patient" and "VALI" in path.read_text(encoding="utf-8") else ""
        profile = f"{FR_CORE}{kind}{qualified}"
        assert with_packages().knows(profile)
        assert [each.issue.text() for each in with_packages().validate(resource, [profile]) if each.is_error] == []


@pytest.mark.parametrize("path", GOOD, ids=name)
def test_an_independent_witness_reads_every_example(path: Path):
    resource = read(path)
    for each in [resource, *(entry["resource"] for entry in resource.get("entry", ()))]:
        get_fhir_model_class(each["resourceType"]).model_validate(each)


def families() -> set[str]:
    return {each.family for each in people().values()} | {each.family for each in professionals().values()}


def test_every_kind_of_document_has_a_code_of_r4s_list():
    listed = definitions().resource("ValueSet", "http://hl7.org/fhir/ValueSet/c80-doc-typecodes")
    known = {each["code"] for include in listed["compose"]["include"] for each in include["concept"]}
    assert {code for code, _ in DOCUMENTS.values()} <= known


def test_every_number_can_be_one_by_its_form_and_is_nobodys():
    numbers = [each.ins for each in people().values() if each.ins is not None]
    assert numbers
    assert all(is_ins(number) and number[5:7] == "00" for number in numbers)
    assert len(set(numbers)) == len(numbers)
    invented = [each for each in structures().values() if each.kind != "lbm-fmg"]
    assert all(is_finess(number) and number.startswith("99") for each in invented for _, number in each.finess)
    assert all(is_finess(number) for each in structures().values() for _, number in each.finess)
    assert all(is_rpps(each.rpps) and each.rpps.startswith("999") for each in professionals().values())
    assert all(each.startswith("ESSAI-") for each in families())


def test_people_and_numbers_stand_in_one_file():
    known = {each.ins for each in people().values()} | {each.rpps for each in professionals().values()}
    known |= {number for each in structures().values() for _, number in each.finess}
    for path in GOOD:
        content = path.read_text(encoding="utf-8")
        numbers = re.findall(r'"(?:urn:oid:1\.2\.250\.1\.213\.1\.4\.10|https://(?:rpps|finess)\.esante\.gouv\.fr)",'
                             r'\s*"value": "([^"]+)"', content)  # fmt: skip
        assert set(numbers) <= known, path
        assert set(re.findall(r'"family": "([^"]+)"', content)) <= families(), path


def test_the_examples_are_of_the_canonical_base_of_this_gateway():
    """They are to be sent as they stand; who changes the base writes them anew by the module."""
    for path in ALL:
        content = path.read_text(encoding="utf-8")
        assert CANONICAL_BASE in content
        assert "{pfmg}" not in content

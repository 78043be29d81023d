"""PFMG's package is what its sources say, sound by our own validator, and readable in French and English.

Source: profiles/README.md; FHIR R4, StructureDefinition; FHIR NPM Packages specification.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from fhir_gateway.conformance import compile_profiles
from fhir_gateway.conformance.carried import PFMG as FILE
from fhir_gateway.conformance.carried import carried, open_carried
from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.conformance.known_packages import OverR4, carried_over
from fhir_gateway.conformance.package import Package, data_folder
from fhir_gateway.conformance.packages import Packages
from fhir_gateway.conformance.snapshot import Snapshots
from fhir_gateway.conformance.validators import r4_validator
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE, PLACEHOLDER
from fhir_gateway.terminology.shipped import shipped
from tests.conformance.pfmg.definitions import PFMG, SOURCES, STRUCTURES, Resource, translation
from tests.nested import holders

PROFILES = {
    "pfmg-patient", "pfmg-service-request", "pfmg-consent-soins", "pfmg-consent-recherche", "pfmg-specimen",
    "pfmg-family-member-history", "pfmg-phenotype", "pfmg-task", "pfmg-document-reference", "pfmg-diagnostic-report",
    "pfmg-variant", "pfmg-diagnostic-implication", "pfmg-tmb", "pfmg-msi", "pfmg-hrd", "pfmg-genomic-study",
    "pfmg-related-person", "pfmg-provenance", "pfmg-submission-bundle", "pfmg-practitioner", "pfmg-practitioner-role",
    "pfmg-organization",
}  # fmt: skip
EXTENSIONS = {
    "nombre-participants", "motif-strategie", "autorite-parentale-exclusive", "origine", "empreinte-sha256",
    "taille-octets", "confiance-lien", "lignee", "foetus",
}  # fmt: skip
OPERATIONS = {
    "submit", "a-completer", "suivi", "completude", "statistiques", "decision", "dossier", "import-result",
    "correspondance",
}  # fmt: skip
ALL = [PFMG.read(entry) for entry in PFMG.entries]


def name_of(resource: Resource) -> str:
    return f"{resource['resourceType']}-{resource['id']}"


def ids(kind: str) -> set[str]:
    return {entry.id for entry in PFMG.of_kind(kind)}


def test_the_package_holds_what_the_guide_describes():
    assert ids("StructureDefinition") == PROFILES | EXTENSIONS
    assert ids("OperationDefinition") == OPERATIONS
    assert ids("GraphDefinition") == {"pfmg-dossier"}
    assert len(ids("CapabilityStatement")) == 13
    assert len(ids("SearchParameter")) == 4


def test_the_committed_package_was_made_of_the_committed_sources():
    made_of = Package(data_folder("profiles") / FILE).manifest()["source"]["files"]
    assert made_of == compile_profiles.digests(SOURCES), "run `make profiles`"


@pytest.mark.skipif(shutil.which("sushi") is None, reason="needs SUSHI, which is not installed here")
def test_the_sources_make_the_committed_package(tmp_path: Path):
    own, resources = compile_profiles.compiled(SOURCES, tmp_path, sushi=("sushi",))
    out = tmp_path / SOURCES.name / FILE.name
    shutil.copytree(SOURCES, out.parent)
    compile_profiles.pack(own, compile_profiles.with_snapshots(own, resources), out)
    assert out.read_bytes() == (data_folder("profiles") / FILE).read_bytes()


@pytest.mark.parametrize("resource", ALL, ids=name_of)
def test_every_definition_is_valid_by_our_own_validator(resource: Resource):
    assert [each.issue.text() for each in r4_validator().validate(resource) if each.is_error] == []


@pytest.mark.parametrize("structure", STRUCTURES, ids=name_of)
def test_a_snapshot_is_what_the_engine_makes_of_the_differential(structure: Resource):
    bare = {name: value for name, value in structure.items() if name != "snapshot"}
    made = Snapshots(Packages(carried(), definitions())).generate(bare)
    elements = [
        {name: value for name, value in each.items() if name != "example"} for each in made["snapshot"]["element"]
    ]
    assert elements == structure["snapshot"]["element"]


@pytest.mark.parametrize("structure", STRUCTURES, ids=name_of)
def test_no_slice_is_told_by_the_profile_of_what_a_reference_leads_to(structure: Resource):
    slicings = [each["slicing"] for each in structure["differential"]["element"] if "slicing" in each]
    types = {discriminator["type"] for slicing in slicings for discriminator in slicing["discriminator"]}
    assert types <= {"value", "pattern"}


@pytest.mark.parametrize("resource", ALL, ids=name_of)
def test_all_that_a_definition_says_it_says_in_french_and_english(resource: Resource):
    assert resource["language"] == "fr"
    assert resource["description"]
    own = {name: value for name, value in resource.items() if name not in ("snapshot", "definition", "contained")}
    said = [
        (holder[name], holder.get(f"_{name}"))
        for holder in holders(own)
        for name in ("title", "description", "copyright", "documentation", "short", "human")
        if isinstance(holder.get(name), str)
    ]
    assert [text for text, beside in said if beside is None] == []
    for text, beside in said:
        assert translation(beside)
        # A word may be the same in both languages, a sentence is not.
        assert " " not in text or len(text) < 25 or translation(beside) != text


@pytest.mark.parametrize("structure", STRUCTURES, ids=name_of)
def test_a_snapshot_keeps_the_translations_of_its_differential(structure: Resource):
    whole = {each["id"]: each for each in structure["snapshot"]["element"]}
    told = [each for each in structure["differential"]["element"] if "_short" in each]
    assert told
    for each in told:
        assert whole[each["id"]]["short"] == each["short"]
        assert whole[each["id"]]["_short"] == each["_short"]


IDENTIFIERS = CANONICAL_BASE + "/identifier/"


def test_every_system_of_identifiers_that_the_project_writes_has_its_naming_system():
    namings = {
        unique["value"]: naming
        for naming in map(PFMG.read, PFMG.of_kind("NamingSystem"))
        for unique in naming["uniqueId"]
        if unique["type"] == "uri"
    }
    files = [*SOURCES.rglob("*.fsh"), *(data_folder("profiles") / "examples").rglob("*.json")]
    files += [*data_folder("terminology").rglob("*.json"), *Path(compile_profiles.__file__).parents[1].rglob("*.py")]
    pattern = re.compile(r"(?:\{pfmg\}|\{CANONICAL_BASE\}|" + re.escape(CANONICAL_BASE) + r")/identifier/([a-z0-9-]+)")
    written = {IDENTIFIERS + name for path in files for name in pattern.findall(path.read_text(encoding="utf-8"))}
    assert len(written) > 10
    assert written - namings.keys() == set()
    for naming in namings.values():
        assert naming["kind"] == "identifier"
        assert "url" not in naming


def test_every_resource_has_the_version_and_licence_of_the_package():
    manifest = PFMG.manifest
    assert (manifest["name"], manifest["license"]) == ("pfmg.fhir", "Apache-2.0")
    # A NamingSystem of R4 has no version.
    versions = {resource["version"] for resource in ALL if resource["resourceType"] != "NamingSystem"}
    assert versions == {PFMG.version}


def test_the_canonical_base_stands_in_one_place():
    path = data_folder("profiles") / FILE
    file = Package(path)
    base = CANONICAL_BASE.encode()
    assert not [member for member in file.members() for line in file.lines(member) if base in line]
    sources = [SOURCES / "sushi-config.yaml", *(SOURCES / "input").rglob("*.fsh")]
    assert not [each.name for each in sources if CANONICAL_BASE in each.read_text(encoding="utf-8")]
    other = open_carried(path, "https://autre.test/fhir")
    patient = next(entry for entry in other.entries if entry.id == "pfmg-patient")
    assert patient.url == "https://autre.test/fhir/StructureDefinition/pfmg-patient"
    assert PLACEHOLDER not in str(other.read(patient))
    assert CANONICAL_BASE not in str(other.read(patient))


def test_every_value_set_that_a_profile_binds_to_is_known_or_a_list_of_loinc():
    lookup = carried_over(OverR4(shipped(), definitions(), any_version=True))
    unknown = {
        element["binding"]["valueSet"]
        for structure in STRUCTURES
        for element in structure["snapshot"]["element"]
        if "valueSet" in element.get("binding", ())
        if lookup.resource("ValueSet", element["binding"]["valueSet"]) is None
    }
    assert all(re.match(r"http://loinc\.org/vs/LL", url) for url in unknown)

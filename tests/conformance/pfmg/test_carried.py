"""The packages that come with the gateway: read lazily, over R4, under what is installed.

Source: FHIR NPM Packages specification; profiles/README.md.
"""

from __future__ import annotations

import json
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from fhir_gateway.conformance import carried as room
from fhir_gateway.conformance import pack_carried
from fhir_gateway.conformance.carried import carried, is_part, open_carried
from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.conformance.fhir_package import Entry, FhirPackage
from fhir_gateway.conformance.known_packages import OverR4, carried_over, packages_of
from fhir_gateway.conformance.lookup import Resource
from fhir_gateway.conformance.package import MANIFEST, SUFFIX, Package, data_folder
from fhir_gateway.conformance.package_offers import offers_of
from fhir_gateway.conformance.pinning import canonicals
from fhir_gateway.conformance.validators import validator_with
from fhir_gateway.terminology.shipped import shipped
from tests.conformance.pfmg.definitions import FR_CORE, GENOMICS, PFMG
from tests.shared_data import shared

GUIDE = "http://hl7.org/fhir/uv/genomics-reporting"


def test_pfmg_comes_first_and_french_core_is_but_a_part():
    assert [str(each.identity) for each in carried()] == [
        "pfmg.fhir@1.0.0", "hl7.fhir.uv.genomics-reporting@3.0.0", "hl7.fhir.fr.core@2.2.0",
    ]  # fmt: skip
    assert [is_part(each) for each in carried()] == [False, False, True]


@pytest.mark.parametrize("path", [room.PFMG, room.GENOMICS, room.FR_CORE], ids=lambda path: path.name)
def test_the_manifest_counts_what_is_there(path: Path):
    file = Package(data_folder("profiles") / path)
    manifest = file.manifest()
    counted = {member: sum(1 for _ in file.lines(member)) for member in file.members()}
    assert {member: said["count"] for member, said in manifest["members"].items()} == counted
    assert len(manifest["index"]) == sum(counted.values())
    assert manifest["license"] in ("Apache-2.0", "CC0-1.0")


@pytest.mark.parametrize("package", carried(), ids=lambda package: package.name)
def test_an_entry_of_the_index_is_the_resource_it_names(package: FhirPackage):
    for entry in package.entries:
        resource = package.read(entry)
        assert (resource["resourceType"], resource["id"], resource.get("url", "")) == (entry.kind, entry.id, entry.url)
        assert "text" not in resource


def test_the_genomics_file_is_what_the_script_makes_of_hl7s_package():
    source = shared("packages", "hl7.fhir.uv.genomics-reporting-3.0.0.tgz")
    own, resources = pack_carried.read_package(source)
    chosen = [each for each in resources if pack_carried.is_carried(each)]
    file = Package(data_folder("profiles") / room.GENOMICS)
    made = pack_carried.members_of(own, chosen, file.manifest()["source"])
    assert json.loads(made[MANIFEST]) == file.manifest()
    assert all(b"".join(file.lines(member)) == made[member + SUFFIX] for member in file.members())


def test_what_is_carried_of_french_core_is_as_published():
    folder = shared("fr-core", "package")
    for entry in FR_CORE.entries:
        published = json.loads((folder / entry.file).read_bytes())
        published.pop("text", None)
        assert json.loads(json.dumps(FR_CORE.read(entry))) == published


def test_all_that_the_guide_names_of_hl7_is_in_r4():
    """So nothing of HL7's terminology or extensions has to be carried with it."""
    known = carried_over(OverR4(shipped(), definitions(), any_version=True))
    unknown = set()
    for entry in (*GENOMICS.of_kind("StructureDefinition"), *GENOMICS.of_kind("ValueSet")):
        for kind, holder, key in canonicals(GENOMICS.read(entry)):
            if known.resource(kind, holder[key]) is None:
                unknown.add(holder[key])
    assert {url for url in unknown if "hl7.org" in url} == set()


def test_a_plain_resource_reads_no_profile_value_set_or_code_system_that_is_carried(monkeypatch: pytest.MonkeyPatch):
    read: list[Entry] = []
    reading = FhirPackage.read

    def noted(package: FhirPackage, entry: Entry) -> Resource:
        read.append(entry)
        return reading(package, entry)

    monkeypatch.setattr(FhirPackage, "read", noted)
    validator = validator_with(carried_over(OverR4(shipped(), definitions(), any_version=True)))
    observation = {
        "resourceType": "Observation", "status": "final", "code": {"text": "mass"},
        "valueQuantity": {"value": 1, "unit": "g", "system": "http://unitsofmeasure.org", "code": "g"},
    }  # fmt: skip
    validator.validate({"resourceType": "Patient", "gender": "female", "birthDate": "2001-01-01"})
    validator.validate(observation)
    assert {entry.kind for entry in read} <= {"ImplementationGuide"}


def test_a_package_that_needs_the_guide_finds_it(tmp_path: Path):
    own = {"name": "test.guide", "version": "1.0.0", "canonical": "https://guide.test", "fhirVersions": ["4.0.1"]}
    folder = tmp_path / "guide"
    folder.mkdir()
    for version, missing, instead in (("3.0.0", [], []), ("2.0.0", [], ["hl7.fhir.uv.genomics-reporting@2.0.0"])):
        needs = {"hl7.fhir.uv.genomics-reporting": version}
        (folder / "package.json").write_text(json.dumps(own | {"dependencies": needs}))
        packages = packages_of([str(folder)], tmp_path)
        assert [each.name for each in packages.missing] == missing
        assert [each.wanted for each in packages.fallbacks] == instead


def test_an_installed_package_takes_the_place_of_the_one_carried(tmp_path: Path):
    path = tmp_path / "guide.tgz"
    own = {"name": GENOMICS.name, "version": GENOMICS.version, "canonical": GUIDE, "fhirVersions": ["4.0.1"]}
    with tarfile.open(path, "w:gz") as file:
        member = tarfile.TarInfo("package/package.json")
        member.size = len(json.dumps(own))
        file.addfile(member, BytesIO(json.dumps(own).encode()))
    packages = packages_of([str(path)], tmp_path, tmp_path)
    assert [each.name for each in packages.packages].count(GENOMICS.name) == 1
    assert packages.structure(f"{GUIDE}/StructureDefinition/variant") is None
    assert [each.name for each in packages.asked] == [GENOMICS.name, PFMG.name]


def test_a_fresh_gateway_offers_both_packages():
    offers = offers_of(packages_of([], Path()))
    assert any(each.endswith("/pfmg-service-request|1.0.0") for each in offers.profiles["ServiceRequest"])
    assert f"{GUIDE}/StructureDefinition/variant|3.0.0" in offers.profiles["Observation"]
    assert {each["code"] for each in offers.search_parameters.values()} == {
        "supporting-info", "reason-code", "request", "patient-record",
    }  # fmt: skip
    assert len(offers.guides) == 2


def test_a_name_that_no_definition_has_is_refused_by_the_script():
    with pytest.raises(KeyError):
        pack_carried.closure([{"resourceType": "ValueSet", "url": "http://a"}], ["http://b"])


def test_opening_a_data_file_twice_gives_the_same_entries():
    again = open_carried(data_folder("profiles") / room.PFMG)
    assert again.entries == PFMG.entries

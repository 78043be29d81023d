"""FHIR packages: opened from files and folders, found by canonical, installed from a registry.

Source: FHIR NPM Packages specification; FHIR Package Registry, "Package Server API"; FHIR R4, References, "Canonical
References".
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import threading
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fhir_gateway.cli import app
from fhir_gateway.conformance import fhir_package
from fhir_gateway.conformance.cache import CACHE_VARIABLE
from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.conformance.fhir_package import PackageError, open_package
from fhir_gateway.conformance.package_folder import available, install, rank
from fhir_gateway.conformance.package_installation import install_with_dependencies
from fhir_gateway.conformance.packages import Packages
from fhir_gateway.conformance.registry_client import RegistryClient
from fhir_gateway.settings import PREFIX

PROFILE = "http://example.org/StructureDefinition/p"
SET = "http://example.org/ValueSet/v"


def manifest(name: str = "org.example.a", version: str = "1.0.0", **more: Any) -> dict[str, Any]:
    return {"name": name, "version": version, "fhirVersions": ["4.0.1"], "canonical": "http://example.org"} | more


def structure(version: str = "1.0.0", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "StructureDefinition",
        "id": "p",
        "url": PROFILE,
        "version": version,
        "type": "Patient",
    } | more


def value_set(version: str = "1.0.0") -> dict[str, Any]:
    return {"resourceType": "ValueSet", "id": "v", "url": SET, "version": version}


def files(own: dict[str, Any], *resources: dict[str, Any]) -> dict[str, bytes]:
    named = {f"{each['resourceType']}-{each['id']}.json": json.dumps(each).encode() for each in resources}
    return {"package.json": json.dumps(own).encode()} | named


def tgz(contents: dict[str, bytes], prefix: str = "package/") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as file:
        for name, body in contents.items():
            member = tarfile.TarInfo(prefix + name)
            member.size = len(body)
            file.addfile(member, io.BytesIO(body))
    return stream.getvalue()


def written(folder: Path, contents: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, body in contents.items():
        (folder / name).write_bytes(body)
    return folder


def details(error: pytest.ExceptionInfo[PackageError]) -> list[str]:
    return [issue.complaint.detail for issue in error.value.issues]


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "packages"
    made.mkdir()
    return made


def put(folder: Path, own: dict[str, Any], *resources: dict[str, Any]) -> None:
    (folder / f"{own['name']}-{own['version']}.tgz").write_bytes(tgz(files(own, *resources)))


# --- one package


@pytest.mark.parametrize("form", ["tgz", "tgz without a folder", "package in a folder", "folder"])
def test_a_package_is_the_same_from_a_file_and_from_a_folder(form: str, tmp_path: Path, cache: Path):
    contents = files(manifest(dependencies={"hl7.fhir.r4.core": "4.0.1"}), structure(), value_set())
    if form.startswith("tgz"):
        place = tmp_path / "a.tgz"
        place.write_bytes(tgz(contents, "package/" if form == "tgz" else ""))
    else:
        place = tmp_path / "a"
        written(place / "package" if "package" in form else place, contents)
    for _ in range(2):  # the second time from what was kept
        package = open_package(place, cache)
        assert str(package.identity) == "org.example.a@1.0.0"
        assert package.identity.dependencies == {"hl7.fhir.r4.core": "4.0.1"}
        assert package.kinds() == {"StructureDefinition": 1, "ValueSet": 1}
        [entry] = package.of_kind("StructureDefinition")
        assert (entry.url, entry.version, entry.type, entry.id) == (PROFILE, "1.0.0", "Patient", "p")
        assert package.read(entry) == structure()


def test_decimals_keep_their_text(tmp_path: Path, cache: Path):
    place = tmp_path / "a.tgz"
    place.write_bytes(tgz(files(manifest()) | {"a.json": b'{"resourceType": "Basic", "id": "a", "x": 1.10}'}))
    package = open_package(place, cache)
    assert package.read(package.entries[0])["x"].text == "1.10"


def test_what_is_no_resource_is_no_part_of_the_index(tmp_path: Path, cache: Path):
    others = {"ig.json": b'{"a": 1}', "list.json": b"[1]", "notes.txt": b"{", ".index.json": b"{}"}
    place = tmp_path / "a.tgz"
    place.write_bytes(tgz(files(manifest(), structure()) | others | {"other/ValueSet-x.json": b"{"}))
    assert [entry.file for entry in open_package(place, cache).entries] == ["StructureDefinition-p.json"]


def test_a_resource_whose_url_is_no_text_is_still_a_resource(tmp_path: Path, cache: Path):
    place = written(tmp_path / "a", files(manifest()) | {"x.json": b'{"resourceType": "Basic", "url": {"a": 1}}'})
    assert open_package(place, cache).kinds() == {"Basic": 1}


def test_an_index_spares_reading_the_files(tmp_path: Path, cache: Path):
    listed = {"filename": "x.json", "resourceType": "ValueSet", "id": "v", "url": SET, "version": "2"}
    index = {".index.json": json.dumps({"index-version": 1, "files": [listed]}).encode()}
    place = written(tmp_path / "a", files(manifest()) | index)
    package = open_package(place, cache)
    [entry] = package.entries
    with pytest.raises(PackageError) as error:
        package.read(entry)
    assert details(error) == ["package-file-absent"]
    written(place, {"x.json": json.dumps(value_set("2")).encode()})
    assert package.read(entry)["version"] == "2"


def test_a_folder_that_changed_is_looked_through_again(tmp_path: Path, cache: Path):
    place = written(tmp_path / "a", files(manifest(), structure()))
    assert len(open_package(place, cache).entries) == 1
    written(place, files(manifest(), value_set()))
    assert len(open_package(place, cache).entries) == 2


def test_profiles_in_a_folder_that_nobody_has_named_are_a_package_too(tmp_path: Path, cache: Path):
    place = written(tmp_path / "mine", {"p.json": json.dumps(structure()).encode()})
    package = open_package(place, cache)
    assert (str(package.identity), package.kinds()) == ("mine", {"StructureDefinition": 1})


def test_every_file_that_cannot_be_read_is_named(tmp_path: Path, cache: Path):
    broken = {"b.json": b'{"resourceType": "Basic", ', "c.json": b'{"resourceType": "\xff"}'}
    for place in (written(tmp_path / "a", files(manifest()) | broken), tmp_path / "a.tgz"):
        if place.suffix:
            place.write_bytes(tgz(files(manifest(), structure()) | broken))
        with pytest.raises(PackageError) as error:
            open_package(place, cache)
        assert details(error) == ["package-file-invalid", "package-file-invalid"]
        assert [issue.values["file"] for issue in error.value.issues] == ["b.json", "c.json"]
        assert all("b.json" in issue.text("fr") for issue in error.value.issues[:1])


@pytest.mark.parametrize("name", ["../evil.json", "package/../../evil.json", "/etc/evil.json", "package/..\\evil.json"])
def test_a_package_that_leads_out_of_itself_is_refused(name: str, tmp_path: Path, cache: Path):
    place = tmp_path / "a.tgz"
    place.write_bytes(tgz({"package/package.json": json.dumps(manifest()).encode(), name: b"{}"}, prefix=""))
    with pytest.raises(PackageError) as error:
        open_package(place, cache)
    assert details(error) == ["package-path-unsafe"]
    with pytest.raises(PackageError):
        install(place, tmp_path / "packages")
    assert sorted(path.name for path in tmp_path.rglob("*evil*")) == []


def test_an_index_that_leads_out_of_its_folder_is_refused(tmp_path: Path, cache: Path):
    index = {"files": [{"filename": "../secret.json", "resourceType": "Basic"}]}
    place = written(tmp_path / "a", files(manifest()) | {".index.json": json.dumps(index).encode()})
    with pytest.raises(PackageError) as error:
        open_package(place, cache)
    assert details(error) == ["package-path-unsafe"]


def test_links_are_not_followed(tmp_path: Path, cache: Path):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as file:
        own = json.dumps(manifest()).encode()
        member = tarfile.TarInfo("package/package.json")
        member.size = len(own)
        file.addfile(member, io.BytesIO(own))
        link = tarfile.TarInfo("package/ValueSet-x.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        file.addfile(link)
    place = tmp_path / "a.tgz"
    place.write_bytes(stream.getvalue())
    assert open_package(place, cache).entries == ()
    assert [path.name for path in (install(place, tmp_path / "packages").path / "package").iterdir()] != []
    assert not (tmp_path / "packages" / "org.example.a#1.0.0" / "package" / "ValueSet-x.json").exists()


@pytest.mark.parametrize("limit", ["MAX_FILES", "MAX_FILE", "MAX_TOTAL"])
def test_a_package_that_unpacks_to_too_much_is_refused(
    limit: str, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(fhir_package, limit, 1 if limit == "MAX_FILES" else 100)
    place = tmp_path / "a.tgz"
    place.write_bytes(tgz(files(manifest(), structure(), value_set())))
    with pytest.raises(PackageError) as error:
        open_package(place, cache)
    assert details(error) == ["package-too-large"]


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        (b"no archive", "package-unreadable"),
        (tgz(files(manifest(), structure()))[:-40], "package-unreadable"),
        (tgz({"a.json": b"{}"}), "package-manifest-absent"),
        (tgz({"package.json": b"{"}), "package-manifest-invalid"),
        (tgz({"package.json": b'{"name": 1}'}), "package-manifest-invalid"),
        (tgz({"package.json": b'{"name": "a"}'}), "package-manifest-invalid"),
    ],
    # An archive begins with the second in which it was made, which workers would tell apart.
    ids=["no-archive", "cut-off", "no-manifest", "no-json", "name-is-a-number", "no-version"],
)
def test_what_is_no_package_is_refused(content: bytes, detail: str, tmp_path: Path, cache: Path):
    place = tmp_path / "a.tgz"
    place.write_bytes(content)
    with pytest.raises(PackageError) as error:
        open_package(place, cache)
    assert details(error) == [detail]


def test_a_file_that_is_not_there_is_refused(tmp_path: Path, cache: Path):
    with pytest.raises(PackageError) as error:
        open_package(tmp_path / "absent.tgz", cache)
    assert details(error) == ["package-unreadable"]


# --- several packages


def test_versions_lie_side_by_side_and_the_newest_answers(folder: Path, cache: Path):
    for version in ("1.9.0", "1.10.0", "2.0.0-ballot"):
        put(folder, manifest(version=version), structure(version))
    packages = Packages.of(folder, cache_folder=cache)
    assert [package.version for package in packages.packages] == ["2.0.0-ballot", "1.10.0", "1.9.0"]
    assert [packages.structure(PROFILE + pin)["version"] for pin in ("", "|1.9.0", "|1.10")] == [  # type: ignore[index]
        "2.0.0-ballot", "1.9.0", "1.10.0",
    ]  # fmt: skip
    assert packages.fallbacks == ()


def test_a_version_that_is_absent_is_replaced_and_counted(folder: Path, cache: Path):
    put(folder, manifest(), structure("1.0.0"))
    packages = Packages.of(folder, definitions(), cache)
    for _ in range(2):
        found = packages.structure(PROFILE + "|0.5.0")
        assert found is not None
        assert found["version"] == "1.0.0"
    assert packages.structure("http://hl7.org/fhir/StructureDefinition/Patient|9.9") is not None
    assert packages.structure("http://example.org/absent|1") is None
    assert [(each.wanted, each.found, each.times) for each in packages.fallbacks] == [
        (PROFILE + "|0.5.0", PROFILE + "|1.0.0", 2),
        (
            "http://hl7.org/fhir/StructureDefinition/Patient|9.9",
            "http://hl7.org/fhir/StructureDefinition/Patient|4.0.1",
            1,
        ),
    ]


def test_r4_itself_is_asked_last_and_answers_for_its_own_version(folder: Path, cache: Path):
    url = "http://hl7.org/fhir/StructureDefinition/patient-birthTime"
    put(folder, manifest(), structure("5.0.0", url=url))
    packages = Packages.of(folder, definitions(), cache)
    assert [packages.structure(url + pin)["version"] for pin in ("", "|4.0.1")] == ["5.0.0", "4.0.1"]  # type: ignore[index]
    urls = [each["url"] for each in packages.resources("CompartmentDefinition")]
    assert len(urls) == len(set(urls)) > 1


def test_r4s_own_packages_are_never_opened_beside_it(folder: Path, cache: Path):
    put(folder, manifest("hl7.fhir.r4.examples", "4.0.1"), structure())
    put(folder, manifest(dependencies={"hl7.fhir.r4.core": "4.0.1"}), value_set())
    packages = Packages.of(folder, definitions(), cache)
    assert [str(each.identity) for each in packages.packages] == ["org.example.a@1.0.0"]
    assert packages.missing == ()


def test_a_package_brings_what_it_depends_on_however_far(folder: Path, cache: Path):
    put(folder, manifest("org.a", dependencies={"org.b": "1.0.0", "org.gone": "3.0.0"}))
    put(folder, manifest("org.b", dependencies={"org.c": "1.0.x", "org.a": "1.0.0"}))
    put(folder, manifest("org.c", "1.0.7"), value_set())
    put(folder, manifest("org.c", "2.0.0"))
    put(folder, manifest("org.unwanted"))
    packages = Packages.named(folder, ["org.a"], cache_folder=cache)
    assert [str(each.identity) for each in packages.packages] == ["org.a@1.0.0", "org.b@1.0.0", "org.c@1.0.7"]
    assert [(each.name, each.version, each.needed_by) for each in packages.missing] == [
        ("org.gone", "3.0.0", "org.a@1.0.0")
    ]


def test_another_version_of_what_a_package_depends_on_is_taken_and_told(folder: Path, cache: Path):
    put(folder, manifest("org.a", dependencies={"org.b": "1.0.0"}))
    put(folder, manifest("org.b", "1.2.0"))
    packages = Packages.named(folder, ["org.a@1.0.0"], cache_folder=cache)
    assert [(each.wanted, each.found) for each in packages.fallbacks] == [("org.b@1.0.0", "org.b@1.2.0")]


def test_every_package_that_is_absent_or_broken_is_told(folder: Path, cache: Path):
    (folder / "broken.tgz").write_bytes(tgz(files(manifest("org.broken")) | {"x.json": b"{"}))
    with pytest.raises(PackageError) as error:
        Packages.named(folder, ["org.gone", "org.broken", "org.lost@2.0.0"], cache_folder=cache)
    assert details(error) == ["package-absent", "package-absent", "package-file-invalid"]
    assert "fhir-gateway package install org.gone" in error.value.issues[0].text()


def test_a_package_sees_the_versions_it_depends_on_first(folder: Path, cache: Path):
    put(folder, manifest("org.a", dependencies={"org.b": "1.0.0"}))
    put(folder, manifest("org.b", "1.0.0"), value_set("1.0.0"))
    put(folder, manifest("org.b", "2.0.0"), value_set("2.0.0"))
    packages = Packages.of(folder, cache_folder=cache)
    mine = packages.packages[0]
    assert mine.name == "org.a"
    assert packages.resource("ValueSet", SET)["version"] == "2.0.0"  # type: ignore[index]
    assert packages.seen_from(mine).resource("ValueSet", SET)["version"] == "1.0.0"  # type: ignore[index]
    found = packages.package_of("ValueSet", SET + "|1.0.0")
    assert found is not None
    assert str(found.identity) == "org.b@1.0.0"
    assert packages.package_of("ValueSet", "http://example.org/absent") is None


def test_a_resource_of_a_package_means_the_versions_that_its_package_depends_on(folder: Path, cache: Path):
    based = structure("0.1.0", id="q", url=PROFILE + "-q", baseDefinition=PROFILE)
    bound = {"id": "Patient.x", "path": "Patient.x", "binding": {"strength": "required", "valueSet": SET}}
    put(folder, manifest("org.a", dependencies={"org.b": "1.0.x"}), based | {"differential": {"element": [bound]}})
    put(folder, manifest("org.b", "1.0.3"), value_set("1.0.3"), structure("1.0.3"))
    put(folder, manifest("org.b", "2.0.0"), value_set("2.0.0"), structure("2.0.0"))
    packages = Packages.of(folder, cache_folder=cache)
    found = packages.structure(PROFILE + "-q")
    assert found is not None
    assert found["baseDefinition"] == PROFILE + "|1.0.3"
    assert found["differential"]["element"][0]["binding"]["valueSet"] == SET + "|1.0.3"
    assert packages.structure(PROFILE)["version"] == "2.0.0"  # type: ignore[index]


def test_a_value_set_of_a_package_includes_the_versions_that_its_package_depends_on(folder: Path, cache: Path):
    other = {"include": [{"valueSet": [SET]}]}
    whole = {"resourceType": "ValueSet", "id": "w", "url": SET + "-w", "version": "1.0.0", "compose": other}
    put(folder, manifest("org.a", dependencies={"org.b": "1.0.0"}), whole)
    put(folder, manifest("org.b", "1.0.0"), value_set("1.0.0"))
    put(folder, manifest("org.b", "2.0.0"), value_set("2.0.0"))
    found = Packages.of(folder, cache_folder=cache).resource("ValueSet", SET + "-w")
    assert found is not None
    assert found["compose"]["include"] == [{"valueSet": [SET + "|1.0.0"]}]


class Known:
    """A lookup of one version of a value set, as R4's own definitions are one."""

    def __init__(self, version: str) -> None:
        self.version = version

    def structure(self, url: str) -> None:
        return None

    def resource(self, kind: str, url: str) -> dict[str, Any] | None:
        return value_set(self.version) if url in (SET, f"{SET}|{self.version}") else None

    def resources(self, kind: str) -> Iterator[dict[str, Any]]:
        yield value_set(self.version)


@pytest.mark.parametrize(
    ("name", "theirs", "mine", "newest"),
    [
        ("org.a", "1.0.0", "4.0.1", "4.0.1"),
        ("org.a", "10.0.0", "4.0.1", "10.0.0"),
        ("org.a", "4.0.1-ballot", "4.0.1", "4.0.1"),
        ("hl7.terminology.r4", "1.0.0", "4.0.1", "1.0.0"),
    ],
)
def test_a_canonical_without_a_version_means_the_newest_there_is(
    folder: Path, cache: Path, name: str, theirs: str, mine: str, newest: str
):
    put(folder, manifest(name), value_set(theirs))
    packages = Packages.of(folder, last=Known(mine), cache_folder=cache)
    assert packages.resource("ValueSet", SET)["version"] == newest  # type: ignore[index]


def test_versions_are_in_the_order_of_their_numbers():
    given = ["1.10.0", "1.9.0", "2.0.0", "2.0.0-ballot", "2.0.0-ballot2", "2.0.0-alpha.10", "2.0.0-alpha.9", "0.1"]
    assert sorted(given, key=rank) == [
        "0.1", "1.9.0", "1.10.0", "2.0.0-alpha.9", "2.0.0-alpha.10", "2.0.0-ballot", "2.0.0-ballot2", "2.0.0",
    ]  # fmt: skip


def test_a_folder_that_is_not_there_has_no_packages(tmp_path: Path, cache: Path):
    assert available(tmp_path / "absent", cache).newest_first() == []
    assert Packages.of(tmp_path / "absent", cache_folder=cache).packages == ()


# --- installing


def test_a_package_is_installed_where_other_tools_look_for_it(tmp_path: Path, folder: Path):
    place = tmp_path / "a.tgz"
    place.write_bytes(tgz(files(manifest(), structure()) | {"example/Patient-x.json": b'{"resourceType": "Patient"}'}))
    installed = install(place, folder)
    root = folder / "org.example.a#1.0.0" / "package"
    assert installed.path == root.parent
    assert (root / "example" / "Patient-x.json").exists()
    assert json.loads((root / ".index.json").read_text())["files"][0]["url"] == PROFILE
    assert [path.name for path in folder.iterdir()] == ["org.example.a#1.0.0"]
    again = install(written(tmp_path / "other", files(manifest(), value_set())), folder)
    assert again.kinds() == {"ValueSet": 1}
    assert not (root / "StructureDefinition-p.json").exists()


def test_a_name_that_leads_elsewhere_is_not_installed(tmp_path: Path, folder: Path):
    for name in ("../evil", "a/b", ""):
        place = tmp_path / "a.tgz"
        place.write_bytes(tgz(files(manifest(name))))
        with pytest.raises(PackageError) as error:
            install(place, folder)
        assert details(error) == ["package-name-invalid"]
    assert list(folder.iterdir()) == []


class Registry:
    """A registry on this machine; `packages`: by name and version, the file and what is announced of it."""

    def __init__(self) -> None:
        self.packages: dict[str, dict[str, tuple[bytes, dict[str, Any]]]] = {}
        self.answers: dict[str, tuple[int, bytes]] = {}
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = registry.answer(self.path)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def add(self, own: dict[str, Any], *resources: dict[str, Any], dist: dict[str, Any] | None = None) -> bytes:
        content = tgz(files(own, *resources))
        announced = {"shasum": hashlib.sha1(content).hexdigest()} if dist is None else dist
        self.packages.setdefault(own["name"], {})[own["version"]] = (content, announced)
        return content

    def answer(self, path: str) -> tuple[int, bytes]:
        if path in self.answers:
            return self.answers[path]
        _, name, *rest = path.split("/")
        if name not in self.packages:
            return 404, b"no such package"
        if rest:
            return 200, self.packages[name][rest[0]][0]
        versions = {
            version: {"dist": {"tarball": f"{self.url}/{name}/{version}"} | dist}
            for version, (_, dist) in self.packages[name].items()
        }
        return 200, json.dumps({"name": name, "versions": versions}).encode()


@pytest.fixture
def registry() -> Iterator[Registry]:
    made = Registry()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_a_package_comes_from_the_registry_with_what_it_depends_on(registry: Registry, folder: Path):
    registry.add(manifest("org.a", dependencies={"org.b": "1.0.x", "hl7.fhir.r4.core": "4.0.1"}), structure())
    registry.add(manifest("org.b", "1.0.3", dependencies={"org.a": "1.0.0", "org.c": "current"}))
    registry.add(manifest("org.c", "0.9.0"), value_set())
    registry.add(manifest("org.c", "1.0.0-ballot"))
    told: list[str] = []
    install_with_dependencies(
        "org.a@1.0.0", folder, RegistryClient(registry.url), lambda package: told.append(str(package.identity))
    )
    assert told == ["org.a@1.0.0", "org.b@1.0.3", "org.c@0.9.0"]
    assert [str(each) for each in available(folder).newest_first()] == told


def test_what_is_there_in_some_version_is_not_fetched_again(registry: Registry, folder: Path):
    registry.add(manifest("org.a", dependencies={"org.b": "1.0.0"}))
    registry.add(manifest("org.b", "1.0.0"))
    put(folder, manifest("org.b", "0.1.0"))
    install_with_dependencies("org.a", folder, RegistryClient(registry.url))
    assert [str(each) for each in available(folder).newest_first()] == ["org.a@1.0.0", "org.b@0.1.0"]


@pytest.mark.parametrize("algorithm", ["sha512", "sha256", "sha1"])
def test_what_comes_is_compared_with_the_checksum_announced(algorithm: str, registry: Registry, folder: Path):
    content = tgz(files(manifest("org.a")))
    digest = hashlib.new(algorithm, content).digest()
    right = {"integrity": f"{algorithm}-{b64encode(digest).decode()}"}
    wrong = {"integrity": f"{algorithm}-{b64encode(digest[::-1]).decode()}"}
    registry.packages["org.a"] = {"1.0.0": (content, right), "2.0.0": (content, wrong), "3.0.0": (content, {})}
    client = RegistryClient(registry.url)
    assert client.download("org.a", "1.0.0").content == content
    assert client.download("org.a", "3.0.0").content == content
    with pytest.raises(PackageError) as error:
        install_with_dependencies("org.a@2.0.0", folder, client)
    assert details(error) == ["package-checksum-wrong"]
    assert list(folder.iterdir()) == []


def test_a_package_that_is_another_than_asked_for_is_not_installed(registry: Registry, folder: Path):
    registry.packages["org.a"] = {"1.0.0": (tgz(files(manifest("org.evil"))), {})}
    with pytest.raises(PackageError) as error:
        install_with_dependencies("org.a", folder, RegistryClient(registry.url))
    assert details(error) == ["package-other-than-asked"]
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("wanted", "detail"),
    [
        ("org.absent", "package-registry-refused"),
        ("org.a@9.9.9", "package-version-absent"),
        ("org.a@9.x", "package-version-absent"),
        ("org.strange", "package-registry-answer-invalid"),
        ("org.list", "package-registry-answer-invalid"),
        ("../etc/passwd", "package-name-invalid"),
        ("org.a@1 0", "package-name-invalid"),
    ],
)
def test_what_the_registry_does_not_have_is_told(wanted: str, detail: str, registry: Registry, folder: Path):
    registry.add(manifest("org.a"))
    registry.answers = {"/org.strange": (200, b"<html>"), "/org.list": (200, b"[]")}
    with pytest.raises(PackageError) as error:
        install_with_dependencies(wanted, folder, RegistryClient(registry.url))
    assert details(error) == [detail]
    assert error.value.issues[0].text("fr") != error.value.issues[0].text("en")


def test_a_registry_that_does_not_answer_is_told(folder: Path):
    with pytest.raises(PackageError) as error:
        install_with_dependencies("org.a", folder, RegistryClient("http://127.0.0.1:9", timeout=1))
    assert details(error) == ["package-registry-unreachable"]


def test_everything_that_could_not_be_had_is_told_and_the_rest_is_installed(registry: Registry, folder: Path):
    registry.add(manifest("org.a", dependencies={"org.x": "1.0.0", "org.b": "1.0.0", "org.y": "2.0.0"}))
    registry.add(manifest("org.b"))
    with pytest.raises(PackageError) as error:
        install_with_dependencies("org.a", folder, RegistryClient(registry.url))
    assert details(error) == ["package-registry-refused", "package-absent"] * 2
    assert "org.a@1.0.0 depends on it" in error.value.issues[1].text()
    assert [each.name for each in available(folder).newest_first()] == ["org.a", "org.b"]


# --- the command


def run(*arguments: str, folder: Path) -> tuple[int, str, str]:
    others = dict.fromkeys(name for name in os.environ if name.startswith(PREFIX) and name != CACHE_VARIABLE)
    done = CliRunner().invoke(
        app, ["package", *arguments, "--package-folder", str(folder)], env={"LANG": "C", "LC_ALL": "C", **others}
    )
    return done.exit_code, done.stdout, done.stderr


def test_the_command_installs_lists_and_shows_packages(tmp_path: Path, registry: Registry, folder: Path):
    place = tmp_path / "a.tgz"
    place.write_bytes(tgz(files(manifest("org.a", dependencies={"org.b": "1.0.0", "org.c": "2.0.0"}), structure())))
    registry.add(manifest("org.b"))
    registry.add(manifest("org.c", "2.0.0"))
    assert run("install", str(place), "--registry", registry.url, folder=folder) == (
        0, "installed org.a@1.0.0\ninstalled org.b@1.0.0\ninstalled org.c@2.0.0\n", "",
    )  # fmt: skip
    assert run("list", folder=folder) == (0, "org.a@1.0.0\norg.b@1.0.0\norg.c@2.0.0\n", "")
    status, shown, _ = run("show", "org.a", folder=folder)
    assert status == 0
    assert "dependency: org.b@1.0.0\n" in shown
    assert "1 StructureDefinition" in shown


def test_the_command_fails_where_a_package_is_absent(registry: Registry, folder: Path):
    status, said, told = run("install", "org.gone", "--registry", registry.url, folder=folder)
    assert (status, said) == (1, "")
    assert "org.gone" in told
    assert run("show", "org.gone", folder=folder)[0] == 1
    assert run("install", folder=folder)[0] == 2

"""The package installs and starts anywhere: a wheel and a source archive with all their data.

Source: PEP 517, PEP 621; pyproject.toml.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DATA = ("profiles", "mappings", "terminology")
pytestmark = pytest.mark.conformance


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = ["-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(folder), str(ROOT)]
    subprocess.run([sys.executable, *build], check=True, capture_output=True, text=True)
    return next(folder.glob("*.whl"))


def data_files() -> set[str]:
    files = (path for name in DATA for path in (ROOT / name).rglob("*") if path.is_file())
    return {path.relative_to(ROOT).as_posix() for path in files}


def test_the_wheel_carries_the_code_the_data_and_the_notices(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {f"fhir_gateway/_data/{file}" for file in data_files()} <= names
    files = (path for path in (ROOT / "fhir_gateway").rglob("*") if path.is_file() and path.suffix != ".pyc")
    assert {path.relative_to(ROOT).as_posix() for path in files} <= names
    assert {name.split("/")[0] for name in names} == {"fhir_gateway", f"{wheel.name.split('-py3')[0]}.dist-info"}
    assert {"LICENSE", "NOTICE"} <= {name.rsplit("/", 1)[-1] for name in names}


def test_the_source_archive_is_complete(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    top = {"Makefile", "LICENSE", "NOTICE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "requirements.lock"}
    assert top <= names
    assert data_files() <= names
    assert {"tests/conftest.py", "requirements-dev.lock", "fhir_gateway/cli.py"} <= names
    assert [name for name in names if name.startswith((".venv", "build/"))] == []


@pytest.mark.skipif("FHIR_GATEWAY_SUITES" not in os.environ, reason="make conformance installs it")
def test_a_fresh_environment_installs_from_the_lock_and_the_command_teaches(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    bin = tmp_path / "venv" / "bin"
    pip: list[str | Path] = [bin / "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "-r", ROOT / "requirements.lock"], check=True, capture_output=True)
    subprocess.run([*pip, "--no-deps", wheel], check=True, capture_output=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    for arguments, taught in ((["--help"], "serve"), (["serve", "--help"], "--port"), (["demo", "--help"], "--load")):
        told = subprocess.run(
            [bin / "fhir-gateway", *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert taught in told.stdout
    found = subprocess.run(
        [bin / "python", "-c", "from fhir_gateway.demo.shown import SHOWN; print(SHOWN[0].number)"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout == "MR-DEMO-01\n"

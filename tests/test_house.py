"""The house is as its plan says: imports, sizes, READMEs, complaints, the lock.

Source: fhir_gateway/README.md; pyproject.toml, [tool.importlinter].
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
import string
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import fhir_gateway
from fhir_gateway.fhir.outcome import Complaint

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "fhir_gateway"
DATA = ("profiles", "mappings", "terminology")
LONGEST_FILE = 700
HOMELESS = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "core",
    "manager",
    "managers",
    "service",
    "services",
    "misc",
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def rooms() -> list[Path]:
    return sorted(path.parent for path in PACKAGE.glob("*/__init__.py"))


def sources() -> list[Path]:
    return sorted([*PACKAGE.rglob("*.py"), *(ROOT / "tests").rglob("*.py")])


def complaints() -> Iterator[tuple[str, Complaint]]:
    """Every complaint of the gateway, once, with the module that declares it."""
    seen: set[int] = set()
    for module in pkgutil.walk_packages(fhir_gateway.__path__, "fhir_gateway."):
        if module.name.endswith("__main__") or ".migrations." in module.name:
            continue
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, Complaint) and id(value) not in seen:
                seen.add(id(value))
                yield module.name, value


def fields(template: str) -> set[str]:
    """The values a text needs; one that itself is text in a language is named for it (`problem_fr`)."""
    named = (field for _, field, _, _ in string.Formatter().parse(template) if field)
    return {field.removesuffix("_fr").removesuffix("_en") for field in named}


def test_the_rooms_import_in_one_direction_and_through_their_doorkeepers() -> None:
    linted = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_every_room_is_named_in_the_contracts() -> None:
    names = {f"fhir_gateway.{room.name}" for room in rooms()}
    names |= {f"fhir_gateway.{module.stem}" for module in PACKAGE.glob("*.py") if not module.stem.startswith("__")}
    contracts = PROJECT["tool"]["importlinter"]["contracts"]
    layered = {name for layer in contracts[0]["layers"] for name in re.split(r"\s*[|:]\s*", layer)}
    assert names - layered - {"fhir_gateway.client"} == set()


def test_no_file_is_longer_than_700_lines() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_bytes().splitlines()) for path in sources()}
    assert {path: length for path, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_function_lives_in_a_module_without_a_concept() -> None:
    assert [path for path in sources() if path.stem in HOMELESS or path.parent.name in HOMELESS] == []


def test_every_module_begins_with_a_sentence() -> None:
    texts = {path: path.read_text(encoding="utf-8").strip() for path in sources()}
    assert [path for path, text in texts.items() if text and not text.startswith(('"""', 'r"""'))] == []


@pytest.mark.parametrize("room", [*rooms(), *(ROOT / name for name in DATA)], ids=lambda room: room.name)
def test_every_room_has_a_readme_that_fits_a_screen_and_names_files_that_exist(room: Path) -> None:
    text = (room / "README.md").read_text(encoding="utf-8")
    assert 3 <= len(text.splitlines()) <= 80
    names = set(re.findall(r"`([a-z_]+(?:/[a-z_]+)*\.py)`", text))
    there = [path.as_posix() for path in sources()]
    assert {name for name in names if not any(path.endswith(f"/{name}") for path in there)} == set()


def test_the_house_has_a_readme_that_names_every_room() -> None:
    text = (PACKAGE / "README.md").read_text(encoding="utf-8")
    assert [room.name for room in rooms() if f"`{room.name}/`" not in text] == []


def test_every_detail_code_is_kebab_case_and_means_one_complaint() -> None:
    by_detail: dict[str, list[str]] = {}
    for module, complaint in complaints():
        by_detail.setdefault(complaint.detail, []).append(module)
    assert len(by_detail) > 20
    assert [detail for detail in by_detail if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", detail)] == []
    assert {detail: modules for detail, modules in by_detail.items() if len(modules) > 1} == {}


def test_every_complaint_says_the_same_in_english_and_in_french() -> None:
    for module, complaint in complaints():
        where = f"{module}: {complaint.detail}"
        assert complaint.en.strip(), where
        assert complaint.fr.strip(), where
        assert complaint.en != complaint.fr, where
        assert fields(complaint.en) == fields(complaint.fr), where


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_the_lock_holds_versions_and_hashes_and_no_address(name: str) -> None:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    pinned = [line for line in lines if line and not line.startswith((" ", "#"))]
    assert [line for line in lines if "://" in line or "--index" in line or "@" in line] == []
    assert [line for line in pinned if not re.match(r"[a-z0-9][a-z0-9._-]*==[^ ]+( ; .+)? \\$", line)] == []
    assert all(re.match(r"    --hash=sha256:[0-9a-f]{64}( \\)?$", line) for line in lines if line.startswith(" "))


def test_the_lock_holds_every_dependency_and_the_second_contains_the_first() -> None:
    runtime, development = (locked(name) for name in ("requirements.lock", "requirements-dev.lock"))
    assert runtime.items() <= development.items()
    project = PROJECT["project"]
    assert {distribution(name) for name in project["dependencies"]} - runtime.keys() == set()
    extras = {name for extra in project["optional-dependencies"].values() for name in extra}
    assert {distribution(name) for name in extras} - development.keys() - {"fhir-gateway"} == set()


@pytest.mark.xdist_group("house")
def test_a_group_of_tests_stays_on_one_worker(request: pytest.FixtureRequest) -> None:
    """pytest-xdist marks a group at the end of each test's id, which pytest 9.2 lost without a word."""
    in_groups = os.environ.get("PYTEST_XDIST_WORKER") is not None and request.config.getoption("loadgroup")
    assert request.node.nodeid.endswith("@house") == in_groups


def locked(name: str) -> dict[str, str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ]+)", text, re.MULTILINE))


def distribution(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found
    return re.sub(r"[._-]+", "-", found[0]).lower()

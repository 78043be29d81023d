"""`fhir-gateway demo` as people call it: the story, what `make run` opens on, what it prints to try, many dossiers.

Source: README.md, "Five minutes"; fhir_gateway/demo/README.md.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fhir_gateway.demo.driver import ADMINISTRATOR
from fhir_gateway.demo.shown import SHOWN
from fhir_gateway.demo_dossiers import five_minutes
from fhir_gateway.demo_dossiers.examples import text
from fhir_gateway.dossier import codes
from tests import forked
from tests.conftest import Engine
from tests.issued import Issued

LAST = {"en": "Every step did what it says.", "fr": "Chaque étape a fait ce qu'elle annonce."}


@pytest.fixture
def gateway(pathway_gateway: Issued) -> Issued:
    return pathway_gateway


@pytest.fixture
def folder(gateway: Issued) -> Path:
    """A folder with the tokens of everybody who acts."""
    tokens = gateway.folder / "tokens"
    if not tokens.exists():
        tokens.mkdir()
        gateway.keep(tokens)
    return gateway.folder


@pytest.fixture
def language(pathway_engine: Engine) -> str:
    """One language on each engine."""
    return {"sqlite": "en", "postgresql": "fr"}[pathway_engine]


def run(gateway: Issued, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return demo("--url", gateway.served.base, "--tokens", "tokens", *arguments, folder=folder)


def demo(*arguments: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return forked.run("demo", *arguments, cwd=folder, env=forked.unset() | variables, timeout=300)


def test_the_story_tells_the_pathway_and_says_that_it_is_true(gateway: Issued, folder: Path, language: str) -> None:
    told = run(gateway, folder, "--language", language)
    assert told.returncode == 0, told.stdout + told.stderr
    assert LAST[language] in told.stdout
    for shown in ("$submit → 200", "→ 422", "rejected → completed", "completed, completed, completed, failed", "412"):
        assert shown in told.stdout


def test_the_demo_opens_on_a_dossier_in_each_state_and_prints_commands_that_work(
    gateway: Issued, folder: Path, language: str
) -> None:
    first, again = (run(gateway, folder, "--load", "--language", language) for _ in range(2))
    assert (first.returncode, again.returncode) == (0, 0), first.stderr + again.stderr
    assert first.stdout == again.stdout
    administrator = gateway.of(ADMINISTRATOR)
    probands = {"category": f"{codes.ROLE}|proband", "requisition": [",".join(each.number for each in SHOWN)]}
    states = [each["status"] for each in administrator.search("ServiceRequest", probands)]
    assert len(states) == len(SHOWN)
    assert set(states) == {"draft", "active", "on-hold", "revoked", "completed"}
    # What it prints to try works as it is printed.
    told = first.stdout
    commands = re.findall(r"^    (curl .+)$", told, re.MULTILINE)
    answers = [curl(command, folder) for command in commands]
    kinds = [answer["resourceType"] for answer in answers]
    assert kinds == ["Bundle", "Parameters", "Parameters", "Bundle", "Bundle", "Parameters"]
    assert all(answer.get("entry") or answer.get("parameter") for answer in answers), told
    assert f"demo --url {gateway.served.base} --tokens tokens" in told


def curl(command: str, folder: Path, **variables: str) -> dict[str, Any]:
    ran = subprocess.run(
        ["bash", "-c", f"{command} --fail-with-body"], cwd=folder, env=os.environ | variables, capture_output=True,
        encoding="utf-8", timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, command + ran.stdout + ran.stderr
    answer: dict[str, Any] = json.loads(ran.stdout)
    return answer


def test_many_dossiers_are_played_and_counted(gateway: Issued, folder: Path, language: str) -> None:
    told = run(gateway, folder, "--dossiers", "2", "--seed", "77", "--connections", "2", "--language", language)
    assert told.returncode == 0, told.stdout + told.stderr
    assert {"en": "2 of 2 dossiers", "fr": "2 dossiers sur 2"}[language] in told.stdout
    # The people and numbers of a seed are there once: played again they are refused, and each is told.
    again = run(gateway, folder, "--dossiers", "2", "--seed", "77", "--language", language)
    assert again.returncode == 1
    assert again.stderr.count("✗") == 2


def test_without_an_answer_or_a_token_it_says_what_is_missing(folder: Path, gateway: Issued) -> None:
    nowhere = demo("--url", f"{gateway.served.root}/nowhere", "--tokens", "tokens", folder=folder)
    assert nowhere.returncode == 1
    assert "✗" in nowhere.stderr
    untold = demo("--url", gateway.served.base, folder=folder)
    assert untold.returncode == 1
    assert "--tokens" in untold.stderr


def test_tokens_are_made_with_the_key_of_the_gateway_where_its_settings_are_known(
    gateway: Issued, folder: Path
) -> None:
    settings = {
        "FHIR_GATEWAY_BUILTIN_ISSUER": "true",
        "FHIR_GATEWAY_PORT": str(gateway.served.port),
        "FHIR_GATEWAY_ISSUER_KEY": str(folder / "issuer-key.pem"),
    }
    told = demo("--url", gateway.served.base, "--dossiers", "1", "--seed", "78", folder=folder, **settings)
    assert told.returncode == 0, told.stdout + told.stderr
    loaded = demo("--url", gateway.served.base, "--load", folder=folder, **settings)
    # What it prints needs no folder then; `program` is told here as it is called: __main__.py, of `python -m`.
    command = re.findall(r"^    (curl .+)$", loaded.stdout, re.MULTILINE)[0]
    called = command.replace("__main__.py", f"{sys.executable} -m fhir_gateway")
    assert curl(called, folder, **settings)["resourceType"] == "Bundle"


def test_the_files_of_the_readme_are_what_the_module_makes() -> None:
    made = {name: text(resource) for name, resource in five_minutes.files()}
    there = {path.name: path.read_text(encoding="utf-8") for path in five_minutes.folder().glob("*.json")}
    assert made == there, "run `python -m fhir_gateway.demo_dossiers.examples`"

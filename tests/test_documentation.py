"""What the documentation says is true: its commands run, its links lead somewhere, its make targets exist.

A block of README.md after the line `<!-- run: prints TEXT -->` is run against a gateway with the demo loaded, in the
order of the page, and must succeed and print TEXT.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from fhir_gateway.settings import FILE_VARIABLE, PREFIX, Settings
from tests.postgres import free_port
from tests.served import Served, serve

ROOT = Path(__file__).resolve().parents[1]
IGNORED = {".pytest_cache", ".venv", "build", "node_modules", "dist", ".git"}
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(
    r"^<!-- run: prints (?P<prints>.+?) -->\n```(?P<language>\w+)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)
DOCUMENTED_ADDRESS = "http://127.0.0.1:8080"


def pages() -> list[Path]:
    pages = [path for path in ROOT.rglob("*.md") if not IGNORED & set(path.relative_to(ROOT).parts)]
    return sorted(pages)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Path]]:
    """A gateway as `make run` starts it, in whose folder the commands are run."""
    folder = tmp_path_factory.mktemp("readme")
    port = free_port()
    (folder / "build" / "run").mkdir(parents=True)
    file = folder / "build" / "run" / "fhir-gateway.toml"
    keys = folder / "build" / "run" / "pseudonym-keys"
    keys.write_text(f"demo {b64encode(os.urandom(32)).decode()}\n")
    settings_of_make_run = (
        f'builtin_issuer = true\nport = {port}\ndata_folder = "build/run"\npseudonym_keys = "{keys}"\n'
    )
    file.write_text(settings_of_make_run)
    (folder / "profiles").symlink_to(ROOT / "profiles")
    run_in(folder, ["fhir-gateway", "token", "--demo"], **{FILE_VARIABLE: str(file)})
    settings = {FILE_VARIABLE: str(file), "FHIR_GATEWAY_DATA_FOLDER": str(folder / "build" / "run")}
    with serve(f"sqlite:///{folder}/gateway.sqlite", port=port, environment=settings) as served:
        run_in(folder, ["fhir-gateway", "demo", "--load", "--url", served.base, "--tokens", "build/run/tokens"])
        yield served, folder


def run_in(folder: Path, command: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a reader does who has said `. .venv/bin/activate`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment["PYTHONUTF8"] = "1"
    run = subprocess.run(
        command,
        cwd=folder,
        env=environment | variables,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, f"{command[-1]}\n{run.stdout}\n{run.stderr}"
    return run


def test_the_commands_of_the_readme_do_what_it_says(gateway: tuple[Served, Path]) -> None:
    served, folder = gateway
    blocks = list(BLOCK.finditer(README))
    assert [block["language"] for block in blocks].count("sh") >= 3
    assert [block["language"] for block in blocks].count("python") >= 2
    for block in blocks:
        code = block["code"].replace(DOCUMENTED_ADDRESS, served.root)
        command = ["bash", "-euo", "pipefail", "-c"] if block["language"] == "sh" else [sys.executable, "-c"]
        run = run_in(folder, [*command, code])
        assert block["prints"] in run.stdout, f"{code}\n{run.stdout}"


def test_the_readme_marks_no_block_that_is_not_run() -> None:
    assert README.count("<!-- run") == len(BLOCK.findall(README))


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    targets = re.findall(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    local = [target for target in targets if not re.match(r"[a-z]+:", target)]
    assert [target for target in local if not (page.parent / target).exists()] == []


def test_every_make_target_named_in_the_documentation_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = {name for page in pages() for name in re.findall(r"`make ([a-z-]+)", page.read_text(encoding="utf-8"))}
    assert {"run", "test"} <= named <= targets


def test_the_readme_names_no_setting_that_does_not_exist() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields} | {FILE_VARIABLE}
    assert set(re.findall(rf"{PREFIX}[A-Z_]+", README)) <= known

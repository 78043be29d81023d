"""`fhir-gateway terminology`: code systems loaded, listed and removed, beside a running gateway where that can be.

Source: README.md, "Terminology".
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
import requests

from tests import forked
from tests.postgres import Database
from tests.served import serve
from tests.terminology.releases.made_up_rf2 import write

CIM10 = "A990|0|ONNO|0|Fièvre d'essai|Fièvre d'essai, sans précision\nA99|3|ONNO|3|Fièvres d'essai|Fièvres d'essai\n"
URL = "https://smt.esante.gouv.fr/terminologie-cim-10"


def run(database: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return forked.command("terminology", *arguments, "--database", database)


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/gateway.sqlite"


@pytest.fixture
def release(tmp_path: Path) -> str:
    path = tmp_path / "LIBCIM10MULTI.TXT"
    path.write_text(CIM10, encoding="utf-8")
    return str(path)


def test_a_release_is_loaded_listed_and_removed(database: str, release: str) -> None:
    told = run(database, "load", "cim10", release, "--version", "2031")
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith(f"{URL}|2031: 2 concepts, 3 names, ")
    assert run(database, "list").stdout.startswith(f"{URL}|2031: 2 concepts, 3 names, ")
    assert run(database, "remove", f"{URL}|2031").stdout == f"- {URL}|2031: 2 concepts, 3 names\n"
    assert run(database, "list").stdout == ""


def test_another_url_may_be_given(database: str, release: str) -> None:
    run(database, "load", "cim10", release, "--version", "2031", "--system", "https://example.org/cim10")
    assert run(database, "list").stdout.startswith("https://example.org/cim10|2031")


def test_a_bad_release_is_refused_with_file_line_and_reason_and_leaves_nothing(database: str, release: str) -> None:
    Path(release).write_text(CIM10 + CIM10.splitlines(keepends=True)[0], encoding="utf-8")
    told = run(database, "load", "cim10", release, "--version", "2031")
    assert told.returncode == 1
    assert told.stderr == "LIBCIM10MULTI.TXT, line 3: the code A99.0 is there already, at line 1.\n"
    assert run(database, "list").stdout == ""


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("load",), "load: what?"),
        (("load", "icd11", "x.csv"), "'icd11' is no release that can be loaded; these are: hpo, hgnc,"),
        (("load", "loinc", "nowhere.csv"), "nowhere.csv cannot be read: No such file or directory."),
        (("load", "loinc"), "Among the files given there is none of loinc"),
        (("remove", "https://example.org/x"), "https://example.org/x is not loaded. Loaded are: -."),
    ],
)
def test_what_cannot_be_done_is_said(database: str, arguments: tuple[str, ...], reason: str) -> None:
    told = run(database, *arguments)
    assert told.returncode in (1, 2)
    assert told.stderr.startswith(reason)


def test_a_load_that_was_killed_leaves_nothing_seen_and_can_be_begun_again(database: str, tmp_path: Path) -> None:
    folder = tmp_path / "rf2"
    folder.mkdir()
    write(folder, 20_000, 60_000)
    line = ("terminology", "load", "snomed", str(folder), "--database", database)
    log = tmp_path / "gateway.sqlite-wal"
    with (tmp_path / "told").open("wb") as told:
        killed = forked.start(*line, env=forked.unset(), output=told)
    while killed.poll() is None and not (log.exists() and log.stat().st_size > 1_000_000):
        time.sleep(0.01)
    assert killed.poll() is None
    killed.kill()
    killed.wait()
    assert run(database, "list").stdout == ""
    assert run(database, "load", "snomed", str(folder)).returncode == 0
    assert ": 20000 concepts, 60000 names" in run(database, "list").stdout
    assert len(run(database, "list").stdout.splitlines()) == 1


def test_a_file_that_a_gateway_holds_is_left_alone(database: str, release: str) -> None:
    with serve(database):
        told = run(database, "load", "cim10", release, "--version", "2031")
    assert told.returncode == 1
    assert "stop it first" in told.stderr


def test_a_gateway_that_runs_sees_what_is_loaded_beside_it(postgres: Database, release: str) -> None:
    database = postgres.create()
    try:
        with serve(database) as served:
            asked = f"{served.base}/CodeSystem/$lookup?system={URL}&code=A99.0"
            assert requests.get(asked, timeout=10).status_code == 404
            assert run(database, "load", "cim10", release, "--version", "2031").returncode == 0
            deadline = time.monotonic() + 10
            while (answer := requests.get(asked, timeout=10)).status_code != 200:
                assert time.monotonic() < deadline, answer.text
                time.sleep(0.1)
            assert "Fièvre d'essai, sans précision" in answer.text
    finally:
        postgres.drop(database)

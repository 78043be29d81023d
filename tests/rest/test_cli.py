"""The command line, as a process of its own.

Source: README.md, "Settings", "Security".
"""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from fhir_gateway.policy.actor import ROLES
from fhir_gateway.rest.version import VERSION
from fhir_gateway.settings import PREFIX, Settings
from tests.forked import command, unset
from tests.postgres import Database, free_port
from tests.served import serve

PATIENT = {"resourceType": "Patient", "active": True}


def anew(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command as its users do."""
    line = [sys.executable, "-m", "fhir_gateway", *arguments]
    env = unset() | environment
    return subprocess.run(line, env=env, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_an_address_others_can_reach_is_refused_with_the_reason(host: str):
    run = command("serve", "--host", host)
    assert run.returncode == 1
    assert "insecure" in run.stderr
    assert "whoever reaches it may read and write everything" in run.stderr


def test_several_workers_on_sqlite_are_refused_with_the_reason():
    run = command("serve", "--workers", "2")
    assert run.returncode == 1
    assert "PostgreSQL" in run.stderr


def test_the_password_of_a_database_is_not_repeated():
    run = command("serve", "--database", "mysql://gateway:secret@localhost/x", "--port", "99999")
    assert run.returncode == 1
    assert "database" in run.stderr
    assert "port" in run.stderr
    assert "secret" not in run.stderr + run.stdout


def test_a_port_that_is_taken_is_told(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        run = command("serve", "--port", port, "--database", f"sqlite:///{tmp_path}/a.sqlite")
    assert run.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in run.stderr


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_database_that_does_not_answer_is_told_and_nothing_is_served(workers: str):
    nowhere = "postgresql://nobody@127.0.0.1:1/nothing"
    run = anew("serve", "--port", "0", "--workers", workers, "--database", nowhere)
    assert run.returncode != 0
    assert "cannot open" in run.stderr
    assert "answers at" not in run.stdout


def test_a_variable_that_is_no_setting_is_told(tmp_path: Path):
    run = anew("serve", "--host", "0.0.0.0", FHIR_GATEWAY_PROT="9")
    assert "FHIR_GATEWAY_PROT is no setting" in run.stderr


def test_the_version_is_the_installed_one():
    assert anew("version").stdout.strip() == VERSION


def test_the_help_teaches_by_example_and_lists_the_commands():
    text = anew("--help").stdout
    for told in ("fhir-gateway serve --port 9000", "curl http://127.0.0.1:8080/fhir/metadata", "serve", "demo"):
        assert told in text


def test_the_help_of_serve_lists_every_setting():
    text = command("serve", "--help", COLUMNS="200").stdout
    for name in Settings.model_fields:
        assert f"--{name.replace('_', '-')}" in text
        assert PREFIX + name.upper() in text


def test_the_help_waits_for_no_heavy_library():
    code = "import sys\nfrom typer.testing import CliRunner\nfrom fhir_gateway.cli import app\n"
    code += "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
    code += "print(sorted({'fastapi', 'pydantic', 'uvicorn', 'requests', 'lxml', 'sqlalchemy'} & sys.modules.keys()))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stdout.strip() == "[]", run.stderr


def test_an_unknown_command_is_told():
    run = anew("srve")
    assert run.returncode == 2
    assert "srve" in run.stderr


def test_it_says_what_to_open_and_what_to_try_and_ends_with_zero(tmp_path: Path):
    database = f"sqlite:///{tmp_path}/a.sqlite"
    with serve(database, environment={"LANG": "C"}, fork=False) as served:
        created = requests.post(f"{served.base}/Patient", json=PATIENT, timeout=10)
        assert created.headers["Location"].startswith(f"{served.base}/Patient/")
        assert requests.get(created.headers["Location"], timeout=10).json() == created.json()
        assert served.stop() == 0
        told = served.log.read_text()
    assert f"{served.root}/docs" in told
    assert f"curl '{served.base}/metadata?_pretty=true'" in told
    assert '"message":"closed"' in told
    assert "Traceback" not in told


def test_a_second_process_on_the_same_file_is_told(tmp_path: Path):
    database = f"sqlite:///{tmp_path}/a.sqlite"
    with serve(database) as served:
        run = command("serve", "--port", "0", "--database", database)
        assert run.returncode != 0
        assert "FileHeld" in run.stderr
        assert requests.get(f"{served.root}/health/ready", timeout=10).status_code == 200


def test_workers_on_postgresql_share_the_work_and_their_counts(postgres: Database):
    with serve(postgres.create(), "--workers", "2", fork=False) as served:
        for _ in range(40):
            # A connection each, so that both workers get some.
            assert requests.get(f"{served.base}/metadata", timeout=30).status_code == 200
        pages = {requests.get(f"{served.root}/metrics", timeout=30).text for _ in range(4)}
        assert served.stop() == 0
    for page in pages:
        assert re.findall(r'requests_total\{interaction="capabilities",status="2xx"\} (\S+)', page) == ["40.0"]


def test_the_time_from_import_to_open_is_told_and_small(tmp_path: Path):
    database = f"sqlite:///{tmp_path}/a.sqlite"
    with serve(database, fork=False):
        pass
    with serve(database, fork=False) as served:
        time.sleep(0.1)
        told = served.log.read_text()
    (seconds,) = re.findall(r'"message":"open","seconds":([\d.]+)', told)
    assert float(seconds) < 5


TRY = {"FHIR_GATEWAY_BUILTIN_ISSUER": "true"}


@pytest.mark.parametrize("language", ["C", "fr_FR.UTF-8"])
def test_off_loopback_without_an_issuer_the_reason_is_told_in_the_language_of_the_terminal(language: str):
    run = command("serve", "--host", "0.0.0.0", LC_ALL=language)
    assert run.returncode == 1
    told = (
        "aucun émetteur de jetons n'est configuré" if language.startswith("fr") else "no issuer of tokens is configured"
    )
    assert told in run.stderr


def test_a_token_by_hand_opens_the_gateway_that_shares_its_settings(tmp_path: Path):
    port = str(free_port())
    settings = TRY | {"FHIR_GATEWAY_DATA_FOLDER": str(tmp_path), "FHIR_GATEWAY_PORT": port}
    made = anew("token", "--role", "administrateur", "--life", "2m", **settings)
    assert made.returncode == 0, made.stderr
    with serve(f"sqlite:///{tmp_path}/a.sqlite", port=int(port), environment=settings) as served:
        header = {"Authorization": f"Bearer {made.stdout.strip()}"}
        assert requests.get(f"{served.base}/Patient", headers=header, timeout=10).status_code == 200
        assert requests.get(f"{served.base}/Patient", timeout=10).status_code == 401
        elsewhere = command("token", "--role", "administrateur", **(settings | {"FHIR_GATEWAY_PORT": "9"}))
        header = {"Authorization": f"Bearer {elsewhere.stdout.strip()}"}
        answer = requests.get(f"{served.base}/Patient", headers=header, timeout=10)
        assert answer.status_code == 401
        assert "not one that this gateway trusts" in answer.text
        file = tmp_path / "token"
        file.write_text(made.stdout)
        run = command("reindex", "--url", served.base, "--type", "Patient", "--token-file", str(file))
        assert run.returncode == 0, run.stdout + run.stderr
        assert command("reindex", "--url", served.base, "--type", "Patient").returncode == 1


def test_a_token_without_the_built_in_issuer_is_told_what_to_set():
    run = command("token", "--role", "prescripteur")
    assert run.returncode == 1
    assert "FHIR_GATEWAY_BUILTIN_ISSUER=true" in run.stderr
    assert "l'émetteur intégré est éteint" in command("token", "--role", "prescripteur", LC_ALL="fr_FR.UTF-8").stderr


def test_all_that_is_wrong_with_a_wish_for_a_token_is_told_at_once(tmp_path: Path):
    settings = TRY | {"FHIR_GATEWAY_DATA_FOLDER": str(tmp_path)}
    run = command(
        "token", "--role", "roi", "--rpps", "12", "--scope", "patient/*.rs", "--organisation", "|x", **settings
    )
    assert run.returncode == 2
    for told in (
        "--role roi: there is prescripteur",
        "--rpps 12: eleven digits",
        "--scope patient/*.rs is not",
        "--organisation |x",
    ):
        assert told in run.stderr
    for life in ("1y", "0s", "31d", "-1h", ""):
        assert command("token", "--role", "auditeur", "--life", life or "h", **settings).returncode == 2
    assert not run.stdout


def test_the_help_of_token_names_every_role_and_teaches_by_example():
    text = command("token", "--help", COLUMNS="200").stdout
    for role in ROLES:
        assert role in text
    assert "fhir-gateway token --role plateforme --organisation 690043534" in text


def test_a_key_that_is_none_keeps_the_gateway_from_starting(tmp_path: Path):
    (tmp_path / "issuer-key.pem").write_text("garbage")
    settings = TRY | {"FHIR_GATEWAY_DATA_FOLDER": str(tmp_path), "FHIR_GATEWAY_PORT": str(free_port())}
    for arguments in (("serve",), ("token", "--role", "auditeur")):
        run = command(*arguments, **settings)
        assert run.returncode != 0
        assert "issuer-key.pem holds no private key" in run.stderr


def test_the_policy_is_printed_in_the_language_of_the_terminal(tmp_path: Path):
    for language in ("C", "fr_FR.UTF-8"):
        run = command("policy", LC_ALL=language)
        assert run.returncode == 0, run.stderr
        assert all(role in run.stdout for role in ROLES)
    (tmp_path / "policy.yaml").write_text("rôles: [")
    run = command("policy", FHIR_GATEWAY_POLICY_FILE=str(tmp_path / "policy.yaml"))
    assert run.returncode == 1
    assert "policy.yaml" in run.stderr

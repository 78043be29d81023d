"""`fhir-gateway reindex` against a running gateway.

Source: fhir_gateway/client/reindex.py.
"""

from __future__ import annotations

from pathlib import Path

from tests.forked import command
from tests.postgres import free_port
from tests.rest.test_cli import PATIENT
from tests.served import serve


def test_a_reindex_is_begun_and_followed_to_its_end(tmp_path: Path) -> None:
    with serve(f"sqlite:///{tmp_path}/a.sqlite") as served:
        served.gateway().create(PATIENT)
        run = command("reindex", "--url", served.base, "--type", "Patient", "--seconds", "0.05")
        followed = command("reindex", "--url", served.base, "--follow")
        wrong = command("reindex", "--url", served.base, "--type", "Malade")
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1] == "job 1: done, 1 of 1 resources, 0 changed"
    assert (followed.returncode, followed.stdout) == (0, "nothing is being indexed\n")
    assert wrong.returncode == 1
    assert "Malade" in wrong.stderr


def test_a_gateway_that_does_not_answer_is_told() -> None:
    run = command("reindex", "--url", f"http://127.0.0.1:{free_port()}/fhir")
    assert run.returncode == 1
    assert "got no answer" in run.stderr

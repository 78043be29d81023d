"""The file of collectors: where a laboratory's deposits go, everything that is wrong with it told at once.

Source: `fhir_gateway/policy/collectors.py`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from fhir_gateway.policy.collectors import COLLECTORS, BadCollectors, DepositAddress, collectors_of


def read(folder: Path, text: str) -> tuple[DepositAddress, ...]:
    path = folder / "collectors.toml"
    path.write_text(text, encoding="utf-8")
    return collectors_of(path)


def example() -> str:
    return COLLECTORS.partition("```toml\n")[2].partition("```")[0]


def test_the_example_of_the_documentation_is_read(tmp_path: Path) -> None:
    (found,) = read(tmp_path, example())
    assert (found.name, found.host, found.port) == ("seqoia", "depot.cad.example.org", 990)
    assert (found.actor.role, found.actor.organisation) == ("plateforme", "https://finess.esante.gouv.fr|750059800")
    assert found.laboratory == ("Laboratoire", "990000200")
    assert (found.numbers, found.processing, found.claim_seconds) == ((), "P", 600.0)


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    wrong = 'port = 0\norganisation = "x"\nnumbers = "x"\nprocessing = "X"\nclaim_seconds = -1\nbase = 1\nhots = "x"\n'
    with pytest.raises(BadCollectors) as refused:
        read(tmp_path, f"[cad]\n{wrong}laboratory = 'Laboratoire'\n")
    told = str(refused.value).splitlines()
    parts = ("host", "user", "password_file", "certificate", "key", "authority", "laboratory", "facility", "legal",
             "application", "collector", "organisation", "port", "numbers", "processing", "claim_seconds", "base",
             "hots")  # fmt: skip
    for part in parts:
        assert any(f"[cad] {part}" in line or f"needs {part}" in line or f"has {part}" in line for line in told), part
    assert len(told) == len(parts)


@pytest.mark.parametrize("text", ["cad = 1", "[cad", "\x00"])
def test_what_is_no_file_of_collectors_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadCollectors):
        read(tmp_path, text)
    with pytest.raises(BadCollectors):
        collectors_of(tmp_path / "absent.toml")

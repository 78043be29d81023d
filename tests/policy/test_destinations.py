"""Destinations in the file of partners: what they may say, and everything that is wrong with one, at once.

Source: `fhir_gateway/policy/destinations.py`; IHE ITI TF-2x, C.2.2.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from fhir_gateway.policy.destinations import Destinations
from fhir_gateway.policy.partners import BadPartners, Partners, partners_of

FINESS = "https://finess.esante.gouv.fr|990000001"
PARTNER = f'[chu]\norganisation = "{FINESS}"\n'


def read(tmp_path: Path, destination: str) -> Partners:
    file = tmp_path / "partners.toml"
    file.write_text(f"{PARTNER}[chu.destination]\n{destination}")
    return partners_of(file)


def test_a_partner_that_only_receives_says_where_it_listens(tmp_path: Path) -> None:
    partners = read(tmp_path, 'host = "127.0.0.1"\nport = 2575\ntls = false\nkinds = ["ORU", "MDM"]\n')
    [found] = partners.destinations.of([FINESS, FINESS])
    assert (found.name, found.organisation, found.port, found.kinds) == ("chu", FINESS, 2575, ("ORU", "MDM"))
    assert partners.destinations.of(["https://finess.esante.gouv.fr|990000002"]) == []
    assert partners.of("", "") is None  # it sends nothing


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    wrong = 'port = 0\nkinds = ["ADT"]\nreceiving = "DPI"\nrejected = "stop"\nanswer_seconds = -1\nhots = "x"\n'
    with pytest.raises(BadPartners) as refused:
        read(tmp_path, wrong)
    told = str(refused.value).splitlines()
    for part in ("host", "port", "kinds", "receiving", "rejected", "answer_seconds", "hots"):
        assert any(part in line for line in told), part


def test_plain_tcp_to_another_machine_has_to_be_said(tmp_path: Path) -> None:
    with pytest.raises(BadPartners, match="plain = true"):
        read(tmp_path, 'host = "dpi.example.org"\nport = 2575\ntls = false\n')
    [found] = read(tmp_path, 'host = "dpi.example.org"\nport = 2575\nplain = true\n').destinations.of([FINESS])
    assert not found.tls


def test_tls_is_spoken_unless_it_is_said_otherwise(tmp_path: Path) -> None:
    [found] = read(tmp_path, 'host = "dpi.example.org"\nport = 2575\n').destinations.of([FINESS])
    assert found.tls


def test_without_destinations_there_is_nowhere_to_go() -> None:
    assert not Destinations()


def test_a_destination_names_its_site_or_has_that_of_its_partner(tmp_path: Path) -> None:
    where = 'host = "127.0.0.1"\nport = 2575\n'
    file = tmp_path / "partners.toml"
    own = 'sites = ["a"]\n'
    for partner, named, sites in (("", "", ()), (own, "", ("a",)), (own, 'site = "b"\n', ("b",))):
        file.write_text(f"{PARTNER}{partner}[chu.destination]\n{where}{named}")
        [found] = partners_of(file).destinations.of([FINESS])
        assert found.sites == sites
    with pytest.raises(BadPartners, match="site is no text"):
        read(tmp_path, f"{where}site = 7\n")

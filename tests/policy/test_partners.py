"""Partners: who may send messages, by a file.

Source: fhir_gateway/policy/partners.py; IHE ITI TF-2x, C.2.2.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from fhir_gateway.policy.partners import BadPartners, partners_of

GOOD = """
[gam]
sending = ["GAM|CHU", "DPI|"]
organisation = "https://finess.esante.gouv.fr|990000001"
mode = "test"
[gam.namespaces]
CHU = "urn:oid:1.2.3"

[secure]
sending = ["*|CHU"]
organisation = "https://finess.esante.gouv.fr|990000002"
certificates = ["gam.example.org"]
receiving = ["GW|PFMG"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "partners.toml"


def test_a_partner_is_known_by_what_its_messages_say(file: Path) -> None:
    file.write_text(GOOD)
    partners = partners_of(file)
    found = partners.of("GAM", "CHU")
    assert found is not None
    assert (found.name, found.mode, found.namespaces) == ("gam", "test", {"CHU": "urn:oid:1.2.3"})
    assert (found.actor.role, found.actor.kind, found.actor.subject) == ("flux-hospitalier", "hl7v2", "gam")
    assert found.actor.organisation == "https://finess.esante.gouv.fr|990000001"
    assert partners.of("DPI", "ANYWHERE") is found
    assert partners.of("GAM", "OTHER") is None


def test_a_partner_with_certificates_is_nobody_without_one(file: Path) -> None:
    file.write_text(GOOD)
    partners = partners_of(file)
    assert partners.of("LABO", "CHU") is None
    assert partners.of("LABO", "CHU", frozenset({"other.example.org"})) is None
    found = partners.of("LABO", "CHU", frozenset({"gam.example.org"}))
    assert found is not None
    assert found.name == "secure"
    assert found.is_addressed("GW", "PFMG")
    assert not found.is_addressed("GW", "X")


def test_a_file_that_is_wrong_is_refused_with_all_that_is_wrong(file: Path) -> None:
    file.write_text("""
a = 1
[b]
sending = ["nobody"]
organisation = "990000001"
mode = "both"
colour = "red"
[c]
role = "king"
namespaces = {X = "y"}
""")
    with pytest.raises(BadPartners) as refusal:
        partners_of(file)
    told = str(refusal.value).replace(f"{file}: ", "")
    assert told.splitlines() == [
        "[a] is no table",
        "[b] has colour, which means nothing",
        "[b] mode is none of production, test",
        "[b] sending: nobody is no MSH-3|MSH-4 or MSH-5|MSH-6",
        "[b] needs organisation: the identifier of the structure it acts for, system|value",
        '[c] needs sending: what MSH-3 and MSH-4 of its messages say, as ["GAM|HOPITAL"]',
        told.splitlines()[6],
        "[c] needs organisation: the identifier of the structure it acts for, system|value",
        "[c] namespaces is no table of systems (uris) by CX.4.1",
    ]
    assert told.splitlines()[6].startswith("[c] role is none of ")


def test_a_file_that_is_not_there_is_told(file: Path) -> None:
    with pytest.raises(BadPartners):
        partners_of(file)

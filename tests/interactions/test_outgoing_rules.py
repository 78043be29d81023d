"""By whose rules a report is written when its turn comes: those of the destination's site, as they are in force then.

Source: mappings/README.md; `fhir_gateway/interactions/outgoing_gathering.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from fhir_gateway.exchange.hl7v2.current import Current
from fhir_gateway.exchange.hl7v2.er7 import read
from fhir_gateway.interactions.outgoing_gathering import writer
from tests.interactions.desk import Desk
from tests.interactions.dossier_people import Pathway
from tests.interactions.test_outgoing import entries, going_to, hospital, report

IPP = "urn:oid:1.2.250.1.999.1"
PDF = {"contentType": "application/pdf", "data": "JVBERi0xLjQKJcOkw7zDtsOfCg=="}


def rules(folder: Path, site: str, visit: str) -> None:
    path = folder / "sites" / site / "out" / "segments" / "PV1.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"drop: [no-visit]\nrules:\n  - {{id: class, value: {visit}, to: PV1-2}}\n", encoding="utf-8")


def reported(desk: Desk, sites: Sequence[str] = (), receiving: tuple[str, str] = ("", "")) -> Desk:
    """Return a desk whose gateway has a report to send to a destination."""
    first = Pathway(desk)
    first.submit()
    patient = first.desk.get(first.request()["subject"]["reference"])
    known = {"identifier": [{"system": IPP, "value": "1"}], "name": [{"family": "ESSAI", "given": ["ZOE"]}]}
    first.desk.put({**patient, **known})
    going = going_to(desk, hospital(systems=frozenset({IPP}), sites=tuple(sites), receiving=receiving))
    first.desk = going
    going.post(report(first, presentedForm=[PDF]))
    return going


def visit_of(desk: Desk, current: Current) -> tuple[str, str]:
    (entry,) = entries(desk)
    made = writer(desk.gateway, current.out)(entry)
    return read(bytes(made.data)).get("PV1-2"), made.mapping


@pytest.mark.parametrize(
    ("sites", "receiving", "visit"),
    [((), ("DPI", "HOP^990000015"), "R"), (("other",), ("DPI", "HOP^990000015"), "E"), ((), ("DPI", "ELSEWHERE"), "N")],
    ids=["the site that MSH-6 names", "the site that the destination names", "no site"],
)
def test_a_report_is_written_by_the_rules_of_the_destination_s_site(
    desk: Desk, tmp_path: Path, sites: Sequence[str], receiving: tuple[str, str], visit: str
) -> None:
    rules(tmp_path, "990000015", "R")
    rules(tmp_path, "other", "E")
    found, version = visit_of(reported(desk, sites, receiving), Current(tmp_path))
    assert found == visit
    assert version == Current(tmp_path).out(sites).to(*receiving).version


def test_rules_that_changed_since_a_report_was_noted_are_those_it_is_written_by(desk: Desk, tmp_path: Path) -> None:
    rules(tmp_path, "a", "R")
    current = Current(tmp_path)
    going = reported(desk, ("a",))
    before = visit_of(going, current)
    rules(tmp_path, "a", "E")
    assert current.reload()
    after = visit_of(going, current)
    assert (before[0], after[0], before[1] == after[1]) == ("R", "E", False)
    rules(tmp_path, "a", '"no')
    assert not current.reload()
    assert visit_of(going, current) == after

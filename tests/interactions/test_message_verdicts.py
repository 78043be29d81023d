"""What is remembered of resources that are alike changes nothing of what becomes of a message.

The same messages are sent to two gateways: one that remembers verdicts, one that looks at everything whole.

Source: FHIR R4, Validating Resources; messages of other projects and the golden pairs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fhir_gateway.app import open_gateway
from fhir_gateway.conformance.validation.verdicts import Verdicts
from fhir_gateway.exchange.hl7v2.convert import shipped_mappings
from fhir_gateway.fhir.json import decode
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.message import Intake, Receipt
from fhir_gateway.policy.actor import ANONYME
from fhir_gateway.policy.partners import Partners
from fhir_gateway.settings import Settings
from fhir_gateway.store.contract import HistoryQuery
from tests.interactions.test_messages import GAM, rules
from tests.shared_data import shared

EVERY = 4  # of the files of other projects


class Forgetful(Verdicts):
    def keep(self, *_: Any) -> None:
        """Remember nothing."""


class House:
    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, forgetful: bool) -> None:
        folder.mkdir()
        self.gateway: Gateway = open_gateway(Settings(database=f"sqlite:///{folder}/g.sqlite", synchronous="NORMAL"))
        if forgetful:
            verdicts_by = self.gateway.validation._verdicts_by
            monkeypatch.setattr(
                self.gateway.validation, "_verdicts_by", lambda *asked: (verdicts_by(*asked), Forgetful())[1]
            )
        self.intake = Intake(self.gateway, Partners([GAM]), lambda _: rules(), 10_000_000)

    def send(self, data: bytes) -> Receipt:
        return self.intake.receive_all(data, "test", ANONYME)

    def stored(self) -> list[dict[str, Any]]:
        with self.gateway.store.read() as view:
            page = view.history(HistoryQuery(count=100_000))
        return [_bare(decode(each.body)) for each in page.versions if each.body]


_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def _bare(value: Any) -> Any:
    """Return a resource without the ids that the server gives, and without instants."""
    if isinstance(value, dict):
        return {key: _bare(each) for key, each in value.items() if key != "lastUpdated"}
    if isinstance(value, list):
        return [_bare(each) for each in value]
    return _ID.sub("-", value) if isinstance(value, str) else value


@pytest.fixture
def houses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[House, House]]:
    made = House(tmp_path / "remembers", monkeypatch, False), House(tmp_path / "forgets", monkeypatch, True)
    yield made
    for each in made:
        each.gateway.store.close()


def sent() -> list[bytes]:
    """Return messages as a known partner sends them, each twice under another control id."""
    files = [*sorted(shared("hl7v2").rglob("*.hl7"))[::EVERY], *sorted((shipped_mappings() / "golden").glob("*.hl7"))]
    found = []
    for number, path in enumerate(files):
        data = path.read_bytes()
        separator = data[3:4]
        if not data.startswith(b"MSH") or not separator:
            continue
        for again in range(2):
            head, _, rest = data.partition(b"\r")
            fields = head.split(separator)
            if len(fields) < 12:
                continue
            fields[2:6] = [b"GAM", b"HOPITAL-ESSAI", b"PASSERELLE", b"PFMG"]
            fields[9], fields[10] = f"C{number}-{again}".encode(), b"P"
            found.append(separator.join(fields) + b"\r" + rest)
    return found


def test_messages_fare_as_where_nothing_is_remembered(houses: tuple[House, House]):
    remembers, forgets = houses
    different, codes = [], set()
    for data in sent():
        one, other = remembers.send(data), forgets.send(data)
        codes.add(one.code)
        told = [(each.state, each.code, each.detail) for each in (one, other)]
        if told[0] != told[1]:
            different.append((data[:80], *told))
    assert different == []
    assert {"AA", "AE"} <= codes
    known = remembers.gateway.validation._verdicts[True]._known
    assert len(known) > 50
    assert remembers.stored() == forgets.stored()

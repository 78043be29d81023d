"""Orders answered: what each line says, read by other people's parsers.

Source: HL7 v2.5.1, chapter 4, 4.4.2 (ORR_O02), 4.4.7 (ORL_O22); tables 0119, 0121; synthetic people only.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from fhir_gateway.exchange.hl7v2 import golden_out
from fhir_gateway.exchange.hl7v2.acknowledgement import Problem
from fhir_gateway.exchange.hl7v2.envelope import envelope_of
from fhir_gateway.exchange.hl7v2.er7 import read
from fhir_gateway.exchange.hl7v2.order_answers import Ordered, order_answer
from tests.exchange.hl7v2.outgoing_golden import ALL, PAIRS, asked

ORDERS = [
    each
    for each in asked(next(path for path in PAIRS if path.stem == "oru_r01_final"))["resources"]
    if each["resourceType"] == "ServiceRequest"
]
MISSING = Problem("102", "OBX^1^5", "x-broken", "Le document n'est pas du base64.")


def message(event: str = "OML^O21^OML_O21", version: str = "2.5.1", controls: tuple[str, ...] = ("NW",)) -> bytes:
    head = f"MSH|^~\\&|DPI|HOP EPREUVE|PFMG|PFMG|20260120093100||{event}|OML-1|P|{version}|||||FRA|UNICODE UTF-8"
    orders = [f"ORC|{control}|PRE-{at}\rOBR|{at}|PRE-{at}||X^Examen^L" for at, control in enumerate(controls, 1)]
    return "\r".join((head, "PID|1||1001^^^HOP^PI||ÉPREUVE^ZÉLIE^^^^^L||20180304|F", *orders, "")).encode()


def answer(data: bytes, *done: bool, orders: list[dict[str, Any]] | None = None, **more: Any) -> bytes:
    sent = read(data)
    ordered = [
        Ordered(order, was, orc=orc, pid=sent.first("PID"))
        for order, was, orc in zip(orders or ORDERS, done, sent.all("ORC"), strict=False)
    ]
    code = "AA" if all(done) else "AE"
    return order_answer(envelope_of(data), code, (), ordered, **more)  # type: ignore[arg-type]


def test_an_order_is_answered_with_its_number_and_ours() -> None:
    found = read(answer(message(controls=("NW", "NW")), True, False))
    assert [each.name for each in found.segments] == ["MSH", "MSA", "PID", "ORC", "OBR", "ORC", "OBR"]
    assert [each.fields[1:4] for each in found.all("ORC")] == [
        ["OK", "PRE-1^HOP EPREUVE^990000015^M", "LBM-1^PLATEFORME^990000049^M"],
        ["UA", "PRE-2^HOP EPREUVE^990000015^M", "order-maud^PFMG"],
    ]


def test_an_order_that_is_not_stored_has_no_number_of_ours() -> None:
    order = copy.deepcopy(ORDERS[1])
    del order["id"]
    found = read(answer(message(), False, orders=[order]))
    assert [found.get("ORC-1"), found.get("ORC-3"), found.get("OBR-3")] == ["UA", "", ""]


@pytest.mark.parametrize(
    ("control", "pair"),
    [("NW", "OK UA"), ("CA", "CR UC"), ("DC", "DR UD"), ("HD", "HR UH"), ("RL", "OE UR"), ("RP", "RQ UM"),
     ("SN", "NA UA"), ("XO", "XR UX"), ("", "OK UA")],
)  # fmt: skip
def test_table_0119_has_an_answer_to_each_control(control: str, pair: str) -> None:
    became = {"CA": "revoked", "DC": "revoked", "HD": "on-hold", "RL": "active"}
    order = {**ORDERS[0], "status": became.get(control, "draft")}
    for done, expected in zip((True, False), pair.split(), strict=True):
        assert read(answer(message(controls=(control,)), done, orders=[order])).get("ORC-1") == expected


def test_a_message_that_orders_nothing_is_acknowledged_only() -> None:
    assert [each.name for each in read(answer(message("ADT^A28^ADT_A05"), True)).segments] == ["MSH", "MSA"]


@pytest.mark.parametrize("path", [each for each in ALL if each not in PAIRS], ids=lambda path: path.stem)
def test_what_a_golden_pair_asks_for_becomes_the_answer_beside_it(path: Path) -> None:
    made, _ = golden_out.asked(path.read_bytes()).written()
    assert made.split(b"\r") == path.with_suffix(".hl7").read_bytes().split(b"\r")


def test_nothing_that_frames_a_message_is_echoed() -> None:
    found = answer(message().replace("ZÉLIE".encode(), b"ZE\x0b\x1c\nLIE"), True)
    assert b"^ZELIE^" in found
    assert {0x0A, 0x0B, 0x1C}.isdisjoint(found)


# --- other people's parsers


ASKED = [
    (event, version, done)
    for event in ("OML^O21^OML_O21", "ORM^O01^ORM_O01")
    for version in ("2.5", "2.5.1")
    for done in (True, False)
]


@pytest.mark.parametrize(("event", "version", "done"), ASKED)
def test_hl7apy_reads_an_answer_strictly(event: str, version: str, done: bool) -> None:
    parser = pytest.importorskip("hl7apy.parser")
    data = message(event, version, ("NW", "NW"))
    text = answer(data, done, done).decode()
    found = parser.parse_message(text, find_groups=True)
    if event.startswith("OML"):  # of ORR's choice (OBR, RQD, RXO …) hl7apy demands all at once
        found.validate()
    else:
        assert [each.name for each in found.children] == ["MSH", "MSA", "ORR_O02_RESPONSE"]
    assert found.to_er7().rstrip("\r") == text.rstrip("\r")


def test_hl7apy_reads_an_answer_with_problems_strictly() -> None:
    parser = pytest.importorskip("hl7apy.parser")
    data = message()
    sent = read(data)
    ordered = [Ordered(ORDERS[0], False, orc=sent.first("ORC"), pid=sent.first("PID"))]
    text = order_answer(envelope_of(data), "AE", (MISSING,), ordered).decode()
    parser.parse_message(text, find_groups=True).validate()
    assert text.split("\r")[2].startswith("ERR|")


@pytest.mark.parametrize("event", ["OML^O21^OML_O21", "ORM^O01^ORM_O01"])
def test_python_hl7_reads_an_answer_as_we_do(event: str) -> None:
    hl7 = pytest.importorskip("hl7")
    data = answer(message(event, controls=("NW", "NW")), True, True)
    theirs, ours = hl7.parse(data.decode()), read(data)
    assert [str(each[0]) for each in theirs] == [each.name for each in ours.segments]
    for name, numbers in (("PID", (3, 5)), ("ORC", (1, 2, 3)), ("OBR", (2, 3, 4))):
        for segment, own in zip(theirs.segments(name), ours.all(name), strict=True):
            assert [str(segment[number]) for number in numbers] == [own.field(number) for number in numbers]

"""What the collector answers: accepted, accepted with warnings, failed; however the lines of the file end.

Source: GIP-CAD, ser_client-api (ACK profile; what its client makes of MSA-1 and ERR-4); HL7 v2.5, chapter 2.
"""

from __future__ import annotations

import pytest

from fhir_gateway.exchange.cad.answer import Remark, read_acknowledgement
from fhir_gateway.exchange.cad.complaints import UnreadableAnswer

HEAD = "MSH|^~\\&|CAD^1990000119|CAD|LABO|LABO|20261122130000+0100||ACK^R01^ACK|A-1|P|2.5^FRA|||||FRA|UNICODE UTF-8"


def acknowledgement(code: str, *severities: str, end: str = "\r") -> bytes:
    lines = [f"ERR|||1/{number}.cram^absent|{each}||||Fichier illisible" for number, each in enumerate(severities)]
    return (end.join([HEAD, f"MSA|{code}|depot-1", *lines]) + end).encode()


@pytest.mark.parametrize(
    ("code", "severities", "outcome"),
    [
        ("AA", (), "accepted"),
        ("AA", ("I",), "accepted"),
        ("AE", (), "accepted-with-warnings"),
        ("AE", ("W", "I"), "accepted-with-warnings"),
        ("AE", ("",), "accepted-with-warnings"),
        ("AE", ("W", "E"), "failed"),
        ("AR", (), "failed"),
        ("AR", ("W",), "failed"),
        ("XX", (), "failed"),
    ],
)
def test_the_code_and_the_severities_say_what_became_of_a_deposit(
    code: str, severities: tuple[str, ...], outcome: str
) -> None:
    said = read_acknowledgement(acknowledgement(code, *severities))
    assert (said.of, said.code, said.outcome) == ("depot-1", code, outcome)


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_lines_may_end_in_any_way(end: str) -> None:
    said = read_acknowledgement(acknowledgement("AE", "E", end=end))
    assert said.remarks == (Remark("E", "1/0.cram", "Fichier illisible"),)


def test_lines_of_one_file_may_end_in_different_ways() -> None:
    data = acknowledgement("AE", "E", "W").replace(b"\r", b"\n", 1).replace(b"\r", b"\r\n", 1)
    assert [each.severity for each in read_acknowledgement(data).remarks] == ["E", "W"]


@pytest.mark.parametrize(
    "data", [b"", b"%PDF-1.4", HEAD.encode(), f"{HEAD}\rMSA|AA".encode(), f"{HEAD}\rMSA||x".encode()]
)
def test_what_is_no_acknowledgement_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableAnswer):
        read_acknowledgement(data)

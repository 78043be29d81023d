"""Bodies are received within bounds of size and time.

Source: RFC 9110, 8.4, 15.5.9, 15.5.14; RFC 1952.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.fhir.outcome import InvalidRequest, TooLarge, UnsupportedMediaType
from fhir_gateway.rest.body import inflated
from fhir_gateway.settings import Settings
from tests.rest.house import HOST, PATIENT, House, ask

SMALL = Settings(max_body_bytes=1024, max_held_bytes=2048, request_timeout=0.2)
BODY = {"Content-Type": "application/fhir+json"}


def padded(size: int) -> bytes:
    return PATIENT + b" " * (size - len(PATIENT))


@given(st.lists(st.integers(0, len(PATIENT)), max_size=5))
def test_any_chopping_of_a_body_gives_the_same_resource(cuts: list[int]):
    house = House()
    places = [0, *sorted(cuts), len(PATIENT)]
    pieces = [PATIENT[low:high] for low, high in pairwise(places)]
    assert house.ask("POST", "/fhir/Patient", BODY, pieces).status == 200
    assert house.interaction.resource == json.loads(PATIENT)


def test_a_body_of_just_the_limit_is_taken_and_one_byte_more_is_not():
    house = House(settings=SMALL)
    assert house.ask("POST", "/fhir/Patient", BODY, padded(1024)).status == 200
    reply = house.ask("POST", "/fhir/Patient", BODY, padded(1025))
    assert (reply.status, reply.details) == (413, ["body-too-large"])
    assert "1024" in reply.text
    assert house.door.lanes.held == 0


def test_a_declared_length_beyond_the_limit_is_refused_before_the_body_is_kept():
    house = House(settings=SMALL)
    reply = house.ask("POST", "/fhir/Patient", {**BODY, "Content-Length": "5000"}, [b" " * 900] * 2)
    assert (reply.status, "connection" in reply.headers) == (413, False)


def test_a_body_without_end_is_left_on_the_wire_and_the_connection_closed():
    house = House(settings=SMALL)
    reply = house.ask("POST", "/fhir/Patient", BODY, [b" " * 1000] * 100)
    assert (reply.status, reply.headers["connection"]) == (413, "close")


def test_who_waits_to_be_told_to_continue_is_told_not_to():
    asked = 0

    async def scenario() -> dict[str, object]:
        nonlocal asked
        sent: list[dict[str, object]] = []

        async def receive() -> dict[str, object]:
            nonlocal asked
            asked += 1
            return {"type": "http.request", "body": b"", "more_body": True}

        async def send(message: dict[str, object]) -> None:
            sent.append(message)

        fields = [(b"host", b"localhost"), (b"content-type", b"text/json"), (b"expect", b"100-continue")]
        scope = {
            "type": "http", "method": "POST", "path": "/fhir/Patient", "raw_path": b"/fhir/Patient",
            "query_string": b"", "headers": [*fields, (b"content-length", b"99999")], "scheme": "http", "server": None,
        }  # fmt: skip
        await House(settings=SMALL).door(scope, receive, send)
        return sent[0]

    assert asyncio.run(scenario())["status"] == 413
    assert asked == 0


def test_a_body_that_does_not_arrive_in_time_is_refused_with_408():
    house = House(settings=SMALL)
    fields = [HOST, *BODY.items()]

    async def scenario() -> tuple[int, list[str]]:
        never_ending = [b"x"]
        sent = []

        async def receive() -> dict[str, object]:
            if never_ending:
                return {"type": "http.request", "body": never_ending.pop(), "more_body": True}
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: dict[str, object]) -> None:
            sent.append(message)

        scope = {
            "type": "http", "method": "POST", "path": "/fhir/Patient", "raw_path": b"/fhir/Patient",
            "query_string": b"", "scheme": "http", "server": None,
            "headers": [(name.lower().encode(), value.encode()) for name, value in fields],
        }  # fmt: skip
        await house.door(scope, receive, send)
        head = dict(sent[0]["headers"])
        assert head[b"connection"] == b"close"
        return sent[0]["status"], json.loads(sent[1]["body"])["issue"][0]["details"]["coding"][0]["code"]

    assert asyncio.run(scenario()) == (408, "body-too-slow")
    assert house.door.lanes.held == 0


def test_a_client_that_leaves_in_the_middle_of_its_body_is_not_answered():
    house = House()
    reply = asyncio.run(ask(house.door, "POST", "/fhir/Patient", [HOST, *BODY.items()], [PATIENT[:10]], gone=True))
    assert (reply.status, house.asked, house.door.lanes.held) == (0, [], 0)


def test_bodies_held_at_once_are_bounded():
    house = House(settings=SMALL)
    house.door.lanes.hold(1500)
    reply = house.ask("POST", "/fhir/Patient", BODY, padded(1000))
    assert (reply.status, reply.details, reply.headers["retry-after"]) == (503, ["too-busy"], "1")
    house.door.lanes.free(1500)
    assert house.ask("POST", "/fhir/Patient", BODY, padded(1000)).status == 200
    assert house.door.lanes.held == 0


def test_a_gzip_bomb_is_refused_by_the_size_it_would_have():
    house = House(settings=SMALL)
    bomb = gzip.compress(padded(50_000))
    assert len(bomb) < 1024
    reply = house.ask("POST", "/fhir/Patient", {**BODY, "Content-Encoding": "gzip"}, bomb)
    assert (reply.status, reply.details) == (413, ["body-too-large"])


@given(st.binary(max_size=3000), st.integers(1, 3))
def test_gzip_is_undone_up_to_the_limit(body: bytes, members: int):
    packed = b"".join(gzip.compress(body) for _ in range(members))
    size = len(body) * members
    assert inflated(packed, "gzip", size) == body * members
    if size:
        with pytest.raises(TooLarge):
            inflated(packed, "GZIP", size - 1)


# Without the time, so that every test process collects the same tests.
PACKED = gzip.compress(PATIENT, mtime=0)


@pytest.mark.parametrize("broken", [b"not gzip", PACKED[:-4], PACKED + b"rest"], ids=["no gzip", "cut", "longer"])
def test_a_broken_gzip_is_refused(broken: bytes):
    with pytest.raises(InvalidRequest):
        inflated(broken, "gzip", 10_000)


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip, gzip"])
def test_another_content_encoding_is_refused(coding: str):
    with pytest.raises(UnsupportedMediaType):
        inflated(PATIENT, coding, 10_000)


@pytest.mark.parametrize("coding", [None, "", "identity", "Identity"])
def test_no_content_encoding_leaves_the_body_as_it_is(coding: str | None):
    assert inflated(PATIENT, coding, 1) == PATIENT

"""The door on a real socket: uvicorn with our protocol, in a thread of this process.

Source: RFC 9112 (HTTP/1.1), RFC 9110; RFC 6585, 5.
"""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import requests
import uvicorn

from fhir_gateway.interactions.interaction import Answer, Interaction
from fhir_gateway.rest.server import address_of, config, listen
from fhir_gateway.settings import Settings
from tests.rest.house import INSTANT, PATIENT, House

JSON = {"Content-Type": "application/fhir+json"}
LARGE = b'{"resourceType":"Patient","id":"' + b"1" * 200_000 + b'"}'


@contextmanager
def standing(house: House) -> Iterator[str]:
    """Serve a house on a free port of loopback; its address."""
    settings = house.settings.model_copy(update={"port": 0})
    listening = listen(settings)
    configuration = config(lambda: house.door, settings)
    configuration.lifespan = "off"
    server = uvicorn.Server(configuration)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.005)
        yield address_of(listening)
    finally:
        server.should_exit = True
        thread.join()
        house.door.close()


@pytest.fixture(scope="module")
def house() -> House:
    small = Settings(max_body_bytes=300_000, max_head_bytes=8192, head_timeout=0.5, request_timeout=5)
    return House(settings=small, short=True)


@pytest.fixture(scope="module")
def address(house: House) -> Iterator[str]:
    with standing(house) as address:
        yield address


@pytest.fixture(autouse=True)
def _usual(house: House) -> None:
    house.says = Answer(200, PATIENT, 3, INSTANT)
    house.asked.clear()


def raw(address: str, *pieces: bytes, seconds: float = 5) -> bytes:
    """Send bytes, then read until the server closes or says nothing more."""
    host, _, port = address.removeprefix("http://").rpartition(":")
    answer = b""
    with socket.create_connection((host, int(port)), timeout=seconds) as connection:
        for piece in pieces:
            connection.sendall(piece)
        try:
            while piece := connection.recv(65536):
                answer += piece
        except TimeoutError:
            pass
    return answer


def test_a_read_comes_whole_with_a_date_and_no_name_of_the_server(address: str):
    reply = requests.get(f"{address}/fhir/Patient/1", timeout=5)
    assert (reply.status_code, reply.content) == (200, PATIENT)
    assert reply.headers["ETag"] == 'W/"3"'
    assert "Date" in reply.headers
    assert "Server" not in reply.headers
    assert reply.headers["Content-Length"] == str(len(PATIENT))


def test_many_reads_on_one_connection_do_not_mix(address: str, house: House):
    house.says = lambda interaction: Answer(200, b'{"id":"%s"}' % (interaction.id or "").encode())
    with requests.Session() as session:
        for number in range(50):
            assert session.get(f"{address}/fhir/Patient/{number}", timeout=5).json() == {"id": str(number)}


def test_pipelined_requests_are_answered_in_order(address: str, house: House):
    house.says = lambda interaction: Answer(200, b'{"id":"%s"}' % (interaction.id or "").encode())
    one = b"GET /fhir/Patient/%d HTTP/1.1\r\nHost: localhost\r\n\r\n"
    last = b"GET /fhir/Patient/9 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer = raw(address, b"".join(one % number for number in range(5)) + last)
    places = [answer.index(b'{"id":"%d"}' % number) for number in (0, 1, 2, 3, 4, 9)]
    assert places == sorted(places)


@pytest.mark.parametrize("path", ["/fhir/Patient/1", "/fhir/Patient/1?_format=xml"])
def test_a_head_request_has_a_length_and_no_body(address: str, path: str):
    head = requests.head(address + path, timeout=5)
    get = requests.get(address + path, timeout=5, headers={"Accept-Encoding": "identity"})
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == get.headers["Content-Length"] == str(len(get.content))


def test_http_1_0_is_answered_and_closed(address: str):
    answer = raw(address, b"GET /fhir/Patient/1 HTTP/1.0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"connection: close\r\n" in answer
    assert answer.endswith(PATIENT)


def test_a_large_answer_arrives_whole_plain_and_compressed(address: str, house: House):
    house.says = Answer(200, LARGE)
    for encoding in ("identity", "gzip"):
        reply = requests.get(f"{address}/fhir/Patient/1", headers={"Accept-Encoding": encoding}, timeout=5)
        assert reply.content == LARGE


def test_an_answer_without_body_leaves_the_connection_usable(address: str, house: House):
    with requests.Session() as session:
        for answer in (Answer(304, None, 3), Answer(204, None), Answer(200, None), Answer(200, PATIENT)):
            house.says = answer
            reply = session.get(f"{address}/fhir/Patient/1", timeout=5)
            assert (reply.status_code, reply.content) == (answer.status, answer.body or b"")


def test_a_body_in_chunks_and_in_gzip_is_read(address: str, house: House):
    chunks = (PATIENT[place : place + 7] for place in range(0, len(PATIENT), 7))
    assert requests.post(f"{address}/fhir/Patient", data=chunks, headers=JSON, timeout=5).status_code == 200
    packed = gzip.compress(PATIENT)
    headers = {**JSON, "Content-Encoding": "gzip"}
    assert requests.post(f"{address}/fhir/Patient", data=packed, headers=headers, timeout=5).status_code == 200
    assert [asked.resource for asked in house.asked] == [{"resourceType": "Patient", "id": "1", "active": True}] * 2


def test_a_body_too_large_is_answered_and_the_connection_goes_on(address: str, house: House):
    with requests.Session() as session:
        for size in (300_001, 550_000):
            for body in (b" " * size, (b" " * 10_000 for _ in range(size // 10_000 + 1))):
                reply = session.post(f"{address}/fhir/Patient", data=body, headers=JSON, timeout=5)
                assert reply.status_code == 413
                assert reply.json()["issue"][0]["details"]["coding"][0]["code"] == "body-too-large"
        assert session.get(f"{address}/fhir/Patient/1", timeout=5).status_code == 200
    assert house.asked == []


def test_a_body_without_end_is_not_read_on(address: str):
    head = b"POST /fhir/Patient HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/json\r\nTransfer-Encoding: chunked"
    endless = b"10000\r\n" + b" " * 65536 + b"\r\n"
    with pytest.raises(ConnectionError):
        raw(address, head + b"\r\n\r\n", *[endless] * 2000)


def test_who_asks_whether_to_continue_is_told(address: str):
    head = b"POST /fhir/Patient HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/json\r\nExpect: 100-continue\r\n"
    too_large = raw(address, head + b"Content-Length: 999999\r\n\r\n")
    assert too_large.startswith(b"HTTP/1.1 413 ")
    taken = raw(address, head + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(PATIENT), PATIENT)
    assert taken.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    "request_",
    [b"nonsense\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET \xff HTTP/1.1\r\n\r\n", b"GET /\r\nA B: c\r\n\r\n"],
)
def test_what_is_not_http_is_refused_and_closed(address: str, request_: bytes):
    assert raw(address, request_).startswith(b"HTTP/1.1 400 ")


def test_a_head_too_large_is_refused_while_it_comes(address: str):
    start = b"GET /fhir/Patient/1 HTTP/1.1\r\nHost: localhost\r\n"
    fits = raw(address, start + b"X: " + b"a" * 7000 + b"\r\nConnection: close\r\n\r\n")
    assert fits.startswith(b"HTTP/1.1 200 ")
    beyond = raw(address, start, b"X: " + b"a" * 9000)
    assert beyond.startswith(b"HTTP/1.1 431 ")


def test_a_head_that_does_not_come_in_time_is_closed(address: str):
    began = time.monotonic()
    assert raw(address, b"GET /fhir/Pat").startswith(b"HTTP/1.1 408 ")
    assert raw(address).startswith(b"HTTP/1.1 408 ")
    assert 0.9 < time.monotonic() - began < 4


def test_a_second_head_that_does_not_come_in_time_is_closed_too(address: str):
    answer = raw(address, b"GET /fhir/Patient/1 HTTP/1.1\r\nHost: localhost\r\n\r\nGET /fhir/")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 408 " in answer


def test_a_header_with_a_line_break_never_splits_the_answer(address: str, house: House):
    house.says = Answer(200, PATIENT, location="Patient/1\r\nSet-Cookie: a=b")
    answer = raw(address, b"GET /fhir/Patient/1?_format=json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    house.says = Answer(201, PATIENT, location="Patient/1\r\nSet-Cookie: a=b")
    body = b"POST /fhir/Patient HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/json\r\nContent-Length: %d\r\n\r\n"
    answer += raw(address, body % len(PATIENT) + PATIENT, seconds=1)
    assert b"\r\nSet-Cookie" not in answer


def test_more_at_once_than_allowed_is_told_to_come_back():
    free = threading.Event()

    def slow(interaction: Interaction) -> Answer:
        assert free.wait(10)
        return Answer(200, PATIENT)

    with standing(House(slow, Settings(threads=1, max_concurrency=2))) as address, ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(requests.get, f"{address}/fhir/Patient", timeout=10) for _ in range(8)]
        deadline = time.monotonic() + 10
        while sum(one.done() for one in asked) < 6 and time.monotonic() < deadline:
            time.sleep(0.01)
        free.set()
        replies = [one.result() for one in asked]
    assert sorted(reply.status_code for reply in replies) == [200, 200] + [503] * 6
    assert {reply.headers.get("Retry-After") for reply in replies if reply.status_code == 503} == {"1"}


def test_a_read_does_not_wait_for_what_keeps_the_threads_busy():
    free = threading.Event()

    def slow(interaction: Interaction) -> Answer:
        if interaction.code != "read":
            assert free.wait(10)
        return Answer(200, PATIENT)

    with standing(House(slow, Settings(threads=1), short=True)) as address, ThreadPoolExecutor(1) as pool:
        search = pool.submit(requests.get, f"{address}/fhir/Patient", timeout=10)
        for _ in range(20):
            assert requests.get(f"{address}/fhir/Patient/1", timeout=1).content == PATIENT
        assert not search.done()
        free.set()
        assert search.result().status_code == 200

"""The client says what FHIR's RESTful API says, and tells refusals as what they are.

Source: FHIR R4, RESTful API. Against a server of a few lines that shows what it was sent; the real gateway is asked in
tests/clients and tests/scenarios.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from fhir.resources.R4B.patient import Patient

from fhir_gateway.client import Gateway, Refused, Unreachable
from tests.postgres import free_port

PATIENT: dict[str, Any] = {"resourceType": "Patient", "id": "a", "meta": {"versionId": "3"}}


class Server(ThreadingHTTPServer):
    """Answers each request with the next of `answers`, and keeps what it was sent in `asked`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[tuple[int, str, str]] = []
        self.asked: list[tuple[str, str, dict[str, str], str]] = []

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/fhir"

    def answer(self, body: Any, status: int = 200, type: str = "application/fhir+json") -> None:
        self.answers.append((status, type, body if isinstance(body, str) else json.dumps(body)))


class Handler(BaseHTTPRequestHandler):
    server: Server

    def respond(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.server.asked.append((self.command, self.path, dict(self.headers), body))
        status, type, content = self.server.answers.pop(0)
        self.send_response(status)
        self.send_header("Content-Type", type)
        self.send_header("Content-Length", str(len(content.encode())))
        self.end_headers()
        self.wfile.write(content.encode())

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = respond

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def gateway(server: Server) -> Iterator[Gateway]:
    gateway = Gateway(server.base)
    yield gateway
    gateway.session.close()


def asked(server: Server) -> tuple[str, str]:
    method, path, *_ = server.asked[-1]
    return method, path


def test_each_interaction_has_its_method_and_url(gateway: Gateway, server: Server) -> None:
    calls: list[tuple[Callable[[], object], tuple[str, str]]] = [
        (lambda: gateway.capabilities(), ("GET", "/fhir/metadata")),
        (lambda: gateway.read("Patient", "a"), ("GET", "/fhir/Patient/a")),
        (lambda: gateway.read("Patient", "a", version=2), ("GET", "/fhir/Patient/a/_history/2")),
        (lambda: gateway.create(PATIENT), ("POST", "/fhir/Patient")),
        (lambda: gateway.update(PATIENT), ("PUT", "/fhir/Patient/a")),
        (lambda: gateway.update(PATIENT, criteria={"identifier": "s|v"}), ("PUT", "/fhir/Patient?identifier=s%7Cv")),
        (lambda: gateway.patch("Patient", "a", []), ("PATCH", "/fhir/Patient/a")),
        (lambda: gateway.delete("Patient", "a"), ("DELETE", "/fhir/Patient/a")),
        (lambda: list(gateway.search("Patient", {"name": ["a", "b"]})), ("GET", "/fhir/Patient?name=a&name=b")),
        (lambda: list(gateway.history()), ("GET", "/fhir/_history")),
        (lambda: list(gateway.history("Patient")), ("GET", "/fhir/Patient/_history")),
        (lambda: list(gateway.history("Patient", "a")), ("GET", "/fhir/Patient/a/_history")),
        (lambda: gateway.transaction([]), ("POST", "/fhir")),
        (lambda: gateway.batch([]), ("POST", "/fhir")),
    ]
    for call, expected in calls:
        server.answer({"resourceType": "Bundle"})
        call()
        assert asked(server) == expected


def test_conditions_are_headers(gateway: Gateway, server: Server) -> None:
    server.answer(PATIENT)
    gateway.create(PATIENT, if_none_exist="identifier=s|v")
    assert server.asked[-1][2]["If-None-Exist"] == "identifier=s|v"
    calls: list[Callable[[], object]] = [
        lambda: gateway.update(PATIENT, if_match="3"),
        lambda: gateway.patch("Patient", "a", [], if_match=3),
    ]
    for call in calls:
        server.answer(PATIENT)
        call()
        assert server.asked[-1][2]["If-Match"] == 'W/"3"'


def test_a_patch_is_sent_as_json_patch_and_all_else_as_fhir_json(gateway: Gateway, server: Server) -> None:
    server.answer(PATIENT)
    gateway.patch("Patient", "a", [{"op": "remove", "path": "/active"}])
    assert server.asked[-1][2]["Content-Type"] == "application/json-patch+json"
    server.answer(PATIENT)
    gateway.update(PATIENT)
    assert server.asked[-1][2]["Content-Type"] == "application/fhir+json"


def test_an_update_of_what_was_read_keeps_the_text_of_a_decimal(gateway: Gateway, server: Server) -> None:
    server.answer('{"resourceType": "Observation", "id": "a", "valueQuantity": {"value": 1.10}}')
    observation = gateway.read("Observation", "a")
    assert observation["valueQuantity"]["value"] == Decimal("1.10")
    server.answer(PATIENT)
    gateway.update(observation)
    assert '"value":1.10' in server.asked[-1][3]


def test_a_typed_resource_is_sent_as_its_json(gateway: Gateway, server: Server) -> None:
    server.answer(PATIENT)
    gateway.create(Patient.model_validate({"active": True, "name": [{"family": "Essai"}]}))
    sent = json.loads(server.asked[-1][3])
    assert sent == {"resourceType": "Patient", "active": True, "name": [{"family": "Essai"}]}
    assert asked(server) == ("POST", "/fhir/Patient")


def test_a_search_follows_next_links_to_the_last_page(gateway: Gateway, server: Server) -> None:
    for number in range(3):
        link = [{"relation": "self", "url": server.base}]
        if number < 2:
            link.append({"relation": "next", "url": f"{server.base}/Patient?page={number + 1}"})
        server.answer({"resourceType": "Bundle", "link": link, "entry": [{"resource": {"id": str(number)}}]})
    assert [patient["id"] for patient in gateway.search("Patient", {"name": "a"})] == ["0", "1", "2"]
    assert [path for _, path, *_ in server.asked] == [
        "/fhir/Patient?name=a",
        "/fhir/Patient?page=1",
        "/fhir/Patient?page=2",
    ]


def test_a_history_yields_deletions_too(gateway: Gateway, server: Server) -> None:
    entries = [{"request": {"method": "DELETE", "url": "Patient/a"}}, {"resource": PATIENT}]
    server.answer({"resourceType": "Bundle", "entry": entries})
    assert list(gateway.history("Patient", "a")) == entries


def test_a_refusal_tells_status_codes_and_every_issue(gateway: Gateway, server: Server) -> None:
    issues = [
        {"severity": "error", "code": "conflict", "details": {"coding": [{"code": "stale"}], "text": "Not current."}},
        {"severity": "error", "code": "invalid", "diagnostics": "Wrong too."},
    ]
    server.answer({"resourceType": "OperationOutcome", "issue": issues}, status=412)
    with pytest.raises(Refused) as refusal:
        gateway.update(PATIENT, if_match=1)
    assert refusal.value.status == 412
    assert refusal.value.details == ["stale"]
    assert refusal.value.outcome == {"resourceType": "OperationOutcome", "issue": issues}
    assert str(refusal.value).endswith("/fhir/Patient/a was refused with 412: Not current.; Wrong too.")


@pytest.mark.parametrize(
    ("body", "type"), [("<html>no</html>", "text/html"), ("{", "application/json"), ("[]", "application/json")]
)
def test_a_refusal_by_somebody_else_has_no_outcome(gateway: Gateway, server: Server, body: str, type: str) -> None:
    server.answer(body, status=502, type=type)
    with pytest.raises(Refused) as refusal:
        gateway.read("Patient", "a")
    assert (refusal.value.status, refusal.value.outcome) == (502, None)


def test_silence_is_no_refusal() -> None:
    with pytest.raises(Unreachable):
        Gateway(f"http://127.0.0.1:{free_port()}/fhir").capabilities()


def test_a_witness_is_told_of_each_request(server: Server) -> None:
    told: list[tuple[str, str, int]] = []
    gateway = Gateway(server.base, witness=lambda *request: told.append(request))
    server.answer({"resourceType": "Bundle"})
    list(gateway.search("Patient", {"identifier": "s|v"}))
    assert told == [("GET", f"{server.base}/Patient?identifier=s|v", 200)]
    gateway.session.close()

"""Documents of other servers are fetched within bounds.

Source: fhir_gateway/delivery/README.md.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from fhir_gateway.delivery import keys
from fhir_gateway.delivery.keys import NotFetched, fetched

Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def server(answer: Answer) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A server on loopback; yields its address and the headers it was sent."""
    asked: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append({name.lower(): value for name, value in self.headers.items()})
            answer(self)

        def log_message(self, *_: object) -> None:
            pass

    listening = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.server_port}", asked
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()


def said(body: bytes, status: int = 200, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        with suppress(BrokenPipeError):  # the other side had enough
            handler.wfile.write(body)

    return answer


def test_a_document_comes_as_it_is_and_no_credentials_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with server(said(b'{"keys": []}')) as (url, asked):
        assert fetched(f"{url}/jwks") == b'{"keys": []}'
    (headers,) = asked
    assert "authorization" not in headers
    assert "cookie" not in headers


@pytest.mark.parametrize(
    "url",
    [
        "http://issuer.example.org/jwks",
        "file:///etc/passwd",
        "ftp://127.0.0.1/jwks",
        "http://127.0.0.1@issuer.example.org/jwks",
        "http://localhost.example.org/jwks",
        "//issuer.example.org/jwks",
        "https:///jwks",
        "http://[bad/jwks",
        "",
    ],
)
def test_only_https_is_asked_and_http_on_loopback(url: str) -> None:
    with pytest.raises(NotFetched, match="only https"):
        fetched(url)


def test_no_redirect_is_followed() -> None:
    redirect = said(b"{}", 302, Location="http://127.0.0.1:1/other")
    with server(redirect) as (url, asked), pytest.raises(NotFetched, match="302"):
        fetched(url)
    assert len(asked) == 1


@pytest.mark.parametrize("status", [204, 404, 500])
def test_another_status_than_200_is_no_document(status: int) -> None:
    with server(said(b"", status)) as (url, _), pytest.raises(NotFetched, match=str(status)):
        fetched(url)


def test_a_document_that_is_too_long_is_not_read_to_its_end() -> None:
    with server(said(b" " * (keys.MAX_BYTES + 1))) as (url, _), pytest.raises(NotFetched, match="longer"):
        fetched(url)


def test_a_document_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "SECONDS", 0.4)

    def dripping(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        with suppress(OSError):  # the other side had enough
            for _ in range(40):
                handler.wfile.write(b" ")
                handler.wfile.flush()
                time.sleep(0.1)

    began = time.monotonic()
    with server(dripping) as (url, _):
        with pytest.raises(NotFetched):
            fetched(url)
        assert time.monotonic() - began < 2


def test_a_server_that_is_away_is_told_as_such() -> None:
    with pytest.raises(NotFetched, match="ConnectionError"):
        fetched("http://127.0.0.1:1/jwks")

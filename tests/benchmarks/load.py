"""A client that asks by GET over kept-alive connections and does nothing else, so that the server is what is measured.

Run as a process of its own: `python -m tests.benchmarks.load PORT CONNECTIONS REQUESTS FILE [TOKEN]`. FILE holds a
path on each line; they are asked for in turn. Prints JSON: seconds, and percentiles of the time a request took, in ms.

Source: RFC 9112, 9.3 (Persistence); no pipelining: each connection waits for its answer.
"""

from __future__ import annotations

import itertools
import json
import select
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

_HEAD_END, _LENGTH, _OK = b"\r\n\r\n", b"content-length: ", b"HTTP/1.1 200 "


@dataclass(frozen=True, slots=True)
class Load:
    """What the client saw. Percentiles in ms."""

    requests: int
    seconds: float
    p50: float
    p99: float


def ask(port: int, connections: int, requests: int, paths: Path, token: str = "") -> Load:
    """Run the client in a process of its own and return what it saw. Raises: CalledProcessError.

    `token`: sent with every request.
    """
    command = [sys.executable, "-m", __name__, str(port), str(connections), str(requests), str(paths)]
    command += [token] if token else []
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return Load(**json.loads(done.stdout))


class _Connection:
    """One connection, and what has come of the answer it waits for."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.send, self.recv = self.socket.sendall, self.socket.recv
        self.got = b""
        self.asked = 0.0


def _complete(got: bytes) -> bool:
    """Return whether an answer has come to its end. Raises: ConnectionError when it is no 200."""
    end = got.find(_HEAD_END)
    if end < 0:
        return False
    if not got.startswith(_OK):
        raise ConnectionError(f"answered with {got[:end]!r}")
    at = got.index(_LENGTH, 0, end) + len(_LENGTH)
    return len(got) >= end + len(_HEAD_END) + int(got[at : got.find(b"\r", at)])


def _requests(port: int, paths: Sequence[str], token: str) -> Iterator[bytes]:
    head = f"HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\naccept: application/fhir+json\r\nuser-agent: bench\r\n"
    head += f"authorization: Bearer {token}\r\n\r\n" if token else "\r\n"
    return itertools.cycle([f"GET {path} {head}".encode() for path in paths])


def _run(port: int, connections: int, requests: int, paths: Sequence[str], token: str) -> Load:
    to_ask = itertools.islice(_requests(port, paths, token), requests)
    took: list[float] = []
    poll = select.epoll()
    opened = {(connection := _Connection(port)).socket.fileno(): connection for _ in range(connections)}
    begun = perf_counter()
    for number, connection in opened.items():
        poll.register(number, select.EPOLLIN)
        connection.asked = perf_counter()
        connection.send(next(to_ask))
    while len(took) < requests:
        for number, _ in poll.poll():
            connection = opened[number]
            data = connection.recv(1 << 18)
            if not data:
                raise ConnectionError("the server closed a connection")
            if connection.got:
                data = connection.got + data
            if not _complete(data):
                connection.got = data
                continue
            connection.got = b""
            now = perf_counter()
            took.append(now - connection.asked)
            request = next(to_ask, None)
            if request is not None:
                connection.asked = now
                connection.send(request)
    seconds = perf_counter() - begun
    for connection in opened.values():
        connection.socket.close()
    took.sort()
    return Load(requests, seconds, took[requests // 2] * 1000, took[requests * 99 // 100] * 1000)


def main() -> None:
    port, connections, requests, file, *token = sys.argv[1:]
    paths = Path(file).read_text(encoding="ascii").split()
    load = _run(int(port), int(connections), int(requests), paths, *(token or [""]))
    print(json.dumps({name: getattr(load, name) for name in Load.__slots__}))


if __name__ == "__main__":
    main()

"""The floor of a read by id: ten lines of ASGI that return the bytes the gateway returned, under the same HTTP server.

Run as a process of its own: `python -m tests.benchmarks.read_floor PORT FILE`. FILE is a marshalled dict of what was
answered by path: the headers and the body. The HTTP server is `fhir_gateway.rest.server`, loop and protocol included.

Source: ASGI 3.0, "HTTP Connection Scope", "Lifespan Protocol".
"""

from __future__ import annotations

import marshal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fhir_gateway.rest import server
from fhir_gateway.settings import Settings
from tests.postgres import free_port

Answers = Mapping[str, tuple[list[tuple[bytes, bytes]], bytes]]
App = Callable[[Any, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]


def floor(answers: Answers) -> App:
    """Return the application."""

    async def app(scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
        if scope["type"] == "lifespan":
            while True:
                event = (await receive())["type"]
                await send({"type": f"{event}.complete"})
                if event == "lifespan.shutdown":
                    return
        headers, body = answers[scope["path"]]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


@contextmanager
def served(answers: Answers, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Give the floor's process; its port is the last argument but one. It ends with the block."""
    file = folder / "answers"
    file.write_bytes(marshal.dumps(dict(answers)))
    command = [sys.executable, "-m", __name__, str(free_port()), str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            if process.stdout.readline() != b"ready\n":
                raise RuntimeError("the floor did not start")
            yield process
        finally:
            process.terminate()


def port_of(process: subprocess.Popen[bytes]) -> int:
    """Return the port of a floor's process."""
    assert isinstance(process.args, list)
    return int(str(process.args[-2]))


def main() -> None:
    port, file = sys.argv[1:]
    answers: Answers = marshal.loads(Path(file).read_bytes())
    given: dict[str, Any] = {"port": int(port)}
    server.run(lambda _: floor(answers), Settings(**given), lambda _: print("ready", flush=True))


if __name__ == "__main__":
    main()

"""The server process: uvicorn, set up for this gateway.

Source: uvicorn, "Settings", "Deployment".
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, cast

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from fhir_gateway.rest.protocol import BoundedProtocol
from fhir_gateway.settings import Settings

BACKLOG = 2048
_LOOK_SECONDS = 0.5


def run(app: Callable[[Settings], Any], settings: Settings, ready: Callable[[str], None]) -> None:
    """Serve until told to stop (SIGTERM, SIGINT), then let the requests at work end.

    `app` makes the ASGI application, in each worker anew: a function of a module, so that workers can import it.
    `ready` is told the address once it answers: "http://127.0.0.1:8080".

    Raises: OSError when the address cannot be listened on; SystemExit when the application cannot start.
    """
    signal.signal(signal.SIGTERM, _stop)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until the application takes it: it asks for a reload
    listening = listen(settings)
    address = address_of(listening)
    if settings.workers == 1:
        server = _Server(config(partial(app, settings), settings), lambda: ready(address))
        server.run(sockets=[listening])
        return
    with tempfile.TemporaryDirectory(prefix="fhir-gateway-") as folder:
        settings = settings.model_copy(update={"metrics_folder": settings.metrics_folder or Path(folder)})
        workers = _Workers(config(partial(app, settings), settings), [listening], lambda: ready(address))
        workers.run()
    if workers.failed:
        raise SystemExit(STARTUP_FAILURE)


class _Server(uvicorn.Server):
    """A server that says when it answers."""

    def __init__(self, configuration: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(configuration)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


class _Workers(Multiprocess):
    """A supervisor that says when all its workers answer."""

    def __init__(self, configuration: uvicorn.Config, sockets: list[socket.socket], ready: Callable[[], None]) -> None:
        super().__init__(configuration, sockets)
        self._ready = ready

    def init_processes(self) -> None:
        super().init_processes()
        for process in self.processes:
            while not process.wait_until_ready(_LOOK_SECONDS, self.should_exit):
                self.handle_signals()
                if self.should_exit.is_set() or not process.process.is_alive():
                    return
        self._ready()

    def handle_hup(self) -> None:
        """Hand a reload on to the workers; uvicorn would end them all and start them anew."""
        for process in self.processes:
            if process.pid is not None:
                os.kill(process.pid, signal.SIGHUP)

    @property
    def failed(self) -> bool:
        """Whether a worker could not start."""
        return any(process.exitcode == STARTUP_FAILURE for process in self.processes)


def address_of(listening: socket.socket) -> str:
    """Return the URL of a listening socket."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def listen(settings: Settings) -> socket.socket:
    """Return a socket bound to the address; bound here so that all workers share it, and refusals come early."""
    found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, address = found[0]
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.set_inheritable(True)
    except OSError:
        listening.close()
        raise
    return listening


def config(app: Callable[[], Any], settings: Settings) -> uvicorn.Config:
    """Return uvicorn's configuration; `app` makes the ASGI application."""
    return uvicorn.Config(
        app,
        factory=True,
        workers=settings.workers,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        http=cast(Any, partial(BoundedProtocol, settings.max_head_bytes, settings.head_timeout)),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # X-Forwarded-… is believed by a setting of our own, never by the address it comes from.
        proxy_headers=False,
        limit_concurrency=settings.max_connections,
        backlog=BACKLOG,
        timeout_graceful_shutdown=settings.stop_timeout,
    )


def _stop(number: int, frame: FrameType | None) -> None:
    """End with status 0: to be told to stop is no failure. uvicorn takes the signal over while it serves."""
    raise SystemExit(0)

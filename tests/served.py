"""`fhir-gateway serve` as a process of its own, as its users start it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from fhir_gateway.client import Gateway
from tests import forked
from tests.postgres import free_port

START_SECONDS = 60


@dataclass(slots=True)
class Served:
    """A running gateway: `root` is its address, `base` that of the FHIR service."""

    process: forked.Forked | subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def base(self) -> str:
        return f"{self.root}/fhir"

    def gateway(self) -> Gateway:
        return Gateway(self.base)

    def stop(self) -> int:
        """Ask the process to end, as an operator does, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def kill(self) -> None:
        """End the process and its workers at once: nothing of it gets to run any more."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)


def start(
    database: str,
    *arguments: str,
    port: int | None = None,
    environment: Mapping[str, str] | None = None,
    fork: bool = True,
) -> Served:
    """Start a gateway on a database URL, and return when it says that it is ready.

    Without `fork` its own command starts it: what is measured is to be a process as its users have it.
    """
    port = port or free_port()
    log = Path(tempfile.mkstemp(prefix="gateway-", suffix=".log", dir=os.environ.get("FHIR_GATEWAY_TEST_SCRATCH"))[1])
    env = forked.unset() | {"FHIR_GATEWAY_DATABASE": database} | dict(environment or {})
    with log.open("wb") as output:
        # A session of its own, so that kill() reaches the workers too.
        begin = forked.start if fork else forked.start_anew
        process = begin("serve", "--port", str(port), *arguments, env=env, output=output)
    served = Served(process, port, log)
    _await_ready(served)
    return served


@contextmanager
def serve(
    database: str,
    *arguments: str,
    port: int | None = None,
    environment: Mapping[str, str] | None = None,
    fork: bool = True,
) -> Iterator[Served]:
    """`start`, ended at the end of the block, whatever happened to it meanwhile."""
    served = start(database, *arguments, port=port, environment=environment, fork=fork)
    try:
        yield served
    except BaseException:
        # Shown by pytest beside the failure.
        sys.stderr.write("".join(served.log.read_text(errors="replace").splitlines(keepends=True)[-100:]))
        raise
    finally:
        if served.process.poll() is None:
            served.kill()


def _await_ready(served: Served) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if served.process.poll() is not None:
            break
        try:
            if requests.get(f"{served.root}/health/ready", timeout=5).status_code == 200:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.05)
    if served.process.poll() is None:
        served.kill()
    raise RuntimeError(f"the gateway did not become ready:\n{served.log.read_text(errors='replace')}")

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
from tests.postgres import free_port

START_SECONDS = 60


@dataclass(slots=True)
class Served:
    """A running gateway: `root` is its address, `base` that of the FHIR service."""

    process: subprocess.Popen[bytes]
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
    database: str, *arguments: str, port: int | None = None, environment: Mapping[str, str] | None = None
) -> Served:
    """Start a gateway on a database URL, and return when it says that it is ready."""
    port = port or free_port()
    log = Path(tempfile.mkstemp(prefix="gateway-", suffix=".log", dir=os.environ.get("FHIR_GATEWAY_TEST_SCRATCH"))[1])
    env = {name: value for name, value in os.environ.items() if not name.startswith("FHIR_GATEWAY_")}
    env |= {"FHIR_GATEWAY_DATABASE": database, **(environment or {})}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "fhir_gateway", "serve", "--port", str(port), *arguments],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that kill() reaches the workers too
        )
    served = Served(process, port, log)
    _await_ready(served)
    return served


@contextmanager
def serve(
    database: str, *arguments: str, port: int | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[Served]:
    """`start`, ended at the end of the block, whatever happened to it meanwhile."""
    served = start(database, *arguments, port=port, environment=environment)
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

"""The command `fhir-gateway` in processes forked from one that has imported it: a start without the second of imports.

What is forked has imported modules and done nothing else; a fork runs `fhir_gateway/__main__.py` as `python -m` does,
with arguments, environment, folder and files of its own. `tests/rest/test_cli.py`, `tests/test_documentation.py` and
the benchmarks start the command as its users do; so does everything where no process can be forked safely (not Linux).
"""

from __future__ import annotations

import atexit
import functools
import gc
import json
import os
import runpy
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[1]
# What `serve` and the commands import when they are called, libraries that they import late among it.
MODULES = (
    "fhir_gateway.app", "fhir_gateway.rest.server", "fhir_gateway.rest.log", "fhir_gateway.feeds",
    "fhir_gateway.demo.command", "fhir_gateway.demo.driver", "fhir_gateway.token_command",
    "fhir_gateway.mapping_command", "fhir_gateway.messages_command", "fhir_gateway.dossier_command",
    "fhir_gateway.client.reindex", "uvloop", "uvicorn.lifespan.on", "uvicorn.protocols.http.httptools_impl",
    "fhir_gateway.conformance.validators", "fhir_gateway.conformance.validation.validator",
    "fhir_gateway.exchange.hl7v2.outgoing", "fhir_gateway.store.sqlite", "fhir_gateway.store.postgres",
    "fhir_gateway.store.upgrade", "fhir_gateway.transform.compile", "requests", "yaml",
    "sqlalchemy.dialects.postgresql.psycopg", "sqlalchemy.dialects.sqlite.pysqlite", "alembic.command",
)  # fmt: skip
_NUMBER = struct.Struct("!i")


class Forked:
    """A process that was forked: of `subprocess.Popen` what tests ask for."""

    def __init__(self, connection: socket.socket, arguments: list[str]) -> None:
        self.args = arguments
        self.returncode: int | None = None
        self._connection = connection
        self.pid = _number(connection)

    def poll(self) -> int | None:
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code, a signal's number as a negative one. Raises: subprocess.TimeoutExpired."""
        if self.returncode is None:
            self._connection.settimeout(timeout)
            try:
                self.returncode = _number(self._connection)
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(self.args, timeout or 0) from None
            self._connection.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def start(
    *arguments: str,
    env: Mapping[str, str],
    output: IO[bytes],
    errors: IO[bytes] | None = None,
    sent: IO[bytes] | None = None,
    cwd: Path | None = None,
) -> Forked | subprocess.Popen[bytes]:
    """Start `fhir-gateway` in a session of its own; without `errors` these are written to `output` too."""
    if sys.platform != "linux":
        return start_anew(*arguments, env=env, output=output, errors=errors, sent=sent, cwd=cwd)
    with open(os.devnull, "rb") as nothing:
        files = [(sent or nothing).fileno(), output.fileno(), (errors or output).fileno()]
        asked = json.dumps({"arguments": arguments, "env": dict(env), "cwd": str(cwd or Path.cwd())}).encode()
        connection, its_end = socket.socketpair()
        with its_end:
            socket.send_fds(_parent(), [b"?"], [its_end.fileno()])
        socket.send_fds(connection, [_NUMBER.pack(len(asked))], files)
        connection.sendall(asked)
    return Forked(connection, list(arguments))


def start_anew(
    *arguments: str,
    env: Mapping[str, str],
    output: IO[bytes],
    errors: IO[bytes] | None = None,
    sent: IO[bytes] | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """As `start`, by the command itself."""
    return subprocess.Popen(
        [sys.executable, "-m", "fhir_gateway", *arguments],
        env=dict(env), cwd=cwd, stdin=sent or subprocess.DEVNULL, stdout=output,
        stderr=errors or subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip


def run(
    *arguments: str, env: Mapping[str, str], cwd: Path | None = None, sent: str = "", timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run `fhir-gateway` to its end, as `subprocess.run` does. Raises: subprocess.TimeoutExpired."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        given.write(sent.encode())
        given.seek(0)
        process = start(*arguments, env=env, output=output, errors=errors, sent=given, cwd=cwd)
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        output.seek(0)
        errors.seek(0)
        return subprocess.CompletedProcess(arguments, code, output.read().decode(), errors.read().decode())


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `fhir-gateway` with no settings of the gateway but those given."""
    return run(*arguments, env=unset() | environment)


def unset() -> dict[str, str]:
    """Return the environment of the tests without the settings of the gateway."""
    return {name: value for name, value in os.environ.items() if not name.startswith("FHIR_GATEWAY_")}


@functools.cache
def _parent() -> socket.socket:
    """Return the line to the process that is forked: it ends when this one does, and closes it."""
    line, its_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with its_end:
        parent = subprocess.Popen(
            [sys.executable, "-m", "tests.forked"],
            cwd=ROOT, env=unset(), stdin=its_end.fileno(), stdout=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    atexit.register(parent.wait, 30)
    atexit.register(line.close)
    return line


def _number(connection: socket.socket) -> int:
    data = connection.recv(_NUMBER.size, socket.MSG_WAITALL)
    if not data:
        raise RuntimeError("the process that is forked has ended; its reason stands in the output of the tests")
    number: int = _NUMBER.unpack(data)[0]
    return number


def _answer() -> list[str]:
    """Fork at each ask; return, in a fork, the arguments of the command that it is to be."""
    line = socket.socket(fileno=os.dup(0))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # those who mind the forks are waited for by nobody
    while True:
        _, files, _, _ = socket.recv_fds(line, 1, 1)
        if not files:
            os._exit(0)
        connection = socket.socket(fileno=files[0])
        if os.fork() == 0:
            line.close()
            return _minded(connection)
        connection.close()


def _minded(connection: socket.socket) -> list[str]:
    """Fork once more, and tell the asker the number of the fork and how it ended; return in the fork."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    head, files, _, _ = socket.recv_fds(connection, _NUMBER.size, 3)
    asked = json.loads(connection.recv(_NUMBER.unpack(head)[0], socket.MSG_WAITALL))
    fork = os.fork()
    if fork == 0:
        connection.close()
        os.setsid()
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        os.chdir(asked["cwd"])
        os.environ.clear()
        os.environ.update(asked["env"])
        arguments: list[str] = asked["arguments"]
        return arguments
    try:
        for file in files:
            os.close(file)
        connection.sendall(_NUMBER.pack(fork))
        _, status = os.waitpid(fork, 0)
        connection.sendall(_NUMBER.pack(os.waitstatus_to_exitcode(status)))
    finally:
        os._exit(0)


if __name__ == "__main__":
    for module in MODULES:
        import_module(module)
    gc.collect()
    gc.freeze()
    sys.argv[1:] = _answer()
    runpy.run_module("fhir_gateway", run_name="__main__", alter_sys=True)

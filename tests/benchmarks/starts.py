"""How long a start takes beyond importing the libraries: warm, without the cache of definitions, and the very first.

A start is from the creation of the process to the first connection taken. The libraries are all modules not ours that
the server had loaded by then, imported in the same order by a process that does nothing else; the interpreter's own
start is in both.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.engines import Engine
from tests.benchmarks.figures import Figures
from tests.benchmarks.processes import cpu_seconds
from tests.postgres import free_port

_SECONDS = 60
# The command itself, which on its way out tells what it had loaded.
_TELLING = """
import atexit, json, runpy, sys
def tell():
    names = [name for name, module in list(sys.modules.items()) if getattr(module, "__spec__", None) is not None
             and module.__spec__.name == name and name.partition(".")[0] not in ("fhir_gateway", "__main__")]
    open({file!r}, "w").write(json.dumps(names))
atexit.register(tell)
sys.argv = ["fhir-gateway", "serve", "--port", {port!r}]
runpy.run_module("fhir_gateway", run_name="__main__", alter_sys=True)
"""
_IMPORTING = """
import json, sys
from importlib import import_module
for name in json.loads(open(sys.argv[1]).read()):
    import_module(name)
"""


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds from the creation of a process, and its CPU time in them."""

    wall: float
    cpu: float
    own: float | None = None  # what the server itself says that opening took


def measure(engine: Engine, rounds: int, folder: Path, figures: Figures) -> None:
    """Measure starts on an engine: first (nothing there yet), cold (no cache), warm."""
    cache = folder / "definitions"
    url = engine.create()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FHIR_GATEWAY_")}
    environment |= {"FHIR_GATEWAY_DATABASE": url, "FHIR_GATEWAY_CACHE": str(cache)}
    _note(engine, "first", _start(environment, folder), None, figures)
    modules = folder / "modules"
    _list_modules(environment, folder, modules)
    _import(modules)  # once unmeasured: its files are in memory then, as they are for the server
    for _ in range(rounds):
        libraries = _import(modules)
        shutil.rmtree(cache)
        _note(engine, "cold", _start(environment, folder), libraries, figures)
        _note(engine, "warm", _start(environment, folder), libraries, figures)
        figures.add(f"start.{engine.name}.libraries", libraries.wall, "s")
    figures.add(f"start.{engine.name}.modules", len(json.loads(modules.read_bytes())), "modules")
    engine.drop(url)
    shutil.rmtree(cache)


def _note(engine: Engine, kind: str, took: Took, libraries: Took | None, figures: Figures) -> None:
    prefix = f"start.{engine.name}.{kind}"
    figures.add(f"{prefix}.whole", took.wall, "s")
    figures.add(f"{prefix}.cpu", took.cpu, "s")
    if took.own is not None:
        figures.add(f"{prefix}.by_its_log", took.own, "s")
    if libraries is not None:
        figures.add(f"{prefix}.beyond", took.wall - libraries.wall, "s")
        figures.add(f"{prefix}.beyond_cpu", took.cpu - libraries.cpu, "s")


def _start(environment: Mapping[str, str], folder: Path) -> Took:
    """Start the gateway, note when it takes a connection, and end it."""
    port = free_port()
    log = folder / "start.log"
    with log.open("wb") as output:
        begun = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "fhir_gateway", "serve", "--port", str(port)],
            env=dict(environment),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _await(process, port, log)
        took = time.perf_counter() - begun
    cpu = cpu_seconds(process.pid)
    _end(process)
    return Took(took, cpu, _told(log))


def _list_modules(environment: Mapping[str, str], folder: Path, file: Path) -> None:
    port = free_port()
    log = folder / "start.log"
    program = _TELLING.format(file=str(file), port=str(port))
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", program], env=dict(environment), stdout=output, stderr=subprocess.STDOUT
        )
        _await(process, port, log)
    _end(process)


def _import(modules: Path) -> Took:
    """Import the modules a file lists, in a process of its own."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", _IMPORTING, str(modules)], check=True)
    wall = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Took(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def _await(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.002)
        else:
            return
    process.kill()
    process.wait()
    raise RuntimeError(f"the gateway did not start:\n{log.read_text(errors='replace')}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    process.wait(_SECONDS)


def _told(log: Path) -> float | None:
    """Return the seconds that the log's line "open" tells; None when it tells none."""
    for line in log.read_text(encoding="utf-8").splitlines():
        if line.startswith("{"):
            told = json.loads(line)
            if told.get("message") == "open" and "seconds" in told:
                return float(told["seconds"])
    return None

"""What a message of a hospital costs from its frame to the answer after its commit: eight connections over MLLP.

Beside it the same resources as a transaction over HTTP, by as many connections. CPU of the server, and of the database
where that is a process of its own; the clients' is not counted. Identities that are new, as at the first load.

Source: issue 8: at most 2.5 ms of CPU a frame on SQLite with shipped durability, no more than 1.5 times the bundle.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from zlib import crc32

import requests

from fhir_gateway.exchange.hl7v2.convert import Converter, converter
from fhir_gateway.exchange.hl7v2.er7 import read
from fhir_gateway.fhir.json import encode
from tests.benchmarks.engines import Engine
from tests.benchmarks.figures import Figures
from tests.benchmarks.identity import counted
from tests.mllp.feed import FINESS, HOSPITAL, message, msh
from tests.postgres import free_port
from tests.served import Served, serve

CONNECTIONS = 8
EACH = 100  # messages of a connection in a round
_WARM = 20
_MILLION = 1_000_000

PARTNER = f"""
[gam]
sending = ["GAM|*"]
organisation = "{FINESS}|{HOSPITAL}"
"""


def identity(number: str) -> bytes:
    """Return an ADT^A28 as PAM France has it: identifiers, names, birth place, address, telecom, reliability."""
    ins = f"2{crc32(number.encode()):014}"
    patient = (
        f"PID|1||{number}^^^HOPITAL-ESSAI&990000017&N^PI~{ins}^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS||"
        "ÉPREUVE^ZOÉ^ZOÉ MARGUERITE^^^^L~DUFICTIF^ZOÉ^^^^^D||19900112|F|||12 rue des Essais^^TESTVILLE^^99001^FRA^H^^"
        "99001~^^^^^^BDL^^99002||^PRN^PH^^^^^^^^^0199000001~^NET^Internet^zoe.epreuve@exemple.invalid|||||||||||||||||||"
        "VALI"
    )
    return message(
        msh("ADT^A28^ADT_A05", f"C{number}"), "EVN||20260101080000", patient, "PV1|1|N", "ZFD|||Y|N|INSI|20260105"
    )


def bundle_of(rules: Converter, data: bytes) -> bytes:
    """Return what a message becomes as a transaction, without what the gateway does not store of it."""
    result = rules.convert(read(data)).result
    assert result is not None
    bundle = result.bundle()
    kept = [each for each in bundle["entry"] if each["resource"]["resourceType"] != "MessageHeader"]
    urls = {each["fullUrl"] for each in kept}
    for each in kept:
        if each["resource"]["resourceType"] == "Provenance":
            targets = each["resource"]["target"]
            each["resource"]["target"] = [target for target in targets if target["reference"] in urls]
    return encode({**bundle, "entry": kept})


def measure(engine: Engine, rounds: int, folder: Path, figures: Figures) -> None:
    """Measure on a database of its own."""
    partners = folder / "partners.toml"
    partners.write_text(PARTNER, encoding="utf-8")
    url, port, rules = engine.create(), free_port(), converter()
    with serve(url, "--partners", str(partners), "--mllp-port", str(port)) as served:
        _frames(port, _numbered("warm", _WARM))
        _bundles(served, [bundle_of(rules, each) for each in _numbered("warm-http", _WARM)])
        for number in range(rounds):
            frames = _numbered(f"m{number}", CONNECTIONS * EACH)
            bundles = [bundle_of(rules, each) for each in _numbered(f"b{number}", CONNECTIONS * EACH)]
            _note(engine, served, "frame", lambda frames=frames: _frames(port, frames), figures)  # type: ignore[misc]
            _note(engine, served, "bundle", lambda bundles=bundles: _bundles(served, bundles), figures)  # type: ignore[misc]
    frame, bundle = (f"messages.{engine.name}.{name}.cpu" for name in ("frame", "bundle"))
    figures.add(f"messages.{engine.name}.times", figures[frame].median / figures[bundle].median, "times the bundle")
    engine.drop(url)


def _numbered(name: str, number: int) -> list[bytes]:
    return [identity(f"{name}-{each}") for each in range(number)]


def _note(engine: Engine, served: Served, name: str, work: Callable[[], None], figures: Figures) -> None:
    begun = time.monotonic()
    with counted(engine, served.process.pid) as spent:
        work()
    done = CONNECTIONS * EACH
    figures.add(f"messages.{engine.name}.{name}.cpu", spent.ns / done / _MILLION, "ms of CPU each")
    figures.add(f"messages.{engine.name}.{name}.rate", done / (time.monotonic() - begun), "a second")


def _frames(port: int, frames: Sequence[bytes]) -> None:
    """Send messages over all connections; each is answered before the next."""
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(lambda part: _sent(port, part), _shares(frames)))


def _sent(port: int, frames: Sequence[bytes]) -> None:
    with socket.create_connection(("127.0.0.1", port), 120) as sender:
        for frame in frames:
            sender.sendall(b"\x0b" + frame + b"\x1c\r")
            came = b""
            while not came.endswith(b"\x1c\r"):
                came += sender.recv(65536)
            if b"MSA|AA|" not in came:
                raise RuntimeError(came.decode("utf-8", "replace"))


def _bundles(served: Served, bundles: Sequence[bytes]) -> None:
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(lambda part: _posted(served, part), _shares(bundles)))


def _posted(served: Served, bundles: Sequence[bytes]) -> None:
    with requests.Session() as session:
        for bundle in bundles:
            headers = {"content-type": "application/fhir+json", "prefer": "return=minimal"}
            answer = session.post(served.base, data=bundle, headers=headers, timeout=120)
            if answer.status_code != 200:
                raise RuntimeError(answer.text)


def _shares(items: Sequence[Any]) -> list[Sequence[Any]]:
    return [items[number::CONNECTIONS] for number in range(CONNECTIONS)]

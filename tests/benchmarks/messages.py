"""What a message of a hospital costs from its frame to the answer after its commit: eight connections over MLLP.

Beside it the same resources as a transaction over HTTP, by as many connections. CPU of the server, and of the database
where that is a process of its own; the clients' is not counted. Identities that are new, as at the first load, and
admissions of 2 kB (`….rich`): 22 resources, of which 15 are new each time.

Source: issue 8: at most 2.5 ms of CPU a frame on SQLite with shipped durability, no more than 1.5 times the bundle.
"""

from __future__ import annotations

import base64
import os
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from zlib import crc32

import requests

from fhir_gateway.exchange.hl7v2.convert import Converter, converter, shipped_mappings
from fhir_gateway.exchange.hl7v2.er7 import read
from fhir_gateway.fhir.json import encode
from tests.benchmarks import mappings
from tests.benchmarks.engines import Engine
from tests.benchmarks.figures import Figures
from tests.benchmarks.identity import counted
from tests.mllp.feed import FINESS, HOSPITAL, message, msh
from tests.postgres import free_port
from tests.served import Served, serve

CONNECTIONS = 8
EACH = 100  # messages of a connection in a round
_WARM = 20
_DOCUMENT = 20_000_000  # bytes of OBX-5
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


def admission(number: str) -> bytes:
    """Return an ADT^A01 of a patient and a stay that are new, at a hospital whose wards and doctors are not."""
    data = mappings.messages()["adt"].replace(b"GAM|HOP EPREUVE|PFMG|PFMG", b"GAM|HOP EPREUVE|PASSERELLE|PFMG")
    ins = f"19999{crc32(number.encode()):010}"
    for was, now in (
        ("|A01-1|", f"|A{number}|"),
        ("|1001^^^", f"|P{number}^^^"),
        ("199999999999901", ins),
        ("24000001^", f"V{number}^"),
        ("ZBE|501^", f"ZBE|Z{number}^"),
    ):
        data = data.replace(was.encode(), now.encode())
    return data


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
    arguments = ("--partners", str(partners), "--mllp-port", str(port), "--max-message-bytes", "60000000")
    with serve(url, *arguments, fork=False) as served:
        for kind, (make, each) in KINDS.items():
            _frames(port, _numbered(make, f"w{kind}", _WARM))
            _bundles(served, [bundle_of(rules, data) for data in _numbered(make, f"h{kind}", _WARM)])
            for number in range(rounds):
                frames = _numbered(make, f"m{number}{kind}", CONNECTIONS * each)
                bundles = [bundle_of(rules, data) for data in _numbered(make, f"b{number}{kind}", CONNECTIONS * each)]
                _note(engine, served, f"{kind}frame", partial(_frames, port, frames), len(frames), figures)
                _note(engine, served, f"{kind}bundle", partial(_bundles, served, bundles), len(bundles), figures)
        for number in range(rounds):
            figures.add(f"messages.{engine.name}.document.memory", _memory(port, served, number), "MB")
    for kind in KINDS:
        frame, bundle = (figures[f"messages.{engine.name}.{kind}{name}.cpu"] for name in ("frame", "bundle"))
        figures.add(f"messages.{engine.name}.{kind}times", frame.median / bundle.median, "times the bundle")
    engine.drop(url)


KINDS = {"": (identity, EACH), "rich.": (admission, EACH // 4)}


def _numbered(make: Callable[[str], bytes], name: str, number: int) -> list[bytes]:
    return [make(f"{name}-{each}") for each in range(number)]


def _note(engine: Engine, served: Served, name: str, work: Callable[[], None], done: int, figures: Figures) -> None:
    begun = time.monotonic()
    with counted(engine, served.process.pid) as spent:
        work()
    figures.add(f"messages.{engine.name}.{name}.cpu", spent.ns / done / _MILLION, "ms of CPU each")
    figures.add(f"messages.{engine.name}.{name}.rate", done / (time.monotonic() - begun), "a second")


def report_with(document: bytes, number: str) -> bytes:
    """Return an MDM^T02 whose document (base64) is one of some size."""
    segments = (shipped_mappings() / "golden" / "mdm_t02_document.hl7").read_bytes().split(b"\r")
    head = segments[0].split(b"|")
    head[2:6], head[9] = [b"GAM", b"HOPITAL-ESSAI", b"PASSERELLE", b"PFMG"], f"D{number}".encode()
    at = next(at for at, each in enumerate(segments) if each.startswith(b"OBX") and b"|ED|" in each)
    fields = segments[at].split(b"|")
    fields[5] = b"^".join([*fields[5].split(b"^")[:4], document])
    kept = [each for each in segments[1:] if not each.startswith(b"PRT")]  # what the role may not write
    kept[at - 1] = b"|".join(fields)
    return b"\r".join([b"|".join(head), *kept])


def _memory(port: int, served: Served, number: int) -> float:
    """Return what a message with a large document adds to the peak of the server's resident memory, in MB."""
    for small in range(3):
        _sent(port, [report_with(b"AAAA", f"{number}-{small}")])
    document = base64.b64encode(os.urandom(_DOCUMENT // 4 * 3))
    data = report_with(document, f"{number}-large")
    process = Path(f"/proc/{served.process.pid}")
    (process / "clear_refs").write_text("5")  # the peak begins anew
    before = _peak(process)
    _sent(port, [data])
    return _peak(process) - before


def _peak(process: Path) -> float:
    lines = (process / "status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1000


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

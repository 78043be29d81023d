"""Results of platforms: a file with thirty variants imported, a VCF reduced to what is reported, a page of dossiers.

Each file is of another dossier and its variants are new to the gateway, which runs as it is shipped, with an issuer
and its trace; the platform sends it over HTTP with its token. CPU of the server, and of the database where that is a
process of its own. `….first`: the first file of a new process.

Source: `profiles/pfmg/input/fsh/operations.fsh`, $import-result, $dossier; issue of platform formats.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from fhir_gateway.app import open_gateway
from fhir_gateway.demo_dossiers.submission import directory
from fhir_gateway.exchange.vcf.reading import Reported, read
from fhir_gateway.fhir import structure
from fhir_gateway.fhir.json import decode, encode
from fhir_gateway.interactions.draft import draft
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.settings import Settings
from fhir_gateway.store.access import party_of
from fhir_gateway.store.contract import Put
from fhir_gateway.store.text import index
from tests.benchmarks.engines import Engine
from tests.benchmarks.figures import Figures
from tests.benchmarks.identity import counted
from tests.benchmarks.platform_results import FORMATS, TABLES, VARIANTS, Case, Resource, cases
from tests.benchmarks.processes import cpu_clock
from tests.benchmarks.tokens import HOSPITAL, identified, token
from tests.exchange.vcf.files import vcf
from tests.served import Served

IMPORTS = 25  # of each format; the first of them warm the process up
PAGE, PAGES = 1_000, 2  # dossiers of a page; how often it is asked for
_WARM = 5
_RECORDS, _KEPT = 100_000, 30
_TOGETHER = 1_500  # resources laid down in one commit
_MILLION = 1_000_000


def measure(engine: Engine, folder: Path, figures: Figures) -> None:
    """Measure on databases of its own; the figures are `results.<engine>.…`."""
    told = cases(IMPORTS * len(FORMATS))
    for format, some in zip(FORMATS, (told[at :: len(FORMATS)] for at in range(len(FORMATS))), strict=True):
        with _serving(engine, folder, some) as served:
            _import(engine, served, folder, format, some, figures)
    _page(engine, folder, figures)


def measure_reading(figures: Figures) -> None:
    """Measure, in process, how a VCF of 100,000 records is reduced to the reported ones."""
    rows = [
        f"chr{1 + at % 22} {1000 + at} . {'AT' if at % 9 == 0 else 'A'} G 50 PASS AC=1;AN=2 GT:AD:DP 0/1:9,9:18"
        for at in range(_RECORDS)
    ]
    data = vcf(*rows)
    keys = frozenset((f"{1 + at % 22}", 1000 + at, "A", "G") for at in range(1, _RECORDS, 3400) if at % 9)
    for _ in range(3):
        begun = time.process_time()
        found = read(data, "TUMEUR", assembly="GRCh38", reported=Reported(keys=keys))
        figures.add("results.vcf.reduced", time.process_time() - begun, "s")
        assert len(found.variants) == len(keys)
    figures.add("results.vcf.bytes", len(data), "B")


@contextmanager
def _serving(engine: Engine, folder: Path, some: Sequence[Case]) -> Iterator[Served]:
    """Give a gateway with pseudonym keys and private tables, on a database that holds some dossiers."""
    url = engine.create()
    _lay_down(url, some, folder)
    keys, tables = folder / "pseudonym-keys", folder / "tables.toml"
    keys.write_text(f"2026 {base64.b64encode(b'k' * 32).decode()}\n", encoding="ascii")
    tables.write_text("\n".join(_toml(TABLES)), encoding="utf-8")
    files = {"FHIR_GATEWAY_PSEUDONYM_KEYS": str(keys), "FHIR_GATEWAY_PLATFORM_TABLES": str(tables)}
    with identified(url, folder, more=files) as served:
        yield served
        served.stop()
    engine.drop(url)


def _toml(tables: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    for name, table in tables.items():
        yield f"[{name}]"
        yield from (f'"{code}" = "{to}"' for code, to in table.items())


def _lay_down(url: str, some: Sequence[Case], folder: Path) -> None:
    """Write dossiers as they stand, past the rules that their acts would have to pass, each as the hospital's."""
    given: dict[str, Any] = {"database": url, "data_folder": folder}
    gateway = open_gateway(Settings(**given))
    try:
        shared = {(each["resourceType"], each["id"]): each for each in directory()}
        _write(gateway, list(shared.values()), 0)
        waiting: list[Resource] = []
        for case in some:
            waiting += [each for each in case.resources if (each["resourceType"], each["id"]) not in shared]
            if len(waiting) > _TOGETHER:
                _write(gateway, waiting, party_of(HOSPITAL))
                waiting = []
        _write(gateway, waiting, party_of(HOSPITAL))
        while index.catch_up(gateway.store):
            pass
    finally:
        gateway.store.close()


def _write(gateway: Gateway, resources: Sequence[Resource], owner: int) -> None:
    puts = []
    for each in resources:
        made = decode(encode(each))
        links = structure.links(made, gateway.definitions.types, False)
        puts.append(Put(draft(gateway.indexer, made, made["resourceType"], made["id"], links)))
    if puts:
        gateway.store.write(lambda tx: tx.stage(puts), owner=owner)


def _import(engine: Engine, served: Served, folder: Path, format: str, some: Sequence[Case], figures: Figures) -> None:
    tokens = {each: token(served, folder, "plateforme", each) for each in {case.platform for case in some}}
    name = f"results.{engine.name}.{format}"
    with requests.Session() as session:
        for place, case in enumerate(some):
            body = case.file(format)
            time.sleep(0.05)  # what follows the last one is done by then
            own = cpu_clock(served.process.pid)
            with counted(engine, served.process.pid) as spent:
                _sent(session, served, case, format, body, tokens[case.platform])
            own = cpu_clock(served.process.pid) - own
            if place == 0:
                figures.add(f"{name}.first", spent.ns / _MILLION, "ms")
            elif place >= _WARM:
                figures.add(f"{name}.cpu", spent.ns / _MILLION, "ms")
                figures.add(f"{name}.gateway", own / _MILLION, "ms")


def _sent(session: requests.Session, served: Served, case: Case, format: str, body: bytes, bearer: str) -> None:
    """Send what a platform found of a dossier; raises RuntimeError unless all its variants are made."""
    headers = {"authorization": f"Bearer {bearer}", "content-type": "application/fhir+json"}
    url = served.base
    if format != "fhir":
        headers["content-type"] = "application/octet-stream"
        url = f"{served.base}/ServiceRequest/{case.request}/$import-result"
    answer = session.post(url, data=body, headers=headers, timeout=120)
    made = answer.text.count("Observation/") if answer.status_code == 200 else 0
    if made < VARIANTS:
        raise RuntimeError(f"{format} of {case.request}: {answer.status_code}, {made} variants: {answer.text[:2000]}")


def _page(engine: Engine, folder: Path, figures: Figures) -> None:
    """Measure a page of a worklist as files of AURAGEN, and what it adds to the peak of the server's memory."""
    told = cases(PAGE)
    name = f"results.{engine.name}.page"
    with _serving(engine, folder, told) as served, requests.Session() as session:
        bearer = token(served, folder, "administrateur")
        headers = {"authorization": f"Bearer {bearer}", "accept": "application/x-ndjson"}
        process = Path(f"/proc/{served.process.pid}")
        url = f"{served.base}/ServiceRequest/$dossier?format=auragen-mr&_count="
        session.get(f"{url}10", headers=headers, timeout=600).raise_for_status()
        for _ in range(PAGES):
            (process / "clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
            before = _peak(process)
            with counted(engine, served.process.pid) as spent:
                answer = session.get(f"{url}{PAGE}", headers=headers, timeout=600)
            answer.raise_for_status()
            figures.add(f"{name}.cpu", spent.ns / 1e9, "s")
            figures.add(f"{name}.memory", _peak(process) - before, "MB")
            figures.add(f"{name}.files", sum(b'"case_id"' in line for line in answer.iter_lines()), "files")


def _peak(process: Path) -> float:
    lines = (process / "status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1000

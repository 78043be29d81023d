"""A gateway that holds the resources made by hand and, where it is there, a part of the Synthea sample; the reference.

Source: `edge_cases.py`; the Synthea Bundles beside the checkout.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from fhir_gateway.app import open_gateway
from fhir_gateway.fhir.json import decode
from fhir_gateway.settings import Settings
from tests.interactions.desk import Desk, bundle
from tests.search import edge_cases
from tests.search.reference import Key, Reference
from tests.shared_data import SHARED

SAMPLE = ("Dannie_Schmitt", "Hershel_Marvin")  # two people, 220 resources
_CHUNK = 100  # resources in one transaction


@dataclass(frozen=True)
class Filled:
    """A gateway asked in this process, and the reference that knows the same resources in the same order."""

    desk: Desk
    reference: Reference
    engine: str
    sampled: bool  # whether the Synthea sample is part of it


def filled(engine: str, database: str, folder: Path) -> Filled:
    """Open a gateway on an empty database and fill it."""
    settings: dict[str, Any] = {"database": database, "public_url": edge_cases.BASE, "data_folder": folder}
    # Edge cases of search need not be sound otherwise.
    gateway = open_gateway(Settings(**settings, integrity_on_write=False, validation="structure"))
    desk = Desk(gateway)
    sample = list(synthea())
    for first in range(0, len(sample), _CHUNK):
        put(desk, sample[first : first + _CHUNK])
    for resource in edge_cases.resources():  # each in a commit of its own: their instants differ
        desk.put(resource)
    known = [*sample, *edge_cases.resources()]
    stored = [with_meta(desk, resource) for resource in known]
    return Filled(desk, Reference(stored, edge_cases.BASE, time.time() * 1e6), engine, bool(sample))


def put(desk: Desk, resources: list[dict[str, Any]]) -> None:
    entries = [
        {"resource": each, "request": {"method": "PUT", "url": f"{each['resourceType']}/{each['id']}"}}
        for each in resources
    ]
    desk.ask("POST", "", bundle(*entries), prefer="minimal")


def with_meta(desk: Desk, resource: Mapping[str, Any]) -> dict[str, Any]:
    """Return a resource with the version and the instant that the store gave it, decimals as Python's own."""
    answer = desk.ask("GET", f"{resource['resourceType']}/{resource['id']}")
    assert answer.body is not None
    meta = json.loads(answer.body)["meta"]
    own: dict[str, Any] = json.loads(json.dumps(resource, default=str), parse_float=Decimal)
    return {**own, "meta": {**own.get("meta", {}), "versionId": meta["versionId"], "lastUpdated": meta["lastUpdated"]}}


def synthea() -> Iterator[dict[str, Any]]:
    """Yield the resources of the sample, references among them made relative; none where it is absent."""
    for name in SAMPLE:
        for path in sorted((SHARED / "synthea").glob(f"{name}_*.json")):
            text = path.read_text(encoding="utf-8")
            entries = json.loads(text)["entry"]
            for entry in entries:
                resource = entry["resource"]
                text = text.replace(f'"{entry["fullUrl"]}"', f'"{resource["resourceType"]}/{resource["id"]}"')
            yield from (entry["resource"] for entry in json.loads(text)["entry"])


@dataclass(frozen=True)
class Found:
    """A page as a searchset tells it."""

    matches: list[Key]
    included: set[Key]
    total: int | None
    links: Mapping[str, str]
    outcomes: list[Any]

    @property
    def next(self) -> str | None:
        return self.links.get("next")


def found_by(desk: Desk, url: str, lenient: bool = False) -> Found:
    """Ask the gateway, and return what it found."""
    answer = desk.ask("GET" if "/_search" not in url else "POST", url, lenient=lenient)
    return found_in(decode(answer.body or b""))


def found_in(page: Any) -> Found:
    modes: dict[str, list[Any]] = {"match": [], "include": [], "outcome": []}
    for entry in page.get("entry", ()):
        modes[entry["search"]["mode"]].append(entry["resource"])
    keys = {mode: [(each["resourceType"], each.get("id", "")) for each in found] for mode, found in modes.items()}
    assert len(set(keys["match"] + keys["include"])) == len(keys["match"] + keys["include"]), "a resource came twice"
    links = {link["relation"]: link["url"] for link in page["link"]}
    return Found(keys["match"], set(keys["include"]), page.get("total"), links, modes["outcome"])

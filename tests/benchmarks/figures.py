"""Figures: what was measured, how often, and which of it the project has promised.

The promises are those of the issue that asked for this gateway; they stand here so that no score falls unseen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal


@dataclass(slots=True)
class Figure:
    """One thing measured several times."""

    unit: str
    values: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return median(self.values)

    def __str__(self) -> str:
        if len(self.values) == 1:
            return shown(self.median)
        return f"{shown(self.median)} ({shown(min(self.values))} to {shown(max(self.values))})"


class Figures(dict[str, Figure]):
    """Figures by dotted name: "import.sqlite.gateway.cpu"."""

    def add(self, name: str, value: float, unit: str) -> None:
        """Note one more measurement."""
        self.setdefault(name, Figure(unit)).values.append(value)

    def as_json(self) -> dict[str, Any]:
        return {
            name: {"median": figure.median, "unit": figure.unit, "values": figure.values}
            for name, figure in self.items()
        }


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure is to reach, by its median."""

    figure: str
    bound: Literal["at least", "at most", "under"]
    value: float
    says: str

    def reached(self, figures: Figures) -> bool | None:
        """Return whether the figure has been reached; None when it was not measured."""
        if self.figure not in figures:
            return None
        measured = figures[self.figure].median
        if self.bound == "at least":
            return measured >= self.value
        return measured <= self.value if self.bound == "at most" else measured < self.value


# Against a floor: by CPU of all processes that have a part in it (the client never), and by wall time.
GOALS = (
    Goal("read.sqlite.of_floor.cpu", "at least", 0.5, "read by id on SQLite, CPU of the floor"),
    Goal("read.sqlite.of_floor.wall", "at least", 0.5, "read by id on SQLite, wall time of the floor"),
    Goal("read.postgresql.of_floor.cpu", "at least", 0.2, "read by id on PostgreSQL, CPU of the floor"),
    Goal("read.postgresql.of_floor.wall", "at least", 0.2, "read by id on PostgreSQL, wall time of the floor"),
    Goal("import.sqlite.of_floor.cpu", "at least", 0.3, "import on SQLite, CPU of the floor"),
    Goal("import.sqlite.of_floor.wall", "at least", 0.3, "import on SQLite, wall time of the floor"),
    Goal("import.sqlite.gateway.cpu", "at most", 0.7, "import on SQLite, ms of CPU a resource"),
    Goal("import.postgresql.of_floor.cpu", "at least", 0.3, "import on PostgreSQL, CPU of the floor"),
    Goal("import.postgresql.of_floor.wall", "at least", 0.3, "import on PostgreSQL, wall time of the floor"),
    Goal("import.postgresql.gateway.cpu", "at most", 0.9, "import on PostgreSQL, ms of CPU a resource"),
    Goal("memory.sqlite.rest", "under", 250, "resident memory at rest on SQLite, MB"),
    Goal("memory.postgresql.rest", "under", 250, "resident memory at rest on PostgreSQL, MB"),
    Goal("searches.sqlite.p50", "at most", 5, "search on SQLite, all shapes, p50 ms"),
    Goal("searches.sqlite.p95", "at most", 25, "search on SQLite, all shapes, p95 ms"),
    Goal("searches.sqlite.slowest", "at most", 100, "search on SQLite, slowest shape, p95 ms"),
    Goal("searches.sqlite.growth", "at most", 1.5, "search on SQLite, growth of a shape's median from one copy on"),
    Goal("searches.sqlite.refused", "at most", 0, "search on SQLite, shapes refused"),
    Goal("searches.postgresql.p50", "at most", 5, "search on PostgreSQL, all shapes, p50 ms"),
    Goal("searches.postgresql.p95", "at most", 25, "search on PostgreSQL, all shapes, p95 ms"),
    Goal("searches.postgresql.slowest", "at most", 100, "search on PostgreSQL, slowest shape, p95 ms"),
    Goal(
        "searches.postgresql.growth",
        "at most",
        1.5,
        "search on PostgreSQL, growth of a shape's median from one copy on",
    ),
    Goal("searches.postgresql.refused", "at most", 0, "search on PostgreSQL, shapes refused"),
    Goal("identity.sqlite.read.added", "at most", 25, "identity and policy on SQLite, µs of CPU a read"),
    Goal("identity.sqlite.read.of_floor", "at least", 0.4, "read with a token on SQLite, CPU of the floor"),
    Goal("identity.sqlite.read.of_floor_traced", "at least", 0.4, "the same with its record, CPU of the floor"),
    Goal(
        "identity.sqlite.transaction.times", "at most", 1.05, "transaction with a token on SQLite, CPU, times without"
    ),
    Goal("identity.postgresql.read.added", "at most", 25, "identity and policy on PostgreSQL, µs of CPU a read"),
    Goal(
        "identity.postgresql.transaction.times",
        "at most",
        1.05,
        "transaction with a token on PostgreSQL, CPU, times without",
    ),
    Goal("narrowing.sqlite.worst", "at most", 2, "search on SQLite by who does not see all, CPU, times unnarrowed"),
    Goal("narrowing.postgresql.worst", "at most", 2, "the same on PostgreSQL, CPU, times unnarrowed"),
    Goal("messages.sqlite.frame.cpu", "at most", 2.5, "a message over MLLP on SQLite, ms of CPU to its answer"),
    Goal("messages.sqlite.times", "at most", 1.5, "the same, CPU, times its bundle over HTTP"),
    Goal("messages.postgresql.times", "at most", 1.5, "the same on PostgreSQL"),
    Goal("messages.sqlite.document.memory", "at most", 150, "a document of 20 MB over MLLP on SQLite, MB added"),
    Goal("dossiers.sqlite.suivi.p95", "at most", 20, "$suivi on SQLite, p95 ms"),
    Goal("dossiers.sqlite.worklist.p95", "at most", 30, "a platform's worklist of 50 on SQLite, p95 ms"),
    Goal("dossiers.sqlite.worklist_open.p95", "at most", 30, "the same of all that is open on SQLite, p95 ms"),
    Goal("dossiers.sqlite.worklist_oldest.p95", "at most", 30, "the same, the oldest first, on SQLite, p95 ms"),
    Goal("dossiers.sqlite.statistics.p95", "at most", 1_000, "$statistiques on SQLite, p95 ms"),
    Goal("dossiers.postgresql.suivi.p95", "at most", 20, "$suivi on PostgreSQL, p95 ms"),
    Goal("dossiers.postgresql.worklist.p95", "at most", 30, "a platform's worklist of 50 on PostgreSQL, p95 ms"),
    Goal("dossiers.postgresql.worklist_open.p95", "at most", 30, "the same of all that is open on PostgreSQL, p95 ms"),
    Goal("dossiers.postgresql.worklist_oldest.p95", "at most", 30, "the same, the oldest first, on PostgreSQL, p95 ms"),
    Goal("dossiers.postgresql.statistics.p95", "at most", 1_000, "$statistiques on PostgreSQL, p95 ms"),
    Goal("start.sqlite.warm.beyond", "at most", 0.5, "warm start on SQLite beyond the libraries, s"),
    Goal("start.sqlite.cold.beyond", "at most", 1.5, "cold start on SQLite beyond the libraries, s"),
    Goal("start.postgresql.warm.beyond", "at most", 0.5, "warm start on PostgreSQL beyond the libraries, s"),
    Goal("validation.example", "at most", 0.3, "validation of the median official example, ms of CPU"),
    Goal("validation.patient", "at most", 0.1, "validation of the median Patient, ms of CPU"),
    Goal("validation.genomics", "at most", 3, "validation of the largest genomics example but Bundles, ms of CPU"),
    Goal("validation.genomics_bundle", "at most", 40, "validation of the genomics Bundle of 360 kB, ms of CPU"),
    Goal("validation.growth", "at most", 1.3, "an entry of a Bundle of 10,000, times one of 1,000"),
    Goal("validation.memory", "at most", 350, "memory with R4, terminology, extensions, French core, genomics, MB"),
    Goal("validation.first", "at most", 1, "the first verdict of a process, s"),
    Goal("terminology.validate", "at most", 20, "a code validated in process, warm, µs of CPU"),
    Goal("terminology.page", "at most", 10, "a page of 100 of 20,000 codes, ms of CPU"),
    Goal("terminology.page_excluding", "at most", 10, "a page of 100 of 20,000 codes but one, ms of CPU"),
    Goal("mappings.adt.least", "at most", 0.4, "an admission of 2 kB made into FHIR, in process, ms of CPU"),
    Goal("mappings.document.memory", "at most", 150, "a document of 20 MB mapped, added to the peak of memory, MB"),
    Goal("results.sqlite.vcf.cpu", "at most", 60, "30 variants of a VCF imported on SQLite, ms of CPU"),
    Goal(
        "results.sqlite.spice.cpu", "at most", 60, "30 variants of a SPICE prescription imported on SQLite, ms of CPU"
    ),
    Goal("results.sqlite.fhir.cpu", "at most", 60, "30 variants of a transaction imported on SQLite, ms of CPU"),
    Goal("results.sqlite.page.cpu", "at most", 10, "a page of 1,000 dossiers as AURAGEN files on SQLite, s of CPU"),
    Goal("results.sqlite.page.memory", "at most", 100, "the same, added to the peak of memory, MB"),
    Goal("results.postgresql.vcf.cpu", "at most", 60, "30 variants of a VCF imported on PostgreSQL, ms of CPU"),
    Goal(
        "results.postgresql.spice.cpu",
        "at most",
        60,
        "30 variants of a SPICE prescription imported on PostgreSQL, ms of CPU",
    ),
    Goal(
        "results.postgresql.fhir.cpu", "at most", 60, "30 variants of a transaction imported on PostgreSQL, ms of CPU"
    ),
    Goal(
        "results.postgresql.page.cpu",
        "at most",
        10,
        "a page of 1,000 dossiers as AURAGEN files on PostgreSQL, s of CPU",
    ),
    Goal("results.postgresql.page.memory", "at most", 100, "the same, added to the peak of memory, MB"),
    Goal("results.vcf.reduced", "at most", 2, "a VCF of 100,000 records reduced to those reported, s of CPU"),
    Goal("start.postgresql.cold.beyond", "at most", 1.5, "cold start on PostgreSQL beyond the libraries, s"),
)


def shown(value: float) -> str:
    """Return a number with three digits that count."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 0.995 else f"{value:.3f}"


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return rows as a table of text, the first column to the left, the others to the right."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = [
        "  ".join(cell.rjust(width) if column else cell.ljust(width) for column, (cell, width) in enumerate(pairs))
        for pairs in (zip(row, widths, strict=True) for row in [head, tuple("-" * width for width in widths), *rows])
    ]
    return "\n".join(line.rstrip() for line in lines)


def goal_rows(figures: Figures) -> list[tuple[str, ...]]:
    """Return the goals that were measured, as rows of a table."""
    verdicts = {True: "reached", False: "NOT REACHED"}
    return [
        (goal.says, str(figures[goal.figure]), f"{goal.bound} {goal.value:g}", verdicts[reached])
        for goal in GOALS
        if (reached := goal.reached(figures)) is not None
    ]

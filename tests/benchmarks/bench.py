"""What the gateway costs as it is shipped, against what it could cost at least: `make bench` and `make bench-full`.

    python -m tests.benchmarks.bench            the 22 Synthea Bundles, three alternations (5 minutes)
    python -m tests.benchmarks.bench --full     twenty copies of them, imported once, and searches (40 minutes)
    python -m tests.benchmarks.bench --profile  where an import, a read by id and a search spend their time

Prints tables and writes `build/bench.json`. Ends with status 0 whatever the figures are, except with --check.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path

from tests.benchmarks import (
    dossiers,
    filled,
    identity,
    imports,
    mappings,
    messages,
    narrowed,
    profile_import,
    profile_read,
    profile_search,
    reads,
    report,
    results,
    searches,
    starts,
    synthea,
    terminologies,
    validations,
)
from tests.benchmarks.engines import BUILD, ENGINES, Engine, opened, scratch
from tests.benchmarks.figures import GOALS, Figures

COPIES = 20
ROUNDS = 3
BUSY = 1.0  # load average
PARTS = (
    "import",
    "read",
    "identity",
    "narrowing",
    "dossiers",
    "start",
    "search",
    "validation",
    "terminology",
    "hl7v2",
    "mllp",
    "results",
)
# Parts that have stores of their own, or none.
_APART = frozenset(
    {"identity", "narrowing", "dossiers", "start", "validation", "terminology", "hl7v2", "mllp", "results"}
)
RESULT = BUILD / "bench.json"


def main() -> int:
    options = _options()
    with scratch() as folder:
        stores = filled.FOLDER if options.full else folder / "stores"
        with opened(options.engine, stores, keep=options.full) as engines:
            if options.profile:
                return _profile(engines, options.only)
            return _bench(engines, options, folder)


def _bench(engines: list[Engine], options: argparse.Namespace, folder: Path) -> int:
    begun, busy = time.monotonic(), os.getloadavg()[0]
    figures = Figures()
    unmeasured = 0.0
    for engine in engines:
        unmeasured += _measure(engine, options, folder, figures)
    if "validation" in options.only:
        _say("validation")
        validations.measure(options.rounds, folder, figures)
    if "terminology" in options.only:
        _say("terminology")
        terminologies.measure(figures)
    if "hl7v2" in options.only:
        _say("messages of HL7 v2")
        mappings.measure(figures, folder)
    if "results" in options.only:
        _say("a VCF reduced to what is reported")
        results.measure_reading(figures)
    about = {
        "full": options.full,
        "seconds": round(time.monotonic() - begun - unmeasured),
        "seconds_of_filling": round(unmeasured),
        "machine": {
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            "load_before": busy,
            "databases": [engine.version() for engine in engines],
        },
    }
    print(report.text(figures))
    if busy > BUSY:
        print(f"\nOther work went on (load {busy:.1f}): wall times tell little, CPU times more.")
    RESULT.write_text(json.dumps(about | report.as_json(figures), indent=1) + "\n", encoding="utf-8")
    print(f"\n{about['seconds']} s, and {about['seconds_of_filling']} s of filling. All figures: build/{RESULT.name}")
    return 1 if options.check and any(goal.reached(figures) is False for goal in GOALS) else 0


def _measure(engine: Engine, options: argparse.Namespace, folder: Path, figures: Figures) -> float:
    """Measure on one engine; return the seconds that filling a store took which is not measured itself."""
    parts, filling, url = options.only, 0.0, ""
    if options.full and not _APART.issuperset(parts):
        _say(f"{engine.name}: a store with {options.copies} copies")
        url, filling = filled.store(engine, options.copies, folder, figures, reuse=options.reuse)
    elif "import" in parts:
        _say(f"{engine.name}: import")
        url = imports.measure(engine, 1, options.rounds, folder, figures)
    elif {"read", "search"} & set(parts):
        begun = time.monotonic()
        url = engine.create()
        imports.through_http(engine, url, synthea.bundles())
        filling = time.monotonic() - begun
    if "read" in parts:
        _say(f"{engine.name}: read by id")
        reads.measure(engine, url, options.rounds, folder, figures)
    if "identity" in parts:
        _say(f"{engine.name}: identity")
        identity.measure(engine, options.rounds, folder, figures)
    if "narrowing" in parts:
        _say(f"{engine.name}: a store that is shared")
        shared, seconds = narrowed.store(engine, options.copies if options.full else 1, folder, options.reuse)
        filling += seconds
        _say(f"{engine.name}: narrowed searches")
        narrowed.measure(engine, shared, folder, figures, whole=options.full)
    if "dossiers" in parts:
        number, driven = (dossiers.FULL, dossiers.FULL_DRIVEN) if options.full else (dossiers.NUMBER, dossiers.DRIVEN)
        driven = driven if options.driven is None else options.driven
        _say(f"{engine.name}: {number} dossiers, {driven} of them act by act")

        def fill(name: str, of_filling: Figures) -> None:
            dossiers.fill(engine, engine.create(name), number, driven, folder, of_filling)

        of_dossiers, seconds = filled.kept(engine, f"dossiers_{number}_{driven}", fill, figures, options.reuse)
        filling += seconds
        _say(f"{engine.name}: dossiers")
        dossiers.measure(engine, of_dossiers, folder, figures)
    if "search" in parts:
        small = None
        if options.full:
            _say(f"{engine.name}: a store with one copy")
            small, seconds = filled.store(engine, 1, folder, Figures(), reuse=options.reuse)
            filling += seconds
        _say(f"{engine.name}: search")
        searches.measure(engine, url, figures, small)
    if "mllp" in parts:
        _say(f"{engine.name}: messages over MLLP")
        messages.measure(engine, options.rounds, folder, figures)
    if "results" in parts:
        _say(f"{engine.name}: results of platforms")
        results.measure(engine, folder, figures)
    if "start" in parts:
        _say(f"{engine.name}: start")
        starts.measure(engine, options.rounds, folder, figures)
    return filling


def _profile(engines: list[Engine], parts: list[str]) -> int:
    profiles = {"import": profile_import.text, "read": profile_read.text, "search": profile_search.text}
    for engine in engines:
        for part in parts:
            if part in profiles:
                print(profiles[part](engine, engine.create()))
    return 0


def _say(what: str) -> None:
    print(f"… {what}", file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--full", action="store_true", help=f"{COPIES} copies, kept under build/")
    parser.add_argument("--copies", type=int, default=COPIES, help=f"with --full: another number than {COPIES}")
    parser.add_argument("--driven", type=int, help="of the dossiers: how many are played act by act through HTTP")
    parser.add_argument("--reuse", action="store_true", help="with --full: stores filled by other code will do")
    parser.add_argument("--engine", action="append", choices=ENGINES, help="only this one")
    parser.add_argument("--only", action="append", choices=PARTS, help="only this part; may be said again")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"alternations (default {ROUNDS})")
    parser.add_argument("--check", action="store_true", help="end with status 1 when a goal is not reached")
    parser.add_argument("--profile", action="store_true", help="show where time goes instead")
    options = parser.parse_args()
    options.engine = options.engine or list(ENGINES)
    options.only = options.only or [part for part in PARTS if part != "search" or options.full or options.profile]
    return options


if __name__ == "__main__":
    sys.exit(main())

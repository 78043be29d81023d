"""Stores with many copies of the Synthea Bundles, filled once and kept under `build/` until the code changes."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path

from tests.benchmarks import imports
from tests.benchmarks.engines import BUILD, Engine
from tests.benchmarks.figures import Figure, Figures

FOLDER = BUILD / "bench-stores"
_PACKAGE = Path(__file__).resolve().parents[2] / "fhir_gateway"


def store(engine: Engine, copies: int, folder: Path, figures: Figures, reuse: bool) -> tuple[str, float]:
    """Return the URL of a filled store, and the seconds that filling it took now.

    The figures of its import are kept with it. One that other code filled is filled anew, unless `reuse`.
    """
    name = f"filled_{copies}"
    record = FOLDER / f"{engine.name}-{copies}.json"
    code = _code()
    if record.exists() and engine.exists(name):
        kept = json.loads(record.read_text(encoding="utf-8"))
        if kept["copies"] == copies and (reuse or kept["code"] == code):
            figures.update({key: Figure(each["unit"], each["values"]) for key, each in kept["figures"].items()})
            return engine.url(name), 0.0
    begun = time.monotonic()
    record.unlink(missing_ok=True)
    of_import = Figures()
    url = imports.measure(engine, copies, 1, folder, of_import, kept=name)
    engine.settle(url)
    record.write_text(json.dumps({"copies": copies, "code": code, "figures": of_import.as_json()}), encoding="utf-8")
    figures.update(of_import)
    return url, time.monotonic() - begun


def _code() -> str:
    """Return a digest of the gateway's code, whatever of it may have a part in what a store holds."""
    digest = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()

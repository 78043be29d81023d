"""Large stores, filled once and kept under `build/` until the code changes."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks import imports
from tests.benchmarks.engines import BUILD, Engine
from tests.benchmarks.figures import Figure, Figures

FOLDER = BUILD / "bench-stores"
_PACKAGE = Path(__file__).resolve().parents[2] / "fhir_gateway"


def store(engine: Engine, copies: int, folder: Path, figures: Figures, reuse: bool) -> tuple[str, float]:
    """Return the URL of a store with so many copies, and the seconds that filling it took now; see `kept`."""

    def fill(name: str, of_import: Figures) -> None:
        engine.settle(imports.measure(engine, copies, 1, folder, of_import, kept=name))

    return kept(engine, f"filled_{copies}", fill, figures, reuse)


def kept(
    engine: Engine, name: str, fill: Callable[[str, Figures], None], figures: Figures, reuse: bool
) -> tuple[str, float]:
    """Return the URL of a filled store, and the seconds that filling it took now.

    `fill`: fills the database of a name; the figures that it notes are kept with the store. One that other code filled
    is filled anew, unless `reuse`.
    """
    record = FOLDER / f"{engine.name}-{name}.json"
    code = _code()
    if record.exists() and engine.exists(name):
        held = json.loads(record.read_text(encoding="utf-8"))
        if reuse or held["code"] == code:
            figures.update({key: Figure(each["unit"], each["values"]) for key, each in held["figures"].items()})
            return engine.url(name), 0.0
    begun = time.monotonic()
    record.unlink(missing_ok=True)
    of_filling = Figures()
    fill(name, of_filling)
    FOLDER.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps({"code": code, "figures": of_filling.as_json()}), encoding="utf-8")
    figures.update(of_filling)
    return engine.url(name), time.monotonic() - begun


def _code() -> str:
    """Return a digest of the gateway's code, whatever of it may have a part in what a store holds."""
    digest = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()

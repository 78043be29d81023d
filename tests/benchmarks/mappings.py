"""What it costs to turn a message of HL7 v2 into FHIR in process, from its bytes to resources, as CPU time.

The messages are synthetic: an admission of 2 kB as PAM France has it, with next of kin, doctors, diagnoses, insurance,
and two of the golden pairs. They are converted alternately with a fixed loop, since processors differ and other work
slows them: `….turns` is the cost in turns of it.
"""

from __future__ import annotations

import base64
import gc
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from fhir_gateway.app import GC_THRESHOLDS
from fhir_gateway.exchange.hl7v2.convert import Converter, converter, shipped_mappings
from tests.benchmarks.figures import Figures

_GOLDEN = shipped_mappings() / "golden"
_DOCUMENT = 20_000_000  # bytes of OBX-5
_ROUNDS = 60
_AT_ONCE = 5
_MORE = (
    "NK1|1|EPREUVE^ANNE^^^^^L|MTH^Mother^HL70063|1 rue de l'Essai^^VILLE ESSAI^^99999^FRA^H|^PRN^PH^^^^^^^^^0100000001",
    "NK1|2|EPREUVE^MARC^^^^^L|FTH^Father^HL70063|1 rue de l'Essai^^VILLE ESSAI^^99999^FRA^H|^PRN^PH^^^^^^^^^0100000002",
    "PD1|||||||||||N",
    "ROL||UP|ODRP^^HL70443|99000000002^TRAITANT^CAMILLE^^^DR^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^L^^^RPPS",
    "DG1|1||Q87.4^Syndrome de Marfan^CIM10||20260102|A",
    "OBX|1|NM|8302-2^Taille^LN||104|cm^^UCUM|||||F|||20260102083000",
    "OBX|2|NM|29463-7^Poids^LN||17.2|kg^^UCUM|||||F|||20260102083000",
    "AL1|1|DA|PENI^Pénicilline^L|MO|Éruption",
    "IN1|1|REG^Régime général^L|99999|CPAM DE L'ESSAI|2 rue de l'Essai^^VILLE ESSAI^^99999||||||||||||EPREUVE^ANNE|MTH",
    "ZFV|990000015|20260102083000",
    "ACC|20260102080000|D^Domestique^L|Chute dans l'escalier de l'immeuble, sans perte de connaissance ni traumatisme",
)  # fmt: skip
_MEMORY = """
import sys
from pathlib import Path
from fhir_gateway.exchange.hl7v2.convert import converter
convert = converter()
list(convert.convert_all(Path(sys.argv[1]).read_bytes()))
data = Path(sys.argv[2]).read_bytes()
def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1000
Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
before = peak()
made = list(convert.convert_all(data))
print(peak() - before)
"""


def messages() -> dict[str, bytes]:
    """Return what is measured, by name."""
    admission = (_GOLDEN / "adt_a01_admission.hl7").read_bytes().rstrip(b"\r\n")
    return {
        "adt": b"\r".join((admission, *(each.encode() for each in _MORE))),
        "oru": (_GOLDEN / "oru_r01_trio_cad.hl7").read_bytes(),
        "oml": (_GOLDEN / "oml_o21_trio.hl7").read_bytes(),
    }


def measure(figures: Figures, folder: Path) -> None:
    """Measure; the figures are `mappings.…`."""
    before = gc.get_threshold()
    gc.set_threshold(*GC_THRESHOLDS)  # as in the server
    begun = time.process_time()
    convert = converter()
    figures.add("mappings.load", time.process_time() - begun, "s")
    for name, data in messages().items():
        begun = time.process_time()
        made = list(convert.convert_all(data))
        assert all(getattr(each, "result", None) is not None for each in made), name
        figures.add(f"mappings.{name}.first", (time.process_time() - begun) * 1000, "ms")
        for _ in range(50):
            list(convert.convert_all(data))
    gc.collect()
    gc.freeze()
    try:
        for name, data in messages().items():
            _measure(name, convert, data, figures)
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
    _memory(folder, figures)


def _measure(name: str, convert: Converter, data: bytes, figures: Figures) -> None:
    costs, turns = [], []
    for _ in range(_ROUNDS):
        turn = _turn()
        begun = time.process_time()
        for _ in range(_AT_ONCE):
            list(convert.convert_all(data))
        cost = (time.process_time() - begun) / _AT_ONCE
        costs.append(cost)
        turns.append(2 * cost / (turn + _turn()))
    figures.add(f"mappings.{name}.bytes", len(data), "B")
    figures.add(f"mappings.{name}", median(costs) * 1000, "ms")
    figures.add(f"mappings.{name}.least", min(costs) * 1000, "ms")
    figures.add(f"mappings.{name}.turns", median(turns), "turns")


def _turn() -> float:
    """Run the fixed loop; return the CPU seconds it took."""
    begun = time.process_time()
    found: dict[str, dict[str, object]] = {}
    for number in range(1000):
        name = f"a{number % 50}"
        found[name] = {"x": name, "y": [number]}
        found.get(name)
    return time.process_time() - begun


def _memory(folder: Path, figures: Figures) -> None:
    """Measure what a large document adds to the peak of resident memory, in a process of its own."""
    small = _GOLDEN / "mdm_t02_document.hl7"
    segments = small.read_bytes().split(b"\r")
    at = next(at for at, each in enumerate(segments) if each.startswith(b"OBX") and b"|ED|" in each)
    fields = segments[at].split(b"|")
    components = fields[5].split(b"^")
    components[4] = base64.b64encode(os.urandom(_DOCUMENT // 4 * 3))
    fields[5] = b"^".join(components)
    segments[at] = b"|".join(fields)
    large = folder / "large.hl7"
    large.write_bytes(b"\r".join(segments))
    run = subprocess.run(
        [sys.executable, "-c", _MEMORY, str(small), str(large)], check=True, capture_output=True, text=True
    )
    large.unlink()
    figures.add("mappings.document.memory", float(run.stdout), "MB")


if __name__ == "__main__":
    import tempfile

    found = Figures()
    with tempfile.TemporaryDirectory() as name:
        measure(found, Path(name))
    for figure, value in found.items():
        print(f"{figure:30} {value} {value.unit}")

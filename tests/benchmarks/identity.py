"""What it costs to know who asks: reads by id and transactions with a token and a role, against the same without.

The token was verified before, as all but the first request of its life are. A hospital that may see all that it reads
is asked about each resource; an administrateur is not.

Source: FHIR R4, RESTful API, "read", "batch/transaction"; RFC 6750.
"""

from __future__ import annotations

import shutil
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fhir_gateway.policy.policy import shipped
from tests.benchmarks import imports, load, read_floor, reads, synthea
from tests.benchmarks.engines import Engine, serving
from tests.benchmarks.import_floor import names_in
from tests.benchmarks.processes import children, cpu_clock
from tests.benchmarks.tokens import HOSPITAL, identified, token

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.benchmarks.figures import Figures
    from tests.served import Served

_WARM_UP = 3_000  # reads: each resource is remembered, as the floor remembers it
_TURN = 2_000  # reads
_TRACED = 0.7  # seconds within which the records of reads are written
PLAIN, FLOOR = "plain", "floor"
SEEN = ("hospital", "administrator", "hospital_traced", "administrator_traced")


@dataclass(frozen=True, slots=True)
class _Side:
    """One who is measured: a process, its port, and the token sent there."""

    pid: int
    port: int
    token: str = ""


def measure(engine: Engine, rounds: int, folder: Path, figures: Figures) -> None:
    """Measure reads and transactions on databases of their own."""
    url = engine.create()
    fill(url, folder, synthea.bundles())
    _read(engine, url, rounds, folder, figures)
    engine.drop(url)
    _write(engine, rounds, folder, figures)


def fill(url: str, folder: Path, bundles: Iterator[bytes]) -> int:
    """Import Bundles into an empty database in the name of the hospital, whose all of it is then; return how many
    resources they were."""
    with identified(url, folder) as served:
        own = token(served, folder, "administrateur", HOSPITAL)
        resources = sum(_created(served, bundle, own) for bundle in bundles)
        served.stop()
    return resources


def _created(served: Served, bundle: bytes, token: str = "") -> int:
    """Post a transaction and return how many resources it created; raises RuntimeError when it is not all of them."""
    # A connection of its own: one that waits for its turn for long is closed.
    connection = HTTPConnection("127.0.0.1", served.port)
    count = imports.post(connection, served, bundle, token).count(imports.CREATED)
    connection.close()
    if count != (sent := synthea.entries_in(bundle)):
        raise RuntimeError(f"of {sent} entries {count} were created")
    return count


# --- reads


def _read(engine: Engine, url: str, rounds: int, folder: Path, figures: Figures) -> None:
    readable = shipped().types("prescripteur", "read") or frozenset()
    names = [name for name in names_in(url, 2 * reads.PATHS) if name.partition("/")[0] in readable][: reads.PATHS]
    with ExitStack() as stack:
        plain = stack.enter_context(serving(_copy(engine, url, "plain")))
        quiet = stack.enter_context(identified(_copy(engine, url, "quiet"), folder, trace=False))
        traced = stack.enter_context(identified(_copy(engine, url, "traced"), folder))
        base = urlsplit(plain.base).path
        answers = reads.answers(plain, [f"{base}/{name}" for name in names])
        paths = folder / "paths-of-identity"
        paths.write_text("\n".join(answers), encoding="ascii")
        floor = stack.enter_context(read_floor.served(answers, folder))
        sides = {
            FLOOR: _Side(floor.pid, read_floor.port_of(floor)),
            PLAIN: _Side(plain.process.pid, plain.port),
        }
        for suffix, served in (("", quiet), ("_traced", traced)):
            for name, role, organisation in (
                ("hospital", "prescripteur", HOSPITAL),
                ("administrator", "administrateur", None),
            ):
                made = token(served, folder, role, organisation)
                sides[name + suffix] = _Side(served.process.pid, served.port, made)
        for side in sides.values():
            load.ask(side.port, reads.CONNECTIONS, _WARM_UP, paths, side.token)
        for _ in range(rounds):
            _note_reads(engine, _alternate(engine, sides, paths), figures)


def _alternate(engine: Engine, sides: Mapping[str, _Side], paths: Path) -> dict[str, float]:
    """Return the µs of CPU that a read took of each server and of the database, the record of it included.

    They are asked in many short turns, each time beginning with another one, so that what else the machine does falls
    on all alike.
    """
    ns = dict.fromkeys(sides, 0)
    names = list(sides)
    turns = reads.REQUESTS // _TURN
    for turn in range(turns):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            side = sides[name]
            with counted(engine, side.pid) as spent:
                load.ask(side.port, reads.CONNECTIONS, _TURN, paths, side.token)
                if name.endswith("traced"):
                    time.sleep(_TRACED)
            ns[name] += spent.ns
    return {name: spent / turns / _TURN / 1000 for name, spent in ns.items()}


def _note_reads(engine: Engine, cpu: dict[str, float], figures: Figures) -> None:
    prefix = f"identity.{engine.name}.read"
    for name, µs in cpu.items():
        figures.add(f"{prefix}.{name}.cpu", µs, "µs")
        if name in SEEN:
            figures.add(f"{prefix}.{name}.added", µs - cpu[PLAIN], "µs")
            figures.add(f"{prefix}.{name}.of_floor", cpu[FLOOR] / µs, "of the floor")
    for suffix in ("", "_traced"):
        worst = max(cpu[f"{name}{suffix}"] for name in ("hospital", "administrator"))
        figures.add(f"{prefix}.added{suffix}", worst - cpu[PLAIN], "µs")
        figures.add(f"{prefix}.of_floor{suffix}", cpu[FLOOR] / worst, "of the floor")


def _copy(engine: Engine, url: str, name: str) -> str:
    """Return the URL of a database that holds what this one holds: on SQLite one process holds a file."""
    if engine.name == "postgresql":
        return url
    copy = engine.url(f"identity-{name}")
    engine.drop(copy)
    shutil.copy(url.removeprefix("sqlite:///"), copy.removeprefix("sqlite:///"))
    return copy


# --- transactions


def _write(engine: Engine, rounds: int, folder: Path, figures: Figures) -> None:
    """Import copies of the Bundles into three stores, Bundle by Bundle in turn: without an issuer, and by two roles.

    The administrateur is not narrowed, the other one is, and each owns what it creates. The first copy is not counted:
    each process makes ready meanwhile what it validates with.
    """
    names = (PLAIN, "administrator", "hospital")
    urls = {name: engine.create() for name in names}
    with ExitStack() as stack:
        served = {
            PLAIN: stack.enter_context(serving(urls[PLAIN])),
            "administrator": stack.enter_context(identified(urls["administrator"], folder)),
            "hospital": stack.enter_context(identified(urls["hospital"], folder, writes_all=True)),
        }
        tokens = {
            PLAIN: "",
            "administrator": token(served["administrator"], folder, "administrateur", HOSPITAL),
            "hospital": token(served["hospital"], folder, "prescripteur", HOSPITAL),
        }
        whole = len(synthea.files())
        cost: dict[str, list[int]] = {name: [] for name in names}
        resources = 0
        for number, bundle in enumerate(synthea.bundles(1 + rounds), 1):
            # Whoever is first after another finds other things in the processor's caches.
            turn = number % len(names)
            for name in names[turn:] + names[:turn]:
                with counted(engine, served[name].process.pid) as spent:
                    count = _created(served[name], bundle, tokens[name])
                cost[name].append(spent.ns)
            resources += count
            if number % whole == 0:
                if number > whole:
                    _note_writes(engine, cost, resources, figures)
                cost, resources = {name: [] for name in names}, 0
    for url in urls.values():
        engine.drop(url)


def _note_writes(engine: Engine, cost: Mapping[str, Sequence[int]], resources: int, figures: Figures) -> None:
    """Note what each Bundle cost (ns); of the ratios the median, or a neighbour's moment would tell in the sum."""
    prefix = f"identity.{engine.name}.transaction"
    worst = 0.0
    for name, spent in cost.items():
        figures.add(f"{prefix}.{name}.cpu", sum(spent) / resources / 1e6, "ms/resource")
        if name != PLAIN:
            times = median(own / plain for own, plain in zip(spent, cost[PLAIN], strict=True))
            worst = max(worst, times)
            figures.add(f"{prefix}.{name}.times", times, "times without an issuer")
    figures.add(f"{prefix}.times", worst, "times without an issuer")


# --- CPU


class Clocks:
    """The CPU time of a process and of the database's own processes that there are now."""

    def __init__(self, engine: Engine, pid: int) -> None:
        self._pids = [pid, *(children(engine.postmaster) if engine.postmaster is not None else ())]

    def now(self) -> int:
        """Return it in ns. Raises: ProcessLookupError when one of them has ended."""
        return sum(map(cpu_clock, self._pids))

    def by_process(self) -> dict[int, int]:
        """Return it in ns by process, of those that live."""
        found = {}
        for pid in self._pids:
            try:
                found[pid] = cpu_clock(pid)
            except ProcessLookupError:
                continue
        return found


class Spent:
    """CPU time, in ns, when the block has ended."""

    ns = 0


@contextmanager
def counted(engine: Engine, pid: int) -> Iterator[Spent]:
    """Count the CPU time of a process and of the database's own processes, new ones too, while the block runs."""
    spent = Spent()
    before = Clocks(engine, pid).by_process()
    yield spent
    after = Clocks(engine, pid).by_process()
    spent.ns = sum(value - before.get(each, 0) for each, value in after.items())

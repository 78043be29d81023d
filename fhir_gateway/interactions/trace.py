"""The trace: a record of each request that comes to the gate: who, what, about which patients, with what outcome.

The record of a write is a row of the very transaction that writes, so that neither is there without the other. The
record of a read, and of what is refused, waits in memory, half a second at most, and is written with others; a crash
loses those. Waiting records are bounded: whoever finds no room writes what waits. They are given up only when that
fails, and then counted and logged.

What is in a record: the actor as the token says (without the token), the interaction, its type, id and query as they
were asked, of a Bundle what its entries ask, the codes of a refusal, and the ids of the Patients touched: of every
resource shown or written those that its references name (`store.touched`), and the one whose id or compartment the URL
names where the answer is no refusal. No body is in it, nor the inputs of an operation that came as one. Which patients
the resources of a read touch is looked up when its record is written. What is refused before the gate (a token, a URL,
a body that cannot be read) touches nothing and is told in the log of the door.

Source: FHIR R4, Security, "Audit Logging".
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlencode

from fhir_gateway.fhir.outcome import FhirError
from fhir_gateway.interactions.interaction import Actor, Answer, Interaction
from fhir_gateway.store import trace as table
from fhir_gateway.store.contract import Row, Store, Write
from fhir_gateway.store.touched import PATIENT, Touched, patients_of, referred_from
from fhir_gateway.store.view import View
from fhir_gateway.store.writer import Writer

T = TypeVar("T")
logger = logging.getLogger(__name__)

_PAUSE = 0.5  # seconds that a record of a read waits at most
_BOUND = 100_000  # records that wait and resources they name, together
_ROWS = 1_000  # records of one transaction: others' writes wait for some milliseconds
_KNOWN = 16_384  # versions of resources of which it is remembered whom they touch
_LAST_RETRY = 10.0
_REFUSED = 400  # statuses from here on


class Record(NamedTuple):
    """What is known of a request when it is answered. `shown`: numbers (rid) of the resources shown."""

    instant: int  # µs
    duration: int  # µs
    status: int
    actor: Actor
    code: str
    type: str | None
    id: str | None
    shown: Sequence[int]
    issues: Sequence[str] = ()
    more: Mapping[str, Any] | None = None  # what else was asked; parameters are put together when it is written
    version: int = 0  # of the one resource shown, where that is known


class _Request:
    """A request at work."""

    __slots__ = ("_began", "_instant", "actor", "interaction", "written")

    def __init__(self, interaction: Interaction, actor: Actor) -> None:
        self._instant = time.time_ns() // 1000
        self._began = time.perf_counter()
        self.interaction = interaction
        self.actor = actor
        self.written = False  # in a transaction that has committed, unless what carried it out raised something

    def record(self, status: int, shown: Sequence[int] = (), issues: Sequence[str] = ()) -> Record:
        duration = int((time.perf_counter() - self._began) * 1_000_000)
        act = self.interaction
        return Record(
            self._instant, duration, status, self.actor, act.code, act.type, act.id, shown, issues, _more(act)
        )


_here = threading.local()  # `request`: what this thread carries out


def followed(log: TraceLog, interaction: Interaction, actor: Actor, act: Callable[[], Answer]) -> Answer:
    """Carry out `act`, which is what the interaction asks, and leave its record; what it raises is raised."""
    outer: _Request | None = getattr(_here, "request", None)
    request = _here.request = _Request(interaction, actor)
    try:
        answer = act()
    except FhirError as refusal:
        log.add(request.record(refusal.status, issues=_details(refusal)))
        raise
    except Exception:
        log.add(request.record(500))
        raise
    finally:
        _here.request = outer
    if not request.written:
        log.add(request.record(answer.status, answer.shown))
    return answer


def _details(refusal: FhirError) -> Sequence[str]:
    return [issue.complaint.detail for issue in refusal.issues]


def recorded(work: Callable[[Write], T]) -> Callable[[Write], T]:
    """Return what does `work` in a transaction and leaves the record of this thread's request there.

    Without a request that is traced it is `work` itself.
    """
    request: _Request | None = getattr(_here, "request", None)
    if request is None:
        return work

    def traced(tx: Write) -> T:
        assert isinstance(tx, Writer)
        touched = tx.touched = Touched()
        result = work(tx)
        status = 200
        if isinstance(result, Answer):
            status = result.status
            if request.interaction.code in ("transaction", "message"):
                touched.add_stored(tx, result.shown)  # by what it reads; else it shows what it wrote
        table.write(tx, [_row(request.record(status), touched.ids(tx), _actor(request.actor))])
        request.written = True
        return result

    return traced


class TraceLog:
    """The records that wait, and the thread that writes them.

    `rows` and `days`: how many records the database keeps, and how long. `lost`: how many could not be kept.
    """

    def __init__(self, store: Store, rows: int, days: int, bound: int = _BOUND, pause: float = _PAUSE) -> None:
        self._store = store
        self._rows, self._days = rows, days
        self._bound, self._pause = bound, pause
        self._waiting: deque[Record] = deque()
        self._held = 0
        self._lock = threading.Lock()  # of the two above
        self._writing = threading.Lock()
        self._known: dict[tuple[int, int], Sequence[str]] = {}  # by resource and version; of who is writing
        self._bell = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self.lost = 0

    def add_read(self, type: str, id: str, actor: Actor, began: float, came: Answer | Exception) -> None:
        """Leave the record of a plain read by id, on whatever thread it was. began: on `time.perf_counter`."""
        duration = int((time.perf_counter() - began) * 1_000_000)
        instant = time.time_ns() // 1000 - duration
        if isinstance(came, Answer):
            version = came.version or 0
            self.add(Record(instant, duration, came.status, actor, "read", type, id, came.shown, (), None, version))
        elif isinstance(came, FhirError):
            self.add(Record(instant, duration, came.status, actor, "read", type, id, (), _details(came)))
        else:
            self.add(Record(instant, duration, 500, actor, "read", type, id, ()))

    def add(self, record: Record) -> None:
        """Let a record wait to be written. Where there is no room it is made, which takes the time of a write."""
        with self._lock:
            self._waiting.append(record)
            self._held += 1 + len(record.shown)
            held = self._held
        if held * 2 >= self._bound:
            self._bell.set()
        if held >= self._bound:
            self._make_room()

    def _make_room(self) -> None:
        try:
            self.flush()
        except Exception as error:  # noqa: BLE001 - whatever the reason, memory is bounded
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        with self._lock:
            count = len(self._waiting)
            self._waiting.clear()
            self._held = 0
            self.lost += count
        fields = {"records": count, "lost": self.lost}
        logger.critical("traces lost", exc_info=error, extra={"fields": fields})

    def flush(self) -> int:
        """Write what waits; return how many records. Raises: Unavailable, and what waits goes on waiting."""
        written = 0
        with self._writing:
            while records := self._taken():
                try:
                    rows = self._rows_of(records)
                    self._store.write(lambda tx, rows=rows: table.write_beside(tx, rows))  # type: ignore[misc]
                except BaseException:
                    self._put_back(records)
                    raise
                written += len(records)
        return written

    def _taken(self) -> list[Record]:
        with self._lock:
            records = [self._waiting.popleft() for _ in range(min(_ROWS, len(self._waiting)))]
            self._held -= _held_by(records)
        return records

    def _put_back(self, records: Sequence[Record]) -> None:
        with self._lock:
            self._waiting.extendleft(reversed(records))
            self._held += _held_by(records)

    def _rows_of(self, records: Sequence[Record]) -> list[Row]:
        patients = self._patients(records)
        actors: dict[int, dict[str, str]] = {}
        rows = []
        for record in records:
            actor = actors.get(id(record.actor))
            if actor is None:
                actor = actors[id(record.actor)] = _actor(record.actor)
            touched: Iterable[str]
            if len(record.shown) == 1:
                touched = patients.get(record.shown[0], ())
            else:
                touched = {patient for rid in record.shown for patient in patients.get(rid, ())}
            rows.append(_row(record, touched, actor))
        return rows

    def _patients(self, records: Iterable[Record]) -> dict[int, Sequence[str]]:
        """Return the ids of the Patients that each of the resources shown touches, by its number.

        What a version refers to stays as it is; of a plain read it is known which version it showed.
        """
        found: dict[int, Sequence[str]] = {}
        read: dict[int, int] = {}
        others: set[int] = set()
        for record in records:
            if not record.version:
                others.update(record.shown)
            elif (known := self._known.get((record.shown[0], record.version))) is None:
                read[record.shown[0]] = record.version
            else:
                found[record.shown[0]] = known
        if read or others:
            with self._store.read(feed=False) as view:
                assert isinstance(view, View)
                referred = referred_from(view, read)
                found |= patients_of(view, others) if others else {}
            if len(self._known) > _KNOWN:
                self._known.clear()
            for place in read.items():
                found[place[0]] = self._known[place] = referred.get(place[0], ())
        return found

    # --- the thread

    def start(self) -> None:
        """Begin to write what waits, twice a second."""
        self._thread = threading.Thread(target=self._run, name="trace", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, and end. Records that come later wait for nobody."""
        self._stopping = True
        self._bell.set()
        if self._thread is not None:
            self._thread.join()
        self._make_room()

    def _run(self) -> None:
        pause = self._pause
        while not self._stopping:
            self._bell.wait(pause)
            self._bell.clear()
            try:
                if self.flush():
                    table.trim(self._store, self._rows, self._days)
                pause = self._pause
            except Exception as error:  # the thread's edge: told, and tried again
                pause = min(pause * 2, _LAST_RETRY)
                fields = {"waiting": len(self._waiting), "again_in": pause}
                logger.error("traces not written", exc_info=error, extra={"fields": fields})

    def gauges(self) -> dict[str, tuple[str, float]]:
        """Return what is told of the trace at each scrape."""
        return {
            "trace_waiting": ("Records of requests that wait to be written.", float(len(self._waiting))),
            "trace_lost": ("Records of requests that could not be written.", float(self.lost)),
        }


def _held_by(records: Iterable[Record]) -> int:
    return sum(1 + len(record.shown) for record in records)


def _actor(actor: Actor) -> dict[str, str]:
    names = ("role", "kind", "subject", "issuer", "client", "organisation", "rpps")
    return {name: value for name in names if (value := getattr(actor, name))}


def _row(record: Record, patients: Iterable[str], actor: Mapping[str, str]) -> Row:
    told: dict[str, Any] = {"actor": actor, "interaction": record.code}
    touched = {*patients}
    if record.type is not None:
        told["type"] = record.type
    if record.id is not None:
        told["id"] = record.id
        if record.type == PATIENT and record.status < _REFUSED:
            touched.add(record.id)
    if record.more:
        told |= record.more
        owner, _, id = record.more.get("compartment", "").partition("/")
        if owner == PATIENT and record.status < _REFUSED:
            touched.add(id)
        if "query" in told:
            told["query"] = urlencode(told["query"], safe=":,/|$", errors="surrogatepass")
    if record.shown:
        told["resources"] = len(record.shown)
    if touched:
        told["patients"] = sorted(touched)
    if record.issues:
        told["issues"] = record.issues
    return (record.instant, record.duration, record.status, table.packed(told))


def _more(interaction: Interaction) -> dict[str, Any]:
    more: dict[str, Any] = {}
    if interaction.version is not None:
        more["version"] = interaction.version
    if interaction.operation is not None:
        more["operation"] = interaction.operation
    if interaction.compartment is not None:
        more["compartment"] = "/".join(interaction.compartment)
    if interaction.parameters:
        more["query"] = interaction.parameters
    if interaction.conditions.if_none_exist is not None:
        more["if_none_exist"] = interaction.conditions.if_none_exist
    if interaction.message is not None:
        more["message"] = interaction.message.told()
    if interaction.code in ("batch", "transaction") and interaction.resource is not None:
        more |= _entries(interaction.resource)
    return more


def _entries(bundle: Mapping[str, Any]) -> dict[str, Any]:
    """Return how often a Bundle asks what of which type, and what is a query in it, as sent."""
    acts: Counter[str] = Counter()
    queries = []
    for entry in bundle.get("entry", ()):
        request = entry.get("request", {})
        method, url = request.get("method", ""), request.get("url", "")
        acts[f"{method} {url.partition('?')[0].partition('/')[0]}".strip()] += 1
        if "?" in url:
            queries.append(f"{method} {url}")
        if "ifNoneExist" in request:
            queries.append(f"{method} {url} if none exist {request['ifNoneExist']}")
    return {"entries": acts, **({"queries": queries} if queries else {})}

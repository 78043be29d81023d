"""Who does what several processes on one database would all do: one of them, for a while, until it ends or goes away.

Source: this project's own; as the head of a line is held in `outbox.py`.
"""

from __future__ import annotations

import time
from secrets import token_hex

import msgspec

from fhir_gateway.store.contract import Locks, Read, Store, Write
from fhir_gateway.store.writer import Writer

SECONDS = 60.0


class Lease:
    """A piece of work by its name. On SQLite, which one process has at a time, it is always held.

    Safe for one thread. `seconds`: after which another process does the work of one that has gone away.
    """

    def __init__(self, store: Store, name: str, seconds: float = SECONDS) -> None:
        self._store = store
        self._name = f"lease {name}"
        self._seconds = seconds
        self._own = token_hex(8)

    def held(self) -> bool:
        """Tell whether this process is to do the work now; it is asked before each piece, which renews the lease.

        Raises: Unavailable when the database does not answer.
        """
        if self._store.dialect == "sqlite":
            return True
        with self._store.read(feed=False) as view:
            holder, until = self._state(view)
        left = until - time.time()
        if holder == self._own and left > self._seconds / 2:
            return True
        if holder != self._own and left > 0:
            return False
        return self._store.write(self._take, Locks(criteria=frozenset({self._name})))

    def let_go(self) -> None:
        """Leave the work to whoever asks next."""
        if self._store.dialect != "sqlite":
            self._store.write(self._leave, Locks(criteria=frozenset({self._name})))

    def _take(self, tx: Write) -> bool:
        assert isinstance(tx, Writer)
        tx.beside = True
        holder, until = self._state(tx)
        if holder != self._own and until > time.time():
            return False
        self._put(tx, time.time() + self._seconds)
        return True

    def _leave(self, tx: Write) -> None:
        assert isinstance(tx, Writer)
        tx.beside = True
        if self._state(tx)[0] == self._own:
            self._put(tx, 0.0)

    def _state(self, view: Read) -> tuple[str, float]:
        """Return who holds it, and until when (seconds since 1970)."""
        found = view.rows("SELECT value FROM gateway_setting WHERE name = ?", (self._name,))
        return msgspec.json.decode(bytes(found[0][0]), type=tuple[str, float]) if found else ("", 0.0)

    def _put(self, tx: Writer, until: float) -> None:
        value = msgspec.json.encode((self._own, until))
        if not tx.rows("UPDATE gateway_setting SET value = ? WHERE name = ? RETURNING name", (value, self._name)):
            tx.insert("gateway_setting", ("name", "value"), [(self._name, value)])

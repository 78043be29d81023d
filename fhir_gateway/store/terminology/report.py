"""What the command says while it loads, lists and removes code systems.

Source: README.md of the project, "Terminology".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from fhir_gateway.fhir.outcome import Unprocessable
from fhir_gateway.store.contract import Store
from fhir_gateway.store.terminology import complaints
from fhir_gateway.store.terminology.loaded import Loaded, listed
from fhir_gateway.store.terminology.loading import load as laid_down
from fhir_gateway.store.terminology.loading import remove as taken_away
from fhir_gateway.terminology.releases.kinds import KINDS, read
from fhir_gateway.terminology.releases.prepared import Prepared

Say = Callable[..., None]


def load(
    store: Store, words: Sequence[str], version: str | None, system: str | None, say: Say, live: bool = False
) -> None:
    """Load what the words say: a kind of release, then its files. `live`: progress is shown as it comes.

    Raises: FhirError.
    """
    kind, *paths = words
    if kind not in KINDS:
        raise Unprocessable(complaints.KIND_UNKNOWN.at(kind=kind, kinds=", ".join(KINDS)))
    begun = time.monotonic()
    progress = _Progress(say, live)
    prepared = Prepared(read(kind, [Path(path) for path in paths], version, system), progress.tell)
    try:
        loaded = laid_down(store, prepared, progress.tell)
    finally:
        prepared.close()
        progress.end()
    say(f"{described(loaded)}, {time.monotonic() - begun:.1f} s")


def remove(store: Store, canonical: str, say: Say) -> None:
    """Take a code system away. Raises: NotFound."""
    for each in taken_away(store, canonical):
        say(f"- {described(each)}")


def list_all(store: Store, say: Say) -> None:
    """Say what is loaded."""
    for each in listed(store):
        when = datetime.fromtimestamp(each.loaded / 1e6, UTC).strftime("%Y-%m-%d %H:%M")
        say(f"{described(each)}, {when}")


def described(loaded: Loaded) -> str:
    """Return a line about a code system that is loaded."""
    supplement = f" (+ {loaded.supplements})" if loaded.supplements else ""
    return f"{loaded.canonical}{supplement}: {loaded.concepts} concepts, {loaded.names} names"


class _Progress:
    """How far a load is, on a line that is written over."""

    def __init__(self, say: Say, live: bool) -> None:
        self._say = say
        self._live = live
        self._shown = 0.0

    def tell(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if self._live and now - self._shown >= 0.2:
            self._shown = now
            self._say(f"\r\033[K{what} {done}{f'/{total}' if total else ''}", nl=False, err=True)

    def end(self) -> None:
        if self._live:
            self._say("\r\033[K", nl=False, err=True)

"""What the doors of the platforms' files need besides a gateway: formats, keys of pseudonyms, hosts that may be named.

Source: issue of platform formats; `fhir_gateway/exchange/files.py`, `fhir_gateway/store/pseudonyms.py`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fhir_gateway.exchange.cad.cad import Cad
    from fhir_gateway.exchange.files import Formats
    from fhir_gateway.policy.collectors import DepositAddress
    from fhir_gateway.store.pseudonyms import Keyring


class BadPlatformFiles(ValueError):
    """Keys or tables of the platforms' files that cannot be used; the text says which file and why."""


class PlatformFiles:
    """Made at start; the formats are compiled where the first file is asked for. Safe for any number of threads.

    `tables`: private tables of platforms by name, code to code. `keys`: None: no pseudonym is known or made. `hosts`:
    of urls that an announced file may have. `collectors`: of the laboratories whose deposits are made here.
    """

    def __init__(
        self,
        tables: Mapping[str, Mapping[str, str]] | None = None,
        keys: Keyring | None = None,
        hosts: Iterable[str] = (),
        collectors: Sequence[DepositAddress] = (),
    ) -> None:
        self.keys = keys
        self.hosts = frozenset(hosts)
        self._tables = tables or {}
        self._collectors = tuple(collectors)
        self._lock = threading.Lock()
        self._formats: Formats | None = None

    @property
    def formats(self) -> Formats:
        """The formats, with the private tables and the collectors."""
        with self._lock:
            if self._formats is None:
                from fhir_gateway.exchange.files import Formats

                self._formats = Formats(self._tables, self._writers())
            return self._formats

    def _writers(self) -> dict[str, Cad]:
        """Return who writes the deposits of a laboratory, by its identifier."""
        if not self._collectors:
            return {}
        from fhir_gateway.exchange.cad.cad import Cad
        from fhir_gateway.exchange.cad.dossier import NUMBERS
        from fhir_gateway.interactions.deposits import sender_of

        return {
            str(each.actor.organisation): Cad(sender_of(each), each.numbers or NUMBERS) for each in self._collectors
        }

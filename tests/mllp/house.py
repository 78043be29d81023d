"""A gateway on a fresh SQLite file and a listener in this process, on a loop of its own thread."""

from __future__ import annotations

import asyncio
import ssl
import threading
from pathlib import Path
from typing import Any, Self

from fhir_gateway.app import open_gateway
from fhir_gateway.exchange.hl7v2.convert import Converter, converter
from fhir_gateway.interactions.message import Intake
from fhir_gateway.mllp.server import Bounds, Server
from fhir_gateway.policy.actor import Actor
from fhir_gateway.policy.partners import Partner, Partners
from fhir_gateway.policy.scopes import read
from fhir_gateway.settings import Settings
from tests.mllp.feed import FINESS, HOSPITAL

GAM = Partner(
    "gam",
    Actor("flux-hospitalier", "hl7v2", "gam", organisation=f"{FINESS}|{HOSPITAL}", scopes=read("system/*.cruds")),
    (("GAM", "*"),),
)
_RULES: list[Converter] = []


def rules() -> Converter:
    """Return the mappings that ship, compiled once for all tests of a process."""
    if not _RULES:
        _RULES.append(converter())
    return _RULES[0]


class House:
    """Use it as a context. `port`: of the listener; `intake` may be another one than the gateway's own."""

    def __init__(
        self,
        folder: Path,
        bounds: Bounds | None = None,
        intake: Any = None,
        context: ssl.SSLContext | None = None,
        partner: Partner = GAM,
    ) -> None:
        self._bounds = bounds or Bounds()
        self._context = context
        self.gateway = None
        if intake is None:
            settings = Settings(database=f"sqlite:///{folder / 'gateway.sqlite'}", synchronous="NORMAL")
            self.gateway = open_gateway(settings)
            intake = Intake(self.gateway, Partners([partner]), lambda _: rules(), self._bounds.message_bytes)
        self.intake = intake
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.port = 0

    def run(self, work: Any) -> Any:
        """Run something on the loop, and return what comes of it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def __enter__(self) -> Self:
        self._thread.start()
        self.run(self._start())
        return self

    async def _start(self) -> None:
        self.server = Server(self.intake, self._bounds, self._context)
        _, self.port = await self.server.start("127.0.0.1", 0)

    def stop(self, seconds: float = 10.0) -> None:
        self.run(self.server.stop(seconds))

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        if self.gateway is not None:
            self.gateway.store.close()

"""Messages of hospitals put together: who may send, by which rules they are read, where they come in, where they go."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from typing import TYPE_CHECKING

from fhir_gateway.delivery.lines import Lines, Route
from fhir_gateway.delivery.mllp_client import Address, Patience
from fhir_gateway.delivery.mllp_client import context_of as client_context
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.message import Intake
from fhir_gateway.interactions.outgoing_gathering import writer
from fhir_gateway.mllp.drop_folder import DropFolder
from fhir_gateway.mllp.result_folder import ResultFolder
from fhir_gateway.mllp.server import Bounds, Server
from fhir_gateway.mllp.tls import context_of
from fhir_gateway.policy.destinations import Destination
from fhir_gateway.policy.partners import Partners, partners_of
from fhir_gateway.rest.hl7v2 import Messages
from fhir_gateway.settings import Settings

if TYPE_CHECKING:
    from fhir_gateway.exchange.hl7v2.current import Current, Refused

logger = logging.getLogger(__name__)

_REFUSED = "1 where changed mappings are wrong and the last good version stays in force"
_STOP_SHARE = 0.8  # of the seconds that requests at work have to end
_ANSWER_SECONDS = 5.0  # that a destination has to answer at the end: what it does not answer is sent again


class Feeds:
    """What takes in messages, while the gateway is open."""

    def __init__(
        self,
        messages: Messages,
        rules: Current,
        server: Server | None,
        folder: DropFolder | None,
        lines: Lines | None = None,
        results: ResultFolder | None = None,
    ) -> None:
        self._messages = messages
        self._rules = rules
        self._server = server
        self._folder = folder
        self._lines = lines
        self._results = results

    async def close(self, seconds: float) -> None:
        """End in good order: what was begun is answered."""
        self._messages.intake = None
        if self._server is not None:
            await self._server.stop(seconds * _STOP_SHARE)
        if self._folder is not None:
            self._folder.stop()
        if self._results is not None:
            await asyncio.to_thread(self._results.stop)
        if self._lines is not None:
            await asyncio.to_thread(self._lines.stop, min(seconds * _STOP_SHARE, _ANSWER_SECONDS))

    def gauges(self) -> dict[str, tuple[str, float]]:
        told = {} if self._server is None else self._server.gauges()
        told["mappings_refused"] = (_REFUSED, float(self.refused is not None))
        return told if self._lines is None else told | self._lines.gauges()

    @property
    def refused(self) -> Refused | None:
        """Why the newest mappings are not in force; None where they are."""
        return self._rules.refused

    def reload(self) -> None:
        """Read the mappings again, in a thread; where they are wrong the last good version stays."""
        threading.Thread(target=self._rules.reload, name="mappings", daemon=True).start()


def rules_of(settings: Settings) -> Current:
    """Return the mappings in force, of what comes in and of what is sent: one for all who ask."""
    from fhir_gateway.exchange.hl7v2.current import Current  # a start waits for it only where messages come

    return Current(settings.mappings_folder)


def intake_of(settings: Settings, gateway: Gateway, rules: Current | None = None) -> Intake:
    """Return what takes messages in, by the partners of these settings. Raises: BadPartners, MappingError."""
    partners = partners_of(settings.partners) if settings.partners is not None else Partners()
    rules = rules or rules_of(settings)
    for partner in partners.all:  # what is wrong keeps it from starting
        if partner.sending:
            rules.of(partner.sites)
            rules.out(partner.sites)
        if partner.destination is not None:
            rules.out(partner.destination.sites)
    return Intake(gateway, partners, rules.of, settings.max_message_bytes, rules.out)


async def opened_feeds(settings: Settings, gateway: Gateway, messages: Messages) -> Feeds:
    """Open the doors that these settings ask for.

    Raises: BadPartners, BadCertificate, BadCertificates, MappingError, OSError when the address cannot be listened on.
    """
    rules = rules_of(settings)
    intake = intake_of(settings, gateway, rules)
    messages.intake = intake
    if settings.partners is not None and (resumed := intake.resume()):
        logger.info("messages resumed", extra={"fields": {"messages": resumed}})
    folder = None
    if settings.drop_folder is not None:
        folder = DropFolder(settings.drop_folder, intake)
        folder.start()
    results = None
    if settings.result_folder is not None:
        results = ResultFolder(settings.result_folder, gateway, settings.base_url, settings.max_body_bytes)
        results.start()
    lines = lines_of(gateway, rules)
    feeds = Feeds(messages, rules, await _listener(settings, intake), folder, lines, results)
    _on_hangup(feeds)
    if lines is not None:
        lines.start()
    return feeds


def _on_hangup(feeds: Feeds) -> None:
    """Have SIGHUP read the mappings again, where this process can be told so."""
    if hasattr(signal, "SIGHUP") and threading.current_thread() is threading.main_thread():
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, feeds.reload)


def lines_of(gateway: Gateway, rules: Current) -> Lines | None:
    """Return what sends to the destinations of a gateway; None where it has none. Raises: BadCertificates."""
    routes = {name: route_of(each) for name, each in gateway.destinations.by_name.items()}
    return Lines(gateway.store, routes, writer(gateway, rules.out)) if routes else None


def route_of(destination: Destination) -> Route:
    """Return how a destination is sent to. Raises: BadCertificates."""
    context = None
    if destination.tls:
        context = client_context(destination.certificate, destination.key, destination.authority)
    return Route(
        destination.name,
        Address(destination.host, destination.port, context, destination.certificate_name),
        Patience(answer_seconds=destination.answer_seconds),
        enhanced=destination.acknowledgement == "enhanced",
        waits=destination.rejected == "wait",
        kept=destination.connection == "kept",
        give_up_seconds=destination.give_up_hours * 3600,
    )


async def _listener(settings: Settings, intake: Intake) -> Server | None:
    if settings.mllp_port is None:
        return None
    context = None
    if settings.mllp_certificate is not None and settings.mllp_authority is not None:
        context = context_of(settings.mllp_certificate, settings.mllp_key, settings.mllp_authority)
    bounds = Bounds(
        settings.max_message_bytes,
        max(settings.max_held_bytes, 2 * settings.max_message_bytes),
        settings.mllp_connections,
        settings.mllp_idle_timeout,
        settings.request_timeout,
        settings.mllp_write_timeout,
        settings.mllp_threads,
    )
    server = Server(intake, bounds, context)
    host, port = await server.start(settings.mllp_host, settings.mllp_port, shared=settings.workers > 1)
    logger.info("listening", extra={"fields": {"mllp": f"{host}:{port}", "tls": context is not None}})
    return server

"""A house with a front door and invented acts behind it, asked in process, without a socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import unquote

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.interactions.interaction import Actor, Answer, Conditions, Interaction
from fhir_gateway.rest.answer import Acts
from fhir_gateway.rest.dispatch import Door
from fhir_gateway.rest.identity import Identity
from fhir_gateway.rest.metrics import Metrics
from fhir_gateway.rest.representations import Representations
from fhir_gateway.settings import Settings

PATIENT = b'{"resourceType":"Patient","id":"1","active":true}'
INSTANT = 1_763_759_015_000_000  # 2025-11-21T21:03:35Z
HOST = ("Host", "localhost:8080")

Outcome = Answer | Exception | Callable[[Interaction], Answer]


@dataclass(slots=True)
class Reply:
    """What came back over ASGI. Header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def details(self) -> list[str]:
        """The detail codes of an OperationOutcome."""
        return [issue["details"]["coding"][0]["code"] for issue in self.json["issue"]]

    @property
    def text(self) -> str:
        return str(self.json["issue"][0]["details"]["text"])


@cache
def representations() -> Representations:
    return Representations(definitions().types)


@dataclass
class House:
    """A door whose acts answer what `says` says; `asked` keeps what they were asked."""

    says: Outcome = field(default_factory=lambda: Answer(200, PATIENT, 3, INSTANT))
    settings: Settings = field(default_factory=Settings)
    short: bool = False  # whether reads have their short way
    asked: list[Interaction] = field(default_factory=list)
    read: list[tuple[str, str, Conditions]] = field(default_factory=list)
    identity: Identity | None = None
    actors: list[Actor] = field(default_factory=list)  # who asked
    door: Door = field(init=False)
    metrics: Metrics = field(init=False)

    def __post_init__(self) -> None:
        async def pages(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
            await send({"type": "http.response.body", "body": b"a page"})

        self.metrics = Metrics()
        self.door = Door(self.settings, pages, self.metrics)
        self.door.open(
            Acts(self.perform, representations(), self.read_now if self.short else None, None, self.identity)
        )

    def perform(self, interaction: Interaction, actor: Actor) -> Answer:
        self.asked.append(interaction)
        self.actors.append(actor)
        return self._said(interaction)

    def read_now(self, type_: str, id_: str, conditions: Conditions, actor: Actor) -> Answer:
        self.actors.append(actor)
        self.read.append((type_, id_, conditions))
        return self._said(Interaction("read", type_, id_))

    def _said(self, interaction: Interaction) -> Answer:
        if isinstance(self.says, Exception):
            raise self.says
        return self.says if isinstance(self.says, Answer) else self.says(interaction)

    @property
    def interaction(self) -> Interaction:
        """The one interaction that was asked for."""
        (only,) = self.asked
        return only

    def ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        body: bytes | Iterable[bytes] = b"",
    ) -> Reply:
        """Send one request, its body in as many pieces as are given, and return the reply."""
        fields = list(headers.items() if isinstance(headers, Mapping) else headers)
        if all(name.lower() != "host" for name, _ in fields):
            fields.insert(0, HOST)
        pieces = [body] if isinstance(body, bytes) else list(body)
        return asyncio.run(ask(self.door, method, url, fields, pieces))

    def post(self, url: str, body: bytes, content_type: str = "application/fhir+json", **headers: str) -> Reply:
        return self.ask("POST", url, {"Content-Type": content_type, **headers}, body)


async def ask(
    app: Any, method: str, url: str, headers: Iterable[tuple[str, str]], pieces: list[bytes], gone: bool = False
) -> Reply:
    """Send one request to an ASGI application. `gone`: the client leaves after the last piece, before its end."""
    path, _, query = url.partition("?")
    fields = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    scope = {
        "type": "http",
        "method": method,
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": fields,
        "scheme": "http",
        "server": ("127.0.0.1", 8080),
        "http_version": "1.1",
        "root_path": "",
        "client": ("127.0.0.1", 1),
    }
    arriving = [
        {"type": "http.request", "body": piece, "more_body": gone or number < len(pieces)}
        for number, piece in enumerate(pieces, 1)
    ]
    if gone:
        arriving.append({"type": "http.disconnect"})
    sent: list[dict[str, Any]] = []
    forever = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if arriving:
            return arriving.pop(0)
        await forever.wait()
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    if not sent:
        return Reply(0, {}, b"")
    names = [name.decode() for name, _ in sent[0]["headers"]]
    assert len(names) == len(set(names)), names
    head = {name.decode(): value.decode("latin-1") for name, value in sent[0]["headers"]}
    return Reply(sent[0]["status"], head, b"".join(message["body"] for message in sent[1:]))

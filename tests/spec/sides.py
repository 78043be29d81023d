"""Two gateways asked alike by one actor: one holds everything, the other only what the actor sees.

Whatever the two answer differently tells the actor of what is hidden from it. Ids are the same on both sides, for the
tests give them; instants and the tokens of pages, which the servers make, are taken out, and nothing else is.

Source: issue 6.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from math import inf
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fhir_gateway import app
from fhir_gateway.app import open_gateway
from fhir_gateway.fhir.json import decode, encode
from fhir_gateway.fhir.outcome import FhirError, operation_outcome
from fhir_gateway.interactions.interaction import Actor, Answer
from fhir_gateway.policy import scopes
from fhir_gateway.rest.dispatch import Door
from fhir_gateway.rest.identity import Identity
from fhir_gateway.rest.metrics import Metrics
from fhir_gateway.settings import Settings
from tests.interactions.desk import BASE, Desk, entry
from tests.rest.house import Reply, ask
from tests.spec.dossiers import Item, Key, Resource, World, finess

GRANTED = scopes.read("system/*.cruds")
PAGES = 4  # of a search or a history that are followed

# What a server makes: instants of commits have six digits of a second, those of the dossiers none.
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d(?::|%3A)\d\d(?::|%3A)\d\d\.\d{6}Z")
_TOKEN = re.compile(r"_page=([^&\"\s]+)")
_AT = re.compile(r"\[\[([A-Za-z]+/[A-Za-z0-9.-]+)\]\]")
_WORD = re.compile(r"xqz\d+")


def actor(role: str, structure: str, granted: scopes.Scopes = GRANTED) -> Actor:
    """Return who acts in a role for a structure ("": for none)."""
    organisation = finess(structure) if structure else None
    return Actor(role, "system", role, "tests", role, organisation, None, granted)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Question:
    """What is asked. In `url` and the conditions [[Patient/x]] stands for the instant of that resource's version."""

    method: str
    url: str
    resource: Resource | None = None
    patch: Any = None
    more: Mapping[str, Any] = field(default_factory=dict)  # of `Desk.ask`

    def words(self) -> set[str]:
        return words_in(repr(self))


@dataclass(frozen=True)
class Said:
    """An answer, or a refusal, as its sender sees it: `text` is the body, `heads` what a door makes headers of."""

    status: int
    heads: tuple[object, ...]
    text: str

    @property
    def told(self) -> tuple[object, ...]:
        """What must be the same on both sides."""
        return (self.status, self.heads, _TOKEN.sub("_page=[page]", _INSTANT.sub("[instant]", self.text)))

    def words(self) -> set[str]:
        """Return the words of resources in it, what its page tokens hold included."""
        return words_in(self.text, *map(_decoded, _TOKEN.findall(self.text)))

    def next(self) -> str | None:
        if self.status != 200 or '"relation":"next"' not in self.text:
            return None
        links = decode(self.text.encode()).get("link", ())
        found: str | None = next((each["url"] for each in links if each.get("relation") == "next"), None)
        return found


def words_in(*texts: str) -> set[str]:
    return {word for text in texts for word in _WORD.findall(text.lower())}


def _decoded(token: str) -> str:
    for part in (token, *token.split(".")):
        try:
            return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode("latin-1")
        except (binascii.Error, ValueError):
            continue
    return token


_HEADERS = {
    "if_match": "If-Match", "if_none_match": "If-None-Match", "if_none_exist": "If-None-Exist",
    "language": "Accept-Language",
}  # fmt: skip
# Instants, numbers of requests; how long a body is says how long its page token is.
_OF_THE_MOMENT = frozenset({"date", "last-modified", "x-request-id", "content-length"})


async def _no_page(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError(f"{scope['path']} is no FHIR request")


class _Ids:
    """Ids in the order they are asked for, beginning anew with each question."""

    def __init__(self) -> None:
        self.question = self.count = 0

    def __call__(self) -> str:
        self.count += 1
        return f"made-{self.question}-{self.count}"


class Side:
    """A gateway that holds some of the dossiers."""

    def __init__(self, database: str, folder: Path, items: Iterable[Item]) -> None:
        given: dict[str, Any] = {"database": database, "public_url": BASE, "data_folder": folder}
        # What is seen may refer to what is not, so that on the other side it refers to nothing.
        self.settings = Settings(**given, validation="structure", integrity_on_write=False)
        gateway = open_gateway(self.settings)
        self.ids = _Ids()
        self.desk = Desk(replace(gateway, new_id=self.ids))
        self.instants: dict[str, str] = {}  # of versions, by the URL of the resource
        for _, together in groupby(items, key=lambda item: item.commit):
            self._write(list(together))
        self.desk = Desk(replace(self.desk.gateway, limits=replace(gateway.limits, integrity_on_write=True)))

    def _write(self, items: Sequence[Item]) -> None:
        """Write what is one commit, and then what became of it, one by one."""
        writer = self.desk.of(actor("administrateur", items[0].owner))
        entries = [entry("PUT", "/".join(item.key), item.resource) for item in items]
        for item, done in zip(items, writer.transact(*entries)["entry"], strict=True):
            self.instants["/".join(item.key)] = done["response"]["lastModified"]
            for version in item.then:
                answer = writer.ask("DELETE" if version is None else "PUT", "/".join(item.key), version)
                if answer.body is not None:
                    self.instants["/".join(item.key)] = decode(answer.body)["meta"]["lastUpdated"]

    def ask(self, asking: Actor, number: int, question: Question) -> Said:
        """Ask, and return what is said."""
        self.ids.question, self.ids.count = number, 0
        more: dict[str, Any] = {
            name: self.here(value) if isinstance(value, str) else value for name, value in question.more.items()
        }
        try:
            answer = self.desk.of(asking).ask(
                question.method, self.here(question.url), question.resource, patch=question.patch, **more
            )
        except FhirError as refusal:
            return refused(refusal, question.more.get("language", "en"))
        return answered(answer)

    def knock(self, asking: Actor, number: int, question: Question) -> Said:
        """Ask by HTTP, and return what is said; the headers are its heads."""
        self.ids.question, self.ids.count = number, 0
        sent = question.resource if question.patch is None else question.patch
        kind = "application/fhir+json" if question.patch is None else "application/json-patch+json"
        more = {name: self.here(value) if isinstance(value, str) else value for name, value in question.more.items()}
        fields = {"Host": "gateway.test", "Authorization": "Bearer token"}
        fields |= {header: more[name] for name, header in _HEADERS.items() if name in more}
        fields |= {"Prefer": "handling=lenient"} if more.get("lenient") else {}
        fields |= {"Content-Type": kind} if sent is not None else {}
        # What stands after the question mark goes on the wire escaped.
        path, mark, query = self.here(question.url).partition("?")
        url = f"/fhir/{path}".rstrip("/") + mark + quote(query, safe="=&%:,;|$*[]@/+-._~")
        body = [encode(sent)] if sent is not None else [b""]
        reply = asyncio.run(self._reply(asking, (question.method, url, list(fields.items()), body)))
        heads = tuple(sorted(each for each in reply.headers.items() if each[0] not in _OF_THE_MOMENT))
        return Said(reply.status, heads, reply.body.decode())

    async def _reply(self, asking: Actor, request: tuple[str, str, Any, Any]) -> Reply:
        gateway = self.desk.gateway
        identity = Identity(lambda _: (asking, inf), BASE, f"{BASE}/metadata")
        lane = app._lane(self.settings, gateway)
        door = Door(self.settings, _no_page, Metrics())
        door.open(app._acts(gateway, lane, identity))
        try:
            reply = await ask(door, *request)
            # The first time a token is verified, and its actor looked up, beside the event loop.
            return await ask(door, *request) if request[0] == "GET" else reply
        finally:
            door.close()
            if lane is not None:
                await lane.close()

    def here(self, text: str) -> str:
        """Return a text with the instants of this side."""
        return _AT.sub(lambda found: self.instants[found[1]], text)

    def close(self) -> None:
        self.desk.gateway.store.close()


def answered(answer: Answer) -> Said:
    heads = (answer.version, answer.location, answer.content_location, answer.last_updated is None)
    return Said(answer.status, heads, (answer.body or b"").decode())


def refused(refusal: FhirError, language: Any) -> Said:
    heads = (type(refusal).__name__, getattr(refusal, "version", None), getattr(refusal, "allowed", None))
    return Said(refusal.status, heads, encode(operation_outcome(refusal.issues, language)).decode())


class Sides:
    """Both gateways, and what is hidden from the actor."""

    def __init__(self, world: World, structure: str, databases: tuple[str, str], folder: Path) -> None:
        seen = [item for item in world.items if world.sees(structure, item)]
        hidden = [item for item in world.items if not world.sees(structure, item)]
        self.seen: list[Key] = [item.key for item in seen]
        self.hidden: list[Key] = [item.key for item in hidden]
        # What is seen may name what is not.
        told = words_in(*(repr([item.resource, item.then]) for item in seen))
        self.secret = words_in(*(repr(item.resource) for item in hidden)) - told
        self.statuses: Counter[int] = Counter()  # by their first digit
        self.whole = Side(databases[0], folder / "whole", world.items)
        self.without = Side(databases[1], folder / "without", seen)

    def ask(self, asking: Actor, number: int, question: Question, by_http: bool) -> Iterator[tuple[Said, Said]]:
        """Ask both sides, page after page, and yield what each says."""
        following = (question, question)
        asked = [(side.knock if by_http else side.ask) for side in (self.whole, self.without)]
        for _ in range(PAGES):
            said = (asked[0](asking, number, following[0]), asked[1](asking, number, following[1]))
            yield said
            urls = (said[0].next(), said[1].next())
            if urls[0] is None or urls[1] is None:
                return
            following = (_page(urls[0]), _page(urls[1]))

    def leak(self, asking: Actor, number: int, question: Question, by_http: bool = False) -> str | None:
        """Ask, and return what tells of the hidden; None where nothing does."""
        for page, (whole, without) in enumerate(self.ask(asking, number, question, by_http), 1):
            self.statuses[whole.status // 100] += 1
            if secret := (whole.words() & self.secret) - question.words():
                return f"page {page} has {sorted(secret)[:5]}: {whole.status} {whole.text[:2000]}"
            if whole.told != without.told:
                return f"page {page}: {_difference(whole.told, without.told)}"
        return None

    def close(self) -> None:
        self.whole.close()
        self.without.close()


def _page(url: str) -> Question:
    return Question("GET", url.removeprefix(BASE).removeprefix("/"))


def _difference(whole: tuple[object, ...], without: tuple[object, ...]) -> str:
    texts = [str(each) for each in (whole[2], without[2])]
    at = next((n for n, (a, b) in enumerate(zip(*texts, strict=False)) if a != b), min(map(len, texts)))
    cut = [text[max(0, at - 150) : at + 250] for text in texts]
    return f"{whole[:2]} / {without[:2]}\n    whole:   …{cut[0]}\n    without: …{cut[1]}"

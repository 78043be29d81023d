"""$graph: a resource and what a GraphDefinition leads to from it, in one Bundle: one stored here, or one carried.

The Bundle is a searchset: the resource it starts from is the match, all others are included, and an OperationOutcome
tells of links that occur too rarely or too often, of references that lead nowhere, and of what was passed over.

Source: FHIR R4, Resource Operations, "graph"; GraphDefinition.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fhir_gateway.conformance.carried import carried
from fhir_gateway.fhir import references
from fhir_gateway.fhir.bundle import SearchEntry, searchset
from fhir_gateway.fhir.json import decode, encode
from fhir_gateway.fhir.outcome import Issue, NotFound, TooCostly, Unprocessable, operation_outcome
from fhir_gateway.interactions import conditions
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Answer
from fhir_gateway.interactions.operations import complaints
from fhir_gateway.interactions.operations.graph_links import Graph, Link, graph_of, searched_by
from fhir_gateway.interactions.operations.operation import Call
from fhir_gateway.interactions.read import answer_with
from fhir_gateway.interactions.search import url_of
from fhir_gateway.store.contract import Key, Read, Version
from fhir_gateway.store.search.select import match

LARGEST = 5_000  # resources of a graph
SEARCHES = 1_000  # that following one may take
_SAME_URL = 50  # definitions of one url that are looked at


def graph(gateway: Gateway, view: Read, call: Call) -> Answer:
    """Answer with the graph of a resource.

    Raises: NotFound, Gone for the resource; NotFound for a definition that is not stored here; Unprocessable with all
    that cannot be followed in it; TooCostly beyond `LARGEST` and `SEARCHES`.
    """
    act, url = call.interaction, call.inputs.one("graph")
    assert act.type is not None
    assert act.id is not None
    start = view.current(act.type, act.id)
    answer_with(start, act.type, act.id)
    assert start is not None
    followed = _Following(gateway, view, act.base, start, graph_of(gateway, _definition(gateway, view, url)))
    followed.run()
    entries = [
        SearchEntry(f"{act.base}/{each.type}/{each.id}", each.body, "match" if each is start else "include")
        for each in followed.found.values()
    ]
    if followed.issues:
        outcome = operation_outcome(followed.issues, act.language)
        entries.append(SearchEntry(None, encode(outcome), "outcome"))
    place = "/".join((act.base, *start.key, "$graph"))
    links = [("self", url_of(place, [("graph", url), *act.presentation]))]
    body = searchset(entries, links, 1, gateway.new_id(), gateway.registry.now())
    return Answer(200, body, shown=[each.rid for each in followed.found.values()])


def _definition(gateway: Gateway, view: Read, canonical: str) -> Mapping[str, object]:
    """Return the GraphDefinition of a url, or url|version: of several an active one, of these the newest.

    One that is stored here stands for one that comes with the gateway.
    """
    url, _, version = canonical.partition("|")
    criteria = [("url", _escaped(url)), *([("version", _escaped(version))] if version else [])]
    keys = match(view, conditions.query_of(gateway, "GraphDefinition", criteria, view.narrowing), _SAME_URL)
    if not keys:
        for package in carried():
            for each in package.of_kind("GraphDefinition"):
                if each.url == url and version in ("", each.version):
                    return package.read(each)
        raise NotFound(complaints.GRAPH_UNKNOWN.at(url=canonical))
    found = [(version.last_updated, decode(version.body)) for version in view.current_of(keys).values()]
    _, definition = max(found, key=lambda each: (each[1]["status"] == "active", each[0]))
    assert isinstance(definition, dict)
    return definition


def _escaped(text: str) -> str:
    """Return a text as one value of a search parameter."""
    for character in "\\,|$":
        text = text.replace(character, f"\\{character}")
    return text


class _Following:
    """A graph while it is followed: what was found, in the order it was met, and what is to be said of it."""

    def __init__(self, gateway: Gateway, view: Read, base: str, start: Version, graph: Graph) -> None:
        if graph.start != start.type:
            raise Unprocessable(complaints.GRAPH_START.at("GraphDefinition.start", start=graph.start, type=start.type))
        self.gateway = gateway
        self.view = view
        self.base = base
        self.start = start
        self.graph = graph
        self.found: dict[Key, Version] = {start.key: start}
        self.issues: list[Issue] = list(graph.notes)
        self.searches = 0

    def run(self) -> None:
        """Follow all links; the definition is a tree, so this ends whatever circles the resources make."""
        self._follow([self.start], self.graph.links)

    def _follow(self, starts: Sequence[Version], links: Sequence[Link]) -> None:
        if not starts:
            return
        for link in links:
            reached = self._by_path(link, starts) if link.select is not None else self._by_search(link, starts)
            for version in reached:
                self.found.setdefault(version.key, version)
            if len(self.found) > LARGEST:
                raise TooCostly(complaints.GRAPH_TOO_LARGE.at(limit=LARGEST))
            for target in link.targets:
                self._follow([each for each in reached if each.type == target.type], target.links)

    def _count(self, link: Link, start: Version, number: int) -> None:
        most = "*" if link.max is None else link.max
        if number < link.min or (link.max is not None and number > link.max):
            source = "/".join(start.key)
            issue = complaints.GRAPH_OCCURS.at(source=source, link=link.name, number=number, min=link.min, max=most)
            self.issues.append(issue)

    # --- along a path

    def _by_path(self, link: Link, starts: Sequence[Version]) -> list[Version]:
        assert link.select is not None
        texts: dict[str, Version] = {}
        for start in starts:
            found = link.select(decode(start.body))
            self._count(link, start, len(found))
            texts.update((text, start) for text in found if text not in texts)
        keys: dict[str, Key] = {}
        for text, start in texts.items():
            reference = references.parse(text, self.base)
            if reference.form == "local" and reference.type is not None and reference.id is not None:
                keys[text] = (reference.type, reference.id)
            elif (key := self._by_url(link, text)) is not None:
                keys[text] = key
            elif reference.form != "fragment":  # what is contained has come with its container
                self._leads_nowhere(link, start, text)
        current = self.view.current_of(set(keys.values())) if keys else {}  # told in the order of the references
        types = {target.type for target in link.targets}
        reached: dict[Key, Version] = {}
        for text, key in keys.items():
            version = current.get(key)
            if version is None or version.deleted:
                self._leads_nowhere(link, texts[text], text)
            elif version.type in types:
                reached[key] = version
        return list(reached.values())

    def _by_url(self, link: Link, canonical: str) -> Key | None:
        """Return the resource of one of the link's types that has a canonical url, if one is here."""
        url, _, version = canonical.partition("#")[0].partition("|")
        for target in link.targets:
            if "url" not in self.gateway.registry.parameters(target.type):
                continue
            criteria = [("url", _escaped(url)), *([("version", _escaped(version))] if version else [])]
            if found := self._match(target.type, criteria, 1):
                return found[0]
        return None

    def _leads_nowhere(self, link: Link, start: Version, text: str) -> None:
        source = "/".join(start.key)
        self.issues.append(complaints.GRAPH_NOT_HERE.at(source=source, link=link.name, reference=text))

    # --- by searching

    def _by_search(self, link: Link, starts: Sequence[Version]) -> list[Version]:
        keys: dict[Key, None] = {}
        for start in starts:
            number = 0
            for target in link.targets:
                assert target.params is not None
                found = self._match(target.type, searched_by(target.params, "/".join(start.key)), LARGEST + 1)
                number += len(found)
                keys.update(dict.fromkeys(found))
                if len(keys) > LARGEST:
                    raise TooCostly(complaints.GRAPH_TOO_LARGE.at(limit=LARGEST))
            self._count(link, start, number)
        current = self.view.current_of(keys) if keys else {}
        # A database gives them in whatever order, which could tell of what else is in it.
        return [current[key] for key in keys if key in current]

    def _match(self, type: str, criteria: list[tuple[str, str]], limit: int) -> list[Key]:
        self.searches += 1
        if self.searches > SEARCHES:
            raise TooCostly(complaints.GRAPH_TOO_MANY_SEARCHES.at(limit=SEARCHES))
        return match(self.view, conditions.query_of(self.gateway, type, criteria, self.view.narrowing), limit)

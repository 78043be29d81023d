"""Questions nobody thought of, made of what there is, seen or hidden, and of what is not there.

Source: FHIR R4, Search; RESTful API; Operations.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import quote

from hypothesis import strategies as st

from tests.interactions.desk import BASE
from tests.search.generated import SORTABLE, Draw, Pool
from tests.search.reference import Reference
from tests.spec.dossiers import Item, Key, Resource, World, versions
from tests.spec.sides import Question

T = TypeVar("T")
NOW = 1_750_000_000_000_000  # µs

_COUNTS = ("0", "1", "2", "3", "7", "20", "1000")
_DAYS = ("ge2020", "lt2020", "eq2019-03-01", "ap2019", "ne2019")
_PREFIXES = ("gt", "ge", "lt", "le", "sa", "eb", "eq", "ne")
_WORDS = ("Dossier", "Anne", "weight", "Martin", "seizure", "Antécédents", "xqz101", "xqz150", "xqz333")
_GRAPH = "https://example.org/graph"
_PARAMETERS = {"resourceType": "Parameters"}
# Nothing hidden refers to what is deleted: that is a channel of its own, with a test of its own.
_DELETABLE = ("Condition", "Consent", "FamilyMemberHistory", "List", "QuestionnaireResponse", "RelatedPerson", "Task")
_WRITABLE = ("Condition", "Observation", "Patient", "Task", "DiagnosticReport", "ServiceRequest", "DocumentReference")


class Questions:
    """Makes questions about a world, for an actor who sees some of it."""

    def __init__(self, world: World, seen: Sequence[Key]) -> None:
        self.items = {item.key: item for item in world.items}
        stored = [_stored(item) for item in world.items]
        self.pool = Pool(Reference(stored, BASE, NOW))
        self.keys = list(self.items)
        self.patients = [key for key in self.keys if key[0] == "Patient"]
        self.seen = [key for key in seen if not self.items[key].deleted]
        self.by_type: dict[str, list[Key]] = {}
        for key in self.keys:
            self.by_type.setdefault(key[0], []).append(key)
        self.kinds: Mapping[str, Callable[[Draw], Question]] = {
            "search": self.search,
            "wishes": self.search_with_wishes,
            "compartment": self.compartment,
            "system": self.system_search,
            "read": self.read,
            "history": self.history,
            "operation": self.operation,
            "write": self.write,
            "conditional": self.conditional_write,
            "bundle": self.bundle,
        }

    def draw(self, draw: Draw) -> tuple[str, Question]:
        """Return a question and its kind."""
        kind = draw(st.sampled_from([*self.kinds, "search", "search", "wishes", "wishes", "read", "conditional"]))
        return kind, self.kinds[kind](draw)

    # --- reading

    def search(self, draw: Draw) -> Question:
        return Question("GET", self.pool.url(draw))

    def search_with_wishes(self, draw: Draw) -> Question:
        type = _one(draw, self.pool.types)
        one = _one(draw, self.by_type[type])
        criteria = [self.pool.criterion(draw, type, one) for _ in range(draw(st.sampled_from([0, 0, 1])))]
        wishes = {name: f"{name}={quote(value, safe='')}" for name, value in criteria}
        for _ in range(draw(st.integers(1, 3))):
            wish = _one(draw, (self._included, self._included, self._shown, self._limited))(draw, type)
            wishes.setdefault(wish.partition("=")[0], wish)
        wishes["_count"] = f"_count={_one(draw, _COUNTS)}"
        return Question("GET", f"{type}?{'&'.join(wishes.values())}", more={"lenient": True})

    def _included(self, draw: Draw, type: str) -> str:
        iterate = _one(draw, ("", "", ":iterate"))
        if draw(st.booleans()):
            sources = [(source, each) for source, each in self.pool.referring if type in (each.targets or (type,))]
            source, parameter = _one(draw, sources or self.pool.referring)
            return f"_revinclude{iterate}={source}:{parameter.code}"
        own = [each for each in self.pool.parameters[type] if each.type == "reference"]
        if not own or draw(st.integers(0, 5)) == 0:
            return f"_include{iterate}=*" if draw(st.booleans()) else f"_revinclude{iterate}=*"
        parameter = _one(draw, own)
        target = f":{_one(draw, parameter.targets)}" if parameter.targets and draw(st.booleans()) else ""
        return f"_include{iterate}={type}:{parameter.code}{target}"

    def _shown(self, draw: Draw, type: str) -> str:
        return _one(
            draw,
            (
                "_total=accurate", "_total=estimate", "_total=none", "_summary=count", "_summary=true", "_summary=text",
                "_summary=data", "_elements=status,code,name", "_sort=-_lastUpdated", "_sort=_id", "_sort=-_id",
                f"_sort={_one(draw, [each.code for each in self.pool.parameters[type] if each.type in SORTABLE])}",
            ),
        )  # fmt: skip

    def _limited(self, draw: Draw, type: str) -> str:
        return _one(
            draw,
            (
                f"_lastUpdated={_one(draw, _DAYS)}",
                f"_lastUpdated={_one(draw, _PREFIXES)}{self._at(draw)}",
                f"_id={','.join(_one(draw, self.by_type[type])[1] for _ in range(draw(st.integers(1, 4))))}",
                f"_content={quote(_one(draw, _WORDS))}",
                f"_text={quote(_one(draw, _WORDS))}",
                f"_list={_one(draw, self.by_type['List'])[1]}",
                f"_tag=urn:x|{_one(draw, ('a', 'b'))}",
                _one(draw, ("_contained=both", "_contained=true", "_contained=true&_containedType=contained")),
            ),
        )

    def _at(self, draw: Draw) -> str:
        return f"[[{'/'.join(_one(draw, self.seen))}]]"

    def compartment(self, draw: Draw) -> Question:
        owner = _one(draw, [*self.patients, *self.by_type["Encounter"], *self.by_type["RelatedPerson"], *self.patients])
        if draw(st.booleans()):
            return Question("GET", f"{'/'.join(owner)}/*?_count={_one(draw, _COUNTS)}")
        url = self.pool.url(draw)
        return Question("GET", f"{'/'.join(owner)}/{url}")

    def system_search(self, draw: Draw) -> Question:
        types = f"_type={','.join(_one(draw, self.pool.types) for _ in range(draw(st.integers(1, 4))))}"
        wish = _one(draw, (self._limited, self._shown))(draw, "Observation")
        parts = [*([types] if draw(st.booleans()) else []), wish, f"_count={_one(draw, _COUNTS)}"]
        method, url = _one(draw, (("GET", ""), ("POST", "_search")))
        return Question(method, f"{url}?{'&'.join(parts)}")

    def _key(self, draw: Draw) -> Key:
        """Return a resource: one there is, for the most part, seen or not; or none."""
        key = _one(draw, self.keys)
        if draw(st.integers(0, 7)) == 0:
            return (key[0], _one(draw, ("none", "xqz9", "org-z", "made-1-1")))
        return _one(draw, self.seen) if draw(st.integers(0, 3)) == 0 else key

    def read(self, draw: Draw) -> Question:
        url = "/".join(self._key(draw))
        url += _one(draw, ("", "", "", "/_history/1", "/_history/2", "/_history/9", "?_summary=true", "?_elements=id"))
        more = _one(draw, ({}, {}, {}, {"if_none_match": 'W/"1"'}, {"language": "fr"}))
        return Question(_one(draw, ("GET", "GET", "GET", "HEAD")), url, more=more)

    def history(self, draw: Draw) -> Question:
        key = self._key(draw)
        place = _one(draw, (f"{'/'.join(key)}/", f"{key[0]}/", ""))
        wishes = [f"_count={_one(draw, _COUNTS[1:])}"]
        wishes += [f"_since={self._at(draw)}"] if draw(st.integers(0, 2)) == 0 else []
        wishes += [f"_at={_one(draw, ('2019', '2030', self._at(draw)))}"] if draw(st.integers(0, 3)) == 0 else []
        return Question("GET", f"{place}_history?{'&'.join(wishes)}")

    # --- operations

    def operation(self, draw: Draw) -> Question:
        key, patient = self._key(draw), _one(draw, self.patients)
        url, at = "/".join(key), "/".join(patient)
        since = f"&_since={self._at(draw)}" if draw(st.integers(0, 2)) == 0 else ""
        count = _one(draw, _COUNTS[1:])
        coding = [{"system": "urn:x", "code": _one(draw, ("a", "b"))}]
        meta = {**_PARAMETERS, "parameter": [{"name": "meta", "valueMeta": {"tag": coding}}]}
        explained = self.pool.url(draw)
        sent = {**_PARAMETERS, "parameter": [{"name": "resource", "resource": self._made(draw)}]}
        return _one(
            draw,
            (
                Question("GET", f"{at}/$everything?_count={count}{since}"),
                Question("GET", f"{at}/$everything?start=2018&end=2019-03-02&_count={count}"),
                Question("GET", f"{at}/$everything?_type=Observation,Patient,Practitioner"),
                Question("GET", "Patient/$everything"),
                Question("GET", f"{at}/$graph?graph={_GRAPH}"),
                Question("GET", f"{url}/$meta"),
                Question("GET", f"{key[0]}/$meta"),
                Question("GET", "$meta"),
                Question("POST", f"{url}/$meta-add", meta),
                Question("POST", f"{url}/$meta-delete", meta),
                Question("POST", f"{url}/$purge", _PARAMETERS),
                Question("POST", "$reindex", _PARAMETERS),
                Question("GET", f"$explain?url={quote(explained)}"),
                Question("POST", f"{key[0]}/$validate", sent),
                Question("POST", f"{url}/$validate", sent),
                Question("GET", f"{url}/$everything"),
                Question("GET", "ValueSet/vs/$expand"),
                Question("GET", f"{url}/$nothing"),
            ),
        )

    # --- writing

    def _subject(self, draw: Draw) -> Resource:
        """Return a reference to a patient: seen, hidden, or not there."""
        one = _one(draw, self.patients)
        seen = _one(draw, [key for key in self.seen if key[0] == "Patient"] or [one])
        return {"reference": _one(draw, ("/".join(seen), "/".join(seen), "/".join(one), "Patient/none"))}

    def _made(self, draw: Draw, type: str | None = None) -> Resource:
        """Return a resource to write. It addresses nobody: that would share what was hidden."""
        type = type or _one(draw, _WRITABLE)
        word = {"text": _one(draw, ("neuf", "autre", "seizure"))}
        subject = self._subject(draw)
        made: Mapping[str, Resource] = {
            "Condition": {"subject": subject, "code": word},
            "Observation": {"status": "final", "subject": subject, "code": word},
            "Patient": {"name": [word], "gender": "female"},
            "Task": {"status": "draft", "intent": "order", "for": subject, "description": word["text"]},
            "DiagnosticReport": {"status": "final", "subject": subject, "code": word},
            "ServiceRequest": {"status": "draft", "intent": "order", "subject": subject, "code": word},
            "DocumentReference": {"status": "current", "subject": subject, "content": [{"attachment": {"title": "x"}}]},
        }
        more = made.get(type, {"subject": subject, "status": "active"})
        if type in ("Observation", "Task") and draw(st.integers(0, 2)) == 0:
            key = _one(draw, self.keys)
            more = {**more, ("focus" if type == "Task" else "derivedFrom"): {"reference": "/".join(key)}}
            if type == "Observation":
                more["derivedFrom"] = [{"reference": f"Observation/{_one(draw, self.by_type['Observation'])[1]}"}]
        return {"resourceType": type, **more}

    def write(self, draw: Draw) -> Question:
        made = self._made(draw)
        type = made["resourceType"]
        key = _one(draw, [*self.by_type.get(type, ()), (type, "none"), (type, "new-id")])
        mine = [each for each in self.seen if each[0] == type]
        key = _one(draw, mine) if mine and draw(st.integers(0, 2)) == 0 else key
        url = "/".join(key)
        more = _one(draw, ({}, {}, {"if_match": 'W/"1"'}, {"if_match": 'W/"7"'}, {"if_none_match": "*"}))
        way = draw(st.sampled_from(["create", "create", "update", "update", "patch", "delete"]))
        if way == "create":
            return Question("POST", type, made)
        if way == "update":
            return Question("PUT", url, {**made, "id": key[1]}, more=more)
        if way == "patch":
            return Question("PATCH", url, patch=self._patch(draw), more=more)
        return Question("DELETE", "/".join(_one(draw, self._deletable())), more=more)

    def _deletable(self) -> list[Key]:
        return [key for key in self.keys if key[0] in _DELETABLE]

    def _patch(self, draw: Draw) -> Any:
        return [
            {"op": "add", "path": "/language", "value": _one(draw, ("fr", "en", "fr-FR"))},
            *([{"op": "test", "path": "/resourceType", "value": "Patient"}] if draw(st.integers(0, 3)) == 0 else []),
        ]

    def _criteria(self, draw: Draw, type: str) -> str:
        """Return criteria that one resource may meet, which may be a hidden one."""
        one = _one(draw, self.by_type[type])
        if draw(st.integers(0, 2)) == 0:
            identifier = self.items[one].resource.get("identifier", [{"value": "x"}])[0]
            return f"identifier={identifier.get('system', '')}|{identifier['value']}"
        criteria = [self.pool.criterion(draw, type, one) for _ in range(draw(st.integers(1, 2)))]
        return "&".join(f"{name}={quote(value, safe='')}" for name, value in criteria)

    def conditional_write(self, draw: Draw) -> Question:
        way = draw(st.sampled_from(["create", "create", "update", "update", "patch", "delete"]))
        type = draw(st.sampled_from(_WRITABLE if way != "delete" else _DELETABLE))
        criteria, made = self._criteria(draw, type), self._made(draw, type)
        if way == "create":
            return Question("POST", type, made, more={"if_none_exist": criteria})
        if way == "update":
            named = {**made, "id": _one(draw, self.by_type[type])[1]} if draw(st.integers(0, 3)) == 0 else made
            return Question("PUT", f"{type}?{criteria}", named)
        if way == "patch":
            return Question("PATCH", f"{type}?{criteria}", patch=self._patch(draw))
        return Question("DELETE", f"{type}?{criteria}")

    def bundle(self, draw: Draw) -> Question:
        kind = draw(st.sampled_from(["batch", "batch", "transaction"]))
        entries = [self._entry(draw, kind) for _ in range(draw(st.integers(1, 5)))]
        return Question("POST", "", {"resourceType": "Bundle", "type": kind, "entry": entries})

    def _entry(self, draw: Draw, kind: str) -> Resource:
        way = draw(st.sampled_from(["read", "search", "create", "conditional", "update", "reference", "delete"]))
        type = draw(st.sampled_from(_WRITABLE))
        made = self._made(draw, type)
        if way == "read":
            return _entry("GET", "/".join(_one(draw, self.seen) if kind == "transaction" else self._key(draw)))
        if way == "search":
            return _entry("GET", self.pool.url(draw))
        if way == "create":
            return _entry("POST", type, made)
        if way == "conditional":
            return _entry("POST", type, made, ifNoneExist=self._criteria(draw, type))
        if way == "update":
            key = _one(draw, self.by_type[type])
            return _entry("PUT", "/".join(key), {**made, "id": key[1]})
        if way == "delete":
            return _entry("DELETE", "/".join(_one(draw, self._deletable())))
        named = {"reference": f"Patient?{self._criteria(draw, 'Patient')}"}
        return _entry("POST", "Observation", {**self._made(draw, "Observation"), "subject": named})


def _entry(method: str, url: str, resource: Resource | None = None, **request: str) -> Resource:
    made: Resource = {"request": {"method": method, "url": url, **request}}
    return made if resource is None else {**made, "resource": resource}


def _one(draw: Draw, values: Sequence[T]) -> T:
    found: T = draw(st.sampled_from(list(values)))
    return found


def _stored(item: Item) -> Resource:
    """Return the last version that is not deleted, as the reference for searches wants it."""
    last = [version for version in versions(item) if version is not None][-1]
    own: Resource = json.loads(json.dumps(last), parse_float=Decimal)
    return {**own, "meta": {"versionId": "1", "lastUpdated": "2024-01-01T00:00:00Z"}}

"""Conditional requests: which resource, if any, a condition names.

Source: FHIR R4, RESTful API, "Conditional create", "Conditional update", "Conditional delete", "patch", "Conditional
References".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fhir_gateway.fhir.outcome import (
    FhirError,
    Forbidden,
    InvalidRequest,
    Issue,
    NotFound,
    PreconditionFailed,
    TooCostly,
)
from fhir_gateway.interactions import complaints, full_text
from fhir_gateway.interactions.access import seeing
from fhir_gateway.interactions.entry import Entry, Identity
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Parameters
from fhir_gateway.interactions.refusals import Refusals
from fhir_gateway.interactions.urls import criteria_from
from fhir_gateway.store.contract import Key, Narrowing, Read
from fhir_gateway.store.search import tokens
from fhir_gateway.store.search.query import PAGE, SearchQuery, parse
from fhir_gateway.store.search.select import match

# "Only filtering parameters are allowed; none of the parameters that control the return of resources are relevant."
_OF_RESULTS = frozenset(
    {
        "_sort", "_count", "_total", "_summary", "_elements", "_include", "_revinclude", "_contained",
        "_containedType", "_type", PAGE,
    }
)  # fmt: skip

_CHOICE = 10  # matches that one is chosen from at most, where one is chosen

Asked = tuple[str, str, str]  # resource type, query, and the expression where the reference first stands


def shown(type: str, parameters: Parameters) -> str:
    """Return a condition as people write it."""
    return f"{type}?{'&'.join(f'{name}={value}' for name, value in parameters)}"


Together = Mapping[tokens.Token, list[Key]]


def together(gateway: Gateway, view: Read | None, entries: Sequence[Entry]) -> Together | None:
    """Return what the conditions of entries name that ask for one identifier each, found at once: for `resolve`.

    None where none asks so.
    """
    if view is None:
        return None
    asked = [token for entry in entries if (token := _token(gateway, entry)) is not None]
    if not asked:
        return None
    narrowing = view.narrowing if gateway.access is None else gateway.access.reading
    return tokens.found(view, gateway.registry, narrowing, asked, _CHOICE)


def _token(gateway: Gateway, entry: Entry) -> tokens.Token | None:
    if entry.parameters is None or entry.act.type is None or entry.act.code == "delete":
        return None
    registry = gateway.registry
    if entry.token is None or entry.token[0] is not registry:
        entry.token = (registry, tokens.token_of(registry, entry.act.type, entry.parameters))
    return entry.token[1]


def resolve(gateway: Gateway, view: Read | None, entry: Entry, known: Together | None = None) -> Identity:
    """Return what an entry is about, as `view` sees the store (None for an entry that asks it nothing).

    `known`: what `together` found in the same view.

    Raises: PreconditionFailed for several matches where one is allowed, NotFound for a conditional patch without any,
    InvalidRequest for a match under another id than the resource brings, TooCostly for more deletions than allowed.
    """
    act = entry.act
    type = act.type
    assert type is not None
    if entry.parameters is None:
        if act.code == "create":
            return Identity(((type, entry.made_id),), "new")
        assert act.id is not None
        return Identity(((type, act.id),), "named")
    assert view is not None
    criteria = shown(type, entry.parameters)
    several = gateway.limits.deletes if act.code == "delete" else 1
    # One match more than is allowed suffices to know; counting them all would not change the answer.
    limit = several + 1 if entry.onto is None else _CHOICE
    token = None if known is None else _token(gateway, entry)
    if known is not None and token is not None and token in known:
        found = known[token][:limit]
    else:
        found = matches(gateway, view, type, entry.parameters, limit)
    if entry.onto is not None:
        found = entry.onto.chosen(view, found)
    if len(found) > several:
        if several > 1:
            raise TooCostly(complaints.TOO_MANY_DELETES.at(entry.at("url"), criteria=criteria, limit=several))
        at = entry.at("ifNoneExist" if act.code == "create" else "url")
        raise PreconditionFailed(complaints.MULTIPLE_MATCHES.at(at, criteria=criteria))
    if act.code == "delete":
        return Identity(tuple(sorted(found)), "found")
    if act.code == "create":
        return Identity((found[0],), "found") if found else Identity(((type, entry.made_id),), "new")
    if act.code == "patch":
        if not found:
            raise NotFound(complaints.NO_MATCH.at(entry.at("url"), criteria=criteria))
        return Identity((found[0],), "found")
    return _updated(entry, type, criteria, found)


def _updated(entry: Entry, type: str, criteria: str, found: list[Key]) -> Identity:
    sent = (entry.act.resource or {}).get("id")
    if not found:
        # "No matches, id provided: the server treats the interaction as an Update as Create interaction."
        return Identity(((type, entry.made_id),), "new") if sent is None else Identity(((type, sent),), "claimed")
    key = found[0]
    if sent is not None and sent != key[1]:
        at = f"{entry.place}.resource.id" if entry.place else f"{type}.id"
        raise InvalidRequest(
            complaints.CRITERIA_ID_DIFFERS.at(at, criteria=criteria, type=type, found=key[1], sent=sent)
        )
    return Identity((key,), "found")


def resolve_references(
    gateway: Gateway, view: Read, references: Mapping[str, Asked], refusals: Refusals
) -> dict[str, list[Key]]:
    """Return up to two matches of each conditional reference ("Patient?identifier=…").

    `references`: by text, what each asks. Adds to `refusals` those that are no search.
    """
    found = {}
    for text, (type, query, expression) in references.items():
        try:
            if type not in gateway.resource_types:
                raise InvalidRequest(complaints.TYPE_UNKNOWN.at(type=type))
            parameters = criteria_from(query)
            if not parameters:
                raise InvalidRequest(complaints.CRITERIA_MISSING.at(method="Reference", type=type))
            if gateway.access is not None and (lacking := gateway.access.lacking_on("search-type", type)):
                raise Forbidden(*lacking)
            found[text] = matches(gateway, view, type, parameters, 2)
        except FhirError as refusal:
            issues = (Issue(issue.complaint, expression, issue.values) for issue in refusal.issues)
            refusals.take(refusal, issues)
    return found


def check(gateway: Gateway, entry: Entry, parameters: Parameters) -> None:
    """Raise InvalidRequest with every problem of the condition of an entry, which it gets here."""
    entry.parameters = parameters
    if _token(gateway, entry) is None:
        entry.parameters = None
        assert entry.act.type is not None
        query_of(gateway, entry.act.type, parameters)
        entry.parameters = parameters


def query_of(gateway: Gateway, type: str, parameters: Parameters, narrowing: Narrowing | None = None) -> SearchQuery:
    """Return the search that a condition is, for a view of this narrowing.

    Whatever Prefer says, an unknown parameter is refused: passing over it would make the condition match more than its
    sender meant.

    Raises: InvalidRequest with every problem.
    """
    issues = [
        complaints.CRITERIA_PARAMETER.at(name=name, criteria=shown(type, parameters))
        for name, _ in parameters
        if name.partition(":")[0] in _OF_RESULTS
    ]
    if issues:
        raise InvalidRequest(*issues)
    return parse(type, parameters, gateway.registry, strict=True, narrowing=narrowing)


def matches(gateway: Gateway, view: Read, type: str, parameters: Parameters, limit: int) -> list[Key]:
    """Return up to `limit` current resources that a condition names."""
    # A view that writes may see more than conditions may.
    narrowing = view.narrowing if gateway.access is None else gateway.access.reading
    query = query_of(gateway, type, parameters, narrowing)
    full_text.be_current_within(gateway, view, parameters)
    with seeing(view, narrowing):
        return match(view, query, limit)

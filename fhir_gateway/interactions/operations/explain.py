"""$explain: how a search is run, for the operator who asks why it is slow.

    GET [base]/$explain?search=Patient?name=ada%26birthdate=ge1950    any search, as its URL below the base, escaped
    GET [base]/Patient/$explain?name=ada&birthdate=ge1950             a search of a type

The search is run, and its statements are explained by the database. The answer says nothing of what was found but how
much. Until identity exists everybody may ask.

Source: no operation of HL7's; `profiles/operations/OperationDefinition-explain.json`.
"""

from __future__ import annotations

from typing import Any

from fhir_gateway.fhir.json import encode
from fhir_gateway.fhir.outcome import InvalidRequest
from fhir_gateway.interactions import full_text
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Answer, Interaction
from fhir_gateway.interactions.operations import complaints
from fhir_gateway.interactions.operations.operation import Call
from fhir_gateway.interactions.urls import interaction_from
from fhir_gateway.store.search.complaints import NOT_A_SEARCH
from fhir_gateway.store.search.explain import Explained, Statement, Weighed
from fhir_gateway.store.search.explain import explain as explained
from fhir_gateway.store.search.paging import resume
from fhir_gateway.store.search.query import parse

Part = dict[str, Any]
_SEARCHES = frozenset({"search-type", "search-system", "search-compartment"})


def explain(gateway: Gateway, call: Call) -> Answer:
    """Answer with Parameters: the plan, the criterion that leads, counts estimated and true, and the statements.

    Raises: InvalidRequest with all that is wrong with the search, NotFound for its URL; TooCostly when the search is.
    """
    act = _search(gateway, call)
    parameters = act.parameters
    strict = call.interaction.prefer.handling != "lenient"
    full_text.be_current(gateway, parameters)
    with gateway.store.read(gateway.limits.search_seconds) as view:
        asked = parse(
            act.type,
            parameters,
            gateway.registry,
            strict=strict,
            compartment=act.compartment,
            narrowing=view.narrowing,
        )
        query = resume(asked, gateway.signing_key)
        return Answer(200, encode({"resourceType": "Parameters", "parameter": _parameters(explained(view, query))}))


def _search(gateway: Gateway, call: Call) -> Interaction:
    """Return the search that is asked about: the one in `search`, or that of the other parameters."""
    act, url = call.interaction, call.inputs.one("search")
    if url is None:
        return Interaction("search-system" if act.type is None else "search-type", act.type, parameters=act.parameters)
    search = interaction_from("GET", url, gateway.resource_types, act.base)
    others = [name for name, _ in act.parameters if name != "search"]
    issues = [NOT_A_SEARCH.at(url=url)] if search.code not in _SEARCHES else []
    issues += [complaints.EXPLAIN_BESIDE.at(name=name) for name in others]
    if issues:
        raise InvalidRequest(*issues)
    return search


def _parameters(told: Explained) -> list[Part]:
    return [
        {"name": "plan", "valueCode": told.plan},
        *([] if told.driver is None else [{"name": "driver", "valueString": told.driver}]),
        *({"name": "order", "valueString": each} for each in told.order),
        {"name": "matches", "valueInteger": told.matches},
        *_number("total", told.total),
        _milliseconds(told.seconds),
        *({"name": "criterion", "part": _criterion(each)} for each in told.criteria),
        *({"name": "statement", "part": _statement(each)} for each in told.statements),
    ]


def _criterion(weighed: Weighed) -> list[Part]:
    counted = [] if weighed.estimated is None else _number("estimated", weighed.estimated)
    limit = _number("limit", weighed.limit) if counted and weighed.limit else []
    return [
        {"name": "name", "valueString": weighed.name},
        {"name": "part", "valueCode": weighed.part},
        *counted,
        *limit,
        *_number("true", weighed.true),
    ]


def _statement(statement: Statement) -> list[Part]:
    return [
        {"name": "text", "valueString": statement.text},
        {"name": "values", "valueInteger": statement.values},
        {"name": "rows", "valueInteger": statement.rows},
        _milliseconds(statement.seconds),
        *({"name": "engine", "valueString": line} for line in statement.engine),
    ]


def _number(name: str, value: int | None) -> list[Part]:
    return [] if value is None else [{"name": name, "valueInteger": value}]


def _milliseconds(seconds: float) -> Part:
    return {"name": "milliseconds", "valueDecimal": round(seconds * 1000, 3)}

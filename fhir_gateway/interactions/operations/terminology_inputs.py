"""What the terminology operations are given, made into wishes, codings and value sets.

Source: FHIR R4, CodeSystem and ValueSet Operations; FHIR R5 and HL7, FHIR Terminology Ecosystem, for what R4 lacks.
"""

from __future__ import annotations

from typing import Any

from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.outcome import InvalidRequest, NotFound
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.operations import complaints
from fhir_gateway.interactions.operations.operation import Call, Input
from fhir_gateway.interactions.read import answer_with
from fhir_gateway.store.contract import Read
from fhir_gateway.terminology import messages
from fhir_gateway.terminology.catalog import Catalog
from fhir_gateway.terminology.composition import Composition
from fhir_gateway.terminology.languages import Languages, NoLanguage, languages, languages_or_none
from fhir_gateway.terminology.resolution import Resolution
from fhir_gateway.terminology.verdict import Coding
from fhir_gateway.terminology.versions import MODES, Rule, Rules
from fhir_gateway.terminology.wishes import Wishes

VERSIONS = (
    *(Input(name, "canonical", many=True) for name in MODES),
    Input("useSupplement", "canonical", many=True),
    Input("displayLanguage", "code"),
    Input("activeOnly", "boolean"),
    Input("tx-resource", "Resource", many=True, resource=True),
)
# R4 has them, and to pass over them would be to answer another question.
NOT_ANSWERED = (Input("context", "uri"), Input("date", "dateTime"))
EXPANDING = (
    *NOT_ANSWERED,
    Input("contextDirection", "code"),
    Input("url", "uri"),
    Input("valueSet", "ValueSet", resource=True),
    Input("valueSetVersion", "string"),
    Input("filter", "string"),
    Input("offset", "integer"),
    Input("count", "integer"),
    Input("includeDesignations", "boolean"),
    Input("designation", "string", many=True),
    Input("includeDefinition", "boolean"),
    Input("excludeNested", "boolean"),
    Input("excludeNotForUI", "boolean"),
    Input("excludePostCoordinated", "boolean"),
    Input("exclude-system", "canonical", many=True),
    Input("property", "string", many=True),
    *VERSIONS,
)
VALIDATING = (
    *NOT_ANSWERED,
    Input("url", "uri"),
    Input("valueSet", "ValueSet", resource=True),
    Input("codeSystem", "CodeSystem", resource=True),
    Input("valueSetVersion", "string"),
    Input("code", "code"),
    Input("system", "uri"),
    Input("systemVersion", "string"),
    Input("version", "string"),
    Input("display", "string"),
    Input("coding", "Coding"),
    Input("codeableConcept", "CodeableConcept"),
    Input("abstract", "boolean"),
    Input("inferSystem", "boolean"),
    Input("lenient-display-validation", "boolean"),
    Input("valueset-membership-only", "boolean"),
    *VERSIONS,
)

# What an expansion repeats of its wishes, in the words of the request.
_TOLD = (
    "filter", "offset", "count", "excludeNested", "activeOnly", "includeDesignations", "includeDefinition",
    "excludeNotForUI", "excludePostCoordinated",
)  # fmt: skip


def catalog_of(gateway: Gateway, view: Read, call: Call) -> Catalog:
    """Return the terminology at hand, with what the request brings over it."""
    given = [each for each in call.inputs.all("tx-resource") if isinstance(each.get("url"), str)]
    return gateway.terminology.catalog(gateway, view).over(given)


def wishes_of(call: Call, open: bool = False) -> Wishes:
    """Return the wishes of a request. `open`: other languages than those named are better than none.

    Raises: InvalidRequest for languages that are none, versions without a system, pages that are none.
    """
    inputs = call.inputs
    issues = [
        complaints.INPUT_NOT_ANSWERED.at(operation=call.interaction.operation, name=name)
        for name in ("context", "contextDirection", "date")
        if inputs.one(name) is not None
    ]
    issues += [
        complaints.INPUT_VALUE.at(operation=call.interaction.operation, name=name, type="positive integer", sent=value)
        for name in ("offset", "count")
        if (value := inputs.one(name)) is not None and value < 0
    ]
    for name in MODES:
        issues += (
            complaints.INPUT_VALUE.at(operation=call.interaction.operation, name=name, type="url|version", sent=each)
            for each in inputs.all(name)
            if "|" not in each
        )
    wanted: Languages | None = None
    sent = inputs.one("displayLanguage")
    if sent is not None:
        try:
            wanted = languages(sent, open)
        except NoLanguage:
            issues.append(messages.LANGUAGE_MALFORMED.at(sent=sent))
    if issues:
        raise InvalidRequest(*issues)
    told = {name: inputs.one(name) for name in _TOLD if inputs.one(name) is not None}
    told |= {name: tuple(inputs.all(name)) for name in ("designation", "exclude-system") if inputs.all(name)}
    return Wishes(
        rules=_rules(call),
        languages=wanted,
        header=languages_or_none(call.interaction.languages, open),
        supplements=frozenset(inputs.all("useSupplement")),
        told=told,
        text=inputs.one("filter") or None,
        offset=inputs.one("offset"),
        count=inputs.one("count"),
        active_only=inputs.one("activeOnly") is True,
        exclude_nested=inputs.one("excludeNested") is True,
        exclude_not_for_ui=inputs.one("excludeNotForUI") is True,
        include_designations=inputs.one("includeDesignations") is True,
        include_definition=inputs.one("includeDefinition") is True,
        designations=tuple(inputs.all("designation")),
        properties=tuple(inputs.all("property")),
        exclude_systems=tuple(inputs.all("exclude-system")),
        allows_abstract=inputs.one("abstract") is not False,
        infers_system=inputs.one("inferSystem") is True,
        lenient_displays=inputs.one("lenient-display-validation") is True,
        membership_only=inputs.one("valueset-membership-only") is True,
    )


def _rules(call: Call) -> Rules:
    found = []
    for name, mode in MODES.items():
        for each in call.inputs.all(name):
            url, _, version = each.partition("|")
            found.append(Rule(url, version, mode, name))
    return Rules(tuple(found))


def stored(view: Read, call: Call) -> dict[str, Any]:
    """Return the resource that an operation is asked at. Raises: NotFound, Gone."""
    act = call.interaction
    body = answer_with(view.current(act.type or "", act.id or ""), act.type or "", act.id or "").body
    resource: dict[str, Any] = decode(body or b"")
    return resource


def value_set_of(view: Read, call: Call, catalog: Catalog, wishes: Wishes) -> Composition:
    """Return the value set that a request is about: the one it is asked at, brings, or names.

    Raises: InvalidRequest for none, NotFound for one that is not here.
    """
    if call.interaction.id is not None:
        return Composition(stored(view, call))
    given = call.inputs.one("valueSet")
    if given is not None:
        return Composition(given)
    url = call.inputs.one("url")
    if url is None:
        name = call.interaction.operation
        raise InvalidRequest(complaints.INPUT_MISSING.at(operation=name, name="url", type="uri"))
    url, _, pinned = url.partition("|")
    resolution = Resolution(catalog, wishes.rules)
    version = resolution.version(url, call.inputs.one("valueSetVersion") or pinned or None)
    found = catalog.value_set(url, version)
    if found is None:
        raise NotFound(messages.SET_UNKNOWN.at(value_set=f"{url}|{version}" if version else url))
    return found


def coding_of(element: dict[str, Any]) -> Coding:
    """Return what is asked of a Coding; "" for a code that is missing."""
    return Coding(element.get("system"), element.get("code", ""), element.get("version"), element.get("display"))

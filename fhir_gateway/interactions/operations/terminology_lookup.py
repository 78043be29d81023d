"""$lookup and $subsumes: what there is to know of a code, and whether one stands above another.

Source: FHIR R4, CodeSystem, "$lookup", "$subsumes".
"""

from __future__ import annotations

from typing import Any

from fhir_gateway.fhir.json import encode
from fhir_gateway.fhir.outcome import InvalidRequest, Issue, NotFound
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Answer
from fhir_gateway.interactions.operations import complaints
from fhir_gateway.interactions.operations.operation import Call, Input
from fhir_gateway.interactions.operations.terminology_inputs import VERSIONS, catalog_of, coding_of, stored, wishes_of
from fhir_gateway.store.contract import Read
from fhir_gateway.terminology import messages
from fhir_gateway.terminology.catalog import Catalog
from fhir_gateway.terminology.edition import Edition
from fhir_gateway.terminology.lookup import Looked, look_up, subsumption
from fhir_gateway.terminology.resolution import ANSWERING, Resolution
from fhir_gateway.terminology.verdict import unknown_system
from fhir_gateway.terminology.wishes import Wishes

LOOKUP = (
    Input("code", "code"),
    Input("system", "uri"),
    Input("version", "string"),
    Input("coding", "Coding"),
    Input("date", "dateTime"),
    Input("property", "code", many=True),
    *VERSIONS,
)
SUBSUMES = (
    Input("codeA", "code"),
    Input("codeB", "code"),
    Input("system", "uri"),
    Input("version", "string"),
    Input("codingA", "Coding"),
    Input("codingB", "Coding"),
    *VERSIONS,
)

Element = dict[str, Any]


def lookup(gateway: Gateway, view: Read, call: Call) -> Answer:
    """Answer with what is known of a code, as Parameters. Raises: NotFound, InvalidRequest."""
    wishes = wishes_of(call, open=True)
    coding = call.inputs.one("coding")
    code = coding.get("code") if coding is not None else call.inputs.one("code")
    if code is None:
        raise InvalidRequest(complaints.INPUT_MISSING.at(operation="lookup", name="code", type="code"))
    named = coding_of(coding) if coding is not None else None
    system = named.system if named is not None else call.inputs.one("system")
    version = named.version if named is not None else call.inputs.one("version")
    edition = _edition(view, call, catalog_of(gateway, view, call), wishes, system, version)
    concept = edition.concept(code)
    if concept is None:
        raise NotFound(_unknown(edition, code))
    wanted = call.inputs.all("property")
    found = look_up(edition, concept, wanted, wishes.wanted)
    return Answer(200, encode({"resourceType": "Parameters", "parameter": _told(found)}))


def _edition(
    view: Read, call: Call, catalog: Catalog, wishes: Wishes, system: str | None, version: str | None
) -> Edition:
    """Return the code system that is asked about. Raises: NotFound, InvalidRequest."""
    if call.interaction.id is not None:
        resource = stored(view, call)
        catalog = catalog.over([resource])
        system, version = resource.get("url", ""), resource.get("version")
    if system is None:
        name = call.interaction.operation
        raise InvalidRequest(complaints.INPUT_MISSING.at(operation=name, name="system", type="uri"))
    wanted = Resolution(catalog, wishes.rules).version(system, version)
    edition = catalog.edition(system, wanted, wishes.supplements, ANSWERING)
    if edition is None:
        raise NotFound(unknown_system(catalog, system, wanted, None)[0])
    return edition


def _unknown(edition: Edition, code: str) -> Issue:
    if edition.version is None:
        return messages.CODE_UNKNOWN_TO_SYSTEM.at(code=code, system=edition.url)
    return messages.CODE_UNKNOWN.at(code=code, system=edition.url, version=edition.version)


def _told(found: Looked) -> list[Element]:
    edition, concept = found.edition, found.concept
    told: list[Element] = [{"name": "name", "valueString": edition.name}]
    for name, key, value in (
        ("version", "valueString", edition.version),
        ("display", "valueString", found.display),
        ("definition", "valueString", found.definition),
        ("code", "valueCode", concept.code),
        ("system", "valueUri", edition.url),
    ):
        if value is not None:
            told.append({"name": name, key: value})
    told.append({"name": "abstract", "valueBoolean": found.abstract})
    for designation in found.designations:
        parts: list[Element] = []
        if designation.language:
            parts.append({"name": "language", "valueCode": designation.language})
        if designation.use is not None:
            parts.append({"name": "use", "valueCoding": dict(designation.use)})
        told.append({"name": "designation", "part": [*parts, {"name": "value", "valueString": designation.value}]})
    for property, element, description in found.properties:
        parts = [{"name": "code", "valueCode": property}, {"name": "value", **element}]
        if description is not None:
            parts.append({"name": "description", "valueString": description})
        told.append({"name": "property", "part": parts})
    return told


def subsumes(gateway: Gateway, view: Read, call: Call) -> Answer:
    """Answer with `outcome`: equivalent, subsumes, subsumed-by or not-subsumed. Raises: NotFound, InvalidRequest."""
    wishes = wishes_of(call)
    one, other = (_side(call, letter) for letter in "AB")
    if one[0] != other[0] and None not in (one[0], other[0]):
        raise InvalidRequest(complaints.SYSTEMS_DIFFER.at(one=one[0], other=other[0]))
    version = one[2] or other[2] or call.inputs.one("version")
    system = one[0] or other[0] or call.inputs.one("system")
    edition = _edition(view, call, catalog_of(gateway, view, call), wishes, system, version)
    missing = [code for code in (one[1], other[1]) if edition.concept(code) is None]
    if missing:
        raise NotFound(*(_unknown(edition, code) for code in dict.fromkeys(missing)))
    outcome = subsumption(edition, one[1], other[1])
    told = [{"name": "outcome", "valueCode": outcome}]
    return Answer(200, encode({"resourceType": "Parameters", "parameter": told}))


def _side(call: Call, letter: str) -> tuple[str | None, str, str | None]:
    """Return system, code and version of one of the two. Raises: InvalidRequest where it has no code."""
    coding = call.inputs.one(f"coding{letter}") or {}
    code = coding.get("code") or call.inputs.one(f"code{letter}")
    if code is None:
        raise InvalidRequest(complaints.INPUT_MISSING.at(operation="subsumes", name=f"code{letter}", type="code"))
    return coding.get("system"), code, coding.get("version")

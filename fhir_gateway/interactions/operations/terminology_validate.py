"""$validate-code of value sets and code systems, and many of them at once ($batch-validate-code).

Source: FHIR R4, ValueSet, "$validate-code"; CodeSystem, "$validate-code"; FHIR R6, "$batch-validate-code"; HL7, FHIR
Terminology Ecosystem.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fhir_gateway.fhir.json import encode
from fhir_gateway.fhir.outcome import (
    FhirError,
    InvalidRequest,
    Issue,
    Language,
    Unprocessable,
    operation_outcome,
)
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Answer
from fhir_gateway.interactions.operations.inputs import inputs_of
from fhir_gateway.interactions.operations.operation import Call, Operation
from fhir_gateway.interactions.operations.terminology_inputs import (
    catalog_of,
    coding_of,
    stored,
    value_set_of,
    wishes_of,
)
from fhir_gateway.store.contract import Read
from fhir_gateway.terminology import messages
from fhir_gateway.terminology.catalog import Catalog
from fhir_gateway.terminology.code_validation import validate
from fhir_gateway.terminology.composition import Composition
from fhir_gateway.terminology.edition import Edition
from fhir_gateway.terminology.resolution import ANSWERING, Resolution
from fhir_gateway.terminology.verdict import Coding, Mode, Verdict, unknown_system

Element = dict[str, Any]


def validate_code(gateway: Gateway, view: Read, call: Call) -> Answer:
    """Answer with the verdict on a code, as Parameters.

    Raises: InvalidRequest, NotFound, Unprocessable where the value set or code system cannot be asked.
    """
    return Answer(200, encode(_judged(gateway, view, call)))


def _judged(gateway: Gateway, view: Read, call: Call) -> Element:
    catalog = catalog_of(gateway, view, call)
    of_system = call.interaction.type == "CodeSystem"
    judge = _of_system if of_system else _of_value_set
    mode, sent, verdict = judge(view, call, catalog)
    return parameters_of(verdict, mode, sent, call.interaction.language)


Judged = tuple[Mode, Any, Verdict]


def _of_value_set(view: Read, call: Call, catalog: Catalog) -> Judged:
    wishes = wishes_of(call)
    composition = value_set_of(view, call, catalog, wishes)
    inputs = call.inputs
    found = _asked(call, inputs.one("system"), inputs.one("systemVersion"))
    if found is None or (found[0] == "code" and found[2][0].system is None and not wishes.infers_system):
        raise Unprocessable(messages.NOTHING_TO_VALIDATE.at())
    mode, sent, codings = found
    return mode, sent, validate(catalog, composition, codings, mode, wishes)


def _asked(call: Call, system: str | None, version: str | None) -> tuple[Mode, Any, list[Coding]] | None:
    """Return what is asked about: as what it came, as it came, and its codings; None when nothing is."""
    inputs = call.inputs
    concept = inputs.one("codeableConcept")
    if concept is not None:
        return "codeableConcept", concept, [coding_of(each) for each in concept.get("coding", ()) if "code" in each]
    coding = inputs.one("coding")
    if coding is not None:
        return ("coding", coding, [coding_of(coding)]) if "code" in coding else None
    code = inputs.one("code")
    return None if code is None else ("code", None, [Coding(system, code, version, inputs.one("display"))])


# --- code systems


def _of_system(view: Read, call: Call, catalog: Catalog) -> Judged:
    """Judge against a code system: that of the instance, of the parameter `codeSystem` or `url`, or the coding's."""
    wishes = wishes_of(call)
    inputs = call.inputs
    given = stored(view, call) if call.interaction.id is not None else inputs.one("codeSystem")
    if given is not None:
        catalog = catalog.over([given])
    url = given.get("url") if given is not None else inputs.one("url")
    found = _asked(call, url or inputs.one("system"), inputs.one("version"))
    if found is None:
        raise InvalidRequest(messages.NOTHING_TO_VALIDATE.at())
    mode, sent, codings = found
    first = codings[0] if codings else Coding(None, "")
    system = url or first.system
    if system is None:
        return mode, sent, _refused(messages.NO_SYSTEM.at(_path(mode) or None), first)
    resolution = Resolution(catalog, wishes.rules, wishes.supplements)
    stated = given.get("version") if given is not None else inputs.one("version") or (None if url else first.version)
    version = resolution.version(system, stated)
    edition = catalog.edition(system, version, wishes.supplements, ANSWERING)
    if edition is None:
        place = f"{_path(mode)}.system" if _path(mode) else "system"
        issue, unknown = unknown_system(catalog, system, version, place)
        return mode, sent, _refused(issue, first, unknown)
    codings = [replace(each, system=each.system or system) for each in codings]
    verdict = validate(catalog, _all_of(edition), codings, mode, wishes, is_system=True)
    return mode, sent, verdict


def _path(mode: Mode) -> str:
    return {"code": "", "coding": "Coding", "codeableConcept": "CodeableConcept.coding[0]"}[mode]


def _refused(issue: Issue, coding: Coding, unknown: str | None = None) -> Verdict:
    told = () if unknown is None else (unknown,)
    return Verdict(
        False,
        [issue],
        system=coding.system,
        code=coding.code or None,
        version=coding.version,
        unknown=told,
        said=[issue],
    )


def _all_of(edition: Edition) -> Composition:
    """Return the value set of all codes of a system."""
    stated = {"version": edition.version} if edition.version else {}
    include = {"system": edition.url, **stated}
    url = edition.system.value_set or f"{edition.url}/vs"
    return Composition({"url": url, **stated, "status": "active", "compose": {"include": [include]}})


# --- the answer


def parameters_of(verdict: Verdict, mode: Mode, sent: Any, language: Language) -> Element:
    """Return a verdict as Parameters."""
    told: list[Element] = [{"name": "result", "valueBoolean": verdict.result}]
    message = verdict.message(language)
    if message is not None:
        told.append({"name": "message", "valueString": message})
    for name, key, value in (
        ("system", "valueUri", verdict.system),
        ("code", "valueCode", verdict.code),
        ("version", "valueString", verdict.version),
        ("display", "valueString", verdict.display),
        ("normalized-code", "valueCode", verdict.normalized),
        ("inactive", "valueBoolean", verdict.inactive or None),
        ("status", "valueCode", verdict.status),
    ):
        if value is not None:
            told.append({"name": name, key: value})
    if mode == "codeableConcept":
        told.append({"name": "codeableConcept", "valueCodeableConcept": sent})
    name = "x-caused-by-unknown-system" if verdict.is_caused_by_unknown else "x-unknown-system"
    told += ({"name": name, "valueCanonical": each} for each in verdict.unknown)
    if verdict.issues:
        told.append({"name": "issues", "resource": operation_outcome(verdict.issues, language)})
    return {"resourceType": "Parameters", "parameter": told}


# --- many at once


def batch(validation: Operation) -> Any:
    """Return what carries out $batch-validate-code by the inputs of $validate-code."""

    def batch_validate_code(gateway: Gateway, view: Read, call: Call) -> Answer:
        """Answer each `validation` by itself, in their order; what stands beside them holds for all.

        Raises: InvalidRequest when there is none.
        """
        act = call.interaction
        sent = (act.resource or {}).get("parameter", [])
        shared = [each for each in sent if each.get("name") != "validation"]
        answers: list[Element] = []
        for each in call.inputs.all("validation"):
            own = each.get("parameter", [])
            names = {parameter["name"] for parameter in own}
            merged = [*own, *(other for other in shared if other["name"] not in names)]
            merged += [other for other in shared if other["name"] == "tx-resource" and "tx-resource" in names]
            answers.append(_one(gateway, view, call, {"resourceType": "Parameters", "parameter": merged}))
        made = [{"name": "validation", "resource": each} for each in answers]
        return Answer(200, encode({"resourceType": "Parameters", "parameter": made}))

    def _one(gateway: Gateway, view: Read, call: Call, resource: Element) -> Element:
        act = replace(call.interaction, resource=resource, parameters=[], operation=validation.name)
        try:
            inner = Call(act, call.actor, inputs_of(validation, act))
            if act.type is None:
                # Asked of the whole server: about a value set where one is named, else about a code system.
                named = any(inner.inputs.one(name) is not None for name in ("valueSet", "url"))
                act.type = "ValueSet" if named else "CodeSystem"
            return _judged(gateway, view, inner)
        except FhirError as refusal:
            return operation_outcome(refusal.issues, act.language)

    return batch_validate_code

"""What expansion and validation do alike with the parts of a value set and with the wishes it has itself.

Source: FHIR R4, ValueSet.compose; HL7, FHIR Terminology Ecosystem (valueset-expansion-parameter).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fhir_gateway.fhir.outcome import InvalidRequest
from fhir_gateway.terminology import messages
from fhir_gateway.terminology.composition import Composition, Part
from fhir_gateway.terminology.edition import Edition
from fhir_gateway.terminology.languages import languages, languages_or_none
from fhir_gateway.terminology.versions import order
from fhir_gateway.terminology.wishes import Wishes


def of_composition(composition: Composition, wishes: Wishes, open: bool) -> Wishes:
    """Return the wishes together with those that the value set itself has, which come after those of the request."""
    if not composition.parameters and not composition.language and wishes.wanted is None:
        return wishes
    told = dict(wishes.told)
    for name, value in composition.parameters:
        if name == "displayLanguage" and wishes.languages is None:
            wishes = replace(wishes, languages=languages(str(value), open))
        elif name == "versionsMatch" and "versionsMatch" not in told:
            wishes = replace(wishes, versions_match=str(value).lower() == "true")
            told["versionsMatch"] = wishes.versions_match
        elif name == "designation":
            wishes = replace(wishes, designations=(*wishes.designations, str(value)))
    if wishes.header is None and composition.language:
        wishes = replace(wishes, header=languages_or_none(composition.language, open))
    if wishes.wanted is not None:
        told["displayLanguage"] = wishes.wanted.text
    if told.get("versionsMatch") is False:
        told["versionsMatch"] = ()  # it is as if it were not said
    return replace(wishes, told=told)


def in_order(parts: Sequence[Part]) -> Sequence[Part]:
    """Return parts, of one system the later versions first."""
    if len(parts) < 2:
        return parts
    by_system: dict[str | None, list[Part]] = {}
    for part in parts:
        by_system.setdefault(part.system, []).append(part)
    queues = {
        system: iter(sorted(found, key=lambda part: order(part.version), reverse=True))
        if all(part.version is not None for part in found)
        else iter(found)
        for system, found in by_system.items()
    }
    return [next(queues[part.system]) for part in parts]


def check_filters(part: Part, edition: Edition) -> None:
    """Raises: InvalidRequest for filters without a value."""
    issues = [
        messages.FILTER_WITHOUT_VALUE.at(
            f"{part.place}.filter[{index}]", system=edition.url, property=each.property, op=each.op
        )
        for index, (each, is_valueless) in enumerate(zip(part.filters, part.is_valueless, strict=True))
        if is_valueless
    ]
    if issues:
        raise InvalidRequest(*issues)


def filter_unknown(part: Part) -> InvalidRequest:
    return InvalidRequest(
        *(
            messages.FILTER_UNKNOWN.at(
                f"{part.place}.filter[{index}]", property=each.property, op=each.op, value=each.value
            )
            for index, each in enumerate(part.filters)
        )
    )

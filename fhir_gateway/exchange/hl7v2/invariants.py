"""What a sender wrote that R4 forbids wherever it stands: left out, and told.

A validity that ends before it starts, a duration without its number, a kind of content that is no media type: the rest
of the resource is as true as it was.

Source: FHIR R4, Data Types, "Period" (per-1), "Duration" (drt-1); Attachment, "contentType" (BCP 13).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fhir_gateway.exchange.hl7v2.tables import has
from fhir_gateway.exchange.hl7v2.values import code_of
from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.fhir.primitives import ends_before_start
from fhir_gateway.transform.complaints import ENDS_BEFORE

_ITEMS = ("identifier", "name", "telecom", "address", "contact")  # that have a period of validity each
_PERIODS = ("effectivePeriod", "performedPeriod", "valuePeriod", "collectedPeriod", "period")
_HOLDERS = ("collection", "provision", "context")  # objects that hold one
_MEDIA_TYPES = "urn:ietf:bcp:13"
_BYTES = "application/octet-stream"


def keep(resource: dict[str, Any]) -> Iterator[Issue]:
    """Let a resource keep R4's invariants, in place; yield what was left out."""
    kind = resource["resourceType"]
    for name in _ITEMS:
        items = resource.get(name)
        for item in items if type(items) is list else ():
            if "period" in item:
                yield from _ordered(item, "period", f"{kind}.{name}.period")
    for name in _PERIODS:
        if name in resource:
            yield from _ordered(resource, name, f"{kind}.{name}")
    for name in _HOLDERS:
        held = resource.get(name)
        if type(held) is dict:
            for inner in _PERIODS:
                if inner in held:
                    yield from _ordered(held, inner, f"{kind}.{name}.{inner}")
    length = resource.get("length")
    if type(length) is dict and "value" not in length:
        del resource["length"]
    if kind == "Encounter" and "code" in resource.get("class", ()):
        code = code_of(resource["class"]["code"])
        resource["class"] = {**resource["class"], "code": code or "UNK"}
    if kind == "Binary":
        _media_type(resource)
    elif kind == "DocumentReference":
        for content in resource.get("content", ()):
            _media_type(content.get("attachment", {}))


def _ordered(holder: dict[str, Any], name: str, path: str) -> Iterator[Issue]:
    period = holder[name]
    if type(period) is dict and ends_before_start(period):
        del period["end"]
        yield ENDS_BEFORE.at(None, where="", path=path)


def _media_type(attachment: dict[str, Any]) -> None:
    """Let content of a kind that nobody knows be bytes: what it is stands in the message."""
    if "contentType" in attachment and not has(_MEDIA_TYPES, attachment["contentType"], unknown=True):
        attachment["contentType"] = _BYTES

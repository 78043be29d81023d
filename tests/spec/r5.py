"""Terminology resources of R5 in the form of R4, and expansions of R4 in the form of R5.

Source: FHIR R5, "R4 to R5 Maps"; CodeSystem, ValueSet, ConceptMap, "Differences"; "Extensions for Converting between
versions" (extension-ValueSet.expansion.property).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_R5 = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ValueSet.expansion"
_OF_EXPANSION, _OF_CODE = f"{_R5}.property", f"{_R5}.contains.property"
_NEW = frozenset(
    {
        "versionAlgorithmString", "versionAlgorithmCoding", "copyrightLabel", "approvalDate", "lastReviewDate",
        "effectivePeriod", "topic", "author", "editor", "reviewer", "endorser", "relatedArtifact", "scope",
        "additionalUse", "additionalAttribute", "versionNeeded",
    }
)  # fmt: skip
_EQUIVALENCE = {
    "related-to": "relatedto", "equivalent": "equivalent", "source-is-narrower-than-target": "wider",
    "source-is-broader-than-target": "narrower", "not-related-to": "disjoint",
}  # fmt: skip
_MODES = {"use-source-code": "provided", "fixed": "fixed", "other-map": "other-map"}


def to_r4(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Return a resource of R5 as R4 has it; what has no place there is left out."""
    made: dict[str, Any] = _plain(resource)
    _within(made)
    if made["resourceType"] == "ConceptMap":
        _concept_map(made)
    for parameter in made.get("parameter", ()) if made["resourceType"] == "Parameters" else ():
        if isinstance(parameter.get("resource"), dict):
            parameter["resource"] = to_r4(parameter["resource"])
        # The suite writes some booleans as text, which readers of R5 take.
        if parameter.get("valueBoolean") in ("true", "false"):
            parameter["valueBoolean"] = parameter["valueBoolean"] == "true"
    return made


def _plain(value: Any) -> Any:
    """Return a copy without properties that are no elements ("title:de") and without what R4 lacks."""
    if isinstance(value, dict):
        kept = {name: each for name, each in value.items() if ":" not in name and name not in _NEW}
        return {name: _plain(each) for name, each in kept.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _within(resource: dict[str, Any]) -> None:
    """Turn the properties of an expansion into extensions."""
    expansion = resource.get("expansion")
    if not isinstance(expansion, dict):
        return
    for each in expansion.pop("property", ()):
        parts = [{"url": "code", "valueCode": each["code"]}]
        parts += [{"url": "uri", "valueUri": each["uri"]}] if "uri" in each else []
        expansion.setdefault("extension", []).append({"url": _OF_EXPANSION, "extension": parts})
    pending = list(expansion.get("contains", ()))
    while pending:
        each = pending.pop()
        pending += each.get("contains", ())
        for property in each.pop("property", ()):
            value = {name: one for name, one in property.items() if name.startswith("value")}
            parts = [{"url": "code", "valueCode": property["code"]}, {"url": "value", **value}]
            each.setdefault("extension", []).append({"url": _OF_CODE, "extension": parts})


def _concept_map(made: dict[str, Any]) -> None:
    for end in ("source", "target"):
        for kind in ("Uri", "Canonical"):
            if f"{end}Scope{kind}" in made:
                made[f"{end}{kind}"] = made.pop(f"{end}Scope{kind}")
    made.pop("property", None)
    for group in made.get("group", ()):
        for end in ("source", "target"):
            if "|" in group.get(end, ""):
                group[end], group[f"{end}Version"] = group[end].split("|", 1)
        for element in group.get("element", ()):
            if element.pop("noMap", False):
                element["target"] = [{"equivalence": "unmatched"}]
            for target in element.get("target", ()):
                if "relationship" in target:
                    target["equivalence"] = _EQUIVALENCE[target.pop("relationship")]
        unmapped = group.get("unmapped")
        if unmapped is not None:
            unmapped.pop("relationship", None)
            unmapped["mode"] = _MODES[unmapped["mode"]]
            if "otherMap" in unmapped:
                unmapped["url"] = unmapped.pop("otherMap")


def to_r5(resource: Any) -> Any:
    """Return a resource of R4 as R5 has it: the properties of an expansion out of their extensions."""
    if isinstance(resource, list):
        return [to_r5(each) for each in resource]
    if not isinstance(resource, dict):
        return resource
    made = {name: to_r5(each) for name, each in resource.items()}
    extensions = made.get("extension")
    if isinstance(extensions, list):
        kept = [each for each in extensions if each.get("url") not in (_OF_EXPANSION, _OF_CODE)]
        found = [_property(each) for each in extensions if each.get("url") in (_OF_EXPANSION, _OF_CODE)]
        if found:
            made["property"] = found
            made["extension"] = kept
            if not kept:
                del made["extension"]
    return made


def _property(extension: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for part in extension["extension"]:
        name, value = next((key, each) for key, each in part.items() if key.startswith("value"))
        made[name if part["url"] == "value" else part["url"]] = value
    return made

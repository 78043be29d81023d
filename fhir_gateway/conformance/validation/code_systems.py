"""Rules of CodeSystem that its definition does not state: counts, supplements, properties, concepts.

Source: FHIR R4, CodeSystem; "Concept Properties"; "Code System Supplements".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fhir_gateway.conformance.validation import terminology_complaints as complaints
from fhir_gateway.conformance.validation.findings import found
from fhir_gateway.conformance.validation.places import objects, text_of
from fhir_gateway.fhir.fhirpath import Node

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.walk import Walk

_PROPERTIES = "http://hl7.org/fhir/concept-properties#"
# FHIR's own properties with their type; the first five are those of R4, the others came with later definitions.
_KNOWN = {
    "inactive": "boolean",
    "deprecated": "dateTime",
    "notSelectable": "boolean",
    "parent": "code",
    "child": "code",
    "status": "code",
    "effectiveDate": "dateTime",
    "deprecationDate": "dateTime",
    "retirementDate": "dateTime",
    "comment": "string",
    "synonym": "code",
    "partOf": "code",
}
_WITHIN = frozenset({"parent", "child", "partOf"})  # their values are codes of the same system


def check(walk: Walk, node: Node) -> None:
    """Report what is wrong with a CodeSystem."""
    _CodeSystem(walk, node).check()


class _CodeSystem:
    def __init__(self, walk: Walk, node: Node) -> None:
        self.walk = walk
        self.node = node
        self.resource: Mapping[str, Any] = node.value
        self.url = text_of(self.resource, "url") or ""
        self.content = text_of(self.resource, "content")
        self.supplements = text_of(self.resource, "supplements")
        self.is_hl7 = "hl7.org" in self.url or "fhir.org" in self.url
        self.concepts = list(self._all(node))
        self.codes = {str(each.value.get("code")) for each in self.concepts}

    def _all(self, holder: Node) -> list[Node]:
        """Return all concepts, each before those below it."""
        concepts: list[Node] = []
        pending = [holder]
        while pending:
            current = pending.pop()
            if current is not holder:
                concepts.append(current)
            pending += reversed(objects(self.walk.engine.model, current, "concept"))
        return concepts

    def report(self, complaint: Any, node: Node, **texts: object) -> None:
        self.walk.report(found(complaint, node, None, **texts))

    def at(self, key: str) -> Node:
        return Node(self.resource.get(key), "string", None, self.node, key)

    def check(self) -> None:
        if self.supplements:
            self._supplement(self.supplements)
        else:
            self._whole()
        self._count()
        self._value_set()
        defined = self._properties()
        self._concepts(defined)

    def _supplement(self, supplements: str) -> None:
        if self.content != "supplement":
            self.report(complaints.SUPPLEMENT_CONTENT, self.at("content"))
        if "caseSensitive" in self.resource:
            self.report(complaints.SUPPLEMENT_ELEMENT, self.at("caseSensitive"), element="caseSensitive")
        if self.concepts and self.walk.schemas.resource("CodeSystem", supplements) is None:
            self.report(complaints.SUPPLEMENT_UNCHECKED, self.node, system=supplements)
            return
        system, _, version = supplements.partition("|")
        for concept in self.concepts:
            code = text_of(concept.value, "code")
            verdict = self.walk.bindings.verdict(system, code, version=version or None) if code else None
            if verdict is not None and verdict.state == "unknown-code":
                self.report(complaints.SUPPLEMENT_CODE, concept, code=code, system=supplements)

    def _whole(self) -> None:
        if self.content == "supplement":
            self.report(complaints.SUPPLEMENT_OF_NOTHING, self.at("content"))
            self.report(complaints.SUPPLEMENT_UNNAMED, self.node)
        if self.content == "complete" and not self.concepts:
            self.report(complaints.COMPLETE_AND_EMPTY, self.node)
        missing = complaints.HL7_MISSING if self.is_hl7 else complaints.ELEMENT_MISSING
        nested = any("concept" in each.value for each in self.concepts)
        for key, wanted in (("caseSensitive", True), ("hierarchyMeaning", nested)):
            if wanted and key not in self.resource:
                self.report(missing, self.node, element=key)

    def _count(self) -> None:
        stated, count = self.resource.get("count"), len(self.concepts)
        if self.content == "not-present" and self.concepts:
            self.report(complaints.CONTENT_NOT_PRESENT, self.concepts[0])
        if not isinstance(stated, int):
            return
        texts = {"count": count, "stated": stated}
        if self.content == "complete" and count != stated:
            self.report(complaints.COUNT_COMPLETE, self.at("count"), **texts)
        elif self.content in ("example", "fragment") and count >= stated:
            self.report(complaints.COUNT_FRAGMENT, self.at("count"), **texts)
        elif self.content == "supplement" and self.supplements:
            base = self.walk.schemas.resource("CodeSystem", self.supplements)
            if base is not None and base.get("count") not in (None, stated):
                texts["count"] = base["count"]
                self.report(complaints.COUNT_SUPPLEMENT, self.at("count"), **texts)

    def _value_set(self) -> None:
        url = text_of(self.resource, "valueSet")
        if url is None or self.supplements:
            return
        if self.content != "complete":
            self.report(complaints.VALUE_SET_INCOMPLETE, self.node)
        value_set = self.walk.schemas.resource("ValueSet", url)
        if value_set is None:
            return
        texts: dict[str, object] = {"system": self.url, "value_set": url}
        includes = (value_set.get("compose") or {}).get("include") or []
        if len(includes) != 1:
            self.report(complaints.VALUE_SET_SINGLE, self.node, **texts)
        elif includes[0].get("system") != self.url:
            self.report(complaints.VALUE_SET_SYSTEM, self.node, **texts, found=includes[0].get("system"))
        elif any(key in includes[0] for key in ("valueSet", "concept", "filter")):
            self.report(complaints.VALUE_SET_DETAILS, self.node, **texts)

    def _properties(self) -> dict[str, Mapping[str, Any]]:
        """Check the declared properties; return them by code, the first of each."""
        by_code: dict[str, Mapping[str, Any]] = {}
        uris: set[str] = set()
        for node in objects(self.walk.engine.model, self.node, "property"):
            code, uri, type = (text_of(node.value, key) for key in ("code", "uri", "type"))
            if code is not None and code in by_code:
                self.report(complaints.PROPERTY_CODE_TWICE, node, code=code)
            elif code is not None:
                by_code[code] = node.value
            if uri is not None:
                if uri in uris:
                    self.report(complaints.PROPERTY_URI_TWICE, node, uri=uri)
                else:
                    self._uri(node, code, uri, type)
                uris.add(uri)
            elif code is not None:
                self._code_only(node, code, type)
        return by_code

    def _uri(self, node: Node, code: str | None, uri: str, type: str | None) -> None:
        if ":" not in uri:
            self.report(complaints.PROPERTY_URI_RELATIVE, node, uri=uri)
            return
        if not uri.startswith(_PROPERTIES):
            return
        usual = uri.removeprefix(_PROPERTIES)
        wanted = _KNOWN.get(usual)
        if wanted is None:
            self.report(complaints.PROPERTY_HL7_URI, node, uri=uri)
            return
        if code != usual and code in _KNOWN:
            self.report(complaints.PROPERTY_CODE_UNUSUAL, node, uri=uri, usual=usual, code=code)
        if type != wanted:
            self.report(complaints.PROPERTY_URI_TYPE, node, uri=uri, type=type, wanted=wanted)

    def _code_only(self, node: Node, code: str, type: str | None) -> None:
        wanted = _KNOWN.get(code)
        if wanted is None:
            self.report(complaints.PROPERTY_UNKNOWN, node, code=code)
            return
        self.report(complaints.PROPERTY_CODE_ONLY, node, code=code, uri=_PROPERTIES + code)
        if type != wanted:
            self.report(complaints.PROPERTY_CODE_TYPE, node, code=code, type=type, wanted=wanted)

    def _concepts(self, defined: Mapping[str, Mapping[str, Any]]) -> None:
        seen: set[str] = set()
        undefined = undisplayed = False
        for concept in self.concepts:
            code = text_of(concept.value, "code")
            if code is not None and code in seen:
                self.report(complaints.CODE_DUPLICATE, concept, code=code)
            seen.add(str(code))
            if self.is_hl7 and not self.supplements:
                # Said once: a system without definitions has none for any of its concepts.
                if not undefined and "definition" not in concept.value:
                    undefined = True
                    self.report(complaints.NO_DEFINITION, concept)
                if not undisplayed and "display" not in concept.value:
                    undisplayed = True
                    self.report(complaints.NO_DISPLAY, concept)
            self._designations(concept)
            for node in objects(self.walk.engine.model, concept, "property"):
                self._property(node, defined)

    def _designations(self, concept: Node) -> None:
        display, language = text_of(concept.value, "display"), text_of(self.resource, "language")
        for node in objects(self.walk.engine.model, concept, "designation"):
            own = text_of(node.value, "language") or language
            if display and "use" not in node.value and own == language:
                texts = {"designation": node.value.get("value"), "language": language or "--", "display": display}
                self.report(complaints.DESIGNATION_CLASH, node, **texts)

    def _property(self, node: Node, defined: Mapping[str, Mapping[str, Any]]) -> None:
        code = text_of(node.value, "code")
        key = next((each for each in node.value if each.startswith("value")), None)
        if code is None:
            return
        if key is None:
            self.report(complaints.PROPERTY_NO_VALUE, node, code=code)
            return
        declared = defined.get(code)
        if declared is None:
            self.report(complaints.PROPERTY_UNDEFINED, node, code=code)
            return
        type, wanted = key[5:6].lower() + key[6:], text_of(declared, "type")
        if type == "coding":
            type = "Coding"
        if wanted is not None and type != wanted:
            self.report(complaints.PROPERTY_TYPE, node, code=code, type=type, wanted=wanted)
        uri = text_of(declared, "uri")
        name = code if uri is None else uri.removeprefix(_PROPERTIES) if uri.startswith(_PROPERTIES) else ""
        value = str(node.value[key])
        if value in self.codes or self.content != "complete":
            return
        if name == "synonym":
            self.report(complaints.SYNONYM_UNKNOWN, node, code=value)
        elif name in _WITHIN and type == "code":
            self.report(complaints.PROPERTY_REFERENCE, node, code=value)

"""Extensions: whether they are known, allowed where they stand, and as their definition says.

Source: FHIR R4, Extensibility; Defining Extensions, "Extension Context".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhir_gateway.conformance.validation import extension_complaints as complaints
from fhir_gateway.conformance.validation.cross_version import cross_version
from fhir_gateway.conformance.validation.extension_contexts import Place, contexts_of, is_for, shown, versions_of
from fhir_gateway.conformance.validation.findings import Finding, expression_of, found
from fhir_gateway.conformance.validation.schema import Rule, Schema
from fhir_gateway.fhir.fhirpath import Node
from fhir_gateway.fhir.outcome import Complaint

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.walk import Walk

# Whoever uses these has told what they mean; others' extensions must be known.
_EXAMPLES = ("example.org", "acme.com")
# DICOM's, and the package of HL7's own tools: loaded by the tools only, what it defines is meant for them.
_NEVER_LOADED = "http://hl7.org/fhir/tools/StructureDefinition/"
_DICOM = "nema.org"
# Defined after R4, and used with it by the publishers of guides.
_LATER = frozenset(
    f"http://hl7.org/fhir/{each}"
    for each in (
        "StructureDefinition/elementdefinition-type-must-support",
        "StructureDefinition/instance-name",
        "StructureDefinition/instance-description",
        "StructureDefinition/codesystem-properties-mode",
        "StructureDefinition/structuredefinition-rdf-type",
        "StructureDefinition/structuredefinition-conformance-derivedFrom",
        "StructureDefinition/structuredefinition-fmm-support",
        "StructureDefinition/structuredefinition-expression",
        "build/StructureDefinition/definition",
        "build/StructureDefinition/binding-definition",
    )
)
_OF_OTHER_VERSION = {
    "element-unknown": complaints.OTHER_VERSION_ELEMENT,
    "unchanged": complaints.OTHER_VERSION_UNCHANGED,
}
_FHIR_TYPE = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type"


class Extensions:
    """Checks the extensions of one validation."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk

    def check(self, node: Node, holder: Node, schema: Schema) -> None:
        """Check one extension: its url, its definition, its place, its value."""
        walk = self._walk
        url = node.value.get("url") if isinstance(node.value, dict) else None
        if not isinstance(url, str) or not url:
            walk.report(found(complaints.URL, node, schema.canonical))
            return
        if ":" not in url:
            if holder.type == "Extension":
                self._part(node, url, holder)
            else:
                walk.report(found(complaints.URL_RELATIVE, node, schema.canonical, url=url))
            return
        definition = self._definition(node, url)
        if definition is None:
            other = cross_version(url)
            if other is None:
                self._unknown(node, url, schema)
                return
            if other.schema is None:
                complaint = _OF_OTHER_VERSION[other.status]
                self._report(complaint, node, "", url, version=other.version, element=other.element)
                return
            definition = other.schema
        self._modifier(node, url, definition)
        self._context(node, holder, definition)
        self._value(node, url, definition)
        walk.against(node, definition)

    def _definition(self, node: Node, url: str) -> Schema | None:
        """Return the definition of an extension; a version in its url is told of, and set aside."""
        plain, versioned, _ = url.partition("|")
        definition = self._walk.schemas.of(plain)
        if definition is not None and definition.type != "Extension":
            definition = None
        if versioned:
            if definition is None:
                self._report(complaints.URL_VERSION_UNKNOWN, node, "", url)
            else:
                self._report(complaints.URL_VERSION, node, definition.canonical, url, found=definition.canonical)
        return definition

    def _report(self, complaint: Complaint, node: Node, profile: str, url: str, **texts: object) -> None:
        """Report something about an extension that its url tells from those beside it."""
        place = f"{expression_of(node)}[url='{url}']"
        self._walk.report(Finding(complaint.at(place, profile=profile, url=url, **texts), profile, node))

    def _unknown(self, node: Node, url: str, schema: Schema) -> None:
        walk = self._walk
        if url in _LATER:
            return
        allowed = walk.wishes.any_extensions or _DICOM in url or url.startswith(_NEVER_LOADED)
        allowed = allowed or (walk.wishes.example_urls and any(each in url for each in _EXAMPLES))
        complaint = complaints.UNKNOWN_ALLOWED if allowed else complaints.UNKNOWN
        walk.report(found(complaint, node, schema.canonical, url=url))

    def _part(self, node: Node, url: str, holder: Node) -> None:
        """Check that a part of a complex extension is one that its definition knows."""
        whole = holder.value.get("url")
        if not isinstance(whole, str) or ":" not in whole:
            return
        definition = self._walk.schemas.of(whole)
        if definition is None and (other := cross_version(whole)) is not None:
            definition = other.schema
        if definition is None or definition.type != "Extension":
            return
        if url not in _parts(definition):
            self._report(complaints.PART_UNKNOWN, node, definition.canonical, url, extension=definition.canonical)

    def _modifier(self, node: Node, url: str, definition: Schema) -> None:
        modifies = bool(definition.root.raw.get("isModifier", False))
        if modifies and node.key == "extension":
            self._report(complaints.MODIFIER, node, definition.canonical, url)
        elif not modifies and node.key == "modifierExtension":
            self._report(complaints.NOT_MODIFIER, node, definition.canonical, url)

    # --- where it stands

    def _context(self, node: Node, holder: Node, definition: Schema) -> None:
        walk = self._walk
        place = Place(walk, holder)
        if place.takes_all():
            return
        version = walk.engine.model.version
        profile = definition.canonical
        limits = versions_of(definition.definition)
        complaint: Complaint
        for holds, complaint, limit in zip(
            is_for(version, limits), (complaints.VERSION_EARLIEST, complaints.VERSION_LATEST), limits, strict=True
        ):
            if not holds:
                walk.report(found(complaint, holder, profile, url=definition.url, limit=limit, version=version))
        contexts = [each for each in contexts_of(definition) if all(is_for(version, versions_of(each)))]
        if not any(place.is_in(each) for each in contexts):
            texts = {"url": profile, "place": place, "allowed": shown(contexts)}
            # Elements may have another name in other versions.
            complaint = (
                complaints.CONTEXT if cross_version(definition.url) is None else complaints.CONTEXT_OTHER_VERSION
            )
            walk.report(found(complaint, holder, profile, **texts))
            return
        for invariant in definition.definition.get("contextInvariant", ()):
            if not place.holds(invariant):
                walk.report(found(complaints.CONTEXT_INVARIANT, holder, profile, url=profile, invariant=invariant))
                return

    # --- what it holds

    def _value(self, node: Node, url: str, definition: Schema) -> None:
        """Check that an extension has a value of a type that is defined, or parts where it is a complex one."""
        walk = self._walk
        rule = definition.root.children.get("value[x]")
        allowed = _types(definition, rule)
        given = next((key for key in map(_name, node.value) if key.startswith("value")), None)
        if given is not None:
            type = _type_of(given, walk)
            if type not in allowed:
                texts = {"url": url, "allowed": ", ".join(sorted(allowed)), "found": type}
                walk.report(found(complaints.VALUE_TYPE, node, definition.canonical, **texts))
        elif "extension" in node.value:
            if allowed and rule is not None and rule.min > 0:
                walk.report(found(complaints.VALUE_NOT_EXTENSIONS, node, definition.canonical, url=url))
        elif allowed:
            walk.report(found(complaints.VALUE_ABSENT, node, definition.canonical, url=url))


def _parts(definition: Schema) -> set[Any]:
    """Return the urls of the parts that an extension has by its definition."""
    extension = definition.root.children.get("extension")
    slices = extension.slices if extension is not None else ()
    return {part.children["url"].fixed for part in slices if "url" in part.children}


def _types(definition: Schema, rule: Rule | None) -> set[str]:
    types = set(rule.type_codes) if rule is not None and rule.max != 0 else set()
    return {*types, "uri", "url"} if definition.url == _FHIR_TYPE else types


def _name(key: str) -> str:
    return key.removeprefix("_")


def _type_of(key: str, walk: Walk) -> str:
    return next((step.type for step in walk.engine.model.members("Extension")["value"] if step.key == key), key[5:])

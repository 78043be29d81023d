"""Extensions: whether they are known, allowed where they stand, and as their definition says.

Source: FHIR R4, Extensibility; Defining Extensions, "Extension Context".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhir_gateway.conformance.validation import complaints
from fhir_gateway.conformance.validation.findings import found
from fhir_gateway.conformance.validation.schema import Schema
from fhir_gateway.fhir.fhirpath import FhirPathError, Node
from fhir_gateway.fhir.fhirpath.nodes import truth

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.walk import Walk

# Whoever uses these has told what they mean; others' extensions must be known.
_EXAMPLE_DOMAINS = ("http://example.", "https://example.", "http://acme.", "https://acme.", "urn:")
_EXAMPLES = ("example.org", "example.com", "acme.com", "acme.org")


class Extensions:
    """Checks the extensions of one validation."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk

    def check(self, node: Node, holder: Node, schema: Schema) -> None:
        """Check one extension: its url, its definition, its place."""
        walk = self._walk
        url = node.value.get("url") if isinstance(node.value, dict) else None
        if not isinstance(url, str) or not url:
            walk.report(found(complaints.EXTENSION_URL, node, schema.canonical))
            return
        if holder.type == "Extension":
            if ":" not in url:
                return  # a part of a complex extension, named by its definition
        elif ":" not in url:
            walk.report(found(complaints.EXTENSION_URL_RELATIVE, node, schema.canonical, url=url))
            return
        definition = walk.schemas.of(url)
        if definition is None or definition.type != "Extension":
            self._unknown(node, url, schema)
            return
        self._modifier(node, url, definition)
        self._context(node, holder, url, definition)
        walk.against(node, definition)

    def _unknown(self, node: Node, url: str, schema: Schema) -> None:
        walk = self._walk
        host = url.partition("://")[2].partition("/")[0]
        allowed = walk.wishes.any_extensions or (walk.wishes.example_urls and host.endswith(_EXAMPLES))
        complaint = complaints.EXTENSION_UNKNOWN_ALLOWED if allowed else complaints.EXTENSION_UNKNOWN
        walk.report(found(complaint, node, schema.canonical, url=url))

    def _modifier(self, node: Node, url: str, definition: Schema) -> None:
        modifies = bool(definition.root.raw.get("isModifier", False))
        if modifies and node.key == "extension":
            self._walk.report(found(complaints.EXTENSION_MODIFIER, node, definition.canonical, url=url))
        elif not modifies and node.key == "modifierExtension":
            self._walk.report(found(complaints.EXTENSION_NOT_MODIFIER, node, definition.canonical, url=url))

    def _context(self, node: Node, holder: Node, url: str, definition: Schema) -> None:
        contexts = definition.definition.get("context", ())
        if not contexts:
            return
        places = _places(self._walk, holder)
        if not any(self._fits(context, holder, places) for context in contexts):
            allowed = ", ".join(f"{each.get('type', '')[:1]}:{each.get('expression', '')}" for each in contexts)
            texts = {"url": url, "place": ", ".join(places), "allowed": allowed}
            self._walk.report(found(complaints.EXTENSION_CONTEXT, node, definition.canonical, **texts))

    def _fits(self, context: Any, holder: Node, places: list[str]) -> bool:
        kind, expression = context.get("type"), context.get("expression", "")
        if kind == "element":
            wanted = expression.removeprefix("http://hl7.org/fhir/StructureDefinition/").replace("#", ".")
            wanted = wanted.partition(":")[0] if wanted.count(".") == 0 else wanted
            return wanted in places or wanted in ("Element", "Any")
        if kind == "extension":
            return holder.type == "Extension" and holder.value.get("url") == expression
        return self._fits_path(expression, holder)

    def _fits_path(self, expression: str, holder: Node) -> bool:
        walk = self._walk
        resource = holder
        while resource.parent is not None and resource.type not in walk.engine.model.resources:
            resource = resource.parent
        try:
            items = walk.evaluated(expression, resource)
            if len(items) == 1 and isinstance(items[0], bool):
                return bool(truth(walk.evaluated(expression, holder), "context"))
        except FhirPathError:
            return False
        return any(isinstance(item, Node) and item.value is holder.value for item in items)


def _places(walk: Walk, holder: Node) -> list[str]:
    """Return what an element may be called in an extension's context: its path, its type and the bases of that."""
    places: list[str] = []
    path = _element_path(walk, holder)
    if path:
        places.append(path)
        if "[x]" not in path and holder.parent is not None and holder.key != path.rpartition(".")[2]:
            places.append(f"{path}[x]")
    type: str | None = holder.type
    while type is not None:
        if type not in places:
            places.append(type)
        type = walk.engine.model.base(type)
    return places


def _element_path(walk: Walk, node: Node) -> str:
    steps: list[str] = []
    current: Node | None = node
    model = walk.engine.model
    while current is not None:
        if current.parent is None or current.type in model.resources:
            return ".".join([current.type, *reversed(steps)])
        name = current.key
        for base, found_steps in model.members(current.parent.type).items():
            if any(step.key == current.key for step in found_steps):
                name = base
                break
        steps.append(name)
        if current.parent.type not in model.resources and "." not in current.parent.type:
            return ".".join([current.parent.type, *reversed(steps)])
        current = current.parent
    return ""

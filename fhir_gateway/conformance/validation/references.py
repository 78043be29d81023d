"""References: what they lead to, inside the resource, its Bundle, or elsewhere, and whether that is allowed there.

Source: FHIR R4, References; Bundle, "Resolving references in Bundles"; ElementDefinition.type.targetProfile.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from fhir_gateway.conformance.validation import complaints
from fhir_gateway.conformance.validation.findings import found
from fhir_gateway.conformance.validation.schema import BASE, Schema, TypeRule
from fhir_gateway.fhir.fhirpath import Node

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.walk import Walk

_TYPED = re.compile(r"(?:.*/)?([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?")


class References:
    """The references of one validation; the entries of a Bundle are indexed once."""

    def __init__(self, walk: Walk, root: Node) -> None:
        self._walk = walk
        self._root = root
        self._index: dict[str, Node] | None = None

    def resolved(self, reference: str, node: Node) -> Node | None:
        """Return the resource that a reference at a node leads to; None when it is not found here."""
        if reference.startswith("#"):
            return self._contained(reference, node)
        index = self._entries()
        found = index.get(reference)
        if found is None:
            base = self._base_of(node)
            found = index.get(f"{base}{reference}") if base is not None else None
        if found is None and self._walk.wishes.resolve is not None:
            outside = self._walk.wishes.resolve(reference)
            found = None if outside is None else Node(outside, outside.get("resourceType", "Resource"))
        return found

    def _contained(self, reference: str, node: Node) -> Node | None:
        holder: Node | None = node
        resources = self._walk.engine.model.resources
        while holder is not None and (holder.type not in resources or holder.key == "contained"):
            holder = holder.parent
        if holder is None:
            return None
        if reference == "#":
            return holder
        contained = holder.value.get("contained", ())
        for place, each in enumerate(contained if isinstance(contained, list) else ()):
            if isinstance(each, dict) and each.get("id") == reference[1:]:
                return Node(each, each.get("resourceType", "Resource"), None, holder, "contained", place)
        return None

    def _entries(self) -> dict[str, Node]:
        if self._index is None:
            self._index = {}
            if self._root.type == "Bundle":
                for place, entry in enumerate(self._root.value.get("entry", ())):
                    self._add(place, entry)
        return self._index

    def _add(self, place: int, entry: Any) -> None:
        assert self._index is not None
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict):
            return
        holder = Node(entry, "Bundle.entry", None, self._root, "entry", place)
        node = Node(resource, resource.get("resourceType", "Resource"), None, holder, "resource")
        full_url = entry.get("fullUrl")
        if isinstance(full_url, str):
            self._index.setdefault(full_url, node)
            version = (resource.get("meta") or {}).get("versionId")
            if version:
                self._index.setdefault(f"{full_url}/_history/{version}", node)
        elif "id" in resource:
            self._index.setdefault(f"{node.type}/{resource['id']}", node)

    def _base_of(self, node: Node) -> str | None:
        """Return what comes before Type/id in the fullUrl of the entry that a node is in."""
        current: Node | None = node
        while current is not None and current.type != "Bundle.entry":
            current = current.parent
        full_url = current.value.get("fullUrl") if current is not None else None
        if not isinstance(full_url, str):
            return "" if current is not None else None
        match = re.fullmatch(r"(.*/)[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}", full_url)
        return match[1] if match else None

    def exists(self, node: Node) -> None:
        """Report a reference to a contained resource that is not there."""
        reference = node.value.get("reference") if isinstance(node.value, dict) else None
        if isinstance(reference, str) and reference.startswith("#") and self._contained(reference, node) is None:
            self._walk.report(found(complaints.REFERENCE_CONTAINED, node, reference=reference))

    def check(self, node: Node, rule: TypeRule, schema: Schema) -> None:
        """Check that a reference leads to one of the types and profiles that are allowed."""
        if node.type not in ("Reference",) or not rule.targets or not isinstance(node.value, dict):
            return
        walk = self._walk
        reference = node.value.get("reference")
        target = self.resolved(reference, node) if isinstance(reference, str) else None
        type = target.type if target is not None else self._named_type(node.value)
        if type is None:
            return
        allowed = {self._type_of(url) for url in rule.targets}
        if (
            None in allowed
            or "Resource" in allowed
            or any(walk.engine.model.is_kind(type, str(each)) for each in allowed)
        ):
            if target is not None:
                self._conforms(node, target, rule, schema, str(reference))
            return
        names = ", ".join(sorted(str(each) for each in allowed))
        walk.report(found(complaints.REFERENCE_TYPE, node, schema.canonical, found=type, allowed=names))

    def _conforms(self, node: Node, target: Node, rule: TypeRule, schema: Schema, reference: str) -> None:
        walk = self._walk
        profiles = [url for url in rule.targets if not url.startswith(BASE) or (url[len(BASE) :] not in
                    walk.engine.model.resources and url[len(BASE) :] != "Resource")]  # fmt: skip
        if len(profiles) < len(rule.targets) and any(
            self._type_of(url) == target.type for url in rule.targets if url not in profiles
        ):
            return
        if profiles and not any(walk.conforms(target, url) for url in profiles):
            texts = {"reference": reference, "profiles": ", ".join(profiles)}
            walk.report(found(complaints.REFERENCE_PROFILE, node, schema.canonical, **texts))

    def _named_type(self, value: dict[str, Any]) -> str | None:
        reference = value.get("reference")
        if isinstance(reference, str):
            match = _TYPED.fullmatch(reference)
            if match is not None and match[1] in self._walk.engine.model.resources:
                return match[1]
        named = value.get("type")
        return named if isinstance(named, str) else None

    def _type_of(self, profile: str) -> str | None:
        schema = self._walk.schemas.of(profile)
        return None if schema is None else schema.type

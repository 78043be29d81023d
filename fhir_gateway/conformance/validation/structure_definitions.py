"""Rules of StructureDefinition that its definition does not state: its base, its elements, what they point to.

Source: FHIR R4, StructureDefinition; ElementDefinition; Profiling FHIR; Defining Extensions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from fhir_gateway.conformance.validation import definition_complaints as complaints
from fhir_gateway.conformance.validation import obligations
from fhir_gateway.conformance.validation.findings import Finding, found
from fhir_gateway.conformance.validation.matching import shown
from fhir_gateway.conformance.validation.places import listed, objects, text_of
from fhir_gateway.conformance.validation.schema import BASE
from fhir_gateway.fhir.fhirpath import FhirPathError, Node
from fhir_gateway.fhir.outcome import FhirError

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.walk import Walk

_BINDABLE = frozenset(
    {"code", "Coding", "CodeableConcept", "Quantity", "Age", "Count", "Distance", "Duration", "Money", "MoneyQuantity",
     "SimpleQuantity", "string", "uri", "url", "canonical", "CodeableReference", "Reference", "Extension", "id", "oid",
     "markdown"}
)  # fmt: skip
_REFERRING = frozenset({"Reference", "canonical", "CodeableReference"})
_ABSTRACT = frozenset({"Resource", "DomainResource", "Element", "BackboneElement"})
_SYSTEM = "http://hl7.org/fhirpath/"
# A profile's own failure to be applied to its base, as against what it then says wrongly.
_UNREADABLE = frozenset({"differential-path-invalid", "differential-root-typed", "snapshot-base-of-other-type"})
_CHECKED_HERE = frozenset({"element-profile-of-other-type", "element-value-of-other-type"})
_DISCRIMINATORS = frozenset({"value", "exists", "pattern", "type", "profile", "position"})


def check(walk: Walk, node: Node) -> None:
    """Report what is wrong with a StructureDefinition."""
    _StructureDefinition(walk, node).check()


class _StructureDefinition:
    def __init__(self, walk: Walk, node: Node) -> None:
        self.walk = walk
        self.node = node
        self.model = walk.engine.model
        self.definition: Mapping[str, Any] = node.value
        self.url = text_of(node.value, "url") or ""
        self.type = text_of(node.value, "type")
        base = text_of(node.value, "baseDefinition")
        self.base = None if base is None else walk.schemas.definition(base)

    def report(self, complaint: Any, node: Node, **texts: object) -> None:
        self.walk.report(found(complaint, node, None, **texts))

    def at(self, key: str) -> Node:
        return Node(self.definition.get(key), "string", None, self.node, key)

    def check(self) -> None:
        self._type()
        self._contexts()
        base = text_of(self.definition, "baseDefinition")
        if base is not None and self.base is None:
            self.report(complaints.BASE_UNKNOWN, self.node, base=base)
        elif self.base is not None:
            self._against_base(self.base)
        for part in ("differential", "snapshot"):
            for holder in objects(self.model, self.node, part):
                self._elements(holder, part)

    # --- the whole

    def _type(self) -> None:
        type, kind = self.type, text_of(self.definition, "kind")
        if type is None:
            return
        if ":" in type:
            if kind != "logical" and not type.startswith(BASE) and not type.startswith(_SYSTEM):
                self.report(complaints.TYPE_NOT_LOGICAL, self.at("type"), type=type, kind=kind)
            elif type.partition("#")[0].rpartition("/")[0] not in self.url and kind == "logical":
                self.report(complaints.TYPE_NAMESPACE, self.at("type"), type=type, url=self.url)
        elif not self.model.knows(type) and not self.url.startswith("http://hl7.org/fhir/StructureDefinition/"):
            self.report(complaints.TYPE_NOT_LOCAL, self.at("type"), type=type)

    def _contexts(self) -> None:
        if self.type != "Extension":
            for key, complaint in (
                ("context", complaints.CONTEXT_NOT_EXTENSION),
                ("contextInvariant", complaints.CONTEXT_INVARIANT_NOT_EXTENSION),
            ):
                if key in self.definition:
                    self.report(complaint, self.node, type=self.type)
            return
        for context in objects(self.model, self.node, "context"):
            expression = text_of(context.value, "expression")
            if expression in ("Element", "Any") and context.value.get("type") == "element":
                name = self.definition.get("id") or self.url
                self.report(complaints.CONTEXT_ANYWHERE, context, id=name, context=expression)
        for place, each in enumerate(self.definition.get("contextInvariant") or ()):
            reason = self._unreadable(str(each), None)
            if reason is not None:
                at = Node(each, "string", None, self.node, "contextInvariant", place)
                self.report(complaints.CONTEXT_EXPRESSION, at, fhirpath=each, reason=reason)

    def _against_base(self, base: Mapping[str, Any]) -> None:
        derivation = text_of(self.definition, "derivation")
        texts: dict[str, object] = {"type": self.type, "wanted": base.get("type"), "base": base.get("url")}
        if derivation is None:
            if self.type is not None:
                self.report(complaints.DERIVATION_MISSING, self.node, url=self.url)
            return
        if derivation == "specialization":
            if self.type == base.get("type") and self.url != base.get("url"):
                self.report(complaints.TYPE_SPECIALIZED, self.at("type"), **texts)
            return
        if self.type is not None and self.type != base.get("type"):
            self.report(complaints.TYPE_OF_BASE, self.at("type"), **texts)
            return
        kind = text_of(self.definition, "kind")
        if kind is not None and kind != base.get("kind"):
            self.report(
                complaints.KIND_OF_BASE, self.at("kind"), kind=kind, wanted=base.get("kind"), base=base.get("url")
            )
        self._fixed(base)
        self._snapshot()
        obligations.check(self.walk, self.node, base)

    def _snapshot(self) -> None:
        """Try whether a snapshot can be made of the differential."""
        if "differential" not in self.definition or self.walk.schemas.generate is None or not self.walk.sound:
            return
        reason = self._no_snapshot()
        if reason is not None:
            self.report(complaints.SNAPSHOT, self.node, reason=reason[0], reason_fr=reason[1])
            return
        try:
            self.walk.schemas.generate(self.definition)
        except FhirError as error:
            unreadable = [each for each in error.issues if each.complaint.detail in _UNREADABLE]
            for issue in unreadable[:1]:
                texts = {"reason": issue.text(), "reason_fr": issue.text("fr")}
                self.report(complaints.SNAPSHOT, self.node, **texts)
            if not unreadable:
                for issue in error.issues:
                    if issue.complaint.detail not in _CHECKED_HERE:
                        self.walk.report(Finding(issue, None, self.node))

    def _no_snapshot(self) -> tuple[str, str] | None:
        """Return why no snapshot can be made, in English and French; None when nothing speaks against it yet."""
        for index, element in enumerate(listed(self.definition.get("differential"), "element")):
            slicing, path = element.get("slicing"), text_of(element, "path") or ""
            if slicing is not None and index == 0 and "." not in path:
                return f"the profile has slicing at the root ('{path}')", f"la racine (« {path} ») est découpée"
            for each in listed(slicing, "discriminator"):
                type = text_of(each, "type")
                if type is not None and type not in _DISCRIMINATORS:
                    return f"unknown DiscriminatorType code '{type}'", f"type de discriminant « {type} » inconnu"
        return None

    def _fixed(self, base: Mapping[str, Any]) -> None:
        """Report fixed values that are other than those of the base."""
        fixed = {
            each.get("id") or each.get("path"): (key, each[key])
            for part in ("differential", "snapshot")
            for each in listed(base.get(part), "element")
            for key in each
            if key.startswith("fixed")
        }
        for each in listed(self.definition.get("differential"), "element"):
            key, wanted = fixed.get(each.get("id") or each.get("path"), ("", None))
            if key in each and each[key] != wanted:
                texts = {"found": shown(each[key]), "wanted": shown(wanted), "base": base.get("url")}
                self.walk.report(Finding(complaints.FIXED_DIFFERS.at(each.get("path"), **texts), None, self.node))

    # --- elements

    def _elements(self, holder: Node, part: str) -> None:
        expressions: dict[str, str] = {}
        for index, element in enumerate(objects(self.model, holder, "element")):
            path = text_of(element.value, "path") or ""
            if index == 0 and "slicing" in element.value and "." not in path:
                self.report(complaints.ROOT_SLICING, element)
            name = (self.type or "").rpartition("/")[2]
            if self.type and not any(path == each or path.startswith(f"{each}.") for each in (name, self.type)):
                self.report(complaints.PATH_OF_OTHER_TYPE, element, path=path, type=name)
            self._types(element, path)
            self._binding(element, path, part)
            self._values(element, path)
            self._constraints(element, expressions)

    def _types(self, element: Node, path: str) -> None:
        for type in objects(self.model, element, "type"):
            code = text_of(type.value, "code")
            if code is None:
                continue
            for node, url in _canonicals(type, "profile"):
                self._profile(node, url, code, path)
            targets = list(_canonicals(type, "targetProfile"))
            if targets and code not in _REFERRING:
                self.report(complaints.TARGET_NOT_ALLOWED, type, type=code)
                continue
            for node, url in targets:
                self._target(node, url, code, path)

    def _profile(self, node: Node, url: str, code: str, path: str) -> None:
        profile = self.walk.schemas.definition(url)
        if profile is None:
            if url.partition("|")[0] != self.url:
                self.report(complaints.PROFILE_UNKNOWN, node, canonical=url)
            return
        type = str(profile.get("type"))
        if type != code and not (code in _ABSTRACT and self.model.is_kind(type, code)) and ":" not in type:
            texts = {"canonical": url, "found": type, "element": path, "type": code}
            self.report(complaints.PROFILE_OF_OTHER_TYPE, node, **texts)
        elif code == "Extension":
            name = path.rpartition(".")[2]
            modifier = _is_modifier(profile)
            if modifier and name == "extension":
                self.report(complaints.PROFILE_MODIFIER, node, canonical=url, element=path)
            elif not modifier and name == "modifierExtension":
                self.report(complaints.PROFILE_NOT_MODIFIER, node, canonical=url, element=path)

    def _target(self, node: Node, url: str, code: str, path: str) -> None:
        profile = self.walk.schemas.definition(url)
        if profile is None:
            self.report(complaints.PROFILE_UNKNOWN, node, canonical=url)
        elif profile.get("kind") not in ("resource", "logical"):
            texts = {"canonical": url, "found": profile.get("type"), "element": path, "type": code}
            self.report(complaints.TARGET_OF_OTHER_KIND, node, **texts)

    def _binding(self, element: Node, path: str, part: str) -> None:
        binding = element.value.get("binding")
        if not isinstance(binding, dict):
            return
        codes = [str(each.get("code")) for each in listed(element.value, "type")]
        if part == "snapshot" and codes and not _BINDABLE & set(codes):
            self.report(complaints.BINDING_UNBINDABLE, element, element=path, types=", ".join(codes))
        url = text_of(binding, "valueSet")
        if url is None or url.startswith("#") or self.walk.bindings.knows(url):
            return
        at = Node(url, "canonical", None, Node(binding, "Element", None, element, "binding"), "valueSet")
        if self.walk.schemas.resource("CodeSystem", url) is not None:
            self.report(complaints.BINDING_NOT_VALUE_SET, at, element=path, value_set=url, found="CodeSystem")
        else:
            self.report(complaints.BINDING_UNKNOWN, at, element=path, value_set=url)

    def _values(self, element: Node, path: str) -> None:
        codes = [str(each.get("code")) for each in listed(element.value, "type")]
        if not codes or any(code.startswith(_SYSTEM) for code in codes):
            return
        for prefix in ("fixed", "pattern"):
            key = next((each for each in element.value if each.startswith(prefix) and each != prefix), None)
            if key is None or key.startswith("_"):
                continue
            found_type = key[len(prefix) :]
            if found_type not in codes and found_type[:1].lower() + found_type[1:] not in codes:
                texts = {"element": path, "what": prefix, "found": found_type, "types": ", ".join(codes)}
                self.report(complaints.VALUE_TYPE, element, **texts)

    def _constraints(self, element: Node, expressions: dict[str, str]) -> None:
        for node in objects(self.model, element, "constraint"):
            key, expression = text_of(node.value, "key"), text_of(node.value, "expression")
            if key is None:
                continue
            if expression is None:
                self.report(complaints.CONSTRAINT_UNCOMPUTABLE, node, key=key)
                continue
            earlier = expressions.setdefault(key, expression)
            if earlier != expression:
                texts = {"key": key, "fhirpath": expression, "earlier": earlier}
                self.report(complaints.CONSTRAINT_CONFLICT, node, **texts)
            reason = self._unreadable(expression, self._context(element))
            if reason is not None:
                texts = {"key": key, "fhirpath": expression, "reason": reason}
                self.report(complaints.CONSTRAINT_EXPRESSION, node, **texts)

    def _context(self, element: Node) -> str | None:
        """Return the type that an element's constraints are about; None where it may be several, or unknown."""
        if "." not in (text_of(element.value, "path") or "") and self.type is not None:
            return self.type if self.model.knows(self.type) else None
        codes = [str(each.get("code")) for each in listed(element.value, "type")]
        return codes[0] if len(codes) == 1 and self.model.knows(codes[0]) and codes[0] not in _ABSTRACT else None

    def _unreadable(self, expression: str, type: str | None) -> str | None:
        try:
            self.walk.engine.compile(expression, type)
        except FhirPathError as error:
            return str(error)
        return None


def _canonicals(node: Node, key: str) -> Iterator[tuple[Node, str]]:
    for place, url in enumerate(node.value.get(key) or ()):
        if isinstance(url, str):
            yield Node(url, "canonical", None, node, key, place), url


def _is_modifier(profile: Mapping[str, Any]) -> bool:
    for part in ("snapshot", "differential"):
        for element in listed(profile.get(part), "element"):
            if element.get("path") == "Extension":
                return element.get("isModifier") is True
    return False

"""References: whether they lead somewhere, and to what they may lead.

Source: FHIR R4, References; Bundle, "Resolving references in Bundles"; ElementDefinition.type: targetProfile,
aggregation, versioning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from fhir_gateway.conformance.validation import complaints as basic
from fhir_gateway.conformance.validation import reference_complaints as complaints
from fhir_gateway.conformance.validation.findings import found
from fhir_gateway.conformance.validation.places import text_of
from fhir_gateway.conformance.validation.resolution import Entries, Match, Resolution, is_absolute, rest
from fhir_gateway.conformance.validation.schema import BASE, Schema, TypeRule
from fhir_gateway.fhir.fhirpath import Node

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.walk import Walk

_QUERY = re.compile(r"[_a-zA-Z][\w.:\-]*=[^=&]*(&[_a-zA-Z][\w.:\-]*=[^=&]*)*")
_RESPONSES = ("batch-response", "transaction-response")
_WITHOUT_FULL_URL = ("batch", "transaction", *_RESPONSES)
# What may be known of a canonical of another type than the element asks for.
_KINDS = ("StructureDefinition", "ValueSet", "CodeSystem")
_HL7 = ("http://hl7.org/fhir", "http://terminology.hl7.org", "http://fhir.org/guides")
_EXAMPLES = ("example.org", "acme.com", "example.com", "acme.org", "example.net")


class ReferencePolicy(Enum):
    """What is demanded of a reference that leads outside what is validated."""

    IGNORE = "ignore"
    TYPE_IF_EXISTS = "type-if-exists"
    VALID_IF_EXISTS = "valid-if-exists"
    EXISTS = "exists"
    EXISTS_AND_TYPE = "exists-and-type"
    VALID = "valid"

    @property
    def demands_existence(self) -> bool:
        return self in (ReferencePolicy.EXISTS, ReferencePolicy.EXISTS_AND_TYPE, ReferencePolicy.VALID)

    @property
    def demands_validity(self) -> bool:
        return self in (ReferencePolicy.VALID, ReferencePolicy.VALID_IF_EXISTS)


class EntryProfile(NamedTuple):
    """A profile for entries of a Bundle: of a type ("Patient"), at a place of it ("Patient:0"), or at a place ("2")."""

    rule: str
    profile: str


class References:
    """The references of one validation."""

    def __init__(self, walk: Walk, root: Node) -> None:
        self._walk = walk
        self._model = walk.engine.model
        policy = walk.wishes.references
        self._policy = policy
        fetch = None if policy is ReferencePolicy.IGNORE else walk.wishes.resolve
        self.resolution = Resolution(self._model, fetch)
        # Expressions may follow references even where nothing is demanded of them.
        following = self.resolution if fetch is not None else Resolution(self._model, walk.wishes.resolve)
        self.resolved = following.followed

    # --- what holds for every reference

    def look(self, node: Node) -> None:
        """Report what is wrong with a reference whatever its profile says; each is looked at once."""
        walk = self._walk
        if not isinstance(node.value, dict) or not walk.is_first(node, "reference"):
            return
        reference = node.value.get("reference")
        if not isinstance(reference, str) or not reference:
            identifier = node.value.get("identifier")
            if text_of(node.value, "display") is None and text_of(identifier, "value") is None:
                walk.report(found(complaints.REFERENCE_NO_DISPLAY, node))
            return
        if reference.split() != [reference]:
            walk.report(found(complaints.REFERENCE_BLANK, node, reference=reference))
        elif self._is_suspicious(reference):
            walk.report(found(complaints.REFERENCE_SUSPICIOUS, node, reference=reference))
        if reference.startswith("#"):
            self._local(node, reference)
            return
        inside = self._inside(node, reference)
        type, mark, query = reference.partition("?")
        if mark and type in self._model.resources:
            if _QUERY.fullmatch(query) is None:
                walk.report(found(complaints.REFERENCE_QUERY, node, reference=reference))
        elif not inside and self._is_needed(reference) and self.resolution.resolved(reference, node) is None:
            walk.report(found(complaints.REFERENCE_UNRESOLVED, node, reference=reference))

    def _local(self, node: Node, reference: str) -> None:
        """Report a reference to a contained resource that is not there, as ref-1 and for what it is."""
        walk = self._walk
        contained = self.resolution.contained(reference, node)
        if reference == "#" and walk.environment.root[0].value is not walk.environment.resource[0].value:
            return
        if contained is None or reference == "#":
            human = "SHALL have a contained resource if a local reference is provided"
            texts = {"key": "ref-1", "human": human, "human_fr": human, "source": f"{BASE}Reference"}
            walk.report(found(basic.INVARIANT, node, f"{BASE}Reference", **texts))
        if contained is None:
            walk.report(found(basic.REFERENCE_CONTAINED, node, reference=reference))

    def _is_suspicious(self, reference: str) -> bool:
        if not self._walk.wishes.assume_rest or reference.startswith("#") or is_absolute(reference):
            return False
        target = rest(reference, self._model)
        return (target is None or bool(target.base)) and "?" not in reference

    def _is_needed(self, reference: str) -> bool:
        """Tell whether what a reference leads to must be found outside."""
        return self._policy.demands_existence and not self._is_example(reference)

    def _is_example(self, url: str) -> bool:
        return self._walk.wishes.example_urls and any(each in url for each in _EXAMPLES)

    # --- in Bundles

    def _inside(self, node: Node, reference: str) -> bool:
        """Tell whether the Bundle or Parameters around a reference have its target; report what prevents that."""
        entry, bundle = self.resolution.around(node, "Bundle.entry", "Bundle")
        if bundle is None:
            return self.resolution.inside(reference, node) is not None
        entries = self.resolution.entries(bundle)
        type = bundle.value.get("type")
        if entry is not None and type not in _WITHOUT_FULL_URL and text_of(entry.value, "fullUrl") is None:
            self._walk.report(found(complaints.NO_FULL_URL, entry))
        if not is_absolute(reference) and not self._has_form(node, reference, entry, str(type)):
            return False
        match = self.resolution.match(reference, entries, entry)
        if not match.places:
            self._possible(node, reference, entries, match)
            return False
        if len(match.places) > 1 and type != "history":
            self._walk.report(found(complaints.BUNDLE_MATCHES, node, reference=reference))
        target = entries.nodes[match.places[-1]]
        if match.type is not None and target is not None and target.type != match.type:
            self._walk.report(found(complaints.BUNDLE_MATCH_TYPE, node, reference=reference, found=target.type))
        return True

    def _has_form(self, node: Node, reference: str, entry: Node | None, type: str) -> bool:
        """Tell whether a relative reference can be resolved at all; report what prevents that."""
        if entry is None:
            return False
        if text_of(entry.value, "fullUrl") is None:
            if type in _RESPONSES:
                return False
            # An entry of a transaction or batch may do without (Bundle.entry.fullUrl); HL7's validator wants one.
            sent = type in ("transaction", "batch")
            complaint = complaints.RELATIVE_TO_SERVER if sent else complaints.NO_FULL_URL_FOR_RELATIVE
            if "?" not in reference or not sent:
                self._walk.report(found(complaint, node, reference=reference))
            return False
        if reference.count("/") not in (1, 3):
            searches = type in ("transaction", "batch")
            resource, mark, _ = reference.partition("?")
            if not (searches and mark and resource in self._model.resources):
                or_search = " or [type]?parameters" if searches else ""
                texts = {"reference": reference, "or_search": or_search}
                self._walk.report(found(complaints.BUNDLE_REFERENCE_FORM, node, **texts))
            return False
        return True

    def _possible(self, node: Node, reference: str, entries: Entries, match: Match) -> None:
        """Say what might have been meant by a reference that no entry matches."""
        if reference.startswith("urn:"):
            self._walk.report(found(complaints.NOT_IN_BUNDLE, node, reference=reference))
            return
        name = reference.partition("/_history/")[0]
        for place in entries.by_name.get(name, ()):
            texts = {"place": place, "full_url": entries.full_urls[place] or "—", "target": match.url}
            self._walk.report(found(complaints.POSSIBLE_MATCH, node, reference=reference, **texts))

    # --- what a profile allows

    def check(self, node: Node, rule: TypeRule, schema: Schema) -> None:
        """Report a reference or canonical that leads to something its profile does not allow."""
        if node.type == "canonical":
            self._canonical(node, rule, schema)
            return
        if node.type != "Reference" or not isinstance(node.value, dict):
            return
        reference = text_of(node.value, "reference")
        inside = self.resolution.inside(reference, node) if reference is not None else None
        outside = reference is not None and inside is None and not reference.startswith("#")
        target = self.resolution.outside(reference) if outside and reference is not None else inside
        implied = rest(reference, self._model) if reference is not None else None
        type = target.type if target is not None else (implied.type if implied is not None else None)
        self._named_type(node, rule, schema, type)
        if rule.targets and type is not None:
            self._type(node, rule, schema, type, target, str(reference))
        if rule.aggregation and reference is not None:
            self._aggregation(node, rule, schema, reference, inside)
        wrong = {"independent": True, "specific": False}.get(rule.versioning or "")
        if reference is not None and wrong is not None and ("/_history/" in reference) is wrong:
            texts = {"reference": reference, "wanted": f"version {rule.versioning}"}
            self._walk.report(found(complaints.REFERENCE_VERSION, node, schema.canonical, **texts))

    def _named_type(self, node: Node, rule: TypeRule, schema: Schema, type: str | None) -> None:
        """Check Reference.type: one of the targets, and the type of what it leads to."""
        named = text_of(node.value, "type")
        if named is None:
            return
        named = named.removeprefix(BASE)
        allowed = self._types(rule.targets)
        if allowed and not self._is_any(named, allowed):
            texts = {"found": named, "allowed": ", ".join(sorted(allowed))}
            self._walk.report(found(complaints.REFERENCE_TYPE_NAMED, node, schema.canonical, **texts))
        if type is not None and type != named and self._walk.is_first(node, "reference type"):
            self._walk.report(found(complaints.REFERENCE_TYPE_OTHER, node, schema.canonical, named=named, found=type))

    def _type(self, node: Node, rule: TypeRule, schema: Schema, type: str, target: Node | None, reference: str) -> None:
        walk = self._walk
        allowed = self._types(rule.targets)
        if target is not None:
            for url in rule.targets:
                if walk.schemas.of(url) is None:
                    walk.report(found(complaints.REFERENCE_PROFILE_UNKNOWN, node, schema.canonical, url=url))
        elif len(allowed) == 0:
            return
        if self._is_any(type, allowed):
            if target is not None and (target.parent is not None or self._policy.demands_validity):
                self._profile(node, target, rule, schema, reference)
            return
        names = ", ".join(sorted(allowed))
        if target is not None:
            walk.report(found(basic.REFERENCE_TYPE, node, schema.canonical, found=type, allowed=names))
        else:
            texts = {"found": type, "reference": reference, "allowed": names}
            walk.report(found(complaints.REFERENCE_TYPE_IMPLIED, node, schema.canonical, **texts))

    def _profile(self, node: Node, target: Node, rule: TypeRule, schema: Schema, reference: str) -> None:
        """Report a resource that meets none of the profiles allowed for its type."""
        profiles = []
        for url in rule.targets:
            known = self._walk.schemas.of(url)
            if known is not None and self._model.is_kind(target.type, known.type):
                if known.derivation != "constraint":
                    return  # the type itself is allowed
                profiles.append(url)
        if profiles and not any(self._walk.conforms(target, url) for url in profiles):
            texts = {"reference": reference, "profiles": ", ".join(rule.targets)}
            self._walk.report(found(basic.REFERENCE_PROFILE, node, schema.canonical, **texts))

    def _aggregation(self, node: Node, rule: TypeRule, schema: Schema, reference: str, inside: Node | None) -> None:
        kind = "contained" if reference.startswith("#") else "referenced" if inside is None else "bundled"
        # What is in the same Bundle is referenced as well.
        allowed = kind in rule.aggregation or (kind == "bundled" and "referenced" in rule.aggregation)
        if not allowed:
            texts = {"found": kind, "allowed": ", ".join(rule.aggregation)}
            self._walk.report(found(complaints.REFERENCE_AGGREGATION, node, schema.canonical, **texts))

    def _types(self, targets: Iterable[str]) -> set[str]:
        """Return the types of target profiles; those of unknown profiles are left out."""
        schemas = (self._walk.schemas.of(url) for url in targets)
        return {schema.type for schema in schemas if schema is not None}

    def _is_any(self, type: str, allowed: Iterable[str]) -> bool:
        return any(each == "Resource" or self._model.is_kind(type, each) for each in allowed)

    # --- canonicals

    def _canonical(self, node: Node, rule: TypeRule, schema: Schema) -> None:
        url = node.value
        if isinstance(url, str) and url.startswith("#"):
            self._local_canonical(node, url)
            return
        if self._policy is ReferencePolicy.IGNORE or not isinstance(url, str):
            return
        if node.parent is None or not self._walk.is_first(node.parent, f"canonical {node.key} {node.place}"):
            return
        allowed = self._types(rule.targets)
        if not allowed or "Resource" in allowed:
            return
        lookup = self._walk.schemas.resource
        if any(lookup(type, url) is not None for type in allowed):
            return
        other = next((kind for kind in _KINDS if kind not in allowed and lookup(kind, url) is not None), None)
        if other is not None:
            texts: dict[str, Any] = {"url": url, "found": other, "allowed": ", ".join(sorted(allowed))}
            self._walk.report(found(complaints.CANONICAL_TYPE, node, schema.canonical, **texts))
        elif not self._is_example(url) and node.key != "profile":  # a profile is reported when it is not followed
            demanded = self._policy.demands_existence and not url.startswith(_HL7)
            complaint = complaints.CANONICAL_UNRESOLVED if demanded else complaints.CANONICAL_UNKNOWN
            self._walk.report(found(complaint, node, schema.canonical, url=url))

    def _local_canonical(self, node: Node, url: str) -> None:
        """Report a canonical of a contained resource that is not there."""
        if self.resolution.contained(url, node) is None:
            self._walk.report(found(complaints.CANONICAL_NOT_CONTAINED, node, url=url))

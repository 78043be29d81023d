"""Documents and messages: what their first entry refers to is in the Bundle, and all entries hang together.

Source: FHIR R4, FHIR Documents, "Document Content"; FHIR Messaging; Bundle, "Resolving references in Bundles".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from fhir_gateway.conformance.validation import reference_complaints as complaints
from fhir_gateway.conformance.validation.findings import expression_of, found
from fhir_gateway.conformance.validation.places import listed, objects, text_of
from fhir_gateway.conformance.validation.resolution import Rest, is_absolute, rest
from fhir_gateway.fhir.fhirpath import Node
from fhir_gateway.fhir.fhirpath.nodes import children
from fhir_gateway.fhir.outcome import Complaint

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.walk import Walk

# Members of type uri and url that name no resource.
_NO_LINKS = frozenset({"system", "fullUrl", "endpoint"})
_NARRATIVE_LINK = "http://hl7.org/fhir/StructureDefinition/narrativeLink"
# Conformance resources that documents name by RESTful URL without bringing them along.
_CANONICAL = frozenset(
    {
        "ActivityDefinition", "CapabilityStatement", "ChargeItemDefinition", "CodeSystem", "CompartmentDefinition",
        "ConceptMap", "EffectEvidenceSynthesis", "EventDefinition", "Evidence", "EvidenceVariable", "ExampleScenario",
        "GraphDefinition", "ImplementationGuide", "Library", "Measure", "MessageDefinition", "NamingSystem",
        "OperationDefinition", "PlanDefinition", "Questionnaire", "ResearchDefinition", "ResearchElementDefinition",
        "RiskEvidenceSynthesis", "SearchParameter", "StructureDefinition", "StructureMap", "TerminologyCapabilities",
        "TestScript", "ValueSet",
    }
)  # fmt: skip


class _Link(NamedTuple):
    """`is_narrative`: it leads to the piece of narrative that shows the element, which must be there."""

    reference: str
    node: Node
    is_narrative: bool


class Linked:
    """One document or message, and which of its entries refer to which."""

    def __init__(self, walk: Walk, bundle: Node) -> None:
        self._walk = walk
        self._model = walk.engine.model
        self._bundle = bundle
        self._entries = walk.references.resolution.entries(bundle)
        self._told: set[int] = set()  # the elements whose reference has been complained of

    # --- what the first entry refers to

    def composition(self, composition: Node) -> None:
        """Report what a Composition refers to and the document does not have."""
        for key in ("subject", "author", "encounter", "custodian"):
            self._required(composition, key, f"Composition.{key}")
        for key, inner in (("attester", "party"), ("event", "detail")):
            for each in objects(self._model, composition, key):
                self._required(each, inner, f"Composition.{key}.{inner}")
        self._sections(composition)

    def _sections(self, holder: Node) -> None:
        for section in objects(self._model, holder, "section"):
            for key in ("author", "focus"):
                self._required(section, key, f"Section.{key}")
            self._required(section, "entry", "Section Entry")
            self._sections(section)

    def message_header(self, header: Node) -> None:
        """Report what a MessageHeader's focus refers to and the message does not have."""
        self._required(header, "focus", "MessageHeader Data")

    def _required(self, holder: Node, key: str, name: str) -> None:
        for node in objects(self._model, holder, key):
            reference = text_of(node.value, "reference")
            if reference is not None and not reference.startswith("#"):
                self._target(_Link(reference, node, False), name, node, complaints.ENTRY_NOT_FOUND)

    # --- whether every entry is reached

    def reached(self, is_message: bool) -> None:
        """Report entries that no chain of references connects with the first one."""
        nodes = self._entries.nodes
        targets: list[set[int]] = []
        for place, resource in enumerate(nodes):
            leads: set[int] = set()
            for link in self._links(resource) if resource is not None else ():
                name = expression_of(link.node)
                target = self._target(link, name, self._bundle, complaints.ENTRY_NOT_HERE)
                if target is not None and target != place:
                    leads.add(target)
            targets.append(leads)
        if not nodes:
            return
        visited: set[int] = set()
        _visit(visited, targets, 0)
        for place in self._stylesheets():
            visited.add(place)
        self._backward(visited, targets, is_message)
        complaint = complaints.ENTRY_UNREACHABLE_IN_MESSAGE if is_message else complaints.ENTRY_UNREACHABLE
        for place, resource in enumerate(nodes):
            if resource is not None and place not in visited:
                self._entry(complaint, place)

    def _backward(self, visited: set[int], targets: list[set[int]], is_message: bool) -> None:
        """Add the entries that lead to one that is reached, until there are no more."""
        sources: dict[int, list[int]] = {}
        for place, leads in enumerate(targets):
            for target in leads:
                sources.setdefault(target, []).append(place)
        complaint = complaints.ENTRY_BACKWARD_IN_MESSAGE if is_message else complaints.ENTRY_BACKWARD
        pending = sorted(visited)
        while pending:
            for place in sources.get(pending.pop(), ()):
                if place in visited:
                    continue
                resource = self._entries.nodes[place]
                if resource is not None and resource.type != "Provenance":
                    self._entry(complaint, place)
                before = set(visited)
                _visit(visited, targets, place)
                pending += visited - before

    def _entry(self, complaint: Complaint, place: int) -> None:
        resource = self._entries.nodes[place]
        if resource is not None and resource.parent is not None:
            full_url = self._entries.full_urls[place]
            shown = f"'{full_url}'" if full_url is not None else ""
            self._walk.report(found(complaint, resource.parent, full_url=shown))

    def _stylesheets(self) -> Iterator[int]:
        for link in listed(self._bundle.value, "link"):
            if link.get("relation") == "stylesheet":
                yield from self._entries.by_name.get(str(link.get("url")), ())[:1]

    def _links(self, resource: Node) -> Iterator[_Link]:
        """Yield what a resource refers to, each reference once; not what an inner Bundle does."""
        seen: set[str] = set()
        pending = [resource]
        while pending:
            node = pending.pop()
            for child in children(self._model, node):
                link = _link(child, node)
                if link is not None and link.reference not in seen:
                    seen.add(link.reference)
                    yield link
                if child.type != "Bundle" and (isinstance(child.value, dict) or child.twin is not None):
                    pending.append(child)

    # --- where a reference leads

    def _target(self, link: _Link, name: str, place: Node, missing: Complaint) -> int | None:
        """Return the entry that a reference leads to; report at `place` what prevents that."""
        reference, hash, fragment = link.reference.partition("#")
        entries = self._entries
        if is_absolute(reference):
            places = entries.by_url.get(reference, []) or self._versions(reference)
            if not places and not self._is_known(reference):
                self._tell(link, missing, place, reference=reference, name=name)
        else:
            target = rest(reference, self._model)
            places = self._relative(link.node, reference)
            if not places and target is not None:
                self._apparent(link, name, place, target, missing)
        if len(places) > 1:
            self._tell(link, complaints.ENTRY_MANY, place, count=len(places), reference=reference, name=name)
            return None
        if places and hash:
            self._fragment(link, name, place, reference, fragment, places[0])
        return places[0] if places else None

    def _relative(self, node: Node, reference: str) -> list[int]:
        """Return the entries a relative reference means: only a fullUrl that is the RESTful URL of the resource with
        the reference tells what it is relative to.
        """
        resolution = self._walk.references.resolution
        entry, _ = resolution.around(node, "Bundle.entry", "Bundle")
        full_url = text_of(entry.value, "fullUrl") if entry is not None else None
        resource = entry.value.get("resource") if entry is not None else None
        own = f"/{resource.get('resourceType')}/{resource.get('id')}" if isinstance(resource, dict) else ""
        if full_url is None or not own or not full_url.endswith(own):
            return []
        return list(resolution.match(reference, self._entries, entry).places)

    def _versions(self, reference: str) -> list[int]:
        head, mark, version = reference.partition("/_history/")
        places = self._entries.by_url.get(head, []) if mark else []
        return [place for place in places if self._entries.version(place) == version]

    def _is_known(self, url: str) -> bool:
        target = rest(url, self._model)
        return target is not None and target.type in _CANONICAL

    def _apparent(self, link: _Link, name: str, place: Node, target: Rest, missing: Complaint) -> None:
        same = self._entries.by_name.get(target.name, ())
        if same:
            urls = ", ".join(sorted({self._entries.full_urls[each] or "—" for each in same}))
            texts = {"reference": link.reference, "name": name, "full_urls": urls}
            self._tell(link, complaints.ENTRY_APPARENT, place, **texts)
        else:
            self._tell(link, missing, place, reference=link.reference, name=name)

    def _fragment(self, link: _Link, name: str, place: Node, reference: str, fragment: str, target: int) -> None:
        resource = self._entries.nodes[target]
        count = 0 if resource is None else _ids(resource.value, fragment)
        texts = {"reference": reference, "fragment": fragment, "name": name}
        if count == 0:
            complaint = complaints.FRAGMENT_NOT_FOUND if link.is_narrative else complaints.FRAGMENT_UNKNOWN
            self._tell(link, complaint, place, **texts)
        elif count > 1:
            self._tell(link, complaints.FRAGMENT_MANY, place, count=count, **texts)

    def _tell(self, link: _Link, complaint: Complaint, place: Node, **texts: object) -> None:
        key = id(link.node.value)
        if key not in self._told:
            self._told.add(key)
            self._walk.report(found(complaint, place, **texts))


def _visit(visited: set[int], targets: list[set[int]], start: int) -> None:
    pending = [start]
    while pending:
        place = pending.pop()
        if place not in visited:
            visited.add(place)
            pending += targets[place]


def _link(node: Node, holder: Node) -> _Link | None:
    value = node.value
    if node.type == "Reference":
        reference = text_of(value, "reference")
    elif node.type in ("uri", "url") and isinstance(value, str) and node.key not in _NO_LINKS:
        if holder.type == "Extension" and node.key == "url":
            return None
        reference = value
    else:
        return None
    if not reference or reference.startswith("#"):
        return None
    is_narrative = holder.type == "Extension" and holder.value.get("url") == _NARRATIVE_LINK
    return _Link(reference, node, is_narrative)


def _ids(value: object, fragment: str) -> int:
    """Return how many elements of a resource, or of its narrative, have an id."""
    if isinstance(value, dict):
        own = 1 if value.get("id") == fragment else 0
        return own + sum(_ids(each, fragment) for each in value.values())
    if isinstance(value, list):
        return sum(_ids(each, fragment) for each in value)
    if isinstance(value, str) and value.startswith("<div"):
        return value.count(f'id="{fragment}"') + value.count(f"id='{fragment}'")
    return 0

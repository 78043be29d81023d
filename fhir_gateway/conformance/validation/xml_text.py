"""The reading of XML for a validation: every fault at the place where HL7's validator sees it.

Faults of XML itself stand at a path of XML ("/f:Observation/f:status"), as FHIRPath has no name for such places.

Source: FHIR R4, XML Representation of Resources.
"""

from __future__ import annotations

import re
from typing import Any, Final

from fhir_gateway.conformance.validation import format_complaints as complaints
from fhir_gateway.fhir.outcome import Complaint
from fhir_gateway.fhir.structure import Path, path_of
from fhir_gateway.fhir.xml import Node, Reader
from fhir_gateway.fhir.xml_plan import DIV, FHIR, XHTML, Step, XmlPlan, XmlPlans

_PREFIXES: Final = {FHIR: "f:", XHTML: "h:", "": ""}
_SHOWN: Final = 64
# A processing instruction that is not the XML declaration, outside comments and CDATA.
_MARKUP = re.compile(r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?(?!xml[\s?])(\S*?)[\s?].*?>", re.DOTALL)


def split(tag: Any) -> tuple[str, str]:
    """Return namespace and name of "{namespace}name"."""
    namespace, brace, name = str(tag).rpartition("}")
    return namespace[1:] if brace else "", name


def place_of(element: Node, resources: frozenset[str]) -> str:
    """Return the XML path of an element, from the resource it is in: "/f:Patient/f:name", "Endpoint/f:name"."""
    steps: list[str] = []
    current = element
    while current is not None:
        namespace, name = split(current.tag)
        parent = current.getparent()
        if parent is not None and split(parent.tag)[1] in ("contained", "resource") and name in resources:
            return "/".join([name, *reversed(steps)])
        steps.append(_PREFIXES.get(namespace, "?:") + name)
        current = parent
    return "/" + "/".join(reversed(steps))


class XmlReading(Reader):
    """One reading. `spots`: of each issue, the XML element it is about."""

    schema_location = False

    def __init__(self, plans: XmlPlans, text: str) -> None:
        super().__init__(plans, text)
        self.spots: list[Node] = []
        self._repeated: set[tuple[str, str]] = set()
        self._prefixes: tuple[Node, dict[str, str]] | None = None
        self._of = ""  # the type of the primitive whose attributes are being read
        self._resources = frozenset(plans.types.resources)
        self._version = plans.types.version

    def whole(self, root: Node) -> dict[str, Any]:
        value = super().whole(root)
        if not len(root) and not root.attrib:
            self._at_element(complaints.EMPTY_ELEMENT, root)
        return value

    def instructions(self, text: str, root: Node) -> None:
        """Complain of processing instructions in the text."""
        begin = text.find(split(root.tag)[1])
        for found in _MARKUP.finditer(text):
            if found[1] is not None:
                inside = begin < found.start()
                place = place_of(root, self._resources) if inside else "(document)"
                self._say(complaints.INSTRUCTION, place, root)

    def _say(self, complaint: Complaint, where: str, about: Node, /, **values: object) -> None:
        self.issues.append(complaint.at(where, **values))
        self.spots.append(about)

    def _at_element(self, complaint: Complaint, about: Node, /, **values: object) -> None:
        self._say(complaint, place_of(about, self._resources), about, **values)

    def _with_twin(self, child: Node, step: Step, path: Path) -> tuple[str | None, dict[str, Any] | None]:
        outer, self._of = self._of, step.element.type
        if not len(child) and not child.attrib and not (child.text or "").strip():
            self._at_element(complaints.EMPTY_ELEMENT, child)
        text, twin = super()._with_twin(child, step, path)
        self._of = outer
        if text is None and twin is None:
            return None, {}  # it is there all the same, and breaks ele-1
        return text, twin

    def _object(self, child: Node, step: Step, path: Path) -> Any:
        if step.kind != "narrative" and not len(child) and not child.attrib and not (child.text or "").strip():
            self._at_element(complaints.EMPTY_ELEMENT, child)
        outer, self._of = self._of, ""
        value = super()._object(child, step, path)
        self._of = outer
        return value

    def _narrative(self, child: Node) -> str:
        namespace, _ = split(child.tag)
        if namespace != XHTML:
            next(self.divs, "")
            return f'<div xmlns="{namespace}">{_text_of(child)}</div>'
        return super()._narrative(child)

    # --- what is wrong

    def not_a_value(self, text: str, step: Step, path: Path) -> None:
        pass  # it stays as its text, which the rules of its type judge

    def empty(self, child: Node, step: Step, path: Path) -> None:
        pass  # complained of already

    def text(self, text: str, element: Node, path: Path) -> None:
        shown = " ".join(text.split())
        self._at_element(complaints.TEXT, element, text=shown[:_SHOWN])

    def unknown_attribute(self, element: Node, name: str, plan: XmlPlan | None, path: Path) -> None:
        namespace, local = split(name)
        prefix = self._prefix(element, namespace) if namespace else ""
        type = self._of or (plan.name if plan is not None else "Resource")
        names = {"name": f"{prefix}{local}"[:_SHOWN], "element": split(element.tag)[1], "type": type}
        self._at_element(complaints.ATTRIBUTE_UNDEFINED, element, **names)

    def _prefix(self, element: Node, namespace: str) -> str:
        """Return the prefix that stands for a namespace at an element, with its colon."""
        if self._prefixes is None or self._prefixes[0] is not element:
            known = {uri: f"{prefix}:" for prefix, uri in reversed(element.nsmap.items()) if prefix}
            self._prefixes = (element, known)  # one for all attributes of an element
        return self._prefixes[1].get(namespace, "")

    def unknown_element(self, child: Node, plan: XmlPlan, path: Path) -> Step | None:
        namespace, name = split(child.tag)
        if name == "div" and DIV in plan.elements:
            return plan.elements[DIV]
        step = plan.elements.get(f"{{{FHIR}}}{name}") if namespace != FHIR else None
        if step is not None:
            self._at_element(complaints.NAMESPACE, child, wanted=FHIR)
            return step
        parent = place_of(child.getparent(), self._resources)
        self._say(complaints.ELEMENT_UNDEFINED, parent, child, name=name[:_SHOWN], place=parent)
        self._pass_over_divs(child)
        return None

    def _pass_over_divs(self, element: Node) -> None:
        """Drop the narratives inside an element that is left out."""
        if split(element.tag)[1] == "div":
            next(self.divs, "")
            return
        for child in element:
            self._pass_over_divs(child)

    def out_of_order(self, child: Node, step: Step, latest: Step, plan: XmlPlan, path: Path) -> Step:
        profile = f"http://hl7.org/fhir/StructureDefinition/{plan.name.partition('.')[0]}|{self._version}"
        names = {"profile": profile, "name": step.element.name, "after": latest.element.name}
        self._say(complaints.ORDER, path_of((path, step.label, None)), child, **names)
        return step

    def repeated(self, child: Node, step: Step, plan: XmlPlan, path: Path) -> None:
        owner = plan.name.partition(".")[0]
        profile = f"http://hl7.org/fhir/StructureDefinition/{owner}|{self._version}"
        element = f"{plan.name}.{step.element.definition}"
        place = path_of(path)
        if (place, element) in self._repeated:
            return
        self._repeated.add((place, element))
        count = sum(split(each.tag)[1] == step.element.name for each in child.getparent())
        self._say(complaints.REPEATED, place, child, element=element, count=count, profile=profile)

    def not_one_resource(self, child: Node, step: Step, path: Path) -> None:
        if len(child):  # else it is empty, which has been said
            self._say(complaints.ONE_RESOURCE, path_of(path), child, name=step.element.name, count=len(child))
        for each in child:
            self._pass_over_divs(each)

    def unknown_resource(self, inner: Node, path: Path) -> None:
        name = split(inner.tag)[1]
        self._say(complaints.CONTAINED_UNKNOWN, path_of(path), inner, name=name[:_SHOWN])
        self._pass_over_divs(inner)


def _text_of(element: Node) -> str:
    """The text of an element as XML text has it, without its tags."""
    text = "".join(element.itertext())
    return text.replace("&", "&amp;").replace("<", "&lt;")

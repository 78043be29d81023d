"""Writing a resource as XML text.

Source: FHIR R4, XML Representation of Resources; XML 1.0 (5th edition), 2.2 and 3.3.3.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import zip_longest
from typing import Any, Final

from fhir_gateway.fhir.number import Number
from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.fhir.structure import Path, path_of
from fhir_gateway.fhir.xml_faults import NARRATIVE_NOT_XML, NOT_IN_XML
from fhir_gateway.fhir.xml_plan import DIV, XHTML, Step, XmlPlan, XmlPlans

DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>'
_SPECIAL = re.compile("[^ !#-%'-;=?-~\u0080-\ufffd\U00010000-\U0010ffff]")
_ESCAPES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
_TO_ESCAPE = str.maketrans(_ESCAPES)
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Writer:
    """One writing: the text so far, in parts. `lead` stands before each tag: nothing, or a line and its indentation.

    `root_of` reads a text as XML and returns the "{namespace}name" of its root, None when it is not well-formed.
    """

    def __init__(self, plans: XmlPlans, indentation: str, root_of: Callable[[str], str | None]) -> None:
        self.plans = plans
        self.root_of = root_of
        self.indentation = indentation
        self.parts: list[str] = []
        self.issues: list[Issue] = []

    def resource(self, value: dict[str, Any], lead: str, path: Path, namespace: str = "") -> None:
        name = value["resourceType"]
        self._element(name, value, self.plans.of(name), lead, path, namespace)

    def _element(
        self, tag: str, value: dict[str, Any], plan: XmlPlan, lead: str, path: Path, attributes: str = ""
    ) -> None:
        names = sorted(value, key=plan.order.__getitem__)
        for name in plan.attributes:
            if name in value:
                attributes += f' {name}="{self._escaped(value[name], path, name)}"'
        start = len(self.parts)
        self.parts.append("")
        self._children(value, names, plan, lead + self.indentation, path)
        if len(self.parts) == start + 1:
            self.parts[start] = f"{lead}<{tag}{attributes}/>"
        else:
            self.parts[start] = f"{lead}<{tag}{attributes}>"
            self.parts.append(f"{lead}</{tag}>")

    def _children(self, value: dict[str, Any], names: list[str], plan: XmlPlan, lead: str, path: Path) -> None:
        properties = plan.properties
        for name in names:
            step = properties.get(name)
            if step is None:  # an attribute, or resourceType
                continue
            item = value[name]
            base = step.element.name
            if step.kind != "primitive":
                self._object(item, step, lead, path)
            elif base == name:
                self._primitives(base, item, value.get(f"_{base}"), step, lead, path)
            elif base not in value:
                self._primitives(base, [] if step.element.many else None, item, step, lead, path)

    def _primitives(self, name: str, item: Any, twin: Any, step: Step, lead: str, path: Path) -> None:
        if not step.element.many:
            self._primitive(name, item, twin, step, lead, (path, step.label, None))
            return
        for index, (one, its_twin) in enumerate(zip_longest(item, twin or [])):
            self._primitive(name, one, its_twin, step, lead, (path, step.label, index))

    def _primitive(self, name: str, item: Any, twin: Any, step: Step, lead: str, path: Path) -> None:
        kind = type(item)
        if item is None:
            value = ""
        elif kind is str:
            value = f' value="{self._escaped(item, path, name)}"'
        elif kind is bool:
            value = ' value="true"' if item else ' value="false"'
        else:
            value = f' value="{item.text if kind is Number else item}"'
        if twin is None:
            self.parts.append(f"{lead}<{name}{value}/>")
        elif step.plan is not None:
            self._element(name, twin, step.plan, lead, path, value)

    def _object(self, item: Any, step: Step, lead: str, path: Path) -> None:
        name = step.element.name
        if step.kind == "narrative":
            self.parts.append(f"{lead}{self._narrative(item, (path, step.label, None))}")
            return
        several = step.element.many
        for index, one in enumerate(item if several else [item]):
            here = (path, step.label, index if several else None)
            if step.plan is not None:
                self._element(name, one, step.plan, lead, here)
            else:
                self.parts.append(f"{lead}<{name}>")
                self.resource(one, lead + self.indentation, here)
                self.parts.append(f"{lead}</{name}>")

    def _escaped(self, text: str, path: Path, name: str) -> str:
        if _SPECIAL.search(text) is None:
            return text
        unfit = _NOT_IN_XML.search(text)
        if unfit is not None:
            self.issues.append(NOT_IN_XML.at(path_of(path), name=name, point=f"{ord(unfit[0]):04X}"))
        return text.translate(_TO_ESCAPE)

    def _narrative(self, div: str, path: Path) -> str:
        """A div as it stands; with its namespace, where its author left that out."""
        text = div.strip()
        # An XML declaration or a document type would have to come first.
        tag = self.root_of(text) if text.startswith("<div") else None
        if tag == "div":
            return f'<div xmlns="{XHTML}"{text[4:]}'
        if tag != DIV:
            self.issues.append(NARRATIVE_NOT_XML.at(path_of(path)))
        return text

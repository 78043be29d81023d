"""XML: bytes to the same plain values that JSON gives, and back. The only module that knows lxml.

Narrative keeps its text: what stands from `<div` to `</div>` is the JSON string and the XML text alike, byte for byte.
Only a div that borrows a namespace prefix from outside itself is written anew.

Source: FHIR R4, XML Representation of Resources; XML 1.0 (5th edition); Namespaces in XML 1.0.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Any, Final

from lxml import etree

from fhir_gateway.fhir.faults import INVALID, RESOURCE_TYPE_UNKNOWN, shown
from fhir_gateway.fhir.json import BODY_EMPTY
from fhir_gateway.fhir.outcome import InvalidRequest, Issue, NotAcceptable
from fhir_gateway.fhir.structure import Path, path_of
from fhir_gateway.fhir.types import Types
from fhir_gateway.fhir.xml_faults import (
    NOT_XML,
    XML_DOCTYPE,
    XML_EMPTY,
    XML_ENCODING,
    XML_NAMESPACE,
    XML_ONE_RESOURCE,
    XML_ORDER,
    XML_REPEATED,
    XML_TEXT,
    XML_UNKNOWN_ATTRIBUTE,
    XML_UNKNOWN_ELEMENT,
)
from fhir_gateway.fhir.xml_plan import DIV, FHIR, XHTML, Step, XmlPlan, XmlPlans, xml_plans_of
from fhir_gateway.fhir.xml_writer import DECLARATION, Writer

Node = Any  # an lxml element: its stubs allow bytes where a parsed tree has str
_SCHEMA_LOCATION: Final = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"


def to_xml(resource: dict[str, Any], types: Types, pretty: bool = False) -> bytes:
    """Return a resource of sound structure as XML in UTF-8, its elements in the order of the definition.

    `pretty` puts each element on its own line, indented by two spaces; narrative stays as it is.
    Raises: NotAcceptable when it holds what XML 1.0 cannot carry: U+FFFE, U+FFFF, or a narrative that is no XML.
    Source: FHIR R4, XML Representation of Resources.
    """
    writer = Writer(xml_plans_of(types), "  " if pretty else "", _root_of)
    name = resource["resourceType"]
    writer.resource(resource, "\n" if pretty else "", (None, name, None), f' xmlns="{FHIR}"')
    if writer.issues:
        raise NotAcceptable(*writer.issues)
    return "".join([DECLARATION, *writer.parts]).encode()


def from_xml(body: bytes, types: Types) -> dict[str, Any]:
    """Return the resource that XML text represents, as the JSON reader gives it for the same resource.

    Comments and processing instructions are passed over, xsi:schemaLocation of the outermost element too. The
    structure check has still to be made.
    Raises: InvalidRequest with all that XML has wrong; a document type declaration is always refused.
    Source: FHIR R4, XML Representation of Resources.
    """
    resource, issues = read(body, types)
    if issues:
        raise InvalidRequest(*issues)
    return resource


def read(body: bytes, types: Types) -> tuple[dict[str, Any], list[Issue]]:
    """Return the resource that XML text represents, with the issues that reading it gave.

    What could not be read is left as its text, or out. Raises: InvalidRequest when nothing can be read at all.
    """
    text, root = document(body)
    reader = Reader(xml_plans_of(types), text)
    return reader.whole(root), reader.issues


def document(body: bytes) -> tuple[str, Node]:
    """Return the text of an XML body and the root of its tree.

    Raises: InvalidRequest when it is not well-formed, in no known encoding, or has a document type declaration.
    """
    text = _decoded(body)
    return text, _parsed(text)


def _not_a_resource(element: Node, types: Types, expression: str | None = None) -> Issue:
    qualified = etree.QName(element)
    if qualified.namespace != FHIR:
        namespace = qualified.namespace or ""
        return XML_NAMESPACE.at(expression, name=qualified.localname, namespace=namespace, expected=FHIR)
    return RESOURCE_TYPE_UNKNOWN.at(expression, name=shown(qualified.localname), version=types.version)


_BOMS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_ENCODING = re.compile(rb"""<\?xml[ \t\r\n][^>]*?encoding[ \t\r\n]*=[ \t\r\n]*["']([A-Za-z][A-Za-z0-9._-]*)["']""")
# XML demands the first two; Python's other codecs read things that are no text encoding.
_READABLE: Final = frozenset(
    {"utf-8", "utf-16", "utf-16-le", "utf-16-be", "ascii", *(f"iso8859-{n}" for n in range(1, 17))}
    | {f"cp{n}" for n in range(1250, 1259)}
)
_DOCTYPE = re.compile(r"(?>\s+|<\?.*?\?>|<!--.*?-->)*+<!DOCTYPE", re.DOTALL)


def _decoded(body: bytes) -> str:
    """The text of an XML body by its byte order mark or declaration (XML 1.0, 4.3.3 and appendix F)."""
    encoding = "utf-8"
    for mark, name in _BOMS:
        if body.startswith(mark):
            body, encoding = body[len(mark) :], name
            break
    else:
        declared = _ENCODING.match(body[:200])
        if declared is not None:
            encoding = declared[1].decode("ascii")
    try:
        if codecs.lookup(encoding).name not in _READABLE:
            raise LookupError(encoding)
        return body.decode(encoding)
    except (LookupError, UnicodeDecodeError):
        raise InvalidRequest(XML_ENCODING.at(encoding=encoding)) from None


def _parsed(text: str) -> Node:
    if not text.strip():
        raise InvalidRequest(BODY_EMPTY.at())
    if _DOCTYPE.match(text) is not None:
        raise InvalidRequest(XML_DOCTYPE.at())
    try:
        root = _parse(text)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        reason = (error.msg or "").partition(", line ")[0]
        raise InvalidRequest(NOT_XML.at(line=line or 1, column=column or 1, reason=reason)) from None
    if root.getroottree().docinfo.internalDTD is not None:  # however it came past the first look
        raise InvalidRequest(XML_DOCTYPE.at())
    return root


def _parse(text: str) -> Node:
    parser = etree.XMLParser(
        encoding="utf-8",  # whatever the declaration said before the text was decoded
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    return etree.fromstring(text.encode("utf-8", "surrogatepass"), parser)


def _root_of(text: str) -> str | None:
    try:
        tag: str = _parse(text).tag
    except etree.XMLSyntaxError:
        return None
    return tag


# In well-formed XML these are exactly the comments, CDATA sections, instructions and the tags of elements called div.
_DIV_TAGS = re.compile(
    r"""<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>|<(/?)(?:[^\s<>/:="'!?]+:)?div(?=[\s/>])(?:[^>"']|"[^"]*"|'[^']*')*>""",
    re.DOTALL,
)
_OWN_NAMESPACE = re.compile(rf"""<div\s(?:[^>"']|"[^"]*"|'[^']*')*?xmlns\s*=\s*["']{re.escape(XHTML)}["']""")


def _div_texts(text: str) -> Iterator[str]:
    """The source text of each outermost div of a well-formed document, in order."""
    depth = start = 0
    for tag in _DIV_TAGS.finditer(text):
        if tag[1] is None:
            continue
        if tag[1] == "/":
            depth -= 1
        else:
            if depth == 0:
                start = tag.start()
            if not tag[0].endswith("/>"):
                depth += 1
        if depth == 0:
            yield text[start : tag.end()]


def _div_written_anew(element: Node) -> str:
    """A div as text that needs no namespace declared outside it."""

    def copy_into(copy: Node, original: Node) -> None:
        copy.text = original.text
        for child in original:
            below = etree.SubElement(copy, child.tag, dict(child.attrib))
            below.tail = child.tail
            copy_into(below, child)

    namespaces: dict[Any, str] = {None: XHTML}
    anew = etree.Element(DIV, dict(element.attrib), nsmap=namespaces)
    copy_into(anew, element)
    return etree.tostring(anew, encoding="unicode")


class Reader:
    """One reading: the plans it follows, the issues it finds, the divs still to come.

    A subclass may say otherwise what is wrong (the methods after `not_a_value`).
    """

    def __init__(self, plans: XmlPlans, text: str) -> None:
        self.plans = plans
        self.issues: list[Issue] = []
        self.divs = _div_texts(text)

    def whole(self, root: Node) -> dict[str, Any]:
        """Return the resource that a document is.

        Raises: InvalidRequest when its outermost element names no resource type.
        """
        name = self.plans.resources.get(root.tag)
        if name is None:
            raise InvalidRequest(_not_a_resource(root, self.plans.types))
        return self.resource(root, name, (None, name, None), is_root=True)

    def resource(self, element: Node, name: str, path: Path, is_root: bool = False) -> dict[str, Any]:
        value: dict[str, Any] = {"resourceType": name}
        self._fill(value, element, self.plans.of(name), path, is_root)
        return value

    def _fill(self, value: dict[str, Any], element: Node, plan: XmlPlan, path: Path, is_root: bool = False) -> None:
        """Add to `value` the properties that an element's attributes and children are."""
        self._text(element.text, element, path)
        names = element.keys()  # with their values it would take time in the square of their number
        for name in names:
            if name in plan.attributes:
                value[name] = element.get(name)
            elif not (is_root and name == _SCHEMA_LOCATION and self.schema_location):
                self.unknown_attribute(element, name, plan, path)
        steps = plan.elements
        latest: Step | None = None
        twins: dict[str, list[dict[str, Any] | None]] = {}
        for child in element:
            if child.tail is not None:
                self._text(child.tail, element, path)
            step = steps.get(child.tag) or self.unknown_element(child, plan, path)
            if step is None:
                continue
            if latest is not None and step.element.order < latest.element.order:
                latest = self.out_of_order(child, step, latest, plan, path)
            else:
                latest = step
            self._add(value, twins, child, step, plan, path)
        for name, items in twins.items():
            self._align(value, name, items)

    def _add(
        self, value: dict[str, Any], twins: dict[str, list[dict[str, Any] | None]],
        child: Node, step: Step, plan: XmlPlan, path: Path,
    ) -> None:  # fmt: skip
        """Add the property that one child element is, or one more value of it."""
        name = step.element.name
        if step.element.many:
            items = value.setdefault(name, [])
            one: Path = (path, step.label, len(items))
            if step.kind == "primitive":
                item, twin = self._primitive(child, step, one)
                items.append(item)
                twins.setdefault(name, []).append(twin)
            else:
                items.append(self._object(child, step, one))
            return
        here: Path = (path, step.label, None)
        if name in value or f"_{name}" in value:
            self.repeated(child, step, plan, path)
        if step.kind == "primitive":
            item, twin = self._primitive(child, step, here)
            if item is not None:
                value[name] = item
            if twin is not None:
                value[f"_{name}"] = twin
        else:
            value[name] = self._object(child, step, here)

    def _align(self, value: dict[str, Any], name: str, twins: list[dict[str, Any] | None]) -> None:
        """Leave out the array of values, or of twins, that has none."""
        if any(twin is not None for twin in twins):
            value[f"_{name}"] = twins
            if all(item is None for item in value[name]):
                del value[name]

    def _primitive(self, child: Node, step: Step, path: Path) -> tuple[Any, dict[str, Any] | None]:
        """The value of a primitive and its twin; None for what it has not."""
        names = child.keys()
        plain = len(names) == 1 and names[0] == "value" and not len(child)
        if plain and child.text is None:
            text, twin = child.get("value"), None
        else:
            text, twin = self._with_twin(child, step, path)
        if text is None:
            if twin is None:
                self.empty(child, step, path)
            return None, twin
        if step.value_of is None:
            return text, twin
        try:
            return step.value_of(text), twin
        except ValueError:
            self.not_a_value(text, step, path)
            return text, twin

    def _with_twin(self, child: Node, step: Step, path: Path) -> tuple[str | None, dict[str, Any] | None]:
        text = child.attrib.pop("value", None)
        twin: dict[str, Any] = {}
        if step.plan is not None:
            self._fill(twin, child, step.plan, path)
        return text, twin or None

    def _object(self, child: Node, step: Step, path: Path) -> Any:
        if step.kind == "narrative":
            return self._narrative(child)
        if step.kind == "resource":
            return self._held_resource(child, step, path)
        value: dict[str, Any] = {}
        if step.plan is not None:
            self._fill(value, child, step.plan, path)
        return value

    def _held_resource(self, child: Node, step: Step, path: Path) -> dict[str, Any]:
        """The one resource inside <contained> or <resource>."""
        self._text(child.text, child, path)
        for name in child.keys():  # noqa: SIM118 - an element is no mapping
            self.unknown_attribute(child, name, None, path)
        if len(child) != 1:
            self.not_one_resource(child, step, path)
            return {}
        inner = child[0]
        self._text(inner.tail, child, path)
        name = self.plans.resources.get(inner.tag)
        if name is None:
            self.unknown_resource(inner, path)
            return {}
        return self.resource(inner, name, path)

    def _narrative(self, child: Node) -> str:
        text = next(self.divs)
        if _OWN_NAMESPACE.match(text) is None:
            return _div_written_anew(child)
        parent = child.getparent()
        outside = {} if parent is None else parent.nsmap
        if any(prefix is not None and f"{prefix}:" in text for prefix in outside):
            return _div_written_anew(child)
        return text

    def _text(self, text: str | None, element: Node, path: Path) -> None:
        if text is not None and not text.isspace():
            self.text(text, element, path)

    # --- what is wrong

    schema_location = True  # xsi:schemaLocation is passed over on the outermost element

    def not_a_value(self, text: str, step: Step, path: Path) -> None:
        self.issues.append(INVALID[step.element.type].at(path_of(path), value=shown(text)))

    def text(self, text: str, element: Node, path: Path) -> None:
        self.issues.append(XML_TEXT.at(path_of(path), element=etree.QName(element).localname))

    def unknown_attribute(self, element: Node, name: str, plan: XmlPlan | None, path: Path) -> None:
        local = etree.QName(element).localname
        self.issues.append(XML_UNKNOWN_ATTRIBUTE.at(path_of(path), element=local, name=shown(name)))

    def unknown_element(self, child: Node, plan: XmlPlan, path: Path) -> Step | None:
        """Complain of an element that has no place; return the step it may be read as, None to leave it out."""
        qualified = etree.QName(child)
        name = shown(qualified.localname)
        expected = XHTML if qualified.localname == "div" and DIV in plan.elements else FHIR
        if qualified.namespace != expected:
            namespace = qualified.namespace or ""
            self.issues.append(XML_NAMESPACE.at(path_of(path), name=name, namespace=namespace, expected=expected))
        else:
            self.issues.append(XML_UNKNOWN_ELEMENT.at(path_of(path), name=name, type=plan.name))
        return None

    def out_of_order(self, child: Node, step: Step, latest: Step, plan: XmlPlan, path: Path) -> Step:
        """Complain of an element that comes too late; return the step that the next one is compared with."""
        here = path_of((path, step.label, None))
        self.issues.append(XML_ORDER.at(here, name=step.element.name, after=latest.element.name, type=plan.name))
        return latest

    def repeated(self, child: Node, step: Step, plan: XmlPlan, path: Path) -> None:
        here = path_of((path, step.label, None))
        self.issues.append(XML_REPEATED.at(here, name=step.element.name, type=plan.name))

    def empty(self, child: Node, step: Step, path: Path) -> None:
        self.issues.append(XML_EMPTY.at(path_of(path), name=step.element.name))

    def not_one_resource(self, child: Node, step: Step, path: Path) -> None:
        self.issues.append(XML_ONE_RESOURCE.at(path_of(path), name=step.element.name, count=len(child)))

    def unknown_resource(self, inner: Node, path: Path) -> None:
        self.issues.append(_not_a_resource(inner, self.plans.types, path_of(path)))

"""What comes in: bytes of JSON or XML, turned into a resource that the walk can follow, with all that is wrong so far.

A sound resource passes at the speed of the scan. What is unsound is read again, slowly, for what is left of it.

Source: FHIR R4, Resource Formats.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

from fhir_gateway.conformance.validation import format_complaints as complaints
from fhir_gateway.conformance.validation import json_text
from fhir_gateway.conformance.validation.findings import Finding
from fhir_gateway.conformance.validation.location import JsonSource, Source, XmlSource
from fhir_gateway.conformance.validation.scan import Scan, StrictPlans
from fhir_gateway.conformance.validation.shape import Shaping
from fhir_gateway.conformance.validation.xml_text import XmlReading, split
from fhir_gateway.fhir import json as fhir_json
from fhir_gateway.fhir import xml as fhir_xml
from fhir_gateway.fhir import xml_faults
from fhir_gateway.fhir.json import BODY_EMPTY, MAX_DEPTH
from fhir_gateway.fhir.outcome import FhirError, Issue
from fhir_gateway.fhir.xml_plan import xml_plans_of


@dataclass(slots=True)
class Intake:
    """A resource as far as it can be read (None: not at all), what reading it found, and its scan."""

    resource: dict[str, Any] | None
    findings: list[Finding] = field(default_factory=list)
    scan: Scan | None = None
    source: Source | None = None


def of_value(value: Any, plans: StrictPlans) -> Intake:
    """Take in a resource that has been decoded already."""
    scan = Scan(plans)
    if isinstance(value, dict):
        scan.of(value)
        if scan.sound:
            return Intake(value, scan=scan)
    return _shaped(value, plans, [])


def of_json(body: bytes, plans: StrictPlans, first_line: int = 1) -> Intake:
    """Take in JSON text. Nothing is raised."""
    source = JsonSource(body, first_line)
    try:
        value = fhir_json.decode(body)
    except FhirError:
        value = None
    if isinstance(value, dict):
        scan = Scan(plans)
        keys = scan.of(value)
        if scan.sound and not _may_repeat(body, keys):
            return Intake(value, scan=scan, source=source)
    try:
        reading = json_text.read(body.decode())
    except UnicodeDecodeError as error:
        return Intake(None, [Finding(complaints.NOT_TEXT.at(None, byte=error.start))])
    if reading.fatal is not None:
        return Intake(None, [Finding(reading.fatal, source=source, spot=reading.fatal_start)], source=source)
    said = [
        Finding(issue, source=source, spot=start) for issue, start in zip(reading.issues, reading.starts, strict=True)
    ]
    source.known(reading.place)
    intake = _shaped(reading.value, plans, said)
    intake.findings = [_at_property(each, source) for each in intake.findings]
    intake.source = source
    return intake


def _at_property(finding: Finding, source: JsonSource) -> Finding:
    """Return a finding about a property that its element does not have at the place of that property."""
    if finding.issue.complaint is not complaints.UNRECOGNIZED or finding.spot is not None:
        return finding
    spot = source.start_of(finding.issue.expression, finding.issue.values["name"])
    return finding if spot is None else replace(finding, source=source, spot=spot)


_SPACED_COLONS = (b" :", b"\t:", b"\n:", b"\r:")
_SPACED_NAME = re.compile(rb'"[ \t\n\r]+:')


def _may_repeat(body: bytes, keys: int) -> bool:
    """Whether a text may give a property twice: it has more names than its value has properties."""
    if body.count(b'":') != keys:
        return True
    # Searching plain bytes is many times as fast as the regular expression, which is left to the rare spaced names.
    return any(each in body for each in _SPACED_COLONS) and _SPACED_NAME.search(body) is not None


def _shaped(value: Any, plans: StrictPlans, findings: list[Finding], from_xml: bool = False) -> Intake:
    if not isinstance(value, dict):
        reason = {"reason": "Unexpected content at start of JSON", "reason_fr": "contenu inattendu au début du JSON"}
        return Intake(None, [*findings, Finding(complaints.NOT_JSON.at(None, line=1, **reason))])
    shaping = Shaping(plans, from_xml)
    left = shaping.resource(value)
    findings += map(Finding, shaping.issues)
    if left is None:
        return Intake(None, findings)
    scan = Scan(plans, any_scalar=True)
    scan.of(left)
    return Intake(left, findings, scan)


def of_xml(body: bytes, plans: StrictPlans) -> Intake:
    """Take in XML text. Nothing is raised."""
    try:
        text, root = fhir_xml.document(body)
    except FhirError as refusal:
        return Intake(None, [_not_xml(issue) for issue in refusal.issues])
    source = XmlSource(text, root)
    namespace, name = split(root.tag)
    reading = XmlReading(xml_plans_of(plans.types), text)
    try:
        value = reading.whole(root)
    except RecursionError:
        return Intake(None, [Finding(complaints.TOO_DEEP.at(None, limit=MAX_DEPTH))], source=source)
    except FhirError:
        unknown = complaints.ROOT_UNKNOWN.at(name[:64], name=name[:64], namespace=namespace or "noNamespace")
        return Intake(None, [Finding(unknown, source=source, spot=root)], source=source)
    reading.instructions(text, root)
    encoding = _ENCODING.match(body[:200])
    findings = [
        Finding(issue, source=source, spot=spot) for issue, spot in zip(reading.issues, reading.spots, strict=True)
    ]
    if encoding is not None and encoding[1].upper() != b"UTF-8":
        findings.append(Finding(complaints.ENCODING.at("XML", encoding=encoding[1].decode("ascii"))))
    scan = Scan(plans, any_scalar=True)
    scan.of(value)
    if scan.sound:
        return Intake(value, findings, scan, source)
    intake = _shaped(value, plans, findings, from_xml=True)
    intake.source = source
    return intake


_ENCODING = re.compile(rb"""<\?xml[ \t\r\n][^>]*?encoding[ \t\r\n]*=[ \t\r\n]*["']([A-Za-z][A-Za-z0-9._-]*)["']""")


def _not_xml(issue: Issue) -> Finding:
    """What the XML reader refused, in this room's words."""
    complaint, values = issue.complaint, issue.values
    if complaint is xml_faults.XML_DOCTYPE:
        return Finding(complaints.DOCTYPE.at("(xml)"))
    if complaint is xml_faults.NOT_XML:
        spot = (int(values["line"]), int(values["column"]))
        why = f": {values['reason']}" if values.get("reason") else ""
        reason, reason_fr = (
            f"line {spot[0]}, column {spot[1]}{why}",
            f"ligne {spot[0]}, colonne {spot[1]} {why}".strip(),
        )
        return Finding(
            complaints.NOT_XML.at("(xml)", reason=reason, reason_fr=reason_fr), source=XmlSource("", None), spot=spot
        )
    if complaint is BODY_EMPTY:
        return Finding(complaints.NOT_XML.at("(xml)", reason="there is nothing in it", reason_fr="le contenu est vide"))
    return Finding(complaints.ENCODING.at("XML", encoding=values.get("encoding", "?")))

"""The bundles that other engines made of messages, compared with ours: `python -m tests.spec.hl7v2 --suite DIR`.

Counted are the leaf values under identifier, name, birthDate, gender, code, value[x], dates and references; displays,
and whatever has a system under example.com, are left out. A value is of the first kind where its text occurs in the
message (a date: its digits), else of the second. It is found where ours has the same value at an element of the same
name under the same of the elements named above, in whatever resource; a reference, where ours refers by the same
element to a resource of the same type that shares an identifier, a name or a code.

`total` and `passed` are of the first kind. What is missing is told by path, most frequent first, then what of it is so
on purpose, by rule: it stays counted as missing. At last all files are converted and what they make is judged.

Source: HL7 v2-to-FHIR; the pairs are those of the projects named in the suite's SOURCES.md.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.conformance.validators import r4_validator
from fhir_gateway.exchange.hl7v2.convert import Conversion, Converter, converter
from fhir_gateway.fhir.xml import read as read_xml

MUST = frozenset((
    "ADT^A01", "ADT^A02", "ADT^A03", "ADT^A04", "ADT^A05", "ADT^A06", "ADT^A07", "ADT^A08", "ADT^A11", "ADT^A12",
    "ADT^A13", "ADT^A28", "ADT^A31", "ADT^A38", "ADT^A40", "ADT^A47", "ADT^Z99", "OML^O21", "ORM^O01", "ORU^R01",
    "MDM^T02", "MDM^T04", "MDM^T10",
))  # fmt: skip
_OTHER = "(not in the message) "
_KINDS = ("identifier", "name", "birthDate", "gender", "code")
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d(T.*)?)?)?")
_FOREIGN = ("http://example.com", "https://example.com")

# What differs on purpose: paths, and the rule. All of it is counted as missing.
DELIBERATE: tuple[tuple[str, str], ...] = (
    (r"(Patient|RelatedPerson)\.extension\.extension\.value(Coding|String).*",
     "Race and ethnicity (PID-10, PID-22, NK1-35) are not carried: PAM France forbids them."),
    (r"Observation\.extension\.valueCodeableConcept.*",
     "OBX-11 is the status, not an extension beside it (alternate-codes is none of R4's)."),
    (r"Observation\.(component\.)?valueQuantity\.(code|system)",
     "A unit that is not said to be UCUM's is text: a Quantity with a code needs a system that has it."),
    (r"Observation\.(component\.)?code\.coding\.system",
     "A vital sign that does not hold FHIR's profile does not claim LOINC's code."),
    (r"Observation\.extension\.valueReference.*", "The place of an accident is a component, not an extension of VRDR."),
    (r"MessageHeader\.destination\.receiver\.reference", "Who receives is the facility of MSH-6, part of MSH-23's."),
    (r"Location\.physicalType\.coding\.code", "A point of care is a ward (wa), not a level (lvl)."),
    (r"Encounter\.location\.extension.*", "PV1-11 and PV1-42 are told by status, not by an extension."),
    (r"Location\.name|Location\.partOf\.reference", "A place with an identifier is referred to, not contained twice."),
    (r"(Practitioner|Organization|Device|ResearchStudy|ServiceRequest)\.identifier\.type\.coding\.(code|system)",
     "The kind of an authority, or a number that stands in its place, is no type of an identifier."),
    (r"Patient\.extension\.valueString", "The mother's maiden name is a name, not its parts joined by dashes."),
    (r"Patient\.extension\.valueCodeableConcept.*",
     "Religion (PID-17) and military status (PID-27) are not made codes of HL7's."),
    (r"Patient\.extension\.value(Boolean|Period.*)", "A disability (DB1) is its number: R4's extension has no period."),
    (r"Patient\.identifier\.(value|system|type\.coding\.code)",
     "PID-2, 4, 19 and 20 are forbidden in PAM France: no number of US social security where no country is named."),
    (r"MessageHeader\.(source|destination)\._endpoint.*", "An endpoint that nobody names has a name of our own."),
    (r"AllergyIntolerance\.code\.coding\.system", "ICDO is no system of allergens."),
    (r"(ChargeItem|Procedure)\.code\.coding\.system", "C4 (CPT) is a licensed system of the United States."),
    (r"DocumentReference\.(masterIdentifier\.value|relatesTo.*)", "An OID is written as a urn."),
    (r"DocumentReference\.(author|authenticator)\.reference", "Who wrote is a Practitioner: TXA rows 9 and 10."),
    (r"(ServiceRequest|DiagnosticReport)\.specimen\.reference|Specimen\.(identifier|collection).*",
     "A specimen has no number of its order; where SPM tells of it OBR does not make another."),
    (r"ServiceRequest\.occurrenceTiming.*", "OBR-6 says when: a choice has one value."),
    (r"Patient\.generalPractitioner\.reference", "Who gets a copy of a result (PRT RCT) is no general practitioner."),
    (r"Encounter\.(participant\.individual|diagnosis.*)\.?(reference)?|Encounter\.diagnosis\.use\.coding\.code",
     "A role of the patient (ROL PP) and a diagnosis of an order are none of the stay."),
    (r"(Procedure\.(location|partOf)|Condition\.extension\.valueReference)\.reference",
     "What a number refers to is told by the number: no empty resource is made for it."),
    (r"(Provenance)\.(occurredDateTime|recorded)", "EVN-6 and EVN-2 say when; one Provenance tells of a message."),
)  # fmt: skip

Leaf = tuple[str, str, tuple[str, ...]]  # kind, last element, what it may be told by (a value; signs of a resource)


@dataclass(slots=True)
class Compared:
    """One pair. `present`, `other`: how many values are counted of the first and second kind, and found."""

    name: str
    present: list[int] = field(default_factory=lambda: [0, 0])
    other: list[int] = field(default_factory=lambda: [0, 0])
    counted: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)


def pairs(suite: Path) -> Iterator[tuple[Path, Path]]:
    """Yield the messages that have an expected bundle beside them, with it."""
    for message in sorted(suite.rglob("*.hl7")):
        for end in (".expected.json", ".expected.xml"):
            expected = message.with_suffix("").with_name(message.stem + end)
            if expected.exists():
                yield message, expected


def compare(convert: Converter, message: Path, expected: Path) -> Compared | None:
    """Return what of a pair is found; None for an event that is not marked must."""
    data = message.read_bytes()
    found = next(iter(convert.convert_all(data)), None)
    if not isinstance(found, Conversion) or found.event not in MUST:
        return None
    theirs = _bundle(expected)
    ours = found.result.bundle() if found.result is not None else {"entry": []}
    held = {
        (kind, last, folded)
        for _, (kind, last, values) in _leaves(ours)
        for value in values
        for folded in _folded(value)
    }
    text = data.decode("utf-8", "replace")
    compared = Compared(message.stem)
    for path, leaf in _leaves(theirs):
        if leaf[1] == "assigner" and not path.endswith("reference"):
            continue  # the same reference by its words
        present = _occurs(leaf, text)
        counts = compared.present if present else compared.other
        counts[0] += 1
        compared.counted[path] += 1
        if any((leaf[0], leaf[1], folded) in held for value in leaf[2] for folded in _folded(value)):
            counts[1] += 1
        else:
            compared.missing[("" if present else _OTHER) + path] += 1
    return compared


def _bundle(path: Path) -> dict[str, Any]:
    if path.suffix == ".json":
        return dict(json.loads(path.read_text(encoding="utf-8-sig")))
    return read_xml(path.read_bytes(), definitions().types)[0]


def _leaves(bundle: dict[str, Any]) -> Iterator[tuple[str, Leaf]]:
    """Yield the counted values of a bundle with their paths."""
    named: dict[str, dict[str, Any]] = {}
    for entry in bundle.get("entry", ()):
        resource = entry["resource"]
        named[entry.get("fullUrl", "")] = resource
        if "id" in resource:
            named[f"{resource['resourceType']}/{resource['id']}"] = resource
    for entry in bundle.get("entry", ()):
        yield from _of_resource(entry["resource"], named)


def _of_resource(resource: dict[str, Any], named: dict[str, dict[str, Any]]) -> Iterator[tuple[str, Leaf]]:
    inside = named | {f"#{each.get('id')}": each for each in resource.get("contained", ())}
    for each in resource.get("contained", ()):
        yield from _of_resource(each, inside)
    for way, value in _walk(resource, ()):
        last = way[-1]
        kind = next((each for each in way if each in _KINDS or each.startswith("value")), "")
        path = ".".join((resource["resourceType"], *way))
        if way[-3:] == ("assigner", "identifier", "value") or way[-2:] == ("assigner", "display"):
            yield path, ("reference", "assigner", (f"Organization {value}",))  # a reference by identifier
        if last == "reference" and isinstance(value, str):
            target = inside.get(value)
            if target is not None:
                yield path, ("reference", way[-2], tuple(_signs(target)))
        elif kind:
            yield path, ("value" if kind.startswith("value") else kind, _plain(last), (_text(value),))
        elif isinstance(value, str) and _DATE.fullmatch(value) and len(value) >= 8:
            yield path, ("date", _plain(last), (value,))


def _signs(resource: dict[str, Any]) -> list[str]:
    """Return what tells a resource from others of its type: what of it comes first of identifier, name, code."""
    kind = resource["resourceType"]
    signs = []
    for name, lasts in (("identifier", ("value",)), ("name", ("family", "text", "name")), ("code", ("code", "text"))):
        held = {name: resource.get(name)}
        signs += [f"{kind} {value}" for way, value in _walk(held, (), all_systems=True) if way[-1] in lasts]
    return signs or [kind]


def _walk(value: Any, way: tuple[str, ...], all_systems: bool = False) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        if not all_systems and str(value.get("system", "")).startswith(_FOREIGN):
            return
        for key, each in value.items():
            if not (way == () and key in ("resourceType", "id", "meta", "text", "contained")) and key != "display":
                yield from _walk(each, (*way, key), all_systems)
    elif isinstance(value, list):
        for each in value:
            yield from _walk(each, way, all_systems)
    elif value is not None and way:
        yield way, value


def _plain(name: str) -> str:
    return "value" if name.startswith("value") else name


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _folded(text: str) -> tuple[str, ...]:
    """Return what a value may be compared by. A time: its digits without the offset, since engines differ in what zone
    a time without offset is of; and the moment it is, since they differ in what offset they write it with.
    """
    if _DATE.fullmatch(text) and len(text) > 10:
        digits = re.sub(r"\D", "", re.sub(r"(Z|[+-]\d\d:\d\d)$", "", text).split(".")[0])
        try:
            moment = datetime.fromisoformat(text).astimezone(UTC)
        except ValueError:
            return (digits,)
        return digits, f"{moment:%Y%m%dT%H%M%S}Z"
    return (" ".join(text.split()),)


def _occurs(leaf: Leaf, message: str) -> bool:
    kind, _, values = leaf
    if kind == "reference":
        return any(each.partition(" ")[2] in message for each in values if " " in each)
    value = values[0]
    if _DATE.fullmatch(value) and len(value) >= 7:
        return re.sub(r"\D", "", re.sub(r"(Z|[+-]\d\d:\d\d)$", "", value)).rstrip("0") in message
    return value in message


def deliberate(missing: Counter[str]) -> dict[str, list[int]]:
    """Return how many of the missing values, of the first and second kind, differ on purpose, by rule."""
    found: dict[str, list[int]] = {}
    for path, count in missing.items():
        bare = path.removeprefix(_OTHER)
        rule = next((rule for pattern, rule in DELIBERATE if re.fullmatch(pattern, bare)), None)
        if rule is not None:
            found.setdefault(rule, [0, 0])[bare != path] += count
    return found


def made_valid(convert: Converter, suite: Path) -> tuple[int, int, list[str]]:
    """Return how many messages a suite has, how many resources they make, and what of those is wrong."""
    messages, resources, wrong = 0, 0, []
    for path in sorted(suite.rglob("*.hl7")):
        for found in convert.convert_all(path.read_bytes()):
            messages += 1
            if not isinstance(found, Conversion) or found.result is None:
                continue
            for each in found.result.instances:
                resources += 1
                findings = (each.issue.text() for each in r4_validator().validate(each.resource) if each.is_error)
                wrong += [f"{path.name}: {text}" for text in findings]
    return messages, resources, wrong


def run(suite: Path, file: Path | None) -> int:
    """Compare all pairs, say what is counted and missing, write it as JSON where a file is given. Returns 0."""
    convert = converter()
    done = [each for pair in pairs(suite) if (each := compare(convert, *pair)) is not None]
    counted: Counter[str] = sum((each.counted for each in done), Counter())
    missing: Counter[str] = sum((each.missing for each in done), Counter())
    say = sys.stdout.write
    for path, count in counted.most_common():
        say(f"counted {count:5} {path}\n")
    for path, count in missing.most_common():
        say(f"missing {count:5} {path}\n")
    reasons = deliberate(missing)
    for rule, counts in sorted(reasons.items(), key=lambda each: -sum(each[1])):
        say(f"deliberate {counts[0]:3} and {counts[1]:3} not in the message: {rule}\n")
    for each in done:
        (total, passed), (others, found) = each.present, each.other
        say(f"{each.name}: {passed} of {total} in the message, {found} of {others} not\n")
    total, passed = (sum(each.present[at] for each in done) for at in (0, 1))
    others, found = (sum(each.other[at] for each in done) for at in (0, 1))
    say(f"hl7v2: {len(done)} pairs; in the message {passed} of {total} ({passed / max(1, total):.1%}); ")
    say(f"not in the message {found} of {others} ({found / max(1, others):.1%})\n")
    messages, resources, wrong = made_valid(convert, suite)
    for text in wrong:
        say(f"invalid: {text}\n")
    say(f"hl7v2: {messages} messages, {resources} resources, {len(wrong)} errors of R4\n")
    if file is not None:
        cases = [
            {"id": each.name, "present": each.present, "other": each.other, "missing": each.missing} for each in done
        ]
        body = {"total": total, "passed": passed, "other_total": others, "other_passed": found, "cases": cases}
        judged = {"messages": messages, "resources": resources, "invalid": wrong, "deliberate": reasons}
        file.write_text(json.dumps({**body, "counted": counted, **judged}, indent=1) + "\n")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.spec.hl7v2", description=__doc__)
    parser.add_argument("--suite", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    return run(options.suite, options.json)


if __name__ == "__main__":
    raise SystemExit(main())

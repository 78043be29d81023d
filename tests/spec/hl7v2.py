"""The bundles that other engines made of messages, compared with ours: `python -m tests.spec.hl7v2 --suite DIR`.

Counted are the leaf values under identifier, name, birthDate, gender, code, value[x], dates and references; displays,
and whatever has a system under example.com, are left out. A value is of the first kind where its text occurs in the
message (a date: its digits), else of the second. It is found where ours has the same value at an element of the same
name under the same of the elements named above, in whatever resource; a reference, where ours refers by the same
element to a resource of the same type that shares an identifier, a name or a code.

`total` and `passed` are of the first kind. What is missing is told by path, most frequent first.

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
from pathlib import Path
from typing import Any

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.exchange.hl7v2.convert import Conversion, Converter, converter
from fhir_gateway.fhir.xml import read as read_xml

MUST = frozenset((
    "ADT^A01", "ADT^A02", "ADT^A03", "ADT^A04", "ADT^A05", "ADT^A06", "ADT^A07", "ADT^A08", "ADT^A11", "ADT^A12",
    "ADT^A13", "ADT^A28", "ADT^A31", "ADT^A38", "ADT^A40", "ADT^A47", "ADT^Z99", "OML^O21", "ORM^O01", "ORU^R01",
    "MDM^T02", "MDM^T04", "MDM^T10",
))  # fmt: skip
_KINDS = ("identifier", "name", "birthDate", "gender", "code")
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d(T.*)?)?)?")
_FOREIGN = ("http://example.com", "https://example.com")

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
    held = {(kind, last, _folded(value)) for _, (kind, last, values) in _leaves(ours) for value in values}
    text = data.decode("utf-8", "replace")
    compared = Compared(message.stem)
    for path, leaf in _leaves(theirs):
        if leaf[1] == "assigner" and not path.endswith("reference"):
            continue  # the same reference by its words
        present = _occurs(leaf, text)
        counts = compared.present if present else compared.other
        counts[0] += 1
        compared.counted[path] += 1
        if any((leaf[0], leaf[1], _folded(value)) in held for value in leaf[2]):
            counts[1] += 1
        else:
            compared.missing[("" if present else "(not in the message) ") + path] += 1
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


def _folded(text: str) -> str:
    """Return a value as it is compared: a time without its offset and without what no digit tells."""
    if _DATE.fullmatch(text) and len(text) > 10:
        return re.sub(r"\D", "", re.sub(r"(Z|[+-]\d\d:\d\d)$", "", text).split(".")[0])
    return " ".join(text.split())


def _occurs(leaf: Leaf, message: str) -> bool:
    kind, _, values = leaf
    if kind == "reference":
        return any(each.partition(" ")[2] in message for each in values if " " in each)
    value = values[0]
    if _DATE.fullmatch(value) and len(value) >= 7:
        return re.sub(r"\D", "", re.sub(r"(Z|[+-]\d\d:\d\d)$", "", value)).rstrip("0") in message
    return value in message


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
    for each in done:
        (total, passed), (others, found) = each.present, each.other
        say(f"{each.name}: {passed} of {total} in the message, {found} of {others} not\n")
    total, passed = (sum(each.present[at] for each in done) for at in (0, 1))
    others, found = (sum(each.other[at] for each in done) for at in (0, 1))
    say(f"hl7v2: {len(done)} pairs; in the message {passed} of {total} ({passed / max(1, total):.1%}); ")
    say(f"not in the message {found} of {others} ({found / max(1, others):.1%})\n")
    if file is not None:
        cases = [
            {"id": each.name, "present": each.present, "other": each.other, "missing": each.missing} for each in done
        ]
        body = {"total": total, "passed": passed, "other_total": others, "other_passed": found, "cases": cases}
        file.write_text(json.dumps({**body, "counted": counted}, indent=1) + "\n")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.spec.hl7v2", description=__doc__)
    parser.add_argument("--suite", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    return run(options.suite, options.json)


if __name__ == "__main__":
    raise SystemExit(main())

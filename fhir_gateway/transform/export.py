"""Rules as the tables of HL7's guide, and as ConceptMaps of its kind: to be read, not to be loaded.

Source: HL7 v2-to-FHIR, its spreadsheets (two lines of headings, a row for each rule) and its ConceptMaps.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.transform.rules import Making, Message, Rule, Rules, RuleSet
from fhir_gateway.transform.target import TargetError, Targets

_HEADS = (
    ("HL7 v2", "", "", "", "", "", "Condition (IF True)", "", "", "HL7 FHIR", *("",) * 8, "Comments"),
    (
        "Sort Order", "Identifier", "Name", "Data Type", "Cardinality - Min", "Cardinality - Max", "Computable ANTLR",
        "Computable FHIRPath", "Narrative", "FHIR Attribute", "", "Data Type", "Cardinality - Min",
        "Cardinality - Max", "Data Type Mapping", "Vocabulary Mapping\n(IS, ID, CE, CNE, CWE)", "Assignment", "", "",
    ),
)  # fmt: skip
_HEADS_OF_MESSAGES = (
    ("HL7 v2", "", "", "", "", "", "Condition (IF True)", "", "", "HL7 FHIR", "", "", "", "Comments"),
    (
        "Sort Order", "Identifier", "Syntax", "Name", "Cardinality - Min", "Cardinality - Max", "Computable ANTLR",
        "Computable FHIRPath", "Narrative", "Primary Target", "Segment Map", "References", "", "",
    ),
)  # fmt: skip


def tables(rules: Rules, targets: Targets) -> Iterator[tuple[str, str]]:
    """Yield the name of each table's file and its content, as CSV: segments, data types, messages."""
    for each in rules.segments.values():
        yield f"segments/{each.home}[{_mapped(each)}].csv", _csv(_HEADS, _rows(each, targets))
    for each in rules.datatypes.values():
        yield f"datatypes/{each.name}.csv", _csv(_HEADS, _rows(each, targets))
    for message in rules.messages.values():
        if message.group is not None:
            yield f"messages/{message.name}.csv", _csv(_HEADS_OF_MESSAGES, _rows_of_message(message, rules, targets))


def _mapped(rules: RuleSet) -> str:
    """Return what a segment's table is called after: its resource, and what tells it from others of that."""
    more = rules.name.partition("-")[2]
    return f"{rules.target}-{more}" if more and more != rules.target else rules.target


def _csv(heads: Iterable[tuple[str, ...]], rows: Iterable[tuple[str, ...]]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out).writerows((*heads, *rows))
    return out.getvalue()


def _rows(rules: RuleSet, targets: Targets) -> Iterator[tuple[str, ...]]:
    for number, rule in enumerate(rules.rules, 1):
        yield _row(number, rule, rules.target, targets)


def _row(number: int, rule: Rule, type_name: str, targets: Targets) -> tuple[str, ...]:
    type_, most = _type_of(rule, type_name, targets)
    assigned = "; ".join(filter(None, (_assigned(rule), *(f"{path}={value!r}" for path, value in rule.also))))
    repeats = "-1" if "[*]" in rule.path or "[~]" in rule.path else ""
    about = f"{rule.source} ({rule.id}, {rule.place})" if rule.source else f"{rule.id}, {rule.place}"
    return (
        str(number), rule.path.replace("[*]", "").replace("[~]", ""), "", "", "", repeats, rule.when, "", "", rule.to,
        "", type_, "", most, rule.type, rule.map, assigned, "", about,
    )  # fmt: skip


def _assigned(rule: Rule) -> str:
    if rule.instance:
        return f"{rule.instance}.id"
    return f'"{rule.value}"' if rule.value else ""


def _type_of(rule: Rule, type_name: str, targets: Targets) -> tuple[str, str]:
    if rule.to == "$this":
        return type_name, "1"
    try:
        found = targets.target(rule.to, type_name, rule.place)
    except TargetError:
        return "", ""
    return found.type, "-1" if found.steps[-1].many else "1"


def _rows_of_message(message: Message, rules: Rules, targets: Targets) -> Iterator[tuple[str, ...]]:
    own = {each.id: each for each in message.makings}
    makings = [rules.instances[name] for name in message.uses if name in rules.instances and name not in own]
    number = 0
    for making in (*own.values(), *makings):
        number += 1
        shared = rules.instances.get(making.id, making)
        yield _row_of_making(number, message, making, shared)
        for rule in (*making.rules, *(shared.rules if shared is not making else ())):
            number += 1
            row = _row(number, rule, shared.resource, targets)
            target = f"{shared.resource}[{making.id}].{rule.to}"
            yield (row[0], row[1], "", "", "", row[5], rule.when, "", "", target, rule.type, row[16], "", row[18])


def _row_of_making(number: int, message: Message, making: Making, shared: Making) -> tuple[str, ...]:
    per, resource = making.per or shared.per, shared.resource
    maps = ", ".join(dict.fromkeys((*shared.segments, *making.segments)))
    found = making.found_by or shared.found_by
    about = f"{making.request or shared.request or 'create'}{f' by {found}' if found else ''} ({making.place})"
    return (
        str(number), f"{message.name}.{per}", per, "", "", "", making.when or shared.when, "", "",
        f"{resource}[{making.id}]", maps, "", "", about,
    )  # fmt: skip


# --- what is sent

_HEADS_OUT = (
    ("HL7 FHIR", "", "", "Condition (IF True)", "HL7 v2", "", "", "", "Comments"),
    (
        "Sort Order", "FHIRPath", "Assignment", "Computable ANTLR", "Identifier", "Cardinality - Max",
        "Data Type Mapping", "Vocabulary Mapping", "",
    ),
)  # fmt: skip
_HEADS_OF_LINES = (
    ("HL7 v2", "", "", "HL7 FHIR", "", ""),
    ("Sort Order", "Line", "Segment Map", "For each (FHIRPath)", "Computable ANTLR", "Needs"),
)


def tables_out(rules: Rules) -> Iterator[tuple[str, str]]:
    """Yield the same of rules for what is sent, whose sources are FHIRPath and whose targets are places of segments."""
    for each in rules.segments.values():
        yield f"segments/{each.home}[{_mapped(each)}].csv", _csv(_HEADS_OUT, _rows_out(each))
    for each in rules.datatypes.values():
        yield f"datatypes/{each.name}.csv", _csv(_HEADS_OUT, _rows_out(each))
    for message in rules.messages.values():
        rows = (
            (str(number), each.id, ", ".join(each.segments), each.per, each.when, ", ".join(each.needs))
            for number, each in enumerate(message.makings, 1)
        )
        yield f"messages/{message.name}.csv", _csv(_HEADS_OF_LINES, rows)


def _rows_out(rules: RuleSet) -> Iterator[tuple[str, ...]]:
    for number, rule in enumerate(rules.rules, 1):
        about = f"{rule.source} ({rule.id}, {rule.place})" if rule.source else f"{rule.id}, {rule.place}"
        most = "-1" if "[+]" in rule.to else "1"
        yield (str(number), rule.path, _assigned(rule), rule.when, rule.to, most, rule.type, rule.map, about)


# --- ConceptMaps


def concept_maps(rules: Rules, out: bool = False) -> Iterator[dict[str, Any]]:
    """Yield a ConceptMap for each table of a segment or data type: fields to elements; of what is sent (`out`) FHIRPath
    to fields.
    """
    kinds = ((rules.segments.values(), "segment"), (rules.datatypes.values(), "datatype"))
    for sets, kind in kinds:
        for each in sets:
            elements = list(_elements(each, out))
            if elements:
                yield _concept_map(each, kind, elements, out)


def _concept_map(rules: RuleSet, kind: str, elements: list[dict[str, Any]], out: bool) -> dict[str, Any]:
    name = f"{kind}-{rules.home}-{_mapped(rules) if kind == 'segment' else rules.name.partition('[')[2].rstrip(']')}"
    name = f"{'out-' if out else ''}{name.lower().replace('_', '-')}"
    # A data type mapping of what is sent is called by the type of FHIR first: Identifier[CX].
    v2, fhir = (rules.target, rules.home) if out and kind == "datatype" else (rules.home, rules.target)
    sides = f"{CANONICAL_BASE}/hl7v2/{kind}/{v2}", f"http://hl7.org/fhir/StructureDefinition/{fhir}"
    source, target = reversed(sides) if out else sides
    return {
        "resourceType": "ConceptMap",
        "id": name[:64],
        "url": f"{CANONICAL_BASE}/ConceptMap/{name}",
        "name": name.title().replace("-", ""),
        "title": f"{fhir} to {v2}" if out else f"{v2} to {fhir}",
        "status": "active",
        "group": [
            {
                "source": source,
                "target": target,
                "element": elements,
            }
        ],
    }


def _elements(rules: RuleSet, out: bool) -> Iterator[dict[str, Any]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for rule in rules.rules:
        if not rule.path:
            continue
        exact = not (rule.when or rule.map or rule.type or rule.value)
        target = {
            "code": rule.to if out else _code(rule, rules.target),
            "equivalence": "equivalent" if exact else "relatedto",
        }
        said = (
            ("if", rule.when), ("data type mapping", rule.type), ("ConceptMap", rule.map), ("value", rule.value),
            ("source", rule.source), ("rule", f"{rule.id}, {rule.place}"),
        )  # fmt: skip
        target["comment"] = "; ".join(f"{name}: {value}" for name, value in said if value)
        found.setdefault(rule.path, []).append(target)
    for path, made in found.items():
        yield {"code": path, "target": made}


def _code(rule: Rule, target: str) -> str:
    return target if rule.to == "$this" else f"{target}.{rule.to}"

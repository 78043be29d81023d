"""Files of AURAGEN written of dossiers, read into resources, judged.

    auragen = Auragen(tables={"auragen-indications": {"F-49": "IMR0123"}})
    written = auragen.write("clinic_mr", resources)     # bytes, and all that is lost or lacks
    read = auragen.read(data)                           # a draft of resources, keys that nobody knows

Strict in writing: nothing is written that the schema refuses. Open in reading: keys that are not known are listed.

Source: README.md of this room.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Final

import msgspec

from fhir_gateway.exchange import unknown_keys
from fhir_gateway.exchange.auragen import clinic_kc, clinic_mr, complaints, libraries, software
from fhir_gateway.exchange.auragen.complaints import Unreadable
from fhir_gateway.exchange.auragen.formats import PRIVATE, Format, Kind, schema
from fhir_gateway.exchange.auragen.people import CASE, LIBRARY, People
from fhir_gateway.exchange.json_tree import json_object
from fhir_gateway.exchange.unplaced import Written, lost, placed
from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.transform.run import Fired
from fhir_gateway.transform.schema import ABSENT, UNKNOWN

_DECODER: Final = msgspec.json.Decoder()
# What each file needs besides its rules.
_FILES: Final[Mapping[Kind, ModuleType]] = {
    "clinic_mr": clinic_mr,
    "clinic_kc": clinic_kc,
    "libraries": libraries,
    "software": software,
}
# What keeps the unknown keys of each file is coded by.
CODES: Final[Mapping[Kind, str]] = {
    "clinic_mr": "auragen-mr", "clinic_kc": "auragen-kc", "libraries": "auragen-libraries",
    "software": "auragen-software",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Read:
    """What a file says. `resources`: a draft, persons named by their library; `unknown`: keys that no schema has, by
    JSON pointer, with what they say; `unplaced`: keys that no rule read.
    """

    kind: Kind
    resources: tuple[dict[str, Any], ...]
    issues: tuple[Issue, ...]
    unknown: Mapping[str, Any]
    unplaced: tuple[str, ...]
    trace: tuple[Fired, ...] = field(default=())


def kind_of(tree: Mapping[str, Any]) -> Kind | None:
    """Return which of the files a tree is, by the keys that only one of them has."""
    if "individuals" in tree or "hpo_terms" in tree:
        return "clinic_mr"
    if "cimo" in tree or "cellularity" in tree:
        return "clinic_kc"
    if "patient_workflows" in tree:
        return "software"
    return "libraries" if "libraries" in tree else None


def tree_of(data: bytes) -> dict[str, Any]:
    """Return the JSON object that bytes are. Raises: Unreadable."""
    try:
        return json_object(data, _DECODER)
    except ValueError as reason:
        raise Unreadable(complaints.UNREADABLE.at(None, reason=str(reason))) from None


class Auragen:
    """Reads and writes the files. `tables`: an operator's private tables by name, code to code; none is guessed."""

    def __init__(self, tables: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self._tables = tables or {}
        self._formats: dict[Kind, Format] = {}

    def write(
        self, kind: Kind, resources: Iterable[Mapping[str, Any]], traced: bool = False, free_text: bool = False
    ) -> Written:
        """Return a dossier as a file. `free_text`: what people wrote in their own words (family.comment) goes too,
        towards those who wrote it. Raises: Unreadable for a kind that is not written.
        """
        format = self._format(kind)
        issues: list[Issue] = []
        people = People(resources if free_text else _without_notes(resources, issues))
        source = _FILES[kind].source(people, format, issues)
        result = format.writing.apply(source, traced)
        tree = format.targets.assembled(result.instances).get(kind, {})
        _FILES[kind].lacking(people, tree, issues)
        # A private table that is empty is told once, with what to fill.
        issues += (placed(each) for each in result.issues if each.values.get("map") not in PRIVATE)
        whole = format.schema.completed(tree)
        told = {each.expression for each in issues} | {each.values.get("where") for each in issues}
        issues += (each for each in format.schema.check(whole) if each.expression not in told)
        data = None
        if not any(each.severity in ("error", "fatal") for each in issues):
            data = msgspec.json.format(msgspec.json.encode(whole), indent=2)
        issues += unknown_keys.staying(people.resources, CODES[kind])
        unplaced = lost(people.resources, source.segments, result, format.paths, _ARRANGED, _TOLD_BY)
        return Written(data, tuple(issues), unplaced, result.trace)

    def check(self, data: bytes) -> list[Issue]:
        """Return all that is wrong with a file, keys that are not known as warnings would be: strict."""
        try:
            tree = tree_of(data)
        except Unreadable as error:
            return list(error.issues)
        kind = kind_of(tree)
        if kind is None:
            return [complaints.KIND_UNKNOWN.at("")]
        found = schema(kind).check(tree)
        return found if found or kind not in _FILES else list(_FILES[kind].faults(tree))

    def read(self, data: bytes, traced: bool = False) -> Read:
        """Return what a file says. Nothing is made of a file that its schema refuses for more than unknown keys.

        Raises: Unreadable for what is no file of AURAGEN, truncated or of another form.
        """
        tree = tree_of(data)
        kind = kind_of(tree)
        if kind is None:
            raise Unreadable(complaints.KIND_UNKNOWN.at(None))
        format = self._format(kind)
        whole = format.schema.completed(tree)
        # What is absent is read as null, but never a list: no individuals would be a case of nobody.
        absent = [each for each in format.schema.check(tree) if each.complaint is ABSENT]
        lists = [each for each in absent if _at(whole, str(each.expression)) == []]
        wrong = [*lists, *(each for each in format.schema.check(whole) if each.complaint is not UNKNOWN)]
        if wrong:
            raise Unreadable(*wrong)
        issues: list[Issue] = [complaints.READ_AS_NULL.at(each.expression, **each.values) for each in absent]
        issues += _FILES[kind].faults(whole)
        if any(each.severity == "error" for each in issues):
            raise Unreadable(*issues)
        result = format.reading.apply(_FILES[kind].tree_source(whole, format, data), traced)
        unknown = {where: _at(tree, where) for where in format.schema.unknown(tree)}
        unplaced = tuple("/".join(map(str, format.keys.key_at(each.where))) for each in result.unplaced)
        kept = unknown_keys.observations(CODES[kind], unknown, lambda where: {"subject": _whose(tree, where)})
        resources = (*(each.resource for each in result.instances), *kept)
        return Read(kind, resources, (*issues, *result.issues), unknown, unplaced, result.trace)

    def _format(self, kind: Kind) -> Format:
        if kind not in _FILES:
            raise Unreadable(complaints.NOT_YET.at(None, kind=kind))
        found = self._formats.get(kind)
        if found is None:
            found = self._formats[kind] = Format(kind, self._tables)
        return found


# What tells whose and what a resource is: read where it is arranged, by no rule.
_ARRANGED: Final = frozenset(
    {"", "category", "code", "id", "identifier", "intent", "meta", "parent", "partOf", "patient", "reasonCode",
     "request", "specimen", "status", "subject", "text"}
)  # fmt: skip

# Where it stands that a person is affected, whom an edge leads to, which library a step was done on.
_TOLD_BY: Final = frozenset({"Observation.value", "FamilyMemberHistory.extension", "Procedure.extension"})


def _without_notes(resources: Iterable[Mapping[str, Any]], issues: list[Issue]) -> list[Mapping[str, Any]]:
    """Return resources whose family links have no notes; how many had is told."""
    kept, silent = [], 0
    for each in resources:
        if each["resourceType"] == "FamilyMemberHistory" and "note" in each:
            silent += 1
            each = {key: value for key, value in each.items() if key != "note"}
        kept.append(each)
    if silent:
        where = "FamilyMemberHistory.note"
        issues.append(complaints.TEXT_STAYS.at(where, where="/individuals/family/comment", count=silent))
    return kept


def _whose(tree: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return of whom a key speaks, by its pointer: the person of the library it stands with, else the index case."""
    item = _at(tree, "/".join(where.split("/")[:3]))
    library = item.get("lib_id") if isinstance(item, dict) else None
    found = (LIBRARY, library or tree.get("index_case"))
    system, value = found if found[1] is not None else (CASE, tree["case_id"])
    return {"type": "Patient", "identifier": {"system": system, "value": value}}


def _at(tree: Any, where: str) -> Any:
    """Return what stands at a pointer; None where nothing does."""
    for step in where.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        tree = tree[int(key)] if isinstance(tree, list) else tree.get(key) if isinstance(tree, dict) else None
    return tree

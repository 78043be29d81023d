"""Prescriptions of SPICE written of dossiers, read into resources, judged.

    seqoia = Seqoia(tables={"seqoia-preindications": {"F-49": "p1-sp45"}})
    written = seqoia.write(resources)       # bytes, and all that is lost or lacks
    read = seqoia.read(data)                # a draft of resources, keys that nobody knows

Strict in writing: nothing is written that the schema refuses. Open in reading: keys that are not known are listed.

Source: README.md of this room.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import msgspec

from fhir_gateway.exchange import unknown_keys
from fhir_gateway.exchange.json_tree import json_object
from fhir_gateway.exchange.people import People
from fhir_gateway.exchange.seqoia import complaints, moments, reading, writing
from fhir_gateway.exchange.seqoia.complaints import Unreadable
from fhir_gateway.exchange.seqoia.formats import Format, Tables, schema, written_schema
from fhir_gateway.exchange.seqoia.keys import FORMAT, INS, IPP
from fhir_gateway.exchange.unplaced import Written, lost, placed
from fhir_gateway.fhir.number import Number
from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.transform.run import Fired
from fhir_gateway.transform.schema import UNKNOWN, pointer

_ENDED: Final = frozenset({"entered-in-error"})
_DECODER: Final = msgspec.json.Decoder(float_hook=Number)
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number", enc_hook=Decimal)


@dataclass(frozen=True, slots=True)
class Options:
    """`free_text`: towards those who wrote it, what people wrote in their own words goes too, and the keys of an
    earlier file that nobody knew; `asker`: an organisation ("system|value") to which those keys go that it sent itself;
    `ipp`: the system of the hospital's numbers; `assembly`: that positions are of, GRCh38 in what is published.
    """

    free_text: bool = False
    asker: str = ""
    ipp: str = IPP
    assembly: str = "GRCh38"


@dataclass(frozen=True, slots=True)
class Read:
    """What a file says. `resources`: a draft, everybody named by number; `unknown`: keys that the schema does not have,
    by JSON pointer, with what they say; `unplaced`: keys that no rule read.
    """

    resources: tuple[dict[str, Any], ...]
    issues: tuple[Issue, ...]
    unknown: Mapping[str, Any]
    unplaced: tuple[str, ...]
    trace: tuple[Fired, ...] = ()


def tree_of(data: bytes) -> dict[str, Any]:
    """Return the JSON object that bytes are. Raises: Unreadable."""
    try:
        return json_object(data, _DECODER)
    except ValueError as reason:
        raise Unreadable(complaints.UNREADABLE.at(None, reason=str(reason))) from None


class Seqoia:
    """Reads and writes prescriptions. `tables`: an operator's private tables by name, code to code; none is guessed."""

    def __init__(self, tables: Tables | None = None) -> None:
        self._tables = tables or {}
        self._made: Format | None = None

    def write(
        self, resources: Iterable[Mapping[str, Any]], options: Options | None = None, traced: bool = False
    ) -> Written:
        """Return a dossier as a file."""
        options = options or Options()
        format = self._format
        arranged = writing.Arranged(People(resources, _ENDED), format.paths, options.free_text)
        source = arranged.source()
        result = format.writing.apply(source, traced)
        tree = format.targets.assembled(result.instances).get("spice", {})
        arranged.complete(tree)
        tree = writing.without_nothing(tree)
        arranged.lacking(tree)
        issues = arranged.issues
        issues += map(placed, result.issues)
        tree = moments.numbers(tree, written_schema(), issues)
        kept = arranged.put_back(tree, options.asker)
        told = {each.expression for each in issues} | {each.values.get("where") for each in issues}
        issues += (
            each for each in format.schema.check(tree) if each.expression not in told and each.expression not in kept
        )
        data = None
        if not any(each.severity in ("error", "fatal") for each in issues):
            data = msgspec.json.format(_ENCODER.encode(tree), indent=1)
        shown = [each for each in arranged.people.resources if id(each) not in arranged.shown]
        unplaced = lost(shown, source.segments, result, format.paths, _ARRANGED, _TOLD)
        named = sum(1 for each in arranged.people.of("Patient") if _has_ins(each))
        if named:
            unplaced["Patient.identifier"] = named
        return Written(data, tuple(issues), unplaced, result.trace)

    def check(self, data: bytes) -> list[Issue]:
        """Return all that is wrong with a file, keys that are not known among it: strict."""
        try:
            tree = tree_of(data)
        except Unreadable as error:
            return list(error.issues)
        found = schema().check(tree)
        return found if any(each.complaint is not UNKNOWN for each in found) else [*found, *reading.faults(tree)]

    def read(self, data: bytes, options: Options | None = None, traced: bool = False) -> Read:
        """Return what a file says. Nothing is made of a file that its schema refuses for more than unknown keys.

        Raises: Unreadable for what is no prescription of SPICE, truncated or of another form, of two index cases or
        none, all of it with its place.
        """
        options = options or Options()
        format = self._format
        tree = tree_of(data)
        wrong = [each for each in format.schema.check(tree) if each.complaint is not UNKNOWN]
        if wrong:
            raise Unreadable(*wrong)
        wrong = list(reading.faults(tree))
        if wrong:
            raise Unreadable(*wrong)
        issues: list[Issue] = []
        unheard = format.schema.unknown(tree)
        timed = without(moments.texts(tree, written_schema(), issues), unheard)
        arranged = reading.Arranged(timed, format.keys, options.ipp, options.assembly)
        result = format.reading.apply(arranged.source(data), traced)
        unknown = {where: at(tree, where) for where in (*unheard, *arranged.kept)}
        kept = unknown_keys.observations(FORMAT, unknown, arranged.owner)
        unplaced = tuple("/".join(map(str, format.keys.key_at(each.where))) for each in result.unplaced)
        resources = (*(each.resource for each in result.instances), *kept)
        return Read(resources, (*issues, *arranged.issues, *result.issues), unknown, unplaced, result.trace)

    @property
    def _format(self) -> Format:
        if self._made is None:
            self._made = Format(self._tables)
        return self._made


# What tells whose and what a resource is: read where it is arranged, by no rule.
_ARRANGED: Final = frozenset(
    {"", "basedOn", "category", "code", "context", "derivedFrom", "focus", "for", "groupIdentifier", "id", "identifier",
     "intent", "meta", "parent", "partOf", "patient", "reasonCode", "request", "requisition", "result", "scope",
     "specimen", "status", "subject", "target", "text"}
)  # fmt: skip
_TOLD: Final = frozenset(
    {"FamilyMemberHistory.extension", "Observation.value", "Observation.method", "Consent.provision",
     "Consent.policyRule", "Consent.source", "Task.businessStatus", "DiagnosticReport.conclusionCode",
     "DiagnosticReport.resultsInterpreter", "DiagnosticReport.presentedForm", "ServiceRequest.priority"}
)  # fmt: skip


def _has_ins(patient: Mapping[str, Any]) -> bool:
    """Tell whether a person has an INS, which the file has no place for."""
    return any(str(each.get("system", "")).startswith(INS) for each in patient.get("identifier", ()))


def at(tree: Any, where: str) -> Any:
    """Return what stands at a JSON pointer; None where nothing does."""
    for step in unknown_keys.steps(where):
        if isinstance(tree, list):
            tree = tree[int(step)]
        else:
            tree = tree.get(step) if isinstance(tree, dict) else None
    return tree


def without(tree: Any, pointers: Iterable[str]) -> Any:
    """Return a tree without the keys at pointers."""
    made = copy.deepcopy(tree)
    for where in pointers:
        *way, last = unknown_keys.steps(where)
        at(made, "".join(pointer("", step) for step in way)).pop(last)
    return made

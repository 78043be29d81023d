"""A dossier written as the national collector takes it: one ORU^R01, one PATIENT_RESULT for each person.

    cad = Cad(sender)
    written = cad.write(resources, control=..., at=...)     # bytes, the folder, all that is lost or lacks
    read_acknowledgement(data)                              # answer.py: what the collector says of it

What stands in the message is data (`mappings/platforms/cad`), applied by `fhir_gateway/transform/writers.py`.

Source: README.md of this room; HL7 v2.5, chapter 7, ORU^R01; IHE PaLM, LAB-36.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.exchange.cad import complaints
from fhir_gateway.exchange.cad.dossier import FILIERE, NUMBERS, Dossier, Person, dossier_of
from fhir_gateway.exchange.cad.files import DataFile, files_of
from fhir_gateway.exchange.cad.folder import Folder, folder
from fhir_gateway.exchange.cad.links import links_of, words_of
from fhir_gateway.exchange.cad.sender import STRUCTURES, Sender, headed
from fhir_gateway.exchange.hl7v2.outgoing import Outgoing
from fhir_gateway.exchange.hl7v2.places import Er7Spot, Er7Target
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE, PLACEHOLDER
from fhir_gateway.fhir.data_folder import data_folder
from fhir_gateway.fhir.fhirpath import Engine, Hooks, Model, Node
from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.terminology.kinship import kinship
from fhir_gateway.terminology.shipped import shipped
from fhir_gateway.transform.codes import CodeMaps
from fhir_gateway.transform.writers import MessageWriter, Spot, load

Resource = Mapping[str, Any]
EVENT = "ORU^R01"
# Of whom or what the message speaks; the rest of a dossier is counted as what it has no place for.
_TAKEN = frozenset({"Patient", "ServiceRequest", "DiagnosticReport", "FamilyMemberHistory", "Organization",
                    "Practitioner", "PractitionerRole", "RelatedPerson"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Written:
    """A deposit. `data`: the message, None where it lacks something that the collector demands; `folder`: what is laid
    down, None with it; `issues`: what lacks, what is lost; `unplaced`: types of resources that the message has no place
    for, each with how many.
    """

    data: bytes | None
    folder: Folder | None
    issues: tuple[Issue, ...]
    unplaced: Mapping[str, int]


class Cad:
    """Writes deposits of a sender. `numbers`: systems of identifiers that people are called by, the first there is."""

    def __init__(self, sender: Sender, numbers: tuple[str, ...] = NUMBERS) -> None:
        self._sender = sender
        self._numbers = numbers

    def report(self, resources: Iterable[Resource]) -> Resource | None:
        """Return the report of a dossier that is deposited; None where there is none."""
        return dossier_of(tuple(resources), self._numbers).report

    def write(self, resources: Iterable[Resource], *, control: str, at: datetime) -> Written:
        """Return the deposit of one dossier. `control`: MSH-10; `at`: MSH-7, and the day consents are judged at."""
        held = tuple(resources)
        dossier = dossier_of(held, self._numbers)
        if dossier.report is None or any(each.severity == "error" for each in dossier.issues):
            return Written(None, None, tuple(dossier.issues), _unplaced(held, ()))
        message = headed(self._sender, control, at)
        files: list[DataFile] = []
        used: list[Resource] = []
        for place, person in enumerate(dossier.people, start=1):
            own = tuple(files_of(person.key, person.folder, dossier.requests, dossier.gathered, dossier.issues))
            files += own
            variables, held_here = _asked(place, person, dossier, own, self._sender, at)
            used += held_here
            dossier.issues += _writer().write(dict(person.patient), _Lines(message), variables, _hooks(dossier))
        _judge(dossier, files)
        unplaced = _unplaced(held, used, files)
        if any(each.severity in ("error", "fatal") for each in dossier.issues):
            return Written(None, None, tuple(dossier.issues), unplaced)
        data = message.written()
        return Written(data, folder(dossier.number, data, files), tuple(dossier.issues), unplaced)


def _asked(
    place: int, person: Person, dossier: Dossier, files: tuple[DataFile, ...], sender: Sender, at: datetime
) -> tuple[dict[str, Any], list[Resource]]:
    """Return what rules may ask by name of a person, and what of the dossier that takes."""
    consent = dossier.consent(person, f"{at:%Y-%m-%d}")
    preindication = dossier.preindication(person, _filieres())
    tubes, study = dossier.tubes(person), dossier.study()
    meeting = dossier.meeting() if place == 1 and files else None
    names = {each.key: each.key for each in dossier.people}
    links = links_of(person.key, dossier.gathered, names, kinship(), _roles(), dossier.issues)
    variables: dict[str, Any] = {
        "person": str(place),
        "dossier": dossier.number,
        "laboratory": sender.laboratory.name,
        "finess": sender.laboratory.ten,
        "finess_system": STRUCTURES,
        "patient": [Node(dict(person.patient), "Patient")],
        "number_of_person": [Node(dict(person.number), "Identifier")],
        "order": [Node(dict(person.request), "ServiceRequest")],
        "report": _nodes(dossier.report),
        "consent": _nodes(consent),
        "links": [Node(each, "FamilyMemberHistory") for each in links],
        "preindication": [Node(preindication, "Coding")] if preindication is not None else [],
        "tubes": _nodes(*tubes),
        "study": _nodes(study),
        "files": _nodes(*(each.source for each in files)),
        "meeting": _nodes(meeting),
    }
    return variables, [each for each in (consent, study, meeting, *tubes) if each is not None]


def _nodes(*resources: Resource | None) -> list[Node]:
    return [Node(dict(each), str(each["resourceType"])) for each in resources if each is not None]


def _hooks(dossier: Dossier) -> Hooks:
    def resolved(reference: str, _holder: Node | None = None) -> Node | None:
        key = dossier.gathered.key({"reference": reference})
        return _nodes(dossier.gathered[key])[0] if key is not None and key in dossier.gathered else None

    return Hooks(resolve=resolved)


def _judge(dossier: Dossier, files: list[DataFile]) -> None:
    """Say what is wrong with all files together."""
    seen: set[str] = set()
    for each in files:
        if each.path in seen:
            dossier.issues.append(complaints.PATH_TWICE.at("DocumentReference", path=each.path))
        seen.add(each.path)
    if not any(each.path.startswith(f"{dossier.people[0].folder}/") or "/" not in each.path for each in files):
        dossier.issues.append(complaints.NO_FILE.at(dossier.people[0].key))


def _unplaced(held: Iterable[Resource], used: Iterable[Resource], files: Iterable[DataFile] = ()) -> dict[str, int]:
    taken = {id(each) for each in used}
    left = Counter(
        str(each["resourceType"]) for each in held if each["resourceType"] not in _TAKEN and id(each) not in taken
    )
    left["DocumentReference"] -= sum(1 for _ in files)
    return {kind: number for kind, number in sorted(left.items()) if number > 0}


class _Lines:
    """The segments of a message, as what rules write."""

    def __init__(self, message: Outgoing) -> None:
        self._message = message

    def line(self, name: str) -> Spot:
        return Er7Spot(self._message.segment(name))

    def drop(self) -> None:
        self._message.segments.pop()


# --- rules and words, read once


def mappings() -> Path:
    """Return the folder of the rules of this format."""
    return data_folder("mappings") / "platforms" / "cad"


@cache
def _writer() -> MessageWriter:
    texts = (each.read_text(encoding="utf-8") for each in sorted((mappings() / "maps").glob("*.json")))
    own = (json.loads(each.replace(PLACEHOLDER, CANONICAL_BASE)) for each in texts)
    maps = CodeMaps((*own, *shipped().resources("ConceptMap")))
    found = load([("cad", mappings())], Engine(Model(definitions().types)), maps, Er7Target()).of(EVENT)
    if found is None:
        raise LookupError(f"{mappings()} has no rules for {EVENT}")
    return found


def rules() -> MessageWriter:
    """Return the rules. Raises: what `load` raises, with all that is wrong, each with file and line."""
    return _writer()


@cache
def _filieres() -> Mapping[str, str]:
    return words_of(iter((shipped().resource("CodeSystem", FILIERE) or {}).get("concept", ())))


@cache
def _roles() -> Mapping[str, str]:
    system = f"{CANONICAL_BASE}/CodeSystem/pfmg-v3-rolecode-fr"
    return words_of(iter((shipped().resource("CodeSystem", system) or {}).get("concept", ())))

"""SNOMED CT in Release Format 2: snapshots of concepts, descriptions, relationships and language reference sets.

All files of an edition are read together, as in the French edition: the international ones and those of the extension.
The display is the preferred English synonym; the preferred synonym of each other language is a designation.

Source: SNOMED CT Release File Specification, "Component Release Files", "Language Reference Set"; HL7 Terminology,
"Using SNOMED CT with FHIR", "Code System Properties".
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from sys import intern

from fhir_gateway.fhir.outcome import Unprocessable
from fhir_gateway.terminology.releases import complaints
from fhir_gateway.terminology.releases.files import File, malformed, whole_lines
from fhir_gateway.terminology.releases.release import (
    Declaration,
    Faults,
    Kind,
    Name,
    Place,
    Property,
    Release,
    Released,
)

URL = "http://snomed.info/sct"
ROOT = "138875005"
_IS_A = "116680003"
_FSN, _SYNONYM = "900000000000003001", "900000000000013009"
_PREFERRED = "900000000000548007"
_GB = "900000000000508004"  # of two English preferred terms the American one is shown
_DEFINED = "900000000000073002"
_STATED = "900000000000010007"
_KINDS: dict[str, Kind] = {_FSN: "fully-specified", _SYNONYM: "synonym"}
# Editions that a file name tells by the namespace in it.
_EDITIONS = {"INT": "900000000000207008", "FR1000315": "11000315107"}
_NAMED = re.compile(r"x?(?:sct2|der2)_([A-Za-z]+)_([A-Za-z]*)Snapshot(-[a-zA-Z-]+)?_([A-Z]{2,3}\d*)_(\d{8})\.txt")
_DECLARATIONS: Sequence[Declaration] = (
    {"code": "parent", "uri": "http://snomed.info/id/116680003", "type": "code"},
    {"code": "inactive", "uri": "http://hl7.org/fhir/concept-properties#inactive", "type": "boolean"},
    {"code": "moduleId", "uri": "http://snomed.info/id/900000000000443000", "type": "code"},
    {"code": "sufficientlyDefined", "description": "Whether its definition suffices", "type": "boolean"},
    {"code": "effectiveTime", "description": "When it came to be as it is", "type": "string"},
)


@dataclass(slots=True)
class _Edition:
    """What is read before the first concept can be given: an entry for each concept, in the order of the files."""

    codes: list[str] = field(default_factory=list)
    heads: list[tuple[str, str, str, str]] = field(default_factory=list)  # active, module, status, time
    lines: array[int] = field(default_factory=lambda: array("I"))
    files: list[tuple[int, str]] = field(default_factory=list)  # first entry of each concept file
    index: dict[str, int] = field(default_factory=dict)
    names: list[bytes] = field(default_factory=list)
    parents: list[tuple[str, ...]] = field(default_factory=list)
    attributes: list[tuple[str, ...]] = field(default_factory=list)

    def place(self, entry: int) -> Place:
        name = next(name for first, name in reversed(self.files) if first <= entry)
        return Place(name, self.lines[entry])


def read(files: Sequence[File], version: str | None) -> Release:
    """Return an edition. Raises: Unprocessable."""
    kinds: dict[str, list[File]] = {"Concept": [], "Description": [], "Relationship": [], "Language": []}
    editions: list[tuple[str, str]] = []
    for file in files:
        match = _NAMED.fullmatch(file.name)
        if match is None:
            continue
        kind = "Language" if match[2] == "Language" else match[1]
        if kind in kinds and (match[2] == "" or kind == "Language"):
            kinds[kind].append(file)
            editions.append((match[4], match[5]))
    wanted = {
        "Concept": "sct2_Concept_Snapshot_…",
        "Description": "sct2_Description_Snapshot-…",
        "Relationship": "sct2_Relationship_Snapshot_…",
        "Language": "der2_cRefset_LanguageSnapshot-…",
    }
    absent = [
        complaints.FILE_ABSENT.at(what=f"SNOMED CT, {kind}", pattern=f"{wanted[kind]}.txt")
        for kind, found in kinds.items()
        if not found
    ]
    if absent:
        raise Unprocessable(*absent)
    return Release(
        URL, version or _version(editions, kinds["Concept"][0]), "SNOMED CT", "en", _concepts(kinds),
        declarations=_DECLARATIONS, value_set=f"{URL}?fhir_vs",
        copyright="SNOMED CT © SNOMED International, https://www.snomed.org/",
    )  # fmt: skip


def _version(editions: list[tuple[str, str]], file: File) -> str:
    national = [each for each in editions if each[0] != "INT"] or editions
    module = _EDITIONS.get(national[0][0])
    if module is None:
        raise Unprocessable(complaints.VERSION_ABSENT.at(file=file.name))
    return f"{URL}/{module}/version/{max(date for _, date in national)}"


def _concepts(kinds: dict[str, list[File]]) -> Iterator[Released]:
    faults = Faults()
    edition = _Edition()
    for file in kinds["Concept"]:
        _read_concepts(file, edition, faults)
    for file in kinds["Relationship"]:
        _read_relationships(file, edition, faults)
    faults.settle()
    preferred = _preferred(kinds["Language"], faults)
    for file in kinds["Description"]:
        _read_descriptions(file, edition, preferred, faults)
    for entry, code in enumerate(edition.codes):
        if edition.heads[entry][0] == "1" and not edition.parents[entry] and code != ROOT:
            place = edition.place(entry)
            faults.add(complaints.WITHOUT_PARENT.at(file=place.file, line=place.line, code=code))
    faults.settle()
    for entry in range(len(edition.codes)):
        yield _released(edition, entry)


def _cells(file: File, width: int, faults: Faults) -> Iterator[tuple[int, list[str]]]:
    rows = enumerate(whole_lines(file), start=1)
    header = next(rows)[1].split("\t")
    if len(header) != width or header[0] != "id":
        raise Unprocessable(complaints.HEADER.at(file=file.name, column="id", what="RF2"))
    for number, line in rows:
        cells = line.split("\t")
        if len(cells) != width:
            faults.add(complaints.COLUMNS.at(file=file.name, line=number, found=len(cells), wanted=width))
        else:
            yield number, cells


def _read_concepts(file: File, edition: _Edition, faults: Faults) -> None:
    edition.files.append((len(edition.codes), file.name))
    heads: dict[tuple[str, str, str, str], tuple[str, str, str, str]] = {}
    for number, (code, time, active, module, status) in _cells(file, 5, faults):
        known = edition.index.setdefault(code, len(edition.codes))
        if known != len(edition.codes):
            first = edition.lines[known]
            faults.add(complaints.DUPLICATE.at(file=file.name, line=number, code=code, first=first))
            continue
        head = (active, module, status, time)
        edition.codes.append(code)
        edition.heads.append(heads.setdefault(head, head))
        edition.lines.append(number)
    new = len(edition.codes) - len(edition.names)
    edition.names += [b""] * new
    edition.parents += [()] * new
    edition.attributes += [()] * new


def _read_relationships(file: File, edition: _Edition, faults: Faults) -> None:
    index, codes = edition.index, edition.codes
    for number, cells in _cells(file, 10, faults):
        if cells[2] != "1" or cells[8] == _STATED:
            continue
        source, target, type_ = cells[4], cells[5], cells[7]
        entry, other = index.get(source), index.get(target)
        if entry is None or other is None:
            unknown = source if entry is None else target
            faults.add(complaints.CODE_UNKNOWN.at(file=file.name, line=number, code=unknown))
            continue
        # Of each code one string is kept.
        if type_ == _IS_A:
            if codes[other] not in edition.parents[entry]:
                edition.parents[entry] += (codes[other],)
        else:
            edition.attributes[entry] += (intern(type_), codes[other])


def _preferred(files: Sequence[File], faults: Faults) -> tuple[array[int], array[int]]:
    """Return the descriptions that are preferred in some language, and those only in British English, ascending."""
    first, second = array("Q"), array("Q")
    for file in files:
        for number, cells in _cells(file, 7, faults):
            if cells[2] == "1" and cells[6] == _PREFERRED:
                if not cells[5].isdigit():
                    reason = f"'{cells[5]}' is no description", f"« {cells[5]} » n'est pas une description"
                    faults.add(malformed(file, number, *reason))
                    continue
                (second if cells[4] == _GB else first).append(int(cells[5]))
    return array("Q", sorted(first)), array("Q", sorted(second))


def _has(ids: array[int], id: int) -> bool:
    place = bisect_left(ids, id)
    return place < len(ids) and ids[place] == id


def _read_descriptions(file: File, edition: _Edition, preferred: tuple[array[int], array[int]], faults: Faults) -> None:
    names, index = edition.names, edition.index
    first, second = preferred
    for number, cells in _cells(file, 9, faults):
        if cells[2] != "1":
            continue
        entry = index.get(cells[4])
        if entry is None or not cells[0].isdigit():
            faults.add(complaints.CODE_UNKNOWN.at(file=file.name, line=number, code=cells[4]))
            continue
        kind = _KINDS.get(cells[6], "definition")
        rank = "2"
        if kind == "synonym":
            id = int(cells[0])
            rank = "0" if _has(first, id) else "1" if _has(second, id) else "2"
        names[entry] += f"{rank}\t{cells[5]}\t{kind}\t{cells[7]}\n".encode()


def _released(edition: _Edition, entry: int) -> Released:
    active, module, status, time = edition.heads[entry]
    shown: dict[str, str] = {}  # language: preferred synonym
    others: list[Name] = []
    full = None
    for line in sorted(edition.names[entry].decode().splitlines()):
        rank, language, kind, text = line.split("\t")
        if kind == "synonym" and rank != "2" and language not in shown:
            shown[language] = text
        else:
            others.append((intern(language), kind, text))  # type: ignore[arg-type]
            if kind == "fully-specified" and (full is None or language == "en"):
                full = text
    display = shown.pop("en", None) or next((text for tag, kind, text in others if kind == "synonym"), None) or full
    names: list[Name] = [(intern(language), "display", text) for language, text in shown.items()]
    properties: list[Property] = [
        ("moduleId", "code", module),
        ("sufficientlyDefined", "boolean", status == _DEFINED),
        ("effectiveTime", "string", time),
    ]
    attributes = edition.attributes[entry]
    properties += [(attributes[at], "code", attributes[at + 1]) for at in range(0, len(attributes), 2)]
    return Released(
        edition.codes[entry], display, None, [*names, *others], properties, edition.parents[entry],
        active != "1", edition.place(entry),
    )  # fmt: skip

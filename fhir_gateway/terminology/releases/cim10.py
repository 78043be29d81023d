"""CIM-10 FR, the French modification of ICD-10: ClaML, the text of the ATIH, or a table with a header.

Codes are written with their point ("A00.0"); the text has none. In the text and in tables a code stands below the
longest one it begins with; ClaML says it, and brings chapters, blocks and the codes that modifiers make.

Source: ATIH, "CIM-10 FR à usage PMSI", LIBCIM10MULTI.TXT; ClaML, EN 14463; ANS, Serveur multi-terminologies.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from fhir_gateway.fhir.outcome import Unprocessable
from fhir_gateway.terminology.releases import complaints
from fhir_gateway.terminology.releases.files import NO_END, File, csv_rows, header_of, malformed, truncated, whole_lines
from fhir_gateway.terminology.releases.release import Declaration, Faults, Name, Place, Property, Release, Released
from fhir_gateway.terminology.releases.xml_tree import Element, elements

URL = "https://smt.esante.gouv.fr/terminologie-cim-10"
_DECLARATIONS: Sequence[Declaration] = (
    {"code": "parent", "uri": "http://hl7.org/fhir/concept-properties#parent", "type": "code"},
    {"code": "kind", "description": "chapter, block, category, or made by a modifier", "type": "code"},
    {"code": "typeMCO", "description": "Type MCO/HAD : restriction d'emploi", "type": "code"},
    {"code": "typeSSR", "description": "Profil SSR : restriction d'emploi", "type": "code"},
    {"code": "typePSY", "description": "Type PSY : restriction d'emploi", "type": "code"},
)
_CODE = re.compile(r"([A-Z]\d\d)\.?([0-9A-Z+]*)")
_YEAR = re.compile(r"(?:19|20)\d\d")


@dataclass(slots=True)
class _Class:
    place: Place
    display: str
    kind: str
    names: list[Name] = field(default_factory=list)
    properties: list[Property] = field(default_factory=list)
    parents: list[str] = field(default_factory=list)
    modifiers: list[str] = field(default_factory=list)
    excluded: set[str] = field(default_factory=set)


def read(files: Sequence[File], version: str | None) -> Release:
    """Return the classification. The version, where none is given, is the one in ClaML, or the year in the file's name.

    Raises: Unprocessable.
    """
    source = next((file for file in files if file.name.casefold().endswith((".xml", ".txt", ".csv", ".tsv"))), None)
    if source is None:
        raise Unprocessable(complaints.FILE_ABSENT.at(what="CIM-10 FR", pattern="ClaML .xml, LIBCIM10MULTI.TXT, .csv"))
    said = None
    faults = Faults()
    if source.name.casefold().endswith(".xml"):
        classes, said = _claml(source, faults)
    else:
        classes = _table(source, faults)
        for code, each in classes.items():
            above = next((code[:end] for end in range(len(code) - 1, 2, -1) if code[:end] in classes), None)
            each.parents += [above] if above else []
    faults.settle()
    dated = _YEAR.search(source.name)
    version = version or said or (dated[0] if dated else None)
    if version is None:
        raise Unprocessable(complaints.VERSION_ABSENT.at(file=source.name))
    return Release(
        URL, version, "CIM-10 FR", "fr", _concepts(classes), declarations=_DECLARATIONS, case_sensitive=False,
        copyright="CIM-10 © OMS ; CIM-10 FR © ATIH",
    )  # fmt: skip


def _concepts(classes: dict[str, _Class]) -> Iterator[Released]:
    for code, each in classes.items():
        yield Released(code, each.display, None, each.names, each.properties, each.parents, False, each.place)


def _add(classes: dict[str, _Class], code: str, made: _Class, faults: Faults) -> None:
    known = classes.setdefault(code, made)
    if known is not made:
        place, first = made.place, known.place.line
        faults.add(complaints.DUPLICATE.at(file=place.file, line=place.line, code=code, first=first))


# --- text and tables


def _table(source: File, faults: Faults) -> dict[str, _Class]:
    classes: dict[str, _Class] = {}
    header = header_of(source) if source.name.casefold().endswith((".csv", ".tsv")) else ""
    rows = _columns(source, header, faults) if header else _text(source, faults)
    for number, code, display, others, properties in rows:
        match = _CODE.fullmatch(code.strip().upper())
        if match is None or not display:
            reason = f"'{code}' is no code of CIM-10 with a label"
            reason_fr = f"« {code} » n'est pas un code CIM-10 avec un libellé"
            faults.add(malformed(source, number, reason, reason_fr))
            continue
        pointed = f"{match[1]}.{match[2]}" if match[2] else match[1]
        made = _Class(Place(source.name, number), display, "category", others, properties)
        _add(classes, pointed, made, faults)
    return classes


_Row = tuple[int, str, str, list[Name], list[Property]]


def _text(source: File, faults: Faults) -> Iterator[_Row]:
    """Yield the rows of LIBCIM10MULTI.TXT: code|MCO|SSR|PSY|short label|label, in UTF-8 or Windows-1252."""
    for number, line in enumerate(_decoded(source), start=1):
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) != 6:
            faults.add(complaints.COLUMNS.at(file=source.name, line=number, found=len(cells), wanted=6))
            continue
        code, mco, ssr, psy, short, label = cells
        named = (("typeMCO", mco), ("typeSSR", ssr), ("typePSY", psy))
        properties: list[Property] = [(name, "code", value) for name, value in named if value]
        yield number, code, label or short, [("fr", "short", short)] if short and short != label else [], properties


def _decoded(source: File) -> Iterator[str]:
    try:
        kept = list(whole_lines(source))
    except Unprocessable as refusal:
        # The ATIH has published this file in Windows-1252 for years.
        if refusal.issues[0].complaint is not complaints.NOT_UTF8:
            raise
        body = source.read()
        if not body.endswith(b"\n"):
            line = body.count(b"\n") + 1
            raise truncated(source, line, *NO_END) from refusal
        try:
            kept = body.decode("cp1252").splitlines()
        except UnicodeDecodeError:
            raise refusal from None
    for number, text in enumerate(kept, start=1):
        strange = next((character for character in text if ord(character) < 32 and character != "\t"), None)
        if strange is not None:
            code = f"{ord(strange):04X}"
            raise Unprocessable(complaints.CONTROL.at(file=source.name, line=number, code=code))
        yield text


_CODE_NAMES = ("code", "code_cim10", "cim_code", "diag_code")
_LABEL_NAMES = ("libelle", "libellé", "label", "cim_lib", "libelle_long", "liblong")


def _columns(source: File, header: str, faults: Faults) -> Iterator[_Row]:
    delimiter = max(";,\t|", key=header.count)
    names = {name.strip().casefold(): name for name in next(csv.reader([header], delimiter=delimiter))}
    code = next((names[each] for each in _CODE_NAMES if each in names), None)
    label = next((names[each] for each in _LABEL_NAMES if each in names), None)
    if code is None or label is None:
        absent = [name for name, found in (("code", code), ("libelle", label)) if found is None]
        raise Unprocessable(
            *(complaints.HEADER.at(file=source.name, column=column, what="CIM-10 FR") for column in absent)
        )
    for number, row in csv_rows(source, faults, (), "CIM-10 FR", delimiter):
        yield number, row[code], row[label].strip(), [], []


# --- ClaML


def _claml(source: File, faults: Faults) -> tuple[dict[str, _Class], str | None]:
    classes: dict[str, _Class] = {}
    steps: dict[str, list[tuple[str, str]]] = {}  # of each modifier: what it adds to a code, and to its label
    said = None
    for element in elements(source, "Title", "Class", "ModifierClass"):
        if element.name == "Title":
            said = element.attributes.get("version") or element.attributes.get("date")
        elif element.name == "ModifierClass":
            step = (element.attributes.get("code", ""), _preferred(element))
            steps.setdefault(element.attributes.get("modifier", ""), []).append(step)
        elif element.name == "Class":
            _class(source, element, classes, faults)
    _modified(classes, steps, faults)
    return classes, said


def _class(source: File, element: Element, classes: dict[str, _Class], faults: Faults) -> None:
    code, display = element.attributes.get("code", ""), _preferred(element)
    if not code or not display:
        reason = f"a class needs a code and a preferred label; here '{code}'"
        reason_fr = f"une classe a un code et un libellé préféré ; ici « {code} »"
        faults.add(malformed(source, element.line, reason, reason_fr))
        return
    names: list[Name] = [
        ("fr", "synonym", label.whole_text())
        for rubric in element.all("Rubric")
        if rubric.attributes.get("kind") == "inclusion"
        for label in rubric.all("Label")
    ]
    kind = element.attributes.get("kind", "category")
    made = _Class(Place(source.name, element.line), display, kind, names, [("kind", "code", kind)])
    made.parents = [each.attributes.get("code", "") for each in element.all("SuperClass")]
    made.modifiers = [each.attributes.get("code", "") for each in element.all("ModifiedBy")]
    made.excluded = {each.attributes.get("code", "") for each in element.all("ExcludeModifier")}
    _add(classes, code, made, faults)


def _preferred(element: Element) -> str:
    for kind in ("preferredLong", "preferred"):
        for rubric in element.all("Rubric"):
            label = rubric.first("Label")
            if rubric.attributes.get("kind") == kind and label is not None:
                return label.whole_text()
    return ""


def _modified(classes: dict[str, _Class], steps: dict[str, list[tuple[str, str]]], faults: Faults) -> None:
    """Add the codes that modifiers make of classes that have none below them."""
    parents = {parent for each in classes.values() for parent in each.parents}
    leaves = [(code, each) for code, each in classes.items() if code not in parents]
    for code, leaf in leaves:
        pending = [(code, leaf)]
        for modifier in _modifiers(classes, code):
            made: list[tuple[str, _Class]] = []
            for above, each in pending:
                for suffix, label in steps.get(modifier, ()):
                    below = _Class(
                        each.place, f"{each.display}, {label}", "modified", [], [("kind", "code", "modified")], [above]
                    )
                    new = above + suffix if "." in above + suffix or len(above) < 3 else f"{above}.{suffix}"
                    if new not in classes:  # what is listed itself is not made
                        _add(classes, new, below, faults)
                        made.append((new, below))
            pending = made or pending


def _modifiers(classes: dict[str, _Class], code: str) -> list[str]:
    """Return the modifiers of a class and those it has from above, the highest first."""
    found: list[str] = []
    excluded: set[str] = set()
    seen: set[str] = set()
    at: Any = code
    while at is not None and at not in seen and at in classes:
        seen.add(at)
        each = classes[at]
        found = [*each.modifiers, *found]
        excluded |= each.excluded
        at = each.parents[0] if each.parents else None
    return [each for each in dict.fromkeys(found) if each not in excluded]

"""LOINC: Loinc.csv, with answers, hierarchy and the linguistic variants that stand beside it.

Linguistic variants given without Loinc.csv are a supplement.

Source: LOINC Users' Guide, "LOINC Table", "Linguistic Variants", "Answer File", "Component Hierarchy by System";
HL7 Terminology, "Using LOINC with FHIR".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from fhir_gateway.fhir.outcome import Unprocessable
from fhir_gateway.terminology.releases import complaints
from fhir_gateway.terminology.releases.files import File, csv_rows, malformed
from fhir_gateway.terminology.releases.release import Declaration, Faults, Name, Place, Property, Release, Released

URL = "http://loinc.org"
_COPYRIGHT = "LOINC, © 1995 Regenstrief Institute, Inc., https://loinc.org/license/"
_TABLE = "Loinc.csv"
_VARIANT = re.compile(r"([a-z]{2})([A-Z]{2})\d*LinguisticVariant\.csv")
_PARTS = ("COMPONENT", "PROPERTY", "TIME_ASPCT", "SYSTEM", "SCALE_TYP", "METHOD_TYP", "CLASS")
_CODES = ("STATUS", "CLASSTYPE", "ORDER_OBS", "VersionFirstReleased", "VersionLastChanged")
_NUMBER = re.compile(r"\d{1,7}-\d")
_DECLARATIONS: Sequence[Declaration] = (
    {"code": "parent", "uri": "http://hl7.org/fhir/concept-properties#parent", "type": "code"},
    {"code": "inactive", "uri": "http://hl7.org/fhir/concept-properties#inactive", "type": "boolean"},
    *({"code": part, "description": f"{part} of the LOINC table", "type": "string"} for part in _PARTS),
    *({"code": code, "description": f"{code} of the LOINC table", "type": "string"} for code in _CODES),
    {"code": "AnswerList", "description": "A list that the answer is of", "type": "code"},
)


@dataclass(slots=True)
class _Term:
    place: Place
    display: str
    names: list[Name] = field(default_factory=list)
    properties: list[Property] = field(default_factory=list)
    parents: list[str] = field(default_factory=list)
    definition: str | None = None
    inactive: bool = False


def read(files: Sequence[File], version: str | None) -> Release:
    """Return the release, or a linguistic variant as a supplement. The version, where none is given, is the newest that
    a term was changed in. Raises: Unprocessable.
    """
    table = next((file for file in files if file.name == _TABLE), None)
    variants = [(file, match) for file in files if (match := _VARIANT.fullmatch(file.name))]
    if table is None:
        if not variants:
            raise Unprocessable(
                complaints.FILE_ABSENT.at(what="LOINC", pattern=f"{_TABLE}, frFR…LinguisticVariant.csv")
            )
        return _supplement(*variants[0], version)
    faults = Faults()
    terms, newest = _terms(table, faults)
    for file in files:
        if file.name == "AnswerList.csv":
            _answers(file, terms, faults)
        elif file.name == "ComponentHierarchyBySystem.csv":
            _hierarchy(file, terms, faults)
    for file, match in variants:
        language = f"{match[1]}-{match[2]}"
        for _, code, names in _variant(file, language, faults):
            if code in terms:
                terms[code].names += names
    faults.settle()
    if not (version or newest):
        raise Unprocessable(complaints.VERSION_ABSENT.at(file=table.name))
    return Release(
        URL, version or newest, "LOINC", "en", _concepts(terms), declarations=_DECLARATIONS, case_sensitive=False,
        value_set=f"{URL}/vs", copyright=_COPYRIGHT,
    )  # fmt: skip


def _terms(table: File, faults: Faults) -> tuple[dict[str, _Term], str]:
    terms: dict[str, _Term] = {}
    newest: tuple[int, ...] = ()
    for number, row in csv_rows(table, faults, ("LOINC_NUM", "COMPONENT", "LONG_COMMON_NAME", "STATUS"), "LOINC table"):
        code = row["LOINC_NUM"]
        if _NUMBER.fullmatch(code) is None:
            faults.add(malformed(table, number, f"'{code}' is no LOINC number", f"« {code} » n'est pas un code LOINC"))
            continue
        if code in terms:
            first = terms[code].place.line
            faults.add(complaints.DUPLICATE.at(file=table.name, line=number, code=code, first=first))
            continue
        names: list[Name] = [("en", "short", row["SHORTNAME"])] if row.get("SHORTNAME") else []
        names += [("en", "synonym", row["CONSUMER_NAME"])] if row.get("CONSUMER_NAME") else []
        properties: list[Property] = [
            (column, "string", row[column]) for column in (*_PARTS, *_CODES) if row.get(column)
        ]
        terms[code] = _Term(
            Place(table.name, number), row["LONG_COMMON_NAME"] or row["COMPONENT"], names, properties,
            definition=row.get("DefinitionDescription") or None, inactive=row["STATUS"] == "DEPRECATED",
        )  # fmt: skip
        changed = row.get("VersionLastChanged", "")
        if re.fullmatch(r"\d+(\.\d+)*", changed):
            newest = max(newest, tuple(map(int, changed.split("."))))
    return terms, ".".join(map(str, newest))


def _answers(file: File, terms: dict[str, _Term], faults: Faults) -> None:
    for number, row in csv_rows(file, faults, ("AnswerListId", "AnswerStringId", "DisplayText"), "LOINC answers"):
        code = row["AnswerStringId"]
        if not code:
            continue  # a list that is kept elsewhere
        term = terms.setdefault(code, _Term(Place(file.name, number), row["DisplayText"]))
        term.properties.append(("AnswerList", "code", row["AnswerListId"]))


def _hierarchy(file: File, terms: dict[str, _Term], faults: Faults) -> None:
    for number, row in csv_rows(file, faults, ("IMMEDIATE_PARENT", "CODE", "CODE_TEXT"), "LOINC hierarchy"):
        term = terms.setdefault(row["CODE"], _Term(Place(file.name, number), row["CODE_TEXT"]))
        if row["IMMEDIATE_PARENT"] and row["IMMEDIATE_PARENT"] not in term.parents:
            term.parents.append(row["IMMEDIATE_PARENT"])


def _concepts(terms: dict[str, _Term]) -> Iterator[Released]:
    for code, term in terms.items():
        yield Released(
            code, term.display, term.definition, term.names, term.properties, term.parents, term.inactive, term.place
        )


def _variant(file: File, language: str, faults: Faults) -> Iterator[tuple[int, str, list[Name]]]:
    for number, row in csv_rows(file, faults, ("LOINC_NUM", "COMPONENT", "LONG_COMMON_NAME"), "linguistic variant"):
        long, shown = row["LONG_COMMON_NAME"], row.get("LinguisticVariantDisplayName", "")
        # "If a long common name is not translated, the fully specified name is": its parts with colons between.
        full = ":".join(row[part] for part in _PARTS[:6] if row.get(part))
        names = [text for text in dict.fromkeys((shown, long, full, row.get("SHORTNAME", ""))) if text]
        if names:
            rest: list[Name] = [(language, "synonym", text) for text in names[1:]]
            yield number, row["LOINC_NUM"], [(language, "display", names[0]), *rest]


def _supplement(file: File, match: re.Match[str], version: str | None) -> Release:
    if version is None:
        raise Unprocessable(complaints.VERSION_ABSENT.at(file=file.name))
    language = f"{match[1]}-{match[2]}"

    def concepts() -> Iterator[Released]:
        faults = Faults()
        for number, code, names in _variant(file, language, faults):
            yield Released(code, names[0][2], None, names[1:], (), (), False, Place(file.name, number))
        faults.settle()

    return Release(
        f"{URL}/{language}", version, f"LOINC, {language}", language, concepts(), supplements=URL, copyright=_COPYRIGHT
    )

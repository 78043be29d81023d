"""Every code that the project's data uses is one of its system: no profile, mapping or example invents one.

What `profiles/`, `mappings/` and `terminology/` hold is read whole, whatever is added to them; PFMG's profiles as they
are compiled. A system that ships or is carried is asked for the code and the display. One that has to be loaded is
named below, with what can be told without it.

Source: FHIR R4, "Using Codes in resources"; LOINC Users' Guide, "LOINC code" (check digit); HPO, form of ids.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from fhir_gateway.conformance.carried import carried
from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.conformance.known_packages import OverR4, carried_over
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE, PLACEHOLDER
from fhir_gateway.fhir.data_folder import data_folder
from fhir_gateway.terminology.french_identifiers import luhn_key
from fhir_gateway.terminology.library import Library
from fhir_gateway.terminology.shipped import shipped
from tests.shared_data import SHARED

FOLDERS = ("profiles", "mappings", "terminology")
FR_CORE = "https://hl7.fr/ig/fhir/core/CodeSystem/"
# Forms that hold no codes of their own, or that have a test of their own (the R4 file is HL7's); sources that are read
# as what they are compiled to.
NOT_READ = {".md", ".zip", ".txt", ".fsh", ".yaml", ".hl7", ".vcf"}
WRONG_ON_PURPOSE = "bad.json"  # a resource that breaks a rule: tests/conformance/pfmg says which


@dataclass(frozen=True, slots=True)
class Used:
    system: str
    code: str
    display: str | None
    file: str


def is_loinc(code: str) -> bool:
    """A LOINC code ends with its check digit; that of an answer ("LA…") is not made of its digits alone."""
    if code.startswith("LA"):
        return re.fullmatch(r"LA[0-9]{1,6}-[0-9]", code) is not None
    number, _, key = code.partition("-")
    return number.isdigit() and luhn_key(number) == key


def of_fr_core(system: str) -> Callable[[str], bool]:
    path = SHARED / "fr-core" / "package" / f"CodeSystem-{system.removeprefix(FR_CORE)}.json"
    if not path.exists():
        return re.compile(r"[A-Z][A-Z0-9-]*").fullmatch  # type: ignore[return-value]
    codes = {each["code"] for each in json.loads(path.read_text(encoding="utf-8"))["concept"]}
    return codes.__contains__


FAULTY_TWIN = "bad-"  # an example that is wrong on purpose; `tests/demo_dossiers` says in what
# Systems that do not ship: each with what tells that a code may be one of theirs. README.md says how they are loaded.
TO_LOAD: Mapping[str, Callable[[str], object]] = {
    "http://loinc.org": is_loinc,
    "http://human-phenotype-ontology.org": re.compile(r"HP:[0-9]{7}").fullmatch,
    "urn:ietf:rfc:3986": re.compile(r"urn:oid:[0-9.]+").fullmatch,
    "http://snomed.info/sct": re.compile(r"[1-9][0-9]{5,17}").fullmatch,
    "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl": re.compile(r"C[0-9]+").fullmatch,
    "http://edamontology.org": re.compile(r"format_[0-9]{4}").fullmatch,
    "http://www.genenames.org": re.compile(r"HGNC:[0-9]+").fullmatch,
    "http://www.genenames.org/geneId": re.compile(r"HGNC:[0-9]+").fullmatch,
    "https://mos.esante.gouv.fr/NOS/TRE_R13-CommuneOM/FHIR/TRE-R13-CommuneOM": re.compile(r"[0-9AB]{5}").fullmatch,
    f"{CANONICAL_BASE}/CodeSystem/pfmg-lien-libelle": re.compile(r"[a-z]+( [a-z]+)*").fullmatch,
    f"{FR_CORE}fr-core-cs-fiabilite-identite": of_fr_core(f"{FR_CORE}fr-core-cs-fiabilite-identite"),
}


def files() -> Iterator[Path]:
    for name in FOLDERS:
        for path in sorted(data_folder(name).rglob("*")):  # type: ignore[arg-type]
            if path.is_file() and path.name != WRONG_ON_PURPOSE and not path.name.startswith(FAULTY_TWIN):
                yield path


def compiled() -> Iterator[Used]:
    """Yield the codes of PFMG's package; what its snapshots take over from others is theirs."""
    package = carried()[0]
    for entry in package.entries:
        resource = package.read(entry)
        yield from codes_of({name: value for name, value in resource.items() if name != "snapshot"}, entry.file)


def codes_of(value: Any, file: str) -> Iterator[Used]:
    """Yield codings, the codes that value sets list, and those that maps lead from and to."""
    if isinstance(value, list):
        for each in value:
            yield from codes_of(each, file)
    elif isinstance(value, dict):
        system, code = value.get("system"), value.get("code")
        if isinstance(system, str) and isinstance(code, str):
            yield Used(system, code, value.get("display"), file)
        if isinstance(system, str):
            for each in value.get("concept", ()):
                yield Used(system, each["code"], each.get("display"), file)
        for element in value.get("element", ()) if "target" in value and "source" in value else ():
            yield Used(value["source"], element["code"], element.get("display"), file)
            for target in element["target"]:
                if "code" in target:
                    yield Used(value["target"], target["code"], target.get("display"), file)
        for each in value.values():
            yield from codes_of(each, file)


def of_json(path: Path) -> Iterator[Used]:
    text = path.read_text(encoding="utf-8").replace(PLACEHOLDER, CANONICAL_BASE)
    yield from codes_of(json.loads(text), path.name)


def of_countries(path: Path) -> Iterator[Used]:
    """Yield the three codes of each country, in `terminology/iso-3166`, each with its French name."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            *codes, french, _ = line.split("\t")
            for code in codes:
                yield Used("urn:iso:std:iso:3166", code, french, path.name)


# How the codes of a file are found, by its suffix; a new form of file needs a line here.
READERS: Mapping[str, Callable[[Path], Iterator[Used]]] = {".json": of_json, ".tsv": of_countries}


@cache
def used() -> tuple[Used, ...]:
    found = dict.fromkeys(each for path in files() if path.suffix in READERS for each in READERS[path.suffix](path))
    return tuple(found | dict.fromkeys(compiled()))


@cache
def library() -> Library:
    return Library(carried_over(OverR4(shipped(), definitions(), any_version=True)))


def test_every_file_of_the_data_is_read():
    unread = [path.name for path in files() if path.suffix not in READERS.keys() | NOT_READ]
    assert not unread, "a new form of file: say in READERS how its codes are found"


def test_there_are_codes_of_each_folder_that_has_some():
    names = {each.file for each in used()}
    assert {"trio.json", "report.json", "ConceptMap-v2-0001-gender.json", "CodeSystem-pfmg-filiere.json"} <= names
    assert {"good.json", "StructureDefinition-pfmg-hrd.json"} <= names


@pytest.mark.parametrize("system", sorted({each.system for each in used()}))
def test_every_code_is_one_of_its_system(system: str):
    wrong = [each for each in used() if each.system == system and not _right(each)]
    assert not wrong


def _right(each: Used) -> bool:
    if each.system.startswith(f"{CANONICAL_BASE}/hl7v2/"):
        return True  # a table of a sender's own, or of PAM France, whose codes nobody publishes
    if each.system in TO_LOAD:
        return bool(TO_LOAD[each.system](each.code))
    verdict = library().verdict(each.system, None, each.code, each.display)
    return verdict.state == "known" and verdict.right_display is not False


def test_what_has_to_be_loaded_does_not_ship():
    for system in TO_LOAD:
        known = library().code_system(system)
        assert known is None or not known.concepts, system


def test_value_sets_that_data_names_are_known():
    named: set[tuple[str, str]] = set()

    def collect(value: Any, file: str) -> None:
        if isinstance(value, dict):
            named.update((value[key], file) for key in ("valueSet",) if isinstance(value.get(key), str))
            for each in value.values():
                collect(each, file)
        elif isinstance(value, list):
            for each in value:
                collect(each, file)

    for path in files():
        if path.suffix == ".json":
            text = path.read_text(encoding="utf-8").replace(PLACEHOLDER, CANONICAL_BASE)
            collect(json.loads(text), path.name)
    assert named
    assert not [each for each in named if library().value_set(each[0]) is None]

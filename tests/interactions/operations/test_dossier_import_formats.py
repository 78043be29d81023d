"""Each format that $import-result takes: the import stands in $suivi; what does not fit is refused with its place.

Source: issue of platform formats, "How it is judged"; `profiles/pfmg/input/fsh/operations.fsh`.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from typing import Any

import pytest

from fhir_gateway.exchange.auragen.people import CASE, LIBRARY
from fhir_gateway.exchange.files import Formats, Wish
from fhir_gateway.exchange.results import RESULTS
from fhir_gateway.exchange.seqoia import keys as seqoia
from fhir_gateway.fhir.json import decode
from fhir_gateway.interactions.platform_files import PlatformFiles
from tests.exchange.auragen.dossiers_at_auragen import KC_TABLES, TABLES, at_auragen, cancers_at_auragen
from tests.exchange.auragen.test_libraries_and_software import software
from tests.exchange.seqoia.dossiers_at_seqoia import TABLES as SEQOIA_TABLES
from tests.exchange.seqoia.dossiers_at_seqoia import at_seqoia
from tests.interactions.desk import Desk
from tests.interactions.operations.files_of_platforms import KEYS, asked
from tests.interactions.operations.test_dossier_export import file_of
from tests.interactions.operations.test_dossier_import import counted, imported, libraries, refused, vcf
from tests.interactions.people import ADMINISTRATOR

Resource = dict[str, Any]
JSON_FORMATS = ("auragen-mr", "auragen-kc", "auragen-libraries", "auragen-software", "seqoia", "phenopacket")
NUMBERED = ("auragen-mr", "auragen-kc", "auragen-libraries", "auragen-software", "seqoia")
NOW = Wish("2026-11-22T10:00:00Z")


@dataclass(frozen=True)
class Told:
    """Two dossiers that are held, and the file of the first."""

    desk: Desk
    format: str
    held: list[Resource]
    other: list[Resource]
    data: bytes

    @property
    def at(self) -> str:
        return f"ServiceRequest/{proband(self.held)['id']}"

    def send(self, data: bytes | None = None, **more: str) -> list[Resource]:
        return imported(self.desk, self.data if data is None else data, ADMINISTRATOR, self.at, **more)

    def refused(self, data: bytes, at: str | None = None, **more: str) -> tuple[int, list[tuple[str, str | None]]]:
        """Return the refusal of a file, having held that nothing of it stays."""
        before = counted(self.desk)
        status, issues = refused(self.desk, data, ADMINISTRATOR, self.at if at is None else at, **more)
        assert counted(self.desk) == before
        assert imports(self) == []
        return status, issues


def proband(held: list[Resource]) -> Resource:
    return next(
        each for each in held if each["resourceType"] == "ServiceRequest" and "proband" in str(each["category"])
    )


def number(held: list[Resource], system: str) -> str:
    return str(next(each["value"] for each in proband(held)["identifier"] if each.get("system") == system))


def names(held: list[Resource], system: str) -> list[str]:
    return [
        one["value"]
        for each in held
        if each["resourceType"] in ("Specimen", "Patient")
        for one in each.get("identifier", ())
        if one.get("system") == system
    ]


@cache
def pairs(kind: str) -> tuple[list[Resource], list[Resource]]:
    """Return two dossiers of people of their own: at AURAGEN, of a tumour there, at SeqOIA."""
    made: dict[str, Callable[[], Iterator[list[Resource]]]] = {
        "mr": lambda: (each for each in at_auragen(30, 3) if len(names(each, LIBRARY)) == 3),
        "kc": lambda: cancers_at_auragen(40, 3),
        "seqoia": lambda: (each for each in at_seqoia(40, 3) if len(names(each, seqoia.ID_ANON)) > 1),
    }
    found = made[kind]()
    first = next(found)
    people = {each["id"] for each in first if each["resourceType"] == "Patient"}
    second = next(each for each in found if people.isdisjoint(one["id"] for one in each))
    return first, second


@pytest.fixture
def told(desk: Desk, request: pytest.FixtureRequest) -> Told:
    format = request.param
    kind = {"auragen-kc": "kc", "seqoia": "seqoia"}.get(format, "mr")
    held, other = pairs(kind)
    tables = {"kc": KC_TABLES, "seqoia": SEQOIA_TABLES}.get(kind, TABLES)
    desk = Desk(replace(desk.gateway, files=PlatformFiles(tables, KEYS)), desk.actor)
    desk.seed(*{(each["resourceType"], each["id"]): each for each in (*held, *other)}.values())
    return Told(desk, format, held, other, file(desk, format, held, tables))


def file(desk: Desk, format: str, held: list[Resource], tables: Any) -> bytes:
    if format == "auragen-libraries":
        return libraries(number(held, CASE), tuple(names(held, LIBRARY)))
    if format == "auragen-software":
        said = {**software(), "case_id": number(held, CASE)}
        return json.dumps({**said, "libraries": [{**said["libraries"][0], "lib_id": names(held, LIBRARY)[0]}]}).encode()
    if format == "vcf":
        return vcf(names(held, LIBRARY)[0])
    if format in ("phenopacket", "ped"):
        return file_of(asked(desk, ADMINISTRATOR, f"ServiceRequest/{proband(held)['id']}/$dossier?format={format}"))
    written = Formats(tables).write(format, held, NOW)
    assert written.data is not None, [each.text() for each in written.issues]
    return written.data


def imports(told: Told) -> list[Resource]:
    answer = decode(told.desk.of(ADMINISTRATOR).ask("GET", f"{told.at}/$suivi").body or b"")
    found = [each["part"] for each in answer["parameter"] if each["name"] == "import"]
    return [
        {each["name"]: next(value for key, value in each.items() if key != "name") for each in one} for one in found
    ]


def every(*formats: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("told", formats, indirect=True)


@every(*RESULTS)
def test_every_import_appears_in_the_timeline_once(told: Told) -> None:
    assert imports(told) == []
    told.send(nom=f"file.{told.format}")
    for _ in range(2):
        (line,) = imports(told)
        assert (line["format"], line["fichier"]) == (told.format, f"file.{told.format}")
        assert line["empreinte"] == sha256(told.data).hexdigest()
        trace = told.desk.get(line["source"]["reference"])
        assert trace["target"]
        told.send(nom=f"file.{told.format}")


@every(*NUMBERED)
def test_a_wrong_case_number_is_refused_with_its_place(told: Told) -> None:
    system, place = (seqoia.CASE, "/_id") if told.format == "seqoia" else (CASE, "/case_id")
    own = number(told.held, system)
    wrong = told.data.replace(own.encode(), (own[:-3] + "987").encode())
    assert told.refused(wrong) == (422, [("result-case-other", place)])


@every(*NUMBERED)
def test_the_case_of_another_dossier_is_refused_where_this_one_has_no_number_yet(told: Told) -> None:
    system, place = (seqoia.CASE, "/_id") if told.format == "seqoia" else (CASE, "/case_id")
    theirs = number(told.other, system)
    for each in told.held:
        if each["resourceType"] == "ServiceRequest":
            stored = told.desk.get(f"ServiceRequest/{each['id']}")
            left = [one for one in each["identifier"] if one.get("system") != system]
            told.desk.seed({**stored, "identifier": left})
    wrong = told.data.replace(number(told.held, system).encode(), theirs.encode())
    status, issues = told.refused(wrong)
    assert (status, issues) == (422, [("result-case-of-other-dossier", place)])


@every("auragen-mr", "auragen-libraries", "auragen-software", "vcf", "seqoia", "phenopacket", "ped")
def test_a_name_of_another_dossier_is_refused_with_its_place(told: Told) -> None:
    system = {"seqoia": seqoia.ID_ANON}.get(told.format, LIBRARY)
    if told.format in ("phenopacket", "ped"):
        url = f"ServiceRequest/{proband(told.other)['id']}/$dossier?format=ped"
        rows = [line.split() for line in file_of(asked(told.desk, ADMINISTRATOR, url)).decode().splitlines()[1:]]
        mine = f"ServiceRequest/{proband(told.held)['id']}/$dossier?format=ped"
        own = [line.split() for line in file_of(asked(told.desk, ADMINISTRATOR, mine)).decode().splitlines()[1:]]
        one, theirs = next(row[1] for row in own if row[2] != "0"), rows[0][1]
    else:
        one, theirs = names(told.held, system)[0], names(told.other, system)[0]
    wrong = told.data.replace(one.encode(), theirs.encode())
    assert wrong != told.data
    status, issues = told.refused(wrong)
    assert status == 422
    assert {detail for detail, _ in issues} == {"result-library-of-other-dossier"}
    assert all(place for _, place in issues)


@every(*RESULTS)
def test_a_checksum_that_differs_is_refused(told: Told) -> None:
    assert told.refused(told.data, empreinte="0" * 64) == (
        422, [("result-checksum-mismatch", "Parameters.parameter")]
    )  # fmt: skip


@every(*JSON_FORMATS)
def test_json_that_breaks_off_is_refused_with_the_reason(told: Told) -> None:
    status, issues = told.refused(told.data[: len(told.data) * 2 // 3])
    assert (status, [detail for detail, _ in issues]) == (400, ["result-file-unknown"])


@every("vcf")
def test_a_vcf_that_breaks_off_is_refused_with_the_reason(told: Told) -> None:
    packed = gzip.compress(told.data)
    status, issues = told.refused(packed[: len(packed) - 12])
    assert status in (400, 422)
    assert issues


@every("ped")
def test_a_ped_file_that_breaks_off_or_has_somebody_twice_is_refused_with_the_line(told: Told) -> None:
    lines = told.data.decode().splitlines()
    cut = "\n".join([*lines[:-1], "\t".join(lines[-1].split("\t")[:4])])
    status, issues = told.refused(cut.encode())
    assert status == 422
    assert ("pedigree-columns", f"line {len(lines)}") in issues
    twice = "\n".join([*lines, lines[-1]])
    status, issues = told.refused(twice.encode())
    assert status == 422
    assert all(place and place.startswith("line") for _, place in issues)


@every("auragen-mr", "seqoia")
def test_two_index_cases_are_refused_with_their_place(told: Told) -> None:
    tree = json.loads(told.data)
    if told.format == "auragen-mr":
        for each in tree["individuals"][:2]:
            each["family"] = {**each["family"], "link": "index-case"}
    else:
        tree["patients"] = [{**each, "lien": {**each["lien"], "key": "patient"}} for each in tree["patients"]]
    status, issues = told.refused(json.dumps(tree).encode())
    assert status in (400, 422)
    assert all(place for _, place in issues)
    assert any("index" in detail for detail, _ in issues)


@every(*RESULTS)
def test_another_format_than_is_said_is_refused(told: Told) -> None:
    said = "vcf" if told.format != "vcf" else "phenopacket"
    status, issues = told.refused(told.data, format=said)
    assert (status, [detail for detail, _ in issues]) == (400, ["result-file-other-format"])


@every("seqoia", "auragen-mr", "auragen-libraries")
def test_a_format_has_other_names(told: Told) -> None:
    assert told.send(format={"seqoia": "spice"}.get(told.format, "auragen"))

"""Every definition has its page in both languages, and all that it demands is on it.

Source: issue of the genomic dossier, "/guide"; FHIR R4, StructureDefinition; WCAG 2.2.
"""

from __future__ import annotations

import html
import os
import re
from pathlib import Path
from typing import Any

import pytest

from fhir_gateway.conformance.carried import carried
from fhir_gateway.dossier.rules import RULES
from fhir_gateway.dossier.states import SEND_AWAY, TABLES
from fhir_gateway.guide.contents import canonical
from fhir_gateway.guide.said import LANGUAGES, Language
from fhir_gateway.guide.states import GUARDS
from fhir_gateway.terminology.shipped import shipped
from tests.guide.reading import guide, page, read, text

pytestmark = pytest.mark.xdist_group("guide")  # all pages are made once, and read once
Resource = dict[str, Any]
PFMG = carried()[0]
SHOWN = ("StructureDefinition", "ValueSet", "SearchParameter", "OperationDefinition", "CapabilityStatement",
         "GraphDefinition", "NamingSystem")  # fmt: skip
STRUCTURES: list[Resource] = [PFMG.read(entry) for entry in PFMG.of_kind("StructureDefinition")]


def name_of(resource: Resource) -> str:
    found = guide().contents.page_of(resource["resourceType"], resource["url"])
    assert found is not None, resource["url"]
    return found


def english(beside: Resource) -> str:
    return next(
        part["valueString"] for part in beside["extension"][0]["extension"] if part["url"] == "content"
    )  # fmt: skip


def test_every_definition_of_the_package_and_every_code_system_that_ships_has_a_page():
    entries = [entry for kind in SHOWN for entry in PFMG.of_kind(kind)]
    shipping = [each for kind in ("ValueSet", "CodeSystem") for each in shipped().resources(kind)]
    assert len(entries) > 50
    assert len(shipping) > 50
    assert {f"{entry.kind}-{entry.id}" for entry in entries} <= set(guide().names)
    assert {f"{each['resourceType']}-{each['id']}" for each in shipping} <= set(guide().names)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_page_leads_to_every_definition(language: Language):
    links = set(page("index", language).links())
    wanted = {f"{name}.html" for name in guide().names if not name.startswith("index")}
    assert wanted - links == set()


@pytest.mark.parametrize("structure", STRUCTURES, ids=lambda each: each["id"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_tree_holds_every_element_twice_when_the_profile_changes_it(structure: Resource, language: Language):
    text = guide().page(name_of(structure), language)
    assert text is not None
    rows = {
        name: text.partition(f'<section id="{name}"')[2].partition("</section>")[0]
        for name in ("differential", "snapshot")
    }
    assert rows["differential"].count("<tr") - 1 == len(structure["differential"]["element"])
    assert rows["snapshot"].count("<tr") - 1 == len(structure["snapshot"]["element"])


@pytest.mark.parametrize("structure", STRUCTURES, ids=lambda each: each["id"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_invariant_is_on_the_page_in_both_languages_with_its_expression(structure: Resource, language: Language):
    there = page(name_of(structure), language)
    constraints = [
        each
        for part in ("differential", "snapshot")
        for element in structure[part]["element"]
        for each in element.get("constraint", ())
    ]
    assert {f"inv-{each['key']}" for each in constraints} - set(there.ids()) == set()
    own = [each for each in constraints if "_human" in each]
    for each in own:
        assert each["human"] in there.text
        assert english(each["_human"]) in there.text
        assert each["expression"] in there.text
        assert f"invariant-{each['key']}.html" in set(there.links())
    for each in constraints:
        assert each["human"] in there.text
        assert each.get("expression", "–") in there.text


@pytest.mark.parametrize("structure", STRUCTURES, ids=lambda each: each["id"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_binding_is_on_the_page_and_leads_to_its_value_set(structure: Resource, language: Language):
    there = page(name_of(structure), language)
    links = set(there.links())
    urls = {
        element["binding"]["valueSet"]
        for part in ("differential", "snapshot")
        for element in structure[part]["element"]
        if "valueSet" in element.get("binding", {})
    }
    for url in urls:
        target = guide().contents.page_of("ValueSet", url)
        if target is None:
            assert url in there.text
        else:
            assert f"{target}.html" in links
    own = {url for url in urls if "/pfmg-" in url or "genomecad" in url}
    assert [url for url in own if guide().contents.page_of("ValueSet", url) is None] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_value_set_shows_its_codes_with_their_french_and_english_names(language: Language):
    there = page("ValueSet-pfmg-tache", language)
    assert "recueil-consentement" in there.text
    assert "Recueil du consentement" in there.text
    assert "Consent collection" in there.text
    assert "StructureDefinition-pfmg-task.html" in set(there.links())


@pytest.mark.parametrize("language", LANGUAGES)
def test_codes_that_cannot_be_listed_are_said_to_be_so(language: Language):
    assert {"fr": "Les codes ne sont pas listés ici", "en": "The codes are not listed here"}[language] in page(
        "ValueSet-observation-codes", language
    ).text


def test_every_code_of_every_system_that_ships_is_on_its_page():
    for system in shipped().resources("CodeSystem"):
        there = page(name_of(dict(system)), "fr")
        text = f"\n{there.text}"
        for concept in system.get("concept", ()):
            assert concept["code"] in text, (system["id"], concept["code"])
            assert concept["display"] in text, (system["id"], concept["code"])


def test_certainty_is_told_where_a_code_has_it_and_counted_on_the_first_page():
    assert "(inferred; gipcad-seqoia)" in page("CodeSystem-pfmg-filiere", "fr").text
    assert "strategy-certainty = unknown" in page("CodeSystem-pfmg-filiere", "fr").text
    first = guide().page("index", "fr")
    assert first is not None
    section = read(first.partition('<section id="certainty"')[2].partition(">")[2].partition("</section>")[0]).text
    assert "Lue dans une source" in section
    # One row a fact: how many of the 95 préindications have their year from a source, by inference, unknown.
    counts = re.search(r"year-certainty(\d+)", section)
    assert counts is not None
    system = shipped().resource("CodeSystem", "http://www.genomecad.fr/CodeSystem/PFMG/Filiere")
    assert system is not None
    grades = [
        property["valueCoding"]["code"]
        for concept in system["concept"]
        for property in concept["property"]
        if property["code"] == "year-certainty"
    ]
    wanted = "".join(str(grades.count(each)) for each in ("sourced", "inferred", "unknown"))
    assert counts[1] == wanted


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_move_and_every_guard_is_told(language: Language):
    there = page("states", language).text
    moves = [move for moves in TABLES.values() for move in moves] + [*SEND_AWAY]
    assert {guard for move in moves for guard in move.guards} == set(GUARDS)
    assert all(french != english_ for french, english_ in GUARDS.values())
    for move in moves:
        for party in move.who:
            assert (party.french if language == "fr" else party.english) in there
        for guard in move.guards:
            assert GUARDS[guard][0 if language == "fr" else 1] in there
    (shown,) = {len(page("states", each).of("tr")) for each in LANGUAGES}
    finals = sum(
        len({after for move in moves for after in move.after} - {before for move in moves for before in move.before})
        for moves in TABLES.values()
    )
    assert shown == len(moves) + finals + len(TABLES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_rule_of_the_dossier_is_told(language: Language):
    there = page("rules", language)
    assert {rule.id for rule in RULES} - set(there.ids()) == set()
    assert len(there.of("tr")) == len(RULES) + 1
    assert "{" not in there.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_example_is_shown_as_it_is_by_each_profile_it_claims_a_bad_one_with_its_fault(language: Language):
    examples = guide().contents.examples
    assert any(each.wrong for each in examples.values())
    for name, each in examples.items():
        there = page(name, language)
        assert each.text in there.text
        for url in each.profiles:
            profile = guide().contents.page_of("StructureDefinition", url)
            if profile is not None:
                assert f"{name}.html" in set(page(profile, language).links())
        if each.wrong is not None:
            assert each.wrong[language] in there.text
            assert each.wrong[language] in page("index", language).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_invariant_is_shown_with_what_keeps_it_and_what_breaks_it(language: Language):
    proofs = guide().contents.proofs
    assert len(proofs) > 40
    for name, each in proofs.items():
        there = page(name, language)
        assert each.good is not None, each.key
        assert each.bad is not None, each.key
        assert each.good in there.text
        assert each.bad in there.text


def test_the_picture_shows_every_profile_as_a_link():
    text = guide().page("index", "fr")
    assert text is not None
    picture = read(text.partition("<figure>")[2].partition("</figure>")[0])
    wanted = {f"{name_of(each)}.html" for each in STRUCTURES if each["type"] != "Extension"}
    assert wanted <= set(picture.links())


# --- the frame


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_well_made_in_its_language_and_needs_nothing_from_elsewhere(language: Language):
    for name in guide().names:
        there = page(name, language)
        assert there.of("html") == [{"lang": language}], name
        assert len(there.of("h1")) == len(there.of("main")) == 1, name
        assert len(there.ids()) == len(set(there.ids())), name
        assert {tag for tag, _ in there.tags} & {"script", "img", "iframe", "object", "form", "base"} == set(), name
        attributes = {each for _, attributes in there.tags for each in attributes}
        assert [each for each in attributes if each.startswith("on") or each == "style"] == [], name
        assert [link for link in there.links() if ":" in link or link.startswith("/")] == [], name


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_link_of_any_page_is_broken(language: Language):
    other: Language = "en" if language == "fr" else "fr"
    broken = []
    for name in guide().names:
        for link in page(name, language).links():
            file, _, anchor = link.partition("#")
            where, target = (other, file.removeprefix(f"../{other}/")) if file.startswith("../") else (language, file)
            target = target.removesuffix(".html") if file else name
            if target not in guide().names or (anchor and anchor not in page(target, where).ids()):
                broken.append((name, link))
    assert broken == []


@pytest.mark.parametrize("name", ["index", "rules", "states", "StructureDefinition-pfmg-patient"])
def test_a_page_of_one_language_leads_to_the_same_page_of_the_other(name: str):
    assert f"../en/{name}.html" in set(page(name, "fr").links())
    assert f"../fr/{name}.html" in set(page(name, "en").links())


def test_a_text_that_is_not_in_the_language_of_the_page_says_which_it_is_in():
    # HL7 says it in English only, PFMG in French: neither is passed off as the other.
    text = guide().page("StructureDefinition-pfmg-task", "fr")
    assert text is not None
    assert '<span lang="en">Request fulfilled by this task</span>' in text
    assert "Numéro du dossier" in text
    english_ = guide().page("StructureDefinition-pfmg-task", "en")
    assert english_ is not None
    assert "Number of the dossier" in english_
    assert '<span lang="en">' not in english_


OTHER: dict[Language, Language] = {"fr": "en", "en": "fr"}
# A text in a language, its own or another one; those inside of it are marked themselves.
MARKED = re.compile(r'<(?:span|p)(?P<attributes>[^>]*) lang="(?P<tag>[a-z-]+)"[^>]*>(?P<text>[^<]*)</')


def of_others() -> set[str]:
    """Return what HL7 and French core say of their own elements, rules and bindings."""
    texts: set[str] = set()
    for structure in STRUCTURES:
        changed = {each["id"]: each for each in structure["differential"]["element"]}
        for element in structure["snapshot"]["element"]:
            change = changed.get(element["id"], {})
            stated = {each["key"] for each in change.get("constraint", ())}
            if "short" not in change:
                texts.add(element.get("short", ""))
            if "description" not in change.get("binding", {}):
                texts.add(element.get("binding", {}).get("description", ""))
            texts |= {each["human"] for each in element.get("constraint", ()) if each["key"] not in stated}
    return texts - {""}


def rows_with_both(text: str) -> str:
    """Return a page without the rows of codes, each of which has its names in both languages."""
    kept, rest = "", text
    while (start := rest.find("<tr")) >= 0:
        end = rest.index("</tr>", start)
        cells = re.split(r"<t[hd][^>]*>", rest[start:end])[1:]
        names = [re.sub(r"<[^>]+>", "", cell).strip() for cell in cells[1:3]]
        if not (len(names) == 2 and all(names) and re.search(r'lang="(fr|en)"', "".join(cells[1:3]))):
            kept += rest[:end]
        rest = rest[end:]
    return kept + rest


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_that_the_project_says_is_shown_in_one_language_only(language: Language):
    others = of_others()
    for name in guide().names:
        if not (name in guide().contents.pages and not guide().contents.is_own(name)):
            body = text(name, language).partition("<main")[2].partition('<section id="foreign"')[0]
            strange = [
                found["text"]
                for found in MARKED.finditer(rows_with_both(body))
                if found["tag"] == OTHER[language]
                and "note" not in found["attributes"]
                and 'class="note"' not in found[0]
            ]
            left = [each for each in map(html.unescape, strange) if each not in others and each.strip()]
            assert name.startswith("invariant-") or left == [], name


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_of_an_own_value_set_that_is_listed_has_both_names(language: Language):
    for entry in PFMG.of_kind("ValueSet"):
        text = guide().page(f"ValueSet-{entry.id}", language)
        assert text is not None
        rows = re.findall(r"<tr>(.*?)</tr>", text.partition('<section id="codes"')[2].partition("</section>")[0])
        assert len(rows) > 1
        for each in rows[1:]:
            _, french, english = (re.sub(r"<[^>]+>", "", cell) for cell in re.split(r"<t[hd][^>]*>", each)[1:4])
            assert french, each
            assert english, each


def test_every_identifier_system_has_a_page_that_says_what_it_is():
    namings = list(guide().contents.of("NamingSystem"))
    assert len(namings) > 30
    for naming in namings:
        name = guide().contents.page_of("NamingSystem", canonical(naming))
        assert name is not None
        for language in LANGUAGES:
            assert canonical(naming) in page(name, language).text
        assert naming["description"] in page(name, "fr").text
        assert english(naming["_description"]) in page(name, "en").text
        assert f"{name}.html" in set(page("index", "fr").links())


def test_there_is_no_page_of_another_name():
    assert guide().page("../../etc/passwd", "fr") is None
    assert guide().page("index.html", "fr") is None


# --- as files


def test_written_as_files_it_is_the_same_pages_and_every_link_finds_its_file(written_guide: tuple[Path, int]):
    folder, number = written_guide
    files = {path.resolve() for path in folder.rglob("*") if path.is_file()}
    assert number == len(files) == 2 * len(guide().names) + 1
    pages = {folder / language / f"{name}.html": (name, language) for language in LANGUAGES for name in guide().names}
    for path, (name, language) in pages.items():
        assert path.read_bytes() == text(name, language).encode()
    doors = folder / "index.html"
    read_files = {path: page(*each) for path, each in pages.items()} | {doors: read(doors.read_text("utf-8"))}
    assert len(read_files) == number
    for path, there in read_files.items():
        for link in there.links():
            file = link.partition("#")[0]
            assert not file or Path(os.path.normpath(path.parent / file)) in files, (path.name, link)

"""The terminology that ships is sound: valid by our own validator, in French and English, each with source and licence.

Source: FHIR R4, CodeSystem; ValueSet; ConceptMap; NamingSystem; `terminology/README.md`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.conformance.known_packages import OverR4
from fhir_gateway.conformance.validators import r4_validator
from fhir_gateway.dossier.codes import JALON
from fhir_gateway.dossier.timeline import MILESTONES
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.fhir.data_folder import data_folder
from fhir_gateway.guide.said import translations
from fhir_gateway.terminology.code_system import CodeSystem
from fhir_gateway.terminology.content import KINDS
from fhir_gateway.terminology.library import Library
from fhir_gateway.terminology.shipped import shipped
from tests.nested import holders

PREINDICATIONS = "http://www.genomecad.fr/CodeSystem/PFMG/Filiere"
SEQOIA = "http://www.seqoia.fr/CodeSystem/preindication"
# How many codes each system of the pathway has: a code that goes or comes is a decision, never an accident.
SIZES = {
    "parcours": 3, "role": 2, "examen": 9, "tache": 10, "etape": 11, "motif": 15, "formulaire": 8, "choix": 10,
    "nature": 8, "origine": 4, "non-conformite": 7, "fonction": 8, "type-structure": 5, "piece": 9, "certitude": 3,
    "statut-identite": 4, "document": 15, "plateforme": 2, "territoire": 24, "lignee": 2, "jalon": 12,
}  # fmt: skip

Resource = Mapping[str, Any]


def all_resources() -> list[Resource]:
    return [resource for kind in KINDS for resource in shipped().resources(kind)]


def name_of(resource: Resource) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def resource(kind: str, url: str) -> Resource:
    found = shipped().resource(kind, url)
    assert found is not None
    return found


def concepts(resource: Resource) -> Iterator[Resource]:
    for concept in resource.get("concept", ()):
        yield concept
        yield from concepts(concept)


@cache
def library() -> Library:
    return Library(OverR4(shipped(), definitions(), any_version=True))


def properties(code: str) -> dict[str, list[Any]]:
    """Return the properties of a préindication, codings as their code."""
    found: dict[str, list[Any]] = {}
    concept = next(each for each in resource("CodeSystem", PREINDICATIONS)["concept"] if each["code"] == code)
    for each in concept["property"]:
        found.setdefault(each["code"], []).append(CodeSystem.value_of(each))
    return found


# --- every file


@pytest.mark.parametrize("resource", all_resources(), ids=name_of)
def test_it_is_valid(resource: Resource):
    told = r4_validator().validate_bytes(json.dumps(resource, default=str).encode())
    problems = [each.issue.text() for each in told if each.issue.severity in ("fatal", "error")]
    assert not problems
    # An own use of a designation is the only thing worth a warning.
    warnings = [each.issue.text() for each in told if each.issue.severity == "warning"]
    assert [each for each in warnings if "Designation Use" not in each] == []


@pytest.mark.parametrize("resource", all_resources(), ids=name_of)
def test_it_says_whose_it_is_and_of_when_in_which_language(resource: Resource):
    wanted = {"id", "language", "name", "status", "date", "publisher", "description", "jurisdiction"}
    if resource["resourceType"] != "NamingSystem":
        wanted |= {"url", "version", "title", "_title", "copyright", "experimental"}
        assert translations(resource["_title"]).keys() == {"en"}
        assert "Apache-2.0" in resource["copyright"] or "MIT" in resource["copyright"]
    assert wanted <= resource.keys()
    assert resource["language"] == "fr"


# What a reader of the guide sees; ConceptMaps have no page there.
@pytest.mark.parametrize(
    "resource", [each for each in all_resources() if each["resourceType"] != "ConceptMap"], ids=name_of
)
def test_all_that_it_explains_is_explained_in_english_too(resource: Resource):
    untold = [
        text
        for holder in holders(resource)
        for name in ("title", "description", "copyright", "usage", "definition")
        if isinstance(text := holder.get(name), str)
        if translations(holder.get(f"_{name}", {})).get("en", "") in ("", text)
    ]
    assert untold == []


def test_each_file_is_named_after_its_resource():
    for path in data_folder("terminology").rglob("*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        assert path.name == f"{content['resourceType']}-{content['id']}.json"


@pytest.mark.parametrize("system", list(shipped().resources("CodeSystem")), ids=name_of)
def test_every_code_has_a_french_display_and_an_english_one(system: Resource):
    listed = list(concepts(system))
    for concept in listed:
        languages = {each["language"] for each in concept.get("designation", ())}
        # A supplement adds French to what HL7 names in English.
        assert "en" in languages or system["content"] == "supplement", concept["code"]
        assert concept["display"].strip() == concept["display"] != ""
    assert max(Counter(each["code"] for each in listed).values(), default=1) == 1
    assert system.get("count", len(listed)) == len(listed)


def test_displays_of_one_system_differ():
    for system in shipped().resources("CodeSystem"):
        if system["content"] == "complete":
            displays = Counter(each["display"] for each in concepts(system))
            assert [each for each, count in displays.items() if count > 1] == [], system["url"]


@pytest.mark.parametrize("name", SIZES)
def test_the_systems_of_the_pathway_are_whole_with_their_value_sets(name: str):
    system = resource("CodeSystem", f"{CANONICAL_BASE}/CodeSystem/pfmg-{name}")
    assert len(list(concepts(system))) == SIZES[name]
    for concept in concepts(system):
        assert library().contains(system["valueSet"], system["url"], concept["code"]) is True


# --- préindications


def test_there_are_95_codes_for_82_preindications():
    listed = {each["code"]: each for each in resource("CodeSystem", PREINDICATIONS)["concept"]}
    assert list(listed) == [f"F-{number:02}" for number in range(1, 96)]
    assert len({properties(code)["preindication"][0] for code in listed}) == 82
    held = library()
    principal = f"{CANONICAL_BASE}/ValueSet/pfmg-preindication-unique"
    assert sum(held.contains(principal, PREINDICATIONS, code) is True for code in listed) == 82


def test_each_is_in_the_value_set_of_its_pathway_and_in_no_other():
    counts = Counter()  # type: ignore[var-annotated]
    for number in range(1, 96):
        code = f"F-{number:02}"
        assert library().contains("http://www.genomecad.fr/ValueSet/PFMG/Filiere", PREINDICATIONS, code) is True
        inside = [
            pathway
            for pathway in ("mr", "oc", "kc")
            if library().contains(f"{CANONICAL_BASE}/ValueSet/pfmg-preindication-{pathway}", PREINDICATIONS, code)
        ]
        assert inside == [properties(code)["category"][0].lower()]
        if "principal" in properties(code):
            counts[inside[0]] += 1
    assert counts == {"mr": 67, "oc": 4, "kc": 11}


def test_every_property_says_how_certain_it_is_and_where_it_comes_from():
    certainties = {"sourced", "inferred", "unknown"}
    for number in range(1, 96):
        told = properties(f"F-{number:02}")
        for name in ("category", "holder", "year", "strategy"):
            (certainty,) = told[f"{name}-certainty"]
            assert certainty in certainties
            assert (certainty == "unknown") == (name not in told) == (f"{name}-source" not in told)


def test_certainty_is_as_it_was_found():
    """57 of 82 years are inferred, 2 unknown; 16 strategies are sourced, those of cancers inferred."""
    distinct = [code for code in (f"F-{n:02}" for n in range(1, 96)) if "principal" in properties(code)]
    years = Counter(properties(code)["year-certainty"][0] for code in distinct)
    assert years == {"inferred": 57, "sourced": 23, "unknown": 2}
    strategies = Counter(properties(code)["strategy-certainty"][0] for code in distinct)
    assert strategies == {"sourced": 16, "inferred": 15, "unknown": 51}
    assert [code for code in distinct if properties(code)["year-certainty"] == ["unknown"]] == ["F-14", "F-21"]


def test_the_same_preindication_under_several_holders_is_linked_both_ways():
    assert properties("F-69")["same-preindication"] == ["F-70", "F-71", "F-72"]
    for number in range(1, 96):
        code = f"F-{number:02}"
        told = properties(code)
        for other in told.get("same-preindication", ()):
            assert code in properties(other)["same-preindication"]
            assert properties(other)["preindication"] == told["preindication"]
            assert properties(other)["holder"] != told["holder"]
            assert properties(other)["category"] == told["category"]


def test_the_display_names_the_holder_and_the_label_alone_is_known_too():
    verdict = library().verdict(PREINDICATIONS, "1.0.0", "F-50", "Déficience intellectuelle [DéfiScience]")
    assert verdict.right_display is True
    assert library().verdict(PREINDICATIONS, None, "F-50", "Déficience intellectuelle").right_display is True
    assert library().verdict(PREINDICATIONS, None, "F-50", "Intellectual disability", "en").right_display is True
    assert (
        library().verdict(PREINDICATIONS, None, "F-50", "Déficience intellectuelle [AnDDI-Rares]").right_display
        is False
    )


# --- maps


def test_the_keys_of_seqoia_lead_to_national_codes():
    (group,) = resource("ConceptMap", f"{CANONICAL_BASE}/ConceptMap/seqoia-preindication")["group"]
    targets = {each["code"]: [target["code"] for target in each["target"]] for each in group["element"]}
    assert len(targets) == 77
    assert targets["p1-sp60"] == ["F-31"]
    assert targets["p2-sp13"] == ["F-69", "F-70", "F-71", "F-72"]
    # The trap: autism and intellectual disability share a key, and the first target is not the only one meant.
    assert targets["p1-sp45"] == ["F-61", "F-49", "F-50"]
    reached = {code for codes in targets.values() for code in codes}
    assert {f"F-{n:02}" for n in range(1, 96)} - reached == {"F-14", "F-21", "F-91", "F-92", "F-93", "F-94", "F-95"}
    for key, codes in targets.items():
        pathway = {"p1": "MR", "p2": "KC", "p3": "OC"}[key[:2]]
        assert {properties(code)["category"][0] for code in codes} == {pathway}


def test_every_map_leads_from_and_to_codes_that_there_are():
    lost = []
    for concept_map in shipped().resources("ConceptMap"):
        for group in concept_map.get("group", ()):
            for element in group["element"]:
                if library().verdict(group["source"], None, element["code"]).state == "unknown-code":
                    lost.append((concept_map["id"], element["code"]))
                for target in element["target"]:
                    known = library().verdict(group.get("target", ""), None, target.get("code", "")).state
                    if target["equivalence"] != "unmatched" and known == "unknown-code":
                        lost.append((concept_map["id"], target["code"]))
    assert not lost


@pytest.mark.parametrize(
    ("name", "code", "target"),
    [
        ("v2-0001-gender", "A", "other"),
        ("v2-0002-marital", "G", "T"),
        ("v2-0003-encounter-status", "A04", "in-progress"),
        ("v2-0004-encounter-class", "E", "EMER"),
        ("v2-0004-encounter-class", "N", None),  # PV1-2 = N: there is no visit
        ("v2-0038-request-status", "CA", "revoked"),
        ("v2-0063-relationship", "MTH", "MTH"),
        ("v2-0085-observation-status", "W", "entered-in-error"),
        ("v2-0119-request-status", "CA", "active"),
        ("v2-0119-request-status-one-way", "CA", "revoked"),
        ("v2-0123-report-status", "A", "partial"),
        ("v2-0123-report-status", "Y", None),
        ("v2-0190-address-use", "BDL", None),  # a place of birth is no address
        ("v2-0200-name-use", "L", "official"),
        ("v2-0202-contact-point-system", "X.400", "email"),
        ("v2-0485-priority", "S", "stat"),
        ("v2-0498-consent-status", "R", "rejected"),
        ("pam-fr-zfa-9", "IO", "deny"),
        ("pam-fr-zfa-9", "NA", None),
        ("v2-0445-statut-identite", "FICT", "PROV"),
        ("v2-0445-statut-identite", "DOUB", None),
        ("statut-identite-v2-0445", "QUAL", "VALI"),
        ("autorite-type-identifiant", "urn:oid:1.2.250.1.213.1.4.10", "INS-NIR-TEST"),
        ("seqoia-categorie", "p3", "OC"),
        ("auragen-nature", "cell_dry_pellet", "culot-sec"),
        ("auragen-lien-familial", "second-cousin", "COUSN"),
    ],
)
def test_a_map_says(name: str, code: str, target: str | None):
    groups = resource("ConceptMap", f"{CANONICAL_BASE}/ConceptMap/{name}")["group"]
    found = [each["target"][0] for group in groups for each in group["element"] if each["code"] == code]
    assert [each.get("code") for each in found] == [target]
    if target is None:
        assert found[0]["equivalence"] == "unmatched"


def test_the_french_supplement_names_every_family_role():
    roles = CodeSystem(definitions().resource("CodeSystem", "http://terminology.hl7.org/CodeSystem/v3-RoleCode") or {})
    supplement = resource("CodeSystem", f"{CANONICAL_BASE}/CodeSystem/pfmg-v3-rolecode-fr")
    assert {each["code"] for each in supplement["concept"]} == {"FAMMEMB", "ONESELF", *roles.descendants("FAMMEMB")}


def test_the_oid_of_each_ins_has_its_naming_system():
    named = {
        unique["value"]: each["name"] for each in shipped().resources("NamingSystem") for unique in each["uniqueId"]
    }
    for number, name in ((8, "InsNir"), (9, "InsNia"), (10, "InsNirTest"), (11, "InsNirDemo")):
        assert named[f"1.2.250.1.213.1.4.{number}"] == named[f"urn:oid:1.2.250.1.213.1.4.{number}"] == name


def test_the_milestones_are_those_that_a_timeline_tells_in_both_languages():
    listed = list(concepts(resource("CodeSystem", JALON)))
    told = {each["code"]: (each["display"], each["designation"][0]["value"]) for each in listed}
    assert told == dict(MILESTONES)
    assert [each["code"] for each in listed] == list(MILESTONES)

"""The terminology operations over what is stored: at once, by every way of asking, with every way of refusing.

Source: FHIR R4, CodeSystem, ValueSet and ConceptMap Operations; TerminologyCapabilities.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from fhir_gateway.fhir.json import decode
from tests.interactions.desk import Desk, entry

SYSTEM, SET, MAP = "http://codes.test/animals", "http://sets.test/all", "http://maps.test/m"
ANIMALS = {
    "resourceType": "CodeSystem", "id": "animals", "url": SYSTEM, "version": "1.0", "name": "Animals",
    "status": "active", "content": "complete", "language": "en", "caseSensitive": True,
    "property": [{"code": "legs", "uri": "http://codes.test/legs", "type": "integer"}],
    "concept": [
        {
            "code": "dog", "display": "Dog", "designation": [{"language": "fr", "value": "Chien"}],
            "property": [{"code": "legs", "valueInteger": 4}], "concept": [{"code": "poodle", "display": "Poodle"}],
        },
        {"code": "dodo", "display": "Dodo", "property": [{"code": "inactive", "valueBoolean": True}]},
    ],
}  # fmt: skip
ALL = {
    "resourceType": "ValueSet", "id": "all", "url": SET, "version": "1.0", "status": "active",
    "compose": {"include": [{"system": SYSTEM}]},
}  # fmt: skip
TO_LATIN = {
    "resourceType": "ConceptMap", "id": "m", "url": MAP, "version": "1", "status": "active",
    "group": [
        {
            "source": SYSTEM, "target": "http://codes.test/latin",
            "element": [{"code": "dog", "target": [{"code": "canis", "equivalence": "wider"}]}],
        },
    ],
}  # fmt: skip


@pytest.fixture(autouse=True)
def stored(desk: Desk) -> None:
    for each in (ANIMALS, ALL, TO_LATIN):
        desk.put(each)


def asked(desk: Desk, url: str, body: Mapping[str, Any] | None = None, **more: Any) -> Any:
    answer = desk.ask("GET" if body is None else "POST", url, body, **more)
    assert answer.status == 200
    return decode(answer.body or b"")


def parameters(*given: Mapping[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Parameters", **({"parameter": list(given)} if given else {})}


def told(answer: Any, name: str) -> Any:
    found = [each for each in answer["parameter"] if each["name"] == name]
    return next((value for key, value in found[0].items() if key != "name"), None) if found else None


def codes(answer: Any) -> list[str]:
    pending, found = list(answer["expansion"].get("contains", [])), []
    while pending:
        each = pending.pop(0)
        found.append(each["code"])
        pending = [*each.get("contains", []), *pending]
    return found


def test_a_stored_value_set_is_expanded_by_url_by_id_and_when_it_is_brought(desk: Desk) -> None:
    wanted = ["dog", "poodle", "dodo"]
    given = {key: value for key, value in ALL.items() if key != "id"}
    assert codes(asked(desk, f"ValueSet/$expand?url={SET}")) == wanted
    assert codes(asked(desk, f"ValueSet/$expand?url={SET}|1.0")) == wanted
    assert codes(asked(desk, "ValueSet/all/$expand")) == wanted
    assert codes(asked(desk, "ValueSet/$expand", given)) == wanted
    assert codes(asked(desk, "ValueSet/$expand", parameters({"name": "valueSet", "resource": given}))) == wanted
    assert codes(asked(desk, f"ValueSet/$expand?url={SYSTEM}?vs")) == wanted


def test_an_expansion_tells_what_was_asked_and_pages(desk: Desk) -> None:
    answer = asked(desk, f"ValueSet/$expand?url={SET}&offset=1&count=1&activeOnly=false")
    assert (codes(answer), answer["expansion"]["total"], answer["expansion"]["offset"]) == (["poodle"], 3, 1)
    named = {each["name"] for each in answer["expansion"]["parameter"]}
    assert named == {"offset", "count", "activeOnly", "used-codesystem"}
    assert "compose" not in answer
    assert "compose" in asked(desk, f"ValueSet/$expand?url={SET}&includeDefinition=true")


def test_displays_designations_and_properties_are_told(desk: Desk) -> None:
    answer = asked(desk, f"ValueSet/$expand?url={SET}&displayLanguage=fr&includeDesignations=true&property=legs")
    dog = answer["expansion"]["contains"][0]
    assert dog["display"] == "Chien"
    assert [each["value"] for each in dog["designation"]] == ["Dog"]
    of_code, of_expansion = dog["extension"][0], answer["expansion"]["extension"][0]
    assert {"url": "value", "valueInteger": 4} in of_code["extension"]
    assert {"url": "uri", "valueUri": "http://codes.test/legs"} in of_expansion["extension"]


def test_a_write_takes_effect_with_the_next_question(desk: Desk) -> None:
    asked(desk, f"ValueSet/$expand?url={SET}")
    desk.put({**ANIMALS, "concept": [{"code": "cat"}]})
    assert codes(asked(desk, f"ValueSet/$expand?url={SET}")) == ["cat"]
    desk.ask("DELETE", "CodeSystem/animals")
    assert desk.refused("GET", f"ValueSet/$expand?url={SET}").status == 404
    desk.put(ANIMALS)
    assert codes(asked(desk, f"ValueSet/$expand?url={SET}")) == ["dog", "poodle", "dodo"]


def test_what_a_request_brings_hides_what_is_stored_for_this_request_alone(desk: Desk) -> None:
    brought = {**ANIMALS, "concept": [{"code": "cat"}]}
    sent = parameters({"name": "url", "valueUri": SET}, {"name": "tx-resource", "resource": brought})
    assert codes(asked(desk, "ValueSet/$expand", sent)) == ["cat"]
    assert "dog" in codes(asked(desk, f"ValueSet/$expand?url={SET}"))


def test_a_code_is_validated_as_code_coding_and_concept(desk: Desk) -> None:
    coding = {"system": SYSTEM, "code": "dog", "display": "Chien"}
    as_code = asked(desk, f"ValueSet/$validate-code?url={SET}&system={SYSTEM}&code=dog")
    as_coding = asked(
        desk,
        "ValueSet/$validate-code",
        parameters({"name": "url", "valueUri": SET}, {"name": "coding", "valueCoding": coding}),
    )
    as_concept = asked(
        desk,
        "ValueSet/all/$validate-code",
        parameters(
            {"name": "codeableConcept", "valueCodeableConcept": {"coding": [{"code": "x", "system": SYSTEM}, coding]}}
        ),
    )
    for answer in (as_code, as_coding):
        assert (told(answer, "result"), told(answer, "display"), told(answer, "version")) == (True, "Dog", "1.0")
    assert (told(as_concept, "result"), told(as_concept, "code")) == (False, "dog")
    inferred = asked(desk, f"ValueSet/$validate-code?url={SET}&code=dog&inferSystem=true")
    assert told(inferred, "system") == SYSTEM


def test_a_code_is_validated_against_its_system(desk: Desk) -> None:
    assert told(asked(desk, f"CodeSystem/$validate-code?url={SYSTEM}&code=dog"), "result") is True
    assert told(asked(desk, "CodeSystem/animals/$validate-code?code=dog&display=Cat"), "result") is False
    unknown = asked(desk, "CodeSystem/$validate-code?url=http://nowhere.test&code=a")
    assert (told(unknown, "result"), told(unknown, "x-caused-by-unknown-system")) == (False, "http://nowhere.test")
    assert told(asked(desk, "CodeSystem/$validate-code?url=http://unitsofmeasure.org&code=mg/dL"), "result") is True


def test_messages_are_french_for_the_french(desk: Desk) -> None:
    answer = asked(desk, f"ValueSet/$validate-code?url={SET}&system={SYSTEM}&code=cat", language="fr")
    assert "ne figure pas dans le jeu de valeurs" in told(answer, "message")


def test_many_are_validated_at_once_and_one_refusal_leaves_the_others_alone(desk: Desk) -> None:
    def one(*given: Mapping[str, Any]) -> dict[str, Any]:
        return {"name": "validation", "resource": parameters(*given)}

    dog, cat = ({"name": "coding", "valueCoding": {"system": SYSTEM, "code": code}} for code in ("dog", "cat"))
    sent = parameters({"name": "url", "valueUri": SET}, one(dog), one(cat), one())
    for url in ("ValueSet/$batch-validate-code", "$batch-validate-code"):
        found = [each["resource"] for each in asked(desk, url, sent)["parameter"]]
        assert [told(each, "result") for each in found[:2]] == [True, False]
        assert found[2]["resourceType"] == "OperationOutcome"


def test_a_code_is_looked_up(desk: Desk) -> None:
    answer = asked(desk, f"CodeSystem/$lookup?system={SYSTEM}&code=dog&displayLanguage=fr")
    assert (told(answer, "name"), told(answer, "display"), told(answer, "abstract")) == ("Animals", "Chien", False)
    properties = [each["part"][0]["valueCode"] for each in answer["parameter"] if each["name"] == "property"]
    assert properties == ["inactive", "legs", "child"]
    by_coding = parameters({"name": "coding", "valueCoding": {"system": SYSTEM, "code": "poodle"}})
    assert told(asked(desk, "CodeSystem/$lookup", by_coding), "display") == "Poodle"
    assert told(asked(desk, "CodeSystem/animals/$subsumes?codeA=dodo&codeB=dodo"), "outcome") == "equivalent"


@pytest.mark.parametrize(
    ("one", "other", "outcome"),
    [("dog", "poodle", "subsumes"), ("poodle", "dog", "subsumed-by"), ("dog", "dodo", "not-subsumed")],
)
def test_one_code_subsumes_another(desk: Desk, one: str, other: str, outcome: str) -> None:
    answer = asked(desk, f"CodeSystem/$subsumes?system={SYSTEM}&codeA={one}&codeB={other}")
    assert told(answer, "outcome") == outcome


def test_a_code_is_translated_both_ways(desk: Desk) -> None:
    forwards = asked(desk, f"ConceptMap/$translate?url={MAP}&system={SYSTEM}&code=dog")
    match = {part["name"]: part for part in told(forwards, "match")}
    assert told(forwards, "result") is True
    assert match["equivalence"]["valueCode"] == "wider"
    assert match["concept"]["valueCoding"] == {"system": "http://codes.test/latin", "code": "canis"}
    assert match["source"]["valueUri"] == f"{MAP}|1"
    backwards = asked(desk, "ConceptMap/m/$translate?system=http://codes.test/latin&code=canis&reverse=true")
    match = {part["name"]: part for part in told(backwards, "match")}
    assert (match["equivalence"]["valueCode"], match["concept"]["valueCoding"]["code"]) == ("narrower", "dog")
    assert told(asked(desk, f"ConceptMap/$translate?system={SYSTEM}&code=dodo"), "result") is False


@pytest.mark.parametrize(
    ("url", "status", "detail"),
    [
        ("ValueSet/$expand", 400, "operation-input-missing"),
        ("ValueSet/$expand?url=http://nowhere.test", 404, "tx-unable-to-resolve-value-set"),
        (f"ValueSet/$expand?url={SET}&displayLanguage=-", 400, "tx-invalid-display-name"),
        (f"ValueSet/$expand?url={SET}&count=-1", 400, "operation-input-value"),
        (f"ValueSet/$expand?url={SET}&system-version=1", 400, "operation-input-value"),
        (f"ValueSet/$expand?url={SET}&useSupplement=http://none.test", 422, "tx-valueset-supplement-missing"),
        ("ValueSet/$expand?url=http://unitsofmeasure.org?vs", 422, "tx-codesystem-not-enumerable"),
        (f"ValueSet/$validate-code?url={SET}", 422, "tx-no-code-to-validate"),
        ("ValueSet/none/$expand", 404, "resource-not-found"),
        (f"CodeSystem/$lookup?system={SYSTEM}&code=cat", 404, "tx-unknown-code-in-version"),
        (f"CodeSystem/$lookup?system={SYSTEM}", 400, "operation-input-missing"),
        ("CodeSystem/$lookup?code=dog", 400, "operation-input-missing"),
        (f"CodeSystem/$subsumes?system={SYSTEM}&codeA=dog", 400, "operation-input-missing"),
        (f"ConceptMap/$translate?system={SYSTEM}", 400, "operation-input-missing"),
        (f"ValueSet/$expand?url={SET}&date=2020-01-01", 400, "operation-input-not-answered"),
        ("ConceptMap/$translate?url=http://maps.test/none&code=a", 404, "concept-map-unknown"),
    ],
)
def test_what_cannot_be_answered_is_refused(desk: Desk, url: str, status: int, detail: str) -> None:
    refused = desk.refused("GET", url)
    assert (refused.status, refused.issues[0][0]) == (status, detail)


def test_codes_of_two_systems_are_not_compared(desk: Desk) -> None:
    one, other = ({"system": f"http://{name}.test", "code": "a"} for name in "ab")
    sent = parameters({"name": "codingA", "valueCoding": one}, {"name": "codingB", "valueCoding": other})
    assert desk.refused("POST", "CodeSystem/$subsumes", sent).issues[0][0] == "subsumes-systems-differ"


def test_questions_stand_in_batches_and_transactions(desk: Desk) -> None:
    url = f"CodeSystem/$lookup?system={SYSTEM}&code=dog"
    answer = desk.transact(entry("GET", url))
    assert told(answer["entry"][0]["resource"], "display") == "Dog"


def test_the_capabilities_name_the_systems_that_are_here(desk: Desk) -> None:
    statement = asked(desk, "metadata?mode=terminology")
    assert statement["resourceType"] == "TerminologyCapabilities"
    systems = {each["uri"]: each.get("version", []) for each in statement["codeSystem"]}
    assert systems[SYSTEM] == [{"code": "1.0", "isDefault": True}]
    assert "http://hl7.org/fhir/administrative-gender" in systems
    assert asked(desk, "metadata")["resourceType"] == "CapabilityStatement"
    operations = {
        each["name"]: each["definition"]
        for of_type in asked(desk, "metadata")["rest"][0]["resource"]
        if of_type["type"] == "CodeSystem"
        for each in of_type["operation"]
    }
    assert operations["validate-code"] == "http://hl7.org/fhir/OperationDefinition/CodeSystem-validate-code"


def test_a_text_finds_what_shipped_supplements_call_a_code(desk: Desk) -> None:
    roles = "http://terminology.hl7.org/ValueSet/v3-FamilyMember"
    answer = asked(desk, f"ValueSet/$expand?url={roles}&filter=oncle&displayLanguage=fr&count=5")
    assert "UNCLE" in codes(answer)
    used = {each["name"] for each in answer["expansion"]["parameter"]}
    assert "used-supplement" in used


def test_what_a_translation_depends_on_is_read(desk: Desk) -> None:
    element = "http://elements.test/sex"
    target = {"code": "canis", "equivalence": "equal", "dependsOn": [{"property": element, "value": "f"}]}
    group = {"source": SYSTEM, "target": "http://codes.test/latin", "element": [{"code": "dog", "target": [target]}]}
    desk.put({**TO_LATIN, "group": [group]})
    given = [{"name": "system", "valueUri": SYSTEM}, {"name": "code", "valueCode": "dog"}]
    concept = {"name": "concept", "valueCodeableConcept": {"coding": [{"code": "f"}]}}
    dependency = {"name": "dependency", "part": [{"name": "element", "valueUri": element}, concept]}
    assert told(asked(desk, "ConceptMap/m/$translate", parameters(*given)), "result") is False
    assert told(asked(desk, "ConceptMap/m/$translate", parameters(*given, dependency)), "result") is True

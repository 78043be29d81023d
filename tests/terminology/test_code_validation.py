"""Validation of codes: the verdict, and what is said of it.

Source: FHIR R4, ValueSet, "$validate-code"; HL7, FHIR Terminology Ecosystem, "Requirements".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from fhir_gateway.fhir.outcome import FhirError
from fhir_gateway.terminology.catalog import Catalog, Given
from fhir_gateway.terminology.code_validation import validate
from fhir_gateway.terminology.composition import Composition
from fhir_gateway.terminology.languages import languages
from fhir_gateway.terminology.verdict import Coding, Mode, Verdict
from fhir_gateway.terminology.versions import Rule, Rules
from fhir_gateway.terminology.wishes import NO_WISHES, Wishes
from tests.terminology.sources import ANIMALS, SYSTEM, code_system, concept, only, value_set

ALL = value_set({"system": SYSTEM})
DOG = Coding(SYSTEM, "dog")


def judged(
    composed: Mapping[str, Any],
    *codings: Coding,
    here: tuple[Mapping[str, Any], ...] = (ANIMALS,),
    wishes: Wishes = NO_WISHES,
    mode: Mode = "coding",
) -> Verdict:
    return validate(Catalog(Given(here)), Composition(composed), codings, mode, wishes)


def said(verdict: Verdict) -> list[tuple[str, str, str | None]]:
    return [(each.complaint.message_id, each.severity, each.expression) for each in verdict.issues]


def ids(verdict: Verdict) -> set[str]:
    return {each.complaint.message_id for each in verdict.issues}


NOT_IN = "None_of_the_provided_codes_are_in_the_value_set_one"


def test_a_code_that_is_in_comes_with_its_display_and_version() -> None:
    verdict = judged(ALL, DOG)
    assert (verdict.result, verdict.display, verdict.version, said(verdict)) == (True, "Dog", "1.0", [])


def test_a_code_that_is_not_is_told_and_so_is_one_that_the_system_does_not_have() -> None:
    mammals = value_set(only("concept", "is-a", "mammal"))
    assert said(judged(mammals, Coding(SYSTEM, "bird"))) == [(NOT_IN, "error", "Coding.code")]
    assert ids(judged(mammals, Coding(SYSTEM, "unicorn"))) == {NOT_IN, "Unknown_Code_in_Version"}


def test_of_a_concept_one_coding_is_enough_and_the_others_are_remarked_on() -> None:
    dogs = value_set({"system": SYSTEM, "concept": [{"code": "dog"}]})
    verdict = judged(dogs, Coding(SYSTEM, "cat"), DOG, mode="codeableConcept")
    assert (verdict.result, verdict.code) == (True, "dog")
    assert said(verdict) == [(NOT_IN, "information", "CodeableConcept.coding[0].code")]


def test_displays_may_be_wrong_as_an_error_or_as_a_warning() -> None:
    wrong = Coding(SYSTEM, "dog", display="Cat")
    name = "Display_Name_for__should_be_one_of__instead_of"
    strict, lenient = judged(ALL, wrong), judged(ALL, wrong, wishes=Wishes(lenient_displays=True))
    assert (strict.result, said(strict)) == (False, [(name, "error", "Coding.display")])
    assert (lenient.result, said(lenient)) == (True, [(name, "warning", "Coding.display")])
    assert judged(ALL, Coding(SYSTEM, "dog", display="DOG")).result
    spaced = judged(ALL, Coding(SYSTEM, "dog", display=" Dog"))
    assert ids(spaced) == {"Display_Name_WS_for__should_be_one_of__instead_of"}


def test_a_display_of_another_language_is_told_as_such() -> None:
    english = code_system(concept("dog"), language="en")
    german = Wishes(languages=languages("de"))
    right = judged(ALL, Coding(SYSTEM, "dog", display="Dog"), here=(english,), wishes=german)
    wrong = judged(ALL, Coding(SYSTEM, "dog", display="Hund"), here=(english,), wishes=german)
    assert (right.result, ids(right)) == (True, {"NO_VALID_DISPLAY_FOUND_NONE_FOR_LANG_OK"})
    assert (wrong.result, ids(wrong)) == (False, {"NO_VALID_DISPLAY_FOUND_NONE_FOR_LANG_ERR"})


def test_inactive_and_abstract_codes_are_told_and_refused_where_that_is_asked() -> None:
    dodo, animal = Coding(SYSTEM, "dodo"), Coding(SYSTEM, "animal")
    verdict = judged(ALL, dodo)
    assert (verdict.result, verdict.inactive, ids(verdict)) == (True, True, {"INACTIVE_CONCEPT_FOUND"})
    active = judged(ALL, dodo, wishes=Wishes(active_only=True))
    assert (active.result, "STATUS_CODE_WARNING_CODE" in ids(active)) == (False, True)
    assert judged(ALL, animal).result
    concrete = judged(ALL, animal, wishes=Wishes(allows_abstract=False))
    assert (concrete.result, "ABSTRACT_CODE_NOT_ALLOWED" in ids(concrete)) == (False, True)


def test_the_case_of_a_code_is_told_where_the_system_does_not_mind_it() -> None:
    loose = code_system(concept("dog"), caseSensitive=False)
    verdict = judged(ALL, Coding(SYSTEM, "DOG"), here=(loose,))
    assert (verdict.result, verdict.normalized, ids(verdict)) == (True, "dog", {"CODE_CASE_DIFFERENCE"})
    assert not judged(ALL, Coding(SYSTEM, "DOG")).result


def test_systems_that_are_not_here_are_named() -> None:
    nowhere = judged(value_set({"system": "http://nowhere.test"}), Coding("http://nowhere.test", "a"))
    assert (nowhere.result, nowhere.unknown, nowhere.is_caused_by_unknown) == (False, ("http://nowhere.test",), True)
    local = judged(ALL, Coding("Local/1", "a"))
    assert "Terminology_TX_System_Relative" in ids(local)
    set_ = judged(ALL, Coding(ALL["url"], "a"), here=(ANIMALS, ALL))
    assert "Terminology_TX_System_ValueSet2" in ids(set_)
    none = judged(ALL, Coding(None, "dog"))
    assert (none.result, "Coding_has_no_system__cannot_validate" in ids(none)) == (False, True)


def test_a_system_is_inferred_where_one_has_the_code() -> None:
    verdict = judged(ALL, Coding(None, "dog"), wishes=Wishes(infers_system=True), mode="code")
    assert (verdict.result, verdict.system) == (True, SYSTEM)
    other = {**code_system(concept("dog")), "url": "http://codes.test/pets"}
    both = value_set({"system": SYSTEM}, {"system": "http://codes.test/pets"})
    several = judged(both, Coding(None, "dog"), here=(ANIMALS, other), wishes=Wishes(infers_system=True), mode="code")
    assert "Unable_to_resolve_system__value_set_has_multiple_matches" in ids(several)
    missing = judged(ALL, Coding(None, "no"), wishes=Wishes(infers_system=True), mode="code")
    assert "UNABLE_TO_INFER_CODESYSTEM" in ids(missing)


ONE, TWO = code_system(concept("a")), code_system(concept("a"), concept("b"), version="2.0")


@pytest.mark.parametrize(
    ("stated", "sent", "result", "found"),
    [
        (None, None, True, "2.0"),
        (None, "1.0", True, "1.0"),
        ("1.x", "1.0", True, "1.0"),
        ("1.0", "1.0", True, "1.0"),
        ("2.0", "1.0", False, "2.0"),
        ("1.0", "9", False, "1.0"),
    ],
)
def test_the_version_of_the_value_set_must_be_that_of_the_coding(
    stated: str | None, sent: str | None, result: bool, found: str
) -> None:
    composed = value_set({"system": SYSTEM, **({"version": stated} if stated else {})})
    verdict = judged(composed, Coding(SYSTEM, "a", sent), here=(ONE, TWO))
    assert (verdict.result, verdict.version) == (result, found)
    assert ("VALUESET_VALUE_MISMATCH" in ids(verdict)) is not result


def test_a_check_of_the_version_fails_the_code() -> None:
    rules = Rules((Rule(SYSTEM, "1.0", "check", "check-system-version"),))
    composed = value_set({"system": SYSTEM, "version": "2.0"})
    verdict = judged(composed, Coding(SYSTEM, "a"), here=(ONE, TWO), wishes=Wishes(rules=rules))
    assert (verdict.result, ids(verdict)) == (False, {"VALUESET_VERSION_CHECK"})


def test_of_two_versions_the_one_that_has_the_code_answers() -> None:
    only_one = code_system(concept("x", display="One"))
    both = value_set({"system": SYSTEM, "version": "1.0"}, {"system": SYSTEM, "version": "2.0"})
    here = (code_system(concept("a", display="First"), concept("x")), TWO)
    assert only_one["version"] == "1.0"
    assert judged(both, Coding(SYSTEM, "x"), here=here).version == "1.0"
    assert judged(both, Coding(SYSTEM, "a"), here=here).version == "2.0"
    assert judged(both, Coding(SYSTEM, "a", display="First"), here=here).version == "1.0"


def test_a_code_that_a_fragment_lacks_may_be_valid_elsewhere() -> None:
    verdict = judged(ALL, Coding(SYSTEM, "other"), here=(code_system(concept("dog"), content="fragment"),))
    assert (verdict.result, ids(verdict)) == (True, {"UNKNOWN_CODE_IN_FRAGMENT"})


def test_membership_only_says_nothing_of_the_code_itself() -> None:
    verdict = judged(ALL, Coding(SYSTEM, "unicorn"), wishes=Wishes(membership_only=True))
    assert said(verdict) == [(NOT_IN, "error", "Coding.code")]


def test_excluded_and_imported_codes_follow_the_rules() -> None:
    dogs = value_set({"system": SYSTEM, "concept": [{"code": "dog"}]}, url="http://sets.test/dogs")
    importing = value_set({"valueSet": ["http://sets.test/dogs"]}, url="http://sets.test/i")
    without = value_set({"system": SYSTEM}, exclude=[{"valueSet": ["http://sets.test/dogs"]}])
    here = (ANIMALS, dogs)
    assert judged(importing, DOG, here=here).result
    assert not judged(importing, Coding(SYSTEM, "cat"), here=here).result
    assert not judged(without, DOG, here=here).result
    unknown = judged(value_set({"valueSet": ["http://nowhere.test"]}), DOG)
    assert (unknown.result, ids(unknown)) == (False, {"Unable_to_resolve_value_Set_"})


def test_circles_and_missing_supplements_are_refused() -> None:
    circle = value_set({"valueSet": ["http://sets.test/s"]})
    with pytest.raises(FhirError):
        judged(circle, DOG, here=(ANIMALS, circle))
    with pytest.raises(FhirError):
        judged(ALL, DOG, wishes=Wishes(supplements=frozenset({"http://none.test"})))


def test_the_status_of_what_is_used_is_told() -> None:
    draft = judged(ALL, DOG, here=({**ANIMALS, "status": "draft"},))
    assert said(draft) == [("MSG_DRAFT", "information", None)]
    of_same = judged({**ALL, "status": "draft"}, DOG, here=({**ANIMALS, "status": "draft"},))
    assert said(of_same) == []


def test_messages_are_french_for_the_french_and_sorted() -> None:
    verdict = judged(ALL, Coding(SYSTEM, "unicorn"))
    message = verdict.message("fr")
    assert message is not None
    assert message.startswith("Code 'unicorn' inconnu")


def test_a_kept_verdict_is_given_again() -> None:
    catalog = Catalog(Given([ANIMALS, ALL]))
    composition = catalog.value_set(ALL["url"])
    assert composition is not None
    first = validate(catalog, composition, [DOG], "coding", Wishes())
    assert validate(catalog, composition, [DOG], "coding", Wishes()) is first
    assert validate(catalog, composition, [DOG], "coding", Wishes(active_only=True)) is not first
    assert validate(catalog.over([ANIMALS]), composition, [DOG], "coding", Wishes()) is not first

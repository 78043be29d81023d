"""The catalog: which layer answers, implicit value sets, supplements that ship, what a code is and where it stands.

Source: FHIR R4, "Using Codes"; CodeSystem.valueSet; CodeSystem, "$lookup", "$subsumes".
"""

from __future__ import annotations

from fhir_gateway.terminology.catalog import Catalog, Given
from fhir_gateway.terminology.languages import languages
from fhir_gateway.terminology.lookup import look_up, subsumption
from tests.terminology.sources import ANIMALS, SYSTEM, code_system, concept, value_set
from tests.terminology.test_expansion import SUPPLEMENT


def test_the_nearest_layer_that_has_a_url_answers() -> None:
    below = Catalog(Given([code_system(concept("old"), version="9.0")]))
    above = Catalog(Given([code_system(concept("new"))]), below)
    nearest, older = above.system(SYSTEM), above.system(SYSTEM, "9.0")
    assert nearest is not None
    assert nearest.concept("new") is not None
    assert older is not None
    assert older.concept("old") is not None
    assert above.versions(SYSTEM) == ["1.0", "9.0"]
    assert above.over([]) is above


def test_a_definition_without_content_lets_a_farther_one_answer() -> None:
    below = Catalog(Given([ANIMALS]))
    found = Catalog(Given([code_system(content="not-present")]), below).system(SYSTEM)
    assert found is not None
    assert found.content == "complete"


def test_a_system_has_a_value_set_of_all_its_codes() -> None:
    catalog = Catalog(Given([{**ANIMALS, "valueSet": "http://sets.test/animals"}]))
    for url in ("http://sets.test/animals", f"{SYSTEM}?vs"):
        found = catalog.value_set(url)
        assert found is not None
        assert found.includes[0].system == SYSTEM
    units = catalog.value_set("http://unitsofmeasure.org?vs")
    assert units is not None
    assert catalog.value_set("http://sets.test/none") is None


def test_snomed_has_value_sets_of_its_own_form() -> None:
    isa = Catalog(Given()).value_set("http://snomed.info/sct?fhir_vs=isa/1234")
    assert isa is not None
    assert isa.includes[0].filters[0].op == "is-a"
    assert Catalog(Given()).value_set("http://snomed.info/sct?fhir_vs=other") is None


def test_supplements_of_a_layer_that_extends_apply_unasked() -> None:
    catalog = Catalog(Given([SUPPLEMENT], extends=True), Catalog(Given([ANIMALS])))
    edition = catalog.system(SYSTEM)
    assert edition is not None
    dog = edition.concept("dog")
    assert dog is not None
    assert look_up(edition, dog, (), languages("fr")).display == "Chien"
    assert list(edition.used_supplements) == ["http://codes.test/french|1"]
    assert Catalog(Given([SUPPLEMENT]), Catalog(Given([ANIMALS]))).system(SYSTEM) is not edition


def test_a_lookup_tells_properties_and_relatives_and_only_what_is_wanted() -> None:
    edition = Catalog(Given([ANIMALS])).system(SYSTEM)
    assert edition is not None
    cat = edition.concept("cat")
    assert cat is not None
    everything = look_up(edition, cat, (), None)
    told = {(code, next(iter(value.values()))) for code, value, _ in everything.properties}
    assert told == {("inactive", False), ("legs", 4), ("parent", "mammal")}
    assert [code for code, _, _ in look_up(edition, cat, ("legs",), None).properties] == ["legs"]


def test_codes_stand_to_each_other_as_the_hierarchy_says() -> None:
    edition = Catalog(Given([ANIMALS])).system(SYSTEM)
    assert edition is not None
    pairs = [("animal", "dog"), ("dog", "animal"), ("dog", "dog"), ("dog", "bird"), ("dog", "unicorn")]
    outcomes = [subsumption(edition, one, other) for one, other in pairs]
    assert outcomes == ["subsumes", "subsumed-by", "equivalent", "not-subsumed", None]


def test_of_one_map_in_two_layers_the_nearer_counts() -> None:
    near = {"resourceType": "ConceptMap", "url": "http://maps.test/m", "version": "1"}
    far = {**near, "version": "2"}
    catalog = Catalog(Given([near]), Catalog(Given([far, value_set({"system": SYSTEM})])))
    assert [each["version"] for each in catalog.maps()] == ["1"]
    latest = catalog.concept_map("http://maps.test/m")
    assert latest is not None
    assert latest["version"] == "1"
    assert list(catalog.every_system()) == []

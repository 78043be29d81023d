"""Concept maps: forwards, backwards, what they do not have, and what depends on more than a code.

Source: FHIR R4, ConceptMap; "$translate".
"""

from __future__ import annotations

from typing import Any

from fhir_gateway.terminology.translation import Question, translate

SOURCE, TARGET = "http://codes.test/here", "http://codes.test/there"


def concept_map(*elements: dict[str, Any], url: str = "http://maps.test/m", **group: Any) -> dict[str, Any]:
    return {
        "resourceType": "ConceptMap", "url": url, "version": "1", "status": "active", "sourceUri": "http://sets.test/s",
        "group": [{"source": SOURCE, "target": TARGET, "element": list(elements), **group}],
    }  # fmt: skip


def element(code: str, *targets: tuple[str, str]) -> dict[str, Any]:
    return {"code": code, "target": [{"code": code_, "equivalence": kind} for code_, kind in targets]}


MAP = concept_map(element("a", ("x", "equivalent"), ("y", "wider")), element("b", ("y", "unmatched")))


def found(question: Question, *maps: dict[str, Any]) -> list[tuple[str | None, str]]:
    by_url = {each["url"]: each for each in maps}
    return [(each.code, each.equivalence) for each in translate(maps or (MAP,), question, by_url.get)]


def test_forwards_all_targets_are_given_and_unmatched_counts_for_nothing() -> None:
    assert found(Question("a", SOURCE)) == [("x", "equivalent"), ("y", "wider")]
    assert [each.counts for each in translate([MAP], Question("b", SOURCE))] == [False]
    assert found(Question("a", "http://other.test")) == []
    assert found(Question("a", SOURCE, other_system="http://other.test")) == []


def test_backwards_the_equivalence_is_turned_round() -> None:
    assert found(Question("x", TARGET, backwards=True)) == [("a", "equivalent")]
    assert found(Question("y", TARGET, backwards=True)) == [("a", "narrower"), ("b", "unmatched")]


def test_what_a_map_lacks_is_provided_fixed_or_asked_of_another() -> None:
    provided = concept_map(unmapped={"mode": "provided"})
    fixed = concept_map(unmapped={"mode": "fixed", "code": "other"})
    asks = concept_map(unmapped={"mode": "other-map", "url": "http://maps.test/2"})
    second = concept_map(element("q", ("z", "equal")), url="http://maps.test/2")
    assert found(Question("q", SOURCE), provided) == [("q", "equal")]
    assert found(Question("q", SOURCE), fixed) == [("other", "relatedto")]
    assert [each.origin for each in translate([asks], Question("q", SOURCE), {second["url"]: second}.get)] == [
        "http://maps.test/2|1"
    ]


def test_value_sets_and_retirement_choose_the_maps() -> None:
    assert found(Question("a", SOURCE, source_set="http://sets.test/s"))
    assert found(Question("a", SOURCE, source_set="http://sets.test/other")) == []
    assert found(Question("a", SOURCE), {**MAP, "status": "retired"}) == []


def test_a_target_that_depends_on_more_needs_it() -> None:
    depends = {"property": "http://p.test", "value": "v"}
    target = {"code": "x", "equivalence": "equal", "dependsOn": [depends]}
    only = concept_map({"code": "a", "target": [target]})
    assert found(Question("a", SOURCE), only) == []
    assert found(Question("a", SOURCE, dependencies=(("http://p.test", "v"),)), only) == [("x", "equal")]


def test_a_circle_of_maps_ends() -> None:
    circle = concept_map(unmapped={"mode": "other-map", "url": "http://maps.test/m"})
    assert found(Question("q", SOURCE), circle) == []

"""Definitions of strangers are shown as they are, and are never more than text.

Source: OWASP, Cross Site Scripting Prevention; HTML, "Restrictions on the contents of raw text elements".
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.conformance.fhir_package import Entry, FhirPackage
from fhir_gateway.guide.contents import Contents
from fhir_gateway.guide.guide import Guide
from fhir_gateway.guide.markup import element, joined
from fhir_gateway.guide.said import LANGUAGES, Language
from fhir_gateway.terminology.catalog import Catalog, Given
from tests.guide.reading import read

EVIL = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>&lt;</style></title>"
HARMLESS = {
    *("html", "head", "meta", "title", "link", "style", "body", "header", "a", "nav", "main", "section", "footer"),
    *(
        "h1",
        "h2",
        "h3",
        "small",
        "p",
        "div",
        "span",
        "abbr",
        "br",
        "wbr",
        "code",
        "pre",
        "var",
        "ul",
        "li",
        "dl",
        "dt",
        "dd",
    ),
    *("table", "caption", "thead", "tbody", "tr", "th", "td"),
    *("figure", "svg", "defs", "marker", "path", "g", "use", "rect", "text"),
}


def evil(node: Any, kept: tuple[str, ...] = ("resourceType", "type", "url", "min", "kind")) -> Any:
    """Return a resource with every text replaced but for what says what it is."""
    if isinstance(node, dict):
        return {key: value if key in kept and isinstance(value, str) else evil(value) for key, value in node.items()}
    if isinstance(node, list):
        return [evil(each) for each in node]
    return EVIL if isinstance(node, str) else node


def package(*resources: dict[str, Any]) -> FhirPackage:
    files = {f"{number}.json": each for number, each in enumerate(resources)}
    entries = tuple(
        Entry(
            name, each["resourceType"], str(each.get("id", "")), str(each.get("url", "")), "", str(each.get("type", ""))
        )
        for name, each in files.items()
    )
    manifest = {"name": "strangers", "version": "1.0.0", "fhirVersions": ["4.0.1"], "canonical": "http://example.org"}
    return FhirPackage(Path("strangers.tgz"), manifest, entries, lambda name: json.dumps(files[name]).encode())


def structure() -> dict[str, Any]:
    url = "http://example.org/StructureDefinition/a"
    element = {
        "id": "Patient", "path": "Patient", "short": "x", "min": 0, "max": "*", "mustSupport": True,
        "type": [{"code": "Reference", "targetProfile": [url]}],
        "binding": {"strength": "required", "valueSet": "http://example.org/ValueSet/b", "description": "x"},
        "constraint": [{"key": "x", "severity": "error", "human": "x", "expression": "x"}],
        "patternString": "x", "slicing": {"discriminator": [{"type": "value", "path": "x"}], "rules": "open"},
    }  # fmt: skip
    return {
        "resourceType": "StructureDefinition", "id": "a", "url": url, "name": "x", "title": "x", "type": "Patient",
        "description": "x", "baseDefinition": "x", "kind": "resource", "copyright": "x", "language": "x",
        "differential": {"element": [element]}, "snapshot": {"element": [element]},
    }  # fmt: skip


RESOURCES = (
    structure(),
    {"resourceType": "ValueSet", "id": "b", "url": "http://example.org/ValueSet/b", "title": "x", "compose": {
        "include": [{"system": "x", "concept": [{"code": "x", "display": "x"}], "filter": [{"property": "x"}]}]}},
    {"resourceType": "CodeSystem", "id": "c", "url": "http://example.org/CodeSystem/c", "title": "x", "concept": [
        {"code": "x", "display": "x", "definition": "x", "property": [{"code": "x", "valueString": "x"}],
         "designation": [{"language": "fr", "value": "x"}]}]},
    {"resourceType": "SearchParameter", "id": "d", "url": "http://example.org/SearchParameter/d", "code": "x",
     "base": ["x"], "expression": "x", "target": ["x"]},
    {"resourceType": "OperationDefinition", "id": "e", "url": "http://example.org/OperationDefinition/e", "code": "x",
     "resource": ["x"], "instance": True, "parameter": [{"name": "x", "use": "in", "documentation": "x"}]},
    {"resourceType": "CapabilityStatement", "id": "f", "url": "http://example.org/CapabilityStatement/f", "rest": [
        {"resource": [{"type": "x", "supportedProfile": ["x"], "documentation": "x", "searchParam": [{"name": "x"}],
                       "operation": [{"name": "x", "definition": "x"}]}], "operation": [{"name": "x"}]}]},
    {"resourceType": "NamingSystem", "id": "h", "name": "x", "kind": "x", "responsible": "x", "usage": "x",
     "description": "x", "uniqueId": [{"type": "uri", "value": "x", "preferred": True}]},
    {"resourceType": "GraphDefinition", "id": "g", "url": "http://example.org/GraphDefinition/g", "link": [
        {"path": "x", "target": [{"type": "x", "link": [{"target": [{"type": "x", "params": "x"}]}]}]}], "start": "x"},
)  # fmt: skip


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory) -> Guide:
    folder = tmp_path_factory.mktemp("examples")
    example = evil({"resourceType": "Patient", "id": "x", "meta": {"profile": ["x"]}})
    (folder / "h.json").write_text(json.dumps(example), encoding="utf-8")
    (folder / "h.txt").write_text(EVIL, encoding="utf-8")
    evils = [evil(each) for each in RESOURCES]
    return Guide(Contents(package(*evils), (), lambda kind, url: None, Catalog(Given(evils)), folder))


@pytest.mark.parametrize("language", LANGUAGES)
def test_definitions_of_strangers_are_shown_and_never_run(strange: Guide, language: Language):
    kinds = {each["resourceType"] for each in strange.contents.pages.values()}
    assert kinds == {each["resourceType"] for each in RESOURCES}
    for name in strange.names:
        text = strange.page(name, language)
        assert text is not None
        there = read(text)
        assert {tag for tag, _ in there.tags} <= HARMLESS, name
        assert [each for _, attributes in there.tags for each in attributes if each.startswith("on")] == []
        assert name in ("states", "rules") or EVIL in there.text
        assert [link for link in there.links() if ":" in link] == []


def test_a_name_that_leads_elsewhere_becomes_one_that_does_not(strange: Guide, tmp_path: Path):
    count = strange.written(tmp_path / "here")
    assert len(list((tmp_path / "here").rglob("*.html"))) == count
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


def test_two_definitions_whose_ids_differ_in_case_only_have_two_pages():
    resources = [{**structure(), "id": id, "url": f"http://example.org/{id}"} for id in ("a", "A")]
    contents = Contents(package(*resources), (), lambda kind, url: None, Catalog(Given()))
    assert len({name.casefold() for name in contents.pages}) == 2


@given(st.text(), st.text())
def test_whatever_the_text_it_comes_back_as_the_text_it_was(text: str, attribute: str):
    there = read(element("p", text, title=attribute))
    assert there.tags == [("p", {"title": _read_back(attribute)})]
    assert there.text == _read_back(text)


def _read_back(text: str) -> str:
    """Return a text as HTML gives it back: some characters cannot stand in a page in any way."""
    from html import unescape

    return unescape(joined(text))

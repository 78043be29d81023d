"""The pages of examples and of invariants with their proofs: the JSON as it stands.

Source: FHIR R4, JSON Representation of Resources; profiles/README.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from fhir_gateway.guide.contents import Contents, Example, Proof
from fhir_gateway.guide.elements import severity
from fhir_gateway.guide.facts import title_of
from fhir_gateway.guide.markup import Child, Html, between, code, element, joined, row, table
from fhir_gateway.guide.page import Page, Section, link
from fhir_gateway.guide.said import LANGUAGES, Language, language_of, said
from fhir_gateway.guide.words import colon, word


def example_page(contents: Contents, example: Example, language: Language) -> Page:
    """Return the page of an example: what it claims to be, the resource, what stands beside it."""
    claimed = between(element("br"), (_profile(contents, url, language) for url in sorted(example.profiles)))
    lead = _facts(
        (
            (word("type", language), code(str(example.resource.get("resourceType", "")))),
            (word("claims", language), claimed or word("none", language)),
            *(((word("wrong", language), example.wrong.get(language)),) if example.wrong is not None else ()),
        )
    )
    sections = [
        *(
            Section(f"beside-{number}", f"{word('beside', language)}{colon(language)}{name}", _pre(text))
            for number, (name, text) in enumerate(example.beside)
        ),
        *_entries(contents, example, language),
        Section("json", word("json", language), _pre(example.text)),
    ]
    return Page(example.name, example.name, word("example", language), lead, tuple(sections))


def _entries(contents: Contents, example: Example, language: Language) -> Iterator[Section]:
    """Yield a table of what a Bundle holds, with the profile that each resource claims and what is done with it."""
    held = [each for each in example.resource.get("entry", ()) if isinstance(each.get("resource"), Mapping)]
    if not held:
        return
    rows = [
        row(
            str(number),
            code(str(each["resource"].get("resourceType", ""))),
            between(
                element("br"),
                (_profile(contents, str(url), language) for url in each["resource"].get("meta", {}).get("profile", ())),
            ),
            code(f"{each['request'].get('method', '')} {each['request'].get('url', '')}")
            if "request" in each
            else None,
        )
        for number, each in enumerate(held, 1)
    ]
    heads = ["", *(word(name, language) for name in ("type", "profile", "request"))]
    yield Section("entries", word("entries", language), table(word("entries", language), heads, rows))


def listed(examples: Iterable[tuple[str, Example]], language: Language) -> Html:
    """Return links to examples: first the good ones, then the bad ones with what is wrong."""
    parts: tuple[list[Html], list[Html]] = [], []
    for name, each in examples:
        wrong = None if each.wrong is None else joined(colon(language), each.wrong.get(language))
        parts[each.wrong is not None].append(element("li", link(name, code(each.name)), wrong))
    good, bad = parts
    if not good and not bad:
        return element("p", word("none", language))
    return joined(
        element("h3", word("good_examples", language)) if bad and good else None,
        element("ul", good, class_="columns") if good else None,
        element("h3", word("bad_examples", language)) if bad else None,
        element("ul", bad) if bad else None,
    )


def proof_page(contents: Contents, proof: Proof, language: Language) -> Page:
    """Return the page of an invariant: what it demands in both languages, what keeps it and what breaks it."""
    own = language_of(proof.structure)
    texts = {each: said(proof.constraint, "human", each, own) for each in LANGUAGES}
    structure = contents.page_of("StructureDefinition", str(proof.structure.get("url", "")))
    title = title_of(proof.structure, language)[0]
    lead = _facts(
        (
            *(
                (
                    word("french" if each == "fr" else "english", language),
                    element("span", found[0], lang=found[1] or each),
                )
                for each, found in texts.items()
                if found is not None
            ),
            (word("severity", language), severity(str(proof.constraint.get("severity", "")), language)),
            (word("profile", language), title if structure is None else link(structure, title)),
            (word("expression", language), code(str(proof.constraint.get("expression", "–")))),
        )
    )
    sections = [
        Section(name, word(name, language), _pre(text))
        for name, text in (("good", proof.good), ("bad", proof.bad))
        if text is not None
    ]
    return Page(code(proof.key), proof.key, word("invariant", language), lead, tuple(sections))


def _profile(contents: Contents, url: str, language: Language) -> Html:
    page = contents.page_of("StructureDefinition", url)
    if page is None:
        return code(url)
    return joined(link(page, title_of(contents.pages[page], language)[0]), " ", code(url.rpartition("/")[2]))


def _facts(pairs: tuple[tuple[str, Child], ...]) -> Html:
    return element("dl", (joined(element("dt", label), element("dd", value)) for label, value in pairs), class_="facts")


def _pre(text: str) -> Html:
    return element("pre", element("code", text))

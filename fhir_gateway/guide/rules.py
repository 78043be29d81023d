"""The page of the rules across the resources of a dossier, made from the very table that the gateway applies.

Source: fhir_gateway/dossier/rules.py.
"""

from __future__ import annotations

import string

from fhir_gateway.dossier.rule import Gravity, Rule
from fhir_gateway.dossier.rules import RULES
from fhir_gateway.guide.markup import Child, Html, code, element, joined, row, table
from fhir_gateway.guide.page import Page, Section
from fhir_gateway.guide.said import Language
from fhir_gateway.guide.words import word


def rules_page(language: Language) -> Page:
    """Return the page of all rules, with what each is in each state of a dossier."""
    title = word("rules", language)
    heads = [word(name, language) for name in ("key", "draft", "finalise", "active", "rule")]
    content = table(title, heads, (_rule(each, language) for each in RULES), class_="keys")
    lead = element("p", word("rules_note", language))
    return Page(title, title, "$validate, $completude", lead, (Section("rules", title, content),))


def _rule(rule: Rule, language: Language) -> Html:
    gravities = (_gravity(each, language) for each in (rule.draft, rule.finalise, rule.active))
    return row(code(rule.id), *gravities, _text(rule.fr if language == "fr" else rule.en), id=rule.id)


def _gravity(gravity: Gravity, language: Language) -> Html:
    if gravity == "none":
        return joined(word("gravity_none", language))
    return element("span", word(gravity, language), class_=gravity)


def _text(template: str) -> Html:
    """Return a text with its blanks shown as variables: what a case fills in is not known here."""
    pieces: list[Child] = []
    for plain, field, _, _ in string.Formatter().parse(template):
        pieces.append(plain)
        if field is not None:
            pieces.append(element("var", field.removesuffix("_fr").removesuffix("_en")))
    return joined(pieces)

"""What is certain, inferred or unknown: counted from the properties of codes, and what no source tells.

Source: terminology/pfmg/CodeSystem-pfmg-certitude.json; terminology/README.md; fhir_gateway/dossier/README.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.guide.contents import Contents, Resource
from fhir_gateway.guide.facts import title_of
from fhir_gateway.guide.markup import Html, code, element, joined, row, table
from fhir_gateway.guide.page import link
from fhir_gateway.guide.said import Language, language_of, said
from fhir_gateway.guide.words import word

CERTAINTY: Final = f"{CANONICAL_BASE}/CodeSystem/pfmg-certitude"

UNKNOWN: Final = (
    ("les codes d'indication d'AURAGEN, et les codes de non-conformité des plateformes : non publiés",
     "AURAGEN's indication codes, and the platforms' codes of non-conformity: not published"),
    ("les formulaires de consentement d'après 2021",
     "the consent forms after 2021"),
    ("les interfaces d'entrée des plateformes : ce qui est public dit ce qu'elles exportent",
     "the interfaces by which platforms take requests: what is public tells what they export"),
    ("la stratégie familiale de la plupart des préindications (voir le tableau)",
     "the family strategy of most préindications (see the table)"),
    ("les tubes et les natures de prélèvement qu'une préindication demande",
     "the tubes and the sample types that a préindication asks for"),
    ("qui consent pour un majeur hors d'état de le faire sans tutelle, pour un majeur décédé, pour un fœtus vivant",
     "who consents for an adult unable to and without guardian, for a dead adult, for a living fetus"),
    ("les codes LOINC des parts du score HRD",
     "the LOINC codes of the parts of the HRD score"),
)  # fmt: skip


def certainty_of(contents: Contents, language: Language) -> Html:
    """Return what the three grades mean, how many facts are of each, and what is not known at all."""
    grades = contents.known("CodeSystem", CERTAINTY)
    concepts: list[Resource] = [] if grades is None else list(grades.get("concept", ()))
    heads = [word("fact", language), *(_display(each, language) for each in concepts)]
    rows = [
        row(
            joined(_system(contents, system, language), " – ", code(name)),
            *(str(counts[str(each["code"])]) for each in concepts),
        )
        for system in contents.of("CodeSystem")
        for name, counts in _counts(system).items()
    ]
    return joined(
        element("p", word("certainty_note", language)),
        table(word("certainty", language), heads, rows) if rows else None,
        element("h3", word("unknown_list", language)),
        element("ul", (element("li", french if language == "fr" else english) for french, english in UNKNOWN)),
    )


def _system(contents: Contents, system: Resource, language: Language) -> Html:
    name = contents.page_of("CodeSystem", str(system.get("url", "")))
    title = title_of(system, language)[0]
    return title if name is None else link(name, title)


def _counts(system: Resource) -> dict[str, Counter[str]]:
    """Return how often each property that tells a certainty has each grade."""
    found: dict[str, Counter[str]] = {}
    for property in _properties(system.get("concept", ())):
        coding = property.get("valueCoding")
        if isinstance(coding, Mapping) and coding.get("system") == CERTAINTY:
            found.setdefault(str(property["code"]), Counter())[str(coding.get("code"))] += 1
    return found


def _properties(concepts: Any) -> Iterator[Mapping[str, Any]]:
    for concept in concepts:
        yield from concept.get("property", ())
        yield from _properties(concept.get("concept", ()))


def _display(concept: Resource, language: Language) -> str:
    named = next((each["value"] for each in concept.get("designation", ()) if each.get("language") == language), None)
    found = said(concept, "display", language, language_of({"language": "fr"}))
    return str(named) if named is not None else "" if found is None else found[0]

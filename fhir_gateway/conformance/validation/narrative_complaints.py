"""What can be wrong with a narrative, each kind with its stable id, code and texts.

Source: FHIR R4, Narrative; IssueType code system. Wording: HL7's validator.
"""

from __future__ import annotations

from typing import Final

from fhir_gateway.fhir.outcome import Complaint, IssueCode, Severity


def _of(detail: str, en: str, fr: str, code: IssueCode = "invalid", severity: Severity = "error") -> Complaint:
    return Complaint(f"validation-narrative-{detail}", code, en, fr, severity)


UNREADABLE: Final = _of(
    "unreadable",
    "Error parsing XHTML: {reason}",
    "XHTML illisible : {reason}",
)
TXT_1: Final = _of(
    "txt-1",
    "Constraint failed: txt-1: 'The narrative SHALL contain only the basic html formatting elements and attributes "
    "described in chapters 7-11 (except section 4 of chapter 9) and 15 of the HTML 4.0 standard, <a> elements (either "
    "name or href), images and internally contained style attributes'",
    "Règle non respectée : txt-1 : « le narratif ne contient que les éléments et attributs de mise en forme des "
    "chapitres 7 à 11 (sauf la section 4 du chapitre 9) et 15 de HTML 4.0, des éléments <a> (name ou href), des images "
    "et des attributs style »",
    "invariant",
)
TXT_2: Final = _of(
    "txt-2",
    "Constraint failed: txt-2: 'The narrative SHALL have some non-whitespace content'",
    "Règle non respectée : txt-2 : « le narratif contient autre chose que des espaces »",
    "invariant",
)
NAMESPACE: Final = _of(
    "namespace",
    "Wrong namespace on the XHTML ('{found}', should be '{wanted}')",
    "Mauvais espace de noms du XHTML (« {found} » au lieu de « {wanted} »)",
)
NOT_A_DIV: Final = _of(
    "not-a-div",
    "Wrong name on the XHTML ('{name}') - must start with div",
    "Mauvais élément en tête du XHTML (« {name} ») : ce doit être div",
)
ELEMENT: Final = _of(
    "element",
    "Invalid element name in the XHTML ('{name}')",
    "Élément non permis dans le XHTML (« {name} »)",
)
ATTRIBUTE: Final = _of(
    "attribute",
    "Invalid attribute name in the XHTML ('{name}' on '{element}')",
    "Attribut non permis dans le XHTML (« {name} » sur « {element} »)",
)
XML_SPACE: Final = _of(
    "xml-space",
    "The attribute 'xml:space' is legal but has a fixed value of 'preserve'. Its use is discouraged",
    "L'attribut « xml:space » est permis, mais sa valeur est fixée à « preserve » ; son emploi est déconseillé",
    severity="information",
)
ENTITY: Final = _of(
    "entity",
    "Invalid entity in the XHTML ('{entity}')",
    "Entité non permise dans le XHTML (« {entity} »)",
)
DOCTYPE: Final = _of(
    "doctype",
    "Malformed XHTML: Found a DocType declaration, and these are not allowed (XXE security vulnerability protection)",
    "XHTML mal formé : une déclaration DOCTYPE n'est pas permise (protection contre les attaques XXE)",
)
IN_PARAGRAPH: Final = _of(
    "in-paragraph",
    "Invalid element name inside a paragraph in the XHTML ('{name}')",
    "Élément non permis dans un paragraphe du XHTML (« {name} »)",
)
BLOCK_IN_TEXT: Final = _of(
    "block-in-text",
    "Found block structures inside a paragraph/text element {name} at {place}: {found}",
    "Blocs trouvés dans l'élément de texte {name} à {place} : {found}",
    "structure",
)
NESTED: Final = _of(
    "nested",
    "Elements of type {name} at {place} cannot contain nested {name} at {found}",
    "Un élément {name} à {place} ne peut pas contenir un autre {name}, à {found}",
    "structure",
)
NO_CHILDREN: Final = _of(
    "no-children",
    "Elements of type {name} cannot have children",
    "Un élément {name} n'a pas de contenu",
    "structure",
)
OUT_OF_PLACE: Final = _of(
    "out-of-place",
    "Elements of type {name} must be in a {wanted}, not a {found} at {place}",
    "Un élément {name} se trouve dans {wanted}, et non dans {found}, à {place}",
    "structure",
)
CHILDREN: Final = _of(
    "children",
    "Elements of type {name} at {place} cannot have the following children: {found}",
    "Un élément {name} à {place} ne peut pas contenir : {found}",
    "structure",
)
URL: Final = _of(
    "url",
    "The URL is not valid because '({reason})': {url}",
    "L'URL n'est pas valable ({reason}) : {url}",
)
LINK_EMPTY: Final = _of(
    "link-empty",
    "Hyperlink at '{place}' for '{text}' is empty",
    "Le lien à « {place} » pour « {text} » est vide",
)
LINK_UNRESOLVED: Final = _of(
    "link-unresolved",
    "Hyperlink '{url}' at '{place}' for '{text}' does not resolve",
    "Le lien « {url} » à « {place} » pour « {text} » ne mène nulle part",
)
LINK_AMBIGUOUS: Final = _of(
    "link-ambiguous",
    "Hyperlink '{url}' at '{place}' for '{text}' resolves to multiple targets ({count})",
    "Le lien « {url} » à « {place} » pour « {text} » mène à plusieurs cibles ({count})",
    severity="warning",
)
LINK_ACTIVE: Final = _of(
    "link-active",
    "Hyperlink scheme '{scheme}' in '{url}' at '{place}' for '{text}' has active content, which is a security risk and "
    "not allowed",
    "Le schéma « {scheme} » du lien « {url} » à « {place} » pour « {text} » porte un contenu actif : c'est un risque, "
    "il n'est pas permis",
)
LINK_LITERAL: Final = _of(
    "link-literal",
    "Hyperlink scheme '{scheme}' in '{url}' at '{place}' for '{text}' is not a valid hyperlinkable scheme",
    "Le schéma « {scheme} » du lien « {url} » à « {place} » pour « {text} » ne peut pas être suivi",
)
LINK_UNUSUAL: Final = _of(
    "link-unusual",
    "Hyperlink scheme '{scheme}' in '{url}' at '{place}' for '{text}' is not a widely supported protocol and should be "
    "checked",
    "Le schéma « {scheme} » du lien « {url} » à « {place} » pour « {text} » est peu répandu : à vérifier",
    severity="information",
)
IMAGE_UNRESOLVED: Final = _of(
    "image-unresolved",
    "Image source '{url}' at '{place}' does not resolve",
    "La source d'image « {url} » à « {place} » ne mène nulle part",
)
DUPLICATE_IDS: Final = _of(
    "duplicate-ids",
    "The XHTML of the resource contains more than one node for each of the following node ids and anchor names: {ids}",
    "Le XHTML de la ressource a plusieurs nœuds pour chacun de ces identifiants ou noms d'ancre : {ids}",
    "business-rule",
    "warning",
)
MIXED_LANGUAGES: Final = _of(
    "mixed-languages",
    "The xhtml has some language sections ({languages}), and also has content that is not in a language section",
    "Le XHTML a des sections par langue ({languages}), et du contenu hors de toute section de langue",
    "business-rule",
    "warning",
)
LANGUAGE_MISSING: Final = _of(
    "language-missing",
    "Resource has a language, but the XHTML does not have {missing} (needs both lang and xml:lang - see "
    "https://www.w3.org/TR/i18n-html-tech-lang/#langvalues)",
    "La ressource a une langue, mais le XHTML n'a pas {missing} (il faut lang et xml:lang, voir "
    "https://www.w3.org/TR/i18n-html-tech-lang/#langvalues)",
    "business-rule",
    "warning",
)
LANGUAGE_DIFFERENT: Final = _of(
    "language-different",
    "Resource has a language ({language}), and the XHTML has {attribute} ({found}), but they differ",
    "La langue de la ressource ({language}) et l'attribut {attribute} du XHTML ({found}) diffèrent",
    "business-rule",
    "warning",
)
LANGUAGES_PROHIBITED: Final = _of(
    "languages-prohibited",
    "The xhtml has some language sections ({languages}), but language sections are prohibited in this context by the "
    "profile {profile}",
    "Le XHTML a des sections par langue ({languages}), ce que le profil {profile} interdit ici",
    "business-rule",
)
LANGUAGES_REQUIRED: Final = _of(
    "languages-required",
    "The xhtml has no language sections, but language sections are required in this context by the profile {profile}",
    "Le XHTML n'a pas de section par langue, ce que le profil {profile} exige ici",
    "business-rule",
)
LANGUAGE_SECTION_MISSING: Final = _of(
    "language-section-missing",
    "The profile {profile} requires a section in the narrative for the language '{language}', but it was not found "
    "(found {languages})",
    "Le profil {profile} exige dans le narratif une section de langue « {language} », absente (présentes : "
    "{languages})",
    "business-rule",
)
LANGUAGE_SECTIONS_ABSENT: Final = _of(
    "language-sections-absent",
    "The profile {profile} requires a section in the narrative for the language '{language}', but there are no "
    "sections, or the resource has no language",
    "Le profil {profile} exige dans le narratif une section de langue « {language} », mais il n'y a pas de section, ou "
    "la ressource n'a pas de langue",
    "business-rule",
    "warning",
)


def _source(severity: Severity) -> Complaint:
    return _of(
        f"source-missing-{severity}",
        "The xhtml node at '{text}' does not have a class attribute to indicate its source (boilerplate, generated, or "
        "original) and this is required by the profile {profile}",
        "L'élément XHTML « {text} » n'a pas d'attribut class pour dire son origine (boilerplate, generated ou "
        "original), ce que le profil {profile} exige",
        "business-rule",
        severity,
    )


SOURCE_MISSING: Final = {
    "hint": _source("information"),
    "information": _source("information"),
    "warning": _source("warning"),
    "error": _source("error"),
}

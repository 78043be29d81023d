"""What a definition says, in the language asked for or else in its own, which is then marked.

Source: FHIR R4, extension "translation"; Resource.language; HTML, the attribute "lang".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fhir_gateway.fhir.outcome import Language
from fhir_gateway.guide.markup import Html, element, joined

__all__ = ["LANGUAGES", "Language", "language_of", "marked", "paragraphs", "said", "told", "translations"]

LANGUAGES: Final[tuple[Language, ...]] = ("fr", "en")
TRANSLATION: Final = "http://hl7.org/fhir/StructureDefinition/translation"

Node = Mapping[str, Any]


def said(holder: Node, name: str, language: Language, own: str | None) -> tuple[str, str | None] | None:
    """Return a text and the language it is in, where that is not the one asked for; None where there is none.

    `own`: the language of the text itself, None when nobody says which it is.
    """
    value = holder.get(name)
    translated = translations(holder.get(f"_{name}"))
    if not isinstance(value, str):
        value = next(iter(translated.values()), None)
        if value is None:
            return None
    if own is None or not _is(own, language):
        for tag, text in translated.items():
            if _is(tag, language):
                return text, None
    return value, None if own is not None and _is(own, language) else own


def translations(beside: Any) -> dict[str, str]:
    """Return the translations in what stands beside a primitive value, by language."""
    found: dict[str, str] = {}
    for extension in beside.get("extension", ()) if isinstance(beside, Mapping) else ():
        if extension.get("url") == TRANSLATION:
            parts = {each.get("url"): each for each in extension.get("extension", ())}
            tag = parts.get("lang", {}).get("valueCode")
            content = parts.get("content", {})
            text = content.get("valueString", content.get("valueMarkdown"))
            if isinstance(tag, str) and isinstance(text, str):
                found[tag] = text
    return found


def told(holder: Node, name: str, language: Language, own: str | None) -> Html | None:
    """Return a text as part of a page, marked with its language where that is another."""
    found = said(holder, name, language, own)
    return None if found is None else marked(*found)


def paragraphs(holder: Node, name: str, language: Language, own: str | None) -> Html | None:
    """Return a text of one or more paragraphs. Markdown stands as it was written: it is somebody else's."""
    found = said(holder, name, language, own)
    if found is None:
        return None
    text, tag = found
    return joined(element("p", each.strip(), lang=tag) for each in text.split("\n\n") if each.strip())


def marked(text: str, tag: str | None) -> Html:
    """Return text, marked with the language it is in when that is told."""
    return joined(text) if tag is None else element("span", text, lang=tag)


def language_of(resource: Node) -> str | None:
    """Return the language that a resource is written in; what HL7 publishes without saying so is English."""
    stated = resource.get("language")
    if isinstance(stated, str):
        return stated
    return "en" if str(resource.get("url", "")).startswith(("http://hl7.org/", "http://terminology.hl7.org/")) else None


def _is(tag: str, language: Language) -> bool:
    return tag.partition("-")[0].lower() == language

"""What every definition says of itself: address, version, state, who publishes it, by what right.

Source: FHIR R4, MetadataResource.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from fhir_gateway.guide.contents import Resource
from fhir_gateway.guide.markup import Child, Html, code, element, joined
from fhir_gateway.guide.said import Language, language_of, marked, said
from fhir_gateway.guide.words import word

_FACTS: Final = (("version", "version"), ("status", "status"), ("publisher", "publisher"), ("copyright", "licence"))
_OF_NO_LANGUAGE: Final = ("version", "status", "publisher")  # who publishes is a name


def title_of(resource: Resource, language: Language) -> tuple[Html, str]:
    """Return what a definition is called: as markup, and plain. A name is for programs, and of no language."""
    own = language_of(resource)
    found = said(resource, "title", language, own) or said(resource, "name", language, None)
    if found is None:
        id = str(resource.get("id", resource.get("url", "")))
        return joined(id), id
    return marked(*found), found[0]


def facts(resource: Resource, language: Language, more: Iterable[tuple[str, Child]] = ()) -> Html:
    """Return a list of facts, with others after the address."""
    own = language_of(resource)
    pairs: list[tuple[str, Child]] = []
    if "url" in resource:
        pairs.append((word("canonical", language), code(str(resource["url"]))))
    pairs += more
    for name, label in _FACTS:
        found = said(resource, name, language, None if name in _OF_NO_LANGUAGE else own)
        if found is not None:
            pairs.append((word(label, language), marked(*found)))
    return element("dl", (joined(element("dt", label), element("dd", value)) for label, value in pairs), class_="facts")

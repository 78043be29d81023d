"""The countries of ISO 3166-1 as a code system: three codes for each, named in French and English.

Source: ISO 3166-1; FHIR R4, "Using ISO 3166 Codes with FHIR".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from fhir_gateway.terminology.code_system import CodeSystem
from fhir_gateway.terminology.grammars import ISO_3166
from fhir_gateway.terminology.iso_codes import Country, country_codes

_ARTICLE = re.compile(r" \(the\)|(?<=\()the ")
_SYNONYM = {"system": "http://snomed.info/sct", "code": "900000000000013009", "display": "Synonym"}


@cache
def countries_system() -> CodeSystem:
    """Return the code system; the same object each time, not to be changed."""
    return CodeSystem(
        {
            "resourceType": "CodeSystem",
            "url": ISO_3166,
            "name": "ISO3166Part1",
            "title": "ISO 3166-1 : codes des pays",
            "status": "active",
            "language": "fr",
            "caseSensitive": True,
            "content": "complete",
            "concept": [
                {"code": code, "display": country.french, "designation": list(_english(country))}
                for code, country in country_codes().items()
            ],
        }
    )


def _english(country: Country) -> Iterator[dict[str, Any]]:
    """Yield the name as ISO writes it, then without its article, as it is written elsewhere."""
    yield {"language": "en", "value": country.english}
    plain = _ARTICLE.sub("", country.english)
    if plain != country.english:
        yield {"language": "en", "use": _SYNONYM, "value": plain}

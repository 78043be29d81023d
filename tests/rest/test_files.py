"""Files through HTTP: $dossier as NDJSON and zip, the next page as a Link, $import-result of a file as it is.

Source: FHIR R4, RESTful API; RFC 8288 (Link); `profiles/pfmg/input/fsh/operations.fsh`.
"""

from __future__ import annotations

import pytest

from fhir_gateway.rest.negotiate import container_of


@pytest.mark.parametrize(
    ("accept", "format_", "found"),
    [
        ("application/x-ndjson", None, "ndjson"),
        ("application/zip", None, "zip"),
        ("application/fhir+json", None, None),
        ("application/zip;q=0.5, application/fhir+json", None, None),
        ("application/fhir+json;q=0.1, application/zip", None, "zip"),
        ("*/*", None, None),
        (None, None, None),
        ("application/fhir+json", "zip", "zip"),
        ("application/zip", "json", None),
        (None, "application/fhir ndjson", "ndjson"),
        ("application/zip;q=0", None, None),
    ],
)
def test_the_accept_header_and_format_say_which_files(accept: str | None, format_: str | None, found: str | None):
    assert container_of(accept, format_) == found

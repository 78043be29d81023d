"""The official R4 examples and definitions, read from HL7's package beside the checkout."""

from __future__ import annotations

import os
import re
import tarfile
from collections.abc import Iterator
from functools import cache

from tests.shared_data import shared

PACKAGE = "hl7.fhir.r4.examples-4.0.1.tgz"
_DEFINITIONS = re.compile(
    r"(?:StructureDefinition|ValueSet|CodeSystem|SearchParameter|ConceptMap|OperationDefinition)-"
)
# Bundles that hold the definitions again; with FHIR_GATEWAY_SUITES=full they are read too.
_LARGE = 2_000_000
_EVERY = 40


@cache
def official_examples() -> tuple[tuple[str, bytes], ...]:
    """Return name and body of each example; of the definitions one in forty, all with FHIR_GATEWAY_SUITES=full."""
    return tuple(_read(full=os.environ.get("FHIR_GATEWAY_SUITES") == "full"))


def _read(full: bool) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(shared("packages", PACKAGE)) as package:
        for number, member in enumerate(package):
            folder, _, name = member.name.rpartition("/")
            # `.index.json` and `package.json` describe the package.
            if folder != "package" or not name.endswith(".json") or name in (".index.json", "package.json"):
                continue
            if not full and (member.size > _LARGE or (_DEFINITIONS.match(name) and number % _EVERY)):
                continue
            file = package.extractfile(member)
            assert file is not None, name
            yield name, file.read()

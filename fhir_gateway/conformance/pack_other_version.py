"""The elements of another FHIR version that R4 has not, made from its core package into one small data file.

    python -m fhir_gateway.conformance.pack_other_version hl7.fhir.r5.core-5.0.0.tgz

Source: FHIR R4, Version Management, "Extensions for converting between versions"; FHIR NPM Packages specification.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.conformance.fhir_package import open_package
from fhir_gateway.conformance.package import data_folder

_BASE = "http://hl7.org/fhir/StructureDefinition/"
_SYSTEM = "http://hl7.org/fhirpath/System."
_KINDS = ("resource", "complex-type")
# Every element has these, in every version.
_EVERYWHERE = frozenset({"id", "extension", "modifierExtension", "contained", "meta", "implicitRules", "language"})


def elements_of(path: Path) -> dict[str, dict[str, Any]]:
    """Return by path what is told of each element of a version: its types, whether it modifies, what is below it.

    What R4 has with the same types is there without types: it has no extension. Raises: PackageError.
    """
    package = open_package(path)
    found: dict[str, dict[str, Any]] = {}
    for entry in package.of_kind("StructureDefinition"):
        definition = package.read(entry)
        if definition.get("derivation") != "specialization" or definition.get("kind") not in _KINDS:
            continue
        own = definitions().structure(_BASE + definition["type"])
        known = {each["path"]: _types(each) for each in own["snapshot"]["element"]} if own is not None else {}
        elements = [each for each in definition["snapshot"]["element"] if "." in each["path"]]
        for element in elements:
            place, types = element["path"], _types(element)
            if place.rpartition(".")[2] in _EVERYWHERE:
                continue
            said: dict[str, Any] = {}
            below = [each["path"] for each in elements if each["path"].rpartition(".")[0] == place]
            names = [name for name in (each.rpartition(".")[2] for each in below) if name not in _EVERYWHERE]
            if names and place not in known:
                said["elements"] = names
            elif not names and (new := sorted(types - known.get(place, set()))):
                said["types"] = new
            if said and element.get("isModifier"):
                said["modifier"] = True
            found[place] = said
    return found


def _types(element: dict[str, Any]) -> set[str]:
    return {_type(each["code"]) for each in element.get("type", ())}


def _type(code: str) -> str:
    return code.removeprefix(_SYSTEM).lower() if code.startswith(_SYSTEM) else code


def main() -> int:
    path = Path(sys.argv[1])
    version = ".".join(open_package(path).identity.fhir_versions[0].split(".")[:2])
    lines = (f"{json.dumps(place)}: {json.dumps(said)}" for place, said in sorted(elements_of(path).items()))
    target = data_folder("profiles") / "other-versions" / f"{version}.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    sys.stdout.write(f"{target.name}: {target.stat().st_size} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

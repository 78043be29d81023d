"""Makes a definitions file from a FHIR npm package: every definition, nothing of narrative, the same bytes each time.

    python -m fhir_gateway.conformance.pack hl7.fhir.r4.examples-4.0.1.tgz profiles/r4/hl7.fhir.r4.core-4.0.1.zip

Source: FHIR NPM Packages specification; FHIR R4, "Narrative"; "License and Legal Terms".
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tarfile
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from fhir_gateway.conformance.package import MANIFEST, SUFFIX, Package
from fhir_gateway.fhir.number import Number

KINDS = (
    "StructureDefinition", "SearchParameter", "ValueSet", "CodeSystem", "ConceptMap", "OperationDefinition",
    "CompartmentDefinition", "NamingSystem", "CapabilityStatement",
)  # fmt: skip

# HL7 publishes displays of SNOMED CT by agreement with its owner, with this notice; without it they are not carried.
# LOINC's licence asks for one notice with the whole, which lies beside the file made here.
SNOMED = "http://snomed.info/sct"
SNOMED_NOTICE = re.compile(r"SNOMED|IHTSDO", re.IGNORECASE)

Resource = dict[str, Any]


def _as_written(number: Any) -> msgspec.Raw:
    return msgspec.Raw(number.text)


_decode = msgspec.json.Decoder(float_hook=Number).decode
_encode = msgspec.json.Encoder(enc_hook=_as_written).encode


def read_package(path: Path) -> tuple[Resource, list[Resource]]:
    """Return a package's own `package.json` and its resources. Raises: ValueError when it is no FHIR package."""
    own: Resource | None = None
    resources: list[Resource] = []
    with tarfile.open(path, "r:gz") as file:
        for member in file:
            folder, _, name = member.name.rpartition("/")
            if folder != "package" or not name.endswith(".json") or name.startswith("."):
                continue
            content = _decode(file.extractfile(member).read())  # type: ignore[union-attr]  # it is a file
            if name == "package.json":
                own = content
            elif "resourceType" in content:
                resources.append(content)
    if own is None:
        raise ValueError(f"{path.name} holds no package/package.json: it is no FHIR npm package")
    return own, resources


def is_definition(resource: Resource) -> bool:
    """Tell a definition from an example instance: of HL7's eight capability statements three are mere examples."""
    if resource["resourceType"] == "CapabilityStatement":
        return str(resource.get("url")).startswith("http://hl7.org/fhir/")
    return resource["resourceType"] in KINDS


def member_of(resource: Resource) -> str:
    """Return the member a definition belongs to: types, profiles and extensions lie apart, to be read apart."""
    kind: str = resource["resourceType"]
    if kind != "StructureDefinition":
        return kind
    if resource.get("derivation") != "constraint":
        return f"{kind}.type"
    return f"{kind}.extension" if resource["type"] == "Extension" else f"{kind}.profile"


def without_narrative(resource: Resource) -> Resource:
    """Return the resource without `text`, its contained resources too."""
    bare = {name: value for name, value in resource.items() if name != "text"}
    if "contained" in bare:
        bare["contained"] = [without_narrative(inner) for inner in bare["contained"]]
    return bare


def drop_snomed_displays(resource: Resource) -> int:
    """Remove displays of SNOMED CT from a resource that does not carry its notice; return how many.

    A display in a StructureDefinition may be part of a pattern and would have to stay: R4 has none of SNOMED CT there.
    """
    if SNOMED_NOTICE.search(str(resource.get("copyright"))):
        return 0
    dropped = 0
    for system, concept in _concepts(resource):
        if system == SNOMED and "display" in concept:
            del concept["display"]
            dropped += 1
    return dropped


def _concepts(node: Any, system: str = "") -> Iterator[tuple[str, Resource]]:
    """Yield every object that holds a code, with the system it is of: its own, or that of what it stands in."""
    if isinstance(node, list):
        for item in node:
            yield from _concepts(item, system)
    elif isinstance(node, dict):
        own = node.get("system", system)
        own = own if isinstance(own, str) else system
        if "code" in node:
            yield own, node
        for name, value in node.items():
            # ConceptMap.group.element.target is of group.target, all else of it of group.source.
            below = {"element": node.get("source", own), "target": node.get("target", own)}.get(name, own)
            yield from _concepts(value, below if isinstance(below, str) else own)


def members_of(source: Path) -> dict[str, bytes]:
    """Return what a definitions file made from the package `source` holds: the manifest, then NDJSON, by member."""
    own, resources = read_package(source)
    members: defaultdict[str, list[Resource]] = defaultdict(list)
    dropped = 0
    for resource in resources:
        if is_definition(resource):
            bare = without_narrative(resource)
            dropped += drop_snomed_displays(bare)
            members[member_of(bare)].append(bare)
    contents = {name: ndjson(in_order(members[name])) for name in sorted(members)}
    manifest = {
        "name": "hl7.fhir.r4.core" if own["name"] == "hl7.fhir.r4.examples" else own["name"],
        "version": own["version"],
        "fhirVersions": own.get("fhirVersions", [own["version"]]),
        "canonical": own["canonical"],
        "license": own["license"],
        "source": {"package": own["name"], "sha256": sha256(source.read_bytes()).hexdigest()},
        "left-out": {"narrative": "all", "displays of SNOMED CT without its notice": dropped},
        "members": {
            name: {"count": len(members[name]), "sha256": sha256(content).hexdigest()}
            for name, content in contents.items()
        },
    }
    encoded = json.dumps(manifest, indent=1).encode()
    return {MANIFEST: encoded} | {name + SUFFIX: content for name, content in contents.items()}


def in_order(resources: Iterable[Resource]) -> list[Resource]:
    """Return resources in the order of a member."""
    return sorted(resources, key=lambda resource: (resource.get("url") or "", resource["id"]))


def ndjson(resources: Iterable[Resource]) -> bytes:
    """Return resources as NDJSON, numbers as they were written."""
    return b"".join(_encode(resource) + b"\n" for resource in resources)


def pack(source: Path, out: Path) -> None:
    """Write the definitions of the package `source` to the file `out`. Raises: ValueError when it is no package."""
    write(members_of(source), out)


def write(members: Mapping[str, bytes], out: Path) -> None:
    """Write the members of a definitions file; equal members give equal bytes."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(out, "w") as file:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)  # its date is 1980-01-01: equal content gives equal bytes
            info.compress_type = zipfile.ZIP_LZMA
            info.create_system = 3
            info.external_attr = 0o644 << 16
            file.writestr(info, content)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(description="Write the definitions of a FHIR npm package to one data file.")
    parser.add_argument("package", type=Path, help="the package, a .tgz file")
    parser.add_argument("out", type=Path, help="the file to write, a .zip")
    options = parser.parse_args(arguments)
    pack(options.package, options.out)
    for name, member in Package(options.out).manifest()["members"].items():
        sys.stdout.write(f"{member['count']:6} {name}\n")
    sys.stdout.write(f"{options.out.stat().st_size:,} bytes: {options.out}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Makes the data file of a package that comes with the gateway.

    python -m fhir_gateway.conformance.pack_carried hl7.fhir.uv.genomics-reporting-3.0.0.tgz OUT.zip
    python -m fhir_gateway.conformance.pack_carried FOLDER OUT.zip --only URL …

The first takes all definitions of an npm package, or of the folder `package` of one; `--only` takes those named and
what they name of the same package. Nothing of narrative is carried; equal input gives equal bytes.

Source: FHIR NPM Packages specification; FHIR R4, "Narrative"; "License and Legal Terms".
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from fhir_gateway.conformance.carried import row_of
from fhir_gateway.conformance.pack import (
    KINDS,
    Resource,
    drop_snomed_displays,
    in_order,
    member_of,
    ndjson,
    read_package,
    without_narrative,
    write,
)
from fhir_gateway.conformance.package import MANIFEST, SUFFIX
from fhir_gateway.conformance.pinning import canonicals
from fhir_gateway.fhir.json import decode

# Beside the definitions that R4's own file holds.
MORE_KINDS = ("ImplementationGuide", "GraphDefinition")


def members_of(own: Resource, resources: Iterable[Resource], source: Resource, part: bool = False) -> dict[str, bytes]:
    """Return what a data file holds: the manifest with an index, then NDJSON, by member.

    `own`: the package.json; `source`: what the resources come from; `part`: they are not all of the package.
    """
    members: defaultdict[str, list[Resource]] = defaultdict(list)
    dropped = 0
    for resource in resources:
        bare = without_narrative(resource)
        dropped += drop_snomed_displays(bare)
        members[member_of(bare)].append(bare)
    ordered = {name: in_order(members[name]) for name in sorted(members)}
    contents = {name: ndjson(found) for name, found in ordered.items()}
    manifest = {
        "name": own["name"],
        "version": own["version"],
        "fhirVersions": own["fhirVersions"],
        "canonical": own["canonical"],
        "license": own["license"],
        "dependencies": own.get("dependencies", {}),
        "part": part,
        "source": source,
        "left-out": {"narrative": "all", "displays of SNOMED CT without its notice": dropped},
        "members": {
            name: {"count": len(ordered[name]), "sha256": sha256(content).hexdigest()}
            for name, content in contents.items()
        },
        "profiles": _profiles(ordered.get("StructureDefinition.profile", ())),
        "index": [row_of(name, resource) for name, found in ordered.items() for resource in found],
    }
    encoded = json.dumps(manifest, indent=1, ensure_ascii=False).encode()
    return {MANIFEST: encoded} | {name + SUFFIX: content for name, content in contents.items()}


def _profiles(structures: Sequence[Resource]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in structures:
        if each["kind"] == "resource":
            found.setdefault(each["type"], []).append(f"{each['url']}|{each['version']}")
    return found


def is_carried(resource: Resource) -> bool:
    """Tell definitions from examples."""
    return resource["resourceType"] in (*KINDS, *MORE_KINDS)


def read_folder(folder: Path) -> tuple[Resource, list[Resource]]:
    """Return the package.json and the resources of an unpacked package."""
    own: dict[str, Any] = json.loads((folder / "package.json").read_bytes())
    files = sorted(path for path in folder.glob("*.json") if path.name != "package.json" and path.name[0] != ".")
    resources = [decode(path.read_bytes()) for path in files]
    return own, [each for each in resources if "resourceType" in each]


def closure(resources: Sequence[Resource], urls: Iterable[str]) -> list[Resource]:
    """Return the definitions with some canonicals, and those they name; what others define is left out.

    Raises: KeyError for a canonical that none of the definitions has.
    """
    by_url = {each["url"]: each for each in resources if "url" in each}
    queue = list(urls)
    found = {url: by_url[url] for url in queue}
    for url in queue:
        for _, holder, key in canonicals(found[url]):
            named = str(holder[key]).partition("|")[0]
            if named in by_url and named not in found:
                found[named] = by_url[named]
                queue.append(named)
    return list(found.values())


def pack(source: Path, out: Path, only: Sequence[str] = ()) -> None:
    """Write the data file of a package. Raises: ValueError when it is none, KeyError for a canonical it has not."""
    own, resources = read_folder(source) if source.is_dir() else read_package(source)
    chosen = [each for each in resources if is_carried(each)]
    told: Resource = {"package": own["name"], "version": own["version"]}
    if source.is_file():
        told["sha256"] = sha256(source.read_bytes()).hexdigest()
    if only:
        chosen = closure(chosen, only)
    write(members_of(own, chosen, told, part=bool(only)), out)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(description="Write the data file of a FHIR package that comes with the gateway.")
    parser.add_argument("package", type=Path, help="the package, a .tgz file or a folder")
    parser.add_argument("out", type=Path, help="the file to write, a .zip")
    parser.add_argument("--only", nargs="+", default=[], help="canonicals: these, and what they name, only")
    options = parser.parse_args(arguments)
    pack(options.package, options.out, options.only)
    sys.stdout.write(f"{options.out.stat().st_size:,} bytes: {options.out}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The terminology that the gateway brings itself, with what an operator lays over it.

Data: the folder `terminology/`, whose README says what ships. A file laid over takes the place of a shipped one of the
same type and url, whatever its version; another version of a shipped one stays known by "url|version".

Source: FHIR R4, Terminology Module; References, "Canonical References".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.fhir.data_folder import data_folder
from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.terminology import content_complaints as complaints
from fhir_gateway.terminology.content import ContentError, File, Resource


class Shipped:
    """Resources by type and canonical; immutable, shared by all threads. None of them may be changed.

    `folders`: the last lies over those before it. Raises: ContentError with all that is wrong in any of their files.
    """

    def __init__(self, folders: Iterable[Path], base: str = CANONICAL_BASE) -> None:
        self._resources: dict[str, dict[str, list[Resource]]] = {}
        issues: list[Issue] = []
        for folder in folders:
            if folder.is_dir():
                issues += self._lay(folder, base)
            else:
                issues.append(complaints.FOLDER_ABSENT.at(folder=folder))
        if issues:
            raise ContentError(*issues)

    def _lay(self, folder: Path, base: str) -> list[Issue]:
        issues: list[Issue] = []
        here: dict[tuple[str, str, str], str] = {}
        for path in sorted(folder.rglob("*.json")):
            file = File(path, str(path.relative_to(folder.parent)), base)
            for place, resource in file.resources:
                kind, url = resource["resourceType"], resource.get("url")
                if not isinstance(url, str):
                    # A NamingSystem of R4 has no url: its name says which it is.
                    url = f"{kind}/{resource.get('name')}" if kind == "NamingSystem" else ""
                key = (kind, url, str(resource.get("version", "")))
                if key in here:
                    file.complain(complaints.TWICE, place, url=url, other=here[key])
                here[key] = file.name
                there = self._resources.setdefault(kind, {}).setdefault(url, [])
                there[:] = [resource, *(each for each in there if each.get("version") != resource.get("version"))]
            issues += file.issues
        return issues

    def resource(self, kind: str, canonical: str) -> Resource | None:
        """Return a resource by "url" or "url|version" ("1.0" is any 1.0.x); None when there is none."""
        url, _, version = canonical.partition("#")[0].partition("|")
        for each in self._resources.get(kind, {}).get(url, ()):
            own = str(each.get("version", ""))
            if version in ("", own) or own.startswith(f"{version}."):
                return each
        return None

    def resources(self, kind: str) -> Iterator[Resource]:
        """Yield all resources of a type, of each url the one laid last first."""
        for versions in self._resources.get(kind, {}).values():
            yield from versions

    def structure(self, url: str) -> Resource | None:
        """Return None: no StructureDefinition ships here."""
        return None


@cache
def shipped(folders: tuple[Path, ...] = (), base: str = CANONICAL_BASE) -> Shipped:
    """Return what ships, with folders laid over it; the same object for the same folders.

    Raises: ContentError with all that is wrong in any of their files.
    """
    return Shipped((data_folder("terminology"), *folders), base)

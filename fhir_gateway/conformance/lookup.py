"""Where conformance resources are asked for by canonical url: R4's own, those of packages, those of a server.

Source: FHIR R4, References, "Canonical URLs"; Conformance Module.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

Resource = dict[str, Any]


class Lookup(Protocol):
    """What knows conformance resources. Each may be asked with `url` or `url|version`.

    A resource given must not be changed: it may be the one that everybody is given.
    """

    def structure(self, url: str) -> Resource | None:
        """Return a StructureDefinition, None when there is none."""
        ...

    def resource(self, kind: str, url: str) -> Resource | None:
        """Return the resource of a type with this canonical url, None when there is none."""
        ...

    def resources(self, kind: str) -> Iterator[Resource]:
        """Yield all resources of a type."""
        ...


def split(canonical: str) -> tuple[str, str | None]:
    """Return the url of a canonical and its version (None: any); a fragment belongs to neither.

    Source: FHIR R4, References, "Canonical References": "url|version#fragment".
    """
    url, bar, version = canonical.partition("#")[0].partition("|")
    return url, version if bar and version else None

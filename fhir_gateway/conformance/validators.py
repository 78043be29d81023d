"""Validators put together: R4's own definitions, packages laid over them, snapshots, and what codes mean.

Every validator made here knows the packages that come with the gateway; those installed lie over them.

Source: FHIR R4, Validating Resources; FHIR NPM Packages specification.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.conformance.known_packages import OverR4, carried_over, packages_of
from fhir_gateway.conformance.lookup import Lookup
from fhir_gateway.conformance.package_folder import users_folder
from fhir_gateway.conformance.snapshot import Snapshots
from fhir_gateway.conformance.validation.bindings import Terminology
from fhir_gateway.conformance.validation.schema import Generate
from fhir_gateway.conformance.validation.validator import Validator
from fhir_gateway.terminology.library import Library
from fhir_gateway.terminology.shipped import shipped


@cache
def r4_validator() -> Validator:
    """Return a validator that knows R4, what ships and what is carried; the same object throughout a process."""
    return validator_with(carried_over(OverR4(shipped(), definitions(), any_version=True)))


def validator_of(
    packages: Sequence[str],
    folder: Path | None = None,
    cache_folder: Path | None = None,
    terminology: Sequence[str | Path] = (),
    library: Terminology | None = None,
) -> Validator:
    """Return a validator that knows R4, what ships or is carried, and some packages: names, `name@version`, files
    (.tgz) or folders.

    `folder`: where packages lie that are named, and those that others depend on; None: the user's. `terminology`:
    folders of code systems, value sets and maps laid over those that ship. `library`: what is asked about codes in
    their place.
    Raises: PackageError, ContentError with all that is wrong with any package, or with any such folder.
    """
    content = shipped(tuple(map(Path, terminology)))
    if packages:
        known = packages_of(packages, folder or users_folder(), cache_folder, content)
        return validator_with(known, cache_folder, library)
    if not terminology and library is None:
        return r4_validator()
    last = OverR4(content, definitions(cache_folder), any_version=True)
    return validator_with(carried_over(last), cache_folder, library)


def validator_with(lookup: Lookup, cache_folder: Path | None = None, library: Terminology | None = None) -> Validator:
    """Return a validator that knows what a lookup does, snapshots made where there are none; `library` as above."""
    strict, lenient = Snapshots(lookup), Snapshots(lookup, lenient=True)
    lock = threading.Lock()

    def alone(generate: Generate) -> Generate:
        def generated(definition: Mapping[str, Any]) -> Mapping[str, Any]:
            with lock:
                return generate(definition)

        return generated

    types = definitions(cache_folder).types
    return Validator(types, lookup, library or Library(lookup), alone(strict.generate), alone(lenient.generate))

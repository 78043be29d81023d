"""The validator: a resource and its profiles in, all that is wrong out.

Source: FHIR R4, Validating Resources.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from fhir_gateway.conformance.validation import intake, values
from fhir_gateway.conformance.validation.alike import Alike
from fhir_gateway.conformance.validation.bindings import Bindings, Terminology
from fhir_gateway.conformance.validation.findings import Finding
from fhir_gateway.conformance.validation.format_complaints import EMPTY_LINE
from fhir_gateway.conformance.validation.intake import Intake
from fhir_gateway.conformance.validation.location import JsonSource, Source
from fhir_gateway.conformance.validation.parts import Resolve
from fhir_gateway.conformance.validation.scan import StrictPlans, strict_plans_of
from fhir_gateway.conformance.validation.schema import Generate, Lookup, Schemas
from fhir_gateway.conformance.validation.verdicts import Verdict, Verdicts
from fhir_gateway.conformance.validation.walk import Knowledge, Walk, Wishes
from fhir_gateway.fhir.fhirpath import Engine, Model, Node
from fhir_gateway.fhir.types import Types

USUAL = Wishes()


class Validator:
    """Judges resources; any number of threads may use one.

    `lookup`: where profiles come from. `generate`: makes snapshots of definitions that have none, and refuses what is
    wrong with them; `lenient`: the same for profiles that resources are held to, as far as these can be taken.
    """

    def __init__(
        self,
        types: Types,
        lookup: Lookup,
        terminology: Terminology | None = None,
        generate: Generate | None = None,
        lenient: Generate | None = None,
    ) -> None:
        self._types = types
        self.engine = Engine(Model(types))
        self._knowledge = Knowledge(Schemas(lookup, generate, lenient), self.engine, Bindings(terminology))
        self._alike = Alike(self._knowledge, strict_plans_of(types))

    @classmethod
    def for_r4(cls, packages: Sequence[str | Path] = (), folder: Path | None = None) -> Validator:
        """Return a validator that knows R4 and some packages: `name`, `name@version`, a .tgz file or a folder.

        `folder`: where packages lie that are named, and those that others depend on; None: the user's package cache.
        Raises: PackageError with all that is wrong with any of them.
        """
        from fhir_gateway.conformance.validators import validator_of

        return validator_of([str(each) for each in packages], folder)

    def validate_file(self, path: str | Path, profiles: Sequence[str] = (), wishes: Wishes = USUAL) -> list[Finding]:
        """Return all that is wrong with the resource in a file, or with each of an NDJSON file.

        Raises: OSError when the file cannot be read.
        """
        body = Path(path).read_bytes()
        return self.validate_bytes(body, format_of(str(path), body), profiles, wishes)

    def validate(
        self,
        resource: dict[str, Any],
        profiles: Sequence[str] = (),
        wishes: Wishes = USUAL,
        verdicts: Verdicts | None = None,
    ) -> list[Finding]:
        """Return all that is wrong with a decoded resource: its structure, its type's rules, those of its profiles.

        `verdicts`: those of resources that were looked at with the same wishes (but for what `resolve` finds) and the
        same terminology; they count where no profiles are given.
        """
        if verdicts is None or profiles:
            return self._judged(intake.of_value(resource, self._plans(wishes)), profiles, wishes)
        return [replace(each) for each in self.verdict(resource, wishes, verdicts).findings]

    def verdict(self, resource: dict[str, Any], wishes: Wishes, verdicts: Verdicts) -> Verdict:
        """Return what is wrong with a decoded resource, as `validate` does, with what was made of it before.

        `verdicts`: those of resources that were looked at with the same wishes and the same terminology.
        """
        plans = self._plans(wishes)
        if not wishes.example_urls or wishes.security:
            return Verdict(tuple(self._judged(intake.of_value(resource, plans), (), wishes)))
        is_plain = wishes.language is not None
        likeness = self._alike.likeness(resource, wishes.resolve, is_plain)
        known = None if likeness is None else verdicts.of(likeness)
        if known is not None:
            return known
        extent = self._alike.codes.current()
        taken = intake.of_value(resource, plans)
        is_whole = taken.scan is not None and taken.scan.sound and taken.resource is resource
        verdict = Verdict(tuple(replace(each, node=None) for each in self._judged(taken, (), wishes)))
        if likeness is not None and is_whole:
            if self._alike.codes.current() != extent:
                likeness = self._alike.likeness(resource, wishes.resolve, is_plain)  # by what is known now
            if likeness is not None:
                verdicts.keep(likeness, resource, verdict)
        return verdict

    def known(self, resource: dict[str, Any], resolve: Resolve | None, verdicts: Verdicts) -> Verdict | None:
        """Return what is known already of resources like one, all of which are sound; None where nothing is."""
        likeness = self._alike.likeness(resource, resolve)
        return None if likeness is None else verdicts.of(likeness)

    def validate_bytes(
        self,
        body: bytes,
        format: Literal["json", "xml", "ndjson"] = "json",
        profiles: Sequence[str] = (),
        wishes: Wishes = USUAL,
    ) -> list[Finding]:
        """Return all that is wrong with a resource as it was sent, or with each of those that the lines of NDJSON are.

        Findings know their line and column. Nothing is raised, whatever the bytes are.
        """
        if format == "xml":
            return self._judged(intake.of_xml(body, self._plans(wishes)), profiles, wishes)
        if format == "json":
            return self._judged(intake.of_json(body, self._plans(wishes)), profiles, wishes)
        findings: list[Finding] = []
        lines = body.removesuffix(b"\n").split(b"\n")
        for number, line in enumerate(lines, start=1):
            if line.strip():
                taken = intake.of_json(line, self._plans(wishes), number)
                findings += self._judged(taken, profiles, wishes)
            else:
                findings.append(Finding(EMPTY_LINE.at(None), source=JsonSource(b"", number), spot=0))
        return findings

    def _plans(self, wishes: Wishes) -> StrictPlans:
        return strict_plans_of(self._types, doubt_uris=not wishes.example_urls)

    def _judged(self, taken: Intake, profiles: Sequence[str], wishes: Wishes) -> list[Finding]:
        """Return what the intake found, and what the values and rules of the resource are found to break."""
        findings, source = taken.findings, taken.source
        if taken.resource is None or taken.scan is None:
            return _placed(findings, source)
        sound = not taken.scan.mistyped and not any(finding.is_error for finding in findings)
        findings += map(Finding, values.issues_of(taken.scan, wishes.security, wishes.example_urls))
        findings += self.rules(taken.resource, profiles, wishes, sound)
        return _placed(findings, source)

    def rules(
        self, resource: dict[str, Any], profiles: Sequence[str] = (), wishes: Wishes = USUAL, sound: bool = True
    ) -> list[Finding]:
        """Return what is wrong with a resource whose structure has been checked already."""
        type = resource.get("resourceType") if isinstance(resource, dict) else None
        if not isinstance(type, str) or type not in self.engine.model.resources:
            return []
        walk = Walk(self._knowledge, wishes, Node(resource, str(type)), sound)
        walk.resource(walk.root, profiles)
        return walk.findings

    def knows(self, profile: str) -> bool:
        """Tell whether a profile is among the definitions."""
        return self._knowledge.schemas.of(profile) is not None


def _placed(findings: list[Finding], source: Source | None) -> list[Finding]:
    """Return findings that know the text that they are in."""
    if source is not None:
        for each in findings:
            if each.source is None:
                each.source = source
    return findings


def format_of(name: str, body: bytes) -> Literal["json", "xml", "ndjson"]:
    """Return the format of a file: by its name's ending, else by how it begins."""
    suffix = Path(name).suffix.lower()
    if suffix == ".ndjson":
        return "ndjson"
    if suffix in (".xml", ".json"):
        return "xml" if suffix == ".xml" else "json"
    return "xml" if body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<" else "json"

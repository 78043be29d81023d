"""Validation for the acts: what a resource is held to when it is written, and where its references are looked up.

`$validate` and every write ask here, so that the one never lies about the other. It takes place before any lock is
held, on the resource as it was sent; of a patch, on what it makes.

Source: FHIR R4, Validating Resources; RESTful API, "create", "update" (422 Unprocessable Entity).
"""

from __future__ import annotations

import gc
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.outcome import Complaint, Issue, Unprocessable
from fhir_gateway.fhir.references import parse
from fhir_gateway.fhir.resource import bounded
from fhir_gateway.interactions.entry import Entry
from fhir_gateway.interactions.interaction import Interaction, Sent

# The validator is imported when something is first validated: a start does not wait for its modules.
if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.findings import Finding
    from fhir_gateway.conformance.validation.validator import Validator
    from fhir_gateway.conformance.validation.verdicts import Verdict, Verdicts
    from fhir_gateway.conformance.validation.walk import Wishes
    from fhir_gateway.fhir.fhirpath import Engine
    from fhir_gateway.interactions.gateway import Gateway
    from fhir_gateway.terminology.at_hand import LiveLibrary
    from fhir_gateway.terminology.library import Library

# structure: what reading the body checks, and nothing beyond it; base: the definition of the type (cardinality,
# required bindings, invariants); profiles: also the profiles that the resource claims in meta.profile.
Strictness = Literal["structure", "base", "profiles"]
Unknown = Literal["warn", "refuse"]

Resource = dict[str, Any]

# Compiled before anybody sends one, the last first.
_COMMONEST = (
    "DiagnosticReport", "Specimen", "ServiceRequest", "Practitioner", "Organization", "Condition", "Encounter",
    "Observation", "Patient",
)  # fmt: skip
_NEVER = 3600.0
_TARGETS = 500  # resources that references lead to, remembered from one entry of a transaction to the next


_NONE_MET: Mapping[int, Sequence[str]] = {}


class NotValid(Unprocessable):
    """What is to be written is not what FHIR, or a profile that it claims, demands."""


class Validation:
    """How strict writes are, and the validator, which is made when it is first asked for; threads share it."""

    def __init__(
        self,
        make: Callable[[], Validator],
        strictness: Strictness = "profiles",
        unknown_profiles: Unknown = "warn",
        unknown_extensions: Unknown = "warn",
        library: LiveLibrary | None = None,
    ) -> None:
        """Take how to make the validator. `library`: the terminology it asks, to be kept up to date."""
        self._library = library
        self.strictness = strictness
        self.unknown_profiles = unknown_profiles
        self.unknown_extensions = unknown_extensions
        self._make = make
        self._made: Validator | None = None
        self._cold = [*_COMMONEST]
        self._lock = threading.Lock()
        self._judged_by: Library | None = None
        self._verdicts: dict[bool, Verdicts] = {}  # by whether claimed profiles are followed

    @property
    def validator(self) -> Validator:
        if self._made is None:
            with self._lock:
                if self._made is None:
                    self._made = self._make()
        return self._made

    def warm(self, gateway: Gateway) -> float:
        """Compile the rules of one more of the commonest types: a step in the background; returns when to go on."""
        if self.strictness == "structure" or not self._cold:
            return _NEVER
        type = self._cold.pop()
        self.of_write(gateway, {"resourceType": type, "meta": {}, "text": {}}, "")
        if not self._cold:
            # The rules stay as long as the process: no collection need look at them again.
            gc.collect()
            gc.freeze()
        return 0.0

    @property
    def engine(self) -> Engine:
        """FHIRPath, compiled once for all."""
        return self.validator.engine

    def findings(
        self,
        gateway: Gateway,
        resource: Resource,
        base: str,
        *,
        profiles: Sequence[str] = (),
        strictness: Strictness = "profiles",
        within: Mapping[str, Resource] | None = None,
        met: Mapping[int, Sequence[str]] = _NONE_MET,
        sent: Sent | None = None,
    ) -> list[Finding]:
        """Return what is wrong with a resource; with the text it was read from, also with that, and at which line.

        What does not forbid a write is a warning: a display of its own, a code that its system does not have where no
        binding asks for one. `base`: the service base its references may begin with. `profiles`: canonicals it must
        meet besides those it claims. `within`: what is sent with it, by the URLs that refer to it; `met`: the profiles
        that some of that is known to meet, by the id() of it.
        """
        if strictness == "structure" and not profiles:
            return []
        is_claimed = strictness == "profiles"
        here = _Here(gateway, base) if self._needs_targets(resource, profiles, is_claimed) else None
        wishes = self._wishes(is_claimed, _resolving(within or {}, here), met)
        verdicts = self._verdicts_by(gateway, is_claimed)
        if sent is None:
            found = self.validator.validate(resource, profiles, wishes, verdicts)
        else:
            found = self.validator.validate_bytes(sent.body, sent.kind, profiles, wishes)
        return [_advised(each) for each in found]

    def _wishes(self, is_claimed: bool, resolve: Resolve, met: Mapping[int, Sequence[str]]) -> Wishes:
        from fhir_gateway.conformance.validation.walk import Wishes

        return Wishes(
            claimed=is_claimed,
            unknown_profiles=self.unknown_profiles == "refuse",
            any_extensions=self.unknown_extensions == "warn",
            resolve=resolve,
            wrong_displays="warning",
            met=met,
        )

    def _verdicts_by(self, gateway: Gateway, is_claimed: bool) -> Verdicts:
        """Return the verdicts that hold with the terminology of the moment, which validation asks from now on."""
        from fhir_gateway.conformance.validation.verdicts import Verdicts

        if self._library is not None:
            library = gateway.terminology.library(gateway)
            self._library.current = library
            if library is not self._judged_by:
                self._judged_by, self._verdicts = library, {}
        verdicts = self._verdicts
        return verdicts.get(is_claimed) or verdicts.setdefault(is_claimed, Verdicts())

    def _needs_targets(self, resource: Resource, profiles: Sequence[str], is_claimed: bool) -> bool:
        """Tell whether a profile may ask about what references lead to; R4's own definitions ask for types only."""
        meta = resource.get("meta") if is_claimed else None
        claimed = meta.get("profile") if isinstance(meta, dict) else None
        asked = [*(claimed if isinstance(claimed, list) else ()), *profiles]
        return any(isinstance(url, str) and self.validator.knows(url) for url in asked)

    def at_a_glance(self, gateway: Gateway, base: str, within: Mapping[str, Resource]) -> Glance:
        """Return what tells of a resource that is to be written what is known of those like it; None: look at it.

        `within`: what is sent with it, by the URLs that refer to it.
        """
        if self.strictness == "structure":
            return lambda resource: None
        is_claimed = self.strictness == "profiles"
        verdicts, validator = self._verdicts_by(gateway, is_claimed), self.validator
        here = _Here(gateway, base)

        def glance(resource: Resource) -> Verdict | None:
            needs_targets = self._needs_targets(resource, (), is_claimed)
            known = validator.known(resource, _resolving(within, here if needs_targets else None), verdicts)
            if known is not None:
                _issues_of(known)
            return known

        return glance

    def of_write(
        self,
        gateway: Gateway,
        resource: Resource,
        base: str,
        within: Mapping[str, Resource] | None = None,
        met: Mapping[int, Sequence[str]] = _NONE_MET,
        here: _Here | None = None,
    ) -> list[Issue]:
        """Return what a write finds wrong with a resource, errors first: an error forbids it.

        `here`: what references lead to, where several resources are asked about.
        """
        if self.strictness == "structure":
            return []
        is_claimed = self.strictness == "profiles"
        needs_targets = self._needs_targets(resource, (), is_claimed)
        wishes = self._wishes(
            is_claimed,
            _resolving(within or {}, (_Here(gateway, base) if here is None else here) if needs_targets else None),
            met,
        )
        return [*_issues_of(self.validator.verdict(resource, wishes, self._verdicts_by(gateway, is_claimed)))]

    def of_unsound(self, gateway: Gateway, act: Interaction) -> list[Issue]:
        """Return what a write finds wrong with a resource whose structure is wrong already, errors first."""
        if self.strictness == "structure" or act.resource is None:
            return list(act.issues)
        findings = self.findings(gateway, act.resource, act.base, strictness=self.strictness, sent=act.sent)
        return sorted(
            [*(each.told() for each in findings), *besides(act.issues, findings, of_text=act.sent is not None)],
            key=weight,
        )

    def check(self, gateway: Gateway, entries: Sequence[Entry], bundle: Mapping[str, Any] | None = None) -> None:
        """Look at every resource that entries bring, and note in each entry what does not forbid it.

        `bundle`: what they came in. Where it claims profiles it is held to them; what does not forbid it is noted in
        the first entry.

        Raises: Unprocessable with all that is wrong with any of them, told from the root of what was sent.
        """
        if self.strictness == "structure":
            return
        within = sent_with(entries)
        of_bundle = self._of_bundle(gateway, bundle, entries, within)
        refused = list(of_bundle) if forbids(of_bundle) else []
        met: dict[int, list[str]] = {}
        here: dict[str, _Here] = {}
        for entry in entries:
            if entry.onto is not None and entry.act.code == "update":
                continue  # what it makes is looked at in the plan
            if entry.judged is not None:
                if forbids(entry.judged):
                    refused += map(entry.moved, entry.judged)
            elif entry.act.resource is not None and entry.act.code in ("create", "update"):
                base = entry.act.base
                if base not in here or len(here[base]) > _TARGETS:
                    here[base] = _Here(gateway, base)
                issues = self.of_write(gateway, entry.act.resource, base, within, met, here[base])
                if entry.act.prefer.return_ == "OperationOutcome":  # else nobody is told
                    entry.notes = [entry.moved(issue) for issue in issues]
                if forbids(issues):
                    refused += map(entry.moved, issues)
                elif self.strictness == "profiles":
                    # Whatever refers to it, a report to its results, need not look at all of it again.
                    met[id(entry.act.resource)] = entry.act.resource.get("meta", {}).get("profile", [])
        if refused:
            raise NotValid(*bounded(refused))
        if of_bundle:
            entries[0].notes = [*of_bundle, *entries[0].notes]

    def _of_bundle(
        self,
        gateway: Gateway,
        bundle: Mapping[str, Any] | None,
        entries: Sequence[Entry],
        within: Mapping[str, Resource],
    ) -> list[Issue]:
        """Return what a Bundle that claims profiles breaks of them, beside what is wrong with its resources."""
        claimed = [each for each in (bundle or {}).get("meta", {}).get("profile", ()) if isinstance(each, str)]
        if not claimed or not entries or self.strictness != "profiles":
            return []
        # Its resources are looked at by their own profiles as entries: here by the Bundle's alone, where it is known.
        known = all(map(self.validator.knows, claimed))
        asked: tuple[list[str], Strictness] = (claimed, "base") if known else ([], "profiles")
        found = self.findings(
            gateway, dict(bundle or {}), entries[0].act.base, profiles=asked[0], strictness=asked[1], within=within
        )
        return sorted((each.told() for each in found if _is_of_bundle(each, claimed)), key=weight)

    def check_patched(
        self, gateway: Gateway, patched: Resource, unsound: Sequence[Issue], entry: Entry, entries: Sequence[Entry]
    ) -> None:
        """Look at what a patch made, as `check` does. `unsound`: what is wrong with its structure.

        Raises: Unprocessable, told from the resource itself.
        """
        issues = list(unsound)
        if patched is entry.act.resource and entry.judged is not None:
            issues = list(entry.judged)
        elif self.strictness != "structure":
            within = sent_with(entries)
            found = self.findings(gateway, patched, entry.act.base, strictness=self.strictness, within=within)
            told = [*(each.told() for each in found), *besides(unsound, found, of_text=False)]
            issues = sorted(told, key=weight)
        if forbids(issues):
            raise NotValid(*bounded(issues))
        entry.notes = [entry.moved(issue) for issue in issues]


def _issues_of(verdict: Verdict) -> tuple[Issue, ...]:
    """Return what a write is told of a verdict, errors first; made once."""
    if verdict.issues is None:
        verdict.issues = tuple(sorted((_advised(each).told() for each in verdict.findings), key=weight))
    return verdict.issues


def _is_of_bundle(finding: Finding, claimed: Sequence[str]) -> bool:
    """Tell whether a finding is not about a resource in the Bundle, or is so because the Bundle's profile asks."""
    if _IN_ENTRY.match(finding.issue.expression or "") is None:
        return True
    asking = (finding.profile or "").partition("|")[0]
    return any(asking == each.partition("|")[0] for each in claimed)


_IN_ENTRY = re.compile(r"Bundle\.entry\[\d+\]\.resource\b")


def besides(issues: Iterable[Issue], findings: Sequence[Finding], *, of_text: bool) -> list[Issue]:
    """Return what the reader of a body found wrong and validation did not, which looked at the text (`of_text`) or at
    what the reader made of it."""
    from fhir_gateway.conformance.validation.format_complaints import DUPLICATE

    told: set[str] = set()
    for each in findings:
        if each.is_error:
            expression = _COMMENT.sub("", each.issue.expression or "")
            told.add(expression)
            if expression.startswith("/f:"):  # an XML path, which counts where FHIRPath need not
                told.add(_INDEX.sub("", expression[3:].replace("/f:", ".")))
            if each.issue.complaint is DUPLICATE:
                told.add(f"{expression}.{each.issue.values['name']}")
    return [issue for issue in issues if _is_new(issue, told, of_text)]


def _is_new(issue: Issue, told: set[str], of_text: bool) -> bool:
    expression = issue.expression
    if expression is None or (not of_text and issue.complaint.detail.startswith(_OF_TEXT)):
        return True
    return expression not in told and _INDEX.sub("", expression) not in told


_COMMENT = re.compile(r"/\*.*?\*/")
_INDEX = re.compile(r"\[\d+\]")
_OF_TEXT = ("xml-", "duplicate-")  # what a decoded resource shows no trace of


def sent_with(entries: Iterable[Entry]) -> dict[str, Resource]:
    """Return the resources of entries by what may refer to them: their fullUrl, and their type and id."""
    found: dict[str, Resource] = {}
    for entry in entries:
        act = entry.act
        if act.resource is None or act.code not in ("create", "update"):
            continue
        if entry.full_url is not None:
            found[entry.full_url] = act.resource
        if act.code == "update" and act.id is not None:
            found[f"{act.type}/{act.id}"] = act.resource
    return found


# Senders know code systems in other versions than the one here. Processing instructions are not part of a resource's
# content (FHIR R4, XML Representation of Resources), and what could be decoded is UTF-8 all the same: writes pass over
# both.
_ADVICE = frozenset({"validation-code-unknown", "validation-xml-instruction", "validation-xml-encoding"})
_EMPTY = "validation-xml-empty"


def _advised(finding: Finding) -> Finding:
    complaint = finding.issue.complaint
    # JSON has no word against a resource that is nothing but its type.
    is_bare = complaint.detail == _EMPTY and (finding.issue.expression or "").count("/") == 1
    if complaint.detail not in _ADVICE and not is_bare:
        return finding
    return replace(finding, issue=replace(finding.issue, complaint=_milder(complaint)))


@cache
def _milder(complaint: Complaint) -> Complaint:
    return replace(complaint, severity="warning")


_WEIGHTS = {"fatal": 0, "error": 0, "warning": 1, "information": 2}


def weight(issue: Issue) -> int:
    """Return 0 for an error, more for what weighs less."""
    return _WEIGHTS[issue.severity]


def forbids(issues: Iterable[Issue]) -> bool:
    """Tell whether there is an error among issues."""
    return any(weight(issue) == 0 for issue in issues)


Resolve = Callable[[str], Resource | None]
Glance = Callable[[Resource], "Verdict | None"]


def _resolving(within: Mapping[str, Resource], here: Resolve | None) -> Resolve:
    def resolve(reference: str) -> Resource | None:
        sent = within.get(reference)
        return here(reference) if sent is None and here is not None else sent

    return resolve


class _Here:
    """Finds what references lead to among the resources of this server, each asked for once."""

    def __init__(self, gateway: Gateway, base: str) -> None:
        self._gateway = gateway
        self._base = base
        self._found: dict[str, Resource | None] = {}

    def __len__(self) -> int:
        return len(self._found)

    def __call__(self, reference: str) -> Resource | None:
        if reference not in self._found:
            self._found[reference] = self._current(reference)
        return self._found[reference]

    def _current(self, reference: str) -> Resource | None:
        named = parse(reference, self._base)
        if named.form != "local" or named.type not in self._gateway.resource_types or named.id is None:
            return None
        version = self._gateway.store.current(named.type, named.id)
        return None if version is None or version.deleted else decode(version.body)

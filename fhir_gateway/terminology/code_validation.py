"""Validation of codes: whether a code, a Coding or a CodeableConcept is in a value set, and all there is to say of it.

Every coding is checked against the parts of the value set in their order; what is found on the way (an unknown version,
an inactive code, a display of its own) is told together, and the verdict is that of the best coding.

Source: FHIR R4, ValueSet, "$validate-code"; CodeSystem, "$validate-code"; HL7, FHIR Terminology Ecosystem,
"Requirements" (issues, x-caused-by-unknown-system, normalized-code).
"""

from __future__ import annotations

from collections.abc import Sequence

from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.terminology import messages
from fhir_gateway.terminology.catalog import Catalog
from fhir_gateway.terminology.coded import Coded, Refusal
from fhir_gateway.terminology.composition import Composition
from fhir_gateway.terminology.designations import Designation, preferred
from fhir_gateway.terminology.display_validation import display_issue
from fhir_gateway.terminology.membership import Membership
from fhir_gateway.terminology.parts import of_composition
from fhir_gateway.terminology.resolution import Resolution, version_refused
from fhir_gateway.terminology.statuses import issue as status_issue
from fhir_gateway.terminology.verdict import Coding, Mode, Verdict, unknown_system
from fhir_gateway.terminology.wishes import Wishes

_KEPT = 8_192  # verdicts


def validate(
    catalog: Catalog,
    composition: Composition,
    codings: Sequence[Coding],
    mode: Mode,
    wishes: Wishes,
    is_system: bool = False,
) -> Verdict:
    """Return what there is to say of codings against a value set.

    `is_system`: the value set is that of all codes of a code system, which alone is asked about.

    The verdict is shared: it must not be changed.

    Raises: FhirError where the value set cannot be asked: a filter that makes no sense, supplements that are missing.
    """
    if len(codings) != 1 or is_system or not catalog.keeps(composition):
        return _Validation(catalog, composition, codings, mode, wishes, is_system).verdict()
    key = (composition, codings[0], mode, wishes)
    verdict: Verdict | None = catalog.answers.get(key)
    if verdict is None:
        verdict = _Validation(catalog, composition, codings, mode, wishes, is_system).verdict()
        catalog.keep(key, verdict, _KEPT)
    return verdict


class _Validation:
    def __init__(
        self,
        catalog: Catalog,
        composition: Composition,
        codings: Sequence[Coding],
        mode: Mode,
        wishes: Wishes,
        is_system: bool,
    ) -> None:
        self.catalog = catalog
        self.composition = composition
        self.codings = codings
        self.mode = mode
        self.is_system = is_system
        self.wishes = of_composition(composition, wishes, open=False)
        supplements = wishes.supplements | frozenset(composition.supplements)
        self.resolution = Resolution(catalog, wishes.rules, supplements)
        self.membership = Membership(self.resolution, composition, self.wishes)
        self.issues: dict[tuple[str, str | None, str, str], Issue] = {}
        self.said: list[Issue] = []
        self.unknown: dict[str, None] = {}
        self.told_unknown: set[str] = set()

    # --- telling

    def tell(self, issue: Issue | None, said: bool = False) -> None:
        """Note an issue once; `said`: it goes into the message as well."""
        if issue is None:
            return
        key = (issue.severity, issue.expression, issue.complaint.detail, issue.text())
        self.issues.setdefault(key, issue)
        if said:
            self.said.append(issue)

    def path(self, index: int) -> str:
        """Return the expression of a coding."""
        if self.mode == "codeableConcept":
            return f"CodeableConcept.coding[{index}]"
        return "Coding" if self.mode == "coding" else ""

    @staticmethod
    def below(path: str, name: str) -> str:
        return f"{path}.{name}" if path else name

    # --- the verdict

    def verdict(self) -> Verdict:
        try:
            self.membership.prepare()
        except Refusal as refusal:
            return self._refused(refusal.issues)
        self.resolution.require_supplements()
        self.tell(status_issue(self.composition.standing, self.composition.standing))
        best: bool | None = False
        found = Verdict(False)
        tried: tuple[str | None, str, str | None] | None = None
        named: list[str] = []
        last = Coded()
        for index, coding in enumerate(self.codings):
            answer, coded = self._checked(index, coding)
            named.append(coding.named(coded.system or coding.system))
            last = coded if answer else last
            if tried is None or answer:
                tried = (coding.system, coding.code, coding.version)
            if best is not True and answer is not False:
                best = answer
            if answer:
                if found.code is None:
                    found.system, found.code = coded.system or coding.system, coding.code
                    found.version = coded.edition.version if coded.edition is not None else coding.version
                    found.display = self._shown(coded.designations) or found.display
                    found.normalized = coded.normalized
                self._remark_use(index, coding, coded, found)
            elif found.code is None:
                self._describe(coding, coded, found)
        if best is False and not self.is_system:
            self._tell_not_found(", ".join(named))
        found.result = best is True and all(issue.severity != "error" for issue in self.issues.values())
        self._complete(found, tried, last)
        found.unknown, found.is_caused_by_unknown = tuple(self.unknown), best is not False
        found.issues, found.said = list(self.issues.values()), self.said
        return found

    def _refused(self, issues: Sequence[Issue]) -> Verdict:
        """Return the verdict where the value set itself cannot be asked."""
        verdict = Verdict(False, list(issues))
        coding = self.codings[0] if self.codings else None
        if coding is not None and self.mode != "codeableConcept":
            verdict.system, verdict.code, verdict.version = coding.system, coding.code, coding.version
            if verdict.version is None and coding.system is not None:
                edition = self.catalog.system(coding.system)
                verdict.version = None if edition is None else edition.version
        return verdict

    def _complete(self, found: Verdict, tried: tuple[str | None, str, str | None] | None, last: Coded) -> None:
        if self.mode == "codeableConcept":
            if found.code is None:
                found.display = found.version = None
            return
        if found.code is None and tried is not None:
            system, found.code, version = tried
            found.system = system
            found.version = version or found.version

    def _shown(self, named: Sequence[Designation]) -> str | None:
        chosen = preferred(named, self.wishes.wanted) or preferred(named, None)
        return None if chosen is None else chosen.value

    def _tell_not_found(self, named: str) -> None:
        if self.mode == "codeableConcept":
            self.tell(messages.NO_CODING_IN_SET.at(value_set=self.composition.canonical), said=True)
            return
        place = self.below(self.path(0), "code")
        issue = messages.CODE_NOT_IN_SET.at(place, coding=named, value_set=self.composition.canonical)
        self.tell(issue, said=True)

    def _remark_use(self, index: int, coding: Coding, coded: Coded, found: Verdict) -> None:
        """Say that a code should no longer be used."""
        if coded.inactive:
            found.inactive = True
            status = coded.status or "inactive"
            if status != "inactive":
                found.status = status
                status = f"{status} and inactive"
            self.tell(messages.INACTIVE.at(self.path(index), code=coding.code, status=status), said=True)
        elif coded.status is not None and coded.status.lower() == "deprecated":
            found.status = "deprecated"
            self.tell(messages.DEPRECATED.at(self.path(index), code=coding.code), said=True)

    # --- one coding

    def _checked(self, index: int, coding: Coding) -> tuple[bool | None, Coded]:
        path = self.path(index)
        coded = Coded(system=coding.system, sent_display=coding.display)
        answer = self._asked(path, coding, coded)
        if answer is False and self.mode == "codeableConcept" and not self.is_system:
            named = coding.named(coded.system or coding.system)
            place = self.below(path, "code")
            self.tell(messages.THIS_CODE_NOT_IN_SET.at(place, coding=named, value_set=self.composition.canonical))
        if answer:
            if coding.display is not None and coded.designations:
                self._check_display(path, coding, coded)
        elif not self.wishes.membership_only and (coded.system or coding.system):
            self._examine(path, coding, coded)
        return answer, coded

    def _asked(self, path: str, coding: Coding, coded: Coded) -> bool | None:
        """Return whether the value set has a coding; None where its system is not known."""
        if coding.system is None:
            if not self.wishes.infers_system:
                self.tell(messages.NO_SYSTEM.at(path or None), said=True)
                return False
            inferred = self.membership.inferred(coding.code)
            if len(inferred) != 1:
                said = messages.SEVERAL_INFERRED if inferred else messages.CANNOT_INFER
                values = {"code": coding.code, "value_set": self.composition.canonical}
                named = sorted(inferred or self.membership.systems())
                self.tell(said.at("code", **values, systems=", ".join(named)), said=True)
                return False
            coded.system = next(iter(inferred))
        answer = self.membership.holds(coded.system or "", coding.version, coding.code, coded)
        for issue, is_said in coded.issues:
            self.tell(self._placed(issue, path), is_said)
        coded.issues.clear()
        self.unknown.update(coded.unknown)
        return answer

    def _placed(self, issue: Issue, path: str) -> Issue:
        """Return an issue at its place in what was sent."""
        if issue.expression is None:
            return issue
        return Issue(issue.complaint, self.below(path, issue.expression), issue.values)

    def _check_display(self, path: str, coding: Coding, coded: Coded) -> None:
        assert coding.display is not None
        found = display_issue(
            coded.designations, coding.display, coded.system or coding.system or "", coding.code, self.wishes
        )
        if found is not None:
            issue, is_said = found
            self.tell(self._placed(issue, path), is_said)

    def _describe(self, coding: Coding, coded: Coded, found: Verdict) -> None:
        """Note what a system says of a code that is not in the value set."""
        if found.display is None:
            found.display = self._shown(coded.designations)
        if found.version is None and coded.edition is not None:
            found.version = coded.edition.version

    def _examine(self, path: str, coding: Coding, coded: Coded) -> None:
        """Look at a code that the value set does not have: whether its own system has it."""
        system = coded.system or coding.system or ""
        if not _is_absolute(system):
            self.tell(messages.SYSTEM_RELATIVE.at(self.below(path, "system")), said=True)
        edition = self.resolution.find(system, self.resolution.version(system, coding.version))
        if edition is None:
            self._tell_unknown_system(path, system, coding.version)
            return
        for rule in self.wishes.rules.refused(edition.url, edition.version):
            self.tell(version_refused(edition, rule, self.below(path, "version")), said=True)
        coded.edition = edition
        self.tell(status_issue(edition.standing, self.composition.standing))
        concept = edition.concept(coding.code)
        if concept is None:
            self.tell(self.membership.unknown_code(edition, coding.code, self.below(path, "code")))
            return
        coded.designations = edition.designations(concept)
        if coding.display is not None and coded.designations:
            found = display_issue(coded.designations, coding.display, system, coding.code, self.wishes)
            if found is not None and found[0].complaint.issue_type == "invalid-display":
                self.tell(self._placed(found[0], path), found[1])

    def _tell_unknown_system(self, path: str, system: str, version: str | None) -> None:
        place = self.below(path, "system")
        issue, unknown = unknown_system(self.catalog, system, version, place)
        if unknown is None:
            self.tell(issue, said=True)
            return
        if unknown not in self.unknown:
            self.tell(issue)
        self.unknown[unknown] = None
        self.said.append(issue)


def _is_absolute(system: str) -> bool:
    """Tell whether a system is a URL or a URN; "Location/1" is neither."""
    scheme, colon, rest = system.partition(":")
    return bool(colon and scheme and rest)

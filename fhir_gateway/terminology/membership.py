"""Whether a value set has a code, by the rules of its composition and of the versions a request asks for.

Source: FHIR R4, ValueSet, "Composition Rules"; "$validate-code"; HL7, FHIR Terminology Ecosystem, "Requirements".
"""

from __future__ import annotations

from fhir_gateway.fhir.outcome import Issue, Unprocessable
from fhir_gateway.terminology import messages
from fhir_gateway.terminology.code_system import Concept
from fhir_gateway.terminology.coded import Coded, Refusal
from fhir_gateway.terminology.composition import Composition, Listed, Part
from fhir_gateway.terminology.designations import of_display, of_elements
from fhir_gateway.terminology.edition import STANDARDS_STATUS, Edition
from fhir_gateway.terminology.parts import check_filters, filter_unknown, in_order
from fhir_gateway.terminology.resolution import Resolution, version_refused
from fhir_gateway.terminology.statuses import issue as status_issue
from fhir_gateway.terminology.system import Unsupported
from fhir_gateway.terminology.versions import is_open, listed, matches
from fhir_gateway.terminology.wishes import Wishes

_DEPRECATED = "http://hl7.org/fhir/StructureDefinition/valueset-deprecated"
_DEEPEST = 20


class Membership:
    """One value set, asked under the wishes of one request."""

    def __init__(
        self, resolution: Resolution, composition: Composition, wishes: Wishes, path: tuple[str, ...] = ()
    ) -> None:
        self.resolution = resolution
        self.composition = composition
        self.wishes = wishes
        self.path = (*path, composition.canonical)
        self._others: dict[str, Membership] = {}

    def prepare(self) -> None:
        """Find all value sets that this one is made of, and check the filters.

        Raises: Refusal for one that is not here; FhirError for circles and for filters without sense.
        """
        if self.composition.is_locked:
            raise Unprocessable(messages.LOCKED_DATE.at(value_set=self.composition.canonical))
        for part in (*self.composition.includes, *self.composition.excludes):
            for canonical in part.sets:
                if canonical not in self._others:
                    self._others[canonical] = self._other(canonical)
            if part.system is not None and (part.filters or self.resolution.supplements):
                version = self.resolution.version(part.system, part.version)
                edition = self.resolution.find(part.system, version)
                if edition is not None:
                    check_filters(part, edition)

    def _other(self, canonical: str) -> Membership:
        url, version = self.resolution.pinned(canonical)
        found = self.resolution.value_set(url, version, self.composition)
        if found is None:
            raise Refusal(messages.SET_UNKNOWN.at(value_set=f"{url}|{version}" if version else url))
        if found.canonical in self.path or len(self.path) > _DEEPEST:
            raise Unprocessable(messages.CIRCULAR.at(value_set=found.canonical, pathway=", ".join(self.path)))
        other = Membership(self.resolution, found, self.wishes, self.path)
        other.prepare()
        return other

    # --- inferring a system

    def inferred(self, code: str) -> set[str]:
        """Return the systems of which a code is in the value set."""
        found: set[str] = set()
        for system in self.systems():
            if self.holds(system, None, code, Coded(system=system)):
                found.add(system)
        return found

    def systems(self) -> set[str]:
        """Return the systems that codes of the value set may be of."""
        found = {part.system for part in self.composition.includes if part.system is not None}
        for other in self._others.values():
            found |= other.systems()
        if not self.composition.is_composed and self.composition.expansion is not None:
            pending = list(self.composition.expansion.get("contains", ()))
            while pending:
                each = pending.pop()
                if "system" in each:
                    found.add(each["system"])
                pending += each.get("contains", ())
        return found

    # --- membership

    def holds(self, system: str, version: str | None, code: str, coded: Coded) -> bool | None:
        """Return whether the value set has a code; None where its system is not known."""
        if not self.composition.is_composed and self.composition.expansion is not None:
            return self._is_listed(system, version, code, coded)
        answer = self._is_included(system, version, code, coded)
        if not answer:
            return answer
        return not any(self._is_excluded(part, system, version, code) for part in self.composition.excludes)

    def _is_included(self, system: str, version: str | None, code: str, coded: Coded) -> bool | None:
        """Return whether a part has a code: of several that do the one whose displays fit what was sent.

        What the others find wrong is told where none has it. A version that is sent asks the parts of that version.
        """
        parts = in_order(self.composition.includes)
        if version is not None and len(parts) > 1:
            named = [part for part in parts if part.system == system and part.version is not None]
            of_it = [part for part in named if matches(part.version or "", version)]
            parts = [part for part in parts if part not in named or part in of_it] if of_it else parts
        first: Coded | None = None
        failed: list[Coded] = []
        for part in parts:
            trial = Coded(coded.system, sent_display=coded.sent_display)
            answer = self._is_in(part, system, version, code, trial)
            for canonical in part.sets if answer is not None else ():
                other = self._others[canonical]
                trial.tell(status_issue(other.composition.standing, self.composition.standing))
                if answer:
                    answer = other.holds(system, version, code, trial)
            if answer is None:
                coded.take(*failed, trial)
                return None
            if not answer:
                failed.append(trial)
                continue
            if len(parts) == 1 or trial.is_called_so:
                coded.take(trial)
                return True
            first = first or trial
        coded.take(*((first,) if first is not None else failed))
        return first is not None

    def _is_in(self, part: Part, system: str, version: str | None, code: str, coded: Coded) -> bool | None:
        if part.system is None:
            return True
        if part.system != system:
            return False
        wanted = self._version(part, version, coded)
        edition = self.resolution.find(system, wanted)
        if edition is None:
            if self.wishes.membership_only:
                return False
            self._tell_unknown(system, wanted, coded)
            return None
        for rule in self.wishes.rules.refused(system, edition.version):
            coded.tell(version_refused(edition, rule, "version"), said=True)
        coded.edition = edition
        coded.tell(status_issue(edition.standing, self.composition.standing))
        return self._passes(part, edition, code, coded)

    def _is_excluded(self, part: Part, system: str, version: str | None, code: str) -> bool:
        aside = Coded(system=system)
        excluded = True
        if part.system is not None:
            edition = self.resolution.find(part.system, self.resolution.version(part.system, part.version))
            excluded = part.system == system and edition is not None and bool(
                self._passes(part, edition, code, aside)
            )  # fmt: skip
        return excluded and all(self._others[each].holds(system, version, code, aside) for each in part.sets)

    # --- versions

    def _version(self, part: Part, sent: str | None, coded: Coded) -> str | None:
        """Return the version of a system that a coding is checked against; tells where that is not the one it names."""
        assert part.system is not None
        system, resolution = part.system, self.resolution
        result = resolution.version(system, part.version)
        if sent is None:
            return result
        if result is not None and sent != result and is_open(result) and matches(result, sent):
            result = sent
        known = resolution.catalog.versions(system)
        if result is None and any(each == sent or matches(sent, each) for each in known):
            result = sent
        edition = resolution.find(system, result)
        values = {"system": system, "sent": sent}
        if edition is None:
            if result != sent:
                coded.tell(messages.VERSION_DIFFERS.at("version", **values, version=result or ""), said=True)
            return result
        if edition.version == sent or (edition.version is not None and matches(sent, edition.version)):
            return result
        if result is None:
            said = messages.VERSION_DIFFERS_FROM_DEFAULT
            if edition.version_needed:
                said = messages.as_severe(said, "error")
            issue = said.at("version", **values, version=edition.version or "")
        elif result != part.version:
            stated = part.version or ""
            issue = messages.VERSION_DIFFERS_BY_RULE.at("version", **values, version=result, stated=stated)
        else:
            issue = messages.VERSION_DIFFERS.at("version", **values, version=result)
        coded.tell(issue, said=issue.severity == "error")
        if resolution.find(system, sent) is None:
            self._tell_unknown(system, sent, coded)
        return result

    def _tell_unknown(self, system: str, version: str | None, coded: Coded) -> None:
        catalog = self.resolution.catalog
        if version is None:
            issue, unknown = messages.SYSTEM_UNKNOWN.at("system", system=system), system
        else:
            known, unknown = catalog.versions(system), f"{system}|{version}"
            if known:
                issue = messages.VERSION_UNKNOWN.at("system", system=system, version=version, known=listed(known))
            else:
                issue = messages.VERSION_UNKNOWN_AS_ALL.at("system", system=system, version=version)
                unknown = system
        coded.tell(issue, said=True)
        coded.unknown[unknown] = None

    # --- one part

    def unknown_code(self, edition: Edition, code: str, place: str) -> Issue:
        """Return what is to be said of a code that its system does not have."""
        values = {"code": code, "system": edition.url, "version": edition.version or ""}
        if not edition.complete:
            return messages.CODE_NOT_IN_FRAGMENT.at(place, **values)
        said = messages.CODE_UNKNOWN if edition.version else messages.CODE_UNKNOWN_TO_SYSTEM
        return said.at(place, **values)

    def _passes(self, part: Part, edition: Edition, code: str, coded: Coded) -> bool:
        concept = edition.concept(code)
        if part.is_whole:
            return self._is_of_system(edition, code, concept, coded)
        if part.listed is not None:
            listed = part.listed.get(code)
            if listed is None and not edition.system.case_sensitive and concept is not None:
                listed = part.listed.get(concept.code)
            if listed is None or concept is None:
                return False
            return self._is_usable(edition, concept, coded, listed)
        if concept is None:
            return False
        try:
            passes = edition.system.holds(code, part.filters)
        except Unsupported:
            raise filter_unknown(part) from None
        return passes and self._is_usable(edition, concept, coded, None)

    def _is_of_system(self, edition: Edition, code: str, concept: Concept | None, coded: Coded) -> bool:
        if concept is None:
            if not self.wishes.membership_only:
                coded.tell(self.unknown_code(edition, code, "code"))
            return not edition.complete
        if concept.code != code:
            coded.tell(messages.CASE_DIFFERS.at("code", sent=code, code=concept.code, system=edition.canonical))
            coded.normalized = concept.code
        return self._is_usable(edition, concept, coded, None)

    def _is_usable(self, edition: Edition, concept: Concept, coded: Coded, listed: Listed | None) -> bool:
        """Tell whether a code that is in a part may be used, and note what is said of it."""
        coded.designations = edition.designations(concept)
        if listed is not None:
            if listed.display is not None:
                coded.designations.append(of_display(listed.display, self.composition.language))
            coded.designations += of_elements(listed.designations)
        if not self.wishes.allows_abstract and edition.is_abstract(concept):
            if not self.wishes.membership_only:
                coded.tell(messages.ABSTRACT.at("code", system=edition.url, code=concept.code))
            return False
        is_inactive = edition.is_inactive(concept)
        if is_inactive and (self.composition.is_active_only or self.wishes.active_only):
            coded.tell(messages.NOT_ACTIVE.at("code", code=concept.code), said=True)
            coded.inactive, coded.status = True, edition.status_of(concept)
            return False
        if listed is not None:
            coded.tell(self._deprecated(edition, listed))
        coded.inactive, coded.status = is_inactive, edition.status_of(concept)
        return True

    def _deprecated(self, edition: Edition, listed: Listed) -> Issue | None:
        """Return what is to be said of a code whose presence in the value set is deprecated."""
        values = {"code": listed.code, "system": edition.url, "value_set": self.composition.canonical}
        for each in listed.extensions:
            status = each.get("valueCode") or each.get("valueString")
            if each.get("url") == STANDARDS_STATUS and status in ("withdrawn", "deprecated"):
                return messages.DEPRECATED_IN_SET.at("code", **values, status=status)
            if each.get("url") == _DEPRECATED:
                return messages.DEPRECATED_IN_SET.at("code", **values, status="deprecated")
        return None

    def _is_listed(self, system: str, version: str | None, code: str, coded: Coded) -> bool | None:
        """Return whether a value set that comes as an expansion has a code."""
        pending = list((self.composition.expansion or {}).get("contains", ()))
        while pending:
            each = pending.pop()
            pending += each.get("contains", ())
            if each.get("system") == system and each.get("code") == code and each.get("abstract") is not True:
                part = Part("ValueSet.expansion", system, each.get("version"), None, (), ())
                return self._is_in(part, system, version, code, coded)
        return False

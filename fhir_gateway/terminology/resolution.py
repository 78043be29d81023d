"""Which version of a system or value set a request means, with the refusals that this may end in.

Source: FHIR R4, ValueSet, "$expand" (system-version and its kin); HL7, FHIR Terminology Ecosystem, "Requirements".
"""

from __future__ import annotations

from dataclasses import dataclass, field

from fhir_gateway.fhir.outcome import InvalidRequest, Issue, NotFound, Unprocessable
from fhir_gateway.terminology import messages
from fhir_gateway.terminology.catalog import Catalog
from fhir_gateway.terminology.composition import Composition
from fhir_gateway.terminology.edition import Edition
from fhir_gateway.terminology.versions import Rule, Rules, listed

# Definitions that can be asked about codes at all.
ANSWERING = frozenset({"complete", "fragment", "example"})


@dataclass(slots=True)
class Resolution:
    """Finds what one request needs; notes the rules and supplements that came to be used."""

    catalog: Catalog
    rules: Rules
    supplements: frozenset[str] = frozenset()
    used_rules: dict[Rule, None] = field(default_factory=dict)
    used_supplements: dict[str, None] = field(default_factory=dict)

    def version(self, url: str, stated: str | None) -> str | None:
        """Return the version to look for where `stated` is asked for. Raises: InvalidRequest for rules at odds."""
        if not self.rules.rules:
            return stated
        self._check_rules(url)
        version, rule = self.rules.version(url, stated)
        if rule is not None:
            self.used_rules[rule] = None
        return version

    def _check_rules(self, url: str) -> None:
        forced = self.rules.conflicting(url, "force")
        if forced is not None:
            one, other = forced
            raise InvalidRequest(messages.SEVERAL_FORCED.at(system=url, one=one, other=other))
        defaults = self.rules.conflicting(url, "default")
        if defaults is not None:
            one, other = defaults
            raise InvalidRequest(messages.SEVERAL_DEFAULTS.at(system=url, one=one, other=other))

    def find(self, url: str, version: str | None) -> Edition | None:
        """Return a code system that can be asked about codes; None when there is none. `version` as resolved."""
        found = self.catalog.edition(url, version, self.supplements, ANSWERING)
        if found is not None and found.used_supplements:
            self.used_supplements.update(dict.fromkeys(found.used_supplements))
        return found

    def missing_supplements(self) -> tuple[str, ...]:
        """Return the supplements that are asked for and came to no use."""
        used = {each for one in self.used_supplements for each in (one, one.partition("|")[0])}
        return tuple(sorted(each for each in self.supplements if each not in used))

    def require_supplements(self) -> None:
        """Raises: Unprocessable where a supplement that is asked for is not here, or for no system in question."""
        if not self.supplements:
            return
        missing = self.missing_supplements()
        if missing:
            said = messages.SUPPLEMENT_MISSING if len(missing) == 1 else messages.SUPPLEMENTS_MISSING
            raise Unprocessable(said.at(supplement=",".join(missing)))

    def system_to_expand(self, url: str, stated: str | None) -> Edition:
        """Return a code system whose codes are to be listed. Raises: NotFound, InvalidRequest, Unprocessable."""
        version = self.version(url, stated)
        found = self.find(url, version)
        if found is None:
            if version is None and self.catalog.edition(url, None, frozenset()) is not None:
                raise Unprocessable(messages.NO_CONTENT.at(system=url))
            raise NotFound(self.unknown_to_expand(url, version))
        refused = self.rules.refused(url, found.version)
        if refused:
            raise InvalidRequest(*(version_refused(found, rule) for rule in refused))
        return found

    def unknown_to_expand(self, url: str, version: str | None) -> Issue:
        if version is None:
            return messages.SYSTEM_UNKNOWN_TO_EXPAND.at(system=url)
        known = self.catalog.versions(url)
        if not known:
            return messages.VERSION_UNKNOWN_AS_ALL_TO_EXPAND.at(system=url, version=version)
        return messages.VERSION_UNKNOWN_TO_EXPAND.at(system=url, version=version, known=listed(known))

    def pinned(self, canonical: str) -> tuple[str, str | None]:
        """Return url and version of a value set that another imports."""
        url, _, stated = canonical.partition("|")
        return url, self.version(url, stated or None)

    def value_set(self, url: str, version: str | None, within: Composition | None = None) -> Composition | None:
        """Return a value set; one that `within` contains comes first."""
        if within is not None and within.contained:
            own = within.contained.get(f"{url}|{version}" if version else url)
            if own is not None:
                return own
        return self.catalog.value_set(url, version)


def version_refused(edition: Edition, rule: Rule, expression: str | None = None) -> Issue:
    return messages.VERSION_REFUSED.at(
        expression, system=edition.url, version=edition.version or "", wanted=rule.version
    )

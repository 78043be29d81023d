"""Versions of code systems and value sets: which one a request means, and which one is the latest.

A version that is asked for may leave parts open: "1.x.x" and "1.*" are any of 1, "1.0?" any that begins so. Else
it is meant as it stands: "1" is not 1.0.0.

Source: FHIR R4, ValueSet, "$expand" (system-version, check-system-version, force-system-version); HL7, FHIR Terminology
Ecosystem, "Requirements"; FHIR R5, "Managing Multiple FHIR Versions" for default-valueset-version.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Mode = Literal["default", "check", "force"]
Key = tuple[tuple[int, int, str], ...]

_OPEN = frozenset({"x", "X", "*"})
_PARTS = re.compile(r"\d+|[^\d.\-+_]+")


@lru_cache(4096)
def matches(wanted: str, there: str) -> bool:
    """Tell whether a version is one that is asked for."""
    if wanted == there:
        return True
    if wanted.endswith("?"):
        return there.startswith(wanted[:-1])
    parts, own = wanted.split("."), re.split(r"[.\-+]", there)
    if not _OPEN.intersection(parts):
        return False
    if len(parts) > len(own):
        return False
    if len(parts) < len(own) and parts[-1] not in _OPEN:
        return False
    return all(part in _OPEN or part == other for part, other in zip(parts, own, strict=False))


def is_open(version: str) -> bool:
    """Tell whether a version leaves parts open."""
    return version.endswith("?") or bool(_OPEN.intersection(version.split(".")))


@lru_cache(4096)
def order(version: str | None) -> Key:
    """Return what versions are ordered by: numbers as numbers, the rest as text; none at all comes first."""
    parts = _PARTS.findall(version or "")
    # A release is later than what leads up to it: 1.0.0 after 1.0.0-draft.
    core = [(2, int(part), "") if part.isdigit() else (0, 0, part) for part in parts]
    return (*core, (1, 0, ""))


def chosen(wanted: str | None, there: Iterable[str | None]) -> list[str | None]:
    """Return the versions that are meant, the latest first."""
    found = [each for each in there if wanted is None or (each is not None and matches(wanted, each))]
    return sorted(found, key=order, reverse=True)


def listed(found: Sequence[str]) -> str:
    """Return versions as a message lists them: "1.0.0 or 1.2.0", "1, 2 and 3"."""
    if len(found) < 3:
        return " or ".join(found)
    return f"{', '.join(found[:-1])} and {found[-1]}"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a request. `parameter`: the name it came by, to be told with the answer."""

    url: str
    version: str
    mode: Mode
    parameter: str

    @property
    def told(self) -> tuple[str, str]:
        return self.parameter, f"{self.url}|{self.version}"


MODES: dict[str, Mode] = {
    "system-version": "default",
    "check-system-version": "check",
    "force-system-version": "force",
    "default-valueset-version": "default",
    "check-valueset-version": "check",
    "force-valueset-version": "force",
}


@dataclass(frozen=True, slots=True)
class Rules:
    """What a request says about the versions of systems and value sets."""

    rules: tuple[Rule, ...] = ()

    def of(self, url: str, mode: Mode) -> list[Rule]:
        return [rule for rule in self.rules if rule.mode == mode and rule.url == url]

    def version(self, url: str, stated: str | None) -> tuple[str | None, Rule | None]:
        """Return the version to be looked for where `stated` is asked for, and the rule that made it so.

        "force" overrides what is stated, "default" and "check" stand in where nothing is.
        """
        if not self.rules:
            return stated, None
        for rule in self.of(url, "force"):
            return rule.version, rule
        if stated is None:
            for rule in (*self.of(url, "default"), *self.of(url, "check")):
                return rule.version, rule
        return stated, None

    def conflicting(self, url: str, mode: Mode) -> tuple[str, str] | None:
        """Return two versions that rules of one mode ask for, where they differ."""
        found = list(dict.fromkeys(rule.version for rule in self.of(url, mode)))
        return (found[0], found[1]) if len(found) > 1 else None

    def refused(self, url: str, version: str | None) -> list[Rule]:
        """Return the checks that a version of a system does not pass."""
        return [rule for rule in self.of(url, "check") if version is None or not matches(rule.version, version)]


NO_RULES = Rules()

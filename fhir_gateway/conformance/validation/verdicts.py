"""Verdicts that are remembered: what was found wrong with a resource holds for all that are alike (`alike.py`).

What tells of a value that likenesses leave out is not remembered.

Source: FHIR R4, Validating Resources.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fhir_gateway.conformance.validation.alike import Likeness
from fhir_gateway.conformance.validation.coded import texts_in
from fhir_gateway.conformance.validation.findings import Finding
from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.fhir.structure import LinkPlace

_KEPT: Final = 4096
_LONGEST: Final = 2000  # parts of a likeness
_LETTERS: Final = 20_000
# What definitions say, not the resource.
_OF_DEFINITIONS: Final = frozenset({"profile", "element", "name", "value_set", "human", "human_fr", "source", "key"})

_BREAK: Final = re.compile(r"[\s#,;|'\"()]+")


@dataclass(slots=True)
class Verdict:
    """What was found of all that is alike: findings without nodes.

    `issues`: what whoever asks makes of them; `links`: where there are links (`fhir.structure`). None: not told yet.
    """

    findings: tuple[Finding, ...]
    issues: tuple[Issue, ...] | None = None
    links: tuple[LinkPlace, ...] | None = None


class Verdicts:
    """What was found of resources, by their likeness, as long as wishes and terminology stay as they are.

    Safe for any number of threads.
    """

    def __init__(self) -> None:
        self._known: dict[Likeness, Verdict] = {}
        self._lock = threading.Lock()

    def of(self, likeness: Likeness) -> Verdict | None:
        """Return what is known of a likeness; None where nothing is."""
        return self._known.get(likeness)

    def keep(self, likeness: Likeness, resource: dict[str, Any], verdict: Verdict) -> None:
        """Remember what was found, unless it tells of a value that the likeness leaves out."""
        if len(likeness) > _LONGEST or sum(len(each) for each in likeness if isinstance(each, str)) > _LETTERS:
            return
        if verdict.findings and _tell_more(verdict.findings, likeness, resource):
            return
        with self._lock:
            if len(self._known) >= _KEPT:
                for each in [*self._known][: _KEPT // 4]:  # those that came first
                    del self._known[each]
            self._known[likeness] = verdict


def _tell_more(findings: Sequence[Finding], likeness: Likeness, resource: dict[str, Any]) -> bool:
    """Tell whether the texts of findings have a value of a resource that its likeness has not."""
    kept = {each for each in likeness if isinstance(each, str)}
    said = "\n".join(text for each in findings for text in _texts_of(each))
    # Words of which the likeness has the whole may have shorter ones in them.
    others = "\n".join(each for each in _BREAK.split(said) if each not in kept)
    left_out = set(texts_in(resource)) - kept
    return any(each in (said if _BREAK.search(each) else others) for each in left_out)


def _texts_of(finding: Finding) -> Iterator[str]:
    yield from (str(text) for name, text in finding.issue.values.items() if name not in _OF_DEFINITIONS)
    for pair in finding.why:
        yield from pair

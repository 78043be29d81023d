"""The table of cases: `cases/*.toml`, each a paragraph of the standard with the searches that check it, one a line.

A line is a URL below the base, percent-encoded only where it must be, and what it must find is said by the reference;
or it is a URL, two spaces, `=>`, two spaces, and what must be answered: resources in order (or `none`), or the status
and the detail codes of a refusal.
`~` before a URL: unknown parameters are to be passed over (Prefer: handling=lenient).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).with_name("cases")
NOT_YET = Path(__file__).with_name("not_yet.toml")
SYNTHEA = "Synthea"  # paragraphs that begin with it need the sample


@dataclass(frozen=True)
class Case:
    """One search. `says`: what must be answered where the reference is not asked."""

    section: str
    cites: str
    url: str
    lenient: bool = False
    says: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return f"{self.section} {'~ ' if self.lenient else ''}{self.url}{' =>' if self.says else ''}"

    @property
    def needs_sample(self) -> bool:
        return self.cites.startswith((SYNTHEA, "resources of the Synthea"))


def cases() -> list[Case]:
    """Return all cases in the order of the files."""
    found = []
    for path in sorted(FOLDER.glob("*.toml")):
        for cites, lines in tomllib.loads(path.read_text(encoding="utf-8")).items():
            found += [_case(path.stem, cites, line) for line in lines.splitlines() if line.strip()]
    return found


def _case(section: str, cites: str, line: str) -> Case:
    asked, _, says = line.partition("  =>  ")
    lenient = asked.startswith("~ ")
    return Case(section, cites, asked.removeprefix("~ ").strip(), lenient, tuple(says.split()))


def not_yet() -> dict[str, str]:
    """Return the cases that are known to fail, each with the reason."""
    return {case: str(why) for case, why in tomllib.loads(NOT_YET.read_text(encoding="utf-8")).items()}

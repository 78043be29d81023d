"""What is known of each préindication: its equivalents, its pathway, the strategy asked for, the documents asked for.

Codes, equivalences, pathways, strategies and the certainty of each come from the terminology that ships (or is laid
over it). What a published sentence asks of the number of people is read here, once, in `STRATEGIES`: a sentence that
speaks of a subgroup only (F-01, F-09, F-25, F-67 …) asks nothing of a whole dossier and is not in the table.

Source: `terminology/preindications`; the sheets that `pfmg-source` names there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

from fhir_gateway.dossier import codes
from fhir_gateway.terminology.shipped import Shipped, shipped

Certainty = Literal["sourced", "inferred", "unknown"]


@dataclass(frozen=True, slots=True)
class Strategy:
    """The least number of people that a published strategy asks for, and whether it calls fewer an exception.

    `pilot`: said of a pilot project or as advice ("à éviter"), hence never more than a warning.
    """

    people: int
    pilot: bool = False


# By the first code of the préindication; the sentence itself is the property "strategy" of the code system.
STRATEGIES: Final[Mapping[str, Strategy]] = {
    "F-19": Strategy(3),  # "Trio"
    "F-33": Strategy(2, pilot=True),  # "Duo ou trio, solo à éviter"
    "F-35": Strategy(2),  # "Duo au minimum, trio si possible"
    "F-38": Strategy(2),  # "Cas index et au moins un apparenté prélevable"
    "F-39": Strategy(2),  # "Duo au minimum, trio si possible"
    "F-45": Strategy(3),  # "Trio"
    "F-46": Strategy(3),  # "Trio"
    "F-49": Strategy(3, pilot=True),  # "Trio (projet pilote DEFIDIAG)"
}

# "If these items are not provided in the e-prescription the analysis will not be done" (sheet of the retinal
# dystrophies). The EOG is asked for vitelliform lesions only, which no code tells. Other sheets: not readable.
DOCUMENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "F-67": ("ophtalmologie", "fond-oeil", "autofluorescence", "oct", "erg"),
}


@dataclass(frozen=True, slots=True)
class Preindication:
    """`principal`: the first code of the same préindication, the same for all its holders.

    `strategy_text`: the published sentence, "" where none was found; `display` without the holder, French and English.
    """

    code: str
    principal: str
    french: str
    english: str
    parcours: str | None
    parcours_certainty: Certainty
    strategy_text: str
    strategy_certainty: Certainty

    @property
    def strategy(self) -> Strategy | None:
        return STRATEGIES.get(self.principal)

    @property
    def documents(self) -> tuple[str, ...]:
        return DOCUMENTS.get(self.principal, ())


@cache
def preindications(content: Shipped | None = None) -> Mapping[str, Preindication]:
    """Return the préindications by code, from what ships or from what is given."""
    system = (content or shipped()).resource("CodeSystem", codes.PREINDICATION) or {}
    return {each["code"]: _read(each) for each in system.get("concept", ())}


def _read(concept: Mapping[str, Any]) -> Preindication:
    held: dict[str, Any] = {}
    for each in concept.get("property", ()):
        value = next(value for name, value in each.items() if name.startswith("value"))
        held.setdefault(each["code"], value["code"] if isinstance(value, Mapping) else value)
    code = concept["code"]
    names = {each["language"]: each["value"] for each in concept.get("designation", ()) if "[" not in each["value"]}
    return Preindication(
        code=code,
        principal=held.get("preindication", code),
        french=names.get("fr", concept.get("display", code)),
        english=names.get("en", concept.get("display", code)),
        parcours=held.get("category"),
        parcours_certainty=held.get("category-certainty", "unknown"),
        strategy_text=held.get("strategy", ""),
        strategy_certainty=held.get("strategy-certainty", "unknown"),
    )


def principal(code: str) -> str:
    """Return the first code of the same préindication, whoever its holder; an unknown code stands for itself."""
    known = preindications().get(code)
    return known.principal if known is not None else code

"""French words for family links: the role of HL7 that a label says, or why it says none, and the inverse of a role.

A label is folded to a normal form: no case, accents, hyphens, articles, nor what does not change the link (affected,
elder, "du cas index"); abbreviations are written out and feminine adjectives made masculine ("Gd-mère mat." is
"grand mere maternel"). The form is then looked up in a list of forms that were reviewed one by one. Nothing is guessed:
a form with two readings, or none in the list, has no role.

Source: HL7 v3-RoleCode, "FamilyMember"; data: `terminology/family`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.terminology.shipped import Shipped, shipped

ROLE_CODE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"

Sex = Literal["male", "female"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a label says. `role`: a code of v3-RoleCode, None when it says none that is sure.

    `form`: the label folded. `exact`: the code says all that the label does. `reason`: why there is no role
    (ambiguous: the form has several readings or is no link, which `why` tells in French; doubtful: the label asks
    itself; unknown: the form is not in the list; empty); None when there is one.
    """

    role: str | None
    form: str
    exact: bool = True
    reason: Literal["ambiguous", "doubtful", "unknown", "empty"] | None = None
    why: str | None = None


class Kinship:
    """The list of forms and the inverses, as they ship or as they are laid over."""

    def __init__(self, content: Shipped, base: str = CANONICAL_BASE) -> None:
        words = content.resource("ConceptMap", f"{base}/ConceptMap/pfmg-lien-libelle") or {}
        self.forms: Mapping[str, Mapping[str, Any]] = {
            element["code"]: element["target"][0] for group in words.get("group", ()) for element in group["element"]
        }
        roles = content.resource("CodeSystem", f"{base}/CodeSystem/pfmg-v3-rolecode-fr") or {}
        self._inverses: Mapping[str, Mapping[str, str]] = {
            concept["code"]: {each["code"]: each["valueCode"] for each in concept.get("property", ())}
            for concept in roles.get("concept", ())
        }

    def read(self, label: str) -> Reading:
        """Return what a label says of a person: what that person is to the proband."""
        form = folded(label)
        if not form:
            return Reading(None, form, reason="empty")
        if "?" in label:
            return Reading(None, form, reason="doubtful")
        target = self.forms.get(form)
        if target is None:
            return Reading(None, form, reason="unknown")
        if "code" not in target:
            return Reading(None, form, reason="ambiguous", why=target.get("comment"))
        return Reading(target["code"], form, exact=target["equivalence"] in ("equivalent", "equal"))

    def inverse(self, role: str, sex: Sex | None = None) -> str | None:
        """Return what the proband, of this sex, is to a person of a role; None where HL7 has no code for it."""
        known = self._inverses.get(role, {})
        return known.get(f"inverse-{sex}", known.get("inverse")) if sex is not None else known.get("inverse")


@cache
def kinship() -> Kinship:
    """Return the list that ships."""
    return Kinship(shipped())


# --- the normal form

_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "Œ": "oe", "Æ": "ae"})
_HALF = re.compile(r"(?:1\s*/\s*2|1⁄2)")
_OR = re.compile(r"\s*/\s*")
_WORDS = re.compile(r"[a-z]+")

# Abbreviations and other spellings, each with what it stands for.
_WRITTEN_OUT: Mapping[str, str] = {
    "mat": "maternel", "pat": "paternel", "gd": "grand", "gde": "grande", "pt": "petit", "pte": "petite",
    "gm": "grand mere", "gp": "grand pere", "gmm": "grand mere maternel", "gmp": "grand mere paternel",
    "gpm": "grand pere maternel", "gpp": "grand pere paternel", "agm": "arriere grand mere",
    "agp": "arriere grand pere", "ci": "cas index", "mz": "monozygote", "dz": "dizygote", "demie": "demi",
    "homozygote": "monozygote", "heterozygote": "dizygote", "identique": "monozygote", "germ": "germain",
    "frangin": "frere", "frangine": "soeur", "frerot": "frere", "du": "de", "des": "de", "d": "de",
    "maternelle": "maternel", "maternels": "maternel", "maternelles": "maternel", "paternelle": "paternel",
    "paternels": "paternel", "paternelles": "paternel", "germaine": "germain", "germains": "germain",
    "germaines": "germain", "issue": "issu", "issus": "issu", "jumeaux": "jumeau", "jumelles": "jumelle",
    "monozygotes": "monozygote", "dizygotes": "dizygote", "eloignee": "eloigne", "eloignes": "eloigne",
    "adoptee": "adopte", "apparentee": "apparente", "biologiques": "biologique",
    "seur": "soeur", "seure": "soeur", "ovocytes": "ovocyte", "ovocytaire": "ovocyte", "vraie": "vrai",
    "fausse": "faux", "lignee": "branche", "ligne": "branche", "foetale": "foetus", "foetal": "foetus",
}  # fmt: skip

# Words that leave the link as it is.
_SILENT = frozenset((
    "le", "la", "les", "l", "un", "une", "mon", "ma", "son", "sa", "leur", "notre", "votre",
    "atteint", "atteinte", "atteints", "sain", "saine", "sains", "saines", "indemne", "malade", "symptomatique",
    "asymptomatique", "affecte", "affectee", "decede", "decedee", "dcd", "vivant", "vivante",
    "aine", "ainee", "cadet", "cadette", "benjamin", "benjamine", "puine", "puinee",
))  # fmt: skip

# "non atteinte" leaves the link as it is, "non" alone does not.
_NOT = re.compile(r"\bnon (?=(?:atteint|malade|affecte|symptomatique))")

# What is rewritten once the words stand one by one.
_REWRITTEN = tuple(
    (re.compile(rf"(?<!\S)(?:{pattern})(?!\S)"), written)
    for pattern, written in (
        (r"de (?:cas index|patient|patiente|proband|propositus|proposante)(?: index)?", ""),
        (r"(?<=frere )cas index|(?<=soeur )cas index", ""),
        (r"vrai (jumeau|jumelle)", r"\1 monozygote"),
        (r"faux (jumeau|jumelle)", r"\1 dizygote"),
        (r"(?:cote|branche) (?:de )?(?:maternel|mere)|(?:de )?meme mere|par mere", "maternel"),
        (r"(?:cote|branche) (?:de )?(?:paternel|pere)|(?:de )?meme pere|par pere", "paternel"),
        (r"(?:petit|grand|petite|grande) (frere|soeur)", r"\1"),
        (r"(frere|soeur) foetus|foetus (frere|soeur)", r"\1\2"),
    )
)


def folded(label: str) -> str:
    """Return the normal form of a label."""
    text = unicodedata.normalize("NFKD", label.translate(_LIGATURES).casefold())
    text = _HALF.sub(" demi ", "".join(each for each in text if not unicodedata.combining(each)))
    text = _OR.sub(" ou ", text)
    words = " ".join(_WRITTEN_OUT.get(word, word) for word in _WORDS.findall(text))
    words = " ".join(word for word in _NOT.sub("", words).split() if word not in _SILENT)
    for pattern, written in _REWRITTEN:
        words = " ".join(pattern.sub(written, words).split())
    return words

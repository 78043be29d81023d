"""What French clinicians abbreviate, and no terminology spells so: tried beside what was typed.

Only what has one meaning where phenotypes and diagnoses are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

ABBREVIATIONS: Mapping[str, str] = {
    "avc": "accident vasculaire cerebral",
    "bav": "bloc auriculo ventriculaire",
    "bpco": "bronchopneumopathie chronique obstructive",
    "cia": "communication interauriculaire",
    "civ": "communication interventriculaire",
    "cmd": "cardiomyopathie dilatee",
    "cmh": "cardiomyopathie hypertrophique",
    "cpk": "creatine kinase",
    "di": "deficience intellectuelle",
    "dmla": "degenerescence maculaire",
    "fop": "foramen ovale permeable",
    "hdc": "hernie diaphragmatique congenitale",
    "hsm": "hepatosplenomegalie",
    "hta": "hypertension arterielle",
    "htap": "hypertension arterielle pulmonaire",
    "iop": "insuffisance ovarienne prematuree",
    "ir": "insuffisance renale",
    "irc": "insuffisance renale chronique",
    "mav": "malformation arterioveineuse",
    "pca": "canal arteriel persistant",
    "rciu": "retard croissance intra uterin",
    "rgo": "reflux gastro oesophagien",
    "rm": "retard mental",
    "rpm": "retard psychomoteur",
    "saos": "apnee obstructive sommeil",
    "sopk": "ovaires polykystiques",
    "tca": "trouble comportement alimentaire",
    "tdah": "trouble deficit attention hyperactivite",
    "toc": "trouble obsessionnel compulsif",
    "tsa": "trouble spectre autistique",
}


# First parts of words that are written apart, with a hyphen, or as one word.
_FIRST_PARTS = frozenset(
    ("anti", "cardio", "gastro", "hyper", "hypo", "inter", "intra", "macro", "micro", "multi", "neuro", "non", "para",
     "peri", "poly", "post", "pre", "sub", "supra", "trans")
)  # fmt: skip


def joined(words: Sequence[str]) -> list[str] | None:
    """Return the words with first parts joined to what follows (post natal: postnatal); None where there is none."""
    found: list[str] = []
    for word in words:
        if found and found[-1] in _FIRST_PARTS:
            found[-1] += word
        else:
            found.append(word)
    return found if len(found) < len(words) else None


def spelt_out(words: Sequence[str]) -> list[str] | None:
    """Return the words with abbreviations spelt out; None where there is none."""
    if not any(word in ABBREVIATIONS for word in words):
        return None
    return [each for word in words for each in ABBREVIATIONS.get(word, word).split()]

"""Invented families: who takes part in a dossier, of what age, with which signs, form, signers and tubes.

Source: `fhir_gateway/dossier/forms.py` for the forms; the Human Phenotype Ontology for the terms (codes as released).
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from fhir_gateway.demo_dossiers.invented import Person, Sex, ins_for_tests, names
from fhir_gateway.demo_dossiers.prescription import RESEARCH, Member, Signer

MEMBERS: Final = {"wgs-solo": 1, "wgs-duo": 2, "wgs-trio": 3, "wgs-quatuor": 4, "wgs-tumeur-constit": 1}
# Terms that fit many a préindication, and what they say in French.
GENERAL: Final = (
    ("HP:0001263", "Retard global de développement"),
    ("HP:0001250", "Crises"),
    ("HP:0001252", "Hypotonie"),
    ("HP:0000252", "Microcéphalie"),
    ("HP:0004322", "Petite taille"),
)
SIGNS: Final = {
    "F-01": (("HP:0001639", "Cardiomyopathie hypertrophique"), ("HP:0001644", "Cardiomyopathie dilatée")),
    "F-02": (("HP:0011675", "Arythmie"),),
    "F-07": (("HP:0002616", "Dilatation de la racine aortique"),),
    "F-29": (("HP:0000083", "Insuffisance rénale"),),
    "F-32": (("HP:0002721", "Déficit immunitaire"),),
    "F-33": (("HP:0001251", "Ataxie"),),
    "F-35": (("HP:0001332", "Dystonie"),),
    "F-42": (("HP:0003198", "Myopathie"),),
    "F-45": (("HP:0002652", "Dysplasie osseuse"), ("HP:0004322", "Petite taille")),
    "F-49": (("HP:0001249", "Déficience intellectuelle"), ("HP:0001263", "Retard global de développement")),
    "F-58": (("HP:0001250", "Crises"), ("HP:0001263", "Retard global de développement")),
    "F-67": (("HP:0000556", "Dystrophie rétinienne"),),
    "F-68": (("HP:0000365", "Déficience auditive"),),
}
# The tumours of the blood: marrow is told as dry pellet, its normal tissue as skin.
BLOOD: Final = frozenset({"F-69", "F-73", "F-84", "F-85", "F-93"})


@dataclass(frozen=True, slots=True)
class Family:
    members: tuple[Member, ...]


class _Maker:
    """Draws invented people; the serial of a person makes the INS number another one for each."""

    def __init__(self, chance: random.Random, number: str, serial: int) -> None:
        self._chance = chance
        self._key = number.lower()
        self.serial = serial

    def person(self, key: str, gender: Sex, birth: date, family: str | None = None) -> Person:
        held = names()
        self.serial = (self.serial + 1) % 1_000_000
        given = held.female if gender == "female" else held.male
        born = birth.isoformat()
        return Person(
            f"{self._key}-{key}",
            family or f"ESSAI-{self._chance.choice(held.families)}",
            (self._chance.choice(given),),
            gender,
            born,
            ins_for_tests(gender, born, self.serial),
            f"IPP-{self._key.upper()}-{key.upper()}",
        )


def family(
    chance: random.Random, number: str, serial: int, parcours: str, code: str, examen: str, at: date, is_child: bool
) -> Family:
    """Return who takes part: the proband first, then mother, father, a brother or sister, as many as asked for.

    `serial`: of their INS numbers, which take five from it on.
    """
    make = _Maker(chance, number, serial)
    age = chance.uniform(0.5, 16) if is_child else chance.uniform(20, 75 if parcours == "KC" else 60)
    gender: Sex = chance.choice(("female", "male"))
    proband = make.person("index", gender, at - timedelta(days=int(age * 365.25)))
    mother = make.person("mere", "female", _older(chance, proband))
    father = make.person("pere", "male", _older(chance, proband), proband.family)
    signers = (Signer(mother, "MTH", "mere"), Signer(father, "FTH", "pere")) if is_child else ()
    adult = "cancer" if parcours == "KC" else "mr"
    index = Member(
        "index",
        proband,
        f"{adult}-{'mineur' if is_child else 'majeur'}",
        is_affected=True,
        signers=signers,
        refuses=frozenset(RESEARCH) if chance.random() < 0.08 else frozenset(),
        signs=_signs(chance, parcours, code),
        tubes=_tubes(parcours, code),
        place=chance.randrange(6),
    )
    relatives = [
        Member("mere", mother, "tiers-apparente", "MTH", place=chance.randrange(6)),
        Member("pere", father, "tiers-apparente", "FTH", place=chance.randrange(6)),
        _sibling(chance, make, proband, at, signers),
    ]
    return Family((index, *relatives[: MEMBERS[examen] - 1]))


def _sibling(chance: random.Random, make: _Maker, proband: Person, at: date, parents: tuple[Signer, ...]) -> Member:
    gender: Sex = chance.choice(("female", "male"))
    born = min(date.fromisoformat(proband.birth) + timedelta(days=chance.choice((-1100, -800, 800, 1100))), at)
    born = min(born, at - timedelta(days=60))
    person = make.person("fratrie", gender, born, proband.family)
    is_minor = (at - born).days < 17 * 365
    form, signers = ("mr-mineur", parents) if is_minor and parents else ("tiers-apparente", ())
    link = "NSIS" if gender == "female" else "NBRO"
    is_affected = chance.random() < 0.4
    return Member("fratrie", person, form, link, is_affected=is_affected, signers=signers, place=chance.randrange(6))


def _older(chance: random.Random, child: Person) -> date:
    return date.fromisoformat(child.birth) - timedelta(days=int(chance.uniform(21, 38) * 365.25))


def _signs(chance: random.Random, parcours: str, code: str) -> tuple[tuple[str, str, bool], ...]:
    if parcours == "KC":
        return ()
    known = SIGNS.get(code, GENERAL)
    present = chance.sample(known, min(len(known), chance.randint(1, 3)))
    absent = [each for each in GENERAL if each not in known][:1]
    return (*((*each, True) for each in present), *((*each, False) for each in absent))


def _tubes(parcours: str, code: str) -> tuple[tuple[str, str], ...]:
    if parcours != "KC":
        return (("sang", "constitutionnel"),)
    if code in BLOOD:
        return (("culot-sec", "tumoral-primitif"), ("fibroblaste", "normal-apparie"))
    return (("tumeur-congelee", "tumoral-primitif"), ("sang", "normal-apparie"))

"""Who and what the examples are about: invented people, structures and numbers, read from one file.

Source: `profiles/examples/pfmg/people.json`, which says of each kind of number why nobody can have it; INS,
"Référentiel Identifiant national de santé"; FHIR FR Core 2.2.0, fr-core-patient-ins.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from fhir_gateway.dossier.actor import Acting
from fhir_gateway.dossier.codes import FINESS
from fhir_gateway.fhir.data_folder import data_folder
from fhir_gateway.terminology.french_identifiers import ins_key

Sex = Literal["male", "female", "unknown"]


@dataclass(frozen=True, slots=True)
class Structure:
    """`finess`: (FINEJ or FINEG, number), the legal entity first; `kind`: a code of pfmg-type-structure."""

    key: str
    name: str
    kind: str
    finess: tuple[tuple[str, str], ...]
    postal_code: str | None = None
    city: str | None = None

    @property
    def number(self) -> str:
        return self.finess[0][1]

    @property
    def token(self) -> str:
        return f"{FINESS}|{self.number}"


@dataclass(frozen=True, slots=True)
class Professional:
    """`function`: a code of pfmg-fonction, which is the name of the gateway's role too; `structure`: its key."""

    key: str
    rpps: str
    family: str
    given: str
    function: str
    structure: str
    prefix: str | None = None

    @property
    def display(self) -> str:
        return " ".join(each for each in (self.prefix, self.given, self.family) if each)

    @property
    def acting(self) -> Acting:
        """Return this person as who acts: role, structure, RPPS."""
        return Acting(self.function, structures()[self.structure].token, self.rpps)


@dataclass(frozen=True, slots=True)
class Person:
    """`ins`: None for an identity that is not qualified; `ipp`: None for who only signs for somebody else.

    `deceased`: a date, or True where none is told.
    """

    key: str
    family: str
    given: tuple[str, ...]
    gender: Sex
    birth: str
    ins: str | None = None
    ipp: str | None = None
    deceased: str | bool = False
    is_fetus: bool = False


@dataclass(frozen=True, slots=True)
class Names:
    """What made-up people are called, and where they were born (INSEE code, town)."""

    families: tuple[str, ...]
    female: tuple[str, ...]
    male: tuple[str, ...]
    places: tuple[tuple[str, str], ...]


@cache
def _file() -> Mapping[str, Any]:
    path = data_folder("profiles") / "examples" / "pfmg" / "people.json"
    held: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return held


@cache
def structures() -> Mapping[str, Structure]:
    return {
        each["key"]: Structure(
            each["key"],
            each["name"],
            each["type"],
            tuple((one["type"], one["value"]) for one in each["finess"]),
            each.get("postalCode"),
            each.get("city"),
        )
        for each in _file()["organisations"]
    }


@cache
def professionals() -> Mapping[str, Professional]:
    return {
        each["key"]: Professional(
            each["key"],
            each["rpps"],
            each["family"],
            each["given"],
            each["function"],
            each["organisation"],
            each.get("prefix"),
        )
        for each in _file()["professionals"]
    }


@cache
def people() -> Mapping[str, Person]:
    return {
        each["key"]: Person(
            each["key"],
            each["family"],
            tuple(each["given"]),
            each["gender"],
            each["birthDate"],
            each.get("ins"),
            each.get("ipp"),
            each.get("deceased", False),
            each.get("fetus", False),
        )
        for each in _file()["people"]
    }


@cache
def names() -> Names:
    held = _file()
    made = held["generated"]
    places = tuple((each["insee"], each["city"]) for each in held["birthPlaces"])
    return Names(tuple(made["families"]), tuple(made["female"]), tuple(made["male"]), places)


def colleague(structure: str, function: str) -> Professional:
    """Return the professional of a structure (by its key) with a function. Raises: StopIteration: there is none."""
    return next(each for each in professionals().values() if (each.structure, each.function) == (structure, function))


def ins_for_tests(gender: Sex, birth: str, serial: int) -> str:
    """Return the INS number for tests of an invented person, with its key: born where nobody is, in 00 000.

    `serial`: 0 to 999999, which makes it another one for each.
    """
    number = f"{1 if gender == 'male' else 2}{birth[2:4]}{birth[5:7]}00{serial:06}"
    return number + ins_key(number)

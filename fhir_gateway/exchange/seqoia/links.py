"""What an entry of SPICE is to the proband: a role of HL7, another sample of somebody, or a text that stays one.

Source: HL7 v3-RoleCode; `terminology/family` (lists that were reviewed one by one); README.md of this room, which says
where this differs from the map that the national collector published.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from fhir_gateway.exchange.people import People, codes
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.terminology.kinship import ROLE_CODE, folded, kinship
from fhir_gateway.terminology.shipped import shipped

KEYS: Final[Mapping[str, str]] = {"père": "FTH", "mère": "MTH"}
_NAMES: Final[Mapping[str, str]] = {"FTH": "Père", "MTH": "Mère"}
_SAMPLES: Final = f"{CANONICAL_BASE}/ConceptMap/seqoia-libelle-prelevement"
_ROLES: Final = f"{CANONICAL_BASE}/CodeSystem/pfmg-v3-rolecode-fr"


# What somebody is to the proband by way of a parent, a sibling or a child: two codes, one after the other.
_BY_WAY: Final[Mapping[tuple[str, str], str]] = {
    ("FTH", "FTH"): "PGRFTH", ("FTH", "MTH"): "PGRMTH", ("FTH", "BRO"): "PUNCLE", ("FTH", "SIS"): "PAUNT",
    ("MTH", "FTH"): "MGRFTH", ("MTH", "MTH"): "MGRMTH", ("MTH", "BRO"): "MUNCLE", ("MTH", "SIS"): "MAUNT",
    ("BRO", "SON"): "NEPHEW", ("BRO", "DAU"): "NIECE", ("SIS", "SON"): "NEPHEW", ("SIS", "DAU"): "NIECE",
    ("SON", "SON"): "GRNDSON", ("SON", "DAU"): "GRNDDAU", ("DAU", "SON"): "GRNDSON", ("DAU", "DAU"): "GRNDDAU",
}  # fmt: skip
_PLAIN: Final[Mapping[str, str]] = {"NFTH": "FTH", "NMTH": "MTH", "NBRO": "BRO", "NSIS": "SIS"}


@dataclass(frozen=True, slots=True)
class Link:
    """What a label says. `code`: of v3-RoleCode, None where none is sure, for `reason`; `confidence`: of PFMG's
    extension, 1 where the key told it; `text`: the label, where the key did not.
    """

    code: str | None
    text: str | None
    confidence: str | None
    exact: bool = True
    reason: str = ""


def link(key: str, name: str) -> Link:
    """Return what an entry is to the proband."""
    if key in KEYS:
        return Link(KEYS[key], name if name not in ("", _NAMES[KEYS[key]]) else None, "1")
    written = _written().get(name.casefold())
    if written is not None:
        return Link(written, name, "0.9")
    reading = kinship().read(name)
    if reading.role is None or reading.role == "ONESELF":
        return Link(None, name or None, None, reason=reading.why or reading.reason or "cas index")
    return Link(reading.role, name, "0.9" if reading.exact else "0.7", exact=reading.exact)


def derived(people: People, proband: str, key: str) -> str | None:
    """Return what a person is to the proband whom no link of the proband's names: the inverse of the person's own link,
    or by way of somebody between; None where the codes do not tell.
    """
    for edge, other in people.edges(key):
        for code in codes(edge.get("relationship"), ROLE_CODE):
            sex = (people.patient(key) or {}).get("gender")
            if other == proband and (found := kinship().inverse(code, sex if sex in ("male", "female") else None)):
                return found
    for first, between in people.edges(proband):
        for second, other in people.edges(between):
            if other == key:
                for way in codes(first.get("relationship"), ROLE_CODE):
                    for code in codes(second.get("relationship"), ROLE_CODE):
                        return _BY_WAY.get((_PLAIN.get(way, way), _PLAIN.get(code, code)))
    return None


@cache
def _samples() -> Mapping[str, str]:
    found = shipped().resource("ConceptMap", _SAMPLES) or {}
    return {
        element["code"]: element["target"][0].get("code", "")
        for group in found.get("group", ())
        for element in group["element"]
    }


def sample(key: str, name: str) -> str | None:
    """Return the nature of the sample that a label names, "" where it names one of unsaid nature; None: no sample."""
    return _samples().get(folded(name)) if key == "autre" else None


def is_listed(name: str) -> bool:
    """Tell whether a label is one of the lists, hence no free text."""
    listed = name.casefold() in _written() or kinship().read(name).role is not None
    return listed or folded(name) in _samples()


@cache
def names() -> Mapping[str, str]:
    """Return a French word for each role: one that is read back as this role, else HL7's name in French."""
    roles: Mapping[str, Any] = shipped().resource("CodeSystem", _ROLES) or {}
    forms = sorted(kinship().forms, key=lambda each: (len(each), each))
    found = dict(_NAMES)
    for concept in roles.get("concept", ()):
        code, display = str(concept["code"]), str(concept["display"])
        words = (display, *(form for form in forms if kinship().forms[form].get("code") == code))
        found.setdefault(code, next((word for word in words if kinship().read(word).role == code), display))
    return found


@cache
def _written() -> Mapping[str, str]:
    """Return the roles whose word is in no list of words: it is HL7's name in French, to the letter."""
    words = {name.casefold(): code for code, name in names().items() if code not in _NAMES}
    return {word: code for word, code in words.items() if kinship().read(word).role is None and code != "ONESELF"}

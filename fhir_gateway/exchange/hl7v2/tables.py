"""Codes that a sender says are of a system: the system is named where it has the code, else a name of the sender's.

Tables are the users' own as often as HL7's (0002, 0063, 0131 …): a hospital writes Q^Pacsé^HL70002, or mm Hg^^UCUM. A
code that its system has not would make a resource that is not valid. Of systems that are not known whole (LOINC, SNOMED
CT …) nothing is said; where a profile of this project is claimed, its systems are left to it.

Source: HL7 v2.5.1, chapter 2C, table 0396 (HL7nnnn); FHIR R4, Terminologies, "Using Codes"; Quantity, "code".
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.conformance.known_packages import OverR4, carried_over
from fhir_gateway.exchange.hl7v2 import complaints
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.terminology.library import Library
from fhir_gateway.terminology.shipped import shipped

# What the bytes of a message hold that names a system which is known whole.
_NAMES = (b"HL7", b"UCUM", b"v3-", b"ISO3166", b"CVX", b"PFMG", b"://", b"urn:")
_TABLES = "http://terminology.hl7.org/CodeSystem/v2-"
_OWN = f"{CANONICAL_BASE}/hl7v2/system/"
# Elements whose codes are those of rules, or that have none.
_PLAIN = frozenset(("identifier", "name", "telecom", "address", "meta", "status", "resourceType", "id", "period"))
_NOT_OF_IT = frozenset({"unknown-code", "supplement", "value-set"})


def names_systems(data: bytes, start: int) -> bool:
    """Tell whether the bytes of a message, from a place on, may name a system that has its codes told."""
    return any(data.find(name, start) >= 0 for name in _NAMES)


def settle(resource: dict[str, Any]) -> list[Issue]:
    """Let every coding of a resource name a system that has its code, in place; return what is to be warned of: codes
    that the system named has not.

    A coding that comes to name HL7's system loses its display: displays are those that the system gives. A unit that is
    none of UCUM's stays as the sender wrote it, without code and system.
    """
    claims = "profile" in resource.get("meta", ())
    issues: list[Issue] = []
    waiting = [resource]
    for value in waiting:  # which grows meanwhile
        if "code" in value and "system" in value and "reference" not in value:
            system, code = value["system"], value["code"]
            if type(system) is str and type(code) is str:
                named = _system_of(system, code, claims)
                if named is not None:
                    issues += _named(value, named, resource["resourceType"])
        for key, each in value.items():
            if type(each) is dict:
                if key not in _PLAIN and "reference" not in each:
                    waiting.append(each)
            elif type(each) is list and key not in _PLAIN:
                waiting += [one for one in each if type(one) is dict and "reference" not in one]
    return issues


def _named(coding: dict[str, Any], named: str, type: str) -> Iterator[Issue]:
    """Give a coding the system that has its code; yield what is to be warned of."""
    was = coding["system"]
    if was.startswith(_OWN):
        coding["system"] = named
        coding.pop("display", None)
        return
    if "value" in coding:
        coding.setdefault("unit", coding["code"])
        del coding["code"], coding["system"]
    else:
        coding["system"] = named
    yield complaints.NOT_OF_SYSTEM.at(None, system=was, type=type)


@lru_cache(4096)
def _system_of(system: str, code: str, claims: bool) -> str | None:
    """Return the system that a coding is to name; None: the one that it names. `claims`: a profile."""
    if system.startswith(_OWN):
        table = system[len(_OWN) :]
        return _TABLES + table[3:] if _is_table(table) and has(_TABLES + table[3:], code) else None
    if (claims and system.startswith(CANONICAL_BASE)) or has(system, code, unknown=True):
        return None
    return _OWN + _name_of(system)


@lru_cache(4096)
def has(system: str, code: str, unknown: bool = False) -> bool:
    """Return whether a system has a code; `unknown`: what is said of a system that is not known whole."""
    state = _library().verdict(system, None, code).state
    return state == "known" or (unknown and state not in _NOT_OF_IT)


@lru_cache(1)
def _library() -> Library:
    return Library(carried_over(OverR4(shipped(), definitions(), any_version=True)))


def _is_table(name: str) -> bool:
    return len(name) == 7 and name.startswith("HL7") and name[3:].isdigit()


def _name_of(system: str) -> str:
    if system.startswith(_TABLES):
        return f"HL7{system[len(_TABLES) :]}"
    return system.rstrip("/").rpartition("/")[2].removeprefix("urn:")

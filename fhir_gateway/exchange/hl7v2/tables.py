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


def settle(resource: dict[str, Any]) -> Iterator[Issue]:
    """Let every coding of a resource name a system that has its code, in place; yield what is to be warned of: codes
    that the system named has not.

    A coding that comes to name HL7's system loses its display: displays are those that the system gives. A unit that is
    none of UCUM's stays as the sender wrote it, without code and system.
    """
    claims = "profile" in resource.get("meta", ())
    for coding in _codings(resource):
        system, code = coding["system"], coding["code"]
        if system.startswith(_OWN):
            table = system[len(_OWN) :]
            if _is_table(table) and has(_TABLES + table[3:], code):
                coding["system"] = _TABLES + table[3:]
                coding.pop("display", None)
        elif not (claims and system.startswith(CANONICAL_BASE)) and not has(system, code, unknown=True):
            if "value" in coding:
                coding.setdefault("unit", code)
                del coding["code"], coding["system"]
            else:
                coding["system"] = _OWN + _name_of(system)
            yield complaints.NOT_OF_SYSTEM.at(None, system=system, type=resource["resourceType"])


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


def _codings(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the objects within a resource that have a code of a system which a sender may have named."""
    waiting: list[Any] = [resource]
    while waiting:
        value = waiting.pop()
        if type(value) is list:
            waiting += value
        elif type(value) is dict and "reference" not in value:
            if "code" in value and type(value.get("system")) is str and type(value["code"]) is str:
                yield value
            waiting += [each for key, each in value.items() if key not in _PLAIN and type(each) is not str]

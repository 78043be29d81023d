"""What the operations of a dossier have in common: which dossier is meant, and a Parameters resource as answer.

Source: FHIR R4, Parameters; `profiles/pfmg/input/fsh/operations.fsh`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.dossier import Dossier
from fhir_gateway.dossier.membership import is_member
from fhir_gateway.fhir.json import decode, encode
from fhir_gateway.fhir.outcome import Unprocessable
from fhir_gateway.interactions import dossier_gathering as gathering
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Answer
from fhir_gateway.interactions.operations import complaints
from fhir_gateway.interactions.operations.operation import Call
from fhir_gateway.interactions.read import answer_with
from fhir_gateway.store.contract import Read

Part = dict[str, Any]


def dossier_asked(
    gateway: Gateway, view: Read, call: Call, about: Collection[str] = gathering.ABOUT
) -> tuple[Dossier, int]:
    """Return the dossier of the request that is asked about, and that request's number (rid).

    `about`: of what speaks of its people and requests, these types only.
    Raises: NotFound, Gone for the request; Unprocessable for one that belongs to no dossier.
    """
    act = call.interaction
    assert act.id is not None
    version = view.current("ServiceRequest", act.id)
    answer_with(version, "ServiceRequest", act.id)
    assert version is not None
    request = decode(version.body)
    number = codes.token(request.get("requisition"))
    if number is None or not is_member(request):
        raise Unprocessable(complaints.NO_DOSSIER.at("ServiceRequest", id=act.id))
    return gathering.dossier_of(gateway, view, number, about), version.rid


def part(name: str, type: str, value: Any) -> list[Part]:
    """Return a parameter, none for no value. `type`: as in value[x] ("Code", "DateTime")."""
    return [] if value is None else [{"name": name, f"value{type}": value}]


def group(name: str, *parts: Iterable[Part]) -> Part:
    """Return a parameter of parts."""
    return {"name": name, "part": [each for given in parts for each in given]}


def answered(parameters: Iterable[Part], shown: Iterable[int] = ()) -> Answer:
    held = list(parameters)
    resource = {"resourceType": "Parameters", **({"parameter": held} if held else {})}
    return Answer(200, encode(resource), shown=tuple(shown))


def identifier(number: str | None) -> Part | None:
    return None if number is None else codes.identifier(number)

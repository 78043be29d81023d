"""Messages for tests: synthetic people, a hospital that does not exist."""

from __future__ import annotations

from collections.abc import Sequence

SENDER = "GAM|HOPITAL-ESSAI"
FINESS = "https://finess.esante.gouv.fr"
HOSPITAL = "990000001"
IPP = "https://pfmg.example.org/fhir/hl7v2/authority/HOPITAL-ESSAI"  # the system of its local identifiers


def message(*segments: str) -> bytes:
    return "".join(f"{each}\r" for each in segments).encode()


def msh(
    event: str = "ADT^A28",
    control_id: str = "C1",
    *,
    sender: str = SENDER,
    receiver: str = "PASSERELLE|PFMG",
    at: str = "20260101080000",
    processing: str = "P",
    version: str = "2.5",
    charset: str = "UNICODE UTF-8",
    modes: str = "|",
) -> str:
    return f"MSH|^~\\&|{sender}|{receiver}|{at}||{event}|{control_id}|{processing}|{version}|||{modes}|FRA|{charset}"


def adt(
    event: str = "A28",
    control_id: str = "C1",
    ipp: str = "1",
    *,
    recorded: str = "20260101080000",
    name: str = "ESSAI^ZOE",
    birth: str = "19900112",
    more: Sequence[str] = (),
    after: str = "",
    **head: str,
) -> bytes:
    """Return an ADT about a patient. `after`: what follows PID-8."""
    patient = f"PID|1||{ipp}^^^HOPITAL-ESSAI^PI||{name}^^^^^L||{birth}|F{after}"
    return message(msh(f"ADT^{event}", control_id, **head), f"EVN||{recorded}", patient, "PV1|1|N", *more)


def merge(survivor: str, retired: str, control_id: str, recorded: str = "20260102080000") -> bytes:
    return adt("A40", control_id, survivor, recorded=recorded, more=[f"MRG|{retired}^^^HOPITAL-ESSAI^PI"])


def answered(answer: bytes) -> tuple[str, str, list[str]]:
    """Return MSA-1, MSA-2 and the conditions of ERR segments with their places, "101 PID^1^3"."""
    segments = [each.split("|") for each in answer.decode("latin-1").split("\r") if each]
    msa = next(each for each in segments if each[0] == "MSA")
    errors = [f"{each[3].partition('^')[0]} {each[2]}".strip() for each in segments if each[0] == "ERR"]
    return msa[1], msa[2] if len(msa) > 2 else "", errors

"""Who deposits, and with whom: the structures that the head of a message names, as the collector knows them.

Source: reference: CAD message (MSH, SFT); GIP-CPS, 1.2.250.1.71.4.2.2 (FINESS in ten digits: 1, then the nine).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from zoneinfo import ZoneInfo

from fhir_gateway.exchange.hl7v2.outgoing import Outgoing, OutgoingSegment
from fhir_gateway.exchange.hl7v2.values import PARIS

STRUCTURES: Final = "1.2.250.1.71.4.2.2"  # the OID that all numbers of structures stand under
PROFILE: Final = ("Message au format CAD ORU_R01 v1", "1.2.250.1.710.1.15.9.1.1.1", "1.2.250.1.710.1.2.1", "ISO")


@dataclass(frozen=True, slots=True)
class Structure:
    """A laboratory, an establishment, the collector. `finess`: nine digits, or ten as the collector writes it."""

    name: str
    finess: str

    @property
    def ten(self) -> str:
        """The number in ten digits."""
        return f"1{self.finess}" if len(self.finess) == 9 else self.finess


@dataclass(frozen=True, slots=True)
class Sender:
    """Who deposits. `laboratory`: MSH-3, and whose numbers are sent; `facility`: MSH-4; `legal`: SFT-1, its legal
    entity; `application`, `collector`: MSH-5 and MSH-6; `software`, `version`: SFT-3 and SFT-2.
    """

    laboratory: Structure
    facility: Structure
    legal: Structure
    application: Structure
    collector: Structure
    software: str = "fhir-gateway"
    version: str = "1"
    processing: Literal["P", "T", "D"] = "P"


def headed(sender: Sender, control: str, at: datetime) -> Outgoing:
    """Return a message that has its head only: MSH and SFT. `control`: MSH-10."""
    message = Outgoing("UNICODE UTF-8")
    head = message.head
    structures = (sender.laboratory, sender.facility, sender.application, sender.collector)
    for number, structure in zip((3, 4, 5, 6), structures, strict=True):
        _all(head, number, (structure.name, structure.ten, STRUCTURES))
    head.put("7", _moment(at))
    _all(head, 9, ("ORU", "R01", "ORU_R01"))
    head.put("10", control)
    head.put("11", sender.processing)
    _all(head, 12, ("2.5", "FRA"))
    head.put("17", "FRA")
    _all(head, 19, ("fr", "français", "ISO639"))
    _all(head, 21, PROFILE)
    software = message.segment("SFT")
    software.put("1.1", sender.legal.name)
    software.put("1.2", "L")
    for subcomponent, text in enumerate(("ASIP-SANTE-ST", STRUCTURES, "ISO"), start=1):
        software.set(1, 1, 6, subcomponent, text)
    software.put("1.7", "FINEJ")
    software.put("1.10", sender.legal.ten)
    software.put("2", sender.version)
    software.put("3", sender.software)
    return message


def _all(segment: OutgoingSegment, number: int, components: tuple[str, ...]) -> None:
    for component, text in enumerate(components, start=1):
        segment.set(number, 1, component, 1, text)


def _moment(at: datetime) -> str:
    local = at.astimezone(ZoneInfo(PARIS))
    return f"{local:%Y%m%d%H%M%S}.{local.microsecond // 1000:03d}{local:%z}"

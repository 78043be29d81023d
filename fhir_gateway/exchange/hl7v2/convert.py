"""Messages of HL7 v2 made into FHIR: what reads a message, finds its mapping and applies it.

Source: mappings/README.md; HL7 v2-to-FHIR; PAM France 2.11.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.conformance.known_packages import OverR4, carried_over
from fhir_gateway.conformance.lookup import Lookup
from fhir_gateway.exchange.hl7v2 import complaints
from fhir_gateway.exchange.hl7v2.charset import Trust
from fhir_gateway.exchange.hl7v2.complaints import Unreadable
from fhir_gateway.exchange.hl7v2.er7 import Message, read_all
from fhir_gateway.exchange.hl7v2.messages import Er7Source, event_of
from fhir_gateway.exchange.hl7v2.paths import Er7Paths
from fhir_gateway.exchange.hl7v2.values import PARIS
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.fhir.data_folder import data_folder
from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.terminology.shipped import shipped
from fhir_gateway.transform.codes import CodeMaps
from fhir_gateway.transform.mapping import Mappings, Result, load
from fhir_gateway.transform.target import Targets

_FRANCE = frozenset({"FRA", "FR", "250"})


@dataclass(frozen=True, slots=True)
class Conversion:
    """What became of a message. `result`: None where its event makes nothing; `accepted`: whether the event is one
    that is taken all the same (with an answer to a message of ours, for which nothing is made).
    """

    message: Message
    event: str
    result: Result | None
    accepted: bool
    issues: tuple[Issue, ...]


class Converter:
    """Converts messages by the mappings it was made with; shared by all threads.

    `elsewhere`: for messages whose MSH-17 names a country other than France, to which the French rules do not apply.
    """

    def __init__(self, mappings: Mappings, elsewhere: Mappings | None = None, trust: Trust = "declared") -> None:
        self.mappings = mappings
        self.elsewhere = elsewhere or mappings
        self._trust = trust

    def mappings_for(self, message: Message) -> Mappings:
        """Return the mappings that apply to a message."""
        country = message.get("MSH-17")
        return self.mappings if not country or country in _FRANCE else self.elsewhere

    def convert(self, message: Message, traced: bool = False) -> Conversion:
        """Return what becomes of a message. `traced`: also which rule made what."""
        event = event_of(message)
        mappings = self.mappings_for(message)
        mapping = mappings.of(event)
        warnings = tuple(message.warnings)
        if mapping is not None:
            result = mapping.apply(Er7Source(message), traced)
            return Conversion(message, event, result, True, (*warnings, *result.issues))
        if event in mappings.accepted or message.first("MSA") is not None:
            return Conversion(message, event, None, True, warnings)
        issue = complaints.EVENT_UNKNOWN.at(None, event=event or "(none)")
        return Conversion(message, event, None, False, (*warnings, issue))

    def convert_all(self, data: bytes, traced: bool = False) -> Iterator[Conversion | Unreadable]:
        """Yield what becomes of the messages of a file, or why one cannot be read."""
        for each in read_all(data, self._trust):
            yield each if isinstance(each, Unreadable) else self.convert(each, traced)


def layers_of(sites: Sequence[str] = (), folders: Iterable[Path] = ()) -> list[tuple[str, Path]]:
    """Return the layers of rules with their names: base, fr, those of sites, then folders of an operator."""
    own = data_folder("mappings") / "hl7v2"
    layers = [(name, own / name) for name in ("base", "fr", *(f"sites/{each}" for each in sites))]
    return [*layers, *((folder.name, folder) for folder in folders)]


def converter(
    sites: Sequence[str] = (), folders: Iterable[Path] = (), zone: str = PARIS, lookup: Lookup | None = None
) -> Converter:
    """Return what converts messages by the shipped mappings, with those of sites and of folders laid over.

    `zone`: of times without offset. `lookup`: knows extensions; None: what R4 and the packages that ship define.
    Raises: MappingError with all that is wrong in any file.
    """
    layers = layers_of(sites, folders)
    elsewhere = [each for each in layers if each[0] != "fr"]
    return Converter(load_mappings(layers, zone, lookup), load_mappings(elsewhere, zone, lookup))


def load_mappings(layers: Sequence[tuple[str, Path]], zone: str = PARIS, lookup: Lookup | None = None) -> Mappings:
    """Return the mappings of layers. Raises: MappingError with all that is wrong in any file."""
    content = shipped()
    known = lookup or carried_over(OverR4(content, definitions(), any_version=True))
    targets = Targets(definitions().types, known, (CANONICAL_BASE,))
    return load(layers, targets, CodeMaps(content.resources("ConceptMap")), Er7Paths(ZoneInfo(zone)))

"""$statistiques: how many dossiers there are, where they stand, how long they take; small numbers are masked.

One dimension a line and no periods: tables that overlap would give away what is masked.

Source: `profiles/pfmg/input/fsh/operations.fsh`; `fhir_gateway/dossier/statistics.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.routing import territories
from fhir_gateway.dossier.statistics import UNKNOWN, Cell, Statistics, case_from, statistics
from fhir_gateway.fhir.outcome import InvalidRequest
from fhir_gateway.interactions import dossier_summaries as summaries
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Answer
from fhir_gateway.interactions.operations import complaints
from fhir_gateway.interactions.operations.dossier_parameters import Part, answered, group, part
from fhir_gateway.interactions.operations.dossier_suivi import milestone
from fhir_gateway.interactions.operations.operation import Call
from fhir_gateway.store.contract import Read

BREAKDOWNS: Final = ("preindication", "plateforme", "etape", "mois")


def statistiques(gateway: Gateway, view: Read, call: Call) -> Answer:
    """Answer with counts and delays of all dossiers, whosever; the breakdowns asked for, or all.

    Raises: InvalidRequest for a breakdown that there is not.
    """
    asked = call.inputs.all("par")
    unknown = [each for each in asked if each not in BREAKDOWNS]
    if unknown:
        known = ", ".join(BREAKDOWNS)
        raise InvalidRequest(*(complaints.BREAKDOWN_UNKNOWN.at(par=each, known=known) for each in unknown))
    whole = gateway.everything
    with whole.store.read(feed=False) as everything:
        told = statistics(map(case_from, summaries.facts(whole, everything, gateway.registry.now())))
    in_french = call.interaction.language == "fr"
    lines = [line for name in BREAKDOWNS if not asked or name in asked for line in _lines(name, told, in_french)]
    return answered([*lines, *_shares(told)])


def _lines(name: str, told: Statistics, in_french: bool) -> Iterator[Part]:
    if name == "preindication":
        for of_group, cells in told.preindications.items():
            yield from (_line(name, each, in_french, of_group) for each in cells or ())
    else:
        by_name = {"plateforme": told.platforms, "etape": told.steps, "mois": told.months}
        yield from (_line(name, each, in_french) for each in by_name[name] or ())


def _line(name: str, cell: Cell, in_french: bool, of_group: str | None = None) -> Part:
    values: dict[str, Iterable[Part]] = {
        "preindication": part("preindication", "Coding", {"system": codes.PREINDICATION, "code": cell.key}),
        "plateforme": part("plateforme", "Identifier", _platform(cell.key)),
        "etape": part("etape", "Coding", {"system": codes.ETAPE, "code": cell.key}),
        "mois": part("mois", "String", cell.key),
    }
    delays = [
        group(
            "delai",
            part("jalon", "Coding", milestone(code, in_french)),
            part("mediane", "Decimal", each.median),
            part("p20", "Decimal", each.p20),
            part("p80", "Decimal", each.p80),
        )
        for code, each in cell.delays.items()
    ]
    return group(
        "ligne",
        part("par", "Code", name),
        part("groupe", "Code", of_group),
        values[name] if cell.key != UNKNOWN else [],
        part("nombre", "Integer", cell.count),
        part("masque", "Boolean", cell.count is None),
        delays,
    )


def _platform(key: str) -> dict[str, str]:
    """Return the FINESS of a platform that has a code, else the number that it is known by."""
    for each in territories().values():
        if each.platform == key:
            numbers = sorted(each.identifiers, key=lambda one: (not one.startswith(f"{codes.FINESS}|"), one))
            return codes.identifier(numbers[0])
    return codes.identifier(key)


def _shares(told: Statistics) -> Iterator[Part]:
    for each in told.groups or ():
        yield group("part", part("groupe", "Code", each.key), part("pourcentage", "Decimal", each.share))

"""The rules of all platforms' files, compiled at once: for who wants to know whether they are sound.

Source: mappings/README.md, "Platforms".
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from fhir_gateway.exchange.auragen import formats as auragen
from fhir_gateway.exchange.cad import cad
from fhir_gateway.exchange.phenopacket import formats as phenopacket
from fhir_gateway.exchange.seqoia import formats as seqoia
from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.transform.complaints import MappingError


def compiled() -> None:
    """Compile the rules of every format.

    Raises: MappingError with all that is wrong in any of their files, each with its line.
    """
    wrong: list[Issue] = []
    every: list[Callable[[], object]] = [partial(auragen.Format, kind) for kind in auragen.KINDS]
    every += [partial(seqoia.Format, {}), phenopacket.rules, cad.rules]
    for compile in every:
        try:
            compile()
        except MappingError as error:
            wrong += (each for each in error.issues if each not in wrong)
    if wrong:
        raise MappingError(wrong)

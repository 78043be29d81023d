"""The index of words as the acts need it: up to date before a search by words reads, and kept near in the background.

Source: FHIR R4, Search, "_text, _content".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import cast

from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Parameters
from fhir_gateway.store.contract import Read, Write
from fhir_gateway.store.text import index
from fhir_gateway.store.text.criterion import NAMES
from fhir_gateway.store.writer import Writer

_IDLE_SECONDS = 2.0  # between looks for what is not indexed yet
_STEP = re.compile(r"[.:]")


def asked(parameters: Iterable[tuple[str, str]]) -> str | None:
    """Return the first parameter that asks for words, itself or at the end of a chain; None when none does."""
    return next((name for name, _ in parameters if _asks(name)), None)


def _asks(name: str) -> bool:
    return ("_text" in name or "_content" in name) and not set(NAMES).isdisjoint(_STEP.split(name))


def be_current(gateway: Gateway, parameters: Parameters | None) -> None:
    """Index all that is committed, if these parameters ask for words; call it before a view is opened.

    Raises: TooCostly when too much is behind.
    """
    if parameters and (name := asked(parameters)) is not None and gateway.registry.limits.full_text:
        index.be_current(gateway.everything.store, name)


def be_current_within(gateway: Gateway, view: Read, parameters: Parameters) -> None:
    """Index what a transaction has written and sees, if these parameters ask for words and it may write.

    Raises: TooCostly when too much is behind.
    """
    if isinstance(view, Writer) and (name := asked(parameters)) is not None and gateway.registry.limits.full_text:
        index.be_current_within(cast(Write, view), name)


def step(gateway: Gateway) -> float:
    """Index some of what is behind; return the seconds until it should be looked at again."""
    if not gateway.registry.limits.full_text:
        return 3600.0
    more = index.catch_up(gateway.store) == index.BATCH
    return 0.0 if index.forget(gateway.store) or more else _IDLE_SECONDS

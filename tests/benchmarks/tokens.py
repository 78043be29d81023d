"""Gateways that ask for tokens of their own issuer, and tokens for them: who acts in the benchmarks.

All data there are belong to one hospital; what it shares with others they see by Tasks that are addressed to them.

Source: SMART App Launch 2.2.0, "Backend Services"; `fhir_gateway/policy/politique.yaml` for the roles.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from fhir_gateway.policy import scopes
from fhir_gateway.policy.builtin_issuer import BuiltinIssuer, kept_key
from tests.benchmarks.engines import CACHE
from tests.served import Served, serve

_SYSTEM = "https://finess.esante.gouv.fr"
HOSPITAL, TENTH, HUNDREDTH = (f"{_SYSTEM}|{number}" for number in ("990000015", "990000023", "990000031"))
_LIFE = 86_400  # seconds: a token is verified once
# Of a narrowed role that may write all that the Synthea Bundles hold; none of those that ship may.
_POLICY = """
rôles:
  prescripteur:
    libellé: {fr: Tout son hôpital, en: All of its hospital}
    raison: {fr: Mesurer un import, en: To measure an import}
    source: tests/benchmarks/tokens.py
    droits:
      - {interactions: [toutes], types: [dossier, Claim, ExplanationOfBenefit], portée: organisation}
      - {interactions: [create], types: [annuaire], portée: organisation}
"""


@contextmanager
def identified(
    url: str,
    folder: Path,
    trace: bool | None = None,
    writes_all: bool = False,
    more: Mapping[str, str] | None = None,
) -> Iterator[Served]:
    """Give a gateway with the built-in issuer, and otherwise the settings it is shipped with, on a database.

    `trace`: whether requests are recorded; None: as shipped, they are. `writes_all`: the role prescripteur may write
    whatever the Synthea Bundles hold, for its organisation. `more`: other settings, as environment variables.
    """
    environment = {
        CACHE: os.environ[CACHE],
        "FHIR_GATEWAY_BUILTIN_ISSUER": "true",
        "FHIR_GATEWAY_ISSUER_KEY": str(_key(folder)),
        **(more or {}),
    }
    if trace is not None:
        environment["FHIR_GATEWAY_TRACE"] = str(trace).lower()
    if writes_all:
        policy = folder / "politique.yaml"
        policy.write_text(_POLICY, encoding="utf-8")
        environment["FHIR_GATEWAY_POLICY_FILE"] = str(policy)
    with serve(url, environment=environment, fork=False) as served:
        yield served


def token(served: Served, folder: Path, role: str, organisation: str | None = None) -> str:
    """Return a token for a gateway of `identified` that may do all that its role may."""
    granted = scopes.read("system/*.cruds")
    return issuer(served, folder).token(f"{role}-system", role, organisation, granted, life=_LIFE)


def issuer(served: Served, folder: Path) -> BuiltinIssuer:
    """Return the issuer of a gateway of `identified`."""
    return BuiltinIssuer(f"{served.base}/auth", served.base, kept_key(_key(folder)))


def _key(folder: Path) -> Path:
    return folder / "issuer-key.pem"

"""`fhir-gateway serve` with the built-in issuer, as `make run` starts it, and tokens for whoever acts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fhir_gateway.client import Gateway
from fhir_gateway.demo.credentials import made, names
from fhir_gateway.demo.driver import ADMINISTRATOR, Connections
from fhir_gateway.demo_dossiers.submission import directory, transaction
from fhir_gateway.dossier.actor import Acting
from fhir_gateway.policy.builtin_issuer import BuiltinIssuer, kept_key
from tests.served import Served, serve

LIFE = 3600


@dataclass(frozen=True, slots=True)
class Issued:
    """A running gateway whose tokens the tests make themselves, with its key, `issuer-key.pem` of `folder`."""

    served: Served
    issuer: BuiltinIssuer
    folder: Path

    def token(self, actor: Acting) -> str:
        return made(self.issuer, actor, LIFE)

    def of(self, actor: Acting) -> Gateway:
        """Return a client of an actor."""
        return Gateway(self.served.base, token=self.token(actor))

    def connections(self) -> Connections:
        return Connections(self.served.base, self.token)

    def keep(self, folder: Path) -> Path:
        """Write the tokens as `fhir-gateway token --demo` does, and return their folder."""
        for name, actor in names():
            (folder / name).write_text(f"Authorization: Bearer {self.token(actor)}\n")
        return folder


@contextmanager
def issued(database: str, folder: Path) -> Iterator[Issued]:
    """Give a gateway on a database that knows whom the examples are about; `folder` holds its key."""
    key = folder / "issuer-key.pem"
    environment = {"FHIR_GATEWAY_BUILTIN_ISSUER": "true", "FHIR_GATEWAY_ISSUER_KEY": str(key)}
    with serve(database, environment=environment) as served:
        gateway = Issued(served, BuiltinIssuer(f"{served.base}/auth", served.base, kept_key(key)), folder)
        gateway.of(ADMINISTRATOR).transaction(transaction(directory()))
        yield gateway

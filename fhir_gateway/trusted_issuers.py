"""The issuers that an operator trusts, as settings: their shape, checked, and what the page of settings says of them.

Source: OpenID Connect Discovery 1.0; RFC 8725, "Use Appropriate Algorithms"; SMART App Launch 2.2.0.
"""

from __future__ import annotations

import json
from ipaddress import ip_address
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from fhir_gateway.policy import scopes
from fhir_gateway.policy.actor import Role
from fhir_gateway.policy.jose import ALGORITHMS


def is_loopback(host: str) -> bool:
    """Tell whether a host can be reached from its own machine only."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _secure(url: str) -> str:
    """Tokens and keys go by https, but for a machine that speaks to itself."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.netloc:
        return url
    if parts.scheme == "http" and is_loopback(parts.hostname or ""):
        return url
    raise ValueError("is no https URL (http: for loopback only)")


def _known(role: str) -> str:
    if role == "anonyme":
        raise ValueError("anonyme is nobody's role")
    return role


def _grantable(text: str) -> str:
    unknown = scopes.read(text, levels=("user", "system")).unknown
    if unknown:
        raise ValueError(f"{' '.join(unknown)} is no scope that can be granted, such as user/*.cruds")
    return text


KnownRole = Annotated[Role, AfterValidator(_known)]


class Person(BaseModel):
    """What a person is here, where the tokens do not say it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: KnownRole
    organisation: Annotated[str, Field(pattern=r"^[^|\s]+\|[^|\s]+$")] | None = None  # system|value


class TrustedIssuer(BaseModel):
    """An issuer whose tokens are accepted. SETTINGS.md says what each part is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: Annotated[str, AfterValidator(_secure)]
    token_endpoint: Annotated[str, AfterValidator(_secure)]
    authorization_endpoint: Annotated[str, AfterValidator(_secure)] | None = None
    audience: str | None = Field(None, min_length=1)
    jwks: str | None = None
    algorithms: tuple[Literal["ES384", "RS384", "ES256", "RS256", "PS256", "PS384"], ...] = Field(
        ALGORITHMS,  # type: ignore[arg-type]  # the same words
        min_length=1,
    )
    role: str = "pfmg_role"
    roles: dict[str, KnownRole] = Field(default_factory=dict)
    organisation: str = "pfmg_organisation"
    organisation_system: str = Field("https://finess.esante.gouv.fr", pattern=r"^[^|\s]+$")
    scopes: Annotated[str, AfterValidator(_grantable)] = ""
    people: dict[Annotated[str, Field(pattern=r"^\d{11}$")], Person] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _keys_are_had_safely(self) -> Self:
        if self.jwks is not None and "://" in self.jwks:
            _secure(self.jwks)
        return self


def tables(value: Any) -> Any:
    """Read tables that are given as JSON: in the environment and on the command line."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value.strip() else []
    except ValueError:
        raise ValueError('is no JSON: [{"url": "https://…", "token_endpoint": "https://…"}]') from None


IDENTITY = """
## Issuers

A request says by `Authorization: Bearer …` who acts. Which issuers are believed stands in the file,

```toml
[[issuers]]
url = "https://auth.esante.gouv.fr/auth/realms/esante-wallet"
token_endpoint = "https://auth.esante.gouv.fr/auth/realms/esante-wallet/protocol/openid-connect/token"
authorization_endpoint = "https://wallet.esante.gouv.fr/auth"
audience = "the-client-id"
scopes = "user/*.cruds"
[issuers.people.99900000017]
role = "prescripteur"
organisation = "https://finess.esante.gouv.fr|990000015"
```

or as JSON in `FHIR_GATEWAY_ISSUERS` or `--issuers`: `[{"url": …, "token_endpoint": …}]`. The parts of an issuer:

- `url`: its `iss`, compared to the letter.
- `token_endpoint`, `authorization_endpoint`: what the SMART configuration tells clients; of the first issuer.
- `audience`: what the `aud` of a token must hold; left out: the FHIR base URL.
- `jwks`: where its public keys are, an https URL or a file; left out: as `[url]/.well-known/openid-configuration` says.
  They are kept for an hour, and asked for anew when a token names another.
- `algorithms`: those that are accepted; left out: ES384, RS384, ES256, RS256, PS256, PS384.
- `role`: the claim that names the role (`pfmg_role`).
- `roles`: the values of that claim to roles, where they are not roles themselves.
- `organisation`: the claim with the structure acted for (`pfmg_organisation`, else Pro Santé Connect's
  `SubjectOrganizationID`), in the system `organisation_system` (FINESS) unless it says one itself, as `system|value`.
- `people`: role and organisation by RPPS number (claim `rpps`, or Pro Santé Connect's `SubjectNameID`), where the
  tokens do not say them.
- `scopes`: what a token is granted that has no SMART scope at all, where the issuer knows none of them; left out:
  nothing.

The scopes of a token (SMART, both versions; `user/` and `system/`) narrow what its role may do. A token is remembered
for at most five minutes.

## Clients of the built-in issuer

SMART Backend Services: a system signs an assertion with its private key (ES384 or RS384); the public one is known here.

```toml
[laboratory]
role = "plateforme"
organisation = "https://finess.esante.gouv.fr|990000023"
scope = "system/ServiceRequest.rs system/Task.rus system/DiagnosticReport.cruds"
jwks_url = "https://laboratory.example.org/jwks.json"    # or: jwks = '{"keys": […]}'
```
"""

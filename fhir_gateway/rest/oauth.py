"""What tells a client where tokens are had, and the endpoints of the built-in issuer.

Source: SMART App Launch 2.2.0, "Conformance" (.well-known/smart-configuration), "Backend Services"; RFC 6749, sections
3.2, 5.1 and 5.2; RFC 9728; RFC 8615.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from fhir_gateway.policy.builtin_issuer import BuiltinIssuer
from fhir_gateway.policy.clients import ALGORITHMS, Refused
from fhir_gateway.rest.negotiate import FORM
from fhir_gateway.settings import Settings

SMART_CONFIGURATION = "/.well-known/smart-configuration"  # below the FHIR base
PROTECTED_RESOURCE = "/.well-known/oauth-protected-resource"  # before the path of the FHIR base
TOKEN, JWKS = "/auth/token", "/auth/jwks"  # below the FHIR base

_LONGEST_FORM = 64 * 1024
_FORM_SECONDS = 10.0
_THREADS = 2
_NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}
_OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
_SERVICE = "http://terminology.hl7.org/CodeSystem/restful-security-service"

logger = logging.getLogger(__name__)


class Oauth:
    """Answers about tokens, for settings that know at least one issuer."""

    def __init__(self, settings: Settings, builtin: BuiltinIssuer | None) -> None:
        self._settings = settings
        self._builtin = builtin
        # Of its own: a client whose jwks_url is slow holds up nobody but other clients that want a token.
        self._threads = ThreadPoolExecutor(_THREADS, "token")

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def smart_configuration(self) -> dict[str, Any]:
        """Return the SMART configuration: of the built-in issuer where it is on, else of the first that is trusted."""
        told: dict[str, Any] = {}
        if self._builtin is not None:
            told["jwks_uri"] = f"{self._builtin.url}/jwks"
            told["token_endpoint"] = self._builtin.token_url
            told["token_endpoint_auth_methods_supported"] = ["private_key_jwt"]
            told["token_endpoint_auth_signing_alg_values_supported"] = list(ALGORITHMS)
            told["grant_types_supported"] = ["client_credentials"]
            told["scopes_supported"] = ["system/*.cruds"]
            told["capabilities"] = ["client-confidential-asymmetric", "permission-v1", "permission-v2"]
        else:
            first = self._settings.issuers[0]
            interactive = first.authorization_endpoint is not None
            if interactive:
                told["authorization_endpoint"] = first.authorization_endpoint
            told["token_endpoint"] = first.token_endpoint
            told["grant_types_supported"] = ["authorization_code" if interactive else "client_credentials"]
            told["capabilities"] = [*(["permission-user"] if interactive else []), "permission-v1", "permission-v2"]
        # "S256" is what SMART requires of authorization servers; there is no code to challenge where none is issued.
        told["code_challenge_methods_supported"] = ["S256"] if "authorization_endpoint" in told else []
        return told

    def protected_resource(self) -> dict[str, Any]:
        """Return the metadata of the protected resource (RFC 9728): every issuer that is trusted."""
        issuers = [issuer.url for issuer in self._settings.issuers]
        if self._builtin is not None:
            issuers.insert(0, self._builtin.url)
        return {
            "resource": self._settings.base_url,
            "authorization_servers": issuers,
            "bearer_methods_supported": ["header"],
        }

    def security(self) -> dict[str, Any]:
        """Return CapabilityStatement.rest.security."""
        configuration = self.smart_configuration()
        uris = [
            {"url": name, "valueUri": configuration[f"{name}_endpoint"]}
            for name in ("authorization", "token")
            if f"{name}_endpoint" in configuration
        ]
        for uri in uris:
            uri["url"] = uri["url"].replace("authorization", "authorize")
        return {
            "extension": [{"url": _OAUTH_URIS, "extension": uris}],
            "cors": False,
            "service": [{"coding": [{"system": _SERVICE, "code": "SMART-on-FHIR", "display": "SMART-on-FHIR"}]}],
        }

    def jwks(self) -> dict[str, Any]:
        """Return the public keys of the built-in issuer."""
        assert self._builtin is not None
        return self._builtin.jwks()

    async def token(self, request: Request) -> Response:
        """Answer a request for a token, by RFC 6749: JSON that is never kept."""
        assert self._builtin is not None
        try:
            form = await _form(request)
            granted = await asyncio.get_running_loop().run_in_executor(self._threads, self._builtin.answer, form)
        except Refused as refusal:
            logger.info("no token", extra={"fields": {"error": refusal.error}})
            told = {"error": refusal.error, "error_description": refusal.description}
            return _json(told, _STATUS.get(refusal.error, 400))
        return _json(granted)


# "invalid_client … MAY return an HTTP 401"; without a header to authenticate by it is a 400 like the others.
_STATUS = {"temporarily_unavailable": 503}


async def _form(request: Request) -> Mapping[str, str]:
    """Return the parameters of the body. Raises: Refused."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise Refused("invalid_request", f"the body is {FORM}")
    body = b""
    try:
        async with asyncio.timeout(_FORM_SECONDS):
            async for part in request.stream():
                body += part
                if len(body) > _LONGEST_FORM:
                    raise Refused("invalid_request", f"the body is longer than {_LONGEST_FORM} bytes")
    except (TimeoutError, ClientDisconnect):
        raise Refused("invalid_request", "the body did not arrive") from None
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError:
        raise Refused("invalid_request", "the body is no form in UTF-8 of at most twenty fields") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise Refused("invalid_request", "a parameter is there twice")  # "MUST NOT be included more than once"
    return form


def _json(content: Mapping[str, Any], status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, _NO_STORE, "application/json")


def metadata_url(base_url: str) -> str:
    """Return where the metadata of the protected resource at `base_url` is (RFC 9728, section 3.1)."""
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc}{PROTECTED_RESOURCE}{parts.path}"

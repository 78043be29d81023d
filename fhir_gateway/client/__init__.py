"""A small synchronous client of the gateway, over requests."""

from fhir_gateway.client.gateway import Gateway
from fhir_gateway.client.refusal import Refused, Unreachable

__all__ = ["Gateway", "Refused", "Unreachable"]

"""Representations: from the bytes of a body to what an interaction takes, and from finished JSON to XML.

Source: FHIR R4, RESTful API, "Content Types and encodings"; JSON and XML Representation of Resources; RFC 6902.
"""

from __future__ import annotations

from fhir_gateway.fhir import json, xml
from fhir_gateway.fhir.outcome import InvalidRequest
from fhir_gateway.fhir.resource import Parsed, examined, read_resource
from fhir_gateway.fhir.types import Types
from fhir_gateway.interactions import complaints
from fhir_gateway.interactions.patch import Patch
from fhir_gateway.rest.negotiate import Kind


class Representations:
    """Reads and writes the resources of one FHIR version."""

    def __init__(self, types: Types) -> None:
        self._types = types

    @property
    def resources(self) -> frozenset[str]:
        """The names of the resource types."""
        return frozenset(self._types.resources)

    def read(self, body: bytes, kind: Kind) -> Parsed:
        """Return the resource a body represents; raises InvalidRequest with all issues of its structure."""
        return read_resource(body, self._types, representation=kind)

    def examine(self, body: bytes, kind: Kind) -> Parsed:
        """Return what a body represents with all issues of its structure; raises InvalidRequest when it is nothing."""
        return examined(body, self._types, representation=kind)

    def read_patch(self, body: bytes, kind: Kind | None) -> Patch:
        """Return a patch; what its operations must hold is for the interaction to say.

        `kind`: the representation of the resource that a FHIRPath Patch is; None for a JSON Patch.

        Raises: InvalidRequest when the body is neither JSON nor XML, no array of objects, no resource.
        """
        if kind is not None:
            return self.read(body, kind).resource
        operations = json.decode(body)
        if not isinstance(operations, list) or not all(isinstance(operation, dict) for operation in operations):
            raise InvalidRequest(complaints.PATCH_MISSING.at())
        return operations

    def xml_of(self, body: bytes) -> bytes:
        """Return the XML of a resource in finished JSON."""
        return xml.to_xml(json.decode(body), self._types)

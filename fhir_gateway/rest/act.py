"""From a request and its body to the interaction it asks for.

Source: FHIR R4, RESTful API; Search, "Using POST"; Operations, "Executing an Operation".
"""

from __future__ import annotations

from binascii import b2a_base64
from typing import Any

from fhir_gateway.fhir.outcome import InvalidRequest
from fhir_gateway.interactions.interaction import Code, Interaction, Parameters, Sent
from fhir_gateway.interactions.operations.table import takes_file, takes_unsound
from fhir_gateway.rest.complaints import MALFORMED_ESCAPE
from fhir_gateway.rest.negotiate import KINDS, body_kind, check_form_type, format_of, media_type_of, patch_kind
from fhir_gateway.rest.representations import Representations
from fhir_gateway.rest.request import Request, conditions_of, parameters_of, preferences_of, without_own
from fhir_gateway.rest.routes import Route


def check_content_type(request: Request, route: Route, code: Code) -> None:
    """Refuse a body of the wrong kind before it is received; raises UnsupportedMediaType."""
    content_type = request.header(b"content-type")
    if code == "patch":
        patch_kind(content_type)
    elif code == "operation" and takes_file(route.operation):
        return  # a file may be of any kind
    elif route.form or code == "operation":
        # Both may come without a body, and then without a type.
        if content_type is not None:
            check_form_type(content_type) if route.form else body_kind(content_type)
    else:
        body_kind(content_type)


def interaction_of(
    request: Request, route: Route, code: Code, body: bytes | None, representations: Representations
) -> Interaction:
    """Return the interaction. `body` is inflated; None where the method has none.

    A form may name another format than the URL: `request.format` follows it.

    Raises: InvalidRequest with all that is wrong with the body; UnsupportedMediaType.
    """
    interaction = Interaction(
        code,
        route.type,
        route.id,
        version=route.version,
        operation=route.operation,
        parameters=request.parameters,
        conditions=conditions_of(request),
        prefer=preferences_of(request.header(b"prefer")),
        base=request.base,
        language=request.language,
        languages=request.header(b"accept-language") if code == "operation" else None,
        compartment=route.compartment,
        presentation=list(request.own.items()),
        safe=code == "operation" and request.method in ("GET", "HEAD"),
        container=request.container,
    )
    if body is None:
        return interaction
    if route.form:
        interaction.parameters = request.parameters + _form(request, body)
        interaction.presentation = list(request.own.items())
    elif code == "patch":
        interaction.patch = representations.read_patch(body, patch_kind(request.header(b"content-type")))
    elif is_file(request, route, body):
        interaction.resource = _binary(request, body)
    elif code != "operation" or body:
        kind = body_kind(request.header(b"content-type"))
        is_judged = code in ("create", "update") or (code == "operation" and takes_unsound(route.operation))
        parsed = representations.examine(body, kind) if is_judged else representations.read(body, kind)
        interaction.resource, interaction.links, interaction.issues = parsed.resource, parsed.links, parsed.issues
        interaction.sent = Sent(body, kind)
        if code == "batch" and parsed.resource.get("type") != "batch":
            # A Bundle of another type, or no Bundle, is refused there.
            interaction.code = "transaction"
    return interaction


def is_file(request: Request, route: Route, body: bytes | None) -> bool:
    """Tell whether a body is a file as it is, and no resource, where an operation takes one.

    `application/json` is said of both: a resource says what it is. Source: FHIR R4, Binary.
    """
    if not body or not takes_file(route.operation):
        return False
    media_type = media_type_of(request.header(b"content-type") or "")[0]
    said = media_type in KINDS and ("fhir" in media_type or "xml" in media_type or b'"resourceType"' in body[:4096])
    return not said


def _binary(request: Request, body: bytes) -> dict[str, Any]:
    media_type = media_type_of(request.header(b"content-type") or "")[0]
    return {
        "resourceType": "Binary",
        "contentType": media_type or "application/octet-stream",
        "data": b2a_base64(body, newline=False).decode(),
    }


def _form(request: Request, body: bytes) -> Parameters:
    """Return the parameters of a _search body, those of the door set aside."""
    if body:
        check_form_type(request.header(b"content-type"))
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise InvalidRequest(MALFORMED_ESCAPE.at(place="_search")) from None
    parameters, own = without_own(parameters_of(text))
    if own:
        request.own |= own
        request.format = format_of(request.header(b"accept"), request.own.get("_format"), request.own.get("_pretty"))
    return parameters

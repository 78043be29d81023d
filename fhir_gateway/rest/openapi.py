"""The OpenAPI document of the FHIR paths, made from one table of interactions.

The paths are generic (`/{type}/{id}`): what differs by type is in the CapabilityStatement, where FHIR clients look.

Source: OpenAPI 3.1; FHIR R4, RESTful API, "Summary", "Status codes".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fhir_gateway.interactions.interaction import Code
from fhir_gateway.interactions.operations.table import OPERATIONS
from fhir_gateway.interactions.patch import FORMATS as PATCH_FORMATS
from fhir_gateway.interactions.patch import JSON_PATCH
from fhir_gateway.interactions.urls import COMPARTMENTS
from fhir_gateway.rest.negotiate import FORM, KINDS

Schema = dict[str, Any]

# Beside its own statuses every interaction may answer these.
_ALWAYS = (400, 403, 404, 406, 500, 503)
_WITH_BODY = (408, 413, 415)
_WRITE = (409, 412, 422)

_STATUS = {
    200: "OK",
    201: "Created; Location names the version",
    202: "Begun; Content-Location tells where to look",
    204: "Done; nothing to send",
    304: "Not modified: the condition names the current version",
    400: "Malformed request, or a body whose structure is wrong",
    401: "An access token is needed; WWW-Authenticate and the outcome say what is wrong with the one that was sent",
    403: "Forbidden, or too costly",
    404: "No such resource, version, type or URL",
    405: "Not possible with this method",
    406: "No representation that the Accept header or _format allows",
    408: "The body did not arrive in time",
    409: "In conflict with other resources, or with other writes",
    410: "The resource was deleted",
    412: "A condition does not hold: If-Match, If-None-Match, or several matches",
    413: "The body is too large",
    415: "A Content-Type or Content-Encoding that is not taken",
    422: "A rule of FHIR or of this gateway is broken",
    500: "A defect of the gateway; the outcome names the incident",
    503: "Overloaded, too slow, or without its database; Retry-After says when to try again",
}


@dataclass(frozen=True, slots=True)
class Path:
    """One interaction at one URL. `parameters` name entries of PARAMETERS; `body` is a media type or "resource"
    ("resource?" where it may be missing).
    """

    method: str
    url: str
    code: Code
    summary: str
    statuses: tuple[int, ...]
    parameters: tuple[str, ...] = ()
    body: str | None = None


_PART = ("_summary", "_elements")
_RESULT = (
    "_sort", "_count", "_total", "_include", "_revinclude", "_summary=count", "_elements", "_contained",
    "_containedType", "Prefer",
)  # fmt: skip
_OF_ALL = (
    "_id", "_lastUpdated", "_tag", "_profile", "_security", "_source", "_has", "_list", "_text", "_content", *_RESULT,
)  # fmt: skip
_SEARCH = ("criteria", *_OF_ALL)
_OPERATIONS = (
    ("system", "/${operation}", "all resources"),
    ("type", "/{type}/${operation}", "a type"),
    ("instance", "/{type}/{id}/${operation}", "a resource"),
    ("version", "/{type}/{id}/_history/{vid}/${operation}", "a version of a resource"),
)
_HISTORY = ("_since", "_at", "_count", *_PART)
_GONE = (200, 304, 410)

PATHS: tuple[Path, ...] = (
    Path("get", "/metadata", "capabilities", "What this gateway can do (CapabilityStatement)", (200,)),
    Path("get", "/{type}/{id}", "read", "Read a resource", _GONE, ("If-None-Match", "If-Modified-Since", *_PART)),
    Path(
        "put",
        "/{type}/{id}",
        "update",
        "Update a resource, or create it under this id",
        (200, 201, *_WRITE),
        ("If-Match", "If-None-Match", "Prefer"),
        "resource",
    ),
    Path(
        "patch",
        "/{type}/{id}",
        "patch",
        "Change parts of a resource (JSON Patch, FHIRPath Patch)",
        (200, 410, *_WRITE),
        ("If-Match", "Prefer"),
        JSON_PATCH,
    ),
    Path("delete", "/{type}/{id}", "delete", "Delete a resource", (200, 204, *_WRITE), ("If-Match", "Prefer")),
    Path(
        "get",
        "/{type}/{id}/_history/{vid}",
        "vread",
        "Read a version",
        _GONE,
        ("If-None-Match", "If-Modified-Since", *_PART),
    ),
    Path("get", "/{type}/{id}/_history", "history-instance", "The versions of a resource", (200,), _HISTORY),
    Path("get", "/{type}/_history", "history-type", "The versions of all resources of a type", (200,), _HISTORY),
    Path("get", "/_history", "history-system", "The versions of all resources", (200,), _HISTORY),
    Path("get", "/{type}", "search-type", "Search a type", (200,), _SEARCH),
    Path(
        "post",
        "/{type}",
        "create",
        "Create a resource; with If-None-Exist only when none matches",
        (200, 201, *_WRITE),
        ("If-None-Exist", "Prefer"),
        "resource",
    ),
    Path(
        "put",
        "/{type}",
        "update",
        "Update the resource that matches, or create one",
        (200, 201, *_WRITE),
        ("criteria", "If-Match", "Prefer"),
        "resource",
    ),
    Path(
        "patch",
        "/{type}",
        "patch",
        "Change the resource that matches (JSON Patch, FHIRPath Patch)",
        (200, 410, *_WRITE),
        ("criteria", "If-Match", "Prefer"),
        JSON_PATCH,
    ),
    Path("delete", "/{type}", "delete", "Delete what matches", (200, 204, *_WRITE), ("criteria", "If-Match", "Prefer")),
    Path("post", "/{type}/_search", "search-type", "Search a type; parameters in a form", (200,), ("Prefer",), FORM),
    Path(
        "get",
        "/{compartment}/{id}/{searched}",
        "search-compartment",
        "Search a type, or * for all, in the compartment of a resource",
        (200,),
        _SEARCH,
    ),
    Path(
        "post",
        "/{compartment}/{id}/{searched}/_search",
        "search-compartment",
        "Search a compartment; parameters in a form",
        (200,),
        ("Prefer",),
        FORM,
    ),
    Path("get", "", "search-system", "Search all types", (200,), ("_type", *_OF_ALL)),
    Path("post", "/_search", "search-system", "Search all types; parameters in a form", (200,), ("Prefer",), FORM),
    Path(
        "post",
        "",
        "transaction",
        "Carry out a Bundle: all of it (transaction) or entry by entry (batch)",
        (200, 410, *_WRITE),
        ("Prefer",),
        "resource",
    ),
    *(
        Path(
            method, url, "operation", f"An operation on {what}", (200, 202, 405, 410, *_WRITE), ("inputs", *more), body
        )
        for _, url, what in _OPERATIONS
        for method, more, body in (("get", (), None), ("post", ("If-Match", "Prefer"), "resource?"))
    ),
)

_SUMMARIES = ("true", "text", "data", "false")
_TEXT: Schema = {"type": "string"}
_LIST: Schema = {"type": "array", "items": {"type": "string"}}


def _query(name: str, text: str, schema: Schema) -> Schema:
    return {"name": name, "in": "query", "description": text, "schema": schema}


def _header(name: str, text: str, example: str) -> Schema:
    return {"name": name, "in": "header", "description": text, "schema": _TEXT, "example": example}


PARAMETERS: dict[str, Schema] = {
    "_format": _query("_format", "Overrides the Accept header.", {"type": "string", "enum": ["json", "xml", *KINDS]}),
    "_pretty": _query("_pretty", "Indent the answer.", {"type": "boolean"}),
    "criteria": {
        "name": "criteria",
        "in": "query",
        "description": "Search parameters of the type, by name; the CapabilityStatement lists them.",
        "style": "form",
        "explode": True,
        "schema": {"type": "object", "additionalProperties": _TEXT},
        "example": {"identifier": "urn:oid:1.2.3|4567"},
    },
    "_id": _query("_id", "Ids, separated by commas.", _TEXT),
    "_lastUpdated": _query("_lastUpdated", "Instants with prefix, such as ge2026-01-01.", _LIST),
    "_tag": _query("_tag", "A tag, as system|code.", _LIST),
    "_profile": _query("_profile", "The url of a profile the resource claims to follow.", _LIST),
    "_security": _query("_security", "A security label, as system|code.", _LIST),
    "_source": _query("_source", "Where the resource comes from, as a URI.", _LIST),
    "_has": {
        "name": "_has",
        "in": "query",
        "description": "What refers to the resource, by type, reference and parameter; it continues the name.",
        "style": "form",
        "explode": True,
        "schema": {"type": "object", "additionalProperties": _TEXT},
        "example": {"_has:Observation:patient:code": "1234-5"},
    },
    "_list": _query("_list", "The id of a List that names the resource.", _LIST),
    "_text": _query("_text", "Words of the narrative.", _LIST),
    "_content": _query("_content", "Words anywhere in the resource.", _LIST),
    "_type": _query("_type", "Resource types, separated by commas.", _TEXT),
    "_sort": _query("_sort", "Parameters in order of weight, separated by commas; - before one descends.", _TEXT),
    "_total": _query(
        "_total", "Whether to count all matches.", {"type": "string", "enum": ["none", "estimate", "accurate"]}
    ),
    "_contained": _query(
        "_contained", "Whether contained resources are searched.", {"type": "string", "enum": ["false", "true", "both"]}
    ),
    "_containedType": _query(
        "_containedType",
        "Whether of contained matches the container comes back.",
        {"type": "string", "enum": ["container", "contained"]},
    ),
    "_include": _query("_include", "References to follow, such as Task:focus.", _LIST),
    "_revinclude": _query("_revinclude", "References to the matches to follow, such as Task:focus.", _LIST),
    "inputs": {
        "name": "inputs",
        "in": "query",
        "description": "Parameters of the operation that are of simple types, by name.",
        "style": "form",
        "explode": True,
        "schema": {"type": "object", "additionalProperties": _TEXT},
        "example": {"_count": "10"},
    },
    "_count": _query("_count", "Entries of a page.", {"type": "integer", "minimum": 0}),
    "_summary": _query("_summary", "Only a part of each resource.", {"type": "string", "enum": [*_SUMMARIES]}),
    "_summary=count": _query(
        "_summary", "Only a part of each resource, or the total.", {"type": "string", "enum": [*_SUMMARIES, "count"]}
    ),
    "_elements": _query("_elements", "Only these elements, separated by commas, such as name,birthDate.", _TEXT),
    "_since": _query("_since", "Versions made at or after this instant.", {"type": "string", "format": "date-time"}),
    "_at": _query("_at", "Versions current at some time of this date.", _TEXT),
    "If-Match": _header("If-Match", "Only if this version is the current one; else 412.", 'W/"1"'),
    "If-None-Match": _header("If-None-Match", "Only if this version is not the current one.", 'W/"1"'),
    "If-Modified-Since": _header(
        "If-Modified-Since", "Only if changed since; else 304.", "Sat, 21 Nov 2026 21:03:35 GMT"
    ),
    "If-None-Exist": _header("If-None-Exist", "Search parameters; create only when none matches.", "identifier=a|1"),
    "Prefer": _header(
        "Prefer", "return=minimal, representation or OperationOutcome; handling=strict or lenient.", "handling=strict"
    ),
    "compartment": {
        "name": "compartment",
        "in": "path",
        "required": True,
        "description": "The type whose resources have compartments.",
        "schema": {"type": "string", "enum": list(COMPARTMENTS)},
        "example": "Patient",
    },
    "searched": {
        "name": "searched",
        "in": "path",
        "required": True,
        "description": "A resource type of the compartment, or * for all.",
        "schema": {"anyOf": [{"$ref": "#/components/schemas/Type"}, {"const": "*"}]},
        "example": "Observation",
    },
    "operation": {
        "name": "operation",
        "in": "path",
        "required": True,
        "description": "The name of an operation, without its dollar sign.",
        "schema": {"type": "string", "enum": sorted(OPERATIONS)},
        "example": "meta",
    },
    "type": {
        "name": "type",
        "in": "path",
        "required": True,
        "description": "A resource type of FHIR R4.",
        "schema": {"$ref": "#/components/schemas/Type"},
        "example": "Patient",
    },
    "id": {
        "name": "id",
        "in": "path",
        "required": True,
        "schema": {"$ref": "#/components/schemas/Id"},
        "example": "example",
    },
    "vid": {
        "name": "vid",
        "in": "path",
        "required": True,
        "description": "A version number.",
        "schema": {"$ref": "#/components/schemas/Id"},
        "example": "1",
    },
}

_RESOURCE: Schema = {
    "type": "object",
    "required": ["resourceType"],
    "properties": {"resourceType": {"$ref": "#/components/schemas/Type"}, "id": {"$ref": "#/components/schemas/Id"}},
}
_OPERATION_OUTCOME: Schema = {
    "type": "object",
    "required": ["resourceType", "issue"],
    "properties": {
        "resourceType": {"const": "OperationOutcome"},
        "issue": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["severity", "code"],
                "properties": {
                    "severity": {"enum": ["fatal", "error", "warning", "information"]},
                    "code": _TEXT,
                    "details": {"type": "object"},
                    "diagnostics": _TEXT,
                    "expression": _LIST,
                },
            },
        },
    },
}
_JSON_PATCH_SCHEMA: Schema = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["op", "path"],
        "properties": {
            "op": {"enum": ["add", "remove", "replace", "move", "copy", "test"]},
            "path": _TEXT,
            "from": _TEXT,
            "value": {},
        },
    },
    "example": [{"op": "replace", "path": "/active", "value": False}],
}
_FHIRPATH_PATCH_SCHEMA: Schema = {
    "type": "object",
    "required": ["resourceType"],
    "properties": {
        "resourceType": {"const": "Parameters"},
        "parameter": {"type": "array", "items": {"type": "object", "required": ["name"]}},
    },
    "example": {
        "resourceType": "Parameters",
        "parameter": [
            {
                "name": "operation",
                "part": [
                    {"name": "type", "valueCode": "replace"},
                    {"name": "path", "valueString": "Patient.birthDate"},
                    {"name": "value", "valueDate": "1930-01-01"},
                ],
            }
        ],
    },
}


# How a client says who it is, where that is asked.
BEARER: Schema = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


def paths_of(base_path: str, needs_token: bool = False) -> dict[str, Any]:
    """Return the `paths` object for the FHIR base at `base_path`. `needs_token`: whether clients say who they are."""
    paths: dict[str, Any] = {}
    for path in PATHS:
        operation = _operation(path)
        if needs_token and path.code != "capabilities":
            operation["security"] = [{"bearer": []}]
            operation["responses"] |= {"401": _response(path, 401)}
        paths.setdefault(base_path + path.url, {})[path.method] = operation
    return paths


def schemas_of(resource_types: Sequence[str]) -> dict[str, Schema]:
    """Return the `components.schemas` object."""
    return {
        "Type": {"type": "string", "enum": list(resource_types)},
        "Id": {"type": "string", "pattern": "^[A-Za-z0-9\\-.]{1,64}$"},
        "Resource": _RESOURCE,
        "OperationOutcome": _OPERATION_OUTCOME,
        "JsonPatch": _JSON_PATCH_SCHEMA,
        "FhirPathPatch": _FHIRPATH_PATCH_SCHEMA,
    }


def _operation(path: Path) -> dict[str, Any]:
    names = [
        name for name in ("compartment", "type", "id", "searched", "vid", "operation") if "{" + name + "}" in path.url
    ]
    parameters = [PARAMETERS[name] for name in (*names, *path.parameters, "_format", "_pretty")]
    statuses = sorted({*_ALWAYS, *path.statuses, *(_WITH_BODY if path.body else ())})
    level = "system" if not names else "instance" if "id" in names else "type"
    name = f"{path.code}-{level}"
    if path.code == "operation":
        name = f"operation-{next(each for each, url, _ in _OPERATIONS if url == path.url)}-{path.method}"
    operation: dict[str, Any] = {
        "operationId": name + ("-form" if path.body == FORM else ""),
        "summary": path.summary,
        "tags": ["FHIR"],
        "parameters": parameters,
        "responses": {str(status): _response(path, status) for status in statuses},
    }
    if path.body is not None:
        operation["requestBody"] = _body(path.body)
    return operation


def _body(kind: str) -> dict[str, Any]:
    if kind == FORM:
        schema: Schema = {"type": "object", "additionalProperties": _TEXT}
        return {"required": False, "content": {FORM: {"schema": schema}}}
    if kind == JSON_PATCH:
        content: Schema = {JSON_PATCH: {"schema": {"$ref": "#/components/schemas/JsonPatch"}}}
        fhirpath_patch = _representations("FhirPathPatch")
        content |= {media_type: fhirpath_patch[media_type] for media_type in PATCH_FORMATS if media_type in KINDS}
        return {"required": True, "content": content}
    return {"required": kind == "resource", "content": _representations("Resource")}


def _response(path: Path, status: int) -> dict[str, Any]:
    response: dict[str, Any] = {"description": _STATUS[status]}
    if status >= 400:
        response["content"] = _representations("OperationOutcome")
    elif status in (200, 201, 202):
        response["content"] = _representations("Resource")
    headers: dict[str, Any] = {}
    if status in (200, 201, 304) and path.code in ("read", "vread", "create", "update", "patch"):
        headers["ETag"] = {"description": "The version, as a weak tag.", "schema": _TEXT}
        headers["Last-Modified"] = {"description": "When the version was made.", "schema": _TEXT}
    if status == 201:
        headers["Location"] = {"description": "[base]/[type]/[id]/_history/[vid]", "schema": _TEXT}
    if status == 202:
        headers["Content-Location"] = {"description": "Where to ask how far it is.", "schema": _TEXT}
    if status == 401:
        headers["WWW-Authenticate"] = {"description": "Bearer, and why a token is not taken.", "schema": _TEXT}
    if status == 405:
        headers["Allow"] = {"description": "The methods that are possible.", "schema": _TEXT}
    if status == 503:
        headers["Retry-After"] = {"description": "Seconds.", "schema": {"type": "integer"}}
    if headers:
        response["headers"] = headers
    return response


def _representations(schema: str) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{schema}"}
    return {media_type: {"schema": reference if kind == "json" else _TEXT} for media_type, kind in KINDS.items()}

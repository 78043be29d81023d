"""The pages for people: where to begin, and what the API offers, rendered here so that no network is needed.

Source: OpenAPI 3.1; W3C, Content Security Policy Level 3.
"""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from fhir_gateway.interactions.patch import JSON_PATCH
from fhir_gateway.rest.negotiate import FORM
from fhir_gateway.rest.version import VERSION

_FOLDER = Path(__file__).with_name("pages")
_EXAMPLES: dict[str, tuple[str, str]] = {
    "resource": (
        "application/fhir+json",
        '{"resourceType": "Patient", "id": "example", "name": [{"family": "Exemple"}]}',
    ),
    JSON_PATCH: (JSON_PATCH, '[{"op": "add", "path": "/active", "value": true}]'),
    FORM: (FORM, "_count=5"),
}


def _text(name: str) -> str:
    return (_FOLDER / name).read_text("utf-8")


def landing(base: str, base_path: str, needs_token: bool = False) -> str:
    """Return the page at `/`. `base` is the FHIR base URL as this client reaches it.

    `needs_token`: whether a client must say who it is; a link cannot.
    """
    page = "landing_with_token" if needs_token else "landing_without_token"
    trials = {
        f"trials_{language}": Template(_text(f"{page}_{language}.html")).substitute(base_path=base_path)
        for language in ("fr", "en")
    }
    header = ' -H "Authorization: Bearer $TOKEN" \\\n ' if needs_token else ""
    return Template(_text("landing.html")).substitute(
        trials, style=_text("style.css"), version=VERSION, base=escape(base), base_path=base_path, header=header
    )


def docs(document: dict[str, Any], base_path: str, needs_token: bool = False) -> str:
    """Return the page at `/docs`: each operation of an OpenAPI document, with a form to try it.

    `needs_token`: ask for the token to try it with; the page keeps it nowhere.
    """
    operations = [
        _operation(method, url, operation)
        for url, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    return Template(_text("docs.html")).substitute(
        style=_text("style.css"),
        version=VERSION,
        base_path=base_path,
        operations="\n".join(operations),
        script=_text("docs.js"),
        token=_text("docs_token.html") if needs_token else "",
    )


def policy() -> str:
    """Return the Content-Security-Policy of these pages: their own style and script, and requests to this server."""
    digest = b64encode(sha256(_text("docs.js").encode()).digest()).decode()
    return (
        "default-src 'none'; style-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; "
        f"form-action 'self'; frame-ancestors 'none'; script-src 'sha256-{digest}'"
    )


def _operation(method: str, url: str, operation: dict[str, Any]) -> str:
    examples = {each["name"]: each.get("example", "") for each in operation.get("parameters", ())}
    filled = url
    for name in ("type", "id", "vid"):
        filled = filled.replace("{" + name + "}", str(examples.get(name, "")))
    data = {"method": method, "url": filled}
    body = operation.get("requestBody")
    if body is not None:
        media_types = body["content"]
        kind = next((kind for kind in (FORM, JSON_PATCH) if kind in media_types), "resource")
        data["type"], data["body"] = _EXAMPLES[kind]
    attributes = " ".join(f'data-{name}="{escape(value)}"' for name, value in data.items())
    return (
        f"<details {attributes}><summary><b>{method}</b> <code>{escape(url)}</code> "
        f"{escape(operation.get('summary', ''))}</summary>"
        f"{_parameters(operation)}{_responses(operation)}</details>"
    )


def _parameters(operation: dict[str, Any]) -> str:
    rows = [
        f"<tr><td><code>{escape(each['name'])}</code></td><td>{each['in']}</td>"
        f"<td>{escape(each.get('description', ''))}{_example(each)}</td></tr>"
        for each in operation.get("parameters", ())
    ]
    return f"<table><tr><th>parameter</th><th>in</th><th></th></tr>{''.join(rows)}</table>" if rows else ""


def _example(parameter: dict[str, Any]) -> str:
    example = parameter.get("example")
    if not example:
        return ""
    text = example if isinstance(example, str) else json.dumps(example)
    return f" <code>{escape(text)}</code>"


def _responses(operation: dict[str, Any]) -> str:
    rows = [
        f"<tr><td>{status}</td><td>{escape(response['description'])}</td></tr>"
        for status, response in operation["responses"].items()
    ]
    return f"<table><tr><th>status</th><th></th></tr>{''.join(rows)}</table>"

"""The guide to the profiles, served: its pages, and the way to the language of whoever asks.

Source: RFC 9110, "Proactive Negotiation", "307 Temporary Redirect"; W3C, Content Security Policy Level 3.
"""

from __future__ import annotations

import asyncio

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from fhir_gateway.fhir.outcome import Language
from fhir_gateway.guide.page import INDEX, SUFFIX, policy
from fhir_gateway.guide.said import LANGUAGES
from fhir_gateway.rest.negotiate import language_of

PATH = "/guide"
HOME = "/"


def add_guide(app: FastAPI, default: Language) -> None:
    """Serve the guide below `/guide`. `default`: the language for who asks for none of the two."""

    async def door(request: Request) -> Response:
        language = _asked(request) or language_of(request.headers.get("accept-language"), default)
        return _way(INDEX, language, {"vary": "Accept-Language"})

    async def page(request: Request) -> Response:
        # Parameters of its own would have every start build validators for them.
        language, file = request.path_params["language"], request.path_params["file"]
        name = file.removesuffix(SUFFIX)
        known = next((each for each in LANGUAGES if each == language), None)
        if known is None or name == file:
            raise HTTPException(404)
        asked = _asked(request)
        if asked is not None and asked != known:
            return _way(name, asked)
        text = await asyncio.to_thread(_made, name, known)
        if text is None:
            raise HTTPException(404)
        return HTMLResponse(text, headers={"content-security-policy": policy(), "content-language": known})

    add = app.add_api_route
    add(PATH, door, response_class=HTMLResponse, include_in_schema=False)
    add(f"{PATH}/", door, response_class=HTMLResponse, include_in_schema=False)
    add(f"{PATH}/{{language}}/{{file}}", page, response_class=HTMLResponse, include_in_schema=False)


def _made(name: str, language: Language) -> str | None:
    from fhir_gateway.guide.guide import served  # made ready for who asks for it, not at every start

    return served(HOME).page(name, language)


def _asked(request: Request) -> Language | None:
    """Return the language that the parameter `lang` asks for; None for another one, or none."""
    asked = request.query_params.get("lang", "").partition("-")[0].lower()
    return next((each for each in LANGUAGES if each == asked), None)


def _way(name: str, language: Language, headers: dict[str, str] | None = None) -> Response:
    return RedirectResponse(f"{PATH}/{language}/{name}{SUFFIX}", headers=headers)

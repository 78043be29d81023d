"""JSON: bytes to plain values and back, with the text of every number kept.

Source: FHIR R4, JSON Representation of Resources; RFC 8259.
"""

from __future__ import annotations

import json
import re
from decimal import InvalidOperation
from typing import Any

import msgspec

from fhir_gateway.fhir.number import Number
from fhir_gateway.fhir.outcome import Complaint, InvalidRequest

BODY_EMPTY = Complaint(
    "body-empty",
    "structure",
    "The body is empty; send a resource.",
    "Le corps de la requête est vide ; envoyer une ressource.",
)
NOT_UTF8 = Complaint(
    "not-utf-8",
    "structure",
    "The body is not UTF-8 at byte {byte}; FHIR JSON is always sent in UTF-8.",
    "Le corps n'est pas de l'UTF-8 à l'octet {byte} ; le JSON de FHIR s'envoie toujours en UTF-8.",
)
NOT_JSON = Complaint(
    "not-json",
    "structure",
    "The body is not JSON: line {line}, column {column} (byte {byte}) cannot be read; correct the syntax there.",
    "Le corps n'est pas du JSON : la ligne {line}, colonne {column} (octet {byte}) est illisible ; "
    "corriger la syntaxe à cet endroit.",
)
JSON_TRUNCATED = Complaint(
    "json-truncated",
    "structure",
    "The body ends (after {byte} bytes) before its JSON value does; send the whole of it.",
    "Le corps s'arrête (après {byte} octets) avant la fin de sa valeur JSON ; l'envoyer en entier.",
)
TOO_DEEP = Complaint(
    "too-deep",
    "too-costly",
    "The body nests objects deeper than this server reads ({limit} levels); send a flatter resource.",
    "Le corps imbrique des objets plus profondément que ce serveur ne les lit ({limit} niveaux) ; "
    "envoyer une ressource plus plate.",
)
NUMBER_TOO_LARGE = Complaint(
    "number-too-large",
    "value",
    "The body holds a number with too many digits or too large an exponent to be read; write a shorter one.",
    "Le corps contient un nombre qui a trop de chiffres ou un exposant trop grand pour être lu ; "
    "en écrire un plus court.",
)

MAX_DEPTH = 100  # objects inside objects; official resources stay below 20
_BOM = b"\xef\xbb\xbf"
_BYTE = re.compile(r"\(byte (\d+)\)")
_LONE_SURROGATE = re.compile(r"\\u[dD](?:[89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|[c-fC-F][0-9a-fA-F]{2})")


def _as_written(value: Any) -> msgspec.Raw:
    if isinstance(value, Number):
        return msgspec.Raw(value.text)
    raise TypeError(f"a resource cannot hold a {type(value).__name__}")


_decoder = msgspec.json.Decoder(float_hook=Number)
_properties = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encoder = msgspec.json.Encoder(enc_hook=_as_written, decimal_format="number")
_sorting_encoder = msgspec.json.Encoder(enc_hook=_as_written, decimal_format="number", order="sorted")


def decode(body: bytes) -> Any:
    """Return the value that JSON text stands for: numbers without fraction or exponent as int, others as Number.

    A byte order mark is passed over (RFC 8259, 8.1: parsers "MAY ignore" it). Of a repeated property the last is
    taken: `duplicates.duplicate_keys` finds the others.
    Raises: InvalidRequest for an empty body, one that is not UTF-8 or not JSON, and one nested too deeply.
    """
    if body.startswith(_BOM):
        body = body[len(_BOM) :]
    try:
        return _decoder.decode(body)
    except RecursionError:
        raise InvalidRequest(TOO_DEEP.at(limit=MAX_DEPTH)) from None
    except (msgspec.ValidationError, InvalidOperation):  # integers and exponents beyond what Python reads
        raise InvalidRequest(NUMBER_TOO_LARGE.at()) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _refusal(body, str(error)) from None


def _refusal(body: bytes, reason: str) -> InvalidRequest:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return InvalidRequest(NOT_UTF8.at(byte=error.start))
    if not body.strip():
        return InvalidRequest(BODY_EMPTY.at())
    text = body.decode()
    position = _position(text, body, reason)
    if position is None:
        return InvalidRequest(JSON_TRUNCATED.at(byte=len(body)))
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    return InvalidRequest(NOT_JSON.at(line=line, column=column, byte=len(text[:position].encode())))


def _position(text: str, body: bytes, reason: str) -> int | None:
    """The character where `text` stops being JSON; None when it is JSON as far as it goes.

    msgspec's own position may lie some bytes further, so the standard library is asked where it can tell.
    """
    found = _BYTE.search(reason)
    surrogate = _LONE_SURROGATE.search(text)
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error.pos if found is not None else None
    except (ValueError, RecursionError):  # a number too long, objects too deep: beside the point here
        pass
    # It takes NaN, Infinity and lone surrogates.
    if found is not None:
        return len(body[: int(found[1])].decode(errors="ignore"))
    return surrogate.start() if surrogate is not None else None


def properties(body: bytes) -> dict[str, msgspec.Raw]:
    """Return the properties of a resource that this server wrote, each value as the JSON text it has there.

    `encode` writes such texts as they are, and `decode` reads them.
    """
    return _properties(body)


def encode(value: Any) -> bytes:
    """Return `value` as compact JSON in UTF-8, each Number as it was written."""
    return _encoder.encode(value)


def pretty(body: bytes) -> bytes:
    """Return JSON text indented by two spaces, its numbers as they were written."""
    return msgspec.json.format(body, indent=2)


def canonical(value: Any) -> bytes:
    """Return `value` as compact JSON with the properties of every object in order of their names.

    Two values have the same canonical form exactly when they are the same resource content, numbers as written
    (1.0 is not 1.00: "the precision of the decimal value has significance").
    """
    return _sorting_encoder.encode(value)

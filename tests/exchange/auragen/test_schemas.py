"""The project's own schemas say what the published ones say: same keys, lists, forms; what differs is named.

Source: GIP-CAD, ser_client-api, AURAGEN schemas (meta_software.jsd with its bare key quoted).
"""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from fhir_gateway.exchange.auragen.auragen import Auragen
from fhir_gateway.exchange.auragen.formats import KINDS, Kind, schema
from fhir_gateway.transform.schema import Schema
from tests.exchange.auragen.dossiers_at_auragen import KC_TABLES, TABLES, at_auragen, cancers_at_auragen
from tests.exchange.auragen.test_libraries_and_software import software
from tests.shared_data import shared

# Objects whose keys the published schema leaves optional and open; they are written whole.
WHOLE = ("/libraries/*/extraction", "/libraries/*/qualification", "/libraries/*/quantification",
         "/libraries/*/preplib")  # fmt: skip
# Keys that the published schema leaves optional; they are written as null.
ALWAYS = {"sample_tissue", "sample_storage"}


def published(kind: str) -> dict[str, Any]:
    text = shared("platforms", f"meta_{kind}.jsd").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text.replace('      type: "object"', '      "type": "object"'))
    return found


def differences(own: Schema, other: dict[str, Any], defs: dict[str, Any], where: str) -> list[str]:
    if "anyOf" in other:
        other = {**other["anyOf"][0], "nullable": True}
    if "$ref" in other:
        other = {**defs[other["$ref"].removeprefix("#/$defs/")], **other}
    types = other.get("type", ())
    types = {types} if isinstance(types, str) else set(types)
    found = []
    if ("null" in types or other.get("nullable") or None in other.get("enum", ())) != own.nullable:
        found.append(f"{where}: null")
    if "enum" in other and set(other["enum"]) != set(own.enum or ()):
        found.append(f"{where}: list")
    form = other.get("pattern", "").removeprefix("^").removesuffix("$")
    mine = own.pattern.pattern if own.pattern is not None else ""
    if where.rpartition("/")[2] != "status" and normal(form) != normal(mine):
        found.append(f"{where}: {form} / {mine}")
    if set(other.get("properties", ())) != set(own.properties):
        found.append(f"{where}: keys")
    if where not in WHOLE and set(own.required) - ALWAYS != set(other.get("required", ())):
        found.append(f"{where}: required")
    for key, each in other.get("properties", {}).items():
        found += differences(own.properties[key], each, defs, f"{where}/{key}")
    if own.items is not None:
        found += differences(own.items, other["items"], defs, f"{where}/*")
    return found


def normal(pattern: str) -> str:
    """Return a pattern as both might write it: digits, dots, and no parentheses around the whole."""
    pattern = pattern.replace("\\d", "[0-9]").replace("\\.", "[.]")
    return pattern[1:-1] if pattern.startswith("(LIB") else pattern


@pytest.mark.parametrize("kind", KINDS)
def test_our_schema_says_what_the_published_one_says(kind: Any):
    other = published(kind)
    assert differences(schema(kind), other, other.get("$defs", {}), "") == []


def written(kind: Kind) -> list[bytes | None]:
    """Return files of a kind: of generated dossiers, of the sample, of a case of our own."""
    if kind == "clinic_mr":
        return [Auragen(TABLES).write(kind, each).data for each in at_auragen(20, 5)]
    if kind == "clinic_kc":
        return [Auragen(KC_TABLES).write(kind, each).data for each in cancers_at_auragen(40, 5)]
    sample = shared("platforms", "librairies_sample_01.json").read_bytes()
    data = sample if kind == "libraries" else json.dumps(software()).encode()
    auragen = Auragen()
    return [auragen.write(kind, auragen.read(data).resources).data]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_is_valid_by_the_published_schema(kind: Kind):
    judge = jsonschema.Draft202012Validator(published(kind))
    files = written(kind)
    assert files != []
    for data in files:
        assert data is not None
        judge.validate(json.loads(data))

"""Schemas of trees of JSON: what a format's file must be, read once, judged with JSON pointers.

The part of JSON Schema that the project's own schemas need: type, enum, pattern, properties, required,
additionalProperties: false, items, $ref to $defs. Any other word is refused when a schema is read.

Source: JSON Schema 2020-12; RFC 6901, JSON Pointer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from fhir_gateway.fhir.outcome import Complaint, Issue

NOT_OF_TYPE = Complaint(
    "tree-type",
    "structure",
    en="{where}: {given} stands where the schema wants {expected}.",
    fr="{where} : {given} figure là où le schéma veut {expected}.",
)
NOT_OF_LIST = Complaint(
    "tree-not-of-list",
    "code-invalid",
    en="{where}: the value is none of {expected}.",
    fr="{where} : la valeur n'est aucune de celles-ci : {expected}.",
)
NOT_OF_FORM = Complaint(
    "tree-form",
    "value",
    en="{where}: the value does not have the form {expected}.",
    fr="{where} : la valeur n'a pas la forme {expected}.",
)
ABSENT = Complaint(
    "tree-required",
    "required",
    en="{where}: this is required and absent.",
    fr="{where} : ceci est obligatoire et absent.",
)
UNKNOWN = Complaint(
    "tree-key-unknown",
    "structure",
    en="{where}: the schema has no such key.",
    fr="{where} : le schéma n'a pas cette clé.",
)

_WORDS = frozenset({"type", "enum", "pattern", "properties", "required", "additionalProperties", "items", "$ref",
                    "$defs", "$schema", "$id", "title", "description"})  # fmt: skip
_TYPES = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})


def pointer(where: str, key: str | int) -> str:
    """Return the pointer to a member of what a pointer names."""
    return f"{where}/{str(key).replace('~', '~0').replace('/', '~1')}"


@dataclass(frozen=True, slots=True)
class Schema:
    """What one value must be. `types`: of JSON, none: any; `closed`: no other keys than `properties` has."""

    types: frozenset[str]
    enum: tuple[Any, ...] | None
    pattern: re.Pattern[str] | None
    properties: Mapping[str, Schema]
    required: tuple[str, ...]
    closed: bool
    items: Schema | None

    @classmethod
    def read(cls, written: Mapping[str, Any]) -> Schema:
        """Return a schema. Raises: ValueError for a word or type that is not known here, a $ref that leads nowhere."""
        return cls._read(written, written.get("$defs", {}), "")

    @classmethod
    def _read(cls, written: Mapping[str, Any], defs: Mapping[str, Any], where: str) -> Schema:
        if "$ref" in written:
            name = str(written["$ref"]).removeprefix("#/$defs/")
            if name not in defs:
                raise ValueError(f"{where}: {written['$ref']} leads nowhere")
            written = {**defs[name], **{key: each for key, each in written.items() if key != "$ref"}}
        strange = sorted(set(written) - _WORDS)
        types = written.get("type", ())
        types = frozenset((types,) if isinstance(types, str) else types)
        if strange or not types <= _TYPES:
            raise ValueError(f"{where}: not known here: {', '.join((*strange, *sorted(types - _TYPES)))}")
        properties = {
            key: cls._read(each, defs, pointer(where, key)) for key, each in written.get("properties", {}).items()
        }
        items = cls._read(written["items"], defs, pointer(where, "*")) if "items" in written else None
        enum = tuple(written["enum"]) if "enum" in written else None
        if enum is not None and not types:
            types = frozenset("null" if each is None else "string" for each in enum)
        return cls(
            types, enum, re.compile(written["pattern"], re.ASCII) if "pattern" in written else None, properties,
            tuple(written.get("required", ())), written.get("additionalProperties") is False, items,
        )  # fmt: skip

    @property
    def nullable(self) -> bool:
        return "null" in self.types

    def check(self, value: Any) -> list[Issue]:
        """Return all that is wrong with a value, each with its JSON pointer ("" is the whole)."""
        return list(self._faults(value, ""))

    def unknown(self, value: Any) -> list[str]:
        """Return the pointers to keys that the schema does not have, the outermost of each branch."""
        return list(self._unknown(value, ""))

    def completed(self, value: Any) -> Any:
        """Return a value with what is required and absent: null where that is allowed, else an object of such."""
        if isinstance(value, dict) and self.properties:
            made = {}
            for key, schema in self.properties.items():
                if key in value:
                    made[key] = schema.completed(value[key])
                elif key in self.required and schema.nullable:
                    made[key] = None
                elif key in self.required and "object" in schema.types:
                    made[key] = schema.completed({})
                elif key in self.required and "array" in schema.types:
                    made[key] = []
            return {**made, **{key: each for key, each in value.items() if key not in made}}
        if isinstance(value, list) and self.items is not None:
            return [self.items.completed(each) for each in value]
        return value

    def _faults(self, value: Any, where: str) -> Iterator[Issue]:
        kind = _kind(value)
        if self.types and kind not in self.types and not (kind == "integer" and "number" in self.types):
            expected = " / ".join(sorted(self.types))
            yield NOT_OF_TYPE.at(where, where=where or "/", given=kind, expected=expected)
            return
        if value is None:
            return
        if self.enum is not None and value not in self.enum:
            yield NOT_OF_LIST.at(where, where=where, expected=", ".join(map(str, self.enum)))
        if self.pattern is not None and isinstance(value, str) and self.pattern.fullmatch(value) is None:
            yield NOT_OF_FORM.at(where, where=where, expected=self.pattern.pattern)
        if isinstance(value, dict):
            for key in self.required:
                if key not in value:
                    yield ABSENT.at(pointer(where, key), where=pointer(where, key))
            for key, each in value.items():
                if key in self.properties:
                    yield from self.properties[key]._faults(each, pointer(where, key))
                elif self.closed:
                    yield UNKNOWN.at(pointer(where, key), where=pointer(where, key))
        elif isinstance(value, list) and self.items is not None:
            for number, each in enumerate(value):
                yield from self.items._faults(each, pointer(where, number))

    def _unknown(self, value: Any, where: str) -> Iterator[str]:
        if isinstance(value, dict) and self.properties:
            for key, each in value.items():
                if key in self.properties:
                    yield from self.properties[key]._unknown(each, pointer(where, key))
                else:
                    yield pointer(where, key)
        elif isinstance(value, list) and self.items is not None:
            for number, each in enumerate(value):
                yield from self.items._unknown(each, pointer(where, number))


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    for kind, type_ in (("integer", int), ("number", (float, Decimal)), ("string", str), ("array", list)):
        if isinstance(value, type_):
            return kind
    return "object"

"""Trees of JSON that rules fill: places judged against a schema of the project's own, items of lists put together.

A rule set's `resource` names a tree (`clinic_mr`) or an item of a list in it (`clinic_mr/individuals`); its `to` is a
path of keys below (`family.link`, `hpo_terms[+]`). What rules make for items goes into the list of the tree made last.

Source: mappings/README.md; `fhir_gateway/transform/schema.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from fhir_gateway.transform import complaints
from fhir_gateway.transform.run import Instance
from fhir_gateway.transform.schema import Schema
from fhir_gateway.transform.target import Step, Target, TargetError, Targets

_STEP = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_\-]*)(?:\[(?P<index>[^\]]*)\])?")
# Types of FHIR whose converters make the primitives of JSON of texts.
_PRIMITIVES = {"string": "string", "integer": "integer", "number": "decimal", "boolean": "boolean"}


class TreeTargets(Targets):
    """Compiles paths below trees. `schemas`: of each tree, by its name."""

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self._schemas: dict[str, Schema] = {}
        for name, schema in schemas.items():
            self._add(name, schema)

    def _add(self, name: str, schema: Schema) -> None:
        self._schemas[name] = schema
        for key, each in schema.properties.items():
            if each.items is not None:
                self._add(f"{name}/{key}", each.items)
            else:
                self._add(f"{name}/{key}", each)

    def known(self, type_name: str) -> bool:
        found = self._schemas.get(type_name)
        return found is not None and bool(found.properties)

    def required(self, type_name: str) -> dict[str, frozenset[str]]:
        """Return nothing: what a tree lacks is told by its schema, once it is whole."""
        return {}

    def is_resource(self, type_name: str) -> bool:
        return False

    def target(self, path: str, type_name: str, place: str) -> Target:
        """Return the target that a path of keys is. Raises: TargetError."""
        at, item, steps = type_name, "", []
        for word in path.split("."):
            found = _STEP.fullmatch(word)
            if found is None:
                raise TargetError(complaints.ELEMENT_FORM.at(None, place=place, path=path, reason=f"what is {word}?"))
            schema = self._schemas.get(at)
            member = schema.properties.get(found["name"]) if schema is not None else None
            if member is None:
                raise TargetError(
                    complaints.ELEMENT_UNKNOWN.at(None, place=place, type=at, element=found["name"], path=path)
                )
            many = member.items is not None
            if found["index"] and not many:
                reason = f"{found['name']} is no list"
                raise TargetError(complaints.ELEMENT_FORM.at(None, place=place, path=path, reason=reason))
            steps.append(Step(found["name"], many, found["index"] or ""))
            at = f"{at}/{found['name']}"
            item = item or (at if many else "")
        primitive = next((_PRIMITIVES[each] for each in _PRIMITIVES if each in self._schemas[at].types), "")
        return Target(
            path, primitive or at, bool(primitive), (), item, any(step.index == "+" for step in steps), tuple(steps)
        )

    def assembled(self, instances: Iterable[Instance]) -> dict[str, dict[str, Any]]:
        """Return the trees by name, items in the lists they belong to, in the order they were made."""
        trees: dict[str, dict[str, Any]] = {}
        last: dict[str, dict[str, Any]] = {}
        for each in instances:
            made = dict(each.resource)
            kind = str(made.pop("resourceType"))
            last[kind] = made
            holder, key = _holder(kind, last)
            if holder is None:
                trees[kind] = made
            else:
                _put(last[holder], key.split("/"), made)
        return trees


def _holder(kind: str, made: Mapping[str, Any]) -> tuple[str | None, str]:
    """Return the nearest tree around that was made, and the keys from there."""
    names = kind.split("/")
    for at in range(len(names) - 1, 0, -1):
        if "/".join(names[:at]) in made:
            return "/".join(names[:at]), "/".join(names[at:])
    return None, ""


def _put(into: dict[str, Any], keys: list[str], made: dict[str, Any]) -> None:
    for key in keys[:-1]:
        into = into.setdefault(key, {})
    into.setdefault(keys[-1], []).append(made)

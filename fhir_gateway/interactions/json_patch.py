"""JSON Patch: a list of operations turns one tree into another.

Source: RFC 6902, JSON Patch; RFC 6901, JSON Pointer; FHIR R4, RESTful API, "patch".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from fhir_gateway.fhir.outcome import FhirError, InvalidRequest, Issue, Unprocessable
from fhir_gateway.interactions import complaints

_INDEX = re.compile(r"0|[1-9][0-9]*")
_WRONG_ESCAPE = re.compile(r"~(?![01])")
_MEMBERS = {
    "add": ("path", "value"),
    "remove": ("path",),
    "replace": ("path", "value"),
    "move": ("from", "path"),
    "copy": ("from", "path"),
    "test": ("path", "value"),
}


def check(operations: Sequence[Any]) -> list[Issue]:
    """Return what is wrong with the form of a patch, every problem of every operation."""
    issues: list[Issue] = []
    for index, operation in enumerate(operations):
        for english, french in _problems(operation):
            issues.append(complaints.PATCH_MALFORMED.at(index=index, problem=english, problem_fr=french))
    return issues


def _problems(operation: Any) -> list[tuple[str, str]]:
    if not isinstance(operation, dict):
        return [("an operation is an object", "une opération est un objet")]
    op = operation.get("op")
    members = _MEMBERS.get(op) if isinstance(op, str) else None
    if members is None:
        return [(f"op must be one of {', '.join(_MEMBERS)}", f"op doit être l'un de {', '.join(_MEMBERS)}")]
    problems = [(f"{op} needs {name}", f"{op} exige {name}") for name in members if name not in operation]
    for name in ("path", "from"):
        if name not in members or name not in operation:
            continue
        pointer = operation[name]
        if not isinstance(pointer, str) or pointer[:1] not in ("", "/") or _WRONG_ESCAPE.search(pointer):
            problems.append((f"{name} is no JSON Pointer such as /name/0/given", f"{name} n'est pas un JSON Pointer "
                             "comme /name/0/given"))  # fmt: skip
    return problems


def apply(resource: dict[str, Any], operations: Sequence[dict[str, Any]]) -> Any:
    """Return a new tree: `resource` after all operations, in order. Neither argument is changed.

    FHIR has no empty arrays and objects: one that a removal left empty is removed too, once all operations are done.

    Raises: InvalidRequest for operations that are none; Unprocessable for one whose target is absent or whose test
    fails. The first such ends the patch (RFC 6902, section 5): what follows it has nothing to stand on.
    """
    if issues := check(operations):
        raise InvalidRequest(*issues)
    work = _Work(_copied(resource))
    for index, operation in enumerate(operations):
        work.carry_out(index, operation)
    return _without_emptied(work.root, work.emptied)


class _Work:
    """The tree being patched, and the containers that removals have emptied, by `id`."""

    def __init__(self, root: Any) -> None:
        self.root = root
        self.emptied: dict[int, Any] = {}

    def carry_out(self, index: int, operation: dict[str, Any]) -> None:
        op, pointer = operation["op"], operation["path"]

        def refuse(complaint: Any, error: type[FhirError] = Unprocessable, **values: object) -> FhirError:
            return error(complaint.at(index=index, op=op, pointer=_shown(pointer), **values))

        def absent() -> FhirError:
            return refuse(complaints.PATCH_PATH)

        path = _tokens(pointer)
        match op:
            case "add":
                self.add(path, _copied(operation["value"]), absent)
            case "remove":
                self.remove(path, absent)
            case "replace":
                self.replace(path, _copied(operation["value"]), absent)
            case "test":
                if not _equal(self.at(path, absent), operation["value"]):
                    raise refuse(complaints.PATCH_TEST)
            case "copy" | "move":
                source = _tokens(operation["from"])

                def source_absent() -> FhirError:
                    place = _shown(operation["from"])
                    return Unprocessable(complaints.PATCH_PATH.at(index=index, op=op, pointer=place))

                value = self.at(source, source_absent)
                if op == "copy":
                    self.add(path, _copied(value), absent)
                elif len(path) > len(source) and path[: len(source)] == source:
                    raise refuse(complaints.PATCH_INTO_ITSELF, source=_shown(operation["from"]))
                elif path != source:
                    self.remove(source, source_absent)
                    self.add(path, value, absent)

    def at(self, path: list[str], absent: Callable[[], FhirError]) -> Any:
        node = self.root
        for token in path:
            if isinstance(node, dict) and token in node:
                node = node[token]
            elif isinstance(node, list) and _INDEX.fullmatch(token) and int(token) < len(node):
                node = node[int(token)]
            else:
                raise absent()
        return node

    def add(self, path: list[str], value: Any, absent: Callable[[], FhirError]) -> None:
        if not path:
            self.root = value
            return
        container, token = self.at(path[:-1], absent), path[-1]
        if isinstance(container, dict):
            container[token] = value
        elif isinstance(container, list) and token == "-":
            container.append(value)
        elif isinstance(container, list) and _INDEX.fullmatch(token) and int(token) <= len(container):
            container.insert(int(token), value)
        else:
            raise absent()
        self.emptied.pop(id(container), None)

    def remove(self, path: list[str], absent: Callable[[], FhirError]) -> None:
        self.at(path, absent)
        if not path:
            raise absent()  # a resource cannot be patched away; DELETE does that
        container = self.at(path[:-1], absent)
        del container[path[-1] if isinstance(container, dict) else int(path[-1])]
        if not container:
            self.emptied[id(container)] = container

    def replace(self, path: list[str], value: Any, absent: Callable[[], FhirError]) -> None:
        self.at(path, absent)
        if not path:
            self.root = value
            return
        container = self.at(path[:-1], absent)
        container[path[-1] if isinstance(container, dict) else int(path[-1])] = value


def _tokens(pointer: str) -> list[str]:
    # RFC 6901, 4: first ~1, then ~0, so that "~01" becomes "~1" and not "/".
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def _shown(pointer: str) -> str:
    return pointer or '"" (the whole resource)'


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copied(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value


def _equal(left: Any, right: Any) -> bool:
    """RFC 6902, 4.6: numbers are equal when their values are; true is no number, though Python says it is 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | Decimal) and isinstance(right, int | Decimal):
        return left == right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_equal(value, right[name]) for name, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    return type(left) is type(right) and bool(left == right)


def _without_emptied(value: Any, emptied: dict[int, Any]) -> Any:
    """Return `value` without the containers that removals emptied, and without those that lose all by that."""
    if not emptied or not isinstance(value, dict | list):
        return value
    members: list[tuple[Any, Any]] = list(value.items() if isinstance(value, dict) else enumerate(value))
    kept = []
    for name, member in members:
        pruned = _without_emptied(member, emptied)
        if not (isinstance(member, dict | list) and not pruned and (member or id(member) in emptied)):
            kept.append((name, pruned))
    return dict(kept) if isinstance(value, dict) else [member for _, member in kept]

"""FHIRPath Patch: a Parameters resource whose operations turn one resource into another.

Source: FHIR R4, FHIRPath Patch.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fhir_gateway.fhir.fhirpath import Engine, FhirPathError, Node
from fhir_gateway.fhir.outcome import FhirError, InvalidRequest, Issue, Unprocessable
from fhir_gateway.interactions import complaints

_PARTS: Mapping[str, tuple[str, ...]] = {
    "add": ("path", "name", "value"),
    "insert": ("path", "index", "value"),
    "delete": ("path",),
    "replace": ("path", "value"),
    "move": ("path", "source", "destination"),
}

Part = Mapping[str, Any]


def check(patch: Mapping[str, Any]) -> list[Issue]:
    """Return what is wrong with the form of a patch, every problem of every operation."""
    issues: list[Issue] = []
    for index, parameter in enumerate(patch.get("parameter", ())):
        if parameter.get("name") != "operation":
            issues.append(
                _malformed(index, "each parameter is named 'operation'", "chaque paramètre se nomme « operation »")
            )
            continue
        parts = _parts(parameter)
        type = _plain(parts.get("type", {}))
        wanted = _PARTS.get(type) if isinstance(type, str) else None
        if wanted is None:
            known = ", ".join(_PARTS)
            issues.append(_malformed(index, f"type must be one of {known}", f"type doit être l'un de {known}"))
            continue
        for name in wanted:
            if name not in parts:
                issues.append(_malformed(index, f"{type} needs the part {name}", f"{type} exige la partie {name}"))
        if "value" in parts and not _is_whole(parts["value"]):
            english = "the part value brings a value, a resource, or parts that have names and values"
            french = "la partie value apporte une valeur, une ressource, ou des parties qui ont nom et valeur"
            issues.append(_malformed(index, english, french))
    return issues


def _is_whole(part: Part) -> bool:
    """Tell whether a part brings something: a value, a resource, or named parts that do."""
    if "part" in part:
        return all("name" in each and _is_whole(each) for each in part["part"])
    return any(key.lstrip("_").startswith("value") or key == "resource" for key in part)


def _malformed(index: int, english: str, french: str) -> Issue:
    return complaints.PATCH_MALFORMED.at(index=index, problem=english, problem_fr=french)


def apply(resource: dict[str, Any], patch: Mapping[str, Any], engine: Engine) -> dict[str, Any]:
    """Return a new resource: `resource` after all operations, in order. Neither argument is changed.

    Raises: InvalidRequest for operations that are none; Unprocessable for one whose path does not lead where it must.
    """
    issues = check(patch)
    if issues:
        raise InvalidRequest(*issues)
    patched = copy.deepcopy(resource)
    for index, parameter in enumerate(patch.get("parameter", ())):
        operation = _Operation(index, _parts(parameter), patched, engine)
        try:
            operation.carry_out()
        except FhirPathError as error:
            raise operation.impossible(str(error), str(error)) from error
    return patched


def _parts(parameter: Part) -> dict[str, Part]:
    return {part["name"]: part for part in parameter.get("part", ()) if "name" in part}


def _plain(part: Part) -> Any:
    """Return the value of a part, whatever its type; None where it has none."""
    return next((value for key, value in part.items() if key.startswith("value")), None)


class _Operation:
    def __init__(self, index: int, parts: Mapping[str, Part], resource: dict[str, Any], engine: Engine) -> None:
        self.index = index
        self.parts = parts
        self.resource = resource
        self.engine = engine
        self.type = _plain(parts["type"])

    def impossible(self, english: str, french: str) -> FhirError:
        issue = complaints.FHIRPATH_PATCH_IMPOSSIBLE.at(
            index=self.index, operation=self.type, path=_plain(self.parts["path"]), problem=english, problem_fr=french
        )
        return Unprocessable(issue)

    def carry_out(self) -> None:
        carry: dict[str, Callable[[], None]] = {
            "add": self.add,
            "insert": self.insert,
            "delete": self.delete,
            "replace": self.replace,
            "move": self.move,
        }
        carry[self.type]()

    def found(self) -> list[Node]:
        path = _plain(self.parts["path"])
        if not isinstance(path, str):
            raise self.impossible("path is a string", "path est une chaîne")
        items = self.engine.compile(path, self.resource["resourceType"]).items(self.resource)
        if not all(isinstance(item, Node) for item in items):
            raise self.impossible("the path leads to no element", "le chemin ne mène à aucun élément")
        return items

    def one(self) -> Node:
        found = self.found()
        if len(found) != 1:
            raise self.impossible(
                f"the path leads to {len(found)} elements, one is needed",
                f"le chemin mène à {len(found)} éléments, il en faut un",
            )
        node = found[0]
        return node

    # --- the operations

    def add(self) -> None:
        node = self.one()
        name = _plain(self.parts["name"])
        holder = node.value
        if not isinstance(holder, dict):
            holder = self._twin(node)
        key, many, value, twin = self._value(node.type, name)
        if many:
            values = holder.setdefault(key, [])
            if twin is not None or f"_{key}" in holder:
                twins = holder.setdefault(f"_{key}", [])
                twins += [None] * (len(values) - len(twins)) + [twin]
            values.append(value)
            return
        same = [step.key for step in self.engine.model.members(node.type).get(_base(name), ())]
        if any(each in holder or f"_{each}" in holder for each in same):
            raise self.impossible(f"{name} is there already: replace it", f"{name} existe déjà : remplacez-le")
        _set(holder, key, value, twin)

    def insert(self) -> None:
        items, holder, key = self._list()
        index = _plain(self.parts["index"])
        if not isinstance(index, int) or not 0 <= index <= len(items):
            raise self.impossible(
                f"index must be 0 to {len(items)}, not {index}", f"index doit être de 0 à {len(items)}, non {index}"
            )
        value, twin = self._raw_value()
        items.insert(index, value)
        twins = holder.get(f"_{key}")
        if twins is not None or twin is not None:
            twins = holder.setdefault(f"_{key}", [])
            twins += [None] * (len(items) - 1 - len(twins))
            twins.insert(index, twin)

    def delete(self) -> None:
        found = self.found()
        if not found:
            return  # "the element is removed if present": nothing to remove is no error
        node = self.one()
        if node.parent is None:
            raise self.impossible("the resource itself cannot be deleted", "la ressource ne peut pas être supprimée")
        holder = self._holder(node)
        if node.place is None:
            holder.pop(node.key, None)
            holder.pop(f"_{node.key}", None)
        else:
            for key in (node.key, f"_{node.key}"):
                values = holder.get(key)
                if isinstance(values, list) and node.place < len(values):
                    del values[node.place]
                    if not any(value is not None for value in values):
                        del holder[key]
        self._prune(node.parent)

    def replace(self) -> None:
        node = self.one()
        if node.parent is None:
            raise self.impossible("the resource itself cannot be replaced", "la ressource ne peut pas être remplacée")
        holder = self._holder(node)
        if node.place is not None:
            value, twin = self._raw_value()
            _values(holder, node.key)[node.place] = value
            twins = holder.get(f"_{node.key}")
            if twins is not None or twin is not None:
                twins = holder.setdefault(f"_{node.key}", [])
                twins += [None] * (len(holder[node.key]) - len(twins))
                twins[node.place] = twin
            return
        steps = self.engine.model.members(node.parent.type)
        name = next((name for name, found in steps.items() if node.key in (step.key for step in found)), node.key)
        key, _, value, twin = self._value(node.parent.type, name)
        for old in (node.key, f"_{node.key}"):
            holder.pop(old, None)
        _set(holder, key, value, twin)

    def move(self) -> None:
        items, holder, key = self._list()
        source, destination = (_plain(self.parts[name]) for name in ("source", "destination"))
        for place in (source, destination):
            if not isinstance(place, int) or not 0 <= place < len(items):
                raise self.impossible(
                    f"source and destination must be 0 to {len(items) - 1}",
                    f"source et destination doivent être de 0 à {len(items) - 1}",
                )
        items.insert(destination, items.pop(source))
        twins = holder.get(f"_{key}")
        if twins is not None:
            twins += [None] * (len(items) - len(twins))
            twins.insert(destination, twins.pop(source))

    # --- where and what

    def _holder(self, node: Node) -> dict[str, Any]:
        assert node.parent is not None
        value = node.parent.value
        return value if isinstance(value, dict) else self._twin(node.parent)

    def _twin(self, node: Node) -> dict[str, Any]:
        """Return the object that holds id and extensions of a primitive, made where there is none."""
        if node.twin is not None:
            return node.twin
        holder = self._holder(node)
        node.twin = {}
        if node.place is None:
            holder[f"_{node.key}"] = node.twin
        else:
            twins = holder.setdefault(f"_{node.key}", [])
            twins += [None] * (node.place + 1 - len(twins))
            twins[node.place] = node.twin
        return node.twin

    def _list(self) -> tuple[list[Any], dict[str, Any], str]:
        """Return the list that the path leads to, the object that holds it, and its key there."""
        found = self.found()
        first = found[0] if found else None
        if first is None or first.place is None or first.parent is None:
            raise self.impossible("the path leads to no list", "le chemin ne mène à aucune liste")
        holder = self._holder(first)
        if any(node.key != first.key or node.parent is not first.parent for node in found):
            raise self.impossible("the path leads to several lists", "le chemin mène à plusieurs listes")
        return _values(holder, first.key), holder, first.key

    def _prune(self, node: Node) -> None:
        """Remove what a deletion left empty: FHIR has no empty objects."""
        while node.parent is not None and node.value == {}:
            holder = self._holder(node)
            if node.place is None:
                holder.pop(node.key, None)
            else:
                del holder[node.key][node.place]
                if not holder[node.key]:
                    del holder[node.key]
            node = node.parent

    def _raw_value(self) -> tuple[Any, dict[str, Any] | None]:
        part = self.parts["value"]
        node_type = None
        found = self.found()
        if found:
            node_type = found[0].type
        return _value_of(part, node_type, self.engine)

    def _value(self, type: str, name: Any) -> tuple[str, bool, Any, dict[str, Any] | None]:
        """Return key, whether it repeats, value and twin of what the operation brings as element `name`."""
        steps = self.engine.model.members(type).get(_base(str(name)), ())
        if not steps:
            raise self.impossible(f"{name} is no element of {type}", f"{name} n'est pas un élément de {type}")
        part = self.parts["value"]
        step = steps[0]
        if len(steps) > 1:
            brought = next((key for key in part if key.lstrip("_").startswith("value")), "value").lstrip("_")
            wanted = _base(str(name)) + brought.removeprefix("value")
            chosen = next((each for each in steps if each.key == wanted), None)
            if chosen is None:
                raise self.impossible(
                    f"{_base(str(name))}[x] cannot be a {brought.removeprefix('value')}",
                    f"{_base(str(name))}[x] ne peut pas être {brought.removeprefix('value')}",
                )
            step = chosen
        value, twin = _value_of(part, step.type, self.engine)
        return step.key, step.many, value, twin


def _values(holder: dict[str, Any], key: str) -> list[Any]:
    """Return the list of values at a key; of primitives that all have none, as many nulls."""
    values: list[Any] = holder.setdefault(key, [None] * len(holder.get(f"_{key}", ())))
    return values


def _base(name: str) -> str:
    return name.removesuffix("[x]")


def _set(holder: dict[str, Any], key: str, value: Any, twin: dict[str, Any] | None) -> None:
    if value is not None:
        holder[key] = value
    if twin is not None:
        holder[f"_{key}"] = twin


def _value_of(part: Part, type: str | None, engine: Engine) -> tuple[Any, dict[str, Any] | None]:
    """Return the value that a part brings and its twin: of a data type, or put together from parts of its own."""
    if "part" in part:
        return _assembled(part["part"], type, engine), None
    if "resource" in part:
        return copy.deepcopy(part["resource"]), None
    value = next((each for key, each in part.items() if key.startswith("value")), None)
    twin = next((each for key, each in part.items() if key.startswith("_value")), None)
    return copy.deepcopy(value), copy.deepcopy(twin)


def _assembled(parts: Sequence[Part], type: str | None, engine: Engine) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for part in parts:
        name = part["name"]
        steps = engine.model.members(type).get(_base(name), ()) if type is not None else ()
        step = next((each for each in steps if len(steps) == 1 or each.key == _chosen(name, part)), None)
        key = step.key if step is not None else name
        value, twin = _value_of(part, step.type if step is not None else None, engine)
        if step is not None and step.many:
            made.setdefault(key, []).append(value)
        else:
            _set(made, key, value, twin)
    return made


def _chosen(name: str, part: Part) -> str:
    brought = next((key for key in part if key.startswith("value")), "value")
    return _base(name) + brought.removeprefix("value")

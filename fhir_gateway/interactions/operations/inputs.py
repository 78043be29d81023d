"""Reading what an operation was given: from the URL, from a Parameters resource, or as the body itself.

Source: FHIR R4, Operations, "Executing an Operation Synchronously"; Parameters.
"""

from __future__ import annotations

from typing import Any

from fhir_gateway.fhir.outcome import InvalidRequest, Issue
from fhir_gateway.fhir.primitives import INTEGER_RANGES, TEXT_RULES
from fhir_gateway.interactions.interaction import Interaction
from fhir_gateway.interactions.operations import complaints
from fhir_gateway.interactions.operations.operation import Input, Inputs, Operation
from fhir_gateway.interactions.operations.unsound import judged

_INTEGERS = frozenset(INTEGER_RANGES)
_PRIMITIVE = frozenset(TEXT_RULES) | _INTEGERS | {"boolean"}
_NONE = object()  # a value that is none


def inputs_of(operation: Operation, interaction: Interaction) -> Inputs:
    """Return what was given to an operation, each value of the type its definition says.

    "If the operation takes exactly one resource … the resource can be the body of the POST", besides parameters of
    simple types in the URL.

    Raises: InvalidRequest with all that is wrong with them.
    """
    return _Reading(operation, interaction).inputs()


class _Reading:
    def __init__(self, operation: Operation, interaction: Interaction) -> None:
        self.operation = operation
        self.interaction = interaction
        self.lenient = interaction.prefer.handling == "lenient"
        self.known = {each.name: each for each in operation.inputs}
        self.values: dict[str, list[Any]] = {}
        self.issues: list[Issue] = []

    def inputs(self) -> Inputs:
        unsound = judged(self.interaction)
        for name, text in self.interaction.parameters:
            self._from_url(name, text)
        if self.interaction.resource is not None:
            self._from_body(self.interaction.resource)
        for each in self.operation.inputs:
            given = len(self.values.get(each.name, ()))
            if each.required and not given:
                self._complain(complaints.INPUT_MISSING, name=each.name, type=each.type)
            elif given > 1 and not each.many:
                self._complain(complaints.INPUT_TWICE, name=each.name)
        if self.issues:
            raise InvalidRequest(*self.issues)
        values = {name: [each for each in given if each is not _NONE] for name, given in self.values.items()}
        return Inputs(values, unsound)

    def _complain(self, complaint: Any, expression: str | None = None, **values: object) -> None:
        self.issues.append(complaint.at(expression, operation=self.operation.name, **values))

    def _input(self, name: str, expression: str | None) -> Input | None:
        """Return the input of a name; None, and a complaint unless the sender prefers it passed over."""
        found = self.known.get(name)
        if found is None and not self.operation.open and not self.lenient:
            known = ", ".join(self.known) or "-"
            self._complain(complaints.INPUT_UNKNOWN, expression, name=name, known=known)
        return found

    def _from_url(self, name: str, text: str) -> None:
        found = self._input(name, None)
        if found is None:
            return
        if found.type not in _PRIMITIVE:
            self._complain(complaints.INPUT_IN_URL, name=name, type=found.type)
        self._add(found, _of_text(found.type, text) if found.type in _PRIMITIVE else _NONE, text, None)

    def _from_body(self, body: dict[str, Any]) -> None:
        sent = body["resourceType"]
        if sent == "Parameters":
            for number, parameter in enumerate(body.get("parameter", ())):
                self._from_parameter(parameter, f"Parameters.parameter[{number}]")
            return
        resources = [each for each in self.operation.inputs if each.resource and not each.many]
        if len(resources) == 1 and resources[0].takes(body):
            self._add(resources[0], body, sent, None)
            return
        types = ", ".join(["Parameters", *(each.type for each in resources)])
        self._complain(complaints.BODY_TYPE, sent, sent=sent, types=types)

    def _from_parameter(self, parameter: dict[str, Any], place: str) -> None:
        name = parameter["name"]
        found = self._input(name, place)
        if found is None:
            return
        if found.resource:
            resource = parameter.get("resource")
            taken = resource is not None and found.takes(resource)
            self._add(found, resource if taken else _NONE, "-" if resource is None else resource["resourceType"], place)
            return
        key = next((key for key in parameter if key.startswith("value")), None)
        value = None if key is None else parameter[key]
        given = _NONE
        if key == f"value{found.type[:1].upper()}{found.type[1:]}":
            given = value
        elif found.type in _PRIMITIVE and isinstance(value, str):
            # A valueString where a valueUri is meant says the same.
            given = _of_text(found.type, value)
        elif found.type in _INTEGERS and type(value) is int:
            given = _of_text(found.type, str(value))
        self._add(found, given, value if isinstance(value, str | int) else key or "-", place)

    def _add(self, found: Input, value: Any, sent: object, place: str | None) -> None:
        in_url = place is None and found.type not in _PRIMITIVE
        if value is _NONE and not in_url:
            self._complain(complaints.INPUT_VALUE, place, name=found.name, type=found.type, sent=sent)
        self.values.setdefault(found.name, []).append(value)


def _of_text(type: str, text: str) -> Any:
    """Return the value of a primitive type that a text stands for; _NONE when it is none."""
    if type == "boolean":
        return {"true": True, "false": False}.get(text, _NONE)
    if type in _INTEGERS:
        low, high = INTEGER_RANGES[type]
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) < 11 and low <= int(text) <= high):
            return _NONE
        return int(text)
    return text if TEXT_RULES[type](text) else _NONE

"""Rules of ValueSet that its definition does not state: systems, codes and filters of what it includes.

Source: FHIR R4, ValueSet, "Composition Rules"; CodeSystem.filter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from fhir_gateway.conformance.validation import terminology_complaints as complaints
from fhir_gateway.conformance.validation.findings import found
from fhir_gateway.conformance.validation.places import extensions, listed, objects, text_of
from fhir_gateway.fhir.fhirpath import FhirPathError, Node

if TYPE_CHECKING:
    from fhir_gateway.conformance.validation.walk import Walk

_PARAMETER = "http://hl7.org/fhir/tools/StructureDefinition/valueset-parameter"
_EXPRESSION = "http://hl7.org/fhir/StructureDefinition/cqf-expression"
_PROPERTIES = "http://hl7.org/fhir/concept-properties#"

# What a filter may ask of any system, with the type of its value.
_GENERAL = {
    "concept": "concept",
    "code": "concept",
    "display": "",
    "definition": "",
    "inactive": "boolean",
    "notSelectable": "boolean",
    "deprecated": "dateTime",
    "status": "",
    "parent": "concept",
    "child": "concept",
    "comment": "",
    "effectiveDate": "dateTime",
    "deprecationDate": "dateTime",
    "retirementDate": "dateTime",
    "partOf": "concept",
    "synonym": "",
}
# What may be asked of these two, whatever the system.
_OPERATORS: Mapping[str, tuple[str, ...]] = {
    "concept": ("=", "is-a", "descendent-of", "is-not-a", "in", "not-in", "generalizes"),
    "code": ("=", "is-a", "descendent-of", "is-not-a", "regex", "in", "not-in", "generalizes"),
}
_HIERARCHY = frozenset({"is-a", "descendent-of", "is-not-a", "generalizes"})
_FORMS = {
    "boolean": (re.compile(r"true|false"), "either 'true' or 'false'", "« true » ou « false »"),
    "integer": (re.compile(r"(?:eq|ne|lt|gt|le|ge)?[+-]?[0-9]+"), "an integer value", "un entier"),
    "decimal": (
        re.compile(r"(?:eq|ne|lt|gt|le|ge)?[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?"),
        "a decimal value",
        "un nombre décimal",
    ),
    "dateTime": (
        re.compile(r"(?:eq|ne|lt|gt|le|ge)?[0-9]{4}(-[0-9]{2}(-[0-9]{2}(T.*)?)?)?"),
        "a valid date(/time)",
        "une date",
    ),
    "code": (re.compile(r"[^\s]+(\s[^\s]+)*"), "a valid code", "un code"),
    "Coding": (re.compile(r"[^#]+#.+"), "in the format system(|version)#code", "de la forme système(|version)#code"),
}
_CHECKED = frozenset({"=", *_HIERARCHY})


def check(walk: Walk, node: Node) -> None:
    """Report what is wrong with what a ValueSet includes and excludes."""
    _ValueSet(walk, node).check()


class _ValueSet:
    def __init__(self, walk: Walk, node: Node) -> None:
        self.walk = walk
        self.node = node
        self.model = walk.engine.model
        self.parameters = {
            str(value)
            for each in listed(node.value, "extension")
            if each.get("url") == _PARAMETER
            for value in extensions(each, "name")
        }
        self.used: set[str] = set()
        # Code systems inside the value set itself are known to nobody else.
        self.contained = {each.get("url"): each for each in listed(node.value, "contained") if "url" in each}

    def report(self, complaint: Any, node: Node, **texts: object) -> None:
        self.walk.report(found(complaint, node, None, **texts))

    def check(self) -> None:
        for compose in objects(self.model, self.node, "compose"):
            for key in ("include", "exclude"):
                for include in objects(self.model, compose, key):
                    self._include(include)
        for name in sorted(self.parameters - self.used):
            self.report(complaints.PARAMETER_UNUSED, self.node, name=name)

    def _include(self, node: Node) -> None:
        self._imports(node)
        system = text_of(node.value, "system")
        if system is None:
            if "concept" in node.value or "filter" in node.value:
                self.report(complaints.INCLUDE_NO_SYSTEM, node)
            self._filters(node, None, None)
            return
        if not self._is_system(node, system):
            return
        definition = self._definition(system, text_of(node.value, "version"))
        if definition is not None and (definition.get("supplements") or definition.get("content") == "supplement"):
            self.report(complaints.INCLUDE_SUPPLEMENT, node, system=system, base=definition.get("supplements"))
            return
        self._codes(node, system)
        self._filters(node, system, definition)

    def _definition(self, system: str, version: str | None) -> Mapping[str, Any] | None:
        contained = self.contained.get(system)
        if contained is not None:
            return contained
        return self.walk.schemas.resource("CodeSystem", f"{system}|{version}" if version else system)

    def _imports(self, node: Node) -> None:
        for place, url in enumerate(node.value.get("valueSet") or ()):
            if not isinstance(url, str) or url.startswith("#") or self.walk.bindings.knows(url):
                continue
            at = Node(url, "canonical", None, node, "valueSet", place)
            if self.walk.schemas.resource("CodeSystem", url) is not None:
                self.report(complaints.IMPORT_TYPE, at, value_set=url, found="CodeSystem")
            else:
                self.report(complaints.IMPORT_UNKNOWN, at, value_set=url)

    def _is_system(self, node: Node, system: str) -> bool:
        if ":" not in system:
            fragment = system.startswith("#")
            self.report(complaints.INCLUDE_SYSTEM_FRAGMENT if fragment else complaints.INCLUDE_SYSTEM_RELATIVE, node)
            return False
        url, bar, version = system.partition("|")
        if bar:
            self.report(complaints.INCLUDE_SYSTEM_VERSION, node, version=version)
            return False
        schemas = self.walk.schemas
        if schemas.resource("CodeSystem", url) is None and schemas.resource("ValueSet", url) is not None:
            self.report(complaints.INCLUDE_VALUE_SET_AS_SYSTEM, node, system=system)
            return False
        return True

    def _codes(self, node: Node, system: str) -> None:
        retired = self.node.value.get("status") == "retired"
        version = text_of(node.value, "version")
        for place, concept in enumerate(objects(self.model, node, "concept")):
            code = text_of(concept.value, "code")
            if code is None:
                continue
            state = self._state(system, version, code)
            if state == "unknown-code":
                complaint = complaints.INCLUDE_CODE_RETIRED if retired else complaints.INCLUDE_CODE
                self.report(complaint, concept, code=code, system=system)
            elif state in ("unknown-system", "unknown-version", "no-content") and place == 0:
                self.report(complaints.INCLUDE_SYSTEM_UNKNOWN, node, system=system)
                return

    def _state(self, system: str, version: str | None, code: str) -> str | None:
        contained = self.contained.get(system)
        if contained is not None:
            known = code in set(_codes_of(contained)) or contained.get("content") != "complete"
            return "known" if known else "unknown-code"
        verdict = self.walk.bindings.verdict(system, code, version=version)
        return None if verdict is None else verdict.state

    # --- filters

    def _filters(self, node: Node, system: str | None, definition: Mapping[str, Any] | None) -> None:
        for filter in objects(self.model, node, "filter"):
            self._expression(filter)
            if system is not None and definition is not None:
                self._filter(filter, system, definition)

    def _filter(self, node: Node, system: str, definition: Mapping[str, Any]) -> None:
        name, operator, value = (text_of(node.value, key) for key in ("property", "op", "value"))
        if name is None or value is None:
            return
        declared = {str(each.get("code")): each for each in listed(definition, "filter")}
        if name in declared:
            allowed = declared[name].get("operator") or []
            if operator not in allowed:
                texts = {"operator": operator, "property": name, "system": system, "allowed": ", ".join(allowed)}
                self.report(complaints.FILTER_OPERATOR, node, **texts)
                return
        type = self._type(name, definition)
        if type is None:
            if name not in declared:
                known = sorted({*declared, *(str(each.get("code")) for each in listed(definition, "property"))})
                texts = {"property": name, "system": system, "known": ", ".join(known)}
                self.report(complaints.FILTER_PROPERTY, node, **texts)
            return
        if name not in declared and str(operator) not in _OPERATORS.get(name, (str(operator),)):
            allowed = ", ".join(_OPERATORS[name])
            texts = {"operator": operator, "property": name, "system": system, "allowed": allowed}
            self.report(complaints.FILTER_OPERATOR, node, **texts)
        self._value(node, name, str(operator), value, type, system)

    @staticmethod
    def _type(name: str, definition: Mapping[str, Any]) -> str | None:
        for each in listed(definition, "property"):
            if name in (each.get("code"), each.get("uri")):
                known = str(each.get("uri", _PROPERTIES + name)).removeprefix(_PROPERTIES)
                return "concept" if known in ("parent", "child") else text_of(each, "type")
        return _GENERAL.get(name)

    def _value(self, node: Node, name: str, operator: str, value: str, type: str, system: str) -> None:
        if operator == "regex":
            try:
                re.compile(value)
            except re.error:
                self.report(complaints.FILTER_REGEX, node, property=name, value=value)
            if name == "concept":
                self.report(complaints.FILTER_NO_REGEX, node, property=name)
            return
        if operator == "exists" and type:
            type = "boolean"
        values = [each.strip() for each in value.split(",")] if operator in ("in", "not-in") else [value]
        for each in values:
            self._one_value(node, name, each, type, system)

    def _one_value(self, node: Node, name: str, value: str, type: str, system: str) -> None:
        if type == "concept":
            if self._state(system, None, value) == "unknown-code":
                self.report(complaints.FILTER_CODE, node, property=name, value=value, system=system)
            return
        form = _FORMS.get(type)
        if form is None:
            return
        if form[0].fullmatch(value) is None:
            texts = {"property": name, "value": value, "wanted": form[1], "wanted_fr": form[2]}
            self.report(complaints.FILTER_VALUE, node, **texts)
        elif type == "Coding":
            self._coding(node, name, value)

    def _coding(self, node: Node, name: str, value: str) -> None:
        canonical, _, code = value.partition("#")
        system, _, version = canonical.partition("|")
        verdict = self.walk.bindings.verdict(system, code, version=version or None)
        if verdict is not None and verdict.state == "unknown-code":
            texts = {"property": name, "value": value, "code": code, "system": system, "version": verdict.version}
            self.report(complaints.FILTER_CODING, node, **texts)

    def _expression(self, node: Node) -> None:
        """Check a value that is worked out when the value set is used, from the parameters it declares."""
        twin = node.value.get("_value")
        for place, each in enumerate(listed(twin, "extension")):
            expression = (each.get("valueExpression") or {}).get("expression")
            if each.get("url") != _EXPRESSION or not isinstance(expression, str):
                continue
            holder = Node(each, "Extension", None, node, "extension", place)
            at = Node(each.get("valueExpression"), "Expression", None, holder, "value.ofType(Expression)")
            names = re.findall(r"%([A-Za-z_][A-Za-z0-9_\-]*)", expression)
            self.used |= set(names)
            unknown = [name for name in names if name not in self.parameters]
            for name in unknown:
                self.report(complaints.FILTER_PARAMETER, at, fhirpath=expression, name=name)
            # A parameter's name may have dashes, which FHIRPath writes in backquotes.
            plain = re.sub(r"%([A-Za-z_][A-Za-z0-9_\-]*)", r"%`\1`", expression)
            try:
                self.walk.engine.compile(plain)
            except FhirPathError as error:
                if not names:
                    self.report(complaints.FILTER_EXPRESSION, at, fhirpath=expression, reason=error)


def _codes_of(definition: Mapping[str, Any]) -> Iterator[str]:
    pending = list(listed(definition, "concept"))
    while pending:
        each = pending.pop()
        yield str(each.get("code"))
        pending += listed(each, "concept")

"""What compiled rules are made of: small functions that need nothing but what a message gives them.

Source: mappings/README.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fhir_gateway.transform import complaints
from fhir_gateway.transform.codes import Code
from fhir_gateway.transform.condition import Test
from fhir_gateway.transform.run import Filling
from fhir_gateway.transform.source import Scope, Texts
from fhir_gateway.transform.target import Target

# (node, segment, scope, object to fill, filling)
Action = Callable[[Any, Any, Scope, dict[str, Any], Filling], None]
# (node, segment, scope, filling) -> what an element becomes; None: nothing
Make = Callable[[Any, Any, Scope, Filling], Any]

Also = Callable[[Any, Any, Any, Scope, Filling], None]
UNMATCHED = {
    "keep": complaints.CODE_KEPT,
    "drop": complaints.CODE_DROPPED,
    "error": complaints.CODE_REQUIRED,
}


def beside(target: Target, make: Make) -> Also:
    put = target.put

    def write(item: Any, node: Any, segment: Any, scope: Scope, filling: Filling) -> None:
        if isinstance(item, dict):
            value = make(node, segment, scope, filling)
            if value is not None:
                put(item, value, filling.labels)

    return write


def named_instances(name: str, segment: Any, scope: Scope, filling: Filling) -> list[Any]:
    """Return the instances of an id that are nearest: made of this segment, in this group, around it, within it.

    "*": all others.
    """
    if name == "*":
        return [each for each in filling.run.instances if each is not filling.instance]
    here: Scope | None = scope
    while here is not None:
        found = here.instances.get(name)
        if found:
            own = [each for each in found if each.segment is not None and each.segment is segment]
            return own or list(found)
        here = here.parent
    return _within(name, scope)


def _within(name: str, scope: Scope) -> list[Any]:
    found: list[Any] = []
    for child in scope.children:
        found += child.instances.get(name, ())
        found += _within(name, child)
    return found


def as_code(found: Code, kept_code: Any) -> Any:
    return found.code


def _as_coding(found: Code, kept_code: Any) -> Any:
    made = {"system": found.system, "code": found.code}
    if not found.system:
        del made["system"]
    return made


def _as_concept(found: Code, kept: Any) -> Any:
    coding = _as_coding(found, None)
    if not isinstance(kept, dict):
        return {"coding": [coding]}
    others = [each for each in kept.get("coding", ()) if (each.get("system"), each.get("code")) != found[:2]]
    return {**kept, "coding": [coding, *others]}


FORMS: dict[str, Callable[[Code, Any], Any]] = {"Coding": _as_coding, "CodeableConcept": _as_concept}


def kept_code(code: str, type_name: str) -> Any:
    if type_name == "CodeableConcept":
        return {"text": code}
    return {"code": code} if type_name == "Coding" else code


TEXTS = ("string", "markdown", "code", "uri", "url", "canonical", "oid", "id")


def code_by(text: Texts) -> Make:
    return lambda node, segment, scope, filling: text(node, segment, scope)


def alike(given: str, wanted: str) -> bool:
    """Tell whether a text made for one primitive may stand where another is asked for."""
    return given == wanted or (given in TEXTS and wanted in TEXTS)


def where_of(node: Any, segment: Any) -> str:
    if node is not None:
        return str(node.place)
    return f"{segment.name}^{segment.number}" if segment is not None else "MSH^1"


def tested(test: Test, make: Make) -> Make:
    return lambda node, segment, scope, filling: (
        make(node, segment, scope, filling) if test(node, segment, scope) else None
    )


def text_of_node(node: Any, _segment: Any, _scope: Scope) -> str:
    return str(node.text)


def no_text(_node: Any, _segment: Any, _scope: Scope) -> str:
    return ""


def no_nodes(_node: Any, _segment: Any, _scope: Scope) -> Sequence[Any]:
    return ()


def nothing(_node: Any, _segment: Any, _scope: Scope, _filling: Filling) -> Any:
    return None


def do_nothing(_node: Any, _segment: Any, _scope: Scope, _into: dict[str, Any], _filling: Filling) -> None:
    return None


def put_nothing(_at: dict[str, Any], _value: Any, _labels: Any) -> Any:
    return None

"""What functions made of rules call while a mapping is applied.

Source: mappings/README.md.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable, Sequence
from typing import Any

from fhir_gateway.transform import complaints
from fhir_gateway.transform.codes import Code, CodeMap
from fhir_gateway.transform.rules import Rule
from fhir_gateway.transform.run import Filling, Fired
from fhir_gateway.transform.source import Convert, Scope

REMEMBERED = 4096
UNMATCHED = {
    "keep": complaints.CODE_KEPT,
    "drop": complaints.CODE_DROPPED,
    "error": complaints.CODE_REQUIRED,
}
PlaceOf = Callable[[Any], str]
Make = Callable[[Any, Scope, Filling], Any]  # of a node
Later = Callable[[Any, Scope, dict[str, Any], Filling], None]


# --- where


def where_of(place_of: PlaceOf, node: Any, segment: Any) -> str:
    if node is not None:
        return place_of(node)
    return f"{segment.name}^{segment.number}" if segment is not None else "MSH^1"


def fired(
    place_of: PlaceOf, within: bool
) -> Callable[[int | None, Rule, tuple[str, int] | None, Any, Any, Filling], None]:
    """Return what notes that a rule made something. It is told how much was noted when the rule's data type began to be
    made, and the part of the source that the rule reads.

    within: the rule is one of a data type: of what its value becomes part, and whether it finds a place there, is not
    known yet.
    """

    def note(
        begun: int | None, rule: Rule, part: tuple[str, int] | None, node: Any, segment: Any, filling: Filling
    ) -> None:
        trace = filling.run.trace
        assert trace is not None
        if begun is not None:
            trace[begun:] = (each._replace(element=f"{rule.to}.{each.element}") for each in trace[begun:])
            if not within:
                belongs(begun, filling)
        where = _read_at(place_of, part, node, segment)
        trace.append(Fired(rule.id, rule.place, where, "" if within else filling.instance.id, rule.to))

    return note


def belongs(begun: int, filling: Filling) -> None:
    """Note that what was noted last is of the instance that is being filled."""
    trace = filling.run.trace
    assert trace is not None
    trace[begun:] = (each._replace(of=filling.instance.id) for each in trace[begun:])


def warned(place_of: PlaceOf) -> Callable[[Rule, tuple[str, int] | None, Any, Any, Filling], None]:
    """Return what tells that a rule made something of what stood at another place than it should (warn:)."""

    def warn(rule: Rule, part: tuple[str, int] | None, node: Any, segment: Any, filling: Filling) -> None:
        where = _read_at(place_of, part, node, segment)
        issue = complaints.READ_ELSEWHERE.at(None, where=where, path=f"{filling.instance.id}.{rule.to}", rule=rule.id)
        filling.run.issues.append(issue)

    return warn


def _read_at(place_of: PlaceOf, part: tuple[str, int] | None, node: Any, segment: Any) -> str:
    if node is None and part is not None:
        number = segment.number if segment is not None and part[0] == segment.name else 1
        return f"{part[0]}^{number}^{part[1]}"
    return where_of(place_of, node, segment)


def unfit(place_of: PlaceOf) -> Callable[[Any, Any, str, str, Filling], None]:
    """Return what tells that a text is none of the type that it should be."""

    def tell(node: Any, segment: Any, type_name: str, path: str, filling: Filling) -> None:
        where = where_of(place_of, node, segment)
        filling.run.issues.append(complaints.NOT_OF_TYPE.at(None, where=where, type=type_name, path=path))

    return tell


# --- codes


def _as_code(found: Code, kept: Any) -> Any:
    return found.code


def _as_coding(found: Code, kept: Any) -> Any:
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


_FORMS: dict[str, Callable[[Code, Any], Any]] = {"Coding": _as_coding, "CodeableConcept": _as_concept}


def takes_codes(type_name: str, primitive: bool) -> bool:
    """Tell whether a code can become an element of a type."""
    return primitive or type_name in _FORMS


def _kept_code(code: str, type_name: str) -> Any:
    if type_name == "CodeableConcept":
        return {"text": code}
    return {"code": code} if type_name == "Coding" else code


def codes_of(maps: CodeMap, convert: Convert | None) -> dict[str, Any]:
    """Return what codes become that become a primitive: asked before `mapped`."""
    return {code: convert(found.code) if convert is not None else found.code for code, found in maps.codes.items()}


def mapped(
    maps: CodeMap, policy: str, rule: Rule, type_name: str, convert: Convert | None, place_of: PlaceOf
) -> Callable[[str, Any, Any, Any, Filling], Any]:
    """Return what translates a code. `convert`: of a primitive; it is told what the element is without the map, where
    there is something.
    """
    of, name, path = maps.of, maps.name, rule.to
    form = _FORMS.get(type_name, _as_code)
    complaint = UNMATCHED.get(policy, complaints.CODE_REPLACED)

    def translate(code: str, kept: Any, node: Any, segment: Any, filling: Filling) -> Any:
        found = of(code)
        if found is not None:
            made = form(found, kept)
            return convert(made) if convert is not None else made
        where = where_of(place_of, node, segment)
        filling.run.issues.append(complaint.at(None, where=where, code=code, map=name, fixed=policy, path=path))
        if policy == "keep":
            return kept if kept is not None else _kept_code(code, type_name)
        if policy in UNMATCHED:
            return None
        made = form(Code("", policy, ""), kept)
        return convert(made) if convert is not None else made

    return translate


# --- what is remembered


def remembered(known: dict[Any, Any], key: Callable[[Any], Any], make: Make, copied: bool) -> Make:
    """Return what makes a value that may be remembered. `copied`: whether each who asks needs a copy of their own.

    What was warned of, or is traced, is made anew each time.
    """

    def remember(node: Any, scope: Scope, filling: Filling) -> Any:
        issues = filling.run.issues
        before = len(issues)
        made = make(node, scope, filling)
        kept = key(node)
        if kept and len(issues) == before and filling.run.trace is None:
            if len(known) >= REMEMBERED:
                known.clear()
            known[kept] = Copies(made, known, kept) if copied else lambda: made
        return made

    return remember


class Copies:
    """Gives copies of a value of texts, numbers, lists and objects, to each who asks their own.

    What is asked for often becomes a function of Python that is nothing but the value written out: no way to a copy is
    quicker.
    """

    __slots__ = ("_asked", "_key", "_known", "_value")

    def __init__(self, value: Any, known: dict[Any, Callable[[], Any]], key: Any) -> None:
        self._asked = 0
        self._known = known
        self._key = key
        self._value = marshal.dumps(value)

    def __call__(self) -> Any:
        self._asked += 1
        if self._asked == _OFTEN and self._key in self._known:
            self._known[self._key] = eval(f"lambda: {marshal.loads(self._value)!r}")
        return marshal.loads(self._value)


_OFTEN = 32


# --- other instances


def named_instances(name: str, segment: Any, scope: Scope, filling: Filling) -> Sequence[Any]:
    """Return the instances of an id that are nearest: made of this segment, in this group, around it, within it.

    "*": all others.
    """
    if name == "*":
        return [each for each in filling.run.instances if each is not filling.instance]
    here: Scope | None = scope
    while here is not None:
        found = here.instances.get(name)
        if found:
            if len(found) == 1:
                return found
            own = [each for each in found if each.segment is not None and each.segment is segment]
            return own or found
        here = here.parent
    return _within(name, scope)


def grouped_instances(
    name: str, text: Callable[[Any, Scope], str], segment: Any, scope: Scope, filling: Filling
) -> list[Any]:
    """Return the other instances of an id, in the nearest group around that has several, whose segments have the same
    text as this one's; to the first of them alone.
    """
    wanted = text(segment, scope)
    if not wanted:
        return []
    known, here = filling.run.grouped, scope
    by_text = _grouped(known, name, text, here, of_children=True)
    while by_text is None and here.parent is not None:
        here = here.parent
        by_text = _grouped(known, name, text, here, of_children=False)
    same = by_text.get(wanted, ()) if by_text is not None else ()
    return list(same[1:]) if same and same[0] is filling.instance else []


_Grouped = dict[str, list[Any]]


def _grouped(
    known: dict[Any, _Grouped | None], name: str, text: Callable[[Any, Scope], str], here: Scope, *, of_children: bool
) -> _Grouped | None:
    """Return the instances of an id in a group by a text of their segments, found once; None where there is one."""
    key = (id(here), name, text, of_children)
    if key not in known:
        found = _within(name, here)
        if not of_children:
            found = [*here.instances.get(name, ()), *found]
        by_text: _Grouped = {}
        for each in found if len(found) > 1 or here.parent is None else ():
            if each.segment is not None:
                by_text.setdefault(text(each.segment, each.scope), []).append(each)
        known[key] = by_text if len(found) > 1 or here.parent is None else None
    return known[key]


def _within(name: str, scope: Scope) -> list[Any]:
    found: list[Any] = []
    for child in scope.children:
        found += child.instances.get(name, ())
        found += _within(name, child)
    return found

"""FHIR's own functions: extension, resolve, memberOf, subsumes, conformsTo, htmlChecks and their kin.

Source: FHIR R4, FHIRPath, "Additional functions".
"""

from __future__ import annotations

from fhir_gateway.fhir.fhirpath.environment import Environment
from fhir_gateway.fhir.fhirpath.faults import failed
from fhir_gateway.fhir.fhirpath.functions import Table
from fhir_gateway.fhir.fhirpath.model import Model
from fhir_gateway.fhir.fhirpath.narrative import html_faults
from fhir_gateway.fhir.fhirpath.nodes import Items, Node, iterate_nodes, member, single
from fhir_gateway.fhir.fhirpath.texts import text

TABLE = Table()


@TABLE.add("extension", 1, result="Extension", many=True)
def _extension(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    url = text(given[0], "extension()")
    return [
        extension
        for node in iterate_nodes(items)
        for extension in member(model, node, "extension")
        if url is not None and extension.value.get("url") == url
    ]


@TABLE.add("hasExtension", 1, result="Boolean")
def _has_extension(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    return [bool(_extension(model, env, items, given))]


@TABLE.add("resolve", many=True)
def _resolve(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    found: Items = []
    for node in iterate_nodes(items):
        reference = node.value if isinstance(node.value, str) else (node.value or {}).get("reference")
        if not isinstance(reference, str):
            continue
        target = _contained(env, reference) if reference.startswith("#") else None
        if target is None and env.hooks.resolve is not None:
            target = env.hooks.resolve(reference, node)
        if target is not None:
            found.append(target)
    return found


def _contained(env: Environment, reference: str) -> Node | None:
    for holder in env.root or env.resource or env.context:
        if not isinstance(holder, Node) or not isinstance(holder.value, dict):
            continue
        if reference == "#":
            return holder
        for contained in holder.value.get("contained", ()):
            if isinstance(contained, dict) and contained.get("id") == reference[1:]:
                return Node(contained, contained.get("resourceType", "Resource"), None, holder, "contained")
    return None


@TABLE.add("memberOf", 1, result="Boolean")
def _member_of(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    one, url = single(items, "memberOf()"), text(given[0], "memberOf()")
    if one is None or url is None or env.hooks.member_of is None:
        return []
    found = env.hooks.member_of(one, url)
    return [] if found is None else [found]


def _subsumption(name: str, turned: bool) -> None:
    def act(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
        one, other = single(items, f"{name}()"), single(given[0], f"{name}()")
        if not isinstance(one, Node) or not isinstance(other, Node) or env.hooks.subsumes is None:
            return []
        found = env.hooks.subsumes(other, one) if turned else env.hooks.subsumes(one, other)
        return [] if found is None else [found]

    TABLE.add(name, 1, result="Boolean")(act)


_subsumption("subsumes", turned=False)
_subsumption("subsumedBy", turned=True)


@TABLE.add("conformsTo", 1, result="Boolean")
def _conforms_to(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    one, url = single(items, "conformsTo()"), text(given[0], "conformsTo()")
    if not isinstance(one, Node) or url is None:
        return []
    if env.hooks.conforms_to is not None:
        found = env.hooks.conforms_to(one, url)
    else:
        base = "http://hl7.org/fhir/StructureDefinition/"
        type = url.removeprefix(base)
        found = model.is_kind(one.type, type) if url.startswith(base) and model.knows(type) else None
    if found is None:
        raise failed(f"the profile {url} is not known")
    return [found]


@TABLE.add("elementDefinition")
def _element_definition(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    return []


@TABLE.add("slice", 2, many=True)
def _slice(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    return []


@TABLE.add("checkModifiers", 0, 99, result="same", many=True)
def _check_modifiers(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    known = {text([item], "checkModifiers()") for one in given for item in one}
    for node in iterate_nodes(items):
        for extension in member(model, node, "modifierExtension"):
            url = extension.value.get("url")
            if url not in known:
                raise failed(f"the modifier extension {url} is not understood")
    return items


@TABLE.add("htmlChecks", result="Boolean")
def _html_checks(model: Model, env: Environment, items: Items, given: list[Items]) -> Items:
    one = single(items, "htmlChecks()")
    if one is None:
        return []
    value = one.value if isinstance(one, Node) else one
    return [isinstance(value, str) and not html_faults(value)]

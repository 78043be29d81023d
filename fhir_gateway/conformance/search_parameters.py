"""SearchParameters compiled: for each resource type the parameters it has, R4's own and those added later.

Source: FHIR R4, SearchParameter; Search, "Composite Search Parameters"; Resource and DomainResource, "Search
Parameters".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, get_args

import msgspec

from fhir_gateway.conformance.branches import BranchCompiler, PlainBranch
from fhir_gateway.conformance.complaints import (
    ELEMENT_MISSING,
    INCOMPLETE,
    TYPE_UNKNOWN,
    UNKNOWN_BASE,
    UNKNOWN_COMPONENT,
)
from fhir_gateway.conformance.search_expression import UNSUPPORTED, UnsupportedExpression
from fhir_gateway.conformance.search_parameter import Branch, Component, SearchParameter, SearchType
from fhir_gateway.conformance.selection import selector
from fhir_gateway.fhir.outcome import Issue, Unprocessable

if TYPE_CHECKING:
    from fhir_gateway.conformance.search_evaluation import Evaluation

_EXAMPLE = "an example of how to define a search parameter, not one of R4's own"
_NO_BASE = "R4 publishes it with neither base nor expression: there is nothing it could be asked of"
_URL = "http://hl7.org/fhir/SearchParameter/"
# The parameters of R4 that are not compiled, each with its reason.
NOT_COMPILED: Mapping[str, str] = {
    _URL + "example": _EXAMPLE + "; its code _id is that of Resource-id",
    _URL + "example-reference": _EXAMPLE + "; its code subject is that of Condition-subject",
    _URL + "example-extension": _EXAMPLE + "; its base is Patient, its expression begins with DocumentReference",
    **{
        _URL + name: _NO_BASE
        for name in (
            "codesystem-extensions-CodeSystem-author",
            "codesystem-extensions-CodeSystem-effective",
            "codesystem-extensions-CodeSystem-end",
            "codesystem-extensions-CodeSystem-keyword",
            "codesystem-extensions-CodeSystem-workflow",
            "valueset-extensions-ValueSet-author",
            "valueset-extensions-ValueSet-effective",
            "valueset-extensions-ValueSet-end",
            "valueset-extensions-ValueSet-keyword",
            "valueset-extensions-ValueSet-workflow",
        )
    },
}

# R4 names the definitions of this composite's components the wrong way round: the relation is what `code` says.
_CORRECTED: Mapping[str, Mapping[str, str]] = {
    _URL + "DocumentReference-relationship": {
        "code": _URL + "DocumentReference-relation",
        "target": _URL + "DocumentReference-relatesto",
    }
}

PlainComponent = tuple[str, SearchType, tuple[PlainBranch, ...]]  # code, type, branches
# code, type, url, expression, branches, targets, components
PlainParameter = tuple[str, SearchType, str, str, tuple[PlainBranch, ...], tuple[str, ...], tuple[PlainComponent, ...]]
PlainParameters = dict[str, dict[str, PlainParameter]]  # by base (Resource and DomainResource too) and code
Known = Mapping[str, tuple[str, SearchType]]  # code and type of a search parameter by its url


class _ComponentDefinition(msgspec.Struct):
    definition: str
    expression: str


class ParameterDefinition(msgspec.Struct):
    """As much of a SearchParameter as the compiler needs."""

    url: str
    code: str
    type: SearchType
    base: tuple[str, ...] = ()
    expression: str = ""
    target: tuple[str, ...] = ()
    component: tuple[_ComponentDefinition, ...] = ()


_decode = msgspec.json.Decoder(ParameterDefinition).decode


def read(lines: Iterable[bytes]) -> list[ParameterDefinition]:
    """Return the definitions of search parameters, one from each line, R4's own error in one of them corrected."""
    definitions = [_decode(line) for line in lines]
    for definition in definitions:
        for component in definition.component if definition.url in _CORRECTED else ():
            component.definition = _CORRECTED[definition.url][component.expression]
    return definitions


def known(definitions: Iterable[ParameterDefinition]) -> dict[str, tuple[str, SearchType]]:
    """Return what the components of composites may name: code and type by url."""
    return {definition.url: (definition.code, definition.type) for definition in definitions}


def compile_all(definitions: list[ParameterDefinition], compiler: BranchCompiler) -> PlainParameters:
    """Return R4's own search parameters as plain data, all but those in NOT_COMPILED.

    Raises: Unprocessable when another one does not compile.
    """
    named = known(definitions)
    plain: PlainParameters = {}
    for definition in definitions:
        if definition.url not in NOT_COMPILED:
            for base in definition.base:
                plain.setdefault(base, {})[definition.code] = compile_for(definition, base, compiler, named)
    return plain


def compile_for(definition: ParameterDefinition, base: str, compiler: BranchCompiler, named: Known) -> PlainParameter:
    """Return a parameter compiled for one of its bases. Raises: Unprocessable with all that is wrong for this base."""
    branches: tuple[PlainBranch, ...] = ()
    components: tuple[PlainComponent, ...] = ()
    if definition.expression:
        branches = compiler.branches(definition.expression, base, definition.type)
        refusals: list[Unprocessable] = []
        components = tuple(_components(definition, base, branches, compiler, named, refusals))
        _refuse(refusals)
    code, type, url = definition.code, definition.type, definition.url
    return (code, type, url, definition.expression, branches, definition.target, components)


def _components(
    definition: ParameterDefinition,
    base: str,
    starts: Iterable[PlainBranch],
    compiler: BranchCompiler,
    named: Known,
    refusals: list[Unprocessable],
) -> Iterator[PlainComponent]:
    for component in definition.component:
        if component.definition not in named:
            issue = UNKNOWN_COMPONENT.at("SearchParameter.component.definition", url=component.definition)
            refusals.append(Unprocessable(issue))
            continue
        code, type = named[component.definition]
        try:
            found = {compiler.component(component.expression, base, start[2], type) for start in starts}
            if len(found) > 1:
                kinds = " ≠ ".join(dict.fromkeys(start[2] for start in starts))
                raise UnsupportedExpression(UNSUPPORTED, component.expression, 0, kinds)
        except UnsupportedExpression as refusal:
            refusals.append(refusal)
        else:
            yield code, type, found.pop()


def compile_custom(
    resource: Mapping[str, Any], compiler: BranchCompiler, named: Known, resources: Iterable[str], version: str
) -> dict[str, SearchParameter]:
    """Return a SearchParameter resource compiled for each resource type it applies to.

    A base Resource or DomainResource applies to all `resources` of that kind. Raises: UnsupportedExpression when one
    thing is wrong with its expression, else Unprocessable with all that is wrong.
    """
    try:
        definition = msgspec.convert(resource, ParameterDefinition)
    except msgspec.ValidationError as error:
        raise Unprocessable(INCOMPLETE.at("SearchParameter", what=error)) from error
    return compile_definition(definition, compiler, named, resources, version)


_NEEDED = ("url", "code", "type", "base", "expression")


def problems_of(resource: Mapping[str, Any]) -> list[Issue]:
    """Return what a SearchParameter resource lacks to be compiled; the structure check has passed it."""
    issues = [
        ELEMENT_MISSING.at(f"SearchParameter.{name}", element=f"SearchParameter.{name}")
        for name in _NEEDED
        if name not in resource
    ]
    types = get_args(SearchType)
    if "type" in resource and resource["type"] not in types:
        issues.append(TYPE_UNKNOWN.at("SearchParameter.type", type=resource["type"], types=", ".join(types)))
    for number, component in enumerate(resource.get("component", ())):
        issues += [
            ELEMENT_MISSING.at(f"SearchParameter.component[{number}].{name}", element=f"component.{name}")
            for name in ("definition", "expression")
            if name not in component
        ]
    return issues


def compile_definition(
    definition: ParameterDefinition,
    compiler: BranchCompiler,
    named: Known,
    resources: Iterable[str],
    version: str,
    evaluation: Callable[[], Evaluation] | None = None,
) -> dict[str, SearchParameter]:
    """Return a definition compiled for each resource type it applies to; see `compile_custom`.

    `evaluation`: gives what evaluates expressions outside the shapes of R4's own; None: they are refused.
    """
    refusals: list[Unprocessable] = []
    compiled: dict[str, SearchParameter] = {}
    for base in definition.base:
        types = [type for type in resources if base in compiler.lineage(type)]
        if not types:
            refusals.append(Unprocessable(UNKNOWN_BASE.at("SearchParameter.base", base=base, version=version)))
            continue
        try:
            plain = compile_for(definition, base, compiler, named)
        except Unprocessable as refusal:
            found = _evaluated(definition, types, compiler, named, refusal, evaluation)
            if not found:
                refusals.append(refusal)
            compiled |= found
        else:
            compiled |= {type: built(plain, type) for type in types}
    _refuse(refusals)
    return compiled


def _evaluated(
    definition: ParameterDefinition,
    types: Iterable[str],
    compiler: BranchCompiler,
    named: Known,
    refusal: Unprocessable,
    evaluation: Callable[[], Evaluation] | None,
) -> dict[str, SearchParameter]:
    """Return a definition that no plan can be made of, to be evaluated by the engine; nothing where it cannot be."""
    if evaluation is None or any(issue.complaint is not UNSUPPORTED for issue in refusal.issues):
        return {}
    code, kind, url = definition.code, definition.type, definition.url
    text, targets, engine = definition.expression, definition.target, evaluation()
    found: dict[str, SearchParameter] = {}
    for type in types:
        branches = engine.starts(text, type) if definition.component else engine.branches(text, type, kind)
        components = tuple(_parts(definition, type, branches, compiler, named, engine))
        if not branches or len(components) != len(definition.component):
            return {}  # what the plans were refused for says more of it
        found[type] = SearchParameter(code, kind, url, type, text, branches, targets, components)
    return found


def _parts(
    definition: ParameterDefinition,
    type: str,
    starts: tuple[Branch, ...],
    compiler: BranchCompiler,
    named: Known,
    engine: Evaluation,
) -> Iterator[Component]:
    for component in definition.component if len(starts) == 1 else ():
        code, kind = named[component.definition]
        try:
            plain = compiler.component(component.expression, type, starts[0].type, kind)
        except UnsupportedExpression:
            branches = engine.branches(component.expression, starts[0].type, kind)
        else:
            branches = tuple(_branch(each) for each in plain)
        if branches:
            yield Component(code, kind, branches)


def _refuse(refusals: list[Unprocessable]) -> None:
    """Raise what was refused, if anything: a single refusal as it is, several as one with each issue once."""
    issues = [issue for refusal in refusals for issue in refusal.issues]
    distinct = [issue for at, issue in enumerate(issues) if issue not in issues[:at]]
    if len(distinct) == 1:
        raise refusals[0]
    if distinct:
        raise Unprocessable(*distinct)


def built(plain: PlainParameter, base: str) -> SearchParameter:
    """Return the parameter as index and query use it."""
    code, type, url, expression, branches, targets, components = plain
    return SearchParameter(
        code,
        type,
        url,
        base,
        expression,
        tuple(_branch(branch) for branch in branches),
        targets,
        tuple(Component(name, kind, tuple(_branch(branch) for branch in below)) for name, kind, below in components),
    )


# Equal steps share one function; R4's own make some 1,700.
_selector = lru_cache(maxsize=8192)(selector)


def _branch(plain: PlainBranch) -> Branch:
    first, steps, type, target, system = plain
    return Branch(first, _selector(first, steps), type, target, system)


class ByType(dict[str, Mapping[str, SearchParameter]]):
    """The parameters of each resource type by code, built when first asked for."""

    def __init__(self, plain: PlainParameters, lineage: Callable[[str], Iterable[str]], types: Iterable[str]) -> None:
        super().__init__()
        self._plain = plain
        self._lineage = lineage
        self._types = frozenset(types)

    def __missing__(self, type: str) -> Mapping[str, SearchParameter]:
        if type not in self._types:
            raise KeyError(type)
        found: dict[str, SearchParameter] = {}
        for base in reversed(list(self._lineage(type))):  # what is defined for the type itself comes last and wins
            found |= {code: built(plain, type) for code, plain in self._plain.get(base, {}).items()}
        return self.setdefault(type, found)

"""FHIRPath: expressions compiled once, evaluated on plain resources.

Source: FHIRPath 2.0 (N1); FHIR R4, FHIRPath.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fhir_gateway.fhir.fhirpath.compiler import Closure, Compiler
from fhir_gateway.fhir.fhirpath.environment import Environment, Hooks, variables_of
from fhir_gateway.fhir.fhirpath.model import Model
from fhir_gateway.fhir.fhirpath.nodes import Items, Node, root_node
from fhir_gateway.fhir.fhirpath.parser import parse
from fhir_gateway.fhir.fhirpath.typing import ANYTHING, Static

NO_HOOKS = Hooks()


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression; any number of threads may evaluate it at once.

    `types`: the types its result may have, None where they are not known before it runs.
    """

    text: str
    closure: Closure
    types: frozenset[str] | None

    def items(
        self,
        input: Node | dict[str, Any],
        variables: Mapping[str, Any] | None = None,
        hooks: Hooks = NO_HOOKS,
        resource: Node | None = None,
        root: Node | None = None,
    ) -> Items:
        """Return the items of the result: `Node`s, or values of FHIRPath's own types.

        Raises: FhirPathError (execution).
        """
        node = input if isinstance(input, Node) else root_node(input)
        items: Items = [node]
        holder = [resource] if resource is not None else items
        env = Environment(items, holder, [root] if root is not None else holder, variables_of(variables), hooks)
        return self.closure(env, items)


class Engine:
    """Compiles expressions for one FHIR version and keeps them."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.compile = lru_cache(8192)(self._compile)

    def _compile(self, text: str, type: str | None = None, strict: bool = False) -> Expression:
        """Return a compiled expression for inputs of a type (None: any).

        Raises: FhirPathError (syntax, semantic) with the place.
        """
        compiler = Compiler(self.model, text, strict)
        this = ANYTHING.one() if type is None else Static(frozenset({type}), False)
        closure, static = compiler.scoped(parse(text), this)
        return Expression(text, closure, static.types)

"""What a profile says beyond the definition of its type, which every resource is held to first.

A snapshot repeats all that its base says; walking there again would find the same once more.

Source: FHIR R4, Profiling, "derivation" (constraint); StructureDefinition.snapshot.
"""

from __future__ import annotations

from collections.abc import Iterable

from fhir_gateway.conformance.validation import narrative
from fhir_gateway.conformance.validation.schema import Constraint, Rule, Schema, Schemas


def base_rule(schemas: Schemas, rule: Rule, schema: Schema) -> Rule | None:
    """Return what the definition of the type says of the element that a rule of a profile is about; None: nothing."""
    holder = schemas.of_type(schema.type)
    if holder is None:
        return None
    current = holder.root
    for name in rule.path.split(".")[1:]:
        child = current.children.get(name)
        if child is None and current.content is not None:
            target, holder = schemas.content(current, holder)
            child = None if target is None else target.children.get(name)
        if child is None and len(current.types) == 1:
            holder = schemas.of_type(current.types[0].code)
            child = None if holder is None else holder.root.children.get(name)
        if child is None or holder is None:
            return None
        current = child
    return current


def is_constraint(schema: Schema) -> bool:
    """Tell whether a profile constrains a type, rather than define one."""
    return schema.derivation == "constraint"


def says_nothing(schemas: Schemas, rule: Rule, schema: Schema) -> bool:
    """Tell whether a rule of a profile demands of its element nothing but what the type does, and nothing below it.

    How often the element is there is not looked at here.
    """
    if not is_constraint(schema) or rule.children or rule.slices or rule.slice_name is not None:
        return False
    base = base_rule(schemas, rule, schema)
    return (
        base is not None
        and rule.fixed is None
        and rule.pattern is None
        and len(rule.limits) == len(base.limits) == 0
        and rule.binding == base.binding
        and set(rule.types) <= set(base.types)
        and len(rule.types) == len(base.types)
        and not new_constraints(schemas, rule, schema)
        and not narrative.is_controlled(rule.raw)
    )


def new_constraints(schemas: Schemas, rule: Rule, schema: Schema) -> list[Constraint]:
    """Return the invariants of a rule that neither the type's rule for the element nor the element's own type has."""
    if not is_constraint(schema):
        return list(rule.constraints)
    base = base_rule(schemas, rule, schema)
    known = _named(base.constraints) if base is not None else set()
    for type in rule.types:
        own = schemas.of_type(type.code)
        if own is not None:
            known |= _named(own.root.constraints)
    if len(rule.types) == 1 and len(rule.types[0].profiles) == 1:
        # A snapshot repeats those of the type's profile as well, which is asked for itself.
        profile = schemas.of(rule.types[0].profiles[0])
        if profile is not None:
            known |= _named(profile.root.constraints)
    return [each for each in rule.constraints if (each.key, each.expression) not in known]


def _named(constraints: Iterable[Constraint]) -> set[tuple[str, str]]:
    return {(each.key, each.expression) for each in constraints}

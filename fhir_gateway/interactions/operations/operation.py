"""What an operation is: where it may be asked for, with what, and what carries it out.

Source: FHIR R4, Operations; OperationDefinition.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.fhir.outcome import Issue
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Actor, Answer, Interaction
from fhir_gateway.store.contract import Read

Level = Literal["system", "type", "instance", "version"]

HL7 = "http://hl7.org/fhir/OperationDefinition/"
OWN = f"{CANONICAL_BASE}/OperationDefinition/"


@dataclass(frozen=True, slots=True)
class Input:
    """One parameter of an operation. `type`: a FHIR type ("uri", "Meta", "ValueSet"; "Resource" for any of them).

    `many`: it may be given several times. `resource`: a resource is meant, given as `parameter.resource` or, where it
    is the only such input, as the body itself. Inputs of complex types and resources cannot be given in a URL.
    """

    name: str
    type: str
    required: bool = False
    many: bool = False
    resource: bool = False

    def takes(self, resource: Mapping[str, Any]) -> bool:
        """Tell whether a resource is one that is meant."""
        return self.resource and self.type in ("Resource", resource["resourceType"])


@dataclass(frozen=True, slots=True)
class Inputs:
    """What was given, checked: values by name. Primitive ones are text, but for integers and booleans.

    `issues`: what is wrong with the structure of the resource given, to an operation that takes it nevertheless.
    """

    values: Mapping[str, list[Any]] = field(default_factory=dict)
    issues: tuple[Issue, ...] = ()

    def one(self, name: str) -> Any:
        """Return the value of an input that is given once at most; None when it was not given."""
        given = self.values.get(name)
        return given[0] if given else None

    def all(self, name: str) -> list[Any]:
        """Return the values of an input, in the order given."""
        return self.values.get(name, [])


@dataclass(frozen=True, slots=True)
class Call:
    """An operation as it was asked for, its inputs read."""

    interaction: Interaction
    actor: Actor
    inputs: Inputs


Reading = Callable[[Gateway, Read, Call], Answer]
Acting = Callable[[Gateway, Call], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """An operation. Exactly one of `read` and `act` carries it out.

    `read` is given a view of the store, and so may be asked for inside a transaction as well; `act` opens its own.
    `types`: the resource types it is for, empty for all. `affects_state`: it must be asked for with POST. `open`:
    parameters that are not among `inputs` are its own affair (`call.interaction.parameters`). `feed`: somebody may
    follow by it what changes (see `Store.read`). `unsound`: it takes resources whose structure is wrong as well
    (`call.interaction.issues`). `files`: it can be asked for as files (`call.interaction.container`).
    `takes_file`: its Binary may come as the file itself.

    `letters`: the SMART scopes it needs (r and s to read, u to change), none where it looks at nothing but what it is
    given. `is_of_everything`: it does not keep to what an actor sees, so it is for who sees everything. `ready`: brings
    up to date what it reads, before a view is opened for it.
    """

    name: str
    definition: str  # its canonical url
    levels: tuple[Level, ...]
    definitions: Mapping[str, str] = field(default_factory=dict)  # by type, where it is defined for each by itself
    inputs: tuple[Input, ...] = ()
    types: tuple[str, ...] = ()
    affects_state: bool = False
    open: bool = False
    feed: bool = False
    unsound: bool = False
    files: bool = False
    takes_file: bool = False
    letters: str = "rs"
    is_of_everything: bool = False
    ready: Callable[[Gateway], None] | None = None
    read: Reading | None = None
    act: Acting | None = None

    def is_at(self, level: Level, type: str | None) -> bool:
        """Tell whether it can be asked for there."""
        return level in self.levels and (type is None or not self.types or type in self.types)


def level_of(interaction: Interaction) -> Level:
    """Return where an operation was asked for."""
    if interaction.type is None:
        return "system"
    if interaction.id is None:
        return "type"
    return "instance" if interaction.version is None else "version"

"""Whether a StructureDefinition is built as FHIR says, as far as the making of snapshots relies on it.

Source: FHIR R4, StructureDefinition; ElementDefinition; JSON representation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

Count = Annotated[int, Meta(ge=0)]
Maximum = Annotated[str, Meta(pattern=r"^(\*|[0-9]{1,9})$")]


class _Extension(msgspec.Struct):
    url: str = ""


class _Type(msgspec.Struct):
    code: str = ""
    profile: list[str] = []
    targetProfile: list[str] = []
    aggregation: list[str] = []
    extension: list[_Extension] = []


class _Discriminator(msgspec.Struct):
    type: str = ""
    path: str = ""


class _Slicing(msgspec.Struct):
    discriminator: list[_Discriminator] = []
    ordered: bool = False
    rules: str = ""


class _Binding(msgspec.Struct):
    strength: str = ""
    valueSet: str = ""
    extension: list[_Extension] = []


class _Constraint(msgspec.Struct):
    key: str = ""


class _Base(msgspec.Struct):
    path: str = ""
    min: Count = 0
    max: Maximum = "*"


class _Step(msgspec.Struct):
    """An element of a differential."""

    path: str = ""
    id: str = ""
    sliceName: str = ""
    slicing: _Slicing | None = None
    min: Count = 0
    max: Maximum = "*"
    base: _Base | None = None
    contentReference: str = ""
    type: list[_Type] = []
    alias: list[Any] = []
    mapping: list[Any] = []
    example: list[Any] = []
    condition: list[Any] = []
    code: list[Any] = []
    constraint: list[_Constraint] = []
    binding: _Binding | None = None
    extension: list[_Extension] = []
    mustSupport: bool = False
    isSummary: bool = False


class _Differential(msgspec.Struct):
    element: list[_Step] = []


class _Element(_Step, kw_only=True):
    """An element of a snapshot, which always says where it is."""

    path: str


class _Snapshot(msgspec.Struct):
    element: Annotated[list[_Element], Meta(min_length=1)]


class _Structure(msgspec.Struct):
    type: str
    url: str = ""
    baseDefinition: str = ""
    derivation: str = ""
    differential: _Differential = msgspec.field(default_factory=_Differential)
    snapshot: _Snapshot | None = None


def fault(structure: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return where a StructureDefinition is not built as it should be (a path as in JSON) and why; None: nowhere."""
    try:
        msgspec.convert(structure, _Structure)
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at `")
        return "StructureDefinition" + place.rstrip("`").removeprefix("$"), reason
    return None

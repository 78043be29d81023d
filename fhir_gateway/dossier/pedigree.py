"""The pedigree of a dossier: edges from a person to a relative, and what is wrong with them.

A FamilyMemberHistory is the edge: its `patient` has a relative, whose `relationship` it tells (FTH: the relative is the
father), and whose Patient the extension patient-record names.

Source: GA4GH Pedigree FHIR IG; HL7 v3-RoleCode, "FamilyMember"; rules of clinical-genomics "raredisease" by name
(validate_fathers_are_male, validate_pedigree, validate_subject_sex_consistency).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.dossier import Dossier, Held, Person
from fhir_gateway.dossier.finding import Finding, person_values
from fhir_gateway.fhir.primitives import interval_of

Sex = Literal["male", "female"]

MALE: Final = frozenset(
    {
        "FTH", "NFTH", "NFTHF", "ADOPTF", "FTHFOST", "STPFTH", "SON", "SONC", "SONADOPT", "SONFOST", "STPSON",
        "BRO", "NBRO", "HBRO", "TWINBRO", "ITWINBRO", "FTWINBRO", "STPBRO", "GRFTH", "MGRFTH", "PGRFTH", "GRNDSON",
        "GGRFTH", "MGGRFTH", "PGGRFTH", "UNCLE", "MUNCLE", "PUNCLE", "NEPHEW", "FTHINLAW", "SONINLAW", "BROINLAW",
        "HUSB",
    }
)  # fmt: skip
FEMALE: Final = frozenset(
    {
        "MTH", "NMTH", "NMTHF", "GESTM", "ADOPTM", "MTHFOST", "STPMTH", "DAU", "DAUC", "DAUADOPT", "DAUFOST",
        "STPDAU", "SIS", "NSIS", "HSIS", "TWINSIS", "ITWINSIS", "FTWINSIS", "STPSIS", "GRMTH", "MGRMTH", "PGRMTH",
        "GRNDDAU", "GGRMTH", "MGGRMTH", "PGGRMTH", "AUNT", "MAUNT", "PAUNT", "NIECE", "MTHINLAW", "DAUINLAW",
        "SISINLAW", "WIFE",
    }
)  # fmt: skip
FATHERS: Final = frozenset({"FTH", "NFTH", "NFTHF"})
MOTHERS: Final = frozenset({"MTH", "NMTH", "NMTHF"})
PARENTS: Final = FATHERS | MOTHERS | {"PRN", "NPRN"}
CHILDREN: Final = frozenset({"CHILD", "NCHILD", "SON", "DAU", "SONC", "DAUC"})


@dataclass(frozen=True, slots=True)
class Edge:
    """`source` has a relative `target` (None: no Patient is named), who is its `role` (a code of v3-RoleCode)."""

    held: Held
    source: str
    target: str | None
    role: str | None

    @property
    def sex(self) -> Sex | None:
        if self.role in MALE:
            return "male"
        return "female" if self.role in FEMALE else None


def edges(dossier: Dossier) -> tuple[Edge, ...]:
    """Return the edges that start from a person of the dossier."""
    return tuple(
        Edge(
            held,
            dossier.key(held.resource.get("patient")),
            _target(dossier, held),
            codes.code(held.resource.get("relationship"), codes.ROLE_CODE),
        )
        for held in dossier.edges()
    )


def _target(dossier: Dossier, held: Held) -> str | None:
    record = codes.extension(held.resource, codes.PATIENT_RECORD)
    return dossier.key(record.get("valueReference")) or None if record is not None else None


# --- what is wrong


def unconnected(dossier: Dossier, at: str) -> Iterator[Finding]:
    """Yield relatives who no edges, followed in either direction, connect to the proband."""
    proband = dossier.proband
    if proband is None:
        return
    reached, last = {proband.key}, set[str]()
    links = [(each.source, each.target) for each in edges(dossier) if each.target is not None]
    while reached != last:
        last = set(reached)
        reached |= {target for source, target in links if source in last}
        reached |= {source for source, target in links if target in last}
    for person in dossier.relatives:
        if person.key not in reached:
            yield Finding(person.request.at("subject"), person_values(person))


def wrong_sex(dossier: Dossier, at: str) -> Iterator[Finding]:
    """Yield edges whose role has another sex than the Patient named."""
    for edge in edges(dossier):
        person = dossier.person(edge.target or "")
        gender = _gender(person)
        if person is not None and edge.sex is not None and gender in ("male", "female") and gender != edge.sex:
            values = {**person_values(person), "role": str(edge.role), "sex": gender}
            yield Finding(edge.held.at("relationship"), values)


def contradicting_sex(dossier: Dossier, at: str) -> Iterator[Finding]:
    """Yield edges whose own `sex` is another than the Patient's."""
    for edge in edges(dossier):
        person = dossier.person(edge.target or "")
        said = next(iter(each.get("code") for each in edge.held.resource.get("sex", {}).get("coding", ())), None)
        gender = _gender(person)
        if person is not None and said in ("male", "female") and gender in ("male", "female") and said != gender:
            yield Finding(edge.held.at("sex"), {**person_values(person), "said": said, "sex": gender})


def several_parents(dossier: Dossier, at: str) -> Iterator[Finding]:
    """Yield edges that give a person a second father, or a second mother, by blood."""
    first: dict[tuple[str, str], str | None] = {}
    for edge in edges(dossier):
        kind = "FTH" if edge.role in FATHERS else "MTH" if edge.role in MOTHERS else None
        if kind is None or edge.target is None:
            continue
        known = first.setdefault((edge.source, kind), edge.target)
        if known != edge.target:
            yield Finding(edge.held.at("relationship"), {"role": str(edge.role)})


def circles(dossier: Dossier, at: str) -> Iterator[Finding]:
    """Yield edges by which somebody is a relative of himself, or his own ancestor."""
    links = list(edges(dossier))
    up: dict[str, set[str]] = {}
    for edge in links:
        if edge.target is not None and edge.role in PARENTS:
            up.setdefault(edge.source, set()).add(edge.target)
        elif edge.target is not None and edge.role in CHILDREN:
            up.setdefault(edge.target, set()).add(edge.source)
    for edge in links:
        own = edge.target is not None and edge.target == edge.source
        child = edge.target if edge.role in CHILDREN else edge.source
        if own or (edge.role in PARENTS | CHILDREN and child is not None and child in _ancestors(up, child)):
            yield Finding(edge.held.at("relationship"))


def _ancestors(up: dict[str, set[str]], child: str) -> set[str]:
    found: set[str] = set()
    front = {child}
    while front:
        front = {parent for each in front for parent in up.get(each, ())} - found
        found |= front
    return found


def younger_parents(dossier: Dossier, at: str) -> Iterator[Finding]:
    """Yield edges to a parent who was born after the child."""
    for edge in edges(dossier):
        if edge.role not in PARENTS:
            continue
        child, parent = _born(dossier.person(edge.source)), _born(dossier.person(edge.target or ""))
        if child is not None and parent is not None and parent[0] >= child[1]:
            yield Finding(edge.held.at("relationship"), {"role": str(edge.role)})


def trio_without_parents(dossier: Dossier, at: str) -> Iterator[Finding]:
    """Yield a trio of a rare disease whose two relatives are not the parents of the proband."""
    proband = dossier.proband
    if proband is None or dossier.examen != "wgs-trio" or dossier.parcours != "MR":
        return
    roles = {edge.role for edge in edges(dossier) if edge.source == proband.key and edge.target is not None}
    if not (roles & FATHERS and roles & MOTHERS):
        yield Finding(proband.request.at("code"))


def _gender(person: Person | None) -> str | None:
    return person.patient.resource.get("gender") if person is not None and person.patient is not None else None


def _born(person: Person | None) -> tuple[int, int] | None:
    birth = person.patient.resource.get("birthDate") if person is not None and person.patient is not None else None
    if not isinstance(birth, str):
        return None
    interval = interval_of(birth)
    return interval.low, interval.high

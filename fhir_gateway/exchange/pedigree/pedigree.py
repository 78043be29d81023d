"""A pedigree: people, each with a father and a mother at most, a sex, and whether affected; and what is wrong with it.

Source: PLINK 1.9, "PED/FAM"; GA4GH Phenopacket Schema 2.0, "Pedigree".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from fhir_gateway.exchange.pedigree import complaints
from fhir_gateway.fhir.outcome import Issue

# "other": not male, not female, and said so; None: nothing is said.
Sex = Literal["male", "female", "other"]
FRENCH: Final = {"father": "père", "mother": "mère"}
OPPOSITE: Final = {"father": "female", "mother": "male"}


@dataclass(frozen=True, slots=True)
class Individual:
    """One person. `father`, `mother`: the id of another; None: unknown. `is_affected`: None: unknown.

    `place`: where it stands, a line ("line 3") or a JSON pointer.
    """

    id: str
    father: str | None = None
    mother: str | None = None
    sex: Sex | None = None
    is_affected: bool | None = None
    place: str = ""

    @property
    def parents(self) -> tuple[tuple[str, str], ...]:
        """The known parents as (father or mother, id)."""
        return tuple((role, id) for role, id in (("father", self.father), ("mother", self.mother)) if id is not None)


@dataclass(frozen=True, slots=True)
class Pedigree:
    family: str
    people: tuple[Individual, ...]


def check(people: Iterable[Individual]) -> list[Issue]:
    """Return all that is wrong with a pedigree: nobody in it, people twice, own parents, cycles, wrong sexes."""
    listed = tuple(people)
    if not listed:
        return [complaints.EMPTY.at()]
    counts = Counter(person.id for person in listed)
    twice = [
        complaints.TWICE.at(next(each.place for each in listed if each.id == id), individual=id, count=count)
        for id, count in counts.items()
        if count > 1
    ]
    known = {person.id: person for person in listed}
    return [*twice, *(issue for person in listed for issue in _of_parents(person, known)), *_cycles(known)]


def _of_parents(person: Individual, known: dict[str, Individual]) -> Iterator[Issue]:
    if person.father is not None and person.father == person.mother:
        yield complaints.ONE_PARENT_TWICE.at(person.place, individual=person.id, parent=person.father)
    for role, id in person.parents:
        parent = known.get(id)
        values = {"individual": person.id, "parent": id, "role": role}
        if id == person.id:
            yield complaints.OWN_PARENT.at(person.place, individual=id, parent=role)
        elif parent is None:
            yield complaints.PARENT_WITHOUT_LINE.at(person.place, **values)
        elif parent.sex == OPPOSITE[role]:
            yield complaints.PARENT_OF_OTHER_SEX.at(person.place, **values, sex=parent.sex)


def _cycles(known: dict[str, Individual]) -> Iterator[Issue]:
    """Yield an issue for each circle of descent, once, at the person of it that stands first."""
    told: set[str] = set()
    for person in known.values():
        way = _way_back(person.id, known)
        if way is not None and len(way) > 1 and told.isdisjoint(way):
            told.update(way)
            yield complaints.CYCLE.at(person.place, individual=person.id, way=" < ".join((*way, person.id)))


def _way_back(start: str, known: dict[str, Individual]) -> tuple[str, ...] | None:
    """Return the way from a person up to itself by its parents, without the end; None: it is no ancestor of itself."""
    front: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    while front:
        way = front.pop()
        person = known.get(way[-1])
        for _, id in person.parents if person is not None else ():
            if id == start:
                return way
            if id not in seen:
                seen.add(id)
                front.append((*way, id))
    return None

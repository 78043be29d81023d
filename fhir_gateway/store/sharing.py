"""Giving access: the rows of i_access beside a resource's own, and what is shared about patients.

A party sees a current resource because the resource names it (store/index/access.py), because its actor created it, or
because the owner shares with it what is about a patient. A resource that addresses X, is owned by O and is about
patient p shares with X what O owns about p, and, where O owns p itself, with O what X owns about p: rows of `share`,
with `source` the rid of that resource. What is about a patient: the patient, what is in the patient's compartment, and
Tasks for the patient.

`grant` finds the rows of what a transaction writes before they are laid down; `settle` gives access to, or takes it
from, what was there before, where the transaction changes what is shared, the organisation of a PractitionerRole or the
identifiers of an Organization. All is set-based, and the rows are always those that follow from the resources alone.

On PostgreSQL who writes something about a patient shares a lock named by the patient, and who changes what is shared
about the patient has it alone: else of two that write at once neither would see what the other one does. The same
holds for a PractitionerRole and an Organization that are referred to here and changed there.

Source: FHIR R4, CompartmentDefinition "patient"; ServiceRequest.performer; Task.owner.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.store.contract import EVERYONE, Draft, Narrowing, Read, Row
from fhir_gateway.store.index.access import (
    ADDRESSED,
    ADDRESSING,
    IDENTITY,
    NAMED,
    OWNER,
    RESOLVED,
    ROLE,
    ROLE_ADDRESSED,
    SHARED,
)
from fhir_gateway.store.index.hashing import h64, rk_of
from fhir_gateway.store.layout import ACCESS
from fhir_gateway.store.resource_types import ResourceTypes
from fhir_gateway.store.view import View

Parameter = tuple[str, str]  # resource type and code
Share = tuple[int, int, int, int]  # patient, owner, party, source

# "The Task.for element": R4 leaves Task out of the compartment, though it is about a patient as a request is.
_OF_TASK: tuple[Parameter, ...] = (("Task", "patient"), ("Task", "subject"))
_BY_ROLE = ROLE | ROLE_ADDRESSED
_SHARE = ("patient", "owner", "party", "source")
_ALL_RIDS = 2**63 - 1  # above every rid
_ORDER_TEXT = 64  # characters that i_ref keeps of a reference


class PatientParameters:
    """The numbers of the search parameters by which resources are about a patient.

    `compartment`: resource type → codes; None: as R4's CompartmentDefinition "patient" says. Of one database.
    """

    def __init__(self, compartment: Mapping[str, Sequence[str]] | None = None) -> None:
        self._compartment = compartment
        self._pids: frozenset[int] = frozenset()

    def pids(self, view: Read) -> frozenset[int]:
        """Return them; none as long as the database has not numbered any."""
        if not self._pids:
            codes = definitions().compartments["Patient"] if self._compartment is None else self._compartment
            wanted = {(type, code) for type in codes for code in codes[type]} | set(_OF_TASK)
            numbered = view.rows("SELECT type, code, pid FROM search_parameter")
            # Numbers are given to all at once, at the start, and never change.
            self._pids = frozenset(pid for type, code, pid in numbered if (type, code) in wanted)
        return self._pids


class Granted(NamedTuple):
    """A resource whose index rows are written: its draft, and the party that owns it.

    `made`: it gets its rid here, a greater one than all that are there. `new`: its id was made by the server just now
    too, so that nothing refers to it but what comes with it.
    """

    draft: Draft
    rid: int
    owner: int
    made: bool = False
    new: bool = False

    @property
    def own(self) -> Sequence[Row]:
        """The rows (party, why) that follow from the resource alone."""
        return self.draft.index.get("i_access", ())


class Gone(NamedTuple):
    """A resource whose index rows go and do not come back."""

    type: str
    id: str
    rid: int
    owner: int
    purged: bool = False


class _Source(NamedTuple):
    """What addresses organisations, in the name of its owner, about patients."""

    rid: int
    owner: int
    patients: frozenset[int]
    addressed: frozenset[int]


@dataclass(slots=True)
class Changes:
    """What a transaction changes about access to what was there before it.

    `sources`: rids of what is written and addresses somebody; `wanted`: what is to be shared because of them.
    `shares`: what is shared because of those that change or go. `roles`, `organisations`: keys of PractitionerRoles,
    and of Organizations whose identifiers change; `patients`: keys of those that get or lose an owner. `new`: patients
    that nothing was about before; `below`: all rids from this one on have their rows already.
    """

    sources: set[int] = field(default_factory=set)
    wanted: set[Share] = field(default_factory=set)
    shares: set[Share] = field(default_factory=set)
    roles: list[int] = field(default_factory=list)
    organisations: list[int] = field(default_factory=list)
    patients: list[int] = field(default_factory=list)
    new: frozenset[int] = frozenset()
    below: int = _ALL_RIDS

    def __bool__(self) -> bool:
        return bool(self.wanted or self.shares or self.roles or self.organisations or self.patients)


class Sharing(View):
    """The part of a write transaction that gives access. `owner`: the party that owns what is created."""

    def __init__(
        self, types: ResourceTypes, patient_parameters: PatientParameters, narrowing: Narrowing | None = None
    ) -> None:
        super().__init__(types, narrowing)
        self._patient_parameters = patient_parameters

    @abstractmethod
    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Insert rows of these columns."""

    @abstractmethod
    def remove(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Delete the rows that have these values in these columns."""

    @abstractmethod
    def guard(
        self, shared: Collection[int], alone: Collection[int], rids: Sequence[int], sources: Sequence[int]
    ) -> None:
        """Wait until nobody else is at work on what hangs on these keys, of patients, PractitionerRoles, Organizations.

        `shared`: others may stand beside; `alone`: nobody. And beside others on the patients that the stored rows of
        `rids` are about; alone on those of `sources`, and about whom they share something.
        """

    # --- before the rows are laid down

    def grant(self, granted: Sequence[Granted], gone: Sequence[Gone]) -> tuple[list[Row], Changes]:
        """Return the rows of i_access (party, rtype, why, rid) of what is written, and what else that changes."""
        number = self.types.number
        roles = {party for each in granted for party, why in each.own if why & _BY_ROLE}
        if not roles and not _concerned(granted, gone):
            rows = [(party, number(each.draft.type), why, each.rid) for each in granted for party, why in each.own]
            return rows, Changes()
        patients = self._patients(granted)
        new = frozenset(rk_of(*each.draft.key) for each in granted if each.new and each.draft.type in _REFERRED)
        self._guard_all(granted, gone, roles, patients, new)
        changes = self._changes(granted, gone)
        changes.new = new
        changes.below = min((each.rid for each in granted if each.made), default=changes.below)
        organisations = self._organisations_of(roles, granted, gone)
        sources = self._sources(granted, patients, organisations)
        changes.sources.update(source.rid for source in sources)
        changes.wanted = self._wanted(sources, granted, gone)
        shared = self._shared({patient for about in patients.values() for patient in about} - new)
        for patient, owner, party, _ in changes.wanted:
            shared[patient, owner].add(party)
        rows = []
        for each in granted:
            why: dict[int, int] = dict(each.own)
            if roles:
                for party in [party for party, reasons in why.items() if reasons & _BY_ROLE]:
                    for organisation in organisations.get(party, ()):
                        why[organisation] = why.get(organisation, 0) | RESOLVED
            if each.owner:
                why[each.owner] = why.get(each.owner, 0) | OWNER
                for patient in patients[each.rid]:
                    for party in shared.get((patient, each.owner), ()):
                        why[party] = why.get(party, 0) | SHARED
            rtype = number(each.draft.type)
            rows += [(party, rtype, reasons, each.rid) for party, reasons in why.items()]
        return rows, changes

    def _patients(self, granted: Sequence[Granted]) -> dict[int, frozenset[int]]:
        """Return by rid the keys of the patients that owned resources are about."""
        if not any(each.owner for each in granted):
            return {}
        pids = self._patient_parameters.pids(self)
        found = {}
        for each in granted:
            if each.owner:
                about = patients_in(each.draft.index.get("i_ref", ()), pids)
                found[each.rid] = about if each.draft.type != "Patient" else about | {rk_of(*each.draft.key)}
        return found

    def _guard_all(
        self,
        granted: Sequence[Granted],
        gone: Sequence[Gone],
        roles: set[int],
        patients: Mapping[int, frozenset[int]],
        new: frozenset[int],
    ) -> None:
        shared = set(roles).union(*patients.values())
        alone: set[int] = set()
        for each in granted:
            type = each.draft.type
            if each.owner and type in ADDRESSING:
                alone |= patients[each.rid]
                shared.update(party for party, why in each.own if why & ADDRESSED)
            elif type in _ORGANISED:
                alone.add(rk_of(*each.draft.key))
                shared.update(party for party, _ in each.own)
        alone.update(rk_of(each.type, each.id) for each in gone if each.type in _ORGANISED or each.purged)
        before = [(each.draft.type, each.rid) for each in granted if each.owner and not each.made]
        before += [(each.type, each.rid) for each in gone if each.owner]
        sources = [rid for type, rid in before if type in ADDRESSING]
        # Nobody else can refer to what is new.
        self.guard(shared - new - alone, alone - new, [rid for _, rid in before], sources)

    def _changes(self, granted: Sequence[Granted], gone: Sequence[Gone]) -> Changes:
        """Return what was shared by sources that change, and the PractitionerRoles and Organizations that do."""
        changes = Changes()
        owned = [each for each in granted if each.owner and each.made and not each.new]
        changes.patients += [rk_of(*each.draft.key) for each in owned if each.draft.type == "Patient"]
        changes.patients += [rk_of(each.type, each.id) for each in gone if each.purged and each.type == "Patient"]
        written = [(*each.draft.key, each.rid, each.owner) for each in granted if not each.new]
        written += [(each.type, each.id, each.rid, each.owner) for each in gone]
        if rids := [rid for type, _, rid, owner in written if owner and type in ADDRESSING]:
            changes.shares |= self._shares_of(rids)
        changes.roles += [rk_of(type, id) for type, id, _, _ in written if type == "PractitionerRole"]
        if keys := [rk_of(type, id) for type, id, _, _ in written if type == "Organization"]:
            before, after = self._identities_by(keys), _identities_of(granted, gone)
            changes.organisations += [rk for rk in keys if before.get(rk, _NOBODY) != after[rk]]
        return changes

    def _sources(
        self,
        granted: Sequence[Granted],
        patients: Mapping[int, frozenset[int]],
        organisations: Mapping[int, frozenset[int]],
    ) -> list[_Source]:
        """Return what is written, owned, about a patient and addressed to somebody."""
        found = []
        for each in granted:
            if each.owner and each.draft.type in ADDRESSING and patients[each.rid]:
                addressed = _addressed(each.own, organisations)
                if addressed:
                    found.append(_Source(each.rid, each.owner, patients[each.rid], addressed))
        if by_role := [party for each in granted if each.owner for party, why in each.own if why & ROLE_ADDRESSED]:
            self.guard({each for role in by_role for each in organisations.get(role, ())}, (), (), ())
        return found

    def _organisations_of(
        self, roles: set[int], granted: Sequence[Granted] = (), gone: Sequence[Gone] = ()
    ) -> dict[int, frozenset[int]]:
        """Return the organisations of PractitionerRoles, by key: as they are written here, and those of the others."""
        if not roles:
            return {}
        found = {
            rk_of(*each.draft.key): frozenset(party for party, why in each.own if why & NAMED and party != EVERYONE)
            for each in granted
            if each.draft.type == "PractitionerRole"
        }
        found |= {rk_of(each.type, each.id): _NOBODY for each in gone if each.type == "PractitionerRole"}
        if elsewhere := roles - found.keys():
            clause, value = self.among("p.rk", sorted(elsewhere))
            rows = self.rows(
                "SELECT p.rk, a.party FROM resource p JOIN i_access a ON a.rid = p.rid"
                f" WHERE {clause} AND p.rtype = ? AND (a.why & {NAMED}) <> 0 AND a.party <> {EVERYONE}",
                (value, self.types.number("PractitionerRole")),
            )
            found |= _by_first(rows)
        return found

    def _shared(self, patients: set[int]) -> dict[tuple[int, int], set[int]]:
        """Return with whom is shared what is about patients, by patient and owner."""
        shared: dict[tuple[int, int], set[int]] = defaultdict(set)
        if patients:
            clause, value = self.among("patient", sorted(patients))
            for patient, owner, party in self.rows(
                f"SELECT DISTINCT patient, owner, party FROM share WHERE {clause}", (value,)
            ):
                shared[patient, owner].add(party)
        return shared

    def _shares_of(self, sources: Sequence[int]) -> set[Share]:
        clause, value = self.among("source", sources)
        return {
            (patient, owner, party, source)
            for patient, owner, party, source in self.rows(
                f"SELECT patient, owner, party, source FROM share WHERE {clause}", (value,)
            )
        }

    def _identities_by(self, keys: Sequence[int]) -> dict[int, frozenset[int]]:
        """Return the identifiers of Organizations that are stored, by their keys."""
        if not keys:
            return {}
        clause, value = self.among("o.rk", keys)
        rows = self.rows(
            "SELECT o.rk, a.party FROM resource o JOIN i_access a ON a.rid = o.rid"
            f" WHERE {clause} AND (a.why & {IDENTITY}) <> 0",
            (value,),
        )
        return _by_first(rows)

    def _wanted(
        self, sources: Sequence[_Source], granted: Sequence[Granted] = (), gone: Sequence[Gone] = ()
    ) -> set[Share]:
        """Return what is to be shared because of sources, with Organizations as they are written here."""
        wanted: set[Share] = set()
        if not sources:
            return wanted
        identities = _identities_of(granted, gone)
        addressed = {party for source in sources for party in source.addressed}
        identities |= self._identities_by(sorted(addressed - identities.keys()))
        owned = self._owned({(patient, source.owner) for source in sources for patient in source.patients}, granted)
        for source in sources:
            for party in source.addressed:
                # What its actors write is owned by one of the identifiers of an Organization.
                owners = {party, *identities.get(party, ())}
                if source.owner in owners:
                    continue  # to itself
                for patient in source.patients:
                    wanted.add((patient, source.owner, party, source.rid))
                    # Else whoever may see a patient could see all that anybody writes about it, by addressing them.
                    if (patient, source.owner) in owned:
                        wanted.update((patient, owner, source.owner, source.rid) for owner in owners)
        return wanted

    def _owned(self, patients: Collection[tuple[int, int]], granted: Sequence[Granted]) -> set[tuple[int, int]]:
        """Return those of patients and owners (key, party) where the party owns the Patient, deleted or not."""
        made = {rk_of(*each.draft.key): each.owner for each in granted if each.made and each.draft.type == "Patient"}
        owners = list(made.items())
        if elsewhere := sorted({patient for patient, _ in patients} - made.keys()):
            clause, value = self.among("rk", elsewhere)
            owners += self.rows(f"SELECT rk, owner FROM resource WHERE {clause}", (value,))
        return {(patient, owner) for patient, owner in owners if (patient, owner) in patients}

    # --- after they are

    def settle(self, changes: Changes) -> None:
        """Bring what was there before to what the transaction has changed."""
        granted = set(changes.wanted)  # what the rows that were laid down know of
        if changes.roles:
            self._resolve_again(changes)
        if changes.organisations:
            self._add_sources(self._addressing(changes.organisations), changes)
        if changes.patients:
            clause, value = self.among("patient", changes.patients)
            rows = self.rows(f"SELECT DISTINCT source FROM share WHERE {clause}", (value,))
            self._add_sources({source for (source,) in rows}, changes)
        come, lost = changes.wanted - changes.shares, changes.shares - changes.wanted
        if come:
            self.insert("share", _SHARE, sorted(come))
            self._spread({share[:3] for share in come & granted if share[0] not in changes.new}, changes.below)
            self._spread({share[:3] for share in come - granted}, _ALL_RIDS)
        if lost:
            self.remove("share", _SHARE, sorted(lost))
            self._withdraw(sorted({share[:3] for share in lost}))

    def _spread(self, shares: Collection[Row], below: int) -> None:
        """Give access to what has a lesser rid: (patient, owner, party) each."""
        if not shares:
            return
        given, values = self.listed(sorted(shares))
        about, pids = self.among("f.pid + 0", sorted(self._patient_parameters.pids(self)))
        self.change(
            f"INSERT INTO i_access ({', '.join(ACCESS)}) SELECT s.party, s.rtype, {SHARED}, s.rid FROM ("
            + " UNION ".join(_members(given, about))
            + ") s WHERE s.rid < ? ON CONFLICT (party, rtype, rid)"
            + f" DO UPDATE SET why = i_access.why | {SHARED} WHERE (i_access.why & {SHARED}) = 0",
            (*values, pids, *values, below),
        )

    def _withdraw(self, shares: Sequence[Row]) -> None:
        """Take access that nothing gives any more: (patient, owner, party) each."""
        given, values = self.listed(shares)
        all_pids = sorted(self._patient_parameters.pids(self))
        about, pids = self.among("f.pid + 0", all_pids)
        still, _ = self.among("g.pid + 0", all_pids)
        members = " UNION ".join(_members(given, about))
        rows = self.rows(
            f"SELECT s.party, s.rtype, s.rid, a.why FROM ({members}) s"
            f" JOIN i_access a ON a.rid = s.rid AND a.party = s.party AND (a.why & {SHARED}) <> 0"
            " WHERE NOT EXISTS (SELECT 1 FROM i_ref g JOIN share h ON h.patient = g.trk AND h.owner = s.owner"
            f" AND h.party = s.party WHERE g.rid = s.rid AND {still})"
            " AND NOT EXISTS (SELECT 1 FROM resource g JOIN share h ON h.patient = g.rk AND h.owner = s.owner"
            " AND h.party = s.party WHERE g.rid = s.rid)",
            (*values, pids, *values, pids),
        )
        self._lessen(rows, SHARED)

    def _lessen(self, rows: Sequence[Row], reason: int) -> None:
        """Take a reason from rows (party, rtype, rid, why); those without another go."""
        if none := [(party, rtype, rid) for party, rtype, rid, why in rows if why == reason]:
            self.remove("i_access", ("party", "rtype", "rid"), none)
        if others := [(party, rtype, rid) for party, rtype, rid, why in rows if why != reason]:
            given, values = self.listed(others)
            self.change(
                f"UPDATE i_access SET why = why - {reason} WHERE (party, rtype, rid) IN (SELECT n.a, n.b, n.c {given})",
                values,
            )

    def _resolve_again(self, changes: Changes) -> None:
        """Give the organisations of PractitionerRoles that changed access to what refers to them, and take it."""
        clause, value = self.among("party", changes.roles)
        referring = self.rows(f"SELECT DISTINCT rid FROM i_access WHERE {clause} AND (why & {_BY_ROLE}) <> 0", (value,))
        rids = [rid for (rid,) in referring]
        if not rids:
            return
        clause, value = self.among("rid", rids)
        rows = self.rows(
            f"SELECT party, rtype, rid, why FROM i_access WHERE {clause} AND (why & {_BY_ROLE | RESOLVED}) <> 0",
            (value,),
        )
        organisations = self._organisations_of({party for party, _, _, why in rows if why & _BY_ROLE})
        wanted = {
            (organisation, rtype, rid)
            for party, rtype, rid, why in rows
            if why & _BY_ROLE
            for organisation in organisations.get(party, ())
        }
        self._lessen([row for row in rows if row[3] & RESOLVED and row[:3] not in wanted], RESOLVED)
        had = {row[:3] for row in rows if row[3] & RESOLVED}
        if come := sorted(wanted - had):
            given, values = self.listed(come)
            self.change(
                f"INSERT INTO i_access ({', '.join(ACCESS)}) SELECT n.a, n.b, {RESOLVED}, n.c {given} WHERE 1 = 1"
                f" ON CONFLICT (party, rtype, rid) DO UPDATE SET why = i_access.why | {RESOLVED}",
                values,
            )
        self._add_sources({rid for _, _, rid, why in rows if why & ROLE_ADDRESSED}, changes)

    def _addressing(self, organisations: Sequence[int]) -> set[int]:
        """Return the rids of what addresses Organizations, of themselves or by a PractitionerRole."""
        by_party, parties = self.among("party", organisations)
        by_type, rtypes = self.among("rtype", [self.types.number(type) for type in ADDRESSING])
        rows = self.rows(
            f"SELECT DISTINCT rid FROM i_access WHERE {by_party} AND {by_type} AND (why & {ADDRESSED | RESOLVED}) <> 0",
            (parties, rtypes),
        )
        return {rid for (rid,) in rows}

    def _add_sources(self, rids: Iterable[int], changes: Changes) -> None:
        """Add to the changes what addresses somebody and is not written by this transaction, but by its rows."""
        if not (wanted := sorted(set(rids) - changes.sources)):
            return
        clause, value = self.among("rid", wanted)
        found = self.rows(f"SELECT rid, owner FROM resource WHERE {clause} AND owner <> 0", (value,))
        owners: dict[int, int] = dict(found)
        if not owners:
            return
        self.guard((), (), (), sorted(owners))
        clause, value = self.among("rid", sorted(owners))
        own: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for rid, party, why in self.rows(f"SELECT rid, party, why FROM i_access WHERE {clause}", (value,)):
            own[rid].append((party, why))
        refs: dict[int, list[Row]] = defaultdict(list)
        for rid, *row in self.rows(f"SELECT rid, trk, pid, s FROM i_ref WHERE {clause}", (value,)):
            refs[rid].append(tuple(row))
        roles = {party for rows in own.values() for party, why in rows if why & ROLE_ADDRESSED}
        organisations = self._organisations_of(roles)
        pids = self._patient_parameters.pids(self)
        sources = [
            _Source(rid, owner, patients_in(refs[rid], pids), _addressed(own[rid], organisations))
            for rid, owner in owners.items()
        ]
        changes.shares |= self._shares_of(sorted(owners))
        changes.sources.update(owners)
        changes.wanted |= self._wanted(sources)

    # --- how an engine says it

    @abstractmethod
    def change(self, statement: str, parameters: Sequence[object]) -> None:
        """Run a statement that changes rows, written with `?` placeholders."""

    @abstractmethod
    def listed(self, rows: Sequence[Row]) -> tuple[str, tuple[object, ...]]:
        """Return "FROM …" for rows of three numbers, as columns a, b, c of n, and its values."""


_ORGANISED = frozenset({"Organization", "PractitionerRole"})
_REFERRED = _ORGANISED | {"Patient"}
_NOBODY: frozenset[int] = frozenset()


def _concerned(granted: Sequence[Granted], gone: Sequence[Gone]) -> bool:
    """Tell whether more than a resource's own rows is to be thought of."""
    return any(each.owner or (not each.new and each.draft.type in _ORGANISED) for each in granted) or any(
        each.owner or each.type in _ORGANISED for each in gone
    )


def _addressed(rows: Iterable[Row], organisations: Mapping[int, Collection[int]]) -> frozenset[int]:
    """Return the organisations that rows (party, why) say are addressed."""
    found: set[int] = set()
    for party, why in rows:
        if why & ADDRESSED:
            found.add(party)
        if why & ROLE_ADDRESSED:
            found.update(organisations.get(party, ()))
    return frozenset(found)


def _identities_of(granted: Sequence[Granted], gone: Sequence[Gone]) -> dict[int, frozenset[int]]:
    """Return the identifiers of the Organizations that are written, by their keys."""
    found = {
        rk_of(*each.draft.key): frozenset(party for party, why in each.own if why & IDENTITY)
        for each in granted
        if each.draft.type == "Organization"
    }
    return found | {rk_of(each.type, each.id): _NOBODY for each in gone if each.type == "Organization"}


def _by_first(rows: Iterable[Row]) -> dict[int, frozenset[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    for key, party in rows:
        found[key].add(party)
    return {key: frozenset(parties) for key, parties in found.items()}


def patients_in(refs: Collection[Row], pids: Collection[int]) -> frozenset[int]:
    """Return the keys of the patients that references (trk, pid, s) by these parameters are to."""
    found: set[int] = set()
    for trk, pid, text in refs:
        if pid in pids and text is not None and text.startswith("Patient/"):
            name, versioned, _ = text.partition("/_history/")
            # Where that is a version, the resource itself has a row too.
            named = h64(name) if versioned else trk
            if not versioned or any(key == named and other == pid for key, other, _ in refs):
                found.add(named)
            if len(text) == _ORDER_TEXT:
                # Perhaps more was cut off than of the id: then the resource's own key is in a row without a text.
                found.update(key for key, other, none in refs if other == pid and none is None)
    return frozenset(found)


def _members(given: str, about: str) -> tuple[str, str]:
    """Return SELECTs of (party, owner, rtype, rid): what is about n.a and owned by n.b, for n.c."""
    # Without + 0 SQLite would go through all that the owner has, in place of the few rows of each resource.
    owned = f"i_access o ON o.rid = {{rid}} AND o.party + 0 = n.b AND (o.why & {OWNER}) <> 0"
    columns = "SELECT n.c AS party, n.b AS owner, o.rtype AS rtype, o.rid AS rid"
    return (
        f"{columns} {given} JOIN i_ref f ON f.trk = n.a AND {about} JOIN {owned.format(rid='f.rid')}",
        f"{columns} {given} JOIN resource p ON p.rk = n.a JOIN {owned.format(rid='p.rid')}",
    )

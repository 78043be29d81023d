"""Who sees what: the rules one by one, on both engines.

Source: fhir_gateway/store/README.md, "Who sees what"; store/access.py, store/sharing.py, store/index/access.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.store import open_store
from fhir_gateway.store.access import Parties, parties_of, party_of
from fhir_gateway.store.contract import EVERYONE, HistoryQuery, Narrowing, Read, Write
from fhir_gateway.store.index.access import ADDRESSING, DIRECTORY, NAMING
from fhir_gateway.store.index.hashing import rk_of
from fhir_gateway.store.postgres_lane import PostgresLane
from tests.store.organisations import Organisations, finess, identified, to


@pytest.fixture(scope="module")
def shared_organisations(database: str) -> Iterator[Organisations]:
    store = open_store(database, definitions().types.resources)
    yield Organisations(store)
    store.close()


@pytest.fixture
def site(shared_organisations: Organisations) -> Organisations:
    shared_organisations.clear()
    return shared_organisations


PATIENT = {"resourceType": "Patient", "id": "1"}
OTHER_PATIENT = {"resourceType": "Patient", "id": "2"}
PHENOTYPE = {"resourceType": "Observation", "id": "phenotype", "status": "final", "subject": to("Patient/1")}


def order(id: str = "order", status: str = "active", **elements: Any) -> dict[str, Any]:
    """Return an order about Patient/1, addressed to p unless it says otherwise."""
    rest = {"subject": to("Patient/1"), "performer": [identified("p")], **elements}
    return {"resourceType": "ServiceRequest", "id": id, "status": status, **rest}


def organisation(id: str, *names: str) -> dict[str, Any]:
    return {"resourceType": "Organization", "id": id, "identifier": [identified(name)["identifier"] for name in names]}


# --- parties


def test_an_organisation_is_a_party_by_its_identifier_and_by_each_organization_that_carries_it(
    site: Organisations,
) -> None:
    site.put(organisation("a", "h"), organisation("b", "x", "h"), organisation("c", "x"))
    expected = sorted([EVERYONE, party_of(finess("h")), rk_of("Organization", "a"), rk_of("Organization", "b")])
    assert list(site.store.parties(finess("h"))) == expected
    site.put(organisation("b", "x"))
    site.delete("Organization/a")
    assert list(site.store.parties(finess("h"))) == sorted([EVERYONE, party_of(finess("h"))])


def test_without_an_organisation_there_is_the_party_of_everyone_alone(site: Organisations) -> None:
    assert site.store.parties(None) == (EVERYONE,)
    with site.store.read() as view:
        assert parties_of(view, None) == (EVERYONE,)


@pytest.mark.parametrize("identifier", ["", "750712184", "|750712184", "urn:oid:1.2|"])
def test_an_organisation_is_named_by_system_and_value(identifier: str) -> None:
    with pytest.raises(ValueError, match=r"system\|value"):
        party_of(identifier)


def test_parties_found_before_an_organization_was_written_are_not_remembered_after_it() -> None:
    found = iter([(0, 1), (0, 1, 2)])

    def ask(identifier: str) -> tuple[int, ...]:
        parties = next(found)
        remembered.forget()  # an Organization is written while they are asked
        return parties

    remembered = Parties(ask)
    assert remembered.of("s|v") == (0, 1)
    assert remembered.of("s|v") == (0, 1, 2)


def test_parties_are_remembered_for_some_seconds() -> None:
    now = [0.0]
    asked: list[str] = []

    def ask(identifier: str) -> tuple[int, ...]:
        asked.append(identifier)
        return (0, 1)

    remembered = Parties(ask, lambda: now[0])
    for now[0] in (0.0, 4.9, 5.1):
        assert remembered.of("s|v") == (0, 1)
    assert asked == ["s|v", "s|v"]


# --- whose, named, addressed


def test_what_an_organisation_writes_is_seen_by_itself_and_by_nobody_else(site: Organisations) -> None:
    site.put(PATIENT, PHENOTYPE, by="h")
    assert site.seen("h", "Patient/1", "Observation/phenotype") == ["Patient/1", "Observation/phenotype"]
    assert site.seen("p", "Patient/1", "Observation/phenotype") == []
    assert site.seen(None, "Patient/1", "Observation/phenotype") == []


def test_what_nobody_owns_is_not_everyones(site: Organisations) -> None:
    site.put(PATIENT)
    assert site.seen("h", "Patient/1") == []
    assert site.seen(None, "Patient/1") == []


def test_an_update_by_another_leaves_the_owner(site: Organisations) -> None:
    site.put(PATIENT, by="h")
    site.put({**PATIENT, "active": True}, by="p")
    site.put({**PATIENT, "managingOrganization": identified("q")}, by="p")
    assert [site.seen(by, "Patient/1") for by in ("h", "p", "q")] == [["Patient/1"], [], ["Patient/1"]]
    with site.store.read(narrowing=site.narrowing("p")) as view:
        owners = view.owners([("Patient", "1"), ("Patient", "none")])
    assert owners == {("Patient", "1"): party_of(finess("h"))}


def test_the_directory_and_definitions_are_hidden_from_nobody(site: Organisations) -> None:
    site.put({"resourceType": "Location", "id": "1"}, {"resourceType": "ValueSet", "id": "1"}, by="h")
    assert site.seen(None, "Location/1", "ValueSet/1") == ["Location/1", "ValueSet/1"]


@pytest.mark.parametrize("reference", [to("Organization/p"), identified("p"), to("PractitionerRole/p"), to("#p")])
def test_who_is_named_sees_the_resource_by_whatever_reference(site: Organisations, reference: dict[str, Any]) -> None:
    role = {"resourceType": "PractitionerRole", "id": "p", "organization": to("Organization/p")}
    site.put(organisation("p", "p"), role)
    media = {"resourceType": "Media", "id": "1", "operator": reference, "contained": [organisation("p", "p")]}
    site.put(media, by="h")
    assert site.seen("p", "Media/1") == ["Media/1"]
    assert site.seen("q", "Media/1") == []


def test_a_contained_practitioner_role_stands_for_its_organization(site: Organisations) -> None:
    role = {"resourceType": "PractitionerRole", "id": "r", "organization": to("#o")}
    contained = [role, organisation("o", "p")]
    site.put({"resourceType": "Condition", "id": "1", "recorder": to("#r"), "contained": contained}, by="h")
    assert site.seen("p", "Condition/1") == ["Condition/1"]
    circle = [{**role, "organization": to("#s")}, {**role, "id": "s", "organization": to("#r")}]
    site.put({"resourceType": "Condition", "id": "2", "recorder": to("#r"), "contained": circle}, by="h")
    assert site.seen("p", "Condition/2") == []


def test_an_identifier_without_a_system_or_of_somebody_else_names_no_organisation(site: Organisations) -> None:
    provider = {"identifier": {"value": "p"}}
    practitioner = {"type": "Practitioner", **{"identifier": identified("p")["identifier"]}}
    encounter = {"resourceType": "Encounter", "id": "1", "serviceProvider": provider}
    consent = {"resourceType": "Consent", "id": "1", "performer": [practitioner]}
    site.put(encounter, consent, by="h")
    assert site.seen("p", "Encounter/1", "Consent/1") == []


def test_an_organization_elsewhere_is_not_the_one_here(site: Organisations) -> None:
    site.put(organisation("p", "p"))
    elsewhere = to("https://elsewhere.example.org/fhir/Organization/p")
    here = to("https://gateway.example.org/fhir/Organization/p")
    site.put({**PATIENT, "managingOrganization": elsewhere}, {**OTHER_PATIENT, "managingOrganization": here}, by="h")
    assert site.seen("p", "Patient/1", "Patient/2") == ["Patient/2"]


@pytest.mark.parametrize(
    ("status", "addressed"),
    [
        *[(status, True) for status in ("active", "on-hold", "completed", "revoked")],
        *[(status, False) for status in ("draft", "entered-in-error", "unknown")],
    ],
)
def test_an_order_is_addressed_once_it_is_no_draft(site: Organisations, status: str, addressed: bool) -> None:
    site.put(PATIENT, order(status=status), by="h")
    assert site.seen("p", "Patient/1", "ServiceRequest/order") == (
        ["Patient/1", "ServiceRequest/order"] if addressed else []
    )


def test_a_task_addresses_its_owner_unless_it_is_a_draft(site: Organisations) -> None:
    task = {"resourceType": "Task", "id": "1", "intent": "order", "for": to("Patient/1"), "owner": identified("p")}
    site.put(PATIENT, {**task, "status": "draft"}, by="h")
    assert site.seen("p", "Patient/1", "Task/1") == []
    site.put({**task, "status": "requested"}, by="h")
    assert site.seen("p", "Patient/1", "Task/1") == ["Patient/1", "Task/1"]


# --- what is shared about a patient


def test_what_is_about_the_patient_of_an_order_is_shared_with_whom_it_addresses_and_back(site: Organisations) -> None:
    site.put(PATIENT, PHENOTYPE, order(), by="h")
    later = {**PHENOTYPE, "id": "later"}
    site.put(later, by="h")
    assert site.seen("p", "Patient/1", "Observation/phenotype", "Observation/later") == [
        "Patient/1",
        "Observation/phenotype",
        "Observation/later",
    ]
    site.put({"resourceType": "DiagnosticReport", "id": "r", "subject": to("Patient/1")}, by="p")
    assert site.seen("h", "DiagnosticReport/r") == ["DiagnosticReport/r"]
    assert site.seen("q", "Patient/1", "Observation/phenotype", "DiagnosticReport/r") == []


def test_nothing_is_shared_about_another_patient_nor_of_another_owner(site: Organisations) -> None:
    site.put(PATIENT, OTHER_PATIENT, order(), by="h")
    site.put({**PHENOTYPE, "id": "other", "subject": to("Patient/2")}, by="h")
    site.put({**PHENOTYPE, "id": "foreign"}, by="q")
    site.put({**PHENOTYPE, "id": "focus", "subject": to("Patient/2"), "focus": [to("Patient/1")]}, by="h")
    assert site.seen("p", "Patient/2", "Observation/other", "Observation/foreign", "Observation/focus") == []


def test_what_a_version_of_the_patient_is_referred_to_by_is_about_the_patient(site: Organisations) -> None:
    long = "x" * 60
    for id in ("1", long):
        site.put({**PATIENT, "id": id}, by="h")
        site.put({**PHENOTYPE, "id": f"o{id[:9]}", "subject": to(f"Patient/{id}/_history/1")}, by="h")
        site.put(order(f"s{id[:9]}", subject=to(f"Patient/{id}/_history/1")), by="h")
        assert site.seen("p", f"Patient/{id}", f"Observation/o{id[:9]}") == [f"Patient/{id}", f"Observation/o{id[:9]}"]


def test_who_addresses_another_about_a_third_ones_patient_does_not_see_what_is_written(
    site: Organisations,
) -> None:
    site.put(PATIENT, order(), by="h")
    site.put(order("onward", performer=[identified("q")]), by="p")
    site.put({**PHENOTYPE, "id": "of-q"}, by="q")
    site.put({"resourceType": "Task", "id": "t", "status": "requested", "for": to("Patient/1"),
              "owner": identified("h")}, by="p")  # fmt: skip
    site.put(order(status="entered-in-error"), by="h")
    site.put(PHENOTYPE, by="h")
    assert site.seen("q", "ServiceRequest/onward") == ["ServiceRequest/onward"]
    assert site.seen("p", "Observation/of-q", "Observation/phenotype", "Patient/1") == []


def test_two_addressees_do_not_see_what_the_other_writes(site: Organisations) -> None:
    site.put(PATIENT, order("one"), order("two", performer=[identified("q")]), by="h")
    site.put({**PHENOTYPE, "id": "by-p"}, by="p")
    assert site.seen("q", "Observation/by-p") == []
    assert site.seen("h", "Observation/by-p") == ["Observation/by-p"]


def test_an_order_withdrawn_or_deleted_takes_back_what_it_gave_and_no_more(site: Organisations) -> None:
    named = {**PHENOTYPE, "id": "named", "performer": [identified("p")]}
    site.put(PATIENT, PHENOTYPE, named, order("one"), order("two"), by="h")
    keys = ("Patient/1", "Observation/phenotype", "Observation/named", "ServiceRequest/one", "ServiceRequest/two")
    site.put(order("one", performer=[identified("q")]), by="h")
    assert site.seen("p", *keys) == list(keys)
    site.delete("ServiceRequest/two")
    assert site.seen("p", *keys) == ["Observation/named"]
    assert site.seen("q", *keys) == list(keys[:4])


def test_an_order_that_is_about_another_patient_now_shares_what_is_about_that_one(site: Organisations) -> None:
    site.put(PATIENT, OTHER_PATIENT, PHENOTYPE, order(), by="h")
    site.put(order(subject=to("Patient/2")), by="h")
    assert site.seen("p", "Patient/1", "Patient/2", "Observation/phenotype", "ServiceRequest/order") == [
        "Patient/2",
        "ServiceRequest/order",
    ]


def test_an_order_to_an_organization_shares_back_what_its_actors_write_by_any_of_its_identifiers(
    site: Organisations,
) -> None:
    site.put(organisation("p", "p", "p2"))
    site.put(PATIENT, order(performer=[to("Organization/p")]), by="h")
    site.put({**PHENOTYPE, "id": "one"}, by="p")
    site.put({**PHENOTYPE, "id": "two"}, by="p2")
    assert site.seen("h", "Observation/one", "Observation/two") == ["Observation/one", "Observation/two"]
    assert site.seen("p", "Patient/1") == site.seen("p2", "Patient/1") == ["Patient/1"]
    site.put(organisation("p", "p"))
    assert site.seen("h", "Observation/one", "Observation/two") == ["Observation/one"]
    assert site.seen("p2", "Patient/1") == []


def test_an_order_to_oneself_shares_nothing(site: Organisations) -> None:
    site.put(organisation("h", "h"))
    site.put(PATIENT, order(performer=[to("Organization/h")]), order("two", performer=[identified("h")]), by="h")
    with site.store.read() as view:
        assert view.rows("SELECT * FROM share") == []


def test_a_practitioner_role_that_changes_its_organization_takes_access_with_it(site: Organisations) -> None:
    role = {"resourceType": "PractitionerRole", "id": "r", "organization": identified("p")}
    site.put(role)
    site.put(PATIENT, PHENOTYPE, order(performer=[to("PractitionerRole/r")]), by="h")
    keys = ["Patient/1", "Observation/phenotype", "ServiceRequest/order"]
    assert site.seen("p", *keys) == keys
    site.put({**role, "organization": identified("q")})
    assert [site.seen(by, *keys) for by in ("p", "q")] == [[], keys]
    site.delete("PractitionerRole/r")
    assert site.seen("q", *keys) == []


def test_who_restores_a_patient_finds_it_shared_again(site: Organisations) -> None:
    site.put(PATIENT, order(), by="h")
    site.delete("Patient/1")
    assert site.seen("p", "Patient/1", "ServiceRequest/order") == ["ServiceRequest/order"]
    site.put(PATIENT, by="h")
    assert site.seen("p", "Patient/1") == ["Patient/1"]


def test_a_purged_order_shares_nothing_and_leaves_nothing(site: Organisations) -> None:
    site.put(PATIENT, PHENOTYPE, order(), by="h")
    site.purge("ServiceRequest/order")
    assert site.seen("p", "Patient/1", "Observation/phenotype") == []
    with site.store.read() as view:
        assert view.rows("SELECT * FROM share") == []


# --- reading within a narrowing


def test_a_deleted_resource_is_seen_by_its_owner_alone(site: Organisations) -> None:
    site.put(PATIENT, order(), by="h")
    site.delete("ServiceRequest/order", "Patient/1")
    tombstone = site.current("h", "Patient/1")
    assert tombstone is not None
    assert tombstone.deleted
    assert site.current("p", "Patient/1") is None
    assert site.current(None, "Patient/1") is None


def test_types_outside_a_narrowing_are_hidden(site: Organisations) -> None:
    site.put(PATIENT, PHENOTYPE, by="h")
    for parties in (site.store.parties(finess("h")), None):
        narrowing = Narrowing(parties, frozenset({"Patient"}))
        keys = [("Patient", "1"), ("Observation", "phenotype")]
        assert site.store.current(*keys[1], narrowing) is None
        assert site.store.current(*keys[0], narrowing) is not None
        with site.store.read(narrowing=narrowing) as view:
            assert view.current(*keys[1]) is None
            assert view.version(*keys[1], 1) is None
            assert list(view.current_of(keys)) == [keys[0]]
            assert view.history(HistoryQuery("Observation", "phenotype")).versions == []
            assert view.history(HistoryQuery("Observation")).versions == []
            assert [version.type for version in view.history(HistoryQuery()).versions] == ["Patient"]
            assert view.referers([keys[0]]) == [(None, keys[0])]


def test_history_and_versions_are_those_of_what_is_seen_now(site: Organisations) -> None:
    site.put(PATIENT, OTHER_PATIENT, by="h")
    site.put({**PATIENT, "active": True}, by="h")
    site.put({**OTHER_PATIENT, "managingOrganization": identified("p")}, by="h")

    def told(view: Read) -> list[Any]:
        pages = [
            view.history(query) for query in (HistoryQuery("Patient", "1"), HistoryQuery("Patient", "2"),
                                              HistoryQuery("Patient"), HistoryQuery())
        ]  # fmt: skip
        old = [view.version("Patient", id, 1) is not None for id in ("1", "2")]
        return [[(version.id, version.vid) for version in page.versions] for page in pages] + [pages[0].total, *old]

    two = [("2", 2), ("2", 1)]
    assert site.read(told, site.narrowing("p")) == [[], two, two, two, 0, False, True]
    one = [("1", 2), ("1", 1)]
    merged = sorted([*one, *two], key=lambda each: (each[1], each == ("2", 2), each[0]), reverse=True)
    assert site.read(told, site.narrowing("h")) == [one, two, merged, merged, 2, True, True]
    assert site.read(told, None) == site.read(told, site.narrowing("h"))
    site.delete("Patient/1", "Patient/2")
    assert site.read(told, site.narrowing("p"))[:4] == [[], [], [], []]
    assert len(site.read(told, site.narrowing("h"))[2]) == 6


def test_of_the_referers_only_those_that_are_seen_are_told_and_that_there_are_others(site: Organisations) -> None:
    site.put(PATIENT, OTHER_PATIENT)
    site.put(PHENOTYPE, {**PHENOTYPE, "id": "2", "subject": to("Patient/2")}, by="h")
    site.put({**PHENOTYPE, "id": "3"}, {**PHENOTYPE, "id": "4"}, by="p")
    targets = [("Patient", "1"), ("Patient", "2")]

    def told(by: str | None) -> list[Any]:
        return site.read(lambda view: view.referers(targets), site.narrowing(by))

    one, two = targets
    *seen, hidden = told("h")
    assert sorted(seen) == [(("Observation", "2"), two), (("Observation", "phenotype"), one)]
    assert hidden == (None, one)
    assert sorted(told("q"), key=str) == [(None, one), (None, two)]
    assert len(site.read(lambda view: view.referers(targets), None)) == 4


def test_what_refers_and_what_is_named_come_with_the_other_end_as_far_as_they_are_seen(site: Organisations) -> None:
    site.put(PATIENT, OTHER_PATIENT, by="h")
    site.put(PHENOTYPE, {**PHENOTYPE, "id": "2", "subject": to("Patient/2")}, by="h")
    site.put({**PHENOTYPE, "id": "3"}, by="p")
    one, two = ("Patient", "1"), ("Patient", "2")
    own, second, third = (("Observation", id) for id in ("phenotype", "2", "3"))

    def paired(found: list[Any]) -> dict[Any, Any]:
        return {version.key: set(others) for version, others in found}

    def told(by: str | None) -> tuple[dict[Any, Any], dict[Any, Any]]:
        return site.read(
            lambda view: (
                paired(view.referring_to([one, two], {"Observation", "Consent"})),
                paired(view.named_by([own, second, third], {"Patient"})),
            ),
            None if by is None else site.narrowing(by),
        )

    assert told(None) == ({own: {one}, second: {two}, third: {one}}, {one: {own, third}, two: {second}})
    assert told("h") == ({own: {one}, second: {two}}, {one: {own}, two: {second}})
    assert told("p") == ({third: {one}}, {})
    assert site.read(lambda view: view.referring_to([one], {"Consent"}), None) == []
    site.delete("Observation/3")
    assert told(None) == ({own: {one}, second: {two}}, {one: {own}, two: {second}})


def test_in_a_write_what_is_hidden_is_absent_and_not_doomed(site: Organisations) -> None:
    site.put(PATIENT, by="h")
    site.put(OTHER_PATIENT, by="p")
    keys = [("Patient", "1"), ("Patient", "2"), ("Observation", "none")]

    def told(tx: Write) -> tuple[set[Any], list[Any]]:
        return tx.absent(keys), sorted(tx.doom(keys))

    assert site.store.write(told, narrowing=site.narrowing("p")) == ({keys[0], keys[2]}, [keys[1]])
    assert site.store.write(told, narrowing=site.narrowing("p", ["Observation"])) == (set(keys), [])
    assert site.store.write(told) == ({keys[2]}, keys[:2])


def test_a_read_within_a_read_has_a_narrowing_of_its_own(site: Organisations) -> None:
    site.put(PATIENT, by="h")
    with site.store.read(narrowing=site.narrowing("p")) as outer:
        with site.store.read() as inner:
            assert inner.current("Patient", "1") is not None
        assert outer.current("Patient", "1") is None
        outer.narrowing = None
        assert outer.current("Patient", "1") is not None
    with site.store.read(narrowing=site.narrowing("p")) as again:
        assert again.current("Patient", "1") is None


def test_a_plain_read_knows_at_once_of_access_that_was_given_or_taken(site: Organisations) -> None:
    site.put(PATIENT, by="h")
    for status, expected in (("draft", []), ("active", ["Patient/1"]), ("entered-in-error", [])):
        site.put(order(status=status), by="h")
        assert site.seen("p", "Patient/1") == expected
        assert site.seen("h", "Patient/1") == ["Patient/1"]


def test_the_read_lane_reads_within_a_narrowing(site: Organisations, database: str) -> None:
    if site.store.dialect != "postgresql":
        pytest.skip("SQLite has no lane")
    site.put(PATIENT, by="h")

    async def told() -> list[bool]:
        lane = PostgresLane(database, site.types)
        try:
            asked: list[Narrowing | None] = [None, site.narrowing("h"), site.narrowing("p")]
            asked += [site.narrowing("h", ["Observation"]), Narrowing(None, frozenset({"Patient"}))]
            return [await lane.current("Patient", "1", narrowing) is not None for narrowing in asked]
        finally:
            await lane.close()

    assert asyncio.run(told()) == [True, True, False, False, True]


# --- the tables of elements


def test_every_element_that_names_an_organisation_is_one_of_r4_that_may_refer_to_one() -> None:
    targets = _elements_to({"Organization", "PractitionerRole"})
    for type, paths in NAMING.items():
        assert set(paths) <= targets[type], type
    for type, (element, _) in ADDRESSING.items():
        assert element in targets[type]
    assert {"Organization", "PractitionerRole"} <= DIRECTORY <= set(definitions().types.resources)


def _elements_to(wanted: set[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for definition in definitions().resources("StructureDefinition"):
        if definition.get("kind") == "resource" and "snapshot" in definition:
            paths = found.setdefault(definition["type"], set())
            for element in definition["snapshot"]["element"]:
                profiles = [profile for type in element.get("type", ()) for profile in type.get("targetProfile", ())]
                if wanted & {profile.rpartition("/")[2] for profile in profiles}:
                    paths.add(element["path"].partition(".")[2])
    return found

"""What is kept of each dossier for statistics is what the store holds now, whatever was written and by which way.

Source: fhir_gateway/store/dossier_summary.py.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from fhir_gateway.demo_dossiers.dossiers import dossiers
from fhir_gateway.demo_dossiers.invented import structures
from fhir_gateway.demo_dossiers.submission import directory
from fhir_gateway.dossier import codes
from fhir_gateway.dossier.membership import is_member, marks
from fhir_gateway.dossier.statistics import Facts, facts_of
from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.outcome import TooCostly
from fhir_gateway.fhir.primitives import instant_text
from fhir_gateway.interactions import dossier_gathering as gathering
from fhir_gateway.interactions import dossier_summaries as summaries
from fhir_gateway.store import dossier_summary as kept
from fhir_gateway.store.contract import Delete
from tests.interactions.conftest import NOW
from tests.interactions.desk import Desk

Resource = dict[str, Any]
YEAR = 366 * 86_400_000_000  # µs
WATCHED = ("ServiceRequest", "Task", "Consent", "Specimen", "DiagnosticReport", "Patient", "PractitionerRole",
           "Organization")  # fmt: skip


def told(desk: Desk, now: int = NOW) -> list[str]:
    with desk.gateway.store.read(feed=False) as view:
        return sorted(map(repr, summaries.facts(desk.gateway, view, now)))


def from_scratch(desk: Desk, now: int = NOW) -> list[str]:
    """What the rules say of all dossiers when everything is read: no mark, no summary, no index but the references."""
    gateway = desk.gateway
    with gateway.store.read(feed=False) as view:
        number = gateway.registry.rtypes["ServiceRequest"]
        rows = view.rows("SELECT body FROM resource WHERE rtype = ? AND deleted = 0 ORDER BY rid", (number,))
        gathered = gathering.dossiers_of(gateway, view, [decode(bytes(body)) for (body,) in rows])
        made = [facts_of(each, instant_text(now)) for each in gathered.values() if each.people]
    return sorted(map(repr, made))


def catch_up(desk: Desk) -> int:
    """Take all steps of the background; return how many there were."""
    steps = 0
    while summaries._advance(desk.gateway):
        steps += 1
    return steps


def kept_facts(desk: Desk) -> list[str]:
    with desk.gateway.store.read(feed=False) as view:
        return sorted(repr(summaries._told(each)) for _, each in kept.facts(view, NOW) if each)


class Acts:
    """Whatever can befall the resources of some dossiers: drawn from a seed, written past every rule."""

    def __init__(self, desk: Desk, seed: int, number: int = 5) -> None:
        self.desk = desk
        self.chance = random.Random(seed)
        made = [each for dossier in dossiers(number, seed) for each in dossier.resources()]
        self.known: dict[tuple[str, str], Resource] = {(each["resourceType"], each["id"]): each for each in made}
        # Of the structures and roles those only that perform, so that what befalls one of them is seldom in vain.
        performing = {each.token for each in structures().values() if each.kind == "lbm-fmg"}
        role: Resource = next(each for each in directory() if each["resourceType"] == "PractitionerRole")
        platforms = [each for each in directory() if not performing.isdisjoint(codes.tokens(each))]
        assert platforms
        for key in [key for key in self.known if key[0] in ("Organization", "PractitionerRole")]:
            del self.known[key]
        for each in platforms:
            self.known["Organization", each["id"]] = each
            of_it = {"reference": f"Organization/{each['id']}"}
            self.known["PractitionerRole", f"role-{each['id']}"] = {
                **role, "id": f"role-{each['id']}", "organization": of_it
            }  # fmt: skip
        self.here: set[tuple[str, str]] = set()

    def begin(self) -> None:
        for key, each in self.known.items():
            if key[0] == "ServiceRequest":
                self.known[key] = {**each, "performer": [{"reference": "/".join(self.performer())}]}
        self.put(*(key for key in self.known if self.chance.random() < 0.7))

    def performer(self) -> tuple[str, str]:
        return self.one(self.chance.choice(("PractitionerRole", "Organization")), self.chance.random() < 0.5)

    def put(self, *keys: tuple[str, str]) -> None:
        self.desk.seed(*(self.known[key] for key in keys))
        self.here.update(keys)

    def one(self, type: str, here: bool = True) -> tuple[str, str]:
        wanted = [key for key in self.known if key[0] == type and (key in self.here) == here]
        return self.chance.choice(wanted or [key for key in self.known if key[0] == type])

    def act(self) -> None:
        store = self.desk.gateway.store
        what = self.chance.randrange(14)
        key = self.one(self.chance.choice(WATCHED), here=what != 0)
        if what <= 1:
            self.put(key)
        elif what == 2:
            store.write(lambda tx: tx.stage([Delete(*key)]))
            self.here.discard(key)
        elif what == 3:
            with store.read(feed=False) as view:
                rids = [each.rid for each in view.current_of([key]).values()]
            store.write(lambda tx: tx.purge(rids))
            self.here.discard(key)
        elif what == 4:
            with store.read(feed=False) as view:
                rids = [each.rid for each in view.current_of([key]).values()]
            store.write(lambda tx: tx.purge(rids, superseded_only=True))
        else:
            self.change(what)

    def change(self, what: int) -> None:
        chance = self.chance
        if what <= 6:
            key = self.one("ServiceRequest")
            other = self.known[self.one("ServiceRequest")]
            change: Resource = chance.choice(
                [
                    {"status": chance.choice(["draft", "active", "revoked", "completed", "entered-in-error"])},
                    {"requisition": other["requisition"]},
                    {"subject": other["subject"]},
                    {"performer": [{"reference": "/".join(self.performer())}]},
                    {"authoredOn": f"2026-0{chance.randrange(1, 9)}-01"},
                ]
            )
        elif what <= 8:
            key = self.one("Task")
            change = chance.choice(
                [
                    {"status": chance.choice(["requested", "completed", "failed", "entered-in-error"])},
                    {"focus": {"reference": "/".join(self.one("ServiceRequest"))}},
                ]
            )
        elif what == 9:
            key = self.one("Consent")
            change = chance.choice(
                [
                    {"status": chance.choice(["active", "inactive", "entered-in-error"])},
                    {"patient": {"reference": "/".join(self.one("Patient"))}},
                    {"provision": {**self.known[key]["provision"], "data": []}},
                ]
            )
        elif what == 10:
            key = self.one("Specimen")
            change = chance.choice(
                [
                    {"subject": {"reference": "/".join(self.one("Patient"))}},
                    {"request": []},
                    {"collection": {"collectedDateTime": f"2026-0{chance.randrange(1, 9)}-11"}},
                ]
            )
        elif what == 11:
            key = self.one("PractitionerRole")
            change = {"organization": {"reference": "/".join(self.one("Organization", here=chance.random() < 0.7))}}
        elif what == 12:
            key = self.one("Organization")
            change = {"identifier": [{"system": codes.FINESS, "value": f"9900{chance.randrange(10**5):05}"}]}
        else:
            key = self.one("ServiceRequest")
            change = {
                "category": [each for each in self.known[key]["category"] if chance.random() < 0.7] or [{"text": "-"}]
            }
        changed = {**self.known[key], **change}
        if changed.get("provision", {}).get("data") == []:
            changed["provision"] = {name: each for name, each in changed["provision"].items() if name != "data"}
        self.known[key] = {name: each for name, each in changed.items() if each != []}
        self.put(key)


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_is_written_what_is_told_is_what_the_store_holds(desk: Desk, seed: int) -> None:
    acts = Acts(desk, seed)
    acts.begin()
    assert told(desk) == from_scratch(desk) != []
    for _ in range(60):
        for _ in range(acts.chance.randrange(1, 4)):
            acts.act()
        for _ in range(acts.chance.randrange(3)):
            summaries._advance(desk.gateway)
        assert told(desk) == from_scratch(desk)
    catch_up(desk)
    assert kept_facts(desk) == from_scratch(desk)
    with desk.gateway.store.read(feed=False) as view:
        assert view.rows("SELECT count(*) FROM dossier_erased") == [(0,)]


def test_what_is_kept_is_made_again_when_a_consent_ends(desk: Desk) -> None:
    acts = Acts(desk, 1)
    for key in [key for key in acts.known if key[0] == "Consent"]:
        provision = {**acts.known[key]["provision"], "period": {"end": "2027-06-30"}}
        acts.known[key] = {**acts.known[key], "provision": provision}
    acts.put(*acts.known)
    catch_up(desk)
    assert catch_up(desk) == 0
    assert told(desk, NOW + YEAR) == from_scratch(desk, NOW + YEAR) != from_scratch(desk) == told(desk)


def test_what_speaks_of_a_person_alone_concerns_the_dossier_too(desk: Desk) -> None:
    acts = Acts(desk, 1, number=2)
    tubes = {key: each for key, each in acts.known.items() if key[0] == "Specimen"}
    for key, each in tubes.items():
        acts.known[key] = {name: value for name, value in each.items() if name != "request"}
    acts.put(*(key for key in acts.known if key not in tubes))
    catch_up(desk)
    before = told(desk)
    acts.put(*tubes)
    assert told(desk) == from_scratch(desk) != before


def test_what_is_kept_is_made_again_only_for_the_dossiers_that_a_write_concerns(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    acts = Acts(desk, 3)
    acts.put(*acts.known)
    catch_up(desk)
    assert catch_up(desk) == 0
    made: list[int] = []
    making = summaries._made

    def counted(*given: Any) -> Iterator[kept.Made]:
        for each in making(*given):
            made.append(each.dk)
            yield each

    monkeypatch.setattr(summaries, "_made", counted)
    assert told(desk) == from_scratch(desk)
    assert made == []
    task = next(key for key in acts.known if key[0] == "Task")
    acts.known[task] = {**acts.known[task], "status": "failed"}
    acts.put(task)
    assert told(desk) == from_scratch(desk)
    assert len(made) == 1
    desk.put({"resourceType": "Patient", "id": "plain"})
    desk.put({"resourceType": "ServiceRequest", "id": "plain", "status": "draft", "intent": "order",
              "subject": {"reference": "Patient/plain"}})  # fmt: skip
    assert told(desk) == from_scratch(desk)
    assert len(made) == 2  # the task's once more: nothing was kept meanwhile


def test_a_summary_made_of_an_older_view_is_not_kept_once_something_else_was_noted(desk: Desk) -> None:
    acts = Acts(desk, 4, number=2)
    acts.put(*acts.known)
    catch_up(desk)
    gateway = desk.gateway
    with gateway.store.read() as view:
        seen = kept.state(view)
        dks = [dk for dk, _ in kept.facts(view, NOW)]
        old = list(summaries._made(gateway, view, summaries._requests(view, dks, {}), NOW))
    task = next(key for key in acts.known if key[0] == "Task")
    acts.known[task] = {**acts.known[task], "status": "failed"}
    acts.put(task)
    assert summaries._advance(gateway)
    assert gateway.store.write(lambda tx: kept.keep(tx, seen, old)) is False
    catch_up(desk)
    assert kept_facts(desk) == from_scratch(desk)


def test_other_rules_make_all_summaries_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    acts = Acts(desk, 5, number=3)
    acts.put(*acts.known)
    catch_up(desk)

    def other(dossier: Any, now: str) -> Facts:
        return Facts("KC", None, (), "clos", None, {})

    monkeypatch.setattr(summaries, "_rules", lambda: "others")
    monkeypatch.setattr(summaries, "facts_of", other)
    assert set(told(desk)) == {repr(other(None, ""))}
    assert catch_up(desk) > 0
    assert set(kept_facts(desk)) == {repr(other(None, ""))}


def test_many_resources_are_noted_in_several_commits_those_of_one_commit_together(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summaries, "NOTED", 10)
    monkeypatch.setattr(summaries, "BATCH", 2)
    acts = Acts(desk, 6)
    for each in dossiers(5, 6):
        names = [(one["resourceType"], one["id"]) for one in each.resources()]
        acts.put(*(key for key in names if key in acts.known))
    assert catch_up(desk) > 5
    assert kept_facts(desk) == from_scratch(desk)


def test_who_asks_waits_for_what_is_behind_and_not_without_end(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    acts = Acts(desk, 7)
    acts.put(*acts.known)
    monkeypatch.setattr(summaries, "FEW", 2)
    summaries.be_current(desk.gateway)
    assert kept_facts(desk) == from_scratch(desk)
    acts.put(*acts.known)
    acts.known = {key: {**each, "language": "fr"} for key, each in acts.known.items()}
    acts.put(*acts.known)
    monkeypatch.setattr(summaries, "SECONDS", -1.0)
    with pytest.raises(TooCostly):
        summaries.be_current(desk.gateway)


def test_nothing_of_an_erased_dossier_is_kept(desk: Desk) -> None:
    acts = Acts(desk, 8, number=1)
    acts.put(*acts.known)
    catch_up(desk)
    with desk.gateway.store.read(feed=False) as view:
        rids = [each.rid for each in view.current_of(acts.known).values()]
    desk.gateway.store.write(lambda tx: tx.purge(rids))
    assert told(desk) == []
    catch_up(desk)
    with desk.gateway.store.read(feed=False) as view:
        for table in ("dossier_summary", "dossier_member", "dossier_erased"):
            assert view.rows(f"SELECT count(*) FROM {table}") == [(0,)], table


def test_a_resource_is_a_member_where_it_has_a_mark(desk: Desk) -> None:
    known = Acts(desk, 9, number=3).known.values()
    for each in known:
        plain = {name: value for name, value in each.items() if name != "meta"}
        for resource in (each, plain, {**plain, "category": [{"text": "x"}], "code": {"coding": [{"code": "x"}]}}):
            assert is_member(resource) == (next(marks(resource), None) is not None)

"""No search of a narrowed view tells of what it hides: a sentence for each way in which it could.

Source: FHIR R4, Search; this project's own, `contract.Narrowing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast
from urllib.parse import parse_qsl

import pytest

from fhir_gateway.fhir.outcome import InvalidRequest
from fhir_gateway.store.contract import EVERYONE, Narrowing, Read, Row
from fhir_gateway.store.search import explain, in_use, paging, plan, record, statement, total
from fhir_gateway.store.search.contained import find_contained
from fhir_gateway.store.search.include import follow
from fhir_gateway.store.search.narrowing import NotOfThisView
from fhir_gateway.store.search.query import SearchQuery, parse
from fhir_gateway.store.search.select import Page, find, match
from fhir_gateway.store.text.index import catch_up
from tests.store.search.library import Library, named
from tests.store.search.test_reverse_chaining import LONGEST
from tests.store.search.two_houses import OURS, THEIRS, Answered, answer, narrowing, put

US = narrowing()
KEY = b"k" * 32


def _patient(id: str, family: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": id, "name": [{"family": family}], **more}


def _observation(id: str, subject: str, **more: Any) -> dict[str, Any]:
    code = {"coding": [{"system": "urn:c", "code": "a"}]}
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": code,
        "subject": {"reference": f"Patient/{subject}"},
        **more,
    }


def _questionnaire(id: str, title: str) -> dict[str, Any]:
    return {"resourceType": "Questionnaire", "id": id, "status": "active", "url": f"urn:q:{id}", "title": title}


def _response(id: str, subject: str) -> dict[str, Any]:
    return {
        "resourceType": "QuestionnaireResponse",
        "id": id,
        "status": "completed",
        "questionnaire": "urn:q:q1",
        "subject": {"reference": f"Patient/{subject}"},
    }


def _text(words: str) -> dict[str, Any]:
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{words}</div>'}


_DAY = "effectiveDateTime"
OURS_STORED = [
    _patient("ours", "Durand", text=_text("secretword")),
    _patient("nobody", "Nobody"),
    _observation("o-ours", "ours", **{_DAY: "2020-01-02"}),
    _observation("o-of-theirs", "theirs", **{_DAY: "2020-01-04"}),
    _observation("o-inside", "ours", contained=[_patient("p", "Contenu")]),
    _response("r-ours", "ours"),
    {
        "resourceType": "List",
        "id": "l-ours",
        "status": "current",
        "mode": "working",
        "entry": [{"item": {"reference": "Patient/ours"}}, {"item": {"reference": "Patient/theirs"}}],
    },
    {"resourceType": "Basic", "id": "b-ours", "code": {"text": "x"}, "subject": {"reference": "Patient/theirs"}},
]
THEIRS_STORED = [
    _patient("theirs", "Martin", text=_text("secretword"), meta={"tag": [{"system": "urn:t", "code": "hidden"}]}),
    _patient("theirs-2", "Durand", identifier=[{"system": "urn:i", "value": "1"}]),
    _observation("o-theirs", "theirs", **{_DAY: "2020-01-03"}),
    _observation("o-theirs-of-ours", "ours", **{_DAY: "2020-01-01"}),
    _observation("o-theirs-inside", "ours", contained=[_patient("p", "Contenu")]),
    _observation("o-theirs-of-nobody", "nobody", valueString="x"),
    _response("r-theirs", "nobody"),
    {
        "resourceType": "List",
        "id": "l-theirs",
        "status": "current",
        "mode": "working",
        "entry": [{"item": {"reference": "Patient/ours"}}],
    },
]
DIRECTORY = [
    {"resourceType": "Organization", "id": "org", "name": "Seen by everyone"},
    _questionnaire("q1", "One"),
]


class Narrowed:
    """A library asked by somebody of ours."""

    def __init__(self, library: Library, within: Narrowing | None = US) -> None:
        self.library = library
        self.within = within

    def query(self, type: str | None, text: str, compartment: tuple[str, str] | None = None) -> SearchQuery:
        parameters = parse_qsl(text, keep_blank_values=True)
        registry = self.library.registry
        return parse(type, parameters, registry, strict=True, compartment=compartment, narrowing=self.within)

    def page(self, type: str | None, text: str, compartment: tuple[str, str] | None = None) -> Page:
        query = self.query(type, text, compartment)
        with self.library.store.read(narrowing=self.within) as tx:
            return (find if query.contained is None else find_contained)(tx, query)

    def ids(self, type: str | None, text: str = "", compartment: tuple[str, str] | None = None) -> list[str]:
        return sorted(each.id for each in self.page(type, text, compartment).matches)

    def included(self, type: str, text: str) -> list[str]:
        query = self.query(type, text)
        with self.library.store.read(narrowing=self.within) as tx:
            return sorted(f"{each.type}/{each.id}" for each in follow(tx, find(tx, query).matches, query))


class Noted:
    """A view that notes the statements that are run."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self.texts: list[str] = []

    def rows(self, text: str, parameters: Sequence[Any] = ()) -> list[Row]:
        self.texts.append(text)
        return self._read.rows(text, parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._read, name)


@pytest.fixture(scope="module")
def us(library: Library) -> Narrowed:
    put(library, DIRECTORY, None)
    put(library, THEIRS_STORED, THEIRS)
    put(library, OURS_STORED, OURS)
    while catch_up(library.store):
        pass
    return Narrowed(library)


# --- matches


def test_a_search_of_a_type_finds_what_is_seen(us: Narrowed) -> None:
    assert us.ids("Patient") == ["nobody", "ours"]


def test_a_search_of_everything_finds_what_is_seen_of_all_types(us: Narrowed) -> None:
    expected = sorted(each["id"] for each in [*OURS_STORED, *DIRECTORY])
    assert us.ids(None) == expected
    assert us.ids(None, "_type=Patient,Observation") == ["nobody", "o-inside", "o-of-theirs", "o-ours", "ours"]


def test_what_everyone_sees_is_seen_by_who_has_no_organisation(us: Narrowed) -> None:
    anybody = Narrowed(us.library, Narrowing((EVERYONE,)))
    assert anybody.ids(None) == ["org", "q1"]
    assert anybody.ids("Patient") == []


def test_a_hidden_resource_is_not_found_by_its_own_values(us: Narrowed) -> None:
    assert us.ids("Patient", "family=Martin") == []
    assert us.ids("Patient", "family=Durand") == ["ours"]
    assert us.ids("Patient", "identifier=urn:i|1") == []
    assert us.ids("Patient", "_id=theirs") == []
    assert us.ids(None, "_id=theirs,ours") == ["ours"]
    assert us.ids(None, "_lastUpdated=gt2020&_type=Patient") == ["nobody", "ours"]


def test_what_refers_to_a_hidden_resource_is_found_by_the_reference_that_it_shows_itself(us: Narrowed) -> None:
    assert us.ids("Observation", "subject=Patient/theirs") == ["o-of-theirs"]


def test_a_hidden_resource_neither_lacks_a_value_nor_has_another(us: Narrowed) -> None:
    assert us.ids("Patient", "identifier:missing=true") == ["nobody", "ours"]
    assert us.ids("Patient", "_id:not=ours") == ["nobody"]
    assert us.ids("Observation", "code:not=b&_count=100") == ["o-inside", "o-of-theirs", "o-ours"]


def test_words_of_a_hidden_resource_find_nothing(us: Narrowed) -> None:
    assert us.ids("Patient", "_text=secretword") == ["ours"]
    assert us.ids("Patient", "_content=Martin") == []
    assert us.ids("Patient", "_content=Durand") == ["ours"]


# --- through other resources


def test_a_chain_does_not_lead_through_a_hidden_resource(us: Narrowed) -> None:
    assert us.ids("Observation", "subject:Patient.family=Martin") == []
    assert us.ids("Observation", "subject:Patient.family=Durand") == ["o-inside", "o-ours"]
    assert us.ids("Observation", "subject:Patient._id=theirs") == []
    assert us.ids("Observation", "subject:Patient._content=secretword") == ["o-inside", "o-ours"]


def test_a_chain_by_what_is_lacking_does_not_lead_through_a_hidden_resource(us: Narrowed) -> None:
    assert us.ids("Observation", "subject:Patient.identifier:missing=true") == ["o-inside", "o-ours"]
    assert us.ids("Observation", "subject:Patient.family:missing=false") == ["o-inside", "o-ours"]
    assert us.ids("Observation", "subject:Patient._id:not=ours") == []


def test_a_chain_does_not_lead_through_what_a_hidden_resource_contains(us: Narrowed) -> None:
    put(us.library, [_observation("o-contains", "#p", contained=[_patient("p", "Inclus")]) | {
        "subject": {"reference": "#p"}}], OURS)  # fmt: skip
    put(us.library, [_observation("o-theirs-contains", "x", contained=[_patient("p", "Inclus")]) | {
        "subject": {"reference": "#p"}}], THEIRS)  # fmt: skip
    report = {"resourceType": "DiagnosticReport", "status": "final", "code": {"text": "x"}}
    refers = [{"reference": f"Observation/{id}"} for id in ("o-contains", "o-theirs-contains")]
    put(us.library, [{**report, "id": f"d{number}", "result": [each]} for number, each in enumerate(refers)], OURS)
    try:
        assert us.ids("Observation", "subject:Patient.family=Inclus") == ["o-contains"]
        assert us.ids("DiagnosticReport", "result:Observation.subject:Patient.family=Inclus") == ["d0"]
    finally:
        for type, id in [("DiagnosticReport", "d0"), ("DiagnosticReport", "d1")]:
            us.library.delete(type, id)
        us.library.delete("Observation", "o-contains")
        us.library.delete("Observation", "o-theirs-contains")


def test_has_does_not_count_hidden_resources(us: Narrowed) -> None:
    assert us.ids("Patient", "_has:Observation:subject:code=a") == ["ours"]
    assert us.ids("Patient", "_has:Observation:subject:value-string=x") == []
    assert us.ids("Patient", "_has:Observation:subject:value-string:missing=true") == ["ours"]
    assert us.ids("Patient", "_has:Observation:subject:status:not=draft") == ["ours"]
    assert us.ids("Patient", "_has:Observation:subject:_id=o-theirs-of-ours") == []


def test_has_along_a_canonical_does_not_count_hidden_resources(us: Narrowed) -> None:
    found = "_has:QuestionnaireResponse:questionnaire:subject=Patient/{}"
    assert us.ids("Questionnaire", found.format("ours")) == ["q1"]
    assert us.ids("Questionnaire", found.format("nobody")) == []


def test_a_chain_along_a_canonical_does_not_lead_through_a_hidden_resource(us: Narrowed) -> None:
    without = Narrowing(US.parties, frozenset({"QuestionnaireResponse"}))
    assert us.ids("QuestionnaireResponse", "questionnaire:Questionnaire.title=One") == ["r-ours"]
    hidden = Narrowed(us.library, without)
    assert hidden.ids("QuestionnaireResponse", "questionnaire:Questionnaire.title=One") == []


def test_nested_has_does_not_lead_through_a_hidden_resource(us: Narrowed) -> None:
    inner = "_has:Observation:subject:_has:DiagnosticReport:result:_id=any"
    assert us.ids("Patient", inner) == []
    assert us.ids("Observation", "subject:Patient._has:List:item:_id=l-theirs") == []
    assert us.ids("Observation", "subject:Patient._has:List:item:_id=l-ours") == ["o-inside", "o-ours"]


def test_a_hidden_list_has_no_members(us: Narrowed) -> None:
    assert us.ids("Patient", "_list=l-theirs") == []
    assert us.ids("Patient", "_list=l-ours") == ["ours"]


def test_a_compartment_holds_what_is_seen_of_it_whoever_it_belongs_to(us: Narrowed) -> None:
    assert us.ids("Observation", "", ("Patient", "ours")) == ["o-inside", "o-ours"]
    assert us.ids("Observation", "", ("Patient", "theirs")) == ["o-of-theirs"]
    assert us.ids(None, "_type=Patient,Basic", ("Patient", "theirs")) == ["b-ours"]


# --- what comes with matches


def test_hidden_resources_are_not_included(us: Narrowed) -> None:
    assert us.included("Observation", "_include=Observation:subject") == ["Patient/ours"]
    assert us.included("Observation", "_include=Observation:subject:Patient") == ["Patient/ours"]
    assert us.included("Patient", "_id=ours&_revinclude=Observation:subject") == [
        "Observation/o-inside",
        "Observation/o-ours",
    ]
    found = us.included("Patient", "_id=ours&_revinclude=*&_revinclude:iterate=*&_include:iterate=*")
    assert not {f"{each['resourceType']}/{each['id']}" for each in THEIRS_STORED} & set(found)


def test_contained_resources_of_a_hidden_one_are_not_found(us: Narrowed) -> None:
    page = us.page("Patient", "family=Contenu&_contained=true")
    assert [each.id for each in page.matches] == ["o-inside"]
    both = us.page("Patient", "_contained=both&_containedType=contained")
    assert sorted(each.id for each in both.matches) == ["nobody", "ours", "p"]


def test_the_order_is_that_of_what_is_seen(us: Narrowed) -> None:
    def dates(sort: str) -> list[str]:
        return [each.id for each in us.page("Observation", f"date:missing=false&_sort={sort}").matches]

    assert dates("date") == ["o-ours", "o-of-theirs"]
    assert dates("-date,code") == ["o-of-theirs", "o-ours"]


# --- counts


def test_totals_are_of_what_is_seen(us: Narrowed) -> None:
    for wish in ("_total=accurate", "_total=estimate", "_summary=count"):
        assert us.page("Patient", wish).total == 2
        assert us.page("Observation", f"code=a&{wish}").total == 3
        assert us.page("Observation", f"code=a&_count=1&{wish}").total == 3


def test_an_estimate_is_made_of_a_sample_of_what_is_seen(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    put(library, named("Encounter", (f"e{number}" for number in range(40)), status="finished"), OURS)
    put(library, named("Encounter", (f"f{number}" for number in range(400)), status="finished"), THEIRS)
    for name, value in {"EXACT": 10, "SAMPLE": 10, "_PRIMES": (2, 3, 5, 7, 11, 13, 17, 19, 23)}.items():
        monkeypatch.setattr(total, name, value)
    monkeypatch.setattr(plan, "MANY", 20)
    monkeypatch.setattr(plan, "FEW", 5)
    estimated = Narrowed(library).page("Encounter", "status=finished&_count=1&_total=estimate").total
    # A fifth of 40: the prime is one for 40 rows, not for 440.
    assert estimated is not None
    assert estimated % 5 == 0
    assert 20 <= estimated <= 60
    for prefix, number in (("e", 40), ("f", 400)):
        for each in range(number):
            library.delete("Encounter", f"{prefix}{each}")


def test_tags_and_profiles_in_use_are_those_of_what_is_seen(us: Narrowed) -> None:
    def bodies(within: Narrowing | None) -> list[bytes]:
        with us.library.store.read(narrowing=within) as tx:
            return in_use.examples(tx, us.library.registry, ["Patient"], ["_tag"], 10)

    assert len(bodies(None)) == 1
    assert bodies(US) == []


def test_explaining_a_search_tells_of_no_rows_that_are_hidden(us: Narrowed) -> None:
    query = us.query("Observation", "code=a&status=final")
    with us.library.store.read(narrowing=US) as tx:
        told = explain.explain(tx, query)
    assert [(each.name, each.estimated, each.true) for each in told.criteria] == [
        ("code", None, 3),
        ("status", None, 3),
    ]


# --- conditions, records, pages


def test_a_condition_matches_nothing_that_is_hidden(us: Narrowed) -> None:
    def matched(text: str) -> list[tuple[str, str]]:
        query = us.query("Patient", text)
        with us.library.store.read(narrowing=US) as tx:
            return match(tx, query)

    assert matched("identifier=urn:i|1") == []
    assert matched("family=Durand") == [("Patient", "ours")]


def test_a_condition_finds_what_lies_far_behind_hidden_resources(us: Narrowed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "NEAR", 1)
    query = us.query("Observation", "code=a")
    with us.library.store.read(narrowing=US) as tx:
        assert len(match(tx, query, 10)) == 3


def test_a_record_is_what_is_seen_of_it(us: Narrowed) -> None:
    registry = us.library.registry

    def ids(read: Read, members: list[record.Member]) -> list[str]:
        return sorted(each.id for each in record.versions_of(read, registry, [each.rid for each in members]))

    with us.library.store.read() as tx:
        everything = {each.id: each.rid for each in find(tx, parse(None, [("_count", "100")], registry)).matches}
        beside = record.owners_beside(tx, registry, ("Patient", "ours"), [everything["b-ours"]])
        assert beside == {everything["b-ours"]: ("Patient", "theirs")}
    with us.library.store.read(narrowing=US) as tx:
        members = record.members_of(tx, registry, ("Patient", "theirs"), 100)
        assert ids(tx, members) == ["b-ours", "o-of-theirs"]
        referred = record.referred_from(tx, registry, [everything["l-ours"], everything["o-of-theirs"]])
        assert ids(tx, referred) == ["ours"]
        assert record.versions_of(tx, registry, [everything["theirs"]]) == []
        assert record.owners_beside(tx, registry, ("Patient", "ours"), [everything["b-ours"]]) == {}
        referers = record.referers_outside(tx, registry, [everything["theirs"]], 10)
        assert sorted(id for _, id in referers) == ["b-ours", "l-ours", "o-of-theirs"]


def test_a_page_token_is_of_no_use_to_who_sees_something_else(us: Narrowed) -> None:
    page, query = us.page("Observation", "_count=1"), us.query("Observation", "_count=1")
    assert page.next is not None
    token = paging.sign(page.next, query, KEY)
    assert paging.verify(token, us.query("Observation", "_count=2"), KEY) == page.next
    others = [
        None,
        narrowing("other"),
        Narrowing(US.parties, frozenset({"Observation"})),
        Narrowing(None, frozenset({"Observation"})),
    ]
    for other in others:
        with pytest.raises(InvalidRequest):
            paging.verify(token, Narrowed(us.library, other).query("Observation", "_count=1"), KEY)


def test_a_search_read_for_somebody_else_is_not_answered(us: Narrowed) -> None:
    for parsed, view in ((None, US), (US, None), (US, narrowing("other"))):
        query = Narrowed(us.library, parsed).query("Patient", "")
        with us.library.store.read(narrowing=view) as tx:
            for ask in (find, match, explain.explain, lambda tx, query: follow(tx, [], query)):
                with pytest.raises(NotOfThisView):
                    ask(tx, query)


# --- types


def test_types_that_are_hidden_are_hidden_everywhere(us: Narrowed) -> None:
    some = Narrowed(us.library, Narrowing(US.parties, frozenset({"Observation", "List"})))
    assert some.ids("Patient") == []
    assert some.ids("Patient", "family=Durand&_total=accurate") == []
    assert some.ids(None) == ["l-ours", "o-inside", "o-of-theirs", "o-ours"]
    assert some.ids(None, "_type=Patient,List&_sort=_id") == ["l-ours"]
    assert some.ids(None, "_id=ours,l-ours") == ["l-ours"]
    assert some.page(None, "_summary=count").total == 4
    assert some.ids("Observation", "subject:Patient.family=Durand") == []
    assert some.ids("Observation", "subject:Patient.identifier:missing=true") == []
    assert some.included("Observation", "_include=*&_revinclude=*") == []
    assert some.page("Patient", "family=Contenu&_contained=true").matches == []


def test_who_belongs_to_all_parties_sees_all_of_some_types(us: Narrowed) -> None:
    some = Narrowed(us.library, Narrowing(None, frozenset({"Patient", "List"})))
    assert some.ids("Patient") == ["nobody", "ours", "theirs", "theirs-2"]
    assert some.ids("Observation") == []
    assert some.ids(None, "_sort=_id") == ["l-ours", "l-theirs", "nobody", "ours", "theirs", "theirs-2"]
    assert some.ids(None, "_id=ours,o-ours") == ["ours"]
    assert some.ids("Patient", "_has:Observation:subject:code=a") == []
    assert some.ids("Patient", "_has:List:item:_id=l-theirs") == ["ours"]
    assert some.included("Patient", "_revinclude=*") == ["List/l-ours", "List/l-theirs"]
    assert some.page(None, "_summary=count").total == 6
    assert some.page("Observation", "code=a&_summary=count").total == 0


@pytest.mark.parametrize("few", [0, 1000])
@pytest.mark.parametrize("within", [US, Narrowing(US.parties, frozenset({"Observation", "Patient", "Library"}))])
@pytest.mark.parametrize(("type", "query"), LONGEST)
def test_the_longest_chains_can_be_narrowed(
    library: Library, monkeypatch: pytest.MonkeyPatch, type: str, query: str, within: Narrowing, few: int
) -> None:
    monkeypatch.setattr(plan, "FEW", few)
    for further in ("", "&_id=o1,a,chu", "&_sort=-_id", "&_lastUpdated=gt2000"):
        found = answer(library, (type, f"{query}{further}", None), 10, within)
        assert isinstance(found, Answered)
        assert found.matches == []


# --- statements


def test_a_search_that_is_not_narrowed_asks_for_no_access(us: Narrowed) -> None:
    asked = [
        "family=a",
        "family:missing=true",
        "_has:Observation:subject:code=a",
        "organization.name=x&_sort=-birthdate",
    ]
    everybody = Narrowed(us.library, None)
    for text in asked:
        query = everybody.query("Patient", f"{text}&_total=accurate&_revinclude=*&_include=*")
        with us.library.store.read() as tx:
            noted = Noted(tx)
            follow(cast(Read, noted), find(cast(Read, noted), query).matches, query)
        assert noted.texts
        assert not [each for each in noted.texts if "i_access" in each]


def test_statements_are_not_built_again_for_another_party(us: Narrowed) -> None:
    def ask(within: Narrowing) -> list[str]:
        asking = Narrowed(us.library, within)
        for type, text in (
            ("Observation", "subject:Patient.family=Durand&_sort=date"),
            ("Patient", "family=Durand"),
            ("Patient", ""),
        ):
            query = asking.query(type, f"{text}&_include=*&_total=accurate")
            with us.library.store.read(narrowing=within) as tx:
                noted = Noted(tx)
                follow(cast(Read, noted), find(cast(Read, noted), query).matches, query)
            texts.extend(noted.texts)
        return texts

    texts: list[str] = []
    first = set(ask(narrowing("one")))
    caches = [statement.text_of, statement.counts_text, statement.probe_text, statement.set_text]
    built = [cache.cache_info().misses for cache in caches]
    assert set(ask(narrowing("another"))) == first
    assert [cache.cache_info().misses for cache in caches] == built

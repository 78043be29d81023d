"""`_sort`: every type of parameter, several keys, several values, none; pages in each order, both ways.

Source: FHIR R4, Search, "Sorting": "the sort is based on the item in the set of multiple parameters that comes earliest
in the specified sort order"; RESTful API, "Paging". What has no value comes last in both directions.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhir_gateway.store.search import plan
from fhir_gateway.store.search.paging import links
from tests.store.search.library import Library, Resource, refusals
from tests.store.search.test_paging import KEY, ids, walk


@pytest.fixture(params=["set", "walk", "bounded walk"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How a search with a criterion is run: gathered and sorted, walked, or walked a little and then gathered."""
    few, many, reach = {"set": (1000, 1000, 1000), "walk": (0, 0, 1), "bounded walk": (0, 1000, 3)}[request.param]
    monkeypatch.setattr(plan, "FEW", few)
    monkeypatch.setattr(plan, "MANY", many)
    monkeypatch.setattr(plan, "REACH", reach)
    return str(request.param)


def sorted_ids(library: Library, type: str, sort: str, rest: str = "") -> str:
    """Return the ids of all resources of a type in an order, pages of two, as one text."""
    pages = [page for _, page in walk(library, type, f"_sort={sort}&_count=2{rest}")]
    return "".join(id for page in pages for id in ids(page))


ORDERS: list[tuple[str, str, Mapping[str, Mapping[str, Any]], str, str]] = [
    # type, parameter, properties of each resource, ascending, descending
    (
        "Condition",
        "onset-date",
        {
            "a": {"onsetDateTime": "2020-03"},
            "b": {"onsetPeriod": {"start": "2020-01-01", "end": "2020-12-31"}},
            "c": {},
            "d": {"onsetPeriod": {"end": "2000"}},
        },
        "dbac",  # a Period without a start began before all time
        "abdc",
    ),
    (
        "Person",
        "name",
        {"a": {"name": [{"family": "Zola"}, {"family": "Émile"}]}, "b": {"name": [{"family": "martin"}]}, "c": {}},
        "abc",
        "abc",  # of several values the one that comes first in the order asked for
    ),
    (
        "RiskAssessment",
        "probability",
        {
            "a": {"prediction": [{"probabilityDecimal": 0.5}, {"probabilityDecimal": 0.01}]},
            "b": {"prediction": [{"probabilityDecimal": 0.1}]},
            "c": {"prediction": [{}]},
            "d": {"prediction": [{"probabilityDecimal": 0.25}]},
        },
        "abdc",
        "adbc",
    ),
    (
        "Observation",
        "value-quantity",
        {
            "a": {"valueQuantity": {"value": 10, "unit": "mg", "code": "mg", "system": "urn:u"}},
            "b": {"valueQuantity": {"value": -2.5, "unit": "g"}},
            "c": {"valueString": "many"},
            "d": {"valueQuantity": {"value": 3, "comparator": "<"}},
        },
        "dbac",
        "abdc",
    ),
    (
        "Questionnaire",
        "url",
        {"a": {"url": "urn:b"}, "b": {"url": "http://x/A"}, "c": {}, "d": {"url": "http://x/a"}},
        "bdac",
        "adbc",
    ),
    (
        "Encounter",
        "status",
        {"a": {"status": "planned"}, "b": {"status": "arrived"}, "c": {}, "d": {"status": "finished"}},
        "bdac",
        "adbc",
    ),
    (
        "Procedure",
        "code",
        {
            "a": {"code": {"coding": [{"system": "urn:z", "code": "M"}, {"code": "Q"}]}},
            "b": {"code": {"coding": [{"system": "urn:a", "code": "P"}]}},
            "c": {"code": {"text": "no code"}},
            "d": {"code": {"coding": [{"system": "urn:b", "code": "N"}]}},
        },
        "adbc",  # by the code, whatever its system
        "abdc",
    ),
    (
        "DiagnosticReport",
        "subject",
        {
            "a": {"subject": {"reference": "Patient/z"}},
            "b": {"subject": {"reference": "Group/1"}},
            "c": {"subject": {"display": "somebody"}},
            "d": {"subject": {"reference": "https://gateway.example.org/fhir/Patient/a"}},
        },
        "bdac",
        "adbc",
    ),
    ("Basic", "_id", {id: {} for id in "bca"}, "abc", "cba"),
    ("Flag", "_lastUpdated", {id: {} for id in "bca"}, "bca", "acb"),
]


@pytest.mark.parametrize(("type", "code", "resources", "ascending", "descending"), ORDERS)
def test_every_type_of_parameter_gives_an_order(
    library: Library,
    way: str,
    type: str,
    code: str,
    resources: Mapping[str, Mapping[str, Any]],
    ascending: str,
    descending: str,
) -> None:
    for id, properties in resources.items():
        library.put({"resourceType": type, "id": id, **properties})
    for rest in ("", "&_lastUpdated=gt2000", f"&_id={','.join('abcd')}"):
        assert sorted_ids(library, type, code, rest) == ascending
        assert sorted_ids(library, type, f"-{code}", rest) == descending


def test_equals_come_in_the_direction_of_the_last_key(library: Library, way: str) -> None:
    for id in "abcd":
        library.put(
            {"resourceType": "Appointment", "id": id, "status": "booked", "start": f"2020-01-0{1 + ord(id) % 2}"}
        )
    assert sorted_ids(library, "Appointment", "status") == "abcd"
    assert sorted_ids(library, "Appointment", "-status") == "dcba"
    assert sorted_ids(library, "Appointment", "status,date") == "bdac"
    assert sorted_ids(library, "Appointment", "status,-date") == "cadb"
    assert sorted_ids(library, "Appointment", "-date,status") == "acbd"


def test_a_search_of_several_types_sorts_them_together(library: Library, way: str) -> None:
    for id, type in zip("abcdef", itertools.cycle(["Immunization", "Media"]), strict=False):
        day = {"occurrenceDateTime": f"2020-01-{ord('z') - ord(id):02}"} if type == "Immunization" else {}
        library.put({"resourceType": type, "id": id, "status": "completed" if id < "d" else "amended", **day})
    text = "_type=Immunization,Media&_count=2&_sort="
    found = {sort: "".join(id for _, page in walk(library, None, text + sort) for id in ids(page)) for sort in SEVERAL}
    assert found == SEVERAL
    # A parameter must be one of each type.
    assert refusals(None, text + "date") == ["search-parameter-unknown"]


SEVERAL = {
    "status": "defabc",
    "-status": "cbafed",
    "status,-_id": "fedcba",
    "-_id": "fedcba",
    "status,_lastUpdated": "defabc",
}


@pytest.mark.parametrize(
    ("type", "sort", "codes"),
    [
        ("Patient", "colour", ["search-parameter-unknown"]),
        ("Patient", "name,-colour,shape", ["search-parameter-unknown"]),
        ("Patient", "_score", ["search-parameter-unknown"]),
        ("Observation", "code-value-quantity", ["search-sort-impossible"]),
        ("Location", "near,name", ["search-sort-impossible"]),
        ("Patient", "name,", ["search-value-empty"]),
        ("Patient", "-", ["search-value-empty"]),
        ("Patient", "name,-birthdate,name", []),
    ],
)
def test_what_gives_no_order_is_refused(type: str, sort: str, codes: list[str]) -> None:
    assert refusals(type, f"_sort={sort}") == codes


# --- pages


def _runs() -> list[Resource]:
    """Resources with long runs of equal values, several values and none."""
    return [
        {
            "resourceType": "Observation",
            "id": f"r{number:03}",
            "status": "final" if number % 7 else "amended",
            "code": {"coding": [{"code": "xyz"[number % 3]}] if number % 5 else []},
            **({"effectiveDateTime": f"2020-01-{1 + number % 4:02}"} if number % 6 else {}),
            "note": [{"text": "here"}],
        }
        for number in range(70)
    ]


def _value(resource: Resource, code: str) -> Any:
    if code == "code":
        return resource["code"]["coding"][0]["code"] if resource["code"]["coding"] else None
    return resource.get({"date": "effectiveDateTime", "status": "status", "_id": "id"}[code])


def reference(resources: Sequence[Resource], sort: str) -> list[str]:
    """Return ids as Python sorts them: `resources` are in the order of their rids."""
    found = list(resources)
    keys = sort.split(",")
    if keys[-1].startswith("-"):
        found.reverse()
    for key in reversed(keys):
        code = key.removeprefix("-")
        valued = [each for each in found if _value(each, code) is not None]
        valued.sort(key=lambda each: _value(each, code), reverse=False)
        if key.startswith("-"):
            # Reversed group by group: equals keep the order they have.
            groups = [list(group) for _, group in itertools.groupby(valued, key=lambda each: _value(each, code))]
            valued = [each for group in reversed(groups) for each in group]
        found = [*valued, *(each for each in found if _value(each, code) is None)]
    return [each["id"] for each in found]


RUNS = _runs()
SORTS = [
    "status",
    "-status",
    "date",
    "-date",
    "status,date",
    "status,-date",
    "-code,date,_id",
    "code,status,-date",
    "-date,code",
]


@pytest.fixture(scope="module")
def runs(library: Library) -> Library:
    for chunk in range(0, len(RUNS), 9):
        library.put(*RUNS[chunk : chunk + 9])
    return library


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("count", [1, 4, 11])
def test_pages_inside_long_runs_hold_each_match_once_in_order(runs: Library, way: str, sort: str, count: int) -> None:
    expected = [id for id in reference(RUNS, sort) if id.startswith("r")]
    forward = [ids(page) for _, page in walk(runs, "Observation", f"_id:not=a,b,c,d&_sort={sort}&_count={count}")]
    assert [id for page in forward for id in page] == expected
    tested = [ids(page) for _, page in walk(runs, "Observation", f"status=final,amended&_sort={sort}&_count={count}")]
    assert [id for page in tested for id in page] == expected


@pytest.mark.parametrize("sort", SORTS)
def test_previous_links_lead_back_the_same_way(runs: Library, way: str, sort: str) -> None:
    forward = list(walk(runs, "Observation", f"status=final,amended&_sort={sort}&_count=9"))
    back = links(*forward[-1], KEY)["previous"]
    text = "&".join(f"{name}={value}" for name, value in back)
    backward = list(walk(runs, "Observation", text, "previous"))
    assert [ids(page) for _, page in backward] == [ids(page) for _, page in forward[-2::-1]]
    assert "previous" not in links(*backward[-1], KEY)


@pytest.mark.parametrize("sort", ["date", "-date", "status,-date"])
def test_a_walk_in_an_order_neither_repeats_nor_loses_what_stays_where_it_is(
    library: Library, way: str, sort: str
) -> None:
    type = "ServiceRequest"

    def request(id: str, day: int, **properties: Any) -> Resource:
        dated = {"occurrenceDateTime": f"2021-01-{day:02}", "authoredOn": f"2021-01-{day:02}"}
        return {"resourceType": type, "id": id, "status": "active", **dated, **properties}

    sort = sort.replace("date", "authored")
    mark = uuid4().hex
    stays = [f"{mark}{number}" for number in range(8)]
    for number, id in enumerate(stays):
        library.put(request(id, 10 + number // 3, identifier=[{"value": mark}]))
    seen: list[str] = []
    for step, (_, page) in enumerate(walk(library, type, f"identifier={mark}&_sort={sort}&_count=2")):
        seen += ids(page)
        library.put(*(request(f"{mark}x{step}{day}", day, identifier=[{"value": mark}]) for day in (1, 11, 28)))
        library.put(
            request(stays[step % 8], 10 + (step % 8) // 3, identifier=[{"value": mark}], note=[{"text": "seen"}])
        )
        if step:
            library.delete(type, f"{mark}x{step - 1}11")
    assert [id for id in seen if id in stays] == [id for id in dict.fromkeys(seen) if id in stays]
    assert sorted(id for id in seen if id in stays) == stays
    assert len(seen) == len(set(seen))


# --- hypothesis

_values = st.fixed_dictionaries(
    {"status": st.sampled_from(["final", "amended", "unknown"])},
    optional={
        "effectiveDateTime": st.sampled_from(["2019", "2019-01-01", "2020-05-05T10:00:00Z", "2021"]),
        "valueQuantity": st.integers(-2, 2).map(lambda value: {"value": value, "unit": "g"}),
        "category": st.lists(
            st.sampled_from("pqr").map(lambda code: {"coding": [{"code": code}]}), min_size=1, max_size=3
        ),
    },
)
_CODES = ["status", "date", "value-quantity", "category"]
_LOW = {"2019": "2019-01-01T00", "2019-01-01": "2019-01-01T00", "2021": "2021-01-01"}


def _first(resource: Resource, code: str, descends: bool) -> Any:
    match code:
        case "status":
            return resource["status"]
        case "date":
            text = resource.get("effectiveDateTime")
            return None if text is None else _LOW.get(text, text)
        case "value-quantity":
            return resource["valueQuantity"]["value"] if "valueQuantity" in resource else None
    codes = [each["coding"][0]["code"] for each in resource.get("category", ())]
    return (max if descends else min)(codes) if codes else None


def python_order(resources: Sequence[Resource], keys: Sequence[tuple[str, bool]]) -> list[str]:
    found = list(resources)
    if keys[-1][1]:
        found.reverse()
    for code, descends in reversed(keys):
        valued = [each for each in found if _first(each, code, descends) is not None]
        # Stable both ways: `reverse` keeps the order of equals.
        valued.sort(key=lambda each: _first(each, code, descends), reverse=descends)
        found = [*valued, *(each for each in found if _first(each, code, descends) is None)]
    return [each["id"] for each in found]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(_values, min_size=1, max_size=14),
    st.lists(st.tuples(st.sampled_from(_CODES), st.booleans()), min_size=1, max_size=4, unique_by=lambda key: key[0]),
    st.integers(1, 6),
    st.booleans(),
)
def test_pages_of_any_size_in_any_order_are_as_python_sorts(
    library: Library, way: str, values: list[dict[str, Any]], keys: list[tuple[str, bool]], count: int, filtered: bool
) -> None:
    mark = uuid4().hex
    resources = [
        {
            "resourceType": "Observation",
            "id": f"{mark[:8]}-{number}",
            "identifier": [{"value": mark}],
            "code": {"text": "x"},
            **each,
        }
        for number, each in enumerate(values)
    ]
    library.put(*resources[: len(resources) // 2])
    library.put(*resources[len(resources) // 2 :])
    sort = ",".join(f"{'-' if descends else ''}{code}" for code, descends in keys)
    rest = "&status=final,amended" if filtered else ""
    expected = python_order([each for each in resources if not filtered or each["status"] != "unknown"], keys)
    forward = list(walk(library, "Observation", f"identifier={mark}&_sort={sort}&_count={count}{rest}"))
    assert [id for _, page in forward for id in ids(page)] == expected
    if len(forward) > 1:
        back = "&".join(f"{name}={value}" for name, value in links(*forward[-1], KEY)["previous"])
        backward = [ids(page) for _, page in walk(library, "Observation", back, "previous")]
        assert backward == [ids(page) for _, page in forward[-2::-1]]

"""Search parameters that come, change and go while the gateway runs.

Source: FHIR R4, SearchParameter; Search. The complaints of other servers' users: a parameter that has no effect, that
finds some of the resources only, that needs a restart.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from fhir_gateway.interactions import reindex, search_state
from fhir_gateway.interactions.gateway import Searching, SearchState
from fhir_gateway.store import jobs
from fhir_gateway.store.contract import Locks, Write
from fhir_gateway.store.index.indexer import Indexer
from fhir_gateway.store.search.registry import Registry
from tests.interactions.conftest import R4
from tests.interactions.desk import BASE, Desk, bundle, entry, observation, patient, statuses

URL = "https://gateway.test/SearchParameter/"
COLOUR = "https://gateway.test/StructureDefinition/eye-colour"


def parameter(code: str = "eye-colour", type: str = "string", expression: str | None = None, **more: Any) -> Any:
    return {
        "resourceType": "SearchParameter",
        "url": URL + code,
        "name": "Custom",
        "status": "active",
        "description": "x",
        "code": code,
        "base": ["Patient"],
        "type": type,
        "expression": expression or f"Patient.extension('{COLOUR}').value as string",
        **more,
    }


def eyes(id: str, colour: str, **more: Any) -> dict[str, Any]:
    return patient(id, extension=[{"url": COLOUR, "valueString": colour}], **more)


def settle(desk: Desk) -> None:
    """Carry out all jobs, as the background does."""
    for _ in range(1000):
        with desk.gateway.store.read() as view:
            if not jobs.jobs_at_work(view):
                return
        reindex.step(desk.gateway)
    raise AssertionError("jobs do not end")


def found(desk: Desk, url: str) -> list[str]:
    matches = [each for each in desk.get(url).get("entry", ()) if each["search"]["mode"] == "match"]
    return sorted(each["resource"]["id"] for each in matches)


def test_a_parameter_finds_what_is_stored_after_it(desk: Desk) -> None:
    desk.put(parameter(id="eyes"))
    settle(desk)
    desk.put(eyes("p1", "Brun"))
    desk.put(eyes("p2", "vert"))
    assert found(desk, "Patient?eye-colour=brun") == ["p1"]
    assert found(desk, "Patient?eye-colour:missing=true") == []


@pytest.mark.parametrize(
    ("type", "expression", "asked", "matching"),
    [
        ("string", "Patient.name.select(given.first() & ' ' & family)", "jeanne moreau", ["p1"]),
        ("string", "Patient.name.where(use.empty() or use != 'old').family", "durand", []),
        ("string", "Patient.contact.name.where($index = 0).family", "petit", ["p1"]),
        ("number", "Patient.name.count()", "2", ["p1"]),
        ("number", "Patient.multipleBirth.as(integer) + 1", "3", ["p2"]),
        ("token", "Patient.telecom.where(system = 'phone' and use in ('home' | 'work')).value", "0102", ["p1"]),
        ("token", "Patient.birthDate < @1990-01-01", "true", ["p1"]),
        ("token", f"Patient.extension('{COLOUR}').value.as(string).lower()", "brun", ["p1"]),
        ("token", "iif(active, identifier, Patient.identifier.where(use = 'official'))", "urn:x|1", ["p1"]),
        ("date", "Patient.birthDate.toString().substring(0, 4).toDate()", "1980", ["p1"]),
        ("date", "(Patient.birthDate + 18 years).where($this < @2010)", "1998", ["p1"]),
        ("reference", "Patient.generalPractitioner.where(resolve() is Practitioner and identifier.empty())",
         "Practitioner/d", ["p1"]),
        ("token", "Patient.managingOrganization.resolve().as(Organization).identifier", "7", ["p2"]),
        ("uri", "Patient.descendants().ofType(Identifier).system", "urn:x", ["p1"]),
    ],
)  # fmt: skip
def test_a_parameter_may_use_all_of_fhirpath(
    desk: Desk, type: str, expression: str, asked: str, matching: list[str]
) -> None:
    desk.put({"resourceType": "Practitioner", "id": "d"})
    jeanne = {"given": ["Jeanne", "Marie"], "family": "Moreau"}
    desk.put(
        eyes(
            "p1", "BRUN", active=True, birthDate="1980-05-05", name=[jeanne, {"family": "Durand", "use": "old"}],
            contact=[{"name": {"family": "Petit"}}, {"name": {"family": "Grand"}}],
            telecom=[{"system": "phone", "use": "home", "value": "0102"}, {"system": "email", "value": "a@b.test"}],
            identifier=[{"system": "urn:x", "value": "1"}],
            generalPractitioner=[{"reference": "Practitioner/d"}],
        )
    )  # fmt: skip
    organization = {"resourceType": "Organization", "id": "o", "name": "O", "identifier": [{"value": "7"}]}
    desk.put(
        patient(
            "p2", birthDate="2001", multipleBirthInteger=2, contained=[organization],
            managingOrganization={"reference": "#o"}, identifier=[{"system": "urn:y", "value": "1"}],
            telecom=[{"system": "phone", "use": "old", "value": "0102"}],
        )
    )  # fmt: skip
    desk.put(parameter("rule", type, expression, id="rule"))
    settle(desk)
    asked = asked.replace(" ", "%20").replace("|", "%7C")
    assert found(desk, f"Patient?rule={asked}") == matching


def test_a_composite_may_use_all_of_fhirpath(desk: Desk) -> None:
    parts = [{"definition": f"{URL}system", "expression": "system"},
             {"definition": f"{URL}number", "expression": "value.replace(' ', '')"}]  # fmt: skip
    desk.put(parameter("system", "token", "Patient.telecom.system", id="system"))
    desk.put(parameter("number", "token", "Patient.telecom.value", id="number"))
    desk.put(parameter("reached", "composite", "Patient.telecom.where(rank.empty() or rank < 3)", id="reached",
                       component=parts))  # fmt: skip
    settle(desk)
    desk.put(patient("p1", telecom=[{"system": "phone", "value": "01 02"}, {"system": "email", "value": "a@b.test"}]))
    desk.put(patient("p2", telecom=[{"system": "phone", "value": "01 02", "rank": 4}]))
    assert found(desk, "Patient?reached=phone$0102") == ["p1"]
    assert found(desk, "Patient?reached=email$0102") == []


def test_a_parameter_finds_what_was_stored_before_it(desk: Desk) -> None:
    desk.put(eyes("p1", "Brun"))
    desk.put(patient("p2"))
    desk.put(parameter(id="eyes"))
    settle(desk)
    assert found(desk, "Patient?eye-colour=brun") == ["p1"]
    assert found(desk, "Patient?eye-colour:missing=true") == ["p2"]
    assert desk.versions("Patient", "p1") == ["1"]


def test_until_all_is_indexed_a_search_is_refused_and_never_misses(desk: Desk) -> None:
    desk.put(eyes("p1", "Brun"))
    desk.put(parameter(id="eyes"))
    desk.put(eyes("p2", "Brun"))
    refused = desk.refused("GET", "Patient?eye-colour=brun")
    assert refused.status == 400
    assert refused.issues == (("search-parameter-being-indexed", None),)
    assert "job=1" in refused.texts[0]
    chained = desk.refused("GET", "Observation?subject:Patient.eye-colour=brun")
    assert chained.issues[0][0] == "search-parameter-being-indexed"
    settle(desk)
    assert found(desk, "Patient?eye-colour=brun") == ["p1", "p2"]


def test_lenient_passes_over_a_parameter_that_is_being_indexed_and_names_it(desk: Desk) -> None:
    desk.put(eyes("p1", "Brun"))
    desk.put(parameter(id="eyes"))
    answer = desk.ask("GET", "Patient?eye-colour=vert", lenient=True)
    assert answer.body is not None
    assert b"search-parameter-being-indexed" in answer.body
    assert b"eye-colour=vert" not in answer.body  # absent from the self link
    assert b'"id":"p1"' in answer.body


@pytest.mark.parametrize("status", ["draft", "retired", "unknown"])
def test_only_an_active_parameter_takes_effect(desk: Desk, status: str) -> None:
    desk.put(parameter(id="eyes", status=status, expression="not FHIRPath ("))
    assert desk.refused("GET", "Patient?eye-colour=brun").issues[0][0] == "search-parameter-unknown"


@pytest.mark.parametrize("how", ["deleted", "retired"])
def test_a_parameter_that_goes_away_is_unknown_at_once_and_indexed_again_when_it_returns(desk: Desk, how: str) -> None:
    desk.put(parameter(id="eyes"))
    settle(desk)
    desk.put(eyes("p1", "Brun"))
    if how == "deleted":
        desk.ask("DELETE", "SearchParameter/eyes")
    else:
        desk.put(parameter(id="eyes", status="retired"))
    assert desk.refused("GET", "Patient?eye-colour=brun").issues[0][0] == "search-parameter-unknown"
    desk.put(eyes("p2", "Brun"))
    desk.put(parameter(id="eyes"))
    assert desk.refused("GET", "Patient?eye-colour=brun").issues[0][0] == "search-parameter-being-indexed"
    settle(desk)
    assert found(desk, "Patient?eye-colour=brun") == ["p1", "p2"]


def test_a_changed_expression_is_indexed_anew_and_a_changed_description_is_not(desk: Desk) -> None:
    desk.put(eyes("p1", "Brun", name=[{"family": "Brunet"}]))
    desk.put(parameter(id="eyes"))
    settle(desk)
    desk.put(parameter(id="eyes", description="y"))
    assert found(desk, "Patient?eye-colour=brun") == ["p1"]
    desk.put(parameter(id="eyes", expression="Patient.name.family"))
    assert desk.refused("GET", "Patient?eye-colour=brun").issues[0][0] == "search-parameter-being-indexed"
    settle(desk)
    assert found(desk, "Patient?eye-colour=brunet") == ["p1"]
    assert found(desk, "Patient?eye-colour:exact=Brun") == []


@pytest.mark.parametrize(
    ("wrong", "issues"),
    [
        ({"expression": "Patient.nom"}, [("search-expression-element-unknown", "SearchParameter.expression")]),
        ({"expression": "Patient.name.family.upper("},
         [("search-expression-unreadable", "SearchParameter.expression")]),
        ({"base": ["Malade"]}, [("search-parameter-base-unknown", "SearchParameter.base")]),
        ({"type": "special"}, [("search-parameter-type-not-indexed", "SearchParameter.type")]),
        ({"code": "name"}, [("search-parameter-code-taken", "SearchParameter.code")]),
        ({"code": "_eyes"}, [("search-parameter-code-impossible", "SearchParameter.code")]),
        ({"code": "a.b"}, [("search-parameter-code-impossible", "SearchParameter.code")]),
        ({"type": "composite", "expression": "Patient.name",
          "component": [{"definition": "https://gateway.test/none", "expression": "family"}]},
         [("search-parameter-component-unknown", "SearchParameter.component.definition")]),
        ({"url": "http://hl7.org/fhir/SearchParameter/Patient-active", "code": "active"},
         [("search-parameter-standard", "SearchParameter.url")]),
        ({"code": "name:exact", "base": ["Malade", "Person"], "expression": "Person.nom"},
         [("search-parameter-code-impossible", "SearchParameter.code"),
          ("search-parameter-base-unknown", "SearchParameter.base"),
          ("search-expression-element-unknown", "SearchParameter.expression")]),
    ],
)  # fmt: skip
def test_what_cannot_take_effect_is_refused_with_all_its_reasons(
    desk: Desk, wrong: dict[str, Any], issues: list[tuple[str, str]]
) -> None:
    refused = desk.refused("POST", "SearchParameter", parameter(**wrong))
    assert refused.status == 422
    assert sorted(refused.issues) == sorted(issues)
    assert desk.get("SearchParameter?_summary=count")["total"] == 0


def test_an_incomplete_parameter_is_told_everything_it_lacks(desk: Desk) -> None:
    sent = {"resourceType": "SearchParameter", "status": "active", "name": "x", "description": "x"}
    refused = desk.refused("POST", "SearchParameter", sent)
    assert refused.status == 422
    names = ("url", "code", "type", "base", "expression")
    assert refused.issues == tuple(("search-parameter-element-missing", f"SearchParameter.{name}") for name in names)


def test_two_parameters_of_one_code_and_type_are_refused(desk: Desk) -> None:
    desk.put(parameter(id="eyes"))
    refused = desk.refused("POST", "SearchParameter", parameter(url=URL + "other"))
    assert refused.issues == (("search-parameter-code-taken", "SearchParameter.code"),)
    assert URL + "eye-colour" in refused.texts[0]
    assert desk.put(parameter(id="other", url=URL + "other", base=["Person"], expression="Person.name.text"))


def test_a_standard_parameter_loaded_as_it_is_changes_nothing(desk: Desk) -> None:
    standard = R4.resource("SearchParameter", "http://hl7.org/fhir/SearchParameter/individual-birthdate")
    assert standard is not None
    desk.put({**standard, "id": "birthdate", "status": "active"})
    desk.put(patient("p1", birthDate="1970-01-01"))
    assert found(desk, "Patient?birthdate=1970") == ["p1"]


def test_a_refused_parameter_undoes_its_transaction(desk: Desk) -> None:
    refused = desk.transaction_refused(
        entry("POST", "Patient", patient()), entry("POST", "SearchParameter", parameter(expression="Patient.nom"))
    )
    assert refused.status == 422
    assert refused.issues == (("search-expression-element-unknown", "Bundle.entry[1].resource.expression"),)
    assert desk.get("Patient?_summary=count")["total"] == 0


def test_a_transaction_may_bring_a_composite_with_its_components_and_resources_with_both(desk: Desk) -> None:
    use = parameter("name-use", "token", "Patient.name.use", id="use")
    since = parameter("name-since", "date", "Patient.name.period", id="since")
    components = [
        {"definition": URL + "name-use", "expression": "use"},
        {"definition": URL + "name-since", "expression": "period"},
    ]
    both = parameter("use-since", "composite", "Patient.name", id="both", component=components)
    who = eyes("p1", "Brun", name=[{"use": "official", "period": {"start": "2001-01-01", "end": "2001-02-01"}}])
    response = desk.transact(
        entry("PUT", "SearchParameter/both", both),
        entry("PUT", "SearchParameter/use", use),
        entry("PUT", "SearchParameter/since", since),
        entry("PUT", "SearchParameter/eyes", parameter(id="eyes")),
        entry("PUT", "Patient/p1", who),
    )
    assert statuses(response) == ["201 Created"] * 5
    settle(desk)
    assert found(desk, "Patient?eye-colour=brun") == ["p1"]
    assert found(desk, "Patient?name-since=2001") == ["p1"]
    assert found(desk, "Patient?use-since=official$2001") == ["p1"]
    assert found(desk, "Patient?use-since=old$2001") == []
    refused = desk.refused("DELETE", "SearchParameter/since")
    assert (refused.status, refused.issues) == (422, (("search-parameter-needed", None),))
    desk.transact(entry("DELETE", "SearchParameter/since"), entry("DELETE", "SearchParameter/both"))
    assert desk.refused("GET", "Patient?use-since=old$2001").issues[0][0] == "search-parameter-unknown"


def test_the_capability_statement_lists_it_while_it_can_be_searched_by(desk: Desk) -> None:
    def listed() -> bool:
        (rest,) = desk.get("metadata")["rest"]
        (of_patient,) = [each for each in rest["resource"] if each["type"] == "Patient"]
        return {"name": "eye-colour", "definition": URL + "eye-colour", "type": "string"} in of_patient["searchParam"]

    assert not listed()
    desk.put(parameter(id="eyes"))
    assert not listed()
    settle(desk)
    assert listed()
    desk.ask("DELETE", "SearchParameter/eyes")
    assert not listed()


def test_custom_parameters_work_in_chains_has_includes_and_sort(desk: Desk) -> None:
    desk.put(parameter(id="eyes"))
    friend = "https://gateway.test/StructureDefinition/friend"
    desk.put(
        parameter(
            "friend", "reference", f"Patient.extension('{friend}').value as Reference", id="friend", target=["Patient"]
        )
    )
    settle(desk)
    desk.put(eyes("p1", "Brun"))
    desk.put(
        patient("p2", extension=[{"url": friend, "valueReference": {"reference": "Patient/p1"}},
                                 {"url": COLOUR, "valueString": "Vert"}])
    )  # fmt: skip
    desk.put(observation("Patient/p2", "o2"))
    assert found(desk, "Patient?friend=Patient/p1") == ["p2"]
    assert found(desk, "Patient?friend.eye-colour=brun") == ["p2"]
    assert found(desk, "Observation?subject:Patient.friend.eye-colour=brun") == ["o2"]
    assert found(desk, "Patient?_has:Patient:friend:eye-colour=vert") == ["p1"]
    included = desk.get("Patient?friend=Patient/p1&_include=Patient:friend")["entry"]
    assert [(each["resource"]["id"], each["search"]["mode"]) for each in included] == [
        ("p2", "match"), ("p1", "include")]  # fmt: skip
    ordered = [each["resource"]["id"] for each in desk.get("Patient?_sort=-eye-colour")["entry"]]
    assert ordered == ["p2", "p1"]


def test_a_base_of_all_resources_gives_every_type_the_parameter(desk: Desk) -> None:
    desk.put(parameter("note", "string", "extension('urn:x').value as string", id="note", base=["DomainResource"]))
    settle(desk)
    marked = [{"url": "urn:x", "valueString": "à revoir"}]
    desk.put(patient("p1", extension=marked))
    desk.put(observation("Patient/p1", "o1", extension=marked))
    assert found(desk, "Patient?note=a%20revoir") == ["p1"]
    assert found(desk, "Observation?note=a%20revoir") == ["o1"]


def another_process(desk: Desk) -> Desk:
    """Return a gateway over the same store that has read nothing yet, as a process that has just begun has."""
    state = desk.gateway.searching.state
    registry = state.registry.with_parameters(R4.search_parameters, state.registry.pids, {})
    assert isinstance(registry, Registry)
    fresh = SearchState(R4, Indexer(R4.search_parameters, state.registry.pids, BASE), registry)
    return Desk(replace(desk.gateway, searching=Searching(fresh)))


def test_another_process_knows_a_parameter_before_its_next_write(desk: Desk) -> None:
    other = another_process(desk)
    desk.put(parameter(id="eyes"))
    settle(desk)
    other.put(eyes("p1", "Brun"))  # has not heard of it, and must not write without rows for it
    assert found(desk, "Patient?eye-colour=brun") == ["p1"]
    assert found(other, "Patient?eye-colour=brun") == ["p1"]


def test_another_process_answers_a_search_by_a_parameter_it_has_not_heard_of(desk: Desk) -> None:
    other = another_process(desk)
    desk.put(eyes("p1", "Brun"))
    desk.put(parameter(id="eyes"))
    settle(desk)
    assert found(other, "Patient?eye-colour=brun") == ["p1"]


def test_a_process_that_starts_knows_the_parameters_that_were_stored(desk: Desk) -> None:
    desk.put(parameter(id="eyes"))
    settle(desk)
    desk.put(eyes("p1", "Brun"))
    started = another_process(desk)
    assert search_state.renew(started.gateway)
    assert not search_state.renew(started.gateway)
    assert found(started, "Patient?eye-colour=brun") == ["p1"]
    assert "eye-colour" in started.gateway.definitions.search_parameters.of("Patient")


def test_what_was_being_written_when_a_parameter_came_is_indexed_by_it_too(desk: Desk) -> None:
    """A writer that began before, and ends after the job has begun, must not slip through without rows."""
    if desk.gateway.store.dialect == "sqlite":
        pytest.skip("SQLite has one writer: nothing else is being written")
    begun, go_on = threading.Event(), threading.Event()
    other = another_process(desk)

    def slowly(work: Any, locks: Locks = Locks()) -> Any:  # noqa: B008 - frozen and empty
        def held(tx: Write) -> Any:
            result = work(tx)
            begun.set()
            assert go_on.wait(10)
            return result

        return desk.gateway.store.write(held, locks)

    class Slow:
        dialect = "postgresql"

        def __getattr__(self, name: str) -> Any:
            return slowly if name == "write" else getattr(desk.gateway.store, name)

    slow = Desk(replace(other.gateway, store=Slow()))  # type: ignore[arg-type]
    writer = threading.Thread(target=slow.put, args=(eyes("p1", "Brun"),))
    writer.start()
    assert begun.wait(10)
    desk.put(parameter(id="eyes"))
    for _ in range(10):  # the job waits for that writer
        reindex.step(desk.gateway)
    assert desk.refused("GET", "Patient?eye-colour=brun").issues[0][0] == "search-parameter-being-indexed"
    go_on.set()
    writer.join(10)
    settle(desk)
    assert found(desk, "Patient?eye-colour=brun") == ["p1"]


def test_parameters_stored_one_after_another_share_a_job_that_has_not_begun(desk: Desk) -> None:
    desk.put(eyes("p1", "Brun"))
    for number in range(5):
        desk.put(parameter(f"eyes-{number}", id=f"eyes-{number}"))
    with desk.gateway.store.read() as view:
        (job,) = jobs.jobs_at_work(view)
    assert job.detail["parameters"] == [f"{URL}eyes-{number}" for number in range(5)]
    settle(desk)
    assert found(desk, "Patient?eyes-0=brun&eyes-4=brun") == ["p1"]


def test_batch_and_patch_change_parameters_too(desk: Desk) -> None:
    sent = bundle(entry("PUT", "SearchParameter/eyes", parameter(id="eyes")), type="batch")
    desk.ask("POST", "", sent)
    settle(desk)
    assert found(desk, "Patient?eye-colour=brun") == []
    desk.ask("PATCH", "SearchParameter/eyes", patch=[{"op": "replace", "path": "/status", "value": "retired"}])
    assert desk.refused("GET", "Patient?eye-colour=brun").issues[0][0] == "search-parameter-unknown"

"""What consents permit at a date: provisions, versions, withdrawal; and the right form for each person.

Source: FHIR R4, Consent; code civil, article 16-10; blank forms of the PFMG (GenomeCAD/checkconsents).
"""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.codes import concept
from fhir_gateway.dossier.consent import Decision, decision
from fhir_gateway.dossier.forms import expected, is_minor
from fhir_gateway.fhir.outcome import InvalidRequest
from fhir_gateway.fhir.primitives import interval_of
from tests.dossier.family import NOW, Resource, consent, dossier_of, edge, patient, provision, ref, request, trio

PATIENT = ("Patient/mother",)


def given_by(*answers: Resource, id: str = "c", **more: object) -> Resource:
    return consent(id, "mother", "tiers-apparente", **{"provision": {"provision": list(answers)}, **more})


def ask(*consents: Resource, at: str = NOW, code: str = "examen") -> Decision:
    return decision(consents, PATIENT, code, at)


def test_a_provision_permits_from_the_day_of_signature_on():
    held = given_by(provision("examen", "permit"))
    assert ask(held, at="2026-01-19T23:59:59Z").answer == "unknown"
    told = ask(held, at="2026-01-20")
    assert (told.answer, told.expression, told.consent) == ("permit", "Consent.provision.provision[0]", held)


def test_a_question_that_nobody_answered_is_unknown_and_never_permitted():
    held = given_by(provision("examen", "permit"))
    assert ask(held, code="recherche-donnees") == Decision("unknown")


def test_the_consents_of_others_say_nothing():
    assert decision([given_by(provision("examen", "permit"))], ("Patient/father",), "examen", NOW).answer == "unknown"


@pytest.mark.parametrize("status", ["draft", "proposed", "rejected", "entered-in-error"])
def test_what_was_never_signed_says_nothing(status: str):
    assert ask(given_by(provision("examen", "permit"), status=status)).answer == "unknown"


def test_an_answer_ends_with_its_period_the_last_day_included():
    held = given_by(provision("examen", "permit", start="2026-02-01", end="2026-02-10"))
    days = ("2026-01-31", "2026-02-01", "2026-02-10T23:00:00Z", "2026-02-11")
    assert [ask(held, at=day).answer for day in days] == ["unknown", "permit", "permit", "unknown"]


def test_a_partial_withdrawal_refuses_one_question_from_its_day_on():
    held = given_by(provision("recherche-donnees", "deny", start="2026-03-01"), provision("examen", "permit"))
    before = given_by(provision("recherche-donnees", "permit"), provision("examen", "permit"), id="earlier")
    assert ask(held, before, at="2026-02-28", code="recherche-donnees").answer == "permit"
    assert ask(held, before, at="2026-03-01", code="recherche-donnees").answer == "deny"
    assert ask(held, before, at="2026-03-01").answer == "permit"


def test_a_changed_answer_of_a_later_version_holds_from_when_it_was_written():
    first = given_by(provision("examen", "permit"), meta={"lastUpdated": "2026-01-21T10:00:00Z"})
    second = given_by(provision("examen", "deny"), meta={"lastUpdated": "2026-04-01T10:00:00Z"})
    answers = [ask(second, first, at=at).answer for at in ("2026-01-20", "2026-03-31", "2026-04-01T10:00:00Z")]
    assert answers == ["permit", "permit", "deny"]


def test_an_answer_that_a_later_version_repeats_holds_from_its_signature():
    first = given_by(provision("examen", "permit"), meta={"lastUpdated": "2026-01-21T10:00:00Z"})
    second = given_by(provision("examen", "permit"), meta={"lastUpdated": "2026-04-01T10:00:00Z"}, note="corrected")
    assert ask(first, second).since == interval_of("2026-01-20").low


def test_a_whole_withdrawal_without_any_date_refuses_from_the_signature_on():
    assert ask(given_by(provision("examen", "permit"), status="inactive")).answer == "deny"


def test_a_whole_withdrawal_refuses_everything_from_its_day_on():
    held = given_by(provision("examen", "permit"), provision("resultat", "permit"), status="inactive")
    held["provision"]["period"] = {"end": "2026-03-01"}
    assert ask(held, at="2026-02-28").answer == "permit"
    told = ask(held, at="2026-03-01", code="resultat")
    assert (told.answer, told.expression) == ("deny", "Consent.status")


def test_a_whole_withdrawal_without_its_day_counts_from_when_it_was_written():
    meta = {"lastUpdated": "2026-03-01T12:00:00Z"}
    held = given_by(provision("examen", "permit"), status="inactive", meta=meta)
    assert [ask(held, at=at).answer for at in ("2026-03-01T11:59:59Z", "2026-03-01T12:00:00Z")] == ["permit", "deny"]


def test_a_new_form_after_a_withdrawal_permits_again():
    old = given_by(provision("examen", "permit"), status="inactive", meta={"lastUpdated": "2026-03-01T12:00:00Z"})
    new = given_by(provision("examen", "permit"), id="new", dateTime="2026-04-01")
    assert [ask(old, new, at=at).answer for at in ("2026-03-15", "2026-04-01")] == ["deny", "permit"]


def test_of_two_answers_of_the_same_day_the_refusal_holds():
    yes = given_by(provision("examen", "permit"), id="yes")
    no = given_by(provision("examen", "deny"), id="no")
    assert ask(yes, no).answer == ask(no, yes).answer == "deny"


def test_a_consent_entered_in_error_never_was_in_no_version():
    first = given_by(provision("examen", "permit"), meta={"lastUpdated": "2026-01-21T10:00:00Z"})
    last = given_by(
        provision("examen", "permit"), status="entered-in-error", meta={"lastUpdated": "2026-02-01T10:00:00Z"}
    )
    assert ask(first, last).answer == "unknown"


def test_an_answer_says_since_when_and_until_when_it_holds():
    held = given_by(provision("examen", "permit", start="2026-02-01", end="2026-02-10"))
    days = {day: interval_of(day).low for day in ("2026-02-01", "2026-02-11")}
    told = ask(held, at="2026-02-05")
    assert (told.since, told.until) == (days["2026-02-01"], days["2026-02-11"])
    assert ask(held, at="2026-01-05") == Decision("unknown", until=days["2026-02-01"])
    assert ask(given_by(provision("examen", "permit"))).until is None


def test_the_same_answer_given_again_does_not_end_the_first():
    again = given_by(provision("examen", "permit"), id="again", dateTime="2026-03-01")
    assert ask(given_by(provision("examen", "permit")), again, at="2026-02-01").until is None


def test_a_root_provision_permits_nothing():
    held = consent("c", "mother", "tiers-apparente", provision={"type": "permit"})
    assert ask(held).answer == "unknown"


def test_a_date_that_is_none_is_refused():
    with pytest.raises(InvalidRequest):
        ask(given_by(provision("examen", "permit")), at="demain")


DAY_0 = date(2026, 1, 1)
signatures = st.lists(
    st.tuples(st.integers(0, 60), st.sampled_from(["permit", "deny"])), max_size=8, unique_by=lambda each: each[0]
)


def on(day: int) -> str:
    return (DAY_0 + timedelta(days=day)).isoformat()


@given(signatures, st.integers(0, 60), st.randoms(use_true_random=False))
def test_the_last_signature_up_to_a_day_decides_in_whatever_order_they_come(forms, asked, chance):
    consents = [given_by(provision("examen", answer), id=f"c{day}", dateTime=on(day)) for day, answer in forms]
    chance.shuffle(consents)
    until = sorted(each for each in forms if each[0] <= asked)
    assert ask(*consents, at=on(asked)).answer == (until[-1][1] if until else "unknown")


@given(signatures, st.integers(0, 60), st.integers(0, 60))
def test_after_everything_was_withdrawn_no_day_permits_anything(forms, withdrawn, asked):
    consents = []
    for day, answer in forms:
        held = given_by(provision("examen", answer), id=f"c{day}", dateTime=on(day), status="inactive")
        held["provision"]["period"] = {"end": on(withdrawn)}
        consents.append(held)
    if asked >= withdrawn:
        assert ask(*consents, at=on(asked)).answer != "permit"


# --- forms


def form(
    person: Resource, *more: Resource, role: str = "proband", parcours: str = "MR", signed: str = "2026-01-20"
) -> object:
    order = request("order-9", person["id"], role)
    order["category"] = [concept(codes.PARCOURS, parcours), concept(codes.ROLE, role)]
    dossier = dossier_of([person, order, *more])
    told = expected(dossier, dossier.people[0], signed)
    return told and (told.forms, told.certainty)


def guardian() -> Resource:
    relationship = [concept(codes.ROLE_CODE, "GUARD")]
    return {"resourceType": "RelatedPerson", "id": "tuteur", "patient": ref("Patient/p"), "relationship": relationship}


ADULT, CHILD = patient("p", birth="1980-05-05"), patient("p", birth="2015-05-05")


def test_each_person_has_the_form_that_was_published_for_it():
    assert form(ADULT) == (("mr-majeur",), "sourced")
    assert form(CHILD) == (("mr-mineur",), "sourced")
    assert form({**CHILD, "deceasedBoolean": True}) == (("mr-mineur-decede",), "sourced")
    assert form(ADULT, guardian()) == (("mr-majeur-tutelle",), "sourced")
    assert form(ADULT, role="relative") == (("tiers-apparente",), "sourced")
    assert form(ADULT, parcours="KC") == (("cancer-majeur",), "sourced")
    assert form(CHILD, parcours="KC") == (("cancer-mineur",), "sourced")


def test_a_dead_fetus_has_its_own_form_by_its_patient_or_by_its_edge():
    dead = {**CHILD, "deceasedDateTime": "2026-01-02"}
    marked = {**dead, "extension": [{"url": codes.FOETUS, "valueBoolean": True}]}
    assert form(marked) == (("foetus-decede",), "sourced")
    assert form(dead, edge("e", "p", "NMTHF", "mother")) == (("foetus-decede",), "sourced")


def test_what_no_published_form_is_for_is_no_rule():
    assert form({**ADULT, "deceasedBoolean": True}) is None
    assert form(ADULT, guardian(), role="relative") is None
    assert form(ADULT, guardian(), parcours="KC") is None
    assert form(CHILD, edge("e", "p", "NMTHF", "mother")) is None


def test_forms_that_no_source_names_are_inferred_and_only_warn():
    assert form(CHILD, role="relative") == (("mr-mineur",), "inferred")
    assert form(ADULT, parcours="OC") == (("mr-majeur",), "inferred")


def test_who_is_of_age_counts_on_the_day_of_signature():
    born = patient("p", birth="2008-01-20")
    assert form(born, signed="2026-01-19") == (("mr-mineur",), "sourced")
    assert form(born, signed="2026-01-20") == (("mr-majeur",), "sourced")


def test_a_vague_birth_date_lets_both_forms_pass():
    assert form(patient("p", birth="2008"), signed="2026-06-01") == (("mr-mineur", "mr-majeur"), "sourced")


def test_who_was_born_on_29_february_comes_of_age_on_1_march():
    born = patient("p", birth="2008-02-29")
    assert [is_minor(born, day) for day in ("2026-02-28", "2026-03-01")] == [(True,), (False,)]


@given(st.dates(date(1940, 1, 1), date(2020, 1, 1)), st.dates(date(1950, 1, 1), date(2060, 1, 1)))
def test_with_full_dates_everybody_is_either_a_minor_or_of_age(born, asked):
    years = asked.year - born.year - ((asked.month, asked.day) < (born.month, born.day))
    assert is_minor(patient("p", birth=born.isoformat()), asked.isoformat()) == ((years < 18),)


def test_a_consent_that_names_another_request_does_not_count_for_this_dossier():
    other = consent("x", "mother", "tiers-apparente")
    other["provision"]["data"] = [{"meaning": "related", "reference": ref("ServiceRequest/elsewhere")}]
    mine = dossier_of(trio())
    assert [each.resource["id"] for each in mine.with_(other).consents("Patient/mother")] == ["consent-1"]

"""Whatever is indexed is found by the query that asks for it, for every kind of value.

Source: FHIR R4, Search, "Search Parameter Types", "Escaping Search Parameters".
"""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhir_gateway.fhir.number import Number
from fhir_gateway.fhir.outcome import InvalidRequest
from fhir_gateway.store.index.string import compared
from fhir_gateway.store.index.syntax import escape
from fhir_gateway.store.search.query import parse
from fhir_gateway.store.search.select import match
from tests.store.search.library import Library

few = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
_ids = count()

TEXT = st.text(
    st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("\\,|$\"'%?é "), min_size=1, max_size=80
).filter(lambda text: text.strip() != "")
CODE = TEXT.map(lambda text: " ".join(text.split())).filter(bool)
SYSTEM = st.sampled_from(["urn:a", "http://s.example.org/x|y", "urn:b\\"]) | st.none()


def found(library: Library, resource: dict[str, Any], *asked: tuple[str, str]) -> bool:
    """Store a resource under a new id and tell whether each query finds it."""
    id = f"r{next(_ids)}"
    library.put({**resource, "id": id})
    type = resource["resourceType"]
    # With the id: other examples may have the same values.
    queries = [parse(type, [each, ("_id", id)], library.registry, strict=True) for each in asked]
    with library.store.read() as tx:
        return all(match(tx, query) == [(type, id)] for query in queries)


@few
@given(SYSTEM, CODE)
def test_every_token_is_found(library: Library, system: str | None, code: str) -> None:
    coding = {"code": code} if system is None else {"system": system, "code": code}
    whole = f"{escape(system or '')}|{escape(code)}"
    asked = [("code", escape(code)), ("code", whole), ("code", f"urn:other|x,{whole}")]
    if system is not None:
        asked.append(("code", f"{escape(system)}|"))
    assert found(library, {"resourceType": "Observation", "code": {"coding": [coding]}}, *asked)


@few
@given(SYSTEM, CODE)
def test_every_identifier_is_found(library: Library, system: str | None, value: str) -> None:
    identifier = {"value": value} if system is None else {"system": system, "value": value}
    typed = {**identifier, "type": {"coding": [{"system": "urn:types", "code": "MR"}]}}
    asked = f"{escape(system or '')}|{escape(value)}"
    assert found(
        library,
        {"resourceType": "ServiceRequest", "identifier": [typed], "subject": {"identifier": identifier}},
        ("identifier", asked),
        ("identifier:of-type", f"urn:types|MR|{escape(value)}"),
        ("subject:identifier", asked),
    )


@few
@given(TEXT, st.data())
def test_every_string_is_found(library: Library, text: str, data: st.DataObject) -> None:
    patient = {"resourceType": "Patient", "name": [{"family": text}]}
    asked = [("family:exact", escape(text))]
    folded = compared(text)
    if folded:
        asked.append(("name", escape(folded[: data.draw(st.integers(1, 64))])))
        start = data.draw(st.integers(0, len(folded) - 1))
        part = " ".join(folded[start : start + 32].split())
        if part:
            asked.append(("name:contains", escape(part)))
    assert found(library, patient, *asked)


DATES = st.builds(
    lambda year, month, day, clock: f"{year:04}-{month:02}-{day:02}{clock}",
    st.integers(2, 9998),
    st.integers(1, 12),
    st.integers(1, 28),
    st.sampled_from(["", "T10:20:30Z", "T23:59:59.999+02:00", "T00:00:00.123456-05:00"]),
) | st.integers(2, 9998).map(lambda year: f"{year:04}-06")


@few
@given(DATES, DATES)
def test_every_date_and_period_is_found(library: Library, some: str, other: str) -> None:
    start, end = sorted([some, other])  # as texts: years come first
    observation = {"resourceType": "Observation", "effectiveDateTime": some}
    assert found(library, observation, ("date", some), ("date", f"le{some}"), ("date", f"ge{some}"))
    encounter = {"resourceType": "Encounter", "period": {"start": start, "end": end}}
    assert found(library, encounter, ("date", f"ap{start}"), ("date", "lt9999-12-31T23:59:59Z"), ("date", "gt0001"))


NUMBERS = st.decimals(-10000, 10000, places=3).map(lambda number: Number(str(number)))


@few
@given(NUMBERS, SYSTEM, CODE)
def test_every_number_and_quantity_is_found(library: Library, number: Number, system: str | None, code: str) -> None:
    risk = {"resourceType": "RiskAssessment", "prediction": [{"probabilityDecimal": number}]}
    assert found(library, risk, *(("probability", f"{prefix}{number.text}") for prefix in ("", "le", "ge", "ap")))
    quantity = {"value": number, "code": code, **({} if system is None else {"system": system})}
    observation = {"resourceType": "Observation", "code": {"coding": [{"code": "c"}]}, "valueQuantity": quantity}
    unit = f"|{escape(system or '')}|{escape(code)}"
    assert found(
        library,
        observation,
        ("value-quantity", number.text),
        ("value-quantity", f"{number.text}||{escape(code)}"),
        ("value-quantity", f"ge{number.text}{unit}"),
        ("code-value-quantity", f"c${number.text}{unit}"),
        ("combo-code-value-quantity", f"|c$le{number.text}"),
    )


REFERENCES = st.one_of(
    st.from_regex(r"(Patient|Group)/[A-Za-z0-9\-.]{1,64}(/_history/[0-9]{1,3})?", fullmatch=True),
    st.from_regex(r"https?://[a-z]{1,8}\.example\.org/(x\|y/)?Patient/[A-Za-z0-9]{1,8}", fullmatch=True),
    st.uuids().map(lambda uuid: f"urn:uuid:{uuid}"),
)


@few
@given(REFERENCES)
def test_every_reference_is_found(library: Library, reference: str) -> None:
    resource = {"resourceType": "ServiceRequest", "subject": {"reference": reference}}
    unversioned = reference.partition("/_history/")[0]
    assert found(library, resource, ("subject", escape(reference)), ("subject", escape(unversioned)))


@few
@given(st.from_regex(r"[a-z]{2,8}://[!-~éà]{1,100}", fullmatch=True))
def test_every_uri_and_canonical_is_found(library: Library, uri: str) -> None:
    assert found(library, {"resourceType": "ValueSet", "url": uri}, ("url", escape(uri)))
    plain = uri.replace("|", "-").replace("#", "-")
    resource = {"resourceType": "PlanDefinition", "meta": {"profile": [f"{plain}|1"]}, "library": [f"{plain}|2"]}
    assert found(
        library,
        resource,
        ("_profile", escape(plain)),
        ("_profile", escape(f"{plain}|1")),
        ("depends-on", escape(plain)),
        ("depends-on", escape(f"{plain}|2")),
    )


@few
@given(SYSTEM, CODE, SYSTEM, CODE)
def test_every_pair_of_codes_is_found(
    library: Library, system: str | None, code: str, value_system: str | None, value_code: str
) -> None:
    def concept(system: str | None, code: str) -> dict[str, Any]:
        return {"coding": [{"code": code} if system is None else {"system": system, "code": code}]}

    component = {"code": concept(system, code), "valueCodeableConcept": concept(value_system, value_code)}
    observation = {"resourceType": "Observation", "code": {"text": "x"}, "component": [component]}
    first, second = f"{escape(system or '')}|{escape(code)}", f"{escape(value_system or '')}|{escape(value_code)}"
    assert found(
        library,
        observation,
        ("component-code-value-concept", f"{first}${second}"),
        ("component-code-value-concept", f"{escape(code)}${second}"),
        ("combo-code-value-concept", f"{first}${escape(value_code)}"),
    )


def test_the_property_would_fail_for_another_value(library: Library) -> None:
    patient = {"resourceType": "Patient", "name": [{"family": "Ada"}]}
    assert not found(library, patient, ("family", "Bob"))
    with pytest.raises(InvalidRequest):
        found(library, patient, ("family", ""))

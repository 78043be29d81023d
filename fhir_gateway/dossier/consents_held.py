"""Whether each person's consent is there, permits the examination, has the right form and the right signatures.

What blocks is the examination's consent with signature and attestation; the yes-or-no questions never do.

Source: code civil, article 16-10; CSP, R1131-4; blank forms of the PFMG (GenomeCAD/checkconsents), pages 1 to 3.
"""

from __future__ import annotations

from collections.abc import Iterator

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.codes import Resource
from fhir_gateway.dossier.consent import Decision, decision, is_held
from fhir_gateway.dossier.dossier import Dossier, Held, Person
from fhir_gateway.dossier.finding import Finding, person_values
from fhir_gateway.dossier.forms import (
    SIGNED_BY_ANOTHER,
    expected,
    form_of,
    is_care,
    is_minor,
    signed_by_another,
    signed_by_self,
)


def exam_decision(dossier: Dossier, person: Person, at: str) -> Decision:
    """Return what a person's consents say of the examination at a date."""
    return person_decision(dossier, person, "examen", at)


def person_decision(dossier: Dossier, person: Person, code: str, at: str) -> Decision:
    held = dossier.consents(person.key)
    # Whatever way a consent names its patient: this one it names.
    renamed = [{**each.resource, "patient": {"reference": person.key}} for each in held]
    return decision(renamed, (person.key,), code, at)


def care_consents(dossier: Dossier, person: Person) -> tuple[Held, ...]:
    """Return the signed consents of a person to the examination, the latest signature first."""
    held = [each for each in dossier.consents(person.key) if is_held(each.resource) and is_care(each.resource)]
    return tuple(sorted(held, key=lambda each: str(each.resource.get("dateTime", "")), reverse=True))


def missing(dossier: Dossier, at: str) -> Iterator[Finding]:
    for person in dossier.people:
        withdrawn = exam_decision(dossier, person, at).answer == "deny"
        if not withdrawn and not care_consents(dossier, person):
            yield Finding(person.request.at("subject"), person_values(person))


def refused(dossier: Dossier, at: str) -> Iterator[Finding]:
    for person in dossier.people:
        if exam_decision(dossier, person, at).answer == "deny":
            yield Finding(person.request.at("subject"), person_values(person))


def unanswered(dossier: Dossier, at: str) -> Iterator[Finding]:
    """Yield a signed consent that says nothing of the examination itself."""
    for person in dossier.people:
        held = care_consents(dossier, person)
        if held and exam_decision(dossier, person, at).answer == "unknown":
            yield Finding(held[0].at("provision"), person_values(person))


def wrong_form(dossier: Dossier, at: str) -> Iterator[Finding]:
    for person in dossier.people:
        for held in care_consents(dossier, person)[:1]:
            yield from _form(dossier, person, held, at)


def _form(dossier: Dossier, person: Person, held: Held, at: str) -> Iterator[Finding]:
    form = form_of(held.resource)
    wanted = expected(dossier, person, _signed(held, at))
    if form is not None and wanted is not None and form not in wanted.forms:
        values = {**person_values(person), "form": form, "wanted": ", ".join(wanted.forms)}
        yield Finding(held.at("category"), values, wanted.certainty)


def wrong_signer(dossier: Dossier, at: str) -> Iterator[Finding]:
    """Yield a consent that the person should have signed and did not, or that a representative should have."""
    for person in dossier.people:
        for held in care_consents(dossier, person)[:1]:
            yield from _signer(dossier, person, held)


def _signer(dossier: Dossier, person: Person, held: Held) -> Iterator[Finding]:
    form = form_of(held.resource)
    signed = signed_by_another if form in SIGNED_BY_ANOTHER else signed_by_self
    if form is not None and not signed(dossier, person, held.resource):
        yield Finding(held.at("performer"), {**person_values(person), "form": form})


def attestation_missing(dossier: Dossier, at: str) -> Iterator[Finding]:
    for person in dossier.people:
        for held in care_consents(dossier, person)[:1]:
            if not is_attested(held.resource):
                yield Finding(held.at("verification"), person_values(person))


def is_attested(consent: Resource) -> bool:
    """Tell whether the physician or counsellor attests that the person was informed."""
    return any(each.get("verified") is True for each in consent.get("verification", ()))


def collected(dossier: Dossier, person: Person, at: str) -> Held | None:
    """Return the signed consent by which nothing is left to be collected of a person; None: something is.

    It permits the examination, on the form and with the signatures that it needs, and with the attestation: what the
    rules would refuse at finalise otherwise.
    """
    held = next(iter(care_consents(dossier, person)), None)
    if held is None or exam_decision(dossier, person, at).answer != "permit" or not is_attested(held.resource):
        return None
    stands_against = [*_form(dossier, person, held, at), *_signer(dossier, person, held)]
    return None if any(each.certainty == "sourced" for each in stands_against) else held


def came_of_age(dossier: Dossier, at: str) -> Iterator[Finding]:
    """Yield a minor's form of somebody who is of age by now, and may revise every choice."""
    for person in dossier.people:
        for held in care_consents(dossier, person)[:1]:
            if person.patient is None or form_of(held.resource) not in ("mr-mineur", "cancer-mineur"):
                continue
            if is_minor(person.patient.resource, at) == (False,):
                yield Finding(held.at("category"), person_values(person))


def decision_of_justice_missing(dossier: Dossier, at: str) -> Iterator[Finding]:
    for person in dossier.people:
        for held in care_consents(dossier, person)[:1]:
            if form_of(held.resource) == "mr-majeur-tutelle" and not has_document(
                dossier, "decision-justice", person.key
            ):
                yield Finding(held.at("category"), person_values(person))


def has_document(dossier: Dossier, kind: str, key: str | None = None) -> bool:
    """Tell whether a document of a kind (a code of pfmg-document) is in the dossier, or about one person of it."""
    return any(
        kind in codes.codes(each.resource.get("category"), codes.DOCUMENT)
        for each in dossier.about("DocumentReference", "subject", key)
        if each.resource.get("status") != "superseded"
    )


def _signed(held: Held, at: str) -> str:
    signed = held.resource.get("dateTime")
    return signed if isinstance(signed, str) else at

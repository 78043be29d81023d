"""Whether the prescription itself is ready: préindication, pathway, platform, RCP, phenotype, documents, tumour.

Source: PFMG, sheets of the préindications and FAQ of the RCP d'amont ("ne peuvent prescrire et valider avec le même
compte"); the schemas of SeqOIA and AURAGEN published by the GIP-CAD.
"""

from __future__ import annotations

from collections.abc import Iterator

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.consents_held import has_document
from fhir_gateway.dossier.dossier import Dossier, Held
from fhir_gateway.dossier.finding import Finding, person_values
from fhir_gateway.dossier.preindications import preindications, principal
from fhir_gateway.dossier.routing import proposed

TUMOURS = frozenset({"tumoral-primitif", "tumoral-metastase"})
TUMOUR_NATURES = frozenset({"tumeur-congelee", "tumeur-ffpe"})
# "Proportion of specimen involved by tumour", or by blasts (SNOMED CT; as in the genomics guide of NHS England).
CELLULARITY = frozenset({"371510003"})


def preindication_missing(dossier: Dossier, at: str) -> Iterator[Finding]:
    for person in dossier.probands:
        if not codes.codes(person.request.resource.get("reasonCode"), codes.PREINDICATION):
            yield Finding(person.request.at("reasonCode"))


def preindications_differ(dossier: Dossier, at: str) -> Iterator[Finding]:
    """Yield a request with another préindication than the proband's; another holder of the same one is none."""
    first = dossier.preindication
    for person in dossier.people:
        for own in codes.codes(person.request.resource.get("reasonCode"), codes.PREINDICATION):
            if first is not None and principal(own) != principal(first):
                values = {**person_values(person), "own": own, "wanted": first}
                yield Finding(person.request.at("reasonCode"), values)


def parcours_differ(dossier: Dossier, at: str) -> Iterator[Finding]:
    first = dossier.parcours
    for person in dossier.people:
        own = codes.code(person.request.resource.get("category"), codes.PARCOURS)
        if own is not None and own != first:
            values = {**person_values(person), "own": own, "wanted": str(first)}
            yield Finding(person.request.at("category"), values)


def preindication_of_another_parcours(dossier: Dossier, at: str) -> Iterator[Finding]:
    known = preindications().get(dossier.preindication or "")
    proband = dossier.proband
    parcours = dossier.parcours
    if known is None or known.parcours is None or proband is None or parcours in (None, known.parcours):
        return
    values = {"code": known.code, "wanted": known.parcours, "own": str(parcours)}
    yield Finding(proband.request.at("category"), values, known.parcours_certainty)


def platform_missing(dossier: Dossier, at: str) -> Iterator[Finding]:
    for person in dossier.people:
        if not person.request.resource.get("performer"):
            yield Finding(person.request.at("performer"), person_values(person))


def platforms_differ(dossier: Dossier, at: str) -> Iterator[Finding]:
    first = dossier.platform
    for person in dossier.people:
        for number, performer in enumerate(person.request.resource.get("performer", ())):
            own = dossier.organisations(performer, person.request.resource)
            if own and first and not own & first:
                yield Finding(person.request.at(f"performer[{number}]"), person_values(person))


def platform_of_another_territory(dossier: Dossier, at: str) -> Iterator[Finding]:
    proposal = proposed(dossier)
    proband = dossier.proband
    if proposal is None or proband is None or not dossier.platform or dossier.platform & proposal.identifiers:
        return
    values = {"platform": proposal.display, "territory": proposal.territory}
    yield Finding(proband.request.at("performer"), values, "inferred")


def requester_unknown(dossier: Dossier, at: str) -> Iterator[Finding]:
    for person in dossier.probands:
        if dossier.requester_rpps(person.request.resource) is None:
            yield Finding(person.request.at("requester"))


def prescribers(dossier: Dossier) -> frozenset[str]:
    """Return the RPPS of everybody who requests something in the dossier."""
    found = (dossier.requester_rpps(each.resource) for each in dossier.requests)
    return frozenset(each for each in found if each is not None)


def rcp_decision(dossier: Dossier) -> Held | None:
    """Return the completed Task of the RCP d'amont, the last one written; None when there is none."""
    done = [each for each in dossier.tasks("rcp-amont") if each.resource.get("status") == "completed"]
    return max(done, key=lambda each: str(each.resource.get("lastModified", "")), default=None)


def validators(dossier: Dossier, task: Held) -> frozenset[str]:
    """Return the RPPS of who validated, as the Provenances of the RCP's Task name them."""
    agents = (agent for each in dossier.provenances(task) for agent in each.resource.get("agent", ()))
    found = (dossier.rpps(agent.get("who")) for agent in agents)
    return frozenset(each for each in found if each is not None)


def rcp_missing(dossier: Dossier, at: str) -> Iterator[Finding]:
    proband = dossier.proband
    if proband is not None and rcp_decision(dossier) is None:
        yield Finding(proband.request.at())


def rcp_by_a_prescriber(dossier: Dossier, at: str) -> Iterator[Finding]:
    task = rcp_decision(dossier)
    if task is not None and validators(dossier, task) & prescribers(dossier):
        yield Finding(task.at())


def rcp_by_nobody_known(dossier: Dossier, at: str) -> Iterator[Finding]:
    task = rcp_decision(dossier)
    if task is not None and not validators(dossier, task):
        yield Finding(task.at())


def hpo_missing(dossier: Dossier, at: str) -> Iterator[Finding]:
    """Yield a proband with a rare disease of whom no phenotype is told to be present."""
    if dossier.parcours != "MR":
        return
    for person in dossier.probands:
        if not any(is_present(each) for each in dossier.observations(person.key)):
            yield Finding(person.request.at("supportingInfo"))


def is_present(observation: Held) -> bool:
    """Tell whether an Observation says that an HPO term is present."""
    resource = observation.resource
    if not codes.codes(resource.get("code"), codes.HPO):
        return False
    return codes.PRESENT in codes.codes(resource.get("valueCodeableConcept"), codes.LOINC)


def nobody_affected(dossier: Dossier, at: str) -> Iterator[Finding]:
    """Yield the proband when affected status is told of people of the dossier, and is false for all of them."""
    told = [
        each.resource["valueBoolean"]
        for each in dossier.observations()
        if codes.AFFECTED in codes.codes(each.resource.get("code"), codes.SNOMED) and "valueBoolean" in each.resource
    ]
    proband = dossier.proband
    if proband is not None and told and not any(each is True for each in told):
        yield Finding(proband.request.at("subject"))


def documents_missing(dossier: Dossier, at: str) -> Iterator[Finding]:
    """Yield each document that the sheet of the préindication asks for and the dossier has not."""
    known = preindications().get(dossier.preindication or "")
    proband = dossier.proband
    if known is None or proband is None:
        return
    for kind in known.documents:
        if not has_document(dossier, kind):
            yield Finding(proband.request.at("supportingInfo"), {"document": kind, "code": known.code})


def pathology_report_missing(dossier: Dossier, at: str) -> Iterator[Finding]:
    proband = dossier.proband
    is_new = dossier.examen in ("wgs-tumeur-constit", "wgs-wes-rnaseq")
    if dossier.parcours == "KC" and proband is not None and is_new and not has_document(dossier, "anatomopathologie"):
        yield Finding(proband.request.at("supportingInfo"))


def tumours(dossier: Dossier) -> tuple[Held, ...]:
    """Return the specimens of a tumour, by their origin or their nature; no libraries or extracts of them."""
    return tuple(
        each
        for each in dossier.specimens()
        if origin(each) in TUMOURS | TUMOUR_NATURES and "parent" not in each.resource
    )


def is_root(specimen: codes.Resource) -> bool:
    """Tell whether a specimen is a tube as it was taken, and no extract or library made of one."""
    return not specimen.get("parent")


def origin(specimen: Held) -> str | None:
    """Return the origin of a specimen (a code of pfmg-origine), else its nature when that is a tumour's."""
    held = codes.extension(specimen.resource, codes.ORIGINE_EXTENSION) or {}
    coded = codes.code(held.get("valueCodeableConcept"), codes.ORIGINE)
    plain = held.get("valueCoding", {}).get("code", held.get("valueCode"))
    nature = codes.code(specimen.resource.get("type"), codes.NATURE)
    return coded or plain or (nature if nature in TUMOUR_NATURES else None)


def tumour_missing(dossier: Dossier, at: str) -> Iterator[Finding]:
    proband = dossier.proband
    if dossier.parcours != "KC" or proband is None or dossier.examen in ("reanalyse", "reinterpretation"):
        return
    if not tumours(dossier):
        yield Finding(proband.request.at("specimen"), certainty="inferred")


def cellularity_missing(dossier: Dossier, at: str) -> Iterator[Finding]:
    if dossier.parcours != "KC":
        return
    measured = {
        dossier.key(each.resource.get("specimen"))
        for each in dossier.observations()
        if CELLULARITY.intersection(codes.codes(each.resource.get("code"), codes.SNOMED))
    }
    for tumour in tumours(dossier):
        if tumour.key not in measured:
            yield Finding(tumour.at(), certainty="inferred")


def tumour_in_paraffin(dossier: Dossier, at: str) -> Iterator[Finding]:
    for tumour in tumours(dossier):
        if "tumeur-ffpe" in codes.codes(tumour.resource.get("type"), codes.NATURE):
            yield Finding(tumour.at("type"))

"""Writes the examples of the profiles: `python -m fhir_gateway.demo_dossiers.examples`; equal input gives equal files.

Good ones and, beside them, bad twins (`bad-…`), each with one fault and the issues that it must give
(`….expected.json`). What a bad twin must give stands in `faults.py`, by hand: it is no output of validator or rules.

Source: profiles/examples/pfmg/README.md; `cases.py`, `stages.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal

from fhir_gateway.demo_dossiers import five_minutes, results
from fhir_gateway.demo_dossiers import resources as make
from fhir_gateway.demo_dossiers.cases import AT, cases, complete, originals
from fhir_gateway.demo_dossiers.faults import FAULTS, Expected, Fault
from fhir_gateway.demo_dossiers.invented import people, professionals, structures
from fhir_gateway.demo_dossiers.prescription import Prescription
from fhir_gateway.demo_dossiers.resources import Resource, ref
from fhir_gateway.demo_dossiers.stages import STAGES
from fhir_gateway.demo_dossiers.submission import collection, directory, name_of, transaction
from fhir_gateway.dossier import codes
from fhir_gateway.dossier.codes import concept
from fhir_gateway.fhir.data_folder import data_folder
from fhir_gateway.fhir.number import Number

RECEIVED: Final = "2026-04-24T09:15:00+02:00"
REPORTED: Final = "2026-10-26T10:00:00Z"
# What a store lacks as long as consents are to come.
UNSIGNED: Final = {"01-draft": ("index", "mere", "pere"), "02-refused-by-the-rcp": ("index", "mere", "pere"),
                   "03-validated-by-the-rcp": ("index",)}  # fmt: skip
WITHDRAWN: Final = ("23-consent-withdrawn",)  # what was revoked since lacks nothing any more


def folder() -> Path:
    return data_folder("profiles") / "examples" / "pfmg"


def files() -> Iterator[tuple[str, Resource]]:
    """Yield every example and what is expected of it, by its path below `folder`."""
    for name, prescription in cases().items():
        yield f"submissions/{name}.json", submission(complete(prescription))
    yield "submissions/directory.json", transaction(directory())
    for name, stage in STAGES.items():
        held = stage.resources()
        yield f"states/{name}.json", collection(held)
        if (expected := _expected_of(name, held, stage.case)) is not None:
            yield f"states/{name}.expected.json", expected
    for name, resource in singles().items():
        yield f"resources/{name}.json", resource
    for fault in FAULTS:
        yield from _faulty(fault)


def submission(held: list[Resource]) -> Resource:
    return transaction(held, stored=originals(), profile=True)


def _expected_of(name: str, held: list[Resource], case: str) -> Resource | None:
    """Return what the rules say of a good dossier on its way: consents to come, or one withdrawn."""
    prescription = cases()[case]
    if name in UNSIGNED:
        wanted = [Expected("warning", "dossier-consent-missing", f"ServiceRequest/{prescription.slug}-{key}", "subject")
                  for key in UNSIGNED[name]]  # fmt: skip
        return {"gaps": {"draft": [_placed(each, held, "rules") for each in wanted]}}
    if name in WITHDRAWN:
        own = f"ServiceRequest/{prescription.id(prescription.proband)}"
        refused = Expected("error", "dossier-consent-refused", own, "subject")
        return {"gaps": {"active": [_placed(refused, held, "rules")]}}
    return None


# --- bad twins


def _faulty(fault: Fault) -> Iterator[tuple[str, Resource]]:
    folder_name, _, twin = fault.twin.partition("/")
    path = f"{folder_name}/bad-{fault.name}"
    said: Resource = {"twin": f"{twin}.json", "wrong": {"fr": fault.french, "en": fault.english}}
    if folder_name == "resources":
        resource = fault.change([singles()[twin]])[0]
        yield f"{path}.json", resource
        yield (
            f"{path}.expected.json",
            {**said, "validate": [each.of(f"{resource['resourceType']}") for each in fault.validate]},
        )
        return
    if folder_name == "states":
        held = fault.change(STAGES[twin].resources())
        yield f"{path}.json", collection(held)
        gaps = {"active": [_placed(each, held, "rules") for each in fault.active]}
        yield f"{path}.expected.json", {**said, "validate": [], "gaps": gaps}
        return
    held = fault.change(complete(cases()[twin]))
    bundle = submission(held)
    yield f"{path}.json", fault.bundle(bundle)
    finalise = [*([] if fault.proband is None else [_rcp(twin)]), *fault.finalise]
    gaps = {
        "draft": [_placed(each, held, "rules") for each in fault.draft],
        "finalise": [_placed(each, held, "rules") for each in finalise],
    }
    if fault.active:
        gaps["active"] = [_placed(each, held, "rules") for each in fault.active]
    yield f"{path}.expected.json", {
        **said, "validate": [_placed(each, held, "validate") for each in fault.validate], "at": AT, "gaps": gaps,
    }  # fmt: skip


def _rcp(case: str) -> Expected:
    """The RCP decides after the submission: until then every dossier lacks that."""
    prescription: Prescription = cases()[case]
    return Expected("error", "dossier-rcp-missing", f"ServiceRequest/{prescription.id(prescription.proband)}", "")


def _placed(expected: Expected, held: list[Resource], how: Literal["validate", "rules"]) -> dict[str, Any]:
    """Return an issue with its expression in the Bundle, as the validator or as the rules write one."""
    if expected.resource == "Bundle":
        return expected.of("Bundle")
    number = next(place for place, each in enumerate(held) if name_of(each) == expected.resource)
    kind = expected.resource.partition("/")[0]
    comment = f"/*{kind}/null*/" if how == "validate" else ""
    return expected.of(f"Bundle.entry[{number}].resource{comment}")


# --- single resources


def singles() -> Mapping[str, Resource]:
    """Return one resource of each profile, some in several states; references lead nowhere else."""
    trio, tumour = cases()["trio"], cases()["solid-tumour"]
    held = {name_of(each): each for each in complete(trio)}
    ill = {name_of(each): each for each in complete(tumour)}
    closed = {name_of(each): each for each in STAGES["14-closed"].resources()}
    tasks = {
        (codes.code(each["code"], codes.TACHE), each["focus"]["reference"]): each
        for each in closed.values()
        if each["resourceType"] == "Task"
    }
    own = trio.id(trio.proband)
    return {
        **_persons(held),
        "request-proband": held[f"ServiceRequest/{own}"],
        "request-relative": held[f"ServiceRequest/{own.replace('index', 'mere')}"],
        "request-completed": closed[f"ServiceRequest/{own}"],
        **_consents(held, own),
        **_specimens(held, ill, own, tumour.id(tumour.proband)),
        "family-link": held[f"FamilyMemberHistory/{own.replace('index', 'mere')}-lien"],
        "family-link-from-free-text": _guessed(held[f"FamilyMemberHistory/{own.replace('index', 'pere')}-lien"]),
        "family-link-without-patient": _told_only(held[f"FamilyMemberHistory/{own.replace('index', 'pere')}-lien"]),
        "sign-present": held[f"Observation/{own}-signe-1"],
        "sign-absent": held[f"Observation/{own}-signe-3"],
        "sign-with-age-of-onset": _with_onset(held[f"Observation/{own}-signe-2"]),
        "task-restitution-completed": tasks["restitution", f"ServiceRequest/{own}"],
        "task-reception-completed": tasks["reception-prelevement", f"ServiceRequest/{own}"],
        "task-on-hold": _on_hold(tasks["sequencage", f"ServiceRequest/{own}"]),
        "document-rcp-sheet": held[f"DocumentReference/{own}-fiche-rcp"],
        "document-data-file": make.data_file(
            f"{own}-cram", trio.number, "format_3462", 91_234_567_890, "9f86d081884c7d65" * 4, trio.proband.patient_id,
            own, REPORTED, "index.cram",
        ),
        "provenance-revocation": make.provenance(
            f"{trio.slug}-revocation", [f"ServiceRequest/{own}"], REPORTED, "plus-necessaire", trio.prescriber,
            trio.hospital,
        ),
        **_results(trio, tumour),
    }  # fmt: skip


def _persons(held: Mapping[str, Resource]) -> dict[str, Resource]:
    return {
        "patient-qualified": held["Patient/p-elio"],
        "patient-not-qualified": make.patient(people()["malo"]),
        "patient-fetus": make.patient(people()["foetus"]),
        "patient-deceased": make.patient(people()["theo"]),
        "related-person-mother": held["RelatedPerson/p-elio-mere"],
        "practitioner": make.practitioner(professionals()["prescripteur"]),
        "practitioner-role-prescriber": make.practitioner_role(professionals()["prescripteur"]),
        "organization-hospital": make.organization(structures()["valmont"]),
        "organization-platform": make.organization(structures()["auragen"]),
        "organization-rcp": make.organization(structures()["rcp"]),
    }


def _consents(held: Mapping[str, Resource], own: str) -> dict[str, Resource]:
    care, research = held[f"Consent/{own}-soins"], held[f"Consent/{own}-recherche"]
    answers = care["provision"]["provision"]
    withdrawn = {**answers[2], "type": "deny", "period": {"start": "2026-06-15"}}
    partly = {**care["provision"], "provision": [*answers[:2], withdrawn, *answers[3:]]}
    denied = [{**each, "type": "deny"} for each in research["provision"]["provision"]]
    return {
        "consent-care": care,
        "consent-research": research,
        "consent-care-partly-withdrawn": {**care, "provision": partly},
        "consent-care-withdrawn": {
            **care, "status": "inactive", "provision": {**care["provision"], "period": {"end": "2026-06-15"}},
        },
        "consent-research-objection": {
            **research, "status": "inactive", "provision": {**research["provision"], "provision": denied},
        },
    }  # fmt: skip


def _specimens(held: Mapping[str, Resource], ill: Mapping[str, Resource], own: str, other: str) -> dict[str, Resource]:
    blood = held[f"Specimen/{own}-tube-1"]
    lost = {
        **blood, "status": "unsatisfactory", "receivedTime": RECEIVED,
        "condition": [concept(f"{codes.ETAPE.rpartition('-')[0]}-non-conformite", "prelevement", "Tube hémolysé")],
    }  # fmt: skip
    library = {
        **blood,
        "id": f"{own}-librairie",
        "identifier": [{"system": make.identifier_system("auragen-librairie"), "value": "LIB20260001"}],
        "status": "available",
        "receivedTime": RECEIVED,
        "type": concept(codes.NATURE, "adn"),
        "parent": [ref(f"Specimen/{blood['id']}")],
    }
    return {
        "specimen-blood": blood,
        "specimen-received": {**blood, "status": "available", "receivedTime": RECEIVED},
        "specimen-not-conform": lost,
        "specimen-library": library,
        "specimen-tumour": ill[f"Specimen/{other}-tube-1"],
    }


def _guessed(link: Resource) -> Resource:
    sure = make.extension("confiance-lien", valueDecimal=Number("0.8"))
    side = make.extension(
        "lignee", valueCodeableConcept=concept(f"{codes.ETAPE.rpartition('-')[0]}-lignee", "paternelle")
    )
    return {**link, "relationship": {"extension": [sure, side], **link["relationship"], "text": "le papa"}}


def _told_only(link: Resource) -> Resource:
    """An aunt who takes no part: what is known of her stands in the link."""
    kept = {name: value for name, value in link.items() if name != "extension"}
    female = {"coding": [{"system": "http://hl7.org/fhir/administrative-gender", "code": "female"}]}
    return {
        **kept,
        "relationship": concept(codes.ROLE_CODE, "MAUNT"),
        "sex": female,
        "deceasedBoolean": False,
        "condition": [{"code": concept(codes.HPO, "HP:0001250", "Crises")}],
    }


def _with_onset(sign: Resource) -> Resource:
    age = {"value": 8, "unit": "mois", "system": results.UCUM, "code": "mo"}
    return {**sign, "component": [{"code": concept(codes.SNOMED, "424850005"), "valueQuantity": age}]}


def _on_hold(task: Resource) -> Resource:
    return {**task, "status": "on-hold", "statusReason": concept(codes.MOTIF, "prelevement-manquant")}


def _results(trio: Prescription, tumour: Prescription) -> dict[str, Resource]:
    at, proband, ill = REPORTED, trio.proband, tumour.proband
    blood, mass = trio.id(proband, "tube-1"), tumour.id(ill, "tube-1")
    causal, other, unsure = results.GERMLINE[1], results.GERMLINE[2], results.GERMLINE[3]
    seen = results.variant(trio, proband, causal, at, blood)
    meant = results.implication(trio, proband, causal, at, seen["id"])
    secondary = results.variant(trio, proband, other, at, blood, "variant-incident", secondary=True)
    analysis, study = results.study(trio, at, [blood])
    signer = professionals()["biologiste"]
    preliminary = results.report(trio, signer, "negative", at, [blood], status="preliminary")
    return {
        "report-with-a-finding": results.report(trio, signer, "positive", at, [blood], [analysis, study, seen, meant]),
        "report-without-a-finding": results.report(trio, signer, "negative", at, [blood], [analysis, study]),
        "report-preliminary": preliminary,
        "variant": seen,
        "variant-absent": _absent(seen),
        "variant-by-position": _by_position(seen),
        "variant-secondary-finding": secondary,
        "variant-somatic": results.variant(tumour, ill, results.SOMATIC[0], at, mass),
        "diagnostic-implication": meant,
        "diagnostic-implication-uncertain": results.implication(trio, proband, unsure, at, seen["id"]),
        "diagnostic-implication-secondary-finding": results.implication(
            trio, proband, other, at, secondary["id"], "implication-incidente", secondary=True
        ),
        "tmb": results.biomarker(tumour, ill, "tmb", at, mass, results.tmb("7.5")),
        "msi": results.biomarker(tumour, ill, "msi", at, mass, results.msi(True)),
        "hrd": results.biomarker(tumour, ill, "hrd", at, mass, results.hrd(47)),
        "genomic-study": study,
        "genomic-study-analysis": analysis,
    }


def _absent(variant: Resource) -> Resource:
    return {**variant, "id": f"{variant['id']}-absent", "valueCodeableConcept": concept(codes.LOINC, "LA9634-2")}


def _by_position(variant: Resource) -> Resource:
    """A copy number variant: chromosome, position with its coordinate system, copies."""
    place = {"low": {"value": 15_000_000}, "high": {"value": 15_400_000}}
    parts: list[tuple[str, Resource]] = [
        ("62374-4", {"valueCodeableConcept": concept(codes.LOINC, "LA26806-2")}),
        ("48000-4", {"valueCodeableConcept": concept(codes.LOINC, "LA21269-8")}),
        ("92822-6", {"valueCodeableConcept": concept(codes.LOINC, "LA30102-0")}),
        ("81254-5", {"valueRange": place}),
        ("82155-3", {"valueQuantity": {"value": 1, "system": results.UCUM, "code": "1"}}),
    ]
    components = [{"code": concept(codes.LOINC, code), **value} for code, value in parts]
    return {**variant, "id": f"{variant['id']}-cnv", "component": components}


# --- files


def text(resource: Resource) -> str:
    return json.dumps(resource, ensure_ascii=False, indent=1, default=float) + "\n"


def main() -> None:
    """Write all files, and take away what is no example any more."""
    made = {folder() / path: text(resource) for path, resource in files()}
    made |= {five_minutes.folder() / name: text(resource) for name, resource in five_minutes.files()}
    for path in folder().glob("*/*.json"):
        if path not in made:
            path.unlink()
    for path, content in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()

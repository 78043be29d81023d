"""Bad twins of the examples: one fault each, and by hand what it must be told as, by the validator or by the rules.

Source: `profiles/pfmg` for what one resource must be; `fhir_gateway/dossier/rules.py` for several together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from fhir_gateway.demo_dossiers.cases import cases
from fhir_gateway.demo_dossiers.invented import ins_for_tests, people, structures
from fhir_gateway.demo_dossiers.resources import INS_TEST, Resource, to_structure
from fhir_gateway.demo_dossiers.submission import name_of
from fhir_gateway.dossier import codes
from fhir_gateway.dossier.codes import concept

Change = Callable[[list[Resource]], list[Resource]]
SEVERITIES: Final = {"W": "warning", "E": "error"}


@dataclass(frozen=True, slots=True)
class Expected:
    """An issue: its code (the stable detail), the resource that has it ("Type/id", or "Bundle"), the path in it.

    `invariant`: its key, where the issue is about one.
    """

    severity: str
    code: str
    resource: str
    path: str
    invariant: str | None = None

    def of(self, place: str) -> dict[str, Any]:
        expression = f"{place}.{self.path}" if self.path else place
        said = {"severity": self.severity, "code": self.code, "expression": expression}
        return said if self.invariant is None else {**said, "invariant": self.invariant}


@dataclass(frozen=True, slots=True)
class Gap:
    """A gap of a submission. `gravity`: two letters, as a draft and at finalise: N none, W warning, E error."""

    gravity: str
    code: str
    resource: str
    path: str

    def at(self, state: Literal["draft", "finalise"]) -> tuple[Expected, ...]:
        letter = self.gravity[0 if state == "draft" else 1]
        return () if letter == "N" else (Expected(SEVERITIES[letter], self.code, self.resource, self.path),)


@dataclass(frozen=True, slots=True)
class Fault:
    """`twin`: the good example, "submissions/trio". `change`: makes it bad; `bundle`: the same for a whole Bundle.

    `proband`: None where there is none, and hence no RCP to wait for.
    """

    name: str
    twin: str
    french: str
    english: str
    change: Change = list
    validate: tuple[Expected, ...] = ()
    gaps: tuple[Gap, ...] = ()
    active: tuple[Expected, ...] = ()
    proband: str | None = "index"
    bundle: Callable[[Resource], Resource] = dict

    @property
    def draft(self) -> tuple[Expected, ...]:
        return tuple(each for gap in self.gaps for each in gap.at("draft"))

    @property
    def finalise(self) -> tuple[Expected, ...]:
        return tuple(each for gap in self.gaps for each in gap.at("finalise"))


# --- how things go wrong


def put(name: str, **elements: Any) -> Change:
    """Change elements of a resource ("Type/id"; "" the only one); None takes one away."""

    def changed(held: list[Resource]) -> list[Resource]:
        assert name == "" or any(name_of(each) == name for each in held), name
        return [_with(each, elements) if name in ("", name_of(each)) else each for each in held]

    return changed


def _with(resource: Resource, elements: Mapping[str, Any]) -> Resource:
    return {key: value for key, value in {**resource, **elements}.items() if value is not None}


def drop(*names: str) -> Change:
    def dropped(held: list[Resource]) -> list[Resource]:
        assert set(names) <= {name_of(each) for each in held}, names
        gone = [each for each in held if name_of(each) not in names]
        return [_without_references(each, names) for each in gone]

    return dropped


def _without_references(resource: Resource, names: tuple[str, ...]) -> Resource:
    told = [each for each in resource.get("supportingInfo", []) if each["reference"] not in names]
    return _with(resource, {"supportingInfo": told or None}) if "supportingInfo" in resource else resource


def both(*changes: Change) -> Change:
    def changed(held: list[Resource]) -> list[Resource]:
        for each in changes:
            held = each(held)
        return held

    return changed


def to(path: str, value: Any) -> Callable[[Resource], Resource]:
    """Change one element deep inside, by its path of names and numbers; of None it is taken away."""

    def changed(resource: Resource) -> Resource:
        steps: list[Any] = [int(step) if step.isdigit() else step for step in path.split(".")]
        return dict(_at(resource, steps, value))

    return changed


def _at(value: Any, steps: list[Any], new: Any) -> Any:
    step, rest = steps[0], steps[1:]
    if isinstance(value, list):
        changed = _at(value[step], rest, new) if rest else new
        return [*value[:step], *([] if changed is None else [changed]), *value[step + 1 :]]
    made = {**value, step: _at(value[step], rest, new) if rest else new}
    return {key: each for key, each in made.items() if each is not None}


def deep(name: str, path: str, value: Any) -> Change:
    change = to(path, value)

    def changed(held: list[Resource]) -> list[Resource]:
        assert name == "" or any(name_of(each) == name for each in held), name
        return [change(each) if name in ("", name_of(each)) else each for each in held]

    return changed


def _broken(key: str, resource: str, path: str = "", severity: str = "error") -> Expected:
    code = "validation-invariant" if severity == "error" else "validation-invariant-warning"
    return Expected(severity, code, resource, path, key)


def _bound(resource: str, path: str) -> Expected:
    return Expected("error", "validation-codings-required", resource, path)


def _missing(resource: str, path: str = "") -> Expected:
    return Expected("error", "validation-min", resource, path)


TRIO, SOLO, DUO, FETUS, TUMOUR, EYES, WARD, ONCO = (
    cases()[each].slug
    for each in ("trio", "solo-with-reason", "duo", "fetus", "solid-tumour", "retinal-dystrophy",
                 "adult-under-guardianship", "oncogenetics")
)  # fmt: skip
INDEX, MOTHER, FATHER = (f"ServiceRequest/{TRIO}-{each}" for each in ("index", "mere", "pere"))
CARE = f"Consent/{TRIO}-index-soins"
PARCOURS, ROLE = concept(codes.PARCOURS, "MR"), concept(codes.ROLE, "proband")
_EXAM: Final = {"type": "deny", "code": [concept(codes.CHOIX, "examen")]}
_OWN_INS: Final = str(people()["elio"].ins)


def _last_without_url(bundle: Resource) -> Resource:
    last = _with(bundle["entry"][-1], {"fullUrl": None})
    return {**bundle, "entry": [*bundle["entry"][:-1], last]}


def _trio(name: str, french: str, english: str, change: Change, *gaps: Gap, **more: Any) -> Fault:
    return Fault(name, "submissions/trio", french, english, change, gaps=gaps, **more)


def _of(case: str, name: str, french: str, english: str, change: Change, *gaps: Gap) -> Fault:
    return Fault(name, f"submissions/{case}", french, english, change, gaps=gaps)


def _one(name: str, twin: str, french: str, english: str, change: Change, *validate: Expected) -> Fault:
    return Fault(name, f"resources/{twin}", french, english, change, validate=validate)


def _roles(role: str) -> list[Resource]:
    return [PARCOURS, concept(codes.ROLE, role)]


# fmt: off
_PARTICIPANTS: Final = (
    _trio("no-proband", "aucune prescription n'est celle d'un cas index", "no request is that of a proband",
          put(INDEX, category=_roles("relative")),
          Gap("WE", "dossier-proband-missing", INDEX, "category"), proband=None),
    _trio("two-probands", "la mère aussi est cas index", "the mother is a proband too",
          put(MOTHER, category=_roles("proband"), reasonCode=[concept(codes.PREINDICATION, "F-49")]),
          Gap("EE", "dossier-probands-several", MOTHER, "category"),
          # What a proband would have to have, and a relative has not.
          Gap("WE", "dossier-hpo-missing", MOTHER, "supportingInfo"),
          Gap("WE", "dossier-consent-form", f"Consent/{TRIO}-mere-soins", "category")),
    _trio("person-twice", "le père a la prescription d'une personne qui en a déjà une",
          "the father's request is for somebody who has one already",
          put(FATHER, subject={"reference": "Patient/p-elio-mere"}),
          Gap("EE", "dossier-person-twice", FATHER, "subject")),
    _trio("quatuor-of-three", "un quatuor est demandé pour trois personnes", "a quatuor is asked for with three people",
          both(*(put(each, code=concept(codes.EXAMEN, "wgs-quatuor")) for each in (INDEX, MOTHER, FATHER))),
          Gap("WE", "dossier-participants", INDEX, "code")),
    _trio("four-announced", "quatre participants sont annoncés", "four participants are announced",
          deep(INDEX, "extension.0.valuePositiveInt", 4),
          Gap("WE", "dossier-participants-announced", INDEX, f"extension.where(url = '{codes.PARTICIPANTS}')")),
    _trio("examinations-differ", "la mère a un autre examen", "the mother has another examination",
          put(MOTHER, code=concept(codes.EXAMEN, "wgs-duo")), Gap("WW", "dossier-exams-differ", MOTHER, "code")),
    _of("solo-with-reason", "solo-without-reason", "un solo sans motif, où la stratégie publiée est un trio",
        "a solo without reason, where the published strategy is a trio",
        deep(f"ServiceRequest/{SOLO}-index", "extension.1", None),
        Gap("WE", "dossier-strategy", f"ServiceRequest/{SOLO}-index", "code")),
)

_PRESCRIPTION: Final = (
    _trio("no-preindication", "pas de préindication", "no préindication",
          both(*(put(each, reasonCode=None) for each in (INDEX, MOTHER, FATHER))),
          Gap("WE", "dossier-preindication-missing", INDEX, "reasonCode")),
    _trio("preindications-differ", "le père a une autre préindication", "the father has another préindication",
          put(FATHER, reasonCode=[concept(codes.PREINDICATION, "F-58")]),
          Gap("WE", "dossier-preindications-differ", FATHER, "reasonCode")),
    _trio("pathways-differ", "le père est d'un autre parcours", "the father is of another pathway",
          put(FATHER, category=[concept(codes.PARCOURS, "OC"), concept(codes.ROLE, "relative")]),
          Gap("WE", "dossier-parcours-differ", FATHER, "category")),
    _of("oncogenetics", "preindication-of-another-pathway", "une préindication de maladie rare en oncogénétique",
        "a préindication of rare disease in oncogenetics",
        put(f"ServiceRequest/{ONCO}-index", reasonCode=[concept(codes.PREINDICATION, "F-42")]),
        Gap("WE", "dossier-preindication-parcours", f"ServiceRequest/{ONCO}-index", "category")),
    _trio("no-platform", "pas de plateforme pour la mère", "no platform for the mother", put(MOTHER, performer=None),
          Gap("NE", "dossier-platform-missing", MOTHER, "performer")),
    _trio("platforms-differ", "le père va à l'autre plateforme", "the father goes to the other platform",
          put(FATHER, performer=[{**to_structure(structures()["seqoia"]), "reference": "Organization/seqoia"}]),
          Gap("WE", "dossier-platforms-differ", FATHER, "performer[0]")),
    _of("solo-with-reason", "other-platform", "la plateforme n'est pas celle du territoire",
        "the platform is not that of the territory",
        put(f"ServiceRequest/{SOLO}-index", performer=[to_structure(structures()["auragen"])]),
        Gap("WW", "dossier-platform-territory", f"ServiceRequest/{SOLO}-index", "performer")),
    _trio("no-sign", "aucun signe HPO présent chez le cas index", "no HPO sign present in the proband",
          drop(f"Observation/{TRIO}-index-signe-1", f"Observation/{TRIO}-index-signe-2"),
          Gap("WE", "dossier-hpo-missing", INDEX, "supportingInfo")),
    _trio("nobody-affected", "personne n'est dit atteint", "nobody is said to be affected",
          put(f"Observation/{TRIO}-index-atteint", valueBoolean=False),
          Gap("WW", "dossier-nobody-affected", INDEX, "subject")),
    _of("retinal-dystrophy", "document-missing", "la tomographie que la fiche exige n'est pas jointe",
        "the tomography that the sheet requires is not attached", drop(f"DocumentReference/{EYES}-index-oct"),
        Gap("WE", "dossier-document-missing", f"ServiceRequest/{EYES}-index", "supportingInfo")),
    _of("solid-tumour", "no-pathology-report", "pas de compte rendu d'anatomopathologie", "no pathology report",
        drop(f"DocumentReference/{TUMOUR}-index-anatomopathologie"),
        Gap("WW", "dossier-pathology-report-missing", f"ServiceRequest/{TUMOUR}-index", "supportingInfo")),
    _of("solid-tumour", "no-tumour", "aucun prélèvement tumoral", "no tumour specimen",
        drop(f"Specimen/{TUMOUR}-index-tube-1", f"Observation/{TUMOUR}-index-cellularite-1"),
        Gap("NW", "dossier-tumour-missing", f"ServiceRequest/{TUMOUR}-index", "specimen")),
    _of("solid-tumour", "no-cellularity", "la cellularité de la tumeur n'est pas dite", "no cellularity of the tumour",
        drop(f"Observation/{TUMOUR}-index-cellularite-1"),
        Gap("NW", "dossier-cellularity-missing", f"Specimen/{TUMOUR}-index-tube-1", "")),
    _of("solid-tumour", "tumour-in-paraffin", "la tumeur est en paraffine", "the tumour is in paraffin",
        put(f"Specimen/{TUMOUR}-index-tube-1", type=concept(codes.NATURE, "tumeur-ffpe")),
        Gap("WW", "dossier-tumour-ffpe", f"Specimen/{TUMOUR}-index-tube-1", "type")),
)

_FAMILY: Final = (
    _trio("no-link", "rien ne dit ce que le père est au cas index", "nothing tells what the father is to the proband",
          drop(f"FamilyMemberHistory/{TRIO}-pere-lien"),
          Gap("WE", "dossier-edge-missing", FATHER, "subject"),
          Gap("WW", "dossier-trio-without-parents", INDEX, "code")),
    _trio("link-to-a-parent", "le lien dit parent, et non mère", "the link says parent, not mother",
          put(f"FamilyMemberHistory/{TRIO}-mere-lien", relationship=concept(codes.ROLE_CODE, "PRN")),
          Gap("WW", "dossier-trio-without-parents", INDEX, "code")),
    _of("duo", "mother-said-to-be-father", "la mère est dite père", "the mother is said to be the father",
        put(f"FamilyMemberHistory/{DUO}-mere-lien", relationship=concept(codes.ROLE_CODE, "FTH")),
        Gap("WE", "dossier-edge-sex", f"FamilyMemberHistory/{DUO}-mere-lien", "relationship")),
    _of("duo", "mother-younger", "la mère est née après sa fille", "the mother was born after her daughter",
        both(put("Patient/p-garance-mere", birthDate="1991-09-30"),
             deep("Patient/p-garance-mere", "identifier.0.value", ins_for_tests("female", "1991-09-30", 901))),
        Gap("WE", "dossier-parent-younger", f"FamilyMemberHistory/{DUO}-mere-lien", "relationship")),
    _of("duo", "own-mother", "elle est sa propre mère", "she is her own mother",
        deep(f"FamilyMemberHistory/{DUO}-mere-lien", "patient.reference", "Patient/p-garance-mere"),
        Gap("WE", "dossier-edge-missing", f"ServiceRequest/{DUO}-mere", "subject"),
        Gap("WE", "dossier-edge-circle", f"FamilyMemberHistory/{DUO}-mere-lien", "relationship")),
)

_IDENTITIES: Final = (
    _trio("ins-key", "la clé du matricule INS est fausse", "the key of the INS number is wrong",
          deep("Patient/p-elio", "identifier.0.value", f"{_OWN_INS[:-2]}{(int(_OWN_INS[-2:]) + 1) % 97:02}"),
          Gap("WE", "dossier-ins-key", "Patient/p-elio", "identifier[0].value")),
    _trio("ins-of-another-sex", "le matricule INS dit un autre sexe", "the INS number says another sex",
          deep("Patient/p-elio", "identifier.0.value", ins_for_tests("female", "2019-03-14", 902)),
          Gap("WW", "dossier-ins-traits", "Patient/p-elio", "identifier[0].value")),
    _trio("ins-shared", "la mère a le matricule INS de l'enfant", "the mother has the INS number of the child",
          deep("Patient/p-elio-mere", "identifier.0.value", _OWN_INS),
          Gap("EE", "dossier-ins-shared", "Patient/p-elio-mere", "identifier[0].value"),
          Gap("WW", "dossier-ins-traits", "Patient/p-elio-mere", "identifier[0].value")),
    _of("identity-not-qualified", "ins-not-qualified", "un matricule INS sur une identité provisoire",
        "an INS number on a provisional identity",
        deep("Patient/p-malo", "identifier.0", {
            "use": "official",
            "type": concept("https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203", "INS-NIR-TEST"),
            "system": INS_TEST, "value": ins_for_tests("male", "1985-10-07", 903),
        }),
        Gap("WE", "dossier-ins-unqualified", "Patient/p-malo", "identifier[0].value")),
    _trio("sex-unknown", "le sexe du cas index n'est pas connu", "the sex of the proband is not known",
          put("Patient/p-elio", gender="unknown"), Gap("NW", "dossier-sex-unknown", "Patient/p-elio", "gender")),
)

_CONSENTS: Final = (
    _trio("no-consent", "pas de consentement de la mère", "no consent of the mother",
          drop(f"Consent/{TRIO}-mere-soins"), Gap("WE", "dossier-consent-missing", MOTHER, "subject")),
    _trio("consent-refused", "la mère ne consent pas à l'examen", "the mother does not consent to the examination",
          deep(f"Consent/{TRIO}-mere-soins", "provision.provision.0", _EXAM),
          Gap("WE", "dossier-consent-refused", MOTHER, "subject")),
    _trio("consent-without-answer", "le formulaire de la mère ne dit rien de l'examen",
          "the form of the mother says nothing of the examination",
          deep(f"Consent/{TRIO}-mere-soins", "provision.provision.0", None),
          Gap("WE", "dossier-consent-unanswered", f"Consent/{TRIO}-mere-soins", "provision")),
    _trio("form-for-another", "la mère a signé le formulaire d'un cas index", "the mother signed the form of a proband",
          put(f"Consent/{TRIO}-mere-soins",
              category=[concept(codes.LOINC, "59284-0"), concept(codes.FORMULAIRE, "mr-majeur")]),
          Gap("WE", "dossier-consent-form", f"Consent/{TRIO}-mere-soins", "category")),
    _trio("signed-by-another", "le père a signé pour la mère", "the father signed for the mother",
          put(f"Consent/{TRIO}-mere-soins", performer=[{"reference": "Patient/p-elio-pere"}]),
          Gap("WE", "dossier-consent-signer", f"Consent/{TRIO}-mere-soins", "performer")),
    _trio("no-attestation", "l'attestation d'information manque", "the attestation of information is missing",
          put(CARE, verification=None), Gap("WE", "dossier-consent-attestation", CARE, "verification")),
    _of("adult-under-guardianship", "no-court-decision", "la décision de justice n'est pas jointe",
        "the court decision is not attached", drop(f"DocumentReference/{WARD}-index-decision-justice"),
        Gap("WW", "dossier-court-decision-missing", f"Consent/{WARD}-index-soins", "category")),
    _of("fetus", "form-of-a-minor", "le formulaire d'un mineur pour un fœtus décédé", "a minor's form for a fetus",
        put(f"Consent/{FETUS}-index-soins",
            category=[concept(codes.LOINC, "59284-0"), concept(codes.FORMULAIRE, "mr-mineur")]),
        Gap("WE", "dossier-consent-form", f"Consent/{FETUS}-index-soins", "category")),
)

_ON_THE_WAY: Final = (
    Fault("validated-by-the-prescriber", "states/05-active", "le prescripteur a validé sa demande en RCP",
          "the prescriber validated the own request in the RCP",
          deep(f"Provenance/{TRIO}-t1-decision", "agent.0.who.identifier.value", cases()["trio"].prescriber.rpps),
          active=(Expected("error", "dossier-rcp-prescriber", f"Task/{TRIO}-t1", ""),)),
    Fault("validated-by-nobody", "states/05-active", "on ne sait qui a validé en RCP",
          "nobody knows who validated in the RCP", drop(f"Provenance/{TRIO}-t1-decision"),
          active=(Expected("warning", "dossier-rcp-validator-unknown", f"Task/{TRIO}-t1", ""),)),
)

_BUNDLES: Final = (
    _trio("active-at-once", "une prescription est déposée déjà active", "a request is submitted as active",
          put(MOTHER, status="active"), validate=(_broken("pfmg-bdl-2", "Bundle"),),
          active=(Expected("warning", "dossier-rcp-missing", INDEX, ""),)),
    Fault("without-full-url", "submissions/solo", "le tube est créé sans fullUrl", "the tube has no fullUrl",
          bundle=_last_without_url, validate=(_broken("pfmg-bdl-4", "Bundle"),)),
    _trio("examination-of-another-list", "l'examen est d'une autre liste", "the examination is of another list",
          put(FATHER, code=concept(codes.LOINC, "86206-0")), validate=(_bound(FATHER, "code"),)),
)

_RESOURCES: Final = (
    _one("patient-without-ins", "patient-qualified", "identité qualifiée sans INS", "qualified identity without INS",
         deep("", "identifier.0", None), _broken("pfmg-pat-2", "Patient")),
    _one("patient-without-birth-date", "patient-qualified", "pas de date de naissance", "no date of birth",
         put("", birthDate=None), _missing("Patient")),
    _one("request-without-priority", "request-proband", "pas de priorité", "no priority",
         put("", priority=None), _missing("ServiceRequest")),
    _one("request-urgent-unexplained", "request-proband", "urgente sans dire pourquoi", "urgent without saying why",
         put("", priority="urgent"), _broken("pfmg-sr-6", "ServiceRequest", severity="warning")),
    _one("request-reanalysis-of-nothing", "request-proband", "réanalyse sans prescription d'origine",
         "reanalysis without original request", put("", code=concept(codes.EXAMEN, "reanalyse")),
         _broken("pfmg-sr-5", "ServiceRequest")),
    _one("request-without-number", "request-completed", "hors brouillon sans numéro de dossier",
         "past draft without dossier number", put("", requisition=None), _broken("pfmg-sr-2", "ServiceRequest")),
    _one("consent-one-parent", "consent-care", "un seul parent signe", "one parent alone signs",
         deep("", "performer.1", None), _broken("pfmg-con-4", "Consent")),
    _one("consent-answered-twice", "consent-care", "deux réponses à la même question", "two answers to one question",
         deep("", "provision.provision.1", _EXAM), _broken("pfmg-con-3", "Consent")),
    _one("consent-root-denies", "consent-care", "la racine refuse", "the root denies",
         deep("", "provision.type", "deny"), _broken("pfmg-con-5", "Consent")),
    _one("consent-unsigned", "consent-research", "actif sans date", "active without a date",
         put("", dateTime=None), _broken("pfmg-con-1", "Consent")),
    _one("specimen-not-received", "specimen-received", "disponible sans réception", "available, never received",
         put("", receivedTime=None), _broken("pfmg-spm-1", "Specimen")),
    _one("specimen-not-conform-unexplained", "specimen-not-conform", "non conforme sans dire pourquoi",
         "non-conform without saying why", put("", condition=None), _broken("pfmg-spm-2", "Specimen")),
    _one("specimen-of-another-list", "specimen-blood", "nature d'une autre liste", "nature of another list",
         put("", type=concept("http://terminology.hl7.org/CodeSystem/v2-0487", "BLD")), _bound("Specimen", "type")),
    _one("task-on-hold-unexplained", "task-on-hold", "suspendue sans dire pourquoi", "on hold without saying why",
         put("", statusReason=None), _broken("pfmg-tsk-1", "Task")),
    _one("task-without-report", "task-restitution-completed", "restitution sans compte rendu",
         "restitution without report", put("", output=None), _broken("pfmg-tsk-3", "Task")),
    _one("link-that-repeats-the-patient", "family-link", "le sexe est dans le Patient", "the sex is in the Patient",
         put("", sex=concept("http://hl7.org/fhir/administrative-gender", "female")),
         _broken("pfmg-fmh-1", "FamilyMemberHistory")),
    _one("sign-mistyped", "sign-present", "code HPO mal écrit", "HPO code mistyped",
         put("", code=concept(codes.HPO, "HP:1250")), _broken("pfmg-phe-1", "Observation")),
    _one("file-without-digest", "document-data-file", "fichier sans empreinte ni taille", "file without digest or size",
         deep("", "content.0.attachment.extension", None), _broken("pfmg-doc-2", "DocumentReference")),
    _one("provenance-without-reason", "provenance-revocation", "pas de motif", "no reason",
         put("", reason=None), _missing("Provenance")),
    _one("report-without-pdf", "report-with-a-finding", "définitif sans PDF", "final without PDF",
         put("", presentedForm=None), _broken("pfmg-dr-1", "DiagnosticReport")),
    _one("report-without-conclusion", "report-without-a-finding", "définitif sans conclusion",
         "final without conclusion", put("", conclusion=None, conclusionCode=None),
         _broken("pfmg-dr-2", "DiagnosticReport")),
    _one("variant-without-name", "variant", "présent et pas nommé", "present and not named",
         deep("", "component.1", None), _broken("pfmg-var-1", "Observation")),
    _one("variant-without-coordinates", "variant-by-position", "position sans système de coordonnées",
         "position without coordinate system", deep("", "component.2", None), _broken("pfmg-var-2", "Observation")),
    _one("implication-of-no-class", "diagnostic-implication", "classe ACMG hors de la liste",
         "ACMG class not of the list",
         deep("", "component.0.valueCodeableConcept", concept(codes.LOINC, "LA6577-6")),
         _broken("pfmg-imp-1", "Observation")),
    _one("tmb-negative", "tmb", "charge mutationnelle négative", "negative mutational burden",
         deep("", "valueQuantity.value", -1), _broken("pfmg-tmb-1", "Observation")),
    _one("digest-mistyped", "document-data-file", "empreinte mal écrite", "digest mistyped",
         deep("", "content.0.attachment.extension.0.valueString", "9F86"),
         _broken("pfmg-sha-1", "DocumentReference", "content[0].attachment.extension[0]")),
)
# fmt: on

FAULTS: Final = (
    *_PARTICIPANTS, *_PRESCRIPTION, *_FAMILY, *_IDENTITIES, *_CONSENTS, *_ON_THE_WAY, *_BUNDLES, *_RESOURCES,
)  # fmt: skip

"""The rules across the resources of a dossier: one table, and the gaps it finds.

Read a line as: what is looked for, and whether it is nothing, a warning or an error as a draft, at finalise, while
active. The table is Python and not a data file: each line names the function that finds it, which the type checker
follows; texts, states and functions stand side by side, and a rule cannot be named that does not exist.

What a source says may block; what was inferred never does: a finding marked so is a warning at most. What is unknown
is no rule.

Source: PFMG sheets and forms as the modules of each group name them; `terminology/pfmg`, `terminology/preindications`.
"""

from __future__ import annotations

from typing import Final

from fhir_gateway.dossier import consents_held, identities, participants, pedigree, prescription
from fhir_gateway.dossier.dossier import Dossier
from fhir_gateway.dossier.rule import Gap, Gravity, Rule, State
from fhir_gateway.fhir.outcome import Issue

N: Final[Gravity] = "none"
W: Final[Gravity] = "warning"
E: Final[Gravity] = "error"

# fmt: off
RULES: Final[tuple[Rule, ...]] = (
    # --- who takes part                                   draft, finalise, active
    Rule("dossier-proband-missing", "business-rule", W, E, E, participants.no_proband,
         fr="Le dossier n'a pas de cas index. Donnez le rôle « proband » à une prescription (category, pfmg-role).",
         en="The dossier has no proband. Give one request the role “proband” (category, pfmg-role)."),
    Rule("dossier-probands-several", "business-rule", E, E, E, participants.several_probands,
         fr="Le dossier a plus d'un cas index. Gardez-en un ; donnez aux autres le rôle « relative », ou un autre "
            "dossier.",
         en="The dossier has more than one proband. Keep one; give the others the role “relative”, or another "
            "dossier."),
    Rule("dossier-person-twice", "duplicate", E, E, E, participants.same_person_twice,
         fr="La personne de cette prescription ({person_fr}) en a déjà une dans le dossier. Gardez-en une seule ; "
            "tumeur et constitutionnel sont deux prélèvements d'une même prescription.",
         en="The person of this request ({person_en}) has one in this dossier already. Keep one; tumour and normal are "
            "two specimens of one request."),
    Rule("dossier-participants", "business-rule", W, E, W, participants.number_of_people,
         fr="L'examen {examen} demande {wanted} personne(s), le dossier en compte {count}. Ajoutez ou révoquez des "
            "prescriptions, ou changez l'examen.",
         en="The examination {examen} asks for {wanted} person(s), the dossier has {count}. Add or revoke requests, or "
            "change the examination."),
    Rule("dossier-participants-announced", "business-rule", W, E, W, participants.announced_number,
         fr="{announced} participants sont annoncés (nombre-participants), le dossier compte {count} prescription(s). "
            "Corrigez le nombre, ou ajoutez qui manque.",
         en="{announced} participants are announced (nombre-participants), the dossier has {count} request(s). Correct "
            "the number, or add who is missing."),
    Rule("dossier-exams-differ", "business-rule", W, W, W, participants.exams_differ,
         fr="La prescription de {person_fr} demande {own}, celle du cas index {wanted}. Un dossier a un seul examen : "
            "mettez le même code.",
         en="The request of {person_en} asks for {own}, that of the proband for {wanted}. A dossier has one "
            "examination: use the same code."),
    Rule("dossier-strategy", "business-rule", W, E, W, participants.strategy_not_followed,
         fr="Pour {preindication_fr} ({code}) la stratégie publiée est « {strategy} », soit au moins {wanted} "
            "personnes ; le dossier en compte {count}. Ajoutez des apparentés, ou dites pourquoi il n'y en a pas "
            "(extension motif-strategie).",
         en="For {preindication_en} ({code}) the published strategy is “{strategy}”, at least {wanted} people; the "
            "dossier has {count}. Add relatives, or say why there are none (extension motif-strategie)."),

    # --- the prescription
    Rule("dossier-preindication-missing", "required", W, E, E, prescription.preindication_missing,
         fr="La prescription du cas index n'a pas de préindication. Mettez-en le code (F-01 à F-95) dans reasonCode.",
         en="The proband's request has no préindication. Put its code (F-01 to F-95) into reasonCode."),
    Rule("dossier-preindications-differ", "business-rule", W, E, E, prescription.preindications_differ,
         fr="{own} ({person_fr}) est une autre préindication que {wanted}, celle du dossier. Un dossier n'en a qu'une, "
            "quel qu'en soit le porteur : alignez les codes, ou ouvrez un autre dossier.",
         en="{own} ({person_en}) is another préindication than {wanted}, that of the dossier. A dossier has one, "
            "whoever its holder: align the codes, or open another dossier."),
    Rule("dossier-parcours-differ", "business-rule", W, E, E, prescription.parcours_differ,
         fr="La prescription de {person_fr} est du parcours {own}, le dossier du parcours {wanted}. Mettez le même "
            "(category, pfmg-parcours).",
         en="The request of {person_en} is of pathway {own}, the dossier of {wanted}. Use the same one (category, "
            "pfmg-parcours)."),
    Rule("dossier-preindication-parcours", "business-rule", W, E, W, prescription.preindication_of_another_parcours,
         fr="La préindication {code} est du parcours {wanted}, la prescription dit {own}. Corrigez le parcours "
            "(category), ou la préindication (reasonCode).",
         en="The préindication {code} is of pathway {wanted}, the request says {own}. Correct the pathway (category), "
            "or the préindication (reasonCode)."),
    Rule("dossier-platform-missing", "required", N, E, E, prescription.platform_missing,
         fr="Aucune plateforme n'est désignée pour {person_fr}. Mettez-la dans performer ; le territoire du "
            "prescripteur en propose une.",
         en="No platform is named for {person_en}. Put it into performer; the prescriber's territory proposes one."),
    Rule("dossier-platforms-differ", "business-rule", W, E, E, prescription.platforms_differ,
         fr="La prescription de {person_fr} va à une autre plateforme que le reste du dossier. Désignez la même "
            "partout (performer).",
         en="The request of {person_en} goes to another platform than the rest of the dossier. Name the same one "
            "everywhere (performer)."),
    Rule("dossier-platform-territory", "business-rule", W, W, N, prescription.platform_of_another_territory,
         fr="La plateforme proposée pour ce territoire ({territory}) est {platform}. Vérifiez performer ; un autre "
            "choix reste possible.",
         en="The platform proposed for this territory ({territory}) is {platform}. Check performer; another choice "
            "remains possible."),
    Rule("dossier-requester-unknown", "required", N, E, W, prescription.requester_unknown,
         fr="Le RPPS du prescripteur n'est pas connu : sans lui on ne sait si un autre a validé en RCP. Donnez-le "
            "(requester : PractitionerRole avec praticien, ou identifiant RPPS).",
         en="The prescriber's RPPS is not known: without it nobody can tell whether another one validated in the RCP. "
            "Give it (requester: a PractitionerRole with practitioner, or an RPPS identifier)."),
    Rule("dossier-rcp-missing", "business-rule", N, E, W, prescription.rcp_missing,
         fr="La RCP d'amont n'a pas validé la demande. Attendez sa décision, ou relancez-la : sa tâche rcp-amont doit "
            "être achevée.",
         en="The upstream RCP has not validated the request. Wait for its decision, or remind it: its task rcp-amont "
            "must be completed."),
    Rule("dossier-rcp-prescriber", "business-rule", E, E, E, prescription.rcp_by_a_prescriber,
         fr="La RCP d'amont a été validée par un prescripteur du dossier : nul ne valide sa propre demande. Faites-la "
            "valider par un autre coordonnateur.",
         en="The upstream RCP was validated by a prescriber of the dossier: nobody validates an own request. Have it "
            "validated by another coordinator."),
    Rule("dossier-rcp-validator-unknown", "business-rule", N, E, W, prescription.rcp_by_nobody_known,
         fr="On ne sait qui a validé en RCP d'amont. Ajoutez la Provenance de la tâche, avec le RPPS du coordonnateur.",
         en="Nobody knows who validated in the upstream RCP. Add the Provenance of the task, with the coordinator's "
            "RPPS."),
    Rule("dossier-hpo-missing", "required", W, E, W, prescription.hpo_missing,
         fr="Aucun phénotype HPO présent n'est décrit pour le cas index : sans clinique, pas de variant. Ajoutez au "
            "moins une Observation HPO présente (LA9633-4).",
         en="No HPO phenotype is told to be present for the proband: without clinical data no variant is found. Add at "
            "least one HPO Observation that is present (LA9633-4)."),
    Rule("dossier-nobody-affected", "business-rule", W, W, N, prescription.nobody_affected,
         fr="Personne n'est dit atteint dans le dossier. Vérifiez le statut du cas index (Observation 103309006).",
         en="Nobody in the dossier is said to be affected. Check the status of the proband (Observation 103309006)."),
    Rule("dossier-document-missing", "required", W, E, W, prescription.documents_missing,
         fr="La fiche de la préindication {code} exige la pièce « {document} » : sans elle l'analyse ne sera pas "
            "faite. Joignez-la (DocumentReference, category pfmg-document).",
         en="The sheet of préindication {code} requires the document “{document}”: without it the analysis will not be "
            "done. Attach it (DocumentReference, category pfmg-document)."),
    Rule("dossier-pathology-report-missing", "business-rule", W, W, N, prescription.pathology_report_missing,
         fr="Le compte rendu d'anatomopathologie n'est pas joint ; la plateforme le demande pour une tumeur. "
            "Joignez-le (category pfmg-document, anatomopathologie).",
         en="The pathology report is not attached; the platform asks for it with a tumour. Attach it (category "
            "pfmg-document, anatomopathologie)."),
    Rule("dossier-tumour-missing", "business-rule", N, W, W, prescription.tumour_missing,
         fr="Aucun prélèvement tumoral n'est décrit. Ajoutez le Specimen de la tumeur (extension origine).",
         en="No tumour specimen is described. Add the tumour's Specimen (extension origine)."),
    Rule("dossier-cellularity-missing", "business-rule", N, W, W, prescription.cellularity_missing,
         fr="La cellularité de ce prélèvement tumoral n'est pas dite. Ajoutez l'Observation du pathologiste (SNOMED CT "
            "371510003, specimen).",
         en="The cellularity of this tumour specimen is not told. Add the pathologist's Observation (SNOMED CT "
            "371510003, specimen)."),
    Rule("dossier-tumour-ffpe", "business-rule", W, W, N, prescription.tumour_in_paraffin,
         fr="La tumeur est incluse en paraffine ; le PFMG préfère une tumeur congelée. Envoyez-en une s'il y en a.",
         en="The tumour is embedded in paraffin; PFMG prefers frozen tissue. Send some if there is any."),

    # --- the pedigree
    Rule("dossier-edge-missing", "required", W, E, W, pedigree.unconnected,
         fr="Rien ne dit ce que {person_fr} est au cas index. Ajoutez un FamilyMemberHistory (relationship, extension "
            "patient-record).",
         en="Nothing tells what {person_en} is to the proband. Add a FamilyMemberHistory (relationship, extension "
            "patient-record)."),
    Rule("dossier-edge-sex", "business-rule", W, E, E, pedigree.wrong_sex,
         fr="Le lien {role} de {person_fr} ne va pas avec le sexe {sex} du Patient. Corrigez le lien ou l'identité.",
         en="The link {role} of {person_en} does not go with the Patient's sex {sex}. Correct the link or the "
            "identity."),
    Rule("dossier-edge-sex-differs", "business-rule", W, E, W, pedigree.contradicting_sex,
         fr="L'arbre dit {person_fr} {said}, son Patient {sex}. Corrigez l'un des deux.",
         en="The pedigree says {said} of {person_en}, the Patient {sex}. Correct one of them."),
    Rule("dossier-edge-parents-several", "business-rule", W, E, E, pedigree.several_parents,
         fr="Ce lien {role} donne à la même personne un second père, ou une seconde mère, biologique. Corrigez-le "
            "(parent adoptif : ADOPTP ; conjoint du parent : STPPRN).",
         en="This link {role} gives the same person a second biological father, or mother. Correct it (adoptive "
            "parent: ADOPTP; spouse of the parent: STPPRN)."),
    Rule("dossier-edge-circle", "business-rule", W, E, E, pedigree.circles,
         fr="Par ce lien quelqu'un est son propre parent ou ancêtre. Vérifiez qui est patient, qui est l'apparenté.",
         en="By this link somebody is an own relative or ancestor. Check who is the patient and who the relative."),
    Rule("dossier-parent-younger", "business-rule", W, E, W, pedigree.younger_parents,
         fr="Le parent de ce lien {role} est né après l'enfant. Corrigez le lien ou les dates de naissance.",
         en="The parent of this link {role} was born after the child. Correct the link or the dates of birth."),
    Rule("dossier-trio-without-parents", "business-rule", W, W, N, pedigree.trio_without_parents,
         fr="Ce trio n'est pas celui des deux parents. Vérifiez l'arbre ; sinon, rien à faire.",
         en="This trio is not that of both parents. Check the pedigree; otherwise there is nothing to do."),

    # --- identities
    Rule("dossier-patient-missing", "required", W, E, W, identities.patients_missing,
         fr="Le Patient de {person_fr} n'est pas dans le dossier. Joignez-le, ou corrigez la référence subject.",
         en="The Patient of {person_en} is not in the dossier. Send it along, or correct the reference subject."),
    Rule("dossier-ins-shared", "duplicate", E, E, E, identities.numbers_shared,
         fr="Le matricule INS de {person_fr} est aussi celui d'une autre personne du dossier. Corrigez l'une des deux "
            "identités.",
         en="The INS number of {person_en} is that of another person of the dossier too. Correct one of the two "
            "identities."),
    Rule("dossier-ins-unqualified", "business-rule", W, E, W, identities.numbers_unqualified,
         fr="Le matricule INS de {person_fr} accompagne une identité au statut {status} ; seule une identité qualifiée "
            "le porte. Qualifiez-la, ou retirez le matricule et identifiez par l'IPP.",
         en="The INS number of {person_en} goes with an identity of status {status}; only a qualified one carries it. "
            "Qualify it, or take the number away and identify by the hospital number."),
    Rule("dossier-ins-key", "value", W, E, W, identities.numbers_mistyped,
         fr="Le matricule INS de {person_fr} n'a pas la bonne clé. Reprenez-le du téléservice INSi.",
         en="The INS number of {person_en} has a wrong key. Take it from the INSi service again."),
    Rule("dossier-ins-traits", "business-rule", W, W, W, identities.traits_contradict,
         fr="Le matricule INS de {person_fr} dit un autre sexe, ou une autre année ou un autre mois de naissance, que "
            "son identité. Vérifiez les traits ; s'ils sont justes, rien à faire.",
         en="The INS number of {person_en} says another sex, or another year or month of birth, than the identity. "
            "Check the traits; if they are right there is nothing to do."),
    Rule("dossier-sex-unknown", "business-rule", N, W, N, identities.sex_unknown,
         fr="Le sexe de {person_fr} n'est pas connu : l'analyse familiale en a besoin. Précisez-le s'il l'est.",
         en="The sex of {person_en} is not known: the family analysis needs it. Tell it if it is."),

    # --- consents
    Rule("dossier-consent-missing", "required", W, E, E, consents_held.missing,
         fr="Aucun consentement signé à l'examen n'est détenu pour {person_fr}. Faites-le signer et joignez-le "
            "(Consent actif, scope treatment).",
         en="No signed consent to the examination is held for {person_en}. Have it signed and attach it (active "
            "Consent, scope treatment)."),
    Rule("dossier-consent-refused", "business-rule", W, E, E, consents_held.refused,
         fr="{person_fr} ne consent pas, ou plus, à l'examen. Révoquez sa prescription, ou recueillez un nouveau "
            "consentement.",
         en="The consent of {person_en} to the examination was refused or withdrawn. Revoke that request, or obtain a "
            "new consent."),
    Rule("dossier-consent-unanswered", "required", W, E, E, consents_held.unanswered,
         fr="Le consentement de {person_fr} ne dit rien de l'examen. Ajoutez la provision « examen » comme le "
            "formulaire signé la porte.",
         en="The consent of {person_en} says nothing of the examination. Add the provision “examen” as on the signed "
            "form."),
    Rule("dossier-consent-form", "business-rule", W, E, W, consents_held.wrong_form,
         fr="Le formulaire {form} ne va pas pour {person_fr}. Faites signer celui qui va : {wanted}.",
         en="The form {form} does not fit {person_en}. Have the one that does signed: {wanted}."),
    Rule("dossier-consent-signer", "business-rule", W, E, W, consents_held.wrong_signer,
         fr="Le formulaire {form} de {person_fr} n'est pas signé par qui doit le faire : la personne elle-même, ou qui "
            "la représente (mineur, tutelle, décès). Corrigez performer, ou faites signer.",
         en="The form {form} of {person_en} is not signed by who has to: the person, or who represents that person "
            "(minor, guardianship, death). Correct performer, or have it signed."),
    Rule("dossier-consent-attestation", "required", W, E, W, consents_held.attestation_missing,
         fr="L'attestation d'information de {person_fr} manque. Le médecin ou le conseiller en génétique la signe "
            "(Consent.verification).",
         en="The attestation of information of {person_en} is missing. The physician or genetic counsellor signs it "
            "(Consent.verification)."),
    Rule("dossier-court-decision-missing", "business-rule", W, W, W, consents_held.decision_of_justice_missing,
         fr="La décision de justice qui protège {person_fr} n'est pas jointe. Joignez-la (category pfmg-document, "
            "decision-justice).",
         en="The court decision that protects {person_en} is not attached. Attach it (category pfmg-document, "
            "decision-justice)."),
    Rule("dossier-consent-of-age", "business-rule", N, W, W, consents_held.came_of_age,
         fr="{person_fr} est devenu majeur depuis la signature et peut revoir chaque choix. Proposez-lui le formulaire "
            "des majeurs.",
         en="{person_en} came of age since the signature and may revise every choice. Offer the form for adults."),
)
# fmt: on


def state_of(dossier: Dossier) -> State:
    """Return the state that a dossier is in; the next one of a draft is "finalise"."""
    return "draft" if dossier.is_draft else "active"


def gaps(dossier: Dossier, state: State, at: str, rules: tuple[Rule, ...] = RULES) -> list[Gap]:
    """Return all gaps of a dossier that count in a state, errors first, each kind in the order of the table.

    A closed one has none: nobody can do anything about what it lacked.
    `at`: the date or instant at which ages and consents are judged, as FHIR writes it.
    Raises: InvalidRequest("not-a-date") when a date in a resource is none.
    """
    found: list[Gap] = []
    for rule in rules if not dossier.is_closed else ():
        gravity = rule.gravity(state)
        if gravity == "none":
            continue
        for finding in rule.find(dossier, at):
            if finding.certainty != "unknown":
                inferred = finding.certainty == "inferred"
                found.append(Gap(rule, finding, "warning" if inferred or gravity == "warning" else "error"))
    return sorted(found, key=lambda gap: gap.gravity != "error")


def refusing(found: list[Gap]) -> tuple[Issue, ...]:
    """Return the issues of the gaps that refuse: only errors do."""
    return tuple(gap.issue() for gap in found if gap.gravity == "error")

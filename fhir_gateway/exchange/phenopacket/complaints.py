"""What can be wrong with a phenopacket, and what of it finds no place.

Source: GA4GH Phenopacket Schema 2.0 (ISO 4454:2022), "Requirement level".
"""

from __future__ import annotations

from fhir_gateway.fhir.outcome import Complaint

NOT_AN_OBJECT = Complaint(
    "phenopacket-no-object",
    "structure",
    "A phenopacket is a JSON object; send one Phenopacket or one Family.",
    "Un phenopacket est un objet JSON ; envoyer un Phenopacket ou une Family.",
)
UNREADABLE = Complaint(
    "phenopacket-unreadable",
    "structure",
    "The phenopacket cannot be read: {reason}. Correct the file and send it again.",
    "Le phenopacket ne peut être lu : {reason}. Corriger le fichier et le renvoyer.",
)
WRONG_TYPE = Complaint(
    "phenopacket-type",
    "structure",
    "{pointer} is to be {wanted}; correct the value.",
    "{pointer} doit être {wanted} ; corriger la valeur.",
)
REQUIRED = Complaint(
    "phenopacket-required",
    "required",
    "{pointer} is missing; Phenopacket Schema 2.0 demands it.",
    "{pointer} manque ; le schéma Phenopacket 2.0 l'exige.",
)
REQUIRED_TOLD = Complaint(
    "phenopacket-required-told",
    "incomplete",
    "{pointer} is missing; Phenopacket Schema 2.0 demands it. It is read all the same.",
    "{pointer} manque ; le schéma Phenopacket 2.0 l'exige. Il est lu malgré tout.",
    severity="warning",
)
NO_SUBJECT = Complaint(
    "phenopacket-no-subject",
    "required",
    "{pointer} is missing: nothing says whom the phenopacket is about, and what it tells belongs to no person. Send "
    "the subject with its id.",
    "{pointer} manque : rien ne dit de qui parle le phenopacket, et ce qu'il dit n'appartient à personne. Envoyer le "
    "sujet avec son id.",
)
VERSION = Complaint(
    "phenopacket-version",
    "not-supported",
    "{pointer} is {version}; versions 2.x are read, and of 1.x what can be upgraded.",
    "{pointer} vaut {version} ; les versions 2.x sont lues, et des 1.x ce qui peut être converti.",
)
UPGRADED = Complaint(
    "phenopacket-upgraded",
    "informational",
    "{pointer} is of version 1; it is read as {now}.",
    "{pointer} est de la version 1 ; il est lu comme {now}.",
    severity="information",
)
UNKNOWN_KEY = Complaint(
    "phenopacket-unknown-key",
    "unknown",
    "{pointer} is no field of Phenopacket Schema 2.0; it is kept as it is.",
    "{pointer} n'est pas un champ du schéma Phenopacket 2.0 ; il est gardé tel quel.",
    severity="warning",
)
KEPT = Complaint(
    "phenopacket-kept",
    "informational",
    "{pointer} has no place in the dossier; it is kept as it is and written back.",
    "{pointer} n'a pas de place dans le dossier ; il est gardé tel quel et récrit.",
    severity="information",
)
INDIVIDUAL_TWICE = Complaint(
    "phenopacket-individual-twice",
    "duplicate",
    "{pointer}: the individual {individual} has a phenopacket already; send one for each person.",
    "{pointer} : l'individu {individual} a déjà un phenopacket ; en envoyer un par personne.",
)
PROBAND_NOT_IN_PEDIGREE = Complaint(
    "phenopacket-proband-not-in-pedigree",
    "business-rule",
    "The pedigree does not name the individual {individual} of {pointer}; its persons have the ids of the subjects.",
    "L'arbre ne nomme pas l'individu {individual} de {pointer} ; ses personnes ont les id des sujets.",
    severity="warning",
)
SEX_DIFFERS = Complaint(
    "phenopacket-sex-differs",
    "business-rule",
    "{pointer} says another sex than the subject {individual}; the subject's is read. Correct one of them.",
    "{pointer} dit un autre sexe que le sujet {individual} ; celui du sujet est lu. Corriger l'un des deux.",
    severity="warning",
)
NO_PREFIX = Complaint(
    "phenopacket-no-prefix",
    "incomplete",
    "The code system {system} has no prefix here, so its code cannot be written as an ontology class; it is left out.",
    "Le système de codes {system} n'a pas de préfixe ici, son code ne peut être écrit comme classe d'ontologie ; il "
    "est laissé de côté.",
    severity="warning",
)
NO_VERSION = Complaint(
    "phenopacket-no-version",
    "incomplete",
    "The version of {prefix} is not known here; its resource in metaData has none. Load the code system, or give its "
    "version.",
    "La version de {prefix} n'est pas connue ici ; sa ressource dans metaData n'en a pas. Charger le système de codes, "
    "ou donner sa version.",
    severity="warning",
)
NOT_WRITTEN = Complaint(
    "phenopacket-not-written",
    "incomplete",
    "A phenopacket has no place for this {what}; it is left out.",
    "Un phenopacket n'a pas de place pour : {what} ; il est laissé de côté.",
    severity="warning",
)
SEVERAL_PROBANDS = Complaint(
    "phenopacket-probands",
    "business-rule",
    "A Family has one proband; the dossier has {count}. Correct the roles of the requests.",
    "Une Family a un cas index ; le dossier en a {count}. Corriger les rôles des prescriptions.",
)

"""What messages of hospitals are complained of, beside what reading and mapping them find.

Source: HL7 v2.5.1, chapter 2, 2.9.2; chapter 3, 3.3.40 (A40); IHE ITI TF-2x, C.2; PAM France 2.11.
"""

from __future__ import annotations

from fhir_gateway.fhir.outcome import Complaint

TOO_LARGE = Complaint(
    "message-too-large",
    "too-long",
    en="The message exceeds {limit} bytes. Send its document by other means, or ask for a higher limit.",
    fr="Le message dépasse {limit} octets. Transmettez son document autrement, ou demandez une limite plus haute.",
)
PARTNER_UNKNOWN = Complaint(
    "message-partner-unknown",
    "security",
    en="Nobody is configured here who sends as {application}|{facility} (MSH-3, MSH-4) over this connection.",
    fr="Personne n'est configuré ici qui émette en tant que {application}|{facility} (MSH-3, MSH-4) par cette "
    "connexion.",
)
NOT_ADDRESSED = Complaint(
    "message-not-addressed",
    "not-supported",
    en="The message is addressed to {application}|{facility} (MSH-5, MSH-6), which is not this gateway.",
    fr="Le message est adressé à {application}|{facility} (MSH-5, MSH-6), qui n'est pas cette passerelle.",
)
PROCESSING_ID = Complaint(
    "message-processing-id",
    "not-supported",
    en="MSH-11 is {processing}: messages of tests and training are not taken into production. Send P.",
    fr="MSH-11 vaut {processing} : les messages de test et de formation n'entrent pas en production. Envoyez P.",
)
VERSION_UNKNOWN = Complaint(
    "message-version-unknown",
    "not-supported",
    en="HL7 version {version} (MSH-12) is not read here: 2.1 to 2.8.2 are.",
    fr="La version {version} de HL7 (MSH-12) n'est pas lue ici : 2.1 à 2.8.2 le sont.",
)
TYPE_UNKNOWN = Complaint(
    "message-type-unknown",
    "not-supported",
    en="Messages of type {type} (MSH-9.1) are not taken here.",
    fr="Les messages de type {type} (MSH-9.1) ne sont pas reçus ici.",
)
NO_CONTROL_ID = Complaint(
    "message-no-control-id",
    "required",
    en="MSH-10 is empty: the message could not be told from others, nor its answer be matched.",
    fr="MSH-10 est vide : le message ne pourrait être distingué des autres, ni sa réponse lui être rattachée.",
)
NO_PATIENT = Complaint(
    "message-no-patient",
    "required",
    en="There is no segment PID, so that nobody knows whom the message is about.",
    fr="Il n'y a pas de segment PID : nul ne sait de qui parle le message.",
)
BASE64_BROKEN = Complaint(
    "message-base64-broken",
    "value",
    en="The document in OBX-5 is no base64. Nothing of the message was stored half.",
    fr="Le document de OBX-5 n'est pas du base64. Rien du message n'a été enregistré à moitié.",
)
SAME_NAME = Complaint(
    "message-same-control-id",
    "duplicate",
    en="Another message had the same MSH-3, MSH-4 and MSH-10 and another content; this one was processed too.",
    fr="Un autre message avait les mêmes MSH-3, MSH-4 et MSH-10 et un autre contenu ; celui-ci a été traité aussi.",
    severity="warning",
)
OLDER = Complaint(
    "message-older",
    "business-rule",
    en="{type}: what is known already is newer ({clock}); it was left as it is.",
    fr="{type} : ce qui est déjà connu est plus récent ({clock}) ; il a été laissé tel quel.",
    severity="warning",
)
NOT_FINAL = Complaint(
    "message-not-final",
    "business-rule",
    en="{type}: its status is {status} already; {sent} does not take its place.",
    fr="{type} : son statut est déjà {status} ; {sent} ne le remplace pas.",
    severity="warning",
)
ORDER_UNKNOWN = Complaint(
    "message-order-unknown",
    "not-found",
    en="The order that is to be cancelled (ORC-2, ORC-3) is not known here: there is nothing to cancel.",
    fr="La demande à annuler (ORC-2, ORC-3) n'est pas connue ici : il n'y a rien à annuler.",
)
SURVIVOR = Complaint(
    "message-merged-patient",
    "business-rule",
    en="The identity was merged into another one, which was updated in its place.",
    fr="L'identité a été fusionnée dans une autre, qui a été mise à jour à sa place.",
    severity="warning",
)
MERGE_ITSELF = Complaint(
    "message-merge-itself",
    "duplicate",
    en="PID-3 and MRG-1 name the same identity: nothing can be merged with itself.",
    fr="PID-3 et MRG-1 désignent la même identité : rien ne se fusionne avec soi-même.",
)
MERGE_CIRCULAR = Complaint(
    "message-merge-circular",
    "conflict",
    en="The identity to be retired (MRG-1) already stands for the one that should replace it, or for itself under "
    "another identifier: undo the earlier merge first.",
    fr="L'identité à retirer (MRG-1) tient déjà lieu de celle qui devrait la remplacer, ou d'elle-même sous un autre "
    "identifiant : annulez d'abord la fusion précédente.",
)
MERGE_ELSEWHERE = Complaint(
    "message-merge-elsewhere",
    "conflict",
    en="The identity to be retired (MRG-1) was merged into another one already: somebody must decide.",
    fr="L'identité à retirer (MRG-1) a déjà été fusionnée dans une autre : une personne doit en décider.",
)
MERGE_TWO_INS = Complaint(
    "message-merge-two-ins",
    "conflict",
    en="Both identities are validated and have different INS: they are two people until somebody decides otherwise.",
    fr="Les deux identités sont validées et portent des INS différentes : ce sont deux personnes tant que nul n'en "
    "décide autrement.",
)
SETTLED = Complaint(
    "message-settled",
    "conflict",
    en="The message {mid} was settled already ({state}).",
    fr="Le message {mid} est déjà réglé ({state}).",
)
MADE_INVALID = Complaint(
    "message-made-invalid",
    "exception",
    en="What the rules here (version {mapping}) made of the message is no valid FHIR. The fault is ours and is logged "
    "as message {mid}: it is taken in again once they are mended. There is no need to send it again.",
    fr="Ce que les règles d'ici (version {mapping}) ont fait du message n'est pas du FHIR valide. La faute est nôtre, "
    "journalisée comme message {mid} : il sera repris une fois les règles corrigées. Inutile de le renvoyer.",
)
DEFECT = Complaint(
    "message-defect",
    "exception",
    en="Something went wrong here; it was logged as incident {incident}. The message can be sent again.",
    fr="Une erreur s'est produite ici ; elle est journalisée comme incident {incident}. Le message peut être renvoyé.",
)

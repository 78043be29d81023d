"""What can be wrong with a prescription of SPICE, and with a dossier that is to become one.

Source: README.md of this room.
"""

from __future__ import annotations

from fhir_gateway.fhir.outcome import Complaint, FhirError

UNREADABLE = Complaint(
    "seqoia-unreadable",
    "structure",
    en="This is no JSON object: {reason}. A truncated file is to be sent again.",
    fr="Ce n'est pas un objet JSON : {reason}. Un fichier tronqué est à renvoyer.",
)
NO_INDEX = Complaint(
    "seqoia-no-index-case",
    "business-rule",
    en="{where}: exactly one entry is the index case (lien.key patient); here: {found}.",
    fr="{where} : exactement une entrée est le cas index (lien.key patient) ; ici : {found}.",
)
TWICE = Complaint(
    "seqoia-id-anon-twice",
    "duplicate",
    en="{where}: the id_anon {id} stands in this file twice.",
    fr="{where} : l'id_anon {id} figure deux fois dans ce fichier.",
)
NO_DATE = Complaint(
    "seqoia-no-date",
    "value",
    en="{where}: there is no such day or moment.",
    fr="{where} : ce jour ou cet instant n'existe pas.",
)
LINK_UNREAD = Complaint(
    "seqoia-link-unread",
    "code-invalid",
    en="{where}: the label stays a text, it has no family link that is sure ({reason}). Give the link by its code.",
    fr="{where} : le libellé reste un texte, aucun lien familial n'en est sûr ({reason}). Donnez le lien par son code.",
    severity="warning",
)
LINK_WIDER = Complaint(
    "seqoia-link-wider",
    "code-invalid",
    en="{where}: HL7 has no code as precise as the label; {code} is read, the label is kept.",
    fr="{where} : HL7 n'a pas de code aussi précis que le libellé ; {code} est lu, le libellé est gardé.",
    severity="information",
)
SAMPLE = Complaint(
    "seqoia-sample-entry",
    "informational",
    en="{where}: this entry names another sample of the same person; it becomes a Specimen, no relative.",
    fr="{where} : cette entrée nomme un autre prélèvement de la même personne ; elle devient un Specimen, pas un "
    "apparenté.",
    severity="information",
)
SAMPLE_OF_NOBODY = Complaint(
    "seqoia-sample-of-nobody",
    "conflict",
    en="{where}: the label names a sample, but the identity is nobody else's here: a person with a text for a link.",
    fr="{where} : le libellé nomme un prélèvement, mais l'identité n'est celle de personne d'autre ici : l'entrée "
    "reste une personne, le libellé un texte.",
    severity="warning",
)
CONSENT_UNDATED = Complaint(
    "seqoia-consent-undated",
    "incomplete",
    en="{where}: a yes to research without the date of a form: read as proposed, and not written again as a yes.",
    fr="{where} : un oui à la recherche sans date de formulaire : lu comme proposé, et non réécrit comme un oui.",
    severity="warning",
)
LOST_IN_TRANSFER = Complaint(
    "seqoia-transfer-undated",
    "incomplete",
    en="{where}: a transfer without its date makes no Provenance; it is kept with the unknown keys.",
    fr="{where} : un transfert sans date ne fait pas de Provenance ; il est gardé avec les clés inconnues.",
    severity="warning",
)
CASE_ABSENT = Complaint(
    "seqoia-case-absent",
    "required",
    en="{where}: no dossier number of SeqOIA (identifier of system {system}). The platform gives it.",
    fr="{where} : pas de numéro de dossier de SeqOIA (identifier du système {system}). La plateforme le donne.",
)
PROBANDS = Complaint(
    "seqoia-one-proband",
    "business-rule",
    en="A prescription has exactly one proband; here are {found}.",
    fr="Une prescription a exactement un cas index ; en voici {found}.",
)
PREINDICATION_UNMAPPED = Complaint(
    "seqoia-preindication-unmapped",
    "incomplete",
    en="{where}: no single key of SeqOIA is public for {preindication} ({found}). Give the key in reasonCode "
    "(http://www.seqoia.fr/CodeSystem/preindication), or fill the table seqoia-preindications.",
    fr="{where} : aucune clé unique de SeqOIA n'est publique pour {preindication} ({found}). Donnez la clé dans "
    "reasonCode (http://www.seqoia.fr/CodeSystem/preindication), ou remplissez la table seqoia-preindications.",
)
SEX_UNSAID = Complaint(
    "seqoia-sex-unsaid",
    "value",
    en="{where}: the file knows F and M only; {sex} is left out.",
    fr="{where} : le fichier ne connaît que F et M ; {sex} est omis.",
    severity="warning",
)
PARTIAL_DATE = Complaint(
    "seqoia-partial-date",
    "value",
    en="{where}: {date} names no single day; it is left out.",
    fr="{where} : {date} ne nomme pas un jour ; elle est omise.",
    severity="warning",
)
TEXT_STAYS = Complaint(
    "seqoia-text-stays",
    "suppressed",
    en="{where}: free text does not leave towards another organisation; {count} such are left out.",
    fr="{where} : le texte libre ne part pas vers un autre organisme ; {count} de ce genre sont omis.",
    severity="information",
)
LINK_ABSENT = Complaint(
    "seqoia-link-absent",
    "incomplete",
    en="{where}: what this person is to the proband is not said by a code: key autre, without a name.",
    fr="{where} : aucun code ne dit ce qu'est cette personne pour le cas index : clé autre, sans nom.",
    severity="warning",
)
CONSENT_NOT_SIGNED = Complaint(
    "seqoia-consent-not-signed",
    "business-rule",
    en="{where}: a yes to research in a consent that is not active is not written.",
    fr="{where} : un oui à la recherche dans un consentement qui n'est pas actif n'est pas écrit.",
    severity="warning",
)


NOBODY_HELD = Complaint(
    "seqoia-nobody-held",
    "required",
    en="{where}: of somebody prescribed for nothing is known here: neither name nor number.",
    fr="{where} : de l'une des personnes prescrites rien n'est connu ici : ni nom ni numéro.",
)
NUMBER_ONLY = Complaint(
    "seqoia-number-only",
    "value",
    en="{where}: the file has place for a number only; the result stays in FHIR.",
    fr="{where} : le fichier n'a de place que pour un nombre ; le résultat reste dans FHIR.",
    severity="warning",
)


class Unreadable(FhirError):
    """A file that is no prescription of SPICE: every reason."""

    status = 400

"""What can be wrong with a dossier that is to be deposited, and with what the collector answers.

Source: README.md of this room.
"""

from __future__ import annotations

from fhir_gateway.fhir.outcome import Complaint, FhirError

NO_INDEX = Complaint(
    "cad-no-index",
    "business-rule",
    en="A deposit is about exactly one index case; this dossier has {found}. Its requests say who is the proband.",
    fr="Un dépôt porte sur exactement un cas index ; ce dossier en a {found}. Ses prescriptions disent qui l'est.",
)
NO_REPORT = Complaint(
    "cad-no-report",
    "business-rule",
    en="The dossier has no report that is final, amended or corrected: nothing is deposited before.",
    fr="Le dossier n'a pas de compte rendu final, amendé ou corrigé : rien n'est déposé avant.",
)
NO_PATIENT = Complaint(
    "cad-no-patient",
    "not-found",
    en="{person} is not among the resources of the dossier: their part of the message cannot be written.",
    fr="{person} n'est pas parmi les ressources du dossier : sa partie du message ne peut être écrite.",
)
NO_NUMBER = Complaint(
    "cad-no-number",
    "required",
    en="{person} has no number the collector could know them by ({systems}).",
    fr="{person} n'a aucun numéro par lequel le collecteur pourrait le connaître ({systems}).",
)
NUMBER_SHARED = Complaint(
    "cad-number-shared",
    "duplicate",
    en="{person} has the number of another person of the dossier; each has a folder by their own number.",
    fr="{person} porte le numéro d'une autre personne du dossier ; chacune a un répertoire à son propre numéro.",
)
NOT_PERMITTED = Complaint(
    "cad-research-not-permitted",
    "informational",
    en="{person} does not permit research with their data: the message has no CON for them.",
    fr="{person} ne permet pas la recherche sur ses données : le message n'a pas de CON à son sujet.",
    severity="information",
)
NOT_SAID = Complaint(
    "cad-research-not-said",
    "incomplete",
    en="Nothing says whether {person} permits research with their data: the message has no CON for them, which the "
    "collector may read as a refusal. Keep the deposit's Task open until it is known.",
    fr="Rien ne dit si {person} permet la recherche sur ses données : le message n'a pas de CON à son sujet, ce que le "
    "collecteur peut lire comme un refus. Laisser la tâche de dépôt ouverte jusqu'à ce que ce soit su.",
    severity="warning",
)
LINK_NOT_EXACT = Complaint(
    "cad-link-not-exact",
    "incomplete",
    en="The link to {person} is told one way only: {reason}.",
    fr="Le lien vers {person} n'est dit que dans un sens : {reason}.",
    severity="warning",
)
NO_DIGEST = Complaint(
    "cad-no-digest",
    "required",
    en="{file} has no SHA-256 (extension empreinte-sha256): the collector cannot check it.",
    fr="{file} n'a pas d'empreinte SHA-256 (extension empreinte-sha256) : le collecteur ne peut le vérifier.",
)
DIGEST_DIFFERS = Complaint(
    "cad-digest-differs",
    "value",
    en="{file}: its content is not what its SHA-256 says. Send it again, or its digest.",
    fr="{file} : son contenu n'est pas celui que dit son empreinte SHA-256. Le renvoyer, ou son empreinte.",
)
FORMAT_UNKNOWN = Complaint(
    "cad-format-unknown",
    "not-supported",
    en="{file} has neither a format (content.format) nor an ending that the collector takes ({known}); left out.",
    fr="{file} n'a ni format (content.format) ni extension que le collecteur prenne ({known}) ; il est laissé de côté.",
    severity="warning",
)
NAME_UNFIT = Complaint(
    "cad-name-unfit",
    "value",
    en="{name} cannot name a file or folder of a deposit: letters, digits, dot, hyphen and underscore can.",
    fr="{name} ne peut nommer un fichier ou répertoire de dépôt : lettres, chiffres, point, tiret et souligné seuls.",
)
PATH_TWICE = Complaint(
    "cad-path-twice",
    "duplicate",
    en="Two files of the dossier would lie at {path}.",
    fr="Deux fichiers du dossier seraient à {path}.",
)
NO_FILE = Complaint(
    "cad-no-file",
    "incomplete",
    en="The index case has no data file: the message announces none, and has no place for the meeting and the dates "
    "(PRT), which stand after files.",
    fr="Le cas index n'a aucun fichier de données : le message n'en annonce pas, et n'a pas de place pour la RCP et "
    "les dates (PRT), qui suivent les fichiers.",
    severity="warning",
)
NO_ANSWER = Complaint(
    "cad-answer-unreadable",
    "structure",
    en="This is no acknowledgement of the collector: {reason}.",
    fr="Ce n'est pas un accusé de réception du collecteur : {reason}.",
)


class UnreadableAnswer(FhirError):
    """A file that is no acknowledgement."""

    status = 400

"""What can be wrong with the files of a release: told with file, line and reason; nothing of such a release is kept."""

from __future__ import annotations

from fhir_gateway.fhir.outcome import Complaint

FILE_UNREADABLE = Complaint(
    "release-file-unreadable",
    "not-found",
    en="{file} cannot be read: {reason}.",
    fr="{file} ne peut être lu : {reason}.",
)
NOT_UTF8 = Complaint(
    "release-encoding",
    "structure",
    en="{file}, line {line}: this is no UTF-8 (byte {byte}). Take the file as it was published, without saving it in "
    "another program.",
    fr="{file}, ligne {line} : ce n'est pas de l'UTF-8 (octet {byte}). Prenez le fichier tel que publié, sans "
    "l'enregistrer dans un autre programme.",
)
CONTROL = Complaint(
    "release-control-character",
    "structure",
    en="{file}, line {line}: a character that stands in no text (U+{code}). The encoding of the file is another one.",
    fr="{file}, ligne {line} : un caractère qui n'a pas sa place dans un texte (U+{code}). L'encodage du fichier est "
    "autre.",
)
TRUNCATED = Complaint(
    "release-truncated",
    "structure",
    en="{file} ends in the middle, at line {line}: {reason}. Fetch it again.",
    fr="{file} s'arrête au milieu, à la ligne {line} : {reason_fr}. Procurez-vous-le de nouveau.",
)
MALFORMED = Complaint(
    "release-malformed",
    "structure",
    en="{file}, line {line}: {reason}.",
    fr="{file}, ligne {line} : {reason_fr}.",
)
COLUMNS = Complaint(
    "release-columns",
    "structure",
    en="{file}, line {line}: {found} columns, where the header has {wanted}.",
    fr="{file}, ligne {line} : {found} colonnes, alors que l'en-tête en a {wanted}.",
)
HEADER = Complaint(
    "release-header",
    "structure",
    en="{file} has no column {column}: it is no {what}.",
    fr="{file} n'a pas de colonne {column} : ce n'est pas un fichier {what}.",
)
DUPLICATE = Complaint(
    "release-code-duplicate",
    "duplicate",
    en="{file}, line {line}: the code {code} is there already, at line {first}.",
    fr="{file}, ligne {line} : le code {code} figure déjà à la ligne {first}.",
)
PARENT_UNKNOWN = Complaint(
    "release-parent-unknown",
    "not-found",
    en="{file}, line {line}: {code} stands below {parent}, which is not in the release.",
    fr="{file}, ligne {line} : {code} est placé sous {parent}, qui n'est pas dans la livraison.",
)
CYCLE = Complaint(
    "release-cycle",
    "invariant",
    en="{file}, line {line}: {code} stands below itself: {circle}.",
    fr="{file}, ligne {line} : {code} est placé sous lui-même : {circle}.",
)
CODE_UNKNOWN = Complaint(
    "release-code-unknown",
    "not-found",
    en="{file}, line {line}: it is about {code}, which is not in the release.",
    fr="{file}, ligne {line} : il s'agit de {code}, qui n'est pas dans la livraison.",
)
WITHOUT_PARENT = Complaint(
    "release-concept-without-parent",
    "incomplete",
    en="{file}, line {line}: {code} is active and stands below nothing, though it is not the root: relationships are "
    "missing.",
    fr="{file}, ligne {line} : {code} est actif et n'est placé sous rien, sans être la racine : des relations "
    "manquent.",
)
NO_CONCEPTS = Complaint(
    "release-empty",
    "incomplete",
    en="{file} holds no concept.",
    fr="{file} ne contient aucun concept.",
)
FILE_ABSENT = Complaint(
    "release-file-absent",
    "not-found",
    en="Among the files given there is none of {what}: {pattern}.",
    fr="Parmi les fichiers donnés, il manque {what} : {pattern}.",
)
VERSION_ABSENT = Complaint(
    "release-version-absent",
    "required",
    en="{file} does not say its version. Say it: --version.",
    fr="{file} n'indique pas sa version. Indiquez-la : --version.",
)

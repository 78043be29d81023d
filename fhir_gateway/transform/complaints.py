"""What can be wrong with mapping rules, and with what they are applied to.

Source: the form of the rules, mappings/README.md; HL7 v2-to-FHIR, "Mapping Guidelines".
"""

from __future__ import annotations

from collections.abc import Iterable

from fhir_gateway.fhir.outcome import Complaint, FhirError, Issue

UNREADABLE = Complaint(
    "mapping-unreadable",
    "structure",
    en="{place}: this is no YAML that can be read: {reason}.",
    fr="{place} : ce n'est pas du YAML lisible : {reason}.",
)
SHAPE = Complaint(
    "mapping-shape",
    "structure",
    en="{place}: {what} must be {expected}.",
    fr="{place} : {what} doit être : {expected}.",
)
KEY_UNKNOWN = Complaint(
    "mapping-key-unknown",
    "structure",
    en="{place}: {key} means nothing here. Known: {known}.",
    fr="{place} : {key} ne veut rien dire ici. Connus : {known}.",
)
KEY_TWICE = Complaint(
    "mapping-key-twice",
    "duplicate",
    en="{place}: {key} stands here twice.",
    fr="{place} : {key} figure ici deux fois.",
)
KEY_ABSENT = Complaint(
    "mapping-key-absent",
    "required",
    en="{place}: {what} needs {key}.",
    fr="{place} : {what} demande {key}.",
)
ID_TWICE = Complaint(
    "mapping-id-twice",
    "duplicate",
    en="{place}: the id {id} is already that of the rule at {other}. Ids are unique in a file.",
    fr="{place} : l'id {id} est déjà celui de la règle de {other}. Les id sont uniques dans un fichier.",
)
DROP_NOTHING = Complaint(
    "mapping-drop-nothing",
    "not-found",
    en="{place}: no layer below has a rule {id} that could be dropped.",
    fr="{place} : aucune couche inférieure n'a de règle {id} à supprimer.",
)
PATH_WRONG = Complaint(
    "mapping-path-wrong",
    "structure",
    en="{place}: {path} is no path of the source: {reason}.",
    fr="{place} : {path} n'est pas un chemin de la source : {reason}.",
)
WHEN_WRONG = Complaint(
    "mapping-when-wrong",
    "structure",
    en="{place}: this condition cannot be read at {at}: {reason}.",
    fr="{place} : cette condition ne peut être lue à {at} : {reason}.",
)
ELEMENT_UNKNOWN = Complaint(
    "mapping-element-unknown",
    "structure",
    en="{place}: {type} has no element {element} ({path}).",
    fr="{place} : {type} n'a pas d'élément {element} ({path}).",
)
ELEMENT_FORM = Complaint(
    "mapping-element-form",
    "structure",
    en="{place}: {path}: {reason}.",
    fr="{place} : {path} : {reason}.",
)
EXTENSION_UNKNOWN = Complaint(
    "mapping-extension-unknown",
    "not-found",
    en="{place}: no StructureDefinition is known of the extension {name}. Name it whole, or load its package.",
    fr="{place} : aucune StructureDefinition n'est connue pour l'extension {name}. Donnez son url entière, ou chargez "
    "son paquet.",
)
TYPE_UNFIT = Complaint(
    "mapping-type-unfit",
    "value",
    en="{place}: {path} is a {type}; {given} cannot stand there.",
    fr="{place} : {path} est un {type} ; {given} ne peut y figurer.",
)
TYPE_NEEDED = Complaint(
    "mapping-type-needed",
    "required",
    en="{place}: {path} is a {type}, which no text can be: name a data type mapping (type:).",
    fr="{place} : {path} est un {type}, ce qu'aucun texte ne peut être : nommez une correspondance de type (type:).",
)
NAME_UNKNOWN = Complaint(
    "mapping-name-unknown",
    "not-found",
    en="{place}: there is no {kind} {name}.",
    fr="{place} : il n'y a pas de {kind} {name}.",
)
SHADOWED = Complaint(
    "mapping-rule-shadowed",
    "business-rule",
    en="{place}: this rule never says anything: the one at {other} always fills {path} before it.",
    fr="{place} : cette règle ne dit jamais rien : celle de {other} remplit toujours {path} avant elle.",
)
REQUIRED_ABSENT = Complaint(
    "mapping-required-absent",
    "required",
    en="{place}: nothing here ever fills {path}, which {type} requires.",
    fr="{place} : rien ici ne remplit jamais {path}, que {type} exige.",
)

# --- what is told of one message

CODE_KEPT = Complaint(
    "mapping-code-kept",
    "code-invalid",
    en="{where}: the code {code} is not in the map {map}; it is kept as it is.",
    fr="{where} : le code {code} n'est pas dans la table {map} ; il est gardé tel quel.",
    severity="warning",
)
CODE_DROPPED = Complaint(
    "mapping-code-dropped",
    "code-invalid",
    en="{where}: the code {code} is not in the map {map}; {path} goes without it.",
    fr="{where} : le code {code} n'est pas dans la table {map} ; {path} s'en passe.",
    severity="warning",
)
CODE_REPLACED = Complaint(
    "mapping-code-replaced",
    "code-invalid",
    en="{where}: the code {code} is not in the map {map}; {fixed} stands for it.",
    fr="{where} : le code {code} n'est pas dans la table {map} ; {fixed} en tient lieu.",
    severity="warning",
)
CODE_REQUIRED = Complaint(
    "mapping-code-required",
    "code-invalid",
    en="{where}: the code {code} is not in the map {map}, and {path} cannot do without.",
    fr="{where} : le code {code} n'est pas dans la table {map}, et {path} ne peut s'en passer.",
)
NOT_OF_TYPE = Complaint(
    "mapping-value-unfit",
    "value",
    en="{where}: what stands here is no {type}, which {path} is; it was left out.",
    fr="{where} : ce qui figure ici n'est pas un {type}, ce qu'est {path} ; il a été laissé de côté.",
    severity="warning",
)
NOT_FOUND_BY = Complaint(
    "mapping-no-identifier",
    "required",
    en="{where}: the {type} has no identifier with an assigning authority, by which it could be found.",
    fr="{where} : le {type} n'a pas d'identifiant avec autorité d'affectation, qui permette de le retrouver.",
)
OF_NO_GROUP = Complaint(
    "mapping-of-no-group",
    "structure",
    en="{where}: {name} stands where no group has a place for it: what it belongs to cannot be told. Send it after the "
    "segment that begins its group.",
    fr="{where} : {name} figure là où aucun groupe n'a de place pour lui : on ne peut dire à quoi il se rapporte. "
    "Envoyez-le après le segment qui ouvre son groupe.",
)
MISPLACED = Complaint(
    "mapping-misplaced",
    "structure",
    en="{where}: {name} stands where the message has no place for it; it was read all the same.",
    fr="{where} : {name} figure là où le message n'a pas de place pour lui ; il a été lu quand même.",
    severity="warning",
)
MISSING = Complaint(
    "mapping-segment-missing",
    "required",
    en="{where}: the message has no {name}; it was read without.",
    fr="{where} : le message n'a pas de {name} ; il a été lu sans.",
    severity="warning",
)
INCOMPLETE = Complaint(
    "mapping-incomplete",
    "required",
    en="{where}: no {type} was made, since {path} is required and nothing in the message says it.",
    fr="{where} : aucun {type} n'a été créé : {path} est obligatoire et rien dans le message ne le dit.",
    severity="warning",
)
NEEDED = Complaint(
    "mapping-needed",
    "required",
    en="{where}: no {type} could be made, since {path} is absent or cannot be read, and it means nothing without.",
    fr="{where} : aucun {type} n'a pu être créé : {path} est absent ou illisible, et il ne veut rien dire sans.",
)
NOT_WRITTEN = Complaint(
    "mapping-not-written",
    "required",
    en="{where}: {path} stays empty, and whoever receives the message can do nothing without it ({rule}).",
    fr="{where} : {path} reste vide, et le destinataire du message ne peut rien en faire sans cela ({rule}).",
)
ENDS_BEFORE = Complaint(
    "mapping-ends-before-start",
    "value",
    en="{where}: {path} would end before it starts; its end was left out.",
    fr="{where} : {path} finirait avant de commencer ; sa fin a été laissée de côté.",
    severity="warning",
)
READ_ELSEWHERE = Complaint(
    "mapping-read-elsewhere",
    "value",
    en="{where}: {path} was read here, where its sender put it, and not where the standard has it (rule {rule}).",
    fr="{where} : {path} a été lu ici, où son émetteur l'a mis, et non où la norme le place (règle {rule}).",
    severity="warning",
)


class MappingError(FhirError):
    """Rules that cannot be used: every problem of every file. Keeps a gateway from starting, or a reload from taking
    the place of the last good version.
    """

    status = 500

    def __init__(self, issues: Iterable[Issue]) -> None:
        super().__init__(*issues)

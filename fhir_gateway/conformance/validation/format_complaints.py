"""What can be wrong with the JSON or XML of a resource, each kind with its stable id, code and texts.

Source: FHIR R4, JSON Representation of Resources; XML Representation of Resources. Wording: HL7's validator.
"""

from __future__ import annotations

from typing import Final

from fhir_gateway.fhir.outcome import Complaint, IssueCode, Severity


def _of(detail: str, en: str, fr: str, code: IssueCode = "invalid", severity: Severity = "error") -> Complaint:
    return Complaint(f"validation-{detail}", code, en, fr, severity)


# --- JSON

NOT_JSON: Final = _of(
    "json-unreadable",
    "Error parsing JSON: {reason} at Line {line}",
    "JSON illisible : {reason_fr}, ligne {line}",
    severity="fatal",
)
NOT_TEXT: Final = _of(
    "not-utf-8",
    "Error parsing JSON: the content is not UTF-8 at byte {byte}",
    "JSON illisible : le contenu n'est pas de l'UTF-8 à l'octet {byte}",
    severity="fatal",
)
COMMENT: Final = _of(
    "json-comment",
    "Comments are not allowed in JSON",
    "Les commentaires ne sont pas permis en JSON",
)
NAME_WITHOUT_QUOTES: Final = _of(
    "json-name-without-quotes",
    "The JSON property '{name}' has no quotes around the name of the property",
    "Le nom de la propriété JSON « {name} » n'est pas entre guillemets",
)
VALUE_WITHOUT_QUOTES: Final = _of(
    "json-value-without-quotes",
    "The JSON property '{name}' has no quotes around the value of the property '{value}'",
    "La valeur « {value} » de la propriété JSON « {name} » n'est pas entre guillemets",
)
COMMA_MISSING: Final = _of("json-comma-missing", "A Comma is missing in the JSON", "Il manque une virgule dans le JSON")
COMMA_EXTRA: Final = _of(
    "json-comma-extra",
    "There is an extra comma at the end of the {what} in the JSON",
    "Il y a une virgule de trop à la fin d'un {what} du JSON",
)
CHARACTER: Final = _of(
    "json-character",
    "A JSON string has the character {character} as it is; JSON demands that it be written as an escape sequence",
    "Une chaîne JSON contient tel quel le caractère {character} ; JSON demande une séquence d'échappement",
)
SURROGATE: Final = _of(
    "json-surrogate",
    "A JSON string has one half of a surrogate pair, which is no character",
    "Une chaîne JSON contient la moitié d'une paire de substitution (surrogate), qui n'est pas un caractère",
)
DUPLICATE: Final = _of(
    "json-duplicate",
    "The JSON property '{name}' is a duplicate and will be ignored",
    "La propriété JSON « {name} » est donnée plusieurs fois ; celle-ci est ignorée",
)
UNRECOGNIZED: Final = _of(
    "unrecognized-property",
    "Unrecognized property '{name}'",
    "Propriété inconnue « {name} »",
    "structure",
)
SECOND_CHOICE: Final = _of(
    "second-choice",
    "Unrecognized property '{name}': {definition} has a value of another type already",
    "Propriété « {name} » en trop : {definition} a déjà une valeur d'un autre type",
    "structure",
)
ILLEGAL_VALUE: Final = _of(
    "illegal-property",
    "The property '{name}' is invalid",
    "La propriété « {name} » n'est pas permise ici",
)
ARRAY_WANTED: Final = _of(
    "array-wanted",
    "The property {name} must be a JSON Array, not {found}",
    "La propriété {name} doit être un tableau JSON, et non {found_fr}",
)
OBJECT_WANTED: Final = _of(
    "object-wanted",
    "The property {name} must be an Object, not {found}",
    "La propriété {name} doit être un objet JSON, et non {found_fr}",
)
SIMPLE_WANTED: Final = _of(
    "simple-wanted",
    "This property must be a simple value, not {found} ({name})",
    "Cette propriété doit être une valeur simple, et non {found_fr} ({name})",
)
EMPTY_ARRAY: Final = _of(
    "empty-array",
    "Array cannot be empty - the property should not be present if it has no values",
    "Un tableau ne peut pas être vide : omettre la propriété qui n'a pas de valeur",
)
EMPTY_OBJECT: Final = _of("empty-object", "Object must have some content", "Un objet ne peut pas être vide")
NULL: Final = _of(
    "null",
    "An item of {name} is null, and no item of _{name} stands at its position; leave it out",
    "Un élément de {name} est null, et _{name} n'a rien à cette position ; l'omettre",
)
BOOLEAN_WANTED: Final = _of(
    "boolean-wanted",
    "Error parsing JSON: the primitive value must be a boolean",
    "JSON : la valeur doit être un booléen, sans guillemets",
)
NUMBER_WANTED: Final = _of(
    "number-wanted",
    "Error parsing JSON: the primitive value must be a number",
    "JSON : la valeur doit être un nombre, sans guillemets",
)
STRING_WANTED: Final = _of(
    "string-wanted",
    "Error parsing JSON: the primitive value must be a string",
    "JSON : la valeur doit être une chaîne, entre guillemets",
)
TYPE_MISSING: Final = _of(
    "resource-type-missing",
    "Unable to find resourceType property",
    "La propriété resourceType est absente",
    severity="fatal",
)
TYPE_NOT_TEXT: Final = _of(
    "resource-type-not-text",
    "The JSON element 'resourceType' has the wrong JSON type: {found}",
    "La propriété JSON « resourceType » n'est pas une chaîne : {found_fr}",
    severity="fatal",
)
TYPE_UNKNOWN: Final = _of(
    "resource-type-unknown",
    "This content cannot be parsed (unknown or unrecognized resource name '{name}')",
    "Contenu illisible : type de ressource inconnu « {name} »",
    "structure",
    "fatal",
)
CONTAINED_UNKNOWN: Final = _of(
    "contained-type-unknown",
    "Contained resource does not appear to be a FHIR resource (unknown name '{name}')",
    "La ressource contenue n'est pas une ressource FHIR (type inconnu « {name} »)",
    severity="fatal",
)
TOO_DEEP: Final = _of(
    "too-deep",
    "The content nests objects deeper than {limit} levels; send a flatter resource",
    "Le contenu imbrique des objets au-delà de {limit} niveaux ; envoyer une ressource plus plate",
    "too-costly",
    "fatal",
)

# --- XML

NOT_XML: Final = _of(
    "xml-unreadable",
    "The XML cannot be read: {reason}",
    "XML illisible : {reason_fr}",
    severity="fatal",
)
DOCTYPE: Final = _of(
    "xml-doctype",
    "DOCTYPE is disallowed: FHIR XML has no document type declaration, nor entities of its own",
    "DOCTYPE n'est pas permis : le XML de FHIR n'a ni déclaration de type de document, ni entités propres",
    severity="fatal",
)
ENCODING: Final = _of(
    "xml-encoding",
    "The XML encoding is invalid (must be UTF-8, not '{encoding}')",
    "L'encodage du XML n'est pas permis (UTF-8, et non « {encoding} »)",
)
ROOT_UNKNOWN: Final = _of(
    "xml-root-unknown",
    "This content cannot be parsed (unknown or unrecognized XML Root element namespace/name '{namespace}::{name}')",
    "Contenu illisible : élément XML racine inconnu « {namespace}::{name} »",
    "structure",
    "fatal",
)
ELEMENT_UNDEFINED: Final = _of(
    "xml-element-undefined",
    "Undefined element '{name}' at {place}",
    "Élément inconnu « {name} » à {place}",
    "structure",
)
ATTRIBUTE_UNDEFINED: Final = _of(
    "xml-attribute-undefined",
    "Undefined attribute '@{name}' on {element} for type {type}",
    "Attribut inconnu « @{name} » sur {element}, de type {type}",
    "structure",
)
NAMESPACE: Final = _of(
    "xml-namespace",
    "Wrong namespace - expected '{wanted}'",
    "Mauvais espace de noms : « {wanted} » est attendu",
)
TEXT: Final = _of(
    "xml-text",
    "Text should not be present ('{text}')",
    "Il ne doit pas y avoir de texte ici (« {text} »)",
    "structure",
)
EMPTY_ELEMENT: Final = _of("xml-empty", "Element must have some content", "Un élément ne peut pas être vide")
INSTRUCTION: Final = _of(
    "xml-instruction",
    "No processing instructions allowed in resources",
    "Les instructions de traitement ne sont pas permises dans les ressources",
)
ORDER: Final = _of(
    "xml-order",
    "As specified by profile {profile}, Element '{name}' is out of order (found after {after})",
    "D'après le profil {profile}, l'élément « {name} » n'est pas à sa place (trouvé après {after})",
)
REPEATED: Final = _of(
    "xml-repeated",
    "{element}: max allowed = 1, but found {count} (from {profile})",
    "{element} : maximum autorisé = 1, mais {count} trouvé(s) (selon {profile})",
    "structure",
)
ONE_RESOURCE: Final = _of(
    "xml-one-resource",
    "{name} must hold exactly one resource, and here it holds {count}",
    "{name} contient exactement une ressource, et il en contient ici {count}",
)
EMPTY_LINE: Final = _of(
    "ndjson-empty-line",
    "The NDJSON source contains an empty line. This may not be accepted by some processors",
    "Le NDJSON contient une ligne vide, que certains outils n'acceptent pas",
    "informational",
    "warning",
)

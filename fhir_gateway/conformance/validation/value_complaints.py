"""What can be wrong with the value of a primitive or of a small datatype, each kind with its stable id, code and texts.

Source: FHIR R4, Datatypes. Wording: HL7's validator.
"""

from __future__ import annotations

from typing import Final

from fhir_gateway.fhir.outcome import Complaint, IssueCode, Severity


def _of(detail: str, en: str, fr: str, code: IssueCode = "invalid", severity: Severity = "error") -> Complaint:
    return Complaint(f"validation-value-{detail}", code, en, fr, severity)


def _said(detail: str, en: str, fr: str, code: IssueCode = "invalid") -> Complaint:
    return _of(detail, en, fr, code, "warning")


ELE_1: Final = _of(
    "ele-1",
    "Constraint failed: ele-1: 'All FHIR elements must have a @value or children' "
    "(defined in http://hl7.org/fhir/StructureDefinition/Element)",
    "Règle non respectée : ele-1 : « tout élément FHIR a une valeur ou des enfants » "
    "(définie dans http://hl7.org/fhir/StructureDefinition/Element)",
    "invariant",
)
EXT_1: Final = _of(
    "ext-1",
    "Constraint failed: ext-1: 'Must have either extensions or value[x], not both' "
    "(defined in http://hl7.org/fhir/StructureDefinition/Extension)",
    "Règle non respectée : ext-1 : « une extension a une valeur ou des extensions, pas les deux » "
    "(définie dans http://hl7.org/fhir/StructureDefinition/Extension)",
    "invariant",
)
NO_VALUE: Final = _of(
    "missing",
    "Primitive types must have a value or must have child extensions",
    "Un type primitif a une valeur, ou des extensions",
)
EMPTY: Final = _of("empty", "value cannot be empty", "La valeur ne peut pas être vide")
ALL_SPACE: Final = _said(
    "all-space",
    "Primitive types should not only be whitespace",
    "Une valeur ne devrait pas être faite que d'espaces",
)
SPACE_AROUND: Final = _said(
    "space-around",
    "value should not start or finish with whitespace '{value}'",
    "La valeur ne devrait ni commencer ni finir par une espace : « {value} »",
)
TOO_LONG: Final = _of(
    "too-long",
    "value is longer than permitted maximum length of 1 MB (1048576 bytes)",
    "La valeur dépasse la longueur maximale de 1 Mo (1048576)",
)
BAD_CHARACTERS: Final = _said(
    "bad-characters",
    "This content includes the characters [{points}] (hex values). These characters are illegal in the XML version of "
    "FHIR, and there is generally no valid use for such characters",
    "Ce contenu a les caractères [{points}] (en hexadécimal), interdits dans le XML de FHIR et en général sans usage",
)
BIDIRECTIONAL: Final = _said(
    "bidirectional",
    "The Unicode sequence has unterminated bi-di control characters (see CVE-2021-42574): {points}",
    "La suite Unicode a des caractères de contrôle du sens d'écriture non refermés (voir CVE-2021-42574) : {points}",
)
HTML: Final = _of(
    "html",
    "The string value contains text that looks like embedded HTML tags, which are not allowed for security reasons in "
    "this context",
    "La chaîne contient ce qui ressemble à des balises HTML, interdites ici pour des raisons de sécurité",
)
HTML_HINT: Final = _of(
    "html-hint",
    "The string value contains text that looks like embedded HTML tags. If this content is rendered to HTML without "
    "appropriate post-processing, it may be a security risk",
    "La chaîne contient ce qui ressemble à des balises HTML : rendue en HTML sans traitement, elle peut être un risque",
    severity="information",
)
MARKDOWN_HTML: Final = _said(
    "markdown-html",
    "The markdown contains content that appears to be an embedded HTML tag starting at '{start}'. This will (or "
    "SHOULD) be escaped by the presentation layer. The content should be checked to confirm that this is the desired "
    "behaviour",
    "Le markdown contient ce qui ressemble à une balise HTML, à partir de « {start} ». Elle sera (ou DEVRAIT être) "
    "échappée à l'affichage ; vérifier que c'est bien voulu",
)
BOOLEAN: Final = _of("boolean", "Boolean values must be 'true' or 'false'", "Un booléen vaut « true » ou « false »")
URI_OID: Final = _of("uri-oid", "URI values cannot start with oid:", "Une URI ne commence pas par oid:")
URI_UUID: Final = _of("uri-uuid", "URI values cannot start with uuid:", "Une URI ne commence pas par uuid:")
URI_SPACE: Final = _of(
    "uri-space", "URI values cannot have whitespace('{value}')", "Une URI n'a pas d'espace (« {value} »)"
)
OID_START: Final = _of("oid-start", "OIDs must start with urn:oid:", "Un OID commence par urn:oid:")
OID: Final = _of("oid", "OIDs must be valid ({value})", "OID non valable ({value})")
UUID_START: Final = _of("uuid-start", "UUIDs must start with urn:uuid:", "Un UUID commence par urn:uuid:")
UUID: Final = _of(
    "uuid", "UUIDs must be valid and lowercase ({value})", "UUID non valable, ou pas en minuscules ({value})"
)
CANONICAL: Final = _of(
    "canonical",
    "Canonical URLs must be absolute URLs if they are not fragment references ({value})",
    "Une URL canonique est absolue, sauf référence à un fragment ({value})",
)
EXAMPLE_URL: Final = _of(
    "example-url",
    "Example URLs are not allowed in this context ({value})",
    "Les URL d'exemple ne sont pas permises ici ({value})",
)
ID: Final = _of("id", "id value '{value}' is not valid", "L'id « {value} » n'est pas valable")
RESOURCE_ID: Final = _of(
    "resource-id",
    "Invalid Resource id: Invalid Characters ('{value}')",
    "Id de ressource non valable : caractères non permis (« {value} »)",
)
RESOURCE_ID_LENGTH: Final = _of(
    "resource-id-length",
    "Invalid Resource id: Too long ({count} chars)",
    "Id de ressource non valable : trop long ({count} caractères)",
)
ELEMENT_ID_TWICE: Final = _of(
    "element-id-twice",
    "Duplicate id value '{value}'",
    "L'id « {value} » est déjà celui d'un autre élément",
    "business-rule",
)
CONTAINED_ID_TWICE: Final = _of(
    "contained-id-twice",
    "Duplicate ID for contained resource: {value}",
    "L'id « {value} » est déjà celui d'une autre ressource contenue",
)
RESOURCE_ID_MISSING: Final = _of(
    "resource-id-missing",
    "Resource requires an id, but none is present",
    "La ressource doit avoir un id, et n'en a pas",
)
RESOURCE_ID_EXTENSION: Final = _of(
    "resource-id-extension",
    "Extensions are not allowed on Resource.id ('{urls}')",
    "Les extensions ne sont pas permises sur l'id d'une ressource (« {urls} »)",
    "business-rule",
)
DATE: Final = _of("date", "Not a valid date format: '{value}'", "Date non valable : « {value} »")
DATE_TIME: Final = _of(
    "date-time", "Not a valid date/time format: '{value}'", "Date et heure non valables : « {value} »"
)
TIME_ZONE: Final = _of(
    "time-zone", "If a date has a time, it must have a timezone", "Une date qui a une heure a un fuseau horaire"
)
INSTANT: Final = _of("instant", "Not a valid instant format: '{value}'", "Instant non valable : « {value} »")
TIME: Final = _of("time", "Not a valid time ({value})", "Heure non valable ({value})")
YEAR: Final = _said(
    "year",
    "The value '{value}' is outside the range of reasonable years - check for data entry error",
    "La valeur « {value} » est hors des années vraisemblables : vérifier la saisie",
)
CODE: Final = _of(
    "code", "The code '{value}' is not valid (whitespace rules)", "Le code « {value} » n'est pas valable (espaces)"
)
BASE64: Final = _of(
    "base64", "The value '{value}' is not a valid Base64 value", "La valeur « {value} » n'est pas du Base64"
)
BASE64_SPACE: Final = _said(
    "base64-space",
    "Base64 encoded values SHOULD not contain any whitespace (per RFC 4648). Note that non-validating readers are "
    "encouraged to accept whitespace anyway",
    "Une valeur Base64 ne DEVRAIT pas contenir d'espaces (RFC 4648) ; les lecteurs sont invités à les accepter",
)
INTEGER: Final = _of(
    "integer", "The value '{value}' is not a valid integer", "La valeur « {value} » n'est pas un entier valable"
)
NOT_NEGATIVE: Final = _of(
    "not-negative",
    "value is less than permitted minimum value of 0",
    "La valeur est inférieure au minimum permis, 0",
)
POSITIVE: Final = _of(
    "positive",
    "value is less than permitted minimum value of 1",
    "La valeur est inférieure au minimum permis, 1",
)
REGEX: Final = _of(
    "regex",
    "Element value '{value}' does not meet {type} regex '{regex}'",
    "La valeur « {value} » ne suit pas l'expression régulière de {type} : « {regex} »",
)
DECIMAL: Final = _of(
    "decimal", "The value '{value}' is not a valid decimal", "La valeur « {value} » n'est pas un décimal valable"
)
DECIMAL_RANGE: Final = _of(
    "decimal-range",
    "The value '{value}' is outside the range of commonly/reasonably supported decimals",
    "La valeur « {value} » est hors des décimaux couramment pris en charge",
    "value",
    "warning",
)
IDENTIFIER_SYSTEM: Final = _of(
    "identifier-system",
    "Identifier.system must be an absolute reference, not a local reference",
    "Identifier.system est une référence absolue, et non locale",
    "code-invalid",
)
IDENTIFIER_URI: Final = _of(
    "identifier-uri",
    "if identifier.system is 'urn:ietf:rfc:3986', then the identifier.value must be a full URI (e.g. start with a "
    "scheme), not '{value}'",
    "si identifier.system vaut « urn:ietf:rfc:3986 », identifier.value est une URI complète (avec son schéma), et non "
    "« {value} »",
    "code-invalid",
)
ATTACHMENT_BASE64: Final = _of(
    "attachment-base64",
    "The base64 content in the {name} element is not valid base64: Illegal base64 character {point}",
    "Le contenu base64 de l'élément {name} n'est pas valable : caractère {point} non permis",
    "structure",
)
ATTACHMENT_SIZE_INVALID: Final = _of(
    "attachment-size-invalid",
    "Stated Attachment Size {size} is not valid",
    "La taille annoncée de la pièce jointe, {size}, n'est pas valable",
    "structure",
)
ATTACHMENT_SIZE: Final = _of(
    "attachment-size",
    "Stated Attachment Size {size} does not match actual attachment size {actual}",
    "La taille annoncée de la pièce jointe, {size}, n'est pas sa taille réelle, {actual}",
    "structure",
)
ATTACHMENT_HASH: Final = _of(
    "attachment-hash",
    "The hash of the data did not match the data (stated: '{stated}', actual: '{actual}')",
    "L'empreinte annoncée n'est pas celle des données (annoncée : « {stated} », réelle : « {actual} »)",
    "structure",
)

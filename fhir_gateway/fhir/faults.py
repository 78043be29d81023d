"""What can be wrong with the structure of a resource, and which of it is wrong with a given property.

Source: FHIR R4, JSON Representation of Resources; Datatypes, "Primitive Types"; invariants dom-2, dom-4, dom-5.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fhir_gateway.fhir.outcome import Complaint, Issue
from fhir_gateway.fhir.plan import NUMBER_RULES, Plan, has_twin
from fhir_gateway.fhir.primitives import MAX_STRING
from fhir_gateway.fhir.types import Element

NOT_A_RESOURCE = Complaint(
    "not-a-resource",
    "structure",
    "A resource is a JSON object; the body holds another JSON value.",
    "Une ressource est un objet JSON ; le corps contient une autre valeur JSON.",
)
RESOURCE_TYPE_MISSING = Complaint(
    "resource-type-missing",
    "structure",
    "resourceType is missing; every resource says its type there.",
    "resourceType manque ; toute ressource y indique son type.",
)
RESOURCE_TYPE_UNKNOWN = Complaint(
    "resource-type-unknown",
    "structure",
    "'{name}' is no resource type of FHIR {version}; correct resourceType.",
    "« {name} » n'est pas un type de ressource de FHIR {version} ; corriger resourceType.",
)
RESOURCE_TYPE_UNEXPECTED = Complaint(
    "resource-type-unexpected",
    "invalid",
    "A {expected} is expected here and the resource is a {name}; send a {expected}, or send it where a {name} belongs.",
    "Un {expected} est attendu ici et la ressource est un {name} ; envoyer un {expected}, ou l'envoyer à l'endroit "
    "d'un {name}.",
)
UNKNOWN_PROPERTY = Complaint(
    "unknown-property",
    "structure",
    "{type} has no property '{name}'; remove it, correct its name or carry it in an extension.",
    "{type} n'a pas de propriété « {name} » ; la supprimer, corriger son nom ou la porter dans une extension.",
)
EXTENSION_MISPLACED = Complaint(
    "primitive-extension-misplaced",
    "structure",
    "'{name}' is not allowed: only primitive elements have a property with an underscore beside them; "
    "write id and extension inside {element} itself.",
    "« {name} » n'est pas permis : seuls les éléments primitifs ont à côté d'eux une propriété à tiret bas ; "
    "écrire id et extension dans {element} même.",
)
ARRAY_EXPECTED = Complaint(
    "array-expected",
    "structure",
    "{name} may repeat, so JSON has an array there, even around one value; put the value in [ ].",
    "{name} peut se répéter, JSON y attend donc un tableau, même pour une seule valeur ; la mettre entre [ ].",
)
ARRAY_UNEXPECTED = Complaint(
    "array-unexpected",
    "structure",
    "{name} does not repeat, so JSON has no array there; give the one value without [ ].",
    "{name} ne se répète pas, JSON n'y attend donc pas de tableau ; donner la valeur seule, sans [ ].",
)
OBJECT_EXPECTED = Complaint(
    "object-expected",
    "structure",
    "{name} is a JSON object; another JSON value stands there.",
    "{name} est un objet JSON ; une autre valeur JSON s'y trouve.",
)
STRING_EXPECTED = Complaint(
    "string-expected",
    "structure",
    "{name} ({type}) is a JSON string; put its value in quotes.",
    "{name} ({type}) est une chaîne JSON ; mettre sa valeur entre guillemets.",
)
NUMBER_EXPECTED = Complaint(
    "number-expected",
    "structure",
    "{name} ({type}) is a JSON number; write its value without quotes.",
    "{name} ({type}) est un nombre JSON ; écrire sa valeur sans guillemets.",
)
BOOLEAN_EXPECTED = Complaint(
    "boolean-expected",
    "structure",
    "{name} is a JSON boolean; write true or false, without quotes.",
    "{name} est un booléen JSON ; écrire true ou false, sans guillemets.",
)
EMPTY_ARRAY = Complaint(
    "empty-array",
    "structure",
    "{name} is an empty array; leave the property out instead.",
    "{name} est un tableau vide ; omettre plutôt la propriété.",
)
EMPTY_OBJECT = Complaint(
    "empty-object",
    "structure",
    "An object is never empty; leave the property out instead.",
    "Un objet n'est jamais vide ; omettre plutôt la propriété.",
)
EMPTY_STRING = Complaint(
    "empty-string",
    "value",
    "{name} is an empty string; leave the property out instead.",
    "{name} est une chaîne vide ; omettre plutôt la propriété.",
)
NULL_NOT_ALLOWED = Complaint(
    "null-not-allowed",
    "structure",
    "{name} is null; null stands only in an array of primitives whose twin '_{name}' has an object at that position. "
    "Leave the value out instead.",
    "{name} est null ; null n'est permis que dans un tableau de primitifs dont le jumeau « _{name} » porte un objet "
    "à cette position. Omettre plutôt la valeur.",
)
NULL_ON_BOTH_SIDES = Complaint(
    "null-on-both-sides",
    "structure",
    "{name} and '_{name}' are both null at this position; drop the position from both arrays.",
    "{name} et « _{name} » sont tous deux null à cette position ; la supprimer des deux tableaux.",
)
TWINS_DIFFER = Complaint(
    "primitive-arrays-differ",
    "structure",
    "{name} has {values} items and '_{name}' has {twins}; pad the shorter array with null so that positions agree.",
    "{name} a {values} éléments et « _{name} » en a {twins} ; compléter le plus court par null pour que les positions "
    "correspondent.",
)
CHOICE_REPEATED = Complaint(
    "choice-repeated",
    "structure",
    "{definition} takes a value of one type, and there are several: {names}; keep one.",
    "{definition} prend une valeur d'un seul type, et il y en a plusieurs : {names} ; n'en garder qu'une.",
)
CONTAINED_NESTED = Complaint(
    "contained-nested",
    "invariant",
    "A contained resource contains no other (dom-2); move these to the outermost resource.",
    "Une ressource contenue n'en contient pas d'autre (dom-2) ; les déplacer dans la ressource la plus externe.",
)
CONTAINED_VERSIONED = Complaint(
    "contained-versioned",
    "invariant",
    "A contained resource has no version of its own (dom-4); remove meta.{name}.",
    "Une ressource contenue n'a pas de version propre (dom-4) ; supprimer meta.{name}.",
)
CONTAINED_SECURITY = Complaint(
    "contained-security-label",
    "invariant",
    "A contained resource has no security label of its own (dom-5); label the resource that contains it.",
    "Une ressource contenue n'a pas d'étiquette de sécurité propre (dom-5) ; étiqueter la ressource qui la contient.",
)
STRING_TOO_LONG = Complaint(
    "string-too-long",
    "too-long",
    "{name} has {length} characters, and a string may have {limit}; put long content in a Binary or an attachment.",
    "{name} a {length} caractères, et une chaîne peut en avoir {limit} ; mettre un long contenu dans un Binary ou une "
    "pièce jointe.",
)
CONTROL_CHARACTER = Complaint(
    "control-character",
    "value",
    "{name} holds the control character U+{point} at position {position}; only tab, carriage return and line feed "
    "are allowed. Remove it.",
    "{name} contient le caractère de contrôle U+{point} à la position {position} ; seuls tabulation, retour chariot et "
    "saut de ligne sont permis. Le supprimer.",
)


def _invalid(detail: str, type: str, english: str, french: str) -> Complaint:
    return Complaint(
        f"invalid-{detail}",
        "value",
        f"'{{value}}' is no {type}: {english}.",
        f"« {{value}} » n'est pas du type {type} : {french}.",
    )


# One complaint for each primitive type, since each has its own remedy.
INVALID_CODE = _invalid(
    "code",
    "code",
    "no space at either end, single spaces inside",
    "pas d'espace au début ni à la fin, espaces simples à l'intérieur",
)
INVALID_ID = _invalid(
    "id",
    "id",
    "1 to 64 letters A-Z a-z, digits, hyphens and dots",
    "1 à 64 lettres A-Z a-z, chiffres, traits d'union et points",
)
INVALID_OID = _invalid(
    "oid",
    "oid",
    "write urn:oid:1.2.3",
    "écrire urn:oid:1.2.3",
)
INVALID_UUID = _invalid(
    "uuid",
    "uuid",
    "write urn:uuid: and 8-4-4-4-12 hexadecimal digits in lower case",
    "écrire urn:uuid: puis 8-4-4-4-12 chiffres hexadécimaux en minuscules",
)
INVALID_URI = _invalid(
    "uri",
    "uri",
    "no white space; write %20 for a space",
    "pas d'espace blanc ; écrire %20 pour un espace",
)
INVALID_URL = _invalid(
    "url",
    "url",
    "no white space; write %20 for a space",
    "pas d'espace blanc ; écrire %20 pour un espace",
)
INVALID_CANONICAL = _invalid(
    "canonical",
    "canonical",
    "no white space; write url or url|version",
    "pas d'espace blanc ; écrire url ou url|version",
)
INVALID_DATE = _invalid(
    "date",
    "date",
    "write YYYY, YYYY-MM or YYYY-MM-DD, a day that exists",
    "écrire AAAA, AAAA-MM ou AAAA-MM-JJ, un jour qui existe",
)
INVALID_DATE_TIME = _invalid(
    "date-time",
    "dateTime",
    "write a date, or YYYY-MM-DDThh:mm:ss with a zone (Z or ±hh:mm), a day that exists",
    "écrire une date, ou AAAA-MM-JJThh:mm:ss avec fuseau (Z ou ±hh:mm), un jour qui existe",
)
INVALID_INSTANT = _invalid(
    "instant",
    "instant",
    "write YYYY-MM-DDThh:mm:ss with a zone (Z or ±hh:mm), a day that exists",
    "écrire AAAA-MM-JJThh:mm:ss avec fuseau (Z ou ±hh:mm), un jour qui existe",
)
INVALID_TIME = _invalid(
    "time",
    "time",
    "write hh:mm:ss, without a zone",
    "écrire hh:mm:ss, sans fuseau",
)
INVALID_BASE64_BINARY = _invalid(
    "base64-binary",
    "base64Binary",
    "letters, digits, + and / in groups of four, padded with =",
    "lettres, chiffres, + et / par groupes de quatre, complétés par =",
)
INVALID_INTEGER = _invalid(
    "integer",
    "integer",
    "a whole number from -2147483648 to 2147483647",
    "un entier de -2147483648 à 2147483647",
)
INVALID_UNSIGNED_INT = _invalid(
    "unsigned-int",
    "unsignedInt",
    "a whole number from 0 to 2147483647",
    "un entier de 0 à 2147483647",
)
INVALID_POSITIVE_INT = _invalid(
    "positive-int",
    "positiveInt",
    "a whole number from 1 to 2147483647",
    "un entier de 1 à 2147483647",
)
INVALID_DECIMAL = _invalid(
    "decimal",
    "decimal",
    "digits, a fraction and an exponent where needed, within ±308",
    "des chiffres, au besoin une fraction et un exposant, dans ±308",
)
INVALID_BOOLEAN = _invalid(
    "boolean",
    "boolean",
    "write true or false",
    "écrire true ou false",
)
INVALID: Final[Mapping[str, Complaint]] = {
    "code": INVALID_CODE,
    "id": INVALID_ID,
    "oid": INVALID_OID,
    "uuid": INVALID_UUID,
    "uri": INVALID_URI,
    "url": INVALID_URL,
    "canonical": INVALID_CANONICAL,
    "date": INVALID_DATE,
    "dateTime": INVALID_DATE_TIME,
    "instant": INVALID_INSTANT,
    "time": INVALID_TIME,
    "base64Binary": INVALID_BASE64_BINARY,
    "integer": INVALID_INTEGER,
    "unsignedInt": INVALID_UNSIGNED_INT,
    "positiveInt": INVALID_POSITIVE_INT,
    "decimal": INVALID_DECIMAL,
    "boolean": INVALID_BOOLEAN,
}

_SHOWN = 60  # characters of a wrong value that a complaint repeats


def shown(value: object) -> str:
    """Return a wrong value as a complaint repeats it: its beginning."""
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def resource_type_issue(resource: Mapping[str, Any], version: str, expression: str | None) -> Issue:
    """Return what is wrong with a resourceType that names no resource type."""
    if "resourceType" not in resource:
        return RESOURCE_TYPE_MISSING.at(expression)
    return RESOURCE_TYPE_UNKNOWN.at(expression, name=shown(resource["resourceType"]), version=version)


def containment_issues(resource: Mapping[str, Any], expression: str) -> list[Issue]:
    """Return what a contained resource has that only the outermost may have (dom-2, dom-4, dom-5)."""
    issues = []
    if "contained" in resource:
        issues.append(CONTAINED_NESTED.at(f"{expression}.contained"))
    meta = resource.get("meta")
    if isinstance(meta, dict):
        for name in ("versionId", "lastUpdated"):
            if name in meta:
                issues.append(CONTAINED_VERSIONED.at(f"{expression}.meta.{name}", name=name))
        if "security" in meta:
            issues.append(CONTAINED_SECURITY.at(f"{expression}.meta.security"))
    return issues


def text_issue(text: str, element: Element, expression: str) -> Issue:
    """Return what is wrong with a string that is no value of its element's type."""
    if text == "":
        return EMPTY_STRING.at(expression, name=element.name)
    for position, character in enumerate(text):
        if character < " " and character not in "\t\n\r":
            point = f"{ord(character):04X}"
            return CONTROL_CHARACTER.at(expression, name=element.name, point=point, position=position)
    if element.type in INVALID:
        return INVALID[element.type].at(expression, value=shown(text))
    return STRING_TOO_LONG.at(expression, name=element.name, length=len(text), limit=MAX_STRING)


def primitive_issue(value: Any, element: Element, expression: str) -> Issue:
    """Return what is wrong with one value of a primitive element that is no string of its type."""
    if isinstance(value, list):
        return ARRAY_UNEXPECTED.at(expression, name=element.name)
    if element.type == "boolean":
        return BOOLEAN_EXPECTED.at(expression, name=element.name)
    if element.type not in NUMBER_RULES:
        return STRING_EXPECTED.at(expression, name=element.name, type=element.type)
    if isinstance(value, (bool, str, dict, float)):
        return NUMBER_EXPECTED.at(expression, name=element.name, type=element.type)
    return INVALID[element.type].at(expression, value=shown(getattr(value, "text", value)))


def property_issue(name: str, value: Any, plan: Plan, expression: str) -> Issue:
    """Return what is wrong with a property that is unknown or whose value has the wrong JSON type.

    `expression` is that of the object the property stands in.
    """
    element = plan.elements.get(name.removeprefix("_") if name not in plan.elements else name)
    if element is None:
        return UNKNOWN_PROPERTY.at(expression, name=shown(name), type=plan.name)
    here = f"{expression}.{element.definition.removesuffix('[x]')}"
    is_twin = name not in plan.elements
    if is_twin and not has_twin(element):
        return EXTENSION_MISPLACED.at(here, name=name, element=element.name)
    if value is None:
        return NULL_NOT_ALLOWED.at(here, name=element.name)
    if element.many:
        return EMPTY_ARRAY.at(here, name=name) if value == [] else ARRAY_EXPECTED.at(here, name=name)
    if isinstance(value, list):
        return ARRAY_UNEXPECTED.at(here, name=name)
    if is_twin or not element.primitive:
        return OBJECT_EXPECTED.at(here, name=name)
    return primitive_issue(value, element, here)

"""What is wrong with a value or a modifier of a search parameter.

Source: FHIR R4, Search, "Modifiers", "Prefixes", "Search Parameter Types".
"""

from __future__ import annotations

from fhir_gateway.fhir.outcome import Complaint

MODIFIER_UNSUPPORTED = Complaint(
    "search-modifier-unsupported",
    "not-supported",
    en="The modifier of {name} is not supported on a {type} parameter; supported there: {allowed}.",
    fr="Le modificateur de {name} n'est pas pris en charge sur un paramètre de type {type} ; y sont pris en charge : "
    "{allowed}.",
)
VALUE_EMPTY = Complaint(
    "search-value-empty",
    "value",
    en="The search parameter {name} has an empty value; give it one, or leave the parameter out.",
    fr="Le paramètre de recherche {name} a une valeur vide ; donnez-en une, ou retirez le paramètre.",
)
TOKEN_MALFORMED = Complaint(
    "search-token-malformed",
    "value",
    en="The value '{value}' of {name} is no token: write code, system|code, |code or system|, "
    "and \\| for a vertical bar that belongs to one of them.",
    fr="La valeur « {value} » de {name} n'est pas un jeton : écrivez code, système|code, |code ou système|, "
    "et \\| pour une barre verticale qui en fait partie.",
)
TOKEN_WITHOUT_SYSTEM = Complaint(
    "search-token-without-system",
    "value",
    en="The values of {name} have no system, so '{value}' cannot name one; write the value alone, and \\| for a "
    "vertical bar that belongs to it.",
    fr="Les valeurs de {name} n'ont pas de système, « {value} » ne peut donc en nommer un ; écrivez la valeur seule, "
    "et \\| pour une barre verticale qui en fait partie.",
)
URI_NO_URL = Complaint(
    "search-uri-no-url",
    "value",
    en="The value '{value}' of {name} is no URL with a scheme, as in https://example.org/fhir/; URNs such as OIDs have "
    "nothing above or below them: leave out the modifier to ask for one.",
    fr="La valeur « {value} » de {name} n'est pas une URL avec son schéma, comme https://example.org/fhir/ ; un URN "
    "tel qu'un OID n'a rien au-dessus ni au-dessous de lui : retirez le modificateur pour le chercher.",
)
URI_TOO_LONG = Complaint(
    "search-uri-too-long",
    "too-long",
    en="The value of {name} is longer than the {limit} characters by which URLs are compared; shorten it.",
    fr="La valeur de {name} dépasse les {limit} caractères sur lesquels les URL sont comparées ; raccourcissez-la.",
)
POSITION_MALFORMED = Complaint(
    "search-position-malformed",
    "value",
    en="The value '{value}' of {name} is no position: write latitude|longitude, latitude|longitude|distance or "
    "latitude|longitude|distance|unit, degrees between -90 and 90 and between -180 and 180, a distance that is not "
    "negative, and one of these units: {units}.",
    fr="La valeur « {value} » de {name} n'est pas une position : écrivez latitude|longitude, "
    "latitude|longitude|distance ou latitude|longitude|distance|unité, en degrés de -90 à 90 et de -180 à 180, "
    "une distance qui ne soit pas "
    "négative et l'une de ces unités : {units}.",
)
BOOLEAN_MALFORMED = Complaint(
    "search-boolean-malformed",
    "value",
    en="The value '{value}' of {name} is neither true nor false, which are all it can be.",
    fr="La valeur « {value} » de {name} n'est ni true ni false, seules valeurs possibles.",
)
OF_TYPE_MALFORMED = Complaint(
    "search-of-type-malformed",
    "value",
    en="The value '{value}' of {name} must be system|code|value: an identifier's type and its value.",
    fr="La valeur « {value} » de {name} doit être système|code|valeur : le type d'un identifiant et sa valeur.",
)
REFERENCE_MALFORMED = Complaint(
    "search-reference-malformed",
    "value",
    en="The value '{value}' of {name} is no reference: write id, Type/id or an absolute URL.",
    fr="La valeur « {value} » de {name} n'est pas une référence : écrivez id, Type/id ou une URL absolue.",
)
REFERENCE_TYPE = Complaint(
    "search-reference-type",
    "value",
    en="{name} cannot refer to {type}; it can refer to: {targets}.",
    fr="{name} ne peut pas désigner {type} ; types possibles : {targets}.",
)
DATE_MALFORMED = Complaint(
    "search-date-malformed",
    "value",
    en="The value '{value}' of {name} is no date: write an optional prefix ({prefixes}) and YYYY, YYYY-MM, YYYY-MM-DD "
    "or YYYY-MM-DDThh:mm[:ss[.sss]][Z|±hh:mm]; a + is written %2B in a URL.",
    fr="La valeur « {value} » de {name} n'est pas une date : écrivez un préfixe facultatif ({prefixes}) puis AAAA, "
    "AAAA-MM, AAAA-MM-JJ ou AAAA-MM-JJThh:mm[:ss[.sss]][Z|±hh:mm] ; un + s'écrit %2B dans une URL.",
)
NUMBER_MALFORMED = Complaint(
    "search-number-malformed",
    "value",
    en="The value '{value}' of {name} is no number: write an optional prefix ({prefixes}) and digits, as in ge5.4.",
    fr="La valeur « {value} » de {name} n'est pas un nombre : écrivez un préfixe facultatif ({prefixes}) puis des "
    "chiffres, comme dans ge5.4.",
)
QUANTITY_MALFORMED = Complaint(
    "search-quantity-malformed",
    "value",
    en="The value '{value}' of {name} is no quantity: write number, number|system|code or number||unit, with an "
    "optional prefix ({prefixes}) before the number.",
    fr="La valeur « {value} » de {name} n'est pas une quantité : écrivez nombre, nombre|système|code ou nombre||unité, "
    "avec un préfixe facultatif ({prefixes}) devant le nombre.",
)
STRING_TOO_LONG = Complaint(
    "search-string-too-long",
    "too-long",
    en="The value of {name} is longer than the {limit} characters that are compared; shorten it; a string parameter "
    "takes longer ones with :exact.",
    fr="La valeur de {name} dépasse les {limit} caractères comparés ; raccourcissez-la ; un paramètre "
    "de type string en accepte de plus longues avec :exact.",
)
COMPOSITE_MALFORMED = Complaint(
    "search-composite-malformed",
    "value",
    en="The value '{value}' of {name} must have {count} parts joined by $: {parts}.",
    fr="La valeur « {value} » de {name} doit avoir {count} parties jointes par $ : {parts}.",
)
COMPOSITE_UNSUPPORTED = Complaint(
    "search-composite-unsupported",
    "not-supported",
    en="{name} combines {parts}, which is not supported; search its parts one by one.",
    fr="{name} combine {parts}, ce qui n'est pas pris en charge ; cherchez ses parties une à une.",
)

"""What is wrong with a search, beyond the values of its parameters (those: `store/index/complaints.py`).

Source: FHIR R4, Search; RESTful API, "search".
"""

from __future__ import annotations

from fhir_gateway.fhir.outcome import Complaint

PARAMETER_UNKNOWN = Complaint(
    "search-parameter-unknown",
    "not-supported",
    en="{name} is no search parameter of {type}; /metadata lists those that are. Correct it, leave it out, or send "
    "Prefer: handling=lenient to have it passed over.",
    fr="{name} n'est pas un paramètre de recherche de {type} ; /metadata donne la liste de ceux qui le sont. "
    "Corrigez-le, retirez-le, ou envoyez Prefer: handling=lenient pour qu'il soit ignoré.",
)
PARAMETER_UNSUPPORTED = Complaint(
    "search-parameter-unsupported",
    "not-supported",
    en="The search parameter {name} is not supported by this server. Leave it out, or send Prefer: handling=lenient "
    "to have it passed over.",
    fr="Le paramètre de recherche {name} n'est pas pris en charge par ce serveur. Retirez-le, ou envoyez "
    "Prefer: handling=lenient pour qu'il soit ignoré.",
)
VALUE_UNSUPPORTED = Complaint(
    "search-value-unsupported",
    "not-supported",
    en="{name} = {value} is not supported; supported: {supported}. Leave it out, or send Prefer: handling=lenient to "
    "have it passed over.",
    fr="{name} = {value} n'est pas pris en charge ; valeurs prises en charge : {supported}. Retirez-le, ou envoyez "
    "Prefer: handling=lenient pour qu'il soit ignoré.",
)
VALUE_INVALID = Complaint(
    "search-value-invalid",
    "value",
    en="The value '{value}' of {name} is not possible; possible: {possible}.",
    fr="La valeur « {value} » de {name} n'est pas possible ; valeurs possibles : {possible}.",
)
GIVEN_TWICE = Complaint(
    "search-parameter-repeated",
    "invalid",
    en="{name} may be given once only; it was given {times} times.",
    fr="{name} ne peut être donné qu'une fois ; il l'a été {times} fois.",
)
TOO_MANY = Complaint(
    "search-too-many-conditions",
    "too-costly",
    en="The search has {number} conditions and values; this server takes {limit}. Split it into several searches.",
    fr="La recherche compte {number} conditions et valeurs ; ce serveur en accepte {limit}. Divisez-la en plusieurs "
    "recherches.",
)
ID_MALFORMED = Complaint(
    "search-id-malformed",
    "value",
    en="The value '{value}' of {name} is no id of a resource: 1 to 64 of the characters A-Z, a-z, 0-9, '-' and '.'.",
    fr="La valeur « {value} » de {name} n'est pas un identifiant de ressource : de 1 à 64 caractères parmi A-Z, a-z, "
    "0-9, « - » et « . ».",
)
TYPE_UNKNOWN = Complaint(
    "search-type-unknown",
    "value",
    en="{value} in {name} is no resource type of FHIR R4. Check its spelling; types are case-sensitive.",
    fr="{value} dans {name} n'est pas un type de ressource de FHIR R4. Vérifiez son orthographe, majuscules comprises.",
)
CHAIN_IMPOSSIBLE = Complaint(
    "search-chain-impossible",
    "value",
    en="{name} cannot be followed: {step} is no reference parameter of {type}.",
    fr="{name} ne peut pas être suivi : {step} n'est pas un paramètre de référence de {type}.",
)
CHAIN_TARGET = Complaint(
    "search-chain-target",
    "value",
    en="{name} cannot be followed: none of {targets} has the search parameter {step}, or it means different things "
    "there. Name one type, as in {example}.",
    fr="{name} ne peut pas être suivi : parmi {targets}, aucun n'a le paramètre de recherche {step}, ou il n'y a pas "
    "le même sens. Nommez un type, comme dans {example}.",
)
CHAIN_TOO_LONG = Complaint(
    "search-chain-too-long",
    "too-costly",
    en="{name} follows more than {limit} references; search in several steps.",
    fr="{name} suit plus de {limit} références ; cherchez en plusieurs étapes.",
)
INCLUDE_MALFORMED = Complaint(
    "search-include-malformed",
    "value",
    en="The value '{value}' of {name} must be Type:parameter, Type:parameter:Target, Type:* or *, where parameter is a "
    "reference parameter of Type.",
    fr="La valeur « {value} » de {name} doit être Type:paramètre, Type:paramètre:Cible, Type:* ou *, où le paramètre "
    "est un paramètre de référence de Type.",
)
TOO_MANY_INCLUDED = Complaint(
    "search-too-many-included",
    "too-costly",
    en="The resources to include with this page are more than {limit}. Ask for a smaller _count, or for fewer "
    "includes.",
    fr="Les ressources à inclure avec cette page sont plus de {limit}. Demandez un _count plus petit, ou moins "
    "d'inclusions.",
)
PAGE_INVALID = Complaint(
    "search-page-invalid",
    "value",
    en="The page named by {name} is not one of this search's. Follow the links of a result as they are, or begin "
    "again without {name}.",
    fr="La page désignée par {name} n'appartient pas à cette recherche. Suivez les liens d'un résultat tels quels, ou "
    "recommencez sans {name}.",
)

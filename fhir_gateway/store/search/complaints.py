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
PARAMETER_PENDING = Complaint(
    "search-parameter-being-indexed",
    "transient",
    en="{type} cannot be searched by {name} yet: {percent} % of the resources are indexed by it so far, and a search "
    "would miss the others. Ask again later; GET $reindex?job={job} tells how far it is. Or send Prefer: "
    "handling=lenient to have it passed over.",
    fr="On ne peut pas encore chercher {type} par {name} : {percent} % des ressources sont indexées jusqu'ici, et "
    "la recherche manquerait les autres. Redemandez plus tard ; GET $reindex?job={job} dit où cela en est. Ou envoyez "
    "Prefer: handling=lenient pour qu'il soit ignoré.",
)
PARAMETER_STOPPED = Complaint(
    "search-parameter-not-indexed",
    "not-supported",
    en="{type} cannot be searched by {name}: the job {job} that was to index the resources here is {state}. Start "
    "another with POST $reindex, type {type}, or send Prefer: handling=lenient to have it passed over.",
    fr="On ne peut pas chercher {type} par {name} : la tâche {job} qui devait indexer les ressources présentes est à "
    "l'état {state}. Lancez-en une autre par POST $reindex, type {type}, ou envoyez Prefer: handling=lenient pour "
    "qu'il soit ignoré.",
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
SORT_IMPOSSIBLE = Complaint(
    "search-sort-impossible",
    "not-supported",
    en="{name} gives no order: matches are sorted by parameters of type token, reference, date, number, quantity, "
    "string and uri. Take it out of _sort.",
    fr="{name} ne donne pas d'ordre : on trie par des paramètres de type token, reference, date, number, quantity, "
    "string et uri. Retirez-le de _sort.",
)
NOT_A_SEARCH = Complaint(
    "explain-not-a-search",
    "value",
    en="'{url}' is no search. Give it as in the URL, below the base: Patient?name=ada&_sort=-birthdate.",
    fr="« {url} » n'est pas une recherche. Donnez-la comme dans l'URL, sans la base : "
    "Patient?name=ada&_sort=-birthdate.",
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
TEXT_WITH_INCLUDES = Complaint(
    "search-text-with-includes",
    "invalid",
    en="_include and _revinclude cannot go with _summary=text. Leave them out, or ask for another summary.",
    fr="_include et _revinclude ne peuvent pas accompagner _summary=text. Retirez-les, ou demandez un autre résumé.",
)
PAGE_INVALID = Complaint(
    "search-page-invalid",
    "value",
    en="The page named by {name} is not one of this search's. Follow the links of a result as they are, or begin "
    "again without {name}.",
    fr="La page désignée par {name} n'appartient pas à cette recherche. Suivez les liens d'un résultat tels quels, ou "
    "recommencez sans {name}.",
)
NAME_MALFORMED = Complaint(
    "search-name-malformed",
    "value",
    en="{name} is no name of a search parameter: write parameter, parameter:modifier, or parameter:Type.parameter, "
    "without empty parts.",
    fr="{name} n'est pas un nom de paramètre de recherche : écrivez paramètre, paramètre:modificateur, ou "
    "paramètre:Type.paramètre, sans partie vide.",
)
CHAIN_CANONICAL = Complaint(
    "search-chain-canonical",
    "value",
    en="{name} cannot be followed: {step} holds canonical URLs, and none of {targets} has a parameter url to find them "
    "by. Search for the URL itself.",
    fr="{name} ne peut pas être suivi : {step} contient des URL canoniques, et parmi {targets} aucun n'a de paramètre "
    "url pour les trouver. Cherchez l'URL elle-même.",
)
HAS_MALFORMED = Complaint(
    "search-has-malformed",
    "value",
    en="{name} must be _has:Type:reference:parameter, where reference is a reference parameter of Type that leads "
    "here, as in _has:Observation:patient:code.",
    fr="{name} doit être _has:Type:référence:paramètre, où référence est un paramètre de référence de Type qui mène "
    "ici, comme dans _has:Observation:patient:code.",
)
HAS_REFERENCE = Complaint(
    "search-has-reference",
    "value",
    en="{name} cannot be answered: {step} is no reference parameter of {type} that can refer to {targets}. Those are: "
    "{possible}.",
    fr="{name} n'a pas de réponse : {step} n'est pas un paramètre de référence de {type} qui puisse désigner "
    "{targets}. Ce sont : {possible}.",
)
HAS_PARAMETER = Complaint(
    "search-has-parameter",
    "value",
    en="{name} cannot be answered: {step} is no search parameter of {type}; /metadata lists those that are.",
    fr="{name} n'a pas de réponse : {step} n'est pas un paramètre de recherche de {type} ; /metadata donne la liste de "
    "ceux qui le sont.",
)
LIST_FUNCTIONAL = Complaint(
    "search-list-functional",
    "not-supported",
    en="{name} = {value} names a functional list, which this server does not keep. Name a List resource by its id, or "
    "search by parameters that say what the list would hold, as in Condition?clinical-status=active.",
    fr="{name} = {value} désigne une liste fonctionnelle, que ce serveur ne tient pas. Nommez une ressource List par "
    "son identifiant, ou cherchez par des paramètres qui disent ce que la liste contiendrait, comme dans "
    "Condition?clinical-status=active.",
)
COMPARTMENT_UNKNOWN = Complaint(
    "search-compartment-unknown",
    "not-found",
    en="{type} has no compartment; there are those of {known}.",
    fr="{type} n'a pas de compartiment ; il y a ceux de {known}.",
)
NOT_IN_COMPARTMENT = Complaint(
    "search-compartment-type",
    "not-found",
    en="{type} resources are never in the compartment of a {compartment}; these may be: {known}.",
    fr="Les ressources {type} ne sont jamais dans le compartiment d'un {compartment} ; peuvent y être : {known}.",
)
CONTAINED_WITH = Complaint(
    "search-contained-with",
    "not-supported",
    en="{name} cannot be combined with _contained = true or both: contained resources are found by their own elements "
    "alone, in an order of the server's. Leave one of the two out.",
    fr="{name} ne se combine pas avec _contained = true ou both : les ressources contenues se trouvent par leurs "
    "propres éléments seulement, dans un ordre choisi par le serveur. Retirez l'un des deux.",
)
TOO_MANY_CONTAINERS = Complaint(
    "search-too-many-containers",
    "too-costly",
    en="More than {limit} resources would have to be looked into to count what they contain. Leave _total and "
    "_summary=count out and follow the pages, or name one resource type.",
    fr="Il faudrait regarder dans plus de {limit} ressources pour compter ce qu'elles contiennent. Retirez _total et "
    "_summary=count et suivez les pages, ou nommez un seul type de ressource.",
)
SET_TOO_LARGE = Complaint(
    "search-code-set-too-large",
    "too-costly",
    en="{name}: {value} comes to more than {limit} codes. Ask for a narrower value set or code.",
    fr="{name} : {value} représente plus de {limit} codes. Demandez un jeu de valeurs ou un code plus étroit.",
)
VALUE_SET_UNKNOWN = Complaint(
    "search-value-set-unknown",
    "not-found",
    en="{name}: the value set {value} is not known here. Give the url of one that is stored, installed or shipped.",
    fr="{name} : le jeu de valeurs {value} n'est pas connu ici. Donnez l'url d'un jeu enregistré, installé ou livré.",
)
CODE_WITHOUT_SYSTEM = Complaint(
    "search-code-without-system",
    "value",
    en="The value '{value}' of {name} must be system|code: what stands above and below a code, its system says.",
    fr="La valeur « {value} » de {name} doit être système|code : c'est le système qui dit ce qui est au-dessus et "
    "au-dessous d'un code.",
)
CODE_UNKNOWN = Complaint(
    "search-code-unknown",
    "not-found",
    en="{name}: the code {code} of the system {system} is not known here.",
    fr="{name} : le code {code} du système {system} n'est pas connu ici.",
)

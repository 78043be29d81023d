"""What is wrong with a SearchParameter resource that is to take effect (its expression: `search_expression.py`).

Source: FHIR R4, SearchParameter.
"""

from __future__ import annotations

from fhir_gateway.fhir.outcome import Complaint

UNKNOWN_BASE = Complaint(
    "search-parameter-base-unknown",
    "not-found",
    en="The search parameter's base {base} is no resource type of FHIR {version}. Name resource types in "
    "SearchParameter.base.",
    fr="La base {base} du paramètre de recherche n'est pas un type de ressource de FHIR {version}. Nommez des types "
    "de ressources dans SearchParameter.base.",
)
UNKNOWN_COMPONENT = Complaint(
    "search-parameter-component-unknown",
    "not-found",
    en="The search parameter's component names {url}, which is no search parameter known here. Load that one first.",
    fr="Le composant du paramètre de recherche nomme {url}, qui n'est pas un paramètre de recherche connu ici. "
    "Chargez d'abord celui-ci.",
)
INCOMPLETE = Complaint(
    "search-parameter-incomplete",
    "required",
    en="The search parameter cannot be compiled: {what}. It needs url, code, base, and a type of SearchParamType.",
    fr="Le paramètre de recherche ne peut être compilé : {what}. Il lui faut url, code, base et un type de "
    "SearchParamType.",
)
ELEMENT_MISSING = Complaint(
    "search-parameter-element-missing",
    "required",
    en="A search parameter that is active needs {element}. Add it, or keep the status draft until it is complete.",
    fr="Un paramètre de recherche actif (active) exige {element}. Ajoutez-le, ou gardez le statut draft tant qu'il "
    "n'est pas complet.",
)
TYPE_UNKNOWN = Complaint(
    "search-parameter-type-unknown",
    "code-invalid",
    en="{type} is no type of search parameter; there are: {types}.",
    fr="{type} n'est pas un type de paramètre de recherche ; il y a : {types}.",
)
TYPE_NOT_INDEXED = Complaint(
    "search-parameter-type-not-indexed",
    "not-supported",
    en="This server cannot index what this search parameter selects as {type}. Use number, date, string, token, "
    "reference, quantity or uri; a composite is of a token and one quantity, date, token or reference.",
    fr="Ce serveur ne sait pas indexer ce que ce paramètre de recherche sélectionne comme {type}. Employez number, "
    "date, string, token, reference, quantity ou uri ; un composite joint un token à une quantity, date ou reference, "
    "ou à un autre token.",
)
CODE_IMPOSSIBLE = Complaint(
    "search-parameter-code-impossible",
    "value",
    en="The code '{code}' cannot name a search parameter here: up to 64 letters, digits, '-' and '_', the first of "
    "them no '_', which is how the standard's own names for all resources begin. Choose another code.",
    fr="Le code « {code} » ne peut nommer un paramètre de recherche ici : 64 lettres, chiffres, « - » et « _ » au "
    "plus, le premier n'étant pas « _ », par quoi commencent les noms réservés de la norme. Choisissez un autre code.",
)
CODE_TAKEN = Complaint(
    "search-parameter-code-taken",
    "duplicate",
    en="{types} already has a search parameter {code}: {url}. Choose another code, or retire that one if it is yours.",
    fr="{types} a déjà un paramètre de recherche {code} : {url}. Choisissez un autre code, ou retirez celui-là s'il "
    "est à vous.",
)
STANDARD_DIFFERS = Complaint(
    "search-parameter-standard",
    "business-rule",
    en="{url} is a search parameter of FHIR itself, and this one is not what FHIR R4 says it is. It cannot be changed; "
    "give yours a url and a code of its own.",
    fr="{url} est un paramètre de recherche de FHIR même, et celui-ci n'est pas ce qu'en dit FHIR R4. Il ne peut être "
    "changé ; donnez au vôtre une url et un code propres.",
)

"""What operations complain of.

Source: FHIR R4, Operations.
"""

from __future__ import annotations

from fhir_gateway.fhir.outcome import Complaint

# --- which operation, and how it is asked for

UNKNOWN = Complaint(
    "operation-unknown",
    "not-supported",
    en="There is no operation ${operation} at {place}; there are: {known}.",
    fr="Il n'y a pas d'opération ${operation} sur {place} ; il y a : {known}.",
)
NEEDS_POST = Complaint(
    "operation-needs-post",
    "not-supported",
    en="${operation} changes what is stored and must be asked for with POST.",
    fr="${operation} modifie ce qui est conservé et doit être demandée par POST.",
)
NOT_IN_TRANSACTION = Complaint(
    "operation-not-in-transaction",
    "not-supported",
    en="${operation} cannot be part of a transaction. Ask for it alone, or in a batch.",
    fr="${operation} ne peut pas faire partie d'une transaction. Demandez-la seule, ou dans un lot (batch).",
)

# --- inputs

BODY_TYPE = Complaint(
    "operation-body-type",
    "invalid",
    en="${operation} takes one of these as its body: {types}; this is a {sent}.",
    fr="${operation} prend comme corps l'une de ces ressources : {types} ; ceci est un {sent}.",
)
ALL_OK = Complaint(
    "validation-all-ok",
    "informational",
    en="No issues were found.",
    fr="Aucun problème n'a été trouvé.",
    severity="information",
)
MODE_UNKNOWN = Complaint(
    "validation-mode-unknown",
    "value",
    en="{mode} is no mode of $validate; there are: {known}.",
    fr="{mode} n'est pas un mode de $validate ; il y a : {known}.",
)
MODE_OF_INSTANCE = Complaint(
    "validation-mode-of-instance",
    "invalid",
    en="The mode {mode} is asked of the resource meant: [type]/[id]/$validate?mode={mode}.",
    fr="Le mode {mode} se demande à la ressource concernée : [type]/[id]/$validate?mode={mode}.",
)
INPUT_UNKNOWN = Complaint(
    "operation-input-unknown",
    "not-supported",
    en="${operation} has no parameter {name}; it has: {known}.",
    fr="${operation} n'a pas de paramètre {name} ; elle a : {known}.",
)
INPUT_TWICE = Complaint(
    "operation-input-twice",
    "invalid",
    en="The parameter {name} of ${operation} may be given once only.",
    fr="Le paramètre {name} de ${operation} ne peut être donné qu'une fois.",
)
INPUT_MISSING = Complaint(
    "operation-input-missing",
    "required",
    en="${operation} needs the parameter {name} ({type}).",
    fr="${operation} exige le paramètre {name} ({type}).",
)
INPUT_VALUE = Complaint(
    "operation-input-value",
    "value",
    en="The parameter {name} of ${operation} must be a {type}; {sent} is none.",
    fr="Le paramètre {name} de ${operation} doit être de type {type} ; {sent} n'en est pas.",
)
INPUT_IN_URL = Complaint(
    "operation-input-in-url",
    "invalid",
    en="The parameter {name} of ${operation} is a {type} and cannot stand in the URL: send it with POST, in a "
    "Parameters resource.",
    fr="Le paramètre {name} de ${operation} est de type {type} et ne peut figurer dans l'URL : envoyez-le par POST, "
    "dans une ressource Parameters.",
)

# --- $meta

TOO_MANY_LABELS = Complaint(
    "too-many-labels",
    "too-costly",
    en="More than {limit} different profiles, tags and security labels are in use. Ask for those of one type, or "
    "search with _tag, _security and _profile.",
    fr="Plus de {limit} profils, étiquettes et marques de sécurité différents sont en usage. Demandez ceux d'un seul "
    "type, ou cherchez avec _tag, _security et _profile.",
)

# --- $everything

EVERYTHING_OF_ALL = Complaint(
    "everything-of-all-patients",
    "too-costly",
    en="The records of all patients are too much for one answer. Ask for one with Patient/[id]/$everything, or follow "
    "what changes with [base]/_history.",
    fr="Les dossiers de tous les patients dépassent ce que contient une réponse. Demandez-en un par "
    "Patient/[id]/$everything, ou suivez les changements par [base]/_history.",
)
RECORD_TOO_LARGE = Complaint(
    "record-too-large",
    "too-costly",
    en="The record has more than {limit} resources. Search its parts: Patient/[id]/[type]?….",
    fr="Le dossier compte plus de {limit} ressources. Cherchez-en les parties : Patient/[id]/[type]?….",
)
CARE_ENDS_BEFORE = Complaint(
    "care-ends-before-it-starts",
    "value",
    en="end ({end}) lies before start ({start}); exchange them.",
    fr="end ({end}) précède start ({start}) ; échangez-les.",
)
TYPE_OF_RECORD = Complaint(
    "record-type-unknown",
    "value",
    en="_type: {type} is no resource type of FHIR R4. Check its spelling; types are case-sensitive.",
    fr="_type : {type} n'est pas un type de ressource de FHIR R4. Vérifiez son orthographe, majuscules comprises.",
)
COUNT_OF_RECORD = Complaint(
    "record-count",
    "value",
    en="_count: {count} is no number of resources on a page; it begins with 1.",
    fr="_count : {count} n'est pas un nombre de ressources par page ; il commence à 1.",
)

# --- $purge

PURGE_REFERRED = Complaint(
    "purge-referred",
    "conflict",
    en="{referer} refers to what would be erased. Change or purge {referer} first, or ask with force=true: its "
    "references will then lead nowhere.",
    fr="{referer} se réfère à ce qui serait effacé. Modifiez ou purgez d'abord {referer}, ou demandez avec "
    "force=true : ses références ne mèneront alors nulle part.",
)
PURGE_OF_A_DOSSIER = Complaint(
    "purge-dossier-member",
    "business-rule",
    en="{member} belongs to a PFMG dossier, whose versions and traces are kept. If it must go all the same (somebody's "
    "right to erasure, data for a test), ask with force=true.",
    fr="{member} appartient à un dossier du PFMG, dont les versions et les traces sont conservées. S'il doit partir "
    "malgré tout (droit à l'effacement, données d'essai), demandez avec force=true.",
)
PURGE_TOO_LARGE = Complaint(
    "purge-too-large",
    "too-costly",
    en="The patient has {limit} resources or more; a purge is done as a whole or not at all, and takes away fewer. "
    "Purge resources of the patient one by one first ([type]/[id]/$purge), then the patient.",
    fr="Le patient a {limit} ressources ou plus ; une purge se fait en entier ou pas du tout, et en retire moins. "
    "Purgez d'abord des ressources du patient une à une ([type]/[id]/$purge), puis le patient.",
)

# --- $graph

GRAPH_UNKNOWN = Complaint(
    "graph-unknown",
    "not-found",
    en="There is no GraphDefinition with the url {url} here. Store it first, or correct the url.",
    fr="Il n'y a pas ici de GraphDefinition dont l'url est {url}. Conservez-la d'abord, ou corrigez l'url.",
)
GRAPH_START = Complaint(
    "graph-start",
    "invalid",
    en="The graph starts at a {start}; it cannot be asked of a {type}.",
    fr="Le graphe part d'un {start} ; il ne peut être demandé d'un {type}.",
)
GRAPH_NO_TARGET = Complaint(
    "graph-link-without-target",
    "required",
    en="A link needs a target: say which types it leads to.",
    fr="Un lien exige une cible (target) : dites à quels types il mène.",
)
GRAPH_TYPE = Complaint(
    "graph-type-unknown",
    "value",
    en="{type} is no resource type of FHIR R4. Check its spelling; types are case-sensitive.",
    fr="{type} n'est pas un type de ressource de FHIR R4. Vérifiez son orthographe, majuscules comprises.",
)
GRAPH_MAX = Complaint(
    "graph-max",
    "value",
    en="max is a whole number or *; {max} is neither.",
    fr="max est un nombre entier ou * ; {max} n'est ni l'un ni l'autre.",
)
GRAPH_PATH = Complaint(
    "graph-path-unsupported",
    "not-supported",
    en="The path {path} cannot be followed. {reason}",
    fr="Le chemin {path} ne peut être suivi. {reason_fr}",
)
GRAPH_NO_REF = Complaint(
    "graph-params-without-ref",
    "required",
    en="A link without path needs params that name where it comes from, such as patient={{ref}} for the type {type}.",
    fr="Un lien sans chemin exige des params qui disent d'où il vient, comme patient={{ref}} pour le type {type}.",
)
GRAPH_TOO_LARGE = Complaint(
    "graph-too-large",
    "too-costly",
    en="The graph has more than {limit} resources. Use a narrower GraphDefinition.",
    fr="Le graphe compte plus de {limit} ressources. Employez une GraphDefinition plus étroite.",
)
GRAPH_TOO_MANY_SEARCHES = Complaint(
    "graph-too-many-searches",
    "too-costly",
    en="Following the graph takes more than {limit} searches. Use paths where there are references, or a narrower "
    "GraphDefinition.",
    fr="Suivre le graphe demande plus de {limit} recherches. Employez des chemins là où il y a des références, ou une "
    "GraphDefinition plus étroite.",
)
GRAPH_PASSED_OVER = Complaint(
    "graph-passed-over",
    "informational",
    en="{element} is not looked at: the graph is followed without it.",
    fr="{element} n'est pas examiné : le graphe est suivi sans lui.",
    severity="information",
)
GRAPH_OCCURS = Complaint(
    "graph-link-occurs",
    "business-rule",
    en="{source}: the link {link} occurs {number} times; the GraphDefinition says {min}..{max}.",
    fr="{source} : le lien {link} se présente {number} fois ; la GraphDefinition dit {min}..{max}.",
    severity="warning",
)
GRAPH_NOT_HERE = Complaint(
    "graph-target-not-here",
    "not-found",
    en="{source}: the link {link} leads to {reference}, which is not here.",
    fr="{source} : le lien {link} mène à {reference}, qui n'est pas ici.",
    severity="warning",
)

# --- $reindex

REINDEX_NAMED = Complaint(
    "reindex-named-with-job",
    "invalid",
    en="type and url say what a new $reindex is about: POST them without job. GET $reindex tells of the jobs there "
    "are.",
    fr="type et url disent sur quoi porte un nouveau $reindex : envoyez-les par POST, sans job. GET $reindex donne les "
    "tâches qu'il y a.",
)
REINDEX_TYPE = Complaint(
    "reindex-type-unknown",
    "value",
    en="{type} is no resource type of FHIR R4. Correct it, or leave type out to index everything again.",
    fr="{type} n'est pas un type de ressource de FHIR R4. Corrigez-le, ou retirez type pour tout indexer de nouveau.",
)
REINDEX_URL = Complaint(
    "reindex-parameter-unknown",
    "not-found",
    en="No search parameter that is in effect here has the url {url}. /metadata lists those that are.",
    fr="Aucun paramètre de recherche en vigueur ici n'a l'url {url}. /metadata en donne la liste.",
)
REINDEX_JOB = Complaint(
    "reindex-job-unknown",
    "not-found",
    en="There is no job {job}, or it ended long ago. GET $reindex tells of those there are.",
    fr="Il n'y a pas de tâche {job}, ou elle a pris fin il y a longtemps. GET $reindex donne celles qu'il y a.",
)
GRAPH_FULL_TEXT = Complaint(
    "graph-params-full-text",
    "not-supported",
    en="params cannot search words (_text, _content): search by other parameters.",
    fr="params ne peut chercher de mots (_text, _content) : cherchez par d'autres paramètres.",
)

# --- $explain

EXPLAIN_BESIDE = Complaint(
    "explain-parameter-beside-search",
    "invalid",
    en="{name} stands beside search and not in it: escape the & of the search as %26, or leave {name} out.",
    fr="{name} est à côté de search et non dedans : échappez le & de la recherche en %26, ou retirez {name}.",
)

# --- terminology

SYSTEMS_DIFFER = Complaint(
    "subsumes-systems-differ", "invalid",
    "$subsumes: the two codes are of different systems ({one} and {other}); give two codes of one system",
    "$subsumes : les deux codes sont de systèmes différents ({one} et {other}) ; donner deux codes d'un même système",
)  # fmt: skip
MAP_UNKNOWN = Complaint(
    "concept-map-unknown", "not-found",
    "$translate: there is no ConceptMap {canonical} here; store it, or leave `url` out to ask all maps",
    "$translate : aucun ConceptMap {canonical} ici ; l'enregistrer, ou omettre `url` pour interroger toutes les cartes",
)  # fmt: skip
INPUT_NOT_ANSWERED = Complaint(
    "operation-input-not-answered", "not-supported",
    "${operation}: {name} cannot be answered here; leave it out to ask about what is defined now, by url",
    "${operation} : {name} n'est pas pris en charge ici ; l'omettre pour interroger ce qui est défini à présent",
)  # fmt: skip

# --- dossiers

NO_DOSSIER = Complaint(
    "dossier-none",
    "business-rule",
    en="ServiceRequest/{id} belongs to no PFMG dossier: it has no profile or code of PFMG, or no requisition.",
    fr="ServiceRequest/{id} n'appartient à aucun dossier du PFMG : ni profil ni code du PFMG, ou pas de requisition.",
)
STATE_UNKNOWN = Complaint(
    "dossier-state-unknown",
    "value",
    en="{state} is no state of a dossier. Ask for one of: {known}.",
    fr="{state} n'est pas un état de dossier. Demandez l'un de : {known}.",
)
NOTHING_LACKS = Complaint(
    "dossier-nothing-lacks",
    "informational",
    en="The dossier lacks nothing for that state.",
    fr="Il ne manque rien au dossier pour cet état.",
    severity="information",
)
HOSPITAL_MISSING = Complaint(
    "dossier-hospital-missing",
    "required",
    en="Whose dossiers? You act for no structure: name one in etablissement (system|value).",
    fr="Les dossiers de quel établissement ? Vous n'agissez pour aucune structure : nommez-en une (system|value).",
)
NOTHING_SUBMITTED = Complaint(
    "submit-nothing",
    "required",
    en="$submit takes a Bundle of type transaction with at least one ServiceRequest that has a profile or code of "
    "PFMG.",
    fr="$submit attend un Bundle de type transaction avec au moins un ServiceRequest qui porte un profil ou un code du "
    "PFMG.",
)
PATIENT_UNKNOWN = Complaint(
    "decision-patient-unknown",
    "not-found",
    en="There is no Patient {patient} here, or more than one. Give Patient/[id], or an identifier system|value of one.",
    fr="Il n'y a pas ici de Patient {patient}, ou il y en a plusieurs. Donnez Patient/[id], ou un identifiant "
    "system|value d'un seul.",
)
BREAKDOWN_UNKNOWN = Complaint(
    "statistics-breakdown-unknown",
    "value",
    en="{par} is no breakdown. Ask for one of: {known}.",
    fr="{par} n'est pas une ventilation. Demandez l'une de : {known}.",
)

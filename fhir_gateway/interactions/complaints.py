"""What the acts complain of.

Source: FHIR R4, RESTful API; Bundle; RFC 6902 for JSON Patch.
"""

from __future__ import annotations

from fhir_gateway.fhir.outcome import Complaint

# --- URLs, in the entries of a Bundle and at the front door

TYPE_UNKNOWN = Complaint(
    "entry-type-unknown",
    "not-supported",
    en="{type} is no resource type of FHIR R4. Check its spelling; types are case-sensitive.",
    fr="{type} n'est pas un type de ressource de FHIR R4. Vérifiez son orthographe, majuscules comprises.",
)
URL_UNKNOWN = Complaint(
    "entry-url-unknown",
    "not-supported",
    en="The URL {url} names no FHIR interaction. Use [type], [type]/[id], [type]/[id]/_history/[vid] or one of their "
    "kin, relative to the service base.",
    fr="L'URL {url} ne désigne aucune interaction FHIR. Utilisez [type], [type]/[id], [type]/[id]/_history/[vid] ou "
    "une forme voisine, relative à la base du service.",
)
METHOD_NOT_ALLOWED = Complaint(
    "entry-method-not-allowed",
    "not-supported",
    en="{method} is not possible at {url}; possible there: {allowed}.",
    fr="{method} n'est pas possible sur {url} ; y sont possibles : {allowed}.",
)
ID_MALFORMED = Complaint(
    "entry-id-malformed",
    "value",
    en="{id} is no FHIR id: 1 to 64 of the characters A-Z, a-z, 0-9, '-' and '.'.",
    fr="{id} n'est pas un identifiant FHIR : de 1 à 64 caractères parmi A-Z, a-z, 0-9, « - » et « . ».",
)
NO_COMPARTMENT = Complaint(
    "compartment-unknown",
    "not-supported",
    en="{url} looks like a search of a compartment, but {type} has none; there are those of {known}.",
    fr="{url} ressemble à une recherche dans un compartiment, mais {type} n'en a pas ; il y a ceux de {known}.",
)

# --- who may do what

RIGHT_MISSING = Complaint(
    "right-missing",
    "forbidden",
    en="The role {role} has no right to {right} on {type}. Act in a role that has it, or ask the administrator of this "
    "gateway, whose policy says who has which rights.",
    fr="Le rôle {role} n'a pas le droit {right} sur {type}. Agissez dans un rôle qui l'a, ou adressez-vous à "
    "l'administrateur de cette passerelle, dont la politique dit qui a quels droits.",
)
SCOPE_MISSING = Complaint(
    "scope-missing",
    "forbidden",
    en="The access token was not granted the scope {scope}. Ask for a token with it.",
    fr="Le jeton d'accès n'a pas reçu la portée {scope}. Demandez un jeton qui la porte.",
)
ORGANISATION_MISSING = Complaint(
    "organisation-missing",
    "forbidden",
    en="The access token names no organisation, and the role {role} writes only for one. Ask for a token that names "
    "the organisation acted for.",
    fr="Le jeton d'accès ne nomme aucune structure, et le rôle {role} n'écrit que pour l'une d'elles. Demandez un "
    "jeton qui nomme la structure pour laquelle vous agissez.",
)
NOT_OWN = Complaint(
    "not-own",
    "forbidden",
    en="{type}/{id} is another organisation's; the role {role} has the right to {right} on what is its own "
    "organisation's only. Ask that organisation.",
    fr="{type}/{id} est à une autre structure ; le rôle {role} n'a le droit {right} que sur ce qui est à la sienne. "
    "Adressez-vous à cette structure.",
)
ELEMENT_NOT_CHANGEABLE = Complaint(
    "element-not-changeable",
    "forbidden",
    en="{type}.{element}: the right of the role {role} to {right} does not go as far as that. What it may change: "
    "{may}. Leave the element as it is stored.",
    fr="{type}.{element} : le droit {right} du rôle {role} ne va pas jusque-là. Ce qu'il peut changer : {may}. Laissez "
    "l'élément tel qu'il est conservé.",
)
ID_NOT_CHOSEN = Complaint(
    "id-not-chosen",
    "not-supported",
    en="There is no {type}/{id} to update, and the role {role} does not choose the ids of new resources. Create it "
    "with POST {type}; the server gives the id.",
    fr="Il n'y a pas de {type}/{id} à mettre à jour, et le rôle {role} ne choisit pas les identifiants des nouvelles "
    "ressources. Créez-la par POST {type} ; le serveur donne l'identifiant.",
)

# --- resources and versions

NOT_FOUND = Complaint(
    "resource-not-found",
    "not-found",
    en="There is no {type}/{id}. Check the id, or search for it.",
    fr="Il n'y a pas de {type}/{id}. Vérifiez l'identifiant, ou cherchez la ressource.",
)
VERSION_NOT_FOUND = Complaint(
    "version-not-found",
    "not-found",
    en="{type}/{id} has no version {version}; {type}/{id}/_history lists those it has.",
    fr="{type}/{id} n'a pas de version {version} ; {type}/{id}/_history donne la liste de celles qu'elle a.",
)
DELETED = Complaint(
    "resource-deleted",
    "deleted",
    en="{type}/{id} was deleted (version {version}). Its earlier versions remain under {type}/{id}/_history; "
    "PUT brings it back.",
    fr="{type}/{id} a été supprimée (version {version}). Ses versions antérieures restent sous {type}/{id}/_history ; "
    "PUT la rétablit.",
)
RESOURCE_MISSING = Complaint(
    "resource-missing",
    "required",
    en="{method} needs a resource; none was sent.",
    fr="{method} exige une ressource ; aucune n'a été envoyée.",
)
TYPE_DIFFERS = Complaint(
    "resource-type-differs",
    "invalid",
    en="The resource is of type {sent}, the URL says {type}. Send it to {sent}, or send a {type}.",
    fr="La ressource est de type {sent}, l'URL indique {type}. Envoyez-la à {sent}, ou envoyez un {type}.",
)
ID_MISSING = Complaint(
    "id-missing",
    "required",
    en="An update needs the id of its URL in the resource: add id = {id}.",
    fr="Une mise à jour exige l'identifiant de son URL dans la ressource : ajoutez id = {id}.",
)
ID_DIFFERS = Complaint(
    "id-differs",
    "value",
    en="The resource has the id {sent}, the URL names {id}; both must be the same.",
    fr="La ressource porte l'identifiant {sent}, l'URL désigne {id} ; les deux doivent être identiques.",
)

# --- preconditions

ETAG_MALFORMED = Complaint(
    "etag-malformed",
    "value",
    en='{header}: {sent} is no entity tag. Write W/"3" for version 3{star}.',
    fr="{header} : {sent} n'est pas une étiquette d'entité. Écrivez W/\"3\" pour la version 3{star}.",
)
IF_MATCH_STALE = Complaint(
    "if-match-stale",
    "conflict",
    en="{type}/{id} is at version {current}, not at {sent}: somebody changed it meanwhile. Read it again, "
    "repeat your change on that version and send it with its ETag.",
    fr="{type}/{id} en est à la version {current}, non à {sent} : quelqu'un l'a modifiée entre-temps. Relisez-la, "
    "refaites votre modification sur cette version et envoyez-la avec son ETag.",
)
IF_MATCH_ABSENT = Complaint(
    "if-match-absent",
    "conflict",
    en="If-Match asks for version {sent}, but there is no current {type}/{id}. Leave If-Match out to create it.",
    fr="If-Match demande la version {sent}, mais il n'y a pas de {type}/{id} en vigueur. Retirez If-Match pour "
    "la créer.",
)
IF_NONE_MATCH_EXISTS = Complaint(
    "if-none-match-exists",
    "conflict",
    en="{type}/{id} is at version {current}, which If-None-Match: {sent} excludes. Leave the header out to update it.",
    fr="{type}/{id} en est à la version {current}, que If-None-Match : {sent} exclut. Retirez l'en-tête pour la "
    "mettre à jour.",
)
CONDITION_NOT_FOR_METHOD = Complaint(
    "condition-not-for-method",
    "invalid",
    en="{name} has no meaning for {method}; it goes with {methods}.",
    fr="{name} n'a pas de sens pour {method} ; il va avec {methods}.",
)

# --- conditions by search

CRITERIA_MISSING = Complaint(
    "criteria-missing",
    "required",
    en="{method} {type} needs search parameters that name the resource, such as ?identifier=system|value, or an id.",
    fr="{method} {type} exige des paramètres de recherche qui désignent la ressource, comme "
    "?identifier=système|valeur, ou un identifiant.",
)
CRITERIA_TWICE = Complaint(
    "criteria-twice",
    "invalid",
    en="This create of {type} has criteria both in If-None-Exist and in the URL; leave those of the URL out.",
    fr="Cette création de {type} a des critères à la fois dans If-None-Exist et dans l'URL ; retirez ceux de l'URL.",
)
CRITERIA_PARAMETER = Complaint(
    "criteria-parameter",
    "invalid",
    en="{name} cannot be part of a condition ({criteria}): only parameters that filter can.",
    fr="{name} ne peut pas faire partie d'une condition ({criteria}) : seuls les paramètres qui filtrent le peuvent.",
)
CRITERIA_NUL = Complaint(
    "criteria-nul",
    "value",
    en="The criteria hold the character U+0000, which no FHIR string may hold; remove it.",
    fr="Les critères contiennent le caractère U+0000, qu'aucune chaîne FHIR ne peut contenir ; retirez-le.",
)
MULTIPLE_MATCHES = Complaint(
    "multiple-matches",
    "multiple-matches",
    en="{criteria} matches more than one resource. Make the condition more selective, or name the resource by its id.",
    fr="{criteria} correspond à plus d'une ressource. Précisez la condition, ou désignez la ressource par son "
    "identifiant.",
)
TOO_MANY_DELETES = Complaint(
    "too-many-deletes",
    "too-costly",
    en="{criteria} matches more than {limit} resources, the most that one conditional delete takes away. "
    "Make the condition more selective.",
    fr="{criteria} correspond à plus de {limit} ressources, le plus qu'une suppression conditionnelle retire. "
    "Précisez la condition.",
)
NO_MATCH = Complaint(
    "no-match",
    "not-found",
    en="{criteria} matches no resource, so there is nothing to patch.",
    fr="{criteria} ne correspond à aucune ressource : il n'y a rien à modifier.",
)
CRITERIA_ID_DIFFERS = Complaint(
    "criteria-id-differs",
    "value",
    en="{criteria} matches {type}/{found}, but the resource has the id {sent}. Leave the id out, or correct it.",
    fr="{criteria} correspond à {type}/{found}, mais la ressource porte l'identifiant {sent}. Retirez l'identifiant, "
    "ou corrigez-le.",
)
CRITERIA_ID_TAKEN = Complaint(
    "criteria-id-taken",
    "conflict",
    en="{criteria} matches nothing, and {type}/{id}, which the resource names, is another resource. "
    "Leave the id out to create a new one, or update {type}/{id} by its id.",
    fr="{criteria} ne correspond à rien, et {type}/{id}, que désigne la ressource, est une autre ressource. Retirez "
    "l'identifiant pour en créer une, ou mettez à jour {type}/{id} par son identifiant.",
)
UNSETTLED = Complaint(
    "identities-unsettled",
    "lock-error",
    en="Other writes kept changing the resources this request is about. Nothing was written; send it again.",
    fr="D'autres écritures ont sans cesse modifié les ressources concernées. Rien n'a été écrit ; renvoyez la requête.",
)

# --- references

REFERENCE_UNRESOLVED = Complaint(
    "reference-unresolved",
    "not-found",
    en="{reference} is the fullUrl of no entry of this Bundle. Add that entry, or refer to a resource that is here.",
    fr="{reference} n'est le fullUrl d'aucune entrée de ce Bundle. Ajoutez cette entrée, ou référez-vous à une "
    "ressource présente ici.",
)
REFERENCE_ABSENT = Complaint(
    "reference-absent",
    "not-found",
    en="{reference} does not exist here. Send it first or in the same transaction, or correct the reference.",
    fr="{reference} n'existe pas ici. Envoyez-la d'abord ou dans la même transaction, ou corrigez la référence.",
)
REFERENCE_DELETED = Complaint(
    "reference-deleted",
    "conflict",
    en="{reference} is deleted by this same Bundle. Drop the reference or the deletion.",
    fr="{reference} est supprimée par ce même Bundle. Retirez la référence ou la suppression.",
)
REFERENCE_CONDITIONAL = Complaint(
    "reference-conditional",
    "business-rule",
    en="The conditional reference {reference} is possible in a transaction only. Send the resource in one, or refer "
    "by id.",
    fr="La référence conditionnelle {reference} n'est possible que dans une transaction. Envoyez-y la ressource, ou "
    "référez-vous par identifiant.",
)
REFERENCE_NO_MATCH = Complaint(
    "conditional-reference-no-match",
    "not-found",
    en="The conditional reference {reference} matches no resource. Send that resource first or in the same "
    "transaction, or correct the criteria.",
    fr="La référence conditionnelle {reference} ne correspond à aucune ressource. Envoyez cette ressource d'abord ou "
    "dans la même transaction, ou corrigez les critères.",
)
REFERENCE_MULTIPLE = Complaint(
    "conditional-reference-multiple-matches",
    "multiple-matches",
    en="The conditional reference {reference} matches more than one resource. Make it more selective, or refer by id.",
    fr="La référence conditionnelle {reference} correspond à plus d'une ressource. Précisez-la, ou référez-vous par "
    "identifiant.",
)
STILL_REFERENCED = Complaint(
    "still-referenced",
    "conflict",
    en="{type}/{id} cannot be deleted: {referer} refers to it. Change or delete {referer} first, or in the same "
    "transaction.",
    fr="{type}/{id} ne peut pas être supprimée : {referer} s'y réfère. Modifiez ou supprimez {referer} d'abord, ou "
    "dans la même transaction.",
)

STILL_REFERENCED_ELSEWHERE = Complaint(
    "still-referenced-elsewhere",
    "conflict",
    en="{type}/{id} cannot be deleted: what you may not see refers to it. Mark it as entered in error, or ask the "
    "administrator of this gateway.",
    fr="{type}/{id} ne peut pas être supprimée : ce que vous ne pouvez pas voir s'y réfère. Marquez-la comme saisie "
    "par erreur, ou adressez-vous à l'administrateur de cette passerelle.",
)

# --- search parameters

SEARCH_PARAMETER_NEEDED = Complaint(
    "search-parameter-needed",
    "business-rule",
    en="The search parameter {url} (SearchParameter/{id}) could not be kept without this one, or as this one would be. "
    "Change or retire SearchParameter/{id} first, or in the same transaction.",
    fr="Le paramètre de recherche {url} (SearchParameter/{id}) ne pourrait subsister sans celui-ci, ou avec celui-ci "
    "tel qu'il serait. Modifiez ou retirez SearchParameter/{id} d'abord, ou dans la même transaction.",
)

# --- patch

PATCH_MISSING = Complaint(
    "patch-missing",
    "required",
    en="PATCH needs a JSON Patch, an array of operations (RFC 6902), or a FHIRPath Patch, a Parameters resource.",
    fr="PATCH exige un JSON Patch, tableau d'opérations (RFC 6902), ou un FHIRPath Patch, ressource Parameters.",
)
PATCH_NOT_PARAMETERS = Complaint(
    "patch-not-parameters",
    "structure",
    en="A FHIRPath Patch is a Parameters resource whose parameters are named operation; this is a {sent}. To replace "
    "the whole resource use PUT.",
    fr="Un FHIRPath Patch est une ressource Parameters dont les paramètres se nomment operation ; ceci est une "
    "ressource {sent}. Pour remplacer toute la ressource, utilisez PUT.",
)
PATCH_MALFORMED = Complaint(
    "patch-malformed",
    "structure",
    en="Operation {index} of the patch: {problem}.",
    fr="Opération {index} du patch : {problem_fr}.",
)
FHIRPATH_PATCH_IMPOSSIBLE = Complaint(
    "fhirpath-patch-impossible",
    "processing",
    en="Operation {index} of the patch ({operation} {path}): {problem}.",
    fr="Opération {index} du patch ({operation} {path}) : {problem_fr}.",
)
PATCH_PATH = Complaint(
    "patch-path-absent",
    "not-found",
    en="Operation {index} of the patch ({op}): the resource has nothing at {pointer}.",
    fr="Opération {index} du patch ({op}) : la ressource n'a rien à {pointer}.",
)
PATCH_INTO_ITSELF = Complaint(
    "patch-move-into-itself",
    "invalid",
    en="Operation {index} of the patch: {source} cannot be moved into {pointer}, which is a part of it.",
    fr="Opération {index} du patch : {source} ne peut pas être déplacé dans {pointer}, qui en fait partie.",
)
PATCH_TEST = Complaint(
    "patch-test-failed",
    "business-rule",
    en="Operation {index} of the patch: the test of {pointer} failed; the value there is another one. "
    "Read the resource again.",
    fr="Opération {index} du patch : le test de {pointer} a échoué ; la valeur y est autre. Relisez la ressource.",
)
PATCH_IDENTITY = Complaint(
    "patch-changes-identity",
    "business-rule",
    en="A patch cannot change {element}; it is {was} and must stay so.",
    fr="Un patch ne peut pas changer {element} ; il vaut {was} et doit le rester.",
)
PATCH_FORMAT = Complaint(
    "patch-format-unsupported",
    "not-supported",
    en="A PATCH entry carries a FHIRPath Patch, which is a Parameters resource, or a Binary with contentType "
    "application/json-patch+json and the JSON Patch, in base64, as its data; this one is {sent}.",
    fr="Une entrée PATCH porte un FHIRPath Patch, ressource Parameters, ou un Binary dont contentType est "
    "application/json-patch+json et data le JSON Patch, en base64 ; celle-ci est {sent}.",
)

# --- Bundles

BUNDLE_TYPE = Complaint(
    "bundle-type-unsupported",
    "not-supported",
    en="What is sent to the service base must be a Bundle of type transaction or batch; this is {sent}. "
    "To store a resource as it is, POST it to its type.",
    fr="Ce qui est envoyé à la base du service doit être un Bundle de type transaction ou batch ; ceci est {sent}. "
    "Pour conserver une ressource telle quelle, envoyez-la à son type.",
)
TOO_MANY_ENTRIES = Complaint(
    "too-many-entries",
    "too-long",
    en="The Bundle has {count} entries; at most {limit} are taken at once. Send it in parts.",
    fr="Le Bundle a {count} entrées ; {limit} au plus sont acceptées à la fois. Envoyez-le en plusieurs parties.",
)
REQUEST_MISSING = Complaint(
    "entry-request-missing",
    "required",
    en="Each entry of a {type} says what to do: it needs request.{name}.",
    fr="Chaque entrée d'un Bundle {type} dit ce qu'il faut faire : il lui faut request.{name}.",
)
METHOD_UNKNOWN = Complaint(
    "entry-method-unknown",
    "code-invalid",
    en="{method} is no HTTP verb of a Bundle entry: GET, HEAD, POST, PUT, DELETE or PATCH.",
    fr="{method} n'est pas un verbe HTTP d'une entrée de Bundle : GET, HEAD, POST, PUT, DELETE ou PATCH.",
)
NESTED = Complaint(
    "entry-nested-bundle",
    "not-supported",
    en="A {type} cannot hold another batch or transaction. Send its entries here, or separately.",
    fr="Un Bundle {type} ne peut pas contenir un autre lot ou une autre transaction. Envoyez-en les entrées ici, ou "
    "séparément.",
)
FULL_URL_TWICE = Complaint(
    "full-url-twice",
    "duplicate",
    en="{url} is already the fullUrl of entry {first} (bdl-7). Give each entry its own.",
    fr="{url} est déjà le fullUrl de l'entrée {first} (bdl-7). Donnez à chaque entrée le sien.",
)
IDENTITY_TWICE = Complaint(
    "identity-twice",
    "duplicate",
    en="Entry {first} is about {what} too; a resource can appear in a transaction once. Merge both entries.",
    fr="L'entrée {first} concerne aussi {what} ; une ressource n'apparaît qu'une fois dans une transaction. "
    "Fusionnez les deux entrées.",
)

# --- history

HISTORY_PARAMETER = Complaint(
    "history-parameter-unknown",
    "not-supported",
    en="{name} is no parameter of history here; known are _since, _at, _count, _summary and _elements.",
    fr="{name} n'est pas un paramètre d'historique ici ; sont connus _since, _at, _count, _summary et _elements.",
)
PARAMETER_TWICE = Complaint(
    "parameter-twice",
    "invalid",
    en="{name} may appear once only.",
    fr="{name} ne peut apparaître qu'une fois.",
)
COUNT_MALFORMED = Complaint(
    "count-malformed",
    "value",
    en="_count: {sent} is no whole number from 0 on.",
    fr="_count : {sent} n'est pas un nombre entier à partir de 0.",
)

# --- parts of resources

SUMMARY_COUNT = Complaint(
    "summary-count-not-searched",
    "not-supported",
    en="_summary=count is for searches only. In a history, _count=0 gives how many versions there are.",
    fr="_summary=count ne vaut que pour une recherche. Dans un historique, _count=0 donne le nombre de versions.",
)
SUBSET_SENT = Complaint(
    "subset-would-overwrite",
    "business-rule",
    en="This resource carries the tag SUBSETTED: it came from a request with _summary or _elements and is only a part. "
    "Updating with it would lose the rest. Read the whole resource and change that, send a PATCH, or, if this is the "
    "whole, remove the tag.",
    fr="Cette ressource porte l'étiquette SUBSETTED : elle vient d'une requête avec _summary ou _elements et n'est "
    "qu'une partie. Une mise à jour avec elle perdrait le reste. Lisez la ressource entière et modifiez-la, envoyez un "
    "PATCH, ou, si ceci est le tout, retirez l'étiquette.",
)

# --- what was done, for Prefer: return=OperationOutcome

DONE = {
    "created": Complaint(
        "done-created",
        "informational",
        en="Created {what}.",
        fr="{what} créée.",
        severity="information",
    ),
    "updated": Complaint(
        "done-updated",
        "informational",
        en="Updated {what}.",
        fr="{what} mise à jour.",
        severity="information",
    ),
    "unchanged": Complaint(
        "done-unchanged",
        "informational",
        en="{what} already says the same; no version was made.",
        fr="{what} dit déjà la même chose ; aucune version n'a été créée.",
        severity="information",
    ),
    "found": Complaint(
        "done-found",
        "informational",
        en="{what} matches If-None-Exist; nothing was created.",
        fr="{what} correspond à If-None-Exist ; rien n'a été créé.",
        severity="information",
    ),
    "deleted": Complaint(
        "done-deleted",
        "informational",
        en="Deleted {what}.",
        fr="{what} supprimée.",
        severity="information",
    ),
    "absent": Complaint(
        "done-absent",
        "informational",
        en="There was nothing to delete.",
        fr="Il n'y avait rien à supprimer.",
        severity="information",
    ),
}

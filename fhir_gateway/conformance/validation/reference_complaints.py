"""What validation finds in references, and in Bundles by their type.

Source: FHIR R4, References; Bundle; FHIR Documents; FHIR Messaging.
"""

from __future__ import annotations

from fhir_gateway.fhir.outcome import Complaint

REFERENCE_UNRESOLVED = Complaint(
    "validation-reference-unresolved",
    "structure",
    en="Unable to resolve resource with reference '{reference}'",
    fr="Impossible de trouver la ressource de la référence « {reference} »",
)
REFERENCE_BLANK = Complaint(
    "validation-reference-blank",
    "invalid",
    en="The reference '{reference}' is not valid: it may not contain white space",
    fr="La référence « {reference} » n'est pas valide : elle ne peut pas contenir d'espace",
)
REFERENCE_SUSPICIOUS = Complaint(
    "validation-reference-suspicious",
    "structure",
    severity="warning",
    en="The syntax of the reference '{reference}' looks incorrect, and it should be checked",
    fr="La forme de la référence « {reference} » semble incorrecte, vérifiez-la",
)
REFERENCE_NO_DISPLAY = Complaint(
    "validation-reference-no-display",
    "structure",
    severity="warning",
    en="A Reference without an actual reference or identifier should have a display",
    fr="Une référence sans adresse ni identifiant devrait avoir un libellé (display)",
)
REFERENCE_QUERY = Complaint(
    "validation-reference-query",
    "invalid",
    en="The reference '{reference}' has an invalid query: it must be [type]?parameter=value&…",
    fr="La référence « {reference} » a une requête invalide : [type]?paramètre=valeur&…",
)
REFERENCE_TYPE_NAMED = Complaint(
    "validation-reference-type-named",
    "structure",
    en="The type '{found}' is not a valid Target for this element (must be one of [{allowed}])",
    fr="Le type « {found} » n'est pas permis pour cet élément (permis : [{allowed}])",
)
REFERENCE_TYPE_OTHER = Complaint(
    "validation-reference-type-other",
    "structure",
    en="The specified type '{named}' does not match the found type '{found}'",
    fr="Le type indiqué, « {named} », n'est pas celui de la ressource, « {found} »",
)
REFERENCE_TYPE_IMPLIED = Complaint(
    "validation-reference-type-implied",
    "structure",
    en="The type '{found}' implied by the reference URL {reference} is not a valid Target for this element (must be "
    "one of [{allowed}])",
    fr="Le type « {found} » de l'adresse {reference} n'est pas permis pour cet élément (permis : [{allowed}])",
)
REFERENCE_PROFILE_UNKNOWN = Complaint(
    "validation-reference-profile-unknown",
    "structure",
    en="Unable to resolve the profile reference '{url}'",
    fr="Le profil {url} exigé de la ressource référencée est introuvable",
)
REFERENCE_AGGREGATION = Complaint(
    "validation-reference-aggregation",
    "structure",
    en="Reference is {found} which isn't supported by the specified aggregation mode(s) for the reference ({allowed})",
    fr="La référence est « {found} », or ce profil permet seulement : {allowed}",
)
REFERENCE_VERSION = Complaint(
    "validation-reference-version",
    "structure",
    en="The reference {reference} must be {wanted} (from {profile})",
    fr="La référence {reference} doit être {wanted} (selon {profile})",
)
CANONICAL_TYPE = Complaint(
    "validation-canonical-type",
    "invalid",
    en="Canonical URL '{url}' refers to a resource that has the wrong type. Found {found} expecting one of [{allowed}]",
    fr="L'URL canonique « {url} » désigne une ressource du mauvais type : {found} au lieu de [{allowed}]",
)
CANONICAL_UNRESOLVED = Complaint(
    "validation-canonical-unresolved",
    "invalid",
    en="A definition could not be found for Canonical URL '{url}'",
    fr="Aucune définition trouvée pour l'URL canonique « {url} »",
)
CANONICAL_UNKNOWN = Complaint(
    "validation-canonical-unknown",
    "invalid",
    severity="information",
    en="A definition could not be found for Canonical URL '{url}'",
    fr="Aucune définition trouvée pour l'URL canonique « {url} »",
)

# --- in Bundles

NOT_IN_BUNDLE = Complaint(
    "validation-bundle-urn",
    "required",
    severity="warning",
    en="URN reference is not locally contained within the bundle {reference}",
    fr="La référence {reference} ne désigne aucune entrée de ce Bundle",
)
POSSIBLE_MATCH = Complaint(
    "validation-bundle-possible-match",
    "required",
    severity="warning",
    en="Entry {place} matches the reference {reference} by type and id but its fullUrl {full_url} does not match the "
    "full target URL {target} by Bundle resolution rules",
    fr="L'entrée {place} a le type et l'id de la référence {reference}, mais sa fullUrl {full_url} n'est pas l'URL "
    "{target} que donnent les règles de résolution",
)
BUNDLE_MATCHES = Complaint(
    "validation-bundle-matches",
    "forbidden",
    en="Multiple matches in bundle for reference {reference}",
    fr="La référence {reference} désigne plusieurs entrées du Bundle",
)
BUNDLE_MATCH_TYPE = Complaint(
    "validation-bundle-match-type",
    "required",
    en="Matching reference for reference {reference} has resourceType {found}",
    fr="La référence {reference} désigne une ressource de type {found}",
)
BUNDLE_REFERENCE_FORM = Complaint(
    "validation-bundle-reference-form",
    "invalid",
    en="Relative URLs must be of the format [ResourceName]/[id]{or_search}. Encountered {reference}",
    fr="Une URL relative a la forme [ResourceName]/[id]{or_search}. Trouvé {reference}",
)
NO_FULL_URL = Complaint(
    "validation-bundle-reference-without-full-url",
    "required",
    en="Bundle entry missing fullUrl: what its references lead to cannot be told for sure",
    fr="Entrée de Bundle sans fullUrl : on ne peut dire sûrement où mènent ses références",
)
CANONICAL_NOT_CONTAINED = Complaint(
    "validation-canonical-not-contained",
    "invalid",
    en="The URL value '{url}' is invalid because there is no matching target: no contained resource has this id",
    fr="L'URL « {url} » est fausse, car rien n'y correspond : aucune ressource contenue n'a cet id",
)
NO_FULL_URL_FOR_RELATIVE = Complaint(
    "validation-bundle-relative",
    "required",
    en="Relative Reference appears inside Bundle whose entry is missing a fullUrl: {reference}",
    fr="Référence relative dans une entrée de Bundle sans fullUrl : {reference}",
)
RELATIVE_TO_SERVER = Complaint(
    "validation-bundle-relative-server",
    "informational",
    severity="warning",
    en="The relative reference {reference} can only lead to the server: its entry has no fullUrl",
    fr="La référence relative {reference} ne peut mener qu'au serveur : son entrée n'a pas de fullUrl",
)
FULL_URL_REQUIRED = Complaint(
    "validation-bundle-full-url",
    "invalid",
    en="Except for transactions and batches, each entry in a Bundle must have a fullUrl which is the identity of the "
    "resource in the entry",
    fr="Sauf dans les transactions et les lots, chaque entrée a une fullUrl, l'identité de sa ressource",
)
FULL_URL_RELATIVE = Complaint(
    "validation-bundle-full-url-relative",
    "invalid",
    en="The fullUrl must be an absolute URL (not '{full_url}')",
    fr="La fullUrl doit être une URL absolue (et non « {full_url} »)",
)
FULL_URL_NO_ID = Complaint(
    "validation-bundle-full-url-no-id",
    "invalid",
    en="The fullUrl '{full_url}' looks like a RESTful server URL, but the resource has no id",
    fr="La fullUrl « {full_url} » ressemble à celle d'un serveur REST, or la ressource n'a pas d'id",
)
FULL_URL_OTHER_ID = Complaint(
    "validation-bundle-full-url-id",
    "invalid",
    en="The fullUrl '{full_url}' looks like a RESTful server URL, so it must end with the correct type and id "
    "(/{type}/{id})",
    fr="La fullUrl « {full_url} » ressemble à celle d'un serveur REST : elle doit finir par /{type}/{id}",
)
FULL_URL_CANONICAL = Complaint(
    "validation-bundle-full-url-canonical",
    "invalid",
    en="The canonical URL ({url}) cannot match the fullUrl ({full_url}) unless the resource id ({id}) also matches",
    fr="L'URL canonique ({url}) ne peut être la fullUrl ({full_url}) que si elle finit par l'id ({id})",
)
NO_ENTRY = Complaint(
    "validation-bundle-no-entry",
    "invalid",
    en="Documents or Messages must contain at least one entry",
    fr="Un document ou un message a au moins une entrée",
)
FIRST_NO_RESOURCE = Complaint(
    "validation-bundle-first-resource",
    "invalid",
    en="No resource on first entry",
    fr="La première entrée n'a pas de ressource",
)
FIRST_COMPOSITION = Complaint(
    "validation-bundle-first-composition",
    "invalid",
    en="The first entry in a document must be a composition",
    fr="La première entrée d'un document est une Composition",
)
FIRST_MESSAGE_HEADER = Complaint(
    "validation-bundle-first-message-header",
    "invalid",
    en="The first entry in a message must be a message header",
    fr="La première entrée d'un message est un MessageHeader",
)
ENTRY_NOT_FOUND = Complaint(
    "validation-bundle-reference",
    "not-found",
    en="Can't find '{reference}' in the bundle ({name})",
    fr="« {reference} » n'est pas dans le Bundle ({name})",
)
ENTRY_NOT_HERE = Complaint(
    "validation-bundle-reference-elsewhere",
    "not-found",
    severity="information",
    en="Can't find '{reference}' in the bundle ({name})",
    fr="« {reference} » n'est pas dans le Bundle ({name})",
)
ENTRY_APPARENT = Complaint(
    "validation-bundle-reference-apparent",
    "invalid",
    en="Can't find '{reference}' in the bundle ({name}). Note that there is a resource in the bundle with the same "
    "type and id, but it does not match because of the fullUrl based rules around matching relative references "
    "(found {full_urls})",
    fr="« {reference} » n'est pas dans le Bundle ({name}). Une entrée a ce type et cet id, mais sa fullUrl ne convient "
    "pas d'après les règles de résolution ({full_urls})",
)
ENTRY_MANY = Complaint(
    "validation-bundle-reference-many",
    "invalid",
    en="Found {count} matches for '{reference}' in the bundle ({name})",
    fr="{count} entrées du Bundle conviennent à « {reference} » ({name})",
)
FRAGMENT_NOT_FOUND = Complaint(
    "validation-bundle-fragment",
    "not-found",
    en="Can't find the fragment '{fragment}' in the resource '{reference}' in the bundle ({name})",
    fr="Le fragment « {fragment} » n'est pas dans la ressource « {reference} » du Bundle ({name})",
)
FRAGMENT_UNKNOWN = Complaint(
    "validation-bundle-fragment-elsewhere",
    "not-found",
    severity="information",
    en="Can't find the fragment '{fragment}' in the resource '{reference}' in the bundle ({name})",
    fr="Le fragment « {fragment} » n'est pas dans la ressource « {reference} » du Bundle ({name})",
)
FRAGMENT_MANY = Complaint(
    "validation-bundle-fragment-many",
    "invalid",
    en="Found {count} matches for fragment {fragment} in resource '{reference}' in the bundle ({name})",
    fr="{count} éléments ont l'id {fragment} dans la ressource « {reference} » du Bundle ({name})",
)
ENTRY_UNREACHABLE = Complaint(
    "validation-bundle-unreachable",
    "informational",
    en="Entry {full_url} isn't reachable by traversing links (forward or backward) from the Composition",
    fr="L'entrée {full_url} n'est atteinte depuis la Composition par aucun lien, dans un sens ou dans l'autre",
)
ENTRY_UNREACHABLE_IN_MESSAGE = Complaint(
    "validation-bundle-unreachable-message",
    "informational",
    severity="warning",
    en="Entry {full_url} isn't reachable by traversing links (forward or backward) from the MessageHeader, so its "
    "presence should be reviewed (is it needed to process the message?)",
    fr="L'entrée {full_url} n'est atteinte depuis le MessageHeader par aucun lien : est-elle utile au message ?",
)
ENTRY_BACKWARD = Complaint(
    "validation-bundle-backward",
    "invalid",
    severity="warning",
    en="Entry {full_url} isn't reachable by traversing forwards from the Composition, only backwards",
    fr="L'entrée {full_url} n'est atteinte depuis la Composition qu'en remontant des liens",
)
ENTRY_BACKWARD_IN_MESSAGE = Complaint(
    "validation-bundle-backward-message",
    "informational",
    severity="information",
    en="Entry {full_url} isn't reachable by traversing forwards from the MessageHeader. Check that this is meant to be "
    "included (needed to process the message)",
    fr="L'entrée {full_url} n'est atteinte depuis le MessageHeader qu'en remontant des liens",
)
LINK_PROHIBITED = Complaint(
    "validation-bundle-link",
    "invalid",
    en="The link relationship type '{relation}' is prohibited in this context",
    fr="La relation « {relation} » n'est pas permise ici",
)
LINK_TWICE = Complaint(
    "validation-bundle-link-twice",
    "invalid",
    en="The link relationship type '{relation}' can only occur once",
    fr="La relation « {relation} » ne peut figurer qu'une fois",
)
STYLESHEET_NOT_FOUND = Complaint(
    "validation-bundle-stylesheet",
    "not-found",
    en="The stylesheet reference could not be resolved in this bundle",
    fr="La feuille de style n'est pas dans ce Bundle",
)
STYLESHEET_EXTERNAL = Complaint(
    "validation-bundle-stylesheet-external",
    "business-rule",
    severity="warning",
    en="External Stylesheets other than https://hl7.org/fhir/fhir.css SHOULD not be used",
    fr="Les feuilles de style externes autres que https://hl7.org/fhir/fhir.css sont à éviter",
)
STYLESHEET_INSECURE = Complaint(
    "validation-bundle-stylesheet-insecure",
    "business-rule",
    severity="warning",
    en="The stylesheet reference is not secure",
    fr="L'adresse de la feuille de style n'est pas sécurisée (https)",
)
SEARCH_NO_SELF = Complaint(
    "validation-searchset-self",
    "invalid",
    severity="warning",
    en="SearchSet bundles should have a self link that specifies what the search was",
    fr="Un résultat de recherche devrait avoir un lien « self » qui dit la recherche",
)
SEARCH_SELF_UNREADABLE = Complaint(
    "validation-searchset-self-unreadable",
    "invalid",
    severity="information",
    en="No types could be determined from the search string, so the types can't be checked",
    fr="Le lien « self » ne dit aucun type : ceux des résultats ne sont pas vérifiés",
)
SEARCH_NO_RESOURCE = Complaint(
    "validation-searchset-resource",
    "invalid",
    en="SearchSet Bundle Entries must have resources",
    fr="Chaque entrée d'un résultat de recherche a une ressource",
)
SEARCH_NO_ID = Complaint(
    "validation-searchset-id",
    "invalid",
    en="Search results must have ids",
    fr="Les ressources d'un résultat de recherche ont un id",
)
SEARCH_NO_ID_PERHAPS = Complaint(
    "validation-searchset-id-perhaps",
    "invalid",
    severity="warning",
    en="Search results must have ids",
    fr="Les ressources d'un résultat de recherche ont un id",
)
SEARCH_NO_MODE = Complaint(
    "validation-searchset-mode",
    "invalid",
    severity="warning",
    en="SearchSet bundles should have search modes on the entries",
    fr="Les entrées d'un résultat de recherche devraient avoir un mode (search.mode)",
)
SEARCH_NO_MODES = Complaint(
    "validation-searchset-modes",
    "invalid",
    severity="information",
    en="SearchSet bundles should have search modes on the entries",
    fr="Les entrées d'un résultat de recherche devraient avoir un mode (search.mode)",
)
SEARCH_TYPE = Complaint(
    "validation-searchset-type",
    "invalid",
    en="This is not a matching resource type for the specified search ({found} expecting {allowed})",
    fr="Ce type n'est pas celui de la recherche ({found} au lieu de {allowed})",
)
SEARCH_TYPE_NO_MODE = Complaint(
    "validation-searchset-type-no-mode",
    "invalid",
    severity="warning",
    en="This is not a matching resource type for the specified search (is a search mode needed?) ({found} expecting "
    "{allowed})",
    fr="Ce type n'est pas celui de la recherche ({found} au lieu de {allowed}) : faut-il un mode ?",
)
SEARCH_OUTCOME = Complaint(
    "validation-searchset-outcome",
    "invalid",
    en="This is not an OperationOutcome ({found})",
    fr="Ce n'est pas un OperationOutcome ({found})",
)

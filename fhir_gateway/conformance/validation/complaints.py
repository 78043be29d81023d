"""What validation finds, each kind with its stable id, code and texts.

Source: FHIR R4, Validating Resources; ElementDefinition; IssueType code system.
"""

from __future__ import annotations

from fhir_gateway.fhir.outcome import Complaint

TOO_FEW = Complaint(
    "validation-min",
    "structure",
    en="{element}: minimum required = {min}, but only found {count} (from {profile})",
    fr="{element} : minimum requis = {min}, mais {count} trouvé(s) (selon {profile})",
)
TOO_MANY = Complaint(
    "validation-max",
    "structure",
    en="{element}: max allowed = {max}, but found {count} (from {profile})",
    fr="{element} : maximum autorisé = {max}, mais {count} trouvé(s) (selon {profile})",
)
FIXED = Complaint(
    "validation-fixed",
    "value",
    en="Value is '{found}' but is fixed to '{wanted}' in the profile {profile}#{element}",
    fr="La valeur est « {found} » mais le profil {profile}#{element} la fixe à « {wanted} »",
)
PATTERN = Complaint(
    "validation-pattern",
    "value",
    en="The pattern {wanted} defined in the profile {profile}#{element} is not met: found {found}",
    fr="Le motif {wanted} défini par le profil {profile}#{element} n'est pas respecté : trouvé {found}",
)
TOO_LONG = Complaint(
    "validation-max-length",
    "too-long",
    en="Value is longer than permitted maximum length of {max}: {count} characters (from {profile})",
    fr="La valeur dépasse la longueur maximale de {max} : {count} caractères (selon {profile})",
)
BELOW = Complaint(
    "validation-min-value",
    "invalid",
    en="Value {found} is below the minimum {wanted} (from {profile})",
    fr="La valeur {found} est inférieure au minimum {wanted} (selon {profile})",
)
ABOVE = Complaint(
    "validation-max-value",
    "invalid",
    en="Value {found} is above the maximum {wanted} (from {profile})",
    fr="La valeur {found} est supérieure au maximum {wanted} (selon {profile})",
)
TYPE_NOT_ALLOWED = Complaint(
    "validation-type",
    "structure",
    en="The type {found} is not allowed for {element}: the profile {profile} allows {allowed}",
    fr="Le type {found} n'est pas permis pour {element} : le profil {profile} permet {allowed}",
)
INVARIANT = Complaint(
    "validation-invariant",
    "invariant",
    en="Constraint failed: {key}: '{human}' (defined in {source})",
    fr="Règle non respectée : {key} : « {human} » (définie dans {source})",
)
INVARIANT_WARNING = Complaint(
    "validation-invariant-warning",
    "invariant",
    severity="warning",
    en="Constraint failed: {key}: '{human}' (defined in {source})",
    fr="Règle non respectée : {key} : « {human} » (définie dans {source})",
)
INVARIANT_UNREADABLE = Complaint(
    "validation-invariant-unreadable",
    "exception",
    severity="warning",
    en="The rule {key} of {source} could not be evaluated: {reason}",
    fr="La règle {key} de {source} n'a pas pu être évaluée : {reason}",
)
SLICE_CLOSED = Complaint(
    "validation-slice-closed",
    "invalid",
    en="This element does not match any known slice defined in the profile {profile} and slicing is CLOSED: {reasons}",
    fr="Cet élément ne correspond à aucun découpage (slice) du profil {profile}, dont la liste est fermée : {reasons}",
)
SLICE_NONE = Complaint(
    "validation-slice-none",
    "informational",
    severity="information",
    en="This element does not match any known slice defined in the profile {profile} (this may not be a problem, but "
    "you should check that it is not intended to match a slice): {reasons}",
    fr="Cet élément ne correspond à aucun découpage (slice) du profil {profile} (ce n'est pas forcément un problème ; "
    "vérifiez qu'il ne devait pas en suivre un) : {reasons}",
)
SLICE_ORDER = Complaint(
    "validation-slice-order",
    "invalid",
    en="As specified by profile {profile}, element {element} is out of order in ordered slice",
    fr="D'après le profil {profile}, l'élément {element} n'est pas à sa place dans un découpage ordonné",
)
SLICE_AT_END = Complaint(
    "validation-slice-at-end",
    "invalid",
    en="As specified by profile {profile}, elements that match no slice come at the end",
    fr="D'après le profil {profile}, les éléments hors découpage viennent à la fin",
)
SLICE_MISSING = Complaint(
    "validation-slice-missing",
    "structure",
    en="Slice '{element}': a matching slice is required, but not found (from {profile})",
    fr="Découpage « {element} » : un élément correspondant est exigé, aucun n'est présent (selon {profile})",
)
EXTENSION_UNKNOWN = Complaint(
    "validation-extension-unknown",
    "structure",
    en="The extension {url} could not be found so is not allowed here",
    fr="L'extension {url} est introuvable, elle n'est donc pas permise ici",
)
EXTENSION_UNKNOWN_ALLOWED = Complaint(
    "validation-extension-not-known",
    "not-found",
    severity="information",
    en="Unknown extension {url}",
    fr="Extension inconnue {url}",
)
EXTENSION_CONTEXT = Complaint(
    "validation-extension-context",
    "structure",
    en="The extension {url} is not allowed to be used at this point (this element is [{place}]; allowed = {allowed})",
    fr="L'extension {url} n'est pas permise à cet endroit (cet élément est [{place}] ; permis = {allowed})",
)
EXTENSION_MODIFIER = Complaint(
    "validation-extension-modifier",
    "structure",
    en="The Extension '{url}' must not be used as an extension (it's a modifierExtension)",
    fr="L'extension « {url} » ne peut pas être une simple extension (c'est une modifierExtension)",
)
EXTENSION_NOT_MODIFIER = Complaint(
    "validation-extension-not-modifier",
    "structure",
    en="The Extension '{url}' must not be used as a modifierExtension (it's an extension)",
    fr="L'extension « {url} » ne peut pas être une modifierExtension (c'est une simple extension)",
)
EXTENSION_URL = Complaint(
    "validation-extension-url",
    "invalid",
    en="Extension.url is required in order to identify, use and validate the extension",
    fr="Extension.url est exigé pour reconnaître, utiliser et valider l'extension",
)
EXTENSION_URL_RELATIVE = Complaint(
    "validation-extension-url-relative",
    "invalid",
    en="Extension.url must be an absolute URL, not '{url}'",
    fr="Extension.url doit être une URL absolue, et non « {url} »",
)
PROFILE_UNKNOWN = Complaint(
    "validation-profile-unknown",
    "structure",
    severity="warning",
    en="Profile reference '{url}' has not been checked because it is unknown",
    fr="Le profil « {url} » n'a pas été vérifié : il est inconnu",
)
PROFILE_UNKNOWN_ERROR = Complaint(
    "validation-profile-not-found",
    "structure",
    en="Unknown profile {url}",
    fr="Profil inconnu : {url}",
)
PROFILE_OF_OTHER_TYPE = Complaint(
    "validation-profile-type",
    "structure",
    en="Specified profile type was '{wanted}' in profile '{profile}', but found type '{found}'",
    fr="Le profil « {profile} » est celui du type « {wanted} », or la ressource est du type « {found} »",
)
TYPE_PROFILE = Complaint(
    "validation-type-profile",
    "structure",
    en="Unable to find a match for the specified profile among choices: {profiles}",
    fr="Aucun des profils indiqués n'est respecté : {profiles}",
)
CODE_REQUIRED = Complaint(
    "validation-code-required",
    "code-invalid",
    en="The value provided ('{code}') was not found in the value set '{name}' ({value_set}), and a code is required "
    "from this value set",
    fr="La valeur « {code} » n'est pas dans le jeu de valeurs « {name} » ({value_set}), dont un code est exigé",
)
CODE_EXTENSIBLE = Complaint(
    "validation-code-extensible",
    "code-invalid",
    severity="warning",
    en="None of the codings provided are in the value set '{name}' ({value_set}), and a coding should come from this "
    "value set unless it has no suitable code (codes = {code})",
    fr="Aucun des codes fournis n'est dans le jeu de valeurs « {name} » ({value_set}), dont un code est attendu sauf "
    "si aucun ne convient (codes = {code})",
)
CODE_PREFERRED = Complaint(
    "validation-code-preferred",
    "code-invalid",
    severity="information",
    en="None of the codings provided are in the value set '{name}' ({value_set}), and a coding is recommended to come "
    "from this value set (codes = {code})",
    fr="Aucun des codes fournis n'est dans le jeu de valeurs « {name} » ({value_set}), dont un code est recommandé "
    "(codes = {code})",
)
CODE_MISSING = Complaint(
    "validation-code-missing",
    "code-invalid",
    en="No code provided, and a code is required from the value set '{name}' ({value_set})",
    fr="Aucun code, or un code du jeu de valeurs « {name} » ({value_set}) est exigé",
)
VALUE_SET_UNKNOWN = Complaint(
    "validation-value-set-unknown",
    "not-found",
    severity="warning",
    en="ValueSet '{value_set}' not found",
    fr="Jeu de valeurs « {value_set} » introuvable",
)
REFERENCE_TYPE = Complaint(
    "validation-reference-type",
    "structure",
    en="Invalid Resource target type. Found {found}, but expected one of ({allowed})",
    fr="Type de ressource référencée non permis : {found} ; permis : {allowed}",
)
REFERENCE_PROFILE = Complaint(
    "validation-reference-profile",
    "structure",
    en="Unable to find a profile match for {reference} among choices: {profiles}",
    fr="{reference} ne respecte aucun des profils : {profiles}",
)
REFERENCE_CONTAINED = Complaint(
    "validation-reference-contained",
    "not-found",
    en="Unable to resolve resource with reference '{reference}'",
    fr="Impossible de trouver la ressource de la référence « {reference} »",
)

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
PART_ABSENT = Complaint(
    "validation-fixed-part-absent",
    "value",
    en="Missing element '{name}' - required by fixed value assigned in profile {profile}#{element} ({wanted})",
    fr="L'élément « {name} » manque : le profil {profile}#{element} le fixe ({wanted})",
)
PART_EXTRA = Complaint(
    "validation-fixed-part-extra",
    "value",
    en="The element {name} is present in the instance but not allowed in the applicable fixed value specified in "
    "profile {profile}#{element}",
    fr="L'élément {name} est présent, mais la valeur fixée par le profil {profile}#{element} ne l'a pas",
)
PART_COUNT = Complaint(
    "validation-fixed-part-count",
    "value",
    en="Expected {wanted} but found {found} {name} elements (profile {profile}#{element})",
    fr="{wanted} élément(s) {name} attendu(s), {found} trouvé(s) (profil {profile}#{element})",
)
PART_PATTERN = Complaint(
    "validation-pattern-part",
    "value",
    en="The pattern {wanted} defined in the profile {profile}#{element} not found: none of {name} is so ({found})",
    fr="Le motif {wanted} défini par le profil {profile}#{element} est introuvable parmi {name} ({found})",
)
OF_DIFFERENCE = {
    "value": FIXED,
    "absent": PART_ABSENT,
    "extra": PART_EXTRA,
    "count": PART_COUNT,
    "part": PART_PATTERN,
}
TYPE_NOT_ALLOWED = Complaint(
    "validation-type",
    "structure",
    en="The type {found} is not allowed for {element}: the profile {profile} allows {allowed}",
    fr="Le type {found} n'est pas permis pour {element} : le profil {profile} permet {allowed}",
)
RESOURCE_OF_OTHER_TYPE = Complaint(
    "validation-resource-type",
    "structure",
    en="The type '{found}' is not valid - must be of type {allowed} (profile {profile})",
    fr="Le type « {found} » n'est pas permis ici : il faut {allowed} (profil {profile})",
)
INVARIANT = Complaint(
    "validation-invariant",
    "invariant",
    en="Constraint failed: {key}: '{human}' (defined in {source})",
    fr="Règle non respectée : {key} : « {human_fr} » (définie dans {source})",
)
INVARIANT_WARNING = Complaint(
    "validation-invariant-warning",
    "invariant",
    severity="warning",
    en="Constraint failed: {key}: '{human}' (defined in {source})",
    fr="Règle non respectée : {key} : « {human_fr} » (définie dans {source})",
)
INVARIANT_UNDECIDED = Complaint(
    "validation-invariant-undecided",
    "invariant",
    en="Constraint failed: {key}: '{human}' (defined in {source}): {reason}",
    fr="Règle non respectée : {key} : « {human_fr} » (définie dans {source}) : {reason}",
)
INVARIANT_UNDECIDED_WARNING = Complaint(
    "validation-invariant-undecided-warning",
    "invariant",
    severity="warning",
    en="Constraint failed: {key}: '{human}' (defined in {source}): {reason}",
    fr="Règle non respectée : {key} : « {human_fr} » (définie dans {source}) : {reason}",
)
INVARIANT_UNREADABLE = Complaint(
    "validation-invariant-unreadable",
    "exception",
    en="The rule {key} of {source} could not be evaluated: {reason}",
    fr="La règle {key} de {source} n'a pas pu être évaluée : {reason}",
)
SLICE_CLOSED = Complaint(
    "validation-slice-closed",
    "invalid",
    en="This element does not match any known slice defined in the profile {profile} and slicing is CLOSED: {reasons}",
    fr="Cet élément ne correspond à aucune coupe (slice) du profil {profile}, dont la liste est fermée : {reasons_fr}",
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
SLICES_OVERLAP = Complaint(
    "validation-slices-overlap",
    "invalid",
    en="Profile {profile}, element matches more than one slice - {first}, {second}",
    fr="Profil {profile} : l'élément correspond à plus d'une coupe - {first}, {second}",
)
SLICING_UNDECIDED = Complaint(
    "validation-slicing-undecided",
    "processing",
    en="Slicing cannot be evaluated: {reason} (in the profile {profile})",
    fr="Le découpage ne peut être évalué : {reason_fr} (dans le profil {profile})",
)
SLICE_MISSING = Complaint(
    "validation-slice-missing",
    "structure",
    en="Slice '{element}': a matching slice is required, but not found (from {profile}): minimum {min}, found {count}",
    fr="Coupe « {element} » : un élément qui lui correspond est exigé (selon {profile}) : au moins {min}, "
    "trouvés {count}",
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
NO_SNAPSHOT = Complaint(
    "validation-profile-no-snapshot",
    "not-found",
    en="The profile {profile} has no snapshot, and none is made here. Give it with its snapshot",
    fr="Le profil {profile} n'a pas de snapshot, et il n'en est pas fait ici. Donnez-le avec son snapshot",
)
PROFILE_UNUSABLE = Complaint(
    "validation-profile-unusable",
    "invalid",
    en="Nothing can be held to the profile {url}: {reasons}",
    fr="On ne peut rien confronter au profil {url} : {reasons_fr}",
)
PROFILE_OF_OTHER_TYPE = Complaint(
    "validation-profile-type",
    "structure",
    en="Specified profile type was '{wanted}' in profile '{profile}', but found type '{found}'",
    fr="Le profil « {profile} » est celui du type « {wanted} », or la ressource est du type « {found} »",
)
RESOURCE_PROFILE = Complaint(
    "validation-resource-profile",
    "invalid",
    en="The resource did not match any of the allowed profiles ({profiles})",
    fr="La ressource ne respecte aucun des profils permis ({profiles})",
)
TYPE_PROFILE = Complaint(
    "validation-type-profile",
    "structure",
    en="Unable to find a match for the specified profile among choices: {profiles}",
    fr="Aucun des profils indiqués n'est respecté : {profiles}",
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
CONTAINED_UNUSED = Complaint(
    "validation-contained-unused",
    "invalid",
    en="The contained resource '{id}' is not referenced to from elsewhere in the containing resource nor does it refer "
    "to the containing resource (dom-3)",
    fr="La ressource contenue « {id} » n'est référencée nulle part dans la ressource et ne s'y réfère pas (dom-3)",
)

"""What validation finds in structure definitions, search parameters, operation definitions, and what is published.

Source: FHIR R4, StructureDefinition; ElementDefinition; SearchParameter; OperationDefinition; Defining Extensions.
"""

from __future__ import annotations

from typing import Final

from fhir_gateway.fhir.outcome import Complaint, IssueCode, Severity


def _of(detail: str, en: str, fr: str, code: IssueCode = "business-rule", severity: Severity = "error") -> Complaint:
    return Complaint(f"validation-{detail}", code, en=en, fr=fr, severity=severity)


def _warning(detail: str, en: str, fr: str, code: IssueCode = "business-rule") -> Complaint:
    return _of(detail, en, fr, code, "warning")


# --- StructureDefinition

BASE_UNKNOWN: Final = _warning(
    "definition-base-unknown",
    "Unable to find base {base} for StructureDefinition, so can't check the differential",
    "La base {base} est introuvable : le differential ne peut être vérifié",
    "not-found",
)
SNAPSHOT: Final = _of(
    "definition-snapshot",
    "Error generating Snapshot: {reason} (this usually arises from a problem in the differential)",
    "Le snapshot ne peut être établi : {reason_fr} (la cause est en général dans le differential)",
    "exception",
)
DERIVATION_MISSING: Final = _of(
    "definition-derivation",
    "StructureDefinition {url} must have a derivation, since it has a baseDefinition",
    "{url} a une baseDefinition : il lui faut une derivation",
    "required",
)
TYPE_OF_BASE: Final = _of(
    "definition-type",
    "The type {type} must be the same as the type {wanted} in the base structure {base} that is being constrained",
    "Le type {type} n'est pas celui ({wanted}) de la base {base} qui est contrainte",
    "invalid",
)
TYPE_SPECIALIZED: Final = _of(
    "definition-type-specialized",
    "The type {type} must not be the same as the type in the base structure {base} that is being specialised",
    "Le type {type} ne peut être celui de la base {base} qui est spécialisée",
    "invalid",
)
KIND_OF_BASE: Final = _of(
    "definition-kind",
    "The kind {kind} must be the same as the kind {wanted} in the base structure {base}",
    "Le kind {kind} n'est pas celui ({wanted}) de la base {base}",
    "invalid",
)
TYPE_NOT_LOCAL: Final = _of(
    "definition-type-local",
    "The type {type} is not legal because it is not defined in the FHIR specification. Other types must have a "
    "namespace on them",
    "Le type {type} n'est pas défini par FHIR ; un autre type porte un espace de noms",
    "invalid",
)
TYPE_NOT_LOGICAL: Final = _of(
    "definition-type-logical",
    "The type {type} can only be defined if the kind is 'logical' not {kind}",
    "Le type {type} ne se définit qu'avec le kind « logical », et non {kind}",
    "invalid",
)
TYPE_NAMESPACE: Final = _warning(
    "definition-type-namespace",
    "The type namespace {type} SHOULD match the url namespace {url} for the definition of the type",
    "L'espace de noms du type {type} devrait être celui de l'url {url} de sa définition",
    "invalid",
)
CONTEXT_NOT_EXTENSION: Final = _of(
    "definition-context",
    "The type is {type} so an extension context should not be specified",
    "Le type est {type} : un contexte d'extension n'a pas lieu d'être",
)
CONTEXT_INVARIANT_NOT_EXTENSION: Final = _of(
    "definition-context-invariant",
    "The type is {type} so an extension context invariants should not be specified",
    "Le type est {type} : un invariant de contexte d'extension n'a pas lieu d'être",
)
CONTEXT_ANYWHERE: Final = _warning(
    "definition-context-anywhere",
    "Review the extension type for {id}: extensions should not have a context of {context} unless it's really intended "
    "that they can be used anywhere",
    "Revoyez le contexte de l'extension {id} : {context} la permet partout, ce qui est rarement voulu",
)
ROOT_SLICING: Final = _of(
    "definition-root-slicing",
    "Slicing is not allowed at the root of a profile",
    "La racine d'un profil ne se découpe pas",
    "invalid",
)
PATH_OF_OTHER_TYPE: Final = _of(
    "definition-path",
    "The path {path} must start with the type of the structure {type}",
    "Le chemin {path} commence par le type de la structure, {type}",
    "invalid",
)
FIXED_DIFFERS: Final = _of(
    "definition-fixed",
    "Value is '{found}' but is fixed to '{wanted}' in the profile {base}, because the value must match the fixed value "
    "defined there",
    "La valeur est « {found} », or {base} la fixe à « {wanted} »",
    "value",
)
PROFILE_UNKNOWN: Final = _warning(
    "definition-profile-unknown",
    "Unable to resolve profile {canonical}",
    "Le profil {canonical} est introuvable",
    "exception",
)
PROFILE_OF_OTHER_TYPE: Final = _of(
    "definition-profile-type",
    "Profile {canonical} is for type {found}, but the {element} element has type {type}",
    "Le profil {canonical} est du type {found}, or l'élément {element} est du type {type}",
    "exception",
)
PROFILE_MODIFIER: Final = _of(
    "definition-profile-modifier",
    "Profile {canonical} is for a modifier extension, but the {element} element is not a modifier",
    "Le profil {canonical} est celui d'une modifierExtension, ce que l'élément {element} n'est pas",
    "exception",
)
PROFILE_NOT_MODIFIER: Final = _of(
    "definition-profile-not-modifier",
    "Profile {canonical} is not for a modifier extension, but the {element} element is a modifier",
    "Le profil {canonical} n'est pas celui d'une modifierExtension, ce que l'élément {element} est",
    "exception",
)
TARGET_OF_OTHER_KIND: Final = _of(
    "definition-target-kind",
    "Profile {canonical} is for type {found}, which is not a resource (which is required because the {element} element "
    "has the type {type})",
    "Le profil {canonical} est du type {found}, qui n'est pas une ressource, ce qu'exige le type {type} de {element}",
    "exception",
)
TARGET_NOT_ALLOWED: Final = _of(
    "definition-target",
    "Type {type} does not allow for target Profiles",
    "Le type {type} n'a pas de profils cibles (targetProfile)",
    "exception",
)
BINDING_UNBINDABLE: Final = _of(
    "definition-binding",
    "The element {element} has a binding, but no bindable types are present {types}",
    "L'élément {element} a une liaison, mais aucun de ses types n'en admet ({types})",
)
BINDING_UNKNOWN: Final = _warning(
    "definition-binding-unknown",
    "The valueSet reference {value_set} on element {element} could not be resolved",
    "Le jeu de valeurs {value_set} de l'élément {element} est introuvable",
)
BINDING_NOT_VALUE_SET: Final = _of(
    "definition-binding-type",
    "The valueSet reference {value_set} on element {element} points to something that is not a value set ({found})",
    "{value_set}, lié à l'élément {element}, n'est pas un jeu de valeurs ({found})",
)
VALUE_TYPE: Final = _of(
    "definition-value-type",
    "The element {element} has a {what} of type {found}, which is not in the list of allowed types ({types})",
    "L'élément {element} a {what} du type {found}, qui n'est pas de ses types ({types})",
    "exception",
)
CONSTRAINT_EXPRESSION: Final = _of(
    "definition-constraint",
    "Error in constraint '{key}' with expression '{fhirpath}': {reason}",
    "Erreur dans la règle « {key} », d'expression « {fhirpath} » : {reason}",
    "invalid",
)
CONSTRAINT_UNCOMPUTABLE: Final = _warning(
    "definition-constraint-none",
    "The constraint '{key}' has no computable expression, so validators will not be able to check it",
    "La règle « {key} » n'a pas d'expression : aucun validateur ne pourra la vérifier",
    "required",
)
CONSTRAINT_CONFLICT: Final = _of(
    "definition-constraint-conflict",
    "The constraint '{key}' has an expression '{fhirpath}', which differs from the earlier expression provided of "
    "'{earlier}' (invariants are allowed to repeat, but cannot differ)",
    "La règle « {key} » a l'expression « {fhirpath} », autre que celle donnée plus haut, « {earlier} »",
    "invalid",
)
CONTEXT_EXPRESSION: Final = _of(
    "definition-context-expression",
    "Error in constraint '{fhirpath}': {reason}",
    "Erreur dans l'invariant de contexte « {fhirpath} » : {reason}",
    "invalid",
)
OBLIGATION_PROPERTY: Final = _of(
    "obligation-property",
    "The element '{element}' has a property '{property}' which is not allowed in Obligation profiles",
    "L'élément « {element} » a la propriété « {property} », qu'un profil d'obligations n'admet pas",
    "invalid",
)
OBLIGATION_BINDING: Final = _of(
    "obligation-binding",
    "The element '{element}' has a binding when the base element does not, and this is not allowed in Obligation "
    "profiles",
    "L'élément « {element} » a une liaison que sa base n'a pas, ce qu'un profil d'obligations n'admet pas",
    "invalid",
)
OBLIGATION_BINDING_PROPERTY: Final = _of(
    "obligation-binding-property",
    "The element '{element}' has a binding property '{property}' which is not allowed in Obligation profiles",
    "La liaison de « {element} » a la propriété « {property} », qu'un profil d'obligations n'admet pas",
    "invalid",
)
OBLIGATION_STRENGTH: Final = _of(
    "obligation-strength",
    "The element '{element}' has a different binding strength ('{found}') from the base ('{wanted}') which is not "
    "allowed in Obligation profiles",
    "La force de la liaison de « {element} » (« {found} ») n'est pas celle de la base (« {wanted} »), ce qu'un profil "
    "d'obligations n'admet pas",
    "invalid",
)

# --- SearchParameter

SEARCH_BASE: Final = _of(
    "search-parameter-base",
    "The resource type {type} is not listed as a base in the SearchParameter this is derived from ({url})",
    "Le type {type} n'est pas une base du SearchParameter dont celui-ci est dérivé ({url})",
)
SEARCH_TYPE: Final = _of(
    "search-parameter-type",
    "The type {type} is different to the type {wanted} in the derivedFrom SearchParameter {url}",
    "Le type {type} n'est pas celui ({wanted}) du SearchParameter dont celui-ci est dérivé, {url}",
)
SEARCH_EXPRESSION_DIFFERS: Final = _warning(
    "search-parameter-derived-expression",
    "The expression '{fhirpath}' is not compatible with the expression '{wanted}' in the derivedFrom SearchParameter "
    "{url}, and this likely indicates that the derivation relationship is not valid",
    "L'expression « {fhirpath} » ne s'accorde pas avec « {wanted} », celle du SearchParameter {url} dont celui-ci "
    "est dérivé",
)
SEARCH_UNKNOWN: Final = _warning(
    "search-parameter-derived-unknown",
    "Unable to find the base Search Parameter {url} so can't check that this SearchParameter is a proper derivation "
    "from it",
    "Le SearchParameter {url} est introuvable : la dérivation ne peut être vérifiée",
)
SEARCH_EXPRESSION: Final = _of(
    "search-parameter-expression",
    "Error in search expression '{fhirpath}': {reason}",
    "Erreur dans l'expression de recherche « {fhirpath} » : {reason}",
    "invalid",
)
SEARCH_COMPONENTS: Final = _of(
    "search-parameter-components",
    "When the SearchParameter has a type of 'composite', then the SearchParameter must define two or more components",
    "Un SearchParameter du type « composite » a au moins deux composants",
)
SEARCH_CHARACTER: Final = _warning(
    "search-parameter-character",
    "The Search Parameter code includes '{character}' which has special meaning in the RESTful API, and so this will "
    "be a problem",
    "Le code du SearchParameter contient « {character} », qui a un sens particulier dans l'API REST",
)

# --- OperationDefinition

OPERATION_PROFILE_UNKNOWN: Final = _of(
    "operation-profile-unknown",
    "The '{side}' profile '{canonical}' can not be resolved",
    "Le profil « {side} » {canonical} est introuvable",
    "not-found",
)
OPERATION_PROFILE_TYPE: Final = _of(
    "operation-profile-type",
    "The '{side}' profile '{canonical}' is not a profile on the 'Parameters' resource",
    "Le profil « {side} » {canonical} n'est pas celui d'une ressource Parameters",
    "invalid",
)
OPERATION_PARAMETER_MISSING: Final = _of(
    "operation-parameter-missing",
    "The '{side}' profile does not have a parameter '{name}' but it is in the parameters list in the operation "
    "definition",
    "Le profil « {side} » n'a pas le paramètre « {name} », que l'opération définit",
    "not-found",
)
OPERATION_PARAMETER_ADDED: Final = _of(
    "operation-parameter-added",
    "The '{side}' profile {canonical} defines a parameter '{name}' but this is not in the parameters list in the "
    "operation definition",
    "Le profil « {side} » {canonical} définit le paramètre « {name} », que l'opération n'a pas",
    "not-found",
)
OPERATION_PARAMETER_DIFFERS: Final = _of(
    "operation-parameter-differs",
    "The parameter '{name}' has a value for '{what}' of '{found}' in the '{side}' profile {canonical} that is "
    "different "
    "to '{wanted}' which is the value in the parameter definition in the operation definition",
    "Le paramètre « {name} » a {what} = « {found} » dans le profil « {side} » {canonical}, et « {wanted} » "
    "dans l'opération",
    "business-rule",
)

# --- what is published

WORKGROUP_MISSING: Final = _of(
    "publication-workgroup",
    "When HL7 is publishing a resource, the owning committee must be stated using the {url} extension",
    "Une ressource publiée par HL7 dit par l'extension {url} quel comité en répond",
)
SHAREABLE: Final = _warning(
    "publication-shareable",
    "Published resources SHOULD conform to the Shareable{type} profile, which says that the element {type}.{element} "
    "is mandatory, but it is not present",
    "Une ressource publiée devrait suivre le profil Shareable{type}, qui exige {type}.{element}",
    "required",
)
SHAREABLE_HL7: Final = _of(
    "publication-shareable-hl7",
    "Resources published by HL7 SHALL conform to the Shareable{type} profile, which says that the element "
    "{type}.{element} is mandatory, but it is not present",
    "Une ressource publiée par HL7 suit le profil Shareable{type}, qui exige {type}.{element}",
    "required",
)

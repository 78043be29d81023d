"""What the terminology service says of codes, systems and value sets.

The English texts, the ids and the codes are those that clients of HL7's terminology services know and act upon.

Source: HL7, FHIR Terminology Ecosystem, "Requirements"; CodeSystem tx-issue-type; FHIR R4, ValueSet, "$validate-code".
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from fhir_gateway.fhir.outcome import Complaint, IssueCode, Severity

_EXPLAINED = {True: ", so the code cannot be validated", False: ", so the value set cannot be expanded"}
_EXPLIQUE = {True: " : le code ne peut être validé", False: " : le jeu de valeurs ne peut être développé"}


def _said(
    id: str, kind: str, code: IssueCode, en: str, fr: str, severity: Severity = "error", variant: str = ""
) -> Complaint:
    detail = f"tx-{id.strip('_').lower().replace('__', '_').replace('_', '-')}{variant}"
    return Complaint(detail, code, en, fr, severity, True, kind, id)


@cache
def as_severe(complaint: Complaint, severity: Severity) -> Complaint:
    """Return the same complaint with another severity."""
    return replace(complaint, severity=severity)


# --- systems

NO_SYSTEM = _said(
    "Coding_has_no_system__cannot_validate", "invalid-data", "invalid",
    "Coding has no system. A code with no system has no defined meaning, and it cannot be validated. A system should"
    " be provided",
    "Le Coding n'a pas de system : un code sans system n'a pas de sens défini et ne peut être validé. Indiquer un"
    " system",
    "warning",
)  # fmt: skip
SYSTEM_RELATIVE = _said(
    "Terminology_TX_System_Relative", "invalid-data", "invalid",
    "Coding.system must be an absolute reference, not a local reference",
    "Coding.system doit être une référence absolue, non une référence locale",
)  # fmt: skip
SYSTEM_IS_VALUE_SET = _said(
    "Terminology_TX_System_ValueSet2", "invalid-data", "invalid",
    "The Coding references a value set, not a code system ('{system}')",
    "Le Coding désigne un jeu de valeurs et non un système de codes ('{system}')",
)  # fmt: skip
SYSTEM_IS_SUPPLEMENT = _said(
    "CODESYSTEM_CS_NO_SUPPLEMENT", "invalid-data", "invalid",
    "CodeSystem {system} is a supplement, so can't be used as a value in Coding.system",
    "Le CodeSystem {system} est un supplément : il ne peut servir de Coding.system",
)  # fmt: skip
SYSTEM_UNKNOWN = _said(
    "UNKNOWN_CODESYSTEM", "not-found", "not-found",
    "A definition for CodeSystem '{system}' could not be found" + _EXPLAINED[True],
    "Aucune définition du CodeSystem '{system}' n'a été trouvée" + _EXPLIQUE[True],
)  # fmt: skip
VERSION_UNKNOWN = _said(
    "UNKNOWN_CODESYSTEM_VERSION", "not-found", "not-found",
    "A definition for CodeSystem '{system}' version '{version}' could not be found" + _EXPLAINED[True]
    + ". Valid versions: {known}",
    "Aucune définition du CodeSystem '{system}' en version '{version}' n'a été trouvée" + _EXPLIQUE[True]
    + ". Versions connues : {known}",
)  # fmt: skip
VERSION_UNKNOWN_AS_ALL = _said(
    "UNKNOWN_CODESYSTEM_VERSION_NONE", "not-found", "not-found",
    "A definition for CodeSystem '{system}' version '{version}' could not be found" + _EXPLAINED[True]
    + ". No versions of this code system are known",
    "Aucune définition du CodeSystem '{system}' en version '{version}' n'a été trouvée" + _EXPLIQUE[True]
    + ". Aucune version de ce système n'est connue",
)  # fmt: skip
SYSTEM_UNKNOWN_TO_EXPAND = _said(
    "UNKNOWN_CODESYSTEM_EXP", "not-found", "not-found",
    "A definition for CodeSystem '{system}' could not be found" + _EXPLAINED[False],
    "Aucune définition du CodeSystem '{system}' n'a été trouvée" + _EXPLIQUE[False],
)  # fmt: skip
VERSION_UNKNOWN_TO_EXPAND = _said(
    "UNKNOWN_CODESYSTEM_VERSION_EXP", "not-found", "not-found",
    "A definition for CodeSystem '{system}' version '{version}' could not be found" + _EXPLAINED[False]
    + ". Valid versions: {known}",
    "Aucune définition du CodeSystem '{system}' en version '{version}' n'a été trouvée" + _EXPLIQUE[False]
    + ". Versions connues : {known}",
)  # fmt: skip
VERSION_UNKNOWN_AS_ALL_TO_EXPAND = _said(
    "UNKNOWN_CODESYSTEM_VERSION_EXP_NONE", "not-found", "not-found",
    "A definition for CodeSystem '{system}' version '{version}' could not be found" + _EXPLAINED[False]
    + ". No versions of this code system are known",
    "Aucune définition du CodeSystem '{system}' en version '{version}' n'a été trouvée" + _EXPLIQUE[False]
    + ". Aucune version de ce système n'est connue",
)  # fmt: skip
SUPPLEMENT_MISSING = _said(
    "VALUESET_SUPPLEMENT_MISSING", "not-found", "not-found",
    "Required supplement not found: {supplement}",
    "Supplément requis introuvable : {supplement}",
)  # fmt: skip
SUPPLEMENTS_MISSING = _said(
    "VALUESET_SUPPLEMENT_MISSING", "not-found", "not-found",
    "Required supplements not found: {supplement}",
    "Suppléments requis introuvables : {supplement}",
    variant="-several",
)  # fmt: skip

# --- versions

VERSION_REFUSED = _said(
    "VALUESET_VERSION_CHECK", "version-error", "exception",
    "The version '{version}' is not allowed for system '{system}': required to be '{wanted}' by a version-check"
    " parameter",
    "La version '{version}' n'est pas admise pour le système '{system}' : un paramètre de contrôle exige '{wanted}'",
)  # fmt: skip
SEVERAL_FORCED = _said(
    "SYSTEM_VERSION_MULTIPLE_OVERRIDE", "version-error", "exception",
    "Multiple version overrides found for system {system}: '{one}', '{other}'",
    "Plusieurs versions sont imposées pour le système {system} : '{one}', '{other}'",
)  # fmt: skip
SEVERAL_DEFAULTS = _said(
    "SYSTEM_VERSION_MULTIPLE_DEFAULT", "version-error", "exception",
    "Multiple default versions found for system {system}: '{one}', '{other}'",
    "Plusieurs versions par défaut sont données pour le système {system} : '{one}', '{other}'",
)  # fmt: skip
VERSION_DIFFERS = _said(
    "VALUESET_VALUE_MISMATCH", "vs-invalid", "invalid",
    "The code system '{system}' version '{version}' in the ValueSet include is different to the one in the value"
    " ('{sent}')",
    "La version '{version}' du système '{system}' dans le jeu de valeurs diffère de celle de la valeur ('{sent}')",
)  # fmt: skip
VERSION_DIFFERS_BY_RULE = _said(
    "VALUESET_VALUE_MISMATCH_CHANGED", "vs-invalid", "invalid",
    "The code system '{system}' version '{version}' resulting from the version '{stated}' in the ValueSet include is"
    " different to the one in the value ('{sent}')",
    "La version '{version}' du système '{system}', issue de la version '{stated}' du jeu de valeurs, diffère de celle"
    " de la valeur ('{sent}')",
)  # fmt: skip
VERSION_DIFFERS_FROM_DEFAULT = _said(
    "VALUESET_VALUE_MISMATCH_DEFAULT", "vs-invalid", "invalid",
    "The code system '{system}' version '{version}' for the versionless include in the ValueSet include is different"
    " to the one in the value ('{sent}')",
    "La version '{version}' du système '{system}', retenue pour l'inclusion sans version, diffère de celle de la valeur"
    " ('{sent}')",
    "warning",
)  # fmt: skip

# --- codes

CODE_UNKNOWN = _said(
    "Unknown_Code_in_Version", "invalid-code", "code-invalid",
    "Unknown code '{code}' in the CodeSystem '{system}' version '{version}'",
    "Code '{code}' inconnu du CodeSystem '{system}' version '{version}'",
)  # fmt: skip
CODE_UNKNOWN_TO_SYSTEM = _said(
    "Unknown_Code_in", "invalid-code", "code-invalid",
    "Unknown code '{code}' in the CodeSystem '{system}'",
    "Code '{code}' inconnu du CodeSystem '{system}'",
)  # fmt: skip
CODE_NOT_IN_FRAGMENT = _said(
    "UNKNOWN_CODE_IN_FRAGMENT", "invalid-code", "code-invalid",
    "Unknown Code '{code}' in the CodeSystem '{system}' version '{version}' - note that the code system is labeled as"
    " a fragment, so the code may be valid in some other fragment",
    "Code '{code}' inconnu du CodeSystem '{system}' version '{version}' ; ce système est un fragment, le code peut"
    " être valide dans un autre",
    "warning",
)  # fmt: skip
CODE_NOT_IN_SET = _said(
    "None_of_the_provided_codes_are_in_the_value_set_one", "not-in-vs", "code-invalid",
    "The provided code {coding} was not found in the value set '{value_set}'",
    "Le code {coding} ne figure pas dans le jeu de valeurs '{value_set}'",
)  # fmt: skip
THIS_CODE_NOT_IN_SET = replace(
    CODE_NOT_IN_SET, detail="tx-this-code-is-not-in-the-value-set", issue_type="this-code-not-in-vs",
    severity="information",
)  # fmt: skip
NO_CODING_IN_SET = _said(
    "TX_GENERAL_CC_ERROR_MESSAGE", "not-in-vs", "code-invalid",
    "No valid coding was found for the value set '{value_set}'",
    "Aucun coding valide n'a été trouvé pour le jeu de valeurs '{value_set}'",
)  # fmt: skip
CASE_DIFFERS = _said(
    "CODE_CASE_DIFFERENCE", "code-rule", "business-rule",
    "The code '{sent}' differs from the correct code '{code}' by case. Although the code system '{system}' is case"
    " insensitive, implementers are strongly encouraged to use the correct case anyway",
    "Le code '{sent}' diffère du code correct '{code}' par la casse. Le système '{system}' n'y est pas sensible, mais"
    " il est vivement recommandé d'employer la casse correcte",
    "information",
)  # fmt: skip
ABSTRACT = _said(
    "ABSTRACT_CODE_NOT_ALLOWED", "code-rule", "business-rule",
    "Code '{system}#{code}' is abstract, and not allowed in this context",
    "Le code '{system}#{code}' est abstrait et n'est pas admis ici",
)  # fmt: skip
NOT_ACTIVE = _said(
    "STATUS_CODE_WARNING_CODE", "code-rule", "business-rule",
    "The concept '{code}' is valid but is not active",
    "Le concept '{code}' est valide mais n'est pas actif",
)  # fmt: skip
INACTIVE = _said(
    "INACTIVE_CONCEPT_FOUND", "code-comment", "business-rule",
    "The concept '{code}' has a status of {status} and its use should be reviewed",
    "Le concept '{code}' a le statut {status} ; son emploi est à revoir",
    "warning",
)  # fmt: skip
DEPRECATED = _said(
    "DEPRECATED_CONCEPT_FOUND", "code-comment", "business-rule",
    "The concept '{code}' is deprecated and its use should be reviewed",
    "Le concept '{code}' est déprécié ; son emploi est à revoir",
    "warning",
)  # fmt: skip
DEPRECATED_IN_SET = _said(
    "CONCEPT_DEPRECATED_IN_VALUESET", "code-comment", "business-rule",
    "The presence of the concept '{code}' in the system '{system}' in the value set {value_set} is marked with a status"
    " of {status} and its use should be reviewed",
    "La présence du concept '{code}' du système '{system}' dans le jeu de valeurs {value_set} porte le statut {status}"
    " ; son emploi est à revoir",
    "warning",
)  # fmt: skip
CANNOT_INFER = _said(
    "UNABLE_TO_INFER_CODESYSTEM", "cannot-infer", "not-found",
    "The System URI could not be determined for the code '{code}' in the ValueSet '{value_set}': it is none of the"
    " codes there of [{systems}]",
    "Le système du code '{code}' n'a pu être déterminé dans le ValueSet '{value_set}' : il n'y est pas parmi les codes"
    " de [{systems}]",
)  # fmt: skip
SEVERAL_INFERRED = _said(
    "Unable_to_resolve_system__value_set_has_multiple_matches", "cannot-infer", "not-found",
    "The System URI could not be determined for the code '{code}' in the ValueSet '{value_set}': value set expansion"
    " has multiple matches: [{systems}]",
    "Le système du code '{code}' n'a pu être déterminé dans le ValueSet '{value_set}' : plusieurs y conviennent :"
    " [{systems}]",
)  # fmt: skip
NOTHING_TO_VALIDATE = Complaint(
    "tx-no-code-to-validate", "invalid",
    "Unable to find code to validate (looked for coding | codeableConcept | code+system | code+inferSystem in"
    " parameters",
    "Aucun code à valider (attendu : coding | codeableConcept | code+system | code+inferSystem)",
    of_terminology=True,
)  # fmt: skip

# --- displays

_ONE = "Wrong Display Name '{sent}' for {system}#{code}. Valid display is {known} (for the language(s) '{languages}')"
_UN = "Libellé '{sent}' incorrect pour {system}#{code}. Libellé valide : {known} (langue(s) '{languages}')"
_SEVERAL = (
    "Wrong Display Name '{sent}' for {system}#{code}. Valid display is one of {count} choices: {known} (for the"
    " language(s) '{languages}')"
)
_PLUSIEURS = (
    "Libellé '{sent}' incorrect pour {system}#{code}. Libellés valides ({count}) : {known} (langue(s) '{languages}')"
)
_SPACES = "Wrong whitespace in Display Name '{sent}' for {system}#{code}. Valid display is "
_ESPACES = "Espaces incorrects dans le libellé '{sent}' de {system}#{code}. "
DISPLAY_WRONG = _said("Display_Name_for__should_be_one_of__instead_of", "invalid-display", "invalid", _ONE, _UN)
DISPLAY_NONE_OF = _said(
    "Display_Name_for__should_be_one_of__instead_of", "invalid-display", "invalid", _SEVERAL, _PLUSIEURS,
    variant="-several",
)  # fmt: skip
DISPLAY_SPACES = _said(
    "Display_Name_WS_for__should_be_one_of__instead_of", "invalid-display", "invalid",
    _SPACES + "{known} (for the language(s) '{languages}')",
    _ESPACES + "Libellé valide : {known} (langue(s) '{languages}')",
)  # fmt: skip
DISPLAY_SPACES_NONE_OF = _said(
    "Display_Name_WS_for__should_be_one_of__instead_of", "invalid-display", "invalid",
    _SPACES + "one of {count} choices: {known} (for the language(s) '{languages}')",
    _ESPACES + "Libellés valides ({count}) : {known} (langue(s) '{languages}')",
    variant="-several",
)  # fmt: skip
DISPLAY_UNKNOWN = _said(
    "NO_VALID_DISPLAY_AT_ALL", "invalid-display", "invalid",
    "Cannot validate display '{sent}' for {system}#{code} in language {languages}: No displays are known",
    "Le libellé '{sent}' de {system}#{code} ne peut être validé (langue {languages}) : aucun libellé connu",
    "warning",
)  # fmt: skip
NO_DISPLAY_IN_LANGUAGE = _said(
    "NO_VALID_DISPLAY_FOUND_NONE_FOR_LANG_OK", "invalid-display", "invalid",
    "There are no valid display names found for the code {system}#{code} for language(s) '{languages}'. The display is"
    " '{sent}' which is a valid display for the default language",
    "Aucun libellé du code {system}#{code} dans la ou les langues '{languages}'. Le libellé '{sent}' est valide dans"
    " la langue par défaut",
    "information",
)  # fmt: skip
WRONG_AND_NONE_IN_LANGUAGE = _said(
    "NO_VALID_DISPLAY_FOUND_NONE_FOR_LANG_ERR", "invalid-display", "invalid",
    "Wrong Display Name '{sent}' for {system}#{code}. There are no valid display names found for language(s)"
    " '{languages}'. Default display is '{known}'",
    "Libellé '{sent}' incorrect pour {system}#{code}. Aucun libellé dans la ou les langues '{languages}'. Libellé par"
    " défaut : '{known}'",
)  # fmt: skip
DISPLAY_INACTIVE = _said(
    "INACTIVE_DISPLAY_FOUND", "display-comment", "invalid",
    "'{sent}' is no longer considered a correct display for code '{code}' (status = deprecated). The correct display is"
    " one of {known}.",
    "'{sent}' n'est plus un libellé correct du code '{code}' (statut = deprecated). Libellés corrects : {known}.",
    "warning",
)  # fmt: skip
LANGUAGE_MALFORMED = _said(
    "INVALID_DISPLAY_NAME", "invalid-display", "processing",
    "Invalid displayLanguage: '{sent}'", "displayLanguage invalide : '{sent}'",
)  # fmt: skip

# --- value sets

SET_UNKNOWN = _said(
    "Unable_to_resolve_value_Set_", "not-found", "not-found",
    "A definition for the value Set '{value_set}' could not be found",
    "Aucune définition du jeu de valeurs '{value_set}' n'a été trouvée",
)  # fmt: skip
IMPORT_UNKNOWN = _said(
    "VS_EXP_IMPORT_UNK", "not-found", "not-found",
    "Unable to find included value set '{value_set}'",
    "Jeu de valeurs inclus '{value_set}' introuvable",
)  # fmt: skip
IMPORT_UNKNOWN_PINNED = _said(
    "VS_EXP_IMPORT_UNK_PINNED", "not-found", "not-found",
    "Unable to find included value set '{value_set}' version '{version}'",
    "Jeu de valeurs inclus '{value_set}' version '{version}' introuvable",
)  # fmt: skip
CIRCULAR = _said(
    "VALUESET_CIRCULAR_REFERENCE", "vs-invalid", "processing",
    "Found a circularity pointing to {value_set} processing ValueSet with pathway {pathway}",
    "Circularité vers {value_set} en traitant le jeu de valeurs par le chemin {pathway}",
)  # fmt: skip
TOO_MANY_CODES = _said(
    "VALUESET_TOO_COSTLY", "", "too-costly",
    "The value set '{value_set}' expansion has too many codes to produce (>{limit}); ask for pages with count and"
    " offset, or for what matches a filter",
    "Le développement du jeu de valeurs '{value_set}' compte trop de codes (>{limit}) ; demander des pages par count et"
    " offset, ou ce qui répond à un filter",
)  # fmt: skip
FILTER_WITHOUT_VALUE = _said(
    "UNABLE_TO_HANDLE_SYSTEM_FILTER_WITH_NO_VALUE", "vs-invalid", "invalid",
    "The system {system} filter with property = {property}, op = {op} has no value",
    "Le filtre du système {system} sur la propriété {property}, opérateur {op}, n'a pas de valeur",
)  # fmt: skip
FILTER_UNKNOWN = _said(
    "FILTER_NOT_UNDERSTOOD", "vs-invalid", "not-supported",
    'The filter "{property} {op} {value}" is not understood or supported',
    "Le filtre « {property} {op} {value} » n'est pas compris ou pas pris en charge",
)  # fmt: skip
NOT_ENUMERABLE = _said(
    "CODESYSTEM_NOT_ENUMERABLE", "", "not-supported",
    "The codes of the code system '{system}' follow a grammar and cannot be enumerated",
    "Les codes du système '{system}' suivent une grammaire et ne peuvent être énumérés",
)  # fmt: skip
NO_CONTENT = _said(
    "CODESYSTEM_NO_CONTENT", "invalid", "business-rule",
    "The code system definition for {system} has no content, so this expansion cannot be performed",
    "La définition du système {system} n'a pas de contenu : le développement est impossible",
)  # fmt: skip
LOCKED_DATE = _said(
    "VALUESET_LOCKED_DATE", "", "business-rule",
    "Cannot process ValueSet {value_set} due to the presence of a lockedDate on the compose",
    "Le ValueSet {value_set} ne peut être traité : sa composition porte un lockedDate",
)  # fmt: skip

# --- status of definitions

STATUS = {
    "deprecated": _said(
        "MSG_DEPRECATED", "status-check", "business-rule",
        "Reference to deprecated {kind} {canonical}", "Référence à {kind} {canonical}, déprécié", "information",
    ),
    "withdrawn": _said(
        "MSG_WITHDRAWN", "status-check", "business-rule",
        "Reference to withdrawn {kind} {canonical}", "Référence à {kind} {canonical}, retiré", "information",
    ),
    "retired": _said(
        "MSG_RETIRED", "status-check", "business-rule",
        "Reference to retired {kind} {canonical}", "Référence à {kind} {canonical}, hors d'usage", "information",
    ),
    "experimental": _said(
        "MSG_EXPERIMENTAL", "status-check", "business-rule",
        "Reference to experimental {kind} {canonical}", "Référence à {kind} {canonical}, expérimental", "information",
    ),
    "draft": _said(
        "MSG_DRAFT", "status-check", "business-rule",
        "Reference to draft {kind} {canonical}", "Référence à {kind} {canonical}, à l'état de projet", "information",
    ),
}  # fmt: skip

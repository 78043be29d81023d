"""What validation finds in code systems, value sets and concept maps.

Source: FHIR R4, CodeSystem; ValueSet; ConceptMap; Shareable CodeSystem and ValueSet profiles.
"""

from __future__ import annotations

from typing import Final

from fhir_gateway.fhir.outcome import Complaint, IssueCode, Severity


def _of(detail: str, en: str, fr: str, code: IssueCode = "business-rule", severity: Severity = "error") -> Complaint:
    return Complaint(f"validation-{detail}", code, en=en, fr=fr, severity=severity)


def _warning(detail: str, en: str, fr: str, code: IssueCode = "business-rule") -> Complaint:
    return _of(detail, en, fr, code, "warning")


def _hint(detail: str, en: str, fr: str, code: IssueCode = "business-rule") -> Complaint:
    return _of(detail, en, fr, code, "information")


# --- CodeSystem

COUNT_COMPLETE: Final = _of(
    "code-system-count",
    "The code system is complete, but the number of concepts ({count}) does not match the stated total number "
    "({stated})",
    "Le système de codes est complet, mais le nombre de concepts ({count}) n'est pas le total annoncé ({stated})",
    "invalid",
)
COUNT_FRAGMENT: Final = _warning(
    "code-system-count-fragment",
    "The code system is a fragment/example, but the number of concepts ({count}) exceeds or matches the stated total "
    "number ({stated})",
    "Le système de codes est partiel, mais le nombre de concepts ({count}) atteint ou dépasse le total annoncé "
    "({stated})",
    "invalid",
)
COUNT_SUPPLEMENT: Final = _of(
    "code-system-count-supplement",
    "The code system supplement states the total number of concepts as {stated}, but this is different to the "
    "underlying code system that states a value of {count}",
    "Le supplément annonce {stated} concepts, mais le système qu'il complète en annonce {count}",
    "invalid",
)
CONTENT_NOT_PRESENT: Final = _of(
    "code-system-not-present",
    "The code system says it has no content present, but concepts are found",
    "Le système de codes se dit sans contenu, mais il a des concepts",
    "invalid",
)
COMPLETE_AND_EMPTY: Final = _warning(
    "code-system-empty",
    "When a CodeSystem has content = 'complete', it doesn't make sense for there to be no concepts defined",
    "Un système de codes complet (content = « complete ») sans aucun concept n'a pas de sens",
)
SUPPLEMENT_CONTENT: Final = _of(
    "code-system-supplement-content",
    "CodeSystem Supplements SHALL have a content value of 'supplement'",
    "Un supplément de système de codes a le contenu (content) « supplement »",
)
SUPPLEMENT_OF_NOTHING: Final = _of(
    "code-system-supplement-of-nothing",
    "CodeSystem Supplements with a content value of 'supplement' SHALL have a supplements element that specifies which "
    "code system is being supplemented",
    "Un supplément (content = « supplement ») dit dans l'élément supplements quel système de codes il complète",
)
SUPPLEMENT_UNNAMED: Final = _of(
    "code-system-supplement-unnamed",
    "The code system is marked as a supplement, but it does not define what code system it supplements",
    "Ce système de codes est un supplément, mais ne dit pas de quel système",
)
PROPERTY_NO_VALUE: Final = _of(
    "code-system-property-no-value",
    "The property '{code}' has no value, and cannot be understood",
    "La propriété « {code} » n'a pas de valeur : on ne peut la comprendre",
)
SUPPLEMENT_ELEMENT: Final = _of(
    "code-system-supplement-element",
    "CodeSystems SHOULD NOT have a stated value for the {element} element when they are a supplement",
    "Un supplément de système de codes ne devrait pas avoir l'élément {element}",
)
SUPPLEMENT_CODE: Final = _of(
    "code-system-supplement-code",
    "The code '{code}' is not declared in the base CodeSystem {system} so is not valid in the supplement",
    "Le code « {code} » n'est pas du système {system} : il n'a pas sa place dans le supplément",
)
SUPPLEMENT_UNCHECKED: Final = _warning(
    "code-system-supplement-unchecked",
    "CodeSystem {system} cannot be found, so can't check if concepts are valid",
    "Le système de codes {system} est introuvable : les concepts ne peuvent être vérifiés",
)
HL7_MISSING: Final = _warning(
    "code-system-hl7-missing",
    "HL7 Defined CodeSystems SHOULD have a stated value for the {element} element so that users know the status and "
    "meaning of the code system clearly",
    "Un système de codes de HL7 devrait avoir l'élément {element}, qui en éclaire le statut et le sens",
)
ELEMENT_MISSING: Final = _hint(
    "code-system-missing",
    "CodeSystems SHOULD have a stated value for the {element} element so that users know the status and meaning of the "
    "code system clearly",
    "Un système de codes devrait avoir l'élément {element}, qui en éclaire le statut et le sens",
)
CODE_DUPLICATE: Final = _of(
    "code-system-duplicate-code",
    "The code '{code}' has already been defined",
    "Le code « {code} » est déjà défini",
)
NO_DEFINITION: Final = _warning(
    "code-system-no-definition",
    "HL7 Defined CodeSystems should ensure that every concept has a definition",
    "Dans un système de codes de HL7, chaque concept devrait avoir une définition",
)
NO_DISPLAY: Final = _warning(
    "code-system-no-display",
    "HL7 Defined CodeSystems should ensure that every concept has a display",
    "Dans un système de codes de HL7, chaque concept devrait avoir un libellé",
)
DESIGNATION_CLASH: Final = _warning(
    "code-system-designation",
    "The designation '{designation}' has no use and is in the same language ('{language}'), so is not differentiated "
    "from the base display ('{display}')",
    "La désignation « {designation} », sans usage et de la même langue (« {language} »), ne se distingue pas du "
    "libellé (« {display} »)",
)
PROPERTY_URI_RELATIVE: Final = _of(
    "code-system-property-uri",
    "A property URI must be an absolute URI, but '{uri}' is not",
    "L'URI d'une propriété est absolue, ce que « {uri} » n'est pas",
)
PROPERTY_HL7_URI: Final = _of(
    "code-system-property-hl7",
    "Unknown CodeSystem Property '{uri}'. If you are creating your own property, do not create it in the HL7 namespace",
    "Propriété « {uri} » inconnue. Une propriété à vous ne se crée pas dans l'espace de noms de HL7",
)
PROPERTY_CODE_TWICE: Final = _of(
    "code-system-property-code-twice",
    "A property is already defined with the code '{code}'",
    "Une propriété de code « {code} » est déjà définie",
)
PROPERTY_URI_TWICE: Final = _of(
    "code-system-property-uri-twice",
    "A property is already defined with the URI '{uri}'",
    "Une propriété d'URI « {uri} » est déjà définie",
)
PROPERTY_CODE_UNUSUAL: Final = _of(
    "code-system-property-code",
    "The URI '{uri}' is normally assigned the code '{usual}'. Using the code '{code}' will usually create confusion in "
    "ValueSet filters etc",
    "L'URI « {uri} » a d'ordinaire le code « {usual} » ; le code « {code} » sèmera la confusion dans les filtres",
)
PROPERTY_URI_TYPE: Final = _of(
    "code-system-property-uri-type",
    "Wrong type '{type}': The URI '{uri}' identifies a property that has the type '{wanted}'",
    "Type « {type} » inexact : l'URI « {uri} » désigne une propriété du type « {wanted} »",
)
PROPERTY_CODE_TYPE: Final = _warning(
    "code-system-property-code-type",
    "Wrong type '{type}': The code '{code}' identifies a property that has the type '{wanted}'",
    "Type « {type} » inexact : le code « {code} » désigne une propriété du type « {wanted} »",
)
PROPERTY_CODE_ONLY: Final = _warning(
    "code-system-property-code-only",
    "This property has only the standard code ('{code}') but not the standard URI '{uri}', so it has no clearly "
    "defined meaning in the terminology ecosystem",
    "Cette propriété a le code normalisé (« {code} ») sans l'URI normalisée « {uri} » : son sens n'est pas établi",
)
PROPERTY_UNKNOWN: Final = _hint(
    "code-system-property-unknown",
    "This property has only a code ('{code}') and not a URI, so it has no clearly defined meaning in the terminology "
    "ecosystem",
    "Cette propriété n'a qu'un code (« {code} ») et pas d'URI : son sens n'est pas établi",
)
PROPERTY_UNDEFINED: Final = _warning(
    "code-system-property-undefined",
    "The property '{code}' has no definition in CodeSystem.property. Many terminology tools won't know what to do "
    "with it",
    "La propriété « {code} » n'est pas définie dans CodeSystem.property : beaucoup d'outils ne sauront qu'en faire",
)
PROPERTY_TYPE: Final = _of(
    "code-system-property-type",
    "The property '{code}' has the invalid type '{type}', when it is defined to have the type '{wanted}'",
    "La propriété « {code} » est du type « {type} », or elle est définie du type « {wanted} »",
)
PROPERTY_REFERENCE: Final = _of(
    "code-system-property-reference",
    "The code '{code}' is not a valid code in this code system",
    "Le code « {code} » n'est pas de ce système de codes",
)
SYNONYM_UNKNOWN: Final = _warning(
    "code-system-synonym",
    "The synonym '{code}' is not also defined in the code system. The Synonym property should only used to declare "
    "equivalence to other existing codes",
    "Le synonyme « {code} » n'est pas un code de ce système : cette propriété dit l'équivalence avec un autre code",
)
VALUE_SET_SINGLE: Final = _of(
    "code-system-value-set",
    "CodeSystem {system} has an 'all system' value set of {value_set}, but the value set doesn't have a single include",
    "Le système {system} nomme {value_set} comme jeu de tous ses codes, mais celui-ci n'a pas une seule inclusion",
)
VALUE_SET_SYSTEM: Final = _of(
    "code-system-value-set-system",
    "CodeSystem {system} has an 'all system' value set of {value_set}, but the value set doesn't have a matching "
    "system ({found})",
    "Le système {system} nomme {value_set} comme jeu de tous ses codes, mais celui-ci porte sur un autre ({found})",
)
VALUE_SET_DETAILS: Final = _of(
    "code-system-value-set-details",
    "CodeSystem {system} has an 'all system' value set of {value_set}, but the include has extra details",
    "Le système {system} nomme {value_set} comme jeu de tous ses codes, mais l'inclusion en retient une partie",
)
VALUE_SET_INCOMPLETE: Final = _hint(
    "code-system-value-set-incomplete",
    "Review the All Codes Value Set - incomplete CodeSystems generally should not have an all codes value set "
    "specified",
    "Revoyez le jeu de tous les codes : un système incomplet ne devrait pas en nommer",
)

# --- ValueSet

INCLUDE_SYSTEM_RELATIVE: Final = _of(
    "value-set-system-absolute",
    "URI values in ValueSet.compose.include.system must be absolute",
    "ValueSet.compose.include.system est une URI absolue",
    "invalid",
)
INCLUDE_SYSTEM_FRAGMENT: Final = _of(
    "value-set-system-fragment",
    "URI values in ValueSet.compose.include.system must be absolute. To reference a contained code system, use the "
    "full CodeSystem URL and reference it using the http://hl7.org/fhir/StructureDefinition/valueset-system extension",
    "ValueSet.compose.include.system est une URI absolue. Pour un système contenu, donnez son URL complète et "
    "l'extension http://hl7.org/fhir/StructureDefinition/valueset-system",
    "invalid",
)
INCLUDE_SYSTEM_VERSION: Final = _of(
    "value-set-system-version",
    "Value set System references must not use the canonical version syntax - the version '{version}' should be in the "
    "version property",
    "Le système d'une inclusion n'a pas la forme « url|version » : la version « {version} » va dans l'élément version",
)
INCLUDE_VALUE_SET_AS_SYSTEM: Final = _of(
    "value-set-system-value-set",
    "The system '{system}' is actually a value set",
    "Le système « {system} » est en fait un jeu de valeurs",
)
INCLUDE_SUPPLEMENT: Final = _of(
    "value-set-system-supplement",
    "The value set references CodeSystem '{system}' which is a supplement. It must reference the underlying CodeSystem "
    "'{base}' and use the http://hl7.org/fhir/StructureDefinition/valueset-supplement extension for the supplement",
    "« {system} » est un supplément : nommez le système « {base} », et le supplément par l'extension "
    "http://hl7.org/fhir/StructureDefinition/valueset-supplement",
)
INCLUDE_NO_SYSTEM: Final = _warning(
    "value-set-no-system",
    "No System specified, so Concepts and Filters can't be checked",
    "Pas de système : les concepts et les filtres ne peuvent être vérifiés",
)
INCLUDE_SYSTEM_UNKNOWN: Final = _warning(
    "value-set-system-unknown",
    "Unknown System '{system}' specified, so Concepts and Filters can't be checked",
    "Système « {system} » inconnu : les concepts et les filtres ne peuvent être vérifiés",
)
INCLUDE_CODE: Final = _of(
    "value-set-code",
    "The code '{code}' is not valid in the system {system}",
    "Le code « {code} » n'est pas du système {system}",
)
INCLUDE_CODE_RETIRED: Final = _warning(
    "value-set-code-retired",
    "The code '{code}' is not valid in the system {system} (the value set is retired)",
    "Le code « {code} » n'est pas du système {system} (le jeu de valeurs est retiré)",
)
IMPORT_UNKNOWN: Final = _warning(
    "value-set-import-unknown",
    "The value set import {value_set} could not be found so cannot be checked",
    "Le jeu de valeurs inclus {value_set} est introuvable et ne peut être vérifié",
)
IMPORT_TYPE: Final = _warning(
    "value-set-import-type",
    "The value set import {value_set} points to a resource of type {found} which is not valid",
    "L'inclusion {value_set} désigne une ressource {found} et non un jeu de valeurs",
)
FILTER_PROPERTY: Final = _hint(
    "value-set-filter-property",
    "The property '{property}' is not known for the system '{system}', so may not be understood by the terminology "
    "ecosystem. Known properties for this system: {known}",
    "La propriété « {property} » n'est pas connue du système « {system} » et pourrait n'être pas comprise. "
    "Propriétés connues : {known}",
)
FILTER_OPERATOR: Final = _of(
    "value-set-filter-operator",
    "The operation '{operator}' is not allowed for property '{property}' in system '{system}'. Allowed ops: {allowed}",
    "L'opération « {operator} » n'est pas permise pour la propriété « {property} » du système « {system} ». "
    "Permises : {allowed}",
    "invalid",
)
FILTER_NO_REGEX: Final = _of(
    "value-set-filter-no-regex",
    "Cannot apply a regex filter to the property '{property}' (usually regex filters are applied to the codes, or a "
    "named property of the code system)",
    "On ne peut appliquer d'expression régulière à la propriété « {property} »",
    "invalid",
)
FILTER_VALUE: Final = _of(
    "value-set-filter-value",
    "The value for a filter based on property '{property}' must be {wanted}, not '{value}'",
    "La valeur d'un filtre sur la propriété « {property} » est {wanted_fr}, et non « {value} »",
    "invalid",
)
FILTER_CODE: Final = _of(
    "value-set-filter-code",
    "The value for a filter based on property '{property}' must be a valid code from the system '{system}', and "
    "'{value}' is not",
    "La valeur d'un filtre sur la propriété « {property} » est un code du système « {system} », ce que « {value} » "
    "n'est pas",
    "invalid",
)
FILTER_CODING: Final = _of(
    "value-set-filter-coding",
    "The value for a filter based on property '{property}' is '{value}' which is not a valid code (Unknown code "
    "'{code}' in the CodeSystem '{system}' version '{version}')",
    "La valeur « {value} » d'un filtre sur la propriété « {property} » n'est pas un code valable (code « {code} » "
    "inconnu du système « {system} », version « {version} »)",
    "invalid",
)
FILTER_REGEX: Final = _of(
    "value-set-filter-regex",
    "The value for a filter based on property '{property}' should be a valid regex, not '{value}'",
    "La valeur d'un filtre sur la propriété « {property} » est une expression régulière, et non « {value} »",
    "invalid",
)
FILTER_PARAMETER: Final = _of(
    "value-set-filter-parameter",
    "The filter parameter expression '{fhirpath}' refers to the unknown parameter '{name}'",
    "L'expression « {fhirpath} » d'un filtre désigne le paramètre inconnu « {name} »",
    "exception",
)
FILTER_EXPRESSION: Final = _of(
    "value-set-filter-expression",
    "The value of the expression '{fhirpath}' is not a valid FHIRPath: {reason}",
    "L'expression « {fhirpath} » n'est pas du FHIRPath : {reason}",
    "exception",
)
PARAMETER_UNUSED: Final = _warning(
    "value-set-parameter-unused",
    "The value set parameter '{name}' is not used",
    "Le paramètre « {name} » du jeu de valeurs ne sert à rien",
)

# --- ConceptMap

SOURCE_CODE: Final = _of(
    "concept-map-source-code",
    "The source code '{code}' is not valid in the code system {system}",
    "Le code de départ « {code} » n'est pas du système {system}",
    "required",
)
TARGET_CODE: Final = _of(
    "concept-map-target-code",
    "The target code '{code}' is not valid in the code system {system}",
    "Le code d'arrivée « {code} » n'est pas du système {system}",
    "required",
)
SOURCE_DISPLAY: Final = _warning(
    "concept-map-source-display",
    "The source display '{display}' for the code '{code}' is not valid. Possible displays: {valid}",
    "Le libellé de départ « {display} » du code « {code} » est inexact. Libellés possibles : {valid}",
    "required",
)
TARGET_DISPLAY: Final = _warning(
    "concept-map-target-display",
    "The target display '{display}' for the code '{code}' is not valid. Possible displays: {valid}",
    "Le libellé d'arrivée « {display} » du code « {code} » est inexact. Libellés possibles : {valid}",
    "required",
)
SOURCE_MISSING: Final = _hint(
    "concept-map-source-missing",
    "No Source Code System, so the source codes cannot be checked",
    "Pas de système de départ : ses codes ne peuvent être vérifiés",
    "required",
)
TARGET_MISSING: Final = _hint(
    "concept-map-target-missing",
    "No Target Code System, so the target codes cannot be checked",
    "Pas de système d'arrivée : ses codes ne peuvent être vérifiés",
    "required",
)
SOURCE_UNKNOWN: Final = _hint(
    "concept-map-source-unknown",
    "The Source Code System {system} is not fully defined and populated, so the source code checking will not be "
    "performed",
    "Le système de départ {system} n'est pas connu en entier : ses codes ne sont pas vérifiés",
    "required",
)
TARGET_UNKNOWN: Final = _hint(
    "concept-map-target-unknown",
    "The Target Code System {system} is not fully defined and populated, so the target code checking will not be "
    "performed",
    "Le système d'arrivée {system} n'est pas connu en entier : ses codes ne sont pas vérifiés",
    "required",
)

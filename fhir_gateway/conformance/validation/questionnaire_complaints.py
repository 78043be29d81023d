"""What validation finds in questionnaires, in the responses to them, and in reports on measures.

Source: FHIR R4, Questionnaire; QuestionnaireResponse; Measure; MeasureReport; Structured Data Capture.
"""

from __future__ import annotations

from fhir_gateway.fhir.outcome import Complaint

# --- Questionnaire

ENABLE_WHEN_NO_LINK = Complaint(
    "validation-enable-when-question",
    "business-rule",
    en="Questions with an enableWhen must have a value for the question link",
    fr="Une question avec enableWhen doit nommer la question dont elle dépend",
)
ENABLE_WHEN_INNER = Complaint(
    "validation-enable-when-inner",
    "business-rule",
    en="Questions with an enableWhen cannot refer to an inner question for its enableWhen condition: '{link_id}'",
    fr="L'enableWhen d'une question ne peut pas dépendre d'une question qu'elle contient : « {link_id} »",
)
ENABLE_WHEN_UNKNOWN = Complaint(
    "validation-enable-when-unknown",
    "business-rule",
    en="Unable to find target '{target}' for the enableWhen on item '{link_id}' in the questionnaire",
    fr="L'enableWhen de l'élément « {link_id} » dépend de « {target} », absent du questionnaire",
)
ENABLE_WHEN_SELF = Complaint(
    "validation-enable-when-self",
    "business-rule",
    en="Target for this question enableWhen can't reference itself: '{link_id}'",
    fr="L'enableWhen d'une question ne peut pas dépendre d'elle-même : « {link_id} »",
)
ENABLE_WHEN_AFTER = Complaint(
    "validation-enable-when-after",
    "business-rule",
    severity="warning",
    en="The target of this enableWhen rule ('{target}') comes after the question itself",
    fr="La question dont dépend cet enableWhen (« {target} ») vient après celle qui en dépend",
)
ENABLE_WHEN_TYPE = Complaint(
    "validation-enable-when-type",
    "business-rule",
    severity="warning",
    en="The answer of this enableWhen is of type {found}, which an answer to '{target}' (a {type}) never has",
    fr="La réponse de cet enableWhen est de type {found}, qu'une réponse à « {target} » ({type}) n'a jamais",
)
OPTION_TYPE = Complaint(
    "validation-answer-option-type",
    "business-rule",
    severity="warning",
    en="The {element} is of type {found}, which does not fit an item of type {type}",
    fr="{element} est de type {found}, ce qui ne convient pas à un élément de type {type}",
)
DERIVATION_UNKNOWN = Complaint(
    "validation-derivation-unknown",
    "business-rule",
    severity="warning",
    en="The questionnaire {url} that this one is derived from could not be found, so the derivation is not checked",
    fr="Le questionnaire {url} dont celui-ci dérive est introuvable : la dérivation n'est pas vérifiée",
)
DERIVATION_UNTYPED = Complaint(
    "validation-derivation-untyped",
    "business-rule",
    severity="warning",
    en="The derivation from {url} says no known derivation type, so it is not checked (found: {found})",
    fr="La dérivation de {url} ne dit aucun type de dérivation connu : elle n'est pas vérifiée (trouvé : {found})",
)
DERIVED_NEW = Complaint(
    "validation-derived-item",
    "not-found",
    en="The questionnaire {url} has no item '{link_id}', but this one is derived in compliance with it",
    fr="Le questionnaire {url} n'a pas d'élément « {link_id} », or celui-ci en dérive en s'y conformant",
)
DERIVED_CHANGED = Complaint(
    "validation-derived-change",
    "business-rule",
    en="The questionnaire {url} has the item '{link_id}' with {name} = {wanted}; here it is {found}",
    fr="Le questionnaire {url} a l'élément « {link_id} » avec {name} = {wanted} ; ici {found}",
)
DERIVED_OPTION = Complaint(
    "validation-derived-option",
    "business-rule",
    en="The questionnaire {url} has no such answer option for the item '{link_id}'",
    fr="Le questionnaire {url} n'a pas cette option de réponse pour l'élément « {link_id} »",
)

# --- QuestionnaireResponse

NO_QUESTIONNAIRE = Complaint(
    "validation-response-questionnaire",
    "required",
    severity="information",
    en="No questionnaire is identified, so no validation can be performed against the base questionnaire",
    fr="Aucun questionnaire n'est indiqué : rien n'est vérifié par rapport à lui",
)
QUESTIONNAIRE_UNKNOWN = Complaint(
    "validation-response-questionnaire-unknown",
    "required",
    severity="warning",
    en="The questionnaire '{url}' could not be resolved, so no validation can be performed against the base "
    "questionnaire",
    fr="Le questionnaire « {url} » est introuvable : rien n'est vérifié par rapport à lui",
)
NOT_A_QUESTIONNAIRE = Complaint(
    "validation-response-contained-type",
    "invalid",
    en="The contained resource {url} is not a Questionnaire, so it cannot be what this responds to",
    fr="La ressource contenue {url} n'est pas un Questionnaire, il ne peut donc y être répondu",
)
QUESTIONNAIRE_EXAMPLE = Complaint(
    "validation-response-questionnaire-example",
    "required",
    severity="information",
    en="The questionnaire '{url}' could not be resolved, so no validation can be performed against the base "
    "questionnaire",
    fr="Le questionnaire « {url} » est introuvable : rien n'est vérifié par rapport à lui",
)
AUTHORED_AFTER = Complaint(
    "validation-response-authored-after",
    "business-rule",
    severity="warning",
    en="The authored date '{found}' is after the end of the permitted period defined in the Questionnaire ('{wanted}')",
    fr="La date « {found} » est postérieure à la fin de la période de validité du questionnaire (« {wanted} »)",
)
AUTHORED_BEFORE = Complaint(
    "validation-response-authored-before",
    "business-rule",
    severity="warning",
    en="The authored date '{found}' is before the start of the permitted period defined in the Questionnaire "
    "('{wanted}')",
    fr="La date « {found} » est antérieure au début de la période de validité du questionnaire (« {wanted} »)",
)
ITEM_NO_LINK = Complaint(
    "validation-response-link",
    "required",
    en="No LinkId, so the item can't be validated",
    fr="Sans linkId, l'élément ne peut pas être vérifié",
)
ITEM_UNKNOWN = Complaint(
    "validation-response-item-unknown",
    "not-found",
    en="LinkId '{link_id}' not found in questionnaire",
    fr="Le questionnaire n'a pas d'élément « {link_id} »",
)
ITEM_MISPLACED = Complaint(
    "validation-response-item-place",
    "structure",
    en="Structural Error: item with linkId {link_id} is in the wrong place",
    fr="L'élément « {link_id} » n'est pas à sa place",
)
ITEM_ORDER = Complaint(
    "validation-response-item-order",
    "structure",
    en="Structural Error: items are out of order: '{link_id}'",
    fr="Les éléments ne sont pas dans l'ordre du questionnaire : « {link_id} »",
)
ITEM_REPEATS = Complaint(
    "validation-response-item-repeats",
    "invalid",
    en="Only one response item with the linkId {link_id} allowed - found {count} items",
    fr="Un seul élément « {link_id} » est permis, {count} trouvés",
)
ITEM_TEXT = Complaint(
    "validation-response-item-text",
    "invalid",
    en="If text exists, it must match the questionnaire definition for linkId {link_id}",
    fr="Le texte, s'il est présent, doit être celui du questionnaire pour « {link_id} »",
)
ITEM_NOT_ENABLED = Complaint(
    "validation-response-item-enabled",
    "invalid",
    en="Item has answer, even though it is not enabled (item id = '{link_id}')",
    fr="L'élément « {link_id} » a une réponse alors qu'il n'est pas actif",
)
ENABLE_UNREADABLE = Complaint(
    "validation-response-enable-expression",
    "exception",
    severity="warning",
    en="The expression that enables the item '{link_id}' could not be evaluated, so it is taken as enabled: {reason}",
    fr="L'expression qui active l'élément « {link_id} » n'a pas pu être évaluée ; il est réputé actif : {reason}",
)
CONSTRAINT = Complaint(
    "validation-response-constraint",
    "invariant",
    severity="warning",
    en="The questionnaire's constraint {key} is not met: '{human}'",
    fr="La contrainte {key} du questionnaire n'est pas respectée : « {human} »",
)
CONSTRAINT_UNREADABLE = Complaint(
    "validation-response-constraint-unreadable",
    "exception",
    severity="warning",
    en="The questionnaire's constraint {key} could not be evaluated: {reason}",
    fr="La contrainte {key} du questionnaire n'a pas pu être évaluée : {reason}",
)
ANSWER_MISSING = Complaint(
    "validation-response-answer-missing",
    "required",
    en="No response answer found for required item '{link_id}'",
    fr="Aucune réponse à l'élément obligatoire « {link_id} »",
)
ANSWER_MISSING_YET = Complaint(
    "validation-response-answer-missing-yet",
    "required",
    severity="warning",
    en="No response answer found for required item '{link_id}'",
    fr="Aucune réponse à l'élément obligatoire « {link_id} »",
)
GROUP_EMPTY = Complaint(
    "validation-response-group-empty",
    "invariant",
    en="The required group '{link_id}' must have at least one item",
    fr="Le groupe obligatoire « {link_id} » doit avoir au moins un élément",
)
ANSWER_REPEATS = Complaint(
    "validation-response-answer-repeats",
    "invalid",
    en="Only one response answer item with this linkId allowed: '{link_id}'",
    fr="Une seule réponse est permise pour l'élément « {link_id} »",
)
ANSWERS_FEW = Complaint(
    "validation-response-answers-min",
    "invalid",
    en="The minimum number of answers is {wanted} but this has {count} answers",
    fr="Il faut au moins {wanted} réponses, il y en a {count}",
)
ANSWERS_MANY = Complaint(
    "validation-response-answers-max",
    "invalid",
    en="The maximum number of answers is {wanted} but this has {count} answers",
    fr="Il faut au plus {wanted} réponses, il y en a {count}",
)
NO_ANSWER_HERE = Complaint(
    "validation-response-no-answer",
    "structure",
    en="Items of type {type} should not have answers",
    fr="Les éléments de type {type} n'ont pas de réponse",
)
NO_ITEMS_HERE = Complaint(
    "validation-response-no-items",
    "structure",
    en="Items of type {type} should not have items (their items stand beneath an answer) - Item with linkId {link_id}",
    fr="Les éléments de type {type} n'ont pas d'éléments (ceux-ci sont sous une réponse) : « {link_id} »",
)
ITEM_UNTYPED = Complaint(
    "validation-response-item-type",
    "required",
    severity="fatal",
    en="The definition of the item {link_id} in the questionnaire does not contain a type, so it can't be validated",
    fr="L'élément {link_id} du questionnaire n'a pas de type : la réponse ne peut pas être vérifiée",
)
ANSWER_TYPE = Complaint(
    "validation-response-answer-type",
    "invariant",
    en="Answer value must be of the type {wanted} not {found}",
    fr="La réponse doit être de type {wanted} et non {found}",
)
VALUE_LOW = Complaint(
    "validation-response-value-min",
    "invariant",
    en="The value {found} is less than the allowed minimum of {wanted}",
    fr="La valeur {found} est inférieure au minimum permis, {wanted}",
)
VALUE_HIGH = Complaint(
    "validation-response-value-max",
    "invariant",
    en="The value {found} is greater than the allowed maximum of {wanted}",
    fr="La valeur {found} est supérieure au maximum permis, {wanted}",
)
QUANTITY_INCOMPARABLE = Complaint(
    "validation-response-quantity",
    "invariant",
    en="The quantity {found} cannot be compared to the allowed {side} of {wanted}",
    fr="La quantité {found} ne peut pas être comparée à la limite permise ({side}), {wanted}",
)
DECIMAL_PLACES = Complaint(
    "validation-response-decimal-places",
    "invariant",
    en="The value {found} has too many decimal places (limit = {wanted})",
    fr="La valeur {found} a trop de décimales (limite = {wanted})",
)
LIMIT_UNREADABLE = Complaint(
    "validation-response-limit-type",
    "invariant",
    en="The value cannot be compared with the {name} {wanted} of the question, which is no {type}",
    fr="La valeur ne peut être comparée au {name} {wanted} de la question, qui n'est pas de type {type}",
)
TEXT_NOT_IN_VALUE_SET = Complaint(
    "validation-response-text-value-set",
    "invariant",
    en="The value '{found}' is not in the list of allowed values (value set '{value_set}')",
    fr="La valeur « {found} » n'est pas dans la liste des valeurs permises (jeu de valeurs « {value_set} »)",
)
UNIT_NOT_ALLOWED = Complaint(
    "validation-response-unit",
    "invariant",
    en="The unit of {found} is not one of those allowed ({wanted})",
    fr="L'unité de {found} n'est pas parmi celles permises ({wanted})",
)
TEXT_SHORT = Complaint(
    "validation-response-text-min",
    "invariant",
    en="The answer '{found}' is shorter then the required minimum length of {wanted}",
    fr="La réponse « {found} » est plus courte que la longueur minimale, {wanted}",
)
TEXT_LONG = Complaint(
    "validation-response-text-max",
    "invariant",
    en="The answer '{found}' is longer then the allowed maximum length of {wanted}",
    fr="La réponse « {found} » est plus longue que la longueur maximale, {wanted}",
)
TEXT_PATTERN = Complaint(
    "validation-response-text-regex",
    "invariant",
    en="The answer '{found}' does not match the required form ({wanted})",
    fr="La réponse « {found} » n'a pas la forme demandée ({wanted})",
)
TEXT_PATTERN_UNREADABLE = Complaint(
    "validation-response-text-regex-unreadable",
    "exception",
    severity="warning",
    en="The regular expression of the item '{link_id}' could not be read, so the answer is not checked: {reason}",
    fr="L'expression régulière de l'élément « {link_id} » est illisible, la réponse n'est pas vérifiée : {reason}",
)
TEXT_LINES = Complaint(
    "validation-response-text-lines",
    "invariant",
    severity="warning",
    en="The answer should not contain new line characters",
    fr="La réponse ne devrait pas contenir de saut de ligne",
)
NOT_AN_OPTION = Complaint(
    "validation-response-option",
    "invariant",
    en="The {type} {found} is not in the set of permitted values",
    fr="La valeur {found} ({type}) n'est pas parmi celles permises",
)
NO_OPTIONS_OF_TYPE = Complaint(
    "validation-response-option-type",
    "invariant",
    en="Option list has no option values of type {type}",
    fr="La liste des options n'a aucune valeur de type {type}",
)
OPTION_EXCLUSIVE = Complaint(
    "validation-response-option-exclusive",
    "invariant",
    en="Selected answer {found} is an exclusive option - can't select anything else at the same time",
    fr="L'option {found} est exclusive : rien d'autre ne peut être choisi en même temps",
)
NO_OPTIONS = Complaint(
    "validation-response-options",
    "invariant",
    severity="information",
    en="Cannot validate this {type} answer because no option list is provided",
    fr="Cette réponse ({type}) ne peut pas être vérifiée : le questionnaire ne donne pas d'options",
)
OPTION_IN_CODING = Complaint(
    "validation-response-option-string",
    "invariant",
    severity="warning",
    en="The string value '{found}' matches an entry in the list of codings, so it should be given as that coding",
    fr="La chaîne « {found} » correspond à un code de la liste : c'est ce code qu'il faudrait donner",
)
CODE_NOT_OPTION = Complaint(
    "validation-response-code",
    "code-invalid",
    en="The code '{code}' in the system '{system}' is not in the options value set ({value_set}) specified by the "
    "questionnaire",
    fr="Le code « {code} » du système « {system} » n'est pas dans le jeu de valeurs ({value_set}) du questionnaire",
)
OPTIONS_UNKNOWN = Complaint(
    "validation-response-value-set-unknown",
    "code-invalid",
    severity="warning",
    en="ValueSet '{value_set}' not found, so the answer is not checked",
    fr="Jeu de valeurs « {value_set} » introuvable : la réponse n'est pas vérifiée",
)
MEDIA_TYPE_MISSING = Complaint(
    "validation-response-mime-type-missing",
    "required",
    en="A mime type is required for this answer (allowed = {wanted})",
    fr="Cette réponse doit dire son type MIME (permis : {wanted})",
)
MEDIA_TYPE = Complaint(
    "validation-response-mime-type",
    "required",
    en="The mime type {found} is not valid for this answer (allowed = {wanted})",
    fr="Le type MIME {found} n'est pas permis pour cette réponse (permis : {wanted})",
)
ATTACHMENT_LARGE = Complaint(
    "validation-response-attachment-size",
    "required",
    en="The attachment is too large (allowed = {wanted} bytes, found {count})",
    fr="La pièce jointe est trop grande ({count} octets, {wanted} permis)",
)
REFERENCE_NOT_ALLOWED = Complaint(
    "validation-response-reference",
    "invariant",
    en="The resource type '{found}' in the reference {reference} is not allowed (allowed = {wanted})",
    fr="Le type « {found} » de la référence {reference} n'est pas permis (permis : {wanted})",
)
REFERENCE_NO_TYPE = Complaint(
    "validation-response-reference-type",
    "invariant",
    en="The resource type {found} in the reference {reference} is not valid",
    fr="Le type {found} de la référence {reference} n'existe pas",
)

# --- Measure and MeasureReport

MEASURE_LIBRARY = Complaint(
    "validation-measure-library",
    "not-found",
    severity="information",
    en="The library {url} could not be resolved, so expression validation may not be correct",
    fr="La bibliothèque {url} est introuvable : les expressions ne sont pas toutes vérifiées",
)
MEASURE_NO_GROUPS = Complaint(
    "validation-measure-groups",
    "required",
    severity="warning",
    en="A measure should contain at least one group",
    fr="Une mesure devrait avoir au moins un groupe",
)
MEASURE_CODE = Complaint(
    "validation-measure-code",
    "required",
    severity="warning",
    en="There is more than one {name}, so each should have a code",
    fr="Il y a plusieurs {name} : chacun devrait avoir un code",
)
MEASURE_NO_POPULATION = Complaint(
    "validation-measure-population",
    "required",
    severity="warning",
    en="Group should have at least one population",
    fr="Un groupe devrait avoir au moins une population",
)
MEASURE_NO_LIBRARY = Complaint(
    "validation-measure-criteria-library",
    "invalid",
    en="No CQL library of this Measure is known, so its CQL criteria cannot be checked",
    fr="Aucune bibliothèque CQL de cette mesure n'est connue : ses critères ne peuvent pas être vérifiés",
)
MEASURE_LIBRARY_NAME = Complaint(
    "validation-measure-criteria-name",
    "invalid",
    en="The library {name} of this criteria expression is not one of the measure's libraries",
    fr="La bibliothèque {name} de ce critère n'est pas parmi celles de la mesure",
)
MEASURE_LIBRARY_MANY = Complaint(
    "validation-measure-criteria-libraries",
    "invalid",
    en="The measure has more than one library, so this criteria expression must name the one it means",
    fr="La mesure a plusieurs bibliothèques : ce critère doit nommer la sienne",
)
MEASURE_NOT_COMPILED = Complaint(
    "validation-measure-criteria-elm-missing",
    "invalid",
    en="Error in {url}: No compiled version of CQL found",
    fr="La bibliothèque {url} n'a pas de forme compilée de son CQL",
)
MEASURE_COMPILED_UNREADABLE = Complaint(
    "validation-measure-criteria-elm",
    "invalid",
    en="Error in {url}: Compiled version of CQL is not valid",
    fr="La forme compilée du CQL de la bibliothèque {url} n'est pas valable",
)
MEASURE_NOT_DEFINED = Complaint(
    "validation-measure-criteria-undefined",
    "invalid",
    en="The function {name} does not exist in the library {url}",
    fr="La fonction {name} n'existe pas dans la bibliothèque {url}",
)
REPORT_CODE_UNUSABLE = Complaint(
    "validation-report-code-unusable",
    "business-rule",
    en="None of the codes provided are usable for comparison - need both system and code on at least one code",
    fr="Aucun des codes donnés ne peut être comparé : il en faut un qui ait système et code",
)
SCORE_FIXED = Complaint(
    "validation-report-score-unit-fixed",
    "code-invalid",
    en="This value is fixed by the Measure to '{wanted}'",
    fr="La mesure fixe cette valeur à « {wanted} »",
)
REPORT_NO_MEASURE = Complaint(
    "validation-report-measure",
    "required",
    severity="information",
    en="No measure is identified, so no validation can be performed against the measure",
    fr="Aucune mesure n'est indiquée : rien n'est vérifié par rapport à elle",
)
REPORT_MEASURE_UNKNOWN = Complaint(
    "validation-report-measure-unknown",
    "required",
    severity="warning",
    en="The measure '{url}' could not be resolved, so no validation can be performed against it",
    fr="La mesure « {url} » est introuvable : rien n'est vérifié par rapport à elle",
)
REPORT_SCORING = Complaint(
    "validation-report-scoring",
    "business-rule",
    severity="information",
    en="The scoring system in this measure is unknown, so the measureScore values cannot be checked",
    fr="La méthode de score de cette mesure est inconnue : les scores ne sont pas vérifiés",
)
REPORT_NO_CODE = Complaint(
    "validation-report-code",
    "business-rule",
    en="This {name} should have a code that matches the definition in the measure",
    fr="Cet élément ({name}) devrait avoir un code, celui de la mesure",
)
REPORT_CODE_UNKNOWN = Complaint(
    "validation-report-code-unknown",
    "business-rule",
    en="The code for this {name} has no match in the measure definition",
    fr="Le code de cet élément ({name}) n'est pas dans la mesure",
)
REPORT_CODE_TWICE = Complaint(
    "validation-report-code-twice",
    "business-rule",
    en="The code for this {name} is duplicated with another",
    fr="Le code de cet élément ({name}) est déjà celui d'un autre",
)
REPORT_MISSING = Complaint(
    "validation-report-missing",
    "business-rule",
    en="The MeasureReport does not include a {name} for the one with code '{code}'",
    fr="Le rapport n'a pas l'élément ({name}) de code « {code} »",
)
REPORT_COUNT = Complaint(
    "validation-report-count",
    "business-rule",
    en="Mismatch between count {wanted} and number of subjects {count}",
    fr="Le compte {wanted} n'est pas le nombre de sujets, {count}",
)
REPORT_SUBJECTS = Complaint(
    "validation-report-subjects",
    "business-rule",
    en="Reports where type is not 'subject-list' don't have subjects listed",
    fr="Seuls les rapports de type « subject-list » énumèrent les sujets",
)
REPORT_NO_COUNT = Complaint(
    "validation-report-no-count",
    "business-rule",
    severity="warning",
    en="Count should be present for reports where type is not 'subject-list'",
    fr="Les rapports d'un type autre que « subject-list » devraient donner un compte",
)
SCORE_PROHIBITED = Complaint(
    "validation-report-score-prohibited",
    "business-rule",
    en="No measureScore when {reason}",
    fr="Pas de measureScore dans ce cas : {reason}",
)
SCORE_REQUIRED = Complaint(
    "validation-report-score-required",
    "required",
    en="A measureScore with a value is required when the Measure.scoring={scoring}",
    fr="Un measureScore avec une valeur est exigé quand Measure.scoring={scoring}",
)
SCORE_UNIT = Complaint(
    "validation-report-score-unit",
    "business-rule",
    en="A measureScore for this Measure Scoring ({scoring}) should not have a unit",
    fr="Un measureScore de ce type ({scoring}) ne devrait pas avoir d'unité",
)
SCORE_RANGE = Complaint(
    "validation-report-score-range",
    "required",
    en="The value is invalid - it must be between 0 and 1: {found}",
    fr="La valeur doit être entre 0 et 1 : {found}",
)

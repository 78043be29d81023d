"""What validation finds in coded values: against their code system, and against the value sets they are bound to.

Source: FHIR R4, Terminologies, "Binding Strengths"; Coding; CodeSystem.
"""

from __future__ import annotations

from fhir_gateway.fhir.outcome import Complaint

CODE_REQUIRED = Complaint(
    "validation-code-required",
    "code-invalid",
    en="The value provided ('{code}') was not found in the value set '{name}' ({value_set}), and a code is required "
    "from this value set",
    fr="La valeur « {code} » n'est pas dans le jeu de valeurs « {name} » ({value_set}), dont un code est exigé",
)
CODE_SYSTEM_UNDETERMINED = Complaint(
    "validation-code-system-undetermined",
    "not-found",
    en="The System URI could not be determined for the code '{code}' in the ValueSet '{value_set}'",
    fr="Aucun système du jeu de valeurs « {value_set} » n'a le code « {code} »",
)
CODE_EXTENSIBLE = Complaint(
    "validation-code-extensible",
    "code-invalid",
    severity="warning",
    en="The value provided ('{code}') was not found in the value set '{name}' ({value_set}), and a code should come "
    "from this value set unless it has no suitable code (note that the validator cannot judge what is suitable)",
    fr="La valeur « {code} » n'est pas dans le jeu de valeurs « {name} » ({value_set}), dont un code est attendu sauf "
    "si aucun ne convient (ce dont le validateur ne peut juger)",
)
CODE_PREFERRED = Complaint(
    "validation-code-preferred",
    "code-invalid",
    severity="information",
    en="The value provided ('{code}') was not found in the value set '{name}' ({value_set}), and a code is recommended "
    "to come from this value set",
    fr="La valeur « {code} » n'est pas dans le jeu de valeurs « {name} » ({value_set}), dont un code est recommandé",
)
CODE_MAXIMUM = Complaint(
    "validation-code-maximum",
    "code-invalid",
    en="None of the codes provided are in the maximum value set '{name}' ({value_set}), and a code from this value set "
    "is required (codes = {code})",
    fr="Aucun des codes fournis n'est dans le jeu de valeurs maximal « {name} » ({value_set}), dont un code est exigé "
    "(codes = {code})",
)
CODINGS_REQUIRED = Complaint(
    "validation-codings-required",
    "code-invalid",
    en="None of the codings provided are in the value set '{name}' ({value_set}), and a coding from this value set is "
    "required (codes = {code})",
    fr="Aucun des codes fournis n'est dans le jeu de valeurs « {name} » ({value_set}), dont un code est exigé "
    "(codes = {code})",
)
CODINGS_EXTENSIBLE = Complaint(
    "validation-codings-extensible",
    "code-invalid",
    severity="warning",
    en="None of the codings provided are in the value set '{name}' ({value_set}), and a coding should come from this "
    "value set unless it has no suitable code (note that the validator cannot judge what is suitable) (codes = {code})",
    fr="Aucun des codes fournis n'est dans le jeu de valeurs « {name} » ({value_set}), dont un code est attendu sauf "
    "si aucun ne convient (ce dont le validateur ne peut juger) (codes = {code})",
)
CODINGS_PREFERRED = Complaint(
    "validation-codings-preferred",
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
CODE_MISSING_MAXIMUM = Complaint(
    "validation-code-missing-maximum",
    "code-invalid",
    en="No code provided, and a code must be provided from the value set {max} (max value set of {value_set})",
    fr="Aucun code, or un code du jeu de valeurs {max} (au plus, en place de {value_set}) est exigé",
)
CODE_MISSING_WARNING = Complaint(
    "validation-code-should",
    "code-invalid",
    severity="warning",
    en="No code provided, and a code should be provided from the value set '{name}' ({value_set})",
    fr="Aucun code, or un code du jeu de valeurs « {name} » ({value_set}) est attendu",
)
VALUE_SET_UNKNOWN = Complaint(
    "validation-value-set-unknown",
    "not-found",
    severity="warning",
    en="ValueSet '{value_set}' not found",
    fr="Jeu de valeurs « {value_set} » introuvable",
)
VALUE_SET_UNDECIDED = Complaint(
    "validation-value-set-undecided",
    "not-found",
    severity="warning",
    en="Unable to check whether the code is in the value set '{value_set}' because {missing} was not found or has no "
    "content here (codes = {code})",
    fr="Impossible de dire si le code est dans le jeu de valeurs « {value_set} » : {missing} est introuvable ou sans "
    "contenu ici (codes = {code})",
)
CODE_UNKNOWN = Complaint(
    "validation-code-unknown",
    "code-invalid",
    en="Unknown code '{code}' in the CodeSystem '{system}' version '{version}'",
    fr="Code « {code} » inconnu du système « {system} », version « {version} »",
)
CODE_NOT_IN_FRAGMENT = Complaint(
    "validation-code-not-in-fragment",
    "code-invalid",
    severity="warning",
    en="Unknown Code '{code}' in the CodeSystem '{system}' version '{version}' - note that the code system is labeled "
    "as a fragment, so the code may be valid in some other fragment",
    fr="Code « {code} » inconnu du système « {system} », version « {version} », dont seule une partie est connue ici",
)
SYSTEM_UNKNOWN = Complaint(
    "validation-code-system-unknown",
    "not-found",
    severity="warning",
    en="A definition for CodeSystem '{system}' could not be found, so the code cannot be validated",
    fr="Le système de codes « {system} » est introuvable ; le code ne peut être vérifié",
)
SYSTEM_VERSION_UNKNOWN = Complaint(
    "validation-code-system-version",
    "not-found",
    severity="warning",
    en="A definition for CodeSystem '{system}' version '{version}' could not be found, so the code cannot be "
    "validated. Valid versions: {known}",
    fr="La version « {version} » du système de codes « {system} » est introuvable ; le code ne peut être vérifié. "
    "Version connue : {known}",
)
SYSTEM_IS_SUPPLEMENT = Complaint(
    "validation-code-system-supplement",
    "not-found",
    en="CodeSystem {system} is a supplement, so can't be used as a value in Coding.system",
    fr="Le système {system} est un supplément : il ne peut être la valeur de Coding.system",
)
SYSTEM_IS_VALUE_SET = Complaint(
    "validation-coding-system-value-set",
    "code-invalid",
    en="The Coding references a value set, not a code system ('{system}')",
    fr="Le Coding désigne un jeu de valeurs et non un système de codes (« {system} »)",
)
SYSTEM_RELATIVE = Complaint(
    "validation-code-system-relative",
    "code-invalid",
    en="Coding.system must be an absolute reference, not a local reference ('{system}')",
    fr="Coding.system doit être une URI absolue et non locale (« {system} »)",
)
SYSTEM_MISSING = Complaint(
    "validation-coding-system-missing",
    "invalid",
    severity="warning",
    en="Coding has no system. A code with no system has no defined meaning, and it cannot be validated. A system "
    "should be provided",
    fr="Coding sans système : un code sans système n'a pas de sens défini et ne peut être vérifié ; donnez le système",
)
CODE_INACTIVE = Complaint(
    "validation-code-inactive",
    "business-rule",
    severity="warning",
    en="The concept '{code}' has a status of inactive and its use should be reviewed",
    fr="Le concept « {code} » n'est plus en usage ; son emploi est à revoir",
)
DISPLAY_WRONG = Complaint(
    "validation-display",
    "invalid",
    en="Wrong Display Name '{display}' for {system}#{code}. Valid display is {valid} (for the "
    "language(s) '{language}')",
    fr="Libellé « {display} » inexact pour {system}#{code}. Libellé valide : {valid} (langue : {language})",
)
DISPLAY_WRONG_WARNING = Complaint(
    "validation-display-warning",
    "invalid",
    severity="warning",
    en="Wrong Display Name '{display}' for {system}#{code}. Valid display is {valid} (for the "
    "language(s) '{language}')",
    fr="Libellé « {display} » inexact pour {system}#{code}. Libellé valide : {valid} (langue : {language})",
)
QUANTITY_CODE = Complaint(
    "validation-quantity-code",
    "code-invalid",
    en="The code provided ({code}) was not found in the value set '{name}' ({value_set}), and a code from this value "
    "set is required",
    fr="Le code fourni ({code}) n'est pas dans le jeu de valeurs « {name} » ({value_set}), dont un code est exigé",
)

"""What is said of extensions that are unknown, misplaced, or not as they are defined.

Source: FHIR R4, Extensibility; Defining Extensions, "Extension Context".
"""

from __future__ import annotations

from fhir_gateway.fhir.outcome import Complaint

URL = Complaint(
    "validation-extension-url",
    "invalid",
    en="Extension.url is required in order to identify, use and validate the extension",
    fr="Extension.url est exigé pour reconnaître, utiliser et valider l'extension",
)
URL_RELATIVE = Complaint(
    "validation-extension-url-relative",
    "invalid",
    en="Extension.url must be an absolute URL, not '{url}'",
    fr="Extension.url doit être une URL absolue, et non « {url} »",
)
URL_VERSION = Complaint(
    "validation-extension-url-version",
    "invalid",
    en="The extension URL must not contain a version: '{url}'. It was validated against {found}",
    fr="L'URL de l'extension ne doit pas porter de version : « {url} ». L'extension a été validée avec {found}",
)
URL_VERSION_UNKNOWN = Complaint(
    "validation-extension-url-version-unknown",
    "invalid",
    severity="warning",
    en="Extension URLs don't have versions: '{url}' leads nowhere, with or without its version",
    fr="Les URL d'extension n'ont pas de version : « {url} » ne mène nulle part, avec ou sans sa version",
)
UNKNOWN = Complaint(
    "validation-extension-unknown",
    "structure",
    en="The extension {url} could not be found so is not allowed here",
    fr="L'extension {url} est introuvable, elle n'est donc pas permise ici",
)
UNKNOWN_ALLOWED = Complaint(
    "validation-extension-not-known",
    "not-found",
    severity="information",
    en="Unknown extension {url}",
    fr="Extension inconnue {url}",
)
PART_UNKNOWN = Complaint(
    "validation-extension-part-unknown",
    "invalid",
    en="Sub-extension url '{url}' is not defined by the Extension {extension}",
    fr="L'extension {extension} ne définit pas de partie « {url} »",
)
MODIFIER = Complaint(
    "validation-extension-modifier",
    "structure",
    en="The Extension '{url}' must not be used as an extension (it's a modifierExtension)",
    fr="L'extension « {url} » ne peut pas être une simple extension (c'est une modifierExtension)",
)
NOT_MODIFIER = Complaint(
    "validation-extension-not-modifier",
    "structure",
    en="The Extension '{url}' must not be used as a modifierExtension (it's a regular extension)",
    fr="L'extension « {url} » ne peut pas être une modifierExtension (c'est une simple extension)",
)
CONTEXT = Complaint(
    "validation-extension-context",
    "structure",
    en="The extension {url} is not allowed to be used at this point (this element is [{place}]; allowed = {allowed})",
    fr="L'extension {url} n'est pas permise à cet endroit (cet élément est [{place}] ; permis = {allowed})",
)
CONTEXT_OTHER_VERSION = Complaint(
    "validation-extension-context-other-version",
    "structure",
    severity="warning",
    en="The extension {url} stands for an element that is not there in its FHIR version (this element is [{place}]; "
    "allowed = {allowed}; elements may be renamed between versions)",
    fr="L'extension {url} représente un élément qui n'a pas cette place dans sa version de FHIR (cet élément est "
    "[{place}] ; permis = {allowed} ; des éléments changent de nom entre versions)",
)
CONTEXT_PROFILE_UNKNOWN = Complaint(
    "validation-extension-context-profile-unknown",
    "not-found",
    en="The extension {url} specifies a context of {context}, but that profile cannot be found",
    fr="L'extension {url} se limite au contexte {context}, mais ce profil est introuvable",
)
CONTEXT_INVARIANT = Complaint(
    "validation-extension-context-invariant",
    "structure",
    en="The extension {url} is not allowed to be used at this point (based on context invariant '{invariant}')",
    fr="L'extension {url} n'est pas permise à cet endroit (d'après son invariant de contexte « {invariant} »)",
)
VERSION_EARLIEST = Complaint(
    "validation-extension-version-earliest",
    "business-rule",
    en="The extension '{url}' can be used from FHIR version {limit} on, but this is version {version}",
    fr="L'extension « {url} » s'emploie à partir de la version {limit} de FHIR, mais celle-ci est la {version}",
)
VERSION_LATEST = Complaint(
    "validation-extension-version-latest",
    "business-rule",
    en="The extension '{url}' can be used up to FHIR version {limit}, but this is version {version}",
    fr="L'extension « {url} » s'emploie jusqu'à la version {limit} de FHIR, mais celle-ci est la {version}",
)
VALUE_TYPE = Complaint(
    "validation-extension-value-type",
    "structure",
    en="The Extension '{url}' definition allows for the types [{allowed}] but found type {found}",
    fr="L'extension « {url} » est définie avec les types [{allowed}], mais elle a le type {found}",
)
VALUE_ABSENT = Complaint(
    "validation-extension-value-absent",
    "structure",
    en="The Extension '{url}' definition is for a simple extension, so it must contain a value",
    fr="L'extension « {url} » est définie comme simple : elle doit avoir une valeur",
)
VALUE_NOT_EXTENSIONS = Complaint(
    "validation-extension-value-not-extensions",
    "structure",
    en="The Extension '{url}' definition is for a simple extension, so it must contain a value, not extensions",
    fr="L'extension « {url} » est définie comme simple : elle doit avoir une valeur, et non des extensions",
)
OTHER_VERSION_ELEMENT = Complaint(
    "validation-extension-other-version-element",
    "invalid",
    en="Extension url '{url}' is not valid: FHIR {version} has no element '{element}'",
    fr="L'URL d'extension « {url} » n'est pas valide : FHIR {version} n'a pas d'élément « {element} »",
)
OTHER_VERSION_UNCHANGED = Complaint(
    "validation-extension-other-version-unchanged",
    "invalid",
    en="Extension url '{url}' is not valid: '{element}' is the same here as in FHIR {version}, use the element itself",
    fr="L'URL d'extension « {url} » n'est pas valide : « {element} » est ici comme dans FHIR {version}, employez-le",
)

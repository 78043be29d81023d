"""What can be wrong with a file of code systems, value sets and maps that the gateway is started with.

Source: FHIR R4, CodeSystem, invariants csd-1; ValueSet, vsd-1, vsd-3; ConceptMap; JSON Representation of Resources.
"""

from __future__ import annotations

from fhir_gateway.fhir.outcome import Complaint

FOLDER_ABSENT = Complaint(
    "content-folder-absent",
    "not-found",
    en="{folder} is no folder; the setting terminology_folders names folders of CodeSystem, ValueSet, ConceptMap and "
    "NamingSystem files.",
    fr="{folder} n'est pas un dossier ; le réglage terminology_folders nomme des dossiers de fichiers CodeSystem, "
    "ValueSet, ConceptMap et NamingSystem.",
)
NOT_JSON = Complaint(
    "content-not-json",
    "structure",
    en="{file}, line {line}: this is not JSON in UTF-8 ({reason}); correct it there.",
    fr="{file}, ligne {line} : ce n'est pas du JSON en UTF-8 ({reason}) ; corriger à cet endroit.",
)
REPEATED_PROPERTY = Complaint(
    "content-repeated-property",
    "structure",
    en="{file}, line {line}: the property '{name}' is given twice in one object; remove one.",
    fr="{file}, ligne {line} : la propriété « {name} » est donnée deux fois dans un objet ; en supprimer une.",
)
NOT_A_RESOURCE = Complaint(
    "content-not-terminology",
    "structure",
    en="{file}, line {line}: this is no CodeSystem, ValueSet, ConceptMap or NamingSystem, nor a Bundle of them; take "
    "the file out of the folder.",
    fr="{file}, ligne {line} : ce n'est ni un CodeSystem, ni un ValueSet, ni un ConceptMap, ni un NamingSystem, ni un "
    "Bundle de ceux-ci ; retirer le fichier du dossier.",
)
NO_URL = Complaint(
    "content-url-absent",
    "required",
    en="{file}, line {line}: this {kind} has no absolute url, by which others would name it; give it one.",
    fr="{file}, ligne {line} : ce {kind} n'a pas d'url absolue, par laquelle d'autres le nommeraient ; en donner une.",
)
TWICE = Complaint(
    "content-url-repeated",
    "duplicate",
    en="{file}, line {line}: {url} in this version is already defined by {other}; one of them must go.",
    fr="{file}, ligne {line} : {url} est déjà défini dans cette version par {other} ; l'un des deux est de trop.",
)
CODE_ABSENT = Complaint(
    "content-code-absent",
    "required",
    en="{file}, line {line}: this element needs a code without spaces at its ends; write it.",
    fr="{file}, ligne {line} : il faut ici un code, sans espaces aux extrémités ; l'écrire.",
)
CODE_TWICE = Complaint(
    "content-code-repeated",
    "duplicate",
    en="{file}, line {line}: the code '{code}' is defined twice (csd-1); remove one of them.",
    fr="{file}, ligne {line} : le code « {code} » est défini deux fois (csd-1) ; en supprimer un.",
)
PROPERTY_UNDECLARED = Complaint(
    "content-property-undeclared",
    "value",
    en="{file}, line {line}: the property '{code}' of a concept is not declared in CodeSystem.property; declare it, or "
    "correct its name.",
    fr="{file}, ligne {line} : la propriété « {code} » d'un concept n'est pas déclarée dans CodeSystem.property ; la "
    "déclarer, ou corriger son nom.",
)
NOTHING_INCLUDED = Complaint(
    "content-value-set-empty",
    "required",
    en="{file}, line {line}: it includes nothing: each compose.include needs a system or a valueSet (vsd-1).",
    fr="{file}, ligne {line} : le jeu de valeurs n'inclut rien : chaque compose.include demande un system ou un "
    "valueSet (vsd-1).",
)
EQUIVALENCE = Complaint(
    "content-equivalence",
    "value",
    en="{file}, line {line}: a target of a map has an equivalence of ConceptMapEquivalence, and a code unless it is "
    "'unmatched'.",
    fr="{file}, ligne {line} : la cible d'une correspondance a une équivalence de ConceptMapEquivalence, et un code "
    "sauf si elle est « unmatched ».",
)

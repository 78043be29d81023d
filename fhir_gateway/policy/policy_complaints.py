"""What can be wrong with a policy file, told to whoever writes one: the line, the rule, the remedy.

Source: `politique.yaml`, whose head says what may stand in it; FHIR R4, TypeRestfulInteraction, ResourceType.
"""

from __future__ import annotations

from fhir_gateway.fhir.outcome import Complaint

FILE_UNREADABLE = Complaint(
    "policy-file-unreadable",
    "not-found",
    en="{file}: the policy file cannot be read ({reason}); the setting policy_file names it.",
    fr="{file} : le fichier de politique ne peut être lu ({reason}) ; le réglage policy_file le nomme.",
)
NOT_YAML = Complaint(
    "policy-not-yaml",
    "structure",
    en="{at}: this is not YAML in UTF-8 ({reason}); correct it there.",
    fr="{at} : ce n'est pas du YAML en UTF-8 ({reason}) ; corriger à cet endroit.",
)
WRONG_SHAPE = Complaint(
    "policy-wrong-shape",
    "structure",
    en="{at}: {expected} is expected here.",
    fr="{at} : on attend ici {expected_fr}.",
)
UNKNOWN_KEY = Complaint(
    "policy-unknown-key",
    "structure",
    en="{at}: '{key}' means nothing here; there is {known}.",
    fr="{at} : « {key} » n'a pas de sens ici ; il y a {known}.",
)
MISSING_KEY = Complaint(
    "policy-missing-key",
    "required",
    en="{at}: '{key}' is missing; write it there.",
    fr="{at} : il manque « {key} » ; l'écrire là.",
)
REPEATED_KEY = Complaint(
    "policy-repeated-key",
    "duplicate",
    en="{at}: '{key}' stands here twice; remove one.",
    fr="{at} : « {key} » s'y trouve deux fois ; en supprimer un.",
)
UNKNOWN_ROLE = Complaint(
    "policy-unknown-role",
    "code-invalid",
    en="{at}: there is no role '{role}'; there is {known}.",
    fr="{at} : il n'y a pas de rôle « {role} » ; il y a {known}.",
)
MISSING_ROLE = Complaint(
    "policy-missing-role",
    "required",
    en="{at}: the role '{role}' is missing; give it, with an empty list of rights where it may do nothing of its own.",
    fr="{at} : il manque le rôle « {role} » ; le donner, avec une liste de droits vide s'il ne peut rien en propre.",
)
UNKNOWN_NAME = Complaint(
    "policy-unknown-name",
    "code-invalid",
    en="{at}: '{name}' is neither {kind} nor a group of this file{nearest}.",
    fr="{at} : « {name} » n'est ni {kind_fr} ni un groupe de ce fichier{nearest_fr}.",
)
GROUP_CIRCLE = Complaint(
    "policy-group-circle",
    "invalid",
    en="{at}: the group '{name}' contains itself; take it out.",
    fr="{at} : le groupe « {name} » se contient lui-même ; l'en retirer.",
)
GROUP_NAME_TAKEN = Complaint(
    "policy-group-name-taken",
    "duplicate",
    en="{at}: '{name}' is {kind} already and cannot name a group; choose another name.",
    fr="{at} : « {name} » est déjà {kind_fr} et ne peut nommer un groupe ; choisir un autre nom.",
)
ABSENT_ELEMENT = Complaint(
    "policy-absent-element",
    "code-invalid",
    en="{at}: {type} has no element '{element}' in R4; elements of the top level are named, a choice without [x].",
    fr="{at} : {type} n'a pas d'élément « {element} » en R4 ; on nomme ceux du premier niveau, un choix sans [x].",
)
UNKNOWN_STATUS = Complaint(
    "policy-unknown-status",
    "code-invalid",
    en="{at}: '{code}' is no status of {type}; there is {known}.",
    fr="{at} : « {code} » n'est pas un status de {type} ; il y a {known}.",
)
NEEDLESS_KEY = Complaint(
    "policy-needless-key",
    "invalid",
    en="{at}: '{key}' goes with {acts}, and this right has none of them; remove it.",
    fr="{at} : « {key} » va avec {acts}, et ce droit n'en a aucune ; le supprimer.",
)
SCOPE_MEANINGLESS = Complaint(
    "policy-scope-meaningless",
    "invalid",
    en="{at}: the scope '{scope}' cannot be given here: {reason}.",
    fr="{at} : la portée « {scope} » ne peut être donnée ici : {reason_fr}.",
)
CONTRADICTION = Complaint(
    "policy-contradiction",
    "conflict",
    en="{at}: {role}, {act}: this right says otherwise than the one at {other}; keep one of them.",
    fr="{at} : {role}, {act} : ce droit dit autre chose que celui de {other} ; n'en garder qu'un.",
)

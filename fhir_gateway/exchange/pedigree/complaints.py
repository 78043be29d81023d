"""What can be wrong with a pedigree, and what a PED file cannot tell.

Source: PLINK 1.9, "PED/FAM"; GATK, "PED or FAM format"; GA4GH Pedigree Standard.
"""

from __future__ import annotations

from fhir_gateway.fhir.outcome import Complaint

NOT_TEXT = Complaint(
    "pedigree-not-text",
    "structure",
    "A PED file is text in UTF-8; byte {byte} is not. Send it in UTF-8.",
    "Un fichier PED est du texte en UTF-8 ; l'octet {byte} n'en est pas. L'envoyer en UTF-8.",
)
TOO_FEW_COLUMNS = Complaint(
    "pedigree-columns",
    "structure",
    "Line {line} has {count} columns; a PED line has at least six: family, individual, father, mother, sex, phenotype.",
    "La ligne {line} a {count} colonnes ; une ligne PED en a au moins six : famille, individu, père, mère, sexe, "
    "phénotype.",
)
NO_INDIVIDUAL = Complaint(
    "pedigree-individual-missing",
    "required",
    "Line {line} names no individual (column 2 is empty, 0 or -9); each line is of one person, by an identifier.",
    "La ligne {line} ne nomme pas d'individu (la colonne 2 est vide, 0 ou -9) ; chaque ligne est celle d'une personne, "
    "par un identifiant.",
)
PHENOTYPE_UNKNOWN = Complaint(
    "pedigree-phenotype",
    "value",
    "The phenotype {value} of individual {individual} (line {line}) is none of 1 (unaffected), 2 (affected), 0 or -9 "
    "(unknown): correct it, quantitative traits are not read.",
    "Le phénotype {value} de l'individu {individual} (ligne {line}) n'est ni 1 (indemne), ni 2 (atteint), ni 0 ou -9 "
    "(inconnu) : le corriger, les traits quantitatifs ne sont pas lus.",
)
EMPTY = Complaint(
    "pedigree-empty",
    "required",
    "The pedigree has nobody; send one line for each person.",
    "L'arbre n'a personne ; envoyer une ligne par personne.",
)
FAMILIES = Complaint(
    "pedigree-families",
    "business-rule",
    "The pedigree is of several families ({families}); send one family at a time.",
    "L'arbre est de plusieurs familles ({families}) ; envoyer une famille à la fois.",
)
TWICE = Complaint(
    "pedigree-individual-twice",
    "duplicate",
    "Individual {individual} stands there {count} times; each person has one line.",
    "L'individu {individual} figure {count} fois ; chaque personne a une ligne.",
)
OWN_PARENT = Complaint(
    "pedigree-own-parent",
    "business-rule",
    "Individual {individual} is its own {parent}; name the parent, or 0 where unknown.",
    "L'individu {individual} est son propre {parent} ; nommer le parent, ou 0 s'il est inconnu.",
)
CYCLE = Complaint(
    "pedigree-cycle",
    "business-rule",
    "Individual {individual} is among its own ancestors ({way}); correct the parents.",
    "L'individu {individual} est parmi ses propres ancêtres ({way}) ; corriger les parents.",
)
ONE_PARENT_TWICE = Complaint(
    "pedigree-one-parent-twice",
    "business-rule",
    "Father and mother of individual {individual} are the same person, {parent}; correct one of them.",
    "Le père et la mère de l'individu {individual} sont la même personne, {parent} ; corriger l'un des deux.",
)
PARENT_OF_OTHER_SEX = Complaint(
    "pedigree-parent-sex",
    "business-rule",
    "{parent}, {role} of individual {individual}, is said to be {sex}; correct the sex or the column.",
    "{parent}, {role} de l'individu {individual}, est de sexe {sex} ; corriger le sexe ou la colonne.",
    severity="warning",
)
PARENT_WITHOUT_LINE = Complaint(
    "pedigree-parent-without-line",
    "not-found",
    "{parent}, {role} of individual {individual}, has no line of its own: sex and phenotype are unknown.",
    "{parent}, {role} de l'individu {individual}, n'a pas de ligne : sexe et phénotype sont inconnus.",
    severity="warning",
)
EXTRA_COLUMNS = Complaint(
    "pedigree-extra-columns",
    "informational",
    "{count} columns after the sixth are kept and mean nothing here (genotypes are read from VCF).",
    "{count} colonnes après la sixième sont gardées et ne disent rien ici (les génotypes se lisent en VCF).",
    severity="information",
)
UNFIT_IDENTIFIER = Complaint(
    "pedigree-identifier-unfit",
    "value",
    "The identifier “{identifier}” cannot stand in a PED file (it has blanks, begins with # or means unknown); choose "
    "another identifier.",
    "L'identifiant « {identifier} » ne peut figurer dans un fichier PED (il a des blancs, commence par # ou signifie "
    "inconnu) ; choisir un autre identifiant.",
)
NO_IDENTIFIER = Complaint(
    "pedigree-identifier-missing",
    "required",
    "This person has no identifier of the system {system}, by which the people of this file are to be called; give "
    "one, or choose another system.",
    "Cette personne n'a pas d'identifiant du système {system}, qui doit nommer les personnes de ce fichier ; en donner "
    "un, ou choisir un autre système.",
)
SHARED_IDENTIFIER = Complaint(
    "pedigree-identifier-shared",
    "duplicate",
    "The identifier {identifier} is of several people; choose a system that tells them apart.",
    "L'identifiant {identifier} est celui de plusieurs personnes ; choisir un système qui les distingue.",
)
LINK_WITHOUT_PLACE = Complaint(
    "pedigree-link-lost",
    "incomplete",
    "A pedigree of parents has no place for the link {role}; it is left out.",
    "Un arbre de parents n'a pas de place pour le lien {role} ; il est laissé de côté.",
    severity="warning",
)
LINK_TO_NOBODY = Complaint(
    "pedigree-link-to-nobody",
    "incomplete",
    "This relative ({role}) has no Patient and so no line; it is left out.",
    "Cet apparenté ({role}) n'a pas de Patient, donc pas de ligne ; il est laissé de côté.",
    severity="warning",
)
SECOND_PARENT = Complaint(
    "pedigree-second-parent",
    "business-rule",
    "This link gives a person a second {parent}; the first one is kept. Correct the links.",
    "Ce lien donne à une personne un second {parent} ; le premier est gardé. Corriger les liens.",
)
NO_FAMILY = Complaint(
    "pedigree-no-request",
    "required",
    "Nothing says who belongs to the family: neither a ServiceRequest of the dossier nor a Composition. Give the "
    "resources of one dossier.",
    "Rien ne dit qui appartient à la famille : ni ServiceRequest du dossier, ni Composition. Donner les ressources "
    "d'un dossier.",
)

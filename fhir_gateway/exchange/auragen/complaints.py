"""What can be wrong with files of AURAGEN, and with dossiers that are to become some.

Source: README.md of this room.
"""

from __future__ import annotations

from fhir_gateway.fhir.outcome import Complaint, FhirError

UNREADABLE = Complaint(
    "auragen-unreadable",
    "structure",
    en="This is no JSON object: {reason}. A truncated file is to be sent again.",
    fr="Ce n'est pas un objet JSON : {reason}. Un fichier tronqué est à renvoyer.",
    severity="error",
)
KIND_UNKNOWN = Complaint(
    "auragen-kind-unknown",
    "not-supported",
    en="None of AURAGEN's four files: it has neither individuals, nor cimo, nor libraries.",
    fr="Aucun des quatre fichiers d'AURAGEN : ni individuals, ni cimo, ni libraries.",
)
NOT_YET = Complaint(
    "auragen-kind-not-read",
    "not-supported",
    en="The file {kind} of AURAGEN is neither read nor written here.",
    fr="Le fichier {kind} d'AURAGEN n'est ici ni lu ni écrit.",
)
NO_INDEX = Complaint(
    "auragen-no-index-case",
    "business-rule",
    en="{where}: exactly one individual is the index case (index_case, family.link index-case); here: {found}.",
    fr="{where} : exactement un individu est le cas index (index_case, family.link index-case) ; ici : {found}.",
)
TWICE = Complaint(
    "auragen-library-twice",
    "duplicate",
    en="{where}: the library {library} stands in this file twice.",
    fr="{where} : la librairie {library} figure deux fois dans ce fichier.",
)
PARENT_UNKNOWN = Complaint(
    "auragen-parent-unknown",
    "not-found",
    en="{where}: the parent {library} is no individual of this file.",
    fr="{where} : le parent {library} n'est aucun individu de ce fichier.",
)
PARENT_WITHOUT_SEX = Complaint(
    "auragen-parent-without-sex",
    "incomplete",
    en="{where}: {library} has no sex: whether father or mother is not told, and the edge says parent only.",
    fr="{where} : {library} est sans sexe : père ou mère n'est pas dit, et le lien dit seulement parent.",
    severity="warning",
)
SAME_SEX_PARENTS = Complaint(
    "auragen-parents-alike",
    "business-rule",
    en="{where}: both parents are {sex}.",
    fr="{where} : les deux parents sont de même sexe ({sex}).",
    severity="warning",
)
INDICATION_ABSENT = Complaint(
    "auragen-indication-unmapped",
    "incomplete",
    en="{where}: AURAGEN's indication code for {preindication} is not known. It is not public: fill the table "
    "auragen-indications (préindication: IMR, IOC or IKC and four digits), or give the code in reasonCode.",
    fr="{where} : le code d'indication d'AURAGEN pour {preindication} n'est pas connu. Il n'est pas public : "
    "remplissez la table auragen-indications (préindication : IMR, IOC ou IKC et quatre chiffres), ou donnez le code "
    "dans reasonCode.",
)
CASE_ABSENT = Complaint(
    "auragen-case-absent",
    "required",
    en="{where}: no case number of AURAGEN (identifier of system {system}, such as MR-0000456). The platform gives it.",
    fr="{where} : pas de numéro de dossier d'AURAGEN (identifier du système {system}, comme MR-0000456). La plateforme "
    "le donne.",
)
LIBRARY_ABSENT = Complaint(
    "auragen-library-absent",
    "required",
    en="{where}: no library of AURAGEN (Specimen with an identifier of system {system}) is known of this person.",
    fr="{where} : aucune librairie d'AURAGEN (Specimen à identifier du système {system}) n'est connue pour cette "
    "personne.",
)
LIBRARIES_SEVERAL = Complaint(
    "auragen-libraries-several",
    "multiple-matches",
    en="{where}: several libraries of this person; {library} is written, the file has place for one.",
    fr="{where} : plusieurs librairies de cette personne ; {library} est écrite, le fichier n'a de place que pour une.",
    severity="warning",
)
PROBANDS = Complaint(
    "auragen-one-proband",
    "business-rule",
    en="A case has exactly one proband; here are {found}.",
    fr="Un dossier a exactement un cas index ; en voici {found}.",
)

READ_AS_NULL = Complaint(
    "auragen-read-as-null",
    "incomplete",
    en="{where}: this is absent, and read as null.",
    fr="{where} : ceci est absent, et lu comme null.",
    severity="information",
)
CELLULARITY_CLASS = Complaint(
    "auragen-cellularity-class",
    "value",
    en="{where}: {value} % has no code of its own; {below} is written, the number stays in FHIR.",
    fr="{where} : {value} % n'a pas de code propre ; {below} est écrit, le nombre reste dans FHIR.",
    severity="warning",
)
NO_DATE = Complaint(
    "auragen-no-date",
    "value",
    en="{where}: there is no such day.",
    fr="{where} : ce jour n'existe pas.",
)


TEXT_STAYS = Complaint(
    "auragen-text-stays",
    "suppressed",
    en="{where}: free text does not leave towards another organisation; {count} such are left out.",
    fr="{where} : le texte libre ne part pas vers un autre organisme ; {count} de ce genre sont omis.",
    severity="information",
)


class Unreadable(FhirError):
    """A file that is none of AURAGEN's: every reason."""

    status = 400

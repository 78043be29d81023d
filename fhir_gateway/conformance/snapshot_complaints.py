"""What can be wrong with a StructureDefinition whose snapshot is to be generated.

Source: FHIR R4, Profiling FHIR, "Limitations of Use", "Slicing"; StructureDefinition; ElementDefinition, "Rules about
using ElementDefinitions in profiles".
"""

from __future__ import annotations

from fhir_gateway.fhir.outcome import Complaint

MALFORMED = Complaint(
    "snapshot-structure-malformed",
    "structure",
    en="{profile} is not built as a StructureDefinition is: {place} ({reason}). Correct it first.",
    fr="{profile} n'est pas construit comme une StructureDefinition : {place} ({reason}). Corrigez-le d'abord.",
)
BASE_ABSENT = Complaint(
    "snapshot-base-absent",
    "not-found",
    en="{profile} is derived from {base}, which is not known here. Install the package that defines it.",
    fr="{profile} est dérivé de {base}, qui n'est pas connu ici. Installez le paquet qui le définit.",
)
OTHER_REFUSED = Complaint(
    "snapshot-other-refused",
    "business-rule",
    en="{profile} has no snapshot, and none can be made of it: {reasons}",
    fr="{profile} n'a pas de snapshot, et l'on ne peut en faire : {reasons_fr}",
)
BASE_CIRCULAR = Complaint(
    "snapshot-base-circular",
    "business-rule",
    en="{profile} is derived from itself, by way of {base}. Correct baseDefinition.",
    fr="{profile} est dérivé de lui-même, par {base}. Corrigez baseDefinition.",
)
TOO_DEEP = Complaint(
    "snapshot-too-deep",
    "too-costly",
    en="{profile} needs a snapshot that needs another, and so on, {limit} times. Give snapshots to its bases and "
    "profiles.",
    fr="{profile} exige un snapshot qui en exige un autre, et ainsi de suite, {limit} fois. Donnez des snapshots à ses "
    "bases et profils.",
)
BASE_OF_OTHER_TYPE = Complaint(
    "snapshot-base-of-other-type",
    "business-rule",
    en="{profile} constrains {type}, but its base {base} is about {base_type}. A constraint is of its base's type.",
    fr="{profile} contraint {type}, mais sa base {base} porte sur {base_type}. Une contrainte est du type de sa base.",
)
TYPE_ABSENT = Complaint(
    "snapshot-type-absent",
    "required",
    en="{profile} does not say which type it is about. Add type.",
    fr="{profile} ne dit pas sur quel type il porte. Ajoutez type.",
)
MAX_INVALID = Complaint(
    "differential-max-invalid",
    "value",
    en="'{max}' is no greatest number of {path}: write digits or *.",
    fr="« {max} » n'est pas un nombre maximal de {path} : écrivez des chiffres ou *.",
)
PATH_INVALID = Complaint(
    "differential-path-invalid",
    "invalid",
    en="'{path}' is no path of an element of this differential: it begins with {type}, and up to 31 names of at most "
    "64 letters and digits follow, joined by single dots.",
    fr="« {path} » n'est pas un chemin d'élément de ce differential : il commence par {type}, suivi de 31 noms au plus "
    "d'au plus 64 lettres et chiffres, joints par un seul point.",
)
ROOT_TYPED = Complaint(
    "differential-root-typed",
    "business-rule",
    en="The first element, {id}, stands for the type itself and can have no type. Remove it.",
    fr="Le premier élément, {id}, est le type lui-même et ne peut avoir de type. Retirez-le.",
)
UNMATCHED = Complaint(
    "differential-element-unmatched",
    "not-found",
    en="{id} stands for no element of {base}: its path is unknown there, or it comes out of order. Correct the path, "
    "or put the differential's elements into the order of the base.",
    fr="{id} ne correspond à aucun élément de {base} : son chemin y est inconnu, ou il n'est pas dans l'ordre. "
    "Corrigez le chemin, ou rangez les éléments du differential dans l'ordre de la base.",
)
DUPLICATE = Complaint(
    "differential-element-duplicate",
    "duplicate",
    en="There is more than one element {id}. Merge them, or name slices apart.",
    fr="Il y a plus d'un élément {id}. Fusionnez-les, ou donnez aux tranches des noms distincts.",
)
SINGLE_SLICED = Complaint(
    "slicing-of-single-element",
    "business-rule",
    en="{id} cannot be sliced: it does not repeat. Slice an element that repeats, or by type one that is a choice.",
    fr="{id} ne peut être découpé en tranches : il ne se répète pas. Découpez un élément répété, ou par type un choix.",
)
SLICING_ABSENT = Complaint(
    "slicing-absent",
    "required",
    en="{id} has slices, but nothing says what tells them apart. Put an element with slicing before them.",
    fr="{id} a des tranches, mais rien ne dit ce qui les distingue. Placez avant elles un élément avec slicing.",
)
SLICING_CHANGED = Complaint(
    "slicing-changed",
    "business-rule",
    en="{id} is sliced already in {base}, with another {what} ({old}, here {new}). Keep what the base says.",
    fr="{id} est déjà découpé dans {base}, avec un autre {what} ({old}, ici {new}). Gardez ce que dit la base.",
)
SLICING_CLOSED = Complaint(
    "slicing-closed",
    "business-rule",
    en="{id} cannot be added: {base} says that there are no slices but its own (closed).",
    fr="{id} ne peut être ajouté : {base} dit qu'il n'y a d'autres tranches que les siennes (closed).",
)
SLICE_ORDER = Complaint(
    "slices-out-of-order",
    "business-rule",
    en="{id} comes out of order: the slices of {base} come first, in its order, and new ones after them.",
    fr="{id} n'est pas à sa place : les tranches de {base} viennent d'abord, dans son ordre, puis les nouvelles.",
)
TYPE_SLICING = Complaint(
    "slicing-by-type-invalid",
    "business-rule",
    en="{id} is sliced by type, and that needs {rule}.",
    fr="{id} est découpé par type, ce qui exige {rule}.",
)
TYPE_SLICE_MANDATORY = Complaint(
    "slicing-by-type-impossible",
    "business-rule",
    en="{id} must be there, so that the slices after it could never be. Remove them, or let min be 0.",
    fr="{id} est obligatoire : les tranches qui le suivent ne pourraient jamais exister. Retirez-les, ou mettez min "
    "à 0.",
)
MIN_LOWERED = Complaint(
    "element-min-lowered",
    "business-rule",
    en="{id} has min {new}, less than the {old} of {base}. A profile may only ask for more.",
    fr="{id} a min {new}, moins que les {old} de {base}. Un profil ne peut qu'en demander plus.",
)
MAX_RAISED = Complaint(
    "element-max-raised",
    "business-rule",
    en="{id} has max {new}, more than the {old} of {base}. A profile may only allow fewer.",
    fr="{id} a max {new}, plus que les {old} de {base}. Un profil ne peut qu'en permettre moins.",
)
TYPE_NOT_ALLOWED = Complaint(
    "element-type-not-allowed",
    "business-rule",
    en="{id} cannot be of type {type}: {base} allows {allowed}.",
    fr="{id} ne peut être de type {type} : {base} permet {allowed}.",
)
TARGET_NOT_ALLOWED = Complaint(
    "element-target-not-allowed",
    "business-rule",
    en="{id} cannot refer to {target}: {base} allows {allowed}.",
    fr="{id} ne peut se référer à {target} : {base} permet {allowed}.",
)
PROFILE_OF_OTHER_TYPE = Complaint(
    "element-profile-of-other-type",
    "business-rule",
    en="{id} is of type {type}, but its profile {profile} is about {other}.",
    fr="{id} est de type {type}, mais son profil {profile} porte sur {other}.",
)
VALUE_OF_OTHER_TYPE = Complaint(
    "element-value-of-other-type",
    "business-rule",
    en="{id} has {name}, which is not of its types ({types}).",
    fr="{id} a {name}, qui n'est pas de ses types ({types}).",
)
BINDING_LOOSENED = Complaint(
    "element-binding-loosened",
    "business-rule",
    en="{id} has a {new} binding, but in {base} it is required. A profile cannot loosen it.",
    fr="{id} a une liaison {new}, mais dans {base} elle est required. Un profil ne peut la relâcher.",
)
MUST_SUPPORT_REVOKED = Complaint(
    "element-must-support-revoked",
    "business-rule",
    en="{id} has mustSupport false, but {base} says true. A profile cannot take it back.",
    fr="{id} a mustSupport false, mais {base} dit true. Un profil ne peut le retirer.",
)
SUMMARY_CHANGED = Complaint(
    "element-summary-changed",
    "business-rule",
    en="{id} has isSummary {new}, but {base} says {old}. A profile cannot change it.",
    fr="{id} a isSummary {new}, mais {base} dit {old}. Un profil ne peut le changer.",
)
PROFILE_UNKNOWN = Complaint(
    "snapshot-profile-unknown",
    "not-found",
    en="{id} is of profile {profile}, which is not known here: what it says is left out of the snapshot.",
    fr="{id} est du profil {profile}, qui n'est pas connu ici : ce qu'il dit manque au snapshot.",
    severity="warning",
)
TARGET_UNKNOWN = Complaint(
    "snapshot-target-unknown",
    "not-found",
    en="{id} refers to {profile}, which is not known here: whether {base} allows that cannot be told.",
    fr="{id} se réfère à {profile}, qui n'est pas connu ici : on ne peut dire si {base} le permet.",
    severity="warning",
)

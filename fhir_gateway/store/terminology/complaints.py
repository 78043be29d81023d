"""What can be wrong with loading and removing code systems, beyond the files themselves (`terminology/releases`)."""

from __future__ import annotations

from fhir_gateway.fhir.outcome import Complaint

ALREADY_LOADING = Complaint(
    "terminology-load-at-work",
    "lock-error",
    en="{system} is being loaded by another process ({holder}). Wait for its end.",
    fr="{system} est en cours de chargement par un autre processus ({holder}). Attendez sa fin.",
)
NOT_LOADED = Complaint(
    "terminology-not-loaded",
    "not-found",
    en="{system} is not loaded. Loaded are: {loaded}.",
    fr="{system} n'est pas chargé. Sont chargés : {loaded}.",
)
OVERTAKEN = Complaint(
    "terminology-load-overtaken",
    "conflict",
    en="The load of {system} stood still for so long that another process began anew. Nothing of it is kept.",
    fr="Le chargement de {system} est resté arrêté si longtemps qu'un autre processus l'a repris. Rien n'en est gardé.",
)
KIND_UNKNOWN = Complaint(
    "terminology-kind-unknown",
    "not-supported",
    en="'{kind}' is no release that can be loaded; these are: {kinds}.",
    fr="« {kind} » n'est pas une livraison que l'on sait charger ; celles-ci le sont : {kinds}.",
)

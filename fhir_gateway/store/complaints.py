"""What the store complains of."""

from __future__ import annotations

from fhir_gateway.fhir.outcome import Complaint

STORE_UNAVAILABLE = Complaint(
    "store-unavailable",
    "transient",
    en="The database cannot answer now ({reason}). Nothing was written; send the request again later.",
    fr="La base de données ne peut pas répondre ({reason}). Rien n'a été écrit ; renvoyez la requête plus tard.",
)
SEARCH_TOO_COSTLY = Complaint(
    "search-too-costly",
    "too-costly",
    en="The search took longer than {seconds} s and was ended. Add a more selective parameter, or ask for fewer rows.",
    fr="La recherche a dépassé {seconds} s et a été arrêtée. Ajoutez un paramètre plus sélectif ou demandez moins "
    "de lignes.",
)
WRITE_CONTENDED = Complaint(
    "write-contended",
    "lock-error",
    en="Other writes to the same resources kept this one from being carried out; send it again.",
    fr="D'autres écritures sur les mêmes ressources ont empêché celle-ci ; renvoyez-la.",
)

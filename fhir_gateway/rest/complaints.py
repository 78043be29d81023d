"""What the front door itself complains about: URLs, methods, media types, bodies, limits.

Source: FHIR R4, RESTful API, "Status codes"; RFC 9110 HTTP Semantics.
"""

from __future__ import annotations

from typing import ClassVar

from fhir_gateway.fhir.outcome import Complaint, FhirError, Issue, NotAllowed, Unavailable

UNKNOWN_TYPE = Complaint(
    "unknown-type",
    "not-supported",
    "{type} is not a resource type of FHIR R4{hint}. [base]/metadata lists the types; capitals matter.",
    "{type} n'est pas un type de ressource de FHIR R4{hint}. [base]/metadata liste les types, majuscules comprises.",
)
UNKNOWN_URL = Complaint(
    "unknown-url",
    "not-found",
    "FHIR has no interaction at {place}; the shapes are [type]/[id], [type]?…, [type]/[id]/_history/[version].",
    "FHIR n'a pas d'interaction à {place} ; les formes sont [type]/[id], [type]?…, [type]/[id]/_history/[version].",
)
METHOD_NOT_ALLOWED = Complaint(
    "method-not-allowed",
    "not-supported",
    "{method} is not allowed at {place}. Allowed: {allowed}.",
    "{method} n'est pas permis à {place}. Permis : {allowed}.",
)
MALFORMED_ID = Complaint(
    "malformed-id",
    "value",
    "{id} is not a FHIR id: 1 to 64 of the characters A-Z, a-z, 0-9, - and .",
    "{id} n'est pas un id FHIR : 1 à 64 caractères parmi A-Z, a-z, 0-9, - et .",
)
OUTSIDE_BASE = Complaint(
    "outside-base",
    "not-found",
    "Nothing is served at {place}. The FHIR base is {base}; the documentation is at /docs.",
    "Rien n'est servi à {place}. La base FHIR est {base} ; la documentation est à /docs.",
)
MALFORMED_ESCAPE = Complaint(
    "malformed-escape",
    "invalid",
    "{place} holds a percent sign that does not begin an escape of UTF-8 text; write a literal % as %25.",
    "{place} contient un signe pour cent qui ne commence pas un échappement de texte UTF-8 ; un % seul s'écrit %25.",
)
NUL_CHARACTER = Complaint(
    "nul-character",
    "value",
    "{place} holds the character U+0000, which no FHIR string may hold; remove it.",
    "{place} contient le caractère U+0000, qu'aucune chaîne FHIR ne peut contenir ; retirez-le.",
)
HOST_NOT_SERVED = Complaint(
    "host-not-served",
    "invalid",
    "This gateway does not answer for the host {host}. Use the address it listens on, or name the host in the "
    "setting allowed_hosts or public_url.",
    "Cette passerelle ne répond pas pour l'hôte {host}. Utilisez l'adresse où elle écoute, ou nommez l'hôte dans le "
    "réglage allowed_hosts ou public_url.",
)
NOT_ACCEPTABLE = Complaint(
    "not-acceptable",
    "not-supported",
    "None of the media types asked for ({asked}) is served. Served: application/fhir+json, application/fhir+xml, "
    "application/json, application/xml, text/json, text/xml.",
    "Aucun des types de média demandés ({asked}) n'est servi. Servis : application/fhir+json, application/fhir+xml, "
    "application/json, application/xml, text/json, text/xml.",
)
FHIR_VERSION_NOT_SERVED = Complaint(
    "fhir-version-not-served",
    "not-supported",
    "FHIR version {version} is not served; this gateway speaks fhirVersion=4.0.",
    "La version {version} de FHIR n'est pas servie ; cette passerelle parle fhirVersion=4.0.",
)
UNKNOWN_FORMAT = Complaint(
    "unknown-format",
    "not-supported",
    "_format={format} is not served; use json, xml or one of their media types.",
    "_format={format} n'est pas servi ; utilisez json, xml ou l'un de leurs types de média.",
)
NOT_A_BOOLEAN = Complaint(
    "not-a-boolean",
    "value",
    "{name}={value} is not a boolean; use true or false.",
    "{name}={value} n'est pas un booléen ; utilisez true ou false.",
)
MEDIA_TYPE_NOT_TAKEN = Complaint(
    "media-type-not-taken",
    "not-supported",
    "A body of Content-Type {media_type} is not taken here. Taken: {taken}.",
    "Un corps de Content-Type {media_type} n'est pas accepté ici. Acceptés : {taken}.",
)
PATCH_TYPE_NOT_TAKEN = Complaint(
    "patch-type-not-taken",
    "not-supported",
    "A PATCH body of Content-Type {media_type} is not taken. Taken: {json_patch}, an array of operations (RFC 6902), "
    "and a FHIRPath Patch, a Parameters resource, as {fhirpath_patch}. To replace the whole resource use PUT.",
    "Un corps de PATCH de Content-Type {media_type} n'est pas accepté. Acceptés : {json_patch}, un tableau "
    "d'opérations (RFC 6902), et un FHIRPath Patch, ressource Parameters, en {fhirpath_patch}. Pour remplacer toute la "
    "ressource, utilisez PUT.",
)
CHARSET_NOT_TAKEN = Complaint(
    "charset-not-taken",
    "not-supported",
    "The charset {charset} is not taken; FHIR is always sent as UTF-8.",
    "Le jeu de caractères {charset} n'est pas accepté ; FHIR est toujours envoyé en UTF-8.",
)
CONTENT_ENCODING_NOT_TAKEN = Complaint(
    "content-encoding-not-taken",
    "not-supported",
    "The Content-Encoding {encoding} is not taken. Taken: gzip, or none.",
    "Le Content-Encoding {encoding} n'est pas accepté. Acceptés : gzip, ou aucun.",
)
BROKEN_GZIP = Complaint(
    "broken-gzip",
    "structure",
    "The body is declared as gzip but cannot be inflated to its end; send it whole, or without Content-Encoding.",
    "Le corps est déclaré gzip mais ne peut être décompressé jusqu'au bout ; envoyez-le entier, ou sans "
    "Content-Encoding.",
)
BODY_TOO_LARGE = Complaint(
    "body-too-large",
    "too-long",
    "The body is larger than the {limit} bytes this gateway takes (after inflation); split it, or ask the operator "
    "to raise max_body_bytes.",
    "Le corps dépasse les {limit} octets que cette passerelle accepte (après décompression) ; divisez-le, ou demandez "
    "à l'exploitant de relever max_body_bytes.",
)
BODY_TOO_SLOW = Complaint(
    "body-too-slow",
    "timeout",
    "The body did not arrive within {seconds} seconds; nothing was done. Send it again.",
    "Le corps n'est pas arrivé en {seconds} secondes ; rien n'a été fait. Renvoyez-le.",
)
TOO_BUSY = Complaint(
    "too-busy",
    "throttled",
    "The gateway is at work on as much as it takes at once; nothing was done. Send the request again after {seconds} "
    "seconds.",
    "La passerelle traite déjà tout ce qu'elle accepte à la fois ; rien n'a été fait. Renvoyez la requête après "
    "{seconds} secondes.",
)
TIME_LIMIT = Complaint(
    "time-limit",
    "timeout",
    "The work took longer than {seconds} seconds and is no longer waited for. A write may still be carried out: read "
    "before you send it again.",
    "Le travail a pris plus de {seconds} secondes et n'est plus attendu. Une écriture peut encore aboutir : lisez "
    "avant de la renvoyer.",
)
NOT_OPEN = Complaint(
    "not-open",
    "transient",
    "The gateway is starting or stopping; send the request again in a moment.",
    "La passerelle démarre ou s'arrête ; renvoyez la requête dans un instant.",
)
DEFECT = Complaint(
    "defect",
    "exception",
    "A defect of the gateway kept it from answering. Tell its operator the incident {incident}.",
    "Un défaut de la passerelle l'a empêchée de répondre. Signalez l'incident {incident} à son exploitant.",
    severity="fatal",
)


class MethodNotAllowed(NotAllowed):
    """The URL exists, the method does not apply to it; `allowed` fills the Allow header."""

    def __init__(self, issue: Issue, allowed: tuple[str, ...]) -> None:
        super().__init__(issue)
        self.allowed = allowed


class RequestTimeout(FhirError):
    """The body did not arrive in time."""

    status = 408


class Overloaded(Unavailable):
    """Too many requests at once; `retry_after` seconds is soon, since nothing is broken."""

    retry_after: ClassVar[int] = 1


# --- messages of HL7 v2

NO_ER7 = Complaint(
    "hl7v2-media-type",
    "not-supported",
    en="Messages of HL7 v2 are not taken as {sent}. Send them in their ER7 encoding, as {known}.",
    fr="Les messages HL7 v2 ne sont pas reçus en {sent}. Envoyez-les dans leur encodage ER7, en {known}.",
)
ROLE_NOT_MEANT = Complaint(
    "hl7v2-role",
    "forbidden",
    en="The role {role} may not do this: it is for {meant}.",
    fr="Le rôle {role} ne le peut pas : c'est réservé au rôle {meant}.",
)
MESSAGE_UNKNOWN = Complaint(
    "message-unknown",
    "not-found",
    en="There is no message {mid} in the log.",
    fr="Il n'y a pas de message {mid} dans le journal.",
)
FILTER_UNKNOWN = Complaint(
    "message-filter-unknown",
    "invalid",
    en="The log of messages is not asked by {name}. Known: {known}.",
    fr="Le journal des messages ne s'interroge pas par {name}. Connus : {known}.",
)
FILTER_STATE = Complaint(
    "message-filter-state",
    "value",
    en="state names no state of messages. States, separated by commas: {known}.",
    fr="state ne désigne aucun état de message. Les états, séparés par des virgules : {known}.",
)
FILTER_NUMBER = Complaint(
    "message-filter-number",
    "value",
    en="mid, before and last are numbers of messages; mid may be several, separated by commas.",
    fr="mid, before et last sont des numéros de messages ; mid peut en donner plusieurs, séparés par des virgules.",
)
OUTGOING_NUMBER = Complaint(
    "outgoing-filter-number",
    "value",
    en="oid, before and last are numbers of messages; oid may be several, separated by commas.",
    fr="oid, before et last sont des numéros de messages ; oid peut en donner plusieurs, séparés par des virgules.",
)
OUTGOING_UNNAMED = Complaint(
    "outgoing-unnamed",
    "required",
    en="Say which messages: oid or state. Nobody should do this to all of them by accident; try it with dry-run=true.",
    fr="Dites quels messages : oid ou state. Personne ne doit le faire à tous par accident ; essayez avec "
    "dry-run=true.",
)
OUTGOING_SENDING = Complaint(
    "outgoing-sending",
    "conflict",
    en="Message {oid} is being sent. Wait for what comes of it.",
    fr="Le message {oid} est en cours d'envoi. Attendez ce qu'il en advient.",
)
OUTGOING_SUPERSEDED = Complaint(
    "outgoing-superseded",
    "business-rule",
    en="Message {oid} is not sent again: what was sent since tells of the same report as it is now. Send that again.",
    fr="Le message {oid} n'est pas renvoyé : ce qui a été envoyé depuis dit le même compte rendu tel qu'il est "
    "maintenant. Renvoyez celui-là.",
)
OUTGOING_SET_ASIDE = Complaint(
    "outgoing-set-aside",
    "informational",
    en="Somebody set it aside. Send it again if it is to go after all.",
    fr="Quelqu'un l'a écarté. Renvoyez-le s'il doit partir malgré tout.",
    severity="information",
)
OUTGOING_SETTLED = Complaint(
    "outgoing-settled",
    "conflict",
    en="Message {oid} waits for nothing: it was taken, or was set aside already.",
    fr="Le message {oid} n'attend rien : il a été reçu, ou déjà écarté.",
)

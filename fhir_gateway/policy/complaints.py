"""What policy complains of: tokens that are not valid, and acts that are not allowed.

A text about a token helps an honest client to mend it and tells nobody more: neither which keys there are, nor whom a
token is about. Source: RFC 6750, "The WWW-Authenticate Response Header Field"; OperationOutcome, "login", "forbidden".
"""

from __future__ import annotations

from fhir_gateway.fhir.outcome import Complaint

TOKEN_MISSING = Complaint(
    "token-missing",
    "login",
    en="This needs an access token: send it as 'Authorization: Bearer …'. {base}/.well-known/smart-configuration says "
    "where one is had.",
    fr="Il faut un jeton d'accès : envoyez-le comme « Authorization: Bearer … ». "
    "{base}/.well-known/smart-configuration dit où l'obtenir.",
)
TOKEN_MALFORMED = Complaint(
    "token-malformed",
    "login",
    en="The access token is no signed JWT (three parts of base64url, at most {limit} characters).",
    fr="Le jeton d'accès n'est pas un JWT signé (trois parties en base64url, au plus {limit} caractères).",
)
TOKEN_ALGORITHM = Complaint(
    "token-algorithm",
    "login",
    en="The access token is not signed with an algorithm that is accepted: {accepted}.",
    fr="Le jeton d'accès n'est pas signé par un algorithme accepté : {accepted}.",
)
TOKEN_ISSUER = Complaint(
    "token-issuer",
    "login",
    en="The issuer of the access token (iss) is not one that this gateway trusts.",
    fr="L'émetteur du jeton d'accès (iss) n'est pas de ceux auxquels cette passerelle se fie.",
)
TOKEN_SIGNATURE = Complaint(
    "token-signature",
    "login",
    en="The signature of the access token is not one of its issuer's keys.",
    fr="La signature du jeton d'accès ne correspond à aucune clé de son émetteur.",
)
TOKEN_AUDIENCE = Complaint(
    "token-audience",
    "login",
    en="The access token is meant for another audience (aud) than {audience}.",
    fr="Le jeton d'accès est destiné à une autre audience (aud) que {audience}.",
)
TOKEN_EXPIRED = Complaint(
    "token-expired",
    "expired",
    en="The access token has expired (exp): ask for a new one.",
    fr="Le jeton d'accès a expiré (exp) : demandez-en un nouveau.",
)
TOKEN_TOO_EARLY = Complaint(
    "token-too-early",
    "login",
    en="The access token is not valid yet (nbf, iat): check the clocks.",
    fr="Le jeton d'accès n'est pas encore valable (nbf, iat) : vérifiez les horloges.",
)
TOKEN_CLAIM = Complaint(
    "token-claim",
    "login",
    en="The access token lacks the claim {claim}, or it is not of the form that is expected.",
    fr="Il manque au jeton d'accès la revendication {claim}, ou elle n'a pas la forme attendue.",
)
TOKEN_ROLE = Complaint(
    "token-role",
    "forbidden",
    en="The access token names no role of this gateway: there are {roles}.",
    fr="Le jeton d'accès ne nomme aucun rôle de cette passerelle : il y a {roles}.",
)
KEYS_AWAY = Complaint(
    "token-keys-away",
    "transient",
    en="The keys of the token's issuer cannot be had at the moment: try again.",
    fr="Les clés de l'émetteur du jeton ne peuvent être obtenues pour l'instant : réessayez.",
)

"""Why a message that goes out has not been taken, as the people who look after it are told.

Source: HL7 v2.5.1, chapter 2, 2.9.2; `fhir_gateway/delivery/mllp_client.py`.
"""

from __future__ import annotations

from typing import Any, Final

from fhir_gateway.fhir.outcome import Complaint, Issue

NO_CONNECTION: Final = Complaint(
    "outgoing-no-connection",
    "transient",
    "There is no connection to the destination: {reason}. It is tried again; see whether its listener runs, and "
    "whether host and port are right.",
    "Pas de connexion avec le destinataire : {reason}. Un nouvel essai suivra ; voyez si son serveur écoute, et si "
    "host et port sont justes.",
)
CERTIFICATE: Final = Complaint(
    "outgoing-certificate",
    "security",
    "TLS with the destination failed: {reason}. Compare its certificate with authority and certificate_name, and ours "
    "with what it asks for.",
    "TLS a échoué avec le destinataire : {reason}. Comparez son certificat avec authority et certificate_name, et le "
    "nôtre avec ce qu'il demande.",
)
NOT_TAKEN: Final = Complaint(
    "outgoing-not-taken",
    "timeout",
    "The destination took only a part of the message in {seconds} s. The connection was ended; it is sent again.",
    "Le destinataire n'a pris qu'une partie du message en {seconds} s. La connexion a été fermée ; l'envoi sera "
    "repris.",
)
NO_ANSWER: Final = Complaint(
    "outgoing-no-answer",
    "timeout",
    "The destination gave no answer in {seconds} s. The connection was ended; the same bytes are sent again, so it may "
    "see them twice.",
    "Le destinataire n'a pas répondu en {seconds} s. La connexion a été fermée ; les mêmes octets seront renvoyés, il "
    "peut donc les voir deux fois.",
)
ENDED: Final = Complaint(
    "outgoing-ended",
    "transient",
    "The destination ended the connection before it answered. It is sent again.",
    "Le destinataire a fermé la connexion avant de répondre. L'envoi sera repris.",
)
OTHERS_ONLY: Final = Complaint(
    "outgoing-other-answers",
    "processing",
    "The destination answers to other messages only: its MSA-2 is never our MSH-10. It is sent again.",
    "Le destinataire ne répond qu'à d'autres messages : son MSA-2 n'est jamais notre MSH-10. L'envoi sera repris.",
)
TOO_OLD: Final = Complaint(
    "outgoing-too-old",
    "timeout",
    "It was given up after {hours} h (give_up_hours). Send it again once the destination takes messages.",
    "Il a été abandonné après {hours} h (give_up_hours). Renvoyez-le quand le destinataire reçoit de nouveau.",
)


def told(*issues: Issue) -> dict[str, Any]:
    """Return issues as an entry keeps them: in both languages, since who asks for them later may speak either."""
    return {
        "issues": [
            {"code": each.complaint.detail, "text": {"en": each.text("en"), "fr": each.text("fr")}} for each in issues
        ]
    }

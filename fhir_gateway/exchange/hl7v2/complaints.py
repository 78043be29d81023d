"""What can be wrong with the bytes of a message, and the error condition (HL7 table 0357) that an ERR segment tells.

Source: HL7 v2.5.1, chapter 2, 2.14 (delimiters, escapes), 2.15.5 (ERR); HL7 tables 0211 and 0357.
"""

from __future__ import annotations

from fhir_gateway.fhir.outcome import Complaint, InvalidRequest, Issue

NOT_A_MESSAGE = Complaint(
    "hl7v2-no-message",
    "structure",
    en="No message: no segment MSH begins a line. A message begins with MSH and its delimiters, as in MSH|^~\\&|.",
    fr="Pas de message : aucun segment MSH ne débute une ligne. Un message commence par MSH et ses délimiteurs, comme "
    "MSH|^~\\&|.",
)
HPRIM = Complaint(
    "hl7v2-hprim",
    "not-supported",
    en="This is HPRIM Santé (it begins with H|), not HL7 v2: nothing here reads it.",
    fr="C'est du HPRIM Santé (il commence par H|), pas du HL7 v2 : rien ici ne le lit.",
)
XML_ENCODING = Complaint(
    "hl7v2-xml-encoding",
    "not-supported",
    en="This is HL7 v2 in XML: send it in its ER7 encoding, with delimiters.",
    fr="C'est du HL7 v2 en XML : envoyez-le dans son encodage ER7, à délimiteurs.",
)
CHARSET_UNKNOWN = Complaint(
    "hl7v2-charset-unknown",
    "not-supported",
    en="The character set {charset} of MSH-18 is not read here. Known: {known}.",
    fr="Le jeu de caractères {charset} de MSH-18 n'est pas lu ici. Connus : {known}.",
)
NOT_OF_CHARSET = Complaint(
    "hl7v2-not-of-charset",
    "value",
    en="Byte {offset} of the message is not {charset}, which MSH-18 declares. Send what MSH-18 says, or declare what "
    "is sent.",
    fr="L'octet {offset} du message n'est pas du {charset}, que MSH-18 déclare. Envoyez ce que MSH-18 annonce, ou "
    "déclarez ce qui est envoyé.",
)
LOOKS_LIKE_UTF_8 = Complaint(
    "hl7v2-looks-like-utf-8",
    "value",
    en="MSH-18 declares {charset}, but the bytes are UTF-8: read as declared, names would be wrong. Declare "
    "UNICODE UTF-8.",
    fr="MSH-18 déclare {charset}, mais les octets sont de l'UTF-8 : lus comme déclaré, les noms seraient faux. "
    "Déclarez UNICODE UTF-8.",
)
CHARSET_GUESSED = Complaint(
    "hl7v2-charset-guessed",
    "value",
    en="MSH-18 declares no character set and the bytes are not UTF-8: read as {guessed}. Declare what is sent.",
    fr="MSH-18 ne déclare aucun jeu de caractères et les octets ne sont pas de l'UTF-8 : lus comme {guessed}. "
    "Déclarez ce qui est envoyé.",
    severity="warning",
)
NOT_OF_SYSTEM = Complaint(
    "hl7v2-code-not-of-system",
    "code-invalid",
    en="A code in {type} is said to be of {system}, which has it not: it is kept under a name of the sender's. Name "
    "the system that it is of.",
    fr="Un code dans {type} est dit de {system}, qui ne le contient pas : il est gardé sous un nom propre à "
    "l'émetteur. Nommez le système dont il est.",
    severity="warning",
)
WINDOWS_1252 = Complaint(
    "hl7v2-windows-1252",
    "value",
    en="MSH-18 declares {charset}, but some bytes are letters in windows-1252 alone (œ, €): read as that. Declare and "
    "send 8859/15, or UNICODE UTF-8.",
    fr="MSH-18 déclare {charset}, mais des octets ne sont des lettres qu'en windows-1252 (œ, €) : lus comme tel. "
    "Déclarez et envoyez du 8859/15, ou de l'UNICODE UTF-8.",
    severity="warning",
)
EVENT_UNKNOWN = Complaint(
    "hl7v2-event-unknown",
    "not-supported",
    en="No mapping is known for messages {event}, and they are not among those that are taken without one.",
    fr="Aucune correspondance n'est connue pour les messages {event}, et ils ne sont pas de ceux qui sont reçus sans.",
)


class Unreadable(InvalidRequest):
    """Bytes that are no message that can be read.

    condition: of HL7 table 0357, for ERR-3. location: ERR-2, as "MSH^1^18"; "" where there is no place.
    """

    def __init__(self, issue: Issue, condition: str, location: str = "") -> None:
        super().__init__(issue)
        self.condition = condition
        self.location = location
